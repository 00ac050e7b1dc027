//! Instance, view and sample states, generations and ranks.

use super::*;
use crate::sample::{InstanceStateMask, SampleStateMask, ViewStateMask};

/// DDS 1.4 §2.2.2.5.1.3, §2.2.2.5.1.5, §2.2.2.5.1.8: a life, a disposal, another life.
#[test]
fn a_disposed_instance_comes_back_new() {
    let mut bench = Bench::new(&DataReaderQos::default());
    assert_eq!(bench.write(at(0), 1, 7, 1), OfferOutcome::Accepted);
    let first = bench.take().remove(0);
    assert_eq!((first.info.view_state, first.info.instance_state), (ViewState::New, InstanceState::Alive));
    assert_eq!(first.info.publication_handle, writer_handle(1));
    assert_eq!(first.info.source_timestamp, Some(at(0).wall));

    assert_eq!(bench.dispose(at(1), 1, 7), OfferOutcome::Accepted);
    assert_eq!(bench.dispose(at(2), 1, 7), OfferOutcome::Dropped(DropReason::NoChange));
    let end = bench.take().remove(0);
    assert!(!end.info.valid_data);
    assert_eq!(
        (end.info.view_state, end.info.instance_state),
        (ViewState::NotNew, InstanceState::NotAliveDisposed)
    );
    assert_eq!(end.info.instance_handle, first.info.instance_handle);
    assert_eq!(&*end.payload, &[7]);

    assert_eq!(bench.write(at(3), 1, 7, 2), OfferOutcome::Accepted);
    let reborn = bench.take().remove(0);
    assert_eq!((reborn.info.view_state, reborn.info.instance_state), (ViewState::New, InstanceState::Alive));
    assert_eq!(reborn.info.disposed_generation_count, 1);
    assert_eq!(reborn.info.no_writers_generation_count, 0);
}

/// DDS 1.4 §2.2.2.5.1.3: only the last writer's leaving makes NOT_ALIVE_NO_WRITERS.
#[test]
fn an_instance_without_writers_says_so() {
    let mut bench = Bench::new(&DataReaderQos::default());
    bench.write(at(0), 1, 7, 1);
    bench.write(at(1), 2, 7, 2);
    bench.read();
    assert_eq!(bench.unregister(at(2), 1, 7), OfferOutcome::Dropped(DropReason::NoChange));
    assert!(bench.cache.writer_unmatched(at(3), writer_guid(2)));
    let taken = bench.take();
    let last = &taken[1].info;
    assert_eq!(last.instance_state, InstanceState::NotAliveNoWriters);
    assert_eq!((last.valid_data, last.publication_handle), (false, writer_handle(2)));
    assert_eq!(last.sequence_number, SequenceNumber::UNKNOWN);
    // Without samples and writers it is forgotten (§2.2.3.22), and new when it comes back.
    assert_eq!(bench.cache.instance_count(), 0);
    bench.write(at(4), 1, 7, 3);
    let back = bench.take().remove(0).info;
    assert_eq!((back.view_state, back.no_writers_generation_count), (ViewState::New, 0));
}

#[test]
fn an_instance_that_regains_a_writer_counts_a_generation() {
    let mut bench = Bench::new(&DataReaderQos::default().history(dds_qos::History::KEEP_ALL));
    bench.write(at(0), 1, 7, 1);
    bench.read();
    assert!(bench.cache.writer_not_alive(at(1), writer_guid(1)));
    assert!(!bench.cache.writer_not_alive(at(1), writer_guid(1)));
    bench.write(at(2), 1, 7, 2);
    let infos = infos(bench.read());
    assert_eq!(infos.len(), 3);
    assert!(infos.iter().all(|info| info.instance_state == InstanceState::Alive));
    assert_eq!(infos[2].no_writers_generation_count, 1);
    assert!(infos.iter().all(|info| info.view_state == ViewState::New));
}

/// A late joiner hears of a disposed instance that it never saw alive.
#[test]
fn the_disposal_of_an_unknown_instance_makes_it_known() {
    let mut bench = Bench::new(&DataReaderQos::default());
    let kind = ChangeKind::NotAliveDisposedUnregistered;
    assert_eq!(bench.end(at(0), kind, 1, 7), OfferOutcome::Accepted);
    let info = bench.take().remove(0).info;
    assert_eq!((info.view_state, info.instance_state), (ViewState::New, InstanceState::NotAliveDisposed));
    assert_eq!(bench.cache.instance_count(), 0);
}

