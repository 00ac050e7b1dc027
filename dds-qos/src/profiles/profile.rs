//! One profile, what it is based on, and which of its parts apply.

use super::Profiles;
use super::entity::EntityKind;
use super::error::{ProfileError, ProfileErrorKind, Suggestion};
use super::node::{Key, Node, NodeValue, Position};
use super::values::Section;
use crate::partition::glob_matches;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

/// Profiles above each other; enough for every layout seen, and no threat to the stack.
const MAX_HEIGHT: usize = 64;

/// Profiles looked at to answer for one entity. Bases that share bases are applied for each of them, which
/// would otherwise grow without bound.
const MAX_VISITED: usize = 4096;

#[derive(Clone, Debug)]
pub(super) struct Profile {
    pub bases: Vec<Base>,
    pub position: Position,
    pub parts: Vec<Part>,
    pub choice: Choice,
}

/// A profile that another one builds on.
#[derive(Clone, Debug)]
pub(super) struct Base {
    pub name: String,
    pub position: Position,
}

/// What a profile says of one kind of entity.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub entity: EntityKind,
    /// Only of topics with names that match.
    pub pattern: Option<String>,
    /// Takes the place of the profile's bases, when there are any.
    pub bases: Vec<Base>,
    pub node: Node,
}

/// Which of several parts for a kind of entity apply.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// Those for every topic and all that match, one after the other: TOML and JSON.
    EveryMatch,
    /// The first that matches, else the one for every topic (DDS-XML 1.0 §7.3.2.4.3).
    FirstMatch,
}

impl Profile {
    pub(super) fn from_node(node: &Node, position: Position) -> Result<Self, ProfileError> {
        let mut profile = Self { bases: Vec::new(), position, parts: Vec::new(), choice: Choice::EveryMatch };
        for (key, value) in node.table()? {
            match key.name.as_str() {
                "base" => profile.bases = bases(value)?,
                "topics" => {
                    for rule in value.array()? {
                        profile.rule(rule)?;
                    }
                }
                _ => profile.parts.push(part(key, value, None, &["base", "topics"])?),
            }
        }
        Ok(profile)
    }

    fn rule(&mut self, node: &Node) -> Result<(), ProfileError> {
        let table = node.table()?;
        let name = table.iter().find(|(key, _)| key.name == "name");
        let (_, name) = name.ok_or_else(|| ProfileErrorKind::MissingKey("name").at(node.position))?;
        let pattern = name.string()?;
        for (key, value) in table.iter().filter(|(key, _)| key.name != "name") {
            self.parts.push(part(key, value, Some(pattern.to_string()), &["name"])?);
        }
        Ok(())
    }

    /// The parts that apply, in this order.
    fn chosen(&self, entity: EntityKind, topic: Option<&str>) -> Vec<&Part> {
        let parts = || self.parts.iter().filter(|part| part.entity == entity);
        let general = parts().filter(|part| part.pattern.is_none());
        let matching = parts().filter(|part| match (&part.pattern, topic) {
            (Some(pattern), Some(topic)) => glob_matches(pattern, topic),
            _ => false,
        });
        match self.choice {
            Choice::EveryMatch => general.chain(matching).collect(),
            Choice::FirstMatch => matching.chain(general).take(1).collect(),
        }
    }
}

fn bases(node: &Node) -> Result<Vec<Base>, ProfileError> {
    let base = |node: &Node| Ok(Base { name: node.string()?.to_string(), position: node.position });
    match &node.value {
        NodeValue::Array(names) => names.iter().map(base).collect(),
        _ => Ok(Vec::from([base(node)?])),
    }
}

