//! What a DataWriter's history holds, by instance.

mod sets;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use dds_qos::{DataWriterQos, DurabilityKind, Duration};
use dds_rtps::{
    change::ChangeKind,
    structure::SequenceNumber,
    time::{Monotonic, Now, Timestamp},
};
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{
    handle_index::{HandleIndex, Positioned},
    key_table::{KeyTable, is_same_key},
    limits::{DeadlineMissed, Limits},
    slab::{Link, Linked, List, NOWHERE, Place, Slab},
    timers::Timers,
};
use crate::{
    error::Resource,
    instance::{InstanceHandle, InstanceHandleAllocator},
};

/// The instances of one writer and which of its changes belong to each.
///
/// The changes themselves lie in the protocol writer's history under the same lock; this says which to
/// remove from there. Samples with data count towards HISTORY and RESOURCE_LIMITS; disposals and
/// unregistrations always find room, and at most two of them follow one sample of an instance.
///
/// An instance is forgotten when it is not registered and no change of it is held.
#[derive(Debug)]
pub struct WriterCache {
    settings: Settings,
    handles: InstanceHandleAllocator,
    instances: Slab<Instance>,
    by_key: KeyTable,
    by_handle: HandleIndex,
    /// The instance written last, which is often written again.
    latest: Place,
    changes: Slab<Change>,
    /// Only where somebody looks changes up: see [`WriterCache::finds_by_number`].
    by_number: HashMap<SequenceNumber, Place>,
    /// All changes but the recent ones, ascending.
    in_order: List<IN_ORDER>,
    /// Changes with data above those, which nobody needs in lists so far: they leave in their order.
    recent: VecDeque<Recent>,
    valid_changes: usize,
    /// Changes after which a late joiner need not hear of their instance any more.
    last_words: VecDeque<SequenceNumber>,
    lifespans: Timers,
    deadlines: List<DEADLINE>,
    /// Where the publisher writes coherent sets.
    sets: Option<Box<sets::Sets>>,
}

/// What of the writer's QoS matters here.
#[derive(Clone, Copy, Debug)]
struct Settings {
    limits: Limits,
    /// Whether acknowledged changes are kept for late joiners.
    durable: bool,
    deadline: Duration,
    lifespan: Duration,
    autodispose: bool,
}

impl Settings {
    fn new(qos: &DataWriterQos) -> Self {
        Self {
            limits: Limits::new(&qos.history, &qos.resource_limits),
            durable: qos.durability.0 != DurabilityKind::Volatile,
            deadline: qos.deadline.0,
            lifespan: qos.lifespan.0,
            autodispose: qos.writer_data_lifecycle.autodispose_unregistered_instances,
        }
    }
}

/// Names an instance of a writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstanceKey<'k> {
    /// By canonical key; empty for a type without key.
    Canonical(&'k [u8]),
    /// By handle.
    Handle(InstanceHandle),
}

/// A change that wants into the history.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WriteRequest<'k> {
    /// What it does to its instance.
    pub kind: ChangeKind,
    /// Its instance.
    pub instance: &'k InstanceKey<'k>,
    /// The number it will get: above all before.
    pub sequence_number: SequenceNumber,
    /// When it was written, for LIFESPAN.
    pub source_timestamp: Timestamp,
}

/// Whether a change may enter the history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Admission {
    /// It has. The changes that it replaces leave the history.
    Admitted {
        /// The instance.
        instance: InstanceHandle,
        /// What KEEP_LAST replaces.
        evict: SmallVec<[SequenceNumber; 1]>,
    },
    /// There is no room (DDS 1.4 §2.2.2.4.2.11).
    Full {
        /// The limit.
        resource: Resource,
        /// Its value.
        limit: usize,
        /// What would make room.
        wait_for: WaitFor,
    },
    /// Only an instance that is registered can be disposed of or unregistered
    /// (DDS 1.4 §2.2.2.4.2.7, §2.2.2.4.2.13).
    NotRegistered,
}

/// What makes room in a full history.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum WaitFor {
    /// Readers acknowledging, or LIFESPAN ending: worth waiting for.
    Acknowledgment,
    /// Only another call of the application: an instance that is unregistered.
    Application,
}

const IN_ORDER: usize = 0;
const OF_INSTANCE: usize = 1;
const DEADLINE: usize = 0;

#[derive(Debug)]
struct Change {
    links: [Link; 2],
    instance: Place,
    number: SequenceNumber,
    kind: ChangeKind,
}

