//! The tree every format is read into, with the place of everything.

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

    /// Moves over the text.
    fn advanced(mut self, over: &[u8]) -> Self {
        for byte in over {
            match byte {
                b'\n' => self = Self { line: self.line.saturating_add(1), column: 1 },
                // A character counts once, by its first byte.
                0x80..0xc0 => {}
                _ => self.column = self.column.saturating_add(1),
            }
        }
        self
    }

    pub(crate) fn line_and_column(self) -> Option<(usize, usize)> {
        (self != Self::NONE).then_some((self.line, self.column))
    }
}

/// Finds the places of a text's bytes; the work for each does not grow with the text.
pub(crate) struct Places<'a> {
    text: &'a str,
    /// The place of every [`Self::STRIDE`]th byte.
    milestones: Vec<Position>,
}

impl<'a> Places<'a> {
    const STRIDE: usize = 1024;

    pub(crate) fn new(text: &'a str) -> Self {
        let mut milestones = Vec::new();
        let mut position = Position::new(1, 1);
        for chunk in text.as_bytes().chunks(Self::STRIDE) {
            milestones.push(position);
            position = position.advanced(chunk);
        }
        Self { text, milestones }
    }

    pub(crate) fn text(&self) -> &'a str {
        self.text
    }

    /// The place of a byte, of the last one beyond the text.
    pub(crate) fn of(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let milestone = offset.wrapping_div(Self::STRIDE).min(self.milestones.len().saturating_sub(1));
        let start = milestone.saturating_mul(Self::STRIDE);
        let from = self.milestones.get(milestone).copied().unwrap_or(Position::new(1, 1));
        from.advanced(self.text.as_bytes().get(start..offset).unwrap_or_default())
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
    /// Text that may stand for any of the three above: XML has no types.
    Untyped(String),
    Bytes(Vec<u8>),
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
            NodeValue::String(text) | NodeValue::Untyped(text) => Ok(text),
            _ => Err(self.wrong_type("text")),
        }
    }

    pub(crate) fn wrong_type(&self, expected: &'static str) -> ProfileError {
        let found = match &self.value {
            NodeValue::Table(_) => "a table".to_string(),
            NodeValue::Array(_) => "a list".to_string(),
            NodeValue::String(text) => format!("{text:?}"),
            NodeValue::Untyped(text) => format!("`{text}`"),
            NodeValue::Bytes(bytes) => format!("{} bytes", bytes.len()),
            NodeValue::Integer(number) => number.to_string(),
            NodeValue::Boolean(value) => value.to_string(),
            NodeValue::Other(name) => (*name).to_string(),
        };
        ProfileErrorKind::WrongType { expected, found }.at(self.position)
    }
}
