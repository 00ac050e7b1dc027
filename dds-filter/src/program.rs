//! Expressions compiled for a type, and their evaluation over payloads.

use alloc::{boxed::Box, vec, vec::Vec};
use core::cmp::Ordering;

use dds_types::{
    DecodeError,
    dynamic::{MemberAccessor, MemberValue},
};

use crate::{
    like::Pattern,
    syntax::Relation,
    value::{Comparable, Constant},
};

/// An expression compiled for a type, with its parameters in place.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) condition: Node,
    /// The fields that the condition looks at, by the numbers that it calls them by.
    pub(crate) fields: MemberAccessor,
    /// The fields to sort by.
    pub(crate) order: MemberAccessor,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Node {
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Not(Box<Node>),
    Compare { field: usize, relation: Relation, with: Constant },
    CompareFields { left: usize, relation: Relation, right: usize },
    Between { field: usize, low: Constant, high: Constant, negated: bool },
    Like { field: usize, pattern: Pattern },
}

/// Fields of a sample that are found without allocating.
const FEW: usize = 8;

impl Program {
    /// Whether every sample passes.
    pub fn is_always_true(&self) -> bool {
        matches!(&self.condition, Node::And(parts) if parts.is_empty())
    }

    /// Whether a serialised sample passes; nothing of it but the fields is decoded. As in SQL, a
    /// comparison with a value that is not there is neither true nor false, nor is its negation; only
    /// what is true passes.
    ///
    /// # Errors
    /// The payload is no valid value of the type.
    pub fn passes(&self, payload: &[u8]) -> Result<bool, DecodeError> {
        if self.is_always_true() {
            return Ok(true);
        }
        with_values(&self.fields, payload, |values| self.condition.evaluate(values) == Some(true))
    }

    /// Whether samples are to be sorted.
    pub fn is_sorted(&self) -> bool {
        !self.order.types().is_empty()
    }

    /// Which of two serialised samples comes first by ORDER BY. Values that are absent, have no order or
    /// cannot be read come last.
    pub fn order(&self, one: &[u8], other: &[u8]) -> Ordering {
        let order = with_values(&self.order, one, |one| {
            let order = with_values(&self.order, other, |other| {
                let mut fields = one.iter().zip(other).map(|(one, other)| by_value(one, other));
                fields.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
            });
            order.unwrap_or(Ordering::Less)
        });
        // An unreadable one comes last; two of them are equal.
        order.unwrap_or_else(|_| match with_values(&self.order, other, |_| ()) {
            Ok(()) => Ordering::Greater,
            Err(_) => Ordering::Equal,
        })
    }
}

fn by_value(one: &MemberValue<'_>, other: &MemberValue<'_>) -> Ordering {
    let ordered = |value: &MemberValue<'_>| match value {
        MemberValue::Float(value) => !value.is_nan(),
        other => *other != MemberValue::Absent,
    };
    match (Comparable::of(one), Comparable::of(other)) {
        (Some(a), Some(b)) if ordered(one) && ordered(other) => a.compare(b).unwrap_or(Ordering::Equal),
        _ => ordered(other).cmp(&ordered(one)),
    }
}

fn with_values<R>(
    accessor: &MemberAccessor,
    payload: &[u8],
    look: impl FnOnce(&[MemberValue<'_>]) -> R,
) -> Result<R, DecodeError> {
    let count = accessor.types().len();
    let mut few = [MemberValue::Absent; FEW];
    if let Some(values) = few.get_mut(..count) {
        accessor.read(payload, values)?;
        return Ok(look(values));
    }
    let mut many = vec![MemberValue::Absent; count];
    accessor.read(payload, &mut many)?;
    Ok(look(&many))
}

impl Node {
    fn evaluate(&self, values: &[MemberValue<'_>]) -> Option<bool> {
        let value = |field: &usize| values.get(*field).and_then(Comparable::of);
        Some(match self {
            Self::And(parts) => return all(parts, false, values),
            Self::Or(parts) => return all(parts, true, values),
            Self::Not(inner) => !inner.evaluate(values)?,
            Self::Compare { field, relation, with } => {
                holds(*relation, value(field)?.compare(with.as_value()))
            }
            Self::CompareFields { left, relation, right } => {
                holds(*relation, value(left)?.compare(value(right)?))
            }
            Self::Between { field, low, high, negated } => {
                let value = value(field)?;
                let within = holds(Relation::GreaterOrEqual, value.compare(low.as_value()))
                    && holds(Relation::LessOrEqual, value.compare(high.as_value()));
                within != *negated
            }
            Self::Like { field, pattern } => match value(field)? {
                Comparable::Text(text) => text.with_str(|text| pattern.matches(text)),
                _ => false,
            },
        })
    }
}

/// AND, or with `decisive` true OR: the first part that is decisive decides.
fn all(parts: &[Node], decisive: bool, values: &[MemberValue<'_>]) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part.evaluate(values) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!decisive)
}

fn holds(relation: Relation, order: Option<Ordering>) -> bool {
    match relation {
        Relation::NotEqual => order != Some(Ordering::Equal),
        Relation::Equal => order == Some(Ordering::Equal),
        Relation::Less => order == Some(Ordering::Less),
        Relation::LessOrEqual => order.is_some_and(Ordering::is_le),
        Relation::Greater => order == Some(Ordering::Greater),
        Relation::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
        // Compiled to a pattern.
        Relation::Like => false,
    }
}

/// The paths of fields, each once.
#[derive(Default)]
pub(crate) struct Fields(pub(crate) Vec<alloc::string::String>);

impl Fields {
    pub(crate) fn number_of(&mut self, path: alloc::string::String) -> usize {
        match self.0.iter().position(|known| *known == path) {
            Some(number) => number,
            None => {
                self.0.push(path);
                self.0.len().saturating_sub(1)
            }
        }
    }
}
