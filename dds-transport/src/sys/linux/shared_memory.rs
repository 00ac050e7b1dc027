//! Memory shared with other processes: memfd, eventfd, abstract Unix sockets.
//!
//! A *way* leads from a sender to a receiver and has a connection, a ring and an eventfd. Large messages lie in
//! slots of a pool that all ways of a sender have in common. The sender makes all of it, so that it is the sender
//! who pays for what it does not get rid of.

mod handshake;
mod mapping;
mod pool;
mod receiver;
mod ring;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustix::event::EventfdFlags;
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::error::SendError;
use crate::poller::Poller;
use crate::shared_memory::{
    CONTROL, LentPart, SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName, SharedMemoryRefusal,
    SharedMemoryWay,
};
use handshake::{Answer, Arrived, Descriptors, Hello};
pub use pool::SlotReader;
use pool::{LARGEST_POOL, Pool};
pub(crate) use pool::{SlotBuffer, SlotMessage};
pub(crate) use receiver::SharedMemoryReceiver;
use ring::{PushError, RingWriter};

/// Ways out and ways in that one process has at most, each.
const MOST_WAYS: usize = 256;
const WORDS: usize = MOST_WAYS / u64::BITS as usize;

/// Bytes of slots for large messages, in rings. They are taken up only as far as messages really are held.
const SLOTS_PER_RING: usize = 8;

/// What an entry of the control epoll is about.
const LISTENER: u64 = u64::MAX;
/// Numbers of ways out have this bit, those of ways in do not.
const OUTGOING: u64 = 1 << 63;

/// See [`crate::SharedMemory`].
#[derive(Debug)]
pub(crate) struct SharedMemory {
    name: SharedMemoryName,
    ring_bytes: usize,
    pool: Arc<Pool>,
    pool_bytes: usize,
    pool_segment: OwnedFd,
    /// Watches the listener and all connections; itself one source of the poller.
    control: Arc<OwnedFd>,
    /// Written by connecting and closing only.
    ways: RwLock<Ways>,
    /// A bit for each way whose receiver slept when it was sent to, and is to be woken.
    sleepers: [AtomicU64; WORDS],
}

#[derive(Debug, Default)]
struct Ways {
    /// Places are used again; [`SharedMemoryWay`] says which, and the name whether it still is.
    slots: Vec<Option<Outgoing>>,
    last_number: u64,
}

/// A way out.
#[derive(Debug)]
struct Outgoing {
    name: SharedMemoryName,
    number: u64,
    connection: OwnedFd,
    event: OwnedFd,
    /// One of the states below.
    state: AtomicU8,
    /// Held for the time of a copy by those who send at once.
    ring: Mutex<RingWriter>,
}

/// Not answered yet.
const CONNECTING: u8 = 0;
const OPEN: u8 = 1;
/// Used no more; the receiver may still read what it was lent until its end of the connection is closed.
const CLOSING: u8 = 2;

impl Outgoing {
    fn state(&self) -> u8 {
        self.state.load(Ordering::Acquire)
    }
}

