//! Who receives: the runtime's own thread, or a thread that waits for what is to be received.
//!
//! Receiving is a token, the lock of [`Reception`]. A thread that blocks in the API takes it from the
//! runtime's thread and receives by itself, so that waiting adds no hop between threads. The
//! runtime's thread takes it back when nobody has waited for a while; a thread that comes back sooner
//! wakes nobody.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    task::{Context, Wake, Waker},
    thread::{self, ThreadId},
    time::{Duration as StdDuration, Instant},
};

use dds_rtps::{
    message::Part,
    payload::Payload,
    structure::Locator,
    time::{Monotonic, Now},
};
use dds_transport::{Delivery, TransportReady};
use parking_lot::{Condvar, Mutex};

use super::{Runtime, shared::SharedReception};
use crate::{
    condition::Notifier,
    engine::{Burst, Engine},
    spin::{Abstention, let_others_run, look_a_while, repeatedly},
};

const AT_ONCE: Option<StdDuration> = Some(StdDuration::ZERO);
/// The largest UDP datagram, which is also the most that coalesced reception fills.
const RECEIVE_BUFFER: usize = 65_536;
/// Datagrams taken from one socket before the others get their turn.
pub(super) const DATAGRAMS_PER_TURN: usize = 64;
/// Turns that follow each other this closely may be a stream: sockets are emptied then, which saves the
/// waiting in between. Otherwise one datagram is taken, which saves finding that there is no other.
const STREAMING_NANOS: u64 = 10_000;
/// For how many turns at most one datagram is taken after there was no other: quick answers to what is sent
/// from here come as closely as a stream, and alone.
const LONGEST_ABSTENTION: u32 = 16;
/// How long the runtime's thread leaves the token alone after a user's thread let go of it.
const TAKE_BACK_AFTER: StdDuration = StdDuration::from_millis(1);

/// How long a user's thread waits for the runtime's thread to hand the token over.
const TAKE_OVER_WITHIN: StdDuration = StdDuration::from_millis(1);

/// For how many sleeps at most others do not get a turn before them: one with much to do takes milliseconds.
const RAREST_TURNS: u32 = 1 << 16;
/// What a sender that does not wait for answers leaves in memory, at least, and what it sends before it waits for
/// acknowledgements.
const STREAM_BYTES: usize = 4 << 10;
const STREAM_MESSAGES: u64 = 16;
/// Messages in memory after which the sockets are looked at too: a system call each time would be no small part of
/// what a single message takes.
const MESSAGES_BETWEEN_LOOKS: u32 = 16;

/// The engines, and what a turn does to each.
pub(super) type Bursts = Vec<(Arc<Engine>, Burst)>;

/// What receiving needs; whoever holds its lock receives.
pub(super) struct Reception {
    buffer: Vec<u8>,
    bursts: Bursts,
    last_turn: Monotonic,
    /// From looking for a second datagram.
    abstention: Abstention,
    /// From looking before sleeping.
    vain_looks: Abstention,
    /// From letting others run before sleeping.
    vain_turns: Abstention,
    /// From looking at the sockets only when a stranger comes.
    vain_introductions: Abstention,
    /// Messages in memory since the sockets were looked at.
    unlooked: u32,
    /// Messages that had been sent through memory when something came.
    sent_before: u64,
    /// Unless no memory is shared.
    shared: Option<SharedReception>,
}

impl Reception {
    pub(super) fn new(shared: Option<SharedReception>) -> Self {
        let buffer = vec![0; RECEIVE_BUFFER];
        Self {
            buffer,
            bursts: Vec::new(),
            last_turn: Monotonic::ZERO,
            abstention: Abstention::of_at_most(LONGEST_ABSTENTION),
            vain_looks: Abstention::default(),
            vain_turns: Abstention::of_at_most(RAREST_TURNS),
            vain_introductions: Abstention::default(),
            unlooked: 0,
            sent_before: 0,
            shared,
        }
    }
}

