//! Who serves whom, and when, in virtual time.

use std::time::Duration;

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant,
    qos::{
        DataWriterQos, Durability, DurabilityKind, DurabilityService as ServiceQos, HistoryKind, Reliability,
        SubscriptionQos, WriterDataLifecycle,
    },
    raw::{RawEvent, RawReader, RawReaderConfig, RawTopic},
    rtps::{change::CacheChange, structure::Guid},
};
use dds_durability::{DurabilityConfig, Keeper};
use dds_sim::Simulation;

#[derive(DdsType, Clone, Copy, Debug, PartialEq)]
struct Reading {
    #[dds(key)]
    sensor: u32,
    value: u64,
}

struct World {
    sim: Simulation,
    keeper: Keeper,
}

impl World {
    fn new(seed: u64) -> Self {
        let sim = Simulation::new(seed);
        let keeper = Keeper::new(sim.participant(0), DurabilityConfig::default()).unwrap();
        Self { sim, keeper }
    }

    /// Lets time pass, with the service at work.
    fn run(&mut self, time: Duration) {
        const STEP: Duration = Duration::from_millis(10);
        for _ in 0..time.as_millis().div_ceil(STEP.as_millis()) {
            self.sim.run_for(STEP);
            self.keeper.poll().unwrap();
        }
    }

    fn seconds(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds));
    }
}

fn writer(participant: &DomainParticipant, cleanup_seconds: u32) -> DataWriter<Reading> {
    let qos = DataWriterQos {
        durability_service: ServiceQos {
            history_kind: HistoryKind::KeepAll,
            service_cleanup_delay: dds_core::qos::Duration::from_secs(cleanup_seconds),
            ..ServiceQos::default()
        },
        writer_data_lifecycle: WriterDataLifecycle { autodispose_unregistered_instances: false },
        ..DataWriterQos::default()
    };
    let topic = participant.topic::<Reading>("Readings").unwrap();
    topic.writer().qos(qos).reliable().keep_all().durability(DurabilityKind::Transient).build().unwrap()
}

/// A reader that knows nothing of original writers, as those of other vendors.
fn plain_reader(participant: &DomainParticipant) -> RawReader {
    let topic = RawTopic { topic_name: "Readings".into(), type_name: "Reading".into(), has_key: true };
    let qos = SubscriptionQos {
        durability: Durability(DurabilityKind::Transient),
        reliability: Reliability::RELIABLE,
        ..SubscriptionQos::default()
    };
    participant.raw_reader(&topic, qos, RawReaderConfig::default(), None).unwrap()
}

fn reader(participant: &DomainParticipant) -> DataReader<Reading> {
    let topic = participant.topic::<Reading>("Readings").unwrap();
    topic.reader().reliable().keep_all().durability(DurabilityKind::Transient).build().unwrap()
}

/// From whom each change came, and whose it was.
fn senders(reader: &RawReader) -> Vec<(Guid, Guid)> {
    let mut events = Vec::new();
    reader.take(usize::MAX, &mut events);
    let sender = |change: &CacheChange| (change.writer_guid, change.identity().0);
    let change = |event: &RawEvent| match event {
        RawEvent::Change(change) => Some(sender(change)),
        _ => None,
    };
    events.iter().filter_map(change).collect()
}

fn values(reader: &DataReader<Reading>) -> Vec<u64> {
    reader.take().unwrap().iter().filter_map(|sample| sample.data().map(|data| data.value)).collect()
}

fn write(writer: &DataWriter<Reading>, values: std::ops::Range<u64>) {
    for value in values {
        writer.write(&Reading { sensor: 1, value }).unwrap();
    }
}

