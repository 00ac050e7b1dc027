//! The seam for whoever must agree to a match: type checking, access control.

use core::fmt;

use super::{
    events::{EndpointData, RemoteEndpoint},
    verdict::Problem,
};
use crate::time::Duration;

/// What a pair waits for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Pending {
    /// The other side's type object is being looked up.
    Type,
    /// The other participant is being authenticated.
    Authentication,
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "the lookup of its type",
            Self::Authentication => "its authentication",
        })
    }
}

/// What a [`MatchHook`] says of a pair that QoS lets pass.
#[derive(Clone, PartialEq, Debug)]
pub enum Gate {
    /// They match.
    Open,
    /// They do not match.
    Closed(Problem),
    /// It is not known yet: [`Participant::resolve_pending`](super::Participant::resolve_pending) or
    /// [`Participant::judge_peer`](super::Participant::judge_peer) will say; after `limit` without
    /// an answer [`MatchHook::time_is_up`] does.
    Pending {
        /// What it waits for.
        what: Pending,
        /// How long at most.
        limit: Duration,
    },
}

/// Decides about pairs that name, type, partition and QoS let pass.
///
/// Asked again whenever a side changes. It is called with the participant's state borrowed, hence
/// must not call back; a lookup that it wants done it notes for its own owner to start.
pub trait MatchHook: fmt::Debug + Send + Sync {
    /// Whether `local` and `remote` match.
    fn gate(&self, local: &EndpointData, remote: &RemoteEndpoint) -> Gate;

    /// What becomes of a pair that waited too long for `what`: by default they do not match.
    fn time_is_up(&self, _local: &EndpointData, _remote: &RemoteEndpoint, what: Pending) -> Gate {
        Gate::Closed(Problem::TimedOut(what))
    }
}
