//! The type lookup service (XTypes 1.3 §7.6.3.3.4): whom we ask for types, and what we answer to whom.
//!
//! As a client it asks for what a match or a user needs, level by level where a peer does not say what its
//! types are made of. As a server it gives every type object that is known here. Requests and replies are
//! bounded in number and bytes for each peer, and a peer that asks for more than its allowance is not
//! answered.

use std::collections::{BTreeMap, BTreeSet};

use dds_rtps::{
    discovery::{
        CONTINUATION_POINT, TypeLookupCall, TypeLookupReply, TypeLookupRequest, TypeLookupResult, service_of,
    },
    structure::{GuidPrefix, SequenceNumber},
    time::{Duration, Monotonic},
};
use dds_types::type_object::{TypeIdentifier, TypeObject, TypeRegistry};

/// How long a match waits for types. Peers answer within milliseconds, and a lost datagram is sent again
/// within a few hundred; whoever is silent for longer will stay so.
pub(super) const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// Types asked of one peer, or said by it to be unknown, that are remembered.
const MOST_REMEMBERED: usize = 8_192;
/// Types in one request. What they are made of fits the samples of every peer many times over.
const MOST_IN_REQUEST: usize = 64;
/// Bytes of one reply: no sample of a built-in endpoint has more than 1 MiB.
const REPLY_BYTES: usize = 512 << 10;
/// Types in one reply about what types are made of; what remains is asked for by a continuation point.
const DEPENDENCIES_IN_REPLY: usize = 256;
/// Reply bytes that a peer may ask for at once: several thousand types.
const ALLOWANCE: u64 = 2 << 20;
/// Reply bytes that it may ask for besides in a second.
const ALLOWANCE_PER_SECOND: u64 = 256 << 10;
/// What any reply costs of an allowance.
const REPLY_COST: u64 = 256;

/// What was asked of others, and what they asked.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    peers: BTreeMap<GuidPrefix, PeerLookups>,
    /// Those who are to be asked.
    wanted_of: BTreeSet<GuidPrefix>,
}

#[derive(Debug, Default)]
struct PeerLookups {
    /// Types to be asked for.
    wanted: BTreeSet<TypeIdentifier>,
    /// Those asked for, by request.
    asked: BTreeMap<SequenceNumber, BTreeSet<TypeIdentifier>>,
    /// Those it does not have.
    unknown: BTreeSet<TypeIdentifier>,
    allowance: Allowance,
}

/// A share that is used up and grows again.
#[derive(Debug)]
struct Allowance {
    left: u64,
    at: Monotonic,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: ALLOWANCE, at: Monotonic::ZERO }
    }
}

impl Allowance {
    fn renew(&mut self, now: Monotonic) {
        let millis = now.as_nanos().saturating_sub(self.at.as_nanos()) / 1_000_000;
        // Time that gave nothing yet is kept for the next request.
        if millis > 0 {
            let grown = millis.saturating_mul(ALLOWANCE_PER_SECOND) / 1_000;
            self.left = self.left.saturating_add(grown).min(ALLOWANCE);
            self.at = now;
        }
    }

    fn spend(&mut self, bytes: u64) {
        self.left = self.left.saturating_sub(bytes);
    }
}

impl PeerLookups {
    fn is_asked(&self, id: &TypeIdentifier) -> bool {
        self.wanted.contains(id) || self.asked.values().any(|asked| asked.contains(id))
    }

    fn remembered(&self) -> usize {
        self.wanted.len() + self.unknown.len() + self.asked.values().map(BTreeSet::len).sum::<usize>()
    }
}

impl Lookups {
    /// Asks a peer for types, unless that is done already. False when there is no hope: it does not have
    /// one of them, or was asked for too many.
    pub(super) fn want(&mut self, prefix: GuidPrefix, ids: &[TypeIdentifier]) -> bool {
        let peer = self.peers.entry(prefix).or_default();
        if ids.iter().any(|id| peer.unknown.contains(id)) {
            return false;
        }
        let new: Vec<_> = ids.iter().filter(|id| !peer.is_asked(id)).cloned().collect();
        if peer.remembered() + new.len() > MOST_REMEMBERED {
            return false;
        }
        if !new.is_empty() {
            peer.wanted.extend(new);
            self.wanted_of.insert(prefix);
        }
        true
    }

