//! Graphs of types, and the checks that make a type safe to decode against.

use super::node::{
    BitmaskNode, EnumerationNode, StructureNode, TypeIndex, TypeNode, UnionNode, bitmask_holder,
    enumeration_holder,
};
use super::ty::DynamicType;
use super::value::VALUE_SIZE;
use crate::dds_type::LengthCode;
use crate::type_description::{Extensibility, PrimitiveKind};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Types that refer to each other.
#[derive(Debug, Default)]
pub(super) struct Graph {
    nodes: Box<[TypeNode]>,
    facts: Box<[Facts]>,
    /// Of each type: member ids, labels or literals in ascending order, and their places. A look-up
    /// costs little however many a type from the network has.
    lookups: Box<[Lookup]>,
}

type Lookup = Box<[(i64, u32)]>;

/// What follows from the definition of a type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts {
    /// Fewest bytes of any value in any encoding.
    pub(super) minimum: usize,
    /// Bytes of memory that the value of an absent member takes.
    pub(super) initial: usize,
    /// How its size is known where it is a member of a mutable structure in XCDR2.
    pub(super) length_code: LengthCode,
}

impl Graph {
    pub(super) fn node(&self, index: TypeIndex) -> &TypeNode {
        // Every index of a graph has been checked when it was built.
        const NOTHING: &TypeNode = &TypeNode::Primitive(PrimitiveKind::UInt8);
        usize::try_from(index.0).ok().and_then(|index| self.nodes.get(index)).unwrap_or(NOTHING)
    }

    pub(super) fn facts(&self, index: TypeIndex) -> Facts {
        const NOTHING: Facts = Facts { minimum: 1, initial: 0, length_code: LengthCode::One };
        usize::try_from(index.0).ok().and_then(|index| self.facts.get(index)).copied().unwrap_or(NOTHING)
    }

    /// The primitive that the values of a type are, if they are primitive; octets are `u8`.
    pub(super) fn primitive(&self, index: TypeIndex) -> Option<PrimitiveKind> {
        match self.node(index) {
            TypeNode::Primitive(PrimitiveKind::Byte) => Some(PrimitiveKind::UInt8),
            TypeNode::Primitive(kind) => Some(*kind),
            _ => None,
        }
    }

    /// Place of the member with this id, of the case with this label, or of the literal with this
    /// value.
    pub(super) fn lookup(&self, index: TypeIndex, key: i64) -> Option<usize> {
        let lookup = usize::try_from(index.0).ok().and_then(|index| self.lookups.get(index))?;
        let found = lookup.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        lookup.get(found).and_then(|(_, place)| usize::try_from(*place).ok())
    }

    pub(super) fn nodes(&self) -> &[TypeNode] {
        &self.nodes
    }
}

/// Why a type cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeError {
    /// A type is declared and not defined.
    Undefined(TypeIndex),
    /// A value of the type would contain itself: only optional members, sequences, maps and cases
    /// of unions other than the first may.
    Infinite {
        /// Name of the type.
        type_name: String,
    },
    /// More than [`GraphBuilder::MAX_TYPES`] types.
    TooManyTypes,
    /// Types nest deeper than [`CdrReader::MAX_DEPTH`](crate::cdr::CdrReader::MAX_DEPTH).
    TooDeep,
    /// The default value of the type would take more than [`GraphBuilder::MAX_INITIAL_SIZE`].
    TooLarge {
        /// Name of the type.
        type_name: String,
    },
    /// Two members, cases, literals or flags have the same name, id, label or position.
    Duplicate {
        /// Name of the type.
        type_name: String,
        /// What occurs twice.
        what: String,
    },
    /// A structure, union or enumeration without members, cases or literals.
    Empty {
        /// Name of the type.
        type_name: String,
    },
    /// The definition breaks another rule of XTypes 1.3 §7.2.2.
    Invalid {
        /// Name of the type.
        type_name: String,
        /// Which one.
        reason: &'static str,
    },
}

impl fmt::Display for TypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined(index) => write!(f, "type {} is declared and not defined", index.0),
            Self::Infinite { type_name } => {
                write!(f, "a {type_name} would contain itself: make the member optional, or a sequence")
            }
            Self::TooManyTypes => write!(f, "more than {} types", GraphBuilder::MAX_TYPES),
            Self::TooDeep => f.write_str("types nest too deeply"),
            Self::TooLarge { type_name } => write!(f, "the default value of {type_name} is too large"),
            Self::Duplicate { type_name, what } => write!(f, "{type_name} has {what} twice"),
            Self::Empty { type_name } => write!(f, "{type_name} has no members"),
            Self::Invalid { type_name, reason } => write!(f, "{type_name}: {reason}"),
        }
    }
}

