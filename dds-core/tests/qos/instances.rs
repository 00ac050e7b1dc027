//! OWNERSHIP, OWNERSHIP_STRENGTH, DESTINATION_ORDER and WRITER_DATA_LIFECYCLE.

use dds_core::{
    DataReader, DataWriter,
    rtps::time::Timestamp,
    sample::{InstanceState, Sample},
};
use dds_qos::{
    DataWriterQos, DestinationOrder, DestinationOrderKind, Duration, LivelinessKind, OwnershipStrength,
    WriterDataLifecycle,
};

use crate::world::{Reading, Two, World, acknowledged, meet, millis, reading, take, two};

/// Writes, and what the reader makes of it once it has acknowledged.
fn heard(
    world: &dyn World,
    writer: &DataWriter<Reading>,
    reader: &DataReader<Reading>,
    sensor: u32,
    value: u32,
) -> Vec<u32> {
    writer.write(&reading(sensor, value)).unwrap();
    acknowledged(world, writer);
    reader.take().unwrap().into_iter().filter_map(Sample::into_data).map(|data| data.value).collect()
}

fn strength(writer: &DataWriter<Reading>, strength: i32) {
    writer.set_qos(writer.qos().ownership_strength(OwnershipStrength(strength))).unwrap();
}

/// Waits until the reader knows of the writer's present strength.
fn strength_seen(world: &dyn World, writer: &DataWriter<Reading>, reader: &DataReader<Reading>) {
    let expected = writer.qos().ownership_strength;
    world.until("the strength to be known", &mut || {
        let handle = reader.subscriber().participant().discovered_handle(writer.guid());
        reader.matched_publication_data(handle).is_ok_and(|data| data.qos.ownership_strength == expected)
    });
}

pub fn the_strongest_writer_owns_until_it_is_weaker_or_gone(world: &dyn World) {
    let Two { here, there } = two(world);
    let (weak, strong) =
        (here.writer().exclusive(1).build().unwrap(), here.writer().exclusive(2).build().unwrap());
    let reader = there.reader().reliable().keep_all().exclusive().build().unwrap();
    meet(world, &weak, &reader);
    meet(world, &strong, &reader);
    assert_eq!(heard(world, &weak, &reader, 1, 1), [1], "alone so far");
    assert_eq!(heard(world, &strong, &reader, 1, 2), [2], "it takes over");
    assert!(heard(world, &weak, &reader, 1, 3).is_empty());
    assert_eq!(heard(world, &weak, &reader, 2, 4), [4], "another instance is its own");
    // Stronger at run time.
    strength(&weak, 3);
    strength_seen(world, &weak, &reader);
    assert_eq!(heard(world, &weak, &reader, 1, 5), [5]);
    assert!(heard(world, &strong, &reader, 1, 6).is_empty());
    strength(&weak, 0);
    strength_seen(world, &weak, &reader);
    assert_eq!(heard(world, &strong, &reader, 1, 7), [7]);
    // By unregistering it hands over.
    strong.unregister_instance(&reading(1, 0)).unwrap();
    acknowledged(world, &strong);
    let _ = reader.take().unwrap();
    assert_eq!(heard(world, &weak, &reader, 1, 8), [8]);
    assert_eq!(heard(world, &strong, &reader, 1, 9), [9]);
    // By leaving too.
    drop(strong);
    world.until("it left", &mut || reader.matched_publications().len() == 1);
    let _ = reader.take().unwrap();
    assert_eq!(heard(world, &weak, &reader, 1, 10), [10]);
}

pub fn equally_strong_writers_are_told_apart_by_guid(world: &dyn World) {
    let Two { here, there } = two(world);
    let make = || here.writer().exclusive(5).build().unwrap();
    let (lower, higher) = (make(), make());
    assert!(lower.guid() < higher.guid());
    let make = || there.reader().reliable().keep_all().exclusive().build().unwrap();
    let readers = [make(), make()];
    for reader in &readers {
        meet(world, &lower, reader);
        meet(world, &higher, reader);
    }
    for writer in [&higher, &lower, &higher] {
        writer.write(&reading(1, u32::from(writer.guid() == higher.guid()))).unwrap();
        acknowledged(world, writer);
    }
    // All readers choose the same: of the higher one nothing after the other wrote.
    for reader in &readers {
        assert_eq!(take(world, reader, 2), [1, 0]);
    }
}

pub fn an_owner_that_misses_its_deadline_loses_the_instance(world: &dyn World) {
    let Two { here, there } = two(world);
    let period = millis(400);
    let (weak, strong) = (here.writer().exclusive(1), here.writer().exclusive(2));
    let weak = weak.deadline(period.into()).build().unwrap();
    let strong = strong.deadline(period.into()).build().unwrap();
    let reader = there.reader().reliable().keep_all().exclusive().deadline(period.into()).build().unwrap();
    meet(world, &weak, &reader);
    meet(world, &strong, &reader);
    assert_eq!(heard(world, &strong, &reader, 1, 1), [1]);
    assert!(heard(world, &weak, &reader, 1, 2).is_empty());
    world.until("a missed deadline", &mut || reader.requested_deadline_missed_status().total_count > 0);
    assert_eq!(heard(world, &weak, &reader, 1, 3), [3]);
    assert_eq!(heard(world, &strong, &reader, 1, 4), [4], "until it writes again");
}