#[test]
fn while_a_writer_lives_it_serves_and_once_it_has_gone_only_who_comes_later_is_served() {
    for seed in 0..3 {
        let mut world = World::new(seed);
        let (there, here) = (world.sim.participant(0), world.sim.participant(0));
        let writer = writer(&there, 0);
        let guid = writer.guid();
        world.seconds(1);
        write(&writer, 0..10);
        world.seconds(1);
        let plain = plain_reader(&here);
        let ours = reader(&here);
        world.seconds(15);
        assert_eq!(senders(&plain), [(guid, guid); 10], "seed {seed}: the service withholds what it has");
        assert_eq!(values(&ours), (0..10).collect::<Vec<_>>());
        drop((writer, there));
        world.seconds(2);
        assert_eq!(senders(&plain), [], "seed {seed}: whom the writer served is not served again");
        assert_eq!(values(&ours), [0; 0]);
        let late = plain_reader(&here);
        let late_ours = reader(&here);
        world.seconds(2);
        let sent = senders(&late);
        assert_eq!(sent.len(), 10, "seed {seed}");
        assert!(sent.iter().all(|(sender, first)| *sender != guid && *first == guid));
        assert_eq!(values(&late_ours), (0..10).collect::<Vec<_>>());
        assert_eq!(values(&ours), [0; 0]);
    }
}

#[test]
fn who_comes_after_a_writer_died_is_served_when_that_is_noticed() {
    let mut world = World::new(7);
    let (there, here) = (world.sim.participant(0), world.sim.participant(0));
    let writer = writer(&there, 0);
    world.seconds(1);
    write(&writer, 0..10);
    world.seconds(1);
    world.sim.kill(world.sim.host_of(&there).unwrap());
    world.seconds(1);
    // The service still takes the writer for alive: nothing was heard of it for a second only.
    let plain = plain_reader(&here);
    let ours = reader(&here);
    world.seconds(3);
    assert_eq!(senders(&plain), []);
    world.seconds(10);
    assert_eq!(senders(&plain).len(), 10, "its lease is over");
    assert_eq!(values(&ours), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_reader_of_ours_that_came_just_before_the_end_misses_nothing_and_gets_nothing_twice() {
    for seed in 0..20 {
        let mut world = World::new(seed);
        let (there, here) = (world.sim.participant(0), world.sim.participant(0));
        let writer = writer(&there, 0);
        world.seconds(1);
        write(&writer, 0..10);
        world.seconds(1);
        let ours = reader(&here);
        // Matched, perhaps, and served in part, perhaps.
        world.sim.run_for(Duration::from_micros(200 * seed));
        world.sim.kill(world.sim.host_of(&there).unwrap());
        world.seconds(15);
        assert_eq!(values(&ours), (0..10).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn samples_of_one_instance_keep_their_order_whoever_of_their_writers_goes_first() {
    let mut world = World::new(3);
    let (one, two, here) = (world.sim.participant(0), world.sim.participant(0), world.sim.participant(0));
    let writers = [writer(&one, 0), writer(&two, 0)];
    world.seconds(1);
    for value in 0..10 {
        write(&writers[value as usize % 2], value..value + 1);
        world.run(Duration::from_millis(20));
    }
    let [first, second] = writers;
    drop((second, two));
    world.seconds(1);
    drop((first, one));
    world.seconds(1);
    let late = reader(&here);
    world.seconds(2);
    assert_eq!(values(&late), (0..10).collect::<Vec<_>>());
}

#[test]
fn a_disposed_instance_is_told_of_until_the_cleanup_delay_is_over() {
    let mut world = World::new(5);
    let (there, here) = (world.sim.participant(0), world.sim.participant(0));
    let writer = writer(&there, 30);
    world.seconds(1);
    write(&writer, 0..3);
    writer.dispose(&Reading { sensor: 1, value: 0 }).unwrap();
    world.seconds(1);
    drop((writer, there));
    world.seconds(20);
    let late = reader(&here);
    world.seconds(2);
    assert_eq!(late.take().unwrap().len(), 4, "three values and the disposal");
    world.seconds(10);
    assert!(world.keeper.status().is_empty(), "{:?}", world.keeper.status());
    let later = reader(&here);
    world.seconds(2);
    assert!(later.take().unwrap().is_empty());
    assert!(later.matched_publications().is_empty(), "the service let go of the topic");
}
