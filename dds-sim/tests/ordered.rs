//! Ordered access: across the instances of a topic, and across the topics of a subscriber (DDS 1.4
//! §2.2.3.6, §2.2.2.5.2.8 to §2.2.2.5.2.11).

mod common;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use common::{Keyed, millis, rough, seconds, simulation};
use dds_core::{
    DataReader, DataWriter, Subscriber,
    error::ReturnCode,
    listener::{DataReaderListener, EndpointInfo, SubscriberListener},
    qos::AccessScope,
    sample::{DataState, InstanceStateMask, SampleStateMask, ViewStateMask},
    status::StatusMask,
};
use dds_sim::NetworkConditions;

const TOPICS: [&str; 3] = ["One", "Two", "Three"];

/// Numbers that are neither in order of topics nor of instances, but the same in each run.
fn mix(number: u32) -> u32 {
    number.wrapping_mul(2_654_435_761) >> 16
}

/// Takes all there is, sample by sample, in the order that the subscriber says.
fn take_in_order(subscriber: &Subscriber) -> Vec<u32> {
    let access = subscriber.access().unwrap();
    let mut numbers = Vec::new();
    for reader in access.datareaders(DataState::ANY).unwrap() {
        let reader: DataReader<Keyed> = reader.downcast().unwrap();
        let samples = reader.take().unwrap();
        assert!(samples.len() <= 1, "one at a time, or the order would be lost");
        numbers.extend(samples.iter().filter_map(|sample| sample.data()).map(|data| data.number));
    }
    assert!(access.datareaders(DataState::ANY).unwrap().is_empty());
    numbers
}

#[test]
fn across_topics_samples_are_read_in_the_order_they_were_written() {
    for (seed, durable, read_topics) in
        (0..8).flat_map(|seed| [(seed, false, 3), (seed, true, 3), (seed, false, 2), (seed, true, 2)])
    {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let publisher = one.publisher().presentation(AccessScope::Group).ordered().build().unwrap();
        let writers: Vec<DataWriter<Keyed>> = TOPICS
            .iter()
            .map(|name| {
                let builder = one.topic::<Keyed>(name).unwrap().writer().publisher(&publisher);
                let builder = builder.reliable().keep_all();
                if durable { builder.transient_local() } else { builder }.build().unwrap()
            })
            .collect();
        let write = |numbers: std::ops::Range<u32>| {
            for number in numbers {
                let sample = Keyed { key: mix(number) % 4, number };
                writers[mix(number + 1000) as usize % 3].write(&sample).unwrap();
            }
        };
        // With one topic not read, there are holes in the numbering that only the writers can explain.
        let of_read = |number: &u32| (mix(number + 1000) as usize % 3) < read_topics;
        let subscriber = two.subscriber().presentation(AccessScope::Group).ordered().build().unwrap();
        let readers: Vec<DataReader<Keyed>> = TOPICS[..read_topics]
            .iter()
            .map(|name| {
                let builder = two.topic::<Keyed>(name).unwrap().reader().subscriber(&subscriber);
                let builder = builder.reliable().keep_all();
                if durable { builder.transient_local() } else { builder }.build().unwrap()
            })
            .collect();
        for (reader, writer) in readers.iter().zip(&writers) {
            sim.block_on(writer.matched(1));
            sim.block_on(reader.matched(1));
        }
        let expected: Vec<u32> = (0..200).filter(of_read).collect();
        let mut seen = Vec::new();
        for burst in 0..10 {
            write(burst * 20..(burst + 1) * 20);
            sim.run_for(millis(seed + 1));
            seen.extend(take_in_order(&subscriber));
        }
        sim.run_until(
            || {
                seen.extend(take_in_order(&subscriber));
                seen.len() >= expected.len()
            },
            seconds(20),
        );
        assert_eq!(seen, expected, "seed {seed}, durable {durable}, {read_topics} topics");
    }
}

#[test]
fn a_late_joiner_reads_the_history_in_order() {
    for seed in 0..4 {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let publisher = one.publisher().presentation(AccessScope::Group).ordered().build().unwrap();
        let writers = TOPICS.map(|name| {
            let builder = one.topic::<Keyed>(name).unwrap().writer().publisher(&publisher);
            builder.reliable().keep_all().transient_local().build().unwrap()
        });
        for number in 0..100 {
            writers[mix(number) as usize % 3].write(&Keyed { key: 0, number }).unwrap();
        }
        let subscriber = two.subscriber().presentation(AccessScope::Group).ordered().build().unwrap();
        // The access begins before anything can arrive, hence nothing is shown before all are matched.
        subscriber.begin_access().unwrap();
        let readers = TOPICS.map(|name| {
            let builder = two.topic::<Keyed>(name).unwrap().reader().subscriber(&subscriber);
            builder.reliable().keep_all().transient_local().build().unwrap()
        });
        for (reader, writer) in readers.iter().zip(&writers) {
            sim.block_on(writer.matched(1));
            sim.block_on(reader.matched(1));
        }
        sim.run_for(seconds(2));
        assert!(subscriber.datareaders(DataState::ANY).unwrap().is_empty());
        subscriber.end_access().unwrap();
        sim.run_for(seconds(1));
        assert_eq!(take_in_order(&subscriber), (0..100).collect::<Vec<_>>(), "seed {seed}");
    }
}

