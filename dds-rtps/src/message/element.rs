//! Submessage elements (RTPS 2.5 §9.4.2): how each field type is read, written and sized.

use alloc::vec::Vec;

use dds_types::cdr::Endianness;
use md5::{Digest, Md5};
use smallvec::SmallVec;

use super::{
    MessageErrorKind, SubmessageId,
    number_set::{NumberSet, SetNumber},
};
use crate::{
    structure::{
        Count, EntityId, FragmentNumber, GuidPrefix, Locator, LocatorKind, ProtocolVersion, SequenceNumber,
        VendorId,
    },
    time::Timestamp,
};

/// The part of a submessage that is not read yet.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    endianness: Endianness,
    id: SubmessageId,
}

impl<'a> Cursor<'a> {
    pub(crate) const fn new(body: &'a [u8], endianness: Endianness, id: SubmessageId) -> Self {
        Self { rest: body, endianness, id }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn endianness(&self) -> Endianness {
        self.endianness
    }

    pub(crate) const fn id(&self) -> SubmessageId {
        self.id
    }

    pub(crate) const fn too_short(&self) -> MessageErrorKind {
        MessageErrorKind::SubmessageTooShort(self.id)
    }

    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], MessageErrorKind> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(self.too_short())?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], MessageErrorKind> {
        let (head, rest) = self.rest.split_at_checked(count).ok_or(self.too_short())?;
        self.rest = rest;
        Ok(head)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, MessageErrorKind> {
        let bytes = self.array()?;
        Ok(match self.endianness {
            Endianness::Big => u32::from_be_bytes(bytes),
            Endianness::Little => u32::from_le_bytes(bytes),
        })
    }

    pub(crate) fn u16(&mut self) -> Result<u16, MessageErrorKind> {
        let bytes = self.array()?;
        Ok(match self.endianness {
            Endianness::Big => u16::from_be_bytes(bytes),
            Endianness::Little => u16::from_le_bytes(bytes),
        })
    }
}

fn put_u32(value: u32, out: &mut Vec<u8>, endianness: Endianness) {
    out.extend_from_slice(&match endianness {
        Endianness::Big => value.to_be_bytes(),
        Endianness::Little => value.to_le_bytes(),
    });
}

pub(crate) fn put_u16(value: u16, out: &mut Vec<u8>, endianness: Endianness) {
    out.extend_from_slice(&match endianness {
        Endianness::Big => value.to_be_bytes(),
        Endianness::Little => value.to_le_bytes(),
    });
}

/// A field of a submessage. Implemented for all field types of RTPS 2.5; not for users' types.
pub trait SubmessageElement: Sized {
    /// Reads one off the front.
    #[doc(hidden)]
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind>;
    /// Appends it.
    fn write(&self, out: &mut Vec<u8>, endianness: Endianness);
    /// How many bytes `write` appends.
    fn size(&self) -> usize;
}

/// Elements that are plain bytes, the same in both byte orders.
macro_rules! byte_elements {
    ($($type:ty: $length:literal, $read:expr, $bytes:expr;)*) => {$(
        impl SubmessageElement for $type {
            fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind> {
                cursor.array::<$length>().map($read)
            }
            fn write(&self, out: &mut Vec<u8>, _: Endianness) {
                let bytes: fn(&Self) -> [u8; $length] = $bytes;
                out.extend_from_slice(&bytes(self));
            }
            fn size(&self) -> usize {
                $length
            }
        }
    )*};
}

byte_elements! {
    EntityId: 4, EntityId, |it| it.0;
    GuidPrefix: 12, GuidPrefix, |it| it.0;
    VendorId: 2, VendorId, |it| it.0;
    ProtocolVersion: 2, |[major, minor]| ProtocolVersion { major, minor }, |it| [it.major, it.minor];
    GroupDigest: 4, GroupDigest, |it| it.0;
    [u8; 4]: 4, |bytes| bytes, |it| *it;
    [u8; 8]: 8, |bytes| bytes, |it| *it;
}

/// Elements made of other elements, one after the other.
macro_rules! word_elements {
    ($($type:ty: ($($word:ident),+) => $read:expr, $words:expr;)*) => {$(
        impl SubmessageElement for $type {
            fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind> {
                $(let $word = cursor.u32()?;)+
                Ok($read)
            }
            fn write(&self, out: &mut Vec<u8>, endianness: Endianness) {
                let words: fn(&Self) -> _ = $words;
                for word in words(self) {
                    put_u32(word, out, endianness);
                }
            }
            fn size(&self) -> usize {
                [$(stringify!($word)),+].len().saturating_mul(4)
            }
        }
    )*};
}

/// The two halves of a 64-bit number, high one first (RTPS 2.5 §9.3.2.4).
pub(super) const fn halves(value: i64) -> [u32; 2] {
    [(value >> 32) as u32, value as u32]
}

const fn join(high: u32, low: u32) -> i64 {
    ((high as i64) << 32) | low as i64
}

word_elements! {
    u32: (value) => value, |it| [*it];
    Count: (value) => Count(value.cast_signed()), |it| [it.0.cast_unsigned()];
    FragmentNumber: (value) => FragmentNumber(value), |it| [it.0];
    SequenceNumber: (high, low) => SequenceNumber(join(high, low)), |it| halves(it.0);
    ChangeCount: (high, low) => ChangeCount(join(high, low)), |it| halves(it.0);
    Timestamp: (seconds, fraction) => Timestamp::from_wire(seconds, fraction), |it| {
        let (seconds, fraction) = it.to_wire();
        [seconds, fraction]
    };
    LocatorUdpV4: (address, port) => LocatorUdpV4 { address: address.to_be_bytes(), port },
        |it| [u32::from_be_bytes(it.address), it.port];
}

