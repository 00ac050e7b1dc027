//! Values into bytes, and keys.

use super::decode::{in_order_of_id, sorts_canonically};
use super::graph::{Graph, length};
use super::node::{
    MemberNode, StructureNode, TypeIndex, TypeNode, UnionNode, bitmask_holder, enumeration_holder,
};
use super::value::{DynamicValue, Elements, UnionValue};
use crate::cdr::{CdrWriter, EncodeError, EncodeErrorKind, MemberHeader};
use crate::dds_type::{DdsType, MaximumSize};
use crate::string::check_string;
use crate::type_description::{Extensibility, PrimitiveKind};

/// Which members of structures are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All.
    Whole,
    /// The key members, where there are some.
    Key,
}

type Written = Result<(), EncodeError>;

/// Writes values of the types of a graph.
#[derive(Clone, Copy)]
pub(super) struct Encoder<'g> {
    pub(super) graph: &'g Graph,
}

impl Encoder<'_> {
    /// Appends a value.
    pub(super) fn value(
        self,
        index: TypeIndex,
        value: &DynamicValue,
        part: Part,
        writer: &mut CdrWriter<'_>,
    ) -> Written {
        let graph = self.graph;
        match (graph.node(index), value) {
            (TypeNode::Primitive(kind), value) => primitive(*kind, value, writer),
            (TypeNode::Enumeration(enumeration), DynamicValue::Enumeration(value)) => {
                if graph.lookup(index, i64::from(*value)).is_none() {
                    return Err(EncodeErrorKind::InvalidEnum(i64::from(*value)).into());
                }
                integer(enumeration_holder(enumeration.bit_bound), i64::from(*value), writer)
            }
            (TypeNode::Bitmask(bitmask), DynamicValue::Bitmask(value)) => {
                if value & !bitmask.known() != 0 {
                    return Err(EncodeErrorKind::InvalidBitmask(*value).into());
                }
                integer(bitmask_holder(bitmask.bit_bound), value.cast_signed(), writer)
            }
            (TypeNode::String8 { bound }, DynamicValue::String(value)) => {
                check_bound(*bound, value.len())?;
                value.write(writer)
            }
            (TypeNode::String16 { bound }, DynamicValue::String(value)) => {
                let length = value.encode_utf16().count();
                check_bound(*bound, length)?;
                check_string(value)?;
                let bytes = u32::try_from(length.saturating_mul(2));
                writer.write_u32(bytes.map_err(|_| EncodeErrorKind::LengthOverflow(length))?);
                value.encode_utf16().for_each(|unit| writer.write_u16(unit));
                Ok(())
            }
            (TypeNode::Sequence { element, bound }, DynamicValue::Elements(elements)) => {
                check_bound(*bound, elements.len())?;
                self.collection(graph.primitive(*element).is_some(), writer, |writer| {
                    write_length(elements.len(), writer)?;
                    self.elements(*element, elements, part, writer)
                })
            }
            (TypeNode::Array { element, dimensions }, DynamicValue::Elements(elements)) => {
                if elements.len() != length(dimensions) {
                    return Err(EncodeErrorKind::WrongType.into());
                }
                self.collection(graph.primitive(*element).is_some(), writer, |writer| {
                    self.elements(*element, elements, part, writer)
                })
            }
            (TypeNode::Map { key, value, bound }, DynamicValue::Map(entries)) => {
                check_bound(*bound, entries.len())?;
                let primitive = graph.primitive(*key).is_some() && graph.primitive(*value).is_some();
                self.collection(primitive, writer, |writer| {
                    write_length(entries.len(), writer)?;
                    entries.iter().try_for_each(|(entry_key, entry_value)| {
                        self.value(*key, &entry_key.0, Part::Whole, writer)?;
                        self.value(*value, entry_value, Part::Whole, writer)
                    })
                })
            }
            (TypeNode::Structure(structure), DynamicValue::Structure(members))
                if members.len() == structure.members.len() =>
            {
                self.structure(structure, members, part, writer)
            }
            (TypeNode::Union(union), DynamicValue::Union(value)) => self.union(index, union, value, writer),
            _ => Err(EncodeErrorKind::WrongType.into()),
        }
    }

    /// Writes what a DHEADER precedes unless the elements are primitive.
    fn collection(
        self,
        primitive: bool,
        writer: &mut CdrWriter<'_>,
        values: impl FnOnce(&mut CdrWriter<'_>) -> Written,
    ) -> Written {
        if primitive {
            return values(writer);
        }
        let delimiter = writer.begin_collection();
        values(writer)?;
        writer.end_delimited(delimiter)
    }

    fn elements(
        self,
        element: TypeIndex,
        elements: &Elements,
        part: Part,
        writer: &mut CdrWriter<'_>,
    ) -> Written {
        let kind = self.graph.primitive(element);
        if elements.primitive_kind() != kind {
            // Values that are primitive one by one are as good.
            let Elements::Values(values) = elements else { return Err(EncodeErrorKind::WrongType.into()) };
            return values.iter().try_for_each(|value| self.value(element, value, part, writer));
        }
        match elements {
            Elements::Boolean(values) => bool::write_all(values, writer),
            Elements::Int8(values) => i8::write_all(values, writer),
            Elements::UInt8(values) => u8::write_all(values, writer),
            Elements::Int16(values) => i16::write_all(values, writer),
            Elements::UInt16(values) => u16::write_all(values, writer),
            Elements::Int32(values) => i32::write_all(values, writer),
            Elements::UInt32(values) => u32::write_all(values, writer),
            Elements::Int64(values) => i64::write_all(values, writer),
            Elements::UInt64(values) => u64::write_all(values, writer),
            Elements::Float32(values) => f32::write_all(values, writer),
            Elements::Float64(values) => f64::write_all(values, writer),
            Elements::Char8(values) => char::write_all(values, writer),
            Elements::Char16(values) => values.iter().try_for_each(|value| wide_char(*value, writer)),
            Elements::Values(values) => {
                values.iter().try_for_each(|value| self.value(element, value, part, writer))
            }
        }
    }

    fn structure(
        self,
        structure: &StructureNode,
        values: &[Option<DynamicValue>],
        part: Part,
        writer: &mut CdrWriter<'_>,
    ) -> Written {
        let part = if structure.is_keyed() { part } else { Part::Whole };
        let chosen = |member: &MemberNode| part == Part::Whole || member.key;
        let extensibility = match writer.is_canonical() {
            true => Extensibility::Final,
            false => structure.extensibility,
        };
        let member = |member: &MemberNode, place: usize, writer: &mut CdrWriter<'_>| {
            let value = values.get(place).and_then(Option::as_ref);
            self.member(extensibility, member, value, part, writer)
        };
        if writer.is_canonical() && (part == Part::Key || sorts_canonically(structure)) {
            return in_order_of_id(structure)
                .into_iter()
                .filter(|(_, node)| chosen(node))
                .try_for_each(|(place, node)| member(node, place, writer));
        }
        let delimiter = match extensibility {
            Extensibility::Final => None,
            Extensibility::Appendable => Some(writer.begin_appendable()),
            Extensibility::Mutable => Some(writer.begin_mutable()),
        };
        let mut places = structure.members.iter().enumerate().filter(|(_, node)| chosen(node));
        places.try_for_each(|(place, node)| member(node, place, writer))?;
        match (extensibility, delimiter) {
            (Extensibility::Mutable, Some(delimiter)) => writer.end_mutable(delimiter),
            (_, Some(delimiter)) => writer.end_delimited(delimiter),
            (_, None) => Ok(()),
        }
    }

    fn member(
        self,
        extensibility: Extensibility,
        member: &MemberNode,
        value: Option<&DynamicValue>,
        part: Part,
        writer: &mut CdrWriter<'_>,
    ) -> Written {
        let header = MemberHeader { id: member.id, must_understand: member.must_understand };
        let length_code = self.graph.facts(member.member_type).length_code;
        let write = |value: &DynamicValue, writer: &mut CdrWriter<'_>| {
            self.value(member.member_type, value, part, writer)
        };
        match (extensibility, member.optional, value) {
            (Extensibility::Mutable, true, value) => {
                writer.write_optional_member(header, length_code, value, write)
            }
            (_, true, value) => writer.write_optional(header, value, write),
            (_, false, None) => Err(EncodeErrorKind::WrongType.into()),
            (Extensibility::Mutable, false, Some(value)) => {
                writer.write_member(header, length_code, |writer| write(value, writer))
            }
            (_, false, Some(value)) => write(value, writer),
        }
    }

    fn union(
        self,
        index: TypeIndex,
        union: &UnionNode,
        value: &UnionValue,
        writer: &mut CdrWriter<'_>,
    ) -> Written {
        let label = value.discriminator;
        let refused = || EncodeErrorKind::InvalidDiscriminator(label);
        let labelled = self.graph.lookup(index, label).and_then(|place| union.cases.get(place));
        let case = labelled.or_else(|| union.cases.iter().find(|case| case.default)).ok_or_else(refused)?;
        let delimiter = match union.extensibility {
            Extensibility::Final => None,
            _ => Some(writer.begin_appendable()),
        };
        match self.graph.node(union.discriminator) {
            TypeNode::Primitive(kind) => integer(*kind, label, writer).map_err(|_| refused())?,
            TypeNode::Enumeration(enumeration) => {
                if self.graph.lookup(union.discriminator, label).is_none() {
                    return Err(refused().into());
                }
                integer(enumeration_holder(enumeration.bit_bound), label, writer)?;
            }
            _ => return Err(EncodeErrorKind::WrongType.into()),
        }
        match (case.member_type, &value.value) {
            (Some(member), Some(value)) => self.value(member, value, Part::Whole, writer)?,
            (None, None) => {}
            _ => return Err(EncodeErrorKind::WrongType.into()),
        }
        delimiter.map_or(Ok(()), |delimiter| writer.end_delimited(delimiter))
    }

    /// Adds the largest canonical encoding of a type to `size`.
    pub(super) fn add_size(self, index: TypeIndex, size: &mut MaximumSize) {
        let usize_of = |bound: u32| usize::try_from(bound).unwrap_or(usize::MAX);
        match self.graph.node(index) {
            TypeNode::Primitive(kind) => size.add(kind.size(), kind.size()),
            TypeNode::Enumeration(enumeration) => {
                let holder = enumeration_holder(enumeration.bit_bound).size();
                size.add(holder, holder);
            }
            TypeNode::Bitmask(bitmask) => {
                let holder = bitmask_holder(bitmask.bit_bound).size();
                size.add(holder, holder);
            }
            TypeNode::String8 { bound: Some(bound) } => size.add(4, usize_of(*bound).saturating_add(5)),
            TypeNode::String16 { bound: Some(bound) } => {
                size.add(4, usize_of(*bound).saturating_mul(2).saturating_add(4));
            }
            TypeNode::Sequence { element, bound: Some(bound) } => {
                let primitive = self.graph.primitive(*element).is_some();
                size.add(4, if primitive { 4 } else { 8 });
                self.add_all(*element, usize_of(*bound), size);
            }
            TypeNode::Array { element, dimensions } => {
                if self.graph.primitive(*element).is_none() {
                    size.add(4, 4);
                }
                self.add_all(*element, length(dimensions), size);
            }
            TypeNode::Structure(structure) => size.nested(|size| {
                for (_, member) in in_order_of_id(structure) {
                    if member.optional {
                        size.add(1, 1);
                    }
                    self.add_size(member.member_type, size);
                }
            }),
            TypeNode::Union(union) => size.nested(|size| {
                self.add_size(union.discriminator, size);
                let discriminator = *size;
                for member in union.cases.iter().filter_map(|case| case.member_type) {
                    size.add_alternative(discriminator, |size| self.add_size(member, size));
                }
            }),
            TypeNode::String8 { .. }
            | TypeNode::String16 { .. }
            | TypeNode::Sequence { .. }
            | TypeNode::Map { .. } => size.add_unbounded(),
        }
    }

    fn add_all(self, element: TypeIndex, count: usize, size: &mut MaximumSize) {
        for _ in 0..count {
            let before = size.get();
            self.add_size(element, size);
            if size.get().is_none() || size.get() == before {
                return;
            }
        }
    }
}

