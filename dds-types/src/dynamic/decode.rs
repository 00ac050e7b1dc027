//! Values out of bytes.

use super::graph::{Graph, length};
use super::node::{
    CaseNode, EnumerationNode, MemberNode, StructureNode, TypeIndex, TypeNode, UnionNode, bitmask_holder,
    enumeration_holder,
};
use super::value::{DynamicValue, Elements, MapKey, UnionValue, VALUE_SIZE};
use crate::cdr::{CdrReader, DecodeError, DecodeErrorKind};
use crate::dds_type::DdsType;
use crate::primitive::WideChar;
use crate::string::WideString;
use crate::type_description::{Extensibility, PrimitiveKind};
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How deeply values may nest, collections counted: structures and unions alone have
/// [`CdrReader::MAX_DEPTH`].
const MAX_DEPTH: u16 = 2 * CdrReader::MAX_DEPTH;

/// Reads values of the types of a graph.
pub(super) struct Decoder<'g> {
    graph: &'g Graph,
    /// Bytes of memory that may still be used.
    budget: usize,
    depth: u16,
}

impl<'g> Decoder<'g> {
    /// Bytes of memory that any sample may take, and that each of its bytes may take besides. A byte
    /// costs about a hundred where it is a structure of its own. The types may come from the network
    /// as the samples do, so the type cannot be what bounds it.
    const BASE_BUDGET: usize = 1 << 20;
    const BUDGET_PER_BYTE: usize = 256;

    /// A decoder of an input of `length` bytes.
    pub(super) fn new(graph: &'g Graph, length: usize) -> Self {
        let budget = length.saturating_mul(Self::BUDGET_PER_BYTE).saturating_add(Self::BASE_BUDGET);
        Self { graph, budget, depth: 0 }
    }

