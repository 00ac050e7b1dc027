//! Pairing our endpoints with those of others, and with each other.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use dds_qos::{Duration, LivelinessKind, incompatible_with, partitions_match};
use smallvec::{SmallVec, smallvec};

use super::{
    DiscoveryEvent, Participant, RemoteEndpoint, Timer, UnmatchReason,
    events::EndpointData,
    hook::{Gate, MatchHook, Pending},
    locators,
    peers::Peer,
    verdict::{Keyedness, PeerDescription, Problem, Role, Verdict},
};
use crate::{
    structure::{EntityId, Guid, GuidPrefix, Locator},
    time::Now,
    writer::GroupPath,
};

/// How a pending match ends.
#[derive(Clone, PartialEq, Debug)]
pub enum Resolution {
    /// They match.
    Match,
    /// They do not, for this reason.
    Refuse(Problem),
}

/// Our endpoints, who shares a topic name, and how each pair stands.
#[derive(Debug, Default)]
pub(super) struct Matcher {
    local: BTreeMap<EntityId, EndpointData>,
    topics: BTreeMap<String, TopicEndpoints>,
    /// By our endpoint and the other one.
    pairs: BTreeMap<(Guid, Guid), Pair>,
}

/// All endpoints, ours and others', of one topic name.
#[derive(Debug, Default)]
struct TopicEndpoints {
    writers: BTreeSet<Guid>,
    readers: BTreeSet<Guid>,
}

impl TopicEndpoints {
    fn of(&self, role: Role) -> &BTreeSet<Guid> {
        match role {
            Role::Writer => &self.writers,
            Role::Reader => &self.readers,
        }
    }

    fn of_mut(&mut self, role: Role) -> &mut BTreeSet<Guid> {
        match role {
            Role::Writer => &mut self.writers,
            Role::Reader => &mut self.readers,
        }
    }
}

/// How a pair stands.
#[derive(Debug)]
enum Pair {
    /// The other participant has not answered yet.
    AwaitingPath,
    Pending(Pending),
    Matched {
        remote: EndpointData,
        locators: SmallVec<[Locator; 2]>,
        group: Option<GroupPath>,
    },
    Incompatible(Arc<Verdict>),
}

/// What is to be said of a pair now.
enum Judgement {
    AwaitPath,
    Pending { what: Pending, limit: Duration },
    Match(RemoteEndpoint),
    Incompatible(Vec<Problem>),
}

impl Matcher {
    fn index(&mut self, data: &EndpointData) {
        let topic = self.topics.entry(String::from(data.topic_name())).or_default();
        topic.of_mut(data.role()).insert(data.guid());
    }

    fn unindex(&mut self, data: &EndpointData) {
        let Some(topic) = self.topics.get_mut(data.topic_name()) else { return };
        topic.of_mut(data.role()).remove(&data.guid());
        if topic.writers.is_empty() && topic.readers.is_empty() {
            self.topics.remove(data.topic_name());
        }
    }

    /// Who may match `data`: the endpoints of the other role with its topic name.
    fn candidates(&self, data: &EndpointData) -> Vec<Guid> {
        let topic = self.topics.get(data.topic_name());
        topic.map_or_else(Vec::new, |topic| topic.of(data.role().opposite()).iter().copied().collect())
    }

    /// Those of ours among them.
    fn local_candidates(&self, own: GuidPrefix, data: &EndpointData) -> Vec<Guid> {
        let all = Guid::new(own, EntityId([0; 4]))..=Guid::new(own, EntityId([u8::MAX; 4]));
        let topic = self.topics.get(data.topic_name());
        topic.map_or_else(Vec::new, |topic| topic.of(data.role().opposite()).range(all).copied().collect())
    }

    /// All pairs of one of our endpoints.
    fn pairs_of(&self, local: Guid) -> Vec<Guid> {
        let all = (local, Guid::UNKNOWN)..=(local, Guid::from_bytes([u8::MAX; 16]));
        self.pairs.range(all).map(|((_, remote), _)| *remote).collect()
    }
}

