//! The vendors' interoperability test, `shape_main` (<https://github.com/omg-dds/dds-rtps>), for any two stacks.
//!
//! Each *program* of [`program::PROGRAMS`] is a `shape_main`: ours from `examples`, and ones of our own for the foreign
//! stacks below `peers/shapes`, with the same options and lines. A *case* is a row of tables by group: two programs or
//! three with their options, and what must be read. Every case runs in a network namespace of its own; programs are
//! driven on pseudo-terminals and judged by their printed lines, each within 15 s, as a tester does.
//!
//! [`run::run`] yields [`results::Results`], of which [`page::page`] makes `docs/shapes.md`.

pub mod case;
pub mod line;
pub mod page;
pub mod program;
pub mod results;
pub mod run;
pub mod stage;
pub mod terminal;

mod delivery;
mod effects;
mod ending;
mod ownership;
mod presentation;
mod rxo;
mod selection;

use case::Case;

/// Every case, in the order of the page.
pub fn cases() -> Vec<Case> {
    [
        rxo::cases(),
        delivery::cases(),
        ownership::cases(),
        selection::cases(),
        ending::cases(),
        presentation::cases(),
    ]
    .concat()
}
