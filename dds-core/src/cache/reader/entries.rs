//! What the reader cache stores.

use dds_rtps::{
    message::SampleIdentity,
    payload::Payload,
    structure::{Guid, KeyHash, SequenceNumber},
    time::{Monotonic, Timestamp},
};

use super::Content;
use crate::{
    cache::{
        handle_index::Positioned,
        slab::{Link, Linked, List, Place},
    },
    instance::InstanceHandle,
    sample::{InstanceState, ViewState},
};

/// List of all samples.
pub(super) const ARRIVAL: usize = 0;
/// List of the samples of one instance.
pub(super) const OF_INSTANCE: usize = 1;
/// List of the samples that were not read.
pub(super) const UNREAD: usize = 2;

/// A sample as it comes from a writer, before the cache has a place for it.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) payload: Payload,
    pub(super) content: Content,
    pub(super) source_timestamp: Option<Timestamp>,
    pub(super) reception_timestamp: Timestamp,
    /// Who first wrote it, if somebody passed it on; so is the number.
    pub(super) writer_guid: Guid,
    pub(super) publication_handle: InstanceHandle,
    pub(super) sequence_number: SequenceNumber,
    /// Rare, hence boxed.
    pub(super) related_sample_identity: Option<Box<SampleIdentity>>,
    /// When its LIFESPAN ends.
    pub(super) expiry: Monotonic,
}

/// Orders the samples of an instance under BY_SOURCE_TIMESTAMP: ties are broken alike in every reader.
pub(super) type SourceOrder = (Timestamp, Guid, SequenceNumber);

impl Incoming {
    pub(super) fn source_order(&self) -> SourceOrder {
        let timestamp = self.source_timestamp.unwrap_or(self.reception_timestamp);
        (timestamp, self.writer_guid, self.sequence_number)
    }
}

/// A sample in the cache.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) links: [Link; 3],
    pub(super) instance: Place,
    pub(super) disposed_generation_count: u32,
    pub(super) no_writers_generation_count: u32,
    pub(super) sample: Incoming,
}

impl Stored {
    pub(super) fn is_unread(&self) -> bool {
        self.links[UNREAD].is_linked()
    }

    pub(super) fn is_valid(&self) -> bool {
        self.sample.content == Content::Data
    }

    pub(super) fn generation(&self) -> u32 {
        self.disposed_generation_count.wrapping_add(self.no_writers_generation_count)
    }
}

impl Linked for Stored {
    fn link(&self, list: usize) -> &Link {
        &self.links[list]
    }
    fn link_mut(&mut self, list: usize) -> &mut Link {
        &mut self.links[list]
    }
}

/// List of the instances that expect a sample.
pub(super) const DEADLINE: usize = 0;

/// One instance.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) deadline_link: Link,
    /// When a sample with data came last, for DEADLINE.
    pub(super) last_arrival: Monotonic,
    pub(super) handle: InstanceHandle,
    /// The canonical key.
    pub(super) key: Box<[u8]>,
    pub(super) key_seed_hash: u64,
    pub(super) digest: KeyHash,
    /// Another key hash that came with this instance's samples: a peer computes its own.
    pub(super) foreign_digest: Option<KeyHash>,
    /// In the index by handle.
    pub(super) position: u32,

    pub(super) state: InstanceState,
    pub(super) view: ViewState,
    pub(super) disposed_generation_count: u32,
    pub(super) no_writers_generation_count: u32,

    pub(super) samples: List<OF_INSTANCE>,
    pub(super) valid: usize,
    pub(super) unread: usize,

    /// The writers that registered it.
    pub(super) registrations: List<OF_WRITERS_INSTANCE>,
    /// The writer that owns it under EXCLUSIVE ownership.
    pub(super) owner: Place,

    /// When the last sample passed TIME_BASED_FILTER.
    pub(super) last_passed: Option<Monotonic>,
    /// The latest sample that did not pass it, shown when the separation is over.
    pub(super) held_back: Option<Box<Incoming>>,
    /// The latest in source order of what was removed or disposed of: nothing older is shown.
    pub(super) floor: Option<SourceOrder>,

    /// Whether the selection at work has been here.
    pub(super) visited: bool,
    /// Samples of it that the selection at work has ranked.
    pub(super) ranked: u32,
    /// The generation of the latest of them.
    pub(super) ranked_generation: u32,
}

impl Instance {
    pub(super) fn generation(&self) -> u32 {
        self.disposed_generation_count.wrapping_add(self.no_writers_generation_count)
    }

    /// Samples without data.
    pub(super) fn invalid(&self) -> usize {
        self.samples.len() - self.valid
    }
}

impl Linked for Instance {
    fn link(&self, _: usize) -> &Link {
        &self.deadline_link
    }
    fn link_mut(&mut self, _: usize) -> &mut Link {
        &mut self.deadline_link
    }
}

impl Positioned for Instance {
    fn set_position(&mut self, position: u32) {
        self.position = position;
    }
}

/// List of the registrations of one instance.
pub(super) const OF_WRITERS_INSTANCE: usize = 0;
/// List of the registrations of one writer.
pub(super) const OF_WRITER: usize = 1;

/// That an alive writer writes an instance.
#[derive(Debug)]
pub(super) struct Registration {
    pub(super) links: [Link; 2],
    pub(super) instance: Place,
    pub(super) writer: Place,
}

impl Linked for Registration {
    fn link(&self, list: usize) -> &Link {
        &self.links[list]
    }
    fn link_mut(&mut self, list: usize) -> &mut Link {
        &mut self.links[list]
    }
}

/// A matched writer.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) matched: super::MatchedWriter,
    pub(super) registrations: List<OF_WRITER>,
}
