//! Forged, excessive and damaged input.

use super::*;
use crate::{
    discovery::BuiltinEndpointSet,
    message::{AckNack, DataHeader, Heartbeat, MessageBuilder, PayloadKind, SequenceNumberSet},
    payload::Payload,
    structure::{Count, SequenceNumber},
};

const VICTIM: Locator = Locator::udp_v4([10, 0, 0, 99], 7410);
const ATTACKER: Locator = Locator::udp_v4([10, 0, 0, 66], 4000);

fn forged_prefix(number: u32) -> GuidPrefix {
    let [a, b, c, d] = number.to_be_bytes();
    GuidPrefix([6, 6, 6, 6, 0, 0, 0, 0, a, b, c, d])
}

fn forged_data(prefix: GuidPrefix, at: Locator) -> ParticipantData {
    ParticipantData {
        guid: Guid::new(prefix, EntityId::PARTICIPANT),
        domain_id: Some(0),
        metatraffic_unicast_locators: std::vec![at],
        default_unicast_locators: std::vec![at],
        builtin_endpoints: BuiltinEndpointSet(u32::MAX),
        lease_duration: Duration::from_secs(1000),
        ..ParticipantData::default()
    }
}

fn data(prefix: GuidPrefix, writer_id: EntityId, number: i64, payload: Vec<u8>) -> Vec<u8> {
    let mut out = Datagram::new();
    let header = DataHeader {
        writer_id,
        writer_sn: SequenceNumber(number),
        kind: PayloadKind::Data,
        ..DataHeader::default()
    };
    MessageBuilder::begin(&mut out, prefix).data(&header, None, &Payload::from(payload));
    out.to_vec()
}

fn forged_announcement(prefix: GuidPrefix, at: Locator) -> Vec<u8> {
    let mut payload = Vec::new();
    forged_data(prefix, at).encode(&mut payload).unwrap();
    data(prefix, EntityId::SPDP_WRITER, 1, payload)
}

fn forged_reader(prefix: GuidPrefix, key: u32, number: i64) -> Vec<u8> {
    let guid = Guid::new(prefix, EntityId::new(key, EntityKind::READER_WITH_KEY));
    let mut payload = Vec::new();
    SubscriptionData::new(guid, "Square", "Shape", reliable_reader()).encode(&mut payload).unwrap();
    data(prefix, EntityId::SEDP_SUBSCRIPTIONS_WRITER, number, payload)
}

fn matched_pair(seed: u64) -> Network {
    let mut network = Network::of(seed, 2);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| !network.matched(0).is_empty() && !network.matched(1).is_empty());
    network
}

#[test]
fn a_victim_gets_at_most_three_times_what_was_forged() {
    let mut network = matched_pair(50);
    let prefix = forged_prefix(1);
    let mut received = 0;
    let mut feed = |network: &mut Network, bytes: Vec<u8>| {
        received += bytes.len() as u64;
        network.deliver(0, ATTACKER, &bytes);
        network.run(Duration::from_millis(10));
        let sent = network.sent.get(&VICTIM).copied().unwrap_or(0);
        assert!(sent <= 3 * received, "{sent} of {received}");
    };
    feed(&mut network, forged_announcement(prefix, VICTIM));
    for number in 1..50 {
        feed(&mut network, forged_reader(prefix, number as u32, number));
    }
    for count in 1..50 {
        let mut out = Datagram::new();
        for writer_id in [EntityId::SEDP_SUBSCRIPTIONS_WRITER, EntityId::SEDP_PUBLICATIONS_WRITER] {
            MessageBuilder::begin(&mut out, prefix).heartbeat(&Heartbeat {
                reader_id: EntityId::UNKNOWN,
                writer_id,
                first_sn: SequenceNumber(1),
                last_sn: SequenceNumber(1_000_000),
                count: Count(count),
                is_final: false,
                is_liveliness: false,
                group_info: None,
            });
        }
        feed(&mut network, out.to_vec());
        // An ACKNACK from an address that is not announced proves nothing.
        let mut out = Datagram::new();
        MessageBuilder::begin(&mut out, prefix).info_destination(prefix_of(1)).ack_nack(&AckNack {
            reader_id: EntityId::SEDP_PUBLICATIONS_READER,
            writer_id: EntityId::SEDP_PUBLICATIONS_WRITER,
            reader_sn_state: SequenceNumberSet::new(SequenceNumber(1)),
            count: Count(count),
            is_final: false,
        });
        feed(&mut network, out.to_vec());
    }
    network.run(Duration::from_secs(300));
    let sent = network.sent.get(&VICTIM).copied().unwrap_or(0);
    assert!(sent > 0 && sent <= 3 * received, "{sent} of {received}");
    let statistics = network.nodes[0].participant.statistics();
    assert_eq!(statistics.acknowledgements_from_elsewhere, 49);
    assert!(statistics.datagrams_withheld > 0);
    assert_eq!(network.matched(0).len(), 1, "no user data may go to the victim");
    // Nothing goes there once the lease is over.
    network.run(Duration::from_secs(1000));
    let before = network.sent.get(&VICTIM).copied();
    network.run(Duration::from_secs(100));
    assert_eq!(network.sent.get(&VICTIM).copied(), before);
}

