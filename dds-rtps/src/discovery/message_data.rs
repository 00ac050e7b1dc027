//! What asserts a participant's liveliness (RTPS 2.5 §8.4.13.5 and §9.6.3.1).

use alloc::vec::Vec;

use dds_types::{
    DecodeErrorKind, EncodingFormat, HEADER_LENGTH, RepresentationIdentifier, begin_payload,
    cdr::{CdrReader, CdrWriter, Endianness, XcdrVersion},
    finish_payload, split_payload,
};

use super::{DiscoveryDataError, value::read_array};
use crate::structure::GuidPrefix;

/// What a [`ParticipantMessageData`] says. Unknown values are kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ParticipantMessageKind(pub [u8; 4]);

impl ParticipantMessageKind {
    /// The participant's AUTOMATIC writers are alive.
    pub const AUTOMATIC_LIVELINESS_UPDATE: Self = Self([0, 0, 0, 1]);
    /// The participant's MANUAL_BY_PARTICIPANT writers are alive.
    pub const MANUAL_LIVELINESS_UPDATE: Self = Self([0, 0, 0, 2]);
}

/// A sample of the liveliness protocol. Its key is prefix and kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParticipantMessageData {
    /// The participant.
    pub guid_prefix: GuidPrefix,
    /// What is said of it.
    pub kind: ParticipantMessageKind,
    /// Bytes of the kind's own; none for liveliness.
    pub data: Vec<u8>,
}

impl ParticipantMessageData {
    /// That a participant's writers of a kind are alive.
    pub const fn new(guid_prefix: GuidPrefix, kind: ParticipantMessageKind) -> Self {
        Self { guid_prefix, kind, data: Vec::new() }
    }

    /// Appends it as a serialised payload, little endian.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mark = begin_payload(RepresentationIdentifier::CDR_LE, out);
        let mut writer = CdrWriter::new(out, Endianness::Little, XcdrVersion::Xcdr1);
        writer.write_bytes(&self.guid_prefix.0);
        writer.write_bytes(&self.kind.0);
        writer.write_u32(self.data.len() as u32);
        writer.write_bytes(&self.data);
        finish_payload(mark, out);
    }

    /// Reads a serialised payload, in any plain representation.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn decode(payload: &[u8]) -> Result<Self, DiscoveryDataError> {
        let (identifier, whole) = split_payload(payload).map_err(DiscoveryDataError::List)?;
        let encapsulation = identifier
            .encapsulation()
            .filter(|encapsulation| encapsulation.format == EncodingFormat::Plain)
            .ok_or(DiscoveryDataError::Representation(identifier.0))?;
        let body = whole.get(HEADER_LENGTH..).unwrap_or(&[]);
        let mut reader = CdrReader::new(body, encapsulation.endianness, encapsulation.version);
        let mut read = || {
            let guid_prefix = GuidPrefix(read_array(&mut reader)?);
            let kind = ParticipantMessageKind(read_array(&mut reader)?);
            let length = reader.read_u32()?;
            let length =
                usize::try_from(length).map_err(|_| reader.error(DecodeErrorKind::InvalidLength(length)))?;
            Ok(Self { guid_prefix, kind, data: reader.read_bytes(length)?.to_vec() })
        };
        read().map_err(DiscoveryDataError::List)
    }
}
