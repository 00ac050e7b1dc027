//! The way of a received sample to the readers it is for.

use std::{ops::Range, sync::Arc};

use dds_rtps::{
    change::{Audience, CacheChange, ChangeKind},
    message::{
        Data, DataFrag, DataPayload, InlineQos, InlineQosToSend, MessageContext, MessageError,
        MessageReceiver, StatusInfo, Submessage,
    },
    payload::Payload,
    reader::FragmentArrival,
    structure::{EntityId, Guid, GuidPrefix, SequenceNumber},
    time::Now,
};

use super::{Burst, Engine, Opened, ReaderEndpoint, ReaderState, Route, count, table::Remote};
use crate::presentation;

/// What comes next in a message.
pub(super) type Next<'m> = Option<Result<Submessage<'m>, MessageError>>;

impl Engine {
    /// Gives a DATA to the readers that it is for. Returns what comes after it and whatever went with it.
    pub(super) fn dispatch_data<'m>(
        &self,
        now: Now,
        receiver: &mut MessageReceiver<'m>,
        data: &Data<'m>,
        burst: &mut Burst,
    ) -> Next<'m> {
        let route = self.route(receiver.context().source_prefix, data.writer_id, data.reader_id, burst);
        let (writer, _, readers) = &route;
        let next = match &readers[..] {
            [reader] => self.deliver_run(now, receiver, *writer, data, reader, burst.lent.as_ref()),
            readers => {
                self.deliver_data(now, receiver.context(), *writer, data, readers, burst.lent.as_ref());
                receiver.next_alone()
            }
        };
        burst.route = Some(route);
        next
    }

    /// Gives another submessage to the readers that it is for.
    pub(super) fn dispatch_to_readers(
        &self,
        now: Now,
        context: &MessageContext,
        submessage: &Submessage<'_>,
        (writer_id, reader_id): (EntityId, EntityId),
        burst: &mut Burst,
    ) {
        let source = context.source_prefix;
        let route = self.route(source, writer_id, reader_id, burst);
        let (writer, _, readers) = &route;
        match submessage {
            Submessage::DataFrag(data) => {
                if let Some((_, Some(remote))) = &burst.remote {
                    self.deliver_fragment(now, context, *writer, data, remote, readers, burst.lent.as_ref());
                }
            }
            Submessage::Heartbeat(heartbeat) => {
                for reader in readers {
                    reader.handle_heartbeat(now, source, heartbeat);
                }
            }
            Submessage::HeartbeatFrag(heartbeat) => {
                for reader in readers {
                    reader.handle_heartbeat_frag(now, source, heartbeat);
                }
            }
            Submessage::Gap(gap) => {
                for reader in readers {
                    reader.handle_gap(now, source, gap);
                }
            }
            _ => {}
        }
        burst.route = Some(route);
    }

    /// The readers of a writer, or the one that a submessage names, which something came for.
    fn route(
        &self,
        source: GuidPrefix,
        writer_id: EntityId,
        reader_id: EntityId,
        burst: &mut Burst,
    ) -> Route {
        let writer = Guid::new(source, writer_id);
        let route = match burst.route.take() {
            Some(route) if route.0 == writer && route.1 == reader_id => route,
            _ => (writer, reader_id, self.table.read().readers_of(writer, reader_id)),
        };
        if route.2.is_empty() {
            burst.met_stranger = true;
            count(&self.counters.unmatched_submessages);
        }
        for reader in &route.2 {
            burst.touch(reader);
        }
        route
    }

    /// Gives a DATA to its one reader, and with it those that follow from the same writer: most datagrams
    /// are full of them, and a lock costs about as much as a small sample. Returns what comes after them.
    fn deliver_run<'m>(
        &self,
        now: Now,
        receiver: &mut MessageReceiver<'m>,
        writer: Guid,
        first: &Data<'m>,
        reader: &ReaderEndpoint,
        lent: Option<&Lent>,
    ) -> Next<'m> {
        // What else there is comes after these, and the sender and who it is for with it.
        let follower = |receiver: &mut MessageReceiver<'m>| match receiver.next_data() {
            Some(data) if (data.writer_id, data.reader_id) == (first.writer_id, first.reader_id) => Ok(data),
            Some(data) => Err(Some(Ok(Submessage::Data(data)))),
            None => Err(receiver.next_alone()),
        };
        let mut state = reader.state.lock();
        let mut data = *first;
        // Which samples go their own way is much the same for all of a message.
        let mut are_plain = self.protect.is_none();
        loop {
            let payload = |state: &mut ReaderState, bytes: &[u8]| {
                payload_of(bytes, lent, |bytes| state.cache.copy(bytes))
            };
            let is_news =
                self.deliver_to(now, receiver.context(), writer, &data, reader, &mut state, payload);
            data = match follower(receiver) {
                Ok(data) => data,
                Err(next) => return next,
            };
            if !(is_news && std::mem::take(&mut are_plain)) {
                continue;
            }
            let Some(mut run) = state.begin_run(now, writer) else { continue };
            while run.take(receiver.context().timestamp, &data, lent) {
                are_plain = true;
                data = match follower(receiver) {
                    Ok(data) => data,
                    Err(next) => return next,
                };
            }
        }
    }

    /// Gives a DATA to the readers it is for.
    fn deliver_data(
        &self,
        now: Now,
        context: &MessageContext,
        writer: Guid,
        data: &Data<'_>,
        readers: &[Arc<ReaderEndpoint>],
        lent: Option<&Lent>,
    ) {
        let mut shared: Option<Payload> = None;
        for reader in readers {
            let payload = |state: &mut ReaderState, bytes: &[u8]| {
                let copy = |bytes: &[u8]| state.cache.copy(bytes);
                shared.get_or_insert_with(|| payload_of(bytes, lent, copy)).clone()
            };
            self.deliver_to(now, context, writer, data, reader, &mut reader.state.lock(), payload);
        }
    }

    /// Gives a DATA to one reader, which is locked; whether it was news to it.
    #[expect(clippy::too_many_arguments, reason = "what a sample comes with")]
    fn deliver_to(
        &self,
        now: Now,
        context: &MessageContext,
        writer: Guid,
        data: &Data<'_>,
        reader: &ReaderEndpoint,
        state: &mut ReaderState,
        payload: impl FnOnce(&mut ReaderState, &[u8]) -> Payload,
    ) -> bool {
        if !state.machine.wants(writer, data.writer_sn) {
            return false;
        }
        state.touch_writer(now, writer);
        let inline = data.inline_qos.as_ref();
        let is_key = matches!(data.payload, DataPayload::Key(_));
        let mut change = change_of(context, writer, data.writer_sn, inline, is_key);
        if let (Some(inline), true) = (inline, state.is_presented()) {
            presentation::keep_marks(&mut change, inline);
        }
        let empty = change.kind == ChangeKind::Alive && data.payload == DataPayload::None;
        if inline.is_some_and(|inline| is_for_others(inline, reader.guid))
            || (empty && !presentation::is_end_mark(&change))
        {
            state.excuse(writer, data.writer_sn);
            state.skip(now, writer, data.writer_sn);
            return true;
        }
        // A value beside a dispose: its key hash, or nothing, names the instance.
        if change.kind == ChangeKind::Alive || is_key {
            change.payload = payload(state, data.payload.bytes());
        }
        if !(self.is_understood(inline) && self.open_payload(&mut change)) {
            state.skip(now, writer, data.writer_sn);
            return true;
        }
        if state.cache.filter().is_some() {
            add_filter_info(&mut change, inline);
        }
        state.step(now, |machine, offer| machine.handle_change(&mut change, offer));
        true
    }

    #[expect(clippy::too_many_arguments, reason = "what a fragment comes with")]
    fn deliver_fragment(
        &self,
        now: Now,
        context: &MessageContext,
        writer: Guid,
        data: &DataFrag<'_>,
        remote: &Remote,
        readers: &[Arc<ReaderEndpoint>],
        lent: Option<&Lent>,
    ) {
        if let ([reader], Some(bytes)) = (readers, data.whole_sample()) {
            return self.deliver_whole(now, context, writer, data, bytes, reader, lent);
        }
        let (mut is_wanted, mut next) = (false, SequenceNumber::MAX);
        for reader in readers {
            let (wants, from) = reader.wants(writer, data.writer_sn);
            is_wanted |= wants;
            next = next.min(from);
        }
        let Some(first) = readers.first().filter(|_| is_wanted) else { return };
        let template = || change_of_fragment(context, writer, data);
        let arrival = match data.whole_sample() {
            Some(bytes) => {
                let payload = payload_of(bytes, lent, |bytes| first.copy(bytes));
                FragmentArrival::Complete(CacheChange { payload, ..template() })
            }
            None => {
                let mut defragmenter = remote.defragmenter.lock();
                // What nobody waits for any more makes room.
                defragmenter.forget_below(writer.entity_id, next);
                defragmenter.handle_data_frag(now.monotonic, data, template)
            }
        };
        match arrival {
            FragmentArrival::Complete(mut change) => {
                let usable = self.is_understood(data.inline_qos.as_ref()) && self.open_payload(&mut change);
                for reader in readers {
                    if usable {
                        reader.handle_change(now, change.clone());
                    } else {
                        // Sent again it would be no better.
                        reader.skip(now, writer, data.writer_sn);
                    }
                }
            }
            FragmentArrival::Incomplete => {}
            FragmentArrival::Refused => count(&self.counters.refused_fragments),
        }
    }

    /// Gives the DATA_FRAG that is all of a sample to its one reader.
    #[expect(clippy::too_many_arguments, reason = "what a fragment comes with")]
    fn deliver_whole(
        &self,
        now: Now,
        context: &MessageContext,
        writer: Guid,
        data: &DataFrag<'_>,
        bytes: &[u8],
        reader: &ReaderEndpoint,
        lent: Option<&Lent>,
    ) {
        let mut state = reader.state.lock();
        if !state.machine.wants(writer, data.writer_sn) {
            return;
        }
        let mut change = change_of_fragment(context, writer, data);
        change.payload = payload_of(bytes, lent, |bytes| state.cache.copy(bytes));
        if !(self.is_understood(data.inline_qos.as_ref()) && self.open_payload(&mut change)) {
            // Sent again it would be no better.
            state.skip(now, writer, data.writer_sn);
            return;
        }
        state.touch_writer(now, writer);
        state.step(now, |machine, offer| machine.handle_change(&mut change, offer));
    }

    fn is_understood(&self, inline: Option<&InlineQos<'_>>) -> bool {
        let understood = !inline.is_some_and(InlineQos::unknown_must_understand);
        if !understood {
            count(&self.counters.not_understood);
        }
        understood
    }

    /// Opens the payload of a received change; false when it is not to be used.
    fn open_payload(&self, change: &mut CacheChange) -> bool {
        let Some(protect) = self.protect.as_ref().filter(|_| !change.payload.is_empty()) else { return true };
        let mut opened = Vec::new();
        match protect.open_payload(change.writer_guid, &change.payload, &mut opened) {
            Opened::AsTheyAre => {}
            Opened::Replaced => change.payload = Payload::from(opened),
            Opened::Refused(reason) => {
                tracing::debug!(reason, writer = %change.writer_guid, "a sample was refused");
                count(&self.counters.refused_by_protection);
                return false;
            }
        }
        true
    }
}

