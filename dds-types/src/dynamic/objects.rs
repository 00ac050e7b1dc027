//! Types from type objects.

use super::graph::{GraphBuilder, TypeError};
use super::node::{
    BitmaskNode, CaseNode, EnumerationNode, FlagNode, LiteralNode, MemberNode, StructureNode, TypeIndex,
    TypeNode, UnionNode,
};
use super::ty::DynamicType;
use crate::type_description::Extensibility;
use crate::type_object::{
    BitmaskType, Complete, CompleteTypeObject, EnumerationType, MemberFlags, StructureMember, StructureType,
    TypeDefinition, TypeFlags, TypeIdentifier, TypeObject, UnionType,
};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::fmt;

/// Why type objects make no type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeObjectError {
    /// The object of this type is not known.
    Missing(TypeIdentifier),
    /// The type is named by its minimal object, which has no names of members: ask for the complete
    /// one.
    Minimal(TypeIdentifier),
    /// What the objects say is no type.
    Type(TypeError),
    /// A part of the type system that is not supported.
    Unsupported {
        /// The type.
        type_id: TypeIdentifier,
        /// What it is or has.
        what: &'static str,
    },
}

impl fmt::Display for TypeObjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "the type object of {id} is not known"),
            Self::Minimal(id) => write!(f, "{id} has no names of members: a complete type object is needed"),
            Self::Type(error) => error.fmt(f),
            Self::Unsupported { type_id, what } => write!(f, "{type_id}: {what}"),
        }
    }
}

impl core::error::Error for TypeObjectError {}

impl From<TypeError> for TypeObjectError {
    fn from(error: TypeError) -> Self {
        Self::Type(error)
    }
}

impl DynamicType {
    /// The type that an identifier names, whose objects `find` knows. Aliases are followed, members of
    /// base types come first.
    ///
    /// # Errors
    /// An object is missing, only minimal, or what they say together is no type.
    pub fn from_type_objects<'o>(
        type_id: &TypeIdentifier,
        find: impl Fn(&TypeIdentifier) -> Option<&'o TypeObject>,
    ) -> Result<Self, TypeObjectError> {
        let mut reader = Reader {
            find: &find,
            builder: GraphBuilder::default(),
            known: BTreeMap::new(),
            open: Vec::new(),
        };
        let root = reader.place(type_id)?;
        while let Some((index, id)) = reader.open.pop() {
            let node = reader.node(&id)?;
            reader.builder.define(index, node);
        }
        Ok(Self::from_graph(reader.builder, root)?)
    }
}

/// Looks up type objects.
type Find<'f, 'o> = &'f dyn Fn(&TypeIdentifier) -> Option<&'o TypeObject>;

struct Reader<'f, 'o> {
    find: Find<'f, 'o>,
    builder: GraphBuilder,
    known: BTreeMap<TypeIdentifier, TypeIndex>,
    open: Vec<(TypeIndex, TypeIdentifier)>,
}

/// How many aliases or bases may follow each other.
const LONGEST_CHAIN: usize = 32;

