//! What a writer knows of one matched reader (RTPS 2.5 §8.4.7.5).

use alloc::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::filters::{FilterSlot, ReaderFilter};
use crate::{
    interval::IntervalSet,
    message::SequenceNumberSet,
    structure::{Count, Guid, Locator, SequenceNumber},
    time::{Duration, Monotonic},
    timing,
};

/// Whether a newly matched reader gets what was written before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Replay {
    /// Only what is written from now on (VOLATILE on either side).
    None,
    /// All that the history holds (TRANSIENT_LOCAL and above on both sides).
    All,
}

/// A group that a reader's participant listens to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupPath {
    /// The group.
    pub locator: Locator,
    /// Whether a datagram to the group saves one to this reader. Not where the reader is on this host while
    /// the group's datagrams leave it: they would load the network for nothing.
    pub pays: bool,
}

/// A matched reader, as discovery describes it.
#[derive(Clone, Debug)]
pub struct ReaderProxyConfig {
    /// The reader.
    pub guid: Guid,
    /// Where its data goes.
    pub locators: SmallVec<[Locator; 2]>,
    /// Where new changes for it may go instead, if they go to readers of several participants there.
    pub group: Option<GroupPath>,
    /// Whether what it lacks is sent again: both sides are reliable.
    pub reliable: bool,
    /// Whether it asked for the writer's QoS inside each DATA.
    pub expects_inline_qos: bool,
    /// Whether it gets the history.
    pub replay: Replay,
    /// What it filters by, where the writer is to do it.
    pub filter: Option<ReaderFilter>,
}

/// Which parts of a change are to be sent again.
#[derive(Clone, Debug)]
pub(super) enum Repair {
    /// All of it, from this fragment on (1 for a whole one).
    From(u32),
    /// These fragments.
    Fragments(BTreeSet<u32>),
}

/// Where a reader stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Position {
    /// It gets the next new change with all others.
    InLine,
    /// It is in the writer's process, and is handed `next` as soon as it is written.
    InProcess { next: SequenceNumber },
    /// It is sent `next`, from fragment `fragment` on, before it joins the line. Readers with a filter
    /// never join it.
    Behind { next: SequenceNumber, fragment: u32 },
}

/// Moments of repairs kept until they are looked through for those that matter no more.
pub(super) const REPAIRED_KEPT: usize = 1024;

/// What a writer knows of one matched reader.
#[derive(Debug)]
pub struct ReaderProxy {
    pub(super) config: ReaderProxyConfig,
    /// Lower numbers are none of this reader's business.
    pub(super) first_relevant: SequenceNumber,
    pub(super) position: Position,
    /// It has everything up to here.
    pub(super) acknowledged: SequenceNumber,
    pub(super) repairs: BTreeMap<SequenceNumber, Repair>,
    pub(super) repair_bytes: usize,
    /// When a number was last sent again, until it is acknowledged.
    pub(super) repaired: BTreeMap<SequenceNumber, Monotonic>,
    /// Numbers it asked for that do not exist for it.
    pub(super) gaps: IntervalSet,
    pub(super) heartbeat_wanted: bool,
    pub(super) acknack_count: Option<Count>,
    pub(super) nack_frag_count: Option<Count>,
    /// How often, one after the other, it lacked all that went to the group.
    unheard: u32,
    /// It has answered at all.
    pub(super) answered: bool,
    /// It takes changes as they are.
    pub(super) in_process: bool,
    /// Its filter among the writer's.
    pub(super) filter: Option<FilterSlot>,
    /// Numbers passed over in front of its position that it has not been told of yet.
    pub(super) passed_over: Option<(SequenceNumber, SequenceNumber)>,
    /// Bytes sent since it was asked for an acknowledgement, where it is served alone.
    pub(super) sent_since_request: usize,
    /// Its next heartbeat asserts the writer's liveliness.
    pub(super) liveliness_wanted: bool,
}

impl ReaderProxy {
    pub(super) fn new(config: ReaderProxyConfig, first: SequenceNumber, last: SequenceNumber) -> Self {
        let replays = config.replay == Replay::All && first <= last;
        let first_relevant = if config.replay == Replay::All { SequenceNumber::FIRST } else { last.next() };
        let position = match replays {
            true => Position::Behind { next: first, fragment: 1 },
            false => Position::InLine,
        };
        Self {
            heartbeat_wanted: config.reliable,
            config,
            first_relevant,
            position,
            acknowledged: SequenceNumber::ZERO,
            repairs: BTreeMap::new(),
            repair_bytes: 0,
            repaired: BTreeMap::new(),
            gaps: IntervalSet::default(),
            acknack_count: None,
            nack_frag_count: None,
            unheard: 0,
            answered: false,
            in_process: false,
            filter: None,
            passed_over: None,
            sent_since_request: 0,
            liveliness_wanted: false,
        }
    }

