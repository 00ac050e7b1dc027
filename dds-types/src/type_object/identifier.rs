//! Type identifiers (XTypes 1.3 §7.3.4.2).

use super::codec::{Primitives, Record, record};
use super::flags::MemberFlags;
use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError};
use crate::type_description::PrimitiveKind;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// Which of a type's two representations is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EquivalenceKind {
    /// What matters for assignability.
    Minimal,
    /// Everything, names and annotations included.
    Complete,
}

impl EquivalenceKind {
    pub(super) const fn octet(self) -> u8 {
        match self {
            Self::Minimal => EK_MINIMAL,
            Self::Complete => EK_COMPLETE,
        }
    }

    pub(super) fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        match reader.read_u8()? {
            EK_MINIMAL => Ok(Self::Minimal),
            EK_COMPLETE => Ok(Self::Complete),
            other => Err(invalid(reader, "equivalence kind", other)),
        }
    }
}

/// An error about the octet just read.
pub(super) fn invalid(reader: &CdrReader<'_>, what: &'static str, octet: u8) -> DecodeError {
    let kind = DecodeErrorKind::InvalidDiscriminator { type_name: what.into(), value: i64::from(octet) };
    reader.error_before(kind, 1)
}

/// What names a type object: its kind and the first 14 bytes of the MD5 of its serialised form (XTypes 1.3 §7.3.1.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EquivalenceHash {
    /// Whether of the minimal or the complete representation.
    pub kind: EquivalenceKind,
    /// The bytes.
    pub hash: [u8; 14],
}

impl fmt::Display for EquivalenceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            EquivalenceKind::Minimal => "minimal ",
            EquivalenceKind::Complete => "complete ",
        })?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for EquivalenceHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

impl Record for EquivalenceHash {
    const MINIMUM_SIZE: usize = 15;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_u8(self.kind.octet());
        self.hash.write(writer)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { kind: EquivalenceKind::read(reader)?, hash: Record::read(reader)? })
    }
}

/// Names a type: by what it is, or by the hash of its type object.
///
/// On the wire strings and collections have a small and a large form, by their bounds; peers whose
/// choice differs from ours (small whenever every bound fits an octet) have other hashes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TypeIdentifier {
    /// No type.
    None,
    /// A primitive type.
    Primitive(PrimitiveKind),
    /// A string of 8-bit characters.
    String8 {
        /// Longest value in bytes, 0 when unbounded.
        bound: u32,
    },
    /// A string of 16-bit characters.
    String16 {
        /// Longest value in UTF-16 code units, 0 when unbounded.
        bound: u32,
    },
    /// A sequence without name and annotations.
    Sequence(Box<PlainSequence>),
    /// An array without name and annotations.
    Array(Box<PlainArray>),
    /// A map without name and annotations.
    Map(Box<PlainMap>),
    /// A type that contains itself, or the set of types that contain each other.
    StronglyConnected(StronglyConnectedComponentId),
    /// A type with a type object.
    Hash(EquivalenceHash),
    /// A kind that later versions of the standard may define.
    Extended(u8),
}

/// What the identifiers of elements are based on, and how elements are constructed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlainCollectionHeader {
    /// What hashes are in the element's identifier; `None` when there are none, so that the
    /// collection is the same in both representations.
    pub equivalence: Option<EquivalenceKind>,
    /// Flags of the elements.
    pub element_flags: MemberFlags,
}

impl Record for PlainCollectionHeader {
    const MINIMUM_SIZE: usize = 3;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_u8(self.equivalence.map_or(EK_BOTH, EquivalenceKind::octet));
        self.element_flags.write(writer)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let equivalence = match reader.read_u8()? {
            EK_BOTH => None,
            EK_MINIMAL => Some(EquivalenceKind::Minimal),
            EK_COMPLETE => Some(EquivalenceKind::Complete),
            other => return Err(invalid(reader, "equivalence kind", other)),
        };
        Ok(Self { equivalence, element_flags: Record::read(reader)? })
    }
}

/// A sequence without name and annotations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlainSequence {
    /// About its elements.
    pub header: PlainCollectionHeader,
    /// Most elements, 0 when unbounded.
    pub bound: u32,
    /// Type of its elements.
    pub element: TypeIdentifier,
}

