//! Changes in: which instance, whose, and whether the reader's QoS lets them pass.

use dds_rtps::{
    change::{CacheChange, ChangeKind},
    payload::Payload,
    time::{Monotonic, Now},
};
use dds_types::{DecodeError, PayloadKind};

use super::{
    Content, ReaderCache, Retry,
    entries::{Incoming, Instance},
};
use crate::{
    cache::{
        key_table::is_same_key,
        slab::{Link, List, NOWHERE, Place},
    },
    instance::InstanceHandle,
    sample::{InstanceState, ViewState},
    status::SampleRejectedReason,
    value::Value,
};

/// What became of a change offered to the cache.
#[derive(Clone, PartialEq, Debug)]
pub enum OfferOutcome {
    /// There is a new sample for the user.
    Accepted,
    /// No room: not acknowledged, to be offered again after [`ReaderCache::wants_retry`].
    Rejected {
        /// The limit reached.
        reason: SampleRejectedReason,
        /// The instance; nil for one that is not known yet.
        instance: InstanceHandle,
    },
    /// Done with, but nothing new for the user.
    Dropped(DropReason),
}

/// Why the user sees nothing of a change.
#[derive(Clone, PartialEq, Debug)]
pub enum DropReason {
    /// Its writer is not matched, or no longer.
    UnknownWriter,
    /// It ends an instance that is not known here.
    UnknownInstance,
    /// A stronger writer owns the instance (OWNERSHIP EXCLUSIVE, DDS 1.4 §2.2.3.9.2).
    NotOwner,
    /// Its LIFESPAN is over (DDS 1.4 §2.2.3.16).
    Expired,
    /// Its contents do not pass the reader's filter (DDS 1.4 §2.2.2.3.3).
    ContentFilter,
    /// It came too soon after the last one (TIME_BASED_FILTER, DDS 1.4 §2.2.3.12). The latest of these
    /// may show up later.
    TimeBasedFilter,
    /// A later sample of the instance has been seen (DESTINATION_ORDER BY_SOURCE_TIMESTAMP,
    /// DDS 1.4 §2.2.3.17).
    OutOfOrder,
    /// The instance's state did not change by it.
    NoChange,
    /// It has no readable key.
    Malformed(DecodeError),
}

/// An offer that ended before a sample was stored.
pub(super) type Refused = OfferOutcome;

/// The instance that a change is about.
enum Located {
    Known(Place),
    /// Its key is in the scratch buffer, with this hash.
    New(u64),
    /// Only its key hash came, and no instance has it.
    Nameless,
}

impl ReaderCache {
    /// Takes in a change of a matched writer. Changes of one writer must come in the order of their
    /// numbers, each once; a rejected one may come again.
    pub fn offer(&mut self, now: Now, change: &CacheChange) -> OfferOutcome {
        self.offer_named(now, &mut change.clone(), None)
    }

    /// As [`ReaderCache::offer`], but for that the payload of an accepted change is taken. An instance that is
    /// new gets the handle `name`, which no other instance here may have. Cheapest when it is the largest so
    /// far.
    pub fn offer_named(
        &mut self,
        now: Now,
        change: &mut CacheChange,
        name: Option<InstanceHandle>,
    ) -> OfferOutcome {
        let Some(writer) = self.find_writer(change.writer_guid) else {
            return OfferOutcome::Dropped(DropReason::UnknownWriter);
        };
        let outcome = match change.kind {
            ChangeKind::Alive => self.offer_data(now, writer, change, name),
            kind => {
                self.link_fresh();
                self.offer_end(now, writer, change, kind)
            }
        };
        match outcome {
            Ok(()) => OfferOutcome::Accepted,
            Err(refused) => {
                if matches!(refused, OfferOutcome::Rejected { .. }) {
                    self.retry = Retry::WaitsForRoom;
                }
                refused
            }
        }
    }

