//! What the benchmark program and its tests share: the sample type, and two engines on a wire of their
//! own, for counting instructions and allocations without sockets and threads.
//!
//! The program itself is described in `main.rs`; what it found is in `docs/performance.md`.

mod loopback;
mod sample;
mod scaled;

pub use loopback::{Numbered, Pair, Small};
pub use sample::BenchSample;
pub use scaled::{Keyed, Scale, Scaled, Spent};
