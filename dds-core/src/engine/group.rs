//! What the writers of one publisher do together: coherent sets and, with access scope GROUP, one numbering of
//! all their changes (DDS 1.4 §2.2.3.6, RTPS 2.5 §8.7.5, §8.7.6).

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use dds_qos::{AccessScope, Presentation};
use dds_rtps::{
    change::CacheChange,
    message::{GroupDigest, InlineQosToSend},
    structure::{EntityId, SequenceNumber},
    time::Now,
    writer::PublisherNumbers,
};
use parking_lot::{Mutex, MutexGuard};

use super::{Engine, WriterEndpoint, WriterState, writer::Urgency};
use crate::error::{DdsError, DdsResult};

/// The writers of a publisher with PRESENTATION access scope GROUP: the unit that is locked when one of
/// them writes, so that the samples of all have one order (DDS 1.4 §2.2.3.6, RTPS 2.5 §8.7.5).
///
/// Taken before a writer's own lock, and never two of them.
#[derive(Debug, Default)]
pub(crate) struct DeliveryGroup {
    state: Mutex<GroupState>,
    numbers: Arc<PublisherNumbers>,
}

/// What the group's lock guards.
#[derive(Debug, Default)]
pub(crate) struct GroupState {
    last: SequenceNumber,
    /// The number of the open coherent set's first change, once there is one.
    open_set: Option<SequenceNumber>,
    /// The sets that some writer still holds, and which writers wrote into them.
    sets: BTreeMap<SequenceNumber, Vec<EntityId>>,
    /// Sets of no more use, which all writers forget when the next set ends.
    over: Vec<SequenceNumber>,
}

impl DeliveryGroup {
    pub(super) fn lock(&self) -> MutexGuard<'_, GroupState> {
        self.state.lock()
    }

    /// Gives a change its number, and the marks of the set that it is in. The writer is locked.
    pub(super) fn number(&self, group: &mut GroupState, in_set: bool, inline_qos: &mut InlineQosToSend) {
        let number = group.advance();
        self.numbers.set_current(number);
        inline_qos.group_seq_num = Some(number);
        inline_qos.writer_group_info = Some(self.numbers.writer_set());
        if in_set {
            inline_qos.group_coherent_set = Some(*group.open_set.get_or_insert(number));
        }
    }
}

impl GroupState {
    fn advance(&mut self) -> SequenceNumber {
        self.last = self.last.next();
        self.last
    }

    /// A writer holds nothing of use of these sets any more.
    fn finished(&mut self, writer: EntityId, sets: Vec<SequenceNumber>) {
        for set in sets {
            let Some(writers) = self.sets.get_mut(&set) else { continue };
            writers.retain(|other| *other != writer);
            if writers.is_empty() {
                self.sets.remove(&set);
                self.over.push(set);
            }
        }
    }

    /// A writer is gone: sets that it wrote into can never be had whole again.
    fn left(&mut self, writer: EntityId) {
        let Self { sets, over, .. } = self;
        sets.retain(|set, writers| {
            let broken = writers.contains(&writer);
            if broken {
                over.push(*set);
            }
            !broken
        });
    }
}

/// A publisher below its API.
#[derive(Default)]
pub(crate) struct PublisherGroup {
    /// PRESENTATION `coherent_access`.
    coherent: bool,
    /// With access scope GROUP: what orders the samples of all writers.
    pub(crate) order: Option<Arc<DeliveryGroup>>,
    /// Purpose: sets begin and end for all writers alike. Taken before the group's and
    /// the writers' locks.
    members: Mutex<Members>,
}

#[derive(Default)]
struct Members {
    writers: Vec<Weak<WriterEndpoint>>,
    open_sets: u32,
}

impl Members {
    fn alive(&self) -> Vec<Arc<WriterEndpoint>> {
        self.writers.iter().filter_map(Weak::upgrade).collect()
    }
}

impl PublisherGroup {
    pub(crate) fn new(presentation: &Presentation) -> Self {
        let is_group = presentation.access_scope == AccessScope::Group;
        Self {
            coherent: presentation.coherent_access,
            order: is_group.then(Arc::default),
            members: Mutex::default(),
        }
    }

    /// Whether a writer may join now (RTPS 2.5 §8.7.6: not while a set of the group is open).
    pub(crate) fn check_may_join(&self, operation: &'static str) -> DdsResult<()> {
        let is_open = self.members.lock().open_sets > 0;
        if is_open && self.order.is_some() && self.coherent {
            return Err(DdsError::precondition(
                operation,
                "that the publisher's coherent set, which spans all its writers, has ended; call end_coherent_changes() first",
            ));
        }
        Ok(())
    }

    /// Takes in a writer that nobody else knows yet.
    pub(crate) fn join(&self, writer: &Arc<WriterEndpoint>) {
        let mut members = self.members.lock();
        members.writers.retain(|known| known.strong_count() > 0);
        members.writers.push(Arc::downgrade(writer));
        let mut state = writer.state.lock();
        if self.coherent {
            state.cache.enable_sets();
            if members.open_sets > 0 {
                state.cache.begin_set();
            }
        }
        if let Some(order) = &self.order {
            state.machine.join_group(order.numbers.clone());
        }
    }

