//! The logic of sets against a model: publishers write at random, changes get lost, links deliver at
//! different speeds, writers die; no set is ever shown but whole, and order is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use dds_rtps::{
    message::{GroupDigest, InlineQosToSend},
    payload::Payload,
    structure::{EntityKind, GuidPrefix},
    time::{Duration, Monotonic},
};
use fastrand::Rng;

use super::*;
use crate::presentation::history::{GroupEvent, Link, SubscriberHistory, Verdict};
use dds_rtps::structure::{EntityId, Guid, SequenceNumber};

fn writer_guid(index: usize) -> Guid {
    Guid::new(GuidPrefix([1; 12]), EntityId::new(index as u32 + 1, EntityKind::WRITER_WITH_KEY))
}

fn reader_id(index: usize) -> EntityId {
    EntityId::new(index as u32 + 1, EntityKind::READER_WITH_KEY)
}

/// What a publisher with access scope GROUP sends, made from the text of RTPS 2.5 §8.7.5 and §8.7.6.
#[derive(Default)]
struct Model {
    /// Of each writer.
    sent: Vec<Vec<CacheChange>>,
    group_number: i64,
    open: Option<i64>,
    /// The writers' first numbers in the open set.
    first: Vec<Option<i64>>,
    /// Each set's changes: writer and number.
    sets: BTreeMap<i64, Vec<(usize, i64)>>,
    /// Writers that are still there.
    members: Vec<usize>,
}

impl Model {
    fn new(writers: usize) -> Self {
        Self {
            sent: vec![Vec::new(); writers],
            first: vec![None; writers],
            members: (0..writers).collect(),
            ..Self::default()
        }
    }

    fn push(&mut self, writer: usize, payload: &[u8], mut marks: InlineQosToSend) {
        let number = self.sent[writer].len() as i64 + 1;
        let members = self.members.iter().map(|index| writer_guid(*index).entity_id);
        marks.writer_group_info = Some(GroupDigest::of(members));
        self.sent[writer].push(CacheChange {
            writer_guid: writer_guid(writer),
            sequence_number: SequenceNumber(number),
            payload: Payload::from(payload.to_vec()),
            inline_qos: Some(Box::new(marks)),
            ..CacheChange::default()
        });
    }

    fn write(&mut self, writer: usize) {
        self.group_number += 1;
        let group_number = self.group_number;
        let mut marks =
            InlineQosToSend { group_seq_num: Some(SequenceNumber(group_number)), ..Default::default() };
        let next = self.sent[writer].len() as i64 + 1;
        if let Some(open) = &mut self.open {
            if *open == 0 {
                *open = group_number;
            }
            let first = *self.first[writer].get_or_insert(next);
            marks.coherent_set = Some(SequenceNumber(first));
            marks.group_coherent_set = Some(SequenceNumber(*open));
            self.sets.entry(*open).or_default().push((writer, next));
        }
        self.push(writer, &[1, 2, 3, 4], marks);
    }

    fn begin(&mut self) {
        self.open = Some(0);
    }

    fn end(&mut self) {
        let Some(open) = self.open.take().filter(|open| *open > 0) else { return };
        self.group_number += 1;
        for writer in self.members.clone() {
            self.first[writer] = None;
            let marks = InlineQosToSend {
                group_seq_num: Some(SequenceNumber(self.group_number)),
                group_coherent_set: Some(SequenceNumber(open)),
                ..Default::default()
            };
            self.push(writer, &[], marks);
        }
    }
}

/// One reader's side of the engine, without cache and protocol.
struct Side {
    link: Link,
    assembler: Assembler,
    inbox: VecDeque<CacheChange>,
}

