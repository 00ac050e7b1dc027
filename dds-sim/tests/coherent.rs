//! Coherent sets are seen whole or not at all, at every access scope, under loss, by late joiners, and
//! when writers die in the middle of one (DDS 1.4 §2.2.3.6).

mod common;

use std::collections::BTreeMap;

use common::{Keyed, millis, rough, seconds, simulation};
use dds_core::{
    DataReader, DataWriter, DomainParticipant, Publisher, Subscriber,
    qos::{AccessScope, Limit, ResourceLimits},
    status::SampleRejectedReason,
};
use dds_sim::{NetworkConditions, Simulation};

const SCOPES: [AccessScope; 3] = [AccessScope::Instance, AccessScope::Topic, AccessScope::Group];
const TOPICS: [&str; 3] = ["One", "Two", "Three"];
const KEYS: u32 = 4;
const ROUNDS: u32 = 3;
/// Samples of one set in one topic.
const SHARE: usize = (KEYS * ROUNDS) as usize;

/// Which of a sample's `number` is the set it was written in.
fn set_of(number: u32) -> u32 {
    number / ROUNDS
}

struct Source {
    publisher: Publisher,
    writers: Vec<DataWriter<Keyed>>,
}

impl Source {
    fn new(participant: &DomainParticipant, scope: AccessScope, durable: bool) -> Self {
        Self::with_depth(participant, scope, durable, None)
    }

    fn with_depth(
        participant: &DomainParticipant,
        scope: AccessScope,
        durable: bool,
        depth: Option<u32>,
    ) -> Self {
        Self::interrupted(participant, scope, durable, depth, |_| {})
    }

    /// Does something after each of the writers is made.
    fn interrupted(
        participant: &DomainParticipant,
        scope: AccessScope,
        durable: bool,
        depth: Option<u32>,
        mut after: impl FnMut(&str),
    ) -> Self {
        let publisher = participant.publisher().presentation(scope).coherent().ordered().build().unwrap();
        let writer = |name: &&str| {
            let builder = participant.topic::<Keyed>(name).unwrap().writer();
            let builder = builder.publisher(&publisher).reliable();
            let builder = match depth {
                None => builder.keep_all(),
                Some(depth) => builder.keep_last(depth),
            };
            let writer = if durable { builder.transient_local() } else { builder }.build().unwrap();
            after(name);
            writer
        };
        Self { writers: TOPICS.iter().map(writer).collect(), publisher }
    }

    fn write_part(&self, set: u32, rounds: std::ops::Range<u32>) {
        for round in rounds {
            for writer in &self.writers {
                for key in 0..KEYS {
                    writer.write(&Keyed { key, number: set * ROUNDS + round }).unwrap();
                }
            }
        }
    }

    fn write_set(&self, set: u32) {
        let changes = self.publisher.coherent_changes().unwrap();
        self.write_part(set, 0..ROUNDS);
        changes.end();
    }
}

struct Sink {
    subscriber: Subscriber,
    readers: Vec<DataReader<Keyed>>,
    scope: AccessScope,
    /// The sets seen, by topic.
    seen: BTreeMap<String, Vec<u32>>,
}

impl Sink {
    fn new(participant: &DomainParticipant, scope: AccessScope, durable: bool) -> Self {
        let subscriber = participant.subscriber().presentation(scope).coherent().ordered().build().unwrap();
        let reader = |name: &&str| {
            let builder = participant.topic::<Keyed>(name).unwrap().reader();
            let builder = builder.subscriber(&subscriber).reliable().keep_all();
            if durable { builder.transient_local() } else { builder }.build().unwrap()
        };
        Self { readers: TOPICS.iter().map(reader).collect(), subscriber, scope, seen: BTreeMap::new() }
    }

    /// Takes what there is and checks that it is whole sets.
    fn look(&mut self, seed: u64) {
        let access = self.subscriber.access().unwrap();
        let mut sets: BTreeMap<u32, BTreeMap<String, usize>> = BTreeMap::new();
        for reader in &self.readers {
            loop {
                let samples = reader.take().unwrap();
                if samples.is_empty() {
                    break;
                }
                for sample in samples {
                    let Some(data) = sample.data() else { continue };
                    let topics = sets.entry(set_of(data.number)).or_default();
                    *topics.entry(reader.topic().name().to_owned()).or_default() += 1;
                }
            }
        }
        drop(access);
        for (set, topics) in sets {
            for (topic, count) in &topics {
                assert_eq!(*count, SHARE, "seed {seed}: {:?}, {topic}, set {set}", self.scope);
                self.seen.entry(topic.clone()).or_default().push(set);
            }
            if self.scope == AccessScope::Group {
                assert_eq!(topics.len(), TOPICS.len(), "seed {seed}: set {set} across topics: {topics:?}");
            }
        }
    }