/// An array without name and annotations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlainArray {
    /// About its elements.
    pub header: PlainCollectionHeader,
    /// Its dimensions, the outermost first.
    pub dimensions: Vec<u32>,
    /// Type of its elements.
    pub element: TypeIdentifier,
}

/// A map without name and annotations.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlainMap {
    /// About its values.
    pub header: PlainCollectionHeader,
    /// Most entries, 0 when unbounded.
    pub bound: u32,
    /// Type of its values.
    pub element: TypeIdentifier,
    /// Flags of the keys.
    pub key_flags: MemberFlags,
    /// Type of its keys.
    pub key: TypeIdentifier,
}

record! {
    /// Names one of the types that contain each other, or all of them (XTypes 1.3 §7.3.4.9).
    #[derive(Copy, Eq, Hash, PartialOrd, Ord)]
    appendable StronglyConnectedComponentId {
        /// The hash of all of them together.
        component: EquivalenceHash,
        /// How many they are.
        length: i32,
        /// Which of them it is, counted from 1; 0 for all of them.
        index: i32,
    }
}

pub(super) const EK_MINIMAL: u8 = 0xf1;
pub(super) const EK_COMPLETE: u8 = 0xf2;
const EK_BOTH: u8 = 0xf3;
const TI_STRING8_SMALL: u8 = 0x70;
const TI_STRING8_LARGE: u8 = 0x71;
const TI_STRING16_SMALL: u8 = 0x72;
const TI_STRING16_LARGE: u8 = 0x73;
const TI_PLAIN_SEQUENCE_SMALL: u8 = 0x80;
const TI_PLAIN_SEQUENCE_LARGE: u8 = 0x81;
const TI_PLAIN_ARRAY_SMALL: u8 = 0x90;
const TI_PLAIN_ARRAY_LARGE: u8 = 0x91;
const TI_PLAIN_MAP_SMALL: u8 = 0xa0;
const TI_PLAIN_MAP_LARGE: u8 = 0xa1;
const TI_STRONGLY_CONNECTED_COMPONENT: u8 = 0xb0;

/// The octets of primitive types (XTypes 1.3 Table 4).
const PRIMITIVES: [(PrimitiveKind, u8); 15] = [
    (PrimitiveKind::Boolean, 0x01),
    (PrimitiveKind::Byte, 0x02),
    (PrimitiveKind::Int16, 0x03),
    (PrimitiveKind::Int32, 0x04),
    (PrimitiveKind::Int64, 0x05),
    (PrimitiveKind::UInt16, 0x06),
    (PrimitiveKind::UInt32, 0x07),
    (PrimitiveKind::UInt64, 0x08),
    (PrimitiveKind::Float32, 0x09),
    (PrimitiveKind::Float64, 0x0a),
    (PrimitiveKind::Float128, 0x0b),
    (PrimitiveKind::Int8, 0x0c),
    (PrimitiveKind::UInt8, 0x0d),
    (PrimitiveKind::Char8, 0x10),
    (PrimitiveKind::Char16, 0x11),
];

impl TypeIdentifier {
    /// What hashes it holds: `None` when it describes its type fully by itself, and is the same in
    /// both representations.
    #[must_use]
    pub fn equivalence(&self) -> Option<EquivalenceKind> {
        match self {
            Self::Sequence(sequence) => sequence.header.equivalence,
            Self::Array(array) => array.header.equivalence,
            Self::Map(map) => map.header.equivalence,
            Self::StronglyConnected(id) => Some(id.component.kind),
            Self::Hash(hash) => Some(hash.kind),
            _ => None,
        }
    }

    /// Calls `visit` with each identifier in it that needs a type object.
    pub fn for_each_hashed<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        match self {
            Self::Hash(_) | Self::StronglyConnected(_) => visit(self),
            Self::Sequence(sequence) => sequence.element.for_each_hashed(visit),
            Self::Array(array) => array.element.for_each_hashed(visit),
            Self::Map(map) => {
                map.key.for_each_hashed(visit);
                map.element.for_each_hashed(visit);
            }
            _ => {}
        }
    }
}

