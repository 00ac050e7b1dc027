//! QoS profiles from TOML and JSON files (feature `profiles`).
//!
//! A file holds named profiles. Each has sections for kinds of entity (`writer`, `reader`, `topic`,
//! `publisher`, `subscriber`, `participant`), may build on a `base` profile, and may have rules for
//! topics whose names match a glob (`*`, `?`, `[…]`):
//!
//! ```toml
//! [profiles.default.writer]
//! history = { kind = "keep_last", depth = 10 }
//!
//! [profiles.sensor]
//! base = "default"
//! reader.reliability = "best_effort"
//! writer.reliability = { kind = "reliable", max_blocking_time = "20ms" }
//!
//! [[profiles.sensor.topics]]
//! name = "rt/camera/*"
//! writer.resource_limits = { max_samples = 30 }
//! publisher.partition = ["lab", "field"]
//! ```
//!
//! Policies and their parts are named as the fields of the QoS sets, kinds as the standard names them
//! in either case. A bare value stands for a policy's first part. Spans of time are text such as
//! `"100ms"`, `"1.5s"` or `"infinite"`; limits are numbers or `"unlimited"`. JSON files have the same
//! structure.
//!
//! What is not set comes from the base, and in the end from the standard. In the order from the
//! outermost base to the profile itself, each first applies its sections and then its matching rules,
//! top down. An unknown key or name is an error that names the nearest known one and the line.

mod error;
mod json;
mod node;
mod toml;
mod values;

pub use error::{ProfileError, ProfileErrorKind, Suggestion};
pub(crate) use node::Node;
pub(crate) use values::{Section, kind, set_parts, set_sections};

use crate::partition::glob_matches;
use crate::{
    DataReaderQos, DataWriterQos, DomainParticipantQos, Inconsistency, PublisherQos, SubscriberQos, TopicQos,
};
use node::Position;
use std::collections::BTreeMap;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

/// The profiles of one file, checked when they are loaded.
#[derive(Clone, Debug)]
pub struct Profiles {
    profiles: BTreeMap<String, Profile>,
}

#[derive(Clone, Debug)]
struct Profile {
    base: Option<(String, Position)>,
    position: Position,
    sections: Sections,
    rules: Vec<TopicRule>,
}

#[derive(Clone, Debug)]
struct TopicRule {
    pattern: String,
    sections: Sections,
}

/// What a profile or rule sets, by [`SectionId`].
type Sections = BTreeMap<SectionId, Node>;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum SectionId {
    Writer,
    Reader,
    Topic,
    Publisher,
    Subscriber,
    Participant,
}

impl SectionId {
    const ALL: &'static [(Self, &'static str)] = &[
        (Self::Writer, "writer"),
        (Self::Reader, "reader"),
        (Self::Topic, "topic"),
        (Self::Publisher, "publisher"),
        (Self::Subscriber, "subscriber"),
        (Self::Participant, "participant"),
    ];

    /// Applies the section to defaults, to find its errors when the file is loaded.
    fn check(self, node: &Node) -> Result<(), ProfileError> {
        match self {
            Self::Writer => DataWriterQos::default().set(node),
            Self::Reader => DataReaderQos::default().set(node),
            Self::Topic => TopicQos::default().set(node),
            Self::Publisher => PublisherQos::default().set(node),
            Self::Subscriber => SubscriberQos::default().set(node),
            Self::Participant => DomainParticipantQos::default().set(node),
        }
    }
}

impl Profiles {
    /// Profiles of a TOML text.
    ///
    /// # Errors
    /// Syntax, unknown keys and names, values of the wrong type, unknown or circular bases; each with
    /// its line.
    pub fn from_toml_str(text: &str) -> Result<Self, ProfileError> {
        Self::from_node(&toml::parse(text)?)
    }

    /// Profiles of a JSON text.
    ///
    /// # Errors
    /// As [`from_toml_str`](Self::from_toml_str).
    pub fn from_json_str(text: &str) -> Result<Self, ProfileError> {
        Self::from_node(&json::parse(text)?)
    }

