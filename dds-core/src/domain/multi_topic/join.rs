//! The join itself: which rows of which topics belong together.
//!
//! A *row* is the latest sample of an instance of a joined topic. Rows agree if the key members of equal
//! names have equal values; rows of all topics that agree pairwise are one row of the result.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use dds_types::dynamic::DynamicData;

/// A row's number: the handle of its instance.
pub(super) type RowId = u64;

/// A joined row: the row of each topic.
pub(super) type Joined = Box<[RowId]>;

/// The latest sample of an instance.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) data: DynamicData,
    /// The values of the key members by which the topic is joined.
    pub(super) keys: Vec<Vec<u8>>,
}

/// The rows of a topic that have certain values in some of their keys.
#[derive(Debug)]
struct Index {
    /// By the places of the keys in [`Row::keys`].
    keys: Vec<usize>,
    rows: HashMap<Vec<u8>, BTreeSet<RowId>>,
}

/// The rows of one topic.
#[derive(Debug, Default)]
struct Table {
    rows: BTreeMap<RowId, Row>,
    indexes: Vec<Index>,
}

/// How to go on to another topic: the index to look in, and where its values come from.
#[derive(Debug)]
struct Step {
    topic: usize,
    index: usize,
    /// Topic and place in [`Row::keys`] of each value.
    from: Vec<(usize, usize)>,
}

/// The rows of all topics.
#[derive(Debug)]
pub(super) struct Join {
    tables: Vec<Table>,
    /// For each topic the way to all others.
    ways: Vec<Vec<Step>>,
}

impl Join {
    /// Of topics with these names of the key members by which they are joined. `None` when some topic
    /// has none in common with the others.
    pub(super) fn new(keys: &[Vec<String>]) -> Option<Self> {
        let mut tables: Vec<Table> = keys.iter().map(|_| Table::default()).collect();
        let ways = (0..keys.len()).map(|first| way(first, keys, &mut tables)).collect::<Option<_>>()?;
        Some(Self { tables, ways })
    }

    pub(super) fn row(&self, topic: usize, id: RowId) -> Option<&Row> {
        self.tables.get(topic)?.rows.get(&id)
    }

    pub(super) fn insert(&mut self, topic: usize, id: RowId, row: Row) {
        self.remove(topic, id);
        let Some(table) = self.tables.get_mut(topic) else { return };
        for index in &mut table.indexes {
            let values = index.keys.iter().filter_map(|key| row.keys.get(*key));
            index.rows.entry(joined(values)).or_default().insert(id);
        }
        table.rows.insert(id, row);
    }

    pub(super) fn remove(&mut self, topic: usize, id: RowId) {
        let Some(table) = self.tables.get_mut(topic) else { return };
        let Some(row) = table.rows.remove(&id) else { return };
        for index in &mut table.indexes {
            let values = joined(index.keys.iter().filter_map(|key| row.keys.get(*key)));
            if let Some(rows) = index.rows.get_mut(&values) {
                rows.remove(&id);
                if rows.is_empty() {
                    index.rows.remove(&values);
                }
            }
        }
    }

    /// All joined rows that a row is part of.
    pub(super) fn of(&self, topic: usize, id: RowId) -> Vec<Joined> {
        let Some(way) = self.ways.get(topic) else { return Vec::new() };
        let mut begun: Vec<BTreeMap<usize, RowId>> = vec![BTreeMap::from([(topic, id)])];
        for step in way {
            let mut longer = Vec::new();
            for rows in &begun {
                let values = step.from.iter().filter_map(|(topic, key)| {
                    let row = self.row(*topic, *rows.get(topic)?)?;
                    row.keys.get(*key)
                });
                let index = &self.tables[step.topic].indexes[step.index];
                for found in index.rows.get(&joined(values)).into_iter().flatten() {
                    let mut rows = rows.clone();
                    rows.insert(step.topic, *found);
                    longer.push(rows);
                }
            }
            begun = longer;
        }
        begun.into_iter().map(|rows| rows.into_values().collect()).collect()
    }
}