impl From<EquivalenceHash> for TypeIdentifier {
    fn from(hash: EquivalenceHash) -> Self {
        Self::Hash(hash)
    }
}

/// A bound as an octet, where the small form is to be used.
fn small(bound: u32) -> Option<u8> {
    u8::try_from(bound).ok()
}

fn write_bound(bound: u32, writer: &mut CdrWriter<'_>) {
    match small(bound) {
        Some(bound) => writer.write_u8(bound),
        None => writer.write_u32(bound),
    }
}

fn write_kind(bound: u32, [small_kind, large_kind]: [u8; 2], writer: &mut CdrWriter<'_>) {
    writer.write_u8(if small(bound).is_some() { small_kind } else { large_kind });
}

impl Record for TypeIdentifier {
    const MINIMUM_SIZE: usize = 1;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        match self {
            Self::None => writer.write_u8(0),
            Self::Primitive(kind) => {
                let octet = PRIMITIVES.iter().find(|(known, _)| known == kind).map_or(0, |(_, octet)| *octet);
                writer.write_u8(octet);
            }
            Self::String8 { bound } => {
                write_kind(*bound, [TI_STRING8_SMALL, TI_STRING8_LARGE], writer);
                write_bound(*bound, writer);
            }
            Self::String16 { bound } => {
                write_kind(*bound, [TI_STRING16_SMALL, TI_STRING16_LARGE], writer);
                write_bound(*bound, writer);
            }
            Self::Sequence(sequence) => {
                let PlainSequence { header, bound, element } = &**sequence;
                write_kind(*bound, [TI_PLAIN_SEQUENCE_SMALL, TI_PLAIN_SEQUENCE_LARGE], writer);
                header.write(writer)?;
                write_bound(*bound, writer);
                element.write(writer)?;
            }
            Self::Array(array) => array.write(writer)?,
            Self::Map(map) => {
                let PlainMap { header, bound, element, key_flags, key } = &**map;
                write_kind(*bound, [TI_PLAIN_MAP_SMALL, TI_PLAIN_MAP_LARGE], writer);
                header.write(writer)?;
                write_bound(*bound, writer);
                element.write(writer)?;
                key_flags.write(writer)?;
                key.write(writer)?;
            }
            Self::StronglyConnected(id) => {
                writer.write_u8(TI_STRONGLY_CONNECTED_COMPONENT);
                id.write(writer)?;
            }
            Self::Hash(hash) => hash.write(writer)?,
            Self::Extended(kind) => {
                // An empty mutable structure.
                writer.write_u8(*kind);
                let delimiter = writer.begin_mutable();
                writer.end_mutable(delimiter)?;
            }
        }
        Ok(())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let kind = reader.read_u8()?;
        if let Some((primitive, _)) = PRIMITIVES.iter().find(|(_, octet)| *octet == kind) {
            return Ok(Self::Primitive(*primitive));
        }
        let octet_bound = |reader: &mut CdrReader<'_>| reader.read_u8().map(u32::from);
        Ok(match kind {
            0 => Self::None,
            TI_STRING8_SMALL => Self::String8 { bound: octet_bound(reader)? },
            TI_STRING8_LARGE => Self::String8 { bound: reader.read_u32()? },
            TI_STRING16_SMALL => Self::String16 { bound: octet_bound(reader)? },
            TI_STRING16_LARGE => Self::String16 { bound: reader.read_u32()? },
            TI_PLAIN_SEQUENCE_SMALL => Self::read_sequence(reader, octet_bound)?,
            TI_PLAIN_SEQUENCE_LARGE => Self::read_sequence(reader, |reader| reader.read_u32())?,
            TI_PLAIN_ARRAY_SMALL => Self::read_array(reader, |reader| {
                let Primitives(bounds) = Primitives::<u8>::read(reader)?;
                Ok(bounds.into_iter().map(u32::from).collect())
            })?,
            TI_PLAIN_ARRAY_LARGE => {
                Self::read_array(reader, |reader| Primitives::<u32>::read(reader).map(|bounds| bounds.0))?
            }
            TI_PLAIN_MAP_SMALL => Self::read_map(reader, octet_bound)?,
            TI_PLAIN_MAP_LARGE => Self::read_map(reader, |reader| reader.read_u32())?,
            TI_STRONGLY_CONNECTED_COMPONENT => Self::StronglyConnected(Record::read(reader)?),
            EK_MINIMAL => {
                Self::Hash(EquivalenceHash { kind: EquivalenceKind::Minimal, hash: Record::read(reader)? })
            }
            EK_COMPLETE => {
                Self::Hash(EquivalenceHash { kind: EquivalenceKind::Complete, hash: Record::read(reader)? })
            }
            other => {
                reader.skip_mutable()?;
                Self::Extended(other)
            }
        })
    }
}

