//! Runnable programs to copy from, in `src/bin`; here is only what is too long for a single file.

pub mod getopt;
pub mod shape;