/// The way from one topic to all others, each next one by the keys it shares with those before.
fn way(first: usize, keys: &[Vec<String>], tables: &mut [Table]) -> Option<Vec<Step>> {
    let mut reached = vec![first];
    let mut steps = Vec::new();
    while reached.len() < keys.len() {
        let shared = |topic: usize| -> Vec<(usize, (usize, usize))> {
            let names = keys[topic].iter().enumerate();
            names
                .filter_map(|(place, name)| {
                    let mut others = reached.iter().filter_map(|other| {
                        let found = keys[*other].iter().position(|known| known == name)?;
                        Some((*other, found))
                    });
                    others.next().map(|from| (place, from))
                })
                .collect()
        };
        let next = (0..keys.len()).filter(|topic| !reached.contains(topic));
        let (topic, shared) =
            next.map(|topic| (topic, shared(topic))).find(|(_, shared)| !shared.is_empty())?;
        let (places, from) = shared.into_iter().unzip();
        let indexes = &mut tables[topic].indexes;
        let index = indexes.iter().position(|index| index.keys == places).unwrap_or_else(|| {
            indexes.push(Index { keys: places, rows: HashMap::new() });
            indexes.len() - 1
        });
        steps.push(Step { topic, index, from });
        reached.push(topic);
    }
    Some(steps)
}

/// Values one after the other, each with its length, so that different ones never look the same.
fn joined<'v>(values: impl Iterator<Item = &'v Vec<u8>>) -> Vec<u8> {
    let mut all = Vec::new();
    for value in values {
        all.extend_from_slice(&value.len().to_be_bytes());
        all.extend_from_slice(value);
    }
    all
}

#[cfg(test)]
mod tests {
    use dds_types::{dynamic::DynamicType, type_description::PrimitiveKind};

    use super::*;

    fn row(keys: &[&str]) -> Row {
        let data = DynamicData::new(&DynamicType::primitive(PrimitiveKind::Boolean));
        Row { data, keys: keys.iter().map(|key| key.as_bytes().to_vec()).collect() }
    }

    fn names(topics: &[&[&str]]) -> Vec<Vec<String>> {
        topics.iter().map(|keys| keys.iter().map(|key| (*key).to_owned()).collect()).collect()
    }

    #[test]
    fn rows_of_all_topics_that_agree_pairwise_are_joined() {
        // A (k), B (k, m), C (m): A and C meet through B.
        let mut join = Join::new(&names(&[&["k"], &["k", "m"], &["m"]])).unwrap();
        join.insert(0, 1, row(&["x"]));
        join.insert(2, 5, row(&["p"]));
        join.insert(2, 6, row(&["q"]));
        assert_eq!(join.of(0, 1), Vec::<Joined>::new());
        join.insert(1, 3, row(&["x", "p"]));
        join.insert(1, 4, row(&["x", "q"]));
        join.insert(1, 7, row(&["y", "q"]));
        let joined =
            |rows: &[[u64; 3]]| rows.iter().map(|row| row.as_slice().into()).collect::<Vec<Joined>>();
        assert_eq!(join.of(0, 1), joined(&[[1, 3, 5], [1, 4, 6]]));
        assert_eq!(join.of(1, 4), joined(&[[1, 4, 6]]));
        assert_eq!(join.of(2, 6), joined(&[[1, 4, 6]]));
        join.insert(1, 4, row(&["y", "p"]));
        assert_eq!(join.of(0, 1), joined(&[[1, 3, 5]]));
        join.remove(0, 1);
        assert_eq!(join.of(2, 5), Vec::<Joined>::new());
    }

    #[test]
    fn topics_without_a_common_key_cannot_be_joined() {
        assert!(Join::new(&names(&[&["a"], &["b"]])).is_none());
        assert!(Join::new(&names(&[&["a"], &["a", "b"], &["c"]])).is_none());
        assert!(Join::new(&names(&[&["a"]])).is_some());
    }
}
