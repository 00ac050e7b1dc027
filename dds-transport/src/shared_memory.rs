//! Messages between processes of one host and user, through memory that they share.
//!
//! Each process has a [name](SharedMemoryName), which it tells others by whatever means. Whoever wants to
//! send [connects](SharedMemory::connect) to a name and then sends messages of any content, which arrive
//! whole and in order, or not at all when the receiver does not keep up. A way leads in one direction:
//! answers take another.
//!
//! Nothing lies in a file system: segments are anonymous, sealed files, sockets have abstract names, and all
//! of it is gone with the processes, however they end. An abstract name exists in one network namespace
//! only, and the system tells the user at the other end, so that connecting proves the same host and user.
//! A peer of the same user is trusted as far as the system trusts it, which lets it stop and debug us; but
//! what it writes is checked, so that its mistakes end in a closed connection.
//!
//! A large message may lie in [memory of the sender](SharedMemory::allocate) that receivers read without a copy;
//! it is used again when nobody holds the message any more.
//!
//! | side | does |
//! |---|---|
//! | [`SharedMemory`] | connects and sends, from any thread, never blocking |
//! | [`SharedMemoryReceiver`] | accepts and receives, on the thread that waits for the [`Poller`] |

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut, Range};
use std::sync::Arc;

use crate::error::SendError;
use crate::poller::{Poller, Token};
use crate::sys;

/// The poller's token of new connections and of ends of old ones.
pub(crate) const CONTROL: Token = Token(Token::LARGEST - 1);
/// The poller's token of messages.
pub(crate) const MESSAGES: Token = Token(Token::LARGEST - 2);

/// Names a process's receiving end: half of it the address of its socket, half what a connection must know.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SharedMemoryName(pub [u8; 16]);

impl SharedMemoryName {
    /// The half that everybody on this host can see.
    pub(crate) fn id(self) -> [u8; 8] {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// The half that only those know who were told the name.
    #[cfg(all(target_os = "linux", not(dds_transport_portable)))]
    pub(crate) fn token(self) -> [u8; 8] {
        self.0.last_chunk().copied().unwrap_or_default()
    }
}

impl fmt::Debug for SharedMemoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The other half is nobody's business.
        write!(f, "SharedMemoryName({:016x}…)", u64::from_be_bytes(self.id()))
    }
}

/// How much memory is shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedMemoryConfig {
    /// Bytes of messages that may be on the way to each process, rounded up to a power of two within
    /// 256 KiB and 64 MiB. Default 8 MiB: four full windows of a KEEP_ALL writer, so that what is sent arrives;
    /// memory is taken up only as far as messages really wait. Eight times as many are there for what is lent,
    /// for all receivers together.
    pub ring_bytes: usize,
}

impl SharedMemoryConfig {
    pub(crate) const SMALLEST: usize = 256 << 10;
    pub(crate) const LARGEST: usize = 64 << 20;

    /// The bytes that there really are.
    #[must_use]
    pub fn effective_ring_bytes(self) -> usize {
        self.ring_bytes.clamp(Self::SMALLEST, Self::LARGEST).next_power_of_two()
    }

    /// The longest message that can be sent, in bytes: half of that, so that there is always a place for it once
    /// the ring is empty.
    #[must_use]
    pub fn longest_message(self) -> usize {
        self.effective_ring_bytes() / 2 - 64
    }
}

impl Default for SharedMemoryConfig {
    fn default() -> Self {
        Self { ring_bytes: 8 << 20 }
    }
}

/// Why no memory is shared with a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedMemoryRefusal {
    /// This system has no such memory.
    Unsupported,
    /// No process of that name listens in this network namespace: it is on another host, in another
    /// container, or gone.
    NotHere,
    /// It is one of another user.
    OtherUser {
        /// The effective user id of this process.
        ours: u32,
        /// Its own, if it was told.
        theirs: Option<u32>,
    },
    /// One side has as many connections as it takes.
    TooMany,
    /// It says that it never told us its name.
    WrongToken,
    /// It speaks another version, or none.
    OtherVersion,
    /// It refused our memory.
    BadSegment,
    /// It was there and is gone.
    Gone,
    /// A system call failed.
    Failed {
        /// At what.
        operation: &'static str,
        /// What the system said.
        reason: String,
    },
}

