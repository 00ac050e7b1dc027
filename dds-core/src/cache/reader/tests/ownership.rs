//! OWNERSHIP (DDS 1.4 §2.2.3.9).

use dds_qos::{Deadline, Ownership};

use super::*;

fn exclusive() -> Bench {
    let mut bench = Bench::new(&DataReaderQos::default().ownership(Ownership::EXCLUSIVE));
    for (writer, strength) in [(1, 10), (2, 20), (3, 10)] {
        bench.matched(writer, strength, Duration::INFINITE);
    }
    bench
}

const NOT_OWNER: OfferOutcome = OfferOutcome::Dropped(DropReason::NotOwner);

#[test]
fn the_strongest_writer_owns_each_instance_by_itself() {
    let mut bench = exclusive();
    assert_eq!(bench.write(at(0), 1, 7, 1), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(1), 2, 7, 2), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(2), 1, 7, 3), NOT_OWNER);
    assert_eq!(bench.dispose(at(2), 1, 7), NOT_OWNER);
    assert_eq!(bench.write(at(3), 1, 8, 4), OfferOutcome::Accepted, "another instance");
    assert_eq!(values(&bench.take()), [2, 4]);
}

#[test]
fn of_equally_strong_writers_the_lower_guid_owns() {
    let mut bench = exclusive();
    assert_eq!(bench.write(at(0), 3, 7, 3), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(1), 1, 7, 1), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(2), 3, 7, 3), NOT_OWNER);
}

#[test]
fn ownership_passes_on_when_the_owner_leaves() {
    type Leave = fn(&mut Bench);
    let leaves: [Leave; 3] = [
        |bench| assert!(!bench.cache.writer_unmatched(at(3), writer_guid(2))),
        |bench| assert!(!bench.cache.writer_not_alive(at(3), writer_guid(2))),
        |bench| {
            let kind = ChangeKind::NotAliveUnregistered;
            assert_eq!(bench.end(at(3), kind, 2, 7), OfferOutcome::Dropped(DropReason::NoChange));
        },
    ];
    for leave in leaves {
        let mut bench = exclusive();
        for writer in [1, 3, 2] {
            bench.write(at(0), writer, 7, 0);
        }
        leave(&mut bench);
        assert_eq!(bench.write(at(4), 3, 7, 3), NOT_OWNER, "writer 1 is next");
        assert_eq!(bench.write(at(5), 1, 7, 1), OfferOutcome::Accepted);
    }
}

#[test]
fn a_changed_strength_counts_from_the_next_sample() {
    let mut bench = exclusive();
    bench.write(at(0), 2, 7, 2);
    assert_eq!(bench.write(at(1), 1, 7, 1), NOT_OWNER);
    bench.matched(1, 30, Duration::INFINITE);
    assert_eq!(bench.write(at(2), 1, 7, 1), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(3), 2, 7, 2), NOT_OWNER);
}

/// DDS 1.4 §2.2.3.9.2: an owner that misses its deadline loses the instance.
#[test]
fn a_missed_deadline_frees_the_instance() {
    let mut bench = exclusive();
    let deadline = Deadline(Duration::from_millis(10));
    bench.cache.update_qos(&DataReaderQos::default().ownership(Ownership::EXCLUSIVE).deadline(deadline));
    bench.write(at(0), 2, 7, 2);
    assert_eq!(bench.write(at(1), 1, 7, 1), NOT_OWNER);
    assert_eq!(bench.expire(at(10)).1.len(), 1);
    assert_eq!(bench.write(at(11), 1, 7, 1), OfferOutcome::Accepted);
    assert_eq!(bench.write(at(12), 2, 7, 2), OfferOutcome::Accepted, "the stronger one takes it back");
}
