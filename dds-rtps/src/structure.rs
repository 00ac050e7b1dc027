//! The identifiers of RTPS 2.5 §8.2 and §9.3: GUIDs, sequence numbers, locators.

use core::{cmp::Ordering, fmt};

/// The first twelve bytes of a [`Guid`]: one participant (RTPS 2.5 §9.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GuidPrefix(pub [u8; 12]);

impl GuidPrefix {
    /// `GUIDPREFIX_UNKNOWN`.
    pub const UNKNOWN: Self = Self([0; 12]);
}

impl fmt::Display for GuidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if index == 4 || index == 8 {
                f.write_str(".")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for GuidPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GuidPrefix({self})")
    }
}

/// Who made an RTPS implementation (RTPS 2.5 §9.4.4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct VendorId(pub [u8; 2]);

impl VendorId {
    /// `VENDORID_UNKNOWN`.
    pub const UNKNOWN: Self = Self([0, 0]);
    /// RTI Connext.
    pub const RTI: Self = Self([0x01, 0x01]);
    /// OpenSplice.
    pub const OPENSPLICE: Self = Self([0x01, 0x02]);
    /// OpenDDS.
    pub const OPENDDS: Self = Self([0x01, 0x03]);
    /// eProsima Fast DDS.
    pub const EPROSIMA: Self = Self([0x01, 0x0f]);
    /// Eclipse Cyclone DDS.
    pub const CYCLONE: Self = Self([0x01, 0x10]);
    /// Atostek RustDDS.
    pub const RUSTDDS: Self = Self([0x01, 0x12]);
    /// S2E Dust DDS.
    pub const DUSTDDS: Self = Self([0x01, 0x14]);
    /// This implementation. The OMG has assigned us none: the first byte 0x01 is what all
    /// assigned ids share, and 0xdd stands far above the assigned range, so that a collision is
    /// unlikely and a dissector prints «unknown vendor» instead of a wrong name.
    pub const OURS: Self = Self([0x01, 0xdd]);

    /// The vendor's name as people know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::RTI => "RTI Connext",
            Self::OPENSPLICE => "OpenSplice",
            Self::OPENDDS => "OpenDDS",
            Self::EPROSIMA => "Fast DDS",
            Self::CYCLONE => "Cyclone DDS",
            Self::RUSTDDS => "RustDDS",
            Self::DUSTDDS => "Dust DDS",
            Self::OURS => "this implementation",
            _ => "unknown vendor",
        }
    }
}

/// The protocol's version (RTPS 2.5 §8.3.5.3). Any minor of major 2 is accepted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProtocolVersion {
    /// Incompatible when it differs.
    pub major: u8,
    /// Compatible when it differs.
    pub minor: u8,
}

impl ProtocolVersion {
    /// RTPS 2.5, the version spoken here.
    pub const CURRENT: Self = Self { major: 2, minor: 5 };
}

/// The last four bytes of a [`Guid`]: one endpoint of a participant (RTPS 2.5 §9.3.1.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntityId(pub [u8; 4]);

