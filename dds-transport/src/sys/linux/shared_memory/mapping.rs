//! Sealed segments and their mappings.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{Advice, MapFlags, ProtFlags};

/// No one may change the length of the memory below our feet.
const SEALS: SealFlags = SealFlags::SHRINK.union(SealFlags::GROW).union(SealFlags::SEAL);

/// An anonymous file of that length, which stays so.
pub(super) fn create_segment(length: usize) -> io::Result<OwnedFd> {
    let segment = rustix::fs::memfd_create(c"dds", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    rustix::fs::ftruncate(&segment, length as u64)?;
    rustix::fs::fcntl_add_seals(&segment, SEALS)?;
    Ok(segment)
}

/// Makes sure that another process's descriptor is such a file.
pub(super) fn open_segment(segment: BorrowedFd<'_>, length: usize) -> io::Result<()> {
    let refused = |why| io::Error::new(io::ErrorKind::InvalidData, why);
    // Anything but such a file has no seals.
    if !rustix::fs::fcntl_get_seals(segment)?.contains(SEALS) {
        return Err(refused("memory that its owner could shorten"));
    }
    if u64::try_from(rustix::fs::fstat(segment)?.st_size).ok() != Some(length as u64) {
        return Err(refused("a size other than announced"));
    }
    Ok(())
}

/// Part of a segment in this process's address space.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

impl Mapping {
    pub(super) fn new(
        segment: BorrowedFd<'_>,
        offset: usize,
        length: usize,
        access: ProtFlags,
    ) -> io::Result<Self> {
        // SAFETY: a new mapping at an address the kernel chooses touches no existing memory.
        let start = unsafe {
            rustix::mm::mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, segment, offset as u64)
        }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        let mapping = Self { start, length };
        // A forked child has no business here, and its copy would keep the memory from being freed.
        // SAFETY: the range is the mapping just made.
        unsafe { rustix::mm::madvise(mapping.start.as_ptr().cast(), length, Advice::LinuxDontFork) }?;
        Ok(mapping)
    }

    /// Its first byte.
    pub(super) fn start(&self) -> *mut u8 {
        self.start.as_ptr()
    }

    /// A word that the other process may write at any time.
    pub(super) fn shared_u64(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.length);
        // SAFETY: within the mapping and aligned, as just checked; only ever accessed as this atomic while
        // the mapping, which outlives the reference, is there. A read-only mapping is only loaded from.
        unsafe { AtomicU64::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }

    /// As [`shared_u64`](Self::shared_u64).
    pub(super) fn shared_u32(&self, offset: usize) -> &AtomicU32 {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.length);
        // SAFETY: as in `shared_u64`.
        unsafe { AtomicU32::from_ptr(self.start.as_ptr().add(offset).cast()) }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what `new` mapped; no reference outlives `self`. In a forked child nothing is
        // mapped there, which is no error.
        let _ = unsafe { rustix::mm::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

// SAFETY: the mapping is owned; shared words are accessed as atomics, the rest by exclusive owners.
unsafe impl Send for Mapping {}
// SAFETY: as above.
unsafe impl Sync for Mapping {}
