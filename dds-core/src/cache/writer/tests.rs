//! The writer cache on virtual time.

use std::collections::{BTreeMap, BTreeSet};

use dds_qos::{Deadline, Durability, History, Lifespan, Limit, ResourceLimits, WriterDataLifecycle};
use proptest::prelude::*;

use super::*;

fn at(milliseconds: u64) -> Now {
    Now {
        monotonic: Monotonic::from_nanos(milliseconds * 1_000_000),
        wall: Timestamp::from_nanos((milliseconds + 1_000_000) * 1_000_000),
    }
}

struct Bench {
    cache: WriterCache,
    last: i64,
}

impl Bench {
    fn new(qos: DataWriterQos) -> Self {
        Self { cache: WriterCache::new(&qos, InstanceHandleAllocator::new()), last: 0 }
    }

    fn admit(&mut self, now: Now, kind: ChangeKind, key: u8) -> Admission {
        let request = WriteRequest {
            kind,
            instance: &InstanceKey::Canonical(&[key]),
            sequence_number: SequenceNumber(self.last + 1),
            source_timestamp: now.wall,
        };
        let admission = self.cache.admit(now, &request);
        self.last += i64::from(matches!(admission, Admission::Admitted { .. }));
        admission
    }

    /// The numbers that the change replaces.
    fn evicted(&mut self, now: Now, kind: ChangeKind, key: u8) -> Vec<i64> {
        match self.admit(now, kind, key) {
            Admission::Admitted { evict, .. } => evict.iter().map(|number| number.0).collect(),
            refused => panic!("{refused:?}"),
        }
    }

    fn write(&mut self, key: u8) -> Vec<i64> {
        self.evicted(at(0), ChangeKind::Alive, key)
    }

    fn acknowledged(&mut self, number: i64) -> Vec<i64> {
        let mut released = Vec::new();
        self.cache.acknowledged(SequenceNumber(number), &mut released);
        released.iter().map(|number| number.0).collect()
    }
}

fn durable() -> DataWriterQos {
    DataWriterQos::default().durability(Durability::TRANSIENT_LOCAL)
}

const NONE: Vec<i64> = Vec::new();

/// DDS 1.4 §2.2.3.18.
#[test]
fn keep_last_replaces_per_instance() {
    let mut bench = Bench::new(durable().history(History::keep_last(2)));
    assert_eq!(bench.write(7), NONE);
    assert_eq!(bench.write(8), NONE);
    assert_eq!(bench.write(7), NONE);
    assert_eq!(bench.write(7), [1]);
    assert_eq!(bench.evicted(at(0), ChangeKind::NotAliveDisposed, 7), NONE);
    assert_eq!(bench.evicted(at(0), ChangeKind::NotAliveDisposed, 7), [5], "said again");
    assert_eq!(bench.write(7), [3]);
    assert_eq!(bench.write(7), [4]);
    assert_eq!(bench.write(7), [6, 7], "with the disposal before it");
    assert_eq!(bench.write(8), NONE);
}

/// DDS 1.4 §2.2.3.19, §2.2.2.4.2.11.
#[test]
fn a_full_history_says_what_to_wait_for() {
    let limits = ResourceLimits {
        max_samples: Limit::Finite(3),
        max_instances: Limit::Finite(2),
        max_samples_per_instance: Limit::Finite(2),
    };
    let qos = DataWriterQos::default().history(History::KEEP_ALL).resource_limits(limits);
    let mut bench = Bench::new(qos.clone());
    bench.write(7);
    bench.write(7);
    let full = |resource, limit, wait_for| Admission::Full { resource, limit, wait_for };
    let wait = WaitFor::Acknowledgment;
    assert_eq!(bench.admit(at(0), ChangeKind::Alive, 7), full(Resource::MaxSamplesPerInstance, 2, wait));
    bench.write(8);
    assert_eq!(bench.admit(at(0), ChangeKind::Alive, 8), full(Resource::MaxSamples, 3, wait));
    assert_eq!(bench.evicted(at(0), ChangeKind::NotAliveDisposed, 8), NONE, "ends always fit");
    assert_eq!(bench.acknowledged(1), [1]);
    assert_eq!(bench.write(7), NONE);
    assert_eq!(bench.acknowledged(2), [2]);
    let instances = full(Resource::MaxInstances, 2, WaitFor::Application);
    assert_eq!(bench.admit(at(0), ChangeKind::Alive, 9), instances);
    assert_eq!(bench.cache.register_instance(&[9]), Err(instances));

    let mut bench = Bench::new(qos.durability(Durability::TRANSIENT_LOCAL));
    bench.write(7);
    bench.write(7);
    let hopeless = full(Resource::MaxSamplesPerInstance, 2, WaitFor::Application);
    assert_eq!(bench.admit(at(0), ChangeKind::Alive, 7), hopeless);
    assert_eq!(bench.acknowledged(2), NONE);
}

