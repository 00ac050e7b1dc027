//! The receiving end: accepts connections, takes messages out of rings.

use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rustix::event::epoll::{self, EventData, EventFlags};

use super::handshake::{self, Answer, Arrived, Descriptors, Hello};
use super::pool::{PeerPool, SlotReader};
use super::ring::{self, Popped, RingReader};
use super::{LISTENER, MOST_WAYS, OUTGOING, SharedMemory};
use crate::poller::Poller;
use crate::shared_memory::{LentPart, MESSAGES, SharedMemoryEvent, SharedMemoryName};

/// Connections that have said nothing yet; the oldest goes when there are more.
const MOST_ARRIVING: usize = 32;
/// Connections accepted before others get their turn.
const ACCEPTED_PER_TURN: usize = 16;
/// Bytes taken from one ring before others get their turn, and before readers see them: samples then are still in the
/// processor's cache, and are acknowledged while the sender goes on.
const BYTES_PER_TURN: usize = 64 << 10;
/// Connections looked after before others get their turn.
const EVENTS_PER_TURN: usize = 32;

/// See [`crate::SharedMemoryReceiver`].
#[derive(Debug)]
pub(crate) struct SharedMemoryReceiver {
    name: SharedMemoryName,
    listener: OwnedFd,
    /// Whether the listener is watched: not while there are no descriptors left to accept with.
    is_listening: bool,
    control: Arc<OwnedFd>,
    poller: Poller,
    /// The ways out, whose connections are looked after here too.
    ways: Option<Arc<SharedMemory>>,
    /// By number, ascending.
    arriving: Vec<(u64, OwnedFd)>,
    incoming: Vec<Incoming>,
    last_number: u64,
    /// Of the message at hand; kept for its memory.
    parts: Vec<LentPart>,
}

/// A way in.
#[derive(Debug)]
struct Incoming {
    number: u64,
    sender: SharedMemoryName,
    connection: Arc<OwnedFd>,
    /// In the poller, edge-triggered, so that it never needs to be read.
    event: OwnedFd,
    ring: RingReader,
    pool: Arc<PeerPool>,
    /// The sender is gone; what it sent before is still to be taken.
    has_ended: bool,
}

impl SharedMemoryReceiver {
    pub(super) fn new(
        name: SharedMemoryName,
        listener: OwnedFd,
        control: Arc<OwnedFd>,
        poller: &Poller,
    ) -> Self {
        Self {
            name,
            listener,
            is_listening: true,
            control,
            poller: poller.clone(),
            ways: None,
            arriving: Vec::new(),
            incoming: Vec::new(),
            last_number: 0,
            parts: Vec::new(),
        }
    }

    pub(super) fn with_ways(self, ways: Arc<SharedMemory>) -> Self {
        Self { ways: Some(ways), ..self }
    }

    pub(crate) fn senders(&self) -> usize {
        self.incoming.len()
    }

    #[inline]
    pub(crate) fn has_messages(&mut self) -> bool {
        if self.incoming.is_empty() {
            return false;
        }
        if self.sees_messages() {
            return true;
        }
        for way in &self.incoming {
            way.ring.ask_to_be_woken();
        }
        ring::rest();
        self.sees_messages()
    }

    #[inline]
    pub(crate) fn sees_messages(&self) -> bool {
        self.incoming.iter().any(|way| way.has_ended || way.ring.has_message())
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.incoming.iter().map(|way| way.ring.waiting_bytes()).sum()
    }

    #[inline]
    pub(crate) fn receive(
        &mut self,
        most: usize,
        buffer: &mut Vec<u8>,
        mut take: impl FnMut(SharedMemoryName, &[u8], Option<(SlotReader, &[LentPart])>),
    ) {
        let mut over = None;
        for (place, way) in self.incoming.iter_mut().enumerate() {
            let mut bytes = 0;
            for _ in 0..most {
                if bytes >= BYTES_PER_TURN {
                    break;
                }
                let popped = way.ring.pop(buffer, &mut self.parts).and_then(|popped| match popped {
                    Some(Popped::WithParts(place)) => {
                        way.pool.message(place).map(|lent| Some(Some(lent))).ok_or(ring::Broken)
                    }
                    Some(Popped::Whole) => Ok(Some(None)),
                    None => Ok(None),
                });
                match popped {
                    Ok(Some(lent)) => {
                        bytes += buffer.len();
                        take(way.sender, buffer, lent.map(|lent| (lent, &self.parts[..])));
                    }
                    Ok(None) if !way.has_ended => break,
                    Ok(None) => {
                        over = Some(place);
                        break;
                    }
                    Err(ring::Broken) => {
                        tracing::warn!(sender = ?way.sender, "what a process shared is damaged; it is heard no more");
                        // It shows to the sender.
                        let _ = rustix::net::shutdown(&way.connection, rustix::net::Shutdown::Both);
                        over = Some(place);
                        break;
                    }
                }
            }
        }
        // One at a time: the next turn finds the next.
        if let Some(place) = over {
            let way = self.incoming.swap_remove(place);
            self.leave(&way.connection);
            let _ = self.poller.remove(way.event.as_fd());
        }
    }

