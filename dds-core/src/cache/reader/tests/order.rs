//! DESTINATION_ORDER and the order of collections.

use dds_qos::{DestinationOrder, DestinationOrderKind, History};

use super::*;

fn by_source(history: History) -> Bench {
    let order = DestinationOrder(DestinationOrderKind::BySourceTimestamp);
    Bench::new(&DataReaderQos::default().destination_order(order).history(history))
}

/// DDS 1.4 §2.2.3.17: whatever arrives last, the last written is the final value.
#[test]
fn the_latest_written_sample_wins() {
    let mut bench = by_source(History::keep_last(1));
    assert_eq!(bench.write_late(at(20), at(30), 1, 7, 2), OfferOutcome::Accepted);
    let older = bench.write_late(at(10), at(31), 2, 7, 1);
    assert_eq!(older, OfferOutcome::Dropped(DropReason::OutOfOrder));
    assert_eq!(values(&bench.take()), [2]);
    let older = bench.write_late(at(15), at(32), 2, 7, 1);
    assert_eq!(older, OfferOutcome::Dropped(DropReason::OutOfOrder));
}

#[test]
fn samples_are_sorted_until_a_later_one_was_taken() {
    let mut bench = by_source(History::KEEP_ALL);
    for (written, writer, value) in [(20, 1, 2), (40, 2, 4), (30, 3, 3), (10, 2, 1)] {
        assert_eq!(bench.write_late(at(written), at(50), writer, 7, value), OfferOutcome::Accepted);
    }
    let two = Selector { max_samples: 2, ..Selector::default() };
    assert_eq!(values(&bench.take_by(&two)), [1, 2]);
    let between = bench.write_late(at(25), at(51), 2, 7, 9);
    assert_eq!(between, OfferOutcome::Accepted);
    assert_eq!(values(&bench.take()), [9, 3, 4]);
}

/// A disposal older than a value must not end the instance that has the value.
#[test]
fn a_late_disposal_does_not_undo_a_later_write() {
    let mut bench = by_source(History::keep_last(1));
    bench.write_late(at(20), at(30), 1, 7, 2);
    assert_eq!(bench.dispose(at(10), 2, 7), OfferOutcome::Dropped(DropReason::OutOfOrder));
    assert_eq!(bench.dispose(at(40), 2, 7), OfferOutcome::Accepted);
    let zombie = bench.write_late(at(35), at(50), 1, 7, 3);
    assert_eq!(zombie, OfferOutcome::Dropped(DropReason::OutOfOrder));
    assert_eq!(bench.take()[0].info.instance_state, InstanceState::NotAliveDisposed);
}

/// Equal timestamps are ordered by writer, in every reader alike.
#[test]
fn ties_are_broken_by_writer_not_by_arrival() {
    for writers in [[1, 2], [2, 1]] {
        let mut bench = by_source(History::keep_last(1));
        for writer in writers {
            bench.write_late(at(10), at(20), writer, 7, writer);
        }
        assert_eq!(values(&bench.take()), [2]);
    }
}

/// DDS 1.4 §2.2.2.5.3.8: samples of an instance are consecutive, unless access is ordered over the
/// topic.
#[test]
fn collections_are_grouped_by_instance_unless_ordered_by_arrival() {
    let qos = DataReaderQos::default().history(History::KEEP_ALL);
    for (order, expected) in
        [(CollectionOrder::ByInstance, [1, 3, 2, 4]), (CollectionOrder::ByArrival, [1, 2, 3, 4])]
    {
        let mut bench = Bench::new(&qos);
        bench.cache.settings.order = order;
        for (key, value) in [(7, 1), (8, 2), (7, 3), (8, 4)] {
            bench.write(at(0), 1, key, value);
        }
        assert_eq!(values(&bench.read()), expected);
        assert_eq!(values(&bench.take()), expected);
    }
}
