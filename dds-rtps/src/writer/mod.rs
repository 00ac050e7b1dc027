//! Writers: what was written, who has it, what to send again (RTPS 2.5 §8.4.7–§8.4.9).
//!
//! [`StatefulWriter`] keeps a history and one [`ReaderProxy`] per matched reader. Readers that have
//! been sent everything stand *in line*: a new change leaves in one datagram for all of them, which goes once
//! to a group where several of them listen (`line`). The others (late joiners, repairs, changes meant for one
//! reader) are served one by one, and so are always readers with a content filter. Readers of the writer's own participant are handed changes as they are
//! (`in_process`).

mod filters;
mod group;
mod in_process;
mod line;
mod reader_proxy;
mod stateful_writer;
#[cfg(test)]
mod tests;
mod transmit;

use smallvec::SmallVec;

use crate::structure::{GuidPrefix, Locator};

pub use filters::{ContentEvaluator, ReaderFilter};
pub use group::PublisherNumbers;
pub use reader_proxy::{GroupPath, ReaderProxy, ReaderProxyConfig, Replay};
pub use stateful_writer::{StatefulWriter, WriterConfig, WriterStatistics};
pub use transmit::{LEAST_BY_REFERENCE, MessageSizes};

/// Where one datagram goes: to each locator, with INFO_DST set to the prefix beside it
/// ([`GuidPrefix::UNKNOWN`] addresses everybody who listens there).
pub type Destinations = SmallVec<[(GuidPrefix, Locator); 4]>;
