//! A writer and its readers on virtual time, over a network that loses, doubles and reorders.

mod filtered;
mod groups;
mod shared;

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec,
    vec::Vec,
};
use std::println;

use fastrand::Rng;
use smallvec::smallvec;

use super::*;
use crate::{
    change::{Audience, CacheChange},
    message::{
        AckNack, Datagram, FragmentNumberSet, Heartbeat, MessageReceiver, NackFrag, SequenceNumberSet,
        Submessage,
    },
    payload::Payload,
    reader::{Defragmenter, FragmentArrival, Offer, ReaderConfig, StatefulReader, WriterProxyConfig},
    structure::{Count, EntityId, EntityKind, FragmentNumber, Guid, LocatorKind, SequenceNumber, VendorId},
    time::{Duration, Monotonic},
};

const WRITER: Guid = Guid::new(GuidPrefix([1; 12]), EntityId::new(1, EntityKind::WRITER_NO_KEY));

fn reader_guid(number: u8) -> Guid {
    Guid::new(GuidPrefix([number; 12]), EntityId::new(1, EntityKind::READER_NO_KEY))
}

struct Side {
    machine: StatefulReader,
    fragments: Defragmenter,
    got: Vec<Vec<u8>>,
    room: usize,
}

struct World {
    now: Monotonic,
    random: Rng,
    loss_percent: u64,
    writer: StatefulWriter,
    readers: BTreeMap<Guid, Side>,
    /// Readers that get nothing by groups.
    deaf: BTreeSet<Guid>,
    /// Arrival time, tie-breaker, destination, bytes.
    wire: BTreeMap<(Monotonic, u64), (GuidPrefix, Vec<u8>)>,
    sent: u64,
}

impl World {
    fn new(seed: u64, loss_percent: u64) -> Self {
        println!("seed {seed}");
        Self {
            now: Monotonic::ZERO,
            random: Rng::with_seed(seed),
            loss_percent,
            writer: StatefulWriter::new(WriterConfig::new(WRITER)),
            readers: BTreeMap::new(),
            deaf: BTreeSet::new(),
            wire: BTreeMap::new(),
            sent: 0,
        }
    }

    fn add_reader(&mut self, number: u8, replay: Replay) -> Guid {
        self.add_filtered(number, replay, None)
    }

    fn add_reader_of(&mut self, vendor: VendorId, number: u8) -> Guid {
        let mut guid = reader_guid(number);
        guid.prefix.0[..2].copy_from_slice(&vendor.0);
        self.add(guid, number, Replay::None, None)
    }

    fn add_filtered(&mut self, number: u8, replay: Replay, filter: Option<ReaderFilter>) -> Guid {
        self.add(reader_guid(number), number, replay, filter)
    }

    fn add(&mut self, guid: Guid, number: u8, replay: Replay, filter: Option<ReaderFilter>) -> Guid {
        self.add_at(Locator::udp_v4([192, 0, 2, number], 7411), guid, replay, filter)
    }

    fn add_at(&mut self, locator: Locator, guid: Guid, replay: Replay, filter: Option<ReaderFilter>) -> Guid {
        let mut machine = StatefulReader::new(ReaderConfig::new(guid));
        let locators = smallvec![locator];
        machine.match_writer(
            self.now,
            WriterProxyConfig {
                guid: WRITER,
                locators: smallvec![Locator::udp_v4([192, 0, 2, 1], 7411)],
                reliable: true,
            },
        );
        self.writer.match_reader(ReaderProxyConfig {
            group: None,
            filter,
            guid,
            locators,
            reliable: true,
            expects_inline_qos: false,
            replay,
        });
        let side = Side { machine, fragments: Defragmenter::default(), got: Vec::new(), room: usize::MAX };
        self.readers.insert(guid, side);
        guid
    }

    fn write(&mut self, bytes: Vec<u8>) -> SequenceNumber {
        self.writer.add_change(CacheChange {
            writer_guid: WRITER,
            payload: Payload::from(bytes),
            ..CacheChange::default()
        })
    }