/// A change with data that is in no list.
#[derive(Debug)]
struct Recent {
    number: SequenceNumber,
    instance: Place,
}

impl Linked for Change {
    fn link(&self, list: usize) -> &Link {
        &self.links[list]
    }
    fn link_mut(&mut self, list: usize) -> &mut Link {
        &mut self.links[list]
    }
}

#[derive(Debug)]
struct Instance {
    deadline_link: Link,
    last_write: Monotonic,
    handle: InstanceHandle,
    key: Box<[u8]>,
    key_seed_hash: u64,
    position: u32,
    registered: bool,
    /// Whether its last change but for unregistrations was a disposal.
    disposed: bool,
    changes: List<OF_INSTANCE>,
    valid: usize,
}

impl Linked for Instance {
    fn link(&self, _: usize) -> &Link {
        &self.deadline_link
    }
    fn link_mut(&mut self, _: usize) -> &mut Link {
        &mut self.deadline_link
    }
}

impl Positioned for Instance {
    fn set_position(&mut self, position: u32) {
        self.position = position;
    }
}

impl WriterCache {
    /// An empty history. `handles` are those of the participant.
    pub fn new(qos: &DataWriterQos, handles: InstanceHandleAllocator) -> Self {
        Self {
            settings: Settings::new(qos),
            handles,
            instances: Slab::new(),
            by_key: KeyTable::default(),
            by_handle: HandleIndex::default(),
            latest: NOWHERE,
            changes: Slab::new(),
            by_number: HashMap::new(),
            in_order: List::EMPTY,
            recent: VecDeque::new(),
            valid_changes: 0,
            last_words: VecDeque::new(),
            lifespans: Timers::default(),
            deadlines: List::EMPTY,
            sets: None,
        }
    }

    /// Follows a change of the QoS policies that may change. A new LIFESPAN holds for later writes.
    pub fn update_qos(&mut self, qos: &DataWriterQos) {
        self.link_recent();
        self.settings = Settings::new(qos);
    }

    /// Changes held.
    pub fn len(&self) -> usize {
        self.changes.len() + self.recent.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What unregistering does: disposes too unless WRITER_DATA_LIFECYCLE says otherwise
    /// (DDS 1.4 §2.2.3.21).
    pub fn unregister_kind(&self) -> ChangeKind {
        if self.settings.autodispose {
            ChangeKind::NotAliveDisposedUnregistered
        } else {
            ChangeKind::NotAliveUnregistered
        }
    }

    /// The instance of a canonical key, if this writer has it (DDS 1.4 §2.2.2.4.2.10).
    pub fn lookup_instance(&self, canonical_key: &[u8]) -> Option<InstanceHandle> {
        let place = self.find_by_key(self.by_key.hash(canonical_key), canonical_key)?;
        Some(self.instances[place].handle)
    }

    /// The canonical key of an instance (DDS 1.4 §2.2.2.4.2.9).
    pub fn key_value(&self, instance: InstanceHandle) -> Option<&[u8]> {
        Some(&self.instances[self.by_handle.find(instance)?].key)
    }

    /// The instances that are registered: those to unregister when the writer is deleted.
    pub fn registered_instances(&self) -> impl Iterator<Item = InstanceHandle> + '_ {
        let places = self.instances.places().map(|place| &self.instances[place]);
        places.filter(|instance| instance.registered).map(|instance| instance.handle)
    }

    /// Announces that the instance will be written (DDS 1.4 §2.2.2.4.2.5).
    ///
    /// # Errors
    /// [`Admission::Full`] when `max_instances` is reached.
    pub fn register_instance(&mut self, canonical_key: &[u8]) -> Result<InstanceHandle, Admission> {
        let place = self.instance_of(InstanceKey::Canonical(canonical_key))?;
        self.instances[place].registered = true;
        Ok(self.instances[place].handle)
    }

    /// Lets a change in, if there is room, and says what it replaces.
    pub fn admit(&mut self, now: Now, request: &WriteRequest<'_>) -> Admission {
        let admitted = match request.kind {
            ChangeKind::Alive => self.admit_data(now, request),
            _ => self.admit_end(request),
        };
        match admitted {
            Ok((place, evict)) => Admission::Admitted { instance: self.instances[place].handle, evict },
            Err(refused) => refused,
        }
    }

