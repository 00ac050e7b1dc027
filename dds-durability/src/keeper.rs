//! The service without a thread: it is polled, and says when to poll again.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use dds_core::{
    DataReader, DomainParticipant,
    builtin::PublicationBuiltinTopicData,
    condition::{GuardCondition, WaitSet},
    qos::{DurabilityKind, Duration, LivelinessKind, PublicationQos, partitions_match},
    raw::RawEvent,
    rtps::{
        structure::{Guid, VendorId},
        time::{Monotonic, Now},
    },
    status::StatusMask,
};

use crate::{
    channel::{Channel, Description, ENDPOINT_NAME},
    error::DurabilityError,
    store::{ChannelId, Step, Store},
};

/// What the service keeps, and how much of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DurabilityConfig {
    /// The file for PERSISTENT samples. Without one, writers with DURABILITY PERSISTENT are not served.
    /// Default: none.
    pub store: Option<PathBuf>,
    /// Topics that are kept, as patterns of POSIX `fnmatch`; all when there is none. Default: none.
    pub topics: Vec<String>,
    /// Bytes of memory for samples, PERSISTENT ones included, which are served from memory. What does not
    /// fit is not kept. Default 256 MiB.
    pub max_bytes: usize,
    /// Channels: combinations of topic, type, partition and QoS. Default 1,024.
    pub max_channels: usize,
    /// How long writers may take to be found after a start, before what they had written is served in
    /// their stead. Default 5 s: two announcements and a half.
    pub discovery_grace: Duration,
}

impl Default for DurabilityConfig {
    fn default() -> Self {
        Self {
            store: None,
            topics: Vec::new(),
            max_bytes: 256 << 20,
            max_channels: 1024,
            discovery_grace: Duration::from_secs(5),
        }
    }
}

/// What is kept of one channel: a topic, type, partition and QoS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelStatus {
    /// The topic.
    pub topic_name: String,
    /// Its type.
    pub type_name: String,
    /// The partitions; none for the default one.
    pub partitions: Vec<String>,
    /// TRANSIENT or PERSISTENT.
    pub durability: DurabilityKind,
    /// Living writers.
    pub writers: usize,
    /// Samples and disposals that are kept.
    pub samples: usize,
    /// Those among them that are served, because their writers have gone.
    pub served: usize,
    /// Instances.
    pub instances: usize,
    /// Bytes of memory.
    pub bytes: usize,
    /// Samples that were not kept because a limit was reached.
    pub refused: u64,
    /// Samples that were not kept because they carry no key hash.
    pub nameless: u64,
}

/// Events taken from one channel before the others have their turn.
const BURST: usize = 4096;

/// The durability service for whoever runs it in a loop of his own: see [`Keeper::poll`].
///
/// [`DurabilityService`](crate::DurabilityService) is this with a thread.
#[derive(Debug)]
pub struct Keeper {
    participant: DomainParticipant,
    config: DurabilityConfig,
    publications: DataReader<PublicationBuiltinTopicData>,
    waitset: WaitSet,
    /// Rung when a type that was asked for may be there.
    bell: GuardCondition,
    store: Option<Store>,
    channels: BTreeMap<ChannelId, Channel>,
    by_description: HashMap<Vec<u8>, ChannelId>,
    /// The channel that each writer belongs to.
    homes: HashMap<Guid, ChannelId>,
    next_id: ChannelId,
    steps: Vec<Step>,
    events: Vec<RawEvent>,
    /// When what was on disk is served, unless its writers were found by then.
    grace_ends: Option<Monotonic>,
    assert_at: Monotonic,
}

impl Keeper {
    /// A service in a participant that belongs to it alone.
    ///
    /// # Errors
    /// [`DurabilityError::Store`] when the file cannot be opened or read, [`DurabilityError::Dds`] when its
    /// endpoints cannot be made.
    pub fn new(participant: DomainParticipant, config: DurabilityConfig) -> Result<Self, DurabilityError> {
        let publications = participant.builtin_subscriber().publication_reader()?;
        let condition = publications.status_condition();
        condition.set_enabled_statuses(StatusMask::DATA_AVAILABLE);
        let waitset = WaitSet::new();
        waitset.attach(condition);
        let bell = GuardCondition::new();
        waitset.attach(&bell);
        let store = config.store.as_deref().map(Store::open).transpose()?;
        let now = participant.now();
        let mut keeper = Self {
            grace_ends: store.is_some().then(|| now.monotonic.after(config.discovery_grace)),
            participant,
            config,
            publications,
            waitset,
            bell,
            store,
            channels: BTreeMap::new(),
            by_description: HashMap::new(),
            homes: HashMap::new(),
            next_id: 1,
            steps: Vec::new(),
            events: Vec::new(),
            assert_at: Monotonic::NEVER,
        };
        keeper.restore(now)?;
        Ok(keeper)
    }

