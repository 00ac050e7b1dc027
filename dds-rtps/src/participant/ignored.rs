//! What the user does not want to know of (DDS 1.4 §2.2.2.2.1.14 to §2.2.2.2.1.17).

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::{LossReason, Participant, UnmatchReason, events::EndpointData};
use crate::{
    structure::{Guid, GuidPrefix},
    time::Now,
};

/// Ignored for good: the standard has no way back.
#[derive(Debug, Default)]
pub(super) struct Ignored {
    participants: BTreeSet<GuidPrefix>,
    endpoints: BTreeSet<Guid>,
    /// By name and type name.
    topics: BTreeSet<(String, String)>,
}

impl Ignored {
    pub(super) fn is_participant(&self, prefix: GuidPrefix) -> bool {
        !self.participants.is_empty() && self.participants.contains(&prefix)
    }

    /// Whether an endpoint of another participant is as if it were not there.
    pub(super) fn is_endpoint(&self, data: &EndpointData) -> bool {
        self.endpoints.contains(&data.guid())
            || self
                .topics
                .iter()
                .any(|(name, type_name)| name == data.topic_name() && type_name == data.type_name())
    }

    /// Whether two endpoints of ours must not match.
    pub(super) fn keeps_apart(&self, one: Guid, other: Guid) -> bool {
        self.is_participant(one.prefix) || self.endpoints.contains(&one) || self.endpoints.contains(&other)
    }
}

impl Participant {
    /// Behaves as if a participant did not exist. With our own prefix, our endpoints do not match each
    /// other.
    pub fn ignore_participant(&mut self, now: Now, prefix: GuidPrefix) {
        self.ignored.participants.insert(prefix);
        if prefix == self.guid_prefix() {
            self.part_ignored();
        } else {
            self.remove_peer(now, prefix, LossReason::Ignored);
        }
    }

    /// Behaves as if an endpoint did not exist: one of another participant, or one of ours that others
    /// of ours shall not match.
    pub fn ignore_endpoint(&mut self, guid: Guid) {
        self.ignored.endpoints.insert(guid);
        if guid.prefix == self.guid_prefix() {
            self.part_ignored();
        } else if let Some(entry) = self.peers.remove_endpoint(guid.prefix, guid.entity_id) {
            self.forget_remote(guid, &entry.data, UnmatchReason::Ignored);
        }
    }

    /// Behaves as if the endpoints of a topic at other participants did not exist.
    pub fn ignore_topic(&mut self, name: &str, type_name: &str) {
        self.ignored.topics.insert((String::from(name), String::from(type_name)));
        let mut endpoints = Vec::new();
        for (prefix, peer) in self.peers.iter() {
            let ignored = peer.endpoints.iter().filter(|(_, entry)| self.ignored.is_endpoint(&entry.data));
            endpoints.extend(ignored.map(|(entity_id, _)| Guid::new(prefix, *entity_id)));
        }
        for guid in endpoints {
            if let Some(entry) = self.peers.remove_endpoint(guid.prefix, guid.entity_id) {
                self.forget_remote(guid, &entry.data, UnmatchReason::Ignored);
            }
        }
    }
}
