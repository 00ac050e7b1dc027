//! What both sides say before memory is shared: sockets, messages and descriptors.
//!
//! The sender connects to the receiver's socket and sends a [`Hello`] with three descriptors, the segments of
//! its ring and of its pool and an eventfd; the receiver answers with one [`Answer`]. After that the connection only shows by its end
//! that the other side is gone.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};

use super::super::check;
use crate::shared_memory::{SharedMemoryName, SharedMemoryRefusal};

/// Changes with everything two sides must agree on.
const VERSION: [u8; 8] = *b"ddsshm\x00\x02";

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 64;

/// What a sender says first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hello {
    /// Proves that the sender heard the receiver's announcement.
    pub(super) token: [u8; 8],
    /// The sender's own name.
    pub(super) name: SharedMemoryName,
    /// Bytes of records in its ring.
    pub(super) ring_bytes: u64,
    /// Bytes of slots in its pool.
    pub(super) pool_bytes: u64,
    /// The bit in the words of its pool that is the receiver's.
    pub(super) receiver: u32,
}

/// What a sender hands over.
#[derive(Debug)]
pub(super) struct Descriptors<D> {
    pub(super) ring: D,
    pub(super) pool: D,
    pub(super) event: D,
}

const HELLO_SIZE: usize = 52;

impl Hello {
    fn to_bytes(self) -> [u8; HELLO_SIZE] {
        let mut bytes = [0; HELLO_SIZE];
        let parts = [
            &VERSION[..],
            &self.token,
            &self.name.0,
            &self.ring_bytes.to_le_bytes(),
            &self.pool_bytes.to_le_bytes(),
            &self.receiver.to_le_bytes(),
        ];
        for (to, from) in bytes.iter_mut().zip(parts.concat()) {
            *to = from;
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HELLO_SIZE] = bytes.try_into().ok()?;
        let (version, rest) = bytes.split_first_chunk::<8>()?;
        let (token, rest) = rest.split_first_chunk()?;
        let (name, rest) = rest.split_first_chunk()?;
        let (ring_bytes, rest) = rest.split_first_chunk()?;
        let (pool_bytes, rest) = rest.split_first_chunk()?;
        let (receiver, _) = rest.split_first_chunk()?;
        let hello = Self {
            token: *token,
            name: SharedMemoryName(*name),
            ring_bytes: u64::from_le_bytes(*ring_bytes),
            pool_bytes: u64::from_le_bytes(*pool_bytes),
            receiver: u32::from_le_bytes(*receiver),
        };
        (*version == VERSION).then_some(hello)
    }
}

/// What a receiver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Answer {
    Accepted = 0,
    OtherUser = 1,
    WrongToken = 2,
    TooMany = 3,
    Malformed = 4,
    BadSegment = 5,
}

impl Answer {
    const ALL: [Self; 6] =
        [Self::Accepted, Self::OtherUser, Self::WrongToken, Self::TooMany, Self::Malformed, Self::BadSegment];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| *answer as u8 == byte)
    }
}

/// What arrived on a connection.
#[derive(Debug)]
pub(super) enum Arrived<T> {
    Nothing,
    Message(T),
    /// Neither of ours nor of our version.
    Nonsense,
    /// The other side closed it.
    End,
}

