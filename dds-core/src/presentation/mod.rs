//! Ordered and coherent access at the reader (DDS 1.4 §2.2.3.6, RTPS 2.5 §8.7.5, §8.7.6).
//!
//! - [`Assembler`], one for each reader: puts the changes of each writer, which come in order, together
//!   to coherent sets, and judges whether one is whole.
//! - [`SubscriberHistory`], one for each subscriber with access scope GROUP: puts the changes of all
//!   writers of a publisher in one order, and what they wrote into one set together.
//!
//! Both are pure: neither locks nor reads a clock. Readers without need for either have none of it.

mod assembler;
mod history;
#[cfg(test)]
mod tests;

pub(crate) use assembler::{Assembler, Entry};
pub(crate) use history::{
    GroupEvent, Heard, Held, Link, PartState, PublisherKey, SubscriberHistory, Verdict,
};

use dds_rtps::{
    change::{CacheChange, ChangeKind},
    message::{InlineQos, InlineQosToSend},
};

/// Samples of one writer that may wait for others: for the rest of their set, or for their turn.
pub(crate) const HELD_SAMPLES: usize = 65_536;
/// Bytes of them.
pub(crate) const HELD_BYTES: usize = 4 << 20;

/// Keeps of a received sample's inline QoS what says where it belongs.
pub(crate) fn keep_marks(change: &mut CacheChange, inline: &InlineQos<'_>) {
    let marks = (inline.coherent_set(), inline.group_coherent_set(), inline.group_seq_num());
    if marks == (None, None, None) {
        return;
    }
    let kept: &mut InlineQosToSend = change.inline_qos.get_or_insert_default();
    (kept.coherent_set, kept.group_coherent_set, kept.group_seq_num) = marks;
    kept.writer_group_info = inline.writer_group_info();
}

/// Whether a change has no data because all it says is that a coherent set is over (RTPS 2.5 §8.7.6).
pub(crate) fn is_end_mark(change: &CacheChange) -> bool {
    change.kind == ChangeKind::Alive
        && change.payload.is_empty()
        && change
            .inline_qos
            .as_ref()
            .is_some_and(|marks| marks.coherent_set.is_some() || marks.group_coherent_set.is_some())
}
