//! Samples out: which ones, in which order, and what is said of each.

use std::cmp::Ordering;

use dds_rtps::payload::Payload;

use super::{ReaderCache, StateCounts, entries::OF_INSTANCE};
use crate::{
    cache::slab::{self, List, NOWHERE, Place},
    instance::InstanceHandle,
    sample::{DataState, SampleInfo, SampleState, ViewState},
};

/// A sample as the cache hands it out.
#[derive(Clone, PartialEq, Debug)]
pub struct CachedSample {
    /// What is known about it.
    pub info: SampleInfo,
    /// The serialised data, or the canonical key of the instance whose state changed.
    pub payload: Payload,
    /// Which of both.
    pub content: Content,
}

/// What the payload of a [`CachedSample`] is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Content {
    /// A serialised sample with its encapsulation header.
    Data,
    /// The canonical key of the instance, without header; empty for a type without key.
    CanonicalKey,
}

/// In which order samples of several instances are returned (DDS 1.4 §2.2.2.5.3.8).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CollectionOrder {
    /// Samples of an instance together, instances by their oldest sample: PRESENTATION scope INSTANCE,
    /// or without `ordered_access`.
    #[default]
    ByInstance,
    /// As they arrived: PRESENTATION scope TOPIC with `ordered_access`.
    ByArrival,
}

/// The instances whose samples are wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum InstanceSelector {
    /// All of them.
    #[default]
    All,
    /// One (`read_instance`).
    This(InstanceHandle),
    /// The one with the smallest larger handle that has wanted samples (`read_next_instance`);
    /// [`InstanceHandle::NIL`] starts.
    Next(InstanceHandle),
}

/// Accepts or refuses a sample by its contents.
pub type SamplePredicate<'p> = dyn Fn(&[u8], Content) -> bool + 'p;

/// Which of two serialised samples comes first.
pub type SampleOrder<'p> = dyn Fn(&[u8], &[u8]) -> Ordering + 'p;

/// Which samples are wanted.
pub struct Selector<'p> {
    /// Of which instances.
    pub instance: InstanceSelector,
    /// In which states.
    pub states: DataState,
    /// How many at most.
    pub max_samples: usize,
    /// Only those that it accepts (`read_w_condition` with a QueryCondition). It runs under the
    /// reader's lock and must not use the API.
    pub predicate: Option<&'p SamplePredicate<'p>>,
    /// In this order, of which `max_samples` are the first (ORDER BY of a query). As `predicate`, it must
    /// not use the API.
    pub order: Option<&'p SampleOrder<'p>>,
}

impl Default for Selector<'_> {
    /// Every sample.
    fn default() -> Self {
        Self {
            instance: InstanceSelector::All,
            states: DataState::ANY,
            max_samples: usize::MAX,
            predicate: None,
            order: None,
        }
    }
}

impl Selector<'_> {
    fn only_unread(&self) -> bool {
        !self.states.sample_states.contains(SampleState::Read)
    }
}

/// Whether samples stay.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Take,
}

impl ReaderCache {
    /// Appends the wanted samples, which stay and are READ from now on (DDS 1.4 §2.2.2.5.3.8). How
    /// many; 0 stands for `NO_DATA`, and for an instance that is not known.
    ///
    /// Call [`ReaderCache::expire`] first when [`ReaderCache::next_timeout`] has passed.
    pub fn read(&mut self, selector: &Selector<'_>, out: &mut Vec<CachedSample>) -> usize {
        self.access(selector, Access::Read, out)
    }

    /// Appends the wanted samples and removes them (DDS 1.4 §2.2.2.5.3.9). As [`ReaderCache::read`]
    /// otherwise.
    pub fn take(&mut self, selector: &Selector<'_>, out: &mut Vec<CachedSample>) -> usize {
        self.access(selector, Access::Take, out)
    }

    /// Whether `instance` is known: what tells `NO_DATA` from `BAD_PARAMETER`.
    pub fn is_known(&self, instance: InstanceHandle) -> bool {
        self.by_handle.find(instance).is_some()
    }

    /// Whether `selector` would find something; O(1) without predicate over all instances.
    pub fn has_match(&mut self, selector: &Selector<'_>) -> bool {
        if selector.predicate.is_none() && selector.instance == InstanceSelector::All {
            return self.has_data(selector.states);
        }
        self.link_fresh();
        let first_only = Selector { max_samples: 1, ..*selector };
        self.pick(&first_only);
        let found = !self.scratch_picked.is_empty();
        self.clear_scratch();
        found
    }

