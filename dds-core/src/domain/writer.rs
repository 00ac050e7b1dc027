//! Typed writers (DDS 1.4 §2.2.2.4.2).

mod by_value;
mod instances;
mod statuses;

use std::{
    any::TypeId,
    cell::{Cell, RefCell},
    marker::PhantomData,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, AtomicI16, Ordering},
    },
};

use bytemuck::Pod;
use dds_qos::{DataWriterQos, Duration, LivelinessKind, PublicationQos};
use dds_rtps::{
    change::{Audience, ChangeKind},
    discovery::PublicationData,
    message::{InlineQosToSend, SampleIdentity},
    payload::{Payload, PayloadBuffer, PayloadPool},
    structure::{EntityKind, Guid, SequenceNumber},
    time::Timestamp,
    writer::{StatefulWriter, WriterConfig},
};
use dds_types::{DataRepresentationId, TopicType, cdr::Endianness, parameter_list::ParameterListWriter};
use parking_lot::Mutex;

use super::{
    PlainLayout, Publisher, SampleLoan, Topic,
    participant::{check_changeable, check_consistent, check_on_wire},
};
use crate::{
    cache::{InstanceKey, WriterCache},
    engine::{
        Batching, Engine, Observer, POOLED_BYTES, Window, WritableMemory, Write, WriterEndpoint, WriterState,
    },
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    lifecycle::{Before, Lifecycle},
};

thread_local! {
    /// For keys on their way to the history, so that writing allocates nothing.
    static KEY: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// A buffer that came back from a write, for the next one of a writer whose buffers do.
    static BUFFER: Cell<Option<PayloadBuffer>> = const { Cell::new(None) };
}

/// What a single write can say beyond the value.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WriteOptions {
    /// When the sample was made; now if not given (DDS 1.4 §2.2.2.4.2.12).
    pub source_timestamp: Option<Timestamp>,
    /// The request that this sample answers (DDS-RPC 1.0 §7.8.2), sent as inline QoS.
    pub related_sample_identity: Option<SampleIdentity>,
    /// The only reader that gets the sample; the others see a gap (RTPS 2.5 §8.7.4).
    pub destination: Option<Guid>,
}

impl WriteOptions {
    fn apply(self, write: &mut Write<'_>) {
        let Self { source_timestamp, related_sample_identity, destination } = self;
        write.source_timestamp = source_timestamp;
        if related_sample_identity.is_some() || destination.is_some() {
            write.inline_qos = Some(Box::new(InlineQosToSend {
                related_sample_identity,
                directed_write: destination,
                ..InlineQosToSend::default()
            }));
        }
        write.audience = destination.map_or(Audience::ALL, Audience::only);
    }
}

pub(super) struct WriterInner {
    engine: Arc<Engine>,
    endpoint: Arc<WriterEndpoint>,
    publisher: Publisher,
    type_id: TypeId,
    linger: Duration,
    /// Whether its last payload went into no history: the next one is likely to come back, too.
    gets_buffers_back: AtomicBool,
    /// How samples are lent, once that was asked for; `None` inside where they cannot be.
    plain: OnceLock<Option<PlainLayout>>,
}

impl Drop for WriterInner {
    fn drop(&mut self) {
        self.close();
    }
}

impl WriterInner {
    pub(super) fn endpoint(&self) -> &Arc<WriterEndpoint> {
        &self.endpoint
    }

    /// Makes the writer known to others, unless it is already.
    pub(super) fn enable(&self) -> DdsResult<()> {
        self.publisher.check_enables("DataWriter")?;
        if !self.endpoint.lifecycle.enable()? {
            return Ok(());
        }
        self.publisher.group().enabled();
        let activity = self.engine.add_writer(&self.endpoint, self.announcement());
        let kind = self.endpoint.state.lock().qos.liveliness.kind;
        if kind != LivelinessKind::Automatic {
            // A new writer's activity is set once.
            let _ = self.endpoint.activity.set(activity);
        }
        Ok(())
    }

    /// Announces the writer anew after a change of its QoS, its publisher's or its topic's.
    pub(super) fn announce(&self) {
        if !self.endpoint.lifecycle.is_enabled() {
            return;
        }
        let now = self.engine.environment.now();
        let data = self.announcement();
        self.engine.run_discovery(now, |participant| participant.update_publication(now, data));
    }

