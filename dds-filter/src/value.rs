//! How values compare (DDS 1.4 Annex B; types that go together are decided when an expression is
//! compiled).

use alloc::{boxed::Box, string::String};
use core::cmp::Ordering;

use dds_types::dynamic::MemberValue;

/// A constant of an expression.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Constant {
    /// Also a boolean, or the value of an enumeration's literal.
    Integer(i128),
    Float(f64),
    Text(Box<str>),
}

impl Constant {
    pub(crate) fn as_value(&self) -> Comparable<'_> {
        match self {
            Self::Integer(value) => Comparable::Integer(*value),
            Self::Float(value) => Comparable::Float(*value),
            Self::Text(text) => Comparable::Text(Text::Whole(text)),
        }
    }
}

/// A value reduced to what matters in comparisons.
#[derive(Clone, Copy)]
pub(crate) enum Comparable<'v> {
    Integer(i128),
    Float(f64),
    Text(Text<'v>),
}

/// A string, or a character that is compared like one.
#[derive(Clone, Copy)]
pub(crate) enum Text<'v> {
    Whole(&'v str),
    Wide(dds_types::dynamic::WideText<'v>),
    Character(char),
}

impl<'v> Comparable<'v> {
    /// `None` where the sample has no such value.
    pub(crate) fn of(value: &MemberValue<'v>) -> Option<Self> {
        Some(match *value {
            MemberValue::Absent => return None,
            MemberValue::Boolean(value) => Self::Integer(i128::from(value)),
            MemberValue::Signed(value) => Self::Integer(i128::from(value)),
            MemberValue::Unsigned(value) | MemberValue::Bitmask(value) => Self::Integer(i128::from(value)),
            MemberValue::Enumeration(value) => Self::Integer(i128::from(value)),
            MemberValue::Float(value) => Self::Float(value),
            MemberValue::Character(character) => Self::Text(Text::Character(character)),
            MemberValue::String(text) => Self::Text(Text::Whole(text)),
            MemberValue::WideString(text) => Self::Text(Text::Wide(text)),
        })
    }

    /// How two values stand to each other; `None` for those without order: not-a-number, and types that
    /// do not go together.
    pub(crate) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Integer(one), Self::Integer(other)) => Some(one.cmp(&other)),
            (Self::Float(one), Self::Float(other)) => one.partial_cmp(&other),
            (Self::Integer(integer), Self::Float(float)) => compare_integer(integer, float),
            (Self::Float(float), Self::Integer(integer)) => {
                compare_integer(integer, float).map(Ordering::reverse)
            }
            (Self::Text(one), Self::Text(other)) => Some(one.compare(other)),
            _ => None,
        }
    }
}

impl Text<'_> {
    /// By characters; that is by bytes as well where both are UTF-8.
    fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Self::Whole(one), Self::Whole(other)) => one.cmp(other),
            (Self::Whole(one), Self::Character(other)) => one.chars().cmp([other]),
            (Self::Whole(one), Self::Wide(other)) => one.chars().cmp(other.chars()),
            (Self::Wide(one), Self::Wide(other)) => one.chars().cmp(other.chars()),
            (Self::Wide(one), Self::Character(other)) => one.chars().cmp([other]),
            (Self::Character(one), Self::Character(other)) => one.cmp(&other),
            (one, other) => other.compare(one).reverse(),
        }
    }

    /// Calls `look` with the text as UTF-8.
    pub(crate) fn with_str<R>(self, look: impl FnOnce(&str) -> R) -> R {
        match self {
            Self::Whole(text) => look(text),
            Self::Character(character) => look(character.encode_utf8(&mut [0; 4])),
            Self::Wide(text) => look(&text.chars().collect::<String>()),
        }
    }
}

/// An integer against a float, without rounding the integer.
fn compare_integer(integer: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    // The conversion cuts off the fraction and saturates, far beyond any 64-bit integer.
    let whole = float as i128;
    let order = integer.cmp(&whole);
    let fraction = || 0.0.partial_cmp(&(float - whole as f64));
    if order == Ordering::Equal { fraction() } else { Some(order) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    #[test]
    fn integers_are_not_rounded_to_floats() {
        let cases = [
            (9_007_199_254_740_993, 9_007_199_254_740_992.0, Some(Greater)),
            (i128::from(u64::MAX), 18_446_744_073_709_551_616.0, Some(Less)),
            (2, 2.5, Some(Less)),
            (-2, -2.5, Some(Greater)),
            (3, 3.0, Some(Equal)),
            (0, f64::INFINITY, Some(Less)),
            (0, f64::NEG_INFINITY, Some(Greater)),
            (0, f64::NAN, None),
        ];
        for (integer, float, expected) in cases {
            let (integer, float) = (Comparable::Integer(integer), Comparable::Float(float));
            assert_eq!(integer.compare(float), expected);
            assert_eq!(float.compare(integer), expected.map(Ordering::reverse));
        }
    }
}
