//! Submessages for the built-in endpoints, and what their samples say.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use dds_qos::LivelinessKind;

use super::{
    DiscoveryEvent, EndpointData, Participant, UnmatchReason,
    activity::Activity,
    peers::{Peer, RemoteEntry},
    sedp::Channel,
};
use crate::{
    change::{CacheChange, ChangeKind},
    discovery::{ParticipantMessageData, ParticipantMessageKind, PublicationData, SubscriptionData},
    message::{Data, DataFrag, DataPayload, Datagram, InlineQos, MessageContext, StatusInfo, Submessage},
    payload::Payload,
    reader::{Defragmenter, DefragmenterLimits, FragmentArrival, Offer, StatefulReader},
    structure::{EntityId, Guid, GuidPrefix, Locator, VendorId},
    time::{Duration, Monotonic, Now},
    writer::Destinations,
};

impl Participant {
    pub(super) fn dispatch(
        &mut self,
        now: Now,
        context: &MessageContext,
        source: Locator,
        submessage: &Submessage<'_>,
    ) {
        let prefix = context.source_prefix;
        match submessage {
            Submessage::Data(data) if data.writer_id == EntityId::SPDP_WRITER => {
                self.handle_announcement(now, context, source, data);
            }
            Submessage::Data(data) => self.handle_data(now, context, data),
            Submessage::DataFrag(fragment) => self.handle_data_frag(now, context, fragment),
            Submessage::Heartbeat(heartbeat) => {
                if let Some(channel) = Channel::of(heartbeat.writer_id, heartbeat.reader_id) {
                    self.receive(now, channel, |reader, offer| {
                        reader.handle_heartbeat(now.monotonic, prefix, heartbeat, offer);
                    });
                }
            }
            Submessage::Gap(gap) => {
                if let Some(channel) = Channel::of(gap.writer_id, gap.reader_id) {
                    self.receive(now, channel, |reader, offer| reader.handle_gap(prefix, gap, offer));
                }
            }
            Submessage::HeartbeatFrag(heartbeat) => {
                if let Some(channel) = Channel::of(heartbeat.writer_id, heartbeat.reader_id) {
                    self.endpoints.reader_mut(channel).handle_heartbeat_frag(
                        now.monotonic,
                        prefix,
                        heartbeat,
                    );
                }
            }
            Submessage::AckNack(acknack) => {
                let Some(channel) = Channel::of(acknack.writer_id, acknack.reader_id) else { return };
                if context.destination_prefix == Some(self.guid_prefix()) {
                    self.acknowledged_from(now, prefix, source);
                }
                self.endpoints.writer_mut(channel).handle_ack_nack(now.monotonic, prefix, acknack);
                self.endpoints.purge(channel);
            }
            Submessage::NackFrag(nack) => {
                if let Some(channel) = Channel::of(nack.writer_id, nack.reader_id) {
                    self.endpoints.writer_mut(channel).handle_nack_frag(prefix, nack);
                }
            }
            _ => {}
        }
    }

    /// Listens to the built-in writers of a participant at its present path.
    pub(super) fn follow_peer(&mut self, now: Monotonic, prefix: GuidPrefix) {
        let Some(peer) = self.peers.get(prefix) else { return };
        if let Some(path) = peer.path() {
            let is_validated = peer.is_validated();
            self.endpoints.follow(now, prefix, path, peer.data.builtin_endpoints, is_validated);
        }
    }

    /// Writes what the built-in endpoints have to send.
    pub(super) fn transmit_endpoints(&mut self, now: Monotonic, out: &mut Datagram) -> Option<Destinations> {
        if let Some(destinations) = self.transmit_probe(out) {
            return Some(destinations);
        }
        out.clear();
        let peers = &self.peers;
        self.endpoints.poll_transmit(now, |prefix| peers.get(prefix)?.fragments.as_deref(), out)
    }

    fn handle_data(&mut self, now: Now, context: &MessageContext, data: &Data<'_>) {
        let Some(channel) = Channel::of(data.writer_id, data.reader_id) else { return };
        let Some(peer) = self.peers.get(context.source_prefix) else { return };
        let writer = Guid::new(context.source_prefix, data.writer_id);
        let limits = &self.config.limits;
        let reader = self.endpoints.reader_mut(channel);
        if !peer.is_validated() && channel != Channel::Messages {
            // A stranger's samples are taken in order and up to a small share only; the rest is asked
            // for again, by which time it mostly is none any more.
            let in_order = reader.writer(writer).is_some_and(|proxy| proxy.next_expected() == data.writer_sn);
            let bytes = peer.endpoint_bytes.saturating_add(data.payload.bytes().len());
            if !in_order
                || peer.endpoints.len() >= limits.endpoints_per_unvalidated_participant
                || bytes > limits.endpoint_bytes_per_unvalidated_participant
            {
                return;
            }
        }
        if !reader.wants(writer, data.writer_sn) {
            return;
        }
        let mut change = CacheChange {
            payload: Payload::from(data.payload.bytes()),
            ..change_of(context, data.writer_id, data)
        };
        self.receive(now, channel, |reader, offer| _ = reader.handle_change(&mut change, offer));
    }

