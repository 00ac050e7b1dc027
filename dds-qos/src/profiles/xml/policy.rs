//! From the elements of an entity's QoS to the tree that the QoS sets are made from.

use super::vocabulary::{PolicyElement, Vocabulary};
use super::{Element, Import, XmlDialect, elements, name, text};
use crate::PolicyId;
use crate::profiles::EntityKind;
use crate::profiles::error::{ProfileError, ProfileErrorKind};
use crate::profiles::node::{Key, Node, NodeValue, Position};
use crate::profiles::unmapped::UnmappedReason;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::string::{String, ToString};
use std::vec::Vec;

/// What an element says of several entities: Fast DDS has a publisher's policies in its writers.
pub(super) type Sections = Vec<(EntityKind, Node)>;

impl Import<'_> {
    /// The policies of an element. Each goes to the first of the entities that has it.
    pub(super) fn sections(
        &mut self,
        element: Element<'_, '_>,
        entities: &[EntityKind],
        vocabulary: &Vocabulary,
    ) -> Result<Sections, ProfileError> {
        let position = self.position(element);
        self.no_text(element)?;
        self.sections_of(elements(element), position, entities, vocabulary)
    }

    /// As [`sections`](Self::sections), of single policies.
    pub(super) fn sections_of<'e, 'i: 'e>(
        &mut self,
        policies: impl IntoIterator<Item = Element<'e, 'i>>,
        position: Position,
        entities: &[EntityKind],
        vocabulary: &Vocabulary,
    ) -> Result<Sections, ProfileError> {
        let mut tables: Vec<(EntityKind, Vec<(Key, Node)>)> = Vec::new();
        for child in policies {
            let Some((policy, entity)) = self.policy_of(child, entities, vocabulary)? else { continue };
            let Some(row) = policy.policy.row() else { continue };
            let Some(node) = self.policy(child, policy, row.parts, vocabulary)? else { continue };
            let key = Key { position: node.position, name: row.field.to_string() };
            let index = match tables.iter().position(|(owner, _)| *owner == entity) {
                Some(index) => index,
                None => {
                    tables.push((entity, Vec::new()));
                    tables.len().saturating_sub(1)
                }
            };
            if let Some((_, table)) = tables.get_mut(index) {
                insert(table, key, node, name(child))?;
            }
        }
        let mut sections = Sections::new();
        for (entity, table) in tables {
            let node = Node { position, value: NodeValue::Table(table) };
            entity.check(&node)?;
            sections.push((entity, node));
        }
        Ok(sections)
    }

    /// Which policy an element is, and whose.
    fn policy_of<'v>(
        &mut self,
        element: Element<'_, '_>,
        entities: &[EntityKind],
        vocabulary: &'v Vocabulary,
    ) -> Result<Option<(&'v PolicyElement, EntityKind)>, ProfileError> {
        let owner = |policy: &PolicyElement| {
            let mut owners = entities.iter().copied().filter(|kind| kind.has(policy.policy));
            // An endpoint's file speaks of its topic only where the policy is the topic's alone.
            owners.find(|kind| *kind != EntityKind::Topic || is_own(entities, policy.policy))
        };
        let found = vocabulary.policies.iter().find(|policy| policy.name == name(element));
        if let Some(policy) = found {
            if let Some(entity) = owner(policy) {
                return Ok(Some((policy, entity)));
            }
            if let (false, Some(entity)) = (self.is_strict(), entities.first())
                && !vocabulary.extensions.contains(&name(element))
            {
                let reason = UnmappedReason::OtherEntity { policy: policy.policy, entity: *entity };
                self.leave_out(element, &reason);
                return Ok(None);
            }
        }
        let known = vocabulary.policies.iter().filter(|policy| owner(policy).is_some());
        self.unknown(element, vocabulary, known.map(|policy| policy.name))?;
        Ok(None)
    }

    /// A policy's value: that of its one part or a table of its parts; nothing when it says nothing.
    fn policy(
        &mut self,
        element: Element<'_, '_>,
        policy: &PolicyElement,
        parts: &'static [&'static str],
        vocabulary: &Vocabulary,
    ) -> Result<Option<Node>, ProfileError> {
        self.check_attributes(element, &[])?;
        self.no_text(element)?;
        let mut table = Vec::new();
        for child in elements(element) {
            let is_base64 = name(child) == "valueB64" && is_data(policy.policy);
            let is_single = !policy.single.is_empty() && (name(child) == policy.single || is_base64);
            let is_part = policy.single.is_empty() && parts.contains(&name(child));
            if !(is_single || is_part) {
                let known = if policy.single.is_empty() { parts } else { &[policy.single] };
                self.unknown(child, vocabulary, known.iter().copied())?;
                continue;
            }
            let value = match is_base64 {
                true => Some(self.base64(child)?),
                false => self.value(child, policy.policy, vocabulary)?,
            };
            if let Some(value) = value {
                let node = Node { position: self.position(child), value };
                let key = Key {
                    position: node.position,
                    name: if is_single { policy.single } else { name(child) }.to_string(),
                };
                insert(&mut table, key, node, name(child))?;
            }
        }
        let position = self.position(element);
        Ok(match policy.single {
            "" if table.is_empty() => None,
            "" => Some(Node { position, value: NodeValue::Table(table) }),
            _ => table.into_iter().next().map(|(_, node)| node),
        })
    }

    /// The value of a part. An empty element leaves things as they are (the patterns of DDS-XML 1.0 §7.2.2
    /// allow it), except that a list is then empty.
    fn value(
        &mut self,
        element: Element<'_, '_>,
        policy: PolicyId,
        vocabulary: &Vocabulary,
    ) -> Result<Option<NodeValue>, ProfileError> {
        self.check_attributes(element, &[])?;
        if is_list(policy) {
            return self.list(element, policy, vocabulary).map(Some);
        }
        if elements(element).next().is_some() {
            return self.duration(element, vocabulary);
        }
        let says = text(element);
        if says.is_empty() {
            return Ok(None);
        }
        if vocabulary.foreign_values.contains(&says.as_str()) {
            self.leave_out(element, &UnmappedReason::Value);
            return Ok(None);
        }
        Ok(Some(NodeValue::Untyped(self.vendors_number(says, policy, name(element)))))
    }

    /// Fast DDS takes every limit below 1 for unlimited.
    fn vendors_number(&self, says: String, policy: PolicyId, part: &str) -> String {
        let is_limit = matches!(policy, PolicyId::ResourceLimits | PolicyId::DurabilityService)
            && part.starts_with("max_");
        match says.parse::<i64>() {
            Ok(..=0) if is_limit && self.dialect == XmlDialect::FastDds => "LENGTH_UNLIMITED".to_string(),
            _ => says,
        }
    }

    /// `sec` and `nanosec`, each optional (DDS-XML 1.0 §7.2.6).
    fn duration(
        &mut self,
        element: Element<'_, '_>,
        vocabulary: &Vocabulary,
    ) -> Result<Option<NodeValue>, ProfileError> {
        self.no_text(element)?;
        let mut table = Vec::new();
        for child in elements(element) {
            self.check_attributes(child, &[])?;
            if elements(child).next().is_some() {
                return Err(self.not_a_value(child));
            }
            let says = text(child);
            if vocabulary.foreign_values.contains(&says.as_str()) {
                self.leave_out(element, &UnmappedReason::Value);
                return Ok(None);
            }
            if !says.is_empty() {
                let node = Node { position: self.position(child), value: NodeValue::Untyped(says) };
                insert(&mut table, self.key(child), node, name(child))?;
            }
        }
        Ok((!table.is_empty()).then_some(NodeValue::Table(table)))
    }

    /// Elements `element` (DDS-XML 1.0 §7.2.4), Fast DDS's `name`, or bytes in one text.
    fn list(
        &mut self,
        element: Element<'_, '_>,
        policy: PolicyId,
        vocabulary: &Vocabulary,
    ) -> Result<NodeValue, ProfileError> {
        let item = if self.dialect == XmlDialect::FastDds { "name" } else { "element" };
        if is_data(policy) && elements(element).next().is_none() {
            let says = text(element);
            return Ok(match self.dialect {
                XmlDialect::FastDds => NodeValue::Bytes(self.dotted(element, &says)?),
                _ => NodeValue::Untyped(says),
            });
        }
        if !is_data(policy) {
            self.no_text(element)?;
        }
        let mut list = Vec::new();
        for child in elements(element) {
            if name(child) != item {
                self.unknown(child, vocabulary, [item])?;
                continue;
            }
            if elements(child).next().is_some() {
                return Err(self.not_a_value(child));
            }
            let says = text(child);
            match vocabulary.foreign_values.contains(&says.as_str()) {
                true => self.leave_out(child, &UnmappedReason::Value),
                false => {
                    list.push(Node { position: self.position(child), value: NodeValue::Untyped(says) });
                }
            }
        }
        Ok(NodeValue::Array(list))
    }

    /// Fast DDS's `octectVector`: hexadecimal bytes with dots between.
    fn dotted(&self, element: Element<'_, '_>, says: &str) -> Result<Vec<u8>, ProfileError> {
        if says.is_empty() {
            return Ok(Vec::new());
        }
        let byte = |digits: &str| match digits.starts_with('+') {
            true => None,
            false => u8::from_str_radix(digits, 16).ok(),
        };
        let bytes: Option<Vec<u8>> = says.split('.').map(byte).collect();
        bytes.ok_or_else(|| self.wrong(element, "hexadecimal bytes such as `1.a.ff`", says))
    }

    /// DDS-XML 1.0 §7.2.4.2; `xs:base64Binary` allows space within.
    fn base64(&self, element: Element<'_, '_>) -> Result<NodeValue, ProfileError> {
        let says = text(element);
        let compact: String = says.split_whitespace().collect();
        let bytes = STANDARD.decode(compact);
        bytes.map(NodeValue::Bytes).map_err(|_| self.wrong(element, "Base64", &says))
    }

    fn not_a_value(&self, element: Element<'_, '_>) -> ProfileError {
        self.wrong(element, "a value", "elements")
    }

    fn wrong(&self, element: Element<'_, '_>, expected: &'static str, found: &str) -> ProfileError {
        let found = super::shortened(found);
        ProfileErrorKind::WrongType { expected, found }.at(self.position(element))
    }

    /// Text between elements is a mistake that would otherwise pass unseen.
    pub(super) fn no_text(&self, element: Element<'_, '_>) -> Result<(), ProfileError> {
        match text(element) {
            says if says.is_empty() => Ok(()),
            says => Err(self.wrong(element, "elements", &says)),
        }
    }
}

/// Elements of a structure are there once at most (DDS-XML 1.0 §7.2.3).
fn insert(table: &mut Vec<(Key, Node)>, key: Key, node: Node, element: &str) -> Result<(), ProfileError> {
    if table.iter().any(|(present, _)| present.name == key.name) {
        return Err(ProfileErrorKind::DuplicateKey(element.to_string()).at(key.position));
    }
    table.push((key, node));
    Ok(())
}

fn is_own(entities: &[EntityKind], policy: PolicyId) -> bool {
    entities.first() == Some(&EntityKind::Topic) || policy == PolicyId::TopicData
}

fn is_data(policy: PolicyId) -> bool {
    matches!(policy, PolicyId::UserData | PolicyId::TopicData | PolicyId::GroupData)
}

fn is_list(policy: PolicyId) -> bool {
    is_data(policy) || matches!(policy, PolicyId::Partition | PolicyId::DataRepresentation)
}