    /// Notes that memory is about to be used.
    fn charge(&mut self, reader: &CdrReader<'_>, bytes: usize) -> Result<(), DecodeError> {
        match self.budget.checked_sub(bytes) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(reader.error(DecodeErrorKind::MemoryLimit)),
        }
    }

    fn deeper<T>(
        &mut self,
        reader: &mut CdrReader<'_>,
        value: impl FnOnce(&mut Self, &mut CdrReader<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth >= MAX_DEPTH {
            return Err(reader.error(DecodeErrorKind::RecursionLimit));
        }
        self.depth = self.depth.saturating_add(1);
        let result = value(self, reader);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    /// Reads a value.
    pub(super) fn value(
        &mut self,
        index: TypeIndex,
        reader: &mut CdrReader<'_>,
    ) -> Result<DynamicValue, DecodeError> {
        let graph = self.graph;
        match graph.node(index) {
            TypeNode::Primitive(kind) => primitive(*kind, reader),
            TypeNode::Enumeration(enumeration) => {
                read_literal(graph, index, enumeration, reader).map(DynamicValue::Enumeration)
            }
            TypeNode::Bitmask(bitmask) => {
                let holder = bitmask_holder(bitmask.bit_bound);
                let value = integer(holder, reader)?.cast_unsigned();
                if value & !bitmask.known() != 0 {
                    let type_name = bitmask.name.to_string().into();
                    let kind = DecodeErrorKind::InvalidBitmask { type_name, value };
                    return Err(reader.error_before(kind, holder.size()));
                }
                Ok(DynamicValue::Bitmask(value))
            }
            TypeNode::String8 { bound } => {
                check_bound(*bound, reader, |reader| Ok(reader.read_length()?.saturating_sub(1)))?;
                let text = reader.read_str()?;
                self.charge(reader, text.len())?;
                Ok(DynamicValue::String(String::from(text)))
            }
            TypeNode::String16 { bound } => {
                check_bound(*bound, reader, |reader| Ok(reader.read_length()? / 2))?;
                let text = WideString::read(reader)?.0;
                self.charge(reader, text.len())?;
                Ok(DynamicValue::String(text))
            }
            TypeNode::Sequence { element, bound } => {
                let primitive = graph.primitive(*element);
                self.collection(primitive.is_some(), reader, |this, reader| {
                    check_bound(*bound, reader, |reader| reader.read_length())?;
                    let length = reader.read_length()?;
                    this.elements(*element, length, reader)
                })
                .map(DynamicValue::Elements)
            }
            TypeNode::Array { element, dimensions } => {
                let primitive = graph.primitive(*element);
                let length = length(dimensions);
                self.collection(primitive.is_some(), reader, |this, reader| {
                    this.elements(*element, length, reader)
                })
                .map(DynamicValue::Elements)
            }
            TypeNode::Map { key, value, bound } => {
                let primitive = graph.primitive(*key).is_some() && graph.primitive(*value).is_some();
                self.collection(primitive, reader, |this, reader| this.map(*key, *value, *bound, reader))
                    .map(DynamicValue::Map)
            }
            TypeNode::Structure(structure) => self.deeper(reader, |this, reader| {
                reader.nested(|reader| this.structure(index, structure, reader))
            }),
            TypeNode::Union(union) => {
                self.deeper(reader, |this, reader| reader.nested(|reader| this.union(index, union, reader)))
            }
        }
    }

    /// Reads what a DHEADER precedes unless the elements are primitive.
    fn collection<T>(
        &mut self,
        primitive: bool,
        reader: &mut CdrReader<'_>,
        values: impl FnOnce(&mut Self, &mut CdrReader<'_>) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if primitive {
            return values(self, reader);
        }
        self.deeper(reader, |this, reader| {
            if !reader.has_collection_headers() {
                return values(this, reader);
            }
            reader.read_delimited(|reader| values(this, reader))
        })
    }

    /// Reads elements that follow each other.
    fn elements(
        &mut self,
        element: TypeIndex,
        count: usize,
        reader: &mut CdrReader<'_>,
    ) -> Result<Elements, DecodeError> {
        if let Some(kind) = self.graph.primitive(element) {
            check_count(reader, count, kind.size())?;
            // Characters take 4 bytes each.
            self.charge(reader, count.saturating_mul(kind.size().max(4)))?;
            return primitives(kind, count, reader);
        }
        check_count(reader, count, self.graph.facts(element).minimum)?;
        let affordable = reader.remaining().len().checked_div(VALUE_SIZE).unwrap_or(count);
        let mut values = Vec::with_capacity(count.min(affordable));
        for _ in 0..count {
            self.charge(reader, VALUE_SIZE)?;
            values.push(self.value(element, reader)?);
        }
        Ok(Elements::Values(values))
    }

    fn map(
        &mut self,
        key: TypeIndex,
        value: TypeIndex,
        bound: Option<u32>,
        reader: &mut CdrReader<'_>,
    ) -> Result<BTreeMap<MapKey, DynamicValue>, DecodeError> {
        check_bound(bound, reader, |reader| reader.read_length())?;
        let count = reader.read_length()?;
        check_count(reader, count, self.graph.facts(key).minimum)?;
        let mut map = BTreeMap::new();
        for _ in 0..count {
            self.charge(reader, VALUE_SIZE.saturating_mul(2))?;
            let error = reader.error(DecodeErrorKind::DuplicateMapKey);
            let key = MapKey(self.value(key, reader)?);
            if map.insert(key, self.value(value, reader)?).is_some() {
                return Err(error);
            }
        }
        Ok(map)
    }

    fn structure(
        &mut self,
        index: TypeIndex,
        structure: &StructureNode,
        reader: &mut CdrReader<'_>,
    ) -> Result<DynamicValue, DecodeError> {
        self.charge(reader, structure.members.len().saturating_mul(VALUE_SIZE))?;
        let members = match structure.extensibility {
            _ if reader.is_canonical() && sorts_canonically(structure) => {
                let mut members: Vec<_> = structure.members.iter().map(|_| None).collect();
                for (place, member) in in_order_of_id(structure) {
                    let value = self.member(member, reader)?;
                    put(&mut members, place, value);
                }
                members
            }
            Extensibility::Mutable if !reader.is_canonical() => self.by_id(index, structure, reader)?,
            Extensibility::Appendable => reader.read_appendable(|reader| {
                let mut members = Vec::with_capacity(structure.members.len());
                for member in &structure.members {
                    let ended = reader.ends_here(self.depth == 1) && !member.key;
                    let value =
                        if ended { self.absent(member, reader)? } else { self.member(member, reader)? };
                    members.push(value);
                }
                Ok(members)
            })?,
            _ => {
                let members = structure.members.iter().map(|member| self.member(member, reader));
                members.collect::<Result<_, _>>()?
            }
        };
        Ok(DynamicValue::Structure(members.into_boxed_slice()))
    }

    /// Reads a member where members follow each other.
    fn member(
        &mut self,
        member: &MemberNode,
        reader: &mut CdrReader<'_>,
    ) -> Result<Option<DynamicValue>, DecodeError> {
        if member.optional {
            return reader.read_optional(member.id, |reader| self.value(member.member_type, reader));
        }
        self.value(member.member_type, reader).map(Some)
    }

    /// Reads the members of a mutable structure.
    fn by_id(
        &mut self,
        index: TypeIndex,
        structure: &StructureNode,
        reader: &mut CdrReader<'_>,
    ) -> Result<Vec<Option<DynamicValue>>, DecodeError> {
        let graph = self.graph;
        let mut members: Vec<_> = structure.members.iter().map(|_| None).collect();
        each_member(graph, index, structure, reader, |place, reader| {
            if let Some(member) = structure.members.get(place) {
                let value = self.value(member.member_type, reader)?;
                put(&mut members, place, Some(value));
            }
            Ok(())
        })?;
        for (member, value) in structure.members.iter().zip(&mut members) {
            if value.is_some() {
                continue;
            }
            if member.key {
                return Err(missing(structure, member, reader));
            }
            *value = self.absent(member, reader)?;
        }
        Ok(members)
    }

    /// The value of a member that the sample lacks.
    fn absent(
        &mut self,
        member: &MemberNode,
        reader: &CdrReader<'_>,
    ) -> Result<Option<DynamicValue>, DecodeError> {
        if member.optional {
            return Ok(None);
        }
        self.charge(reader, self.graph.facts(member.member_type).initial)?;
        Ok(Some(initial(self.graph, member.member_type)))
    }

    fn union(
        &mut self,
        index: TypeIndex,
        union: &UnionNode,
        reader: &mut CdrReader<'_>,
    ) -> Result<DynamicValue, DecodeError> {
        self.charge(reader, VALUE_SIZE.saturating_mul(2))?;
        let mut read = |reader: &mut CdrReader<'_>| {
            let (discriminator, case) = read_case(self.graph, index, union, reader)?;
            let value = case.member_type.map(|member| self.value(member, reader)).transpose()?;
            Ok(DynamicValue::Union(UnionValue { discriminator, value }.into()))
        };
        match union.extensibility {
            Extensibility::Final => read(reader),
            _ => reader.read_appendable(read),
        }
    }
}

