//! What discovery finds, shown to the readers of the built-in topics (DDS 1.4 §2.2.5).
//!
//! These readers are endpoints like others, under the standard's entity ids, but nobody is matched
//! with them: samples are parameter lists made here from what was announced. Without such a reader
//! an announcement costs one look-up.
//!
//! An entity is named by the handle of its instance here. It is given by discovery, except when an
//! entity comes back before the user took note of its loss: then the instance is still there and
//! keeps its handle.

use std::{collections::BTreeMap, sync::Arc};

use dds_qos::Duration;
use dds_rtps::{
    change::{CacheChange, ChangeKind},
    discovery::{ParticipantData, PublicationData, SubscriptionData, TopicData},
    participant::{EndpointData, answers_type_lookup},
    structure::{EntityId, Guid, VendorId},
    time::Now,
};

use super::{DiscoveryState, Engine, ReaderEndpoint, timers::TimerOwner};
use crate::{
    cache::{MatchedWriter, Selector},
    instance::InstanceHandle,
    sample::{DataState, InstanceStateMask},
};

/// The reader of participants.
pub(crate) const PARTICIPANT_READER: EntityId = EntityId::SPDP_READER;
/// The reader of topics.
pub(crate) const TOPIC_READER: EntityId = EntityId::SEDP_TOPICS_READER;
/// The reader of writers.
pub(crate) const PUBLICATION_READER: EntityId = EntityId::SEDP_PUBLICATIONS_READER;
/// The reader of readers.
pub(crate) const SUBSCRIPTION_READER: EntityId = EntityId::SEDP_SUBSCRIPTIONS_READER;

/// What the built-in topic of topics shows, by key. Peers need not announce topics, and most do
/// not: a topic is there while an endpoint of it is.
pub(crate) type ShownTopics = BTreeMap<Guid, TopicData>;

/// Samples that a user who never takes them may let pile up before those of lost entities go.
const MOST_ENDED: usize = 65_536;

/// The writer in whose name samples are offered to `reader`.
fn writer_of(reader: &ReaderEndpoint) -> Guid {
    Guid::new(reader.guid.prefix, EntityId::UNKNOWN)
}

/// The key of a topic: names are not unique with differing types, hence the digest of both.
fn topic_key(topic_name: &str, type_name: &str) -> Guid {
    let names = [topic_name, "\0", type_name].concat();
    Guid::from_bytes(dds_types::key_hash(names.as_bytes(), None))
}

impl ReaderEndpoint {
    /// Shows a discovered entity and returns the instance's handle: `name` if it is new here.
    fn show(&self, now: Now, key: Guid, name: Option<InstanceHandle>, payload: Vec<u8>) -> InstanceHandle {
        self.offer_discovered(now, ChangeKind::Alive, name, payload);
        self.state.lock().cache.lookup_instance(&key.to_bytes()).or(name).unwrap_or_default()
    }

    fn offer_discovered(&self, now: Now, kind: ChangeKind, name: Option<InstanceHandle>, payload: Vec<u8>) {
        let mut state = self.state.lock();
        let ended = DataState { instance_states: InstanceStateMask::NOT_ALIVE, ..DataState::ANY };
        if state.cache.len() >= MOST_ENDED && state.cache.has_data(ended) {
            state.cache.take(&Selector { states: ended, ..Selector::default() }, &mut Vec::new());
        }
        let mut change = CacheChange {
            kind,
            writer_guid: writer_of(self),
            source_timestamp: Some(now.wall),
            payload: payload.into(),
            ..CacheChange::default()
        };
        state.offer_builtin(now, &mut change, name);
    }
}

