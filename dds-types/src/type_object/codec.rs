//! How the records of type objects become bytes: XCDR2, declared once for both directions.

use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError};
use crate::dds_type::DdsType;
use alloc::string::String;
use alloc::vec::Vec;

/// A part of a type representation in XCDR2 (XTypes 1.3 Annex B).
pub trait Record: Sized {
    /// Fewest bytes of any value: what a sequence's length is checked against.
    const MINIMUM_SIZE: usize;

    /// Appends it.
    ///
    /// # Errors
    /// It holds a string with a NUL, or 4 GiB.
    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError>;

    /// Reads it.
    ///
    /// # Errors
    /// The bytes are no such record.
    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError>;
}

/// Declares records by their fields:
///
/// ```text
/// record! {
///     /// Documentation.
///     extensibility Name<E> {
///         /// Documentation.
///         field: Type,
///         …
///     }
/// }
/// ```
///
/// and yields the structure and its [`Record`]. The extensibility is that of Annex B, `r#final` or
/// `appendable`; `<E>`, an [`Equivalence`](super::Equivalence), may be left out. Final records within others are
/// written out in place, as they leave no trace on the wire.
macro_rules! record {
    ($($(#[$doc:meta])* $extensibility:ident $name:ident $(<$e:ident>)? {
        $($(#[$field_doc:meta])* $field:ident: $type:ty,)*
    })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name $(<$e: crate::type_object::Equivalence>)? {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl $(<$e: crate::type_object::Equivalence>)? crate::type_object::Record for $name $(<$e>)? {
            const MINIMUM_SIZE: usize = record!(@minimum $extensibility $($type),*);

            fn write(&self, writer: &mut crate::cdr::CdrWriter<'_>) -> Result<(), crate::EncodeError> {
                record!(@write $extensibility writer, {
                    $(crate::type_object::Record::write(&self.$field, writer)?;)*
                })
            }

            fn read(reader: &mut crate::cdr::CdrReader<'_>) -> Result<Self, crate::DecodeError> {
                record!(@read $extensibility reader, {
                    Ok(Self { $($field: crate::type_object::Record::read(reader)?,)* })
                })
            }
        }
    )*};
    (@minimum r#final $($type:ty),*) => { 0 $(+ <$type as crate::type_object::Record>::MINIMUM_SIZE)* };
    (@minimum appendable $($type:ty),*) => { 4 };
    (@write r#final $writer:ident, $body:block) => {{ $body Ok(()) }};
    (@write appendable $writer:ident, $body:block) => {{
        let delimiter = $writer.begin_appendable();
        $body
        $writer.end_delimited(delimiter)
    }};
    (@read r#final $reader:ident, $body:block) => { $body };
    (@read appendable $reader:ident, $body:block) => { $reader.read_delimited(|$reader| $body) };
}
pub(crate) use record;

/// Numbers and strings are what they are in samples.
macro_rules! as_in_samples {
    ($($type:ty),*) => {$(
        impl Record for $type {
            const MINIMUM_SIZE: usize = <Self as DdsType>::MINIMUM_SIZE;

            fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
                DdsType::write(self, writer)
            }

            fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                DdsType::read(reader)
            }
        }
    )*};
}

as_in_samples!(bool, u8, i8, u16, i16, u32, i32, u64, i64, f32, f64, String, crate::WideString);

/// Nothing, where a minimal type object leaves out what the complete one has.
impl Record for () {
    const MINIMUM_SIZE: usize = 0;

    fn write(&self, _writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        Ok(())
    }

    fn read(_reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok(())
    }
}

/// Octets, as hashes are.
impl<const N: usize> Record for [u8; N] {
    const MINIMUM_SIZE: usize = N;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_bytes(self);
        Ok(())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let bytes = reader.read_bytes(N)?;
        bytes.first_chunk().copied().ok_or_else(|| reader.error(DecodeErrorKind::InvalidLength(0)))
    }
}

impl<T: Record> Record for Option<T> {
    const MINIMUM_SIZE: usize = 1;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_bool(self.is_some());
        self.iter().try_for_each(|value| value.write(writer))
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        if reader.read_bool()? { T::read(reader).map(Some) } else { Ok(None) }
    }
}

/// A final structure of two members, as pairs of identifiers and objects are.
impl<A: Record, B: Record> Record for (A, B) {
    const MINIMUM_SIZE: usize = A::MINIMUM_SIZE + B::MINIMUM_SIZE;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        self.0.write(writer)?;
        self.1.write(writer)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok((A::read(reader)?, B::read(reader)?))
    }
}

/// A sequence of records that are not primitive: with DHEADER.
impl<T: Record> Record for Vec<T> {
    const MINIMUM_SIZE: usize = 8;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        let delimiter = writer.begin_collection();
        writer.write_u32(length(self));
        self.iter().try_for_each(|element| element.write(writer))?;
        writer.end_delimited(delimiter)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        reader.read_delimited(|reader| {
            let count = reader.read_length()?;
            let needed = count.saturating_mul(T::MINIMUM_SIZE.max(1));
            let available = reader.remaining().len();
            if needed > available {
                return Err(reader.error(DecodeErrorKind::UnexpectedEnd { needed, available }));
            }
            // Grows with what is really there: an element in memory is larger than on the wire.
            let mut elements = Self::new();
            for _ in 0..count {
                elements.push(reader.nested(T::read)?);
            }
            Ok(elements)
        })
    }
}

/// A sequence of primitives: without DHEADER.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Primitives<T>(pub Vec<T>);

impl<T: DdsType> Record for Primitives<T> {
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_u32(length(&self.0));
        T::write_all(&self.0, writer)
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let count = reader.read_length()?;
        T::read_all(reader, count).map(Self)
    }
}

fn length<T>(values: &[T]) -> u32 {
    u32::try_from(values.len()).unwrap_or(u32::MAX)
}
