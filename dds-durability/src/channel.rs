//! One channel: the samples of one topic, type, partition and QoS, and the endpoints that carry them.
//!
//! Its writer offers exactly what the original writers offer, so that whoever matches it matches every
//! one of them as well. Hence the rule of the hand-over, which is all there is to it: a sample goes into the
//! history of the channel's writer when its original writer has gone, and is withheld from the readers
//! that were matched by then, because that writer has served them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
};

use dds_core::{
    DomainParticipant,
    error::DdsResult,
    qos::{Duration, LivelinessKind, OwnershipStrength, PublicationQos, SubscriptionQos},
    raw::{
        Acknowledgement, MatchedReader, RawEvent, RawReader, RawReaderConfig, RawSample, RawTopic, RawWriter,
    },
    rtps::{
        change::{Audience, CacheChange, ChangeKind},
        discovery::PublicationData,
        message::OriginalWriterInfo,
        structure::{EntityId, EntityKind, Guid, GuidPrefix, SequenceNumber, VendorId},
        time::{Monotonic, Now, Timestamp},
    },
};

use crate::{
    archive::{Archive, Incoming, Place, Refusal, Rules},
    keys::Keys,
    record::Record,
    store::{ChannelId, Step, StoredChannel},
};

/// The name that the service's endpoints announce for people, and by which services know each other.
pub(crate) const ENDPOINT_NAME: &str = "dds-durability";

/// Readers of ours drop what they have already, and so may be served once more when they came shortly
/// before a writer was heard for the last time: it may not have served them. As long as a lease: a
/// participant lost to silence was silent for one.
const OWN_GRACE: Duration = Duration::from_secs(10);

/// What a channel is.
#[derive(Clone, Debug)]
pub(crate) struct Description {
    pub(crate) topic: RawTopic,
    pub(crate) qos: PublicationQos,
    /// Whether its writers send key hashes only to readers that ask for inline QoS, as those of Fast DDS 2 do.
    /// Others, as those of Cyclone DDS, match no reader that asks: hence a channel for each.
    asks_for_inline_qos: bool,
}

impl Description {
    /// The channel that a writer belongs to: what matching does not look at, and what a service has no use
    /// for, is left out.
    pub(crate) fn of(guid: Guid, topic_name: &str, type_name: &str, qos: &PublicationQos) -> Self {
        let mut qos = qos.clone();
        qos.partition.0.sort();
        qos.partition.0.dedup();
        if qos.partition.0.iter().all(String::is_empty) {
            qos.partition.0.clear();
        }
        qos.user_data.0.clear();
        qos.group_data.0.clear();
        // Whoever is alive is stronger than what a dead writer left.
        qos.ownership_strength = OwnershipStrength(i32::MIN);
        let has_key = guid.entity_id.kind() == EntityKind::WRITER_WITH_KEY;
        let topic = RawTopic { topic_name: topic_name.to_owned(), type_name: type_name.to_owned(), has_key };
        Self { topic, qos, asks_for_inline_qos: has_key && guid.prefix.0.starts_with(&VendorId::EPROSIMA.0) }
    }

