//! The Data Distribution Service: participants, topics, typed readers and writers.
//!
//! Define a topic as a Rust type, make a [`DomainParticipant`], and write or read: others in the same
//! domain are discovered by UDP multicast, whatever vendor's DDS they use.
//!
//! See [`DomainParticipant`] for a first program. Every operation that can wait has a blocking and an
//! async form; the async ones run on any executor.

pub mod builtin;
pub mod cache;
pub mod condition;
#[cfg(feature = "config")]
pub mod configuration;
mod content_filter;
mod domain;
pub mod engine;
pub mod error;
pub mod instance;
mod lifecycle;
pub mod listener;
mod presentation;
mod runtime;
pub mod sample;
#[cfg(feature = "serde-topics")]
pub mod serde_topic;
mod spin;
pub mod status;
pub mod type_support;
mod value;

#[cfg(feature = "config")]
pub use configuration::Configuration;
pub use dds_derive::DdsType;
pub use dds_filter as filter;
pub use dds_qos as qos;
pub use dds_rtps as rtps;
pub use dds_transport as transport;
pub use dds_types as types;
pub use domain::*;
pub use runtime::{Addresses, RuntimeStatistics};
#[cfg(feature = "serde-topics")]
pub use serde_topic::Serde;
