//! Entities made and deleted again and again leave memory, threads and descriptors where they were.
//!
//! One program with one test at a time: it counts what the whole process has.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use dds_core::{
    DdsType, DomainParticipant, DomainParticipantFactory, ParticipantConfig,
    condition::{GuardCondition, WaitSet},
    listener::{DataReaderListener, DataWriterListener, TopicListener},
    sample::DataState,
    status::StatusMask,
};
use dds_qos::{PublisherQos, SubscriberQos, TopicQos};

static LIVE: AtomicI64 = AtomicI64::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Purpose: what is counted is the process's.
static ALONE: Mutex<()> = Mutex::new(());

#[derive(DdsType, Clone, Copy, Debug, PartialEq)]
struct Reading {
    #[dds(key)]
    sensor: u32,
    value: u32,
}

struct Deaf;
impl DataReaderListener<Reading> for Deaf {}
impl DataWriterListener<Reading> for Deaf {}
impl TopicListener<Reading> for Deaf {}

/// What a process has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Resources {
    bytes: i64,
    threads: usize,
    descriptors: usize,
}

fn resources() -> Resources {
    let count = |path| fs::read_dir(path).unwrap().count();
    Resources {
        bytes: LIVE.load(Ordering::Relaxed),
        threads: count("/proc/self/task"),
        descriptors: count("/proc/self/fd"),
    }
}

fn participant(factory: &DomainParticipantFactory, tag: &str) -> DomainParticipant {
    let config = ParticipantConfig {
        domain_tag: format!("{tag}-{}", std::process::id()),
        linger: dds_qos::Duration::ZERO,
        ..ParticipantConfig::loopback_only()
    };
    factory.participant(95).config(config).build().unwrap()
}

/// Every entity of a participant but itself, matched with each other, used, and deleted: by the operations or
/// by going out of scope.
fn entities(participant: &DomainParticipant, round: u32) {
    let topic = participant.create_topic::<Reading>("Round", TopicQos::default()).unwrap();
    let publisher = participant.create_publisher(PublisherQos::default()).unwrap();
    let subscriber = participant.create_subscriber(SubscriberQos::default()).unwrap();
    let writer = topic.writer().reliable().publisher(&publisher).build().unwrap();
    let reader = topic.reader().reliable().subscriber(&subscriber).build().unwrap();
    topic.set_listener(Some(Arc::new(Deaf)), StatusMask::ALL);
    writer.set_listener(Some(Arc::new(Deaf)), StatusMask::ALL);
    reader.set_listener(Some(Arc::new(Deaf)), StatusMask::ALL);
    let (read, query) =
        (reader.read_condition(DataState::ANY), reader.query_condition(DataState::ANY, |_| true));
    let (set, guard) = (WaitSet::new(), GuardCondition::new());
    set.attach(&read);
    set.attach(&query);
    set.attach(&guard);
    set.attach(reader.status_condition());
    // A listener that is being called keeps the round before for a moment longer.
    writer.wait_matched(1, dds_qos::Duration::from_secs(10)).unwrap();
    writer.write(&Reading { sensor: round % 3, value: round }).unwrap();
    reader.wait_for_data(dds_qos::Duration::from_secs(10)).unwrap();
    assert!(read.trigger_value() && query.trigger_value());
    drop(reader.select().take_loan().unwrap());
    let builtin = participant.builtin_subscriber().publication_reader().unwrap();
    drop((builtin, set, guard, read, query));
    if round.is_multiple_of(2) {
        subscriber.delete_reader(&reader).unwrap();
        publisher.delete_writer(&writer).unwrap();
        participant.delete_subscriber(&subscriber).unwrap();
        participant.delete_publisher(&publisher).unwrap();
        participant.delete_topic(&topic).unwrap();
    }
}

/// Bytes that counts may differ by however often it is done: threads' own buffers, and tables that have grown
/// while a thread lagged behind on a busy machine. The least that can leak, eight bytes a round, exceeds it in
/// the long run.
const SLACK: i64 = 40_000;

