//! What a reader knows of one matched writer (RTPS 2.5 §8.4.10.4).

use alloc::collections::BTreeMap;

use smallvec::SmallVec;

use crate::{
    change::CacheChange,
    interval::IntervalSet,
    message::{Heartbeat, SequenceNumberSet},
    structure::{Count, FragmentNumber, Guid, Locator, SequenceNumber},
    time::Monotonic,
    timing,
};

/// A matched writer, as discovery describes it.
#[derive(Clone, Debug)]
pub struct WriterProxyConfig {
    /// The writer.
    pub guid: Guid,
    /// Where its acknowledgements go.
    pub locators: SmallVec<[Locator; 2]>,
    /// Whether lost changes are asked for: both sides are reliable.
    pub reliable: bool,
}

/// What a reader knows of one matched writer.
#[derive(Debug)]
pub struct WriterProxy {
    pub(super) config: WriterProxyConfig,
    /// The lowest number that is neither handed on nor known to be irrelevant.
    pub(super) next: SequenceNumber,
    /// Changes that wait for a lower number, or for room in the cache.
    pub(super) held: BTreeMap<SequenceNumber, CacheChange>,
    pub(super) held_bytes: usize,
    pub(super) irrelevant: IntervalSet,
    /// The highest number that the writer said it has.
    pub(super) announced_last: SequenceNumber,
    /// The highest fragment announced of one sample that is still being written.
    pub(super) announced_fragments: Option<(SequenceNumber, FragmentNumber)>,
    pub(super) heartbeat_count: Option<Count>,
    pub(super) heartbeat_frag_count: Option<Count>,
    pub(super) acknack_count: Count,
    pub(super) nack_frag_count: Count,
    /// A number has been handed on, or a heartbeat seen: from here on a jump of numbers is a loss.
    pub(super) synchronised: bool,
    /// The last number of the first heartbeat: what had been written when the reader came.
    pub(super) history_end: Option<SequenceNumber>,
    /// The lowest and highest number taken and not confirmed yet.
    pub(super) unconfirmed: Option<(SequenceNumber, SequenceNumber)>,
    /// The cache refused the change `next` for lack of room.
    pub(super) blocked: bool,
    /// When the next ACKNACK is due.
    pub(super) acknack_due: Option<Monotonic>,
    /// A heartbeat is to be asked for even if nothing is missing.
    pub(super) heartbeat_wanted: bool,
    /// When one was asked for last.
    pub(super) heartbeat_requested: Option<Monotonic>,
    /// ACKNACKs sent without any progress since.
    pub(super) repeats: u32,
    pub(super) progress_mark: (SequenceNumber, usize, u64),
}

impl WriterProxy {
    pub(super) fn new(now: Monotonic, config: WriterProxyConfig) -> Self {
        let acknack_due = config.reliable.then_some(now);
        Self {
            config,
            next: SequenceNumber::FIRST,
            held: BTreeMap::new(),
            held_bytes: 0,
            irrelevant: IntervalSet::default(),
            announced_last: SequenceNumber::ZERO,
            announced_fragments: None,
            heartbeat_count: None,
            heartbeat_frag_count: None,
            acknack_count: Count(0),
            nack_frag_count: Count(0),
            synchronised: false,
            history_end: None,
            unconfirmed: None,
            blocked: false,
            acknack_due,
            heartbeat_wanted: false,
            heartbeat_requested: None,
            repeats: 0,
            progress_mark: (SequenceNumber::FIRST, 0, 0),
        }
    }

    /// The writer.
    pub fn guid(&self) -> Guid {
        self.config.guid
    }

    /// Whether what is missing is asked for.
    pub fn is_reliable(&self) -> bool {
        self.config.reliable
    }

    /// The number up to which the writer may be told that everything arrived.
    pub fn acknowledged(&self) -> SequenceNumber {
        self.unconfirmed.map_or(self.next, |(lowest, _)| lowest.min(self.next)).previous()
    }

    /// The lowest number that is still awaited.
    pub fn next_expected(&self) -> SequenceNumber {
        self.next
    }

    /// Whether all that had been written when the reader came, and that the writer still has, was handed
    /// on. Always true where lost changes are not asked for.
    pub fn has_history(&self) -> bool {
        !self.config.reliable || self.history_end.is_some_and(|end| self.next > end)
    }

    pub(super) fn note_unconfirmed(&mut self, number: SequenceNumber) {
        let lowest = self.unconfirmed.map_or(number, |(lowest, _)| lowest);
        self.unconfirmed = Some((lowest, number));
    }

    /// Whether anything up to `through` waited for it.
    pub(super) fn confirm(&mut self, through: SequenceNumber) -> bool {
        let Some((lowest, highest)) = self.unconfirmed.filter(|(lowest, _)| *lowest <= through) else {
            return false;
        };
        self.unconfirmed = (through < highest).then(|| (through.next().max(lowest), highest));
        true
    }

