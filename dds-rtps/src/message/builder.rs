//! Writing messages, little endian.

use dds_types::cdr::Endianness;

use super::{
    AckNack, Datagram, FixedSubmessage, Gap, Header, Heartbeat, HeartbeatFrag, InfoDestination,
    InfoTimestamp, InlineQosToSend, NackFrag, PayloadKind, SUBMESSAGE_HEADER_SIZE, StatusInfo,
    SubmessageElement, SubmessageId,
    data::{
        DATA_FLAG_DATA, DATA_FLAG_KEY, DATA_TO_INLINE_QOS, FLAG_INLINE_QOS, FRAG_FLAG_KEY, FRAG_TO_INLINE_QOS,
    },
    element::{halves, put_u16},
    inline_qos::{
        KEY_HASH_SIZE, SENTINEL_SIZE, STATUS_INFO_SIZE, put_key_hash, put_sentinel, put_status_info,
    },
    receiver::RawSubmessage,
};
use crate::{
    payload::Payload,
    structure::{EntityId, FragmentNumber, GuidPrefix, KeyHash, SequenceNumber},
    time::Timestamp,
};

/// What a DATA says beside its payload and rare inline QoS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DataHeader<'a> {
    /// Whom it is for; `ENTITYID_UNKNOWN` for every reader that matches the writer.
    pub reader_id: EntityId,
    /// Who writes it.
    pub writer_id: EntityId,
    /// Its place in the writer's history.
    pub writer_sn: SequenceNumber,
    /// What the payload is.
    pub kind: PayloadKind,
    /// What it does to its instance; written unless zero.
    pub status_info: StatusInfo,
    /// The digest of its key.
    pub key_hash: Option<KeyHash>,
    /// QoS parameters for readers that expect them inline: encoded little endian, padded, without
    /// a sentinel.
    pub qos_parameters: &'a [u8],
}

impl DataHeader<'_> {
    /// How many bytes the inline QoS takes, sentinel included; 0 when there is none.
    pub(crate) fn inline_qos_size(&self, inline: Option<&InlineQosToSend>) -> usize {
        let status = if self.status_info == StatusInfo::default() { 0 } else { STATUS_INFO_SIZE };
        let key_hash = if self.key_hash.is_some() { KEY_HASH_SIZE } else { 0 };
        let parameters = inline
            .map_or(0, InlineQosToSend::size)
            .saturating_add(status)
            .saturating_add(key_hash)
            .saturating_add(self.qos_parameters.len());
        if parameters == 0 { 0 } else { parameters.saturating_add(SENTINEL_SIZE) }
    }

    fn write_inline_qos(&self, inline: Option<&InlineQosToSend>, out: &mut alloc::vec::Vec<u8>) {
        out.extend_from_slice(self.qos_parameters);
        if let Some(inline) = inline {
            inline.write(out);
        }
        if let Some(hash) = self.key_hash {
            put_key_hash(hash, out);
        }
        if self.status_info != StatusInfo::default() {
            put_status_info(self.status_info, out);
        }
        put_sentinel(out);
    }

    /// How many bytes [`MessageBuilder::data`] appends.
    pub fn size(&self, inline: Option<&InlineQosToSend>, payload_length: usize) -> usize {
        let body = body_size(self.inline_qos_size(inline), payload_length, DATA_TO_INLINE_QOS);
        SUBMESSAGE_HEADER_SIZE.saturating_add(body)
    }
}

/// How many bytes follow a submessage's header.
fn body_size(inline_size: usize, payload_length: usize, to_inline_qos: u16) -> usize {
    OCTETS_BEFORE_FIELDS
        .saturating_add(usize::from(to_inline_qos))
        .saturating_add(inline_size)
        .saturating_add(payload_length.saturating_add(3) & !3)
}

/// `extraFlags` and `octetsToInlineQos`.
const OCTETS_BEFORE_FIELDS: usize = 4;

/// What a DATA_FRAG says beside its payload and rare inline QoS.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DataFragHeader<'a> {
    /// What it shares with a DATA of the same sample.
    pub data: DataHeader<'a>,
    /// The first fragment here; counts from 1.
    pub fragment_starting_num: FragmentNumber,
    /// How many fragments are here.
    pub fragments_in_submessage: u16,
    /// Bytes in each fragment of the sample but the last.
    pub fragment_size: u16,
    /// Bytes of the whole sample.
    pub sample_size: u32,
}