fn is_same(before: Resources, after: Resources) -> bool {
    (after.threads, after.descriptors) == (before.threads, before.descriptors)
        && after.bytes - before.bytes < SLACK
}

fn assert_same(before: Resources, after: Resources, rounds: u32) {
    assert_eq!((after.threads, after.descriptors), (before.threads, before.descriptors));
    let grown = after.bytes - before.bytes;
    assert!(grown < SLACK, "{grown} bytes more after {rounds} rounds");
}

fn rounds_of_entities(rounds: u32) {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let factory = DomainParticipantFactory::new();
    let participant = participant(&factory, "entities");
    // Tables grow to their size once.
    (0..200).for_each(|round| entities(&participant, round));
    let before = resources();
    (0..rounds).for_each(|round| entities(&participant, round));
    // The last rounds go when threads that lag behind let go of them; if not, it is told below how much is left.
    let _ = settles(&|| is_same(before, resources()));
    assert_same(before, resources(), rounds);
    drop(participant);
}

fn rounds_of_participants(rounds: u32) {
    let _alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    // Each with its sockets and threads, and a neighbour that sees it come and go.
    let factory = DomainParticipantFactory::new();
    let neighbour = participant(&factory, "participants");
    let round = |number: u32| {
        let factory = DomainParticipantFactory::new();
        let participant = participant(&factory, "participants");
        entities(&participant, number);
        if number.is_multiple_of(2) {
            factory.delete_participant(&participant).unwrap();
        }
    };
    // What neighbours share goes a moment after they are seen to go.
    let alone = resources();
    let gone = || {
        let now = resources();
        neighbour.discovered_participants().is_empty()
            && (now.threads, now.descriptors) == (alone.threads, alone.descriptors)
    };
    crowd("participants", &|| neighbour.discovered_participants().len());
    (0..20).for_each(round);
    assert!(settles(&gone), "the neighbour does not see everybody go");
    let before = resources();
    (0..rounds).for_each(round);
    assert!(settles(&gone), "the neighbour does not see everybody go");
    assert_same(before, resources(), rounds);
}

/// Participants that are there at a time before anything is counted: more than a neighbour that lags behind
/// on a busy machine ever knows at once, so that its tables have their size.
const CROWD: usize = 24;

/// Many participants come and go, of which the neighbour has `seen` all at a time.
fn crowd(tag: &str, seen: &dyn Fn() -> usize) {
    let factory = DomainParticipantFactory::new();
    let member = |_| {
        let participant = participant(&factory, tag);
        let topic = participant.create_topic::<Reading>("Crowd", TopicQos::default()).unwrap();
        (topic.writer().reliable().build().unwrap(), topic.reader().reliable().build().unwrap())
    };
    let members: Vec<_> = (0..CROWD).map(member).collect();
    for (writer, _) in &members {
        writer.wait_matched(CROWD, dds_qos::Duration::from_secs(60)).unwrap();
    }
    assert!(settles(&|| seen() == CROWD), "the neighbour does not see the crowd");
}

/// Waits for something that comes by itself, such as the neighbour seeing everybody go: at the latest by their
/// lease. False when it does not.
fn settles(gone: &dyn Fn() -> bool) -> bool {
    let set = WaitSet::new();
    set.attach(GuardCondition::new());
    for _ in 0..3_000 {
        if gone() {
            return true;
        }
        // The time limit of a wait for nothing: there is no event to wait for in the process that went.
        let _ = set.wait(dds_qos::Duration::from_millis(5));
    }
    false
}

#[test]
fn entities_made_and_deleted_leave_nothing_behind() {
    rounds_of_entities(1_000);
}

#[test]
fn participants_made_and_deleted_leave_nothing_behind() {
    rounds_of_participants(100);
}

#[test]
#[ignore = "takes minutes"]
fn ten_thousand_rounds_of_entities_leave_nothing_behind() {
    rounds_of_entities(10_000);
}

#[test]
#[ignore = "takes minutes"]
fn ten_thousand_rounds_of_participants_leave_nothing_behind() {
    rounds_of_participants(10_000);
}
