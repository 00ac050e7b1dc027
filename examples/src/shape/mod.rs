//! `shape_main`: the program every DDS vendor ships to test interoperability
//! (<https://github.com/omg-dds/dds-rtps>). Its options and the lines it prints are a contract with that
//! test suite, which reads them from a terminal.

pub mod options;

mod app;
mod flags;
mod listener;
mod publisher;
mod subscriber;

use std::io::Write;

use dds_core::DdsType;

pub use app::{ShapeError, run};

/// The type of the suite: appendable, keyed by its colour.
#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(name = "ShapeType", extensibility = "appendable")]
pub struct ShapeType {
    /// Names the instance.
    #[dds(key, bounded(128))]
    pub color: String,
    /// From the left edge.
    pub x: i32,
    /// From the top edge.
    pub y: i32,
    /// The size of the shape.
    pub shapesize: i32,
    /// Makes samples as large as a test wants them.
    pub additional_payload_size: Vec<u8>,
}

impl ShapeType {
    /// The line that both sides print for a sample.
    pub fn line(&self, topic: &str) -> String {
        let Self { color, x, y, shapesize, additional_payload_size } = self;
        let payload = additional_payload_size.last().map_or(String::new(), |last| format!(" {{{last}}}"));
        format!("{topic:<10} {color:<10} {x:03} {y:03} [{shapesize}]{payload}")
    }
}

/// Prints a line. Whoever reads it may be gone, which is no reason to stop.
pub(crate) fn say(line: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout().lock(), "{}", line.as_ref());
}
