//! Types at run time.

use super::build::{BitmaskBuilder, EnumerationBuilder, StructureBuilder, UnionBuilder};
use super::describe;
use super::graph::{Graph, GraphBuilder, TypeError};
use super::node::{StructureNode, TypeIndex, TypeNode};
use super::path::{PathError, resolve};
use crate::dds_type::DdsType;
use crate::type_description::{Extensibility, PrimitiveKind, TypeDescription};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

/// A type that is known at run time (XTypes 1.3 §7.5.2). Clones share it.
///
/// It comes from a Rust type, from a builder, or from the type objects that another process
/// announces; whatever its origin, it has been checked: values of it are finite, nest within bounds
/// and have default values of bounded size.
#[derive(Clone)]
pub struct DynamicType {
    graph: Arc<Graph>,
    index: TypeIndex,
}

impl DynamicType {
    /// The type that `T` has in DDS.
    ///
    /// # Errors
    /// The type cannot be handled at run time: its default value is huge, or its collections nest
    /// more than 8 deep.
    pub fn of<T: DdsType>() -> Result<Self, TypeError> {
        Self::from_description(T::DESCRIPTION)
    }

    /// The type of a description.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn from_description(description: &'static TypeDescription) -> Result<Self, TypeError> {
        let mut builder = GraphBuilder::default();
        let index = describe::add(&mut builder, description);
        Self::from_graph(builder, index)
    }

    /// The type at a place of a graph, and all that it refers to.
    ///
    /// # Errors
    /// The types are incomplete or break a rule.
    pub fn from_graph(graph: GraphBuilder, index: TypeIndex) -> Result<Self, TypeError> {
        let graph = graph.finish()?;
        if !usize::try_from(index.0).is_ok_and(|index| index < graph.nodes().len()) {
            return Err(TypeError::Undefined(index));
        }
        Ok(Self { graph: Arc::new(graph), index })
    }

    /// A type that refers to no other.
    fn simple(node: TypeNode) -> Self {
        let mut builder = GraphBuilder::default();
        let index = builder.add(node);
        let graph = builder.finish().unwrap_or_default();
        Self { graph: Arc::new(graph), index }
    }

    /// A primitive type.
    pub fn primitive(kind: PrimitiveKind) -> Self {
        Self::simple(TypeNode::Primitive(kind))
    }

    /// A string of 8-bit characters, of at most `bound` bytes.
    pub fn string(bound: Option<u32>) -> Self {
        Self::simple(TypeNode::String8 { bound })
    }

    /// A string of 16-bit characters, of at most `bound` UTF-16 code units.
    pub fn wide_string(bound: Option<u32>) -> Self {
        Self::simple(TypeNode::String16 { bound })
    }

    /// A sequence of at most `bound` elements.
    ///
    /// # Errors
    /// Collections nest too deeply.
    pub fn sequence(element: &Self, bound: Option<u32>) -> Result<Self, TypeError> {
        let mut builder = GraphBuilder::default();
        let element = builder.add_type(element);
        let index = builder.add(TypeNode::Sequence { element, bound });
        Self::from_graph(builder, index)
    }

    /// An array with these dimensions, the outermost first.
    ///
    /// # Errors
    /// A dimension is zero, the array is huge, or its elements are arrays: give all dimensions at
    /// once.
    pub fn array(element: &Self, dimensions: &[u32]) -> Result<Self, TypeError> {
        let mut builder = GraphBuilder::default();
        let element = builder.add_type(element);
        let index = builder.add(TypeNode::Array { element, dimensions: dimensions.into() });
        Self::from_graph(builder, index)
    }

    /// A map of at most `bound` entries.
    ///
    /// # Errors
    /// Collections nest too deeply.
    pub fn map(key: &Self, value: &Self, bound: Option<u32>) -> Result<Self, TypeError> {
        let mut builder = GraphBuilder::default();
        let (key, value) = (builder.add_type(key), builder.add_type(value));
        let index = builder.add(TypeNode::Map { key, value, bound });
        Self::from_graph(builder, index)
    }

    /// Begins a structure of this name.
    pub fn structure(name: &str) -> StructureBuilder {
        StructureBuilder::new(name)
    }

    /// Begins a union of this name.
    pub fn union(name: &str, discriminator: &Self) -> UnionBuilder {
        UnionBuilder::new(name, discriminator)
    }

    /// Begins an enumeration of this name.
    pub fn enumeration(name: &str) -> EnumerationBuilder {
        EnumerationBuilder::new(name)
    }

    /// Begins a bitmask of this name.
    pub fn bitmask(name: &str) -> BitmaskBuilder {
        BitmaskBuilder::new(name)
    }

    pub(super) fn graph(&self) -> &Graph {
        &self.graph
    }

    pub(crate) fn index(&self) -> TypeIndex {
        self.index
    }

    /// The definition of the type.
    pub fn node(&self) -> &TypeNode {
        self.graph.node(self.index)
    }

    /// The definition of a type that this one's refers to.
    pub fn node_at(&self, index: TypeIndex) -> &TypeNode {
        self.graph.node(index)
    }

    /// A type that this one's definition refers to.
    pub fn at(&self, index: TypeIndex) -> Self {
        Self { graph: self.graph.clone(), index }
    }

    /// The type of what a path leads to, such as `position.x` or `rows[2].name`.
    ///
    /// # Errors
    /// The path leads nowhere.
    pub fn at_path(&self, path: &str) -> Result<Self, PathError> {
        resolve(&self.graph, self.index, path).map(|(_, index)| self.at(index))
    }

    /// Name of a named type, scopes separated by `::`.
    pub fn name(&self) -> Option<&str> {
        match self.node() {
            TypeNode::Structure(structure) => Some(&structure.name),
            TypeNode::Union(union) => Some(&union.name),
            TypeNode::Enumeration(enumeration) => Some(&enumeration.name),
            TypeNode::Bitmask(bitmask) => Some(&bitmask.name),
            _ => None,
        }
    }

    /// How it may change; final for types that have no extensibility.
    pub fn extensibility(&self) -> Extensibility {
        match self.node() {
            TypeNode::Structure(structure) => structure.extensibility,
            TypeNode::Union(union) => union.extensibility,
            TypeNode::Enumeration(enumeration) => enumeration.extensibility,
            _ => Extensibility::Final,
        }
    }

    /// Whether topics can have it: a structure or union that is not nested.
    pub fn is_topic_type(&self) -> bool {
        match self.node() {
            TypeNode::Structure(structure) => !structure.nested,
            TypeNode::Union(union) => !union.nested,
            _ => false,
        }
    }

    /// Whether it is a structure with key members.
    pub fn has_key(&self) -> bool {
        matches!(self.node(), TypeNode::Structure(structure) if structure.is_keyed())
    }

    /// The type of the key members, which samples of disposals have and canonical keys are of;
    /// `None` without key.
    pub fn key_type(&self) -> Option<Self> {
        if !self.has_key() {
            return None;
        }
        // Every type twice: as it is, and as it counts in a key (XTypes 1.3 §7.6.8.3.1).
        let mut builder = GraphBuilder::default();
        builder.import(&self.graph);
        let distance = builder.import(&self.graph);
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let index = TypeIndex(u32::try_from(index).unwrap_or(u32::MAX));
            builder.define(index.moved(distance), key_node(node, distance));
        }
        Self::from_graph(builder, self.index.moved(distance)).ok()
    }
}

