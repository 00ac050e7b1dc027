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
    /// Fragments behind a hole, in runs as they arrived, by the first one's number.
    ahead: BTreeMap<u32, Run>,
    /// What is charged for it.
    bytes: usize,
    touched: Monotonic,
}

/// Fragments that follow each other.
#[derive(Debug)]
struct Run {
    count: u32,
    bytes: Vec<u8>,
}

/// Charged for each run besides its bytes, so that tiny ones take no more memory than the limits say.
const RUN_OVERHEAD: usize = 96;

impl Partial {
    fn fragment_count(&self) -> u32 {
        self.sample_size.div_ceil(u32::from(self.fragment_size.max(1)))
    }

    /// How many whole fragments from `first` on `payload` holds, of `claimed` ones.
    fn fragments_in(&self, first: u32, claimed: u16, payload: &[u8]) -> u32 {
        let size = u32::from(self.fragment_size);
        let left = self.fragment_count().saturating_add(1).saturating_sub(first);
        let wanted = u32::from(claimed).min(left);
        let start = first.saturating_sub(1).saturating_mul(size);
        let needed = self.sample_size.saturating_sub(start).min(wanted.saturating_mul(size));
        if payload.len() >= needed as usize {
            return wanted;
        }
        let whole = payload.len().checked_div(size as usize).unwrap_or(0);
        u32::try_from(whole).unwrap_or(u32::MAX).min(wanted)
    }

    /// Takes the fragments from `first` up to before `end`, which `payload` begins with.
    fn store(&mut self, first: u32, end: u32, payload: &[u8]) {
        let size = usize::from(self.fragment_size);
        let whole = self.sample_size as usize;
        // Offsets within the sample; the last fragment may be shorter.
        let offset = |number: u32| (number.saturating_sub(1) as usize).saturating_mul(size).min(whole);
        let bytes_of = |from: u32, to: u32| {
            let start = offset(from).saturating_sub(offset(first));
            let stop = offset(to).saturating_sub(offset(first));
            payload.get(start..stop).unwrap_or(&[])
        };
        let mut next = first.max(self.arrived_through.saturating_add(1));
        while next < end {
            let known = self.ahead.range(..=next).next_back();
            if let Some(after) =
                known.map(|(start, run)| start.saturating_add(run.count)).filter(|n| *n > next)
            {
                next = after;
                continue;
            }
            let stop = self.ahead.range(next..).next().map_or(end, |(start, _)| end.min(*start));
            let bytes = bytes_of(next, stop);
            self.bytes = self.bytes.saturating_add(bytes.len());
            if next == self.arrived_through.saturating_add(1) {
                self.append(bytes);
                self.arrived_through = stop.saturating_sub(1);
                self.join();
            } else {
                self.bytes = self.bytes.saturating_add(RUN_OVERHEAD);
                let count = stop.saturating_sub(next);
                self.ahead.insert(next, Run { count, bytes: bytes.to_vec() });
            }
            next = stop.max(self.arrived_through.saturating_add(1));
        }
    }

    /// Appends the runs that the hole no longer separates.
    fn join(&mut self) {
        while let Some(run) = self.ahead.remove(&self.arrived_through.saturating_add(1)) {
            self.bytes = self.bytes.saturating_sub(RUN_OVERHEAD);
            self.append(&run.bytes);
            self.arrived_through = self.arrived_through.saturating_add(run.count);
        }
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
            || first > fragment.sample_size.div_ceil(size)
            || !fragment.writer_sn.is_valid()
        {
            return FragmentArrival::Refused;
        }
        self.drop_stale(now, fragment.writer_id);
        let cost = fragment.payload.len().saturating_add(RUN_OVERHEAD);
        if self.bytes.saturating_add(cost) > self.limits.total_bytes {
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
        let count = partial.fragments_in(first, fragment.fragments_in_submessage, fragment.payload);
        let before = partial.bytes;
        partial.store(first, first.saturating_add(count), fragment.payload);
        self.bytes = self.bytes.saturating_sub(before).saturating_add(partial.bytes);
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
        let mut runs =
            partial.ahead.iter().map(|(start, run)| *start..start.saturating_add(run.count)).peekable();
        for candidate in base..=last.min(base.saturating_add(255)) {
            while runs.next_if(|run| run.end <= candidate).is_some() {}
            if !runs.peek().is_some_and(|run| run.contains(&candidate)) {
                set.insert(FragmentNumber(candidate));
            }
        }
        Some(set)
    }

    /// Bytes of fragments held, with what it takes to keep them apart.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
