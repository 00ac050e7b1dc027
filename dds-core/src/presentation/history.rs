//! What a subscriber with access scope GROUP holds back: for its turn, or for the rest of its set.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dds_rtps::{
    change::CacheChange,
    message::GroupDigest,
    structure::{EntityId, Guid, GuidPrefix, SequenceNumber},
    time::{Duration, Monotonic},
};

/// Names a publisher: by the entity id that its writers announce, else by its one writer.
pub(crate) type PublisherKey = (GuidPrefix, EntityId);

/// A reader of the subscriber and a writer that is matched with it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Link {
    pub(crate) reader: EntityId,
    pub(crate) writer: Guid,
}

/// What a reader's [`Assembler`](super::Assembler) made of changes.
#[derive(Debug)]
pub(crate) enum GroupEvent {
    /// A change in no set.
    Single(CacheChange),
    /// A writer's part of a set, which is over: the set's name and, where the writer said so, the group
    /// number of its end.
    Part {
        set: SequenceNumber,
        end: Option<SequenceNumber>,
        /// Who the publisher's writers were at the end.
        digest: Option<GroupDigest>,
        changes: Vec<CacheChange>,
        state: PartState,
        /// Whether the end of the set is the first that the writer ever wrote.
        is_first: bool,
    },
    /// The writer has nothing left with a group number up to this one.
    Advanced(Heard),
    /// As `Advanced`, and it never wrote anything with such a number.
    Began(Heard),
}

/// What a writer says of its publisher.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Heard {
    /// The last group number there is.
    pub(crate) number: SequenceNumber,
    /// Who the publisher's writers are since.
    pub(crate) digest: Option<GroupDigest>,
}

/// How much of what a writer wrote into a set is here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PartState {
    /// All.
    Whole,
    /// Nothing, and it may have been something.
    Unknown,
    /// Not all.
    Broken,
}

/// A change that waits, and for which reader.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) link: Link,
    pub(crate) change: CacheChange,
}

/// What became of something that waited.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    /// It is to be shown.
    Shown,
    /// A set that can never be whole: it is dropped.
    Incomplete,
}

/// Something whose turn has come; see [`SubscriberHistory::next_ready`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Ready {
    publisher: PublisherKey,
    /// The unit, or the next of those that wait for nothing.
    start: Option<SequenceNumber>,
    pub(crate) verdict: Verdict,
}

/// What all readers of a subscriber with access scope GROUP hold back.
#[derive(Debug)]
pub(crate) struct SubscriberHistory {
    ordered: bool,
    publishers: BTreeMap<PublisherKey, Publisher>,
    /// Which publisher a link's writer is of.
    links: BTreeMap<Link, PublisherKey>,
}

#[derive(Debug, Default)]
struct Publisher {
    /// What has been shown, or cannot come, ends before this number.
    next: SequenceNumber,
    writers: BTreeMap<Link, Progress>,
    /// By group number; a set by that of its first change.
    units: BTreeMap<SequenceNumber, Unit>,
    /// How many of them are sets.
    sets: usize,
    /// What has no place in the order.
    unordered: VecDeque<Held>,
    /// Sets that were dropped, while parts of them may still come.
    dropped_sets: BTreeSet<SequenceNumber>,
    /// Who the publisher's writers were when last heard.
    digest: Option<GroupDigest>,
    /// The latest that its writers said of it, apart from what they wrote.
    heard: Option<(SequenceNumber, GroupDigest)>,
    /// Who discovery says its writers are.
    discovered: Discovered,
    leave: Option<Leave>,
}

/// The writers of a publisher that discovery found, each judged for all readers: as long as there may be
/// others, which then may be matched as well, nothing can be called whole.
#[derive(Debug, Default)]
struct Discovered {
    /// The digests of who they were, latest last; `None` where nobody tells.
    digests: Option<VecDeque<GroupDigest>>,
    /// Since when something waits for others to be found.
    waiting_since: Option<Monotonic>,
}

