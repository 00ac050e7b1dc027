//! The SQL subset of DDS (DDS 1.4 Annex B): what passes a filter, what a query asks for, how topics are
//! joined.
//!
//! An expression is parsed once ([`FilterExpression`], [`QueryExpression`], [`TopicExpression`]), compiled
//! for a type with the values of its parameters ([`Program`]), and evaluated over serialised samples, of
//! which only the fields it names are decoded. Everything that does not fit is refused when it is
//! compiled, with the place in the expression and what would mend it:
//!
//! ```
//! use dds_derive::DdsType;
//! use dds_filter::FilterExpression;
//! use dds_types::{DataRepresentationId, TopicType, dynamic::DynamicType};
//!
//! #[derive(DdsType)]
//! struct ShapeType {
//!     color: String,
//!     x: i32,
//!     shapesize: i32,
//! }
//!
//! let shape_type = DynamicType::of::<ShapeType>()?;
//! let filter = FilterExpression::parse("color LIKE 'B%' AND shapesize < %0")?;
//! let program = filter.compile(&shape_type, &["20".into()])?;
//! let mut payload = Vec::new();
//! let shape = ShapeType { color: "BLUE".into(), x: 3, shapesize: 19 };
//! shape.serialize(DataRepresentationId::XCDR, &mut payload)?;
//! assert!(program.passes(&payload)?);
//!
//! let filter = FilterExpression::parse("color LIKE 'B%' AND shapesze < %0")?;
//! let error = filter.compile(&shape_type, &["20".into()]).unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "column 21: type ShapeType has no member `shapesze`, did you mean `shapesize`?\n  \
//!      color LIKE 'B%' AND shapesze < %0\n                      ^"
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The language
//! | | |
//! |---|---|
//! | comparison | `=` `<>` `!=` `<` `<=` `>` `>=`, `LIKE`, `BETWEEN … AND …`, `NOT BETWEEN` |
//! | conditions | `NOT` before `AND` before `OR`, parentheses |
//! | fields | `position.x`, `points[3].y`, `rows[1][2]`; the cases of a union are members |
//! | values | `12`, `-3`, `0x1F`, `2.5e3`, `'text'`, `` `text' ``, `'it''s'`, `TRUE`, `FALSE`, `'RED'` or `RED` of an enumeration, `%0` to `%99` |
//! | patterns | `%` or `*`: any characters; `_` or `?`: one |
//! | queries | a condition, then `ORDER BY` fields, ascending |
//! | topics | `SELECT` fields `FROM` topics joined by `NATURAL JOIN`, `WHERE` a condition |
//!
//! Keywords are read in any case, names of fields in theirs. One side of a comparison is a field.
//! Numbers compare with numbers by their exact value, except that constants are rounded to the precision
//! of a single-precision field; characters compare with strings; enumerations with their own literals
//! and with integers; booleans with 0 and 1. Everything else is refused.
//!
//! The text of a parameter is a value as above. Where it is compared with a string, a character or an
//! enumeration, the quotes may be missing.
//!
//! A value that a sample lacks (an absent optional member, a case that is not selected, an element
//! beyond the end) makes a comparison neither true nor false, as NULL does in SQL. An empty filter lets
//! everything pass.
//!
//! # Where implementations differ
//! - Fast DDS reads `NOT a AND b` as `NOT (a AND b)`; here, as in SQL, it is `(NOT a) AND b`. Parentheses
//!   mean the same everywhere.
//! - Fast DDS and RTI Connext also have MATCH, with regular expressions; the standard has not.
//! - Doubled quotes inside of strings are SQL, and not read by Fast DDS.
//!
//! # Hostile expressions
//! Expressions of others arrive with discovery. Their length, nodes, depth and parameters are bounded
//! ([`limits`]), nothing recurses deeper than they say, and LIKE is linear in the text.
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

mod compile;
mod error;
mod expression;
mod lexer;
mod like;
pub mod limits;
mod parser;
mod program;
mod schema;
mod syntax;
mod value;

pub use error::{FilterError, FilterErrorKind};
pub use expression::{FilterExpression, QueryExpression, TopicExpression};
pub use program::Program;
pub use syntax::{Column, FieldPath, PathPart};
