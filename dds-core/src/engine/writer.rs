//! A DataWriter below its type: history bookkeeping, protocol writer and statuses under one lock.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI16, AtomicU64, Ordering},
    },
};

use dds_qos::{DataWriterQos, DurabilityKind, Duration, HistoryKind};
use dds_rtps::{
    change::{Audience, CacheChange, ChangeKind},
    discovery::SubscriptionData,
    message::{AckNack, InlineQosToSend, NackFrag},
    participant::{Activity, Touch},
    payload::{Payload, PayloadPool},
    structure::{Guid, GuidPrefix, KeyHash, SequenceNumber},
    time::{Monotonic, Now, Timestamp},
    writer::StatefulWriter,
};
use dds_types::DataRepresentationId;
use parking_lot::{Mutex, MutexGuard};

use super::{
    DeliveryGroup, Engine, GroupState, Observer, ReaderEndpoint, TopicShared,
    batch::{Batch, Batching},
    observer::Source,
    timers::{Armed, TimerOwner},
    train::Train,
};
use crate::{
    cache::{Admission, DeadlineMissed, InstanceKey, WaitFor, WriteRequest, WriterCache},
    condition::deadline_after,
    error::{DdsError, IllegalContext, Resource},
    instance::InstanceHandle,
    lifecycle::Lifecycle,
    status::{StatusMask, WriterStatuses},
    type_support::TypeSupport,
};

/// A DataWriter below its type.
pub(crate) struct WriterEndpoint {
    pub(crate) guid: Guid,
    pub(crate) handle: InstanceHandle,
    pub(crate) topic: Arc<TopicShared>,
    pub(crate) type_support: TypeSupport,
    /// The number of the [`DataRepresentationId`]; fixed once the writer is enabled.
    pub(crate) representation: AtomicI16,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) observer: Arc<Observer>,
    /// Locked before `state` by writes, where samples are ordered across the publisher's writers.
    pub(crate) group: Option<Arc<DeliveryGroup>>,
    pub(crate) armed: Armed,
    /// To be touched by writes where liveliness is asserted by them; set once discovery knows the writer.
    pub(crate) activity: OnceLock<Activity>,
    /// Buffers to serialise into, outside of the lock.
    pub(crate) pool: Arc<Mutex<PayloadPool>>,
    /// When a thread last came back from sending, in nanoseconds.
    pub(crate) sent: AtomicU64,
    pub(crate) state: Mutex<WriterState>,
}

/// What the writer's lock guards.
pub(crate) struct WriterState {
    pub(crate) machine: StatefulWriter,
    pub(crate) cache: WriterCache,
    pub(crate) statuses: WriterStatuses,
    pub(crate) qos: DataWriterQos,
    pub(crate) matched: BTreeMap<Guid, MatchedSubscription>,
    /// Matched readers of this participant that are handed changes as they are.
    pub(super) in_process: Vec<Arc<ReaderEndpoint>>,
    pool: Arc<Mutex<PayloadPool>>,
    /// A thread has the send role: it sends what others append.
    sending: bool,
    batch: Batch,
    /// The user makes several changes and says when they are done (DDS 1.4 §2.2.2.4.1.8).
    pub(crate) suspended: bool,
    /// How its datagrams are marked (DDS 1.4 §2.2.3.15 TRANSPORT_PRIORITY).
    code_point: Option<u8>,
    /// Datagrams are written into it; kept for its memory.
    scratch: Option<Box<Train>>,
    released: Vec<SequenceNumber>,
    missed: Vec<DeadlineMissed>,
    /// Writes that wait for room, in their order.
    tickets: VecDeque<u64>,
    next_ticket: u64,
    /// Unacknowledged changes and bytes that a KEEP_ALL writer may have, where RESOURCE_LIMITS says
    /// nothing lower.
    window: Window,
}

/// Bounds of what a writer may have in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) changes: u64,
    pub(crate) bytes: usize,
}

/// Whether what is due may wait for more to leave with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Urgency {
    /// A write on a hot line may.
    MayWait,
    /// It must leave now.
    Now,
}