    fn transmit(&mut self, to: GuidPrefix, bytes: Vec<u8>) {
        self.sent += 1;
        let copies = if self.random.u64(..100) < self.loss_percent {
            0
        } else {
            1 + u64::from(self.random.u64(..20) == 0)
        };
        for _ in 0..copies {
            let delay = Duration::from_nanos(100_000 + self.random.u64(..3_000_000));
            self.wire.insert((self.now.after(delay), self.sent), (to, bytes.clone()));
            self.sent += 1;
        }
    }

    fn flush(&mut self) {
        let mut out = Datagram::new();
        while let Some(destinations) = self.writer.poll_transmit(self.now, &mut out) {
            for (prefix, _) in destinations {
                out.set_destination(prefix);
                if prefix != GuidPrefix::UNKNOWN {
                    self.transmit(prefix, out.to_vec());
                    continue;
                }
                let members = self.readers.keys().filter(|guid| !self.deaf.contains(guid));
                for prefix in members.map(|guid| guid.prefix).collect::<BTreeSet<_>>() {
                    self.transmit(prefix, out.to_vec());
                }
            }
        }
        let guids: Vec<Guid> = self.readers.keys().copied().collect();
        for guid in guids {
            while let Some(side) = self.readers.get_mut(&guid) {
                let Some(to) = side.machine.poll_transmit(self.now, Some(&side.fragments), &mut out) else {
                    break;
                };
                self.transmit(to[0].0, out.to_vec());
            }
        }
    }