    /// Whether a change that every reader has got need not be held: nothing is held, for nobody is to come.
    pub fn can_pass_on(&self) -> bool {
        !self.settings.durable && self.sets.is_none() && self.is_empty()
    }

    /// As [`WriterCache::admit`], of data that does not enter the history; see [`WriterCache::can_pass_on`].
    ///
    /// # Errors
    /// [`Admission::Full`].
    pub fn pass_on(&mut self, now: Now, instance: InstanceKey<'_>) -> Result<(), Admission> {
        let known = self.find(instance);
        self.check_room(known)?;
        let place = match known {
            Some(place) => place,
            None => self.instance_of(instance)?,
        };
        self.note_written(now, place);
        Ok(())
    }

    fn note_written(&mut self, now: Now, place: Place) {
        self.latest = place;
        let instance = &mut self.instances[place];
        instance.registered = true;
        instance.disposed = false;
        self.touch_deadline(now.monotonic, place);
    }

    fn admit_data(
        &mut self,
        now: Now,
        request: &WriteRequest<'_>,
    ) -> Result<(Place, SmallVec<[SequenceNumber; 1]>), Admission> {
        let known = self.find(*request.instance);
        if self.sets.is_some() {
            self.reclaim();
        }
        self.check_room(known)?;
        let place = match known {
            Some(place) => place,
            None => self.instance_of(*request.instance)?,
        };
        let mut evict = SmallVec::new();
        if self.sets.is_some() {
            self.take_reclaimed(&mut evict);
        }
        if let Some(depth) = self.settings.limits.keep_last {
            while self.instances[place].valid >= depth {
                let oldest = self.instances[place].changes.head();
                match self.sets {
                    None => evict.push(self.discard(oldest)),
                    Some(_) => self.replace(oldest, &mut evict),
                }
            }
        }
        if self.keeps_recent() {
            self.recent.push_back(Recent { number: request.sequence_number, instance: place });
            self.count_data(place);
        } else {
            let change = self.append(place, request);
            self.start_lifespan(now, change, request.source_timestamp);
        }
        self.note_written(now, place);
        Ok((place, evict))
    }

    fn admit_end(
        &mut self,
        request: &WriteRequest<'_>,
    ) -> Result<(Place, SmallVec<[SequenceNumber; 1]>), Admission> {
        self.link_recent();
        let place = self.find(*request.instance).ok_or(Admission::NotRegistered)?;
        if !self.instances[place].registered {
            return Err(Admission::NotRegistered);
        }
        let mut evict = SmallVec::new();
        // What the new change says again need not be said before.
        loop {
            let tail = self.instances[place].changes.tail();
            if tail == NOWHERE {
                break;
            }
            let old = self.changes[tail].kind;
            if old == ChangeKind::Alive || (old.is_disposed() && !request.kind.is_disposed()) {
                break;
            }
            self.replace(tail, &mut evict);
        }
        self.append(place, request);
        self.stop_deadline(place);
        let instance = &mut self.instances[place];
        instance.disposed |= request.kind.is_disposed();
        if request.kind.is_unregistered() {
            instance.registered = false;
            if instance.disposed && self.settings.durable {
                self.last_words.push_back(request.sequence_number);
            }
        }
        Ok((place, evict))
    }

    /// Whether one more sample with data fits (DDS 1.4 §2.2.3.18, §2.2.3.19).
    fn check_room(&self, instance: Option<Place>) -> Result<(), Admission> {
        let limits = &self.settings.limits;
        let valid = instance.map_or(0, |place| self.instances[place].valid);
        if limits.keep_last.is_some_and(|depth| valid >= depth) {
            return Ok(());
        }
        let (resource, limit) = if limits.keep_last.is_none() && valid >= limits.max_samples_per_instance {
            (Resource::MaxSamplesPerInstance, limits.max_samples_per_instance)
        } else if self.valid_changes >= limits.max_samples {
            (Resource::MaxSamples, limits.max_samples)
        } else {
            return Ok(());
        };
        let hopeless = self.settings.durable && self.settings.lifespan.is_infinite();
        let wait_for = if hopeless { WaitFor::Application } else { WaitFor::Acknowledgment };
        Err(Admission::Full { resource, limit, wait_for })
    }

    /// Whether changes are looked up by number: the last words about instances, members of sets. Both are
    /// known before the first change.
    fn finds_by_number(&self) -> bool {
        self.settings.durable || self.sets.is_some()
    }

