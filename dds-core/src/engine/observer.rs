//! Who is told when something happened to an entity: waiting threads and tasks, then listeners.

use std::{
    any::Any,
    panic::{self, AssertUnwindSafe},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering, fence},
    },
    thread::{self, ThreadId},
};

use parking_lot::{Condvar, Mutex};

use super::{ReaderEndpoint, TopicShared, WriterEndpoint};
use crate::{
    condition::{CallbackScope, Notifier, StatusCondition},
    instance::InstanceHandle,
    status::StatusMask,
};

/// The entity that something happened to.
#[derive(Clone)]
pub(crate) enum Source {
    Reader(Arc<ReaderEndpoint>),
    Writer(Arc<WriterEndpoint>),
    Topic(Arc<TopicShared>),
}

impl Source {
    fn is(&self, other: &Source) -> bool {
        match (self, other) {
            (Self::Reader(one), Self::Reader(other)) => Arc::ptr_eq(one, other),
            (Self::Writer(one), Self::Writer(other)) => Arc::ptr_eq(one, other),
            (Self::Topic(one), Self::Topic(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// A listener without its types.
pub(crate) type StatusListener = Arc<dyn Fn(&Source, StatusMask) + Send + Sync>;

/// A listener, and what it is called for.
#[derive(Clone)]
pub(crate) struct Listening {
    pub(crate) mask: StatusMask,
    pub(crate) call: StatusListener,
    /// The user's object, an `Arc` of the entity's listener trait.
    pub(crate) object: Arc<dyn Any + Send + Sync>,
}

/// Tells waiters and listeners of one entity, and the listeners of those above it.
pub(crate) struct Observer {
    /// Whoever waits for any change of the entity.
    pub(crate) notifier: Notifier,
    condition: StatusCondition,
    /// The bits of the listener's mask, so that finding nobody interested takes no lock.
    interest: AtomicU32,
    /// Purpose: calls do not overlap, and none starts once the listener was removed. Not held during
    /// a call, so that two listeners that cause each other's calls cannot block each other.
    calls: Mutex<Calls>,
    /// The thread in the listener came out of it.
    ended: Condvar,
    parent: Option<Arc<Observer>>,
}

#[derive(Default)]
struct Calls {
    listener: Option<Arc<Listening>>,
    /// The thread that is in the listener.
    running: Option<ThreadId>,
    /// What happened meanwhile; that thread tells of it next.
    pending: Vec<(Source, StatusMask)>,
}

impl Observer {
    pub(crate) fn new(entity: InstanceHandle, parent: Option<Arc<Observer>>) -> Self {
        Self {
            notifier: Notifier::new(),
            condition: StatusCondition::of(entity),
            interest: AtomicU32::new(StatusMask::NONE.bits()),
            calls: Mutex::default(),
            ended: Condvar::new(),
            parent,
        }
    }

    pub(crate) fn condition(&self) -> &StatusCondition {
        &self.condition
    }

    /// Replaces the listener. Waits for a call of the old one that is under way, unless this is it.
    pub(crate) fn set_listener(&self, listener: Option<Listening>) {
        let mut calls = self.calls.lock();
        let interest = listener.as_ref().map_or(StatusMask::NONE, |listening| listening.mask);
        self.interest.store(interest.bits(), Ordering::Release);
        let old = std::mem::replace(&mut calls.listener, listener.map(Arc::new));
        calls.pending.clear();
        while calls.running.is_some_and(|thread| thread != this_thread()) {
            self.ended.wait(&mut calls);
        }
        drop(calls);
        // It is the user's, and what its end does needs no lock of ours.
        drop(old);
    }

    /// The user's object that listens.
    pub(crate) fn listener<L: Clone + 'static>(&self) -> Option<L> {
        self.calls.lock().listener.as_ref().and_then(|listening| listening.object.downcast_ref().cloned())
    }

    /// Tells of changed statuses. The caller holds no lock.
    pub(crate) fn raise(&self, source: &Source, changed: StatusMask) {
        if changed.is_empty() {
            return;
        }
        let mut left = changed;
        let parent = self.parent.as_ref().filter(|_| changed.contains(StatusMask::DATA_AVAILABLE));
        if let Some(parent) = parent {
            parent.condition.set_data_on_readers(true);
        }
        if self.is_waited_for() {
            self.wake();
        }
        if let Some(parent) = parent {
            // DDS 1.4 §2.2.4.2.2: on_data_on_readers comes before on_data_available and, where a
            // listener has it, instead of it; the subscriber's or, above it, the participant's.
            if parent.is_heard(StatusMask::DATA_ON_READERS) {
                parent.condition.set_data_on_readers(false);
                parent.tell(source, StatusMask::DATA_ON_READERS);
                left = left & !StatusMask::DATA_AVAILABLE;
            }
        }
        self.note_data_available(left);
        self.tell(source, left);
    }

    /// Whether some listener is to be told of new samples.
    pub(crate) fn is_data_heard(&self) -> bool {
        self.is_heard(StatusMask::DATA_AVAILABLE) || self.is_heard(StatusMask::DATA_ON_READERS)
    }

    /// Shows new samples, of which no listener is to be told; whether [`Observer::wake`] is due for it. To be
    /// called under the entity's lock.
    pub(crate) fn show_data(&self, changed: StatusMask) -> bool {
        let _ = self.condition.set_changed(changed);
        if let Some(parent) = &self.parent {
            parent.condition.set_data_on_readers(true);
        }
        self.is_waited_for()
    }

    /// Whether anybody waits for the entity, or for what it shows above.
    fn is_waited_for(&self) -> bool {
        // Pairs with the one in `Notifier::add`: either this sees who waits, or that one sees the change.
        fence(Ordering::SeqCst);
        self.notifier.is_waited_for()
            || self.condition.is_waited_for()
            || self.parent.as_ref().is_some_and(|parent| parent.condition.is_waited_for())
    }

    /// Wakes those who wait for what happened.
    pub(crate) fn wake(&self) {
        self.notifier.notify();
        self.condition.notify();
        if let Some(parent) = &self.parent {
            parent.condition.notify();
        }
    }

    /// Tells of new samples by `on_data_available`, whoever listens to `on_data_on_readers`.
    pub(crate) fn raise_data_available(&self, source: &Source) {
        self.note_data_available(StatusMask::DATA_AVAILABLE);
        self.tell(source, StatusMask::DATA_AVAILABLE);
    }

    /// A call of `on_data_available` takes note of DATA_ON_READERS too (DDS 1.4 §2.2.4.2.2).
    fn note_data_available(&self, statuses: StatusMask) {
        let Some(parent) = &self.parent else { return };
        if statuses.contains(StatusMask::DATA_AVAILABLE) && self.is_heard(StatusMask::DATA_AVAILABLE) {
            parent.condition.set_data_on_readers(false);
        }
    }

    /// Whether some listener, the entity's own or one above, is interested in all of `statuses`.
    fn is_heard(&self, statuses: StatusMask) -> bool {
        let mut observer = Some(self);
        while let Some(current) = observer {
            if current.interest().contains(statuses) {
                return true;
            }
            observer = current.parent.as_deref();
        }
        false
    }

    /// Calls listeners, the entity's own first; what a listener is not interested in goes to the entity
    /// above (DDS 1.4 §2.2.4.2.3).
    fn tell(&self, source: &Source, mut left: StatusMask) {
        let mut observer = Some(self);
        while let Some(current) = observer.filter(|_| !left.is_empty()) {
            let interest = current.interest() & left;
            if current.call(source, interest) {
                left = left & !interest;
            }
            observer = current.parent.as_deref();
        }
    }

    fn interest(&self) -> StatusMask {
        StatusMask::from_bits(self.interest.load(Ordering::Acquire))
    }

    /// Calls the listener if it is interested in all of `statuses`. While it is being called already,
    /// whoever does that calls it again.
    fn call(&self, source: &Source, statuses: StatusMask) -> bool {
        if statuses.is_empty() || !self.interest().contains(statuses) {
            return false;
        }
        let mut listener = {
            let mut calls = self.calls.lock();
            if calls.running.is_some() {
                // One call tells of all that happened until it begins.
                if !calls.pending.iter().any(|(other, noted)| *noted == statuses && other.is(source)) {
                    calls.pending.push((source.clone(), statuses));
                }
                return true;
            }
            calls.running = Some(this_thread());
            calls.listener.clone()
        };
        let unwinding = EndOfCall(self);
        Self::call_once(listener.as_deref(), source, statuses);
        loop {
            let mut calls = self.calls.lock();
            let pending = std::mem::take(&mut calls.pending);
            if pending.is_empty() {
                // Under the same lock as the look, or something could be noted and never told.
                calls.running = None;
                self.ended.notify_all();
                std::mem::forget(unwinding);
                return true;
            }
            let next = calls.listener.clone();
            drop(calls);
            listener = next;
            for (source, statuses) in &pending {
                Self::call_once(listener.as_deref(), source, *statuses);
            }
        }
    }

    fn call_once(listener: Option<&Listening>, source: &Source, statuses: StatusMask) {
        if let Some(listening) = listener.filter(|listening| listening.mask.contains(statuses)) {
            let _callback = CallbackScope::enter();
            // The thread is not the listener's own: it receives, or keeps time, for everybody.
            if panic::catch_unwind(AssertUnwindSafe(|| (listening.call)(source, statuses))).is_err() {
                tracing::error!(?statuses, "a listener panicked; it goes on being called");
            }
        }
    }
}

/// The calling thread, looked up once for each.
fn this_thread() -> ThreadId {
    thread_local! {
        static THIS: ThreadId = thread::current().id();
    }
    THIS.with(|this| *this)
}

/// Lets go of the listener when it panicked.
struct EndOfCall<'o>(&'o Observer);

impl Drop for EndOfCall<'_> {
    fn drop(&mut self) {
        self.0.calls.lock().running = None;
        self.0.ended.notify_all();
    }
}