impl Side {
    /// Hands the next change on, as the engine's presenter does.
    fn step(&mut self, history: &mut SubscriberHistory) {
        let Some(change) = self.inbox.pop_front() else { return };
        let marks = change.inline_qos.clone().unwrap();
        let end_of = marks.group_coherent_set.filter(|_| is_end_mark(&change));
        let is_first = change.sequence_number == SequenceNumber::FIRST;
        let digest = marks.writer_group_info;
        if let Some(ended) = self.assembler.ends(&change) {
            let state = if ended.is_whole { PartState::Whole } else { PartState::Broken };
            let (set, changes, _) = self.assembler.close(change.writer_guid).unwrap();
            let end = marks.group_seq_num.filter(|_| end_of == Some(set));
            let changes = if state == PartState::Whole { changes } else { Vec::new() };
            history.arrive(self.link, GroupEvent::Part { set, end, digest, changes, state, is_first });
            if end.is_some() {
                self.assembler.enter(&change);
                return;
            }
        }
        let event = match self.assembler.enter(&change) {
            Entry::Held => return,
            Entry::Single => GroupEvent::Single(change),
            Entry::Mark { is_gapless } => GroupEvent::Part {
                set: end_of.unwrap(),
                end: marks.group_seq_num,
                digest,
                changes: Vec::new(),
                state: if is_gapless { PartState::Whole } else { PartState::Unknown },
                is_first,
            },
        };
        history.arrive(self.link, event);
    }
}

struct Shown {
    changes: Vec<(usize, i64)>,
    numbers: Vec<i64>,
}

fn index_of(writer: Guid) -> usize {
    (0..8).find(|index| writer_guid(*index) == writer).unwrap()
}

/// Shows what is ready; each unit as a whole.
fn show(history: &mut SubscriberHistory) -> Vec<Shown> {
    let mut shown = Vec::new();
    while let Some(ready) = history.next_ready(|_| false) {
        let changes = history.take(ready);
        if ready.verdict == Verdict::Incomplete {
            continue;
        }
        let number = |held: &Held| held.change.inline_qos.as_ref().unwrap().group_seq_num.unwrap().0;
        shown.push(Shown {
            numbers: changes.iter().map(number).collect(),
            changes: changes
                .iter()
                .map(|held| (index_of(held.link.writer), held.change.sequence_number.0))
                .collect(),
        });
    }
    shown
}

/// Who goes away, with part of what it sent on its way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Leaves {
    Nobody,
    /// The first writer, at some time.
    One,
    /// All, in the end.
    All,
}

/// The reader loses a writer.
fn unmatch(side: &mut Side, history: &mut SubscriberHistory) {
    if let Some((set, _)) = side.assembler.forget(side.link.writer) {
        let (end, digest, changes) = (None, None, Vec::new());
        let (state, is_first) = (PartState::Broken, false);
        history.arrive(side.link, GroupEvent::Part { set, end, digest, changes, state, is_first });
    }
    history.unmatched(side.link);
}

/// One random run; `matched` of the publisher's `writers` have a reader here.
fn run(seed: u64, ordered: bool, loss: u64, writers: usize, matched: usize, leaves: Leaves) {
    let mut random = Rng::with_seed(seed);
    let mut model = Model::new(writers);
    let leave_at = if leaves == Leaves::One { random.u64(..60) } else { u64::MAX };
    for round in 0..60 {
        if round == leave_at {
            model.members.retain(|index| *index != 0);
        }
        match random.u64(..10) {
            0 if model.open.is_none() => model.begin(),
            1 | 2 if model.open.is_some() => model.end(),
            _ if model.members.is_empty() => {}
            _ => model.write(model.members[random.usize(..model.members.len())]),
        }
    }
    if leaves != Leaves::All {
        model.end();
    }
    let publisher = (GuidPrefix([1; 12]), EntityId::new(9, EntityKind::WRITER_GROUP));
    let mut history = SubscriberHistory::new(ordered);
    let mut lost: BTreeSet<(usize, i64)> = BTreeSet::new();
    let mut sides: Vec<Side> = Vec::new();
    for index in 0..matched {
        let link = Link { reader: reader_id(index), writer: writer_guid(index) };
        history.matched(link, publisher, true, false);
        let mut inbox = VecDeque::new();
        for change in &model.sent[index] {
            if random.u64(..100) < loss {
                lost.insert((index, change.sequence_number.0));
            } else {
                inbox.push_back(change.clone());
            }
        }
        sides.push(Side { link, assembler: Assembler::of_groups(true), inbox });
    }
    let mut shown = Vec::new();
    let mut left = leaves != Leaves::One;
    while sides.iter().any(|side| !side.inbox.is_empty()) {
        let index = random.usize(..matched);
        for _ in 0..random.u64(..4) {
            sides[index].step(&mut history);
        }
        shown.extend(show(&mut history));
        // That a writer is gone may be heard before its last samples are, and before those of others; but
        // not before anything at all was heard of its publisher.
        if !left && !shown.is_empty() && random.u64(..100) < 4 {
            left = true;
            let rest = sides[0].inbox.drain(..).map(|change| (0, change.sequence_number.0));
            lost.extend(rest);
            unmatch(&mut sides[0], &mut history);
            shown.extend(show(&mut history));
        }
    }
    // In the end every writer says how far it is, or is gone.
    for side in &mut sides {
        if leaves == Leaves::All {
            unmatch(side, &mut history);
        } else {
            history.arrive(
                side.link,
                GroupEvent::Advanced(Heard { number: SequenceNumber(model.group_number), digest: None }),
            );
        }
        shown.extend(show(&mut history));
    }
    history.forget_gone();
    shown.extend(show(&mut history));

    check(seed, &model, &shown, &lost, matched, leaves != Leaves::Nobody, ordered);
}

