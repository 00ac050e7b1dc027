//! Sets of sequence and fragment numbers (RTPS 2.5 §9.4.2.6 and §9.4.2.8).

use crate::structure::{FragmentNumber, SequenceNumber};

/// What a [`NumberSet`] holds.
pub trait SetNumber: Copy + Eq {
    /// The number `offset` further, `None` past the largest one.
    fn checked_plus(self, offset: u32) -> Option<Self>;
    /// How far `self` lies past `base`, `None` when before it or more than 2³² further.
    fn checked_offset_from(self, base: Self) -> Option<u32>;
}

impl SetNumber for SequenceNumber {
    fn checked_plus(self, offset: u32) -> Option<Self> {
        self.0.checked_add(i64::from(offset)).map(Self)
    }

    fn checked_offset_from(self, base: Self) -> Option<u32> {
        u32::try_from(self.0.checked_sub(base.0)?).ok()
    }
}

impl SetNumber for FragmentNumber {
    fn checked_plus(self, offset: u32) -> Option<Self> {
        self.0.checked_add(offset).map(Self)
    }

    fn checked_offset_from(self, base: Self) -> Option<u32> {
        self.0.checked_sub(base.0)
    }
}

/// Numbers out of a window of at most 256 that starts at `base`.
///
/// The window, `num_bits` wide, matters as well as the members: in an ACKNACK, numbers inside the
/// window that are not members have been received, those after it are left open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NumberSet<N> {
    base: N,
    num_bits: u32,
    bitmap: [u32; WORDS],
}

const WORDS: usize = 8;

/// A window of sequence numbers (RTPS 2.5 §9.4.2.6).
pub type SequenceNumberSet = NumberSet<SequenceNumber>;

/// A window of fragment numbers (RTPS 2.5 §9.4.2.8).
pub type FragmentNumberSet = NumberSet<FragmentNumber>;

impl<N> NumberSet<N> {
    /// The widest window.
    pub const MAX_BITS: u32 = 256;

    /// The width of the window, 0 to 256.
    pub const fn num_bits(&self) -> u32 {
        self.num_bits
    }

    /// Whether no number is a member.
    pub fn is_empty(&self) -> bool {
        self.bitmap.iter().all(|word| *word == 0)
    }

    /// How many numbers are members.
    pub fn count(&self) -> u32 {
        self.bitmap.iter().fold(0, |sum: u32, word| sum.saturating_add(word.count_ones()))
    }

    /// The words that hold the window's bits, the first number in the first word's highest bit.
    pub(crate) fn words(&self) -> &[u32] {
        self.bitmap.get(..Self::words_for(self.num_bits)).unwrap_or(&self.bitmap)
    }

    /// How many words a window of `num_bits` takes on the wire.
    pub(crate) const fn words_for(num_bits: u32) -> usize {
        num_bits.div_ceil(32) as usize
    }

    fn has(&self, offset: u32) -> bool {
        let word = self.bitmap.get((offset >> 5) as usize).copied().unwrap_or(0);
        offset < Self::MAX_BITS && word & bit(offset) != 0
    }
}

impl<N: SetNumber> NumberSet<N> {
    /// An empty set with an empty window at `base`.
    pub const fn new(base: N) -> Self {
        Self { base, num_bits: 0, bitmap: [0; WORDS] }
    }

    /// An empty set with a window of `num_bits`, at most 256.
    pub fn with_window(base: N, num_bits: u32) -> Self {
        Self { base, num_bits: num_bits.min(Self::MAX_BITS), bitmap: [0; WORDS] }
    }

    /// From words as on the wire; `None` when the window is wider than 256. Bits past the window
    /// are dropped, words that are missing count as zero.
    pub(crate) fn from_words(base: N, num_bits: u32, words: impl Iterator<Item = u32>) -> Option<Self> {
        if num_bits > Self::MAX_BITS {
            return None;
        }
        let mut set = Self::with_window(base, num_bits);
        let mut left = num_bits;
        for (target, word) in set.bitmap.iter_mut().zip(words) {
            let mask = u32::MAX.checked_shr(left).map_or(u32::MAX, |unused| !unused);
            *target = word & mask;
            left = left.saturating_sub(32);
        }
        Some(set)
    }

    /// Where the window starts.
    pub const fn base(&self) -> N {
        self.base
    }

    /// Makes `number` a member, widening the window up to it. Says `false`, changing nothing, when
    /// it lies before the base or more than 255 past it.
    pub fn insert(&mut self, number: N) -> bool {
        let Some(offset) = number.checked_offset_from(self.base).filter(|offset| *offset < Self::MAX_BITS)
        else {
            return false;
        };
        let Some(word) = self.bitmap.get_mut((offset >> 5) as usize) else { return false };
        *word |= bit(offset);
        self.num_bits = self.num_bits.max(offset.saturating_add(1));
        true
    }

    /// Whether `number` is a member.
    pub fn contains(&self, number: N) -> bool {
        number.checked_offset_from(self.base).is_some_and(|offset| self.has(offset))
    }

    /// Whether `number` lies in the window, member or not.
    pub fn covers(&self, number: N) -> bool {
        number.checked_offset_from(self.base).is_some_and(|offset| offset < self.num_bits)
    }

    /// The members, ascending; at most 256.
    pub fn iter(&self) -> impl Iterator<Item = N> + '_ {
        (0..self.num_bits)
            .filter(|offset| self.has(*offset))
            .map_while(|offset| self.base.checked_plus(offset))
    }
}

const fn bit(offset: u32) -> u32 {
    0x8000_0000_u32.wrapping_shr(offset & 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn members_are_those_inserted() {
        let mut set = SequenceNumberSet::new(SequenceNumber(10));
        assert!(set.insert(SequenceNumber(12)));
        assert!(set.insert(SequenceNumber(265)));
        assert!(!set.insert(SequenceNumber(266)));
        assert!(!set.insert(SequenceNumber(9)));
        assert_eq!(set.num_bits(), 256);
        assert_eq!(set.iter().map(|number| number.0).collect::<Vec<_>>(), [12, 265]);
        assert!(set.contains(SequenceNumber(12)) && !set.contains(SequenceNumber(13)));
        assert_eq!(set.count(), 2);
    }

    #[test]
    fn the_largest_base_neither_overflows_nor_repeats() {
        let words = [u32::MAX; 8];
        let set = SequenceNumberSet::from_words(SequenceNumber::MAX, 256, words.into_iter()).unwrap();
        assert_eq!(set.iter().count(), 1);
        let set =
            FragmentNumberSet::from_words(FragmentNumber(u32::MAX - 1), 256, words.into_iter()).unwrap();
        assert_eq!(set.iter().count(), 2);
        assert!(!set.contains(FragmentNumber(0)));
        let lowest = SequenceNumberSet::from_words(SequenceNumber(i64::MIN), 1, words.into_iter()).unwrap();
        assert!(!lowest.contains(SequenceNumber::MAX));
    }

    #[test]
    fn bits_past_the_window_are_dropped() {
        for num_bits in [0, 1, 31, 32, 33, 255, 256] {
            let set = SequenceNumberSet::from_words(SequenceNumber(1), num_bits, [u32::MAX; 8].into_iter())
                .unwrap();
            assert_eq!(set.count(), num_bits);
            assert_eq!(set.iter().count(), num_bits as usize);
        }
        assert!(SequenceNumberSet::from_words(SequenceNumber(1), 257, [0; 8].into_iter()).is_none());
    }
}