    fn restore(&mut self, now: Now) -> Result<(), DurabilityError> {
        let Some(store) = &self.store else { return Ok(()) };
        for stored in store.load()? {
            self.next_id = self.next_id.max(stored.id.saturating_add(1));
            let Some(description) = Description::from_bytes(&stored.announcement) else {
                tracing::warn!(channel = stored.id, "a stored channel is unreadable; it is left as it is");
                continue;
            };
            tracing::info!(
                topic = description.topic.topic_name,
                samples = stored.records.len(),
                "read from the store"
            );
            let announcement = stored.announcement.clone();
            let mut channel = Channel::new(&self.participant, stored.id, description, true)?;
            channel.restore(now, stored);
            self.add(announcement, channel);
        }
        Ok(())
    }

    fn add(&mut self, key: Vec<u8>, channel: Channel) {
        self.waitset.attach(channel.reader.status_condition());
        self.by_description.insert(key, channel.id);
        self.channels.insert(channel.id, channel);
        self.assert_at = Monotonic::ZERO;
    }

    /// What becomes true when there is something to [`poll`](Keeper::poll) for.
    pub fn waitset(&self) -> &WaitSet {
        &self.waitset
    }

    /// The participant.
    pub fn participant(&self) -> &DomainParticipant {
        &self.participant
    }

    /// Takes in what arrived, stores it, acknowledges it, and serves what writers that have gone left
    /// behind. Returns when to call it again at the latest; before that when the
    /// [wait-set](Keeper::waitset) says so.
    ///
    /// # Errors
    /// [`DurabilityError::Store`] when the disk fails: nothing since the last call was acknowledged, and the
    /// keeper must be dropped.
    pub fn poll(&mut self) -> Result<Monotonic, DurabilityError> {
        let now = self.participant.now();
        self.bell.set_trigger_value(false);
        self.take_publications()?;
        let mut more = false;
        let ids: Vec<ChannelId> = self.channels.keys().copied().collect();
        for id in &ids {
            more |= self.poll_channel(now, *id)?;
        }
        if let Some(store) = &mut self.store
            && !self.steps.is_empty()
        {
            store.commit(&self.steps)?;
            self.steps.clear();
        }
        for channel in self.channels.values_mut() {
            channel.confirm();
            channel.hand_over(now);
        }
        if self.grace_ends.is_some_and(|end| end <= now.monotonic) {
            self.grace_ends = None;
            self.channels.values_mut().for_each(Channel::hand_over_absent);
        }
        self.retire_idle()?;
        self.assert_liveliness(now)?;
        if more {
            return Ok(now.monotonic);
        }
        let timeout_of = |channel: &Channel| channel.archive.next_timeout(now).min(channel.keys.timeout());
        let timeouts = self.channels.values().map(timeout_of);
        let grace = self.grace_ends.unwrap_or(Monotonic::NEVER);
        Ok(timeouts.min().unwrap_or(Monotonic::NEVER).min(grace).min(self.assert_at))
    }

    /// What is kept.
    pub fn status(&self) -> Vec<ChannelStatus> {
        let of = |channel: &Channel| ChannelStatus {
            topic_name: channel.description.topic.topic_name.clone(),
            type_name: channel.description.topic.type_name.clone(),
            partitions: channel.description.qos.partition.0.clone(),
            durability: channel.description.qos.durability.0,
            writers: channel.archive.present_writers(),
            samples: channel.archive.len(),
            served: channel.served(),
            instances: channel.archive.instance_count(),
            bytes: channel.archive.bytes(),
            refused: channel.counters.refused,
            nameless: channel.counters.nameless,
        };
        self.channels.values().map(of).collect()
    }

    fn take_publications(&mut self) -> Result<(), DurabilityError> {
        for sample in self.publications.take()? {
            match sample.data() {
                Some(data) => {
                    let (guid, name) = (data.key.guid(), data.entity_name.as_deref());
                    self.assign(guid, name, &data.topic_name, &data.type_name, &data.qos)?;
                }
                None => {
                    self.homes.remove(&sample.key().guid());
                }
            }
        }
        Ok(())
    }

