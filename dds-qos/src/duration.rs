use core::fmt;

/// A span of time, or [`Duration::INFINITE`] (DDS 1.4 §2.2.3 `Duration_t`; RTPS 2.5 §9.3.2.2).
///
/// Spans are never negative: a negative one on the wire is an error, in the API it cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// Longer than every finite span.
    pub const INFINITE: Self = Self(u64::MAX);

    /// Of whole seconds.
    pub const fn from_secs(seconds: u32) -> Self {
        Self((seconds as u64).wrapping_mul(1_000_000_000))
    }

    /// Of whole milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self::from_nanos(milliseconds.saturating_mul(1_000_000))
    }

    /// Of nanoseconds. `u64::MAX` nanoseconds is [`Duration::INFINITE`].
    pub const fn from_nanos(nanoseconds: u64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds, `None` for infinite.
    pub const fn as_nanos(self) -> Option<u64> {
        if self.0 == u64::MAX { None } else { Some(self.0) }
    }

    /// Whether this is [`Duration::INFINITE`].
    pub const fn is_infinite(self) -> bool {
        self.0 == u64::MAX
    }

    /// Seconds and 2⁻³² fractions as on the wire; (0x7fffffff, 0xffffffff) for infinite
    /// and for what the wire cannot hold.
    pub const fn to_wire(self) -> (i32, u32) {
        let seconds = self.0.wrapping_div(1_000_000_000);
        if self.is_infinite() || seconds >= i32::MAX as u64 {
            return (i32::MAX, u32::MAX);
        }
        let nanos = self.0.wrapping_rem(1_000_000_000);
        let fraction = nanos.wrapping_shl(32).wrapping_add(999_999_999).wrapping_div(1_000_000_000);
        (seconds as i32, fraction as u32)
    }

    /// From seconds and 2⁻³² fractions; `None` when negative. Every value of `i32::MAX` seconds is
    /// infinite, because peers differ in the fraction they send with it.
    pub const fn from_wire(seconds: i32, fraction: u32) -> Option<Self> {
        if seconds < 0 {
            return None;
        }
        if seconds == i32::MAX {
            return Some(Self::INFINITE);
        }
        let nanos = (fraction as u64).wrapping_mul(1_000_000_000).wrapping_shr(32);
        Some(Self((seconds as u64).wrapping_mul(1_000_000_000).wrapping_add(nanos)))
    }
}

impl From<core::time::Duration> for Duration {
    /// Spans above 584 years are infinite.
    fn from(duration: core::time::Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_nanos() {
            Some(nanos) => write!(f, "{:?}", core::time::Duration::from_nanos(nanos)),
            None => f.write_str("infinite"),
        }
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Duration({self})")
    }
}
