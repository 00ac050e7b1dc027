//! Parts of a message that do not lie among its other bytes.

use alloc::vec::Vec;

/// Where a part of a message belongs, and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Part {
    /// Before which of the message's own bytes it belongs.
    pub at: u32,
    /// Its first byte among those that lie elsewhere.
    pub start: u32,
    /// How many bytes there are.
    pub length: u32,
}

/// What of a message lies elsewhere: payloads of DATA and DATA_FRAG, in the order of their submessages. The lengths of
/// submessages include them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Parts<'a> {
    /// The bytes that they are in.
    pub bytes: &'a [u8],
    /// Which of them are where.
    pub parts: &'a [Part],
}

impl<'a> Parts<'a> {
    /// The part of that number: where it belongs, and its bytes; none where it lies outside of them.
    pub(super) fn get(&self, number: usize) -> Option<(usize, &'a [u8])> {
        let part = self.parts.get(number)?;
        Some((part.at as usize, self.bytes_of(part).unwrap_or(&[])))
    }

    fn bytes_of(&self, part: &Part) -> Option<&'a [u8]> {
        self.bytes.get(part.start as usize..)?.get(..part.length as usize)
    }

    /// Writes the message in one piece to `whole`, which is cleared; false where they are no parts of it, or have more
    /// bytes in all than they lie in.
    pub fn assemble(&self, own: &[u8], whole: &mut Vec<u8>) -> bool {
        whole.clear();
        let most = own.len().saturating_add(self.bytes.len());
        let mut from = 0;
        for part in self.parts {
            let at = part.at as usize;
            let (Some(before), Some(bytes)) = (own.get(from..at), self.bytes_of(part)) else { return false };
            if whole.len().saturating_add(before.len()).saturating_add(bytes.len()) > most {
                return false;
            }
            whole.extend_from_slice(before);
            whole.extend_from_slice(bytes);
            from = at;
        }
        whole.extend_from_slice(own.get(from..).unwrap_or_default());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_put_together_from_its_parts_and_nonsense_is_refused() {
        let part = |at, start, length| Part { at, start, length };
        let mut whole = Vec::new();
        let mut assemble = |parts: &[Part]| {
            let parts = Parts { bytes: b"abcdef", parts };
            parts.assemble(b"1234", &mut whole).then(|| whole.clone())
        };
        assert_eq!(assemble(&[]).unwrap(), b"1234");
        assert_eq!(assemble(&[part(1, 0, 2), part(1, 4, 1), part(4, 2, 2)]).unwrap(), b"1abe234cd");
        // Backwards, past the message, past the bytes, more than there is.
        for parts in [
            &[part(2, 0, 1), part(1, 1, 1)][..],
            &[part(5, 0, 1)],
            &[part(0, 5, 2)],
            &[part(0, u32::MAX, u32::MAX)],
            &[part(0, 0, 6), part(1, 0, 6)],
        ] {
            assert_eq!(assemble(parts), None);
        }
    }
}
