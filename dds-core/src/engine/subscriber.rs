//! The readers of one subscriber with access scope GROUP: what they get is shown in one order, and
//! coherent sets across them together (DDS 1.4 §2.2.3.6, §2.2.2.5.2.8).

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use dds_qos::{AccessScope, Presentation};
use dds_rtps::{
    discovery::PublicationData,
    message::GroupDigest,
    structure::{EntityId, Guid},
    time::Now,
};
use parking_lot::Mutex;
use smallvec::SmallVec;

use super::{Engine, ReaderEndpoint};
use crate::{
    cache::Room,
    presentation::{Held, Link, PublisherKey, SubscriberHistory, Verdict},
};

/// What the readers of a subscriber with access scope GROUP have in common.
///
/// Its lock is taken before a reader's, and never two of them.
pub(crate) struct SubscriberGroup {
    /// Whether samples are read in the order in which they were written across readers.
    pub(crate) ordered: bool,
    state: Mutex<GroupState>,
    /// Open accesses: while there is one, nothing new is shown. Changed under the lock.
    accesses: AtomicU32,
}

struct GroupState {
    history: SubscriberHistory,
    readers: BTreeMap<EntityId, Weak<ReaderEndpoint>>,
    /// Of the next sample shown.
    turn: u64,
    /// Writers that are gone while something of them waits.
    departing: Vec<Link>,
    /// Changes that had been let in were lost since those without room were let in again.
    freed: bool,
}

type Touched = SmallVec<[Arc<ReaderEndpoint>; 8]>;

impl SubscriberGroup {
    pub(crate) fn new(presentation: &Presentation) -> Self {
        Self {
            ordered: presentation.ordered_access,
            state: Mutex::new(GroupState {
                history: SubscriberHistory::new(presentation.ordered_access),
                readers: BTreeMap::new(),
                turn: 0,
                departing: Vec::new(),
                freed: false,
            }),
            accesses: AtomicU32::new(0),
        }
    }

    /// Takes in a reader that nobody else knows yet.
    pub(crate) fn join(&self, reader: &Arc<ReaderEndpoint>) {
        self.state.lock().readers.insert(reader.guid.entity_id, Arc::downgrade(reader));
    }

    /// A reader is being deleted.
    pub(crate) fn leave(&self, reader: &ReaderEndpoint) {
        self.state.lock().readers.remove(&reader.guid.entity_id);
    }

    pub(crate) fn begin_access(&self) {
        let _purpose_nothing_is_being_shown = self.state.lock();
        self.accesses.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether there was an access to end.
    pub(crate) fn end_access(&self) -> bool {
        let _purpose_nothing_is_being_shown = self.state.lock();
        let ended = |open: u32| open.checked_sub(1);
        self.accesses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, ended).is_ok()
    }

    pub(crate) fn is_accessed(&self) -> bool {
        self.accesses.load(Ordering::Relaxed) > 0
    }

    pub(super) fn matched(&self, reader: Guid, data: &PublicationData, reliable: bool) {
        let writer = data.endpoint_guid;
        let announced = announced_publisher(data);
        let publisher = announced.unwrap_or((writer.prefix, writer.entity_id));
        let link = Link { reader: reader.entity_id, writer };
        let mut state = self.state.lock();
        state.departing.retain(|departing| *departing != link);
        // Writers of this participant are matched as they are made.
        let is_told = announced.is_some() && writer.prefix != reader.prefix;
        state.history.matched(link, publisher, reliable, is_told);
    }

    /// Who the writers of a publisher are: discovery has found them, and matched those that fit.
    pub(super) fn discovered(&self, publisher: PublisherKey, digest: GroupDigest) {
        self.state.lock().history.discovered(publisher, digest);
    }

    pub(super) fn set_alive(&self, reader: EntityId, writer: Guid, alive: bool) {
        self.state.lock().history.set_alive(Link { reader, writer }, alive);
    }

    /// A writer is gone. Whether something of it waits: then the cache keeps it until that is shown.
    pub(super) fn unmatched(&self, reader: &ReaderEndpoint, writer: Guid) -> bool {
        let link = Link { reader: reader.guid.entity_id, writer };
        let mut state = self.state.lock();
        let state = &mut *state;
        {
            let mut reader = reader.state.lock();
            reader.unmatch_presenter(writer);
            state.freed |= collect_from(&mut state.history, link.reader, &mut reader);
        }
        state.history.unmatched(link);
        let departs_later = state.history.holds(link);
        if departs_later {
            state.departing.push(link);
        }
        departs_later
    }
}

/// The publisher of a writer with access scope GROUP, if it is announced.
pub(super) fn announced_publisher(data: &PublicationData) -> Option<PublisherKey> {
    let is_group = data.qos.presentation.access_scope == AccessScope::Group;
    data.group_entity_id.filter(|_| is_group).map(|publisher| (data.endpoint_guid.prefix, publisher))
}

impl GroupState {
    fn reader(&self, id: EntityId) -> Option<Arc<ReaderEndpoint>> {
        self.readers.get(&id).and_then(Weak::upgrade)
    }

    fn collect(&mut self) {
        for (id, reader) in &self.readers {
            if let Some(reader) = reader.upgrade() {
                self.freed |= collect_from(&mut self.history, *id, &mut reader.state.lock());
            }
        }
    }

