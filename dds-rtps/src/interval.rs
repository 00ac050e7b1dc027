//! Sets of sequence numbers as intervals: a GAP of 2⁶³ numbers costs what a GAP of one costs.

use alloc::collections::BTreeMap;

use crate::structure::SequenceNumber;

/// Disjoint, non-adjacent closed intervals of numbers.
#[derive(Clone, Debug, Default)]
pub struct IntervalSet {
    /// First to last of each interval.
    intervals: BTreeMap<SequenceNumber, SequenceNumber>,
}

impl IntervalSet {
    /// Intervals kept at most; the highest ones are forgotten first, because losing them costs a
    /// repeated request only, while the lowest ones let the reader go on.
    pub const LIMIT: usize = 1024;

    /// Adds the numbers from `first` to `last`, both included. Nothing when `last` < `first`.
    pub fn insert(&mut self, first: SequenceNumber, last: SequenceNumber) {
        if last < first {
            return;
        }
        let (mut first, mut last) = (first, last);
        if let Some((start, end)) = self.intervals.range(..=first).next_back()
            && end.next() >= first
        {
            first = *start;
            last = last.max(*end);
        }
        while let Some((start, end)) = self.intervals.range(first..).next().map(|(s, e)| (*s, *e)) {
            if start > last.next() {
                break;
            }
            last = last.max(end);
            self.intervals.remove(&start);
        }
        self.intervals.insert(first, last);
        if self.intervals.len() > Self::LIMIT {
            self.intervals.pop_last();
        }
    }

    /// The last number of the interval that holds `number`.
    #[inline]
    pub fn end_of(&self, number: SequenceNumber) -> Option<SequenceNumber> {
        if self.intervals.is_empty() {
            return None;
        }
        let (_, end) = self.intervals.range(..=number).next_back()?;
        (*end >= number).then_some(*end)
    }

    /// Forgets every number below `number`.
    pub fn remove_below(&mut self, number: SequenceNumber) {
        while let Some(entry) = self.intervals.first_entry() {
            if *entry.key() >= number {
                return;
            }
            let end = *entry.get();
            entry.remove();
            if end >= number {
                self.intervals.insert(number, end);
                return;
            }
        }
    }

    /// Takes out the lowest intervals, at most `count`, as first and last number.
    pub fn take(&mut self, count: usize) -> impl Iterator<Item = (SequenceNumber, SequenceNumber)> + use<> {
        let rest = match self.intervals.keys().nth(count).copied() {
            Some(first_left) => self.intervals.split_off(&first_left),
            None => BTreeMap::new(),
        };
        core::mem::replace(&mut self.intervals, rest).into_iter()
    }

    /// Whether no number is in the set.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sn(number: i64) -> SequenceNumber {
        SequenceNumber(number)
    }

    #[test]
    fn intervals_merge_with_neighbours() {
        let mut set = IntervalSet::default();
        set.insert(sn(10), sn(20));
        set.insert(sn(1), sn(3));
        set.insert(sn(4), sn(9));
        assert_eq!(set.intervals.len(), 1);
        assert_eq!(set.end_of(sn(1)), Some(sn(20)));
        assert_eq!(set.end_of(sn(21)), None);
        set.remove_below(sn(15));
        assert_eq!(set.end_of(sn(14)), None);
        assert_eq!(set.end_of(sn(15)), Some(sn(20)));
        set.insert(sn(17), SequenceNumber::MAX);
        assert_eq!(set.end_of(sn(15)), Some(SequenceNumber::MAX));
        set.insert(sn(9), sn(8));
        assert_eq!(set.intervals.len(), 1);
    }

    #[test]
    fn the_lowest_intervals_survive_the_limit() {
        let mut set = IntervalSet::default();
        for number in (1..10_000).rev() {
            set.insert(sn(number * 2), sn(number * 2));
        }
        assert_eq!(set.intervals.len(), IntervalSet::LIMIT);
        assert_eq!(set.end_of(sn(2)), Some(sn(2)));
    }
}
