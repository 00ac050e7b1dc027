//! What discovery finds, applied to endpoints.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::{Arc, Weak},
    task::Waker,
};

use dds_qos::{DurabilityKind, OwnershipKind};
use dds_rtps::{
    discovery::{ParticipantData, PublicationData, SubscriptionData, TypeLookupCall},
    message::{Datagram, GroupDigest},
    participant::{DiscoveryEvent, EndpointData, Participant, RemoteEndpoint, Verdict, WriterLiveliness},
    reader::{DefragmenterLimits, WriterProxyConfig},
    structure::{EntityId, Guid, GuidPrefix},
    time::{Duration, Monotonic, Now},
    writer::{Destinations, ReaderFilter, ReaderProxyConfig, Replay},
};
use parking_lot::Mutex;

use super::{
    Engine, ReaderEndpoint, Sharing, TopicShared, WriterEndpoint,
    builtin::ShownTopics,
    subscriber::announced_publisher,
    timers::TimerOwner,
    writer::{MatchedSubscription, Urgency},
};
use crate::{
    content_filter::SampleFilter, instance::InstanceHandle, presentation::PublisherKey, runtime::Addresses,
    status::StatusMask,
};

/// The discovery machine and what is known of others.
pub(crate) struct DiscoveryState {
    pub(crate) participant: Participant,
    /// The handles of all entities known, by which the built-in topics and samples name them.
    handles: BTreeMap<Guid, InstanceHandle>,
    pub(crate) participants: BTreeMap<Guid, Arc<ParticipantData>>,
    pub(crate) publications: BTreeMap<Guid, Arc<PublicationData>>,
    pub(crate) subscriptions: BTreeMap<Guid, Arc<SubscriptionData>>,
    /// What the built-in topic of topics shows, while it has a reader.
    pub(crate) shown_topics: ShownTopics,
    verdicts: Vec<Weak<VerdictQueue>>,
    /// With which participants memory is shared.
    pub(crate) sharing: BTreeMap<GuidPrefix, Sharing>,
    /// When loneliness is to be told.
    lonely_at: Option<Monotonic>,
}

/// Verdicts not yet looked at, for one subscriber of them.
#[derive(Debug, Default)]
pub(crate) struct VerdictQueue(Mutex<(VecDeque<Arc<Verdict>>, Option<Waker>)>);

/// The oldest verdicts are dropped above this many: they repeat when something changes.
const VERDICTS_KEPT: usize = 1024;

impl VerdictQueue {
    /// Returns who is to be woken.
    fn push(&self, verdict: Arc<Verdict>) -> Option<Waker> {
        let mut queue = self.0.lock();
        if queue.0.len() == VERDICTS_KEPT {
            queue.0.pop_front();
        }
        queue.0.push_back(verdict);
        queue.1.take()
    }

    pub(crate) fn pop(&self, waker: Option<&Waker>) -> Option<Arc<Verdict>> {
        let mut queue = self.0.lock();
        let next = queue.0.pop_front();
        if next.is_none() {
            queue.1 = waker.cloned();
        }
        next
    }
}

/// What is left to do when the discovery lock has been released.
enum Action {
    Settle(Arc<ReaderEndpoint>),
    Flush(Arc<WriterEndpoint>),
    Raise(Arc<WriterEndpoint>, StatusMask),
    Inconsistent(Arc<TopicShared>),
    Wake(Waker),
    Share(GuidPrefix),
    StopSharing(GuidPrefix),
}

/// How long nobody is found before that is told.
const LONELY_AFTER: Duration = Duration::from_secs(5);

impl DiscoveryState {
    pub(super) fn new(participant: Participant) -> Self {
        Self {
            participant,
            handles: BTreeMap::new(),
            participants: BTreeMap::new(),
            publications: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            shown_topics: ShownTopics::default(),
            verdicts: Vec::new(),
            sharing: BTreeMap::new(),
            lonely_at: None,
        }
    }

