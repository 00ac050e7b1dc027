//! Waiting for several conditions (DDS 1.4 §2.2.2.1.6).

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use dds_qos::Duration;
use parking_lot::Mutex;

use super::{Condition, check_may_block, deadline_after, notify::Waiter};
use crate::error::{DdsError, DdsResult};

/// Waits until one of the conditions attached to it is true. Clones are the same set.
#[derive(Clone, Default)]
pub struct WaitSet(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// Purpose: guards the list; never held while conditions are looked at.
    attached: Mutex<Vec<Condition>>,
    waiter: Arc<Waiter>,
    /// Whether a thread or task waits: there may be one (DDS 1.4 §2.2.2.1.6.3).
    busy: AtomicBool,
}

impl Inner {
    /// The conditions that are true.
    fn active(&self) -> Option<Vec<Condition>> {
        // Copied, because looking takes readers' locks.
        let mut conditions = self.attached.lock().clone();
        conditions.retain(Condition::trigger_value);
        (!conditions.is_empty()).then_some(conditions)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        for condition in self.attached.get_mut().drain(..) {
            condition.notifier().remove(&self.waiter);
        }
    }
}

impl fmt::Debug for WaitSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitSet").field(&self.conditions()).finish()
    }
}

impl WaitSet {
    /// Without conditions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Attaches a condition; without effect when it is attached already. A wait in progress takes it
    /// into account (DDS 1.4 §2.2.2.1.6.1).
    pub fn attach(&self, condition: impl Into<Condition>) {
        let condition = condition.into();
        let mut attached = self.0.attached.lock();
        if !attached.contains(&condition) {
            condition.notifier().add(&self.0.waiter);
            attached.push(condition);
            drop(attached);
            self.0.waiter.signal();
        }
    }

    /// Detaches a condition (DDS 1.4 §2.2.2.1.6.2).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when it is not attached.
    pub fn detach(&self, condition: impl Into<Condition>) -> DdsResult<()> {
        let condition = condition.into();
        let mut attached = self.0.attached.lock();
        let Some(index) = attached.iter().position(|other| *other == condition) else {
            return Err(DdsError::precondition("WaitSet::detach", "a condition attached to this wait-set"));
        };
        attached.swap_remove(index).notifier().remove(&self.0.waiter);
        Ok(())
    }

    /// The conditions attached.
    pub fn conditions(&self) -> Vec<Condition> {
        self.0.attached.lock().clone()
    }

    /// Blocks until an attached condition is true and returns all that are
    /// (DDS 1.4 §2.2.2.1.6.3). Those that are true already return at once.
    ///
    /// # Errors
    /// [`DdsError::Timeout`] after `timeout`; [`DdsError::PreconditionNotMet`] when another thread or
    /// task waits on this set; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait(&self, timeout: Duration) -> DdsResult<Vec<Condition>> {
        check_may_block("WaitSet::wait")?;
        let _turn = Turn::begin(&self.0)?;
        self.0
            .waiter
            .block_on(deadline_after(timeout), || self.0.active())
            .ok_or(DdsError::Timeout { operation: "WaitSet::wait", after: timeout })
    }

    /// The async form of [`WaitSet::wait`], without a timeout: put it into your executor's. Dropping the
    /// future ends the wait.
    pub fn wait_async(&self) -> WaitAsync {
        WaitAsync { set: self.clone(), turn: None }
    }
}

/// The right to wait on a set.
struct Turn(Arc<Inner>);

impl Turn {
    fn begin(inner: &Arc<Inner>) -> DdsResult<Self> {
        if inner.busy.swap(true, Ordering::Acquire) {
            return Err(DdsError::precondition(
                "WaitSet::wait",
                "a wait-set that nobody waits on; use one for each thread or task",
            ));
        }
        Ok(Self(inner.clone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.waiter.reset();
        self.0.busy.store(false, Ordering::Release);
    }
}

/// The future of [`WaitSet::wait_async`].
pub struct WaitAsync {
    set: WaitSet,
    turn: Option<Turn>,
}

impl fmt::Debug for WaitAsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WaitAsync").field(&self.set).finish()
    }
}

