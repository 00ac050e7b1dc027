//! Coherent sets in a writer's history (DDS 1.4 §2.2.3.6, RTPS 2.5 §8.7.6).
//!
//! A set is of use to a late joiner, or to a reader that lost a part of it, only as a whole. What
//! HISTORY KEEP_LAST replaces therefore stays while its set has a sample that is not replaced: the set
//! leaves the history as a whole. RESOURCE_LIMITS `max_samples` counts what stays, and takes it first.

use std::collections::{BTreeMap, BTreeSet};

use dds_rtps::{change::ChangeKind, structure::SequenceNumber};

use super::{OF_INSTANCE, Place, WriterCache};

/// The sets of one writer whose changes are not all forgotten.
#[derive(Debug, Default)]
pub(super) struct Sets {
    /// By the number of the first change; for a set without changes here, by the number of its end mark.
    known: BTreeMap<SequenceNumber, Set>,
    open: Option<Open>,
    /// Changes that were replaced and stay for the sake of their set.
    superseded: BTreeSet<SequenceNumber>,
    /// Changes given up for others, not told of yet.
    reclaimed: Vec<SequenceNumber>,
    /// Group numbers of sets of which nothing here is of use by itself any more.
    finished: Vec<SequenceNumber>,
}

/// The set that is being written, and its first change here.
#[derive(Clone, Copy, Debug)]
struct Open {
    first: Option<SequenceNumber>,
}

#[derive(Debug)]
struct Set {
    last: SequenceNumber,
    /// Changes of it in the history.
    held: usize,
    /// Those of them that were not replaced.
    live: usize,
    /// The change without data that ends it, once it has ended.
    end_mark: Option<SequenceNumber>,
    /// What names it in its publisher, with access scope GROUP.
    group: Option<SequenceNumber>,
}

impl Sets {
    fn set_of(&mut self, number: SequenceNumber) -> Option<(SequenceNumber, &mut Set)> {
        let (first, set) = self.known.range_mut(..=number).next_back()?;
        (number <= set.last).then_some((*first, set))
    }

    pub(super) fn appended(&mut self, number: SequenceNumber) {
        let Some(open) = &mut self.open else { return };
        let first = *open.first.get_or_insert(number);
        let new = Set { last: number, held: 0, live: 0, end_mark: None, group: None };
        let set = self.known.entry(first).or_insert(new);
        set.last = number;
        set.held += 1;
        set.live += 1;
    }

    /// A change left the history.
    pub(super) fn discarded(&mut self, number: SequenceNumber) {
        let replaced = self.superseded.remove(&number);
        if let Some((_, set)) = self.set_of(number) {
            set.held -= 1;
            set.live -= usize::from(!replaced);
        }
    }
}

impl WriterCache {
    /// From now on sets can be written.
    pub fn enable_sets(&mut self) {
        self.link_recent();
        self.sets = Some(Box::default());
    }

    /// Whether sets can be written.
    pub fn writes_sets(&self) -> bool {
        self.sets.is_some()
    }

    /// With the sets of a history in which nothing was written yet.
    #[must_use]
    pub fn with_sets_of(mut self, other: &mut Self) -> Self {
        self.link_recent();
        self.sets = other.sets.take();
        self
    }

    /// What is written from now on is one set, until [`WriterCache::end_set`].
    pub fn begin_set(&mut self) {
        if let Some(sets) = &mut self.sets {
            sets.open = Some(Open { first: None });
        }
    }

    /// What names the open set: the number of its first change, which is `next` where there is none
    /// yet. `None` when no set is open.
    pub fn open_set(&self, next: SequenceNumber) -> Option<SequenceNumber> {
        Some(self.sets.as_ref()?.open?.first.unwrap_or(next))
    }

    /// Whether the open set has a change of this writer.
    pub fn open_set_has_changes(&self) -> bool {
        self.sets.as_ref().and_then(|sets| sets.open).is_some_and(|open| open.first.is_some())
    }

    /// Ends the open set, if there is one. `end_mark` is the number of the change that says so, if one
    /// does; `group` names the set in its publisher.
    pub fn end_set(&mut self, end_mark: Option<SequenceNumber>, group: Option<SequenceNumber>) {
        let Some(sets) = &mut self.sets else { return };
        let Some(open) = sets.open.take() else { return };
        let Some(first) = open.first.or(end_mark) else { return };
        let empty = Set { last: first.previous(), held: 0, live: 0, end_mark, group };
        let set = sets.known.entry(first).or_insert(empty);
        set.end_mark = end_mark;
        set.group = group;
    }