impl core::error::Error for TypeError {}

/// Makes types that may refer to each other, and to themselves: each is declared, then defined.
///
/// For types without recursion [`DynamicType::structure`](super::DynamicType::structure) and its
/// like are shorter.
#[derive(Clone, Debug, Default)]
pub struct GraphBuilder {
    nodes: Vec<Option<TypeNode>>,
}

impl GraphBuilder {
    /// Most types of a graph.
    pub const MAX_TYPES: usize = 1 << 16;
    /// Most bytes of memory of a type's default value.
    pub const MAX_INITIAL_SIZE: usize = 1 << 28;

    /// A place for a type.
    pub fn declare(&mut self) -> TypeIndex {
        let index = TypeIndex(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(None);
        index
    }

    /// Says what a declared type is.
    pub fn define(&mut self, index: TypeIndex, node: TypeNode) {
        if let Some(place) = usize::try_from(index.0).ok().and_then(|at| self.nodes.get_mut(at)) {
            *place = Some(node);
        }
    }

    /// Declares and defines.
    pub fn add(&mut self, node: TypeNode) -> TypeIndex {
        let index = self.declare();
        self.define(index, node);
        index
    }

    /// Adds a type and all that it refers to.
    pub fn add_type(&mut self, added: &DynamicType) -> TypeIndex {
        let distance = self.import(added.graph());
        added.index().moved(distance)
    }

    /// Adds all types of another graph, and gives the distance their places move by.
    pub(super) fn import(&mut self, graph: &Graph) -> u32 {
        let distance = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.extend(graph.nodes().iter().map(|node| Some(moved(node, distance))));
        distance
    }

    /// The checked graph.
    pub(super) fn finish(self) -> Result<Graph, TypeError> {
        if self.nodes.len() > Self::MAX_TYPES {
            return Err(TypeError::TooManyTypes);
        }
        let mut nodes = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.into_iter().enumerate() {
            let index = TypeIndex(u32::try_from(index).unwrap_or(u32::MAX));
            nodes.push(node.ok_or(TypeError::Undefined(index))?);
        }
        let count = nodes.len();
        for node in &nodes {
            let mut known = true;
            each_child(node, |child| known &= usize::try_from(child.0).is_ok_and(|at| at < count));
            if !known {
                return Err(invalid(node, "refers to a type of another graph"));
            }
        }
        nodes.iter().try_for_each(|node| check(node, &nodes))?;
        let mut analysis = Analysis { nodes: &nodes, found: alloc::vec![None; count] };
        for index in 0..count {
            analysis.facts(index, 0)?;
        }
        check_nesting(&nodes)?;
        let facts = analysis.found.iter().map(|found| match found {
            Some(State::Done(facts)) => *facts,
            _ => Facts { minimum: 1, initial: 0, length_code: LengthCode::Separate },
        });
        let facts = facts.collect();
        let lookups = nodes.iter().map(lookup).collect();
        Ok(Graph { nodes: nodes.into_boxed_slice(), facts, lookups })
    }
}

fn lookup(node: &TypeNode) -> Lookup {
    fn sorted(keys: impl Iterator<Item = (i64, usize)>) -> Lookup {
        let mut keys: Vec<_> =
            keys.map(|(key, place)| (key, u32::try_from(place).unwrap_or(u32::MAX))).collect();
        keys.sort_unstable();
        keys.into_boxed_slice()
    }
    match node {
        TypeNode::Structure(structure) => {
            sorted(structure.members.iter().enumerate().map(|(place, member)| (i64::from(member.id), place)))
        }
        TypeNode::Union(union) => sorted(
            union
                .cases
                .iter()
                .enumerate()
                .flat_map(|(place, case)| case.labels.iter().map(move |label| (*label, place))),
        ),
        TypeNode::Enumeration(enumeration) => sorted(
            enumeration.literals.iter().enumerate().map(|(place, literal)| (i64::from(literal.value), place)),
        ),
        _ => Box::default(),
    }
}

/// A node whose references are moved by a distance.
fn moved(node: &TypeNode, distance: u32) -> TypeNode {
    let mut node = node.clone();
    each_child_mut(&mut node, |index| *index = index.moved(distance));
    node
}

/// A node without its references.
pub(super) fn anonymous(node: &TypeNode) -> TypeNode {
    let mut node = node.clone();
    each_child_mut(&mut node, |index| *index = TypeIndex(0));
    node
}

fn each_child_mut(node: &mut TypeNode, mut child: impl FnMut(&mut TypeIndex)) {
    match node {
        TypeNode::Sequence { element, .. } | TypeNode::Array { element, .. } => child(element),
        TypeNode::Map { key, value, .. } => {
            child(key);
            child(value);
        }
        TypeNode::Structure(structure) => {
            structure.members.iter_mut().for_each(|member| child(&mut member.member_type));
        }
        TypeNode::Union(union) => {
            child(&mut union.discriminator);
            union.cases.iter_mut().filter_map(|case| case.member_type.as_mut()).for_each(child);
        }
        _ => {}
    }
}

pub(super) fn each_child(node: &TypeNode, mut child: impl FnMut(TypeIndex)) {
    match node {
        TypeNode::Sequence { element, .. } | TypeNode::Array { element, .. } => child(*element),
        TypeNode::Map { key, value, .. } => {
            child(*key);
            child(*value);
        }
        TypeNode::Structure(structure) => {
            structure.members.iter().for_each(|member| child(member.member_type));
        }
        TypeNode::Union(union) => {
            child(union.discriminator);
            union.cases.iter().filter_map(|case| case.member_type).for_each(child);
        }
        _ => {}
    }
}

fn name_of(node: &TypeNode) -> String {
    match node {
        TypeNode::Structure(StructureNode { name, .. })
        | TypeNode::Union(UnionNode { name, .. })
        | TypeNode::Enumeration(EnumerationNode { name, .. })
        | TypeNode::Bitmask(BitmaskNode { name, .. }) => name.to_string(),
        TypeNode::Sequence { .. } => "a sequence".into(),
        TypeNode::Array { .. } => "an array".into(),
        TypeNode::Map { .. } => "a map".into(),
        TypeNode::Primitive(kind) => kind.idl_name().into(),
        TypeNode::String8 { .. } => "string".into(),
        TypeNode::String16 { .. } => "wstring".into(),
    }
}

fn invalid(node: &TypeNode, reason: &'static str) -> TypeError {
    TypeError::Invalid { type_name: name_of(node), reason }
}

/// Refuses values that occur twice.
fn distinct<T: Ord>(
    node: &TypeNode,
    values: impl Iterator<Item = T>,
    what: impl Fn(&T) -> String,
) -> Result<(), TypeError> {
    let mut seen = BTreeSet::new();
    for value in values {
        if seen.contains(&value) {
            return Err(TypeError::Duplicate { type_name: name_of(node), what: what(&value) });
        }
        seen.insert(value);
    }
    Ok(())
}

/// The rules of one type on its own.
fn check(node: &TypeNode, nodes: &[TypeNode]) -> Result<(), TypeError> {
    let at = |index: TypeIndex| usize::try_from(index.0).ok().and_then(|at| nodes.get(at));
    let named = |name: &&str| alloc::format!("member {name}");
    let empty = || TypeError::Empty { type_name: name_of(node) };
    match node {
        TypeNode::Structure(structure) => {
            if structure.members.is_empty() {
                return Err(empty());
            }
            distinct(node, structure.members.iter().map(|member| &*member.name), named)?;
            distinct(node, structure.members.iter().map(|member| member.id), |id| {
                alloc::format!("member id {id:#x}")
            })?;
            if structure.members.iter().any(|member| member.id > MAX_MEMBER_ID) {
                return Err(invalid(node, "member ids have 28 bits"));
            }
            if structure.members.iter().any(|member| member.key && member.optional) {
                return Err(invalid(node, "a key member cannot be optional"));
            }
        }
        TypeNode::Union(union) => {
            if union.cases.is_empty() {
                return Err(empty());
            }
            if union.extensibility == Extensibility::Mutable {
                return Err(invalid(node, "mutable unions are not supported"));
            }
            let discriminates = match at(union.discriminator) {
                Some(TypeNode::Primitive(kind)) => {
                    !matches!(kind, PrimitiveKind::Float32 | PrimitiveKind::Float64)
                }
                Some(TypeNode::Enumeration(_)) => true,
                _ => false,
            };
            if !discriminates {
                return Err(invalid(
                    node,
                    "the discriminator is no integer, character, boolean or enumeration",
                ));
            }
            distinct(node, union.cases.iter().map(|case| &*case.name), named)?;
            let labels = union.cases.iter().flat_map(|case| case.labels.iter().copied());
            distinct(node, labels, |label| alloc::format!("case {label}"))?;
            if union.cases.iter().filter(|case| case.default).count() > 1 {
                return Err(invalid(node, "more than one default case"));
            }
            if union.cases.iter().any(|case| case.labels.is_empty() && !case.default) {
                return Err(invalid(node, "a case without label that is not the default"));
            }
        }
        TypeNode::Enumeration(enumeration) => {
            if enumeration.literals.is_empty() {
                return Err(empty());
            }
            if !(1..=32).contains(&enumeration.bit_bound) {
                return Err(invalid(node, "the bit bound of an enumeration is 1 to 32"));
            }
            distinct(node, enumeration.literals.iter().map(|literal| &*literal.name), |name| {
                alloc::format!("literal {name}")
            })?;
            distinct(node, enumeration.literals.iter().map(|literal| literal.value), |value| {
                alloc::format!("value {value}")
            })?;
        }
        TypeNode::Bitmask(bitmask) => {
            if !(1..=64).contains(&bitmask.bit_bound) {
                return Err(invalid(node, "the bit bound of a bitmask is 1 to 64"));
            }
            if bitmask.flags.iter().any(|flag| flag.position >= bitmask.bit_bound) {
                return Err(invalid(node, "a flag is outside of the bit bound"));
            }
            distinct(node, bitmask.flags.iter().map(|flag| &*flag.name), |name| {
                alloc::format!("flag {name}")
            })?;
            distinct(node, bitmask.flags.iter().map(|flag| flag.position), |position| {
                alloc::format!("position {position}")
            })?;
        }
        TypeNode::Primitive(PrimitiveKind::Float128) => {
            return Err(invalid(node, "long double is not supported"));
        }
        TypeNode::Array { element, dimensions } => {
            if dimensions.is_empty() || dimensions.contains(&0) {
                return Err(invalid(node, "a dimension has at least one element"));
            }
            if matches!(at(*element), Some(TypeNode::Array { .. })) {
                return Err(invalid(node, "arrays of arrays are dimensions of one array"));
            }
        }
        _ => {}
    }
    Ok(())
}

/// How many collections may be directly in each other; with what structures may nest, it bounds the
/// recursion of everything that follows types.
const MAX_NESTED_COLLECTIONS: u8 = 8;

/// Refuses collections of collections of collections without end.
fn check_nesting(nodes: &[TypeNode]) -> Result<(), TypeError> {
    fn nesting(
        nodes: &[TypeNode],
        found: &mut [Option<u8>],
        index: TypeIndex,
        depth: u8,
    ) -> Result<u8, TypeError> {
        let at = usize::try_from(index.0).unwrap_or(usize::MAX);
        if let Some(known) = found.get(at).copied().flatten() {
            return Ok(known);
        }
        if depth > MAX_NESTED_COLLECTIONS {
            return Err(TypeError::TooDeep);
        }
        let below = depth.saturating_add(1);
        let result = match nodes.get(at) {
            Some(TypeNode::Sequence { element, .. } | TypeNode::Array { element, .. }) => {
                nesting(nodes, found, *element, below)?.saturating_add(1)
            }
            Some(TypeNode::Map { key, value, .. }) => {
                let key = nesting(nodes, found, *key, below)?;
                nesting(nodes, found, *value, below)?.max(key).saturating_add(1)
            }
            _ => 0,
        };
        if result > MAX_NESTED_COLLECTIONS {
            return Err(TypeError::TooDeep);
        }
        if let Some(place) = found.get_mut(at) {
            *place = Some(result);
        }
        Ok(result)
    }
    let mut found = alloc::vec![None; nodes.len()];
    (0..nodes.len()).try_for_each(|at| {
        nesting(nodes, &mut found, TypeIndex(u32::try_from(at).unwrap_or(u32::MAX)), 0).map(drop)
    })
}

const MAX_MEMBER_ID: u32 = 0x0fff_ffff;

#[derive(Clone, Copy)]
enum State {
    InProgress,
    Done(Facts),
}

/// Finds the facts of every type, innermost types first.
struct Analysis<'n> {
    nodes: &'n [TypeNode],
    found: Vec<Option<State>>,
}

