//! Instances by handle, in the order of their handles.

use super::slab::{NOWHERE, Place, Slab};
use crate::instance::InstanceHandle;

/// An instance that knows its position in the index.
pub(super) trait Positioned {
    fn set_position(&mut self, position: u32);
}

/// Finds instances by handle and steps through those that hold samples.
///
/// Handles grow, so that a new instance goes to the end; only where the owner chooses handles may one
/// come late. A removed instance leaves a gap; when gaps prevail the index is rebuilt, which makes
/// removal O(1) on average.
#[derive(Debug, Default)]
pub(super) struct HandleIndex {
    entries: Vec<(InstanceHandle, Place)>,
    gaps: usize,
    /// Positions of instances that hold samples.
    occupied: PositionSet,
    /// Positions of instances that hold samples not read yet.
    unread: PositionSet,
}

impl HandleIndex {
    const GAPS_ALLOWED: usize = 64;

    /// Adds an instance without samples; no other may have its handle.
    pub(super) fn insert<T: Positioned>(
        &mut self,
        handle: InstanceHandle,
        place: Place,
        instances: &mut Slab<T>,
    ) {
        if self.entries.last().is_none_or(|(last, _)| *last < handle) {
            instances[place].set_position(self.entries.len() as u32);
            self.entries.push((handle, place));
        } else {
            self.rebuild(Some((handle, place)), instances);
        }
    }

    /// Removes the instance at `position`, which must have been marked as empty.
    pub(super) fn remove<T: Positioned>(&mut self, position: u32, instances: &mut Slab<T>) {
        self.entries[position as usize].1 = NOWHERE;
        self.gaps += 1;
        if self.gaps > Self::GAPS_ALLOWED && self.gaps * 2 > self.entries.len() {
            self.rebuild(None, instances);
        }
    }

    /// Closes gaps, and makes room for an instance whose handle is not the largest.
    fn rebuild<T: Positioned>(&mut self, added: Option<(InstanceHandle, Place)>, instances: &mut Slab<T>) {
        let old = std::mem::take(self);
        let mut kept: Vec<_> = (0..)
            .zip(old.entries)
            .filter(|(_, (_, place))| *place != NOWHERE)
            .map(|(position, entry)| (entry, old.occupied.contains(position), old.unread.contains(position)))
            .collect();
        if let Some(added) = added {
            let position = kept.partition_point(|((handle, _), ..)| *handle < added.0);
            kept.insert(position, (added, false, false));
        }
        for (entry, occupied, unread) in kept {
            let position = self.entries.len() as u32;
            instances[entry.1].set_position(position);
            self.entries.push(entry);
            self.mark(position, occupied, unread);
        }
    }

    pub(super) fn find(&self, handle: InstanceHandle) -> Option<Place> {
        let position = self.entries.binary_search_by_key(&handle, |(handle, _)| *handle).ok()?;
        Some(self.entries[position].1).filter(|place| *place != NOWHERE)
    }

    /// Notes whether the instance at `position` holds samples, and unread ones.
    pub(super) fn mark(&mut self, position: u32, occupied: bool, unread: bool) {
        self.occupied.mark(position as usize, occupied);
        self.unread.mark(position as usize, unread);
    }

    /// The instances with a larger handle than `handle` that hold samples, unread ones if so asked.
    pub(super) fn after(
        &self,
        handle: InstanceHandle,
        only_unread: bool,
    ) -> impl Iterator<Item = Place> + '_ {
        let set = if only_unread { &self.unread } else { &self.occupied };
        let mut from = self.entries.partition_point(|(other, _)| *other <= handle);
        std::iter::from_fn(move || {
            let position = set.next(from)?;
            from = position + 1;
            Some(self.entries[position].1)
        })
    }
}

/// A set of positions with a fast search for the next member: one bit each, one bit for 64 of them.
#[derive(Debug, Default)]
struct PositionSet {
    bits: Vec<u64>,
    summary: Vec<u64>,
}

impl PositionSet {
    fn contains(&self, position: usize) -> bool {
        self.bits.get(position / 64).is_some_and(|word| word >> (position % 64) & 1 == 1)
    }

    fn mark(&mut self, position: usize, present: bool) {
        let word = position / 64;
        if present {
            if self.bits.len() <= word {
                self.bits.resize(word + 1, 0);
                self.summary.resize(word / 64 + 1, 0);
            }
            self.bits[word] |= 1 << (position % 64);
            self.summary[word / 64] |= 1 << (word % 64);
        } else if let Some(bits) = self.bits.get_mut(word) {
            *bits &= !(1 << (position % 64));
            if *bits == 0 {
                self.summary[word / 64] &= !(1 << (word % 64));
            }
        }
    }

    /// The smallest member not below `from`.
    fn next(&self, from: usize) -> Option<usize> {
        let word = from / 64;
        let rest = self.bits.get(word)? & (u64::MAX << (from % 64));
        if rest != 0 {
            return Some(word * 64 + rest.trailing_zeros() as usize);
        }
        let word = Self::next_bit(&self.summary, word + 1)?;
        Some(word * 64 + self.bits[word].trailing_zeros() as usize)
    }

    fn next_bit(words: &[u64], from: usize) -> Option<usize> {
        let mut index = from / 64;
        let mut rest = words.get(index)? & (u64::MAX << (from % 64));
        while rest == 0 {
            index += 1;
            rest = *words.get(index)?;
        }
        Some(index * 64 + rest.trailing_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Instance(u32);

    impl Positioned for Instance {
        fn set_position(&mut self, position: u32) {
            self.0 = position;
        }
    }

    #[test]
    fn stepping_skips_empty_instances_across_rebuilds() {
        let (mut index, mut instances) = (HandleIndex::default(), Slab::new());
        let handle = |number: u64| InstanceHandle::from_raw(number);
        let places: Vec<_> = (1..=10_000)
            .map(|number| {
                let place = instances.insert(Instance(0));
                index.insert(handle(number), place, &mut instances);
                place
            })
            .collect();
        for number in [1, 70, 9_000u64] {
            index.mark(instances[places[number as usize - 1]].0, true, number != 70);
        }
        let after = |index: &HandleIndex, number, unread| -> Vec<Place> {
            index.after(handle(number), unread).collect()
        };
        assert_eq!(after(&index, 0, false), [places[0], places[69], places[8999]]);
        assert_eq!(after(&index, 1, true), [places[8999]]);
        for number in (1..=10_000u64).filter(|number| ![1, 70, 9_000].contains(number)) {
            let position = instances[places[number as usize - 1]].0;
            index.remove(position, &mut instances);
        }
        assert!(index.entries.len() < 200);
        assert_eq!(after(&index, 1, false), [places[69], places[8999]]);
        assert_eq!(index.find(handle(70)), Some(places[69]));
        assert_eq!(index.find(handle(71)), None);
        // A late one, and one that comes back where it left a gap.
        for number in [20_000, 71, 8_000] {
            let place = instances.insert(Instance(0));
            index.insert(handle(number), place, &mut instances);
            index.mark(instances[place].0, true, false);
            assert_eq!(index.find(handle(number)), Some(place));
        }
        let order: Vec<_> =
            index.after(handle(1), false).map(|place| index.entries[instances[place].0 as usize].0).collect();
        assert_eq!(order, [70, 71, 8_000, 9_000, 20_000].map(handle));
        assert_eq!(after(&index, 0, true), [places[0], places[8999]]);
    }
}
