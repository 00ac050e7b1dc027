//! Puts the fragments of samples together (RTPS 2.5 §8.3.8.3, §8.4.14.1).

use alloc::{collections::BTreeMap, vec::Vec};

use hashbrown::HashMap;

use crate::{
    change::CacheChange,
    message::{DataFrag, FragmentNumberSet},
    payload::Payload,
    structure::{EntityId, FragmentNumber, SequenceNumber},
    time::{Duration, Monotonic},
};

/// How much memory half-arrived samples may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DefragmenterLimits {
    /// The largest sample, in bytes. Larger ones are refused at their first fragment.
    pub largest_sample: u32,
    /// Bytes of fragments held for all writers of the participant.
    pub total_bytes: usize,
    /// Half-arrived samples held for one writer.
    pub samples_per_writer: usize,
    /// A sample without a new fragment for this long is dropped.
    pub stale_after: Duration,
}

impl Default for DefragmenterLimits {
    /// 64 MiB a sample, 256 MiB in all, 16 samples a writer, 10 s.
    fn default() -> Self {
        Self {
            largest_sample: 64 << 20,
            total_bytes: 256 << 20,
            samples_per_writer: 16,
            stale_after: Duration::from_secs(10),
        }
    }
}

/// What came of a fragment.
#[derive(Debug)]
pub enum FragmentArrival {
    /// It was the last one missing: the whole change.
    Complete(CacheChange),
    /// More are needed.
    Incomplete,
    /// It did not fit what came before, or a limit; it is dropped.
    Refused,
}

/// Reassembles the fragmented samples of one remote participant.
///
/// Memory follows the bytes that arrived and never the size that a header claims: fragments in
/// order are appended to one buffer, those ahead of a hole wait aside.
#[derive(Debug, Default)]
pub struct Defragmenter {
    limits: DefragmenterLimits,
    /// By number, ascending; few of each writer. An empty list stays, for its memory.
    samples: HashMap<EntityId, Vec<Partial>>,
    bytes: usize,
}

#[derive(Debug)]
struct Partial {
    number: SequenceNumber,
    change: CacheChange,
    sample_size: u32,
    fragment_size: u16,
    contiguous: Vec<u8>,
    /// Whole fragments in `contiguous`.
    arrived_through: u32,
    /// Fragments behind a hole, by their number.
    ahead: BTreeMap<u32, Vec<u8>>,
    bytes: usize,
    touched: Monotonic,
}

impl Partial {
    fn fragment_count(&self) -> u32 {
        self.sample_size.div_ceil(u32::from(self.fragment_size.max(1)))
    }

    fn fragment_length(&self, number: u32) -> usize {
        let size = u32::from(self.fragment_size);
        let start = number.saturating_sub(1).saturating_mul(size);
        self.sample_size.saturating_sub(start).min(size) as usize
    }

    /// Takes fragments from `first` on, in the usual case all of them at once; how many bytes of memory
    /// they added. Bytes that are cut short count up to the last whole fragment.
    fn store(&mut self, first: u32, count: u32, bytes: &[u8]) -> usize {
        let last = first.saturating_add(count.saturating_sub(1)).min(self.fragment_count());
        if first == self.arrived_through.saturating_add(1) && self.ahead.is_empty() {
            let size = usize::from(self.fragment_size);
            let before = (self.arrived_through as usize).saturating_mul(size);
            let whole = (last as usize).saturating_mul(size).min(self.sample_size as usize);
            if let Some(run) = bytes.get(..whole.saturating_sub(before)) {
                self.append(run);
                self.arrived_through = last;
                return run.len();
            }
        }
        let (mut rest, mut added) = (bytes, 0_usize);
        for number in first..=last {
            let Some((fragment, remainder)) = rest.split_at_checked(self.fragment_length(number)) else {
                break;
            };
            rest = remainder;
            added = added.saturating_add(self.store_one(number, fragment));
        }
        added
    }

    fn store_one(&mut self, number: u32, bytes: &[u8]) -> usize {
        if number <= self.arrived_through || self.ahead.contains_key(&number) {
            return 0;
        }
        if number != self.arrived_through.saturating_add(1) {
            self.ahead.insert(number, bytes.to_vec());
            return bytes.len();
        }
        self.append(bytes);
        self.arrived_through = number;
        while let Some(next) = self.ahead.remove(&self.arrived_through.saturating_add(1)) {
            self.append(&next);
            self.arrived_through = self.arrived_through.saturating_add(1);
        }
        bytes.len()
    }

    /// Appends, with room for as much again at most, and for no more than the sample.
    fn append(&mut self, bytes: &[u8]) {
        let length = self.contiguous.len().saturating_add(bytes.len());
        if length > self.contiguous.capacity() {
            let wanted = length.saturating_mul(2).min(self.sample_size as usize).max(length);
            self.contiguous.reserve_exact(wanted.saturating_sub(self.contiguous.len()));
        }
        self.contiguous.extend_from_slice(bytes);
    }

