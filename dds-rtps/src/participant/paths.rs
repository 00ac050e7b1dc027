//! What may be sent where: validated paths, and the budget of the others.

use alloc::vec::Vec;

use super::{DiscoveryEvent, Interface, Participant, PathValidation, Timer, locators, peers::Peer};
use crate::{
    message::{Datagram, MessageBuilder, Submessage},
    structure::{GuidPrefix, Locator, LocatorKind, SharedMemoryName},
    time::{Monotonic, Now},
    timing,
    writer::Destinations,
};

impl Participant {
    /// Books what a submessage adds to its sender's budget. The message's header is not counted, so
    /// that the budget errs on the safe side.
    pub(super) fn note_received(&mut self, prefix: GuidPrefix, submessage: &Submessage<'_>) {
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        let size = match submessage {
            Submessage::Data(data) => data.payload.bytes().len().saturating_add(24),
            Submessage::DataFrag(fragment) => fragment.payload.len().saturating_add(36),
            _ => 28,
        };
        peer.received = peer.received.saturating_add(size as u64);
    }

    /// Leaves out destinations whose path is not validated and whose budget is used up.
    pub(super) fn permit(&mut self, mut destinations: Destinations, length: usize) -> Destinations {
        let (peers, statistics) = (&mut self.peers, &mut self.statistics);
        destinations.retain(|(prefix, locator)| {
            let Some(peer) = peers.get_mut(*prefix) else {
                // Everybody at an address of our own choice; or one that is just gone, and told so.
                return true;
            };
            if peer.has_answered_from(locator) {
                return true;
            }
            let sent = peer.sent.saturating_add(length as u64);
            if sent > peer.received.saturating_mul(timing::PATH_AMPLIFICATION) {
                statistics.datagrams_withheld = statistics.datagrams_withheld.saturating_add(1);
                return false;
            }
            peer.sent = sent;
            statistics.bytes_to_unvalidated_paths =
                statistics.bytes_to_unvalidated_paths.saturating_add(length as u64);
            true
        });
        destinations
    }

    /// Replaces this host's addresses after they changed, and judges anew which addresses of others
    /// can be reached. Who answers on a path keeps it as long as it can.
    pub fn set_interfaces(&mut self, now: Now, interfaces: Vec<Interface>) {
        self.config.interfaces = interfaces;
        let prefixes: Vec<GuidPrefix> = self.peers.iter().map(|(prefix, _)| prefix).collect();
        for prefix in prefixes {
            if self.rank_paths(prefix) {
                self.path_moved(now, prefix);
            }
            self.judge_peer(now, prefix);
        }
    }

    /// Under which name a participant shares memory, if its announcement came from this host: from anywhere
    /// else it could only be made up.
    pub fn shared_memory_of(&self, prefix: GuidPrefix) -> Option<SharedMemoryName> {
        let peer = self.peers.get(prefix)?;
        let is_here =
            locators::ip(&peer.origin).is_some_and(|ip| locators::is_own(ip, &self.config.interfaces));
        peer.data.shared_memory.filter(|_| is_here)
    }

    /// Whether a participant announces that its process shares memory, wherever it is.
    pub fn is_sharing_announced(&self, prefix: GuidPrefix) -> bool {
        self.peers.get(prefix).is_some_and(|peer| peer.data.shared_memory.is_some())
    }

    /// From now on user data for a participant's endpoints goes to `path`, in memory shared with its process,
    /// or (again) to its network address. Where both sides announce that they share memory, this is to be called
    /// in any case: matching waits for it, for a while. Discovery stays on the network, and so do endpoints that announce
    /// addresses of their own.
    pub fn set_shared_path(&mut self, now: Now, prefix: GuidPrefix, path: Option<Locator>) {
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        let is_news = peer.shared_path != path;
        peer.shared_path = path;
        if peer.awaits_sharing {
            self.sharing_settled(now, prefix);
        } else if is_news {
            self.judge_peer(now, prefix);
        }
    }

    /// A new participant: where both sides share memory, matching waits until that is settled.
    pub(super) fn await_sharing(&mut self, now: Monotonic, prefix: GuidPrefix) {
        if self.config.data.shared_memory.is_none() || self.shared_memory_of(prefix).is_none() {
            return;
        }
        if let Some(peer) = self.peers.get_mut(prefix) {
            peer.awaits_sharing = true;
            self.timers.set(Timer::Sharing(prefix), now.after(timing::SHARING_SETTLED_WITHIN));
        }
    }

    pub(super) fn sharing_settled(&mut self, now: Now, prefix: GuidPrefix) {
        self.timers.cancel(Timer::Sharing(prefix));
        if let Some(peer) = self.peers.get_mut(prefix) {
            peer.awaits_sharing = false;
            self.judge_peer(now, prefix);
        }
    }

    /// Orders a participant's addresses; whether the one in use changed by that.
    pub(super) fn rank_paths(&mut self, prefix: GuidPrefix) -> bool {
        let Some(peer) = self.peers.get_mut(prefix) else { return false };
        let old = peer.path();
        let announced = &peer.data.metatraffic_unicast_locators;
        peer.paths = locators::rank(announced, peer.origin, &self.config.interfaces);
        peer.chosen = peer.paths.iter().position(|path| Some(*path) == old).unwrap_or(0);
        peer.path() != old
    }

    pub(super) fn start_probing(&mut self, now: Monotonic, prefix: GuidPrefix) {
        if let Some(peer) = self.peers.get_mut(prefix) {
            peer.probes = 0;
        }
        self.timers.set(Timer::PathProbe(prefix), now);
    }

