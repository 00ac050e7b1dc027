//! Instances by key.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::slab::Place;

/// Whether two keys are the same.
pub(super) fn is_same_key(one: &[u8], other: &[u8]) -> bool {
    // Without key there is nothing to compare; and where the processor has masked loads, comparing nothing
    // at an address that is not mapped, as empty slices have it, costs hundreds of cycles.
    one.len() == other.len() && (one.is_empty() || one == other)
}

/// Finds places by bytes that the caller keeps; seeded, so that peers cannot aim for collisions.
#[derive(Debug, Default)]
pub(super) struct KeyTable {
    seed: RandomState,
    /// The bytes' hash, kept so that growing the table needs none of the bytes.
    table: HashTable<(u64, Place)>,
}

impl KeyTable {
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        // The one instance of a type without key.
        if key.is_empty() { 0 } else { self.seed.hash_one(key) }
    }

    /// The place whose bytes hash to `hash` and that `is_it` accepts.
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(Place) -> bool) -> Option<Place> {
        self.table.find(hash, |(other, place)| *other == hash && is_it(*place)).map(|(_, place)| *place)
    }

    pub(super) fn insert(&mut self, hash: u64, place: Place) {
        self.table.insert_unique(hash, (hash, place), |(hash, _)| *hash);
    }

    pub(super) fn remove(&mut self, hash: u64, place: Place) {
        if let Ok(entry) = self.table.find_entry(hash, |(_, other)| *other == place) {
            entry.remove();
        }
    }
}
