//! The reliable built-in endpoints: publications, subscriptions, participant messages (RTPS 2.5
//! §8.5.4, §8.4.13), type lookup (XTypes 1.3 §7.6.3.3.4).

use alloc::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    vec::Vec,
};

use smallvec::{SmallVec, smallvec};

use crate::{
    change::{Audience, CacheChange, ChangeKind},
    discovery::{
        BuiltinEndpointQos, BuiltinEndpointSet, ParticipantMessageData, PublicationData, SubscriptionData,
    },
    message::{Datagram, Heartbeat},
    payload::Payload,
    reader::{Defragmenter, ReaderConfig, StatefulReader, WriterProxyConfig},
    structure::{EntityId, Guid, GuidPrefix, KeyHash, Locator, SequenceNumber},
    time::{Monotonic, Now},
    writer::{Destinations, MessageSizes, ReaderProxyConfig, Replay, StatefulWriter, WriterConfig},
};

/// The built-in endpoints that every participant of ours has.
pub(super) const OUR_ENDPOINTS: BuiltinEndpointSet = BuiltinEndpointSet::PARTICIPANT_ANNOUNCER
    .union(BuiltinEndpointSet::PARTICIPANT_DETECTOR)
    .union(BuiltinEndpointSet::PUBLICATIONS_ANNOUNCER)
    .union(BuiltinEndpointSet::PUBLICATIONS_DETECTOR)
    .union(BuiltinEndpointSet::SUBSCRIPTIONS_ANNOUNCER)
    .union(BuiltinEndpointSet::SUBSCRIPTIONS_DETECTOR)
    .union(BuiltinEndpointSet::PARTICIPANT_MESSAGE_WRITER)
    .union(BuiltinEndpointSet::PARTICIPANT_MESSAGE_READER)
    .union(BuiltinEndpointSet::TYPE_LOOKUP_REQUEST_WRITER)
    .union(BuiltinEndpointSet::TYPE_LOOKUP_REQUEST_READER)
    .union(BuiltinEndpointSet::TYPE_LOOKUP_REPLY_WRITER)
    .union(BuiltinEndpointSet::TYPE_LOOKUP_REPLY_READER);

/// One pair of built-in endpoints.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Channel {
    Publications,
    Subscriptions,
    /// Participant messages: the writer liveliness protocol.
    Messages,
    TypeRequests,
    TypeReplies,
}

impl Channel {
    const ALL: [Self; 5] =
        [Self::Publications, Self::Subscriptions, Self::Messages, Self::TypeRequests, Self::TypeReplies];

    /// Whether its samples are for one participant each, and of no use to who comes later.
    pub(super) const fn is_type_lookup(self) -> bool {
        matches!(self, Self::TypeRequests | Self::TypeReplies)
    }

    pub(super) fn of(writer: EntityId, reader: EntityId) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| {
            channel.writer_id() == writer && (reader == EntityId::UNKNOWN || reader == channel.reader_id())
        })
    }

    pub(super) const fn writer_id(self) -> EntityId {
        match self {
            Self::Publications => EntityId::SEDP_PUBLICATIONS_WRITER,
            Self::Subscriptions => EntityId::SEDP_SUBSCRIPTIONS_WRITER,
            Self::Messages => EntityId::PARTICIPANT_MESSAGE_WRITER,
            Self::TypeRequests => EntityId::TYPE_LOOKUP_REQUEST_WRITER,
            Self::TypeReplies => EntityId::TYPE_LOOKUP_REPLY_WRITER,
        }
    }

    pub(super) const fn reader_id(self) -> EntityId {
        match self {
            Self::Publications => EntityId::SEDP_PUBLICATIONS_READER,
            Self::Subscriptions => EntityId::SEDP_SUBSCRIPTIONS_READER,
            Self::Messages => EntityId::PARTICIPANT_MESSAGE_READER,
            Self::TypeRequests => EntityId::TYPE_LOOKUP_REQUEST_READER,
            Self::TypeReplies => EntityId::TYPE_LOOKUP_REPLY_READER,
        }
    }

    const fn has_writer(self, set: BuiltinEndpointSet) -> bool {
        set.contains(match self {
            Self::Publications => BuiltinEndpointSet::PUBLICATIONS_ANNOUNCER,
            Self::Subscriptions => BuiltinEndpointSet::SUBSCRIPTIONS_ANNOUNCER,
            Self::Messages => BuiltinEndpointSet::PARTICIPANT_MESSAGE_WRITER,
            Self::TypeRequests => BuiltinEndpointSet::TYPE_LOOKUP_REQUEST_WRITER,
            Self::TypeReplies => BuiltinEndpointSet::TYPE_LOOKUP_REPLY_WRITER,
        })
    }

    const fn has_reader(self, set: BuiltinEndpointSet) -> bool {
        set.contains(match self {
            Self::Publications => BuiltinEndpointSet::PUBLICATIONS_DETECTOR,
            Self::Subscriptions => BuiltinEndpointSet::SUBSCRIPTIONS_DETECTOR,
            Self::Messages => BuiltinEndpointSet::PARTICIPANT_MESSAGE_READER,
            Self::TypeRequests => BuiltinEndpointSet::TYPE_LOOKUP_REQUEST_READER,
            Self::TypeReplies => BuiltinEndpointSet::TYPE_LOOKUP_REPLY_READER,
        })
    }
}