    fn handle_data_frag(&mut self, now: Now, context: &MessageContext, fragment: &DataFrag<'_>) {
        let Some(channel) = Channel::of(fragment.writer_id, fragment.reader_id) else { return };
        let prefix = context.source_prefix;
        let writer = Guid::new(prefix, fragment.writer_id);
        if !self.endpoints.reader_mut(channel).wants(writer, fragment.writer_sn) {
            return;
        }
        let Some(peer) = self.peers.get_mut(prefix).filter(|peer| peer.is_validated()) else { return };
        let fragments = peer.fragments.get_or_insert_with(|| Box::new(Defragmenter::new(FRAGMENT_LIMITS)));
        let arrival =
            fragments.handle_data_frag(now.monotonic, fragment, || change_of_fragment(context, fragment));
        if let FragmentArrival::Complete(mut change) = arrival {
            self.receive(now, channel, |reader, offer| _ = reader.handle_change(&mut change, offer));
        }
    }

    /// Runs `act` on a built-in reader and then does what the samples it handed on say.
    fn receive(
        &mut self,
        now: Now,
        channel: Channel,
        act: impl FnOnce(&mut StatefulReader, &mut dyn FnMut(&mut CacheChange) -> Offer),
    ) {
        let mut arrived = Vec::new();
        act(self.endpoints.reader_mut(channel), &mut |change| {
            arrived.push(change.clone());
            Offer::Done
        });
        for change in arrived {
            let prefix = change.writer_guid.prefix;
            let Some(vendor) = self.peers.get(prefix).map(|peer| peer.data.vendor) else { continue };
            match channel {
                Channel::Messages => self.apply_message(now, prefix, &change),
                Channel::TypeRequests | Channel::TypeReplies => self.apply_type_lookup(channel, &change),
                _ if change.kind == ChangeKind::Alive => self.apply_endpoint(now, channel, vendor, &change),
                _ => self.apply_disposal(channel, &change),
            }
        }
    }

    fn apply_message(&mut self, now: Now, prefix: GuidPrefix, change: &CacheChange) {
        let Ok(message) = ParticipantMessageData::decode(&change.payload) else {
            self.statistics.endpoints_malformed = self.statistics.endpoints_malformed.saturating_add(1);
            return;
        };
        if message.guid_prefix == prefix && message.kind == ParticipantMessageKind::MANUAL_LIVELINESS_UPDATE {
            let touch = self.peers.get(prefix).map(|peer| peer.manual_activity.touch(now.monotonic));
            if touch == Some(super::Touch::Revives) {
                self.revive_writers(now.monotonic);
            }
        }
    }

    fn apply_endpoint(&mut self, now: Now, channel: Channel, vendor: VendorId, change: &CacheChange) {
        let prefix = change.writer_guid.prefix;
        let decoded = match channel {
            Channel::Publications => PublicationData::decode(&change.payload, vendor)
                .ok()
                .filter(|data| data.endpoint_guid.entity_id.is_writer())
                .map(|data| EndpointData::Publication(Arc::new(data))),
            _ => SubscriptionData::decode(&change.payload, vendor)
                .ok()
                .filter(|data| data.endpoint_guid.entity_id.is_reader())
                .map(|data| EndpointData::Subscription(Arc::new(data))),
        };
        let Some(data) = decoded.filter(|data| data.guid().prefix == prefix) else {
            self.statistics.endpoints_malformed = self.statistics.endpoints_malformed.saturating_add(1);
            return;
        };
        if self.ignored.is_endpoint(&data) {
            return;
        }
        let entity_id = data.guid().entity_id;
        let Some(peer) = self.peers.get(prefix) else { return };
        let known = peer.endpoints.get(&entity_id);
        if known.is_some_and(|known| known.data == data) {
            return;
        }
        let is_new = known.is_none();
        let freed = known.map_or(0, |known| known.bytes);
        let activity = match (known, data.liveliness()) {
            (Some(known), _) => known.activity.clone(),
            (None, Some(LivelinessKind::ManualByParticipant)) => peer.manual_activity.clone(),
            (None, Some(LivelinessKind::ManualByTopic)) => Activity::new(now.monotonic),
            // The process lives as long as it sends anything at all.
            (None, _) => peer.activity.clone(),
        };
        let added = change.payload.len().saturating_sub(freed);
        if !self.has_room(peer, is_new, added) || !self.make_room(now, prefix, added) {
            self.statistics.endpoints_refused = self.statistics.endpoints_refused.saturating_add(1);
            return;
        }
        let entry = RemoteEntry { data: data.clone(), bytes: change.payload.len(), activity };
        let old = self.peers.set_endpoint(prefix, entity_id, entry);
        if let Some(old) = old.filter(|old| old.data.topic_name() != data.topic_name()) {
            // A topic does not change its name; whoever claims so begins anew.
            self.forget_remote(data.guid(), &old.data, UnmatchReason::RemoteDeleted);
        }
        self.events.push_back(match (&data, is_new) {
            (EndpointData::Publication(data), true) => DiscoveryEvent::PublicationDiscovered(data.clone()),
            (EndpointData::Publication(data), false) => DiscoveryEvent::PublicationChanged(data.clone()),
            (EndpointData::Subscription(data), true) => DiscoveryEvent::SubscriptionDiscovered(data.clone()),
            (EndpointData::Subscription(data), false) => DiscoveryEvent::SubscriptionChanged(data.clone()),
        });
        self.judge_remote(now, &data);
    }

