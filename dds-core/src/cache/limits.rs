//! HISTORY and RESOURCE_LIMITS as counts.

use dds_qos::{History, HistoryKind, ResourceLimits};

/// How much a cache keeps; `usize::MAX` for no bound.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The depth of KEEP_LAST, `None` for KEEP_ALL.
    pub(super) keep_last: Option<usize>,
    pub(super) max_samples: usize,
    pub(super) max_instances: usize,
    pub(super) max_samples_per_instance: usize,
}

impl Limits {
    pub(super) fn new(history: &History, limits: &ResourceLimits) -> Self {
        let keep_last = match history.kind {
            HistoryKind::KeepLast => Some(history.depth.max(1) as usize),
            HistoryKind::KeepAll => None,
        };
        Self {
            keep_last,
            max_samples: limits.max_samples.as_usize(),
            max_instances: limits.max_instances.as_usize(),
            max_samples_per_instance: limits.max_samples_per_instance.as_usize(),
        }
    }
}

/// Deadlines that an instance missed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DeadlineMissed {
    /// The instance.
    pub instance: crate::instance::InstanceHandle,
    /// Periods that went by without a sample since the last report; 1 unless the caller was late.
    pub periods: u32,
}
