//! Tells a forked child that what it inherited is not its own.

use crate::sys;

/// A mark that a `fork` erases in the child.
///
/// After `fork` the child shares the parent's sockets but has none of its threads, so anything it inherited
/// must answer with an error. Checking is one load on Linux (a page with `MADV_WIPEONFORK`); where that is
/// missing it compares process ids.
#[derive(Debug)]
pub struct ForkGuard {
    mark: sys::ForkMark,
}

impl ForkGuard {
    /// Marks the calling process as the owner.
    #[must_use]
    pub fn new() -> Self {
        Self { mark: sys::ForkMark::new() }
    }

    /// Whether the caller is a process forked after this guard was made.
    #[inline]
    #[must_use]
    pub fn is_forked_child(&self) -> bool {
        self.mark.is_erased()
    }
}

impl Default for ForkGuard {
    fn default() -> Self {
        Self::new()
    }
}
