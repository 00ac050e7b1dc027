//! What type objects are made from: descriptions that the derive writes, and types known at run time.

use super::flags::{MemberFlags, TryConstruct, TypeFlags};
use crate::dynamic::{DynamicType, MemberNode, TypeIndex, TypeNode};
use crate::type_description::{PrimitiveKind, TypeDescription, TypeReference};
use alloc::vec::Vec;

/// A type that something describes.
pub(super) trait Source<'s>: Copy {
    /// What tells named types apart.
    type Key: Copy + Ord;

    /// That of a named type; `None` of others.
    fn key(self) -> Option<Self::Key>;

    /// Its name, scopes separated by `::`; empty without one.
    fn name(self) -> &'s str;

    /// What it is.
    fn shape(self) -> Shape<Self>;

    /// What a named type consists of.
    fn outline(self) -> Option<Outline<'s, Self>>;
}

/// What a type is.
pub(super) enum Shape<S> {
    Primitive(PrimitiveKind),
    String8 {
        bound: Option<u32>,
    },
    String16 {
        bound: Option<u32>,
    },
    Sequence {
        element: S,
        bound: Option<u32>,
    },
    /// Its element may be an array, which then is further dimensions.
    Array {
        element: S,
        dimensions: Vec<u32>,
    },
    Map {
        key: S,
        value: S,
        bound: Option<u32>,
    },
    Named,
}

/// What a named type consists of. Cases without a member are left out: discriminators that select none are
/// always allowed.
pub(super) enum Outline<'s, S> {
    Structure { flags: TypeFlags, members: Vec<Member<'s, S>> },
    Union { flags: TypeFlags, discriminator: S, cases: Vec<(Member<'s, S>, Vec<i32>)> },
    Enumeration { flags: TypeFlags, bit_bound: u16, literals: Vec<(&'s str, i32, bool)> },
    Bitmask { bit_bound: u16, flags: Vec<(&'s str, u16)> },
}

/// A member of a structure or union.
pub(super) struct Member<'s, S> {
    pub(super) name: &'s str,
    pub(super) id: u32,
    pub(super) flags: MemberFlags,
    pub(super) member_type: S,
    pub(super) hash_id: Option<&'s str>,
}

#[expect(clippy::cast_possible_truncation, reason = "labels have 32 bits in type objects")]
fn labels(labels: &[i64]) -> Vec<i32> {
    labels.iter().map(|label| *label as i32).collect()
}

/// A description, and what a member adds to it.
#[derive(Clone, Copy)]
pub(super) struct Described {
    description: &'static TypeDescription,
    bound: Option<u32>,
    /// Whether the innermost `u8` is an octet.
    octet: bool,
}

impl Described {
    pub(super) const fn new(description: &'static TypeDescription) -> Self {
        Self { description, bound: None, octet: false }
    }

    fn part(self, reference: TypeReference) -> Self {
        Self { description: reference.description(), bound: None, octet: self.octet }
    }
}

impl Source<'static> for Described {
    /// Names are unique within a type system.
    type Key = &'static str;

    fn key(self) -> Option<&'static str> {
        self.description.name()
    }

    fn name(self) -> &'static str {
        self.description.name().unwrap_or_default()
    }

    fn shape(self) -> Shape<Self> {
        match self.description {
            TypeDescription::Primitive(PrimitiveKind::UInt8) if self.octet => {
                Shape::Primitive(PrimitiveKind::Byte)
            }
            TypeDescription::Primitive(kind) => Shape::Primitive(*kind),
            TypeDescription::String8 { bound } => Shape::String8 { bound: self.bound.or(*bound) },
            TypeDescription::String16 { bound } => Shape::String16 { bound: self.bound.or(*bound) },
            TypeDescription::Sequence { element, bound } => {
                Shape::Sequence { element: self.part(*element), bound: self.bound.or(*bound) }
            }
            TypeDescription::Array { element, length } => Shape::Array {
                element: self.part(*element),
                dimensions: Vec::from([u32::try_from(*length).unwrap_or(u32::MAX)]),
            },
            TypeDescription::Map { key, value, bound } => {
                Shape::Map { key: self.part(*key), value: self.part(*value), bound: self.bound.or(*bound) }
            }
            _ => Shape::Named,
        }
    }

    fn outline(self) -> Option<Outline<'static, Self>> {
        Some(match self.description {
            TypeDescription::Structure(structure) => {
                let members = structure.members.iter().map(|member| Member {
                    name: member.name,
                    id: member.id,
                    flags: MemberFlags::from(member.try_construct)
                        | MemberFlags::EXTERNAL.when(member.external)
                        | MemberFlags::OPTIONAL.when(member.optional)
                        | MemberFlags::MUST_UNDERSTAND.when(member.must_understand)
                        | MemberFlags::KEY.when(member.key),
                    member_type: Self {
                        description: member.member_type.description(),
                        bound: member.bound,
                        octet: member.octet,
                    },
                    hash_id: member.hash_id,
                });
                let flags = TypeFlags::from(structure.extensibility)
                    | TypeFlags::NESTED.when(structure.nested)
                    | TypeFlags::AUTOID_HASH.when(structure.autoid_hash);
                Outline::Structure { flags, members: members.collect() }
            }
            TypeDescription::Union(union) => {
                let cases = union.cases.iter().filter_map(|case| {
                    let member = Member {
                        name: case.name,
                        id: case.id,
                        flags: MemberFlags::from(case.try_construct)
                            | MemberFlags::EXTERNAL.when(case.external)
                            | MemberFlags::DEFAULT.when(case.default),
                        member_type: Self {
                            description: case.member_type?.description(),
                            bound: case.bound,
                            octet: case.octet,
                        },
                        hash_id: None,
                    };
                    Some((member, labels(case.labels)))
                });
                Outline::Union {
                    flags: TypeFlags::from(union.extensibility) | TypeFlags::NESTED.when(union.nested),
                    discriminator: Self::new(union.discriminator.description()),
                    cases: cases.collect(),
                }
            }
            TypeDescription::Enumeration(enumeration) => {
                let literals = enumeration.literals.iter();
                Outline::Enumeration {
                    flags: enumeration.extensibility.into(),
                    bit_bound: enumeration.bit_bound,
                    literals: literals.map(|it| (it.name, it.value, it.default)).collect(),
                }
            }
            TypeDescription::Bitmask(bitmask) => Outline::Bitmask {
                bit_bound: bitmask.bit_bound,
                flags: bitmask.flags.iter().map(|flag| (flag.name, flag.position)).collect(),
            },
            _ => return None,
        })
    }
}

/// A type known at run time, which does not say what becomes of values that do not fit: they are discarded,
/// as by default.
#[derive(Clone, Copy)]
pub(super) struct InGraph<'g> {
    graph: &'g DynamicType,
    index: TypeIndex,
}

