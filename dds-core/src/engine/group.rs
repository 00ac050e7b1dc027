//! What endpoints of one publisher do together.

use dds_rtps::structure::SequenceNumber;
use parking_lot::{Mutex, MutexGuard};

/// The writers of a publisher with PRESENTATION access scope GROUP: the unit that is locked when one of
/// them writes, so that the samples of all have one order (DDS 1.4 §2.2.3.6, RTPS 2.5 §8.7.6).
///
/// Taken before a writer's own lock, and never two of them.
#[derive(Debug, Default)]
pub(crate) struct DeliveryGroup(Mutex<GroupState>);

/// What the group's lock guards.
#[derive(Debug, Default)]
pub(crate) struct GroupState {
    last: SequenceNumber,
}

impl DeliveryGroup {
    pub(super) fn lock(&self) -> MutexGuard<'_, GroupState> {
        self.0.lock()
    }
}

impl GroupState {
    /// The number of the group's next sample.
    pub(super) fn advance(&mut self) -> SequenceNumber {
        self.last = self.last.next();
        self.last
    }
}
