//! Type objects of types, whatever describes them.

use super::annotation::AppliedBuiltinMemberAnnotations;
use super::codec::Primitives;
use super::definition::{
    Bitflag, BitmaskType, CommonEnumeratedLiteral, Complete, CompleteDiscriminatorDetail,
    CompleteMemberDetail, CompleteTypeDetail, DiscriminatorMember, EnumeratedHeader, EnumerationLiteral,
    EnumerationType, Equivalence, Minimal, NameHash, StructureHeader, StructureMember, StructureType,
    TypeDefinition, TypeHeader, TypeObject, UnionCase, UnionType, component_hash,
};
use super::flags::{MemberFlags, TryConstruct, TypeFlags};
use super::identifier::{
    EquivalenceHash, EquivalenceKind, PlainArray, PlainCollectionHeader, PlainMap, PlainSequence,
    StronglyConnectedComponentId, TypeIdentifier,
};
use super::information::{TypeIdentifierWithDependencies, TypeIdentifierWithSize, TypeInformation};
use super::source::{Described, InGraph, Member, Outline, Shape, Source};
use crate::cdr::{EncodeError, EncodeErrorKind};
use crate::dynamic::DynamicType;
use crate::type_description::{PrimitiveKind, TypeDescription};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// A type in both representations.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeEntry {
    /// Its identifier in the minimal representation.
    pub minimal_id: TypeIdentifier,
    /// Its minimal type object.
    pub minimal: TypeObject,
    /// Its identifier in the complete representation.
    pub complete_id: TypeIdentifier,
    /// Its complete type object.
    pub complete: TypeObject,
}

/// A type and every type it is made of, in both representations.
#[derive(Clone, Debug, PartialEq)]
pub struct TypeObjects {
    minimal: TypeIdentifier,
    complete: TypeIdentifier,
    entries: Vec<TypeEntry>,
}

impl TypeObjects {
    /// Of the type described.
    ///
    /// # Errors
    /// A name in it holds a NUL.
    pub fn of(description: &'static TypeDescription) -> Result<Self, EncodeError> {
        Self::of_source(Described::new(description))
    }

    /// Of a type that is known only at run time.
    ///
    /// # Errors
    /// A name in it holds a NUL, or more types contain each other than anyone compares.
    pub fn of_dynamic(dynamic_type: &DynamicType) -> Result<Self, EncodeError> {
        Self::of_source(InGraph::new(dynamic_type))
    }

    fn of_source<'s>(source: impl Source<'s>) -> Result<Self, EncodeError> {
        let mut builder = Builder::new();
        builder.add(source, 0)?;
        Ok(Self {
            minimal: builder.identifier::<Minimal>(source),
            complete: builder.identifier::<Complete>(source),
            entries: builder.entries,
        })
    }

    /// The type's identifier in the minimal representation.
    #[must_use]
    pub const fn minimal(&self) -> &TypeIdentifier {
        &self.minimal
    }

    /// The type's identifier in the complete representation.
    #[must_use]
    pub const fn complete(&self) -> &TypeIdentifier {
        &self.complete
    }

    /// Every type with a type object, each after those it is made of unless they contain each other.
    #[must_use]
    pub fn entries(&self) -> &[TypeEntry] {
        &self.entries
    }

    /// Whether the type is made of what every implementation knows that reads type objects at all: no 8-bit
    /// integers, wide characters, wide strings or maps. Cyclone DDS 0.10 ends with a segmentation fault when
    /// it is told of a type with one of these.
    #[must_use]
    pub fn is_widely_known(&self) -> bool {
        let mut known = is_widely_known(&self.complete);
        for entry in &self.entries {
            entry.complete.for_each_type(|member| known &= is_widely_known(member));
        }
        known
    }

    /// What endpoints of the type announce.
    ///
    /// # Errors
    /// As [`TypeObject::to_bytes`].
    pub fn information(&self) -> Result<TypeInformation, EncodeError> {
        let (mut minimal, mut complete) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            minimal.push(with_size(&entry.minimal_id, &entry.minimal)?);
            complete.push(with_size(&entry.complete_id, &entry.complete)?);
        }
        Ok(TypeInformation {
            minimal: with_dependencies(&self.minimal, minimal),
            complete: with_dependencies(&self.complete, complete),
        })
    }
}

fn is_widely_known(identifier: &TypeIdentifier) -> bool {
    let mut rest = identifier;
    loop {
        rest = match rest {
            TypeIdentifier::Primitive(kind) => {
                return !matches!(kind, PrimitiveKind::Int8 | PrimitiveKind::UInt8 | PrimitiveKind::Char16);
            }
            TypeIdentifier::String16 { .. } | TypeIdentifier::Map(_) => return false,
            TypeIdentifier::Sequence(sequence) => &sequence.element,
            TypeIdentifier::Array(array) => &array.element,
            _ => return true,
        };
    }
}

