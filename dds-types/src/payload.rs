//! Payloads of topics: what the derived [`TopicType`](crate::TopicType) implementations call.

use crate::cdr::{
    CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Endianness, XcdrVersion,
};
use crate::dds_type::{DdsType, MaximumSize};
use crate::representation::{
    DataRepresentationId, Encapsulation, EncodingFormat, begin_payload, finish_payload, split_payload,
};
use crate::topic_type::PayloadKind;
use crate::type_description::Extensibility;
use alloc::vec::Vec;

/// The format of payloads of a type (XTypes 1.3 Table 60: by the outermost type's extensibility).
const fn format(extensibility: Extensibility, version: XcdrVersion) -> EncodingFormat {
    match (extensibility, version) {
        (Extensibility::Mutable, _) => EncodingFormat::ParameterList,
        (Extensibility::Appendable, XcdrVersion::Xcdr2) => EncodingFormat::Delimited,
        (Extensibility::Appendable, XcdrVersion::Xcdr1) | (Extensibility::Final, _) => EncodingFormat::Plain,
    }
}

/// Appends a payload of `T` in little endian; `write` writes its body.
fn write_payload<T: DdsType>(
    representation: DataRepresentationId,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    write_encapsulated::<T>(Endianness::Little, version_of(representation)?, out, write)
}

/// The encoding version of a representation.
pub(crate) fn version_of(representation: DataRepresentationId) -> Result<XcdrVersion, EncodeError> {
    match representation {
        DataRepresentationId::XCDR => Ok(XcdrVersion::Xcdr1),
        DataRepresentationId::XCDR2 => Ok(XcdrVersion::Xcdr2),
        other => Err(EncodeErrorKind::UnsupportedRepresentation(other).into()),
    }
}

fn write_encapsulated<T: DdsType>(
    endianness: Endianness,
    version: XcdrVersion,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    write_body(T::DESCRIPTION.extensibility(), endianness, version, out, write)
}

/// Appends a payload of a type of this extensibility; `write` writes its body.
pub(crate) fn write_body(
    extensibility: Extensibility,
    endianness: Endianness,
    version: XcdrVersion,
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut CdrWriter<'_>) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let format = format(extensibility, version);
    let mark = begin_payload(Encapsulation { endianness, version, format }.into(), out);
    write(&mut CdrWriter::new(out, endianness, version))?;
    finish_payload(mark, out);
    Ok(())
}

/// Reads the body of a payload of `T`.
fn read_payload<T: DdsType, R>(
    payload: &[u8],
    read: impl FnOnce(&mut CdrReader<'_>) -> Result<R, DecodeError>,
) -> Result<(R, usize), DecodeError> {
    let mut reader = body_reader(payload, T::DESCRIPTION.extensibility())?;
    let value = read(&mut reader)?;
    Ok((value, reader.remaining().len()))
}

/// A reader of the body of a payload of a type of this extensibility.
pub(crate) fn body_reader(
    payload: &[u8],
    extensibility: Extensibility,
) -> Result<CdrReader<'_>, DecodeError> {
    let (identifier, body) = split_payload(payload)?;
    match identifier.encapsulation() {
        Some(Encapsulation { endianness, version, format: found })
            if found == format(extensibility, version) =>
        {
            Ok(CdrReader::of_body(body, endianness, version))
        }
        _ => {
            let kind = DecodeErrorKind::UnsupportedRepresentation(identifier.0);
            Err(DecodeError { kind, offset: 0 })
        }
    }
}

/// Refuses bytes that follow the end of a final type; other types may have grown. Up to three are
/// let pass, because not every peer counts its padding in the options.
pub(crate) fn check_end(
    payload: &[u8],
    trailing: usize,
    extensibility: Extensibility,
) -> Result<(), DecodeError> {
    if trailing > 3 && extensibility == Extensibility::Final {
        let offset = payload.len().saturating_sub(trailing);
        return Err(DecodeError { kind: DecodeErrorKind::TrailingBytes(trailing), offset });
    }
    Ok(())
}

/// [`TopicType::serialize`](crate::TopicType::serialize) of a CDR type.
///
/// # Errors
/// The value breaks a bound of its type, or the representation is not CDR.
pub fn serialize<T: DdsType>(
    value: &T,
    representation: DataRepresentationId,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_payload::<T>(representation, out, |writer| value.write(writer))
}

