//! Which changes are filtered out for which readers, at the writer (RTPS 2.5 §8.4.7.3, §8.7.1).
//!
//! Readers with equal filters share a *slot*: a change is evaluated once for each slot, when it is
//! written, and what is refused is kept as bits beside the history.

use alloc::{boxed::Box, collections::BTreeMap, sync::Arc, vec::Vec};
use core::fmt;

use crate::{
    change::{CacheChange, ChangeKind},
    discovery::FilterSignature,
    history::WriterHistory,
    message::ContentFilterInfo,
    structure::SequenceNumber,
};

/// Decides by its contents whether a reader wants a sample.
pub trait ContentEvaluator: Send + Sync + fmt::Debug {
    /// Whether the serialised value passes. What cannot be evaluated passes: the reader decides.
    fn passes(&self, payload: &[u8]) -> bool;
}

/// The content filter of a matched reader.
#[derive(Clone, Debug)]
pub struct ReaderFilter {
    /// What names the filter: equal ones are evaluated once.
    pub signature: FilterSignature,
    /// The filter.
    pub evaluator: Arc<dyn ContentEvaluator>,
}

/// Place of a filter among those of a writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FilterSlot(u8);

/// Different filters that a writer evaluates; readers beyond that filter by themselves.
const SLOTS: u8 = 64;

#[derive(Debug)]
struct Slot {
    filter: ReaderFilter,
    readers: usize,
    /// Changes from here on have been evaluated.
    from: SequenceNumber,
    /// PID_CONTENT_FILTER_INFO of what passes.
    parameters: Box<[u8]>,
}

/// The filters of a writer's readers.
#[derive(Debug, Default)]
pub(super) struct Filters {
    slots: Vec<Option<Slot>>,
    /// The slots by which a change that is held is refused.
    refused: BTreeMap<SequenceNumber, u64>,
}

impl Filters {
    /// A reader's place, `None` when there are too many different filters.
    pub(super) fn acquire(&mut self, filter: ReaderFilter, next: SequenceNumber) -> Option<FilterSlot> {
        let signature = filter.signature;
        let mut used = self.slots.iter_mut().zip(0..SLOTS);
        if let Some((Some(slot), number)) =
            used.find(|(slot, _)| slot.as_ref().is_some_and(|slot| slot.filter.signature == signature))
        {
            slot.readers = slot.readers.saturating_add(1);
            return Some(FilterSlot(number));
        }
        let mut parameters = Vec::new();
        ContentFilterInfo::new([(signature, true)]).write(&mut parameters);
        let slot = Slot { filter, readers: 1, from: next, parameters: parameters.into() };
        match self.slots.iter_mut().zip(0..SLOTS).find(|(slot, _)| slot.is_none()) {
            Some((free, number)) => {
                *free = Some(slot);
                Some(FilterSlot(number))
            }
            None => {
                let number = u8::try_from(self.slots.len()).ok().filter(|number| *number < SLOTS)?;
                self.slots.push(Some(slot));
                Some(FilterSlot(number))
            }
        }
    }

    /// A reader is gone, or has another filter.
    pub(super) fn release(&mut self, slot: FilterSlot) {
        let Some(entry) = self.slots.get_mut(usize::from(slot.0)) else { return };
        let Some(used) = entry.as_mut() else { return };
        used.readers = used.readers.saturating_sub(1);
        if used.readers > 0 {
            return;
        }
        *entry = None;
        let bit = slot.bit();
        self.refused.retain(|_, refused| {
            *refused &= !bit;
            *refused != 0
        });
    }

    pub(super) fn is_unused(&self) -> bool {
        self.slots.iter().all(Option::is_none)
    }

    /// Evaluates the changes from `first` on that have not been.
    pub(super) fn evaluate_from(&mut self, slot: FilterSlot, first: SequenceNumber, history: &WriterHistory) {
        let Some(Some(entry)) = self.slots.get_mut(usize::from(slot.0)) else { return };
        let end = entry.from;
        entry.from = end.min(first);
        let changes = history.from(first).take_while(|change| change.sequence_number < end);
        for change in changes.filter(|change| refuses(entry, change)) {
            *self.refused.entry(change.sequence_number).or_default() |= slot.bit();
        }
    }

    /// Evaluates a new change by every filter.
    pub(super) fn add(&mut self, change: &CacheChange) {
        let slots = self.slots.iter().zip(0..SLOTS);
        let refusing = slots.filter(|(slot, _)| slot.as_ref().is_some_and(|slot| refuses(slot, change)));
        let refused = refusing.fold(0, |bits, (_, number)| bits | FilterSlot(number).bit());
        if refused != 0 {
            self.refused.insert(change.sequence_number, refused);
        }
    }

    /// A change is no longer held.
    pub(super) fn forget(&mut self, number: SequenceNumber) {
        self.refused.remove(&number);
    }

    /// Whether a change that is held is not for the readers of a slot.
    pub(super) fn is_refused(&self, slot: FilterSlot, number: SequenceNumber) -> bool {
        self.refused.get(&number).is_some_and(|refused| refused & slot.bit() != 0)
    }

    /// What goes with what passes.
    pub(super) fn parameters(&self, slot: FilterSlot) -> &[u8] {
        match self.slots.get(usize::from(slot.0)) {
            Some(Some(slot)) => &slot.parameters,
            _ => &[],
        }
    }
}

impl FilterSlot {
    fn bit(self) -> u64 {
        1_u64.checked_shl(u32::from(self.0)).unwrap_or(0)
    }
}

/// Only values are filtered: the end of an instance concerns everybody who knows it.
fn refuses(slot: &Slot, change: &CacheChange) -> bool {
    // What only ends a coherent set is for everybody (RTPS 2.5 §8.7.6).
    change.kind == ChangeKind::Alive
        && !change.payload.is_empty()
        && !slot.filter.evaluator.passes(&change.payload)
}
