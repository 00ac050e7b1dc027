//! A DataReader below its type: protocol reader, cache and statuses under one lock.

use std::{collections::BTreeMap, sync::Arc};

use dds_qos::{DataReaderQos, DurabilityKind, LivelinessKind};
use dds_rtps::{
    change::{Audience, CacheChange, ChangeKind},
    discovery::PublicationData,
    message::{Data, DataPayload, Datagram, Gap, Heartbeat, HeartbeatFrag},
    participant::{Activity, Touch},
    payload::Payload,
    reader::{InOrder, Offer, StatefulReader, WriterProxy},
    structure::{Guid, GuidPrefix, KeyHash, SequenceNumber},
    time::{Monotonic, Now, Timestamp},
};
use parking_lot::Mutex;

use super::{
    Observer, Presenter, RawEvent, SubscriberGroup, TapLimits, TopicShared, delivery::Lent, observer::Source,
    originals::Originals, tap::Tap, timers::Armed,
};
use crate::{
    cache::{DeadlineMissed, FreshRun, MatchedWriter, OfferOutcome, ReaderCache},
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    presentation::GroupEvent,
    status::{LivelinessTransition, ReaderStatuses, SampleRejectedReason, StatusMask},
};

/// A DataReader below its type.
pub(crate) struct ReaderEndpoint {
    pub(crate) guid: Guid,
    pub(crate) handle: InstanceHandle,
    pub(crate) topic: Arc<TopicShared>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) observer: Arc<Observer>,
    /// With access scope GROUP: the subscriber's readers, among which samples have one order.
    pub(crate) group: Option<Arc<SubscriberGroup>>,
    pub(crate) armed: Armed,
    pub(crate) state: Mutex<ReaderState>,
}

/// What the reader's lock guards.
pub(crate) struct ReaderState {
    pub(crate) machine: StatefulReader,
    pub(crate) cache: ReaderCache,
    /// Where changes do not go straight to the cache.
    presenter: Option<Box<Presenter>>,
    pub(crate) statuses: ReaderStatuses,
    pub(crate) qos: DataReaderQos,
    pub(crate) matched: BTreeMap<Guid, MatchedPublication>,
    /// Acknowledgements are written into it; kept for its memory.
    pub(super) scratch: Option<Box<Datagram>>,
    /// Statuses to be raised when the burst is over.
    pending: StatusMask,
    lost: u64,
    missed: Vec<DeadlineMissed>,
    /// Matched writers whose liveliness depends on what they write.
    manual_writers: usize,
    /// A writer counted as not alive wrote: discovery has to look at it.
    revived: bool,
    /// What came of writers that a durability service may speak for; `None` under VOLATILE, where no
    /// service is listened to.
    originals: Option<Box<Originals>>,
    /// Takes what happens instead of the cache, where there is no type.
    tap: Option<Box<Tap>>,
    /// Somebody waits for the history to be complete.
    history_awaited: bool,
}

/// What became of a reader since it was looked at last.
pub(super) struct Expired {
    /// The statuses that changed.
    pub(super) changed: StatusMask,
    /// Discovery must look at revived writers.
    pub(super) revived: bool,
    /// The history that somebody waits for is complete.
    pub(super) complete: bool,
    /// When the reader has something to do.
    pub(super) next: Monotonic,
}

/// What is to be done for a reader once no lock is held.
pub(super) enum Aftermath {
    /// Those who wait for its samples are woken, and its timer is armed.
    Wake {
        /// When the reader has something to do.
        next: Monotonic,
    },
    /// All that is due after a datagram.
    Settle,
}

/// A change that a writer of the same participant offers.
pub(super) struct Offered<'p> {
    pub(super) kind: ChangeKind,
    pub(super) writer: Guid,
    pub(super) number: SequenceNumber,
    pub(super) source_timestamp: Option<Timestamp>,
    pub(super) key_hash: Option<KeyHash>,
    pub(super) payload: &'p Payload,
}

/// A matched writer.
pub(crate) struct MatchedPublication {
    pub(crate) handle: InstanceHandle,
    pub(crate) data: Arc<PublicationData>,
    activity: Activity,
    alive: bool,
}

