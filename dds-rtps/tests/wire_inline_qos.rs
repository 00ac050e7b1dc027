//! Inline QoS and the fields around it, in bytes written by hand.

use dds_rtps::{
    discovery::{ContentFilter, FilterSignature},
    message::{
        ContentFilterInfo, Data, DataHeader, DataPayload, Datagram, GroupDigest, InlineQosToSend,
        MessageBuilder, MessageErrorKind, MessageReceiver, OriginalWriterInfo, PayloadKind, SampleIdentity,
        StatusInfo, Submessage, SubmessageId,
    },
    payload::Payload,
    structure::{EntityId, Guid, GuidPrefix, KeyHash, SequenceNumber},
};

const BIG: u8 = 0;
const LITTLE: u8 = 1;
const INLINE_QOS: u8 = 2;
const DATA: u8 = 4;
const KEY: u8 = 8;
const NON_STANDARD: u8 = 16;

const CYCLONE: u8 = 0x10;
const EPROSIMA: u8 = 0x0f;

/// A DATA in a message of a vendor, with its flags, the bytes between the sequence number and the
/// inline QoS, and all that follows.
fn message(vendor: u8, flags: u8, between: &[u8], rest: &[u8]) -> Vec<u8> {
    let mut bytes = [&b"RTPS\x02\x05\x01"[..], &[vendor], &[1; 12]].concat();
    let order = |value: u16| if flags & LITTLE == 0 { value.to_be_bytes() } else { value.to_le_bytes() };
    let number = if flags & LITTLE == 0 { [0, 0, 0, 0, 0, 0, 0, 9] } else { [0, 0, 0, 0, 9, 0, 0, 0] };
    bytes.extend_from_slice(&[0x15, flags]);
    bytes.extend_from_slice(&order((20 + between.len() + rest.len()) as u16));
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(&order((16 + between.len()) as u16));
    bytes.extend_from_slice(&[0, 0, 1, 7, 0, 0, 1, 2]);
    bytes.extend_from_slice(&number);
    bytes.extend_from_slice(between);
    bytes.extend_from_slice(rest);
    bytes
}

fn parameter(flags: u8, id: u16, value: &[u8]) -> Vec<u8> {
    let order = |value: u16| if flags & LITTLE == 0 { value.to_be_bytes() } else { value.to_le_bytes() };
    [&order(id)[..], &order(value.len() as u16), value].concat()
}

