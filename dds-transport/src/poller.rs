//! Waiting for several sockets, a deadline and a wake from another thread.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use crate::sys;

/// Names a source in a [`Poller`]: 0 to [`Token::LARGEST`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(pub u8);

impl Token {
    /// The largest token: a [`Ready`] is a set of 64 bits and one is the waker's.
    pub const LARGEST: u8 = 62;
}

const WAKER_BIT: u8 = 63;

/// The sources that were ready when a wait ended. Iterates over their tokens, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ready(u64);

impl Ready {
    /// Whether a [`Waker`] was used.
    #[must_use]
    pub fn is_woken(self) -> bool {
        self.0 & (1 << WAKER_BIT) != 0
    }

    /// Whether the source of this token has something to receive.
    #[must_use]
    pub fn contains(self, token: Token) -> bool {
        token.0 <= Token::LARGEST && self.0 & (1 << token.0) != 0
    }

    /// Whether the wait ended by its timeout (or for no visible reason).
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn insert(&mut self, token: Token) {
        self.0 |= 1 << (token.0 & 63);
    }

    pub(crate) fn remove(&mut self, token: Token) {
        self.0 &= !(1 << (token.0 & 63));
    }

    pub(crate) fn insert_waker(&mut self) {
        self.0 |= 1 << WAKER_BIT;
    }
}

impl Iterator for Ready {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        let sources = self.0 & !(1 << WAKER_BIT);
        if sources == 0 {
            return None;
        }
        // At most 62 here.
        let token = Token(sources.trailing_zeros() as u8);
        self.remove(token);
        Some(token)
    }
}

/// Waits for any of its sources to become readable. Level-triggered: a source stays ready until it has been
/// emptied.
#[derive(Debug, Clone)]
pub struct Poller {
    poller: Arc<sys::Poller>,
}

impl Poller {
    /// A poller with a waker and no sources.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn new() -> io::Result<Self> {
        Ok(Self { poller: Arc::new(sys::Poller::new()?) })
    }

    /// Adds a source, which must be [removed](Self::remove) before it is closed.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] when the token is too large; else what the operating system reports.
    pub fn add(&self, source: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        if token.0 > Token::LARGEST {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.poller.add(source, token)
    }

    /// As [`add`](Self::add), for an event counter that is written to and never read.
    #[cfg(all(target_os = "linux", not(dds_transport_portable)))]
    pub(crate) fn add_edge_triggered(&self, source: BorrowedFd<'_>, token: Token) -> io::Result<()> {
        self.poller.add_edge_triggered(source, token)
    }

    /// Removes a source.
    ///
    /// # Errors
    /// What the operating system reports, e.g. that it was not there.
    pub fn remove(&self, source: BorrowedFd<'_>) -> io::Result<()> {
        self.poller.remove(source)
    }

    /// Waits until a source is ready, the waker is used or `timeout` has passed (`None`: never). May return
    /// early with an empty set. A wake between two waits ends the next one at once. Meant for one waiting
    /// thread at a time: of several, any one is woken.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<Ready> {
        self.poller.wait(timeout)
    }

    /// Whether the waker was used and no wait has ended by it yet: the next one ends at once.
    #[inline]
    #[must_use]
    pub fn is_woken(&self) -> bool {
        self.poller.is_woken()
    }

    /// A handle to end a wait from another thread.
    #[must_use]
    pub fn waker(&self) -> Waker {
        Waker { poller: Arc::clone(&self.poller) }
    }
}

/// Ends a [`Poller::wait`] from another thread. A second wake before the waiter has seen the first costs no
/// system call.
#[derive(Debug, Clone)]
pub struct Waker {
    poller: Arc<sys::Poller>,
}

impl Waker {
    /// Ends the current wait, or else the next one.
    pub fn wake(&self) {
        self.poller.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn wake_before_wait_is_kept_and_consumed() {
        let poller = Poller::new().unwrap();
        let waker = poller.waker();
        assert!(!poller.is_woken());
        waker.wake();
        waker.wake();
        assert!(poller.is_woken());
        assert!(poller.wait(None).unwrap().is_woken());
        assert!(!poller.is_woken());
        assert!(poller.wait(Some(Duration::ZERO)).unwrap().is_empty());
        waker.wake();
        assert!(poller.wait(None).unwrap().is_woken());
    }

    #[test]
    fn wake_from_another_thread() {
        let poller = Poller::new().unwrap();
        let waker = poller.waker();
        std::thread::scope(|scope| {
            scope.spawn(move || waker.wake());
            assert!(poller.wait(None).unwrap().is_woken());
        });
    }

    #[test]
    fn timeout_is_not_early() {
        let poller = Poller::new().unwrap();
        let timeout = Duration::from_micros(300);
        let start = Instant::now();
        assert!(poller.wait(Some(timeout)).unwrap().is_empty());
        assert!(start.elapsed() >= timeout);
    }

    #[test]
    fn token_out_of_range() {
        let poller = Poller::new().unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let error = poller.add(std::os::fd::AsFd::as_fd(&socket), Token(63)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn ready_iterates_over_sources_only() {
        let mut ready = Ready::default();
        ready.insert(Token(62));
        ready.insert(Token(3));
        ready.insert_waker();
        assert!(ready.contains(Token(3)) && !ready.contains(Token(4)) && !ready.contains(Token(63)));
        assert_eq!(ready.collect::<Vec<_>>(), [Token(3), Token(62)]);
        assert!(ready.is_woken());
    }
}
