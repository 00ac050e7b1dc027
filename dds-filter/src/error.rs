//! Why an expression is refused, where, and what would mend it.

use alloc::{borrow::ToOwned, string::String, vec::Vec};
use core::fmt;

/// A refused expression. Its text shows the expression with a mark below the place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FilterError {
    /// The expression.
    pub expression: String,
    /// Where in it: the character counted from 1, one past the end for what is missing there.
    pub column: usize,
    /// What is wrong.
    pub kind: FilterErrorKind,
}

/// What is wrong with an expression.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FilterErrorKind {
    /// A character that begins nothing.
    UnexpectedCharacter(char),
    /// An operator of another language.
    OtherLanguage {
        /// What was written.
        found: &'static str,
        /// What it is called here.
        instead: &'static str,
    },
    /// A string without its closing quote, or that goes on in the next line.
    UnterminatedString,
    /// A number that no 64-bit integer or double holds, or that is not written like one.
    InvalidNumber,
    /// A parameter other than `%0` to `%99`.
    InvalidParameter,
    /// Something else stands here than what the grammar allows.
    Expected {
        /// What may stand here.
        what: &'static str,
        /// What does; empty at the end.
        found: String,
    },
    /// Neither side of a comparison is a field.
    NoField,
    /// A limit of this implementation is exceeded.
    TooLarge {
        /// Of what there is too much.
        what: &'static str,
        /// How much is allowed.
        limit: usize,
    },
    /// The type has no such member.
    UnknownField {
        /// The structure or union that was looked in.
        type_name: String,
        /// The name.
        name: String,
        /// The most similar name that exists.
        similar: Option<String>,
    },
    /// A member is asked for of something that has none.
    NoMembers {
        /// Where it was looked for.
        name: String,
    },
    /// An element is asked for of what is no array or sequence.
    NoElements {
        /// Where it was looked for.
        name: String,
    },
    /// An index beyond the end of an array or the bound of a sequence.
    IndexOutOfBounds {
        /// The index.
        index: usize,
        /// How many elements there can be.
        length: usize,
    },
    /// A whole structure, collection or map is compared.
    NotComparable {
        /// The field.
        name: String,
        /// What it is.
        is: &'static str,
    },
    /// The two sides of a comparison are of types that do not go together (DDS 1.4 Annex B).
    TypeMismatch {
        /// The left type.
        left: &'static str,
        /// The right type.
        right: &'static str,
    },
    /// The enumeration has no such literal.
    UnknownLiteral {
        /// The enumeration.
        type_name: String,
        /// The name.
        name: String,
        /// The most similar name that exists.
        similar: Option<String>,
    },
    /// LIKE of something that is no string, or with a pattern that is none.
    NotAString,
    /// The expression uses a parameter that was not given.
    MissingParameter {
        /// Its number.
        number: usize,
        /// How many were given.
        given: usize,
    },
    /// A parameter's text is no value of the type that it is compared with.
    InvalidValue {
        /// Its number.
        number: usize,
        /// Its text.
        text: String,
        /// What it is compared with.
        with: &'static str,
    },
    /// The topic's type is not described, so that its members are not known.
    NoDescription,
}