impl<'o> Reader<'_, 'o> {
    /// The place of a type, which is defined later.
    fn place(&mut self, id: &TypeIdentifier) -> Result<TypeIndex, TypeObjectError> {
        let id = self.resolve(id)?;
        if let Some(index) = self.known.get(&id) {
            return Ok(*index);
        }
        if self.known.len() >= GraphBuilder::MAX_TYPES {
            return Err(TypeError::TooManyTypes.into());
        }
        let index = self.builder.declare();
        self.known.insert(id.clone(), index);
        self.open.push((index, id));
        Ok(index)
    }

    /// What a chain of aliases stands for.
    fn resolve(&self, id: &TypeIdentifier) -> Result<TypeIdentifier, TypeObjectError> {
        let mut id = id.clone();
        for _ in 0..LONGEST_CHAIN {
            if !matches!(id, TypeIdentifier::Hash(_) | TypeIdentifier::StronglyConnected(_)) {
                return Ok(id);
            }
            match self.definition(&id)? {
                TypeDefinition::Alias(alias) => id = alias.body.related_type.clone(),
                _ => return Ok(id),
            }
        }
        Err(TypeObjectError::Unsupported { type_id: id, what: "aliases without end" })
    }

    fn definition(&self, id: &TypeIdentifier) -> Result<&'o CompleteTypeObject, TypeObjectError> {
        match (self.find)(id) {
            Some(TypeObject::Complete(definition)) => Ok(definition),
            Some(TypeObject::Minimal(_)) => Err(TypeObjectError::Minimal(id.clone())),
            None => Err(TypeObjectError::Missing(id.clone())),
        }
    }

    fn node(&mut self, id: &TypeIdentifier) -> Result<TypeNode, TypeObjectError> {
        let unsupported = |what| TypeObjectError::Unsupported { type_id: id.clone(), what };
        Ok(match id {
            TypeIdentifier::Primitive(kind) => TypeNode::Primitive(*kind),
            TypeIdentifier::String8 { bound } => TypeNode::String8 { bound: limit(*bound) },
            TypeIdentifier::String16 { bound } => TypeNode::String16 { bound: limit(*bound) },
            TypeIdentifier::Sequence(sequence) => {
                TypeNode::Sequence { element: self.place(&sequence.element)?, bound: limit(sequence.bound) }
            }
            TypeIdentifier::Array(array) => self.array(&array.dimensions, &array.element)?,
            TypeIdentifier::Map(map) => TypeNode::Map {
                key: self.place(&map.key)?,
                value: self.place(&map.element)?,
                bound: limit(map.bound),
            },
            TypeIdentifier::Hash(_) | TypeIdentifier::StronglyConnected(_) => match self.definition(id)? {
                TypeDefinition::Structure(structure) => TypeNode::Structure(self.structure(id, structure)?),
                TypeDefinition::Union(union) => TypeNode::Union(self.union(union)?),
                TypeDefinition::Enumeration(enumeration) => {
                    TypeNode::Enumeration(enumeration_node(enumeration))
                }
                TypeDefinition::Bitmask(bitmask) => TypeNode::Bitmask(bitmask_node(bitmask)),
                TypeDefinition::Sequence(sequence) => TypeNode::Sequence {
                    element: self.place(&sequence.element.element_type)?,
                    bound: limit(sequence.header.bound),
                },
                TypeDefinition::Array(array) => {
                    self.array(&array.header.dimensions.0, &array.element.element_type)?
                }
                TypeDefinition::Map(map) => TypeNode::Map {
                    key: self.place(&map.key.element_type)?,
                    value: self.place(&map.element.element_type)?,
                    bound: limit(map.header.bound),
                },
                _ => return Err(unsupported("neither aggregate, enumeration nor collection")),
            },
            TypeIdentifier::None => return Err(unsupported("no type")),
            TypeIdentifier::Extended(_) => return Err(unsupported("a kind of a later standard")),
        })
    }

    /// An array; arrays of arrays, which aliases allow, are its dimensions.
    fn array(&mut self, dimensions: &[u32], element: &TypeIdentifier) -> Result<TypeNode, TypeObjectError> {
        let mut dimensions = dimensions.to_vec();
        let mut element = self.resolve(element)?;
        for _ in 0..LONGEST_CHAIN {
            let inner = match &element {
                TypeIdentifier::Array(array) => Some((array.dimensions.clone(), array.element.clone())),
                TypeIdentifier::Hash(_) | TypeIdentifier::StronglyConnected(_) => {
                    match self.definition(&element)? {
                        TypeDefinition::Array(array) => {
                            Some((array.header.dimensions.0.clone(), array.element.element_type.clone()))
                        }
                        _ => None,
                    }
                }
                _ => None,
            };
            let Some((inner, next)) = inner else { break };
            dimensions.extend(inner);
            element = self.resolve(&next)?;
        }
        Ok(TypeNode::Array { element: self.place(&element)?, dimensions: dimensions.into() })
    }

    fn structure(
        &mut self,
        id: &TypeIdentifier,
        structure: &StructureType<Complete>,
    ) -> Result<StructureNode, TypeObjectError> {
        // The bases, the innermost last.
        let mut members: Vec<&StructureMember<Complete>> = structure.members.iter().collect();
        let mut base = self.resolve(&structure.header.base)?;
        for _ in 0..LONGEST_CHAIN {
            if base == TypeIdentifier::None {
                let nodes = members.into_iter().map(|member| self.member(member));
                return Ok(StructureNode {
                    members: nodes.collect::<Result<_, _>>()?,
                    name: structure.header.detail.type_name.as_str().into(),
                    extensibility: extensibility(structure.flags),
                    nested: structure.flags.contains(TypeFlags::NESTED),
                });
            }
            let TypeDefinition::Structure(inherited) = self.definition(&base)? else { break };
            members.splice(0..0, &inherited.members);
            base = self.resolve(&inherited.header.base)?;
        }
        Err(TypeObjectError::Unsupported { type_id: id.clone(), what: "bases without end, or no structures" })
    }

    fn member(&mut self, member: &StructureMember<Complete>) -> Result<MemberNode, TypeObjectError> {
        Ok(MemberNode {
            name: member.detail.name.as_str().into(),
            id: member.id,
            member_type: self.place(&member.member_type)?,
            key: member.flags.contains(MemberFlags::KEY),
            optional: member.flags.contains(MemberFlags::OPTIONAL),
            // Some peers set the flag of all key members, whose headers do not have it.
            must_understand: member.flags.contains(MemberFlags::MUST_UNDERSTAND)
                && !member.flags.contains(MemberFlags::KEY),
        })
    }

    fn union(&mut self, union: &UnionType<Complete>) -> Result<UnionNode, TypeObjectError> {
        let cases = union.cases.iter().map(|case| {
            Ok(CaseNode {
                name: case.detail.name.as_str().into(),
                id: case.id,
                labels: case.labels.0.iter().map(|label| i64::from(*label)).collect(),
                default: case.flags.contains(MemberFlags::DEFAULT),
                member_type: match &case.member_type {
                    TypeIdentifier::None => None,
                    member => Some(self.place(member)?),
                },
            })
        });
        let mut cases = cases.collect::<Result<Vec<_>, TypeObjectError>>()?;
        // Discriminators that select no case have no member; type objects need not say so.
        if !cases.iter().any(|case| case.default) {
            let (labels, id) = ([].into(), u32::MAX);
            cases.push(CaseNode { name: "".into(), id, labels, default: true, member_type: None });
        }
        Ok(UnionNode {
            cases: cases.into(),
            name: union.header.detail.type_name.as_str().into(),
            extensibility: extensibility(union.flags),
            nested: union.flags.contains(TypeFlags::NESTED),
            discriminator: self.place(&union.discriminator.discriminator_type)?,
        })
    }
}