    /// The next request that is to be sent, to one who `listens`.
    pub(super) fn next_request(
        &mut self,
        listens: impl Fn(GuidPrefix) -> bool,
    ) -> Option<(GuidPrefix, Vec<TypeIdentifier>)> {
        let prefix = self.wanted_of.iter().copied().find(|prefix| listens(*prefix))?;
        let wanted = self.peers.get_mut(&prefix).map(|peer| &mut peer.wanted);
        let request: Vec<_> =
            wanted.iter().flat_map(|wanted| wanted.iter()).take(MOST_IN_REQUEST).cloned().collect();
        if let Some(wanted) = wanted {
            wanted.retain(|id| request.last().is_some_and(|last| id > last));
            if !wanted.is_empty() {
                return Some((prefix, request));
            }
        }
        self.wanted_of.remove(&prefix);
        Some((prefix, request))
    }

    /// Notes that a request was sent.
    pub(super) fn sent(&mut self, peer: GuidPrefix, number: SequenceNumber, ids: Vec<TypeIdentifier>) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.asked.insert(number, ids.into_iter().collect());
        }
    }

    /// What a reply brings of what was asked for; `None` when it answers nothing of ours.
    pub(super) fn answered(
        &mut self,
        peer: GuidPrefix,
        reply: TypeLookupReply,
    ) -> Option<Vec<(TypeIdentifier, TypeObject)>> {
        let peer = self.peers.get_mut(&peer)?;
        let asked = peer.asked.remove(&reply.related_request_id.sequence_number)?;
        let mut types = match reply.result {
            TypeLookupResult::Types { types, .. } => types,
            _ => Vec::new(),
        };
        types.retain(|(id, _)| asked.contains(id) || is_of_component(id, &asked));
        let came: BTreeSet<_> = types.iter().map(|(id, _)| id).collect();
        peer.unknown.extend(asked.into_iter().filter(|id| !came.contains(id)));
        Some(types)
    }

    /// What a peer sent of these types is of no use.
    pub(super) fn refuse(&mut self, peer: GuidPrefix, ids: impl IntoIterator<Item = TypeIdentifier>) {
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.unknown.extend(ids);
        }
    }

    /// A participant is gone.
    pub(super) fn forget(&mut self, peer: GuidPrefix) {
        self.peers.remove(&peer);
        self.wanted_of.remove(&peer);
    }

    /// The answer to a request; `None` when it is for somebody else or more than its sender's allowance.
    pub(super) fn answer(
        &mut self,
        now: Monotonic,
        own: GuidPrefix,
        from: GuidPrefix,
        request: &TypeLookupRequest,
        registry: &TypeRegistry,
    ) -> Option<TypeLookupReply> {
        // Cyclone DDS 0.10 names itself, later versions name nobody where they ask everybody.
        let asked = service_of(&request.instance_name).unwrap_or(own);
        if ![own, from, GuidPrefix::UNKNOWN].contains(&asked) {
            return None;
        }
        let allowance = &mut self.peers.entry(from).or_default().allowance;
        allowance.renew(now);
        if allowance.left < REPLY_COST {
            tracing::debug!(peer = %from, "asks for more types than are given at once");
            return None;
        }
        let most = usize::try_from(allowance.left).unwrap_or(REPLY_BYTES).min(REPLY_BYTES);
        let (result, bytes) = match &request.call {
            TypeLookupCall::Types(ids) => types(ids, registry, most),
            TypeLookupCall::Dependencies { of, continuation_point } => {
                dependencies(of, continuation_point, registry)
            }
            TypeLookupCall::Unknown(_) => (TypeLookupResult::Failed, 0),
        };
        allowance.spend(REPLY_COST.saturating_add(bytes));
        Some(TypeLookupReply { dialect: request.dialect, related_request_id: request.request_id, result })
    }
}

fn is_of_component(id: &TypeIdentifier, asked: &BTreeSet<TypeIdentifier>) -> bool {
    let TypeIdentifier::StronglyConnected(member) = id else { return false };
    asked.iter().any(|asked| match asked {
        TypeIdentifier::StronglyConnected(asked) => asked.component == member.component,
        _ => false,
    })
}

