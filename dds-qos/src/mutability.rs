//! Changing the QoS of an enabled entity.

use crate::{Changeable, Policy, PolicyId};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// A policy that would change although its entity is enabled (`IMMUTABLE_POLICY`, DDS 1.4 §2.2.1.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImmutablePolicy {
    /// The policy.
    pub policy: PolicyId,
    /// Its value now.
    pub current: String,
    /// The value refused.
    pub refused: String,
}

impl fmt::Display for ImmutablePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { policy, current, refused } = self;
        write!(
            f,
            "{policy} cannot change from {current} to {refused} once the entity is enabled; \
             create the entity with it"
        )
    }
}

impl core::error::Error for ImmutablePolicy {}

pub(crate) fn check<P: Policy>(current: &P, new: &P, refused: &mut Vec<ImmutablePolicy>) {
    if P::CHANGEABLE == Changeable::BeforeEnable && current != new {
        refused.push(ImmutablePolicy {
            policy: P::ID,
            current: current.to_string(),
            refused: new.to_string(),
        });
    }
}
