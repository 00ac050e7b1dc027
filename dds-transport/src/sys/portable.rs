//! Any other Unix: one datagram a call, poll(2), periodic looks at the interfaces.

mod monitor;
mod poller;
mod shared_memory;
mod socket;

pub(crate) use monitor::ChangeSource;
pub(crate) use poller::Poller;
pub use shared_memory::SlotReader;
pub(crate) use shared_memory::{SharedMemory, SharedMemoryReceiver, SlotBuffer, SlotMessage};
pub(crate) use socket::{SocketBackend, multicast_bind_address, size_buffers};

/// Compares process ids. See [`ForkGuard`](crate::ForkGuard).
#[derive(Debug)]
pub(crate) struct ForkMark {
    owner: u32,
}

impl ForkMark {
    pub(crate) fn new() -> Self {
        Self { owner: std::process::id() }
    }

    pub(crate) fn is_erased(&self) -> bool {
        self.owner != std::process::id()
    }
}