    /// What others are told of the writer, and what readers that want it get with each sample.
    fn announcement(&self) -> PublicationData {
        let (publisher_qos, topic) = (self.publisher.qos(), &self.endpoint.topic);
        let announced = {
            let mut state = self.endpoint.state.lock();
            let mut announced = PublicationQos::new(&state.qos, &publisher_qos, &topic.qos());
            self.endpoint.type_support.user_data(&topic.name, &mut announced.user_data.0);
            state.machine.set_inline_parameters(inline_parameters(&announced));
            announced
        };
        let mut data = PublicationData::new(self.endpoint.guid, &topic.name, &topic.type_name, announced);
        data.group_entity_id = Some(self.publisher.0.entity_id);
        let types = &self.publisher.participant().engine().types;
        let announced = types.information(self.type_id, &self.endpoint.type_support);
        (data.type_information, data.own_type_information) = (announced.to_all, announced.to_ours);
        data
    }

    /// Deletes the writer, unless it was deleted before.
    pub(super) fn close(&self) {
        if self.endpoint.lifecycle.is_enabled() {
            self.end_instances();
        }
        let before = self.endpoint.lifecycle.delete();
        self.endpoint.observer.set_listener(None);
        self.publisher.forget_writer(self.endpoint.guid.entity_id);
        if before != Before::Enabled || self.publisher.participant().check_usable("drop").is_err() {
            return;
        }
        // What was written just before the program ends should still leave, and arrive.
        self.engine.flush_batch(&self.endpoint);
        let waits = self.linger != Duration::ZERO && self.engine.check_may_block("drop").is_ok();
        if waits && !self.endpoint.state.lock().matched.is_empty() {
            let target = self.engine.request_acknowledgments(&self.endpoint);
            let reached = || self.endpoint.state.lock().machine.is_acknowledged(target);
            if self.engine.block_until(&self.endpoint.observer, "drop", self.linger, reached).is_err() {
                let left = self.endpoint.state.lock().machine.history().len();
                tracing::warn!(
                    topic = %self.endpoint.topic.name,
                    "a writer was dropped and {left} samples were not acknowledged within {}",
                    self.linger
                );
            }
        }
        self.publisher.group().leave(&self.endpoint);
        self.engine.remove_writer(&self.endpoint);
    }

    /// A writer that is deleted unregisters its instances (DDS 1.4 §2.2.2.4.1.6). Where that does not
    /// dispose of them, its departure says it already.
    fn end_instances(&self) {
        let is_usable = self.publisher.participant().check_usable("drop").is_ok();
        let registered: Vec<_> = {
            let state = self.endpoint.state.lock();
            if !is_usable || !state.cache.unregister_kind().is_disposed() || state.matched.is_empty() {
                return;
            }
            let registered = state.cache.registered_instances();
            registered.filter_map(|handle| state.cache.key_value(handle)).map(Box::<[u8]>::from).collect()
        };
        if !self.endpoint.type_support.has_key {
            return;
        }
        for key in registered {
            let kind = ChangeKind::NotAliveDisposedUnregistered;
            if let Err(error) = self.end_instance(&key, kind, "drop", None) {
                tracing::debug!(topic = %self.endpoint.topic.name, %error, "an instance was not disposed of");
            }
        }
    }

    /// Disposes of an instance, unregisters it, or both.
    fn end_instance(
        &self,
        key: &[u8],
        kind: ChangeKind,
        operation: &'static str,
        source_timestamp: Option<Timestamp>,
    ) -> DdsResult<SequenceNumber> {
        let endpoint = &self.endpoint;
        let mut buffer = endpoint.pool.lock().checkout();
        let bytes = buffer.bytes_mut();
        endpoint.type_support.write_key_payload(key, endpoint.representation(), bytes)?;
        // Fast DDS takes a key payload of up to 16 bytes, header included, for the key hash itself, and
        // a longer one for none of its business: it then reads the hash in the inline QoS.
        let length = bytes.len().max(PADDED_KEY_PAYLOAD);
        bytes.resize(length, 0);
        self.protect(bytes);
        let mut write = Write {
            kind,
            instance: InstanceKey::Canonical(key),
            payload: buffer.seal(),
            source_timestamp,
            // Some peers know instances by their key hash only, others by the key.
            key_hash: Some(endpoint.type_support.key_hash(key)),
            inline_qos: None,
            audience: Audience::ALL,
        };
        self.engine.write(endpoint, &mut write, operation)
    }