impl ReaderState {
    pub(crate) fn new(
        machine: StatefulReader,
        cache: ReaderCache,
        presenter: Option<Box<Presenter>>,
        qos: DataReaderQos,
    ) -> Self {
        Self {
            machine,
            cache,
            presenter,
            statuses: ReaderStatuses::default(),
            originals: (qos.durability.0 != DurabilityKind::Volatile).then(Box::default),
            tap: None,
            history_awaited: false,
            qos,
            matched: BTreeMap::new(),
            scratch: None,
            pending: StatusMask::NONE,
            lost: 0,
            missed: Vec::new(),
            manual_writers: 0,
            revived: false,
        }
    }

    /// With a tap instead of the cache.
    pub(crate) fn tapped(self, limits: TapLimits) -> Self {
        Self { tap: Some(Box::new(Tap::new(limits))), ..self }
    }

    /// Tells the tap, if there is one.
    fn tell_tap(&mut self, event: impl FnOnce() -> RawEvent) {
        if let Some(tap) = &mut self.tap {
            tap.push(event());
            self.shelf().tell_data();
        }
    }

    /// Takes the oldest events of the tap; whether there are more.
    pub(crate) fn take_raw(
        &mut self,
        now: Now,
        max: usize,
        events: &mut Vec<RawEvent>,
        observer: &Observer,
    ) -> bool {
        let Some(tap) = &mut self.tap else { return false };
        if tap.take(max, events) {
            self.step(now, |machine, offer| machine.retry(now.monotonic, offer));
        }
        let more = self.tap.as_ref().is_some_and(|tap| !tap.is_empty());
        if !more {
            self.statuses.clear_data_available();
            let _ = observer.condition().set_changed(self.statuses.changed());
        }
        more
    }

    /// When the reader has something to do.
    pub(crate) fn next_timeout(&self) -> Option<Monotonic> {
        let protocol = self.machine.poll_timeout().unwrap_or(Monotonic::NEVER);
        Some(protocol.min(self.cache.next_timeout()))
    }

    /// Runs a step of the protocol whose changes go to the cache.
    pub(super) fn step<R>(
        &mut self,
        now: Now,
        run: impl FnOnce(&mut StatefulReader, &mut dyn FnMut(&mut CacheChange) -> Offer) -> R,
    ) -> R {
        let Self { machine, cache, presenter, statuses, pending, originals, tap, .. } = self;
        let mut shelf = Shelf { cache, statuses, pending, originals };
        let result = run(machine, &mut |change| {
            if let Some(tap) = tap {
                shelf.tell_data();
                return tap.offer(change);
            }
            if shelf.originals.as_ref().is_some_and(|originals| originals.is_repeat(change)) {
                return Offer::Done;
            }
            match presenter {
                None => shelf.show(now, change),
                Some(presenter) => presenter.offer(now, change, &mut shelf),
            }
        });
        let lost = self.machine.statistics().lost;
        if lost > self.lost {
            let news = u32::try_from(lost - self.lost).unwrap_or(u32::MAX);
            self.lost = lost;
            self.statuses.record_sample_lost(news);
            self.pending |= StatusMask::SAMPLE_LOST;
        }
        result
    }

