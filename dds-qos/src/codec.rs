//! Policies as parameters (RTPS 2.5 §9.6.3, XTypes 1.3 §7.6.3).

use crate::{Duration, Limit, Policy, PolicyId};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use dds_types::DataRepresentationId;
use dds_types::cdr::{CdrReader, CdrWriter, DecodeError, DecodeErrorKind, Endianness, XcdrVersion};
use dds_types::parameter_list::ParameterListWriter;

/// A part of a policy: its encoding and its text.
pub trait Value {
    /// Appends the encoding.
    fn write(&self, out: &mut CdrWriter<'_>);

    /// Reads the encoding.
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError>
    where
        Self: Sized;

    /// Writes the value for a person.
    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Whether this is a sequence without elements.
    fn is_empty(&self) -> bool {
        false
    }
}

/// A whole policy: its parts in order.
pub trait PolicyValue: Policy {
    /// Appends the encoding.
    fn write(&self, out: &mut CdrWriter<'_>);

    /// Reads the encoding; see the implementation for what is tolerated.
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError>;

    /// Whether the policy is but an empty sequence.
    fn is_empty(&self) -> bool;
}

/// Appends the policy as a parameter, unless it has none.
///
/// Everything is written, the standard's defaults too, because implementations differ in what they
/// take for the default of an absent parameter. Empty sequences are the exception: all agree on them.
pub fn write_parameter<P: PolicyValue>(policy: &P, out: &mut ParameterListWriter<'_>) {
    if let Some(id) = P::PARAMETER_ID
        && !policy.is_empty()
    {
        out.parameter(id, |value| policy.write(value));
    }
}

/// Appends the policy as a parameter of discovery data: as [`write_parameter`], but without periods that
/// are infinite by default.
///
/// All agree on those too, and Dust DDS 0.16 reads an infinite period that is spelt out as a finite one,
/// which it then finds incompatible with its own.
pub(crate) fn write_announced<P: PolicyValue>(policy: &P, out: &mut ParameterListWriter<'_>) {
    let period = matches!(P::ID, PolicyId::Deadline | PolicyId::Liveliness | PolicyId::Lifespan);
    if !period || *policy != P::default() {
        write_parameter(policy, out);
    }
}

/// Reads a policy from a parameter's value.
///
/// # Errors
/// The value is cut short within a part, or a part has a value the standard does not know.
pub fn read_value<P: PolicyValue>(value: &[u8], endianness: Endianness) -> Result<P, DecodeError> {
    P::read(&mut CdrReader::new(value, endianness, XcdrVersion::Xcdr1))
}

pub(crate) fn unknown_kind(type_name: &'static str, value: i64, input: &CdrReader<'_>) -> DecodeError {
    input.error(DecodeErrorKind::InvalidEnum { type_name: type_name.into(), value })
}

impl Value for Duration {
    /// `Duration_t` of RTPS: seconds and 2⁻³² fractions (§9.3.2.2).
    fn write(&self, out: &mut CdrWriter<'_>) {
        let (seconds, fraction) = self.to_wire();
        out.write_i32(seconds);
        out.write_u32(fraction);
    }

    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let seconds = input.read_i32()?;
        let fraction = input.read_u32()?;
        Self::from_wire(seconds, fraction)
            .ok_or_else(|| input.error(DecodeErrorKind::Foreign("negative duration")))
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Value for Limit {
    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_i32(match self {
            Self::Finite(count) => i32::try_from(*count).unwrap_or(i32::MAX),
            Self::Unlimited => -1,
        });
    }

    /// Every negative number is unlimited, not only -1.
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok(u32::try_from(input.read_i32()?).map_or(Self::Unlimited, Self::Finite))
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Value for bool {
    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_bool(*self);
    }

    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        input.read_bool()
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Value for i32 {
    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_i32(*self);
    }

    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        input.read_i32()
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A depth: `long` on the wire, never negative.
impl Value for u32 {
    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_i32(i32::try_from(*self).unwrap_or(i32::MAX));
    }

    /// Peers send -1 or 0 for the depth of KEEP_ALL, where it means nothing.
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self::try_from(input.read_i32()?).unwrap_or(0))
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Value for Vec<u8> {
    fn write(&self, out: &mut CdrWriter<'_>) {
        write_length(self.len(), out);
        out.write_bytes(self);
    }

    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let length = input.read_u32()?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        Ok(input.read_bytes(length)?.to_vec())
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match core::str::from_utf8(self) {
            Ok(text) if !text.chars().any(char::is_control) => write!(f, "{text:?}"),
            _ => write!(f, "{} bytes", self.len()),
        }
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

impl Value for Vec<String> {
    fn write(&self, out: &mut CdrWriter<'_>) {
        write_length(self.len(), out);
        for name in self {
            out.write_str(name);
        }
    }

    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        read_elements(input, |input| input.read_str().map(ToString::to_string))
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

impl Value for Vec<DataRepresentationId> {
    fn write(&self, out: &mut CdrWriter<'_>) {
        write_length(self.len(), out);
        for id in self {
            out.write_i16(id.0);
        }
    }

    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        read_elements(input, |input| input.read_i16().map(DataRepresentationId))
    }

    fn text(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (index, id) in self.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            representation_text(*id, f)?;
        }
        f.write_str("]")
    }

    fn is_empty(&self) -> bool {
        Self::is_empty(self)
    }
}

/// The standard's name of a representation, or its number.
pub(crate) fn representation_text(id: DataRepresentationId, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match REPRESENTATIONS.iter().find(|(known, _)| *known == id) {
        Some((_, name)) => f.write_str(name),
        None => write!(f, "{}", id.0),
    }
}

/// The representations that have names.
pub(crate) const REPRESENTATIONS: &[(DataRepresentationId, &str)] = &[
    (DataRepresentationId::XCDR, "XCDR"),
    (DataRepresentationId::XML, "XML"),
    (DataRepresentationId::XCDR2, "XCDR2"),
    (DataRepresentationId::SERDE, "SERDE"),
];

fn write_length(length: usize, out: &mut CdrWriter<'_>) {
    out.write_u32(u32::try_from(length).unwrap_or(u32::MAX));
}

/// Grows with what is really there: the length is the peer's word only.
fn read_elements<T>(
    input: &mut CdrReader<'_>,
    mut element: impl FnMut(&mut CdrReader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let length = input.read_u32()?;
    let mut elements = Vec::new();
    for _ in 0..length {
        elements.push(element(input)?);
    }
    Ok(elements)
}
