//! Topics (DDS 1.4 §2.2.2.3.2).

use std::{
    marker::PhantomData,
    sync::{Arc, Weak},
};

use dds_qos::TopicQos;
use dds_types::TopicType;
use parking_lot::Mutex;

use super::{DomainParticipant, ReaderBuilder, WriterBuilder, participant::ParticipantInner};
use crate::{
    condition::StatusCondition,
    engine::{Observer, TopicShared},
    status::InconsistentTopicStatus,
};

/// A name and a type that writers and readers share (DDS 1.4 §2.2.2.3.2). Clones are the same topic.
pub struct Topic<T: TopicType> {
    participant: DomainParticipant,
    pub(crate) shared: Arc<TopicShared>,
    pub(crate) qos: Arc<TopicQos>,
    type_: PhantomData<fn() -> T>,
}

/// A topic that is not kept alive.
pub(crate) struct WeakTopic<T: TopicType> {
    participant: Weak<ParticipantInner>,
    shared: Weak<TopicShared>,
    qos: Arc<TopicQos>,
    type_: PhantomData<fn() -> T>,
}

impl<T: TopicType> WeakTopic<T> {
    pub(crate) fn upgrade(&self) -> Option<Topic<T>> {
        Some(Topic {
            participant: DomainParticipant(self.participant.upgrade()?),
            shared: self.shared.upgrade()?,
            qos: self.qos.clone(),
            type_: PhantomData,
        })
    }
}

impl<T: TopicType> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self {
            participant: self.participant.clone(),
            shared: self.shared.clone(),
            qos: self.qos.clone(),
            type_: PhantomData,
        }
    }
}

impl<T: TopicType> std::fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic").field("name", &self.name()).field("type", &self.type_name()).finish()
    }
}

impl<T: TopicType> Topic<T> {
    pub(super) fn new(participant: DomainParticipant, shared: Arc<TopicShared>, qos: TopicQos) -> Self {
        Self { participant, shared, qos: Arc::new(qos), type_: PhantomData }
    }

    /// A topic of the service's own, which `create_topic` does not know.
    pub(crate) fn builtin(participant: DomainParticipant, name: &str, qos: TopicQos) -> Self {
        let observer = Observer::new(StatusCondition::new(), Some(participant.0.observer.clone()));
        let shared = TopicShared {
            name: name.to_owned(),
            type_name: T::type_name().into_owned(),
            observer: Arc::new(observer),
            statuses: Mutex::default(),
        };
        Self::new(participant, Arc::new(shared), qos)
    }

    pub(crate) fn downgrade(&self) -> WeakTopic<T> {
        WeakTopic {
            participant: Arc::downgrade(&self.participant.0),
            shared: Arc::downgrade(&self.shared),
            qos: self.qos.clone(),
            type_: PhantomData,
        }
    }

    /// The topic's name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The name under which its type is announced.
    pub fn type_name(&self) -> &str {
        &self.shared.type_name
    }

    /// Its QoS.
    pub fn qos(&self) -> &TopicQos {
        &self.qos
    }

    /// The participant that it belongs to.
    pub fn participant(&self) -> &DomainParticipant {
        &self.participant
    }

    /// Begins a writer of this topic.
    pub fn writer(&self) -> WriterBuilder<T> {
        WriterBuilder::new(self.clone())
    }

    /// Begins a reader of this topic.
    pub fn reader(&self) -> ReaderBuilder<T> {
        ReaderBuilder::new(self.clone())
    }

    /// Topics met with this name and another type; resets its changes (DDS 1.4 §2.2.2.3.2.1).
    pub fn inconsistent_topic_status(&self) -> InconsistentTopicStatus {
        let mut statuses = self.shared.statuses.lock();
        let status = statuses.take_inconsistent_topic();
        let _ = self.shared.observer.condition().set_changed(statuses.changed());
        status
    }

    /// The topic's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.shared.observer.condition().clone()
    }
}
