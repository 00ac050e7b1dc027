//! What is kept of one channel: history, limits, ownership and lifetimes, by the time that comes in.

#[cfg(test)]
mod tests;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
};

use dds_core::{
    qos::{DestinationOrderKind, Duration, HistoryKind, OwnershipKind, PublicationQos},
    rtps::{
        change::ChangeKind,
        structure::{Guid, SequenceNumber},
        time::{Monotonic, Now, Timestamp},
    },
};

use crate::record::{InstanceId, Record};

/// Where a record stands in the order of arrival; never given twice.
pub(crate) type Place = u64;

/// What of the channel's QoS matters here (DDS 1.4 §2.2.3.5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    keep_last: Option<usize>,
    max_samples: usize,
    max_instances: usize,
    max_samples_per_instance: usize,
    cleanup_delay: Duration,
    lifespan: Duration,
    exclusive: bool,
    by_source_timestamp: bool,
}

impl Rules {
    pub(crate) fn new(qos: &PublicationQos) -> Self {
        let service = &qos.durability_service;
        Self {
            keep_last: match service.history_kind {
                HistoryKind::KeepLast => Some(service.history_depth.max(1) as usize),
                HistoryKind::KeepAll => None,
            },
            max_samples: service.max_samples.as_usize(),
            max_instances: service.max_instances.as_usize(),
            max_samples_per_instance: service.max_samples_per_instance.as_usize(),
            cleanup_delay: service.service_cleanup_delay,
            lifespan: qos.lifespan.0,
            exclusive: qos.ownership.0 == OwnershipKind::Exclusive,
            by_source_timestamp: qos.destination_order.0 == DestinationOrderKind::BySourceTimestamp,
        }
    }
}

/// Why a change is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    /// It, or a later one of its writer, was here before.
    Repeat,
    /// Its writer is not known, or no longer.
    UnknownWriter,
    /// Its LIFESPAN is over.
    Expired,
    /// A stronger writer owns the instance (DDS 1.4 §2.2.3.9.2).
    NotOwner,
    /// It is older, by its source timestamp, than all that are kept.
    OutOfOrder,
    /// It says nothing new of its instance.
    NoChange,
    /// A limit of DURABILITY_SERVICE, or of the service, is reached.
    Full,
}

/// A change as it comes from its writer.
pub(crate) struct Incoming {
    pub(crate) kind: ChangeKind,
    pub(crate) record: Record,
}

/// The records of one channel.
#[derive(Debug)]
pub(crate) struct Archive {
    rules: Rules,
    records: BTreeMap<Place, Record>,
    instances: HashMap<InstanceId, Instance>,
    writers: HashMap<Guid, Writer>,
    /// Ends of LIFESPANs, by the wall clock.
    expiries: BTreeSet<(Timestamp, Place)>,
    /// When instances are forgotten.
    cleanups: BTreeSet<(Monotonic, InstanceId)>,
    next_place: Place,
    values: usize,
    bytes: usize,
    /// Writers forgotten since that was asked for.
    forgotten: Vec<Guid>,
}

#[derive(Debug, Default)]
struct Instance {
    places: VecDeque<Place>,
    values: usize,
    /// Alive writers that have not unregistered it.
    writers: HashSet<Guid>,
    owner: Option<Guid>,
    disposed: bool,
    cleanup: Option<Monotonic>,
}

/// A writer that is matched, or of which there are records.
#[derive(Debug)]
struct Writer {
    strength: i32,
    present: bool,
    alive: bool,
    latest: SequenceNumber,
    instances: HashSet<InstanceId>,
    records: usize,
}

