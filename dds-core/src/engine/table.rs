//! Which endpoints exist, and who is matched with whom.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use dds_rtps::{
    reader::{Defragmenter, DefragmenterLimits},
    structure::{EntityId, Guid, GuidPrefix},
    time::Monotonic,
};
use hashbrown::HashMap;
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::{ReaderEndpoint, WriterEndpoint};

/// A remote participant with matched endpoints.
#[derive(Debug)]
pub(crate) struct Remote {
    last_heard: AtomicU64,
    pub(crate) defragmenter: Mutex<Defragmenter>,
}

impl Remote {
    /// When something of it came last; zero for never.
    pub(crate) fn last_heard(&self) -> Monotonic {
        Monotonic::from_nanos(self.last_heard.load(Ordering::Relaxed))
    }

    pub(crate) fn note_traffic(&self, now: Monotonic) {
        self.last_heard.store(now.as_nanos(), Ordering::Relaxed);
    }
}

/// The endpoints of one participant and their matches.
#[derive(Default)]
pub(crate) struct EndpointTable {
    writers: HashMap<EntityId, Arc<WriterEndpoint>>,
    readers: HashMap<EntityId, Arc<ReaderEndpoint>>,
    /// The matched readers of each remote writer.
    routes: HashMap<Guid, SmallVec<[Arc<ReaderEndpoint>; 2]>>,
    /// Remote participants, and how many matches keep each entry.
    remotes: HashMap<GuidPrefix, (Arc<Remote>, usize)>,
}

impl EndpointTable {
    pub(crate) fn writer(&self, entity_id: EntityId) -> Option<Arc<WriterEndpoint>> {
        self.writers.get(&entity_id).cloned()
    }

    pub(crate) fn reader(&self, entity_id: EntityId) -> Option<Arc<ReaderEndpoint>> {
        self.readers.get(&entity_id).cloned()
    }

    pub(crate) fn add_writer(&mut self, writer: Arc<WriterEndpoint>) {
        self.writers.insert(writer.guid.entity_id, writer);
    }

    pub(crate) fn add_reader(&mut self, reader: Arc<ReaderEndpoint>) {
        self.readers.insert(reader.guid.entity_id, reader);
    }

    pub(crate) fn remove_writer(&mut self, entity_id: EntityId) {
        self.writers.remove(&entity_id);
    }

    pub(crate) fn remove_reader(&mut self, entity_id: EntityId) {
        self.readers.remove(&entity_id);
    }

    /// The readers matched with `writer`, or the one of them that `reader_id` names.
    pub(crate) fn readers_of(&self, writer: Guid, reader_id: EntityId) -> SmallVec<[Arc<ReaderEndpoint>; 2]> {
        let Some(readers) = self.routes.get(&writer) else { return SmallVec::new() };
        let named = |reader: &&Arc<ReaderEndpoint>| {
            reader_id == EntityId::UNKNOWN || reader.guid.entity_id == reader_id
        };
        readers.iter().filter(named).cloned().collect()
    }

    pub(crate) fn add_route(&mut self, writer: Guid, reader: &Arc<ReaderEndpoint>) {
        let readers = self.routes.entry(writer).or_default();
        if !readers.iter().any(|known| known.guid == reader.guid) {
            readers.push(reader.clone());
        }
    }

    pub(crate) fn remove_route(&mut self, writer: Guid, reader: Guid) {
        let Some(readers) = self.routes.get_mut(&writer) else { return };
        readers.retain(|known| known.guid != reader);
        if readers.is_empty() {
            self.routes.remove(&writer);
        }
    }

    pub(crate) fn remote(&self, prefix: GuidPrefix) -> Option<Arc<Remote>> {
        self.remotes.get(&prefix).map(|(remote, _)| remote.clone())
    }

    /// When each remote participant was last heard of.
    pub(crate) fn remotes_heard(&self) -> Vec<(GuidPrefix, Monotonic)> {
        let mut all: Vec<_> =
            self.remotes.iter().map(|(prefix, (remote, _))| (*prefix, remote.last_heard())).collect();
        // In the same order in every process, so that equal inputs have equal effects.
        all.sort_unstable();
        all
    }

    /// Notes one more match with an endpoint of `prefix`.
    pub(crate) fn retain_remote(&mut self, prefix: GuidPrefix, limits: DefragmenterLimits) {
        let entry = self.remotes.entry(prefix).or_insert_with(|| {
            let remote =
                Remote { last_heard: AtomicU64::new(0), defragmenter: Mutex::new(Defragmenter::new(limits)) };
            (Arc::new(remote), 0)
        });
        entry.1 += 1;
    }

    /// Notes one match less.
    pub(crate) fn release_remote(&mut self, prefix: GuidPrefix) {
        if let Some((_, users)) = self.remotes.get_mut(&prefix) {
            *users -= 1;
            if *users == 0 {
                self.remotes.remove(&prefix);
            }
        }
    }
}
