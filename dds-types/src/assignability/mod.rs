//! Whether what a writer sends can be read as the reader's type (XTypes 1.3 §7.2.4.4), and if not,
//! what is the first difference.
//!
//! [`decide`] is what matching asks; it compares type objects that a
//! [`TypeRegistry`] holds, or says which are missing.

mod compare;
mod difference;
mod equivalence;
mod structure;
mod union;

pub use difference::{Because, Difference, DifferenceKind, Side};

use crate::type_object::{Complete, EquivalenceKind, Minimal, TypeIdentifier, TypeInformation, TypeRegistry};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use compare::{Comparison, Outcome};

/// What a reader says of types that are not its own: TYPE_CONSISTENCY_ENFORCEMENT, and how its
/// writer encodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether types may differ at all: ALLOW_TYPE_COERCION.
    pub allow_coercion: bool,
    /// Whether sequences may be longer than the reader's bound.
    pub ignore_sequence_bounds: bool,
    /// Whether strings may be.
    pub ignore_string_bounds: bool,
    /// Whether members are known by their id alone.
    pub ignore_member_names: bool,
    /// Whether the writer's type may have no more members than the reader's.
    pub prevent_type_widening: bool,
    /// Whether appendable types say where they end: they do in XCDR2.
    pub appendable_is_delimited: bool,
}

/// The defaults of the policy (XTypes 1.3 §7.6.3.4), with XCDR2.
impl Default for Rules {
    fn default() -> Self {
        Self {
            allow_coercion: true,
            ignore_sequence_bounds: true,
            ignore_string_bounds: true,
            ignore_member_names: false,
            prevent_type_widening: false,
            appendable_is_delimited: true,
        }
    }
}

/// Whether a writer's type is assignable to a reader's.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// It is.
    Assignable,
    /// It is not, for this reason first of all.
    NotAssignable(Difference),
    /// It depends on these type objects, which the registry does not have.
    NeedTypes(Vec<TypeIdentifier>),
}

/// Compares what two endpoints announce of their types. One of the two is ours, so that its type
/// objects are in the registry.
///
/// Equal identifiers of either representation are equal types, and nothing needs to be known of
/// them. Else complete type objects are compared if they are known, because they have names, or
/// minimal ones; what is missing is told of the complete representation.
#[must_use]
pub fn decide(
    registry: &TypeRegistry,
    reader: &TypeInformation,
    writer: &TypeInformation,
    rules: &Rules,
) -> Decision {
    let ids = |kind| (&reader.of(kind).type_id.type_id, &writer.of(kind).type_id.type_id);
    let kinds = [EquivalenceKind::Complete, EquivalenceKind::Minimal];
    if kinds.into_iter().map(ids).any(|(reader, writer)| reader == writer && *reader != TypeIdentifier::None)
    {
        return Decision::Assignable;
    }
    let mut needed = None;
    for kind in kinds {
        let (reader_id, writer_id) = ids(kind);
        let (Some(mut missing), Some(of_writer)) =
            (registry.missing([reader_id]), registry.missing([writer_id]))
        else {
            return Decision::NotAssignable(Difference {
                path: String::new(),
                kind: DifferenceKind::TooComplex,
                reader: reader_id.to_string(),
                writer: writer_id.to_string(),
            });
        };
        missing.extend(of_writer);
        if missing.is_empty() {
            let outcome = match kind {
                EquivalenceKind::Minimal => {
                    Comparison::<Minimal>::new(registry, rules).whole(reader_id, writer_id)
                }
                EquivalenceKind::Complete => {
                    Comparison::<Complete>::new(registry, rules).whole(reader_id, writer_id)
                }
            };
            return match outcome {
                Ok(()) => Decision::Assignable,
                Err(Outcome::Different(difference)) => Decision::NotAssignable(*difference),
                // Can only be where a type object is of the other representation than its name.
                Err(Outcome::Unknown(id)) => Decision::NeedTypes(Vec::from([id])),
            };
        }
        // At once all that the other side says it is made of, rather than level by level.
        let announced = [reader, writer].into_iter().flat_map(|it| &it.of(kind).dependencies);
        for id in announced.map(|dependency| &dependency.type_id) {
            if registry.get(id).is_none() && !missing.contains(id) && missing.len() < TypeRegistry::MOST_TYPES
            {
                missing.push(id.clone());
            }
        }
        needed.get_or_insert(missing);
    }
    Decision::NeedTypes(needed.unwrap_or_default())
}
