//! XML: the dialects, the limits, and what all of them share.

mod connext;
mod cyclone_dds;
mod fast_dds;
mod library;
mod limits;
mod policy;
mod vocabulary;

use super::error::{ProfileError, ProfileErrorKind, Suggestion};
use super::node::{Key, Places, Position};
use super::unmapped::{Unmapped, UnmappedReason};
use super::{EntityKind, Profiles};
use roxmltree::{Attribute, Document, Node as Element, ParsingOptions};
use std::fmt;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;
use vocabulary::Vocabulary;

/// Elements, attributes and texts of one file; more than any known file has a hundred times over.
const MAX_NODES: u32 = 100_000;

/// An XML vocabulary for QoS.
///
/// What a file does not set comes from the standard's defaults, also where the vendor has others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum XmlDialect {
    /// DDS-XML 1.0 §7.3.2, building block QoS: `qos_library` alone or within `dds`. Also what Cyclone
    /// DDS's QoS provider reads. Unknown elements are errors; known extensions of Connext are left out.
    ///
    /// Profiles are named `library::profile`, entities with a name of their own
    /// `library::profile::entity` or `library::entity`. A profile or an entity's QoS can build on a
    /// `base_name`; of several with a `topic_filter` the first that matches is taken.
    DdsXml,
    /// RTI Connext: DDS-XML with `qos_snippet`, lists of `base_name` elements and settings of its own,
    /// which are left out. Recognised by its schema or version at the element `dds`.
    Connext,
    /// eProsima Fast DDS: `profiles` alone or within `dds`, with `data_writer`, `data_reader`, `topic` and
    /// `participant`, each a profile of that name. PARTITION, PRESENTATION and GROUP_DATA of a
    /// writer or reader are those of its publisher or subscriber here.
    FastDds,
    /// Eclipse Cyclone DDS's configuration, `CycloneDDS`. It has no QoS: the profiles are empty, and
    /// [`Profiles::unmapped`] says which keys of the configuration its settings are here.
    CycloneDds,
}

impl XmlDialect {
    /// Keys of the configuration that [`UnmappedReason::Configuration`] may name.
    pub fn configuration_keys(self) -> impl Iterator<Item = &'static str> {
        let of_paths = match self {
            Self::CycloneDds => cyclone_dds::CONFIGURATION,
            _ => &[],
        };
        let of_elements = match self {
            Self::DdsXml | Self::Connext => vocabulary::DDS_XML.configuration,
            Self::FastDds => vocabulary::FAST_DDS.configuration,
            Self::CycloneDds => &[],
        };
        of_paths.iter().map(|(_, key)| *key).chain(of_elements.iter().map(|(_, _, key)| *key))
    }
}

impl fmt::Display for XmlDialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DdsXml => "DDS-XML",
            Self::Connext => "Connext",
            Self::FastDds => "Fast DDS",
            Self::CycloneDds => "Cyclone DDS",
        })
    }
}

/// Reads an XML text, in the dialect its root element has or this one.
pub(super) fn load(text: &str, dialect: Option<XmlDialect>) -> Result<Profiles, ProfileError> {
    if text.len() > Profiles::MAX_FILE_SIZE {
        return Err(ProfileErrorKind::TooMuch { what: "bytes", limit: Profiles::MAX_FILE_SIZE }.into());
    }
    let places = Places::new(text);
    limits::check(&places)?;
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| syntax(&error))?;
    let root = document.root_element();
    let dialect = match dialect {
        Some(dialect) => dialect,
        None => recognise(root).ok_or_else(|| {
            ProfileErrorKind::UnknownRoot(shortened(name(root))).at(places.of(root.range().start))
        })?,
    };
    let mut import = Import { places, dialect, profiles: Profiles::default() };
    match dialect {
        XmlDialect::DdsXml | XmlDialect::Connext => library::load(&mut import, root)?,
        XmlDialect::FastDds => fast_dds::load(&mut import, root)?,
        XmlDialect::CycloneDds => cyclone_dds::load(&mut import, root),
    }
    let profiles = import.profiles;
    profiles.check_bases()?;
    Ok(profiles)
}

