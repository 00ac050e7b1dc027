//! Memory for large messages, shared with all receivers at once and not copied by them.
//!
//! ```text
//! 0        one word for each slot: which receivers may read it, a bit each
//! CONTROL  the slots
//! ```
//!
//! A slot belongs to one message at a time. Its sender gives it up when it lets go of it and no receiver has a
//! bit in its word any more; a receiver takes its bit out when it has read the message, and the sender does
//! when the receiver's connection has ended. Where slots begin is the sender's own knowledge, which it tells
//! with each message: a receiver checks only that it is within the segment.

use std::fmt;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::mm::ProtFlags;

use super::mapping::{Mapping, create_segment, open_segment};

/// Slots there can be.
const MOST_SLOTS: usize = 4096;
/// Bytes of the words.
const CONTROL: usize = MOST_SLOTS * size_of::<u64>();

/// The smallest slot; they double from there.
const SMALLEST_SLOT: usize = 16 << 10;
/// Sizes of slots.
const CLASSES: usize = 14;

/// Bytes of slots that a segment may have.
pub(super) const LARGEST_POOL: usize = 1 << 30;

/// Where a message lies in the segment of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) slot: u32,
    /// From the first slot's start.
    pub(super) start: u64,
    pub(super) length: u64,
}

/// The sender's side.
#[derive(Debug)]
pub(super) struct Pool {
    control: Mapping,
    slots: Mapping,
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes given to slots so far, and how many slots there are.
    used: usize,
    count: u32,
    /// Slots of each size that their last message was let go of; receivers may still read it.
    free: [Vec<Slot>; CLASSES],
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    number: u32,
    start: usize,
}

impl Pool {
    /// A new segment with room for `capacity` bytes.
    pub(super) fn create(capacity: usize) -> io::Result<(OwnedFd, Arc<Self>)> {
        let segment = create_segment(CONTROL + capacity)?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let control = Mapping::new(segment.as_fd(), 0, CONTROL, access)?;
        let slots = Mapping::new(segment.as_fd(), CONTROL, capacity, access)?;
        Ok((segment, Arc::new(Self { control, slots, capacity, state: Mutex::default() })))
    }

    fn word(&self, slot: u32) -> &AtomicU64 {
        self.control.shared_u64(slot as usize * size_of::<u64>())
    }

    /// Memory for a message of `length` bytes; `None` when there is none left.
    pub(super) fn allocate(self: &Arc<Self>, length: usize) -> Option<SlotBuffer> {
        let size = length.max(SMALLEST_SLOT).checked_next_power_of_two()?;
        let class = (size / SMALLEST_SLOT).trailing_zeros() as usize;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let free = state.free.get_mut(class)?;
        // The one let go of last is the warmest.
        let is_unread = |slot: &Slot| self.word(slot.number).load(Ordering::Acquire) == 0;
        let slot = match free.iter().rposition(is_unread) {
            Some(at) => free.swap_remove(at),
            None => {
                if state.used + size > self.capacity || state.count as usize == MOST_SLOTS {
                    return None;
                }
                let slot = Slot { number: state.count, start: state.used };
                state.used += size;
                state.count += 1;
                slot
            }
        };
        drop(state);
        Some(SlotBuffer(Owned { pool: self.clone(), slot, class, length }))
    }

    /// The receiver of this bit is gone.
    pub(super) fn forget_receiver(&self, receiver: u32) {
        let count = self.state.lock().unwrap_or_else(PoisonError::into_inner).count;
        for slot in 0..count {
            self.word(slot).fetch_and(!bit(receiver), Ordering::AcqRel);
        }
    }
}

/// Receivers beyond the sixty-fourth have none, and get copies.
fn bit(receiver: u32) -> u64 {
    1_u64.checked_shl(receiver).unwrap_or(0)
}

/// A slot of our own, given back on drop.
struct Owned {
    pool: Arc<Pool>,
    slot: Slot,
    class: usize,
    length: usize,
}

impl Owned {
    fn start(&self) -> *mut u8 {
        // SAFETY: slots lie within the mapping.
        unsafe { self.pool.slots.start().add(self.slot.start) }
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let mut state = self.pool.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = state.free.get_mut(self.class) {
            free.push(self.slot);
        }
    }
}

/// A slot that is written. Its content is what was there before.
pub(crate) struct SlotBuffer(Owned);

impl SlotBuffer {
    /// From now on it is only read.
    pub(crate) fn freeze(self) -> SlotMessage {
        SlotMessage(self.0)
    }
}

