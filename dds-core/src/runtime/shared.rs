//! Memory shared with other processes of this host, as one more socket of the runtime.

use std::{
    any::Any,
    collections::BTreeMap,
    ops::Range,
    sync::atomic::{AtomicBool, Ordering},
};

use dds_rtps::{
    message::{Datagram, Part, Parts},
    payload::{Memory, Payload},
    structure::{Locator, LocatorKind, SharedMemoryName},
    time::Now,
    writer::LEAST_BY_REFERENCE,
};
use dds_transport::{
    LentBytes, LentPart, SendError, SharedBuffer, SharedMemory, SharedMemoryConfig, SharedMemoryEvent,
    SharedMemoryName as TransportName, SharedMemoryReceiver, SharedMemoryRefusal, SharedMemoryWay,
    SharedMessage, UdpTransport,
};
use parking_lot::Mutex;

use super::{
    Runtime,
    reception::{Bursts, DATAGRAMS_PER_TURN, deliver},
};
use crate::engine::{NotShared, WritableMemory};

/// Batches of small samples that are held of one sender, of which a single sample keeps all; what comes beyond that is
/// copied.
const MOST_BATCHES_HELD: usize = 64;

/// Whether and how memory is shared.
pub(super) struct Sharing {
    memory: Result<SharedMemory, NotShared>,
    /// How many pairs of participants use a way.
    users: Mutex<BTreeMap<SharedMemoryName, usize>>,
    /// Whether any does; set under its lock.
    is_used: AtomicBool,
}

/// The receiving end.
pub(super) struct SharedReception {
    receiver: SharedMemoryReceiver,
    buffer: Vec<u8>,
    parts: Vec<Part>,
}

impl Sharing {
    /// As configured and as far as the system can.
    pub(super) fn open(
        config: Option<SharedMemoryConfig>,
        transport: &UdpTransport,
    ) -> (Self, Option<SharedReception>) {
        let (memory, reception) = match config {
            None => (Err(NotShared::Disabled), None),
            Some(config) => match Self::listen(config, transport) {
                Ok((memory, receiver)) => {
                    (Ok(memory), Some(SharedReception { receiver, buffer: Vec::new(), parts: Vec::new() }))
                }
                Err(refusal) => {
                    tracing::warn!(reason = %refusal, "no memory is shared with other processes");
                    (Err(NotShared::Refused(refusal)), None)
                }
            },
        };
        (Self { memory, users: Mutex::default(), is_used: AtomicBool::new(false) }, reception)
    }

    fn listen(
        config: SharedMemoryConfig,
        transport: &UdpTransport,
    ) -> Result<(SharedMemory, SharedMemoryReceiver), SharedMemoryRefusal> {
        let failed = |operation, reason| SharedMemoryRefusal::Failed { operation, reason };
        let mut name = [0; 16];
        getrandom::fill(&mut name)
            .map_err(|error| failed("reading random bytes from the system", error.to_string()))?;
        SharedMemory::open(TransportName(name), config, transport.poller()).map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::Unsupported => SharedMemoryRefusal::Unsupported,
                _ => failed("listening", error.to_string()),
            }
        })
    }

    /// The name to be announced.
    pub(super) fn name(&self) -> Option<SharedMemoryName> {
        self.memory.as_ref().ok().map(|memory| SharedMemoryName(memory.name().0))
    }

    /// The way to a process, for one more pair of participants.
    pub(super) fn begin(&self, name: SharedMemoryName) -> Result<Option<Locator>, NotShared> {
        let memory = self.memory.as_ref().map_err(Clone::clone)?;
        let mut users = self.users.lock();
        let way = memory.connect(TransportName(name.0)).map_err(NotShared::Refused)?;
        *users.entry(name).or_default() += 1;
        self.is_used.store(true, Ordering::Relaxed);
        Ok(way.map(|way| locator(name, way)))
    }

    /// A pair of participants needs the way no more.
    pub(super) fn end(&self, name: SharedMemoryName) {
        let Ok(memory) = &self.memory else { return };
        let mut users = self.users.lock();
        let Some(count) = users.get_mut(&name) else { return };
        *count -= 1;
        if *count == 0 {
            users.remove(&name);
            self.is_used.store(!users.is_empty(), Ordering::Relaxed);
            memory.disconnect(TransportName(name.0));
        }
    }

    /// Memory for a payload, while there are others to read it.
    pub(super) fn allocate(&self, length: usize) -> Option<Box<dyn WritableMemory>> {
        let memory = self.memory.as_ref().ok().filter(|_| self.is_used.load(Ordering::Relaxed))?;
        Some(Box::new(OwnMemory::Open(memory.allocate(length)?)))
    }

    /// Moves a datagram's payloads to memory that others can read, unless they lie there already.
    pub(super) fn share(&self, datagram: &mut Datagram) {
        let Ok(memory) = &self.memory else { return };
        if datagram.spliced_len() < LEAST_BY_REFERENCE || lendable(datagram).is_some() {
            return;
        }
        let length = datagram.payloads().fold(0, |end, (_, payload)| place_after(end, payload).end);
        let Some(mut memory) = memory.allocate(length) else { return };
        let mut end = 0;
        for (_, payload) in datagram.payloads() {
            let place = place_after(end, payload);
            end = place.end;
            memory[place].copy_from_slice(payload);
        }
        let copy = Payload::of_memory(Box::new(OwnMemory::Sealed(memory.freeze())));
        let mut end = 0;
        datagram.replace_payloads(|payload| {
            let place = place_after(end, payload);
            end = place.end;
            copy.slice(place.start, place.end)
        });
    }

    /// Wakes the processes that slept when they were sent to.
    pub(super) fn wake(&self) {
        if let Ok(memory) = &self.memory {
            memory.wake();
        }
    }

    fn closed(&self, name: SharedMemoryName) {
        let mut users = self.users.lock();
        users.remove(&name);
        self.is_used.store(!users.is_empty(), Ordering::Relaxed);
    }
}

