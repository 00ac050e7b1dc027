//! Fast DDS's XML profiles (`fastdds_profiles.xsd`).

use super::policy::Sections;
use super::vocabulary::FAST_DDS;
use super::{Element, Import, XmlDialect, elements, name};
use crate::PolicyId;
use crate::profiles::EntityKind;
use crate::profiles::error::{ProfileError, ProfileErrorKind};
use crate::profiles::profile::{Choice, Part, Profile};
use crate::profiles::unmapped::UnmappedReason;
use std::collections::BTreeSet;
use std::string::String;
use std::vec::Vec;

/// A writer's element: `data_writer`, or `publisher` in older files.
const WRITER: &[EntityKind] = &[EntityKind::DataWriter, EntityKind::Publisher, EntityKind::Topic];
const READER: &[EntityKind] = &[EntityKind::DataReader, EntityKind::Subscriber, EntityKind::Topic];

/// Reads `dds` or `profiles`.
pub(super) fn load(import: &mut Import<'_>, root: Element<'_, '_>) -> Result<(), ProfileError> {
    let mut seen = Seen::new();
    if name(root) == "profiles" {
        return profiles(import, root, &mut seen);
    }
    import.no_text(root)?;
    for element in elements(root) {
        match name(element) {
            "profiles" => profiles(import, element, &mut seen)?,
            "types" | "log" | "library_settings" => {
                import.leave_out_whole(element, UnmappedReason::NotQos);
            }
            _ => import.unknown(element, &FAST_DDS, ["profiles", "types", "log", "library_settings"])?,
        }
    }
    Ok(())
}

fn profiles(import: &mut Import<'_>, profiles: Element<'_, '_>, seen: &mut Seen) -> Result<(), ProfileError> {
    const KNOWN: &[&str] = &["participant", "data_writer", "data_reader", "topic", "publisher", "subscriber"];
    import.no_text(profiles)?;
    for element in elements(profiles) {
        match name(element) {
            "data_writer" | "publisher" => endpoint(import, element, WRITER, seen)?,
            "data_reader" | "subscriber" => endpoint(import, element, READER, seen)?,
            "topic" => topic(import, element, seen)?,
            "participant" => participant(import, element, seen)?,
            "transport_descriptors" => import.leave_out_settings(element, &FAST_DDS),
            "domainparticipant_factory" | "library_settings" | "types" => {
                import.leave_out_whole(element, UnmappedReason::NotQos);
            }
            "requester" | "replier" => {
                import.leave_out(element, &UnmappedReason::Extension(XmlDialect::FastDds));
            }
            _ => import.unknown(element, &FAST_DDS, KNOWN.iter().copied())?,
        }
    }
    Ok(())
}

fn endpoint(
    import: &mut Import<'_>,
    element: Element<'_, '_>,
    entities: &'static [EntityKind],
    seen: &mut Seen,
) -> Result<(), ProfileError> {
    let mut sets_durability = false;
    let mut sections = Vec::new();
    import.no_text(element)?;
    for child in elements(element) {
        match name(child) {
            "qos" => {
                sets_durability = elements(child).any(|policy| name(policy) == "durability");
                sections.extend(import.sections(child, entities, &FAST_DDS)?);
            }
            // HISTORY and RESOURCE_LIMITS of the endpoint stand in its topic.
            "topic" => {
                let (policies, others): (Vec<_>, Vec<_>) = elements(child)
                    .partition(|part| matches!(name(*part), "historyQos" | "resourceLimitsQos"));
                for other in others {
                    topic_setting(import, other)?;
                }
                for policy in policies {
                    sections.extend(import.one_section(policy, entities)?);
                }
            }
            _ => import.unknown(child, &FAST_DDS, ["qos", "topic"])?,
        }
    }
    let own = entities.first().copied().unwrap_or(EntityKind::DataReader);
    let profile = insert(import, element, own, sections, seen)?;
    if own == EntityKind::DataWriter && !sets_durability {
        let reason = UnmappedReason::Default { policy: PolicyId::Durability, theirs: "TRANSIENT_LOCAL" };
        import.report(element, None, &profile, reason);
    }
    Ok(())
}

fn topic(import: &mut Import<'_>, element: Element<'_, '_>, seen: &mut Seen) -> Result<(), ProfileError> {
    let mut sections = Vec::new();
    import.no_text(element)?;
    for child in elements(element) {
        match name(child) {
            "historyQos" | "resourceLimitsQos" => {
                sections.extend(import.one_section(child, &[EntityKind::Topic])?);
            }
            _ => topic_setting(import, child)?,
        }
    }
    insert(import, element, EntityKind::Topic, sections, seen)?;
    Ok(())
}

fn topic_setting(import: &mut Import<'_>, element: Element<'_, '_>) -> Result<(), ProfileError> {
    match name(element) {
        "name" | "dataType" | "kind" => import.leave_out(element, &UnmappedReason::NotQos),
        _ => import.unknown(element, &FAST_DDS, ["historyQos", "resourceLimitsQos"])?,
    }
    Ok(())
}

fn participant(
    import: &mut Import<'_>,
    element: Element<'_, '_>,
    seen: &mut Seen,
) -> Result<(), ProfileError> {
    const ENTITY: &[EntityKind] = &[EntityKind::DomainParticipant];
    let mut sections = Vec::new();
    import.no_text(element)?;
    for child in elements(element) {
        match name(child) {
            "rtps" => {
                import.no_text(child)?;
                for setting in elements(child) {
                    match name(setting) {
                        "userData" => sections.extend(import.one_section(setting, ENTITY)?),
                        _ => import.leave_out_settings(setting, &FAST_DDS),
                    }
                }
            }
            "domainId" | "domainID" => import.leave_out(child, &UnmappedReason::NotQos),
            _ => import.unknown(child, &FAST_DDS, ["rtps", "domainId"])?,
        }
    }
    insert(import, element, EntityKind::DomainParticipant, sections, seen)?;
    Ok(())
}

impl Import<'_> {
    /// An element that is itself a policy.
    fn one_section(
        &mut self,
        policy: Element<'_, '_>,
        entities: &[EntityKind],
    ) -> Result<Sections, ProfileError> {
        self.sections_of([policy], self.position(policy), entities, &FAST_DDS)
    }
}

/// Which profiles there are already, of which kind of entity.
type Seen = BTreeSet<(EntityKind, String)>;

/// Adds to the profile of that name: Fast DDS has names for each kind of entity.
fn insert(
    import: &mut Import<'_>,
    element: Element<'_, '_>,
    own: EntityKind,
    sections: Sections,
    seen: &mut Seen,
) -> Result<String, ProfileError> {
    let profile_name = import.required(element, "profile_name")?;
    import.check_attributes(element, &["profile_name", "is_default_profile"])?;
    let position = import.position(element);
    if !seen.insert((own, profile_name.clone())) {
        return Err(ProfileErrorKind::DuplicateKey(profile_name).at(position));
    }
    if import.flag(element, "is_default_profile")? {
        import.make_default(own, &profile_name);
    }
    let profile = import.profiles.profiles.entry(profile_name.clone()).or_insert_with(|| Profile {
        bases: Vec::new(),
        position,
        parts: Vec::new(),
        choice: Choice::EveryMatch,
    });
    for (entity, node) in sections {
        profile.parts.push(Part { entity, pattern: None, bases: Vec::new(), node });
    }
    Ok(profile_name)
}