impl PlainArray {
    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        let small: Option<Vec<u8>> = self.dimensions.iter().copied().map(small).collect();
        match small {
            Some(dimensions) => {
                writer.write_u8(TI_PLAIN_ARRAY_SMALL);
                self.header.write(writer)?;
                Primitives(dimensions).write(writer)?;
            }
            None => {
                writer.write_u8(TI_PLAIN_ARRAY_LARGE);
                self.header.write(writer)?;
                Primitives(self.dimensions.clone()).write(writer)?;
            }
        }
        self.element.write(writer)
    }
}

/// Reads a bound of either form.
type ReadBound = fn(&mut CdrReader<'_>) -> Result<u32, DecodeError>;

impl TypeIdentifier {
    fn read_sequence(reader: &mut CdrReader<'_>, bound: ReadBound) -> Result<Self, DecodeError> {
        Ok(Self::Sequence(Box::new(PlainSequence {
            header: Record::read(reader)?,
            bound: bound(reader)?,
            element: reader.nested(Self::read)?,
        })))
    }

    fn read_array(
        reader: &mut CdrReader<'_>,
        dimensions: impl FnOnce(&mut CdrReader<'_>) -> Result<Vec<u32>, DecodeError>,
    ) -> Result<Self, DecodeError> {
        Ok(Self::Array(Box::new(PlainArray {
            header: Record::read(reader)?,
            dimensions: dimensions(reader)?,
            element: reader.nested(Self::read)?,
        })))
    }

    fn read_map(reader: &mut CdrReader<'_>, bound: ReadBound) -> Result<Self, DecodeError> {
        Ok(Self::Map(Box::new(PlainMap {
            header: Record::read(reader)?,
            bound: bound(reader)?,
            element: reader.nested(Self::read)?,
            key_flags: Record::read(reader)?,
            key: reader.nested(Self::read)?,
        })))
    }
}

/// As in IDL, with hashes for types that have a type object.
impl fmt::Display for TypeIdentifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounded = |f: &mut fmt::Formatter<'_>, bound: u32| match bound {
            0 => Ok(()),
            bound => write!(f, "<{bound}>"),
        };
        let tail = |f: &mut fmt::Formatter<'_>, bound: u32| match bound {
            0 => f.write_str(">"),
            bound => write!(f, ", {bound}>"),
        };
        match self {
            Self::None => f.write_str("no type"),
            Self::Primitive(kind) => f.write_str(kind.idl_name()),
            Self::String8 { bound } => f.write_str("string").and_then(|()| bounded(f, *bound)),
            Self::String16 { bound } => f.write_str("wstring").and_then(|()| bounded(f, *bound)),
            Self::Sequence(sequence) => {
                write!(f, "sequence<{}", sequence.element)?;
                tail(f, sequence.bound)
            }
            Self::Array(array) => {
                write!(f, "{}", array.element)?;
                array.dimensions.iter().try_for_each(|dimension| write!(f, "[{dimension}]"))
            }
            Self::Map(map) => {
                write!(f, "map<{}, {}", map.key, map.element)?;
                tail(f, map.bound)
            }
            Self::StronglyConnected(id) => write!(f, "{} ({} of {})", id.component, id.index, id.length),
            Self::Hash(hash) => hash.fmt(f),
            Self::Extended(kind) => write!(f, "type of kind {kind:#04x}"),
        }
    }
}
