//! The interfaces as last seen, and what follows from them.

use std::io;
use std::net::IpAddr;

use super::{Delivery, OpenSocket, Traffic, is_link_local};
use crate::config::UdpConfig;
use crate::interface::{Interface, enumerate};

/// What links commonly carry; assumed when the system does not tell.
const USUAL_MTU: u32 = 1500;

/// A way out for multicast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Egress {
    pub(super) interface: u32,
    /// Without it Linux chooses no source address on a host with loopback only.
    pub(super) source: Option<IpAddr>,
}

/// The groups of all sockets.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    joined: Vec<Membership>,
    /// Whether those for user traffic are wanted.
    pub(super) with_user_groups: bool,
}

/// A group joined on an interface by one of the sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Membership {
    socket: usize,
    group: IpAddr,
    interface: u32,
}

#[derive(Debug)]
pub(super) struct View {
    all: Vec<Interface>,
    pub(super) selected: Vec<Interface>,
    egress_v4: Vec<Egress>,
    egress_v6: Vec<Egress>,
}

impl View {
    pub(super) fn look(config: &UdpConfig) -> io::Result<Self> {
        Ok(Self::new(enumerate()?, config))
    }

    pub(super) fn new(all: Vec<Interface>, config: &UdpConfig) -> Self {
        let selected = config.interfaces.select(&all);
        let mut multicasting: Vec<&Interface> =
            selected.iter().filter(|interface| interface.can_multicast()).collect();
        if multicasting.is_empty() {
            // Interfaces without multicast (a tunnel, say): peers on this host still find us by loopback.
            multicasting.extend(all.iter().filter(|interface| interface.loopback && interface.is_usable()));
        }
        let egress_of = |is_v4: bool| {
            multicasting
                .iter()
                .filter_map(|interface| {
                    let mut own = interface.addresses.iter().map(|own| own.address);
                    let source = own.find(|address| address.is_ipv4() == is_v4)?;
                    // IPv6 chooses the source by the group's scope.
                    Some(Egress { interface: interface.index, source: is_v4.then_some(source) })
                })
                .collect()
        };
        let (egress_v4, egress_v6) = (egress_of(true), egress_of(false));
        Self { all, selected, egress_v4, egress_v6 }
    }

    pub(super) fn egress(&self, is_v4: bool) -> &[Egress] {
        if is_v4 { &self.egress_v4 } else { &self.egress_v6 }
    }

    /// The addresses to announce. Loopback only when alone; a link-local IPv6 address (which in a locator
    /// lacks its scope) only when its interface has no other IPv6 address.
    pub(super) fn announced_addresses(&self) -> Vec<IpAddr> {
        let has_other = self.selected.iter().any(|interface| !interface.loopback);
        let mut addresses = Vec::new();
        for interface in self.selected.iter().filter(|interface| !(has_other && interface.loopback)) {
            let own = || interface.addresses.iter().map(|own| own.address);
            let has_routable_v6 =
                own().any(|address| matches!(address, IpAddr::V6(address) if !is_link_local(address)));
            addresses.extend(own().filter(|address| match address {
                IpAddr::V4(_) => true,
                IpAddr::V6(address) => !(has_routable_v6 && is_link_local(*address)),
            }));
        }
        addresses
    }

    /// The MTU of the first link towards `destination`.
    pub(super) fn mtu_towards(&self, destination: IpAddr) -> u32 {
        let mtu = |interface: &Interface| interface.mtu.unwrap_or(USUAL_MTU);
        let is_own = |interface: &Interface| interface.addresses.iter().any(|own| own.address == destination);
        if destination.is_loopback() || self.all.iter().any(is_own) {
            // Between processes of one host everything goes by loopback.
            return self
                .all
                .iter()
                .filter(|interface| interface.loopback)
                .map(mtu)
                .max()
                .unwrap_or(USUAL_MTU);
        }
        if !destination.is_multicast() {
            let on_link = |interface: &&Interface| {
                interface.addresses.iter().any(|own| own.subnet_contains(destination))
            };
            if let Some(interface) = self.all.iter().find(on_link) {
                return mtu(interface);
            }
        }
        let egress = self.egress(destination.is_ipv4());
        let carries = |interface: &&Interface| {
            !destination.is_multicast() || egress.iter().any(|egress| egress.interface == interface.index)
        };
        let candidates = self.all.iter().filter(carries).filter(|interface| {
            destination.is_multicast() || self.selected.iter().any(|own| own.index == interface.index)
        });
        candidates.map(mtu).min().unwrap_or(USUAL_MTU)
    }

    /// Joins the groups where they are not joined yet and leaves them where they should not be.
    pub(super) fn adapt_memberships(
        &self,
        sockets: &[OpenSocket],
        config: &UdpConfig,
        Memberships { joined: memberships, with_user_groups }: &mut Memberships,
    ) {
        let mut wanted = Vec::new();
        for (socket, open) in sockets.iter().enumerate() {
            if open.delivery == Delivery::Multicast && (*with_user_groups || open.traffic != Traffic::User) {
                let is_v4 = open.socket.local_address().is_ipv4();
                let group =
                    if is_v4 { config.multicast_group_v4.into() } else { config.multicast_group_v6.into() };
                let interfaces = self.egress(is_v4).iter().map(|egress| egress.interface);
                wanted.extend(interfaces.map(|interface| Membership { socket, group, interface }));
            }
        }
        memberships.retain(|membership| {
            let is_wanted = wanted.contains(membership);
            if !is_wanted && let Some(open) = sockets.get(membership.socket) {
                // The interface may be gone, and the membership with it.
                let _ = open.socket.leave(membership.group, membership.interface);
            }
            is_wanted
        });
        for membership in wanted {
            let Some(open) = sockets.get(membership.socket) else { continue };
            if memberships.contains(&membership) {
                continue;
            }
            match open.socket.join(membership.group, membership.interface) {
                Ok(()) => memberships.push(membership),
                Err(error) => tracing::warn!(
                    group = %membership.group,
                    interface = membership.interface,
                    %error,
                    "cannot join the multicast group on this interface"
                ),
            }
        }
    }
}
