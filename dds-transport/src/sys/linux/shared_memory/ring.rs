//! A one-way ring of messages in memory that two processes share.
//!
//! ```text
//! 0      tail: bytes published, written by the sender
//! 64     head: bytes consumed, written by the receiver
//! 128    asleep: whether the receiver wants to be woken
//! 4096   records: length (4 bytes), parts elsewhere (4 bytes), the message, padding to 8 bytes
//! ```
//!
//! Where parts of a message lie elsewhere, it is followed by where each of them belongs, and by the place in a slot of
//! the sender's pool that all of them are in.
//!
//! Records do not wrap: the length [`SKIP`] says that the next one is at the start. Each side keeps its own
//! position in memory of its own and believes of the other's only what is possible.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{Ordering, fence};

use rustix::mm::ProtFlags;

use super::mapping::{Mapping, create_segment, open_segment};
use super::pool::Place;
use crate::shared_memory::{LentPart, SharedMemoryConfig};

/// The first record's place; a page, so that the receiver can map records read-only.
const HEADER: usize = 4096;
const TAIL: usize = 0;
const HEAD: usize = 64;
const ASLEEP: usize = 128;

/// Bytes before a message.
const RECORD: usize = 8;
/// In place of a length: the rest up to the end is unused.
const SKIP: u32 = u32::MAX;

/// Bytes of a place, and of what tells of a part.
const PLACE: usize = 24;
const PART: usize = 12;

/// An empty ring is used from the start again beyond this place: memory that has just been used is in the
/// caches, and a ring that is never full never takes up all its memory.
const REWIND_FROM: usize = 32 << 10;

/// Bytes of records a ring may have. The smallest takes messages as large as the largest datagram.
pub(super) const SMALLEST_RING: usize = SharedMemoryConfig::SMALLEST;
pub(super) const LARGEST_RING: usize = SharedMemoryConfig::LARGEST;

/// Why a message did not go into the ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PushError {
    /// The receiver has not taken enough yet.
    Full,
    /// It never will fit.
    TooLarge,
    /// The receiver wrote nonsense.
    Broken,
}

/// What was taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Popped {
    Whole,
    /// Parts of the message lie elsewhere.
    WithParts(Place),
}

/// The sender wrote nonsense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken;

/// The sending end.
#[derive(Debug)]
pub(super) struct RingWriter {
    mapping: Mapping,
    capacity: usize,
    tail: u64,
    /// As last read from the receiver, and then found possible.
    head: u64,
}

impl RingWriter {
    /// A new segment with a ring of `capacity` bytes, a power of two, and its sending end.
    pub(super) fn create(capacity: usize) -> io::Result<(OwnedFd, Self)> {
        let segment = create_segment(HEADER + capacity)?;
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let mapping = Mapping::new(segment.as_fd(), 0, HEADER + capacity, access)?;
        Ok((segment, Self { mapping, capacity, tail: 0, head: 0 }))
    }

    /// The longest message that can be sent.
    pub(super) fn longest(&self) -> usize {
        self.capacity / 2 - RECORD
    }

