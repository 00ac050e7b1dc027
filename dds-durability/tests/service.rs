//! The service between real participants on loopback.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, ParticipantConfig,
    qos::{DataWriterQos, DurabilityKind, DurabilityService as ServiceQos, HistoryKind, WriterDataLifecycle},
    rtps::{structure::Guid, time::Timestamp},
    sample::{InstanceState, Sample},
};
use dds_durability::{DurabilityConfig, DurabilityService};

const PATIENCE: Duration = Duration::from_secs(30);

#[derive(DdsType, Clone, Copy, Debug, PartialEq)]
struct Reading {
    #[dds(key)]
    sensor: u32,
    value: u64,
}

fn reading(sensor: u32, value: u64) -> Reading {
    Reading { sensor, value }
}

/// A domain that no other test shares, and a file that goes with it.
struct World {
    tag: String,
    store: PathBuf,
}

impl World {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let tag = format!("durability-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let store = std::env::temp_dir().join(format!("{tag}.redb"));
        Self { tag, store }
    }

    fn config(&self) -> ParticipantConfig {
        ParticipantConfig { domain_tag: self.tag.clone(), ..ParticipantConfig::loopback_only() }
    }

    fn participant(&self) -> DomainParticipant {
        DomainParticipant::builder(87).config(self.config()).build().unwrap()
    }

    fn service(&self) -> DurabilityService {
        let config = DurabilityConfig {
            store: Some(self.store.clone()),
            discovery_grace: dds_core::qos::Duration::from_nanos(500_000_000),
            ..DurabilityConfig::default()
        };
        DurabilityService::builder(87).participant_config(self.config()).config(config).start().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.store);
    }
}

fn writer(participant: &DomainParticipant, durability: DurabilityKind) -> DataWriter<Reading> {
    let qos = DataWriterQos {
        durability_service: ServiceQos {
            history_kind: HistoryKind::KeepLast,
            history_depth: 3,
            service_cleanup_delay: dds_core::qos::Duration::INFINITE,
            ..ServiceQos::default()
        },
        // What a writer leaves behind is not disposed of with it.
        writer_data_lifecycle: WriterDataLifecycle { autodispose_unregistered_instances: false },
        ..DataWriterQos::default()
    };
    let topic = participant.topic::<Reading>("Readings").unwrap();
    topic.writer().qos(qos).reliable().keep_last(1).durability(durability).build().unwrap()
}

fn reader(participant: &DomainParticipant, durability: DurabilityKind) -> DataReader<Reading> {
    let topic = participant.topic::<Reading>("Readings").unwrap();
    topic.reader().reliable().keep_all().durability(durability).build().unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

/// Writes five values of sensor 1 and one of sensor 2, which is then disposed of.
fn write_some(writer: &DataWriter<Reading>) {
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for value in 1..=5 {
        writer.write_with_timestamp(&reading(1, value), at(value)).unwrap();
    }
    writer.write_with_timestamp(&reading(2, 6), at(6)).unwrap();
    writer.dispose_with_timestamp(&reading(2, 0), at(7)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

fn take_count(reader: &DataReader<Reading>, count: usize) -> Vec<Sample<Reading>> {
    let mut samples = Vec::new();
    while samples.len() < count {
        reader.wait_for_data(PATIENCE.into()).unwrap();
        samples.extend(reader.take().unwrap());
    }
    samples
}

/// What [`write_some`] leaves at a depth of 3, as a reader sees it.
fn check_what_was_left(samples: &[Sample<Reading>], first_writer: Guid) {
    let mut by_sensor: BTreeMap<u32, Vec<_>> = BTreeMap::new();
    for sample in samples {
        let info = sample.info();
        assert_eq!(info.writer_guid, first_writer);
        let value = sample.data().map(|data| data.value);
        let entry = (value, info.source_timestamp.unwrap(), info.sequence_number.0, info.instance_state);
        by_sensor.entry(sample.data().map_or(2, |data| data.sensor)).or_default().push(entry);
    }
    let (alive, disposed) = (InstanceState::Alive, InstanceState::NotAliveDisposed);
    let expected: Vec<_> = (3..=5).map(|value| (Some(value), at(value), value as i64, alive)).collect();
    assert_eq!(by_sensor[&1], expected);
    assert_eq!(by_sensor[&2], [(Some(6), at(6), 6, disposed), (None, at(7), 7, disposed)]);
}

#[test]
fn a_late_reader_gets_what_a_transient_writer_left() {
    let world = World::new();
    let service = world.service();
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
    let service = world.service();
    let there = world.participant();
    let writer = writer(&there, DurabilityKind::Persistent);
    write_some(&writer);
    let guid = writer.guid();
    // As if the power had gone: the writer is not there when the service starts again.
    service.stop().unwrap();
    drop((writer, there));
    for _ in 0..2 {
        let service = world.service();
        let here = world.participant();
        let late = reader(&here, DurabilityKind::Persistent);
        check_what_was_left(&take_count(&late, 5), guid);
        service.stop().unwrap();
    }
}

#[test]
fn a_service_that_was_away_takes_up_where_it_was() {
    let world = World::new();
    let service = world.service();
    let there = world.participant();
    let writer = writer(&there, DurabilityKind::Persistent);
    write_some(&writer);
    service.stop().unwrap();
    // While it is away the writer goes on; it keeps one sample for late joiners, such as the service.
    writer.write_with_timestamp(&reading(1, 8), at(8)).unwrap();
    let service = world.service();
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
