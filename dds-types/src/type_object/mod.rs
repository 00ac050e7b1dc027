//! Types as data: what peers send each other to compare types (XTypes 1.3 §7.3.4 and Annex B).
//!
//! A [`TypeIdentifier`] names a type. Primitive types, strings and plain collections are named by
//! what they are; every other type by the [hash](EquivalenceHash) of its [`TypeObject`], which says
//! what it consists of. Each type has two type objects: the minimal one holds what matters for
//! assignability, with hashes in place of names, the complete one everything. Endpoints announce a
//! [`TypeInformation`], and who does not know the hashes in it asks for the objects.
//!
//! [`TypeObjects::of`] makes all of it from a [`TypeDescription`](crate::TypeDescription):
//!
//! ```
//! use dds_derive::DdsType;
//! use dds_types::{DdsType as _, type_object::TypeObjects};
//!
//! #[derive(DdsType)]
//! #[dds(extensibility = "appendable")]
//! struct ShapeType {
//!     #[dds(key, bounded(128))]
//!     color: String,
//!     x: i32,
//!     y: i32,
//!     shapesize: i32,
//!     additional_payload_size: Vec<u8>,
//! }
//!
//! let types = TypeObjects::of(ShapeType::DESCRIPTION)?;
//! // What Cyclone DDS 11 announces for the same IDL.
//! assert_eq!(types.minimal().to_string(), "minimal 1e426789957ce858cfdf3191a589");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Everything here is read from the network: sequences are checked against the bytes there are,
//! and types nest at most [`CdrReader::MAX_DEPTH`](crate::cdr::CdrReader::MAX_DEPTH) deep.

mod annotation;
mod build;
mod codec;
mod definition;
mod flags;
mod identifier;
mod information;
mod registry;
mod source;

pub use annotation::{
    AnnotationParameterValue, AppliedAnnotation, AppliedAnnotationParameter, AppliedBuiltinMemberAnnotations,
    AppliedBuiltinTypeAnnotations, AppliedVerbatimAnnotation,
};
pub use build::{TypeEntry, TypeObjects};
pub use codec::{Primitives, Record};
pub use definition::{
    AliasBody, AliasType, AnnotationHeader, AnnotationParameter, AnnotationType, ArrayHeader, ArrayType,
    Bitfield, Bitflag, BitmaskType, BitsetType, CollectionElement, CollectionHeader, CommonEnumeratedLiteral,
    Complete, CompleteDiscriminatorDetail, CompleteElementDetail, CompleteMemberDetail, CompleteTypeDetail,
    CompleteTypeObject, DiscriminatorMember, EnumeratedHeader, EnumerationLiteral, EnumerationType,
    Equivalence, MapType, MemberName, Minimal, MinimalTypeObject, NameHash, SequenceType, StructureHeader,
    StructureMember, StructureType, TypeDefinition, TypeHeader, TypeObject, UnionCase, UnionType,
    component_hash, from_bytes, to_bytes,
};
pub use flags::{MemberFlags, TryConstruct, TypeFlags};
pub use identifier::{
    EquivalenceHash, EquivalenceKind, PlainArray, PlainCollectionHeader, PlainMap, PlainSequence,
    StronglyConnectedComponentId, TypeIdentifier,
};
pub use information::{TypeIdentifierWithDependencies, TypeIdentifierWithSize, TypeInformation};
pub use registry::{RegistryError, TypeRegistry};
