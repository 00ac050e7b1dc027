//! DDS QoS policies: values, defaults, wire form, compatibility, consistency and profiles. Pure data.
//!
//! - [`POLICIES`] is the table everything here comes from, one row per policy ([`PolicyRow`]).
//! - [`DataWriterQos`], [`DataReaderQos`], [`TopicQos`], [`PublisherQos`], [`SubscriberQos`] and
//!   [`DomainParticipantQos`] are the QoS of entities, with the standard's defaults.
//! - [`PublicationQos`] and [`SubscriptionQos`] are what discovery says of endpoints;
//!   [`incompatible_with`] and [`partitions_match`] decide whether they may match.
//! - `is_consistent` and `check_changeable` of the QoS sets tell whether a set may be used.
//! - Feature `profiles`: QoS from TOML and JSON files.
//!
//! The crate is `no_std` with `alloc`; profiles need `std`.
#![no_std]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic
    )
)]

extern crate alloc;
#[cfg(any(test, feature = "profiles"))]
extern crate std;

#[macro_use]
mod macros;

mod announced;
mod codec;
mod compatibility;
mod consistency;
mod duration;
mod from_topic;
mod mutability;
mod partition;
mod policies;
#[cfg(feature = "profiles")]
pub mod profiles;
mod row;
#[cfg(test)]
mod tests;
mod text;

pub use announced::Recognised;
pub use codec::{PolicyValue, Value, read_value, write_parameter};
pub use compatibility::Incompatibility;
pub use consistency::{Inconsistency, InconsistencyKind};
pub use duration::Duration;
pub use mutability::ImmutablePolicy;
pub use partition::partitions_match;
pub use policies::*;
pub use row::{Changeable, Enforcement, EntityDefault, Policy, PolicyRow};
