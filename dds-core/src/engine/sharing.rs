//! With which participants memory is shared, and why not with the others.

use std::fmt;

use dds_rtps::{
    structure::{GuidPrefix, Locator, SharedMemoryName},
    time::Now,
};
use dds_transport::SharedMemoryRefusal;

use super::Engine;

/// Why data for a participant goes by the network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NotShared {
    /// Shared memory is switched off here, or this environment has none.
    Disabled,
    /// The participant does not offer it: switched off there, or another implementation.
    NotOffered,
    /// The participant's announcement comes from another host, or from another network namespace.
    OtherHost,
    /// The attempt failed, or what was there has ended.
    Refused(SharedMemoryRefusal),
}

impl fmt::Display for NotShared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disabled => f.write_str("shared memory is switched off here"),
            Self::NotOffered => f.write_str("the participant does not offer shared memory"),
            Self::OtherHost => {
                f.write_str("the participant is on another host or in another network namespace")
            }
            Self::Refused(refusal) => write!(f, "no shared memory: {refusal}"),
        }
    }
}

/// Which way data takes to a participant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SharedMemoryState {
    /// Through shared memory.
    Shared,
    /// By the network, until memory is shared.
    Opening,
    /// By the network.
    NotShared(NotShared),
}

/// What is known of one participant.
#[derive(Debug)]
pub(crate) struct Sharing {
    /// Under which name it was asked.
    name: Option<SharedMemoryName>,
    pub(crate) state: SharedMemoryState,
}

impl Engine {
    /// A participant was announced, or is announced otherwise: shares memory with its process, if it can.
    pub(super) fn share_memory(&self, now: Now, prefix: GuidPrefix) {
        let (name, former) = {
            let mut discovery = self.discovery.lock();
            let offered = discovery.participant.shared_memory_of(prefix);
            let known = discovery.sharing.get(&prefix);
            if known.is_some_and(|known| known.name.is_some() && known.name == offered) {
                return;
            }
            let announced = discovery.participant.is_sharing_announced(prefix);
            let state = match (offered, announced) {
                (Some(_), _) => SharedMemoryState::Opening,
                (None, true) => SharedMemoryState::NotShared(NotShared::OtherHost),
                (None, false) => SharedMemoryState::NotShared(NotShared::NotOffered),
            };
            let former = discovery.sharing.insert(prefix, Sharing { name: offered, state });
            (offered, former.and_then(|former| former.name))
        };
        if let Some(former) = former {
            self.environment.stop_sharing_memory(former);
            self.run_discovery(now, |participant| participant.set_shared_path(now, prefix, None));
        }
        let Some(name) = name else { return };
        match self.environment.share_memory(name) {
            Ok(None) => {}
            Ok(Some(path)) => self.settle_sharing(now, prefix, &Ok(path)),
            Err(reason) => self.settle_sharing(now, prefix, &Err(reason)),
        }
    }

    /// A participant is gone.
    pub(super) fn stop_sharing_memory(&self, prefix: GuidPrefix) {
        let known = self.discovery.lock().sharing.remove(&prefix);
        if let Some(name) = known.and_then(|known| known.name) {
            self.environment.stop_sharing_memory(name);
        }
    }

    /// What came of sharing memory with the process of that name.
    pub(crate) fn shared_memory_settled(
        &self,
        now: Now,
        name: SharedMemoryName,
        outcome: &Result<Locator, NotShared>,
    ) {
        let concerned: Vec<GuidPrefix> = {
            let discovery = self.discovery.lock();
            let of_name = discovery.sharing.iter().filter(|(_, known)| known.name == Some(name));
            of_name.map(|(prefix, _)| *prefix).collect()
        };
        for prefix in concerned {
            self.settle_sharing(now, prefix, outcome);
        }
    }

    fn settle_sharing(&self, now: Now, prefix: GuidPrefix, outcome: &Result<Locator, NotShared>) {
        {
            let mut discovery = self.discovery.lock();
            let Some(known) = discovery.sharing.get_mut(&prefix) else { return };
            match outcome {
                Ok(_) => {
                    known.state = SharedMemoryState::Shared;
                    tracing::debug!(participant = %prefix, "data goes through shared memory");
                }
                Err(reason) => {
                    known.state = SharedMemoryState::NotShared(reason.clone());
                    // No way is held any more.
                    known.name = None;
                    tracing::info!(participant = %prefix, %reason, "data goes by the network");
                }
            }
        }
        let path = outcome.as_ref().ok().copied();
        self.run_discovery(now, |participant| participant.set_shared_path(now, prefix, path));
    }
}