    pub(crate) fn serve(&mut self, events: &mut Vec<SharedMemoryEvent>) {
        let mut ready = [MaybeUninit::uninit(); EVENTS_PER_TURN];
        let no_time = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        let ready = match epoll::wait(&self.control, &mut ready, Some(&no_time)) {
            Ok((ready, _)) => ready,
            Err(error) => {
                if error != rustix::io::Errno::INTR {
                    tracing::error!(%error, "looking after shared memory failed");
                }
                return;
            }
        };
        for event in ready.iter() {
            match event.data.u64() {
                LISTENER => self.accept(),
                number if number & OUTGOING != 0 => {
                    if let Some(ways) = &self.ways {
                        ways.serve(number, events);
                    }
                }
                number => self.serve_incoming(number),
            }
        }
    }

    fn accept(&mut self) {
        for _ in 0..ACCEPTED_PER_TURN {
            match handshake::accept(&self.listener) {
                Ok(None) => return,
                Ok(Some(connection)) => self.welcome(connection),
                Err(error) => {
                    // No descriptors left, say. The listener would stay ready and the processor busy: it is
                    // watched again when a connection ends.
                    tracing::warn!(%error, "a process that wants to share memory cannot be accepted");
                    let _ = epoll::delete(&self.control, &self.listener);
                    self.is_listening = false;
                    return;
                }
            }
        }
    }

    fn welcome(&mut self, connection: OwnedFd) {
        let refusal = match handshake::user_of(&connection) {
            Ok(user) if user == handshake::own_user() => None,
            _ => Some(Answer::OtherUser),
        };
        let refusal = refusal.or((self.incoming.len() >= MOST_WAYS).then_some(Answer::TooMany));
        if let Some(answer) = refusal {
            let _ = handshake::send_answer(&connection, answer);
            return;
        }
        if self.arriving.len() >= MOST_ARRIVING {
            let (_, oldest) = self.arriving.remove(0);
            self.leave(&oldest);
        }
        self.last_number += 1;
        let number = self.last_number & !OUTGOING;
        let watched = EventFlags::IN | EventFlags::RDHUP;
        if epoll::add(&self.control, &connection, EventData::new_u64(number), watched).is_ok() {
            self.arriving.push((number, connection));
        }
    }

    fn serve_incoming(&mut self, number: u64) {
        if let Some(place) = self.arriving.iter().position(|(known, _)| *known == number) {
            return self.greet(place);
        }
        let Some(way) = self.incoming.iter_mut().find(|way| way.number == number) else { return };
        // Nothing is to come but the end; whoever says more is not understood and dropped.
        if !matches!(handshake::receive_hello(&way.connection), Arrived::Nothing) {
            way.has_ended = true;
            way.ring.end();
            // It would stay ready.
            let _ = epoll::delete(&self.control, &way.connection);
        }
    }

    /// The connection at this place of those arriving has something to say.
    fn greet(&mut self, place: usize) {
        let Some((_, connection)) = self.arriving.get(place) else { return };
        let arrived = handshake::receive_hello(connection);
        if let Arrived::Nothing = arrived {
            return;
        }
        let (number, connection) = self.arriving.remove(place);
        let connection = Arc::new(connection);
        let answer = match arrived {
            Arrived::Message((hello, _)) if hello.token != self.name.token() => Answer::WrongToken,
            Arrived::Message(_) if self.incoming.len() >= MOST_WAYS => Answer::TooMany,
            Arrived::Message((hello, descriptors)) => {
                match self.admit(number, hello, descriptors, &connection) {
                    Ok(way) => {
                        if handshake::send_answer(&connection, Answer::Accepted).is_ok() {
                            self.incoming.push(way);
                            return;
                        }
                        let _ = self.poller.remove(way.event.as_fd());
                        Answer::Malformed
                    }
                    Err(error) => {
                        tracing::warn!(%error, sender = ?hello.name, "memory that a process offers is refused");
                        Answer::BadSegment
                    }
                }
            }
            _ => Answer::Malformed,
        };
        let _ = handshake::send_answer(&connection, answer);
        self.leave(&connection);
    }

    fn admit(
        &self,
        number: u64,
        hello: Hello,
        descriptors: Descriptors<OwnedFd>,
        connection: &Arc<OwnedFd>,
    ) -> std::io::Result<Incoming> {
        let Descriptors { ring, pool, event } = descriptors;
        let ring = RingReader::open(ring.as_fd(), hello.ring_bytes)?;
        let pool = PeerPool::open(pool.as_fd(), hello.pool_bytes, hello.receiver, connection.clone())?;
        self.poller.add_edge_triggered(event.as_fd(), MESSAGES)?;
        let (sender, connection) = (hello.name, connection.clone());
        Ok(Incoming { number, sender, connection, event, ring, pool, has_ended: false })
    }

    /// Stops to watch a connection. Explicitly: messages in slots, or a forked child, may keep it open.
    fn leave(&mut self, connection: &OwnedFd) {
        let _ = epoll::delete(&self.control, connection);
        if !self.is_listening {
            let listener = EventData::new_u64(LISTENER);
            self.is_listening = epoll::add(&self.control, &self.listener, listener, EventFlags::IN).is_ok();
        }
    }
}