impl Participant {
    /// Adds or replaces one of our endpoints, and matches it.
    pub(super) fn add_local(&mut self, now: Now, data: EndpointData) {
        let own = self.guid_prefix();
        let guid = data.guid();
        if let Some(old) = self.matcher.local.insert(guid.entity_id, data.clone()) {
            self.matcher.unindex(&old);
        }
        self.matcher.index(&data);
        for other in self.matcher.candidates(&data) {
            self.judge(now, guid, other);
            if other.prefix == own {
                self.judge(now, other, guid);
            }
        }
    }

    pub(super) fn remove_local(&mut self, guid: Guid) {
        let Some(data) = self.matcher.local.remove(&guid.entity_id) else { return };
        self.matcher.unindex(&data);
        let own = self.guid_prefix();
        for remote in self.matcher.pairs_of(guid) {
            self.part(guid, remote, UnmatchReason::LocalDeleted);
            if remote.prefix == own {
                self.part(remote, guid, UnmatchReason::RemoteDeleted);
            }
        }
    }

    /// Unmatches pairs of our own endpoints that are kept apart from now on.
    pub(super) fn part_ignored(&mut self) {
        let own = self.guid_prefix();
        let pairs: Vec<_> = self.matcher.pairs.keys().copied().collect();
        for (local, remote) in pairs {
            if remote.prefix == own && self.ignored.keeps_apart(local, remote) {
                self.part(local, remote, UnmatchReason::Ignored);
            }
        }
    }

    /// Matches a new or changed endpoint of somebody else with ours.
    pub(super) fn judge_remote(&mut self, now: Now, data: &EndpointData) {
        self.matcher.index(data);
        for local in self.matcher.local_candidates(self.guid_prefix(), data) {
            self.judge(now, local, data.guid());
        }
    }

    /// Matches all endpoints of a participant anew: its path or address changed, or what a
    /// [`Gate::Pending`] waited for has come.
    pub fn judge_peer(&mut self, now: Now, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get(prefix) else { return };
        let endpoints: Vec<EndpointData> = peer.endpoints.values().map(|entry| entry.data.clone()).collect();
        for data in endpoints {
            self.judge_remote(now, &data);
        }
    }

    /// Unmatches an endpoint of somebody else, which is gone.
    pub(super) fn forget_remote(&mut self, guid: Guid, data: &EndpointData, reason: UnmatchReason) {
        self.matcher.unindex(data);
        for local in self.matcher.local_candidates(self.guid_prefix(), data) {
            self.part(local, guid, reason);
        }
        self.events.push_back(match data {
            EndpointData::Publication(_) => DiscoveryEvent::PublicationLost(guid),
            EndpointData::Subscription(_) => DiscoveryEvent::SubscriptionLost(guid),
        });
    }

    /// Ends what a [`Gate::Pending`] began. Without effect when the pair does not wait (any more).
    pub fn resolve_pending(&mut self, now: Now, local: Guid, remote: Guid, resolution: Resolution) {
        if !matches!(self.matcher.pairs.get(&(local, remote)), Some(Pair::Pending(_))) {
            return;
        }
        let judgement = match (resolution, self.compare(local, remote)) {
            (_, None) => return,
            (Resolution::Match, Some(Ok(endpoint))) => Judgement::Match(endpoint),
            (Resolution::Match, Some(Err(other))) => other,
            (Resolution::Refuse(problem), _) => Judgement::Incompatible(Vec::from([problem])),
        };
        self.settle(now, local, remote, judgement);
    }

    pub(super) fn pending_match_due(&mut self, now: Now, local: Guid, remote: Guid) {
        let Some(Pair::Pending(what)) = self.matcher.pairs.get(&(local, remote)) else { return };
        let what = *what;
        self.judge_by(now, local, remote, |hook, local, remote| hook.time_is_up(local, remote, what));
    }

    fn judge(&mut self, now: Now, local: Guid, remote: Guid) {
        self.judge_by(now, local, remote, |hook, local, remote| hook.gate(local, remote));
    }