fn syntax(error: &roxmltree::Error) -> ProfileError {
    let position = error.pos();
    let line_and_column = (usize::try_from(position.row), usize::try_from(position.col));
    let (line, column) = (line_and_column.0.unwrap_or(0), line_and_column.1.unwrap_or(0));
    let kind = match error {
        roxmltree::Error::NodesLimitReached => {
            return ProfileErrorKind::TooMuch { what: "elements and texts", limit: MAX_NODES as usize }
                .into();
        }
        roxmltree::Error::DtdDetected => {
            ProfileErrorKind::Syntax("document type declarations are not read".to_string())
        }
        error => {
            let message = error.to_string();
            let message = message.rsplit_once(" at ").map_or(message.as_str(), |(message, _)| message);
            ProfileErrorKind::Syntax(shortened(message))
        }
    };
    kind.at(Position::new(line, column))
}

fn recognise(root: Element<'_, '_>) -> Option<XmlDialect> {
    let is_of = |part: &str| root.attributes().any(|attribute| attribute.value().contains(part));
    match name(root) {
        "qos_library" => Some(XmlDialect::DdsXml),
        "profiles" => Some(XmlDialect::FastDds),
        "CycloneDDS" => Some(XmlDialect::CycloneDds),
        "dds" if root.tag_name().namespace().is_some_and(|uri| uri.contains("eprosima")) => {
            Some(XmlDialect::FastDds)
        }
        "dds" if elements(root).any(|element| name(element) == "profiles") => Some(XmlDialect::FastDds),
        "dds" if root.attribute("version").is_some() || is_of("rti.com") || is_of("rti_dds") => {
            Some(XmlDialect::Connext)
        }
        "dds" => Some(XmlDialect::DdsXml),
        _ => None,
    }
}

/// Names count without their namespace: files of every vendor exist with and without one.
fn name<'a>(element: Element<'a, '_>) -> &'a str {
    element.tag_name().name()
}

fn elements<'a, 'i>(element: Element<'a, 'i>) -> impl Iterator<Item = Element<'a, 'i>> {
    element.children().filter(Element::is_element)
}

/// Attributes other than those of XML itself.
fn attributes<'a, 'i>(element: Element<'a, 'i>) -> impl Iterator<Item = Attribute<'a, 'i>> {
    element.attributes().filter(|attribute| attribute.namespace().is_none())
}

/// All text directly within, comments left out, without space around it.
fn text(element: Element<'_, '_>) -> String {
    let texts = element.children().filter(Element::is_text);
    let text: String = texts.filter_map(|node| node.text()).collect();
    text.trim().to_string()
}

/// Bounds what a report says of a hostile file.
fn shortened(text: &str) -> String {
    const LONGEST: usize = 80;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_string(),
    }
}

/// A file in the course of being read.
struct Import<'t> {
    places: Places<'t>,
    dialect: XmlDialect,
    profiles: Profiles,
}