    fn protect(&self, payload: &mut Vec<u8>) {
        if let Some(protect) = &self.engine.protect {
            protect.protect_payload(self.endpoint.guid, payload);
        }
    }
}

/// Writes samples of `T` (DDS 1.4 §2.2.2.4.2). Clones are the same writer; it is deleted when the
/// last one is dropped.
pub struct DataWriter<T: TopicType> {
    inner: Arc<WriterInner>,
    topic: Arc<Topic<T>>,
    type_: PhantomData<fn(&T)>,
}

/// A writer that is not kept alive.
pub(crate) struct WeakWriter<T: TopicType> {
    inner: Weak<WriterInner>,
    topic: Arc<Topic<T>>,
}

impl<T: TopicType> WeakWriter<T> {
    pub(crate) fn upgrade(&self) -> Option<DataWriter<T>> {
        let inner = self.inner.upgrade()?;
        Some(DataWriter { inner, topic: self.topic.clone(), type_: PhantomData })
    }
}

impl<T: TopicType> Clone for DataWriter<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), topic: self.topic.clone(), type_: PhantomData }
    }
}

impl<T: TopicType> std::fmt::Debug for DataWriter<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataWriter").field("guid", &self.guid()).field("topic", &self.topic.name()).finish()
    }
}

/// The QoS for readers that want it with each sample (RTPS 2.5 §8.7.2), as parameters without sentinel.
pub(super) fn inline_parameters(announced: &PublicationQos) -> Vec<u8> {
    let mut parameters = Vec::new();
    announced.write_parameters(&mut ParameterListWriter::new(&mut parameters, Endianness::Little));
    parameters
}

/// The one representation to write in.
fn representation<T: TopicType>(qos: &DataWriterQos) -> DdsResult<DataRepresentationId> {
    let offered = T::representations();
    match qos.data_representation.0.as_slice() {
        [] => Ok(offered.first().copied().unwrap_or(DataRepresentationId::XCDR)),
        [one] if offered.contains(one) => Ok(*one),
        [one] => Err(DdsError::bad_parameter(
            "data_representation",
            format!("{one:?} is not one that {} can be written in: {offered:?}", T::type_name()),
        )),
        many => Err(DdsError::bad_parameter(
            "data_representation",
            format!(
                "a writer offers exactly one, since peers look at the first only; {} were given",
                many.len()
            ),
        )),
    }
}

impl<T: TopicType> DataWriter<T> {
    pub(super) fn new(publisher: Publisher, topic: &Topic<T>, mut qos: DataWriterQos) -> DdsResult<Self> {
        let participant = publisher.participant().clone();
        participant.check_usable("create_writer")?;
        publisher.0.lifecycle.check_exists()?;
        topic.shared.lifecycle.check_exists()?;
        publisher.group().check_may_join("create_writer")?;
        check_on_wire::<T>("create_writer")?;
        check_consistent(qos.is_consistent())?;
        let representation = representation::<T>(&qos)?;
        qos.data_representation.0 = vec![representation];
        let type_support = topic.type_support();
        let has_key = type_support.has_key;
        let kind = if has_key { EntityKind::WRITER_WITH_KEY } else { EntityKind::WRITER_NO_KEY };
        let guid = Guid::new(participant.guid().prefix, participant.next_entity_id(kind)?);
        let engine = participant.engine().clone();
        let config = participant.config();
        let overhead = engine.protect.as_ref().map_or(0, |protect| protect.overhead());
        let machine = StatefulWriter::new(WriterConfig {
            message_sizes: config.message_sizes(overhead),
            fragment_size: config.fragment_size,
            ..WriterConfig::new(guid)
        });
        let cache = WriterCache::new(&qos, engine.handles.clone());
        let window = Window { changes: config.window_samples, bytes: config.window_bytes };
        let batching =
            Batching { bytes: config.batch_bytes, window: config.batch_window.max(qos.latency_budget.0) };
        let pool = Arc::new(Mutex::new(PayloadPool::new(POOLED_BYTES)));
        let handle = engine.handles.allocate();
        let observer = Observer::new(handle, Some(publisher.0.observer.clone()));
        let endpoint = Arc::new(WriterEndpoint {
            guid,
            handle,
            topic: topic.shared.clone(),
            type_support,
            representation: AtomicI16::new(representation.0),
            lifecycle: Lifecycle::disabled("DataWriter"),
            observer: Arc::new(observer),
            group: publisher.group().order.clone(),
            armed: Default::default(),
            activity: Default::default(),
            pool: pool.clone(),
            sent: Default::default(),
            state: Mutex::new(WriterState::new(machine, cache, qos, window, batching, pool)),
        });
        publisher.group().join(&endpoint);
        let type_id = TypeId::of::<T>();
        let inner = Arc::new(WriterInner {
            linger: config.linger,
            gets_buffers_back: AtomicBool::new(false),
            engine,
            endpoint,
            publisher,
            type_id,
            plain: OnceLock::new(),
        });
        inner.publisher.adopt(&inner)?;
        Ok(Self { inner, topic: Arc::new(topic.clone()), type_: PhantomData })
    }

