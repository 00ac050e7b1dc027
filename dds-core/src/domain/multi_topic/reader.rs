//! Readers of multi-topics.

use std::{
    collections::{HashMap, HashSet},
    marker::PhantomData,
    sync::Arc,
};

use dds_qos::{DataReaderQos, Duration};
use dds_rtps::{
    change::{CacheChange, ChangeKind},
    payload::Payload,
    structure::{EntityKind, Guid, SequenceNumber},
    time::{Now, Timestamp},
};
use dds_types::{PayloadKind, TopicType};
use parking_lot::Mutex;

use super::{
    MultiShared, MultiTopic,
    join::{Join, Joined, RowId},
};
use crate::{
    cache::{CachedSample, CollectionOrder, Content, InstanceSelector, MatchedWriter, ReaderCache, Selector},
    condition::{ReadCondition, WaitSet},
    domain::reader::{Access, ReaderInner},
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    sample::{DataState, InstanceState, Sample},
};

/// Receives samples of a multi-topic (DDS 1.4 §2.2.2.3.4). It is one reader of each joined topic; what
/// they have received is joined whenever this one is looked at. Clones are the same reader.
pub struct MultiTopicReader<R: TopicType> {
    inner: Arc<MultiReader>,
    topic: MultiTopic<R>,
    type_: PhantomData<fn() -> R>,
}

struct MultiReader {
    multi: Arc<MultiShared>,
    sources: Vec<Arc<ReaderInner>>,
    /// True when one of the sources has something new.
    news: WaitSet,
    /// Purpose: the joined rows, and that samples are joined in the order in which they were received. The
    /// sources' endpoints are locked after it, one at a time; nothing of the user's runs meanwhile.
    state: Mutex<State>,
}

/// What is joined so far.
struct State {
    join: Join,
    /// The samples of the result; the join is its only writer.
    cache: ReaderCache,
    writer: Guid,
    written: SequenceNumber,
    /// The rows of the result, each with the canonical key of its instance.
    keys: HashMap<Joined, Vec<u8>>,
    /// The rows of each instance of the result.
    instances: HashMap<Vec<u8>, HashSet<Joined>>,
    /// The rows of the result that a row of a topic is part of.
    of_row: HashMap<(usize, RowId), HashSet<Joined>>,
}

impl<R: TopicType> Clone for MultiTopicReader<R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), topic: self.topic.clone(), type_: PhantomData }
    }
}

impl<R: TopicType> std::fmt::Debug for MultiTopicReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MultiTopicReader").field("topic", &self.topic.name()).finish()
    }
}

impl<R: TopicType> MultiTopicReader<R> {
    pub(super) fn new(topic: MultiTopic<R>, qos: DataReaderQos) -> DdsResult<Self> {
        let multi = topic.shared.clone();
        let participant = &multi.participant;
        let subscriber = participant.create_subscriber(participant.default_subscriber_qos())?;
        let make = |source: &super::Source| (source.make_reader)(&subscriber, qos.clone());
        let sources = multi.sources.iter().map(make).collect::<DdsResult<Vec<_>>>()?;
        let news = WaitSet::new();
        for source in &sources {
            let endpoint = source.endpoint();
            let notifier = endpoint.observer.notifier.clone();
            news.attach(ReadCondition::new(endpoint.clone(), notifier, DataState::NOT_READ));
        }
        let keys: Vec<_> = multi.plan.topics.iter().map(|topic| topic.keys.clone()).collect();
        let join = Join::new(&keys).ok_or_else(|| {
            DdsError::precondition("create_datareader", "topics that have key members in common")
        })?;
        let writer =
            Guid::new(participant.guid().prefix, participant.next_entity_id(EntityKind::WRITER_WITH_KEY)?);
        let result_qos = DataReaderQos {
            history: qos.history,
            reader_data_lifecycle: qos.reader_data_lifecycle,
            ..DataReaderQos::default()
        };
        let handles = participant.engine().handles.clone();
        let mut cache =
            ReaderCache::new(&result_qos, CollectionOrder::ByInstance, multi.type_support.clone(), handles);
        cache.writer_matched(MatchedWriter {
            guid: writer,
            handle: InstanceHandle::NIL,
            strength: 0,
            lifespan: Duration::INFINITE,
        });
        let state = State {
            join,
            cache,
            writer,
            written: SequenceNumber::ZERO,
            keys: HashMap::new(),
            instances: HashMap::new(),
            of_row: HashMap::new(),
        };
        let inner = MultiReader { multi, sources, news, state: Mutex::new(state) };
        Ok(Self { inner: Arc::new(inner), topic, type_: PhantomData })
    }

