//! Annotations that complete type objects carry (XTypes 1.3 Annex B).

use super::codec::{Record, record};
use super::identifier::TypeIdentifier;
use crate::WideString;
use crate::cdr::{CdrReader, CdrWriter, DecodeError, EncodeError};
use alloc::string::String;
use alloc::vec::Vec;

/// Declares [`AnnotationParameterValue`] by the octet, name and type of each case.
macro_rules! parameter_values {
    ($($(#[$doc:meta])* $case:ident($type:ty) = $octet:literal;)*) => {
        /// The value of an annotation's parameter.
        #[derive(Clone, Debug, PartialEq)]
        pub enum AnnotationParameterValue {
            $($(#[$doc])* $case($type),)*
            /// A kind that later versions of the standard may define.
            Extended(u8),
        }

        impl Record for AnnotationParameterValue {
            const MINIMUM_SIZE: usize = 2;

            fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
                match self {
                    $(Self::$case(value) => {
                        writer.write_u8($octet);
                        value.write(writer)
                    })*
                    Self::Extended(kind) => {
                        writer.write_u8(*kind);
                        let delimiter = writer.begin_mutable();
                        writer.end_mutable(delimiter)
                    }
                }
            }

            fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                Ok(match reader.read_u8()? {
                    $($octet => Self::$case(Record::read(reader)?),)*
                    other => {
                        reader.skip_mutable()?;
                        Self::Extended(other)
                    }
                })
            }
        }
    };
}

parameter_values! {
    /// A boolean.
    Boolean(bool) = 0x01;
    /// An octet.
    Byte(u8) = 0x02;
    /// A signed number of 16 bits.
    Int16(i16) = 0x03;
    /// A signed number of 32 bits.
    Int32(i32) = 0x04;
    /// A signed number of 64 bits.
    Int64(i64) = 0x05;
    /// An unsigned number of 16 bits.
    UInt16(u16) = 0x06;
    /// An unsigned number of 32 bits.
    UInt32(u32) = 0x07;
    /// An unsigned number of 64 bits.
    UInt64(u64) = 0x08;
    /// A floating-point number of 32 bits.
    Float32(f32) = 0x09;
    /// A floating-point number of 64 bits.
    Float64(f64) = 0x0a;
    /// A floating-point number of 128 bits, as its bytes.
    Float128([u8; 16]) = 0x0b;
    /// A signed number of 8 bits.
    Int8(i8) = 0x0c;
    /// An unsigned number of 8 bits.
    UInt8(u8) = 0x0d;
    /// A character of 8 bits.
    Char8(u8) = 0x10;
    /// A character of 16 bits.
    Char16(u16) = 0x11;
    /// The value of a literal.
    Enumerated(i32) = 0x40;
    /// A string of 8-bit characters.
    String8(String) = 0x20;
    /// A string of 16-bit characters.
    String16(WideString) = 0x21;
}

record! {
    /// A parameter that an annotation is applied with.
    appendable AppliedAnnotationParameter {
        /// Hash of its name.
        name_hash: [u8; 4],
        /// Its value.
        value: AnnotationParameterValue,
    }

    /// A user's annotation, applied.
    appendable AppliedAnnotation {
        /// Its type.
        annotation: TypeIdentifier,
        /// The parameters given.
        parameters: Option<Vec<AppliedAnnotationParameter>>,
    }

    /// `@verbatim`.
    r#final AppliedVerbatimAnnotation {
        /// Where the text goes.
        placement: String,
        /// The language it is in.
        language: String,
        /// The text.
        text: String,
    }

    /// The standard's annotations of members that have no flag.
    appendable AppliedBuiltinMemberAnnotations {
        /// `@unit`.
        unit: Option<String>,
        /// `@min`.
        min: Option<AnnotationParameterValue>,
        /// `@max`.
        max: Option<AnnotationParameterValue>,
        /// `@hashid`: the name that was hashed, empty for the member's own.
        hash_id: Option<String>,
    }

    /// The standard's annotations of types that have no flag.
    appendable AppliedBuiltinTypeAnnotations {
        /// `@verbatim`.
        verbatim: Option<AppliedVerbatimAnnotation>,
    }
}
