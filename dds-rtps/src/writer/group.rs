//! What the writers of one publisher number together (RTPS 2.5 §8.7.5 and §8.3.8.6).

use alloc::sync::Arc;
use core::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use super::StatefulWriter;
use crate::{
    change::CacheChange,
    message::{GroupDigest, HeartbeatGroupInfo},
    structure::SequenceNumber,
};

/// The last group sequence number of a publisher and who its writers are: written by whoever numbers
/// the samples, read by the heartbeats of every writer.
#[derive(Debug, Default)]
pub struct PublisherNumbers {
    current: AtomicI64,
    writer_set: AtomicU32,
}

impl PublisherNumbers {
    /// The last number given; [`SequenceNumber::ZERO`] before the first.
    pub fn current(&self) -> SequenceNumber {
        SequenceNumber(self.current.load(Ordering::Acquire))
    }

    /// Notes that `number` is given. The writer whose change gets it is locked.
    pub fn set_current(&self, number: SequenceNumber) {
        self.current.store(number.0, Ordering::Release);
    }

    /// The digest of the publisher's writers.
    pub fn writer_set(&self) -> GroupDigest {
        GroupDigest(self.writer_set.load(Ordering::Relaxed).to_be_bytes())
    }

    /// Notes that the publisher has other writers.
    pub fn set_writer_set(&self, digest: GroupDigest) {
        self.writer_set.store(u32::from_be_bytes(digest.0), Ordering::Relaxed);
    }
}

/// A writer's part in the numbering of its publisher.
#[derive(Debug)]
pub(super) struct Membership {
    numbers: Arc<PublisherNumbers>,
    /// The group number of the last change written.
    last: SequenceNumber,
}

/// Three sequence numbers and two digests.
const GROUP_INFO_SIZE: usize = 32;

impl Membership {
    /// Notes a change that was written.
    pub(super) fn note(&mut self, change: &CacheChange) {
        self.last = group_number(change).unwrap_or(self.last);
    }
}

fn group_number(change: &CacheChange) -> Option<SequenceNumber> {
    change.inline_qos.as_ref()?.group_seq_num
}

impl StatefulWriter {
    /// From now on heartbeats tell of the publisher's group sequence numbers (access scope GROUP).
    pub fn join_group(&mut self, numbers: Arc<PublisherNumbers>) {
        self.group = Some(alloc::boxed::Box::new(Membership { numbers, last: SequenceNumber::ZERO }));
    }

    /// Bytes that a heartbeat is longer by than one without group fields.
    pub(super) fn group_info_size(&self) -> usize {
        if self.group.is_some() { GROUP_INFO_SIZE } else { 0 }
    }

    /// The group fields of a heartbeat of what lies in front of `unsent`. Whoever has all changes up to its
    /// `lastSN` lacks none of this writer's up to `currentGSN`: what has not left yet is not counted.
    #[inline]
    pub(super) fn group_info(&self, unsent: SequenceNumber) -> Option<HeartbeatGroupInfo> {
        let membership = self.group.as_ref()?;
        let next = self.history.from(unsent).find_map(group_number);
        let current = next.map_or(membership.numbers.current(), SequenceNumber::previous);
        let held = self.history.from(SequenceNumber::FIRST);
        let first = held.take_while(|change| change.sequence_number < unsent).find_map(group_number);
        let first = first.unwrap_or(current.next());
        Some(HeartbeatGroupInfo {
            current_gsn: current,
            first_gsn: first,
            last_gsn: membership.last.min(current).max(first.previous()),
            writer_set: membership.numbers.writer_set(),
            secure_writer_set: GroupDigest::default(),
        })
    }
}