/// Digests kept of who was discovered: a set may be decided long after its last writer came, or left.
const DIGESTS_KEPT: usize = 64;
/// How long writers of whom only a digest is known are waited for. Announcements are reliable, and repeated
/// well within it; what takes longer is not announced to us.
const DISCOVERY_WAIT: Duration = Duration::from_secs(5);

/// A writer has left; what it wrote just before may never come.
#[derive(Clone, Copy, Debug)]
struct Leave {
    /// Who the writers were before, if that was heard.
    before: Option<GroupDigest>,
    /// The first set known to be written without it.
    until: SequenceNumber,
}

/// How far a writer is, as one reader sees it.
#[derive(Clone, Copy, Debug)]
struct Progress {
    reliable: bool,
    alive: bool,
    /// It has nothing left up to this group number.
    advanced: SequenceNumber,
    /// It wrote nothing up to this group number.
    began: SequenceNumber,
}

#[derive(Debug)]
enum Unit {
    Changes(Vec<Held>),
    Set(GroupSet),
}

#[derive(Debug, Default)]
struct GroupSet {
    changes: Vec<Held>,
    /// The group number that follows its last change.
    end: Option<SequenceNumber>,
    /// Who has finished its part.
    ended: BTreeSet<Link>,
    /// Somebody's part cannot be had.
    broken: bool,
    /// Nobody can say whether somebody had a part, which then is not here.
    doubtful: bool,
    /// Who the publisher's writers were, as its parts say.
    digests: Vec<GroupDigest>,
}

/// Names kept of sets that were dropped.
const DROPPED_SETS_KEPT: usize = 64;
/// Sets of one publisher that may wait at a time. Their samples are bounded where they are counted, but a set
/// without any takes room as well.
const SETS_KEPT: usize = 1_024;

impl SubscriberHistory {
    pub(crate) fn new(ordered: bool) -> Self {
        Self { ordered, publishers: BTreeMap::new(), links: BTreeMap::new() }
    }

    /// A writer was matched with a reader. `is_told` says that [`discovered`](Self::discovered) will tell of
    /// all its publisher's writers.
    pub(crate) fn matched(&mut self, link: Link, publisher: PublisherKey, reliable: bool, is_told: bool) {
        if self.links.insert(link, publisher).is_some() {
            return;
        }
        let progress =
            Progress { reliable, alive: true, advanced: SequenceNumber::ZERO, began: SequenceNumber::ZERO };
        let publisher = self.publishers.entry(publisher).or_insert_with(|| Publisher {
            discovered: Discovered { digests: is_told.then(VecDeque::new), waiting_since: None },
            ..Publisher::default()
        });
        publisher.writers.insert(link, progress);
    }

    /// Who the publisher's writers are, as discovery says; all of them have been judged for every reader.
    pub(crate) fn discovered(&mut self, publisher: PublisherKey, digest: GroupDigest) {
        let publisher = self.publishers.get_mut(&publisher);
        let Some(digests) = publisher.and_then(|publisher| publisher.discovered.digests.as_mut()) else {
            return;
        };
        digests.retain(|known| *known != digest);
        digests.push_back(digest);
        if digests.len() > DIGESTS_KEPT {
            digests.pop_front();
        }
    }

    /// Stops waiting, for good, for writers that were not discovered in time. Returns of which publishers.
    pub(crate) fn give_up(&mut self, now: Monotonic) -> Vec<PublisherKey> {
        let mut given_up = Vec::new();
        for (key, publisher) in &mut self.publishers {
            if !publisher.awaits_discovery(self.ordered) {
                publisher.discovered.waiting_since = None;
                continue;
            }
            let since = *publisher.discovered.waiting_since.get_or_insert(now);
            if now >= since.after(DISCOVERY_WAIT) {
                publisher.discovered.digests = None;
                given_up.push(*key);
            }
        }
        given_up
    }

