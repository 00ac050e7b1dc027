//! Random values of every policy, built from the table.

use crate::{Duration, Limit};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use dds_types::DataRepresentationId;
use proptest::prelude::{Rng, RngExt};
use proptest::test_runner::TestRng;

/// Something a test can make at random.
pub(crate) trait Arbitrary {
    fn arbitrary(random: &mut TestRng) -> Self;
}

pub(crate) fn one_of<T: Copy>(random: &mut TestRng, all: &[(T, &str)]) -> T {
    all[random.random_range(0..all.len())].0
}

impl Arbitrary for bool {
    fn arbitrary(random: &mut TestRng) -> Self {
        random.next_u32() & 1 == 0
    }
}

impl Arbitrary for i32 {
    fn arbitrary(random: &mut TestRng) -> Self {
        random.next_u32().cast_signed()
    }
}

impl Arbitrary for u32 {
    /// What `long` can hold.
    fn arbitrary(random: &mut TestRng) -> Self {
        random.next_u32() >> 1
    }
}

impl Arbitrary for Limit {
    fn arbitrary(random: &mut TestRng) -> Self {
        if bool::arbitrary(random) { Self::Unlimited } else { Self::Finite(u32::arbitrary(random)) }
    }
}

impl Arbitrary for Duration {
    fn arbitrary(random: &mut TestRng) -> Self {
        match random.random_range(0..4) {
            0 => Self::INFINITE,
            1 => Self::ZERO,
            2 => Self::from_nanos(random.random_range(0..3_000_000_000)),
            _ => Self::from_nanos(random.random_range(0..(i32::MAX as u64) * 1_000_000_000)),
        }
    }
}

impl Arbitrary for Vec<u8> {
    fn arbitrary(random: &mut TestRng) -> Self {
        (0..random.random_range(0..40)).map(|_| random.random_range(0..=255)).collect()
    }
}

impl Arbitrary for Vec<String> {
    fn arbitrary(random: &mut TestRng) -> Self {
        const NAMES: &[&str] = &["", "a", "lab/room 3", "*", "Zürich", "x[a-c]?"];
        (0..random.random_range(0..5))
            .map(|_| NAMES[random.random_range(0..NAMES.len())].to_string())
            .collect()
    }
}

impl Arbitrary for Vec<DataRepresentationId> {
    fn arbitrary(random: &mut TestRng) -> Self {
        (0..random.random_range(0..4)).map(|_| DataRepresentationId(random.random_range(-3..3))).collect()
    }
}
