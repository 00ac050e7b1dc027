//! A queue of named timers.

use alloc::collections::{BTreeMap, BTreeSet};

use crate::time::Monotonic;

/// Timers by name: each name has at most one moment, all operations take logarithmic time.
#[derive(Debug)]
pub(super) struct Timers<K> {
    due: BTreeSet<(Monotonic, K)>,
    armed: BTreeMap<K, Monotonic>,
}

impl<K: Ord + Copy> Timers<K> {
    pub(super) const fn new() -> Self {
        Self { due: BTreeSet::new(), armed: BTreeMap::new() }
    }

    /// Arms `key` for `at`, whatever it was armed for before. [`Monotonic::NEVER`] disarms it.
    pub(super) fn set(&mut self, key: K, at: Monotonic) {
        self.cancel(key);
        if at != Monotonic::NEVER {
            self.armed.insert(key, at);
            self.due.insert((at, key));
        }
    }

    pub(super) fn cancel(&mut self, key: K) {
        if let Some(at) = self.armed.remove(&key) {
            self.due.remove(&(at, key));
        }
    }

    /// The earliest moment of all.
    pub(super) fn next(&self) -> Option<Monotonic> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes out one timer whose moment has come.
    pub(super) fn pop_due(&mut self, now: Monotonic) -> Option<K> {
        let (at, key) = *self.due.first()?;
        if at > now {
            return None;
        }
        self.due.pop_first();
        self.armed.remove(&key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_is_moved_not_doubled() {
        let mut timers = Timers::new();
        timers.set("a", Monotonic::from_nanos(5));
        timers.set("b", Monotonic::from_nanos(7));
        timers.set("a", Monotonic::from_nanos(9));
        timers.set("c", Monotonic::NEVER);
        assert_eq!(timers.next(), Some(Monotonic::from_nanos(7)));
        assert_eq!(timers.pop_due(Monotonic::from_nanos(6)), None);
        assert_eq!(timers.pop_due(Monotonic::from_nanos(10)), Some("b"));
        timers.cancel("a");
        assert_eq!(timers.pop_due(Monotonic::from_nanos(10)), None);
        assert_eq!(timers.next(), None);
    }
}
