//! Single members out of payloads, without decoding the rest.

use super::decode::{NO_LONG_DOUBLE, check_count, each_member, integer, read_case, read_literal};
use super::graph::{Graph, length};
use super::node::{StructureNode, TypeIndex, TypeNode, bitmask_holder};
use super::path::{PathError, Step, resolve};
use super::skip::member as skip_member;
use super::ty::DynamicType;
use crate::cdr::{CdrReader, DecodeError, DecodeErrorKind, Endianness};
use crate::dds_type::DdsType;
use crate::payload::body_reader;
use crate::primitive::WideChar;
use crate::type_description::{Extensibility, PrimitiveKind};
use alloc::string::ToString;
use alloc::vec::Vec;

/// A plan to find some members in payloads of a type, whatever their encoding: made once, used for
/// many samples. Reading allocates nothing, and nothing behind the last member is looked at.
///
/// ```
/// use dds_derive::DdsType;
/// use dds_types::{DataRepresentationId, TopicType};
/// use dds_types::dynamic::{DynamicType, MemberAccessor, MemberValue};
///
/// #[derive(DdsType)]
/// struct Position {
///     vehicle: String,
///     at: [f64; 2],
///     speed: Option<f32>,
/// }
///
/// let accessor = MemberAccessor::new(&DynamicType::of::<Position>()?, &["vehicle", "at[1]", "speed"])?;
/// let mut payload = Vec::new();
/// let position = Position { vehicle: "truck".into(), at: [48.2, 16.4], speed: None };
/// position.serialize(DataRepresentationId::XCDR2, &mut payload)?;
/// let mut values = [MemberValue::Absent; 3];
/// accessor.read(&payload, &mut values)?;
/// assert_eq!(values, [MemberValue::String("truck"), MemberValue::Float(16.4), MemberValue::Absent]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemberAccessor {
    root: DynamicType,
    plan: Plan,
    types: Vec<DynamicType>,
}

/// What is wanted of a value.
#[derive(Clone, Debug, Default)]
struct Plan {
    /// Where the value itself goes.
    outputs: Vec<usize>,
    /// What is wanted of its members or elements, in order of their places.
    inner: Vec<(usize, Plan)>,
}

/// A single value found in a payload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MemberValue<'p> {
    /// An optional member that is absent, a case of a union that is not selected, or an element
    /// behind the end of its sequence.
    Absent,
    /// A boolean.
    Boolean(bool),
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer.
    Unsigned(u64),
    /// A floating-point number; 32-bit ones are widened.
    Float(f64),
    /// A character.
    Character(char),
    /// A string of 8-bit characters.
    String(&'p str),
    /// A string of 16-bit characters.
    WideString(WideText<'p>),
    /// The value of an enumeration's literal.
    Enumeration(i32),
    /// The bits of a bitmask.
    Bitmask(u64),
}

/// A string of 16-bit characters in a payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WideText<'p> {
    units: &'p [u8],
    endianness: Endianness,
}

impl<'p> WideText<'p> {
    /// The characters.
    pub fn chars(self) -> impl Iterator<Item = char> + 'p {
        let units = self.units.as_chunks::<2>().0.iter().map(move |unit| match self.endianness {
            Endianness::Big => u16::from_be_bytes(*unit),
            Endianness::Little => u16::from_le_bytes(*unit),
        });
        char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

impl MemberAccessor {
    /// A plan for the members at these paths, such as `position.x` or `rows[2].name`.
    ///
    /// # Errors
    /// A path leads nowhere, or not to a single value.
    pub fn new<P: AsRef<str>>(root: &DynamicType, paths: &[P]) -> Result<Self, PathError> {
        let graph = root.graph();
        let mut plan = Plan::default();
        let mut types = Vec::with_capacity(paths.len());
        for (output, path) in paths.iter().enumerate() {
            let (steps, index) = resolve(graph, root.index(), path.as_ref())?;
            if !is_single(graph.node(index)) {
                return Err(PathError::NotSingle { path: path.as_ref().to_string() });
            }
            plan.add(&steps, output);
            types.push(root.at(index));
        }
        Ok(Self { root: root.clone(), plan, types })
    }

    /// The type of each member, in the order of the paths.
    pub fn types(&self) -> &[DynamicType] {
        &self.types
    }

    /// Puts the members of a sample into `values`, in the order of the paths.
    ///
    /// # Errors
    /// The payload is malformed as far as it was looked at. `values` holds anything then.
    pub fn read<'p>(&self, payload: &'p [u8], values: &mut [MemberValue<'p>]) -> Result<(), DecodeError> {
        let (graph, index) = (self.root.graph(), self.root.index());
        let mut reader = body_reader(payload, self.root.extensibility())?;
        values.fill(MemberValue::Absent);
        read(graph, index, &self.plan, &mut reader, values)
    }
}

impl Plan {
    fn add(&mut self, steps: &[Step], output: usize) {
        let Some((Step::Member(place) | Step::Element(place), rest)) = steps.split_first() else {
            self.outputs.push(output);
            return;
        };
        let at = self.inner.partition_point(|(other, _)| other < place);
        if self.inner.get(at).is_none_or(|(other, _)| other != place) {
            self.inner.insert(at, (*place, Self::default()));
        }
        if let Some((_, inner)) = self.inner.get_mut(at) {
            inner.add(rest, output);
        }
    }

