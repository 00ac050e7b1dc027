//! Participants that speak IPv6 only, told of each other by address.

use std::{net::Ipv6Addr, time::Duration};

use dds_core::{
    DdsType, DomainParticipant, ParticipantConfig, Peer,
    transport::{AddressFamilies, UdpConfig},
};

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Note {
    text: String,
}

#[test]
fn ipv6_participants_find_each_other_by_configured_peers() {
    let patience = Duration::from_secs(10).into();
    let config = ParticipantConfig {
        transport: UdpConfig { families: AddressFamilies::Ipv6, ..UdpConfig::loopback_only() },
        initial_peers: vec![Peer::Host(Ipv6Addr::LOCALHOST.into())],
        ..ParticipantConfig::default()
    };
    let participant = || DomainParticipant::builder(76).config(config.clone()).build().unwrap();
    let (one, two) = (participant(), participant());
    assert!(
        one.unicast_locators().iter().all(|locator| locator.socket_address().is_some_and(|at| at.is_ipv6()))
    );
    let reader = two.topic::<Note>("Note").unwrap().reader().reliable().build().unwrap();
    let writer = one.topic::<Note>("Note").unwrap().writer().reliable().build().unwrap();
    writer.wait_matched(1, patience).unwrap();
    let note = Note { text: "by ::1".into() };
    writer.write(&note).unwrap();
    reader.wait_for_data(patience).unwrap();
    assert_eq!(reader.take().unwrap()[0].data(), Some(&note));
}