    /// A writer's liveliness changed: one that is not alive is not waited for.
    pub(crate) fn set_alive(&mut self, link: Link, alive: bool) {
        if let Some(progress) = self.progress(link) {
            progress.alive = alive;
        }
    }

    /// A writer is gone: nobody waits for it any more, and sets that it had not finished are in doubt.
    pub(crate) fn unmatched(&mut self, link: Link) {
        let Some(key) = self.links.remove(&link) else { return };
        let Some(publisher) = self.publishers.get_mut(&key) else { return };
        publisher.writers.remove(&link);
        publisher.leave = Some(Leave { before: publisher.digest, until: SequenceNumber::MAX });
        for unit in publisher.units.values_mut() {
            if let Unit::Set(set) = unit {
                set.doubtful |= !set.ended.contains(&link);
            }
        }
    }

    /// Whether something of the writer still waits for this reader.
    pub(crate) fn holds(&self, link: Link) -> bool {
        let of_link = |held: &Held| held.link == link;
        self.publishers.values().any(|publisher| {
            publisher.unordered.iter().any(of_link)
                || publisher.units.values().any(|unit| match unit {
                    Unit::Changes(changes) => changes.iter().any(of_link),
                    Unit::Set(set) => set.changes.iter().any(of_link),
                })
        })
    }

    fn progress(&mut self, link: Link) -> Option<&mut Progress> {
        let key = self.links.get(&link)?;
        self.publishers.get_mut(key)?.writers.get_mut(&link)
    }

    /// Takes in what a reader got of a writer. Returns the changes that are lost by it.
    pub(crate) fn arrive(&mut self, link: Link, event: GroupEvent) -> Vec<CacheChange> {
        let ordered = self.ordered;
        let Some(publisher) = self.links.get(&link).and_then(|key| self.publishers.get_mut(key)) else {
            return match event {
                GroupEvent::Single(change) => vec![change],
                GroupEvent::Part { changes, .. } => changes,
                GroupEvent::Advanced(_) | GroupEvent::Began(_) => Vec::new(),
            };
        };
        match event {
            GroupEvent::Single(change) => publisher.single(link, change, ordered).into_iter().collect(),
            GroupEvent::Part { set, end, digest, changes, state, is_first } => {
                publisher.digest = digest.or(publisher.digest);
                if is_first && let Some(end) = end {
                    publisher.began(link, end.previous());
                }
                publisher.part(link, set, end, changes, state, digest)
            }
            GroupEvent::Advanced(heard) => {
                publisher.hear(link, heard);
                Vec::new()
            }
            GroupEvent::Began(heard) => {
                publisher.hear(link, heard);
                publisher.began(link, heard.number);
                Vec::new()
            }
        }
    }

    /// Something whose turn has come, of a publisher for which `is_blocked` does not hold. Call
    /// [`changes`](Self::changes) to see and [`take`](Self::take) to have it, and then ask again.
    pub(crate) fn next_ready(&self, is_blocked: impl Fn(&PublisherKey) -> bool) -> Option<Ready> {
        let publishers = self.publishers.iter().filter(|(key, _)| !is_blocked(key));
        publishers.into_iter().find_map(|(key, publisher)| {
            if !publisher.unordered.is_empty() {
                return Some(Ready { publisher: *key, start: None, verdict: Verdict::Shown });
            }
            let (start, verdict) = publisher.ready(self.ordered)?;
            Some(Ready { publisher: *key, start: Some(start), verdict })
        })
    }

    /// The changes of what is ready, in the order in which they are to be shown.
    pub(crate) fn changes(&self, ready: Ready) -> &[Held] {
        let Some(publisher) = self.publishers.get(&ready.publisher) else { return &[] };
        match ready.start {
            None => publisher.unordered.as_slices().0.get(..1).unwrap_or(&[]),
            Some(start) => match publisher.units.get(&start) {
                Some(Unit::Changes(changes)) => changes,
                Some(Unit::Set(set)) => &set.changes,
                None => &[],
            },
        }
    }

