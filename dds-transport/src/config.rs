//! Configuration of the UDP transport, with argued defaults.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::interface::InterfaceSelection;
use crate::ports::PortMapping;

/// Which address families get sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AddressFamilies {
    /// IPv4 only: what every DDS does unless told otherwise.
    #[default]
    Ipv4,
    /// IPv6 only.
    Ipv6,
    /// Both, on the same port numbers.
    Both,
}

impl AddressFamilies {
    /// Whether IPv4 sockets are opened.
    #[must_use]
    pub fn has_v4(self) -> bool {
        matches!(self, Self::Ipv4 | Self::Both)
    }

    /// Whether IPv6 sockets are opened.
    #[must_use]
    pub fn has_v6(self) -> bool {
        matches!(self, Self::Ipv6 | Self::Both)
    }
}

/// Whether multicast groups are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MulticastUse {
    /// Join the groups on every selected interface.
    #[default]
    Enabled,
    /// Open no multicast socket; discovery then needs configured peers.
    Disabled,
}

/// Whether segmentation (GSO) and coalescing (GRO) are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Offload {
    /// Use them where the kernel and the path allow.
    #[default]
    Automatic,
    /// Never: one datagram a system call.
    Disabled,
}

/// How the participant id, and with it the unicast ports, is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ParticipantIdChoice {
    /// The lowest id whose ports are free on this host.
    #[default]
    Automatic,
    /// This id or an error.
    Fixed(u32),
    /// No id: ports chosen by the operating system. Peers that look for us by configured unicast ports do
    /// not find us, multicast discovery does.
    Ephemeral,
}

/// What [`UdpTransport::open`](crate::UdpTransport::open) opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UdpConfig {
    /// The interfaces used. Default: all usable ones, loopback only when there is no other.
    pub interfaces: InterfaceSelection,
    /// Default: IPv4, since a peer without IPv6 must be reachable and a peer with both needs one path only.
    pub families: AddressFamilies,
    /// Default: enabled.
    pub multicast: MulticastUse,
    /// The IPv4 group. Default 239.255.0.1 (RTPS 2.5 §9.6.2.4.1).
    pub multicast_group_v4: Ipv4Addr,
    /// The IPv6 group. RTPS names none; default ff02::ffff:239.255.0.1 (link-local scope), which Cyclone DDS
    /// uses too.
    pub multicast_group_v6: Ipv6Addr,
    /// Time to live (hop limit) of multicast datagrams. Default 1: discovery leaves the link only on request.
    pub multicast_ttl: u8,
    /// Receive buffer asked for, in bytes. Default 4 MiB: about 4 ms, a scheduling delay, of a 1 GB/s stream;
    /// the kernel allocates only what is in use. What is granted is limited by `net.core.rmem_max` for
    /// processes without CAP_NET_ADMIN; see [`UdpTransport::buffer_sizes`](crate::UdpTransport::buffer_sizes).
    pub receive_buffer: usize,
    /// Send buffer asked for, in bytes. Default 1 MiB: sixteen full segmented sends in flight.
    pub send_buffer: usize,
    /// The largest datagram to build, in bytes. Default 65,000: below 65,507 (IPv4) and 65,487 (IPv6 within
    /// the loopback MTU), with room for what message protection may add.
    pub max_datagram_size: usize,
    /// The port mapping; must be the same in the whole domain.
    pub ports: PortMapping,
    /// Default: automatic.
    pub participant_id: ParticipantIdChoice,
    /// Default: automatic.
    pub offload: Offload,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self {
            interfaces: InterfaceSelection::All,
            families: AddressFamilies::Ipv4,
            multicast: MulticastUse::Enabled,
            multicast_group_v4: Ipv4Addr::new(239, 255, 0, 1),
            multicast_group_v6: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0xffff, 0xefff, 0x0001),
            multicast_ttl: 1,
            receive_buffer: 4 << 20,
            send_buffer: 1 << 20,
            max_datagram_size: 65_000,
            ports: PortMapping::default(),
            participant_id: ParticipantIdChoice::Automatic,
            offload: Offload::Automatic,
        }
    }
}

impl UdpConfig {
    /// The defaults, on loopback only: for tests and single-host systems.
    #[must_use]
    pub fn loopback_only() -> Self {
        Self { interfaces: InterfaceSelection::LoopbackOnly, ..Self::default() }
    }
}
