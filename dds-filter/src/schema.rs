//! What an expression's fields are, by the type that it is for.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};

use dds_types::type_description::{CaseDescription, EnumerationDescription, PrimitiveKind, TypeDescription};

use crate::{
    error::{Fault, FilterErrorKind, most_similar},
    syntax::{FieldName, FieldPath, PathPart},
};

/// The type of a field that can be compared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FieldType {
    /// A boolean.
    Boolean,
    /// An integer of any size or sign, or a bitmask.
    Integer,
    /// A single-precision float: constants are rounded to it before they are compared.
    Float32,
    /// A double-precision float.
    Float64,
    /// A character of 8 or 16 bits.
    Character,
    /// A string of 8- or 16-bit characters.
    Text,
    /// An enumeration.
    Enumeration {
        /// Its name.
        name: String,
        /// Its literals and their values.
        literals: Vec<(String, i64)>,
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

/// What a path leads to in a type.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Member {
    /// Something that can be compared.
    Field(FieldType),
    /// Something that cannot, and what it is.
    Other(&'static str),
    /// Nothing: the part of the path with this number leads nowhere.
    Wrong {
        /// Which part.
        part: usize,
        /// Why.
        kind: FilterErrorKind,
    },
}

/// A type that expressions can be checked against.
pub trait Schema {
    /// What `path` leads to.
    fn member(&self, path: &FieldPath) -> Member;

    /// The literals of all enumerations that a plain word could stand for are those of the field it is
    /// compared with; whether such a field exists tells a field from a literal.
    fn has_field(&self, path: &FieldPath) -> bool {
        matches!(self.member(path), Member::Field(_))
    }
}

impl<S: Schema + ?Sized> Schema for &S {
    fn member(&self, path: &FieldPath) -> Member {
        (**self).member(path)
    }
}

/// The field of a name, or what is wrong with it.
pub(crate) fn resolve(schema: &dyn Schema, name: &FieldName) -> Result<FieldType, Fault> {
    match schema.member(&name.path) {
        Member::Field(field) => Ok(field),
        Member::Other(is) => {
            Err(Fault::new(name.at(), FilterErrorKind::NotComparable { name: name.path.to_string(), is }))
        }
        Member::Wrong { part, kind } => {
            Err(Fault::new(name.places.get(part).copied().unwrap_or(name.at()), kind))
        }
    }
}

/// The member that selects the case of a union.
const DISCRIMINATOR: &str = "_d";

impl Schema for TypeDescription {
    fn member(&self, path: &FieldPath) -> Member {
        let mut current = self;
        for (number, part) in path.parts().iter().enumerate() {
            let next = match part {
                PathPart::Member(name) => named(current, name, path, number),
                PathPart::Element(index) => element(current, *index, path, number),
            };
            match next {
                Ok(next) => current = next,
                Err(kind) => return Member::Wrong { part: number, kind },
            }
        }
        field_type(current)
    }
}

/// The part of a path before the part of this number.
fn before(path: &FieldPath, number: usize) -> String {
    FieldPath(path.parts().iter().take(number).cloned().collect()).to_string()
}

fn named(
    within: &TypeDescription,
    name: &str,
    path: &FieldPath,
    number: usize,
) -> Result<&'static TypeDescription, FilterErrorKind> {
    let unknown =
        |type_name: &str, names: &mut dyn Iterator<Item = &'static str>| FilterErrorKind::UnknownField {
            type_name: type_name.to_owned(),
            name: name.to_owned(),
            similar: most_similar(name, names),
        };
    match within {
        TypeDescription::Structure(structure) => {
            let found = structure.members.iter().find(|member| member.name == name);
            let names = &mut structure.members.iter().map(|member| member.name);
            found.map(|member| member.member_type.description()).ok_or_else(|| unknown(structure.name, names))
        }
        TypeDescription::Union(union) if name == DISCRIMINATOR => Ok(union.discriminator.description()),
        TypeDescription::Union(union) => {
            let found = union.cases.iter().find(|case| case.name == name);
            let names = &mut union.cases.iter().map(|case| case.name);
            let member = found.and_then(|case: &CaseDescription| case.member_type);
            member.map(|member| member.description()).ok_or_else(|| unknown(union.name, names))
        }
        _ => Err(FilterErrorKind::NoMembers { name: before(path, number) }),
    }
}

fn element(
    within: &TypeDescription,
    index: usize,
    path: &FieldPath,
    number: usize,
) -> Result<&'static TypeDescription, FilterErrorKind> {
    let (element, length) = match within {
        TypeDescription::Array { element, length } => (element, Some(*length)),
        TypeDescription::Sequence { element, bound } => (element, bound.map(|bound| bound as usize)),
        _ => return Err(FilterErrorKind::NoElements { name: before(path, number) }),
    };
    match length {
        Some(length) if index >= length => Err(FilterErrorKind::IndexOutOfBounds { index, length }),
        _ => Ok(element.description()),
    }
}

fn field_type(description: &TypeDescription) -> Member {
    Member::Field(match description {
        TypeDescription::Primitive(kind) => match kind {
            PrimitiveKind::Boolean => FieldType::Boolean,
            PrimitiveKind::Float32 => FieldType::Float32,
            PrimitiveKind::Float64 => FieldType::Float64,
            PrimitiveKind::Char8 | PrimitiveKind::Char16 => FieldType::Character,
            _ => FieldType::Integer,
        },
        TypeDescription::String8 { .. } | TypeDescription::String16 { .. } => FieldType::Text,
        TypeDescription::Bitmask(_) => FieldType::Integer,
        TypeDescription::Enumeration(enumeration) => enumeration_type(enumeration),
        TypeDescription::Sequence { .. } => return Member::Other("a sequence"),
        TypeDescription::Array { .. } => return Member::Other("an array"),
        TypeDescription::Map { .. } => return Member::Other("a map"),
        TypeDescription::Structure(_) => return Member::Other("a structure"),
        TypeDescription::Union(_) => return Member::Other("a union"),
    })
}

fn enumeration_type(enumeration: &EnumerationDescription) -> FieldType {
    let literals = enumeration.literals.iter();
    FieldType::Enumeration {
        name: enumeration.name.to_owned(),
        literals: literals.map(|literal| (literal.name.to_owned(), i64::from(literal.value))).collect(),
    }
}
