//! Whether an entity is enabled, and whether it still exists (DDS 1.4 §2.2.2.1.1.7).

use std::sync::atomic::{AtomicU8, Ordering};

use crate::error::{DdsError, DdsResult};

const DISABLED: u8 = 0;
const ENABLED: u8 = 1;
const DELETED: u8 = 2;

/// The life of one entity: disabled, then enabled, then deleted.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    state: AtomicU8,
    /// What it is, for errors.
    entity: &'static str,
}

impl Lifecycle {
    /// Of an entity that is not enabled yet.
    pub(crate) const fn disabled(entity: &'static str) -> Self {
        Self { state: AtomicU8::new(DISABLED), entity }
    }

    /// Of an entity that is enabled from the start.
    pub(crate) const fn enabled(entity: &'static str) -> Self {
        Self { state: AtomicU8::new(ENABLED), entity }
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.state.load(Ordering::Acquire) == ENABLED
    }

    /// Refuses an operation that only an enabled entity has.
    pub(crate) fn check(&self, operation: &'static str) -> DdsResult<()> {
        match self.state.load(Ordering::Acquire) {
            ENABLED => Ok(()),
            DISABLED => Err(DdsError::NotEnabled { operation }),
            _ => Err(DdsError::AlreadyDeleted { entity: self.entity }),
        }
    }

    /// Refuses an operation that any entity has which was not deleted.
    pub(crate) fn check_exists(&self) -> DdsResult<()> {
        match self.state.load(Ordering::Acquire) {
            DELETED => Err(DdsError::AlreadyDeleted { entity: self.entity }),
            _ => Ok(()),
        }
    }

    /// Enables it; whether it was disabled until now.
    pub(crate) fn enable(&self) -> DdsResult<bool> {
        match self.state.compare_exchange(DISABLED, ENABLED, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => Ok(true),
            Err(ENABLED) => Ok(false),
            Err(_) => Err(DdsError::AlreadyDeleted { entity: self.entity }),
        }
    }

    /// Deletes it. What it was until now.
    pub(crate) fn delete(&self) -> Before {
        match self.state.swap(DELETED, Ordering::AcqRel) {
            DISABLED => Before::Disabled,
            ENABLED => Before::Enabled,
            _ => Before::Deleted,
        }
    }
}

/// What an entity was before it was deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Before {
    Disabled,
    Enabled,
    Deleted,
}
