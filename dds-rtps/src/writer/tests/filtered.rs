//! Readers that the writer filters for, beside others.

use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{change::ChangeKind, discovery::FilterSignature, message::ContentFilterInfo};

/// Passes numbers that a divisor divides, and counts how often it was asked.
#[derive(Debug)]
struct Divisible {
    by: u32,
    asked: AtomicUsize,
}

impl ContentEvaluator for Divisible {
    fn passes(&self, payload: &[u8]) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let number = u32::from_le_bytes(*payload.first_chunk().unwrap());
        number.is_multiple_of(self.by)
    }
}

fn divisible(by: u32) -> (Arc<Divisible>, ReaderFilter) {
    let evaluator = Arc::new(Divisible { by, asked: AtomicUsize::new(0) });
    let mut signature = FilterSignature::default();
    signature.0[..4].copy_from_slice(&by.to_le_bytes());
    let filter = ReaderFilter { signature, evaluator: evaluator.clone() };
    (evaluator, filter)
}

fn numbers(side: &Side) -> Vec<u32> {
    side.got.iter().map(|bytes| u32::from_le_bytes(*bytes.first_chunk().unwrap())).collect()
}

#[test]
fn each_reader_gets_what_its_filter_passes_whatever_is_lost() {
    for seed in 1..30 {
        let mut world = World::new(seed * 104_729, 30);
        let plain = world.add_reader(2, Replay::None);
        let threes = world.add_filtered(3, Replay::None, Some(divisible(3).1));
        let nothing = world.add_filtered(4, Replay::None, Some(divisible(1000).1));
        for number in 1..=200 {
            world.write(value(number, if number % 20 == 7 { 20_000 } else { 40 }));
            if number % 10 == 0 {
                world.flush();
            }
        }
        world.settle();
        assert_eq!(numbers(&world.readers[&plain]), (1..=200).collect::<Vec<_>>());
        assert_eq!(numbers(&world.readers[&threes]), (1..=66).map(|n| 3 * n).collect::<Vec<_>>());
        assert_eq!(numbers(&world.readers[&nothing]), Vec::<u32>::new());
        assert!(world.writer.is_acknowledged(SequenceNumber(200)));
        assert!(world.readers.values().all(|side| side.machine.statistics().lost == 0));
    }
}

#[test]
fn what_passes_no_filter_costs_no_datagram_and_needs_no_acknowledgement() {
    let mut world = World::new(5, 0);
    world.add_filtered(2, Replay::None, Some(divisible(1000).1));
    world.settle();
    let sent = world.sent;
    for number in 1..=100 {
        world.write(value(number, 8));
        world.flush();
        assert!(world.writer.is_acknowledged(SequenceNumber(i64::from(number))));
    }
    world.settle();
    assert_eq!(world.sent, sent);
    world.write(value(2000, 8));
    world.settle();
    assert_eq!(world.readers.values().map(numbers).collect::<Vec<_>>(), [[2000]]);
    assert!(world.writer.is_acknowledged(SequenceNumber(101)));
}

#[test]
fn equal_filters_are_evaluated_once_for_each_sample() {
    let mut world = World::new(7, 0);
    let (asked, first) = divisible(2);
    let (not_asked, second) = divisible(2);
    world.add_filtered(2, Replay::None, Some(first));
    let second = world.add_filtered(3, Replay::None, Some(second));
    for number in 1..=10 {
        world.write(value(number, 8));
    }
    world.settle();
    assert_eq!(asked.asked.load(Ordering::Relaxed), 10);
    assert_eq!(not_asked.asked.load(Ordering::Relaxed), 0);
    assert_eq!(numbers(&world.readers[&second]), [2, 4, 6, 8, 10]);
}

#[test]
fn a_late_joiner_gets_the_part_of_the_history_that_passes() {
    for loss in [0, 25] {
        let mut world = World::new(13, loss);
        // Shares the filter, but came when there was no history to evaluate.
        for number in 1..=10 {
            world.write(value(number, 8));
        }
        let volatile = world.add_filtered(2, Replay::None, Some(divisible(4).1));
        for number in 11..=20 {
            world.write(value(number, 8));
        }
        world.settle();
        let durable = world.add_filtered(3, Replay::All, Some(divisible(4).1));
        world.write(value(24, 8));
        world.settle();
        assert_eq!(numbers(&world.readers[&volatile]), [12, 16, 20, 24]);
        assert_eq!(numbers(&world.readers[&durable]), [4, 8, 12, 16, 20, 24]);
        assert!(world.writer.is_acknowledged(SequenceNumber(21)));
    }
}