fn with_size(type_id: &TypeIdentifier, object: &TypeObject) -> Result<TypeIdentifierWithSize, EncodeError> {
    let size = object.to_bytes()?.len();
    Ok(TypeIdentifierWithSize {
        type_id: type_id.clone(),
        type_object_size: u32::try_from(size).unwrap_or(u32::MAX),
    })
}

/// A type of more parts does not name them in what its endpoints announce, which would be large.
const MOST_DEPENDENCIES: usize = 256;

/// Splits the type itself off from those it is made of.
fn with_dependencies(
    type_id: &TypeIdentifier,
    mut types: Vec<TypeIdentifierWithSize>,
) -> TypeIdentifierWithDependencies {
    let own = types.iter().position(|entry| entry.type_id == *type_id).map(|index| types.remove(index));
    let dependency_count = match types.len() {
        count if count <= MOST_DEPENDENCIES => i32::try_from(count).unwrap_or(i32::MAX),
        _ => {
            types.clear();
            -1
        }
    };
    TypeIdentifierWithDependencies {
        type_id: own
            .unwrap_or_else(|| TypeIdentifierWithSize { type_id: type_id.clone(), type_object_size: 0 }),
        dependency_count,
        dependencies: types,
    }
}

/// Named types may refer to each other this deep; more types are never compared.
const DEEPEST: usize = 1_024;

/// Names types, those first that others are made of.
///
/// The named types that contain each other, directly or not, are found by Tarjan's algorithm; it
/// yields each such component after all that it refers to (XTypes 1.3 §7.3.4.9).
struct Builder<S, K> {
    /// Types met.
    visits: BTreeMap<K, Visit>,
    /// Types met whose component is not complete.
    open: Vec<S>,
    identifiers: BTreeMap<K, [TypeIdentifier; 2]>,
    entries: Vec<TypeEntry>,
}

/// How Tarjan's algorithm stands with a type.
#[derive(Clone, Copy)]
struct Visit {
    index: usize,
    /// The lowest index reached from it.
    low: usize,
    is_open: bool,
}

impl<'s, S: Source<'s>> Builder<S, S::Key> {
    fn new() -> Self {
        Self { visits: BTreeMap::new(), open: Vec::new(), identifiers: BTreeMap::new(), entries: Vec::new() }
    }

    /// Names what `source` is made of, and itself.
    fn add(&mut self, source: S, depth: usize) -> Result<(), EncodeError> {
        match source.key() {
            Some(key) if self.visits.contains_key(&key) => Ok(()),
            Some(_) if depth > DEEPEST => {
                Err(EncodeErrorKind::Foreign("types refer to each other too deeply").into())
            }
            Some(key) => self.visit(key, source, depth),
            None => parts(source).into_iter().try_for_each(|part| self.add(part, depth)),
        }
    }

    fn visit(&mut self, key: S::Key, source: S, depth: usize) -> Result<(), EncodeError> {
        let index = self.visits.len();
        self.visits.insert(key, Visit { index, low: index, is_open: true });
        self.open.push(source);
        let mut refers_to_itself = false;
        let mut named = Vec::new();
        named_parts(source, &mut named);
        for (part_key, part) in named {
            refers_to_itself |= part_key == key;
            self.add(part, depth.saturating_add(1))?;
            let reached = self.visits.get(&part_key).filter(|visit| visit.is_open).map(|visit| visit.low);
            if let (Some(reached), Some(visit)) = (reached, self.visits.get_mut(&key)) {
                visit.low = visit.low.min(reached);
            }
        }
        if self.visits.get(&key).is_some_and(|visit| visit.low == visit.index) {
            let start = self.open.iter().position(|open| open.key() == Some(key)).unwrap_or_default();
            let component = self.open.split_off(start);
            for member in component.iter().filter_map(|member| member.key()) {
                if let Some(visit) = self.visits.get_mut(&member) {
                    visit.is_open = false;
                }
            }
            if refers_to_itself || component.len() > 1 {
                self.name_component(component)?;
            } else {
                self.name_type(key, source)?;
            }
        }
        Ok(())
    }