/// Through shared memory, receivers that sleep are woken after so many messages: each would take the first alone,
/// and sleep again.
const MESSAGES_BEFORE_WAKE: u32 = 16;

/// A matched reader.
pub(crate) struct MatchedSubscription {
    pub(crate) handle: InstanceHandle,
    pub(crate) data: Arc<SubscriptionData>,
    pub(crate) since: Monotonic,
}

/// A change to be written. What travels with it is taken when it is.
#[derive(Debug)]
pub(crate) struct Write<'k> {
    pub(crate) kind: ChangeKind,
    pub(crate) instance: InstanceKey<'k>,
    pub(crate) payload: Payload,
    pub(crate) source_timestamp: Option<Timestamp>,
    pub(crate) key_hash: Option<KeyHash>,
    pub(crate) inline_qos: Option<Box<InlineQosToSend>>,
    pub(crate) audience: Audience,
}

impl<'k> Write<'k> {
    /// A value for all readers.
    #[inline]
    pub(crate) fn alive(key: &'k [u8], payload: Payload) -> Self {
        Self {
            kind: ChangeKind::Alive,
            instance: InstanceKey::Canonical(key),
            payload,
            source_timestamp: None,
            key_hash: None,
            inline_qos: None,
            audience: Audience::ALL,
        }
    }
}

/// What came of an attempt to write.
enum Attempt {
    Written(SequenceNumber),
    /// Waiting may help.
    NoRoom {
        resource: Resource,
        limit: u64,
    },
}

/// A place in the queue of writes that wait for room; given back on drop.
struct Ticket<'a> {
    writer: &'a WriterEndpoint,
    number: Option<u64>,
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.writer.state.lock().tickets.retain(|ticket| *ticket != number);
            self.writer.observer.notifier.notify();
        }
    }
}

/// The code point that TRANSPORT_PRIORITY asks for: the priority itself, as far as there are as many; none
/// for the default.
fn code_point(qos: &DataWriterQos) -> Option<u8> {
    const HIGHEST: i32 = 63;
    let priority = qos.transport_priority.0.min(HIGHEST);
    u8::try_from(priority).ok().filter(|code_point| *code_point != 0)
}

/// Bytes of idle serialisation buffers kept per writer: more than what is written between two
/// acknowledgements.
pub(crate) const POOLED_BYTES: usize = 2 << 20;

impl WriterState {
    pub(crate) fn new(
        machine: StatefulWriter,
        cache: WriterCache,
        qos: DataWriterQos,
        window: Window,
        batching: Batching,
        pool: Arc<Mutex<PayloadPool>>,
    ) -> Self {
        Self {
            machine,
            cache,
            statuses: WriterStatuses::default(),
            code_point: code_point(&qos),
            qos,
            matched: BTreeMap::new(),
            in_process: Vec::new(),
            pool,
            sending: false,
            batch: Batch::new(batching),
            suspended: false,
            scratch: None,
            released: Vec::new(),
            missed: Vec::new(),
            tickets: VecDeque::new(),
            next_ticket: 0,
            window,
        }
    }

    /// Has this QoS from now on; the cache was told already.
    pub(crate) fn follow_qos(&mut self, qos: DataWriterQos, batch_window: Duration) {
        self.batch.set_window(batch_window.max(qos.latency_budget.0));
        self.code_point = code_point(&qos);
        self.qos = qos;
    }

    /// Hands changes to a matched reader of this participant from now on.
    pub(super) fn serve_in_process(&mut self, reader: Arc<ReaderEndpoint>) {
        self.machine.serve_in_process(reader.guid);
        self.in_process.retain(|known| known.guid != reader.guid);
        self.in_process.push(reader);
    }

    /// Serves a reader no more.
    pub(super) fn unmatch(&mut self, reader: Guid) -> Option<MatchedSubscription> {
        self.machine.unmatch_reader(reader);
        self.in_process.retain(|known| known.guid != reader);
        self.matched.remove(&reader)
    }

