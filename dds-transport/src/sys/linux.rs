//! Linux: control messages, GSO/GRO, sendmmsg, epoll, eventfd, netlink.

mod control;
mod fork;
mod monitor;
mod poller;
mod refusals;
mod send;
mod shared_memory;
mod socket;

pub(crate) use fork::ForkMark;
pub(crate) use monitor::ChangeSource;
pub(crate) use poller::Poller;
pub use shared_memory::SlotReader;
pub(crate) use shared_memory::{SharedMemory, SharedMemoryReceiver, SlotBuffer, SlotMessage};
pub(crate) use socket::{SocketBackend, multicast_bind_address, size_buffers};

use std::io;

/// The result of a system call that returns -1 on error.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