/// Whether a sample is not meant for this reader: it names others (RTPS 2.5 §8.7.4), or the writer's filters
/// refused it for all.
fn is_for_others(inline: &InlineQos<'_>, reader: Guid) -> bool {
    let mut named = inline.directed_write().peekable();
    let directed = named.peek().is_some();
    (directed && !named.any(|guid| guid == reader))
        || inline.status_info().is_some_and(|status| status.contains(StatusInfo::FILTERED))
}

/// The change that a DATA or DATA_FRAG brings, without its payload.
fn change_of(
    context: &MessageContext,
    writer_guid: Guid,
    sequence_number: SequenceNumber,
    inline: Option<&InlineQos<'_>>,
    is_key: bool,
) -> CacheChange {
    let status = inline.and_then(InlineQos::status_info).unwrap_or_default();
    let disposed = status.contains(StatusInfo::DISPOSED);
    let kind = match (disposed, status.contains(StatusInfo::UNREGISTERED)) {
        (true, true) => ChangeKind::NotAliveDisposedUnregistered,
        (true, false) => ChangeKind::NotAliveDisposed,
        (false, true) => ChangeKind::NotAliveUnregistered,
        // A key alone says nothing but that its instance ends.
        (false, false) if is_key => ChangeKind::NotAliveUnregistered,
        (false, false) => ChangeKind::Alive,
    };
    let related_sample_identity = inline.and_then(InlineQos::related_sample_identity);
    let original_writer_info = inline.and_then(InlineQos::original_writer_info);
    let special = related_sample_identity.is_some() || original_writer_info.is_some();
    let inline_qos = special.then(|| {
        Box::new(InlineQosToSend { related_sample_identity, original_writer_info, ..Default::default() })
    });
    CacheChange {
        kind,
        writer_guid,
        sequence_number,
        source_timestamp: context.timestamp,
        key_hash: inline.and_then(InlineQos::key_hash),
        payload: Payload::default(),
        inline_qos,
        audience: Audience::ALL,
    }
}