/// DDS 1.4 §2.2.2.5.1.6, §2.2.2.5.1.7: the ranks of a collection over two lives.
#[test]
fn ranks_count_back_from_the_latest_sample() {
    let mut bench = Bench::new(&DataReaderQos::default().history(dds_qos::History::KEEP_ALL));
    bench.write(at(0), 1, 7, 1);
    bench.write(at(1), 1, 8, 1);
    bench.write(at(2), 1, 7, 2);
    bench.dispose(at(3), 1, 7);
    bench.write(at(4), 1, 7, 3);
    bench.dispose(at(5), 1, 7);
    bench.write(at(6), 1, 7, 4);
    let selector = Selector { max_samples: 5, ..Selector::default() };
    let samples = bench.read_by(&selector);
    let ranks = |samples: &[CachedSample]| -> Vec<_> {
        let rank = |sample: &CachedSample| {
            let info = &sample.info;
            (info.sample_rank, info.generation_rank, info.absolute_generation_rank)
        };
        samples.iter().map(rank).collect()
    };
    // Instance 7: two samples, its end, one sample, its end. The last sample is beyond the maximum.
    assert_eq!(values(&samples), [1, 2, 3]);
    assert_eq!(ranks(&samples), [(4, 1, 2), (3, 1, 2), (2, 1, 2), (1, 0, 1), (0, 0, 1)]);
    let samples = bench.read();
    assert_eq!(ranks(&samples[..6]), [(5, 2, 2), (4, 2, 2), (3, 2, 2), (2, 1, 1), (1, 1, 1), (0, 0, 0)]);
    assert_eq!(ranks(&samples[6..]), [(0, 0, 0)]);
}

/// DDS 1.4 §2.2.2.5.1.1, §2.2.2.5.3.8.
#[test]
fn read_marks_samples_and_masks_select() {
    let mut bench = Bench::new(&DataReaderQos::default().history(dds_qos::History::KEEP_ALL));
    bench.write(at(0), 1, 7, 1);
    bench.write(at(1), 1, 8, 2);
    let unread = Selector { states: DataState::NOT_READ, ..Selector::default() };
    assert_eq!(values(&bench.read_by(&Selector { max_samples: 1, ..unread })), [1]);
    assert_eq!(values(&bench.read_by(&unread)), [2]);
    assert!(bench.read_by(&unread).is_empty());
    bench.write(at(2), 1, 7, 3);
    assert_eq!(values(&bench.read_by(&unread)), [3]);
    let read = DataState { sample_states: SampleStateMask::READ, ..DataState::ANY };
    assert!(bench.cache.has_data(read) && !bench.cache.has_data(DataState::NOT_READ));
    let new = DataState { view_states: ViewStateMask::NEW, ..DataState::ANY };
    assert!(!bench.cache.has_data(new));
    bench.dispose(at(3), 1, 8);
    let gone = DataState { instance_states: InstanceStateMask::NOT_ALIVE, ..DataState::ANY };
    assert!(bench.cache.has_data(gone));
    let taken = bench.take_by(&Selector { states: gone, ..Selector::default() });
    assert_eq!(taken.len(), 2);
    assert_eq!(
        taken.iter().map(|sample| sample.info.sample_state).collect::<Vec<_>>(),
        [SampleState::Read, SampleState::NotRead]
    );
}

/// DDS 1.4 §2.2.2.5.3.14, §2.2.2.5.3.16.
#[test]
fn next_instance_steps_over_those_without_wanted_samples() {
    let mut bench = Bench::new(&DataReaderQos::default());
    for key in 1..=4 {
        bench.write(at(0), 1, key, key);
    }
    let handles: Vec<_> = (1..=4).map(|key| bench.cache.lookup_instance(&[key]).unwrap()).collect();
    assert_eq!(bench.cache.key_value(handles[2]), Some(&[3][..]));
    let by = |instance| Selector { instance, ..Selector::default() };
    assert_eq!(values(&bench.take_by(&by(InstanceSelector::This(handles[1])))), [2]);
    assert!(bench.take_by(&by(InstanceSelector::This(handles[1]))).is_empty());
    assert!(bench.cache.is_known(handles[1]));
    let mut handle = InstanceHandle::NIL;
    let mut seen = Vec::new();
    loop {
        let samples = bench.take_by(&by(InstanceSelector::Next(handle)));
        let Some(sample) = samples.first() else { break };
        handle = sample.info.instance_handle;
        seen.extend(values(&samples));
    }
    assert_eq!(seen, [1, 3, 4]);
}

#[test]
fn a_predicate_sees_data_and_keys() {
    let mut bench = Bench::new(&DataReaderQos::default());
    for key in 1..=4 {
        bench.write(at(0), 1, key, key);
    }
    bench.dispose(at(1), 1, 3);
    let odd = |bytes: &[u8], _: Content| bytes[0] % 2 == 1;
    let selector = Selector { predicate: Some(&odd), ..Selector::default() };
    assert!(bench.cache.has_match(&selector));
    assert_eq!(bench.take_by(&selector).len(), 3);
    assert!(!bench.cache.has_match(&selector));
    assert_eq!(values(&bench.take()), [2, 4]);
}

/// A topic without key has one instance.
#[test]
fn without_key_there_is_one_instance() {
    let keyless = TypeSupport { has_key: false, max_key_size: Some(0), ..KEYED };
    let mut bench = Bench::of(&DataReaderQos::default().history(dds_qos::History::keep_last(3)), keyless);
    for value in 1..=5 {
        bench.write(at(0), 1, value, value);
    }
    assert_eq!(bench.cache.instance_count(), 1);
    assert_eq!(values(&bench.take()), [3, 4, 5]);
    assert!(bench.cache.writer_unmatched(at(1), writer_guid(1)));
    let end = bench.take().remove(0);
    assert!(end.payload.is_empty());
    assert_eq!(end.info.instance_state, InstanceState::NotAliveNoWriters);
}
