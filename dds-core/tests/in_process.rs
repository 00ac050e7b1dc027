//! Writers and readers of one participant: samples are handed over without messages, with every guarantee
//! of the others.

mod common;

use std::{
    sync::{Arc, mpsc},
    thread,
};

use common::take_data;
use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, WriterBuilder,
    condition::{Condition, WaitSet},
    listener::DataReaderListener,
    qos::{Duration, Limit, ResourceLimits, SubscriberQos},
    sample::DataState,
    status::StatusMask,
    types::TopicType,
};

#[derive(DdsType, Clone, PartialEq, Debug)]
struct Step {
    #[dds(key)]
    id: u32,
    number: u32,
}

const LIMIT: Duration = Duration::from_secs(20);

fn participant() -> DomainParticipant {
    DomainParticipant::builder(78).loopback_only().build().unwrap()
}

fn numbers(reader: &DataReader<Step>) -> Vec<u32> {
    reader.take().unwrap().iter().filter_map(|sample| sample.data().map(|data| data.number)).collect()
}

/// Takes until `count` samples were there.
fn take_many(reader: &DataReader<Step>, count: usize) -> Vec<u32> {
    let mut taken = Vec::new();
    while taken.len() < count {
        reader.wait_for_data(LIMIT).unwrap();
        taken.extend(numbers(reader));
    }
    taken
}

#[test]
fn a_sample_is_there_when_write_returns() {
    let participant = participant();
    let topic = participant.topic::<Step>("InProcess").unwrap();
    let reader = topic.reader().reliable().keep_all().build().unwrap();
    let best_effort = topic.reader().best_effort().keep_all().build().unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(2, LIMIT).unwrap();
    // What matching itself says is said by messages.
    writer.write(&Step { id: 1, number: 0 }).unwrap();
    assert_eq!(take_many(&reader, 1), [0]);
    best_effort.take().unwrap();
    for number in 1..100 {
        writer.write(&Step { id: number % 3, number }).unwrap();
        assert_eq!(numbers(&reader), [number]);
        assert_eq!(numbers(&best_effort), [number]);
    }
    writer.wait_for_acknowledgments(LIMIT).unwrap();
}

#[test]
fn threads_that_wait_for_each_other_are_woken() {
    wake_each_other("InProcess", |writer| writer);
}

/// What is kept for late joiners takes the way through the history.
#[test]
fn threads_that_wait_for_what_is_kept_are_woken() {
    wake_each_other("InProcessKept", WriterBuilder::transient_local);
}

/// A wake-up that got lost would end the wait with its time limit.
fn wake_each_other(name: &str, kind: fn(WriterBuilder<Step>) -> WriterBuilder<Step>) {
    const ROUNDS: u32 = 2_000;
    let participant = participant();
    let pair = |way: &str| {
        let topic = participant.topic::<Step>(&format!("{name}{way}")).unwrap();
        let reader = topic.reader().reliable().keep_all().build().unwrap();
        let writer = kind(topic.writer().reliable().keep_all()).build().unwrap();
        writer.wait_matched(1, LIMIT).unwrap();
        reader.wait_matched(1, LIMIT).unwrap();
        (writer, reader)
    };
    let ((forth, arrived), (back, answered)) = (pair("Turn"), pair("Return"));
    let echo = thread::spawn(move || {
        for _ in 0..ROUNDS {
            let number = take_many(&arrived, 1)[0];
            back.write(&Step { id: 0, number }).unwrap();
        }
    });
    for number in 0..ROUNDS {
        forth.write(&Step { id: 0, number }).unwrap();
        assert_eq!(take_many(&answered, 1), [number]);
    }
    echo.join().unwrap();
}

