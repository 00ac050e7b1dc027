//! Arbitrary submessages, and messages damaged on purpose, for tests of this and other crates.

use alloc::{format, string::String, vec, vec::Vec};
use core::fmt::Debug;

use dds_types::cdr::Endianness;

use super::{
    ContentFilterInfo, DataFragHeader, DataHeader, Datagram, FixedSubmessage, GroupDigest, Header,
    InlineQosToSend, LocatorList, LocatorUdpV4, MessageBuilder, MessageErrorKind, NumberSet, PayloadKind,
    SUBMESSAGES, SampleIdentity, SetNumber, StatusInfo, Submessage, SubmessageId,
    element::{ChangeCount, Cursor},
    receiver::RawSubmessage,
};
use crate::{
    discovery::FilterSignature,
    payload::Payload,
    structure::{
        Count, EntityId, FragmentNumber, Guid, GuidPrefix, KeyHash, Locator, LocatorKind, ProtocolVersion,
        SequenceNumber, VendorId,
    },
    time::Timestamp,
};

/// A source of numbers: the same ones for the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Seed(pub u64);

impl Seed {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// The next number, below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number().checked_rem(end).unwrap_or(0)
    }
}

/// Values made from a [`Seed`].
pub trait Generate: Sized {
    /// The next value.
    fn generate(seed: &mut Seed) -> Self;
}

macro_rules! generators {
    ($($type:ty: |$seed:ident| $value:expr;)*) => {
        $(impl Generate for $type {
            fn generate($seed: &mut Seed) -> Self {
                $value
            }
        })*
    };
}

generators! {
    bool: |seed| seed.below(2) == 0;
    u32: |seed| seed.number() as u32;
    EntityId: |seed| EntityId(Generate::generate(seed));
    GuidPrefix: |seed| GuidPrefix(Generate::generate(seed));
    VendorId: |seed| VendorId(Generate::generate(seed));
    GroupDigest: |seed| GroupDigest(Generate::generate(seed));
    ProtocolVersion: |seed| ProtocolVersion { major: seed.number() as u8, minor: seed.number() as u8 };
    Count: |seed| Count(seed.number() as i32);
    FragmentNumber: |seed| FragmentNumber(seed.number() as u32);
    ChangeCount: |seed| ChangeCount(seed.number() as i64);
    // Half of them as in real life, half anything.
    SequenceNumber: |seed| match seed.below(2) {
        0 => SequenceNumber(seed.below(1000) as i64),
        _ => SequenceNumber(seed.number() as i64),
    };
    // The wire has 32 bits of seconds.
    Timestamp: |seed| Timestamp::from_nanos(seed.below(u64::from(u32::MAX).wrapping_mul(1_000_000_000)));
    LocatorUdpV4: |seed| LocatorUdpV4 { address: Generate::generate(seed), port: seed.number() as u32 };
    Locator: |seed| Locator {
        kind: LocatorKind(seed.below(4) as i32),
        port: seed.number() as u32,
        address: Generate::generate(seed),
    };
    LocatorList: |seed| {
        let count = seed.below(5) as usize;
        LocatorList::new((0..count).map(|_| Locator::generate(seed)).collect::<Vec<_>>())
    };
}

impl<const N: usize> Generate for [u8; N] {
    fn generate(seed: &mut Seed) -> Self {
        core::array::from_fn(|_| seed.number() as u8)
    }
}

impl<T: Generate> Generate for Option<T> {
    fn generate(seed: &mut Seed) -> Self {
        bool::generate(seed).then(|| T::generate(seed))
    }
}

impl<N: SetNumber + Generate> Generate for NumberSet<N> {
    fn generate(seed: &mut Seed) -> Self {
        let mut set = Self::with_window(N::generate(seed), seed.below(257) as u32);
        for _ in 0..seed.below(20) {
            let offset = seed.below(u64::from(set.num_bits().max(1))) as u32;
            if let Some(number) = set.base().checked_plus(offset) {
                set.insert(number);
            }
        }
        set
    }
}

