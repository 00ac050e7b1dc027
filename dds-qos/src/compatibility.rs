//! Request/offered compatibility (DDS 1.4 §2.2.3): what is reported, and the rules the table names.

use crate::{Policy, PolicyId};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A policy that forbids a writer and a reader to match.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Incompatibility {
    /// The policy.
    pub policy: PolicyId,
    /// The writer's value.
    pub offered: String,
    /// The reader's value.
    pub requested: String,
    /// The smallest changes that would resolve it, at either side.
    pub fix: String,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, offered, requested, fix } = self;
        write!(f, "{policy}: the writer offers {offered}, the reader requests {requested}; {fix}")
    }
}

/// Notes the policy when any of its rules is violated; each violation is the text of its fix.
pub(crate) fn check<P: Policy>(
    offered: &P,
    requested: &P,
    violations: &[Option<String>],
    found: &mut Vec<Incompatibility>,
) {
    let fixes: Vec<&str> = violations.iter().flatten().map(String::as_str).collect();
    if !fixes.is_empty() {
        found.push(Incompatibility {
            policy: P::ID,
            offered: offered.to_string(),
            requested: requested.to_string(),
            fix: fixes.join("; "),
        });
    }
}

/// The rules rows name; each gives the fix when the part of the offer does not satisfy the request.
pub(crate) mod rules {
    use crate::codec::Value;
    use crate::text::Shown;
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;
    use dds_types::DataRepresentationId;

    /// The offer must be as strong as the request, or stronger.
    pub(crate) fn at_least<V: Value + PartialOrd>(part: &str, offered: &V, requested: &V) -> Option<String> {
        (offered < requested).then(|| either_side(part, offered, requested))
    }

    /// The offer must be as short as the request, or shorter.
    pub(crate) fn at_most<V: Value + PartialOrd>(part: &str, offered: &V, requested: &V) -> Option<String> {
        (offered > requested).then(|| either_side(part, offered, requested))
    }

    /// Both must be the same.
    pub(crate) fn equal<V: Value + PartialEq>(part: &str, offered: &V, requested: &V) -> Option<String> {
        (offered != requested).then(|| either_side(part, offered, requested))
    }

    /// The first of the offer must be among the requested, an empty list being `[XCDR]`
    /// (XTypes 1.3 §7.6.3.1.1).
    pub(crate) fn first_is_listed(
        _part: &str,
        offered: &Vec<DataRepresentationId>,
        requested: &Vec<DataRepresentationId>,
    ) -> Option<String> {
        const IMPLIED: &[DataRepresentationId] = &[DataRepresentationId::XCDR];
        let effective = |list: &'_ Vec<DataRepresentationId>| {
            if list.is_empty() { IMPLIED.to_vec() } else { list.clone() }
        };
        let (offered, requested) = (effective(offered), effective(requested));
        let first: Vec<_> = offered.into_iter().take(1).collect();
        if requested.iter().any(|id| first.contains(id)) {
            return None;
        }
        let wanted: Vec<_> = requested.into_iter().take(1).collect();
        Some(format!("add {} to the reader's list, or offer {} at the writer", Shown(&first), Shown(&wanted)))
    }

    fn either_side<V: Value>(part: &str, offered: &V, requested: &V) -> String {
        let name = if part == "0" { String::new() } else { format!("{part} ") };
        format!(
            "request {name}{} at the reader, or offer {name}{} at the writer",
            Shown(offered),
            Shown(requested)
        )
    }
}