/// Types with a `long double` are refused when they are made.
pub(super) const NO_LONG_DOUBLE: DecodeErrorKind = DecodeErrorKind::Foreign("long double is not supported");

fn put<T>(values: &mut [T], place: usize, value: T) {
    if let Some(found) = values.get_mut(place) {
        *found = value;
    }
}

#[cold]
pub(super) fn missing(structure: &StructureNode, member: &MemberNode, reader: &CdrReader<'_>) -> DecodeError {
    reader.error(DecodeErrorKind::MissingMember {
        type_name: structure.name.to_string().into(),
        member: member.name.to_string().into(),
    })
}

/// Calls `known` with the place of each member that is known; refuses those that must be.
pub(super) fn each_member<'p>(
    graph: &Graph,
    index: TypeIndex,
    structure: &StructureNode,
    reader: &mut CdrReader<'p>,
    mut known: impl FnMut(usize, &mut CdrReader<'p>) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let mut members = |reader: &mut CdrReader<'p>| {
        while let Some(found) = reader.read_member_header()? {
            let offset = reader.position();
            let place = graph.lookup(index, i64::from(found.header.id));
            reader.parameter(found.length, |reader| match place {
                Some(place) => known(place, reader),
                None => Ok(()),
            })?;
            if place.is_none() && found.header.must_understand {
                let type_name = structure.name.to_string().into();
                let kind = DecodeErrorKind::UnknownMustUnderstand { type_name, member_id: found.header.id };
                return Err(DecodeError { kind, offset });
            }
        }
        Ok(())
    };
    if reader.has_collection_headers() { reader.read_delimited(members) } else { members(reader) }
}