    /// The handle that names `guid` in the built-in topics and in samples.
    pub(crate) fn handle_of(&self, guid: Guid) -> InstanceHandle {
        self.handles.get(&guid).copied().unwrap_or(InstanceHandle::NIL)
    }

    /// The entity that `handle` names.
    pub(crate) fn guid_of(&self, handle: InstanceHandle) -> Option<Guid> {
        self.handles.iter().find(|(_, known)| **known == handle).map(|(guid, _)| *guid)
    }

    pub(crate) fn name(&mut self, guid: Guid, handle: InstanceHandle) {
        self.handles.insert(guid, handle);
    }

    pub(crate) fn forget(&mut self, guid: Guid) {
        self.handles.remove(&guid);
    }

    pub(crate) fn subscribe_verdicts(&mut self) -> Arc<VerdictQueue> {
        let queue = Arc::<VerdictQueue>::default();
        self.verdicts.retain(|queue| queue.strong_count() > 0);
        self.verdicts.push(Arc::downgrade(&queue));
        queue
    }

    fn publish_verdict(&self, verdict: &Arc<Verdict>, actions: &mut Vec<Action>) {
        let queues = self.verdicts.iter().filter_map(Weak::upgrade);
        actions.extend(queues.filter_map(|queue| queue.push(verdict.clone())).map(Action::Wake));
    }
}

impl Engine {
    /// Runs a step of the discovery machine, applies what it found to endpoints, and sends what it
    /// wants sent. The caller holds no lock.
    pub(crate) fn run_discovery<R>(&self, now: Now, step: impl FnOnce(&mut Participant) -> R) -> R {
        let mut outbox: Vec<(Destinations, Datagram)> = Vec::new();
        let mut actions = Vec::new();
        let mut found = false;
        let mut publishers = BTreeSet::new();
        let (result, next) = {
            let mut state = self.discovery.lock();
            let result = step(&mut state.participant);
            while let Some(event) = state.participant.poll_event() {
                found = true;
                publishers.extend(changed_publisher(&state, &event));
                self.apply(now, &mut state, event, &mut actions);
            }
            for publisher in publishers {
                self.tell_subscribers(&state, publisher, &mut actions);
            }
            self.request_types(now, &mut state.participant);
            self.check_lonely(now, &mut state);
            let mut datagram = Datagram::new();
            while let Some(destinations) = state.participant.poll_transmit(now, &mut datagram) {
                outbox.push((destinations, std::mem::take(&mut datagram)));
            }
            (result, state.participant.poll_timeout())
        };
        self.arm(TimerOwner::Discovery, &self.discovery_armed, next);
        for (destinations, mut datagram) in outbox {
            self.send(&destinations, &mut datagram);
        }
        for action in actions {
            match action {
                Action::Settle(reader) => self.settle_reader(now, &reader),
                Action::Flush(writer) => {
                    let state = writer.state.lock();
                    self.flush(now, &writer, state, Urgency::Now);
                    writer.observer.notifier.notify();
                }
                Action::Raise(writer, changed) => writer.raise(changed),
                Action::Inconsistent(topic) => topic.inconsistent(),
                Action::Wake(waker) => waker.wake(),
                Action::Share(prefix) => self.share_memory(now, prefix),
                Action::StopSharing(prefix) => self.stop_sharing_memory(prefix),
            }
        }
        if found {
            self.discovered.notify();
        }
        // What was matched with endpoints of this participant has something to say to them.
        self.drain_loopback(now);
        result
    }