#[test]
fn a_known_participant_cannot_be_redirected() {
    let mut network = matched_pair(51);
    let mut redirected = network.nodes[1].participant.data().clone();
    redirected.metatraffic_unicast_locators = std::vec![VICTIM];
    redirected.default_unicast_locators = std::vec![VICTIM];
    let mut payload = Vec::new();
    redirected.encode(&mut payload).unwrap();
    let forged = data(prefix_of(2), EntityId::SPDP_WRITER, 9, payload);
    network.deliver(0, ATTACKER, &forged);
    for key in 0..50 {
        network.add_writer(0, 100 + key, "Circle", PublicationQos::default());
    }
    network.run(Duration::from_secs(30));
    let sent = network.sent.get(&VICTIM).copied().unwrap_or(0);
    assert!(sent <= 3 * forged.len() as u64, "{sent}");
    for event in &network.nodes[0].events {
        if let DiscoveryEvent::MatchChanged { remote, .. } = event {
            assert!(!remote.locators.contains(&VICTIM));
        }
    }
}

#[test]
fn nobody_says_goodbye_for_another() {
    let mut network = matched_pair(52);
    let mut key = Vec::new();
    ParticipantData::encode_key(Guid::new(prefix_of(2), EntityId::PARTICIPANT), &mut key);
    let mut out = Datagram::new();
    let header = DataHeader {
        writer_id: EntityId::SPDP_WRITER,
        writer_sn: SequenceNumber(3),
        kind: PayloadKind::Key,
        status_info: crate::message::StatusInfo(3),
        ..DataHeader::default()
    };
    MessageBuilder::begin(&mut out, forged_prefix(1)).data(&header, None, &Payload::from(key));
    network.deliver(0, ATTACKER, &out.to_vec());
    network.run(Duration::from_secs(1));
    assert_eq!(network.matched(0).len(), 1);
    assert_eq!(network.nodes[0].participant.statistics().announcements_malformed, 1);
}

#[test]
fn a_hundred_thousand_forged_participants_displace_nobody() {
    let mut network = matched_pair(53);
    for number in 0..100_000 {
        let at = Locator::udp_v4([10, 1, (number >> 8) as u8, number as u8], 7410);
        network.deliver(0, ATTACKER, &forged_announcement(forged_prefix(number), at));
        if number % 50 == 0 {
            network.run(Duration::from_nanos(500_000));
            network.nodes[0].events.retain(|event| {
                !matches!(
                    event,
                    DiscoveryEvent::ParticipantDiscovered(_)
                        | DiscoveryEvent::PathWarning { .. }
                        | DiscoveryEvent::ParticipantLost { reason: LossReason::Evicted, .. }
                )
            });
        }
    }
    let participant = &network.nodes[0].participant;
    assert!(participant.participants().count() <= 2000);
    assert!(participant.statistics().participants_evicted >= 98_000);
    assert!(!network.nodes[0].events.iter().any(|event| matches!(event, DiscoveryEvent::Unmatch { .. })));
    assert_eq!(network.matched(0).len(), 1);
    // A new honest one still gets in.
    network.add(Network::config(3));
    network.add_reader(2, 1, "Square", reliable_reader());
    let took = network.run_to(|network| network.matched(0).len() == 2);
    assert!(took <= Duration::from_millis(100), "{took}");
}

