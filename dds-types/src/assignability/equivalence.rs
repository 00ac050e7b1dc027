//! Whether two types are one but for the names of types and annotations: what equal minimal hashes
//! say, for types of which only the complete objects are known (XTypes 1.3 §7.3.4.7).

use super::compare::{Comparison, Outcome, Shape};
use super::difference::DifferenceKind;
use crate::type_object::{
    EnumerationType, Equivalence, MemberFlags, MemberName, StructureType, TypeFlags, TypeIdentifier,
    UnionType,
};

/// Flags that only the complete representation is to tell apart.
fn same_way(ours: TypeFlags, theirs: TypeFlags) -> bool {
    ours.extensibility() == theirs.extensibility()
}

/// Whether everything about members but their types is the same.
fn same_member<E: Equivalence>(
    (our_id, our_flags, ours): (u32, MemberFlags, &E::MemberDetail),
    (their_id, their_flags, theirs): (u32, MemberFlags, &E::MemberDetail),
) -> bool {
    our_id == their_id && our_flags == their_flags && ours.name_hash() == theirs.name_hash()
}

fn same_literals<E: Equivalence>(ours: &EnumerationType<E>, theirs: &EnumerationType<E>) -> bool {
    ours.header.bit_bound == theirs.header.bit_bound
        && same_way(ours.flags, theirs.flags)
        && ours.literals.len() == theirs.literals.len()
        && ours.literals.iter().zip(&theirs.literals).all(|(ours, theirs)| {
            ours.common == theirs.common && ours.detail.name_hash() == theirs.detail.name_hash()
        })
}

impl<'r, E: Equivalence> Comparison<'r, E> {
    /// Whether the types are equal.
    pub(super) fn equivalent(
        &mut self,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<bool, Outcome> {
        if reader == writer {
            return Ok(true);
        }
        if self.depth >= Self::MAX_DEPTH || self.equal.len() >= Self::MOST_PAIRS {
            return Err(self.different(DifferenceKind::TooComplex, reader, writer));
        }
        if !self.equal.insert((reader, writer)) {
            return Ok(true);
        }
        self.depth = self.depth.saturating_add(1);
        let equal = self.shapes_are_equivalent(reader, writer)?;
        self.depth = self.depth.saturating_sub(1);
        if !equal {
            self.equal.remove(&(reader, writer));
        }
        Ok(equal)
    }

    fn shapes_are_equivalent(
        &mut self,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<bool, Outcome> {
        Ok(match (self.shape(reader)?, self.shape(writer)?) {
            (Shape::Primitive(ours), Shape::Primitive(theirs)) => ours == theirs,
            (Shape::String8 { bound: ours }, Shape::String8 { bound: theirs })
            | (Shape::String16 { bound: ours }, Shape::String16 { bound: theirs }) => ours == theirs,
            (
                Shape::Sequence { element: ours, bound: our_bound },
                Shape::Sequence { element: theirs, bound: their_bound },
            ) => our_bound == their_bound && self.equivalent(ours, theirs)?,
            (
                Shape::Array { element: ours, dimensions: our_dimensions },
                Shape::Array { element: theirs, dimensions: their_dimensions },
            ) => our_dimensions == their_dimensions && self.equivalent(ours, theirs)?,
            (
                Shape::Map { key: our_key, element: ours, bound: our_bound },
                Shape::Map { key: their_key, element: theirs, bound: their_bound },
            ) => {
                our_bound == their_bound
                    && self.equivalent(our_key, their_key)?
                    && self.equivalent(ours, theirs)?
            }
            (Shape::Structure(ours), Shape::Structure(theirs)) => {
                self.structures_are_equivalent(ours, theirs)?
            }
            (Shape::Union(ours), Shape::Union(theirs)) => self.unions_are_equivalent(ours, theirs)?,
            (Shape::Enumeration(ours), Shape::Enumeration(theirs)) => same_literals(ours, theirs),
            (Shape::Bitmask(ours), Shape::Bitmask(theirs)) => {
                ours.header.bit_bound == theirs.header.bit_bound
                    && ours.flags.len() == theirs.flags.len()
                    && ours.flags.iter().zip(&theirs.flags).all(|(ours, theirs)| {
                        ours.position == theirs.position
                            && ours.detail.name_hash() == theirs.detail.name_hash()
                    })
            }
            _ => false,
        })
    }

    fn structures_are_equivalent(
        &mut self,
        ours: &'r StructureType<E>,
        theirs: &'r StructureType<E>,
    ) -> Result<bool, Outcome> {
        let alike = same_way(ours.flags, theirs.flags)
            && ours.members.len() == theirs.members.len()
            && ours.members.iter().zip(&theirs.members).all(|(ours, theirs)| {
                same_member::<E>(
                    (ours.id, ours.flags, &ours.detail),
                    (theirs.id, theirs.flags, &theirs.detail),
                )
            });
        if !alike || !self.equivalent(&ours.header.base, &theirs.header.base)? {
            return Ok(false);
        }
        for (ours, theirs) in ours.members.iter().zip(&theirs.members) {
            if !self.equivalent(&ours.member_type, &theirs.member_type)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn unions_are_equivalent(
        &mut self,
        ours: &'r UnionType<E>,
        theirs: &'r UnionType<E>,
    ) -> Result<bool, Outcome> {
        let alike = same_way(ours.flags, theirs.flags)
            && ours.cases.len() == theirs.cases.len()
            && ours.discriminator.flags == theirs.discriminator.flags
            && ours.cases.iter().zip(&theirs.cases).all(|(ours, theirs)| {
                ours.labels == theirs.labels
                    && same_member::<E>(
                        (ours.id, ours.flags, &ours.detail),
                        (theirs.id, theirs.flags, &theirs.detail),
                    )
            });
        let (our, their) = (&ours.discriminator.discriminator_type, &theirs.discriminator.discriminator_type);
        if !alike || !self.equivalent(our, their)? {
            return Ok(false);
        }
        for (ours, theirs) in ours.cases.iter().zip(&theirs.cases) {
            if !self.equivalent(&ours.member_type, &theirs.member_type)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
