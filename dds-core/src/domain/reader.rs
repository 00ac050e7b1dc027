//! Typed readers (DDS 1.4 §2.2.2.5.3).

mod conditions;
mod statuses;

use std::{
    any::TypeId,
    cell::Cell,
    marker::PhantomData,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
};

use dds_qos::{AccessScope, DataReaderQos, Duration, SubscriptionQos};
use dds_rtps::{
    discovery::SubscriptionData,
    reader::{ReaderConfig, StatefulReader},
    structure::{EntityId, EntityKind, Guid},
    time::{Monotonic, Now},
};
use dds_types::{TopicType, dynamic::DynamicTopicType};
use parking_lot::Mutex;

use super::{
    ContentFilteredTopic, Loan, PlainLayouts, Select, Subscriber, Topic,
    filtered_topic::FilteredShared,
    participant::{check_changeable, check_consistent, check_on_wire},
};
use crate::{
    cache::{CachedSample, CollectionOrder, InstanceSelector, ReaderCache, Selector},
    condition::WeakReadCondition,
    content_filter::SampleFilter,
    engine::{Engine, Observer, Presenter, ReaderEndpoint, ReaderState, SubscriberGroup},
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    lifecycle::{Before, Lifecycle},
    sample::{DataState, Sample, SampleValue},
    type_support::TypeSupport,
    value::Value,
};

pub(super) struct ReaderInner {
    engine: Arc<Engine>,
    endpoint: Arc<ReaderEndpoint>,
    subscriber: Subscriber,
    type_id: TypeId,
    type_support: TypeSupport,
    /// Read and query conditions that were made, some of which may be gone.
    conditions: Mutex<Vec<WeakReadCondition>>,
    /// Loans that are not returned yet.
    loans: AtomicUsize,
    /// What it reads a part of its topic through.
    filtered: Option<Arc<FilteredShared>>,
    /// How lent samples can be used as they are.
    plain: PlainLayouts,
}

impl Drop for ReaderInner {
    fn drop(&mut self) {
        self.close();
    }
}

impl ReaderInner {
    pub(super) fn endpoint(&self) -> &Arc<ReaderEndpoint> {
        &self.endpoint
    }

    /// Makes the reader known to others, unless it is already.
    pub(super) fn enable(&self) -> DdsResult<()> {
        self.subscriber.check_enables("DataReader")?;
        if self.endpoint.lifecycle.enable()? {
            self.engine.add_reader(&self.endpoint, self.announcement());
        }
        Ok(())
    }

    /// Announces the reader anew after a change of its QoS, its subscriber's or its topic's.
    pub(super) fn announce(&self) {
        if !self.endpoint.lifecycle.is_enabled() || self.endpoint.is_builtin() {
            return;
        }
        let now = self.engine.environment.now();
        let data = self.announcement();
        self.engine.run_discovery(now, |participant| participant.update_subscription(now, data));
    }

    fn announcement(&self) -> SubscriptionData {
        let topic = &self.endpoint.topic;
        let state = self.endpoint.state.lock();
        let (qos, filter) = (state.qos.clone(), state.cache.filter().cloned());
        drop(state);
        let mut announced = SubscriptionQos::new(&qos, &self.subscriber.qos(), &topic.qos());
        self.type_support.user_data(&topic.name, &mut announced.user_data.0);
        let mut data = SubscriptionData::new(self.endpoint.guid, &topic.name, &topic.type_name, announced);
        data.group_entity_id = Some(self.subscriber.0.entity_id);
        data.content_filter = filter.map(|filter| filter.announced().clone());
        let types = &self.subscriber.participant().engine().types;
        let announced = types.information(self.type_id, &self.type_support);
        (data.type_information, data.own_type_information) = (announced.to_all, announced.to_ours);
        data
    }

    /// Takes every sample as it is in the cache. Whether [`ReaderInner::settle`] is due.
    pub(super) fn drain(&self, now: Now, samples: &mut Vec<CachedSample>) -> DdsResult<bool> {
        self.subscriber.participant().check_usable("take")?;
        self.endpoint.lifecycle.check("take")?;
        let mut state = self.endpoint.state.lock();
        state.cache.take(&Selector::default(), samples);
        state.statuses.clear_data_available();
        let _ = self.endpoint.observer.condition().set_changed(state.statuses.changed());
        state.retry(|| now);
        Ok(state.machine.acknowledgement_due(now.monotonic).is_some())
    }

