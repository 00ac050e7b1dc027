//! The remote participants that are known.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
use core::net::IpAddr;

use smallvec::SmallVec;

use super::{
    activity::Activity,
    events::EndpointData,
    locators::{self, Ranked},
};
use crate::{
    discovery::ParticipantData,
    reader::Defragmenter,
    structure::{EntityId, GuidPrefix, Locator, SequenceNumber},
};

/// A remote participant.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) data: Arc<ParticipantData>,
    /// `data` as it came, to recognise a repeat without decoding it.
    pub(super) announcement: Box<[u8]>,
    pub(super) announcement_number: SequenceNumber,
    /// Where its last announcement came from.
    pub(super) origin: Locator,
    /// Whether announcements of it came by a group.
    pub(super) is_heard_by_group: bool,
    /// Where its built-in endpoints may be reached, the best first.
    pub(super) paths: Ranked,
    pub(super) chosen: usize,
    /// Where its user endpoints are reached past the network, while memory is shared with its process.
    pub(super) shared_path: Option<Locator>,
    /// It is not settled yet whether memory is shared: writers' matches wait, so that no sample overtakes another by
    /// another way.
    pub(super) awaits_sharing: bool,
    /// Addresses from which it has acknowledged one of our writers.
    pub(super) validated: SmallVec<[IpAddr; 2]>,
    /// Whether the built-in writers serve it.
    pub(super) is_served: bool,
    /// Bytes received from it and sent to it before its path was validated.
    pub(super) received: u64,
    pub(super) sent: u64,
    pub(super) probes: usize,
    /// Order of arrival.
    pub(super) arrival: u64,
    pub(super) activity: Activity,
    /// When a MANUAL_BY_PARTICIPANT writer of it was last asserted.
    pub(super) manual_activity: Activity,
    pub(super) endpoints: BTreeMap<EntityId, RemoteEntry>,
    pub(super) endpoint_bytes: usize,
    pub(super) fragments: Option<Box<Defragmenter>>,
}

/// An endpoint of a remote participant.
#[derive(Debug)]
pub(super) struct RemoteEntry {
    pub(super) data: EndpointData,
    pub(super) bytes: usize,
    /// Of a writer: when it was last heard of.
    pub(super) activity: Activity,
}

impl Peer {
    /// Where its built-in endpoints are reached.
    pub(super) fn path(&self) -> Option<Locator> {
        self.paths.get(self.chosen).copied()
    }

    /// Whether it has answered from the address that it is sent to.
    pub(super) fn is_validated(&self) -> bool {
        self.path().is_some_and(|path| self.has_answered_from(&path))
    }

    /// Whether data may go to `locator`.
    pub(super) fn has_answered_from(&self, locator: &Locator) -> bool {
        locators::ip(locator).is_some_and(|ip| self.validated.contains(&ip))
    }
}

/// All remote participants, and the order in which they may have to go.
#[derive(Debug, Default)]
pub(super) struct Peers {
    table: BTreeMap<GuidPrefix, Peer>,
    /// Those whose path is not validated, by order of arrival.
    unvalidated: BTreeSet<(u64, GuidPrefix)>,
    unvalidated_bytes: usize,
    endpoint_bytes: usize,
    arrivals: u64,
}

impl Peers {
    pub(super) fn get(&self, prefix: GuidPrefix) -> Option<&Peer> {
        self.table.get(&prefix)
    }

    pub(super) fn get_mut(&mut self, prefix: GuidPrefix) -> Option<&mut Peer> {
        self.table.get_mut(&prefix)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (GuidPrefix, &Peer)> {
        self.table.iter().map(|(prefix, peer)| (*prefix, peer))
    }

    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    /// Announcement bytes of those whose path is not validated.
    pub(super) fn unvalidated_bytes(&self) -> usize {
        self.unvalidated_bytes
    }

    /// Announcement bytes of all endpoints.
    pub(super) fn endpoint_bytes(&self) -> usize {
        self.endpoint_bytes
    }

    /// The one that came first among those that have not validated their path.
    pub(super) fn oldest_unvalidated(&self) -> Option<GuidPrefix> {
        self.unvalidated.first().map(|(_, prefix)| *prefix)
    }

    /// The one whose endpoints take most.
    pub(super) fn largest(&self) -> Option<GuidPrefix> {
        let largest = self.table.iter().max_by_key(|(_, peer)| peer.endpoint_bytes)?;
        Some(*largest.0)
    }

    pub(super) fn insert(&mut self, prefix: GuidPrefix, mut peer: Peer) {
        self.arrivals = self.arrivals.saturating_add(1);
        peer.arrival = self.arrivals;
        self.unvalidated.insert((peer.arrival, prefix));
        self.unvalidated_bytes = self.unvalidated_bytes.saturating_add(peer.announcement.len());
        self.table.insert(prefix, peer);
    }

    pub(super) fn remove(&mut self, prefix: GuidPrefix) -> Option<Peer> {
        let peer = self.table.remove(&prefix)?;
        self.leave_unvalidated(prefix, peer.arrival, peer.announcement.len());
        self.endpoint_bytes = self.endpoint_bytes.saturating_sub(peer.endpoint_bytes);
        Some(peer)
    }

    /// Takes it out of those that may be evicted for a stranger. It stays out even when its
    /// addresses change later.
    pub(super) fn mark_validated(&mut self, prefix: GuidPrefix) {
        if let Some((arrival, bytes)) =
            self.table.get(&prefix).map(|peer| (peer.arrival, peer.announcement.len()))
        {
            self.leave_unvalidated(prefix, arrival, bytes);
        }
    }

    fn leave_unvalidated(&mut self, prefix: GuidPrefix, arrival: u64, bytes: usize) {
        if self.unvalidated.remove(&(arrival, prefix)) {
            self.unvalidated_bytes = self.unvalidated_bytes.saturating_sub(bytes);
        }
    }

    /// Replaces what it announced.
    pub(super) fn set_announcement(
        &mut self,
        prefix: GuidPrefix,
        announcement: &[u8],
        data: Arc<ParticipantData>,
    ) {
        let Some(peer) = self.table.get_mut(&prefix) else { return };
        if self.unvalidated.contains(&(peer.arrival, prefix)) {
            let rest = self.unvalidated_bytes.saturating_sub(peer.announcement.len());
            self.unvalidated_bytes = rest.saturating_add(announcement.len());
        }
        peer.announcement = announcement.into();
        peer.data = data;
    }

    /// Adds or replaces an endpoint; returns what was known of it before.
    pub(super) fn set_endpoint(
        &mut self,
        prefix: GuidPrefix,
        entity_id: EntityId,
        entry: RemoteEntry,
    ) -> Option<RemoteEntry> {
        let peer = self.table.get_mut(&prefix)?;
        let added = entry.bytes;
        let old = peer.endpoints.insert(entity_id, entry);
        let freed = old.as_ref().map_or(0, |old| old.bytes);
        peer.endpoint_bytes = peer.endpoint_bytes.saturating_add(added).saturating_sub(freed);
        self.endpoint_bytes = self.endpoint_bytes.saturating_add(added).saturating_sub(freed);
        old
    }

    pub(super) fn remove_endpoint(&mut self, prefix: GuidPrefix, entity_id: EntityId) -> Option<RemoteEntry> {
        let peer = self.table.get_mut(&prefix)?;
        let old = peer.endpoints.remove(&entity_id)?;
        peer.endpoint_bytes = peer.endpoint_bytes.saturating_sub(old.bytes);
        self.endpoint_bytes = self.endpoint_bytes.saturating_sub(old.bytes);
        Some(old)
    }
}
