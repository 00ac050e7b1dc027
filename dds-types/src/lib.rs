//! Values of DDS topics as bytes: XCDR1 and XCDR2, keys, and descriptions of types.
//!
//! What goes in is a Rust type; what comes out is the serialised payload of an RTPS DATA
//! submessage, exactly as Cyclone DDS, Fast DDS, RTI Connext, RustDDS, Dust DDS and ROS 2 write it.
//! The entry point is `#[derive(DdsType)]` of dds-derive (which dds-core re-exports), and for those
//! who handle types generically the traits it implements: [`DdsType`] for every value, [`TopicType`]
//! for what a topic can have.
//!
//! ```
//! use dds_derive::DdsType;
//! use dds_types::{DataRepresentationId, TopicType};
//!
//! #[derive(Debug, PartialEq, DdsType)]
//! #[dds(name = "fleet::Position", extensibility = "appendable")]
//! struct Position {
//!     #[dds(key, bounded(32))]
//!     vehicle: String,
//!     latitude: f64,
//!     longitude: f64,
//!     /// `Option` members may be absent.
//!     speed: Option<f32>,
//!     state: State,
//! }
//!
//! #[derive(Debug, PartialEq, DdsType)]
//! enum State {
//!     Parked,
//!     Driving = 10,
//! }
//!
//! let position = Position {
//!     vehicle: "truck 7".into(),
//!     latitude: 48.2,
//!     longitude: 16.4,
//!     speed: None,
//!     state: State::Driving,
//! };
//! let mut payload = Vec::new();
//! position.serialize(DataRepresentationId::XCDR2, &mut payload)?;
//! assert_eq!(payload[..4], [0, 9, 0, 0], "D_CDR2, little endian, no padding");
//! assert_eq!(Position::deserialize(&payload)?, position);
//!
//! // The key members are a type of their own.
//! let key: PositionKey = position.key();
//! assert_eq!(key.vehicle, "truck 7");
//!
//! // Decoding is exact, and says what is wrong where.
//! payload[40] = 3;
//! let error = Position::deserialize(&payload).unwrap_err();
//! assert_eq!(error.to_string(), "3 is no literal of enumeration State (offset 40)");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Types
//! | Rust | IDL |
//! |---|---|
//! | `bool`, `u8` … `u64`, `i8` … `i64`, `f32`, `f64` | `boolean`, `uint8` …, `int8` …, `float`, `double` |
//! | `char`, [`WideChar`] | `char` (Latin-1), `wchar` |
//! | `String`, [`WideString`] | `string` (UTF-8), `wstring` (UTF-16) |
//! | `Vec<T>`, `[T; N]`, `BTreeMap<K, V>` | `sequence<T>`, `T[N]`, `map<K, V>` |
//! | `Box<T>` | `@external T`; allows types that contain themselves |
//! | `Option<T>`, as the type of a member | `@optional T` |
//! | structure | `struct` |
//! | enum without data | `enum` |
//! | enum with data and `#[dds(switch(T))]` | `union` |
//! | structure of `bool` with `#[dds(bitmask)]` | `bitmask` |
//!
//! `#[dds(bounded(N))]` bounds a string, sequence or map; all attributes are listed in dds-derive.
//!
//! # Extensibility
//! Types are *final* unless they say otherwise. XTypes 1.3 §7.3.1.2.1.8 lets an implementation
//! choose; IDL compilers differ. Final is what unannotated types are for Cyclone DDS, Dust DDS and
//! ROS 2, what RustDDS and every DDS before XTypes write, and it costs no bytes; a type that is to
//! meet unannotated peers must match them. Say `extensibility = "appendable"` for a type that will
//! grow: it costs 4 bytes in XCDR2. `"mutable"` costs 4 to 8 bytes a member in XCDR2 and 12 in XCDR1.
//!
//! | | XCDR1 | XCDR2 |
//! |---|---|---|
//! | reader of a final type | refuses trailing bytes | refuses trailing bytes |
//! | … of an appendable type | skips trailing bytes, defaults for missing members of the outermost type | skips new members, defaults for missing ones |
//! | … of a mutable type | any order, unknown members skipped | any order, unknown members skipped |
//!
//! A member that is unknown and must be understood refuses the sample; so does the lack of a key
//! member. Missing members have their `default_value`, else zero, empty or the first literal. A value
//! that does not fit, such as an unknown literal or a string above its bound, refuses the sample
//! unless `try_construct` of its member says otherwise.
//!
//! # Keys
//! A structure with `key` members has instances, and its derive writes a `<Name>Key`. Identity is
//! the *canonical key*: the key members in big-endian XCDR2 in order of member id, without headers
//! of structures, which is also what key hashes are made of ([`key_hash`]). It is found in a payload
//! without decoding the sample ([`TopicType::canonical_key_of`]), and without allocating where the
//! key is of numbers, strings and structures with keys of their own. A nested structure that is a
//! key member counts with its own key members, or as a whole if it has none.
//!
//! # Types known at run time
//! [`dynamic`] has types and values without a Rust type, which are decoded from and encoded to the
//! same bytes, and finds single members in payloads without decoding them.
//!
//! # Hostile input
//! Whatever the bytes, decoding returns. Lengths are checked against what is left before anything is
//! allocated, so that memory is bounded by the input times a factor of the type: the size of a
//! sequence's element over its smallest encoding. Values nest at most
//! [`MAX_DEPTH`](cdr::CdrReader::MAX_DEPTH) deep. Booleans, literals, bits of bitmasks,
//! discriminators, UTF-8 and UTF-16 are validated; a string with a NUL inside is refused, when
//! written too.
//!
//! # Where the standard leaves room
//! - The must-understand flag of EMHEADER is set only for members that say so, not for key members:
//!   peers do likewise.
//! - XCDR1 parameters have the extended header, and in mutable types their length includes padding,
//!   because readers of XTypes 1.1 want it so; short headers and unpadded lengths are read.
//! - An empty string is read from length 0 too.
//! - Mutable unions and unions keyed by their discriminator are not supported.
//!
//! The encodings are tested against Cyclone DDS 11, Fast DDS 3.6 and rosbags; see
//! `interop-tests/oracles`.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod assignability;
pub mod cdr;
mod collection;
mod dds_type;
pub mod dynamic;
mod key;
pub mod parameter_list;
pub mod payload;
mod primitive;
mod representation;
pub mod ros;
mod string;
mod topic_type;
pub mod type_description;
pub mod type_object;

pub use cdr::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use dds_type::{Bounded, DdsType, Discriminator, LengthCode, MaximumSize, unused_label};
pub use key::{KeyHash, key_hash};
pub use primitive::WideChar;
pub use representation::{
    DataRepresentationId, Encapsulation, EncodingFormat, HEADER_LENGTH, RepresentationIdentifier,
    begin_payload, finish_payload, split_payload,
};
pub use string::WideString;
pub use topic_type::{PayloadKind, TopicType};
pub use type_description::TypeDescription;

/// A DDS type name: what generated code calls it, for crates without `alloc` in scope.
pub type TypeName = alloc::borrow::Cow<'static, str>;
/// A growing buffer: what generated code calls it, for crates without `alloc` in scope.
pub type Bytes = alloc::vec::Vec<u8>;
