//! The writer's side of the reliable and best-effort protocols (RTPS 2.5 §8.4.9).

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;

use super::{
    ReaderFilter, ReaderProxy, ReaderProxyConfig,
    filters::Filters,
    group::Membership,
    line::Line,
    reader_proxy::{Position, Repair, Replay},
    transmit::MessageSizes,
};
use crate::{
    change::CacheChange,
    history::WriterHistory,
    message::{AckNack, NackFrag},
    payload::Payload,
    structure::{Count, Guid, GuidPrefix, SequenceNumber, VendorId},
    time::{Duration, Monotonic},
    timing,
};

/// A writer's fixed properties.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// The writer.
    pub guid: Guid,
    /// Bytes of a sample per fragment, equal for all readers (RTPS 2.5 §8.4.14.1.1).
    pub fragment_size: u16,
    /// How large datagrams may be, by the path they take.
    pub message_sizes: MessageSizes,
    /// The interval of heartbeats while something is unacknowledged; it doubles while nobody answers.
    pub heartbeat_period: Duration,
    /// An acknowledgement is asked for each time this many bytes were sent.
    pub acknowledgement_interval: usize,
    /// Bytes queued for one reader to be sent again; what does not fit is asked for again.
    pub repair_bytes: usize,
    /// Encoded QoS parameters for readers that want them inline, without sentinel.
    pub inline_parameters: Vec<u8>,
}

impl WriterConfig {
    /// 1,344-byte fragments, which fit an Ethernet frame with all headers; the timing of
    /// [`timing`]; an acknowledgement each 128 KiB; 4 MiB of repairs.
    pub fn new(guid: Guid) -> Self {
        Self {
            guid,
            fragment_size: 1344,
            message_sizes: MessageSizes::default(),
            heartbeat_period: timing::HEARTBEAT_PERIOD,
            acknowledgement_interval: 128 << 10,
            repair_bytes: 4 << 20,
            inline_parameters: Vec::new(),
        }
    }
}

/// What a writer counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct WriterStatistics {
    /// Changes sent again, or parts of them.
    pub repairs: u64,
    /// HEARTBEATs sent, alone or on data.
    pub heartbeats: u64,
    /// ACKNACKs taken.
    pub acknacks: u64,
    /// Readers that got nothing by a group again and again, and are sent to by themselves since.
    pub groups_given_up: u64,
}

/// A writer, its history and its matched readers.
///
/// After every `add_change`, `match_reader` and `handle_*` call
/// [`poll_transmit`](Self::poll_transmit) until it returns `None`, and
/// [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) is reached.
#[derive(Debug)]
pub struct StatefulWriter {
    pub(super) config: WriterConfig,
    pub(super) history: WriterHistory,
    pub(super) proxies: BTreeMap<Guid, ReaderProxy>,
    /// Proxies with something of their own to be sent.
    pub(super) attention: BTreeSet<Guid>,
    /// The next change, and fragment of it, for the readers in line.
    pub(super) cursor: SequenceNumber,
    pub(super) cursor_fragment: u32,
    pub(super) line: Line,
    /// How many readers take changes as they are.
    pub(super) in_process: usize,
    /// Payload bytes from the cursor on.
    pub(super) pending_bytes: usize,
    /// Changes to be forgotten once they have left.
    doomed: VecDeque<SequenceNumber>,
    pub(super) heartbeat_count: Count,
    pub(super) heartbeat_at: Option<Monotonic>,
    pub(super) heartbeat_round: u32,
    pub(super) sent_since_request: usize,
    pub(super) liveliness_wanted: bool,
    pub(super) acknowledgement_wanted: bool,
    /// What was sent to those in line had no room for its heartbeat.
    pub(super) heartbeat_owed: bool,
    /// The lowest acknowledgement of the reliable readers; `None` without any.
    pub(super) acknowledged: Option<SequenceNumber>,
    /// What readers filter by, where any does.
    pub(super) filters: Option<Box<Filters>>,
    pub(super) statistics: WriterStatistics,
    /// Where the publisher's access scope is GROUP.
    pub(super) group: Option<Box<Membership>>,
}

