//! What a reader does with hostile or odd input.

use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use smallvec::smallvec;

use super::*;
use crate::{
    change::CacheChange,
    message::{DataFrag, Gap, Heartbeat, MessageReceiver, SequenceNumberSet, Submessage},
    structure::{Count, EntityId, EntityKind, FragmentNumber, Guid, GuidPrefix, Locator, SequenceNumber},
    time::{Duration, Monotonic},
};

const WRITER: Guid = Guid::new(GuidPrefix([1; 12]), EntityId::new(1, EntityKind::WRITER_NO_KEY));

fn reader() -> StatefulReader {
    let guid = Guid::new(GuidPrefix([2; 12]), EntityId::new(1, EntityKind::READER_NO_KEY));
    let mut reader = StatefulReader::new(ReaderConfig::new(guid));
    let locators = smallvec![Locator::udp_v4([192, 0, 2, 1], 7411)];
    reader.match_writer(Monotonic::ZERO, WriterProxyConfig { guid: WRITER, locators, reliable: true });
    reader
}

fn heartbeat(first: i64, last: i64, count: i32) -> Heartbeat {
    Heartbeat {
        reader_id: EntityId::UNKNOWN,
        writer_id: WRITER.entity_id,
        first_sn: SequenceNumber(first),
        last_sn: SequenceNumber(last),
        count: Count(count),
        is_final: false,
        is_liveliness: false,
        group_info: None,
    }
}

fn change(number: i64) -> CacheChange {
    CacheChange { writer_guid: WRITER, sequence_number: SequenceNumber(number), ..CacheChange::default() }
}

#[test]
fn extreme_sequence_numbers_cost_nothing() {
    let extremes = [i64::MIN, -1, 0, 1, 2, i64::MAX - 1, i64::MAX];
    for first in extremes {
        for second in extremes {
            let mut reader = reader();
            let mut offer = |_: &mut CacheChange| Offer::Done;
            reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(first, second, 1), &mut offer);
            let gap = Gap {
                reader_id: EntityId::UNKNOWN,
                writer_id: WRITER.entity_id,
                gap_start: SequenceNumber(first),
                gap_list: SequenceNumberSet::new(SequenceNumber(second)),
                group_info: None,
                filtered_count: None,
            };
            reader.handle_gap(WRITER.prefix, &gap, &mut offer);
            reader.handle_change(&mut change(second), &mut offer);
            reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(second, first, 2), &mut offer);
            let mut out = crate::message::Datagram::new();
            reader.poll_transmit(Monotonic::ZERO, None, &mut out);
        }
    }
}

#[test]
fn what_left_the_history_is_counted_as_lost_once() {
    let mut reader = reader();
    let mut got = Vec::new();
    let mut offer = |change: &mut CacheChange| {
        got.push(change.sequence_number.0);
        Offer::Done
    };
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(1, 2, 1), &mut offer);
    for number in [1, 2, 5, 9] {
        reader.handle_change(&mut change(number), &mut offer);
    }
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(8, 9, 2), &mut offer);
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(8, 9, 2), &mut offer);
    reader.handle_change(&mut change(8), &mut offer);
    assert_eq!(got, vec![1, 2, 5, 8, 9]);
    assert_eq!(reader.statistics().lost, 4);
}

#[test]
fn an_irrelevant_change_is_not_handed_on_when_its_turn_comes() {
    let mut reader = reader();
    let mut got = Vec::new();
    let mut offer = |change: &mut CacheChange| {
        got.push(change.sequence_number.0);
        Offer::Done
    };
    reader.handle_irrelevant(WRITER, SequenceNumber(2), &mut offer);
    assert!(!reader.wants(WRITER, SequenceNumber(2)));
    for number in [3, 1] {
        reader.handle_change(&mut change(number), &mut offer);
    }
    reader.handle_irrelevant(WRITER, SequenceNumber(4), &mut offer);
    assert_eq!(got, vec![1, 3]);
    assert_eq!(reader.writer(WRITER).unwrap().next_expected(), SequenceNumber(5));
}

#[test]
fn held_changes_are_bounded_and_the_lowest_stay() {
    let guid = Guid::new(GuidPrefix([2; 12]), EntityId::new(1, EntityKind::READER_NO_KEY));
    let mut reader = StatefulReader::new(ReaderConfig { held_samples: 3, ..ReaderConfig::new(guid) });
    reader.match_writer(
        Monotonic::ZERO,
        WriterProxyConfig { guid: WRITER, locators: smallvec![], reliable: true },
    );
    let mut got = Vec::new();
    let mut offer = |change: &mut CacheChange| {
        got.push(change.sequence_number.0);
        Offer::Done
    };
    for number in [10, 9, 8, 7, 2, 3, 1] {
        reader.handle_change(&mut change(number), &mut offer);
    }
    assert_eq!(got, vec![1, 2, 3]);
    assert!(reader.statistics().overflowed <= 3);
}

