//! Parameter lists (RTPS 2.5 §9.4.2.11): `u16` id, `u16` length, value padded to 4 bytes.
//!
//! Discovery data and inline QoS are such lists, and so are mutable types in XCDR1.

use crate::cdr::{
    CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Endianness, XcdrVersion,
};
use alloc::vec::Vec;

/// Names a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(pub u16);

impl ParameterId {
    /// Skipped by readers.
    pub const PAD: Self = Self(0);
    /// Ends a list.
    pub const SENTINEL: Self = Self(1);

    const VENDOR_SPECIFIC: u16 = 0x8000;
    const MUST_UNDERSTAND: u16 = 0x4000;

    /// Whether the id means different things by vendor (RTPS 2.5 §9.6.2.2.1).
    pub const fn is_vendor_specific(self) -> bool {
        self.0 & Self::VENDOR_SPECIFIC != 0
    }

    /// Whether a receiver that does not know the id must discard what carries it. Never so for
    /// vendor-specific ids, whose bits are the vendor's own.
    pub const fn must_understand(self) -> bool {
        self.0 & Self::MUST_UNDERSTAND != 0 && !self.is_vendor_specific()
    }
}

/// One parameter, its value borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// What it is.
    pub id: ParameterId,
    /// Its value with any padding, for a [`CdrReader`] of its own: alignment starts at it.
    pub value: &'a [u8],
}

/// Reads a parameter list.
#[derive(Clone, Debug)]
pub struct ParameterListReader<'a> {
    reader: CdrReader<'a>,
    finished: bool,
}

impl<'a> ParameterListReader<'a> {
    /// A reader of the list at the start of `bytes`.
    pub const fn new(bytes: &'a [u8], endianness: Endianness) -> Self {
        Self { reader: CdrReader::new(bytes, endianness, XcdrVersion::Xcdr1), finished: false }
    }

    /// The next parameter, `None` at the sentinel. Padding parameters are skipped.
    ///
    /// # Errors
    /// A parameter runs over the end, or the bytes end without a sentinel. Do not call again.
    #[expect(clippy::should_implement_trait, reason = "fallible; an iterator would yield after an error")]
    pub fn next(&mut self) -> Result<Option<Parameter<'a>>, DecodeError> {
        while !self.finished {
            self.reader.align(4)?;
            let id = ParameterId(self.reader.read_u16()?);
            let length = self.reader.read_u16()?;
            if id == ParameterId::SENTINEL {
                self.finished = true;
                break;
            }
            let value = self.reader.read_bytes(usize::from(length))?;
            if id != ParameterId::PAD {
                return Ok(Some(Parameter { id, value }));
            }
        }
        Ok(None)
    }

    /// Bytes of the list read so far; after `next` gave `None`, its whole length with the sentinel.
    pub const fn consumed(&self) -> usize {
        self.reader.position()
    }

    /// Reads to the sentinel and gives the length of the whole list.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn skip_to_end(&mut self) -> Result<usize, DecodeError> {
        while self.next()?.is_some() {}
        Ok(self.consumed())
    }
}

/// Writes a parameter list.
#[derive(Debug)]
pub struct ParameterListWriter<'b> {
    out: &'b mut Vec<u8>,
    origin: usize,
    endianness: Endianness,
    error: Option<EncodeError>,
}

impl<'b> ParameterListWriter<'b> {
    /// A writer that appends to `out`.
    pub fn new(out: &'b mut Vec<u8>, endianness: Endianness) -> Self {
        let origin = out.len();
        Self { out, origin, endianness, error: None }
    }