fn check_bound(bound: Option<u32>, length: usize) -> Written {
    match bound.and_then(|bound| usize::try_from(bound).ok()) {
        Some(bound) if length > bound => Err(EncodeErrorKind::BoundExceeded { length, bound }.into()),
        _ => Ok(()),
    }
}

fn write_length(length: usize, writer: &mut CdrWriter<'_>) -> Written {
    writer.write_u32(u32::try_from(length).map_err(|_| EncodeErrorKind::LengthOverflow(length))?);
    Ok(())
}

fn wide_char(value: char, writer: &mut CdrWriter<'_>) -> Written {
    let value = u32::from(value);
    writer.write_u16(u16::try_from(value).map_err(|_| EncodeErrorKind::InvalidChar(value))?);
    Ok(())
}

fn primitive(kind: PrimitiveKind, value: &DynamicValue, writer: &mut CdrWriter<'_>) -> Written {
    use DynamicValue as Value;
    match (kind, value) {
        (PrimitiveKind::Boolean, Value::Boolean(value)) => writer.write_bool(*value),
        (PrimitiveKind::Int8, Value::Int8(value)) => writer.write_i8(*value),
        (PrimitiveKind::Byte | PrimitiveKind::UInt8, Value::UInt8(value)) => writer.write_u8(*value),
        (PrimitiveKind::Int16, Value::Int16(value)) => writer.write_i16(*value),
        (PrimitiveKind::UInt16, Value::UInt16(value)) => writer.write_u16(*value),
        (PrimitiveKind::Int32, Value::Int32(value)) => writer.write_i32(*value),
        (PrimitiveKind::UInt32, Value::UInt32(value)) => writer.write_u32(*value),
        (PrimitiveKind::Int64, Value::Int64(value)) => writer.write_i64(*value),
        (PrimitiveKind::UInt64, Value::UInt64(value)) => writer.write_u64(*value),
        (PrimitiveKind::Float32, Value::Float32(value)) => writer.write_f32(*value),
        (PrimitiveKind::Float64, Value::Float64(value)) => writer.write_f64(*value),
        (PrimitiveKind::Char8, Value::Char8(value)) => value.write(writer)?,
        (PrimitiveKind::Char16, Value::Char16(value)) => wide_char(*value, writer)?,
        _ => return Err(EncodeErrorKind::WrongType.into()),
    }
    Ok(())
}

