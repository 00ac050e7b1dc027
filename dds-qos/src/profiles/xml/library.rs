//! DDS-XML 1.0 §7.3.2: libraries of QoS profiles, and Connext's additions to them.

use super::vocabulary::DDS_XML;
use super::{Element, Import, XmlDialect, elements, name, shortened, text};
use crate::profiles::EntityKind;
use crate::profiles::error::{ProfileError, ProfileErrorKind, Suggestion};
use crate::profiles::node::Position;
use crate::profiles::profile::{Base, Choice, Part, Profile};
use crate::profiles::unmapped::UnmappedReason;
use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// Elements that hold an entity's QoS. The participant's has had several names.
const ENTITIES: &[(&str, EntityKind)] = &[
    ("datawriter_qos", EntityKind::DataWriter),
    ("datareader_qos", EntityKind::DataReader),
    ("topic_qos", EntityKind::Topic),
    ("publisher_qos", EntityKind::Publisher),
    ("subscriber_qos", EntityKind::Subscriber),
    ("domain_participant_qos", EntityKind::DomainParticipant),
    ("domainparticipant_qos", EntityKind::DomainParticipant),
    ("participant_qos", EntityKind::DomainParticipant),
];

/// The other building blocks of DDS-XML, and what vendors have beside them.
const OTHER_BLOCKS: &[&str] = &[
    "types",
    "type_library",
    "domain_library",
    "domain_participant_library",
    "participant_library",
    "application_library",
    "data_library",
    "routing_service",
    "recording_service",
    "persistence_service",
    "monitoring_library",
];

/// Reads `dds` or one `qos_library`.
pub(super) fn load(import: &mut Import<'_>, root: Element<'_, '_>) -> Result<(), ProfileError> {
    let libraries: Vec<_> = match name(root) {
        "qos_library" => Vec::from([root]),
        _ => elements(root).filter(|element| name(*element) == "qos_library").collect(),
    };
    let names = Names::of(import, &libraries)?;
    if name(root) != "qos_library" {
        import.no_text(root)?;
        for element in elements(root).filter(|element| name(*element) != "qos_library") {
            match OTHER_BLOCKS.contains(&name(element)) {
                true => import.leave_out_whole(element, UnmappedReason::NotQos),
                false => import.unknown(element, &DDS_XML, ["qos_library"])?,
            }
        }
    }
    for library in libraries {
        Library { name: import.required(library, "name")?, names: &names, import }.load(library)?;
    }
    Ok(())
}

/// What bases can be named, wherever they stand in the file.
struct Names {
    libraries: BTreeSet<String>,
    profiles: BTreeSet<String>,
}

impl Names {
    fn of(import: &Import<'_>, libraries: &[Element<'_, '_>]) -> Result<Self, ProfileError> {
        let mut names = Self { libraries: BTreeSet::new(), profiles: BTreeSet::new() };
        for library in libraries {
            let library_name = import.required(*library, "name")?;
            for profile in elements(*library) {
                let Some(profile_name) = profile.attribute("name").map(str::trim) else { continue };
                let profile_name = format!("{library_name}::{profile_name}");
                for entity in elements(profile).filter(|element| entity_kind(*element).is_some()) {
                    if let Some(own_name) = entity.attribute("name").map(str::trim) {
                        names.profiles.insert(format!("{profile_name}::{own_name}"));
                    }
                }
                names.profiles.insert(profile_name);
            }
            names.libraries.insert(library_name);
        }
        Ok(names)
    }
}

fn entity_kind(element: Element<'_, '_>) -> Option<EntityKind> {
    ENTITIES.iter().find(|(known, _)| *known == name(element)).map(|(_, kind)| *kind)
}

struct Library<'a, 't> {
    name: String,
    names: &'a Names,
    import: &'a mut Import<'t>,
}

impl Library<'_, '_> {
    fn load(&mut self, library: Element<'_, '_>) -> Result<(), ProfileError> {
        self.import.check_attributes(library, &["name"])?;
        self.import.no_text(library)?;
        for element in elements(library) {
            match (name(element), entity_kind(element)) {
                ("qos_profile" | "qos_snippet", _) => self.profile(element)?,
                (_, Some(kind)) => self.profile_of_one(element, kind)?,
                _ => {
                    let entities = ENTITIES.iter().map(|(known, _)| *known);
                    let known = ["qos_profile", "qos_snippet"].into_iter().chain(entities);
                    self.import.unknown(element, &DDS_XML, known)?;
                }
            }
        }
        Ok(())
    }

    fn profile(&mut self, element: Element<'_, '_>) -> Result<(), ProfileError> {
        let full_name = format!("{}::{}", self.name, self.import.required(element, "name")?);
        self.profile_attributes(element, &full_name)?;
        self.import.no_text(element)?;
        let bases = self.bases(element)?;
        let mut profile = self.empty(element, bases);
        for child in elements(element) {
            match (name(child), entity_kind(child)) {
                ("base_name", _) => profile.bases.extend(self.listed_bases(child)?),
                (_, Some(kind)) => {
                    let part = self.part(child, kind)?;
                    if let Some(own_name) = child.attribute("name").map(str::trim) {
                        let mut of_one = self.empty(child, Vec::new());
                        of_one.parts.push(Part { pattern: None, ..part.clone() });
                        self.insert(format!("{full_name}::{own_name}"), of_one, child)?;
                        // Cyclone DDS asks for it by its own name only.
                        if part.pattern.is_none() && self.import.dialect != XmlDialect::Connext {
                            continue;
                        }
                    }
                    self.only_general_part(&profile, &part, child)?;
                    profile.parts.push(part);
                }
                _ => {
                    let known = ENTITIES.iter().map(|(known, _)| *known);
                    self.import.unknown(child, &DDS_XML, known)?;
                }
            }
        }
        self.insert(full_name, profile, element)
    }

