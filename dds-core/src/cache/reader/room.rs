//! Whether a whole coherent set finds room.

use dds_rtps::change::{CacheChange, ChangeKind};
use dds_types::PayloadKind;
use hashbrown::HashMap;

use super::{ReaderCache, Retry};
use crate::{instance::InstanceHandle, status::SampleRejectedReason};

/// Whether several changes find room together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Room {
    /// They do now.
    Now,
    /// They may when others have been taken.
    Later,
    /// They exceed RESOURCE_LIMITS by themselves.
    Never {
        /// The limit.
        reason: SampleRejectedReason,
        /// The instance that exceeds it, where it is one's.
        instance: InstanceHandle,
    },
}

/// What the set does to one instance.
#[derive(Default)]
struct Share {
    handle: InstanceHandle,
    /// Samples with data before, and in the set.
    held: usize,
    added: usize,
    is_new: bool,
}

impl ReaderCache {
    /// Whether `changes`, offered one after the other, would all find room under RESOURCE_LIMITS
    /// (DDS 1.4 §2.2.3.19). What other policies will drop of them is counted as well. After
    /// [`Room::Later`], [`ReaderCache::wants_retry`] tells when to ask again.
    pub fn room_for<'c>(&mut self, changes: impl Iterator<Item = &'c CacheChange>) -> Room {
        let limits = self.settings.limits;
        let unlimited = [limits.max_samples, limits.max_instances, limits.max_samples_per_instance];
        if unlimited == [usize::MAX; 3] {
            return Room::Now;
        }
        let mut shares: HashMap<Vec<u8>, Share> = HashMap::new();
        for change in changes {
            let Some(key) = self.key_of(change) else { continue };
            let share = match shares.get_mut(&key) {
                Some(share) => share,
                None => {
                    let known = self.find_by_key(self.by_key.hash(&key), &key);
                    let share = match known.map(|place| &self.instances[place]) {
                        Some(known) => {
                            Share { handle: known.handle, held: known.valid, added: 0, is_new: false }
                        }
                        None => Share { is_new: true, ..Share::default() },
                    };
                    shares.entry(key).or_insert(share)
                }
            };
            share.added += usize::from(change.kind == ChangeKind::Alive);
        }
        let depth = limits.keep_last.unwrap_or(usize::MAX);
        let per_instance =
            if limits.keep_last.is_some() { usize::MAX } else { limits.max_samples_per_instance };
        let total: usize = shares.values().map(|share| share.added.min(depth)).sum();
        let never = |reason, instance| Room::Never { reason, instance };
        if let Some(share) = shares.values().find(|share| share.added.min(depth) > per_instance) {
            return never(SampleRejectedReason::SamplesPerInstanceLimit, share.handle);
        }
        if total > limits.max_samples {
            return never(SampleRejectedReason::SamplesLimit, InstanceHandle::NIL);
        }
        if shares.len() > limits.max_instances {
            return never(SampleRejectedReason::InstancesLimit, InstanceHandle::NIL);
        }
        let more = |share: &Share| (share.held + share.added).min(depth.max(share.held)) - share.held;
        let fits = self.valid_samples + shares.values().map(more).sum::<usize>() <= limits.max_samples
            && self.instances.len() + shares.values().filter(|share| share.is_new).count()
                <= limits.max_instances
            && shares.values().all(|share| share.held + share.added <= per_instance);
        if fits {
            return Room::Now;
        }
        self.retry = Retry::WaitsForRoom;
        Room::Later
    }

    /// The canonical key of a change, if it has one that can be read.
    fn key_of(&self, change: &CacheChange) -> Option<Vec<u8>> {
        let mut key = Vec::new();
        if !self.type_support.has_key {
            return Some(key);
        }
        let kind = match change.kind {
            ChangeKind::Alive => PayloadKind::Data,
            _ if change.payload.is_empty() => return None,
            _ => PayloadKind::Key,
        };
        (self.type_support.canonical_key_of)(&change.payload, kind, &mut key).ok()?;
        Some(key)
    }
}