impl StatefulWriter {
    /// A writer with an empty history and no readers.
    pub fn new(config: WriterConfig) -> Self {
        Self {
            config,
            history: WriterHistory::default(),
            proxies: BTreeMap::new(),
            attention: BTreeSet::new(),
            cursor: SequenceNumber::FIRST,
            cursor_fragment: 1,
            line: Line { stale: true, ..Line::default() },
            in_process: 0,
            pending_bytes: 0,
            doomed: VecDeque::new(),
            heartbeat_count: Count(0),
            heartbeat_at: None,
            heartbeat_round: 0,
            sent_since_request: 0,
            liveliness_wanted: false,
            acknowledgement_wanted: false,
            heartbeat_owed: false,
            acknowledged: None,
            filters: None,
            statistics: WriterStatistics::default(),
            group: None,
        }
    }

    /// The writer's GUID.
    pub fn guid(&self) -> Guid {
        self.config.guid
    }

    /// The changes held.
    pub fn history(&self) -> &WriterHistory {
        &self.history
    }

    /// What was counted since the writer was made.
    pub fn statistics(&self) -> WriterStatistics {
        self.statistics
    }

    /// Whether a reader of this vendor is matched, as its GUID tells (RTPS 2.5 §9.3.1.5).
    pub(super) fn has_reader_of(&self, vendor: VendorId) -> bool {
        self.readers().any(|reader| reader.guid().prefix.0.starts_with(&vendor.0))
    }

    /// The matched readers.
    pub fn readers(&self) -> impl Iterator<Item = &ReaderProxy> {
        self.proxies.values()
    }

    /// The matched reader of that GUID.
    pub fn reader(&self, guid: Guid) -> Option<&ReaderProxy> {
        self.proxies.get(&guid)
    }

    /// Replaces the parameters sent to readers that want the QoS inline.
    pub fn set_inline_parameters(&mut self, parameters: Vec<u8>) {
        self.config.inline_parameters = parameters;
    }

    /// Starts to serve a reader; of one already served the locators are replaced.
    pub fn match_reader(&mut self, mut config: ReaderProxyConfig) {
        self.line.stale = true;
        let guid = config.guid;
        let filter = config.filter.take();
        if let Some(proxy) = self.proxies.get_mut(&guid) {
            proxy.config = config;
            proxy.in_process = false;
            if let Position::InProcess { next } = proxy.position {
                proxy.position = Position::Behind { next, fragment: 1 };
                self.attention.insert(guid);
            }
            self.count_in_process();
            self.set_filter(guid, filter);
            return;
        }
        if config.replay == Replay::None {
            self.clear_line();
        }
        let (first, last) = (self.history.first_number(), self.history.last_number());
        let mut proxy = ReaderProxy::new(config, first, last);
        if proxy.config.reliable && proxy.first_relevant > first {
            proxy.gaps.insert(SequenceNumber::FIRST, proxy.first_relevant.previous());
        }
        if !proxy.config.reliable || proxy.first_relevant > last {
            // Owed nothing so far.
            proxy.acknowledged = proxy.first_relevant.previous().min(last);
        }
        if proxy.needs_attention() {
            self.attention.insert(guid);
        }
        self.proxies.insert(guid, proxy);
        self.set_filter(guid, filter);
        self.refresh_acknowledged();
    }

    /// Gives a reader another filter, or none. What it has been sent stays sent.
    fn set_filter(&mut self, guid: Guid, filter: Option<ReaderFilter>) {
        let Some(proxy) = self.proxies.get_mut(&guid) else { return };
        if filter.is_none() && proxy.filter.is_none() {
            return;
        }
        let filters = self.filters.get_or_insert_default();
        // Before the old one is let go, which may be the same.
        let slot = filter.and_then(|filter| filters.acquire(filter, self.history.next_number()));
        if let Some(old) = core::mem::replace(&mut proxy.filter, slot) {
            filters.release(old);
        }
        if let Some(slot) = slot {
            match proxy.position {
                Position::InLine => {
                    proxy.position = Position::Behind { next: self.cursor, fragment: self.cursor_fragment };
                }
                Position::InProcess { next } => proxy.position = Position::Behind { next, fragment: 1 },
                Position::Behind { .. } => {}
            }
            let unsent = proxy.unsent(self.cursor).max(proxy.first_relevant);
            filters.evaluate_from(slot, unsent, &self.history);
        }
        self.attention.insert(guid);
        if filters.is_unused() {
            self.filters = None;
        }
    }