    /// Makes all that is wanted absent.
    fn forget(&self, values: &mut [MemberValue<'_>]) {
        put(self, MemberValue::Absent, values);
        self.inner.iter().for_each(|(_, inner)| inner.forget(values));
    }

    fn of(&self, place: usize) -> Option<&Self> {
        let at = self.inner.binary_search_by_key(&place, |(place, _)| *place).ok()?;
        self.inner.get(at).map(|(_, plan)| plan)
    }

    /// The last place that something is wanted of.
    fn last(&self) -> Option<usize> {
        self.inner.last().map(|(place, _)| *place)
    }
}

fn is_single(node: &TypeNode) -> bool {
    matches!(
        node,
        TypeNode::Primitive(_)
            | TypeNode::String8 { .. }
            | TypeNode::String16 { .. }
            | TypeNode::Enumeration(_)
            | TypeNode::Bitmask(_)
    )
}

/// Reads what is wanted of a value. Leaves the reader anywhere.
fn read<'p>(
    graph: &Graph,
    index: TypeIndex,
    plan: &Plan,
    reader: &mut CdrReader<'p>,
    values: &mut [MemberValue<'p>],
) -> Result<(), DecodeError> {
    match graph.node(index) {
        TypeNode::Structure(structure) => reader.nested(|reader| match structure.extensibility {
            Extensibility::Mutable => {
                for (place, inner) in &plan.inner {
                    absent(graph, structure, *place, inner, values);
                }
                each_member(graph, index, structure, reader, |place, reader| {
                    match (structure.members.get(place), plan.of(place)) {
                        (Some(member), Some(inner)) => {
                            // Of what was assumed, or of an earlier occurrence, nothing stays.
                            inner.forget(values);
                            read(graph, member.member_type, inner, reader, values)
                        }
                        _ => Ok(()),
                    }
                })
            }
            Extensibility::Appendable => {
                reader.read_appendable(|reader| in_sequence(graph, structure, plan, reader, values))
            }
            Extensibility::Final => in_sequence(graph, structure, plan, reader, values),
        }),
        TypeNode::Union(union) => reader.nested(|reader| {
            let mut case = |reader: &mut CdrReader<'p>| {
                let (_, case) = read_case(graph, index, union, reader)?;
                let place = union.cases.iter().position(|other| core::ptr::eq(other, case));
                match (case.member_type, place.and_then(|place| plan.of(place))) {
                    (Some(member), Some(inner)) => read(graph, member, inner, reader, values),
                    _ => Ok(()),
                }
            };
            match union.extensibility {
                Extensibility::Final => case(reader),
                _ => reader.read_appendable(case),
            }
        }),
        TypeNode::Sequence { element, .. } => {
            let primitive = graph.primitive(*element).is_some();
            elements(graph, *element, primitive, None, plan, reader, values)
        }
        TypeNode::Array { element, dimensions } => {
            let primitive = graph.primitive(*element).is_some();
            elements(graph, *element, primitive, Some(length(dimensions)), plan, reader, values)
        }
        _ => {
            let value = single(graph, index, reader)?;
            put(plan, value, values);
            Ok(())
        }
    }
}

fn put<'p>(plan: &Plan, value: MemberValue<'p>, values: &mut [MemberValue<'p>]) {
    for output in &plan.outputs {
        if let Some(place) = values.get_mut(*output) {
            *place = value;
        }
    }
}

fn in_sequence<'p>(
    graph: &Graph,
    structure: &StructureNode,
    plan: &Plan,
    reader: &mut CdrReader<'p>,
    values: &mut [MemberValue<'p>],
) -> Result<(), DecodeError> {
    let Some(last) = plan.last() else { return Ok(()) };
    let grows = structure.extensibility == Extensibility::Appendable;
    for (place, member) in structure.members.iter().enumerate() {
        let ended = grows && reader.has_ended();
        if let Some(inner) = plan.of(place) {
            if ended {
                absent(graph, structure, place, inner, values);
            } else {
                let mut at = reader.clone();
                if member.optional {
                    at.read_optional(member.id, |at| read(graph, member.member_type, inner, at, values))?;
                } else {
                    read(graph, member.member_type, inner, &mut at, values)?;
                }
            }
        }
        if place == last {
            break;
        }
        if !ended {
            skip_member(graph, member, reader)?;
        }
    }
    Ok(())
}

fn elements<'p>(
    graph: &Graph,
    element: TypeIndex,
    primitive: bool,
    fixed: Option<usize>,
    plan: &Plan,
    reader: &mut CdrReader<'p>,
    values: &mut [MemberValue<'p>],
) -> Result<(), DecodeError> {
    let mut elements = |reader: &mut CdrReader<'p>| {
        let count = match fixed {
            Some(count) => count,
            None => reader.read_length()?,
        };
        check_count(reader, count, graph.facts(element).minimum)?;
        let mut next = 0_usize;
        for (place, inner) in plan.inner.iter().filter(|(place, _)| *place < count) {
            super::skip::elements(graph, element, place.saturating_sub(next), reader)?;
            read(graph, element, inner, &mut reader.clone(), values)?;
            next = *place;
        }
        Ok(())
    };
    if primitive || !reader.has_collection_headers() {
        elements(reader)
    } else {
        reader.read_delimited(elements)
    }
}