    /// The reader.
    pub fn guid(&self) -> Guid {
        self.config.guid
    }

    /// Whether it is repaired.
    pub fn is_reliable(&self) -> bool {
        self.config.reliable
    }

    /// The number up to which it has acknowledged everything.
    pub fn acknowledged(&self) -> SequenceNumber {
        self.acknowledged
    }

    /// Whether it has ever sent an ACKNACK.
    pub fn has_answered(&self) -> bool {
        self.answered
    }

    /// Whether there is something for this reader alone.
    pub(super) fn needs_attention(&self) -> bool {
        (self.heartbeat_wanted && self.config.reliable)
            || (self.filter.is_none() && matches!(self.position, Position::Behind { .. }))
            || !self.repairs.is_empty()
            || !self.gaps.is_empty()
    }

    /// The first number that it has not been sent, where `cursor` is the line's.
    pub(super) fn unsent(&self, cursor: SequenceNumber) -> SequenceNumber {
        match self.position {
            Position::InLine => cursor,
            Position::InProcess { next } | Position::Behind { next, .. } => next,
        }
    }

    /// Moves past numbers up to `last` that are not for this reader, which is told of them with the next
    /// thing it is sent. They need no acknowledgement of their own; whether that was news.
    pub(super) fn pass_over(&mut self, first: SequenceNumber, last: SequenceNumber) -> bool {
        self.position = Position::Behind { next: last.next(), fragment: 1 };
        let begun = self.passed_over.filter(|(_, end)| end.next() == first);
        self.passed_over = Some((begun.map_or(first, |(begin, _)| begin), last));
        let news = self.config.reliable && self.acknowledged.next() >= first && self.acknowledged < last;
        if news {
            self.acknowledged = last;
        }
        news
    }

    /// Takes an acknowledgement of everything up to `through`; whether that was news.
    pub(super) fn acknowledge(&mut self, through: SequenceNumber) -> bool {
        if through <= self.acknowledged {
            return false;
        }
        self.acknowledged = through;
        self.repairs = self.repairs.split_off(&through.next());
        self.repaired = self.repaired.split_off(&through.next());
        if self.repairs.is_empty() {
            self.repair_bytes = 0;
        }
        self.gaps.remove_below(through.next());
        true
    }

    /// Looks whether the group that is in use carries anything to the reader, which has all below `base` and lacks
    /// `lacking` of what follows up to before `unsent`; true when the group is given up.
    pub(super) fn judge_group(
        &mut self,
        base: SequenceNumber,
        unsent: SequenceNumber,
        lacking: &SequenceNumberSet,
    ) -> bool {
        let news = base.previous().offset_from(self.acknowledged).unwrap_or(0);
        if news > self.repaired.range(..base).count() as u64 {
            self.unheard = 0;
            return false;
        }
        // It asks once more for what is on its way to it alone.
        if self.repairs.contains_key(&base) || self.repaired.contains_key(&base) {
            return false;
        }
        let sent = unsent.offset_from(base).unwrap_or(0).min(u64::from(SequenceNumberSet::MAX_BITS));
        let lacking = lacking.iter().count() as u64;
        if lacking > 0 && lacking >= sent {
            self.unheard = self.unheard.saturating_add(1);
        }
        if self.unheard < timing::GROUP_GIVEN_UP_AFTER {
            return false;
        }
        self.config.group = None;
        true
    }

    /// Notes that `number` is sent again now.
    pub(super) fn note_repaired(&mut self, now: Monotonic, number: SequenceNumber) {
        // A reader that only ever asks and never acknowledges costs no more memory than its requests do.
        if self.repaired.len() >= REPAIRED_KEPT {
            self.repaired.retain(|_, sent| sent.after(timing::NACK_SUPPRESSION) > now);
        }
        self.repaired.insert(number, now);
    }

    /// Whether `number` was sent again less than `window` ago.
    pub(super) fn was_just_repaired(&self, now: Monotonic, number: SequenceNumber, window: Duration) -> bool {
        self.repaired.get(&number).is_some_and(|sent| sent.after(window) > now)
    }
}
