//! Participants and what makes them (DDS 1.4 §2.2.2.2).

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Weak,
        atomic::{AtomicU32, Ordering},
    },
};

use dds_qos::{DomainParticipantQos, PublisherQos, SubscriberQos, TopicQos};
use dds_rtps::{
    discovery::ParticipantData,
    participant::{Participant, ParticipantConfig as DiscoveryConfig, Verdict},
    structure::{EntityId, EntityKind, Guid, GuidPrefix, Locator, VendorId},
    time::Timestamp,
};
use dds_transport::UdpConfig;
use dds_types::{
    TopicType,
    dynamic::{DynamicData, DynamicTopicType, DynamicType},
};
use parking_lot::{Mutex, RwLock};

use super::{
    DomainParticipantFactory, ParticipantConfig, Publisher, Subscriber, Topic, UserMulticast,
    filtered_topic::FilteredShared, publisher::PublisherInner, subscriber::SubscriberInner,
    verdicts::Verdicts,
};
use crate::{
    builtin::{BuiltinReaders, BuiltinSubscriber},
    condition::StatusCondition,
    engine::{
        Engine, EngineStatistics, Environment, Observer, Protect, SharedMemoryState, TopicShared, TypeMatcher,
    },
    error::{DdsError, DdsResult, IllegalContext, Resource},
    instance::{InstanceHandle, InstanceHandleAllocator},
    lifecycle::Lifecycle,
    runtime::{Addresses, RuntimeConfig, RuntimeHandle, RuntimeStatistics},
    status::StatusMask,
};

/// A participant in the making.
#[must_use = "nothing happens before build()"]
pub struct ParticipantBuilder {
    factory: DomainParticipantFactory,
    domain_id: u32,
    config: ParticipantConfig,
    qos: DomainParticipantQos,
    protect: Option<Arc<dyn Protect>>,
}

impl ParticipantBuilder {
    pub(super) fn new(factory: DomainParticipantFactory, domain_id: u32, qos: DomainParticipantQos) -> Self {
        Self { factory, domain_id, config: ParticipantConfig::default(), qos, protect: None }
    }