#[test]
fn a_writer_that_dies_holds_nobody_up() {
    for seed in 0..4 {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let publisher = one.publisher().presentation(AccessScope::Group).ordered().build().unwrap();
        let writer = |name| {
            let builder = one.topic::<Keyed>(name).unwrap().writer().publisher(&publisher);
            builder.reliable().keep_all().build().unwrap()
        };
        let (first, second) = (writer("One"), writer("Two"));
        let subscriber = two.subscriber().presentation(AccessScope::Group).ordered().build().unwrap();
        let readers = ["One", "Two"].map(|name| {
            let builder = two.topic::<Keyed>(name).unwrap().reader().subscriber(&subscriber);
            builder.reliable().keep_all().build().unwrap()
        });
        for reader in &readers {
            sim.block_on(reader.matched(1));
        }
        sim.block_on(first.matched(1));
        sim.block_on(second.matched(1));
        for number in 0..20 {
            [&first, &second][number as usize % 2].write(&Keyed { key: 0, number }).unwrap();
        }
        // What it wrote just before counts, although it is gone when its turn comes.
        drop(first);
        second.write(&Keyed { key: 0, number: 20 }).unwrap();
        sim.run_for(seconds(5));
        let seen = take_in_order(&subscriber);
        assert!(seen.is_sorted() && seen.contains(&20) && seen.len() > 10, "seed {seed}: {seen:?}");
        let from_second: Vec<u32> =
            seen.into_iter().filter(|number| number % 2 == 1 || *number == 20).collect();
        assert_eq!(from_second, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 20], "seed {seed}");
    }
}

#[test]
fn the_scope_says_across_what_order_is_kept() {
    for (scope, ordered) in [
        (AccessScope::Instance, true),
        (AccessScope::Topic, true),
        (AccessScope::Topic, false),
        (AccessScope::Group, false),
    ] {
        let sim = simulation(1, NetworkConditions::new());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let publisher = one.publisher().presentation(AccessScope::Group).ordered().build().unwrap();
        let builder = one.topic::<Keyed>("T").unwrap().writer().publisher(&publisher);
        let writer = builder.reliable().keep_all().build().unwrap();
        let subscriber = two.subscriber().presentation(scope);
        let subscriber = if ordered { subscriber.ordered() } else { subscriber }.build().unwrap();
        let builder = two.topic::<Keyed>("T").unwrap().reader().subscriber(&subscriber);
        let reader = builder.reliable().keep_all().build().unwrap();
        sim.block_on(writer.matched(1));
        for number in 0..12 {
            writer.write(&Keyed { key: number % 4, number }).unwrap();
        }
        sim.run_for(seconds(1));
        let _access = subscriber.access().unwrap();
        let samples = reader.take().unwrap();
        let numbers: Vec<u32> = samples.iter().map(|sample| sample.data().unwrap().number).collect();
        let by_instance = [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11];
        let in_order: Vec<u32> = (0..12).collect();
        match (scope, ordered) {
            (AccessScope::Topic, true) => assert_eq!(numbers, in_order),
            _ => assert_eq!(numbers, by_instance, "{scope:?}"),
        }
    }
}

#[test]
fn within_an_access_everything_stays_as_it_is() {
    let sim = simulation(1, NetworkConditions::new());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let publisher = one.publisher().presentation(AccessScope::Group).build().unwrap();
    let builder = one.topic::<Keyed>("T").unwrap().writer().publisher(&publisher);
    let writer = builder.reliable().keep_last(1).build().unwrap();
    let subscriber = two.subscriber().presentation(AccessScope::Group).build().unwrap();
    let builder = two.topic::<Keyed>("T").unwrap().reader().subscriber(&subscriber);
    let reader = builder.reliable().keep_last(1).build().unwrap();
    sim.block_on(writer.matched(1));
    for refused in [
        reader.take().unwrap_err(),
        reader.read().unwrap_err(),
        subscriber.datareaders(DataState::ANY).unwrap_err(),
        subscriber.end_access().unwrap_err(),
    ] {
        assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet, "{refused}");
        assert!(refused.to_string().contains("begin_access()"), "{refused}");
    }
    writer.write(&Keyed { key: 0, number: 1 }).unwrap();
    sim.run_for(seconds(1));
    let read = || -> Vec<u32> {
        reader.read().unwrap().iter().map(|sample| sample.data().unwrap().number).collect()
    };
    let access = subscriber.access().unwrap();
    assert_eq!(read(), [1]);
    writer.write(&Keyed { key: 0, number: 2 }).unwrap();
    writer.write(&Keyed { key: 1, number: 3 }).unwrap();
    sim.run_for(seconds(1));
    assert_eq!(read(), [1], "what arrives during an access waits");
    subscriber.begin_access().unwrap();
    drop(access);
    assert_eq!(read(), [1], "accesses nest");
    let found = subscriber.datareaders(DataState::ANY).unwrap();
    assert!(found.len() == 1 && found[0] == reader && found[0].topic_name() == "T");
    subscriber.end_access().unwrap();
    let _access = subscriber.access().unwrap();
    assert_eq!(read(), [2, 3]);
}