    /// Takes the group numbers of the sets of which nothing that this writer wrote is of use by itself.
    pub fn take_finished_sets(&mut self) -> Vec<SequenceNumber> {
        self.sets.as_mut().map(|sets| std::mem::take(&mut sets.finished)).unwrap_or_default()
    }

    /// Appends all that is held of the sets that these group numbers name, which leaves the history.
    pub fn forget_sets(&mut self, groups: &[SequenceNumber], released: &mut impl Extend<SequenceNumber>) {
        let Some(sets) = &self.sets else { return };
        let named = |set: &Set| set.group.is_some_and(|group| groups.contains(&group));
        let over: Vec<_> = sets.known.iter().filter(|(_, set)| named(set)).map(|(first, _)| *first).collect();
        for first in over {
            self.forget_set(first, released);
        }
    }

    /// Appends the end marks that everybody has and whose sets have left the history.
    pub(super) fn release_end_marks(
        &mut self,
        acknowledged: SequenceNumber,
        released: &mut impl Extend<SequenceNumber>,
    ) {
        let Some(sets) = &mut self.sets else { return };
        sets.known.retain(|_, set| {
            let over = set.held == 0 && set.end_mark.is_some_and(|mark| mark <= acknowledged);
            if over {
                released.extend(set.end_mark);
            }
            !over
        });
    }

    /// A newer change takes the place of one: it leaves the history, or stays for the sake of its set.
    pub(super) fn replace(&mut self, place: Place, evict: &mut impl Extend<SequenceNumber>) {
        let number = self.changes[place].number;
        let Some(set) = self.sets.as_mut().and_then(|sets| sets.set_of(number)) else {
            evict.extend([self.discard(place)]);
            return;
        };
        let first = set.0;
        set.1.live -= 1;
        self.unlink_from_instance(place);
        if let Some(sets) = &mut self.sets {
            sets.superseded.insert(number);
        }
        self.finish_set(first, evict);
    }

    /// Where nothing of a set is of use by itself any more, it leaves the history.
    pub(super) fn finish_set(&mut self, first: SequenceNumber, evict: &mut impl Extend<SequenceNumber>) {
        let Some(sets) = &mut self.sets else { return };
        let Some(set) = sets.known.get(&first).filter(|set| set.live == 0) else { return };
        match (set.group, set.end_mark) {
            // The other writers of the publisher may have more of it.
            (Some(group), _) => sets.finished.push(group),
            (None, Some(_)) => self.forget_set(first, evict),
            // It is open.
            (None, None) => {}
        }
    }

    /// The set of a change, if it is in one.
    pub(super) fn set_of(&mut self, number: SequenceNumber) -> Option<SequenceNumber> {
        self.sets.as_mut()?.set_of(number).map(|(first, _)| first)
    }

    fn forget_set(&mut self, first: SequenceNumber, evict: &mut impl Extend<SequenceNumber>) {
        let Some(sets) = &mut self.sets else { return };
        let Some(set) = sets.known.get(&first) else { return };
        let (last, end_mark) = (set.last, set.end_mark);
        let members: Vec<_> = sets.superseded.range(first..=last.max(first)).copied().collect();
        for number in members {
            if let Some(place) = self.by_number.get(&number).copied() {
                evict.extend([self.discard(place)]);
            }
        }
        if let Some(sets) = &mut self.sets {
            sets.known.remove(&first);
        }
        evict.extend(end_mark);
    }

    /// Where `max_samples` is reached, gives up what stays only for the sake of its set.
    pub(super) fn reclaim(&mut self) {
        while self.valid_changes >= self.settings.limits.max_samples {
            let oldest = self.sets.as_ref().and_then(|sets| sets.superseded.first().copied());
            let Some(place) = oldest.and_then(|number| self.by_number.get(&number).copied()) else { return };
            let number = self.discard(place);
            if let Some(sets) = &mut self.sets {
                sets.reclaimed.push(number);
            }
        }
    }

    /// Appends what was given up for others.
    pub(super) fn take_reclaimed(&mut self, evict: &mut impl Extend<SequenceNumber>) {
        if let Some(sets) = &mut self.sets {
            evict.extend(sets.reclaimed.drain(..));
        }
    }

    /// Takes a change out of its instance; it stays in the history.
    #[inline]
    pub(super) fn unlink_from_instance(&mut self, place: Place) {
        let Self { changes, instances, .. } = self;
        let change = &changes[place];
        if !change.links[OF_INSTANCE].is_linked() {
            return;
        }
        let instance = &mut instances[change.instance];
        instance.valid -= usize::from(change.kind == ChangeKind::Alive);
        instance.changes.remove(changes, place);
    }
}