fn fragment(payload: &[u8], sample_size: u32, first: u32) -> DataFrag<'_> {
    DataFrag {
        reader_id: EntityId::UNKNOWN,
        writer_id: WRITER.entity_id,
        writer_sn: SequenceNumber(1),
        fragment_starting_num: FragmentNumber(first),
        fragments_in_submessage: 1,
        fragment_size: 4,
        sample_size,
        inline_qos: None,
        is_key: false,
        payload,
        payload_offset: 0,
    }
}

#[test]
fn fragments_in_any_order_make_the_sample_and_claims_cost_nothing() {
    let mut fragments = Defragmenter::default();
    let template = || change(1);
    assert!(matches!(
        fragments.handle_data_frag(Monotonic::ZERO, &fragment(b"ijkl", 50 << 20, 3), template),
        FragmentArrival::Incomplete
    ));
    assert!((4..200).contains(&fragments.bytes()));
    // Another size drops the sample.
    assert!(matches!(
        fragments.handle_data_frag(Monotonic::ZERO, &fragment(b"ijkl", 10, 3), template),
        FragmentArrival::Refused
    ));
    assert_eq!(fragments.bytes(), 0);
    for (payload, first) in [(&b"ij"[..], 3), (b"efgh", 2)] {
        let arrival = fragments.handle_data_frag(Monotonic::ZERO, &fragment(payload, 10, first), template);
        assert!(matches!(arrival, FragmentArrival::Incomplete));
    }
    let missing = fragments.missing_fragments(WRITER.entity_id, SequenceNumber(1), None).unwrap();
    assert_eq!(missing.iter().collect::<Vec<_>>(), vec![FragmentNumber(1)]);
    match fragments.handle_data_frag(Monotonic::ZERO, &fragment(b"abcd", 10, 1), template) {
        FragmentArrival::Complete(change) => assert_eq!(&*change.payload, b"abcdefghij"),
        other => panic!("{other:?}"),
    }
    assert_eq!(fragments.bytes(), 0);
}

#[test]
fn stale_halves_are_dropped() {
    let mut fragments = Defragmenter::default();
    fragments.handle_data_frag(Monotonic::ZERO, &fragment(b"abcd", 10, 1), || change(1));
    let later = Monotonic::ZERO.after(Duration::from_secs(11));
    let mut other = fragment(b"abcd", 10, 1);
    other.writer_sn = SequenceNumber(2);
    fragments.handle_data_frag(later, &other, || change(2));
    assert_eq!(fragments.bytes(), 4);
    assert!(fragments.missing_fragments(WRITER.entity_id, SequenceNumber(1), None).is_none());
}

/// Requests for the fragments of one large sample go out at the first interval as long as some arrive.
#[test]
fn fragments_that_arrive_keep_requests_frequent() {
    let mut reader = reader();
    let mut fragments = Defragmenter::default();
    let mut offer = |_: &mut CacheChange| Offer::Done;
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(1, 1, 1), &mut offer);
    let mut now = Monotonic::ZERO;
    let mut interval = |reader: &mut StatefulReader, fragments: &Defragmenter| {
        let mut out = crate::message::Datagram::new();
        assert!(reader.poll_transmit(now, Some(fragments), &mut out).is_some());
        let next = reader.poll_timeout().unwrap();
        let interval = next.nanos_since(now);
        now = next;
        interval
    };
    let first = crate::timing::NACK_REPEAT.as_nanos().unwrap();
    for number in 1..50 {
        fragments.handle_data_frag(Monotonic::ZERO, &fragment(b"abcd", 4000, number * 2), || change(1));
        assert_eq!(interval(&mut reader, &fragments), first, "fragment {number}");
    }
    assert_eq!(interval(&mut reader, &fragments), first * 2);
    assert_eq!(interval(&mut reader, &fragments), first * 4);
}

/// Runs of fragments in any order and overlap make the sample, and what is charged for them is given back.
#[test]
fn overlapping_runs_make_the_sample() {
    let sample: Vec<u8> = (0..41).collect();
    let mut state = 1_u32;
    let mut below = |end: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % end
    };
    for round in 0..300 {
        let mut fragments = Defragmenter::default();
        for _ in 0..10_000 {
            let first = below(11);
            let count = below(11 - first) + 1;
            let start = first as usize * 4;
            let end = (start + count as usize * 4).min(sample.len());
            let mut run = fragment(&sample[start..end], 41, first + 1);
            run.fragments_in_submessage = count as u16;
            if let FragmentArrival::Complete(change) =
                fragments.handle_data_frag(Monotonic::ZERO, &run, || change(1))
            {
                assert_eq!(&*change.payload, &sample, "round {round}");
                break;
            }
            assert!(fragments.bytes() > 0);
        }
        assert_eq!(fragments.bytes(), 0, "round {round}");
    }
}

/// Numbers at which arithmetic goes wrong, and any other.
fn edge() -> impl Strategy<Value = u32> {
    prop_oneof![
        0..6_u32,
        Just(64),
        65_530..65_540_u32,
        Just(1 << 31),
        (u32::MAX - 2)..=u32::MAX,
        any::<u32>()
    ]
}

