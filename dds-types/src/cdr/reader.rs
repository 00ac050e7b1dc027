//! Reading primitives.

use super::{DecodeError, DecodeErrorKind, Endianness, XcdrVersion, padding};

/// Reads CDR values out of borrowed bytes.
///
/// Alignment counts from the start of the bytes. Nothing is read, sliced or counted before the
/// bytes are known to be there.
#[derive(Clone, Debug)]
pub struct CdrReader<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) position: usize,
    pub(super) origin: usize,
    endianness: Endianness,
    version: XcdrVersion,
    pub(super) depth: u16,
    pub(super) canonical: bool,
}

macro_rules! read_number {
    ($($name:ident $type:ty),*) => {$(
        #[doc = concat!("Reads a `", stringify!($type), "`, aligned.")]
        ///
        /// # Errors
        /// The bytes end before it does.
        #[inline]
        pub fn $name(&mut self) -> Result<$type, DecodeError> {
            self.align(size_of::<$type>())?;
            let bytes = self.take()?;
            Ok(match self.endianness {
                Endianness::Big => <$type>::from_be_bytes(bytes),
                Endianness::Little => <$type>::from_le_bytes(bytes),
            })
        }
    )*};
}

impl<'a> CdrReader<'a> {
    /// How deeply values may nest: enough for any type met in practice, small enough for a
    /// thread's stack.
    pub const MAX_DEPTH: u16 = 64;

    /// A reader at the start of `bytes`, which is also the alignment origin.
    pub const fn new(bytes: &'a [u8], endianness: Endianness, version: XcdrVersion) -> Self {
        Self { bytes, position: 0, origin: 0, endianness, version, depth: 0, canonical: false }
    }

    /// A reader of canonical keys.
    pub const fn canonical(bytes: &'a [u8]) -> Self {
        Self { canonical: true, ..Self::new(bytes, Endianness::Big, XcdrVersion::Xcdr2) }
    }

    /// A reader of what follows the encapsulation header of `payload`; offsets count from the
    /// header, alignment from its end.
    pub(crate) const fn of_body(payload: &'a [u8], endianness: Endianness, version: XcdrVersion) -> Self {
        Self {
            position: crate::representation::HEADER_LENGTH,
            origin: crate::representation::HEADER_LENGTH,
            ..Self::new(payload, endianness, version)
        }
    }

    /// Byte order read.
    pub const fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// Encoding version read.
    pub const fn version(&self) -> XcdrVersion {
        self.version
    }

    /// Offset of the next byte in the bytes this reader was made from.
    pub const fn position(&self) -> usize {
        self.position
    }

    /// The bytes not yet read.
    pub fn remaining(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or(&[])
    }

