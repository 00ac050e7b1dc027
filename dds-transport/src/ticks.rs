//! The processor's time-stamp counter.

use crate::sys;

/// A counter of the processor that goes up at one rate on all cores, and is read in fewer instructions than the
/// system's clock.
#[derive(Debug)]
pub struct TickCounter(sys::Ticks);

impl TickCounter {
    /// The counter, where there is one by which the kernel itself keeps time, so that it can be trusted.
    #[must_use]
    pub fn find() -> Option<Self> {
        sys::Ticks::find().map(Self)
    }

    /// What it stands at. The instruction may be executed earlier or later than those around it, by as much as a
    /// processor looks ahead.
    #[inline]
    #[must_use]
    pub fn read(&self) -> u64 {
        self.0.read()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_goes_up() {
        let Some(counter) = TickCounter::find() else { return };
        let first = counter.read();
        for _ in 0..1_000 {
            let _ = counter.read();
        }
        assert!(counter.read() > first);
    }
}
