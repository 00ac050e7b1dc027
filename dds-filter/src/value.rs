//! Values of fields and how they compare (DDS 1.4 Annex B; types that go together are decided when an
//! expression is compiled).

use alloc::borrow::Cow;
use core::cmp::Ordering;

/// The value of a field in a sample.
#[derive(Clone, PartialEq, Debug)]
pub enum Value<'a> {
    /// A boolean.
    Boolean(bool),
    /// An integer, also the value of an enumeration or bitmask.
    Integer(i128),
    /// A float of either precision.
    Float(f64),
    /// A character.
    Character(char),
    /// A string.
    Text(Cow<'a, str>),
}

impl Value<'_> {
    /// How two values stand to each other; `None` for values that have no order: not-a-number, and
    /// types that do not go together.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Float(a), _) => compare_integer(other.as_integer()?, *a).map(Ordering::reverse),
            (_, Self::Float(b)) => compare_integer(self.as_integer()?, *b),
            (Self::Text(_) | Self::Character(_), _) => {
                let (mut one, mut two) = ([0; 4], [0; 4]);
                Some(self.as_text(&mut one)?.cmp(other.as_text(&mut two)?))
            }
            _ => Some(self.as_integer()?.cmp(&other.as_integer()?)),
        }
    }

    fn as_integer(&self) -> Option<i128> {
        match self {
            Self::Boolean(value) => Some(i128::from(*value)),
            Self::Integer(value) => Some(*value),
            _ => None,
        }
    }

    /// A string or character as text.
    pub(crate) fn as_text<'t>(&'t self, buffer: &'t mut [u8; 4]) -> Option<&'t str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Character(character) => Some(character.encode_utf8(buffer)),
            _ => None,
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
            assert_eq!(Value::Integer(integer).compare(&Value::Float(float)), expected, "{integer} {float}");
            let reverse = expected.map(Ordering::reverse);
            assert_eq!(Value::Float(float).compare(&Value::Integer(integer)), reverse, "{float} {integer}");
        }
    }
}