    /// A writer is about to be announced.
    pub(crate) fn enabled(&self) {
        self.announce_writers(&self.members.lock());
    }

    /// A writer is being deleted.
    pub(crate) fn leave(&self, writer: &WriterEndpoint) {
        let mut members = self.members.lock();
        members.writers.retain(|known| {
            known.strong_count() > 0 && !std::ptr::eq(known.as_ptr(), std::ptr::from_ref(writer))
        });
        if let Some(order) = &self.order {
            order.lock().left(writer.guid.entity_id);
            self.announce_writers(&members);
        }
    }

    fn announce_writers(&self, members: &Members) {
        if let Some(order) = &self.order {
            let announced = members.alive().into_iter().filter(|writer| writer.lifecycle.is_enabled());
            let ids = announced.map(|writer| writer.guid.entity_id);
            order.numbers.set_writer_set(GroupDigest::of(ids));
        }
    }

    /// DDS 1.4 §2.2.2.4.1.10.
    pub(crate) fn begin_coherent_changes(&self) {
        let mut members = self.members.lock();
        members.open_sets += 1;
        if members.open_sets > 1 || !self.coherent {
            return;
        }
        let _order = self.order.as_deref().map(DeliveryGroup::lock);
        for writer in members.alive() {
            writer.state.lock().cache.begin_set();
        }
    }

    /// DDS 1.4 §2.2.2.4.1.11.
    pub(crate) fn end_coherent_changes(&self, engine: &Engine) -> DdsResult<()> {
        let now = engine.environment.now();
        let writers = {
            let mut members = self.members.lock();
            let Some(left) = members.open_sets.checked_sub(1) else {
                return Err(DdsError::precondition(
                    "end_coherent_changes",
                    "a coherent set; call begin_coherent_changes() first",
                ));
            };
            members.open_sets = left;
            if left > 0 || !self.coherent {
                return Ok(());
            }
            let writers = members.alive();
            match &self.order {
                Some(order) => end_group_set(now, order, &writers),
                None => writers.iter().for_each(|writer| end_writers_set(now, writer)),
            }
            writers
        };
        engine.flush_all(now, &writers);
        Ok(())
    }
}

impl Engine {
    fn flush_all(&self, now: Now, writers: &[Arc<WriterEndpoint>]) {
        for writer in writers {
            self.flush(now, writer, writer.state.lock(), Urgency::Now);
        }
        self.drain_loopback(now);
    }
}

/// Ends the set of one writer: a change without data, which names no set, says that it is over
/// (RTPS 2.5 §8.7.6). A writer that wrote nothing has nothing to end.
fn end_writers_set(now: Now, writer: &WriterEndpoint) {
    let mut state = writer.state.lock();
    if !state.cache.open_set_has_changes() {
        state.cache.end_set(None, None);
        return;
    }
    let number = state.machine.history().next_number();
    state.cache.end_set(Some(number), None);
    let unknown = Some(SequenceNumber::UNKNOWN);
    add_end_mark(now, writer, &mut state, InlineQosToSend { coherent_set: unknown, ..Default::default() });
}

/// Ends the set of a group: every writer says so, under one group number (RTPS 2.5 §8.7.6 ECS).
fn end_group_set(now: Now, order: &DeliveryGroup, writers: &[Arc<WriterEndpoint>]) {
    let mut group = order.lock();
    let Some(set) = group.open_set.take() else {
        writers.iter().for_each(|writer| writer.state.lock().cache.end_set(None, None));
        return;
    };
    let end = group.advance();
    let mut authors = Vec::new();
    for writer in writers {
        let mut state = writer.state.lock();
        if state.cache.open_set_has_changes() {
            authors.push(writer.guid.entity_id);
        }
        let number = state.machine.history().next_number();
        state.cache.end_set(Some(number), Some(set));
        let marks = InlineQosToSend {
            group_seq_num: Some(end),
            group_coherent_set: Some(set),
            writer_group_info: Some(order.numbers.writer_set()),
            ..Default::default()
        };
        add_end_mark(now, writer, &mut state, marks);
        group.finished(writer.guid.entity_id, state.cache.take_finished_sets());
    }
    group.sets.insert(set, authors);
    let over = std::mem::take(&mut group.over);
    if !over.is_empty() {
        writers.iter().for_each(|writer| writer.state.lock().forget_sets(&over));
    }
    // Only now: whoever heard it of a writer whose end mark is not there yet would take that one for
    // lost.
    order.numbers.set_current(end);
}

fn add_end_mark(now: Now, writer: &WriterEndpoint, state: &mut WriterState, marks: InlineQosToSend) {
    state.machine.add_change(CacheChange {
        writer_guid: writer.guid,
        source_timestamp: Some(now.wall),
        inline_qos: Some(Box::new(marks)),
        ..CacheChange::default()
    });
}
