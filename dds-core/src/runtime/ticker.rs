//! The monotonic clock, told between two looks at the system's by the processor's counter.
//!
//! A look at the system's clock waits for all instructions before it to end. That costs as much as a tenth of all
//! that is done for a small sample; the counter by which that clock goes costs less than half. So each thread looks
//! at the clock once a millisecond and counts from there, at a rate a little below the true one, so that its time
//! never goes back at the next look.
#![expect(clippy::disallowed_methods, reason = "this is where the time that all others are given is read")]

use std::{cell::Cell, sync::OnceLock, time::Instant};

use dds_transport::TickCounter;
use parking_lot::Mutex;

/// Binary places after the point of a rate, which is in nanoseconds a tick.
const FRACTION: u32 = 32;
/// How long a thread counts from one look at the clock.
const LOOK_EVERY: u64 = 1_000_000;
/// How long the rate is measured at least, and at most.
const MEASURED: std::ops::Range<u64> = 20_000_000..1_000_000_000;
/// A clock that was read within so many ticks was read at one moment.
const MOMENT: u64 = 8_000;
/// The rate is taken for less than it is, by one part in 2¹³: more than it is measured wrong.
const SLOWER: u32 = 13;
/// A rate that changes by more than one part in 2¹⁰ is none: the system slept, or was moved to another machine.
const STEADY: u32 = 10;

/// Where a thread counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Anchor {
    ticks: u64,
    nanos: u64,
    rate: u64,
    /// For how many ticks it holds.
    valid: u64,
}

impl Anchor {
    const NONE: Self = Self { ticks: 0, nanos: 0, rate: 0, valid: 0 };

    /// With a rate of zero it holds for no time.
    fn new(ticks: u64, nanos: u64, rate: u64) -> Self {
        Self { ticks, nanos, rate, valid: (LOOK_EVERY << FRACTION).checked_div(rate).unwrap_or(0) }
    }

    /// The time at `ticks`, while it holds.
    fn at(&self, ticks: u64) -> Option<u64> {
        let since = ticks.wrapping_sub(self.ticks);
        (since < self.valid).then(|| self.after(since))
    }

    fn after(&self, since: u64) -> u64 {
        // `since` is below `valid`, so that the product is below 2⁵³.
        self.nanos.saturating_add(since.wrapping_mul(self.rate) >> FRACTION)
    }

    /// The latest time that it has told, or can have, by `ticks`.
    fn told(&self, ticks: u64) -> u64 {
        self.after(ticks.wrapping_sub(self.ticks).min(self.valid))
    }
}

thread_local! {
    static ANCHOR: Cell<Anchor> = const { Cell::new(Anchor::NONE) };
}

/// Measures the counter's rate.
#[derive(Debug)]
struct Baseline {
    ticks: u64,
    nanos: u64,
    /// Zero while it is not known.
    rate: u64,
}

impl Baseline {
    /// The rate, now that the clock showed `nanos` when the counter stood at `ticks`.
    fn follow(&mut self, ticks: u64, nanos: u64) -> u64 {
        let elapsed = nanos.saturating_sub(self.nanos);
        if elapsed < MEASURED.start {
            return self.rate;
        }
        let ticked = u128::from(ticks.wrapping_sub(self.ticks));
        let rate = (u128::from(elapsed) << FRACTION).checked_div(ticked).unwrap_or(0);
        let rate = u64::try_from(rate).unwrap_or(0);
        let rate = rate - (rate >> SLOWER);
        let is_steady = self.rate == 0 || rate.abs_diff(self.rate) <= self.rate >> STEADY;
        // Between a thirtieth of a gigahertz and thirty.
        let is_likely = (1 << (FRACTION - 5)..1 << (FRACTION + 5)).contains(&rate);
        self.rate = if is_steady && is_likely { rate } else { 0 };
        if self.rate == 0 || elapsed >= MEASURED.end {
            (self.ticks, self.nanos) = (ticks, nanos);
        }
        self.rate
    }
}

/// The process's monotonic clock.
#[derive(Debug)]
pub(super) struct Ticker {
    origin: Instant,
    /// Where there is a counter to trust.
    counting: Option<(TickCounter, Mutex<Baseline>)>,
}