    fn judge_by(
        &mut self,
        now: Now,
        local: Guid,
        remote: Guid,
        ask: impl FnOnce(&dyn MatchHook, &EndpointData, &RemoteEndpoint) -> Gate,
    ) {
        let judgement = match self.compare(local, remote) {
            None => return,
            Some(Err(other)) => other,
            Some(Ok(endpoint)) => {
                let local_data = self.matcher.local.get(&local.entity_id);
                let gate = match (&self.config.hook, local_data) {
                    (Some(hook), Some(local_data)) => ask(&**hook, local_data, &endpoint),
                    _ => Gate::Open,
                };
                match gate {
                    Gate::Open => Judgement::Match(endpoint),
                    Gate::Closed(problem) => Judgement::Incompatible(Vec::from([problem])),
                    // Their types were compared when they matched, and have been forgotten since.
                    Gate::Pending { what: Pending::Type, .. }
                        if self.is_matched_by_type(local, &endpoint) =>
                    {
                        Judgement::Match(endpoint)
                    }
                    Gate::Pending { what, limit } => Judgement::Pending { what, limit },
                }
            }
        };
        self.settle(now, local, remote, judgement);
    }

    fn is_matched_by_type(&self, local: Guid, endpoint: &RemoteEndpoint) -> bool {
        match self.matcher.pairs.get(&(local, endpoint.guid)) {
            Some(Pair::Matched { remote, .. }) => {
                remote.type_information() == endpoint.data.type_information()
            }
            _ => false,
        }
    }

    /// Everything about a pair but what a hook says. `None` when one of them is not known.
    fn compare(&self, local: Guid, remote: Guid) -> Option<Result<RemoteEndpoint, Judgement>> {
        let local_data = self.matcher.local.get(&local.entity_id)?;
        let is_ours = remote.prefix == self.guid_prefix();
        if is_ours && self.ignored.keeps_apart(local, remote) {
            return None;
        }
        let (peer, remote_data, activity) = if is_ours {
            (None, self.matcher.local.get(&remote.entity_id)?, None)
        } else {
            let peer = self.peers.get(remote.prefix)?;
            let entry = peer.endpoints.get(&remote.entity_id)?;
            (Some(peer), &entry.data, Some(entry.activity.clone()))
        };
        let mut problems = differences(local_data, remote_data, self.config.hook.is_some())?;
        if let Some(peer) = peer.filter(|peer| peer.path().is_some() && !peer.is_validated()) {
            // What keeps them apart anyway can be told at once.
            if problems.is_empty() || !peer.is_served {
                return Some(Err(Judgement::AwaitPath));
            }
        }
        // Acknowledgements may take any way.
        let is_writer = matches!(local_data, EndpointData::Publication(_));
        if is_writer && peer.is_some_and(|peer| peer.awaits_sharing) && problems.is_empty() {
            return Some(Err(Judgement::AwaitPath));
        }
        let locators = match peer {
            None => smallvec![locators::IN_PROCESS],
            Some(peer) => match self.locator_of(peer, remote_data) {
                Ok(locator) => smallvec![locator],
                Err(problem) => {
                    problems.push(problem);
                    SmallVec::new()
                }
            },
        };
        if !problems.is_empty() {
            return Some(Err(Judgement::Incompatible(problems)));
        }
        let group = peer.and_then(|peer| self.group_of(peer, remote_data));
        Some(Ok(RemoteEndpoint {
            guid: remote,
            data: remote_data.clone(),
            locators,
            group,
            participant: peer.map(|peer| peer.data.clone()),
            activity: activity.unwrap_or_else(|| self.local_activity(remote)),
        }))
    }

    /// The one address at which an endpoint of a peer is reached.
    fn locator_of(&self, peer: &Peer, data: &EndpointData) -> Result<Locator, Problem> {
        let announced = match data.unicast_locators() {
            [] => &peer.data.default_unicast_locators,
            own => own,
        };
        let ranked = locators::rank(announced, peer.origin, &self.config.interfaces);
        let path = peer.path().and_then(|path| locators::ip(&path));
        let proven = || ranked.iter().filter(|locator| self.may_send_to(peer, locator));
        // The address at which its built-in endpoints answer comes first.
        let best = proven().find(|locator| path.is_some() && locators::ip(locator) == path);
        let network = best.or_else(|| proven().next()).copied().ok_or_else(|| Problem::Unreachable {
            announced: announced.iter().take(locators::LOCATORS_CONSIDERED).copied().collect(),
            origin: peer.origin,
        })?;
        Ok(peer.shared_path.filter(|_| data.unicast_locators().is_empty()).unwrap_or(network))
    }

