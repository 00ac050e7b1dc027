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

use super::{CachedSample, Content, ReaderCache, entries::Incoming};
use crate::{
    cache::slab::{NOWHERE, Place},
    sample::{InstanceState, SampleInfo, SampleState},
};

impl ReaderCache {
    /// Whether the next sample of an instance, one that no LIFESPAN ends, need not be linked.
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
        let owner = &mut self.instances[instance];
        owner.unread += 1;
        owner.valid += 1;
        owner.last_passed = Some(now.monotonic);
        *self.counts.of(SampleState::NotRead, owner.view, owner.state) += 1;
        self.valid_samples += 1;
        self.retained += payload.retained();
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
        self.fresh.push(CachedSample { info, payload, content: Content::Data });
    }

    /// Brings all samples into the lists.
    pub(super) fn link_fresh(&mut self) {
        if !self.fresh.is_empty() {
            self.link_all_fresh();
        }
    }

    #[cold]
    fn link_all_fresh(&mut self) {
        let mut fresh = std::mem::take(&mut self.fresh);
        let Some(instance) = fresh.first().and_then(|first| self.by_handle.find(first.info.instance_handle))
        else {
            unreachable!("an instance with samples is known")
        };
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

    /// The instance of the sample that came first.
    pub(super) fn instance_of_first(&self) -> Option<Place> {
        match self.arrival.head() {
            NOWHERE => self.by_handle.find(self.fresh.first()?.info.instance_handle),
            first => Some(self.samples[first].instance),
        }
    }
}