fn check(
    seed: u64,
    model: &Model,
    shown: &[Shown],
    lost: &BTreeSet<(usize, i64)>,
    matched: usize,
    dies: bool,
    ordered: bool,
) {
    let set_of: BTreeMap<(usize, i64), i64> =
        model.sets.iter().flat_map(|(set, changes)| changes.iter().map(|change| (*change, *set))).collect();
    let mut seen = BTreeSet::new();
    for unit in shown {
        for change in &unit.changes {
            assert!(seen.insert(*change), "seed {seed}: {change:?} twice");
            let Some(set) = set_of.get(change) else { continue };
            let whole: BTreeSet<_> =
                model.sets[set].iter().copied().filter(|(writer, _)| *writer < matched).collect();
            let together: BTreeSet<_> = unit.changes.iter().copied().collect();
            assert_eq!(together, whole, "seed {seed}: a part of set {set} is visible");
        }
    }
    for (writer, changes) in model.sent.iter().enumerate().take(matched) {
        for change in changes.iter().filter(|change| !change.payload.is_empty()) {
            let name = (writer, change.sequence_number.0);
            let is_there = match set_of.get(&name) {
                None => !lost.contains(&name),
                // A set of which nothing was lost, ends included, is shown in the end.
                Some(set) => {
                    let open = model.open == Some(*set);
                    let of_set = |(writer, number): &(usize, i64)| {
                        let change = &model.sent[*writer][*number as usize - 1];
                        change.inline_qos.as_ref().unwrap().group_coherent_set == Some(SequenceNumber(*set))
                    };
                    // A writer that wrote nothing into the set, as nobody can tell who lost what came
                    // before its end, and does not know all other writers.
                    let in_doubt = |(writer, number): &(usize, i64)| {
                        let next = model.sent[*writer].get(*number as usize);
                        matched < model.sent.len()
                            && next.is_some_and(|next| {
                                is_end_mark(next)
                                    && next.inline_qos.as_ref().unwrap().group_coherent_set
                                        == Some(SequenceNumber(*set))
                            })
                    };
                    if open || lost.iter().any(|change| of_set(change) || in_doubt(change)) {
                        assert!(
                            !open || !seen.contains(&name),
                            "seed {seed}: a set that never ended is visible"
                        );
                        continue;
                    }
                    true
                }
            };
            // Where writers die, what they alone could have explained is in doubt.
            if !dies {
                assert_eq!(seen.contains(&name), is_there, "seed {seed}: {name:?}");
            }
        }
    }
    if ordered && lost.is_empty() && !dies {
        let numbers: Vec<i64> = shown.iter().flat_map(|unit| unit.numbers.iter().copied()).collect();
        assert!(numbers.is_sorted(), "seed {seed}: {numbers:?}");
    }
}