/// DDS 1.4 §2.2.2.4.2.5, §2.2.2.4.2.7, §2.2.2.4.2.13, §2.2.3.21.
#[test]
fn instances_are_registered_until_they_are_not() {
    let lifecycle = WriterDataLifecycle { autodispose_unregistered_instances: false };
    let mut bench = Bench::new(DataWriterQos::default().writer_data_lifecycle(lifecycle));
    assert_eq!(bench.cache.unregister_kind(), ChangeKind::NotAliveUnregistered);
    bench.cache.update_qos(&DataWriterQos::default());
    assert_eq!(bench.cache.unregister_kind(), ChangeKind::NotAliveDisposedUnregistered);
    assert_eq!(bench.admit(at(0), ChangeKind::NotAliveDisposed, 7), Admission::NotRegistered);
    let seven = bench.cache.register_instance(&[7]).unwrap();
    assert_eq!(bench.cache.register_instance(&[7]), Ok(seven));
    assert_eq!(bench.cache.lookup_instance(&[7]), Some(seven));
    assert_eq!(bench.cache.key_value(seven), Some(&[7][..]));
    bench.write(8);
    assert_eq!(bench.cache.registered_instances().count(), 2);
    let by_handle = WriteRequest {
        kind: ChangeKind::NotAliveUnregistered,
        instance: &InstanceKey::Handle(seven),
        sequence_number: SequenceNumber(2),
        source_timestamp: at(0).wall,
    };
    assert!(matches!(bench.cache.admit(at(0), &by_handle), Admission::Admitted { .. }));
    bench.last = 2;
    assert_eq!(bench.cache.admit(at(0), &by_handle), Admission::NotRegistered);
    assert_eq!(bench.cache.registered_instances().count(), 1);
    assert_eq!(bench.acknowledged(2), [1, 2]);
    assert_eq!(bench.cache.lookup_instance(&[7]), None);
    assert!(bench.cache.lookup_instance(&[8]).is_some(), "still registered");
    assert!(bench.cache.is_empty());
}

/// A late joiner need not hear of what is disposed of and unregistered, so that a writer of
/// short-lived instances keeps nothing.
#[test]
fn a_durable_history_forgets_ended_instances() {
    let mut bench = Bench::new(durable());
    bench.write(7);
    bench.evicted(at(0), ChangeKind::NotAliveDisposedUnregistered, 7);
    bench.write(8);
    bench.evicted(at(0), ChangeKind::NotAliveUnregistered, 8);
    assert_eq!(bench.acknowledged(1), NONE);
    assert_eq!(bench.acknowledged(4), [1, 2]);
    assert_eq!(bench.cache.lookup_instance(&[7]), None);
    assert!(bench.cache.lookup_instance(&[8]).is_some(), "its value stands");
    bench.write(9);
    bench.evicted(at(0), ChangeKind::NotAliveDisposedUnregistered, 9);
    assert_eq!(bench.write(9), [5]);
    assert_eq!(bench.acknowledged(7), NONE, "alive again");
}