/// How the token changes hands.
#[derive(Default)]
pub(super) struct HandOver {
    /// A user's thread has the token, or is about to have it.
    taken: AtomicBool,
    /// Counts how often it was let go of.
    turns: AtomicU64,
    /// User's threads that wait while another one receives.
    others: AtomicU32,
    /// Purpose: the runtime's thread sleeps on it. Whether it sleeps without a time limit.
    asleep: Mutex<bool>,
    let_go: Condvar,
}

/// Wakes a thread out of the wait for datagrams, unless it is the one that calls.
struct WakeReceiver {
    receiver: ThreadId,
    waker: dds_transport::Waker,
}

impl Wake for WakeReceiver {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if thread::current().id() != self.receiver {
            self.waker.wake();
        }
    }
}

impl Runtime {
    /// The runtime's own thread.
    pub(super) fn receive(&self) {
        while !self.is_stopped() {
            {
                let mut reception = self.reception.lock();
                while !self.is_stopped() && !self.hand_over.taken.load(Ordering::Acquire) {
                    self.receive_once(&mut reception, None);
                }
            }
            self.stand_aside();
        }
    }

    /// Leaves the token to user's threads until none has had it for a while.
    fn stand_aside(&self) {
        let hand_over = &self.hand_over;
        let mut asleep = hand_over.asleep.lock();
        let mut seen = None;
        while !self.is_stopped() {
            let turns = hand_over.turns.load(Ordering::Acquire);
            if hand_over.taken.load(Ordering::SeqCst) && seen == Some(turns) {
                // It is held for long: sleep until it is let go of.
                *asleep = true;
                // Pairs with the look in `let_go`: either that one sees us asleep, or we see it gone.
                if hand_over.taken.load(Ordering::SeqCst) {
                    hand_over.let_go.wait(&mut asleep);
                }
                *asleep = false;
                seen = None;
                continue;
            }
            let somebody_waits = hand_over.others.load(Ordering::SeqCst) > 0;
            if !hand_over.taken.load(Ordering::SeqCst) && (somebody_waits || seen == Some(turns)) {
                return;
            }
            seen = Some(turns);
            hand_over.let_go.wait_for(&mut asleep, TAKE_BACK_AFTER);
        }
    }

    /// Ends all waits, because the runtime stops.
    pub(super) fn stop_receiving(&self) {
        self.transport.waker().wake();
        let _asleep = self.hand_over.asleep.lock();
        self.hand_over.let_go.notify_all();
    }

    /// Blocks until `look` finds something, receiving meanwhile if nobody but the runtime's thread does.
    /// False when the deadline passed first.
    pub(super) fn receive_until(
        &self,
        notifier: &Notifier,
        deadline: Option<Instant>,
        look: &mut dyn FnMut() -> bool,
    ) -> bool {
        if look() {
            return true;
        }
        let hand_over = &self.hand_over;
        // Another thread receives for us.
        let wait_for_others = |look: &mut dyn FnMut() -> bool| {
            let look = || look().then_some(());
            let found = notifier.block_until_spinning(self.spin, deadline, look).is_some();
            hand_over.others.fetch_sub(1, Ordering::SeqCst);
            found
        };
        if hand_over.taken.swap(true, Ordering::SeqCst) {
            hand_over.others.fetch_add(1, Ordering::SeqCst);
            return wait_for_others(look);
        }
        let reception = self.reception.try_lock().or_else(|| {
            self.transport.waker().wake();
            self.reception.try_lock_for(TAKE_OVER_WITHIN)
        });
        let Some(mut reception) = reception else {
            // The runtime's thread is in a listener, perhaps one that waits for us.
            hand_over.others.fetch_add(1, Ordering::SeqCst);
            self.let_go();
            return wait_for_others(look);
        };
        let waker = Waker::from(Arc::new(WakeReceiver {
            receiver: thread::current().id(),
            waker: self.transport.waker(),
        }));
        let mut context = Context::from_waker(&waker);
        let mut subscription = notifier.subscribe();
        let found = loop {
            if subscription.poll_until(&mut context, || look().then_some(())).is_ready() {
                break true;
            }
            let left = match deadline.map(time_left) {
                Some(StdDuration::ZERO) => break look(),
                left => left,
            };
            self.receive_once(&mut reception, left);
        };
        drop(reception);
        self.let_go();
        found
    }

