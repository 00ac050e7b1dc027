use dds_qos::profiles::{ProfileError, ProfileErrorKind, Suggestion};

/// Why there is no configuration.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// The file, or the file of QoS profiles that it names, with the place in it.
    #[error("{0}")]
    File(#[from] ProfileError),
    /// The value of an environment variable.
    #[error("{name}: {}", ProfileError::from(cause.clone()))]
    Variable {
        /// The variable.
        name: String,
        /// What is wrong with its value.
        cause: ProfileErrorKind,
    },
    /// A variable that is almost one of ours.
    #[error("unknown variable {0}")]
    UnknownVariable(Box<Suggestion>),
    /// A variable of ours whose value is no Unicode text.
    #[error("{name}: the value is no Unicode text")]
    NotUnicode {
        /// The variable.
        name: String,
    },
    /// A profile is named, but no file of profiles.
    #[error(
        "the profile `{profile}` is asked for by `qos.profile`, but `qos.file` names no file of profiles"
    )]
    NoProfiles {
        /// The profile.
        profile: String,
    },
}