    /// The channel that a writer belongs to, made if need be. A writer stays where it first was.
    fn assign(
        &mut self,
        guid: Guid,
        name: Option<&str>,
        topic_name: &str,
        type_name: &str,
        qos: &PublicationQos,
    ) -> Result<Option<ChannelId>, DurabilityError> {
        if let Some(home) = self.homes.get(&guid) {
            return Ok(Some(*home));
        }
        let ours = guid.prefix.0.starts_with(&VendorId::OURS.0);
        if qos.durability.0 < DurabilityKind::Transient || (ours && name == Some(ENDPOINT_NAME)) {
            return Ok(None);
        }
        let wanted =
            |pattern: &String| partitions_match(std::slice::from_ref(pattern), &[topic_name.to_owned()]);
        if !self.config.topics.is_empty() && !self.config.topics.iter().any(wanted) {
            return Ok(None);
        }
        let persistent = qos.durability.0 == DurabilityKind::Persistent;
        if persistent && self.store.is_none() {
            tracing::warn!(topic = topic_name, writer = %guid, "PERSISTENT, and there is no store: not kept");
            return Ok(None);
        }
        if qos.partition.0.iter().any(|name| name.contains(['*', '?', '['])) {
            tracing::warn!(topic = topic_name, writer = %guid, "its PARTITION is a pattern: not kept");
            return Ok(None);
        }
        let description = Description::of(guid, topic_name, type_name, qos);
        let Some(key) = description.to_bytes() else { return Ok(None) };
        let id = match self.by_description.get(&key) {
            Some(id) => *id,
            None if self.channels.len() >= self.config.max_channels => {
                tracing::warn!(topic = topic_name, writer = %guid, "too many channels: not kept");
                return Ok(None);
            }
            None => {
                let id = self.next_id;
                self.next_id += 1;
                if persistent {
                    self.steps.push(Step::AddChannel(id, key.clone()));
                }
                let channel = Channel::new(&self.participant, id, description, persistent)?;
                self.add(key, channel);
                id
            }
        };
        self.homes.insert(guid, id);
        Ok(Some(id))
    }

    /// Whether there is more to take.
    fn poll_channel(&mut self, now: Now, id: ChannelId) -> Result<bool, DurabilityError> {
        let mut events = std::mem::take(&mut self.events);
        let Some(channel) = self.channels.get_mut(&id) else { return Ok(false) };
        let more = channel.keys.settle(now, &self.bell, &channel.description.topic.type_name)
            && channel.next_events(BURST, &mut events);
        let mut used: usize = self.channels.values().map(|channel| channel.archive.bytes()).sum();
        let mut events_left = events.drain(..);
        while let Some(event) = events_left.next() {
            let Some(channel) = self.channels.get_mut(&id) else { break };
            if channel.needs_type(&event) {
                channel.keys.ask(now, &self.participant, &channel.description.topic.topic_name);
                if !channel.keys.settle(now, &self.bell, &channel.description.topic.type_name) {
                    channel.put_back(std::iter::once(event).chain(events_left.by_ref()));
                    break;
                }
            }
            let is_member = match &event {
                RawEvent::Matched(data) => {
                    let (guid, name) = (data.endpoint_guid, data.entity_name.as_deref());
                    self.assign(guid, name, &data.topic_name, &data.type_name, &data.qos)? == Some(id)
                }
                RawEvent::Unmatched { writer, .. } => {
                    self.homes.remove(writer);
                    false
                }
                _ => false,
            };
            let Some(channel) = self.channels.get_mut(&id) else { break };
            let before = channel.archive.bytes();
            let room = self.config.max_bytes.saturating_sub(used);
            let persistent = channel.description.qos.durability.0 == DurabilityKind::Persistent;
            channel.handle(now, event, is_member, room, persistent.then_some(&mut self.steps));
            used = used.saturating_sub(before).saturating_add(channel.archive.bytes());
        }
        drop(events_left);
        self.events = events;
        if let Some(channel) = self.channels.get_mut(&id) {
            channel.expire(now);
            let persistent = channel.description.qos.durability.0 == DurabilityKind::Persistent;
            channel.settle(persistent.then_some(&mut self.steps));
        }
        Ok(more)
    }

    /// Lets go of channels that nobody writes and of which nothing is kept.
    fn retire_idle(&mut self) -> Result<(), DurabilityError> {
        let homes = &self.homes;
        let is_idle =
            |channel: &&Channel| channel.is_idle() && !homes.values().any(|home| *home == channel.id);
        let idle: Vec<_> = self.channels.values().filter(is_idle).map(|channel| channel.id).collect();
        for id in idle {
            let Some(channel) = self.channels.remove(&id) else { continue };
            self.waitset.detach(channel.reader.status_condition())?;
            self.by_description.retain(|_, known| *known != id);
            if channel.description.qos.durability.0 == DurabilityKind::Persistent {
                self.steps.push(Step::RemoveChannel(id));
            }
        }
        if let Some(store) = &mut self.store
            && !self.steps.is_empty()
        {
            store.commit(&self.steps)?;
            self.steps.clear();
        }
        Ok(())
    }

    fn assert_liveliness(&mut self, now: Now) -> Result<(), DurabilityError> {
        if now.monotonic < self.assert_at {
            return Ok(());
        }
        let mut by_participant = false;
        let mut period = None;
        for channel in self.channels.values() {
            channel.assert_liveliness();
            by_participant |= channel.description.qos.liveliness.kind == LivelinessKind::ManualByParticipant;
            period = period.into_iter().chain(channel.assertion_period()).min();
        }
        if by_participant {
            self.participant.assert_liveliness()?;
        }
        self.assert_at =
            period.map_or(Monotonic::NEVER, |period| now.monotonic.after(Duration::from_nanos(period)));
        Ok(())
    }
}