    /// Drops what is held of coherent sets of the publisher that are of no more use.
    pub(super) fn forget_sets(&mut self, sets: &[SequenceNumber]) {
        self.cache.forget_sets(sets, &mut self.released);
        self.drop_released();
    }

    pub(crate) fn next_timeout(&self) -> Option<Monotonic> {
        let protocol = self.machine.poll_timeout().unwrap_or(Monotonic::NEVER);
        Some(protocol.min(self.batch.timeout()).min(self.cache.next_timeout()))
    }

    /// Drops what nobody needs any more; whether there was anything.
    pub(super) fn release_acknowledged(&mut self) -> bool {
        self.cache.acknowledged(self.machine.acknowledged_through(), &mut self.released);
        let any = !self.released.is_empty();
        self.drop_released();
        any
    }

    fn drop_released(&mut self) {
        if self.released.is_empty() {
            return;
        }
        let mut pool = None;
        for number in self.released.drain(..) {
            let payload = self.machine.remove_change(number);
            if let Some(payload) = payload.filter(|payload| payload.memory().is_none()) {
                pool.get_or_insert_with(|| self.pool.lock()).recycle(payload);
            }
        }
    }

    /// Takes back the buffers of changes that were replaced before they left.
    fn drop_spent(&mut self) {
        let Some(first) = self.machine.take_spent() else { return };
        let mut pool = self.pool.lock();
        pool.recycle(first);
        while let Some(payload) = self.machine.take_spent() {
            pool.recycle(payload);
        }
    }

    /// The key hash of a sample that does not carry it for another reason: a durability service tells the
    /// instances of TRANSIENT and PERSISTENT writers apart without knowing their type.
    fn durable_key_hash(&self, writer: &WriterEndpoint, instance: InstanceKey<'_>) -> Option<KeyHash> {
        if self.qos.durability.0 < DurabilityKind::Transient || !writer.type_support.has_key {
            return None;
        }
        let key = match instance {
            InstanceKey::Canonical(key) => key,
            InstanceKey::Handle(handle) => self.cache.key_value(handle)?,
        };
        Some(writer.type_support.key_hash(key))
    }

    /// Whether the bound on what is in flight is reached; it holds for KEEP_ALL only, since under
    /// KEEP_LAST new changes replace old ones.
    fn window_is_full(&self) -> Option<(Resource, u64)> {
        if self.qos.history.kind != HistoryKind::KeepAll || !self.qos.reliability.is_reliable() {
            return None;
        }
        let window = self.window;
        let history = self.machine.history();
        let acknowledged = self.machine.acknowledged_through();
        let in_flight = history.last_number().offset_from(acknowledged).unwrap_or(0);
        if in_flight >= window.changes {
            return Some((Resource::MaxSamples, window.changes));
        }
        let volatile = self.qos.durability.0 == DurabilityKind::Volatile;
        if volatile && in_flight > 0 && history.bytes() >= window.bytes {
            return Some((Resource::WindowBytes, window.bytes as u64));
        }
        None
    }

    /// Whether half of what may be in flight through shared memory is.
    fn is_ahead(&self) -> bool {
        let history = self.machine.history();
        self.machine.is_line_shared()
            && self.qos.durability.0 == DurabilityKind::Volatile
            && history.bytes() >= self.window.bytes / 2
            && self.machine.acknowledged_through() < history.last_number()
    }
}

impl WriterEndpoint {
    pub(crate) fn representation(&self) -> DataRepresentationId {
        DataRepresentationId(self.representation.load(Ordering::Relaxed))
    }

    pub(crate) fn raise(self: &Arc<Self>, changed: StatusMask) {
        if changed.is_empty() {
            return;
        }
        {
            let state = self.state.lock();
            let _ = self.observer.condition().set_changed(state.statuses.changed());
        }
        self.observer.raise(&Source::Writer(self.clone()), changed);
    }
}

