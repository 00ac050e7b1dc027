//! Which of a peer's addresses to send to.

use core::net::{IpAddr, Ipv4Addr};

use smallvec::SmallVec;

use crate::structure::{Locator, LocatorKind};

/// One address of this host, with its subnet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interface {
    /// The interface's own address.
    pub address: IpAddr,
    /// How many leading bits of `address` name the subnet.
    pub prefix_length: u8,
}

impl Interface {
    /// Whether `other` lies in this interface's subnet.
    pub fn shares_subnet_with(&self, other: IpAddr) -> bool {
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let mask =
                    u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(self.prefix_length))).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let mask =
                    u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(self.prefix_length))).unwrap_or(0);
                own.to_bits() & mask == other.to_bits() & mask
            }
            _ => false,
        }
    }

    fn is_broadcast_of(&self, other: Ipv4Addr) -> bool {
        let IpAddr::V4(_) = self.address else { return false };
        let host_bits = u32::MAX.checked_shr(u32::from(self.prefix_length)).unwrap_or(0);
        // A /31 or /32 has no broadcast address.
        host_bits > 1
            && self.shares_subnet_with(IpAddr::V4(other))
            && other.to_bits() & host_bits == host_bits
    }
}

/// At most this many addresses of one peer are considered; the rest is ignored.
pub(super) const LOCATORS_CONSIDERED: usize = 16;

/// Addresses in the order in which they should be tried.
pub(super) type Ranked = SmallVec<[Locator; 2]>;

/// How good an address is; the lowest is tried first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    SameHostLoopback,
    SameHost,
    /// In a subnet of ours, and their announcement came from it.
    SharedSubnetAndOrigin,
    /// Their announcement came from it, so a way exists at least in one direction.
    Origin,
    SharedSubnet,
    /// Somewhere behind a router.
    Routed,
}

/// Orders the `announced` addresses of a peer whose announcement came from `origin` by how well
/// they should be reachable, and drops the unusable: not UDP, port 0 or above 65,535, multicast,
/// broadcast, loopback of another host, and addresses that are our own although the peer is
/// elsewhere (two hosts with the same bridge address).
///
/// An unspecified address (0.0.0.0) stands for the one the announcement came from.
pub(super) fn rank(announced: &[Locator], origin: Locator, interfaces: &[Interface]) -> Ranked {
    let origin = origin.socket_address().map(|address| address.ip().to_canonical());
    let same_host = origin.is_some_and(|origin| is_own(origin, interfaces));
    let mut ranked: SmallVec<[(Rank, Locator); LOCATORS_CONSIDERED]> = SmallVec::new();
    for locator in announced.iter().take(LOCATORS_CONSIDERED) {
        let Some(locator) = usable(locator, origin, interfaces) else { continue };
        let Some(ip) = ip(&locator) else { continue };
        let Some(rank) = rank_of(ip, origin, same_host, interfaces) else { continue };
        if !ranked.iter().any(|(_, known)| *known == locator) {
            ranked.push((rank, locator));
        }
    }
    // Stable: among equals the peer's own order counts.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, locator)| locator).collect()
}

fn usable(locator: &Locator, origin: Option<IpAddr>, interfaces: &[Interface]) -> Option<Locator> {
    let address = locator.socket_address()?;
    let ip = if address.ip().is_unspecified() { origin? } else { address.ip().to_canonical() };
    let reachable = match ip {
        IpAddr::V4(v4) => {
            !v4.is_broadcast() && !v4.is_multicast() && !interfaces.iter().any(|own| own.is_broadcast_of(v4))
        }
        IpAddr::V6(v6) => !v6.is_multicast() && interfaces.iter().any(|own| own.address.is_ipv6()),
    };
    reachable.then(|| Locator::from(core::net::SocketAddr::new(ip, address.port())))
}