    fn offer_data(
        &mut self,
        now: Now,
        writer: Place,
        change: &mut CacheChange,
        name: Option<InstanceHandle>,
    ) -> Result<(), Refused> {
        if self.filter.as_ref().is_some_and(|filter| !filter.accepts(change)) {
            return self.filtered_out(writer, change);
        }
        let expiry = self.expiry(now, writer, change)?;
        let instance = match self.locate(change, PayloadKind::Data)? {
            Located::Known(instance) => instance,
            Located::New(hash) => {
                // Before the instance exists, so that a rejection leaves none behind.
                self.check_total(InstanceHandle::NIL)?;
                self.new_instance(hash, name)?
            }
            Located::Nameless => return Err(OfferOutcome::Dropped(DropReason::UnknownInstance)),
        };
        self.remember_digest(instance, change);
        self.register(instance, writer);
        if !self.claim(instance, writer) {
            return Err(OfferOutcome::Dropped(DropReason::NotOwner));
        }
        if expiry == Monotonic::NEVER && self.may_be_fresh(instance) {
            self.check_room(instance)?;
            self.touch_deadline(now.monotonic, instance);
            self.keep_fresh(now, instance, writer, change);
            return Ok(());
        }
        self.link_fresh();
        let mut sample = self.incoming(now, writer, change, Content::Data, expiry);
        self.check_order(instance, &sample)?;
        let separated = self.is_separated(now.monotonic, instance);
        if separated {
            self.check_room(instance)?;
        }
        self.touch_deadline(now.monotonic, instance);
        sample.payload = self.buffers.keep(std::mem::take(&mut change.payload));
        if !separated {
            self.hold_back(instance, sample);
            return Err(OfferOutcome::Dropped(DropReason::TimeBasedFilter));
        }
        self.pass(now.monotonic, instance, sample);
        Ok(())
    }

    /// A sample that the filter refuses is as good as never written, but for one thing: where ownership
    /// is exclusive, it keeps weaker writers from speaking for the instance (DDS 1.4 §2.2.3.9.2).
    fn filtered_out(&mut self, writer: Place, change: &CacheChange) -> Result<(), Refused> {
        if self.settings.exclusive
            && let Located::Known(instance) = self.locate(change, PayloadKind::Data)?
        {
            self.register(instance, writer);
            self.claim(instance, writer);
        }
        Err(OfferOutcome::Dropped(DropReason::ContentFilter))
    }

    /// Shows the user a sample with data that passed every check.
    pub(super) fn pass(&mut self, now: Monotonic, instance: Place, sample: Incoming) {
        self.make_alive(instance);
        self.note_passed(now, instance);
        self.make_room(instance);
        self.store(instance, sample);
    }

    /// Dispose, unregister or both.
    fn offer_end(
        &mut self,
        now: Now,
        writer: Place,
        change: &CacheChange,
        kind: ChangeKind,
    ) -> Result<(), Refused> {
        let located = self.locate(change, PayloadKind::Key)?;
        let instance = match located {
            Located::Known(instance) => instance,
            // A disposal may be the first that a late joiner hears of an instance. With a filter it is
            // rather one of which nothing has passed.
            Located::New(hash) if kind.is_disposed() && self.filter.is_none() => {
                self.new_instance(hash, None)?
            }
            _ => return Err(OfferOutcome::Dropped(DropReason::UnknownInstance)),
        };
        self.remember_digest(instance, change);
        let mut disposed = Ok(false);
        if kind.is_disposed() {
            self.register(instance, writer);
            disposed = self.dispose(now, instance, writer, change);
        }
        let mut changed = matches!(disposed, Ok(true));
        if kind.is_unregistered() {
            changed |= self.unregister(now, instance, writer, change);
        }
        self.forget_if_unused(instance);
        disposed?;
        if changed { Ok(()) } else { Err(OfferOutcome::Dropped(DropReason::NoChange)) }
    }

    /// Whether the instance's state changed by it.
    fn dispose(
        &mut self,
        now: Now,
        instance: Place,
        writer: Place,
        change: &CacheChange,
    ) -> Result<bool, Refused> {
        if !self.claim(instance, writer) {
            return Err(OfferOutcome::Dropped(DropReason::NotOwner));
        }
        let sample = self.incoming(now, writer, change, Content::CanonicalKey, Monotonic::NEVER);
        self.check_order(instance, &sample)?;
        if self.settings.by_source_timestamp {
            self.raise_floor(instance, sample.source_order());
        }
        if self.instances[instance].state == InstanceState::NotAliveDisposed {
            return Ok(false);
        }
        self.end_life(now.monotonic, instance, InstanceState::NotAliveDisposed, sample);
        Ok(true)
    }

    /// Whether the instance's state changed by it.
    fn unregister(&mut self, now: Now, instance: Place, writer: Place, change: &CacheChange) -> bool {
        let sample = self.incoming(now, writer, change, Content::CanonicalKey, Monotonic::NEVER);
        match self.find_registration(instance, writer) {
            Some(registration) => self.remove_registration(now.monotonic, registration, sample),
            None => false,
        }
    }

