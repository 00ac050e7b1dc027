//! How long a participant lives on without a sign of life.

use super::{LossReason, Participant, Timer, peers::Peer};
use crate::{
    structure::GuidPrefix,
    time::{Duration, Monotonic, Now},
    timing,
};

impl Peer {
    /// When its lease runs out.
    fn lease_end(&self) -> Monotonic {
        self.activity.last().after(self.data.lease_duration)
    }

    /// One of so many equal parts of its lease.
    fn part_of_lease(&self, parts: u64) -> Duration {
        let part = self.data.lease_duration.as_nanos().and_then(|nanos| nanos.checked_div(parts));
        part.map_or(Duration::INFINITE, Duration::from_nanos)
    }

    /// From when on its silence is suspicious.
    fn probes_from(&self) -> Monotonic {
        self.activity.last().after(self.part_of_lease(timing::LEASE_PROBES_FROM))
    }
}

impl Participant {
    /// Arms the timer of a participant's lease. All with the same lease come up together, at multiples of
    /// the probing interval: of many peers, hardly one is then looked at alone.
    pub(super) fn watch_lease(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get(prefix) else { return };
        // Never now, however short a lease somebody thinks up.
        let interval = peer.part_of_lease(timing::LEASE_PROBE_DIVISOR).max(timing::SHORTEST_INTERVAL);
        let next_probe = now.monotonic.after(interval);
        let next = peer.probes_from().max(next_probe);
        let together = interval.as_nanos().and_then(|grid| next.as_nanos().checked_next_multiple_of(grid));
        let next = together.map_or(next, Monotonic::from_nanos).min(peer.lease_end());
        self.timers.set(Timer::ParticipantLease(prefix), next);
    }

    /// Gives up a participant whose lease has run out. One that has been silent for part of it is asked
    /// for an acknowledgement, so that neither lost announcements nor a network that does not
    /// pass its multicast make it look dead.
    pub(super) fn participant_lease_due(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get(prefix) else { return };
        if peer.lease_end() <= now.monotonic {
            return self.remove_peer(now, prefix, LossReason::LeaseExpired);
        }
        if peer.is_validated() && peer.probes_from() <= now.monotonic {
            self.endpoints.probe(prefix, peer.data.builtin_endpoints);
        }
        self.watch_lease(now, prefix);
    }
}
