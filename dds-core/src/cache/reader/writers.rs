//! Matched writers, who of them writes which instance, and who owns it.

use dds_qos::Duration;
use dds_rtps::{
    payload::Payload,
    structure::{Guid, SequenceNumber},
    time::{Monotonic, Now},
};

use super::{
    Content, ReaderCache,
    entries::{Incoming, OF_WRITERS_INSTANCE, Registration, Writer},
};
use crate::{
    cache::slab::{self, Link, List, NOWHERE, Place},
    instance::InstanceHandle,
    sample::InstanceState,
};

/// What the cache must know of a matched writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MatchedWriter {
    /// The writer.
    pub guid: Guid,
    /// Its handle in the built-in publications topic: the samples' `publication_handle`.
    pub handle: InstanceHandle,
    /// OWNERSHIP_STRENGTH.
    pub strength: i32,
    /// LIFESPAN of its samples.
    pub lifespan: Duration,
}

impl ReaderCache {
    /// Takes samples of a writer from now on; with a known GUID, follows changes of its QoS. A new
    /// strength counts from the next sample on.
    pub fn writer_matched(&mut self, writer: MatchedWriter) {
        match self.writer_places.get(&writer.guid) {
            Some(place) => self.writers[*place].matched = writer,
            None => {
                let place = self.writers.insert(Writer { matched: writer, registrations: List::EMPTY });
                self.writer_places.insert(writer.guid, place);
            }
        }
    }

    /// The writer is gone: its instances lose it (DDS 1.4 §2.2.2.5.1.3). Whether there are new samples
    /// for the user, telling of instances without writers.
    pub fn writer_unmatched(&mut self, now: Now, guid: Guid) -> bool {
        let changed = self.writer_not_alive(now, guid);
        if let Some(place) = self.writer_places.remove(&guid) {
            self.writers.remove(place);
            self.last_writer = (Guid::UNKNOWN, NOWHERE);
        }
        changed
    }

    /// The writer's liveliness was lost (DDS 1.4 §2.2.3.11): its instances lose it until it writes them
    /// again. Returns as [`ReaderCache::writer_unmatched`].
    pub fn writer_not_alive(&mut self, now: Now, guid: Guid) -> bool {
        let Some(writer) = self.find_writer(guid) else { return false };
        self.link_fresh();
        let handle = self.writers[writer].matched.handle;
        let mut changed = false;
        loop {
            let registration = self.writers[writer].registrations.head();
            if registration == NOWHERE {
                return changed;
            }
            let instance = self.registrations[registration].instance;
            let sample = Incoming {
                payload: Payload::default(),
                content: Content::CanonicalKey,
                source_timestamp: None,
                reception_timestamp: now.wall,
                writer_guid: guid,
                publication_handle: handle,
                sequence_number: SequenceNumber::UNKNOWN,
                related_sample_identity: None,
                expiry: Monotonic::NEVER,
            };
            changed |= self.remove_registration(now.monotonic, registration, sample);
            self.forget_if_unused(instance);
        }
    }

    #[inline]
    pub(super) fn find_writer(&mut self, guid: Guid) -> Option<Place> {
        if self.last_writer.0 == guid && self.last_writer.1 != NOWHERE {
            return Some(self.last_writer.1);
        }
        let place = *self.writer_places.get(&guid)?;
        self.last_writer = (guid, place);
        Some(place)
    }

    /// Notes that `writer` writes `instance`.
    #[inline]
    pub(super) fn register(&mut self, instance: Place, writer: Place) {
        let first = self.instances[instance].registrations.head();
        if first == NOWHERE || self.registrations[first].writer != writer {
            self.register_another(instance, writer);
        }
    }

    fn register_another(&mut self, instance: Place, writer: Place) {
        if self.find_registration(instance, writer).is_some() {
            return;
        }
        let place = self.registrations.insert(Registration { links: [Link::UNLINKED; 2], instance, writer });
        self.instances[instance].registrations.push_back(&mut self.registrations, place);
        self.writers[writer].registrations.push_back(&mut self.registrations, place);
    }

    pub(super) fn find_registration(&self, instance: Place, writer: Place) -> Option<Place> {
        let mut place = self.instances[instance].registrations.head();
        while place != NOWHERE && self.registrations[place].writer != writer {
            place = slab::next::<OF_WRITERS_INSTANCE, _>(&self.registrations, place);
        }
        (place != NOWHERE).then_some(place)
    }

    /// A writer no longer writes an instance; `sample` tells the user if it was the last one
    /// (DDS 1.4 §2.2.2.5.1.3 NOT_ALIVE_NO_WRITERS). Whether it was.
    pub(super) fn remove_registration(
        &mut self,
        now: Monotonic,
        registration: Place,
        sample: Incoming,
    ) -> bool {
        let Registration { instance, writer, .. } = self.registrations[registration];
        self.instances[instance].registrations.remove(&mut self.registrations, registration);
        self.writers[writer].registrations.remove(&mut self.registrations, registration);
        self.registrations.remove(registration);
        if self.instances[instance].owner == writer {
            self.instances[instance].owner = self.strongest(instance);
        }
        let orphaned = self.instances[instance].registrations.is_empty()
            && self.instances[instance].state == InstanceState::Alive;
        if orphaned {
            self.end_life(now, instance, InstanceState::NotAliveNoWriters, sample);
        }
        orphaned
    }

    /// Whether `writer` may change `instance`; it becomes its owner if so. Ownership is per instance;
    /// of equally strong writers every reader chooses the same (DDS 1.4 §2.2.3.9.2).
    pub(super) fn claim(&mut self, instance: Place, writer: Place) -> bool {
        if !self.settings.exclusive {
            return true;
        }
        let owner = self.instances[instance].owner;
        if owner == writer {
            return true;
        }
        let wins = owner == NOWHERE || self.precedence(writer) > self.precedence(owner);
        if wins {
            self.instances[instance].owner = writer;
        }
        wins
    }

    fn precedence(&self, writer: Place) -> (i32, std::cmp::Reverse<Guid>) {
        let MatchedWriter { strength, guid, .. } = self.writers[writer].matched;
        (strength, std::cmp::Reverse(guid))
    }

    fn strongest(&self, instance: Place) -> Place {
        let mut strongest = NOWHERE;
        let mut place = self.instances[instance].registrations.head();
        while place != NOWHERE {
            let writer = self.registrations[place].writer;
            if strongest == NOWHERE || self.precedence(writer) > self.precedence(strongest) {
                strongest = writer;
            }
            place = slab::next::<OF_WRITERS_INSTANCE, _>(&self.registrations, place);
        }
        strongest
    }
}
