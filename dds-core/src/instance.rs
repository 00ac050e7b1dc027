//! Handles of instances and entities.

use std::{
    fmt,
    num::NonZeroU64,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Names an instance, or an entity that a built-in topic describes (DDS 1.4 §2.2.2.1.1, §2.3.2
/// `InstanceHandle_t`).
///
/// Handles are unique within their participant and are never given twice by it. They compare in the
/// order in which they were given, which is the order that `read_next_instance` follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct InstanceHandle(u64);

impl InstanceHandle {
    /// `HANDLE_NIL`: no instance.
    pub const NIL: Self = Self(0);

    /// Whether this is [`InstanceHandle::NIL`].
    pub const fn is_nil(self) -> bool {
        self.0 == 0
    }

    /// The number behind the handle, 0 for nil; for logs and foreign interfaces.
    pub const fn to_raw(self) -> u64 {
        self.0
    }

    /// The handle of a number that came from [`InstanceHandle::to_raw`].
    pub const fn from_raw(raw: u64) -> Self {
        Self(raw)
    }
}

impl From<NonZeroU64> for InstanceHandle {
    fn from(raw: NonZeroU64) -> Self {
        Self(raw.get())
    }
}

impl fmt::Display for InstanceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nil() { f.write_str("nil") } else { write!(f, "#{}", self.0) }
    }
}

impl fmt::Debug for InstanceHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstanceHandle({self})")
    }
}

/// Gives out the handles of one participant. Clones share the counter.
#[derive(Clone, Debug)]
pub struct InstanceHandleAllocator(Arc<AtomicU64>);

impl InstanceHandleAllocator {
    /// A counter that starts after [`InstanceHandle::NIL`].
    pub fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1)))
    }

    /// A handle that this participant has never given before, larger than all that it has.
    pub fn allocate(&self) -> InstanceHandle {
        // 2⁶⁴ handles last for centuries at any rate that memory allows.
        InstanceHandle(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

impl Default for InstanceHandleAllocator {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_share_the_counter_and_never_give_nil() {
        let one = InstanceHandleAllocator::new();
        let two = one.clone();
        let handles = [one.allocate(), two.allocate(), one.allocate()];
        assert!(handles.is_sorted_by(|a, b| a < b));
        assert!(!handles[0].is_nil());
    }
}
