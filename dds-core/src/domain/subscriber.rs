//! Subscribers (DDS 1.4 §2.2.2.5.2).

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use dds_qos::{AccessScope, DataReaderQos, SubscriberQos, TopicQos};
use dds_rtps::structure::{EntityId, EntityKind};
use dds_types::TopicType;
use parking_lot::{Mutex, RwLock};

use super::{
    ContentFilteredTopic, DataReader, DomainParticipant, Topic,
    participant::{check_changeable, check_consistent},
    reader::ReaderInner,
};
use crate::{
    condition::StatusCondition,
    engine::{Observer, ReaderEndpoint, SubscriberGroup},
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    status::StatusMask,
};

pub(crate) struct SubscriberInner {
    pub(crate) participant: DomainParticipant,
    pub(crate) entity_id: EntityId,
    handle: InstanceHandle,
    pub(crate) qos: RwLock<SubscriberQos>,
    pub(crate) observer: Arc<Observer>,
    pub(super) lifecycle: Lifecycle,
    default_reader_qos: RwLock<DataReaderQos>,
    /// With access scope GROUP: what orders the samples of all readers.
    group: RwLock<Option<Arc<SubscriberGroup>>>,
    /// Open accesses where the access scope is not GROUP: they have no effect.
    pub(super) accesses: Mutex<u32>,
    /// Purpose: its readers as they come and go; nothing else is locked meanwhile.
    readers: Mutex<BTreeMap<EntityId, Weak<ReaderInner>>>,
}

impl Drop for SubscriberInner {
    fn drop(&mut self) {
        self.participant.forget_group(self.entity_id);
    }
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

fn group_of(qos: &SubscriberQos) -> Option<Arc<SubscriberGroup>> {
    let is_group = qos.presentation.access_scope == AccessScope::Group;
    is_group.then(|| Arc::new(SubscriberGroup::new(&qos.presentation)))
}

impl Subscriber {
    pub(super) fn new(participant: DomainParticipant, qos: SubscriberQos) -> DdsResult<Self> {
        let subscriber = Self::assemble(participant, qos, Lifecycle::disabled("Subscriber"))?;
        subscriber.participant().adopt_subscriber(&subscriber)?;
        Ok(subscriber)
    }

    /// The one of the built-in readers, which does not count among the participant's entities.
    pub(crate) fn builtin(participant: DomainParticipant, qos: SubscriberQos) -> DdsResult<Self> {
        Self::assemble(participant, qos, Lifecycle::enabled("Subscriber"))
    }

    fn assemble(participant: DomainParticipant, qos: SubscriberQos, lifecycle: Lifecycle) -> DdsResult<Self> {
        let handle = participant.engine().handles.allocate();
        let observer = Observer::new(handle, Some(participant.0.observer.clone()));
        Ok(Self(Arc::new(SubscriberInner {
            entity_id: participant.next_entity_id(EntityKind::READER_GROUP)?,
            handle,
            participant,
            group: RwLock::new(group_of(&qos)),
            qos: RwLock::new(qos),
            observer: Arc::new(observer),
            lifecycle,
            default_reader_qos: RwLock::default(),
            accesses: Mutex::default(),
            readers: Mutex::default(),
        })))
    }

    pub(crate) fn downgrade(&self) -> WeakSubscriber {
        WeakSubscriber(Arc::downgrade(&self.0))
    }

    /// The participant that it belongs to (DDS 1.4 §2.2.2.5.2.9).
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

    /// Changes its QoS. Its readers announce the new PARTITION and GROUP_DATA, and are matched anew.
    ///
    /// # Errors
    /// [`DdsError::ImmutablePolicy`] for PRESENTATION once the subscriber is enabled or has readers,
    /// [`DdsError::AlreadyDeleted`].
    pub fn set_qos(&self, qos: SubscriberQos) -> DdsResult<()> {
        self.participant().check_usable("set_qos")?;
        self.0.lifecycle.check_exists()?;
        // Looked at first: letting go of the last reference to one may take a while.
        let is_settled = self.is_enabled() || !self.readers().is_empty();
        {
            let mut current = self.0.qos.write();
            if is_settled {
                check_changeable(current.check_changeable(&qos))?;
            } else {
                *self.0.group.write() = group_of(&qos);
            }
            *current = qos;
        }
        self.announce_readers(|_| true);
        Ok(())
    }

    /// Enables it, and its readers unless ENTITY_FACTORY says otherwise (DDS 1.4 §2.2.2.1.1.7,
    /// §2.2.3.20). Without effect when it is enabled.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while its participant is not enabled,
    /// [`DdsError::AlreadyDeleted`].
    pub fn enable(&self) -> DdsResult<()> {
        self.participant().check_enables("Subscriber")?;
        if self.0.lifecycle.enable()? && self.enables_readers() {
            // With access scope GROUP nothing is shown before all readers can have their part of it.
            let access = self.group().map(|_| self.access()).transpose()?;
            self.readers().iter().try_for_each(|reader| reader.enable())?;
            drop(access);
        }
        Ok(())
    }