    /// Readers with a filter are served one by one whatever is written.
    pub(super) fn attend_to_filtered(&mut self) {
        if self.filters.is_none() {
            return;
        }
        let end = self.history.next_number();
        let filtered = self.proxies.iter().filter(|(_, proxy)| proxy.filter.is_some());
        let behind = filtered.filter(|(_, proxy)| proxy.unsent(end) < end);
        self.attention.extend(behind.map(|(guid, _)| *guid));
    }

    /// Whether a change that is held is kept from a reader by its filter.
    pub(super) fn is_filtered(&self, proxy: &ReaderProxy, number: SequenceNumber) -> bool {
        match (&self.filters, proxy.filter) {
            (Some(filters), Some(slot)) => filters.is_refused(slot, number),
            _ => false,
        }
    }

    /// Moves the line past changes that have not left yet: a reader that joins it now was not matched
    /// when they were written. Those who were get them one by one.
    fn clear_line(&mut self) {
        let last = self.history.last_number();
        if self.cursor > last {
            return;
        }
        let position = Position::Behind { next: self.cursor, fragment: self.cursor_fragment };
        for (guid, proxy) in &mut self.proxies {
            if proxy.position == Position::InLine {
                proxy.position = position;
                self.attention.insert(*guid);
            }
        }
        (self.cursor, self.cursor_fragment) = (last.next(), 1);
        self.pending_bytes = 0;
    }

    /// Stops to serve a reader; returns whether it was served.
    pub fn unmatch_reader(&mut self, guid: Guid) -> bool {
        self.line.stale = true;
        self.set_filter(guid, None);
        self.attention.remove(&guid);
        let removed = self.proxies.remove(&guid).is_some();
        self.count_in_process();
        self.refresh_acknowledged();
        removed
    }

    /// Appends a change under the next number, which it returns. It leaves with the next
    /// [`poll_transmit`](Self::poll_transmit).
    #[inline]
    pub fn add_change(&mut self, change: CacheChange) -> SequenceNumber {
        let before = self.history.bytes();
        let number = self.history.push(change);
        self.pending_bytes = self.pending_bytes.saturating_add(self.history.bytes().saturating_sub(before));
        if (self.filters.is_some() || self.group.is_some())
            && let Some(change) = self.history.change(number)
        {
            if let Some(filters) = &mut self.filters {
                filters.add(change);
            }
            if let Some(membership) = &mut self.group {
                membership.note(change);
            }
        }
        number
    }

    fn drop_change(&mut self, number: SequenceNumber) -> Option<Payload> {
        if let Some(filters) = &mut self.filters {
            filters.forget(number);
        }
        self.history.remove(number)
    }

    /// Forgets a change: readers that still lack it get a GAP instead. One that has not left yet leaves
    /// first, if somebody is in line for it, and its payload comes out of [`take_spent`](Self::take_spent) then.
    pub fn remove_change(&mut self, number: SequenceNumber) -> Option<Payload> {
        // Unless the line lags far behind: what is written then is replaced faster than it leaves.
        let leaves = number == self.cursor || self.pending_bytes < SPENT_BYTES;
        if number >= self.cursor && leaves && self.leaves_by_message() {
            self.doomed.push_back(number);
            return None;
        }
        self.pending_bytes = self.pending_bytes.saturating_sub(self.pending_size(number));
        self.drop_change(number)
    }

    /// The payload of a change that was removed before it left, and has left now.
    pub fn take_spent(&mut self) -> Option<Payload> {
        while let Some(number) = self.doomed.front().copied() {
            if number >= self.cursor {
                return None;
            }
            self.doomed.pop_front();
            if let Some(payload) = self.drop_change(number) {
                return Some(payload);
            }
        }
        None
    }

    fn pending_size(&self, number: SequenceNumber) -> usize {
        if number < self.cursor {
            0
        } else {
            self.history.change(number).map_or(0, |change| change.payload.len())
        }
    }

    fn leaves_by_message(&self) -> bool {
        self.proxies.values().any(|proxy| proxy.position == Position::InLine || proxy.filter.is_some())
    }

    /// Payload bytes of changes that have not left yet.
    pub fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Whether some reader is to be sent something of its own: a repair, history, a heartbeat.
    pub fn has_attention(&self) -> bool {
        !self.attention.is_empty()
    }

