//! QoS profiles from TOML, JSON and XML files (feature `profiles`).
//!
//! A TOML or JSON file holds named profiles. Each has sections for kinds of entity (`writer`, `reader`, `topic`,
//! `publisher`, `subscriber`, `participant`), may build on a `base` profile or a list of them, and may
//! have rules for topics whose names match a glob (`*`, `?`, `[…]`):
//!
//! ```toml
//! default = "sensor"
//!
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
//! structure. XML files are those of DDS-XML 1.0 or of a vendor, see [`XmlDialect`].
//!
//! What is not set comes from the base, and in the end from the standard. In the order from the
//! outermost base to the profile itself, each first applies its sections and then its matching rules,
//! top down. An unknown key or name is an error that names the nearest known one and the line.

mod entity;
mod error;
mod json;
mod node;
mod profile;
pub mod settings;
mod toml;
mod unmapped;
mod values;
mod xml;

pub use entity::EntityKind;
pub use error::{ProfileError, ProfileErrorKind, Suggestion};
pub(crate) use settings::Node;
pub use unmapped::{Unmapped, UnmappedReason};
pub(crate) use values::{Section, kind, set_parts, set_sections};
pub use xml::XmlDialect;

use crate::{
    DataReaderQos, DataWriterQos, DomainParticipantQos, Inconsistency, PublisherQos, SubscriberQos, TopicQos,
};
use profile::{Base, Profile};
use settings::Position;
use std::collections::BTreeMap;
use std::path::Path;
use std::string::{String, ToString};
use std::vec::Vec;

/// The profiles of one file, checked when they are loaded.
#[derive(Clone, Debug, Default)]
pub struct Profiles {
    profiles: BTreeMap<String, Profile>,
    defaults: BTreeMap<EntityKind, String>,
    unmapped: Vec<Unmapped>,
}

impl Profiles {
    /// The largest file that is read, in bytes.
    pub const MAX_FILE_SIZE: usize = settings::MAX_FILE_SIZE;

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

    /// Profiles of an XML text: DDS-XML 1.0, or the file of a vendor as its root element says; see
    /// [`XmlDialect`] for what is understood. What a vendor's file says beyond the standard is listed in
    /// [`unmapped`](Self::unmapped).
    ///
    /// # Errors
    /// As [`from_toml_str`](Self::from_toml_str); a document type declaration, too many elements or too
    /// deep ones; a root element that belongs to no dialect.
    pub fn from_xml_str(text: &str) -> Result<Self, ProfileError> {
        xml::load(text, None)
    }

    /// Profiles of an XML text in this dialect, whatever its root element looks like.
    ///
    /// # Errors
    /// As [`from_xml_str`](Self::from_xml_str).
    pub fn from_xml_dialect(text: &str, dialect: XmlDialect) -> Result<Self, ProfileError> {
        xml::load(text, Some(dialect))
    }

    /// Profiles of a file, by its extension `.toml`, `.json` or `.xml`.
    ///
    /// # Errors
    /// As [`from_toml_str`](Self::from_toml_str) and [`from_xml_str`](Self::from_xml_str), or the file
    /// cannot be read, is larger than [`MAX_FILE_SIZE`](Self::MAX_FILE_SIZE) or has another extension.
    pub fn from_path(path: impl AsRef<Path>) -> Result<Self, ProfileError> {
        let path = path.as_ref();
        let parse = match path.extension().and_then(|extension| extension.to_str()) {
            Some("toml") => Self::from_toml_str,
            Some("json") => Self::from_json_str,
            Some("xml") => Self::from_xml_str,
            _ => {
                let kind = ProfileErrorKind::UnknownFormat { known: ".toml, .json or .xml" };
                return Err(ProfileError::from(kind).in_file(path));
            }
        };
        settings::read(path).and_then(|text| parse(&text)).map_err(|error| error.in_file(path))
    }

