//! Samples in and out of the cache, and the states of their instances.

use dds_rtps::time::Monotonic;

use super::{
    Content, ReaderCache,
    entries::{ARRIVAL, Incoming, Instance, OF_INSTANCE, SourceOrder, Stored, UNREAD},
    offer::{DropReason, OfferOutcome, Refused},
};
use crate::{
    cache::slab::{self, Link, NOWHERE, Place},
    instance::InstanceHandle,
    sample::{InstanceState, SampleState, ViewState},
    status::SampleRejectedReason,
};

impl ReaderCache {
    /// Whether RESOURCE_LIMITS has room for one more sample.
    pub(super) fn check_total(&self, instance: InstanceHandle) -> Result<(), Refused> {
        if self.valid_samples < self.settings.limits.max_samples {
            return Ok(());
        }
        Err(OfferOutcome::Rejected { reason: SampleRejectedReason::SamplesLimit, instance })
    }

    /// Whether `instance` has room for one more sample, perhaps by giving up its oldest
    /// (DDS 1.4 §2.2.3.18, §2.2.3.19).
    #[inline]
    pub(super) fn check_room(&self, instance: Place) -> Result<(), Refused> {
        let Instance { handle, valid, .. } = self.instances[instance];
        match self.settings.limits.keep_last {
            Some(depth) if valid >= depth => Ok(()),
            Some(_) => self.check_total(handle),
            None if valid >= self.settings.limits.max_samples_per_instance => Err(OfferOutcome::Rejected {
                reason: SampleRejectedReason::SamplesPerInstanceLimit,
                instance: handle,
            }),
            None => self.check_total(handle),
        }
    }

    /// Refuses what BY_SOURCE_TIMESTAMP may not show any more (DDS 1.4 §2.2.3.17).
    pub(super) fn check_order(&self, instance: Place, sample: &Incoming) -> Result<(), Refused> {
        if !self.settings.by_source_timestamp {
            return Ok(());
        }
        let order = sample.source_order();
        let instance = &self.instances[instance];
        let too_late = match sample.content {
            // A disposal counts only when nothing later was written.
            Content::CanonicalKey => {
                let tail = instance.samples.tail();
                tail != NOWHERE && self.samples[tail].is_valid() && {
                    self.samples[tail].sample.source_order() > order
                }
            }
            // Older than all that KEEP_LAST keeps.
            Content::Data => {
                self.settings.limits.keep_last.is_some_and(|depth| instance.valid >= depth)
                    && self.oldest_valid(instance).is_some_and(|oldest| oldest > order)
            }
        };
        if too_late || instance.floor.is_some_and(|floor| order <= floor) {
            return Err(OfferOutcome::Dropped(DropReason::OutOfOrder));
        }
        Ok(())
    }

    fn oldest_valid(&self, instance: &Instance) -> Option<SourceOrder> {
        let mut place = instance.samples.head();
        while place != NOWHERE {
            if self.samples[place].is_valid() {
                return Some(self.samples[place].sample.source_order());
            }
            place = slab::next::<OF_INSTANCE, _>(&self.samples, place);
        }
        None
    }

    pub(super) fn raise_floor(&mut self, instance: Place, order: SourceOrder) {
        let floor = &mut self.instances[instance].floor;
        *floor = (*floor).max(Some(order));
    }

    /// Evicts the oldest sample with data of a full KEEP_LAST instance, and older news of its state.
    pub(super) fn make_room(&mut self, instance: Place) {
        let Some(depth) = self.settings.limits.keep_last else { return };
        while self.instances[instance].valid >= depth {
            let oldest = self.instances[instance].samples.head();
            self.discard(oldest);
        }
    }

    /// Keeps a sample.
    pub(super) fn store(&mut self, instance: Place, sample: Incoming) {
        let (next, next_unread) = self.successor(instance, &sample);
        self.count(instance, sample.content, 1, sample.payload.retained());
        let Instance { unread, position, .. } = self.instances[instance];
        if unread == 1 {
            self.by_handle.mark(position, true, true);
        }
        self.link(instance, sample, next, next_unread);
    }