macro_rules! entity_ids {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl EntityId {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The standard's name of a predefined id.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

entity_ids! {
    /// `ENTITYID_UNKNOWN`: all endpoints that match.
    UNKNOWN = [0, 0, 0, 0];
    /// `ENTITYID_PARTICIPANT`.
    PARTICIPANT = [0, 0, 1, 0xc1];
    /// `ENTITYID_SEDP_BUILTIN_TOPICS_ANNOUNCER`.
    SEDP_TOPICS_WRITER = [0, 0, 2, 0xc2];
    /// `ENTITYID_SEDP_BUILTIN_TOPICS_DETECTOR`.
    SEDP_TOPICS_READER = [0, 0, 2, 0xc7];
    /// `ENTITYID_SEDP_BUILTIN_PUBLICATIONS_ANNOUNCER`.
    SEDP_PUBLICATIONS_WRITER = [0, 0, 3, 0xc2];
    /// `ENTITYID_SEDP_BUILTIN_PUBLICATIONS_DETECTOR`.
    SEDP_PUBLICATIONS_READER = [0, 0, 3, 0xc7];
    /// `ENTITYID_SEDP_BUILTIN_SUBSCRIPTIONS_ANNOUNCER`.
    SEDP_SUBSCRIPTIONS_WRITER = [0, 0, 4, 0xc2];
    /// `ENTITYID_SEDP_BUILTIN_SUBSCRIPTIONS_DETECTOR`.
    SEDP_SUBSCRIPTIONS_READER = [0, 0, 4, 0xc7];
    /// `ENTITYID_SPDP_BUILTIN_PARTICIPANT_ANNOUNCER`.
    SPDP_WRITER = [0, 1, 0, 0xc2];
    /// `ENTITYID_SPDP_BUILTIN_PARTICIPANT_DETECTOR`.
    SPDP_READER = [0, 1, 0, 0xc7];
    /// `ENTITYID_P2P_BUILTIN_PARTICIPANT_MESSAGE_WRITER`.
    PARTICIPANT_MESSAGE_WRITER = [0, 2, 0, 0xc2];
    /// `ENTITYID_P2P_BUILTIN_PARTICIPANT_MESSAGE_READER`.
    PARTICIPANT_MESSAGE_READER = [0, 2, 0, 0xc7];
    /// `ENTITYID_TL_SVC_REQ_WRITER` (XTypes 1.3 §7.6.3.3.3).
    TYPE_LOOKUP_REQUEST_WRITER = [0, 3, 0, 0xc3];
    /// `ENTITYID_TL_SVC_REQ_READER`.
    TYPE_LOOKUP_REQUEST_READER = [0, 3, 0, 0xc4];
    /// `ENTITYID_TL_SVC_REPLY_WRITER`.
    TYPE_LOOKUP_REPLY_WRITER = [0, 3, 1, 0xc3];
    /// `ENTITYID_TL_SVC_REPLY_READER`.
    TYPE_LOOKUP_REPLY_READER = [0, 3, 1, 0xc4];
}

/// What an [`EntityId`]'s last byte says of the endpoint (RTPS 2.5 Table 9.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EntityKind(pub u8);

impl EntityKind {
    /// A user's writer of a keyed topic.
    pub const WRITER_WITH_KEY: Self = Self(0x02);
    /// A user's writer of a keyless topic.
    pub const WRITER_NO_KEY: Self = Self(0x03);
    /// A user's reader of a keyless topic.
    pub const READER_NO_KEY: Self = Self(0x04);
    /// A user's reader of a keyed topic.
    pub const READER_WITH_KEY: Self = Self(0x07);
    /// A user's writer group (a Publisher).
    pub const WRITER_GROUP: Self = Self(0x08);
    /// A user's reader group (a Subscriber).
    pub const READER_GROUP: Self = Self(0x09);
}

impl EntityId {
    /// An id of the three key bytes of `key` and `kind`; bits of `key` above 24 are dropped.
    pub const fn new(key: u32, kind: EntityKind) -> Self {
        let [_, a, b, c] = key.to_be_bytes();
        Self([a, b, c, kind.0])
    }

    /// The last byte.
    pub const fn kind(self) -> EntityKind {
        let [.., kind] = self.0;
        EntityKind(kind)
    }

    /// Whether this is a writer, by its kind.
    pub const fn is_writer(self) -> bool {
        matches!(self.kind().0 & 0x3f, 0x02 | 0x03)
    }

    /// Whether this is a reader, by its kind.
    pub const fn is_reader(self) -> bool {
        matches!(self.kind().0 & 0x3f, 0x04 | 0x07)
    }

    /// Whether the specification defines this endpoint, rather than a user.
    pub const fn is_builtin(self) -> bool {
        self.kind().0 & 0xc0 == 0xc0
    }

    /// Whether the endpoint's topic has a key.
    pub const fn is_keyed(self) -> bool {
        matches!(self.kind().0 & 0x3f, 0x02 | 0x07)
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b, c, kind]) = self;
        write!(f, "{a:02x}{b:02x}{c:02x}.{kind:02x}")
    }
}

