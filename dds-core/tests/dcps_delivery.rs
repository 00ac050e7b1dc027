//! Who gets which samples: late joiners, partitions, single readers, readers of the same participant,
//! large samples and many partners.

mod common;

use common::{Domain, PATIENCE, Reading, next, reading, take_data};
use dds_core::{
    DataReader, DdsType, DomainParticipantFactory,
    error::ReturnCode,
    qos::DurabilityKind,
    sample::{DataState, InstanceState},
    status::StatusMask,
};

const DOMAIN: u32 = 85;

fn values(readings: Vec<Reading>) -> Vec<u64> {
    readings.into_iter().map(|reading| reading.value).collect()
}

#[test]
fn a_late_joiner_gets_the_history_it_asks_for() {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    let topic = one.topic::<Reading>("Late").unwrap();
    let writer = topic.writer().reliable().transient_local().keep_last(2).build().unwrap();
    for value in 0..5 {
        writer.write(&reading(1, value)).unwrap();
    }
    writer.write(&reading(2, 9)).unwrap();
    let there = two.topic::<Reading>("Late").unwrap();
    let durable = there.reader().reliable().transient_local().keep_all().build().unwrap();
    let volatile = there.reader().reliable().keep_all().build().unwrap();
    // The last two of each instance.
    let mut history = take_data(&durable, 3);
    history.sort_by_key(|reading| (reading.sensor, reading.value));
    assert_eq!(history, [reading(1, 3), reading(1, 4), reading(2, 9)]);
    writer.wait_matched(2, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 5)).unwrap();
    assert_eq!(values(take_data(&volatile, 1)), [5], "nothing from before it matched");
    assert_eq!(values(take_data(&durable, 1)), [5]);
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert!(!volatile.has_data(DataState::ANY) && !durable.has_data(DataState::ANY));
}

#[test]
fn a_late_joiner_hears_of_the_end_of_instances_too() {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    let topic = one.topic::<Reading>("LateEnd").unwrap();
    let writer = topic.writer().reliable().transient_local().build().unwrap();
    writer.write(&reading(1, 1)).unwrap();
    writer.dispose(&reading(1, 0)).unwrap();
    writer.write(&reading(2, 2)).unwrap();
    let reader = two.topic::<Reading>("LateEnd").unwrap().reader().reliable().transient_local();
    let reader = reader.build().unwrap();
    while reader.lookup_instance(&reading(2, 0)).unwrap().is_none() {
        reader.wait_for_data(PATIENCE.into()).unwrap();
        reader.read().unwrap();
    }
    let first = reader.lookup_instance(&reading(1, 0)).unwrap().unwrap();
    let samples = reader.take_instance(first).unwrap();
    assert_eq!(samples.last().unwrap().info().instance_state, InstanceState::NotAliveDisposed);
}

#[test]
fn a_sample_for_one_reader_is_a_gap_for_the_others() {
    let domain = Domain::new(DOMAIN);
    let (one, two, three) = (domain.participant(), domain.participant(), domain.participant());
    let writer = one.topic::<Reading>("To").unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = |participant: &dds_core::DomainParticipant| {
        participant.topic::<Reading>("To").unwrap().reader().reliable().keep_all().build().unwrap()
    };
    let (first, second, third) = (reader(&two), reader(&two), reader(&three));
    writer.wait_matched(3, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 0)).unwrap();
    writer.write_to(first.guid(), &reading(1, 1)).unwrap();
    writer.write_to(third.guid(), &reading(1, 3)).unwrap();
    writer.write(&reading(1, 9)).unwrap();
    // The gaps are acknowledged as samples are, and nothing is lost.
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert_eq!(values(take_data(&first, 3)), [0, 1, 9]);
    assert_eq!(values(take_data(&second, 2)), [0, 9]);
    assert_eq!(values(take_data(&third, 3)), [0, 3, 9]);
    for reader in [&first, &second, &third] {
        assert_eq!(reader.sample_lost_status().total_count, 0);
        assert_eq!(reader.take().unwrap(), []);
    }
    let refused = writer.write_to(writer.guid(), &reading(1, 1)).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);
}

