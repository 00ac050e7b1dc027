//! What an expression may cost. Expressions arrive from the network, so that every one has a bound.

/// Bytes of an expression.
pub const EXPRESSION_BYTES: usize = 4096;
/// Bytes of one parameter.
pub const PARAMETER_BYTES: usize = 4096;
/// Parameters of an expression: `%0` to `%99` (DDS 1.4 Annex B).
pub const PARAMETERS: usize = 100;
/// Predicates and operators of an expression.
pub const NODES: usize = 256;
/// Parentheses and NOTs inside of each other.
pub const DEPTH: usize = 32;
/// Parts of one field name.
pub const PATH_PARTS: usize = 32;
/// Fields to sort by.
pub const ORDER_FIELDS: usize = 16;
/// Topics of a topic expression.
pub const TOPICS: usize = 16;
/// Characters between two `%` of a LIKE pattern when `_` is among them: these are compared at every
/// place of the text.
pub const WILDCARD_RUN: usize = 64;
