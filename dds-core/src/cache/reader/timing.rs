//! What happens by time alone: LIFESPAN, TIME_BASED_FILTER, READER_DATA_LIFECYCLE and DEADLINE.

use dds_rtps::{
    change::CacheChange,
    time::{Monotonic, Now},
};

use super::{
    ReaderCache,
    entries::Incoming,
    offer::{DropReason, OfferOutcome, Refused},
};
use crate::{
    cache::{
        limits::DeadlineMissed,
        slab::{NOWHERE, Place},
    },
    sample::InstanceState,
};

impl ReaderCache {
    /// When [`ReaderCache::expire`] has something to do, [`Monotonic::NEVER`] for not at all. Ask again
    /// after every other call.
    pub fn next_timeout(&self) -> Monotonic {
        let deadline = match self.deadlines.head() {
            NOWHERE => Monotonic::NEVER,
            first => self.instances[first].last_arrival.after(self.settings.deadline),
        };
        self.lifespans.next().min(self.separations.next()).min(self.purges.next()).min(deadline)
    }

    /// Lets time pass: drops samples whose LIFESPAN is over, shows samples that TIME_BASED_FILTER held
    /// back, purges instances, and appends missed deadlines. Whether there are new samples for the user.
    pub fn expire(&mut self, now: Now, missed: &mut Vec<DeadlineMissed>) -> bool {
        let now = now.monotonic;
        self.link_fresh();
        while let Some(sample) = self.lifespans.pop_due(now) {
            let instance = self.samples[sample].instance;
            self.discard(sample);
            self.forget_if_unused(instance);
        }
        let mut shown = false;
        while let Some(instance) = self.separations.pop_due(now) {
            if self.check_room(instance).is_ok() {
                shown |= self.show_held_back(now, instance);
                self.forget_if_unused(instance);
            } else {
                // Room may come; the next moment is as good as any.
                self.separations.set(instance, now.after(self.settings.minimum_separation));
            }
        }
        while let Some(instance) = self.purges.pop_due(now) {
            self.discard_all(instance);
            self.forget_if_unused(instance);
        }
        self.miss_deadlines(now, missed);
        shown
    }

    fn miss_deadlines(&mut self, now: Monotonic, missed: &mut Vec<DeadlineMissed>) {
        let Some(period) = self.settings.deadline.as_nanos() else { return };
        loop {
            let place = self.deadlines.head();
            if place == NOWHERE {
                return;
            }
            let late = now.nanos_since(self.instances[place].last_arrival);
            if late < period.max(1) {
                return;
            }
            let periods = u32::try_from(late / period.max(1)).unwrap_or(u32::MAX);
            missed.push(DeadlineMissed { instance: self.instances[place].handle, periods });
            // An owner that misses its deadline loses the instance to whoever writes next
            // (DDS 1.4 §2.2.3.9.2).
            self.instances[place].owner = NOWHERE;
            self.touch_deadline(now, place);
        }
    }

    /// The instance got a sample: the next is due a period later.
    #[inline]
    pub(super) fn touch_deadline(&mut self, now: Monotonic, place: Place) {
        if !(self.settings.deadline.is_infinite() && self.deadlines.is_empty()) {
            self.expect_another(now, place);
        }
    }

    fn expect_another(&mut self, now: Monotonic, place: Place) {
        self.stop_deadline(place);
        if !self.settings.deadline.is_infinite() {
            self.instances[place].last_arrival = now;
            self.deadlines.push_back(&mut self.instances, place);
        }
    }

    /// Nothing is expected of the instance.
    pub(super) fn stop_deadline(&mut self, place: Place) {
        if self.instances[place].deadline_link.is_linked() {
            self.deadlines.remove(&mut self.instances, place);
        }
    }

    /// When the LIFESPAN of a change ends. Wall time is looked at once; a writer whose clock is ahead
    /// gains nothing (DDS 1.4 §2.2.3.16).
    pub(super) fn expiry(&self, now: Now, writer: Place, change: &CacheChange) -> Result<Monotonic, Refused> {
        let lifespan = self.writers[writer].matched.lifespan;
        let Some(span) = lifespan.as_nanos() else { return Ok(Monotonic::NEVER) };
        let written = change.source_timestamp.unwrap_or(now.wall);
        let age = now.wall.as_nanos().saturating_sub(written.as_nanos());
        if age >= span {
            return Err(OfferOutcome::Dropped(DropReason::Expired));
        }
        Ok(Monotonic::from_nanos(now.monotonic.as_nanos().saturating_add(span - age)))
    }

    /// Whether TIME_BASED_FILTER lets a sample pass now. What brings an instance back to life always
    /// passes.
    pub(super) fn is_separated(&self, now: Monotonic, instance: Place) -> bool {
        let instance = &self.instances[instance];
        let Some(separation) = self.settings.minimum_separation.as_nanos() else { return true };
        instance.state != InstanceState::Alive
            || instance.last_passed.is_none_or(|last| now.nanos_since(last) >= separation)
    }

    pub(super) fn note_passed(&mut self, now: Monotonic, instance: Place) {
        let entry = &mut self.instances[instance];
        entry.last_passed = Some(now);
        if entry.held_back.take().is_some() {
            self.separations.cancel(instance);
        }
    }

    /// Keeps the latest sample that came too soon: a RELIABLE reader gets the last value in the end
    /// (DDS 1.4 §2.2.3.12).
    pub(super) fn hold_back(&mut self, place: Place, sample: Incoming) {
        if !self.settings.reliable {
            return;
        }
        let instance = &mut self.instances[place];
        match &mut instance.held_back {
            Some(held)
                if self.settings.by_source_timestamp && held.source_order() > sample.source_order() => {}
            Some(held) => **held = sample,
            None => {
                instance.held_back = Some(Box::new(sample));
                let last = instance.last_passed.unwrap_or_default();
                self.separations.set(place, last.after(self.settings.minimum_separation));
            }
        }
    }

    /// Shows the sample held back, if there is one still worth it and there is room.
    pub(super) fn show_held_back(&mut self, now: Monotonic, instance: Place) -> bool {
        let Some(held) = self.instances[instance].held_back.take() else { return false };
        self.separations.cancel(instance);
        if held.expiry <= now || self.check_room(instance).is_err() {
            return false;
        }
        self.pass(now, instance, *held);
        true
    }

    /// Starts the autopurge delay of an instance that is not alive (DDS 1.4 §2.2.3.22).
    pub(super) fn schedule_purge(&mut self, now: Monotonic, instance: Place) {
        let delay = match self.instances[instance].state {
            InstanceState::Alive => return,
            InstanceState::NotAliveDisposed => self.settings.purge_disposed,
            InstanceState::NotAliveNoWriters => self.settings.purge_no_writers,
        };
        self.purges.set(instance, now.after(delay));
    }
}
