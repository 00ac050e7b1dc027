use super::error::{ProfileError, ProfileErrorKind};
use super::node::{Key, Node, NodeValue, Places, Position};
use ::toml::Spanned;
use ::toml::de::{DeInteger, DeTable, DeValue};
use std::string::ToString;

/// Reads a TOML text.
pub(super) fn parse(text: &str) -> Result<Node, ProfileError> {
    let places = Places::new(text);
    let root = DeTable::parse(text).map_err(|error| {
        let position = error.span().map_or(Position::NONE, |span| places.of(span.start));
        ProfileErrorKind::Syntax(error.message().to_string()).at(position)
    })?;
    Ok(Node { position: Position::new(1, 1), value: table(&places, root.get_ref()) })
}

fn table(places: &Places<'_>, entries: &DeTable<'_>) -> NodeValue {
    let entries = entries.iter().map(|(key, value)| {
        let position = places.of(key.span().start);
        (Key { position, name: key.get_ref().to_string() }, node(places, value))
    });
    NodeValue::Table(entries.collect())
}

fn node(places: &Places<'_>, value: &Spanned<DeValue<'_>>) -> Node {
    let position = places.of(value.span().start);
    let value = match value.get_ref() {
        DeValue::Table(entries) => table(places, entries),
        DeValue::Array(elements) => {
            NodeValue::Array(elements.iter().map(|element| node(places, element)).collect())
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