impl Engine {
    /// Writes a change; blocks while there is no room, at most RELIABILITY `max_blocking_time`.
    pub(crate) fn write(
        &self,
        writer: &Arc<WriterEndpoint>,
        write: &mut Write<'_>,
        operation: &'static str,
    ) -> Result<SequenceNumber, DdsError> {
        self.check_usable(operation)?;
        writer.lifecycle.check(operation)?;
        let mut ticket = Ticket { writer, number: None };
        let now = self.environment.now();
        if let Attempt::Written(number) = self.try_write(now, writer, write, operation, &mut ticket)? {
            return Ok(number);
        }
        // That attempt sent what was pending, which may have made room already; no need to wait then.
        if let Some(result) = self.look_for_room(writer, write, operation, &mut ticket) {
            return result;
        }
        let max_blocking_time = writer.state.lock().qos.reliability.max_blocking_time;
        let mut result = None;
        let look = || {
            result = self.look_for_room(writer, write, operation, &mut ticket);
            result.is_some()
        };
        self.block_until(&writer.observer, operation, max_blocking_time, look)?;
        result.unwrap_or(Err(DdsError::Timeout { operation, after: max_blocking_time }))
    }

    /// As [`Engine::write`], as a future; dropping it gives the write up.
    pub(crate) async fn write_async(
        &self,
        writer: &Arc<WriterEndpoint>,
        write: &mut Write<'_>,
        operation: &'static str,
        max_blocking_time: Duration,
    ) -> Result<SequenceNumber, DdsError> {
        self.check_usable(operation)?;
        writer.lifecycle.check(operation)?;
        let mut ticket = Ticket { writer, number: None };
        let deadline = self.environment.now().monotonic.after(max_blocking_time);
        let look = || {
            let result = self.look_for_room(writer, write, operation, &mut ticket);
            if result.is_none() {
                if self.environment.now().monotonic >= deadline {
                    return Some(Err(DdsError::Timeout { operation, after: max_blocking_time }));
                }
                self.arm(TimerOwner::Writer(writer.guid.entity_id), &writer.armed, Some(deadline));
            }
            result
        };
        writer.observer.notifier.until(look).await
    }

    /// Before more memory is filled: receives what readers that are behind have acknowledged, so that memory is used
    /// again while it is in the cache.
    pub(crate) fn receive_pending(&self, writer: &WriterEndpoint) {
        if writer.state.lock().is_ahead() {
            self.environment.receive_pending();
        }
    }