/// A built-in writer that keeps the last change of each key, and its reader.
#[derive(Debug)]
struct Pair {
    channel: Channel,
    writer: StatefulWriter,
    reader: StatefulReader,
    /// The change that holds for each key now.
    current: BTreeMap<[u8; 16], SequenceNumber>,
    /// Disposals, requests and replies that not everybody has yet, with their size.
    passing: VecDeque<(SequenceNumber, usize)>,
    passing_bytes: usize,
}

impl Pair {
    fn new(channel: Channel, prefix: GuidPrefix, max_message_size: usize) -> Self {
        let sizes = MessageSizes { network: max_message_size, ..MessageSizes::default() };
        Self {
            channel,
            writer: StatefulWriter::new(WriterConfig {
                message_sizes: sizes,
                ..WriterConfig::new(Guid::new(prefix, channel.writer_id()))
            }),
            reader: StatefulReader::new(ReaderConfig {
                held_samples: HELD_SAMPLES,
                held_bytes: HELD_BYTES,
                ..ReaderConfig::new(Guid::new(prefix, channel.reader_id()))
            }),
            current: BTreeMap::new(),
            passing: VecDeque::new(),
            passing_bytes: 0,
        }
    }

    fn write(&mut self, now: Now, key: [u8; 16], kind: ChangeKind, payload: Vec<u8>) -> SequenceNumber {
        let number = self.writer.add_change(CacheChange {
            kind,
            writer_guid: self.writer.guid(),
            source_timestamp: Some(now.wall),
            key_hash: Some(KeyHash(key)),
            payload: Payload::from(payload),
            ..CacheChange::default()
        });
        if let Some(old) = self.current.remove(&key) {
            self.writer.remove_change(old);
        }
        number
    }

    fn announce(&mut self, now: Now, key: [u8; 16], payload: Vec<u8>) {
        let number = self.write(now, key, ChangeKind::Alive, payload);
        self.current.insert(key, number);
        self.purge();
    }

    fn withdraw(&mut self, now: Now, key: [u8; 16], payload: Vec<u8>) {
        if !self.current.contains_key(&key) {
            return;
        }
        let size = payload.len();
        let number = self.write(now, key, ChangeKind::NotAliveDisposedUnregistered, payload);
        self.keep(number, size);
    }

    /// Writes a sample without key for one participant alone.
    fn send(&mut self, now: Now, to: GuidPrefix, payload: Vec<u8>) -> SequenceNumber {
        let size = payload.len();
        let number = self.writer.add_change(CacheChange {
            writer_guid: self.writer.guid(),
            source_timestamp: Some(now.wall),
            payload: Payload::from(payload),
            audience: Audience::only(Guid::new(to, self.channel.reader_id())),
            ..CacheChange::default()
        });
        self.keep(number, size);
        number
    }

    fn keep(&mut self, number: SequenceNumber, size: usize) {
        self.passing.push_back((number, size));
        self.passing_bytes = self.passing_bytes.saturating_add(size);
        self.purge();
    }

    /// Forgets what everybody has of the disposals, requests and replies, and the oldest when there are
    /// too many: a peer that silent is about to lose its lease.
    fn purge(&mut self) {
        while let Some((number, size)) = self.passing.front().copied() {
            let is_full = self.passing.len() > PASSING_KEPT || self.passing_bytes > PASSING_BYTES;
            let is_last = self.passing.len() == 1;
            if !self.writer.is_acknowledged(number) && (is_last || !is_full) {
                break;
            }
            self.writer.remove_change(number);
            self.passing.pop_front();
            self.passing_bytes = self.passing_bytes.saturating_sub(size);
        }
    }
}

