//! Expressions checked against a type, and their evaluation.

use alloc::{boxed::Box, vec::Vec};
use core::cmp::Ordering;

use crate::{
    like::Pattern,
    syntax::{FieldPath, Relation},
    value::Value,
};

/// Where the values of fields come from: one sample.
pub trait FieldSource {
    /// Why a value could not be found.
    type Error;

    /// The value of a field, by its number in [`Program::fields`]; `None` where the sample has none: an
    /// optional member that is absent, a case that is not selected, an element beyond the end.
    ///
    /// # Errors
    /// The sample is no valid value of its type.
    fn value(&mut self, field: usize) -> Result<Option<Value<'_>>, Self::Error>;
}

/// An expression compiled for a type, with its parameters in place.
#[derive(Clone, PartialEq, Debug)]
pub struct Program {
    pub(crate) fields: Vec<FieldPath>,
    pub(crate) condition: Node,
    pub(crate) order: Vec<usize>,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Node {
    And(Box<[Node]>),
    Or(Box<[Node]>),
    Not(Box<Node>),
    Compare { field: usize, relation: Relation, with: Value<'static> },
    CompareFields { left: usize, relation: Relation, right: usize },
    Between { field: usize, low: Value<'static>, high: Value<'static>, negated: bool },
    Like { field: usize, pattern: Pattern },
}

impl Program {
    /// The fields that the expression looks at; evaluation asks for them by their place here.
    pub fn fields(&self) -> &[FieldPath] {
        &self.fields
    }

    /// The fields to sort by, by their place in [`Program::fields`].
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Whether every sample passes.
    pub fn is_always_true(&self) -> bool {
        matches!(&self.condition, Node::And(parts) if parts.is_empty())
    }

    /// Whether a sample passes. As in SQL, a comparison with a value that is not there is neither true
    /// nor false, nor is its negation; only what is true passes.
    ///
    /// # Errors
    /// What the source says.
    pub fn evaluate<S: FieldSource>(&self, source: &mut S) -> Result<bool, S::Error> {
        Ok(self.condition.evaluate(source)? == Some(true))
    }
}

impl Node {
    fn evaluate<S: FieldSource>(&self, source: &mut S) -> Result<Option<bool>, S::Error> {
        Ok(match self {
            Self::And(parts) => return all(parts, false, source),
            Self::Or(parts) => return all(parts, true, source),
            Self::Not(inner) => inner.evaluate(source)?.map(|value| !value),
            Self::Compare { field, relation, with } => {
                source.value(*field)?.map(|value| holds(*relation, value.compare(with)))
            }
            Self::CompareFields { left, relation, right } => {
                let Some(left) = source.value(*left)?.map(owned) else { return Ok(None) };
                source.value(*right)?.map(|right| holds(*relation, left.compare(&right)))
            }
            Self::Between { field, low, high, negated } => source.value(*field)?.map(|value| {
                let within = holds(Relation::GreaterOrEqual, value.compare(low))
                    && holds(Relation::LessOrEqual, value.compare(high));
                within != *negated
            }),
            Self::Like { field, pattern } => source
                .value(*field)?
                .map(|value| value.as_text(&mut [0; 4]).is_some_and(|text| pattern.matches(text))),
        })
    }
}

fn owned(value: Value<'_>) -> Value<'static> {
    match value {
        Value::Text(text) => Value::Text(text.into_owned().into()),
        Value::Boolean(value) => Value::Boolean(value),
        Value::Integer(value) => Value::Integer(value),
        Value::Float(value) => Value::Float(value),
        Value::Character(value) => Value::Character(value),
    }
}

/// AND, or with `decisive` true OR: the first part that is decisive decides.
fn all<S: FieldSource>(parts: &[Node], decisive: bool, source: &mut S) -> Result<Option<bool>, S::Error> {
    let mut known = true;
    for part in parts {
        match part.evaluate(source)? {
            Some(value) if value == decisive => return Ok(Some(decisive)),
            Some(_) => {}
            None => known = false,
        }
    }
    Ok(known.then_some(!decisive))
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
