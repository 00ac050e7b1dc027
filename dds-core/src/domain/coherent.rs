//! Coherent sets of a publisher (DDS 1.4 §2.2.2.4.1.10, §2.2.2.4.1.11).

use super::Publisher;
use crate::error::DdsResult;

impl Publisher {
    /// What the publisher's writers write from now on is one coherent set, until the matching
    /// [`end_coherent_changes`](Publisher::end_coherent_changes) (DDS 1.4 §2.2.2.4.1.10). Calls nest; the
    /// outermost pair makes the set.
    ///
    /// With PRESENTATION `coherent_access`, readers that ask for it see the set whole or not at all: with
    /// access scope INSTANCE or TOPIC the changes of each writer, with GROUP those of all writers
    /// together. Without `coherent_access` the calls have no effect. A set does not wait: its changes
    /// leave as they are written, and are shown when it has ended and all have arrived.
    ///
    /// HISTORY KEEP_LAST replaces sets as a whole, so that late joiners get whole ones: what it replaced
    /// counts towards RESOURCE_LIMITS until nothing of its set is current. A VOLATILE writer may write a
    /// set larger than its `max_samples`; a durable one then gets
    /// [`OutOfResources`](crate::error::DdsError::OutOfResources), as for any sample without room. A
    /// reader whose limits a set exceeds rejects the set.
    ///
    /// With scope GROUP no writer can be made while a set is open, and one that is deleted takes what it
    /// wrote into the set, hence the set, with it.
    ///
    /// # Errors
    /// [`DdsError::IllegalOperation`](crate::error::DdsError::IllegalOperation) in a forked child.
    pub fn begin_coherent_changes(&self) -> DdsResult<()> {
        self.participant().check_usable("begin_coherent_changes")?;
        self.group().begin_coherent_changes();
        Ok(())
    }

    /// Ends the coherent set (DDS 1.4 §2.2.2.4.1.11): readers show it as soon as they have all of it.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`](crate::error::DdsError::PreconditionNotMet) without
    /// [`begin_coherent_changes`](Publisher::begin_coherent_changes).
    pub fn end_coherent_changes(&self) -> DdsResult<()> {
        self.participant().check_usable("end_coherent_changes")?;
        self.group().end_coherent_changes(self.participant().engine())
    }

    /// Begins a coherent set that ends when the guard is dropped, or with
    /// [`end`](CoherentChanges::end). See [`begin_coherent_changes`](Publisher::begin_coherent_changes).
    ///
    /// # Errors
    /// As [`begin_coherent_changes`](Publisher::begin_coherent_changes).
    pub fn coherent_changes(&self) -> DdsResult<CoherentChanges<'_>> {
        self.begin_coherent_changes()?;
        Ok(CoherentChanges { publisher: self })
    }
}

/// An open coherent set; see [`Publisher::coherent_changes`]. It ends when this is dropped.
#[derive(Debug)]
#[must_use = "the set ends when the guard is dropped"]
pub struct CoherentChanges<'p> {
    publisher: &'p Publisher,
}

impl CoherentChanges<'_> {
    /// Ends the set; dropping does the same.
    pub fn end(self) {}
}

impl Drop for CoherentChanges<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.publisher.end_coherent_changes() {
            tracing::warn!(%error, "the coherent set of a guard has been ended by others");
        }
    }
}