    /// Asks all readers for an acknowledgement with the next datagram.
    pub fn request_acknowledgements(&mut self) {
        for (guid, proxy) in &mut self.proxies {
            if proxy.config.reliable && proxy.acknowledged < self.history.last_number() {
                if proxy.position == Position::InLine && self.cursor <= self.history.last_number() {
                    self.acknowledgement_wanted = true;
                } else {
                    proxy.heartbeat_wanted = true;
                    self.attention.insert(*guid);
                }
            }
        }
    }

    /// Asserts the writer's liveliness by a HEARTBEAT with its liveliness flag (RTPS 2.5 §8.3.8.6.3).
    pub fn assert_liveliness(&mut self) {
        self.liveliness_wanted = true;
        if self.filters.is_none() && self.in_process == 0 {
            return;
        }
        let alone = |proxy: &ReaderProxy| proxy.filter.is_some() || proxy.in_process;
        for (guid, proxy) in self.proxies.iter_mut().filter(|(_, proxy)| alone(proxy)) {
            proxy.heartbeat_wanted = true;
            proxy.liveliness_wanted = true;
            self.attention.insert(*guid);
        }
    }

    /// The number up to which every reliable reader has everything; the last number sent where there
    /// is no reliable reader.
    pub fn acknowledged_through(&self) -> SequenceNumber {
        match self.acknowledged {
            Some(acknowledged) => acknowledged,
            None => self.cursor.previous(),
        }
    }

    /// Whether every reliable reader has `number` and all before it.
    pub fn is_acknowledged(&self, number: SequenceNumber) -> bool {
        number <= self.acknowledged_through()
    }

    pub(super) fn refresh_acknowledged(&mut self) {
        let reliable = self.proxies.values().filter(|proxy| proxy.config.reliable);
        self.acknowledged = reliable.map(|proxy| proxy.acknowledged).min();
    }

    /// RTPS 2.5 §8.3.8.1, §8.4.9.3. Whether it acknowledged something new.
    pub fn handle_ack_nack(&mut self, now: Monotonic, source: GuidPrefix, acknack: &AckNack) -> bool {
        let guid = Guid::new(source, acknack.reader_id);
        let (first, last) = (self.history.first_number(), self.history.last_number());
        let Some(proxy) = self.proxies.get_mut(&guid).filter(|proxy| proxy.config.reliable) else {
            return false;
        };
        if proxy.acknack_count.is_some_and(|count| !acknack.count.is_newer_than(count)) {
            return false;
        }
        self.statistics.acknacks = self.statistics.acknacks.saturating_add(1);
        proxy.acknack_count = Some(acknack.count);
        proxy.answered = true;
        let base = acknack.reader_sn_state.base().max(SequenceNumber::FIRST);
        let group = proxy.config.group.map(|group| (GuidPrefix::UNKNOWN, group.locator));
        let uses_group = group.is_some_and(|group| self.line.destinations.contains(&group));
        if uses_group && proxy.judge_group(base, proxy.unsent(self.cursor), &acknack.reader_sn_state) {
            self.statistics.groups_given_up = self.statistics.groups_given_up.saturating_add(1);
            self.line.stale = true;
        }
        let progress = proxy.acknowledge(base.previous().min(last));
        let unsent = proxy.unsent(self.cursor);
        let filters = self.filters.as_deref();
        let is_filtered = |number| match (filters, proxy.filter) {
            (Some(filters), Some(slot)) => filters.is_refused(slot, number),
            _ => false,
        };
        if progress && proxy.filter.is_some() {
            // What it will never get, it need not acknowledge.
            let mut next = proxy.acknowledged.next();
            while next < unsent && (self.history.change(next).is_none() || is_filtered(next)) {
                proxy.acknowledged = next;
                next = next.next();
            }
        }
        for number in acknack.reader_sn_state.iter() {
            if number >= unsent || number > last {
                break;
            }
            let exists = number >= proxy.first_relevant
                && !is_filtered(number)
                && self.history.change(number).is_some_and(|change| change.audience.includes(guid));
            if !exists {
                let hole_end = if number < first { first.previous() } else { number };
                let end =
                    if number < proxy.first_relevant { proxy.first_relevant.previous() } else { hole_end };
                proxy.gaps.insert(number, end.max(number));
                continue;
            }
            if proxy.repairs.contains_key(&number)
                || proxy.was_just_repaired(now, number, timing::NACK_SUPPRESSION)
            {
                continue;
            }
            let size = self.history.change(number).map_or(0, |change| change.payload.len());
            if proxy.repair_bytes > 0 && proxy.repair_bytes.saturating_add(size) > self.config.repair_bytes {
                break;
            }
            proxy.repair_bytes = proxy.repair_bytes.saturating_add(size);
            proxy.repairs.insert(number, Repair::From(1));
        }
        if !acknack.is_final && proxy.repairs.is_empty() {
            proxy.heartbeat_wanted = true;
        }
        if proxy.needs_attention() {
            self.attention.insert(guid);
        }
        if progress {
            self.note_progress();
        }
        progress
    }