    /// Appends a message; whether the receiver must be woken. The `parts` that lie elsewhere are in that place.
    pub(super) fn push<'p>(
        &mut self,
        pieces: impl Iterator<Item = &'p [u8]> + Clone,
        parts: impl Iterator<Item = LentPart> + Clone,
        place: Option<Place>,
    ) -> Result<bool, PushError> {
        let place = place.map(Place::to_bytes);
        let place = place.as_ref().map_or(&[][..], |place| place);
        let parts_count = parts.clone().count();
        let length = pieces.clone().map(<[u8]>::len).sum::<usize>() + parts_count * PART + place.len();
        if length == 0 || length > self.longest() {
            return Err(PushError::TooLarge);
        }
        let needed = RECORD + length.next_multiple_of(8);
        let offset = self.offset();
        let to_end = self.capacity - offset;
        let mut skipped = if needed > to_end { to_end } else { 0 };
        if skipped == 0 && offset >= REWIND_FROM && self.look_at_head()? == self.tail {
            skipped = to_end;
        }
        if self.free() < skipped + needed {
            self.look_at_head()?;
            if self.free() < skipped + needed {
                return Err(PushError::Full);
            }
        }
        let at = if skipped == 0 { offset } else { 0 };
        if skipped > 0 {
            self.mapping.shared_u32(HEADER + offset).store(SKIP, Ordering::Relaxed);
        }
        // Below the capacity, which is far below 4 GiB.
        self.mapping.shared_u32(HEADER + at).store(length as u32, Ordering::Relaxed);
        // Below the length.
        self.mapping.shared_u32(HEADER + at + 4).store(parts_count as u32, Ordering::Relaxed);
        let mut to = HEADER + at + RECORD;
        let end = to + length;
        let mut copy = |piece: &[u8]| {
            // Should an iterator yield more than it did when it was counted, the message ends where it was to end.
            let piece = piece.get(..end - to).unwrap_or(piece);
            // SAFETY: the piece ends at `end` at most, and `at + needed` is at most the capacity, so that it lies
            // within the mapping; the receiver does not read there before `tail` says so, and a piece is no shared
            // memory of ours.
            unsafe {
                std::ptr::copy_nonoverlapping(piece.as_ptr(), self.mapping.start().add(to), piece.len());
            }
            to += piece.len();
        };
        pieces.for_each(&mut copy);
        parts.for_each(|part| copy(&part.to_bytes()));
        copy(place);
        self.tail += (skipped + needed) as u64;
        self.mapping.shared_u64(TAIL).store(self.tail, Ordering::Release);
        // Pairs with the fence in `RingReader::rest`: either we see it asleep, or it sees the new tail.
        fence(Ordering::SeqCst);
        let asleep = self.mapping.shared_u32(ASLEEP);
        Ok(asleep.load(Ordering::Relaxed) != 0 && asleep.swap(0, Ordering::AcqRel) != 0)
    }

    fn offset(&self) -> usize {
        (self.tail % self.capacity as u64) as usize
    }

    fn free(&self) -> usize {
        self.capacity - (self.tail - self.head) as usize
    }

    fn look_at_head(&mut self) -> Result<u64, PushError> {
        let head = self.mapping.shared_u64(HEAD).load(Ordering::Acquire);
        if head < self.head || head > self.tail {
            return Err(PushError::Broken);
        }
        self.head = head;
        Ok(head)
    }
}

/// The receiving end.
#[derive(Debug)]
pub(super) struct RingReader {
    header: Mapping,
    records: Mapping,
    capacity: usize,
    head: u64,
    /// As last read from the sender, and then found possible.
    tail: u64,
    /// No more is read than up to `tail`.
    has_ended: bool,
}

impl RingReader {
    /// The receiving end of a segment that another process made.
    pub(super) fn open(segment: BorrowedFd<'_>, capacity: u64) -> io::Result<Self> {
        let refused = |why| io::Error::new(io::ErrorKind::InvalidData, why);
        let capacity = usize::try_from(capacity).unwrap_or(usize::MAX);
        if !capacity.is_power_of_two() || !(SMALLEST_RING..=LARGEST_RING).contains(&capacity) {
            return Err(refused("a size out of bounds"));
        }
        open_segment(segment, HEADER + capacity)?;
        let header = Mapping::new(segment, 0, HEADER, ProtFlags::READ | ProtFlags::WRITE)?;
        let records = Mapping::new(segment, HEADER, capacity, ProtFlags::READ)?;
        Ok(Self { header, records, capacity, head: 0, tail: 0, has_ended: false })
    }

    /// Whether there is a message, or what looks like one.
    pub(super) fn has_message(&self) -> bool {
        self.head != self.tail || self.header.shared_u64(TAIL).load(Ordering::Acquire) != self.head
    }

    /// Bytes of records that wait, at most as many as there is room for.
    pub(super) fn waiting_bytes(&self) -> usize {
        let tail = self.header.shared_u64(TAIL).load(Ordering::Acquire);
        // Below the capacity.
        tail.saturating_sub(self.head).min(self.capacity as u64) as usize
    }

    /// Asks to be woken by the next message. [`fence`] and a look at
    /// [`has_message`](Self::has_message) must follow before going to sleep.
    pub(super) fn ask_to_be_woken(&self) {
        let asleep = self.header.shared_u32(ASLEEP);
        if asleep.load(Ordering::Relaxed) == 0 {
            asleep.store(1, Ordering::Relaxed);
        }
    }

