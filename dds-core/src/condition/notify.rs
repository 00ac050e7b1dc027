//! Waiting: one implementation under the blocking and the async form.
//!
//! A [`Notifier`] belongs to something that changes: a reader, a writer, a status, a guard. Whoever
//! waits subscribes a [`Waiter`] to one or several notifiers, looks whether what it waits for is so,
//! and only then sleeps. A notification between the look and the sleep is kept as a signal, so none is
//! lost; a notification that nobody sleeps for is one or two atomic operations and no system call.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU8, Ordering, fence},
    },
    task::{Context, Poll, Waker},
    time::{Duration as StdDuration, Instant},
};

use dds_qos::Duration;
use parking_lot::{Condvar, Mutex};
use smallvec::SmallVec;

use crate::spin::{Abstention, look_a_while, repeatedly};

/// When a blocking call of the present thread has to give up; `None` for never.
pub fn deadline_after(timeout: Duration) -> Option<Instant> {
    let timeout = std::time::Duration::from_nanos(timeout.as_nanos()?);
    #[expect(clippy::disallowed_methods, reason = "a real thread sleeps, on no virtual clock")]
    Instant::now().checked_add(timeout)
}

/// Neither notified nor asleep.
const IDLE: u8 = 0;
/// Notified since the waiter last looked.
const SIGNALLED: u8 = 1;
/// The waiter's thread or task sleeps.
const ASLEEP: u8 = 2;

/// One thread or task that waits.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    state: AtomicU8,
    /// The task asleep; purpose: hands the waker to the one that wakes. A thread asleep waits on
    /// `woken` with this lock.
    task: Mutex<Option<Waker>>,
    woken: Condvar,
}

impl Waiter {
    /// Wakes the waiter, or keeps it from falling asleep.
    pub(super) fn signal(&self) {
        if self.state.swap(SIGNALLED, Ordering::AcqRel) == ASLEEP {
            let task = {
                let mut task = self.task.lock();
                self.woken.notify_one();
                task.take()
            };
            // The executor's code runs outside of the lock.
            if let Some(task) = task {
                task.wake();
            }
        }
    }

    /// Blocks until `look` finds something or the deadline has passed, when it looks once more.
    pub(super) fn block_on<R>(
        &self,
        deadline: Option<Instant>,
        look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        self.block_on_after((StdDuration::ZERO, &Abstention::default()), deadline, look)
    }

    /// As [`Waiter::block_on`], but looks a while for a signal before each sleep.
    fn block_on_after<R>(
        &self,
        (spin, abstention): (StdDuration, &Abstention),
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        loop {
            self.state.swap(IDLE, Ordering::AcqRel);
            if let Some(found) = look() {
                return Some(found);
            }
            let is_signalled = || self.state.load(Ordering::Relaxed) == SIGNALLED;
            if look_a_while(spin, abstention, || repeatedly(is_signalled)) {
                continue;
            }
            if !self.sleep_until(deadline) {
                self.state.swap(IDLE, Ordering::AcqRel);
                return look();
            }
        }
    }

    /// False when the deadline passed without a signal.
    fn sleep_until(&self, deadline: Option<Instant>) -> bool {
        let mut task = self.task.lock();
        if !self.fall_asleep() {
            return true;
        }
        while self.state.load(Ordering::Acquire) == ASLEEP {
            match deadline {
                None => self.woken.wait(&mut task),
                Some(deadline) => {
                    if self.woken.wait_until(&mut task, deadline).timed_out() {
                        return self.state.load(Ordering::Acquire) != ASLEEP;
                    }
                }
            }
        }
        true
    }

    /// Ready when `look` finds something; else the task is woken at the next signal.
    pub(super) fn poll<R>(&self, context: &mut Context<'_>, mut look: impl FnMut() -> Option<R>) -> Poll<R> {
        loop {
            self.state.swap(IDLE, Ordering::AcqRel);
            if let Some(found) = look() {
                return Poll::Ready(found);
            }
            let mut task = self.task.lock();
            match &mut *task {
                Some(waker) => waker.clone_from(context.waker()),
                None => *task = Some(context.waker().clone()),
            }
            if self.fall_asleep() {
                return Poll::Pending;
            }
        }
    }

