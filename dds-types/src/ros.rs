//! ROS 2 type hashes: RIHS01 of REP-2016.
//!
//! A hash names the structure of a message type. ROS 2 nodes announce it in the user data of their
//! endpoints and warn when those of a topic differ. It is the SHA-256 of the JSON of a type
//! description, which is that of rosidl to the last space.

use crate::dynamic::{DynamicType, MemberNode, StructureNode, TypeIndex, TypeNode};
use crate::type_description::PrimitiveKind;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt::Write;
use sha2::{Digest, Sha256};

/// The name that ROS 2 gives a type which DDS calls `pkg::msg::dds_::Type_`: `pkg/msg/Type`.
/// `None` for names that are not of this form.
///
/// ```
/// assert_eq!(dds_types::ros::type_name("std_msgs::msg::dds_::String_").as_deref(), Some("std_msgs/msg/String"));
/// assert_eq!(dds_types::ros::type_name("fleet::Position"), None);
/// ```
pub fn type_name(dds_name: &str) -> Option<String> {
    let mut parts = dds_name.split("::");
    let (package, kind, scope, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let name = name.strip_suffix('_')?;
    let known = matches!(kind, "msg" | "srv" | "action") && scope == "dds_";
    let whole = parts.next().is_none() && !package.is_empty() && !name.is_empty();
    (known && whole).then(|| format!("{package}/{kind}/{name}"))
}

/// The RIHS01 hash of a type, such as `RIHS01_df668c74…`; `None` unless it and all structures in it
/// have ROS names and it has only what messages can have: no optional members, maps, enumerations,
/// unions, bitmasks, or collections of collections.
///
/// The `uint8` of messages is `u8`, their `byte` is `u8` with `#[dds(octet)]`, their `char` is `u8` too.
pub fn type_hash(message: &DynamicType) -> Option<String> {
    let mut hash = String::from("RIHS01_");
    for byte in Sha256::digest(description(message)?) {
        write!(hash, "{byte:02x}").ok()?;
    }
    Some(hash)
}

/// The JSON of the `TypeDescription` message of a type, without default values.
fn description(message: &DynamicType) -> Option<String> {
    let TypeNode::Structure(root) = message.node() else { return None };
    let mut referenced = BTreeMap::new();
    let mut open = vec![root];
    while let Some(structure) = open.pop() {
        for index in structure.members.iter().map(|member| innermost(message, member.member_type)) {
            let TypeNode::Structure(nested) = message.node_at(index) else { continue };
            let name = type_name(&nested.name)?;
            if referenced.insert(name, nested).is_none() {
                open.push(nested);
            }
        }
    }
    let mut json = String::from("{\"type_description\": ");
    individual(message, root, &mut json)?;
    json.push_str(", \"referenced_type_descriptions\": [");
    for (place, nested) in referenced.into_values().enumerate() {
        json.push_str(if place == 0 { "" } else { ", " });
        individual(message, nested, &mut json)?;
    }
    json.push_str("]}");
    Some(json)
}

/// The type of the elements of a collection, or the type itself.
fn innermost(message: &DynamicType, index: TypeIndex) -> TypeIndex {
    match message.node_at(index) {
        TypeNode::Sequence { element, .. } | TypeNode::Array { element, .. } => *element,
        _ => index,
    }
}

/// An `IndividualTypeDescription`.
fn individual(message: &DynamicType, structure: &StructureNode, json: &mut String) -> Option<()> {
    write!(json, "{{\"type_name\": \"{}\", \"fields\": [", type_name(&structure.name)?).ok()?;
    for (place, member) in structure.members.iter().enumerate() {
        json.push_str(if place == 0 { "" } else { ", " });
        field(message, member, json)?;
    }
    json.push_str("]}");
    Some(())
}

/// A `Field`. The members of types made from IDL end with an underscore, which names of ROS never do.
fn field(message: &DynamicType, member: &MemberNode, json: &mut String) -> Option<()> {
    if member.optional {
        return None;
    }
    let (kind, element, capacity) = match message.node_at(member.member_type) {
        TypeNode::Array { element, dimensions } => match **dimensions {
            [length] => (ARRAY, *element, length),
            _ => return None,
        },
        TypeNode::Sequence { element, bound: Some(bound) } => (BOUNDED_SEQUENCE, *element, *bound),
        TypeNode::Sequence { element, bound: None } => (UNBOUNDED_SEQUENCE, *element, 0),
        _ => (SINGLE, member.member_type, 0),
    };
    let (id, string_capacity, nested) = match message.node_at(element) {
        TypeNode::Structure(structure) => (NESTED_TYPE, 0, type_name(&structure.name)?),
        TypeNode::Primitive(kind) => (primitive(*kind), 0, String::new()),
        TypeNode::String8 { bound: None } => (STRING, 0, String::new()),
        TypeNode::String8 { bound: Some(bound) } => (BOUNDED_STRING, *bound, String::new()),
        TypeNode::String16 { bound: None } => (WSTRING, 0, String::new()),
        TypeNode::String16 { bound: Some(bound) } => (BOUNDED_WSTRING, *bound, String::new()),
        _ => return None,
    };
    let name = member.name.strip_suffix('_').unwrap_or(&member.name);
    let id = id.saturating_add(kind);
    write!(
        json,
        "{{\"name\": \"{name}\", \"type\": {{\"type_id\": {id}, \"capacity\": {capacity}, \
         \"string_capacity\": {string_capacity}, \"nested_type_name\": \"{nested}\"}}}}"
    )
    .ok()
}

// The constants of `type_description_interfaces/msg/FieldType`.
const NESTED_TYPE: u8 = 1;
const STRING: u8 = 17;
const WSTRING: u8 = 18;
const BOUNDED_STRING: u8 = 21;
const BOUNDED_WSTRING: u8 = 22;
const SINGLE: u8 = 0;
const ARRAY: u8 = 48;
const BOUNDED_SEQUENCE: u8 = 96;
const UNBOUNDED_SEQUENCE: u8 = 144;

const fn primitive(kind: PrimitiveKind) -> u8 {
    match kind {
        PrimitiveKind::Int8 => 2,
        PrimitiveKind::UInt8 => 3,
        PrimitiveKind::Int16 => 4,
        PrimitiveKind::UInt16 => 5,
        PrimitiveKind::Int32 => 6,
        PrimitiveKind::UInt32 => 7,
        PrimitiveKind::Int64 => 8,
        PrimitiveKind::UInt64 => 9,
        PrimitiveKind::Float32 => 10,
        PrimitiveKind::Float64 => 11,
        PrimitiveKind::Float128 => 12,
        PrimitiveKind::Char8 => 13,
        PrimitiveKind::Char16 => 14,
        PrimitiveKind::Boolean => 15,
        PrimitiveKind::Byte => 16,
    }
}

/// What ROS 2 finds a hash by in the user data of an endpoint (REP-2016, "Type Version Hash
/// Discovery").
pub fn user_data(hash: &str) -> Vec<u8> {
    format!("typehash={hash};").into_bytes()
}

/// Whether user data has a hash already.
pub fn has_type_hash(user_data: &[u8]) -> bool {
    user_data.split(|byte| *byte == b';').any(|entry| entry.starts_with(b"typehash="))
}
