//! What engine and caches know of a topic's type, without being generic over it.

use std::{borrow::Cow, sync::Arc};

use dds_types::{
    DataRepresentationId, DecodeError, PayloadKind, TopicType, TypeDescription,
    dynamic::{DynamicTopicType, DynamicType},
    ros,
};

/// Appends the canonical key found in a payload.
pub type KeyExtractor = fn(&[u8], PayloadKind, &mut Vec<u8>) -> Result<(), DecodeError>;

/// Appends the payload of a disposal, made from a canonical key.
pub type KeyPayloadWriter = fn(&[u8], DataRepresentationId, &mut Vec<u8>) -> Result<(), DecodeError>;

/// Plain functions of one [`TopicType`] (DDS 1.4 §2.2.2.3.6 `TypeSupport`), or a type that is known only at
/// run time.
#[derive(Clone, Debug)]
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
    /// What replaces the functions where the type is known only at run time.
    pub dynamic: Option<Arc<DynamicTopicType>>,
}

impl TypeSupport {
    /// The functions of `T`, or of the topic's own type.
    pub fn of<T: TopicType>(dynamic: Option<&Arc<DynamicTopicType>>) -> Self {
        Self {
            type_name: T::type_name,
            has_key: dynamic.map_or(T::HAS_KEY, |dynamic| dynamic.key_type().is_some()),
            max_key_size: dynamic.map_or_else(T::max_key_size, |dynamic| dynamic.max_key_size()),
            representations: T::representations,
            canonical_key_of: T::canonical_key_of,
            serialize_canonical_key_payload: T::serialize_canonical_key_payload,
            type_description: T::type_description,
            dynamic: dynamic.cloned(),
        }
    }

    /// Appends the canonical key found in a payload.
    ///
    /// # Errors
    /// The payload is malformed up to its last key member, or lacks one.
    #[inline]
    pub fn find_key(&self, payload: &[u8], kind: PayloadKind, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        match &self.dynamic {
            None => (self.canonical_key_of)(payload, kind, out),
            Some(dynamic) => dynamic.canonical_key_of(payload, kind, out),
        }
    }

    /// Appends the payload of a disposal, made from a canonical key.
    ///
    /// # Errors
    /// The bytes are no key of this type, or the representation is not one of the type's.
    pub fn write_key_payload(
        &self,
        canonical: &[u8],
        representation: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        match &self.dynamic {
            None => (self.serialize_canonical_key_payload)(canonical, representation, out),
            Some(dynamic) => dynamic.serialize_canonical_key_payload(canonical, representation, out),
        }
    }

    /// The digest of a canonical key of this type (RTPS 2.5 §9.6.4.8).
    pub fn key_hash(&self, canonical: &[u8]) -> dds_rtps::structure::KeyHash {
        dds_rtps::structure::KeyHash(dds_types::key_hash(canonical, self.max_key_size))
    }

    /// The type as data; `None` outside of the DDS type system.
    pub(crate) fn described(&self) -> Option<DynamicType> {
        match &self.dynamic {
            Some(dynamic) => Some(dynamic.dynamic_type().clone()),
            None => DynamicType::from_description((self.type_description)()?).ok(),
        }
    }

    /// The user data of endpoints of this type on a topic: on those of ROS 2 (`rt/…`) it tells the type
    /// hash, unless it does already, so that its nodes do not warn (REP-2016).
    pub(crate) fn user_data(&self, topic_name: &str, user_data: &mut Vec<u8>) {
        if !topic_name.starts_with("rt/") || ros::has_type_hash(user_data) {
            return;
        }
        if let Some(hash) = self.described().and_then(|message| ros::type_hash(&message)) {
            user_data.extend_from_slice(&ros::user_data(&hash));
        }
    }
}