    /// The group at which a reader of a peer may be sent what goes to others as well: one that we are in, so that
    /// nobody names another as a target; that the peer's own announcements pass, so that ours do; and no more than
    /// one hop away.
    fn group_of(&self, peer: &Peer, data: &EndpointData) -> Option<GroupPath> {
        if !peer.is_heard_by_group || data.role() == Role::Writer {
            return None;
        }
        let announced: [&[Locator]; 2] = match data.multicast_locators() {
            [] => [&peer.data.own_groups, &peer.data.default_multicast_locators],
            of_endpoint => [of_endpoint, &[]],
        };
        let mut considered = announced.into_iter().flatten().take(locators::LOCATORS_CONSIDERED);
        let locator = *considered.find(|group| self.config.data.own_groups.contains(group))?;
        let interfaces = &self.config.interfaces;
        let origin = locators::ip(&peer.origin)?;
        let is_here = locators::is_own(origin, interfaces);
        let is_near = is_here || interfaces.iter().any(|own| own.shares_subnet_with(origin));
        let stays_here = interfaces.iter().all(|own| own.address.is_loopback());
        is_near.then_some(GroupPath { locator, pays: !is_here || stays_here })
    }

    /// Whether this is a writer of ours that the user must assert.
    fn is_manual(&self, guid: Guid) -> bool {
        let data = self.matcher.local.get(&guid.entity_id);
        data.and_then(EndpointData::liveliness).is_some_and(|kind| kind != LivelinessKind::Automatic)
    }

    fn settle(&mut self, now: Now, local: Guid, remote: Guid, judgement: Judgement) {
        let key = (local, remote);
        let old = self.matcher.pairs.remove(&key);
        let was_matched = matches!(old, Some(Pair::Matched { .. }));
        if matches!(old, Some(Pair::Pending(_))) && !matches!(judgement, Judgement::Pending { .. }) {
            self.timers.cancel(Timer::PendingMatch(local, remote));
        }
        let new = match judgement {
            // Whoever once matched stays so while its path is proven anew.
            Judgement::AwaitPath if was_matched => old,
            Judgement::AwaitPath => Some(Pair::AwaitingPath),
            Judgement::Pending { what, limit } => {
                if was_matched {
                    self.unmatch(local, remote, UnmatchReason::Incompatible);
                }
                if !matches!(old, Some(Pair::Pending(waited)) if waited == what) {
                    self.timers.set(Timer::PendingMatch(local, remote), now.monotonic.after(limit));
                }
                Some(Pair::Pending(what))
            }
            Judgement::Match(endpoint) => Some(self.settle_match(local, endpoint, old)),
            Judgement::Incompatible(problems) => {
                if was_matched {
                    self.unmatch(local, remote, UnmatchReason::Incompatible);
                }
                Some(self.settle_incompatible(local, remote, problems, old))
            }
        };
        if let Some(new) = new {
            self.matcher.pairs.insert(key, new);
        }
    }

    fn settle_match(&mut self, local: Guid, remote: RemoteEndpoint, old: Option<Pair>) -> Pair {
        let (locators, group) = (remote.locators.clone(), remote.group);
        let new = Pair::Matched { remote: remote.data.clone(), locators, group };
        let watch = match &remote.data {
            EndpointData::Publication(data) => {
                Some((data.qos.liveliness.lease_duration, remote.activity.clone()))
            }
            EndpointData::Subscription(_) => None,
        };
        let guid = remote.guid;
        match old {
            Some(Pair::Matched { remote: data, locators, group }) => {
                let is_there = locators == remote.locators && group == remote.group;
                if !data.is_same_announcement(&remote.data) || !is_there {
                    self.events.push_back(DiscoveryEvent::MatchChanged { local, remote });
                }
            }
            _ => {
                self.events.push_back(DiscoveryEvent::Match { local, remote });
                // Our own AUTOMATIC writers cannot die alone.
                let can_lapse = guid.prefix != self.guid_prefix() || self.is_manual(guid);
                if let Some((lease, activity)) = watch.filter(|_| can_lapse) {
                    self.watch_writer(guid, lease, &activity);
                }
            }
        }
        new
    }

