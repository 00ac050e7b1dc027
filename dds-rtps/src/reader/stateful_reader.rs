//! The reader's side of the reliable and best-effort protocols (RTPS 2.5 §8.4.12).

use alloc::collections::{BTreeMap, BTreeSet};
use core::mem;

use smallvec::SmallVec;

use super::{Defragmenter, WriterProxy, WriterProxyConfig, writer_proxy::HeldLimits};
use crate::{
    change::CacheChange,
    message::{AckNack, Datagram, Gap, Heartbeat, HeartbeatFrag, MessageBuilder, NackFrag},
    structure::{Guid, GuidPrefix, SequenceNumber},
    time::{Duration, Monotonic},
    timing,
    writer::Destinations,
};

/// A reader's fixed properties.
#[derive(Clone, Debug)]
pub struct ReaderConfig {
    /// The reader.
    pub guid: Guid,
    /// Changes kept per writer while a lower number is missing.
    pub held_samples: usize,
    /// Bytes kept per writer while a lower number is missing.
    pub held_bytes: usize,
    /// How long an ACKNACK that answers a heartbeat waits for more to acknowledge.
    pub heartbeat_response_delay: Duration,
}

impl ReaderConfig {
    /// 65,536 changes and 4 MiB held per writer, no response delay.
    pub fn new(guid: Guid) -> Self {
        Self { guid, held_samples: 65_536, held_bytes: 4 << 20, heartbeat_response_delay: Duration::ZERO }
    }
}

/// What the cache says of a change that the protocol hands on. The cache may take the payload of one that it
/// does not refuse.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offer {
    /// Taken, or deliberately dropped for good: acknowledge it.
    Done,
    /// Taken, but acknowledged only after [`StatefulReader::confirm`].
    Unconfirmed,
    /// No room now: a reliable change stays unacknowledged and comes again when there is room.
    NoRoom,
}

/// What a reader counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ReaderStatistics {
    /// Changes that were written and never arrived.
    pub lost: u64,
    /// Changes that arrived more than once.
    pub duplicates: u64,
    /// Changes dropped because too many waited for a lower number.
    pub overflowed: u64,
    /// ACKNACKs sent.
    pub acknacks: u64,
}

/// A writer whose changes come in order, to be taken as they come.
#[derive(Debug)]
pub struct InOrder<'r> {
    proxy: &'r mut WriterProxy,
}

impl InOrder<'_> {
    /// Whether a change with this number is the next one.
    #[inline]
    pub fn expects(&self, number: SequenceNumber) -> bool {
        self.proxy.next == number
    }

    /// The next change has been handed on.
    #[inline]
    pub fn advance(&mut self) {
        self.proxy.announced_last = self.proxy.announced_last.max(self.proxy.next);
        self.proxy.next = self.proxy.next.next();
    }
}

/// Half-arrived samples whose fragments one acknowledgement asks for.
const NACK_FRAGS_AT_ONCE: usize = 8;

/// A reader and its matched writers.
///
/// Feed it with `handle_*`; after each batch of datagrams call [`poll_transmit`](Self::poll_transmit)
/// until it returns `None`, and again when [`poll_timeout`](Self::poll_timeout) is reached.
#[derive(Debug)]
pub struct StatefulReader {
    config: ReaderConfig,
    writers: BTreeMap<Guid, WriterProxy>,
    timers: BTreeSet<(Monotonic, Guid)>,
    statistics: ReaderStatistics,
}

impl StatefulReader {
    /// A reader without matched writers.
    pub fn new(config: ReaderConfig) -> Self {
        Self {
            config,
            writers: BTreeMap::new(),
            timers: BTreeSet::new(),
            statistics: ReaderStatistics::default(),
        }
    }

    /// The reader's GUID.
    pub fn guid(&self) -> Guid {
        self.config.guid
    }

    /// What was counted since the reader was made.
    pub fn statistics(&self) -> ReaderStatistics {
        self.statistics
    }

