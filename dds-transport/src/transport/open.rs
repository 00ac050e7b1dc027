//! Opening: participant id search, binding, joining.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, RwLock};

use super::view::{Memberships, View};
use super::{Delivery, MONITOR, OpenSocket, Traffic, UdpTransport};
use crate::config::{AddressFamilies, MulticastUse, ParticipantIdChoice, UdpConfig};
use crate::error::OpenError;
use crate::interface::{InterfaceMonitor, InterfaceSelection, enumerate};
use crate::poller::{Poller, Token};
use crate::socket::{SocketConfig, UdpSocket};

pub(super) fn open(domain: u32, mut config: UdpConfig) -> Result<UdpTransport, OpenError> {
    let all = enumerate().map_err(OpenError::Enumeration)?;
    config.interfaces.check(&all)?;
    config.families = available_families(&config)?;
    let view = View::new(all, &config);
    if view.selected.is_empty() {
        tracing::warn!(domain, "no usable network interface is selected; waiting for one to come up");
    }
    let (participant_id, mut sockets) = bind_unicast(domain, &config)?;
    let sender = |is_v4: bool| {
        sockets.iter().position(|open: &OpenSocket| {
            open.traffic == Traffic::User && open.socket.local_address().is_ipv4() == is_v4
        })
    };
    let (sender_v4, sender_v6) = (sender(true), sender(false));
    if config.multicast == MulticastUse::Enabled {
        bind_multicast(domain, &config, &mut sockets)?;
    }
    let poller = Poller::new().map_err(OpenError::Poller)?;
    for (token, open) in (0..).zip(&sockets) {
        poller.add(open.socket.as_fd(), Token(token)).map_err(OpenError::Poller)?;
    }
    let monitor = InterfaceMonitor::new()
        .inspect_err(|error| tracing::warn!(%error, "interface changes will not be noticed"))
        .ok();
    if let Some(descriptor) = monitor.as_ref().and_then(InterfaceMonitor::descriptor) {
        poller.add(descriptor, MONITOR).map_err(OpenError::Poller)?;
    }
    let mut memberships = Memberships::default();
    view.adapt_memberships(&sockets, &config, &mut memberships);
    let transport = UdpTransport {
        config,
        domain,
        participant_id,
        sockets,
        sender_v4,
        sender_v6,
        poller,
        monitor,
        view: RwLock::new(Arc::new(view)),
        memberships: Mutex::new(memberships),
    };
    report_buffers(&transport);
    Ok(transport)
}

fn report_buffers(transport: &UdpTransport) {
    let granted = transport.buffer_sizes();
    let asked = &transport.config;
    if granted.receive < asked.receive_buffer || granted.send < asked.send_buffer {
        tracing::info!(
            receive_granted = granted.receive,
            receive_asked = asked.receive_buffer,
            send_granted = granted.send,
            send_asked = asked.send_buffer,
            "socket buffers are smaller than asked for; raise net.core.rmem_max and net.core.wmem_max"
        );
    }
}

/// Without IPv6 on this host «both» means IPv4.
fn available_families(config: &UdpConfig) -> Result<AddressFamilies, OpenError> {
    if config.families != AddressFamilies::Both {
        return Ok(config.families);
    }
    let probe = SocketAddr::new(unicast_address(config, false), 0);
    match UdpSocket::exclusive(probe, &socket_config(config)) {
        Ok(_) => Ok(AddressFamilies::Both),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
                || error.raw_os_error() == Some(libc::EAFNOSUPPORT) =>
        {
            tracing::warn!(%error, "this host has no IPv6; using IPv4 only");
            Ok(AddressFamilies::Ipv4)
        }
        Err(source) => Err(OpenError::Socket { address: probe, source }),
    }
}

fn socket_config(config: &UdpConfig) -> SocketConfig {
    SocketConfig {
        receive_buffer: config.receive_buffer,
        send_buffer: config.send_buffer,
        multicast_ttl: config.multicast_ttl,
        offload: config.offload,
    }
}