/// Writes a number as an integer, boolean or character; a `u64` comes wrapped.
pub(super) fn integer(kind: PrimitiveKind, value: i64, writer: &mut CdrWriter<'_>) -> Written {
    let wrong = |_| EncodeError::from(EncodeErrorKind::WrongType);
    match kind {
        PrimitiveKind::Boolean => writer.write_bool(match value {
            0 => false,
            1 => true,
            _ => return Err(EncodeErrorKind::WrongType.into()),
        }),
        PrimitiveKind::Int8 => writer.write_i8(i8::try_from(value).map_err(wrong)?),
        PrimitiveKind::Byte | PrimitiveKind::UInt8 | PrimitiveKind::Char8 => {
            writer.write_u8(u8::try_from(value).map_err(wrong)?);
        }
        PrimitiveKind::Int16 => writer.write_i16(i16::try_from(value).map_err(wrong)?),
        PrimitiveKind::UInt16 | PrimitiveKind::Char16 => {
            writer.write_u16(u16::try_from(value).map_err(wrong)?);
        }
        PrimitiveKind::Int32 => writer.write_i32(i32::try_from(value).map_err(wrong)?),
        PrimitiveKind::UInt32 => writer.write_u32(u32::try_from(value).map_err(wrong)?),
        PrimitiveKind::Int64 => writer.write_i64(value),
        PrimitiveKind::UInt64 => writer.write_u64(value.cast_unsigned()),
        PrimitiveKind::Float32 | PrimitiveKind::Float64 | PrimitiveKind::Float128 => {
            return Err(EncodeErrorKind::WrongType.into());
        }
    }
    Ok(())
}
