//! The built-in topics: what discovery knows of other participants and their endpoints, as samples
//! (DDS 1.4 §2.2.5).
//!
//! ```
//! use dds_core::{DdsType, DomainParticipant, sample::InstanceState};
//!
//! #[derive(DdsType)]
//! struct Position {
//!     x: f64,
//!     y: f64,
//! }
//!
//! # fn main() -> Result<(), dds_core::error::DdsError> {
//! let here = DomainParticipant::builder(80).loopback_only().build()?;
//! let publications = here.builtin_subscriber().publication_reader()?;
//!
//! let there = DomainParticipant::builder(80).loopback_only().build()?;
//! let writer = there.topic::<Position>("Position")?.writer().reliable().build()?;
//!
//! publications.wait_for_data(std::time::Duration::from_secs(5).into())?;
//! let samples = publications.take()?;
//! let publication = samples[0].data().expect("a new writer");
//! assert_eq!(publication.key.guid(), writer.guid());
//! assert_eq!(publication.topic_name, "Position");
//! assert!(publication.qos.reliability.is_reliable());
//!
//! drop(writer);
//! publications.wait_for_data(std::time::Duration::from_secs(5).into())?;
//! let samples = publications.take()?;
//! assert_eq!(samples[0].info().instance_state, InstanceState::NotAliveDisposed);
//! # Ok(())
//! # }
//! ```
//!
//! The readers show other participants' entities, not one's own (§2.2.5). A sample's instance handle
//! is the handle by which `matched_publications`, `publication_handle` and others name the entity. An
//! entity that is gone, whyever, is disposed of.
//!
//! A reader comes into being when it is asked for, filled with all that is known, and goes with its
//! last clone; until then discovery does nothing for it.

mod data;

use dds_qos::{
    AccessScope, DataReaderQos, Durability, DurabilityKind, Presentation, Reliability, ReliabilityKind,
    SubscriberQos, TopicQos,
};
use dds_rtps::structure::EntityId;
use dds_types::TopicType;

pub use data::{
    BuiltinTopicKey, ParticipantBuiltinTopicData, PublicationBuiltinTopicData, SubscriptionBuiltinTopicData,
    TopicBuiltinTopicData,
};

use crate::{
    DataReader, DomainParticipant, Subscriber, Topic, WeakReader, WeakSubscriber,
    engine::{PARTICIPANT_READER, PUBLICATION_READER, SUBSCRIPTION_READER, TOPIC_READER},
    error::DdsResult,
};

/// The topic of [`ParticipantBuiltinTopicData`].
pub const PARTICIPANT_TOPIC_NAME: &str = "DCPSParticipant";
/// The topic of [`TopicBuiltinTopicData`].
pub const TOPIC_TOPIC_NAME: &str = "DCPSTopic";
/// The topic of [`PublicationBuiltinTopicData`].
pub const PUBLICATION_TOPIC_NAME: &str = "DCPSPublication";
/// The topic of [`SubscriptionBuiltinTopicData`].
pub const SUBSCRIPTION_TOPIC_NAME: &str = "DCPSSubscription";

/// The built-in readers in use, which only their users keep.
#[derive(Default)]
pub(crate) struct BuiltinReaders {
    subscriber: WeakSubscriber,
    participants: Option<WeakReader<ParticipantBuiltinTopicData>>,
    topics: Option<WeakReader<TopicBuiltinTopicData>>,
    publications: Option<WeakReader<PublicationBuiltinTopicData>>,
    subscriptions: Option<WeakReader<SubscriptionBuiltinTopicData>>,
}

/// The readers of the built-in topics of one participant: see the [module](self) and
/// [`DomainParticipant::builtin_subscriber`].
#[derive(Clone, Debug)]
pub struct BuiltinSubscriber {
    participant: DomainParticipant,
}

/// A reader of a built-in topic, whichever.
#[derive(Clone, Debug)]
pub enum BuiltinReader {
    /// Of `DCPSParticipant`.
    Participant(DataReader<ParticipantBuiltinTopicData>),
    /// Of `DCPSTopic`.
    Topic(DataReader<TopicBuiltinTopicData>),
    /// Of `DCPSPublication`.
    Publication(DataReader<PublicationBuiltinTopicData>),
    /// Of `DCPSSubscription`.
    Subscription(DataReader<SubscriptionBuiltinTopicData>),
}