    /// An error of this kind at the present position.
    #[cold]
    pub fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError { kind, offset: self.position }
    }

    /// An error of this kind about the `size` bytes just read.
    #[cold]
    pub fn error_before(&self, kind: DecodeErrorKind, size: usize) -> DecodeError {
        DecodeError { kind, offset: self.position.saturating_sub(size) }
    }

    #[cold]
    fn unexpected_end(&self, needed: usize) -> DecodeError {
        self.error(DecodeErrorKind::UnexpectedEnd { needed, available: self.remaining().len() })
    }

    #[inline]
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some(bytes) = self.bytes.get(self.position..).and_then(<[u8]>::first_chunk::<N>) else {
            return Err(self.unexpected_end(N));
        };
        self.position = self.position.wrapping_add(N);
        Ok(*bytes)
    }

    /// Skips padding to a multiple of `alignment` (a power of two), at most the version's largest
    /// alignment.
    ///
    /// # Errors
    /// The bytes end before the padding does.
    #[inline]
    pub fn align(&mut self, alignment: usize) -> Result<(), DecodeError> {
        let position = self.position.wrapping_sub(self.origin);
        let count = padding(position, alignment.min(self.version.max_alignment()));
        if count != 0 {
            self.read_bytes(count)?;
        }
        Ok(())
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// No byte is left.
    #[inline]
    pub fn read_u8(&mut self) -> Result<u8, DecodeError> {
        let [byte] = self.take()?;
        Ok(byte)
    }

    /// Reads one signed byte.
    ///
    /// # Errors
    /// No byte is left.
    #[inline]
    pub fn read_i8(&mut self) -> Result<i8, DecodeError> {
        self.read_u8().map(u8::cast_signed)
    }

    /// Reads a boolean.
    ///
    /// # Errors
    /// No byte is left, or it is neither 0 nor 1.
    #[inline]
    pub fn read_bool(&mut self) -> Result<bool, DecodeError> {
        match self.read_u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.error_before(DecodeErrorKind::InvalidBool(other), 1)),
        }
    }

    read_number!(
        read_u16 u16, read_i16 i16, read_u32 u32, read_i32 i32,
        read_u64 u64, read_i64 i64, read_f32 f32, read_f64 f64
    );

    /// Borrows the next `count` bytes, unaligned.
    ///
    /// # Errors
    /// Fewer bytes are left.
    #[inline]
    pub fn read_bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let Some(bytes) = self.bytes.get(self.position..).and_then(|rest| rest.get(..count)) else {
            return Err(self.unexpected_end(count));
        };
        self.position = self.position.wrapping_add(count);
        Ok(bytes)
    }

    /// Reads a `u32` length.
    ///
    /// # Errors
    /// The bytes end before it does.
    #[inline]
    pub fn read_length(&mut self) -> Result<usize, DecodeError> {
        Ok(usize::try_from(self.read_u32()?).unwrap_or(usize::MAX))
    }

    /// Borrows a string: its length with the NUL, its bytes, a NUL.
    ///
    /// A length of 0 is read as the empty string: some peers write it so.
    ///
    /// # Errors
    /// The bytes end early, the NUL is missing or not the only one, or it is not UTF-8.
    pub fn read_str(&mut self) -> Result<&'a str, DecodeError> {
        let length = self.read_length()?;
        let offset = self.position;
        if length == 0 {
            return Ok("");
        }
        let bytes = self.read_bytes(length)?;
        let Some((0, text)) = bytes.split_last() else {
            return Err(DecodeError { kind: DecodeErrorKind::MissingTerminator, offset });
        };
        if text.contains(&0) {
            return Err(DecodeError { kind: DecodeErrorKind::NulInString, offset });
        }
        core::str::from_utf8(text).map_err(|error| DecodeError {
            kind: DecodeErrorKind::InvalidUtf8,
            offset: offset.wrapping_add(error.valid_up_to()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> CdrReader<'_> {
        CdrReader::new(bytes, Endianness::Little, XcdrVersion::Xcdr1)
    }

    #[test]
    fn alignment_and_ends_are_checked() {
        let mut eight = reader(&[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(eight.read_u8(), Ok(1));
        assert_eq!(eight.read_u64(), Ok(2));
        assert_eq!(
            eight.read_u16(),
            Err(DecodeError { kind: DecodeErrorKind::UnexpectedEnd { needed: 2, available: 0 }, offset: 16 })
        );
        assert_eq!(
            reader(&[2]).read_bool(),
            Err(DecodeError { kind: DecodeErrorKind::InvalidBool(2), offset: 0 })
        );
    }

    #[test]
    fn strings_are_validated() {
        assert_eq!(reader(&[3, 0, 0, 0, b'a', b'b', 0]).read_str(), Ok("ab"));
        assert_eq!(reader(&[0, 0, 0, 0]).read_str(), Ok(""));
        let kind =
            |bytes: &'static [u8]| reader(bytes).read_str().map_err(|error| (error.kind, error.offset));
        assert_eq!(kind(&[2, 0, 0, 0, b'a', b'b']), Err((DecodeErrorKind::MissingTerminator, 4)));
        assert_eq!(kind(&[3, 0, 0, 0, b'a', 0, 0]), Err((DecodeErrorKind::NulInString, 4)));
        assert_eq!(kind(&[3, 0, 0, 0, b'a', 0xff, 0]), Err((DecodeErrorKind::InvalidUtf8, 5)));
        assert!(matches!(kind(&[255, 255, 255, 255, b'a']), Err((DecodeErrorKind::UnexpectedEnd { .. }, 4))));
    }
}
