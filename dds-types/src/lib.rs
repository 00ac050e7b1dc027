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
mod key;
pub mod parameter_list;
mod representation;
mod topic_type;
pub mod type_description;

pub use cdr::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use key::{KeyHash, key_hash};
pub use representation::{
    DataRepresentationId, Encapsulation, EncodingFormat, HEADER_LENGTH, RepresentationIdentifier,
    begin_payload, finish_payload, split_payload,
};
pub use topic_type::{PayloadKind, TopicType};
pub use type_description::TypeDescription;
