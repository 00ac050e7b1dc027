//! Serialised sample bytes: shared, sliced, recycled.
//!
//! A [`Payload`] is a range of a reference-counted buffer. Cloning and slicing never copy.
//! A [`PayloadPool`] hands the same buffers out again, so that a steady writer or reader
//! allocates nothing per sample.

use alloc::{boxed::Box, vec::Vec};
use core::{
    any::Any,
    fmt,
    ops::{Deref, Range},
};

// Without weak references, whether a buffer is held once is seen without a locked instruction.
use triomphe::{Arc, UniqueArc};

/// Memory that is not the heap's, such as one shared with another process. Its bytes stay as they are as long
/// as it is there.
pub trait Memory: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> &[u8];

    /// How much there is of it, in bytes.
    fn size(&self) -> usize {
        self.bytes().len()
    }

    /// Itself, for whoever knows what it is.
    fn as_any(&self) -> &dyn Any;

    /// Itself, taken out.
    fn into_any(self: Box<Self>) -> Box<dyn Any>;
}

/// What a payload's bytes lie in.
#[derive(Default)]
struct Buffer {
    heap: Vec<u8>,
    /// Instead of `heap`.
    other: Option<Box<dyn Memory>>,
}

impl Buffer {
    fn bytes(&self) -> &[u8] {
        match &self.other {
            None => &self.heap,
            Some(memory) => memory.bytes(),
        }
    }
}

/// A range of a shared, immutable buffer.
#[derive(Clone, Default)]
pub struct Payload {
    /// `None` for an empty payload that needs no memory.
    buffer: Option<Arc<Buffer>>,
    start: u32,
    /// Or [`TO_THE_END`].
    end: u32,
}

/// In place of an end: all that there is.
const TO_THE_END: u32 = u32::MAX;