impl Import<'_> {
    fn position(&self, element: Element<'_, '_>) -> Position {
        self.places.of(element.range().start)
    }

    fn key(&self, element: Element<'_, '_>) -> Key {
        Key { position: self.position(element), name: name(element).to_string() }
    }

    /// Left out: the element, and everything in it that says something.
    fn leave_out(&mut self, element: Element<'_, '_>, reason: &UnmappedReason) {
        for node in element.descendants().filter(Element::is_element) {
            self.leave_out_attributes(node, reason);
            let says = text(node);
            let is_leaf = elements(node).next().is_none() && attributes(node).next().is_none();
            if is_leaf || !says.is_empty() {
                self.report(node, None, &says, reason.clone());
            }
        }
    }

    fn leave_out_attributes(&mut self, element: Element<'_, '_>, reason: &UnmappedReason) {
        for attribute in attributes(element) {
            self.report(element, Some(attribute), attribute.value(), reason.clone());
        }
    }

    /// Left out: settings of the vendor's, of which some have their place in the configuration.
    fn leave_out_settings(&mut self, element: Element<'_, '_>, vocabulary: &Vocabulary) {
        let within = element.parent_element().map(name).unwrap_or_default();
        let place = vocabulary
            .configuration
            .iter()
            .find(|(parent, setting, _)| *parent == within && *setting == name(element));
        let extension = UnmappedReason::Extension(vocabulary.vendor);
        match place {
            Some((_, _, key)) => self.leave_out(element, &UnmappedReason::Configuration(key)),
            None if elements(element).next().is_none() => self.leave_out(element, &extension),
            None => {
                self.leave_out_attributes(element, &extension);
                // No deeper than elements may be within each other.
                for child in elements(element) {
                    self.leave_out_settings(child, vocabulary);
                }
            }
        }
    }

    /// Left out, in one line: what is in it is of no interest to QoS.
    fn leave_out_whole(&mut self, element: Element<'_, '_>, reason: UnmappedReason) {
        self.report(element, None, "", reason);
    }

    fn report(
        &mut self,
        element: Element<'_, '_>,
        attribute: Option<Attribute<'_, '_>>,
        value: &str,
        reason: UnmappedReason,
    ) {
        let mut path = path(element);
        let mut position = self.position(element);
        if let Some(attribute) = attribute {
            path.push_str("/@");
            path.push_str(&shortened(attribute.name()));
            position = self.places.of(attribute.range().start);
        }
        let (line, column) = position.line_and_column().unwrap_or_default();
        let value = shortened(value);
        self.profiles.unmapped.push(Unmapped { path, line, column, value, reason });
    }

    /// An element that is none of the known: an extension, else an error or an entry of the report.
    fn unknown<'k>(
        &mut self,
        element: Element<'_, '_>,
        vocabulary: &Vocabulary,
        known: impl IntoIterator<Item = &'k str>,
    ) -> Result<(), ProfileError> {
        if vocabulary.extensions.contains(&name(element)) {
            self.leave_out_settings(element, vocabulary);
            return Ok(());
        }
        let suggestion = Suggestion::new(name(element), known);
        if self.is_strict() {
            return Err(ProfileErrorKind::UnknownKey(suggestion).at(self.position(element)));
        }
        self.leave_out(element, &UnmappedReason::Unknown { nearest: suggestion.nearest });
        Ok(())
    }

    /// Attributes must be among the known.
    fn check_attributes(&mut self, element: Element<'_, '_>, known: &[&str]) -> Result<(), ProfileError> {
        for attribute in attributes(element).filter(|attribute| !known.contains(&attribute.name())) {
            let suggestion = Suggestion::new(attribute.name(), known.iter().copied());
            if self.is_strict() {
                let position = self.places.of(attribute.range().start);
                return Err(ProfileErrorKind::UnknownKey(suggestion).at(position));
            }
            let reason = UnmappedReason::Unknown { nearest: suggestion.nearest };
            self.report(element, Some(attribute), attribute.value(), reason);
        }
        Ok(())
    }

    fn required(&self, element: Element<'_, '_>, attribute: &'static str) -> Result<String, ProfileError> {
        let value = element.attribute(attribute).map(str::trim).filter(|value| !value.is_empty());
        let missing = || ProfileErrorKind::MissingKey(attribute).at(self.position(element));
        value.map(ToString::to_string).ok_or_else(missing)
    }

    /// An attribute that is true or false (DDS-XML 1.0 §7.1.5).
    fn flag(&self, element: Element<'_, '_>, attribute: &str) -> Result<bool, ProfileError> {
        let Some(attribute) = element.attribute_node(attribute) else { return Ok(false) };
        match attribute.value().trim() {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            other => {
                let kind = ProfileErrorKind::WrongType { expected: "true or false", found: shortened(other) };
                Err(kind.at(self.places.of(attribute.range().start)))
            }
        }
    }

    /// The profile becomes the default for this kind of entity.
    fn make_default(&mut self, entity: EntityKind, profile: &str) {
        self.profiles.defaults.insert(entity, profile.to_string());
    }

    /// Only the standard's own vocabulary is complete enough to call everything else a mistake.
    fn is_strict(&self) -> bool {
        self.dialect == XmlDialect::DdsXml
    }
}

/// The element's place in the tree, with the names that tell siblings apart.
fn path(element: Element<'_, '_>) -> String {
    let mut steps: Vec<String> = element
        .ancestors()
        .filter(Element::is_element)
        .map(|node| {
            let own_name = ["name", "profile_name"].iter().find_map(|attribute| node.attribute(*attribute));
            match own_name {
                Some(own_name) => format!("{}[{}]", shortened(name(node)), shortened(own_name)),
                None => shortened(name(node)),
            }
        })
        .collect();
    steps.reverse();
    steps.join("/")
}
