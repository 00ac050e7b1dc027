//! Writers and readers in the making, with the policies that are set most often as methods.

use std::future::{Ready, ready};

use dds_qos::{
    DataReaderQos, DataRepresentation, DataWriterQos, Deadline, Durability, DurabilityKind, Duration,
    History, HistoryKind, Lifespan, Liveliness, LivelinessKind, Ownership, OwnershipKind, OwnershipStrength,
    Partition, PublisherQos, ReliabilityKind, ResourceLimits, SubscriberQos, TypeConsistencyEnforcement,
};
use dds_types::{DataRepresentationId, TopicType};

use super::{ContentFilteredTopic, DataReader, DataWriter, Publisher, Subscriber, Topic};
use crate::error::DdsResult;

/// A change of the QoS that the builder begins with, once that is known.
type Edit<Q> = Box<dyn FnOnce(&mut Q) + Send>;

/// QoS in the making: of what to begin with, and what is to be different.
struct Draft<Q> {
    base: Base<Q>,
    edits: Vec<Edit<Q>>,
}

/// What an endpoint's QoS begins with.
enum Base<Q> {
    /// The default of its publisher or subscriber.
    Default,
    /// That, with what its topic has.
    Topic,
    Given(Box<Q>),
}

impl<Q> Draft<Q> {
    fn new() -> Self {
        Self { base: Base::Default, edits: Vec::new() }
    }

    /// Begins anew.
    fn set_base(&mut self, base: Base<Q>) {
        *self = Self { base, edits: Vec::new() };
    }

    fn edit(&mut self, edit: impl FnOnce(&mut Q) + Send + 'static) {
        self.edits.push(Box::new(edit));
    }

    fn finish(self, default: impl FnOnce() -> Q, from_topic: impl FnOnce(Q) -> Q) -> Q {
        let mut qos = match self.base {
            Base::Default => default(),
            Base::Topic => from_topic(default()),
            Base::Given(qos) => *qos,
        };
        for edit in self.edits {
            edit(&mut qos);
        }
        qos
    }
}

macro_rules! common_policies {
    () => {
        /// With the policies that the topic has, instead of the default ones (DDS 1.4 §2.2.2.4.1.5
        /// `DATAWRITER_QOS_USE_TOPIC_QOS`, §2.2.2.5.2.5 `DATAREADER_QOS_USE_TOPIC_QOS`).
        pub fn topic_qos(mut self) -> Self {
            self.draft.set_base(Base::Topic);
            self
        }

        /// RELIABILITY RELIABLE: what gets lost is sent again (DDS 1.4 §2.2.3.14).
        pub fn reliable(mut self) -> Self {
            self.draft.edit(move |qos| qos.reliability.kind = ReliabilityKind::Reliable);
            self
        }

        /// RELIABILITY BEST_EFFORT: what gets lost is lost.
        pub fn best_effort(mut self) -> Self {
            self.draft.edit(move |qos| qos.reliability.kind = ReliabilityKind::BestEffort);
            self
        }

        /// HISTORY KEEP_LAST: the last `depth` samples of each instance (DDS 1.4 §2.2.3.18).
        pub fn keep_last(mut self, depth: u32) -> Self {
            self.draft.edit(move |qos| qos.history = History { kind: HistoryKind::KeepLast, depth });
            self
        }

        /// HISTORY KEEP_ALL: every sample.
        pub fn keep_all(mut self) -> Self {
            self.draft.edit(move |qos| qos.history.kind = HistoryKind::KeepAll);
            self
        }

        /// DURABILITY TRANSIENT_LOCAL: late joiners get the writer's history (DDS 1.4 §2.2.3.4).
        pub fn transient_local(mut self) -> Self {
            self.draft.edit(move |qos| qos.durability = Durability(DurabilityKind::TransientLocal));
            self
        }

        /// DURABILITY.
        pub fn durability(mut self, kind: DurabilityKind) -> Self {
            self.draft.edit(move |qos| qos.durability = Durability(kind));
            self
        }

        /// DEADLINE: a new sample of each instance at least this often (DDS 1.4 §2.2.3.7).
        pub fn deadline(mut self, period: Duration) -> Self {
            self.draft.edit(move |qos| qos.deadline = Deadline(period));
            self
        }

        /// LIVELINESS (DDS 1.4 §2.2.3.11).
        pub fn liveliness(mut self, kind: LivelinessKind, lease_duration: Duration) -> Self {
            self.draft.edit(move |qos| qos.liveliness = Liveliness { kind, lease_duration });
            self
        }

        /// RESOURCE_LIMITS (DDS 1.4 §2.2.3.19).
        pub fn resource_limits(mut self, limits: ResourceLimits) -> Self {
            self.draft.edit(move |qos| qos.resource_limits = limits);
            self
        }

        /// One PARTITION name; may be called several times (DDS 1.4 §2.2.3.13).
        pub fn partition(mut self, name: impl Into<String>) -> Self {
            self.partitions.push(name.into());
            self
        }
    };
}