/// Puts the values of what is wanted of a member that the sample lacks.
fn absent(
    graph: &Graph,
    structure: &StructureNode,
    place: usize,
    plan: &Plan,
    values: &mut [MemberValue<'_>],
) {
    if let Some(member) = structure.members.get(place).filter(|member| !member.optional) {
        initial(graph, member.member_type, plan, values);
    }
}

fn initial(graph: &Graph, index: TypeIndex, plan: &Plan, values: &mut [MemberValue<'_>]) {
    let value = match graph.node(index) {
        TypeNode::Structure(structure) => {
            plan.inner.iter().for_each(|(place, inner)| absent(graph, structure, *place, inner, values));
            return;
        }
        TypeNode::Union(union) => {
            let first = union.cases.first().and_then(|case| case.member_type);
            if let (Some(member), Some(inner)) = (first, plan.of(0)) {
                initial(graph, member, inner, values);
            }
            return;
        }
        TypeNode::Array { element, .. } => {
            plan.inner.iter().for_each(|(_, inner)| initial(graph, *element, inner, values));
            return;
        }
        TypeNode::Sequence { .. } | TypeNode::Map { .. } => return,
        TypeNode::Primitive(kind) => match kind {
            PrimitiveKind::Boolean => MemberValue::Boolean(false),
            PrimitiveKind::Int8 | PrimitiveKind::Int16 | PrimitiveKind::Int32 | PrimitiveKind::Int64 => {
                MemberValue::Signed(0)
            }
            PrimitiveKind::Byte
            | PrimitiveKind::UInt8
            | PrimitiveKind::UInt16
            | PrimitiveKind::UInt32
            | PrimitiveKind::UInt64 => MemberValue::Unsigned(0),
            PrimitiveKind::Float32 | PrimitiveKind::Float64 | PrimitiveKind::Float128 => {
                MemberValue::Float(0.0)
            }
            PrimitiveKind::Char8 | PrimitiveKind::Char16 => MemberValue::Character('\0'),
        },
        TypeNode::String8 { .. } => MemberValue::String(""),
        TypeNode::String16 { .. } => {
            MemberValue::WideString(WideText { units: &[], endianness: Endianness::Little })
        }
        TypeNode::Enumeration(enumeration) => MemberValue::Enumeration(enumeration.default_literal()),
        TypeNode::Bitmask(_) => MemberValue::Bitmask(0),
    };
    put(plan, value, values);
}

/// Reads a single value.
fn single<'p>(
    graph: &Graph,
    index: TypeIndex,
    reader: &mut CdrReader<'p>,
) -> Result<MemberValue<'p>, DecodeError> {
    Ok(match graph.node(index) {
        TypeNode::Primitive(kind) => match kind {
            PrimitiveKind::Boolean => MemberValue::Boolean(reader.read_bool()?),
            PrimitiveKind::Int8 | PrimitiveKind::Int16 | PrimitiveKind::Int32 | PrimitiveKind::Int64 => {
                MemberValue::Signed(integer(*kind, reader)?)
            }
            PrimitiveKind::Byte
            | PrimitiveKind::UInt8
            | PrimitiveKind::UInt16
            | PrimitiveKind::UInt32
            | PrimitiveKind::UInt64 => MemberValue::Unsigned(integer(*kind, reader)?.cast_unsigned()),
            PrimitiveKind::Float32 => MemberValue::Float(f64::from(reader.read_f32()?)),
            PrimitiveKind::Float64 => MemberValue::Float(reader.read_f64()?),
            PrimitiveKind::Float128 => return Err(reader.error(NO_LONG_DOUBLE)),
            PrimitiveKind::Char8 => MemberValue::Character(char::read(reader)?),
            PrimitiveKind::Char16 => MemberValue::Character(WideChar::read(reader)?.get()),
        },
        TypeNode::String8 { .. } => MemberValue::String(reader.read_str()?),
        TypeNode::String16 { .. } => {
            let length = reader.read_length()?;
            let endianness = reader.endianness();
            MemberValue::WideString(WideText { units: reader.read_bytes(length)?, endianness })
        }
        TypeNode::Enumeration(enumeration) => {
            MemberValue::Enumeration(read_literal(graph, index, enumeration, reader)?)
        }
        TypeNode::Bitmask(bitmask) => {
            MemberValue::Bitmask(integer(bitmask_holder(bitmask.bit_bound), reader)?.cast_unsigned())
        }
        _ => return Err(reader.error(DecodeErrorKind::Foreign("no single value"))),
    })
}
