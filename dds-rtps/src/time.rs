//! Time as the machines see it: handed in, never read.

pub use dds_qos::Duration;

/// Nanoseconds on a clock that never goes back. Every timer of the protocol runs on it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Monotonic(u64);

impl Monotonic {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);
    /// A moment that is never reached.
    pub const NEVER: Self = Self(u64::MAX);

    /// `nanoseconds` after the clock's origin.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the clock's origin.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `delay` later; [`Monotonic::NEVER`] for an infinite delay.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        match delay.as_nanos() {
            Some(nanos) => Self(self.0.saturating_add(nanos)),
            None => Self::NEVER,
        }
    }

    /// Nanoseconds from `earlier` to `self`, zero when `earlier` is the later one.
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A wall-clock time in nanoseconds since the Unix epoch (RTPS 2.5 §9.3.2.1 `Time_t`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const ZERO: Self = Self(0);
    /// The latest time that the wire can carry.
    pub const MAX: Self = Self(0xFFFF_FFFE_FFFF_FFFF);

    /// `nanoseconds` after the Unix epoch.
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the Unix epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Seconds and 2⁻³² fractions, as on the wire. The fraction is rounded up, so that
    /// [`Timestamp::from_wire`] gives back the same nanosecond.
    pub const fn to_wire(self) -> (u32, u32) {
        let seconds = self.0.wrapping_div(1_000_000_000);
        let nanos = self.0.wrapping_rem(1_000_000_000);
        let fraction = nanos.wrapping_shl(32).wrapping_add(999_999_999).wrapping_div(1_000_000_000);
        (seconds as u32, fraction as u32)
    }

    /// From seconds and 2⁻³² fractions.
    pub const fn from_wire(seconds: u32, fraction: u32) -> Self {
        let nanos = (fraction as u64).wrapping_mul(1_000_000_000).wrapping_shr(32);
        Self((seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(nanos))
    }

    /// The time `delay` later, `None` for an infinite delay.
    pub fn after(self, delay: Duration) -> Option<Self> {
        Some(Self(self.0.saturating_add(delay.as_nanos()?)))
    }
}

/// The present, as the caller's clocks tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Now {
    /// Drives every timer.
    pub monotonic: Monotonic,
    /// Stamps samples; may jump.
    pub wall: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_round_trip_keeps_every_nanosecond() {
        for nanos in [0, 1, 2, 499_999_999, 999_999_999, 1_700_000_000_123_456_789] {
            let time = Timestamp::from_nanos(nanos);
            let (seconds, fraction) = time.to_wire();
            assert_eq!(Timestamp::from_wire(seconds, fraction), time);
        }
    }

    /// A fraction at its end has made others loop.
    #[test]
    fn every_bit_pattern_of_a_time_is_a_time() {
        let patterns: alloc::vec::Vec<u32> = (0..32)
            .flat_map(|bit| [1 << bit, (1 << bit) - 1, !(1 << bit)])
            .chain([u32::MAX, 0xffff_fffe, 0x7fff_ffff])
            .collect();
        for seconds in patterns.iter().copied() {
            for fraction in patterns.iter().copied() {
                let time = Timestamp::from_wire(seconds, fraction);
                assert_eq!(time.as_nanos() / 1_000_000_000, u64::from(seconds), "{seconds} {fraction}");
                let (again, rounded) = time.to_wire();
                assert_eq!(Timestamp::from_wire(again, rounded), time, "{seconds} {fraction}");
                assert!(time.after(Duration::from_secs(u32::MAX)).is_some_and(|later| later >= time));
            }
        }
    }
}
