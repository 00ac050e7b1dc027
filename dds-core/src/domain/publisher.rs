//! Publishers (DDS 1.4 §2.2.2.4.1).

use std::sync::Arc;

use dds_qos::{AccessScope, DataWriterQos, PublisherQos};
use dds_rtps::structure::{EntityId, EntityKind};
use dds_types::TopicType;
use parking_lot::RwLock;

use super::{DataWriter, DomainParticipant, Topic};
use crate::{
    condition::StatusCondition,
    engine::{DeliveryGroup, Observer},
    error::DdsResult,
    instance::InstanceHandle,
};

pub(crate) struct PublisherInner {
    pub(crate) participant: DomainParticipant,
    pub(crate) entity_id: EntityId,
    handle: InstanceHandle,
    pub(crate) qos: RwLock<PublisherQos>,
    pub(crate) observer: Arc<Observer>,
    default_writer_qos: RwLock<DataWriterQos>,
    /// With PRESENTATION access scope GROUP: what orders the samples of all writers.
    pub(crate) group: Option<Arc<DeliveryGroup>>,
}

/// Groups writers that share PARTITION, PRESENTATION and GROUP_DATA (DDS 1.4 §2.2.2.4.1). Clones are
/// the same publisher.
#[derive(Clone)]
pub struct Publisher(pub(crate) Arc<PublisherInner>);

impl std::fmt::Debug for Publisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher").field("entity_id", &self.0.entity_id).finish()
    }
}

impl Publisher {
    pub(super) fn new(participant: DomainParticipant, qos: PublisherQos) -> DdsResult<Self> {
        let observer = Observer::new(StatusCondition::new(), Some(participant.0.observer.clone()));
        Ok(Self(Arc::new(PublisherInner {
            entity_id: participant.next_entity_id(EntityKind::WRITER_GROUP)?,
            handle: participant.engine().handles.allocate(),
            participant,
            group: (qos.presentation.access_scope == AccessScope::Group).then(Arc::default),
            qos: RwLock::new(qos),
            observer: Arc::new(observer),
            default_writer_qos: RwLock::default(),
        })))
    }

    /// The participant that it belongs to.
    pub fn participant(&self) -> &DomainParticipant {
        &self.0.participant
    }

    /// The publisher's handle.
    pub fn instance_handle(&self) -> InstanceHandle {
        self.0.handle
    }

    /// Its QoS.
    pub fn qos(&self) -> PublisherQos {
        self.0.qos.read().clone()
    }

    /// The QoS of writers that are made without any (DDS 1.4 §2.2.2.4.1.15).
    pub fn default_writer_qos(&self) -> DataWriterQos {
        self.0.default_writer_qos.read().clone()
    }

    /// Sets [`Publisher::default_writer_qos`].
    pub fn set_default_writer_qos(&self, qos: DataWriterQos) {
        *self.0.default_writer_qos.write() = qos;
    }

    /// A writer (DDS 1.4 §2.2.2.4.1.5).
    ///
    /// # Errors
    /// As [`WriterBuilder::build`](super::WriterBuilder::build).
    pub fn create_writer<T: TopicType>(
        &self,
        topic: &Topic<T>,
        qos: DataWriterQos,
    ) -> DdsResult<DataWriter<T>> {
        DataWriter::new(self.clone(), topic, qos)
    }

    /// The publisher's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.0.observer.condition().clone()
    }
}