    /// As another handle of a writer, if it is of this type.
    pub(super) fn of(inner: Arc<WriterInner>) -> Option<Self> {
        if inner.type_id != TypeId::of::<T>() {
            return None;
        }
        let topic = Topic::new(inner.publisher.participant().clone(), inner.endpoint.topic.clone())
            .with_dynamic(inner.endpoint.type_support.dynamic.clone());
        Some(Self { inner, topic: Arc::new(topic), type_: PhantomData })
    }

    pub(super) fn inner(&self) -> &Arc<WriterInner> {
        &self.inner
    }

    pub(crate) fn downgrade(&self) -> WeakWriter<T> {
        WeakWriter { inner: Arc::downgrade(&self.inner), topic: self.topic.clone() }
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.inner.endpoint.observer
    }

    /// The writer's GUID.
    pub fn guid(&self) -> Guid {
        self.inner.endpoint.guid
    }

    /// The writer's handle.
    pub fn instance_handle(&self) -> InstanceHandle {
        self.inner.endpoint.handle
    }

    /// Its topic.
    pub fn topic(&self) -> &Topic<T> {
        &self.topic
    }

    /// Its publisher.
    pub fn publisher(&self) -> &Publisher {
        &self.inner.publisher
    }

    /// The representation that it writes in.
    pub fn representation(&self) -> DataRepresentationId {
        self.inner.endpoint.representation()
    }

    /// Its QoS.
    pub fn qos(&self) -> DataWriterQos {
        self.inner.endpoint.state.lock().qos.clone()
    }

    /// Changes its QoS; readers are matched anew.
    ///
    /// # Errors
    /// [`DdsError::ImmutablePolicy`], [`DdsError::InconsistentPolicy`].
    pub fn set_qos(&self, mut qos: DataWriterQos) -> DdsResult<()> {
        self.inner.engine.check_usable("set_qos")?;
        check_consistent(qos.is_consistent())?;
        if qos.data_representation.0.is_empty() {
            qos.data_representation.0 = vec![self.representation()];
        }
        let endpoint = &self.inner.endpoint;
        endpoint.lifecycle.check_exists()?;
        {
            let mut state = endpoint.state.lock();
            if endpoint.lifecycle.is_enabled() {
                check_changeable(state.qos.check_changeable(&qos))?;
                state.cache.update_qos(&qos);
            } else {
                let representation = representation::<T>(&qos)?;
                endpoint.representation.store(representation.0, Ordering::Relaxed);
                let cache = WriterCache::new(&qos, self.inner.engine.handles.clone());
                state.cache = cache.with_sets_of(&mut state.cache);
            }
            state.follow_qos(qos, self.inner.publisher.participant().config().batch_window);
        }
        self.inner.announce();
        // A shorter DEADLINE may be due before the timer that is armed.
        self.inner.engine.flush_batch(endpoint);
        Ok(())
    }

    /// Enables it: others are told of it, and it may write (DDS 1.4 §2.2.2.1.1.7). Without effect when it
    /// is enabled.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while its publisher is not enabled, [`DdsError::AlreadyDeleted`].
    pub fn enable(&self) -> DdsResult<()> {
        self.inner.enable()
    }

