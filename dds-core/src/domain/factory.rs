//! What makes participants (DDS 1.4 §2.2.2.2.2).

use std::sync::{
    Arc, Weak,
    atomic::{AtomicBool, Ordering},
};

use dds_qos::{DomainParticipantQos, EntityFactory};
use parking_lot::{Mutex, RwLock};

use super::{DomainParticipant, ParticipantBuilder, participant::ParticipantInner};
use crate::{
    error::{DdsError, DdsResult, IllegalContext},
    runtime::{RuntimeConfig, RuntimeHandle},
};

/// Makes participants (DDS 1.4 §2.2.2.2.2). Participants of one factory that share a domain and a
/// network configuration share sockets and threads.
///
/// There is no factory of the process: each is a value, and clones are the same factory.
#[derive(Clone, Default)]
pub struct DomainParticipantFactory(Arc<FactoryInner>);

#[derive(Default)]
struct FactoryInner {
    runtimes: Mutex<Vec<(u32, RuntimeConfig, Weak<RuntimeHandle>)>>,
    participants: Mutex<Vec<Weak<ParticipantInner>>>,
    default_participant_qos: RwLock<DomainParticipantQos>,
    /// Whether participants are made disabled.
    makes_disabled: AtomicBool,
}

/// The QoS of a [`DomainParticipantFactory`] (DDS 1.4 §2.2.3, ENTITY_FACTORY).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DomainParticipantFactoryQos {
    /// Whether participants are enabled when they are made.
    pub entity_factory: EntityFactory,
}

impl DomainParticipantFactory {
    /// A factory without participants.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a participant in `domain_id`, with the default QoS.
    pub fn participant(&self, domain_id: u32) -> ParticipantBuilder {
        ParticipantBuilder::new(self.clone(), domain_id, self.default_participant_qos())
    }

    /// A participant with this QoS and the default configuration (DDS 1.4 §2.2.2.2.2.1).
    ///
    /// # Errors
    /// As [`ParticipantBuilder::build`].
    pub fn create_participant(
        &self,
        domain_id: u32,
        qos: DomainParticipantQos,
    ) -> DdsResult<DomainParticipant> {
        self.participant(domain_id).qos(qos).build()
    }

    /// Deletes a participant that nothing belongs to any more: it departs, and its sockets and threads
    /// are closed unless others of the factory use them (DDS 1.4 §2.2.2.2.2.2). Dropping the last handle
    /// does the same.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while it has publishers, subscribers or topics: see
    /// [`DomainParticipant::delete_contained_entities`]; [`DdsError::IllegalOperation`] when another
    /// factory made it; [`DdsError::AlreadyDeleted`].
    pub fn delete_participant(&self, participant: &DomainParticipant) -> DdsResult<()> {
        const OPERATION: &str = "delete_participant";
        participant.check_usable(OPERATION)?;
        participant.0.lifecycle.check_exists()?;
        let is_ours = |known: &Weak<ParticipantInner>| known.as_ptr() == Arc::as_ptr(&participant.0);
        if !self.0.participants.lock().iter().any(is_ours) {
            let context = IllegalContext::ForeignEntity;
            return Err(DdsError::IllegalOperation { operation: OPERATION, context });
        }
        participant.check_is_empty(OPERATION)?;
        self.0.participants.lock().retain(|known| !is_ours(known));
        participant.close();
        Ok(())
    }

    /// A participant of this factory in `domain_id`, if there is one (DDS 1.4 §2.2.2.2.2.4).
    pub fn lookup_participant(&self, domain_id: u32) -> Option<DomainParticipant> {
        let known: Vec<_> =
            self.0.participants.lock().iter().filter_map(Weak::upgrade).map(DomainParticipant).collect();
        known.into_iter().find(|participant| participant.domain_id() == domain_id)
    }

    /// The QoS of participants that are made without any (DDS 1.4 §2.2.2.2.2.6).
    pub fn default_participant_qos(&self) -> DomainParticipantQos {
        self.0.default_participant_qos.read().clone()
    }

    /// Sets [`DomainParticipantFactory::default_participant_qos`] (DDS 1.4 §2.2.2.2.2.5).
    pub fn set_default_participant_qos(&self, qos: DomainParticipantQos) {
        *self.0.default_participant_qos.write() = qos;
    }

    /// The factory's own QoS (DDS 1.4 §2.2.2.2.2.7).
    pub fn qos(&self) -> DomainParticipantFactoryQos {
        let autoenable_created_entities = !self.0.makes_disabled.load(Ordering::Acquire);
        DomainParticipantFactoryQos { entity_factory: EntityFactory { autoenable_created_entities } }
    }

    /// Changes the factory's own QoS, for participants made from now on (DDS 1.4 §2.2.2.2.2.8).
    pub fn set_qos(&self, qos: DomainParticipantFactoryQos) {
        self.0.makes_disabled.store(!qos.entity_factory.autoenable_created_entities, Ordering::Release);
    }

    /// Has one more participant from now on; whether that one is to be enabled at once.
    pub(super) fn adopt(&self, participant: &DomainParticipant) -> bool {
        let mut participants = self.0.participants.lock();
        participants.retain(|known| known.strong_count() > 0);
        participants.push(Arc::downgrade(&participant.0));
        !self.0.makes_disabled.load(Ordering::Acquire)
    }

    pub(super) fn runtime(&self, domain_id: u32, config: &RuntimeConfig) -> DdsResult<Arc<RuntimeHandle>> {
        let mut runtimes = self.0.runtimes.lock();
        runtimes.retain(|(_, _, runtime)| runtime.strong_count() > 0);
        let known = runtimes.iter().find(|(domain, known, _)| *domain == domain_id && known == config);
        if let Some(runtime) = known.and_then(|(_, _, runtime)| runtime.upgrade()) {
            return Ok(runtime);
        }
        let runtime = Arc::new(RuntimeHandle::start(domain_id, config.clone())?);
        runtimes.push((domain_id, config.clone(), Arc::downgrade(&runtime)));
        Ok(runtime)
    }
}