    /// Whether changes with data only ever leave in their order, by being acknowledged.
    fn keeps_recent(&self) -> bool {
        !self.finds_by_number()
            && self.settings.limits.keep_last.is_none()
            && self.settings.lifespan.is_infinite()
    }

    /// Brings all changes into the lists.
    fn link_recent(&mut self) {
        while let Some(Recent { number, instance }) = self.recent.pop_front() {
            self.link(Change { links: [Link::UNLINKED; 2], instance, number, kind: ChangeKind::Alive });
        }
    }

    fn link(&mut self, change: Change) -> Place {
        let instance = change.instance;
        let place = self.changes.insert(change);
        self.in_order.push_back(&mut self.changes, place);
        self.instances[instance].changes.push_back(&mut self.changes, place);
        place
    }

    fn count_data(&mut self, instance: Place) {
        self.instances[instance].valid += 1;
        self.valid_changes += 1;
    }

    fn append(&mut self, place: Place, request: &WriteRequest<'_>) -> Place {
        let change = self.link(Change {
            links: [Link::UNLINKED; 2],
            instance: place,
            number: request.sequence_number,
            kind: request.kind,
        });
        if self.finds_by_number() {
            self.by_number.insert(request.sequence_number, change);
        }
        if let Some(sets) = &mut self.sets {
            sets.appended(request.sequence_number);
        }
        if request.kind == ChangeKind::Alive {
            self.count_data(place);
        }
        change
    }

    /// Removes a change; its instance stays.
    fn discard(&mut self, place: Place) -> SequenceNumber {
        self.lifespans.cancel(place);
        self.in_order.remove(&mut self.changes, place);
        self.unlink_from_instance(place);
        let Change { number, kind, .. } = self.changes.remove(place);
        self.valid_changes -= usize::from(kind == ChangeKind::Alive);
        if self.finds_by_number() {
            self.by_number.remove(&number);
        }
        if let Some(sets) = &mut self.sets {
            sets.discarded(number);
        }
        number
    }

    fn discard_and_forget(&mut self, place: Place) -> SequenceNumber {
        let Change { instance, ref links, .. } = self.changes[place];
        let is_of_instance = links[OF_INSTANCE].is_linked();
        let number = self.discard(place);
        if is_of_instance {
            self.forget_if_unused(instance);
        }
        number
    }

    /// All matched reliable readers have acknowledged everything up to `number` (or there is none).
    /// Appends the changes that nobody needs any more: all of them under VOLATILE, else those of
    /// instances that were disposed of and unregistered.
    pub fn acknowledged(&mut self, number: SequenceNumber, released: &mut Vec<SequenceNumber>) {
        if self.settings.durable {
            while let Some(last) = self.last_words.front().copied().filter(|last| *last <= number) {
                self.last_words.pop_front();
                // Gone by other means, or written again since?
                let Some(change) = self.by_number.get(&last) else { continue };
                let Change { instance, ref links, .. } = self.changes[*change];
                if links[OF_INSTANCE].is_linked() && self.instances[instance].changes.tail() == *change {
                    self.release_instance(instance, released);
                }
            }
            return;
        }
        loop {
            let first = self.in_order.head();
            if first == NOWHERE || self.changes[first].number > number {
                break;
            }
            released.push(self.discard_and_forget(first));
        }
        // Where one is left in the list, those after it are not acknowledged either.
        while let Some(first) = self.recent.front().filter(|first| first.number <= number) {
            let Recent { number, instance } = *first;
            self.recent.pop_front();
            self.instances[instance].valid -= 1;
            self.valid_changes -= 1;
            self.forget_if_unused(instance);
            released.push(number);
        }
        if self.sets.is_some() {
            self.release_end_marks(number, released);
        }
    }

    fn release_instance(&mut self, instance: Place, released: &mut Vec<SequenceNumber>) {
        while !self.instances[instance].changes.is_empty() {
            self.replace(self.instances[instance].changes.head(), released);
        }
        self.forget_if_unused(instance);
    }

    /// When [`WriterCache::expire`] has something to do; ask again after every other call.
    pub fn next_timeout(&self) -> Monotonic {
        let deadline = match self.deadlines.head() {
            NOWHERE => Monotonic::NEVER,
            first => self.instances[first].last_write.after(self.settings.deadline),
        };
        self.lifespans.next().min(deadline)
    }

