//! CDR encodings, the DdsType traits, keys and type descriptions.
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

pub mod cdr;
mod collection;
mod dds_type;
mod key;
pub mod parameter_list;
pub mod payload;
mod primitive;
mod representation;
mod string;
mod topic_type;
pub mod type_description;

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