    /// Sends the acknowledgements that are due. No lock may be held.
    pub(super) fn settle(&self, now: Now) {
        self.engine.settle_reader(now, &self.endpoint);
        self.engine.drain_loopback(now);
    }

    pub(super) fn plain(&self) -> &PlainLayouts {
        &self.plain
    }

    /// Takes a loan back.
    pub(super) fn take_back(&self, access: Access, samples: &mut Vec<CachedSample>) {
        let lies_in_buffer = |sample: &CachedSample| sample.payload.memory().is_none();
        if access == Access::Take && samples.iter().any(lies_in_buffer) {
            let mut state = self.endpoint.state.lock();
            for sample in samples.drain(..) {
                state.cache.recycle(sample.payload);
            }
        }
        samples.clear();
        let kept = std::mem::take(samples);
        if kept.capacity() <= ACCESSED_KEPT {
            // Not where the thread ends and has none any more.
            let _ = ACCESSED.try_with(|accessed| {
                let others = accessed.take();
                accessed.set(if others.capacity() == 0 { kept } else { others });
            });
        }
        self.loans.fetch_sub(1, Ordering::AcqRel);
    }

    /// What the type is, if that is known only at run time.
    pub(super) fn dynamic(&self) -> Option<&DynamicTopicType> {
        self.type_support.dynamic.as_deref()
    }

    /// Filters by something else from now on, and tells others.
    pub(super) fn set_filter(&self, filter: Arc<SampleFilter>) {
        self.endpoint.state.lock().cache.set_filter(filter);
        self.announce();
    }

    /// Whether conditions or loans of it are in use (DDS 1.4 §2.2.2.5.2.6).
    pub(super) fn has_dependents(&self) -> bool {
        let mut conditions = self.conditions.lock();
        conditions.retain(WeakReadCondition::is_used);
        !conditions.is_empty() || self.loans.load(Ordering::Acquire) > 0
    }

    /// Deletes its conditions: they are false from now on (DDS 1.4 §2.2.2.5.3.30).
    pub(super) fn delete_conditions(&self) {
        for condition in self.conditions.lock().drain(..) {
            condition.delete();
        }
    }

    /// Deletes the reader, unless it was deleted before.
    pub(super) fn close(&self) {
        let before = self.endpoint.lifecycle.delete();
        self.endpoint.observer.set_listener(None);
        self.subscriber.forget_reader(self.endpoint.guid.entity_id);
        if before != Before::Enabled || self.subscriber.participant().check_usable("drop").is_err() {
            return;
        }
        if self.endpoint.is_builtin() {
            self.engine.remove_builtin_reader(&self.endpoint);
            return;
        }
        self.engine.remove_reader(&self.endpoint);
        if let Some(group) = &self.endpoint.group {
            group.leave(&self.endpoint);
        }
    }
}

/// Whether samples stay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Access {
    Read,
    Take,
}

thread_local! {
    /// Where samples lie between the cache and their decoding; and, few and small, until the thread's next
    /// access, whose lock serves to give their buffers back.
    static ACCESSED: Cell<Vec<CachedSample>> = const { Cell::new(Vec::new()) };
}

/// Places for samples on their way out of the cache that a thread keeps.
const ACCESSED_KEPT: usize = 256;
/// Samples that may lie there until the next access, and bytes of each.
const SPENT_KEPT: usize = 4;
const SPENT_BYTES: usize = 4 << 10;

/// Receives samples of `T` (DDS 1.4 §2.2.2.5.3). Clones are the same reader; it is deleted when the
/// last one is dropped.
///
/// It is a [`Stream`](futures_core::Stream) of the samples taken from it.
pub struct DataReader<T: TopicType> {
    inner: Arc<ReaderInner>,
    topic: Arc<Topic<T>>,
    type_: PhantomData<fn() -> T>,
}

/// A reader that is not kept alive, nor is its participant.
pub(crate) struct WeakReader<T: TopicType> {
    inner: Weak<ReaderInner>,
    topic: Weak<Topic<T>>,
}