    /// Its multi-topic.
    pub fn topic(&self) -> &MultiTopic<R> {
        &self.topic
    }

    /// Takes every sample (DDS 1.4 §2.2.2.5.3.9).
    ///
    /// # Errors
    /// [`DdsError::IllegalOperation`] in a forked child, [`DdsError::AlreadyDeleted`].
    pub fn take(&self) -> DdsResult<Vec<Sample<R>>> {
        self.take_in(DataState::ANY)
    }

    /// Takes the samples in these states.
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub fn take_in(&self, states: DataState) -> DdsResult<Vec<Sample<R>>> {
        self.access(Access::Take, &Selector { states, ..Selector::default() })
    }

    /// Reads every sample: they stay, and are READ from now on (DDS 1.4 §2.2.2.5.3.8).
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub fn read(&self) -> DdsResult<Vec<Sample<R>>> {
        self.read_in(DataState::ANY)
    }

    /// Reads the samples in these states.
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub fn read_in(&self, states: DataState) -> DdsResult<Vec<Sample<R>>> {
        self.access(Access::Read, &Selector { states, ..Selector::default() })
    }

    /// Takes the samples of the instance after `previous` (DDS 1.4 §2.2.2.5.3.17).
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub fn take_next_instance(&self, previous: InstanceHandle) -> DdsResult<Vec<Sample<R>>> {
        let instance = InstanceSelector::Next(previous);
        self.access(Access::Take, &Selector { instance, ..Selector::default() })
    }

    /// Reads the samples of the instance after `previous` (DDS 1.4 §2.2.2.5.3.16).
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub fn read_next_instance(&self, previous: InstanceHandle) -> DdsResult<Vec<Sample<R>>> {
        let instance = InstanceSelector::Next(previous);
        self.access(Access::Read, &Selector { instance, ..Selector::default() })
    }

    /// Whether a sample is in these states.
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub fn has_data(&self, states: DataState) -> DdsResult<bool> {
        self.inner.join_news()?;
        Ok(self.inner.state.lock().cache.has_data(states))
    }

