//! History, limits, ownership and lifetimes in virtual time.

use dds_core::{
    qos::{DestinationOrder, DurabilityService, Lifespan, Limit, Ownership},
    rtps::payload::Payload,
};

use super::*;

const SECOND: u64 = 1_000_000_000;

fn at(seconds: u64) -> Now {
    Now {
        monotonic: Monotonic::from_nanos(seconds * SECOND),
        // Another clock with another origin.
        wall: Timestamp::from_nanos((seconds + 1000) * SECOND),
    }
}

fn writer(number: u8) -> Guid {
    Guid::from_bytes([number; 16])
}

struct Bench {
    archive: Archive,
    numbers: HashMap<Guid, i64>,
    removed: Vec<Place>,
}

impl Bench {
    fn new(qos: &PublicationQos) -> Self {
        let mut archive = Archive::new(Rules::new(qos));
        archive.writer_joined(writer(1), 0);
        Self { archive, numbers: HashMap::new(), removed: Vec::new() }
    }

    fn offer(
        &mut self,
        now: Now,
        kind: ChangeKind,
        of: u8,
        instance: u8,
        source: u64,
    ) -> Result<Place, Refusal> {
        let number = self.numbers.entry(writer(of)).or_default();
        *number += 1;
        let record = Record {
            kind,
            instance: [instance; 16],
            key_hash: None,
            source_timestamp: Timestamp::from_nanos((source + 1000) * SECOND),
            writer: writer(of),
            number: SequenceNumber(*number),
            expiry: Timestamp::MAX,
            payload: Payload::from(vec![instance, source as u8]),
        };
        self.archive.admit(now, Incoming { kind, record }, usize::MAX, &mut self.removed)
    }

    fn write(&mut self, seconds: u64, of: u8, instance: u8) -> Result<Place, Refusal> {
        self.offer(at(seconds), ChangeKind::Alive, of, instance, seconds)
    }

    fn expire(&mut self, seconds: u64) {
        self.archive.expire(at(seconds), &mut self.removed);
    }

    /// Instance and source second of what is kept, disposals with `true`, in order.
    fn kept(&self) -> Vec<(u8, u64, bool)> {
        let shown = |record: &Record| {
            let source = record.source_timestamp.as_nanos() / SECOND - 1000;
            (record.instance[0], source, record.kind != ChangeKind::Alive)
        };
        self.archive.records.values().map(shown).collect()
    }
}

fn service(service: DurabilityService) -> PublicationQos {
    PublicationQos { durability_service: service, ..PublicationQos::default() }
}

#[test]
fn keep_last_holds_the_depth_of_each_instance() {
    let mut bench = Bench::new(&service(DurabilityService { history_depth: 2, ..Default::default() }));
    for (second, instance) in [(1, 1), (2, 2), (3, 1), (4, 1), (5, 2)] {
        bench.write(second, 1, instance).unwrap();
    }
    assert_eq!(bench.kept(), [(2, 2, false), (1, 3, false), (1, 4, false), (2, 5, false)]);
    assert_eq!(bench.removed, [1]);
}

#[test]
fn limits_refuse_what_exceeds_them_and_keep_what_is_there() {
    let limits = DurabilityService {
        history_kind: HistoryKind::KeepAll,
        max_samples: Limit::Finite(5),
        max_instances: Limit::Finite(3),
        max_samples_per_instance: Limit::Finite(2),
        ..Default::default()
    };
    let mut bench = Bench::new(&service(limits));
    // Each limit is met while there is room by the others.
    bench.write(1, 1, 1).unwrap();
    bench.write(2, 1, 1).unwrap();
    assert_eq!(bench.write(3, 1, 1), Err(Refusal::Full), "samples of the instance");
    bench.write(4, 1, 2).unwrap();
    bench.write(5, 1, 3).unwrap();
    assert_eq!(bench.write(6, 1, 4), Err(Refusal::Full), "instances");
    bench.write(7, 1, 2).unwrap();
    assert_eq!(bench.write(8, 1, 3), Err(Refusal::Full), "samples");
    let kept = [(1, 1, false), (1, 2, false), (2, 4, false), (3, 5, false), (2, 7, false)];
    assert_eq!(bench.kept(), kept);
    let size = bench.archive.bytes();
    let record = bench.archive.record(1).unwrap().clone();
    let record = Record { number: SequenceNumber(100), ..record };
    let mut bench = Bench::new(&PublicationQos::default());
    let incoming = Incoming { kind: ChangeKind::Alive, record };
    let refused = bench.archive.admit(at(1), incoming, size / 5 - 1, &mut Vec::new());
    assert_eq!(refused, Err(Refusal::Full), "the service's memory");
}

#[test]
fn an_instance_goes_when_it_is_disposed_of_unwritten_and_the_delay_is_over() {
    let delay = Duration::from_secs(10);
    let mut bench =
        Bench::new(&service(DurabilityService { service_cleanup_delay: delay, ..Default::default() }));
    bench.archive.writer_joined(writer(2), 0);
    bench.write(1, 1, 1).unwrap();
    bench.write(2, 2, 1).unwrap();
    bench.offer(at(3), ChangeKind::NotAliveDisposedUnregistered, 1, 1, 3).unwrap();
    assert_eq!(bench.archive.next_timeout(at(3)), Monotonic::NEVER, "the other writer still writes it");
    bench.archive.writer_left(at(20), writer(2));
    assert_eq!(bench.archive.next_timeout(at(20)), at(30).monotonic);
    bench.expire(29);
    assert_eq!(bench.kept(), [(1, 2, false), (1, 3, true)], "a late joiner learns of the disposal");
    bench.expire(30);
    assert!(bench.archive.is_empty() && bench.archive.instance_count() == 0);
    assert_eq!(bench.archive.next_timeout(at(30)), Monotonic::NEVER);
}