    /// Tells subscribers with access scope GROUP who the writers of a publisher are, now that all that were
    /// found have been judged.
    fn tell_subscribers(&self, state: &DiscoveryState, publisher: PublisherKey, actions: &mut Vec<Action>) {
        let (prefix, _) = publisher;
        let all = Guid::new(prefix, EntityId([0; 4]))..=Guid::new(prefix, EntityId([u8::MAX; 4]));
        let of_it =
            state.publications.range(all).filter(|(_, data)| announced_publisher(data) == Some(publisher));
        let writers: Vec<Guid> = of_it.map(|(guid, _)| *guid).collect();
        let mut readers: Vec<Arc<ReaderEndpoint>> = Vec::new();
        {
            let table = self.table.read();
            for reader in writers.iter().flat_map(|writer| table.readers_of(*writer, EntityId::UNKNOWN)) {
                let same = |known: &Arc<ReaderEndpoint>| match (&known.group, &reader.group) {
                    (Some(known), Some(group)) => Arc::ptr_eq(known, group),
                    _ => false,
                };
                if reader.group.is_some() && !readers.iter().any(same) {
                    readers.push(reader);
                }
            }
        }
        if readers.is_empty() {
            return;
        }
        let digest = GroupDigest::of(writers.iter().map(|writer| writer.entity_id));
        for reader in readers {
            if let Some(group) = &reader.group {
                group.discovered(publisher, digest);
            }
            actions.push(Action::Settle(reader));
        }
    }

    /// Asks others for what matches, or users, need to know of types.
    fn request_types(&self, now: Now, participant: &mut Participant) {
        while let Some((peer, ids)) = self.types.next_request(|peer| participant.listens_for_types(peer)) {
            let call = TypeLookupCall::Types(ids.clone());
            if let Some(number) = participant.request_types(now, peer, call) {
                self.types.requested(peer, number, ids);
            }
        }
    }

    fn apply(&self, now: Now, state: &mut DiscoveryState, event: DiscoveryEvent, actions: &mut Vec<Action>) {
        match event {
            DiscoveryEvent::ParticipantDiscovered(data) | DiscoveryEvent::ParticipantChanged(data) => {
                actions.extend(self.show_participant(now, state, &data).map(Action::Settle));
                actions.push(Action::Share(data.guid.prefix));
                state.participants.insert(data.guid, data);
            }
            DiscoveryEvent::ParticipantLost { guid, reason } => {
                tracing::debug!(participant = %guid, ?reason, "a participant is gone");
                actions.extend(self.hide(now, guid).map(Action::Settle));
                state.participants.remove(&guid);
                actions.push(Action::StopSharing(guid.prefix));
                state.forget(guid);
                self.types.forget(guid.prefix);
            }
            DiscoveryEvent::PublicationDiscovered(data) | DiscoveryEvent::PublicationChanged(data) => {
                actions.extend(self.show_publication(now, state, &data).map(Action::Settle));
                let known = state.publications.insert(data.endpoint_guid, data.clone());
                for data in known.iter().chain([&data]) {
                    let shown = self.show_topic(now, state, &data.topic_name, &data.type_name);
                    actions.extend(shown.map(Action::Settle));
                }
            }
            DiscoveryEvent::PublicationLost(guid) => {
                actions.extend(self.hide(now, guid).map(Action::Settle));
                if let Some(data) = state.publications.remove(&guid) {
                    let shown = self.show_topic(now, state, &data.topic_name, &data.type_name);
                    actions.extend(shown.map(Action::Settle));
                }
                state.forget(guid);
            }
            DiscoveryEvent::SubscriptionDiscovered(data) | DiscoveryEvent::SubscriptionChanged(data) => {
                actions.extend(self.show_subscription(now, state, &data).map(Action::Settle));
                let known = state.subscriptions.insert(data.endpoint_guid, data.clone());
                for data in known.iter().chain([&data]) {
                    let shown = self.show_topic(now, state, &data.topic_name, &data.type_name);
                    actions.extend(shown.map(Action::Settle));
                }
            }
            DiscoveryEvent::SubscriptionLost(guid) => {
                actions.extend(self.hide(now, guid).map(Action::Settle));
                if let Some(data) = state.subscriptions.remove(&guid) {
                    let shown = self.show_topic(now, state, &data.topic_name, &data.type_name);
                    actions.extend(shown.map(Action::Settle));
                }
                state.forget(guid);
            }
            DiscoveryEvent::Match { local, remote } | DiscoveryEvent::MatchChanged { local, remote } => {
                self.apply_match(now, state, local, remote, actions);
            }
            DiscoveryEvent::Unmatch { local, remote, reason } => {
                tracing::debug!(%local, %remote, ?reason, "unmatched");
                self.apply_unmatch(now, state, local, remote, actions);
            }
            DiscoveryEvent::Incompatible { local, remote, verdict } => {
                self.apply_verdict(state, local, remote, &verdict, actions);
            }
            DiscoveryEvent::WriterLiveliness { writer, liveliness } => {
                self.apply_liveliness(now, writer, liveliness, actions);
            }
            DiscoveryEvent::TypeRequest { from, request } => {
                if let Some(reply) = self.types.answer(now.monotonic, self.prefix, from, &request) {
                    state.participant.reply_types(now, from, &reply);
                }
            }
            DiscoveryEvent::TypeReply { from, reply } => {
                if self.types.learn_from(from, *reply) {
                    state.participant.judge_peer(now, from);
                }
            }
            DiscoveryEvent::PathWarning { participant, locator, origin, next } => tracing::warn!(
                "{} announces itself from {origin} but does not answer at {locator}; trying {next}. \
                 If it stays so, one direction of the path is blocked: check firewalls and its announced addresses",
                describe(&participant)
            ),
            DiscoveryEvent::Unreachable { participant, origin } => tracing::warn!(
                "{} announces itself from {origin}, but none of the addresses it names can be reached from here: \
                 check which interfaces it uses",
                describe(&participant)
            ),
        }
    }