/// The change that a DATA_FRAG is of, without its payload.
fn change_of_fragment(context: &MessageContext, writer: Guid, data: &DataFrag<'_>) -> CacheChange {
    let inline = data.inline_qos.as_ref();
    let mut change = change_of(context, writer, data.writer_sn, inline, data.is_key);
    inline.into_iter().for_each(|inline| presentation::keep_marks(&mut change, inline));
    add_filter_info(&mut change, inline);
    change
}

/// Keeps with a change what its writer's filters said of it.
fn add_filter_info(change: &mut CacheChange, inline: Option<&InlineQos<'_>>) {
    if let Some(info) = inline.and_then(InlineQos::content_filter_info) {
        change.inline_qos.get_or_insert_default().content_filter_info = Some(info);
    }
}

/// The payload with these bytes: where they lie, if that is lent, or else a copy.
fn payload_of(bytes: &[u8], lent: Option<&Lent>, copy: impl FnOnce(&[u8]) -> Payload) -> Payload {
    lent.and_then(|lent| lent.part(bytes)).unwrap_or_else(|| copy(bytes))
}

/// What the payloads of a message lie in, where they are kept rather than copied.
pub(super) struct Lent {
    payload: Payload,
    /// Where that is.
    addresses: Range<usize>,
}

impl Lent {
    pub(super) fn new(payload: &Payload) -> Self {
        let start = payload.as_ptr().addr();
        Self { payload: payload.clone(), addresses: start..start.saturating_add(payload.len()) }
    }

    /// The payload with these bytes, if they lie here.
    #[inline]
    pub(super) fn part(&self, bytes: &[u8]) -> Option<Payload> {
        let start = bytes.as_ptr().addr();
        let end = start.saturating_add(bytes.len());
        let is_here = start >= self.addresses.start && end <= self.addresses.end && start < end;
        is_here.then(|| self.payload.slice(start - self.addresses.start, end - self.addresses.start))
    }
}