/// A writer in the making. Finish with [`build`](WriterBuilder::build) or `.await`.
#[must_use = "nothing happens before build() or .await"]
pub struct WriterBuilder<T: TopicType> {
    topic: Topic<T>,
    publisher: Option<Publisher>,
    partitions: Vec<String>,
    draft: Draft<DataWriterQos>,
}

impl<T: TopicType> WriterBuilder<T> {
    pub(super) fn new(topic: Topic<T>) -> Self {
        Self { topic, publisher: None, partitions: Vec::new(), draft: Draft::new() }
    }

    /// With this QoS instead of the publisher's default one.
    pub fn qos(mut self, qos: DataWriterQos) -> Self {
        self.draft.set_base(Base::Given(Box::new(qos)));
        self
    }

    /// In this publisher instead of one of its own.
    pub fn publisher(mut self, publisher: &Publisher) -> Self {
        self.publisher = Some(publisher.clone());
        self
    }

    common_policies! {}

    /// How long `write` may block (RELIABILITY `max_blocking_time`).
    pub fn max_blocking_time(mut self, time: Duration) -> Self {
        self.draft.edit(move |qos| qos.reliability.max_blocking_time = time);
        self
    }

    /// LIFESPAN: samples expire this long after they were written (DDS 1.4 §2.2.3.16).
    pub fn lifespan(mut self, duration: Duration) -> Self {
        self.draft.edit(move |qos| qos.lifespan = Lifespan(duration));
        self
    }

    /// OWNERSHIP EXCLUSIVE with this strength (DDS 1.4 §2.2.3.9, §2.2.3.10).
    pub fn exclusive(mut self, strength: i32) -> Self {
        self.draft.edit(move |qos| {
            qos.ownership = Ownership(OwnershipKind::Exclusive);
            qos.ownership_strength = OwnershipStrength(strength);
        });
        self
    }

    /// The one data representation to write in (XTypes 1.3 §7.6.3.1).
    pub fn representation(mut self, representation: DataRepresentationId) -> Self {
        self.draft.edit(move |qos| qos.data_representation = DataRepresentation(vec![representation]));
        self
    }

    /// Makes the writer.
    ///
    /// # Errors
    /// [`InconsistentPolicy`](crate::error::DdsError::InconsistentPolicy) when policies contradict each
    /// other, [`BadParameter`](crate::error::DdsError::BadParameter) for a representation that the type
    /// does not have, or more than one.
    pub fn build(self) -> DdsResult<DataWriter<T>> {
        let publisher = match self.publisher {
            Some(publisher) => publisher,
            None => {
                let participant = self.topic.participant();
                let default = participant.default_publisher_qos();
                let qos = match self.partitions.is_empty() {
                    true => default,
                    false => PublisherQos { partition: Partition(self.partitions), ..default },
                };
                participant.create_publisher(qos)?
            }
        };
        let topic_qos = self.topic.qos();
        let from_topic = |qos: DataWriterQos| qos.copy_from_topic(&topic_qos);
        let qos = self.draft.finish(|| publisher.default_writer_qos(), from_topic);
        DataWriter::new(publisher, &self.topic, qos)
    }
}