impl SharedMemory {
    pub(crate) fn open(
        name: SharedMemoryName,
        config: SharedMemoryConfig,
        poller: &Poller,
    ) -> io::Result<(Arc<Self>, SharedMemoryReceiver)> {
        let listener = handshake::listen(name)?;
        let control = Arc::new(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        epoll::add(&control, &listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        poller.add(control.as_fd(), CONTROL)?;
        let receiver = SharedMemoryReceiver::new(name, listener, control.clone(), poller);
        let ring_bytes = config.effective_ring_bytes();
        let pool_bytes = ring_bytes.saturating_mul(SLOTS_PER_RING).min(LARGEST_POOL);
        let (pool_segment, pool) = Pool::create(pool_bytes)?;
        let ways = RwLock::default();
        let sleepers = Default::default();
        let shared =
            Arc::new(Self { name, ring_bytes, pool, pool_bytes, pool_segment, control, ways, sleepers });
        Ok((shared.clone(), receiver.with_ways(shared)))
    }

    pub(crate) fn name(&self) -> SharedMemoryName {
        self.name
    }

    pub(crate) fn connect(
        &self,
        name: SharedMemoryName,
    ) -> Result<Option<SharedMemoryWay>, SharedMemoryRefusal> {
        let mut ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((place, known)) = ways.find(|way| way.name == name && way.state() != CLOSING) {
            return Ok((known.state() == OPEN).then_some(place));
        }
        if ways.slots.iter().flatten().count() >= MOST_WAYS {
            return Err(SharedMemoryRefusal::TooMany);
        }
        let connection = handshake::connect(name)?;
        let failed = |error: io::Error| SharedMemoryRefusal::failed("sharing memory", &error);
        let (segment, ring) = RingWriter::create(self.ring_bytes).map_err(failed)?;
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let event = rustix::event::eventfd(0, flags).map_err(|error| failed(error.into()))?;
        let hello = Hello {
            token: name.token(),
            name: self.name,
            ring_bytes: self.ring_bytes as u64,
            pool_bytes: self.pool_bytes as u64,
            receiver: ways.vacancy().0,
        };
        let (pool, event_) = (self.pool_segment.as_fd(), event.as_fd());
        let descriptors = Descriptors { ring: segment.as_fd(), pool, event: event_ };
        handshake::send_hello(&connection, hello, &descriptors).map_err(failed)?;
        ways.last_number += 1;
        let number = ways.last_number | OUTGOING;
        let watched = EventFlags::IN | EventFlags::RDHUP;
        epoll::add(&self.control, &connection, EventData::new_u64(number), watched)
            .map_err(|error| failed(error.into()))?;
        let ring = Mutex::new(ring);
        ways.insert(Outgoing { name, number, connection, event, state: AtomicU8::new(CONNECTING), ring });
        Ok(None)
    }

    pub(crate) fn disconnect(&self, name: SharedMemoryName) {
        let ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, way)) = ways.find(|way| way.name == name && way.state() != CLOSING) {
            way.state.store(CLOSING, Ordering::Release);
            // The receiver sees that no more comes, and closes its end when it has read everything.
            let _ = rustix::net::shutdown(&way.connection, rustix::net::Shutdown::Write);
        }
    }

    /// The receiver is gone.
    fn remove(&self, ways: &mut Ways, place: SharedMemoryWay) {
        if let Some(way) = ways.slots.get_mut(place.0 as usize).and_then(Option::take) {
            // Explicitly: a forked child may keep the connection open.
            let _ = epoll::delete(&self.control, &way.connection);
            let _ = rustix::net::shutdown(&way.connection, rustix::net::Shutdown::Both);
            self.pool.forget_receiver(place.0);
        }
    }

    /// Memory for a large message; `None` when there is none left.
    pub(crate) fn allocate(&self, length: usize) -> Option<SlotBuffer> {
        self.pool.allocate(length)
    }