    /// Starts to follow a writer; replaces the locators of one already followed.
    pub fn match_writer(&mut self, now: Monotonic, config: WriterProxyConfig) {
        let guid = config.guid;
        match self.writers.get_mut(&guid) {
            Some(proxy) => proxy.config = config,
            None => {
                self.writers.insert(guid, WriterProxy::new(now, config));
                let due = self.writers.get(&guid).and_then(|proxy| proxy.acknack_due);
                self.timers.extend(due.map(|due| (due, guid)));
            }
        }
    }

    /// Stops following a writer; returns whether it was followed.
    pub fn unmatch_writer(&mut self, guid: Guid) -> bool {
        let Some(proxy) = self.writers.remove(&guid) else { return false };
        if let Some(due) = proxy.acknack_due {
            self.timers.remove(&(due, guid));
        }
        true
    }

    /// The matched writer of that GUID.
    pub fn writer(&self, guid: Guid) -> Option<&WriterProxy> {
        self.writers.get(&guid)
    }

    /// The matched writers.
    pub fn writers(&self) -> impl Iterator<Item = &WriterProxy> {
        self.writers.values()
    }

    /// Whether a change is matched and news, so that building a [`CacheChange`] is worth it.
    pub fn wants(&mut self, writer: Guid, number: SequenceNumber) -> bool {
        let Some(proxy) = self.writers.get(&writer) else { return false };
        if !number.is_valid() {
            return false;
        }
        let has = proxy.has(number);
        if has {
            self.statistics.duplicates = self.statistics.duplicates.saturating_add(1);
        }
        !has
    }

    /// Runs `act` on a proxy and keeps the timer queue in step with it.
    fn change<R>(
        &mut self,
        guid: Guid,
        act: impl FnOnce(&mut WriterProxy, &mut ReaderStatistics) -> R,
    ) -> Option<R> {
        let proxy = self.writers.get_mut(&guid)?;
        let before = proxy.acknack_due;
        let result = act(proxy, &mut self.statistics);
        if proxy.acknack_due != before {
            if let Some(due) = before {
                self.timers.remove(&(due, guid));
            }
            if let Some(due) = proxy.acknack_due {
                self.timers.insert((due, guid));
            }
        }
        Some(result)
    }

    /// Takes a change and hands on what is now in order (RTPS 2.5 §8.4.12.1.5, §8.4.12.2.8). What is left of
    /// `change` is of no use; it comes by reference because it is many words. Returns the number up to which
    /// everything has arrived of its writer, zero for one that is not matched.
    pub fn handle_change(
        &mut self,
        change: &mut CacheChange,
        offer: &mut dyn FnMut(&mut CacheChange) -> Offer,
    ) -> SequenceNumber {
        let limits = HeldLimits { samples: self.config.held_samples, bytes: self.config.held_bytes };
        let acknowledged = self.change(change.writer_guid, |proxy, statistics| {
            Self::take_change(proxy, statistics, change, offer, limits);
            proxy.acknowledged()
        });
        acknowledged.unwrap_or(SequenceNumber::ZERO)
    }