impl Future for WaitAsync {
    type Output = DdsResult<Vec<Condition>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.turn.is_none() {
            match Turn::begin(&self.set.0) {
                Ok(turn) => self.turn = Some(turn),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let inner = &self.set.0;
        let polled = inner.waiter.poll(context, || inner.active());
        polled.map(|active| {
            self.turn = None;
            Ok(active)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, task::Waker, thread};

    use super::*;
    use crate::{
        condition::{CallbackScope, GuardCondition, StatusCondition},
        error::{IllegalContext, ReturnCode},
        status::StatusMask,
    };

    /// DDS 1.4 §2.2.2.1.6.3.
    #[test]
    fn wait_returns_exactly_the_conditions_that_are_true() {
        let set = WaitSet::new();
        let (one, two) = (GuardCondition::new(), GuardCondition::new());
        let status = StatusCondition::new();
        for condition in [Condition::from(&one), Condition::from(&two), Condition::from(&status)] {
            set.attach(condition.clone());
            set.attach(condition);
        }
        assert_eq!(set.conditions().len(), 3);
        let error = set.wait(Duration::ZERO).unwrap_err();
        assert_eq!(error.return_code(), ReturnCode::Timeout);
        two.set_trigger_value(true);
        assert_eq!(set.wait(Duration::ZERO).unwrap(), [Condition::from(&two)]);
        assert!(status.set_changed(StatusMask::SAMPLE_LOST));
        assert_eq!(set.wait(Duration::INFINITE).unwrap().len(), 2);
        status.set_enabled_statuses(StatusMask::DATA_AVAILABLE);
        assert!(!status.set_changed(StatusMask::SAMPLE_LOST | StatusMask::SAMPLE_REJECTED));
        assert_eq!(set.wait(Duration::ZERO).unwrap(), [Condition::from(&two)]);
        set.detach(&two).unwrap();
        assert_eq!(set.detach(&two).unwrap_err().return_code(), ReturnCode::PreconditionNotMet);
        assert!(set.wait(Duration::ZERO).is_err());
    }

    #[test]
    fn a_blocked_wait_ends_when_a_condition_becomes_true_or_is_attached() {
        let (set, guard) = (WaitSet::new(), GuardCondition::new());
        set.attach(&guard);
        let (started, wait_started) = mpsc::channel();
        let waiting = {
            let set = set.clone();
            thread::spawn(move || {
                started.send(()).unwrap();
                let first = set.wait(Duration::INFINITE).unwrap();
                started.send(()).unwrap();
                (first, set.wait(Duration::INFINITE).unwrap())
            })
        };
        wait_started.recv().unwrap();
        guard.set_trigger_value(true);
        let late = GuardCondition::new();
        late.set_trigger_value(true);
        // Either order of this and the second wait must do.
        wait_started.recv().unwrap();
        set.attach(&late);
        let (first, second) = waiting.join().unwrap();
        assert_eq!(first, [Condition::from(&guard)]);
        assert!(second.contains(&Condition::from(&guard)));
    }

    #[test]
    fn one_wait_at_a_time_and_none_inside_a_listener() {
        let set = WaitSet::new();
        let mut waiting = set.wait_async();
        let mut context = Context::from_waker(Waker::noop());
        assert!(Pin::new(&mut waiting).poll(&mut context).is_pending());
        assert_eq!(set.wait(Duration::ZERO).unwrap_err().return_code(), ReturnCode::PreconditionNotMet);
        drop(waiting);
        assert_eq!(set.wait(Duration::ZERO).unwrap_err().return_code(), ReturnCode::Timeout);
        let scope = CallbackScope::enter();
        assert!(matches!(
            set.wait(Duration::ZERO),
            Err(DdsError::IllegalOperation { context: IllegalContext::BlockingInListener, .. })
        ));
        drop(scope);
        assert_eq!(set.wait(Duration::ZERO).unwrap_err().return_code(), ReturnCode::Timeout);
    }

    #[test]
    fn dropping_the_set_unsubscribes_it() {
        let guard = GuardCondition::new();
        let set = WaitSet::new();
        set.attach(&guard);
        assert!(Condition::from(&guard).notifier().is_waited_for());
        drop(set);
        assert!(!Condition::from(&guard).notifier().is_waited_for());
    }
}