/// Whether samples of one participant's writers reach its own readers, in every combination.
#[test]
fn endpoints_of_one_participant_exchange_samples() {
    let participant = Domain::new(DOMAIN).participant();
    let topic = participant.topic::<Reading>("Same").unwrap();
    let writer = topic.writer().reliable().transient_local().keep_all().build().unwrap();
    writer.write(&reading(1, 0)).unwrap();
    let reliable = topic.reader().reliable().transient_local().keep_all().build().unwrap();
    let best_effort = topic.reader().best_effort().keep_all().build().unwrap();
    writer.wait_matched(2, PATIENCE.into()).unwrap();
    assert_eq!(values(take_data(&reliable, 1)), [0]);
    for value in 1..100 {
        writer.write(&reading(1, value)).unwrap();
    }
    assert!(values(take_data(&reliable, 99)).into_iter().eq(1..100));
    assert!(values(take_data(&best_effort, 99)).into_iter().eq(1..100));
    writer.write_to(best_effort.guid(), &reading(1, 100)).unwrap();
    writer.dispose(&reading(1, 0)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert_eq!(next(&best_effort).data(), Some(&reading(1, 100)));
    assert_eq!(next(&reliable).data(), None);
    drop(writer);
    wait_unmatched(&reliable);
}

fn wait_unmatched(reader: &DataReader<Reading>) {
    let condition = reader.status_condition();
    condition.set_enabled_statuses(StatusMask::SUBSCRIPTION_MATCHED);
    let set = dds_core::condition::WaitSet::new();
    set.attach(&condition);
    while reader.subscription_matched_status().current_count != 0 {
        set.wait(PATIENCE.into()).unwrap();
    }
}

#[test]
fn participants_that_share_sockets_share_samples() {
    let domain = Domain::new(DOMAIN);
    let factory = DomainParticipantFactory::new();
    let one = domain.builder_of(&factory).build().unwrap();
    let two = domain.builder_of(&factory).build().unwrap();
    assert_eq!(one.unicast_locators(), two.unicast_locators());
    let reader = two.topic::<Reading>("Shared").unwrap().reader().reliable().build().unwrap();
    let own = one.topic::<Reading>("Shared").unwrap().reader().reliable().build().unwrap();
    let writer = one.topic::<Reading>("Shared").unwrap().writer().reliable().build().unwrap();
    writer.wait_matched(2, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 1)));
    assert_eq!(next(&own).data(), Some(&reading(1, 1)));
}

#[test]
fn partitions_decide_who_matches() {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    let writer = one.topic::<Reading>("Partition").unwrap().writer().partition("north").reliable();
    let writer = writer.build().unwrap();
    let there = two.topic::<Reading>("Partition").unwrap();
    let south = there.reader().partition("s*h").reliable().build().unwrap();
    let north = there.reader().partition("no??h").partition("west").reliable().build().unwrap();
    // Of the participant's own topic: known at once.
    let unnamed = writer.topic().reader().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(next(&north).data(), Some(&reading(1, 1)));
    assert_eq!(writer.publication_matched_status().current_count, 1);
    for reader in [south, unnamed] {
        assert!(reader.matched_publications().is_empty());
        assert_eq!(
            reader.requested_incompatible_qos_status().total_count,
            0,
            "it is no QoS to be compatible"
        );
    }
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Blob {
    number: u32,
    bytes: Vec<u8>,
}

#[test]
fn large_samples_arrive_whole_and_in_order() {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    let writer = one.topic::<Blob>("Blob").unwrap().writer().reliable().keep_all();
    let writer = writer.durability(DurabilityKind::TransientLocal).build().unwrap();
    let blob = |number: u32, size: usize| Blob {
        number,
        bytes: (0..size).map(|index| (index as u32 ^ number) as u8).collect(),
    };
    let sizes = [1 << 20, 0, 70_000, 1_343, 1_344, 1_345, 3 << 20];
    let there = two.topic::<Blob>("Blob").unwrap();
    let reader = there.reader().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for (number, size) in (0..).zip(sizes) {
        writer.write(&blob(number, size)).unwrap();
    }
    for (number, size) in (0..).zip(sizes) {
        assert!(next(&reader).data() == Some(&blob(number, size)), "sample {number} of {size} bytes");
    }
    let late = there.reader().reliable().transient_local().keep_all().build().unwrap();
    for (number, size) in (0..).zip(sizes) {
        assert!(next(&late).data() == Some(&blob(number, size)), "sample {number} of {size} bytes, late");
    }
}

#[test]
fn ten_participants_hear_each_other() {
    let domain = Domain::new(DOMAIN);
    let participants: Vec<_> = (0..10).map(|_| domain.participant()).collect();
    let endpoints: Vec<_> = participants
        .iter()
        .map(|participant| {
            let topic = participant.topic::<Reading>("All").unwrap();
            let reader = topic.reader().reliable().keep_all().build().unwrap();
            (topic.writer().reliable().keep_all().build().unwrap(), reader)
        })
        .collect();
    for (writer, reader) in &endpoints {
        writer.wait_matched(10, PATIENCE.into()).unwrap();
        reader.wait_matched(10, PATIENCE.into()).unwrap();
    }
    for (number, (writer, _)) in (0..).zip(&endpoints) {
        for value in 0..10 {
            writer.write(&reading(number, value)).unwrap();
        }
    }
    for (_, reader) in &endpoints {
        let mut samples = take_data(reader, 100);
        // Each writer's samples come in their order.
        samples.sort_by_key(|reading| reading.sensor);
        let expected = (0..10).flat_map(|sensor| (0..10).map(move |value| reading(sensor, value)));
        assert!(samples.into_iter().eq(expected));
    }
}