    /// Takes the next message out into `buffer`, whose content it replaces, and says what of it lies elsewhere, with
    /// where that belongs in `parts`; `None` when there is none.
    ///
    /// It is copied before anybody looks into it, because the sender could go on changing it.
    pub(super) fn pop(
        &mut self,
        buffer: &mut Vec<u8>,
        parts: &mut Vec<LentPart>,
    ) -> Result<Option<Popped>, Broken> {
        loop {
            if self.head == self.tail && !self.look_at_tail()? {
                return Ok(None);
            }
            let offset = (self.head % self.capacity as u64) as usize;
            let available = (self.tail - self.head) as usize;
            let to_end = self.capacity - offset;
            // Read once: what was checked is what is used.
            let length = self.records.shared_u32(offset).load(Ordering::Relaxed);
            if length == SKIP {
                if offset == 0 || to_end > available {
                    return Err(Broken);
                }
                self.head += to_end as u64;
                continue;
            }
            let length = length as usize;
            if length == 0 || length > available.min(to_end) {
                return Err(Broken);
            }
            let needed = RECORD + length.next_multiple_of(8);
            let parts_count = self.records.shared_u32(offset + 4).load(Ordering::Relaxed) as usize;
            if needed > available.min(to_end) {
                return Err(Broken);
            }
            buffer.clear();
            buffer.reserve(length);
            // SAFETY: `offset + needed` is at most the capacity, so that the source lies within the mapping;
            // the destination has room for `length` bytes and is initialised by the copy. Should the sender
            // write there meanwhile, the bytes are any bytes, all of which are valid.
            unsafe {
                let from = self.records.start().add(offset + RECORD);
                std::ptr::copy_nonoverlapping(from, buffer.as_mut_ptr(), length);
                buffer.set_len(length);
            }
            self.head += needed as u64;
            self.header.shared_u64(HEAD).store(self.head, Ordering::Release);
            parts.clear();
            if parts_count == 0 {
                return Ok(Some(Popped::Whole));
            }
            let (before, place) = buffer.split_last_chunk().ok_or(Broken)?;
            let place = Place::from_bytes(*place);
            let own = before.len().checked_sub(parts_count.saturating_mul(PART)).ok_or(Broken)?;
            let (told, _) = before.get(own..).unwrap_or_default().as_chunks();
            parts.extend(told.iter().map(|told| LentPart::from_bytes(*told)));
            buffer.truncate(own);
            return Ok(Some(Popped::WithParts(place)));
        }
    }

    /// What the sender has published by now is the last.
    pub(super) fn end(&mut self) {
        // Should it be nonsense, that is all the more the end.
        let _ = self.look_at_tail();
        self.has_ended = true;
    }

    fn look_at_tail(&mut self) -> Result<bool, Broken> {
        if self.has_ended {
            return Ok(false);
        }
        let tail = self.header.shared_u64(TAIL).load(Ordering::Acquire);
        let is_possible = tail >= self.tail && tail - self.head <= self.capacity as u64;
        if !is_possible || !tail.is_multiple_of(8) {
            return Err(Broken);
        }
        self.tail = tail;
        Ok(self.tail != self.head)
    }
}