fn read<R>(message: &[u8], check: impl FnOnce(Data<'_>) -> R) -> R {
    let mut receiver = MessageReceiver::new(message, GuidPrefix::UNKNOWN).unwrap();
    match receiver.next_submessage() {
        Some(Ok((_, Submessage::Data(data)))) => check(data),
        other => panic!("{other:?}"),
    }
}

fn refused(message: &[u8]) -> MessageErrorKind {
    let mut receiver = MessageReceiver::new(message, GuidPrefix::UNKNOWN).unwrap();
    receiver.next_submessage().unwrap().unwrap_err().kind
}

#[test]
fn status_info_is_big_endian_and_all_else_in_the_order_of_the_submessage() {
    for order in [BIG, LITTLE] {
        let number = if order == BIG { [0, 0, 0, 1, 0, 0, 0, 2] } else { [1, 0, 0, 0, 2, 0, 0, 0] };
        let list = [
            parameter(order, 0x71, &[0, 0, 0, 3]),
            parameter(order, 0x70, &[5; 16]),
            parameter(order, 0x56, &number),
            parameter(order, 1, &[]),
        ]
        .concat();
        let bytes = message(CYCLONE, order | INLINE_QOS | KEY, &[], &[&list[..], b"key!"].concat());
        read(&bytes, |data| {
            let qos = data.inline_qos.unwrap();
            assert_eq!(qos.status_info(), Some(StatusInfo::DISPOSED.union(StatusInfo::UNREGISTERED)));
            assert_eq!(qos.key_hash(), Some(KeyHash([5; 16])));
            assert_eq!(qos.coherent_set(), Some(SequenceNumber(0x1_0000_0002)));
            assert_eq!(data.payload, DataPayload::Key(b"key!"));
            assert_eq!(data.writer_sn, SequenceNumber(9));
            assert_eq!(data.payload_offset, bytes.len() - 4);
        });
    }
}

#[test]
fn fields_of_later_versions_before_the_inline_qos_are_skipped() {
    let bytes = message(CYCLONE, LITTLE | DATA, &[0xaa; 8], b"data");
    read(&bytes, |data| assert_eq!(data.payload, DataPayload::Data(b"data")));
}

#[test]
fn an_offset_to_the_inline_qos_inside_the_fields_or_past_the_end_is_refused() {
    for offset in [0_u8, 4, 12, 15, 21, 255] {
        let mut bytes = message(CYCLONE, LITTLE | DATA, &[], b"data");
        bytes[26] = offset;
        let expected = MessageErrorKind::SubmessageTooShort(SubmessageId::DATA);
        assert_eq!(refused(&bytes), expected, "{offset}");
    }
}

#[test]
fn a_related_sample_identity_at_the_legacy_id_counts_only_from_those_who_mean_it() {
    let identity = [&[4; 16][..], &[0, 0, 0, 0, 7, 0, 0, 0]].concat();
    let list = |id| [parameter(LITTLE, id, &identity), parameter(LITTLE, 1, &[])].concat();
    let of = |vendor, id| {
        let bytes = message(vendor, LITTLE | INLINE_QOS, &[], &list(id));
        read(&bytes, |data| data.inline_qos.unwrap().related_sample_identity())
    };
    let expected =
        SampleIdentity { writer_guid: Guid::from_bytes([4; 16]), sequence_number: SequenceNumber(7) };
    assert_eq!(of(CYCLONE, 0x0083), Some(expected));
    assert_eq!(of(EPROSIMA, 0x0083), Some(expected));
    assert_eq!(of(EPROSIMA, 0x800f), Some(expected));
    assert_eq!(of(CYCLONE, 0x800f), None);
}

#[test]
fn unknown_parameters_matter_only_when_they_must_be_understood() {
    for (id, matters) in [(0x3fff, false), (0x8000, false), (0xffff, false), (0x4001, true), (0x7fff, true)] {
        let list = [parameter(LITTLE, id, &[0; 4]), parameter(LITTLE, 1, &[])].concat();
        let bytes = message(CYCLONE, LITTLE | INLINE_QOS, &[], &list);
        read(&bytes, |data| {
            assert_eq!(data.inline_qos.unwrap().unknown_must_understand(), matters, "{id:#x}");
        });
    }
}

#[test]
fn values_too_short_count_as_absent_and_lists_without_an_end_are_refused() {
    let list =
        [parameter(LITTLE, 0x71, &[]), parameter(LITTLE, 0x70, &[1; 12]), parameter(LITTLE, 1, &[])].concat();
    let bytes = message(CYCLONE, LITTLE | INLINE_QOS, &[], &list);
    read(&bytes, |data| {
        let qos = data.inline_qos.unwrap();
        assert_eq!((qos.status_info(), qos.key_hash()), (None, None));
    });
    let endless = parameter(LITTLE, 0x70, &[1; 16]);
    let bytes = message(CYCLONE, LITTLE | INLINE_QOS | DATA, &[], &endless);
    assert_eq!(refused(&bytes), MessageErrorKind::InlineQos(SubmessageId::DATA));
}

#[test]
fn value_and_key_at_once_are_refused_and_foreign_formats_skipped() {
    let both = message(CYCLONE, LITTLE | DATA | KEY, &[], b"data");
    assert!(matches!(refused(&both), MessageErrorKind::Forbidden(SubmessageId::DATA, _)));
    let foreign = message(CYCLONE, LITTLE | DATA | NON_STANDARD, &[], b"data");
    let mut receiver = MessageReceiver::new(&foreign, GuidPrefix::UNKNOWN).unwrap();
    assert!(receiver.next_submessage().is_none());
}

#[test]
fn all_that_is_sent_is_received() {
    let guid = Guid::new(GuidPrefix([8; 12]), EntityId([1, 2, 3, 4]));
    let number = SequenceNumber(-5_000_000_000);
    let info = ContentFilterInfo::new((0..33).map(|n| (FilterSignature([n; 16]), n % 2 == 0)));
    let inline = InlineQosToSend {
        related_sample_identity: Some(SampleIdentity { writer_guid: guid, sequence_number: number }),
        original_writer_info: Some(OriginalWriterInfo { writer_guid: guid, sequence_number: number }),
        directed_write: Some(guid),
        coherent_set: Some(SequenceNumber(1)),
        group_coherent_set: Some(SequenceNumber(2)),
        group_seq_num: Some(SequenceNumber(3)),
        writer_group_info: Some(Default::default()),
        secure_writer_group_info: Some(Default::default()),
        content_filter_info: Some(info.clone()),
    };
    let header = DataHeader {
        writer_sn: SequenceNumber(4),
        kind: PayloadKind::Data,
        status_info: StatusInfo::FILTERED,
        key_hash: Some(KeyHash([7; 16])),
        // DURABILITY, as readers that expect inline QoS get it.
        qos_parameters: &[0x1d, 0, 4, 0, 1, 0, 0, 0],
        ..DataHeader::default()
    };
    let payload = Payload::from(&b"five!"[..]);
    let mut datagram = Datagram::new();
    let mut builder = MessageBuilder::begin(&mut datagram, GuidPrefix([1; 12]));
    let before = builder.len();
    builder.data(&header, Some(&inline), &payload);
    assert_eq!(builder.len() - before, header.size(Some(&inline), payload.len()));
    read(&datagram.to_vec(), |data| {
        let qos = data.inline_qos.unwrap();
        assert_eq!(qos.related_sample_identity(), inline.related_sample_identity);
        assert_eq!(qos.original_writer_info(), inline.original_writer_info);
        assert_eq!(qos.directed_write().collect::<Vec<_>>(), [guid]);
        assert_eq!(qos.coherent_set(), inline.coherent_set);
        assert_eq!(qos.group_coherent_set(), inline.group_coherent_set);
        assert_eq!(qos.group_seq_num(), inline.group_seq_num);
        assert_eq!(qos.writer_group_info(), inline.writer_group_info);
        assert_eq!(qos.content_filter_info(), inline.content_filter_info);
        assert_eq!(qos.status_info(), Some(StatusInfo::FILTERED));
        assert_eq!(qos.key_hash(), header.key_hash);
        assert_eq!(qos.iter().next().unwrap().id.0, 0x1d);
        assert_eq!(data.payload, DataPayload::Data(b"five!\0\0\0"));
    });
}

/// RTPS 2.5 §9.6.4.1: a bitmap whose first result is the most significant bit, then the signatures.
#[test]
fn content_filter_info_is_a_bitmap_and_signatures() {
    for order in [BIG, LITTLE] {
        let long = |value: u32| if order == BIG { value.to_be_bytes() } else { value.to_le_bytes() };
        let value = [&long(1)[..], &long(0xa000_0000), &long(3), &[1; 16], &[2; 16], &[3; 16]].concat();
        let list = [parameter(order, 0x55, &value), parameter(order, 1, &[])].concat();
        read(&message(CYCLONE, order | INLINE_QOS | DATA, &[], &[&list[..], b"data"].concat()), |data| {
            let info = data.inline_qos.unwrap().content_filter_info().unwrap();
            let results = [1, 2, 3, 4].map(|n| info.result(&FilterSignature([n; 16])));
            assert_eq!(results, [Some(true), Some(false), Some(true), None]);
        });
    }
    let long = u32::to_le_bytes;
    // More results than bits, a count beyond the end, no signatures.
    for value in [
        [&long(1)[..], &long(0), &long(33), &[0; 528]].concat(),
        [&long(u32::MAX)[..], &long(0), &long(0)].concat(),
        [&long(1)[..], &long(0), &long(u32::MAX)].concat(),
        long(0).to_vec(),
    ] {
        let list = [parameter(LITTLE, 0x55, &value), parameter(LITTLE, 1, &[])].concat();
        read(&message(CYCLONE, LITTLE | INLINE_QOS | DATA, &[], &[&list[..], b"data"].concat()), |data| {
            assert_eq!(data.inline_qos.unwrap().content_filter_info(), None);
        });
    }
}

/// The digest of all strings with their NULs: `printf 'Square_filtered\0Square\0DDSSQL\0color = %%0\0%s\0' "'RED'" | md5sum`.
#[test]
fn a_filter_is_named_by_the_md5_of_its_strings() {
    let filter = ContentFilter {
        content_filtered_topic_name: "Square_filtered".into(),
        related_topic_name: "Square".into(),
        filter_class_name: ContentFilter::SQL.into(),
        filter_expression: "color = %0".into(),
        expression_parameters: vec!["'RED'".into()],
    };
    let hex: String = filter.signature().0.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "5619828333943ebb3744337f9707c029");

    // What Fast DDS 3.2.2 sends with samples for this filter, as its writer and as its reader know it.
    let filter = ContentFilter {
        filter_expression: "shapesize <= 3".into(),
        expression_parameters: Vec::new(),
        ..filter
    };
    let captured = 0x3c92_b15f_u32.to_le_bytes().into_iter().chain(0xab30_5fd1_u32.to_le_bytes());
    let captured = captured.chain(0xadac_8cfc_u32.to_le_bytes()).chain(0x977e_c649_u32.to_le_bytes());
    assert!(filter.signature().0.into_iter().eq(captured));
}

