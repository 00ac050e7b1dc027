//! One change of a writer's history (RTPS 2.5 §8.2.2 `CacheChange`).

use alloc::{boxed::Box, collections::BTreeSet, sync::Arc};

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

/// Which of a writer's matched readers a change is for: every one, unless it says otherwise. The others
/// get a GAP in its place.
///
/// Rarely anything but all of them, hence small.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Audience(Option<Box<Selection>>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Selection {
    Only(Guid),
    AllBut(Arc<BTreeSet<Guid>>),
}

impl Audience {
    /// Every reader.
    pub const ALL: Self = Self(None);

    /// This one alone (RTPS 2.5 §8.7.4).
    pub fn only(reader: Guid) -> Self {
        Self(Some(Box::new(Selection::Only(reader))))
    }

    /// Every one but these, which have it from elsewhere.
    pub fn all_but(readers: Arc<BTreeSet<Guid>>) -> Self {
        Self(Some(Box::new(Selection::AllBut(readers))))
    }

    /// Whether it is every reader there may be.
    pub const fn is_all(&self) -> bool {
        self.0.is_none()
    }

    /// Whether `reader` is to get the change.
    pub fn includes(&self, reader: Guid) -> bool {
        match self.0.as_deref() {
            None => true,
            Some(Selection::Only(only)) => *only == reader,
            Some(Selection::AllBut(others)) => !others.contains(&reader),
        }
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
    /// Who is meant to get it.
    pub audience: Audience,
}

impl CacheChange {
    /// Who first wrote it, and its number there: what PID_ORIGINAL_WRITER_INFO says, where somebody passed
    /// it on.
    pub fn identity(&self) -> (Guid, SequenceNumber) {
        match self.inline_qos.as_ref().and_then(|inline| inline.original_writer_info) {
            Some(original) => (original.writer_guid, original.sequence_number),
            None => (self.writer_guid, self.sequence_number),
        }
    }
}