#[test]
fn no_part_of_a_set_is_ever_visible() {
    for seed in 1..=400 {
        let (writers, matched) = [(1, 1), (3, 3), (3, 2), (2, 1)][seed as usize % 4];
        for ordered in [false, true] {
            for loss in [0, 10, 40] {
                for leaves in [Leaves::Nobody, Leaves::One, Leaves::All] {
                    run(seed, ordered, loss, writers, matched, leaves);
                }
            }
        }
    }
}

/// Three writers of one publisher, one set, and what the readers of each get of it.
fn one_set() -> (Model, PublisherKey, Vec<Side>) {
    let mut model = Model::new(3);
    model.begin();
    (0..3).for_each(|writer| model.write(writer));
    model.end();
    let side = |index: usize| Side {
        link: Link { reader: reader_id(index), writer: writer_guid(index) },
        assembler: Assembler::of_groups(true),
        inbox: model.sent[index].iter().cloned().collect(),
    };
    let sides = (0..3).map(side).collect();
    (model, (GuidPrefix([1; 12]), EntityId::new(9, EntityKind::WRITER_GROUP)), sides)
}

fn digest_of_writers(writers: &[usize]) -> GroupDigest {
    GroupDigest::of(writers.iter().map(|index| writer_guid(*index).entity_id))
}

/// Writers are discovered one after the other, those without a reader here included, while what they
/// wrote arrives.
fn discover_late(seed: u64, ordered: bool, writers: usize, matched: usize) {
    let mut random = Rng::with_seed(seed);
    let mut model = Model::new(writers);
    for _ in 0..40 {
        match random.u64(..10) {
            0 if model.open.is_none() => model.begin(),
            1 | 2 if model.open.is_some() => model.end(),
            _ => model.write(random.usize(..writers)),
        }
    }
    model.end();
    let publisher = (GuidPrefix([1; 12]), EntityId::new(9, EntityKind::WRITER_GROUP));
    let mut history = SubscriberHistory::new(ordered);
    let mut hidden: Vec<usize> = (0..writers).collect();
    let mut found = Vec::new();
    let mut sides: Vec<Side> = Vec::new();
    let mut shown = Vec::new();
    while !hidden.is_empty() || sides.iter().any(|side| !side.inbox.is_empty()) {
        if !hidden.is_empty() && random.u64(..100) < 10 {
            let index = hidden.swap_remove(random.usize(..hidden.len()));
            found.push(index);
            if index < matched {
                let link = Link { reader: reader_id(index), writer: writer_guid(index) };
                history.matched(link, publisher, true, true);
                let inbox = model.sent[index].iter().cloned().collect();
                sides.push(Side { link, assembler: Assembler::of_groups(true), inbox });
            }
            history.discovered(publisher, digest_of_writers(&found));
        }
        for side in &mut sides {
            (0..random.u64(..3)).for_each(|_| side.step(&mut history));
        }
        shown.extend(show(&mut history));
    }
    for side in &sides {
        let heard = Heard { number: SequenceNumber(model.group_number), digest: None };
        history.arrive(side.link, GroupEvent::Advanced(heard));
        shown.extend(show(&mut history));
    }
    check(seed, &model, &shown, &BTreeSet::new(), matched, false, ordered);
}

#[test]
fn nothing_is_called_whole_before_all_writers_are_discovered() {
    for seed in 1..=400 {
        let (writers, matched) = [(3, 3), (4, 2), (2, 1)][seed as usize % 3];
        for ordered in [false, true] {
            discover_late(seed, ordered, writers, matched);
        }
    }
}

#[test]
fn a_writer_that_left_before_it_was_discovered_is_not_waited_for() {
    let (model, publisher, mut sides) = one_set();
    let mut history = SubscriberHistory::new(false);
    for side in &mut sides[..2] {
        history.matched(side.link, publisher, true, true);
        (0..2).for_each(|_| side.step(&mut history));
    }
    history.discovered(publisher, digest_of_writers(&[0, 1]));
    assert!(show(&mut history).is_empty());
    assert_eq!(history.awaited(), [sides[0].link], "somebody says who is still there");
    let number = SequenceNumber(model.group_number);
    let early = Heard { number: number.previous(), digest: Some(digest_of_writers(&[0, 1])) };
    history.arrive(sides[0].link, GroupEvent::Advanced(early));
    assert!(show(&mut history).is_empty(), "that was before the set's end");
    let heard = Heard { number, digest: Some(digest_of_writers(&[0, 1])) };
    history.arrive(sides[0].link, GroupEvent::Advanced(heard));
    assert_eq!(show(&mut history).len(), 1);
}