    fn locate(&mut self, change: &CacheChange, kind: PayloadKind) -> Result<Located, Refused> {
        if self.type_support.has_key {
            if change.payload.is_empty() && kind == PayloadKind::Key {
                let known = change.key_hash.and_then(|hash| self.find_by_digest(&hash.0));
                return Ok(known.map_or(Located::Nameless, Located::Known));
            }
            self.scratch_key.clear();
            match Value::of(&change.payload) {
                Some(value) => self.scratch_key.extend_from_slice(value.key()),
                None => self
                    .type_support
                    .find_key(&change.payload, kind, &mut self.scratch_key)
                    .map_err(|error| OfferOutcome::Dropped(DropReason::Malformed(error)))?,
            }
        } else {
            self.scratch_key.clear();
        }
        if self.latest != NOWHERE && is_same_key(&self.instances[self.latest].key, &self.scratch_key) {
            return Ok(Located::Known(self.latest));
        }
        let hash = self.by_key.hash(&self.scratch_key);
        let Some(place) = self.find_by_key(hash, &self.scratch_key) else { return Ok(Located::New(hash)) };
        self.latest = place;
        Ok(Located::Known(place))
    }

    fn find_by_digest(&self, digest: &[u8; 16]) -> Option<Place> {
        let hash = self.by_digest.hash(digest);
        let own = self.by_digest.find(hash, |place| self.instances[place].digest.0 == *digest);
        own.or_else(|| {
            self.by_digest.find(hash, |place| {
                self.instances[place].foreign_digest.is_some_and(|foreign| foreign.0 == *digest)
            })
        })
    }

    /// A peer that sends only the hash when it disposes sends it with samples too; where it computes
    /// another hash than we do, that one names the instance as well.
    #[inline]
    fn remember_digest(&mut self, place: Place, change: &CacheChange) {
        let Some(digest) = change.key_hash else { return };
        let instance = &self.instances[place];
        if !self.type_support.has_key
            || digest == instance.digest
            || instance.foreign_digest == Some(digest)
            || change.payload.is_empty()
        {
            return;
        }
        self.forget_foreign_digest(place);
        self.by_digest.insert(self.by_digest.hash(&digest.0), place);
        self.instances[place].foreign_digest = Some(digest);
    }

    pub(super) fn forget_foreign_digest(&mut self, place: Place) {
        if let Some(foreign) = self.instances[place].foreign_digest.take() {
            self.by_digest.remove(self.by_digest.hash(&foreign.0), place);
        }
    }

    /// An instance of the key in the scratch buffer, alive and without samples.
    fn new_instance(&mut self, key_seed_hash: u64, name: Option<InstanceHandle>) -> Result<Place, Refused> {
        if self.instances.len() >= self.settings.limits.max_instances {
            return Err(OfferOutcome::Rejected {
                reason: SampleRejectedReason::InstancesLimit,
                instance: InstanceHandle::NIL,
            });
        }
        let handle = name.unwrap_or_else(|| self.handles.allocate());
        let digest = self.type_support.key_hash(&self.scratch_key);
        let place = self.instances.insert(Instance {
            deadline_link: Link::UNLINKED,
            last_arrival: Monotonic::ZERO,
            handle,
            key: self.scratch_key.as_slice().into(),
            key_seed_hash,
            digest,
            foreign_digest: None,
            position: 0,
            state: InstanceState::Alive,
            view: ViewState::New,
            disposed_generation_count: 0,
            no_writers_generation_count: 0,
            samples: List::EMPTY,
            valid: 0,
            unread: 0,
            registrations: List::EMPTY,
            owner: NOWHERE,
            last_passed: None,
            held_back: None,
            floor: None,
            visited: false,
            ranked: 0,
            ranked_generation: 0,
        });
        self.by_handle.insert(handle, place, &mut self.instances);
        self.by_key.insert(key_seed_hash, place);
        if self.type_support.has_key {
            self.by_digest.insert(self.by_digest.hash(&digest.0), place);
        }
        Ok(place)
    }

    /// A sample without its payload yet.
    fn incoming(
        &self,
        now: Now,
        writer: Place,
        change: &CacheChange,
        content: Content,
        expiry: Monotonic,
    ) -> Incoming {
        let related = change.inline_qos.as_ref().and_then(|inline| inline.related_sample_identity);
        let (writer_guid, sequence_number) = change.identity();
        Incoming {
            payload: Payload::default(),
            content,
            source_timestamp: change.source_timestamp,
            reception_timestamp: now.wall,
            writer_guid,
            publication_handle: self.writers[writer].matched.handle,
            sequence_number,
            related_sample_identity: related.map(Box::new),
            expiry,
        }
    }
}
