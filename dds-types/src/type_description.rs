//! Static descriptions of types: the data type objects are made from (XTypes 1.3 §7.3.4).
//!
//! `#[derive(DdsType)]` writes them as constants; nested types are referred to by function, so
//! that recursive types can be described.

use crate::dds_type::DdsType;
pub use crate::type_object::TryConstruct;
use core::fmt;

/// A type as XTypes sees it.
#[derive(Clone, Copy, Debug)]
pub enum TypeDescription {
    /// A primitive type.
    Primitive(PrimitiveKind),
    /// A string of 8-bit characters, bound in bytes.
    String8 {
        /// Longest value, `None` when unbounded.
        bound: Option<u32>,
    },
    /// A string of 16-bit characters, bound in UTF-16 code units.
    String16 {
        /// Longest value, `None` when unbounded.
        bound: Option<u32>,
    },
    /// A sequence.
    Sequence {
        /// Type of the elements.
        element: TypeReference,
        /// Longest value, `None` when unbounded.
        bound: Option<u32>,
    },
    /// An array; arrays of arrays are the dimensions of one array.
    Array {
        /// Type of the elements.
        element: TypeReference,
        /// Number of elements.
        length: usize,
    },
    /// A map.
    Map {
        /// Type of the keys.
        key: TypeReference,
        /// Type of the values.
        value: TypeReference,
        /// Most entries, `None` when unbounded.
        bound: Option<u32>,
    },
    /// A structure.
    Structure(StructureDescription),
    /// A union.
    Union(UnionDescription),
    /// An enumeration.
    Enumeration(EnumerationDescription),
    /// A bitmask.
    Bitmask(BitmaskDescription),
}

impl TypeDescription {
    /// Name of a named type, scopes separated by `::`.
    pub const fn name(&self) -> Option<&'static str> {
        match self {
            Self::Structure(structure) => Some(structure.name),
            Self::Union(union) => Some(union.name),
            Self::Enumeration(enumeration) => Some(enumeration.name),
            Self::Bitmask(bitmask) => Some(bitmask.name),
            _ => None,
        }
    }

    /// Extensibility of the type; final for types that have none.
    pub const fn extensibility(&self) -> Extensibility {
        match self {
            Self::Structure(structure) => structure.extensibility,
            Self::Union(union) => union.extensibility,
            Self::Enumeration(enumeration) => enumeration.extensibility,
            _ => Extensibility::Final,
        }
    }
}

/// Primitive types (XTypes 1.3 §7.2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names of the standard say it")]
pub enum PrimitiveKind {
    Boolean,
    Byte,
    Int8,
    UInt8,
    Int16,
    UInt16,
    Int32,
    UInt32,
    Int64,
    UInt64,
    Float32,
    Float64,
    Float128,
    Char8,
    Char16,
}

impl PrimitiveKind {
    /// Its name in IDL 4.2.
    #[must_use]
    pub const fn idl_name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Byte => "octet",
            Self::Int8 => "int8",
            Self::UInt8 => "uint8",
            Self::Int16 => "int16",
            Self::UInt16 => "uint16",
            Self::Int32 => "int32",
            Self::UInt32 => "uint32",
            Self::Int64 => "int64",
            Self::UInt64 => "uint64",
            Self::Float32 => "float",
            Self::Float64 => "double",
            Self::Float128 => "long double",
            Self::Char8 => "char",
            Self::Char16 => "wchar",
        }
    }
}

/// How a type may change (XTypes 1.3 §7.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Extensibility {
    /// Never.
    Final,
    /// Members may be added at the end.
    Appendable,
    /// Members may be added, removed and reordered; their ids identify them.
    Mutable,
}

/// A nested type, named by function so that types may refer to themselves.
#[derive(Clone, Copy)]
pub struct TypeReference(fn() -> &'static TypeDescription);

impl TypeReference {
    /// The reference to `T`.
    pub const fn of<T: DdsType>() -> Self {
        fn describe<T: DdsType>() -> &'static TypeDescription {
            T::DESCRIPTION
        }
        Self(describe::<T>)
    }

    /// The description referred to.
    pub fn description(self) -> &'static TypeDescription {
        (self.0)()
    }
}