    /// Blocks until there is a sample that was not read.
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::IllegalOperation`] inside a listener.
    pub fn wait_for_data(&self, timeout: Duration) -> DdsResult<()> {
        const OPERATION: &str = "wait_for_data";
        let engine = self.inner.multi.participant.engine();
        engine.check_may_block(OPERATION)?;
        let deadline = engine.environment.now().monotonic.after(timeout);
        while !self.has_data(DataState::NOT_READ)? {
            let now = engine.environment.now().monotonic;
            if now >= deadline {
                return Err(DdsError::Timeout { operation: OPERATION, after: timeout });
            }
            match self.inner.news.wait(Duration::from_nanos(deadline.nanos_since(now))) {
                Ok(_) | Err(DdsError::Timeout { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// As [`MultiTopicReader::wait_for_data`], without a time limit.
    ///
    /// # Errors
    /// As [`MultiTopicReader::take`].
    pub async fn data_available(&self) -> DdsResult<()> {
        while !self.has_data(DataState::NOT_READ)? {
            self.inner.news.wait_async().await?;
        }
        Ok(())
    }

    fn access(&self, access: Access, selector: &Selector<'_>) -> DdsResult<Vec<Sample<R>>> {
        self.inner.join_news()?;
        let now = self.inner.multi.participant.engine().environment.now();
        let mut cached = Vec::new();
        let mut state = self.inner.state.lock();
        if state.cache.next_timeout() <= now.monotonic {
            state.cache.expire(now, &mut Vec::new());
        }
        match access {
            Access::Read => state.cache.read(selector, &mut cached),
            Access::Take => state.cache.take(selector, &mut cached),
        };
        drop(state);
        Ok(cached.iter().map(|sample| Sample::decode(sample, None)).collect::<Result<_, _>>()?)
    }
}

impl MultiReader {
    /// Joins what the sources have received.
    fn join_news(&self) -> DdsResult<()> {
        let now = self.multi.participant.engine().environment.now();
        let mut due = Vec::new();
        let mut received = Vec::new();
        {
            let mut state = self.state.lock();
            for (topic, source) in self.sources.iter().enumerate() {
                if source.drain(now, &mut received)? {
                    due.push(source);
                }
                for sample in received.iter().filter(|sample| sample.content == Content::Data) {
                    state.insert(now, &self.multi, topic, sample);
                }
                // An instance's state is the same in all of its samples.
                for sample in received.drain(..) {
                    state.end(now, &self.multi, topic, &sample);
                }
            }
        }
        for source in due {
            source.settle(now);
        }
        Ok(())
    }
}

impl State {
    /// A sample of a topic: joins it with what the others have.
    fn insert(&mut self, now: Now, multi: &MultiShared, topic: usize, sample: &CachedSample) {
        let id = sample.info.instance_handle.to_raw();
        match multi.plan.topics.get(topic).map(|plan| plan.row(&sample.payload)) {
            Some(Ok(row)) => self.join.insert(topic, id, row),
            Some(Err(error)) => {
                tracing::warn!(topic = multi.plan.topics[topic].name, %error, "a sample is not joined");
                return;
            }
            None => return,
        }
        let program = multi.compiled.read().1.clone();
        for joined in self.join.of(topic, id) {
            let row = |topic: usize| self.join.row(topic, *joined.get(topic)?);
            let Some(payload) = multi.plan.result(multi.representation, row) else { continue };
            if program.passes(&payload) != Ok(true) {
                continue;
            }
            let mut key = Vec::new();
            if multi.type_support.find_key(&payload, PayloadKind::Data, &mut key).is_err() {
                continue;
            }
            for part in joined.iter().copied().enumerate() {
                self.of_row.entry(part).or_default().insert(joined.clone());
            }
            self.instances.entry(key.clone()).or_default().insert(joined.clone());
            self.keys.insert(joined, key);
            self.write(now, ChangeKind::Alive, sample.info.source_timestamp, payload);
        }
    }

    /// A row is gone if its instance is not alive, and so are all rows of the result that it is part of.
    fn end(&mut self, now: Now, multi: &MultiShared, topic: usize, sample: &CachedSample) {
        let kind = match sample.info.instance_state {
            InstanceState::Alive => return,
            InstanceState::NotAliveDisposed => ChangeKind::NotAliveDisposed,
            InstanceState::NotAliveNoWriters => ChangeKind::NotAliveUnregistered,
        };
        let id = sample.info.instance_handle.to_raw();
        self.join.remove(topic, id);
        for joined in self.of_row.remove(&(topic, id)).unwrap_or_default() {
            for part in joined.iter().copied().enumerate() {
                if let Some(rows) = self.of_row.get_mut(&part) {
                    rows.remove(&joined);
                    if rows.is_empty() {
                        self.of_row.remove(&part);
                    }
                }
            }
            let Some(key) = self.keys.remove(&joined) else { continue };
            let Some(rows) = self.instances.get_mut(&key) else { continue };
            rows.remove(&joined);
            if !rows.is_empty() {
                continue;
            }
            self.instances.remove(&key);
            let mut payload = Vec::new();
            if multi.type_support.write_key_payload(&key, multi.representation, &mut payload).is_ok() {
                self.write(now, kind, sample.info.source_timestamp, payload);
            }
        }
    }

    fn write(&mut self, now: Now, kind: ChangeKind, timestamp: Option<Timestamp>, payload: Vec<u8>) {
        self.written = self.written.next();
        let outcome = self.cache.offer(
            now,
            &CacheChange {
                kind,
                writer_guid: self.writer,
                sequence_number: self.written,
                source_timestamp: timestamp,
                payload: Payload::from(payload),
                ..CacheChange::default()
            },
        );
        tracing::trace!(?outcome, "a row of a multi-topic");
    }
}
