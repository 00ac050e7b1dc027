//! Types from the descriptions that the derive writes.

use super::graph::GraphBuilder;
use super::node::{
    BitmaskNode, CaseNode, EnumerationNode, FlagNode, LiteralNode, MemberNode, StructureNode, TypeIndex,
    TypeNode, UnionNode,
};
use crate::type_description::{TypeDescription, TypeReference};
use alloc::collections::BTreeMap;
use alloc::vec;
use alloc::vec::Vec;

/// A description by its address, and the bound that a member gives it.
type Known = BTreeMap<(usize, Option<u32>), TypeIndex>;

/// Adds the described type and all that it refers to.
pub(super) fn add(builder: &mut GraphBuilder, description: &'static TypeDescription) -> TypeIndex {
    let mut adder = Adder { builder, known: Known::new(), open: Vec::new() };
    let index = adder.place(description, None);
    while let Some((index, description, bound)) = adder.open.pop() {
        let node = adder.node(description, bound);
        adder.builder.define(index, node);
    }
    index
}

struct Adder<'b> {
    builder: &'b mut GraphBuilder,
    known: Known,
    open: Vec<(TypeIndex, &'static TypeDescription, Option<u32>)>,
}

impl Adder<'_> {
    /// The place of a type, which is defined later.
    fn place(&mut self, description: &'static TypeDescription, bound: Option<u32>) -> TypeIndex {
        let address = core::ptr::from_ref(description).addr();
        if let Some(index) = self.known.get(&(address, bound)) {
            return *index;
        }
        let index = self.builder.declare();
        self.known.insert((address, bound), index);
        self.open.push((index, description, bound));
        index
    }

    fn refer(&mut self, reference: TypeReference) -> TypeIndex {
        self.place(reference.description(), None)
    }

    fn node(&mut self, description: &'static TypeDescription, bound: Option<u32>) -> TypeNode {
        match description {
            TypeDescription::Primitive(kind) => TypeNode::Primitive(*kind),
            TypeDescription::String8 { bound: own } => TypeNode::String8 { bound: bound.or(*own) },
            TypeDescription::String16 { bound: own } => TypeNode::String16 { bound: bound.or(*own) },
            TypeDescription::Sequence { element, bound: own } => {
                TypeNode::Sequence { element: self.refer(*element), bound: bound.or(*own) }
            }
            TypeDescription::Array { element, length } => {
                let mut dimensions = vec![u32::try_from(*length).unwrap_or(u32::MAX)];
                let mut element = *element;
                while let TypeDescription::Array { element: inner, length } = element.description() {
                    dimensions.push(u32::try_from(*length).unwrap_or(u32::MAX));
                    element = *inner;
                }
                TypeNode::Array { element: self.refer(element), dimensions: dimensions.into() }
            }
            TypeDescription::Map { key, value, bound: own } => {
                TypeNode::Map { key: self.refer(*key), value: self.refer(*value), bound: bound.or(*own) }
            }
            TypeDescription::Structure(structure) => {
                let members = structure.members.iter().map(|member| MemberNode {
                    name: member.name.into(),
                    id: member.id,
                    member_type: self.place(member.member_type.description(), member.bound),
                    key: member.key,
                    optional: member.optional,
                    // Of key members the description says it always, their headers never do.
                    must_understand: member.must_understand && !member.key,
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
                    member_type: case
                        .member_type
                        .map(|reference| self.place(reference.description(), case.bound)),
                });
                let cases = cases.collect();
                TypeNode::Union(UnionNode {
                    cases,
                    name: union.name.into(),
                    extensibility: union.extensibility,
                    nested: union.nested,
                    discriminator: self.refer(union.discriminator),
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
