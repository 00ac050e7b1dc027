//! Key hashes.

use md5::{Digest, Md5};

/// The 16 bytes of PID_KEY_HASH (RTPS 2.5 §9.6.4.8).
pub type KeyHash = [u8; 16];

/// The key hash of a canonical (big-endian XCDR2) key.
///
/// It is the key itself, zero padded, when the *type's* largest key fits 16 bytes, however short
/// this key is; otherwise its MD5.
pub fn key_hash(canonical: &[u8], max_key_size: Option<usize>) -> KeyHash {
    let mut hash = [0; 16];
    if max_key_size.is_some_and(|size| size <= hash.len())
        && let Some(room) = hash.get_mut(..canonical.len())
    {
        room.copy_from_slice(canonical);
        return hash;
    }
    hash.copy_from_slice(&Md5::digest(canonical));
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_types_maximum_decides() {
        let short = [0, 0, 0, 5];
        assert_eq!(key_hash(&short, Some(4))[..4], short);
        assert_eq!(key_hash(&short, Some(4))[4..], [0; 12]);
        assert_ne!(key_hash(&short, Some(17))[..4], short);
        assert_eq!(key_hash(b"", None)[..4], [0xd4, 0x1d, 0x8c, 0xd9]);
    }
}
