//! Arbitrary submessages, and messages damaged on purpose, for tests of this and other crates.

use alloc::vec::Vec;

use dds_types::cdr::Endianness;

use super::{
    FixedSubmessage, GroupDigest, LocatorList, LocatorUdpV4, NumberSet, SetNumber, element::ChangeCount,
};
use crate::{
    structure::{
        Count, EntityId, FragmentNumber, GuidPrefix, Locator, LocatorKind, ProtocolVersion, SequenceNumber,
        VendorId,
    },
    time::Timestamp,
};

/// A source of numbers: the same ones for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number, below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or(0)
    }
}

/// Values made from a [`Seed`].
pub trait Generate: Sized {
    /// The next value.
    fn generate(seed: &mut Seed) -> Self;
}

macro_rules! generators {
    ($($type:ty: |$seed:ident| $value:expr;)*) => {
        $(impl Generate for $type {
            fn generate($seed: &mut Seed) -> Self {
                $value
            }
        })*
    };
}

generators! {
    bool: |seed| seed.below(2) == 0;
    u32: |seed| seed.number() as u32;
    EntityId: |seed| EntityId(Generate::generate(seed));
    GuidPrefix: |seed| GuidPrefix(Generate::generate(seed));
    VendorId: |seed| VendorId(Generate::generate(seed));
    GroupDigest: |seed| GroupDigest(Generate::generate(seed));
    ProtocolVersion: |seed| ProtocolVersion { major: seed.number() as u8, minor: seed.number() as u8 };
    Count: |seed| Count(seed.number() as i32);
    FragmentNumber: |seed| FragmentNumber(seed.number() as u32);
    ChangeCount: |seed| ChangeCount(seed.number() as i64);
    // Half of them as in real life, half anything.
    SequenceNumber: |seed| match seed.below(2) {
        0 => SequenceNumber(seed.below(1000) as i64),
        _ => SequenceNumber(seed.number() as i64),
    };
    // The wire has 32 bits of seconds.
    Timestamp: |seed| Timestamp::from_nanos(seed.below(u64::from(u32::MAX).wrapping_mul(1_000_000_000)));
    LocatorUdpV4: |seed| LocatorUdpV4 { address: Generate::generate(seed), port: seed.number() as u32 };
    Locator: |seed| Locator {
        kind: LocatorKind(seed.below(4) as i32),
        port: seed.number() as u32,
        address: Generate::generate(seed),
    };
    LocatorList: |seed| {
        let count = seed.below(5) as usize;
        LocatorList::new((0..count).map(|_| Locator::generate(seed)).collect::<Vec<_>>())
    };
}

impl<const N: usize> Generate for [u8; N] {
    fn generate(seed: &mut Seed) -> Self {
        core::array::from_fn(|_| seed.number() as u8)
    }
}

impl<T: Generate> Generate for Option<T> {
    fn generate(seed: &mut Seed) -> Self {
        bool::generate(seed).then(|| T::generate(seed))
    }
}

impl<N: SetNumber + Generate> Generate for NumberSet<N> {
    fn generate(seed: &mut Seed) -> Self {
        let mut set = Self::with_window(N::generate(seed), seed.below(257) as u32);
        for _ in 0..seed.below(20) {
            let offset = seed.below(u64::from(set.num_bits().max(1))) as u32;
            if let Some(number) = set.base().checked_plus(offset) {
                set.insert(number);
            }
        }
        set
    }
}

/// Appends a generated submessage with its header.
pub(super) fn write_generated<T: FixedSubmessage + Generate>(
    seed: &mut Seed,
    endianness: Endianness,
    out: &mut Vec<u8>,
) {
    T::generate(seed).write(out, endianness);
}