    /// Profiles of a file, by its extension `.toml` or `.json`.
    ///
    /// # Errors
    /// As [`from_toml_str`](Self::from_toml_str), or the file cannot be read or has another extension.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ProfileError> {
        let path = path.as_ref();
        let read = || std::fs::read_to_string(path).map_err(|error| ProfileErrorKind::Io(error.to_string()));
        let profiles = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => read().map_err(ProfileError::from).and_then(|text| Self::from_toml_str(&text)),
            Some("json") => read().map_err(ProfileError::from).and_then(|text| Self::from_json_str(&text)),
            _ => Err(ProfileErrorKind::UnknownFormat.into()),
        };
        profiles.map_err(|error| error.in_file(path))
    }

    /// Names of all profiles, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// QoS of a writer of a topic.
    ///
    /// # Errors
    /// No such profile, or its policies contradict each other.
    pub fn writer_qos(&self, profile: &str, topic: &str) -> Result<DataWriterQos, ProfileError> {
        let qos: DataWriterQos = self.resolve(profile, Some(topic), SectionId::Writer)?;
        self.consistent(profile, qos.is_consistent())?;
        Ok(qos)
    }

    /// QoS of a reader of a topic.
    ///
    /// # Errors
    /// As [`writer_qos`](Self::writer_qos).
    pub fn reader_qos(&self, profile: &str, topic: &str) -> Result<DataReaderQos, ProfileError> {
        let qos: DataReaderQos = self.resolve(profile, Some(topic), SectionId::Reader)?;
        self.consistent(profile, qos.is_consistent())?;
        Ok(qos)
    }

    /// QoS of a topic.
    ///
    /// # Errors
    /// As [`writer_qos`](Self::writer_qos).
    pub fn topic_qos(&self, profile: &str, topic: &str) -> Result<TopicQos, ProfileError> {
        let qos: TopicQos = self.resolve(profile, Some(topic), SectionId::Topic)?;
        self.consistent(profile, qos.is_consistent())?;
        Ok(qos)
    }

    /// QoS of a publisher; of one that writes a single topic the rules for that topic apply too.
    ///
    /// # Errors
    /// No such profile.
    pub fn publisher_qos(&self, profile: &str, topic: Option<&str>) -> Result<PublisherQos, ProfileError> {
        self.resolve(profile, topic, SectionId::Publisher)
    }

    /// QoS of a subscriber; of one that reads a single topic the rules for that topic apply too.
    ///
    /// # Errors
    /// No such profile.
    pub fn subscriber_qos(&self, profile: &str, topic: Option<&str>) -> Result<SubscriberQos, ProfileError> {
        self.resolve(profile, topic, SectionId::Subscriber)
    }

    /// QoS of a participant.
    ///
    /// # Errors
    /// No such profile.
    pub fn participant_qos(&self, profile: &str) -> Result<DomainParticipantQos, ProfileError> {
        self.resolve(profile, None, SectionId::Participant)
    }

    fn resolve<Q: Section + Default>(
        &self,
        profile: &str,
        topic: Option<&str>,
        section: SectionId,
    ) -> Result<Q, ProfileError> {
        let mut qos = Q::default();
        for profile in self.lineage(profile)? {
            if let Some(node) = profile.sections.get(&section) {
                qos.set(node)?;
            }
            for rule in &profile.rules {
                if let (Some(topic), Some(node)) = (topic, rule.sections.get(&section))
                    && glob_matches(&rule.pattern, topic)
                {
                    qos.set(node)?;
                }
            }
        }
        Ok(qos)
    }

    /// The profile after all its bases, outermost first.
    fn lineage(&self, name: &str) -> Result<Vec<&Profile>, ProfileError> {
        let mut lineage = Vec::new();
        let mut visited = Vec::new();
        let mut next = Some((name, Position::NONE));
        while let Some((name, position)) = next {
            visited.push(name.to_string());
            if visited.iter().filter(|visited| *visited == name).count() > 1 {
                return Err(ProfileErrorKind::Cycle(visited).at(position));
            }
            let profile = self.profiles.get(name).ok_or_else(|| {
                ProfileErrorKind::UnknownProfile(Suggestion::new(name, self.names())).at(position)
            })?;
            next = profile.base.as_ref().map(|(base, position)| (base.as_str(), *position));
            lineage.push(profile);
        }
        lineage.reverse();
        Ok(lineage)
    }

    fn consistent(&self, profile: &str, verdict: Result<(), Vec<Inconsistency>>) -> Result<(), ProfileError> {
        let position = self.profiles.get(profile).map_or(Position::NONE, |profile| profile.position);
        verdict.map_err(|found| ProfileErrorKind::Inconsistent(found).at(position))
    }

    fn from_node(root: &Node) -> Result<Self, ProfileError> {
        let mut profiles = BTreeMap::new();
        for (key, table) in root.table()? {
            if key.name != "profiles" {
                return Err(key.unknown(["profiles"]));
            }
            for (name, node) in table.table()? {
                profiles.insert(name.name.clone(), Profile::from_node(node, name.position)?);
            }
        }
        let profiles = Self { profiles };
        for name in profiles.names() {
            profiles.lineage(name)?;
        }
        Ok(profiles)
    }
}

impl Profile {
    fn from_node(node: &Node, position: Position) -> Result<Self, ProfileError> {
        let mut profile = Self { base: None, position, sections: Sections::new(), rules: Vec::new() };
        for (key, value) in node.table()? {
            match key.name.as_str() {
                "base" => profile.base = Some((value.string()?.to_string(), value.position)),
                "topics" => {
                    for rule in value.array()? {
                        profile.rules.push(TopicRule::from_node(rule)?);
                    }
                }
                _ => insert_section(&mut profile.sections, key, value, &["base", "topics"])?,
            }
        }
        Ok(profile)
    }
}

impl TopicRule {
    fn from_node(node: &Node) -> Result<Self, ProfileError> {
        let mut pattern = None;
        let mut sections = Sections::new();
        for (key, value) in node.table()? {
            match key.name.as_str() {
                "name" => pattern = Some(value.string()?.to_string()),
                _ => insert_section(&mut sections, key, value, &["name"])?,
            }
        }
        let pattern = pattern.ok_or_else(|| ProfileErrorKind::MissingKey("name").at(node.position))?;
        Ok(Self { pattern, sections })
    }
}

fn insert_section(
    sections: &mut Sections,
    key: &node::Key,
    value: &Node,
    other_keys: &[&'static str],
) -> Result<(), ProfileError> {
    let Some((section, _)) = SectionId::ALL.iter().find(|(_, name)| *name == key.name) else {
        let sections = SectionId::ALL.iter().map(|(_, name)| *name);
        return Err(key.unknown(other_keys.iter().copied().chain(sections)));
    };
    section.check(value)?;
    sections.insert(*section, value.clone());
    Ok(())
}