#[test]
fn endpoints_over_the_share_are_refused() {
    let mut network = Network::new(54);
    let mut config = Network::config(1);
    config.limits.endpoints_per_participant = 20;
    network.add(config);
    network.add(Network::config(2));
    for key in 0..50 {
        network.add_reader(1, key, "Square", reliable_reader());
    }
    network.run(Duration::from_secs(2));
    let discovered = network.nodes[0]
        .events
        .iter()
        .filter(|event| matches!(event, DiscoveryEvent::SubscriptionDiscovered(_)));
    assert_eq!(discovered.count(), 20);
    assert_eq!(network.nodes[0].participant.statistics().endpoints_refused, 30);
}

#[test]
fn strangers_get_a_small_share_of_endpoints() {
    let mut network = Network::of(55, 1);
    let prefix = forged_prefix(1);
    network.deliver(0, ATTACKER, &forged_announcement(prefix, VICTIM));
    for number in 1..1000 {
        network.deliver(0, ATTACKER, &forged_reader(prefix, number as u32, number));
        // One far ahead is not held.
        network.deliver(0, ATTACKER, &forged_reader(prefix, number as u32, 100_000 + number));
    }
    network.run(Duration::from_secs(1));
    let discovered = network.nodes[0]
        .events
        .iter()
        .filter(|event| matches!(event, DiscoveryEvent::SubscriptionDiscovered(_)));
    assert_eq!(discovered.count(), 16);
}

#[test]
fn damaged_discovery_traffic_harms_nobody() {
    let mut seed = Seed(56);
    for round in 0..300 {
        let mut network = Network::of(round, 2);
        network.add_writer(0, 1, "Square", PublicationQos::default());
        network.add_reader(1, 1, "Square", reliable_reader());
        for _ in 0..8 {
            network.run(Duration::from_nanos(150_000));
            for datagram in network.flight.values_mut() {
                let bytes = &mut datagram.2;
                if seed.below(2) == 0 && !bytes.is_empty() {
                    let at = seed.below(bytes.len() as u64) as usize;
                    bytes[at] = seed.below(256) as u8;
                }
                if seed.below(10) == 0 && !bytes.is_empty() {
                    bytes.truncate(seed.below(bytes.len() as u64) as usize);
                }
            }
        }
        network.run(Duration::from_secs(1));
        let honest = network.nodes.iter().all(|node| node.participant.participants().count() <= 8);
        assert!(honest);
    }
}

#[test]
fn absurd_leases_neither_loop_nor_panic() {
    let mut network = Network::of(57, 1);
    for (number, nanos) in
        [0, 1, 7, 31, 33, 1000, u64::MAX / 2, u64::MAX - 1, u64::MAX].into_iter().enumerate()
    {
        let mut data_of = forged_data(forged_prefix(number as u32), VICTIM);
        data_of.lease_duration = Duration::from_nanos(nanos);
        let mut payload = Vec::new();
        data_of.encode(&mut payload).unwrap();
        let bytes = data(forged_prefix(number as u32), EntityId::SPDP_WRITER, 1, payload);
        for _ in 0..5 {
            network.deliver(0, ATTACKER, &bytes);
            network.run(Duration::from_nanos(10));
        }
    }
    network.run(Duration::from_secs(100));
    assert_eq!(network.nodes[0].participant.participants().count(), 3);
}

#[test]
fn damaged_traffic_of_other_vendors_leaves_an_honest_pair_alone() {
    let mut network = matched_pair(58);
    let mut seed = Seed(58);
    for name in ["ros2-kilted-talker-listener-service.pcap", "cyclone11-to-fastdds36-qos-rich.pcap"] {
        for (from, original) in captures::datagrams(name) {
            for _ in 0..6 {
                let mut bytes = original.clone();
                for _ in 0..1 + seed.below(4) {
                    let at = seed.below(bytes.len() as u64) as usize;
                    bytes[at] = [0, 1, 0x7f, 0x80, 0xff, seed.below(256) as u8][seed.below(6) as usize];
                }
                network.deliver(0, from, &bytes);
            }
            network.run(Duration::from_millis(1));
        }
    }
    network.run(Duration::from_secs(5));
    assert_eq!((network.matched(0).len(), network.matched(1).len()), (1, 1));
    assert!(!network.nodes[0].events.iter().any(|event| matches!(event, DiscoveryEvent::Unmatch { .. })));
}
