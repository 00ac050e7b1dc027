//! Comparing structures (XTypes 1.3 §7.2.4.4.6).

use super::compare::{Comparison, Outcome, Shape, View, holds};
use super::difference::{Because, DifferenceKind, Side};
use crate::type_description::Extensibility;
use crate::type_object::{
    Equivalence, MemberFlags, MemberName, StructureMember, StructureType, TypeIdentifier,
};
use alloc::string::String;
use alloc::vec::Vec;

/// What a member is called in a path.
pub(super) fn label(detail: &impl MemberName, id: u32) -> String {
    detail.name().map_or_else(|| alloc::format!("({id})"), String::from)
}

/// A member as a view sees it.
struct Seen<'r, E: Equivalence> {
    member: &'r StructureMember<E>,
    is_key: bool,
}

impl<E: Equivalence> Seen<'_, E> {
    fn is_optional(&self) -> bool {
        self.member.flags.contains(MemberFlags::OPTIONAL)
    }

    /// Why both types must have it, whatever their extensibility.
    fn must_be_in_both(&self) -> Option<Because> {
        if self.is_key {
            return Some(Because::Key);
        }
        let must_understand = self.member.flags.contains(MemberFlags::MUST_UNDERSTAND);
        (must_understand && !self.is_optional()).then_some(Because::MustUnderstand)
    }
}

impl<'r, E: Equivalence> Comparison<'r, E> {
    pub(super) fn structures(
        &mut self,
        view: View,
        ours: &'r StructureType<E>,
        theirs: &'r StructureType<E>,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        let extensibility = ours.flags.extensibility();
        self.same_extensibility(extensibility, theirs.flags.extensibility(), reader, writer)?;
        let (ours, theirs) = (self.members(view, ours)?, self.members(view, theirs)?);
        let is_final = extensibility == Some(Extensibility::Final);
        let is_mutable = extensibility == Some(Extensibility::Mutable);
        let mut common = false;
        for (index, our) in ours.iter().enumerate() {
            let member = our.member;
            let their = theirs.iter().find(|their| their.member.id == member.id);
            common |= their.is_some();
            self.within(label(&member.detail, member.id), |it| {
                if !is_mutable && let Some(their) = theirs.get(index) {
                    it.in_place(our, their, reader, writer)?;
                }
                match their {
                    Some(their) => it.same_member(our, their, reader, writer)?,
                    None => {
                        let because = our.must_be_in_both().or(is_final.then_some(Because::Final));
                        it.missing(Side::Writer, because, reader, writer)?;
                    }
                }
                let namesake =
                    theirs.iter().find(|their| their.member.detail.name_hash() == member.detail.name_hash());
                if !it.rules.ignore_member_names && namesake.is_some_and(|other| other.member.id != member.id)
                {
                    return Err(it.different(DifferenceKind::MemberName, reader, writer));
                }
                Ok(())
            })?;
        }
        let widening = self.rules.prevent_type_widening.then_some(Because::WideningPrevented);
        for their in &theirs {
            let member = their.member;
            if ours.iter().any(|our| our.member.id == member.id) {
                continue;
            }
            let because = their.must_be_in_both().or(is_final.then_some(Because::Final)).or(widening);
            self.within(label(&member.detail, member.id), |it| {
                it.missing(Side::Reader, because, reader, writer)
            })?;
        }
        if common {
            return Ok(());
        }
        Err(self.different(DifferenceKind::NothingInCommon, reader, writer))
    }

    fn missing(
        &self,
        lacking: Side,
        because: Option<Because>,
        reader: &TypeIdentifier,
        writer: &TypeIdentifier,
    ) -> Result<(), Outcome> {
        because.map_or(Ok(()), |because| {
            Err(self.different(DifferenceKind::MissingMember { lacking, because }, reader, writer))
        })
    }

    /// Members in the same place of types that are not mutable.
    fn in_place(
        &mut self,
        our: &Seen<'r, E>,
        their: &Seen<'r, E>,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        let (ours, theirs) = (our.member, their.member);
        if ours.id != theirs.id {
            let kind = DifferenceKind::MemberId { reader: ours.id, writer: theirs.id };
            return Err(self.different(kind, reader, writer));
        }
        if our.is_optional() != their.is_optional() {
            return Err(self.different(DifferenceKind::Optional, &ours.member_type, &theirs.member_type));
        }
        self.strongly_assignable(&ours.member_type, &theirs.member_type)
    }

    /// Members of the same id.
    fn same_member(
        &mut self,
        our: &Seen<'r, E>,
        their: &Seen<'r, E>,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        let (ours, theirs) = (our.member, their.member);
        if !self.rules.ignore_member_names && ours.detail.name_hash() != theirs.detail.name_hash() {
            return Err(self.different(DifferenceKind::MemberName, reader, writer));
        }
        self.assignable(View::KeyErased, &ours.member_type, &theirs.member_type)?;
        match (our.is_key, their.is_key) {
            (true, true) => self.keys(&ours.member_type, &theirs.member_type),
            (false, false) => Ok(()),
            (true, false) => self.missing(Side::Writer, Some(Because::Key), reader, writer),
            (false, true) => self.missing(Side::Reader, Some(Because::Key), reader, writer),
        }
    }

    /// The types of a key member: every key of the writer must be one of the reader.
    fn keys(&mut self, ours: &'r TypeIdentifier, theirs: &'r TypeIdentifier) -> Result<(), Outcome> {
        let fits = match (self.shape(ours)?, self.shape(theirs)?) {
            (Shape::String8 { bound: our }, Shape::String8 { bound: their })
            | (Shape::String16 { bound: our }, Shape::String16 { bound: their })
            | (Shape::Sequence { bound: our, .. }, Shape::Sequence { bound: their, .. })
            | (Shape::Map { bound: our, .. }, Shape::Map { bound: their, .. }) => holds(our, their),
            (Shape::Enumeration(our), Shape::Enumeration(their)) => their
                .literals
                .iter()
                .all(|their| our.literals.iter().any(|our| our.common.value == their.common.value)),
            (Shape::Structure(_), Shape::Structure(_)) | (Shape::Union(_), Shape::Union(_)) => {
                return self.assignable(View::KeyHolder, ours, theirs);
            }
            _ => true,
        };
        if fits { Ok(()) } else { Err(self.different(DifferenceKind::KeyNarrowed, ours, theirs)) }
    }

    /// The members that count, those of bases first.
    fn members(&self, view: View, structure: &'r StructureType<E>) -> Result<Vec<Seen<'r, E>>, Outcome> {
        let mut levels = Vec::from([structure]);
        let mut base = &structure.header.base;
        while *base != TypeIdentifier::None {
            // A base that is its own base would have no end.
            if levels.len() > 64 {
                return Err(self.different(DifferenceKind::TooComplex, base, base));
            }
            let Shape::Structure(structure) = self.shape(base)? else { break };
            levels.push(structure);
            base = &structure.header.base;
        }
        let members: Vec<_> = levels.into_iter().rev().flat_map(|level| &level.members).collect();
        let is_keyed = members.iter().any(|member| member.flags.contains(MemberFlags::KEY));
        let members = members.into_iter().filter_map(|member| {
            let declared = member.flags.contains(MemberFlags::KEY);
            let is_key = match view {
                View::Whole => declared,
                View::KeyErased => false,
                View::KeyHolder if is_keyed && !declared => return None,
                View::KeyHolder => true,
            };
            Some(Seen { member, is_key })
        });
        Ok(members.collect())
    }
}