#[test]
fn what_says_which_coherent_set_a_sample_is_in_is_written_as_the_standard_says() {
    // RTPS 2.5 §8.7.6 and Table 9.20: PID_COHERENT_SET, PID_GROUP_COHERENT_SET, PID_GROUP_SEQ_NUM, each a
    // SequenceNumber_t with its high half first, and PID_WRITER_GROUP_INFO.
    let list = [
        0x56, 0, 8, 0, 0, 0, 0, 0, 7, 0, 0, 0, //
        0x63, 0, 8, 0, 1, 0, 0, 0, 5, 0, 0, 0, //
        0x64, 0, 8, 0, 1, 0, 0, 0, 6, 0, 0, 0, //
        0x65, 0, 4, 0, 0x7a, 0x2d, 0x40, 0xf0, //
        1, 0, 0, 0,
    ];
    let marks = InlineQosToSend {
        coherent_set: Some(SequenceNumber(7)),
        group_coherent_set: Some(SequenceNumber(0x1_0000_0005)),
        group_seq_num: Some(SequenceNumber(0x1_0000_0006)),
        writer_group_info: Some(GroupDigest([0x7a, 0x2d, 0x40, 0xf0])),
        ..InlineQosToSend::default()
    };
    let bytes = written(&marks, b"data");
    assert!(bytes.windows(list.len()).any(|window| window == list), "{bytes:x?}");
    let message = message(EPROSIMA, LITTLE | INLINE_QOS | DATA, &[], &[&list[..], b"data"].concat());
    read(&message, |data| {
        let qos = data.inline_qos.unwrap();
        assert_eq!(qos.coherent_set(), marks.coherent_set);
        assert_eq!(qos.group_coherent_set(), marks.group_coherent_set);
        assert_eq!(qos.group_seq_num(), marks.group_seq_num);
        assert_eq!(qos.writer_group_info(), marks.writer_group_info);
    });
}