    fn profile_attributes(&mut self, element: Element<'_, '_>, full_name: &str) -> Result<(), ProfileError> {
        const KNOWN: &[&str] = &["name", "base_name", "is_default_qos"];
        const FACTORYS: &str = "is_default_participant_factory_profile";
        if let Some(attribute) = element.attribute_node(FACTORYS) {
            let reason = UnmappedReason::Extension(XmlDialect::Connext);
            self.import.report(element, Some(attribute), attribute.value(), reason);
        }
        self.import.check_attributes(element, &[KNOWN, &[FACTORYS]].concat())?;
        if self.import.flag(element, "is_default_qos")? {
            if let Some(before) = self.import.profiles.default_for(EntityKind::DataWriter) {
                let before = shortened(before);
                let attribute = element.attribute_node("is_default_qos");
                self.import.report(element, attribute, &before, UnmappedReason::Overridden);
            }
            for kind in EntityKind::ALL {
                self.import.make_default(*kind, full_name);
            }
        }
        Ok(())
    }

    /// An entity's QoS for every topic is there once in a profile.
    fn only_general_part(
        &self,
        profile: &Profile,
        part: &Part,
        element: Element<'_, '_>,
    ) -> Result<(), ProfileError> {
        let is_general = |other: &Part| other.entity == part.entity && other.pattern.is_none();
        match part.pattern.is_none() && profile.parts.iter().any(is_general) {
            true => {
                let kind = ProfileErrorKind::DuplicateKey(name(element).to_string());
                Err(kind.at(self.import.position(element)))
            }
            false => Ok(()),
        }
    }

    /// An entity's QoS alone is a profile of that name (DDS-XML 1.0 §7.3.2.4.4).
    fn profile_of_one(&mut self, element: Element<'_, '_>, kind: EntityKind) -> Result<(), ProfileError> {
        let full_name = format!("{}::{}", self.name, self.import.required(element, "name")?);
        let mut profile = self.empty(element, Vec::new());
        profile.parts.push(self.part(element, kind)?);
        self.insert(full_name, profile, element)
    }

    fn part(&mut self, element: Element<'_, '_>, kind: EntityKind) -> Result<Part, ProfileError> {
        self.import.check_attributes(element, &["name", "base_name", "topic_filter"])?;
        self.import.no_text(element)?;
        let mut bases = self.bases(element)?;
        for list in elements(element).filter(|child| name(*child) == "base_name") {
            bases.extend(self.listed_bases(list)?);
        }
        let position = self.import.position(element);
        let policies = elements(element).filter(|child| name(*child) != "base_name");
        let sections = self.import.sections_of(policies, position, &[kind], &DDS_XML)?;
        let node = sections.into_iter().next().map(|(_, node)| node);
        let node = node.unwrap_or_else(|| empty_table(position));
        let pattern = element.attribute("topic_filter").map(ToString::to_string);
        Ok(Part { entity: kind, pattern, bases, node })
    }

    fn bases(&mut self, element: Element<'_, '_>) -> Result<Vec<Base>, ProfileError> {
        let Some(attribute) = element.attribute_node("base_name") else { return Ok(Vec::new()) };
        let position = self.import.places.of(attribute.range().start);
        match self.base(attribute.value().trim(), position)? {
            Some(base) => Ok(Vec::from([base])),
            None => {
                let value = attribute.value();
                self.import.report(element, Some(attribute), value, UnmappedReason::Elsewhere);
                Ok(Vec::new())
            }
        }
    }

    /// `<base_name><element>…</element>…</base_name>`: later ones prevail.
    fn listed_bases(&mut self, list: Element<'_, '_>) -> Result<Vec<Base>, ProfileError> {
        let mut bases = Vec::new();
        self.import.no_text(list)?;
        for element in elements(list) {
            if name(element) != "element" {
                self.import.unknown(element, &DDS_XML, ["element"])?;
                continue;
            }
            let says = text(element);
            let position = self.import.position(element);
            match self.base(&says, position)? {
                Some(base) => bases.push(base),
                None => self.import.leave_out(element, &UnmappedReason::Elsewhere),
            }
        }
        Ok(bases)
    }

    /// The full name of a base; nothing for one that only the vendor or another file has.
    fn base(&self, written: &str, position: Position) -> Result<Option<Base>, ProfileError> {
        let name = match written.contains("::") {
            true => written.to_string(),
            false => format!("{}::{written}", self.name),
        };
        if self.names.profiles.contains(&name) {
            return Ok(Some(Base { name, position }));
        }
        let library = name.split_once("::").map_or("", |(library, _)| library);
        if !self.import.is_strict() && !self.names.libraries.contains(library) {
            return Ok(None);
        }
        let known = self.names.profiles.iter().map(String::as_str);
        Err(ProfileErrorKind::UnknownProfile(Suggestion::new(&name, known)).at(position))
    }

    fn empty(&self, element: Element<'_, '_>, bases: Vec<Base>) -> Profile {
        let position = self.import.position(element);
        Profile { bases, position, parts: Vec::new(), choice: Choice::FirstMatch }
    }

    fn insert(
        &mut self,
        full_name: String,
        profile: Profile,
        element: Element<'_, '_>,
    ) -> Result<(), ProfileError> {
        if self.import.profiles.profiles.contains_key(&full_name) {
            return Err(ProfileErrorKind::DuplicateKey(full_name).at(self.import.position(element)));
        }
        self.import.profiles.profiles.insert(full_name, profile);
        Ok(())
    }
}

pub(super) fn empty_table(position: Position) -> crate::profiles::Node {
    crate::profiles::Node { position, value: crate::profiles::node::NodeValue::Table(Vec::new()) }
}