impl fmt::Display for FilterErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedCharacter('"') => f.write_str("strings stand between single quotes: 'text'"),
            Self::UnexpectedCharacter(found) => write!(f, "the character `{found}` has no meaning here"),
            Self::OtherLanguage { found, instead } => write!(f, "write `{instead}` instead of `{found}`"),
            Self::UnterminatedString => {
                f.write_str("the string that begins here lacks its closing quote `'`")
            }
            Self::InvalidNumber => {
                f.write_str("no number that a 64-bit integer or a double holds; write 12, -3, 0x1F or 2.5e3")
            }
            Self::InvalidParameter => f.write_str("parameters are %0 to %99"),
            Self::Expected { what, found } if found.is_empty() => {
                write!(f, "the expression ends, but {what} should follow")
            }
            Self::Expected { what, found } => write!(f, "{what} should stand here, not `{found}`"),
            Self::NoField => f.write_str("one side of a comparison must be a field of the type"),
            Self::TooLarge { what, limit } => write!(f, "too many {what}: at most {limit} are allowed"),
            Self::UnknownField { type_name, name, similar } => {
                write!(f, "type {type_name} has no member `{name}`")?;
                did_you_mean(f, similar.as_deref())
            }
            Self::NoMembers { name } => {
                write!(f, "`{name}` has no members: it is neither structure nor union")
            }
            Self::NoElements { name } => {
                write!(f, "`{name}` has no elements: it is neither array nor sequence")
            }
            Self::IndexOutOfBounds { index, length } => {
                write!(f, "there is no element {index}: indices are 0 to {}", length.saturating_sub(1))
            }
            Self::NotComparable { name, is } => {
                write!(f, "`{name}` is {is}, which cannot be compared; name a member or element of it")
            }
            Self::TypeMismatch { left, right } => write!(f, "{left} cannot be compared with {right}"),
            Self::UnknownLiteral { type_name, name, similar } => {
                write!(f, "enumeration {type_name} has no literal `{name}`")?;
                did_you_mean(f, similar.as_deref())
            }
            Self::NotAString => {
                f.write_str("LIKE compares a string or character field with a quoted pattern or a parameter")
            }
            Self::MissingParameter { number, given } => {
                write!(
                    f,
                    "parameter %{number} is not among the {given} given; give at least {}",
                    number.saturating_add(1)
                )
            }
            Self::InvalidValue { number, text, with } => {
                write!(f, "the text of parameter %{number}, `{text}`, is no value to compare with {with}")
            }
            Self::NoDescription => {
                f.write_str("the members of the topic's type are not known; derive `DdsType` for it")
            }
        }
    }
}

fn did_you_mean(f: &mut fmt::Formatter<'_>, similar: Option<&str>) -> fmt::Result {
    match similar {
        Some(similar) => write!(f, ", did you mean `{similar}`?"),
        None => Ok(()),
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.kind)?;
        if self.expression.trim().is_empty() {
            return Ok(());
        }
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        f.write_str("\n  ")?;
        self.expression.chars().try_for_each(|c| write!(f, "{}", shown(c)))?;
        write!(f, "\n  {:>width$}", '^', width = self.column)
    }
}

impl core::error::Error for FilterError {}

/// An error before the expression is known to say it: the byte where it is, and what it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) kind: FilterErrorKind,
}

impl Fault {
    pub(crate) fn new(at: usize, kind: FilterErrorKind) -> Self {
        Self { at, kind }
    }

    pub(crate) fn in_expression(self, expression: &str) -> FilterError {
        let before = expression.get(..self.at).unwrap_or(expression);
        let shown = clip(expression, crate::limits::EXPRESSION_BYTES);
        let column = before.chars().count().min(shown.chars().count()).saturating_add(1);
        FilterError { expression: shown.to_owned(), column, kind: self.kind }
    }
}

/// The first bytes of a text, without half a character.
fn clip(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}

/// The most similar of `names`, if it is similar at all.
pub(crate) fn most_similar<'n>(name: &str, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let allowed = name.chars().count().div_ceil(3).max(1);
    let distances = names.take(1024).map(|other| (distance(name, other), other));
    distances.filter(|(distance, _)| *distance <= allowed).min().map(|(_, other)| other.to_owned())
}

/// How many characters have to be inserted, removed or replaced, whatever their case.
fn distance(one: &str, other: &str) -> usize {
    const LONGEST: usize = 64;
    let lower =
        |text: &str| -> Vec<char> { text.chars().take(LONGEST).map(|c| c.to_ascii_lowercase()).collect() };
    let (one, other) = (lower(one), lower(other));
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, b) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal.saturating_add(usize::from(a != b));
            diagonal = *above;
            left = replaced.min(above.saturating_add(1)).min(left.saturating_add(1));
            *above = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (one, other, expected) in
            [("", "", 0), ("a", "", 1), ("kitten", "sitting", 3), ("shapesze", "shapesize", 1), ("X", "x", 0)]
        {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
