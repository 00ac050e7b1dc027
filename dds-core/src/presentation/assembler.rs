//! The coherent sets of each writer of one reader.

use std::collections::BTreeSet;

use dds_rtps::{
    change::CacheChange,
    structure::{Guid, SequenceNumber},
};
use hashbrown::HashMap;

use super::{HELD_BYTES, HELD_SAMPLES, is_end_mark};

/// Which sets a change can belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Scope {
    /// One for each writer (access scope INSTANCE or TOPIC).
    Writer,
    /// One for each publisher.
    Group,
}

/// Puts the changes of each writer together to sets.
///
/// For each change, in the order of its writer: [`ends`](Self::ends) says whether a set is over by it,
/// and [`close`](Self::close) gives that set up; then [`enter`](Self::enter) says what to do with the
/// change itself.
#[derive(Debug)]
pub(crate) struct Assembler {
    scope: Scope,
    coherent: bool,
    writers: HashMap<Guid, Writer>,
    samples: usize,
    bytes: usize,
}

/// What passed of one writer.
#[derive(Debug, Default)]
struct Writer {
    /// The last number that passed.
    previous: SequenceNumber,
    /// Later numbers, and some of the set, that are not meant for this reader, and hence not missing.
    excused: BTreeSet<SequenceNumber>,
    open: Option<OpenSet>,
}

#[derive(Debug)]
struct OpenSet {
    /// What names the set: the number of the writer's, or of the publisher's, first change in it.
    name: SequenceNumber,
    changes: Vec<CacheChange>,
    bytes: usize,
    /// A part is missing, or too much of it would have to be kept.
    broken: bool,
    /// Changes that arrived and were not kept.
    dropped: usize,
}

/// A set, or a writer's part of one, that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    /// Its changes, if it is whole.
    pub(crate) changes: &'a [CacheChange],
    /// Whether nothing of it is missing.
    pub(crate) is_whole: bool,
}

/// What to do with a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Entry {
    /// It stands for itself.
    Single,
    /// It was kept, for its set is not over.
    Held,
    /// It carried no more than the end of a set.
    Mark {
        /// Whether every change of the writer before it passed here.
        is_gapless: bool,
    },
}

/// Numbers kept of what is not meant for a reader.
const EXCUSED_KEPT: usize = 65_536;

impl Assembler {
    /// For sets of single writers.
    pub(crate) fn of_writers() -> Self {
        Self { scope: Scope::Writer, coherent: true, writers: HashMap::new(), samples: 0, bytes: 0 }
    }

    /// For sets of publishers; `coherent` says whether there are any.
    pub(crate) fn of_groups(coherent: bool) -> Self {
        Self { scope: Scope::Group, coherent, writers: HashMap::new(), samples: 0, bytes: 0 }
    }

    /// Whether sets are those of publishers.
    pub(crate) fn is_group(&self) -> bool {
        self.scope == Scope::Group
    }

    /// Whether there are sets at all.
    pub(crate) fn is_coherent(&self) -> bool {
        self.coherent
    }

    fn set_of(&self, change: &CacheChange) -> Option<SequenceNumber> {
        if !self.coherent || is_end_mark(change) {
            return None;
        }
        let marks = change.inline_qos.as_ref()?;
        let name = match self.scope {
            Scope::Writer => marks.coherent_set,
            Scope::Group => marks.group_coherent_set,
        };
        name.filter(|name| name.is_valid())
    }

