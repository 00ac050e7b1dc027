use super::entity::EntityKind;
use super::xml::XmlDialect;
use crate::PolicyId;
use std::fmt;
use std::string::String;

/// Something an XML file says that has no counterpart here, so that it was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Unmapped {
    /// Where it is, from the root element: `dds/qos_library[Robot]/…/publish_mode/kind`, attributes as
    /// `…/@name`. Very long names are shortened.
    pub path: String,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, from 1.
    pub column: usize,
    /// What it says, shortened when very long.
    pub value: String,
    /// Why it was left out.
    pub reason: UnmappedReason,
}

/// Why something of an XML file was left out.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum UnmappedReason {
    /// A setting of that vendor's own.
    Extension(XmlDialect),
    /// Nothing known has this name.
    Unknown {
        /// The known name most like it, if any is.
        nearest: Option<String>,
    },
    /// Here it is no QoS but this key of the configuration, see `dds_core::ParticipantConfig`.
    Configuration(&'static str),
    /// A policy that the standard does not give this entity.
    OtherEntity {
        /// The policy.
        policy: PolicyId,
        /// The entity.
        entity: EntityKind,
    },
    /// A value that the policy does not have in the standard.
    Value,
    /// A profile of another file or built into that vendor's product.
    Elsewhere,
    /// A part of the file that is not about QoS.
    NotQos,
    /// A later profile is the default instead.
    Overridden,
    /// What is not said there means something else to that vendor than to the standard.
    Default {
        /// The policy.
        policy: PolicyId,
        /// What it means to the vendor.
        theirs: &'static str,
    },
}

impl fmt::Display for UnmappedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extension(dialect) => write!(f, "an extension of {dialect}"),
            Self::Unknown { nearest: Some(nearest) } => write!(f, "unknown, did you mean `{nearest}`?"),
            Self::Unknown { nearest: None } => f.write_str("unknown"),
            Self::Configuration(key) => write!(f, "no QoS but `{key}` of the configuration"),
            Self::OtherEntity { policy, entity } => write!(f, "{policy} is no policy of a {entity}"),
            Self::Value => f.write_str("no value of the standard"),
            Self::Elsewhere => f.write_str("a profile that is not in this file"),
            Self::NotQos => f.write_str("not about QoS"),
            Self::Overridden => f.write_str("a later profile is the default"),
            Self::Default { policy, theirs } => {
                write!(f, "{policy} is not set: {theirs} there, the standard's default here")
            }
        }
    }
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, line, column, value, reason } = self;
        write!(f, "line {line}, column {column}: {path}")?;
        if !value.is_empty() {
            write!(f, " = {value}")?;
        }
        write!(f, ": {reason}")
    }
}
