//! Numbers, booleans and characters.

use crate::cdr::{
    CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Endianness,
};
use crate::dds_type::{DdsType, Discriminator, LengthCode, MaximumSize};
use crate::type_description::{PrimitiveKind, TypeDescription};
use alloc::vec::Vec;

/// What the primitive types share. `$kind $type $code write read`; the size is the type's.
macro_rules! primitive {
    ($kind:ident $type:ty, $code:ident) => {
        type Key = Self;
        const DESCRIPTION: &'static TypeDescription = &TypeDescription::Primitive(PrimitiveKind::$kind);
        const IS_PRIMITIVE: bool = true;
        const LENGTH_CODE: LengthCode = LengthCode::$code;
        const MINIMUM_SIZE: usize = size_of::<$type>();

        fn duplicate(&self) -> Self {
            *self
        }

        fn to_key(&self) -> Self {
            *self
        }

        fn add_size(size: &mut MaximumSize) {
            size.add(size_of::<$type>(), size_of::<$type>());
        }

        fn skip_all(reader: &mut CdrReader<'_>, count: usize) -> Result<(), DecodeError> {
            if count == 0 {
                return Ok(());
            }
            reader.align(size_of::<$type>())?;
            reader.read_bytes(count.saturating_mul(size_of::<$type>())).map(drop)
        }

        fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
            Self::skip_all(reader, 1)
        }
    };
}

/// Numbers: besides, whole slices at once in either byte order.
macro_rules! number {
    ($($kind:ident $type:ty, $code:ident $write:ident $read:ident;)*) => {$(
        impl DdsType for $type {
            primitive!($kind $type, $code);

            #[inline]
            fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
                writer.$write(*self);
                Ok(())
            }

            #[inline]
            fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                reader.$read()
            }

            fn initial() -> Self {
                Self::default()
            }

            fn transcode_key(
                reader: &mut CdrReader<'_>,
                writer: &mut CdrWriter<'_>,
            ) -> Result<(), DecodeError> {
                writer.$write(reader.$read()?);
                Ok(())
            }

            fn write_all(values: &[Self], writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
                if values.is_empty() {
                    return Ok(());
                }
                let endianness = writer.endianness();
                let room = writer.extend_aligned(size_of::<$type>(), size_of_val(values));
                let (chunks, _) = room.as_chunks_mut::<{ size_of::<$type>() }>();
                match endianness {
                    Endianness::Little => {
                        chunks.iter_mut().zip(values).for_each(|(room, value)| *room = value.to_le_bytes());
                    }
                    Endianness::Big => {
                        chunks.iter_mut().zip(values).for_each(|(room, value)| *room = value.to_be_bytes());
                    }
                }
                Ok(())
            }

            fn read_all(reader: &mut CdrReader<'_>, count: usize) -> Result<Vec<Self>, DecodeError> {
                let mut values = Vec::new();
                Self::read_all_over(&mut values, reader, count)?;
                Ok(values)
            }

            fn read_all_over(
                values: &mut Vec<Self>,
                reader: &mut CdrReader<'_>,
                count: usize,
            ) -> Result<(), DecodeError> {
                values.clear();
                if count == 0 {
                    return Ok(());
                }
                reader.align(size_of::<$type>())?;
                let bytes = reader.read_bytes(count.saturating_mul(size_of::<$type>()))?;
                let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                match reader.endianness() {
                    Endianness::Little => {
                        values.extend(chunks.iter().map(|bytes| Self::from_le_bytes(*bytes)));
                    }
                    Endianness::Big => {
                        values.extend(chunks.iter().map(|bytes| Self::from_be_bytes(*bytes)));
                    }
                }
                Ok(())
            }

            fn read_array<const N: usize>(reader: &mut CdrReader<'_>) -> Result<[Self; N], DecodeError> {
                let mut values = [Self::default(); N];
                if N != 0 {
                    reader.align(size_of::<$type>())?;
                    let bytes = reader.read_bytes(size_of_val(&values))?;
                    let (chunks, _) = bytes.as_chunks::<{ size_of::<$type>() }>();
                    let endianness = reader.endianness();
                    for (value, bytes) in values.iter_mut().zip(chunks) {
                        *value = match endianness {
                            Endianness::Little => Self::from_le_bytes(*bytes),
                            Endianness::Big => Self::from_be_bytes(*bytes),
                        };
                    }
                }
                Ok(values)
            }
        }
    )*};
}

