//! Publishers (DDS 1.4 §2.2.2.4.1).

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use dds_qos::{DataWriterQos, Duration, PublisherQos, TopicQos};
use dds_rtps::structure::{EntityId, EntityKind};
use dds_types::TopicType;
use parking_lot::{Mutex, RwLock};

use super::{
    DataWriter, DomainParticipant, Topic,
    participant::{check_changeable, check_consistent},
    writer::WriterInner,
};
use crate::{
    condition::StatusCondition,
    engine::{Observer, PublisherGroup, WriterEndpoint},
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    status::StatusMask,
};

pub(crate) struct PublisherInner {
    pub(crate) participant: DomainParticipant,
    pub(crate) entity_id: EntityId,
    handle: InstanceHandle,
    pub(crate) qos: RwLock<PublisherQos>,
    pub(crate) observer: Arc<Observer>,
    pub(super) lifecycle: Lifecycle,
    default_writer_qos: RwLock<DataWriterQos>,
    /// What its writers do together.
    group: RwLock<Arc<PublisherGroup>>,
    /// Purpose: its writers as they come and go; nothing else is locked meanwhile.
    writers: Mutex<BTreeMap<EntityId, Weak<WriterInner>>>,
    /// Whether writers wait for `resume_publications`.
    suspended: AtomicBool,
}

impl Drop for PublisherInner {
    fn drop(&mut self) {
        self.participant.forget_group(self.entity_id);
    }
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

fn group_of(qos: &PublisherQos) -> Arc<PublisherGroup> {
    Arc::new(PublisherGroup::new(&qos.presentation))
}

impl Publisher {
    pub(super) fn new(participant: DomainParticipant, qos: PublisherQos) -> DdsResult<Self> {
        let handle = participant.engine().handles.allocate();
        let observer = Observer::new(handle, Some(participant.0.observer.clone()));
        let publisher = Self(Arc::new(PublisherInner {
            entity_id: participant.next_entity_id(EntityKind::WRITER_GROUP)?,
            handle,
            participant,
            group: RwLock::new(group_of(&qos)),
            qos: RwLock::new(qos),
            observer: Arc::new(observer),
            lifecycle: Lifecycle::disabled("Publisher"),
            default_writer_qos: RwLock::default(),
            writers: Mutex::default(),
            suspended: AtomicBool::new(false),
        }));
        publisher.participant().adopt_publisher(&publisher)?;
        Ok(publisher)
    }

    /// The participant that it belongs to (DDS 1.4 §2.2.2.4.1.12).
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

    /// Changes its QoS. Its writers announce the new PARTITION and GROUP_DATA, and are matched anew.
    ///
    /// # Errors
    /// [`DdsError::ImmutablePolicy`] for PRESENTATION once the publisher is enabled or has writers,
    /// [`DdsError::AlreadyDeleted`].
    pub fn set_qos(&self, qos: PublisherQos) -> DdsResult<()> {
        self.participant().check_usable("set_qos")?;
        self.0.lifecycle.check_exists()?;
        // Looked at first: letting go of the last reference to one may take a while.
        let is_settled = self.is_enabled() || !self.writers().is_empty();
        {
            let mut current = self.0.qos.write();
            if is_settled {
                check_changeable(current.check_changeable(&qos))?;
            } else {
                *self.0.group.write() = group_of(&qos);
            }
            *current = qos;
        }
        self.announce_writers(|_| true);
        Ok(())
    }

    /// Enables it, and its writers unless ENTITY_FACTORY says otherwise (DDS 1.4 §2.2.2.1.1.7,
    /// §2.2.3.20). Without effect when it is enabled.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while its participant is not enabled,
    /// [`DdsError::AlreadyDeleted`].
    pub fn enable(&self) -> DdsResult<()> {
        self.participant().check_enables("Publisher")?;
        if self.0.lifecycle.enable()? && self.enables_writers() {
            self.writers().iter().try_for_each(|writer| writer.enable())?;
        }
        Ok(())
    }

    /// Whether it is enabled and not deleted.
    pub fn is_enabled(&self) -> bool {
        self.0.lifecycle.is_enabled()
    }

    /// The QoS of writers that are made without any (DDS 1.4 §2.2.2.4.1.15).
    pub fn default_writer_qos(&self) -> DataWriterQos {
        self.0.default_writer_qos.read().clone()
    }

    /// Sets [`Publisher::default_writer_qos`] (DDS 1.4 §2.2.2.4.1.14).
    ///
    /// # Errors
    /// [`DdsError::InconsistentPolicy`]; the old one stays then.
    pub fn set_default_writer_qos(&self, qos: DataWriterQos) -> DdsResult<()> {
        check_consistent(qos.is_consistent())?;
        *self.0.default_writer_qos.write() = qos;
        Ok(())
    }

