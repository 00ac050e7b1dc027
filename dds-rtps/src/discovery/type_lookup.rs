//! What the type lookup service's clients and servers send each other (XTypes 1.3 §7.6.3.3.4).
//!
//! The standard leaves open how the structures around the calls may change, and peers differ: see
//! [`Dialect`]. What is read may be of any of them, a reply is written in that of its request.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt;

use dds_types::{
    DecodeError, DecodeErrorKind, EncodeError, EncodingFormat, HEADER_LENGTH, LengthCode,
    RepresentationIdentifier, begin_payload,
    cdr::{CdrReader, CdrWriter, Endianness, Known, MemberHeader, XcdrVersion},
    finish_payload, split_payload,
    type_object::{Primitives, Record, TypeIdentifier, TypeIdentifierWithSize, TypeObject},
};

use super::{DiscoveryDataError, value::read_array};
use crate::{
    message::SampleIdentity,
    structure::{EntityId, Guid, GuidPrefix, SequenceNumber},
};

/// How the structures around the calls are written. The calls are equal in all of them: appendable
/// unions around mutable structures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Dialect {
    /// Final structures: Cyclone DDS 0.10 and 11, Fast DDS 3.2, Dust DDS. What clients of ours write.
    Final,
    /// Every structure appendable, the parts of a GUID included, as sources of Fast DDS had it for a while.
    Appendable,
}

/// A request of a client.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeLookupRequest {
    /// How it is written, and its reply is to be.
    pub dialect: Dialect,
    /// What its reply will refer to.
    pub request_id: SampleIdentity,
    /// Who is asked, by a [service name](service_name).
    pub instance_name: String,
    /// What is asked.
    pub call: TypeLookupCall,
}

/// What a client asks.
#[derive(Clone, PartialEq, Debug)]
pub enum TypeLookupCall {
    /// For the type objects of these types.
    Types(Vec<TypeIdentifier>),
    /// For the types that these are made of.
    Dependencies {
        /// The types.
        of: Vec<TypeIdentifier>,
        /// Where the reply is to go on; empty at first.
        continuation_point: Vec<u8>,
    },
    /// Another call.
    Unknown(i32),
}

/// The reply of a server.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeLookupReply {
    /// How it is written.
    pub dialect: Dialect,
    /// The request that it answers. Cyclone DDS names its own writer here.
    pub related_request_id: SampleIdentity,
    /// What came of it.
    pub result: TypeLookupResult,
}

/// What came of a call.
#[derive(Clone, PartialEq, Debug)]
pub enum TypeLookupResult {
    /// The type objects that the server has.
    Types {
        /// With the identifier that each was asked for by.
        types: Vec<(TypeIdentifier, TypeObject)>,
        /// Complete identifiers with minimal ones of the same types.
        complete_to_minimal: Vec<(TypeIdentifier, TypeIdentifier)>,
    },
    /// The types that those asked for are made of.
    Dependencies {
        /// The types.
        types: Vec<TypeIdentifierWithSize>,
        /// Where the next reply goes on; empty when this is the last.
        continuation_point: Vec<u8>,
    },
    /// It failed, or is of a call that is not known.
    Failed,
}

/// Most types that a request may name; more than any client asks for at once.
pub const MOST_TYPES_ASKED: usize = 1024;

/// Bytes of a continuation point (`sequence<octet, 32>`).
pub const CONTINUATION_POINT: usize = 32;

/// `@hashid("getTypes")`.
const GET_TYPES: i32 = 0x0182_52d3;
/// `@hashid("getDependencies")`.
const GET_DEPENDENCIES: i32 = 0x05aa_fb31;
/// `@hashid("type_ids")`.
const TYPE_IDS: u32 = 0x0c53_6065;
/// `@hashid("types")`.
const TYPES: u32 = 0x0280_4ad1;
/// `@hashid("complete_to_minimal")`.
const COMPLETE_TO_MINIMAL: u32 = 0x0b8e_6577;
/// `@hashid("continuation_point")`.
const CONTINUATION: u32 = 0x0508_e3d2;
/// `@hashid("dependent_typeids")`.
const DEPENDENT_TYPE_IDS: u32 = 0x0ba4_dfc9;
/// What DDS-RPC and the results call success: `REMOTE_EX_OK`, `RETCODE_OK`.
const OK: i32 = 0;
/// `REMOTE_EX_UNKNOWN_OPERATION` of DDS-RPC.
const UNKNOWN_OPERATION: i32 = 4;

