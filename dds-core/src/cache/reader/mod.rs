//! What a DataReader keeps for its user.
//!
//! - [`ReaderCache::offer`] takes changes in; `writers` knows the matched writers and who owns what.
//! - [`ReaderCache::read`] and [`ReaderCache::take`] hand samples out (`select`).
//! - [`ReaderCache::expire`] lets time pass (`timing`).
//! - Samples that are likely to be taken all at once wait outside the lists (`fresh`).

mod entries;
mod fresh;
mod offer;
mod order;
mod room;
mod select;
mod store;
#[cfg(test)]
mod tests;
mod timing;
mod writers;

use std::{collections::VecDeque, sync::Arc};

use dds_qos::{DataReaderQos, DestinationOrderKind, Duration, OwnershipKind};
use dds_rtps::{payload::Payload, structure::Guid};
use hashbrown::HashMap;

use self::entries::{Instance, Registration, Stored, Writer};
use super::{
    buffers::SampleBuffers,
    handle_index::HandleIndex,
    key_table::{KeyTable, is_same_key},
    limits::Limits,
    slab::{List, NOWHERE, Place, Slab},
    timers::Timers,
};
use crate::{
    content_filter::SampleFilter,
    instance::{InstanceHandle, InstanceHandleAllocator},
    sample::{DataState, InstanceState, SampleState, ViewState},
    type_support::TypeSupport,
};

pub use self::{
    fresh::FreshRun,
    offer::{DropReason, OfferOutcome},
    room::Room,
    select::{
        CachedSample, CollectionOrder, Content, InstanceSelector, SampleOrder, SamplePredicate, Selector,
    },
    writers::MatchedWriter,
};

/// The samples of one reader, by instance and in the order of their arrival.
///
/// Instances: a key's first sample makes one; it is forgotten when it has neither samples nor
/// writers (DDS 1.4 §2.2.2.5.1.3, §2.2.3.22).
///
/// Samples without data tell of a change of the instance's state to not alive. They do not count
/// towards HISTORY and RESOURCE_LIMITS, and an instance never holds more than one of them beyond its
/// samples with data: the oldest give way.
#[derive(Debug)]
pub struct ReaderCache {
    settings: Settings,
    /// What samples must pass.
    filter: Option<Arc<SampleFilter>>,
    type_support: TypeSupport,
    handles: InstanceHandleAllocator,
    buffers: SampleBuffers,

    samples: Slab<Stored>,
    arrival: List<{ entries::ARRIVAL }>,
    unread: List<{ entries::UNREAD }>,
    /// Samples that came last and are not in the lists yet; see `fresh`.
    fresh: VecDeque<CachedSample>,
    /// Samples with data.
    valid_samples: usize,
    /// Bytes that the samples keep from being freed.
    retained: usize,
    /// Samples in each combination of states.
    counts: StateCounts,

    instances: Slab<Instance>,
    by_key: KeyTable,
    by_digest: KeyTable,
    by_handle: HandleIndex,
    /// The instance that the last sample was of: the next one often is too.
    latest: Place,

    writers: Slab<Writer>,
    writer_places: HashMap<Guid, Place>,
    /// The writer found last; writers come in runs.
    last_writer: (Guid, Place),
    registrations: Slab<Registration>,

    /// Ends of lives of samples.
    lifespans: Timers,
    /// When instances may show the sample held back by TIME_BASED_FILTER.
    separations: Timers,
    /// When instances that are not alive are purged.
    purges: Timers,
    /// Instances that expect a sample, the longest waiting first.
    deadlines: List<{ entries::DEADLINE }>,

    /// Where samples of several readers have one order.
    order: Option<Box<order::GroupOrder>>,
    retry: Retry,
    scratch_key: Vec<u8>,
    scratch_picked: Vec<Place>,
    scratch_touched: Vec<Place>,
}

/// What of the reader's QoS matters here.
#[derive(Clone, Copy, Debug)]
struct Settings {
    limits: Limits,
    by_source_timestamp: bool,
    exclusive: bool,
    reliable: bool,
    deadline: Duration,
    minimum_separation: Duration,
    purge_no_writers: Duration,
    purge_disposed: Duration,
    order: CollectionOrder,
}

impl Settings {
    fn new(qos: &DataReaderQos, order: CollectionOrder) -> Self {
        Self {
            limits: Limits::new(&qos.history, &qos.resource_limits),
            by_source_timestamp: qos.destination_order.0 == DestinationOrderKind::BySourceTimestamp,
            exclusive: qos.ownership.0 == OwnershipKind::Exclusive,
            reliable: qos.reliability.is_reliable(),
            deadline: qos.deadline.0,
            minimum_separation: qos.time_based_filter.0,
            purge_no_writers: qos.reader_data_lifecycle.autopurge_nowriter_samples_delay,
            purge_disposed: qos.reader_data_lifecycle.autopurge_disposed_samples_delay,
            order,
        }
    }
}

/// Whether a rejected change may find room now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Retry {
    NothingRejected,
    WaitsForRoom,
    RoomAppeared,
}