    /// Equal for equal channels; the form on disk. `None` when no parameter can hold it.
    pub(crate) fn to_bytes(&self) -> Option<Vec<u8>> {
        let kind = if self.topic.has_key { EntityKind::WRITER_WITH_KEY } else { EntityKind::WRITER_NO_KEY };
        let mut prefix = GuidPrefix::UNKNOWN;
        if self.asks_for_inline_qos {
            // A GUID begins with its vendor.
            let octets = prefix.0.iter_mut().zip(VendorId::EPROSIMA.0);
            octets.for_each(|(octet, vendor)| *octet = vendor);
        }
        let guid = Guid::new(prefix, EntityId::new(1, kind));
        let (topic, name) = (&self.topic.topic_name, &self.topic.type_name);
        let mut bytes = Vec::new();
        PublicationData::new(guid, topic, name, self.qos.clone()).encode(&mut bytes).ok()?;
        Some(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let data = PublicationData::decode(bytes, VendorId::OURS).ok()?;
        let guid = data.endpoint_guid;
        let has_key = guid.entity_id.kind() == EntityKind::WRITER_WITH_KEY;
        let topic = RawTopic { topic_name: data.topic_name, type_name: data.type_name, has_key };
        let asks_for_inline_qos = guid.prefix.0.starts_with(&VendorId::EPROSIMA.0);
        Some(Self { topic, qos: data.qos, asks_for_inline_qos })
    }

    /// What the channel's reader asks for: no more than its writers offer, and nothing of weaker ones.
    fn subscription(&self) -> SubscriptionQos {
        SubscriptionQos {
            durability: self.qos.durability.clone(),
            reliability: self.qos.reliability.clone(),
            latency_budget: self.qos.latency_budget.clone(),
            ownership: self.qos.ownership.clone(),
            partition: self.qos.partition.clone(),
            data_representation: self.qos.data_representation.clone(),
            ..SubscriptionQos::default()
        }
    }
}

/// Records to be served, each with the readers it is withheld from.
type Batch = BTreeMap<Place, Arc<BTreeSet<Guid>>>;

/// Whether a TRANSIENT or PERSISTENT writer keeps nothing for late joiners, as those of OpenSplice and of
/// Cyclone DDS, which came of it: `handle_as_transient_local` in its `ddsi_endpoint.c` is true of
/// TRANSIENT_LOCAL alone. A GUID begins with its vendor (RTPS 2.5 §9.3.1.5).
fn leaves_late_joiners_to_services(writer: Guid) -> bool {
    const THESE: [VendorId; 2] = [VendorId::OPENSPLICE, VendorId::CYCLONE];
    THESE.iter().any(|vendor| writer.prefix.0.starts_with(&vendor.0))
}

/// What a channel counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) refused: u64,
    pub(crate) nameless: u64,
}

/// One channel.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) description: Description,
    pub(crate) archive: Archive,
    pub(crate) reader: RawReader,
    writer: RawWriter,
    /// Records in the writer's history, with their numbers there.
    served: BTreeMap<Place, SequenceNumber>,
    /// Up to where changes of each writer were taken and not confirmed yet.
    taken: HashMap<Guid, SequenceNumber>,
    /// Writers that have gone, and when they were heard last.
    departed: Vec<(Guid, Monotonic)>,
    /// New records of living writers that leave late joiners to a service.
    left_to_us: Vec<Place>,
    removed: Vec<Place>,
    /// Where samples come without a key hash.
    pub(crate) keys: Keys,
    /// Events that wait until it is known what the type is.
    waiting: VecDeque<RawEvent>,
    pub(crate) counters: Counters,
}

impl Channel {
    pub(crate) fn new(
        participant: &DomainParticipant,
        id: ChannelId,
        description: Description,
        persistent: bool,
    ) -> DdsResult<Self> {
        let config = RawReaderConfig {
            acknowledgement: if persistent { Acknowledgement::Confirmed } else { Acknowledgement::AtOnce },
            expects_inline_qos: description.asks_for_inline_qos,
            ..RawReaderConfig::default()
        };
        let name = Some(ENDPOINT_NAME);
        let reader = participant.raw_reader(&description.topic, description.subscription(), config, name)?;
        let writer = participant.raw_writer(&description.topic, description.qos.clone(), name)?;
        Ok(Self {
            id,
            archive: Archive::new(Rules::new(&description.qos)),
            description,
            reader,
            writer,
            served: BTreeMap::new(),
            taken: HashMap::new(),
            departed: Vec::new(),
            left_to_us: Vec::new(),
            removed: Vec::new(),
            keys: Keys::default(),
            waiting: VecDeque::new(),
            counters: Counters::default(),
        })
    }

    /// Puts back what was on disk.
    pub(crate) fn restore(&mut self, now: Now, stored: StoredChannel) {
        for (place, record) in stored.records {
            self.archive.restore(place, record);
        }
        for (writer, latest) in stored.writers {
            self.archive.restore_writer(writer, latest);
        }
        self.archive.restored(now);
    }

    /// Whether there is nothing to keep and nobody who might write.
    pub(crate) fn is_idle(&self) -> bool {
        self.archive.is_empty() && self.archive.present_writers() == 0
    }

    pub(crate) fn served(&self) -> usize {
        self.served.len()
    }