impl Archive {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            records: BTreeMap::new(),
            instances: HashMap::new(),
            writers: HashMap::new(),
            expiries: BTreeSet::new(),
            cleanups: BTreeSet::new(),
            next_place: 1,
            values: 0,
            bytes: 0,
            forgotten: Vec::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(crate) fn instance_count(&self) -> usize {
        self.instances.len()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn record(&self, place: Place) -> Option<&Record> {
        self.records.get(&place)
    }

    /// The records of one writer, by place.
    pub(crate) fn places_of(&self, writer: Guid) -> Vec<Place> {
        let of_writer = |(place, record): (&Place, &Record)| (record.writer == writer).then_some(*place);
        self.records.iter().filter_map(of_writer).collect()
    }

    /// The records of an instance from a place on.
    pub(crate) fn places_in(&self, instance: &InstanceId, from: Place) -> Vec<Place> {
        let places = self.instances.get(instance).map(|instance| &instance.places);
        places.into_iter().flatten().copied().filter(|place| *place >= from).collect()
    }

    /// The first writers of records that are not present.
    pub(crate) fn absent_writers(&self) -> Vec<Guid> {
        let absent = self.writers.iter().filter(|(_, writer)| !writer.present && writer.records > 0);
        absent.map(|(guid, _)| *guid).collect()
    }

    /// The writers of which nothing is known any more, since this was asked last.
    pub(crate) fn take_forgotten_writers(&mut self) -> Vec<Guid> {
        std::mem::take(&mut self.forgotten)
    }

    /// Whether a writer is matched.
    /// Whether a writer belongs here, alive or gone.
    pub(crate) fn knows(&self, writer: Guid) -> bool {
        self.writers.contains_key(&writer)
    }

    pub(crate) fn is_present(&self, writer: Guid) -> bool {
        self.writers.get(&writer).is_some_and(|writer| writer.present)
    }

    pub(crate) fn present_writers(&self) -> usize {
        self.writers.values().filter(|writer| writer.present).count()
    }

    /// The last number got of each writer.
    pub(crate) fn latest(&self, writer: Guid) -> Option<SequenceNumber> {
        self.writers.get(&writer).map(|writer| writer.latest)
    }

    /// A writer is matched, or changed its QoS.
    pub(crate) fn writer_joined(&mut self, guid: Guid, strength: i32) {
        let writer = self.writers.entry(guid).or_insert_with(|| Writer::new(strength));
        writer.strength = strength;
        writer.present = true;
        writer.alive = true;
    }

    /// A writer's liveliness changed: without it, it owns nothing and writes no instance.
    pub(crate) fn writer_liveliness(&mut self, now: Now, guid: Guid, alive: bool) {
        let Some(writer) = self.writers.get_mut(&guid) else { return };
        writer.alive = alive;
        if !alive {
            self.release(now, guid);
        }
    }

    /// A writer is gone.
    pub(crate) fn writer_left(&mut self, now: Now, guid: Guid) {
        let Some(writer) = self.writers.get_mut(&guid) else { return };
        (writer.present, writer.alive) = (false, false);
        self.release(now, guid);
        self.forget_writer_if_unused(guid);
    }

    fn release(&mut self, now: Now, guid: Guid) {
        let Some(writer) = self.writers.get_mut(&guid) else { return };
        for instance in std::mem::take(&mut writer.instances) {
            self.unregister(now, guid, &instance);
        }
    }

    fn unregister(&mut self, now: Now, writer: Guid, id: &InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.writers.remove(&writer);
        if instance.owner == Some(writer) {
            instance.owner = None;
        }
        self.schedule_cleanup(now, id);
        self.forget_instance_if_unused(id);
    }

    /// Starts the delay when the instance is disposed of and nobody writes it any more
    /// (DDS 1.4 §2.2.3.5).
    fn schedule_cleanup(&mut self, now: Now, id: &InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let due = instance.disposed && instance.writers.is_empty();
        if let Some(at) = instance.cleanup.filter(|_| !due) {
            self.cleanups.remove(&(at, *id));
            instance.cleanup = None;
        } else if due && instance.cleanup.is_none() {
            let at = now.monotonic.after(self.rules.cleanup_delay);
            instance.cleanup = Some(at);
            self.cleanups.insert((at, *id));
        }
    }

    /// Takes a change in and says where it stands; appends what it replaces.
    pub(crate) fn admit(
        &mut self,
        now: Now,
        incoming: Incoming,
        room: usize,
        removed: &mut Vec<Place>,
    ) -> Result<Place, Refusal> {
        let Incoming { kind, record } = incoming;
        let (guid, id) = (record.writer, record.instance);
        let writer = self.writers.get_mut(&guid).ok_or(Refusal::UnknownWriter)?;
        if record.number <= writer.latest {
            return Err(Refusal::Repeat);
        }
        writer.latest = record.number;
        let result = match kind {
            ChangeKind::Alive => self.admit_value(now, record, room, removed),
            _ => self.admit_end(now, kind, record, room, removed),
        };
        if kind.is_unregistered() {
            if let Some(writer) = self.writers.get_mut(&guid) {
                writer.instances.remove(&id);
            }
            self.unregister(now, guid, &id);
        }
        result
    }

    fn admit_value(
        &mut self,
        now: Now,
        mut record: Record,
        room: usize,
        removed: &mut Vec<Place>,
    ) -> Result<Place, Refusal> {
        record.expiry = self.expiry(now, &record)?;
        let id = record.instance;
        self.claim(&record)?;
        let depth = self.rules.keep_last.unwrap_or(usize::MAX);
        let values = self.instances.get(&id).map_or(0, |instance| instance.values);
        let oldest = if values >= depth { self.oldest_value(&id) } else { None };
        if let Some(oldest) = oldest {
            let order = |record: &Record| (record.source_timestamp, record.writer, record.number);
            let replaced = self.records.get(&oldest);
            if self.rules.by_source_timestamp && replaced.is_some_and(|old| order(old) > order(&record)) {
                return Err(Refusal::OutOfOrder);
            }
        } else {
            let is_new = !self.instances.contains_key(&id);
            let full = self.values >= self.rules.max_samples
                || (self.rules.keep_last.is_none() && values >= self.rules.max_samples_per_instance)
                || (is_new && self.instances.len() >= self.rules.max_instances);
            if full {
                return Err(Refusal::Full);
            }
        }
        if record.size() > room {
            return Err(Refusal::Full);
        }
        if let Some(oldest) = oldest {
            self.remove(oldest, removed);
            self.drop_leading_ends(&id, removed);
        }
        let guid = record.writer;
        let place = self.insert(record);
        let instance = self.instances.entry(id).or_default();
        instance.disposed = false;
        instance.writers.insert(guid);
        if let Some(writer) = self.writers.get_mut(&guid) {
            writer.instances.insert(id);
        }
        self.schedule_cleanup(now, &id);
        Ok(place)
    }

    /// A disposal, an unregistration or both.
    fn admit_end(
        &mut self,
        now: Now,
        kind: ChangeKind,
        mut record: Record,
        room: usize,
        removed: &mut Vec<Place>,
    ) -> Result<Place, Refusal> {
        let id = record.instance;
        if !kind.is_disposed() || self.instances.get(&id).is_some_and(|instance| instance.disposed) {
            return Err(Refusal::NoChange);
        }
        self.claim(&record)?;
        let is_new = !self.instances.contains_key(&id);
        if record.size() > room || (is_new && self.instances.len() >= self.rules.max_instances) {
            return Err(Refusal::Full);
        }
        let guid = record.writer;
        (record.kind, record.expiry) = (ChangeKind::NotAliveDisposed, Timestamp::MAX);
        let place = self.insert(record);
        let instance = self.instances.entry(id).or_default();
        instance.disposed = true;
        instance.writers.insert(guid);
        if let Some(writer) = self.writers.get_mut(&guid) {
            writer.instances.insert(id);
        }
        // As many ends as values and one more: the oldest tell nothing that the rest does not.
        while let Some(instance) = self.instances.get(&id)
            && instance.places.len() > instance.values.saturating_mul(2).saturating_add(1)
        {
            let end = |place: &&Place| {
                self.records.get(place).is_some_and(|record| record.kind != ChangeKind::Alive)
            };
            let Some(oldest) = instance.places.iter().find(end).copied() else { break };
            self.remove(oldest, removed);
        }
        self.schedule_cleanup(now, &id);
        Ok(place)
    }

    /// When the LIFESPAN ends, by the wall clock: it goes on while the service is down.
    fn expiry(&self, now: Now, record: &Record) -> Result<Timestamp, Refusal> {
        let Some(span) = self.rules.lifespan.as_nanos() else { return Ok(Timestamp::MAX) };
        // A writer whose clock is ahead gains nothing.
        let written = record.source_timestamp.as_nanos().min(now.wall.as_nanos());
        let expiry = Timestamp::from_nanos(written.saturating_add(span));
        if expiry <= now.wall { Err(Refusal::Expired) } else { Ok(expiry) }
    }

    /// Whether the writer may change the instance, as a reader would decide (DDS 1.4 §2.2.3.9.2).
    fn claim(&mut self, record: &Record) -> Result<(), Refusal> {
        if !self.rules.exclusive {
            return Ok(());
        }
        let precedence = |guid: Guid| {
            let writer = self.writers.get(&guid).filter(|writer| writer.alive);
            writer.map(|writer| (writer.strength, Reverse(guid)))
        };
        let Some(instance) = self.instances.get(&record.instance) else { return Ok(()) };
        let owner = instance.owner.filter(|owner| *owner != record.writer);
        if owner.and_then(precedence) > precedence(record.writer) {
            return Err(Refusal::NotOwner);
        }
        Ok(())
    }

    fn oldest_value(&self, id: &InstanceId) -> Option<Place> {
        let places = &self.instances.get(id)?.places;
        let values = places.iter().filter_map(|place| {
            let record = self.records.get(place)?;
            (record.kind == ChangeKind::Alive).then_some((place, record))
        });
        let oldest = match self.rules.by_source_timestamp {
            true => values.min_by_key(|(_, record)| (record.source_timestamp, record.writer, record.number)),
            false => values.min_by_key(|(place, _)| **place),
        };
        oldest.map(|(place, _)| *place)
    }

    /// Ends before the first value that is kept tell of lives that nobody can see any more.
    fn drop_leading_ends(&mut self, id: &InstanceId, removed: &mut Vec<Place>) {
        while let Some(first) = self.instances.get(id).and_then(|instance| instance.places.front()).copied() {
            if self.records.get(&first).is_none_or(|record| record.kind == ChangeKind::Alive) {
                return;
            }
            self.remove(first, removed);
        }
    }

    /// Puts a record that was read from disk back in its place.
    pub(crate) fn restore(&mut self, place: Place, record: Record) {
        let disposed = record.kind != ChangeKind::Alive;
        let (guid, id, number) = (record.writer, record.instance, record.number);
        self.next_place = self.next_place.max(place);
        self.insert_at(place, record);
        self.instances.entry(id).or_default().disposed = disposed;
        self.restore_writer(guid, number);
    }

    /// Remembers how far a writer had come.
    pub(crate) fn restore_writer(&mut self, guid: Guid, latest: SequenceNumber) {
        let writer = self.writers.entry(guid).or_insert_with(|| Writer::new(0));
        writer.latest = writer.latest.max(latest);
    }

    /// Starts the delays of what was disposed of before a restart: nobody is known to write it.
    pub(crate) fn restored(&mut self, now: Now) {
        let ids: Vec<_> = self.instances.keys().copied().collect();
        for id in ids {
            self.schedule_cleanup(now, &id);
        }
    }

    fn insert(&mut self, record: Record) -> Place {
        let place = self.next_place;
        self.insert_at(place, record);
        place
    }

    fn insert_at(&mut self, place: Place, record: Record) {
        self.next_place = self.next_place.max(place).saturating_add(1);
        let is_value = record.kind == ChangeKind::Alive;
        let instance = self.instances.entry(record.instance).or_default();
        instance.places.push_back(place);
        instance.values += usize::from(is_value);
        if self.rules.exclusive {
            instance.owner = Some(record.writer);
        }
        self.values += usize::from(is_value);
        self.bytes = self.bytes.saturating_add(record.size());
        if record.expiry < Timestamp::MAX {
            self.expiries.insert((record.expiry, place));
        }
        self.writers.entry(record.writer).or_insert_with(|| Writer::new(0)).records += 1;
        self.records.insert(place, record);
    }

    fn remove(&mut self, place: Place, removed: &mut Vec<Place>) {
        let Some(record) = self.records.remove(&place) else { return };
        removed.push(place);
        let is_value = record.kind == ChangeKind::Alive;
        if let Some(instance) = self.instances.get_mut(&record.instance) {
            instance.places.retain(|other| *other != place);
            instance.values -= usize::from(is_value);
        }
        self.values -= usize::from(is_value);
        self.bytes = self.bytes.saturating_sub(record.size());
        self.expiries.remove(&(record.expiry, place));
        if let Some(writer) = self.writers.get_mut(&record.writer) {
            writer.records -= 1;
        }
        self.forget_writer_if_unused(record.writer);
    }

    fn forget_writer_if_unused(&mut self, guid: Guid) {
        if self.writers.get(&guid).is_some_and(|writer| !writer.present && writer.records == 0) {
            self.writers.remove(&guid);
            self.forgotten.push(guid);
        }
    }

    fn forget_instance_if_unused(&mut self, id: &InstanceId) {
        let unused = |instance: &Instance| instance.places.is_empty() && instance.writers.is_empty();
        if self.instances.get(id).is_some_and(unused)
            && let Some(at) = self.instances.remove(id).and_then(|instance| instance.cleanup)
        {
            self.cleanups.remove(&(at, *id));
        }
    }

    /// Lets time pass: appends what is to be forgotten.
    pub(crate) fn expire(&mut self, now: Now, removed: &mut Vec<Place>) {
        while let Some((at, place)) = self.expiries.first().copied().filter(|(at, _)| *at <= now.wall) {
            let instance = self.records.get(&place).map(|record| record.instance);
            self.remove(place, removed);
            self.expiries.remove(&(at, place));
            if let Some(id) = instance {
                self.forget_instance_if_unused(&id);
            }
        }
        while let Some((at, id)) = self.cleanups.first().copied().filter(|(at, _)| *at <= now.monotonic) {
            self.cleanups.remove(&(at, id));
            let places = self.instances.remove(&id).map(|instance| instance.places).unwrap_or_default();
            for place in places {
                self.remove(place, removed);
            }
        }
    }

    /// When [`Archive::expire`] has something to do.
    pub(crate) fn next_timeout(&self, now: Now) -> Monotonic {
        let cleanup = self.cleanups.first().map_or(Monotonic::NEVER, |(at, _)| *at);
        let expiry = self.expiries.first().map_or(Monotonic::NEVER, |(at, _)| {
            let left = at.as_nanos().saturating_sub(now.wall.as_nanos());
            Monotonic::from_nanos(now.monotonic.as_nanos().saturating_add(left))
        });
        cleanup.min(expiry)
    }
}

impl Writer {
    fn new(strength: i32) -> Self {
        Self {
            strength,
            present: false,
            alive: false,
            latest: SequenceNumber::ZERO,
            instances: HashSet::new(),
            records: 0,
        }
    }
}
