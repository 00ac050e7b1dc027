//! What dropping does, and that nothing is left behind.
//!
//! One test only: it counts the threads and descriptors of the process.

mod common;

use std::{fs, sync::Arc, thread};

use common::{Domain, PATIENCE, Reading, next, reading};
use dds_core::{
    DataReader, DomainParticipantFactory,
    condition::WaitSet,
    listener::DataReaderListener,
    sample::{DataState, InstanceState},
    status::StatusMask,
};

/// Threads and open descriptors of this process.
fn resources() -> (usize, usize) {
    let count = |path| fs::read_dir(path).unwrap().count();
    (count("/proc/self/task"), count("/proc/self/fd"))
}

struct Ignore;

impl DataReaderListener<Reading> for Ignore {}

/// Keeps the last reference to its own reader, and lets go of it when called.
struct Last(parking_lot::Mutex<Option<DataReader<Reading>>>, std::sync::mpsc::Sender<()>);

impl DataReaderListener<Reading> for Last {
    fn on_data_available(&self, _: &DataReader<Reading>) {
        drop(self.0.lock().take());
        let _ = self.1.send(());
    }
}

fn everything(domain: &Domain) {
    let factory = DomainParticipantFactory::new();
    let one = domain.builder_of(&factory).build().unwrap();
    let two = domain.builder_of(&factory).build().unwrap();
    let alone = domain.participant();
    let topic = one.topic::<Reading>("Lifetime").unwrap();
    let writer = topic.writer().reliable().transient_local().build().unwrap();
    let readers = [&one, &two, &alone].map(|participant| {
        let topic = participant.topic::<Reading>("Lifetime").unwrap();
        let reader = topic.reader().reliable().build().unwrap();
        reader.set_listener(Some(Arc::new(Ignore)), StatusMask::ALL);
        reader
    });
    let builtin = alone.builtin_subscriber().participant_reader().unwrap();
    let set = WaitSet::new();
    set.attach(readers[0].status_condition());
    set.attach(readers[1].read_condition(DataState::ANY));
    let stream = readers[2].stream();
    let verdicts = one.verdicts();
    writer.wait_matched(3, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    for reader in &readers {
        assert_eq!(next(reader).data(), Some(&reading(1, 1)));
    }
    let engines = [&one, &two, &alone].map(|participant| Arc::downgrade(participant.engine()));
    drop((factory, one, two, alone, topic, writer, readers));
    drop((builtin, set, stream, verdicts));
    assert!(engines.iter().all(|engine| engine.strong_count() == 0), "somebody keeps an engine");
}

#[test]
fn dropping_everything_leaves_nothing_behind() {
    let domain = Domain::new(86);
    everything(&domain);
    let before = resources();
    for _ in 0..20 {
        everything(&domain);
    }
    assert_eq!(resources(), before, "threads, descriptors");

    what_is_made_from_an_entity_keeps_it();
    others_see_an_entity_go_when_its_last_handle_goes();
    the_last_handle_may_go_inside_a_listener();
    writing_just_before_the_end_arrives();
    assert_eq!(resources(), before, "threads, descriptors");
}

fn what_is_made_from_an_entity_keeps_it() {
    let domain = Domain::new(86);
    let writer = {
        let participant = domain.participant();
        let topic = participant.topic::<Reading>("Kept").unwrap();
        topic.writer().reliable().build().unwrap()
    };
    let reader = domain.participant().topic::<Reading>("Kept").unwrap().reader().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 1)));
}

fn others_see_an_entity_go_when_its_last_handle_goes() {
    let domain = Domain::new(86);
    let (one, two) = (domain.participant(), domain.participant());
    let reader = two.topic::<Reading>("Goes").unwrap().reader().reliable().build().unwrap();
    let participants = two.builtin_subscriber().participant_reader().unwrap();
    let guid = one.guid();
    assert_eq!(next(&participants).key().guid(), guid);
    let writer = one.topic::<Reading>("Goes").unwrap().writer().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let clone = writer.clone();
    drop(writer);
    clone.write(&reading(1, 1)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 1)));
    drop(one);
    assert!(participants.take().unwrap().is_empty(), "the writer keeps its participant");
    drop(clone);
    assert_ne!(next(&reader).info().instance_state, InstanceState::Alive);
    let gone = next(&participants);
    assert_eq!((gone.key().guid(), gone.info().instance_state), (guid, InstanceState::NotAliveDisposed));
}

fn the_last_handle_may_go_inside_a_listener() {
    let domain = Domain::new(86);
    let (called, calls) = std::sync::mpsc::channel();
    let writer =
        domain.participant().topic::<Reading>("Inside").unwrap().writer().reliable().build().unwrap();
    let reader =
        domain.participant().topic::<Reading>("Inside").unwrap().reader().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let last = Arc::new(Last(parking_lot::Mutex::new(None), called));
    reader.set_listener(Some(last.clone()), StatusMask::DATA_AVAILABLE);
    *last.0.lock() = Some(reader);
    writer.write(&reading(1, 1)).unwrap();
    calls.recv_timeout(PATIENCE).unwrap();
    let condition = writer.status_condition();
    condition.set_enabled_statuses(StatusMask::PUBLICATION_MATCHED);
    let set = WaitSet::new();
    set.attach(&condition);
    while writer.publication_matched_status().current_count != 0 {
        set.wait(PATIENCE.into()).unwrap();
    }
}

fn writing_just_before_the_end_arrives() {
    let domain = Domain::new(86);
    let reader = domain.participant().topic::<Reading>("End").unwrap().reader().reliable().keep_all();
    let reader = reader.build().unwrap();
    let writing = {
        let topic = domain.participant().topic::<Reading>("End").unwrap();
        thread::spawn(move || {
            let writer = topic.writer().reliable().keep_all().build().unwrap();
            writer.wait_matched(1, PATIENCE.into()).unwrap();
            for value in 0..10_000 {
                writer.write(&reading(1, value)).unwrap();
            }
        })
    };
    let taken = common::take_data(&reader, 10_000);
    assert!(taken.into_iter().map(|reading| reading.value).eq(0..10_000));
    writing.join().unwrap();
}
