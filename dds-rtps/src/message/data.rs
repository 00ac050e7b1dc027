//! DATA and DATA_FRAG (RTPS 2.5 §9.4.5.4 and §9.4.5.5), which borrow their payload.

use super::{
    MessageErrorKind,
    element::{Cursor, SubmessageElement},
    inline_qos::InlineQos,
    receiver::RawSubmessage,
};
use crate::structure::{EntityId, FragmentNumber, SequenceNumber, VendorId};

pub(super) const FLAG_INLINE_QOS: u8 = 0x02;
pub(super) const DATA_FLAG_DATA: u8 = 0x04;
pub(super) const DATA_FLAG_KEY: u8 = 0x08;
pub(super) const DATA_FLAG_NON_STANDARD: u8 = 0x10;
pub(super) const FRAG_FLAG_KEY: u8 = 0x04;
pub(super) const FRAG_FLAG_NON_STANDARD: u8 = 0x08;

/// `octetsToInlineQos` when nothing of a later version lies between.
pub(super) const DATA_TO_INLINE_QOS: u16 = 16;
/// `octetsToInlineQos` of DATA_FRAG.
pub(super) const FRAG_TO_INLINE_QOS: u16 = 28;

/// What a sample's payload is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum PayloadKind {
    /// Not there.
    #[default]
    None,
    /// The serialised value.
    Data,
    /// The serialised key.
    Key,
}

/// The payload of a DATA.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataPayload<'a> {
    /// Not there.
    None,
    /// The serialised value, with its encapsulation header.
    Data(&'a [u8]),
    /// The serialised key, with its encapsulation header.
    Key(&'a [u8]),
}

impl<'a> DataPayload<'a> {
    /// The bytes; none when there is no payload.
    pub const fn bytes(self) -> &'a [u8] {
        match self {
            Self::None => &[],
            Self::Data(bytes) | Self::Key(bytes) => bytes,
        }
    }

    /// What the bytes are.
    pub const fn kind(self) -> PayloadKind {
        match self {
            Self::None => PayloadKind::None,
            Self::Data(_) => PayloadKind::Data,
            Self::Key(_) => PayloadKind::Key,
        }
    }
}

/// A sample, or the end of an instance (RTPS 2.5 §8.3.8.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Data<'a> {
    /// Whom it is for; `ENTITYID_UNKNOWN` for every reader that matches the writer.
    pub reader_id: EntityId,
    /// Who wrote it.
    pub writer_id: EntityId,
    /// Its place in the writer's history.
    pub writer_sn: SequenceNumber,
    /// What travels beside the payload.
    pub inline_qos: Option<InlineQos<'a>>,
    /// The value or the key. What lies between the end of a value and the end of the submessage
    /// is padding.
    pub payload: DataPayload<'a>,
    /// Where in the datagram the payload begins.
    pub payload_offset: usize,
}

/// One or more consecutive fragments of a sample (RTPS 2.5 §8.3.8.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataFrag<'a> {
    /// Whom it is for; `ENTITYID_UNKNOWN` for every reader that matches the writer.
    pub reader_id: EntityId,
    /// Who wrote it.
    pub writer_id: EntityId,
    /// The sample's place in the writer's history.
    pub writer_sn: SequenceNumber,
    /// The first fragment here; counts from 1.
    pub fragment_starting_num: FragmentNumber,
    /// How many fragments are here.
    pub fragments_in_submessage: u16,
    /// Bytes in each fragment of the sample but the last.
    pub fragment_size: u16,
    /// Bytes of the whole sample.
    pub sample_size: u32,
    /// What travels beside the payload.
    pub inline_qos: Option<InlineQos<'a>>,
    /// Whether the sample is a serialised key.
    pub is_key: bool,
    /// The bytes of the fragments.
    pub payload: &'a [u8],
    /// Where in the datagram the payload begins.
    pub payload_offset: usize,
}

/// The reading head that DATA and DATA_FRAG share: `extraFlags` and `octetsToInlineQos`, then
/// fields, then, at the place that `octetsToInlineQos` gives, inline QoS.
struct Prelude<'a> {
    fields: Cursor<'a>,
    after: Cursor<'a>,
}

impl<'a> Prelude<'a> {
    fn read(raw: &RawSubmessage<'a>) -> Result<Self, MessageErrorKind> {
        let mut fields = raw.cursor();
        let _extra_flags = fields.u16()?;
        let to_inline_qos = usize::from(fields.u16()?);
        let mut after = fields.clone();
        let head = after.bytes(to_inline_qos)?;
        Ok(Self { fields: Cursor::new(head, fields.endianness(), raw.id), after })
    }

    fn inline_qos(
        &mut self,
        raw: &RawSubmessage<'a>,
        vendor: VendorId,
    ) -> Result<Option<InlineQos<'a>>, MessageErrorKind> {
        if raw.flags & FLAG_INLINE_QOS == 0 {
            return Ok(None);
        }
        InlineQos::read(&mut self.after, vendor).map(Some)
    }

    /// The rest, or `part` where nothing is left, and where in the datagram it begins.
    fn payload(&self, raw: &RawSubmessage<'a>, part: &'a [u8]) -> (&'a [u8], usize) {
        let bytes = self.after.rest();
        if bytes.is_empty() {
            return (part, raw.body_offset().saturating_add(raw.body.len()));
        }
        let offset = raw.body_offset().saturating_add(raw.body.len()).saturating_sub(bytes.len());
        (bytes, offset)
    }
}

