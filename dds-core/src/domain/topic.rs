//! Topics (DDS 1.4 §2.2.2.3.2).

use std::{
    marker::PhantomData,
    sync::{Arc, Weak},
};

use dds_qos::TopicQos;
use dds_types::{
    TopicType,
    dynamic::{DynamicTopicType, DynamicType},
};

use super::{
    ContentFilteredTopic, DomainParticipant, ReaderBuilder, WriterBuilder,
    participant::{ParticipantInner, check_changeable, check_consistent},
};
use crate::{
    condition::StatusCondition,
    engine::{Observer, TopicShared},
    error::DdsResult,
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    status::{InconsistentTopicStatus, StatusMask},
    type_support::TypeSupport,
};

/// A name and a type that writers and readers share (DDS 1.4 §2.2.2.3.2). Clones are the same topic,
/// and so are all topics of one name in a participant.
pub struct Topic<T: TopicType> {
    participant: DomainParticipant,
    pub(crate) shared: Arc<TopicShared>,
    dynamic: Option<Arc<DynamicTopicType>>,
    type_: PhantomData<fn() -> T>,
}

/// A topic that is not kept alive.
pub(crate) struct WeakTopic<T: TopicType> {
    participant: Weak<ParticipantInner>,
    shared: Weak<TopicShared>,
    dynamic: Option<Arc<DynamicTopicType>>,
    type_: PhantomData<fn() -> T>,
}

impl<T: TopicType> WeakTopic<T> {
    pub(crate) fn upgrade(&self) -> Option<Topic<T>> {
        Some(Topic {
            participant: DomainParticipant(self.participant.upgrade()?),
            shared: self.shared.upgrade()?,
            dynamic: self.dynamic.clone(),
            type_: PhantomData,
        })
    }
}

impl<T: TopicType> Clone for Topic<T> {
    fn clone(&self) -> Self {
        Self {
            participant: self.participant.clone(),
            shared: self.shared.clone(),
            dynamic: self.dynamic.clone(),
            type_: PhantomData,
        }
    }
}

impl<T: TopicType> std::fmt::Debug for Topic<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic").field("name", &self.name()).field("type", &self.type_name()).finish()
    }
}

/// A topic whatever its type (DDS 1.4 §2.2.2.3.1 `TopicDescription`), as
/// [`DomainParticipant::lookup_topic_description`] finds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicDescription {
    /// Its name.
    pub name: String,
    /// The name under which its type is announced.
    pub type_name: String,
    /// Its handle.
    pub instance_handle: InstanceHandle,
}

impl<T: TopicType> Topic<T> {
    pub(super) fn new(participant: DomainParticipant, shared: Arc<TopicShared>) -> Self {
        Self { participant, shared, dynamic: None, type_: PhantomData }
    }

    /// With a type that is known only at run time.
    pub(super) fn with_dynamic(mut self, dynamic: Option<Arc<DynamicTopicType>>) -> Self {
        self.dynamic = dynamic;
        self
    }

    /// Its type, where that is known only at run time.
    pub fn dynamic_type(&self) -> Option<&DynamicType> {
        self.dynamic.as_deref().map(DynamicTopicType::dynamic_type)
    }

    pub(super) fn dynamic(&self) -> Option<&Arc<DynamicTopicType>> {
        self.dynamic.as_ref()
    }

    pub(super) fn type_support(&self) -> TypeSupport {
        TypeSupport::of::<T>(self.dynamic())
    }

    /// A topic of the service's own, which `create_topic` does not know.
    pub(crate) fn builtin(participant: DomainParticipant, name: &str, qos: TopicQos) -> Self {
        let lifecycle = Lifecycle::enabled("Topic");
        let shared = TopicShared::new(&participant, name, &T::type_name(), qos, lifecycle);
        Self::new(participant, Arc::new(shared))
    }

    pub(crate) fn downgrade(&self) -> WeakTopic<T> {
        WeakTopic {
            participant: Arc::downgrade(&self.participant.0),
            shared: Arc::downgrade(&self.shared),
            dynamic: self.dynamic.clone(),
            type_: PhantomData,
        }
    }

    /// The topic's name (DDS 1.4 §2.2.2.3.1.2).
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The name under which its type is announced (DDS 1.4 §2.2.2.3.1.1).
    pub fn type_name(&self) -> &str {
        &self.shared.type_name
    }

    /// The topic's handle (DDS 1.4 §2.2.2.1.1.8).
    pub fn instance_handle(&self) -> InstanceHandle {
        self.shared.handle
    }

