//! DDS QoS policies: defaults, compatibility, consistency, profiles.

mod duration;
pub use duration::Duration;
