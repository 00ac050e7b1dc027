//! The service between real participants on loopback.

mod common;

use common::{
    DOMAIN, PATIENCE, World, at, check_what_was_left, reader, reading, take_count, write_some, writer,
};
use dds_core::qos::DurabilityKind;
use dds_durability::{DurabilityConfig, DurabilityService};

fn start(world: &World) -> DurabilityService {
    let config = DurabilityConfig {
        store: Some(world.store.clone()),
        discovery_grace: dds_core::qos::Duration::from_nanos(500_000_000),
        ..DurabilityConfig::default()
    };
    DurabilityService::builder(DOMAIN).participant_config(world.config()).config(config).start().unwrap()
}

#[test]
fn a_late_reader_gets_what_a_transient_writer_left() {
    let world = World::new();
    let service = start(&world);
    let there = world.participant();
    let writer = writer(&there, DurabilityKind::Transient);
    write_some(&writer);
    let guid = writer.guid();
    drop((writer, there));
    let here = world.participant();
    let late = reader(&here, DurabilityKind::Transient);
    check_what_was_left(&take_count(&late, 5), guid);
    let handle = late.matched_publications()[0];
    assert_eq!(late.matched_publication_data(handle).unwrap().entity_name.as_deref(), Some("dds-durability"));
    service.stop().unwrap();
}

#[test]
fn persistent_samples_outlive_writer_and_service() {
    let world = World::new();
    let service = start(&world);
    let there = world.participant();
    let writer = writer(&there, DurabilityKind::Persistent);
    write_some(&writer);
    let guid = writer.guid();
    // As if the power had gone: the writer is not there when the service starts again.
    service.stop().unwrap();
    drop((writer, there));
    for _ in 0..2 {
        let service = start(&world);
        let here = world.participant();
        let late = reader(&here, DurabilityKind::Persistent);
        check_what_was_left(&take_count(&late, 5), guid);
        service.stop().unwrap();
    }
}

#[test]
fn a_service_that_was_away_takes_up_where_it_was() {
    let world = World::new();
    let service = start(&world);
    let there = world.participant();
    let writer = writer(&there, DurabilityKind::Persistent);
    write_some(&writer);
    service.stop().unwrap();
    // While it is away the writer goes on; it keeps one sample for late joiners, such as the service.
    writer.write_with_timestamp(&reading(1, 8), at(8)).unwrap();
    let service = start(&world);
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write_with_timestamp(&reading(1, 9), at(9)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    drop((writer, there));
    let here = world.participant();
    let late = reader(&here, DurabilityKind::Persistent);
    let samples = take_count(&late, 5);
    let values: Vec<_> = samples.iter().filter_map(|sample| sample.data()).collect();
    let of_one: Vec<_> = values.iter().filter(|data| data.sensor == 1).map(|data| data.value).collect();
    assert_eq!(of_one, [5, 8, 9]);
    service.stop().unwrap();
}

#[test]
fn a_writer_without_a_service_still_serves_late_joiners_itself() {
    let world = World::new();
    for durability in [DurabilityKind::Transient, DurabilityKind::Persistent] {
        let (there, here) = (world.participant(), world.participant());
        let writer = writer(&there, durability);
        writer.write(&reading(1, 1)).unwrap();
        let late = reader(&here, durability);
        late.wait_for_historical_data(PATIENCE.into()).unwrap();
        assert_eq!(late.take().unwrap()[0].data(), Some(&reading(1, 1)));
    }
}