impl Deref for SlotBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the slot has that many bytes and is ours alone until it is frozen and sent: it is neither free
        // nor in a message that a receiver reads.
        unsafe { std::slice::from_raw_parts(self.0.start(), self.0.length) }
    }
}

impl DerefMut for SlotBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.0.start(), self.0.length) }
    }
}

impl fmt::Debug for SlotBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotBuffer({} bytes)", self.0.length)
    }
}

/// A slot that is sent.
pub(crate) struct SlotMessage(Owned);

impl SlotMessage {
    /// Whether it lies in this pool.
    pub(super) fn is_in(&self, pool: &Arc<Pool>) -> bool {
        Arc::ptr_eq(&self.0.pool, pool)
    }

    /// Lets a receiver read `length` bytes from `offset` on, unless it does already.
    pub(super) fn lend(&self, receiver: u32, offset: usize, length: usize) -> Option<Place> {
        let bit = bit(receiver);
        let end = offset.checked_add(length)?;
        if bit == 0 || end > self.0.length {
            return None;
        }
        let before = self.0.pool.word(self.0.slot.number).fetch_or(bit, Ordering::AcqRel);
        (before & bit == 0).then_some(Place {
            slot: self.0.slot.number,
            start: (self.0.slot.start + offset) as u64,
            length: length as u64,
        })
    }

    /// The message was not sent after all.
    pub(super) fn take_back(&self, receiver: u32) {
        self.0.pool.word(self.0.slot.number).fetch_and(!bit(receiver), Ordering::AcqRel);
    }
}

impl Deref for SlotMessage {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: the slot has that many bytes; nobody writes them while this is there.
        unsafe { std::slice::from_raw_parts(self.0.start(), self.0.length) }
    }
}

impl fmt::Debug for SlotMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotMessage({} bytes)", self.0.length)
    }
}

/// Another process's pool, as one of its receivers sees it.
#[derive(Debug)]
pub(super) struct PeerPool {
    control: Mapping,
    slots: Mapping,
    capacity: usize,
    receiver: u32,
    /// How many of its messages are held.
    held: AtomicUsize,
    /// Open as long as any of its messages is held: its end tells the sender that none is.
    _connection: Arc<OwnedFd>,
}

impl PeerPool {
    pub(super) fn open(
        segment: BorrowedFd<'_>,
        capacity: u64,
        receiver: u32,
        connection: Arc<OwnedFd>,
    ) -> io::Result<Arc<Self>> {
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        if capacity > LARGEST_POOL || !capacity.is_multiple_of(4096) || capacity == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a size out of bounds"));
        }
        open_segment(segment, CONTROL + capacity)?;
        let control = Mapping::new(segment, 0, CONTROL, ProtFlags::READ | ProtFlags::WRITE)?;
        let slots = Mapping::new(segment, CONTROL, capacity, ProtFlags::READ)?;
        let held = AtomicUsize::new(0);
        Ok(Arc::new(Self { control, slots, capacity, receiver, held, _connection: connection }))
    }

    /// The message at `place`; `None` when that is nonsense.
    pub(super) fn message(self: &Arc<Self>, place: Place) -> Option<SlotReader> {
        let (start, length) = (usize::try_from(place.start).ok()?, usize::try_from(place.length).ok()?);
        let is_possible = start.checked_add(length)? <= self.capacity && (place.slot as usize) < MOST_SLOTS;
        is_possible.then(|| {
            self.held.fetch_add(1, Ordering::Relaxed);
            SlotReader { pool: self.clone(), slot: place.slot, start, length }
        })
    }
}

/// A message in another process's slot. While it is there, the sender, if it keeps to the rules, leaves it as
/// it is.
pub struct SlotReader {
    pool: Arc<PeerPool>,
    slot: u32,
    start: usize,
    length: usize,
}

impl SlotReader {
    /// How many messages of that process are held, with this one.
    pub(crate) fn held(&self) -> usize {
        self.pool.held.load(Ordering::Relaxed)
    }
}

impl Deref for SlotReader {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: within the mapping, as checked when it was made; the mapping lives as long as `self`, and cannot
        // shrink. That nobody writes there is the sender's promise: it is a process of the same user, which
        // could as well write anywhere in this one.
        unsafe { std::slice::from_raw_parts(self.pool.slots.start().add(self.start), self.length) }
    }
}

impl Drop for SlotReader {
    fn drop(&mut self) {
        let word = self.pool.control.shared_u64(self.slot as usize * size_of::<u64>());
        word.fetch_and(!bit(self.pool.receiver), Ordering::AcqRel);
        self.pool.held.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for SlotReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SlotReader({} bytes)", self.length)
    }
}
