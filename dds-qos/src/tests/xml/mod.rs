//! Profiles from XML: the standard's, and those of vendors.

mod connext;
mod cyclone_dds;
mod dds_xml;
mod fast_dds;
mod hostile;

use crate::profiles::Profiles;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// The report, one line an entry.
fn report(profiles: &Profiles) -> Vec<String> {
    profiles.unmapped().iter().map(ToString::to_string).collect()
}