/// As above, by conditions: each kind is woken by every sample.
#[test]
fn conditions_of_every_kind_are_woken() {
    const ROUNDS: u32 = 300;
    type ConditionOf = fn(&DataReader<Step>) -> Condition;
    let conditions: [(&str, ConditionOf); 3] = [
        ("Status", |reader| {
            let condition = reader.status_condition();
            condition.set_enabled_statuses(StatusMask::DATA_AVAILABLE);
            condition.into()
        }),
        ("Subscriber", |reader| {
            let condition = reader.subscriber().status_condition();
            condition.set_enabled_statuses(StatusMask::DATA_ON_READERS);
            condition.into()
        }),
        ("Read", |reader| reader.read_condition(DataState::NOT_READ).into()),
    ];
    for (name, condition) in conditions {
        let participant = participant();
        let topic = participant.topic::<Step>(&format!("InProcess{name}")).unwrap();
        let subscriber = participant.create_subscriber(SubscriberQos::default()).unwrap();
        let reader = topic.reader().subscriber(&subscriber).reliable().keep_all().build().unwrap();
        let writer = topic.writer().reliable().keep_all().build().unwrap();
        writer.wait_matched(1, LIMIT).unwrap();
        reader.wait_matched(1, LIMIT).unwrap();
        let set = WaitSet::new();
        set.attach(condition(&reader));
        let (taken, is_taken) = mpsc::channel();
        let waiter = thread::spawn(move || {
            let mut next = 0;
            while next < ROUNDS {
                set.wait(LIMIT).unwrap();
                for number in numbers(&reader) {
                    assert_eq!(number, next);
                    next += 1;
                    taken.send(number).unwrap();
                }
            }
        });
        for number in 0..ROUNDS {
            writer.write(&Step { id: 0, number }).unwrap();
            assert_eq!(is_taken.recv(), Ok(number), "{name}");
        }
        waiter.join().unwrap();
    }
}

/// Who waits for writers of the own participant does not receive; what comes by network wakes it too.
#[test]
fn a_wait_ends_with_a_sample_of_another_participant() {
    let participants = [participant(), participant()];
    let [topic, other] = participants.each_ref().map(|one| one.topic::<Step>("InProcessOther").unwrap());
    let reader = topic.reader().reliable().keep_all().build().unwrap();
    let silent = topic.writer().reliable().keep_all().build().unwrap();
    silent.wait_matched(1, LIMIT).unwrap();
    reader.wait_matched(1, LIMIT).unwrap();
    let (waits, waiting) = mpsc::channel();
    let waiter = thread::spawn(move || {
        waits.send(()).unwrap();
        take_many(&reader, 1)
    });
    waiting.recv().unwrap();
    let writer = other.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, LIMIT).unwrap();
    writer.write(&Step { id: 0, number: 7 }).unwrap();
    assert_eq!(waiter.join().unwrap(), [7]);
}

#[test]
fn what_finds_no_room_comes_when_there_is_some() {
    let participant = participant();
    let topic = participant.topic::<Step>("InProcessLimits").unwrap();
    let limits = ResourceLimits { max_samples: Limit::Finite(3), ..ResourceLimits::default() };
    let reader = topic.reader().reliable().keep_all().resource_limits(limits).build().unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, LIMIT).unwrap();
    for number in 0..20 {
        writer.write(&Step { id: 0, number }).unwrap();
    }
    assert_eq!(take_many(&reader, 20), (0..20).collect::<Vec<_>>());
    writer.wait_for_acknowledgments(LIMIT).unwrap();
    assert!(reader.sample_rejected_status().total_count > 0);
}

/// One reader has room and the other has not: each gets everything, once and in order.
#[test]
fn a_reader_without_room_does_not_keep_others_from_theirs() {
    let participant = participant();
    let topic = participant.topic::<Step>("InProcessUneven").unwrap();
    let limits = ResourceLimits { max_samples: Limit::Finite(2), ..ResourceLimits::default() };
    let narrow = topic.reader().reliable().keep_all().resource_limits(limits).build().unwrap();
    let wide = topic.reader().reliable().keep_all().build().unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(2, LIMIT).unwrap();
    let (mut of_wide, mut of_narrow) = (Vec::new(), Vec::new());
    for number in 0..60 {
        writer.write(&Step { id: 0, number }).unwrap();
        // Now with room, now without, and now with a reader that catches up.
        if number % 7 == 6 {
            of_narrow.extend(numbers(&narrow));
        }
        if number % 11 == 10 {
            of_wide.extend(take_many(&wide, (number as usize + 1) - of_wide.len()));
        }
    }
    of_narrow.extend(take_many(&narrow, 60 - of_narrow.len()));
    of_wide.extend(take_many(&wide, 60 - of_wide.len()));
    let all: Vec<u32> = (0..60).collect();
    assert_eq!((&of_narrow, &of_wide), (&all, &all));
    writer.wait_for_acknowledgments(LIMIT).unwrap();
    // And all is as before.
    writer.write(&Step { id: 0, number: 60 }).unwrap();
    assert_eq!((take_many(&narrow, 1), take_many(&wide, 1)), (vec![60], vec![60]));
}