/// Where unicast sockets are bound.
fn unicast_address(config: &UdpConfig, is_v4: bool) -> IpAddr {
    let is_confined = config.interfaces == InterfaceSelection::LoopbackOnly;
    match (is_v4, is_confined) {
        (true, true) => Ipv4Addr::LOCALHOST.into(),
        (true, false) => Ipv4Addr::UNSPECIFIED.into(),
        (false, true) => Ipv6Addr::LOCALHOST.into(),
        (false, false) => Ipv6Addr::UNSPECIFIED.into(),
    }
}

fn families(config: &UdpConfig) -> impl Iterator<Item = bool> + use<> {
    let chosen = config.families;
    [true, false].into_iter().filter(move |&is_v4| if is_v4 { chosen.has_v4() } else { chosen.has_v6() })
}

fn bind_unicast(domain: u32, config: &UdpConfig) -> Result<(Option<u32>, Vec<OpenSocket>), OpenError> {
    match config.participant_id {
        ParticipantIdChoice::Ephemeral => Ok((None, bind_pair(config, 0, 0)?)),
        ParticipantIdChoice::Fixed(participant_id) => match bind_participant(domain, config, participant_id)?
        {
            Some(sockets) => Ok((Some(participant_id), sockets)),
            None => Err(OpenError::ParticipantIdInUse { domain, participant_id }),
        },
        ParticipantIdChoice::Automatic => {
            let tried = config.ports.participant_ids(domain)?;
            for participant_id in 0..tried {
                if let Some(sockets) = bind_participant(domain, config, participant_id)? {
                    return Ok((Some(participant_id), sockets));
                }
            }
            Err(OpenError::NoFreeParticipantId { domain, tried })
        }
    }
}

/// The participant's unicast sockets, or `None` when one of its ports is taken.
fn bind_participant(
    domain: u32,
    config: &UdpConfig,
    participant_id: u32,
) -> Result<Option<Vec<OpenSocket>>, OpenError> {
    let metatraffic = config.ports.metatraffic_unicast(domain, participant_id)?;
    let user = config.ports.user_unicast(domain, participant_id)?;
    match bind_pair(config, metatraffic, user) {
        Ok(sockets) => Ok(Some(sockets)),
        Err(OpenError::Socket { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error),
    }
}

fn bind_pair(config: &UdpConfig, metatraffic: u16, user: u16) -> Result<Vec<OpenSocket>, OpenError> {
    let mut sockets = Vec::with_capacity(8);
    for is_v4 in families(config) {
        for (traffic, port) in [(Traffic::Metatraffic, metatraffic), (Traffic::User, user)] {
            let address = SocketAddr::new(unicast_address(config, is_v4), port);
            let socket = UdpSocket::exclusive(address, &socket_config(config))
                .map_err(|source| OpenError::Socket { address, source })?;
            sockets.push(OpenSocket { socket, traffic, delivery: Delivery::Unicast });
        }
    }
    Ok(sockets)
}

fn bind_multicast(domain: u32, config: &UdpConfig, sockets: &mut Vec<OpenSocket>) -> Result<(), OpenError> {
    let metatraffic = config.ports.metatraffic_multicast(domain)?;
    let user = config.ports.user_multicast(domain)?;
    for is_v4 in families(config) {
        let group: IpAddr =
            if is_v4 { config.multicast_group_v4.into() } else { config.multicast_group_v6.into() };
        for (traffic, port) in [(Traffic::Metatraffic, metatraffic), (Traffic::User, user)] {
            let address = SocketAddr::new(group, port);
            let socket = UdpSocket::multicast(group, port, &socket_config(config))
                .map_err(|source| OpenError::Socket { address, source })?;
            sockets.push(OpenSocket { socket, traffic, delivery: Delivery::Multicast });
        }
    }
    Ok(())
}