/// The reliable built-in endpoints of our participant.
#[derive(Debug)]
pub(super) struct BuiltinEndpoints {
    publications: Pair,
    subscriptions: Pair,
    messages: Pair,
    type_requests: Pair,
    type_replies: Pair,
    probes: VecDeque<(GuidPrefix, BuiltinEndpointSet)>,
}

impl BuiltinEndpoints {
    pub(super) fn new(prefix: GuidPrefix, max_message_size: usize) -> Self {
        Self {
            publications: Pair::new(Channel::Publications, prefix, max_message_size),
            subscriptions: Pair::new(Channel::Subscriptions, prefix, max_message_size),
            messages: Pair::new(Channel::Messages, prefix, max_message_size),
            type_requests: Pair::new(Channel::TypeRequests, prefix, max_message_size),
            type_replies: Pair::new(Channel::TypeReplies, prefix, max_message_size),
            probes: VecDeque::new(),
        }
    }

    fn pairs(&self) -> [&Pair; 5] {
        [&self.publications, &self.subscriptions, &self.messages, &self.type_requests, &self.type_replies]
    }

    fn pairs_mut(&mut self) -> [&mut Pair; 5] {
        [
            &mut self.publications,
            &mut self.subscriptions,
            &mut self.messages,
            &mut self.type_requests,
            &mut self.type_replies,
        ]
    }

    fn pair_mut(&mut self, channel: Channel) -> &mut Pair {
        match channel {
            Channel::Publications => &mut self.publications,
            Channel::Subscriptions => &mut self.subscriptions,
            Channel::Messages => &mut self.messages,
            Channel::TypeRequests => &mut self.type_requests,
            Channel::TypeReplies => &mut self.type_replies,
        }
    }

    pub(super) fn writer_mut(&mut self, channel: Channel) -> &mut StatefulWriter {
        &mut self.pair_mut(channel).writer
    }

    pub(super) fn reader_mut(&mut self, channel: Channel) -> &mut StatefulReader {
        &mut self.pair_mut(channel).reader
    }

    /// After an acknowledgement: lets go of what everybody has.
    pub(super) fn purge(&mut self, channel: Channel) {
        self.pair_mut(channel).purge();
    }

    pub(super) fn announce_publication(&mut self, now: Now, data: &Arc<PublicationData>) {
        let mut payload = Vec::new();
        // What is too long for a parameter is left out; the rest is still worth announcing.
        let _ = data.encode(&mut payload);
        self.publications.announce(now, data.endpoint_guid.to_bytes(), payload);
    }

    pub(super) fn announce_subscription(&mut self, now: Now, data: &Arc<SubscriptionData>) {
        let mut payload = Vec::new();
        // What is too long for a parameter is left out; the rest is still worth announcing.
        let _ = data.encode(&mut payload);
        self.subscriptions.announce(now, data.endpoint_guid.to_bytes(), payload);
    }

    pub(super) fn withdraw_publication(&mut self, now: Now, guid: Guid) {
        let mut key = Vec::new();
        PublicationData::encode_key(guid, &mut key);
        self.publications.withdraw(now, guid.to_bytes(), key);
    }

    pub(super) fn withdraw_subscription(&mut self, now: Now, guid: Guid) {
        let mut key = Vec::new();
        SubscriptionData::encode_key(guid, &mut key);
        self.subscriptions.withdraw(now, guid.to_bytes(), key);
    }

    /// Withdraws all endpoints.
    pub(super) fn withdraw_all(&mut self, now: Now) {
        let guids = |pair: &Pair| pair.current.keys().map(|key| Guid::from_bytes(*key)).collect::<Vec<_>>();
        for guid in guids(&self.publications) {
            self.withdraw_publication(now, guid);
        }
        for guid in guids(&self.subscriptions) {
            self.withdraw_subscription(now, guid);
        }
    }

    /// Sends a participant message, which replaces the last one of its kind.
    pub(super) fn send_message(&mut self, now: Now, message: &ParticipantMessageData) {
        let mut payload = Vec::new();
        message.encode(&mut payload);
        let mut key = [0; 16];
        let (prefix, kind) = key.split_at_mut(12);
        prefix.copy_from_slice(&message.guid_prefix.0);
        kind.copy_from_slice(&message.kind.0);
        self.messages.announce(now, key, payload);
    }

    /// What the next request or reply will be numbered.
    pub(super) fn next_number(&mut self, channel: Channel) -> SequenceNumber {
        self.writer_mut(channel).history().last_number().next()
    }