fn address(name: SharedMemoryName) -> io::Result<SocketAddrUnix> {
    use std::fmt::Write;
    let mut text = String::from("dds/");
    for byte in name.id() {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(SocketAddrUnix::new_abstract_name(text.as_bytes())?)
}

fn socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// A socket in no file system: it is gone with its last holder.
pub(super) fn listen(name: SharedMemoryName) -> io::Result<OwnedFd> {
    let socket = socket()?;
    rustix::net::bind(&socket, &address(name)?)?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// The next connection that waits, if any.
pub(super) fn accept(listener: &OwnedFd) -> io::Result<Option<OwnedFd>> {
    match rustix::net::accept_with(listener, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
        Ok(connection) => Ok(Some(connection)),
        Err(error) if would_block(error) => Ok(None),
        // Gone before it was accepted.
        Err(rustix::io::Errno::CONNABORTED | rustix::io::Errno::INTR) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A connection to the process of that name, if it is one of this user.
pub(super) fn connect(name: SharedMemoryName) -> Result<OwnedFd, SharedMemoryRefusal> {
    let failed = |error: io::Error| SharedMemoryRefusal::failed("connecting", &error);
    let socket = socket().map_err(failed)?;
    match rustix::net::connect(&socket, &address(name).map_err(failed)?) {
        Ok(()) => {}
        Err(rustix::io::Errno::CONNREFUSED) => return Err(SharedMemoryRefusal::NotHere),
        Err(error) if would_block(error) => return Err(SharedMemoryRefusal::TooMany),
        Err(error) => return Err(failed(error.into())),
    }
    let theirs = user_of(&socket).map_err(failed)?;
    let ours = own_user();
    if theirs != ours {
        return Err(SharedMemoryRefusal::OtherUser { ours, theirs: Some(theirs) });
    }
    Ok(socket)
}

/// The effective user of this process.
pub(super) fn own_user() -> u32 {
    // SAFETY: cannot fail and has no effect.
    unsafe { libc::geteuid() }
}

/// The effective user who connected or listened at the other end.
///
/// Not by rustix, whose process numbers are never 0: a process in another PID namespace has that one.
pub(super) fn user_of(socket: &OwnedFd) -> io::Result<u32> {
    let mut credentials = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `credentials` is valid for writing `length` bytes.
    check(unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &mut length,
        )
    })?;
    if length as usize != size_of::<libc::ucred>() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(credentials.uid)
}

pub(super) fn send_hello(
    socket: &OwnedFd,
    hello: Hello,
    descriptors: &Descriptors<BorrowedFd<'_>>,
) -> io::Result<()> {
    let descriptors = [descriptors.ring, descriptors.pool, descriptors.event];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let bytes = hello.to_bytes();
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    rustix::net::sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, flags)?;
    Ok(())
}

/// A hello with what it hands over.
pub(super) fn receive_hello(socket: &OwnedFd) -> Arrived<(Hello, Descriptors<OwnedFd>)> {
    // One byte more than it should have: what is longer is none.
    let mut bytes = [0; HELLO_SIZE + 1];
    let mut descriptors = Vec::new();
    match receive(socket, &mut bytes, &mut descriptors) {
        Ok(None) => Arrived::Nothing,
        Ok(Some(0)) | Err(_) => Arrived::End,
        Ok(Some(length)) => {
            let hello = bytes.get(..length).and_then(Hello::from_bytes);
            match (hello, <[OwnedFd; 3]>::try_from(descriptors)) {
                (Some(hello), Ok([ring, pool, event])) => {
                    Arrived::Message((hello, Descriptors { ring, pool, event }))
                }
                _ => Arrived::Nonsense,
            }
        }
    }
}

pub(super) fn send_answer(socket: &OwnedFd, answer: Answer) -> io::Result<()> {
    let [a, b, c, d, e, f, g, h] = VERSION;
    let bytes = [a, b, c, d, e, f, g, h, answer as u8];
    rustix::net::send(socket, &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    Ok(())
}

pub(super) fn receive_answer(socket: &OwnedFd) -> Arrived<Answer> {
    let mut bytes = [0; 10];
    match receive(socket, &mut bytes, &mut Vec::new()) {
        Ok(None) => Arrived::Nothing,
        Ok(Some(0)) | Err(_) => Arrived::End,
        Ok(Some(length)) => {
            let answer = match bytes.get(..length).and_then(|bytes| bytes.strip_prefix(&VERSION)) {
                Some([byte]) => Answer::from_byte(*byte),
                _ => None,
            };
            answer.map_or(Arrived::Nonsense, Arrived::Message)
        }
    }
}

/// One message and at most three descriptors; the system closes what is beyond that.
fn receive(socket: &OwnedFd, bytes: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<Option<usize>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(socket.as_fd(), &mut [IoSliceMut::new(bytes)], &mut control, flags);
    let length = match received {
        Ok(message) => message.bytes,
        Err(error) if would_block(error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
        }
    }
    Ok(Some(length))
}

fn would_block(error: rustix::io::Errno) -> bool {
    error == rustix::io::Errno::AGAIN || error == rustix::io::Errno::WOULDBLOCK
}