macro_rules! accessors {
    ($($(#[$doc:meta])* $name:ident: $Sample:ident in $slot:ident, $topic:ident, $entity_id:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// [`IllegalOperation`](crate::error::DdsError::IllegalOperation) in a forked child,
        /// [`OutOfResources`](crate::error::DdsError::OutOfResources) when the participant has no
        /// entity id left.
        pub fn $name(&self) -> DdsResult<DataReader<$Sample>> {
            let subscriber = self.subscriber()?;
            let mut readers = self.participant.0.builtin.lock();
            if let Some(reader) = readers.$slot.as_ref().and_then(WeakReader::upgrade) {
                return Ok(reader);
            }
            let reader = new_reader(subscriber, $topic, $entity_id);
            readers.$slot = Some(reader.downgrade());
            Ok(reader)
        }
    )*};
}

impl BuiltinSubscriber {
    pub(crate) fn new(participant: DomainParticipant) -> Self {
        Self { participant }
    }

    /// The subscriber that its readers belong to, for its listener and status condition.
    ///
    /// # Errors
    /// As [`BuiltinSubscriber::participant_reader`].
    pub fn subscriber(&self) -> DdsResult<Subscriber> {
        self.participant.check_usable("builtin_subscriber")?;
        let mut readers = self.participant.0.builtin.lock();
        if let Some(subscriber) = readers.subscriber.upgrade() {
            return Ok(subscriber);
        }
        let presentation = Presentation { access_scope: AccessScope::Topic, ..Presentation::default() };
        let qos = SubscriberQos { presentation, ..SubscriberQos::default() };
        let subscriber = Subscriber::builtin(self.participant.clone(), qos)?;
        readers.subscriber = subscriber.downgrade();
        Ok(subscriber)
    }

    accessors! {
        /// Tells of other participants: `DCPSParticipant`.
        participant_reader: ParticipantBuiltinTopicData in participants, PARTICIPANT_TOPIC_NAME, PARTICIPANT_READER;
        /// Tells of the topics of their endpoints: `DCPSTopic`.
        topic_reader: TopicBuiltinTopicData in topics, TOPIC_TOPIC_NAME, TOPIC_READER;
        /// Tells of their writers: `DCPSPublication`.
        publication_reader: PublicationBuiltinTopicData in publications, PUBLICATION_TOPIC_NAME, PUBLICATION_READER;
        /// Tells of their readers: `DCPSSubscription`.
        subscription_reader: SubscriptionBuiltinTopicData in subscriptions, SUBSCRIPTION_TOPIC_NAME, SUBSCRIPTION_READER;
    }

    /// The reader of the built-in topic with this name (DDS 1.4 §2.2.2.5.2.7 `lookup_datareader`);
    /// `None` when there is no such topic.
    ///
    /// # Errors
    /// As [`BuiltinSubscriber::participant_reader`].
    pub fn lookup_reader(&self, topic_name: &str) -> DdsResult<Option<BuiltinReader>> {
        Ok(Some(match topic_name {
            PARTICIPANT_TOPIC_NAME => BuiltinReader::Participant(self.participant_reader()?),
            TOPIC_TOPIC_NAME => BuiltinReader::Topic(self.topic_reader()?),
            PUBLICATION_TOPIC_NAME => BuiltinReader::Publication(self.publication_reader()?),
            SUBSCRIPTION_TOPIC_NAME => BuiltinReader::Subscription(self.subscription_reader()?),
            _ => return Ok(None),
        }))
    }
}

/// The QoS that DDS 1.4 §2.2.5 gives these readers.
fn reader_qos() -> DataReaderQos {
    DataReaderQos {
        reliability: Reliability { kind: ReliabilityKind::Reliable, ..Reliability::default() },
        durability: Durability(DurabilityKind::TransientLocal),
        ..DataReaderQos::default()
    }
}

fn new_reader<T: TopicType>(subscriber: Subscriber, topic_name: &str, entity_id: EntityId) -> DataReader<T> {
    let topic = Topic::builtin(subscriber.participant().clone(), topic_name, TopicQos::default());
    DataReader::builtin(subscriber, &topic, entity_id, reader_qos())
}