    fn access(&mut self, selector: &Selector<'_>, access: Access, out: &mut Vec<CachedSample>) -> usize {
        if access == Access::Take && self.takes_fresh(selector) {
            return self.take_fresh(selector.max_samples, out);
        }
        self.link_fresh();
        if access == Access::Take && self.takes_all_of_one(selector) {
            return self.take_all_of_one(out);
        }
        self.pick(selector);
        let start = out.len();
        let picked = std::mem::take(&mut self.scratch_picked);
        out.reserve(picked.len());
        for place in &picked {
            let info = self.describe(*place);
            let sample = &self.samples[*place].sample;
            out.push(CachedSample { info, payload: sample.payload.clone(), content: sample.content });
        }
        if selector.order.is_some() {
            self.find_latest(&picked);
        }
        self.rank(&picked, &mut out[start..], selector.order.is_some());
        for place in &picked {
            let instance = self.samples[*place].instance;
            let state = self.instances[instance].state;
            if self.instances[instance].view == ViewState::New {
                self.set_states(instance, state, ViewState::NotNew);
            }
            match access {
                Access::Read => self.mark_read(*place),
                Access::Take => drop(self.remove(*place)),
            }
        }
        self.scratch_picked = picked;
        let count = out.len() - start;
        self.clear_scratch();
        count
    }

    /// Whether everything is taken and belongs to one instance: what readers of types without key do.
    fn takes_all_of_one(&self, selector: &Selector<'_>) -> bool {
        self.instances.len() == 1
            && self.order.is_none()
            && selector.instance == InstanceSelector::All
            && selector.states == DataState::ANY
            && selector.max_samples >= self.samples.len()
            && selector.predicate.is_none()
            && selector.order.is_none()
    }

    /// The same as [`ReaderCache::access`] comes to then, without a step for each sample and list.
    fn take_all_of_one(&mut self, out: &mut Vec<CachedSample>) -> usize {
        let count = self.arrival.len();
        let mut place = self.arrival.head();
        if place == NOWHERE {
            return 0;
        }
        out.reserve(count);
        let instance_place = self.samples[place].instance;
        let newest = self.samples[self.arrival.tail()].generation();
        let mut rank = count as u32;
        while place != NOWHERE {
            rank -= 1;
            let mut info = self.describe(place);
            info.sample_rank = rank;
            let next = self.next_overall(place, false);
            let stored = self.samples.remove(place);
            info.generation_rank = newest.wrapping_sub(stored.generation());
            self.lifespans.cancel(place);
            if self.settings.by_source_timestamp && stored.is_valid() {
                self.raise_floor(instance_place, stored.sample.source_order());
            }
            place = next;
            out.push(CachedSample { info, payload: stored.sample.payload, content: stored.sample.content });
        }
        self.arrival = List::EMPTY;
        self.unread = List::EMPTY;
        self.valid_samples = 0;
        self.retained = 0;
        self.counts = StateCounts::default();
        let instance = &mut self.instances[instance_place];
        instance.samples = List::EMPTY;
        instance.unread = 0;
        instance.valid = 0;
        instance.view = ViewState::NotNew;
        self.by_handle.mark(instance.position, false, false);
        self.room_appeared();
        self.forget_if_unused(instance_place);
        count
    }

    /// Ends a selection: instances that it emptied may go.
    fn clear_scratch(&mut self) {
        self.scratch_picked.clear();
        let mut touched = std::mem::take(&mut self.scratch_touched);
        for instance in touched.drain(..) {
            let entry = &mut self.instances[instance];
            entry.visited = false;
            entry.ranked = 0;
            self.forget_if_unused(instance);
        }
        self.scratch_touched = touched;
    }

    /// Collects the wanted samples in `scratch_picked` and their instances in `scratch_touched`.
    fn pick(&mut self, selector: &Selector<'_>) {
        let Some(order) = selector.order else { return self.pick_as_they_are(selector) };
        self.pick_as_they_are(&Selector { max_samples: usize::MAX, order: None, ..*selector });
        let samples = &self.samples;
        let payload = |place: &Place| &samples[*place].sample.payload;
        self.scratch_picked.sort_by(|one, other| order(payload(one), payload(other)));
        self.scratch_picked.truncate(selector.max_samples);
    }

    fn pick_as_they_are(&mut self, selector: &Selector<'_>) {
        match selector.instance {
            InstanceSelector::This(handle) => {
                if let Some(instance) = self.by_handle.find(handle) {
                    self.pick_instance(instance, self.first_of(instance, selector), selector);
                }
            }
            InstanceSelector::Next(handle) => {
                let mut handle = handle;
                while self.scratch_picked.is_empty() {
                    let next = self.by_handle.after(handle, selector.only_unread()).next();
                    let Some(instance) = next else { return };
                    handle = self.instances[instance].handle;
                    self.pick_instance(instance, self.first_of(instance, selector), selector);
                }
            }
            InstanceSelector::All => self.pick_overall(selector),
        }
    }