    /// The writer's set that is over, since `change` is not in it.
    pub(crate) fn ends(&self, change: &CacheChange) -> Option<Ended<'_>> {
        let name = self.set_of(change);
        let writer = self.writers.get(&change.writer_guid)?;
        let open = writer.open.as_ref().filter(|open| name != Some(open.name))?;
        let is_whole = !open.broken && writer.is_gapless(change.sequence_number);
        Some(Ended { changes: &open.changes, is_whole })
    }

    /// Gives up the open set of a writer: its name, its changes, and how many more arrived.
    pub(crate) fn close(&mut self, writer: Guid) -> Option<(SequenceNumber, Vec<CacheChange>, usize)> {
        let open = self.writers.get_mut(&writer)?.open.take()?;
        self.samples -= open.changes.len();
        self.bytes -= open.bytes;
        Some((open.name, open.changes, open.dropped))
    }

    /// Takes note of a change; the set before it, if it ends one, has been closed.
    pub(crate) fn enter(&mut self, change: &CacheChange) -> Entry {
        let name = self.set_of(change);
        let number = change.sequence_number;
        let scope = self.scope;
        let writer = self.writers.entry(change.writer_guid).or_default();
        let is_gapless = writer.is_gapless(number);
        let starts = writer.starts(scope, change);
        writer.pass(number);
        let Some(name) = name else {
            return if is_end_mark(change) { Entry::Mark { is_gapless } } else { Entry::Single };
        };
        let open = writer.open.get_or_insert_with(|| OpenSet {
            name,
            changes: Vec::new(),
            bytes: 0,
            // The first one that passed must be the first one there is: what lies before is not for us,
            // or never came.
            broken: !starts,
            dropped: 0,
        });
        // The first change of a set may follow a gap that is not the set's.
        open.broken |= !is_gapless && !open.changes.is_empty();
        if open.broken {
            open.dropped += 1 + open.changes.len();
            self.samples -= open.changes.len();
            self.bytes -= std::mem::take(&mut open.bytes);
            open.changes = Vec::new();
            return Entry::Held;
        }
        open.changes.push(change.clone());
        open.bytes += change.payload.retained();
        self.samples += 1;
        self.bytes += change.payload.retained();
        self.shrink();
        Entry::Held
    }

    /// A number is not meant for this reader: nothing is missing where it is.
    pub(crate) fn excuse(&mut self, writer: Guid, number: SequenceNumber) {
        let writer = self.writers.entry(writer).or_default();
        if number > writer.previous && writer.excused.len() < EXCUSED_KEPT {
            writer.excused.insert(number);
        }
    }

    /// The writer is gone; how many changes of a set that never ended are lost, and what named it.
    pub(crate) fn forget(&mut self, writer: Guid) -> Option<(SequenceNumber, usize)> {
        let open = self.close(writer);
        self.writers.remove(&writer);
        open.map(|(name, changes, dropped)| (name, changes.len() + dropped))
    }

    /// Bytes of all open sets.
    #[cfg(test)]
    pub(crate) fn held_bytes(&self) -> usize {
        self.bytes
    }

    /// Above the bounds the largest set is given up: whoever takes more than its share loses its own.
    fn shrink(&mut self) {
        while self.samples > HELD_SAMPLES || self.bytes > SET_BYTES {
            let sets = self.writers.values_mut().filter_map(|writer| writer.open.as_mut());
            let Some(largest) = sets.max_by_key(|set| (set.bytes, set.changes.len())) else { return };
            largest.broken = true;
            largest.dropped += largest.changes.len();
            self.samples -= largest.changes.len();
            self.bytes -= std::mem::take(&mut largest.bytes);
            largest.changes = Vec::new();
        }
    }
}

/// Bytes of all open sets of a reader: sets are as large as applications make them.
const SET_BYTES: usize = 8 * HELD_BYTES;

impl Writer {
    /// Whether everything between what passed and `number` is excused.
    fn is_gapless(&self, number: SequenceNumber) -> bool {
        let Some(between) = number.offset_from(self.previous.next()) else { return false };
        between == 0 || self.excused.range(..number).count() as u64 == between
    }

    /// Whether a change is the first of its set that is for us: its number is the one that names the set
    /// within its writer, or all between the two is excused.
    fn starts(&self, scope: Scope, change: &CacheChange) -> bool {
        let Some(marks) = &change.inline_qos else { return false };
        let first = match (scope, marks.coherent_set) {
            (_, Some(first)) => first,
            (Scope::Group, None) => change.sequence_number,
            (Scope::Writer, None) => return false,
        };
        let Some(before) = change.sequence_number.offset_from(first) else { return false };
        before == 0 || self.excused.range(first..change.sequence_number).count() as u64 == before
    }

    fn pass(&mut self, number: SequenceNumber) {
        self.previous = self.previous.max(number);
        while self.excused.first().is_some_and(|excused| *excused <= self.previous) {
            self.excused.pop_first();
        }
    }
}