#[test]
fn an_instance_that_lives_again_is_not_cleaned_up() {
    let delay = Duration::from_secs(10);
    let mut bench =
        Bench::new(&service(DurabilityService { service_cleanup_delay: delay, ..Default::default() }));
    bench.write(1, 1, 1).unwrap();
    bench.offer(at(2), ChangeKind::NotAliveDisposedUnregistered, 1, 1, 2).unwrap();
    bench.write(3, 1, 1).unwrap();
    bench.expire(60);
    assert_eq!(bench.kept(), [(1, 3, false)], "with depth 1, the former life is forgotten");
    bench.archive.writer_left(at(61), writer(1));
    bench.expire(1000);
    assert_eq!(bench.kept().len(), 1, "nobody disposed of it");
}

#[test]
fn lifespans_end_by_the_source_timestamp_also_while_the_service_is_down() {
    let mut qos = PublicationQos { lifespan: Lifespan(Duration::from_secs(5)), ..PublicationQos::default() };
    qos.durability_service.history_kind = HistoryKind::KeepAll;
    let mut bench = Bench::new(&qos);
    bench.write(1, 1, 1).unwrap();
    bench.write(3, 1, 1).unwrap();
    assert_eq!(bench.offer(at(20), ChangeKind::Alive, 1, 1, 14), Err(Refusal::Expired));
    assert_eq!(bench.archive.next_timeout(at(4)), at(6).monotonic);
    bench.expire(6);
    assert_eq!(bench.kept(), [(1, 3, false)]);
    let stored: Vec<_> = bench.archive.records.clone().into_iter().collect();
    let mut restarted = Archive::new(Rules::new(&qos));
    for (place, record) in stored {
        restarted.restore(place, record);
    }
    // The monotonic clock began anew; the wall clock went on.
    let now = Now { monotonic: Monotonic::from_nanos(1), wall: at(8).wall };
    restarted.expire(now, &mut Vec::new());
    assert!(restarted.is_empty());
}

#[test]
fn the_strongest_alive_writer_owns_an_exclusive_instance() {
    let qos = PublicationQos { ownership: Ownership(OwnershipKind::Exclusive), ..PublicationQos::default() };
    let mut bench = Bench::new(&qos);
    bench.archive.writer_joined(writer(2), 10);
    bench.write(1, 1, 1).unwrap();
    bench.write(2, 2, 1).unwrap();
    assert_eq!(bench.write(3, 1, 1), Err(Refusal::NotOwner));
    assert_eq!(
        bench.offer(at(3), ChangeKind::NotAliveDisposed, 1, 1, 3),
        Err(Refusal::NotOwner),
        "nor may it dispose of it"
    );
    bench.write(4, 1, 2).unwrap();
    bench.archive.writer_liveliness(at(5), writer(2), false);
    bench.write(6, 1, 1).unwrap();
    assert_eq!(bench.kept(), [(2, 4, false), (1, 6, false)]);
}

#[test]
fn by_source_timestamp_the_latest_written_stay() {
    let order = DestinationOrder(DestinationOrderKind::BySourceTimestamp);
    let mut qos = PublicationQos { destination_order: order, ..PublicationQos::default() };
    qos.durability_service.history_depth = 2;
    let mut bench = Bench::new(&qos);
    bench.offer(at(1), ChangeKind::Alive, 1, 1, 10).unwrap();
    bench.offer(at(2), ChangeKind::Alive, 1, 1, 20).unwrap();
    assert_eq!(bench.offer(at(3), ChangeKind::Alive, 1, 1, 5), Err(Refusal::OutOfOrder));
    bench.offer(at(4), ChangeKind::Alive, 1, 1, 15).unwrap();
    assert_eq!(bench.kept(), [(1, 20, false), (1, 15, false)]);
}

#[test]
fn what_was_here_before_is_not_taken_again() {
    let mut bench = Bench::new(&PublicationQos::default());
    bench.write(1, 1, 1).unwrap();
    bench.numbers.clear();
    assert_eq!(bench.write(2, 1, 1), Err(Refusal::Repeat));
    assert_eq!(bench.write(2, 9, 1), Err(Refusal::UnknownWriter));
    bench.archive.writer_left(at(3), writer(1));
    assert_eq!(bench.archive.absent_writers(), [writer(1)], "as long as there is something of it");
    let mut empty = Bench::new(&PublicationQos::default());
    empty.archive.writer_left(at(3), writer(1));
    assert_eq!(empty.archive.take_forgotten_writers(), [writer(1)]);
}

#[test]
fn disposals_without_end_take_bounded_memory() {
    let depth = DurabilityService { history_depth: 3, ..Default::default() };
    let mut bench = Bench::new(&service(depth));
    for second in 0..1000 {
        bench.write(second, 1, 1).unwrap();
        bench.offer(at(second), ChangeKind::NotAliveDisposed, 1, 1, second).unwrap();
    }
    assert!(bench.archive.len() <= 7, "{:?}", bench.kept());
    assert_eq!(bench.kept().last(), Some(&(1, 999, true)));
}