impl fmt::Debug for TypeReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description() {
            named if named.name().is_some() => f.write_str(named.name().unwrap_or_default()),
            other => other.fmt(f),
        }
    }
}

/// A structure.
#[derive(Clone, Copy, Debug)]
pub struct StructureDescription {
    /// Name, scopes separated by `::`.
    pub name: &'static str,
    /// How it may change.
    pub extensibility: Extensibility,
    /// Whether it is only for use inside of other types.
    pub nested: bool,
    /// Whether member ids are hashes of the names.
    pub autoid_hash: bool,
    /// Members in order of declaration.
    pub members: &'static [MemberDescription],
}

/// A member of a structure.
#[derive(Clone, Copy, Debug)]
pub struct MemberDescription {
    /// Name.
    pub name: &'static str,
    /// Member id: explicit, hashed, or one more than the member before.
    pub id: u32,
    /// Type, without optionality and box.
    pub member_type: TypeReference,
    /// Bound of the string, sequence or map that the type is, where the member has one.
    pub bound: Option<u32>,
    /// Whether it is part of the key.
    pub key: bool,
    /// Whether it may be absent.
    pub optional: bool,
    /// Whether it is declared that readers that do not know it must refuse the sample. Key members
    /// are so anyway (XTypes 1.3 §7.2.2.4.4.4.8), and peers' type objects do not say it of them.
    pub must_understand: bool,
    /// Whether it lives outside of its owner.
    pub external: bool,
    /// Whether its innermost `u8` is an `octet` rather than a `uint8`.
    pub octet: bool,
    /// What becomes of a value that does not fit.
    pub try_construct: TryConstruct,
    /// The name that the id is the hash of, empty for the member's own; `None` where the id is not
    /// a hash by its own annotation.
    pub hash_id: Option<&'static str>,
}

/// A union.
#[derive(Clone, Copy, Debug)]
pub struct UnionDescription {
    /// Name, scopes separated by `::`.
    pub name: &'static str,
    /// How it may change.
    pub extensibility: Extensibility,
    /// Whether it is only for use inside of other types.
    pub nested: bool,
    /// Type of the discriminator.
    pub discriminator: TypeReference,
    /// Cases in order of declaration.
    pub cases: &'static [CaseDescription],
}

/// A case of a union.
#[derive(Clone, Copy, Debug)]
pub struct CaseDescription {
    /// Name of the member.
    pub name: &'static str,
    /// Member id.
    pub id: u32,
    /// Discriminators that select it.
    pub labels: &'static [i64],
    /// Whether discriminators without a case select it too.
    pub default: bool,
    /// Type of the member; `None` where the case has no member.
    pub member_type: Option<TypeReference>,
    /// Bound of the string, sequence or map that the type is, where the member has one.
    pub bound: Option<u32>,
    /// Whether it lives outside of its owner.
    pub external: bool,
    /// Whether its innermost `u8` is an `octet` rather than a `uint8`.
    pub octet: bool,
    /// What becomes of a value that does not fit.
    pub try_construct: TryConstruct,
}

/// An enumeration.
#[derive(Clone, Copy, Debug)]
pub struct EnumerationDescription {
    /// Name, scopes separated by `::`.
    pub name: &'static str,
    /// How it may change.
    pub extensibility: Extensibility,
    /// Bits of its values: 1 to 32.
    pub bit_bound: u16,
    /// Literals in order of declaration.
    pub literals: &'static [LiteralDescription],
}

/// A literal of an enumeration.
#[derive(Clone, Copy, Debug)]
pub struct LiteralDescription {
    /// Name.
    pub name: &'static str,
    /// Value.
    pub value: i32,
    /// Whether it is what an absent value is read as.
    pub default: bool,
}

/// A bitmask.
#[derive(Clone, Copy, Debug)]
pub struct BitmaskDescription {
    /// Name, scopes separated by `::`.
    pub name: &'static str,
    /// Bits of its values: 1 to 64.
    pub bit_bound: u16,
    /// Flags in order of declaration.
    pub flags: &'static [FlagDescription],
}

/// A flag of a bitmask.
#[derive(Clone, Copy, Debug)]
pub struct FlagDescription {
    /// Name.
    pub name: &'static str,
    /// Bit, counted from the least significant.
    pub position: u16,
}