    /// Looks until set `last` has been seen in every topic.
    fn look_until(&mut self, sim: &Simulation, last: u32) {
        let done = sim.run_until(
            || {
                self.look(sim.seed());
                TOPICS.iter().all(|topic| self.seen.get(*topic).is_some_and(|seen| seen.contains(&last)))
            },
            seconds(60),
        );
        assert!(done, "seed {}: {:?}: {:?}", sim.seed(), self.scope, self.seen);
    }
}

#[test]
fn sets_are_seen_whole_under_loss_at_every_scope() {
    for scope in SCOPES {
        for durable in [false, true] {
            for seed in 0..6 {
                let sim = simulation(seed, rough());
                let source = Source::new(&sim.participant(0), scope, durable);
                let mut sink = Sink::new(&sim.participant(0), scope, durable);
                for writer in &source.writers {
                    sim.block_on(writer.matched(1));
                }
                // Both sides know each other before the first set.
                for reader in &sink.readers {
                    sim.block_on(reader.matched(1));
                }
                for set in 0..10 {
                    source.write_set(set);
                    sim.run_for(millis(seed));
                    sink.look(seed);
                }
                sink.look_until(&sim, 9);
                for seen in sink.seen.values() {
                    assert_eq!(
                        *seen,
                        (0..10).collect::<Vec<_>>(),
                        "seed {seed}, {scope:?}, durable {durable}"
                    );
                }
            }
        }
    }
}

/// Both sides know each other.
fn meet(sim: &Simulation, source: &Source, sink: &Sink) {
    for writer in &source.writers {
        sim.block_on(writer.matched(1));
    }
    for reader in &sink.readers {
        sim.block_on(reader.matched(1));
    }
}

#[test]
fn late_joiners_get_whole_sets_or_none() {
    for scope in SCOPES {
        for seed in 0..4 {
            let sim = simulation(seed, rough());
            let source = Source::new(&sim.participant(0), scope, true);
            for set in 0..5 {
                source.write_set(set);
            }
            // In the middle of a set two readers join, one of which gets the history.
            source.publisher.begin_coherent_changes().unwrap();
            source.write_part(5, 0..1);
            let other = sim.participant(0);
            let mut late = Sink::new(&other, scope, true);
            let mut volatile = Sink::new(&other, scope, false);
            for writer in &source.writers {
                sim.block_on(writer.matched(2));
            }
            meet(&sim, &source, &volatile);
            source.write_part(5, 1..ROUNDS);
            source.publisher.end_coherent_changes().unwrap();
            source.write_set(6);
            late.look_until(&sim, 6);
            volatile.look_until(&sim, 6);
            for topic in TOPICS {
                assert_eq!(late.seen[topic], (0..7).collect::<Vec<_>>(), "seed {seed}, {scope:?}");
                // The part of set 5 that it did not get makes the rest useless.
                assert_eq!(volatile.seen[topic], [6], "seed {seed}, {scope:?}");
            }
        }
    }
}

/// A set is not called whole while writers of its publisher are not discovered yet, which happens one by
/// one.
#[test]
fn late_joiners_see_no_part_of_a_set_before_all_writers_are_discovered() {
    for seed in 0..30 {
        let sim = simulation(seed, rough());
        let host = sim.participant(0);
        // Between the announcements of any two are as many as fill a datagram.
        let mut others = Vec::new();
        let source = Source::interrupted(&host, AccessScope::Group, true, None, |topic| {
            let other = |number| host.topic::<Keyed>(&format!("{topic}{number}")).unwrap().writer().build();
            others.extend((0..8).map(other).map(Result::unwrap));
        });
        for set in 0..4 {
            source.write_set(set);
        }
        let mut late = Sink::new(&sim.participant(0), AccessScope::Group, true);
        late.look_until(&sim, 3);
        for topic in TOPICS {
            assert_eq!(late.seen[topic], (0..4).collect::<Vec<_>>(), "seed {seed}");
        }
        drop(others);
    }
}

