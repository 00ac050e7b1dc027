//! Network interfaces: which there are, which are used, when they change.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::str::FromStr;

use crate::error::OpenError;
use crate::sys;

/// An address of an interface with the length of its subnet prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// Length of the subnet prefix in bits.
    pub prefix_length: u8,
}

impl InterfaceAddress {
    /// Whether `other` lies in this address's subnet.
    #[must_use]
    pub fn subnet_contains(&self, other: IpAddr) -> bool {
        Subnet { address: self.address, prefix_length: self.prefix_length }.contains(other)
    }
}

/// A network interface of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Its name, e.g. `eth0`.
    pub name: String,
    /// Its index, never 0.
    pub index: u32,
    /// Its addresses in the system's order, IPv4 first.
    pub addresses: Vec<InterfaceAddress>,
    /// Administratively up.
    pub up: bool,
    /// Operational (has a carrier).
    pub running: bool,
    /// Carries the MULTICAST flag. Loopback usually lacks it and can multicast nevertheless.
    pub multicast: bool,
    /// Is a loopback interface.
    pub loopback: bool,
    /// The largest IP packet in bytes, if known.
    pub mtu: Option<u32>,
}

impl Interface {
    /// Whether datagrams can be exchanged now: up, running and with an address.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.up && self.running && !self.addresses.is_empty()
    }

    /// Whether multicast can be tried: by its flag, or because it is loopback, which delivers multicast
    /// locally even without the flag.
    #[must_use]
    pub fn can_multicast(&self) -> bool {
        self.multicast || self.loopback
    }
}

/// All interfaces of this host, sorted by index.
///
/// # Errors
/// What the operating system reports, e.g. out of file descriptors.
pub fn enumerate() -> io::Result<Vec<Interface>> {
    sys::enumerate_interfaces()
}

/// An IP subnet in CIDR notation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    /// Any address in it; bits beyond the prefix are ignored.
    pub address: IpAddr,
    /// Length of the prefix in bits.
    pub prefix_length: u8,
}

impl Subnet {
    /// Whether `address` lies in the subnet; never for another address family.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(mine), IpAddr::V4(other)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix_length.min(32))).unwrap_or(0);
                mine.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(mine), IpAddr::V6(other)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_length.min(128))).unwrap_or(0);
                mine.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Subnet {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let error = || SelectorError { text: text.to_owned() };
        let (address, prefix) = text.split_once('/').ok_or_else(error)?;
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let prefix_length: u8 = prefix.parse().map_err(|_| error())?;
        if prefix_length > if address.is_ipv4() { 32 } else { 128 } {
            return Err(error());
        }
        Ok(Self { address, prefix_length })
    }
}

/// A text that is neither an interface name nor an address nor a subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelectorError {
    /// The text.
    pub text: String,
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is neither an interface name nor an address nor a subnet like 10.0.0.0/8", self.text)
    }
}

impl std::error::Error for SelectorError {}

/// Names interfaces by name, by one of their addresses or by subnet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceSelector {
    /// The interface of this name.
    Name(String),
    /// The interface with this address.
    Address(IpAddr),
    /// Every interface with an address in this subnet.
    Subnet(Subnet),
}

impl InterfaceSelector {
    /// Whether it names this interface.
    #[must_use]
    pub fn matches(&self, interface: &Interface) -> bool {
        match self {
            Self::Name(name) => interface.name == *name,
            Self::Address(address) => interface.addresses.iter().any(|own| own.address == *address),
            Self::Subnet(subnet) => interface.addresses.iter().any(|own| subnet.contains(own.address)),
        }
    }
}

impl FromStr for InterfaceSelector {
    type Err = SelectorError;

    /// `10.0.0.0/8` is a subnet, `10.0.0.1` an address, anything else a name.
    fn from_str(text: &str) -> Result<Self, SelectorError> {
        if text.contains('/') {
            return text.parse().map(Self::Subnet);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(address));
        }
        if text.is_empty() || text.contains(char::is_whitespace) {
            return Err(SelectorError { text: text.to_owned() });
        }
        Ok(Self::Name(text.to_owned()))
    }
}

impl fmt::Display for InterfaceSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(address) => address.fmt(f),
            Self::Subnet(subnet) => write!(f, "{}/{}", subnet.address, subnet.prefix_length),
        }
    }
}

/// Which interfaces are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum InterfaceSelection {
    /// All usable ones; loopback only when there is no other.
    #[default]
    All,
    /// Loopback only. Unicast sockets are then bound to the loopback address, so that nothing from outside
    /// the host gets in.
    LoopbackOnly,
    /// Those that any of the selectors names, loopback included if named.
    Matching(Vec<InterfaceSelector>),
}

impl InterfaceSelection {
    /// The usable interfaces of `all` that are selected.
    #[must_use]
    pub fn select(&self, all: &[Interface]) -> Vec<Interface> {
        let usable = all.iter().filter(|interface| interface.is_usable());
        match self {
            Self::All => {
                let (loopback, other): (Vec<_>, Vec<_>) =
                    usable.cloned().partition(|interface| interface.loopback);
                if other.is_empty() { loopback } else { other }
            }
            Self::LoopbackOnly => usable.filter(|interface| interface.loopback).cloned().collect(),
            Self::Matching(selectors) => usable
                .filter(|interface| selectors.iter().any(|selector| selector.matches(interface)))
                .cloned()
                .collect(),
        }
    }