    /// For plain samples of a writer that come one after another; `None` where each has its own way. To be called
    /// after one of them, which has touched the writer.
    pub(super) fn begin_run(&mut self, now: Now, writer: Guid) -> Option<Run<'_>> {
        if self.tap.is_some() || self.presenter.is_some() || self.originals.is_some() {
            return None;
        }
        let order = self.machine.in_order(writer)?;
        let fresh = self.cache.begin_run(now, writer)?;
        Some(Run { order, fresh, statuses: &mut self.statuses, pending: &mut self.pending })
    }

    /// Takes in a change that discovery made; see [`ReaderCache::offer_named`].
    pub(crate) fn offer_builtin(&mut self, now: Now, change: &mut CacheChange, name: Option<InstanceHandle>) {
        if let OfferOutcome::Accepted = self.cache.offer_named(now, change, name) {
            self.shelf().tell_data();
        }
    }

    fn shelf(&mut self) -> Shelf<'_> {
        Shelf {
            cache: &mut self.cache,
            statuses: &mut self.statuses,
            pending: &mut self.pending,
            originals: &mut self.originals,
        }
    }

    /// Offers a change that waited to the cache.
    pub(super) fn show(&mut self, now: Now, change: &mut CacheChange) {
        self.shelf().show(now, change);
    }

    /// Notes samples that arrived and are never shown.
    pub(super) fn lose(&mut self, count: usize) {
        self.shelf().lose(count);
    }

    /// Notes samples that exceed a limit.
    pub(super) fn reject(&mut self, reason: SampleRejectedReason, instance: InstanceHandle) {
        self.shelf().reject(reason, instance);
    }

    /// Takes what the presenter has for the subscriber.
    pub(super) fn collect_presenter(&mut self) -> Vec<(Guid, GroupEvent)> {
        let Self { presenter, machine, .. } = self;
        presenter.as_mut().map(|presenter| presenter.collect(machine)).unwrap_or_default()
    }

    /// A change left the subscriber, where it waited.
    pub(super) fn leave_presenter(&mut self, change: &CacheChange) {
        if let Some(presenter) = &mut self.presenter {
            presenter.left(change);
        }
    }

    /// A writer is gone: a set that it did not end is too.
    pub(super) fn unmatch_presenter(&mut self, writer: Guid) {
        let lost = self.presenter.as_mut().map_or(0, |presenter| presenter.unmatched(writer));
        self.lose(lost);
    }

    /// Lets changes in again that the presenter refused; whether there may be any.
    pub(super) fn retry_presenter(&mut self, now: Now) -> bool {
        let wants = self.presenter.as_mut().is_some_and(|presenter| presenter.wants_retry());
        if wants {
            self.offer_again(now);
        }
        wants
    }

    /// The cache loses a writer.
    pub(super) fn cache_unmatched(&mut self, now: Now, writer: Guid) {
        if self.cache.writer_unmatched(now, writer) {
            self.shelf().tell_data();
        }
    }

    /// Whether changes do not go straight to the cache.
    pub(super) fn is_presented(&self) -> bool {
        self.presenter.is_some()
    }

    /// A number is not meant for this reader: nothing is missing where it is.
    pub(super) fn excuse(&mut self, writer: Guid, number: SequenceNumber) {
        if let Some(presenter) = &mut self.presenter {
            presenter.excuse(writer, number);
        }
    }

    /// A change is of no use here: it is not waited for.
    pub(super) fn skip(&mut self, now: Now, writer: Guid, number: SequenceNumber) {
        self.step(now, |machine, offer| machine.handle_irrelevant(writer, number, offer));
    }

    pub(super) fn touch_writer(&mut self, now: Now, writer: Guid) {
        if self.manual_writers == 0 {
            return;
        }
        if let Some(matched) = self.matched.get(&writer) {
            self.revived |= matched.activity.touch(now.monotonic) == Touch::Revives;
        }
    }

    /// Whether there are matched writers, and all of them are of the participant with this prefix, the
    /// reader's own.
    pub(crate) fn is_served_in_process(&self, prefix: GuidPrefix) -> bool {
        // In the order of their prefixes: those between the ends have the prefix that both ends have.
        let ends = self.matched.first_key_value().zip(self.matched.last_key_value());
        ends.is_some_and(|((first, _), (last, _))| first.prefix == prefix && last.prefix == prefix)
    }

    /// Whether every matched writer that keeps samples for late joiners has delivered those that it had
    /// when it was matched, and there is such a writer.
    pub(crate) fn has_history(&self) -> bool {
        if self.qos.durability.0 == DurabilityKind::Volatile {
            return true;
        }
        let durable =
            |matched: &&MatchedPublication| matched.data.qos.durability.0 != DurabilityKind::Volatile;
        let mut writers = self.matched.values().filter(durable).peekable();
        let delivered = |matched: &MatchedPublication| {
            self.machine.writer(matched.data.endpoint_guid).is_some_and(WriterProxy::has_history)
        };
        writers.peek().is_some() && writers.all(delivered)
    }

    /// As [`ReaderState::has_history`]; if it is not so, the reader's notifier tells when it is.
    pub(crate) fn await_history(&mut self) -> bool {
        let complete = self.has_history();
        self.history_awaited = !complete;
        complete
    }

    /// After samples were taken: what had found no room is tried again.
    pub(crate) fn retry(&mut self, now: impl FnOnce() -> Now) {
        if self.cache.wants_retry() {
            self.offer_again(now());
        }
    }

    #[cold]
    fn offer_again(&mut self, now: Now) {
        self.step(now, |machine, offer| machine.retry(now.monotonic, offer));
    }
}

/// Where samples end up, and what is told of it.
pub(super) struct Shelf<'s> {
    pub(super) cache: &'s mut ReaderCache,
    statuses: &'s mut ReaderStatuses,
    pending: &'s mut StatusMask,
    originals: &'s mut Option<Box<Originals>>,
}

