//! What a participant is made with.

use alloc::{sync::Arc, vec::Vec};

use super::{hook::MatchHook, locators::Interface};
use crate::{discovery::ParticipantData, structure::Locator, time::Duration, timing};

/// What a [`Participant`](super::Participant) is made with.
#[derive(Clone, Debug)]
pub struct ParticipantConfig {
    /// What is announced of this participant: identity, domain, locators, lease, user data.
    pub data: ParticipantData,
    /// How often it is announced; default [`timing::ANNOUNCEMENT_PERIOD`].
    pub announcement_period: Duration,
    /// Groups that announcements go to.
    pub multicast_locators: Vec<Locator>,
    /// Addresses that announcements go to besides, whether or not somebody is there yet.
    pub initial_peers: Vec<Locator>,
    /// The addresses of this host, from which the reachability of a peer's addresses is judged.
    pub interfaces: Vec<Interface>,
    /// Seeds the jitter; equal seeds give equal behaviour.
    pub seed: u64,
    /// The largest datagram that discovery sends, in bytes; default 1,472, which no path fragments.
    pub max_message_size: usize,
    /// What proves that a peer really is where it says; default [`PathValidation::AnnouncedAddress`].
    pub path_validation: PathValidation,
    /// How much memory others may take up.
    pub limits: Limits,
    /// Decides about pairs beyond what QoS says; none by default.
    pub hook: Option<Arc<dyn MatchHook>>,
}

impl ParticipantConfig {
    /// With defaults for everything but what is announced.
    pub fn new(data: ParticipantData) -> Self {
        Self {
            data,
            announcement_period: timing::ANNOUNCEMENT_PERIOD,
            multicast_locators: Vec::new(),
            initial_peers: Vec::new(),
            interfaces: Vec::new(),
            seed: 0,
            max_message_size: 1472,
            path_validation: PathValidation::default(),
            limits: Limits::default(),
            hook: None,
        }
    }
}

/// What proves that a peer really is where it says, before anything but announcements, empty
/// heartbeats and acknowledgements within a budget is sent there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PathValidation {
    /// An ACKNACK that names us and one of our writers and comes from an address that the peer
    /// announces, or from this very host.
    #[default]
    AnnouncedAddress,
    /// Such an ACKNACK from anywhere: for peers behind address translation, whose announced
    /// address never is the one they send from. Whoever sees our traffic can then direct it
    /// anywhere.
    AnyAddress,
}

/// How much memory others may take up. Whoever asks for more is refused or evicted, and counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Participants; default 2,000. When full, the oldest that never validated its path goes.
    pub participants: usize,
    /// Announcement bytes kept of participants that have not validated their path; default 8 MiB.
    pub unvalidated_bytes: usize,
    /// Endpoints of one participant; default 5,000.
    pub endpoints_per_participant: usize,
    /// Endpoints of one participant that has not validated its path; default 16. What is refused is
    /// asked for again once the path is validated.
    pub endpoints_per_unvalidated_participant: usize,
    /// Announcement bytes of the endpoints of such a participant; default 16 KiB.
    pub endpoint_bytes_per_unvalidated_participant: usize,
    /// Announcement bytes of all endpoints of one participant; default 16 MiB.
    pub endpoint_bytes_per_participant: usize,
    /// Announcement bytes of all endpoints of all participants; default 256 MiB. When full, the
    /// participant that holds most is evicted.
    pub endpoint_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            participants: 2_000,
            unvalidated_bytes: 8 << 20,
            endpoints_per_participant: 5_000,
            endpoints_per_unvalidated_participant: 16,
            endpoint_bytes_per_unvalidated_participant: 16 << 10,
            endpoint_bytes_per_participant: 16 << 20,
            endpoint_bytes: 256 << 20,
        }
    }
}
