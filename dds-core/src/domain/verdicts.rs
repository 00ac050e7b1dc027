//! The stream of verdicts on endpoints that do not match.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use dds_rtps::participant::Verdict;
use futures_core::Stream;

use crate::engine::VerdictQueue;

/// Verdicts on pairs of endpoints that share a topic name and do not match: as a [`Stream`] it waits
/// for the next one, as an [`Iterator`] it ends with those at hand.
///
/// Each pair is judged once until something about it changes.
#[derive(Debug)]
pub struct Verdicts(Arc<VerdictQueue>);

impl Verdicts {
    pub(super) fn new(queue: Arc<VerdictQueue>) -> Self {
        Self(queue)
    }
}

impl Iterator for Verdicts {
    type Item = Arc<Verdict>;

    fn next(&mut self) -> Option<Arc<Verdict>> {
        self.0.pop(None)
    }
}

impl Stream for Verdicts {
    type Item = Arc<Verdict>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Arc<Verdict>>> {
        self.0.pop(Some(context.waker())).map_or(Poll::Pending, |verdict| Poll::Ready(Some(verdict)))
    }
}