/// Plain samples of one writer, one after another.
pub(super) struct Run<'s> {
    order: InOrder<'s>,
    fresh: FreshRun<'s>,
    statuses: &'s mut ReaderStatuses,
    pending: &'s mut StatusMask,
}

impl Run<'_> {
    /// Takes the next sample; false, and nothing done, where it has to go its own way.
    #[inline]
    pub(super) fn take(
        &mut self,
        source_timestamp: Option<Timestamp>,
        data: &Data<'_>,
        lent: Option<&Lent>,
    ) -> bool {
        let DataPayload::Data(bytes) = data.payload else { return false };
        let is_taken = data.inline_qos.is_none()
            && self.order.expects(data.writer_sn)
            && match lent.and_then(|lent| lent.part(bytes)) {
                Some(payload) => self.fresh.keep(data.writer_sn, source_timestamp, payload),
                None => self.fresh.keep_copy(data.writer_sn, source_timestamp, bytes),
            };
        if is_taken {
            self.order.advance();
            self.statuses.set_data_available();
            *self.pending |= StatusMask::DATA_AVAILABLE;
        }
        is_taken
    }
}

impl Shelf<'_> {
    fn tell_data(&mut self) {
        self.statuses.set_data_available();
        *self.pending |= StatusMask::DATA_AVAILABLE;
    }

    /// Offers a change to the cache.
    pub(super) fn show(&mut self, now: Now, change: &mut CacheChange) -> Offer {
        match self.cache.offer_named(now, change, None) {
            OfferOutcome::Accepted => self.tell_data(),
            OfferOutcome::Rejected { reason, instance } => {
                self.reject(reason, instance);
                return Offer::NoRoom;
            }
            OfferOutcome::Dropped(reason) => {
                tracing::trace!(?reason, writer = %change.writer_guid, "a sample was dropped");
            }
        }
        if let Some(originals) = self.originals {
            originals.note(change);
        }
        Offer::Done
    }

    pub(super) fn reject(&mut self, reason: SampleRejectedReason, instance: InstanceHandle) {
        self.statuses.record_sample_rejected(reason, instance);
        *self.pending |= StatusMask::SAMPLE_REJECTED;
    }

    pub(super) fn lose(&mut self, count: usize) {
        if count > 0 {
            self.statuses.record_sample_lost(u32::try_from(count).unwrap_or(u32::MAX));
            *self.pending |= StatusMask::SAMPLE_LOST;
        }
    }
}

/// Payloads up to this length are copied from a writer of this participant: a buffer that both hold goes
/// back to neither's pool, and a new one costs more than the copy.
const LARGEST_COPIED: usize = 4 << 10;

/// Half-arrived samples kept of a best-effort writer, beside the newest.
const BEST_EFFORT_PARTIALS: i64 = 3;

impl ReaderEndpoint {
    /// Whether it is one of the service's own.
    pub(crate) fn is_builtin(&self) -> bool {
        self.guid.entity_id.is_builtin()
    }

    pub(crate) fn raise(self: &Arc<Self>, changed: StatusMask) {
        if !changed.is_empty() {
            self.observer.raise(&Source::Reader(self.clone()), changed);
        }
    }

    /// Tells the listeners of this reader, or of the participant, of its new samples.
    pub(crate) fn notify_data_available(self: &Arc<Self>) {
        self.observer.raise_data_available(&Source::Reader(self.clone()));
    }

    /// Whether a change is news here, and the lowest number that still is, or is worth its fragments.
    pub(super) fn wants(&self, writer: Guid, number: SequenceNumber) -> (bool, SequenceNumber) {
        let mut state = self.state.lock();
        let next = match state.machine.writer(writer) {
            None => SequenceNumber::MAX,
            Some(proxy) if proxy.is_reliable() => proxy.next_expected(),
            // What a best-effort writer began long ago is lost; it must not take the place of the new.
            Some(proxy) => {
                proxy.next_expected().max(SequenceNumber(number.0.saturating_sub(BEST_EFFORT_PARTIALS)))
            }
        };
        (state.machine.wants(writer, number), next)
    }

    /// A copy in the cache's buffers.
    pub(super) fn copy(&self, bytes: &[u8]) -> Payload {
        self.state.lock().cache.copy(bytes)
    }

    pub(super) fn handle_change(&self, now: Now, mut change: CacheChange) {
        let mut state = self.state.lock();
        state.touch_writer(now, change.writer_guid);
        state.step(now, |machine, offer| machine.handle_change(&mut change, offer));
    }

