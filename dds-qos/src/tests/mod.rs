//! Tests of the table as a whole.

mod codec;
pub(crate) mod strategies;