impl DataFragHeader<'_> {
    /// How many bytes [`MessageBuilder::data_frag`] appends.
    pub fn size(&self, inline: Option<&InlineQosToSend>, payload_length: usize) -> usize {
        let body = body_size(self.data.inline_qos_size(inline), payload_length, FRAG_TO_INLINE_QOS);
        SUBMESSAGE_HEADER_SIZE.saturating_add(body)
    }
}

/// Appends submessages to a [`Datagram`].
///
/// Checks no lengths: the caller adds up the `size` of what it appends and stays within what the
/// path carries.
#[derive(Debug)]
pub struct MessageBuilder<'d> {
    datagram: &'d mut Datagram,
}

impl<'d> MessageBuilder<'d> {
    /// Goes on with `datagram`, or, when that is empty, begins a message of the participant
    /// `prefix` in it.
    pub fn begin(datagram: &'d mut Datagram, prefix: GuidPrefix) -> Self {
        if datagram.is_empty() {
            datagram.bytes_mut().extend_from_slice(&Header::new(prefix).to_bytes());
        }
        Self { datagram }
    }

    /// The datagram's length so far.
    pub fn len(&self) -> usize {
        self.datagram.len()
    }

    /// Always false: there is a header at least.
    pub fn is_empty(&self) -> bool {
        self.datagram.is_empty()
    }

    /// Says that what follows is for `prefix` alone; nothing is appended when that holds already.
    /// [`Datagram::set_destination`] can change it later.
    pub fn info_destination(&mut self, prefix: GuidPrefix) -> &mut Self {
        if self.datagram.destination != prefix {
            self.append(&InfoDestination { guid_prefix: prefix });
            self.datagram.mark_destination();
            self.datagram.destination = prefix;
        }
        self
    }

    /// Says when the samples that follow were written; nothing is appended when that holds already.
    pub fn info_timestamp(&mut self, timestamp: Option<Timestamp>) -> &mut Self {
        if self.datagram.timestamp != timestamp {
            match timestamp {
                // In one piece: this is written for every sample.
                Some(timestamp) => {
                    let (seconds, fraction) = timestamp.to_wire();
                    let ([s0, s1, s2, s3], [f0, f1, f2, f3]) =
                        (seconds.to_le_bytes(), fraction.to_le_bytes());
                    let flags = RawSubmessage::FLAG_LITTLE_ENDIAN;
                    let bytes = [SubmessageId::INFO_TS.0, flags, 8, 0, s0, s1, s2, s3, f0, f1, f2, f3];
                    self.datagram.bytes_mut().extend_from_slice(&bytes);
                }
                None => _ = self.append(&InfoTimestamp { timestamp }),
            }
            self.datagram.timestamp = timestamp;
        }
        self
    }

    /// Appends a DATA. `payload` is not written for [`PayloadKind::None`].
    #[inline]
    pub fn data(
        &mut self,
        header: &DataHeader<'_>,
        inline: Option<&InlineQosToSend>,
        payload: &Payload,
    ) -> &mut Self {
        let has_payload = header.kind != PayloadKind::None;
        let length = if has_payload { payload.len() } else { 0 };
        let payload_flag = match header.kind {
            PayloadKind::None => 0,
            PayloadKind::Data => DATA_FLAG_DATA,
            PayloadKind::Key => DATA_FLAG_KEY,
        };
        let inline_size = header.inline_qos_size(inline);
        let body = body_size(inline_size, length, DATA_TO_INLINE_QOS);
        self.data_head(SubmessageId::DATA, header, inline_size, payload_flag, body, DATA_TO_INLINE_QOS);
        if inline_size != 0 {
            header.write_inline_qos(inline, self.datagram.bytes_mut());
        }
        if has_payload {
            self.datagram.push_payload(payload);
        }
        self
    }

