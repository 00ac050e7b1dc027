//! Readers and writers of serialised samples, for services that carry topics whose types they do not
//! know.
//!
//! They are endpoints like all others: announced, matched by name and QoS, reliable if so asked. What
//! they do not have is a cache. A [`RawReader`] hands out changes as they came and may leave it to the
//! user when they are acknowledged; a [`RawWriter`] keeps what it is given until it is told to forget it.

use std::sync::{Arc, atomic::AtomicI16};

use dds_qos::{
    DataReaderQos, DataWriterQos, Durability, Duration, LivelinessKind, PublicationQos, SubscriptionQos,
    TopicQos,
};
use dds_rtps::{
    change::{Audience, CacheChange, ChangeKind},
    discovery::{PublicationData, SubscriptionData},
    message::{InlineQosToSend, OriginalWriterInfo},
    payload::{Payload, PayloadPool},
    reader::{Offer, ReaderConfig, StatefulReader},
    structure::{EntityKind, Guid, KeyHash, SequenceNumber},
    time::{Monotonic, Now, Timestamp},
    writer::{StatefulWriter, WriterConfig},
};
use dds_types::DataRepresentationId;
use parking_lot::Mutex;

use super::{DomainParticipant, participant::check_consistent, writer::inline_parameters};
pub use crate::engine::RawEvent;
use crate::{
    builtin::ParticipantBuiltinTopicData,
    cache::{CollectionOrder, ReaderCache, WriterCache},
    condition::StatusCondition,
    engine::{
        Batching, Observer, ReaderEndpoint, ReaderState, TapLimits, TopicShared, Window, WriterEndpoint,
        WriterState,
    },
    error::DdsResult,
    lifecycle::Lifecycle,
    status::StatusMask,
    type_support::TypeSupport,
};

/// A topic by what is announced of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RawTopic {
    /// Its name.
    pub topic_name: String,
    /// The name of its type.
    pub type_name: String,
    /// Whether its samples belong to instances: writers and readers of both kinds do not match.
    pub has_key: bool,
}

/// When a [`RawReader`] acknowledges what it got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Acknowledgement {
    /// As soon as it is in memory.
    AtOnce,
    /// When [`RawReader::confirm`] says that it is safe.
    Confirmed,
}

/// How much a [`RawReader`] lets wait for [`RawReader::take`], and when it acknowledges.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawReaderConfig {
    /// Changes that may wait; a reliable writer keeps the rest.
    pub max_changes: usize,
    /// Bytes of memory that those may keep.
    pub max_bytes: usize,
    /// When changes are acknowledged.
    pub acknowledgement: Acknowledgement,
    /// Whether writers are asked for inline QoS (RTPS 2.5 §8.4.10.1, expectsInlineQos): some, as those of
    /// Fast DDS 2, send the key hash of a sample only then; those of Cyclone DDS match no such reader.
    pub expects_inline_qos: bool,
}

impl Default for RawReaderConfig {
    /// 16,384 changes and 16 MiB, acknowledged at once, without inline QoS that nobody sends unasked.
    fn default() -> Self {
        Self {
            max_changes: 16_384,
            max_bytes: 16 << 20,
            acknowledgement: Acknowledgement::AtOnce,
            expects_inline_qos: false,
        }
    }
}

/// A change for a [`RawWriter`] to keep.
#[derive(Clone, Debug, Default)]
pub struct RawSample {
    /// What it does to its instance.
    pub kind: ChangeKind,
    /// The serialised value with its encapsulation header; the serialised key where `kind` is not
    /// [`ChangeKind::Alive`], or nothing.
    pub payload: Payload,
    /// The digest of its key.
    pub key_hash: Option<KeyHash>,
    /// When it was written; now if not given.
    pub source_timestamp: Option<Timestamp>,
    /// Who first wrote it, if that is another writer.
    pub original_writer_info: Option<OriginalWriterInfo>,
    /// Who gets it. Readers that are matched later than it is written are among all.
    pub audience: Audience,
}

/// A reader that is matched with a [`RawWriter`].
#[derive(Clone, Debug)]
pub struct MatchedReader {
    /// What it announced.
    pub data: Arc<SubscriptionData>,
    /// Since when.
    pub since: Monotonic,
}

/// Reads serialised samples. It is deleted when it is dropped.
pub struct RawReader {
    participant: DomainParticipant,
    endpoint: Arc<ReaderEndpoint>,
}

impl std::fmt::Debug for RawReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawReader").field("guid", &self.endpoint.guid).finish_non_exhaustive()
    }
}

impl Drop for RawReader {
    fn drop(&mut self) {
        if self.participant.check_usable("drop").is_ok() {
            self.participant.engine().remove_reader(&self.endpoint);
        }
    }
}

/// Writes serialised samples. It is deleted when it is dropped.
pub struct RawWriter {
    participant: DomainParticipant,
    endpoint: Arc<WriterEndpoint>,
}

