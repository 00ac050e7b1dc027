//! Subscribers (DDS 1.4 §2.2.2.5.2).

use std::sync::{Arc, Weak};

use dds_qos::{DataReaderQos, SubscriberQos};
use dds_rtps::structure::{EntityId, EntityKind};
use dds_types::TopicType;
use parking_lot::RwLock;

use super::{DataReader, DomainParticipant, Topic};
use crate::{condition::StatusCondition, engine::Observer, error::DdsResult, instance::InstanceHandle};

pub(crate) struct SubscriberInner {
    pub(crate) participant: DomainParticipant,
    pub(crate) entity_id: EntityId,
    handle: InstanceHandle,
    pub(crate) qos: RwLock<SubscriberQos>,
    pub(crate) observer: Arc<Observer>,
    default_reader_qos: RwLock<DataReaderQos>,
}

/// Groups readers that share PARTITION, PRESENTATION and GROUP_DATA (DDS 1.4 §2.2.2.5.2). Clones are
/// the same subscriber.
#[derive(Clone)]
pub struct Subscriber(pub(crate) Arc<SubscriberInner>);

/// A subscriber that is not kept alive.
#[derive(Default)]
pub(crate) struct WeakSubscriber(Weak<SubscriberInner>);

impl WeakSubscriber {
    pub(crate) fn upgrade(&self) -> Option<Subscriber> {
        self.0.upgrade().map(Subscriber)
    }
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscriber").field("entity_id", &self.0.entity_id).finish()
    }
}

impl Subscriber {
    pub(super) fn new(participant: DomainParticipant, qos: SubscriberQos) -> DdsResult<Self> {
        let observer = Observer::new(StatusCondition::new(), Some(participant.0.observer.clone()));
        Ok(Self(Arc::new(SubscriberInner {
            entity_id: participant.next_entity_id(EntityKind::READER_GROUP)?,
            handle: participant.engine().handles.allocate(),
            participant,
            qos: RwLock::new(qos),
            observer: Arc::new(observer),
            default_reader_qos: RwLock::default(),
        })))
    }

    pub(crate) fn downgrade(&self) -> WeakSubscriber {
        WeakSubscriber(Arc::downgrade(&self.0))
    }

    /// The participant that it belongs to.
    pub fn participant(&self) -> &DomainParticipant {
        &self.0.participant
    }

    /// The subscriber's handle.
    pub fn instance_handle(&self) -> InstanceHandle {
        self.0.handle
    }

    /// Its QoS.
    pub fn qos(&self) -> SubscriberQos {
        self.0.qos.read().clone()
    }

    /// The QoS of readers that are made without any (DDS 1.4 §2.2.2.5.2.15).
    pub fn default_reader_qos(&self) -> DataReaderQos {
        self.0.default_reader_qos.read().clone()
    }

    /// Sets [`Subscriber::default_reader_qos`].
    pub fn set_default_reader_qos(&self, qos: DataReaderQos) {
        *self.0.default_reader_qos.write() = qos;
    }

    /// A reader (DDS 1.4 §2.2.2.5.2.5).
    ///
    /// # Errors
    /// As [`ReaderBuilder::build`](super::ReaderBuilder::build).
    pub fn create_reader<T: TopicType>(
        &self,
        topic: &Topic<T>,
        qos: DataReaderQos,
    ) -> DdsResult<DataReader<T>> {
        DataReader::new(self.clone(), topic, qos)
    }

    /// The subscriber's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.0.observer.condition().clone()
    }
}
