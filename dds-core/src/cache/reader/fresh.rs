//! Samples that wait outside the lists.
//!
//! Most readers take all that came, in the order in which it came, of the one instance there is. Links, places and
//! marks are of no use to them, and cost more than everything else that is done for a small sample. So the
//! newest samples lie side by side, ready to be handed out as they are, and counted as all others; whatever needs
//! more than that has them linked first.

use dds_qos::Duration;
use dds_rtps::{
    change::CacheChange,
    payload::Payload,
    structure::{Guid, SequenceNumber},
    time::{Monotonic, Now, Timestamp},
};

use super::{
    CachedSample, Content, InstanceSelector, MatchedWriter, ReaderCache, Selector,
    entries::{Incoming, Instance},
};
use crate::{
    cache::{
        limits::Limits,
        slab::{NOWHERE, Place},
    },
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
        self.count(instance, Content::Data, 1, payload.retained());
        let related_sample_identity =
            change.inline_qos.as_ref().and_then(|inline| inline.related_sample_identity);
        let (writer_guid, sequence_number) = change.identity();
        let info = SampleInfo {
            source_timestamp: change.source_timestamp,
            writer_guid,
            sequence_number,
            related_sample_identity,
            ..self.fresh_info(now, instance, writer)
        };
        self.instances[instance].last_passed = Some(now.monotonic);
        self.fresh.push_back(CachedSample { info, payload, content: Content::Data });
    }

    /// What samples that arrive now have in common.
    #[inline]
    fn fresh_info(&self, now: Now, instance: Place, writer: Place) -> SampleInfo {
        let owner = &self.instances[instance];
        let MatchedWriter { guid, handle, .. } = self.writers[writer].matched;
        SampleInfo {
            sample_state: SampleState::NotRead,
            view_state: owner.view,
            instance_state: owner.state,
            disposed_generation_count: owner.disposed_generation_count,
            no_writers_generation_count: owner.no_writers_generation_count,
            sample_rank: 0,
            generation_rank: 0,
            absolute_generation_rank: 0,
            source_timestamp: None,
            reception_timestamp: now.wall,
            instance_handle: owner.handle,
            publication_handle: handle,
            valid_data: true,
            writer_guid: guid,
            sequence_number: SequenceNumber::UNKNOWN,
            related_sample_identity: None,
        }
    }

    /// For data of a writer that come one after another: `None` where each has to be [offered](Self::offer), because
    /// it may be of another instance, may not pass, or has a place among others.
    pub fn begin_run(&mut self, now: Now, writer: Guid) -> Option<FreshRun<'_>> {
        if self.filter.is_some() || self.type_support.has_key || self.latest == NOWHERE {
            return None;
        }
        let (writer, instance) = (self.find_writer(writer)?, self.latest);
        let is_alike = self.writers[writer].matched.lifespan.is_infinite()
            && self.may_be_fresh(instance)
            && self.find_registration(instance, writer).is_some()
            && self.claim(instance, writer);
        is_alike.then(|| {
            let valid = self.instances[instance].valid;
            let Limits { keep_last, max_samples, max_samples_per_instance, .. } = self.settings.limits;
            let room = keep_last.unwrap_or(max_samples_per_instance).saturating_sub(valid);
            let room = room.min(max_samples.saturating_sub(self.valid_samples));
            let info = self.fresh_info(now, instance, writer);
            FreshRun { cache: self, now: now.monotonic, instance, info, room, kept: 0, retained: 0 }
        })
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

/// Data that come one after another and are alike but for their numbers, times and payloads: what is to be asked
/// and counted is asked and counted once for all of them.
#[derive(Debug)]
pub struct FreshRun<'c> {
    cache: &'c mut ReaderCache,
    now: Monotonic,
    instance: Place,
    info: SampleInfo,
    /// For how many there is room.
    room: usize,
    kept: usize,
    retained: usize,
}

impl FreshRun<'_> {
    /// Keeps a copy of the next data, as accepting an offer does; false, and nothing kept, where there is no room.
    #[inline]
    pub fn keep_copy(
        &mut self,
        number: SequenceNumber,
        source_timestamp: Option<Timestamp>,
        data: &[u8],
    ) -> bool {
        self.keep_with(number, source_timestamp, |cache| cache.buffers.copy(data))
    }

    /// As [`keep_copy`](Self::keep_copy), of data that can stay where they are.
    #[inline]
    pub fn keep(
        &mut self,
        number: SequenceNumber,
        source_timestamp: Option<Timestamp>,
        payload: Payload,
    ) -> bool {
        self.keep_with(number, source_timestamp, |_| payload)
    }

    #[inline]
    fn keep_with(
        &mut self,
        number: SequenceNumber,
        source_timestamp: Option<Timestamp>,
        payload: impl FnOnce(&mut ReaderCache) -> Payload,
    ) -> bool {
        let has_room = self.kept < self.room;
        if has_room {
            let payload = payload(self.cache);
            self.kept += 1;
            self.retained += payload.retained();
            let info = SampleInfo { sequence_number: number, source_timestamp, ..self.info.clone() };
            self.cache.fresh.push_back(CachedSample { info, payload, content: Content::Data });
        }
        has_room
    }
}

impl Drop for FreshRun<'_> {
    fn drop(&mut self) {
        if self.kept > 0 {
            self.cache.touch_deadline(self.now, self.instance);
            self.cache.instances[self.instance].last_passed = Some(self.now);
            self.cache.count(self.instance, Content::Data, self.kept, self.retained);
        }
    }
}
