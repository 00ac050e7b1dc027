//! What a participant is made with, beyond QoS.

use std::net::{IpAddr, SocketAddr};

use dds_qos::Duration;
use dds_rtps::writer::MessageSizes;
use dds_transport::{PortMapping, SharedMemoryConfig, UdpConfig};

/// What a participant is made with, beyond QoS. Every default is argued at its field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParticipantConfig {
    /// Sockets and interfaces.
    pub transport: UdpConfig,
    /// Whether memory is shared with participants of ours in other processes of this host and user, instead
    /// of sending them samples by loopback. Default yes: it is chosen only where both sides can, and carries
    /// the same messages.
    pub shared_memory: bool,
    /// Whether samples for readers of several participants are sent once, to the domain's group. Default
    /// [`UserMulticast::Automatic`].
    pub user_multicast: UserMulticast,
    /// Bytes of samples that may be on the way to each process through shared memory; the system takes up
    /// only what is used. See [`SharedMemoryConfig::ring_bytes`].
    pub shared_memory_bytes: usize,
    /// Addresses that are told of this participant besides the multicast group. Without a port, the
    /// first [`ParticipantConfig::PEER_PORTS`] participants of that host. Default: none.
    pub initial_peers: Vec<Peer>,
    /// Splits the domain: participants see only those with the same tag (RTPS 2.5 §9.6.2.2.2
    /// PID_DOMAIN_TAG). Default: empty.
    pub domain_tag: String,
    /// How long others keep this participant without a sign of life of it. Default 10 s, as Cyclone DDS
    /// has it: a killed process is noticed in ten seconds.
    pub lease_duration: Duration,
    /// How often the participant is announced. Default 2 s: five times in a lease.
    pub announcement_period: Duration,
    /// The name shown to people. Default: none.
    pub name: Option<String>,
    /// How long a reliable writer that is dropped waits for its last samples to be acknowledged.
    /// Default 1 s: what a program writes just before it ends arrives, even with losses.
    pub linger: Duration,
    /// Bytes of a sample per fragment. Default 1,344: a fragment and all headers fit an Ethernet frame.
    pub fragment_size: u16,
    /// How long the first sample of a batch waits at most, or until no other has followed for 10 µs. A sample waits
    /// only when several were written right before it; LATENCY_BUDGET lengthens it. Default 100 µs, a few wake-ups
    /// of a thread: too short to matter to whoever writes that fast.
    pub batch_window: Duration,
    /// Payload bytes at which a batch leaves. Default 16 KiB: a system call then costs little beside
    /// the bytes, and every host's socket buffer takes several. Three times as many where all readers share memory with
    /// the writer and the samples are neither so small that a copy is cheaper (256 bytes) nor so large that they leave
    /// alone (8 KiB).
    pub batch_bytes: usize,
    /// Bytes a volatile KEEP_ALL writer may have unacknowledged before `write` blocks. Default 2 MiB:
    /// more than a path of 10 Gbit/s holds in a millisecond, and no more than the receive buffer that
    /// readers ask for, so that a writer in a loop does not overrun them.
    pub window_bytes: usize,
    /// Samples a KEEP_ALL writer may have unacknowledged before `write` blocks, where RESOURCE_LIMITS
    /// says nothing lower. Default 8,192: with small samples no more than processors' caches hold, and at a
    /// round trip of a millisecond still several million samples a second.
    pub window_samples: u64,
    /// How long a thread that waits for samples looks for them by itself before it sleeps, where that has helped
    /// lately; zero switches it off. It takes a processor for this long instead of the time, and the system calls,
    /// of falling asleep and being woken, and is meant for answers of other threads, processes and hosts that come
    /// at once. A thread that has looked in vain falls asleep at once the next times, twice as many each time, up
    /// to a thousand; one that shares its processor with whoever answers learns in the same way not to look but to
    /// let that one run. At most 1 ms. Default 20 µs: sleeping and being woken takes about as long at both sides
    /// together.
    pub spin: Duration,
    /// Whether endpoints announce what their types consist of, so that types are compared instead of
    /// their names (XTypes 1.3 §7.6.3.2.1). Default yes.
    pub announce_types: bool,
}