    /// Takes out what is ready.
    pub(crate) fn take(&mut self, ready: Ready) -> Vec<Held> {
        let Some(publisher) = self.publishers.get_mut(&ready.publisher) else { return Vec::new() };
        let Some(start) = ready.start else { return publisher.unordered.pop_front().into_iter().collect() };
        match publisher.units.remove(&start) {
            Some(Unit::Changes(changes)) => {
                publisher.next = publisher.next.max(start.next());
                changes
            }
            Some(Unit::Set(set)) => {
                publisher.sets -= 1;
                if let Some(leave) = &mut publisher.leave
                    && !set.digests.is_empty()
                    && leave.before.is_none_or(|before| !set.digests.contains(&before))
                {
                    leave.until = leave.until.min(start);
                }
                let past = set.changes.iter().filter_map(|held| group_number(&held.change)).max();
                let past = set.end.or(past).unwrap_or(start);
                publisher.next = publisher.next.max(past.next());
                if ready.verdict == Verdict::Incomplete {
                    publisher.drop_set(start);
                }
                set.changes
            }
            None => Vec::new(),
        }
    }

    /// Which publisher something that is ready is of.
    pub(crate) fn publisher_of(ready: Ready) -> PublisherKey {
        ready.publisher
    }

    /// The reliable writers that must say how far they are before something can be shown.
    pub(crate) fn awaited(&self) -> Vec<Link> {
        let mut awaited = Vec::new();
        for publisher in self.publishers.values() {
            if publisher.awaits_discovery(self.ordered) {
                // Those who are not found may have left again: whoever is there says so.
                let asked = publisher.writers.iter().find(|(_, progress)| progress.can_be_asked());
                awaited.extend(asked.map(|(link, _)| *link));
                continue;
            }
            let Some(number) = publisher.stalled_at(self.ordered) else { continue };
            let lagging = publisher
                .writers
                .iter()
                .filter(|(_, progress)| progress.can_be_asked() && progress.advanced < number);
            awaited.extend(lagging.map(|(link, _)| *link));
        }
        awaited
    }

    /// Forgets publishers of which nothing is left; how many changes are lost by it.
    pub(crate) fn forget_gone(&mut self) -> usize {
        let mut lost = 0;
        self.publishers.retain(|_, publisher| {
            if publisher.writers.is_empty() {
                // Who could say that an open set is over?
                let sets = &mut publisher.sets;
                publisher.units.retain(|_, unit| match unit {
                    Unit::Set(set) if !set.broken && set.end.is_none() => {
                        lost += set.changes.len();
                        *sets -= 1;
                        false
                    }
                    _ => true,
                });
            }
            !publisher.writers.is_empty() || !publisher.units.is_empty() || !publisher.unordered.is_empty()
        });
        lost
    }
}

fn digest_of(change: &CacheChange) -> Option<GroupDigest> {
    change.inline_qos.as_ref()?.writer_group_info
}

fn group_number(change: &CacheChange) -> Option<SequenceNumber> {
    change.inline_qos.as_ref()?.group_seq_num.filter(|number| number.is_valid())
}

impl Progress {
    fn can_be_asked(&self) -> bool {
        self.reliable && self.alive
    }
}

impl Publisher {
    fn hear(&mut self, link: Link, heard: Heard) {
        self.advance(link, heard.number);
        let is_later = self.heard.is_none_or(|(number, _)| heard.number >= number);
        if let Some(digest) = heard.digest.filter(|_| is_later) {
            self.heard = Some((heard.number, digest));
        }
    }

    /// Whether all were discovered who were the publisher's writers at `number`, or who are it since:
    /// `digests` is who they were. Where nobody can be asked, nobody is waited for.
    fn all_discovered(&self, mut digests: impl Iterator<Item = GroupDigest>, number: SequenceNumber) -> bool {
        let Some(known) = &self.discovered.digests else { return true };
        let since = self.heard.filter(|(heard, _)| *heard >= number);
        let mut any = false;
        digests.any(|digest| {
            any = true;
            known.contains(&digest)
        }) || !any
            || since.is_some_and(|(_, digest)| known.contains(&digest))
            || !self.writers.values().any(Progress::can_be_asked)
    }

