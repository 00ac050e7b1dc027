//! Paths to members: `position.x`, `rows[2].name`.

use super::graph::{Graph, length};
use super::node::{TypeIndex, TypeNode};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A step from a value to one inside of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The member or case at this place of the structure or union.
    Member(usize),
    /// The element at this place of the sequence or array.
    Element(usize),
}

/// Why a path leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathError {
    /// The path is not names joined by `.`, each with indices in brackets.
    Syntax {
        /// The path.
        path: String,
    },
    /// A type has no member of this name.
    NoSuchMember {
        /// The name.
        member: String,
        /// Name of the type.
        type_name: String,
        /// The names that it has.
        members: Vec<String>,
    },
    /// A member is asked of a value that has none.
    NotAStructure {
        /// The path up to the value.
        path: String,
    },
    /// An element is asked of a value that has none.
    NotASequence {
        /// The path up to the value.
        path: String,
    },
    /// An array or sequence never has that many elements.
    OutOfBounds {
        /// The path with the index.
        path: String,
        /// How many elements there are at most.
        length: usize,
    },
    /// The value is a collection, structure or union, where a single value is needed.
    NotSingle {
        /// The path.
        path: String,
    },
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { path } => {
                write!(f, "{path:?} is no path of members: write names joined by `.`, such as `a.b[2].c`")
            }
            Self::NoSuchMember { member, type_name, members } => {
                write!(f, "{type_name} has no member {member:?}; it has {}", members.join(", "))
            }
            Self::NotAStructure { path } => write!(f, "{path} has no members"),
            Self::NotASequence { path } => write!(f, "{path} has no elements"),
            Self::OutOfBounds { path, length } => write!(f, "{path} is outside of its {length} elements"),
            Self::NotSingle { path } => write!(f, "{path} is no single value: name a member of it"),
        }
    }
}

impl core::error::Error for PathError {}

/// Finds the steps of a path, and the type that it leads to.
pub(super) fn resolve(
    graph: &Graph,
    root: TypeIndex,
    path: &str,
) -> Result<(Vec<Step>, TypeIndex), PathError> {
    let syntax = || PathError::Syntax { path: path.to_string() };
    let mut steps = Vec::new();
    let mut index = root;
    let mut walked = 0_usize;
    for (place, part) in path.split('.').enumerate() {
        let (name, mut indices) = match part.find('[') {
            Some(at) => part.split_at(at),
            None => (part, ""),
        };
        if name.is_empty() {
            return Err(syntax());
        }
        let (step, next) = member(graph, index, name, path.get(..walked).unwrap_or(path))?;
        steps.push(step);
        index = next;
        walked = walked.saturating_add(usize::from(place > 0)).saturating_add(name.len());
        while !indices.is_empty() {
            let inner = indices.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let (number, rest) = inner.ok_or_else(syntax)?;
            let element = number.trim().parse().map_err(|_| syntax())?;
            walked = walked.saturating_add(number.len()).saturating_add(2);
            let (step, next) = self::element(graph, index, element, &mut indices, rest, path, walked)?;
            steps.push(step);
            index = next;
        }
    }
    Ok((steps, index))
}

fn member(graph: &Graph, index: TypeIndex, name: &str, before: &str) -> Result<(Step, TypeIndex), PathError> {
    let missing = |type_name: &str, members: Vec<String>| PathError::NoSuchMember {
        member: name.to_string(),
        type_name: type_name.to_string(),
        members,
    };
    match graph.node(index) {
        TypeNode::Structure(structure) => match structure.member(name) {
            Some((place, member)) => Ok((Step::Member(place), member.member_type)),
            None => {
                let members = structure.members.iter().map(|member| member.name.to_string()).collect();
                Err(missing(&structure.name, members))
            }
        },
        TypeNode::Union(union) => match union.case(name) {
            Some((place, case)) => match case.member_type {
                Some(member) => Ok((Step::Member(place), member)),
                None => Err(PathError::NotSingle { path: name.to_string() }),
            },
            None => {
                let members = union.cases.iter().map(|case| case.name.to_string()).collect();
                Err(missing(&union.name, members))
            }
        },
        _ => Err(PathError::NotAStructure { path: before.to_string() }),
    }
}

/// Steps to an element; the indices of an array are consumed all at once.
fn element<'p>(
    graph: &Graph,
    index: TypeIndex,
    first: usize,
    indices: &mut &'p str,
    mut rest: &'p str,
    path: &str,
    walked: usize,
) -> Result<(Step, TypeIndex), PathError> {
    let here = || path.get(..walked).unwrap_or(path).to_string();
    let (place, element) = match graph.node(index) {
        TypeNode::Sequence { element, bound } => {
            let length = bound.and_then(|bound| usize::try_from(bound).ok()).unwrap_or(usize::MAX);
            if first >= length {
                return Err(PathError::OutOfBounds { path: here(), length });
            }
            (first, *element)
        }
        TypeNode::Array { element, dimensions } => {
            let mut place = 0_usize;
            let mut next = Some(first);
            for dimension in dimensions {
                let size = usize::try_from(*dimension).unwrap_or(usize::MAX);
                let index = match next.take() {
                    Some(index) => index,
                    None => {
                        let inner = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                        let Some((number, after)) = inner else {
                            return Err(PathError::NotSingle { path: here() });
                        };
                        rest = after;
                        let number = number.trim().parse();
                        number.map_err(|_| PathError::Syntax { path: path.to_string() })?
                    }
                };
                if index >= size {
                    return Err(PathError::OutOfBounds { path: here(), length: size });
                }
                place = place.saturating_mul(size).saturating_add(index);
            }
            debug_assert!(place < length(dimensions));
            (place, *element)
        }
        _ => return Err(PathError::NotASequence { path: here() }),
    };
    *indices = rest;
    Ok((Step::Element(place), element))
}
