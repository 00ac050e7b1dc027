//! Strings and wide strings.

use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind};
use crate::dds_type::{Bounded, DdsType, LengthCode, MaximumSize};
use crate::type_description::TypeDescription;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

/// Checks what the wire cannot carry in any string.
pub(crate) fn check_string(value: &str) -> Result<(), EncodeError> {
    if u32::try_from(value.len()).map_or(true, |length| length == u32::MAX) {
        return Err(EncodeErrorKind::LengthOverflow(value.len()).into());
    }
    if value.as_bytes().contains(&0) {
        return Err(EncodeErrorKind::NulInString.into());
    }
    Ok(())
}

impl DdsType for String {
    type Key = Self;
    const DESCRIPTION: &'static TypeDescription = &TypeDescription::String8 { bound: None };
    const LENGTH_CODE: LengthCode = LengthCode::Own;
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        check_string(self)?;
        writer.write_str(self);
        Ok(())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        reader.read_str().map(Self::from)
    }

    fn read_over(&mut self, reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        self.clear();
        self.push_str(reader.read_str()?);
        Ok(())
    }

    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        let length = reader.read_length()?;
        reader.read_bytes(length).map(drop)
    }

    fn initial() -> Self {
        Self::new()
    }

    fn transcode_key(reader: &mut CdrReader<'_>, writer: &mut CdrWriter<'_>) -> Result<(), DecodeError> {
        writer.write_str(reader.read_str()?);
        Ok(())
    }

    fn duplicate(&self) -> Self {
        self.clone()
    }

    fn to_key(&self) -> Self {
        self.clone()
    }

    fn add_size(size: &mut MaximumSize) {
        size.add_unbounded();
    }
}

impl Bounded for String {
    /// Whole characters only.
    fn trim(&mut self, bound: usize) {
        let end = (0..=bound.min(self.len())).rev().find(|at| self.is_char_boundary(*at));
        self.truncate(end.unwrap_or_default());
    }

    fn length(&self) -> usize {
        self.len()
    }

    fn read_length(reader: &mut CdrReader<'_>) -> Result<usize, DecodeError> {
        Ok(reader.read_length()?.saturating_sub(1))
    }

    fn add_size_bounded(size: &mut MaximumSize, bound: usize) {
        size.add(4, bound.saturating_add(5));
    }
}

/// IDL `wstring`: on the wire its length in bytes and UTF-16 code units, without a terminator.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WideString(pub String);

impl Deref for WideString {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for WideString {
    fn from(value: &str) -> Self {
        Self(value.into())
    }
}

impl fmt::Display for WideString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl DdsType for WideString {
    type Key = Self;
    const DESCRIPTION: &'static TypeDescription = &TypeDescription::String16 { bound: None };
    const LENGTH_CODE: LengthCode = LengthCode::Own;
    const MINIMUM_SIZE: usize = 4;

    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        check_string(self)?;
        let length = self.length();
        let bytes = u32::try_from(length.saturating_mul(2));
        writer.write_u32(bytes.map_err(|_| EncodeErrorKind::LengthOverflow(length))?);
        self.encode_utf16().for_each(|unit| writer.write_u16(unit));
        Ok(())
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let length = reader.read_u32()?;
        if length % 2 != 0 {
            return Err(reader.error(DecodeErrorKind::InvalidLength(length)));
        }
        let error = reader.error(DecodeErrorKind::InvalidUtf16);
        let nul = reader.error(DecodeErrorKind::NulInString);
        let units = u16::read_all(reader, usize::try_from(length / 2).unwrap_or(usize::MAX))?;
        if units.contains(&0) {
            return Err(nul);
        }
        String::from_utf16(&units).map(Self).map_err(|_| error)
    }

    fn skip(reader: &mut CdrReader<'_>) -> Result<(), DecodeError> {
        String::skip(reader)
    }

    fn initial() -> Self {
        Self::default()
    }

    fn duplicate(&self) -> Self {
        self.clone()
    }

    fn to_key(&self) -> Self {
        self.clone()
    }

    fn add_size(size: &mut MaximumSize) {
        size.add_unbounded();
    }
}

impl Bounded for WideString {
    /// Whole characters only.
    fn trim(&mut self, bound: usize) {
        let mut units = 0_usize;
        let end = self.char_indices().find_map(|(at, character)| {
            units = units.saturating_add(character.len_utf16());
            (units > bound).then_some(at)
        });
        if let Some(end) = end {
            self.0.truncate(end);
        }
    }

    fn length(&self) -> usize {
        self.encode_utf16().count()
    }

    fn read_length(reader: &mut CdrReader<'_>) -> Result<usize, DecodeError> {
        Ok(reader.read_length()? / 2)
    }

    fn add_size_bounded(size: &mut MaximumSize, bound: usize) {
        size.add(4, bound.saturating_mul(2).saturating_add(4));
    }
}
