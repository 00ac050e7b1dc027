//! Inline QoS: parameters that travel with a sample (RTPS 2.5 §9.6.4 and §8.7).

use alloc::vec::Vec;

use dds_types::{
    cdr::Endianness,
    parameter_list::{Parameter, ParameterId, ParameterListReader},
};

use super::{
    ContentFilterInfo, MessageErrorKind,
    element::{Cursor, GroupDigest, SubmessageElement},
    pid,
};
use crate::structure::{Guid, KeyHash, SequenceNumber, VendorId};

/// What a sample does to its instance (RTPS 2.5 §9.6.4.9). Unknown bits are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct StatusInfo(pub u32);

impl StatusInfo {
    /// The instance is disposed of.
    pub const DISPOSED: Self = Self(1);
    /// The writer no longer updates the instance.
    pub const UNREGISTERED: Self = Self(2);
    /// The sample did not pass the writer's filter.
    pub const FILTERED: Self = Self(4);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Names one sample (RTPS 2.5 §9.3.2.10): who wrote it, and which of its samples it is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct SampleIdentity {
    /// The writer.
    pub writer_guid: Guid,
    /// The sample.
    pub sequence_number: SequenceNumber,
}

/// Who first wrote a sample that another participant passes on (RTPS 2.5 §8.7.9).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OriginalWriterInfo {
    /// The first writer.
    pub writer_guid: Guid,
    /// The sample's number in that writer's history.
    pub sequence_number: SequenceNumber,
}

/// The inline QoS of one received sample, borrowed from the datagram.
///
/// That the list is well formed was checked when its submessage was read; values are checked when
/// asked for, and one that is malformed counts as absent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InlineQos<'a> {
    list: &'a [u8],
    endianness: Endianness,
    source_vendor: VendorId,
}

impl<'a> InlineQos<'a> {
    /// Takes the list off the front of what `cursor` has left.
    pub(super) fn read(cursor: &mut Cursor<'a>, source_vendor: VendorId) -> Result<Self, MessageErrorKind> {
        let endianness = cursor.endianness();
        let invalid = MessageErrorKind::InlineQos(cursor.id());
        let mut reader = ParameterListReader::new(cursor.rest(), endianness);
        let length = reader.skip_to_end().map_err(|_| invalid)?;
        Ok(Self { list: cursor.bytes(length).map_err(|_| invalid)?, endianness, source_vendor })
    }

    /// All parameters in their order, the known and the unknown.
    pub fn iter(&self) -> impl Iterator<Item = Parameter<'a>> + use<'a> {
        let mut reader = ParameterListReader::new(self.list, self.endianness);
        core::iter::from_fn(move || reader.next().ok().flatten())
    }

    /// The byte order of the parameters' values.
    pub const fn endianness(&self) -> Endianness {
        self.endianness
    }