/// Where a payload lies among others, of which the one before ends there: what follows its encapsulation header, of four
/// bytes, then lies as it would in the memory of a process.
fn place_after(end: usize, payload: &Payload) -> Range<usize> {
    let start = end.next_multiple_of(8) + 4;
    start..start + payload.len()
}

fn locator(name: SharedMemoryName, way: SharedMemoryWay) -> Locator {
    Locator { kind: LocatorKind::SHARED_MEMORY, port: way.0, address: name.0 }
}

impl SharedReception {
    /// Whether there is anybody to send messages.
    pub(super) fn has_senders(&self) -> bool {
        self.receiver.senders() > 0
    }

    /// Whether messages wait. The next one wakes nobody.
    pub(super) fn sees_messages(&self) -> bool {
        self.receiver.sees_messages()
    }

    /// Bytes of messages that wait, without what is lent with them.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.receiver.waiting_bytes()
    }

    /// Whether messages wait. If not, the next one ends the wait for sockets.
    pub(super) fn has_messages(&mut self) -> bool {
        self.receiver.has_messages()
    }
}

/// A message of an endpoint that was not known when it came.
pub(super) struct Stranger {
    source: Locator,
    message: Vec<u8>,
    lent: Option<(Payload, Vec<Part>)>,
}

impl Stranger {
    /// Hands the message to the engines again.
    pub(super) fn come_again(&self, now: Now, bursts: &mut Bursts) {
        let lent = self.lent.as_ref().map(|(lent, parts)| (lent, &parts[..]));
        deliver(now, self.source, &self.message, lent, bursts);
    }
}

impl Runtime {
    /// Looks after ways and tells engines what came of them.
    pub(super) fn serve_shared(&self, now: Now, shared: &mut SharedReception, bursts: &Bursts) {
        let mut events = Vec::new();
        shared.receiver.serve(&mut events);
        for event in events {
            let (name, outcome) = match event {
                SharedMemoryEvent::Opened { name, way } => {
                    let name = SharedMemoryName(name.0);
                    (name, Ok(locator(name, way)))
                }
                SharedMemoryEvent::Closed { name, reason } => {
                    let name = SharedMemoryName(name.0);
                    self.sharing.closed(name);
                    (name, Err(NotShared::Refused(reason)))
                }
            };
            for (engine, _) in bursts {
                engine.shared_memory_settled(now, name, &outcome);
            }
        }
    }

    /// Hands messages to the engines; how many. Copies of those of endpoints that are not known go to `strangers`.
    pub(super) fn receive_shared(
        &self,
        now: Now,
        shared: &mut SharedReception,
        bursts: &mut Bursts,
        strangers: &mut Vec<Stranger>,
    ) -> u32 {
        let SharedReception { receiver, buffer, parts } = shared;
        let mut received = 0;
        receiver.receive(DATAGRAMS_PER_TURN, buffer, |sender, message, lent| {
            received += 1;
            let source = Locator { kind: LocatorKind::SHARED_MEMORY, port: 0, address: sender.0 };
            parts.clear();
            let lent = lent.map(|(bytes, told)| {
                let part = |&LentPart { at, start, length }: &LentPart| Part { at, start, length };
                parts.extend(told.iter().map(part));
                bytes
            });
            let is_batch = parts.len() > 1;
            let mut whole = Vec::new();
            let (message, lent) = match lent {
                Some(bytes) if is_batch && bytes.held() > MOST_BATCHES_HELD => {
                    let is_sound = Parts { bytes: &bytes, parts }.assemble(message, &mut whole);
                    // Without its parts it is invalid, and counted so.
                    (if is_sound { &whole[..] } else { message }, None)
                }
                lent => (message, lent.map(|bytes| Payload::of_memory(Box::new(LentMemory(bytes))))),
            };
            let lent = lent.as_ref().map(|lent| (lent, &parts[..]));
            if deliver(now, source, message, lent, bursts) {
                let lent = lent.map(|(lent, parts)| (lent.clone(), parts.to_vec()));
                strangers.push(Stranger { source, message: message.to_vec(), lent });
            }
        });
        self.counters.shared_received.fetch_add(received.into(), Ordering::Relaxed);
        received
    }

