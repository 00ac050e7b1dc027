//! Reading and taking (DDS 1.4 §2.2.2.5.3), instances and their states, between two participants.

mod common;

use common::{Domain, PATIENCE, Reading, next, reading};
use dds_core::{
    DataReader, DataWriter, DomainParticipant, Topic, WriteOptions,
    error::{DdsError, ReturnCode},
    instance::InstanceHandle,
    qos::{DataReaderQos, DataWriterQos, DestinationOrder, DestinationOrderKind, WriterDataLifecycle},
    rtps::time::Timestamp,
    sample::{
        DataState, InstanceState, InstanceStateMask, Sample, SampleState, SampleStateMask, ViewState,
        ViewStateMask,
    },
};

const DOMAIN: u32 = 83;

struct Pair {
    writer: DataWriter<Reading>,
    reader: DataReader<Reading>,
    there: Topic<Reading>,
    _participants: [DomainParticipant; 2],
}

/// A reliable writer and a reader of everything, matched, in two participants.
fn pair() -> Pair {
    let domain = Domain::new(DOMAIN);
    let (one, two) = (domain.participant(), domain.participant());
    let there = two.topic::<Reading>("Samples").unwrap();
    let reader = there.reader().reliable().keep_all().build().unwrap();
    let writer = one.topic::<Reading>("Samples").unwrap().writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    Pair { writer, reader, there, _participants: [one, two] }
}

impl Pair {
    fn write(&self, samples: impl IntoIterator<Item = (u32, u64)>) {
        for (sensor, value) in samples {
            self.writer.write(&reading(sensor, value)).unwrap();
        }
        // Acknowledged is in the reader's cache.
        self.writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    }

    fn handle(&self, sensor: u32) -> InstanceHandle {
        self.reader.lookup_instance(&reading(sensor, 0)).unwrap().unwrap()
    }
}

fn values(samples: &[Sample<Reading>]) -> Vec<(u32, u64)> {
    samples.iter().filter_map(Sample::data).map(|data| (data.sensor, data.value)).collect()
}

#[test]
fn reading_leaves_samples_and_marks_them_taking_removes_them() {
    let pair = pair();
    assert_eq!(pair.reader.take().unwrap(), [], "no data is no error");
    pair.write([(1, 10), (2, 20), (1, 11)]);
    let samples = pair.reader.read().unwrap();
    // Samples of an instance come together, instances by their oldest sample.
    assert_eq!(values(&samples), [(1, 10), (1, 11), (2, 20)]);
    for sample in &samples {
        assert_eq!(sample.info().sample_state, SampleState::NotRead);
        assert_eq!(sample.info().view_state, ViewState::New);
        assert_eq!(sample.info().instance_state, InstanceState::Alive);
        assert_eq!(sample.info().writer_guid, pair.writer.guid());
        assert_eq!(sample.info().publication_handle, pair.reader.matched_publications()[0]);
        assert!(sample.info().valid_data && sample.info().source_timestamp.is_some());
    }
    assert_eq!(samples.iter().map(|sample| sample.info().sample_rank).collect::<Vec<_>>(), [1, 0, 0]);

    pair.write([(1, 12)]);
    let unread = pair.reader.select().not_read().read().unwrap();
    assert_eq!(values(&unread), [(1, 12)]);
    assert_eq!(unread[0].info().view_state, ViewState::NotNew);
    let of_read = DataState { sample_states: SampleStateMask::READ, ..DataState::ANY };
    assert_eq!(pair.reader.select().states(of_read).take().unwrap().len(), 4);
    assert_eq!(pair.reader.read().unwrap(), []);
    // Into a vector of one's own, in place of what is there.
    let mut taken = Vec::new();
    for new in [&[13, 14, 15][..], &[16], &[17, 18]] {
        pair.write(new.iter().map(|value| (1, *value)));
        assert_eq!(pair.reader.take_into(&mut taken).unwrap(), new.len());
        assert_eq!(values(&taken), new.iter().map(|value| (1, *value)).collect::<Vec<_>>());
    }
    assert_eq!(pair.reader.take_into(&mut taken).unwrap(), 0);
    assert_eq!(taken, []);
}

