//! Why an operation of the API failed.
//!
//! DDS 1.4 §2.2.1.1 has one flat `ReturnCode_t`; here each cause carries what was wrong and, in its
//! text, what to do about it. [`DdsError::return_code`] gives the standard's code. Running out of
//! samples is no error: readers return empty collections where the standard says `NO_DATA`.

use dds_qos::{Duration, PolicyId};
use dds_types::{DecodeError, EncodeError};
use thiserror::Error;

use crate::instance::InstanceHandle;

/// The result of an operation of the API.
pub type DdsResult<T> = Result<T, DdsError>;

/// The standard's return codes (DDS 1.4 §2.2.1.1 `ReturnCode_t`) other than `OK` and `NO_DATA`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReturnCode {
    /// `ERROR`: a cause that the standard has no code for.
    Error,
    /// `UNSUPPORTED`.
    Unsupported,
    /// `BAD_PARAMETER`.
    BadParameter,
    /// `PRECONDITION_NOT_MET`.
    PreconditionNotMet,
    /// `OUT_OF_RESOURCES`.
    OutOfResources,
    /// `NOT_ENABLED`.
    NotEnabled,
    /// `IMMUTABLE_POLICY`.
    ImmutablePolicy,
    /// `INCONSISTENT_POLICY`.
    InconsistentPolicy,
    /// `ALREADY_DELETED`.
    AlreadyDeleted,
    /// `TIMEOUT`.
    Timeout,
    /// `ILLEGAL_OPERATION`.
    IllegalOperation,
}

impl ReturnCode {
    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Unsupported => "UNSUPPORTED",
            Self::BadParameter => "BAD_PARAMETER",
            Self::PreconditionNotMet => "PRECONDITION_NOT_MET",
            Self::OutOfResources => "OUT_OF_RESOURCES",
            Self::NotEnabled => "NOT_ENABLED",
            Self::ImmutablePolicy => "IMMUTABLE_POLICY",
            Self::InconsistentPolicy => "INCONSISTENT_POLICY",
            Self::AlreadyDeleted => "ALREADY_DELETED",
            Self::Timeout => "TIMEOUT",
            Self::IllegalOperation => "ILLEGAL_OPERATION",
        }
    }
}

/// The limit that an operation ran into.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum Resource {
    /// RESOURCE_LIMITS `max_samples`.
    #[error("RESOURCE_LIMITS max_samples")]
    MaxSamples,
    /// RESOURCE_LIMITS `max_instances`.
    #[error("RESOURCE_LIMITS max_instances")]
    MaxInstances,
    /// RESOURCE_LIMITS `max_samples_per_instance`.
    #[error("RESOURCE_LIMITS max_samples_per_instance")]
    MaxSamplesPerInstance,
    /// The bytes that a writer may have in flight by its configuration.
    #[error("the configured bytes in flight")]
    WindowBytes,
    /// The largest sample that the configuration allows.
    #[error("the configured largest sample")]
    SampleSize,
    /// Entity ids of one participant.
    #[error("the entity ids of the participant")]
    EntityIds,
    /// Participant ids of one host and domain, hence ports.
    #[error("the participant ids of this host and domain")]
    ParticipantIds,
}

/// Why an operation may not be called where it was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Error)]
pub enum IllegalContext {
    /// A listener blocks the thread that receives.
    #[error("it would block the thread that calls listeners; use the async form or another thread")]
    BlockingInListener,
    /// Time is simulated and stands still while a thread blocks.
    #[error("time is virtual and stands still while a thread blocks; use the async form")]
    VirtualTime,
    /// The entity is one of the service's own.
    #[error("the entity belongs to the service; create one of your own")]
    BuiltinEntity,
    /// The handles of the process before `fork` do not work after it.
    #[error("the participant was created before fork; create one in this process")]
    AfterFork,
    /// The entity belongs to another factory than the one asked to delete it.
    #[error("the entity belongs to another factory; ask that one")]
    ForeignEntity,
}

