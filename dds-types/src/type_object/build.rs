//! Type objects from the descriptions that the derive writes.

use super::annotation::AppliedBuiltinMemberAnnotations;
use super::codec::Primitives;
use super::definition::{
    Bitflag, BitmaskType, CommonEnumeratedLiteral, Complete, CompleteMemberDetail, CompleteTypeDetail,
    DiscriminatorMember, EnumeratedHeader, EnumerationLiteral, EnumerationType, Equivalence, Minimal,
    NameHash, StructureHeader, StructureMember, StructureType, TypeDefinition, TypeHeader, TypeObject,
    UnionCase, UnionType, component_hash,
};
use super::flags::{MemberFlags, TryConstruct, TypeFlags};
use super::identifier::{
    EquivalenceHash, EquivalenceKind, PlainArray, PlainCollectionHeader, PlainMap, PlainSequence,
    StronglyConnectedComponentId, TypeIdentifier,
};
use super::information::{TypeIdentifierWithDependencies, TypeIdentifierWithSize, TypeInformation};
use crate::cdr::EncodeError;
use crate::type_description::{
    BitmaskDescription, EnumerationDescription, PrimitiveKind, StructureDescription, TypeDescription,
    TypeReference, UnionDescription,
};
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
        let mut builder = Builder::default();
        builder.add(description)?;
        Ok(Self {
            minimal: builder.identifier::<Minimal>(description, Usage::default()),
            complete: builder.identifier::<Complete>(description, Usage::default()),
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

/// Names types, those first that others are made of.
///
/// The named types that contain each other, directly or not, are found by Tarjan's algorithm; it
/// yields each such component after all that it refers to (XTypes 1.3 §7.3.4.9).
#[derive(Default)]
struct Builder {
    /// Types met, by name: names are unique within a type system.
    visits: BTreeMap<&'static str, Visit>,
    /// Types met whose component is not complete.
    open: Vec<&'static TypeDescription>,
    identifiers: BTreeMap<&'static str, [TypeIdentifier; 2]>,
    entries: Vec<TypeEntry>,
}

/// What a member says of its type.
#[derive(Clone, Copy, Default)]
struct Usage {
    bound: Option<u32>,
    octet: bool,
}

/// How Tarjan's algorithm stands with a type.
#[derive(Clone, Copy)]
struct Visit {
    index: usize,
    /// The lowest index reached from it.
    low: usize,
    is_open: bool,
}

impl Builder {
    /// Names what `description` is made of, and itself.
    fn add(&mut self, description: &'static TypeDescription) -> Result<(), EncodeError> {
        match description.name() {
            Some(name) if self.visits.contains_key(name) => Ok(()),
            Some(name) => self.visit(name, description),
            None => references(description).into_iter().try_for_each(|part| self.add(part.description())),
        }
    }

    fn visit(
        &mut self,
        name: &'static str,
        description: &'static TypeDescription,
    ) -> Result<(), EncodeError> {
        let index = self.visits.len();
        self.visits.insert(name, Visit { index, low: index, is_open: true });
        self.open.push(description);
        let mut refers_to_itself = false;
        let mut parts = Vec::new();
        named_parts(description, &mut parts);
        for (part_name, part) in parts {
            refers_to_itself |= part_name == name;
            self.add(part)?;
            let reached = self.visits.get(part_name).filter(|visit| visit.is_open).map(|visit| visit.low);
            if let (Some(reached), Some(visit)) = (reached, self.visits.get_mut(name)) {
                visit.low = visit.low.min(reached);
            }
        }
        if self.visits.get(name).is_some_and(|visit| visit.low == visit.index) {
            let start = self.open.iter().position(|open| open.name() == Some(name)).unwrap_or_default();
            let component = self.open.split_off(start);
            for member in component.iter().filter_map(|member| member.name()) {
                if let Some(visit) = self.visits.get_mut(member) {
                    visit.is_open = false;
                }
            }
            if refers_to_itself || component.len() > 1 {
                self.name_component(component)?;
            } else {
                self.name_type(name, description)?;
            }
        }
        Ok(())
    }

    /// Names a type that does not contain itself.
    fn name_type(
        &mut self,
        name: &'static str,
        description: &'static TypeDescription,
    ) -> Result<(), EncodeError> {
        let (Some(minimal), Some(complete)) =
            (self.definition::<Minimal>(description), self.definition::<Complete>(description))
        else {
            return Ok(());
        };
        let (minimal, complete) = (TypeObject::Minimal(minimal), TypeObject::Complete(complete));
        let minimal_id = TypeIdentifier::Hash(minimal.hash()?);
        let complete_id = TypeIdentifier::Hash(complete.hash()?);
        self.identifiers.insert(name, [minimal_id.clone(), complete_id.clone()]);
        self.entries.push(TypeEntry { minimal_id, minimal, complete_id, complete });
        Ok(())
    }

    /// Names types that contain each other: their hash is that of all of them in order of their
    /// names, as they are when their own hash is taken for zero.
    fn name_component(&mut self, mut component: Vec<&'static TypeDescription>) -> Result<(), EncodeError> {
        component.sort_by_key(|description| description.name());
        let zero = |kind| EquivalenceHash { kind, hash: [0; 14] };
        self.number_component(&component, zero(EquivalenceKind::Minimal), zero(EquivalenceKind::Complete));
        let minimal: Vec<_> =
            component.iter().filter_map(|it| self.definition(it)).map(TypeObject::Minimal).collect();
        let complete: Vec<_> =
            component.iter().filter_map(|it| self.definition(it)).map(TypeObject::Complete).collect();
        let minimal = component_hash(EquivalenceKind::Minimal, &minimal)?;
        let complete = component_hash(EquivalenceKind::Complete, &complete)?;
        self.number_component(&component, minimal, complete);
        for description in component {
            let identifiers = description.name().and_then(|name| self.identifiers.get(name)).cloned();
            let (Some([minimal_id, complete_id]), Some(minimal), Some(complete)) =
                (identifiers, self.definition(description), self.definition(description))
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

    fn number_component(
        &mut self,
        component: &[&'static TypeDescription],
        minimal: EquivalenceHash,
        complete: EquivalenceHash,
    ) {
        let length = i32::try_from(component.len()).unwrap_or(i32::MAX);
        for (name, index) in component.iter().filter_map(|member| member.name()).zip(1..) {
            let id = |component| {
                TypeIdentifier::StronglyConnected(StronglyConnectedComponentId { component, length, index })
            };
            self.identifiers.insert(name, [id(minimal), id(complete)]);
        }
    }

    /// The identifier of a type whose parts are named.
    fn identifier<E: Equivalence>(&self, description: &TypeDescription, usage: Usage) -> TypeIdentifier {
        let Usage { bound, octet } = usage;
        let inner = Usage { bound: None, octet };
        let part = |reference: &TypeReference| self.identifier::<E>(reference.description(), inner);
        let header =
            |equivalence| PlainCollectionHeader { equivalence, element_flags: TryConstruct::Discard.into() };
        match description {
            TypeDescription::Primitive(PrimitiveKind::UInt8) if octet => {
                TypeIdentifier::Primitive(PrimitiveKind::Byte)
            }
            TypeDescription::Primitive(kind) => TypeIdentifier::Primitive(*kind),
            TypeDescription::String8 { bound: own } => {
                TypeIdentifier::String8 { bound: bound.or(*own).unwrap_or_default() }
            }
            TypeDescription::String16 { bound: own } => {
                TypeIdentifier::String16 { bound: bound.or(*own).unwrap_or_default() }
            }
            TypeDescription::Sequence { element, bound: own } => {
                let element = part(element);
                TypeIdentifier::Sequence(Box::new(PlainSequence {
                    header: header(element.equivalence()),
                    bound: bound.or(*own).unwrap_or_default(),
                    element,
                }))
            }
            TypeDescription::Array { element, length } => {
                let dimension = u32::try_from(*length).unwrap_or(u32::MAX);
                match part(element) {
                    TypeIdentifier::Array(mut inner) => {
                        inner.dimensions.insert(0, dimension);
                        TypeIdentifier::Array(inner)
                    }
                    element => TypeIdentifier::Array(Box::new(PlainArray {
                        header: header(element.equivalence()),
                        dimensions: Vec::from([dimension]),
                        element,
                    })),
                }
            }
            TypeDescription::Map { key, value, bound: own } => {
                let (key, element) = (part(key), part(value));
                TypeIdentifier::Map(Box::new(PlainMap {
                    header: header(element.equivalence().or(key.equivalence())),
                    bound: bound.or(*own).unwrap_or_default(),
                    element,
                    key_flags: TryConstruct::Discard.into(),
                    key,
                }))
            }
            named => {
                let identifiers = named.name().and_then(|name| self.identifiers.get(name));
                identifiers
                    .map_or(TypeIdentifier::None, |[minimal, complete]| E::choose(minimal, complete).clone())
            }
        }
    }

    /// What a named type whose parts are named consists of; `None` for types without name.
    fn definition<E: Describe>(&self, description: &TypeDescription) -> Option<TypeDefinition<E>> {
        Some(match description {
            TypeDescription::Structure(structure) => TypeDefinition::Structure(self.structure(structure)),
            TypeDescription::Union(union) => TypeDefinition::Union(self.union(union)),
            TypeDescription::Enumeration(description) => {
                TypeDefinition::Enumeration(enumeration(description))
            }
            TypeDescription::Bitmask(description) => TypeDefinition::Bitmask(bitmask(description)),
            _ => return None,
        })
    }

    fn structure<E: Describe>(&self, structure: &StructureDescription) -> StructureType<E> {
        let members = structure.members.iter().map(|member| StructureMember {
            id: member.id,
            flags: MemberFlags::from(member.try_construct)
                | MemberFlags::EXTERNAL.when(member.external)
                | MemberFlags::OPTIONAL.when(member.optional)
                | MemberFlags::MUST_UNDERSTAND.when(member.must_understand)
                | MemberFlags::KEY.when(member.key),
            member_type: self.identifier::<E>(
                member.member_type.description(),
                Usage { bound: member.bound, octet: member.octet },
            ),
            detail: E::member(member.name, member.hash_id),
        });
        StructureType {
            flags: TypeFlags::from(structure.extensibility)
                | TypeFlags::NESTED.when(structure.nested)
                | TypeFlags::AUTOID_HASH.when(structure.autoid_hash),
            header: StructureHeader { base: TypeIdentifier::None, detail: E::named(structure.name) },
            members: members.collect(),
        }
    }

    /// Cases without a member are left out: discriminators that select none are always allowed.
    fn union<E: Describe>(&self, union: &UnionDescription) -> UnionType<E> {
        let cases = union.cases.iter().filter_map(|case| {
            let member_type = case.member_type?;
            #[expect(clippy::cast_possible_truncation, reason = "labels have 32 bits in type objects")]
            let labels = case.labels.iter().map(|label| *label as i32).collect();
            Some(UnionCase {
                id: case.id,
                flags: MemberFlags::from(case.try_construct)
                    | MemberFlags::EXTERNAL.when(case.external)
                    | MemberFlags::DEFAULT.when(case.default),
                member_type: self.identifier::<E>(
                    member_type.description(),
                    Usage { bound: case.bound, octet: case.octet },
                ),
                labels: Primitives(labels),
                detail: E::member(case.name, None),
            })
        });
        UnionType {
            flags: TypeFlags::from(union.extensibility) | TypeFlags::NESTED.when(union.nested),
            header: TypeHeader { detail: E::named(union.name) },
            discriminator: DiscriminatorMember {
                // Annex B has no must-understand here; Cyclone DDS sets it, and hashes are to be equal.
                flags: MemberFlags::from(TryConstruct::Discard) | MemberFlags::MUST_UNDERSTAND,
                discriminator_type: self.identifier::<E>(union.discriminator.description(), Usage::default()),
                detail: E::discriminator(),
            },
            cases: cases.collect(),
        }
    }
}

fn enumeration<E: Describe>(enumeration: &EnumerationDescription) -> EnumerationType<E> {
    let mut literals: Vec<_> = enumeration.literals.iter().collect();
    literals.sort_by_key(|literal| literal.value);
    let literals = literals.into_iter().map(|literal| EnumerationLiteral {
        common: CommonEnumeratedLiteral {
            value: literal.value,
            flags: MemberFlags::DEFAULT.when(literal.default),
        },
        detail: E::member(literal.name, None),
    });
    EnumerationType {
        flags: enumeration.extensibility.into(),
        header: EnumeratedHeader { bit_bound: enumeration.bit_bound, detail: E::named(enumeration.name) },
        literals: literals.collect(),
    }
}

fn bitmask<E: Describe>(bitmask: &BitmaskDescription) -> BitmaskType<E> {
    let mut flags: Vec<_> = bitmask.flags.iter().collect();
    flags.sort_by_key(|flag| flag.position);
    let flags = flags.into_iter().map(|flag| Bitflag {
        position: flag.position,
        flags: MemberFlags::NONE,
        detail: E::member(flag.name, None),
    });
    BitmaskType {
        type_flags: TypeFlags::FINAL,
        header: EnumeratedHeader { bit_bound: bitmask.bit_bound, detail: E::named(bitmask.name) },
        flags: flags.collect(),
    }
}

/// The types that one is made of directly.
fn references(description: &TypeDescription) -> Vec<TypeReference> {
    match description {
        TypeDescription::Sequence { element, .. } | TypeDescription::Array { element, .. } => {
            Vec::from([*element])
        }
        TypeDescription::Map { key, value, .. } => Vec::from([*key, *value]),
        TypeDescription::Structure(structure) => {
            structure.members.iter().map(|member| member.member_type).collect()
        }
        TypeDescription::Union(union) => {
            let members = union.cases.iter().filter_map(|case| case.member_type);
            core::iter::once(union.discriminator).chain(members).collect()
        }
        _ => Vec::new(),
    }
}

/// The named types that one is made of, through collections.
fn named_parts(description: &TypeDescription, parts: &mut Vec<(&'static str, &'static TypeDescription)>) {
    for reference in references(description) {
        let part = reference.description();
        match part.name() {
            Some(name) => parts.push((name, part)),
            None => named_parts(part, parts),
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

    fn discriminator() -> super::definition::CompleteDiscriminatorDetail {
        super::definition::CompleteDiscriminatorDetail { builtin_annotations: None, custom_annotations: None }
    }
}
