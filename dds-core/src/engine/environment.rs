//! What the engine needs from whoever runs it.

use std::time::Instant;

use dds_rtps::{
    message::Datagram,
    payload::Payload,
    structure::{Locator, SharedMemoryName},
    time::{Monotonic, Now},
};

use super::NotShared;
use crate::condition::Notifier;

/// Memory from [`Environment::allocate`].
pub trait WritableMemory: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// The bytes, to be written.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// All of it as a payload.
    fn seal(self: Box<Self>) -> Payload;
}

/// The world around an [`Engine`](super::Engine): clocks, the network, and a wake-up.
///
/// The runtime implements it with system clocks and sockets, a simulation with virtual ones. All
/// methods may be called from any thread and never call back into the engine.
pub trait Environment: Send + Sync {
    /// The present.
    fn now(&self) -> Now;

    /// Sends one datagram. Failures are the network's: the protocol repairs what gets lost, the
    /// environment counts and reports what never works.
    fn send(&self, destination: &Locator, datagram: &Datagram);

    /// Sends datagrams of one length, but for the last, which may be shorter, with one system call where that
    /// is possible. Where a differentiated services code point is given, they are marked with it for networks that
    /// treat urgent datagrams differently (DDS 1.4 §2.2.3.15, RFC 2474), as far as there are such marks.
    fn send_train(&self, destination: &Locator, datagrams: &[Datagram], code_point: Option<u8>) {
        let _ = code_point;
        datagrams.iter().for_each(|datagram| self.send(destination, datagram));
    }

    /// There is a reader: what is sent to the groups for samples is wanted from now on.
    fn listen_to_groups(&self) {}

    /// Nothing follows for now what was sent through shared memory: whoever sleeps is woken.
    fn wake_receivers(&self) {}

    /// Shares memory with the process of that name. Yields where to send from now on, or `None` while the
    /// way is being opened; the engine is told what came of it then. Where it yields no error,
    /// [`stop_sharing_memory`](Environment::stop_sharing_memory) follows, unless the way ends by itself.
    ///
    /// # Errors
    /// Why no memory is shared; without an implementation of its own an environment has none.
    fn share_memory(&self, name: SharedMemoryName) -> Result<Option<Locator>, NotShared> {
        let _ = name;
        Err(NotShared::Disabled)
    }

    /// Memory for a payload of `length` bytes that other processes can read where it is, where there is such;
    /// it begins at a multiple of eight.
    fn allocate(&self, length: usize) -> Option<Box<dyn WritableMemory>> {
        let _ = length;
        None
    }

    /// Puts copies that other processes can read where they are in place of a datagram's payloads, where that pays, can
    /// be, and is not so of itself.
    fn share_payloads(&self, datagram: &mut Datagram) {
        let _ = datagram;
    }

    /// The way to the process of that name is needed no more.
    fn stop_sharing_memory(&self, name: SharedMemoryName) {
        let _ = name;
    }

    /// Tells that [`Engine::on_timer`](super::Engine::on_timer) is due at `at`, earlier than was
    /// known before.
    fn timer_moved(&self, at: Monotonic);

    /// Whether threads may block and time passes meanwhile; not so in a simulation, where blocking
    /// operations are refused with an error that names the async form.
    fn may_block(&self) -> bool;

    /// How long a thread that another thread of this process wakes looks for that before it sleeps.
    fn spin(&self) -> std::time::Duration {
        std::time::Duration::ZERO
    }

    /// Whether this process only inherited the environment by `fork`: its threads are not here, and its
    /// sockets are another's.
    fn is_inherited(&self) -> bool {
        false
    }

    /// Receives what has arrived, if no other thread does. Called without locks.
    fn receive_pending(&self) {}

    /// Blocks the calling thread until `look`, asked at once and after each notification, says that what
    /// it waits for is there; false when the deadline passed first. Called only where
    /// [`may_block`](Environment::may_block) allows it; an environment may receive on the waiting thread.
    fn block_until(
        &self,
        notifier: &Notifier,
        deadline: Option<Instant>,
        look: &mut dyn FnMut() -> bool,
    ) -> bool {
        notifier.block_until(deadline, || look().then_some(())).is_some()
    }
}
