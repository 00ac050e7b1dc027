//! Participants find each other, their endpoints match, and part again.

use super::*;

fn matched_everywhere(network: &Network) -> bool {
    (0..network.nodes.len()).all(|node| !network.matched(node).is_empty())
}

fn losses(network: &Network, node: usize) -> Vec<LossReason> {
    let losses = network.nodes[node].events.iter().filter_map(|event| match event {
        DiscoveryEvent::ParticipantLost { reason, .. } => Some(*reason),
        _ => None,
    });
    losses.collect()
}

#[test]
fn two_participants_match_within_milliseconds() {
    let mut network = Network::of(1, 2);
    let writer = network.add_writer(0, 1, "Square", PublicationQos::default());
    let reader = network.add_reader(1, 1, "Square", reliable_reader());
    let took = network.run_to(|network| matched_everywhere(network));
    assert!(took <= Duration::from_millis(5), "{took}");
    assert_eq!(network.matched(0), [(writer, reader)]);
    assert_eq!(network.matched(1), [(reader, writer)]);
    let Some(DiscoveryEvent::Match { remote, .. }) =
        network.nodes[0].events.iter().find(|event| matches!(event, DiscoveryEvent::Match { .. }))
    else {
        panic!()
    };
    assert_eq!(remote.locators.as_slice(), [Locator::udp_v4([10, 0, 0, 2], 7411)]);
    assert!(remote.data.is_reliable());
    assert!(remote.participant.is_some());
}

#[test]
fn discovery_survives_loss() {
    let mut slowest = Duration::ZERO;
    for seed in 0..50 {
        let mut network = Network::of(seed, 3);
        network.loss = 20;
        let writer = network.add_writer(0, 1, "Square", PublicationQos::default());
        for key in 0..40 {
            network.add_writer(0, 10 + key, "Circle", PublicationQos::default());
            network.add_reader(2, 10 + key, "Triangle", reliable_reader());
        }
        let readers = [1, 2].map(|node| network.add_reader(node, 1, "Square", reliable_reader()));
        let took = network.run_to(|network| matched_everywhere(network) && network.matched(0).len() == 2);
        assert_eq!(network.matched(0).len(), readers.len());
        assert!(readers.iter().all(|reader| network.matched(0).contains(&(writer, *reader))));
        slowest = slowest.max(took);
    }
    std::println!("slowest {slowest}");
    assert!(slowest <= Duration::from_secs(2), "{slowest}");
}

#[test]
fn fifty_participants_all_match() {
    let mut network = Network::of(3, 50);
    for node in 0..50 {
        network.add_writer(node, 1, "Square", PublicationQos::default());
        network.add_reader(node, 2, "Square", reliable_reader());
    }
    let is_match = |event: &&DiscoveryEvent| matches!(event, DiscoveryEvent::Match { .. });
    let took = network.run_to(|network| {
        network.nodes.iter().all(|node| node.events.iter().filter(is_match).count() == 100)
    });
    assert!(took <= Duration::from_millis(100), "{took}");
    network.run(Duration::from_secs(5));
    let before: u64 = network.sent.values().sum();
    network.run(Duration::from_secs(20));
    let after: u64 = network.sent.values().sum();
    // Idle: announcements only, each a single multicast.
    let announcements = network.nodes.len() as u64 * 20 / 2;
    assert!((after - before) / announcements < 500, "{}", (after - before) / announcements);
}

