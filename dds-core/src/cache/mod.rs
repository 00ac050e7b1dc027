//! The DCPS caches: what a reader keeps for its user and what a writer may still have to send.
//!
//! [`ReaderCache`] sits behind the protocol reader: changes are offered to it in the order of each
//! writer and it decides by the reader's QoS what the user sees. [`WriterCache`] is the bookkeeping
//! before the protocol writer's history: it says which changes a new one replaces and when there is no
//! room. Neither locks, reads a clock or calls user code; the owner locks and brings the time. Both
//! follow the same scheme: after any call, ask `next_timeout()` and call `expire()` then.
//!
//! Every operation costs the same however many instances and samples there are, up to the logarithm
//! that timers (LIFESPAN, TIME_BASED_FILTER, autopurge) and look-ups by handle cost.

mod buffers;
mod handle_index;
mod key_table;
mod limits;
mod reader;
mod slab;
mod timers;
mod writer;

pub use limits::DeadlineMissed;
pub use reader::{
    CachedSample, CollectionOrder, Content, DropReason, FreshRun, InstanceSelector, MatchedWriter,
    OfferOutcome, ReaderCache, Room, SampleOrder, SamplePredicate, Selector,
};
pub use writer::{Admission, InstanceKey, WaitFor, WriteRequest, WriterCache};
