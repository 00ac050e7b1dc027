//! One queue of moments for everything in an engine that has timers.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicU64, Ordering},
};

use dds_rtps::{structure::EntityId, time::Monotonic};
use parking_lot::Mutex;

/// Whose timer it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum TimerOwner {
    Discovery,
    Writer(EntityId),
    Reader(EntityId),
}

/// The moment at which an owner is queued; beside the owner, so that finding out that nothing has
/// to change costs one load.
#[derive(Debug)]
pub(crate) struct Armed(AtomicU64);

impl Default for Armed {
    fn default() -> Self {
        Self(AtomicU64::new(Monotonic::NEVER.as_nanos()))
    }
}

/// The queue. An owner is queued at most once, at or before its earliest moment; one that comes up
/// too early is queued again.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    queue: Mutex<BTreeSet<(Monotonic, TimerOwner)>>,
}

impl TimerQueue {
    /// Makes sure that `owner` comes up at `at`. Returns that moment when it is now the queue's
    /// earliest.
    pub(crate) fn arm(&self, owner: TimerOwner, armed: &Armed, at: Monotonic) -> Option<Monotonic> {
        if at.as_nanos() >= armed.0.load(Ordering::Acquire) {
            return None;
        }
        let mut queue = self.queue.lock();
        let before = armed.0.load(Ordering::Acquire);
        if at.as_nanos() >= before {
            return None;
        }
        queue.remove(&(Monotonic::from_nanos(before), owner));
        queue.insert((at, owner));
        armed.0.store(at.as_nanos(), Ordering::Release);
        (queue.first() == Some(&(at, owner))).then_some(at)
    }

    /// Takes out one owner whose moment has come; [`TimerQueue::disarmed`] must follow before the
    /// owner looks at its timers.
    pub(crate) fn pop_due(&self, now: Monotonic) -> Option<TimerOwner> {
        let mut queue = self.queue.lock();
        let due = queue.first().copied().filter(|(at, _)| *at <= now)?;
        queue.remove(&due);
        Some(due.1)
    }

    /// Notes that the owner is no longer queued.
    pub(crate) fn disarmed(armed: &Armed) {
        armed.0.store(Monotonic::NEVER.as_nanos(), Ordering::Release);
    }

    /// Removes an owner for good.
    pub(crate) fn forget(&self, owner: TimerOwner, armed: &Armed) {
        let mut queue = self.queue.lock();
        queue.remove(&(Monotonic::from_nanos(armed.0.load(Ordering::Acquire)), owner));
    }

    /// The earliest moment.
    pub(crate) fn next(&self) -> Option<Monotonic> {
        self.queue.lock().first().map(|(at, _)| *at)
    }
}
