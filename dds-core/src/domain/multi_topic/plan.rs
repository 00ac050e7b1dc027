//! A topic expression checked against the types of its topics and of its result.

use dds_filter::{Program, TopicExpression};
use dds_types::{
    DataRepresentationId, DecodeError,
    dynamic::{DynamicData, DynamicType, MemberAccessor, MemberValue, TypeNode},
};

use super::join::Row;
use crate::error::{DdsError, DdsResult};

/// What becomes of the rows of the topics.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) expression: TopicExpression,
    pub(super) result: DynamicType,
    pub(super) topics: Vec<TopicPlan>,
    columns: Vec<Column>,
}

/// A joined topic.
#[derive(Debug)]
pub(super) struct TopicPlan {
    pub(super) name: String,
    described: DynamicType,
    /// The names of the key members by which it can be joined, and how they are found.
    pub(super) keys: Vec<String>,
    accessor: MemberAccessor,
}

/// Where a member of the result comes from.
#[derive(Debug)]
struct Column {
    topic: usize,
    source: String,
    target: String,
}

/// Structures inside of each other whose members are keys.
const KEY_DEPTH: usize = 16;

impl TopicPlan {
    pub(super) fn new(name: &str, described: DynamicType) -> DdsResult<Self> {
        let mut keys = Vec::new();
        collect_keys(&described, "", false, KEY_DEPTH, &mut keys);
        let accessor = MemberAccessor::new(&described, &keys)
            .map_err(|error| DdsError::precondition("create_multitopic", format!("other keys: {error}")))?;
        Ok(Self { name: name.to_owned(), described, keys, accessor })
    }

    /// The row that a sample is.
    pub(super) fn row(&self, payload: &[u8]) -> Result<Row, DecodeError> {
        let mut values = vec![MemberValue::Absent; self.keys.len()];
        self.accessor.read(payload, &mut values)?;
        let data = DynamicData::decode(&self.described, payload)?;
        Ok(Row { data, keys: values.iter().map(bytes_of).collect() })
    }

    /// The type of a key, for comparison with that of another topic.
    fn kind_of(&self, key: &str) -> Option<std::mem::Discriminant<TypeNode>> {
        let place = self.keys.iter().position(|known| known == key)?;
        self.accessor.types().get(place).map(|found| std::mem::discriminant(found.node()))
    }
}

/// The paths of key members with single values, within structures that are keys as a whole or in part.
fn collect_keys(described: &DynamicType, prefix: &str, whole: bool, depth: usize, keys: &mut Vec<String>) {
    let TypeNode::Structure(structure) = described.node() else { return };
    let all = whole && !structure.is_keyed();
    for member in structure.members.iter().filter(|member| all || member.key) {
        let path = format!("{prefix}{}", member.name);
        let inner = described.at(member.member_type);
        match inner.node() {
            TypeNode::Structure(_) if depth > 0 => {
                collect_keys(&inner, &format!("{path}."), true, depth - 1, keys);
            }
            TypeNode::Primitive(_)
            | TypeNode::String8 { .. }
            | TypeNode::String16 { .. }
            | TypeNode::Enumeration(_)
            | TypeNode::Bitmask(_) => keys.push(path),
            _ => {}
        }
    }
}

/// Equal for equal values.
fn bytes_of(value: &MemberValue<'_>) -> Vec<u8> {
    let integer = |value: i128| value.to_be_bytes().to_vec();
    match value {
        MemberValue::Absent => Vec::new(),
        MemberValue::Boolean(value) => integer(i128::from(*value)),
        MemberValue::Signed(value) => integer(i128::from(*value)),
        MemberValue::Unsigned(value) | MemberValue::Bitmask(value) => integer(i128::from(*value)),
        MemberValue::Enumeration(value) => integer(i128::from(*value)),
        // The two zeros are equal.
        MemberValue::Float(value) => (value + 0.0).to_bits().to_be_bytes().to_vec(),
        MemberValue::Character(value) => value.to_string().into_bytes(),
        MemberValue::String(text) => text.as_bytes().to_vec(),
        MemberValue::WideString(text) => text.chars().collect::<String>().into_bytes(),
    }
}