const SERVICE: &str = "dds.builtin.TOS.";

/// The name of a participant's service: `dds.builtin.TOS.` and its GUID in hexadecimal digits.
pub fn service_name(participant: GuidPrefix) -> String {
    let guid = Guid::new(participant, EntityId::PARTICIPANT);
    let mut name = SERVICE.to_string();
    for byte in guid.to_bytes() {
        // Writing to a string cannot fail.
        let _ = fmt::Write::write_fmt(&mut name, format_args!("{byte:02x}"));
    }
    name
}

/// The participant that a service name names; `None` for other names.
pub fn service_of(name: &str) -> Option<GuidPrefix> {
    let digits = name.strip_prefix(SERVICE)?.as_bytes();
    let mut prefix = [0; 12];
    for (index, byte) in prefix.iter_mut().enumerate() {
        let at = index.checked_mul(2)?;
        let pair = core::str::from_utf8(digits.get(at..at.checked_add(2)?)?).ok()?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(GuidPrefix(prefix))
}

impl Dialect {
    const fn identifier(self) -> RepresentationIdentifier {
        match self {
            Self::Final => RepresentationIdentifier::CDR2_LE,
            Self::Appendable => RepresentationIdentifier::D_CDR2_LE,
        }
    }

    fn write_structure(
        self,
        writer: &mut CdrWriter<'_>,
        members: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        match self {
            Self::Final => members(writer),
            Self::Appendable => delimited(writer, members),
        }
    }

    fn read_structure<T>(
        self,
        reader: &mut CdrReader<'_>,
        members: impl FnOnce(&mut CdrReader<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        match self {
            Self::Final => members(reader),
            Self::Appendable => reader.read_delimited(members),
        }
    }

    fn write_identity(
        self,
        identity: &SampleIdentity,
        writer: &mut CdrWriter<'_>,
    ) -> Result<(), EncodeError> {
        let SampleIdentity { writer_guid, sequence_number } = identity;
        self.write_structure(writer, |writer| {
            self.write_structure(writer, |writer| {
                writer.write_bytes(&writer_guid.prefix.0);
                self.write_structure(writer, |writer| {
                    writer.write_bytes(&writer_guid.entity_id.0);
                    Ok(())
                })
            })?;
            self.write_structure(writer, |writer| {
                let [a, b, c, d, e, f, g, h] = sequence_number.0.to_be_bytes();
                writer.write_i32(i32::from_be_bytes([a, b, c, d]));
                writer.write_u32(u32::from_be_bytes([e, f, g, h]));
                Ok(())
            })
        })
    }

    fn read_identity(self, reader: &mut CdrReader<'_>) -> Result<SampleIdentity, DecodeError> {
        self.read_structure(reader, |reader| {
            let writer_guid = self.read_structure(reader, |reader| {
                let prefix = GuidPrefix(read_array(reader)?);
                let entity_id = self.read_structure(reader, |reader| read_array(reader).map(EntityId))?;
                Ok(Guid { prefix, entity_id })
            })?;
            let sequence_number = self.read_structure(reader, |reader| {
                let [a, b, c, d] = reader.read_i32()?.to_be_bytes();
                let [e, f, g, h] = reader.read_u32()?.to_be_bytes();
                Ok(SequenceNumber(i64::from_be_bytes([a, b, c, d, e, f, g, h])))
            })?;
            Ok(SampleIdentity { writer_guid, sequence_number })
        })
    }
}

impl TypeLookupRequest {
    /// Appends it as a serialised payload, little endian.
    ///
    /// # Errors
    /// A type's identifier holds what cannot be written.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let dialect = self.dialect;
        encode(dialect, out, |writer| {
            dialect.write_structure(writer, |writer| {
                dialect.write_identity(&self.request_id, writer)?;
                writer.write_str(&self.instance_name);
                Ok(())
            })?;
            delimited(writer, |writer| match &self.call {
                TypeLookupCall::Types(types) => {
                    writer.write_i32(GET_TYPES);
                    mutable(writer, |writer| member(writer, TYPE_IDS, types))
                }
                TypeLookupCall::Dependencies { of, continuation_point } => {
                    writer.write_i32(GET_DEPENDENCIES);
                    mutable(writer, |writer| {
                        member(writer, TYPE_IDS, of)?;
                        member(writer, CONTINUATION, &Primitives(continuation_point.clone()))
                    })
                }
                TypeLookupCall::Unknown(call) => {
                    writer.write_i32(*call);
                    Ok(())
                }
            })
        })
    }

    /// Reads a serialised payload.
    ///
    /// # Errors
    /// It is malformed, or asks for more than [`MOST_TYPES_ASKED`].
    pub fn decode(payload: &[u8]) -> Result<Self, DiscoveryDataError> {
        decode(payload, |reader, dialect| {
            let (request_id, instance_name) = dialect.read_structure(reader, |reader| {
                Ok((dialect.read_identity(reader)?, reader.read_str()?.to_string()))
            })?;
            let call = reader.read_delimited(read_call)?;
            Ok(Self { dialect, request_id, instance_name, call })
        })
    }
}

fn read_call(reader: &mut CdrReader<'_>) -> Result<TypeLookupCall, DecodeError> {
    let call = reader.read_i32()?;
    if call != GET_TYPES && call != GET_DEPENDENCIES {
        return Ok(TypeLookupCall::Unknown(call));
    }
    let (mut types, mut continuation_point) = (Vec::new(), Primitives(Vec::new()));
    reader.read_mutable("TypeLookup_In", |reader, id| {
        match id {
            TYPE_IDS => types = Record::read(reader)?,
            CONTINUATION => continuation_point = Record::read(reader)?,
            _ => return Ok(Known::No),
        }
        Ok(Known::Yes)
    })?;
    let longest = [(types.len(), MOST_TYPES_ASKED), (continuation_point.0.len(), CONTINUATION_POINT)];
    if let Some((length, _)) = longest.into_iter().find(|(length, most)| length > most) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        return Err(reader.error(DecodeErrorKind::InvalidLength(length)));
    }
    Ok(match call {
        GET_TYPES => TypeLookupCall::Types(types),
        _ => TypeLookupCall::Dependencies { of: types, continuation_point: continuation_point.0 },
    })
}

