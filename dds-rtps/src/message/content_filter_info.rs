//! What a writer's filters said of a sample (RTPS 2.5 §9.6.4.1, `ContentFilterInfo_t`).

use alloc::vec::Vec;

use super::{SubmessageId, element::Cursor, inline_qos::put_parameter, pid};
use crate::discovery::FilterSignature;
use dds_types::cdr::Endianness;

/// The filters that a writer evaluated for a sample, and whether it passed each.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentFilterInfo(Vec<(FilterSignature, bool)>);

/// Results in one `long` of the bitmap, the first in its most significant bit.
const BITS: usize = 32;

impl ContentFilterInfo {
    /// Of these filters.
    pub fn new(results: impl IntoIterator<Item = (FilterSignature, bool)>) -> Self {
        Self(results.into_iter().collect())
    }

    /// Whether the sample passed the filter of this signature; `None` when it was not evaluated.
    pub fn result(&self, signature: &FilterSignature) -> Option<bool> {
        self.0.iter().find(|(known, _)| known == signature).map(|(_, passed)| *passed)
    }

    /// `None` when it is malformed.
    pub(super) fn read(value: &[u8], endianness: Endianness) -> Option<Self> {
        let mut cursor = Cursor::new(value, endianness, SubmessageId::DATA);
        let mut longs = cursor.clone();
        let count = cursor.u32().ok()? as usize;
        let bitmap = cursor.bytes(count.checked_mul(4)?).ok()?;
        longs.bytes(4).ok()?;
        let signatures = cursor.u32().ok()? as usize;
        if signatures.div_ceil(BITS) != count {
            return None;
        }
        let signatures = cursor.bytes(signatures.checked_mul(16)?).ok()?;
        let mut results = Vec::with_capacity(signatures.len() / 16);
        let mut signatures = signatures.chunks_exact(16);
        for _ in 0..bitmap.len() / 4 {
            let bits = longs.u32().ok()?;
            for (bit, signature) in (0..BITS as u32).zip(signatures.by_ref()) {
                let mut digest = [0; 16];
                digest.copy_from_slice(signature);
                results.push((FilterSignature(digest), bits.checked_shl(bit)? & (1 << 31) != 0));
            }
        }
        Some(Self(results))
    }

    /// Appends the parameter, little endian.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut value = Vec::with_capacity(self.value_size());
        let put =
            |number: usize, value: &mut Vec<u8>| value.extend_from_slice(&(number as u32).to_le_bytes());
        put(self.0.len().div_ceil(BITS), &mut value);
        for results in self.0.chunks(BITS) {
            let bits = results.iter().zip((0..BITS as u32).rev());
            let bits = bits.fold(0_u32, |bits, ((_, passed), bit)| {
                bits | u32::from(*passed).checked_shl(bit).unwrap_or(0)
            });
            value.extend_from_slice(&bits.to_le_bytes());
        }
        put(self.0.len(), &mut value);
        self.0.iter().for_each(|(signature, _)| value.extend_from_slice(&signature.0));
        put_parameter(pid::CONTENT_FILTER_INFO, &value, out);
    }

    /// Bytes of its value.
    pub(super) fn value_size(&self) -> usize {
        let longs = self.0.len().div_ceil(BITS).saturating_mul(4);
        self.0.len().saturating_mul(16).saturating_add(longs).saturating_add(8)
    }
}