    /// Appends a DATA_FRAG; `payload` holds the fragments' bytes only.
    pub fn data_frag(
        &mut self,
        header: &DataFragHeader<'_>,
        inline: Option<&InlineQosToSend>,
        payload: &Payload,
    ) -> &mut Self {
        let data = &header.data;
        let key_flag = if data.kind == PayloadKind::Key { FRAG_FLAG_KEY } else { 0 };
        let inline_size = data.inline_qos_size(inline);
        let body = body_size(inline_size, payload.len(), FRAG_TO_INLINE_QOS);
        self.data_head(SubmessageId::DATA_FRAG, data, inline_size, key_flag, body, FRAG_TO_INLINE_QOS);
        let out = self.datagram.bytes_mut();
        header.fragment_starting_num.write(out, LITTLE);
        put_u16(header.fragments_in_submessage, out, LITTLE);
        put_u16(header.fragment_size, out, LITTLE);
        header.sample_size.write(out, LITTLE);
        if inline_size != 0 {
            data.write_inline_qos(inline, self.datagram.bytes_mut());
        }
        self.datagram.push_payload(payload);
        self
    }

    fn data_head(
        &mut self,
        id: SubmessageId,
        header: &DataHeader<'_>,
        inline_size: usize,
        payload_flag: u8,
        body: usize,
        to_inline_qos: u16,
    ) {
        let inline_flag = if inline_size == 0 { 0 } else { FLAG_INLINE_QOS };
        let flags = RawSubmessage::FLAG_LITTLE_ENDIAN | inline_flag | payload_flag;
        // §9.4.5.1.3: a body that is longer must be the last one and has length zero.
        let [l0, l1] = u16::try_from(body).unwrap_or(0).to_le_bytes();
        let [q0, q1] = to_inline_qos.to_le_bytes();
        let [EntityId([r0, r1, r2, r3]), EntityId([w0, w1, w2, w3])] = [header.reader_id, header.writer_id];
        let [high, low] = halves(header.writer_sn.0).map(u32::to_le_bytes);
        let ([n0, n1, n2, n3], [n4, n5, n6, n7]) = (high, low);
        // In one piece: this is written for every sample.
        self.datagram.bytes_mut().extend_from_slice(&[
            id.0, flags, l0, l1, 0, 0, q0, q1, r0, r1, r2, r3, w0, w1, w2, w3, n0, n1, n2, n3, n4, n5, n6, n7,
        ]);
    }

    /// Appends a HEARTBEAT.
    pub fn heartbeat(&mut self, heartbeat: &Heartbeat) -> &mut Self {
        self.append(heartbeat)
    }

    /// Appends an ACKNACK.
    pub fn ack_nack(&mut self, ack_nack: &AckNack) -> &mut Self {
        self.append(ack_nack)
    }

    /// Appends a GAP.
    pub fn gap(&mut self, gap: &Gap) -> &mut Self {
        self.append(gap)
    }

    /// Appends a NACK_FRAG.
    pub fn nack_frag(&mut self, nack_frag: &NackFrag) -> &mut Self {
        self.append(nack_frag)
    }

    /// Appends a HEARTBEAT_FRAG.
    pub fn heartbeat_frag(&mut self, heartbeat_frag: &HeartbeatFrag) -> &mut Self {
        self.append(heartbeat_frag)
    }

    fn append(&mut self, submessage: &impl FixedSubmessage) -> &mut Self {
        submessage.write(self.datagram.bytes_mut(), LITTLE);
        self
    }
}

