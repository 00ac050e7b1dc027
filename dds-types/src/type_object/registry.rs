//! What is known of types: identifiers and the type objects they stand for.

use super::definition::{TypeObject, component_hash};
use super::identifier::{StronglyConnectedComponentId, TypeIdentifier};
use super::information::TypeIdentifierWithSize;
use super::{EquivalenceHash, EquivalenceKind, TypeEntry, TypeObjects};
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Type objects by their identifiers: those of our own types, and those that peers sent.
///
/// What peers send is checked against its hash and bounded in bytes; the oldest of it goes first.
/// Our own types stay.
#[derive(Debug)]
pub struct TypeRegistry {
    types: BTreeMap<TypeIdentifier, Arc<TypeObject>>,
    /// Those that peers sent, the oldest first, with their size.
    foreign: VecDeque<(TypeIdentifier, usize)>,
    foreign_bytes: usize,
    limit: usize,
}

/// Why a type object was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// It is not what its identifier names.
    WrongHash {
        /// The identifier it came with.
        expected: TypeIdentifier,
        /// The hash it has.
        actual: EquivalenceHash,
    },
    /// Its identifier is none of a type object.
    NotHashed(TypeIdentifier),
    /// Types that contain each other came without some of them, or with others between them.
    IncompleteComponent(TypeIdentifier),
    /// It cannot be written, so has no hash.
    NotEncodable,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WrongHash { expected, actual } => {
                write!(f, "the type object sent for {expected} has the hash {actual}")
            }
            Self::NotHashed(id) => write!(f, "{id} stands for no type object"),
            Self::IncompleteComponent(id) => {
                write!(f, "some of the types that contain each other are missing: {id}")
            }
            Self::NotEncodable => f.write_str("the type object cannot be written"),
        }
    }
}

impl core::error::Error for RegistryError {}

impl Default for TypeRegistry {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT)
    }
}

impl TypeRegistry {
    /// Serialised bytes of peers' type objects kept by default.
    pub const DEFAULT_LIMIT: usize = 4 << 20;
    /// Most types that a type may be made of to be compared.
    pub const MOST_TYPES: usize = 1_024;