    /// With this name, shown to people on other hosts.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.config.name = Some(name.into());
        self
    }

    /// With this QoS.
    pub fn qos(mut self, qos: DomainParticipantQos) -> Self {
        self.qos = qos;
        self
    }

    /// With this configuration instead of the default one.
    pub fn config(mut self, config: ParticipantConfig) -> Self {
        self.config = config;
        self
    }

    /// With this protection of its messages and samples.
    pub fn protect(mut self, protect: Arc<dyn Protect>) -> Self {
        self.protect = Some(protect);
        self
    }

    /// On this host's loopback interface only.
    pub fn loopback_only(mut self) -> Self {
        self.config.transport = UdpConfig::loopback_only();
        self
    }

    /// Makes the participant and announces it.
    ///
    /// # Errors
    /// When the sockets cannot be opened: see [`DdsError::Transport`];
    /// [`BadParameter`](DdsError::BadParameter) for fragments without bytes.
    pub fn build(self) -> DdsResult<DomainParticipant> {
        if self.config.fragment_size == 0 {
            return Err(DdsError::bad_parameter("fragment_size", "a fragment has at least one byte"));
        }
        let network = RuntimeConfig {
            udp: self.config.transport.clone(),
            shared_memory: self.config.shared_memory.then(|| self.config.shared_memory_config()),
            spin: self.config.spin_limit(),
        };
        let runtime = self.factory.runtime(self.domain_id, &network)?;
        let mut random = [0; 18];
        getrandom::fill(&mut random).map_err(|error| DdsError::Io {
            operation: "reading random bytes from the system",
            source: std::io::Error::other(error.to_string()),
        })?;
        let addresses = runtime.runtime().addresses();
        let environment: Arc<dyn Environment> = runtime.runtime().clone();
        let participant = self.assemble(environment, addresses, random, Some(runtime.clone()))?;
        runtime.runtime().attach(participant.engine());
        Ok(participant)
    }

    /// Makes the participant in an environment other than this system's sockets and clocks, such as a
    /// simulation. The caller then runs [`DomainParticipant::engine`]. `random` makes the GUID and
    /// the jitter.
    ///
    /// # Errors
    /// When the QoS is inconsistent.
    pub fn build_in(
        self,
        environment: Arc<dyn Environment>,
        addresses: Addresses,
        random: [u8; 18],
    ) -> DdsResult<DomainParticipant> {
        self.assemble(environment, addresses, random, None)
    }

    fn assemble(
        self,
        environment: Arc<dyn Environment>,
        addresses: Addresses,
        random: [u8; 18],
        runtime: Option<Arc<RuntimeHandle>>,
    ) -> DdsResult<DomainParticipant> {
        let Self { factory, domain_id, config, qos, protect } = self;
        let mut prefix = [0; 12];
        prefix[..2].copy_from_slice(&VendorId::OURS.0);
        prefix[2..].copy_from_slice(&random[..10]);
        let guid = Guid::new(GuidPrefix(prefix), EntityId::PARTICIPANT);
        let mut seed = [0; 8];
        seed.copy_from_slice(&random[10..]);

        let mut data = ParticipantData::new(guid);
        data.domain_id = Some(domain_id);
        data.domain_tag = config.domain_tag.clone();
        data.metatraffic_unicast_locators = addresses.metatraffic_unicast;
        data.metatraffic_multicast_locators = addresses.metatraffic_multicast.clone();
        data.default_unicast_locators = addresses.user_unicast;
        if config.user_multicast == UserMulticast::Announced {
            data.default_multicast_locators = addresses.user_multicast.clone();
        }
        if config.user_multicast != UserMulticast::Disabled {
            data.own_groups = addresses.user_multicast;
        }
        data.shared_memory = addresses.shared_memory;
        data.lease_duration = config.lease_duration;
        data.user_data = qos.user_data.clone();
        data.entity_name = config.name.clone();
        if runtime.is_some() {
            data.set_process(&host_name(), &process_name(), std::process::id());
        }
        let ports = &config.transport.ports;
        let peers = config.initial_peers.iter().flat_map(|peer| peer.addresses(domain_id, ports));
        let now = environment.now();
        let types = Arc::new(TypeMatcher::new(config.announce_types));
        let mut discovery_config = DiscoveryConfig::new(data);
        discovery_config.hook = Some(types.clone());
        let overhead = protect.as_ref().map_or(0, |protect| protect.overhead());
        discovery_config.max_message_size = discovery_config.max_message_size.saturating_sub(overhead);
        let discovery = Participant::new(
            DiscoveryConfig {
                announcement_period: config.announcement_period,
                multicast_locators: addresses.metatraffic_multicast,
                initial_peers: peers.map(Locator::from).collect(),
                interfaces: addresses.interfaces,
                seed: u64::from_le_bytes(seed),
                ..discovery_config
            },
            now,
        );
        let handles = InstanceHandleAllocator::new();
        let handle = handles.allocate();
        let engine = Engine::new(discovery, environment, handles, protect, types);
        engine.discovery.lock().name(guid, handle);
        let participant = DomainParticipant(Arc::new(ParticipantInner {
            engine,
            runtime: Mutex::new(runtime),
            lifecycle: Lifecycle::disabled("DomainParticipant"),
            guid,
            handle,
            domain_id,
            config,
            qos: RwLock::new(qos),
            observer: Arc::new(Observer::new(handle, None)),
            topics: Mutex::default(),
            groups: Mutex::default(),
            filtered_topics: Mutex::default(),
            next_key: AtomicU32::new(1),
            defaults: RwLock::default(),
            builtin: Mutex::default(),
        }));
        if factory.adopt(&participant) {
            participant.enable()?;
        }
        Ok(participant)
    }
}

fn host_name() -> String {
    let paths = ["/proc/sys/kernel/hostname", "/etc/hostname"];
    let name = paths.iter().find_map(|path| std::fs::read_to_string(path).ok());
    name.map_or_else(|| "unknown".into(), |name| name.trim().to_owned())
}

fn process_name() -> String {
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_name());
    name.map_or_else(|| "unknown".into(), |name| name.to_string_lossy().into_owned())
}

/// What groups endpoints, not kept alive.
enum Group {
    Publisher(Weak<PublisherInner>),
    Subscriber(Weak<SubscriberInner>),
}

/// The QoS of entities that are made without any.
#[derive(Clone, Debug, Default)]
struct Defaults {
    publisher: PublisherQos,
    subscriber: SubscriberQos,
    topic: TopicQos,
}