/// Why an operation of the API failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DdsError {
    /// An argument has a value that it cannot have.
    #[error("{parameter} {problem}")]
    BadParameter {
        /// The argument's name.
        parameter: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// No instance has this handle: it was never known here, or was forgotten.
    #[error("instance {handle} is not known here; look it up by its key")]
    UnknownInstance {
        /// The handle given.
        handle: InstanceHandle,
    },
    /// The system is not in the state that the operation needs.
    #[error("{operation} needs {requirement}")]
    PreconditionNotMet {
        /// What was asked for.
        operation: &'static str,
        /// What must be so first.
        requirement: String,
    },
    /// A limit was reached, and waiting would not have helped.
    #[error("{resource} is exhausted (limit {limit}); raise it, or remove something first")]
    OutOfResources {
        /// The limit's name.
        resource: Resource,
        /// Its value.
        limit: u64,
    },
    /// The entity is not enabled.
    #[error("{operation} needs an enabled entity; call enable() first")]
    NotEnabled {
        /// What was asked for.
        operation: &'static str,
    },
    /// A policy of an enabled entity cannot change.
    #[error("{policy:?} cannot change from {current} to {requested} after enable; create another entity")]
    ImmutablePolicy {
        /// The policy.
        policy: PolicyId,
        /// Its value.
        current: String,
        /// The value asked for.
        requested: String,
    },
    /// Policies of one entity contradict each other.
    #[error("inconsistent QoS: {}", .reasons.join("; "))]
    InconsistentPolicy {
        /// The policies involved.
        policies: Vec<PolicyId>,
        /// Each contradiction, with its fix.
        reasons: Vec<String>,
    },
    /// The entity has been deleted.
    #[error("the {entity} has been deleted")]
    AlreadyDeleted {
        /// What it was.
        entity: &'static str,
    },
    /// What was waited for did not happen in time.
    #[error("{operation} did not finish within {after}")]
    Timeout {
        /// What was asked for.
        operation: &'static str,
        /// How long it was waited for.
        after: Duration,
    },
    /// The operation may not be called here.
    #[error("{operation} is not allowed here: {context}")]
    IllegalOperation {
        /// What was asked for.
        operation: &'static str,
        /// Why it may not.
        context: IllegalContext,
    },
    /// An optional part of the standard that is not implemented.
    #[error("{feature} is not supported")]
    Unsupported {
        /// The part.
        feature: &'static str,
    },
    /// An expression of a filter, query or join does not fit; the text shows where.
    #[error("the expression is refused: {0}")]
    Filter(Box<dds_filter::FilterError>),
    /// The value cannot be serialised as its type says.
    #[error("the sample cannot be serialised: {0}")]
    Encode(#[from] EncodeError),
    /// Received bytes are no valid value of their type.
    #[error("the sample cannot be deserialised: {0}")]
    Decode(#[from] DecodeError),
    /// The sockets could not be opened.
    #[error("the transport cannot be opened: {0}")]
    Transport(#[from] dds_transport::OpenError),
    /// The operating system refused.
    #[error("{operation}: {source}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

impl DdsError {
    /// A [`DdsError::BadParameter`].
    pub fn bad_parameter(parameter: &'static str, problem: impl Into<String>) -> Self {
        Self::BadParameter { parameter, problem: problem.into() }
    }

    /// A [`DdsError::PreconditionNotMet`].
    pub fn precondition(operation: &'static str, requirement: impl Into<String>) -> Self {
        Self::PreconditionNotMet { operation, requirement: requirement.into() }
    }

    /// The standard's code for this cause.
    pub const fn return_code(&self) -> ReturnCode {
        match self {
            Self::BadParameter { .. } | Self::UnknownInstance { .. } | Self::Encode(_) | Self::Filter(_) => {
                ReturnCode::BadParameter
            }
            Self::PreconditionNotMet { .. } => ReturnCode::PreconditionNotMet,
            Self::OutOfResources { .. } => ReturnCode::OutOfResources,
            Self::NotEnabled { .. } => ReturnCode::NotEnabled,
            Self::ImmutablePolicy { .. } => ReturnCode::ImmutablePolicy,
            Self::InconsistentPolicy { .. } => ReturnCode::InconsistentPolicy,
            Self::AlreadyDeleted { .. } => ReturnCode::AlreadyDeleted,
            Self::Timeout { .. } => ReturnCode::Timeout,
            Self::IllegalOperation { .. } => ReturnCode::IllegalOperation,
            Self::Unsupported { .. } => ReturnCode::Unsupported,
            Self::Decode(_) | Self::Io { .. } | Self::Transport(_) => ReturnCode::Error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_to_do_and_map_to_the_standards_code() {
        let error = DdsError::OutOfResources { resource: Resource::MaxInstances, limit: 3 };
        assert_eq!(
            error.to_string(),
            "RESOURCE_LIMITS max_instances is exhausted (limit 3); raise it, or remove something first"
        );
        assert_eq!(error.return_code().name(), "OUT_OF_RESOURCES");
        let error = DdsError::IllegalOperation {
            operation: "WaitSet::wait",
            context: IllegalContext::BlockingInListener,
        };
        assert_eq!(error.return_code(), ReturnCode::IllegalOperation);
    }
}