#[test]
fn keep_last_replaces_whole_sets() {
    for scope in SCOPES {
        for seed in 0..4 {
            let sim = simulation(seed, rough());
            let source = Source::with_depth(&sim.participant(0), scope, true, Some(1));
            for set in 0..5 {
                source.write_set(set);
            }
            let mut late = Sink::new(&sim.participant(0), scope, true);
            late.look_until(&sim, 4);
            sim.run_for(seconds(1));
            late.look(seed);
            for seen in late.seen.values() {
                assert_eq!(*seen, [4], "seed {seed}, {scope:?}: all but the last were replaced");
            }
            // Under way, the samples of one set do not replace each other either.
            for set in 5..15 {
                source.write_set(set);
                sim.run_for(seconds(3));
            }
            late.look_until(&sim, 14);
            for seen in late.seen.values() {
                assert_eq!(*seen, (4..15).collect::<Vec<_>>(), "seed {seed}, {scope:?}");
            }
        }
    }
}

#[test]
fn a_set_whose_writer_dies_is_never_seen() {
    for scope in SCOPES {
        for seed in 0..4 {
            let sim = simulation(seed, rough());
            let dying = sim.participant(0);
            let source = Source::new(&dying, scope, true);
            let mut sink = Sink::new(&sim.participant(0), scope, true);
            meet(&sim, &source, &sink);
            source.write_set(0);
            sink.look_until(&sim, 0);
            source.publisher.begin_coherent_changes().unwrap();
            source.write_part(1, 0..ROUNDS);
            sim.run_for(seconds(1));
            sink.look(seed);
            sim.kill(sim.host_of(&dying).unwrap());
            assert!(sim.run_until(|| sink.readers[0].matched_publications().is_empty(), seconds(60)));
            sim.run_for(seconds(1));
            sink.look(seed);
            for (topic, seen) in &sink.seen {
                assert_eq!(*seen, [0], "seed {seed}, {scope:?}, {topic}");
            }
            let lost: u32 = sink.readers.iter().map(|reader| reader.sample_lost_status().total_count).sum();
            assert_eq!(lost, 3 * SHARE as u32, "seed {seed}, {scope:?}: what is never shown is lost");
            // Another publisher is not held up by it.
            let next = Source::new(&sim.participant(0), scope, true);
            next.write_set(7);
            sink.look_until(&sim, 7);
        }
    }
}

#[test]
fn a_writer_deleted_in_the_middle_takes_the_groups_set_with_it() {
    for seed in 0..4 {
        let sim = simulation(seed, rough());
        let mut source = Source::new(&sim.participant(0), AccessScope::Group, true);
        let mut sink = Sink::new(&sim.participant(0), AccessScope::Group, true);
        meet(&sim, &source, &sink);
        source.publisher.begin_coherent_changes().unwrap();
        let participant = source.publisher.participant().clone();
        let joining = participant.topic::<Keyed>("Four").unwrap().writer().publisher(&source.publisher);
        let refused = joining.build().unwrap_err();
        assert!(refused.to_string().contains("end_coherent_changes()"), "{refused}");
        source.write_part(0, 0..ROUNDS);
        drop(source.writers.pop());
        sim.run_for(seconds(2));
        source.publisher.end_coherent_changes().unwrap();
        sim.run_for(seconds(2));
        sink.look(seed);
        assert!(sink.seen.is_empty(), "seed {seed}: {:?}", sink.seen);
        // The next set spans the writers that are left.
        let third = participant.topic::<Keyed>(TOPICS[2]).unwrap().writer().publisher(&source.publisher);
        source.writers.push(third.reliable().keep_all().transient_local().build().unwrap());
        meet(&sim, &source, &sink);
        source.write_set(1);
        sink.look_until(&sim, 1);
        assert!(sink.seen.values().all(|seen| *seen == [1]), "seed {seed}: {:?}", sink.seen);
    }
}