#[test]
fn late_joiners_get_the_history_first() {
    let participant = participant();
    let topic = participant.topic::<Step>("InProcessHistory").unwrap();
    let writer: DataWriter<Step> = topic.writer().reliable().transient_local().keep_all().build().unwrap();
    for number in 0..50 {
        writer.write(&Step { id: number % 2, number }).unwrap();
    }
    let reader = topic.reader().reliable().transient_local().keep_all().build().unwrap();
    for number in 50..100 {
        writer.write(&Step { id: number % 2, number }).unwrap();
    }
    let mut taken = take_many(&reader, 100);
    // Those of an instance come together; within it they are in order.
    taken.sort_by_key(|number| *number % 2);
    let expected: Vec<u32> = (0..100).step_by(2).chain((1..100).step_by(2)).collect();
    assert_eq!(taken, expected);
}

#[derive(DdsType, PartialEq, Debug)]
struct Picture {
    #[dds(key)]
    camera: u16,
    pixels: Vec<u8>,
}

impl Picture {
    fn new(camera: u16, size: usize) -> Self {
        Self { camera, pixels: vec![camera as u8; size] }
    }
}

#[test]
fn an_owned_sample_is_moved_to_its_only_reader() {
    let participant = participant();
    let topic = participant.topic::<Picture>("InProcessOwned").unwrap();
    let reader = topic.reader().reliable().keep_all().build().unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, LIMIT).unwrap();
    // What matching itself says is said by messages.
    writer.write(&Picture::new(0, 1)).unwrap();
    assert_eq!(take_pictures(&reader), [Picture::new(0, 1)]);
    for size in [10, 5_000, 1 << 20] {
        let picture = Picture::new(1, size);
        let address = picture.pixels.as_ptr();
        writer.write_owned(picture).unwrap();
        // Reading makes bytes of it, and leaves it there.
        let read = reader.read().unwrap();
        assert_eq!(read[0].data(), Some(&Picture::new(1, size)));
        assert_ne!(read[0].data().unwrap().pixels.as_ptr(), address);
        let taken = take_pictures(&reader);
        assert_eq!(taken, [Picture::new(1, size)]);
        assert_eq!(taken[0].pixels.as_ptr(), address, "it was moved");
    }
    let handle = writer.lookup_instance(&Picture::new(1, 0)).unwrap();
    assert!(handle.is_some());
    writer.dispose(&Picture::new(1, 0)).unwrap();
    let disposed = reader.take().unwrap();
    assert_eq!(disposed[0].key(), Picture::new(1, 0).key());
    assert!(!disposed[0].info().valid_data);
}

fn take_pictures(reader: &DataReader<Picture>) -> Vec<Picture> {
    if !reader.has_data(DataState::ANY) {
        reader.wait_for_data(LIMIT).unwrap();
    }
    reader.take().unwrap().into_iter().filter_map(dds_core::sample::Sample::into_data).collect()
}