/// Whether a structure has its members in order of id in canonical keys.
pub(super) fn sorts_canonically(structure: &StructureNode) -> bool {
    !structure.is_keyed() || structure.members.iter().all(|member| member.key)
}

/// Places and members in order of id.
pub(super) fn in_order_of_id(structure: &StructureNode) -> Vec<(usize, &MemberNode)> {
    let mut members: Vec<_> = structure.members.iter().enumerate().collect();
    members.sort_by_key(|(_, member)| member.id);
    members
}

/// Refuses an encoded length above a bound, reading nothing.
fn check_bound(
    bound: Option<u32>,
    reader: &CdrReader<'_>,
    length: impl FnOnce(&mut CdrReader<'_>) -> Result<usize, DecodeError>,
) -> Result<(), DecodeError> {
    let Some(bound) = bound.and_then(|bound| usize::try_from(bound).ok()) else { return Ok(()) };
    match length(&mut reader.clone())? {
        length if length > bound => Err(reader.error(DecodeErrorKind::BoundExceeded { length, bound })),
        _ => Ok(()),
    }
}

/// Refuses a count of values of at least `minimum` bytes that cannot be in what is left.
pub(super) fn check_count(reader: &CdrReader<'_>, count: usize, minimum: usize) -> Result<(), DecodeError> {
    let needed = count.saturating_mul(minimum.max(1));
    let available = reader.remaining().len();
    if needed > available {
        return Err(reader.error(DecodeErrorKind::UnexpectedEnd { needed, available }));
    }
    Ok(())
}

/// Reads a primitive.
pub(super) fn primitive(
    kind: PrimitiveKind,
    reader: &mut CdrReader<'_>,
) -> Result<DynamicValue, DecodeError> {
    Ok(match kind {
        PrimitiveKind::Boolean => DynamicValue::Boolean(reader.read_bool()?),
        PrimitiveKind::Int8 => DynamicValue::Int8(reader.read_i8()?),
        PrimitiveKind::Byte | PrimitiveKind::UInt8 => DynamicValue::UInt8(reader.read_u8()?),
        PrimitiveKind::Int16 => DynamicValue::Int16(reader.read_i16()?),
        PrimitiveKind::UInt16 => DynamicValue::UInt16(reader.read_u16()?),
        PrimitiveKind::Int32 => DynamicValue::Int32(reader.read_i32()?),
        PrimitiveKind::UInt32 => DynamicValue::UInt32(reader.read_u32()?),
        PrimitiveKind::Int64 => DynamicValue::Int64(reader.read_i64()?),
        PrimitiveKind::UInt64 => DynamicValue::UInt64(reader.read_u64()?),
        PrimitiveKind::Float32 => DynamicValue::Float32(reader.read_f32()?),
        PrimitiveKind::Float64 => DynamicValue::Float64(reader.read_f64()?),
        PrimitiveKind::Float128 => return Err(reader.error(NO_LONG_DOUBLE)),
        PrimitiveKind::Char8 => DynamicValue::Char8(char::read(reader)?),
        PrimitiveKind::Char16 => DynamicValue::Char16(WideChar::read(reader)?.get()),
    })
}

/// Reads an integer, boolean or character as its number; a `u64` wraps, as its label does.
pub(super) fn integer(kind: PrimitiveKind, reader: &mut CdrReader<'_>) -> Result<i64, DecodeError> {
    Ok(match kind {
        PrimitiveKind::Boolean => i64::from(reader.read_bool()?),
        PrimitiveKind::Int8 => i64::from(reader.read_i8()?),
        PrimitiveKind::Byte | PrimitiveKind::UInt8 | PrimitiveKind::Char8 => i64::from(reader.read_u8()?),
        PrimitiveKind::Int16 => i64::from(reader.read_i16()?),
        PrimitiveKind::UInt16 | PrimitiveKind::Char16 => i64::from(reader.read_u16()?),
        PrimitiveKind::Int32 => i64::from(reader.read_i32()?),
        PrimitiveKind::UInt32 => i64::from(reader.read_u32()?),
        PrimitiveKind::Int64 => reader.read_i64()?,
        PrimitiveKind::UInt64 => reader.read_u64()?.cast_signed(),
        PrimitiveKind::Float32 | PrimitiveKind::Float64 | PrimitiveKind::Float128 => {
            return Err(reader.error(DecodeErrorKind::Foreign("a float is no discriminator")));
        }
    })
}

/// Reads the value of a literal.
pub(super) fn read_literal(
    graph: &Graph,
    index: TypeIndex,
    enumeration: &EnumerationNode,
    reader: &mut CdrReader<'_>,
) -> Result<i32, DecodeError> {
    let holder = enumeration_holder(enumeration.bit_bound);
    let value = integer(holder, reader)?;
    match i32::try_from(value) {
        Ok(literal) if graph.lookup(index, value).is_some() => Ok(literal),
        _ => {
            let type_name = enumeration.name.to_string().into();
            Err(reader.error_before(DecodeErrorKind::InvalidEnum { type_name, value }, holder.size()))
        }
    }
}

/// Reads the discriminator of a union; gives it and the case that it selects.
pub(super) fn read_case<'u>(
    graph: &Graph,
    index: TypeIndex,
    union: &'u UnionNode,
    reader: &mut CdrReader<'_>,
) -> Result<(i64, &'u CaseNode), DecodeError> {
    let label = match graph.node(union.discriminator) {
        TypeNode::Primitive(kind) => integer(*kind, reader)?,
        TypeNode::Enumeration(enumeration) => {
            read_literal(graph, union.discriminator, enumeration, reader)?.into()
        }
        _ => return Err(reader.error(DecodeErrorKind::Foreign("no discriminator"))),
    };
    let labelled = graph.lookup(index, label).and_then(|place| union.cases.get(place));
    let case = labelled.or_else(|| union.cases.iter().find(|case| case.default));
    let found = case.map(|case| (label, case));
    found.ok_or_else(|| {
        let type_name = union.name.to_string().into();
        let size = graph.facts(union.discriminator).minimum;
        reader.error_before(DecodeErrorKind::InvalidDiscriminator { type_name, value: label }, size)
    })
}