impl std::fmt::Debug for RawWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawWriter").field("guid", &self.endpoint.guid).finish_non_exhaustive()
    }
}

impl Drop for RawWriter {
    fn drop(&mut self) {
        if self.participant.check_usable("drop").is_ok() {
            self.participant.engine().remove_writer(&self.endpoint);
        }
    }
}

/// The caches of raw endpoints stay empty, so that any type does.
fn no_type() -> TypeSupport {
    TypeSupport::of::<ParticipantBuiltinTopicData>(None)
}

impl DomainParticipant {
    fn raw_topic(&self, topic: &RawTopic) -> Arc<TopicShared> {
        let lifecycle = Lifecycle::enabled("Topic");
        let (name, type_name) = (&topic.topic_name, &topic.type_name);
        Arc::new(TopicShared::new(self, name, type_name, TopicQos::default(), lifecycle))
    }

    /// The time by which the participant's protocol runs.
    pub fn now(&self) -> Now {
        self.engine().environment.now()
    }

    /// A reader of serialised samples that announces `qos` and, for people, `name`.
    ///
    /// # Errors
    /// [`DdsError::InconsistentPolicy`](crate::error::DdsError::InconsistentPolicy),
    /// [`DdsError::OutOfResources`](crate::error::DdsError::OutOfResources) for want of entity ids.
    pub fn raw_reader(
        &self,
        topic: &RawTopic,
        qos: SubscriptionQos,
        config: RawReaderConfig,
        name: Option<&str>,
    ) -> DdsResult<RawReader> {
        self.check_usable("raw_reader")?;
        let kind = if topic.has_key { EntityKind::READER_WITH_KEY } else { EntityKind::READER_NO_KEY };
        let guid = Guid::new(self.guid().prefix, self.next_entity_id(kind)?);
        let own = DataReaderQos {
            // What others passed on is as good as what came from the writer.
            durability: Durability::VOLATILE,
            reliability: qos.reliability.clone(),
            ..DataReaderQos::default()
        };
        check_consistent(own.is_consistent())?;
        let engine = self.engine();
        let cache = ReaderCache::new(&own, CollectionOrder::ByArrival, no_type(), engine.handles.clone());
        let machine = StatefulReader::new(ReaderConfig::new(guid));
        let offer = match config.acknowledgement {
            Acknowledgement::AtOnce => Offer::Done,
            Acknowledgement::Confirmed => Offer::Unconfirmed,
        };
        let limits = TapLimits { changes: config.max_changes, bytes: config.max_bytes, offer };
        let handle = engine.handles.allocate();
        let observer = Observer::new(handle, Some(self.0.observer.clone()));
        observer.condition().set_enabled_statuses(StatusMask::DATA_AVAILABLE);
        let endpoint = Arc::new(ReaderEndpoint {
            group: None,
            guid,
            handle,
            topic: self.raw_topic(topic),
            observer: Arc::new(observer),
            lifecycle: Lifecycle::enabled("DataReader"),
            armed: Default::default(),
            state: Mutex::new(ReaderState::new(machine, cache, None, own).tapped(limits)),
        });
        let mut data = SubscriptionData::new(guid, &topic.topic_name, &topic.type_name, qos);
        data.entity_name = name.map(str::to_owned);
        data.expects_inline_qos = config.expects_inline_qos;
        engine.add_reader(&endpoint, data);
        Ok(RawReader { participant: self.clone(), endpoint })
    }

