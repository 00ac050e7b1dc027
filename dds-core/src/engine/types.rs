//! Types of endpoints: what is announced of ours, and whether those of others fit.

use std::{any::TypeId, collections::HashMap};

use dds_qos::{PublicationQos, TypeConsistencyEnforcement, TypeConsistencyKind};
use dds_rtps::participant::{EndpointData, Gate, MatchHook, Problem};
use dds_types::{
    DataRepresentationId, TopicType,
    assignability::{Decision, Difference, DifferenceKind, Rules, decide},
    type_object::{TypeInformation, TypeObjects, TypeRegistry},
};
use parking_lot::Mutex;

/// Decides by type whether endpoints match: TYPE_CONSISTENCY_ENFORCEMENT (XTypes 1.3 §7.6.3.4).
///
/// Its locks are leaves: asked under the discovery lock, it takes no other.
#[derive(Debug)]
pub(crate) struct TypeMatcher {
    announces: bool,
    /// Type objects, of our types and of those that peers sent.
    registry: Mutex<TypeRegistry>,
    /// What is announced of our types; `None` of those outside of the DDS type system.
    announced: Mutex<HashMap<TypeId, Option<Vec<u8>>>>,
}

impl TypeMatcher {
    /// One that knows no types yet, and whose endpoints say of which types they are, or do not.
    pub(crate) fn new(announces: bool) -> Self {
        Self { announces, registry: Mutex::default(), announced: Mutex::default() }
    }

    /// Makes what endpoints of `T` announce of it, once.
    pub(crate) fn learn<T: TopicType>(&self) {
        if self.announces {
            self.announced.lock().entry(TypeId::of::<T>()).or_insert_with(|| self.make_information::<T>());
        }
    }

    /// What endpoints of a type that was [learned](Self::learn) announce of it.
    pub(crate) fn information(&self, type_id: TypeId) -> Option<Vec<u8>> {
        self.announced.lock().get(&type_id).cloned().flatten()
    }

    fn make_information<T: TopicType>(&self) -> Option<Vec<u8>> {
        let types = TypeObjects::of(T::type_description()?);
        let made = types.and_then(|types| {
            self.registry.lock().insert_own(&types);
            types.information()?.to_bytes()
        });
        made.inspect_err(|error| tracing::warn!("{} has no type object: {error}", T::type_name())).ok()
    }

    /// Whether the writer's type is assignable to the reader's; `None` where one of them says nothing of it.
    fn decide(&self, local: &EndpointData, remote: &EndpointData) -> Option<Decision> {
        let (ours, theirs) = (local.type_information()?, remote.type_information()?);
        if ours == theirs {
            return Some(Decision::Assignable);
        }
        let read = |data: &EndpointData, bytes| {
            TypeInformation::from_parameter(bytes, data.endianness())
                .inspect_err(
                    |error| tracing::debug!(guid = %data.guid(), "malformed type information: {error}"),
                )
                .ok()
        };
        let (ours, theirs) = (read(local, ours)?, read(remote, theirs)?);
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
}

impl MatchHook for TypeMatcher {
    fn gate(&self, local: &EndpointData, remote: &EndpointData) -> Gate {
        let forced = [local, remote].into_iter().any(|data| match data {
            EndpointData::Subscription(reader) => reader.qos.type_consistency.force_type_validation,
            EndpointData::Publication(_) => false,
        });
        let problem = match self.decide(local, remote) {
            Some(Decision::Assignable) => return Gate::Open,
            Some(Decision::NotAssignable(difference)) => Problem::Type(difference.into()),
            // Nobody can be asked for type objects yet, so that what is missing stays so.
            None | Some(Decision::NeedTypes(_)) if forced => {
                Problem::Type(unknown_type(local, remote).into())
            }
            None | Some(Decision::NeedTypes(_)) if local.type_name() == remote.type_name() => {
                return Gate::Open;
            }
            None | Some(Decision::NeedTypes(_)) => {
                Problem::TypeName { local: local.type_name().into(), remote: remote.type_name().into() }
            }
        };
        Gate::Closed(problem)
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
