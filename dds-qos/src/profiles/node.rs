//! The tree both formats are read into, with the place of everything.

use super::error::{ProfileError, ProfileErrorKind, Suggestion};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Line and column from 1, or nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Position {
    line: usize,
    column: usize,
}

impl Position {
    pub(crate) const NONE: Self = Self { line: 0, column: 0 };

    pub(crate) const fn new(line: usize, column: usize) -> Self {
        Self { line, column }
    }

    /// The place of a byte of a text.
    pub(crate) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let last_line = before.rsplit('\n').next().unwrap_or("");
        let line = before.matches('\n').count().saturating_add(1);
        Self { line, column: last_line.chars().count().saturating_add(1) }
    }

    pub(crate) fn line_and_column(self) -> Option<(usize, usize)> {
        (self != Self::NONE).then_some((self.line, self.column))
    }
}

/// A value of a file.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub position: Position,
    pub value: NodeValue,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeValue {
    Table(Vec<(Key, Node)>),
    Array(Vec<Node>),
    String(String),
    Integer(i64),
    Boolean(bool),
    /// What no policy has, by name: a float, a date, null.
    Other(&'static str),
}

#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub position: Position,
    pub name: String,
}

impl Key {
    pub(crate) fn unknown<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> ProfileError {
        ProfileErrorKind::UnknownKey(Suggestion::new(&self.name, known)).at(self.position)
    }
}

impl Node {
    pub(crate) fn table(&self) -> Result<&[(Key, Node)], ProfileError> {
        match &self.value {
            NodeValue::Table(entries) => Ok(entries),
            _ => Err(self.wrong_type("a table")),
        }
    }

    pub(crate) fn array(&self) -> Result<&[Self], ProfileError> {
        match &self.value {
            NodeValue::Array(elements) => Ok(elements),
            _ => Err(self.wrong_type("a list")),
        }
    }

    pub(crate) fn string(&self) -> Result<&str, ProfileError> {
        match &self.value {
            NodeValue::String(text) => Ok(text),
            _ => Err(self.wrong_type("text")),
        }
    }

    pub(crate) fn wrong_type(&self, expected: &'static str) -> ProfileError {
        let found = match &self.value {
            NodeValue::Table(_) => "a table".to_string(),
            NodeValue::Array(_) => "a list".to_string(),
            NodeValue::String(text) => format!("{text:?}"),
            NodeValue::Integer(number) => number.to_string(),
            NodeValue::Boolean(value) => value.to_string(),
            NodeValue::Other(name) => (*name).to_string(),
        };
        ProfileErrorKind::WrongType { expected, found }.at(self.position)
    }
}
