//! Serialised sample bytes: shared, sliced, recycled.
//!
//! A [`Payload`] is a range of a reference-counted buffer. Cloning and slicing never copy.
//! A [`PayloadPool`] hands the same buffers out again, so that a steady writer or reader
//! allocates nothing per sample.

use alloc::{sync::Arc, vec::Vec};
use core::{fmt, ops::Deref};

/// A range of a shared, immutable buffer.
#[derive(Clone, Default)]
pub struct Payload {
    /// `None` for an empty payload that needs no memory.
    buffer: Option<Arc<Vec<u8>>>,
    start: u32,
    end: u32,
}

impl Payload {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        let range = self.start as usize..self.end as usize;
        self.buffer.as_ref().and_then(|buffer| buffer.get(range)).unwrap_or(&[])
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part from `start` (counted from this payload's start) up to `end`, clipped to what is there.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        let length = self.len();
        let (start, end) = (start.min(length), end.min(length));
        let end = end.max(start);
        Self {
            buffer: self.buffer.clone(),
            start: self.start.saturating_add(start as u32),
            end: self.start.saturating_add(end as u32),
        }
    }

    /// Bytes of memory that this payload keeps from being freed.
    pub fn retained(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| buffer.capacity())
    }

    /// Gives the buffer back when nobody else holds it.
    fn into_unique(self) -> Option<Arc<Vec<u8>>> {
        let mut buffer = self.buffer?;
        Arc::get_mut(&mut buffer).is_some().then_some(buffer)
    }
}

impl From<Vec<u8>> for Payload {
    /// Takes the vector without copying. Bytes past 4 GiB − 1 are not part of the payload.
    fn from(bytes: Vec<u8>) -> Self {
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { buffer: Some(Arc::new(bytes)), start: 0, end }
    }
}

impl From<&[u8]> for Payload {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl Deref for Payload {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Payload {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Payload {}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

/// A buffer that becomes a [`Payload`].
#[derive(Debug, Default)]
pub struct PayloadBuffer(Arc<Vec<u8>>);

impl PayloadBuffer {
    /// The bytes so far, to be appended to.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        // Unique until sealed, hence never copied.
        Arc::make_mut(&mut self.0)
    }

    /// The payload; bytes past 4 GiB − 1 are not part of it.
    pub fn seal(self) -> Payload {
        let end = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        Payload { buffer: Some(self.0), start: 0, end }
    }
}

/// Buffers that are used again.
///
/// Buffers above [`PayloadPool::LARGEST_KEPT`] are freed, and at most a fixed number is kept,
/// so that one burst does not pin its memory for ever.
#[derive(Debug)]
pub struct PayloadPool {
    free: Vec<Arc<Vec<u8>>>,
    limit: usize,
}

impl PayloadPool {
    /// The largest capacity that goes back into the pool, in bytes.
    pub const LARGEST_KEPT: usize = 64 * 1024;

    /// A pool that keeps at most `limit` idle buffers.
    pub const fn new(limit: usize) -> Self {
        Self { free: Vec::new(), limit }
    }

    /// A copy of `bytes` in a recycled (or new) buffer.
    pub fn copy(&mut self, bytes: &[u8]) -> Payload {
        let mut buffer = self.checkout();
        buffer.bytes_mut().extend_from_slice(bytes);
        buffer.seal()
    }

    /// An empty buffer to be filled without holding the pool.
    pub fn checkout(&mut self) -> PayloadBuffer {
        let mut buffer = self.free.pop().unwrap_or_default();
        match Arc::get_mut(&mut buffer) {
            Some(bytes) => bytes.clear(),
            // A buffer in the pool is unique by construction; were it not, a new one serves.
            None => buffer = Arc::default(),
        }
        PayloadBuffer(buffer)
    }

    /// Takes the payload's buffer back if this was its last holder.
    pub fn recycle(&mut self, payload: Payload) {
        if let Some(buffer) = payload.into_unique() {
            self.keep(buffer);
        }
    }

    fn keep(&mut self, buffer: Arc<Vec<u8>>) {
        if buffer.capacity() <= Self::LARGEST_KEPT && self.free.len() < self.limit {
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_clipped_and_share_the_buffer() {
        let payload = Payload::from(&b"abcdef"[..]);
        assert_eq!(&*payload.slice(2, 4), b"cd");
        assert_eq!(&*payload.slice(2, 400), b"cdef");
        assert!(payload.slice(9, 4).is_empty());
        assert_eq!(&*payload.slice(1, 6).slice(1, 3), b"cd");
    }

    #[test]
    fn the_pool_reuses_only_unshared_buffers() {
        let mut pool = PayloadPool::new(4);
        let first = pool.copy(b"one");
        let address = first.as_ptr();
        let shared = first.clone();
        pool.recycle(first);
        let second = pool.copy(b"two");
        assert_ne!(second.as_ptr(), address);
        assert_eq!(&*shared, b"one");
        pool.recycle(shared);
        assert_eq!(pool.copy(b"tri").as_ptr(), address);
    }
}
