//! The engine: the protocol machines of one participant, their locks, and the way of a datagram to
//! the endpoint it is for.
//!
//! It is passive: whoever runs it calls [`Engine::on_datagram`], [`Engine::finish_burst`] and
//! [`Engine::on_timer`]; applications call `write` and `take` through their entities. It never
//! blocks, sleeps or spawns, and reads no clock but the [`Environment`]'s.
//!
//! # Locks, in the order in which they may be taken
//!
//! 1. `discovery`: the [`Participant`] machine; held while its events are applied to endpoints;
//! 2. `table`: which endpoints exist and who is matched with whom, held for look-ups only;
//! 3. one delivery group: an endpoint's state, behind the lock of its publisher's or subscriber's group
//!    where access scope GROUP orders samples across endpoints (never two groups at once), and that
//!    behind the list of the publisher's writers while coherent sets begin and end;
//! 4. a remote participant's [`Defragmenter`];
//! 5. the timer queue.
//!
//! No system call and no user code runs under any of them. What is known of types has locks of its
//! own, under which no other is taken.

mod batch;
mod builtin;
mod delivery;
mod discovery;
mod environment;
mod group;
mod in_process;
mod observer;
mod originals;
mod presenter;
mod protect;
mod reader;
mod sharing;
mod subscriber;
mod table;
mod tap;
mod timers;
mod topic;
mod train;
mod type_lookup;
mod types;
mod writer;

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use dds_rtps::{
    discovery::{PublicationData, SubscriptionData},
    message::{Datagram, MessageReceiver, Part, Parts, Submessage},
    participant::{Activity, Participant},
    payload::Payload,
    reader::Defragmenter,
    structure::{EntityId, Guid, GuidPrefix, Locator, LocatorKind},
    time::{Monotonic, Now},
    writer::Destinations,
};
use parking_lot::{Mutex, RwLock};
use smallvec::SmallVec;

use crate::{condition::Notifier, instance::InstanceHandleAllocator};

pub(crate) use batch::Batching;
pub(crate) use builtin::{PARTICIPANT_READER, PUBLICATION_READER, SUBSCRIPTION_READER, TOPIC_READER};
use delivery::{Lent, Next};
pub(crate) use discovery::{DiscoveryState, VerdictQueue};
pub use environment::{Environment, WritableMemory};
use group::GroupState;
pub(crate) use group::{DeliveryGroup, PublisherGroup};
pub(crate) use observer::{Listening, Observer, Source, StatusListener};
pub(crate) use presenter::Presenter;
pub use protect::{Opened, Protect};
use reader::Expired;
pub(crate) use reader::{ReaderEndpoint, ReaderState};
pub(crate) use sharing::Sharing;
pub use sharing::{NotShared, SharedMemoryState};
pub(crate) use subscriber::SubscriberGroup;
pub(crate) use table::{EndpointTable, Remote};
pub use tap::RawEvent;
pub(crate) use tap::TapLimits;
pub(crate) use topic::TopicShared;
pub(crate) use types::{Knowledge, TypeMatcher};
pub(crate) use writer::{MatchedSubscription, POOLED_BYTES, Window, Write, WriterEndpoint, WriterState};

use timers::{Armed, TimerOwner, TimerQueue};

/// What an engine counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct EngineStatistics {
    /// Datagrams that were not, or not entirely, valid RTPS.
    pub invalid_datagrams: u64,
    /// Submessages for endpoints that are not there, or from writers that are not matched.
    pub unmatched_submessages: u64,
    /// DATA_FRAGs that did not fit their sample or exceeded a limit.
    pub refused_fragments: u64,
    /// Samples dropped because they carry a parameter that must be understood and is not.
    pub not_understood: u64,
    /// Messages and payloads that protection refused.
    pub refused_by_protection: u64,
    /// Samples whose bytes were no valid value of the reader's type.
    pub undecodable: u64,
}

