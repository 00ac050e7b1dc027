//! Every submessage: what is written is read, whatever the numbers and the byte order, and nothing
//! that is damaged harms.

mod wire_support;

use dds_rtps::{
    discovery::{ParticipantData, PublicationData},
    message::{
        DataHeader, Datagram, MessageBuilder, MessageErrorKind, MessageReceiver, Part, Parts, PayloadKind,
        SUBMESSAGES, StatusInfo, Submessage, SubmessageId,
        corpus::{Route, Seed, damaged, messages},
    },
    payload::Payload,
    structure::{EntityId, EntityKind, Guid, GuidPrefix, SequenceNumber},
    time::Timestamp,
};
use dds_types::cdr::Endianness;
use proptest::prelude::*;
use wire_support::exercise;

proptest! {
    #[test]
    fn every_submessage_survives_a_round_trip(seed: u64) {
        for row in SUBMESSAGES {
            for endianness in [Endianness::Little, Endianness::Big] {
                (row.round_trip)(&mut Seed(seed), endianness)
                    .map_err(|difference| TestCaseError::fail(format!("{}: {difference}", row.name)))?;
            }
        }
    }

    #[test]
    fn arbitrary_bytes_do_no_harm(bytes: Vec<u8>, body: Vec<u8>, id: u8, flags: u8, length: u16) {
        exercise(&bytes);
        let mut message = header();
        message.extend_from_slice(&[id, flags]);
        message.extend_from_slice(&length.to_le_bytes());
        message.extend_from_slice(&body);
        exercise(&message);
    }
}

fn header() -> Vec<u8> {
    dds_rtps::message::Header::new(GuidPrefix([1; 12])).to_bytes().to_vec()
}

#[test]
fn the_table_has_every_submessage_of_the_specification() {
    let by_hand = [SubmessageId::PAD, SubmessageId::DATA, SubmessageId::DATA_FRAG];
    for id in (0..=255).map(SubmessageId) {
        let in_table = SUBMESSAGES.iter().any(|row| row.id == id);
        assert_eq!(in_table || by_hand.contains(&id), id.name().is_some(), "{id}");
    }
}

/// Messages of all kinds with the payloads that a live participant would decode.
fn bases(seed: u64) -> Vec<Vec<u8>> {
    let source = GuidPrefix([1; 12]);
    let mut participant = ParticipantData::new(Guid::new(source, EntityId::PARTICIPANT));
    participant.set_process("host", "program", 7);
    let writer = Guid::new(source, EntityId::new(1, EntityKind::WRITER_WITH_KEY));
    let publication = PublicationData::new(writer, "Square", "ShapeType", Default::default());
    let (mut spdp, mut sedp) = (Vec::new(), Vec::new());
    participant.encode(&mut spdp).unwrap();
    publication.encode(&mut sedp).unwrap();
    let route =
        |writer_id, reader_id| Route { source, destination: GuidPrefix([2; 12]), writer_id, reader_id };
    let mut seed = Seed(seed);
    let mut all = messages(&mut seed, &route(EntityId::SPDP_WRITER, EntityId::SPDP_READER), &spdp.into());
    let sedp_route = route(EntityId::SEDP_PUBLICATIONS_WRITER, EntityId::SEDP_PUBLICATIONS_READER);
    all.extend(messages(&mut seed, &sedp_route, &Payload::from(sedp)));
    all
}

#[test]
fn damaged_submessages_do_no_harm() {
    for base in bases(1) {
        exercise(&base);
        damaged(&base).for_each(|message| {
            exercise(&message);
        });
    }
}

