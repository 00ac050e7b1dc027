//! The reader cache on virtual time.

mod model;
mod order;
mod ownership;
mod resources;
mod states;
mod timed;

use dds_qos::{DataReaderQos, Duration};
use dds_rtps::{
    change::{CacheChange, ChangeKind},
    payload::Payload,
    structure::{EntityId, Guid, GuidPrefix, KeyHash, SequenceNumber},
    time::{Monotonic, Now, Timestamp},
};
use dds_types::{DecodeError, DecodeErrorKind, PayloadKind};

use super::*;
use crate::sample::SampleInfo;

/// A keyed type: the first byte is the key, the second the value.
pub(super) const KEYED: TypeSupport = TypeSupport {
    type_name: || "Keyed".into(),
    has_key: true,
    max_key_size: Some(1),
    representations: || &[],
    canonical_key_of: key_of,
    serialize_canonical_key_payload: |_, _, _| Ok(()),
    type_description: || None,
    dynamic: None,
};

/// The same without a key.
pub(super) const KEYLESS: TypeSupport =
    TypeSupport { has_key: false, max_key_size: None, canonical_key_of: |_, _, _| Ok(()), ..KEYED };

fn key_of(payload: &[u8], _: PayloadKind, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let missing = DecodeError { kind: DecodeErrorKind::UnexpectedEnd { needed: 1, available: 0 }, offset: 0 };
    out.push(*payload.first().ok_or(missing)?);
    Ok(())
}

/// Milliseconds on both clocks; wall time starts later.
pub(super) fn at(milliseconds: u64) -> Now {
    Now {
        monotonic: Monotonic::from_nanos(milliseconds * 1_000_000),
        wall: Timestamp::from_nanos((milliseconds + 1_000_000) * 1_000_000),
    }
}

pub(super) fn writer_guid(number: u8) -> Guid {
    Guid::new(GuidPrefix([number; 12]), EntityId([0, 0, 1, 2]))
}

pub(super) fn writer_handle(number: u8) -> InstanceHandle {
    InstanceHandle::from_raw(1_000 + u64::from(number))
}

/// A cache with matched writers, numbering each writer's changes.
pub(super) struct Bench {
    pub(super) cache: ReaderCache,
    numbers: HashMap<u8, i64>,
}

impl Bench {
    pub(super) fn new(qos: &DataReaderQos) -> Self {
        Self::of(qos, KEYED)
    }

    pub(super) fn of(qos: &DataReaderQos, type_support: TypeSupport) -> Self {
        let handles = InstanceHandleAllocator::new();
        let cache = ReaderCache::new(qos, CollectionOrder::ByInstance, type_support, handles);
        let mut bench = Self { cache, numbers: HashMap::new() };
        for writer in 1..=3 {
            bench.matched(writer, 0, Duration::INFINITE);
        }
        bench
    }

    pub(super) fn matched(&mut self, writer: u8, strength: i32, lifespan: Duration) {
        self.cache.writer_matched(MatchedWriter {
            guid: writer_guid(writer),
            handle: writer_handle(writer),
            strength,
            lifespan,
        });
    }

    pub(super) fn change(&mut self, now: Now, kind: ChangeKind, writer: u8, payload: &[u8]) -> CacheChange {
        let number = self.numbers.entry(writer).or_insert(0);
        *number += 1;
        CacheChange {
            kind,
            writer_guid: writer_guid(writer),
            sequence_number: SequenceNumber(*number),
            source_timestamp: Some(now.wall),
            payload: Payload::from(payload),
            ..CacheChange::default()
        }
    }

    /// Keeps a change with data without offering it, if that is possible.
    pub(super) fn keep_in_run(&mut self, now: Now, change: &CacheChange) -> bool {
        let run = self.cache.begin_run(now, change.writer_guid);
        run.is_some_and(|mut run| {
            run.keep_copy(change.sequence_number, change.source_timestamp, &change.payload)
        })
    }

    pub(super) fn write(&mut self, now: Now, writer: u8, key: u8, value: u8) -> OfferOutcome {
        let change = self.change(now, ChangeKind::Alive, writer, &[key, value]);
        self.cache.offer(now, &change)
    }

