use super::error::{ProfileError, ProfileErrorKind};
use super::node::{Key, Node, NodeValue, Position};
use ::toml::Spanned;
use ::toml::de::{DeInteger, DeTable, DeValue};
use std::string::ToString;

/// Reads a TOML text.
pub(super) fn parse(text: &str) -> Result<Node, ProfileError> {
    let root = DeTable::parse(text).map_err(|error| {
        let position = error.span().map_or(Position::NONE, |span| Position::of(text, span.start));
        ProfileErrorKind::Syntax(error.message().to_string()).at(position)
    })?;
    Ok(Node { position: Position::new(1, 1), value: table(text, root.get_ref()) })
}

fn table(text: &str, entries: &DeTable<'_>) -> NodeValue {
    let entries = entries.iter().map(|(key, value)| {
        let position = Position::of(text, key.span().start);
        (Key { position, name: key.get_ref().to_string() }, node(text, value))
    });
    NodeValue::Table(entries.collect())
}

fn node(text: &str, value: &Spanned<DeValue<'_>>) -> Node {
    let position = Position::of(text, value.span().start);
    let value = match value.get_ref() {
        DeValue::Table(entries) => table(text, entries),
        DeValue::Array(elements) => {
            NodeValue::Array(elements.iter().map(|element| node(text, element)).collect())
        }
        DeValue::String(string) => NodeValue::String(string.to_string()),
        DeValue::Integer(number) => integer(number),
        DeValue::Boolean(value) => NodeValue::Boolean(*value),
        DeValue::Float(_) => NodeValue::Other("a number with a fraction"),
        DeValue::Datetime(_) => NodeValue::Other("a date"),
    };
    Node { position, value }
}

fn integer(number: &DeInteger<'_>) -> NodeValue {
    i64::from_str_radix(number.as_str(), number.radix())
        .map_or(NodeValue::Other("a number beyond 64 bits"), NodeValue::Integer)
}
