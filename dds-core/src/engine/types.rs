//! Types of endpoints: what is announced of ours, whether those of others fit, and what they are.

use std::{any::TypeId, collections::HashMap};

use dds_qos::{PublicationQos, TypeConsistencyEnforcement, TypeConsistencyKind};
use dds_rtps::{
    discovery::{TypeLookupReply, TypeLookupRequest},
    participant::{EndpointData, Gate, MatchHook, Pending, Problem, RemoteEndpoint, answers_type_lookup},
    structure::{GuidPrefix, SequenceNumber},
    time::Monotonic,
};
use dds_types::{
    DataRepresentationId,
    assignability::{Decision, Difference, DifferenceKind, Rules, decide},
    dynamic::{DynamicType, TypeObjectError},
    type_object::{EquivalenceKind, TypeIdentifier, TypeInformation, TypeObjects, TypeRegistry},
};
use parking_lot::Mutex;

use super::type_lookup::{LOOKUP_LIMIT, Lookups};
use crate::type_support::TypeSupport;

/// Decides by type whether endpoints match: TYPE_CONSISTENCY_ENFORCEMENT (XTypes 1.3 §7.6.3.4).
///
/// Its locks are leaves, of which only the registry's is taken under another of them: asked under the discovery lock, it takes no other.
#[derive(Debug)]
pub(crate) struct TypeMatcher {
    announces: bool,
    /// Type objects, of our types and of those that peers sent.
    registry: Mutex<TypeRegistry>,
    announced: Mutex<Announced>,
    lookups: Mutex<Lookups>,
}

/// What is announced of our types.
#[derive(Debug, Default)]
struct Announced {
    types: HashMap<TypeId, Announcement>,
    /// Of types known at run time only.
    dynamic: Vec<(DynamicType, Announcement)>,
}

/// What is announced of a type; nothing of one outside of the DDS type system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Announcement {
    /// TypeInformation for everybody (XTypes 1.3 §7.6.3.2.2).
    pub to_all: Option<Vec<u8>>,
    /// The same for participants of ours: Cyclone DDS 0.10 ends with a segmentation fault when it learns of a
    /// type with 8-bit integers, wide characters or maps.
    pub to_ours: Option<Vec<u8>>,
}

/// What is known of a type that somebody announced.
pub(crate) enum Knowledge {
    /// It is this one.
    Type(DynamicType),
    /// Its peer is, or is to be, asked for what it consists of.
    Asked,
    /// It will not be known, for this reason.
    Unknown(String),
}

impl TypeMatcher {
    /// One that knows no types yet, and whose endpoints say of which types they are, or do not.
    pub(crate) fn new(announces: bool) -> Self {
        Self { announces, registry: Mutex::default(), announced: Mutex::default(), lookups: Mutex::default() }
    }

    /// What endpoints of a type announce of it: made once. `rust_type` tells types apart that are not known
    /// at run time only.
    pub(crate) fn information(&self, rust_type: TypeId, support: &TypeSupport) -> Announcement {
        if !self.announces {
            return Announcement::default();
        }
        let mut announced = self.announced.lock();
        match &support.dynamic {
            None => {
                let information = announced.types.entry(rust_type);
                information.or_insert_with(|| self.make_information(support)).clone()
            }
            Some(dynamic) => {
                let known = announced.dynamic.iter().find(|(known, _)| known == dynamic.dynamic_type());
                if let Some((_, information)) = known {
                    return information.clone();
                }
                let information = self.make_information(support);
                announced.dynamic.push((dynamic.dynamic_type().clone(), information.clone()));
                information
            }
        }
    }

    fn make_information(&self, support: &TypeSupport) -> Announcement {
        let types = match &support.dynamic {
            Some(dynamic) => TypeObjects::of_dynamic(dynamic.dynamic_type()),
            None => match (support.type_description)() {
                Some(description) => TypeObjects::of(description),
                None => return Announcement::default(),
            },
        };
        let name = (support.type_name)();
        let made = types.and_then(|types| {
            self.registry.lock().insert_own(&types);
            let information = types.information()?.to_bytes()?;
            if types.is_widely_known() {
                return Ok(Announcement { to_all: Some(information), to_ours: None });
            }
            tracing::debug!("{name} is announced to participants of ours only: others do not know its kinds");
            Ok(Announcement { to_all: None, to_ours: Some(information) })
        });
        made.unwrap_or_else(|error| {
            tracing::warn!("{name} has no type object: {error}");
            Announcement::default()
        })
    }