impl<T: TopicType> WeakReader<T> {
    pub(crate) fn upgrade(&self) -> Option<DataReader<T>> {
        let inner = self.inner.upgrade()?;
        match self.topic.upgrade() {
            Some(topic) => Some(DataReader { inner, topic, type_: PhantomData }),
            // The handle that this one was made from is gone, but not the last one.
            None => DataReader::of(inner),
        }
    }
}

impl<T: TopicType> Clone for DataReader<T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), topic: self.topic.clone(), type_: PhantomData }
    }
}

impl<T: TopicType> std::fmt::Debug for DataReader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataReader").field("guid", &self.guid()).field("topic", &self.topic.name()).finish()
    }
}

impl<T: TopicType> DataReader<T> {
    pub(super) fn new(subscriber: Subscriber, topic: &Topic<T>, qos: DataReaderQos) -> DdsResult<Self> {
        Self::create(subscriber, topic, None, qos)
    }

    pub(super) fn filtered(
        subscriber: Subscriber,
        topic: &ContentFilteredTopic<T>,
        qos: DataReaderQos,
    ) -> DdsResult<Self> {
        topic.shared.check_exists()?;
        Self::create(subscriber, topic.related_topic(), Some(topic.shared.clone()), qos)
    }

    fn create(
        subscriber: Subscriber,
        topic: &Topic<T>,
        filtered: Option<Arc<FilteredShared>>,
        mut qos: DataReaderQos,
    ) -> DdsResult<Self> {
        let participant = subscriber.participant().clone();
        participant.check_usable("create_reader")?;
        subscriber.0.lifecycle.check_exists()?;
        topic.shared.lifecycle.check_exists()?;
        check_on_wire::<T>("create_reader")?;
        check_consistent(qos.is_consistent())?;
        if qos.data_representation.0.is_empty() {
            qos.data_representation.0 = T::representations().to_vec();
        }
        let has_key = topic.type_support().has_key;
        let kind = if has_key { EntityKind::READER_WITH_KEY } else { EntityKind::READER_NO_KEY };
        let guid = Guid::new(participant.guid().prefix, participant.next_entity_id(kind)?);
        let lifecycle = Lifecycle::disabled("DataReader");
        let reader = Self::assemble(subscriber, topic, filtered, guid, qos, lifecycle);
        if let Some(filtered) = &reader.inner.filtered {
            filtered.add_reader(&reader.inner);
            reader.inner.endpoint.state.lock().cache.set_filter(filtered.filter());
        }
        reader.subscriber().adopt(&reader.inner)?;
        Ok(reader)
    }

    /// One of the service's own readers, whose samples discovery makes; nobody is told of it.
    pub(crate) fn builtin(
        subscriber: Subscriber,
        topic: &Topic<T>,
        entity_id: EntityId,
        qos: DataReaderQos,
    ) -> Self {
        let guid = Guid::new(subscriber.participant().guid().prefix, entity_id);
        let lifecycle = Lifecycle::enabled("DataReader");
        let reader = Self::assemble(subscriber, topic, None, guid, qos, lifecycle);
        reader.inner.engine.add_builtin_reader(&reader.inner.endpoint);
        reader
    }

    /// A reader that nobody knows of yet.
    fn assemble(
        subscriber: Subscriber,
        topic: &Topic<T>,
        filtered: Option<Arc<FilteredShared>>,
        guid: Guid,
        qos: DataReaderQos,
        lifecycle: Lifecycle,
    ) -> Self {
        let engine = subscriber.participant().engine().clone();
        let cache = Self::cache(&subscriber, topic.type_support(), &qos);
        let machine = StatefulReader::new(ReaderConfig::new(guid));
        let handle = engine.handles.allocate();
        let observer = Observer::new(handle, Some(subscriber.0.observer.clone()));
        let presenter =
            Presenter::of(&subscriber.qos().presentation, qos.resource_limits.max_samples.as_usize());
        let endpoint = Arc::new(ReaderEndpoint {
            guid,
            handle,
            topic: topic.shared.clone(),
            lifecycle,
            observer: Arc::new(observer),
            group: subscriber.group(),
            armed: Default::default(),
            state: Mutex::new(ReaderState::new(machine, cache, presenter, qos)),
        });
        if let Some(group) = &endpoint.group {
            group.join(&endpoint);
        }
        let (type_id, conditions) = (TypeId::of::<T>(), Mutex::default());
        let (loans, type_support) = (AtomicUsize::new(0), topic.type_support());
        let inner = ReaderInner {
            engine,
            endpoint,
            subscriber,
            type_id,
            type_support,
            conditions,
            loans,
            filtered,
            plain: PlainLayouts::default(),
        };
        Self { inner: Arc::new(inner), topic: Arc::new(topic.clone()), type_: PhantomData }
    }

