use crate::PolicyId;
use alloc::string::String;
use dds_types::parameter_list::ParameterId;

/// What the table says of a policy's type.
pub trait Policy: Clone + PartialEq + core::fmt::Display + Default {
    /// The policy.
    const ID: PolicyId;
    /// Its parameter in discovery data and inline QoS, `None` when it is never on the wire.
    const PARAMETER_ID: Option<ParameterId>;
    /// Whether it may change on an enabled entity.
    const CHANGEABLE: Changeable;
}

/// Column «Changeable» of DDS 1.4 §2.2.3.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Changeable {
    /// At any time.
    Always,
    /// Only until the entity is enabled.
    BeforeEnable,
}

/// Whether this implementation does what the policy says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforcement {
    /// In full.
    Yes,
    /// The part that is named.
    Partly(&'static str),
    /// Stored and announced only.
    No,
}

/// One row of [`POLICIES`](crate::POLICIES).
#[derive(Debug)]
pub struct PolicyRow {
    /// The policy.
    pub id: PolicyId,
    /// The standard's name, such as `RELIABILITY`.
    pub name: &'static str,
    /// Name of the field in the QoS sets and of the section in profiles.
    pub field: &'static str,
    /// What it is about.
    pub documentation: &'static str,
    /// Where the standard defines it.
    pub section: &'static str,
    /// Names of its parts, in the order of the wire; `0` alone for a policy of one value.
    pub parts: &'static [&'static str],
    /// Its parameter on the wire, if any.
    pub parameter_id: Option<ParameterId>,
    /// Whether it may change on an enabled entity.
    pub changeable: Changeable,
    /// Rules a reader's request is held against, as (rule, part of the value).
    pub rules: &'static [(&'static str, &'static str)],
    /// Whether it has effect yet.
    pub enforcement: Enforcement,
    /// The entities it concerns.
    pub entities: &'static [EntityDefault],
}

/// An entity a policy concerns, with the default there.
#[derive(Debug)]
pub struct EntityDefault {
    /// Name of the entity.
    pub entity: &'static str,
    /// The default as text.
    pub default: fn() -> String,
}
