//! Requests for types and replies to them, between participants (XTypes 1.3 §7.6.3.3.4).
//!
//! This carries them: who asks whom for what, and who is answered, is the owner's to decide.

use alloc::{boxed::Box, vec::Vec};

use super::{DiscoveryEvent, Participant, sedp::Channel};
use crate::{
    change::CacheChange,
    discovery::{
        BuiltinEndpointSet, Dialect, ParticipantData, TypeLookupCall, TypeLookupReply, TypeLookupRequest,
        service_name,
    },
    message::SampleIdentity,
    structure::{EntityId, Guid, GuidPrefix, SequenceNumber},
    time::Now,
};

/// Whether a participant can be asked for types.
pub fn answers_type_lookup(data: &ParticipantData) -> bool {
    let needed =
        BuiltinEndpointSet::TYPE_LOOKUP_REQUEST_READER.union(BuiltinEndpointSet::TYPE_LOOKUP_REPLY_WRITER);
    data.builtin_endpoints.contains(needed)
}

impl Participant {
    /// Whether a participant can be asked now.
    pub fn listens_for_types(&self, prefix: GuidPrefix) -> bool {
        self.peers.get(prefix).is_some_and(|peer| peer.is_served && answers_type_lookup(&peer.data))
    }

    /// Asks a participant; [`DiscoveryEvent::TypeReply`] brings what it says, under the number that is
    /// returned. `None` when it cannot be asked (now).
    pub fn request_types(
        &mut self,
        now: Now,
        from: GuidPrefix,
        call: TypeLookupCall,
    ) -> Option<SequenceNumber> {
        if !self.listens_for_types(from) {
            return None;
        }
        let number = self.endpoints.next_number(Channel::TypeRequests);
        let request = TypeLookupRequest {
            dialect: Dialect::Final,
            request_id: SampleIdentity {
                writer_guid: Guid::new(self.guid_prefix(), EntityId::TYPE_LOOKUP_REQUEST_WRITER),
                sequence_number: request_number(self.guid_prefix(), number),
            },
            instance_name: service_name(from),
            call,
        };
        let mut payload = Vec::new();
        request.encode(&mut payload).ok()?;
        self.endpoints.send(now, Channel::TypeRequests, from, payload);
        Some(request.request_id.sequence_number)
    }

    /// Answers a participant's [`DiscoveryEvent::TypeRequest`]. A reply with what cannot be written is
    /// not sent.
    pub fn reply_types(&mut self, now: Now, to: GuidPrefix, reply: &TypeLookupReply) {
        let mut payload = Vec::new();
        if reply.encode(&mut payload).is_ok() && self.peers.get(to).is_some_and(|peer| peer.is_served) {
            self.endpoints.send(now, Channel::TypeReplies, to, payload);
        }
    }

    pub(super) fn apply_type_lookup(&mut self, channel: Channel, change: &CacheChange) {
        let from = change.writer_guid.prefix;
        let event = match channel {
            Channel::TypeRequests => TypeLookupRequest::decode(&change.payload)
                .map(|request| DiscoveryEvent::TypeRequest { from, request: Box::new(request) }),
            _ => TypeLookupReply::decode(&change.payload)
                .map(|reply| DiscoveryEvent::TypeReply { from, reply: Box::new(reply) }),
        };
        match event {
            Ok(event) => self.events.push_back(event),
            Err(_) => {
                self.statistics.type_lookups_malformed =
                    self.statistics.type_lookups_malformed.saturating_add(1);
            }
        }
    }
}

/// Cyclone DDS sends a reply to everybody and repeats of the request only its number, which hence is to be
/// unlike those of other participants.
fn request_number(own: GuidPrefix, number: SequenceNumber) -> SequenceNumber {
    let [.., a, b, c, d, e] = own.0;
    SequenceNumber(i64::from_be_bytes([0, a, b, c, d, e, 0, 0]).wrapping_add(number.0))
}
