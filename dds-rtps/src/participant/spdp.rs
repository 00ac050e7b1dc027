//! Announcing ourselves and hearing others: SPDP (RTPS 2.5 §8.5.3).

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use super::{
    DiscoveryEvent, LossReason, Participant, ParticipantConfig, Timer, activity::Activity, locators,
    peers::Peer,
};
use crate::{
    discovery::ParticipantData,
    message::{Data, DataHeader, Datagram, MessageBuilder, MessageContext, PayloadKind, StatusInfo},
    payload::Payload,
    structure::{EntityId, Guid, GuidPrefix, KeyHash, Locator, SequenceNumber},
    time::{Duration, Monotonic, Now},
    timing,
    writer::Destinations,
};

/// The stateless best-effort writer of our own announcement.
#[derive(Debug)]
pub(super) struct Announcer {
    payload: Payload,
    number: SequenceNumber,
    /// Announcements made so far, up to the length of the burst.
    round: usize,
    jitter: Jitter,
    /// Everybody is to be told.
    broadcast_due: bool,
    /// Those who are to be told alone.
    replies: BTreeSet<GuidPrefix>,
    farewells: BTreeMap<GuidPrefix, Locator>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Present,
    Departed,
}

impl Announcer {
    pub(super) fn new(config: &ParticipantConfig) -> Self {
        let mut announcer = Self {
            payload: Payload::default(),
            number: SequenceNumber::ZERO,
            round: 0,
            jitter: Jitter(config.seed),
            broadcast_due: false,
            replies: BTreeSet::new(),
            farewells: BTreeMap::new(),
            state: State::Present,
        };
        announcer.update(config);
        announcer
    }

    pub(super) fn update(&mut self, config: &ParticipantConfig) {
        let mut bytes = Vec::new();
        // What is too long for a parameter is left out; the rest is still worth announcing.
        let _ = config.data.encode(&mut bytes);
        self.payload = Payload::from(bytes);
        self.number = self.number.next();
    }

    pub(super) fn reply_to(&mut self, prefix: GuidPrefix) {
        if self.state == State::Present {
            self.replies.insert(prefix);
        }
    }

    /// From now on only the disposal is sent, once to everybody and once to each of `peers`.
    pub(super) fn depart(&mut self, peers: impl Iterator<Item = (GuidPrefix, Locator)>) {
        if self.state == State::Departed {
            return;
        }
        self.state = State::Departed;
        self.number = self.number.next();
        self.replies.clear();
        self.broadcast_due = true;
        self.farewells = peers.collect();
    }

    /// The interval to the announcement after this one.
    fn next_interval(&mut self, period: Duration) -> Duration {
        let burst = timing::ANNOUNCEMENT_BURST;
        let interval = match (burst.get(self.round), burst.get(self.round.saturating_add(1))) {
            (Some(this), Some(next)) => {
                let nanos = |duration: &Duration| duration.as_nanos().unwrap_or(0);
                Duration::from_nanos(nanos(next).saturating_sub(nanos(this))).min(period)
            }
            _ => period,
        };
        self.round = self.round.saturating_add(1);
        self.jitter.spread(interval).max(timing::SHORTEST_INTERVAL)
    }
}

/// A seeded source of small irregularities (SplitMix64).
#[derive(Debug)]
struct Jitter(u64);

impl Jitter {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// `interval`, shortened by up to one [`timing::JITTER_DIVISOR`]th. It only ever shortens, so that
    /// the promise made by the period holds.
    fn spread(&mut self, interval: Duration) -> Duration {
        let Some(nanos) = interval.as_nanos() else { return interval };
        let width = nanos.checked_div(timing::JITTER_DIVISOR).unwrap_or(0);
        let offset = self.next().checked_rem(width.max(1)).unwrap_or(0);
        Duration::from_nanos(nanos.saturating_sub(offset))
    }
}

impl Participant {
    pub(super) fn start_announcing(&mut self, now: Monotonic) {
        self.timers.set(Timer::Announcement, now);
    }

    pub(super) fn announcement_due(&mut self, now: Monotonic) {
        self.announcer.broadcast_due = true;
        // The burst is for strangers.
        if self.announcer.round >= timing::ANNOUNCEMENT_BURST.len() {
            for (prefix, peer) in self.peers.iter() {
                if peer.is_validated() && self.is_out_of_multicast(peer) {
                    self.announcer.reply_to(prefix);
                }
            }
        }
        let interval = self.announcer.next_interval(self.config.announcement_period);
        self.timers.set(Timer::Announcement, now.after(interval));
    }

    /// Whether our multicast may not get to a participant: we send none, it announces no group, or
    /// it is in none of our subnets.
    fn is_out_of_multicast(&self, peer: &Peer) -> bool {
        let interfaces = &self.config.interfaces;
        let is_near = peer.path().as_ref().and_then(locators::ip).is_none_or(|ip| {
            locators::is_own(ip, interfaces) || interfaces.iter().any(|own| own.shares_subnet_with(ip))
        });
        self.config.multicast_locators.is_empty()
            || peer.data.metatraffic_multicast_locators.is_empty()
            || !is_near
    }