    /// Whether it is enabled and not deleted.
    pub fn is_enabled(&self) -> bool {
        self.inner.endpoint.lifecycle.is_enabled()
    }

    /// Writes a sample (DDS 1.4 §2.2.2.4.2.11). Blocks while a reliable KEEP_ALL history, or
    /// RESOURCE_LIMITS, leave no room, at most RELIABILITY `max_blocking_time`.
    ///
    /// # Errors
    /// [`DdsError::Timeout`] when no room came in time, [`DdsError::OutOfResources`] when waiting cannot
    /// help, [`DdsError::Encode`] when the value breaks a bound of its type.
    pub fn write(&self, sample: &T) -> DdsResult<()> {
        self.put(sample, |_| ()).map(drop)
    }

    /// Writes a sample with its own source timestamp (DDS 1.4 §2.2.2.4.2.12).
    ///
    /// # Errors
    /// As [`DataWriter::write`].
    pub fn write_with_timestamp(&self, sample: &T, timestamp: Timestamp) -> DdsResult<()> {
        self.write_with(sample, WriteOptions { source_timestamp: Some(timestamp), ..WriteOptions::default() })
            .map(drop)
    }

    /// Writes a sample for one matched reader: it gets the sample, the others see a gap.
    ///
    /// # Errors
    /// As [`DataWriter::write`]; [`DdsError::PreconditionNotMet`] when the reader is not matched.
    pub fn write_to(&self, reader: Guid, sample: &T) -> DdsResult<SampleIdentity> {
        self.write_with(sample, WriteOptions { destination: Some(reader), ..WriteOptions::default() })
    }

    /// Writes a sample with options and returns its identity.
    ///
    /// # Errors
    /// As [`DataWriter::write`] and [`DataWriter::write_to`].
    pub fn write_with(&self, sample: &T, options: WriteOptions) -> DdsResult<SampleIdentity> {
        self.check_destination(&options)?;
        self.put(sample, |write| options.apply(write))
    }