/// A reader in the making. Finish with [`build`](ReaderBuilder::build) or `.await`.
#[must_use = "nothing happens before build() or .await"]
pub struct ReaderBuilder<T: TopicType> {
    topic: Topic<T>,
    filtered: Option<ContentFilteredTopic<T>>,
    subscriber: Option<Subscriber>,
    partitions: Vec<String>,
    draft: Draft<DataReaderQos>,
}

impl<T: TopicType> ReaderBuilder<T> {
    pub(super) fn new(topic: Topic<T>) -> Self {
        Self { topic, filtered: None, subscriber: None, partitions: Vec::new(), draft: Draft::new() }
    }

    pub(super) fn filtered(filtered: ContentFilteredTopic<T>) -> Self {
        Self { filtered: Some(filtered.clone()), ..Self::new(filtered.related_topic().clone()) }
    }

    /// With this QoS instead of the subscriber's default one.
    pub fn qos(mut self, qos: DataReaderQos) -> Self {
        self.draft.set_base(Base::Given(Box::new(qos)));
        self
    }

    /// In this subscriber instead of one of its own.
    pub fn subscriber(mut self, subscriber: &Subscriber) -> Self {
        self.subscriber = Some(subscriber.clone());
        self
    }

    common_policies! {}

    /// OWNERSHIP EXCLUSIVE: only the strongest writer of each instance counts (DDS 1.4 §2.2.3.9).
    pub fn exclusive(mut self) -> Self {
        self.draft.edit(move |qos| qos.ownership = Ownership(OwnershipKind::Exclusive));
        self
    }

    /// TIME_BASED_FILTER: at most one sample of each instance in this time (DDS 1.4 §2.2.3.12).
    pub fn minimum_separation(mut self, separation: Duration) -> Self {
        self.draft.edit(move |qos| qos.time_based_filter = dds_qos::TimeBasedFilter(separation));
        self
    }

    /// Whether and how far writers' types may differ from its own (XTypes 1.3 §7.6.3.4).
    pub fn type_consistency(mut self, policy: TypeConsistencyEnforcement) -> Self {
        self.draft.edit(move |qos| qos.type_consistency = policy);
        self
    }

    /// The data representations that are accepted (XTypes 1.3 §7.6.3.1).
    pub fn representations(mut self, representations: impl Into<Vec<DataRepresentationId>>) -> Self {
        let representations = representations.into();
        self.draft.edit(move |qos| qos.data_representation = DataRepresentation(representations));
        self
    }

    /// Makes the reader.
    ///
    /// # Errors
    /// [`InconsistentPolicy`](crate::error::DdsError::InconsistentPolicy) when policies contradict each
    /// other.
    pub fn build(self) -> DdsResult<DataReader<T>> {
        let subscriber = match self.subscriber {
            Some(subscriber) => subscriber,
            None => {
                let participant = self.topic.participant();
                let default = participant.default_subscriber_qos();
                let qos = match self.partitions.is_empty() {
                    true => default,
                    false => SubscriberQos { partition: Partition(self.partitions), ..default },
                };
                participant.create_subscriber(qos)?
            }
        };
        let topic_qos = self.topic.qos();
        let from_topic = |qos: DataReaderQos| qos.copy_from_topic(&topic_qos);
        let qos = self.draft.finish(|| subscriber.default_reader_qos(), from_topic);
        match &self.filtered {
            Some(filtered) => DataReader::filtered(subscriber, filtered, qos),
            None => DataReader::new(subscriber, &self.topic, qos),
        }
    }
}

impl<T: TopicType> IntoFuture for WriterBuilder<T> {
    type Output = DdsResult<DataWriter<T>>;
    type IntoFuture = Ready<Self::Output>;

    /// Making a writer never waits; the future is ready at once.
    fn into_future(self) -> Self::IntoFuture {
        ready(self.build())
    }
}

impl<T: TopicType> IntoFuture for ReaderBuilder<T> {
    type Output = DdsResult<DataReader<T>>;
    type IntoFuture = Ready<Self::Output>;

    /// Making a reader never waits; the future is ready at once.
    fn into_future(self) -> Self::IntoFuture {
        ready(self.build())
    }
}
