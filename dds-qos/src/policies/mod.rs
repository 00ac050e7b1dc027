//! The policy table: one row per policy in the files below, unfolded here. The grammar of a row is
//! in `macros.rs`; adding a policy is adding its row.

#[macro_use]
mod data;
#[macro_use]
mod delivery;
#[macro_use]
mod durability;
#[macro_use]
mod lifecycle;
#[macro_use]
mod liveness;

pub use data::TypeConsistencyKind;
pub use delivery::{AccessScope, DestinationOrderKind, ReliabilityKind};
pub use durability::{DurabilityKind, HistoryKind, Limit};
pub use liveness::{LivelinessKind, OwnershipKind};

use crate::announced::{PublicationSources, Recognised, SubscriptionSources};
use crate::codec::{self, PolicyValue, Value};
use crate::compatibility::{self, Incompatibility, rules};
use crate::mutability::{self, ImmutablePolicy};
use crate::row::{Changeable, Enforcement, EntityDefault, Policy, PolicyRow};
use crate::{Duration, text};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use dds_types::DataRepresentationId;
use dds_types::cdr::{CdrReader, CdrWriter, DecodeError, Endianness};
use dds_types::parameter_list::{ParameterId, ParameterListWriter};

data_policies! { delivery_policies!(durability_policies!(liveness_policies!(lifecycle_policies!(policy_table!())))) }

impl PolicyId {
    /// The number DDS knows the policy by.
    pub const fn as_i32(self) -> i32 {
        self as i32
    }

    /// The policy's row in [`POLICIES`].
    pub fn row(self) -> Option<&'static PolicyRow> {
        POLICIES.iter().find(|row| row.id == self)
    }

    /// The standard's name, such as `RELIABILITY`.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// The policy with this number.
    pub fn from_i32(number: i32) -> Option<Self> {
        POLICIES.iter().map(|row| row.id).find(|id| id.as_i32() == number)
    }
}

impl fmt::Display for PolicyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
