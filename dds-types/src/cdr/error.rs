//! Why a sample could not be encoded or decoded.

use crate::TypeName;
use crate::representation::DataRepresentationId;
use core::fmt;

/// A refusal to decode: what was wrong and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// What was wrong.
    pub kind: DecodeErrorKind,
    /// Byte offset from the start of the bytes handed to the decoder (a serialised payload counts
    /// from its encapsulation header).
    pub offset: usize,
}

/// What was wrong with the input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The value needs more bytes than are there.
    UnexpectedEnd {
        /// Bytes the value needs.
        needed: usize,
        /// Bytes left.
        available: usize,
    },
    /// A boolean that is neither 0 nor 1.
    InvalidBool(u8),
    /// An integer that names no literal of the enumeration.
    InvalidEnum {
        /// Name of the enumeration.
        type_name: TypeName,
        /// The value found.
        value: i64,
    },
    /// A union discriminator without a case, in a union without a default case.
    InvalidDiscriminator {
        /// Name of the union.
        type_name: TypeName,
        /// The value found.
        value: i64,
    },
    /// A bitmask with bits beyond its bound.
    InvalidBitmask {
        /// Name of the bitmask.
        type_name: TypeName,
        /// The value found.
        value: u64,
    },
    /// A string that is not UTF-8.
    InvalidUtf8,
    /// A wide string or wide character that is not UTF-16.
    InvalidUtf16,
    /// A character outside of the 8 bits of IDL `char`.
    InvalidChar(u32),
    /// A string without its terminating NUL.
    MissingTerminator,
    /// A string with a NUL before its end (IDL 4.2 §7.4.1.4.4.3.2 excludes it).
    NulInString,
    /// A string, sequence or map longer than its bound.
    BoundExceeded {
        /// Length found.
        length: usize,
        /// Bound of the type.
        bound: usize,
    },
    /// Another member stands where an optional one was expected.
    MisplacedMember {
        /// Id of the one expected.
        expected: u32,
    },
    /// Bytes follow the end of a final type.
    TrailingBytes(usize),
    /// A value that cannot be written again.
    NotEncodable(EncodeErrorKind),
    /// A length that is impossible in its place.
    InvalidLength(u32),
    /// A member that must be understood is unknown (XTypes 1.3 §7.4.1.2.1).
    UnknownMustUnderstand {
        /// Name of the type being read.
        type_name: TypeName,
        /// Id of the unknown member.
        member_id: u32,
    },
    /// A member that is a key or must be understood is not there.
    MissingMember {
        /// Name of the type being read.
        type_name: TypeName,
        /// Name of the member.
        member: TypeName,
    },
    /// The same key occurs twice in a map.
    DuplicateMapKey,
    /// The encapsulation identifier is unknown, or not one this type has.
    UnsupportedRepresentation([u8; 2]),
    /// Values nest deeper than [`CdrReader::MAX_DEPTH`](crate::cdr::CdrReader::MAX_DEPTH).
    RecursionLimit,
    /// A value of a type known at run time would take more memory than its input justifies.
    MemoryLimit,
    /// Refused by an encoding that is not CDR.
    Foreign(&'static str),
}