    pub(super) fn handle_for(&self, state: &mut DiscoveryState, guid: Guid) -> InstanceHandle {
        *state.handles.entry(guid).or_insert_with(|| self.handles.allocate())
    }

    fn apply_match(
        &self,
        now: Now,
        state: &mut DiscoveryState,
        local: Guid,
        remote: RemoteEndpoint,
        actions: &mut Vec<Action>,
    ) {
        let handle = self.handle_for(state, remote.guid);
        tracing::debug!(%local, remote = %remote.guid, locators = ?remote.locators, "matched");
        match &remote.data {
            EndpointData::Subscription(data) => {
                let Some(writer) = self.table.read().writer(local.entity_id) else { return };
                let inline = data.expects_inline_qos
                    || remote.participant.as_ref().is_some_and(|participant| participant.expects_inline_qos);
                let filter = self.filter_at_writer(&writer, data);
                let in_process = match remote.guid.prefix == self.prefix && !inline && filter.is_none() {
                    true if self.protect.is_none() => self.table.read().reader(remote.guid.entity_id),
                    _ => None,
                };
                let mut guard = writer.state.lock();
                guard.machine.match_reader(ReaderProxyConfig {
                    filter,
                    guid: remote.guid,
                    locators: remote.locators.clone(),
                    group: remote.group,
                    reliable: data.qos.reliability.is_reliable(),
                    expects_inline_qos: inline,
                    replay: match data.qos.durability.0 {
                        DurabilityKind::Volatile => Replay::None,
                        _ => Replay::All,
                    },
                });
                if let Some(reader) = in_process {
                    guard.serve_in_process(reader);
                }
                let since = guard.matched.get(&remote.guid).map_or(now.monotonic, |known| known.since);
                let matched = MatchedSubscription { handle, data: data.clone(), since };
                let changed = match guard.matched.insert(remote.guid, matched) {
                    Some(_) => StatusMask::NONE,
                    None => {
                        guard.statuses.record_matched(handle);
                        StatusMask::PUBLICATION_MATCHED
                    }
                };
                // A batch that is open need not leave because an address changed.
                let is_due = changed != StatusMask::NONE || guard.machine.has_attention();
                drop(guard);
                if changed == StatusMask::PUBLICATION_MATCHED {
                    self.table.write().retain_remote(remote.guid.prefix, DefragmenterLimits::default());
                }
                if is_due {
                    actions.push(Action::Flush(writer.clone()));
                }
                actions.push(Action::Raise(writer, changed));
            }
            EndpointData::Publication(data) => {
                let Some(reader) = self.table.read().reader(local.entity_id) else { return };
                let is_new = !reader.state.lock().matched.contains_key(&remote.guid);
                reader.matched(handle, data.clone(), remote.activity.clone());
                {
                    let mut guard = reader.state.lock();
                    let reliable = guard.qos.reliability.is_reliable() && data.qos.reliability.is_reliable();
                    guard.machine.match_writer(
                        now.monotonic,
                        WriterProxyConfig { guid: remote.guid, locators: remote.locators.clone(), reliable },
                    );
                }
                if is_new {
                    let mut table = self.table.write();
                    table.retain_remote(remote.guid.prefix, DefragmenterLimits::default());
                    table.add_route(remote.guid, &reader);
                }
                actions.push(Action::Settle(reader));
            }
        }
    }

