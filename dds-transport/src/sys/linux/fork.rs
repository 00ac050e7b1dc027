//! A page that the kernel wipes in a forked child.

use std::sync::atomic::{AtomicU8, Ordering};

/// See [`ForkGuard`](crate::ForkGuard).
#[derive(Debug)]
pub(crate) enum ForkMark {
    /// A private page holding 1, or 0 after a fork.
    Page(WipedPage),
    /// Kernels before 4.14: compare process ids, a system call.
    ProcessId(u32),
}

impl ForkMark {
    pub(crate) fn new() -> Self {
        WipedPage::new().map_or_else(|| Self::ProcessId(std::process::id()), Self::Page)
    }

    #[inline]
    pub(crate) fn is_erased(&self) -> bool {
        match self {
            Self::Page(page) => page.mark().load(Ordering::Relaxed) == 0,
            Self::ProcessId(owner) => *owner != std::process::id(),
        }
    }
}

#[derive(Debug)]
pub(crate) struct WipedPage(*mut libc::c_void);

/// The kernel rounds lengths up to whole pages.
const LENGTH: usize = 1;

impl WipedPage {
    fn new() -> Option<Self> {
        // SAFETY: an anonymous mapping at an address the kernel chooses touches no existing memory.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                LENGTH,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return None;
        }
        let page = Self(page);
        // SAFETY: the range is the mapping just made, which nothing else uses.
        if unsafe { libc::madvise(page.0, LENGTH, libc::MADV_WIPEONFORK) } != 0 {
            return None;
        }
        page.mark().store(1, Ordering::Relaxed);
        Some(page)
    }

    #[inline]
    fn mark(&self) -> &AtomicU8 {
        // SAFETY: the mapping lives as long as `self`, is readable, writable and page-aligned, and is only
        // accessed as this atomic.
        unsafe { AtomicU8::from_ptr(self.0.cast()) }
    }
}

impl Drop for WipedPage {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly the mapping `new` made; no reference outlives `self`.
        unsafe { libc::munmap(self.0, LENGTH) };
    }
}

// SAFETY: the page is owned and only accessed atomically.
unsafe impl Send for WipedPage {}
// SAFETY: as above.
unsafe impl Sync for WipedPage {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_sees_the_mark_erased() {
        let mark = ForkMark::new();
        assert!(matches!(mark, ForkMark::Page(_)));
        assert!(!mark.is_erased());
        // SAFETY: the child only loads a byte and exits, both async-signal-safe.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let status = i32::from(!mark.is_erased());
            // SAFETY: ends the child without running the parent's exit handlers.
            unsafe { libc::_exit(status) };
        }
        let mut status = 0;
        // SAFETY: `child` is a child of ours and `status` valid for writing.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0);
        assert!(!mark.is_erased());
    }
}