#[test]
fn samples_are_chosen_by_state_number_and_instance() {
    let pair = pair();
    pair.write([(1, 10), (2, 20), (3, 30), (1, 11), (2, 21)]);
    assert_eq!(values(&pair.reader.select().max_samples(2).read().unwrap()), [(1, 10), (1, 11)]);
    assert_eq!(pair.reader.read_next_sample().unwrap().unwrap().data(), Some(&reading(2, 20)));
    let new = DataState { view_states: ViewStateMask::NEW, ..DataState::ANY };
    assert_eq!(values(&pair.reader.select().states(new).read().unwrap()), [(3, 30)]);
    assert_eq!(pair.reader.take_next_sample().unwrap().unwrap().data(), Some(&reading(2, 21)));
    assert!(pair.reader.take_next_sample().unwrap().is_none(), "the others were read");
    assert_eq!(values(&pair.reader.read_instance(pair.handle(2)).unwrap()), [(2, 20)]);

    // Through all instances, as DDS 1.4 §2.2.2.5.3.16 has it.
    let (mut handle, mut met) = (InstanceHandle::NIL, Vec::new());
    while let Some(first) = pair.reader.read_next_instance(handle).unwrap().first() {
        handle = first.info().instance_handle;
        met.push(pair.reader.key_value(handle).unwrap().sensor);
    }
    assert_eq!(met, [1, 2, 3]);
    assert_eq!(values(&pair.reader.take_next_instance(pair.handle(2)).unwrap()), [(3, 30)]);
    assert_eq!(values(&pair.reader.take_instance(pair.handle(1)).unwrap()), [(1, 10), (1, 11)]);
    let stranger = InstanceHandle::from_raw(u64::MAX);
    let refused = pair.reader.take_instance(stranger).unwrap_err();
    assert!(matches!(refused, DdsError::UnknownInstance { handle } if handle == stranger));
    assert_eq!(refused.return_code(), ReturnCode::BadParameter);
}

#[test]
fn conditions_choose_what_they_wait_for() {
    let pair = pair();
    let odd = pair.reader.query_condition(DataState::NOT_READ, |sample: &Reading| sample.value % 2 == 1);
    let unread = pair.reader.read_condition(DataState::NOT_READ);
    assert!(!odd.trigger_value() && !unread.trigger_value());
    pair.write([(1, 10), (1, 11), (2, 21)]);
    assert!(odd.trigger_value() && unread.trigger_value());
    assert_eq!(values(&pair.reader.select().query(&odd).read().unwrap()), [(1, 11), (2, 21)]);
    assert!(!odd.trigger_value() && unread.trigger_value());
    assert_eq!(values(&pair.reader.select().condition(&unread).take().unwrap()), [(1, 10)]);
    assert!(!unread.trigger_value());
}

#[test]
fn conditions_choose_among_the_samples_of_the_next_instance() {
    let pair = pair();
    pair.write([(1, 10), (2, 20), (2, 21), (3, 31)]);
    let odd = pair.reader.query_condition(DataState::NOT_READ, |sample: &Reading| sample.value % 2 == 1);
    let unread = pair.reader.read_condition(DataState::NOT_READ);
    let (one, two) = (pair.handle(1), pair.handle(2));
    let after = |previous| pair.reader.select().next_instance(previous);
    assert_eq!(values(&after(InstanceHandle::NIL).query(&odd).read().unwrap()), [(2, 21)], "1 has none");
    assert_eq!(values(&after(two).query(&odd).take().unwrap()), [(3, 31)]);
    assert_eq!(values(&after(InstanceHandle::NIL).condition(&unread).take().unwrap()), [(1, 10)]);
    assert_eq!(values(&after(one).condition(&unread).read().unwrap()), [(2, 20)], "21 was read");
    assert_eq!(values(&after(two).condition(&unread).read().unwrap()), []);
}

