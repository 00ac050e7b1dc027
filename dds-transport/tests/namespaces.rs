//! The whole transport in network namespaces of its own, where the standard ports are free.

mod common;

use std::collections::BTreeSet;
use std::io::IoSlice;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use common::{PATIENCE, Peer, in_namespace, ip, open_confined, receive_any};
use dds_transport::socket::RECEIVE_BUFFER_SIZE;
use dds_transport::{
    AddressFamilies, Delivery, InterfaceSelection, OpenError, ParticipantIdChoice, SendOptions, Traffic,
    UdpConfig, UdpTransport,
};

fn addresses(list: &[&str]) -> Vec<SocketAddr> {
    list.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn loopback_alone_is_enough() {
    if !in_namespace("loopback_alone_is_enough") {
        return;
    }
    ip("link set lo up");
    let first = open_confined(0, UdpConfig::default());
    let second = open_confined(0, UdpConfig::default());
    assert!(first.selected_interfaces().iter().all(|lo| lo.loopback && !lo.multicast));
    assert_eq!((first.participant_id(), second.participant_id()), (Some(0), Some(1)));
    assert_eq!(first.metatraffic_unicast_addresses(), addresses(&["127.0.0.1:7410"]));
    assert_eq!(second.user_unicast_addresses(), addresses(&["127.0.0.1:7413"]));
    assert_eq!(first.metatraffic_multicast_addresses(), addresses(&["239.255.0.1:7400"]));
    assert_eq!(first.user_multicast_addresses(), addresses(&["239.255.0.1:7401"]));

    let mut buffer = [0; 1500];
    let group = first.metatraffic_multicast_addresses()[0];
    first.send(group, &[IoSlice::new(b"who is there")], &SendOptions::default()).unwrap();
    for transport in [&first, &second] {
        let (socket, received) = receive_any(transport, &mut buffer);
        assert_eq!(transport.role(socket), Some((Traffic::Metatraffic, Delivery::Multicast)));
        assert_eq!(&buffer[..received.length], b"who is there");
        assert_eq!(received.source, first.user_unicast_addresses()[0]);
    }
    let to = second.user_unicast_addresses()[0];
    second.waker().wake();
    assert!(second.wait(Some(PATIENCE)).unwrap().is_woken());
    first.send(to, &[IoSlice::new(b"data")], &SendOptions::default()).unwrap();
    let (socket, _) = receive_any(&second, &mut buffer);
    assert_eq!(second.role(socket), Some((Traffic::User, Delivery::Unicast)));
    assert_eq!(first.unfragmented_size(to.ip()), 65_000);
}

#[test]
fn participant_ids_run_out() {
    if !in_namespace("participant_ids_run_out") {
        return;
    }
    ip("link set lo up");
    let config = UdpConfig { families: AddressFamilies::Both, ..UdpConfig::default() };
    let transports: Vec<UdpTransport> = (0..120).map(|_| open_confined(7, config.clone())).collect();
    let ids: BTreeSet<_> = transports.iter().map(|transport| transport.participant_id().unwrap()).collect();
    assert_eq!(ids, (0..120).collect());
    let error = UdpTransport::open(7, config.clone()).unwrap_err();
    assert!(matches!(error, OpenError::NoFreeParticipantId { domain: 7, tried: 120 }), "{error}");
    let fixed = UdpConfig { participant_id: ParticipantIdChoice::Fixed(5), ..config.clone() };
    let error = UdpTransport::open(7, fixed).unwrap_err();
    assert!(matches!(error, OpenError::ParticipantIdInUse { domain: 7, participant_id: 5 }), "{error}");
    // Another domain has ports of its own, and ephemeral ports need none.
    assert_eq!(open_confined(8, config.clone()).participant_id(), Some(0));
    let ephemeral = UdpConfig { participant_id: ParticipantIdChoice::Ephemeral, ..config.clone() };
    assert_eq!(open_confined(7, ephemeral).participant_id(), None);
    assert!(matches!(UdpTransport::open(233, config), Err(OpenError::Ports(_))));
}

#[test]
fn interface_selection() {
    if !in_namespace("interface_selection") {
        return;
    }
    ip("link set lo up");
    ip("link add left type veth peer name right");
    ip("addr add 10.9.0.1/24 dev left");
    ip("addr add 10.9.1.1/24 dev right");
    ip("link set left mtu 1400 up");
    ip("link set right up");
    let all = open_confined(0, UdpConfig::default());
    // A link becomes operational some time after it was set up, and only then it is selected.
    wait_for_addresses(&all, |own| own.iter().filter(|address| !address.ip().is_loopback()).count() == 2);
    drop(all);
    let of = |selection: &str| {
        let selectors = selection.split(',').map(|text| text.parse().unwrap()).collect();
        let config =
            UdpConfig { interfaces: InterfaceSelection::Matching(selectors), ..UdpConfig::default() };
        let announced = open_confined(0, config).metatraffic_unicast_addresses();
        announced.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(of("left"), "10.9.0.1");
    assert_eq!(of("10.9.1.0/24"), "10.9.1.1");
    assert_eq!(of("10.9.1.1,lo"), "10.9.1.1");
    assert_eq!(of("lo"), "127.0.0.1");
    let all = open_confined(0, UdpConfig::default());
    let mut names: Vec<_> = all.selected_interfaces().into_iter().map(|own| own.name).collect();
    names.sort();
    assert_eq!(names, ["left", "right"]);
    assert_eq!(all.unfragmented_size("10.9.0.7".parse().unwrap()), 1400 - 28);
    assert_eq!(all.unfragmented_size("10.9.1.7".parse().unwrap()), 1500 - 28);
    assert_eq!(all.unfragmented_size("192.0.2.1".parse().unwrap()), 1400 - 28);
    assert_eq!(all.unfragmented_size("239.255.0.1".parse().unwrap()), 1400 - 28);
    assert_eq!(all.unfragmented_size("10.9.1.1".parse().unwrap()), 65_000);
    a_confined_transport_reaches_addresses_of_its_host(&all);
    let wrong = InterfaceSelection::Matching(vec!["eth7".parse().unwrap()]);
    let error = UdpTransport::open(0, UdpConfig { interfaces: wrong, ..UdpConfig::default() }).unwrap_err();
    assert!(matches!(error, OpenError::NoSuchInterface { .. }), "{error}");
}

fn a_confined_transport_reaches_addresses_of_its_host(all: &UdpTransport) {
    let confined = open_confined(0, UdpConfig::loopback_only());
    assert_eq!(confined.user_unicast_addresses(), addresses(&["127.0.0.1:7413"]));
    let mut buffer = [0; 64];
    for to in all.user_unicast_addresses() {
        confined.send(to, &[IoSlice::new(b"ping")], &SendOptions::default()).unwrap();
        let source = receive_any(all, &mut buffer).1.source;
        assert_eq!(source, confined.user_unicast_addresses()[0]);
        all.send(source, &[IoSlice::new(b"pong")], &SendOptions::default()).unwrap();
        assert_eq!(receive_any(&confined, &mut buffer).1.length, 4);
    }
}

#[test]
fn interface_changes_are_followed() {
    if !in_namespace("interface_changes_are_followed") {
        return;
    }
    ip("link set lo up");
    let transport = open_confined(0, UdpConfig::default());
    assert_eq!(transport.user_unicast_addresses(), addresses(&["127.0.0.1:7411"]));
    let wait_until = |wanted: &[&str]| {
        let wanted = addresses(wanted);
        wait_for_addresses(&transport, |own| own == wanted);
    };
    ip("link add left type veth peer name right");
    ip("link set right up");
    ip("link set left up");
    ip("addr add 10.9.0.1/24 dev left");
    wait_until(&["10.9.0.1:7411"]);
    ip("addr add 10.9.0.2/24 dev left");
    wait_until(&["10.9.0.1:7411", "10.9.0.2:7411"]);
    ip("link del left");
    wait_until(&["127.0.0.1:7411"]);
    // Memberships followed too: the group on loopback works again, once that for samples is asked for.
    let group = transport.user_multicast_addresses()[0];
    let send = |bytes| transport.send(group, &[IoSlice::new(bytes)], &SendOptions::default()).unwrap();
    send(b"not yet");
    transport.join_user_groups();
    send(b"x");
    assert_eq!(receive_any(&transport, &mut [0; 64]).1.length, 1);
}

#[test]
fn multicast_leaves_by_every_interface_in_both_families() {
    const NAME: &str = "multicast_leaves_by_every_interface_in_both_families";
    if cfg!(dds_transport_portable) {
        // Receives do not say by which interface they came there.
        return;
    }
    if Peer::role().is_some() {
        return answer_on_both_links();
    }
    if !in_namespace(NAME) {
        return;
    }
    let mut peer = Peer::start(NAME, "answers");
    peer.expect("here");
    std::fs::write("/proc/sys/net/ipv6/conf/default/accept_dad", "0").unwrap();
    ip("link set lo up");
    for link in [1, 2] {
        ip(&format!("link add own{link} type veth peer name peer{link} netns {}", peer.process_id()));
        ip(&format!("addr add 10.9.{link}.1/24 dev own{link}"));
        ip(&format!("addr add fd00:{link}::1/64 dev own{link} nodad"));
        ip(&format!("link set own{link} up"));
    }
    peer.tell("links are there");
    peer.expect("listening");
    let transport = open_on_both_links();
    let mut buffer = [0; 64];
    for group in transport.metatraffic_multicast_addresses() {
        transport.send(group, &[IoSlice::new(b"ask")], &SendOptions::default()).unwrap();
        // One answer for each link, and our own datagrams, which return to us on each link.
        let mut answers = BTreeSet::new();
        while answers.len() < 2 {
            let (_, received) = receive_any(&transport, &mut buffer);
            if &buffer[..received.length] == b"answer" {
                assert_eq!(received.source.is_ipv4(), group.is_ipv4());
                answers.insert((received.interface, received.source.ip()));
            }
        }
    }
    // Trains over a link of 1,500 bytes: as segments, and as datagrams that IP fragments.
    for (segment_size, link) in [(1_400, 1), (3_000, 1), (1_000, 2)] {
        let options = SendOptions { segment_size: Some(segment_size), ..SendOptions::default() };
        let port = transport.user_unicast_addresses()[0].port();
        for ip in [format!("10.9.{link}.2"), format!("fd00:{link}::2")] {
            let destination = SocketAddr::new(ip.parse().unwrap(), port);
            assert_eq!(transport.send(destination, &[IoSlice::new(&[5; 9_500])], &options).unwrap(), 9_500);
            peer.expect(&format!("train of {segment_size}"));
        }
    }
    peer.tell("done");
}

/// Opens a transport and waits until it uses both links in both families: they become operational some time
/// after they were set up.
fn open_on_both_links() -> UdpTransport {
    let config = UdpConfig { families: AddressFamilies::Both, ..UdpConfig::default() };
    let transport = open_confined(0, config);
    wait_for_addresses(&transport, |addresses| {
        let links = addresses.iter().filter(|address| !address.ip().is_loopback());
        links.count() == 4
    });
    transport
}

fn wait_for_addresses(transport: &UdpTransport, is_wanted: impl Fn(&[SocketAddr]) -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_wanted(&transport.user_unicast_addresses()) {
        let before = transport.user_unicast_addresses();
        let remaining = deadline.saturating_duration_since(Instant::now());
        assert!(!remaining.is_zero(), "still {before:?}");
        let ready = transport.wait(Some(remaining)).unwrap();
        assert!(ready.interfaces_changed() || before == transport.user_unicast_addresses());
    }
}

fn answer_on_both_links() {
    Peer::say("here");
    Peer::listen("links are there");
    ip("link set lo up");
    std::fs::write("/proc/sys/net/ipv6/conf/all/accept_dad", "0").unwrap();
    for link in [1, 2] {
        std::fs::write(format!("/proc/sys/net/ipv6/conf/peer{link}/accept_dad"), "0").unwrap();
        ip(&format!("addr add 10.9.{link}.2/24 dev peer{link}"));
        ip(&format!("addr add fd00:{link}::2/64 dev peer{link} nodad"));
        ip(&format!("link set peer{link} up"));
    }
    let transport = open_on_both_links();
    assert_eq!(transport.metatraffic_multicast_addresses().len(), 2);
    Peer::say("listening");
    let mut buffer = [0; 64];
    let mut asked = BTreeSet::new();
    while asked.len() < 4 {
        let (socket, received) = receive_any(&transport, &mut buffer);
        if &buffer[..received.length] != b"ask" {
            continue;
        }
        assert_eq!(transport.role(socket), Some((Traffic::Metatraffic, Delivery::Multicast)));
        let group = received.destination.unwrap();
        assert!(group.is_multicast() && group != IpAddr::from([224, 0, 0, 1]));
        asked.insert((group, received.interface));
        transport.send(received.source, &[IoSlice::new(b"answer")], &SendOptions::default()).unwrap();
    }
    let mut buffer = vec![0; RECEIVE_BUFFER_SIZE];
    for _ in 0..6 {
        let mut lengths: Vec<usize> = Vec::new();
        while lengths.iter().sum::<usize>() < 9_500 {
            let (_, received) = receive_any(&transport, &mut buffer);
            if received.destination.is_some_and(|address| !address.is_multicast()) {
                lengths.extend(received.datagrams(&buffer).map(<[u8]>::len));
            }
        }
        let (last, others) = lengths.split_last().unwrap();
        assert!(others.iter().all(|length| length == &lengths[0]) && *last == 9_500 % lengths[0]);
        Peer::say(&format!("train of {}", lengths[0]));
    }
    Peer::listen("done");
}