    #[inline]
    fn put(&self, sample: &T, complete: impl FnOnce(&mut Write<'_>)) -> DdsResult<SampleIdentity> {
        let payload = self.serialize(sample)?;
        self.with_key(sample, |key| {
            let mut write = Write::alive(key, payload);
            complete(&mut write);
            // Not passed on as it is: a result with an error's size is slow to copy.
            match self.submit(&mut write, "write") {
                Ok(identity) => {
                    self.keep_buffer(write.payload);
                    Ok(identity)
                }
                Err(error) => Err(error),
            }
        })
    }

    /// A sample to be filled in where its readers will read it, in memory shared with other processes of this
    /// host. For types whose bytes in memory are those of their encoding; `T` promises by `Pod` that any bytes
    /// are a value of it.
    ///
    /// Where readers are behind, it receives what they acknowledge on the calling thread, as a blocking `write` does.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] for other types.
    pub fn loan(&self) -> DdsResult<SampleLoan<T>>
    where
        T: Pod,
    {
        self.inner.endpoint.lifecycle.check("loan")?;
        let layout =
            self.inner.plain.get_or_init(|| PlainLayout::of::<T>(self.inner.endpoint.representation()));
        Ok(SampleLoan::new(self.clone(), layout.ok_or_else(SampleLoan::<T>::not_plain)?))
    }

    /// Memory that other processes can read, unless payloads are protected and thus no samples as they are.
    pub(super) fn allocate(&self, length: usize) -> Option<Box<dyn WritableMemory>> {
        let engine = &self.inner.engine;
        engine.environment.allocate(length).filter(|_| engine.protect.is_none())
    }

    /// Receives what readers that are behind have acknowledged.
    pub(super) fn receive_pending(&self) {
        self.inner.engine.receive_pending(&self.inner.endpoint);
    }

    /// A buffer for a payload of that length, whose content is arbitrary, on the same condition.
    pub(super) fn checkout_filled(&self, length: usize) -> Option<PayloadBuffer> {
        let is_plain = self.inner.engine.protect.is_none();
        is_plain.then(|| self.inner.endpoint.pool.lock().checkout_filled(length))
    }

    /// Writes what is serialised already.
    pub(super) fn submit_payload(&self, key: &[u8], payload: Payload) -> DdsResult<()> {
        let mut write = Write::alive(key, payload);
        self.submit(&mut write, "write").map(drop)
    }

    /// Sends at once what was written so closely together that it waits to leave in one datagram; it
    /// leaves by itself within [`batch_window`](super::ParticipantConfig::batch_window).
    pub fn flush(&self) {
        self.inner.engine.flush_batch(&self.inner.endpoint);
    }

    /// As [`DataWriter::write`], without blocking the thread. Dropping the future gives the write up.
    ///
    /// # Errors
    /// As [`DataWriter::write`].
    pub async fn write_async(&self, sample: &T) -> DdsResult<()> {
        let payload = self.serialize(sample)?;
        let mut key = Vec::new();
        if T::HAS_KEY {
            sample.write_canonical_key(&mut key)?;
        }
        let mut write = Write::alive(&key, payload);
        let limit = self.max_blocking_time();
        self.inner.engine.write_async(&self.inner.endpoint, &mut write, "write", limit).await.map(drop)
    }

    /// Asserts the writer's liveliness (DDS 1.4 §2.2.2.4.2.16); needed for MANUAL_BY_TOPIC only when
    /// nothing is written.
    ///
    /// # Errors
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn assert_liveliness(&self) -> DdsResult<()> {
        self.inner.endpoint.lifecycle.check("assert_liveliness")?;
        let engine = &self.inner.engine;
        let kind = self.inner.endpoint.state.lock().qos.liveliness.kind;
        if kind == LivelinessKind::ManualByTopic {
            engine.assert_writer_liveliness(&self.inner.endpoint);
            return Ok(());
        }
        self.inner.publisher.participant().assert_liveliness()
    }

    /// Blocks until all matched reliable readers have acknowledged what was written so far (DDS 1.4
    /// §2.2.2.4.2.15).
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_for_acknowledgments(&self, timeout: Duration) -> DdsResult<()> {
        const OPERATION: &str = "wait_for_acknowledgments";
        self.inner.endpoint.lifecycle.check(OPERATION)?;
        self.inner.engine.check_may_block(OPERATION)?;
        let target = self.inner.engine.request_acknowledgments(&self.inner.endpoint);
        let reached = || self.inner.endpoint.state.lock().machine.is_acknowledged(target);
        self.inner.engine.block_until(&self.inner.endpoint.observer, OPERATION, timeout, reached)
    }

    /// As [`DataWriter::wait_for_acknowledgments`], without a time limit: combine it with the
    /// executor's.
    pub async fn acknowledgments(&self) {
        let target = self.inner.engine.request_acknowledgments(&self.inner.endpoint);
        let look = || self.inner.endpoint.state.lock().machine.is_acknowledged(target).then_some(());
        self.inner.endpoint.observer.notifier.until(look).await;
    }

    /// Blocks until at least `readers` are matched.
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_matched(&self, readers: usize, timeout: Duration) -> DdsResult<()> {
        let enough = || self.inner.endpoint.state.lock().matched.len() >= readers;
        self.inner.engine.block_until(&self.inner.endpoint.observer, "wait_matched", timeout, enough)
    }

    /// As [`DataWriter::wait_matched`], without a time limit.
    pub async fn matched(&self, readers: usize) {
        let look = || (self.inner.endpoint.state.lock().matched.len() >= readers).then_some(());
        self.inner.endpoint.observer.notifier.until(look).await;
    }

    fn max_blocking_time(&self) -> Duration {
        self.inner.endpoint.state.lock().qos.reliability.max_blocking_time
    }

    fn serialize(&self, sample: &T) -> DdsResult<Payload> {
        if T::IS_DYNAMIC && !sample.is_of(self.topic.dynamic().map(|dynamic| &**dynamic)) {
            let problem = format!("is not of type {}, which the topic has", self.topic.type_name());
            return Err(DdsError::bad_parameter("sample", problem));
        }
        let known = if self.inner.gets_buffers_back.load(Ordering::Relaxed) { BUFFER.take() } else { None };
        let mut buffer = known.unwrap_or_else(|| self.inner.endpoint.pool.lock().checkout());
        sample.serialize(self.inner.endpoint.representation(), buffer.bytes_mut())?;
        self.inner.protect(buffer.bytes_mut());
        Ok(buffer.seal())
    }

    /// Keeps the buffer of a payload that went into no history.
    fn keep_buffer(&self, payload: Payload) {
        let buffer = payload.into_buffer();
        let comes_back = &self.inner.gets_buffers_back;
        if comes_back.load(Ordering::Relaxed) != buffer.is_some() {
            comes_back.store(buffer.is_some(), Ordering::Relaxed);
        }
        if buffer.is_some() {
            BUFFER.set(buffer);
        }
    }

    fn with_key<R>(&self, sample: &T, act: impl FnOnce(&[u8]) -> DdsResult<R>) -> DdsResult<R> {
        if !T::HAS_KEY {
            return act(&[]);
        }
        let mut key = KEY.with(|key| std::mem::take(&mut *key.borrow_mut()));
        key.clear();
        let result = sample.write_canonical_key(&mut key).map_err(DdsError::from).and_then(|()| act(&key));
        KEY.with(|slot| *slot.borrow_mut() = key);
        result
    }

    fn check_destination(&self, options: &WriteOptions) -> DdsResult<()> {
        let is_matched = |reader: &Guid| self.inner.endpoint.state.lock().matched.contains_key(reader);
        match options.destination.filter(|reader| !is_matched(reader)) {
            Some(reader) => {
                Err(DdsError::precondition("write_to", format!("a matched reader, which {reader} is not")))
            }
            None => Ok(()),
        }
    }

    fn submit(&self, write: &mut Write<'_>, operation: &'static str) -> DdsResult<SampleIdentity> {
        let endpoint = &self.inner.endpoint;
        let sequence_number: SequenceNumber = self.inner.engine.write(endpoint, write, operation)?;
        Ok(SampleIdentity { writer_guid: endpoint.guid, sequence_number })
    }
}

/// Bytes that a key payload is filled up to; more than the 16 that Fast DDS takes for a key hash.
const PADDED_KEY_PAYLOAD: usize = 20;

#[cfg(test)]
mod tests {
    use dds_qos::{AccessScope, Presentation, PublisherQos};