impl DecodeErrorKind {
    /// Whether the bytes are a value that the type cannot hold, rather than malformed.
    #[must_use]
    pub const fn is_unfit(&self) -> bool {
        matches!(
            self,
            Self::BoundExceeded { .. }
                | Self::InvalidEnum { .. }
                | Self::InvalidDiscriminator { .. }
                | Self::InvalidBitmask { .. }
        )
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use DecodeErrorKind as Kind;
        match &self.kind {
            Kind::UnexpectedEnd { needed, available } => {
                write!(f, "{needed} bytes needed, {available} left")
            }
            Kind::InvalidBool(value) => write!(f, "boolean {value:#04x} is neither 0 nor 1"),
            Kind::InvalidEnum { type_name, value } => {
                write!(f, "{value} is no literal of enumeration {type_name}")
            }
            Kind::InvalidDiscriminator { type_name, value } => {
                write!(f, "discriminator {value} selects no case of union {type_name}")
            }
            Kind::InvalidBitmask { type_name, value } => {
                write!(f, "{value:#x} has bits that bitmask {type_name} lacks")
            }
            Kind::InvalidUtf8 => f.write_str("string is not UTF-8"),
            Kind::InvalidUtf16 => f.write_str("wide string is not UTF-16"),
            Kind::InvalidChar(value) => write!(f, "{value:#x} is no character"),
            Kind::MissingTerminator => f.write_str("string without terminating NUL"),
            Kind::NulInString => f.write_str("string with a NUL before its end"),
            Kind::BoundExceeded { length, bound } => write!(f, "length {length} exceeds the bound {bound}"),
            Kind::MisplacedMember { expected } => write!(f, "optional member {expected:#x} expected here"),
            Kind::TrailingBytes(count) => write!(f, "{count} bytes follow the end of a final type"),
            Kind::NotEncodable(kind) => kind.fmt(f),
            Kind::InvalidLength(length) => write!(f, "impossible length {length}"),
            Kind::UnknownMustUnderstand { type_name, member_id } => {
                write!(f, "member {member_id:#x} of {type_name} must be understood and is unknown")
            }
            Kind::MissingMember { type_name, member } => {
                write!(f, "member {member} of {type_name} is missing")
            }
            Kind::DuplicateMapKey => f.write_str("a key occurs twice in a map"),
            Kind::UnsupportedRepresentation([a, b]) => {
                write!(f, "representation identifier {a:#04x}{b:02x} is not supported by the type")
            }
            Kind::MemoryLimit => f.write_str("the value would take too much memory for its size"),
            Kind::RecursionLimit => f.write_str("values nest too deeply"),
            Kind::Foreign(reason) => f.write_str(reason),
        }?;
        write!(f, " (offset {})", self.offset)
    }
}

impl core::error::Error for DecodeError {}

/// A refusal to encode: what was wrong with the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// What was wrong.
    pub kind: EncodeErrorKind,
}

/// What was wrong with the value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// A string, sequence or map longer than its bound.
    BoundExceeded {
        /// Length of the value.
        length: usize,
        /// Bound of the type.
        bound: usize,
    },
    /// A length the wire cannot carry.
    LengthOverflow(usize),
    /// A string with a NUL in it (IDL 4.2 §7.4.1.4.4.3.2 excludes it).
    NulInString,
    /// A character outside of the 8 bits of IDL `char`.
    InvalidChar(u32),
    /// A bitmask with bits beyond its bound.
    InvalidBitmask(u64),
    /// An integer that names no literal of the enumeration.
    InvalidEnum(i64),
    /// A value that is not of its type; only values of types known at run time can be.
    WrongType,
    /// The discriminator of a union's default case is the label of another case.
    InvalidDiscriminator(i64),
    /// The type is not offered in this representation.
    UnsupportedRepresentation(DataRepresentationId),
    /// Refused by an encoding that is not CDR.
    Foreign(&'static str),
}

impl From<EncodeErrorKind> for EncodeError {
    fn from(kind: EncodeErrorKind) -> Self {
        Self { kind }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EncodeErrorKind as Kind;
        match self {
            Kind::BoundExceeded { length, bound } => write!(f, "length {length} exceeds the bound {bound}"),
            Kind::LengthOverflow(length) => write!(f, "length {length} does not fit the wire"),
            Kind::NulInString => f.write_str("string contains NUL, which ends strings on the wire"),
            Kind::InvalidChar(value) => write!(f, "{value:#x} does not fit an 8-bit character"),
            Kind::InvalidBitmask(value) => write!(f, "{value:#x} has bits beyond the bitmask's bound"),
            Kind::InvalidEnum(value) => write!(f, "{value} is no literal of the enumeration"),
            Kind::WrongType => f.write_str("the value is not of its type"),
            Kind::InvalidDiscriminator(value) => {
                write!(f, "discriminator {value} of the default case belongs to another case")
            }
            Kind::UnsupportedRepresentation(id) => {
                write!(f, "the type has no data representation {}", id.0)
            }
            Kind::Foreign(reason) => f.write_str(reason),
        }
    }
}

impl core::error::Error for EncodeError {}