impl<'a> Data<'a> {
    /// With its payload in `part` where none follows the fields.
    pub(super) fn read(
        raw: &RawSubmessage<'a>,
        part: &'a [u8],
        vendor: VendorId,
    ) -> Result<Self, MessageErrorKind> {
        let forbidden = |rule| MessageErrorKind::Forbidden(raw.id, rule);
        let mut prelude = Prelude::read(raw)?;
        let fields = &mut prelude.fields;
        let reader_id = EntityId::read(fields)?;
        let writer_id = EntityId::read(fields)?;
        let writer_sn = SequenceNumber::read(fields)?;
        if !writer_sn.is_valid() {
            return Err(forbidden("writerSN is no number of a change"));
        }
        let inline_qos = prelude.inline_qos(raw, vendor)?;
        let (bytes, payload_offset) = prelude.payload(raw, part);
        let payload = match (raw.flags & DATA_FLAG_DATA != 0, raw.flags & DATA_FLAG_KEY != 0) {
            (false, false) => DataPayload::None,
            (true, false) => DataPayload::Data(bytes),
            (false, true) => DataPayload::Key(bytes),
            (true, true) => return Err(forbidden("both value and key are flagged")),
        };
        Ok(Self { reader_id, writer_id, writer_sn, inline_qos, payload, payload_offset })
    }
}

impl<'a> DataFrag<'a> {
    /// With its payload in `part` where none follows the fields.
    pub(super) fn read(
        raw: &RawSubmessage<'a>,
        part: &'a [u8],
        vendor: VendorId,
    ) -> Result<Self, MessageErrorKind> {
        let mut prelude = Prelude::read(raw)?;
        let fields = &mut prelude.fields;
        let reader_id = EntityId::read(fields)?;
        let writer_id = EntityId::read(fields)?;
        let writer_sn = SequenceNumber::read(fields)?;
        let fragment_starting_num = FragmentNumber::read(fields)?;
        let fragments_in_submessage = fields.u16()?;
        let fragment_size = fields.u16()?;
        let sample_size = fields.u32()?;
        let inline_qos = prelude.inline_qos(raw, vendor)?;
        let (payload, payload_offset) = prelude.payload(raw, part);
        let is_key = raw.flags & FRAG_FLAG_KEY != 0;
        let read = Self {
            reader_id,
            writer_id,
            writer_sn,
            fragment_starting_num,
            fragments_in_submessage,
            fragment_size,
            sample_size,
            inline_qos,
            is_key,
            payload,
            payload_offset,
        };
        match read.violation() {
            Some(rule) => Err(MessageErrorKind::Forbidden(raw.id, rule)),
            // What follows the fragments is padding.
            None => Ok(Self { payload: payload.get(..read.claimed()).unwrap_or(payload), ..read }),
        }
    }

    /// The whole sample's bytes, when every fragment of it is here.
    pub fn whole_sample(&self) -> Option<&'a [u8]> {
        let size = usize::try_from(self.sample_size).ok()?;
        (self.fragment_starting_num.0 == 1 && self.payload.len() == size && size > 0).then_some(self.payload)
    }

    /// How many bytes the fragments here have, by the other fields.
    fn claimed(&self) -> usize {
        let claimed = u64::from(self.fragments_in_submessage).saturating_mul(u64::from(self.fragment_size));
        claimed.min(u64::from(self.sample_size).saturating_sub(self.sample_offset())) as usize
    }

    /// How many fragments the whole sample has; 0 when the fragment size is 0.
    pub const fn fragment_count(&self) -> u32 {
        match self.fragment_size {
            0 => 0,
            size => self.sample_size.div_ceil(size as u32),
        }
    }

    /// Where in the sample the payload belongs, in bytes.
    pub fn sample_offset(&self) -> u64 {
        u64::from(self.fragment_starting_num.0.saturating_sub(1))
            .saturating_mul(u64::from(self.fragment_size))
    }

    /// The rule of RTPS 2.5 §8.3.8.3 that is broken, if any. If none is, the payload holds all
    /// bytes that the fragments claim, and none of them lies outside the sample.
    fn violation(&self) -> Option<&'static str> {
        let start = self.fragment_starting_num.0;
        let last = start.checked_add(u32::from(self.fragments_in_submessage).saturating_sub(1));
        if !self.writer_sn.is_valid() {
            return Some("writerSN is no number of a change");
        }
        if start == 0 || last.is_none_or(|last| last > self.fragment_count()) {
            return Some("the fragments lie outside the sample");
        }
        if self.fragments_in_submessage == 0 {
            return Some("there are no fragments");
        }
        if u32::from(self.fragment_size) > self.sample_size {
            return Some("fragmentSize is above sampleSize");
        }
        if self.payload.len() < self.claimed() {
            return Some("the payload is shorter than the fragments");
        }
        None
    }
}
