use super::error::ProfileError;
use super::node::Node;
use super::values::Section;
use crate::{
    DataReaderQos, DataWriterQos, DomainParticipantQos, PolicyId, PublisherQos, SubscriberQos, TopicQos,
};
use std::fmt;

/// A kind of entity that has QoS (DDS 1.4 §2.2.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum EntityKind {
    /// Sends samples.
    DataWriter,
    /// Receives samples.
    DataReader,
    /// What they are about.
    Topic,
    /// Groups writers.
    Publisher,
    /// Groups readers.
    Subscriber,
    /// Is in a domain.
    DomainParticipant,
}

impl EntityKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::DataWriter,
        Self::DataReader,
        Self::Topic,
        Self::Publisher,
        Self::Subscriber,
        Self::DomainParticipant,
    ];

    /// The standard's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DataWriter => "DataWriter",
            Self::DataReader => "DataReader",
            Self::Topic => "Topic",
            Self::Publisher => "Publisher",
            Self::Subscriber => "Subscriber",
            Self::DomainParticipant => "DomainParticipant",
        }
    }

    /// The section of a profile that is about it.
    pub(super) const fn section(self) -> &'static str {
        match self {
            Self::DataWriter => "writer",
            Self::DataReader => "reader",
            Self::Topic => "topic",
            Self::Publisher => "publisher",
            Self::Subscriber => "subscriber",
            Self::DomainParticipant => "participant",
        }
    }

    /// Whether the policy is one of this entity.
    pub(super) fn has(self, policy: PolicyId) -> bool {
        policy.row().is_some_and(|row| row.entities.iter().any(|entity| entity.entity == self.name()))
    }

    /// Applies a section to defaults, to find its errors when the file is loaded.
    pub(super) fn check(self, node: &Node) -> Result<(), ProfileError> {
        match self {
            Self::DataWriter => DataWriterQos::default().set(node),
            Self::DataReader => DataReaderQos::default().set(node),
            Self::Topic => TopicQos::default().set(node),
            Self::Publisher => PublisherQos::default().set(node),
            Self::Subscriber => SubscriberQos::default().set(node),
            Self::DomainParticipant => DomainParticipantQos::default().set(node),
        }
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
