//! From nodes of a file to policies and their parts.

use super::error::{ProfileError, ProfileErrorKind, Suggestion, fold};
use super::node::{Node, NodeValue};
use crate::codec::REPRESENTATIONS;
use crate::{Duration, Limit};
use dds_types::DataRepresentationId;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

/// Something a node of a file can change: a QoS set, a policy, a part of one.
pub(crate) trait Section {
    /// Takes from the node what it says, and leaves the rest.
    fn set(&mut self, node: &Node) -> Result<(), ProfileError>;
}

/// A table whose keys are the fields of a QoS set.
pub(crate) fn set_sections(node: &Node, fields: &mut [(&str, &mut dyn Section)]) -> Result<(), ProfileError> {
    for (key, value) in node.table()? {
        match fields.iter_mut().find(|(name, _)| *name == key.name) {
            Some((_, field)) => field.set(value)?,
            None => return Err(key.unknown(fields.iter().map(|(name, _)| *name))),
        }
    }
    Ok(())
}

/// A policy: a table of its parts, or the bare value of the first.
pub(crate) fn set_parts(node: &Node, parts: &mut [(&str, &mut dyn Section)]) -> Result<(), ProfileError> {
    match (&node.value, &mut *parts) {
        (NodeValue::Table(_), [(name, _), ..]) if *name != "0" => set_sections(node, parts),
        (_, [(_, first), ..]) => first.set(node),
        (_, []) => Ok(()),
    }
}

/// One of the names of an enumeration.
pub(crate) fn kind<K: Copy>(node: &Node, all: &[(K, &'static str)]) -> Result<K, ProfileError> {
    let text = node.string()?;
    let folded = fold(text);
    all.iter().find(|(_, name)| fold(name) == folded).map(|(kind, _)| *kind).ok_or_else(|| {
        let known: Vec<String> = all.iter().map(|(_, name)| name.to_ascii_lowercase()).collect();
        ProfileErrorKind::UnknownName(Suggestion::new(text, known.iter().map(String::as_str)))
            .at(node.position)
    })
}

impl Section for bool {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        match node.value {
            NodeValue::Boolean(value) => *self = value,
            _ => return Err(node.wrong_type("true or false")),
        }
        Ok(())
    }
}

impl Section for i32 {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = integer(node, "a whole number of 32 bits", |number| Self::try_from(number).ok())?;
        Ok(())
    }
}

impl Section for u32 {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = integer(node, "a whole number from 0", |number| Self::try_from(number).ok())?;
        Ok(())
    }
}

impl Section for Limit {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        const EXPECTED: &str = "a whole number from 1, or \"unlimited\"";
        *self = match &node.value {
            NodeValue::String(text) if fold(text) == "unlimited" => Self::Unlimited,
            _ => integer(node, EXPECTED, |number| match u32::try_from(number) {
                Ok(0) | Err(_) => None,
                Ok(count) => Some(Self::Finite(count)),
            })?,
        };
        Ok(())
    }
}

impl Section for Duration {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        let wrong = || node.wrong_type("a span of time such as \"100ms\", \"1.5s\" or \"infinite\"");
        let NodeValue::String(text) = &node.value else { return Err(wrong()) };
        *self = parse_duration(text).ok_or_else(wrong)?;
        Ok(())
    }
}

impl Section for Vec<u8> {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = match &node.value {
            NodeValue::String(text) => text.as_bytes().to_vec(),
            NodeValue::Array(bytes) => {
                let byte = |node| integer(node, "a byte, 0 to 255", |number| u8::try_from(number).ok());
                bytes.iter().map(byte).collect::<Result<_, _>>()?
            }
            _ => return Err(node.wrong_type("text or a list of bytes")),
        };
        Ok(())
    }
}

impl Section for Vec<String> {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = match &node.value {
            NodeValue::String(text) => vec![text.clone()],
            NodeValue::Array(names) => {
                names.iter().map(|name| name.string().map(ToString::to_string)).collect::<Result<_, _>>()?
            }
            _ => return Err(node.wrong_type("text or a list of texts")),
        };
        Ok(())
    }
}

impl Section for Vec<DataRepresentationId> {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = match &node.value {
            NodeValue::Array(ids) => {
                ids.iter().map(|id| kind(id, REPRESENTATIONS)).collect::<Result<_, _>>()?
            }
            _ => vec![kind(node, REPRESENTATIONS)?],
        };
        Ok(())
    }
}

fn integer<T>(
    node: &Node,
    expected: &'static str,
    convert: impl FnOnce(i64) -> Option<T>,
) -> Result<T, ProfileError> {
    let NodeValue::Integer(found) = node.value else { return Err(node.wrong_type(expected)) };
    convert(found).ok_or_else(|| ProfileErrorKind::OutOfRange { expected, found }.at(node.position))
}

/// A decimal number and a unit, exact to the nanosecond.
fn parse_duration(text: &str) -> Option<Duration> {
    const UNITS: &[(&str, u64)] = &[
        ("ns", 1),
        ("us", 1_000),
        ("µs", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("min", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let text = text.trim();
    if fold(text) == "infinite" {
        return Some(Duration::INFINITE);
    }
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let unit_start = text.find(|character: char| !character.is_ascii_digit() && character != '.')?;
    let (number, unit) = text.split_at_checked(unit_start)?;
    let (_, unit_nanos) = UNITS.iter().find(|(name, _)| *name == unit.trim())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let whole: u64 = whole.parse().ok()?;
    let fraction_scale = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let fraction: u64 = fraction.parse().ok()?;
    let part =
        u128::from(fraction).checked_mul(u128::from(*unit_nanos))?.checked_div(fraction_scale.into())?;
    let nanos = whole.checked_mul(*unit_nanos)?.checked_add(u64::try_from(part).ok()?)?;
    (nanos != u64::MAX).then(|| Duration::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact() {
        let cases = [
            ("100ms", Some(Duration::from_millis(100))),
            ("1.5s", Some(Duration::from_millis(1500))),
            ("2 min", Some(Duration::from_secs(120))),
            ("0.000000001s", Some(Duration::from_nanos(1))),
            ("0", Some(Duration::ZERO)),
            ("INFINITE", Some(Duration::INFINITE)),
            ("1", None),
            ("-1s", None),
            ("1.s", None),
            (".5s", None),
            ("1.2.3s", None),
            ("99999999999h", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_duration(text), expected, "{text}");
        }
    }
}
