//! Futures in virtual time, on one thread.

use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use parking_lot::Mutex;

use crate::network::World;

/// The numbers of tasks to be polled, in the order in which they were woken.
type Ready = Arc<Mutex<VecDeque<usize>>>;

struct TaskWaker {
    number: usize,
    queued: AtomicBool,
    ready: Ready,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.queued.swap(true, Ordering::AcqRel) {
            self.ready.lock().push_back(self.number);
        }
    }
}

struct Running {
    future: Pin<Box<dyn Future<Output = ()>>>,
    waker: Arc<TaskWaker>,
}

/// All tasks of a simulation.
#[derive(Default)]
pub(crate) struct Tasks {
    running: RefCell<Vec<Option<Running>>>,
    ready: Ready,
}

impl Tasks {
    pub(crate) fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        let outcome = Rc::new(RefCell::new(Outcome { result: None, waiting: None }));
        let shared = outcome.clone();
        let future = async move {
            let result = future.await;
            let mut outcome = shared.borrow_mut();
            outcome.result = Some(result);
            if let Some(waker) = outcome.waiting.take() {
                waker.wake();
            }
        };
        let mut running = self.running.borrow_mut();
        let number = running.len();
        let waker = Arc::new(TaskWaker { number, queued: AtomicBool::new(false), ready: self.ready.clone() });
        running.push(Some(Running { future: Box::pin(future), waker: waker.clone() }));
        waker.wake();
        Task(outcome)
    }

    /// Polls every task that was woken, until none is.
    pub(crate) fn run(&self) {
        loop {
            let Some(number) = self.ready.lock().pop_front() else { return };
            // Taken out, since a task may spawn others.
            let Some(mut task) = self.running.borrow_mut().get_mut(number).and_then(Option::take) else {
                continue;
            };
            task.waker.queued.store(false, Ordering::Release);
            let waker = Waker::from(task.waker.clone());
            if task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                self.running.borrow_mut()[number] = Some(task);
            }
        }
    }
}

struct Outcome<T> {
    result: Option<T>,
    waiting: Option<Waker>,
}

/// A future that runs beside others, see [`Simulation::spawn`](crate::Simulation::spawn). Awaiting it
/// gives its result; dropping it lets it run on.
pub struct Task<T>(Rc<RefCell<Outcome<T>>>);

impl<T> Task<T> {
    /// Whether its result is there.
    pub fn is_finished(&self) -> bool {
        self.0.borrow().result.is_some()
    }

    /// Takes its result, if it is there.
    pub fn result(&self) -> Option<T> {
        self.0.borrow_mut().result.take()
    }
}

impl<T> std::fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("is_finished", &self.is_finished()).finish()
    }
}

impl<T> Future for Task<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut outcome = self.0.borrow_mut();
        match outcome.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                outcome.waiting = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Whether the future given to `block_on` was woken.
#[derive(Default)]
pub(crate) struct Woken(AtomicBool);

impl Woken {
    pub(crate) fn take(&self) -> bool {
        self.0.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A simulation's clock; clones tell the same time.
#[derive(Clone)]
pub struct Clock(pub(crate) Arc<World>);

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

impl Clock {
    /// Virtual time since the simulation began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.0.elapsed())
    }

    /// A future that is ready when this much virtual time has passed.
    pub fn sleep(&self, duration: Duration) -> Sleep {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let due = self.0.instant(self.0.elapsed().saturating_add(nanos));
        Sleep { world: self.0.clone(), due, registered: None }
    }
}

/// The future of [`Clock::sleep`].
pub struct Sleep {
    world: Arc<World>,
    due: u64,
    registered: Option<(u64, u64)>,
}

impl std::fmt::Debug for Sleep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sleep").field("due", &self.due).finish()
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if let Some(key) = self.registered.take() {
            self.world.give_up_sleep(key);
        }
        if self.world.instant(self.world.elapsed()) >= self.due {
            return Poll::Ready(());
        }
        self.registered = Some(self.world.sleep(self.due, context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.registered.take() {
            self.world.give_up_sleep(key);
        }
    }
}