    /// The whole list with its sentinel.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.list
    }

    fn find(&self, id: ParameterId) -> Option<&'a [u8]> {
        self.iter().find(|parameter| parameter.id == id).map(|parameter| parameter.value)
    }

    fn array<const N: usize>(&self, id: ParameterId) -> Option<[u8; N]> {
        self.find(id)?.first_chunk().copied()
    }

    fn sequence_number(&self, id: ParameterId) -> Option<SequenceNumber> {
        self.element(self.find(id)?)
    }

    fn element<T: SubmessageElement>(&self, value: &[u8]) -> Option<T> {
        T::read(&mut Cursor::new(value, self.endianness, super::SubmessageId::DATA)).ok()
    }

    /// A GUID and a sequence number.
    fn identity(&self, value: &[u8]) -> Option<(Guid, SequenceNumber)> {
        let (guid, number) = value.split_first_chunk()?;
        Some((Guid::from_bytes(*guid), self.element(number)?))
    }

    /// PID_STATUS_INFO; in big endian whatever the list's order is (RTPS 2.5 §9.6.4.9).
    pub fn status_info(&self) -> Option<StatusInfo> {
        self.array(pid::STATUS_INFO).map(|bytes| StatusInfo(u32::from_be_bytes(bytes)))
    }

    /// PID_KEY_HASH.
    pub fn key_hash(&self) -> Option<KeyHash> {
        self.array(pid::KEY_HASH).map(KeyHash)
    }

    /// PID_ORIGINAL_WRITER_INFO.
    pub fn original_writer_info(&self) -> Option<OriginalWriterInfo> {
        let (writer_guid, sequence_number) = self.identity(self.find(pid::ORIGINAL_WRITER_INFO)?)?;
        Some(OriginalWriterInfo { writer_guid, sequence_number })
    }

    /// PID_RELATED_SAMPLE_IDENTITY, 0x0083; else 0x800f when the sender is of a vendor that gives
    /// it this meaning.
    pub fn related_sample_identity(&self) -> Option<SampleIdentity> {
        let legacy = || {
            let known = [VendorId::EPROSIMA, VendorId::RTI, VendorId::OURS].contains(&self.source_vendor);
            known.then(|| self.find(pid::LEGACY_RELATED_SAMPLE_IDENTITY)).flatten()
        };
        let value = self.find(pid::RELATED_SAMPLE_IDENTITY).or_else(legacy)?;
        let (writer_guid, sequence_number) = self.identity(value)?;
        Some(SampleIdentity { writer_guid, sequence_number })
    }

    /// PID_DIRECTED_WRITE: the readers that alone are meant, one parameter each. None means all.
    pub fn directed_write(&self) -> impl Iterator<Item = Guid> + use<'a> {
        self.iter()
            .filter(|parameter| parameter.id == pid::DIRECTED_WRITE)
            .filter_map(|parameter| parameter.value.first_chunk().copied().map(Guid::from_bytes))
    }

    /// PID_COHERENT_SET: the number of the set's first sample.
    pub fn coherent_set(&self) -> Option<SequenceNumber> {
        self.sequence_number(pid::COHERENT_SET)
    }

    /// PID_GROUP_COHERENT_SET: the group number of the set's first sample.
    pub fn group_coherent_set(&self) -> Option<SequenceNumber> {
        self.sequence_number(pid::GROUP_COHERENT_SET)
    }

    /// PID_GROUP_SEQ_NUM: the sample's number in its publisher.
    pub fn group_seq_num(&self) -> Option<SequenceNumber> {
        self.sequence_number(pid::GROUP_SEQ_NUM)
    }

    /// PID_WRITER_GROUP_INFO: the digest of the publisher's writers.
    pub fn writer_group_info(&self) -> Option<GroupDigest> {
        self.array(pid::WRITER_GROUP_INFO).map(GroupDigest)
    }

    /// PID_CONTENT_FILTER_INFO: what the writer's filters said.
    pub fn content_filter_info(&self) -> Option<ContentFilterInfo> {
        ContentFilterInfo::read(self.find(pid::CONTENT_FILTER_INFO)?, self.endianness)
    }

    /// Whether there is a parameter that we must understand and do not; the sample must then be
    /// discarded (RTPS 2.5 §9.6.2.2.1). No parameter that inline QoS can carry has that bit, hence
    /// every one that has is unknown.
    pub fn unknown_must_understand(&self) -> bool {
        self.iter().any(|parameter| parameter.id.must_understand())
    }
}

impl core::fmt::Debug for InlineQos<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Inline QoS to send, beyond status and key hash, which [`DataHeader`](super::DataHeader) holds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InlineQosToSend {
    /// The request that the sample answers; written under both ids that peers read.
    pub related_sample_identity: Option<SampleIdentity>,
    /// Who first wrote the sample.
    pub original_writer_info: Option<OriginalWriterInfo>,
    /// The only reader that is meant.
    pub directed_write: Option<Guid>,
    /// The number of the coherent set's first sample.
    pub coherent_set: Option<SequenceNumber>,
    /// The group number of the coherent set's first sample.
    pub group_coherent_set: Option<SequenceNumber>,
    /// The sample's number in its publisher.
    pub group_seq_num: Option<SequenceNumber>,
    /// The digest of the publisher's writers.
    pub writer_group_info: Option<GroupDigest>,
    /// The digest of the publisher's writers whose metadata is protected.
    pub secure_writer_group_info: Option<GroupDigest>,
    /// What the writer's filters said.
    pub content_filter_info: Option<ContentFilterInfo>,
}

const IDENTITY_SIZE: usize = 24;

