//! poll(2) with a socket pair as waker.

use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::poller::{Ready, Token};

/// See [`crate::Poller`].
#[derive(Debug)]
pub(crate) struct Poller {
    sources: Mutex<Vec<(RawFd, Token)>>,
    wake_sender: UnixStream,
    wake_receiver: UnixStream,
    wake_pending: AtomicBool,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Self> {
        let (wake_sender, wake_receiver) = UnixStream::pair()?;
        wake_sender.set_nonblocking(true)?;
        wake_receiver.set_nonblocking(true)?;
        let sources = Mutex::new(Vec::new());
        Ok(Self { sources, wake_sender, wake_receiver, wake_pending: AtomicBool::new(false) })
    }

    pub(crate) fn add(&self, source: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        sources.push((source.as_raw_fd(), token));
        Ok(())
    }

    pub(crate) fn remove(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sources.len();
        sources.retain(|(descriptor, _)| *descriptor != source.as_raw_fd());
        if sources.len() == before { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
    }

    pub(crate) fn wait(&self, timeout: Option<Duration>) -> io::Result<Ready> {
        let polled = |descriptor| libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
        let mut descriptors = [polled(self.wake_receiver.as_raw_fd()); 64];
        let mut tokens = [Token(0); 64];
        let mut count = 1;
        for &(descriptor, token) in
            self.sources.lock().unwrap_or_else(PoisonError::into_inner).iter().take(63)
        {
            descriptors[count] = polled(descriptor);
            tokens[count] = token;
            count += 1;
        }
        // Rounded up: never early.
        let milliseconds = timeout.map_or(-1, |timeout| {
            libc::c_int::try_from(timeout.as_nanos().div_ceil(1_000_000)).unwrap_or(libc::c_int::MAX)
        });
        // SAFETY: the first `count` entries are valid pollfds.
        let result = unsafe { libc::poll(descriptors.as_mut_ptr(), count as libc::nfds_t, milliseconds) };
        if result < 0 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            return Ok(Ready::default());
        }
        let mut ready = Ready::default();
        if descriptors[0].revents != 0 {
            ready.insert_waker();
            let mut bytes = [0; 64];
            while matches!((&self.wake_receiver).read(&mut bytes), Ok(count) if count == bytes.len()) {}
            self.wake_pending.swap(false, Ordering::AcqRel);
        }
        for (descriptor, token) in descriptors.iter().zip(tokens).take(count).skip(1) {
            if descriptor.revents != 0 {
                ready.insert(token);
            }
        }
        Ok(ready)
    }

    #[inline]
    pub(crate) fn is_woken(&self) -> bool {
        self.wake_pending.load(Ordering::Relaxed)
    }

    pub(crate) fn wake(&self) {
        if !self.wake_pending.swap(true, Ordering::AcqRel) {
            // A full pipe holds a wake already.
            let _ = (&self.wake_sender).write(&[1]);
        }
    }
}