    /// Ends a wait that was given up.
    pub(super) fn reset(&self) {
        self.state.swap(IDLE, Ordering::AcqRel);
        *self.task.lock() = None;
    }

    /// False when a signal came first.
    fn fall_asleep(&self) -> bool {
        self.state.compare_exchange(IDLE, ASLEEP, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

#[derive(Default)]
struct Subscribers {
    /// Whether the list has entries, so that notifying nobody takes no lock.
    any: AtomicBool,
    /// Purpose: guards the list while waiters come and go.
    list: Mutex<Vec<Weak<Waiter>>>,
    /// From looking before sleeping.
    abstention: Abstention,
}

/// Something that changes, and who waits for it. Clones are the same notifier.
#[derive(Clone, Default)]
pub struct Notifier(Arc<Subscribers>);

impl fmt::Debug for Notifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notifier").field("waited_for", &self.is_waited_for()).finish()
    }
}

impl Notifier {
    /// That nobody waits for yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells all that wait to look again. Call it after the change, under no lock that they need to
    /// look.
    pub fn notify(&self) {
        // Pairs with the fence in `add`: either this sees the subscriber, or it sees the change.
        fence(Ordering::SeqCst);
        if !self.0.any.load(Ordering::Relaxed) {
            return;
        }
        // Executors' code runs in `signal`, hence the copy and no lock.
        let waiters: SmallVec<[Arc<Waiter>; 4]> =
            self.0.list.lock().iter().filter_map(Weak::upgrade).collect();
        for waiter in waiters {
            waiter.signal();
        }
    }

    /// Whether anybody has subscribed.
    pub fn is_waited_for(&self) -> bool {
        self.0.any.load(Ordering::Relaxed)
    }

    /// A place to wait for this notifier from, for as long as it lives.
    pub fn subscribe(&self) -> Subscription {
        let waiter = Arc::new(Waiter::default());
        self.add(&waiter);
        Subscription { waiter, notifier: self.clone() }
    }

    /// A future of what `look` finds; `look` runs at once and after each notification.
    pub fn until<R, F>(&self, look: F) -> Until<F>
    where
        F: FnMut() -> Option<R> + Unpin,
    {
        Until { notifier: self.clone(), subscription: None, look }
    }

    /// Blocks until `look` finds something; `None` when the deadline passes first. `look` runs at once
    /// and after each notification.
    pub fn block_until<R>(&self, deadline: Option<Instant>, look: impl FnMut() -> Option<R>) -> Option<R> {
        self.block_until_spinning(StdDuration::ZERO, deadline, look)
    }

    /// As [`Notifier::block_until`], but before each sleep looks for notifications by other threads for as long as
    /// `spin`, where that has helped lately.
    pub fn block_until_spinning<R>(
        &self,
        spin: StdDuration,
        deadline: Option<Instant>,
        mut look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        look().or_else(|| {
            let subscription = self.subscribe();
            subscription.waiter.block_on_after((spin, &self.0.abstention), deadline, look)
        })
    }

    pub(super) fn add(&self, waiter: &Arc<Waiter>) {
        self.0.list.lock().push(Arc::downgrade(waiter));
        self.0.any.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }

    pub(super) fn remove(&self, waiter: &Arc<Waiter>) {
        let mut list = self.0.list.lock();
        if let Some(index) = list.iter().position(|other| other.as_ptr() == Arc::as_ptr(waiter)) {
            list.swap_remove(index);
        }
        self.0.any.store(!list.is_empty(), Ordering::Relaxed);
    }
}

/// One waiter of one [`Notifier`]; it can be used many times, by one thread or task at a time.
#[derive(Debug)]
pub struct Subscription {
    waiter: Arc<Waiter>,
    notifier: Notifier,
}

impl Subscription {
    /// As [`Notifier::block_until`].
    pub fn block_until<R>(
        &mut self,
        deadline: Option<Instant>,
        look: impl FnMut() -> Option<R>,
    ) -> Option<R> {
        self.waiter.block_on(deadline, look)
    }

