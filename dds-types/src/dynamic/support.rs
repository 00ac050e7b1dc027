//! What a topic needs of a type that is known at run time: the counterpart of
//! [`TopicType`](crate::TopicType).

use super::data::DynamicData;
use super::decode::Decoder;
use super::encode::{Encoder, Part};
use super::skip::transcode_key;
use super::ty::DynamicType;
use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, Endianness};
use crate::dds_type::MaximumSize;
use crate::payload::{body_reader, version_of, write_body};
use crate::representation::DataRepresentationId;
use crate::topic_type::{PayloadKind, TopicType};
use crate::type_description::TypeDescription;
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// A type of topics, with the type of its key made once. Clones share both.
#[derive(Clone, Debug)]
pub struct DynamicTopicType {
    whole: DynamicType,
    key: Option<DynamicType>,
    max_key_size: Option<usize>,
}

impl DynamicTopicType {
    /// The topic type that is a type.
    pub fn new(dynamic_type: &DynamicType) -> Self {
        let key = dynamic_type.key_type();
        let max_key_size = match &key {
            Some(key) => {
                let mut size = MaximumSize::default();
                Encoder { graph: key.graph() }.add_size(key.index(), &mut size);
                size.get()
            }
            None => Some(0),
        };
        Self { whole: dynamic_type.clone(), key, max_key_size }
    }

    /// The type.
    pub fn dynamic_type(&self) -> &DynamicType {
        &self.whole
    }

    /// The type of its key members, `None` without key.
    pub fn key_type(&self) -> Option<&DynamicType> {
        self.key.as_ref()
    }

    /// The largest canonical key in bytes, `None` when unbounded.
    pub fn max_key_size(&self) -> Option<usize> {
        self.max_key_size
    }

    /// The key of a sample: a value of the [key type](Self::key_type).
    ///
    /// # Errors
    /// A key member breaks a bound of its type.
    pub fn key(&self, data: &DynamicData) -> Result<Option<DynamicData>, EncodeError> {
        let mut canonical = Vec::new();
        self.write_canonical_key(data, &mut canonical)?;
        self.key_from_canonical(&canonical).map_err(|_| crate::EncodeErrorKind::WrongType.into())
    }

    /// Appends the payload of a disposal: key members only.
    ///
    /// # Errors
    /// A key member breaks a bound of its type, or the representation is not CDR.
    pub fn serialize_key(
        &self,
        data: &DynamicData,
        representation: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let version = version_of(representation)?;
        write_body(self.whole.extensibility(), Endianness::Little, version, out, |writer| match self.key {
            Some(_) => {
                let encoder = Encoder { graph: self.whole.graph() };
                encoder.value(self.whole.index(), &data.value, Part::Key, writer)
            }
            None => Ok(()),
        })
    }

    /// Appends the canonical key: key members in big-endian XCDR2, in order of member id.
    ///
    /// # Errors
    /// A key member breaks a bound of its type.
    pub fn write_canonical_key(&self, data: &DynamicData, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        TopicType::write_canonical_key(data, out)
    }

    /// Appends the canonical key found in a payload, without decoding the rest.
    ///
    /// # Errors
    /// The payload is malformed up to its last key member, or lacks one.
    pub fn canonical_key_of(
        &self,
        payload: &[u8],
        kind: PayloadKind,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let Some(key) = &self.key else { return Ok(()) };
        let from = match kind {
            PayloadKind::Data => &self.whole,
            PayloadKind::Key => key,
        };
        let mut reader = body_reader(payload, self.whole.extensibility())?;
        transcode_key(from.graph(), from.index(), &mut reader, &mut CdrWriter::canonical(out))
    }

    /// Reads a canonical key, a value of the [key type](Self::key_type).
    ///
    /// # Errors
    /// The bytes are no key of this type.
    pub fn key_from_canonical(&self, canonical: &[u8]) -> Result<Option<DynamicData>, DecodeError> {
        let Some(key) = &self.key else { return Ok(None) };
        let mut reader = CdrReader::canonical(canonical);
        let value = Decoder::new(key.graph(), canonical.len()).value(key.index(), &mut reader)?;
        match reader.remaining().len() {
            0 => Ok(Some(DynamicData { dynamic_type: key.clone(), value })),
            trailing => Err(reader.error(DecodeErrorKind::TrailingBytes(trailing))),
        }
    }

