//! Writers and readers in the making, with the policies that are set most often as methods.

use std::future::{Ready, ready};

use dds_qos::{
    DataReaderQos, DataRepresentation, DataWriterQos, Deadline, Durability, DurabilityKind, Duration,
    History, HistoryKind, Lifespan, Liveliness, LivelinessKind, Ownership, OwnershipKind, OwnershipStrength,
    Partition, PublisherQos, Reliability, ReliabilityKind, ResourceLimits, SubscriberQos,
};
use dds_types::{DataRepresentationId, TopicType};

use super::{DataReader, DataWriter, Publisher, Subscriber, Topic};
use crate::error::DdsResult;

macro_rules! common_policies {
    () => {
        /// RELIABILITY RELIABLE: what gets lost is sent again (DDS 1.4 §2.2.3.14).
        pub fn reliable(mut self) -> Self {
            self.qos.reliability.kind = ReliabilityKind::Reliable;
            self
        }

        /// RELIABILITY BEST_EFFORT: what gets lost is lost.
        pub fn best_effort(mut self) -> Self {
            self.qos.reliability.kind = ReliabilityKind::BestEffort;
            self
        }

        /// HISTORY KEEP_LAST: the last `depth` samples of each instance (DDS 1.4 §2.2.3.18).
        pub fn keep_last(mut self, depth: u32) -> Self {
            self.qos.history = History { kind: HistoryKind::KeepLast, depth };
            self
        }

        /// HISTORY KEEP_ALL: every sample.
        pub fn keep_all(mut self) -> Self {
            self.qos.history.kind = HistoryKind::KeepAll;
            self
        }

        /// DURABILITY TRANSIENT_LOCAL: late joiners get the writer's history (DDS 1.4 §2.2.3.4).
        pub fn transient_local(mut self) -> Self {
            self.qos.durability = Durability(DurabilityKind::TransientLocal);
            self
        }

        /// DURABILITY.
        pub fn durability(mut self, kind: DurabilityKind) -> Self {
            self.qos.durability = Durability(kind);
            self
        }

        /// DEADLINE: a new sample of each instance at least this often (DDS 1.4 §2.2.3.7).
        pub fn deadline(mut self, period: Duration) -> Self {
            self.qos.deadline = Deadline(period);
            self
        }

        /// LIVELINESS (DDS 1.4 §2.2.3.11).
        pub fn liveliness(mut self, kind: LivelinessKind, lease_duration: Duration) -> Self {
            self.qos.liveliness = Liveliness { kind, lease_duration };
            self
        }

        /// RESOURCE_LIMITS (DDS 1.4 §2.2.3.19).
        pub fn resource_limits(mut self, limits: ResourceLimits) -> Self {
            self.qos.resource_limits = limits;
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
    qos: DataWriterQos,
}

impl<T: TopicType> WriterBuilder<T> {
    pub(super) fn new(topic: Topic<T>) -> Self {
        Self { topic, publisher: None, partitions: Vec::new(), qos: DataWriterQos::default() }
    }

    /// With this QoS instead of the default one.
    pub fn qos(mut self, qos: DataWriterQos) -> Self {
        self.qos = qos;
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
        self.qos.reliability = Reliability { max_blocking_time: time, ..self.qos.reliability };
        self
    }

    /// LIFESPAN: samples expire this long after they were written (DDS 1.4 §2.2.3.16).
    pub fn lifespan(mut self, duration: Duration) -> Self {
        self.qos.lifespan = Lifespan(duration);
        self
    }

    /// OWNERSHIP EXCLUSIVE with this strength (DDS 1.4 §2.2.3.9, §2.2.3.10).
    pub fn exclusive(mut self, strength: i32) -> Self {
        self.qos.ownership = Ownership(OwnershipKind::Exclusive);
        self.qos.ownership_strength = OwnershipStrength(strength);
        self
    }

    /// The one data representation to write in (XTypes 1.3 §7.6.3.1).
    pub fn representation(mut self, representation: DataRepresentationId) -> Self {
        self.qos.data_representation = DataRepresentation(vec![representation]);
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
        DataWriter::new(publisher, &self.topic, self.qos)
    }
}

/// A reader in the making. Finish with [`build`](ReaderBuilder::build) or `.await`.
#[must_use = "nothing happens before build() or .await"]
pub struct ReaderBuilder<T: TopicType> {
    topic: Topic<T>,
    subscriber: Option<Subscriber>,
    partitions: Vec<String>,
    qos: DataReaderQos,
}

impl<T: TopicType> ReaderBuilder<T> {
    pub(super) fn new(topic: Topic<T>) -> Self {
        Self { topic, subscriber: None, partitions: Vec::new(), qos: DataReaderQos::default() }
    }

    /// With this QoS instead of the default one.
    pub fn qos(mut self, qos: DataReaderQos) -> Self {
        self.qos = qos;
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
        self.qos.ownership = Ownership(OwnershipKind::Exclusive);
        self
    }

    /// TIME_BASED_FILTER: at most one sample of each instance in this time (DDS 1.4 §2.2.3.12).
    pub fn minimum_separation(mut self, separation: Duration) -> Self {
        self.qos.time_based_filter = dds_qos::TimeBasedFilter(separation);
        self
    }

    /// The data representations that are accepted (XTypes 1.3 §7.6.3.1).
    pub fn representations(mut self, representations: impl Into<Vec<DataRepresentationId>>) -> Self {
        self.qos.data_representation = DataRepresentation(representations.into());
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
        DataReader::new(subscriber, &self.topic, self.qos)
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