    fn arrive(&mut self, to: GuidPrefix, bytes: &[u8]) {
        let now = self.now;
        let mut receiver = MessageReceiver::new(bytes, to).unwrap();
        while let Some(next) = receiver.next_submessage() {
            let (context, submessage) = next.unwrap();
            let source = context.source_prefix;
            if to == WRITER.prefix {
                match submessage {
                    Submessage::AckNack(acknack) => {
                        self.writer.handle_ack_nack(now, source, &acknack);
                    }
                    Submessage::NackFrag(nack) => self.writer.handle_nack_frag(source, &nack),
                    other => panic!("{other:?}"),
                }
                continue;
            }
            let Some(side) = self.readers.values_mut().find(|side| side.machine.guid().prefix == to) else {
                return;
            };
            let Side { machine, fragments, got, room } = side;
            let mut offer = |change: &mut CacheChange| {
                if got.len() >= *room {
                    return Offer::NoRoom;
                }
                got.push(change.payload.to_vec());
                Offer::Done
            };
            match submessage {
                Submessage::Data(data) => {
                    let mut change = CacheChange {
                        writer_guid: WRITER,
                        sequence_number: data.writer_sn,
                        payload: Payload::from(data.payload.bytes()),
                        ..CacheChange::default()
                    };
                    machine.handle_change(&mut change, &mut offer);
                }
                Submessage::DataFrag(fragment) => {
                    if !machine.wants(WRITER, fragment.writer_sn) {
                        continue;
                    }
                    let number = fragment.writer_sn;
                    let template = || CacheChange {
                        writer_guid: WRITER,
                        sequence_number: number,
                        ..CacheChange::default()
                    };
                    if let FragmentArrival::Complete(mut change) =
                        fragments.handle_data_frag(now, &fragment, template)
                    {
                        machine.handle_change(&mut change, &mut offer);
                    }
                }
                Submessage::Heartbeat(heartbeat) => {
                    machine.handle_heartbeat(now, source, &heartbeat, &mut offer)
                }
                Submessage::Gap(gap) => machine.handle_gap(source, &gap, &mut offer),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Runs until nothing is unacknowledged, at most a minute of virtual time.
    fn settle(&mut self) {
        let limit = self.now.after(Duration::from_secs(60));
        loop {
            self.flush();
            let arrival = self.wire.keys().next().map(|(at, _)| *at);
            let timers = self.readers.values().filter_map(|side| side.machine.poll_timeout());
            let Some(next) = timers.chain(self.writer.poll_timeout()).chain(arrival).min() else { break };
            assert!(next < limit, "nothing settles: {:?}", self.writer.statistics());
            self.now = self.now.max(next);
            while let Some(entry) = self.wire.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let (to, bytes) = entry.remove();
                self.arrive(to, &bytes);
            }
            self.writer.handle_timeout(self.now);
        }
    }
}

fn value(number: u32, length: usize) -> Vec<u8> {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(length.max(4), number as u8);
    bytes
}

#[test]
fn everything_arrives_once_and_in_order_under_loss_duplication_and_reordering() {
    for seed in 1..30 {
        let mut world = World::new(seed * 7919, 30);
        let readers = [world.add_reader(2, Replay::None), world.add_reader(3, Replay::None)];
        let mut expected = Vec::new();
        for number in 0..200 {
            let bytes = value(number, if number % 20 == 7 { 20_000 } else { 40 });
            expected.push(bytes.clone());
            world.write(bytes);
            if number % 10 == 0 {
                world.flush();
            }
        }
        world.settle();
        for reader in readers {
            assert!(
                world.readers[&reader].got == expected,
                "reader {reader}: {}",
                world.readers[&reader].got.len()
            );
        }
        assert!(world.writer.is_acknowledged(world.writer.history().last_number()));
    }
}

#[test]
fn a_late_joiner_gets_the_history_only_when_it_is_kept_for_it() {
    let mut world = World::new(11, 20);
    let early = world.add_reader(2, Replay::None);
    for number in 0..20 {
        world.write(value(number, if number == 3 { 9_000 } else { 8 }));
    }
    world.settle();
    let volatile = world.add_reader(3, Replay::None);
    let durable = world.add_reader(4, Replay::All);
    world.write(value(20, 8));
    world.settle();
    assert_eq!(world.readers[&early].got.len(), 21);
    assert_eq!(world.readers[&volatile].got, vec![value(20, 8)]);
    assert_eq!(world.readers[&durable].got, world.readers[&early].got);
    assert_eq!(world.readers[&volatile].machine.statistics().lost, 0);
}

#[test]
fn who_joins_gets_nothing_of_a_batch_that_was_written_before() {
    let mut world = World::new(3, 0);
    world.write(value(0, 100));
    let first = world.add_reader(2, Replay::None);
    world.flush();
    world.write(value(1, 100));
    world.write(value(2, 5_000));
    let second = world.add_reader(3, Replay::None);
    world.write(value(3, 100));
    world.flush();
    world.settle();
    assert_eq!(world.readers[&first].got, [value(1, 100), value(2, 5_000), value(3, 100)]);
    assert_eq!(world.readers[&second].got, [value(3, 100)]);
}

#[test]
fn replaced_changes_are_gaps_and_not_waited_for() {
    let mut world = World::new(5, 40);
    let reader = world.add_reader(2, Replay::None);
    for number in 0..100 {
        let this = world.write(value(number, 8));
        world.flush();
        if number > 0 {
            world.writer.remove_change(this.previous());
        }
    }
    world.settle();
    let got = &world.readers[&reader].got;
    assert_eq!(got.last(), Some(&value(99, 8)));
    assert!(got.is_sorted());
}

#[test]
fn a_directed_change_reaches_its_reader_alone() {
    let mut world = World::new(9, 25);
    let (one, two) = (world.add_reader(2, Replay::None), world.add_reader(3, Replay::None));
    world.write(value(0, 8));
    world.writer.add_change(CacheChange {
        writer_guid: WRITER,
        payload: Payload::from(value(1, 8)),
        audience: Audience::only(two),
        ..CacheChange::default()
    });
    world.write(value(2, 8));
    world.settle();
    assert_eq!(world.readers[&one].got, vec![value(0, 8), value(2, 8)]);
    assert_eq!(world.readers[&two].got, vec![value(0, 8), value(1, 8), value(2, 8)]);
}

#[test]
fn a_change_withheld_from_some_reaches_the_others_and_whoever_comes_later() {
    let mut world = World::new(11, 25);
    let (one, two) = (world.add_reader(2, Replay::None), world.add_reader(3, Replay::None));
    world.write(value(0, 8));
    let others = Arc::new(BTreeSet::from([one]));
    for number in 1..40 {
        world.writer.add_change(CacheChange {
            writer_guid: WRITER,
            payload: Payload::from(value(number, 8)),
            audience: Audience::all_but(others.clone()),
            ..CacheChange::default()
        });
    }
    world.write(value(40, 8));
    world.settle();
    let late = world.add_reader(4, Replay::All);
    world.settle();
    let all: Vec<_> = (0..=40).map(|number| value(number, 8)).collect();
    assert_eq!(world.readers[&one].got, vec![value(0, 8), value(40, 8)]);
    assert_eq!(world.readers[&two].got, all);
    assert_eq!(world.readers[&late].got, all);
    assert!(world.writer.is_acknowledged(SequenceNumber(41)));
}

#[test]
fn changes_withheld_side_by_side_are_one_gap() {
    let mut writer = StatefulWriter::new(WriterConfig::new(WRITER));
    writer.match_reader(ReaderProxyConfig {
        group: None,
        guid: reader_guid(2),
        locators: smallvec![Locator::udp_v4([192, 0, 2, 2], 7411)],
        reliable: true,
        expects_inline_qos: false,
        replay: Replay::None,
        filter: None,
    });
    let mut out = Datagram::new();
    while writer.poll_transmit(Monotonic::ZERO, &mut out).is_some() {}
    let others = Arc::new(BTreeSet::from([reader_guid(2)]));
    for _ in 0..1000 {
        let audience = Audience::all_but(others.clone());
        writer.add_change(CacheChange {
            payload: Payload::from(value(0, 8)),
            audience,
            ..Default::default()
        });
    }
    let mut gaps = Vec::new();
    while writer.poll_transmit(Monotonic::ZERO, &mut out).is_some() {
        let bytes = out.to_vec();
        let mut receiver = MessageReceiver::new(&bytes, reader_guid(2).prefix).unwrap();
        while let Some(Ok((_, submessage))) = receiver.next_submessage() {
            match submessage {
                Submessage::Gap(gap) => gaps.push((gap.gap_start.0, gap.gap_list.base().0)),
                Submessage::Data(_) => panic!("data is withheld"),
                _ => {}
            }
        }
    }
    assert_eq!(gaps, [(1, 1001)]);
}

#[test]
fn a_change_without_room_comes_again() {
    let mut world = World::new(3, 10);
    let reader = world.add_reader(2, Replay::None);
    if let Some(side) = world.readers.get_mut(&reader) {
        side.room = 4;
    }
    for number in 0..10 {
        world.write(value(number, 8));
    }
    for _ in 0..50 {
        world.flush();
        world.now = world.now.after(Duration::from_millis(5));
        while let Some(entry) = world.wire.first_entry().filter(|entry| entry.key().0 <= world.now) {
            let (to, bytes) = entry.remove();
            world.arrive(to, &bytes);
        }
    }
    assert_eq!(world.readers[&reader].got.len(), 4);
    assert_eq!(world.writer.acknowledged_through(), SequenceNumber(4));
    let now = world.now;
    if let Some(side) = world.readers.get_mut(&reader) {
        side.room = usize::MAX;
        let got = &mut side.got;
        side.machine.retry(now, &mut |change| {
            got.push(change.payload.to_vec());
            Offer::Done
        });
    }
    world.settle();
    assert_eq!(world.readers[&reader].got, (0..10).map(|number| value(number, 8)).collect::<Vec<_>>());
}

/// Readers of Fast DDS 3.2 crash when they take a sample that came in one DATA_FRAG.
#[test]
fn no_data_frag_carries_all_of_a_sample_and_small_ones_still_leave_in_one_datagram() {
    for length in [1345, 2688, 10_000, 30_000] {
        let mut world = World::new(1, 0);
        // As on loopback, where a datagram holds many fragments.
        world.writer.config.message_sizes = MessageSizes { network: 65_000, ..MessageSizes::default() };
        let guid = world.add_reader_of(VendorId::EPROSIMA, 2);
        world.settle();
        world.write(value(0, length));
        let mut out = Datagram::new();
        let mut covered = Vec::new();
        let mut datagrams = 0;
        while world.writer.poll_transmit(world.now, &mut out).is_some() {
            datagrams += 1;
            let bytes = out.to_vec();
            let mut receiver = MessageReceiver::new(&bytes, guid.prefix).unwrap();
            while let Some(next) = receiver.next_submessage() {
                if let (_, Submessage::DataFrag(fragment)) = next.unwrap() {
                    covered.push((fragment.fragment_starting_num.0, fragment.fragments_in_submessage));
                }
            }
        }
        let count = u32::try_from(length.div_ceil(1344)).unwrap();
        assert_eq!(covered.first(), Some(&(1, u16::try_from(count - 1).unwrap())), "{length}: {covered:?}");
        assert_eq!(covered.last(), Some(&(count, 1)), "{length}: {covered:?}");
        assert_eq!((covered.len(), datagrams), (2, 1), "{length}");
    }
}

#[test]
fn a_directed_change_leaves_without_a_reliable_reader() {
    let mut writer = StatefulWriter::new(WriterConfig::new(WRITER));
    for number in [2, 3] {
        writer.match_reader(ReaderProxyConfig {
            group: None,
            filter: None,
            guid: reader_guid(number),
            locators: smallvec![Locator::udp_v4([192, 0, 2, number], 7411)],
            reliable: false,
            expects_inline_qos: false,
            replay: Replay::None,
        });
    }
    for number in [3, 2, 3] {
        writer.add_change(CacheChange {
            payload: Payload::from(value(0, 8)),
            audience: Audience::only(reader_guid(number)),
            ..CacheChange::default()
        });
    }
    let mut out = Datagram::new();
    let mut served = Vec::new();
    while let Some(destinations) = writer.poll_transmit(Monotonic::ZERO, &mut out) {
        let bytes = out.to_vec();
        let mut receiver = MessageReceiver::new(&bytes, destinations[0].0).unwrap();
        while let Some(Ok((_, submessage))) = receiver.next_submessage() {
            if let Submessage::Data(_) = submessage {
                served.extend(destinations.iter().map(|(prefix, _)| *prefix));
            }
        }
    }
    served.sort();
    assert_eq!(served, [2, 3, 3].map(|number| reader_guid(number).prefix));
    assert!(!writer.wants_transmit());
}

#[test]
fn a_reader_that_never_acknowledges_costs_bounded_memory() {
    let mut world = World::new(1, 0);
    let reader = world.add_reader(2, Replay::None);
    let mut out = Datagram::new();
    for count in 1..5_000_i32 {
        let number = world.write(value(0, 8));
        while world.writer.poll_transmit(world.now, &mut out).is_some() {}
        let mut fragment_number_state = FragmentNumberSet::new(FragmentNumber(1));
        fragment_number_state.insert(FragmentNumber(1));
        let nack = NackFrag {
            reader_id: reader.entity_id,
            writer_id: WRITER.entity_id,
            writer_sn: number,
            fragment_number_state,
            count: Count(count),
        };
        world.writer.handle_nack_frag(reader.prefix, &nack);
        while world.writer.poll_transmit(world.now, &mut out).is_some() {}
        world.writer.remove_change(number.previous());
        world.now = world.now.after(Duration::from_millis(10));
    }
    let proxy = world.writer.reader(reader).unwrap();
    assert!(proxy.repaired.len() <= reader_proxy::REPAIRED_KEPT, "{}", proxy.repaired.len());
}

#[test]
fn a_line_that_lags_behind_costs_bounded_memory() {
    let mut world = World::new(1, 0);
    let reader = world.add_reader(2, Replay::None);
    for number in 0..100 {
        let this = world.write(value(number, 1 << 20));
        if number > 0 {
            world.writer.remove_change(this.previous());
        }
    }
    assert!(world.writer.history().bytes() <= stateful_writer::SPENT_BYTES + (2 << 20));
    world.settle();
    assert_eq!(world.readers[&reader].got.last(), Some(&value(99, 1 << 20)));
    while world.writer.take_spent().is_some() {}
    assert_eq!(world.writer.pending_bytes(), 0);
    assert_eq!(world.writer.history().len(), 1);
}

#[test]
fn extreme_acknowledgements_cost_nothing() {
    let extremes = [i64::MIN, -1, 0, 1, 2, 5, i64::MAX - 255, i64::MAX - 1, i64::MAX];
    for base in extremes {
        for number in extremes {
            let mut world = World::new(1, 0);
            let reader = world.add_reader(2, Replay::All);
            for count in 0..4 {
                world.write(value(count, 4000));
            }
            let mut reader_sn_state = SequenceNumberSet::new(SequenceNumber(base));
            reader_sn_state.insert(SequenceNumber(number));
            let (reader_id, writer_id) = (reader.entity_id, WRITER.entity_id);
            let acknack = AckNack { reader_id, writer_id, reader_sn_state, count: Count(1), is_final: false };
            world.writer.handle_ack_nack(world.now, reader.prefix, &acknack);
            for fragment in [0, 1, 2, u32::MAX] {
                let mut fragment_number_state = FragmentNumberSet::new(FragmentNumber(fragment));
                fragment_number_state.insert(FragmentNumber(u32::MAX));
                let writer_sn = SequenceNumber(number);
                let count = Count(fragment.cast_signed().saturating_add(3));
                let nack = NackFrag { reader_id, writer_id, writer_sn, fragment_number_state, count };
                world.writer.handle_nack_frag(reader.prefix, &nack);
            }
            let mut out = Datagram::new();
            let mut sent = 0;
            while world.writer.poll_transmit(world.now, &mut out).is_some() {
                sent += 1;
                assert!(sent <= 64, "{base} {number}: four samples take no end of datagrams");
            }
            assert!(world.writer.acknowledged_through() <= SequenceNumber(4), "{base} {number}");
        }
    }
}

fn numbered(number: i64) -> CacheChange {
    CacheChange {
        writer_guid: WRITER,
        payload: Payload::from(vec![1; 8]),
        inline_qos: Some(alloc::boxed::Box::new(crate::message::InlineQosToSend {
            group_seq_num: Some(SequenceNumber(number)),
            ..Default::default()
        })),
        ..CacheChange::default()
    }
}

#[test]
fn heartbeats_tell_of_the_publishers_numbering() {
    // RTPS 2.5 §8.3.8.6: with the GroupInfo flag, currentGSN, firstGSN, lastGSN and writerSet follow.
    let numbers = Arc::new(PublisherNumbers::default());
    numbers.set_writer_set(crate::message::GroupDigest([1, 2, 3, 4]));
    let mut writer = StatefulWriter::new(WriterConfig::new(WRITER));
    writer.join_group(numbers.clone());
    let info = |writer: &mut StatefulWriter| {
        let info = writer.probe_heartbeat(EntityId::UNKNOWN).group_info.unwrap();
        assert_eq!(info.writer_set, crate::message::GroupDigest([1, 2, 3, 4]));
        (info.current_gsn.0, info.first_gsn.0, info.last_gsn.0)
    };
    assert_eq!(info(&mut writer), (0, 1, 0), "nothing was written");
    writer.match_reader(ReaderProxyConfig {
        group: None,
        filter: None,
        guid: reader_guid(2),
        locators: smallvec![Locator::udp_v4([192, 0, 2, 2], 7411)],
        reliable: true,
        expects_inline_qos: false,
        replay: Replay::None,
    });
    writer.add_change(numbered(3));
    numbers.set_current(SequenceNumber(5));
    assert_eq!(info(&mut writer), (2, 3, 2), "what has not left is not told of");
    let mut out = Datagram::new();
    while writer.poll_transmit(Monotonic::ZERO, &mut out).is_some() {}
    assert_eq!(info(&mut writer), (5, 3, 3), "others wrote up to 5");
    writer.add_change(numbered(6));
    numbers.set_current(SequenceNumber(6));
    writer.remove_change(SequenceNumber(1));
    assert_eq!(info(&mut writer), (5, 6, 5));
    assert!(writer.poll_transmit(Monotonic::ZERO, &mut out).is_some());
    // HEARTBEAT, flags E, F and G; readerId, writerId, firstSN 2, lastSN 2, count; currentGSN 6, firstGSN
    // 6, lastGSN 6, writerSet, secureWriterSet.
    let bytes = out.to_vec();
    let heartbeat = &bytes[bytes.len() - 64..];
    assert_eq!(heartbeat[..4], [0x07, 0x01 | 0x02 | 0x08, 60, 0]);
    assert_eq!(heartbeat[12..28], [0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]);
    let numbers = [0, 0, 0, 0, 6, 0, 0, 0];
    assert_eq!(heartbeat[32..56], [numbers, numbers, numbers].concat());
    assert_eq!(heartbeat[56..], [1, 2, 3, 4, 0, 0, 0, 0]);
}