    /// Whether all writers that may have a part in a unit were discovered.
    fn knows_authors(&self, start: SequenceNumber, unit: &Unit) -> bool {
        match unit {
            Unit::Changes(changes) => {
                self.all_discovered(changes.iter().filter_map(|held| digest_of(&held.change)), start)
            }
            Unit::Set(set) => {
                set.broken || self.all_discovered(set.digests.iter().copied(), set.end.unwrap_or(start))
            }
        }
    }

    /// Whether the next unit waits for nothing but writers to be discovered.
    fn awaits_discovery(&self, ordered: bool) -> bool {
        self.next_decided(ordered).is_some_and(|(start, _)| {
            self.units.get(&start).is_some_and(|unit| !self.knows_authors(start, unit))
        })
    }

    fn advance(&mut self, link: Link, number: SequenceNumber) {
        if let Some(progress) = self.writers.get_mut(&link) {
            progress.advanced = progress.advanced.max(number);
        }
    }

    fn began(&mut self, link: Link, number: SequenceNumber) {
        if let Some(progress) = self.writers.get_mut(&link) {
            progress.began = progress.began.max(number);
        }
    }

    /// The change, if it comes too late to be shown.
    fn single(&mut self, link: Link, change: CacheChange, ordered: bool) -> Option<CacheChange> {
        let number = group_number(&change);
        self.digest = digest_of(&change).or(self.digest);
        if let Some(number) = number {
            self.advance(link, number);
            if change.sequence_number == SequenceNumber::FIRST {
                self.began(link, number.previous());
            }
        }
        let Some(number) = number.filter(|_| ordered) else {
            self.unordered.push_back(Held { link, change });
            return None;
        };
        if number < self.next {
            // Later ones have been shown. What is sent again is late but wanted: its reader was matched
            // after others. Of best effort nothing is shown out of order.
            if self.writers.get(&link).is_some_and(|progress| !progress.reliable) {
                return Some(change);
            }
            self.unordered.push_back(Held { link, change });
            return None;
        }
        let held = Held { link, change };
        match self.units.entry(number).or_insert_with(|| Unit::Changes(Vec::new())) {
            Unit::Changes(changes) => changes.push(held),
            // Two publishers under one name; nobody can say what belongs to what.
            Unit::Set(set) => {
                set.broken = true;
                self.unordered.push_back(held);
            }
        }
        None
    }

    /// Those of the changes that can never be shown.
    fn part(
        &mut self,
        link: Link,
        name: SequenceNumber,
        end: Option<SequenceNumber>,
        changes: Vec<CacheChange>,
        state: PartState,
        digest: Option<GroupDigest>,
    ) -> Vec<CacheChange> {
        if let Some(end) = end {
            self.advance(link, end);
        }
        let first = changes.first().filter(|change| change.sequence_number == SequenceNumber::FIRST);
        if let Some(number) = first.and_then(group_number) {
            self.began(link, number.previous());
        }
        if self.dropped_sets.contains(&name) {
            return changes;
        }
        if !self.units.contains_key(&name) {
            if self.sets >= SETS_KEPT {
                self.drop_set(name);
                return changes;
            }
            self.sets += 1;
            self.units.insert(name, Unit::Set(GroupSet::default()));
        }
        let Some(Unit::Set(set)) = self.units.get_mut(&name) else {
            self.drop_set(name);
            return changes;
        };
        set.doubtful |= state == PartState::Unknown;
        // A writer's part ends once.
        set.broken |= state == PartState::Broken
            || end.is_none()
            || set.end.is_some_and(|known| Some(known) != end)
            || !set.ended.insert(link);
        set.end = set.end.or(end);
        if set.broken {
            return changes;
        }
        for digest in digest.into_iter().chain(changes.iter().filter_map(digest_of)) {
            if !set.digests.contains(&digest) {
                set.digests.push(digest);
            }
        }
        let held = changes.into_iter().map(|change| Held { link, change });
        set.changes.extend(held);
        set.changes.sort_by_key(|held| group_number(&held.change));
        Vec::new()
    }

