//! Access to the readers of a subscriber together (DDS 1.4 §2.2.2.5.2.8 to §2.2.2.5.2.10).

use std::sync::Arc;

use dds_rtps::structure::Guid;
use dds_types::TopicType;

use super::{DataReader, Subscriber, reader::ReaderInner};
use crate::{
    error::{DdsError, DdsResult},
    sample::DataState,
};

/// A reader of a subscriber, whatever its type.
#[derive(Clone)]
pub struct AnyDataReader(Arc<ReaderInner>);

impl std::fmt::Debug for AnyDataReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("AnyDataReader");
        shown.field("guid", &self.guid()).field("topic", &self.topic_name()).finish()
    }
}

impl AnyDataReader {
    /// The reader's GUID.
    pub fn guid(&self) -> Guid {
        self.0.endpoint().guid
    }

    /// The name of its topic.
    pub fn topic_name(&self) -> &str {
        &self.0.endpoint().topic.name
    }

    /// The name of its type.
    pub fn type_name(&self) -> &str {
        &self.0.endpoint().topic.type_name
    }

    /// The reader, if it is one of `T`.
    pub fn downcast<T: TopicType>(&self) -> Option<DataReader<T>> {
        DataReader::of(self.0.clone())
    }

    fn has_data(&self, states: DataState) -> bool {
        self.0.endpoint().state.lock().cache.has_data(states)
    }
}

impl<T: TopicType> PartialEq<DataReader<T>> for AnyDataReader {
    fn eq(&self, other: &DataReader<T>) -> bool {
        self.guid() == other.guid()
    }
}

impl Subscriber {
    /// Says that samples of the subscriber's readers will be accessed, until the matching
    /// [`end_access`](Subscriber::end_access) (DDS 1.4 §2.2.2.5.2.8). Calls nest.
    ///
    /// With PRESENTATION access scope GROUP the samples of all readers stay as they are during the
    /// access: what arrives is shown after it, and reading or taking outside of an access is an error.
    /// With any other scope the calls have no effect.
    ///
    /// # Errors
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn begin_access(&self) -> DdsResult<()> {
        self.participant().check_usable("begin_access")?;
        self.0.lifecycle.check("begin_access")?;
        match self.group() {
            Some(group) => group.begin_access(),
            None => *self.0.accesses.lock() += 1,
        }
        Ok(())
    }

    /// Ends an access (DDS 1.4 §2.2.2.5.2.9).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] without [`begin_access`](Subscriber::begin_access);
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn end_access(&self) -> DdsResult<()> {
        self.participant().check_usable("end_access")?;
        self.0.lifecycle.check("end_access")?;
        let group = self.group();
        let ended = match &group {
            Some(group) => group.end_access(),
            None => {
                let mut accesses = self.0.accesses.lock();
                let left = accesses.checked_sub(1);
                *accesses = left.unwrap_or(0);
                left.is_some()
            }
        };
        if !ended {
            return Err(DdsError::precondition("end_access", "an access; call begin_access() first"));
        }
        if let Some(group) = group {
            let engine = self.participant().engine();
            let now = engine.environment.now();
            engine.present(now, &group, None);
            engine.drain_loopback(now);
        }
        Ok(())
    }

    /// Begins an access that ends when the guard is dropped. See
    /// [`begin_access`](Subscriber::begin_access).
    ///
    /// # Errors
    /// As [`begin_access`](Subscriber::begin_access).
    pub fn access(&self) -> DdsResult<SubscriberAccess<'_>> {
        self.begin_access()?;
        Ok(SubscriberAccess { subscriber: self })
    }

    /// The readers that have samples in these states (DDS 1.4 §2.2.2.5.2.10 `get_datareaders`).
    ///
    /// With PRESENTATION access scope GROUP and `ordered_access`, a reader is there once for each such
    /// sample, in the order in which the samples are to be read: with one `take` or `read` of each, in
    /// turn, samples come in the order in which they were written, across readers. Otherwise each reader
    /// is there once.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] with access scope GROUP outside of an access;
    /// [`DdsError::NotEnabled`], [`DdsError::AlreadyDeleted`].
    pub fn datareaders(&self, states: DataState) -> DdsResult<Vec<AnyDataReader>> {
        const OPERATION: &str = "get_datareaders";
        self.participant().check_usable(OPERATION)?;
        self.0.lifecycle.check(OPERATION)?;
        let readers: Vec<_> = self.readers().into_iter().map(AnyDataReader).collect();
        let group = self.group();
        if group.as_ref().is_some_and(|group| !group.is_accessed()) {
            return Err(DdsError::precondition(
                OPERATION,
                "an access, since the access scope is GROUP; call begin_access() or access() first",
            ));
        }
        if !group.is_some_and(|group| group.ordered) {
            return Ok(readers.into_iter().filter(|reader| reader.has_data(states)).collect());
        }
        let mut turns = Vec::new();
        for (index, reader) in readers.iter().enumerate() {
            let of_reader = reader.0.endpoint().state.lock().cache.turns(states);
            turns.extend(of_reader.into_iter().map(|turn| (turn, index)));
        }
        // Stable: samples of one reader stay in its own order.
        turns.sort_by_key(|(turn, _)| *turn);
        Ok(turns.into_iter().filter_map(|(_, index)| readers.get(index).cloned()).collect())
    }
}

/// An open access; see [`Subscriber::access`]. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "the access ends when the guard is dropped"]
pub struct SubscriberAccess<'s> {
    subscriber: &'s Subscriber,
}

impl SubscriberAccess<'_> {
    /// As [`Subscriber::datareaders`].
    ///
    /// # Errors
    /// As [`Subscriber::datareaders`].
    pub fn datareaders(&self, states: DataState) -> DdsResult<Vec<AnyDataReader>> {
        self.subscriber.datareaders(states)
    }
}

impl Drop for SubscriberAccess<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.subscriber.end_access() {
            tracing::warn!(%error, "the access of a guard was over already");
        }
    }
}