    /// Writes one announcement, if one is due.
    pub(super) fn transmit_announcement(&mut self, now: Now, out: &mut Datagram) -> Option<Destinations> {
        if core::mem::take(&mut self.announcer.broadcast_due) {
            let everybody = self.config.multicast_locators.iter().chain(&self.config.initial_peers);
            let destinations: Destinations =
                everybody.map(|locator| (GuidPrefix::UNKNOWN, *locator)).collect();
            if !destinations.is_empty() {
                self.write_announcement(now, GuidPrefix::UNKNOWN, out);
                return Some(destinations);
            }
        }
        while let Some(prefix) = self.announcer.replies.pop_first() {
            if let Some(path) = self.peers.get(prefix).and_then(Peer::path) {
                self.write_announcement(now, prefix, out);
                return Some(Destinations::from_iter([(prefix, path)]));
            }
        }
        let (prefix, path) = self.announcer.farewells.pop_first()?;
        self.write_announcement(now, prefix, out);
        Some(Destinations::from_iter([(prefix, path)]))
    }

    /// Whether goodbye has been said.
    pub(super) fn has_departed(&self) -> bool {
        self.announcer.state == State::Departed
    }

    fn write_announcement(&self, now: Now, to: GuidPrefix, out: &mut Datagram) {
        let guid = self.config.data.guid;
        let departed = self.announcer.state == State::Departed;
        let mut header = DataHeader {
            reader_id: EntityId::UNKNOWN,
            writer_id: EntityId::SPDP_WRITER,
            writer_sn: self.announcer.number,
            kind: PayloadKind::Data,
            ..DataHeader::default()
        };
        let mut builder = MessageBuilder::begin(out, guid.prefix);
        if to != GuidPrefix::UNKNOWN {
            builder.info_destination(to);
        }
        builder.info_timestamp(Some(now.wall));
        if departed {
            let mut key = Vec::new();
            ParticipantData::encode_key(guid, &mut key);
            header.kind = PayloadKind::Key;
            header.status_info = StatusInfo::DISPOSED.union(StatusInfo::UNREGISTERED);
            header.key_hash = Some(KeyHash(guid.to_bytes()));
            builder.data(&header, None, &Payload::from(key));
        } else {
            builder.data(&header, None, &self.announcer.payload);
        }
    }

    /// A DATA for the SPDP reader.
    pub(super) fn handle_announcement(
        &mut self,
        now: Now,
        context: &MessageContext,
        source: Locator,
        data: &Data<'_>,
    ) {
        self.statistics.announcements_received = self.statistics.announcements_received.saturating_add(1);
        let prefix = context.source_prefix;
        let status = data.inline_qos.as_ref().and_then(|inline| inline.status_info()).unwrap_or_default();
        if status.contains(StatusInfo::DISPOSED) || status.contains(StatusInfo::UNREGISTERED) {
            let named = ParticipantData::disposed(data.payload, data.inline_qos.as_ref());
            // Nobody may say goodbye for another.
            if named.is_none_or(|guid| guid.prefix == prefix) {
                self.remove_peer(now, prefix, LossReason::Departed);
            } else {
                self.count_malformed_announcement();
            }
            return;
        }
        let bytes = data.payload.bytes();
        if let Some(peer) = self.peers.get_mut(prefix).filter(|peer| *peer.announcement == *bytes) {
            peer.origin = source;
            self.statistics.announcements_unchanged =
                self.statistics.announcements_unchanged.saturating_add(1);
            return;
        }
        let decoded = match ParticipantData::decode(bytes, context.source_vendor) {
            Ok(decoded) if decoded.guid == Guid::new(prefix, EntityId::PARTICIPANT) => decoded,
            _ => return self.count_malformed_announcement(),
        };
        let own = &self.config.data;
        let foreign = decoded.domain_id.is_some_and(|id| own.domain_id != Some(id))
            || decoded.domain_tag != own.domain_tag;
        if foreign {
            self.statistics.announcements_of_other_domains =
                self.statistics.announcements_of_other_domains.saturating_add(1);
            return self.remove_peer(now, prefix, LossReason::LeftDomain);
        }
        match self.peers.get(prefix) {
            Some(peer) if is_restart(peer, &decoded, data.writer_sn) => {
                self.remove_peer(now, prefix, LossReason::Restarted);
                self.admit(now, source, decoded, bytes, data.writer_sn);
            }
            // An old announcement that was overtaken.
            Some(peer) if data.writer_sn < peer.announcement_number => {}
            Some(_) => self.change_participant(now, source, decoded, bytes, data.writer_sn),
            None => self.admit(now, source, decoded, bytes, data.writer_sn),
        }
    }