#[test]
fn a_filter_may_change_come_and_go() {
    let mut world = World::new(17, 0);
    let guid = world.add_reader(2, Replay::None);
    let rematch = |world: &mut World, filter| {
        let locators = smallvec![Locator::udp_v4([192, 0, 2, 2], 7411)];
        world.writer.match_reader(ReaderProxyConfig {
            group: None,
            filter,
            guid,
            locators,
            reliable: true,
            expects_inline_qos: false,
            replay: Replay::None,
        });
    };
    let write = |world: &mut World| {
        for number in 1..=12 {
            world.write(value(number, 8));
        }
        world.settle();
        std::mem::take(&mut world.readers.get_mut(&guid).unwrap().got).len()
    };
    assert_eq!(write(&mut world), 12);
    rematch(&mut world, Some(divisible(3).1));
    assert_eq!(write(&mut world), 4);
    rematch(&mut world, Some(divisible(6).1));
    assert_eq!(write(&mut world), 2);
    rematch(&mut world, None);
    assert_eq!(write(&mut world), 12);
    assert!(world.writer.is_acknowledged(world.writer.history().last_number()));
    assert!(world.writer.filters.is_none());
}

#[test]
fn ends_of_instances_pass_every_filter() {
    let mut world = World::new(19, 0);
    let guid = world.add_filtered(2, Replay::None, Some(divisible(1000).1));
    world.writer.add_change(CacheChange {
        kind: ChangeKind::NotAliveDisposed,
        writer_guid: WRITER,
        payload: Payload::from(value(1, 8)),
        ..CacheChange::default()
    });
    world.settle();
    assert_eq!(numbers(&world.readers[&guid]), [1]);
}

#[test]
fn beyond_64_different_filters_readers_get_everything() {
    let mut world = World::new(23, 0);
    for number in 1..=64 {
        world.add_filtered(number + 1, Replay::None, Some(divisible(u32::from(number) * 1000).1));
    }
    let one_more = world.add_filtered(100, Replay::None, Some(divisible(100).1));
    world.write(value(1, 8));
    world.settle();
    assert_eq!(numbers(&world.readers[&one_more]), [1]);
    assert_eq!(world.readers.values().filter(|side| !side.got.is_empty()).count(), 1);
}

#[test]
fn what_is_held_no_more_leaves_nothing_behind() {
    let mut world = World::new(29, 100);
    world.add_filtered(2, Replay::None, Some(divisible(1000).1));
    for number in 1..=50 {
        let written = world.write(value(number, 8));
        world.flush();
        world.writer.remove_change(written);
        while world.writer.take_spent().is_some() {}
    }
    let kept: BTreeSet<_> =
        world.writer.history().from(SequenceNumber::FIRST).map(|c| c.sequence_number).collect();
    assert!(kept.is_empty());
    assert_eq!(std::format!("{:?}", world.writer.filters).matches("refused: {}").count(), 1);
}

/// What a reader without acknowledgements is told, by which it does not count what was filtered as lost.
#[test]
fn a_best_effort_reader_is_told_with_the_next_sample() {
    let mut writer = StatefulWriter::new(WriterConfig::new(WRITER));
    let (_, filter) = divisible(3);
    let signature = filter.signature;
    writer.match_reader(ReaderProxyConfig {
        group: None,
        filter: Some(filter),
        guid: reader_guid(2),
        locators: smallvec![Locator::udp_v4([192, 0, 2, 2], 7411)],
        reliable: false,
        expects_inline_qos: false,
        replay: Replay::None,
    });
    for number in 1..=6 {
        writer.add_change(CacheChange {
            writer_guid: WRITER,
            payload: Payload::from(value(number, 8)),
            ..CacheChange::default()
        });
    }
    let mut out = Datagram::new();
    assert!(writer.poll_transmit(Monotonic::ZERO, &mut out).is_some());
    let bytes = out.to_vec();
    let mut receiver = MessageReceiver::new(&bytes, reader_guid(2).prefix).unwrap();
    let mut told = Vec::new();
    while let Some(next) = receiver.next_submessage() {
        match next.unwrap().1 {
            Submessage::Data(data) => {
                let info = data.inline_qos.unwrap().content_filter_info().unwrap();
                assert_eq!(info, ContentFilterInfo::new([(signature, true)]));
                told.push((data.writer_sn.0, data.writer_sn.0));
            }
            Submessage::Gap(gap) => told.push((gap.gap_start.0, gap.gap_list.base().0 - 1)),
            _ => {}
        }
    }
    assert_eq!(told, [(1, 2), (3, 3), (4, 5), (6, 6)]);
    assert!(writer.poll_transmit(Monotonic::ZERO, &mut out).is_none());

    let mut reader = StatefulReader::new(ReaderConfig::new(reader_guid(2)));
    let writer_proxy = WriterProxyConfig { guid: WRITER, locators: smallvec![], reliable: false };
    reader.match_writer(Monotonic::ZERO, writer_proxy);
    let mut receiver = MessageReceiver::new(&bytes, reader_guid(2).prefix).unwrap();
    let mut got = 0;
    while let Some(next) = receiver.next_submessage() {
        let mut offer = |_: &mut CacheChange| {
            got += 1;
            Offer::Done
        };
        match next.unwrap().1 {
            Submessage::Data(data) => {
                let sequence_number = data.writer_sn;
                let mut change =
                    CacheChange { writer_guid: WRITER, sequence_number, ..CacheChange::default() };
                reader.handle_change(&mut change, &mut offer);
            }
            Submessage::Gap(gap) => reader.handle_gap(WRITER.prefix, &gap, &mut offer),
            _ => {}
        }
    }
    assert_eq!((got, reader.statistics().lost), (2, 0));
}