    /// The filter of a reader, if the writer is to apply it. It must see the payload; and where ownership
    /// is exclusive, the reader needs to know of every sample who is the owner.
    fn filter_at_writer(&self, writer: &WriterEndpoint, data: &SubscriptionData) -> Option<ReaderFilter> {
        let announced = data.content_filter.as_ref()?;
        // A gap in a coherent set would not tell what was filtered from what is lost.
        if writer.state.lock().cache.writes_sets() && data.qos.presentation.coherent_access {
            return None;
        }
        if self.protect.is_some() || data.qos.ownership.0 == OwnershipKind::Exclusive {
            return None;
        }
        SampleFilter::for_reader(&writer.type_support, &writer.topic.name, announced)
    }

    fn apply_unmatch(
        &self,
        now: Now,
        state: &mut DiscoveryState,
        local: Guid,
        remote: Guid,
        actions: &mut Vec<Action>,
    ) {
        let (writer, reader) = {
            let table = self.table.read();
            (table.writer(local.entity_id), table.reader(local.entity_id))
        };
        if let Some(writer) = writer {
            let mut guard = writer.state.lock();
            let known = guard.unmatch(remote);
            if let Some(known) = &known {
                guard.statuses.record_unmatched(known.handle);
            }
            drop(guard);
            if known.is_some() {
                self.table.write().release_remote(remote.prefix);
                actions.push(Action::Flush(writer.clone()));
                actions.push(Action::Raise(writer, StatusMask::PUBLICATION_MATCHED));
            }
        }
        if let Some(reader) = reader {
            let known = reader.state.lock().matched.contains_key(&remote);
            let heard = self.table.read().remote(remote.prefix).map(|known| known.last_heard());
            let heard = heard.filter(|heard| *heard > Monotonic::ZERO).unwrap_or(now.monotonic);
            reader.unmatched(now, remote, heard);
            let mut table = self.table.write();
            table.remove_route(remote, local);
            if known {
                if let Some(entry) = table.remote(remote.prefix) {
                    entry.defragmenter.lock().forget_writer(remote.entity_id);
                }
                table.release_remote(remote.prefix);
            }
            drop(table);
            actions.push(Action::Settle(reader));
        }
        if remote.prefix != self.prefix && !state.publications.contains_key(&remote) {
            tracing::trace!(%remote, "its announcement is gone too");
        }
    }