#[test]
fn a_malformed_submessage_ends_the_message_and_says_why() {
    let mut message = header();
    let heartbeat = SUBMESSAGES.iter().find(|row| row.id == SubmessageId::HEARTBEAT).unwrap();
    (heartbeat.generate)(&mut Seed(1), Endianness::Little, &mut message);
    // A first number of -1.
    message[32..40].fill(0xff);
    message.extend_from_slice(&[0x0e, 1, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let mut receiver = MessageReceiver::new(&message, GuidPrefix::UNKNOWN).unwrap();
    let error = receiver.next_submessage().unwrap().unwrap_err();
    assert_eq!(error.offset, 20);
    assert_eq!(error.kind, MessageErrorKind::Forbidden(SubmessageId::HEARTBEAT, "firstSN is below 1"));
    assert_eq!(error.to_string(), "HEARTBEAT is invalid: firstSN is below 1 (at byte 20)");
    assert!(receiver.next_submessage().is_none());
}

#[test]
fn unknown_and_vendor_submessages_are_skipped() {
    let mut message = header();
    for id in [0x80, 0xff, 0x02, 0x33, 0x01] {
        message.extend_from_slice(&[id, 1, 4, 0, 1, 2, 3, 4]);
    }
    let length_before = message.len();
    let gap = SUBMESSAGES.iter().find(|row| row.id == SubmessageId::HEARTBEAT_FRAG).unwrap();
    let mut seed = Seed(1);
    while exercise(&message) == 0 {
        message.truncate(length_before);
        (gap.generate)(&mut seed, Endianness::Little, &mut message);
    }
    assert_eq!(exercise(&message), 1);
}

#[test]
fn a_length_of_zero_reaches_to_the_end_but_for_pad_and_info_ts() {
    let mut message = header();
    message.extend_from_slice(&[0x09, 3, 0, 0, 0x01, 1, 0, 0]);
    message.extend_from_slice(&[0x0e, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    let mut receiver = MessageReceiver::new(&message, GuidPrefix::UNKNOWN).unwrap();
    let raw: Vec<_> = core::iter::from_fn(|| receiver.next_raw().map(Result::unwrap)).collect();
    assert_eq!(
        raw.iter().map(|raw| (raw.id.0, raw.body.len())).collect::<Vec<_>>(),
        [(9, 0), (1, 0), (14, 12)]
    );
}

#[test]
fn other_major_versions_and_other_protocols_are_refused() {
    let refused = |bytes: &[u8]| MessageReceiver::new(bytes, GuidPrefix::UNKNOWN).unwrap_err().kind;
    let mut message = header();
    assert_eq!(refused(&message[..19]), MessageErrorKind::NoHeader);
    message[4] = 3;
    assert!(matches!(refused(&message), MessageErrorKind::UnsupportedVersion(_)));
    message[3] = b'X';
    assert_eq!(refused(&message), MessageErrorKind::NotRtps);
    message[..6].copy_from_slice(b"RTPS\x02\xff");
    assert!(MessageReceiver::new(&message, GuidPrefix::UNKNOWN).is_ok());
}

#[test]
fn a_header_extension_with_another_length_is_refused() {
    for (length, is_right) in [(28_u32, true), (27, false), (0, false)] {
        let mut message = header();
        message.extend_from_slice(&[0, 3, 4, 0]);
        message.extend_from_slice(&length.to_le_bytes());
        let mut receiver = MessageReceiver::new(&message, GuidPrefix::UNKNOWN).unwrap();
        assert_eq!(receiver.next_submessage().is_none(), is_right);
    }
}

#[test]
fn a_timestamp_holds_until_the_next_and_the_invalid_one_is_none() {
    let mut message = header();
    let heartbeat_frag =
        [&[0x13, 1, 24, 0][..], &[0; 8], &[0, 0, 0, 0, 1, 0, 0, 0], &[1, 0, 0, 0], &[1, 0, 0, 0]].concat();
    for timestamp in [&[0x09, 1, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0][..], &[], &[0x09, 3, 0, 0]] {
        message.extend_from_slice(timestamp);
        message.extend_from_slice(&heartbeat_frag);
    }
    message.extend_from_slice(&[0x09, 1, 8, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0x09, 1, 8, 0]);
    message.extend_from_slice(&[0xff; 8]);
    message.extend_from_slice(&heartbeat_frag);
    let mut receiver = MessageReceiver::new(&message, GuidPrefix::UNKNOWN).unwrap();
    let mut seen = Vec::new();
    while let Some(next) = receiver.next_submessage() {
        seen.push(next.unwrap().0.timestamp.map(|timestamp| timestamp.as_nanos()));
    }
    assert_eq!(seen, [Some(7_000_000_000), Some(7_000_000_000), None, None]);
}

/// That of a writer's sample of this number, for all of its readers.
fn data_header(number: i64) -> DataHeader<'static> {
    DataHeader {
        reader_id: EntityId::UNKNOWN,
        writer_id: EntityId::new(1, EntityKind::WRITER_NO_KEY),
        writer_sn: SequenceNumber(number),
        kind: PayloadKind::Data,
        status_info: StatusInfo::default(),
        key_hash: None,
        qos_parameters: &[],
    }
}

/// Samples of one writer, with what goes before and after them.
fn batch(destination: GuidPrefix) -> Vec<u8> {
    let mut datagram = Datagram::new();
    let mut builder = MessageBuilder::begin(&mut datagram, GuidPrefix([1; 12]));
    builder.info_destination(destination);
    for number in 1..6 {
        builder.info_timestamp(Some(Timestamp::from_nanos(number as u64)));
        builder.data(&data_header(number), None, &Payload::from(&[0, 1, 0, 0, 7, 7, 7, 7][..]));
    }
    builder.info_destination(GuidPrefix([3; 12]));
    datagram.to_vec()
}

#[test]
fn asking_for_data_first_changes_nothing() {
    let own = GuidPrefix([2; 12]);
    let all = bases(3);
    // Several kinds in a row, as in a batch.
    let mixed = all.chunks(5).map(|chunk| {
        let bodies = chunk.iter().flat_map(|message| message.iter().skip(header().len()).copied());
        header().into_iter().chain(bodies).collect::<Vec<u8>>()
    });
    let mut data = 0;
    for base in mixed.chain(all.iter().cloned()).chain([batch(own)]) {
        for message in damaged(&base).chain([base.clone()]) {
            let Ok(receiver) = MessageReceiver::new(&message, own) else { continue };
            let (mut plain, mut asking) = (receiver.clone(), receiver);
            loop {
                let expected = plain.next_alone();
                let found = match asking.next_data() {
                    Some(found) => {
                        data += 1;
                        Some(Ok(Submessage::Data(found)))
                    }
                    None => asking.next_alone(),
                };
                assert_eq!(found, expected);
                assert_eq!(asking.context(), plain.context());
                if expected.is_none() {
                    break;
                }
            }
        }
    }
    assert!(data > 1_000, "{data}");
}

/// The samples that a receiver yields, asked for DATA first or not: their numbers, and their payloads of these lengths.
fn samples(mut receiver: MessageReceiver<'_>, lengths: &[usize], first: bool) -> Vec<(i64, Vec<u8>)> {
    let mut found = Vec::new();
    loop {
        let asked = if first { receiver.next_data().map(Submessage::Data) } else { None };
        match asked.map(Ok).or_else(|| receiver.next_alone()) {
            Some(Ok(Submessage::Data(data))) => {
                let number = data.writer_sn.0;
                let bytes = data.payload.bytes();
                // In one piece there may be padding.
                let length = lengths[number as usize - 1];
                assert!((length..length + 4).contains(&bytes.len()), "{} of {length}", bytes.len());
                found.push((number, bytes[..length].to_vec()));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => panic!("{error}"),
            None => return found,
        }
    }
}

/// A message with samples of these lengths.
fn message_of(lengths: &[usize]) -> Datagram {
    let mut datagram = Datagram::new();
    let mut builder = MessageBuilder::begin(&mut datagram, GuidPrefix([1; 12]));
    for (number, length) in (1..).zip(lengths) {
        builder.info_timestamp(Some(Timestamp::from_nanos(number as u64 / 3)));
        builder.data(&data_header(number), None, &Payload::from(vec![number as u8; *length]));
    }
    datagram
}

/// The payloads of a message one after another, with gaps between them, and where each of them is.
fn parts_of(datagram: &Datagram, gap: usize) -> (Vec<u8>, Vec<Part>) {
    let (mut bytes, mut parts) = (Vec::new(), Vec::new());
    for (at, payload) in datagram.payloads() {
        bytes.resize(bytes.len() + gap, 0xee);
        parts.push(Part { at: at as u32, start: bytes.len() as u32, length: payload.len() as u32 });
        bytes.extend_from_slice(payload);
    }
    (bytes, parts)
}

proptest! {
    #[test]
    fn a_message_in_parts_reads_as_in_one_piece(
        lengths in proptest::collection::vec(0_usize..2_000, 1..20),
        gap in 0_usize..9,
    ) {
        let datagram = message_of(&lengths);
        let (bytes, parts) = parts_of(&datagram, gap);
        let parts = Parts { bytes: &bytes, parts: &parts };
        let own = GuidPrefix([2; 12]);
        let whole = datagram.to_vec();
        let mut assembled = Vec::new();
        prop_assert!(parts.assemble(datagram.own_bytes(), &mut assembled));
        prop_assert_eq!(&assembled, &whole);
        let expected = samples(MessageReceiver::new(&whole, own).unwrap(), &lengths, false);
        prop_assert_eq!(expected.len(), lengths.len());
        for first in [false, true] {
            let receiver = MessageReceiver::in_parts(datagram.own_bytes(), parts, own).unwrap();
            prop_assert_eq!(&samples(receiver, &lengths, first), &expected);
        }
    }

    #[test]
    fn arbitrary_parts_do_no_harm(
        lengths in proptest::collection::vec(0_usize..600, 1..9),
        told in proptest::collection::vec((0_u32..800, 0_u32..5_000, 0_u32..3_000), 0..12),
        kept in 0_usize..9,
    ) {
        let datagram = message_of(&lengths);
        let (bytes, mut parts) = parts_of(&datagram, 4);
        parts.truncate(kept);
        parts.extend(told.iter().map(|(at, start, length)| Part { at: *at, start: *start, length: *length }));
        let parts = Parts { bytes: &bytes, parts: &parts };
        let mut receiver = MessageReceiver::in_parts(datagram.own_bytes(), parts, GuidPrefix([2; 12])).unwrap();
        let mut submessages = 0;
        while let Some(next) = receiver.next_submessage() {
            submessages += 1;
            if let Ok((_, Submessage::Data(data))) = next {
                let read = data.payload.bytes().as_ptr_range();
                let is_in = |of: &[u8]| of.as_ptr_range().start <= read.start && read.end <= of.as_ptr_range().end;
                prop_assert!(read.is_empty() || is_in(&bytes) || is_in(datagram.own_bytes()));
            }
        }
        prop_assert!(submessages <= 2 * lengths.len());
    }
}