impl InlineQosToSend {
    /// Appends the parameters, little endian, without a sentinel.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        if let Some(identity) = self.related_sample_identity {
            let value = identity_bytes(identity.writer_guid, identity.sequence_number);
            put_parameter(pid::RELATED_SAMPLE_IDENTITY, &value, out);
            put_parameter(pid::LEGACY_RELATED_SAMPLE_IDENTITY, &value, out);
        }
        if let Some(info) = self.original_writer_info {
            let value = identity_bytes(info.writer_guid, info.sequence_number);
            put_parameter(pid::ORIGINAL_WRITER_INFO, &value, out);
        }
        if let Some(reader) = self.directed_write {
            put_parameter(pid::DIRECTED_WRITE, &reader.to_bytes(), out);
        }
        let numbers = [
            (pid::COHERENT_SET, self.coherent_set),
            (pid::GROUP_COHERENT_SET, self.group_coherent_set),
            (pid::GROUP_SEQ_NUM, self.group_seq_num),
        ];
        for (id, number) in numbers {
            if let Some(number) = number {
                put_parameter(id, &number_bytes(number), out);
            }
        }
        let digests = [
            (pid::WRITER_GROUP_INFO, self.writer_group_info),
            (pid::SECURE_WRITER_GROUP_INFO, self.secure_writer_group_info),
        ];
        for (id, digest) in digests {
            if let Some(GroupDigest(bytes)) = digest {
                put_parameter(id, &bytes, out);
            }
        }
        if let Some(info) = &self.content_filter_info {
            info.write(out);
        }
    }

    /// How many bytes [`InlineQosToSend::write`] appends.
    pub(super) fn size(&self) -> usize {
        let parameter = |present: bool, value: usize| if present { value.saturating_add(4) } else { 0 };
        let info = self.content_filter_info.as_ref().map_or(0, ContentFilterInfo::value_size);
        [
            parameter(self.related_sample_identity.is_some(), IDENTITY_SIZE),
            parameter(self.related_sample_identity.is_some(), IDENTITY_SIZE),
            parameter(self.original_writer_info.is_some(), IDENTITY_SIZE),
            parameter(self.directed_write.is_some(), 16),
            parameter(self.coherent_set.is_some(), 8),
            parameter(self.group_coherent_set.is_some(), 8),
            parameter(self.group_seq_num.is_some(), 8),
            parameter(self.writer_group_info.is_some(), 4),
            parameter(self.secure_writer_group_info.is_some(), 4),
            parameter(self.content_filter_info.is_some(), info),
        ]
        .iter()
        .fold(0, |sum: usize, part| sum.saturating_add(*part))
    }
}

pub(super) const STATUS_INFO_SIZE: usize = 8;
pub(super) const KEY_HASH_SIZE: usize = 20;
pub(super) const SENTINEL_SIZE: usize = 4;

pub(super) fn put_status_info(status: StatusInfo, out: &mut Vec<u8>) {
    put_parameter(pid::STATUS_INFO, &status.0.to_be_bytes(), out);
}

pub(super) fn put_key_hash(hash: KeyHash, out: &mut Vec<u8>) {
    put_parameter(pid::KEY_HASH, &hash.0, out);
}

pub(super) fn put_sentinel(out: &mut Vec<u8>) {
    put_parameter(ParameterId::SENTINEL, &[], out);
}

/// Appends one parameter; a value that no parameter can hold is cut off.
pub(super) fn put_parameter(id: ParameterId, value: &[u8], out: &mut Vec<u8>) {
    const LONGEST: usize = 0xfffc;
    let value = value.get(..LONGEST).unwrap_or(value);
    let padded = value.len().next_multiple_of(4);
    out.extend_from_slice(&id.0.to_le_bytes());
    out.extend_from_slice(&(padded as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().saturating_add(padded.saturating_sub(value.len())), 0);
}

fn number_bytes(number: SequenceNumber) -> [u8; 8] {
    let [a, b, c, d] = ((number.0 >> 32) as u32).to_le_bytes();
    let [e, f, g, h] = (number.0 as u32).to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

fn identity_bytes(guid: Guid, number: SequenceNumber) -> [u8; IDENTITY_SIZE] {
    let mut bytes = [0; IDENTITY_SIZE];
    let (head, tail) = bytes.split_at_mut(16);
    head.copy_from_slice(&guid.to_bytes());
    tail.copy_from_slice(&number_bytes(number));
    bytes
}