    /// Written at `written`, arriving at `now`.
    pub(super) fn write_late(
        &mut self,
        written: Now,
        now: Now,
        writer: u8,
        key: u8,
        value: u8,
    ) -> OfferOutcome {
        let change = self.change(written, ChangeKind::Alive, writer, &[key, value]);
        self.cache.offer(now, &change)
    }

    pub(super) fn end(&mut self, now: Now, kind: ChangeKind, writer: u8, key: u8) -> OfferOutcome {
        let change = self.change(now, kind, writer, &[key]);
        self.cache.offer(now, &change)
    }

    pub(super) fn dispose(&mut self, now: Now, writer: u8, key: u8) -> OfferOutcome {
        self.end(now, ChangeKind::NotAliveDisposed, writer, key)
    }

    pub(super) fn unregister(&mut self, now: Now, writer: u8, key: u8) -> OfferOutcome {
        self.end(now, ChangeKind::NotAliveUnregistered, writer, key)
    }

    pub(super) fn take(&mut self) -> Vec<CachedSample> {
        self.take_by(&Selector::default())
    }

    pub(super) fn take_by(&mut self, selector: &Selector<'_>) -> Vec<CachedSample> {
        let mut out = Vec::new();
        assert_eq!(self.cache.take(selector, &mut out), out.len());
        out
    }

    pub(super) fn read(&mut self) -> Vec<CachedSample> {
        self.read_by(&Selector::default())
    }

    pub(super) fn read_by(&mut self, selector: &Selector<'_>) -> Vec<CachedSample> {
        let mut out = Vec::new();
        assert_eq!(self.cache.read(selector, &mut out), out.len());
        out
    }

    pub(super) fn expire(&mut self, now: Now) -> (bool, Vec<crate::cache::DeadlineMissed>) {
        let mut missed = Vec::new();
        (self.cache.expire(now, &mut missed), missed)
    }
}

pub(super) fn values(samples: &[CachedSample]) -> Vec<u8> {
    samples.iter().filter(|sample| sample.info.valid_data).map(|sample| sample.payload[1]).collect()
}

pub(super) fn infos(samples: Vec<CachedSample>) -> Vec<SampleInfo> {
    samples.into_iter().map(|sample| sample.info).collect()
}

#[test]
fn a_disposal_by_key_hash_alone_finds_the_instance() {
    let mut bench = Bench::new(&DataReaderQos::default());
    bench.write(at(0), 1, 5, 0);
    let mut foreign = bench.change(at(0), ChangeKind::Alive, 1, &[6, 0]);
    foreign.key_hash = Some(KeyHash([9; 16]));
    bench.cache.offer(at(0), &foreign);
    bench.take();
    let mut own = [0; 16];
    own[0] = 5;
    for (digest, key) in [(own, 5), ([9; 16], 6)] {
        let mut dispose = bench.change(at(1), ChangeKind::NotAliveDisposed, 1, &[]);
        dispose.key_hash = Some(KeyHash(digest));
        assert_eq!(bench.cache.offer(at(1), &dispose), OfferOutcome::Accepted);
        let taken = bench.take();
        assert_eq!((taken[0].content, &*taken[0].payload), (Content::CanonicalKey, &[key][..]));
    }
    let mut unknown = bench.change(at(2), ChangeKind::NotAliveDisposed, 1, &[]);
    unknown.key_hash = Some(KeyHash([8; 16]));
    assert_eq!(bench.cache.offer(at(2), &unknown), OfferOutcome::Dropped(DropReason::UnknownInstance));
}

#[test]
fn what_has_no_key_or_no_matched_writer_is_dropped() {
    let mut bench = Bench::new(&DataReaderQos::default());
    let keyless = bench.change(at(0), ChangeKind::Alive, 1, &[]);
    let outcome = bench.cache.offer(at(0), &keyless);
    assert!(matches!(outcome, OfferOutcome::Dropped(DropReason::Malformed(_))), "{outcome:?}");
    assert_eq!(bench.write(at(0), 9, 1, 1), OfferOutcome::Dropped(DropReason::UnknownWriter));
    assert_eq!(bench.unregister(at(0), 1, 1), OfferOutcome::Dropped(DropReason::UnknownInstance));
    assert_eq!(bench.cache.instance_count(), 0);
}
