//! What a type is made of, as nodes of a graph.

use crate::dds_type::LengthCode;
use crate::type_description::{Extensibility, PrimitiveKind};
use alloc::boxed::Box;
use alloc::sync::Arc;

/// Place of a type in the graph that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypeIndex(pub(crate) u32);

impl TypeIndex {
    pub(super) const fn moved(self, distance: u32) -> Self {
        Self(self.0.saturating_add(distance))
    }
}

/// The definition of a type; nested types are named by their place in the same graph, so that
/// types may contain themselves (XTypes 1.3 §7.5.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeNode {
    /// A primitive type.
    Primitive(PrimitiveKind),
    /// A string of 8-bit characters.
    String8 {
        /// Most bytes, `None` when unbounded.
        bound: Option<u32>,
    },
    /// A string of 16-bit characters.
    String16 {
        /// Most UTF-16 code units, `None` when unbounded.
        bound: Option<u32>,
    },
    /// A sequence.
    Sequence {
        /// Type of the elements.
        element: TypeIndex,
        /// Most elements, `None` when unbounded.
        bound: Option<u32>,
    },
    /// An array of one or more dimensions.
    Array {
        /// Type of the innermost elements, never an array itself.
        element: TypeIndex,
        /// Elements of each dimension, the outermost first.
        dimensions: Box<[u32]>,
    },
    /// A map.
    Map {
        /// Type of the keys.
        key: TypeIndex,
        /// Type of the values.
        value: TypeIndex,
        /// Most entries, `None` when unbounded.
        bound: Option<u32>,
    },
    /// A structure.
    Structure(StructureNode),
    /// A union.
    Union(UnionNode),
    /// An enumeration.
    Enumeration(EnumerationNode),
    /// A bitmask.
    Bitmask(BitmaskNode),
}

/// A structure; the members of its base types come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StructureNode {
    /// Name, scopes separated by `::`.
    pub name: Arc<str>,
    /// How it may change.
    pub extensibility: Extensibility,
    /// Whether it is only for use inside of other types.
    pub nested: bool,
    /// Members in order of declaration.
    pub members: Box<[MemberNode]>,
}

/// A member of a structure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberNode {
    /// Name.
    pub name: Arc<str>,
    /// Member id.
    pub id: u32,
    /// Type, without optionality.
    pub member_type: TypeIndex,
    /// Whether it is part of the key.
    pub key: bool,
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether readers that do not know it must refuse the sample. Set in member headers; key
    /// members, which must be understood too, do not say so on the wire.
    pub must_understand: bool,
}

/// A union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnionNode {
    /// Name, scopes separated by `::`.
    pub name: Arc<str>,
    /// How it may change; never mutable.
    pub extensibility: Extensibility,
    /// Whether it is only for use inside of other types.
    pub nested: bool,
    /// Type of the discriminator: an integer, boolean, character or enumeration.
    pub discriminator: TypeIndex,
    /// Cases in order of declaration.
    pub cases: Box<[CaseNode]>,
}

/// A case of a union.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseNode {
    /// Name of the member.
    pub name: Arc<str>,
    /// Member id.
    pub id: u32,
    /// Discriminators that select it.
    pub labels: Box<[i64]>,
    /// Whether discriminators without a case select it too.
    pub default: bool,
    /// Type of the member, `None` where the case has none.
    pub member_type: Option<TypeIndex>,
}

/// An enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumerationNode {
    /// Name, scopes separated by `::`.
    pub name: Arc<str>,
    /// How it may change.
    pub extensibility: Extensibility,
    /// Bits of its values: 1 to 32.
    pub bit_bound: u16,
    /// Literals in order of declaration.
    pub literals: Box<[LiteralNode]>,
}

/// A literal of an enumeration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiteralNode {
    /// Name.
    pub name: Arc<str>,
    /// Value.
    pub value: i32,
    /// Whether it is what an absent value is read as.
    pub default: bool,
}