/// The objects that are known of some types, of `most` bytes together.
fn types(ids: &[TypeIdentifier], registry: &TypeRegistry, most: usize) -> (TypeLookupResult, u64) {
    let (mut types, mut bytes) = (Vec::new(), 0_usize);
    let mut given = BTreeSet::new();
    for id in ids {
        let found = match id {
            // One of them alone cannot be checked by who receives it.
            TypeIdentifier::StronglyConnected(member) => registry.component(member),
            id => registry.get(id).map(|object| (id.clone(), object)).into_iter().collect(),
        };
        for (id, object) in found {
            let size = object.to_bytes().map_or(usize::MAX, |bytes| bytes.len());
            if bytes.saturating_add(size) <= most && given.insert(id.clone()) {
                bytes += size;
                types.push((id, TypeObject::clone(object)));
            }
        }
    }
    (TypeLookupResult::Types { types, complete_to_minimal: Vec::new() }, bytes as u64)
}

/// A part of what some types are made of.
fn dependencies(
    of: &[TypeIdentifier],
    continuation_point: &[u8],
    registry: &TypeRegistry,
) -> (TypeLookupResult, u64) {
    let Some(mut types) = registry.dependencies(of) else { return (TypeLookupResult::Failed, 0) };
    let from = continuation_point.last_chunk().map_or(0, |last| u64::from_be_bytes(*last));
    let from = usize::try_from(from).unwrap_or(usize::MAX).min(types.len());
    types.drain(..from);
    let mut continuation_point = Vec::new();
    if types.len() > DEPENDENCIES_IN_REPLY {
        types.truncate(DEPENDENCIES_IN_REPLY);
        continuation_point.resize(CONTINUATION_POINT - 8, 0);
        continuation_point.extend_from_slice(&((from + types.len()) as u64).to_be_bytes());
    }
    let bytes = 32 * types.len() as u64;
    (TypeLookupResult::Dependencies { types, continuation_point }, bytes)
}

#[cfg(test)]
mod tests {
    use dds_rtps::{
        discovery::{Dialect, service_name},
        message::SampleIdentity,
        structure::Guid,
    };
    use dds_types::{dynamic::DynamicType, type_object::TypeObjects};

    use super::*;

    const OWN: GuidPrefix = GuidPrefix([1; 12]);
    const PEER: GuidPrefix = GuidPrefix([2; 12]);

    fn request(call: TypeLookupCall) -> TypeLookupRequest {
        let request_id = SampleIdentity { writer_guid: Guid::UNKNOWN, sequence_number: SequenceNumber(7) };
        TypeLookupRequest { dialect: Dialect::Final, request_id, instance_name: service_name(OWN), call }
    }

    /// Types that differ in their names.
    fn types(count: usize) -> (TypeRegistry, Vec<TypeIdentifier>) {
        let mut registry = TypeRegistry::default();
        let mut ids = Vec::new();
        for number in 0..count {
            let types = structure(number);
            ids.push(types.complete().clone());
            registry.insert_own(&types);
        }
        (registry, ids)
    }

    fn structure(number: usize) -> TypeObjects {
        let name = format!("Type{number}");
        let made = DynamicType::structure(&name).member("x", &DynamicType::of::<i32>().unwrap());
        TypeObjects::of_dynamic(&made.build().unwrap()).unwrap()
    }

    fn reply(result: TypeLookupResult, number: SequenceNumber) -> TypeLookupReply {
        let related_request_id = SampleIdentity { writer_guid: Guid::UNKNOWN, sequence_number: number };
        TypeLookupReply { dialect: Dialect::Final, related_request_id, result }
    }

    #[test]
    fn nothing_is_asked_twice_and_requests_are_of_bounded_size() {
        let (_, ids) = types(100);
        let mut lookups = Lookups::default();
        assert!(lookups.want(PEER, &ids) && lookups.want(PEER, &ids));
        assert_eq!(lookups.next_request(|_| false), None, "it does not listen yet");
        let mut asked = Vec::new();
        let mut number = SequenceNumber(0);
        while let Some((peer, part)) = lookups.next_request(|_| true) {
            assert!(peer == PEER && part.len() <= MOST_IN_REQUEST, "{peer} {}", part.len());
            asked.extend(part.clone());
            number = number.next();
            lookups.sent(peer, number, part);
        }
        asked.sort();
        let mut all = ids.clone();
        all.sort();
        assert_eq!((asked, number), (all, SequenceNumber(2)));
        assert!(lookups.want(PEER, &ids));
        assert_eq!(lookups.next_request(|_| true), None);
    }

