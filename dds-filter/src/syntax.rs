//! What a parsed expression consists of. Places are byte offsets into it.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

/// One step into a value.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum PathPart {
    /// A member of a structure, or a case of a union.
    Member(String),
    /// An element of an array or sequence, counted from 0.
    Element(usize),
}

/// A field: members and elements separated by `.` and `[…]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct FieldPath(pub(crate) Vec<PathPart>);

impl FieldPath {
    /// Its steps, from the outside in; at least one.
    pub fn parts(&self) -> &[PathPart] {
        &self.0
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, part) in self.0.iter().enumerate() {
            match part {
                PathPart::Member(name) if number == 0 => f.write_str(name)?,
                PathPart::Member(name) => write!(f, ".{name}")?,
                PathPart::Element(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A field as it was written, with the place of each part.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct FieldName {
    pub(crate) path: FieldPath,
    pub(crate) places: Vec<usize>,
}

impl FieldName {
    pub(crate) fn at(&self) -> usize {
        self.places.first().copied().unwrap_or(0)
    }

    /// The name if it is a plain word, as a literal of an enumeration would be.
    pub(crate) fn as_word(&self) -> Option<&str> {
        match self.path.parts() {
            [PathPart::Member(name)] => Some(name),
            _ => None,
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Literal {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
}

/// One side of a comparison.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Term {
    Field(FieldName),
    Literal { at: usize, literal: Literal },
    Parameter { at: usize, number: usize },
}

impl Term {
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::Field(name) => name.at(),
            Self::Literal { at, .. } | Self::Parameter { at, .. } => *at,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
}

impl Relation {
    /// The relation with its sides exchanged; LIKE has none.
    pub(crate) fn mirrored(self) -> Option<Self> {
        Some(match self {
            Self::Equal => Self::Equal,
            Self::NotEqual => Self::NotEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Like => return None,
        })
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Condition {
    /// Of nothing: true.
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    Compare {
        at: usize,
        left: Term,
        relation: Relation,
        right: Term,
    },
    Between {
        field: FieldName,
        low: Term,
        high: Term,
        negated: bool,
    },
}

/// A column of a topic expression's result.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    pub(crate) source: FieldName,
    pub(crate) target: FieldName,
}

impl Column {
    /// The field of the joined topics that it takes.
    pub fn source(&self) -> &FieldPath {
        &self.source.path
    }

    /// The field of the result that it becomes.
    pub fn target(&self) -> &FieldPath {
        &self.target.path
    }
}