    fn first_of(&self, instance: Place, selector: &Selector<'_>) -> Place {
        if selector.only_unread() {
            self.first_unread(instance)
        } else {
            self.instances[instance].samples.head()
        }
    }

    fn pick_overall(&mut self, selector: &Selector<'_>) {
        if !self.has_data(selector.states) {
            return;
        }
        let only_unread = selector.only_unread();
        let mut place = if only_unread { self.unread.head() } else { self.arrival.head() };
        while place != NOWHERE && self.scratch_picked.len() < selector.max_samples {
            let instance = self.samples[place].instance;
            match self.settings.order {
                CollectionOrder::ByArrival => {
                    if self.matches(place, selector) {
                        self.touch(instance);
                        self.scratch_picked.push(place);
                    }
                }
                // The first of its instance in either list, so that nothing before it is wanted.
                CollectionOrder::ByInstance if !self.instances[instance].visited => {
                    self.pick_instance(instance, place, selector);
                }
                CollectionOrder::ByInstance => {}
            }
            place = self.next_overall(place, only_unread);
        }
    }

    /// Collects the wanted samples of one instance from `first` on.
    fn pick_instance(&mut self, instance: Place, first: Place, selector: &Selector<'_>) {
        self.touch(instance);
        let entry = &self.instances[instance];
        if !selector.states.view_states.contains(entry.view)
            || !selector.states.instance_states.contains(entry.state)
        {
            return;
        }
        let mut unread_left = entry.unread;
        let mut place = first;
        while place != NOWHERE && self.scratch_picked.len() < selector.max_samples {
            if self.matches(place, selector) {
                self.scratch_picked.push(place);
            }
            unread_left -= usize::from(self.samples[place].is_unread());
            if unread_left == 0 && selector.only_unread() {
                return;
            }
            place = slab::next::<OF_INSTANCE, _>(&self.samples, place);
        }
    }

    fn touch(&mut self, instance: Place) {
        let entry = &mut self.instances[instance];
        if !entry.visited {
            entry.visited = true;
            self.scratch_touched.push(instance);
        }
    }

    fn matches(&self, place: Place, selector: &Selector<'_>) -> bool {
        let stored = &self.samples[place];
        let instance = &self.instances[stored.instance];
        let sample = if stored.is_unread() { SampleState::NotRead } else { SampleState::Read };
        selector.states.contains(sample, instance.view, instance.state)
            && selector.predicate.is_none_or(|accepts| accepts(&stored.sample.payload, stored.sample.content))
    }

    fn describe(&self, place: Place) -> SampleInfo {
        let stored = &self.samples[place];
        let instance = &self.instances[stored.instance];
        let sample = &stored.sample;
        SampleInfo {
            sample_state: if stored.is_unread() { SampleState::NotRead } else { SampleState::Read },
            view_state: instance.view,
            instance_state: instance.state,
            disposed_generation_count: stored.disposed_generation_count,
            no_writers_generation_count: stored.no_writers_generation_count,
            sample_rank: 0,
            generation_rank: 0,
            absolute_generation_rank: instance.generation().wrapping_sub(stored.generation()),
            source_timestamp: sample.source_timestamp,
            reception_timestamp: sample.reception_timestamp,
            instance_handle: instance.handle,
            publication_handle: sample.publication_handle,
            valid_data: stored.is_valid(),
            writer_guid: sample.writer_guid,
            sequence_number: sample.sequence_number,
            related_sample_identity: sample.related_sample_identity.as_deref().copied(),
        }
    }

    /// Finds the generation of the latest sample of each instance in a collection that is not in the order
    /// of arrival.
    fn find_latest(&mut self, picked: &[Place]) {
        for place in picked {
            let stored = &self.samples[*place];
            self.instances[stored.instance].ranked_generation = stored.generation();
        }
        for place in picked {
            let stored = &self.samples[*place];
            let latest = &mut self.instances[stored.instance].ranked_generation;
            *latest = (*latest).max(stored.generation());
        }
    }

    /// Ranks within the returned collection, from its end (DDS 1.4 §2.2.2.5.1.6, §2.2.2.5.1.7): the
    /// latest sample of an instance has rank 0, and generations are counted back from it.
    fn rank(&mut self, picked: &[Place], out: &mut [CachedSample], sorted: bool) {
        for (place, sample) in picked.iter().zip(out).rev() {
            let stored = &self.samples[*place];
            let generation = stored.generation();
            let instance = &mut self.instances[stored.instance];
            if instance.ranked == 0 && !sorted {
                instance.ranked_generation = generation;
            }
            sample.info.sample_rank = instance.ranked;
            sample.info.generation_rank = instance.ranked_generation.wrapping_sub(generation);
            instance.ranked += 1;
        }
    }
}
