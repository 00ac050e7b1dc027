//! What stands between a reader's protocol machine and its cache where access is coherent, or has the
//! scope GROUP (DDS 1.4 §2.2.3.6).

use dds_qos::{AccessScope, Presentation};
use dds_rtps::{
    change::CacheChange,
    message::HeartbeatGroupInfo,
    reader::{Offer, StatefulReader},
    structure::{Guid, SequenceNumber},
    time::Now,
};
use hashbrown::HashMap;

use super::reader::Shelf;
use crate::{
    cache::Room,
    presentation::{Assembler, Entry, GroupEvent, HELD_BYTES, HELD_SAMPLES, Heard, PartState, is_end_mark},
};

/// Puts changes together to sets and, with scope GROUP, hands them on to the subscriber.
pub(crate) struct Presenter {
    assembler: Assembler,
    writers: HashMap<Guid, WriterNotes>,
    /// What the subscriber has not collected yet, with scope GROUP.
    outbox: Vec<(Guid, GroupEvent)>,
    /// Samples of one writer that may wait with the subscriber.
    limit: usize,
    /// A change was refused since too much waits with the subscriber.
    blocked: bool,
}

/// What is noted of a matched writer.
#[derive(Debug, Default)]
struct WriterNotes {
    reliable: bool,
    /// Samples and bytes that wait with the subscriber.
    samples: usize,
    bytes: usize,
    /// With everything up to the number, nothing is missing of the writer up to the group number heard.
    heartbeat: Option<(SequenceNumber, Heard)>,
}

impl WriterNotes {
    fn is_full(&self, limit: usize) -> bool {
        self.samples >= limit || self.bytes >= HELD_BYTES
    }

    fn add(&mut self, change: &CacheChange) {
        self.samples += 1;
        self.bytes += change.payload.retained();
    }
}

impl Presenter {
    /// What a reader under this policy needs; none where changes go straight to the cache.
    pub(crate) fn of(presentation: &Presentation, max_samples: usize) -> Option<Box<Self>> {
        let is_group = presentation.access_scope == AccessScope::Group;
        if !is_group && !presentation.coherent_access {
            return None;
        }
        let assembler = if is_group {
            Assembler::of_groups(presentation.coherent_access)
        } else {
            Assembler::of_writers()
        };
        let limit = max_samples.clamp(1, HELD_SAMPLES);
        Some(Box::new(Self { assembler, writers: HashMap::new(), outbox: Vec::new(), limit, blocked: false }))
    }

    /// A writer is matched.
    pub(super) fn matched(&mut self, writer: Guid, reliable: bool) {
        self.writers.entry(writer).or_default().reliable = reliable;
    }

    /// A writer is gone; a set that it did not end can never be whole. How many of its samples are lost.
    pub(super) fn unmatched(&mut self, writer: Guid) -> usize {
        self.writers.remove(&writer);
        let Some((set, lost)) = self.assembler.forget(writer) else { return 0 };
        if self.assembler.is_group() {
            let (state, is_first) = (PartState::Broken, false);
            let (end, digest, changes) = (None, None, Vec::new());
            let part = GroupEvent::Part { set, end, digest, changes, state, is_first };
            self.outbox.push((writer, part));
        }
        lost
    }

    /// A number is not meant for this reader.
    pub(super) fn excuse(&mut self, writer: Guid, number: SequenceNumber) {
        self.assembler.excuse(writer, number);
    }

    /// Takes in the next change of its writer.
    pub(super) fn offer(&mut self, now: Now, change: &mut CacheChange, shelf: &mut Shelf<'_>) -> Offer {
        if self.assembler.is_group() {
            self.offer_to_group(change, shelf)
        } else {
            self.offer_to_cache(now, change, shelf)
        }
    }

    fn is_reliable(&self, writer: Guid) -> bool {
        self.writers.get(&writer).is_some_and(|notes| notes.reliable)
    }

    fn offer_to_cache(&mut self, now: Now, change: &mut CacheChange, shelf: &mut Shelf<'_>) -> Offer {
        let writer = change.writer_guid;
        if let Some(ended) = self.assembler.ends(change) {
            let mut is_shown = ended.is_whole;
            if ended.is_whole {
                match shelf.cache.room_for(ended.changes.iter()) {
                    Room::Now => {}
                    Room::Later if self.is_reliable(writer) => return Offer::NoRoom,
                    Room::Later => is_shown = false,
                    Room::Never { reason, instance } => {
                        is_shown = false;
                        shelf.reject(reason, instance);
                    }
                }
            }
            if let Some((_, mut changes, dropped)) = self.assembler.close(writer) {
                if is_shown {
                    for change in &mut changes {
                        shelf.show(now, change);
                    }
                } else {
                    shelf.lose(changes.len() + dropped);
                }
            }
        }
        match self.assembler.enter(change) {
            Entry::Single => shelf.show(now, change),
            Entry::Held | Entry::Mark { .. } => Offer::Done,
        }
    }