#[cfg(all(target_os = "linux", not(dds_transport_portable)))]
impl SharedMemoryRefusal {
    pub(crate) fn failed(operation: &'static str, error: &io::Error) -> Self {
        Self::Failed { operation, reason: error.to_string() }
    }
}

impl fmt::Display for SharedMemoryRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported => f.write_str("this system does not support it"),
            Self::NotHere => f.write_str(
                "nobody listens under its name here: it is on another host, in another network namespace, or gone",
            ),
            Self::OtherUser { ours, theirs: Some(theirs) } => {
                write!(f, "it runs as user {theirs}, we as user {ours}")
            }
            Self::OtherUser { ours, theirs: None } => write!(f, "it runs as another user than {ours}"),
            Self::TooMany => f.write_str("one side has as many connections as it takes"),
            Self::WrongToken => f.write_str("it says that it never told us its name"),
            Self::OtherVersion => f.write_str("it speaks another version"),
            Self::BadSegment => f.write_str("it refused our memory"),
            Self::Gone => f.write_str("it was there and is gone"),
            Self::Failed { operation, reason } => write!(f, "{operation} failed: {reason}"),
        }
    }
}

impl std::error::Error for SharedMemoryRefusal {}

/// What came of a way to another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedMemoryEvent {
    /// Messages can be sent.
    Opened {
        /// To whom.
        name: SharedMemoryName,
        /// The way.
        way: SharedMemoryWay,
    },
    /// No (more) messages can be sent.
    Closed {
        /// To whom.
        name: SharedMemoryName,
        /// Why.
        reason: SharedMemoryRefusal,
    },
}

/// Names an open way among those of one [`SharedMemory`], for sending without a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SharedMemoryWay(pub u32);

/// Connects to other processes and sends to them. See the [module](self).
#[derive(Debug, Clone)]
pub struct SharedMemory {
    system: Arc<sys::SharedMemory>,
}

impl SharedMemory {
    /// Listens under a `name` of random bytes. The receiving end belongs to the thread that waits for
    /// `poller`.
    ///
    /// # Errors
    /// [`io::ErrorKind::Unsupported`] where there is no such memory; else what the system reports.
    pub fn open(
        name: SharedMemoryName,
        config: SharedMemoryConfig,
        poller: &Poller,
    ) -> io::Result<(Self, SharedMemoryReceiver)> {
        let (system, receiver) = sys::SharedMemory::open(name, config, poller)?;
        Ok((Self { system }, SharedMemoryReceiver { system: receiver }))
    }

    /// The name under which others connect.
    #[must_use]
    pub fn name(&self) -> SharedMemoryName {
        self.system.name()
    }

    /// The way to a process, or `None` while one is being opened; then a [`SharedMemoryEvent`] follows.
    ///
    /// # Errors
    /// [`SharedMemoryRefusal`], per cause.
    pub fn connect(&self, name: SharedMemoryName) -> Result<Option<SharedMemoryWay>, SharedMemoryRefusal> {
        self.system.connect(name)
    }

    /// Closes the way to a process; no event follows.
    pub fn disconnect(&self, name: SharedMemoryName) {
        self.system.disconnect(name);
    }

    /// Memory for a message of `length` bytes that all receivers read without a copy; `None` while there is not
    /// enough.
    #[must_use]
    pub fn allocate(&self, length: usize) -> Option<SharedBuffer> {
        self.system.allocate(length).map(SharedBuffer)
    }

