//! The writer liveliness protocol.

use dds_qos::{Liveliness, LivelinessKind};

use super::*;

fn lively(kind: LivelinessKind, lease: Duration) -> PublicationQos {
    PublicationQos { liveliness: Liveliness { kind, lease_duration: lease }, ..PublicationQos::default() }
}

fn changes(network: &Network, node: usize) -> Vec<(Guid, WriterLiveliness)> {
    let changes = network.nodes[node].events.iter().filter_map(|event| match event {
        DiscoveryEvent::WriterLiveliness { writer, liveliness } => Some((*writer, *liveliness)),
        _ => None,
    });
    changes.collect()
}

const LEASE: Duration = Duration::from_millis(300);

fn pair(kind: LivelinessKind, seed: u64) -> (Network, Guid, Activity) {
    let mut network = Network::of(seed, 2);
    let guid = network.guid(0, 1, EntityKind::WRITER_WITH_KEY);
    let data = PublicationData::new(guid, "Square", "Shape", lively(kind, LEASE));
    let now = network.now;
    let activity = network.nodes[0].participant.add_publication(now, data);
    network.add_reader(1, 1, "Square", reliable_reader());
    network.run_to(|network| !network.matched(0).is_empty() && !network.matched(1).is_empty());
    (network, guid, activity)
}

#[test]
fn automatic_writers_live_as_long_as_their_process() {
    let (mut network, writer, _) = pair(LivelinessKind::Automatic, 30);
    network.loss = 10;
    network.run(Duration::from_secs(20));
    assert_eq!(changes(&network, 1), []);
    network.nodes[0].alive = false;
    let took = network.run_to(|network| !changes(network, 1).is_empty());
    assert!(took <= LEASE, "{took}");
    assert_eq!(changes(&network, 1), [(writer, WriterLiveliness::NotAlive)]);
    network.nodes[0].alive = true;
    network.run_to(|network| changes(network, 1).len() == 2);
    assert_eq!(changes(&network, 1)[1], (writer, WriterLiveliness::Alive));
}

#[test]
fn an_announcement_that_says_nothing_new_revives_all_the_same() {
    let (mut network, writer, _) = pair(LivelinessKind::Automatic, 36);
    network.run(Duration::from_secs(5));
    network.nodes[0].alive = false;
    network.run_to(|network| !changes(network, 1).is_empty());
    // Nothing is heard of it but that it is still there.
    network.advance(network.now.monotonic.after(Duration::from_secs(3)));
    let (now, from) = (network.now, network.nodes[0].address);
    let (mut announcement, mut out) = (None, Datagram::new());
    network.nodes[0].participant.handle_timeout(now);
    while let Some(destinations) = network.nodes[0].participant.poll_transmit(now, &mut out) {
        if destinations.iter().any(|(_, locator)| *locator == GROUP) {
            announcement = Some(out.to_vec());
        }
    }
    let announcement = announcement.expect("an announcement is due by then");
    let unchanged = |network: &Network| network.nodes[1].participant.statistics().announcements_unchanged;
    let before = unchanged(&network);
    network.nodes[1].touched = false;
    network.deliver(1, from, &announcement);
    assert!(network.nodes[1].touched, "somebody has to be told");
    network.pump_touched();
    assert_eq!(changes(&network, 1)[1..], [(writer, WriterLiveliness::Alive)]);
    network.deliver(1, from, &announcement);
    assert!(!network.nodes[1].touched, "nothing follows from it");
    assert_eq!(unchanged(&network), before + 2);
}

#[test]
fn manual_by_participant_lapses_unless_asserted() {
    let (mut network, writer, activity) = pair(LivelinessKind::ManualByParticipant, 31);
    for _ in 0..20 {
        network.run(Duration::from_millis(250));
        let now = network.now;
        network.nodes[0].participant.assert_liveliness(now);
    }
    assert_eq!(changes(&network, 1), []);
    // Writing asserts as well as calling, and is passed on by the same message.
    for _ in 0..40 {
        network.run(Duration::from_millis(100));
        assert_eq!(activity.touch(network.now.monotonic), Touch::Noted);
    }
    assert_eq!(changes(&network, 1), []);
    network.run(Duration::from_millis(800));
    // Both sides see it: LIVELINESS_LOST here, LIVELINESS_CHANGED there.
    assert_eq!(changes(&network, 0), [(writer, WriterLiveliness::NotAlive)]);
    assert_eq!(changes(&network, 1), [(writer, WriterLiveliness::NotAlive)]);
    let now = network.now;
    network.nodes[0].participant.assert_liveliness(now);
    network.run(Duration::from_millis(100));
    assert_eq!(changes(&network, 0)[1..], [(writer, WriterLiveliness::Alive)]);
    assert_eq!(changes(&network, 1)[1..], [(writer, WriterLiveliness::Alive)]);
}

#[test]
fn manual_by_topic_is_asserted_by_the_writer_alone() {
    let (mut network, writer, own) = pair(LivelinessKind::ManualByTopic, 32);
    let remote = network.nodes[1]
        .events
        .iter()
        .find_map(|event| match event {
            DiscoveryEvent::Match { remote, .. } => Some(remote.activity.clone()),
            _ => None,
        })
        .unwrap();
    for _ in 0..10 {
        network.run(Duration::from_millis(200));
        assert_eq!(own.touch(network.now.monotonic), Touch::Noted);
        assert_eq!(remote.touch(network.now.monotonic), Touch::Noted);
        // This is for other kinds.
        let now = network.now;
        network.nodes[0].participant.assert_liveliness(now);
    }
    assert_eq!((changes(&network, 0), changes(&network, 1)), (std::vec![], std::vec![]));
    network.run(Duration::from_secs(1));
    assert_eq!(changes(&network, 0), [(writer, WriterLiveliness::NotAlive)]);
    assert_eq!(changes(&network, 1), [(writer, WriterLiveliness::NotAlive)]);
    assert_eq!(remote.touch(network.now.monotonic), Touch::Revives);
    let now = network.now;
    network.nodes[1].participant.handle_timeout(now);
    network.pump();
    assert_eq!(changes(&network, 1)[1..], [(writer, WriterLiveliness::Alive)]);
    assert_eq!(remote.touch(network.now.monotonic), Touch::Noted);
}

#[test]
fn an_unmatched_writer_is_not_watched() {
    let (mut network, writer, _) = pair(LivelinessKind::ManualByTopic, 33);
    let now = network.now;
    network.nodes[0].participant.remove_publication(now, writer);
    network.run(Duration::from_secs(2));
    assert_eq!((changes(&network, 0), changes(&network, 1)), (std::vec![], std::vec![]));
}

#[test]
fn a_late_reader_learns_that_the_writer_is_not_alive() {
    let (mut network, writer, _) = pair(LivelinessKind::ManualByTopic, 34);
    network.run(Duration::from_secs(1));
    network.clear_events();
    network.add_reader(1, 2, "Square", reliable_reader());
    network.pump();
    assert_eq!(changes(&network, 1), [(writer, WriterLiveliness::NotAlive)]);
}