    /// A reliable writer of which nothing is missing and no change waits. `None` where changes have to be
    /// [handled](Self::handle_change) one by one.
    pub fn in_order(&mut self, writer: Guid) -> Option<InOrder<'_>> {
        let proxy = self.writers.get_mut(&writer)?;
        let is_in_order = proxy.config.reliable && !proxy.blocked && proxy.is_in_order();
        is_in_order.then_some(InOrder { proxy })
    }

    #[inline]
    fn take_change(
        proxy: &mut WriterProxy,
        statistics: &mut ReaderStatistics,
        change: &mut CacheChange,
        offer: &mut dyn FnMut(&mut CacheChange) -> Offer,
        limits: HeldLimits,
    ) {
        let number = change.sequence_number;
        if !number.is_valid() {
            return;
        }
        if proxy.has(number) {
            statistics.duplicates = statistics.duplicates.saturating_add(1);
            return;
        }
        if !proxy.config.reliable {
            if proxy.synchronised {
                let lost = number.offset_from(proxy.next).unwrap_or(0);
                statistics.lost = statistics.lost.saturating_add(lost);
            }
            proxy.synchronised = true;
            proxy.next = number.next();
            offer(change);
            return;
        }
        proxy.announced_last = proxy.announced_last.max(number);
        if number > proxy.next || proxy.blocked {
            if !proxy.hold(mem::take(change), limits) {
                statistics.overflowed = statistics.overflowed.saturating_add(1);
            }
            return;
        }
        Self::hand_on(proxy, change, offer, limits);
        if !proxy.is_in_order() {
            Self::drain(proxy, offer, limits);
        }
    }

    /// Takes note of a change that arrived and is not for this reader, or of no use to it: it is neither
    /// handed on nor asked for again.
    pub fn handle_irrelevant(
        &mut self,
        writer: Guid,
        number: SequenceNumber,
        offer: &mut dyn FnMut(&mut CacheChange) -> Offer,
    ) {
        let limits = HeldLimits { samples: self.config.held_samples, bytes: self.config.held_bytes };
        if !number.is_valid() {
            return;
        }
        self.change(writer, |proxy, statistics| {
            if proxy.has(number) {
                return;
            }
            if proxy.config.reliable {
                proxy.announced_last = proxy.announced_last.max(number);
                proxy.irrelevant.insert(number, number);
                Self::drain(proxy, offer, limits);
                return;
            }
            if proxy.synchronised {
                let lost = number.offset_from(proxy.next).unwrap_or(0);
                statistics.lost = statistics.lost.saturating_add(lost);
            }
            proxy.synchronised = true;
            proxy.next = number.next();
        });
    }

    fn hand_on(
        proxy: &mut WriterProxy,
        change: &mut CacheChange,
        offer: &mut dyn FnMut(&mut CacheChange) -> Offer,
        limits: HeldLimits,
    ) {
        let number = change.sequence_number;
        match offer(change) {
            Offer::Done => {
                proxy.blocked = false;
                proxy.next = number.next();
            }
            Offer::Unconfirmed => {
                proxy.blocked = false;
                proxy.next = number.next();
                proxy.note_unconfirmed(number);
            }
            Offer::NoRoom => {
                proxy.blocked = true;
                proxy.hold(mem::take(change), limits);
            }
        }
    }

    fn drain(proxy: &mut WriterProxy, offer: &mut dyn FnMut(&mut CacheChange) -> Offer, limits: HeldLimits) {
        loop {
            proxy.skip_irrelevant();
            if proxy.blocked {
                return;
            }
            let Some(mut change) = proxy.release(proxy.next) else { return };
            Self::hand_on(proxy, &mut change, offer, limits);
        }
    }

    /// The changes of a writer up to `through` that were [`Offer::Unconfirmed`] are safe: the writer may
    /// be told that they arrived, and is.
    pub fn confirm(&mut self, now: Monotonic, writer: Guid, through: SequenceNumber) {
        self.change(writer, |proxy, _| {
            if proxy.confirm(through) && proxy.config.reliable {
                proxy.schedule_acknack(now);
            }
        });
    }

    /// Hands held changes on again after the cache got room.
    pub fn retry(&mut self, now: Monotonic, offer: &mut dyn FnMut(&mut CacheChange) -> Offer) {
        let limits = HeldLimits { samples: self.config.held_samples, bytes: self.config.held_bytes };
        let blocked: SmallVec<[Guid; 8]> =
            self.writers.values().filter(|proxy| proxy.blocked).map(WriterProxy::guid).collect();
        for guid in blocked {
            self.change(guid, |proxy, _| {
                proxy.blocked = false;
                Self::drain(proxy, offer, limits);
                // The writer may wait for this acknowledgement to go on.
                proxy.schedule_acknack(now);
            });
        }
    }

    /// Whether a change waits for room in the cache.
    pub fn is_blocked(&self) -> bool {
        self.writers.values().any(|proxy| proxy.blocked)
    }

    /// RTPS 2.5 §8.3.8.6, §8.4.12.2.
    pub fn handle_heartbeat(
        &mut self,
        now: Monotonic,
        source: GuidPrefix,
        heartbeat: &Heartbeat,
        offer: &mut dyn FnMut(&mut CacheChange) -> Offer,
    ) {
        let limits = HeldLimits { samples: self.config.held_samples, bytes: self.config.held_bytes };
        let delay = self.config.heartbeat_response_delay;
        let valid_range = heartbeat.first_sn.is_valid()
            && heartbeat.last_sn.next().is_valid()
            && heartbeat.first_sn <= heartbeat.last_sn.next();
        if !valid_range {
            return;
        }
        self.change(Guid::new(source, heartbeat.writer_id), |proxy, statistics| {
            if !proxy.config.reliable || !proxy.accept_count(heartbeat) {
                return;
            }
            if proxy.synchronised && heartbeat.first_sn > proxy.next {
                let lost = Self::unseen_below(proxy, heartbeat.first_sn);
                statistics.lost = statistics.lost.saturating_add(lost);
            }
            proxy.synchronised = true;
            proxy.history_end.get_or_insert(heartbeat.last_sn);
            proxy.announced_last = proxy.announced_last.max(heartbeat.last_sn);
            proxy.advance_to(heartbeat.first_sn);
            Self::drain(proxy, offer, limits);
            // What is not confirmed yet is answered for when it is.
            let asks = !heartbeat.is_final && proxy.unconfirmed.is_none();
            if asks || proxy.is_missing_any() {
                proxy.schedule_acknack(now.after(delay));
            }
        });
    }

    /// Asks a reliable writer for a heartbeat although nothing is missing: what it says of its publisher
    /// is needed. Repeated until one comes.
    pub fn request_heartbeat(&mut self, now: Monotonic, writer: Guid) {
        self.change(writer, |proxy, _| {
            if proxy.config.reliable && !proxy.heartbeat_wanted {
                proxy.heartbeat_wanted = true;
                // Asked again after one that did not help, it may take the writer a while.
                let due =
                    proxy.heartbeat_requested.map_or(now, |last| last.after(timing::NACK_REPEAT).max(now));
                proxy.heartbeat_requested = Some(due);
                proxy.schedule_acknack(due);
            }
        });
    }

    /// How many numbers from `next` up to `first` (excluded) never arrived. Held ones are about to be
    /// handed on.
    fn unseen_below(proxy: &WriterProxy, first: SequenceNumber) -> u64 {
        let total = first.offset_from(proxy.next).unwrap_or(0);
        let held = proxy.held.range(..first).count() as u64;
        let mut irrelevant = 0_u64;
        let mut number = proxy.next;
        // Bounded by the intervals and held changes below `first`.
        while let Some(end) = proxy.irrelevant.end_of(number) {
            let end = end.min(first.previous());
            irrelevant = irrelevant.saturating_add(end.next().offset_from(number).unwrap_or(0));
            number = end.next();
            if number >= first {
                break;
            }
        }
        total.saturating_sub(held).saturating_sub(irrelevant)
    }

    /// RTPS 2.5 §8.3.8.4.
    pub fn handle_gap(
        &mut self,
        source: GuidPrefix,
        gap: &Gap,
        offer: &mut dyn FnMut(&mut CacheChange) -> Offer,
    ) {
        let limits = HeldLimits { samples: self.config.held_samples, bytes: self.config.held_bytes };
        let base = gap.gap_list.base();
        if !gap.gap_start.is_valid() || !base.is_valid() {
            return;
        }
        self.change(Guid::new(source, gap.writer_id), |proxy, _| {
            if !proxy.config.reliable {
                // What was passed over is not lost.
                if proxy.synchronised && gap.gap_start <= proxy.next {
                    proxy.next = proxy.next.max(base);
                }
                return;
            }
            proxy.irrelevant.insert(gap.gap_start.max(proxy.next), base.previous());
            for number in gap.gap_list.iter() {
                if number >= proxy.next && number.is_valid() {
                    proxy.irrelevant.insert(number, number);
                }
            }
            Self::drain(proxy, offer, limits);
        });
    }

    /// RTPS 2.5 §8.3.8.7.
    pub fn handle_heartbeat_frag(&mut self, now: Monotonic, source: GuidPrefix, heartbeat: &HeartbeatFrag) {
        if !heartbeat.writer_sn.is_valid() {
            return;
        }
        let delay = self.config.heartbeat_response_delay;
        self.change(Guid::new(source, heartbeat.writer_id), |proxy, _| {
            let news = proxy.heartbeat_frag_count.is_none_or(|last| heartbeat.count.is_newer_than(last));
            if !proxy.config.reliable || !news || proxy.has(heartbeat.writer_sn) {
                return;
            }
            proxy.heartbeat_frag_count = Some(heartbeat.count);
            proxy.announced_last = proxy.announced_last.max(heartbeat.writer_sn);
            proxy.announced_fragments = Some((heartbeat.writer_sn, heartbeat.last_fragment_num));
            proxy.schedule_acknack(now.after(delay));
        });
    }

    /// When [`poll_transmit`](Self::poll_transmit) has to be called again at the latest.
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        self.timers.first().map(|(due, _)| *due)
    }

    /// The writer that the next [`poll_transmit`](Self::poll_transmit) is for.
    pub fn acknowledgement_due(&self, now: Monotonic) -> Option<Guid> {
        self.timers.first().filter(|(due, _)| *due <= now).map(|(_, guid)| *guid)
    }

    /// Writes the acknowledgements due for one writer; `None` when none are. `defragmenter` is that of
    /// [`acknowledgement_due`](Self::acknowledgement_due)'s participant, if it has sent fragments.
    pub fn poll_transmit(
        &mut self,
        now: Monotonic,
        defragmenter: Option<&Defragmenter>,
        out: &mut Datagram,
    ) -> Option<Destinations> {
        let guid = self.acknowledgement_due(now)?;
        let reader = self.config.guid;
        out.clear();

        self.change(guid, |proxy, statistics| {
            proxy.acknack_due = None;
            statistics.acknacks = statistics.acknacks.saturating_add(1);
            let fragments = Self::write_acknowledgement(proxy, reader, defragmenter, out);
            proxy.arm_repeat(now, fragments);
            proxy.config.locators.iter().map(|locator| (guid.prefix, *locator)).collect()
        })
    }

    /// Writes what is missing. The number returned changes when fragments have arrived.
    fn write_acknowledgement(
        proxy: &mut WriterProxy,
        reader: Guid,
        defragmenter: Option<&Defragmenter>,
        out: &mut Datagram,
    ) -> u64 {
        let writer = proxy.config.guid;
        let mut partials: SmallVec<[SequenceNumber; 8]> = SmallVec::new();
        let announced = proxy.announced_fragments;
        let fragments_of = |number: SequenceNumber| {
            let last = announced.filter(|(of, _)| *of == number).map(|(_, last)| last);
            defragmenter?.missing_fragments(writer.entity_id, number, last)
        };
        let missing = proxy.missing(|number| {
            let partial = fragments_of(number).is_some_and(|set| !set.is_empty());
            if partial && partials.len() < NACK_FRAGS_AT_ONCE {
                partials.push(number);
            }
            partial
        });
        proxy.acknack_count = proxy.acknack_count.next();
        let is_final = proxy.synchronised
            && !proxy.heartbeat_wanted
            && (!missing.is_empty() || !partials.is_empty() || !proxy.is_missing_any());
        let mut builder = MessageBuilder::begin(out, reader.prefix);
        builder.info_destination(writer.prefix);
        builder.ack_nack(&AckNack {
            reader_id: reader.entity_id,
            writer_id: writer.entity_id,
            reader_sn_state: missing,
            count: proxy.acknack_count,
            is_final,
        });
        let mut progress = 0_u64;
        for (number, set) in partials.iter().filter_map(|number| Some((*number, fragments_of(*number)?))) {
            let asked_for = set.iter().count() as u64;
            let arrived = u64::from(set.base().0).saturating_add(256).saturating_sub(asked_for);
            progress = progress.saturating_add(arrived);
            proxy.nack_frag_count = proxy.nack_frag_count.next();
            builder.nack_frag(&NackFrag {
                reader_id: reader.entity_id,
                writer_id: writer.entity_id,
                writer_sn: number,
                fragment_number_state: set,
                count: proxy.nack_frag_count,
            });
        }
        progress
    }
}
