//! From nodes of a file to policies and their parts.

use super::error::{ProfileError, ProfileErrorKind, Suggestion, fold};
use super::node::{Node, NodeValue};
use crate::codec::REPRESENTATIONS;
use crate::{Duration, Limit};
use dds_types::DataRepresentationId;
use std::format;
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

/// One of the names of an enumeration, alone or with the suffix of its IDL, also without that one's `_QOS`.
pub(crate) fn kind<K: Copy>(
    node: &Node,
    all: &[(K, &'static str)],
    suffix: &'static str,
) -> Result<K, ProfileError> {
    let text = node.string()?;
    let folded = fold(text);
    let long = fold(suffix);
    let stem = [long.as_str(), long.strip_suffix("_qos").unwrap_or(&long)]
        .iter()
        .find_map(|suffix| folded.strip_suffix(suffix))
        .unwrap_or(&folded);
    all.iter().find(|(_, name)| fold(name) == stem).map(|(kind, _)| *kind).ok_or_else(|| {
        let known: Vec<String> = match node.value {
            NodeValue::Untyped(_) if stem == folded => all.iter().map(|(_, name)| name.to_string()).collect(),
            NodeValue::Untyped(_) => all.iter().map(|(_, name)| format!("{name}{suffix}")).collect(),
            _ => all.iter().map(|(_, name)| name.to_ascii_lowercase()).collect(),
        };
        ProfileErrorKind::UnknownName(Suggestion::new(text, known.iter().map(String::as_str)))
            .at(node.position)
    })
}

impl Section for bool {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = node.boolean()?;
        Ok(())
    }
}

impl Section for i32 {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = node.integer("a whole number of 32 bits", |number| Self::try_from(number).ok())?;
        Ok(())
    }
}

impl Section for u32 {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = node.integer("a whole number from 0", |number| Self::try_from(number).ok())?;
        Ok(())
    }
}

impl Section for Limit {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        const EXPECTED: &str = "a whole number from 1, or \"unlimited\"";
        *self = match &node.value {
            NodeValue::String(text) if fold(text) == "unlimited" => Self::Unlimited,
            NodeValue::Untyped(text) if matches!(text.as_str(), "LENGTH_UNLIMITED" | "unlimited" | "-1") => {
                Self::Unlimited
            }
            _ => node.integer(EXPECTED, |number| match u32::try_from(number) {
                Ok(0) | Err(_) => None,
                Ok(count) => Some(Self::Finite(count)),
            })?,
        };
        Ok(())
    }
}

impl Section for Duration {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        let value = match &node.value {
            NodeValue::String(text) => parse_duration(text),
            NodeValue::Untyped(text) if INFINITE.contains(&text.as_str()) => Some(Self::INFINITE),
            NodeValue::Untyped(text) => parse_duration(text),
            NodeValue::Table(_) => {
                let (mut sec, mut nanosec) = (DurationPart(0), DurationPart(0));
                set_sections(node, &mut [("sec", &mut sec), ("nanosec", &mut nanosec)])?;
                Some(standard_duration(sec.0, nanosec.0))
            }
            _ => None,
        };
        *self = value
            .ok_or_else(|| node.wrong_type("a span of time such as \"100ms\", \"1.5s\" or \"infinite\""))?;
        Ok(())
    }
}

/// Names of the standard for no bound of time (DDS-XML 1.0 §7.2.2, §7.2.6), in seconds or nanoseconds.
const INFINITE: &[&str] =
    &["DURATION_INFINITY", "DURATION_INFINITE_SEC", "DURATION_INFINITE_NSEC", "DURATION_INFINITY_NSEC"];

/// Seconds or nanoseconds of the standard's `Duration_t`; `u32::MAX` is without bound.
struct DurationPart(u32);

impl Section for DurationPart {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        self.0 = match &node.value {
            NodeValue::Untyped(text) if INFINITE.contains(&text.as_str()) => u32::MAX,
            NodeValue::Untyped(text) if text.starts_with("DURATION_ZERO_") => 0,
            _ => node.integer("a whole number from 0, or DURATION_INFINITY", |number| {
                u32::try_from(number).ok()
            })?,
        };
        Ok(())
    }
}

/// DDS 1.4 §2.3.3 `DURATION_INFINITE_SEC` is 0x7fffffff; either part is enough.
fn standard_duration(sec: u32, nanosec: u32) -> Duration {
    const INFINITE_SEC: u32 = 0x7fff_ffff;
    if sec >= INFINITE_SEC || nanosec == u32::MAX {
        return Duration::INFINITE;
    }
    let nanos = u64::from(sec).saturating_mul(1_000_000_000).saturating_add(u64::from(nanosec));
    Duration::from_nanos(nanos)
}

impl Section for Vec<u8> {
    fn set(&mut self, node: &Node) -> Result<(), ProfileError> {
        *self = match &node.value {
            NodeValue::String(text) => text.as_bytes().to_vec(),
            NodeValue::Bytes(bytes) => bytes.clone(),
            NodeValue::Untyped(text) => octets(text).ok_or_else(|| {
                node.wrong_type("bytes such as `84, 0x71`, or Base64 in an element `valueB64`")
            })?,
            NodeValue::Array(bytes) => {
                let byte = |node: &Node| node.integer("a byte, 0 to 255", |number| u8::try_from(number).ok());
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
            NodeValue::String(text) | NodeValue::Untyped(text) => vec![text.clone()],
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
        /// Of XTypes 1.3 §7.6.3.1.
        const SUFFIX: &str = "_DATA_REPRESENTATION";
        *self = match &node.value {
            NodeValue::Array(ids) => {
                ids.iter().map(|id| kind(id, REPRESENTATIONS, SUFFIX)).collect::<Result<_, _>>()?
            }
            _ => vec![kind(node, REPRESENTATIONS, SUFFIX)?],
        };
        Ok(())
    }
}

/// Decimal, or hexadecimal after `0x` (DDS-XML 1.0 §7.1.4).
pub(super) fn parse_integer(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.starts_with(['+', '-']) => None,
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Numbers of bytes with commas between (DDS-XML 1.0 §7.2.4.2).
fn octets(text: &str) -> Option<Vec<u8>> {
    if text.trim().is_empty() {
        return Some(Vec::new());
    }
    text.split(',').map(|octet| u8::try_from(parse_integer(octet.trim())?).ok()).collect()
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
