//! Readers: what arrived, what is missing, what to ask for (RTPS 2.5 §8.4.10–§8.4.12).
//!
//! [`StatefulReader`] keeps one [`WriterProxy`] per matched writer and hands changes on in order;
//! [`Defragmenter`] puts DATA_FRAGs together before they reach a reader.

mod defragmenter;
mod stateful_reader;
#[cfg(test)]
mod tests;
mod writer_proxy;

pub use defragmenter::{Defragmenter, DefragmenterLimits, FragmentArrival};
pub use stateful_reader::{InOrder, Offer, ReaderConfig, ReaderStatistics, StatefulReader};
pub use writer_proxy::{WriterProxy, WriterProxyConfig};
