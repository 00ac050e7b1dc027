//! How the values of parameters are read and written.

use alloc::{string::String, vec::Vec};

use dds_qos::{Duration, Value};
use dds_types::{
    DecodeError, DecodeErrorKind,
    cdr::{CdrReader, CdrWriter},
};

use super::LONGEST_STRING;
use crate::structure::{EntityId, Guid, Locator, LocatorKind, ProtocolVersion, SharedMemoryName, VendorId};

/// The value of a parameter in discovery data.
pub trait ParameterValue: Sized {
    /// Reads it; the reader holds the parameter's value only, padding included.
    ///
    /// # Errors
    /// When the value is too short or not one of the type.
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError>;

    /// Appends it.
    fn write(&self, out: &mut CdrWriter<'_>);
}

/// Values that are plain bytes.
macro_rules! byte_values {
    ($($type:ty: $length:literal, $read:expr, $bytes:expr;)*) => {$(
        impl ParameterValue for $type {
            fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                let bytes = read_array::<$length>(input)?;
                let read: fn([u8; $length]) -> Self = $read;
                Ok(read(bytes))
            }
            fn write(&self, out: &mut CdrWriter<'_>) {
                let bytes: fn(&Self) -> [u8; $length] = $bytes;
                out.write_bytes(&bytes(self));
            }
        }
    )*};
}

byte_values! {
    Guid: 16, Guid::from_bytes, |it| it.to_bytes();
    EntityId: 4, EntityId, |it| it.0;
    VendorId: 2, VendorId, |it| it.0;
    ProtocolVersion: 2, |[major, minor]| ProtocolVersion { major, minor }, |it| [it.major, it.minor];
}

/// The next `N` bytes, unaligned.
pub(super) fn read_array<const N: usize>(input: &mut CdrReader<'_>) -> Result<[u8; N], DecodeError> {
    let bytes = input.read_bytes(N)?;
    bytes.first_chunk().copied().ok_or_else(|| input.error(DecodeErrorKind::InvalidLength(N as u32)))
}

impl ParameterValue for u32 {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        input.read_u32()
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_u32(*self);
    }
}

impl ParameterValue for bool {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        input.read_bool()
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_bool(*self);
    }
}

impl ParameterValue for Duration {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Value::read(input)
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        Value::write(self, out);
    }
}

impl ParameterValue for String {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let text = input.read_str()?;
        if text.len() > LONGEST_STRING {
            let kind = DecodeErrorKind::BoundExceeded { length: text.len(), bound: LONGEST_STRING };
            return Err(input.error(kind));
        }
        Ok(Self::from(text))
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_str(self);
    }
}

/// All bytes of the parameter, padding included.
impl ParameterValue for Vec<u8> {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok(input.remaining().to_vec())
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_bytes(self);
    }
}

impl ParameterValue for SharedMemoryName {
    /// Of any bytes: where another vendor has something else under the same id, that is no error.
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        Ok(Self(input.remaining().first_chunk().copied().unwrap_or_default()))
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_bytes(&self.0);
    }
}

impl ParameterValue for Locator {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let kind = LocatorKind(input.read_i32()?);
        let port = input.read_u32()?;
        Ok(Self { kind, port, address: read_array(input)? })
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_i32(self.kind.0);
        out.write_u32(self.port);
        out.write_bytes(&self.address);
    }
}