/// Whether samples for readers of several participants are sent once, to the domain's group.
///
/// A writer does so where there are two or more participants that listen to the group, are at most one hop away, and
/// whose announcements have come by a group. What a reader lacks is repaired as ever, and a reliable reader to which
/// the group carries nothing three times in a row is sent to by itself from then on. Readers that share memory with the
/// writer go on doing so. Those of this host that do not, count only where all interfaces are loopback: else samples
/// that stay on this host would load the network.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum UserMulticast {
    /// Never; nor is anybody told that we listen there.
    Disabled,
    /// For participants of ours and for those of others that announce the group; only ours are told that we listen
    /// there.
    #[default]
    Automatic,
    /// The same, and all are told (RTPS 2.5 Table 9.14 PID_DEFAULT_MULTICAST_LOCATOR), so that writers of Cyclone DDS,
    /// Fast DDS and RustDDS send to it as well. Not the default: where two readers share a group that their
    /// participants announce, Fast DDS 2.9.1 aborts its process (`OutputTrafficManager.hpp:87`).
    Announced,
}

/// More than all else in a message than a sample's fragments.
const HEADERS: usize = 4096;

impl ParticipantConfig {
    /// How many participants of a peer's host are addressed when its port is not given.
    pub const PEER_PORTS: u32 = 10;

    /// Of [`ParticipantConfig::spin`], because the end of a wait is not noticed sooner.
    const LONGEST_SPIN: std::time::Duration = std::time::Duration::from_millis(1);

    pub(crate) fn shared_memory_config(&self) -> SharedMemoryConfig {
        SharedMemoryConfig { ring_bytes: self.shared_memory_bytes }
    }

    pub(crate) fn spin_limit(&self) -> std::time::Duration {
        self.spin
            .as_nanos()
            .map_or(Self::LONGEST_SPIN, std::time::Duration::from_nanos)
            .min(Self::LONGEST_SPIN)
    }

    /// How large messages may be, with `overhead` bytes left to what protects them.
    pub(crate) fn message_sizes(&self, overhead: usize) -> MessageSizes {
        let shared = self.shared_memory_config().longest_message() - HEADERS;
        MessageSizes { shared, ..MessageSizes::default() }.less(overhead)
    }

    /// The defaults, on loopback only: for tests and systems on one host.
    pub fn loopback_only() -> Self {
        Self { transport: UdpConfig::loopback_only(), ..Self::default() }
    }
}

impl Default for ParticipantConfig {
    fn default() -> Self {
        Self {
            transport: UdpConfig::default(),
            shared_memory: true,
            user_multicast: UserMulticast::default(),
            shared_memory_bytes: SharedMemoryConfig::default().ring_bytes,
            initial_peers: Vec::new(),
            domain_tag: String::new(),
            lease_duration: dds_rtps::timing::PARTICIPANT_LEASE,
            announcement_period: dds_rtps::timing::ANNOUNCEMENT_PERIOD,
            name: None,
            linger: Duration::from_secs(1),
            fragment_size: 1344,
            batch_window: Duration::from_nanos(100_000),
            batch_bytes: 16 << 10,
            window_bytes: 2 << 20,
            window_samples: 8_192,
            spin: Duration::from_nanos(20_000),
            announce_types: true,
        }
    }
}

/// The address of a participant that is told of ours without multicast.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Peer {
    /// A host: its first participants, by the port mapping.
    Host(IpAddr),
    /// One socket.
    Socket(SocketAddr),
}

impl Peer {
    pub(super) fn addresses(self, domain_id: u32, ports: &PortMapping) -> Vec<SocketAddr> {
        match self {
            Self::Socket(address) => vec![address],
            Self::Host(host) => (0..ParticipantConfig::PEER_PORTS)
                .filter_map(|id| ports.metatraffic_unicast(domain_id, id).ok())
                .map(|port| SocketAddr::new(host, port))
                .collect(),
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host) => host.fmt(f),
            Self::Socket(socket) => socket.fmt(f),
        }
    }
}

impl std::str::FromStr for Peer {
    type Err = crate::error::DdsError;

    /// `192.0.2.1`, `192.0.2.1:7410`, `2001:db8::1` or `[2001:db8::1]:7410`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Socket(address));
        }
        text.parse().map(Self::Host).map_err(|_| {
            crate::error::DdsError::bad_parameter(
                "initial peer",
                format!("«{text}» is no IP address, with or without port"),
            )
        })
    }
}
