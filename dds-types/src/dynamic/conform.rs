//! Whether a value is of a type.

use super::graph::{Graph, length};
use super::node::{TypeIndex, TypeNode, UnionNode, enumeration_holder};
use super::path::PathError;
use super::value::{DynamicValue, Elements, MapKey, UnionValue};
use crate::type_description::PrimitiveKind;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Why a value cannot be set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError {
    /// The path leads nowhere.
    Path(PathError),
    /// The value is not of the member's type, or outside of its range.
    WrongType {
        /// Where in the value, as a path; empty for the whole.
        path: String,
        /// What the type wants.
        expected: String,
        /// What there is.
        found: String,
    },
    /// The path leads further than one element behind the end of a sequence.
    BehindTheEnd {
        /// The path.
        path: String,
        /// Elements there are.
        length: usize,
    },
    /// Data and type do not fit each other.
    Inconsistent,
}

impl SetError {
    /// The error with a path before its own.
    pub(super) fn within(self, before: &str) -> Self {
        let join = |path: String| match path.as_str() {
            "" => before.to_string(),
            path if path.starts_with('[') => format!("{before}{path}"),
            path => format!("{before}.{path}"),
        };
        match self {
            Self::WrongType { path, expected, found } => {
                Self::WrongType { path: join(path), expected, found }
            }
            Self::BehindTheEnd { path, length } => Self::BehindTheEnd { path: join(path), length },
            other => other,
        }
    }
}

impl From<PathError> for SetError {
    fn from(error: PathError) -> Self {
        Self::Path(error)
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(error) => error.fmt(f),
            Self::WrongType { path, expected, found } if path.is_empty() => {
                write!(f, "{expected} expected, {found} given")
            }
            Self::WrongType { path, expected, found } => {
                write!(f, "{path}: {expected} expected, {found} given")
            }
            Self::BehindTheEnd { path, length } => {
                write!(f, "{path} is behind the end: there are {length} elements")
            }
            Self::Inconsistent => f.write_str("the data does not have the shape of its type"),
        }
    }
}

impl core::error::Error for SetError {}

/// What a type is called in messages.
pub(super) fn expectation(node: &TypeNode) -> String {
    match node {
        TypeNode::Primitive(kind) => kind.idl_name().into(),
        TypeNode::String8 { .. } | TypeNode::String16 { .. } => "a string".into(),
        TypeNode::Sequence { .. } => "a sequence".into(),
        TypeNode::Array { dimensions, .. } => format!("an array of {} elements", length(dimensions)),
        TypeNode::Map { .. } => "a map".into(),
        TypeNode::Structure(structure) => format!("structure {}", structure.name),
        TypeNode::Union(union) => format!("union {}", union.name),
        TypeNode::Enumeration(enumeration) => format!("a literal of {}", enumeration.name),
        TypeNode::Bitmask(bitmask) => format!("flags of {}", bitmask.name),
    }
}

fn wrong(node: &TypeNode, found: impl Into<String>) -> SetError {
    SetError::WrongType { path: String::new(), expected: expectation(node), found: found.into() }
}

fn described(value: &DynamicValue) -> String {
    match value {
        DynamicValue::Elements(elements) => format!("{} elements", elements.len()),
        DynamicValue::Map(_) => "a map".into(),
        DynamicValue::Structure(members) => format!("a structure of {} members", members.len()),
        DynamicValue::Union(_) => "a union".into(),
        single => format!("{single:?}"),
    }
}