#[test]
fn equal_seeds_give_equal_runs() {
    let run = || {
        let mut network = Network::of(7, 5);
        network.loss = 30;
        for node in 0..5 {
            network.add_writer(node, 1, "Square", PublicationQos::default());
            network.add_reader(node, 2, "Square", reliable_reader());
        }
        network.run(Duration::from_secs(3));
        let events: Vec<String> =
            network.nodes.iter().map(|node| std::format!("{:?}", node.events)).collect();
        (events, network.sent)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_killed_peer_is_lost_when_its_lease_ends() {
    let mut network = Network::of(4, 2);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| matched_everywhere(network));
    network.run(Duration::from_secs(30));
    assert_eq!(losses(&network, 0), []);
    network.nodes[1].alive = false;
    let took = network.run_to(|network| network.matched(0).is_empty());
    assert!(took <= Duration::from_secs(10) && took >= Duration::from_secs(7), "{took}");
    assert_eq!(losses(&network, 0), [LossReason::LeaseExpired]);
    assert!(network.nodes[0].participant.participants().next().is_none());
}

#[test]
fn any_traffic_renews_the_lease() {
    let mut network = Network::of(5, 2);
    network.run_to(|network| network.nodes[0].participant.participants().next().is_some());
    network.nodes[1].alive = false;
    for _ in 0..10 {
        network.run(Duration::from_secs(5));
        network.nodes[0].participant.note_traffic(prefix_of(2), network.now);
    }
    assert_eq!(losses(&network, 0), []);
}

#[test]
fn departure_is_noticed_at_once() {
    let mut network = Network::of(6, 3);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.add_reader(2, 1, "Square", reliable_reader());
    network.run_to(|network| network.matched(0).len() == 2);
    let now = network.now;
    network.nodes[1].participant.depart(now);
    let took = network.run_to(|network| network.matched(0).len() == 1);
    assert!(took <= Duration::from_millis(2), "{took}");
    network.run(Duration::from_millis(10));
    assert_eq!(losses(&network, 0), [LossReason::Departed]);
    // Nothing brings it back.
    network.nodes[1].events.clear();
    network.run(Duration::from_secs(5));
    assert_eq!(network.nodes[0].participant.participants().count(), 1);
}

#[test]
fn a_restarted_peer_with_the_same_guid_is_a_new_one() {
    let mut network = Network::new(8);
    let first = network.add(Network::config(1));
    let mut config = Network::config(2);
    config.data.set_process("host", "program", 100);
    let second = network.add(config);
    network.add_writer(first, 1, "Square", PublicationQos::default());
    network.add_reader(second, 1, "Square", reliable_reader());
    network.run_to(|network| matched_everywhere(network));
    network.nodes[second].alive = false;
    network.nodes[second].address = Locator::INVALID;
    network.clear_events();
    network.run(Duration::from_secs(1));

    let mut config = Network::config(2);
    config.data.set_process("host", "program", 101);
    let third = network.add(config);
    network.add_reader(third, 1, "Square", reliable_reader());
    let took = network.run_to(|network| !network.matched(third).is_empty());
    assert!(took <= Duration::from_millis(50), "{took}");
    network.run(Duration::from_millis(10));
    assert_eq!(losses(&network, first), [LossReason::Restarted]);
    let matches = network.nodes[first].events.iter();
    assert_eq!(matches.filter(|event| matches!(event, DiscoveryEvent::Match { .. })).count(), 1);
}

#[test]
fn other_domains_and_tags_are_ignored() {
    let mut network = Network::of(9, 1);
    let mut other_domain = Network::config(2);
    other_domain.data.domain_id = Some(1);
    network.add(other_domain);
    let mut other_tag = Network::config(3);
    other_tag.data.domain_tag = "blue".into();
    network.add(other_tag);
    let mut same_tag = Network::config(4);
    same_tag.data.domain_tag = "blue".into();
    network.add(same_tag);
    network.run(Duration::from_secs(3));
    let known = |node: usize| network.nodes[node].participant.participants().count();
    assert_eq!([known(0), known(1), known(2), known(3)], [0, 0, 1, 1]);
    assert!(network.nodes[0].participant.statistics().announcements_of_other_domains > 0);
}

#[test]
fn initial_peers_are_found_without_multicast() {
    let mut network = Network::new(10);
    let mut first = Network::config(1);
    first.multicast_locators.clear();
    first.initial_peers = std::vec![Locator::udp_v4([10, 0, 0, 2], 7410)];
    network.add(first);
    let mut second = Network::config(2);
    second.multicast_locators.clear();
    network.add(second);
    network.add_writer(0, 1, "Square", PublicationQos::default());
    network.add_reader(1, 1, "Square", reliable_reader());
    let took = network.run_to(|network| matched_everywhere(network));
    assert!(took <= Duration::from_millis(5), "{took}");
}

#[test]
fn endpoints_come_and_go() {
    let mut network = Network::of(11, 2);
    network.run(Duration::from_secs(1));
    for round in 0..20 {
        let writer = network.add_writer(0, 1 + round, "Square", PublicationQos::default());
        let reader = network.add_reader(1, 1 + round, "Square", reliable_reader());
        network.run_to(|network| matched_everywhere(network));
        let now = network.now;
        if round % 2 == 0 {
            network.nodes[0].participant.remove_publication(now, writer);
            network.run_to(|network| network.matched(1).is_empty());
            network.nodes[1].participant.remove_subscription(now, reader);
        } else {
            network.nodes[1].participant.remove_subscription(now, reader);
            network.run_to(|network| network.matched(0).is_empty());
            network.nodes[0].participant.remove_publication(now, writer);
        }
        network.run(Duration::from_millis(50));
        assert_eq!(network.matched(0), []);
        assert_eq!(network.matched(1), []);
    }
    // Disposals do not pile up.
    let writer = network.nodes[0].participant.endpoints.writer_mut(sedp::Channel::Publications);
    assert!(writer.history().is_empty());
}

#[test]
fn endpoints_of_one_participant_match_in_process() {
    let mut network = Network::of(12, 1);
    let writer = network.add_writer(0, 1, "Square", PublicationQos::default());
    let reader = network.add_reader(0, 2, "Square", reliable_reader());
    network.pump();
    assert_eq!(network.matched(0), [(reader, writer), (writer, reader)]);
    for event in &network.nodes[0].events {
        let DiscoveryEvent::Match { remote, .. } = event else { panic!("{event:?}") };
        assert_eq!(remote.locators[0].kind, crate::structure::LocatorKind::IN_PROCESS);
        assert!(remote.participant.is_none());
    }
    let now = network.now;
    network.nodes[0].participant.remove_publication(now, writer);
    network.pump();
    assert_eq!(network.matched(0), []);
}

#[test]
fn large_announcements_travel_in_fragments() {
    let mut network = Network::of(13, 2);
    network.loss = 20;
    let mut qos = PublicationQos::default();
    qos.user_data.0 = std::vec![7; 20_000];
    network.add_writer(0, 1, "Square", qos.clone());
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| matched_everywhere(network));
    let seen = network.nodes[1].events.iter().find_map(|event| match event {
        DiscoveryEvent::PublicationDiscovered(data) => Some(data.qos.user_data.0.clone()),
        _ => None,
    });
    assert_eq!(seen, Some(qos.user_data.0));
}

