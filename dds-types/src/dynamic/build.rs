//! Builders of named types.

use super::graph::{GraphBuilder, TypeError};
use super::node::{
    BitmaskNode, CaseNode, EnumerationNode, FlagNode, LiteralNode, MemberNode, StructureNode, TypeIndex,
    TypeNode, UnionNode,
};
use super::ty::DynamicType;
use crate::type_description::Extensibility;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Builds a structure, member by member.
///
/// ```
/// use dds_types::dynamic::DynamicType;
/// use dds_types::type_description::{Extensibility, PrimitiveKind};
///
/// let position = DynamicType::structure("fleet::Position")
///     .extensibility(Extensibility::Appendable)
///     .member("vehicle", &DynamicType::string(Some(32)))
///     .key()
///     .member("latitude", &DynamicType::primitive(PrimitiveKind::Float64))
///     .member("speed", &DynamicType::primitive(PrimitiveKind::Float32))
///     .optional()
///     .build()?;
/// assert!(position.has_key());
/// # Ok::<(), dds_types::dynamic::TypeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StructureBuilder {
    graph: GraphBuilder,
    name: Arc<str>,
    extensibility: Extensibility,
    nested: bool,
    members: Vec<MemberNode>,
}

impl StructureBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self {
            graph: GraphBuilder::default(),
            name: name.into(),
            extensibility: Extensibility::Final,
            nested: false,
            members: Vec::new(),
        }
    }

    /// How it may change; final unless said otherwise.
    pub fn extensibility(mut self, extensibility: Extensibility) -> Self {
        self.extensibility = extensibility;
        self
    }

    /// It is only for use inside of other types.
    pub fn nested(mut self) -> Self {
        self.nested = true;
        self
    }

    /// Adds a member, whose id is one more than that of the member before. What follows says more
    /// of it.
    pub fn member(mut self, name: &str, member_type: &DynamicType) -> Self {
        let id = self.members.last().map_or(0, |last| last.id.saturating_add(1));
        let member_type = self.graph.add_type(member_type);
        self.members.push(MemberNode {
            name: name.into(),
            id,
            member_type,
            key: false,
            optional: false,
            must_understand: false,
        });
        self
    }

    fn last(mut self, change: impl FnOnce(&mut MemberNode)) -> Self {
        if let Some(last) = self.members.last_mut() {
            change(last);
        }
        self
    }

    /// The last member is part of the key.
    pub fn key(self) -> Self {
        self.last(|member| member.key = true)
    }

    /// The last member may be absent.
    pub fn optional(self) -> Self {
        self.last(|member| member.optional = true)
    }

    /// Readers that do not know the last member must refuse the sample.
    pub fn must_understand(self) -> Self {
        self.last(|member| member.must_understand = true)
    }

    /// The last member has this id.
    pub fn id(self, id: u32) -> Self {
        self.last(|member| member.id = id)
    }

    /// The structure.
    ///
    /// # Errors
    /// It has no members, or names or ids twice; or breaks another rule.
    pub fn build(mut self) -> Result<DynamicType, TypeError> {
        let index = self.graph.add(TypeNode::Structure(StructureNode {
            name: self.name,
            extensibility: self.extensibility,
            nested: self.nested,
            members: self.members.into(),
        }));
        DynamicType::from_graph(self.graph, index)
    }
}

/// Builds a union, case by case.
#[derive(Clone, Debug)]
pub struct UnionBuilder {
    graph: GraphBuilder,
    name: Arc<str>,
    extensibility: Extensibility,
    discriminator: TypeIndex,
    cases: Vec<CaseNode>,
}

impl UnionBuilder {
    pub(super) fn new(name: &str, discriminator: &DynamicType) -> Self {
        let mut graph = GraphBuilder::default();
        let discriminator = graph.add_type(discriminator);
        Self {
            graph,
            name: name.into(),
            extensibility: Extensibility::Final,
            discriminator,
            cases: Vec::new(),
        }
    }

