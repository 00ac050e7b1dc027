//! A writer's changes in the order of their numbers.

use alloc::collections::{BTreeMap, VecDeque};
use core::mem;

use crate::{change::CacheChange, payload::Payload, structure::SequenceNumber};

/// The changes a writer still holds, found by number in constant time.
///
/// Recent ones lie in a ring indexed by number. Where most of the ring's front has been removed
/// (one instance written once, another a million times, KEEP_LAST), what is left of the front moves
/// to a tree, so that memory follows the changes held and not the numbers spanned.
#[derive(Debug)]
pub struct WriterHistory {
    old: BTreeMap<SequenceNumber, CacheChange>,
    recent: VecDeque<Option<CacheChange>>,
    /// The number of `recent`'s first place.
    recent_start: SequenceNumber,
    recent_live: usize,
    bytes: usize,
}

impl Default for WriterHistory {
    fn default() -> Self {
        Self {
            old: BTreeMap::new(),
            recent: VecDeque::new(),
            recent_start: SequenceNumber::FIRST,
            recent_live: 0,
            bytes: 0,
        }
    }
}

impl WriterHistory {
    /// Empty places in the ring that are always put up with.
    const SPARE_PLACES: usize = 1024;

    /// Appends `change` under the next number, which it returns.
    #[inline]
    pub fn push(&mut self, change: CacheChange) -> SequenceNumber {
        let number = self.next_number();
        // Nobody looks at it before it is in its place, so that it can be made there.
        self.recent.push_back(Some(CacheChange { sequence_number: number, ..change }));
        if let Some(Some(change)) = self.recent.back() {
            self.bytes = self.bytes.saturating_add(change.payload.len());
        }
        self.recent_live = self.recent_live.saturating_add(1);
        if self.recent.len() > self.recent_live.saturating_mul(2).saturating_add(Self::SPARE_PLACES) {
            self.retire_front();
        }
        number
    }

    /// Uses up the next number without a change.
    pub fn skip(&mut self) -> SequenceNumber {
        let number = self.next_number();
        if self.recent.is_empty() {
            self.recent_start = number.next();
            return number;
        }
        self.recent.push_back(None);
        self.trim();
        number
    }

    fn retire_front(&mut self) {
        for _ in 0..self.recent.len().wrapping_div(2) {
            if let Some(Some(change)) = self.recent.pop_front() {
                self.recent_live = self.recent_live.saturating_sub(1);
                self.old.insert(self.recent_start, change);
            }
            self.recent_start = self.recent_start.next();
        }
        self.trim();
    }

    fn trim(&mut self) {
        while matches!(self.recent.front(), Some(None)) {
            self.recent.pop_front();
            self.recent_start = self.recent_start.next();
        }
    }

    fn place(&self, number: SequenceNumber) -> Option<usize> {
        usize::try_from(number.offset_from(self.recent_start)?).ok()
    }

    /// The change of `number`, if it is still held.
    pub fn change(&self, number: SequenceNumber) -> Option<&CacheChange> {
        match self.place(number) {
            Some(place) => self.recent.get(place)?.as_ref(),
            None => self.old.get(&number),
        }
    }

    /// Drops the change of `number`; its payload, whose buffer may serve again.
    pub fn remove(&mut self, number: SequenceNumber) -> Option<Payload> {
        let payload = match self.place(number) {
            // The usual one; its place is not empty, since empty ones do not stay in front.
            Some(0) => {
                let payload = mem::take(&mut self.recent.front_mut()?.as_mut()?.payload);
                self.recent.pop_front();
                self.recent_start = self.recent_start.next();
                self.recent_live = self.recent_live.saturating_sub(1);
                self.trim();
                payload
            }
            Some(place) => {
                let removed = self.recent.get_mut(place)?.take()?;
                self.recent_live = self.recent_live.saturating_sub(1);
                removed.payload
            }
            None => self.old.remove(&number)?.payload,
        };
        self.bytes = self.bytes.saturating_sub(payload.len());
        Some(payload)
    }

    /// The number that the next change gets.
    pub fn next_number(&self) -> SequenceNumber {
        self.recent_start.plus(self.recent.len() as u64)
    }

    /// The last number given, [`SequenceNumber::ZERO`] before the first.
    pub fn last_number(&self) -> SequenceNumber {
        self.next_number().previous()
    }

    /// The lowest number held; one past the last number when nothing is held.
    pub fn first_number(&self) -> SequenceNumber {
        match self.old.keys().next() {
            Some(number) => *number,
            None => self.recent_start,
        }
    }

    /// How many changes are held.
    pub fn len(&self) -> usize {
        self.old.len().saturating_add(self.recent_live)
    }

    /// Whether no change is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Payload bytes held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The changes held from `number` on, ascending.
    pub fn from(&self, number: SequenceNumber) -> impl Iterator<Item = &CacheChange> {
        let place = self.place(number).unwrap_or(0);
        self.old.range(number..).map(|(_, change)| change).chain(self.recent.iter().skip(place).flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_lived_change_does_not_pin_the_ring() {
        let mut history = WriterHistory::default();
        let first = history.push(CacheChange::default());
        let mut previous = None;
        for _ in 0..100_000 {
            let number = history.push(CacheChange::default());
            if let Some(previous) = previous.replace(number) {
                assert!(history.remove(previous).is_some());
            }
        }
        assert_eq!(history.len(), 2);
        assert!(history.recent.capacity() < 8192, "{}", history.recent.capacity());
        assert_eq!(history.first_number(), first);
        assert_eq!(history.last_number(), SequenceNumber(100_001));
        assert_eq!(history.from(first).count(), 2);
        assert!(history.remove(first).is_some());
        assert_eq!(history.first_number(), SequenceNumber(100_001));
        assert!(history.change(SequenceNumber(100_001)).is_some());
    }

    #[test]
    fn an_emptied_history_starts_after_its_last_number() {
        let mut history = WriterHistory::default();
        let one = history.push(CacheChange::default());
        history.remove(one);
        assert_eq!(history.first_number(), SequenceNumber(2));
        assert_eq!(history.last_number(), SequenceNumber(1));
        assert_eq!(history.skip(), SequenceNumber(2));
        assert_eq!(history.push(CacheChange::default()), SequenceNumber(3));
        assert_eq!(history.first_number(), SequenceNumber(3));
    }
}
