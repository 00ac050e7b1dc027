//! Comparing unions (XTypes 1.3 §7.2.4.4.7).

use super::compare::{Comparison, Outcome, View};
use super::difference::DifferenceKind;
use super::structure::label;
use crate::type_description::Extensibility;
use crate::type_object::{Equivalence, MemberFlags, MemberName, TypeIdentifier, UnionCase, UnionType};

fn default_of<E: Equivalence>(union: &UnionType<E>) -> Option<&UnionCase<E>> {
    union.cases.iter().find(|case| case.flags.contains(MemberFlags::DEFAULT))
}

/// The case that a label names, not by default.
fn labelled<E: Equivalence>(union: &UnionType<E>, label: i32) -> Option<&UnionCase<E>> {
    union.cases.iter().find(|case| case.labels.0.contains(&label))
}

impl<'r, E: Equivalence> Comparison<'r, E> {
    pub(super) fn unions(
        &mut self,
        view: View,
        ours: &'r UnionType<E>,
        theirs: &'r UnionType<E>,
        reader: &'r TypeIdentifier,
        writer: &'r TypeIdentifier,
    ) -> Result<(), Outcome> {
        let extensibility = ours.flags.extensibility();
        self.same_extensibility(extensibility, theirs.flags.extensibility(), reader, writer)?;
        self.within("(discriminator)".into(), |it| {
            let (our, their) = (&ours.discriminator, &theirs.discriminator);
            if view != View::KeyErased
                && our.flags.contains(MemberFlags::KEY) != their.flags.contains(MemberFlags::KEY)
            {
                return Err(it.different(DifferenceKind::DiscriminatorKey, reader, writer));
            }
            it.strongly_assignable(&our.discriminator_type, &their.discriminator_type)
        })?;
        for our in &ours.cases {
            self.within(label(&our.detail, our.id), |it| it.same_names(our, theirs, reader, writer))?;
        }
        let is_final = extensibility == Some(Extensibility::Final);
        let alone = |value| DifferenceKind::Label { value };
        let mut common = false;
        // Every label of the writer that selects something here too must fit it.
        for their in &theirs.cases {
            for value in &their.labels.0 {
                let our = labelled(ours, *value);
                common |= our.is_some();
                if our.is_none() && (is_final || self.rules.prevent_type_widening) {
                    return Err(self.different(alone(*value), reader, writer));
                }
                if let Some(our) = our.or_else(|| default_of(ours)) {
                    self.case(our, their)?;
                }
            }
        }
        let their_default = default_of(theirs);
        for our in &ours.cases {
            for value in &our.labels.0 {
                if labelled(theirs, *value).is_some() {
                    continue;
                }
                if is_final {
                    return Err(self.different(alone(*value), reader, writer));
                }
                if let Some(their) = their_default {
                    self.case(our, their)?;
                }
            }
        }
        if let (Some(our), Some(their)) = (default_of(ours), their_default) {
            self.case(our, their)?;
            common |= ours.cases.len() == 1 && theirs.cases.len() == 1;
        }
        if common {
            return Ok(());
        }
        Err(self.different(DifferenceKind::NothingInCommon, reader, writer))
    }

    /// Cases of one id have one name, and the other way round.
    fn same_names(
        &self,
        our: &UnionCase<E>,
        theirs: &UnionType<E>,
        reader: &TypeIdentifier,
        writer: &TypeIdentifier,
    ) -> Result<(), Outcome> {
        let name = our.detail.name_hash();
        let differs =
            theirs.cases.iter().any(|their| (their.id == our.id) != (their.detail.name_hash() == name));
        if differs && !self.rules.ignore_member_names {
            return Err(self.different(DifferenceKind::MemberName, reader, writer));
        }
        Ok(())
    }

    fn case(&mut self, our: &'r UnionCase<E>, their: &'r UnionCase<E>) -> Result<(), Outcome> {
        self.within(label(&our.detail, our.id), |it| {
            it.assignable(View::KeyErased, &our.member_type, &their.member_type)
        })
    }
}