    /// Counts new samples, which are to be kept, and the bytes that their payloads retain.
    #[inline]
    pub(super) fn count(&mut self, instance: Place, content: Content, samples: usize, retained: usize) {
        let owner = &mut self.instances[instance];
        let valid = if content == Content::Data { samples } else { 0 };
        owner.unread += samples;
        owner.valid += valid;
        *self.counts.of(SampleState::NotRead, owner.view, owner.state) += samples;
        self.valid_samples += valid;
        self.retained += retained;
    }

    /// Links a sample that is counted into its instance and the lists over all instances.
    pub(super) fn link(&mut self, instance: Place, sample: Incoming, next: Place, next_unread: Place) {
        let Self { instances, samples, .. } = self;
        let owner = &mut instances[instance];
        let expiry = sample.expiry;
        let place = samples.insert(Stored {
            links: [Link::UNLINKED; 3],
            instance,
            disposed_generation_count: owner.disposed_generation_count,
            no_writers_generation_count: owner.no_writers_generation_count,
            sample,
        });
        owner.samples.insert_before(samples, next, place);
        self.arrival.insert_before(samples, next, place);
        self.unread.insert_before(samples, next_unread, place);
        self.lifespans.set(place, expiry);
        if let Some(order) = &mut self.order {
            order.note(place);
        }
    }

    /// The sample of the same instance that `sample` goes before, and the first unread one from there.
    fn successor(&self, instance: Place, sample: &Incoming) -> (Place, Place) {
        let mut next = NOWHERE;
        if !self.settings.by_source_timestamp || sample.content != Content::Data {
            return (next, next);
        }
        let order = sample.source_order();
        let mut previous = self.instances[instance].samples.tail();
        while previous != NOWHERE
            && self.samples[previous].is_valid()
            && self.samples[previous].sample.source_order() > order
        {
            next = previous;
            previous = slab::previous::<OF_INSTANCE, _>(&self.samples, previous);
        }
        let mut unread = next;
        while unread != NOWHERE && !self.samples[unread].is_unread() {
            unread = slab::next::<OF_INSTANCE, _>(&self.samples, unread);
        }
        (next, unread)
    }

    /// Unlinks a sample. Its instance stays, even without samples.
    pub(super) fn remove(&mut self, place: Place) -> Stored {
        self.mark_read(place);
        self.lifespans.cancel(place);
        let Self { instances, samples, .. } = self;
        let instance_place = samples[place].instance;
        let instance = &mut instances[instance_place];
        instance.samples.remove(samples, place);
        self.arrival.remove(samples, place);
        *self.counts.of(SampleState::Read, instance.view, instance.state) -= 1;
        if instance.samples.is_empty() {
            self.by_handle.mark(instance.position, false, false);
        }
        let stored = samples.remove(place);
        self.retained -= stored.sample.payload.retained();
        if stored.is_valid() {
            instance.valid -= 1;
            self.valid_samples -= 1;
            if self.settings.by_source_timestamp {
                self.raise_floor(instance_place, stored.sample.source_order());
            }
        }
        self.room_appeared();
        stored
    }

    /// Removes a sample that nobody takes.
    pub(super) fn discard(&mut self, place: Place) {
        let stored = self.remove(place);
        self.buffers.recycle(stored.sample.payload);
    }

    pub(super) fn mark_read(&mut self, place: Place) {
        let Self { instances, samples, .. } = self;
        if !samples[place].is_unread() {
            return;
        }
        let instance = &mut instances[samples[place].instance];
        self.unread.remove(samples, place);
        instance.unread -= 1;
        if instance.unread == 0 {
            self.by_handle.mark(instance.position, true, false);
        }
        *self.counts.of(SampleState::NotRead, instance.view, instance.state) -= 1;
        *self.counts.of(SampleState::Read, instance.view, instance.state) += 1;
    }

    pub(super) fn set_states(&mut self, place: Place, state: InstanceState, view: ViewState) {
        let instance = &mut self.instances[place];
        let (unread, read) = (instance.unread, instance.samples.len() - instance.unread);
        *self.counts.of(SampleState::NotRead, instance.view, instance.state) -= unread;
        *self.counts.of(SampleState::Read, instance.view, instance.state) -= read;
        *self.counts.of(SampleState::NotRead, view, state) += unread;
        *self.counts.of(SampleState::Read, view, state) += read;
        instance.state = state;
        instance.view = view;
    }