#[test]
fn peers_without_multicast_stay_for_longer_than_a_lease() {
    // Only the first knows an address; the second has nobody to announce itself to by itself.
    for (seed, second_sends_multicast) in [(14, false), (15, true)] {
        let mut network = Network::new(seed);
        let mut first = Network::config(1);
        first.multicast_locators.clear();
        first.initial_peers = std::vec![Locator::udp_v4([10, 0, 0, 2], 7410)];
        network.add(first);
        let mut second = Network::config(2);
        if second_sends_multicast {
            // Sent, but nobody gets it.
            second.multicast_locators = std::vec![Locator::udp_v4([239, 255, 0, 9], 7400)];
            second.data.metatraffic_multicast_locators = second.multicast_locators.clone();
        } else {
            second.multicast_locators.clear();
        }
        network.add(second);
        network.loss = 20;
        network.add_writer(0, 1, "Square", PublicationQos::default());
        network.add_reader(1, 1, "Square", reliable_reader());
        network.run_to(|network| matched_everywhere(network));
        network.run(Duration::from_secs(300));
        assert_eq!((losses(&network, 0), losses(&network, 1)), (std::vec![], std::vec![]));
        // What changes is told although no multicast arrives.
        let mut data = network.nodes[1].participant.data().clone();
        data.user_data.0 = std::vec![1];
        let now = network.now;
        network.nodes[1].participant.update_participant_data(now, data);
        if !second_sends_multicast {
            network.run_to(|network| {
                let mut events = network.nodes[0].events.iter();
                events.any(|event| matches!(event, DiscoveryEvent::ParticipantChanged(_)))
            });
        }
    }
}
