//! Sans-IO RTPS 2.5: messages, writer and reader machines, discovery and liveliness.
//!
//! Nothing here owns a socket, a thread or a clock: bytes and [`Now`](time::Now) come in,
//! bytes and events come out. The crate is `no_std` + `alloc`, which is the proof.
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
#[cfg(test)]
extern crate std;

pub mod change;
pub mod discovery;
pub mod history;
pub mod interval;
pub mod message;
pub mod participant;
pub mod payload;
pub mod reader;
pub mod structure;
pub mod time;
pub mod timing;
pub mod writer;
