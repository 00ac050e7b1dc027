//! One number for everything that was delivered.

/// A running hash: equal only when the same values were added in the same order. Fast rather than
/// hard to forge, and the same on every machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TraceHash(u64);

impl Default for TraceHash {
    fn default() -> Self {
        Self(0x243f_6a88_85a3_08d3)
    }
}

impl TraceHash {
    pub(crate) fn add(&mut self, value: u64) {
        // Each step can be undone for a known value, so that a single difference never gets lost.
        let mixed = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }

    pub(crate) fn add_bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.add(u64::from_le_bytes(last));
        self.add(bytes.len() as u64);
    }

    pub(crate) fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(parts: &[&[u8]]) -> u64 {
        let mut hash = TraceHash::default();
        parts.iter().for_each(|part| hash.add_bytes(part));
        hash.value()
    }

    #[test]
    fn order_boundaries_and_every_bit_count() {
        let bytes: Vec<u8> = (0..40).collect();
        let whole = hash(&[&bytes]);
        assert_eq!(whole, hash(&[&bytes]));
        assert_ne!(whole, hash(&[&bytes[..20], &bytes[20..]]));
        assert_ne!(hash(&[b"a", b"b"]), hash(&[b"b", b"a"]));
        assert_ne!(hash(&[b"a"]), hash(&[b"a\0"]));
        for bit in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(whole, hash(&[&other]), "bit {bit}");
        }
    }
}
