//! Every kind of submessage, truncated and corrupted in every place.

use dds_rtps::{
    discovery::{ParticipantData, PublicationData, SubscriptionData},
    message::corpus::{Route, Seed, damaged, messages},
    payload::Payload,
    structure::{EntityId, Guid, GuidPrefix},
};

use crate::{allocation::allocated, common::seconds, forge, scene::Scene};
use dds_types::{DataRepresentationId, TopicType};

/// Where the corpus goes: to the endpoints matched with the bad one, and to the built-in ones.
fn routes(scene: &Scene, source: GuidPrefix) -> Vec<(Route, Payload)> {
    let bad = &scene.bad;
    let guid = Guid::new(source, EntityId::PARTICIPANT);
    let writer = Guid::new(source, bad.to_reader.0);
    let reader = Guid::new(source, bad.from_writer.1);
    let (mut sample, mut participant, mut publication, mut subscription) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    crate::common::Numbered::new(7).serialize(DataRepresentationId::XCDR, &mut sample).unwrap();
    ParticipantData::new(guid).encode(&mut participant).unwrap();
    let qos = Default::default();
    PublicationData::new(writer, "Bad", "Numbered", qos).encode(&mut publication).unwrap();
    let qos = Default::default();
    SubscriptionData::new(reader, "ForBad", "Numbered", qos).encode(&mut subscription).unwrap();
    let route = |(writer_id, reader_id), payload: &Vec<u8>| {
        let destination = scene.target.guid().prefix;
        (Route { source, destination, writer_id, reader_id }, Payload::from(payload.clone()))
    };
    vec![
        route(bad.to_reader, &sample),
        route((bad.to_reader.0, EntityId::UNKNOWN), &sample),
        route(bad.from_writer, &sample),
        route((EntityId::SPDP_WRITER, EntityId::SPDP_READER), &participant),
        route((EntityId::SEDP_PUBLICATIONS_WRITER, EntityId::SEDP_PUBLICATIONS_READER), &publication),
        route((EntityId::SEDP_SUBSCRIPTIONS_WRITER, EntityId::SEDP_SUBSCRIPTIONS_READER), &subscription),
        route((EntityId::PARTICIPANT_MESSAGE_WRITER, EntityId::PARTICIPANT_MESSAGE_READER), &sample),
    ]
}

/// Each damaged message in turn, of the bad one and of a stranger.
fn each_damaged(scene: &mut Scene, seed: u64, mut act: impl FnMut(&mut Scene, &[u8])) {
    let mut numbers = Seed(seed);
    for source in [scene.bad.prefix, forge::prefix(1)] {
        for (route, payload) in routes(scene, source) {
            for message in messages(&mut numbers, &route, &payload) {
                act(scene, &message);
                for copy in damaged(&message) {
                    act(scene, &copy);
                }
            }
        }
    }
}

#[test]
fn a_participant_under_fire_serves_its_other_peers() {
    let mut scene = Scene::new(101);
    let mut count = 0_u32;
    let addresses = [scene.user_address(), scene.metatraffic_address()];
    each_damaged(&mut scene, 101, |scene, message| {
        let address = addresses[count as usize & 1];
        scene.bad.socket.send_to(address, message);
        count += 1;
        if count.is_multiple_of(500) {
            scene.serve();
        }
    });
    scene.sim.run_for(seconds(15));
    scene.serve();
    scene.check_uninterrupted();
    let statistics = scene.target.statistics();
    println!("{count} datagrams, {statistics:?}");
    assert!(count > 100_000);
    assert!(statistics.engine.invalid_datagrams > 1000);
}

/// Allocation follows what arrived, whatever a datagram claims.
#[test]
fn no_datagram_allocates_more_than_a_small_multiple() {
    let mut scene = Scene::new(102);
    // What the target sends in answer is dropped and needs no memory of the network's.
    scene.sim.partition(scene.target_host, scene.bad.host);
    let (mut count, mut largest) = (0_u32, 0);
    each_damaged(&mut scene, 102, |scene, message| {
        let used = allocated(|| scene.inject(message));
        assert!(used <= 16 * message.len() + (64 << 10), "{used} bytes for {message:02x?}");
        largest = largest.max(used);
        count += 1;
        if count.is_multiple_of(500) {
            scene.serve();
        }
    });
    println!("at most {largest} bytes for one of {count} datagrams");
    scene.check_uninterrupted();
}
