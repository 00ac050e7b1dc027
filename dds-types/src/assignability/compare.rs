//! Comparing two types: aliases, primitive types, strings, collections, enumerations and bitmasks.

use super::Rules;
use super::difference::{Difference, DifferenceKind};
use crate::type_description::{Extensibility, PrimitiveKind};
use crate::type_object::{
    BitmaskType, EnumerationType, Equivalence, MemberName, StructureType, TypeDefinition, TypeIdentifier,
    TypeRegistry, UnionType,
};
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Why a comparison ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The types differ.
    Different(Box<Difference>),
    /// This type object is not known.
    Unknown(TypeIdentifier),
}

/// A type without its aliases.
pub(super) enum Shape<'r, E: Equivalence> {
    Primitive(PrimitiveKind),
    String8 {
        bound: u32,
    },
    String16 {
        bound: u32,
    },
    Sequence {
        element: &'r TypeIdentifier,
        bound: u32,
    },
    Array {
        element: &'r TypeIdentifier,
        dimensions: &'r [u32],
    },
    Map {
        key: &'r TypeIdentifier,
        element: &'r TypeIdentifier,
        bound: u32,
    },
    Structure(&'r StructureType<E>),
    Union(&'r UnionType<E>),
    Enumeration(&'r EnumerationType<E>),
    Bitmask(&'r BitmaskType<E>),
    /// A bitset, the type of an annotation, or none.
    Other,
}

/// Which members of structures count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum View {
    /// All, and keys must be the same.
    Whole,
    /// All, and none counts as key: KeyErased (XTypes 1.3 §7.2.2.4.4.4.8).
    KeyErased,
    /// The keys, or all if there are none: KeyHolder.
    KeyHolder,
}

/// Compares a reader's type with a writer's.
pub(super) struct Comparison<'r, E: Equivalence> {
    registry: &'r TypeRegistry,
    pub(super) rules: &'r Rules,
    /// Where in the types the comparison is.
    path: Vec<String>,
    /// Pairs of named types that were or are being compared: types may contain themselves.
    seen: BTreeSet<(View, &'r TypeIdentifier, &'r TypeIdentifier)>,
    /// Pairs that are equal, or being looked at.
    pub(super) equal: BTreeSet<(&'r TypeIdentifier, &'r TypeIdentifier)>,
    pub(super) depth: usize,
    representation: core::marker::PhantomData<E>,
}

impl<'r, E: Equivalence> Comparison<'r, E> {
    /// How deeply types may nest.
    pub(super) const MAX_DEPTH: usize = 64;
    /// How many pairs of types are compared at most.
    pub(super) const MOST_PAIRS: usize = 16_384;

    pub(super) const fn new(registry: &'r TypeRegistry, rules: &'r Rules) -> Self {
        Self {
            registry,
            rules,
            path: Vec::new(),
            seen: BTreeSet::new(),
            equal: BTreeSet::new(),
            depth: 0,
            representation: core::marker::PhantomData,
        }
    }

    /// Compares the types of two endpoints.
    pub(super) fn whole(
        &mut self,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        self.assignable(View::Whole, reader, writer)?;
        if self.rules.allow_coercion {
            return Ok(());
        }
        if self.equivalent(reader, writer)? {
            return Ok(());
        }
        Err(self.different(DifferenceKind::NotEqual, reader, writer))
    }

    /// A difference at the present place.
    pub(super) fn different(
        &self,
        kind: DifferenceKind,
        reader: &TypeIdentifier,
        writer: &TypeIdentifier,
    ) -> Outcome {
        let mut path = String::new();
        for part in &self.path {
            if !path.is_empty() && !part.starts_with(['[', '{']) {
                path.push('.');
            }
            path.push_str(part);
        }
        Outcome::Different(Box::new(Difference {
            path,
            kind,
            reader: self.name(reader),
            writer: self.name(writer),
        }))
    }

    /// What a type is called in a message.
    fn name(&self, id: &TypeIdentifier) -> String {
        let name = self.definition(id).and_then(TypeDefinition::name);
        match id {
            TypeIdentifier::Sequence(sequence) => match sequence.bound {
                0 => alloc::format!("sequence<{}>", self.name(&sequence.element)),
                bound => alloc::format!("sequence<{}, {bound}>", self.name(&sequence.element)),
            },
            _ => name.map_or_else(|| id.to_string(), String::from),
        }
    }

    /// Does `compare` one place further down.
    pub(super) fn within<T>(
        &mut self,
        place: String,
        compare: impl FnOnce(&mut Self) -> Result<T, Outcome>,
    ) -> Result<T, Outcome> {
        self.path.push(place);
        let result = compare(self)?;
        self.path.pop();
        Ok(result)
    }

    fn definition(&self, id: &TypeIdentifier) -> Option<&'r TypeDefinition<E>> {
        self.registry.get(id).and_then(|object| E::definition(object))
    }

    /// What a type is, without its aliases.
    pub(super) fn shape(&self, id: &'r TypeIdentifier) -> Result<Shape<'r, E>, Outcome> {
        let mut id = id;
        for _ in 0..Self::MAX_DEPTH {
            return Ok(match id {
                TypeIdentifier::Primitive(kind) => Shape::Primitive(*kind),
                TypeIdentifier::String8 { bound } => Shape::String8 { bound: *bound },
                TypeIdentifier::String16 { bound } => Shape::String16 { bound: *bound },
                TypeIdentifier::Sequence(sequence) => {
                    Shape::Sequence { element: &sequence.element, bound: sequence.bound }
                }
                TypeIdentifier::Array(array) => {
                    Shape::Array { element: &array.element, dimensions: &array.dimensions }
                }
                TypeIdentifier::Map(map) => {
                    Shape::Map { key: &map.key, element: &map.element, bound: map.bound }
                }
                TypeIdentifier::None | TypeIdentifier::Extended(_) => Shape::Other,
                TypeIdentifier::Hash(_) | TypeIdentifier::StronglyConnected(_) => match self.definition(id) {
                    None => return Err(Outcome::Unknown(id.clone())),
                    Some(TypeDefinition::Alias(alias)) => {
                        id = &alias.body.related_type;
                        continue;
                    }
                    Some(definition) => shape_of(definition),
                },
            });
        }
        Err(self.different(DifferenceKind::TooComplex, id, id))
    }

    /// Whether the writer's type is assignable to the reader's.
    pub(super) fn assignable(
        &mut self,
        view: View,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        if reader == writer {
            return Ok(());
        }
        if self.depth >= Self::MAX_DEPTH || self.seen.len() >= Self::MOST_PAIRS {
            return Err(self.different(DifferenceKind::TooComplex, reader, writer));
        }
        if !self.seen.insert((view, reader, writer)) {
            return Ok(());
        }
        self.depth = self.depth.saturating_add(1);
        self.shapes(view, reader, writer)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// As [`assignable`](Self::assignable), of parts whose end the reader must find: if they are not
    /// equal, the writer's must say where it ends.
    pub(super) fn strongly_assignable(
        &mut self,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        if reader == writer {
            return Ok(());
        }
        self.assignable(View::KeyErased, reader, writer)?;
        if self.is_delimited(writer, 0)? || self.equivalent(reader, writer)? {
            return Ok(());
        }
        Err(self.different(DifferenceKind::NotDelimited, reader, writer))
    }

    /// Whether a reader finds the end of a value without knowing the type (XTypes 1.3 §7.2.4.2.1.1).
    fn is_delimited(&self, id: &'r TypeIdentifier, depth: usize) -> Result<bool, Outcome> {
        if depth > Self::MAX_DEPTH {
            return Err(self.different(DifferenceKind::TooComplex, id, id));
        }
        let depth = depth.saturating_add(1);
        let of = |extensibility| match extensibility {
            Some(Extensibility::Appendable) => self.rules.appendable_is_delimited,
            Some(Extensibility::Mutable) => true,
            _ => false,
        };
        Ok(match self.shape(id)? {
            Shape::Sequence { element, .. } | Shape::Array { element, .. } => {
                self.is_delimited(element, depth)?
            }
            Shape::Map { key, element, .. } => {
                self.is_delimited(key, depth)? && self.is_delimited(element, depth)?
            }
            Shape::Structure(structure) => of(structure.flags.extensibility()),
            Shape::Union(union) => of(union.flags.extensibility()),
            Shape::Other => false,
            _ => true,
        })
    }

    fn shapes(
        &mut self,
        view: View,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        let rules = self.rules;
        match (self.shape(reader)?, self.shape(writer)?) {
            (Shape::Primitive(ours), Shape::Primitive(theirs)) if ours == theirs => Ok(()),
            (Shape::Bitmask(bitmask), Shape::Primitive(kind))
            | (Shape::Primitive(kind), Shape::Bitmask(bitmask)) => {
                if holder(bitmask.header.bit_bound) == kind {
                    return Ok(());
                }
                Err(self.different(DifferenceKind::Incompatible, reader, writer))
            }
            (Shape::String8 { bound: ours }, Shape::String8 { bound: theirs })
            | (Shape::String16 { bound: ours }, Shape::String16 { bound: theirs }) => {
                self.bound(ours, theirs, rules.ignore_string_bounds, reader, writer)
            }
            (
                Shape::Sequence { element: ours, bound: our_bound },
                Shape::Sequence { element: theirs, bound: their_bound },
            ) => {
                self.bound(our_bound, their_bound, rules.ignore_sequence_bounds, reader, writer)?;
                self.within("[]".into(), |it| it.strongly_assignable(ours, theirs))
            }
            (
                Shape::Array { element: ours, dimensions: our_dimensions },
                Shape::Array { element: theirs, dimensions: their_dimensions },
            ) => {
                if our_dimensions != their_dimensions {
                    return Err(self.different(DifferenceKind::Dimensions, reader, writer));
                }
                self.within("[]".into(), |it| it.strongly_assignable(ours, theirs))
            }
            (
                Shape::Map { key: our_key, element: ours, bound: our_bound },
                Shape::Map { key: their_key, element: theirs, bound: their_bound },
            ) => {
                self.bound(our_bound, their_bound, rules.ignore_sequence_bounds, reader, writer)?;
                self.within("{key}".into(), |it| it.strongly_assignable(our_key, their_key))?;
                self.within("[]".into(), |it| it.strongly_assignable(ours, theirs))
            }
            (Shape::Structure(ours), Shape::Structure(theirs)) => {
                self.structures(view, ours, theirs, reader, writer)
            }
            (Shape::Union(ours), Shape::Union(theirs)) => self.unions(view, ours, theirs, reader, writer),
            (Shape::Enumeration(ours), Shape::Enumeration(theirs)) => {
                self.enumerations(ours, theirs, reader, writer)
            }
            (Shape::Bitmask(ours), Shape::Bitmask(theirs)) => {
                let (ours, theirs) = (ours.header.bit_bound, theirs.header.bit_bound);
                if ours == theirs {
                    return Ok(());
                }
                let kind = DifferenceKind::BitBound { reader: ours, writer: theirs };
                Err(self.different(kind, reader, writer))
            }
            _ => Err(self.different(DifferenceKind::Incompatible, reader, writer)),
        }
    }

    fn bound(
        &self,
        ours: u32,
        theirs: u32,
        ignored: bool,
        reader: &TypeIdentifier,
        writer: &TypeIdentifier,
    ) -> Result<(), Outcome> {
        if ignored || holds(ours, theirs) {
            return Ok(());
        }
        Err(self.different(DifferenceKind::Bound { reader: ours, writer: theirs }, reader, writer))
    }

    /// Refuses types that say of themselves that they change in different ways.
    pub(super) fn same_extensibility(
        &self,
        ours: Option<Extensibility>,
        theirs: Option<Extensibility>,
        reader: &TypeIdentifier,
        writer: &TypeIdentifier,
    ) -> Result<(), Outcome> {
        if ours == theirs {
            return Ok(());
        }
        Err(self.different(DifferenceKind::Extensibility { reader: ours, writer: theirs }, reader, writer))
    }

    fn enumerations(
        &self,
        ours: &EnumerationType<E>,
        theirs: &EnumerationType<E>,
        reader: &TypeIdentifier,
        writer: &TypeIdentifier,
    ) -> Result<(), Outcome> {
        let (our_way, their_way) = (ours.flags.extensibility(), theirs.flags.extensibility());
        // The flags of enumerations are not defined, so that some leave them out (OMG DDSXTY14-24).
        if our_way.is_some() && their_way.is_some() {
            self.same_extensibility(our_way, their_way, reader, writer)?;
        }
        if holder(ours.header.bit_bound) != holder(theirs.header.bit_bound) {
            let kind =
                DifferenceKind::BitBound { reader: ours.header.bit_bound, writer: theirs.header.bit_bound };
            return Err(self.different(kind, reader, writer));
        }
        let is_final = our_way.or(their_way) == Some(Extensibility::Final);
        let wrong = |value| Err(self.different(DifferenceKind::Literal { value }, reader, writer));
        let mut common = false;
        for literal in &ours.literals {
            let (value, name) = (literal.common.value, literal.detail.name_hash());
            let counterpart = theirs.literals.iter().find(|other| other.common.value == value);
            let namesake = theirs.literals.iter().find(|other| other.detail.name_hash() == name);
            common |= counterpart.is_some();
            match (counterpart, namesake) {
                (Some(other), _) if other.detail.name_hash() != name => return wrong(value),
                (None, Some(_)) => return wrong(value),
                (None, None) if is_final => return wrong(value),
                _ => {}
            }
        }
        let has = |value| ours.literals.iter().any(|literal| literal.common.value == value);
        match theirs.literals.iter().map(|literal| literal.common.value).find(|value| !has(*value)) {
            Some(value) if is_final => wrong(value),
            _ if !common => Err(self.different(DifferenceKind::NothingInCommon, reader, writer)),
            _ => Ok(()),
        }
    }
}

fn shape_of<E: Equivalence>(definition: &TypeDefinition<E>) -> Shape<'_, E> {
    match definition {
        TypeDefinition::Structure(structure) => Shape::Structure(structure),
        TypeDefinition::Union(union) => Shape::Union(union),
        TypeDefinition::Enumeration(enumeration) => Shape::Enumeration(enumeration),
        TypeDefinition::Bitmask(bitmask) => Shape::Bitmask(bitmask),
        TypeDefinition::Sequence(sequence) => {
            Shape::Sequence { element: &sequence.element.element_type, bound: sequence.header.bound }
        }
        TypeDefinition::Array(array) => {
            Shape::Array { element: &array.element.element_type, dimensions: &array.header.dimensions.0 }
        }
        TypeDefinition::Map(map) => Shape::Map {
            key: &map.key.element_type,
            element: &map.element.element_type,
            bound: map.header.bound,
        },
        TypeDefinition::Alias(_) | TypeDefinition::Annotation(_) | TypeDefinition::Bitset(_) => Shape::Other,
    }
}

/// Whether a bound takes whatever another allows; 0 is unbounded.
pub(super) const fn holds(ours: u32, theirs: u32) -> bool {
    ours == 0 || (theirs != 0 && theirs <= ours)
}

/// The primitive type that holds so many bits.
pub(super) const fn holder(bits: u16) -> PrimitiveKind {
    match bits {
        0..=8 => PrimitiveKind::UInt8,
        9..=16 => PrimitiveKind::UInt16,
        17..=32 => PrimitiveKind::UInt32,
        _ => PrimitiveKind::UInt64,
    }
}