    /// How it may change; final unless said otherwise. Mutable unions are not supported.
    pub fn extensibility(mut self, extensibility: Extensibility) -> Self {
        self.extensibility = extensibility;
        self
    }

    /// Adds a case that these discriminators select.
    pub fn case(mut self, name: &str, labels: &[i64], member_type: Option<&DynamicType>) -> Self {
        let member_type = member_type.map(|member| self.graph.add_type(member));
        self.cases.push(CaseNode {
            name: name.into(),
            id: u32::try_from(self.cases.len()).unwrap_or(u32::MAX),
            labels: labels.into(),
            default: false,
            member_type,
        });
        self
    }

    /// Adds the case that all other discriminators select.
    pub fn default_case(self, name: &str, member_type: Option<&DynamicType>) -> Self {
        let mut builder = self.case(name, &[], member_type);
        if let Some(last) = builder.cases.last_mut() {
            last.default = true;
        }
        builder
    }

    /// The union.
    ///
    /// # Errors
    /// It has no cases, or names or labels twice; or breaks another rule.
    pub fn build(mut self) -> Result<DynamicType, TypeError> {
        let index = self.graph.add(TypeNode::Union(UnionNode {
            name: self.name,
            extensibility: self.extensibility,
            nested: false,
            discriminator: self.discriminator,
            cases: self.cases.into(),
        }));
        DynamicType::from_graph(self.graph, index)
    }
}

/// Builds an enumeration, literal by literal.
#[derive(Clone, Debug)]
pub struct EnumerationBuilder {
    node: EnumerationNode,
    literals: Vec<LiteralNode>,
}

impl EnumerationBuilder {
    pub(super) fn new(name: &str) -> Self {
        let node = EnumerationNode {
            name: name.into(),
            extensibility: Extensibility::Final,
            bit_bound: 32,
            literals: [].into(),
        };
        Self { node, literals: Vec::new() }
    }

    /// Bits of its values: 1 to 32, the default.
    pub fn bit_bound(mut self, bits: u16) -> Self {
        self.node.bit_bound = bits;
        self
    }

    /// How it may change; final unless said otherwise.
    pub fn extensibility(mut self, extensibility: Extensibility) -> Self {
        self.node.extensibility = extensibility;
        self
    }

    /// Adds a literal. The first is what an absent value is read as.
    pub fn literal(mut self, name: &str, value: i32) -> Self {
        self.literals.push(LiteralNode { name: name.into(), value, default: false });
        self
    }

    /// The enumeration.
    ///
    /// # Errors
    /// It has no literals, or names or values twice.
    pub fn build(self) -> Result<DynamicType, TypeError> {
        let mut graph = GraphBuilder::default();
        let index =
            graph.add(TypeNode::Enumeration(EnumerationNode { literals: self.literals.into(), ..self.node }));
        DynamicType::from_graph(graph, index)
    }
}

/// Builds a bitmask, flag by flag.
#[derive(Clone, Debug)]
pub struct BitmaskBuilder {
    name: Arc<str>,
    bit_bound: u16,
    flags: Vec<FlagNode>,
}

impl BitmaskBuilder {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), bit_bound: 32, flags: Vec::new() }
    }

    /// Bits of its values: 1 to 64, 32 unless said otherwise.
    pub fn bit_bound(mut self, bits: u16) -> Self {
        self.bit_bound = bits;
        self
    }

    /// Adds a flag.
    pub fn flag(mut self, name: &str, position: u16) -> Self {
        self.flags.push(FlagNode { name: name.into(), position });
        self
    }

    /// The bitmask.
    ///
    /// # Errors
    /// It has names or positions twice, or beyond its bound.
    pub fn build(self) -> Result<DynamicType, TypeError> {
        let mut graph = GraphBuilder::default();
        let index = graph.add(TypeNode::Bitmask(BitmaskNode {
            name: self.name,
            bit_bound: self.bit_bound,
            flags: self.flags.into(),
        }));
        DynamicType::from_graph(graph, index)
    }
}
