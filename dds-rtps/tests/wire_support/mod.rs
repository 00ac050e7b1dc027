//! What the tests of the wire format share.

use dds_rtps::{
    discovery::{ParticipantData, ParticipantMessageData, PublicationData, SubscriptionData, TopicData},
    message::{DataPayload, InlineQos, MessageReceiver, Submessage},
    structure::{EntityId, GuidPrefix, VendorId},
};

/// The UDP payloads of a classic little-endian pcap of Ethernet frames with unfragmented IPv4.
#[allow(dead_code, reason = "not every test file reads captures")]
pub fn datagrams(capture: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/tests/captures/{capture}.pcap", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1], "{path} is not a little-endian classic pcap");
    assert_eq!(file[20..24], [1, 0, 0, 0], "{path} is not of Ethernet frames");
    let mut rest = &file[24..];
    let mut found = Vec::new();
    while !rest.is_empty() {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let frame = &rest[16..16 + length];
        rest = &rest[16 + length..];
        let ip = &frame[14..];
        assert_eq!((frame[12], frame[13], ip[0] >> 4, ip[9]), (8, 0, 4, 17), "{path} holds other than UDP");
        let udp = &ip[usize::from(ip[0] & 15) * 4..];
        let udp_length = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
        found.push(udp[8..udp_length].to_vec());
    }
    found
}

/// Reads everything that can be read of `datagram`; returns how many submessages there were.
#[allow(dead_code, reason = "not every test file damages messages")]
pub fn exercise(datagram: &[u8]) -> usize {
    let Ok(mut receiver) = MessageReceiver::new(datagram, GuidPrefix::UNKNOWN) else { return 0 };
    let mut count = 0;
    while let Some(next) = receiver.next_submessage() {
        let Ok((context, submessage)) = next else {
            assert!(receiver.next_submessage().is_none(), "something followed an error");
            break;
        };
        count += 1;
        let vendor = context.source_vendor;
        match submessage {
            Submessage::Data(data) => {
                exercise_inline_qos(data.inline_qos);
                assert!(datagram[data.payload_offset..].starts_with(data.payload.bytes()));
                exercise_payload(data.writer_id, data.payload, data.inline_qos, vendor);
            }
            Submessage::DataFrag(fragment) => {
                exercise_inline_qos(fragment.inline_qos);
                assert!(fragment.fragment_count() > 0);
                assert!(
                    fragment.sample_offset() + fragment.payload.len() as u64
                        <= u64::from(fragment.sample_size)
                );
            }
            Submessage::AckNack(ack) => assert!(ack.reader_sn_state.iter().count() <= 256),
            Submessage::Gap(gap) => assert!(gap.gap_list.iter().count() <= 256),
            Submessage::NackFrag(nack) => assert!(nack.fragment_number_state.iter().count() <= 256),
            _ => {}
        }
    }
    count
}

#[allow(dead_code, reason = "as above")]
fn exercise_inline_qos(inline_qos: Option<InlineQos<'_>>) {
    let Some(qos) = inline_qos else { return };
    let _ = (qos.status_info(), qos.key_hash(), qos.original_writer_info(), qos.related_sample_identity());
    let _ = (qos.coherent_set(), qos.group_coherent_set(), qos.group_seq_num(), qos.writer_group_info());
    let _ = (qos.content_filter_info(), qos.unknown_must_understand(), qos.directed_write().count());
}

/// Decodes the payload as every kind of discovery data when it is of a built-in writer.
#[allow(dead_code, reason = "as above")]
fn exercise_payload(
    writer_id: EntityId,
    payload: DataPayload<'_>,
    inline_qos: Option<InlineQos<'_>>,
    vendor: VendorId,
) {
    if writer_id.is_builtin() {
        let bytes = payload.bytes();
        let _ = ParticipantData::decode(bytes, vendor);
        let _ = PublicationData::decode(bytes, vendor);
        let _ = SubscriptionData::decode(bytes, vendor);
        let _ = TopicData::decode(bytes, vendor);
        let _ = ParticipantMessageData::decode(bytes);
        let _ = ParticipantData::disposed(payload, inline_qos.as_ref());
        let _ = PublicationData::disposed(payload, inline_qos.as_ref());
    }
}