    /// `writer` with those of its policies that `topic` has too replaced by the topic's (DDS 1.4
    /// §2.2.2.4.1.16 `copy_from_topic_qos`).
    #[must_use]
    pub fn copy_from_topic_qos(&self, writer: DataWriterQos, topic: &TopicQos) -> DataWriterQos {
        writer.copy_from_topic(topic)
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

    /// A writer of the topic of this name and of samples of `T`, if there is one (DDS 1.4
    /// §2.2.2.4.1.7 `lookup_datawriter`).
    pub fn lookup_writer<T: TopicType>(&self, topic_name: &str) -> Option<DataWriter<T>> {
        let writers = self.writers();
        writers
            .into_iter()
            .filter(|writer| writer.endpoint().topic.name == topic_name)
            .find_map(DataWriter::of)
    }

    /// Says that several changes by its writers follow, so that they need not leave one by one: they wait,
    /// but for what fills a batch, until [`Publisher::resume_publications`] (DDS 1.4 §2.2.2.4.1.8).
    ///
    /// # Errors
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn suspend_publications(&self) -> DdsResult<()> {
        self.0.lifecycle.check("suspend_publications")?;
        self.0.suspended.store(true, Ordering::Release);
        for writer in self.writers() {
            writer.endpoint().state.lock().suspended = true;
        }
        Ok(())
    }

    /// Sends what waits since [`Publisher::suspend_publications`] (DDS 1.4 §2.2.2.4.1.9).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when they are not suspended, [`DdsError::NotEnabled`],
    /// [`DdsError::AlreadyDeleted`].
    pub fn resume_publications(&self) -> DdsResult<()> {
        const OPERATION: &str = "resume_publications";
        self.0.lifecycle.check(OPERATION)?;
        if !self.0.suspended.swap(false, Ordering::AcqRel) {
            return Err(DdsError::precondition(OPERATION, "suspend_publications before it"));
        }
        for writer in self.writers() {
            writer.endpoint().state.lock().suspended = false;
            self.participant().engine().flush_batch(writer.endpoint());
        }
        Ok(())
    }

    /// Blocks until all matched reliable readers of all its writers have acknowledged what was written
    /// so far (DDS 1.4 §2.2.2.4.1.13).
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::NotEnabled`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_for_acknowledgments(&self, timeout: Duration) -> DdsResult<()> {
        const OPERATION: &str = "wait_for_acknowledgments";
        self.0.lifecycle.check(OPERATION)?;
        let engine = self.participant().engine();
        engine.check_may_block(OPERATION)?;
        let started = engine.environment.now().monotonic;
        let targets: Vec<_> = self
            .writers()
            .iter()
            .map(|writer| (writer.endpoint().clone(), engine.request_acknowledgments(writer.endpoint())))
            .collect();
        for (writer, target) in targets {
            let left = match timeout.as_nanos() {
                None => Duration::INFINITE,
                Some(nanos) => {
                    let gone = engine.environment.now().monotonic.nanos_since(started);
                    Duration::from_nanos(nanos.saturating_sub(gone))
                }
            };
            let reached = || writer.state.lock().machine.is_acknowledged(target);
            engine.block_until(&writer.observer, OPERATION, left, reached).map_err(|error| match error {
                DdsError::Timeout { operation, .. } => DdsError::Timeout { operation, after: timeout },
                other => other,
            })?;
        }
        Ok(())
    }

    /// The publisher's status condition.
    pub fn status_condition(&self) -> StatusCondition {
        self.0.observer.condition().clone()
    }

    /// The statuses that changed and were not looked at (DDS 1.4 §2.2.2.1.1.4); a publisher has none of
    /// its own.
    pub fn status_changes(&self) -> StatusMask {
        self.0.observer.condition().changed_statuses()
    }

    /// What its writers do together.
    pub(super) fn group(&self) -> Arc<PublisherGroup> {
        self.0.group.read().clone()
    }

    /// Its writers. No lock is held any more when they are returned: dropping one may need it.
    pub(super) fn writers(&self) -> Vec<Arc<WriterInner>> {
        self.0.writers.lock().values().filter_map(Weak::upgrade).collect()
    }

    /// Has a new writer from now on, and enables it unless it is to be enabled by the user.
    pub(super) fn adopt(&self, writer: &Arc<WriterInner>) -> DdsResult<()> {
        let entity_id = writer.endpoint().guid.entity_id;
        self.0.writers.lock().insert(entity_id, Arc::downgrade(writer));
        writer.endpoint().state.lock().suspended = self.0.suspended.load(Ordering::Acquire);
        if self.is_enabled() && self.enables_writers() { writer.enable() } else { Ok(()) }
    }

    pub(super) fn forget_writer(&self, entity_id: EntityId) {
        self.0.writers.lock().remove(&entity_id);
    }

    /// Announces those of its writers anew that `choose` says.
    pub(super) fn announce_writers(&self, choose: impl Fn(&WriterEndpoint) -> bool) {
        for writer in self.writers() {
            if choose(writer.endpoint()) {
                writer.announce();
            }
        }
    }

    /// Refuses to enable what belongs to it while it is not enabled itself (DDS 1.4 §2.2.2.1.1.7).
    pub(super) fn check_enables(&self, entity: &'static str) -> DdsResult<()> {
        self.0.lifecycle.check_exists()?;
        if self.is_enabled() {
            return Ok(());
        }
        Err(DdsError::precondition("enable", format!("an enabled Publisher before its {entity}")))
    }

    fn enables_writers(&self) -> bool {
        self.0.qos.read().entity_factory.autoenable_created_entities
    }
}