impl TypeLookupReply {
    /// Appends it as a serialised payload, little endian.
    ///
    /// # Errors
    /// A type holds what cannot be written.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let dialect = self.dialect;
        encode(dialect, out, |writer| {
            dialect.write_structure(writer, |writer| {
                dialect.write_identity(&self.related_request_id, writer)?;
                writer.write_i32(match self.result {
                    TypeLookupResult::Failed => UNKNOWN_OPERATION,
                    _ => OK,
                });
                Ok(())
            })?;
            delimited(writer, |writer| self.result.write(writer))
        })
    }

    /// Reads a serialised payload.
    ///
    /// # Errors
    /// It is malformed.
    pub fn decode(payload: &[u8]) -> Result<Self, DiscoveryDataError> {
        decode(payload, |reader, dialect| {
            let (related_request_id, exception) = dialect
                .read_structure(reader, |reader| Ok((dialect.read_identity(reader)?, reader.read_i32()?)))?;
            let result = match exception {
                OK => reader.read_delimited(TypeLookupResult::read)?,
                _ => TypeLookupResult::Failed,
            };
            Ok(Self { dialect, related_request_id, result })
        })
    }
}

impl TypeLookupResult {
    fn write(&self, writer: &mut CdrWriter<'_>) -> Result<(), EncodeError> {
        match self {
            Self::Types { types, complete_to_minimal } => {
                writer.write_i32(GET_TYPES);
                delimited(writer, |writer| {
                    writer.write_i32(OK);
                    mutable(writer, |writer| {
                        member(writer, TYPES, types)?;
                        member(writer, COMPLETE_TO_MINIMAL, complete_to_minimal)
                    })
                })
            }
            Self::Dependencies { types, continuation_point } => {
                writer.write_i32(GET_DEPENDENCIES);
                delimited(writer, |writer| {
                    writer.write_i32(OK);
                    mutable(writer, |writer| {
                        member(writer, DEPENDENT_TYPE_IDS, types)?;
                        member(writer, CONTINUATION, &Primitives(continuation_point.clone()))
                    })
                })
            }
            Self::Failed => {
                // A union without a case that is selected.
                writer.write_i32(OK);
                Ok(())
            }
        }
    }