    /// Byte order written.
    pub const fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// Appends a parameter; `write` writes its value, aligned from its own start and padded to 4
    /// bytes afterwards.
    ///
    /// A value above 65,532 bytes is left out, and [`finish`](Self::finish) reports it.
    pub fn parameter(&mut self, id: ParameterId, write: impl FnOnce(&mut CdrWriter<'_>)) {
        let header = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        let mut writer = CdrWriter::new(self.out, self.endianness, XcdrVersion::Xcdr1);
        write(&mut writer);
        writer.align(4);
        let length = writer.position();
        let id = self.order(id.0);
        match (u16::try_from(length).map(|length| self.order(length)), self.out.get_mut(header..)) {
            (Ok(length), Some([a, b, c, d, ..])) => {
                [*a, *b] = id;
                [*c, *d] = length;
            }
            _ => {
                self.out.truncate(header);
                self.error.get_or_insert(EncodeErrorKind::LengthOverflow(length).into());
            }
        }
    }

    /// Appends a parameter whose value is already encoded in this list's byte order, for instance
    /// an unknown one that is passed on.
    pub fn raw(&mut self, parameter: Parameter<'_>) {
        self.parameter(parameter.id, |writer| writer.write_bytes(parameter.value));
    }

    /// Appends the sentinel and gives the length of the list.
    ///
    /// # Errors
    /// A parameter was too long and was left out; the list is complete otherwise.
    pub fn finish(self) -> Result<usize, EncodeError> {
        let sentinel = self.order(ParameterId::SENTINEL.0);
        self.out.extend_from_slice(&sentinel);
        self.out.extend_from_slice(&[0; 2]);
        self.error.map_or(Ok(self.out.len().wrapping_sub(self.origin)), Err)
    }

    const fn order(&self, value: u16) -> [u8; 2] {
        match self.endianness {
            Endianness::Big => value.to_be_bytes(),
            Endianness::Little => value.to_le_bytes(),
        }
    }
}

/// The error of a list that lacks a parameter it must have, or has it wrong.
impl From<DecodeErrorKind> for DecodeError {
    fn from(kind: DecodeErrorKind) -> Self {
        Self { kind, offset: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn lists_survive_a_round_trip_with_padding() {
        for endianness in [Endianness::Big, Endianness::Little] {
            let mut out = vec![7];
            let mut writer = ParameterListWriter::new(&mut out, endianness);
            writer.parameter(ParameterId(0x15), |value| value.write_u16(0x0102));
            writer.parameter(ParameterId::PAD, |_| {});
            writer.parameter(ParameterId(0x5), |value| value.write_str("Square"));
            assert_eq!(writer.finish(), Ok(8 + 4 + 16 + 4));
            let mut reader = ParameterListReader::new(&out[1..], endianness);
            let first = reader.next().unwrap().unwrap();
            assert_eq!((first.id, first.value.len()), (ParameterId(0x15), 4));
            let second = reader.next().unwrap().unwrap();
            let mut value = CdrReader::new(second.value, endianness, XcdrVersion::Xcdr1);
            assert_eq!(value.read_str(), Ok("Square"));
            assert_eq!(reader.next(), Ok(None));
            assert_eq!(reader.next(), Ok(None));
            assert_eq!(reader.consumed(), out.len() - 1);
        }
    }

    #[test]
    fn truncation_at_any_byte_is_an_error() {
        let mut out = vec![];
        let mut writer = ParameterListWriter::new(&mut out, Endianness::Little);
        writer.parameter(ParameterId(0x15), |value| value.write_u32(1));
        assert!(writer.finish().is_ok());
        for length in 0..out.len() {
            assert!(ParameterListReader::new(&out[..length], Endianness::Little).skip_to_end().is_err());
        }
    }

    #[test]
    fn an_oversized_value_is_left_out_and_reported() {
        let mut out = vec![];
        let mut writer = ParameterListWriter::new(&mut out, Endianness::Little);
        writer.parameter(ParameterId(0x15), |value| value.write_bytes(&[0; 70_000]));
        assert!(writer.finish().is_err());
        assert_eq!(out, [1, 0, 0, 0]);
    }

    #[test]
    fn vendor_specific_ids_are_never_must_understand() {
        assert!(ParameterId(0x4014).must_understand());
        assert!(!ParameterId(0xc014).must_understand());
        assert!(ParameterId(0x8000).is_vendor_specific());
    }
}