    /// Whether the writer's type is assignable to the reader's; `None` where one of them says nothing of it.
    fn decide(&self, local: &EndpointData, remote: &EndpointData) -> Option<Decision> {
        let (ours, theirs) = (local.type_information_for(remote)?, remote.type_information_for(local)?);
        if ours == theirs {
            return Some(Decision::Assignable);
        }
        let (ours, theirs) = (read(local)?, read(remote)?);
        let (reader, writer, rules) = match (local, remote) {
            (EndpointData::Subscription(reader), EndpointData::Publication(writer)) => {
                (&ours, &theirs, rules(&reader.qos.type_consistency, &writer.qos))
            }
            (EndpointData::Publication(writer), EndpointData::Subscription(reader)) => {
                (&theirs, &ours, rules(&reader.qos.type_consistency, &writer.qos))
            }
            _ => return None,
        };
        Some(decide(&self.registry.lock(), reader, writer, &rules))
    }

    /// Has a remote endpoint's participant asked for what of its type is not known. False when that is in
    /// vain.
    fn look_up(&self, remote: &RemoteEndpoint) -> bool {
        let answers = remote.participant.as_deref().is_some_and(answers_type_lookup);
        answers && read(&remote.data).is_some_and(|theirs| self.ask(remote.guid.prefix, &theirs))
    }

    /// Of the two representations the complete one is asked for, and the minimal one of those who do not
    /// have that.
    fn ask(&self, peer: GuidPrefix, information: &TypeInformation) -> bool {
        let mut lookups = self.lookups.lock();
        let registry = self.registry.lock();
        [EquivalenceKind::Complete, EquivalenceKind::Minimal].into_iter().any(|kind| {
            let missing = missing(&registry, information, kind);
            missing.is_some_and(|missing| !missing.is_empty() && lookups.want(peer, &missing))
        })
    }

    /// What the type of a remote endpoint is. Its peer is asked if it `answers`.
    pub(crate) fn discover(&self, data: &EndpointData, answers: bool) -> Knowledge {
        let Some(information) = read(data) else {
            return Knowledge::Unknown("does not say what its type consists of".into());
        };
        let id = &information.of(EquivalenceKind::Complete).type_id.type_id;
        let made = {
            let registry = self.registry.lock();
            DynamicType::from_type_objects(id, |id| registry.get(id).map(|object| &**object))
        };
        match made {
            Ok(known) => return Knowledge::Type(known),
            Err(TypeObjectError::Missing(_)) if answers => {}
            Err(TypeObjectError::Missing(_)) => {
                return Knowledge::Unknown("cannot be asked what its type consists of".into());
            }
            Err(error) => return Knowledge::Unknown(format!("has a type that is not understood: {error}")),
        }
        let missing = missing(&self.registry.lock(), &information, EquivalenceKind::Complete);
        match missing.is_some_and(|missing| self.lookups.lock().want(data.guid().prefix, &missing)) {
            true => Knowledge::Asked,
            false => Knowledge::Unknown("does not tell what its type consists of".into()),
        }
    }

    /// The next request for types that is to be sent, to one who `listens`.
    pub(super) fn next_request(
        &self,
        listens: impl Fn(GuidPrefix) -> bool,
    ) -> Option<(GuidPrefix, Vec<TypeIdentifier>)> {
        self.lookups.lock().next_request(listens)
    }

    /// Notes that a request was sent.
    pub(super) fn requested(&self, peer: GuidPrefix, number: SequenceNumber, ids: Vec<TypeIdentifier>) {
        self.lookups.lock().sent(peer, number, ids);
    }

    /// Takes the types that a peer sent; whether it answered a request of ours.
    pub(super) fn learn_from(&self, peer: GuidPrefix, reply: TypeLookupReply) -> bool {
        let mut lookups = self.lookups.lock();
        let Some(types) = lookups.answered(peer, reply) else { return false };
        let came: Vec<_> = types.iter().map(|(id, _)| id.clone()).collect();
        let mut registry = self.registry.lock();
        if let Err(error) = registry.insert(types) {
            tracing::warn!(%peer, "sent what is not the type it was asked for: {error}");
        }
        lookups.refuse(peer, came.into_iter().filter(|id| registry.get(id).is_none()));
        true
    }