    /// Names a type that does not contain itself.
    fn name_type(&mut self, key: S::Key, source: S) -> Result<(), EncodeError> {
        let (Some(minimal), Some(complete)) =
            (self.definition::<Minimal>(source), self.definition::<Complete>(source))
        else {
            return Ok(());
        };
        let (minimal, complete) = (TypeObject::Minimal(minimal), TypeObject::Complete(complete));
        let minimal_id = TypeIdentifier::Hash(minimal.hash()?);
        let complete_id = TypeIdentifier::Hash(complete.hash()?);
        self.identifiers.insert(key, [minimal_id.clone(), complete_id.clone()]);
        self.entries.push(TypeEntry { minimal_id, minimal, complete_id, complete });
        Ok(())
    }

    /// Names types that contain each other: their hash is that of all of them in order of their
    /// names, as they are when their own hash is taken for zero.
    fn name_component(&mut self, mut component: Vec<S>) -> Result<(), EncodeError> {
        component.sort_by_key(|source| source.name());
        let zero = |kind| EquivalenceHash { kind, hash: [0; 14] };
        self.number_component(&component, zero(EquivalenceKind::Minimal), zero(EquivalenceKind::Complete));
        let minimal: Vec<_> =
            component.iter().filter_map(|it| self.definition(*it)).map(TypeObject::Minimal).collect();
        let complete: Vec<_> =
            component.iter().filter_map(|it| self.definition(*it)).map(TypeObject::Complete).collect();
        let minimal = component_hash(EquivalenceKind::Minimal, &minimal)?;
        let complete = component_hash(EquivalenceKind::Complete, &complete)?;
        self.number_component(&component, minimal, complete);
        for source in component {
            let identifiers = source.key().and_then(|key| self.identifiers.get(&key)).cloned();
            let (Some([minimal_id, complete_id]), Some(minimal), Some(complete)) =
                (identifiers, self.definition(source), self.definition(source))
            else {
                continue;
            };
            self.entries.push(TypeEntry {
                minimal_id,
                minimal: TypeObject::Minimal(minimal),
                complete_id,
                complete: TypeObject::Complete(complete),
            });
        }
        Ok(())
    }

    fn number_component(&mut self, component: &[S], minimal: EquivalenceHash, complete: EquivalenceHash) {
        let length = i32::try_from(component.len()).unwrap_or(i32::MAX);
        for (key, index) in component.iter().filter_map(|member| member.key()).zip(1..) {
            let id = |component| {
                TypeIdentifier::StronglyConnected(StronglyConnectedComponentId { component, length, index })
            };
            self.identifiers.insert(key, [id(minimal), id(complete)]);
        }
    }

    /// The identifier of a type whose parts are named.
    fn identifier<E: Equivalence>(&self, source: S) -> TypeIdentifier {
        let header =
            |equivalence| PlainCollectionHeader { equivalence, element_flags: TryConstruct::Discard.into() };
        match source.shape() {
            Shape::Primitive(kind) => TypeIdentifier::Primitive(kind),
            Shape::String8 { bound } => TypeIdentifier::String8 { bound: bound.unwrap_or_default() },
            Shape::String16 { bound } => TypeIdentifier::String16 { bound: bound.unwrap_or_default() },
            Shape::Sequence { element, bound } => {
                let element = self.identifier::<E>(element);
                TypeIdentifier::Sequence(Box::new(PlainSequence {
                    header: header(element.equivalence()),
                    bound: bound.unwrap_or_default(),
                    element,
                }))
            }
            Shape::Array { element, dimensions } => match self.identifier::<E>(element) {
                TypeIdentifier::Array(mut inner) => {
                    inner.dimensions.splice(0..0, dimensions);
                    TypeIdentifier::Array(inner)
                }
                element => TypeIdentifier::Array(Box::new(PlainArray {
                    header: header(element.equivalence()),
                    dimensions,
                    element,
                })),
            },
            Shape::Map { key, value, bound } => {
                let (key, element) = (self.identifier::<E>(key), self.identifier::<E>(value));
                TypeIdentifier::Map(Box::new(PlainMap {
                    header: header(element.equivalence().or(key.equivalence())),
                    bound: bound.unwrap_or_default(),
                    element,
                    key_flags: TryConstruct::Discard.into(),
                    key,
                }))
            }
            Shape::Named => {
                let identifiers = source.key().and_then(|key| self.identifiers.get(&key));
                identifiers
                    .map_or(TypeIdentifier::None, |[minimal, complete]| E::choose(minimal, complete).clone())
            }
        }
    }