/// Reads primitives that follow each other.
fn primitives(
    kind: PrimitiveKind,
    count: usize,
    reader: &mut CdrReader<'_>,
) -> Result<Elements, DecodeError> {
    Ok(match kind {
        PrimitiveKind::Boolean => Elements::Boolean(bool::read_all(reader, count)?),
        PrimitiveKind::Int8 => Elements::Int8(i8::read_all(reader, count)?),
        PrimitiveKind::Byte | PrimitiveKind::UInt8 => Elements::UInt8(u8::read_all(reader, count)?),
        PrimitiveKind::Int16 => Elements::Int16(i16::read_all(reader, count)?),
        PrimitiveKind::UInt16 => Elements::UInt16(u16::read_all(reader, count)?),
        PrimitiveKind::Int32 => Elements::Int32(i32::read_all(reader, count)?),
        PrimitiveKind::UInt32 => Elements::UInt32(u32::read_all(reader, count)?),
        PrimitiveKind::Int64 => Elements::Int64(i64::read_all(reader, count)?),
        PrimitiveKind::UInt64 => Elements::UInt64(u64::read_all(reader, count)?),
        PrimitiveKind::Float32 => Elements::Float32(f32::read_all(reader, count)?),
        PrimitiveKind::Float64 => Elements::Float64(f64::read_all(reader, count)?),
        PrimitiveKind::Float128 => return Err(reader.error(NO_LONG_DOUBLE)),
        PrimitiveKind::Char8 => Elements::Char8(char::read_all(reader, count)?),
        PrimitiveKind::Char16 => {
            Elements::Char16(WideChar::read_all(reader, count)?.into_iter().map(WideChar::get).collect())
        }
    })
}