    /// As [`send`](Self::send), of a message with the bytes `own` and between them `parts`, at least one, of what is
    /// `lent` of a `message`. False, and nothing sent, where the receiver cannot be lent it: it holds some of it
    /// already, or there are too many receivers.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn send_lent(
        &self,
        (way, name): (SharedMemoryWay, SharedMemoryName),
        own: &[u8],
        parts: impl Iterator<Item = LentPart> + Clone,
        message: &SharedMessage,
        lent: Range<usize>,
    ) -> Result<bool, SendError> {
        self.system.send_slot(way, name, own, parts, &message.0, lent)
    }

    /// Wakes the processes that slept when they were sent to. To be called after all that is to be sent for now: one
    /// that is woken by the first of several messages may take that alone, and sleep again.
    #[inline]
    pub fn wake(&self) {
        self.system.wake();
    }

    /// Sends one message, in `pieces`, to the process `name` at the end of `way`. One that sleeps does so until
    /// [`wake`](Self::wake).
    ///
    /// # Errors
    /// [`SendError::WouldBlock`] when the receiver has not taken enough yet, [`SendError::TooLarge`] above half
    /// the ring, [`SendError::Unreachable`] when the way is closed.
    #[inline]
    pub fn send<'p>(
        &self,
        way: SharedMemoryWay,
        name: SharedMemoryName,
        pieces: impl Iterator<Item = &'p [u8]> + Clone,
    ) -> Result<(), SendError> {
        self.system.send(way, name, pieces)
    }
}

/// Memory for a large message, to be written. Its content is arbitrary.
#[derive(Debug)]
pub struct SharedBuffer(sys::SlotBuffer);

impl SharedBuffer {
    /// The message, which can be read and sent.
    #[must_use]
    pub fn freeze(self) -> SharedMessage {
        SharedMessage(self.0.freeze())
    }
}

impl Deref for SharedBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl DerefMut for SharedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.0
    }
}

/// A large message of this process, or part of one.
#[derive(Debug)]
pub struct SharedMessage(sys::SlotMessage);

impl Deref for SharedMessage {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Part of a message that lies in its sender's memory: where among the message's own bytes it belongs, and where among
/// those that are lent it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LentPart {
    /// Before which of the message's own bytes it belongs.
    pub at: u32,
    /// Its first byte among those that are lent.
    pub start: u32,
    /// How many bytes there are.
    pub length: u32,
}

/// What of a received message lies in the sender's memory. While it is held, a sender that keeps to
/// the rules does not change it. One that does not is a process of the same user: it could as well change
/// the memory of this process.
#[derive(Debug)]
pub struct LentBytes(sys::SlotReader);

impl LentBytes {
    /// How many messages of the same sender this process holds of which something is lent, with this one. The sender
    /// can use none of their memory.
    #[must_use]
    pub fn held(&self) -> usize {
        self.0.held()
    }
}

impl Deref for LentBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Accepts connections and receives messages. See the [module](self).
#[derive(Debug)]
pub struct SharedMemoryReceiver {
    system: sys::SharedMemoryReceiver,
}

impl SharedMemoryReceiver {
    /// Whether messages wait. If not, the poller tells of the next one.
    ///
    /// To be called before each wait.
    #[inline]
    #[must_use]
    pub fn has_messages(&mut self) -> bool {
        self.system.has_messages()
    }

    /// Whether messages wait, without asking to be told of the next one.
    #[inline]
    #[must_use]
    pub fn sees_messages(&self) -> bool {
        self.system.sees_messages()
    }

    /// Bytes of messages that wait, without what is lent with them; less than was claimed where that cannot be.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.system.waiting_bytes()
    }

    /// Hands the next messages of each sender, at most `most`, to `take`, one after the other in `buffer`; of some,
    /// parts lie elsewhere, which may be nonsense.
    #[inline]
    pub fn receive(
        &mut self,
        most: usize,
        buffer: &mut Vec<u8>,
        mut take: impl FnMut(SharedMemoryName, &[u8], Option<(LentBytes, &[LentPart])>),
    ) {
        self.system.receive(most, buffer, |sender, message, lent| {
            take(sender, message, lent.map(|(bytes, parts)| (LentBytes(bytes), parts)));
        });
    }

    /// Looks after connections: to be called when the poller says that there is something about them.
    pub fn serve(&mut self, events: &mut Vec<SharedMemoryEvent>) {
        self.system.serve(events);
    }

    /// How many processes send to this one.
    #[must_use]
    pub fn senders(&self) -> usize {
        self.system.senders()
    }
}