    fn look_for_room(
        &self,
        writer: &Arc<WriterEndpoint>,
        write: &mut Write<'_>,
        operation: &'static str,
        ticket: &mut Ticket<'_>,
    ) -> Option<Result<SequenceNumber, DdsError>> {
        match self.try_write(self.environment.now(), writer, write, operation, ticket) {
            Ok(Attempt::Written(number)) => Some(Ok(number)),
            Ok(Attempt::NoRoom { resource, limit }) => {
                tracing::trace!(%resource, limit, "a write waits for room");
                None
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// Blocks until `look` says so.
    pub(crate) fn block_until(
        &self,
        observer: &Observer,
        operation: &'static str,
        timeout: Duration,
        mut look: impl FnMut() -> bool,
    ) -> Result<(), DdsError> {
        self.check_may_block(operation)?;
        let found = self.environment.block_until(&observer.notifier, deadline_after(timeout), &mut look);
        found.then_some(()).ok_or(DdsError::Timeout { operation, after: timeout })
    }

    /// As [`Engine::block_until`], for what this participant makes itself: the thread leaves receiving to
    /// others, so that it is woken as by a condition variable and not out of the wait for datagrams.
    pub(crate) fn block_until_told(
        &self,
        observer: &Observer,
        operation: &'static str,
        timeout: Duration,
        mut look: impl FnMut() -> bool,
    ) -> Result<(), DdsError> {
        self.check_may_block(operation)?;
        let (spin, look) = (self.environment.spin(), || look().then_some(()));
        let found = observer.notifier.block_until_spinning(spin, deadline_after(timeout), look);
        found.ok_or(DdsError::Timeout { operation, after: timeout })
    }

    /// Refuses to go on with what belongs to the process before `fork`.
    pub(crate) fn check_usable(&self, operation: &'static str) -> Result<(), DdsError> {
        if self.environment.is_inherited() {
            return Err(DdsError::IllegalOperation { operation, context: IllegalContext::AfterFork });
        }
        Ok(())
    }

    /// Refuses to block where that could never end.
    pub(crate) fn check_may_block(&self, operation: &'static str) -> Result<(), DdsError> {
        self.check_usable(operation)?;
        crate::condition::check_may_block(operation)?;
        if self.environment.may_block() {
            return Ok(());
        }
        Err(DdsError::IllegalOperation { operation, context: IllegalContext::VirtualTime })
    }

    fn try_write(
        &self,
        now: Now,
        writer: &Arc<WriterEndpoint>,
        write: &mut Write<'_>,
        operation: &'static str,
        ticket: &mut Ticket<'_>,
    ) -> Result<Attempt, DdsError> {
        let mut group = writer.group.as_deref().map(DeliveryGroup::lock);
        let mut state = writer.state.lock();
        let may_pass = state.tickets.front().is_none_or(|first| Some(*first) == ticket.number);
        let full = if write.kind == ChangeKind::Alive { state.window_is_full() } else { None };
        let refused = if may_pass { full } else { Some((Resource::MaxSamples, state.tickets.len() as u64)) };
        let mut passed = None;
        if refused.is_none() && group.is_none() {
            passed = self.pass_on(now, &mut state, writer, write);
        }
        // By reference, here and below: it is many words.
        if let Some(passed) = passed.as_ref().filter(|passed| passed.is_complete()) {
            let (number, next) = (passed.number, state.next_timeout());
            drop(state);
            self.arm(TimerOwner::Writer(writer.guid.entity_id), &writer.armed, next);
            self.finish_passing_on(now, passed);
            self.note_write(now, writer);
            return Ok(Attempt::Written(number));
        }
        let (resource, limit) = match refused {
            Some(refused) => refused,
            None => match self.admit(now, &mut state, group.as_deref_mut(), writer, write) {
                Ok(number) => {
                    drop(group);
                    if let Some(passed) = &passed {
                        self.note_passed_on(now, &mut state, passed);
                    }
                    self.flush(now, writer, state, Urgency::MayWait);
                    if let Some(passed) = &passed {
                        self.finish_passing_on(now, passed);
                    }
                    self.drain_loopback(now);
                    self.note_write(now, writer);
                    return Ok(Attempt::Written(number));
                }
                Err(Admission::Full { resource, limit, wait_for: WaitFor::Acknowledgment }) => {
                    (resource, limit as u64)
                }
                Err(Admission::Full { resource, limit, wait_for: WaitFor::Application }) => {
                    return Err(DdsError::OutOfResources { resource, limit: limit as u64 });
                }
                Err(_) => {
                    return Err(DdsError::precondition(
                        operation,
                        "an instance that this writer has registered",
                    ));
                }
            },
        };
        drop(group);
        if ticket.number.is_none() {
            let number = state.next_ticket;
            state.next_ticket += 1;
            state.tickets.push_back(number);
            ticket.number = Some(number);
            // The readers may not know yet that we wait for them.
            state.machine.request_acknowledgements();
            self.flush(now, writer, state, Urgency::Now);
            self.drain_loopback(now);
        }
        Ok(Attempt::NoRoom { resource, limit })
    }

    pub(super) fn admit(
        &self,
        now: Now,
        state: &mut WriterState,
        group: Option<&mut GroupState>,
        writer: &WriterEndpoint,
        write: &mut Write<'_>,
    ) -> Result<SequenceNumber, Admission> {
        let source_timestamp = write.source_timestamp.unwrap_or(now.wall);
        let request = WriteRequest {
            kind: write.kind,
            instance: &write.instance,
            sequence_number: state.machine.history().next_number(),
            source_timestamp,
        };
        match state.cache.admit(now, &request) {
            Admission::Admitted { evict, .. } => {
                state.released.extend(evict);
                state.drop_released();
                let key_hash = write.key_hash.or_else(|| state.durable_key_hash(writer, write.instance));
                let mut inline_qos = write.inline_qos.take();
                let set = state.cache.open_set(request.sequence_number);
                if set.is_some() {
                    inline_qos.get_or_insert_default().coherent_set = set;
                }
                if let (Some(group), Some(order)) = (group, &writer.group) {
                    order.number(group, set.is_some(), inline_qos.get_or_insert_default());
                }
                Ok(state.machine.add_change(CacheChange {
                    kind: write.kind,
                    writer_guid: writer.guid,
                    sequence_number: SequenceNumber::UNKNOWN,
                    source_timestamp: Some(source_timestamp),
                    key_hash,
                    payload: std::mem::take(&mut write.payload),
                    inline_qos,
                    audience: std::mem::take(&mut write.audience),
                }))
            }
            refused => Err(refused),
        }
    }

    /// Sends everything that is due. One thread at a time has the send role; what others append
    /// meanwhile leaves with it, batched. The lock is not held while sending.
    ///
    /// A write in a loop may only append; see [`batch`](super::batch).
    pub(super) fn flush(
        &self,
        now: Now,
        writer: &Arc<WriterEndpoint>,
        mut state: MutexGuard<'_, WriterState>,
        urgency: Urgency,
    ) {
        let mut progress = state.machine.has_in_process() && self.hand_over(now, &mut state);
        let mut sends = false;
        let mut wakes = false;
        let arrivals = self.arrivals.load(Ordering::Relaxed);
        let sent = Monotonic::from_nanos(writer.sent.load(Ordering::Relaxed));
        let may_wait = urgency == Urgency::MayWait && {
            let WriterState { batch, machine, suspended, .. } = &mut *state;
            batch.may_wait(now.monotonic, arrivals, sent, *suspended, machine) && machine.has_line()
        };
        if may_wait && !state.sending {
            if !state.suspended {
                state.batch.open(now.monotonic);
            }
        } else {
            // All of it leaves, by this thread or by the one that has the send role.
            state.batch.close();
            if !state.sending && state.machine.wants_transmit() {
                state.sending = true;
                sends = true;
                let mut train = state.scratch.take().unwrap_or_default();
                let mark = state.code_point;
                let mut unwoken = 0;
                loop {
                    let next = if train.has_left_over() {
                        train.begin_with_left_over()
                    } else {
                        state.machine.poll_transmit(now.monotonic, train.begin())
                    };
                    // By reference: they are many words.
                    let Some(destinations) = &next else { break };
                    if state.machine.wants_transmit() {
                        train.lengthen(now.monotonic, &mut state.machine, destinations);
                    }
                    MutexGuard::unlocked(&mut state, || {
                        unwoken += u32::from(self.send_train(destinations, train.datagrams(), mark));
                        if unwoken == MESSAGES_BEFORE_WAKE {
                            unwoken = 0;
                            self.environment.wake_receivers();
                        }
                    });
                }
                train.clear();
                state.scratch = Some(train);
                state.sending = false;
                wakes = unwoken > 0;
                state.drop_spent();
                // Where nobody acknowledges, what has left counts as acknowledged.
                progress |= !state.machine.has_reliable_reader();
            }
            // Not only what was sent makes room: a reader that acknowledged nothing may be gone.
            progress |= state.release_acknowledged();
        }
        let next = state.next_timeout();
        drop(state);
        if wakes {
            self.environment.wake_receivers();
        }
        if sends {
            writer.sent.store(self.environment.now().monotonic.as_nanos(), Ordering::Relaxed);
        }
        self.arm(TimerOwner::Writer(writer.guid.entity_id), &writer.armed, next);
        if progress {
            writer.observer.notifier.notify();
        }
    }

    /// Sends what was added to a writer's history.
    pub(crate) fn flush_state(
        &self,
        now: Now,
        writer: &Arc<WriterEndpoint>,
        state: MutexGuard<'_, WriterState>,
    ) {
        self.flush(now, writer, state, Urgency::Now);
    }

    /// Sends an open batch at once.
    pub(crate) fn flush_batch(&self, writer: &Arc<WriterEndpoint>) {
        let now = self.environment.now();
        let state = writer.state.lock();
        self.flush(now, writer, state, Urgency::Now);
        self.drain_loopback(now);
    }

    /// Asks the readers to acknowledge what was written so far, and returns its last number
    /// (DDS 1.4 §2.2.2.4.2.15).
    pub(crate) fn request_acknowledgments(&self, writer: &Arc<WriterEndpoint>) -> SequenceNumber {
        let now = self.environment.now();
        let mut state = writer.state.lock();
        let target = state.machine.history().last_number();
        state.machine.request_acknowledgements();
        self.flush(now, writer, state, Urgency::Now);
        self.drain_loopback(now);
        target
    }

    /// Whether it is of a matched reader.
    pub(super) fn handle_ack_nack(
        &self,
        now: Now,
        writer: &Arc<WriterEndpoint>,
        source: GuidPrefix,
        acknack: &AckNack,
    ) -> bool {
        let mut state = writer.state.lock();
        if !state.matched.contains_key(&Guid::new(source, acknack.reader_id)) {
            return false;
        }
        let given_up = state.machine.statistics().groups_given_up;
        let progress = state.machine.handle_ack_nack(now.monotonic, source, acknack);
        if state.machine.statistics().groups_given_up > given_up {
            tracing::warn!(
                reader = %Guid::new(source, acknack.reader_id),
                topic = %writer.topic.name,
                "what is sent to the group does not arrive at this reader, which is sent to by itself from now on. \
                 A switch or firewall between the hosts keeps multicast out; `user_multicast = \"disabled\"` avoids it"
            );
        }
        if progress {
            state.release_acknowledged();
        }
        self.flush(now, writer, state, Urgency::Now);
        if progress {
            writer.observer.notifier.notify();
        }
        true
    }

    pub(super) fn handle_nack_frag(
        &self,
        now: Now,
        writer: &Arc<WriterEndpoint>,
        source: GuidPrefix,
        nack: &NackFrag,
    ) {
        let mut state = writer.state.lock();
        state.machine.handle_nack_frag(source, nack);
        self.flush(now, writer, state, Urgency::Now);
    }

    /// Asserts the liveliness of a MANUAL_BY_TOPIC writer that has nothing to write.
    pub(crate) fn assert_writer_liveliness(&self, writer: &Arc<WriterEndpoint>) {
        let now = self.environment.now();
        let mut state = writer.state.lock();
        state.machine.assert_liveliness();
        self.flush(now, writer, state, Urgency::Now);
        self.note_write(now, writer);
    }

    /// A write asserts the liveliness of a writer of a MANUAL kind.
    fn note_write(&self, now: Now, writer: &WriterEndpoint) {
        let revives =
            writer.activity.get().is_some_and(|activity| activity.touch(now.monotonic) == Touch::Revives);
        if revives {
            self.run_discovery(now, |participant| participant.handle_timeout(now));
        }
    }

    /// Heartbeats, lifespans and deadlines.
    pub(super) fn writer_timer(&self, now: Now, writer: &Arc<WriterEndpoint>) {
        let mut guard = writer.state.lock();
        let state = &mut *guard;
        let next = state.next_timeout();
        if state.tickets.is_empty() && next.is_some_and(|next| next > now.monotonic) {
            // What it was for has been done meanwhile.
            drop(guard);
            return self.arm(TimerOwner::Writer(writer.guid.entity_id), &writer.armed, next);
        }
        state.machine.handle_timeout(now.monotonic);
        let mut changed = StatusMask::NONE;
        if state.cache.next_timeout() <= now.monotonic {
            state.cache.expire(now.monotonic, &mut state.released, &mut state.missed);
            state.drop_released();
            for missed in state.missed.drain(..) {
                state.statuses.record_deadline_missed(missed.instance, missed.periods);
                changed |= StatusMask::OFFERED_DEADLINE_MISSED;
            }
        }
        let waiting = !state.tickets.is_empty();
        self.flush(now, writer, guard, Urgency::Now);
        writer.raise(changed);
        if waiting {
            writer.observer.notifier.notify();
        }
    }
}
