//! Topics of serde types, between our own processes only (feature `serde-topics`).
//!
//! ```
//! use dds_core::{DomainParticipant, Serde};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize, Debug, PartialEq)]
//! enum Command {
//!     Move { to: (f64, f64), within: std::time::Duration },
//!     Stop,
//! }
//!
//! # fn main() -> Result<(), dds_core::error::DdsError> {
//! let participant = DomainParticipant::builder(81).loopback_only().build()?;
//! let topic = participant.serde_topic::<Command>("Commands")?;
//! let reader = topic.reader().reliable().build()?;
//! let writer = topic.writer().reliable().build()?;
//! writer.wait_matched(1, std::time::Duration::from_secs(5).into())?;
//! writer.write(&Serde(Command::Stop))?;
//! reader.wait_for_data(std::time::Duration::from_secs(5).into())?;
//! let samples = reader.take()?;
//! assert_eq!(samples[0].data(), Some(&Serde(Command::Stop)));
//! # Ok(())
//! # }
//! ```
//!
//! Samples are encoded by bincode 2.0.1 in its standard configuration, under a data representation of
//! our own ([`DataRepresentationId::SERDE`]). Other implementations, and endpoints of types that derive
//! [`DdsType`](crate::DdsType), see a representation that they do not have: they do not match and
//! report DATA_REPRESENTATION as incompatible.
//!
//! Such types have no key, and cannot grow: both sides must have the same type, since bincode carries
//! no description of it. The type's name is all that is compared.
//!
//! # Limits
//! Whatever arrives, decoding returns. Encoded values have at most [`LARGEST_VALUE`] bytes and nest at
//! most [`DEEPEST_VALUE`] deep, counting each element, field and option. Nothing is allocated on the
//! word of a length that has no bytes to back it, and a value has at most 16 parts per byte and 65,536
//! more: a sequence of millions of `()` is refused.

mod guard;

use std::{any::type_name, borrow::Cow, fmt, ops::Deref};