    /// An empty cache of these QoS.
    fn cache(subscriber: &Subscriber, type_support: TypeSupport, qos: &DataReaderQos) -> ReaderCache {
        let presentation = subscriber.qos().presentation;
        let by_arrival = presentation.ordered_access && presentation.access_scope != AccessScope::Instance;
        let order = if by_arrival { CollectionOrder::ByArrival } else { CollectionOrder::ByInstance };
        let handles = subscriber.participant().engine().handles.clone();
        ReaderCache::new(qos, order, type_support, handles)
    }

    /// As another handle of a reader, if it is of this type.
    pub(super) fn of(inner: Arc<ReaderInner>) -> Option<Self> {
        if inner.type_id != TypeId::of::<T>() {
            return None;
        }
        let topic = Topic::new(inner.subscriber.participant().clone(), inner.endpoint.topic.clone())
            .with_dynamic(inner.type_support.dynamic.clone());
        Some(Self { inner, topic: Arc::new(topic), type_: PhantomData })
    }

    pub(super) fn inner(&self) -> &Arc<ReaderInner> {
        &self.inner
    }

    pub(super) fn endpoint(&self) -> &Arc<ReaderEndpoint> {
        &self.inner.endpoint
    }

    pub(crate) fn downgrade(&self) -> WeakReader<T> {
        WeakReader { inner: Arc::downgrade(&self.inner), topic: Arc::downgrade(&self.topic) }
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.inner.endpoint.observer
    }

    /// The reader's GUID.
    pub fn guid(&self) -> Guid {
        self.inner.endpoint.guid
    }

    /// The reader's handle.
    pub fn instance_handle(&self) -> InstanceHandle {
        self.inner.endpoint.handle
    }

    /// Its topic.
    pub fn topic(&self) -> &Topic<T> {
        &self.topic
    }

    /// The content-filtered topic that it reads, if it reads one.
    pub fn content_filtered_topic(&self) -> Option<ContentFilteredTopic<T>> {
        let shared = self.inner.filtered.clone()?;
        Some(ContentFilteredTopic::of(Topic::clone(&self.topic), shared))
    }

    /// Its subscriber.
    pub fn subscriber(&self) -> &Subscriber {
        &self.inner.subscriber
    }

    /// Its QoS.
    pub fn qos(&self) -> DataReaderQos {
        self.inner.endpoint.state.lock().qos.clone()
    }

    /// Changes its QoS; writers are matched anew.
    ///
    /// # Errors
    /// [`DdsError::ImmutablePolicy`], [`DdsError::InconsistentPolicy`].
    pub fn set_qos(&self, mut qos: DataReaderQos) -> DdsResult<()> {
        self.inner.engine.check_usable("set_qos")?;
        check_consistent(qos.is_consistent())?;
        if qos.data_representation.0.is_empty() {
            qos.data_representation.0 = T::representations().to_vec();
        }
        let endpoint = &self.inner.endpoint;
        endpoint.lifecycle.check_exists()?;
        {
            let mut state = endpoint.state.lock();
            if endpoint.lifecycle.is_enabled() {
                check_changeable(state.qos.check_changeable(&qos))?;
                state.cache.update_qos(&qos);
            } else {
                let filter = state.cache.filter().cloned();
                state.cache = Self::cache(&self.inner.subscriber, self.topic.type_support(), &qos);
                filter.into_iter().for_each(|filter| state.cache.set_filter(filter));
            }
            state.qos = qos;
        }
        self.inner.announce();
        // A shorter DEADLINE may be due before the timer that is armed.
        let now = self.inner.engine.environment.now();
        self.inner.engine.settle_reader(now, endpoint);
        Ok(())
    }

