//! Other vendors' discovery traffic, replayed: their endpoints match ours.

use std::path::Path;

use super::*;

/// The UDP datagrams of a classic pcap file, each with where it came from.
pub(super) fn datagrams(name: &str) -> Vec<(Locator, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures").join(name);
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rest = &file[24..];
    let mut found = Vec::new();
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let frame = &rest[16..16 + length];
        rest = &rest[16 + length..];
        // Ethernet, IPv4 without options, UDP.
        if frame.len() > 42 && frame[12..14] == [8, 0] && frame[14] == 0x45 && frame[23] == 17 {
            let address = frame[26..30].try_into().unwrap();
            let port = u16::from_be_bytes(frame[34..36].try_into().unwrap());
            found.push((Locator::udp_v4(address, port), frame[42..].to_vec()));
        }
    }
    found
}

/// Feeds a capture of two others to a participant that both take for each other: what either sends
/// to the other is rewritten to be for us.
fn replay(name: &str, topic: &str, type_name: &str, keyed: bool) -> Network {
    let mut network = Network::new(60);
    let mut config = Network::config(1);
    config.data.domain_id = Some(0);
    let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
    config.interfaces = std::vec![Interface { address: loopback, prefix_length: 8 }];
    network.add(config);
    let (writer_kind, reader_kind) = match keyed {
        true => (EntityKind::WRITER_WITH_KEY, EntityKind::READER_WITH_KEY),
        false => (EntityKind::WRITER_NO_KEY, EntityKind::READER_NO_KEY),
    };
    let mut offered = PublicationQos::default();
    offered.data_representation.0 = std::vec![dds_types::DataRepresentationId::XCDR];
    let mut requested = reliable_reader();
    requested.reliability = Reliability::BEST_EFFORT;
    requested.data_representation.0 =
        std::vec![dds_types::DataRepresentationId::XCDR, dds_types::DataRepresentationId::XCDR2];
    let writer = network.guid(0, 1, writer_kind);
    let reader = network.guid(0, 2, reader_kind);
    let now = network.now;
    let publication = PublicationData::new(writer, topic, type_name, offered);
    let _ = network.nodes[0].participant.add_publication(now, publication);
    let subscription = SubscriptionData::new(reader, topic, type_name, requested);
    network.nodes[0].participant.add_subscription(now, subscription);
    for (from, mut bytes) in datagrams(name) {
        if bytes.len() > 36 && bytes[20] == 0x0e && bytes[24..36] != [0; 12] {
            bytes[24..36].copy_from_slice(&prefix_of(1).0);
        }
        network.deliver(0, from, &bytes);
        network.run(Duration::from_nanos(100_000));
    }
    network
}

/// The vendors of the remote writers and readers that ever matched.
fn matched_vendors(network: &Network) -> (Vec<&'static str>, Vec<&'static str>) {
    let (mut writers, mut readers) = (Vec::new(), Vec::new());
    for event in &network.nodes[0].events {
        if let DiscoveryEvent::Match { remote, .. } = event {
            let Some(participant) = &remote.participant else { continue };
            match remote.data {
                EndpointData::Publication(_) => writers.push(participant.vendor.name()),
                EndpointData::Subscription(_) => readers.push(participant.vendor.name()),
            }
        }
    }
    (writers, readers)
}

#[test]
fn every_vendors_endpoints_match() {
    let captures = [
        ("cyclone11-to-cyclone11-reliable-xcdr1.pcap", "Cyclone DDS", Some("Cyclone DDS")),
        ("cyclone11-to-fastdds36-dispose.pcap", "Cyclone DDS", None),
        ("fastdds36-to-cyclone11-dispose.pcap", "Fast DDS", None),
        ("dustdds15-to-cyclone11-reliable-xcdr2.pcap", "Dust DDS", None),
        ("rustdds14-to-cyclone11-reliable-xcdr1.pcap", "RustDDS", Some("Cyclone DDS")),
        ("cyclone11-to-rustdds14-reliable-xcdr1.pcap", "Cyclone DDS", Some("RustDDS")),
    ];
    for (name, writer, reader) in captures {
        let network = replay(name, "Square", "ShapeType", true);
        let (writers, readers) = matched_vendors(&network);
        let verdicts = network.verdicts(0);
        let statistics = network.nodes[0].participant.statistics();
        assert_eq!(writers, [writer], "{name}: {verdicts:?} {statistics:?}");
        if let Some(reader) = reader {
            assert_eq!(readers, [reader], "{name}: {verdicts:?} {statistics:?}");
        }
        assert_eq!(statistics.announcements_malformed, 0, "{name}");
        assert_eq!(statistics.endpoints_malformed, 0, "{name}");
    }
}

#[test]
fn a_ros_talker_and_listener_match() {
    let name = "ros2-kilted-talker-listener-service.pcap";
    let network = replay(name, "rt/chatter", "std_msgs::msg::dds_::String_", false);
    let (writers, readers) = matched_vendors(&network);
    assert_eq!(
        (writers, readers),
        (std::vec!["Fast DDS"], std::vec!["Fast DDS"]),
        "{:?}",
        network.verdicts(0)
    );
}

#[test]
fn peers_that_end_cleanly_are_gone_at_the_end() {
    let network = replay("cyclone11-to-cyclone11-reliable-xcdr1.pcap", "Square", "ShapeType", true);
    let departed = network.nodes[0].events.iter().filter(|event| {
        matches!(event, DiscoveryEvent::ParticipantLost { reason: LossReason::Departed, .. })
    });
    assert!(departed.count() >= 1);
}
