//! Runnable programs to copy from, in `src/bin`; here is only what is too long for a single file.

pub mod command_line;
pub mod getopt;
pub mod shape;

/// The code of the documents is compiled and run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/guide.md")]
    struct Guide;
}
