//! Values as JSON and other self-describing formats, through serde (feature `serde`).
//!
//! | DDS | JSON |
//! |---|---|
//! | numbers, booleans, strings, characters | the same; NaN and infinities are `null` |
//! | enumeration | name of the literal; its number is read too |
//! | bitmask | array of the names of the flags; its number is read too |
//! | sequence, array | array; of several dimensions arrays of arrays |
//! | map | object, its keys as strings |
//! | structure | object; absent optional members are left out, `null` is read too |
//! | union | object of `$discriminator` and the member that it selects |

use super::conform::{conform, convert, expectation};
use super::data::DynamicData;
use super::decode::{initial, label_of};
use super::graph::Graph;
use super::node::{CaseNode, StructureNode, TypeIndex, TypeNode, UnionNode, bit};
use super::ty::DynamicType;
use super::value::{DynamicValue, Elements, MapKey, UnionValue};
use crate::type_description::PrimitiveKind;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Deserializer, Serialize, Serializer};

/// The member of the object of a union that says which case it is.
const DISCRIMINATOR: &str = "$discriminator";

impl Serialize for DynamicData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (graph, index) = (self.dynamic_type.graph(), self.dynamic_type.index());
        Typed { graph, index, value: &self.value }.serialize(serializer)
    }
}

/// A value with its type.
#[derive(Clone, Copy)]
struct Typed<'v> {
    graph: &'v Graph,
    index: TypeIndex,
    value: &'v DynamicValue,
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let graph = self.graph;
        match (graph.node(self.index), self.value) {
            (TypeNode::Enumeration(enumeration), DynamicValue::Enumeration(value)) => {
                match enumeration.literal(*value) {
                    Some(literal) => serializer.serialize_str(&literal.name),
                    None => serializer.serialize_i32(*value),
                }
            }
            (TypeNode::Bitmask(bitmask), DynamicValue::Bitmask(bits)) => {
                let set = bitmask.flags.iter().filter(|flag| bits & bit(flag.position) != 0);
                serializer.collect_seq(set.map(|flag| &*flag.name))
            }
            (TypeNode::Sequence { element, .. }, DynamicValue::Elements(elements)) => {
                Row { graph, element: *element, elements, dimensions: &[], from: 0, length: elements.len() }
                    .serialize(serializer)
            }
            (TypeNode::Array { element, dimensions }, DynamicValue::Elements(elements)) => {
                let (first, inner) = dimensions.split_first().unwrap_or((&0, &[]));
                let length = usize::try_from(*first).unwrap_or(usize::MAX);
                Row { graph, element: *element, elements, dimensions: inner, from: 0, length }
                    .serialize(serializer)
            }
            (TypeNode::Map { key, value, .. }, DynamicValue::Map(entries)) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (entry_key, entry_value) in entries {
                    map.serialize_entry(
                        &Typed { graph, index: *key, value: &entry_key.0 },
                        &Typed { graph, index: *value, value: entry_value },
                    )?;
                }
                map.end()
            }
            (TypeNode::Structure(structure), DynamicValue::Structure(members)) => {
                let present = members.iter().filter(|value| value.is_some()).count();
                let mut map = serializer.serialize_map(Some(present))?;
                for (member, value) in structure.members.iter().zip(members) {
                    if let Some(value) = value {
                        map.serialize_entry(
                            &*member.name,
                            &Typed { graph, index: member.member_type, value },
                        )?;
                    }
                }
                map.end()
            }
            (TypeNode::Union(union), DynamicValue::Union(held)) => {
                let mut map = serializer.serialize_map(Some(if held.value.is_some() { 2 } else { 1 }))?;
                let label = Label { graph, index: union.discriminator, label: held.discriminator };
                map.serialize_entry(DISCRIMINATOR, &label)?;
                let case = union.case_of(held.discriminator).and_then(|place| union.cases.get(place));
                if let (Some(case), Some(value)) = (case, &held.value)
                    && let Some(member) = case.member_type
                {
                    map.serialize_entry(&*case.name, &Typed { graph, index: member, value })?;
                }
                map.end()
            }
            (_, value) => single(value, serializer),
        }
    }
}

