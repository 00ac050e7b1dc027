//! One stored change, and its bytes on disk.

use dds_core::rtps::{
    change::ChangeKind,
    payload::Payload,
    structure::{Guid, KeyHash, SequenceNumber},
    time::Timestamp,
};

/// Names an instance within its channel: the digest of its key; zeros where there is no key.
pub(crate) type InstanceId = [u8; 16];

/// One stored change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    /// A value, or a disposal; unregistrations are not stored.
    pub(crate) kind: ChangeKind,
    pub(crate) instance: InstanceId,
    /// As it came; for keyless topics there is none.
    pub(crate) key_hash: Option<KeyHash>,
    /// When it was written, by its writer's clock.
    pub(crate) source_timestamp: Timestamp,
    /// Who first wrote it.
    pub(crate) writer: Guid,
    /// Its number there.
    pub(crate) number: SequenceNumber,
    /// When its LIFESPAN ends, by the wall clock.
    pub(crate) expiry: Timestamp,
    pub(crate) payload: Payload,
}

const FORMAT: u8 = 1;
const HAS_KEY_HASH: u8 = 1;
const DISPOSED: u8 = 2;
const HEAD: usize = 2 + 16 + 16 + 8 + 16 + 8 + 8;

impl Record {
    /// Memory that it takes, roughly: the payload and what stands beside it in the archive, the writer's
    /// history and the indices.
    pub(crate) fn size(&self) -> usize {
        self.payload.retained().saturating_add(512)
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD + self.payload.len());
        let disposed = if self.kind == ChangeKind::Alive { 0 } else { DISPOSED };
        bytes.push(FORMAT);
        bytes.push(disposed | if self.key_hash.is_some() { HAS_KEY_HASH } else { 0 });
        bytes.extend_from_slice(&self.instance);
        bytes.extend_from_slice(&self.key_hash.unwrap_or(KeyHash([0; 16])).0);
        bytes.extend_from_slice(&self.source_timestamp.as_nanos().to_le_bytes());
        bytes.extend_from_slice(&self.writer.to_bytes());
        bytes.extend_from_slice(&self.number.0.to_le_bytes());
        bytes.extend_from_slice(&self.expiry.as_nanos().to_le_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// `None` for bytes that no version of the service wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let [format, flags] = take(&mut rest)?;
        if format != FORMAT || flags & !(HAS_KEY_HASH | DISPOSED) != 0 {
            return None;
        }
        let instance = take(&mut rest)?;
        let key_hash = KeyHash(take(&mut rest)?);
        Some(Self {
            kind: if flags & DISPOSED == 0 { ChangeKind::Alive } else { ChangeKind::NotAliveDisposed },
            instance,
            key_hash: (flags & HAS_KEY_HASH != 0).then_some(key_hash),
            source_timestamp: Timestamp::from_nanos(u64::from_le_bytes(take(&mut rest)?)),
            writer: Guid::from_bytes(take(&mut rest)?),
            number: SequenceNumber(i64::from_le_bytes(take(&mut rest)?)),
            expiry: Timestamp::from_nanos(u64::from_le_bytes(take(&mut rest)?)),
            payload: Payload::from(rest),
        })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_back_and_foreign_ones_refused() {
        for key_hash in [None, Some(KeyHash([3; 16]))] {
            let record = Record {
                kind: ChangeKind::NotAliveDisposed,
                instance: [7; 16],
                key_hash,
                source_timestamp: Timestamp::from_nanos(5),
                writer: Guid::from_bytes([9; 16]),
                number: SequenceNumber(-4),
                expiry: Timestamp::MAX,
                payload: Payload::from(vec![0, 1, 0, 0, 8]),
            };
            let bytes = record.to_bytes();
            assert_eq!(Record::from_bytes(&bytes), Some(record));
            for length in 0..HEAD {
                assert_eq!(Record::from_bytes(&bytes[..length]), None);
            }
            assert_eq!(Record::from_bytes(&[&[2], &bytes[1..]].concat()), None, "another format");
        }
    }
}