    /// A sample with data brings an instance back to life (DDS 1.4 §2.2.2.5.1.5: the generation
    /// counts; §2.2.2.5.1.8: the view state of one reborn is NEW).
    pub(super) fn make_alive(&mut self, place: Place) {
        let instance = &mut self.instances[place];
        match instance.state {
            InstanceState::Alive => return,
            InstanceState::NotAliveDisposed => {
                instance.disposed_generation_count = instance.disposed_generation_count.wrapping_add(1);
            }
            InstanceState::NotAliveNoWriters => {
                instance.no_writers_generation_count = instance.no_writers_generation_count.wrapping_add(1);
            }
        }
        self.set_states(place, InstanceState::Alive, ViewState::New);
        self.purges.cancel(place);
    }

    /// The instance is no longer alive, as `sample` (without data) tells the user.
    pub(super) fn end_life(
        &mut self,
        now: Monotonic,
        place: Place,
        state: InstanceState,
        mut sample: Incoming,
    ) {
        self.show_held_back(now, place);
        // What was written before the end shows before it or not at all.
        let tail = self.instances[place].samples.tail();
        if self.settings.by_source_timestamp && tail != NOWHERE && self.samples[tail].is_valid() {
            let latest = self.samples[tail].sample.source_order();
            self.raise_floor(place, latest);
        }
        let view = self.instances[place].view;
        self.set_states(place, state, view);
        self.stop_deadline(place);
        self.schedule_purge(now, place);
        sample.payload = self.buffers.copy(&self.instances[place].key);
        self.store(place, sample);
        while self.instances[place].invalid() > self.instances[place].valid + 1 {
            let Some(oldest) = self.oldest_invalid(place) else { break };
            self.discard(oldest);
        }
    }

    fn oldest_invalid(&self, instance: Place) -> Option<Place> {
        let mut place = self.instances[instance].samples.head();
        while place != NOWHERE && self.samples[place].is_valid() {
            place = slab::next::<OF_INSTANCE, _>(&self.samples, place);
        }
        (place != NOWHERE).then_some(place)
    }

    /// Forgets an instance without samples and writers (DDS 1.4 §2.2.3.22).
    pub(super) fn forget_if_unused(&mut self, place: Place) {
        let instance = &self.instances[place];
        if !instance.samples.is_empty() || !instance.registrations.is_empty() || instance.held_back.is_some()
        {
            return;
        }
        self.stop_deadline(place);
        self.purges.cancel(place);
        self.separations.cancel(place);
        self.forget_foreign_digest(place);
        if self.latest == place {
            self.latest = NOWHERE;
        }
        let instance = self.instances.remove(place);
        self.by_key.remove(instance.key_seed_hash, place);
        if self.type_support.has_key {
            self.by_digest.remove(self.by_digest.hash(&instance.digest.0), place);
        }
        self.by_handle.remove(instance.position, &mut self.instances);
        self.room_appeared();
    }

    /// Removes every sample of an instance.
    pub(super) fn discard_all(&mut self, instance: Place) {
        loop {
            let oldest = self.instances[instance].samples.head();
            if oldest == NOWHERE {
                return;
            }
            self.discard(oldest);
        }
    }

    /// The first unread sample of an instance.
    pub(super) fn first_unread(&self, instance: Place) -> Place {
        let mut place = self.instances[instance].samples.tail();
        let (mut first, mut missing) = (NOWHERE, self.instances[instance].unread);
        while missing > 0 && place != NOWHERE {
            if self.samples[place].is_unread() {
                first = place;
                missing -= 1;
            }
            place = slab::previous::<OF_INSTANCE, _>(&self.samples, place);
        }
        first
    }

    /// The sample after `place` in the list over all instances.
    pub(super) fn next_overall(&self, place: Place, only_unread: bool) -> Place {
        if only_unread {
            slab::next::<UNREAD, _>(&self.samples, place)
        } else {
            slab::next::<ARRIVAL, _>(&self.samples, place)
        }
    }
}
