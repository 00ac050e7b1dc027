//! Memory shared with other processes: memfd, eventfd, abstract Unix sockets.
//!
//! A *way* leads from a sender to a receiver and has a connection, a ring and an eventfd. The sender makes
//! all three, so that it is the sender who pays for what it does not get rid of.

mod handshake;
mod receiver;
mod ring;

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustix::event::EventfdFlags;
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::error::SendError;
use crate::poller::Poller;
use crate::shared_memory::{
    CONTROL, SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName, SharedMemoryRefusal, SharedMemoryWay,
};
use handshake::{Answer, Arrived, Hello};
pub(crate) use receiver::SharedMemoryReceiver;
use ring::{LARGEST_RING, PushError, RingWriter, SMALLEST_RING};

/// Ways out and ways in that one process has at most, each.
const MOST_WAYS: usize = 256;

/// What an entry of the control epoll is about.
const LISTENER: u64 = u64::MAX;
/// Numbers of ways out have this bit, those of ways in do not.
const OUTGOING: u64 = 1 << 63;

/// See [`crate::SharedMemory`].
#[derive(Debug)]
pub(crate) struct SharedMemory {
    name: SharedMemoryName,
    ring_bytes: usize,
    /// Watches the listener and all connections; itself one source of the poller.
    control: Arc<OwnedFd>,
    /// Written by connecting and closing only.
    ways: RwLock<Ways>,
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
    is_open: AtomicBool,
    /// Held for the time of a copy by those who send at once.
    ring: Mutex<RingWriter>,
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
        let ring_bytes = config.ring_bytes.clamp(SMALLEST_RING, LARGEST_RING).next_power_of_two();
        let shared = Arc::new(Self { name, ring_bytes, control, ways: RwLock::default() });
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
        if let Some((place, known)) = ways.find(|way| way.name == name) {
            return Ok(known.is_open.load(Ordering::Acquire).then_some(place));
        }
        if ways.slots.iter().flatten().count() >= MOST_WAYS {
            return Err(SharedMemoryRefusal::TooMany);
        }
        let connection = handshake::connect(name)?;
        let failed = |error: io::Error| SharedMemoryRefusal::failed("sharing memory", &error);
        let (segment, ring) = RingWriter::create(self.ring_bytes).map_err(failed)?;
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let event = rustix::event::eventfd(0, flags).map_err(|error| failed(error.into()))?;
        let hello = Hello { token: name.token(), name: self.name, capacity: self.ring_bytes as u64 };
        handshake::send_hello(&connection, hello, segment.as_fd(), event.as_fd()).map_err(failed)?;
        ways.last_number += 1;
        let number = ways.last_number | OUTGOING;
        let watched = EventFlags::IN | EventFlags::RDHUP;
        epoll::add(&self.control, &connection, EventData::new_u64(number), watched)
            .map_err(|error| failed(error.into()))?;
        let ring = Mutex::new(ring);
        ways.insert(Outgoing { name, number, connection, event, is_open: AtomicBool::new(false), ring });
        Ok(None)
    }

    pub(crate) fn disconnect(&self, name: SharedMemoryName) {
        let mut ways = self.ways.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((place, _)) = ways.find(|way| way.name == name) {
            self.close(&mut ways, place);
        }
    }

    fn close(&self, ways: &mut Ways, place: SharedMemoryWay) {
        if let Some(way) = ways.slots.get_mut(place.0 as usize).and_then(Option::take) {
            // Explicitly: a forked child may keep the connection open.
            let _ = epoll::delete(&self.control, &way.connection);
            let _ = rustix::net::shutdown(&way.connection, rustix::net::Shutdown::Both);
        }
    }

    #[inline]
    pub(crate) fn send(
        &self,
        way: SharedMemoryWay,
        name: SharedMemoryName,
        pieces: &[IoSlice<'_>],
    ) -> Result<(), SendError> {
        let ways = self.ways.read().unwrap_or_else(PoisonError::into_inner);
        let way = ways
            .slots
            .get(way.0 as usize)
            .and_then(Option::as_ref)
            .filter(|way| way.name == name && way.is_open.load(Ordering::Acquire))
            .ok_or_else(|| SendError::Unreachable(io::ErrorKind::NotConnected.into()))?;
        let pushed = way.ring.lock().unwrap_or_else(PoisonError::into_inner).push(pieces);
        match pushed {
            Ok(must_wake) => {
                if must_wake {
                    // Full of wakes, it wakes all the same.
                    let _ = rustix::io::write(&way.event, &1u64.to_ne_bytes());
                }
                Ok(())
            }
            Err(PushError::Full) => Err(SendError::WouldBlock),
            Err(PushError::TooLarge) => Err(SendError::TooLarge),
            Err(PushError::Broken) => {
                way.is_open.store(false, Ordering::Release);
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
        let reason = match handshake::receive_answer(&way.connection) {
            Arrived::Nothing => return,
            Arrived::Message(Answer::Accepted) => {
                way.is_open.store(true, Ordering::Release);
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
        self.close(&mut ways, place);
        events.push(SharedMemoryEvent::Closed { name, reason });
    }
}

impl Ways {
    fn find(&self, wanted: impl Fn(&Outgoing) -> bool) -> Option<(SharedMemoryWay, &Outgoing)> {
        let mut known = (0..).zip(&self.slots).filter_map(|(place, way)| Some((place, way.as_ref()?)));
        known.find(|(_, way)| wanted(way)).map(|(place, way)| (SharedMemoryWay(place), way))
    }

    fn insert(&mut self, way: Outgoing) {
        match self.slots.iter_mut().find(|slot| slot.is_none()) {
            Some(vacant) => *vacant = Some(way),
            None => self.slots.push(Some(way)),
        }
    }
}