number! {
    Int8 i8, One write_i8 read_i8;
    Int16 i16, Two write_i16 read_i16;
    UInt16 u16, Two write_u16 read_u16;
    Int32 i32, Four write_i32 read_i32;
    UInt32 u32, Four write_u32 read_u32;
    Int64 i64, Eight write_i64 read_i64;
    UInt64 u64, Eight write_u64 read_u64;
    Float32 f32, Four write_f32 read_f32;
    Float64 f64, Eight write_f64 read_f64;
}

impl DdsType for u8 {
    primitive!(UInt8 u8, One);

    #[inline]
    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_u8(*self);
        Ok(())
    }

    #[inline]
    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        reader.read_u8()
    }

    fn initial() -> Self {
        0
    }

    fn write_all(values: &[Self], writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_bytes(values);
        Ok(())
    }

    fn read_all(reader: &mut CdrReader<'_>, count: usize) -> Result<Vec<Self>, DecodeError> {
        reader.read_bytes(count).map(Vec::from)
    }

    fn read_all_over(
        values: &mut Vec<Self>,
        reader: &mut CdrReader<'_>,
        count: usize,
    ) -> Result<(), DecodeError> {
        values.clear();
        values.extend_from_slice(reader.read_bytes(count)?);
        Ok(())
    }

    fn read_array<const N: usize>(reader: &mut CdrReader<'_>) -> Result<[Self; N], DecodeError> {
        let mut values = [0; N];
        values.copy_from_slice(reader.read_bytes(N)?);
        Ok(values)
    }
}

impl DdsType for bool {
    primitive!(Boolean bool, One);

    #[inline]
    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_bool(*self);
        Ok(())
    }

    #[inline]
    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        reader.read_bool()
    }

    fn initial() -> Self {
        false
    }
}

/// `char` is IDL `char`: 8 bits, Latin-1. Use [`WideChar`] for 16.
impl DdsType for char {
    primitive!(Char8 u8, One);

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        let value = u32::from(*self);
        writer.write_u8(u8::try_from(value).map_err(|_| EncodeErrorKind::InvalidChar(value))?);
        Ok(())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        reader.read_u8().map(char::from)
    }

    fn initial() -> Self {
        '\0'
    }
}

/// IDL `wchar`: a UTF-16 code unit, which must be a character on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WideChar(u16);

impl WideChar {
    /// The character, if 16 bits can hold it.
    pub fn new(value: char) -> Option<Self> {
        u16::try_from(u32::from(value)).ok().map(Self)
    }

    /// The character.
    pub fn get(self) -> char {
        char::from_u32(u32::from(self.0)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

impl DdsType for WideChar {
    primitive!(Char16 u16, Two);

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        writer.write_u16(self.0);
        Ok(())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let value = reader.read_u16()?;
        match char::from_u32(u32::from(value)) {
            Some(_) => Ok(Self(value)),
            None => Err(reader.error_before(DecodeErrorKind::InvalidUtf16, 2)),
        }
    }

    fn initial() -> Self {
        Self::default()
    }
}

macro_rules! discriminator {
    ($($type:ident)*) => {$(
        impl Discriminator for $type {
            fn label(&self) -> i64 {
                // A `u64` above `i64::MAX` wraps, and so does its label.
                *self as i64
            }

            fn from_label(label: i64) -> Option<Self> {
                let value = label as Self;
                (value as i64 == label).then_some(value)
            }
        }
    )*};
}

discriminator!(i8 u8 i16 u16 i32 u32 i64 u64);

impl Discriminator for bool {
    fn label(&self) -> i64 {
        i64::from(*self)
    }

    fn from_label(label: i64) -> Option<Self> {
        match label {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
}

impl Discriminator for char {
    fn label(&self) -> i64 {
        i64::from(u32::from(*self))
    }

    fn from_label(label: i64) -> Option<Self> {
        u8::try_from(label).ok().map(Self::from)
    }
}