/// The value as one of the type; numbers are converted where nothing is lost.
pub(super) fn conform(
    graph: &Graph,
    index: TypeIndex,
    value: DynamicValue,
) -> Result<DynamicValue, SetError> {
    let node = graph.node(index);
    match (node, value) {
        (TypeNode::Primitive(kind), value) => {
            let found = described(&value);
            primitive(*kind, value).ok_or_else(|| wrong(node, found))
        }
        (TypeNode::String8 { bound }, DynamicValue::String(text)) => {
            check_bound(node, *bound, text.len())?;
            check_text(node, &text)?;
            Ok(DynamicValue::String(text))
        }
        (TypeNode::String16 { bound }, DynamicValue::String(text)) => {
            check_bound(node, *bound, text.encode_utf16().count())?;
            check_text(node, &text)?;
            Ok(DynamicValue::String(text))
        }
        (TypeNode::Enumeration(enumeration), DynamicValue::String(name)) => {
            let literal = enumeration.literal_of_name(&name).map(|literal| literal.value);
            literal.map(DynamicValue::Enumeration).ok_or_else(|| wrong(node, name))
        }
        (TypeNode::Enumeration(_), value) => {
            let number = match &value {
                DynamicValue::Enumeration(number) => Some(i64::from(*number)),
                other => integer(other).and_then(|number| i64::try_from(number).ok()),
            };
            let literal = number.filter(|number| graph.lookup(index, *number).is_some());
            let literal = literal.and_then(|literal| i32::try_from(literal).ok());
            literal.map(DynamicValue::Enumeration).ok_or_else(|| wrong(node, described(&value)))
        }
        (TypeNode::Bitmask(bitmask), value) => {
            let bits = match &value {
                DynamicValue::Bitmask(bits) => Some(*bits),
                other => integer(other).and_then(|number| u64::try_from(number).ok()),
            };
            let bits = bits.filter(|bits| bits & !bitmask.known() == 0);
            bits.map(DynamicValue::Bitmask).ok_or_else(|| wrong(node, described(&value)))
        }
        (TypeNode::Sequence { element, bound }, DynamicValue::Elements(values)) => {
            check_bound(node, *bound, values.len())?;
            elements(graph, *element, values).map(DynamicValue::Elements)
        }
        (TypeNode::Array { element, dimensions }, DynamicValue::Elements(values)) => {
            if values.len() != length(dimensions) {
                return Err(wrong(node, format!("{} elements", values.len())));
            }
            elements(graph, *element, values).map(DynamicValue::Elements)
        }
        (TypeNode::Map { key, value, bound }, DynamicValue::Map(entries)) => {
            check_bound(node, *bound, entries.len())?;
            let mut map = BTreeMap::new();
            for (entry_key, entry_value) in entries {
                let entry_key = conform(graph, *key, entry_key.0)?;
                map.insert(MapKey(entry_key), conform(graph, *value, entry_value)?);
            }
            Ok(DynamicValue::Map(map))
        }
        (TypeNode::Structure(structure), DynamicValue::Structure(values))
            if values.len() == structure.members.len() =>
        {
            let members = structure.members.iter().zip(values).map(|(member, value)| match value {
                Some(value) => {
                    let value = conform(graph, member.member_type, value);
                    value.map(Some).map_err(|error| error.within(&member.name))
                }
                None if member.optional => Ok(None),
                None => Err(wrong(graph.node(member.member_type), "nothing").within(&member.name)),
            });
            Ok(DynamicValue::Structure(members.collect::<Result<_, _>>()?))
        }
        (TypeNode::Union(union), DynamicValue::Union(held)) => conform_union(graph, index, union, held),
        (_, value) => Err(wrong(node, described(&value))),
    }
}

/// The label must be one of the union's, and the value one of the member that it chooses.
fn conform_union(
    graph: &Graph,
    index: TypeIndex,
    union: &UnionNode,
    mut held: Box<UnionValue>,
) -> Result<DynamicValue, SetError> {
    let node = graph.node(index);
    let label = held.discriminator;
    let refused = || wrong(node, format!("discriminator {label}"));
    let fits = match graph.node(union.discriminator) {
        TypeNode::Primitive(kind) => label_fits(*kind, label),
        TypeNode::Enumeration(enumeration) => {
            label_fits(enumeration_holder(enumeration.bit_bound), label)
                && graph.lookup(union.discriminator, label).is_some()
        }
        _ => false,
    };
    let labelled = graph.lookup(index, label).and_then(|place| union.cases.get(place));
    let case = labelled.or_else(|| union.cases.iter().find(|case| case.default));
    let case = case.filter(|_| fits).ok_or_else(refused)?;
    held.value = match (case.member_type, held.value.take()) {
        (Some(member), Some(value)) => {
            Some(conform(graph, member, value).map_err(|error| error.within(&case.name))?)
        }
        (None, None) => None,
        (Some(member), None) => return Err(wrong(graph.node(member), "nothing").within(&case.name)),
        (None, Some(value)) => return Err(wrong(node, described(&value)).within(&case.name)),
    };
    Ok(DynamicValue::Union(held))
}

/// Whether a discriminator of this kind can have this label.
pub(super) fn label_fits(kind: PrimitiveKind, label: i64) -> bool {
    // A `u64` wraps into its label.
    kind == PrimitiveKind::UInt64 || convert(kind, i128::from(label)).is_some()
}

fn check_bound(node: &TypeNode, bound: Option<u32>, length: usize) -> Result<(), SetError> {
    match bound.and_then(|bound| usize::try_from(bound).ok()) {
        Some(bound) if length > bound => {
            let expected = format!("{} of at most {bound}", expectation(node));
            Err(SetError::WrongType { path: String::new(), expected, found: format!("{length}") })
        }
        _ => Ok(()),
    }
}