    /// Receives what has arrived, if nobody else does.
    pub(super) fn receive_what_came(&self) {
        if let Some(mut reception) = self.reception.try_lock() {
            self.receive_once(&mut reception, Some(StdDuration::ZERO));
            // The runtime's thread stays aside as long as this goes on.
            self.hand_over.turns.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Gives the token back.
    fn let_go(&self) {
        self.hand_over.taken.store(false, Ordering::SeqCst);
        self.hand_over.turns.fetch_add(1, Ordering::AcqRel);
        // No lock when the runtime's thread looks by itself soon, which is the case while threads come
        // back quickly.
        if self.hand_over.others.load(Ordering::SeqCst) == 0
            && let Some(asleep) = self.hand_over.asleep.try_lock()
            && !*asleep
        {
            return;
        }
        let _asleep = self.hand_over.asleep.lock();
        self.hand_over.let_go.notify_all();
    }

    /// Waits for datagrams and messages, at most `timeout`; whether messages wait in memory, and what else there is,
    /// if that was looked at.
    fn wait(
        &self,
        reception: &mut Reception,
        timeout: Option<StdDuration>,
    ) -> io::Result<(bool, Option<TransportReady>)> {
        let Reception { shared, vain_looks, vain_turns, sent_before, .. } = reception;
        let sees_messages =
            |shared: &Option<SharedReception>| shared.as_ref().is_some_and(SharedReception::sees_messages);
        if timeout != AT_ONCE && !sees_messages(shared) {
            let has_senders = shared.as_ref().is_some_and(SharedReception::has_senders);
            let mut polled = None;
            let limit = timeout.map_or(self.spin, |timeout| timeout.min(self.spin));
            let mut look = || {
                if has_senders && repeatedly(|| sees_messages(shared)) {
                    return true;
                }
                let ready = self.transport.wait(AT_ONCE);
                let found = !matches!(&ready, Ok(ready) if ready.is_empty());
                polled = found.then_some(ready);
                found
            };
            let is_much = || {
                let sent = self.counters.shared_sent.load(Ordering::Relaxed);
                sent.wrapping_sub(*sent_before) >= STREAM_MESSAGES
                    || shared.as_ref().is_some_and(|shared| shared.waiting_bytes() >= STREAM_BYTES)
            };
            if !limit.is_zero() && !let_others_run(vain_turns, is_much, &mut look) {
                look_a_while(limit, vain_looks, look);
            }
            if let Some(ready) = polled {
                return Ok((false, Some(ready?)));
            }
        }
        let messages_wait = shared.as_mut().is_some_and(SharedReception::has_messages);
        let looked_lately = reception.unlooked < MESSAGES_BETWEEN_LOOKS;
        if messages_wait && looked_lately && reception.vain_introductions.permits() {
            return Ok((true, None));
        }
        let ready = self.transport.wait(if messages_wait { AT_ONCE } else { timeout })?;
        Ok((messages_wait, Some(ready)))
    }

    /// Waits for datagrams and messages, at most `timeout`, and delivers what is there.
    fn receive_once(&self, reception: &mut Reception, timeout: Option<StdDuration>) {
        let (messages_wait, looked) = match self.wait(reception, timeout) {
            Ok(waited) => waited,
            Err(error) => {
                tracing::error!(%error, "waiting for datagrams failed");
                // Nothing can be received; trying again at once would only burn the processor.
                thread::park_timeout(StdDuration::from_millis(10));
                return;
            }
        };
        if looked.is_some() {
            reception.unlooked = 0;
        }
        let ready = looked.unwrap_or_default();
        let has_messages = messages_wait || ready.has_shared_messages() || ready.shared_memory_changed();
        if ready.has_no_socket() && !ready.interfaces_changed() && !has_messages {
            return;
        }
        reception.sent_before = self.counters.shared_sent.load(Ordering::Relaxed);
        let Reception { buffer, bursts, last_turn, abstention, vain_introductions, unlooked, shared, .. } =
            reception;
        bursts.extend(self.live_engines().map(|engine| (engine, Burst::default())));
        let mut now = self.clock.now();
        let has_sockets = !ready.has_no_socket();
        let close = has_sockets && now.monotonic.nanos_since(*last_turn) < STREAMING_NANOS;
        let streaming = close && abstention.permits();
        let at_once = if streaming || has_messages { DATAGRAMS_PER_TURN } else { 1 };
        let most = self.receive_datagrams(now, ready, at_once, buffer, bursts);
        if streaming {
            abstention.looked(most > 1);
        }
        if let Some(shared) = shared.as_mut().filter(|_| has_messages) {
            if has_sockets {
                // What came by network takes effect before what comes now.
                finish_bursts(now, bursts);
            }
            if ready.shared_memory_changed() {
                self.serve_shared(now, shared, bursts);
            }
            let mut strangers = Vec::new();
            *unlooked += self.receive_shared(now, shared, bursts, &mut strangers).max(1);
            if !strangers.is_empty() {
                // Their announcements were sent by network before, perhaps after the look above.
                let looked = self.transport.wait(AT_ONCE);
                let ready = looked
                    .inspect_err(|error| tracing::error!(%error, "looking for datagrams failed"))
                    .unwrap_or_default();
                vain_introductions.looked(!ready.has_no_socket());
                self.receive_datagrams(now, ready, DATAGRAMS_PER_TURN, buffer, bursts);
                finish_bursts(now, bursts);
                strangers.iter().for_each(|stranger| stranger.come_again(now, bursts));
            }
        }
        if streaming {
            now = self.clock.now();
        }
        finish_bursts(now, bursts);
        bursts.clear();
        // Reading the clock is no small part of a turn without datagrams.
        if has_sockets {
            *last_turn = self.clock.now().monotonic;
        }
    }

    /// Delivers what the sockets have, at most so many datagrams of each; the place of the last one among those of
    /// its socket.
    fn receive_datagrams(
        &self,
        now: Now,
        ready: TransportReady,
        at_once: usize,
        buffer: &mut [u8],
        bursts: &mut Bursts,
    ) -> usize {
        if ready.interfaces_changed() {
            for (engine, _) in &*bursts {
                engine.addresses_changed(now, self.addresses());
            }
        }
        let mut most = 0;
        for socket in ready {
            let by_group =
                self.transport.role(socket).is_some_and(|(_, delivery)| delivery == Delivery::Multicast);
            bursts.iter_mut().for_each(|(_, burst)| burst.set_by_group(by_group));
            for taken in 0..at_once {
                most = most.max(taken);
                let received = match self.transport.receive(socket, buffer) {
                    Ok(Some(received)) => received,
                    Ok(None) => break,
                    Err(error) => {
                        tracing::debug!(%error, "receiving failed");
                        break;
                    }
                };
                if received.truncated {
                    self.counters.truncated.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
                let source = Locator::from(received.source);
                for datagram in received.datagrams(buffer) {
                    self.counters.received.fetch_add(1, Ordering::Relaxed);
                    deliver(now, source, datagram, None, bursts);
                }
            }
        }
        most
    }
}

/// Gives a message to the engines, with what of it lies elsewhere; whether it is of an endpoint that
/// is not known.
pub(super) fn deliver(
    now: Now,
    source: Locator,
    message: &[u8],
    lent: Option<(&Payload, &[Part])>,
    bursts: &mut Bursts,
) -> bool {
    let mut met_stranger = false;
    for (engine, burst) in bursts {
        match lent {
            None => engine.on_datagram(now, source, message, burst),
            Some(lent) => engine.on_datagram_in_parts(now, source, message, lent, burst),
        }
        met_stranger |= burst.met_stranger();
    }
    met_stranger
}

fn finish_bursts(now: Now, bursts: &mut Bursts) {
    bursts.iter_mut().for_each(|(engine, burst)| engine.finish_burst(now, burst));
}

#[expect(clippy::disallowed_methods, reason = "deadlines of blocking calls are the system's time")]
fn time_left(deadline: Instant) -> StdDuration {
    deadline.saturating_duration_since(Instant::now())
}