    fn settle_incompatible(
        &mut self,
        local: Guid,
        remote: Guid,
        problems: Vec<Problem>,
        old: Option<Pair>,
    ) -> Pair {
        let known = match &old {
            Some(Pair::Incompatible(verdict)) if verdict.problems == problems => Some(verdict.clone()),
            _ => None,
        };
        if let Some(verdict) = known {
            return Pair::Incompatible(verdict);
        }
        let local_data = self.matcher.local.get(&local.entity_id);
        let participant = self.peers.get(remote.prefix).map(|peer| &*peer.data);
        let verdict = Arc::new(Verdict {
            topic_name: local_data.map_or_else(String::new, |data| String::from(data.topic_name())),
            local_role: local_data.map_or(Role::Reader, EndpointData::role),
            peer: PeerDescription::new(remote, participant),
            problems,
        });
        self.events.push_back(DiscoveryEvent::Incompatible { local, remote, verdict: verdict.clone() });
        Pair::Incompatible(verdict)
    }

    /// Forgets a pair.
    fn part(&mut self, local: Guid, remote: Guid, reason: UnmatchReason) {
        match self.matcher.pairs.remove(&(local, remote)) {
            Some(Pair::Matched { .. }) => self.unmatch(local, remote, reason),
            Some(Pair::Pending(_)) => self.timers.cancel(Timer::PendingMatch(local, remote)),
            Some(Pair::AwaitingPath | Pair::Incompatible(_)) | None => {}
        }
    }

    fn unmatch(&mut self, local: Guid, remote: Guid, reason: UnmatchReason) {
        if local.entity_id.is_reader() && (remote.prefix != self.guid_prefix() || self.is_manual(remote)) {
            self.unwatch_writer(remote);
        }
        self.events.push_back(DiscoveryEvent::Unmatch { local, remote, reason });
    }
}

/// Everything in two announcements that keeps them apart; `None` when they are of one role. Names of
/// types count only where no hook compares the types themselves (XTypes 1.3 §7.6.3.4.2).
fn differences(local: &EndpointData, remote: &EndpointData, has_hook: bool) -> Option<Vec<Problem>> {
    let (publication, subscription) = match (local, remote) {
        (EndpointData::Publication(publication), EndpointData::Subscription(subscription)) => {
            (publication, subscription)
        }
        (EndpointData::Subscription(subscription), EndpointData::Publication(publication)) => {
            (publication, subscription)
        }
        _ => return None,
    };
    let mut problems = Vec::new();
    let types_are_known =
        local.type_information_for(remote).is_some() && remote.type_information_for(local).is_some();
    if local.type_name() != remote.type_name() && !(has_hook && types_are_known) {
        problems.push(Problem::TypeName {
            local: String::from(local.type_name()),
            remote: String::from(remote.type_name()),
        });
    }
    let (local_key, remote_key) = (keyedness(local), keyedness(remote));
    if local_key != remote_key {
        problems.push(Problem::Keyedness { local: local_key, remote: remote_key });
    }
    let (offered, requested) = (&publication.qos, &subscription.qos);
    if !partitions_match(&offered.partition.0, &requested.partition.0) {
        problems.push(Problem::Partition {
            local: local.partitions().to_vec(),
            remote: remote.partitions().to_vec(),
        });
    }
    problems.extend(incompatible_with(offered, requested).into_iter().map(Problem::Qos));
    Some(problems)
}

fn keyedness(data: &EndpointData) -> Keyedness {
    if data.guid().entity_id.is_keyed() { Keyedness::WithKey } else { Keyedness::NoKey }
}