impl fmt::Debug for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "EntityId({name})"),
            None => write!(f, "EntityId({self})"),
        }
    }
}

/// A globally unique identifier of a participant or endpoint (RTPS 2.5 §8.2.4.1).
///
/// In the order of its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Guid {
    /// The participant.
    pub prefix: GuidPrefix,
    /// The entity inside it.
    pub entity_id: EntityId,
}

// Maps by GUID are searched for every sample: compared as a number, it takes two steps and not sixteen.
impl Ord for Guid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_number().cmp(&other.as_number())
    }
}

impl PartialOrd for Guid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Guid {
    const fn as_number(&self) -> u128 {
        let [p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11] = self.prefix.0;
        let [e0, e1, e2, e3] = self.entity_id.0;
        u128::from_be_bytes([p0, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, p11, e0, e1, e2, e3])
    }

    /// `GUID_UNKNOWN`.
    pub const UNKNOWN: Self = Self { prefix: GuidPrefix::UNKNOWN, entity_id: EntityId::UNKNOWN };

    /// Of a participant's prefix and one of its entities.
    pub const fn new(prefix: GuidPrefix, entity_id: EntityId) -> Self {
        Self { prefix, entity_id }
    }

    /// The participant that `self` belongs to.
    pub const fn participant(self) -> Self {
        Self { prefix: self.prefix, entity_id: EntityId::PARTICIPANT }
    }

    /// The sixteen bytes in wire order.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (head, tail) = bytes.split_at_mut(12);
        head.copy_from_slice(&self.prefix.0);
        tail.copy_from_slice(&self.entity_id.0);
        bytes
    }

    /// From sixteen bytes in wire order.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = bytes;
        Self { prefix: GuidPrefix([a, b, c, d, e, f, g, h, i, j, k, l]), entity_id: EntityId([m, n, o, p]) }
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}|{}", self.prefix, self.entity_id)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guid({}|{:?})", self.prefix, self.entity_id)
    }
}

/// The place of a change in a writer's history (RTPS 2.5 §9.3.2.4). Valid numbers start at 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct SequenceNumber(pub i64);

impl SequenceNumber {
    /// `SEQUENCENUMBER_UNKNOWN`, {-1, 0}.
    pub const UNKNOWN: Self = Self(-0x1_0000_0000);
    /// Before the first number.
    pub const ZERO: Self = Self(0);
    /// The first number a writer gives.
    pub const FIRST: Self = Self(1);
    /// The largest one.
    pub const MAX: Self = Self(i64::MAX);

    /// The following number.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The preceding number.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// `offset` numbers further.
    #[must_use]
    pub const fn plus(self, offset: u64) -> Self {
        Self(self.0.saturating_add_unsigned(offset))
    }

    /// How many numbers `self` is past `base`; `None` when it lies before it.
    pub fn offset_from(self, base: Self) -> Option<u64> {
        u64::try_from(self.0.checked_sub(base.0)?).ok()
    }

    /// Whether a change can have it: 1 or above. The largest one is refused too, so that every
    /// valid number has a successor.
    pub const fn is_valid(self) -> bool {
        self.0 >= 1 && self.0 < i64::MAX
    }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The place of a fragment in its sample (RTPS 2.5 §9.3.2.5). Valid numbers start at 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FragmentNumber(pub u32);

/// Numbers heartbeats and acknowledgements; compares modulo wrap (RTPS 2.5 §9.3.2.6).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Count(pub i32);

impl Count {
    /// The following count.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Whether `self` was sent after `other`, modulo wrap.
    pub const fn is_newer_than(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0) > 0
    }
}

/// What sort of address a [`Locator`] holds (RTPS 2.5 §9.3.2.3). Unknown kinds are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LocatorKind(pub i32);

