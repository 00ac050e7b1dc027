//! Everything that waits, blocking and async, on real sockets: conditions, wait-sets, streams,
//! acknowledgments and full histories.

mod common;

use std::{
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use common::{Domain, PATIENCE, Reading, block_on, first, next, reading, take_data};
use dds_core::{
    DataReader, DataWriter, DomainParticipant,
    condition::{Condition, GuardCondition, WaitSet},
    error::{DdsError, Resource, ReturnCode},
    qos::{Limit, ResourceLimits},
    sample::DataState,
    status::StatusMask,
};

const DOMAIN: u32 = 84;

struct Pair {
    writer: DataWriter<Reading>,
    reader: DataReader<Reading>,
    _participants: [DomainParticipant; 2],
}

/// A reliable writer, which waits as long as it must, and a reader that holds `room` samples.
fn pair_with_room(room: Limit, max_blocking_time: Duration) -> Pair {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    let limits = ResourceLimits { max_samples: room, ..ResourceLimits::default() };
    let writer = one.topic::<Reading>("Waiting").unwrap().writer().reliable().keep_all();
    let writer =
        writer.resource_limits(limits.clone()).max_blocking_time(max_blocking_time.into()).build().unwrap();
    let reader = two.topic::<Reading>("Waiting").unwrap().reader().reliable().keep_all();
    let reader = reader.resource_limits(limits).build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    Pair { writer, reader, _participants: [one, two] }
}

fn pair() -> Pair {
    pair_with_room(Limit::Unlimited, PATIENCE)
}

#[test]
fn a_wait_set_ends_with_the_condition_that_became_true() {
    let Pair { writer, reader, _participants } = pair();
    let set = WaitSet::new();
    let guard = GuardCondition::new();
    let large = reader.query_condition(DataState::NOT_READ, |sample: &Reading| sample.value > 100);
    let matched = writer.status_condition();
    matched.set_enabled_statuses(StatusMask::PUBLICATION_MATCHED);
    assert_eq!(writer.publication_matched_status().current_count, 1);
    set.attach(&guard);
    set.attach(&large);
    set.attach(&matched);
    let waiting = {
        let set = set.clone();
        thread::spawn(move || set.wait(PATIENCE.into()).unwrap())
    };
    writer.write(&reading(1, 1)).unwrap();
    writer.write(&reading(1, 101)).unwrap();
    assert_eq!(waiting.join().unwrap(), [Condition::from(&large)]);
    assert_eq!(reader.take().unwrap().len(), 2);

    let waiting = {
        let set = set.clone();
        thread::spawn(move || block_on(set.wait_async()).unwrap())
    };
    guard.set_trigger_value(true);
    assert_eq!(waiting.join().unwrap(), [Condition::from(&guard)]);
    set.detach(&guard).unwrap();

    drop(reader);
    assert_eq!(block_on(set.wait_async()).unwrap(), [Condition::from(&matched)]);
}

#[test]
fn tasks_wait_for_matches_data_and_acknowledgments() {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    block_on(async {
        let writer = one.topic::<Reading>("Async").unwrap().writer().reliable().await.unwrap();
        let reader = two.topic::<Reading>("Async").unwrap().reader().reliable().await.unwrap();
        writer.matched(1).await;
        reader.matched(1).await;
        writer.write_async(&reading(1, 1)).await.unwrap();
        reader.data_available().await;
        assert_eq!(reader.take().unwrap()[0].data(), Some(&reading(1, 1)));
        writer.acknowledgments().await;
    });
}

#[test]
fn a_stream_brings_every_sample_in_order() {
    let Pair { writer, reader, _participants } = pair();
    let (done, finished) = channel();
    let consumer = thread::spawn(move || {
        let mut stream = reader.stream();
        let samples: Vec<_> =
            (0..1_000).map(|_| block_on(first(&mut stream)).unwrap().data().unwrap().value).collect();
        done.send(()).unwrap();
        samples
    });
    for value in 0..1_000 {
        writer.write(&reading(1, value)).unwrap();
    }
    finished.recv_timeout(PATIENCE).unwrap();
    assert!(consumer.join().unwrap().into_iter().eq(0..1_000));
}

#[test]
fn acknowledgments_are_waited_for_until_they_are_there_or_time_is_up() {
    let Pair { writer, reader, _participants } = pair_with_room(Limit::Finite(2), PATIENCE);
    writer.write(&reading(1, 1)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    writer.write(&reading(1, 2)).unwrap();
    writer.write(&reading(1, 3)).unwrap();
    // The reader has room for one of them, hence does not acknowledge the other.
    let short = Duration::from_millis(20);
    let error = writer.wait_for_acknowledgments(short.into()).unwrap_err();
    assert!(matches!(error, DdsError::Timeout { operation: "wait_for_acknowledgments", .. }));
    assert_eq!(take_data(&reader, 3), [reading(1, 1), reading(1, 2), reading(1, 3)]);
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

#[test]
fn a_write_into_a_full_history_blocks_until_there_is_room() {
    let Pair { writer, reader, _participants } = pair_with_room(Limit::Finite(1), PATIENCE);
    let producer = thread::spawn(move || {
        for value in 0..100 {
            writer.write(&reading(1, value)).unwrap();
        }
        writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    });
    for value in 0..100 {
        assert_eq!(next(&reader).data(), Some(&reading(1, value)));
    }
    producer.join().unwrap();
}

#[test]
fn a_write_blocks_no_longer_than_it_may() {
    let limit = Duration::from_millis(100);
    let Pair { writer, reader, _participants } = pair_with_room(Limit::Finite(1), limit);
    writer.write(&reading(1, 0)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    // The reader is full, so that 1 stays in the writer's history, which has room for one.
    let refused = |run: &dyn Fn() -> Result<(), DdsError>| {
        let start_time = start();
        let error = run().unwrap_err();
        let took = start().duration_since(start_time);
        assert!(matches!(error, DdsError::Timeout { after, .. } if after == limit.into()), "{error}");
        assert_eq!(error.return_code(), ReturnCode::Timeout);
        assert!(took >= limit, "{took:?}");
        // Generous for a loaded machine; the point is that it does not hang.
        assert!(took < limit + Duration::from_secs(2), "{took:?}");
    };
    refused(&|| writer.write(&reading(1, 2)));
    refused(&|| block_on(writer.write_async(&reading(1, 2))));
    // A write that was given up is not made later.
    assert_eq!(take_data(&reader, 2), [reading(1, 0), reading(1, 1)]);
    writer.write(&reading(1, 3)).unwrap();
    assert_eq!(take_data(&reader, 1), [reading(1, 3)]);
}

#[allow(clippy::disallowed_methods, reason = "what is tested is how long it takes")]
fn start() -> Instant {
    Instant::now()
}

#[test]
fn waiting_writes_are_made_in_their_order_and_given_up_when_dropped() {
    let Pair { writer, reader, _participants } = pair_with_room(Limit::Finite(1), PATIENCE);
    writer.write(&reading(1, 0)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    block_on(async {
        let sample = reading(1, 2);
        let mut given_up = Box::pin(writer.write_async(&sample));
        assert!(common::is_pending(&mut given_up).await);
        drop(given_up);
    });
    let waiting = {
        let writer = writer.clone();
        thread::spawn(move || writer.write(&reading(1, 3)))
    };
    assert_eq!(take_data(&reader, 3), [reading(1, 0), reading(1, 1), reading(1, 3)]);
    waiting.join().unwrap().unwrap();
}

#[test]
fn waiting_that_cannot_help_is_refused_at_once() {
    let domain = Domain::new(DOMAIN);
    let one = domain.participant();
    let limits = ResourceLimits { max_samples: Limit::Finite(1), ..ResourceLimits::default() };
    let writer = one.topic::<Reading>("Full").unwrap().writer().reliable().keep_all().transient_local();
    let writer = writer.resource_limits(limits).build().unwrap();
    writer.write(&reading(1, 0)).unwrap();
    // Nobody's acknowledgment makes room in a history kept for late joiners.
    let error = writer.write(&reading(1, 1)).unwrap_err();
    let expected = DdsError::OutOfResources { resource: Resource::MaxSamples, limit: 1 };
    assert_eq!(error.to_string(), expected.to_string());
    assert_eq!(error.return_code(), ReturnCode::OutOfResources);
}