pub(crate) struct ParticipantInner {
    pub(crate) engine: Arc<Engine>,
    /// Until the participant is deleted.
    runtime: Mutex<Option<Arc<RuntimeHandle>>>,
    pub(super) lifecycle: Lifecycle,
    guid: Guid,
    handle: InstanceHandle,
    domain_id: u32,
    pub(crate) config: ParticipantConfig,
    qos: RwLock<DomainParticipantQos>,
    pub(crate) observer: Arc<Observer>,
    /// Purpose: its topics as they come and go; nothing else is locked meanwhile.
    pub(super) topics: Mutex<HashMap<String, Weak<TopicShared>>>,
    /// Purpose: its publishers and subscribers as they come and go; nothing else is locked meanwhile.
    groups: Mutex<BTreeMap<EntityId, Group>>,
    /// Purpose: its content-filtered topics as they come and go; nothing else is locked meanwhile.
    filtered_topics: Mutex<HashMap<String, Weak<FilteredShared>>>,
    next_key: AtomicU32,
    defaults: RwLock<Defaults>,
    pub(crate) builtin: Mutex<BuiltinReaders>,
}

impl Drop for ParticipantInner {
    fn drop(&mut self) {
        if self.engine.check_usable("drop").is_ok() {
            self.engine.depart();
        }
    }
}

/// A member of a domain: the entry to everything else (DDS 1.4 §2.2.2.2.1). Clones are the same
/// participant; it departs when the last clone, and the last entity made from it, is dropped.
///
/// ```
/// use dds_core::{DdsType, DomainParticipant};
///
/// #[derive(DdsType, Debug, PartialEq)]
/// struct Greeting {
///     text: String,
/// }
///
/// # fn main() -> Result<(), dds_core::error::DdsError> {
/// let participant = DomainParticipant::builder(0).loopback_only().build()?;
/// let topic = participant.topic::<Greeting>("Greeting")?;
/// let reader = topic.reader().reliable().build()?;
/// let writer = topic.writer().reliable().build()?;
/// writer.wait_matched(1, std::time::Duration::from_secs(5).into())?;
/// writer.write(&Greeting { text: "hello".into() })?;
/// reader.wait_for_data(std::time::Duration::from_secs(5).into())?;
/// let samples = reader.take()?;
/// assert_eq!(samples[0].data(), Some(&Greeting { text: "hello".into() }));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DomainParticipant(pub(crate) Arc<ParticipantInner>);

impl std::fmt::Debug for DomainParticipant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DomainParticipant")
            .field("guid", &self.0.guid)
            .field("domain_id", &self.0.domain_id)
            .finish()
    }
}

impl DomainParticipant {
    /// A participant with default configuration and QoS, of a factory of its own.
    ///
    /// # Errors
    /// As [`ParticipantBuilder::build`].
    pub fn new(domain_id: u32) -> DdsResult<Self> {
        Self::builder(domain_id).build()
    }

    /// Begins a participant of a factory of its own.
    pub fn builder(domain_id: u32) -> ParticipantBuilder {
        DomainParticipantFactory::new().participant(domain_id)
    }

    /// The participant's GUID.
    pub fn guid(&self) -> Guid {
        self.0.guid
    }

    /// The participant's handle (DDS 1.4 §2.2.2.1.1.7).
    pub fn instance_handle(&self) -> InstanceHandle {
        self.0.handle
    }

    /// The domain it is in (DDS 1.4 §2.2.2.2.1.20).
    pub fn domain_id(&self) -> u32 {
        self.0.domain_id
    }

    /// What it was made with.
    pub fn config(&self) -> &ParticipantConfig {
        &self.0.config
    }

    /// Its QoS.
    pub fn qos(&self) -> DomainParticipantQos {
        self.0.qos.read().clone()
    }

    /// Changes its QoS: USER_DATA, which is announced anew, and ENTITY_FACTORY.
    ///
    /// # Errors
    /// [`DdsError::ImmutablePolicy`] for policies that may not change.
    pub fn set_qos(&self, qos: DomainParticipantQos) -> DdsResult<()> {
        self.check_usable("set_qos")?;
        self.0.lifecycle.check_exists()?;
        {
            let mut current = self.0.qos.write();
            if self.is_enabled() {
                check_changeable(current.check_changeable(&qos))?;
            }
            *current = qos.clone();
        }
        let now = self.0.engine.environment.now();
        let update = |participant: &mut Participant| {
            let mut data = participant.data().clone();
            data.user_data = qos.user_data;
            participant.update_participant_data(now, data);
        };
        if self.is_enabled() {
            self.0.engine.run_discovery(now, update);
        } else {
            update(&mut self.0.engine.discovery.lock().participant);
        }
        Ok(())
    }