    /// Its QoS.
    pub fn qos(&self) -> Arc<TopicQos> {
        self.shared.qos()
    }

    /// Changes its QoS. Its endpoints announce what of it they carry: TOPIC_DATA (DDS 1.4 §2.2.3.2),
    /// DURABILITY_SERVICE and others. The policies of endpoints are their own: they were copied, if at
    /// all, when the endpoint was made.
    ///
    /// # Errors
    /// [`ImmutablePolicy`](crate::error::DdsError::ImmutablePolicy),
    /// [`InconsistentPolicy`](crate::error::DdsError::InconsistentPolicy),
    /// [`AlreadyDeleted`](crate::error::DdsError::AlreadyDeleted).
    pub fn set_qos(&self, qos: TopicQos) -> DdsResult<()> {
        self.participant.check_usable("set_qos")?;
        self.shared.lifecycle.check_exists()?;
        check_consistent(qos.is_consistent())?;
        {
            let mut current = self.shared.qos.write();
            if self.shared.lifecycle.is_enabled() {
                check_changeable(current.check_changeable(&qos))?;
            }
            *current = Arc::new(qos);
        }
        for publisher in self.participant.publishers() {
            publisher.announce_writers(|endpoint| Arc::ptr_eq(&endpoint.topic, &self.shared));
        }
        for subscriber in self.participant.subscribers() {
            subscriber.announce_readers(|endpoint| Arc::ptr_eq(&endpoint.topic, &self.shared));
        }
        Ok(())
    }

    /// Enables it (DDS 1.4 §2.2.2.1.1.7); without effect when it is enabled.
    ///
    /// # Errors
    /// [`PreconditionNotMet`](crate::error::DdsError::PreconditionNotMet) while the participant is not
    /// enabled, [`AlreadyDeleted`](crate::error::DdsError::AlreadyDeleted).
    pub fn enable(&self) -> DdsResult<()> {
        self.participant.check_enables("Topic")?;
        self.shared.lifecycle.enable().map(drop)
    }

    /// Whether it is enabled and not deleted.
    pub fn is_enabled(&self) -> bool {
        self.shared.lifecycle.is_enabled()
    }

    /// The participant that it belongs to (DDS 1.4 §2.2.2.3.1.3).
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

    /// A topic of those samples of this one that pass an expression in the SQL of
    /// [`dds_filter`](crate::filter) (DDS 1.4 §2.2.2.2.1.7). `parameters` are the values of `%0` and so on.
    ///
    /// ```
    /// # use dds_core::{DdsType, DomainParticipant};
    /// # #[derive(DdsType)]
    /// # struct Reading {
    /// #     #[dds(key)]
    /// #     sensor: u32,
    /// #     celsius: f64,
    /// # }
    /// # fn main() -> Result<(), dds_core::error::DdsError> {
    /// # let participant = DomainParticipant::builder(0).loopback_only().build()?;
    /// let topic = participant.topic::<Reading>("Reading")?;
    /// let hot = topic.content_filtered("HotReading", "celsius > %0", ["60"])?;
    /// let reader = hot.reader().reliable().build()?;
    /// hot.set_expression_parameters(["80"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Filter`](crate::error::DdsError::Filter) when the expression does not fit the type;
    /// [`PreconditionNotMet`](crate::error::DdsError::PreconditionNotMet) when the name is taken;
    /// [`AlreadyDeleted`](crate::error::DdsError::AlreadyDeleted).
    pub fn content_filtered<P: Into<String>>(
        &self,
        name: &str,
        expression: &str,
        parameters: impl IntoIterator<Item = P>,
    ) -> DdsResult<ContentFilteredTopic<T>> {
        let parameters = parameters.into_iter().map(Into::into).collect();
        ContentFilteredTopic::new(self.clone(), name, expression, parameters)
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

    /// The statuses that changed and were not looked at (DDS 1.4 §2.2.2.1.1.4).
    pub fn status_changes(&self) -> StatusMask {
        self.shared.observer.condition().changed_statuses()
    }
}

impl TopicShared {
    pub(super) fn new(
        participant: &DomainParticipant,
        name: &str,
        type_name: &str,
        qos: TopicQos,
        lifecycle: Lifecycle,
    ) -> Self {
        let handle = participant.engine().handles.allocate();
        let observer = Observer::new(handle, Some(participant.0.observer.clone()));
        Self {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            handle,
            lifecycle,
            qos: parking_lot::RwLock::new(Arc::new(qos)),
            observer: Arc::new(observer),
            statuses: parking_lot::Mutex::default(),
        }
    }
}
