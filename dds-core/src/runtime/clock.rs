//! The time of day and that since the process began, together.
#![expect(clippy::disallowed_methods, reason = "this is where the time that all others are given is read")]

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use dds_rtps::time::{Monotonic, Now, Timestamp};

use super::ticker::Ticker;

/// Tells the time by the process's monotonic clock: the wall clock is read once a second only, in between
/// it advances with the monotonic one. A step of the system's clock is thus followed within a second.
#[derive(Debug)]
pub(crate) struct SystemClock {
    ticker: &'static Ticker,
    /// Wall time at the monotonic origin, in nanoseconds since the Unix epoch.
    wall_at_origin: AtomicU64,
    next_look: AtomicU64,
}

const LOOK_EVERY: u64 = 1_000_000_000;

impl SystemClock {
    pub(crate) fn new() -> Self {
        let clock =
            Self { ticker: Ticker::get(), wall_at_origin: AtomicU64::new(0), next_look: AtomicU64::new(0) };
        clock.now();
        clock
    }

    pub(crate) fn now(&self) -> Now {
        // Monotonic times start at one second, so that «a while ago» exists from the start.
        let monotonic = self.ticker.nanos().saturating_add(LOOK_EVERY);
        if monotonic >= self.next_look.load(Ordering::Relaxed) {
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
            let wall = u64::try_from(wall).unwrap_or(u64::MAX);
            self.wall_at_origin.store(wall.saturating_sub(monotonic), Ordering::Relaxed);
            self.next_look.store(monotonic.saturating_add(LOOK_EVERY), Ordering::Relaxed);
        }
        let wall = self.wall_at_origin.load(Ordering::Relaxed).saturating_add(monotonic);
        Now { monotonic: Monotonic::from_nanos(monotonic), wall: Timestamp::from_nanos(wall) }
    }
}