impl Payload {
    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        let Some(buffer) = &self.buffer else { return &[] };
        let bytes = buffer.bytes();
        match bytes.get(self.start as usize..self.end as usize) {
            Some(part) => part,
            None => self.to_the_end(bytes),
        }
    }

    #[cold]
    fn to_the_end<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let rest = if self.end == TO_THE_END { bytes.get(self.start as usize..) } else { None };
        rest.unwrap_or(&[])
    }

    /// All bytes of such memory; those past 4 GiB − 1 are not part of the payload.
    pub fn of_memory(memory: Box<dyn Memory>) -> Self {
        let end = u32::try_from(memory.bytes().len()).unwrap_or(u32::MAX);
        let buffer = Buffer { heap: Vec::new(), other: Some(memory) };
        Self { buffer: Some(Arc::new(buffer)), start: 0, end }
    }

    /// As [`of_memory`](Self::of_memory), without a look at the bytes, which may be made only when somebody
    /// asks for them.
    pub fn of_lazy_memory(memory: Box<dyn Memory>) -> Self {
        let buffer = Buffer { heap: Vec::new(), other: Some(memory) };
        Self { buffer: Some(Arc::new(buffer)), start: 0, end: TO_THE_END }
    }

    /// The memory it lies in, if that is not the heap and nobody else holds it.
    ///
    /// # Errors
    /// The payload as it was.
    pub fn into_memory(mut self) -> Result<Box<dyn Memory>, Self> {
        let Some(buffer) = self.buffer.take() else { return Err(self) };
        if buffer.other.is_none() || !buffer.is_unique() {
            self.buffer = Some(buffer);
            return Err(self);
        }
        // Nobody can have come by it meanwhile.
        let memory = Arc::into_unique(buffer).and_then(|mut buffer| buffer.other.take());
        memory.ok_or(self)
    }

    /// The memory it lies in, if that is not the heap.
    pub fn memory(&self) -> Option<&dyn Memory> {
        self.buffer.as_ref()?.other.as_deref()
    }

    /// Where in its memory it lies.
    pub fn range(&self) -> Range<usize> {
        let start = self.start as usize;
        start..start.saturating_add(self.len())
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match self.end {
            TO_THE_END => self.buffer.as_ref().map_or(0, |buffer| self.to_the_end(buffer.bytes()).len()),
            end => end.saturating_sub(self.start) as usize,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The part from `start` (counted from this payload's start) up to `end`, clipped to what is there.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> Self {
        self.clone().into_part(start, end)
    }

    /// As [`slice`](Self::slice), of a payload that is not needed as a whole.
    #[must_use]
    pub fn into_part(mut self, start: usize, end: usize) -> Self {
        let length = self.len();
        let (start, end) = (start.min(length), end.min(length));
        self.end = self.start.saturating_add(end.max(start) as u32);
        self.start = self.start.saturating_add(start as u32);
        self
    }

    /// Bytes of memory that this payload keeps from being freed.
    pub fn retained(&self) -> usize {
        self.buffer.as_ref().map_or(0, |buffer| match &buffer.other {
            None => buffer.heap.capacity(),
            Some(memory) if self.end == TO_THE_END => memory.size(),
            // Whoever lends the rest of it has its own bound.
            Some(_) => self.len(),
        })
    }

    /// Its buffer, to be filled anew, where it is the heap's and nobody else holds it.
    pub fn into_buffer(self) -> Option<PayloadBuffer> {
        let mut buffer = self.into_filled_buffer()?;
        buffer.heap.clear();
        Some(PayloadBuffer(buffer))
    }

    /// As [`into_buffer`](Self::into_buffer), with what is in it.
    fn into_filled_buffer(self) -> Option<UniqueArc<Buffer>> {
        self.into_unique().filter(|buffer| buffer.other.is_none())
    }

    /// Gives the buffer back when nobody else holds it.
    fn into_unique(self) -> Option<UniqueArc<Buffer>> {
        // A look first: it takes no locked instruction where nobody else ever held it.
        Arc::try_unique(self.buffer?).map_or_else(Arc::into_unique, Some)
    }
}

impl From<Vec<u8>> for Payload {
    /// Takes the vector without copying. Bytes past 4 GiB − 1 are not part of the payload.
    fn from(bytes: Vec<u8>) -> Self {
        let end = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let buffer = Buffer { heap: bytes, other: None };
        Self { buffer: Some(Arc::new(buffer)), start: 0, end }
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
pub struct PayloadBuffer(UniqueArc<Buffer>);

impl fmt::Debug for PayloadBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadBuffer({} bytes)", self.0.heap.len())
    }
}

impl Default for PayloadBuffer {
    fn default() -> Self {
        Self(UniqueArc::new(Buffer::default()))
    }
}

impl PayloadBuffer {
    /// An empty one for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self(UniqueArc::new(Buffer { heap: Vec::with_capacity(capacity), other: None }))
    }

    /// The bytes so far.
    pub fn bytes(&self) -> &[u8] {
        &self.0.heap
    }

    /// The bytes so far, to be appended to.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0.heap
    }

    /// The payload; bytes past 4 GiB − 1 are not part of it.
    pub fn seal(self) -> Payload {
        self.seal_from(0)
    }

    /// As [`seal`](Self::seal), without the first `start` bytes.
    #[inline]
    pub fn seal_from(self, start: u32) -> Payload {
        let end = u32::try_from(self.0.heap.len()).unwrap_or(u32::MAX);
        Payload { buffer: Some(self.0.shareable()), start: start.min(end), end }
    }
}

/// Buffers that are used again.
///
/// At most a fixed number of bytes is kept idle, so that one burst does not pin its memory for ever.
pub struct PayloadPool {
    free: Vec<PayloadBuffer>,
    /// What `free` takes, in bytes.
    idle: usize,
    limit: usize,
}

impl fmt::Debug for PayloadPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PayloadPool({} of {} bytes idle)", self.idle, self.limit)
    }
}

impl PayloadPool {
    /// What a buffer takes beside its capacity, in bytes: its head, and what the allocator adds to both.
    pub const OVERHEAD: usize = 80;

    /// A pool that keeps at most `limit` bytes in idle buffers.
    pub const fn new(limit: usize) -> Self {
        Self { free: Vec::new(), idle: 0, limit }
    }

