//! The Data Distribution Service: participants, topics, typed readers and writers.

pub mod cache;
pub mod condition;
pub mod error;
pub mod instance;
pub mod sample;
pub mod status;
pub mod type_support;