/// Appends a generated submessage with its header.
pub(super) fn write_generated<T: FixedSubmessage + Generate>(
    seed: &mut Seed,
    endianness: Endianness,
    out: &mut Vec<u8>,
) {
    T::generate(seed).write(out, endianness);
}

/// Writes and reads a generated submessage: it must come back equal, have the size it says, and be
/// refused exactly when it breaks a rule.
pub(super) fn round_trip<T: FixedSubmessage + Generate + PartialEq + Debug>(
    seed: &mut Seed,
    endianness: Endianness,
) -> Result<(), String> {
    let original = T::generate(seed);
    let mut bytes = Vec::new();
    original.write(&mut bytes, endianness);
    let Some((&[id, flags, ..], body)) = bytes.split_first_chunk::<4>() else {
        return Err(format!("{original:?} has no header"));
    };
    let mut cursor = Cursor::new(body, endianness, T::ID);
    let read = T::read_body(&mut cursor, flags).map_err(|error| format!("{original:?}: {error:?}"))?;
    if read != original || bytes.len() != original.size() || !cursor.rest().is_empty() {
        return Err(format!("{original:?} came back as {read:?}"));
    }
    let raw = RawSubmessage { id: SubmessageId(id), flags, offset: 0, body };
    match (Submessage::read(&raw, VendorId::OURS), original.violation()) {
        (Ok(_), None) => Ok(()),
        (Err(MessageErrorKind::Forbidden(_, rule)), Some(broken)) if rule == broken => Ok(()),
        (result, rule) => Err(format!("{original:?}: {result:?} although {rule:?}")),
    }
}

/// Between whom the messages of a corpus go.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Who seems to send.
    pub source: GuidPrefix,
    /// Whom it is for.
    pub destination: GuidPrefix,
    /// The writer.
    pub writer_id: EntityId,
    /// The reader.
    pub reader_id: EntityId,
}

/// One message of each kind of submessage in each byte order, and several forms of DATA and
/// DATA_FRAG with `payload`. Well formed, but their numbers are arbitrary.
pub fn messages(seed: &mut Seed, route: &Route, payload: &Payload) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for row in SUBMESSAGES {
        for endianness in [Endianness::Little, Endianness::Big] {
            let mut message = Header::new(route.source).to_bytes().to_vec();
            let start = message.len();
            (row.generate)(seed, endianness, &mut message);
            if is_between_endpoints(row.id) {
                address(&mut message, start.saturating_add(4), route);
            }
            all.push(message);
        }
    }
    for kind in [PayloadKind::None, PayloadKind::Data, PayloadKind::Key] {
        for inline in [None, Some(generate_inline_qos(seed))] {
            all.push(data(seed, route, kind, inline.as_ref(), payload));
            all.push(data_frag(seed, route, kind, inline.as_ref(), payload));
        }
    }
    all
}

fn is_between_endpoints(id: SubmessageId) -> bool {
    [
        SubmessageId::ACKNACK,
        SubmessageId::HEARTBEAT,
        SubmessageId::GAP,
        SubmessageId::NACK_FRAG,
        SubmessageId::HEARTBEAT_FRAG,
    ]
    .contains(&id)
}

/// Replaces the reader and writer ids, which such a submessage begins with.
fn address(message: &mut [u8], body: usize, route: &Route) {
    let ids = [route.reader_id.0, route.writer_id.0].concat();
    if let Some(place) = message.get_mut(body..).and_then(|rest| rest.get_mut(..ids.len())) {
        place.copy_from_slice(&ids);
    }
}

