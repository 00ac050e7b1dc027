//! Moving past values, and keys straight from bytes to bytes.

use super::decode::{Decoder, check_count, each_member, in_order_of_id, missing, read_case};
use super::encode::{Encoder, Part, integer};
use super::graph::{Graph, length};
use super::node::{MemberNode, StructureNode, TypeIndex, TypeNode, bitmask_holder, enumeration_holder};
use crate::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, EncodeError};
use crate::type_description::{Extensibility, PrimitiveKind};
use alloc::vec::Vec;

type Read = Result<(), DecodeError>;

/// Moves past a value, looking only at lengths.
pub(super) fn skip(graph: &Graph, index: TypeIndex, reader: &mut CdrReader<'_>) -> Read {
    match graph.node(index) {
        TypeNode::Primitive(kind) => primitives(*kind, 1, reader),
        TypeNode::Enumeration(enumeration) => {
            primitives(enumeration_holder(enumeration.bit_bound), 1, reader)
        }
        TypeNode::Bitmask(bitmask) => primitives(bitmask_holder(bitmask.bit_bound), 1, reader),
        TypeNode::String8 { .. } | TypeNode::String16 { .. } => reader.skip_delimited(),
        TypeNode::Sequence { element, .. } => {
            if graph.primitive(*element).is_none() && reader.has_collection_headers() {
                return reader.skip_delimited();
            }
            let count = reader.read_length()?;
            elements(graph, *element, count, reader)
        }
        TypeNode::Array { element, dimensions } => {
            if graph.primitive(*element).is_none() && reader.has_collection_headers() {
                return reader.skip_delimited();
            }
            elements(graph, *element, length(dimensions), reader)
        }
        TypeNode::Map { key, value, .. } => {
            let primitive = graph.primitive(*key).is_some() && graph.primitive(*value).is_some();
            if !primitive && reader.has_collection_headers() {
                return reader.skip_delimited();
            }
            let count = reader.read_length()?;
            check_count(reader, count, graph.facts(*key).minimum)?;
            (0..count).try_for_each(|_| {
                skip(graph, *key, reader)?;
                skip(graph, *value, reader)
            })
        }
        TypeNode::Structure(structure) => match structure.extensibility {
            Extensibility::Mutable => reader.skip_mutable(),
            Extensibility::Appendable if reader.has_delimiters() => reader.skip_delimited(),
            _ => reader
                .nested(|reader| structure.members.iter().try_for_each(|node| member(graph, node, reader))),
        },
        TypeNode::Union(union) => {
            if union.extensibility != Extensibility::Final && reader.has_delimiters() {
                return reader.skip_delimited();
            }
            reader.nested(|reader| {
                let (_, case) = read_case(graph, index, union, reader)?;
                case.member_type.map_or(Ok(()), |member| skip(graph, member, reader))
            })
        }
    }
}

/// Moves past a member of a final or appendable structure.
pub(super) fn member(graph: &Graph, member: &MemberNode, reader: &mut CdrReader<'_>) -> Read {
    match member.optional {
        true => reader.skip_optional(member.id, |reader| skip(graph, member.member_type, reader)),
        false => skip(graph, member.member_type, reader),
    }
}

/// Moves past elements that follow each other.
pub(super) fn elements(graph: &Graph, element: TypeIndex, count: usize, reader: &mut CdrReader<'_>) -> Read {
    if let Some(kind) = graph.primitive(element) {
        return primitives(kind, count, reader);
    }
    check_count(reader, count, graph.facts(element).minimum)?;
    (0..count).try_for_each(|_| skip(graph, element, reader))
}

fn primitives(kind: PrimitiveKind, count: usize, reader: &mut CdrReader<'_>) -> Read {
    if count == 0 {
        return Ok(());
    }
    reader.align(kind.size())?;
    reader.read_bytes(count.saturating_mul(kind.size())).map(drop)
}

/// Copies the key part of a value from an encoding to another. Leaves the reader anywhere.
pub(super) fn transcode_key(
    graph: &Graph,
    index: TypeIndex,
    reader: &mut CdrReader<'_>,
    writer: &mut CdrWriter<'_>,
) -> Read {
    let offset = reader.position();
    let refused =
        |error: EncodeError| DecodeError { kind: DecodeErrorKind::NotEncodable(error.kind), offset };
    match graph.node(index) {
        TypeNode::Structure(structure) if structure.is_keyed() => {
            reader.nested(|reader| match structure.extensibility {
                Extensibility::Final => in_sequence(graph, structure, reader, writer),
                Extensibility::Appendable => {
                    reader.read_appendable(|reader| in_sequence(graph, structure, reader, writer))
                }
                Extensibility::Mutable => by_id(graph, index, structure, reader, writer),
            })
        }
        TypeNode::Primitive(kind) if !matches!(kind, PrimitiveKind::Float32 | PrimitiveKind::Float64) => {
            integer(*kind, super::decode::integer(*kind, reader)?, writer).map_err(refused)
        }
        TypeNode::String8 { bound: None } => {
            writer.write_str(reader.read_str()?);
            Ok(())
        }
        _ => {
            let value = Decoder::new(graph, reader.remaining().len()).value(index, reader)?;
            Encoder { graph }.value(index, &value, Part::Key, writer).map_err(refused)
        }
    }
}

/// Notes where the key members are, skipping the others, and stops at the last.
fn in_sequence(
    graph: &Graph,
    structure: &StructureNode,
    reader: &mut CdrReader<'_>,
    writer: &mut CdrWriter<'_>,
) -> Read {
    let last = structure.members.iter().rposition(|member| member.key).unwrap_or_default();
    let mut found: Vec<Option<CdrReader<'_>>> = Vec::with_capacity(last.saturating_add(1));
    for (place, node) in structure.members.iter().enumerate().take(last.saturating_add(1)) {
        found.push(node.key.then(|| reader.clone()));
        if place != last {
            member(graph, node, reader)?;
        }
    }
    copy(graph, structure, found, reader, writer)
}

/// Notes where the members with the ids of the key are.
fn by_id(
    graph: &Graph,
    index: TypeIndex,
    structure: &StructureNode,
    reader: &mut CdrReader<'_>,
    writer: &mut CdrWriter<'_>,
) -> Read {
    let mut found: Vec<Option<CdrReader<'_>>> = structure.members.iter().map(|_| None).collect();
    each_member(graph, index, structure, reader, |place, at| {
        let key = structure.members.get(place).is_some_and(|member| member.key);
        if let Some(note) = found.get_mut(place).filter(|_| key) {
            *note = Some(at.clone());
        }
        Ok(())
    })?;
    copy(graph, structure, found, reader, writer)
}

/// Copies the key members from where they were found, in order of id.
fn copy(
    graph: &Graph,
    structure: &StructureNode,
    mut found: Vec<Option<CdrReader<'_>>>,
    reader: &CdrReader<'_>,
    writer: &mut CdrWriter<'_>,
) -> Read {
    for (place, member) in in_order_of_id(structure).into_iter().filter(|(_, member)| member.key) {
        let Some(at) = found.get_mut(place).and_then(Option::as_mut) else {
            return Err(missing(structure, member, reader));
        };
        transcode_key(graph, member.member_type, at, writer)?;
    }
    Ok(())
}