impl Ticker {
    /// The one there is.
    pub(super) fn get() -> &'static Self {
        static TICKER: OnceLock<Ticker> = OnceLock::new();
        TICKER.get_or_init(Self::new)
    }

    fn new() -> Self {
        let origin = Instant::now();
        let begin = |counter| {
            // The thread may be interrupted between the two.
            let (ticks, nanos, _) = (0..10).map(|_| look(origin, &counter)).find(|(.., exact)| *exact)?;
            Some((counter, Mutex::new(Baseline { ticks, nanos, rate: 0 })))
        };
        Self { origin, counting: TickCounter::find().and_then(begin) }
    }

    /// Nanoseconds since some moment before. A thread's time never goes back, and is never ahead of the system's.
    #[inline]
    pub(super) fn nanos(&self) -> u64 {
        let Some((counter, baseline)) = &self.counting else { return elapsed(self.origin) };
        match ANCHOR.get().at(counter.read()) {
            Some(nanos) => nanos,
            None => self.look(counter, baseline),
        }
    }

    #[cold]
    fn look(&self, counter: &TickCounter, baseline: &Mutex<Baseline>) -> u64 {
        let (ticks, nanos, is_exact) = look(self.origin, counter);
        let rate = match baseline.try_lock() {
            Some(mut baseline) if is_exact => baseline.follow(ticks, nanos),
            Some(baseline) => baseline.rate,
            None => 0,
        };
        let nanos = nanos.max(ANCHOR.get().told(ticks));
        ANCHOR.set(Anchor::new(ticks, nanos, rate));
        nanos
    }
}

fn elapsed(origin: Instant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// The clock, the counter just after it, and whether both were read at one moment.
fn look(origin: Instant, counter: &TickCounter) -> (u64, u64, bool) {
    let before = counter.read();
    let nanos = elapsed(origin);
    let ticks = counter.read();
    (ticks, nanos, ticks.wrapping_sub(before) < MOMENT)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_time_never_goes_back_and_lies_between_two_looks_at_the_clock() {
        // More than the rate is below the true one, and than the clock is slewed, within a millisecond.
        const LATE: u64 = 50_000;
        let ticker = Ticker::get();
        let (mut last, mut counted) = (0, 0_u32);
        let end = elapsed(ticker.origin) + 3 * MEASURED.start;
        while elapsed(ticker.origin) < end {
            let before = elapsed(ticker.origin);
            let nanos = ticker.nanos();
            let after = elapsed(ticker.origin);
            assert!(
                nanos >= last && nanos <= after && nanos + LATE >= before,
                "{last} {before} {nanos} {after}"
            );
            last = nanos;
            counted += u32::from(ANCHOR.get().valid > 0);
        }
        assert_eq!(counted > 0, ticker.counting.is_some());
    }

    #[test]
    fn a_counter_that_changes_its_rate_is_measured_anew() {
        let mut baseline = Baseline { ticks: 0, nanos: 0, rate: 0 };
        assert_eq!(baseline.follow(1_000, 500), 0);
        let half = 1 << (FRACTION - 1);
        let rate = baseline.follow(100_000_000, 50_000_000);
        assert_eq!(rate, half - (half >> SLOWER));
        // The system slept, and the counter went on.
        assert_eq!(baseline.follow(900_000_000, 80_000_000), 0);
        assert_eq!(baseline.follow(900_001_000, 80_000_500), 0);
        assert_eq!(baseline.follow(1_000_000_000, 130_000_000), rate);
        assert_eq!(baseline.follow(1_000_000_000, 1_000_000_000), 0);
    }

    proptest! {
        /// Whatever the clock and the counter do, a thread's time does not go back.
        #[test]
        fn anchors_follow_each_other(
            steps in prop::collection::vec((0u64..5_000_000, 0u64..5_000_000, 0u64..1 << 36), 1..50),
        ) {
            let (mut ticks, mut clock, mut last, mut anchor) = (u64::MAX - 3_000_000, 0_u64, 0, Anchor::NONE);
            for (ticked, passed, rate) in steps {
                ticks = ticks.wrapping_add(ticked);
                clock += passed;
                let nanos = match anchor.at(ticks) {
                    Some(nanos) => nanos,
                    None => {
                        let nanos = clock.max(anchor.told(ticks));
                        anchor = Anchor::new(ticks, nanos, rate);
                        nanos
                    }
                };
                prop_assert!(nanos >= last);
                last = nanos;
            }
        }
    }
}
