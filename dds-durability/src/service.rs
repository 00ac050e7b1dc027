//! The service with a thread of its own.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    thread::JoinHandle,
};

use dds_core::{
    DomainParticipant, ParticipantConfig, condition::GuardCondition, qos::Duration, rtps::time::Monotonic,
};

use crate::{
    error::DurabilityError,
    keeper::{ChannelStatus, DurabilityConfig, Keeper},
};

/// A service in the making.
#[must_use = "nothing happens before start()"]
#[derive(Debug)]
pub struct DurabilityServiceBuilder {
    domain_id: u32,
    participant: ParticipantConfig,
    config: DurabilityConfig,
}

impl DurabilityServiceBuilder {
    /// With this file for PERSISTENT samples; it is made when it is not there.
    pub fn store(mut self, path: impl Into<PathBuf>) -> Self {
        self.config.store = Some(path.into());
        self
    }

    /// For topics whose name matches this pattern of POSIX `fnmatch`, and those of other calls; for all
    /// when there is none.
    pub fn topics(mut self, pattern: impl Into<String>) -> Self {
        self.config.topics.push(pattern.into());
        self
    }

    /// With at most so many bytes of memory for samples.
    pub fn max_bytes(mut self, max_bytes: usize) -> Self {
        self.config.max_bytes = max_bytes;
        self
    }

    /// With this configuration instead of the default one.
    pub fn config(mut self, config: DurabilityConfig) -> Self {
        self.config = config;
        self
    }

    /// In a participant with this configuration.
    pub fn participant_config(mut self, config: ParticipantConfig) -> Self {
        self.participant = config;
        self
    }

    /// On this host's loopback interface only.
    pub fn loopback_only(mut self) -> Self {
        self.participant.transport = dds_core::transport::UdpConfig::loopback_only();
        self
    }

    /// Starts it: a participant of its own, and a thread.
    ///
    /// # Errors
    /// [`DurabilityError::Dds`] when the sockets cannot be opened, [`DurabilityError::Store`] when the file
    /// cannot.
    pub fn start(self) -> Result<DurabilityService, DurabilityError> {
        let mut config = self.participant;
        config.name.get_or_insert_with(|| "durability service".into());
        let participant = DomainParticipant::builder(self.domain_id).config(config).build()?;
        let keeper = Keeper::new(participant, self.config)?;
        let shared = Arc::new(Shared::default());
        let stop = GuardCondition::new();
        keeper.waitset().attach(&stop);
        let (of_thread, stop_of_thread) = (Arc::clone(&shared), stop.clone());
        let thread = std::thread::Builder::new()
            .name("dds-durability".into())
            .spawn(move || run(keeper, &of_thread, &stop_of_thread))
            .map_err(DurabilityError::Thread)?;
        Ok(DurabilityService { shared, stop, thread: Some(thread) })
    }
}

#[derive(Debug, Default)]
struct Shared {
    /// Purpose: hands what is kept to whoever asks.
    status: Mutex<Vec<ChannelStatus>>,
}

/// A running durability service (DDS 1.4 §2.2.3.4): keeps the samples of TRANSIENT and PERSISTENT writers
/// for readers that come after these have gone. It ends when it is dropped.
///
/// ```no_run
/// # fn main() -> Result<(), dds_durability::DurabilityError> {
/// let service = dds_durability::DurabilityService::builder(0).store("samples.redb").topics("rt/*").start()?;
/// for channel in service.status() {
///     println!("{}: {} samples", channel.topic_name, channel.samples);
/// }
/// service.stop()
/// # }
/// ```
#[derive(Debug)]
pub struct DurabilityService {
    shared: Arc<Shared>,
    stop: GuardCondition,
    thread: Option<JoinHandle<Result<(), DurabilityError>>>,
}

impl DurabilityService {
    /// Begins a service for a domain.
    pub fn builder(domain_id: u32) -> DurabilityServiceBuilder {
        DurabilityServiceBuilder {
            domain_id,
            participant: ParticipantConfig::default(),
            config: DurabilityConfig::default(),
        }
    }

    /// What is kept, as of a moment ago.
    pub fn status(&self) -> Vec<ChannelStatus> {
        self.shared.status.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether it has ended by itself, which it does only when the store fails; [`DurabilityService::stop`]
    /// says why.
    pub fn has_ended(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Ends it and waits until it has.
    ///
    /// # Errors
    /// Why it had ended before.
    pub fn stop(mut self) -> Result<(), DurabilityError> {
        self.join()
    }

    fn join(&mut self) -> Result<(), DurabilityError> {
        self.stop.set_trigger_value(true);
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
            None => Ok(()),
        }
    }
}

impl Drop for DurabilityService {
    fn drop(&mut self) {
        if self.thread.is_some()
            && !std::thread::panicking()
            && let Err(error) = self.join()
        {
            tracing::error!(%error, "the durability service had ended");
        }
    }
}

fn run(mut keeper: Keeper, shared: &Shared, stop: &GuardCondition) -> Result<(), DurabilityError> {
    while !stop.trigger_value() {
        let next = match keeper.poll() {
            Ok(next) => next,
            Err(error) => {
                tracing::error!(%error, "the durability service ends; nothing is acknowledged any more");
                return Err(error);
            }
        };
        *shared.status.lock().unwrap_or_else(PoisonError::into_inner) = keeper.status();
        let timeout = match next {
            Monotonic::NEVER => Duration::INFINITE,
            next => Duration::from_nanos(next.nanos_since(keeper.participant().now().monotonic)),
        };
        // Whatever ends the wait, polling finds out.
        let _ = keeper.waitset().wait(timeout);
    }
    Ok(())
}