impl Place {
    fn to_bytes(self) -> [u8; PLACE] {
        let mut bytes = [0; PLACE];
        let parts = [self.start, self.length, u64::from(self.slot)];
        for (to, part) in bytes.chunks_exact_mut(8).zip(parts) {
            to.copy_from_slice(&part.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: [u8; PLACE]) -> Self {
        let word = |at: usize| {
            let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk());
            u64::from_le_bytes(chunk.copied().unwrap_or_default())
        };
        Self { start: word(0), length: word(8), slot: u32::try_from(word(16)).unwrap_or(u32::MAX) }
    }
}

impl LentPart {
    fn to_bytes(self) -> [u8; PART] {
        let mut bytes = [0; PART];
        for (to, part) in bytes.chunks_exact_mut(4).zip([self.at, self.start, self.length]) {
            to.copy_from_slice(&part.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: [u8; PART]) -> Self {
        let [at, start, length] = [0, 4, 8].map(|at| {
            let chunk = bytes.get(at..).and_then(|rest| rest.first_chunk());
            u32::from_le_bytes(chunk.copied().unwrap_or_default())
        });
        Self { at, start, length }
    }
}

/// Between [`RingReader::ask_to_be_woken`] of all rings and the last look at them.
pub(super) fn rest() {
    fence(Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use std::iter::once;

    use super::*;

    const CAPACITY: usize = SMALLEST_RING;

    fn ring() -> (RingWriter, RingReader) {
        let (segment, writer) = RingWriter::create(CAPACITY).unwrap();
        let reader = RingReader::open(segment.as_fd(), CAPACITY as u64).unwrap();
        (writer, reader)
    }

    fn push(writer: &mut RingWriter, message: &[u8]) -> Result<bool, PushError> {
        let (one, two) = message.split_at(message.len() / 3);
        writer.push([one, two].into_iter(), [].into_iter(), None)
    }

    fn message(number: usize) -> Vec<u8> {
        (0..1 + number * 37 % 5000).map(|at| (number + at) as u8).collect()
    }

    #[test]
    fn messages_come_out_whole_and_in_order() {
        let (mut writer, mut reader) = ring();
        let mut buffer = Vec::new();
        let (mut sent, mut received) = (0, 0);
        while received < 5_000 {
            // As many as fit, then all but a few out: every place of the ring is an end once.
            while sent < 5_000 && push(&mut writer, &message(sent)).is_ok() {
                sent += 1;
            }
            for _ in 0..1 + sent % 7 {
                if reader.pop(&mut buffer, &mut Vec::new()).unwrap().is_some() {
                    assert_eq!(buffer, message(received));
                    received += 1;
                }
            }
        }
        assert_eq!(reader.pop(&mut buffer, &mut Vec::new()), Ok(None));
    }

    #[test]
    fn a_full_ring_says_so_and_goes_on() {
        let (mut writer, mut reader) = ring();
        let mut buffer = Vec::new();
        let whole = vec![7; writer.longest()];
        assert_eq!(push(&mut writer, &[1; CAPACITY]), Err(PushError::TooLarge));
        assert_eq!(push(&mut writer, &[]), Err(PushError::TooLarge));
        for _ in 0..10 {
            push(&mut writer, &whole).unwrap();
            push(&mut writer, &[9; 1]).unwrap();
            assert_eq!(push(&mut writer, &whole), Err(PushError::Full));
            assert_eq!(reader.pop(&mut buffer, &mut Vec::new()), Ok(Some(Popped::Whole)));
            assert_eq!(buffer, whole);
            assert_eq!(reader.pop(&mut buffer, &mut Vec::new()), Ok(Some(Popped::Whole)));
            assert_eq!(buffer, [9]);
        }
    }

    #[test]
    fn only_a_sleeper_is_woken_and_only_once() {
        let (mut writer, reader) = ring();
        assert_eq!(push(&mut writer, b"a"), Ok(false));
        reader.ask_to_be_woken();
        rest();
        assert!(reader.has_message());
        assert_eq!(reader.waiting_bytes(), RECORD + 8);
        assert_eq!(push(&mut writer, b"b"), Ok(true));
        assert_eq!(push(&mut writer, b"c"), Ok(false));
    }

    #[test]
    fn nonsense_of_the_sender_is_noticed() {
        let cases: [fn(&RingReader, &RingWriter); 7] = [
            // More published than there is room for.
            |reader, _| reader.header.shared_u64(TAIL).store(CAPACITY as u64 + 8, Ordering::Release),
            |reader, _| reader.header.shared_u64(TAIL).store(u64::MAX, Ordering::Release),
            |reader, _| reader.header.shared_u64(TAIL).store(12, Ordering::Release),
            // Lengths beyond what is published, beyond the end, zero, and a skip that leads nowhere.
            |_, writer| writer.mapping.shared_u32(HEADER).store(u32::MAX - 1, Ordering::Release),
            |_, writer| writer.mapping.shared_u32(HEADER).store(17, Ordering::Release),
            |_, writer| writer.mapping.shared_u32(HEADER).store(0, Ordering::Release),
            |_, writer| writer.mapping.shared_u32(HEADER).store(SKIP, Ordering::Release),
        ];
        for (number, spoil) in cases.into_iter().enumerate() {
            let (mut writer, mut reader) = ring();
            push(&mut writer, b"sixteen bytes...").unwrap();
            spoil(&reader, &writer);
            assert_eq!(reader.pop(&mut Vec::new(), &mut Vec::new()), Err(Broken), "case {number}");
        }
    }

    #[test]
    fn any_bytes_in_the_ring_end_in_an_error_or_in_messages() {
        let seed = 0x5eed_u64;
        let mut random = seed;
        let mut next = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) as u32
        };
        let mut broken = 0;
        for round in 0..100 {
            let (writer, mut reader) = ring();
            for word in 0..CAPACITY / 8 {
                let value = next();
                // Mostly small, so that some records are possible.
                let value = if value.is_multiple_of(16) { value } else { value % 64 };
                writer.mapping.shared_u32(HEADER + word * 8).store(value, Ordering::Relaxed);
            }
            let tail = u64::from(next()) % (CAPACITY as u64 / 8 + 1) * 8;
            writer.mapping.shared_u64(TAIL).store(tail, Ordering::Release);
            let mut buffer = Vec::new();
            for popped in 0.. {
                assert!(popped <= CAPACITY / 16, "seed {seed:x}, round {round}: no end");
                match reader.pop(&mut buffer, &mut Vec::new()) {
                    Ok(Some(_)) => assert!(buffer.len() <= CAPACITY),
                    Ok(None) => break,
                    Err(Broken) => {
                        broken += 1;
                        break;
                    }
                }
            }
        }
        assert!(broken > 0, "seed {seed:x}");
    }

    #[test]
    fn nonsense_of_the_receiver_is_noticed() {
        for head in [u64::MAX, 4 * CAPACITY as u64] {
            let (mut writer, reader) = ring();
            reader.header.shared_u64(HEAD).store(head, Ordering::Release);
            let mut result = Ok(false);
            for _ in 0..CAPACITY / 16 {
                result = push(&mut writer, b"x");
                if result.is_err() {
                    break;
                }
            }
            assert_eq!(result, Err(PushError::Broken), "{head}");
        }
    }

    #[test]
    fn memory_that_could_change_its_length_is_refused() {
        use rustix::fs::{MemfdFlags, SealFlags};
        let open = |segment: &OwnedFd, capacity| RingReader::open(segment.as_fd(), capacity).is_ok();
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let length = (HEADER + CAPACITY) as u64;
        let segment = rustix::fs::memfd_create(c"test", flags).unwrap();
        rustix::fs::ftruncate(&segment, length).unwrap();
        assert!(!open(&segment, CAPACITY as u64), "unsealed");
        rustix::fs::fcntl_add_seals(&segment, SealFlags::SHRINK).unwrap();
        assert!(!open(&segment, CAPACITY as u64), "sealed by half");
        let rest = SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&segment, rest).unwrap();
        assert!(open(&segment, CAPACITY as u64));
        for other in [0, 1, CAPACITY as u64 * 2, CAPACITY as u64 - 8, u64::MAX, 1 << 40] {
            assert!(!open(&segment, other), "{other}");
        }
        let (not_memory, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(!open(&OwnedFd::from(not_memory), CAPACITY as u64));
    }

    #[test]
    fn places_travel_with_their_message() {
        let (mut writer, mut reader) = ring();
        let (mut buffer, mut parts) = (Vec::new(), Vec::new());
        let place = Place { slot: 7, start: 1 << 33, length: u64::MAX };
        let told = [LentPart { at: 1, start: 0, length: 8 }, LentPart { at: 4, start: 8, length: u32::MAX }];
        writer.push(once(&b"head"[..]), told.into_iter(), Some(place)).unwrap();
        assert_eq!(reader.pop(&mut buffer, &mut parts), Ok(Some(Popped::WithParts(place))));
        assert_eq!((&buffer[..], &parts[..]), (&b"head"[..], &told[..]));
        push(&mut writer, b"without").unwrap();
        assert_eq!(reader.pop(&mut buffer, &mut parts), Ok(Some(Popped::Whole)));
        assert_eq!((&buffer[..], &parts[..]), (&b"without"[..], &[][..]));
        // Too short for a place, for a part, and for more parts than there can be.
        for (length, parts_count) in [(20, 1), (24, 1), (48, 3), (48, u32::MAX)] {
            let (mut writer, mut reader) = ring();
            writer.push(once(&[1; 48][..]), [].into_iter(), None).unwrap();
            writer.mapping.shared_u32(HEADER).store(length, Ordering::Release);
            writer.mapping.shared_u32(HEADER + 4).store(parts_count, Ordering::Release);
            assert_eq!(reader.pop(&mut buffer, &mut parts), Err(Broken));
        }
    }

    #[test]
    fn an_idle_ring_stays_small() {
        let (mut writer, mut reader) = ring();
        let mut buffer = Vec::new();
        for _ in 0..10_000 {
            push(&mut writer, &[5; 100]).unwrap();
            assert_eq!(reader.pop(&mut buffer, &mut Vec::new()), Ok(Some(Popped::Whole)));
            assert!(writer.offset() < REWIND_FROM + 256);
        }
    }
}
