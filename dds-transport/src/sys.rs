//! All that depends on the operating system, and all `unsafe`.
//!
//! `linux` and `portable` offer the same items; the rest of the crate does not know which it uses.

#[cfg(not(unix))]
compile_error!("dds-transport needs a Unix system; a Windows part would go beside `sys::portable`");

#[cfg(all(target_os = "linux", not(dds_transport_portable)))]
mod linux;
#[cfg(not(all(target_os = "linux", not(dds_transport_portable))))]
mod portable;
mod ticks;
mod unix;

#[cfg(all(target_os = "linux", not(dds_transport_portable)))]
pub use linux::SlotReader;
#[cfg(all(target_os = "linux", not(dds_transport_portable)))]
pub(crate) use linux::{
    ChangeSource, ForkMark, Poller, SharedMemory, SharedMemoryReceiver, SlotBuffer, SlotMessage,
    SocketBackend, multicast_bind_address, size_buffers,
};
#[cfg(not(all(target_os = "linux", not(dds_transport_portable))))]
pub use portable::SlotReader;
#[cfg(not(all(target_os = "linux", not(dds_transport_portable))))]
pub(crate) use portable::{
    ChangeSource, ForkMark, Poller, SharedMemory, SharedMemoryReceiver, SlotBuffer, SlotMessage,
    SocketBackend, multicast_bind_address, size_buffers,
};
pub(crate) use ticks::Ticks;
pub(crate) use unix::{enumerate_interfaces, share_port};