pub fn an_owner_that_is_not_alive_loses_its_instances(world: &dyn World) {
    let Two { here, there } = two(world);
    let lease: Duration = millis(400).into();
    let kind = LivelinessKind::ManualByTopic;
    let weak = here.writer().exclusive(1).liveliness(kind, Duration::INFINITE).build().unwrap();
    let strong = here.writer().exclusive(2).liveliness(kind, lease).build().unwrap();
    let reader = there.reader().reliable().keep_all().exclusive().build().unwrap();
    meet(world, &weak, &reader);
    meet(world, &strong, &reader);
    assert_eq!(heard(world, &strong, &reader, 1, 1), [1]);
    assert!(heard(world, &weak, &reader, 1, 2).is_empty());
    world.until("it is not alive", &mut || reader.liveliness_changed_status().not_alive_count == 1);
    assert_eq!(heard(world, &weak, &reader, 1, 3), [3]);
    assert_eq!(heard(world, &strong, &reader, 1, 4), [4], "alive again");
}

fn ordered(kind: DestinationOrderKind, qos: DataWriterQos) -> DataWriterQos {
    qos.destination_order(DestinationOrder(kind))
}

/// Two writers of one instance and a reader that keeps the last, all with this order.
fn ordered_three(
    world: &dyn World,
    kind: DestinationOrderKind,
) -> (DataWriter<Reading>, DataWriter<Reading>, DataReader<Reading>) {
    let Two { here, there } = two(world);
    let writer = || {
        let qos = here.writer().reliable().build().unwrap().qos();
        here.writer().qos(ordered(kind, qos)).build().unwrap()
    };
    let (one, two) = (writer(), writer());
    let qos = there.reader().reliable().build().unwrap().qos().destination_order(DestinationOrder(kind));
    let reader = there.reader().qos(qos).build().unwrap();
    meet(world, &one, &reader);
    meet(world, &two, &reader);
    (one, two, reader)
}

pub fn source_timestamps_order_what_two_writers_say(world: &dyn World) {
    let (one, two, reader) = ordered_three(world, DestinationOrderKind::BySourceTimestamp);
    let at = |second: u64| Timestamp::from_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000);
    one.write_with_timestamp(&reading(1, 2), at(2)).unwrap();
    acknowledged(world, &one);
    two.write_with_timestamp(&reading(1, 1), at(1)).unwrap();
    acknowledged(world, &two);
    assert_eq!(take(world, &reader, 1), [2], "the later one, although it came first");
    // A disposal from before changes nothing either.
    two.dispose_with_timestamp(&reading(1, 1), at(1)).unwrap();
    acknowledged(world, &two);
    assert!(reader.take().unwrap().is_empty());
    two.dispose_with_timestamp(&reading(1, 1), at(3)).unwrap();
    acknowledged(world, &two);
    let states: Vec<_> = reader.take().unwrap().iter().map(|sample| sample.info().instance_state).collect();
    assert_eq!(states, [InstanceState::NotAliveDisposed]);
}

pub fn by_reception_the_last_to_arrive_counts(world: &dyn World) {
    let (one, two, reader) = ordered_three(world, DestinationOrderKind::ByReceptionTimestamp);
    let at = |second: u64| Timestamp::from_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000);
    one.write_with_timestamp(&reading(1, 2), at(2)).unwrap();
    acknowledged(world, &one);
    two.write_with_timestamp(&reading(1, 1), at(1)).unwrap();
    acknowledged(world, &two);
    assert_eq!(take(world, &reader, 1), [1]);
}

fn autodispose(on: bool) -> WriterDataLifecycle {
    WriterDataLifecycle { autodispose_unregistered_instances: on }
}

pub fn unregistering_disposes_unless_told_otherwise(world: &dyn World) {
    let Two { here, there } = two(world);
    let writer = here.writer().keep_all().build().unwrap();
    let reader = there.reader().reliable().keep_all().build().unwrap();
    meet(world, &writer, &reader);
    let end = |on: bool| {
        // It may change at run time.
        writer.set_qos(writer.qos().writer_data_lifecycle(autodispose(on))).unwrap();
        writer.write(&reading(1, 1)).unwrap();
        writer.unregister_instance(&reading(1, 1)).unwrap();
        acknowledged(world, &writer);
        reader.take().unwrap().last().unwrap().info().instance_state
    };
    assert_eq!(end(true), InstanceState::NotAliveDisposed);
    assert_eq!(end(false), InstanceState::NotAliveNoWriters);
}

pub fn deleting_a_writer_disposes_unless_told_otherwise(world: &dyn World) {
    let Two { here, there } = two(world);
    let reader = there.reader().reliable().keep_all().build().unwrap();
    let end = |on: bool| {
        let qos = here.writer().keep_all().build().unwrap().qos().writer_data_lifecycle(autodispose(on));
        let writer = here.writer().qos(qos).build().unwrap();
        meet(world, &writer, &reader);
        writer.write(&reading(1, 1)).unwrap();
        writer.write(&reading(2, 1)).unwrap();
        acknowledged(world, &writer);
        drop(writer);
        let mut states = Vec::new();
        world.until("the end of both instances", &mut || {
            let samples = reader.take().unwrap();
            let ended = samples.iter().filter(|sample| sample.data().is_none());
            states.extend(ended.map(|sample| sample.info().instance_state));
            states.len() == 2
        });
        world.until("it left", &mut || reader.matched_publications().is_empty());
        states
    };
    assert_eq!(end(true), [InstanceState::NotAliveDisposed; 2]);
    assert_eq!(end(false), [InstanceState::NotAliveNoWriters; 2]);
}