    /// Enables it: others are told of it, and it receives (DDS 1.4 §2.2.2.1.1.7). Without effect when it
    /// is enabled.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while its subscriber is not enabled,
    /// [`DdsError::AlreadyDeleted`].
    pub fn enable(&self) -> DdsResult<()> {
        self.inner.enable()
    }

    /// Whether it is enabled and not deleted.
    pub fn is_enabled(&self) -> bool {
        self.inner.endpoint.lifecycle.is_enabled()
    }

    /// Takes every sample (DDS 1.4 §2.2.2.5.3.9); none is no error.
    ///
    /// Samples whose bytes are no valid `T` are left out, counted and logged.
    ///
    /// # Errors
    /// [`DdsError::IllegalOperation`] in a forked child.
    pub fn take(&self) -> DdsResult<Vec<Sample<T>>> {
        self.select().take()
    }

    /// Reads every sample (DDS 1.4 §2.2.2.5.3.8): they stay, and are READ from now on.
    ///
    /// # Errors
    /// As [`DataReader::take`].
    pub fn read(&self) -> DdsResult<Vec<Sample<T>>> {
        self.select().read()
    }

    /// Takes the next sample that was not read (DDS 1.4 §2.2.2.5.3.13).
    ///
    /// # Errors
    /// As [`DataReader::take`].
    pub fn take_next_sample(&self) -> DdsResult<Option<Sample<T>>> {
        Ok(self.select().not_read().max_samples(1).take()?.pop())
    }

    /// Reads the next sample that was not read (DDS 1.4 §2.2.2.5.3.12).
    ///
    /// # Errors
    /// As [`DataReader::take`].
    pub fn read_next_sample(&self) -> DdsResult<Option<Sample<T>>> {
        Ok(self.select().not_read().max_samples(1).read()?.pop())
    }

    /// Takes the samples of one instance (DDS 1.4 §2.2.2.5.3.15).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`].
    pub fn take_instance(&self, handle: InstanceHandle) -> DdsResult<Vec<Sample<T>>> {
        self.select().instance(handle).take()
    }

    /// Reads the samples of one instance (DDS 1.4 §2.2.2.5.3.14).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`].
    pub fn read_instance(&self, handle: InstanceHandle) -> DdsResult<Vec<Sample<T>>> {
        self.select().instance(handle).read()
    }

    /// Takes the samples of the instance after `previous`; [`InstanceHandle::NIL`] begins (DDS 1.4
    /// §2.2.2.5.3.17).
    ///
    /// # Errors
    /// As [`DataReader::take`].
    pub fn take_next_instance(&self, previous: InstanceHandle) -> DdsResult<Vec<Sample<T>>> {
        self.select().next_instance(previous).take()
    }

    /// Reads the samples of the instance after `previous` (DDS 1.4 §2.2.2.5.3.16).
    ///
    /// # Errors
    /// As [`DataReader::take`].
    pub fn read_next_instance(&self, previous: InstanceHandle) -> DdsResult<Vec<Sample<T>>> {
        self.select().next_instance(previous).read()
    }