/// DDS 1.4 §2.2.2.5.2.10: the masks choose, whether or not the list gives the order.
#[test]
fn readers_are_listed_by_the_states_of_their_samples() {
    for ordered in [false, true] {
        let sim = simulation(1, NetworkConditions::new());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let builder = one.publisher().presentation(AccessScope::Group);
        let publisher = if ordered { builder.ordered() } else { builder }.build().unwrap();
        let builder = two.subscriber().presentation(AccessScope::Group);
        let subscriber = if ordered { builder.ordered() } else { builder }.build().unwrap();
        let pairs = ["One", "Two"].map(|name| {
            let builder = one.topic::<Keyed>(name).unwrap().writer().publisher(&publisher);
            let writer = builder.reliable().keep_all().build().unwrap();
            let builder = two.topic::<Keyed>(name).unwrap().reader().subscriber(&subscriber);
            let reader = builder.reliable().keep_all().build().unwrap();
            sim.block_on(writer.matched(1));
            (writer, reader)
        });
        let listed = |states| {
            let readers = subscriber.datareaders(states).unwrap();
            let mut names: Vec<_> = readers.iter().map(|reader| reader.topic_name().to_string()).collect();
            names.dedup();
            names
        };
        for (number, (writer, _)) in (1..).zip(&pairs) {
            writer.write(&Keyed { key: 0, number }).unwrap();
        }
        sim.run_for(seconds(1));
        let access = subscriber.access().unwrap();
        assert_eq!(listed(DataState::NOT_READ), ["One", "Two"]);
        assert_eq!(pairs[0].1.read().unwrap().len(), 1);
        assert_eq!(listed(DataState::NOT_READ), ["Two"]);
        let read = DataState { sample_states: SampleStateMask::READ, ..DataState::ANY };
        let new = DataState { view_states: ViewStateMask::NEW, ..DataState::ANY };
        assert_eq!((listed(read), listed(new)), (vec!["One".to_string()], vec!["Two".to_string()]));
        let disposed = DataState { instance_states: InstanceStateMask::NOT_ALIVE, ..DataState::ANY };
        assert!(listed(disposed).is_empty());
        drop(access);
        pairs[1].0.dispose(&Keyed { key: 0, number: 0 }).unwrap();
        sim.run_for(seconds(1));
        let _access = subscriber.access().unwrap();
        assert_eq!(listed(disposed), ["Two"]);
        assert_eq!(listed(DataState::ANY), ["One", "Two"]);
    }
}

struct Count(AtomicUsize);

impl DataReaderListener<Keyed> for Count {
    fn on_data_available(&self, _: &DataReader<Keyed>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

struct Notify(AtomicUsize, Subscriber);

impl SubscriberListener for Notify {
    fn on_data_on_readers(&self, _: &EndpointInfo) {
        self.0.fetch_add(1, Ordering::Relaxed);
        self.1.notify_readers().unwrap();
    }
}

#[test]
fn on_data_on_readers_can_notify_the_readers() {
    let sim = simulation(1, NetworkConditions::new());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let writer = one.topic::<Keyed>("A").unwrap().writer().reliable().build().unwrap();
    let subscriber = two.subscriber().build().unwrap();
    let readers = ["A", "B"].map(|name| {
        let builder = two.topic::<Keyed>(name).unwrap().reader().subscriber(&subscriber);
        builder.reliable().build().unwrap()
    });
    let counts = [(); 2].map(|()| Arc::new(Count(AtomicUsize::new(0))));
    for (reader, count) in readers.iter().zip(&counts) {
        reader.set_listener(Some(count.clone()), StatusMask::DATA_AVAILABLE);
    }
    let notify = Arc::new(Notify(AtomicUsize::new(0), subscriber.clone()));
    subscriber.set_listener(Some(notify.clone()), StatusMask::DATA_ON_READERS);
    sim.block_on(writer.matched(1));
    writer.write(&Keyed { key: 0, number: 0 }).unwrap();
    sim.run_for(seconds(1));
    assert_eq!(notify.0.load(Ordering::Relaxed), 1);
    subscriber.set_listener(None, StatusMask::NONE);
    assert_eq!(counts.each_ref().map(|count| count.0.load(Ordering::Relaxed)), [1, 0]);
}