    /// An empty one that keeps at most `limit` serialised bytes of peers' type objects.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { types: BTreeMap::new(), foreign: VecDeque::new(), foreign_bytes: 0, limit }
    }

    /// What an identifier stands for, if that is known.
    #[must_use]
    pub fn get(&self, id: &TypeIdentifier) -> Option<&Arc<TypeObject>> {
        self.types.get(id)
    }

    /// Adds types of our own, for good.
    pub fn insert_own(&mut self, types: &TypeObjects) {
        for TypeEntry { minimal_id, minimal, complete_id, complete } in types.entries() {
            for (id, object) in [(minimal_id, minimal), (complete_id, complete)] {
                if let Some(index) = self.foreign.iter().position(|(foreign, _)| foreign == id)
                    && let Some((_, size)) = self.foreign.remove(index)
                {
                    self.foreign_bytes = self.foreign_bytes.saturating_sub(size);
                }
                self.types.entry(id.clone()).or_insert_with(|| Arc::new(object.clone()));
            }
        }
    }

    /// Adds what a peer says are the objects of these types.
    ///
    /// # Errors
    /// The first that is not what its identifier names; all others are taken.
    pub fn insert(
        &mut self,
        pairs: impl IntoIterator<Item = (TypeIdentifier, TypeObject)>,
    ) -> Result<(), RegistryError> {
        let mut result = Ok(());
        let mut components: BTreeMap<EquivalenceHash, Vec<(StronglyConnectedComponentId, TypeObject)>> =
            BTreeMap::new();
        for (id, object) in pairs {
            match &id {
                TypeIdentifier::Hash(expected) => {
                    let taken = check(*expected, &object).map(|size| self.keep(id, object, size));
                    result = result.and(taken);
                }
                TypeIdentifier::StronglyConnected(member) => {
                    components.entry(member.component).or_default().push((*member, object));
                }
                _ => result = result.and(Err(RegistryError::NotHashed(id))),
            }
        }
        for (hash, members) in components {
            result = result.and(self.insert_component(hash, members));
        }
        result
    }

    fn insert_component(
        &mut self,
        hash: EquivalenceHash,
        mut members: Vec<(StronglyConnectedComponentId, TypeObject)>,
    ) -> Result<(), RegistryError> {
        members.sort_by_key(|(id, _)| id.index);
        members.dedup_by_key(|(id, _)| id.index);
        let count = i32::try_from(members.len()).unwrap_or(i32::MAX);
        let is_whole =
            members.iter().zip(1..).all(|((id, _), index)| id.length == count && id.index == index);
        if !is_whole {
            let id = members.first().map(|(id, _)| TypeIdentifier::StronglyConnected(*id));
            return Err(RegistryError::IncompleteComponent(id.unwrap_or(TypeIdentifier::Hash(hash))));
        }
        let unnamed: Vec<_> = members
            .iter()
            .map(|(_, object)| {
                let mut object = object.clone();
                object.for_each_type_mut(&mut |id| forget_hash(id, hash));
                object
            })
            .collect();
        let actual = component_hash(hash.kind, &unnamed).map_err(|_| RegistryError::NotEncodable)?;
        if actual != hash {
            return Err(RegistryError::WrongHash { expected: TypeIdentifier::Hash(hash), actual });
        }
        for (id, object) in members {
            let size = object.to_bytes().map_err(|_| RegistryError::NotEncodable)?.len();
            self.keep(TypeIdentifier::StronglyConnected(id), object, size);
        }
        Ok(())
    }

    fn keep(&mut self, id: TypeIdentifier, object: TypeObject, size: usize) {
        if size > self.limit || self.types.contains_key(&id) {
            return;
        }
        while self.foreign_bytes.saturating_add(size) > self.limit
            && let Some((oldest, freed)) = self.foreign.pop_front()
        {
            self.foreign_bytes = self.foreign_bytes.saturating_sub(freed);
            self.types.remove(&oldest);
        }
        self.foreign_bytes = self.foreign_bytes.saturating_add(size);
        self.foreign.push_back((id.clone(), size));
        self.types.insert(id, Arc::new(object));
    }

    /// The identifiers in `ids`, and in what they stand for and so on, whose objects are not known;
    /// `None` when there are more types than anyone compares.
    #[must_use]
    pub fn missing<'a>(
        &'a self,
        ids: impl IntoIterator<Item = &'a TypeIdentifier>,
    ) -> Option<Vec<TypeIdentifier>> {
        let all = self.closure(ids)?;
        Some(all.into_iter().filter(|id| !self.types.contains_key(id)).cloned().collect())
    }

    /// The types that others are made of, directly or not, with the size of those objects that are known;
    /// `None` when there are more types than anyone compares.
    #[must_use]
    pub fn dependencies(&self, of: &[TypeIdentifier]) -> Option<Vec<TypeIdentifierWithSize>> {
        let all = self.closure(of)?;
        let others = all.into_iter().filter(|id| !of.contains(id));
        let with_size = others.map(|id| {
            let bytes = self.types.get(id).and_then(|object| object.to_bytes().ok());
            let size = bytes.map_or(0, |bytes| u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            TypeIdentifierWithSize { type_id: id.clone(), type_object_size: size }
        });
        Some(with_size.collect())
    }

    /// The types that contain each other, by one of them; none unless all are known.
    #[must_use]
    pub fn component(&self, id: &StronglyConnectedComponentId) -> Vec<(TypeIdentifier, &Arc<TypeObject>)> {
        let most = i32::try_from(Self::MOST_TYPES).unwrap_or(i32::MAX);
        let members = (1..=id.length.min(most)).map(|index| {
            let member = TypeIdentifier::StronglyConnected(StronglyConnectedComponentId { index, ..*id });
            let object = self.types.get(&member)?;
            Some((member, object))
        });
        members.collect::<Option<_>>().unwrap_or_default()
    }

    /// Every identifier with an object that is in `ids`, or in what they stand for and so on.
    fn closure<'a>(
        &'a self,
        ids: impl IntoIterator<Item = &'a TypeIdentifier>,
    ) -> Option<BTreeSet<&'a TypeIdentifier>> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&TypeIdentifier> = ids.into_iter().collect();
        while let Some(id) = open.pop() {
            let mut found = Vec::new();
            id.for_each_hashed(&mut |hashed| found.push(hashed));
            for hashed in found {
                if !seen.insert(hashed) {
                    continue;
                }
                if seen.len() > Self::MOST_TYPES {
                    return None;
                }
                if let Some(object) = self.types.get(hashed) {
                    object.for_each_type(|part| open.push(part));
                }
            }
        }
        Some(seen)
    }
}

/// The size of an object that has the hash it should have.
fn check(expected: EquivalenceHash, object: &TypeObject) -> Result<usize, RegistryError> {
    let bytes = object.to_bytes().map_err(|_| RegistryError::NotEncodable)?;
    let actual = object.hash().map_err(|_| RegistryError::NotEncodable)?;
    if actual != expected {
        return Err(RegistryError::WrongHash { expected: TypeIdentifier::Hash(expected), actual });
    }
    Ok(bytes.len())
}

/// Makes an identifier what it was when the component was hashed.
fn forget_hash(id: &mut TypeIdentifier, component: EquivalenceHash) {
    match id {
        TypeIdentifier::StronglyConnected(id) if id.component == component => {
            id.component.hash = [0; 14];
        }
        TypeIdentifier::Sequence(sequence) => forget_hash(&mut sequence.element, component),
        TypeIdentifier::Array(array) => forget_hash(&mut array.element, component),
        TypeIdentifier::Map(map) => {
            forget_hash(&mut map.key, component);
            forget_hash(&mut map.element, component);
        }
        _ => {}
    }
}

impl TypeEntry {
    /// Its identifier and object in one of the representations.
    #[must_use]
    pub const fn of(&self, kind: EquivalenceKind) -> (&TypeIdentifier, &TypeObject) {
        match kind {
            EquivalenceKind::Minimal => (&self.minimal_id, &self.minimal),
            EquivalenceKind::Complete => (&self.complete_id, &self.complete),
        }
    }
}
