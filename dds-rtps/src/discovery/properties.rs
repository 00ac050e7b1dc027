//! Named values (RTPS 2.5 §9.6.2.2.1, `PID_PROPERTY_LIST`).

use alloc::{string::String, vec::Vec};

use dds_types::{
    DecodeError,
    cdr::{CdrReader, CdrWriter},
};

use super::value::ParameterValue;

/// A name with a value, for instance the host that a participant runs on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Property {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Property {
    /// Of a name and a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The names under which implementations announce the host: ours and Cyclone DDS's, Fast DDS's,
    /// Connext's.
    pub const HOST_NAMES: [&'static str; 3] =
        ["__Hostname", "fastdds.physical_data.host", "dds.sys_info.hostname"];
    /// The names under which implementations announce the program's name.
    pub const PROCESS_NAMES: [&'static str; 2] = ["__ProcessName", "dds.sys_info.executable_filepath"];
    /// The names under which implementations announce the process's number.
    pub const PROCESS_ID_NAMES: [&'static str; 3] =
        ["__Pid", "fastdds.physical_data.process", "dds.sys_info.process_id"];
}

/// A sequence of properties; what follows it (binary properties of DDS Security) is left alone.
impl ParameterValue for Vec<Property> {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let count = input.read_u32()?;
        // Each takes at least two lengths, hence no count makes us allocate much or loop for long.
        let possible = input.remaining().len().wrapping_div(8);
        let mut properties = Self::with_capacity(possible.min(count as usize));
        for _ in 0..count {
            let name = String::read(input)?;
            properties.push(Property { name, value: String::read(input)? });
        }
        Ok(properties)
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        out.write_u32(self.len() as u32);
        for property in self {
            property.name.write(out);
            property.value.write(out);
        }
    }
}
