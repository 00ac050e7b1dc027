//! The way of a sample to readers of its writer's participant, which take it as it is.

use std::sync::Arc;

use dds_rtps::{
    change::ChangeKind,
    structure::{Guid, SequenceNumber},
    time::Now,
};
use smallvec::SmallVec;

use super::{
    Engine, Looped, ReaderEndpoint, Write, WriterEndpoint, WriterState,
    reader::{Aftermath, Offered},
    timers::TimerOwner,
};

/// A change that readers were given as it was written.
pub(super) struct PassedOn {
    pub(super) number: SequenceNumber,
    /// Readers that did not take it, and what they have: it must enter the history for them.
    refused: Vec<(Guid, SequenceNumber)>,
    readers: SmallVec<[(Arc<ReaderEndpoint>, Aftermath); 1]>,
}

impl PassedOn {
    /// Whether every reader has it.
    pub(super) fn is_complete(&self) -> bool {
        self.refused.is_empty()
    }
}

impl WriterState {
    /// Whether data can reach all who are to have it without the history.
    fn can_pass_on(&self) -> bool {
        !self.in_process.is_empty() && self.cache.can_pass_on() && self.machine.can_pass_on()
    }
}

impl Engine {
    /// Whether [`Engine::pass_on`] would do with plain data: all readers are of this participant, and none
    /// lacks anything.
    pub(crate) fn can_pass_on(&self, writer: &WriterEndpoint) -> bool {
        writer.group.is_none() && writer.state.lock().can_pass_on()
    }

    /// Gives data to all readers at once, without the history, where they are of this participant, lack
    /// nothing, and nobody who comes later is to have it. `None` where it is not so; nothing has happened
    /// then. Where a reader refuses it, it is still to be admitted to the history.
    pub(super) fn pass_on(
        &self,
        now: Now,
        state: &mut WriterState,
        writer: &WriterEndpoint,
        write: &mut Write<'_>,
    ) -> Option<PassedOn> {
        let is_plain =
            write.kind == ChangeKind::Alive && write.inline_qos.is_none() && write.audience.is_all();
        if !(is_plain && state.can_pass_on()) || state.cache.pass_on(now, write.instance).is_err() {
            return None;
        }
        let number = state.machine.history().next_number();
        let payload = std::mem::take(&mut write.payload);
        let offered = Offered {
            kind: write.kind,
            writer: writer.guid,
            number,
            source_timestamp: Some(write.source_timestamp.unwrap_or(now.wall)),
            key_hash: write.key_hash,
            payload: &payload,
        };
        let (mut readers, mut refused) = (SmallVec::new(), Vec::new());
        for reader in &state.in_process {
            let (through, aftermath) = reader.take_over_settled(now, &offered);
            if through < number {
                refused.push((reader.guid, through));
            }
            readers.extend(aftermath.map(|aftermath| (reader.clone(), aftermath)));
        }
        // A buffer goes back to whoever made it, to be used again. Other memory is the readers' alone.
        if !refused.is_empty() || payload.memory().is_none() {
            write.payload = payload;
        }
        if refused.is_empty() {
            state.machine.pass_on();
        }
        Some(PassedOn { number, refused, readers })
    }

    /// What is due after [`Engine::pass_on`] once no lock is held.
    pub(super) fn finish_passing_on(&self, now: Now, passed: &PassedOn) {
        let mut loops_back = false;
        for (reader, aftermath) in &passed.readers {
            match aftermath {
                Aftermath::Wake { next } => {
                    reader.observer.wake();
                    self.arm(TimerOwner::Reader(reader.guid.entity_id), &reader.armed, Some(*next));
                }
                Aftermath::Settle => {
                    self.loop_back(Looped::Settle(reader.clone()));
                    loops_back = true;
                }
            }
        }
        if loops_back {
            self.drain_loopback(now);
        }
    }

    /// Tells the writer how far the readers are that were given a change which is in the history now.
    pub(super) fn note_passed_on(&self, now: Now, state: &mut WriterState, passed: &PassedOn) {
        while let Some((guid, change)) = state.machine.poll_in_process() {
            let refused = passed.refused.iter().find(|(reader, _)| *reader == guid);
            let through = refused.map_or(change.sequence_number, |(_, through)| *through);
            state.machine.taken_in_process(now.monotonic, guid, through);
        }
    }

    /// Hands what is in the history to the readers of this participant; whether that made room.
    pub(super) fn hand_over(&self, now: Now, state: &mut WriterState) -> bool {
        let mut taken = false;
        while let Some((guid, change)) = state.machine.poll_in_process() {
            let Some(reader) = state.in_process.iter().find(|reader| reader.guid == guid) else { continue };
            // Lock order: a writer's readers come after it.
            let offered = Offered {
                kind: change.kind,
                writer: change.writer_guid,
                number: change.sequence_number,
                source_timestamp: change.source_timestamp,
                key_hash: change.key_hash,
                payload: &change.payload,
            };
            let through = reader.take_over(now, &offered);
            state.machine.taken_in_process(now.monotonic, guid, through);
            self.loop_back(Looped::Settle(reader.clone()));
            taken = true;
        }
        taken && state.release_acknowledged()
    }
}