    /// Sends a request or a reply to one participant.
    pub(super) fn send(&mut self, now: Now, channel: Channel, to: GuidPrefix, payload: Vec<u8>) {
        self.pair_mut(channel).send(now, to, payload);
    }

    /// Listens to the built-in writers of a participant, and acknowledges to `path`. Types are looked up
    /// once it is validated only: it costs datagrams, and nobody is answered before.
    pub(super) fn follow(
        &mut self,
        now: Monotonic,
        prefix: GuidPrefix,
        path: Locator,
        set: BuiltinEndpointSet,
        is_validated: bool,
    ) {
        for pair in self.pairs_mut() {
            if pair.channel.has_writer(set) && (is_validated || !pair.channel.is_type_lookup()) {
                let guid = Guid::new(prefix, pair.channel.writer_id());
                let config = WriterProxyConfig { guid, locators: smallvec![path], reliable: true };
                pair.reader.match_writer(now, config);
            }
        }
    }

    /// Serves the built-in readers of a participant at `path`.
    pub(super) fn serve(
        &mut self,
        prefix: GuidPrefix,
        path: Locator,
        set: BuiltinEndpointSet,
        qos: BuiltinEndpointQos,
    ) {
        for pair in self.pairs_mut() {
            if pair.channel.has_reader(set) {
                let best_effort = pair.channel == Channel::Messages
                    && qos.contains(BuiltinEndpointQos::BEST_EFFORT_PARTICIPANT_MESSAGE_READER);
                pair.writer.match_reader(ReaderProxyConfig {
                    group: None,
                    filter: None,
                    guid: Guid::new(prefix, pair.channel.reader_id()),
                    locators: smallvec![path],
                    reliable: !best_effort,
                    expects_inline_qos: false,
                    replay: Replay::All,
                });
            }
        }
    }

    pub(super) fn forget_peer(&mut self, prefix: GuidPrefix) {
        for pair in self.pairs_mut() {
            pair.writer.unmatch_reader(Guid::new(prefix, pair.channel.reader_id()));
            pair.reader.unmatch_writer(Guid::new(prefix, pair.channel.writer_id()));
            pair.purge();
        }
    }

    /// Asks the readers of a participant that is not served yet to acknowledge.
    pub(super) fn probe(&mut self, prefix: GuidPrefix, set: BuiltinEndpointSet) {
        if !self.probes.iter().any(|(probed, _)| *probed == prefix) {
            self.probes.push_back((prefix, set));
        }
    }

    /// The heartbeats of the next probe.
    pub(super) fn next_probe(&mut self) -> Option<(GuidPrefix, SmallVec<[Heartbeat; 3]>)> {
        let (prefix, set) = self.probes.pop_front()?;
        let mut heartbeats = SmallVec::new();
        for pair in self.pairs_mut() {
            if pair.channel.has_reader(set) && !pair.channel.is_type_lookup() {
                heartbeats.push(pair.writer.probe_heartbeat(pair.channel.reader_id()));
            }
        }
        Some((prefix, heartbeats))
    }

    pub(super) fn poll_transmit<'f>(
        &mut self,
        now: Monotonic,
        fragments: impl Fn(GuidPrefix) -> Option<&'f Defragmenter>,
        out: &mut Datagram,
    ) -> Option<Destinations> {
        for pair in self.pairs_mut() {
            // Acknowledgements first: a peer validates its path to us by them.
            if let Some(writer) = pair.reader.acknowledgement_due(now) {
                return pair.reader.poll_transmit(now, fragments(writer.prefix), out);
            }
            if let Some(destinations) = pair.writer.poll_transmit(now, out) {
                return Some(destinations);
            }
        }
        None
    }

    pub(super) fn poll_timeout(&self) -> Option<Monotonic> {
        let timeouts = self.pairs().map(|pair| [pair.writer.poll_timeout(), pair.reader.poll_timeout()]);
        timeouts.into_iter().flatten().flatten().min()
    }

    pub(super) fn handle_timeout(&mut self, now: Monotonic) {
        for pair in self.pairs_mut() {
            pair.writer.handle_timeout(now);
        }
    }
}

/// Changes held of one built-in writer while a lower number is missing; the rest comes again.
const HELD_SAMPLES: usize = 1024;
/// Bytes held of one built-in writer while a lower number is missing.
const HELD_BYTES: usize = 256 << 10;
/// Disposals, or requests, or replies kept for those who have not acknowledged them.
const PASSING_KEPT: usize = 4096;
/// Their bytes.
const PASSING_BYTES: usize = 4 << 20;