impl LocatorKind {
    /// `LOCATOR_KIND_INVALID`.
    pub const INVALID: Self = Self(-1);
    /// `LOCATOR_KIND_RESERVED`.
    pub const RESERVED: Self = Self(0);
    /// `LOCATOR_KIND_UDPv4`.
    pub const UDP_V4: Self = Self(1);
    /// `LOCATOR_KIND_UDPv6`.
    pub const UDP_V6: Self = Self(2);
    /// Delivered inside this process; never on the wire (a vendor range value of our own).
    pub const IN_PROCESS: Self = Self(0x01dd_0001);
    /// Through memory shared with a process of this host; never on the wire (a vendor range value of our own).
    /// `address` is the process's [`SharedMemoryName`], `port` what the transport makes of it.
    pub const SHARED_MEMORY: Self = Self(0x01dd_0002);
}

/// Under which a process of ours listens for others of its host that want to share memory with it. What
/// the bytes mean is the transport's business.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SharedMemoryName(pub [u8; 16]);

impl fmt::Debug for SharedMemoryName {
    /// Half of it, because the other half is a secret of those who were told.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let visible = self.0.first_chunk().copied().map_or(0, u64::from_be_bytes);
        write!(f, "SharedMemoryName({visible:016x}…)")
    }
}

/// An address that messages can be sent to (RTPS 2.5 §9.3.2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Locator {
    /// What `address` means.
    pub kind: LocatorKind,
    /// The port; above 65,535 it is unusable for UDP.
    pub port: u32,
    /// An IPv6 address, or an IPv4 address in the last four bytes.
    pub address: [u8; 16],
}

impl Locator {
    /// `LOCATOR_INVALID`.
    pub const INVALID: Self = Self { kind: LocatorKind::INVALID, port: 0, address: [0; 16] };

    /// A UDPv4 locator.
    pub const fn udp_v4(address: [u8; 4], port: u16) -> Self {
        let [a, b, c, d] = address;
        Self {
            kind: LocatorKind::UDP_V4,
            port: port as u32,
            address: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d],
        }
    }

    /// A UDPv6 locator.
    pub const fn udp_v6(address: [u8; 16], port: u16) -> Self {
        Self { kind: LocatorKind::UDP_V6, port: port as u32, address }
    }

    /// The socket address, when this is a UDP locator with a usable port.
    pub fn socket_address(&self) -> Option<core::net::SocketAddr> {
        use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
        let port = u16::try_from(self.port).ok().filter(|port| *port != 0)?;
        let ip = match self.kind {
            LocatorKind::UDP_V4 => {
                let [.., a, b, c, d] = self.address;
                IpAddr::V4(Ipv4Addr::new(a, b, c, d))
            }
            LocatorKind::UDP_V6 => IpAddr::V6(Ipv6Addr::from(self.address)),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Whether it addresses a multicast group.
    pub fn is_multicast(&self) -> bool {
        self.socket_address().is_some_and(|address| address.ip().is_multicast())
    }

    /// Whether it addresses this host's loopback interface.
    pub fn is_loopback(&self) -> bool {
        self.socket_address().is_some_and(|address| address.ip().is_loopback())
    }
}

impl From<core::net::SocketAddr> for Locator {
    fn from(address: core::net::SocketAddr) -> Self {
        match address.ip() {
            core::net::IpAddr::V4(ip) => Self::udp_v4(ip.octets(), address.port()),
            core::net::IpAddr::V6(ip) => Self::udp_v6(ip.octets(), address.port()),
        }
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.socket_address() {
            Some(address) => write!(f, "udp/{address}"),
            None if self.kind == LocatorKind::SHARED_MEMORY => {
                write!(f, "shared memory/{:?}", SharedMemoryName(self.address))
            }
            None => write!(f, "kind {} port {} {:02x?}", self.kind.0, self.port, self.address),
        }
    }
}

impl fmt::Debug for Locator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Locator({self})")
    }
}

/// A key's sixteen-byte digest as it travels in inline QoS (RTPS 2.5 §9.6.4.8).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct KeyHash(pub [u8; 16]);