/// The parameter list that `encode` appends. What it leaves out is what no parameter can hold.
fn encoded<E>(encode: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Vec<u8> {
    let mut payload = Vec::new();
    let _ = encode(&mut payload);
    payload
}

impl Engine {
    /// Adds a reader of a built-in topic and shows it all that is known.
    pub(crate) fn add_builtin_reader(&self, reader: &Arc<ReaderEndpoint>) {
        let now = self.environment.now();
        reader.state.lock().cache.writer_matched(MatchedWriter {
            guid: writer_of(reader),
            handle: InstanceHandle::NIL,
            strength: 0,
            lifespan: Duration::INFINITE,
        });
        let mut state = self.discovery.lock();
        self.table.write().add_reader(reader.clone());
        match reader.guid.entity_id {
            PARTICIPANT_READER => {
                for data in by_handle(&state, &state.participants) {
                    self.show_participant(now, &mut state, &data);
                }
            }
            PUBLICATION_READER => {
                for data in by_handle(&state, &state.publications) {
                    self.show_publication(now, &mut state, &data);
                }
            }
            SUBSCRIPTION_READER => {
                for data in by_handle(&state, &state.subscriptions) {
                    self.show_subscription(now, &mut state, &data);
                }
            }
            _ => self.show_all_topics(now, &mut state),
        }
        drop(state);
        self.settle_reader(now, reader);
    }

    /// Forgets a reader of a built-in topic, unless another one took its place.
    pub(crate) fn remove_builtin_reader(&self, reader: &ReaderEndpoint) {
        let mut state = self.discovery.lock();
        let mut table = self.table.write();
        let entity_id = reader.guid.entity_id;
        if table.reader(entity_id).is_some_and(|current| current.handle == reader.handle) {
            table.remove_reader(entity_id);
            self.timers.forget(TimerOwner::Reader(entity_id), &reader.armed);
            if entity_id == TOPIC_READER {
                state.shown_topics.clear();
            }
        }
    }

    fn builtin_reader(&self, entity_id: EntityId) -> Option<Arc<ReaderEndpoint>> {
        self.table.read().reader(entity_id)
    }

    /// Names a participant and shows it.
    pub(super) fn show_participant(
        &self,
        now: Now,
        state: &mut DiscoveryState,
        data: &ParticipantData,
    ) -> Option<Arc<ReaderEndpoint>> {
        let handle = self.handle_for(state, data.guid);
        let reader = self.builtin_reader(PARTICIPANT_READER)?;
        let shown = reader.show(now, data.guid, Some(handle), encoded(|out| data.encode(out)));
        state.name(data.guid, shown);
        Some(reader)
    }

    /// Names a remote writer and shows it.
    pub(super) fn show_publication(
        &self,
        now: Now,
        state: &mut DiscoveryState,
        data: &PublicationData,
    ) -> Option<Arc<ReaderEndpoint>> {
        let handle = self.handle_for(state, data.endpoint_guid);
        let reader = self.builtin_reader(PUBLICATION_READER)?;
        let shown = reader.show(now, data.endpoint_guid, Some(handle), encoded(|out| data.encode(out)));
        state.name(data.endpoint_guid, shown);
        Some(reader)
    }

    /// Names a remote reader and shows it.
    pub(super) fn show_subscription(
        &self,
        now: Now,
        state: &mut DiscoveryState,
        data: &SubscriptionData,
    ) -> Option<Arc<ReaderEndpoint>> {
        let handle = self.handle_for(state, data.endpoint_guid);
        let reader = self.builtin_reader(SUBSCRIPTION_READER)?;
        let shown = reader.show(now, data.endpoint_guid, Some(handle), encoded(|out| data.encode(out)));
        state.name(data.endpoint_guid, shown);
        Some(reader)
    }

    /// Shows that an entity is gone.
    pub(super) fn hide(&self, now: Now, guid: Guid) -> Option<Arc<ReaderEndpoint>> {
        let reader = self.builtin_reader(reader_for(guid))?;
        let mut payload = Vec::new();
        match reader.guid.entity_id {
            PARTICIPANT_READER => ParticipantData::encode_key(guid, &mut payload),
            _ => PublicationData::encode_key(guid, &mut payload),
        }
        // Both, so that the instance is forgotten once the user has taken note.
        reader.offer_discovered(now, ChangeKind::NotAliveDisposedUnregistered, None, payload);
        Some(reader)
    }

    /// Shows what became of a topic by a change among its endpoints.
    pub(super) fn show_topic(
        &self,
        now: Now,
        state: &mut DiscoveryState,
        topic_name: &str,
        type_name: &str,
    ) -> Option<Arc<ReaderEndpoint>> {
        let key = topic_key(topic_name, type_name);
        let reader = self.builtin_reader(TOPIC_READER);
        if reader.is_none() && state.handle_of(key).is_nil() {
            // Nobody has asked for it.
            return None;
        }
        match topic_of(state, topic_name, type_name) {
            Some(data) => {
                let (reader, handle) = (reader?, self.handle_for(state, key));
                if state.shown_topics.get(&key) != Some(&data) {
                    let shown = reader.show(now, key, Some(handle), encoded(|out| data.encode(out)));
                    state.name(key, shown);
                    state.shown_topics.insert(key, data);
                }
                Some(reader)
            }
            None => {
                state.forget(key);
                let reader = reader?;
                state.shown_topics.remove(&key)?;
                let mut payload = Vec::new();
                TopicData::encode_key(key, &mut payload);
                reader.offer_discovered(now, ChangeKind::NotAliveDisposedUnregistered, None, payload);
                Some(reader)
            }
        }
    }

    /// The topics of other participants' endpoints, with the handles that name them.
    pub(crate) fn discovered_topics(&self) -> Vec<(InstanceHandle, TopicData)> {
        let mut state = self.discovery.lock();
        let names = topic_names(&state);
        let known = names.iter().filter_map(|(topic, of)| topic_of(&state, topic, of));
        let known: Vec<_> = known.collect();
        known.into_iter().map(|data| (self.handle_for(&mut state, data.guid), data)).collect()
    }

    /// What other participants announced of their endpoints of a topic, and whether they can be asked for
    /// types.
    pub(crate) fn endpoints_of(&self, topic_name: &str) -> Vec<(EndpointData, bool)> {
        let state = self.discovery.lock();
        let publications = state.publications.values().cloned().map(EndpointData::Publication);
        let subscriptions = state.subscriptions.values().cloned().map(EndpointData::Subscription);
        let of_topic = publications.chain(subscriptions).filter(|data| data.topic_name() == topic_name);
        let with_answers = of_topic.map(|data| {
            let participant = state.participants.get(&data.guid().participant());
            (data, participant.is_some_and(|participant| answers_type_lookup(participant)))
        });
        with_answers.collect()
    }

    fn show_all_topics(&self, now: Now, state: &mut DiscoveryState) {
        state.shown_topics.clear();
        for (topic_name, type_name) in topic_names(state) {
            self.show_topic(now, state, &topic_name, &type_name);
        }
    }
}

/// The names and type names of the topics of other participants' endpoints.
fn topic_names(state: &DiscoveryState) -> Vec<(String, String)> {
    let of_writers = state.publications.values().map(|data| (&data.topic_name, &data.type_name));
    let of_readers = state.subscriptions.values().map(|data| (&data.topic_name, &data.type_name));
    let mut names: Vec<_> =
        of_writers.chain(of_readers).map(|(topic, of)| (topic.clone(), of.clone())).collect();
    names.sort();
    names.dedup();
    names
}

/// A topic as its endpoints tell of it, while there is one.
///
/// Its QoS is that of the endpoint with the smallest GUID: any order would do that does not change by
/// itself.
fn topic_of(state: &DiscoveryState, topic_name: &str, type_name: &str) -> Option<TopicData> {
    let publication =
        state.publications.values().find(|data| data.topic_name == topic_name && data.type_name == type_name);
    let subscription = state
        .subscriptions
        .values()
        .find(|data| data.topic_name == topic_name && data.type_name == type_name);
    let as_topic = match (publication, subscription) {
        (Some(one), Some(other)) if one.endpoint_guid < other.endpoint_guid => encoded(|out| one.encode(out)),
        (_, Some(data)) => encoded(|out| data.encode(out)),
        (Some(data), None) => encoded(|out| data.encode(out)),
        (None, None) => return None,
    };
    // A topic's parameters are among those of its endpoints.
    let data = TopicData::decode(&as_topic, VendorId::OURS).ok()?;
    Some(TopicData { guid: topic_key(topic_name, type_name), unknown: Default::default(), ..data })
}

fn reader_for(guid: Guid) -> EntityId {
    match guid.entity_id {
        EntityId::PARTICIPANT => PARTICIPANT_READER,
        entity_id if entity_id.is_writer() => PUBLICATION_READER,
        _ => SUBSCRIPTION_READER,
    }
}

/// Instances are made in the order of their handles.
fn by_handle<T>(state: &DiscoveryState, known: &BTreeMap<Guid, Arc<T>>) -> Vec<Arc<T>> {
    let mut entries: Vec<_> =
        known.iter().map(|(guid, data)| (state.handle_of(*guid), data.clone())).collect();
    entries.sort_by_key(|(handle, _)| *handle);
    entries.into_iter().map(|(_, data)| data).collect()
}

#[cfg(test)]
mod tests {
    use dds_rtps::structure::{EntityKind, GuidPrefix};

    use super::*;
    use crate::{DomainParticipant, sample::InstanceState};

    fn publication(entity: u32) -> PublicationData {
        let guid = Guid::new(GuidPrefix([7; 12]), EntityId::new(entity, EntityKind::WRITER_NO_KEY));
        PublicationData::new(guid, "Topic", "Type", Default::default())
    }

    #[test]
    fn an_entity_that_comes_back_unnoticed_keeps_its_handle_and_another_gets_its_own() {
        let participant = DomainParticipant::builder(80).loopback_only().build().unwrap();
        let reader = participant.builtin_subscriber().publication_reader().unwrap();
        let engine = participant.engine();
        let now = engine.environment.now();
        let come = |data: &PublicationData| {
            let mut state = engine.discovery.lock();
            engine.show_publication(now, &mut state, data).unwrap();
            state.handle_of(data.endpoint_guid)
        };
        let go = |data: &PublicationData| {
            engine.hide(now, data.endpoint_guid).unwrap();
            engine.discovery.lock().forget(data.endpoint_guid);
        };
        let (one, two) = (publication(1), publication(2));
        let first = come(&one);
        go(&one);
        let second = come(&two);
        assert_eq!(come(&one), first, "its loss has not been taken note of");
        let samples = reader.take_instance(first).unwrap();
        assert_eq!(samples.last().unwrap().info().instance_state, InstanceState::Alive);
        assert_eq!(reader.take_next_instance(first).unwrap()[0].info().instance_handle, second);
        go(&one);
        assert_eq!(reader.take().unwrap().len(), 1);
        let again = come(&one);
        assert!(again > second, "the instance was forgotten");
        assert_eq!(reader.take().unwrap()[0].info().instance_handle, again);
    }

    #[test]
    fn losses_nobody_takes_do_not_pile_up_for_ever() {
        let participant = DomainParticipant::builder(80).loopback_only().build().unwrap();
        let reader = participant.builtin_subscriber().publication_reader().unwrap();
        let engine = participant.engine();
        let now = engine.environment.now();
        for entity in 0..MOST_ENDED as u32 + 100 {
            let data = publication(entity);
            let mut state = engine.discovery.lock();
            engine.show_publication(now, &mut state, &data).unwrap();
            engine.hide(now, data.endpoint_guid).unwrap();
            state.forget(data.endpoint_guid);
        }
        assert!(reader.read().unwrap().len() < MOST_ENDED);
    }
}
