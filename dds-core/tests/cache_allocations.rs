//! In the steady state the caches allocate nothing, however many instances and samples they hold.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use dds_core::{
    cache::{
        Admission, CollectionOrder, InstanceKey, MatchedWriter, OfferOutcome, ReaderCache, Selector,
        WriteRequest, WriterCache,
    },
    instance::{InstanceHandle, InstanceHandleAllocator},
    qos::{DataReaderQos, DataWriterQos, Deadline, Durability, Duration, History, Lifespan, Ownership},
    rtps::{
        change::{CacheChange, ChangeKind},
        structure::{EntityId, Guid, GuidPrefix, SequenceNumber},
        time::{Monotonic, Now, Timestamp},
    },
    type_support::TypeSupport,
};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const KEYED: TypeSupport = TypeSupport {
    type_name: || "Keyed".into(),
    has_key: true,
    max_key_size: None,
    representations: || &[],
    canonical_key_of: |payload, _, out| {
        out.extend_from_slice(&payload[..4]);
        Ok(())
    },
    serialize_canonical_key_payload: |_, _, _| Ok(()),
    type_description: || None,
    dynamic: None,
};

const WRITER: Guid = Guid::new(GuidPrefix([1; 12]), EntityId([0, 0, 1, 2]));
const SAMPLES: u64 = 10_000;

fn now(number: u64) -> Now {
    Now { monotonic: Monotonic::from_nanos(number * 1_000), wall: Timestamp::from_nanos(number * 1_000) }
}

/// Allocations of `SAMPLES` runs of `step`, after as many to warm up.
fn steady(mut step: impl FnMut(u64)) -> u64 {
    (1..=SAMPLES).for_each(&mut step);
    let before = ALLOCATIONS.get();
    (SAMPLES + 1..=2 * SAMPLES).for_each(&mut step);
    ALLOCATIONS.get() - before
}

fn offer(cache: &mut ReaderCache, number: u64, instances: u64) {
    let mut bytes = [0; 200];
    bytes[..4].copy_from_slice(&((number % instances) as u32).to_be_bytes());
    let change = CacheChange {
        writer_guid: WRITER,
        sequence_number: SequenceNumber(number as i64),
        source_timestamp: Some(now(number).wall),
        payload: cache.copy(&bytes),
        ..CacheChange::default()
    };
    assert_eq!(cache.offer(now(number), &change), OfferOutcome::Accepted);
}

fn reader(qos: &DataReaderQos) -> ReaderCache {
    let order = CollectionOrder::ByInstance;
    let mut cache = ReaderCache::new(qos, order, KEYED, InstanceHandleAllocator::new());
    let handle = InstanceHandle::from_raw(1_000_000);
    let lifespan = Duration::from_secs(1_000);
    cache.writer_matched(MatchedWriter { guid: WRITER, handle, strength: 1, lifespan });
    cache
}

#[test]
fn replacing_samples_allocates_nothing() {
    for instances in [1, 1_000] {
        for depth in [1, 4] {
            let qos = DataReaderQos::default()
                .history(History::keep_last(depth))
                .deadline(Deadline(Duration::from_secs(1_000)))
                .ownership(Ownership::EXCLUSIVE);
            let mut cache = reader(&qos);
            let allocations = steady(|number| offer(&mut cache, number, instances));
            assert_eq!(allocations, 0, "{instances} instances, depth {depth}");
        }
    }
}

#[test]
fn taking_samples_allocates_nothing() {
    let mut cache = reader(&DataReaderQos::default().history(History::KEEP_ALL));
    let mut taken = Vec::with_capacity(64);
    let allocations = steady(|number| {
        offer(&mut cache, number, 10);
        if number % 50 == 0 {
            assert_eq!(cache.take(&Selector::default(), &mut taken), 50);
            taken.drain(..).for_each(|sample| cache.recycle(sample.payload));
        }
    });
    assert_eq!(allocations, 0);
}

#[test]
fn writing_allocates_nothing() {
    let durable = DataWriterQos::default().durability(Durability::TRANSIENT_LOCAL);
    let keep_all = DataWriterQos::default()
        .history(History::KEEP_ALL)
        .lifespan(Lifespan(Duration::from_secs(1_000)))
        .deadline(Deadline(Duration::from_secs(1_000)));
    for qos in [durable, keep_all] {
        let mut cache = WriterCache::new(&qos, InstanceHandleAllocator::new());
        let mut released = Vec::with_capacity(64);
        let allocations = steady(|number| {
            let key = ((number % 100) as u32).to_be_bytes();
            let request = WriteRequest {
                kind: ChangeKind::Alive,
                instance: &InstanceKey::Canonical(&key),
                sequence_number: SequenceNumber(number as i64),
                source_timestamp: now(number).wall,
            };
            assert!(matches!(cache.admit(now(number), &request), Admission::Admitted { .. }));
            if number % 20 == 0 {
                released.clear();
                cache.acknowledged(SequenceNumber(number as i64), &mut released);
            }
        });
        assert_eq!(allocations, 0);
    }
}
