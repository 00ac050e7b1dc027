//! Samples that wait outside the lists.
//!
//! Most readers take all that came, in the order in which it came, of the one instance there is. Links, places and
//! marks are of no use to them, and cost more than everything else that is done for a small sample. So the
//! newest samples lie side by side, ready to be handed out as they are, and counted as all others; whatever needs
//! more than that has them linked first.

use dds_qos::Duration;
use dds_rtps::{
    change::CacheChange,
    time::{Monotonic, Now},
};

use super::{
    CachedSample, Content, InstanceSelector, ReaderCache, Selector,
    entries::{Incoming, Instance},
};
use crate::{
    cache::slab::{NOWHERE, Place},
    sample::{InstanceState, SampleInfo, SampleState, ViewState},
};

impl ReaderCache {
    /// Whether the next sample of an instance, one that no LIFESPAN ends, need not be linked.
    #[inline]
    pub(super) fn may_be_fresh(&self, instance: Place) -> bool {
        let settings = &self.settings;
        let instance = &self.instances[instance];
        self.instances.len() == 1
            && self.order.is_none()
            && !settings.by_source_timestamp
            && settings.minimum_separation == Duration::ZERO
            && instance.state == InstanceState::Alive
            && instance.held_back.is_none()
            && settings.limits.keep_last.is_none_or(|depth| instance.valid < depth)
    }

    /// Keeps the data of a change, for which there is room.
    pub(super) fn keep_fresh(&mut self, now: Now, instance: Place, writer: Place, change: &mut CacheChange) {
        let payload = self.buffers.keep(std::mem::take(&mut change.payload));
        let related_sample_identity =
            change.inline_qos.as_ref().and_then(|inline| inline.related_sample_identity);
        let (writer_guid, sequence_number) = change.identity();
        self.count(instance, Content::Data, &payload);
        let owner = &mut self.instances[instance];
        owner.last_passed = Some(now.monotonic);
        let info = SampleInfo {
            sample_state: SampleState::NotRead,
            view_state: owner.view,
            instance_state: owner.state,
            disposed_generation_count: owner.disposed_generation_count,
            no_writers_generation_count: owner.no_writers_generation_count,
            sample_rank: 0,
            generation_rank: 0,
            absolute_generation_rank: 0,
            source_timestamp: change.source_timestamp,
            reception_timestamp: now.wall,
            instance_handle: owner.handle,
            publication_handle: self.writers[writer].matched.handle,
            valid_data: true,
            writer_guid,
            sequence_number,
            related_sample_identity,
        };
        self.fresh.push_back(CachedSample { info, payload, content: Content::Data });
    }

    /// Brings all samples into the lists.
    #[inline]
    pub(super) fn link_fresh(&mut self) {
        if !self.fresh.is_empty() {
            self.link_all_fresh();
        }
    }

    #[cold]
    fn link_all_fresh(&mut self) {
        let Some(instance) = self.instance_of_fresh() else {
            unreachable!("an instance with samples is known")
        };
        let mut fresh = std::mem::take(&mut self.fresh);
        for CachedSample { info, payload, content } in fresh.drain(..) {
            let sample = Incoming {
                payload,
                content,
                source_timestamp: info.source_timestamp,
                reception_timestamp: info.reception_timestamp,
                writer_guid: info.writer_guid,
                publication_handle: info.publication_handle,
                sequence_number: info.sequence_number,
                related_sample_identity: info.related_sample_identity.map(Box::new),
                expiry: Monotonic::NEVER,
            };
            self.link(instance, sample, NOWHERE, NOWHERE);
        }
        self.by_handle.mark(self.instances[instance].position, true, true);
        self.fresh = fresh;
    }

    /// Whether what is to be taken are the first of the samples that are not linked.
    pub(super) fn takes_fresh(&self, selector: &Selector<'_>) -> bool {
        let Some(instance) = self.instance_of_fresh().filter(|_| self.arrival.is_empty()) else {
            return false;
        };
        let Instance { view, state, handle, .. } = self.instances[instance];
        let is_selected = match selector.instance {
            InstanceSelector::All => true,
            InstanceSelector::This(this) => this == handle,
            InstanceSelector::Next(previous) => previous < handle,
        };
        is_selected
            && selector.states.contains(SampleState::NotRead, view, state)
            && selector.predicate.is_none()
            && selector.order.is_none()
    }

    /// Takes at most `max` of the samples that are not linked, the first ones.
    pub(super) fn take_fresh(&mut self, max: usize, out: &mut Vec<CachedSample>) -> usize {
        let Some(instance) = self.instance_of_fresh() else { return 0 };
        let count = max.min(self.fresh.len());
        let owner = &mut self.instances[instance];
        let mut retained = 0;
        out.reserve(count);
        for rank in (0..count as u32).rev() {
            let Some(mut sample) = self.fresh.pop_front() else { break };
            retained += sample.payload.retained();
            sample.info.view_state = owner.view;
            sample.info.sample_rank = rank;
            out.push(sample);
        }
        self.valid_samples -= count;
        self.retained -= retained;
        // None is linked: these are all that there are.
        *self.counts.of(SampleState::NotRead, owner.view, owner.state) -= owner.unread;
        owner.unread -= count;
        owner.valid -= count;
        if count > 0 {
            owner.view = ViewState::NotNew;
        }
        *self.counts.of(SampleState::NotRead, owner.view, owner.state) += owner.unread;
        self.room_appeared();
        self.forget_if_unused(instance);
        count
    }

    fn instance_of_fresh(&self) -> Option<Place> {
        self.by_handle.find(self.fresh.front()?.info.instance_handle)
    }
}