    #[inline]
    pub(crate) fn send<'p>(
        &self,
        way: SharedMemoryWay,
        name: SharedMemoryName,
        pieces: impl Iterator<Item = &'p [u8]> + Clone,
    ) -> Result<(), SendError> {
        self.with_way(way, name, |outgoing| self.push(way, outgoing, pieces, [].into_iter(), None))
    }

    /// Sends a message of which `parts` lie in that part of a slot; false when it cannot be lent to this receiver (now).
    pub(crate) fn send_slot(
        &self,
        way: SharedMemoryWay,
        name: SharedMemoryName,
        own: &[u8],
        parts: impl Iterator<Item = LentPart> + Clone,
        message: &SlotMessage,
        lent: std::ops::Range<usize>,
    ) -> Result<bool, SendError> {
        if !message.is_in(&self.pool) {
            return Ok(false);
        }
        self.with_way(way, name, |outgoing| {
            let Some(place) = message.lend(way.0, lent.start, lent.len()) else { return Ok(false) };
            let sent = self.push(way, outgoing, std::iter::once(own), parts, Some(place));
            if sent.is_err() {
                message.take_back(way.0);
            }
            sent.map(|()| true)
        })
    }

    #[inline]
    fn with_way<R>(
        &self,
        way: SharedMemoryWay,
        name: SharedMemoryName,
        send: impl FnOnce(&Outgoing) -> Result<R, SendError>,
    ) -> Result<R, SendError> {
        let ways = self.ways.read().unwrap_or_else(PoisonError::into_inner);
        let way = ways
            .slots
            .get(way.0 as usize)
            .and_then(Option::as_ref)
            .filter(|way| way.name == name && way.state() == OPEN)
            .ok_or_else(|| SendError::Unreachable(io::ErrorKind::NotConnected.into()))?;
        send(way)
    }

    /// Wakes whoever slept when it was sent to.
    #[inline]
    pub(crate) fn wake(&self) {
        for (word, sleepers) in self.sleepers.iter().enumerate() {
            if sleepers.load(Ordering::Relaxed) != 0 {
                self.wake_all(word, sleepers.swap(0, Ordering::AcqRel));
            }
        }
    }

    fn wake_all(&self, word: usize, mut sleepers: u64) {
        let ways = self.ways.read().unwrap_or_else(PoisonError::into_inner);
        while sleepers != 0 {
            let place = word * u64::BITS as usize + sleepers.trailing_zeros() as usize;
            sleepers &= sleepers - 1;
            if let Some(Some(way)) = ways.slots.get(place) {
                // Full of wakes, it wakes all the same.
                let _ = rustix::io::write(&way.event, &1u64.to_ne_bytes());
            }
        }
    }

    fn push<'p>(
        &self,
        place: SharedMemoryWay,
        way: &Outgoing,
        pieces: impl Iterator<Item = &'p [u8]> + Clone,
        parts: impl Iterator<Item = LentPart> + Clone,
        lent: Option<pool::Place>,
    ) -> Result<(), SendError> {
        let pushed = way.ring.lock().unwrap_or_else(PoisonError::into_inner).push(pieces, parts, lent);
        match pushed {
            Ok(sleeps) => {
                if sleeps && let Some(word) = self.sleepers.get((place.0 / u64::BITS) as usize) {
                    word.fetch_or(1 << (place.0 % u64::BITS), Ordering::AcqRel);
                }
                Ok(())
            }
            Err(PushError::Full) => Err(SendError::WouldBlock),
            Err(PushError::TooLarge) => Err(SendError::TooLarge),
            Err(PushError::Broken) => {
                // Shows as the connection's end to both sides.
                let _ = rustix::net::shutdown(&way.connection, rustix::net::Shutdown::Both);
                Err(SendError::Unreachable(io::ErrorKind::InvalidData.into()))
            }
        }
    }

    /// Something came on the connection of a way out.
    fn serve(&self, number: u64, events: &mut Vec<SharedMemoryEvent>) {
        let mut ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        let Some((place, way)) = ways.find(|way| way.number == number) else { return };
        let name = way.name;
        if way.state() == CLOSING {
            if let Arrived::End | Arrived::Nonsense = handshake::receive_answer(&way.connection) {
                self.remove(&mut ways, place);
            }
            return;
        }
        let reason = match handshake::receive_answer(&way.connection) {
            Arrived::Nothing => return,
            Arrived::Message(Answer::Accepted) => {
                way.state.store(OPEN, Ordering::Release);
                events.push(SharedMemoryEvent::Opened { name, way: place });
                return;
            }
            Arrived::Message(Answer::OtherUser) => {
                SharedMemoryRefusal::OtherUser { ours: handshake::own_user(), theirs: None }
            }
            Arrived::Message(Answer::WrongToken) => SharedMemoryRefusal::WrongToken,
            Arrived::Message(Answer::TooMany) => SharedMemoryRefusal::TooMany,
            Arrived::Message(Answer::BadSegment) => SharedMemoryRefusal::BadSegment,
            Arrived::Message(Answer::Malformed) | Arrived::Nonsense => SharedMemoryRefusal::OtherVersion,
            Arrived::End => SharedMemoryRefusal::Gone,
        };
        self.remove(&mut ways, place);
        events.push(SharedMemoryEvent::Closed { name, reason });
    }
}

impl Ways {
    fn find(&self, wanted: impl Fn(&Outgoing) -> bool) -> Option<(SharedMemoryWay, &Outgoing)> {
        let mut known = (0..).zip(&self.slots).filter_map(|(place, way)| Some((place, way.as_ref()?)));
        known.find(|(_, way)| wanted(way)).map(|(place, way)| (SharedMemoryWay(place), way))
    }

    /// Where the next way will be.
    fn vacancy(&self) -> SharedMemoryWay {
        let vacant = self.slots.iter().position(Option::is_none).unwrap_or(self.slots.len());
        SharedMemoryWay(u32::try_from(vacant).unwrap_or(u32::MAX))
    }

    fn insert(&mut self, way: Outgoing) {
        match self.slots.iter_mut().find(|slot| slot.is_none()) {
            Some(vacant) => *vacant = Some(way),
            None => self.slots.push(Some(way)),
        }
    }
}