/// A type as it counts in a key: of structures with key members only those. Where others refer to
/// types, they mean the whole.
fn key_node(node: &TypeNode, distance: u32) -> TypeNode {
    match node {
        TypeNode::Structure(structure) if structure.is_keyed() => {
            let mut members: Box<[_]> =
                structure.members.iter().filter(|member| member.key).cloned().collect();
            for member in &mut members {
                member.member_type = member.member_type.moved(distance);
            }
            TypeNode::Structure(StructureNode { members, nested: true, ..structure.clone() })
        }
        TypeNode::Sequence { element, bound } => {
            TypeNode::Sequence { element: element.moved(distance), bound: *bound }
        }
        TypeNode::Array { element, dimensions } => {
            TypeNode::Array { element: element.moved(distance), dimensions: dimensions.clone() }
        }
        node => node.clone(),
    }
}

impl fmt::Debug for DynamicType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "DynamicType({name})"),
            None => write!(f, "DynamicType({:?})", self.node()),
        }
    }
}

/// Types are equal when they are defined alike, names included.
impl PartialEq for DynamicType {
    fn eq(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.graph, &other.graph) && self.index == other.index {
            return true;
        }
        let mut seen = BTreeSet::new();
        let mut open = vec![(self.index, other.index)];
        while let Some((one, two)) = open.pop() {
            if !seen.insert((one, two)) {
                continue;
            }
            let (one, two) = (self.graph.node(one), other.graph.node(two));
            let (mut one_children, mut two_children) = (Vec::new(), Vec::new());
            super::graph::each_child(one, |child| one_children.push(child));
            super::graph::each_child(two, |child| two_children.push(child));
            if one_children.len() != two_children.len()
                || super::graph::anonymous(one) != super::graph::anonymous(two)
            {
                return false;
            }
            open.extend(one_children.into_iter().zip(two_children));
        }
        true
    }
}

impl Eq for DynamicType {}