    /// Takes in what a writer of this participant wrote; the number up to which the reader has everything.
    /// It is to be settled then.
    pub(super) fn take_over(&self, now: Now, offered: &Offered<'_>) -> SequenceNumber {
        Self::take_in(now, &mut self.state.lock(), offered)
    }

    /// As [`ReaderEndpoint::take_over`], but instead of settling the reader only what is returned is to be done.
    pub(super) fn take_over_settled(
        &self,
        now: Now,
        offered: &Offered<'_>,
    ) -> (SequenceNumber, Option<Aftermath>) {
        let mut state = self.state.lock();
        let through = Self::take_in(now, &mut state, offered);
        (through, self.aftermath(now, &mut state))
    }

    fn take_in(now: Now, state: &mut ReaderState, offered: &Offered<'_>) -> SequenceNumber {
        let writer = offered.writer;
        let payload = match offered.payload {
            small if small.memory().is_none() && small.len() <= LARGEST_COPIED => state.cache.copy(small),
            other => other.clone(),
        };
        let mut change = CacheChange {
            kind: offered.kind,
            writer_guid: writer,
            sequence_number: offered.number,
            source_timestamp: offered.source_timestamp,
            key_hash: offered.key_hash,
            payload,
            inline_qos: None,
            audience: Audience::ALL,
        };
        state.touch_writer(now, writer);
        state.step(now, |machine, offer| machine.handle_change(&mut change, offer))
    }

    /// Settles the reader as far as that can be done under its lock, and says what is left.
    fn aftermath(&self, now: Now, state: &mut ReaderState) -> Option<Aftermath> {
        let next = state.next_timeout().unwrap_or(Monotonic::NEVER);
        let is_simple = self.group.is_none()
            && next > now.monotonic
            && !state.revived
            && !state.history_awaited
            && state.pending == StatusMask::DATA_AVAILABLE
            && !self.observer.is_data_heard();
        if !is_simple {
            return Some(Aftermath::Settle);
        }
        state.pending = StatusMask::NONE;
        let is_waited_for = self.observer.show_data(state.statuses.changed());
        (is_waited_for || next != Monotonic::NEVER).then_some(Aftermath::Wake { next })
    }

    /// A change is of no use: it is not asked for again.
    pub(super) fn skip(&self, now: Now, writer: Guid, number: SequenceNumber) {
        self.state.lock().skip(now, writer, number);
    }

    pub(super) fn handle_heartbeat(&self, now: Now, source: GuidPrefix, heartbeat: &Heartbeat) {
        let mut state = self.state.lock();
        if heartbeat.is_liveliness {
            state.touch_writer(now, Guid::new(source, heartbeat.writer_id));
        }
        if let (Some(presenter), Some(info)) = (&mut state.presenter, &heartbeat.group_info) {
            presenter.note_heartbeat(Guid::new(source, heartbeat.writer_id), heartbeat.last_sn, info);
        }
        state.step(now, |machine, offer| machine.handle_heartbeat(now.monotonic, source, heartbeat, offer));
    }

    pub(super) fn handle_heartbeat_frag(&self, now: Now, source: GuidPrefix, heartbeat: &HeartbeatFrag) {
        self.state.lock().machine.handle_heartbeat_frag(now.monotonic, source, heartbeat);
    }

    pub(super) fn handle_gap(&self, now: Now, source: GuidPrefix, gap: &Gap) {
        self.state.lock().step(now, |machine, offer| machine.handle_gap(source, gap, offer));
    }

    /// Lets time pass in the cache.
    pub(super) fn expire(&self, now: Now) -> Expired {
        let mut state = self.state.lock();
        let state = &mut *state;
        if state.cache.next_timeout() <= now.monotonic {
            if state.cache.expire(now, &mut state.missed) {
                state.statuses.set_data_available();
                state.pending |= StatusMask::DATA_AVAILABLE;
            }
            for missed in state.missed.drain(..) {
                state.statuses.record_deadline_missed(missed.instance, missed.periods);
                state.pending |= StatusMask::REQUESTED_DEADLINE_MISSED;
            }
            state.retry(|| now);
        }
        if !state.pending.is_empty() {
            let _ = self.observer.condition().set_changed(state.statuses.changed());
        }
        let complete = state.history_awaited && state.has_history();
        state.history_awaited &= !complete;
        Expired {
            changed: std::mem::take(&mut state.pending),
            revived: std::mem::take(&mut state.revived),
            complete,
            next: state.next_timeout().unwrap_or(Monotonic::NEVER),
        }
    }