impl Analysis<'_> {
    /// How deeply types without recursion may nest: structures and as many collections.
    const MAX_DEPTH: usize = 128;

    fn facts(&mut self, index: usize, depth: usize) -> Result<Facts, TypeError> {
        let Some(node) = self.nodes.get(index) else {
            return Err(TypeError::Undefined(TypeIndex(u32::MAX)));
        };
        match self.found.get(index).copied().flatten() {
            Some(State::Done(facts)) => return Ok(facts),
            Some(State::InProgress) => return Err(TypeError::Infinite { type_name: name_of(node) }),
            None => {}
        }
        if depth > Self::MAX_DEPTH {
            return Err(TypeError::TooDeep);
        }
        self.note(index, State::InProgress);
        let facts = self.find(node, depth.saturating_add(1))?;
        if facts.initial > GraphBuilder::MAX_INITIAL_SIZE {
            return Err(TypeError::TooLarge { type_name: name_of(node) });
        }
        self.note(index, State::Done(facts));
        Ok(facts)
    }

    fn note(&mut self, index: usize, state: State) {
        if let Some(place) = self.found.get_mut(index) {
            *place = Some(state);
        }
    }

    fn child(&mut self, index: TypeIndex, depth: usize) -> Result<Facts, TypeError> {
        self.facts(usize::try_from(index.0).unwrap_or(usize::MAX), depth)
    }

    fn primitive(&self, index: TypeIndex) -> Option<PrimitiveKind> {
        match usize::try_from(index.0).ok().and_then(|at| self.nodes.get(at)) {
            Some(TypeNode::Primitive(kind)) => Some(*kind),
            _ => None,
        }
    }

    fn find(&mut self, node: &TypeNode, depth: usize) -> Result<Facts, TypeError> {
        let holder =
            |kind: PrimitiveKind| Facts { minimum: kind.size(), initial: 0, length_code: kind.length_code() };
        let prefixed = |length_code| Facts { minimum: 4, initial: 0, length_code };
        Ok(match node {
            TypeNode::Primitive(kind) => holder(*kind),
            TypeNode::Enumeration(enumeration) => holder(enumeration_holder(enumeration.bit_bound)),
            TypeNode::Bitmask(bitmask) => holder(bitmask_holder(bitmask.bit_bound)),
            TypeNode::String8 { .. } | TypeNode::String16 { .. } => prefixed(LengthCode::Own),
            TypeNode::Sequence { element, .. } => {
                prefixed(match self.primitive(*element).map(PrimitiveKind::size) {
                    Some(2) => LengthCode::Separate,
                    Some(4) => LengthCode::OwnFours,
                    Some(8) => LengthCode::OwnEights,
                    _ => LengthCode::Own,
                })
            }
            TypeNode::Map { key, value, .. } => {
                let primitive = self.primitive(*key).is_some() && self.primitive(*value).is_some();
                prefixed(if primitive { LengthCode::Separate } else { LengthCode::Own })
            }
            TypeNode::Array { element, dimensions } => {
                let length = length(dimensions);
                let primitive = self.primitive(*element);
                let element = self.child(*element, depth)?;
                let size = primitive.map_or(element.initial.saturating_add(VALUE_SIZE), PrimitiveKind::size);
                Facts {
                    minimum: element.minimum.saturating_mul(length),
                    initial: size.saturating_mul(length),
                    length_code: if primitive.is_some() { LengthCode::Separate } else { LengthCode::Own },
                }
            }
            TypeNode::Structure(structure) => {
                let (mut minimum, mut initial) = (0_usize, 0_usize);
                for member in &structure.members {
                    initial = initial.saturating_add(VALUE_SIZE);
                    if member.optional {
                        minimum = minimum.saturating_add(1);
                        continue;
                    }
                    let facts = self.child(member.member_type, depth)?;
                    minimum = minimum.saturating_add(facts.minimum);
                    initial = initial.saturating_add(facts.initial);
                }
                let minimum = match structure.extensibility {
                    Extensibility::Final => minimum,
                    // A DHEADER with nothing behind it, in XCDR2.
                    Extensibility::Appendable => minimum.min(4),
                    // A DHEADER, or the end of the list.
                    Extensibility::Mutable => 4,
                };
                Facts { minimum, initial, length_code: LengthCode::Separate }
            }
            TypeNode::Union(union) => {
                let minimum = self.child(union.discriminator, depth)?.minimum;
                let first = union.cases.first().and_then(|case| case.member_type);
                let initial =
                    first.map_or(Ok(0), |first| self.child(first, depth).map(|facts| facts.initial))?;
                let minimum = match union.extensibility {
                    Extensibility::Final => minimum,
                    _ => minimum.min(4),
                };
                let initial = initial.saturating_add(VALUE_SIZE.saturating_mul(2));
                Facts { minimum, initial, length_code: LengthCode::Separate }
            }
        })
    }
}

/// Number of elements of an array.
pub(super) fn length(dimensions: &[u32]) -> usize {
    dimensions.iter().fold(1_usize, |length, dimension| {
        length.saturating_mul(usize::try_from(*dimension).unwrap_or(usize::MAX))
    })
}
