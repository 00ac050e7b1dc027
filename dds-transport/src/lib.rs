//! UDP sockets, interfaces, shared memory, waiting and batched system calls; knows no protocol.
//!
//! What goes in and comes out are [`std::net`] addresses and byte slices. The entry type is
//! [`UdpTransport`]: it opens the sockets one RTPS domain needs (metatraffic and user traffic, unicast and
//! multicast, IPv4 and IPv6) on the selected [interfaces](interface), and then sends, waits and receives
//! with one system call each and no allocation.
//!
//! | part | does |
//! |---|---|
//! | [`ports`] | the standard port mapping, with checked arithmetic |
//! | [`interface`] | enumerates and selects network interfaces, notices changes |
//! | [`socket`] | one UDP socket: vectored, segmented (GSO) and batched sends, coalesced (GRO) receives |
//! | [`poller`] | waits for several sockets, a deadline and a wake from another thread |
//! | [`shared_memory`] | messages between processes of one host and user |
//! | [`transport`] | all sockets of a domain behind one facade, from a [`UdpConfig`] |
//! | [`ticks`] | the processor's time-stamp counter |
//! | [`fork`] | tells a forked child that what it inherited is not its own |
//!
//! Everything that depends on the operating system is in the private `sys` module: a Linux part, and a
//! portable part for other Unix systems (also built on Linux with `--cfg dds_transport_portable`, so that
//! it is tested). `unsafe` is allowed only there.
#![deny(unsafe_code)]

pub mod config;
pub mod error;
pub mod fork;
pub mod interface;
pub mod poller;
pub mod ports;
pub mod shared_memory;
pub mod socket;
#[allow(unsafe_code)]
mod sys;
pub mod ticks;
pub mod transport;

pub use config::{AddressFamilies, MulticastUse, Offload, ParticipantIdChoice, UdpConfig};
pub use error::{OpenError, PortError, SendError};
pub use fork::ForkGuard;
pub use interface::{Interface, InterfaceSelection, InterfaceSelector, Subnet};
pub use poller::{Poller, Ready, Token, Waker};
pub use ports::PortMapping;
pub use shared_memory::{
    LentBytes, LentPart, SharedBuffer, SharedMemory, SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName,
    SharedMemoryReceiver, SharedMemoryRefusal, SharedMemoryWay, SharedMessage,
};
pub use socket::{
    BufferSizes, MAX_UDP_PAYLOAD, OutgoingDatagram, Received, SendOptions, SocketConfig, UdpSocket,
};
pub use ticks::TickCounter;
pub use transport::{Delivery, SocketId, Traffic, TransportReady, UdpTransport};
