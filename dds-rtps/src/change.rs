//! One change of a writer's history (RTPS 2.5 §8.2.2 `CacheChange`).

use alloc::boxed::Box;

use crate::{
    message::InlineQosToSend,
    payload::Payload,
    structure::{Guid, KeyHash, SequenceNumber},
    time::Timestamp,
};

/// What a change does to its instance (RTPS 2.5 §8.2.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum ChangeKind {
    /// A new value.
    #[default]
    Alive,
    /// The instance is disposed of.
    NotAliveDisposed,
    /// The writer no longer updates the instance.
    NotAliveUnregistered,
    /// Both at once.
    NotAliveDisposedUnregistered,
}

impl ChangeKind {
    /// Whether the instance is disposed of.
    pub const fn is_disposed(self) -> bool {
        matches!(self, Self::NotAliveDisposed | Self::NotAliveDisposedUnregistered)
    }

    /// Whether the writer lets go of the instance.
    pub const fn is_unregistered(self) -> bool {
        matches!(self, Self::NotAliveUnregistered | Self::NotAliveDisposedUnregistered)
    }
}

/// One change of a writer's history.
#[derive(Clone, Debug, Default)]
pub struct CacheChange {
    /// What it does to its instance.
    pub kind: ChangeKind,
    /// Who wrote it.
    pub writer_guid: Guid,
    /// Its place in the writer's history.
    pub sequence_number: SequenceNumber,
    /// When it was written, by the writer's clock.
    pub source_timestamp: Option<Timestamp>,
    /// The digest of the key that came, or goes, with it.
    pub key_hash: Option<KeyHash>,
    /// The serialised value; the serialised key where `kind` is not [`ChangeKind::Alive`].
    /// Empty where only the key hash came.
    pub payload: Payload,
    /// Inline QoS beyond key hash and status; rare, hence boxed.
    pub inline_qos: Option<Box<InlineQosToSend>>,
    /// The only reader that is meant to get it; `None` for every matched one.
    pub destination: Option<Guid>,
}
