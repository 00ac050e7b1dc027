//! What time does: LIFESPAN, TIME_BASED_FILTER, DEADLINE, READER_DATA_LIFECYCLE.

use dds_qos::{Deadline, History, ReaderDataLifecycle, Reliability, TimeBasedFilter};

use super::*;
use crate::cache::DeadlineMissed;

/// DDS 1.4 §2.2.3.16: counted from the source timestamp, then on monotonic time.
#[test]
fn samples_end_with_their_lifespan() {
    let mut bench = Bench::new(&DataReaderQos::default().history(History::KEEP_ALL));
    bench.matched(1, 0, Duration::from_millis(100));
    assert_eq!(bench.write_late(at(0), at(30), 1, 7, 1), OfferOutcome::Accepted);
    assert_eq!(bench.write_late(at(20), at(31), 1, 8, 2), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(32), 2, 7, 3), OfferOutcome::Accepted, "another writer, for ever");
    assert_eq!(bench.write_late(at(0), at(100), 1, 7, 4), OfferOutcome::Dropped(DropReason::Expired));
    // Written «in the future» lives no longer than written now.
    assert_eq!(bench.write_late(at(500), at(40), 1, 9, 5), OfferOutcome::Accepted);
    assert_eq!(bench.cache.next_timeout(), at(100).monotonic);
    // The wall clock may jump meanwhile.
    bench.expire(Now { monotonic: at(100).monotonic, wall: Timestamp::ZERO });
    assert_eq!(values(&bench.read()), [2, 3, 5]);
    bench.expire(at(120));
    bench.expire(at(139));
    assert_eq!(values(&bench.read()), [3, 5]);
    bench.expire(at(140));
    assert_eq!(values(&bench.read()), [3]);
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
}

/// DDS 1.4 §2.2.3.12.
#[test]
fn a_best_effort_reader_sees_an_instance_no_more_often_than_it_asked() {
    let filter = TimeBasedFilter(Duration::from_millis(10));
    let mut bench = Bench::new(&DataReaderQos::default().time_based_filter(filter));
    let filtered = OfferOutcome::Dropped(DropReason::TimeBasedFilter);
    assert_eq!(bench.write(at(0), 1, 7, 1), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(9), 1, 7, 2), filtered);
    assert_eq!(bench.write(at(9), 1, 8, 3), OfferOutcome::Accepted, "another instance");
    assert_eq!(bench.write(at(10), 1, 7, 4), OfferOutcome::Accepted);
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
    assert_eq!(values(&bench.take()), [3, 4], "the older sample of instance 7 was replaced");
}

/// DDS 1.4 §2.2.3.12: a RELIABLE reader gets the last value in the end.
#[test]
fn a_reliable_reader_gets_the_last_value_when_the_separation_is_over() {
    let filter = TimeBasedFilter(Duration::from_millis(10));
    let qos = DataReaderQos::default().time_based_filter(filter).reliability(Reliability::RELIABLE);
    let mut bench = Bench::new(&qos);
    bench.write(at(0), 1, 7, 1);
    bench.write(at(3), 1, 7, 2);
    bench.write(at(4), 1, 7, 3);
    assert_eq!(values(&bench.take()), [1]);
    assert_eq!(bench.cache.next_timeout(), at(10).monotonic);
    assert!(!bench.expire(at(9)).0);
    assert!(bench.expire(at(10)).0);
    assert_eq!(values(&bench.take()), [3]);
    // A disposal shows what was held back first.
    bench.write(at(11), 1, 7, 4);
    bench.dispose(at(12), 1, 7);
    let taken = bench.take();
    assert_eq!((values(&taken), taken.len()), (vec![4], 2));
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
    // A new life passes at once.
    assert_eq!(bench.write(at(13), 1, 7, 5), OfferOutcome::Accepted);
}

/// DDS 1.4 §2.2.3.7: each instance on its own, from its first sample to its end.
#[test]
fn deadlines_are_missed_per_instance() {
    let mut bench = Bench::new(&DataReaderQos::default().deadline(Deadline(Duration::from_millis(10))));
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
    bench.write(at(0), 1, 7, 1);
    bench.write(at(4), 1, 8, 1);
    let handle = |bench: &Bench, key| bench.cache.lookup_instance(&[key]).unwrap();
    let (seven, eight) = (handle(&bench, 7), handle(&bench, 8));
    let missed = |instance, periods| DeadlineMissed { instance, periods };
    assert_eq!(bench.cache.next_timeout(), at(10).monotonic);
    assert_eq!(bench.expire(at(9)).1, []);
    assert_eq!(bench.expire(at(10)).1, [missed(seven, 1)]);
    bench.write(at(13), 1, 8, 2);
    assert_eq!(bench.expire(at(19)).1, []);
    assert_eq!(bench.expire(at(55)).1, [missed(seven, 4), missed(eight, 4)]);
    bench.dispose(at(56), 1, 7);
    assert_eq!(bench.expire(at(65)).1, [missed(eight, 1)]);
    bench.cache.writer_unmatched(at(66), writer_guid(1));
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
}

/// DDS 1.4 §2.2.3.22.
#[test]
fn instances_that_are_not_alive_are_purged() {
    let lifecycle = ReaderDataLifecycle {
        autopurge_disposed_samples_delay: Duration::from_millis(10),
        autopurge_nowriter_samples_delay: Duration::from_millis(20),
    };
    let mut bench = Bench::new(&DataReaderQos::default().reader_data_lifecycle(lifecycle));
    for key in [7, 8, 9] {
        bench.write(at(0), 1, key, key);
    }
    bench.dispose(at(0), 1, 7);
    bench.unregister(at(0), 1, 8);
    bench.dispose(at(0), 1, 9);
    bench.write(at(5), 1, 9, 9);
    bench.expire(at(10));
    assert_eq!(bench.read().iter().map(|sample| sample.payload[0]).collect::<Vec<_>>(), [8, 8, 9, 9]);
    assert!(bench.cache.lookup_instance(&[7]).is_some(), "its writer still has it registered");
    bench.expire(at(20));
    assert!(bench.cache.lookup_instance(&[8]).is_none());
    assert_eq!(bench.take().len(), 2, "instance 9 lives again");
}