impl Plan {
    /// Finds each column in the topics; the first topic that has it gives it.
    pub(super) fn new(
        expression: TopicExpression,
        result: DynamicType,
        topics: Vec<TopicPlan>,
    ) -> DdsResult<Self> {
        let refused = |reason: String| DdsError::bad_parameter("subscription expression", reason);
        for (number, topic) in topics.iter().enumerate() {
            for other in topics.iter().skip(number + 1) {
                let mut shared = topic.keys.iter().filter(|key| other.keys.contains(key));
                if let Some(key) = shared.find(|key| topic.kind_of(key) != other.kind_of(key)) {
                    let (one, two) = (&topic.name, &other.name);
                    return Err(refused(format!("joins {one} and {two} by `{key}`, whose types differ")));
                }
            }
        }
        let wanted: Vec<(String, String)> = match expression.columns() {
            Some(columns) => {
                columns.iter().map(|c| (c.source().to_string(), c.target().to_string())).collect()
            }
            None => members_of(&result).into_iter().map(|name| (name.clone(), name)).collect(),
        };
        let mut columns = Vec::new();
        for (source, target) in wanted {
            let (topic, source) = find(&topics, &source)
                .ok_or_else(|| refused(format!("selects `{source}`, which none of its topics has")))?;
            let column = Column { topic, source, target };
            // Whether the types go together shows with any value.
            let sample = DynamicData::new(&topics[topic].described);
            let mut made = DynamicData::new(&result);
            column.copy(&sample, &mut made).map_err(|error| {
                refused(format!("makes `{}` of the result from `{}`: {error}", column.target, column.source))
            })?;
            columns.push(column);
        }
        Ok(Self { expression, result, topics, columns })
    }

    pub(super) fn compile(&self, parameters: &[String]) -> DdsResult<Program> {
        Ok(self.expression.compile(&self.result, parameters)?)
    }

    /// The result of a joined row, serialised.
    pub(super) fn result<'r>(
        &self,
        representation: DataRepresentationId,
        row: impl Fn(usize) -> Option<&'r Row>,
    ) -> Option<Vec<u8>> {
        let mut result = DynamicData::new(&self.result);
        for column in &self.columns {
            if let Err(error) = column.copy(&row(column.topic)?.data, &mut result) {
                tracing::debug!(column = column.target, "no row of a multi-topic: {error}");
                return None;
            }
        }
        let mut payload = Vec::new();
        result.encode(representation, &mut payload).ok()?;
        Some(payload)
    }
}

impl Column {
    fn copy(&self, from: &DynamicData, to: &mut DynamicData) -> Result<(), String> {
        match from.get(&self.source).map_err(|error| error.to_string())? {
            Some(value) => to.set(&self.target, value).map_err(|error| error.to_string()),
            None => to.clear(&self.target).map_err(|error| error.to_string()),
        }
    }
}

fn members_of(described: &DynamicType) -> Vec<String> {
    match described.node() {
        TypeNode::Structure(structure) => {
            structure.members.iter().map(|member| member.name.to_string()).collect()
        }
        _ => Vec::new(),
    }
}

/// The first topic that has a field, which may be named with its topic in front.
fn find(topics: &[TopicPlan], source: &str) -> Option<(usize, String)> {
    let has = |topic: &TopicPlan, path: &str| topic.described.at_path(path).is_ok();
    if let Some(topic) = topics.iter().position(|topic| has(topic, source)) {
        return Some((topic, source.to_owned()));
    }
    let (name, path) = source.split_once('.')?;
    let topic = topics.iter().position(|topic| topic.name == name && has(topic, path))?;
    Some((topic, path.to_owned()))
}