fn part(
    key: &Key,
    value: &Node,
    pattern: Option<String>,
    other_keys: &[&'static str],
) -> Result<Part, ProfileError> {
    let Some(entity) = EntityKind::ALL.iter().copied().find(|kind| kind.section() == key.name) else {
        let sections = EntityKind::ALL.iter().map(|kind| kind.section());
        return Err(key.unknown(other_keys.iter().copied().chain(sections)));
    };
    entity.check(value)?;
    Ok(Part { entity, pattern, bases: Vec::new(), node: value.clone() })
}

impl Profiles {
    pub(super) fn resolve<Q: Section + Default>(
        &self,
        profile: &str,
        topic: Option<&str>,
        entity: EntityKind,
    ) -> Result<Q, ProfileError> {
        let mut found = Found { entity, topic, visited: 0, nodes: Vec::new() };
        let asked_for = Base { name: profile.to_string(), position: Position::NONE };
        self.collect(&asked_for, &mut found, 0)?;
        let mut qos = Q::default();
        for node in found.nodes {
            qos.set(node)?;
        }
        Ok(qos)
    }

    /// What the profile says after what its bases say.
    fn collect<'a>(&'a self, base: &Base, found: &mut Found<'a>, height: usize) -> Result<(), ProfileError> {
        found.visited = found.visited.saturating_add(1);
        if found.visited > MAX_VISITED || height > MAX_HEIGHT {
            return Err(too_much(base, "profiles to build on", MAX_VISITED));
        }
        let profile = self.find(base)?;
        let chosen = profile.chosen(found.entity, found.topic);
        let own_bases = chosen.iter().map(|part| &part.bases).find(|bases| !bases.is_empty());
        for base in own_bases.unwrap_or(&profile.bases) {
            self.collect(base, found, height.saturating_add(1))?;
        }
        found.nodes.extend(chosen.into_iter().map(|part| &part.node));
        Ok(())
    }

    pub(super) fn find(&self, base: &Base) -> Result<&Profile, ProfileError> {
        self.profiles.get(&base.name).ok_or_else(|| {
            ProfileErrorKind::UnknownProfile(Suggestion::new(&base.name, self.names())).at(base.position)
        })
    }

    /// Every base exists, none is based on itself, and none is too high.
    pub(super) fn check_bases(&self) -> Result<(), ProfileError> {
        let mut heights = BTreeMap::new();
        for (name, profile) in &self.profiles {
            let base = Base { name: name.clone(), position: profile.position };
            self.height(&base, &mut Vec::new(), &mut heights)?;
        }
        Ok(())
    }

    fn height<'a>(
        &'a self,
        base: &Base,
        above: &mut Vec<&'a str>,
        known: &mut BTreeMap<&'a str, usize>,
    ) -> Result<usize, ProfileError> {
        if let Some(height) = known.get(base.name.as_str()) {
            return Ok(*height);
        }
        let profile = self.find(base)?;
        let Some((name, _)) = self.profiles.get_key_value(&base.name) else { return Ok(0) };
        if let Some(start) = above.iter().position(|visited| visited == name) {
            let round = above.iter().skip(start).copied().chain([name.as_str()]);
            return Err(ProfileErrorKind::Cycle(round.map(ToString::to_string).collect()).at(base.position));
        }
        if above.len() >= MAX_HEIGHT {
            return Err(too_much(base, "profiles above each other", MAX_HEIGHT));
        }
        above.push(name);
        let mut height = 0_usize;
        for base in profile.bases.iter().chain(profile.parts.iter().flat_map(|part| &part.bases)) {
            height = height.max(self.height(base, above, known)?.saturating_add(1));
        }
        above.pop();
        if height >= MAX_HEIGHT {
            return Err(too_much(base, "profiles above each other", MAX_HEIGHT));
        }
        known.insert(name, height);
        Ok(height)
    }
}

fn too_much(base: &Base, what: &'static str, limit: usize) -> ProfileError {
    ProfileErrorKind::TooMuch { what, limit }.at(base.position)
}

/// What applies to an entity, outermost base first.
struct Found<'a> {
    entity: EntityKind,
    topic: Option<&'a str>,
    visited: usize,
    nodes: Vec<&'a Node>,
}