/// A value that says itself what it is.
fn single<S: Serializer>(value: &DynamicValue, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        DynamicValue::Boolean(value) => serializer.serialize_bool(*value),
        DynamicValue::Int8(value) => serializer.serialize_i8(*value),
        DynamicValue::UInt8(value) => serializer.serialize_u8(*value),
        DynamicValue::Int16(value) => serializer.serialize_i16(*value),
        DynamicValue::UInt16(value) => serializer.serialize_u16(*value),
        DynamicValue::Int32(value) => serializer.serialize_i32(*value),
        DynamicValue::UInt32(value) => serializer.serialize_u32(*value),
        DynamicValue::Int64(value) => serializer.serialize_i64(*value),
        DynamicValue::UInt64(value) => serializer.serialize_u64(*value),
        DynamicValue::Float32(value) => serializer.serialize_f32(*value),
        DynamicValue::Float64(value) => serializer.serialize_f64(*value),
        DynamicValue::Char8(value) | DynamicValue::Char16(value) => serializer.serialize_char(*value),
        DynamicValue::String(value) => serializer.serialize_str(value),
        _ => Err(S::Error::custom("the data does not have the shape of its type")),
    }
}

/// The discriminator of a union.
struct Label<'g> {
    graph: &'g Graph,
    index: TypeIndex,
    label: i64,
}

impl Serialize for Label<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.graph.node(self.index) {
            TypeNode::Enumeration(enumeration) => {
                let literal = i32::try_from(self.label).ok().and_then(|value| enumeration.literal(value));
                match literal {
                    Some(literal) => serializer.serialize_str(&literal.name),
                    None => serializer.serialize_i64(self.label),
                }
            }
            TypeNode::Primitive(PrimitiveKind::Boolean) => serializer.serialize_bool(self.label != 0),
            TypeNode::Primitive(PrimitiveKind::Char8 | PrimitiveKind::Char16) => {
                let character = u32::try_from(self.label).ok().and_then(char::from_u32);
                serializer.serialize_char(character.unwrap_or(char::REPLACEMENT_CHARACTER))
            }
            TypeNode::Primitive(PrimitiveKind::UInt64) => {
                serializer.serialize_u64(self.label.cast_unsigned())
            }
            _ => serializer.serialize_i64(self.label),
        }
    }
}

/// Some of the elements of a sequence or array.
struct Row<'v> {
    graph: &'v Graph,
    element: TypeIndex,
    elements: &'v Elements,
    /// Dimensions below this one.
    dimensions: &'v [u32],
    /// The first, in units of rows of this one's elements.
    from: usize,
    length: usize,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.length))?;
        let places = self.from..self.from.saturating_add(self.length);
        if let Some((first, inner)) = self.dimensions.split_first() {
            let length = usize::try_from(*first).unwrap_or(usize::MAX);
            for place in places {
                let from = place.saturating_mul(length);
                sequence.serialize_element(&Row { dimensions: inner, from, length, ..*self })?;
            }
            return sequence.end();
        }
        for place in places {
            match self.elements {
                Elements::Values(values) => {
                    let value = values.get(place).ok_or_else(|| S::Error::custom("too few elements"))?;
                    sequence.serialize_element(&Typed { graph: self.graph, index: self.element, value })?;
                }
                primitives => {
                    let value = primitives.get(place).ok_or_else(|| S::Error::custom("too few elements"))?;
                    sequence.serialize_element(&Typed {
                        graph: self.graph,
                        index: self.element,
                        value: &value,
                    })?;
                }
            }
        }
        sequence.end()
    }
}

/// Reads values of a type; errors name the member.
///
/// Members that are not given have their default value, members that the type lacks are refused.
///
/// ```
/// use dds_types::dynamic::{DynamicSeed, DynamicType};
/// use dds_types::type_description::PrimitiveKind;
/// use serde::de::DeserializeSeed;
///
/// let point = DynamicType::structure("Point")
///     .member("x", &DynamicType::primitive(PrimitiveKind::UInt8))
///     .member("y", &DynamicType::primitive(PrimitiveKind::Float64))
///     .build()?;
/// let mut json = serde_json::Deserializer::from_str(r#"{"x": 3, "y": 0.5}"#);
/// let data = DynamicSeed(&point).deserialize(&mut json)?;
/// assert_eq!(serde_json::to_string(&data)?, r#"{"x":3,"y":0.5}"#);
///
/// let mut json = serde_json::Deserializer::from_str(r#"{"x": 300}"#);
/// let error = DynamicSeed(&point).deserialize(&mut json).unwrap_err().to_string();
/// assert!(error.starts_with("x: uint8 expected, 300 given"), "{error}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct DynamicSeed<'t>(pub &'t DynamicType);