use bincode::config::{Configuration, Limit, LittleEndian, Varint, standard};
use dds_types::{
    DataRepresentationId, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, HEADER_LENGTH,
    PayloadKind, RepresentationIdentifier, TopicType, TypeDescription, begin_payload, finish_payload,
    split_payload,
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{DomainParticipant, Topic, error::DdsResult};

/// The most bytes that an encoded value may have.
pub const LARGEST_VALUE: usize = 64 << 20;
/// How deep values may nest.
pub const DEEPEST_VALUE: usize = 128;

const CONFIGURATION: Configuration<LittleEndian, Varint, Limit<LARGEST_VALUE>> =
    standard().with_limit::<LARGEST_VALUE>();

/// The encapsulation identifier: the digits of the representation. XTypes 1.3 Table 60 ends far below.
const IDENTIFIER: RepresentationIdentifier =
    RepresentationIdentifier(DataRepresentationId::SERDE.0.to_be_bytes());

/// A value of a topic made with [`DomainParticipant::serde_topic`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Serde<T>(pub T);

impl<T> Serde<T> {
    /// The value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Serde<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Serde<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T: fmt::Display> fmt::Display for Serde<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl DomainParticipant {
    /// A topic of a serde type, with default QoS, that only our own processes share: see
    /// [`serde_topic`](crate::serde_topic). Its type is announced under the type's Rust name without
    /// modules; [`DomainParticipant::create_topic_as`] with a type `Serde<T>` takes another one.
    ///
    /// # Errors
    /// As [`DomainParticipant::topic`].
    pub fn serde_topic<T>(&self, name: &str) -> DdsResult<Topic<Serde<T>>>
    where
        T: Serialize + DeserializeOwned + Send + Sync + 'static,
    {
        self.topic(name)
    }
}

impl<T> TopicType for Serde<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    type Key = ();
    const HAS_KEY: bool = false;

    fn type_name() -> Cow<'static, str> {
        without_modules(type_name::<T>())
    }

    fn representations() -> &'static [DataRepresentationId] {
        &[DataRepresentationId::SERDE]
    }

    fn max_key_size() -> Option<usize> {
        Some(0)
    }

    fn serialize(&self, representation: DataRepresentationId, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if representation != DataRepresentationId::SERDE {
            return Err(EncodeErrorKind::UnsupportedRepresentation(representation).into());
        }
        let mark = begin_payload(IDENTIFIER, out);
        let length = bincode::serde::encode_into_std_write(&self.0, out, CONFIGURATION)
            .map_err(|error| EncodeErrorKind::Foreign(encoding_problem(&error)))?;
        if length > LARGEST_VALUE {
            return Err(EncodeErrorKind::BoundExceeded { length, bound: LARGEST_VALUE }.into());
        }
        finish_payload(mark, out);
        Ok(())
    }

    fn deserialize(payload: &[u8]) -> Result<Self, DecodeError> {
        let refused = |kind| DecodeError { kind, offset: 0 };
        let (identifier, payload) = split_payload(payload)?;
        if identifier != IDENTIFIER {
            return Err(refused(DecodeErrorKind::UnsupportedRepresentation(identifier.0)));
        }
        let body = &payload[HEADER_LENGTH..];
        if body.len() > LARGEST_VALUE {
            return Err(refused(DecodeErrorKind::BoundExceeded { length: body.len(), bound: LARGEST_VALUE }));
        }
        let (value, read) = guard::decode(body, CONFIGURATION).map_err(|error| {
            tracing::debug!(%error, "a value of a serde topic is not valid");
            refused(DecodeErrorKind::Foreign("it is no value of this serde type"))
        })?;
        match body.len() - read {
            0 => Ok(Self(value)),
            left => {
                Err(DecodeError { kind: DecodeErrorKind::TrailingBytes(left), offset: HEADER_LENGTH + read })
            }
        }
    }

    fn serialize_key(&self, _: DataRepresentationId, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        finish_payload(begin_payload(IDENTIFIER, out), out);
        Ok(())
    }

    fn key(&self) {}

    fn write_canonical_key(&self, _: &mut Vec<u8>) -> Result<(), EncodeError> {
        Ok(())
    }

    fn canonical_key_of(_: &[u8], _: PayloadKind, _: &mut Vec<u8>) -> Result<(), DecodeError> {
        Ok(())
    }

    fn key_from_canonical(_: &[u8]) -> Result<(), DecodeError> {
        Ok(())
    }

    fn serialize_canonical_key_payload(
        _: &[u8],
        _: DataRepresentationId,
        out: &mut Vec<u8>,
    ) -> Result<(), DecodeError> {
        finish_payload(begin_payload(IDENTIFIER, out), out);
        Ok(())
    }

    fn type_description() -> Option<&'static TypeDescription> {
        None
    }
}

/// What the error types of both crates can share.
fn encoding_problem(error: &bincode::error::EncodeError) -> &'static str {
    match error {
        bincode::error::EncodeError::Other(problem) => problem,
        bincode::error::EncodeError::Serde(_) => {
            "bincode cannot encode this type: sequences and maps need a known length"
        }
        _ => "the type refuses to encode this value",
    }
}

/// `a::b::C<d::E>` as `C<E>`: where a type is defined is no part of what it is called.
fn without_modules(path: &'static str) -> Cow<'static, str> {
    if !path.contains("::") {
        return path.into();
    }
    let mut name = String::with_capacity(path.len());
    let mut start = 0;
    let mut rest = path;
    while let Some(next) = rest.chars().next() {
        if rest.starts_with("::") {
            name.truncate(start);
            rest = &rest[2..];
            continue;
        }
        name.push(next);
        if !(next.is_alphanumeric() || next == '_') {
            start = name.len();
        }
        rest = &rest[next.len_utf8()..];
    }
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_no_modules() {
        assert_eq!(without_modules("u8"), "u8");
        assert_eq!(without_modules("my::inner_1::Type"), "Type");
        assert_eq!(
            without_modules("std::collections::HashMap<alloc::string::String, (my::A, [my::B; 3])>"),
            "HashMap<String, (A, [B; 3])>"
        );
        assert_eq!(Serde::<Vec<String>>::type_name(), "Vec<String>");
    }
}