impl<'g> InGraph<'g> {
    pub(super) fn new(dynamic_type: &'g DynamicType) -> Self {
        Self { graph: dynamic_type, index: dynamic_type.index() }
    }

    fn at(self, index: TypeIndex) -> Self {
        Self { graph: self.graph, index }
    }

    fn node(self) -> &'g TypeNode {
        self.graph.node_at(self.index)
    }
}

impl<'g> Source<'g> for InGraph<'g> {
    type Key = TypeIndex;

    fn key(self) -> Option<TypeIndex> {
        matches!(self.shape(), Shape::Named).then_some(self.index)
    }

    fn name(self) -> &'g str {
        match self.node() {
            TypeNode::Structure(structure) => &structure.name,
            TypeNode::Union(union) => &union.name,
            TypeNode::Enumeration(enumeration) => &enumeration.name,
            TypeNode::Bitmask(bitmask) => &bitmask.name,
            _ => "",
        }
    }

    fn shape(self) -> Shape<Self> {
        match self.node() {
            TypeNode::Primitive(kind) => Shape::Primitive(*kind),
            TypeNode::String8 { bound } => Shape::String8 { bound: *bound },
            TypeNode::String16 { bound } => Shape::String16 { bound: *bound },
            TypeNode::Sequence { element, bound } => {
                Shape::Sequence { element: self.at(*element), bound: *bound }
            }
            TypeNode::Array { element, dimensions } => {
                Shape::Array { element: self.at(*element), dimensions: dimensions.to_vec() }
            }
            TypeNode::Map { key, value, bound } => {
                Shape::Map { key: self.at(*key), value: self.at(*value), bound: *bound }
            }
            TypeNode::Structure(_) | TypeNode::Union(_) | TypeNode::Enumeration(_) | TypeNode::Bitmask(_) => {
                Shape::Named
            }
        }
    }

    fn outline(self) -> Option<Outline<'g, Self>> {
        let discard = MemberFlags::from(TryConstruct::Discard);
        Some(match self.node() {
            TypeNode::Structure(structure) => {
                let members = structure.members.iter().map(|member: &MemberNode| Member {
                    name: &member.name,
                    id: member.id,
                    flags: discard
                        | MemberFlags::OPTIONAL.when(member.optional)
                        | MemberFlags::MUST_UNDERSTAND.when(member.must_understand)
                        | MemberFlags::KEY.when(member.key),
                    member_type: self.at(member.member_type),
                    hash_id: None,
                });
                let flags =
                    TypeFlags::from(structure.extensibility) | TypeFlags::NESTED.when(structure.nested);
                Outline::Structure { flags, members: members.collect() }
            }
            TypeNode::Union(union) => {
                let cases = union.cases.iter().filter_map(|case| {
                    let member = Member {
                        name: &case.name,
                        id: case.id,
                        flags: discard | MemberFlags::DEFAULT.when(case.default),
                        member_type: self.at(case.member_type?),
                        hash_id: None,
                    };
                    Some((member, labels(&case.labels)))
                });
                Outline::Union {
                    flags: TypeFlags::from(union.extensibility) | TypeFlags::NESTED.when(union.nested),
                    discriminator: self.at(union.discriminator),
                    cases: cases.collect(),
                }
            }
            TypeNode::Enumeration(enumeration) => {
                let literals = enumeration.literals.iter();
                Outline::Enumeration {
                    flags: enumeration.extensibility.into(),
                    bit_bound: enumeration.bit_bound,
                    literals: literals.map(|it| (&*it.name, it.value, it.default)).collect(),
                }
            }
            TypeNode::Bitmask(bitmask) => Outline::Bitmask {
                bit_bound: bitmask.bit_bound,
                flags: bitmask.flags.iter().map(|flag| (&*flag.name, flag.position)).collect(),
            },
            _ => return None,
        })
    }
}
