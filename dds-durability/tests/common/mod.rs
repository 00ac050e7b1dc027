//! Writers and readers around a service, on loopback.

#![allow(dead_code, reason = "each test program uses some of it")]

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

pub const DOMAIN: u32 = 87;

pub const PATIENCE: Duration = Duration::from_secs(30);

#[derive(DdsType, Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    #[dds(key)]
    pub sensor: u32,
    pub value: u64,
}

pub fn reading(sensor: u32, value: u64) -> Reading {
    Reading { sensor, value }
}

/// A domain that no other test shares, and a file that goes with it.
pub struct World {
    pub tag: String,
    pub store: PathBuf,
}

impl World {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let tag = format!("durability-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let store = std::env::temp_dir().join(format!("{tag}.redb"));
        Self { tag, store }
    }

    pub fn config(&self) -> ParticipantConfig {
        ParticipantConfig { domain_tag: self.tag.clone(), ..ParticipantConfig::loopback_only() }
    }

    pub fn participant(&self) -> DomainParticipant {
        DomainParticipant::builder(DOMAIN).config(self.config()).build().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.store);
    }
}

pub fn writer(participant: &DomainParticipant, durability: DurabilityKind) -> DataWriter<Reading> {
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

pub fn reader(participant: &DomainParticipant, durability: DurabilityKind) -> DataReader<Reading> {
    let topic = participant.topic::<Reading>("Readings").unwrap();
    topic.reader().reliable().keep_all().durability(durability).build().unwrap()
}

pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_nanos(seconds * 1_000_000_000)
}

/// Writes five values of sensor 1 and one of sensor 2, which is then disposed of.
pub fn write_some(writer: &DataWriter<Reading>) {
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for value in 1..=5 {
        writer.write_with_timestamp(&reading(1, value), at(value)).unwrap();
    }
    writer.write_with_timestamp(&reading(2, 6), at(6)).unwrap();
    writer.dispose_with_timestamp(&reading(2, 0), at(7)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

pub fn take_count(reader: &DataReader<Reading>, count: usize) -> Vec<Sample<Reading>> {
    let mut samples = Vec::new();
    while samples.len() < count {
        reader.wait_for_data(PATIENCE.into()).unwrap();
        samples.extend(reader.take().unwrap());
    }
    samples
}

/// What [`write_some`] leaves at a depth of 3, as a reader sees it.
pub fn check_what_was_left(samples: &[Sample<Reading>], first_writer: Guid) {
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