    fn read(reader: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let call = reader.read_i32()?;
        if call != GET_TYPES && call != GET_DEPENDENCIES {
            return Ok(Self::Failed);
        }
        reader.read_delimited(|reader| {
            if reader.read_i32()? != OK {
                return Ok(Self::Failed);
            }
            let (mut types, mut complete_to_minimal) = (Vec::new(), Vec::new());
            let (mut dependencies, mut continuation_point) = (Vec::new(), Primitives(Vec::new()));
            reader.read_mutable("TypeLookup_Out", |reader, id| {
                match id {
                    TYPES => types = Record::read(reader)?,
                    COMPLETE_TO_MINIMAL => complete_to_minimal = Record::read(reader)?,
                    DEPENDENT_TYPE_IDS => dependencies = Record::read(reader)?,
                    CONTINUATION => continuation_point = Record::read(reader)?,
                    _ => return Ok(Known::No),
                }
                Ok(Known::Yes)
            })?;
            Ok(match call {
                GET_TYPES => Self::Types { types, complete_to_minimal },
                _ => Self::Dependencies { types: dependencies, continuation_point: continuation_point.0 },
            })
        })
    }
}

fn encode(
    dialect: Dialect,
    out: &mut Vec<u8>,
    members: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let mark = begin_payload(dialect.identifier(), out);
    let mut writer = CdrWriter::new(out, Endianness::Little, XcdrVersion::Xcdr2);
    dialect.write_structure(&mut writer, members)?;
    finish_payload(mark, out);
    Ok(())
}

fn decode<T>(
    payload: &[u8],
    members: impl FnOnce(&mut CdrReader<'_>, Dialect) -> Result<T, DecodeError>,
) -> Result<T, DiscoveryDataError> {
    let (identifier, whole) = split_payload(payload).map_err(DiscoveryDataError::List)?;
    let refused = DiscoveryDataError::Representation(identifier.0);
    let encapsulation = identifier.encapsulation().ok_or(refused.clone())?;
    let dialect = match (encapsulation.version, encapsulation.format) {
        (XcdrVersion::Xcdr2, EncodingFormat::Plain) => Dialect::Final,
        (XcdrVersion::Xcdr2, EncodingFormat::Delimited) => Dialect::Appendable,
        _ => return Err(refused),
    };
    let body = whole.get(HEADER_LENGTH..).unwrap_or(&[]);
    let mut reader = CdrReader::new(body, encapsulation.endianness, encapsulation.version);
    dialect.read_structure(&mut reader, |reader| members(reader, dialect)).map_err(DiscoveryDataError::List)
}

fn delimited(
    writer: &mut CdrWriter<'_>,
    members: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let delimiter = writer.begin_appendable();
    members(writer)?;
    writer.end_delimited(delimiter)
}

fn mutable(
    writer: &mut CdrWriter<'_>,
    members: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let delimiter = writer.begin_mutable();
    members(writer)?;
    writer.end_mutable(delimiter)
}

fn member(writer: &mut CdrWriter<'_>, id: u32, value: &impl Record) -> Result<(), EncodeError> {
    let header = MemberHeader { id, must_understand: false };
    writer.write_member(header, LengthCode::Separate, |writer| value.write(writer))
}