const LITTLE: Endianness = Endianness::Little;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{DataPayload, MessageReceiver, SequenceNumberSet, Submessage};
    use crate::structure::Count;
    use std::{vec, vec::Vec};

    const US: GuidPrefix = GuidPrefix([7; 12]);
    const THEM: GuidPrefix = GuidPrefix([9; 12]);

    fn sample() -> DataHeader<'static> {
        DataHeader {
            reader_id: EntityId([1, 2, 3, 7]),
            writer_id: EntityId([1, 2, 3, 2]),
            writer_sn: SequenceNumber(5_000_000_000),
            kind: PayloadKind::Data,
            status_info: StatusInfo::default(),
            key_hash: Some(KeyHash([3; 16])),
            qos_parameters: &[],
        }
    }

    #[test]
    fn what_is_built_is_received_and_sizes_are_exact() {
        for length in [0, 1, 3, 4, 255, 256, 257, 2000] {
            let payload = Payload::from(vec![0xab; length]);
            let inline = InlineQosToSend { directed_write: Some(Default::default()), ..Default::default() };
            let mut datagram = Datagram::new();
            let mut builder = MessageBuilder::begin(&mut datagram, US);
            builder.info_destination(THEM).info_timestamp(Some(Timestamp::from_nanos(77)));
            let before = builder.len();
            builder.data(&sample(), Some(&inline), &payload);
            assert_eq!(builder.len() - before, sample().size(Some(&inline), length));
            let fragment = DataFragHeader {
                data: sample(),
                fragment_starting_num: FragmentNumber(2),
                fragments_in_submessage: 1,
                fragment_size: 2000,
                sample_size: 2000 + length as u32,
            };
            let before = builder.len();
            if length > 0 {
                builder.data_frag(&fragment, None, &payload);
                assert_eq!(builder.len() - before, fragment.size(None, length));
            }
            builder.heartbeat(&Heartbeat {
                reader_id: EntityId::UNKNOWN,
                writer_id: sample().writer_id,
                first_sn: SequenceNumber(1),
                last_sn: sample().writer_sn,
                count: Count(1),
                is_final: true,
                is_liveliness: false,
                group_info: None,
            });

            let bytes = datagram.to_vec();
            assert_eq!(bytes.len(), datagram.len());
            let mut receiver = MessageReceiver::new(&bytes, THEM).unwrap();
            let (context, submessage) = receiver.next_submessage().unwrap().unwrap();
            assert_eq!(context.source_prefix, US);
            assert_eq!(context.timestamp, Some(Timestamp::from_nanos(77)));
            let Submessage::Data(data) = submessage else { panic!("{submessage:?}") };
            assert_eq!(data.writer_sn, sample().writer_sn);
            assert_eq!(data.inline_qos.unwrap().key_hash(), sample().key_hash);
            let DataPayload::Data(value) = data.payload else { panic!("{data:?}") };
            assert_eq!(value[..length], payload[..]);
            assert_eq!(bytes[data.payload_offset..][..value.len()], *value);
            if length > 0 {
                let (_, submessage) = receiver.next_submessage().unwrap().unwrap();
                let Submessage::DataFrag(received) = submessage else { panic!("{submessage:?}") };
                assert_eq!(received.payload, &payload[..]);
            }
            assert!(matches!(receiver.next_submessage(), Some(Ok((_, Submessage::Heartbeat(_))))));
            assert!(receiver.next_submessage().is_none());
        }
    }

    #[test]
    fn one_datagram_serves_several_destinations() {
        let mut datagram = Datagram::new();
        let mut builder = MessageBuilder::begin(&mut datagram, US);
        for number in 1..=3 {
            builder.info_destination(THEM);
            builder.gap(&Gap {
                reader_id: EntityId::UNKNOWN,
                writer_id: sample().writer_id,
                gap_start: SequenceNumber(number),
                gap_list: SequenceNumberSet::new(SequenceNumber(number + 1)),
                group_info: None,
                filtered_count: None,
            });
        }
        for (prefix, expected) in [(THEM, 3), (GuidPrefix([5; 12]), 3)] {
            datagram.set_destination(prefix);
            let bytes = datagram.to_vec();
            let mut receiver = MessageReceiver::new(&bytes, prefix).unwrap();
            let received: Vec<_> =
                core::iter::from_fn(|| receiver.next_submessage().map(|it| it.is_ok())).collect();
            assert_eq!(received, vec![true; expected]);
            let mut receiver = MessageReceiver::new(&bytes, GuidPrefix([6; 12])).unwrap();
            assert!(receiver.next_submessage().is_none());
        }
    }

    #[test]
    fn pieces_hold_large_payloads_by_reference() {
        let payload = Payload::from(vec![1; 1000]);
        let mut datagram = Datagram::new();
        let mut builder = MessageBuilder::begin(&mut datagram, US);
        builder.data(&sample(), None, &payload).data(&sample(), None, &payload);
        let pieces: Vec<_> = datagram.pieces().collect();
        assert_eq!(pieces.len(), 4);
        assert_eq!(pieces[1].as_ptr(), payload.as_ptr());
        assert!(pieces.iter().all(|piece| !piece.is_empty()));
    }
}