/// A bound, which is 0 where there is none.
fn limit(bound: u32) -> Option<u32> {
    (bound != 0).then_some(bound)
}

/// Final where nothing is said, as IDL compilers of before XTypes mean it.
fn extensibility(flags: TypeFlags) -> Extensibility {
    flags.extensibility().unwrap_or(Extensibility::Final)
}

fn enumeration_node(enumeration: &EnumerationType<Complete>) -> EnumerationNode {
    let literals = enumeration.literals.iter().map(|literal| LiteralNode {
        name: literal.detail.name.as_str().into(),
        value: literal.common.value,
        default: literal.common.flags.contains(MemberFlags::DEFAULT),
    });
    EnumerationNode {
        literals: literals.collect(),
        name: enumeration.header.detail.type_name.as_str().into(),
        extensibility: extensibility(enumeration.flags),
        bit_bound: enumeration.header.bit_bound,
    }
}

fn bitmask_node(bitmask: &BitmaskType<Complete>) -> BitmaskNode {
    let flags = bitmask
        .flags
        .iter()
        .map(|flag| FlagNode { name: flag.detail.name.as_str().into(), position: flag.position });
    BitmaskNode {
        flags: flags.collect(),
        name: bitmask.header.detail.type_name.as_str().into(),
        bit_bound: bitmask.header.bit_bound,
    }
}
