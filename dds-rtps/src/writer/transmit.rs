//! Turning a writer's state into datagrams.

use alloc::vec::Vec;

use super::{
    Destinations, ReaderProxy, StatefulWriter,
    line::Line,
    reader_proxy::{Position, Repair},
    stateful_writer::transmit_fragment_count,
};
use crate::{
    change::{CacheChange, ChangeKind},
    message::{
        DataFragHeader, DataHeader, Datagram, Gap, Heartbeat, MessageBuilder, PayloadKind, SequenceNumberSet,
        StatusInfo,
    },
    structure::{EntityId, FragmentNumber, Guid, GuidPrefix, Locator, LocatorKind, SequenceNumber, VendorId},
    time::Monotonic,
};

/// How large datagrams may be, by the path they take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessageSizes {
    /// To this host: what a UDP datagram holds.
    pub local: usize,
    /// To other hosts: what an Ethernet frame holds, so that IP never fragments.
    pub network: usize,
    /// Of a sample that is too large for one fragment, to this host through shared memory.
    pub shared: usize,
}

impl Default for MessageSizes {
    fn default() -> Self {
        Self { local: 65_000, network: 1_452, shared: 65_000 }
    }
}

impl MessageSizes {
    /// With `overhead` bytes left to what protects messages.
    #[must_use]
    pub fn less(self, overhead: usize) -> Self {
        let less = |size: usize| size.saturating_sub(overhead);
        Self { local: less(self.local), network: less(self.network), shared: less(self.shared) }
    }

    pub(super) fn of<'l>(&self, mut locators: impl Iterator<Item = &'l Locator>) -> usize {
        let local = |locator: &Locator| {
            matches!(locator.kind, LocatorKind::IN_PROCESS | LocatorKind::SHARED_MEMORY)
                || locator.is_loopback()
        };
        if locators.all(local) { self.local } else { self.network }
    }
}

/// Bytes before a DATA's payload: INFO_TS, submessage header and fixed part.
const DATA_OVERHEAD: usize = 12 + 24;
/// Bytes before a DATA_FRAG's payload.
const DATA_FRAG_OVERHEAD: usize = 12 + 36;
/// Bytes kept free for the heartbeat that rides on data.
const HEARTBEAT_SIZE: usize = 32;
/// Bytes of a GAP with an empty set.
const GAP_SIZE: usize = 32;
/// Heartbeats and the like that precede the first data.
const PREFIX_SIZE: usize = 20 + 16;

/// Payloads from this size on are read where they are, through shared memory, and end their message. A smaller
/// one is copied in less time than its memory is found and given back.
pub const LEAST_BY_REFERENCE: usize = 8 << 10;
/// Submessages longer than 65,535 bytes can only be the last (RTPS 2.5 §9.4.5.1.3).
const LARGEST_BEFORE_ANOTHER: usize = 65_000;

/// Bytes of padding after a payload, at most.
const PADDING: usize = 3;
/// Inline QoS of fragments that are sent again is small but for a user's own; what exceeds this makes a larger datagram.
const INLINE_QOS_ESTIMATE: usize = 64;

/// A datagram in the making.
struct Draft<'d> {
    builder: MessageBuilder<'d>,
    room: usize,
    /// If it ends with fragments, where all destinations share memory.
    room_for_shared: Option<usize>,
    /// Nothing can follow: the last submessage is longer than its header can tell, or its payload is to stay
    /// where it is.
    is_closed: bool,
    used: usize,
    /// Whether anything but addressing is in it.
    filled: bool,
}