    /// Whether a participant's share leaves room for one endpoint (more).
    fn has_room(&self, peer: &Peer, is_new: bool, bytes: usize) -> bool {
        let limits = &self.config.limits;
        (!is_new || peer.endpoints.len() < limits.endpoints_per_participant)
            && peer.endpoint_bytes.saturating_add(bytes) <= limits.endpoint_bytes_per_participant
    }

    /// Evicts the participant that holds most while all together hold too much; false when the one
    /// that asks is itself the largest.
    fn make_room(&mut self, now: Now, asking: GuidPrefix, bytes: usize) -> bool {
        while self.peers.endpoint_bytes().saturating_add(bytes) > self.config.limits.endpoint_bytes {
            let Some(largest) = self.peers.largest().filter(|largest| *largest != asking) else {
                return false;
            };
            self.statistics.participants_evicted = self.statistics.participants_evicted.saturating_add(1);
            self.remove_peer(now, largest, super::LossReason::Evicted);
        }
        true
    }

    fn apply_disposal(&mut self, channel: Channel, change: &CacheChange) {
        let prefix = change.writer_guid.prefix;
        let key = DataPayload::Key(&change.payload);
        let named = match channel {
            Channel::Publications => PublicationData::disposed(key, None),
            _ => SubscriptionData::disposed(key, None),
        };
        // Fast DDS sends the key hash alone, which here is the GUID itself.
        let named = named.or(change.key_hash.map(|hash| Guid::from_bytes(hash.0)));
        let Some(guid) = named.filter(|guid| guid.prefix == prefix) else {
            self.statistics.endpoints_malformed = self.statistics.endpoints_malformed.saturating_add(1);
            return;
        };
        let Some(entry) = self.peers.remove_endpoint(prefix, guid.entity_id) else { return };
        self.forget_remote(guid, &entry.data, UnmatchReason::RemoteDeleted);
    }
}

/// What the status that travels with a sample does to its instance.
fn change_kind(inline: Option<&InlineQos<'_>>) -> ChangeKind {
    let status = inline.and_then(|inline| inline.status_info()).unwrap_or_default();
    match (status.contains(StatusInfo::DISPOSED), status.contains(StatusInfo::UNREGISTERED)) {
        (false, false) => ChangeKind::Alive,
        (true, false) => ChangeKind::NotAliveDisposed,
        (false, true) => ChangeKind::NotAliveUnregistered,
        (true, true) => ChangeKind::NotAliveDisposedUnregistered,
    }
}

fn change_of(context: &MessageContext, writer_id: EntityId, data: &Data<'_>) -> CacheChange {
    CacheChange {
        kind: change_kind(data.inline_qos.as_ref()),
        writer_guid: Guid::new(context.source_prefix, writer_id),
        sequence_number: data.writer_sn,
        source_timestamp: context.timestamp,
        key_hash: data.inline_qos.as_ref().and_then(|inline| inline.key_hash()),
        ..CacheChange::default()
    }
}

fn change_of_fragment(context: &MessageContext, fragment: &DataFrag<'_>) -> CacheChange {
    CacheChange {
        kind: change_kind(fragment.inline_qos.as_ref()),
        writer_guid: Guid::new(context.source_prefix, fragment.writer_id),
        sequence_number: fragment.writer_sn,
        source_timestamp: context.timestamp,
        key_hash: fragment.inline_qos.as_ref().and_then(|inline| inline.key_hash()),
        ..CacheChange::default()
    }
}

/// Fragments of built-in samples held for one participant.
const FRAGMENT_LIMITS: DefragmenterLimits = DefragmenterLimits {
    largest_sample: 1 << 20,
    total_bytes: 4 << 20,
    samples_per_writer: 16,
    stale_after: Duration::from_secs(10),
};
