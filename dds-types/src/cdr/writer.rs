//! Writing primitives.

use super::{Endianness, XcdrVersion, padding};
use alloc::vec::Vec;

/// Appends CDR values to a buffer.
///
/// Alignment counts from the length the buffer had at [`CdrWriter::new`], so a header may already
/// be in it.
#[derive(Debug)]
pub struct CdrWriter<'b> {
    pub(super) out: &'b mut Vec<u8>,
    pub(super) origin: usize,
    pub(super) endianness: Endianness,
    version: XcdrVersion,
    pub(super) canonical: bool,
}

macro_rules! write_number {
    ($($name:ident $type:ty),*) => {$(
        #[doc = concat!("Writes a `", stringify!($type), "`, aligned.")]
        #[inline]
        pub fn $name(&mut self, value: $type) {
            self.align(size_of::<$type>());
            let bytes = match self.endianness {
                Endianness::Big => value.to_be_bytes(),
                Endianness::Little => value.to_le_bytes(),
            };
            self.out.extend_from_slice(&bytes);
        }
    )*};
}

impl<'b> CdrWriter<'b> {
    /// A writer that appends to `out` and aligns relative to its present length.
    pub fn new(out: &'b mut Vec<u8>, endianness: Endianness, version: XcdrVersion) -> Self {
        let origin = out.len();
        Self { out, origin, endianness, version, canonical: false }
    }

    /// A writer of canonical keys: big-endian XCDR2 without headers of structures.
    pub fn canonical(out: &'b mut Vec<u8>) -> Self {
        Self { canonical: true, ..Self::new(out, Endianness::Big, XcdrVersion::Xcdr2) }
    }

    /// Byte order written.
    pub const fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// Encoding version written.
    pub const fn version(&self) -> XcdrVersion {
        self.version
    }

    /// Bytes written since the alignment origin.
    #[inline]
    pub fn position(&self) -> usize {
        self.out.len().wrapping_sub(self.origin)
    }

    /// Pads with zeros to a multiple of `alignment` (a power of two), at most the version's
    /// largest alignment.
    #[inline]
    pub fn align(&mut self, alignment: usize) {
        let count = padding(self.position(), alignment.min(self.version.max_alignment()));
        if count != 0 {
            self.out.resize(self.out.len().wrapping_add(count), 0);
        }
    }

    /// Appends room for `size` bytes, aligned.
    pub(crate) fn extend_aligned(&mut self, alignment: usize, size: usize) -> &mut [u8] {
        self.align(alignment);
        let start = self.out.len();
        self.out.resize(start.saturating_add(size), 0);
        self.out.get_mut(start..).unwrap_or_default()
    }

    /// Writes one byte.
    #[inline]
    pub fn write_u8(&mut self, value: u8) {
        self.out.push(value);
    }

    /// Writes one signed byte.
    #[inline]
    pub fn write_i8(&mut self, value: i8) {
        self.write_u8(value.cast_unsigned());
    }

    /// Writes a boolean as 0 or 1.
    #[inline]
    pub fn write_bool(&mut self, value: bool) {
        self.write_u8(u8::from(value));
    }

    write_number!(
        write_u16 u16, write_i16 i16, write_u32 u32, write_i32 i32,
        write_u64 u64, write_i64 i64, write_f32 f32, write_f64 f64
    );

    /// Writes raw bytes, unaligned and without a length.
    #[inline]
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Writes a string: its length with the NUL, its bytes, a NUL.
    ///
    /// The caller keeps strings shorter than 4 GiB and free of NUL; the typed encoders check both.
    pub fn write_str(&mut self, value: &str) {
        let length = value.len().saturating_add(1);
        self.write_u32(u32::try_from(length).unwrap_or(u32::MAX));
        self.out.reserve(length);
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn alignment_counts_from_the_origin_and_stops_at_the_maximum() {
        let mut out = vec![9; 3];
        let mut writer = CdrWriter::new(&mut out, Endianness::Little, XcdrVersion::Xcdr1);
        writer.write_u8(1);
        writer.write_u64(2);
        assert_eq!(writer.position(), 16);
        let mut out = vec![];
        let mut writer = CdrWriter::new(&mut out, Endianness::Big, XcdrVersion::Xcdr2);
        writer.write_u8(1);
        writer.write_u64(2);
        assert_eq!(out, [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    }

    #[test]
    fn strings_carry_their_terminator() {
        let mut out = vec![];
        CdrWriter::new(&mut out, Endianness::Little, XcdrVersion::Xcdr1).write_str("ab");
        assert_eq!(out, [3, 0, 0, 0, b'a', b'b', 0]);
    }
}