fn check_text(node: &TypeNode, text: &str) -> Result<(), SetError> {
    if text.contains('\0') { Err(wrong(node, "a string with a NUL")) } else { Ok(()) }
}

fn elements(graph: &Graph, element: TypeIndex, values: Elements) -> Result<Elements, SetError> {
    let kind = graph.primitive(element);
    if kind.is_some() && values.primitive_kind() == kind {
        let fits = match &values {
            Elements::Char8(values) => values.iter().all(|value| u8::try_from(u32::from(*value)).is_ok()),
            Elements::Char16(values) => values.iter().all(|value| u16::try_from(u32::from(*value)).is_ok()),
            _ => true,
        };
        return if fits { Ok(values) } else { Err(wrong(graph.node(element), "another character")) };
    }
    let mut result = Elements::empty(kind);
    for number in 0..values.len() {
        let value = values.get(number).ok_or(SetError::Inconsistent)?;
        let value = conform(graph, element, value).map_err(|error| error.within(&format!("[{number}]")))?;
        result.push(value).map_err(|_| SetError::Inconsistent)?;
    }
    Ok(result)
}

/// An integer of any size.
fn integer(value: &DynamicValue) -> Option<i128> {
    Some(match value {
        DynamicValue::Int8(value) => i128::from(*value),
        DynamicValue::UInt8(value) => i128::from(*value),
        DynamicValue::Int16(value) => i128::from(*value),
        DynamicValue::UInt16(value) => i128::from(*value),
        DynamicValue::Int32(value) => i128::from(*value),
        DynamicValue::UInt32(value) => i128::from(*value),
        DynamicValue::Int64(value) => i128::from(*value),
        DynamicValue::UInt64(value) => i128::from(*value),
        _ => return None,
    })
}

/// An integer as a primitive, if it has it. Floats only where they hold it exactly.
pub(super) fn convert(kind: PrimitiveKind, value: i128) -> Option<DynamicValue> {
    use DynamicValue as Value;
    Some(match kind {
        PrimitiveKind::Boolean => match value {
            0 => Value::Boolean(false),
            1 => Value::Boolean(true),
            _ => return None,
        },
        PrimitiveKind::Int8 => Value::Int8(value.try_into().ok()?),
        PrimitiveKind::Byte | PrimitiveKind::UInt8 => Value::UInt8(value.try_into().ok()?),
        PrimitiveKind::Int16 => Value::Int16(value.try_into().ok()?),
        PrimitiveKind::UInt16 => Value::UInt16(value.try_into().ok()?),
        PrimitiveKind::Int32 => Value::Int32(value.try_into().ok()?),
        PrimitiveKind::UInt32 => Value::UInt32(value.try_into().ok()?),
        PrimitiveKind::Int64 => Value::Int64(value.try_into().ok()?),
        PrimitiveKind::UInt64 => Value::UInt64(value.try_into().ok()?),
        PrimitiveKind::Float32 => {
            let float = value as f32;
            (float as i128 == value).then_some(Value::Float32(float))?
        }
        PrimitiveKind::Float64 => {
            let float = value as f64;
            (float as i128 == value).then_some(Value::Float64(float))?
        }
        PrimitiveKind::Float128 => return None,
        PrimitiveKind::Char8 => Value::Char8(char::from(u8::try_from(value).ok()?)),
        PrimitiveKind::Char16 => Value::Char16(char::from_u32(u32::from(u16::try_from(value).ok()?))?),
    })
}

fn primitive(kind: PrimitiveKind, value: DynamicValue) -> Option<DynamicValue> {
    use DynamicValue as Value;
    Some(match (kind, value) {
        (PrimitiveKind::Boolean, value @ Value::Boolean(_))
        | (PrimitiveKind::Float32, value @ Value::Float32(_))
        | (PrimitiveKind::Float64, value @ Value::Float64(_)) => value,
        (PrimitiveKind::Float64, Value::Float32(value)) => Value::Float64(f64::from(value)),
        (PrimitiveKind::Float32, Value::Float64(value)) => {
            let narrow = value as f32;
            (f64::from(narrow) == value || value.is_nan()).then_some(Value::Float32(narrow))?
        }
        (PrimitiveKind::Char8, Value::Char8(value) | Value::Char16(value)) => {
            u8::try_from(u32::from(value)).ok().map(|_| Value::Char8(value))?
        }
        (PrimitiveKind::Char16, Value::Char8(value) | Value::Char16(value)) => {
            u16::try_from(u32::from(value)).ok().map(|_| Value::Char16(value))?
        }
        (PrimitiveKind::Boolean | PrimitiveKind::Char8 | PrimitiveKind::Char16, _) => return None,
        (kind, value) => convert(kind, integer(&value)?)?,
    })
}
