//! When something was last heard of, shared with those who hear it.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::time::Monotonic;

/// A shared note of when a participant or writer last showed a sign of life.
///
/// Clones are handles to the same note. The receive path [touches](Activity::touch) it without any
/// lock; the [`Participant`](super::Participant) machine reads it when a lease would run out.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Note>);

#[derive(Debug, Default)]
struct Note {
    last: AtomicU64,
    lapsed: AtomicBool,
}

/// What a sign of life means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Touch {
    /// It was alive anyway.
    Noted,
    /// It had been declared not alive: call
    /// [`Participant::handle_timeout`](super::Participant::handle_timeout) soon, which declares it
    /// alive again.
    Revives,
}

impl Activity {
    pub(super) fn new(now: Monotonic) -> Self {
        let activity = Self::default();
        activity.0.last.store(now.as_nanos(), Ordering::Relaxed);
        activity
    }

    /// Notes a sign of life. Cheap, and never goes back in time.
    pub fn touch(&self, now: Monotonic) -> Touch {
        self.0.last.fetch_max(now.as_nanos(), Ordering::Relaxed);
        if self.0.lapsed.load(Ordering::Relaxed) { Touch::Revives } else { Touch::Noted }
    }

    /// When the last sign of life came.
    pub fn last(&self) -> Monotonic {
        Monotonic::from_nanos(self.0.last.load(Ordering::Relaxed))
    }

    pub(super) fn mark_lapsed(&self, lapsed: bool) {
        self.0.lapsed.store(lapsed, Ordering::Relaxed);
    }
}