impl<'de> DeserializeSeed<'de> for DynamicSeed<'_> {
    type Value = DynamicData;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynamicData, D::Error> {
        let seed = Seed { graph: self.0.graph(), index: self.0.index(), depth: 0 };
        let value = seed.deserialize(deserializer)?;
        Ok(DynamicData { dynamic_type: self.0.clone(), value })
    }
}

/// How deeply values may nest.
const MAX_DEPTH: u16 = 128;

#[derive(Clone, Copy)]
struct Seed<'g> {
    graph: &'g Graph,
    index: TypeIndex,
    depth: u16,
}

impl Seed<'_> {
    fn of(self, index: TypeIndex) -> Self {
        Self { index, depth: self.depth.saturating_add(1), ..self }
    }

    fn node(&self) -> &TypeNode {
        self.graph.node(self.index)
    }

    fn wrong<E: serde::de::Error>(&self, found: impl fmt::Display) -> E {
        E::custom(format_args!("{} expected, {found} given", expectation(self.node())))
    }

    /// A number, where one is expected.
    fn number<E: serde::de::Error>(self, number: i128) -> Result<DynamicValue, E> {
        let wrong = || self.wrong(number);
        match self.node() {
            TypeNode::Primitive(PrimitiveKind::Boolean | PrimitiveKind::Char8 | PrimitiveKind::Char16) => {
                Err(wrong())
            }
            // A float is as near as it can be, as in any source text.
            TypeNode::Primitive(PrimitiveKind::Float32) => Ok(DynamicValue::Float32(number as f32)),
            TypeNode::Primitive(PrimitiveKind::Float64) => Ok(DynamicValue::Float64(number as f64)),
            TypeNode::Primitive(kind) => convert(*kind, number).ok_or_else(wrong),
            TypeNode::Enumeration(_) | TypeNode::Bitmask(_) => {
                let value = match i64::try_from(number) {
                    Ok(number) => DynamicValue::Int64(number),
                    Err(_) => DynamicValue::UInt64(u64::try_from(number).map_err(|_| wrong())?),
                };
                conform(self.graph, self.index, value).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        }
    }

    fn text<E: serde::de::Error>(self, text: &str) -> Result<DynamicValue, E> {
        let wrong = || self.wrong(format_args!("{text:?}"));
        match self.node() {
            TypeNode::Primitive(kind @ (PrimitiveKind::Char8 | PrimitiveKind::Char16)) => {
                let mut characters = text.chars();
                let character =
                    characters.next().filter(|_| characters.next().is_none()).ok_or_else(wrong)?;
                convert(*kind, i128::from(u32::from(character))).ok_or_else(wrong)
            }
            // Keys of objects are strings, whatever they are keys of.
            TypeNode::Primitive(PrimitiveKind::Boolean) => {
                text.parse().map(DynamicValue::Boolean).map_err(|_| wrong())
            }
            TypeNode::Primitive(_) => self.number(text.parse().map_err(|_| wrong())?),
            _ => conform(self.graph, self.index, DynamicValue::String(text.into())).map_err(E::custom),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = DynamicValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<DynamicValue, D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom("values nest too deeply"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = DynamicValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&expectation(self.node()))
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<DynamicValue, E> {
        match self.node() {
            TypeNode::Primitive(PrimitiveKind::Boolean) => Ok(DynamicValue::Boolean(value)),
            _ => Err(self.wrong(value)),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<DynamicValue, E> {
        self.number(i128::from(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<DynamicValue, E> {
        self.number(i128::from(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<DynamicValue, E> {
        match self.node() {
            TypeNode::Primitive(PrimitiveKind::Float32) => Ok(DynamicValue::Float32(value as f32)),
            TypeNode::Primitive(PrimitiveKind::Float64) => Ok(DynamicValue::Float64(value)),
            _ => Err(self.wrong(value)),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<DynamicValue, E> {
        match self.node() {
            TypeNode::Primitive(PrimitiveKind::Float32) => Ok(DynamicValue::Float32(f32::NAN)),
            TypeNode::Primitive(PrimitiveKind::Float64) => Ok(DynamicValue::Float64(f64::NAN)),
            _ => Err(self.wrong("null")),
        }
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<DynamicValue, E> {
        self.text(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<DynamicValue, A::Error> {
        match self.node() {
            TypeNode::Sequence { element, bound } => {
                let mut elements = Elements::empty(self.graph.primitive(*element));
                let bound = bound.and_then(|bound| usize::try_from(bound).ok());
                let element = self.of(*element);
                Rows { element, dimensions: &[], elements: &mut elements, bound }.read(sequence)?;
                Ok(DynamicValue::Elements(elements))
            }
            TypeNode::Array { element, dimensions } => {
                let mut elements = Elements::empty(self.graph.primitive(*element));
                let (first, inner) = dimensions.split_first().unwrap_or((&0, &[]));
                let length = usize::try_from(*first).unwrap_or(usize::MAX);
                let element = self.of(*element);
                let rows = Rows { element, dimensions: inner, elements: &mut elements, bound: Some(length) };
                let found = rows.read(sequence)?;
                match found == length {
                    true => Ok(DynamicValue::Elements(elements)),
                    false => Err(self.wrong(format_args!("{found} elements"))),
                }
            }
            TypeNode::Bitmask(bitmask) => {
                let mut bits = 0;
                let mut sequence = sequence;
                while let Some(name) = sequence.next_element::<String>()? {
                    bits |= bitmask
                        .flag(&name)
                        .ok_or_else(|| self.wrong::<A::Error>(format_args!("{name:?}")))?;
                }
                Ok(DynamicValue::Bitmask(bits))
            }
            _ => Err(self.wrong("an array")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<DynamicValue, A::Error> {
        match self.node() {
            TypeNode::Structure(structure) => self.structure(structure, map),
            TypeNode::Union(union) => self.union(union, map),
            TypeNode::Map { key, value, bound } => self.map(*key, *value, *bound, map),
            _ => Err(self.wrong("an object")),
        }
    }
}

/// An error with the member that it is of.
fn within<E: serde::de::Error>(name: &str, error: E) -> E {
    let text = error.to_string();
    // Further out there is more of the path.
    let joint = if text.split(':').next().is_some_and(is_path) { "." } else { ": " };
    match text.starts_with('[') {
        true => E::custom(format_args!("{name}{text}")),
        false => E::custom(format_args!("{name}{joint}{text}")),
    }
}

fn is_path(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| character.is_alphanumeric() || "_.[]$".contains(character))
}

impl Seed<'_> {
    fn structure<'de, A: MapAccess<'de>>(
        self,
        structure: &StructureNode,
        mut map: A,
    ) -> Result<DynamicValue, A::Error> {
        let mut members: Vec<Option<DynamicValue>> = structure.members.iter().map(|_| None).collect();
        while let Some(name) = map.next_key::<String>()? {
            let Some((place, member)) = structure.member(&name) else {
                let known: Vec<_> = structure.members.iter().map(|member| &*member.name).collect();
                return Err(A::Error::custom(format_args!(
                    "{} has no member {name:?}; it has {}",
                    structure.name,
                    known.join(", ")
                )));
            };
            let seed = self.of(member.member_type);
            let value = match member.optional {
                true => map.next_value_seed(Optional(seed)),
                false => map.next_value_seed(seed).map(Some),
            };
            let value = value.map_err(|error| within(&name, error))?;
            if let Some(slot) = members.get_mut(place) {
                *slot = value;
            }
        }
        for (member, value) in structure.members.iter().zip(&mut members) {
            if value.is_none() && !member.optional {
                *value = Some(initial(self.graph, member.member_type));
            }
        }
        Ok(DynamicValue::Structure(members.into_boxed_slice()))
    }

    fn union<'de, A: MapAccess<'de>>(self, union: &UnionNode, mut map: A) -> Result<DynamicValue, A::Error> {
        let mut discriminator = None;
        let mut given: Option<(&CaseNode, DynamicValue)> = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == DISCRIMINATOR {
                let seed = self.of(union.discriminator);
                let value = map.next_value_seed(seed).map_err(|error| within(&name, error))?;
                discriminator = Some(label(&value).ok_or_else(|| self.wrong::<A::Error>(DISCRIMINATOR))?);
                continue;
            }
            let found = union.case(&name).and_then(|(_, case)| Some((case, case.member_type?)));
            let Some((case, member)) = found.filter(|_| given.is_none()) else {
                return Err(self.wrong(format_args!("member {name:?}")));
            };
            let value = map.next_value_seed(self.of(member)).map_err(|error| within(&name, error))?;
            given = Some((case, value));
        }
        let (discriminator, value) = match (discriminator, given) {
            (Some(discriminator), given) => (discriminator, given.map(|(_, value)| value)),
            (None, Some((case, value))) => (label_of(self.graph, self.index, union, case), Some(value)),
            (None, None) => return Err(self.wrong("neither discriminator nor member")),
        };
        let value = DynamicValue::Union(Box::new(UnionValue { discriminator, value }));
        conform(self.graph, self.index, value).map_err(A::Error::custom)
    }

    fn map<'de, A: MapAccess<'de>>(
        self,
        key: TypeIndex,
        value: TypeIndex,
        bound: Option<u32>,
        mut map: A,
    ) -> Result<DynamicValue, A::Error> {
        let bound = bound.and_then(|bound| usize::try_from(bound).ok()).unwrap_or(usize::MAX);
        let mut entries = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            let entry_key = self.of(key).text(&name).map_err(|error| within(&name, error))?;
            let entry = map.next_value_seed(self.of(value)).map_err(|error| within(&name, error))?;
            entries.insert(MapKey(entry_key), entry);
            if entries.len() > bound {
                return Err(self.wrong(format_args!("more than {bound} entries")));
            }
        }
        Ok(DynamicValue::Map(entries))
    }
}

/// The label that a discriminator is.
fn label(value: &DynamicValue) -> Option<i64> {
    Some(match value {
        DynamicValue::Boolean(value) => i64::from(*value),
        DynamicValue::Int8(value) => i64::from(*value),
        DynamicValue::UInt8(value) => i64::from(*value),
        DynamicValue::Int16(value) => i64::from(*value),
        DynamicValue::UInt16(value) => i64::from(*value),
        DynamicValue::Int32(value) => i64::from(*value),
        DynamicValue::UInt32(value) => i64::from(*value),
        DynamicValue::Int64(value) => *value,
        DynamicValue::UInt64(value) => value.cast_signed(),
        DynamicValue::Char8(value) | DynamicValue::Char16(value) => i64::from(u32::from(*value)),
        DynamicValue::Enumeration(value) => i64::from(*value),
        _ => return None,
    })
}

/// A value that may be `null`.
struct Optional<'g>(Seed<'g>);

impl<'de> DeserializeSeed<'de> for Optional<'_> {
    type Value = Option<DynamicValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Optional<'_> {
    type Value = Option<DynamicValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} or nothing", expectation(self.0.node()))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}

/// The elements of an array or sequence on their way into one list.
struct Rows<'g, 'e> {
    element: Seed<'g>,
    /// Dimensions below this one.
    dimensions: &'g [u32],
    elements: &'e mut Elements,
    /// Most elements of this dimension.
    bound: Option<usize>,
}

impl Rows<'_, '_> {
    /// How many there were in this dimension.
    fn read<'de, A: SeqAccess<'de>>(self, mut sequence: A) -> Result<usize, A::Error> {
        let Self { element, dimensions, elements, bound } = self;
        let mut count = 0_usize;
        loop {
            let named = |error| within(&format!("[{count}]"), error);
            let more = match dimensions.split_first() {
                Some((first, inner)) => {
                    let length = usize::try_from(*first).unwrap_or(usize::MAX);
                    let rows = Rows { element, dimensions: inner, elements, bound: Some(length) };
                    match sequence.next_element_seed(rows).map_err(named)? {
                        Some(found) if found != length => {
                            return Err(named(A::Error::custom(format_args!(
                                "{length} elements expected, {found} given"
                            ))));
                        }
                        found => found.is_some(),
                    }
                }
                None => match sequence.next_element_seed(element).map_err(named)? {
                    Some(value) => {
                        elements.push(value).map_err(|_| A::Error::custom("elements of different kinds"))?;
                        true
                    }
                    None => false,
                },
            };
            if !more {
                return Ok(count);
            }
            count = count.saturating_add(1);
            if bound.is_some_and(|bound| count > bound) {
                return Err(A::Error::custom(format_args!(
                    "more than {} elements",
                    bound.unwrap_or_default()
                )));
            }
        }
    }
}

impl<'de> DeserializeSeed<'de> for Rows<'_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows<'_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<usize, A::Error> {
        self.read(sequence)
    }
}
