//! What changes after the match: QoS, addresses, what a hook decides.

use alloc::sync::Arc;

use dds_qos::Partition;

use super::*;
use crate::{
    message::{DataHeader, MessageBuilder, PayloadKind},
    payload::Payload,
    structure::SequenceNumber,
};

/// The datagram that announces a participant.
fn announcement_of(participant: &Participant) -> Vec<u8> {
    let mut payload = Vec::new();
    participant.data().encode(&mut payload).unwrap();
    let header = DataHeader {
        writer_id: EntityId::SPDP_WRITER,
        writer_sn: SequenceNumber(1),
        kind: PayloadKind::Data,
        ..DataHeader::default()
    };
    let mut out = Datagram::new();
    MessageBuilder::begin(&mut out, participant.guid_prefix()).data(&header, None, &Payload::from(payload));
    out.to_vec()
}

fn with_partition(name: &str) -> SubscriptionQos {
    SubscriptionQos { partition: Partition(std::vec![name.into()]), ..reliable_reader() }
}

#[test]
fn a_changed_partition_unmatches_and_matches_again() {
    let mut network = Network::of(20, 2);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    let reader = network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| !network.matched(0).is_empty() && !network.matched(1).is_empty());
    let update = |network: &mut Network, qos| {
        let data = SubscriptionData::new(reader, "Square", "Shape", qos);
        let now = network.now;
        network.nodes[1].participant.update_subscription(now, data);
        network.run(Duration::from_millis(20));
    };
    update(&mut network, with_partition("blue"));
    assert_eq!((network.matched(0), network.matched(1)), (std::vec![], std::vec![]));
    for node in 0..2 {
        assert_eq!(network.verdicts(node).len(), 1);
        assert!(network.verdicts(node)[0].contains("blue"), "{}", network.verdicts(node)[0]);
    }
    update(&mut network, reliable_reader());
    assert_eq!((network.matched(0).len(), network.matched(1).len()), (1, 1));
}

#[test]
fn a_change_that_keeps_the_match_is_told() {
    let mut network = Network::of(21, 2);
    let writer = network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| !network.matched(0).is_empty() && !network.matched(1).is_empty());
    network.clear_events();
    let mut qos = PublicationQos::default();
    qos.ownership_strength.0 = 5;
    let now = network.now;
    let data = PublicationData::new(writer, "Square", "Shape", qos);
    network.nodes[0].participant.update_publication(now, data);
    network.run(Duration::from_millis(20));
    let strength = network.nodes[1].events.iter().find_map(|event| match event {
        DiscoveryEvent::MatchChanged { remote, .. } => match &remote.data {
            EndpointData::Publication(data) => Some(data.qos.ownership_strength.0),
            EndpointData::Subscription(_) => None,
        },
        _ => None,
    });
    assert_eq!(strength, Some(5));
    assert!(!network.nodes[1].events.iter().any(|event| matches!(event, DiscoveryEvent::Match { .. })));
}

#[test]
fn user_data_of_a_participant_can_change() {
    let mut network = Network::of(22, 2);
    network.run(Duration::from_secs(1));
    let mut data = network.nodes[0].participant.data().clone();
    data.user_data.0 = std::vec![1, 2, 3];
    let now = network.now;
    network.nodes[0].participant.update_participant_data(now, data);
    network.run(Duration::from_millis(20));
    let changed = network.nodes[1].events.iter().find_map(|event| match event {
        DiscoveryEvent::ParticipantChanged(data) => Some(data.user_data.0.clone()),
        _ => None,
    });
    assert_eq!(changed, Some(std::vec![1, 2, 3]));
}