#[test]
fn readers_of_the_participant_share_a_sample() {
    let participant = participant();
    let topic = participant.topic::<Picture>("InProcessShared").unwrap();
    let filtered =
        topic.content_filtered("InProcessSharedFirst", "camera = 1", Vec::<String>::new()).unwrap();
    let readers: Vec<_> = (0..2).map(|_| topic.reader().reliable().keep_all().build().unwrap()).collect();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(2, LIMIT).unwrap();
    writer.write(&Picture::new(0, 1)).unwrap();
    readers.iter().for_each(|reader| assert_eq!(take_pictures(reader).len(), 1));
    let picture = Arc::new(Picture::new(2, 100_000));
    writer.write_arc(picture.clone()).unwrap();
    for reader in &readers {
        let loan = reader.select().read_loan().unwrap();
        let seen = loan.iter().next().unwrap();
        assert!(std::ptr::eq(seen.as_written().unwrap(), &*picture));
        assert_eq!(seen.decode().unwrap().data(), Some(&*picture));
    }
    // Nobody can have it for himself, so that each gets its own.
    for reader in &readers {
        assert_eq!(take_pictures(reader), [Picture::new(2, 100_000)]);
    }
    assert_eq!(Arc::strong_count(&picture), 1, "nothing is kept");
    // Filters look at the bytes.
    let some = filtered.reader().reliable().keep_all().build().unwrap();
    writer.wait_matched(3, LIMIT).unwrap();
    for camera in [1, 2] {
        writer.write_owned(Picture::new(camera, 50)).unwrap();
    }
    assert_eq!(take_pictures(&some), [Picture::new(1, 50)]);
    for reader in &readers {
        assert_eq!(take_data(reader, 2), [Picture::new(1, 50), Picture::new(2, 50)]);
    }
    writer.wait_for_acknowledgments(LIMIT).unwrap();
}

#[test]
fn an_owned_sample_goes_to_others_as_any_does() {
    let participants = [participant(), participant()];
    let [topic, other] = participants.each_ref().map(|one| one.topic::<Picture>("InProcessBoth").unwrap());
    let near = topic.reader().reliable().keep_all().build().unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, LIMIT).unwrap();
    writer.write(&Picture::new(0, 1)).unwrap();
    writer.write_owned(Picture::new(1, 9_000)).unwrap();
    let far = other.reader().reliable().keep_all().build().unwrap();
    writer.wait_matched(2, LIMIT).unwrap();
    writer.write_owned(Picture::new(2, 9_000)).unwrap();
    assert_eq!(take_data(&far, 1), [Picture::new(2, 9_000)]);
    let expected = [Picture::new(0, 1), Picture::new(1, 9_000), Picture::new(2, 9_000)];
    assert_eq!(take_data(&near, 3), expected);
}

/// Answers what it gets.
struct Answers {
    writer: DataWriter<Step>,
    rounds: u32,
    done: mpsc::Sender<u32>,
}

impl DataReaderListener<Step> for Answers {
    fn on_data_available(&self, reader: &DataReader<Step>) {
        for number in numbers(reader) {
            if number < self.rounds {
                self.writer.write(&Step { id: 0, number: number + 1 }).unwrap();
            } else {
                self.done.send(number).unwrap();
            }
        }
    }
}

#[test]
fn listeners_that_answer_each_other_do_not_nest() {
    let participant = participant();
    let there = participant.topic::<Step>("InProcessThere").unwrap();
    let back = participant.topic::<Step>("InProcessBack").unwrap();
    let (done, is_done) = mpsc::channel();
    let ends: Vec<_> = [(&there, &back), (&back, &there)]
        .into_iter()
        .map(|(from, to)| {
            let writer = to.writer().reliable().build().unwrap();
            let reader = from.reader().reliable().build().unwrap();
            (writer, reader)
        })
        .collect();
    for (writer, reader) in &ends {
        writer.wait_matched(1, LIMIT).unwrap();
        let answers = Answers { writer: writer.clone(), rounds: 100_000, done: done.clone() };
        reader.set_listener(Some(Arc::new(answers)), StatusMask::DATA_AVAILABLE);
    }
    ends[0].0.write(&Step { id: 0, number: 1 }).unwrap();
    // One thread writes, and whoever drains answers.
    assert_eq!(is_done.recv_timeout(std::time::Duration::from_secs(60)), Ok(100_000));
    for (_, reader) in &ends {
        reader.set_listener(None, StatusMask::NONE);
    }
}