/// DDS 1.4 §2.2.3.7, §2.2.3.16.
#[test]
fn deadlines_and_lifespans_run_per_instance_and_sample() {
    let qos = DataWriterQos::default()
        .history(History::KEEP_ALL)
        .deadline(Deadline(Duration::from_millis(10)))
        .lifespan(Lifespan(Duration::from_millis(25)));
    let mut bench = Bench::new(qos);
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
    bench.evicted(at(0), ChangeKind::Alive, 7);
    bench.evicted(at(5), ChangeKind::Alive, 8);
    let seven = bench.cache.lookup_instance(&[7]).unwrap();
    assert_eq!(bench.cache.next_timeout(), at(10).monotonic);
    let (mut expired, mut missed) = (vec![], vec![]);
    bench.cache.expire(at(14).monotonic, &mut expired, &mut missed);
    assert_eq!((expired.len(), &missed[..]), (0, &[DeadlineMissed { instance: seven, periods: 1 }][..]));
    bench.evicted(at(15), ChangeKind::NotAliveDisposed, 7);
    bench.evicted(at(15), ChangeKind::NotAliveDisposed, 8);
    assert_eq!(bench.cache.next_timeout(), at(25).monotonic);
    bench.cache.expire(at(30).monotonic, &mut expired, &mut missed);
    assert_eq!(expired, [SequenceNumber(1), SequenceNumber(2)]);
    assert_eq!(missed.len(), 1);
    assert_eq!(bench.cache.next_timeout(), Monotonic::NEVER);
    assert_eq!(bench.cache.len(), 2, "the disposals");
}

proptest! {
    /// What the cache says it holds is what it was given and did not give back, within the limits.
    #[test]
    fn books_balance(
        depth in prop::option::of(1u32..4),
        is_durable in any::<bool>(),
        max_samples in 1u32..10,
        steps in prop::collection::vec((0u8..12, 1u8..5), 1..200),
    ) {
        let durability = if is_durable { Durability::TRANSIENT_LOCAL } else { Durability::VOLATILE };
        let limits = ResourceLimits { max_samples: Limit::Finite(max_samples), ..ResourceLimits::default() };
        let history = depth.map_or(History::KEEP_ALL, History::keep_last);
        let qos = DataWriterQos::default().durability(durability).history(history).resource_limits(limits);
        let mut bench = Bench::new(qos);
        let mut held: BTreeMap<i64, (ChangeKind, u8)> = BTreeMap::new();
        for (action, key) in steps {
            let kind = match action {
                0..=6 => ChangeKind::Alive,
                7 => ChangeKind::NotAliveDisposed,
                8 => ChangeKind::NotAliveUnregistered,
                9 => ChangeKind::NotAliveDisposedUnregistered,
                _ => {
                    let number = bench.last.saturating_sub(i64::from(key));
                    for released in bench.acknowledged(number) {
                        prop_assert!(released <= number);
                        prop_assert!(held.remove(&released).is_some());
                    }
                    if !is_durable {
                        prop_assert!(held.keys().all(|held| *held > number));
                    }
                    continue;
                }
            };
            if let Admission::Admitted { evict, .. } = bench.admit(at(0), kind, key) {
                for evicted in evict {
                    let gone = held.remove(&evicted.0);
                    prop_assert_eq!(gone.map(|(_, key)| key), Some(key));
                }
                held.insert(bench.last, (kind, key));
            }
            prop_assert_eq!(bench.cache.len(), held.len());
            let alive = |key: Option<u8>| {
                let wanted = held.values().filter(|held| held.0 == ChangeKind::Alive);
                wanted.filter(|held| key.is_none_or(|key| held.1 == key)).count()
            };
            prop_assert!(alive(None) <= max_samples as usize);
            for key in held.values().map(|held| held.1).collect::<BTreeSet<_>>() {
                prop_assert!(depth.is_none_or(|depth| alive(Some(key)) <= depth as usize));
                let ends = held.values().filter(|held| held.1 == key).count() - alive(Some(key));
                prop_assert!(ends <= 2 * (alive(Some(key)) + 1), "{ends} ends of {key}");
            }
        }
    }
}