#[test]
fn instances_live_end_and_come_back() {
    let pair = pair();
    let handle = pair.writer.register_instance(&reading(1, 0)).unwrap();
    assert_eq!(pair.writer.lookup_instance(&reading(1, 99)).unwrap(), Some(handle));
    assert_eq!(pair.writer.key_value(handle).unwrap().sensor, 1);
    pair.write([(1, 10)]);
    assert_eq!(next(&pair.reader).data(), Some(&reading(1, 10)));

    pair.writer.dispose(&reading(1, 0)).unwrap();
    let disposed = next(&pair.reader);
    assert_eq!(disposed.info().instance_state, InstanceState::NotAliveDisposed);
    assert_eq!(disposed.key().sensor, 1);
    assert!(!disposed.info().valid_data);

    pair.write([(1, 11)]);
    let reborn = next(&pair.reader);
    assert_eq!(reborn.data(), Some(&reading(1, 11)));
    assert_eq!(reborn.info().view_state, ViewState::New);
    assert_eq!(reborn.info().disposed_generation_count, 1);
    assert_eq!(reborn.info().instance_handle, disposed.info().instance_handle);

    // By default unregistering disposes of the instance too (DDS 1.4 §2.2.3.21).
    pair.writer.unregister_instance(&reading(1, 0)).unwrap();
    assert_eq!(next(&pair.reader).info().instance_state, InstanceState::NotAliveDisposed);
    let refused = pair.writer.dispose(&reading(1, 0)).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);
}

#[test]
fn an_instance_without_writers_is_not_disposed_of_when_the_writer_says_so() {
    let pair = pair();
    let lifecycle = WriterDataLifecycle { autodispose_unregistered_instances: false };
    let qos = DataWriterQos { writer_data_lifecycle: lifecycle, ..pair.writer.qos() };
    pair.writer.set_qos(qos).unwrap();
    pair.write([(1, 10), (2, 20)]);
    pair.writer.unregister_instance(&reading(1, 0)).unwrap();
    pair.writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    let not_alive = DataState { instance_states: InstanceStateMask::NOT_ALIVE, ..DataState::ANY };
    let samples = pair.reader.select().states(not_alive).take().unwrap();
    assert_eq!(values(&samples), [(1, 10)]);
    assert_eq!(samples.last().unwrap().info().instance_state, InstanceState::NotAliveNoWriters);
    pair.write([(1, 11)]);
    let mut samples = pair.reader.take().unwrap();
    samples.retain(|sample| sample.key().sensor == 1);
    assert_eq!(samples[0].data(), Some(&reading(1, 11)));
}

#[test]
fn source_timestamps_order_samples_where_asked_for() {
    let pair = pair();
    let by_source = DestinationOrder(DestinationOrderKind::BySourceTimestamp);
    let qos = DataReaderQos { destination_order: by_source.clone(), ..DataReaderQos::default() };
    let reader = pair.there.reader().qos(qos).reliable().keep_all().build().unwrap();
    let qos = DataWriterQos { destination_order: by_source, ..DataWriterQos::default() };
    let writer = pair.writer.topic().writer().qos(qos).reliable().keep_all().build().unwrap();
    writer.wait_matched(2, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    let at = |seconds: u64| Timestamp::from_nanos(seconds * 1_000_000_000);
    for (seconds, value) in [(1_000, 1), (3_000, 3), (2_000, 2)] {
        writer.write_with_timestamp(&reading(1, value), at(seconds)).unwrap();
    }
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    let samples = reader.take().unwrap();
    assert_eq!(values(&samples), [(1, 1), (1, 2), (1, 3)]);
    assert_eq!(samples[1].info().source_timestamp, Some(at(2_000)));
    // Older than what was taken: too late.
    writer.write_with_timestamp(&reading(1, 0), at(2_500)).unwrap();
    writer.write_with_timestamp(&reading(1, 4), at(4_000)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert_eq!(values(&reader.take().unwrap()), [(1, 4)]);
}

#[test]
fn a_sample_names_the_one_it_answers() {
    let pair = pair();
    let question = pair.writer.write_with(&reading(1, 1), WriteOptions::default()).unwrap();
    assert_eq!(next(&pair.reader).info().identity(), question);
    let options = WriteOptions { related_sample_identity: Some(question), ..WriteOptions::default() };
    pair.writer.write_with(&reading(1, 2), options).unwrap();
    assert_eq!(next(&pair.reader).info().related_sample_identity, Some(question));
}