    fn offer_to_group(&mut self, change: &CacheChange, shelf: &mut Shelf<'_>) -> Offer {
        let writer = change.writer_guid;
        let marks = change.inline_qos.as_deref();
        let number = marks.and_then(|marks| marks.group_seq_num).filter(|number| number.is_valid());
        let digest = marks.and_then(|marks| marks.writer_group_info);
        let end_of = marks.and_then(|marks| marks.group_coherent_set).filter(|_| is_end_mark(change));
        let is_first = change.sequence_number == SequenceNumber::FIRST;
        let notes = self.writers.entry(writer).or_default();
        let is_full = notes.is_full(self.limit);
        if is_full && notes.reliable && self.assembler.ends(change).is_some() {
            self.blocked = true;
            return Offer::NoRoom;
        }
        if let Some(ended) = self.assembler.ends(change) {
            let state = if ended.is_whole && !is_full { PartState::Whole } else { PartState::Broken };
            if let Some((set, changes, dropped)) = self.assembler.close(writer) {
                let end = number.filter(|_| end_of == Some(set));
                let changes = if state == PartState::Whole {
                    changes.iter().for_each(|change| notes.add(change));
                    changes
                } else {
                    shelf.lose(changes.len() + dropped);
                    Vec::new()
                };
                self.outbox.push((writer, GroupEvent::Part { set, end, digest, changes, state, is_first }));
                if end.is_some() {
                    self.assembler.enter(change);
                    return Offer::Done;
                }
            }
        }
        match self.assembler.enter(change) {
            Entry::Held => {}
            Entry::Mark { is_gapless } => {
                let state = if is_gapless { PartState::Whole } else { PartState::Unknown };
                let event = match (number, end_of.filter(|_| self.assembler.is_coherent())) {
                    (end @ Some(_), Some(set)) => {
                        GroupEvent::Part { set, end, digest, changes: Vec::new(), state, is_first }
                    }
                    (Some(number), None) => GroupEvent::Advanced(Heard { number, digest }),
                    (None, _) => return Offer::Done,
                };
                self.outbox.push((writer, event));
            }
            Entry::Single if is_full => {
                self.blocked = true;
                return Offer::NoRoom;
            }
            Entry::Single => {
                notes.add(change);
                self.outbox.push((writer, GroupEvent::Single(change.clone())));
            }
        }
        Offer::Done
    }

    /// Notes what a heartbeat says of the writer's publisher.
    pub(super) fn note_heartbeat(&mut self, writer: Guid, last: SequenceNumber, info: &HeartbeatGroupInfo) {
        if !self.assembler.is_group() {
            return;
        }
        if let Some(notes) = self.writers.get_mut(&writer) {
            let known = notes.heartbeat.is_some_and(|(_, heard)| heard.number > info.current_gsn);
            if !known {
                let heard = Heard { number: info.current_gsn, digest: Some(info.writer_set) };
                notes.heartbeat = Some((last, heard));
            }
        }
    }

    /// Takes what is for the subscriber.
    pub(super) fn collect(&mut self, machine: &StatefulReader) -> Vec<(Guid, GroupEvent)> {
        let mut events = std::mem::take(&mut self.outbox);
        for (writer, notes) in &mut self.writers {
            let next = machine.writer(*writer).map(|proxy| proxy.next_expected());
            let reached = notes.heartbeat.filter(|(last, _)| next.is_some_and(|next| next > *last));
            if let Some((last, heard)) = reached {
                notes.heartbeat = None;
                let never_wrote = last == SequenceNumber::ZERO;
                let event = if never_wrote { GroupEvent::Began(heard) } else { GroupEvent::Advanced(heard) };
                events.push((*writer, event));
            }
        }
        events
    }

    /// A change left the subscriber.
    pub(super) fn left(&mut self, change: &CacheChange) {
        if let Some(notes) = self.writers.get_mut(&change.writer_guid) {
            notes.samples = notes.samples.saturating_sub(1);
            notes.bytes = notes.bytes.saturating_sub(change.payload.retained());
        }
    }

    /// Whether a change was refused that may find room now. Asking resets it.
    pub(super) fn wants_retry(&mut self) -> bool {
        std::mem::take(&mut self.blocked)
    }
}