    /// Takes an event in; `is_member` says whether a writer belongs here. `room` is what the service's memory
    /// has left.
    pub(crate) fn handle(
        &mut self,
        now: Now,
        event: RawEvent,
        is_member: bool,
        room: usize,
        steps: Option<&mut Vec<Step>>,
    ) {
        match event {
            RawEvent::Matched(data) if is_member => {
                tracing::debug!(topic = data.topic_name, writer = %data.endpoint_guid, "keeping what it writes");
                self.archive.writer_joined(data.endpoint_guid, data.qos.ownership_strength.0);
            }
            RawEvent::Matched(_) => {}
            RawEvent::Change(change) => self.take(now, &change, room, steps),
            RawEvent::Liveliness { writer, alive } => self.archive.writer_liveliness(now, writer, alive),
            RawEvent::Unmatched { writer, heard } => {
                self.taken.remove(&writer);
                if self.archive.is_present(writer) {
                    self.archive.writer_left(now, writer);
                    self.departed.push((writer, heard));
                }
            }
        }
    }

    /// Whether a change can only be kept when it is known what its type is, which nobody has asked yet.
    pub(crate) fn needs_type(&self, event: &RawEvent) -> bool {
        let RawEvent::Change(change) = event else { return false };
        self.description.topic.has_key
            && change.key_hash.is_none()
            && matches!(self.keys, Keys::Unasked)
            && self.archive.knows(change.writer_guid)
    }

    /// Takes the next events, those first that had to wait. Whether there are more.
    pub(crate) fn next_events(&mut self, max: usize, events: &mut Vec<RawEvent>) -> bool {
        events.extend(self.waiting.drain(..));
        self.reader.take(max, events)
    }

    /// Puts back what cannot be handled yet.
    pub(crate) fn put_back(&mut self, events: impl Iterator<Item = RawEvent>) {
        self.waiting.extend(events);
    }

    fn take(&mut self, now: Now, change: &CacheChange, room: usize, steps: Option<&mut Vec<Step>>) {
        self.taken.insert(change.writer_guid, change.sequence_number);
        if !self.archive.knows(change.writer_guid) {
            // Another channel's.
            return;
        }
        let Some(record) = self.record_of(now, change) else { return };
        let incoming = Incoming { kind: change.kind, record };
        match self.archive.admit(now, incoming, room, &mut self.removed) {
            Ok(place) => {
                if leaves_late_joiners_to_services(change.writer_guid) {
                    self.left_to_us.push(place);
                }
                if let (Some(steps), Some(record)) = (steps, self.archive.record(place)) {
                    steps.push(Step::Put(self.id, place, record.clone()));
                }
            }
            Err(Refusal::Full) => {
                if self.counters.refused == 0 {
                    tracing::warn!(
                        topic = self.description.topic.topic_name,
                        "a limit is reached; samples are not kept: see DURABILITY_SERVICE and the memory limit"
                    );
                }
                self.counters.refused += 1;
            }
            Err(reason) => {
                tracing::trace!(?reason, writer = %change.writer_guid, "a sample is not kept");
            }
        }
    }

    fn record_of(&mut self, now: Now, change: &CacheChange) -> Option<Record> {
        let key_hash = change.key_hash.or_else(|| self.keys.hash(change));
        let instance = match (self.description.topic.has_key, key_hash) {
            (false, _) => [0; 16],
            (true, Some(hash)) => hash.0,
            (true, None) => {
                if self.counters.nameless == 0 {
                    tracing::warn!(
                        topic = self.description.topic.topic_name,
                        writer = %change.writer_guid,
                        keys = ?self.keys,
                        "its samples carry no key hash, and nobody tells what their type consists of, so that \
                         their instances cannot be told apart: not kept"
                    );
                }
                self.counters.nameless += 1;
                return None;
            }
        };
        Some(Record {
            kind: change.kind,
            instance,
            key_hash: key_hash.filter(|_| self.description.topic.has_key),
            source_timestamp: change.source_timestamp.unwrap_or(now.wall),
            writer: change.writer_guid,
            number: change.sequence_number,
            expiry: Timestamp::MAX,
            payload: change.payload.clone(),
        })
    }

    /// Lets time pass.
    pub(crate) fn expire(&mut self, now: Now) {
        self.archive.expire(now, &mut self.removed);
    }