    /// Names of all profiles, sorted. Those of XML libraries are `library::profile`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profiles.keys().map(String::as_str)
    }

    /// The profile that the file makes the default for this kind of entity, if any: `default` in TOML and
    /// JSON, `is_default_qos` in DDS-XML, `is_default_profile` in Fast DDS's.
    pub fn default_for(&self, entity: EntityKind) -> Option<&str> {
        self.defaults.get(&entity).map(String::as_str)
    }

    /// What an XML file says that has no counterpart here, in the order of the file. Empty for DDS-XML
    /// without extensions, TOML and JSON, where it is an error.
    pub fn unmapped(&self) -> &[Unmapped] {
        &self.unmapped
    }

    /// QoS of a writer of a topic.
    ///
    /// # Errors
    /// No such profile, or its policies contradict each other.
    pub fn writer_qos(&self, profile: &str, topic: &str) -> Result<DataWriterQos, ProfileError> {
        let qos: DataWriterQos = self.resolve(profile, Some(topic), EntityKind::DataWriter)?;
        self.consistent(profile, qos.is_consistent())?;
        Ok(qos)
    }

    /// QoS of a reader of a topic.
    ///
    /// # Errors
    /// As [`writer_qos`](Self::writer_qos).
    pub fn reader_qos(&self, profile: &str, topic: &str) -> Result<DataReaderQos, ProfileError> {
        let qos: DataReaderQos = self.resolve(profile, Some(topic), EntityKind::DataReader)?;
        self.consistent(profile, qos.is_consistent())?;
        Ok(qos)
    }

    /// QoS of a topic.
    ///
    /// # Errors
    /// As [`writer_qos`](Self::writer_qos).
    pub fn topic_qos(&self, profile: &str, topic: &str) -> Result<TopicQos, ProfileError> {
        let qos: TopicQos = self.resolve(profile, Some(topic), EntityKind::Topic)?;
        self.consistent(profile, qos.is_consistent())?;
        Ok(qos)
    }

    /// QoS of a publisher; of one that writes a single topic the rules for that topic apply too.
    ///
    /// # Errors
    /// No such profile.
    pub fn publisher_qos(&self, profile: &str, topic: Option<&str>) -> Result<PublisherQos, ProfileError> {
        self.resolve(profile, topic, EntityKind::Publisher)
    }

    /// QoS of a subscriber; of one that reads a single topic the rules for that topic apply too.
    ///
    /// # Errors
    /// No such profile.
    pub fn subscriber_qos(&self, profile: &str, topic: Option<&str>) -> Result<SubscriberQos, ProfileError> {
        self.resolve(profile, topic, EntityKind::Subscriber)
    }

    /// QoS of a participant.
    ///
    /// # Errors
    /// No such profile.
    pub fn participant_qos(&self, profile: &str) -> Result<DomainParticipantQos, ProfileError> {
        self.resolve(profile, None, EntityKind::DomainParticipant)
    }

    fn consistent(&self, profile: &str, verdict: Result<(), Vec<Inconsistency>>) -> Result<(), ProfileError> {
        let position = self.profiles.get(profile).map_or(Position::NONE, |profile| profile.position);
        verdict.map_err(|found| ProfileErrorKind::Inconsistent(found).at(position))
    }

    fn from_node(root: &Node) -> Result<Self, ProfileError> {
        let mut profiles = Self::default();
        let mut default = None;
        for (key, value) in root.table()? {
            match key.name.as_str() {
                "default" => {
                    default = Some(Base { name: value.string()?.to_string(), position: value.position });
                }
                "profiles" => {
                    for (name, node) in value.table()? {
                        let profile = Profile::from_node(node, name.position)?;
                        profiles.profiles.insert(name.name.clone(), profile);
                    }
                }
                _ => return Err(key.unknown(["default", "profiles"])),
            }
        }
        profiles.check_bases()?;
        if let Some(default) = default {
            profiles.find(&default)?;
            profiles.defaults = EntityKind::ALL.iter().map(|kind| (*kind, default.name.clone())).collect();
        }
        Ok(profiles)
    }
}