proptest! {
    #[test]
    fn any_fragment_is_answered_and_storage_grows_as_bytes_arrive(
        fragments in prop::collection::vec((edge(), edge(), edge(), edge(), 0..64_usize, 1..4_i64), 1..24),
    ) {
        /// What the books on one fragment may take, for a few bytes of payload.
        const OVERHEAD: usize = 256;
        let bytes = [7_u8; 64];
        let mut store = Defragmenter::default();
        let mut arrived = 0;
        for (sample_size, size, start, count, length, number) in fragments {
            let fragment = DataFrag {
                writer_sn: SequenceNumber(number),
                fragments_in_submessage: count as u16,
                fragment_size: size as u16,
                ..fragment(&bytes[..length], sample_size, start)
            };
            arrived += length + OVERHEAD;
            store.handle_data_frag(Monotonic::ZERO, &fragment, || change(number));
            prop_assert!(store.bytes() <= arrived, "{} bytes are kept of {arrived}", store.bytes());
            let missing = store.missing_fragments(WRITER.entity_id, SequenceNumber(number), None);
            prop_assert!(missing.is_none_or(|missing| missing.iter().count() <= 256));
        }
    }
}

/// What one acknowledgement says: its base and the numbers it asks for; `None` when none is due.
fn acknowledgement(reader: &mut StatefulReader) -> Option<(i64, Vec<i64>)> {
    let mut out = crate::message::Datagram::new();
    reader.poll_transmit(Monotonic::ZERO, None, &mut out)?;
    let bytes = out.to_vec();
    let mut receiver = MessageReceiver::new(&bytes, WRITER.prefix).unwrap();
    while let Some(Ok((_, submessage))) = receiver.next_submessage() {
        if let Submessage::AckNack(acknack) = submessage {
            let asked = acknack.reader_sn_state.iter().map(|number| number.0).collect();
            return Some((acknack.reader_sn_state.base().0, asked));
        }
    }
    None
}

#[test]
fn what_is_not_confirmed_is_not_acknowledged() {
    let mut reader = reader();
    assert_eq!(acknowledgement(&mut reader), Some((1, vec![])), "the first, unasked");
    let mut offer = |_: &mut CacheChange| Offer::Unconfirmed;
    for number in [1, 2, 3] {
        reader.handle_change(&mut change(number), &mut offer);
    }
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(1, 3, 1), &mut offer);
    assert_eq!(acknowledgement(&mut reader), None, "nothing is missing, nothing is safe");
    reader.confirm(Monotonic::ZERO, WRITER, SequenceNumber(2));
    assert_eq!(acknowledgement(&mut reader), Some((3, vec![])));
    // What is missing is asked for meanwhile, and what waits is not acknowledged by that.
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(1, 5, 2), &mut offer);
    assert_eq!(acknowledgement(&mut reader), Some((3, vec![4, 5])));
    reader.handle_change(&mut change(4), &mut offer);
    reader.handle_change(&mut change(5), &mut offer);
    reader.confirm(Monotonic::ZERO, WRITER, SequenceNumber(5));
    assert_eq!(acknowledgement(&mut reader), Some((6, vec![])));
    reader.confirm(Monotonic::ZERO, WRITER, SequenceNumber(5));
    assert_eq!(acknowledgement(&mut reader), None);
}

#[test]
fn the_history_is_there_when_all_that_the_first_heartbeat_told_of_is() {
    let mut reader = reader();
    let mut offer = |_: &mut CacheChange| Offer::Done;
    assert!(!reader.writer(WRITER).unwrap().has_history());
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(3, 4, 1), &mut offer);
    reader.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat(3, 9, 2), &mut offer);
    reader.handle_change(&mut change(3), &mut offer);
    assert!(!reader.writer(WRITER).unwrap().has_history());
    reader.handle_change(&mut change(4), &mut offer);
    assert!(reader.writer(WRITER).unwrap().has_history());
}

proptest! {
    /// Changes that are taken as they come leave the reader as if each had been handled.
    #[test]
    fn what_comes_in_order_may_be_taken_as_it_comes(numbers in prop::collection::vec(1i64..12, 1..40)) {
        let (mut handling, mut taking) = (reader(), reader());
        let (mut handled, mut taken) = (Vec::new(), Vec::new());
        for (count, number) in (1..).zip(numbers) {
            let mut handle = |change: &mut CacheChange| {
                handled.push(change.sequence_number);
                Offer::Done
            };
            handling.handle_change(&mut change(number), &mut handle);
            let mut take = |change: &mut CacheChange| {
                taken.push(change.sequence_number);
                Offer::Done
            };
            let number = SequenceNumber(number);
            match taking.in_order(WRITER).filter(|order| order.expects(number)) {
                Some(mut order) => {
                    take(&mut change(number.0));
                    order.advance();
                }
                None => {
                    taking.handle_change(&mut change(number.0), &mut take);
                }
            }
            if count % 4 == 0 {
                let heartbeat = heartbeat(i64::from(count / 8), 11, count);
                handling.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat, &mut handle);
                taking.handle_heartbeat(Monotonic::ZERO, WRITER.prefix, &heartbeat, &mut take);
            }
            prop_assert_eq!(&handled, &taken);
            prop_assert_eq!(alloc::format!("{handling:?}"), alloc::format!("{taking:?}"));
        }
    }
}