    fn is_complete(&self) -> bool {
        self.arrived_through >= self.fragment_count()
    }
}

impl Defragmenter {
    /// An empty one with these limits.
    pub fn new(limits: DefragmenterLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Takes one DATA_FRAG. `template` makes the change without its payload, from the first
    /// fragment of a sample that arrives.
    pub fn handle_data_frag(
        &mut self,
        now: Monotonic,
        fragment: &DataFrag<'_>,
        template: impl FnOnce() -> CacheChange,
    ) -> FragmentArrival {
        let size = u32::from(fragment.fragment_size);
        let first = fragment.fragment_starting_num.0;
        if size == 0
            || first == 0
            || fragment.fragments_in_submessage == 0
            || fragment.sample_size == 0
            || fragment.sample_size > self.limits.largest_sample
            || !fragment.writer_sn.is_valid()
        {
            return FragmentArrival::Refused;
        }
        self.drop_stale(now, fragment.writer_id);
        if self.bytes.saturating_add(fragment.payload.len()) > self.limits.total_bytes {
            return FragmentArrival::Refused;
        }
        let partials = self.samples.entry(fragment.writer_id).or_default();
        let found = partials.binary_search_by_key(&fragment.writer_sn, |partial| partial.number);
        let place = match found {
            Ok(place) => place,
            Err(place) => {
                if partials.len() >= self.limits.samples_per_writer {
                    // The lowest numbers are kept, so that the gap before the others can close.
                    if place >= partials.len() {
                        return FragmentArrival::Refused;
                    }
                    let evicted = partials.pop().map_or(0, |partial| partial.bytes);
                    self.bytes = self.bytes.saturating_sub(evicted);
                }
                partials.insert(
                    place,
                    Partial {
                        number: fragment.writer_sn,
                        change: template(),
                        sample_size: fragment.sample_size,
                        fragment_size: fragment.fragment_size,
                        contiguous: Vec::new(),
                        arrived_through: 0,
                        ahead: BTreeMap::new(),
                        bytes: 0,
                        touched: now,
                    },
                );
                place
            }
        };
        let Some(partial) = partials.get_mut(place) else { return FragmentArrival::Refused };
        if partial.sample_size != fragment.sample_size || partial.fragment_size != fragment.fragment_size {
            self.bytes = self.bytes.saturating_sub(partials.remove(place).bytes);
            return FragmentArrival::Refused;
        }
        partial.touched = now;
        let stored = partial.store(first, u32::from(fragment.fragments_in_submessage), fragment.payload);
        partial.bytes = partial.bytes.saturating_add(stored);
        self.bytes = self.bytes.saturating_add(stored);
        if !partial.is_complete() {
            return FragmentArrival::Incomplete;
        }
        let Partial { mut change, contiguous, bytes, .. } = partials.remove(place);
        self.bytes = self.bytes.saturating_sub(bytes);
        change.payload = Payload::from(contiguous);
        FragmentArrival::Complete(change)
    }

    fn drop_stale(&mut self, now: Monotonic, writer: EntityId) {
        let limit = self.limits.stale_after;
        let Some(partials) = self.samples.get_mut(&writer) else { return };
        let bytes = &mut self.bytes;
        partials.retain(|partial| {
            let keep = partial.touched.after(limit) > now;
            if !keep {
                *bytes = bytes.saturating_sub(partial.bytes);
            }
            keep
        });
    }

    /// Forgets what `writer` sent below `number`: delivered, or never to come.
    pub fn forget_below(&mut self, writer: EntityId, number: SequenceNumber) {
        let Some(partials) = self.samples.get_mut(&writer) else { return };
        let below = partials.partition_point(|partial| partial.number < number);
        let freed = partials.drain(..below).fold(0_usize, |sum, partial| sum.saturating_add(partial.bytes));
        self.bytes = self.bytes.saturating_sub(freed);
    }

    /// Forgets everything of `writer`.
    pub fn forget_writer(&mut self, writer: EntityId) {
        self.forget_below(writer, SequenceNumber::MAX);
        self.samples.remove(&writer);
    }

    /// The fragments of a half-arrived sample that are still missing, as far as one set reaches;
    /// `None` when no fragment of it has arrived. `announced` is the last fragment known to exist.
    pub fn missing_fragments(
        &self,
        writer: EntityId,
        number: SequenceNumber,
        announced: Option<FragmentNumber>,
    ) -> Option<FragmentNumberSet> {
        let partials = self.samples.get(&writer)?;
        let place = partials.binary_search_by_key(&number, |partial| partial.number).ok()?;
        let partial = partials.get(place)?;
        let last = announced.map_or(u32::MAX, |last| last.0).min(partial.fragment_count());
        let base = partial.arrived_through.saturating_add(1);
        let mut set = FragmentNumberSet::new(FragmentNumber(base));
        for candidate in base..=last.min(base.saturating_add(255)) {
            if !partial.ahead.contains_key(&candidate) {
                set.insert(FragmentNumber(candidate));
            }
        }
        Some(set)
    }

    /// Bytes of fragments held.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
