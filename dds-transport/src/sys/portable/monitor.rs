//! Interface changes by looking again from time to time.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Often enough to follow a person who plugs a cable, rare enough to cost nothing.
const PERIOD: Duration = Duration::from_secs(3);

/// See [`InterfaceMonitor`](crate::interface::InterfaceMonitor).
#[derive(Debug)]
pub(crate) struct ChangeSource {
    last_look: Mutex<Instant>,
}

impl ChangeSource {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { last_look: Mutex::new(Instant::now()) })
    }

    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    pub(crate) fn poll_period(&self) -> Option<Duration> {
        Some(PERIOD)
    }

    pub(crate) fn drain(&self) -> bool {
        let mut last_look = self.last_look.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last_look.elapsed() >= PERIOD;
        if is_due {
            *last_look = Instant::now();
        }
        is_due
    }
}