    /// A copy of `bytes` in a recycled (or new) buffer.
    pub fn copy(&mut self, bytes: &[u8]) -> Payload {
        let mut buffer = self.checkout();
        buffer.bytes_mut().extend_from_slice(bytes);
        buffer.seal()
    }

    /// An empty buffer to be filled without holding the pool.
    pub fn checkout(&mut self) -> PayloadBuffer {
        let mut buffer = self.pop();
        buffer.0.heap.clear();
        buffer
    }

    /// A buffer of `length` bytes, to be overwritten: they are arbitrary, such as those of a payload before.
    pub fn checkout_filled(&mut self, length: usize) -> PayloadBuffer {
        let mut buffer = self.pop();
        buffer.0.heap.resize(length, 0);
        buffer
    }

    fn pop(&mut self) -> PayloadBuffer {
        let Some(buffer) = self.free.pop() else { return PayloadBuffer::default() };
        self.idle = self.idle.saturating_sub(Self::size(&buffer.0));
        buffer
    }

    /// Takes the payload's buffer back if this was its last holder.
    pub fn recycle(&mut self, payload: Payload) {
        let Some(buffer) = payload.into_filled_buffer() else { return };
        let idle = self.idle.saturating_add(Self::size(&buffer));
        if idle <= self.limit {
            self.idle = idle;
            self.free.push(PayloadBuffer(buffer));
        }
    }

    fn size(buffer: &UniqueArc<Buffer>) -> usize {
        buffer.heap.capacity().saturating_add(Self::OVERHEAD)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn slices_are_clipped_and_share_the_buffer() {
        let payload = Payload::from(&b"abcdef"[..]);
        assert_eq!(&*payload.slice(2, 4), b"cd");
        assert_eq!(&*payload.slice(2, 400), b"cdef");
        assert!(payload.slice(9, 4).is_empty());
        assert_eq!(&*payload.slice(1, 6).slice(1, 3), b"cd");
    }

    struct Static;

    impl Memory for Static {
        fn bytes(&self) -> &[u8] {
            b"abcdef"
        }

        fn as_any(&self) -> &dyn Any {
            self
        }

        fn into_any(self: Box<Self>) -> Box<dyn Any> {
            self
        }
    }

    #[test]
    fn other_memory_is_named_and_never_pooled() {
        let payload = Payload::of_memory(Box::new(Static));
        assert_eq!(payload, Payload::from(&b"abcdef"[..]));
        let part = payload.slice(2, 4);
        assert!(part.memory().unwrap().as_any().is::<Static>() && part.range() == (2..4));
        assert!(Payload::from(&b"x"[..]).memory().is_none());
        drop(part);
        let mut pool = PayloadPool::new(300);
        pool.recycle(payload);
        assert!(pool.free.is_empty());
    }

    #[test]
    fn the_pool_reuses_only_unshared_buffers() {
        let mut pool = PayloadPool::new(300);
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

    #[test]
    fn a_buffer_to_be_overwritten_is_not_cleared_and_one_to_be_filled_is() {
        let mut pool = PayloadPool::new(1_000);
        let first = pool.copy(b"one and more");
        pool.recycle(first);
        let buffer = pool.checkout_filled(8);
        assert_eq!(buffer.bytes(), b"one and ");
        pool.recycle(buffer.seal());
        assert_eq!(pool.checkout_filled(12).bytes(), b"one and \0\0\0\0");
        let again = pool.copy(b"two");
        pool.recycle(again);
        assert!(pool.checkout().bytes().is_empty());
    }

    #[test]
    fn the_pool_keeps_no_more_bytes_than_it_may() {
        let mut pool = PayloadPool::new(10_000);
        let payloads: Vec<_> = (0..100).map(|_| pool.copy(&[1; 920])).collect();
        payloads.into_iter().for_each(|payload| pool.recycle(payload));
        assert_eq!((pool.free.len(), pool.idle), (10, 10_000));
        pool.recycle(Payload::from(&[1; 9_000][..]));
        let _all: Vec<_> = (0..20).map(|_| pool.checkout()).collect();
        assert_eq!((pool.free.len(), pool.idle), (0, 0));
    }
}
