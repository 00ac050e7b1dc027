//! HISTORY, RESOURCE_LIMITS (DDS 1.4 §2.2.3.18, §2.2.3.19) and memory.

use dds_qos::{History, Limit, ResourceLimits};

use super::*;
use crate::status::SampleRejectedReason;

fn limits(samples: u32, instances: u32, per_instance: u32) -> ResourceLimits {
    ResourceLimits {
        max_samples: Limit::Finite(samples),
        max_instances: Limit::Finite(instances),
        max_samples_per_instance: Limit::Finite(per_instance),
    }
}

#[test]
fn keep_last_replaces_per_instance_and_keeps_ends() {
    let mut bench = Bench::new(&DataReaderQos::default().history(History::keep_last(2)));
    for value in 1..=3 {
        bench.write(at(0), 1, 7, value);
        bench.write(at(0), 1, 8, 10 + value);
    }
    assert_eq!(values(&bench.read()), [2, 3, 12, 13]);
    // Lives that nobody looks at leave at most one end more than samples.
    for value in 1..=20 {
        bench.dispose(at(1), 1, 7);
        bench.write(at(1), 1, 7, value);
    }
    bench.dispose(at(1), 1, 7);
    let seven = InstanceSelector::This(bench.cache.lookup_instance(&[7]).unwrap());
    let taken = bench.take_by(&Selector { instance: seven, ..Selector::default() });
    assert_eq!(values(&taken), [19, 20]);
    assert_eq!(taken.len(), 2 + 3);
    assert_eq!(taken.last().unwrap().info.disposed_generation_count, 20);
}

#[test]
fn a_full_keep_all_cache_rejects_and_asks_again() {
    let qos = DataReaderQos::default().history(History::KEEP_ALL).resource_limits(limits(3, 2, 2));
    let mut bench = Bench::new(&qos);
    let rejected = |reason, instance| OfferOutcome::Rejected { reason, instance };
    bench.write(at(0), 1, 7, 1);
    bench.write(at(0), 1, 7, 2);
    let seven = bench.cache.lookup_instance(&[7]).unwrap();
    let third = bench.change(at(0), ChangeKind::Alive, 1, &[7, 3]);
    assert_eq!(
        bench.cache.offer(at(0), &third),
        rejected(SampleRejectedReason::SamplesPerInstanceLimit, seven)
    );
    assert!(!bench.cache.wants_retry());
    assert_eq!(bench.write(at(0), 1, 8, 4), OfferOutcome::Accepted);
    let eight = bench.cache.lookup_instance(&[8]).unwrap();
    assert_eq!(bench.write(at(0), 1, 8, 5), rejected(SampleRejectedReason::SamplesLimit, eight));
    assert_eq!(
        bench.write(at(0), 1, 9, 6),
        rejected(SampleRejectedReason::SamplesLimit, InstanceHandle::NIL)
    );
    // Disposals always find room.
    assert_eq!(bench.dispose(at(1), 1, 8), OfferOutcome::Accepted);
    let one = Selector { max_samples: 1, ..Selector::default() };
    assert_eq!(values(&bench.take_by(&one)), [1]);
    assert!(bench.cache.wants_retry());
    assert!(!bench.cache.wants_retry());
    assert_eq!(bench.cache.offer(at(2), &third), OfferOutcome::Accepted);
    assert_eq!(values(&bench.take()), [2, 3, 4]);
    assert_eq!(
        bench.write(at(3), 1, 9, 6),
        rejected(SampleRejectedReason::InstancesLimit, InstanceHandle::NIL)
    );
    bench.unregister(at(4), 1, 8);
    assert!(bench.cache.wants_retry(), "instance 8 is forgotten");
    assert_eq!(bench.write(at(5), 1, 9, 6), OfferOutcome::Accepted);
}

/// At most twice the payload and 256 bytes a sample, however large the datagrams were.
#[test]
fn small_samples_pin_no_datagrams() {
    let mut bench = Bench::new(&DataReaderQos::default().history(History::KEEP_ALL));
    for number in 0..1_000u16 {
        let mut datagram = vec![0; 65_000];
        datagram[100..102].copy_from_slice(&number.to_be_bytes());
        let mut change = bench.change(at(0), ChangeKind::Alive, 1, &[]);
        change.payload = Payload::from(datagram).slice(100, 164);
        assert_eq!(bench.cache.offer(at(0), &change), OfferOutcome::Accepted);
    }
    let entry = size_of::<Stored>() + 2 * size_of::<usize>();
    // A payload's shared header: two counts and a vector.
    let header = 5 * size_of::<usize>();
    let memory = bench.cache.retained_bytes() + bench.cache.samples.len() * (entry + header);
    assert!(memory <= 1_000 * (2 * 64 + 256), "{memory}, entry {entry}");
    bench.take();
    assert_eq!((bench.cache.retained_bytes(), bench.cache.len()), (0, 0));
}

/// In the steady state the same buffer serves again.
#[test]
fn replaced_samples_give_their_buffers_to_new_ones() {
    let mut bench = Bench::new(&DataReaderQos::default());
    let mut addresses = std::collections::HashSet::new();
    for _ in 0..100 {
        let mut change = bench.change(at(0), ChangeKind::Alive, 1, &[]);
        change.payload = Payload::from(vec![7; 4_000]).slice(0, 100);
        bench.cache.offer(at(0), &change);
        addresses.insert(bench.read()[0].payload.as_ptr());
    }
    assert!(addresses.len() <= 2, "{}", addresses.len());
}