impl<'d> Draft<'d> {
    fn new(
        out: &'d mut Datagram,
        own: GuidPrefix,
        destinations: &Destinations,
        room: usize,
        sizes: &MessageSizes,
    ) -> Self {
        out.clear();
        let mut builder = MessageBuilder::begin(out, own);
        if let Some((prefix, _)) = destinations.first().filter(|(prefix, _)| *prefix != GuidPrefix::UNKNOWN) {
            builder.info_destination(*prefix);
        }
        let is_shared = |(_, locator): &(GuidPrefix, Locator)| locator.kind == LocatorKind::SHARED_MEMORY;
        Self {
            builder,
            room,
            room_for_shared: destinations.iter().all(is_shared).then_some(sizes.shared),
            is_closed: false,
            used: PREFIX_SIZE + HEARTBEAT_SIZE,
            filled: false,
        }
    }

    /// Books `size` bytes; false when they do not fit and something else is already in.
    fn book(&mut self, size: usize) -> bool {
        let used = self.used.saturating_add(size);
        if (self.filled && used > self.room) || self.is_closed {
            return false;
        }
        self.used = used;
        self.filled = true;
        true
    }

    /// As [`book`](Self::book), of fragments.
    fn book_fragments(&mut self, size: usize) {
        self.used = self.used.saturating_add(size);
        self.filled = true;
        let by_reference = self.room_for_shared.is_some() && size >= LEAST_BY_REFERENCE;
        self.is_closed = by_reference || size > LARGEST_BEFORE_ANOTHER;
    }

    fn rest_for_fragments(&self) -> usize {
        let room = self.room_for_shared.unwrap_or(self.room);
        if self.is_closed { 0 } else { room.saturating_sub(self.used) }
    }
}

/// What has been written of a change.
enum Written {
    /// All of it.
    Whole,
    /// Up to before this fragment; the datagram is full.
    UpTo(u32),
}