    /// Appends the payload of a disposal, made from a canonical key.
    ///
    /// # Errors
    /// The bytes are no key of this type, or the representation is not CDR.
    pub fn serialize_canonical_key_payload(
        &self,
        canonical: &[u8],
        representation: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        let key = self.key_from_canonical(canonical)?;
        let refused = |error: EncodeError| DecodeError::from(DecodeErrorKind::NotEncodable(error.kind));
        let version = version_of(representation).map_err(refused)?;
        write_body(self.whole.extensibility(), Endianness::Little, version, out, |writer| match &key {
            Some(DynamicData { dynamic_type, value }) => Encoder { graph: dynamic_type.graph() }.value(
                dynamic_type.index(),
                value,
                Part::Whole,
                writer,
            ),
            None => Ok(()),
        })
        .map_err(refused)
    }
}

/// Why a type is needed that is not there.
const NO_TYPE: &str = "a type known only at run time is needed: use DomainParticipant::dynamic_topic";

/// Samples of topics whose type is known only at run time. What the trait asks of the type itself, the
/// topic answers.
impl TopicType for DynamicData {
    /// A value of the [key type](DynamicTopicType::key_type), `None` without key.
    type Key = Option<Self>;
    const HAS_KEY: bool = true;
    const IS_DYNAMIC: bool = true;

    fn type_name() -> Cow<'static, str> {
        Cow::Borrowed("DynamicData")
    }

    fn max_key_size() -> Option<usize> {
        None
    }

    fn serialize(&self, representation: DataRepresentationId, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode(representation, out)
    }

    fn deserialize(_payload: &[u8]) -> Result<Self, DecodeError> {
        Err(DecodeErrorKind::Foreign(NO_TYPE).into())
    }

    fn serialize_key(
        &self,
        representation: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        DynamicTopicType::new(&self.dynamic_type).serialize_key(self, representation, out)
    }

    /// The key, whose type is made for each call: keep a [`DynamicTopicType`] for many.
    fn key(&self) -> Self::Key {
        DynamicTopicType::new(&self.dynamic_type).key(self).ok().flatten()
    }

    fn write_canonical_key(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if !self.dynamic_type.has_key() {
            return Ok(());
        }
        let encoder = Encoder { graph: self.dynamic_type.graph() };
        encoder.value(self.dynamic_type.index(), &self.value, Part::Key, &mut CdrWriter::canonical(out))
    }

    fn canonical_key_of(_payload: &[u8], _kind: PayloadKind, _out: &mut Vec<u8>) -> Result<(), DecodeError> {
        Err(DecodeErrorKind::Foreign(NO_TYPE).into())
    }

    fn key_from_canonical(_canonical: &[u8]) -> Result<Self::Key, DecodeError> {
        Err(DecodeErrorKind::Foreign(NO_TYPE).into())
    }

    fn serialize_canonical_key_payload(
        _canonical: &[u8],
        _representation: DataRepresentationId,
        _out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        Err(DecodeErrorKind::Foreign(NO_TYPE).into())
    }

    fn deserialize_as(payload: &[u8], dynamic: Option<&DynamicTopicType>) -> Result<Self, DecodeError> {
        let dynamic = dynamic.ok_or(DecodeErrorKind::Foreign(NO_TYPE))?;
        Self::decode(&dynamic.whole, payload)
    }

    fn key_from_canonical_as(
        canonical: &[u8],
        dynamic: Option<&DynamicTopicType>,
    ) -> Result<Self::Key, DecodeError> {
        dynamic.ok_or(DecodeErrorKind::Foreign(NO_TYPE))?.key_from_canonical(canonical)
    }

    fn is_of(&self, dynamic: Option<&DynamicTopicType>) -> bool {
        dynamic.is_some_and(|dynamic| dynamic.whole == self.dynamic_type)
    }

    fn type_description() -> Option<&'static TypeDescription> {
        None
    }
}