    /// Enables it, and what was made from it unless ENTITY_FACTORY says otherwise: it announces itself
    /// and finds others from now on (DDS 1.4 §2.2.2.1.1.7, §2.2.3.20). Without effect when it is enabled.
    ///
    /// # Errors
    /// [`DdsError::AlreadyDeleted`].
    pub fn enable(&self) -> DdsResult<()> {
        self.check_usable("enable")?;
        if !self.0.lifecycle.enable()? {
            return Ok(());
        }
        self.0.engine.activate();
        if self.enables_entities() {
            for topic in self.topics() {
                topic.lifecycle.enable()?;
            }
            self.publishers().iter().try_for_each(Publisher::enable)?;
            self.subscribers().iter().try_for_each(Subscriber::enable)?;
        }
        Ok(())
    }

    /// Whether it is enabled and not deleted.
    pub fn is_enabled(&self) -> bool {
        self.0.lifecycle.is_enabled()
    }

    /// A topic of type `T` with default QoS; the same one for the same name.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when the name is taken by a topic of another type.
    pub fn topic<T: TopicType>(&self, name: &str) -> DdsResult<Topic<T>> {
        self.make_topic(name, &T::type_name(), None, None)
    }

    /// A topic whose type is known only at run time, with default QoS: its samples are
    /// [`DynamicData`]. The type comes from a builder, a Rust type, or complete type objects.
    ///
    /// ```
    /// use dds_core::DomainParticipant;
    /// use dds_core::types::dynamic::{DynamicData, DynamicType};
    /// use dds_core::types::type_description::PrimitiveKind;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let temperature = DynamicType::structure("Temperature")
    ///     .member("room", &DynamicType::string(None))
    ///     .key()
    ///     .member("celsius", &DynamicType::primitive(PrimitiveKind::Float64))
    ///     .build()?;
    /// let participant = DomainParticipant::builder(0).loopback_only().build()?;
    /// let topic = participant.dynamic_topic("Temperature", &temperature)?;
    /// let reader = topic.reader().reliable().build()?;
    /// let writer = topic.writer().reliable().build()?;
    /// writer.wait_matched(1, std::time::Duration::from_secs(5).into())?;
    /// let mut sample = DynamicData::new(&temperature);
    /// sample.set("room", "kitchen")?;
    /// sample.set("celsius", 21.5)?;
    /// writer.write(&sample)?;
    /// reader.wait_for_data(std::time::Duration::from_secs(5).into())?;
    /// assert_eq!(reader.take()?[0].data(), Some(&sample));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`DdsError::BadParameter`] when the type is none of topics; else as
    /// [`DomainParticipant::create_topic`].
    pub fn dynamic_topic(&self, name: &str, dynamic_type: &DynamicType) -> DdsResult<Topic<DynamicData>> {
        let Some(type_name) = dynamic_type.name().filter(|_| dynamic_type.is_topic_type()) else {
            let problem = format!("{dynamic_type:?} is no structure or union that is not nested");
            return Err(DdsError::bad_parameter("dynamic type", problem));
        };
        let dynamic = Arc::new(DynamicTopicType::new(dynamic_type));
        self.make_topic(name, type_name, None, Some(dynamic))
    }

    /// A topic of type `T` (DDS 1.4 §2.2.2.2.1.5).
    ///
    /// # Errors
    /// [`DdsError::BadParameter`] for an unusable name, [`DdsError::PreconditionNotMet`] when the name is
    /// taken by a topic of another type or with other QoS, [`DdsError::InconsistentPolicy`].
    pub fn create_topic<T: TopicType>(&self, name: &str, qos: TopicQos) -> DdsResult<Topic<T>> {
        self.create_topic_as(name, &T::type_name(), qos)
    }

    /// A topic of type `T` whose type is announced as `type_name`, for peers that call it otherwise.
    ///
    /// # Errors
    /// As [`DomainParticipant::create_topic`].
    pub fn create_topic_as<T: TopicType>(
        &self,
        name: &str,
        type_name: &str,
        qos: TopicQos,
    ) -> DdsResult<Topic<T>> {
        self.make_topic(name, type_name, Some(qos), None)
    }

