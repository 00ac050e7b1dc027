//! What a type needs to be a topic's.

use crate::cdr::{DecodeError, EncodeError};
use crate::dynamic::DynamicTopicType;
use crate::representation::DataRepresentationId;
use crate::type_description::TypeDescription;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::fmt::Debug;

/// What a serialised payload holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PayloadKind {
    /// A whole sample.
    Data,
    /// Only the key members, as in disposals.
    Key,
}

/// A type that topics can have. `#[derive(DdsType)]` implements it.
///
/// The *canonical key* is the key members in big-endian XCDR2, in member order of ascending id:
/// equal instances have equal canonical keys, in every process and whatever the representation.
pub trait TopicType: Sized + Send + Sync + 'static {
    /// The key members; `()` without key.
    type Key: Clone + PartialEq + Debug + Send + Sync + 'static;

    /// Whether samples belong to instances.
    const HAS_KEY: bool;

    /// The DDS name of the type.
    fn type_name() -> Cow<'static, str>;

    /// The representations the type can be written in, the preferred first.
    fn representations() -> &'static [DataRepresentationId] {
        &[DataRepresentationId::XCDR, DataRepresentationId::XCDR2]
    }

    /// The largest canonical key in bytes, `None` when unbounded.
    fn max_key_size() -> Option<usize>;

    /// Appends the sample as a payload: encapsulation header, body, padding to 4 bytes.
    /// Little endian. On error `out` holds a partial payload.
    ///
    /// # Errors
    /// The value breaks a bound of its type, or the representation is not one of the type's.
    fn serialize(&self, representation: DataRepresentationId, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Reads a payload of any representation and byte order.
    ///
    /// # Errors
    /// The payload is no valid sample of this type.
    fn deserialize(payload: &[u8]) -> Result<Self, DecodeError>;

    /// As [`deserialize`](Self::deserialize), over a value whose memory is used again where its type has some.
    /// After an error it is any value of the type.
    ///
    /// # Errors
    /// As [`deserialize`](Self::deserialize).
    fn deserialize_over(&mut self, payload: &[u8]) -> Result<(), DecodeError> {
        *self = Self::deserialize(payload)?;
        Ok(())
    }

    /// Appends the payload of a disposal: as [`serialize`](Self::serialize), key members only.
    ///
    /// # Errors
    /// As [`serialize`](Self::serialize).
    fn serialize_key(
        &self,
        representation: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError>;

    /// The key of this sample.
    fn key(&self) -> Self::Key;

    /// Appends the canonical key.
    ///
    /// # Errors
    /// A key member breaks a bound of its type.
    fn write_canonical_key(&self, out: &mut Vec<u8>) -> Result<(), EncodeError>;

    /// Appends the canonical key found in a payload, without decoding the rest.
    ///
    /// # Errors
    /// The payload is malformed up to its last key member, or lacks one.
    fn canonical_key_of(payload: &[u8], kind: PayloadKind, out: &mut Vec<u8>) -> Result<(), DecodeError>;

    /// Reads a canonical key.
    ///
    /// # Errors
    /// The bytes are no key of this type.
    fn key_from_canonical(canonical: &[u8]) -> Result<Self::Key, DecodeError>;

    /// Appends the payload of a disposal, made from a canonical key.
    ///
    /// # Errors
    /// The bytes are no key of this type.
    fn serialize_canonical_key_payload(
        canonical: &[u8],
        representation: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError>;

    /// Whether topics of this Rust type need a type that is known only at run time: see
    /// [`DynamicData`](crate::dynamic::DynamicData).
    const IS_DYNAMIC: bool = false;

    /// As [`deserialize`](Self::deserialize), of a topic whose type is known only at run time.
    ///
    /// # Errors
    /// As [`deserialize`](Self::deserialize).
    fn deserialize_as(payload: &[u8], _dynamic: Option<&DynamicTopicType>) -> Result<Self, DecodeError> {
        Self::deserialize(payload)
    }

    /// As [`key_from_canonical`](Self::key_from_canonical), of a topic whose type is known only at run
    /// time.
    ///
    /// # Errors
    /// As [`key_from_canonical`](Self::key_from_canonical).
    fn key_from_canonical_as(
        canonical: &[u8],
        _dynamic: Option<&DynamicTopicType>,
    ) -> Result<Self::Key, DecodeError> {
        Self::key_from_canonical(canonical)
    }

    /// Whether this value is of a topic's type, where that is known only at run time.
    fn is_of(&self, _dynamic: Option<&DynamicTopicType>) -> bool {
        true
    }

    /// Everything a type object of this type will hold; `None` for types outside of the DDS type
    /// system.
    fn type_description() -> Option<&'static TypeDescription>;
}