    /// Sends a message through memory.
    pub(super) fn transmit_shared(&self, destination: &Locator, datagram: &Datagram) {
        let Ok(memory) = &self.sharing.memory else { return };
        let to = (SharedMemoryWay(destination.port), TransportName(destination.address));
        let result = match send_by_reference(memory, to, datagram) {
            Ok(true) => Ok(()),
            Ok(false) => insistently(memory, || memory.send(to.0, to.1, datagram.pieces())),
            Err(error) => Err(error),
        };
        let counter = match result {
            Ok(()) => &self.counters.shared_sent,
            Err(error) => {
                tracing::debug!(%error, %destination, "a message was not sent");
                &self.counters.unsent
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Sends a message whose payloads stay where they are; false when that cannot be.
fn send_by_reference(
    memory: &SharedMemory,
    to: (SharedMemoryWay, TransportName),
    datagram: &Datagram,
) -> Result<bool, SendError> {
    let Some((message, lent)) = lendable(datagram) else { return Ok(false) };
    // Messages are far below 4 GiB.
    let parts = datagram.payloads().map(|(at, payload)| LentPart {
        at: at as u32,
        start: (payload.range().start - lent.start) as u32,
        length: payload.len() as u32,
    });
    insistently(memory, || memory.send_lent(to, datagram.own_bytes(), parts.clone(), message, lent.clone()))
}

/// Where the payloads of a datagram lie in memory that others can read, if all of them do and it pays.
fn lendable(datagram: &Datagram) -> Option<(&SharedMessage, Range<usize>)> {
    if datagram.spliced_len() < LEAST_BY_REFERENCE {
        return None;
    }
    let mut payloads = datagram.payloads();
    let (message, mut lent) = shared_range(payloads.next()?.1)?;
    for (_, payload) in payloads {
        let (other, range) = shared_range(payload)?;
        if !std::ptr::eq(other, message) {
            return None;
        }
        lent = lent.start.min(range.start)..lent.end.max(range.end);
    }
    Some((message, lent))
}

/// Where a payload lies in memory that others can read, if it does.
fn shared_range(payload: &Payload) -> Option<(&SharedMessage, Range<usize>)> {
    match payload.memory()?.as_any().downcast_ref()? {
        OwnMemory::Sealed(message) => Some((message, payload.range())),
        OwnMemory::Open(_) | OwnMemory::Moved => None,
    }
}

/// As [`super::insistently`]; who sleeps is to take what is there.
fn insistently<R>(
    memory: &SharedMemory,
    mut send: impl FnMut() -> Result<R, SendError>,
) -> Result<R, SendError> {
    super::insistently(|| {
        let result = send();
        if matches!(result, Err(SendError::WouldBlock)) {
            memory.wake();
        }
        result
    })
}

/// A payload of this process in memory that others can read.
pub(super) enum OwnMemory {
    /// In the making.
    Open(SharedBuffer),
    /// As it is from now on.
    Sealed(SharedMessage),
    /// While it becomes the one out of the other.
    Moved,
}

impl WritableMemory for OwnMemory {
    fn bytes(&self) -> &[u8] {
        Memory::bytes(self)
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Open(buffer) => buffer,
            Self::Sealed(_) | Self::Moved => &mut [],
        }
    }

    fn seal(mut self: Box<Self>) -> Payload {
        if let Self::Open(buffer) = std::mem::replace(&mut *self, Self::Moved) {
            *self = Self::Sealed(buffer.freeze());
        }
        Payload::of_memory(self)
    }
}

/// A payload in memory of another process.
struct LentMemory(LentBytes);

impl Memory for OwnMemory {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Open(buffer) => buffer,
            Self::Sealed(message) => message,
            Self::Moved => &[],
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}

impl Memory for LentMemory {
    fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn into_any(self: Box<Self>) -> Box<dyn Any> {
        self
    }
}