    /// Lets time pass: appends the changes whose LIFESPAN is over, which leave the history, and the
    /// deadlines missed.
    pub fn expire(
        &mut self,
        now: Monotonic,
        expired: &mut Vec<SequenceNumber>,
        missed: &mut Vec<DeadlineMissed>,
    ) {
        while let Some(change) = self.lifespans.pop_due(now) {
            let set = self.set_of(self.changes[change].number);
            expired.push(self.discard_and_forget(change));
            if let Some(set) = set {
                self.finish_set(set, expired);
            }
        }
        let Some(period) = self.settings.deadline.as_nanos() else { return };
        loop {
            let place = self.deadlines.head();
            if place == NOWHERE {
                return;
            }
            let late = now.nanos_since(self.instances[place].last_write);
            if late < period.max(1) {
                return;
            }
            let periods = u32::try_from(late / period.max(1)).unwrap_or(u32::MAX);
            missed.push(DeadlineMissed { instance: self.instances[place].handle, periods });
            self.touch_deadline(now, place);
        }
    }

    fn start_lifespan(&mut self, now: Now, change: Place, written: Timestamp) {
        let Some(span) = self.settings.lifespan.as_nanos() else { return };
        let age = now.wall.as_nanos().saturating_sub(written.as_nanos());
        let left = span.saturating_sub(age);
        self.lifespans.set(change, Monotonic::from_nanos(now.monotonic.as_nanos().saturating_add(left)));
    }

    #[inline]
    fn touch_deadline(&mut self, now: Monotonic, place: Place) {
        if !(self.settings.deadline.is_infinite() && self.deadlines.is_empty()) {
            self.expect_another(now, place);
        }
    }

    fn expect_another(&mut self, now: Monotonic, place: Place) {
        self.stop_deadline(place);
        if !self.settings.deadline.is_infinite() {
            self.instances[place].last_write = now;
            self.deadlines.push_back(&mut self.instances, place);
        }
    }

    fn stop_deadline(&mut self, place: Place) {
        if self.instances[place].deadline_link.is_linked() {
            self.deadlines.remove(&mut self.instances, place);
        }
    }

    fn find(&self, key: InstanceKey<'_>) -> Option<Place> {
        if self.latest != NOWHERE {
            let latest = &self.instances[self.latest];
            let is_it = match key {
                InstanceKey::Canonical(key) => is_same_key(&latest.key, key),
                InstanceKey::Handle(handle) => latest.handle == handle,
            };
            if is_it {
                return Some(self.latest);
            }
        }
        match key {
            InstanceKey::Canonical(key) => self.find_by_key(self.by_key.hash(key), key),
            InstanceKey::Handle(handle) => self.by_handle.find(handle),
        }
    }

    fn find_by_key(&self, hash: u64, key: &[u8]) -> Option<Place> {
        self.by_key.find(hash, |place| is_same_key(&self.instances[place].key, key))
    }

    /// The instance of a key, made if need be.
    fn instance_of(&mut self, key: InstanceKey<'_>) -> Result<Place, Admission> {
        let key = match key {
            InstanceKey::Handle(handle) => {
                return self.by_handle.find(handle).ok_or(Admission::NotRegistered);
            }
            InstanceKey::Canonical(key) => key,
        };
        let hash = self.by_key.hash(key);
        if let Some(place) = self.find_by_key(hash, key) {
            return Ok(place);
        }
        let limit = self.settings.limits.max_instances;
        if self.instances.len() >= limit {
            return Err(Admission::Full {
                resource: Resource::MaxInstances,
                limit,
                wait_for: WaitFor::Application,
            });
        }
        let handle = self.handles.allocate();
        let place = self.instances.insert(Instance {
            deadline_link: Link::UNLINKED,
            last_write: Monotonic::ZERO,
            handle,
            key: key.into(),
            key_seed_hash: hash,
            position: 0,
            registered: false,
            disposed: false,
            changes: List::EMPTY,
            valid: 0,
        });
        self.by_handle.insert(handle, place, &mut self.instances);
        self.by_key.insert(hash, place);
        Ok(place)
    }

    fn forget_if_unused(&mut self, place: Place) {
        let instance = &self.instances[place];
        if instance.registered || !instance.changes.is_empty() || instance.valid > 0 {
            return;
        }
        self.stop_deadline(place);
        if self.latest == place {
            self.latest = NOWHERE;
        }
        let instance = self.instances.remove(place);
        self.by_key.remove(instance.key_seed_hash, place);
        self.by_handle.remove(instance.position, &mut self.instances);
    }
}
