//! The other ends, Cyclone DDS's or ours: how they are known, and where their pongs go.

use std::{collections::HashMap, time::Duration};

use dds_core::{
    DataReader, DataWriter, DomainParticipant, Topic,
    builtin::ParticipantBuiltinTopicData,
    qos::Duration as DdsDuration,
    rtps::structure::{Guid, GuidPrefix},
};

use super::{endpoints, samples::PerfSample};
use crate::Failure;

/// What the USER_DATA of such participants begins with.
const MAGIC: &str = "DDSPerf:";

/// How long others have to come, and to match.
const PATIENCE: Duration = Duration::from_secs(60);

/// The USER_DATA of this process: others expect a reader of data where it says so, and every other endpoint.
pub fn user_data(reads_data: bool) -> Vec<u8> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.as_deref().map_or("?", str::trim);
    format!("{MAGIC}{}:{}:{host}", u8::from(reads_data), std::process::id()).into_bytes()
}

/// Whether it reads data, and its name; `None` of a participant that is no such end.
fn announced(user_data: &[u8]) -> Option<(bool, String)> {
    let text = std::str::from_utf8(user_data).ok()?.strip_prefix(MAGIC)?;
    let mut parts = text.splitn(3, ':');
    let reads_data = parts.next()?.parse::<i32>().ok()? != 0;
    let process: i64 = parts.next()?.parse().ok()?;
    Some((reads_data, format!("{}:{process}", parts.next()?)))
}

/// The partition in which a participant waits for pongs to its own pings.
pub fn partition(participant: Guid) -> String {
    let words = participant.to_bytes();
    let words: Vec<String> =
        words.chunks(4).map(|word| word.iter().map(|byte| format!("{byte:02x}")).collect()).collect();
    words.join("_")
}

/// Another end.
pub struct Peer<T: PerfSample> {
    /// Host and process.
    pub name: String,
    reads_data: bool,
    /// `None` when the participant is gone.
    pub pong: Option<DataWriter<T>>,
    /// Pongs that it was sent.
    pub answered: u64,
    /// Of pings of ours, in nanoseconds.
    pub trips: Vec<u32>,
}

/// Every other end that came.
pub struct Peers<T: PerfSample> {
    pub known: HashMap<GuidPrefix, Peer<T>>,
    pub participants: DataReader<ParticipantBuiltinTopicData>,
    topic: Topic<T>,
    is_reliable: bool,
}

impl<T: PerfSample> Peers<T> {
    pub fn new(participant: &DomainParticipant, topic: Topic<T>, is_reliable: bool) -> Result<Self, Failure> {
        let participants = participant.builtin_subscriber().participant_reader()?;
        Ok(Self { known: HashMap::new(), participants, topic, is_reliable })
    }

    /// Those that have not left.
    pub fn present(&self) -> impl Iterator<Item = &Peer<T>> {
        self.known.values().filter(|peer| peer.pong.is_some())
    }

    /// Learns who came and who left.
    pub fn meet(&mut self) -> Result<(), Failure> {
        for sample in self.participants.take()? {
            let guid = sample.key().guid();
            let Some(data) = sample.data() else {
                if let Some(peer) = self.known.get_mut(&guid.prefix) {
                    peer.pong = None;
                }
                continue;
            };
            if let Some((reads_data, name)) = announced(&data.user_data.0)
                && !self.known.contains_key(&guid.prefix)
            {
                let pong = endpoints::writer(&self.topic, self.is_reliable).keep_last(1);
                let pong = Some(pong.partition(partition(guid)).build()?);
                self.known
                    .insert(guid.prefix, Peer { name, reads_data, pong, answered: 0, trips: Vec::new() });
            }
        }
        Ok(())
    }

    /// Whose participant this is.
    pub fn peer(&mut self, prefix: GuidPrefix) -> Result<Option<&mut Peer<T>>, Failure> {
        if !self.known.contains_key(&prefix) {
            self.meet()?;
        }
        Ok(self.known.get_mut(&prefix))
    }

    /// Waits for so many, and until every endpoint of theirs is matched.
    pub fn wait(
        &mut self,
        wanted: usize,
        writers: [&DataWriter<T>; 2],
        readers: &[DataReader<T>],
    ) -> Result<(), Failure> {
        let limit = DdsDuration::from(PATIENCE);
        while self.present().count() < wanted {
            self.participants.wait_for_data(limit).map_err(|error| format!("{wanted} others: {error}"))?;
            self.meet()?;
        }
        let [ping, data] = writers;
        ping.wait_matched(wanted, limit)?;
        data.wait_matched(self.present().filter(|peer| peer.reads_data).count(), limit)?;
        for reader in readers {
            reader.wait_matched(wanted, limit)?;
        }
        for pong in self.present().filter_map(|peer| peer.pong.as_ref()) {
            pong.wait_matched(1, limit)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{announced, partition};
    use dds_core::rtps::structure::Guid;

    /// From a capture of ddsperf 0.10.2.
    #[test]
    fn ends_are_known_by_what_ddsperf_announces() {
        let captured = b"\x44\x44\x53\x50\x65\x72\x66\x3a\x31\x3a\x34\x37\x38\x38\x3a\x76\x6d";
        assert_eq!(announced(captured), Some((true, "vm:4788".to_owned())));
        assert_eq!(announced(b"DDSPerf:0:12:a:b"), Some((false, "a:b:12".to_owned())));
        for other in
            [&b""[..], b"DDSPerf:", b"DDSPerf:1:x:vm", b"DDSPerf:1:2", b"ddsperf:1:2:vm", b"DDSPerf:1:2:\xFF"]
        {
            assert_eq!(announced(other), None);
        }
        let guid = Guid::from_bytes([
            0x01, 0x10, 0x52, 0x61, 0x86, 0xb1, 0xd7, 0x46, 0xfe, 0x53, 0x3e, 0x95, 0x00, 0x00, 0x01, 0xc1,
        ]);
        assert_eq!(partition(guid), "01105261_86b1d746_fe533e95_000001c1");
    }
}