    /// What a named type whose parts are named consists of; `None` for types without name.
    fn definition<E: Describe>(&self, source: S) -> Option<TypeDefinition<E>> {
        let name = source.name();
        Some(match source.outline()? {
            Outline::Structure { flags, members } => {
                let members = members.into_iter().map(|member| StructureMember {
                    id: member.id,
                    flags: member.flags,
                    member_type: self.identifier::<E>(member.member_type),
                    detail: E::member(member.name, member.hash_id),
                });
                TypeDefinition::Structure(StructureType {
                    flags,
                    header: StructureHeader { base: TypeIdentifier::None, detail: E::named(name) },
                    members: members.collect(),
                })
            }
            Outline::Union { flags, discriminator, cases } => {
                let cases = cases.into_iter().map(|(Member { name, id, flags, member_type, .. }, labels)| {
                    let member_type = self.identifier::<E>(member_type);
                    UnionCase {
                        id,
                        flags,
                        member_type,
                        labels: Primitives(labels),
                        detail: E::member(name, None),
                    }
                });
                TypeDefinition::Union(UnionType {
                    flags,
                    header: TypeHeader { detail: E::named(name) },
                    discriminator: DiscriminatorMember {
                        // Annex B has no must-understand here; Cyclone DDS sets it, and hashes are to be equal.
                        flags: MemberFlags::from(TryConstruct::Discard) | MemberFlags::MUST_UNDERSTAND,
                        discriminator_type: self.identifier::<E>(discriminator),
                        detail: E::discriminator(),
                    },
                    cases: cases.collect(),
                })
            }
            Outline::Enumeration { flags, bit_bound, mut literals } => {
                literals.sort_by_key(|(_, value, _)| *value);
                let literals = literals.into_iter().map(|(name, value, is_default)| EnumerationLiteral {
                    common: CommonEnumeratedLiteral { value, flags: MemberFlags::DEFAULT.when(is_default) },
                    detail: E::member(name, None),
                });
                TypeDefinition::Enumeration(EnumerationType {
                    flags,
                    header: EnumeratedHeader { bit_bound, detail: E::named(name) },
                    literals: literals.collect(),
                })
            }
            Outline::Bitmask { bit_bound, mut flags } => {
                flags.sort_by_key(|(_, position)| *position);
                let flags = flags.into_iter().map(|(name, position)| Bitflag {
                    position,
                    flags: MemberFlags::NONE,
                    detail: E::member(name, None),
                });
                TypeDefinition::Bitmask(BitmaskType {
                    type_flags: TypeFlags::FINAL,
                    header: EnumeratedHeader { bit_bound, detail: E::named(name) },
                    flags: flags.collect(),
                })
            }
        })
    }
}

/// The types that one is made of directly.
fn parts<'s, S: Source<'s>>(source: S) -> Vec<S> {
    match source.shape() {
        Shape::Sequence { element, .. } | Shape::Array { element, .. } => Vec::from([element]),
        Shape::Map { key, value, .. } => Vec::from([key, value]),
        Shape::Named => match source.outline() {
            Some(Outline::Structure { members, .. }) => {
                members.into_iter().map(|member| member.member_type).collect()
            }
            Some(Outline::Union { discriminator, cases, .. }) => {
                let members = cases.into_iter().map(|(member, _)| member.member_type);
                core::iter::once(discriminator).chain(members).collect()
            }
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The named types that one is made of, through collections.
fn named_parts<'s, S: Source<'s>>(source: S, named: &mut Vec<(S::Key, S)>) {
    for part in parts(source) {
        match part.key() {
            Some(key) => named.push((key, part)),
            None => named_parts(part, named),
        }
    }
}

/// How a representation says names and annotations.
trait Describe: Equivalence {
    fn named(name: &str) -> Self::TypeDetail;
    fn member(name: &str, hash_id: Option<&str>) -> Self::MemberDetail;
    fn discriminator() -> Self::DiscriminatorDetail;
}

impl Describe for Minimal {
    fn named(_name: &str) {}

    fn member(name: &str, _hash_id: Option<&str>) -> NameHash {
        NameHash::of(name)
    }

    fn discriminator() {}
}

impl Describe for Complete {
    fn named(name: &str) -> CompleteTypeDetail {
        CompleteTypeDetail { builtin_annotations: None, custom_annotations: None, type_name: name.into() }
    }

    fn member(name: &str, hash_id: Option<&str>) -> CompleteMemberDetail {
        let builtin_annotations = hash_id.map(|hashed| AppliedBuiltinMemberAnnotations {
            unit: None,
            min: None,
            max: None,
            hash_id: Some(String::from(hashed)),
        });
        CompleteMemberDetail { name: name.into(), builtin_annotations, custom_annotations: None }
    }

    fn discriminator() -> CompleteDiscriminatorDetail {
        CompleteDiscriminatorDetail { builtin_annotations: None, custom_annotations: None }
    }
}