impl ReaderCache {
    /// An empty cache. `handles` are those of the participant.
    pub fn new(
        qos: &DataReaderQos,
        order: CollectionOrder,
        type_support: TypeSupport,
        handles: InstanceHandleAllocator,
    ) -> Self {
        Self {
            settings: Settings::new(qos, order),
            filter: None,
            type_support,
            handles,
            buffers: SampleBuffers::new(),
            samples: Slab::new(),
            arrival: List::EMPTY,
            unread: List::EMPTY,
            fresh: VecDeque::new(),
            valid_samples: 0,
            retained: 0,
            counts: StateCounts::default(),
            instances: Slab::new(),
            by_key: KeyTable::default(),
            by_digest: KeyTable::default(),
            by_handle: HandleIndex::default(),
            latest: NOWHERE,
            writers: Slab::new(),
            writer_places: HashMap::new(),
            last_writer: (Guid::UNKNOWN, NOWHERE),
            registrations: Slab::new(),
            lifespans: Timers::default(),
            separations: Timers::default(),
            purges: Timers::default(),
            deadlines: List::EMPTY,
            order: None,
            retry: Retry::NothingRejected,
            scratch_key: Vec::new(),
            scratch_picked: Vec::new(),
            scratch_touched: Vec::new(),
        }
    }

    /// Follows a change of the QoS policies that may change; timers already running for purges and
    /// separations keep their moments, and a DEADLINE where there was none counts from each instance's
    /// next sample.
    pub fn update_qos(&mut self, qos: &DataReaderQos) {
        self.link_fresh();
        self.settings = Settings::new(qos, self.settings.order);
    }

    /// Lets only samples pass that a content filter accepts, from now on (DDS 1.4 §2.2.2.3.3).
    pub(crate) fn set_filter(&mut self, filter: Arc<SampleFilter>) {
        self.filter = Some(filter);
    }

    /// What samples must pass.
    pub(crate) fn filter(&self) -> Option<&Arc<SampleFilter>> {
        self.filter.as_ref()
    }

    /// Samples held, with data or without.
    pub fn len(&self) -> usize {
        self.samples.len() + self.fresh.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Instances known.
    pub fn instance_count(&self) -> usize {
        self.instances.len()
    }

    /// Bytes that the payloads held keep from being freed. Buffers shared by several samples count
    /// with each.
    pub fn retained_bytes(&self) -> usize {
        self.retained
    }

    /// Whether some sample is in these states; O(1).
    pub fn has_data(&self, states: DataState) -> bool {
        self.counts.any(states)
    }

    /// Whether a change was rejected and something has been removed since, so that the protocol
    /// should offer it again. Asking resets it.
    pub fn wants_retry(&mut self) -> bool {
        let wants = self.retry == Retry::RoomAppeared;
        if wants {
            self.retry = Retry::NothingRejected;
        }
        wants
    }

    /// The instance of a canonical key (DDS 1.4 §2.2.2.5.3.26 `lookup_instance`).
    pub fn lookup_instance(&self, canonical_key: &[u8]) -> Option<InstanceHandle> {
        let place = self.find_by_key(self.by_key.hash(canonical_key), canonical_key)?;
        Some(self.instances[place].handle)
    }

    /// The canonical key of an instance (DDS 1.4 §2.2.2.5.3.25 `get_key_value`).
    pub fn key_value(&self, instance: InstanceHandle) -> Option<&[u8]> {
        Some(&self.instances[self.by_handle.find(instance)?].key)
    }

    /// A copy of received bytes in a recycled buffer of the right size, for a change about to be
    /// offered: the cache keeps it as it is.
    pub fn copy(&mut self, bytes: &[u8]) -> Payload {
        self.buffers.copy(bytes)
    }

    /// Takes back the payload of a sample that was taken, so that its buffer serves again.
    pub fn recycle(&mut self, payload: Payload) {
        self.buffers.recycle(payload);
    }

    fn find_by_key(&self, hash: u64, key: &[u8]) -> Option<Place> {
        self.by_key.find(hash, |place| is_same_key(&self.instances[place].key, key))
    }

    fn room_appeared(&mut self) {
        if self.retry == Retry::WaitsForRoom {
            self.retry = Retry::RoomAppeared;
        }
    }
}

/// How many samples are in each combination of sample, view and instance state.
#[derive(Clone, Copy, Debug, Default)]
struct StateCounts([[[usize; 3]; 2]; 2]);

impl StateCounts {
    const SAMPLE_STATES: [SampleState; 2] = [SampleState::Read, SampleState::NotRead];
    const VIEW_STATES: [ViewState; 2] = [ViewState::New, ViewState::NotNew];
    const INSTANCE_STATES: [InstanceState; 3] =
        [InstanceState::Alive, InstanceState::NotAliveDisposed, InstanceState::NotAliveNoWriters];

    fn of(&mut self, sample: SampleState, view: ViewState, instance: InstanceState) -> &mut usize {
        &mut self.0[sample as usize][view as usize][instance as usize]
    }

    fn any(&self, states: DataState) -> bool {
        Self::SAMPLE_STATES.into_iter().any(|sample| {
            Self::VIEW_STATES.into_iter().any(|view| {
                Self::INSTANCE_STATES.into_iter().any(|instance| {
                    states.contains(sample, view, instance)
                        && self.0[sample as usize][view as usize][instance as usize] > 0
                })
            })
        })
    }
}