    /// A writer of serialised samples that announces `qos` and, for people, `name`.
    ///
    /// # Errors
    /// As [`DomainParticipant::raw_reader`].
    pub fn raw_writer(
        &self,
        topic: &RawTopic,
        qos: PublicationQos,
        name: Option<&str>,
    ) -> DdsResult<RawWriter> {
        self.check_usable("raw_writer")?;
        let kind = if topic.has_key { EntityKind::WRITER_WITH_KEY } else { EntityKind::WRITER_NO_KEY };
        let guid = Guid::new(self.guid().prefix, self.next_entity_id(kind)?);
        let own = DataWriterQos {
            durability: qos.durability.clone(),
            reliability: qos.reliability.clone(),
            ..DataWriterQos::default()
        };
        check_consistent(own.is_consistent())?;
        let engine = self.engine();
        let config = self.config();
        let overhead = engine.protect.as_ref().map_or(0, |protect| protect.overhead());
        let mut machine = StatefulWriter::new(WriterConfig {
            message_sizes: config.message_sizes(overhead),
            fragment_size: config.fragment_size,
            ..WriterConfig::new(guid)
        });
        machine.set_inline_parameters(inline_parameters(&qos));
        let cache = WriterCache::new(&own, engine.handles.clone());
        let window = Window { changes: config.window_samples, bytes: config.window_bytes };
        let batching = Batching { bytes: config.batch_bytes, window: Duration::ZERO };
        // Payloads come with their buffers.
        let pool = Arc::new(Mutex::new(PayloadPool::new(0)));
        let handle = engine.handles.allocate();
        let observer = Observer::new(handle, Some(self.0.observer.clone()));
        let representation = qos.data_representation.0.first().copied().unwrap_or(DataRepresentationId::XCDR);
        let endpoint = Arc::new(WriterEndpoint {
            guid,
            handle,
            topic: self.raw_topic(topic),
            type_support: no_type(),
            representation: AtomicI16::new(representation.0),
            lifecycle: Lifecycle::enabled("DataWriter"),
            observer: Arc::new(observer),
            group: None,
            armed: Default::default(),
            activity: Default::default(),
            pool: pool.clone(),
            sent: Default::default(),
            state: Mutex::new(WriterState::new(machine, cache, own, window, batching, pool)),
        });
        let mut data = PublicationData::new(guid, &topic.topic_name, &topic.type_name, qos);
        data.entity_name = name.map(str::to_owned);
        let manual = data.qos.liveliness.kind != LivelinessKind::Automatic;
        let activity = engine.add_writer(&endpoint, data);
        if manual {
            // A new writer's activity is set once.
            let _ = endpoint.activity.set(activity);
        }
        Ok(RawWriter { participant: self.clone(), endpoint })
    }
}

impl RawReader {
    /// The reader's GUID.
    pub fn guid(&self) -> Guid {
        self.endpoint.guid
    }

    /// True while there is something to take.
    pub fn status_condition(&self) -> StatusCondition {
        self.endpoint.observer.condition().clone()
    }

    /// Appends the oldest events, at most `max`, to `events`. Whether there are more.
    pub fn take(&self, max: usize, events: &mut Vec<RawEvent>) -> bool {
        let engine = self.participant.engine();
        let now = engine.environment.now();
        let more = self.endpoint.state.lock().take_raw(now, max, events, &self.endpoint.observer);
        engine.settle_reader(now, &self.endpoint);
        engine.drain_loopback(now);
        more
    }

    /// Says that the changes of `writer` up to `through` are safe, so that they are acknowledged; without
    /// effect under [`Acknowledgement::AtOnce`].
    pub fn confirm(&self, writer: Guid, through: SequenceNumber) {
        let engine = self.participant.engine();
        let now = engine.environment.now();
        self.endpoint.state.lock().machine.confirm(now.monotonic, writer, through);
        engine.settle_reader(now, &self.endpoint);
        engine.drain_loopback(now);
    }
}

impl RawWriter {
    /// The writer's GUID.
    pub fn guid(&self) -> Guid {
        self.endpoint.guid
    }

    /// The matched readers.
    pub fn matched(&self) -> Vec<MatchedReader> {
        let state = self.endpoint.state.lock();
        let reader = |known: &crate::engine::MatchedSubscription| MatchedReader {
            data: known.data.clone(),
            since: known.since,
        };
        state.matched.values().map(reader).collect()
    }

    /// Keeps samples for late joiners, and sends them to the matched readers among their audience. Returns
    /// the number of the first; the others follow it.
    pub fn write_all(&self, samples: impl IntoIterator<Item = RawSample>) -> SequenceNumber {
        let engine = self.participant.engine();
        let now = engine.environment.now();
        let mut state = self.endpoint.state.lock();
        let first = state.machine.history().next_number();
        for sample in samples {
            let mut payload = sample.payload;
            if let Some(protect) = &engine.protect {
                let mut bytes = payload.to_vec();
                protect.protect_payload(self.endpoint.guid, &mut bytes);
                payload = bytes.into();
            }
            let inline_qos = sample.original_writer_info.map(|original| {
                Box::new(InlineQosToSend { original_writer_info: Some(original), ..Default::default() })
            });
            state.machine.add_change(CacheChange {
                kind: sample.kind,
                writer_guid: self.endpoint.guid,
                sequence_number: SequenceNumber::UNKNOWN,
                source_timestamp: Some(sample.source_timestamp.unwrap_or(now.wall)),
                key_hash: sample.key_hash,
                payload,
                inline_qos,
                audience: sample.audience,
            });
        }
        engine.flush_state(now, &self.endpoint, state);
        engine.drain_loopback(now);
        first
    }

    /// Forgets samples: who comes later does not get them.
    pub fn forget(&self, numbers: impl IntoIterator<Item = SequenceNumber>) {
        let mut state = self.endpoint.state.lock();
        for number in numbers {
            state.machine.remove_change(number);
        }
    }

    /// Asserts the liveliness of a writer with LIVELINESS MANUAL_BY_TOPIC.
    pub fn assert_liveliness(&self) {
        self.participant.engine().assert_writer_liveliness(&self.endpoint);
    }
}
