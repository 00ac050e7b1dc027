//! What the engine needs from whoever runs it.

use dds_rtps::{
    message::Datagram,
    structure::Locator,
    time::{Monotonic, Now},
};

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

    /// Tells that [`Engine::on_timer`](super::Engine::on_timer) is due at `at`, earlier than was
    /// known before.
    fn timer_moved(&self, at: Monotonic);

    /// Whether threads may block and time passes meanwhile; not so in a simulation, where blocking
    /// operations are refused with an error that names the async form.
    fn may_block(&self) -> bool;
}
