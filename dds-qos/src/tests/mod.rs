//! Tests of the table as a whole.

mod codec;
mod compatibility;
mod consistency;
mod partitions;
#[cfg(feature = "profiles")]
mod profiles;
pub(crate) mod strategies;
mod table;
mod vectors;
#[cfg(feature = "profiles")]
mod xml;
