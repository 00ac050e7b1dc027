use super::error::{ProfileError, ProfileErrorKind};
use super::node::{Key, Node, NodeValue, Places, Position};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::string::{String, ToString};
use std::vec::Vec;

/// Profiles have six levels; the bound keeps a hostile file off the stack.
const MAX_DEPTH: usize = 16;

/// Reads a JSON text.
pub(super) fn parse(text: &str) -> Result<Node, ProfileError> {
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        let message = message.rsplit_once(" at line").map_or(message.as_str(), |(message, _)| message);
        ProfileErrorKind::Syntax(message.to_string()).at(Position::new(error.line(), error.column()))
    })?;
    node(&Places::new(text), root, 0)
}

/// serde_json keeps no places, but a raw value is a slice of the text, whose start is its place.
fn node(places: &Places<'_>, raw: &RawValue, depth: usize) -> Result<Node, ProfileError> {
    let position = position(places, raw.get());
    let fail = |error: serde_json::Error| ProfileErrorKind::Syntax(error.to_string()).at(position);
    if depth > MAX_DEPTH {
        return Err(ProfileErrorKind::Syntax("nested too deeply".to_string()).at(position));
    }
    let below = depth.saturating_add(1);
    let value = match raw.get().as_bytes().first() {
        Some(b'{') => {
            let Entries(entries) = serde_json::from_str(raw.get()).map_err(fail)?;
            let mut table: Vec<(Key, Node)> = Vec::new();
            for (name, value) in entries {
                let value = node(places, value, below)?;
                if table.iter().any(|(key, _)| key.name == name) {
                    return Err(ProfileErrorKind::DuplicateKey(name).at(value.position));
                }
                table.push((Key { position: value.position, name }, value));
            }
            NodeValue::Table(table)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(fail)?;
            let nodes = elements.into_iter().map(|element| node(places, element, below));
            NodeValue::Array(nodes.collect::<Result<_, _>>()?)
        }
        Some(b'"') => NodeValue::String(serde_json::from_str::<String>(raw.get()).map_err(fail)?),
        Some(b't' | b'f') => NodeValue::Boolean(serde_json::from_str(raw.get()).map_err(fail)?),
        Some(b'n') => NodeValue::Other("null"),
        _ => serde_json::from_str(raw.get())
            .map_or(NodeValue::Other("a number with a fraction or beyond 64 bits"), NodeValue::Integer),
    };
    Ok(Node { position, value })
}

fn position(places: &Places<'_>, slice: &str) -> Position {
    places.of(slice.as_ptr().addr().wrapping_sub(places.text().as_ptr().addr()))
}

/// An object's members in order, doubles included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EntriesVisitor;

        impl<'de> Visitor<'de> for EntriesVisitor {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    entries.push((entry.0, entry.1));
                }
                Ok(Entries(entries))
            }
        }

        deserializer.deserialize_map(EntriesVisitor)
    }
}