    /// A topic, new or known; without QoS, a known one is taken as it is.
    fn make_topic<T: TopicType>(
        &self,
        name: &str,
        type_name: &str,
        qos: Option<TopicQos>,
        dynamic: Option<Arc<DynamicTopicType>>,
    ) -> DdsResult<Topic<T>> {
        self.check_usable("create_topic")?;
        if T::IS_DYNAMIC && dynamic.is_none() {
            return Err(DdsError::precondition("create_topic", "a type: use dynamic_topic"));
        }
        self.0.lifecycle.check_exists()?;
        if name.is_empty() || name.len() > dds_rtps::discovery::LONGEST_STRING || name.contains('\0') {
            return Err(DdsError::bad_parameter("topic name", "must have 1 to 4096 bytes and no NUL"));
        }
        if let Some(qos) = &qos {
            check_consistent(qos.is_consistent())?;
        }
        let mut topics = self.0.topics.lock();
        topics.retain(|_, topic| topic.strong_count() > 0);
        if let Some(known) = topics.get(name).and_then(Weak::upgrade) {
            if known.type_name != type_name {
                return Err(DdsError::precondition(
                    "create_topic",
                    format!(
                        "another name than «{name}», which is a topic of type {} already",
                        known.type_name
                    ),
                ));
            }
            if qos.is_some_and(|qos| qos != *known.qos()) {
                return Err(DdsError::precondition(
                    "create_topic",
                    format!("the QoS that the topic «{name}» has already; change it by set_qos"),
                ));
            }
            return Ok(Topic::new(self.clone(), known).with_dynamic(dynamic));
        }
        let qos = qos.unwrap_or_else(|| self.default_topic_qos());
        let lifecycle = match self.is_enabled() && self.enables_entities() {
            true => Lifecycle::enabled("Topic"),
            false => Lifecycle::disabled("Topic"),
        };
        let shared = Arc::new(TopicShared::new(self, name, type_name, qos, lifecycle));
        topics.insert(name.to_owned(), Arc::downgrade(&shared));
        drop(topics);
        // Somebody may wait to find it.
        self.0.engine.discovered.notify();
        Ok(Topic::new(self.clone(), shared).with_dynamic(dynamic))
    }

    /// Takes a name for a content-filtered topic: no two descriptions of topics share one.
    pub(super) fn register_filtered(&self, shared: &Arc<FilteredShared>) -> DdsResult<()> {
        let name = shared.name();
        let is_topic = self.topics().iter().any(|topic| topic.name == name);
        let mut filtered = self.0.filtered_topics.lock();
        filtered.retain(|_, topic| topic.strong_count() > 0);
        if is_topic || filtered.contains_key(name) {
            let requirement = format!("another name than «{name}», which is taken by a topic already");
            return Err(DdsError::precondition("create_contentfilteredtopic", requirement));
        }
        filtered.insert(name.to_owned(), Arc::downgrade(shared));
        Ok(())
    }

