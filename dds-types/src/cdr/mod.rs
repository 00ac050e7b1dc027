//! Common Data Representation: primitive reading and writing, XCDR1 and XCDR2.
//!
//! XTypes 1.3 §7.4: XCDR1 aligns a primitive to its own size up to 8 bytes, XCDR2 up to 4.
//! [`CdrWriter`] appends to a buffer of the caller; [`CdrReader`] borrows the input, checks every
//! length before it is used and reports the offset of what it refuses.

mod error;
mod reader;
mod structure;
mod writer;

pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
pub use reader::CdrReader;
pub use structure::{Delimiter, Known, MemberHeader};
pub use writer::CdrWriter;

/// Byte order of an encoded stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endianness {
    /// Most significant byte first.
    Big,
    /// Least significant byte first.
    Little,
}

/// Version of the encoding (XTypes 1.3 §7.4.1 and §7.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum XcdrVersion {
    /// Classic CDR and parameter lists: alignment up to 8 bytes.
    Xcdr1,
    /// Alignment up to 4 bytes, delimiter and member headers.
    Xcdr2,
}

impl XcdrVersion {
    /// The largest alignment this version uses, in bytes.
    pub const fn max_alignment(self) -> usize {
        match self {
            Self::Xcdr1 => 8,
            Self::Xcdr2 => 4,
        }
    }
}

/// Bytes to skip so that `position` becomes a multiple of `alignment` (a power of two).
pub(crate) const fn padding(position: usize, alignment: usize) -> usize {
    position.wrapping_neg() & alignment.wrapping_sub(1)
}