    fn apply_verdict(
        &self,
        state: &DiscoveryState,
        local: Guid,
        remote: Guid,
        verdict: &Arc<Verdict>,
        actions: &mut Vec<Action>,
    ) {
        tracing::warn!(%local, %remote, "{verdict}");
        state.publish_verdict(verdict, actions);
        let policies: Vec<_> = verdict.incompatible_qos().map(|problem| problem.policy).collect();
        let (writer, reader) = {
            let table = self.table.read();
            (table.writer(local.entity_id), table.reader(local.entity_id))
        };
        if let Some(writer) = writer {
            if !policies.is_empty() {
                writer.state.lock().statuses.record_incompatible_qos(policies.iter().copied());
                actions.push(Action::Raise(writer.clone(), StatusMask::OFFERED_INCOMPATIBLE_QOS));
            }
            if verdict.is_inconsistent_topic() {
                actions.push(Action::Inconsistent(writer.topic.clone()));
            }
        }
        if let Some(reader) = reader {
            if !policies.is_empty() {
                reader.incompatible(policies.iter().copied());
                actions.push(Action::Settle(reader.clone()));
            }
            if verdict.is_inconsistent_topic() {
                actions.push(Action::Inconsistent(reader.topic.clone()));
            }
        }
    }

    fn apply_liveliness(
        &self,
        now: Now,
        writer: Guid,
        liveliness: WriterLiveliness,
        actions: &mut Vec<Action>,
    ) {
        let alive = liveliness == WriterLiveliness::Alive;
        if writer.prefix == self.prefix {
            let local = self.table.read().writer(writer.entity_id);
            if let Some(local) = local.filter(|_| !alive) {
                local.state.lock().statuses.record_liveliness_lost();
                actions.push(Action::Raise(local, StatusMask::LIVELINESS_LOST));
            }
        }
        let readers = self.table.read().readers_of(writer, EntityId::UNKNOWN);
        for reader in readers {
            if reader.writer_liveliness(now, writer, alive) {
                actions.push(Action::Settle(reader));
            }
        }
    }

    /// Tells once when nobody has been found for a while.
    fn check_lonely(&self, now: Now, state: &mut DiscoveryState) {
        if !state.participants.is_empty() {
            // Whoever was found and left again is no riddle.
            state.lonely_at = Some(Monotonic::NEVER);
            return;
        }
        let at = *state.lonely_at.get_or_insert(now.monotonic.after(LONELY_AFTER));
        if now.monotonic < at {
            return;
        }
        state.lonely_at = Some(Monotonic::NEVER);
        let data = state.participant.data();
        let addresses: Vec<String> =
            data.metatraffic_unicast_locators.iter().map(ToString::to_string).collect();
        tracing::warn!(
            "no other participant was discovered in domain {} within {LONELY_AFTER}; listening on {}. \
             Check that peers use the same domain id and domain tag and that multicast passes, or name them as initial peers",
            data.domain_id.unwrap_or(0),
            addresses.join(", ")
        );
    }

    /// The host's addresses changed: they are announced anew.
    pub(crate) fn addresses_changed(&self, now: Now, addresses: Addresses) {
        self.run_discovery(now, |participant| {
            let mut data = participant.data().clone();
            data.metatraffic_unicast_locators = addresses.metatraffic_unicast;
            data.metatraffic_multicast_locators = addresses.metatraffic_multicast;
            data.default_unicast_locators = addresses.user_unicast;
            participant.set_interfaces(now, addresses.interfaces);
            participant.update_participant_data(now, data);
        });
    }
}

/// The publisher of which an event may change who its writers are, or whether they are matched.
fn changed_publisher(state: &DiscoveryState, event: &DiscoveryEvent) -> Option<PublisherKey> {
    match event {
        DiscoveryEvent::PublicationDiscovered(data) | DiscoveryEvent::PublicationChanged(data) => {
            announced_publisher(data)
        }
        DiscoveryEvent::Match {
            remote: RemoteEndpoint { data: EndpointData::Publication(data), .. },
            ..
        } => announced_publisher(data),
        DiscoveryEvent::PublicationLost(guid) => announced_publisher(state.publications.get(guid)?),
        _ => None,
    }
}

fn describe(participant: &ParticipantData) -> String {
    format!(
        "participant {} ({}{})",
        participant.guid,
        participant.vendor.name(),
        participant.host().map(|host| format!(" on {host}")).unwrap_or_default()
    )
}