#[test]
fn the_end_of_a_set_has_no_payload_and_names_no_set() {
    // RTPS 2.5 §8.7.6: a Data without payload whose PID_COHERENT_SET is SEQUENCENUMBER_UNKNOWN, {-1, 0}.
    let end = InlineQosToSend { coherent_set: Some(SequenceNumber::UNKNOWN), ..InlineQosToSend::default() };
    let bytes = written(&end, b"");
    let expected = [
        0x15,
        LITTLE | INLINE_QOS,
        36,
        0, // neither DATA nor KEY
        0,
        0,
        16,
        0,
        0,
        0,
        1,
        7,
        0,
        0,
        1,
        2,
        0,
        0,
        0,
        0,
        9,
        0,
        0,
        0, //
        0x56,
        0,
        8,
        0,
        0xff,
        0xff,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
    ];
    assert!(bytes.ends_with(&expected), "{bytes:x?}");
    read(&bytes, |data| {
        assert_eq!(data.payload, DataPayload::None);
        assert_eq!(data.inline_qos.unwrap().coherent_set(), Some(SequenceNumber::UNKNOWN));
    });
}

/// A message with one DATA.
fn written(inline: &InlineQosToSend, payload: &[u8]) -> Vec<u8> {
    let header = DataHeader {
        reader_id: EntityId([0, 0, 1, 7]),
        writer_id: EntityId([0, 0, 1, 2]),
        writer_sn: SequenceNumber(9),
        kind: if payload.is_empty() { PayloadKind::None } else { PayloadKind::Data },
        status_info: StatusInfo::default(),
        key_hash: None,
        qos_parameters: &[],
    };
    let mut datagram = Datagram::new();
    let payload = Payload::from(payload.to_vec());
    MessageBuilder::begin(&mut datagram, GuidPrefix([1; 12])).data(&header, Some(inline), &payload);
    datagram.to_vec()
}

#[test]
fn a_groups_digest_is_the_md5_of_its_ids_in_order() {
    // RTPS 2.5 §9.4.2.15: the first four bytes of the MD5 of 00000002 00000102 00000203.
    let ids = [EntityId([0, 0, 2, 3]), EntityId([0, 0, 1, 2]), EntityId([0, 0, 2, 3])];
    assert_eq!(GroupDigest::of(ids), GroupDigest([0x7a, 0x2d, 0x40, 0xf0]));
    assert_eq!(GroupDigest::of([]), GroupDigest([0; 4]));
}