fn generate_inline_qos(seed: &mut Seed) -> InlineQosToSend {
    let guid = Guid::new(GuidPrefix::generate(seed), EntityId::generate(seed));
    InlineQosToSend {
        related_sample_identity: Some(SampleIdentity {
            writer_guid: guid,
            sequence_number: SequenceNumber::generate(seed),
        }),
        directed_write: bool::generate(seed).then_some(guid),
        coherent_set: Option::generate(seed),
        group_seq_num: Option::generate(seed),
        writer_group_info: Option::generate(seed),
        content_filter_info: bool::generate(seed).then(|| {
            let results = 0..seed.below(40) as u8;
            ContentFilterInfo::new(results.map(|number| (FilterSignature([number; 16]), number % 3 == 0)))
        }),
        ..InlineQosToSend::default()
    }
}

fn data_header(seed: &mut Seed, route: &Route, kind: PayloadKind) -> DataHeader<'static> {
    DataHeader {
        reader_id: route.reader_id,
        writer_id: route.writer_id,
        writer_sn: SequenceNumber(seed.below(1000).saturating_add(1) as i64),
        kind,
        status_info: StatusInfo(seed.below(4) as u32),
        key_hash: Option::<[u8; 16]>::generate(seed).map(KeyHash),
        qos_parameters: &[],
    }
}

fn data(
    seed: &mut Seed,
    route: &Route,
    kind: PayloadKind,
    inline: Option<&InlineQosToSend>,
    payload: &Payload,
) -> Vec<u8> {
    let mut datagram = Datagram::new();
    let header = data_header(seed, route, kind);
    MessageBuilder::begin(&mut datagram, route.source)
        .info_timestamp(Some(Timestamp::generate(seed)))
        .info_destination(route.destination)
        .data(&header, inline, payload);
    datagram.to_vec()
}

fn data_frag(
    seed: &mut Seed,
    route: &Route,
    kind: PayloadKind,
    inline: Option<&InlineQosToSend>,
    payload: &Payload,
) -> Vec<u8> {
    let mut datagram = Datagram::new();
    let count = seed.below(4).saturating_add(1) as u16;
    let fragment_size = (payload.len() as u16).checked_div(count).unwrap_or(0).max(1);
    let header = DataFragHeader {
        data: data_header(seed, route, kind),
        fragment_starting_num: FragmentNumber(seed.below(3).saturating_add(1) as u32),
        fragments_in_submessage: count,
        fragment_size,
        sample_size: u32::from(fragment_size).saturating_mul(8),
    };
    MessageBuilder::begin(&mut datagram, route.source)
        .info_timestamp(Some(Timestamp::generate(seed)))
        .info_destination(route.destination)
        .data_frag(&header, inline, payload);
    datagram.to_vec()
}

/// `message` cut off at every byte, with every byte altered, and with every 16- and 32-bit word set
/// to what breaks arithmetic.
pub fn damaged(message: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let cut = (0..message.len()).filter_map(move |length| message.get(..length).map(<[u8]>::to_vec));
    let altered = (0..message.len()).flat_map(move |place| {
        [0xff, 0x01, 0x80, 0x02, 0x04].into_iter().map(move |bits| {
            let mut copy = message.to_vec();
            if let Some(byte) = copy.get_mut(place) {
                *byte ^= bits;
            }
            copy
        })
    });
    let replaced = (0..message.len()).step_by(2).flat_map(move |place| {
        let left = message.len().saturating_sub(place) as u32;
        let extremes = [
            0,
            1,
            left.saturating_sub(1),
            left,
            left.saturating_add(1),
            0x7fff_ffff,
            0x8000_0000,
            u32::MAX.saturating_sub(1),
            u32::MAX,
        ];
        extremes.into_iter().flat_map(move |value| {
            let [a, b, c, d] = value.to_le_bytes();
            [vec![a, b], vec![a, b, c, d], vec![d, c, b, a]].into_iter().map(move |word| {
                let mut copy = message.to_vec();
                for (byte, new) in copy.iter_mut().skip(place).zip(word) {
                    *byte = new;
                }
                copy
            })
        })
    });
    cut.chain(altered).chain(replaced)
}