    fn drop_set(&mut self, name: SequenceNumber) {
        self.dropped_sets.insert(name);
        if self.dropped_sets.len() > DROPPED_SETS_KEPT {
            self.dropped_sets.pop_first();
        }
    }

    /// Up to which number all writers have nothing left; those that nobody can ask are not counted
    /// (RTPS 2.5 §8.7.5).
    fn settled(&self) -> SequenceNumber {
        let asked = self.writers.values().filter(|progress| progress.can_be_asked());
        asked.map(|progress| progress.advanced).min().unwrap_or(SequenceNumber::MAX)
    }

    fn ready(&self, ordered: bool) -> Option<(SequenceNumber, Verdict)> {
        let (start, verdict) = self.next_decided(ordered)?;
        self.knows_authors(start, self.units.get(&start)?).then_some((start, verdict))
    }

    /// The next unit that is whole, or never will be, if no other writers turn up.
    fn next_decided(&self, ordered: bool) -> Option<(SequenceNumber, Verdict)> {
        let settled = self.settled();
        for (start, unit) in &self.units {
            let in_turn = !ordered || *start <= self.next || settled >= start.previous();
            let verdict = match unit {
                _ if !in_turn => None,
                Unit::Changes(_) => Some(Verdict::Shown),
                Unit::Set(set) => set.verdict(&self.writers, *start, self.leave),
            };
            match verdict {
                Some(verdict) => return Some((*start, verdict)),
                None if ordered => return None,
                None => {}
            }
        }
        None
    }

    /// The group number up to which writers must have nothing left for the next unit to be shown.
    fn stalled_at(&self, ordered: bool) -> Option<SequenceNumber> {
        let (start, unit) = self.units.first_key_value()?;
        let turn = (ordered && *start > self.next).then(|| start.previous());
        match unit {
            Unit::Changes(_) => turn,
            Unit::Set(set) => set.end.or(turn),
        }
    }
}

impl GroupSet {
    /// Whether the set is whole; `None` while that is not decided.
    fn verdict(
        &self,
        writers: &BTreeMap<Link, Progress>,
        start: SequenceNumber,
        leave: Option<Leave>,
    ) -> Option<Verdict> {
        if self.broken {
            return Some(Verdict::Incomplete);
        }
        let end = self.end?;
        let mut numbers: Vec<_> = self.changes.iter().filter_map(|held| group_number(&held.change)).collect();
        numbers.dedup();
        // Every number of the set is there: whoever is missing wrote nothing into it.
        let all_there = end.offset_from(start) == Some(numbers.len() as u64);
        let mut whole = all_there || !(self.doubtful || self.may_lack_one_who_left(start, leave));
        for (link, progress) in writers.iter().filter(|(link, _)| !self.ended.contains(link)) {
            let is_author = self.changes.iter().any(|held| held.link.writer == link.writer);
            if all_there && !is_author {
                continue;
            }
            if progress.alive && progress.advanced < end {
                return None;
            }
            whole &= progress.began >= end;
        }
        Some(if whole { Verdict::Shown } else { Verdict::Incomplete })
    }

    /// Whether a writer that is gone may have written into the set what never came. The publisher says
    /// who its writers are: they changed within the set, the one that left was still among them, or it
    /// may have been the first to write.
    fn may_lack_one_who_left(&self, start: SequenceNumber, leave: Option<Leave>) -> bool {
        let has_first = self.changes.first().and_then(|held| group_number(&held.change)) == Some(start);
        let with_it =
            |before: Option<GroupDigest>| before.is_none_or(|before| self.digests.contains(&before));
        self.digests.len() > 1
            || leave.is_some_and(|leave| start <= leave.until && (!has_first || with_it(leave.before)))
    }
}
