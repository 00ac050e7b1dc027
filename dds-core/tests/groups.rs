//! Samples for the readers of several processes leave once, to a group, by real sockets.

mod common;

use common::{Domain, PATIENCE, Reading, reading, wait_for};
use dds_core::{DataReader, DataWriter, DomainParticipant, ParticipantConfig, UserMulticast};

const READERS: usize = 4;
const SAMPLES: u64 = 200;

/// Datagrams that leave the writer's participant for [`SAMPLES`] that are written and taken one by one.
fn datagrams(change: impl Fn(&mut ParticipantConfig), best_effort: bool) -> u64 {
    let domain = Domain::new(81);
    let mut config = ParticipantConfig { shared_memory: false, ..domain.config() };
    change(&mut config);
    // Each has sockets of its own.
    let participant = || domain.builder().config(config.clone()).build().unwrap();
    let here = participant();
    let writer: DataWriter<Reading> = here.topic("Reading").unwrap().writer().keep_all().build().unwrap();
    let others: Vec<DomainParticipant> = (0..READERS).map(|_| participant()).collect();
    let reader = |other: &DomainParticipant| -> DataReader<Reading> {
        let topic = other.topic("Reading").unwrap();
        if best_effort {
            topic.reader().best_effort().keep_all().build().unwrap()
        } else {
            topic.reader().reliable().keep_all().build().unwrap()
        }
    };
    let readers: Vec<DataReader<Reading>> = others.iter().map(reader).collect();
    writer.wait_matched(READERS, PATIENCE.into()).unwrap();
    readers.iter().for_each(|reader| reader.wait_matched(1, PATIENCE.into()).unwrap());
    let mut number = 0;
    let mut write = |count: u64| {
        let before = sent(&here);
        for _ in 0..count {
            number += 1;
            let sample = reading(1, number);
            writer.write(&sample).unwrap();
            for reader in &readers {
                let arrives = || reader.take().unwrap().iter().any(|taken| taken.data() == Some(&sample));
                wait_for(arrives);
            }
        }
        sent(&here) - before
    };
    // Announcements pass the group soon, if they ever do.
    wait_for(|| config.user_multicast == UserMulticast::Disabled || write(1) == 1);
    write(SAMPLES)
}

fn sent(participant: &DomainParticipant) -> u64 {
    participant.statistics().runtime.unwrap().datagrams_sent
}

#[test]
fn one_datagram_serves_all_readers_of_a_group() {
    for best_effort in [false, true] {
        let sent = datagrams(|_| {}, best_effort);
        // What discovery sends meanwhile may be counted along.
        assert!(sent < SAMPLES + SAMPLES / 10, "{sent} datagrams for {SAMPLES} samples");
    }
}

#[test]
fn without_groups_each_is_sent_to_by_itself() {
    let sent = datagrams(|config| config.user_multicast = UserMulticast::Disabled, false);
    assert!(sent >= SAMPLES * READERS as u64, "{sent} datagrams for {SAMPLES} samples");
}