    /// Its content-filtered topics.
    pub(super) fn filtered_topics(&self) -> Vec<Arc<FilteredShared>> {
        self.0.filtered_topics.lock().values().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn forget_filtered(&self, name: &str) {
        self.0.filtered_topics.lock().remove(name);
    }

    /// A publisher (DDS 1.4 §2.2.2.2.1.1).
    ///
    /// # Errors
    /// [`DdsError::IllegalOperation`] in a forked child.
    pub fn create_publisher(&self, qos: PublisherQos) -> DdsResult<Publisher> {
        self.check_usable("create_publisher")?;
        self.0.lifecycle.check_exists()?;
        Publisher::new(self.clone(), qos)
    }

    /// A subscriber (DDS 1.4 §2.2.2.2.1.3).
    ///
    /// # Errors
    /// [`DdsError::IllegalOperation`] in a forked child.
    pub fn create_subscriber(&self, qos: SubscriberQos) -> DdsResult<Subscriber> {
        self.check_usable("create_subscriber")?;
        self.0.lifecycle.check_exists()?;
        Subscriber::new(self.clone(), qos)
    }

    /// The QoS of publishers that are made without any (DDS 1.4 §2.2.2.2.1.21).
    pub fn default_publisher_qos(&self) -> PublisherQos {
        self.0.defaults.read().publisher.clone()
    }

    /// Sets [`DomainParticipant::default_publisher_qos`] (DDS 1.4 §2.2.2.2.1.20).
    pub fn set_default_publisher_qos(&self, qos: PublisherQos) {
        self.0.defaults.write().publisher = qos;
    }

    /// The QoS of subscribers that are made without any (DDS 1.4 §2.2.2.2.1.23).
    pub fn default_subscriber_qos(&self) -> SubscriberQos {
        self.0.defaults.read().subscriber.clone()
    }

    /// Sets [`DomainParticipant::default_subscriber_qos`].
    pub fn set_default_subscriber_qos(&self, qos: SubscriberQos) {
        self.0.defaults.write().subscriber = qos;
    }

    /// The QoS of topics that are made without any (DDS 1.4 §2.2.2.2.1.25).
    pub fn default_topic_qos(&self) -> TopicQos {
        self.0.defaults.read().topic.clone()
    }

    /// Sets [`DomainParticipant::default_topic_qos`] (DDS 1.4 §2.2.2.2.1.24).
    ///
    /// # Errors
    /// [`DdsError::InconsistentPolicy`]; the old one stays then.
    pub fn set_default_topic_qos(&self, qos: TopicQos) -> DdsResult<()> {
        check_consistent(qos.is_consistent())?;
        self.0.defaults.write().topic = qos;
        Ok(())
    }

    /// Asserts the liveliness of all writers with LIVELINESS MANUAL_BY_PARTICIPANT (DDS 1.4
    /// §2.2.2.2.1.18).
    ///
    /// # Errors
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn assert_liveliness(&self) -> DdsResult<()> {
        self.0.lifecycle.check("assert_liveliness")?;
        let now = self.0.engine.environment.now();
        self.0.engine.run_discovery(now, |participant| participant.assert_liveliness(now));
        Ok(())
    }

    /// The verdicts on pairs of endpoints that share a topic name and do not match, from now on: a
    /// stream, and an iterator over those at hand.
    pub fn verdicts(&self) -> Verdicts {
        Verdicts::new(self.0.engine.discovery.lock().subscribe_verdicts())
    }

    /// The readers of the built-in topics, which tell of other participants and their endpoints
    /// (DDS 1.4 §2.2.2.2.1.7, §2.2.5).
    pub fn builtin_subscriber(&self) -> BuiltinSubscriber {
        BuiltinSubscriber::new(self.clone())
    }

    /// The status condition. A participant has no status of its own; it is there for completeness.
    pub fn status_condition(&self) -> StatusCondition {
        self.0.observer.condition().clone()
    }

    /// The statuses that changed and were not looked at (DDS 1.4 §2.2.2.1.1.4); a participant has none of
    /// its own.
    pub fn status_changes(&self) -> StatusMask {
        self.0.observer.condition().changed_statuses()
    }

    /// The present, by the clock that stamps samples (DDS 1.4 §2.2.2.2.1.31 `get_current_time`).
    pub fn current_time(&self) -> Timestamp {
        self.0.engine.environment.now().wall
    }

    /// The protocol machines; for those who run them in an environment of their own, and for counters.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    /// What was counted since the participant was made.
    pub fn statistics(&self) -> ParticipantStatistics {
        ParticipantStatistics {
            engine: self.0.engine.statistics(),
            discovery: self.0.engine.discovery.lock().participant.statistics(),
            runtime: self.0.runtime.lock().as_ref().map(|runtime| runtime.runtime().statistics()),
        }
    }

    /// Which way samples take to another participant, named by its GUID or that of one of its endpoints:
    /// through shared memory, or by the network and why. `None` when it is not known.
    pub fn shared_memory_with(&self, participant: Guid) -> Option<SharedMemoryState> {
        let discovery = self.0.engine.discovery.lock();
        discovery.sharing.get(&participant.prefix).map(|known| known.state.clone())
    }

    /// The addresses that the participant listens on for samples.
    pub fn unicast_locators(&self) -> Vec<Locator> {
        self.0.engine.discovery.lock().participant.data().default_unicast_locators.clone()
    }

    pub(crate) fn next_entity_id(&self, kind: EntityKind) -> DdsResult<EntityId> {
        let key = self.0.next_key.fetch_add(1, Ordering::Relaxed);
        if key > 0x00ff_ffff {
            return Err(DdsError::OutOfResources { resource: Resource::EntityIds, limit: 0x00ff_ffff });
        }
        Ok(EntityId::new(key, kind))
    }

    pub(crate) fn check_usable(&self, operation: &'static str) -> DdsResult<()> {
        self.0.engine.check_usable(operation)
    }

    /// Its publishers. No lock is held any more when they are returned: dropping one needs it.
    pub(super) fn publishers(&self) -> Vec<Publisher> {
        let groups = self.0.groups.lock();
        let publishers = groups.values().filter_map(|group| match group {
            Group::Publisher(publisher) => publisher.upgrade().map(Publisher),
            Group::Subscriber(_) => None,
        });
        publishers.collect()
    }

    /// As [`DomainParticipant::publishers`].
    pub(super) fn subscribers(&self) -> Vec<Subscriber> {
        let groups = self.0.groups.lock();
        let subscribers = groups.values().filter_map(|group| match group {
            Group::Subscriber(subscriber) => subscriber.upgrade().map(Subscriber),
            Group::Publisher(_) => None,
        });
        subscribers.collect()
    }

    pub(super) fn topics(&self) -> Vec<Arc<TopicShared>> {
        self.0.topics.lock().values().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn adopt_publisher(&self, publisher: &Publisher) -> DdsResult<()> {
        let group = Group::Publisher(Arc::downgrade(&publisher.0));
        self.0.groups.lock().insert(publisher.0.entity_id, group);
        if self.is_enabled() && self.enables_entities() { publisher.enable() } else { Ok(()) }
    }

    pub(super) fn adopt_subscriber(&self, subscriber: &Subscriber) -> DdsResult<()> {
        let group = Group::Subscriber(Arc::downgrade(&subscriber.0));
        self.0.groups.lock().insert(subscriber.0.entity_id, group);
        if self.is_enabled() && self.enables_entities() { subscriber.enable() } else { Ok(()) }
    }

    pub(super) fn forget_group(&self, entity_id: EntityId) {
        self.0.groups.lock().remove(&entity_id);
    }

    /// Refuses to enable what belongs to it while it is not enabled itself (DDS 1.4 §2.2.2.1.1.7).
    pub(super) fn check_enables(&self, entity: &'static str) -> DdsResult<()> {
        self.check_usable("enable")?;
        self.0.lifecycle.check_exists()?;
        if self.is_enabled() {
            return Ok(());
        }
        Err(DdsError::precondition("enable", format!("an enabled DomainParticipant before its {entity}")))
    }

    fn enables_entities(&self) -> bool {
        self.0.qos.read().entity_factory.autoenable_created_entities
    }

    /// Lets go of sockets and threads that nobody else uses.
    pub(super) fn release_runtime(&self) {
        let runtime = self.0.runtime.lock().take();
        drop(runtime);
    }
}

/// What a participant counted.
#[derive(Clone, Copy, Debug, Default)]
pub struct ParticipantStatistics {
    /// Of its engine.
    pub engine: EngineStatistics,
    /// Of discovery.
    pub discovery: dds_rtps::participant::Statistics,
    /// Of the sockets it shares; `None` in an environment of its own.
    pub runtime: Option<RuntimeStatistics>,
}

pub(super) fn check_consistent(result: Result<(), Vec<dds_qos::Inconsistency>>) -> DdsResult<()> {
    result.map_err(|found| DdsError::InconsistentPolicy {
        policies: found.iter().flat_map(|found| [found.policy, found.against]).collect(),
        reasons: found.iter().map(ToString::to_string).collect(),
    })
}

/// Refuses types that are only for the service's own endpoints.
pub(super) fn check_on_wire<T: TopicType>(operation: &'static str) -> DdsResult<()> {
    if T::representations().is_empty() {
        return Err(DdsError::IllegalOperation { operation, context: IllegalContext::BuiltinEntity });
    }
    Ok(())
}

pub(super) fn check_changeable(result: Result<(), Vec<dds_qos::ImmutablePolicy>>) -> DdsResult<()> {
    let Err(found) = result else { return Ok(()) };
    match found.into_iter().next() {
        Some(first) => Err(DdsError::ImmutablePolicy {
            policy: first.policy,
            current: first.current,
            requested: first.refused,
        }),
        None => Ok(()),
    }
}

/// What keeps two endpoints of one topic apart; see [`DomainParticipant::verdicts`].
pub type MismatchVerdict = Verdict;
