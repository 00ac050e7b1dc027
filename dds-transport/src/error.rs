//! Errors, one variant per cause.

use std::fmt;
use std::io;
use std::net::SocketAddr;

/// The port mapping has no valid port for what was asked (RTPS 2.5 §9.6.2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortError {
    /// The domain's ports lie beyond 65,535.
    DomainTooLarge {
        /// The domain id asked for.
        domain: u32,
        /// The largest domain id this mapping can carry, if it can carry any.
        largest: Option<u32>,
    },
    /// The participant's ports lie beyond 65,535 or run into the next domain's.
    ParticipantIdTooLarge {
        /// The domain id asked for.
        domain: u32,
        /// The participant id asked for.
        participant_id: u32,
        /// The largest participant id in this domain, if there is any.
        largest: Option<u32>,
    },
}

impl fmt::Display for PortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DomainTooLarge { domain, largest: Some(largest) } => {
                write!(f, "domain id {domain} has no valid ports; the largest usable is {largest}")
            }
            Self::DomainTooLarge { domain, largest: None } => {
                write!(f, "domain id {domain} has no valid ports, nor has any other in this port mapping")
            }
            Self::ParticipantIdTooLarge { domain, participant_id, largest: Some(largest) } => write!(
                f,
                "participant id {participant_id} has no valid ports in domain {domain}; the largest usable is {largest}"
            ),
            Self::ParticipantIdTooLarge { domain, participant_id, largest: None } => write!(
                f,
                "participant id {participant_id} has no valid ports in domain {domain}, nor has any other"
            ),
        }
    }
}

impl std::error::Error for PortError {}

/// Why the sockets of a domain could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// The port mapping has no ports for this domain or participant.
    Ports(PortError),
    /// The interfaces could not be listed.
    Enumeration(io::Error),
    /// A configured selector names no interface of this host.
    NoSuchInterface {
        /// The selector as configured.
        selector: String,
        /// The names of the interfaces there are.
        available: Vec<String>,
    },
    /// Every participant id of the domain is taken on this host.
    NoFreeParticipantId {
        /// The domain id.
        domain: u32,
        /// How many participant ids were tried.
        tried: u32,
    },
    /// The participant id the configuration fixes is taken.
    ParticipantIdInUse {
        /// The domain id.
        domain: u32,
        /// The participant id.
        participant_id: u32,
    },
    /// A socket could not be created, set up or bound.
    Socket {
        /// The address it was to be bound to.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The poller or its waker could not be created.
    Poller(io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ports(error) => error.fmt(f),
            Self::Enumeration(error) => write!(f, "cannot list the network interfaces: {error}"),
            Self::NoSuchInterface { selector, available } => {
                write!(f, "no interface matches `{selector}`; there are: {}", available.join(", "))
            }
            Self::NoFreeParticipantId { domain, tried } => {
                write!(f, "all {tried} participant ids of domain {domain} are taken on this host")
            }
            Self::ParticipantIdInUse { domain, participant_id } => {
                write!(f, "participant id {participant_id} of domain {domain} is taken on this host")
            }
            Self::Socket { address, source } => write!(f, "cannot open a UDP socket at {address}: {source}"),
            Self::Poller(error) => write!(f, "cannot create the poller: {error}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Ports(error) => Some(error),
            Self::Enumeration(error) | Self::Poller(error) | Self::Socket { source: error, .. } => {
                Some(error)
            }
            Self::NoSuchInterface { .. }
            | Self::NoFreeParticipantId { .. }
            | Self::ParticipantIdInUse { .. } => None,
        }
    }
}

impl From<PortError> for OpenError {
    fn from(error: PortError) -> Self {
        Self::Ports(error)
    }
}

/// Why a datagram did not leave.
#[derive(Debug)]
pub enum SendError {
    /// The socket's send buffer or the device's queue is full; try again later.
    WouldBlock,
    /// The datagram is larger than the destination's path can carry.
    TooLarge,
    /// There is no route, no such interface or address family: the destination cannot be reached now.
    Unreachable(io::Error),
    /// A local packet filter refused it. To the protocol this is a lost datagram.
    Filtered(io::Error),
    /// Anything else.
    Io(io::Error),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WouldBlock => f.write_str("the send buffer is full"),
            Self::TooLarge => f.write_str("the datagram is too large for the path"),
            Self::Unreachable(error) => write!(f, "the destination is unreachable: {error}"),
            Self::Filtered(error) => write!(f, "a local packet filter refused the datagram: {error}"),
            Self::Io(error) => write!(f, "sending failed: {error}"),
        }
    }
}

impl std::error::Error for SendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::WouldBlock | Self::TooLarge => None,
            Self::Unreachable(error) | Self::Filtered(error) | Self::Io(error) => Some(error),
        }
    }
}