    /// The answer to what a peer asks; `None` when there is none for it.
    pub(super) fn answer(
        &self,
        now: Monotonic,
        own: GuidPrefix,
        from: GuidPrefix,
        request: &TypeLookupRequest,
    ) -> Option<TypeLookupReply> {
        self.lookups.lock().answer(now, own, from, request, &self.registry.lock())
    }

    /// A participant is gone.
    pub(super) fn forget(&self, peer: GuidPrefix) {
        self.lookups.lock().forget(peer);
    }

    /// What becomes of a pair whose types cannot be compared (XTypes 1.3 §7.6.3.4.2).
    fn without_types(local: &EndpointData, remote: &EndpointData) -> Gate {
        let forced = [local, remote].into_iter().any(|data| match data {
            EndpointData::Subscription(reader) => reader.qos.type_consistency.force_type_validation,
            EndpointData::Publication(_) => false,
        });
        if forced {
            Gate::Closed(Problem::Type(unknown_type(local, remote).into()))
        } else if local.type_name() == remote.type_name() {
            Gate::Open
        } else {
            Gate::Closed(Problem::TypeName {
                local: local.type_name().into(),
                remote: remote.type_name().into(),
            })
        }
    }
}

/// What an endpoint says of its type.
fn read(data: &EndpointData) -> Option<TypeInformation> {
    TypeInformation::from_parameter(data.type_information()?, data.endianness())
        .inspect_err(|error| tracing::debug!(guid = %data.guid(), "malformed type information: {error}"))
        .ok()
}

/// The identifiers of a representation whose objects are not known, those included that the type is said to
/// be made of; `None` when there are too many.
fn missing(
    registry: &TypeRegistry,
    information: &TypeInformation,
    kind: EquivalenceKind,
) -> Option<Vec<TypeIdentifier>> {
    let announced = information.of(kind);
    let parts = announced.dependencies.iter().take(TypeRegistry::MOST_TYPES);
    registry.missing(std::iter::once(&announced.type_id).chain(parts).map(|entry| &entry.type_id))
}

impl MatchHook for TypeMatcher {
    fn gate(&self, local: &EndpointData, remote: &RemoteEndpoint) -> Gate {
        match self.decide(local, &remote.data) {
            Some(Decision::Assignable) => Gate::Open,
            Some(Decision::NotAssignable(difference)) => Gate::Closed(Problem::Type(difference.into())),
            Some(Decision::NeedTypes(_)) if self.look_up(remote) => {
                Gate::Pending { what: Pending::Type, limit: LOOKUP_LIMIT }
            }
            None | Some(Decision::NeedTypes(_)) => Self::without_types(local, &remote.data),
        }
    }

    fn time_is_up(&self, local: &EndpointData, remote: &RemoteEndpoint, what: Pending) -> Gate {
        if what != Pending::Type {
            return Gate::Closed(Problem::TimedOut(what));
        }
        let peer = remote.guid;
        tracing::warn!(%peer, "does not say within {LOOKUP_LIMIT} what its type consists of: names of types decide");
        match Self::without_types(local, &remote.data) {
            Gate::Open => Gate::Open,
            _ => Gate::Closed(Problem::TimedOut(what)),
        }
    }
}

fn rules(policy: &TypeConsistencyEnforcement, writer: &PublicationQos) -> Rules {
    Rules {
        allow_coercion: policy.kind == TypeConsistencyKind::AllowTypeCoercion,
        ignore_sequence_bounds: policy.ignore_sequence_bounds,
        ignore_string_bounds: policy.ignore_string_bounds,
        ignore_member_names: policy.ignore_member_names,
        prevent_type_widening: policy.prevent_type_widening,
        appendable_is_delimited: writer.data_representation.0.first() == Some(&DataRepresentationId::XCDR2),
    }
}