    /// Ends a burst before it is committed: what was removed leaves the history, and the disk with it.
    pub(crate) fn settle(&mut self, mut steps: Option<&mut Vec<Step>>) {
        let mut numbers = Vec::new();
        for place in self.removed.drain(..) {
            numbers.extend(self.served.remove(&place));
            if let Some(steps) = &mut steps {
                steps.push(Step::Remove(self.id, place));
            }
        }
        if !numbers.is_empty() {
            self.writer.forget(numbers);
        }
        let forgotten = self.archive.take_forgotten_writers();
        if let Some(steps) = steps {
            let latest = |writer: &Guid| Some((*writer, self.archive.latest(*writer)?));
            let news = self.taken.keys().filter_map(latest);
            steps.extend(news.map(|(writer, number)| Step::Latest(self.id, writer, number)));
            steps.extend(forgotten.into_iter().map(|writer| Step::ForgetWriter(self.id, writer)));
        }
    }

    /// After the commit: what was taken is safe.
    pub(crate) fn confirm(&mut self) {
        for (writer, through) in self.taken.drain() {
            self.reader.confirm(writer, through);
        }
    }

    /// Serves what writers that have gone left behind, and what living ones leave to services.
    pub(crate) fn hand_over(&mut self, now: Now) {
        let departed = std::mem::take(&mut self.departed);
        let new = std::mem::take(&mut self.left_to_us);
        if departed.is_empty() && new.is_empty() {
            return;
        }
        let mut batch = self.left_by(&departed);
        // Whoever is matched now has it from its writer.
        let readers = self.writer.matched();
        let others = self.served_elsewhere(&readers, now.monotonic);
        let new = new.into_iter().filter(|place| self.archive.record(*place).is_some());
        batch.extend(new.map(|place| (place, Arc::clone(&others))));
        self.serve(batch);
    }

    /// Serves what writers left behind of which nothing was heard since the service started.
    pub(crate) fn hand_over_absent(&mut self) {
        let absent: Vec<_> =
            self.archive.absent_writers().into_iter().map(|writer| (writer, Monotonic::ZERO)).collect();
        let batch = self.left_by(&absent);
        self.serve(batch);
    }

    /// What writers left behind that is not served yet, each with the readers it is withheld from.
    fn left_by(&self, departed: &[(Guid, Monotonic)]) -> Batch {
        let mut batch = Batch::new();
        let readers = if departed.is_empty() { Vec::new() } else { self.writer.matched() };
        for (writer, heard) in departed {
            let others = self.served_elsewhere(&readers, *heard);
            let places = self.archive.places_of(*writer).into_iter();
            let places = places.filter(|place| !self.served.contains_key(place));
            batch.extend(places.map(|place| (place, Arc::clone(&others))));
        }
        batch
    }

    fn serve(&mut self, mut batch: Batch) {
        // Samples of one instance keep their order, whoever of their writers went first: what follows
        // goes behind.
        let mut again: BTreeSet<Place> = BTreeSet::new();
        for place in batch.keys() {
            let Some(record) = self.archive.record(*place) else { continue };
            let following = self.archive.places_in(&record.instance, *place);
            again.extend(following.iter().filter(|place| self.served.contains_key(place)));
        }
        if !again.is_empty() {
            let readers = self.writer.matched();
            let everybody: Arc<BTreeSet<Guid>> =
                Arc::new(readers.iter().map(|reader| reader.data.endpoint_guid).collect());
            self.writer.forget(again.iter().filter_map(|place| self.served.remove(place)));
            batch.extend(again.into_iter().map(|place| (place, Arc::clone(&everybody))));
        }
        let samples: Vec<_> = batch
            .iter()
            .filter_map(|(place, others)| Some((*place, sample_of(self.archive.record(*place)?, others))))
            .collect();
        if samples.is_empty() {
            return;
        }
        tracing::debug!(
            topic = self.description.topic.topic_name,
            samples = samples.len(),
            "serving what their writers do not"
        );
        let places: Vec<_> = samples.iter().map(|(place, _)| *place).collect();
        let first = self.writer.write_all(samples.into_iter().map(|(_, sample)| sample));
        let numbers = (0..).map(|offset| first.plus(offset));
        self.served.extend(places.into_iter().zip(numbers));
    }