    /// An announcement of a participant came by a group: samples for its readers may go by groups too.
    pub fn heard_by_group(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        if !core::mem::replace(&mut peer.is_heard_by_group, true) {
            self.judge_peer(now, prefix);
        }
    }

    fn count_malformed_announcement(&mut self) {
        self.statistics.announcements_malformed = self.statistics.announcements_malformed.saturating_add(1);
    }

    /// Takes a new participant in, if there is room or room can be made.
    fn admit(
        &mut self,
        now: Now,
        origin: Locator,
        data: ParticipantData,
        bytes: &[u8],
        number: SequenceNumber,
    ) {
        let prefix = data.guid.prefix;
        let limits = self.config.limits;
        while self.peers.len() >= limits.participants
            || self.peers.unvalidated_bytes().saturating_add(bytes.len()) > limits.unvalidated_bytes
        {
            let Some(oldest) = self.peers.oldest_unvalidated() else {
                self.statistics.participants_refused = self.statistics.participants_refused.saturating_add(1);
                return;
            };
            self.statistics.participants_evicted = self.statistics.participants_evicted.saturating_add(1);
            self.remove_peer(now, oldest, LossReason::Evicted);
        }
        let paths = locators::rank(&data.metatraffic_unicast_locators, origin, &self.config.interfaces);
        let data = Arc::new(data);
        let received = DATAGRAM_OVERHEAD.saturating_add(bytes.len() as u64);
        let is_unreachable = paths.is_empty();
        self.peers.insert(
            prefix,
            Peer {
                data: data.clone(),
                announcement: Box::from(bytes),
                announcement_number: number,
                origin,
                is_heard_by_group: false,
                paths,
                chosen: 0,
                shared_path: None,
                awaits_sharing: false,
                validated: Default::default(),
                is_served: false,
                received,
                sent: 0,
                probes: 0,
                arrival: 0,
                activity: Activity::new(now.monotonic),
                manual_activity: Activity::new(now.monotonic),
                endpoints: BTreeMap::new(),
                endpoint_bytes: 0,
                fragments: None,
            },
        );
        self.watch_lease(now, prefix);
        self.events.push_back(DiscoveryEvent::ParticipantDiscovered(data.clone()));
        if is_unreachable {
            self.events.push_back(DiscoveryEvent::Unreachable { participant: data, origin });
            return;
        }
        self.announcer.reply_to(prefix);
        self.follow_peer(now.monotonic, prefix);
        self.start_probing(now.monotonic, prefix);
        self.await_sharing(now.monotonic, prefix);
    }

    fn change_participant(
        &mut self,
        now: Now,
        origin: Locator,
        data: ParticipantData,
        bytes: &[u8],
        number: SequenceNumber,
    ) {
        let prefix = data.guid.prefix;
        let data = Arc::new(data);
        let Some(peer) = self.peers.get_mut(prefix) else { return };
        peer.announcement_number = number;
        peer.origin = origin;
        self.peers.set_announcement(prefix, bytes, data.clone());
        let moved = self.rank_paths(prefix);
        self.watch_lease(now, prefix);
        self.events.push_back(DiscoveryEvent::ParticipantChanged(data));
        if moved {
            self.path_moved(now, prefix);
        }
        self.judge_peer(now, prefix);
    }

    /// Forgets a participant and all that hangs on it.
    pub(super) fn remove_peer(&mut self, now: Now, prefix: GuidPrefix, reason: LossReason) {
        let Some(peer) = self.peers.remove(prefix) else { return };
        for (entity_id, entry) in &peer.endpoints {
            self.forget_remote(
                Guid::new(prefix, *entity_id),
                &entry.data,
                super::UnmatchReason::ParticipantLost(reason),
            );
        }
        self.endpoints.forget_peer(prefix);
        self.timers.cancel(Timer::ParticipantLease(prefix));
        self.timers.cancel(Timer::PathProbe(prefix));
        self.timers.cancel(Timer::Sharing(prefix));
        self.revive_writers(now.monotonic);
        self.events.push_back(DiscoveryEvent::ParticipantLost { guid: peer.data.guid, reason });
    }
}

/// Whether the participant that announces `data` is another process than the one known under its GUID:
/// its process number differs, or its announcements start anew from other addresses.
fn is_restart(peer: &Peer, data: &ParticipantData, number: SequenceNumber) -> bool {
    let (old, new) = (peer.data.process_id(), data.process_id());
    if old.is_some() && new.is_some() {
        return old != new;
    }
    let moved = !data
        .metatraffic_unicast_locators
        .iter()
        .any(|locator| peer.data.metatraffic_unicast_locators.contains(locator));
    moved && number <= peer.announcement_number
}

/// What a datagram has around an announcement at least: headers of the message and the submessage.
const DATAGRAM_OVERHEAD: u64 = 44;