#[derive(Debug, Default)]
struct Counters {
    invalid_datagrams: AtomicU64,
    unmatched_submessages: AtomicU64,
    refused_fragments: AtomicU64,
    not_understood: AtomicU64,
    refused_by_protection: AtomicU64,
    undecodable: AtomicU64,
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The readers of a writer, or the one of them that a submessage names.
type Route = (Guid, EntityId, SmallVec<[Arc<ReaderEndpoint>; 2]>);

/// What a run of datagrams touched, so that users are woken and acknowledgements sent once.
#[derive(Default)]
pub struct Burst {
    readers: SmallVec<[Arc<ReaderEndpoint>; 8]>,
    /// The readers of the writer seen last: writers come in runs.
    route: Option<Route>,
    remote: Option<(GuidPrefix, Option<Arc<Remote>>)>,
    /// What of the message at hand lies elsewhere, if anything.
    lent: Option<Lent>,
    discovery: bool,
    /// The datagrams at hand were sent to a group.
    by_group: bool,
    /// Something came of an endpoint, or for one, that is not known (yet).
    met_stranger: bool,
}

impl Burst {
    /// Whether, since this was asked last, something came of an endpoint that is not known: where announcements take
    /// another way, its own may be still to be received.
    pub(crate) fn met_stranger(&mut self) -> bool {
        std::mem::take(&mut self.met_stranger)
    }

    /// Tells whether the datagrams that follow were sent to a group; those of a new burst were not.
    pub fn set_by_group(&mut self, by_group: bool) {
        self.by_group = by_group;
    }

    fn touch(&mut self, reader: &Arc<ReaderEndpoint>) {
        if !self.readers.iter().any(|known| Arc::ptr_eq(known, reader)) {
            self.readers.push(reader.clone());
        }
    }
}

/// The protocol machines of one participant. See the [module](self).
pub struct Engine {
    prefix: GuidPrefix,
    /// Whether the participant is enabled and not deleted: else it neither hears nor says anything.
    active: AtomicBool,
    /// Those who wait for discovery to find something.
    pub(crate) discovered: Notifier,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) discovery: Mutex<DiscoveryState>,
    discovery_armed: Armed,
    pub(crate) table: RwLock<EndpointTable>,
    timers: TimerQueue,
    /// Datagrams between endpoints of this participant, delivered when no lock is held.
    loopback: Mutex<Loopback>,
    /// Whether an endpoint of this participant ever sent to another one.
    loops_back: AtomicBool,
    /// How often something for readers came from outside.
    arrivals: AtomicU64,
    counters: Counters,
    pub(crate) handles: InstanceHandleAllocator,
    pub(crate) protect: Option<Arc<dyn Protect>>,
    /// What is known of types.
    pub(crate) types: Arc<TypeMatcher>,
}

#[derive(Default)]
struct Loopback {
    queue: VecDeque<Looped>,
    draining: bool,
}

/// What endpoints of a participant have for each other.
enum Looped {
    Datagram(Vec<u8>),
    /// A reader was handed changes: its users are to be told.
    Settle(Arc<ReaderEndpoint>),
}

impl Engine {
    pub(crate) fn new(
        participant: Participant,
        environment: Arc<dyn Environment>,
        handles: InstanceHandleAllocator,
        protect: Option<Arc<dyn Protect>>,
        types: Arc<TypeMatcher>,
    ) -> Arc<Self> {
        Arc::new(Self {
            prefix: participant.guid_prefix(),
            active: AtomicBool::new(false),
            discovered: Notifier::new(),
            environment,
            discovery: Mutex::new(DiscoveryState::new(participant)),
            discovery_armed: Armed::default(),
            table: RwLock::default(),
            timers: TimerQueue::default(),
            loopback: Mutex::default(),
            loops_back: AtomicBool::new(false),
            arrivals: AtomicU64::new(0),
            counters: Counters::default(),
            handles,
            protect,
            types,
        })
    }

    /// The participant's GUID prefix.
    pub fn guid_prefix(&self) -> GuidPrefix {
        self.prefix
    }

    /// Begins to announce the participant and to listen.
    pub(crate) fn activate(&self) {
        self.active.store(true, Ordering::Release);
        let now = self.environment.now();
        self.run_discovery(now, |_| ());
    }

    /// Says goodbye and listens no more, unless that was done before or there was nothing to say.
    pub(crate) fn depart(&self) {
        if self.active.load(Ordering::Acquire) {
            let now = self.environment.now();
            self.run_discovery(now, |participant| participant.depart(now));
            self.active.store(false, Ordering::Release);
        }
    }

