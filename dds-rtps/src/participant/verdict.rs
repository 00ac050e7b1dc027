//! Why two endpoints of one topic do not match, in words.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::fmt;

use dds_qos::Incompatibility;
use dds_types::assignability::Difference;

use super::hook::Pending;
use crate::{
    discovery::ParticipantData,
    structure::{Guid, Locator, VendorId},
};

/// Everything that keeps two endpoints of one topic apart.
///
/// Its `Display` is one sentence that names the topic, the peer, each problem with both values and
/// the smallest fix.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict {
    /// The topic that both name.
    pub topic_name: String,
    /// What our endpoint is.
    pub local_role: Role,
    /// Whom the other endpoint belongs to.
    pub peer: PeerDescription,
    /// At least one.
    pub problems: Vec<Problem>,
}

/// Which of the two an endpoint is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Role {
    /// A DataWriter.
    Writer,
    /// A DataReader.
    Reader,
}

impl Role {
    /// The one that `self` can match.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Writer => Self::Reader,
            Self::Reader => Self::Writer,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Writer => "DataWriter",
            Self::Reader => "DataReader",
        })
    }
}

/// Whether an endpoint's topic has a key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Keyedness {
    /// It has.
    WithKey,
    /// It has none.
    NoKey,
}

impl fmt::Display for Keyedness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WithKey => "keyed",
            Self::NoKey => "keyless",
        })
    }
}

/// One thing that keeps two endpoints apart.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum Problem {
    /// A QoS policy: raises REQUESTED_INCOMPATIBLE_QOS and OFFERED_INCOMPATIBLE_QOS.
    Qos(Incompatibility),
    /// Different type names: raises INCONSISTENT_TOPIC.
    TypeName {
        /// Ours.
        local: String,
        /// Theirs.
        remote: String,
    },
    /// One type has a key, the other has none: raises INCONSISTENT_TOPIC.
    Keyedness {
        /// Ours.
        local: Keyedness,
        /// Theirs.
        remote: Keyedness,
    },
    /// The writer's type is not assignable to the reader's: raises INCONSISTENT_TOPIC.
    Type(Box<Difference>),
    /// No partition in common. Often intended; no standard status is raised.
    Partition {
        /// Ours.
        local: Vec<String>,
        /// Theirs.
        remote: Vec<String>,
    },
    /// None of the addresses they announce can be used from here.
    Unreachable {
        /// Theirs.
        announced: Vec<Locator>,
        /// Where their announcements come from.
        origin: Locator,
    },
    /// What the match waited for did not come in time.
    TimedOut(Pending),
    /// A [`MatchHook`](super::MatchHook) refused, for this reason.
    Refused(String),
}

/// A peer as its user would recognise it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerDescription {
    /// The other endpoint.
    pub endpoint: Guid,
    /// Its participant's name, if it has one.
    pub name: Option<String>,
    /// Its host's name, if announced.
    pub host: Option<String>,
    /// Its process' name, if announced.
    pub process: Option<String>,
    /// Its process' number, if announced.
    pub process_id: Option<String>,
    /// Whose implementation it is.
    pub vendor: VendorId,
}

impl PeerDescription {
    /// Of an endpoint of the participant that announced `data`; `None` for our own.
    pub fn new(endpoint: Guid, data: Option<&ParticipantData>) -> Self {
        let Some(data) = data else {
            return Self { endpoint, vendor: VendorId::OURS, ..Self::default() };
        };
        let text = |value: Option<&str>| value.filter(|text| !text.is_empty()).map(String::from);
        Self {
            endpoint,
            name: text(data.entity_name.as_deref()),
            host: text(data.host()),
            process: text(data.process_name()),
            process_id: text(data.process_id()),
            vendor: data.vendor,
        }
    }
}

impl fmt::Display for PeerDescription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.endpoint)?;
        if let Some(name) = &self.name {
            write!(f, " of participant \"{name}\"")?;
        }
        match (&self.process, &self.process_id) {
            (Some(process), Some(id)) => write!(f, " in process {process} ({id})")?,
            (Some(process), None) => write!(f, " in process {process}")?,
            (None, Some(id)) => write!(f, " in process {id}")?,
            (None, None) => {}
        }
        if let Some(host) = &self.host {
            write!(f, " on host {host}")?;
        }
        write!(f, " ({})", self.vendor.name())
    }
}

impl Verdict {
    /// The policies that offend, for the standard's incompatible-QoS statuses.
    pub fn incompatible_qos(&self) -> impl Iterator<Item = &Incompatibility> {
        self.problems.iter().filter_map(|problem| match problem {
            Problem::Qos(incompatibility) => Some(incompatibility),
            _ => None,
        })
    }

    /// Whether the topics themselves differ, for the standard's INCONSISTENT_TOPIC status.
    pub fn is_inconsistent_topic(&self) -> bool {
        let is_inconsistent = |problem: &Problem| {
            matches!(problem, Problem::TypeName { .. } | Problem::Keyedness { .. } | Problem::Type(_))
        };
        self.problems.iter().any(is_inconsistent)
    }

    /// Whether nothing but partitions keeps them apart, which mostly is intended.
    pub fn is_partition_only(&self) -> bool {
        self.problems.iter().all(|problem| matches!(problem, Problem::Partition { .. }))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "our {} of topic \"{}\" does not match the {} {}",
            self.local_role,
            self.topic_name,
            self.local_role.opposite(),
            self.peer
        )?;
        for (index, problem) in self.problems.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; and " })?;
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Qos(incompatibility) => incompatibility.fmt(f),
            Self::TypeName { local, remote } => {
                write!(f, "our type is named {local:?}, theirs {remote:?}; give both types the same name")
            }
            Self::Keyedness { local, remote } => write!(
                f,
                "our type is {local}, theirs is {remote}; declare the same key members on both sides"
            ),
            Self::Type(difference) => difference.fmt(f),
            Self::Partition { local, remote } => {
                write!(
                    f,
                    "our partitions {} and theirs {} have none in common",
                    Names(local),
                    Names(remote)
                )?;
                match remote.first().filter(|name| !name.contains(['*', '?', '['])) {
                    Some(name) => write!(f, "; add {name:?} to ours"),
                    None => f.write_str("; use a common name"),
                }
            }
            Self::Unreachable { announced, origin } => {
                f.write_str("none of its addresses can be used from here (")?;
                for (index, locator) in announced.iter().enumerate() {
                    write!(f, "{}{locator}", if index == 0 { "" } else { ", " })?;
                }
                write!(
                    f,
                    "), though its announcements arrive from {origin}; let it announce an address of a \
                     network that both hosts are on"
                )
            }
            Self::TimedOut(pending) => write!(f, "{pending} took too long"),
            Self::Refused(reason) => f.write_str(reason),
        }
    }
}

/// A list of partition names.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("[\"\"]"),
            names => write!(f, "{names:?}"),
        }
    }
}