    /// Begins a choice of samples to read or take.
    pub fn select(&self) -> Select<'_, T> {
        Select::new(self)
    }

    /// As [`DataReader::take`], in place of what a vector of the caller's holds: its memory and that of its
    /// samples, their strings and sequences, is used again. How many samples that were.
    ///
    /// # Errors
    /// As [`DataReader::take`].
    pub fn take_into(&self, samples: &mut Vec<Sample<T>>) -> DdsResult<usize> {
        self.access(Access::Take, &Selector::default(), samples)
    }

    /// Samples as the cache hands them out, in place of those in `cached`, whose memory is used again.
    fn collect(
        &self,
        access: Access,
        selector: &Selector<'_>,
        cached: &mut Vec<CachedSample>,
    ) -> DdsResult<()> {
        self.inner.subscriber.participant().check_usable("take")?;
        let engine = &self.inner.engine;
        let endpoint = &self.inner.endpoint;
        endpoint.lifecycle.check("take")?;
        let narrowed;
        let selector = match &endpoint.group {
            None => selector,
            Some(group) => {
                narrowed = Selector { max_samples: limit_in_group(group, access, selector)?, ..*selector };
                &narrowed
            }
        };
        let clock = || engine.environment.now();
        let due = {
            let mut guard = endpoint.state.lock();
            // Most readers wait for no moment, and need not know the present one.
            let next = guard.cache.next_timeout();
            let now = (next != Monotonic::NEVER).then(clock);
            if let Some(now) = now.filter(|now| next <= now.monotonic) {
                drop(guard);
                engine.settle_reader(now, endpoint);
                guard = endpoint.state.lock();
            }
            let state = &mut *guard;
            if let InstanceSelector::This(handle) = selector.instance
                && !state.cache.is_known(handle)
            {
                return Err(DdsError::UnknownInstance { handle });
            }
            cached.drain(..).for_each(|spent| state.cache.recycle(spent.payload));
            match access {
                Access::Read => state.cache.read(selector, cached),
                Access::Take => state.cache.take(selector, cached),
            };
            state.statuses.clear_data_available();
            let _ = endpoint.observer.condition().set_changed(state.statuses.changed());
            self.inner.subscriber.0.observer.condition().set_data_on_readers(false);
            state.retry(clock);
            state.machine.poll_timeout()
        };
        if let Some(due) = due {
            let now = clock();
            if due <= now.monotonic {
                self.inner.settle(now);
            }
        }
        Ok(())
    }

    /// Lends samples.
    pub(super) fn lend(&self, access: Access, selector: &Selector<'_>) -> DdsResult<Loan<T>> {
        // Counted first, so that the reader cannot be deleted meanwhile.
        self.inner.loans.fetch_add(1, Ordering::AcqRel);
        let mut samples = ACCESSED.take();
        if let Err(error) = self.collect(access, selector, &mut samples) {
            self.inner.loans.fetch_sub(1, Ordering::AcqRel);
            return Err(error);
        }
        Ok(Loan::new(self.inner.clone(), access, samples))
    }

    pub(super) fn access(
        &self,
        access: Access,
        selector: &Selector<'_>,
        samples: &mut Vec<Sample<T>>,
    ) -> DdsResult<usize> {
        let (engine, endpoint) = (&self.inner.engine, &self.inner.endpoint);
        let mut cached = ACCESSED.take();
        self.collect(access, selector, &mut cached)?;
        let mut count = 0;
        samples.reserve(cached.len().saturating_sub(samples.len()));
        let dynamic = self.topic.dynamic().map(|dynamic| &**dynamic);
        for sample in &mut cached {
            if access == Access::Take
                && let Some(data) = Value::take::<T>(&mut sample.payload)
            {
                put(samples, count, Sample::new(sample.info.clone(), SampleValue::Data(data)));
                count += 1;
                continue;
            }
            let decoded = match samples.get_mut(count) {
                Some(over) => over.decode_over(sample, dynamic),
                None => Sample::decode(sample, dynamic).map(|sample| samples.push(sample)),
            };
            match decoded {
                Ok(()) => count += 1,
                Err(error) => {
                    engine.count_undecodable();
                    tracing::warn!(topic = self.topic.name(), writer = %sample.info.writer_guid, %error,
                        "a sample is no valid {}: the writer's type differs", self.topic.type_name());
                }
            }
        }
        samples.truncate(count);
        let may_lie = |sample: &CachedSample| {
            sample.payload.memory().is_none() && sample.payload.retained() <= SPENT_BYTES
        };
        if access == Access::Read {
            cached.clear();
        } else if cached.len() > SPENT_KEPT || !cached.iter().all(may_lie) {
            let mut state = endpoint.state.lock();
            cached.drain(..).for_each(|spent| state.cache.recycle(spent.payload));
        }
        if cached.capacity() <= ACCESSED_KEPT {
            ACCESSED.set(cached);
        }
        Ok(count)
    }

    /// Whether a sample is in these states.
    pub fn has_data(&self, states: DataState) -> bool {
        self.inner.endpoint.state.lock().cache.has_data(states)
    }

    /// Blocks until there is a sample that was not read.
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_for_data(&self, timeout: Duration) -> DdsResult<()> {
        const OPERATION: &str = "wait_for_data";
        let ReaderInner { engine, endpoint, .. } = &*self.inner;
        let look = || self.has_data(DataState::NOT_READ);
        if endpoint.state.lock().is_served_in_process(endpoint.guid.prefix) {
            return engine.block_until_told(&endpoint.observer, OPERATION, timeout, look);
        }
        self.block_until(OPERATION, timeout, look)
    }

    /// As [`DataReader::wait_for_data`], without a time limit.
    pub async fn data_available(&self) {
        let look = || self.has_data(DataState::NOT_READ).then_some(());
        self.inner.endpoint.observer.notifier.until(look).await;
    }

    /// Blocks until every matched writer with DURABILITY above VOLATILE has delivered what it had kept
    /// for late joiners when it was matched, durability services included (DDS 1.4 §2.2.2.5.3.34). At once
    /// for a VOLATILE reader, which gets no such samples.
    ///
    /// Writers that are not matched yet cannot be asked. At least one is waited for: that none has been
    /// found so far does not mean that there is none.
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_for_historical_data(&self, timeout: Duration) -> DdsResult<()> {
        self.block_until("wait_for_historical_data", timeout, || {
            self.inner.endpoint.state.lock().await_history()
        })
    }

    /// As [`DataReader::wait_for_historical_data`], without a time limit.
    pub async fn historical_data(&self) {
        let look = || self.inner.endpoint.state.lock().await_history().then_some(());
        self.inner.endpoint.observer.notifier.until(look).await;
    }

    /// Blocks until at least `writers` are matched.
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_matched(&self, writers: usize, timeout: Duration) -> DdsResult<()> {
        self.block_until("wait_matched", timeout, || {
            self.inner.endpoint.state.lock().matched.len() >= writers
        })
    }

    /// As [`DataReader::wait_matched`], without a time limit.
    pub async fn matched(&self, writers: usize) {
        let look = || (self.inner.endpoint.state.lock().matched.len() >= writers).then_some(());
        self.inner.endpoint.observer.notifier.until(look).await;
    }

    /// The instance of a key, if it is known (DDS 1.4 §2.2.2.5.3.26).
    ///
    /// # Errors
    /// [`DdsError::Encode`] when the key breaks a bound of its type.
    pub fn lookup_instance(&self, sample: &T) -> DdsResult<Option<InstanceHandle>> {
        let mut key = Vec::new();
        sample.write_canonical_key(&mut key)?;
        Ok(self.inner.endpoint.state.lock().cache.lookup_instance(&key))
    }

    /// The key of an instance (DDS 1.4 §2.2.2.5.3.25).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`].
    pub fn key_value(&self, handle: InstanceHandle) -> DdsResult<T::Key> {
        let state = self.inner.endpoint.state.lock();
        let key = state.cache.key_value(handle).ok_or(DdsError::UnknownInstance { handle })?;
        Ok(T::key_from_canonical_as(key, self.topic.dynamic().map(|dynamic| &**dynamic))?)
    }

    fn block_until(
        &self,
        operation: &'static str,
        timeout: Duration,
        look: impl FnMut() -> bool,
    ) -> DdsResult<()> {
        self.inner.engine.block_until(&self.inner.endpoint.observer, operation, timeout, look)
    }
}

/// Puts an element in its place, which is at most one past the last.
fn put<E>(elements: &mut Vec<E>, place: usize, element: E) {
    match elements.get_mut(place) {
        Some(old) => *old = element,
        None => elements.push(element),
    }
}

/// How many samples one call gives with access scope GROUP: samples are accessed between `begin_access`
/// and `end_access` (DDS 1.4 §2.2.2.5.2.8) and, where they are ordered, one by one, since the next may be
/// another reader's (DDS 1.4 §2.2.2.5.3.8).
#[cold]
fn limit_in_group(group: &SubscriberGroup, access: Access, selector: &Selector<'_>) -> DdsResult<usize> {
    if group.is_accessed() {
        return Ok(if group.ordered { selector.max_samples.min(1) } else { selector.max_samples });
    }
    let operation = match access {
        Access::Read => "read",
        Access::Take => "take",
    };
    Err(DdsError::precondition(
        operation,
        "an access to the subscriber, whose access scope is GROUP; call begin_access() or access() first",
    ))
}
