//! What is said when endpoints do not match.

use dds_qos::{Durability, DurabilityKind, PolicyId};

use super::*;

#[test]
fn every_offending_policy_is_named_once_on_both_sides() {
    let mut network = Network::new(40);
    let mut config = Network::config(1);
    config.data.set_process("alpha", "talker", 4711);
    network.add(config);
    network.add(Network::config(2));
    network.add_writer(
        0,
        1,
        "Square",
        PublicationQos { reliability: Reliability::BEST_EFFORT, ..PublicationQos::default() },
    );
    network.add_reader(
        1,
        1,
        "Square",
        SubscriptionQos { durability: Durability(DurabilityKind::TransientLocal), ..reliable_reader() },
    );
    network.run(Duration::from_secs(8));
    for node in 0..2 {
        assert_eq!(network.matched(node), []);
        let verdicts: Vec<_> = network.nodes[node]
            .events
            .iter()
            .filter_map(|event| match event {
                DiscoveryEvent::Incompatible { verdict, .. } => Some(verdict.clone()),
                _ => None,
            })
            .collect();
        assert_eq!(verdicts.len(), 1);
        let mut policies: Vec<PolicyId> = verdicts[0].incompatible_qos().map(|found| found.policy).collect();
        policies.sort();
        let mut expected = std::vec![PolicyId::Reliability, PolicyId::Durability];
        expected.sort();
        assert_eq!(policies, expected);
        assert!(!verdicts[0].is_inconsistent_topic());
    }
    let sentence = &network.verdicts(1)[0];
    std::println!("{sentence}");
    for part in
        ["Square", "talker (4711)", "host alpha", "BEST_EFFORT", "RELIABLE", "VOLATILE", "TRANSIENT_LOCAL"]
    {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
}

#[test]
fn types_and_keys_must_agree() {
    let mut network = Network::of(41, 2);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    let keyless = network.guid(1, 1, EntityKind::READER_NO_KEY);
    let data = SubscriptionData::new(keyless, "Square", "Form", reliable_reader());
    let now = network.now;
    network.nodes[1].participant.add_subscription(now, data);
    network.run(Duration::from_secs(1));
    let sentence = &network.verdicts(0)[0];
    std::println!("{sentence}");
    for part in ["our type is named \"Shape\", theirs \"Form\"", "our type is keyed, theirs is keyless"] {
        assert!(sentence.contains(part), "{part} is not in: {sentence}");
    }
    assert!(network.nodes[0].events.iter().any(|event| {
        matches!(event, DiscoveryEvent::Incompatible { verdict, .. } if verdict.is_inconsistent_topic())
    }));
}

#[test]
fn an_unusable_address_is_named() {
    let mut network = Network::of(42, 2);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    let guid = network.guid(1, 1, EntityKind::READER_WITH_KEY);
    let mut data = SubscriptionData::new(guid, "Square", "Shape", reliable_reader());
    data.unicast_locators = std::vec![Locator::udp_v4([127, 0, 0, 1], 9000)];
    let now = network.now;
    network.nodes[1].participant.add_subscription(now, data);
    network.run(Duration::from_secs(1));
    let sentence = &network.verdicts(0)[0];
    std::println!("{sentence}");
    assert!(sentence.contains("udp/127.0.0.1:9000") && sentence.contains("udp/10.0.0.2:7410"), "{sentence}");
    assert_eq!(network.matched(0), []);
}

#[test]
fn a_participant_without_usable_addresses_is_told() {
    let mut network = Network::of(43, 1);
    let mut config = Network::config(2);
    config.data.metatraffic_unicast_locators = std::vec![Locator::udp_v4([127, 0, 0, 1], 9000)];
    let second = network.add(config);
    network.nodes[second].address = Locator::udp_v4([10, 0, 0, 2], 7410);
    network.run(Duration::from_secs(5));
    let told =
        network.nodes[0].events.iter().filter(|event| matches!(event, DiscoveryEvent::Unreachable { .. }));
    assert_eq!(told.count(), 1);
}