    /// Shows all whose turn has come; whether there was anything.
    fn show(&mut self, now: Now, touched: &mut Touched) -> bool {
        let mut any = false;
        let mut blocked: SmallVec<[PublisherKey; 2]> = SmallVec::new();
        while let Some(ready) = self.history.next_ready(|publisher| blocked.contains(publisher)) {
            let mut is_shown = ready.verdict == Verdict::Shown;
            if is_shown {
                match self.room_for(self.history.changes(ready), touched) {
                    Room::Now => {}
                    Room::Later => {
                        blocked.push(SubscriberHistory::publisher_of(ready));
                        continue;
                    }
                    Room::Never { .. } => is_shown = false,
                }
            }
            for Held { link, mut change } in self.history.take(ready) {
                let Some(reader) = self.reader(link.reader) else { continue };
                let mut state = reader.state.lock();
                state.leave_presenter(&change);
                if is_shown {
                    self.turn += 1;
                    state.cache.set_turn(self.turn);
                    state.show(now, &mut change);
                } else {
                    state.lose(1);
                }
                drop(state);
                touch(touched, &reader);
            }
            any = true;
        }
        any
    }

    /// Whether all readers have room for their part. A limit that can never be kept is told at once.
    fn room_for(&self, changes: &[Held], touched: &mut Touched) -> Room {
        let mut readers: SmallVec<[EntityId; 8]> = changes.iter().map(|held| held.link.reader).collect();
        readers.sort_unstable();
        readers.dedup();
        let mut room = Room::Now;
        for id in readers {
            let Some(reader) = self.reader(id) else { continue };
            let mut state = reader.state.lock();
            let own = changes.iter().filter(|held| held.link.reader == id).map(|held| &held.change);
            match state.cache.room_for(own) {
                Room::Now => {}
                Room::Later => room = Room::Later,
                never @ Room::Never { reason, instance } => {
                    state.reject(reason, instance);
                    drop(state);
                    touch(touched, &reader);
                    return never;
                }
            }
        }
        room
    }

    /// Lets changes in again that were refused since too much waited.
    fn retry(&self, now: Now, touched: &mut Touched) {
        for reader in self.readers.values().filter_map(Weak::upgrade) {
            if reader.state.lock().retry_presenter(now) {
                touch(touched, &reader);
            }
        }
    }

    /// Writers that are gone and of which nothing waits any more leave the caches too.
    fn let_go(&mut self, now: Now, touched: &mut Touched) {
        let (staying, leaving): (Vec<_>, Vec<_>) =
            self.departing.drain(..).partition(|link| self.history.holds(*link));
        self.departing = staying;
        for link in leaving {
            if let Some(reader) = self.reader(link.reader) {
                reader.state.lock().cache_unmatched(now, link.writer);
                touch(touched, &reader);
            }
        }
    }
}

fn touch(touched: &mut Touched, reader: &Arc<ReaderEndpoint>) {
    if !touched.iter().any(|known| Arc::ptr_eq(known, reader)) {
        touched.push(reader.clone());
    }
}

/// Whether something is lost by it.
fn collect_from(history: &mut SubscriberHistory, id: EntityId, reader: &mut super::ReaderState) -> bool {
    let mut any = false;
    for (writer, event) in reader.collect_presenter() {
        let lost = history.arrive(Link { reader: id, writer }, event);
        lost.iter().for_each(|change| reader.leave_presenter(change));
        reader.lose(lost.len());
        any |= !lost.is_empty();
    }
    any
}

impl Engine {
    /// Shows what the readers of a subscriber got and whose turn has come, and settles the readers that
    /// got something by it, but for `settled`, which its caller settles.
    pub(crate) fn present(&self, now: Now, group: &SubscriberGroup, settled: Option<&Arc<ReaderEndpoint>>) {
        let mut touched = Touched::new();
        {
            let mut guard = group.state.lock();
            let state = &mut *guard;
            state.collect();
            for (prefix, publisher) in state.history.give_up(now.monotonic) {
                let publisher = Guid::new(prefix, publisher);
                tracing::warn!(
                    %publisher,
                    "writers that the publisher says it has were not discovered: its samples are put in order, and to \
                     coherent sets, without theirs"
                );
            }
            while !group.is_accessed() && (state.show(now, &mut touched) | std::mem::take(&mut state.freed)) {
                state.retry(now, &mut touched);
                state.collect();
            }
            for link in state.history.awaited() {
                if let Some(reader) = state.reader(link.reader) {
                    reader.state.lock().machine.request_heartbeat(now.monotonic, link.writer);
                    touch(&mut touched, &reader);
                }
            }
            state.let_go(now, &mut touched);
            let lost = state.history.forget_gone();
            if let Some(reader) = state.readers.values().find_map(Weak::upgrade).filter(|_| lost > 0) {
                reader.state.lock().lose(lost);
                touch(&mut touched, &reader);
            }
        }
        for reader in touched.iter().filter(|reader| settled.is_none_or(|other| !Arc::ptr_eq(reader, other)))
        {
            self.settle_one_reader(now, reader);
        }
    }
}
