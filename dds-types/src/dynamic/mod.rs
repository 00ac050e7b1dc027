//! Types and values that are known only at run time (XTypes 1.3 §7.5).
//!
//! [`DynamicType`] is a type, made from a Rust type, by a builder, or from what another process
//! announces; [`DynamicData`] is a value of one, which is decoded from and encoded to the same bytes
//! as the derived Rust type. [`MemberAccessor`] finds single members in payloads without decoding
//! the rest.
//!
//! # Hostile types
//! A type may come from the network as samples do. [`DynamicType`] is checked as a whole when it is
//! made: no value of it is infinite, default values are bounded, collections nest at most 8 deep.
//! Decoding takes memory in proportion to the input, whatever the type.

mod access;
mod build;
mod conform;
mod data;
mod decode;
mod describe;
mod encode;
mod graph;
mod node;
mod objects;
mod path;
#[cfg(feature = "serde")]
mod serde;
mod skip;
mod support;
mod ty;
mod value;

pub use access::{MemberAccessor, MemberValue, WideText};
pub use build::{BitmaskBuilder, EnumerationBuilder, StructureBuilder, UnionBuilder};
pub use conform::SetError;
pub use data::DynamicData;
pub use graph::{GraphBuilder, TypeError};
pub use node::{
    BitmaskNode, CaseNode, EnumerationNode, FlagNode, LiteralNode, MemberNode, StructureNode, TypeIndex,
    TypeNode, UnionNode,
};
pub use objects::TypeObjectError;
pub use path::PathError;
#[cfg(feature = "serde")]
pub use serde::DynamicSeed;
pub use support::DynamicTopicType;
pub use ty::DynamicType;
pub use value::{DynamicValue, Elements, MapKey, UnionValue};