#[test]
fn a_participant_that_moves_is_followed() {
    let mut network = Network::of(23, 2);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| !network.matched(0).is_empty() && !network.matched(1).is_empty());
    network.clear_events();
    let moved = Locator::udp_v4([10, 0, 0, 77], 7410);
    let mut data = network.nodes[1].participant.data().clone();
    data.metatraffic_unicast_locators = std::vec![moved];
    data.default_unicast_locators = std::vec![Locator::udp_v4([10, 0, 0, 77], 7411)];
    network.nodes[1].address = moved;
    let now = network.now;
    network.nodes[1].participant.update_participant_data(now, data);
    let took = network.run_to(|network| {
        network.nodes[0].events.iter().any(|event| {
            matches!(event, DiscoveryEvent::MatchChanged { remote, .. }
                if remote.locators[0] == Locator::udp_v4([10, 0, 0, 77], 7411))
        })
    });
    assert!(took <= Duration::from_millis(100), "{took}");
    assert!(!network.nodes[0].events.iter().any(|event| matches!(event, DiscoveryEvent::Unmatch { .. })));
}

#[test]
fn the_next_address_is_tried_when_one_is_silent() {
    let mut network = Network::of(24, 1);
    let mut config = Network::config(2);
    // The first of the announced addresses leads nowhere, and nothing tells which one is right.
    let silent = Locator::udp_v4([10, 0, 0, 200], 7410);
    config.data.metatraffic_unicast_locators.push(silent);
    config.data.metatraffic_unicast_locators.rotate_right(1);
    config.multicast_locators.clear();
    network.add(config);
    network.nodes[1].address = Locator::udp_v4([10, 0, 0, 2], 7410);
    // It hears no multicast either.
    network.nodes[0].participant.config.multicast_locators.clear();
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    let announcement = announcement_of(&network.nodes[1].participant);
    for _ in 0..10 {
        network.deliver(0, Locator::udp_v4([10, 0, 0, 201], 4000), &announcement);
        network.run(Duration::from_millis(500));
    }
    assert_eq!((network.matched(0).len(), network.matched(1).len()), (1, 1));
    let warned = network.nodes[0]
        .events
        .iter()
        .filter(|event| matches!(event, DiscoveryEvent::PathWarning { locator, .. } if *locator == silent));
    assert_eq!(warned.count(), 1);
}

#[derive(Debug)]
struct TypeGate(Gate);

impl MatchHook for TypeGate {
    fn gate(&self, _: &EndpointData, _: &RemoteEndpoint) -> Gate {
        self.0.clone()
    }
}

fn gated(gate: Gate) -> (Network, Guid, Guid) {
    let mut network = Network::new(25);
    let mut config = Network::config(1);
    config.hook = Some(Arc::new(TypeGate(gate)));
    network.add(config);
    network.add(Network::config(2));
    let writer = network.add_writer(0, 1, "Square", PublicationQos::default());
    let reader = network.add_reader(1, 1, "Square", reliable_reader());
    network.run(Duration::from_secs(1));
    (network, writer, reader)
}

#[test]
fn a_pending_match_waits_for_its_resolution() {
    let limit = Duration::from_secs(5);
    let (mut network, writer, reader) = gated(Gate::Pending { what: Pending::Type, limit });
    assert_eq!(network.matched(0), []);
    let now = network.now;
    network.nodes[0].participant.resolve_pending(now, writer, reader, Resolution::Match);
    network.run(Duration::from_secs(10));
    assert_eq!(network.matched(0), [(writer, reader)]);
    assert_eq!(network.verdicts(0), [""; 0]);
}

#[test]
fn a_pending_match_ends_in_a_verdict() {
    let limit = Duration::from_secs(5);
    let (mut network, writer, reader) = gated(Gate::Pending { what: Pending::Type, limit });
    network.run(Duration::from_secs(10));
    assert!(
        network.verdicts(0)[0].contains("the lookup of its type took too long"),
        "{:?}",
        network.verdicts(0)
    );
    let now = network.now;
    network.nodes[0].participant.resolve_pending(now, writer, reader, Resolution::Match);
    network.run(Duration::from_secs(1));
    assert_eq!(network.matched(0), []);

    let (network, ..) = gated(Gate::Closed(Problem::Refused("not permitted by the policy".into())));
    assert!(network.verdicts(0)[0].ends_with(": not permitted by the policy"), "{:?}", network.verdicts(0));
}