    /// A reader has more than it had.
    pub(super) fn note_progress(&mut self) {
        self.heartbeat_round = 0;
        self.refresh_acknowledged();
        if self.acknowledged_through() >= self.history.last_number() {
            self.heartbeat_at = None;
            self.sent_since_request = 0;
        }
    }

    /// RTPS 2.5 §8.3.8.10.
    pub fn handle_nack_frag(&mut self, source: GuidPrefix, nack: &NackFrag) {
        let guid = Guid::new(source, nack.reader_id);
        let Some(proxy) = self.proxies.get_mut(&guid).filter(|proxy| proxy.config.reliable) else { return };
        if proxy.nack_frag_count.is_some_and(|count| !nack.count.is_newer_than(count)) {
            return;
        }
        proxy.nack_frag_count = Some(nack.count);
        proxy.answered = true;
        let number = nack.writer_sn;
        if number < proxy.first_relevant {
            return;
        }
        let Some(change) = self.history.change(number) else {
            if number.is_valid() && number <= self.history.last_number() {
                proxy.gaps.insert(number, number);
                self.attention.insert(guid);
            }
            return;
        };
        let refused = match (&self.filters, proxy.filter) {
            (Some(filters), Some(slot)) => filters.is_refused(slot, number),
            _ => false,
        };
        if refused {
            proxy.gaps.insert(number, number);
            self.attention.insert(guid);
            return;
        }
        if !change.audience.includes(guid) {
            return;
        }
        let count = transmit_fragment_count(change.payload.len(), self.config.fragment_size);
        let wanted = nack.fragment_number_state.iter().map(|fragment| fragment.0);
        let wanted: BTreeSet<u32> = wanted.filter(|fragment| (1..=count).contains(fragment)).collect();
        match proxy.repairs.get_mut(&number) {
            Some(Repair::From(_)) => {}
            Some(Repair::Fragments(fragments)) => fragments.extend(wanted),
            None if wanted.is_empty() => {}
            None => {
                proxy.repairs.insert(number, Repair::Fragments(wanted));
                self.attention.insert(guid);
            }
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        self.heartbeat_at
    }

    /// Sends heartbeats to readers that have not acknowledged everything.
    pub fn handle_timeout(&mut self, now: Monotonic) {
        if self.heartbeat_at.is_none_or(|at| at > now) {
            return;
        }
        self.heartbeat_at = None;
        let last = self.history.last_number();
        for (guid, proxy) in &mut self.proxies {
            if proxy.config.reliable && proxy.acknowledged < last {
                proxy.heartbeat_wanted = true;
                self.attention.insert(*guid);
            }
        }
        if !self.attention.is_empty() {
            self.heartbeat_round = self.heartbeat_round.saturating_add(1);
            self.arm_heartbeat(now);
        }
    }

    pub(super) fn arm_heartbeat(&mut self, now: Monotonic) {
        if self.heartbeat_at.is_none() {
            let period = timing::back_off(
                self.config.heartbeat_period,
                timing::HEARTBEAT_PERIOD_LIMIT,
                self.heartbeat_round,
            );
            self.heartbeat_at = Some(now.after(period));
        }
    }
}

/// Bytes up to which changes that were replaced before they left leave nevertheless.
pub(super) const SPENT_BYTES: usize = 4 << 20;

/// How many fragments a payload has; 1 for one that is not fragmented.
pub(super) fn transmit_fragment_count(length: usize, fragment_size: u16) -> u32 {
    let fragments = length.div_ceil(usize::from(fragment_size.max(1)));
    u32::try_from(fragments).unwrap_or(u32::MAX).max(1)
}