    /// The readers that had what a writer kept, which was `heard` last then.
    fn served_elsewhere(&self, readers: &[MatchedReader], heard: Monotonic) -> Arc<BTreeSet<Guid>> {
        let has_it = |reader: &&MatchedReader| self.is_served_elsewhere(reader, heard);
        Arc::new(readers.iter().filter(has_it).map(|reader| reader.data.endpoint_guid).collect())
    }

    /// Whether a reader had what a writer kept, which was `heard` last then.
    fn is_served_elsewhere(&self, reader: &MatchedReader, heard: Monotonic) -> bool {
        let guid = reader.data.endpoint_guid;
        let own = guid.prefix.0.starts_with(&VendorId::OURS.0);
        if own && reader.data.entity_name.as_deref() == Some(ENDPOINT_NAME) {
            // This or another service.
            return true;
        }
        let since = if own { reader.since.after(OWN_GRACE) } else { reader.since };
        since <= heard
    }

    /// Asserts the liveliness that the channel's writer offers, where that is not done by itself.
    pub(crate) fn assert_liveliness(&self) {
        if self.description.qos.liveliness.kind == LivelinessKind::ManualByTopic {
            self.writer.assert_liveliness();
        }
    }

    /// How often that must be done.
    pub(crate) fn assertion_period(&self) -> Option<u64> {
        let liveliness = &self.description.qos.liveliness;
        let lease = liveliness.lease_duration.as_nanos()?;
        (liveliness.kind != LivelinessKind::Automatic).then_some((lease / 3).max(1_000_000))
    }
}

fn sample_of(record: &Record, others: &Arc<BTreeSet<Guid>>) -> RawSample {
    let payload = match record.kind {
        ChangeKind::Alive => record.payload.clone(),
        _ => padded(record),
    };
    RawSample {
        kind: record.kind,
        payload,
        key_hash: record.key_hash,
        source_timestamp: Some(record.source_timestamp),
        original_writer_info: Some(OriginalWriterInfo {
            writer_guid: record.writer,
            sequence_number: record.number,
        }),
        audience: match others.is_empty() {
            true => Audience::ALL,
            false => Audience::all_but(Arc::clone(others)),
        },
    }
}

/// The key payload of a disposal; long enough not to be taken for a key hash by Fast DDS.
fn padded(record: &Record) -> dds_core::rtps::payload::Payload {
    const NO_KEY_HASH: usize = 20;
    if record.payload.is_empty() || record.payload.len() >= NO_KEY_HASH {
        return record.payload.clone();
    }
    let mut bytes = record.payload.to_vec();
    bytes.resize(NO_KEY_HASH, 0);
    bytes.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(vendor: VendorId, kind: EntityKind) -> Description {
        let mut prefix = GuidPrefix([7; 12]);
        prefix.0[..2].copy_from_slice(&vendor.0);
        let guid = Guid::new(prefix, EntityId::new(3, kind));
        Description::of(guid, "Square", "ShapeType", &PublicationQos::default())
    }

    #[test]
    fn writers_that_send_key_hashes_on_demand_have_a_channel_of_their_own_on_disk_too() {
        let bytes = |description: Description| description.to_bytes().unwrap();
        let fastdds = described(VendorId::EPROSIMA, EntityKind::WRITER_WITH_KEY);
        assert!(fastdds.asks_for_inline_qos);
        let stored = bytes(fastdds);
        let restored = Description::from_bytes(&stored).unwrap();
        assert!(restored.asks_for_inline_qos && restored.topic.has_key);
        assert_eq!(bytes(restored), stored);
        let cyclone = described(VendorId::CYCLONE, EntityKind::WRITER_WITH_KEY);
        assert!(!cyclone.asks_for_inline_qos);
        assert_ne!(bytes(cyclone.clone()), stored);
        assert_eq!(bytes(cyclone), bytes(described(VendorId::OURS, EntityKind::WRITER_WITH_KEY)));
        let keyless = [VendorId::EPROSIMA, VendorId::CYCLONE]
            .map(|vendor| bytes(described(vendor, EntityKind::WRITER_NO_KEY)));
        assert_eq!(keyless[0], keyless[1], "nothing is asked for where there are no keys");
    }
}
