//! What a reader without a type hands out: everything that happens to it, in its order.

use std::{collections::VecDeque, sync::Arc};

use dds_rtps::{
    change::CacheChange, discovery::PublicationData, reader::Offer, structure::Guid, time::Monotonic,
};

/// Something that happened to a reader without a type.
#[derive(Clone, Debug)]
pub enum RawEvent {
    /// A writer was matched, or a matched one changed its QoS.
    Matched(Arc<PublicationData>),
    /// A change of a matched writer; those of one writer come in its order.
    Change(CacheChange),
    /// A matched writer's liveliness was lost or regained.
    Liveliness {
        /// The writer.
        writer: Guid,
        /// Whether it is alive now.
        alive: bool,
    },
    /// A writer is no longer matched: it was deleted, or its participant is gone.
    Unmatched {
        /// The writer.
        writer: Guid,
        /// When something of its participant came last.
        heard: Monotonic,
    },
}

/// The events that were not taken yet, instead of a cache.
#[derive(Debug)]
pub(crate) struct Tap {
    events: VecDeque<RawEvent>,
    changes: usize,
    bytes: usize,
    limits: TapLimits,
    /// A change found no room: it is asked for again when there is.
    refused: bool,
}

/// How much may wait to be taken, and when it is acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TapLimits {
    pub(crate) changes: usize,
    pub(crate) bytes: usize,
    pub(crate) offer: Offer,
}

impl Tap {
    pub(crate) fn new(limits: TapLimits) -> Self {
        Self { events: VecDeque::new(), changes: 0, bytes: 0, limits, refused: false }
    }

    /// Keeps a change, unless too many wait.
    pub(crate) fn offer(&mut self, change: &CacheChange) -> Offer {
        let bytes = self.bytes.saturating_add(change.payload.retained());
        let is_full = self.changes >= self.limits.changes || bytes > self.limits.bytes;
        // Whatever its size, one change must pass.
        if is_full && self.changes > 0 {
            self.refused = true;
            return Offer::NoRoom;
        }
        self.changes += 1;
        self.bytes = bytes;
        self.events.push_back(RawEvent::Change(change.clone()));
        self.limits.offer
    }

    pub(crate) fn push(&mut self, event: RawEvent) {
        self.events.push_back(event);
    }

    /// Hands out the oldest events; whether a change that found no room should be offered again.
    pub(crate) fn take(&mut self, max: usize, events: &mut Vec<RawEvent>) -> bool {
        let count = self.events.len().min(max);
        for event in self.events.drain(..count) {
            if let RawEvent::Change(change) = &event {
                self.changes -= 1;
                self.bytes = self.bytes.saturating_sub(change.payload.retained());
            }
            events.push(event);
        }
        std::mem::take(&mut self.refused)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