/// A bitmask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BitmaskNode {
    /// Name, scopes separated by `::`.
    pub name: Arc<str>,
    /// Bits of its values: 1 to 64.
    pub bit_bound: u16,
    /// Flags in order of declaration.
    pub flags: Box<[FlagNode]>,
}

/// A flag of a bitmask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagNode {
    /// Name.
    pub name: Arc<str>,
    /// Bit, counted from the least significant.
    pub position: u16,
}

impl StructureNode {
    /// Whether it has key members.
    pub fn is_keyed(&self) -> bool {
        self.members.iter().any(|member| member.key)
    }

    /// Place and definition of the member of this name.
    pub fn member(&self, name: &str) -> Option<(usize, &MemberNode)> {
        self.members.iter().enumerate().find(|(_, member)| &*member.name == name)
    }
}

impl UnionNode {
    /// Place of the case that a discriminator selects.
    pub fn case_of(&self, label: i64) -> Option<usize> {
        let labelled = self.cases.iter().position(|case| case.labels.contains(&label));
        labelled.or_else(|| self.cases.iter().position(|case| case.default))
    }

    /// Place and definition of the case whose member has this name.
    pub fn case(&self, name: &str) -> Option<(usize, &CaseNode)> {
        self.cases.iter().enumerate().find(|(_, case)| &*case.name == name)
    }
}

impl EnumerationNode {
    /// The literal of this value.
    pub fn literal(&self, value: i32) -> Option<&LiteralNode> {
        self.literals.iter().find(|literal| literal.value == value)
    }

    /// The literal of this name.
    pub fn literal_of_name(&self, name: &str) -> Option<&LiteralNode> {
        self.literals.iter().find(|literal| &*literal.name == name)
    }

    /// The literal an absent value is read as.
    pub fn default_literal(&self) -> i32 {
        let marked = self.literals.iter().find(|literal| literal.default);
        marked.or(self.literals.first()).map_or(0, |literal| literal.value)
    }
}

impl BitmaskNode {
    /// All bits that have a flag.
    pub fn known(&self) -> u64 {
        self.flags.iter().fold(0, |known, flag| known | bit(flag.position))
    }

    /// The bit of the flag of this name.
    pub fn flag(&self, name: &str) -> Option<u64> {
        self.flags.iter().find(|flag| &*flag.name == name).map(|flag| bit(flag.position))
    }
}

pub(super) fn bit(position: u16) -> u64 {
    1_u64.checked_shl(u32::from(position)).unwrap_or(0)
}

impl PrimitiveKind {
    /// Bytes of a value.
    pub const fn size(self) -> usize {
        match self {
            Self::Boolean | Self::Byte | Self::Int8 | Self::UInt8 | Self::Char8 => 1,
            Self::Int16 | Self::UInt16 | Self::Char16 => 2,
            Self::Int32 | Self::UInt32 | Self::Float32 => 4,
            Self::Int64 | Self::UInt64 | Self::Float64 => 8,
            Self::Float128 => 16,
        }
    }

    pub(super) const fn length_code(self) -> LengthCode {
        match self.size() {
            1 => LengthCode::One,
            2 => LengthCode::Two,
            4 => LengthCode::Four,
            _ => LengthCode::Eight,
        }
    }
}

/// The primitive that holds an enumeration of this bit bound (XTypes 1.3 Table 10).
pub(super) const fn enumeration_holder(bit_bound: u16) -> PrimitiveKind {
    match bit_bound {
        0..=8 => PrimitiveKind::Int8,
        9..=16 => PrimitiveKind::Int16,
        _ => PrimitiveKind::Int32,
    }
}

/// The primitive that holds a bitmask of this bit bound (XTypes 1.3 Table 11).
pub(super) const fn bitmask_holder(bit_bound: u16) -> PrimitiveKind {
    match bit_bound {
        0..=8 => PrimitiveKind::UInt8,
        9..=16 => PrimitiveKind::UInt16,
        17..=32 => PrimitiveKind::UInt32,
        _ => PrimitiveKind::UInt64,
    }
}
