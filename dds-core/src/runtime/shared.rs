//! Memory shared with other processes of this host, as one more socket of the runtime.

use std::{
    collections::BTreeMap,
    io::IoSlice,
    sync::{Arc, atomic::Ordering},
    thread,
};

use dds_rtps::{
    message::Datagram,
    structure::{Locator, LocatorKind, SharedMemoryName},
    time::Now,
};
use dds_transport::{
    SendError, SharedMemory, SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName as TransportName,
    SharedMemoryReceiver, SharedMemoryRefusal, SharedMemoryWay, UdpTransport,
};
use parking_lot::Mutex;

use super::{Runtime, reception::DATAGRAMS_PER_TURN};
use crate::engine::{Burst, Engine, NotShared};

/// Attempts to put a message into full memory before it is lost. Whoever receives gets the processor in
/// between, on a host with a single one too.
const ATTEMPTS: u32 = 100;

/// Whether and how memory is shared.
pub(super) struct Sharing {
    memory: Result<SharedMemory, NotShared>,
    /// How many pairs of participants use a way.
    users: Mutex<BTreeMap<SharedMemoryName, usize>>,
}

/// The receiving end.
pub(super) struct SharedReception {
    receiver: SharedMemoryReceiver,
    buffer: Vec<u8>,
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
                    (Ok(memory), Some(SharedReception { receiver, buffer: Vec::new() }))
                }
                Err(refusal) => {
                    tracing::warn!(reason = %refusal, "no memory is shared with other processes");
                    (Err(NotShared::Refused(refusal)), None)
                }
            },
        };
        (Self { memory, users: Mutex::default() }, reception)
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
            memory.disconnect(TransportName(name.0));
        }
    }

    fn closed(&self, name: SharedMemoryName) {
        self.users.lock().remove(&name);
    }
}

fn locator(name: SharedMemoryName, way: SharedMemoryWay) -> Locator {
    Locator { kind: LocatorKind::SHARED_MEMORY, port: way.0, address: name.0 }
}

impl SharedReception {
    /// Whether messages wait. If not, the next one ends the wait for sockets.
    pub(super) fn has_messages(&mut self) -> bool {
        self.receiver.has_messages()
    }
}

impl Runtime {
    /// Looks after ways and tells engines what came of them.
    pub(super) fn serve_shared(
        &self,
        now: Now,
        shared: &mut SharedReception,
        bursts: &[(Arc<Engine>, Burst)],
    ) {
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

    /// Hands messages to the engines.
    pub(super) fn receive_shared(
        &self,
        now: Now,
        shared: &mut SharedReception,
        bursts: &mut [(Arc<Engine>, Burst)],
    ) {
        let SharedReception { receiver, buffer } = shared;
        let mut received = 0;
        receiver.receive(DATAGRAMS_PER_TURN, buffer, |sender, message| {
            received += 1;
            let source = Locator { kind: LocatorKind::SHARED_MEMORY, port: 0, address: sender.0 };
            for (engine, burst) in &mut *bursts {
                engine.on_datagram(now, source, message, burst);
            }
        });
        self.counters.received.fetch_add(received, Ordering::Relaxed);
        self.counters.shared_received.fetch_add(received, Ordering::Relaxed);
    }

    /// Sends a message through memory.
    pub(super) fn transmit_shared(&self, destination: &Locator, datagram: &Datagram) {
        let Ok(memory) = &self.sharing.memory else { return };
        let (way, name) = (SharedMemoryWay(destination.port), TransportName(destination.address));
        let send = |pieces: &[IoSlice<'_>]| {
            let mut result = memory.send(way, name, pieces);
            for _ in 0..ATTEMPTS {
                if !matches!(result, Err(SendError::WouldBlock)) {
                    break;
                }
                thread::yield_now();
                result = memory.send(way, name, pieces);
            }
            result
        };
        let result = super::with_pieces(datagram, send);
        let counter = match result {
            Ok(()) => {
                self.counters.shared_sent.fetch_add(1, Ordering::Relaxed);
                &self.counters.sent
            }
            Err(error) => {
                tracing::debug!(%error, %destination, "a message was not sent");
                &self.counters.unsent
            }
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}