#[test]
fn a_set_beyond_the_readers_limits_is_rejected_and_a_set_without_room_waits() {
    for scope in SCOPES {
        let sim = simulation(1, NetworkConditions::new());
        let source = Source::new(&sim.participant(0), scope, false);
        let participant = sim.participant(0);
        let subscriber = participant.subscriber().presentation(scope).coherent().build().unwrap();
        let limits = |max| ResourceLimits { max_samples: Limit::Finite(max), ..ResourceLimits::default() };
        let reader = |max| {
            let builder = participant.topic::<Keyed>("One").unwrap().reader().subscriber(&subscriber);
            builder.reliable().keep_all().resource_limits(limits(max)).build().unwrap()
        };
        let (small, fitting) = match scope {
            // One set for all readers of the subscriber: one of them that has no room keeps it from all.
            AccessScope::Group => (reader(5), None),
            _ => (reader(5), Some(reader(SHARE as u32))),
        };
        sim.block_on(source.writers[0].matched(if fitting.is_some() { 2 } else { 1 }));
        source.write_set(0);
        source.write_set(1);
        sim.run_for(seconds(1));
        let status = small.sample_rejected_status();
        assert_eq!(status.total_count, 2, "{scope:?}");
        assert_eq!(status.last_reason, SampleRejectedReason::SamplesLimit, "{scope:?}");
        assert_eq!(small.sample_lost_status().total_count, 2 * SHARE as u32, "{scope:?}");
        let take = |reader: &DataReader<Keyed>| {
            let _access = subscriber.access().unwrap();
            reader.take().unwrap().len()
        };
        assert_eq!(take(&small), 0, "{scope:?}");
        if let Some(fitting) = &fitting {
            assert_eq!(take(fitting), SHARE, "{scope:?}");
            sim.run_for(seconds(1));
            assert_eq!(take(fitting), SHARE, "{scope:?}: the second set came when there was room");
            assert_eq!(fitting.sample_lost_status().total_count, 0);
        }
        // A smaller set passes.
        source.publisher.begin_coherent_changes().unwrap();
        source.writers[0].write(&Keyed { key: 0, number: 100 }).unwrap();
        source.publisher.end_coherent_changes().unwrap();
        sim.run_for(seconds(1));
        assert_eq!(take(&small), 1, "{scope:?}");
        sim.block_on(source.writers[0].acknowledgments());
    }
}

#[test]
fn a_group_waits_for_room_in_all_its_readers() {
    let sim = simulation(1, NetworkConditions::new());
    let source = Source::new(&sim.participant(0), AccessScope::Group, false);
    let participant = sim.participant(0);
    let subscriber = participant.subscriber().presentation(AccessScope::Group).coherent().build().unwrap();
    let limits = ResourceLimits { max_samples: Limit::Finite(SHARE as u32), ..ResourceLimits::default() };
    let readers = TOPICS.map(|name| {
        let builder = participant.topic::<Keyed>(name).unwrap().reader().subscriber(&subscriber);
        builder.reliable().keep_all().resource_limits(limits.clone()).build().unwrap()
    });
    for writer in &source.writers {
        sim.block_on(writer.matched(1));
    }
    source.write_set(0);
    source.write_set(1);
    sim.run_for(seconds(1));
    let take = |index: usize| {
        let _access = subscriber.access().unwrap();
        readers[index].take().unwrap().iter().filter_map(|sample| sample.data().cloned()).collect::<Vec<_>>()
    };
    let is_of = |set: u32, samples: &[Keyed]| {
        samples.len() == SHARE && samples.iter().all(|sample| set_of(sample.number) == set)
    };
    assert!(is_of(0, &take(0)) && is_of(0, &take(1)));
    sim.run_for(seconds(1));
    assert_eq!(take(0), [], "the second set is not shown while one reader has no room for it");
    assert!(is_of(0, &take(2)));
    sim.run_for(seconds(1));
    assert!((0..3).all(|index| is_of(1, &take(index))));
    for writer in &source.writers {
        sim.block_on(writer.acknowledgments());
    }
}

#[test]
fn samples_outside_of_sets_are_shown_at_once_and_in_their_place() {
    for scope in SCOPES {
        let sim = simulation(3, rough());
        let source = Source::new(&sim.participant(0), scope, false);
        let participant = sim.participant(0);
        let subscriber = participant.subscriber().presentation(scope).coherent().ordered().build().unwrap();
        let builder = participant.topic::<Keyed>("One").unwrap().reader().subscriber(&subscriber);
        let reader = builder.reliable().keep_all().build().unwrap();
        sim.block_on(source.writers[0].matched(1));
        sim.block_on(reader.matched(1));
        let mut expected = Vec::new();
        for number in 0..60 {
            match number % 6 {
                2 => source.publisher.begin_coherent_changes().unwrap(),
                5 => source.publisher.end_coherent_changes().unwrap(),
                _ => {}
            }
            source.writers[0].write(&Keyed { key: 0, number }).unwrap();
            expected.push(number);
        }
        let mut seen = Vec::new();
        let done = sim.run_until(
            || {
                let _access = subscriber.access().unwrap();
                loop {
                    let samples = reader.take().unwrap();
                    if samples.is_empty() {
                        break;
                    }
                    seen.extend(samples.iter().filter_map(|sample| sample.data()).map(|data| data.number));
                }
                seen.len() == expected.len()
            },
            seconds(30),
        );
        assert!(done, "{scope:?}: {seen:?}");
        assert_eq!(seen, expected, "{scope:?}");
    }
}