    #[test]
    fn only_what_was_asked_for_is_taken_and_what_did_not_come_is_not_asked_for_again() {
        let (registry, ids) = types(3);
        let pair = |id: &TypeIdentifier| (id.clone(), TypeObject::clone(registry.get(id).unwrap()));
        let mut lookups = Lookups::default();
        lookups.want(PEER, &ids[..2]);
        let (peer, part) = lookups.next_request(|_| true).unwrap();
        lookups.sent(peer, SequenceNumber(1), part);
        let types = vec![pair(&ids[0]), pair(&ids[2])];
        let result = TypeLookupResult::Types { types, complete_to_minimal: vec![] };
        assert_eq!(lookups.answered(PEER, reply(result.clone(), SequenceNumber(9))), None, "not to us");
        assert_eq!(lookups.answered(OWN, reply(result.clone(), SequenceNumber(1))), None, "from another");
        let came = lookups.answered(PEER, reply(result, SequenceNumber(1))).unwrap();
        assert_eq!(came, [pair(&ids[0])]);
        assert!(!lookups.want(PEER, &ids[1..2]), "it does not have it");
        lookups.forget(PEER);
        assert!(lookups.want(PEER, &ids[1..2]));
    }

    #[test]
    fn a_peer_that_asks_without_end_is_answered_within_its_allowance() {
        let (registry, ids) = types(500);
        let mut lookups = Lookups::default();
        let mut bytes = 0;
        let mut ask = |at: Monotonic| {
            let answer =
                lookups.answer(at, OWN, PEER, &request(TypeLookupCall::Types(ids.clone())), &registry);
            let Some(answer) = answer else { return false };
            let mut payload = Vec::new();
            answer.encode(&mut payload).unwrap();
            bytes += payload.len() as u64;
            true
        };
        let answered = (0..100_000).take_while(|_| ask(Monotonic::ZERO)).count();
        assert!((1..100_000).contains(&answered), "{answered}");
        assert!(ask(Monotonic::ZERO.after(Duration::from_secs(1))), "it grows again");
        assert!(bytes < 2 * (ALLOWANCE + ALLOWANCE_PER_SECOND), "{bytes}");
    }

    #[test]
    fn requests_for_others_are_not_answered() {
        let (registry, ids) = types(1);
        let mut lookups = Lookups::default();
        let mut asked = request(TypeLookupCall::Types(ids));
        for (name, is_answered) in [
            (service_name(OWN), true),
            (service_name(GuidPrefix([3; 12])), false),
            (service_name(GuidPrefix::UNKNOWN), true),
            (service_name(PEER), true),
        ] {
            asked.instance_name = name;
            let answer = lookups.answer(Monotonic::ZERO, OWN, PEER, &asked, &registry);
            assert_eq!(answer.is_some(), is_answered, "{}", asked.instance_name);
        }
    }

    /// A structure of 600 structures.
    fn wide() -> TypeObjects {
        let x = DynamicType::of::<i32>().unwrap();
        let mut whole = DynamicType::structure("Whole");
        for number in 0..600 {
            let part = DynamicType::structure(&format!("Part{number}")).member("x", &x).build().unwrap();
            whole = whole.member(&format!("part{number}"), &part);
        }
        TypeObjects::of_dynamic(&whole.build().unwrap()).unwrap()
    }

    #[test]
    fn many_dependencies_come_in_parts() {
        let types = wide();
        let mut registry = TypeRegistry::default();
        registry.insert_own(&types);
        let mut lookups = Lookups::default();
        let (mut found, mut point, mut parts) = (BTreeSet::new(), Vec::new(), 0);
        loop {
            let call = TypeLookupCall::Dependencies {
                of: vec![types.complete().clone()],
                continuation_point: point,
            };
            let answer = lookups.answer(Monotonic::ZERO, OWN, PEER, &request(call), &registry).unwrap();
            let TypeLookupResult::Dependencies { types, continuation_point } = answer.result else {
                panic!()
            };
            found.extend(types.into_iter().map(|part| part.type_id));
            point = continuation_point;
            parts += 1;
            if point.is_empty() {
                break;
            }
            assert_eq!(point.len(), CONTINUATION_POINT);
        }
        assert_eq!((found.len(), parts), (600, 3));
        for point in [vec![0xff; 32], vec![1], vec![0; 32]] {
            let of = vec![types.complete().clone(); 3];
            let call = TypeLookupCall::Dependencies { of, continuation_point: point };
            let answer = lookups.answer(Monotonic::ZERO, OWN, PEER, &request(call), &registry).unwrap();
            assert!(matches!(answer.result, TypeLookupResult::Dependencies { .. }));
        }
    }
}
