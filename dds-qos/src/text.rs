//! Policies as a person reads them.

use crate::codec::Value;
use alloc::string::{String, ToString};
use core::fmt;

/// The text of one thing.
pub(crate) fn of(value: &dyn fmt::Display) -> String {
    value.to_string()
}

/// A policy's parts: the bare value of a newtype, else `part=value, …`.
pub(crate) fn parts(f: &mut fmt::Formatter<'_>, parts: &[(&str, &dyn Value)]) -> fmt::Result {
    for (index, (name, value)) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(", ")?;
        }
        if *name != "0" {
            write!(f, "{name}=")?;
        }
        value.text(f)?;
    }
    Ok(())
}

/// A part's value as text.
pub(crate) struct Shown<'a>(pub &'a dyn Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.text(f)
    }
}