fn rank_of(ip: IpAddr, origin: Option<IpAddr>, same_host: bool, interfaces: &[Interface]) -> Option<Rank> {
    let is_origin = origin == Some(ip);
    let shared = interfaces.iter().any(|own| own.shares_subnet_with(ip));
    if ip.is_loopback() {
        return same_host.then_some(Rank::SameHostLoopback);
    }
    if is_own(ip, interfaces) {
        return same_host.then_some(Rank::SameHost);
    }
    Some(match (shared, is_origin) {
        (true, true) => Rank::SharedSubnetAndOrigin,
        (false, true) => Rank::Origin,
        (true, false) => Rank::SharedSubnet,
        (false, false) => Rank::Routed,
    })
}

/// Whether `ip` is an address of this host.
pub(super) fn is_own(ip: IpAddr, interfaces: &[Interface]) -> bool {
    ip.is_loopback() || interfaces.iter().any(|own| own.address == ip)
}

/// The address of a UDP locator, IPv4-mapped ones as IPv4.
pub(super) fn ip(locator: &Locator) -> Option<IpAddr> {
    locator.socket_address().map(|address| address.ip().to_canonical())
}

/// Stands for delivery inside this process.
pub(super) const IN_PROCESS: Locator = Locator { kind: LocatorKind::IN_PROCESS, port: 0, address: [0; 16] };

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    fn v4(a: u8, b: u8, c: u8, d: u8, port: u16) -> Locator {
        Locator::udp_v4([a, b, c, d], port)
    }

    fn host() -> Vec<Interface> {
        let interface =
            |text: &str, prefix_length| Interface { address: text.parse().unwrap(), prefix_length };
        std::vec![interface("127.0.0.1", 8), interface("10.0.0.5", 24), interface("172.17.0.1", 16)]
    }

    #[test]
    fn the_unusable_are_dropped() {
        let announced = [
            v4(10, 0, 0, 9, 0),
            Locator { port: 70_000, ..v4(10, 0, 0, 9, 1) },
            v4(239, 255, 0, 1, 7400),
            v4(255, 255, 255, 255, 7400),
            v4(10, 0, 0, 255, 7400),
            v4(127, 0, 0, 1, 7400),
            v4(172, 17, 0, 1, 7400),
            Locator { kind: LocatorKind(16), ..v4(10, 0, 0, 9, 7410) },
            Locator::INVALID,
            Locator::udp_v6([0xfe; 16], 7400),
        ];
        assert!(rank(&announced, v4(10, 0, 0, 9, 5000), &host()).is_empty());
    }

    #[test]
    fn loopback_serves_only_on_the_same_host() {
        let announced = [v4(10, 0, 0, 5, 7411), v4(127, 0, 0, 1, 7411)];
        let same = rank(&announced, v4(10, 0, 0, 5, 7411), &host());
        assert_eq!(same.as_slice(), [v4(127, 0, 0, 1, 7411), v4(10, 0, 0, 5, 7411)]);
        assert!(rank(&announced, v4(10, 0, 0, 9, 7411), &host()).is_empty());
    }

    #[test]
    fn shared_subnets_come_first_and_the_origin_before_others() {
        let announced = [v4(192, 168, 9, 9, 1), v4(172, 17, 0, 4, 1), v4(10, 0, 0, 9, 1)];
        let ranked = rank(&announced, v4(10, 0, 0, 9, 7), &host());
        assert_eq!(ranked.as_slice(), [v4(10, 0, 0, 9, 1), v4(172, 17, 0, 4, 1), v4(192, 168, 9, 9, 1)]);
        let through_router = rank(&announced, v4(192, 168, 9, 9, 7), &host());
        assert_eq!(through_router[0], v4(192, 168, 9, 9, 1));
    }

    #[test]
    fn unspecified_stands_for_the_origin() {
        let ranked = rank(&[v4(0, 0, 0, 0, 7411)], v4(10, 0, 0, 9, 7), &host());
        assert_eq!(ranked.as_slice(), [v4(10, 0, 0, 9, 7411)]);
    }

    #[test]
    fn subnets_of_every_length() {
        for prefix_length in 0..=255 {
            let interface = Interface { address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5)), prefix_length };
            assert!(interface.shares_subnet_with(interface.address));
            assert_eq!(
                interface.shares_subnet_with(IpAddr::V4(Ipv4Addr::new(138, 0, 0, 5))),
                prefix_length == 0,
                "{prefix_length}"
            );
        }
    }
}