    /// Checks that every selector names an interface there is, up or not.
    ///
    /// # Errors
    /// [`OpenError::NoSuchInterface`] for the first that does not.
    pub fn check(&self, all: &[Interface]) -> Result<(), OpenError> {
        let Self::Matching(selectors) = self else { return Ok(()) };
        match selectors.iter().find(|selector| !all.iter().any(|interface| selector.matches(interface))) {
            None => Ok(()),
            Some(selector) => Err(OpenError::NoSuchInterface {
                selector: selector.to_string(),
                available: all.iter().map(|interface| interface.name.clone()).collect(),
            }),
        }
    }
}

/// Notices that interfaces or their addresses changed.
///
/// On Linux it is a netlink socket: put its [`descriptor`](Self::descriptor) into a poller and call [`drain`](Self::drain) when it is
/// ready. Elsewhere there is nothing to poll; `drain` then says «perhaps» once every
/// [`poll_period`](Self::poll_period).
#[derive(Debug)]
pub struct InterfaceMonitor {
    source: sys::ChangeSource,
}

impl InterfaceMonitor {
    /// Starts watching.
    ///
    /// # Errors
    /// What the operating system reports.
    pub fn new() -> io::Result<Self> {
        Ok(Self { source: sys::ChangeSource::new()? })
    }

    /// The descriptor that becomes readable on a change, where there is one.
    #[must_use]
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.source.descriptor()
    }

    /// How often [`drain`](Self::drain) must be called without being told, where there is no descriptor.
    #[must_use]
    pub fn poll_period(&self) -> Option<std::time::Duration> {
        self.source.poll_period()
    }

    /// Consumes the notices; whether there may have been a change. [`enumerate`] says which.
    #[must_use]
    pub fn drain(&self) -> bool {
        self.source.drain()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn interface(name: &str, index: u32, address: &str, loopback: bool) -> Interface {
        Interface {
            name: name.to_owned(),
            index,
            addresses: vec![InterfaceAddress { address: address.parse().unwrap(), prefix_length: 24 }],
            up: true,
            running: true,
            multicast: !loopback,
            loopback,
            mtu: Some(1500),
        }
    }

    fn names(selection: &InterfaceSelection, all: &[Interface]) -> Vec<String> {
        selection.select(all).into_iter().map(|interface| interface.name).collect()
    }

    #[test]
    fn loopback_is_used_only_when_alone_or_selected() {
        let lo = interface("lo", 1, "127.0.0.1", true);
        let mut eth0 = interface("eth0", 2, "10.1.2.3", false);
        let both = [lo.clone(), eth0.clone()];
        assert_eq!(names(&InterfaceSelection::All, &both), ["eth0"]);
        assert_eq!(names(&InterfaceSelection::LoopbackOnly, &both), ["lo"]);
        let lo_by_name = InterfaceSelection::Matching(vec!["lo".parse().unwrap()]);
        assert_eq!(names(&lo_by_name, &both), ["lo"]);
        eth0.running = false;
        assert_eq!(names(&InterfaceSelection::All, &[lo, eth0]), ["lo"]);
    }

    #[test]
    fn selectors() {
        let all = [interface("eth0", 2, "10.1.2.3", false), interface("eth1", 3, "fd00::1", false)];
        for (text, expected) in [
            ("eth0", "eth0"),
            ("10.1.2.3", "eth0"),
            ("10.0.0.0/8", "eth0"),
            ("fd00::1", "eth1"),
            ("fd00::/8", "eth1"),
        ] {
            let selection = InterfaceSelection::Matching(vec![text.parse().unwrap()]);
            assert_eq!(names(&selection, &all), [expected], "{text}");
            assert!(selection.check(&all).is_ok());
        }
        let unknown = InterfaceSelection::Matching(vec!["wlan7".parse().unwrap()]);
        let error = unknown.check(&all).unwrap_err().to_string();
        assert_eq!(error, "no interface matches `wlan7`; there are: eth0, eth1");
    }

    #[test]
    fn subnets() {
        let all: Subnet = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(Ipv4Addr::LOCALHOST.into()));
        assert!(!all.contains(Ipv6Addr::LOCALHOST.into()));
        let host: Subnet = "::1/128".parse().unwrap();
        assert!(host.contains(Ipv6Addr::LOCALHOST.into()));
        assert!(!host.contains("::2".parse().unwrap()));
        for wrong in ["10.0.0.0/33", "10.0.0.0/x", "x/8", "::/129", "10.0.0.0"] {
            assert!(wrong.parse::<Subnet>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn this_host_has_a_loopback_interface() {
        let all = enumerate().unwrap();
        let lo = all.iter().find(|interface| interface.loopback).expect("a loopback interface");
        assert!(lo.index > 0);
        assert!(lo.addresses.iter().any(|own| own.address == IpAddr::V4(Ipv4Addr::LOCALHOST)));
        assert_eq!(lo.addresses.first().map(|own| own.prefix_length), Some(8));
        assert!(lo.mtu.is_some_and(|mtu| mtu >= 1280));
    }
}