impl StatefulWriter {
    /// Writes the next datagram into `out` (which is cleared) and says where it goes; `None` when
    /// nothing is to be sent now. Call until `None`.
    pub fn poll_transmit(&mut self, now: Monotonic, out: &mut Datagram) -> Option<Destinations> {
        loop {
            // A change whose fragments have begun to leave is finished first, so that readers join the
            // line between changes only.
            if self.cursor_fragment == 1 {
                self.attend_to_filtered();
                while let Some(guid) = self.attention.first().copied() {
                    if let Some(destinations) = self.transmit_to(now, guid, out) {
                        return Some(destinations);
                    }
                }
            }
            if self.transmit_line(now, out) {
                return Some(Destinations::from_slice(&self.line.destinations));
            }
            // When everybody stepped out of line, they are served one by one.
            if self.attention.is_empty() {
                return None;
            }
        }
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has something to send.
    pub fn wants_transmit(&self) -> bool {
        !self.attention.is_empty()
            || self.cursor <= self.history.last_number()
            || self.liveliness_wanted
            || self.heartbeat_owed
    }

    /// Whether some reader acknowledges what it gets.
    pub fn has_reliable_reader(&self) -> bool {
        self.acknowledged.is_some()
    }

    pub(super) fn refresh_line(&mut self) {
        if !self.line.stale {
            return;
        }
        let in_line = self.proxies.values().filter(|proxy| proxy.position == Position::InLine);
        self.line = Line::of(in_line, &self.config.message_sizes);
    }

    /// One datagram for all readers in line, if something is to be sent to them.
    fn transmit_line(&mut self, now: Monotonic, out: &mut Datagram) -> bool {
        self.refresh_line();
        let last = self.history.last_number();
        if self.line.destinations.is_empty() {
            self.cursor = last.next();
            self.cursor_fragment = 1;
            self.pending_bytes = 0;
            self.liveliness_wanted = false;
            self.acknowledgement_wanted = false;
            self.heartbeat_owed = false;
            return false;
        }
        let heartbeat_owed = core::mem::take(&mut self.heartbeat_owed);
        if self.cursor > last && !self.liveliness_wanted && !heartbeat_owed {
            self.acknowledgement_wanted = false;
            return false;
        }
        let (own, reader_id, inline) = (self.config.guid.prefix, self.line.reader_id, self.line.inline_qos);
        let (destinations, room) = (&self.line.destinations, self.line.room);
        let mut draft = Draft::new(out, own, destinations, room, &self.config.message_sizes);
        draft.used = draft.used.saturating_add(self.group_info_size());
        // Nothing can follow a payload that stays where it is, and a message of its own would cost as much as the
        // sample: the heartbeat goes in front, about what was sent before, and only where it asks for something.
        let leading = self.size_by_reference();
        if let Some(size) = leading {
            if heartbeat_owed || self.liveliness_wanted || self.asks(size) {
                self.write_line_heartbeat(now, &mut draft, size);
            }
            self.arm_heartbeat(now);
        }
        let parameters: &[u8] = if inline { &self.config.inline_parameters } else { &[] };
        let mut changes = 0_u32;
        while self.cursor <= last {
            let Some(change) = self.history.change(self.cursor) else {
                let end = self.hole_end(self.cursor, last);
                if self.line.reliable && !self.write_gap(&mut draft, reader_id, self.cursor, end) {
                    break;
                }
                (self.cursor, self.cursor_fragment) = (end.next(), 1);
                continue;
            };
            if !change.audience.is_all() {
                self.step_out_of_line();
                break;
            }
            let size = change.payload.len();
            match self.write_change(&mut draft, reader_id, change, self.cursor_fragment, parameters) {
                Some(Written::Whole) => {
                    changes = changes.saturating_add(1);
                    (self.cursor, self.cursor_fragment) = (self.cursor.next(), 1);
                    self.sent_since_request = self.sent_since_request.saturating_add(size);
                    self.pending_bytes = self.pending_bytes.saturating_sub(size);
                }
                Some(Written::UpTo(fragment)) => {
                    self.cursor_fragment = fragment;
                    break;
                }
                None => break,
            }
        }
        if draft.is_closed && self.line.reliable {
            self.heartbeat_owed = leading.is_none();
            return true;
        }
        let has_cause = draft.filled || self.liveliness_wanted || heartbeat_owed;
        if self.line.reliable && has_cause && self.cursor_fragment == 1 {
            // Through shared memory nothing gets lost but where there is no room, which a heartbeat in time tells
            // well enough. With several samples it costs little, and tells at once what a stream lacks.
            let says_something = changes > 1
                || self.asks(0)
                || self.liveliness_wanted
                || heartbeat_owed
                || self.group.is_some();
            if says_something || !self.line.shared {
                self.write_line_heartbeat(now, &mut draft, 0);
            } else {
                self.arm_heartbeat(now);
            }
            return true;
        }
        self.liveliness_wanted = false;
        draft.filled
    }

    /// The size of the next change where it ends its message, which all in line read where it is. What heartbeats tell
    /// of a group must follow the samples.
    fn size_by_reference(&self) -> Option<usize> {
        let reads =
            self.line.reliable && self.line.shared && self.cursor_fragment == 1 && self.group.is_none();
        let change = self.history.change(self.cursor).filter(|change| reads && change.audience.is_all())?;
        Some(change.payload.len()).filter(|size| *size >= LEAST_BY_REFERENCE)
    }

    /// Whether the next heartbeat asks for an acknowledgement, where `following` bytes of samples come after it.
    fn asks(&self, following: usize) -> bool {
        let sent = self.sent_since_request.saturating_add(following);
        self.acknowledgement_wanted || sent >= self.config.acknowledgement_interval
    }

    /// The heartbeat that rides on a datagram for the readers in line; `following` bytes of samples come after it.
    fn write_line_heartbeat(&mut self, now: Monotonic, draft: &mut Draft<'_>, following: usize) {
        let asks = self.asks(following);
        if asks {
            self.sent_since_request = 0;
            self.acknowledgement_wanted = false;
        }
        let liveliness = core::mem::take(&mut self.liveliness_wanted);
        self.heartbeat_count = self.heartbeat_count.next();
        self.statistics.heartbeats = self.statistics.heartbeats.saturating_add(1);
        let unsent = self.cursor;
        self.write_heartbeat(draft, unsent, self.heartbeat(self.line.reader_id, unsent, !asks, liveliness));
        self.arm_heartbeat(now);
    }

    /// The last number of the hole that begins at `number`.
    fn hole_end(&self, number: SequenceNumber, last: SequenceNumber) -> SequenceNumber {
        match self.history.from(number).next() {
            Some(change) => change.sequence_number.previous(),
            None => last,
        }
    }

    /// The changes from the cursor on are for some readers only: everyone passes them individually.
    fn step_out_of_line(&mut self) {
        for (guid, proxy) in &mut self.proxies {
            if proxy.position == Position::InLine {
                proxy.position = Position::Behind { next: self.cursor, fragment: 1 };
                self.attention.insert(*guid);
            }
        }
        while let Some(change) = self.history.change(self.cursor).filter(|change| !change.audience.is_all()) {
            self.pending_bytes = self.pending_bytes.saturating_sub(change.payload.len());
            self.cursor = self.cursor.next();
        }
        self.line.stale = true;
    }

    /// A HEARTBEAT of what lies in front of `unsent`.
    fn heartbeat(
        &self,
        reader_id: EntityId,
        unsent: SequenceNumber,
        is_final: bool,
        is_liveliness: bool,
    ) -> Heartbeat {
        Heartbeat {
            reader_id,
            writer_id: self.config.guid.entity_id,
            first_sn: self.history.first_number(),
            // What lies below the first number held never will be sent.
            last_sn: unsent.previous().max(self.history.first_number().previous()),
            count: self.heartbeat_count,
            is_final,
            is_liveliness,
            group_info: None,
        }
    }

    fn write_heartbeat(&self, draft: &mut Draft<'_>, unsent: SequenceNumber, heartbeat: Heartbeat) {
        match self.group_info(unsent) {
            None => draft.builder.heartbeat(&heartbeat),
            group_info => draft.builder.heartbeat(&Heartbeat { group_info, ..heartbeat }),
        };
    }

    /// A HEARTBEAT for a reader that is not served yet: it tells what is held and asks for an answer.
    /// Discovery probes paths with it.
    pub fn probe_heartbeat(&mut self, reader_id: EntityId) -> Heartbeat {
        self.heartbeat_count = self.heartbeat_count.next();
        let heartbeat = self.heartbeat(reader_id, self.cursor, false, false);
        Heartbeat { group_info: self.group_info(self.cursor), ..heartbeat }
    }

    fn write_gap(
        &self,
        draft: &mut Draft<'_>,
        reader_id: EntityId,
        first: SequenceNumber,
        last: SequenceNumber,
    ) -> bool {
        if !draft.book(GAP_SIZE) {
            return false;
        }
        draft.builder.gap(&Gap {
            reader_id,
            writer_id: self.config.guid.entity_id,
            gap_start: first,
            gap_list: SequenceNumberSet::new(last.next()),
            group_info: None,
            filtered_count: None,
        });
        true
    }

    /// Writes a change from `fragment` on, as far as the datagram reaches; `None` when it has no
    /// room for any of it.
    fn write_change(
        &self,
        draft: &mut Draft<'_>,
        reader_id: EntityId,
        change: &CacheChange,
        fragment: u32,
        parameters: &[u8],
    ) -> Option<Written> {
        let header = self.data_header(reader_id, change, parameters);
        let inline_qos = change.inline_qos.as_deref();
        let extra = header.inline_qos_size(inline_qos).saturating_add(PADDING);
        let length = change.payload.len();
        let fragment_size = usize::from(self.config.fragment_size.max(1));
        if length <= fragment_size {
            if !draft.book(length.saturating_add(DATA_OVERHEAD).saturating_add(extra)) {
                return None;
            }
            draft.builder.info_timestamp(change.source_timestamp);
            draft.builder.data(&header, inline_qos, &change.payload);
            return Some(Written::Whole);
        }
        let count = transmit_fragment_count(length, self.config.fragment_size);
        let overhead = DATA_FRAG_OVERHEAD.saturating_add(extra);
        if draft.is_closed
            || (draft.filled && draft.rest_for_fragments() < overhead.saturating_add(fragment_size))
        {
            return None;
        }
        let fitting = draft
            .rest_for_fragments()
            .saturating_sub(overhead)
            .checked_div(fragment_size)
            .unwrap_or(0)
            .max(1);
        let remaining = count.saturating_sub(fragment).saturating_add(1);
        let fragments =
            u16::try_from(fitting).unwrap_or(u16::MAX).min(u16::try_from(remaining).unwrap_or(u16::MAX));
        // Never all of a sample in one submessage where Fast DDS reads: version 3.2 crashes when such a
        // sample is taken. The last fragment follows in a submessage of its own.
        let whole = fragment == 1 && u32::from(fragments) == count && self.has_reader_of(VendorId::EPROSIMA);
        let fragments = if whole { fragments.saturating_sub(1) } else { fragments };
        draft.book_fragments(usize::from(fragments).saturating_mul(fragment_size).saturating_add(overhead));
        self.write_fragments(draft, reader_id, change, parameters, fragment, fragments);
        let mut next = fragment.saturating_add(u32::from(fragments));
        if whole && draft.book(fragment_size.saturating_add(overhead)) {
            self.write_fragments(draft, reader_id, change, parameters, next, 1);
            next = next.saturating_add(1);
        }
        Some(if next > count { Written::Whole } else { Written::UpTo(next) })
    }

    fn data_header<'a>(
        &self,
        reader_id: EntityId,
        change: &CacheChange,
        qos_parameters: &'a [u8],
    ) -> DataHeader<'a> {
        let disposed = if change.kind.is_disposed() { StatusInfo::DISPOSED } else { StatusInfo::default() };
        let unregistered =
            if change.kind.is_unregistered() { StatusInfo::UNREGISTERED } else { StatusInfo::default() };
        DataHeader {
            reader_id,
            writer_id: self.config.guid.entity_id,
            writer_sn: change.sequence_number,
            kind: match change.kind {
                _ if change.payload.is_empty() => PayloadKind::None,
                ChangeKind::Alive => PayloadKind::Data,
                _ => PayloadKind::Key,
            },
            status_info: disposed.union(unregistered),
            key_hash: change.key_hash,
            qos_parameters,
        }
    }

    fn write_fragments(
        &self,
        draft: &mut Draft<'_>,
        reader_id: EntityId,
        change: &CacheChange,
        parameters: &[u8],
        first: u32,
        count: u16,
    ) {
        let size = usize::from(self.config.fragment_size);
        let start = (first.saturating_sub(1) as usize).saturating_mul(size);
        let end = start.saturating_add(usize::from(count).saturating_mul(size));
        let header = DataFragHeader {
            data: self.data_header(reader_id, change, parameters),
            fragment_starting_num: FragmentNumber(first),
            fragments_in_submessage: count,
            fragment_size: self.config.fragment_size,
            sample_size: u32::try_from(change.payload.len()).unwrap_or(u32::MAX),
        };
        draft.builder.info_timestamp(change.source_timestamp);
        draft.builder.data_frag(&header, change.inline_qos.as_deref(), &change.payload.slice(start, end));
    }

    /// One datagram for one reader alone; `None` when there is nothing (more) for it.
    fn transmit_to(&mut self, now: Monotonic, guid: Guid, out: &mut Datagram) -> Option<Destinations> {
        // Taken out, so that the history can be read while the proxy changes.
        let Some(mut proxy) = self.proxies.remove(&guid) else {
            self.attention.remove(&guid);
            return None;
        };
        let destinations: Destinations =
            proxy.config.locators.iter().map(|locator| (guid.prefix, *locator)).collect();
        let reader_id = guid.entity_id;
        let parameters = self.parameters_for(&proxy);
        let last = self.history.last_number();
        let (own, sizes) = (self.config.guid.prefix, &self.config.message_sizes);
        let room = sizes.of(proxy.config.locators.iter());
        let mut draft = Draft::new(out, own, &destinations, room, sizes);
        draft.used = draft.used.saturating_add(self.group_info_size());
        let mut full = false;

        for (first, end) in proxy.gaps.take(SEPARATE_GAPS) {
            full |= !self.write_gap(&mut draft, reader_id, first, end.min(last.max(first)));
        }
        full |= !self.write_repairs(now, &mut draft, &mut proxy, &parameters);
        let acknowledged = proxy.acknowledged;
        full |= !full && !self.write_backlog(&mut draft, &mut proxy, &parameters);
        if draft.is_closed {
            full = true;
            proxy.heartbeat_wanted |= proxy.config.reliable;
        }
        if proxy.config.reliable && !full && (proxy.heartbeat_wanted || draft.filled) {
            // Readers served alone for good are asked as seldom as those in line.
            let asks = proxy.heartbeat_wanted
                || proxy.filter.is_none()
                || proxy.sent_since_request >= self.config.acknowledgement_interval;
            if asks {
                proxy.sent_since_request = 0;
            }
            proxy.heartbeat_wanted = false;
            let liveliness = core::mem::take(&mut proxy.liveliness_wanted);
            let unsent = if proxy.filter.is_some() { proxy.unsent(self.cursor) } else { self.cursor };
            self.tell_passed_over(&mut draft, &mut proxy);
            self.heartbeat_count = self.heartbeat_count.next();
            self.statistics.heartbeats = self.statistics.heartbeats.saturating_add(1);
            self.write_heartbeat(&mut draft, unsent, self.heartbeat(reader_id, unsent, !asks, liveliness));
            draft.filled = true;
        }
        let filled = draft.filled;
        if !proxy.needs_attention() {
            self.attention.remove(&guid);
        }
        let owed = proxy.config.reliable && proxy.acknowledged < last;
        let news = proxy.acknowledged != acknowledged;
        self.proxies.insert(guid, proxy);
        if news {
            self.refresh_acknowledged();
        }
        if owed {
            self.arm_heartbeat(now);
        }
        filled.then_some(destinations)
    }

    /// Inline QoS for a reader that is served alone.
    fn parameters_for(&self, proxy: &ReaderProxy) -> Vec<u8> {
        let mut parameters = Vec::new();
        if proxy.config.expects_inline_qos {
            parameters.extend_from_slice(&self.config.inline_parameters);
        }
        if let (Some(filters), Some(slot)) = (&self.filters, proxy.filter) {
            parameters.extend_from_slice(filters.parameters(slot));
        }
        parameters
    }

    /// Writes what is to be sent again; false when the datagram is full before that.
    fn write_repairs(
        &mut self,
        now: Monotonic,
        draft: &mut Draft<'_>,
        proxy: &mut ReaderProxy,
        parameters: &[u8],
    ) -> bool {
        let reader_id = proxy.config.guid.entity_id;
        let mut complete = true;
        while let Some((number, repair)) = proxy.repairs.first_key_value() {
            let (number, mut repair) = (*number, repair.clone());
            let Some(change) = self.history.change(number) else {
                if !self.write_gap(draft, reader_id, number, number) {
                    complete = false;
                    break;
                }
                proxy.repairs.remove(&number);
                continue;
            };
            let done = self.write_repair(draft, reader_id, change, &mut repair, parameters);
            if done {
                proxy.repair_bytes = proxy.repair_bytes.saturating_sub(change.payload.len());
                self.statistics.repairs = self.statistics.repairs.saturating_add(1);
                proxy.note_repaired(now, number);
                proxy.repairs.remove(&number);
            } else {
                proxy.repairs.insert(number, repair);
                complete = false;
                break;
            }
        }
        if proxy.repairs.is_empty() {
            proxy.repair_bytes = 0;
        }
        complete
    }

    /// Writes what a reader that is not in line has not been sent; false when the datagram is full before
    /// that.
    fn write_backlog(&mut self, draft: &mut Draft<'_>, proxy: &mut ReaderProxy, parameters: &[u8]) -> bool {
        let guid = proxy.config.guid;
        let last = self.history.last_number();
        // Those with a filter, or in this process, never join the line.
        let alone = proxy.filter.is_some() || proxy.in_process;
        let end = if alone { last.next() } else { self.cursor };
        while let Position::Behind { next, fragment } = proxy.position {
            if next >= end {
                if proxy.filter.is_some() {
                    return true;
                }
                if proxy.in_process {
                    proxy.position = Position::InProcess { next };
                } else {
                    proxy.position = Position::InLine;
                    self.line.stale = true;
                }
                return true;
            }
            let for_it = |change: &&CacheChange| {
                let number = change.sequence_number;
                number >= proxy.first_relevant
                    && change.audience.includes(guid)
                    && !self.is_filtered(proxy, number)
            };
            let Some(change) = self.history.change(next).filter(for_it) else {
                // One GAP for all that lie side by side.
                let following = self.history.from(next).find(for_it);
                let hole = following.map_or(last, |change| change.sequence_number.previous());
                let hole = hole.min(end.previous());
                if proxy.filter.is_some() {
                    proxy.pass_over(next, hole);
                    continue;
                }
                if proxy.config.reliable && !self.write_gap(draft, guid.entity_id, next, hole) {
                    return false;
                }
                proxy.position = Position::Behind { next: hole.next(), fragment: 1 };
                continue;
            };
            if !self.tell_passed_over(draft, proxy) {
                return false;
            }
            match self.write_change(draft, guid.entity_id, change, fragment, parameters) {
                Some(Written::Whole) => {
                    proxy.position = Position::Behind { next: next.next(), fragment: 1 };
                    proxy.sent_since_request = proxy.sent_since_request.saturating_add(change.payload.len());
                }
                Some(Written::UpTo(fragment)) => {
                    proxy.position = Position::Behind { next, fragment };
                    return false;
                }
                None => return false,
            }
        }
        true
    }

    /// Tells a reader of the numbers in front of its position that are not for it; also one that does not
    /// acknowledge, so that it does not count them as lost. False when there is no room.
    fn tell_passed_over(&self, draft: &mut Draft<'_>, proxy: &mut ReaderProxy) -> bool {
        let Some((first, end)) = proxy.passed_over else { return true };
        let written = self.write_gap(draft, proxy.config.guid.entity_id, first, end);
        if written {
            proxy.passed_over = None;
        }
        written
    }

    /// Writes what a repair asks for; false when the datagram is full before it is done.
    fn write_repair(
        &self,
        draft: &mut Draft<'_>,
        reader_id: EntityId,
        change: &CacheChange,
        repair: &mut Repair,
        parameters: &[u8],
    ) -> bool {
        match repair {
            Repair::From(fragment) => {
                match self.write_change(draft, reader_id, change, *fragment, parameters) {
                    Some(Written::Whole) => true,
                    Some(Written::UpTo(next)) => {
                        *fragment = next;
                        false
                    }
                    None => false,
                }
            }
            Repair::Fragments(fragments) => {
                let size = usize::from(self.config.fragment_size).saturating_add(DATA_FRAG_OVERHEAD);
                while let Some(fragment) = fragments.first().copied() {
                    if !draft.book(size.saturating_add(INLINE_QOS_ESTIMATE)) {
                        return false;
                    }
                    self.write_fragments(draft, reader_id, change, parameters, fragment, 1);
                    fragments.remove(&fragment);
                }
                true
            }
        }
    }
}

/// GAPs written into one datagram.
const SEPARATE_GAPS: usize = 32;