/// As [`serialize`], in the byte order and version of choice.
///
/// # Errors
/// The value breaks a bound of its type.
pub fn serialize_as<T: DdsType>(
    value: &T,
    endianness: Endianness,
    version: XcdrVersion,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_encapsulated::<T>(endianness, version, out, |writer| value.write(writer))
}

/// [`TopicType::deserialize`](crate::TopicType::deserialize) of a CDR type.
///
/// # Errors
/// The payload is no valid sample of this type, or bytes follow the end of a final type.
pub fn deserialize<T: DdsType>(payload: &[u8]) -> Result<T, DecodeError> {
    let (value, trailing) = read_payload::<T, T>(payload, T::read)?;
    check_end(payload, trailing, T::DESCRIPTION.extensibility())?;
    Ok(value)
}

/// [`TopicType::deserialize_over`](crate::TopicType::deserialize_over) of a CDR type.
///
/// # Errors
/// As [`deserialize`].
pub fn deserialize_over<T: DdsType>(value: &mut T, payload: &[u8]) -> Result<(), DecodeError> {
    let ((), trailing) = read_payload::<T, ()>(payload, |reader| value.read_over(reader))?;
    check_end(payload, trailing, T::DESCRIPTION.extensibility())
}

/// [`TopicType::serialize_key`](crate::TopicType::serialize_key) of a keyed CDR type.
///
/// # Errors
/// As [`serialize`].
pub fn serialize_key<T: DdsType>(
    value: &T,
    representation: DataRepresentationId,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_payload::<T>(representation, out, |writer| value.write_key(writer))
}

/// [`TopicType::serialize_key`](crate::TopicType::serialize_key) of a CDR type without key: a
/// payload without body.
///
/// # Errors
/// The representation is not CDR.
pub fn serialize_no_key<T: DdsType>(
    representation: DataRepresentationId,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    write_payload::<T>(representation, out, |_| Ok(()))
}

/// [`TopicType::write_canonical_key`](crate::TopicType::write_canonical_key) of a keyed CDR type.
///
/// # Errors
/// A key member breaks a bound of its type.
pub fn write_canonical_key<T: DdsType>(value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    value.write_key(&mut CdrWriter::canonical(out))
}

/// [`TopicType::canonical_key_of`](crate::TopicType::canonical_key_of) of a keyed CDR type.
///
/// # Errors
/// The payload is malformed up to its last key member, or lacks one.
pub fn canonical_key_of<T: DdsType>(
    payload: &[u8],
    kind: PayloadKind,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    read_payload::<T, ()>(payload, |reader| {
        let writer = &mut CdrWriter::canonical(out);
        match kind {
            PayloadKind::Data => T::transcode_key(reader, writer),
            PayloadKind::Key => T::Key::transcode_key(reader, writer),
        }
    })
    .map(drop)
}

/// [`TopicType::key_from_canonical`](crate::TopicType::key_from_canonical) of a keyed CDR type.
///
/// # Errors
/// The bytes are no key of this type.
pub fn key_from_canonical<T: DdsType>(canonical: &[u8]) -> Result<T::Key, DecodeError> {
    let mut reader = CdrReader::canonical(canonical);
    let key = T::Key::read(&mut reader)?;
    match reader.remaining().len() {
        0 => Ok(key),
        trailing => Err(reader.error(DecodeErrorKind::TrailingBytes(trailing))),
    }
}

/// [`TopicType::serialize_canonical_key_payload`](crate::TopicType::serialize_canonical_key_payload)
/// of a keyed CDR type.
///
/// # Errors
/// The bytes are no key of this type, or the representation is not CDR.
pub fn serialize_canonical_key_payload<T: DdsType>(
    canonical: &[u8],
    representation: DataRepresentationId,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let key = key_from_canonical::<T>(canonical)?;
    write_payload::<T>(representation, out, |writer| key.write(writer))
        .map_err(|error| DecodeErrorKind::NotEncodable(error.kind).into())
}

/// [`TopicType::max_key_size`](crate::TopicType::max_key_size) of a keyed CDR type.
pub fn max_key_size<T: DdsType>() -> Option<usize> {
    let mut size = MaximumSize::default();
    T::Key::add_size(&mut size);
    size.get()
}