    use super::*;
    use crate::{DdsType, DomainParticipant};

    #[derive(DdsType)]
    struct Step {
        number: u32,
    }

    #[test]
    fn readers_that_want_the_qos_with_each_sample_can_have_it() {
        let qos = DataWriterQos::default().ownership_strength(dds_qos::OwnershipStrength(7));
        let announced = PublicationQos::new(&qos, &PublisherQos::default(), &dds_qos::TopicQos::default());
        let parameters = inline_parameters(&announced);
        // PID_OWNERSHIP_STRENGTH, four bytes, 7 (RTPS 2.5 Table 9.18); no sentinel behind the last one.
        let strength = [0x06, 0x00, 0x04, 0x00, 7, 0, 0, 0];
        assert!(parameters.windows(8).any(|window| window == strength));
        assert_ne!(parameters.last_chunk(), Some(&[1, 0, 0, 0]));
    }

    #[test]
    fn writers_of_a_group_number_their_samples_together() {
        let participant = DomainParticipant::builder(77).loopback_only().build().unwrap();
        let presentation = Presentation {
            access_scope: AccessScope::Group,
            ordered_access: true,
            ..Presentation::default()
        };
        let publisher =
            participant.create_publisher(PublisherQos::default().presentation(presentation)).unwrap();
        let writers = ["One", "Two"].map(|name| {
            let topic = participant.topic::<Step>(name).unwrap();
            topic.writer().publisher(&publisher).transient_local().keep_all().build().unwrap()
        });
        for number in 0..4 {
            writers[number as usize % 2].write(&Step { number }).unwrap();
        }
        let numbers = writers.each_ref().map(|writer| {
            let state = writer.inner.endpoint.state.lock();
            let changes = state.machine.history().from(SequenceNumber::FIRST);
            changes.filter_map(|change| change.inline_qos.as_ref()?.group_seq_num).collect::<Vec<_>>()
        });
        assert_eq!(
            numbers,
            [vec![SequenceNumber(1), SequenceNumber(3)], vec![SequenceNumber(2), SequenceNumber(4)]]
        );
    }
}
