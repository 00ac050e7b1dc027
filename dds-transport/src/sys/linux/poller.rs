//! epoll with an eventfd as waker.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::check;
use crate::poller::{Ready, Token};

const WAKER: u64 = u64::MAX;

/// See [`crate::Poller`].
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
    event: OwnedFd,
    /// Whether a wake is under way that the waiter has not seen yet.
    wake_pending: AtomicBool,
    /// Cleared once on kernels before 5.11.
    has_epoll_pwait2: AtomicBool,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: creates a descriptor.
        let epoll = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is open and ours alone.
        let epoll = unsafe { OwnedFd::from_raw_fd(epoll) };
        // SAFETY: creates a descriptor.
        let event = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the descriptor is open and ours alone.
        let event = unsafe { OwnedFd::from_raw_fd(event) };
        let poller = Self {
            epoll,
            event,
            wake_pending: AtomicBool::new(false),
            has_epoll_pwait2: AtomicBool::new(true),
        };
        // Edge-triggered, so that it never needs to be read: each write is an edge.
        poller.control(
            libc::EPOLL_CTL_ADD,
            poller.event.as_raw_fd(),
            libc::EPOLLIN | libc::EPOLLET,
            WAKER,
        )?;
        Ok(poller)
    }

    pub(crate) fn add(&self, source: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, source.as_raw_fd(), libc::EPOLLIN, u64::from(token.0))
    }

    /// As [`add`](Self::add), but reports each write once: the source never needs to be read.
    pub(crate) fn add_edge_triggered(&self, source: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        let events = libc::EPOLLIN | libc::EPOLLET;
        self.control(libc::EPOLL_CTL_ADD, source.as_raw_fd(), events, u64::from(token.0))
    }

    pub(crate) fn remove(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, source.as_raw_fd(), 0, 0)
    }

    fn control(
        &self,
        operation: libc::c_int,
        source: libc::c_int,
        events: libc::c_int,
        data: u64,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events.cast_unsigned(), u64: data };
        // SAFETY: both descriptors are open and `event` is a valid epoll_event.
        check(unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, source, &mut event) })?;
        Ok(())
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<Ready> {
        // One event for each possible token and the waker: none can starve.
        let mut events = [const { MaybeUninit::uninit() }; 64];
        let count = match self.wait_for_events(&mut events, timeout) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        let mut ready = Ready::default();
        for event in events.iter().take(count) {
            // SAFETY: the system has written `count` of them.
            match unsafe { event.assume_init_ref() }.u64 {
                WAKER => {
                    ready.insert_waker();
                    // Read-modify-write: a waker that saw `true` before this has its writes visible to us;
                    // one after it writes to the eventfd again.
                    self.wake_pending.swap(false, Ordering::AcqRel);
                }
                // Tokens are at most 62.
                token => ready.insert(Token(token as u8)),
            }
        }
        Ok(ready)
    }

    fn wait_for_events(
        &self,
        events: &mut [MaybeUninit<libc::epoll_event>],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        // The other call can say no more of these two, and takes longer.
        let is_in_milliseconds = timeout.is_none_or(|timeout| timeout.is_zero());
        if !is_in_milliseconds && self.has_epoll_pwait2.load(Ordering::Relaxed) {
            match self.epoll_pwait2(events, timeout) {
                Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                    self.has_epoll_pwait2.store(false, Ordering::Relaxed);
                }
                result => return result,
            }
        }
        // Rounded up: never early.
        let milliseconds = timeout.map_or(-1, |timeout| {
            libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
        });
        let room = events.len() as libc::c_int;
        // SAFETY: `events` is valid for writing `room` events.
        let count = check(unsafe {
            libc::epoll_wait(self.epoll.as_raw_fd(), events.as_mut_ptr().cast(), room, milliseconds)
        })?;
        Ok(count as usize)
    }

    /// Called by number: glibc has it from 2.35 only.
    fn epoll_pwait2(
        &self,
        events: &mut [MaybeUninit<libc::epoll_event>],
        timeout: Option<Duration>,
    ) -> io::Result<usize> {
        let limit = timeout.map(|timeout| libc::timespec {
            tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
            tv_nsec: timeout.subsec_nanos() as _,
        });
        let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: `events` is valid for writing its length; `limit` is null or a valid timespec; no signal
        // mask is given, so its size is not looked at.
        let count = unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                events.len() as libc::c_int,
                limit,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        };
        usize::try_from(count).map_err(|_| io::Error::last_os_error())
    }

    #[inline]
    pub(crate) fn is_woken(&self) -> bool {
        self.wake_pending.load(Ordering::Relaxed)
    }

    pub(crate) fn wake(&self) {
        if self.wake_pending.swap(true, Ordering::AcqRel) {
            return;
        }
        let one = 1u64;
        // SAFETY: writes eight bytes of a valid u64. It cannot fail but by overflow after 2^64 wakes.
        unsafe { libc::write(self.event.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }
}