    /// Probes a path with empty heartbeats, which make a live peer's readers acknowledge.
    pub(super) fn path_probe_due(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        if peer.is_validated() {
            return;
        }
        let probe = peer.probes;
        peer.probes = probe.saturating_add(1);
        let is_silent = probe >= timing::PATH_PROBES.len();
        let next = match timing::PATH_PROBES.get(probe..) {
            Some([this, next, ..]) => {
                let nanos = next.as_nanos().unwrap_or(0).saturating_sub(this.as_nanos().unwrap_or(0));
                dds_qos::Duration::from_nanos(nanos)
            }
            _ => timing::PATH_PROBE_PERIOD,
        };
        self.timers.set(Timer::PathProbe(prefix), now.monotonic.after(next));
        if is_silent {
            self.try_next_path(now, prefix);
        }
        // The announcement may have been lost, and with it every probe is in vain.
        if probe >= REPLY_AGAIN_FROM {
            self.announcer.reply_to(prefix);
        }
        if let Some(peer) = self.peers.get(prefix) {
            self.endpoints.probe(prefix, peer.data.builtin_endpoints);
        }
    }

    /// Writes the heartbeats of a probe.
    pub(super) fn transmit_probe(&mut self, out: &mut Datagram) -> Option<Destinations> {
        while let Some((prefix, heartbeats)) = self.endpoints.next_probe() {
            let Some(path) = self.peers.get(prefix).and_then(Peer::path) else { continue };
            let mut builder = MessageBuilder::begin(out, self.config.data.guid.prefix);
            builder.info_destination(prefix);
            for heartbeat in &heartbeats {
                builder.heartbeat(heartbeat);
            }
            return Some(Destinations::from_iter([(prefix, path)]));
        }
        None
    }

    /// The peer is heard but does not answer: the next of its addresses is tried, and the user told
    /// once per round of addresses.
    fn try_next_path(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        let Some(silent) = peer.path() else { return };
        let following = peer.chosen.saturating_add(1);
        let warned = peer.probes > timing::PATH_PROBES.len().saturating_add(peer.paths.len());
        peer.chosen = if following < peer.paths.len() { following } else { 0 };
        let next = peer.path().unwrap_or(silent);
        let (participant, origin) = (peer.data.clone(), peer.origin);
        if !warned {
            self.events.push_back(DiscoveryEvent::PathWarning { participant, locator: silent, origin, next });
        }
        if next != silent {
            self.follow_peer(now.monotonic, prefix);
        }
    }

    /// A participant's address changed: what it must prove starts anew, while its built-in endpoints stay
    /// where they were until it has.
    pub(super) fn path_moved(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        if peer.is_validated() {
            return self.serve_peer(now, prefix);
        }
        // Bytes that came before from elsewhere must not be spent on the new address.
        peer.sent = peer.received.saturating_mul(timing::PATH_AMPLIFICATION);
        peer.received = peer.received.saturating_add(peer.announcement.len() as u64);
        self.start_probing(now.monotonic, prefix);
    }

    /// An ACKNACK that names us and one of our built-in writers has come from `source`.
    pub(super) fn acknowledged_from(&mut self, now: Now, prefix: GuidPrefix, source: Locator) {
        let Some(source_ip) = locators::ip(&source) else { return };
        let interfaces = &self.config.interfaces;
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        if peer.is_validated() && peer.validated.contains(&source_ip) {
            return;
        }
        let from_here = locators::is_own(source_ip, interfaces);
        let any = self.config.path_validation == PathValidation::AnyAddress;
        let mut proven = None;
        for (index, path) in peer.paths.iter().enumerate() {
            let Some(ip) = locators::ip(path) else { continue };
            let same = ip == source_ip || (from_here && locators::is_own(ip, interfaces));
            if same || any {
                if !peer.validated.contains(&ip) && peer.validated.len() < locators::LOCATORS_CONSIDERED {
                    peer.validated.push(ip);
                }
                // The chosen one is kept if it is proven itself.
                if proven.is_none() || index == peer.chosen {
                    proven = Some(index);
                }
            }
        }
        let Some(proven) = proven else {
            self.statistics.acknowledgements_from_elsewhere =
                self.statistics.acknowledgements_from_elsewhere.saturating_add(1);
            return;
        };
        peer.chosen = proven;
        self.peers.mark_validated(prefix);
        self.timers.cancel(Timer::PathProbe(prefix));
        self.statistics.paths_validated = self.statistics.paths_validated.saturating_add(1);
        self.serve_peer(now, prefix);
    }

    /// A path is validated: everything of ours may go there.
    fn serve_peer(&mut self, now: Now, prefix: GuidPrefix) {
        self.follow_peer(now.monotonic, prefix);
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        let Some(path) = peer.path() else { return };
        peer.is_served = true;
        let endpoints = peer.data.builtin_endpoints;
        self.endpoints.serve(prefix, path, endpoints, peer.data.builtin_endpoint_qos);
        self.judge_peer(now, prefix);
    }

    /// Whether user data may be sent to `locator` of the participant.
    pub(super) fn may_send_to(&self, peer: &Peer, locator: &Locator) -> bool {
        if locator.kind == LocatorKind::IN_PROCESS
            || self.config.path_validation == PathValidation::AnyAddress
        {
            return true;
        }
        let Some(ip) = locators::ip(locator) else { return false };
        let is_own = locators::is_own(ip, &self.config.interfaces);
        peer.validated.iter().any(|validated| {
            *validated == ip || (is_own && locators::is_own(*validated, &self.config.interfaces))
        })
    }
}

/// The probe from which on the announcement is repeated too.
const REPLY_AGAIN_FROM: usize = 2;
