//! Who is told when something happened to an entity: waiting threads and tasks, then listeners.

use std::sync::Arc;

use parking_lot::{ReentrantMutex, RwLock};

use super::{ReaderEndpoint, TopicShared, WriterEndpoint};
use crate::{
    condition::{CallbackScope, Notifier, StatusCondition},
    status::StatusMask,
};

/// The entity that something happened to.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Reader(&'a Arc<ReaderEndpoint>),
    Writer(&'a Arc<WriterEndpoint>),
    Topic(&'a Arc<TopicShared>),
}

/// A listener without its types.
pub(crate) type StatusListener = Arc<dyn Fn(Source<'_>, StatusMask) + Send + Sync>;

/// Tells waiters and listeners of one entity, and the listeners of those above it.
pub(crate) struct Observer {
    /// Whoever waits for any change of the entity.
    pub(crate) notifier: Notifier,
    condition: StatusCondition,
    /// Held while a listener runs: calls do not overlap, and none starts once the listener was removed.
    calling: ReentrantMutex<()>,
    listener: RwLock<Option<(StatusMask, StatusListener)>>,
    parent: Option<Arc<Observer>>,
}

impl Observer {
    pub(crate) fn new(condition: StatusCondition, parent: Option<Arc<Observer>>) -> Self {
        Self {
            notifier: Notifier::new(),
            condition,
            calling: ReentrantMutex::new(()),
            listener: RwLock::new(None),
            parent,
        }
    }

    pub(crate) fn condition(&self) -> &StatusCondition {
        &self.condition
    }

    /// Statuses that the condition no longer shows.
    pub(crate) fn clear(&self, statuses: StatusMask) {
        let left = self.condition.changed_statuses() & !statuses;
        let _ = self.condition.set_changed(left);
    }

    /// Replaces the listener. Waits for a call of the old one that is under way, unless this is it.
    pub(crate) fn set_listener(&self, listener: Option<(StatusMask, StatusListener)>) {
        let _not_calling = self.calling.lock();
        *self.listener.write() = listener;
    }

    /// Tells of changed statuses. The caller holds no lock.
    pub(crate) fn raise(&self, source: Source<'_>, changed: StatusMask) {
        if changed.is_empty() {
            return;
        }
        self.notifier.notify();
        self.condition.notify();
        let mut left = changed;
        if changed.contains(StatusMask::DATA_AVAILABLE)
            && let Some(parent) = &self.parent
        {
            if parent.condition.set_changed(StatusMask::DATA_ON_READERS) {
                parent.condition.notify();
            }
            // DDS 1.4 §2.2.4.2.2: on_data_on_readers comes before on_data_available and, where a
            // listener has it, instead of it.
            if parent.call(source, StatusMask::DATA_ON_READERS) {
                left = left & !StatusMask::DATA_AVAILABLE;
            }
        }
        // DDS 1.4 §2.2.4.2.3: what a listener is not interested in goes to the entity above.
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
        self.listener.read().as_ref().map_or(StatusMask::NONE, |(mask, _)| *mask)
    }

    /// Calls the listener if it is interested in all of `statuses`.
    fn call(&self, source: Source<'_>, statuses: StatusMask) -> bool {
        if statuses.is_empty() || !self.interest().contains(statuses) {
            return false;
        }
        let _calling = self.calling.lock();
        let listener = self.listener.read().clone();
        match listener {
            Some((mask, listener)) if mask.contains(statuses) => {
                let _callback = CallbackScope::enter();
                listener(source, statuses);
                true
            }
            _ => false,
        }
    }
}