    /// Whether it is enabled and not deleted.
    pub fn is_enabled(&self) -> bool {
        self.0.lifecycle.is_enabled()
    }

    /// The QoS of readers that are made without any (DDS 1.4 §2.2.2.5.2.15).
    pub fn default_reader_qos(&self) -> DataReaderQos {
        self.0.default_reader_qos.read().clone()
    }

    /// Sets [`Subscriber::default_reader_qos`] (DDS 1.4 §2.2.2.5.2.14).
    ///
    /// # Errors
    /// [`DdsError::InconsistentPolicy`]; the old one stays then.
    pub fn set_default_reader_qos(&self, qos: DataReaderQos) -> DdsResult<()> {
        check_consistent(qos.is_consistent())?;
        *self.0.default_reader_qos.write() = qos;
        Ok(())
    }

    /// `reader` with those of its policies that `topic` has too replaced by the topic's (DDS 1.4
    /// §2.2.2.5.2.16 `copy_from_topic_qos`).
    #[must_use]
    pub fn copy_from_topic_qos(&self, reader: DataReaderQos, topic: &TopicQos) -> DataReaderQos {
        reader.copy_from_topic(topic)
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

    /// A reader of a content-filtered topic.
    ///
    /// # Errors
    /// As [`ReaderBuilder::build`](super::ReaderBuilder::build).
    pub fn create_filtered_reader<T: TopicType>(
        &self,
        topic: &ContentFilteredTopic<T>,
        qos: DataReaderQos,
    ) -> DdsResult<DataReader<T>> {
        DataReader::filtered(self.clone(), topic, qos)
    }

    /// A reader of the topic of this name and of samples of `T`, if there is one (DDS 1.4
    /// §2.2.2.5.2.7 `lookup_datareader`).
    pub fn lookup_reader<T: TopicType>(&self, topic_name: &str) -> Option<DataReader<T>> {
        let readers = self.readers();
        readers
            .into_iter()
            .filter(|reader| reader.endpoint().topic.name == topic_name)
            .find_map(DataReader::of)
    }

    /// Calls `on_data_available` of the listeners of those readers that have new samples (DDS 1.4
    /// §2.2.2.5.2.13): for an `on_data_on_readers` that does not look at the readers itself.
    ///
    /// # Errors
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn notify_readers(&self) -> DdsResult<()> {
        self.0.lifecycle.check("notify_readers")?;
        for reader in self.readers() {
            let endpoint = reader.endpoint();
            if endpoint.observer.condition().changed_statuses().contains(StatusMask::DATA_AVAILABLE) {
                endpoint.notify_data_available();
            }
        }
        Ok(())
    }

    /// The subscriber's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.0.observer.condition().clone()
    }

    /// The statuses that changed and were not looked at (DDS 1.4 §2.2.2.1.1.4); a subscriber has one,
    /// DATA_ON_READERS.
    pub fn status_changes(&self) -> StatusMask {
        self.0.observer.condition().changed_statuses()
    }

    /// With access scope GROUP: what orders the samples of all readers.
    pub(super) fn group(&self) -> Option<Arc<SubscriberGroup>> {
        self.0.group.read().clone()
    }

    /// Its readers. No lock is held any more when they are returned: dropping one may need it.
    pub(super) fn readers(&self) -> Vec<Arc<ReaderInner>> {
        self.0.readers.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// Has a new reader from now on, and enables it unless it is to be enabled by the user.
    pub(super) fn adopt(&self, reader: &Arc<ReaderInner>) -> DdsResult<()> {
        let entity_id = reader.endpoint().guid.entity_id;
        self.0.readers.lock().insert(entity_id, Arc::downgrade(reader));
        if self.is_enabled() && self.enables_readers() { reader.enable() } else { Ok(()) }
    }

    pub(super) fn forget_reader(&self, entity_id: EntityId) {
        self.0.readers.lock().remove(&entity_id);
    }

    /// Announces those of its readers anew that `choose` says.
    pub(super) fn announce_readers(&self, choose: impl Fn(&ReaderEndpoint) -> bool) {
        for reader in self.readers() {
            if choose(reader.endpoint()) {
                reader.announce();
            }
        }
    }

    /// Refuses to enable what belongs to it while it is not enabled itself (DDS 1.4 §2.2.2.1.1.7).
    pub(super) fn check_enables(&self, entity: &'static str) -> DdsResult<()> {
        self.0.lifecycle.check_exists()?;
        if self.is_enabled() {
            return Ok(());
        }
        Err(DdsError::precondition("enable", format!("an enabled Subscriber before its {entity}")))
    }

    fn enables_readers(&self) -> bool {
        self.0.qos.read().entity_factory.autoenable_created_entities
    }
}