    /// Ready when `look` finds something; else the task is woken to poll again.
    pub fn poll_until<R>(&mut self, context: &mut Context<'_>, look: impl FnMut() -> Option<R>) -> Poll<R> {
        self.waiter.poll(context, look)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.notifier.remove(&self.waiter);
    }
}

/// The future of [`Notifier::until`].
#[derive(Debug)]
pub struct Until<F> {
    notifier: Notifier,
    subscription: Option<Subscription>,
    look: F,
}

impl<R, F: FnMut() -> Option<R> + Unpin> Future for Until<F> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let Self { notifier, subscription, look } = self.get_mut();
        if subscription.is_none()
            && let Some(found) = look()
        {
            return Poll::Ready(found);
        }
        subscription.get_or_insert_with(|| notifier.subscribe()).poll_until(context, look)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, AtomicUsize},
        task::Wake,
        thread,
    };

    use super::*;

    struct CountWakes(AtomicUsize);

    impl Wake for CountWakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Two threads hand a number to and fro; a lost notification would hang.
    #[test]
    fn no_notification_is_lost_between_threads() {
        let (turn, ping, pong) = (Arc::new(AtomicU32::new(0)), Notifier::new(), Notifier::new());
        let rounds = 20_000;
        let other = {
            let (turn, ping, pong) = (turn.clone(), ping.clone(), pong.clone());
            thread::spawn(move || {
                let mut subscription = ping.subscribe();
                for round in 0..rounds {
                    let odd = 2 * round + 1;
                    subscription
                        .block_until(None, || (turn.load(Ordering::Acquire) == odd).then_some(()))
                        .unwrap();
                    turn.store(odd + 1, Ordering::Release);
                    pong.notify();
                }
            })
        };
        for round in 0..rounds {
            turn.store(2 * round + 1, Ordering::Release);
            ping.notify();
            // A subscription a round, so that subscribing races with notifying.
            let is_back = || (turn.load(Ordering::Acquire) == 2 * round + 2).then_some(());
            let spin = StdDuration::from_micros(u64::from(round) % 2 * 20);
            pong.block_until_spinning(spin, None, is_back).unwrap();
        }
        other.join().unwrap();
        assert!(!ping.is_waited_for() && !pong.is_waited_for());
    }

    #[test]
    fn a_deadline_ends_the_wait() {
        let notifier = Notifier::new();
        let now = deadline_after(Duration::ZERO);
        assert_eq!(notifier.block_until(now, || None::<()>), None);
        assert_eq!(deadline_after(Duration::INFINITE), None);
    }

    #[test]
    fn tasks_are_woken_once_per_sleep() {
        let notifier = Notifier::new();
        let wakes = Arc::new(CountWakes(AtomicUsize::new(0)));
        let waker = Waker::from(wakes.clone());
        let mut context = Context::from_waker(&waker);
        let ready = AtomicBool::new(false);
        let mut future = notifier.until(|| ready.load(Ordering::SeqCst).then_some(7));
        assert!(Pin::new(&mut future).poll(&mut context).is_pending());
        notifier.notify();
        notifier.notify();
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "awake already: no second wake");
        assert!(Pin::new(&mut future).poll(&mut context).is_pending());
        ready.store(true, Ordering::SeqCst);
        notifier.notify();
        assert_eq!(wakes.0.load(Ordering::SeqCst), 2);
        assert_eq!(Pin::new(&mut future).poll(&mut context), Poll::Ready(7));
        drop(future);
        assert!(!notifier.is_waited_for());
    }
}
