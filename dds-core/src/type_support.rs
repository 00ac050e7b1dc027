//! What engine and caches know of a topic's type, without being generic over it.

use std::borrow::Cow;

use dds_types::{DataRepresentationId, DecodeError, PayloadKind, TopicType, TypeDescription};

/// Appends the canonical key found in a payload.
pub type KeyExtractor = fn(&[u8], PayloadKind, &mut Vec<u8>) -> Result<(), DecodeError>;

/// Appends the payload of a disposal, made from a canonical key.
pub type KeyPayloadWriter = fn(&[u8], DataRepresentationId, &mut Vec<u8>) -> Result<(), DecodeError>;

/// Plain functions of one [`TopicType`] (DDS 1.4 §2.2.2.3.6 `TypeSupport`).
#[derive(Clone, Copy, Debug)]
pub struct TypeSupport {
    /// The DDS name of the type.
    pub type_name: fn() -> Cow<'static, str>,
    /// Whether samples belong to instances.
    pub has_key: bool,
    /// The largest canonical key in bytes, `None` when unbounded.
    pub max_key_size: Option<usize>,
    /// The representations the type can be written in, the preferred first.
    pub representations: fn() -> &'static [DataRepresentationId],
    /// Appends the canonical key found in a payload: see [`TopicType::canonical_key_of`].
    pub canonical_key_of: KeyExtractor,
    /// Appends the payload of a disposal: see [`TopicType::serialize_canonical_key_payload`].
    pub serialize_canonical_key_payload: KeyPayloadWriter,
    /// What a type object of the type will hold: see [`TopicType::type_description`].
    pub type_description: fn() -> Option<&'static TypeDescription>,
}

impl TypeSupport {
    /// The functions of `T`.
    pub fn of<T: TopicType>() -> Self {
        Self {
            type_name: T::type_name,
            has_key: T::HAS_KEY,
            max_key_size: T::max_key_size(),
            representations: T::representations,
            canonical_key_of: T::canonical_key_of,
            serialize_canonical_key_payload: T::serialize_canonical_key_payload,
            type_description: T::type_description,
        }
    }

    /// The digest of a canonical key of this type (RTPS 2.5 §9.6.4.8).
    pub fn key_hash(&self, canonical: &[u8]) -> dds_rtps::structure::KeyHash {
        dds_rtps::structure::KeyHash(dds_types::key_hash(canonical, self.max_key_size))
    }
}
