//! Real peers of other vendors driven as tests.
//!
//! A *peer* is a program with the command line of `README.md`: one for each foreign stack (`peers/`, built by
//! [`setup`] into a cache folder) and one of our own (`src/bin/own_peer.rs`). A *scenario* starts two of them in
//! network namespaces of its own, writes only after both sides have matched, and compares what one printed as sent
//! with what the other printed as received. [`run`] does this for a matrix of peers, scenarios and directions and
//! yields [`results::Results`]; [`report`] turns a result file into `docs/interop.md`.
//!
//! [`shapes`] does the same with the program by which the vendors test each other.
//!
//! Nothing here touches an interface of the machine: [`process::PeerProcess`] can only be started inside a
//! [`namespace::Namespace`], and every namespace, process and mount goes away with its guard.

pub mod capture;
mod changes;
pub mod ddsperf;
pub mod failure;
mod filtering;
pub mod namespace;
pub mod parallel;
pub mod paths;
pub mod peer;
pub mod process;
pub mod program;
pub mod report;
pub mod results;
pub mod run;
pub mod scenario;
pub mod session;
pub mod setup;
pub mod shapes;
pub mod types;
pub mod watched;
