//! Data representations and the encapsulation header of a serialised payload.

use crate::cdr::{DecodeError, DecodeErrorKind, Endianness, XcdrVersion, padding};
use alloc::vec::Vec;

/// First two bytes of a serialised payload: how the rest is encoded.
///
/// The values are those of XTypes 1.3 Table 60, which peers use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RepresentationIdentifier(pub [u8; 2]);

/// How members are delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncodingFormat {
    /// Members one after another, no headers.
    Plain,
    /// As plain, after a length of the whole (XCDR2 appendable).
    Delimited,
    /// Each member with a header of its own.
    ParameterList,
}

/// What a [`RepresentationIdentifier`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encapsulation {
    /// Byte order.
    pub endianness: Endianness,
    /// Encoding version.
    pub version: XcdrVersion,
    /// Member format of the outermost type.
    pub format: EncodingFormat,
}

impl RepresentationIdentifier {
    /// XCDR1, big endian, final and appendable.
    pub const CDR_BE: Self = Self([0, 0]);
    /// XCDR1, little endian, final and appendable.
    pub const CDR_LE: Self = Self([0, 1]);
    /// XCDR1, big endian, mutable; also discovery data.
    pub const PL_CDR_BE: Self = Self([0, 2]);
    /// XCDR1, little endian, mutable; also discovery data.
    pub const PL_CDR_LE: Self = Self([0, 3]);
    /// XCDR2, big endian, final.
    pub const CDR2_BE: Self = Self([0, 6]);
    /// XCDR2, little endian, final.
    pub const CDR2_LE: Self = Self([0, 7]);
    /// XCDR2, big endian, appendable.
    pub const D_CDR2_BE: Self = Self([0, 8]);
    /// XCDR2, little endian, appendable.
    pub const D_CDR2_LE: Self = Self([0, 9]);
    /// XCDR2, big endian, mutable.
    pub const PL_CDR2_BE: Self = Self([0, 0xa]);
    /// XCDR2, little endian, mutable.
    pub const PL_CDR2_LE: Self = Self([0, 0xb]);

    /// What it stands for, if it is one of CDR.
    pub const fn encapsulation(self) -> Option<Encapsulation> {
        let (version, format) = match self.0 {
            [0, 0 | 1] => (XcdrVersion::Xcdr1, EncodingFormat::Plain),
            [0, 2 | 3] => (XcdrVersion::Xcdr1, EncodingFormat::ParameterList),
            [0, 6 | 7] => (XcdrVersion::Xcdr2, EncodingFormat::Plain),
            [0, 8 | 9] => (XcdrVersion::Xcdr2, EncodingFormat::Delimited),
            [0, 0xa | 0xb] => (XcdrVersion::Xcdr2, EncodingFormat::ParameterList),
            _ => return None,
        };
        let endianness = if self.0[1] & 1 == 0 { Endianness::Big } else { Endianness::Little };
        Some(Encapsulation { endianness, version, format })
    }
}

impl From<Encapsulation> for RepresentationIdentifier {
    fn from(encapsulation: Encapsulation) -> Self {
        let big = match (encapsulation.version, encapsulation.format) {
            (XcdrVersion::Xcdr1, EncodingFormat::Plain | EncodingFormat::Delimited) => 0,
            (XcdrVersion::Xcdr1, EncodingFormat::ParameterList) => 2,
            (XcdrVersion::Xcdr2, EncodingFormat::Plain) => 6,
            (XcdrVersion::Xcdr2, EncodingFormat::Delimited) => 8,
            (XcdrVersion::Xcdr2, EncodingFormat::ParameterList) => 0xa,
        };
        Self([0, big | u8::from(encapsulation.endianness == Endianness::Little)])
    }
}

/// A representation a writer offers or a reader accepts (XTypes 1.3 §7.6.3.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataRepresentationId(pub i16);

impl DataRepresentationId {
    /// XCDR1.
    pub const XCDR: Self = Self(0);
    /// XML.
    pub const XML: Self = Self(1);
    /// XCDR2.
    pub const XCDR2: Self = Self(2);
    /// A serde type in bincode, between our own processes only.
    ///
    /// XTypes assigns 0 to 2 and leaves vendors nothing by name; peers compare numbers. Negative
    /// values are the far end from where the standard grows; the digits are "SD" in ASCII with the
    /// sign set, so that no simple choice of another vendor meets it.
    pub const SERDE: Self = Self(i16::from_be_bytes([b'S' | 0x80, b'D']));
}

/// Bytes of the encapsulation header.
pub const HEADER_LENGTH: usize = 4;

/// Appends an encapsulation header; alignment of the body starts after it.
///
/// Give the returned mark to [`finish_payload`] when the body is written.
#[must_use = "finish_payload needs the mark"]
pub fn begin_payload(identifier: RepresentationIdentifier, out: &mut Vec<u8>) -> usize {
    let mark = out.len();
    out.extend_from_slice(&identifier.0);
    out.extend_from_slice(&[0; 2]);
    mark
}

/// Pads the body to 4 bytes and notes the padding in the options (XTypes 1.3 §7.6.3.1.2).
pub fn finish_payload(mark: usize, out: &mut Vec<u8>) {
    let count = padding(out.len().wrapping_sub(mark), 4);
    out.resize(out.len().wrapping_add(count), 0);
    if let Some([_, _, _, options, ..]) = out.get_mut(mark..) {
        *options = u8::try_from(count).unwrap_or(0);
    }
}

/// Splits a payload into identifier and the payload without the padding its options count; the
/// body starts at [`HEADER_LENGTH`].
///
/// # Errors
/// The payload is shorter than its header.
pub fn split_payload(payload: &[u8]) -> Result<(RepresentationIdentifier, &[u8]), DecodeError> {
    let Some(&[first, second, _, options]) = payload.first_chunk::<HEADER_LENGTH>() else {
        let kind = DecodeErrorKind::UnexpectedEnd { needed: HEADER_LENGTH, available: payload.len() };
        return Err(DecodeError { kind, offset: 0 });
    };
    let end = payload.len().saturating_sub(usize::from(options & 3)).max(HEADER_LENGTH);
    Ok((RepresentationIdentifier([first, second]), payload.get(..end).unwrap_or(payload)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn identifiers_and_encapsulations_correspond() {
        for low in [0, 1, 2, 3, 6, 7, 8, 9, 0xa, 0xb] {
            let identifier = RepresentationIdentifier([0, low]);
            assert_eq!(RepresentationIdentifier::from(identifier.encapsulation().unwrap()), identifier);
        }
        assert_eq!(RepresentationIdentifier([0, 4]).encapsulation(), None);
        const { assert!(DataRepresentationId::SERDE.0 < 0) };
    }

    #[test]
    fn padding_is_counted_in_the_options() {
        let mut out = vec![1];
        let mark = begin_payload(RepresentationIdentifier::CDR2_LE, &mut out);
        out.push(5);
        finish_payload(mark, &mut out);
        assert_eq!(out, [1, 0, 7, 0, 3, 5, 0, 0, 0]);
        assert_eq!(split_payload(&out[1..]).unwrap().1, [0, 7, 0, 3, 5]);
    }
}
