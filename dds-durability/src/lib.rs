//! The durability service (DDS 1.4 §2.2.3.4, §2.2.3.5): keeps the samples of TRANSIENT writers in memory and
//! those of PERSISTENT ones on disk, for readers that come after their writers have gone.
//!
//! It is an ordinary participant, in a process of its own (the program `dds-durability`) or inside of
//! another: [`DurabilityService::builder`] starts it with a thread, [`Keeper`] is for loops of one's own.
//! `docs/durability.md` describes the hand-over from a writer to the service, and the limits.

mod archive;
mod channel;
mod error;
mod keeper;
mod keys;
mod record;
mod service;
mod store;

pub use error::{DurabilityError, StoreError};
pub use keeper::{ChannelStatus, DurabilityConfig, Keeper};
pub use service::{DurabilityService, DurabilityServiceBuilder};
