//! The tree every format is read into, with the place of everything.

use super::error::{ProfileError, ProfileErrorKind, Suggestion};
use super::values::{Section, parse_integer};
use crate::Duration;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Line and column from 1, or nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    line: usize,
    column: usize,
}

impl Position {
    /// Nowhere: what is not from a file.
    pub const NONE: Self = Self { line: 0, column: 0 };

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

    /// Line and column, unless it is nowhere.
    pub fn line_and_column(self) -> Option<(usize, usize)> {
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

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub position: Position,
    /// The value.
    pub value: NodeValue,
}

/// A value of a file.
#[derive(Clone, Debug)]
pub enum NodeValue {
    /// Names with values, in the order of the file.
    Table(Vec<(Key, Node)>),
    /// A list.
    Array(Vec<Node>),
    /// Text.
    String(String),
    /// A number.
    Integer(i64),
    /// True or false.
    Boolean(bool),
    /// Text that may stand for any of the three above: XML and the environment have no types.
    Untyped(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// What no policy has, by name: a float, a date, null.
    Other(&'static str),
}

/// The name of a table's value.
#[derive(Clone, Debug)]
pub struct Key {
    /// Where it begins.
    pub position: Position,
    /// The name.
    pub name: String,
}

impl Key {
    /// The error that no key of this name is known.
    pub fn unknown<'a>(&self, known: impl IntoIterator<Item = &'a str>) -> ProfileError {
        ProfileErrorKind::UnknownKey(Suggestion::new(&self.name, known)).at(self.position)
    }
}

impl Node {
    /// The entries of a table.
    ///
    /// # Errors
    /// It is something else.
    pub fn table(&self) -> Result<&[(Key, Node)], ProfileError> {
        match &self.value {
            NodeValue::Table(entries) => Ok(entries),
            _ => Err(self.wrong_type("a table")),
        }
    }

    /// The elements of a list.
    ///
    /// # Errors
    /// It is something else.
    pub fn array(&self) -> Result<&[Self], ProfileError> {
        match &self.value {
            NodeValue::Array(elements) => Ok(elements),
            _ => Err(self.wrong_type("a list")),
        }
    }

    /// The text, untyped or not.
    ///
    /// # Errors
    /// It is something else.
    pub fn string(&self) -> Result<&str, ProfileError> {
        match &self.value {
            NodeValue::String(text) | NodeValue::Untyped(text) => Ok(text),
            _ => Err(self.wrong_type("text")),
        }
    }

    /// Several texts: a list of them, one alone, or untyped text with commas between.
    ///
    /// # Errors
    /// It is something else.
    pub fn strings(&self) -> Result<Vec<&str>, ProfileError> {
        match &self.value {
            NodeValue::Array(elements) => elements.iter().map(Self::string).collect(),
            NodeValue::Untyped(text) => {
                Ok(text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect())
            }
            NodeValue::String(text) => Ok(Vec::from([text.as_str()])),
            _ => Err(self.wrong_type("text or a list of texts")),
        }
    }

    /// A whole number, as far as `convert` takes it.
    ///
    /// # Errors
    /// It is something else, or out of range; with what was `expected`.
    pub fn integer<T>(
        &self,
        expected: &'static str,
        convert: impl FnOnce(i64) -> Option<T>,
    ) -> Result<T, ProfileError> {
        let found = match &self.value {
            NodeValue::Integer(number) => *number,
            NodeValue::Untyped(text) => parse_integer(text).ok_or_else(|| self.wrong_type(expected))?,
            _ => return Err(self.wrong_type(expected)),
        };
        convert(found).ok_or_else(|| self.error(ProfileErrorKind::OutOfRange { expected, found }))
    }

    /// True or false; untyped also `1`, `0`, `yes` and `no`.
    ///
    /// # Errors
    /// It is something else.
    pub fn boolean(&self) -> Result<bool, ProfileError> {
        const NAMES: &[(&str, bool)] = &[
            ("true", true),
            ("1", true),
            ("yes", true),
            ("boolean_true", true),
            ("false", false),
            ("0", false),
            ("no", false),
            ("boolean_false", false),
        ];
        let value = match &self.value {
            NodeValue::Boolean(value) => Some(*value),
            NodeValue::Untyped(text) => {
                NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
            }
            _ => None,
        };
        value.ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A span of time: `"100ms"`, `"1.5s"`, `"infinite"`, or the standard's `sec` and `nanosec`.
    ///
    /// # Errors
    /// It is something else.
    pub fn duration(&self) -> Result<Duration, ProfileError> {
        let mut duration = Duration::ZERO;
        duration.set(self)?;
        Ok(duration)
    }

    /// An error at this place.
    pub fn error(&self, kind: ProfileErrorKind) -> ProfileError {
        kind.at(self.position)
    }

    /// The error that something else belongs here.
    pub fn wrong_type(&self, expected: &'static str) -> ProfileError {
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