/// How many changes a GAP stands for that a filter dropped (RTPS 2.5 §8.3.5.10).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct ChangeCount(pub i64);

/// The digest of a writer group's members (RTPS 2.5 §9.4.2.15); zero for the empty group.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct GroupDigest(pub [u8; 4]);

impl GroupDigest {
    /// The first four bytes of the MD5 of `EntityIdSet_t`, a sequence of the ids in ascending order, as
    /// big-endian CDR.
    pub fn of(members: impl IntoIterator<Item = EntityId>) -> Self {
        let mut members: Vec<EntityId> = members.into_iter().collect();
        members.sort_unstable();
        members.dedup();
        if members.is_empty() {
            return Self::default();
        }
        let mut digest = Md5::new();
        digest.update((members.len() as u32).to_be_bytes());
        for member in &members {
            digest.update(member.0);
        }
        let [a, b, c, d, ..] = <[u8; 16]>::from(digest.finalize());
        Self([a, b, c, d])
    }
}

/// An IPv4 address and port (RTPS 2.5 §9.4.2.14).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LocatorUdpV4 {
    /// The address, first byte first.
    pub address: [u8; 4],
    /// The port.
    pub port: u32,
}

impl From<LocatorUdpV4> for Locator {
    fn from(locator: LocatorUdpV4) -> Self {
        let mut full = Self::udp_v4(locator.address, 0);
        full.port = locator.port;
        full
    }
}

impl SubmessageElement for Locator {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind> {
        let kind = LocatorKind(cursor.u32()?.cast_signed());
        Ok(Self { kind, port: cursor.u32()?, address: cursor.array()? })
    }

    fn write(&self, out: &mut Vec<u8>, endianness: Endianness) {
        put_u32(self.kind.0.cast_unsigned(), out, endianness);
        put_u32(self.port, out, endianness);
        out.extend_from_slice(&self.address);
    }

    fn size(&self) -> usize {
        LOCATOR_SIZE
    }
}

const LOCATOR_SIZE: usize = 24;

/// Where to answer: hardly ever more than one, and in everything that is read there is room for it.
pub type ReplyLocators = SmallVec<[Locator; 1]>;

/// Locators in a submessage (RTPS 2.5 §9.4.2.11). Those past the fourth are not kept: nobody sends
/// more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LocatorList(ReplyLocators);

impl LocatorList {
    /// How many are kept.
    pub const KEPT: usize = 4;

    /// The first four of `locators`.
    pub fn new(locators: impl IntoIterator<Item = Locator>) -> Self {
        Self(locators.into_iter().take(Self::KEPT).collect())
    }

    /// The locators.
    pub fn as_slice(&self) -> &[Locator] {
        &self.0
    }

    /// Itself, without a copy.
    pub(super) fn into_locators(self) -> ReplyLocators {
        self.0
    }
}

impl SubmessageElement for LocatorList {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind> {
        let count = cursor.u32()? as usize;
        let length = count
            .checked_mul(LOCATOR_SIZE)
            .filter(|length| *length <= cursor.rest().len())
            .ok_or(MessageErrorKind::LocatorsTooMany(cursor.id()))?;
        let mut locators = Cursor::new(cursor.bytes(length)?, cursor.endianness(), cursor.id());
        let kept = count.min(Self::KEPT);
        let mut list = Self(ReplyLocators::with_capacity(kept));
        for _ in 0..kept {
            list.0.push(Locator::read(&mut locators)?);
        }
        Ok(list)
    }

    fn write(&self, out: &mut Vec<u8>, endianness: Endianness) {
        put_u32(self.0.len() as u32, out, endianness);
        for locator in &self.0 {
            locator.write(out, endianness);
        }
    }

    fn size(&self) -> usize {
        self.0.len().saturating_mul(LOCATOR_SIZE).saturating_add(4)
    }
}

impl<N: SetNumber + SubmessageElement> SubmessageElement for NumberSet<N> {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageErrorKind> {
        let base = N::read(cursor)?;
        let num_bits = cursor.u32()?;
        if num_bits > Self::MAX_BITS {
            return Err(MessageErrorKind::SetTooLarge(cursor.id()));
        }
        let words = cursor.bytes(Self::words_for(num_bits).saturating_mul(4))?;
        let endianness = cursor.endianness();
        let words = words.as_chunks().0.iter().map(|word| match endianness {
            Endianness::Big => u32::from_be_bytes(*word),
            Endianness::Little => u32::from_le_bytes(*word),
        });
        Self::from_words(base, num_bits, words).ok_or(MessageErrorKind::SetTooLarge(cursor.id()))
    }

    fn write(&self, out: &mut Vec<u8>, endianness: Endianness) {
        self.base().write(out, endianness);
        put_u32(self.num_bits(), out, endianness);
        for word in self.words() {
            put_u32(*word, out, endianness);
        }
    }

    fn size(&self) -> usize {
        self.base().size().saturating_add(4).saturating_add(self.words().len().saturating_mul(4))
    }
}