    /// What was counted since the engine was made.
    pub fn statistics(&self) -> EngineStatistics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        EngineStatistics {
            invalid_datagrams: load(&self.counters.invalid_datagrams),
            unmatched_submessages: load(&self.counters.unmatched_submessages),
            refused_fragments: load(&self.counters.refused_fragments),
            not_understood: load(&self.counters.not_understood),
            refused_by_protection: load(&self.counters.refused_by_protection),
            undecodable: load(&self.counters.undecodable),
        }
    }

    /// Takes one datagram that came from `source`. [`Engine::finish_burst`] must follow after the
    /// last one at hand.
    pub fn on_datagram(&self, now: Now, source: Locator, datagram: &[u8], burst: &mut Burst) {
        if !self.active.load(Ordering::Acquire) {
            return;
        }
        let Some(protect) = self.protect.as_ref().filter(|_| source.kind != LocatorKind::IN_PROCESS) else {
            return self.on_message(now, source, datagram, Parts::default(), burst);
        };
        let mut opened = Vec::new();
        match protect.open_message(datagram, &mut opened) {
            Opened::AsTheyAre => self.on_message(now, source, datagram, Parts::default(), burst),
            Opened::Replaced => self.on_message(now, source, &opened, Parts::default(), burst),
            Opened::Refused(reason) => {
                tracing::debug!(reason, %source, "a message was refused");
                count(&self.counters.refused_by_protection);
            }
        }
    }

    /// As [`Engine::on_datagram`], of a message of which `parts` lie in `lent`, where they are kept rather than copied.
    pub fn on_datagram_in_parts(
        &self,
        now: Now,
        source: Locator,
        datagram: &[u8],
        (lent, parts): (&Payload, &[Part]),
        burst: &mut Burst,
    ) {
        let elsewhere = Parts { bytes: lent, parts };
        if self.protect.is_some() {
            let mut whole = Vec::new();
            if !elsewhere.assemble(datagram, &mut whole) {
                return count(&self.counters.invalid_datagrams);
            }
            return self.on_datagram(now, source, &whole, burst);
        }
        if self.active.load(Ordering::Acquire) {
            burst.lent = Some(Lent::new(lent));
            self.on_message(now, source, datagram, elsewhere, burst);
            burst.lent = None;
        }
    }

    fn on_message(
        &self,
        now: Now,
        source: Locator,
        datagram: &[u8],
        elsewhere: Parts<'_>,
        burst: &mut Burst,
    ) {
        let Ok(mut receiver) = MessageReceiver::in_parts(datagram, elsewhere, self.prefix) else {
            count(&self.counters.invalid_datagrams);
            return;
        };
        if receiver.header().guid_prefix == self.prefix && source.kind != LocatorKind::IN_PROCESS {
            return;
        }
        self.note_traffic(now, receiver.header().guid_prefix, burst);
        let mut next = match receiver.next_data() {
            // The usual one.
            Some(data) if !Participant::is_for_discovery(data.writer_id) => {
                self.dispatch_data(now, &mut receiver, &data, burst)
            }
            Some(data) => Some(Ok(Submessage::Data(data))),
            None => receiver.next_alone(),
        };
        // By reference: a submessage is many words.
        while let Some(submessage) = &next {
            next = match submessage {
                Ok(submessage) if receiver.context().is_for(self.prefix) => {
                    self.dispatch(now, source, &mut receiver, submessage, burst)
                }
                Ok(_) => receiver.next_alone(),
                Err(error) => {
                    tracing::debug!(%error, %source, "an invalid submessage");
                    count(&self.counters.invalid_datagrams);
                    receiver.next_alone()
                }
            };
        }
    }

    /// Wakes the users of what arrived and then sends acknowledgements (and whatever else became
    /// due), once for all datagrams since the last call.
    pub fn finish_burst(&self, now: Now, burst: &mut Burst) {
        burst.route = None;
        burst.remote = None;
        if std::mem::take(&mut burst.discovery) {
            self.run_discovery(now, |_| ());
        }
        if !burst.readers.is_empty() {
            // Before anybody is told.
            self.arrivals.fetch_add(1, Ordering::Relaxed);
        }
        for reader in burst.readers.drain(..) {
            self.settle_reader(now, &reader);
        }
        self.drain_loopback(now);
    }

    /// Does what is due.
    pub fn on_timer(&self, now: Now) {
        while let Some(owner) = self.timers.pop_due(now.monotonic) {
            match owner {
                TimerOwner::Discovery => {
                    TimerQueue::disarmed(&self.discovery_armed);
                    self.note_all_traffic(now);
                    self.run_discovery(now, |participant| participant.handle_timeout(now));
                }
                TimerOwner::Writer(entity_id) => {
                    let writer = self.table.read().writer(entity_id);
                    if let Some(writer) = writer {
                        TimerQueue::disarmed(&writer.armed);
                        self.writer_timer(now, &writer);
                    }
                }
                TimerOwner::Reader(entity_id) => {
                    let reader = self.table.read().reader(entity_id);
                    if let Some(reader) = reader {
                        TimerQueue::disarmed(&reader.armed);
                        self.settle_reader(now, &reader);
                    }
                }
            }
        }
        self.drain_loopback(now);
    }

    /// When [`Engine::on_timer`] is due next.
    pub fn next_timer(&self) -> Option<Monotonic> {
        self.timers.next()
    }

    fn arm(&self, owner: TimerOwner, armed: &Armed, at: Option<Monotonic>) {
        let Some(at) = at.filter(|at| *at != Monotonic::NEVER) else { return };
        if let Some(at) = self.timers.arm(owner, armed, at) {
            self.environment.timer_moved(at);
        }
    }

    /// Renews the sender's lease without taking the discovery lock.
    fn note_traffic(&self, now: Now, prefix: GuidPrefix, burst: &mut Burst) {
        if burst.remote.as_ref().is_none_or(|(known, _)| *known != prefix) {
            burst.remote = Some((prefix, self.table.read().remote(prefix)));
        }
        if let Some((_, Some(remote))) = &burst.remote {
            remote.note_traffic(now.monotonic);
        }
    }

    fn note_all_traffic(&self, now: Now) {
        let heard: Vec<_> = self.table.read().remotes_heard();
        let mut state = self.discovery.lock();
        for (prefix, at) in heard {
            state.participant.note_traffic(prefix, Now { monotonic: at, wall: now.wall });
        }
    }

    /// Gives a submessage to what it is for; returns what comes next.
    fn dispatch<'m>(
        &self,
        now: Now,
        source: Locator,
        receiver: &mut MessageReceiver<'m>,
        submessage: &Submessage<'m>,
        burst: &mut Burst,
    ) -> Next<'m> {
        let (writer_id, reader_id) = match submessage {
            Submessage::Data(data) => (data.writer_id, data.reader_id),
            Submessage::DataFrag(data) => (data.writer_id, data.reader_id),
            Submessage::Heartbeat(heartbeat) => (heartbeat.writer_id, heartbeat.reader_id),
            Submessage::HeartbeatFrag(heartbeat) => (heartbeat.writer_id, heartbeat.reader_id),
            Submessage::Gap(gap) => (gap.writer_id, gap.reader_id),
            Submessage::AckNack(acknack) => (acknack.writer_id, acknack.reader_id),
            Submessage::NackFrag(nack) => (nack.writer_id, nack.reader_id),
            _ => return receiver.next_alone(),
        };
        let context = receiver.context();
        if Participant::is_for_discovery(writer_id) {
            // Discovery stays on the network: where its datagrams come from means something to it.
            if source.kind == LocatorKind::SHARED_MEMORY {
                count(&self.counters.unmatched_submessages);
            } else {
                let participant = &mut self.discovery.lock().participant;
                burst.discovery |= participant.handle_submessage(now, context, source, submessage);
                if burst.by_group && writer_id == EntityId::SPDP_WRITER {
                    participant.heard_by_group(now, context.source_prefix);
                }
            }
            return receiver.next_alone();
        }
        match submessage {
            Submessage::AckNack(acknack) => {
                if let Some(writer) = self.known_writer(writer_id) {
                    burst.met_stranger |= !self.handle_ack_nack(now, &writer, context.source_prefix, acknack);
                }
            }
            Submessage::NackFrag(nack) => {
                if let Some(writer) = self.known_writer(writer_id) {
                    self.handle_nack_frag(now, &writer, context.source_prefix, nack);
                }
            }
            Submessage::Data(data) => return self.dispatch_data(now, receiver, data, burst),
            _ => self.dispatch_to_readers(now, context, submessage, (writer_id, reader_id), burst),
        }
        receiver.next_alone()
    }

    fn known_writer(&self, writer_id: EntityId) -> Option<Arc<WriterEndpoint>> {
        let writer = self.table.read().writer(writer_id);
        if writer.is_none() {
            count(&self.counters.unmatched_submessages);
        }
        writer
    }

    /// Makes a writer known to others and matches it. The returned note is to be touched by its writes
    /// where its liveliness is asserted by them.
    pub(crate) fn add_writer(&self, writer: &Arc<WriterEndpoint>, data: PublicationData) -> Activity {
        let now = self.environment.now();
        self.discovery.lock().name(writer.guid, writer.handle);
        self.table.write().add_writer(writer.clone());
        let activity = self.run_discovery(now, |participant| participant.add_publication(now, data));
        self.drain_loopback(now);
        activity
    }

    /// Makes a reader known to others and matches it.
    pub(crate) fn add_reader(&self, reader: &Arc<ReaderEndpoint>, data: SubscriptionData) {
        let now = self.environment.now();
        self.discovery.lock().name(reader.guid, reader.handle);
        self.table.write().add_reader(reader.clone());
        // Before others are told.
        self.environment.listen_to_groups();
        self.run_discovery(now, |participant| participant.add_subscription(now, data));
        self.drain_loopback(now);
    }

    /// Withdraws a writer.
    pub(crate) fn remove_writer(&self, writer: &WriterEndpoint) {
        let now = self.environment.now();
        self.run_discovery(now, |participant| participant.remove_publication(now, writer.guid));
        self.table.write().remove_writer(writer.guid.entity_id);
        self.timers.forget(TimerOwner::Writer(writer.guid.entity_id), &writer.armed);
        self.discovery.lock().forget(writer.guid);
    }

    /// Withdraws a reader.
    pub(crate) fn remove_reader(&self, reader: &ReaderEndpoint) {
        let now = self.environment.now();
        self.run_discovery(now, |participant| participant.remove_subscription(now, reader.guid));
        self.table.write().remove_reader(reader.guid.entity_id);
        self.timers.forget(TimerOwner::Reader(reader.guid.entity_id), &reader.armed);
        self.discovery.lock().forget(reader.guid);
    }

    pub(crate) fn count_undecodable(&self) {
        count(&self.counters.undecodable);
    }

    /// Tells a reader's users what happened, sends its acknowledgements and arms its timer; with access
    /// scope GROUP the same for other readers that got something by it.
    pub(crate) fn settle_reader(&self, now: Now, reader: &Arc<ReaderEndpoint>) {
        if let Some(group) = &reader.group {
            self.present(now, group, Some(reader));
        }
        self.settle_one_reader(now, reader);
    }

    fn settle_one_reader(&self, now: Now, reader: &Arc<ReaderEndpoint>) {
        let Expired { changed, revived, complete, next } = reader.expire(now);
        reader.raise(changed);
        if complete {
            reader.observer.notifier.notify();
        }
        if revived {
            self.run_discovery(now, |participant| participant.handle_timeout(now));
        }
        if next > now.monotonic {
            self.arm(TimerOwner::Reader(reader.guid.entity_id), &reader.armed, Some(next));
            return;
        }
        loop {
            let mut state = reader.state.lock();
            let Some(writer) = state.machine.acknowledgement_due(now.monotonic) else {
                let next = state.next_timeout();
                drop(state);
                self.arm(TimerOwner::Reader(reader.guid.entity_id), &reader.armed, next);
                break;
            };
            // Lock order: the table comes before an endpoint, hence released and looked up anew.
            drop(state);
            let remote = self.table.read().remote(writer.prefix);
            state = reader.state.lock();
            if state.machine.acknowledgement_due(now.monotonic) != Some(writer) {
                // Another thread was here meanwhile; these are not the fragments of whose turn it is.
                continue;
            }
            let guard = remote.as_ref().map(|remote| remote.defragmenter.lock());
            let fragments: Option<&Defragmenter> = guard.as_deref();
            let mut out = state.scratch.take().unwrap_or_default();
            let destinations = state.machine.poll_transmit(now.monotonic, fragments, &mut out);
            drop(guard);
            drop(state);
            if let Some(destinations) = destinations {
                self.send(&destinations, &mut out);
            }
            reader.state.lock().scratch = Some(out);
        }
    }

    /// Sends to each destination with its own INFO_DST. No lock may be held.
    pub(crate) fn send(&self, destinations: &Destinations, datagram: &mut Datagram) {
        if self.send_train(destinations, std::slice::from_mut(datagram), None) {
            self.environment.wake_receivers();
        }
    }

    /// As [`Engine::send`], of several of one length but for the last, marked with a code point where there is one;
    /// whether there may be receivers to be woken.
    fn send_train(
        &self,
        destinations: &Destinations,
        datagrams: &mut [Datagram],
        code_point: Option<u8>,
    ) -> bool {
        let mut shares = false;
        for (prefix, locator) in destinations {
            for datagram in &mut *datagrams {
                datagram.set_destination(*prefix);
            }
            match (locator.kind, &self.protect) {
                (LocatorKind::IN_PROCESS, _) => {
                    for datagram in &*datagrams {
                        self.loop_back(Looped::Datagram(datagram.to_vec()));
                    }
                    continue;
                }
                (LocatorKind::SHARED_MEMORY, None) if !shares => {
                    // Copied once for all who can then read it where it is.
                    datagrams.iter_mut().for_each(|datagram| self.environment.share_payloads(datagram));
                }
                _ => {}
            }
            shares |= locator.kind == LocatorKind::SHARED_MEMORY;
            match &self.protect {
                None => self.environment.send_train(locator, datagrams, code_point),
                Some(protect) => self.send_protected(&**protect, *prefix, locator, datagrams, code_point),
            }
        }
        shares
    }

    fn send_protected(
        &self,
        protect: &dyn Protect,
        destination: GuidPrefix,
        locator: &Locator,
        datagrams: &[Datagram],
        code_point: Option<u8>,
    ) {
        for datagram in datagrams {
            let mut protected = Vec::new();
            let is_protected = protect.protect_message(destination, &datagram.to_vec(), &mut protected);
            let protected = is_protected.then(|| Datagram::from(protected));
            let datagram = protected.as_ref().unwrap_or(datagram);
            self.environment.send_train(locator, std::slice::from_ref(datagram), code_point);
        }
    }

    /// Keeps something for the next [`Engine::drain_loopback`], which whoever calls this calls after it has
    /// released its locks.
    fn loop_back(&self, looped: Looped) {
        self.loopback.lock().queue.push_back(looped);
        self.loops_back.store(true, Ordering::Relaxed);
    }

    /// Delivers what endpoints of this participant sent each other. One thread drains at a time; what
    /// others add meanwhile is delivered by it too.
    pub(crate) fn drain_loopback(&self, now: Now) {
        // Whoever queues something drains it, so that this thread sees what it has to do.
        if !self.loops_back.load(Ordering::Relaxed) {
            return;
        }
        {
            let mut loopback = self.loopback.lock();
            if loopback.queue.is_empty() || loopback.draining {
                return;
            }
            loopback.draining = true;
        }
        let mut burst = Burst::default();
        let source = Locator { kind: LocatorKind::IN_PROCESS, ..Locator::INVALID };
        loop {
            let next = self.loopback.lock().queue.pop_front();
            match next {
                Some(Looped::Datagram(datagram)) => self.on_datagram(now, source, &datagram, &mut burst),
                Some(Looped::Settle(reader)) => burst.touch(&reader),
                None => {
                    burst.route = None;
                    burst.remote = None;
                    let readers = std::mem::take(&mut burst.readers);
                    for reader in readers {
                        self.settle_reader(now, &reader);
                    }
                    let mut loopback = self.loopback.lock();
                    if loopback.queue.is_empty() {
                        loopback.draining = false;
                        return;
                    }
                }
            }
        }
    }
}
