//! Protocol timing: every delay and period of the machines, each with its reason.
//!
//! These are constants of the protocol, not settings: what a user may want to change (the
//! participant's lease and announcement period) has its default here and a field in a config.

use crate::time::Duration;

// Reliable writers.

/// The first interval between heartbeats while something is unacknowledged. A lost last sample is
/// then repaired within 100 ms, while a writer with live readers hardly ever gets to send one,
/// since heartbeats ride on data.
pub const HEARTBEAT_PERIOD: Duration = Duration::from_millis(100);
/// Where doubling of the interval ends while no reader answers. A reader that comes back is found
/// in two seconds; a dead one costs half a datagram a second until its lease ends.
pub const HEARTBEAT_PERIOD_LIMIT: Duration = Duration::from_secs(2);
/// How long a writer waits before it answers an ACKNACK. Repairs are grouped by the poll itself,
/// so that waiting would only add to the latency of the sample that is missing.
pub const NACK_RESPONSE_DELAY: Duration = Duration::ZERO;
/// How long a change sent to a reader is not sent to it again, whatever it asks: the request and
/// the repair have crossed. The time is a round trip on a loaded LAN, not more, because under 20 %
/// loss the second request is as likely to be honest.
pub const NACK_SUPPRESSION: Duration = Duration::from_millis(4);

// Reliable readers.

/// How long a reader waits before it answers a heartbeat that shows a gap. Reordering within one
/// burst closes by itself when the burst has been read; acknowledgements go out after a burst.
pub const HEARTBEAT_RESPONSE_DELAY: Duration = Duration::ZERO;
/// How often a reader asks again for what did not come, at first. Above [`NACK_SUPPRESSION`], so
/// that the second request is never in vain.
pub const NACK_REPEAT: Duration = Duration::from_millis(20);
/// Where doubling of the repeat ends while nothing comes.
pub const NACK_REPEAT_LIMIT: Duration = Duration::from_secs(1);

// Discovery.

/// When the first announcements go out, counted from the start. They find everyone who is already
/// there even under loss; the directed answer of each of them carries the discovery back.
pub const ANNOUNCEMENT_BURST: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
];
/// The default interval of SPDP announcements. Two in a row have to be lost before a peer is probed, and
/// probes find out whether it lives; 50 participants cost each other 20 datagrams a second, most of them
/// recognised as unchanged without being decoded.
pub const ANNOUNCEMENT_PERIOD: Duration = Duration::from_millis(2500);
/// How long matches wait until it is settled whether memory is shared with a process of this host: a
/// thousand times what connecting takes, since whoever answers on the network answers here too. Samples
/// go by the network when it takes longer.
pub const SHARING_SETTLED_WITHIN: Duration = Duration::from_secs(1);
/// The default participant lease. A killed peer is noticed in ten seconds as with Cyclone DDS
/// (Fast DDS: twenty, the specification's default: a hundred).
pub const PARTICIPANT_LEASE: Duration = Duration::from_secs(10);
/// A participant that has been silent for one n-th of its lease is probed. With the default period none
/// ever is, unless its announcements do not get here.
pub const LEASE_PROBES_FROM: u64 = 2;
/// A silent participant is probed each n-th of its lease: sixteen times before it is given up, so
/// that 20 % loss both ways takes a live one for dead once in ten million leases.
pub const LEASE_PROBE_DIVISOR: u64 = 32;
/// Announcements and their bursts move by up to this part of their interval (one n-th), so that
/// processes started together do not stay in step.
pub const JITTER_DIVISOR: u64 = 10;
/// No timer of discovery repeats faster, whatever lease or period it is asked for.
pub const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
/// When a newly discovered participant is probed with empty heartbeats and pre-emptive ACKNACKs,
/// counted from its discovery, until it answers. A peer learns of us by the announcement just
/// before; peers that set their endpoints up asynchronously miss the first probe and get the next.
pub const PATH_PROBES: [Duration; 6] = [
    Duration::from_millis(5),
    Duration::from_millis(25),
    Duration::from_millis(60),
    Duration::from_millis(120),
    Duration::from_millis(300),
    Duration::from_millis(700),
];
/// How often an unanswered path is probed after [`PATH_PROBES`], as far as its budget allows. Also the
/// silence after which another locator is tried and the user is told.
pub const PATH_PROBE_PERIOD: Duration = Duration::from_millis(1500);
/// How much may be sent to a path that has not been validated: this many times what its
/// participant sent us (as for QUIC, RFC 9000 §8.1).
pub const PATH_AMPLIFICATION: u64 = 3;

// Groups.

/// A reader that lacks all that went to its group this often, one after the other, gets it by itself from then on:
/// one lost burst is the network's way, three are a switch or firewall that keeps groups out.
pub const GROUP_GIVEN_UP_AFTER: u32 = 3;

// Liveliness.

/// A writer's liveliness is asserted this many times in its lease, so that two lost messages in a
/// row are survived even before the reliable channel repairs one.
pub const ASSERTIONS_PER_LEASE: u64 = 3;
/// The shortest interval between two liveliness messages of one kind, whatever lease was asked for.
pub const ASSERTION_PERIOD_MINIMUM: Duration = Duration::from_millis(5);

/// `first` doubled `round` times, at most `limit`.
pub fn back_off(first: Duration, limit: Duration, round: u32) -> Duration {
    let factor = 1_u64.checked_shl(round).unwrap_or(u64::MAX);
    let doubled = first.as_nanos().map_or(u64::MAX, |nanos| nanos.saturating_mul(factor));
    Duration::from_nanos(doubled).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn back_off_doubles_up_to_its_limit() {
        let step = |round| back_off(NACK_REPEAT, NACK_REPEAT_LIMIT, round);
        assert_eq!(step(0), NACK_REPEAT);
        assert_eq!(step(2), Duration::from_millis(80));
        assert_eq!(step(40), NACK_REPEAT_LIMIT);
        assert_eq!(step(u32::MAX), NACK_REPEAT_LIMIT);
        assert_eq!(back_off(NACK_REPEAT, Duration::INFINITE, 1), Duration::from_millis(40));
    }
}
