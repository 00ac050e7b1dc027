//! Types from the descriptions that the derive writes.

use super::graph::GraphBuilder;
use super::node::{
    BitmaskNode, CaseNode, EnumerationNode, FlagNode, LiteralNode, MemberNode, StructureNode, TypeIndex,
    TypeNode, UnionNode,
};
use crate::type_description::{PrimitiveKind, TypeDescription, TypeReference};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// A description by its address, and what a member adds to it.
type Known = BTreeMap<(usize, Details), TypeIndex>;

/// What a member says of its type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Details {
    /// Bound of the string, sequence or map that the type is.
    bound: Option<u32>,
    /// Whether the innermost `u8` is an octet.
    octet: bool,
}

/// Adds the described type and all that it refers to.
pub(super) fn add(builder: &mut GraphBuilder, description: &'static TypeDescription) -> TypeIndex {
    let mut adder = Adder { builder, known: Known::new(), open: Vec::new() };
    let index = adder.place(description, Details::default());
    while let Some((index, description, details)) = adder.open.pop() {
        let node = adder.node(description, details);
        adder.builder.define(index, node);
    }
    index
}

struct Adder<'b> {
    builder: &'b mut GraphBuilder,
    known: Known,
    open: Vec<(TypeIndex, &'static TypeDescription, Details)>,
}

impl Adder<'_> {
    /// The place of a type, which is defined later.
    fn place(&mut self, description: &'static TypeDescription, details: Details) -> TypeIndex {
        let address = core::ptr::from_ref(description).addr();
        if let Some(index) = self.known.get(&(address, details)) {
            return *index;
        }
        let index = self.builder.declare();
        self.known.insert((address, details), index);
        self.open.push((index, description, details));
        index
    }

    fn refer(&mut self, reference: TypeReference, octet: bool) -> TypeIndex {
        self.place(reference.description(), Details { bound: None, octet })
    }

    fn node(&mut self, description: &'static TypeDescription, details: Details) -> TypeNode {
        let Details { bound, octet } = details;
        match description {
            TypeDescription::Primitive(PrimitiveKind::UInt8) if octet => {
                TypeNode::Primitive(PrimitiveKind::Byte)
            }
            TypeDescription::Primitive(kind) => TypeNode::Primitive(*kind),
            TypeDescription::String8 { bound: own } => TypeNode::String8 { bound: bound.or(*own) },
            TypeDescription::String16 { bound: own } => TypeNode::String16 { bound: bound.or(*own) },
            TypeDescription::Sequence { element, bound: own } => {
                TypeNode::Sequence { element: self.refer(*element, octet), bound: bound.or(*own) }
            }
            TypeDescription::Array { element, length } => {
                let mut dimensions = vec![u32::try_from(*length).unwrap_or(u32::MAX)];
                let mut element = *element;
                while let TypeDescription::Array { element: inner, length } = element.description() {
                    dimensions.push(u32::try_from(*length).unwrap_or(u32::MAX));
                    element = *inner;
                }
                TypeNode::Array { element: self.refer(element, octet), dimensions: dimensions.into() }
            }
            TypeDescription::Map { key, value, bound: own } => TypeNode::Map {
                key: self.refer(*key, false),
                value: self.refer(*value, octet),
                bound: bound.or(*own),
            },
            TypeDescription::Structure(structure) => {
                let members = structure.members.iter().map(|member| MemberNode {
                    name: member.name.into(),
                    id: member.id,
                    member_type: self.place(
                        member.member_type.description(),
                        Details { bound: member.bound, octet: member.octet },
                    ),
                    key: member.key,
                    optional: member.optional,
                    must_understand: member.must_understand,
                });
                TypeNode::Structure(StructureNode {
                    members: members.collect(),
                    name: structure.name.into(),
                    extensibility: structure.extensibility,
                    nested: structure.nested,
                })
            }
            TypeDescription::Union(union) => {
                let cases = union.cases.iter().map(|case| CaseNode {
                    name: case.name.into(),
                    id: case.id,
                    labels: case.labels.into(),
                    default: case.default,
                    member_type: case.member_type.map(|reference| {
                        let details = Details { bound: case.bound, octet: case.octet };
                        self.place(reference.description(), details)
                    }),
                });
                let cases = cases.collect();
                TypeNode::Union(UnionNode {
                    cases,
                    name: union.name.into(),
                    extensibility: union.extensibility,
                    nested: union.nested,
                    discriminator: self.refer(union.discriminator, false),
                })
            }
            TypeDescription::Enumeration(enumeration) => TypeNode::Enumeration(EnumerationNode {
                name: enumeration.name.into(),
                extensibility: enumeration.extensibility,
                bit_bound: enumeration.bit_bound,
                literals: enumeration
                    .literals
                    .iter()
                    .map(|literal| LiteralNode {
                        name: literal.name.into(),
                        value: literal.value,
                        default: literal.default,
                    })
                    .collect(),
            }),
            TypeDescription::Bitmask(bitmask) => TypeNode::Bitmask(BitmaskNode {
                name: bitmask.name.into(),
                bit_bound: bitmask.bit_bound,
                flags: bitmask
                    .flags
                    .iter()
                    .map(|flag| FlagNode { name: flag.name.into(), position: flag.position })
                    .collect(),
            }),
        }
    }
}