    /// Whether the change of `number` is of no more use.
    #[inline]
    pub fn has(&self, number: SequenceNumber) -> bool {
        number < self.next
            || (!self.held.is_empty() && self.held.contains_key(&number))
            || self.irrelevant.end_of(number).is_some()
    }

    /// Whether nothing waits for a lower number to come, or is known not to come.
    #[inline]
    pub(super) fn is_in_order(&self) -> bool {
        self.held.is_empty() && self.irrelevant.is_empty()
    }

    /// Keeps a change that cannot be handed on yet. When the bound is reached the highest numbers
    /// go, so that the gap before them can always close.
    pub(super) fn hold(&mut self, change: CacheChange, limits: HeldLimits) -> bool {
        let number = change.sequence_number;
        let size = change.payload.retained();
        while self.held.len() >= limits.samples || self.held_bytes.saturating_add(size) > limits.bytes {
            match self.held.last_entry() {
                Some(highest) if *highest.key() > number => {
                    let freed = highest.remove().payload.retained();
                    self.held_bytes = self.held_bytes.saturating_sub(freed);
                }
                // The very next one is kept whatever its size, or nothing would ever move.
                _ if number == self.next => break,
                _ => return false,
            }
        }
        self.held_bytes = self.held_bytes.saturating_add(size);
        self.held.insert(number, change);
        true
    }

    pub(super) fn release(&mut self, number: SequenceNumber) -> Option<CacheChange> {
        let change = self.held.remove(&number)?;
        self.held_bytes = self.held_bytes.saturating_sub(change.payload.retained());
        Some(change)
    }

    /// Steps `next` over what will never come, up to the next held change at most: that one arrived
    /// although the writer has dropped it since.
    pub(super) fn skip_irrelevant(&mut self) {
        let first_held = self.held.keys().next().copied().unwrap_or(SequenceNumber::MAX);
        while let Some(end) = self.irrelevant.end_of(self.next) {
            if self.next >= first_held || end == SequenceNumber::MAX {
                break;
            }
            self.next = end.next().min(first_held);
        }
        self.irrelevant.remove_below(self.next);
    }

    /// Everything below `first` is gone from the writer's history.
    pub(super) fn advance_to(&mut self, first: SequenceNumber) {
        if first > self.next {
            self.irrelevant.insert(self.next, first.previous());
        }
    }

    /// Whether a heartbeat is news. Returns false for repeats and reordered old ones.
    pub(super) fn accept_count(&mut self, heartbeat: &Heartbeat) -> bool {
        let news = self.heartbeat_count.is_none_or(|last| heartbeat.count.is_newer_than(last));
        if news {
            self.heartbeat_count = Some(heartbeat.count);
            self.heartbeat_wanted = false;
        }
        news
    }

    /// What the writer has and we have not, from `next` on, within one ACKNACK's reach. Numbers for
    /// which `partial` holds are left out: their fragments are asked for one by one.
    pub(super) fn missing(&self, mut partial: impl FnMut(SequenceNumber) -> bool) -> SequenceNumberSet {
        // Numbers below the base count as acknowledged.
        let base = self.acknowledged().next();
        let mut set = SequenceNumberSet::new(base);
        let last = self.announced_last.min(base.plus(255));
        let mut number = self.next;
        while number <= last {
            match self.irrelevant.end_of(number) {
                Some(SequenceNumber::MAX) => break,
                Some(end) => number = end.next(),
                None => {
                    if !self.held.contains_key(&number) && !partial(number) {
                        set.insert(number);
                    }
                    number = number.next();
                }
            }
        }
        set
    }

    /// Whether some announced number is missing.
    pub(super) fn is_missing_any(&self) -> bool {
        if self.blocked {
            return false;
        }
        let mut number = self.next;
        while number <= self.announced_last {
            if let Some(end) = self.irrelevant.end_of(number) {
                number = end.next();
                if end == SequenceNumber::MAX {
                    return false;
                }
            } else if self.held.contains_key(&number) {
                number = number.next();
            } else {
                return true;
            }
        }
        false
    }

    pub(super) fn schedule_acknack(&mut self, due: Monotonic) {
        self.acknack_due = Some(self.acknack_due.map_or(due, |earlier| earlier.min(due)));
    }

    /// Arms the repeat of an ACKNACK that went unanswered, with back-off; progress resets it, also of
    /// the `fragments` of a sample.
    pub(super) fn arm_repeat(&mut self, now: Monotonic, fragments: u64) {
        let mark = (self.next, self.held.len(), fragments);
        if mark != self.progress_mark {
            self.progress_mark = mark;
            self.repeats = 0;
        }
        let awaiting = !self.synchronised || self.heartbeat_wanted || self.is_missing_any();
        self.acknack_due = awaiting.then(|| {
            now.after(timing::back_off(timing::NACK_REPEAT, timing::NACK_REPEAT_LIMIT, self.repeats))
        });
        self.repeats = self.repeats.saturating_add(1);
    }
}

/// Bounds of what waits for a gap to close.
#[derive(Clone, Copy, Debug)]
pub(super) struct HeldLimits {
    pub(super) samples: usize,
    pub(super) bytes: usize,
}