/// The value of a member that a sample lacks (XTypes 1.3 Table 9).
pub(super) fn initial(graph: &Graph, index: TypeIndex) -> DynamicValue {
    match graph.node(index) {
        TypeNode::Primitive(kind) => zero(*kind),
        TypeNode::String8 { .. } | TypeNode::String16 { .. } => DynamicValue::String(String::new()),
        TypeNode::Enumeration(enumeration) => DynamicValue::Enumeration(enumeration.default_literal()),
        TypeNode::Bitmask(_) => DynamicValue::Bitmask(0),
        TypeNode::Sequence { element, .. } => {
            DynamicValue::Elements(Elements::empty(graph.primitive(*element)))
        }
        TypeNode::Array { element, dimensions } => {
            let length = length(dimensions);
            DynamicValue::Elements(match graph.primitive(*element) {
                Some(kind) => Elements::zeros(Some(kind), length),
                None => Elements::Values(alloc::vec![initial(graph, *element); length]),
            })
        }
        TypeNode::Map { .. } => DynamicValue::Map(BTreeMap::new()),
        TypeNode::Structure(structure) => {
            let members = structure
                .members
                .iter()
                .map(|member| (!member.optional).then(|| initial(graph, member.member_type)));
            DynamicValue::Structure(members.collect())
        }
        TypeNode::Union(union) => {
            let first = union.cases.first();
            let discriminator = first.map_or(0, |case| label_of(graph, index, union, case));
            let value = first.and_then(|case| case.member_type).map(|member| initial(graph, member));
            DynamicValue::Union(UnionValue { discriminator, value }.into())
        }
    }
}

fn zero(kind: PrimitiveKind) -> DynamicValue {
    match kind {
        PrimitiveKind::Boolean => DynamicValue::Boolean(false),
        PrimitiveKind::Int8 => DynamicValue::Int8(0),
        PrimitiveKind::Byte | PrimitiveKind::UInt8 => DynamicValue::UInt8(0),
        PrimitiveKind::Int16 => DynamicValue::Int16(0),
        PrimitiveKind::UInt16 => DynamicValue::UInt16(0),
        PrimitiveKind::Int32 => DynamicValue::Int32(0),
        PrimitiveKind::UInt32 => DynamicValue::UInt32(0),
        PrimitiveKind::Int64 => DynamicValue::Int64(0),
        PrimitiveKind::UInt64 => DynamicValue::UInt64(0),
        PrimitiveKind::Float32 => DynamicValue::Float32(0.0),
        // Types with a `long double` are refused.
        PrimitiveKind::Float64 | PrimitiveKind::Float128 => DynamicValue::Float64(0.0),
        PrimitiveKind::Char8 => DynamicValue::Char8('\0'),
        PrimitiveKind::Char16 => DynamicValue::Char16('\0'),
    }
}

/// A discriminator that selects a case: its first label, or one that no case has (XTypes 1.3
/// §7.2.2.4.4.3).
pub(super) fn label_of(graph: &Graph, index: TypeIndex, union: &UnionNode, case: &CaseNode) -> i64 {
    if let Some(label) = case.labels.first() {
        return *label;
    }
    let free = |label: &i64| graph.lookup(index, *label).is_none();
    let found = match graph.node(union.discriminator) {
        TypeNode::Enumeration(enumeration) => {
            enumeration.literals.iter().map(|literal| i64::from(literal.value)).find(free)
        }
        _ => (0..=i64::MAX).find(free),
    };
    found.unwrap_or(i64::MAX)
}