fn unknown_type(local: &EndpointData, remote: &EndpointData) -> Difference {
    let (reader, writer) = match local {
        EndpointData::Subscription(_) => (local, remote),
        EndpointData::Publication(_) => (remote, local),
    };
    Difference {
        path: String::new(),
        kind: DifferenceKind::NoTypeInformation,
        reader: reader.type_name().into(),
        writer: writer.type_name().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dds_rtps::{
        discovery::{BuiltinEndpointSet, ParticipantData, PublicationData, SubscriptionData},
        participant::Activity,
        structure::{EntityId, EntityKind, Guid},
    };

    use super::*;

    fn types(member_name: &str) -> TypeObjects {
        let member = DynamicType::of::<i32>().unwrap();
        let made = DynamicType::structure("Type").member(member_name, &member).build().unwrap();
        TypeObjects::of_dynamic(&made).unwrap()
    }

    fn information(member_name: &str) -> Option<Vec<u8>> {
        types(member_name).information().unwrap().to_bytes().ok()
    }

    /// A writer of another participant, of a type that is not known here.
    fn remote(type_name: &str, endpoints: BuiltinEndpointSet) -> RemoteEndpoint {
        let prefix = GuidPrefix([2; 12]);
        let guid = Guid::new(prefix, EntityId::new(1, EntityKind::WRITER_NO_KEY));
        let mut data = PublicationData::new(guid, "Topic", type_name, Default::default());
        data.type_information = information("theirs");
        let mut participant = ParticipantData::new(Guid::new(prefix, EntityId::PARTICIPANT));
        participant.builtin_endpoints = endpoints;
        RemoteEndpoint {
            guid,
            data: EndpointData::Publication(Arc::new(data)),
            locators: Default::default(),
            group: None,
            participant: Some(Arc::new(participant)),
            activity: Activity::default(),
        }
    }

    fn local(force_type_validation: bool) -> EndpointData {
        let guid = Guid::new(GuidPrefix([1; 12]), EntityId::new(1, EntityKind::READER_NO_KEY));
        let mut data = SubscriptionData::new(guid, "Topic", "Name", Default::default());
        data.type_information = information("ours");
        data.qos.type_consistency.force_type_validation = force_type_validation;
        EndpointData::Subscription(Arc::new(data))
    }

    #[test]
    fn a_peer_that_does_not_tell_in_time_is_judged_by_names() {
        let matcher = TypeMatcher::new(true);
        let everything = BuiltinEndpointSet(u32::MAX);
        let waits = Gate::Pending { what: Pending::Type, limit: LOOKUP_LIMIT };
        let timed_out = Gate::Closed(Problem::TimedOut(Pending::Type));
        for (name, forced, after) in
            [("Name", false, Gate::Open), ("Other", false, timed_out.clone()), ("Name", true, timed_out)]
        {
            let (local, remote) = (local(forced), remote(name, everything));
            assert_eq!(matcher.gate(&local, &remote), waits, "{name} {forced}");
            assert_eq!(matcher.time_is_up(&local, &remote, Pending::Type), after, "{name} {forced}");
        }
    }

    #[test]
    fn who_cannot_be_asked_or_does_not_know_is_judged_by_names_at_once() {
        let matcher = TypeMatcher::new(true);
        assert_eq!(matcher.gate(&local(false), &remote("Name", BuiltinEndpointSet(0))), Gate::Open);
        assert!(matches!(
            matcher.gate(&local(true), &remote("Name", BuiltinEndpointSet(0))),
            Gate::Closed(Problem::Type(_))
        ));
        let remote = remote("Name", BuiltinEndpointSet(u32::MAX));
        // First for the complete type object, then for the minimal one.
        for number in 1..=2 {
            assert!(matches!(matcher.gate(&local(false), &remote), Gate::Pending { .. }), "{number}");
            let (peer, ids) = matcher.next_request(|_| true).unwrap();
            let number = SequenceNumber(number);
            matcher.requested(peer, number, ids);
            let related_request_id =
                dds_rtps::message::SampleIdentity { writer_guid: Guid::UNKNOWN, sequence_number: number };
            let reply = TypeLookupReply {
                dialect: dds_rtps::discovery::Dialect::Final,
                related_request_id,
                result: dds_rtps::discovery::TypeLookupResult::Failed,
            };
            assert!(matcher.learn_from(peer, reply));
        }
        assert_eq!(matcher.gate(&local(false), &remote), Gate::Open);
        assert_eq!(matcher.next_request(|_| true), None);
    }
}
