//! Moments at which something is due.

use dds_rtps::time::Monotonic;

use super::slab::{NOWHERE, Place};

/// A moment for some of a slab's places, each changed or cancelled at will.
///
/// A binary heap that knows where each place lies in it: setting a moment later than all others is
/// O(1), everything else O(log n) in the number of moments set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: Vec<(Monotonic, Place)>,
    /// Where in `heap` each place lies.
    positions: Vec<u32>,
}

impl Timers {
    /// The earliest moment, [`Monotonic::NEVER`] when none is set.
    pub(super) fn next(&self) -> Monotonic {
        self.heap.first().map_or(Monotonic::NEVER, |(due, _)| *due)
    }

    /// Sets the moment of `place`, instead of an earlier setting. Never is no moment.
    #[inline]
    pub(super) fn set(&mut self, place: Place, due: Monotonic) {
        self.cancel(place);
        if due != Monotonic::NEVER {
            self.insert(place, due);
        }
    }

    fn insert(&mut self, place: Place, due: Monotonic) {
        if self.positions.len() <= place as usize {
            self.positions.resize(place as usize + 1, NOWHERE);
        }
        self.heap.push((due, place));
        let last = self.heap.len() - 1;
        self.positions[place as usize] = last as u32;
        self.rise(last);
    }

    #[inline]
    pub(super) fn cancel(&mut self, place: Place) {
        // As where the policy that would set one is not in use.
        if !self.heap.is_empty() {
            self.remove(place);
        }
    }

    fn remove(&mut self, place: Place) {
        let Some(position) = self.positions.get_mut(place as usize) else { return };
        let position = std::mem::replace(position, NOWHERE);
        if position == NOWHERE {
            return;
        }
        let position = position as usize;
        self.heap.swap_remove(position);
        if let Some((_, moved)) = self.heap.get(position) {
            self.positions[*moved as usize] = position as u32;
            let position = self.rise(position);
            self.sink(position);
        }
    }

    /// Takes out one place whose moment has come.
    pub(super) fn pop_due(&mut self, now: Monotonic) -> Option<Place> {
        let (due, place) = *self.heap.first()?;
        if due > now {
            return None;
        }
        self.cancel(place);
        Some(place)
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.positions[self.heap[a].1 as usize] = a as u32;
        self.positions[self.heap[b].1 as usize] = b as u32;
    }

    fn rise(&mut self, mut position: usize) -> usize {
        while position > 0 {
            let parent = (position - 1) / 2;
            if self.heap[parent].0 <= self.heap[position].0 {
                break;
            }
            self.swap(parent, position);
            position = parent;
        }
        position
    }

    fn sink(&mut self, mut position: usize) {
        loop {
            let children = [2 * position + 1, 2 * position + 2];
            let earliest = children
                .into_iter()
                .filter(|child| *child < self.heap.len())
                .min_by_key(|child| self.heap[*child].0);
            match earliest {
                Some(child) if self.heap[child].0 < self.heap[position].0 => {
                    self.swap(child, position);
                    position = child;
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a map from place to moment.
        #[test]
        fn places_come_due_in_order(steps in prop::collection::vec((0u32..20, prop::option::of(0u64..50), 0u64..50), 1..200)) {
            let mut timers = Timers::default();
            let mut model = BTreeMap::new();
            for (place, due, now) in steps {
                match due {
                    Some(due) => {
                        timers.set(place, Monotonic::from_nanos(due));
                        model.insert(place, due);
                    }
                    None => {
                        timers.cancel(place);
                        model.remove(&place);
                    }
                }
                let first = model.values().min().map_or(Monotonic::NEVER, |due| Monotonic::from_nanos(*due));
                prop_assert_eq!(timers.next(), first);
                if let Some(place) = timers.pop_due(Monotonic::from_nanos(now)) {
                    let due = model.remove(&place).unwrap();
                    prop_assert!(due <= now && model.values().all(|other| *other >= due));
                } else {
                    prop_assert!(model.values().all(|due| *due > now));
                }
            }
        }
    }
}