#[test]
fn writers_that_are_never_discovered_are_waited_for_a_while() {
    let (_, publisher, mut sides) = one_set();
    let mut history = SubscriberHistory::new(false);
    let side = &mut sides[0];
    history.matched(side.link, publisher, true, true);
    (0..2).for_each(|_| side.step(&mut history));
    history.discovered(publisher, digest_of_writers(&[0]));
    let start = Monotonic::ZERO.after(Duration::from_secs(100));
    assert!(history.give_up(start).is_empty());
    assert!(history.give_up(start.after(Duration::from_millis(4_999))).is_empty());
    assert!(show(&mut history).is_empty());
    assert_eq!(history.give_up(start.after(Duration::from_secs(5))), [publisher]);
    assert_eq!(show(&mut history).len(), 1);
    assert!(history.give_up(start.after(Duration::from_secs(60))).is_empty(), "told once");
}

#[test]
fn a_set_that_never_ends_costs_no_more_than_its_bound() {
    let mut assembler = Assembler::of_writers();
    let mut retained = 0;
    for number in 1..=200_000 {
        let marks = InlineQosToSend { coherent_set: Some(SequenceNumber(1)), ..Default::default() };
        let change = CacheChange {
            writer_guid: writer_guid(0),
            sequence_number: SequenceNumber(number),
            payload: Payload::from(vec![0; 1000]),
            inline_qos: Some(Box::new(marks)),
            ..CacheChange::default()
        };
        assert_eq!(assembler.enter(&change), Entry::Held);
        retained = retained.max(assembler.held_bytes());
    }
    assert!(retained <= 8 * HELD_BYTES, "{retained}");
    let end = CacheChange {
        writer_guid: writer_guid(0),
        sequence_number: SequenceNumber(200_001),
        ..CacheChange::default()
    };
    assert!(!assembler.ends(&end).unwrap().is_whole);
    let (_, changes, dropped) = assembler.close(writer_guid(0)).unwrap();
    assert_eq!((changes.len(), dropped), (0, 200_000));
    assert_eq!(assembler.held_bytes(), 0);
}

#[test]
fn forged_numbers_cost_nothing() {
    let link = Link { reader: reader_id(0), writer: writer_guid(0) };
    let publisher = (GuidPrefix([1; 12]), EntityId::new(9, EntityKind::WRITER_GROUP));
    let extremes = [i64::MIN, -0x1_0000_0000, -1, 0, 1, 2, i64::MAX - 1, i64::MAX];
    for ordered in [false, true] {
        let mut history = SubscriberHistory::new(ordered);
        history.matched(link, publisher, true, false);
        let mut side = Side { link, assembler: Assembler::of_groups(true), inbox: VecDeque::new() };
        let mut number = 0;
        for group in extremes {
            for set in extremes {
                for first in extremes {
                    for payload in [vec![1; 4], Vec::new()] {
                        number += 1;
                        side.inbox.push_back(CacheChange {
                            writer_guid: link.writer,
                            sequence_number: SequenceNumber(number),
                            payload: Payload::from(payload),
                            inline_qos: Some(Box::new(InlineQosToSend {
                                group_seq_num: Some(SequenceNumber(group)),
                                group_coherent_set: Some(SequenceNumber(set)),
                                coherent_set: Some(SequenceNumber(first)),
                                ..Default::default()
                            })),
                            ..CacheChange::default()
                        });
                        side.step(&mut history);
                        show(&mut history);
                    }
                }
            }
        }
        history.unmatched(link);
        history.forget_gone();
        show(&mut history);
        assert!(!history.holds(link));
    }
}
