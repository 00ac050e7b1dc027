//! What an expression's fields are, by the type that it is for.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use dds_types::{
    dynamic::{DynamicType, PathError, TypeNode},
    type_description::PrimitiveKind,
};

use crate::{
    error::{Fault, FilterErrorKind, most_similar},
    syntax::{FieldName, FieldPath, PathPart},
};

/// The type of a field that can be compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum FieldType {
    Boolean,
    /// Of any size or sign, or a bitmask.
    Integer,
    /// Constants are rounded to it before they are compared.
    Float32,
    Float64,
    Character,
    Text,
    Enumeration {
        name: String,
        literals: Vec<(String, i32)>,
    },
}

impl FieldType {
    pub(crate) fn describe(&self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Float32 | Self::Float64 => "a floating-point number",
            Self::Character => "a character",
            Self::Text => "a string",
            Self::Enumeration { .. } => "an enumeration",
        }
    }
}

/// The type of the field of this name.
pub(crate) fn resolve(root: &DynamicType, name: &FieldName) -> Result<FieldType, Fault> {
    let found = root.at_path(&name.path.to_string()).map_err(|error| wrong_part(root, name, error))?;
    field_type(found.node()).map_err(|is| {
        Fault::new(name.at(), FilterErrorKind::NotComparable { name: name.path.to_string(), is })
    })
}

/// Which part of a name leads nowhere, and why.
fn wrong_part(root: &DynamicType, name: &FieldName, error: PathError) -> Fault {
    let parts = name.path.parts();
    let leads_nowhere = |count: &usize| {
        let prefix = FieldPath(parts.iter().take(*count).cloned().collect());
        // Indices of an array make sense together only.
        root.at_path(&prefix.to_string()).is_err_and(|wrong| !matches!(wrong, PathError::NotSingle { .. }))
    };
    let part = (1..=parts.len()).find(leads_nowhere).unwrap_or(parts.len()).saturating_sub(1);
    let before = || FieldPath(parts.iter().take(part).cloned().collect()).to_string();
    let kind = match error {
        PathError::NoSuchMember { member, type_name, members } => FilterErrorKind::UnknownField {
            similar: most_similar(&member, members.iter().map(String::as_str)),
            type_name,
            name: member,
        },
        PathError::NotASequence { .. } => FilterErrorKind::NoElements { name: before() },
        PathError::OutOfBounds { length, .. } => {
            let index = match parts.get(part) {
                Some(PathPart::Element(index)) => *index,
                _ => length,
            };
            FilterErrorKind::IndexOutOfBounds { index, length }
        }
        PathError::NotSingle { .. } => {
            FilterErrorKind::NotComparable { name: name.path.to_string(), is: "no single value" }
        }
        _ => FilterErrorKind::NoMembers { name: before() },
    };
    Fault::new(name.places.get(part).copied().unwrap_or(name.at()), kind)
}

/// What a node is as a field, or what it is instead.
fn field_type(node: &TypeNode) -> Result<FieldType, &'static str> {
    Ok(match node {
        TypeNode::Primitive(kind) => match kind {
            PrimitiveKind::Boolean => FieldType::Boolean,
            PrimitiveKind::Float32 => FieldType::Float32,
            PrimitiveKind::Float64 => FieldType::Float64,
            PrimitiveKind::Char8 | PrimitiveKind::Char16 => FieldType::Character,
            _ => FieldType::Integer,
        },
        TypeNode::String8 { .. } | TypeNode::String16 { .. } => FieldType::Text,
        TypeNode::Bitmask(_) => FieldType::Integer,
        TypeNode::Enumeration(enumeration) => FieldType::Enumeration {
            name: enumeration.name.to_string(),
            literals: enumeration
                .literals
                .iter()
                .map(|literal| (literal.name.to_string(), literal.value))
                .collect(),
        },
        TypeNode::Sequence { .. } => return Err("a sequence"),
        TypeNode::Array { .. } => return Err("an array"),
        TypeNode::Map { .. } => return Err("a map"),
        TypeNode::Structure(_) => return Err("a structure"),
        TypeNode::Union(_) => return Err("a union"),
    })
}