    /// A writer was matched, or a matched one changed its QoS.
    pub(super) fn matched(&self, handle: InstanceHandle, data: Arc<PublicationData>, activity: Activity) {
        let guid = data.endpoint_guid;
        let mut state = self.state.lock();
        state.tell_tap(|| RawEvent::Matched(data.clone()));
        let reliable = state.qos.reliability.is_reliable() && data.qos.reliability.is_reliable();
        if let Some(group) = &self.group {
            // Lock order: the group comes before its readers.
            drop(state);
            group.matched(self.guid, &data, reliable);
            state = self.state.lock();
        }
        if let Some(presenter) = &mut state.presenter {
            presenter.matched(guid, reliable);
        }
        state.cache.writer_matched(MatchedWriter {
            guid,
            handle,
            strength: data.qos.ownership_strength.0,
            lifespan: data.qos.lifespan.0,
        });
        match state.matched.get_mut(&guid) {
            Some(known) => known.data = data,
            None => {
                if data.qos.liveliness.kind != LivelinessKind::Automatic {
                    state.manual_writers += 1;
                }
                if data.qos.durability.0 >= DurabilityKind::Transient
                    && let Some(originals) = &mut state.originals
                {
                    originals.matched(guid);
                }
                state.matched.insert(guid, MatchedPublication { handle, data, activity, alive: true });
                state.statuses.record_matched(handle);
                state
                    .statuses
                    .record_liveliness(LivelinessTransition::BecameAlive { returned: false }, handle);
                state.pending |= StatusMask::SUBSCRIPTION_MATCHED | StatusMask::LIVELINESS_CHANGED;
            }
        }
    }

    /// A matched writer is gone, whose participant was `heard` last then.
    pub(super) fn unmatched(&self, now: Now, writer: Guid, heard: Monotonic) {
        let departs_later = self.group.as_ref().is_some_and(|group| group.unmatched(self, writer));
        let mut state = self.state.lock();
        state.unmatch_presenter(writer);
        state.machine.unmatch_writer(writer);
        if state.matched.contains_key(&writer) {
            state.tell_tap(|| RawEvent::Unmatched { writer, heard });
        }
        if !departs_later {
            state.cache_unmatched(now, writer);
        }
        if let Some(originals) = &mut state.originals {
            originals.unmatched(writer);
        }
        let Some(known) = state.matched.remove(&writer) else { return };
        if known.data.qos.liveliness.kind != LivelinessKind::Automatic {
            state.manual_writers -= 1;
        }
        state.statuses.record_unmatched(known.handle);
        let transition = LivelinessTransition::Unmatched { was_alive: known.alive };
        state.statuses.record_liveliness(transition, known.handle);
        state.pending |= StatusMask::SUBSCRIPTION_MATCHED | StatusMask::LIVELINESS_CHANGED;
    }

    /// A matched writer's liveliness changed; whether it is matched here.
    pub(super) fn writer_liveliness(&self, now: Now, writer: Guid, alive: bool) -> bool {
        if let Some(group) = &self.group {
            group.set_alive(self.guid.entity_id, writer, alive);
        }
        let mut state = self.state.lock();
        let Some(known) = state.matched.get_mut(&writer).filter(|known| known.alive != alive) else {
            return false;
        };
        known.alive = alive;
        let handle = known.handle;
        let transition = match alive {
            true => LivelinessTransition::BecameAlive { returned: true },
            false => LivelinessTransition::BecameNotAlive,
        };
        state.statuses.record_liveliness(transition, handle);
        state.pending |= StatusMask::LIVELINESS_CHANGED;
        state.tell_tap(|| RawEvent::Liveliness { writer, alive });
        if !alive && state.cache.writer_not_alive(now, writer) {
            state.statuses.set_data_available();
            state.pending |= StatusMask::DATA_AVAILABLE;
        }
        true
    }

    /// A writer of the topic asks for, or offers, something else.
    pub(super) fn incompatible(&self, policies: impl IntoIterator<Item = dds_qos::PolicyId>) {
        let mut state = self.state.lock();
        state.statuses.record_incompatible_qos(policies);
        state.pending |= StatusMask::REQUESTED_INCOMPATIBLE_QOS;
    }
}
