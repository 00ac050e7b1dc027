//! What endpoints announce of their type (XTypes 1.3 §7.6.3.2.1).

use super::codec::{Record, record};
use super::identifier::{EquivalenceKind, TypeIdentifier};
use crate::cdr::{
    CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, Endianness, Known, MemberHeader,
    XcdrVersion,
};
use crate::dds_type::LengthCode;
use alloc::vec::Vec;

record! {
    /// A type, and how large its type object is.
    appendable TypeIdentifierWithSize {
        /// The type.
        type_id: TypeIdentifier,
        /// Size of the type object's serialised form in bytes.
        type_object_size: u32,
    }

    /// A type and the types it is made of.
    appendable TypeIdentifierWithDependencies {
        /// The type.
        type_id: TypeIdentifierWithSize,
        /// How many types it is made of; negative when that is not said.
        dependency_count: i32,
        /// Some or all of them.
        dependencies: Vec<TypeIdentifierWithSize>,
    }
}

/// What endpoints announce of their type: PID_TYPE_INFORMATION.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeInformation {
    /// Its minimal representation.
    pub minimal: TypeIdentifierWithDependencies,
    /// Its complete representation.
    pub complete: TypeIdentifierWithDependencies,
}

const MINIMAL_ID: u32 = 0x1001;
const COMPLETE_ID: u32 = 0x1002;

impl Record for TypeInformation {
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        let delimiter = writer.begin_mutable();
        for (id, member) in [(MINIMAL_ID, &self.minimal), (COMPLETE_ID, &self.complete)] {
            let header = MemberHeader { id, must_understand: false };
            writer.write_member(header, LengthCode::Separate, |writer| member.write(writer))?;
        }
        writer.end_mutable(delimiter)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let (mut minimal, mut complete) = (None, None);
        reader.read_mutable("TypeInformation", |reader, id| {
            match id {
                MINIMAL_ID => minimal = Some(Record::read(reader)?),
                COMPLETE_ID => complete = Some(Record::read(reader)?),
                _ => return Ok(Known::No),
            }
            Ok(Known::Yes)
        })?;
        let missing = |member: &'static str| {
            let type_name = "TypeInformation".into();
            reader.error(DecodeErrorKind::MissingMember { type_name, member: member.into() })
        };
        Ok(Self {
            minimal: minimal.ok_or_else(|| missing("minimal"))?,
            complete: complete.ok_or_else(|| missing("complete"))?,
        })
    }
}

impl TypeInformation {
    /// Its bytes as the value of the parameter, in little-endian XCDR2.
    ///
    /// # Errors
    /// It has 4 GiB.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        super::definition::to_bytes(self)
    }

    /// Reads the value of the parameter; what follows it is padding.
    ///
    /// # Errors
    /// The bytes are no type information.
    pub fn from_parameter(value: &[u8], endianness: Endianness) -> Result<Self, DecodeError> {
        Self::read(&mut CdrReader::new(value, endianness, XcdrVersion::Xcdr2))
    }

    /// That of one of the representations.
    #[must_use]
    pub const fn of(&self, kind: EquivalenceKind) -> &TypeIdentifierWithDependencies {
        match kind {
            EquivalenceKind::Minimal => &self.minimal,
            EquivalenceKind::Complete => &self.complete,
        }
    }
}
