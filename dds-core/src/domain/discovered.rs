//! What a participant knows of others, and what it does not want to know (DDS 1.4 §2.2.2.2.1).

use std::sync::Arc;

use dds_qos::{Duration, TopicQos};
use dds_rtps::{
    discovery::{ParticipantData, TopicData},
    structure::{EntityId, Guid},
};
use dds_types::{TopicType, dynamic::DynamicType};

use super::{DomainParticipant, Topic, TopicDescription};
use crate::{
    builtin::TopicBuiltinTopicData,
    condition::deadline_after,
    engine::Knowledge,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
};

impl DomainParticipant {
    /// The other participants known now (DDS 1.4 §2.2.2.2.1.27).
    pub fn discovered_participants(&self) -> Vec<Arc<ParticipantData>> {
        self.engine().discovery.lock().participants.values().cloned().collect()
    }

    /// What another participant announced, by the handle that names it in `DCPSParticipant` and that
    /// [`DomainParticipant::discovered_handle`] gives (DDS 1.4 §2.2.2.2.1.28).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`].
    pub fn discovered_participant_data(&self, handle: InstanceHandle) -> DdsResult<Arc<ParticipantData>> {
        let state = self.engine().discovery.lock();
        let mut known = state.participants.values();
        let found = known.find(|data| state.handle_of(data.guid) == handle);
        found.cloned().ok_or(DdsError::UnknownInstance { handle })
    }

    /// The handle of a participant, writer or reader that discovery knows; nil for others.
    pub fn discovered_handle(&self, guid: Guid) -> InstanceHandle {
        self.engine().discovery.lock().handle_of(guid)
    }

    /// The handles of the topics that other participants have endpoints of (DDS 1.4 §2.2.2.2.1.29).
    pub fn discovered_topics(&self) -> Vec<InstanceHandle> {
        self.engine().discovered_topics().into_iter().map(|(handle, _)| handle).collect()
    }

    /// What is known of such a topic (DDS 1.4 §2.2.2.2.1.30 `get_discovered_topic_data`).
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`].
    pub fn discovered_topic_data(&self, handle: InstanceHandle) -> DdsResult<TopicBuiltinTopicData> {
        let known = self.engine().discovered_topics();
        let found = known.into_iter().find(|(known, _)| *known == handle);
        found.map(|(_, data)| data.into()).ok_or(DdsError::UnknownInstance { handle })
    }

    /// The topic of this name that was created here, whatever its type; it need not be enabled
    /// (DDS 1.4 §2.2.2.2.1.13 `lookup_topicdescription`).
    pub fn lookup_topic_description(&self, name: &str) -> Option<TopicDescription> {
        if let Some(filtered) = self.filtered_topics().iter().find(|filtered| filtered.name() == name) {
            return Some(filtered.description());
        }
        let found = self.topics().into_iter().find(|topic| topic.name == name)?;
        Some(TopicDescription {
            name: found.name.clone(),
            type_name: found.type_name.clone(),
            instance_handle: found.handle,
        })
    }

    /// The topic of this name, if it exists here or at another participant: waits until it does. One
    /// that was found elsewhere is made here, with the policies that were announced (DDS 1.4
    /// §2.2.2.2.1.12).
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::PreconditionNotMet`] when all that was found within `timeout`
    /// has another type than `T`; [`DdsError::IllegalOperation`] inside a listener.
    pub fn find_topic<T: TopicType>(&self, name: &str, timeout: Duration) -> DdsResult<Topic<T>> {
        const OPERATION: &str = "find_topic";
        let engine = self.engine();
        self.0.lifecycle.check(OPERATION)?;
        engine.check_may_block(OPERATION)?;
        let mut found = Found::Nothing;
        let mut look = || {
            found = self.look_for_topic::<T>(name);
            matches!(found, Found::Topic(_))
        };
        engine.environment.block_until(&engine.discovered, deadline_after(timeout), &mut look);
        match found {
            Found::Topic(topic) => topic,
            Found::Nothing => Err(DdsError::Timeout { operation: OPERATION, after: timeout }),
            Found::OtherType(other) => Err(DdsError::precondition(
                OPERATION,
                format!("type {other}, which is that of topic «{name}», not {}", T::type_name()),
            )),
        }
    }

    /// As [`DomainParticipant::find_topic`], without a time limit: combine it with the executor's.
    ///
    /// # Errors
    /// Those of [`DomainParticipant::create_topic`]; [`DdsError::NotEnabled`].
    pub async fn find_topic_async<T: TopicType>(&self, name: &str) -> DdsResult<Topic<T>> {
        self.0.lifecycle.check("find_topic")?;
        let look = || match self.look_for_topic::<T>(name) {
            Found::Topic(topic) => Some(topic),
            Found::Nothing | Found::OtherType(_) => None,
        };
        self.engine().discovered.until(look).await
    }

    fn look_for_topic<T: TopicType>(&self, name: &str) -> Found<T> {
        let type_name = T::type_name();
        if let Some(known) = self.topics().into_iter().find(|topic| topic.name == name) {
            return match known.type_name == type_name {
                true => Found::Topic(Ok(Topic::new(self.clone(), known))),
                false => Found::OtherType(known.type_name.clone()),
            };
        }
        let mut other = None;
        for (_, data) in self.engine().discovered_topics() {
            let TopicData { topic_name, type_name: found, qos, .. } = data;
            if topic_name != name {
                continue;
            }
            if found == type_name {
                // What others announce need not be consistent by our rules.
                let qos = if qos.is_consistent().is_ok() { qos } else { TopicQos::default() };
                return Found::Topic(self.create_topic(name, qos));
            }
            other = Some(found);
        }
        other.map_or(Found::Nothing, Found::OtherType)
    }

    /// What the samples of a topic consist of, as the participants with endpoints of it tell: waits until
    /// one of them does (XTypes 1.3 §7.6.3.3). With [`DomainParticipant::dynamic_topic`], any topic can be
    /// read and written without its Rust type:
    ///
    /// ```no_run
    /// use dds_core::{DomainParticipant, qos::Duration};
    ///
    /// let participant = DomainParticipant::new(0)?;
    /// let square = participant.discover_type("Square", Duration::from_secs(5))?;
    /// let topic = participant.dynamic_topic("Square", &square)?;
    /// let reader = participant.create_subscriber(Default::default())?.create_reader(&topic, Default::default())?;
    /// # let _ = reader;
    /// # Ok::<(), dds_core::error::DdsError>(())
    /// ```
    ///
    /// # Errors
    /// [`DdsError::Timeout`]; [`DdsError::PreconditionNotMet`] when none of those with endpoints of the
    /// topic told within `timeout` what their type is; [`DdsError::IllegalOperation`] inside a listener.
    pub fn discover_type(&self, topic_name: &str, timeout: Duration) -> DdsResult<DynamicType> {
        const OPERATION: &str = "discover_type";
        let engine = self.engine();
        self.0.lifecycle.check(OPERATION)?;
        engine.check_may_block(OPERATION)?;
        let mut found = FoundType::Nothing;
        let mut look = || {
            found = self.look_for_type(topic_name);
            matches!(found, FoundType::Type(_))
        };
        engine.environment.block_until(&engine.discovered, deadline_after(timeout), &mut look);
        match found {
            FoundType::Type(found) => Ok(found),
            FoundType::Nothing => Err(DdsError::Timeout { operation: OPERATION, after: timeout }),
            FoundType::Untold(why) => Err(DdsError::precondition(
                OPERATION,
                format!("an endpoint of topic «{topic_name}» that tells its type: {why}"),
            )),
        }
    }

    /// As [`DomainParticipant::discover_type`], without a time limit: combine it with the executor's.
    ///
    /// # Errors
    /// [`DdsError::NotEnabled`].
    pub async fn discover_type_async(&self, topic_name: &str) -> DdsResult<DynamicType> {
        self.0.lifecycle.check("discover_type")?;
        let look = || match self.look_for_type(topic_name) {
            FoundType::Type(found) => Some(found),
            FoundType::Nothing | FoundType::Untold(_) => None,
        };
        Ok(self.engine().discovered.until(look).await)
    }

    fn look_for_type(&self, topic_name: &str) -> FoundType {
        let engine = self.engine();
        let mut result = FoundType::Nothing;
        let mut is_asked = false;
        for (data, answers) in engine.endpoints_of(topic_name) {
            match engine.types.discover(&data, answers) {
                Knowledge::Type(found) => return FoundType::Type(found),
                Knowledge::Asked => is_asked = true,
                Knowledge::Unknown(why) => {
                    result = FoundType::Untold(format!("{} {why}", data.guid()));
                }
            }
        }
        if is_asked {
            engine.run_discovery(engine.environment.now(), |_| ());
        }
        result
    }

    /// Behaves as if another participant did not exist, for good: its endpoints are unmatched, and nothing
    /// it sends is looked at (DDS 1.4 §2.2.2.2.1.14). With its own handle, its endpoints do not match
    /// each other.
    ///
    /// # Errors
    /// [`DdsError::UnknownInstance`] for a handle that names no participant; [`DdsError::NotEnabled`].
    pub fn ignore_participant(&self, handle: InstanceHandle) -> DdsResult<()> {
        let guid = self
            .guid_to_ignore("ignore_participant", handle, |guid| guid.entity_id == EntityId::PARTICIPANT)?;
        let now = self.engine().environment.now();
        self.engine().run_discovery(now, |participant| participant.ignore_participant(now, guid.prefix));
        Ok(())
    }

    /// Behaves as if the writers and readers of a topic at other participants did not exist, for good
    /// (DDS 1.4 §2.2.2.2.1.15). The handle is that of `DCPSTopic` or
    /// [`DomainParticipant::discovered_topics`].
    ///
    /// # Errors
    /// As [`DomainParticipant::ignore_participant`].
    pub fn ignore_topic(&self, handle: InstanceHandle) -> DdsResult<()> {
        self.0.lifecycle.check("ignore_topic")?;
        let data = self.discovered_topic_data(handle)?;
        let now = self.engine().environment.now();
        self.engine().run_discovery(now, |participant| {
            participant.ignore_topic(&data.name, &data.type_name);
        });
        Ok(())
    }

    /// Behaves as if a writer did not exist, for good (DDS 1.4 §2.2.2.2.1.16).
    ///
    /// # Errors
    /// As [`DomainParticipant::ignore_participant`].
    pub fn ignore_publication(&self, handle: InstanceHandle) -> DdsResult<()> {
        self.ignore_endpoint("ignore_publication", handle, |guid| guid.entity_id.is_writer())
    }

    /// Behaves as if a reader did not exist, for good (DDS 1.4 §2.2.2.2.1.17).
    ///
    /// # Errors
    /// As [`DomainParticipant::ignore_participant`].
    pub fn ignore_subscription(&self, handle: InstanceHandle) -> DdsResult<()> {
        self.ignore_endpoint("ignore_subscription", handle, |guid| guid.entity_id.is_reader())
    }

    fn ignore_endpoint(
        &self,
        operation: &'static str,
        handle: InstanceHandle,
        is_such: fn(Guid) -> bool,
    ) -> DdsResult<()> {
        let guid = self.guid_to_ignore(operation, handle, is_such)?;
        let now = self.engine().environment.now();
        self.engine().run_discovery(now, |participant| participant.ignore_endpoint(guid));
        Ok(())
    }

    fn guid_to_ignore(
        &self,
        operation: &'static str,
        handle: InstanceHandle,
        is_such: fn(Guid) -> bool,
    ) -> DdsResult<Guid> {
        self.0.lifecycle.check(operation)?;
        let known = self.engine().discovery.lock().guid_of(handle);
        known.filter(|guid| is_such(*guid)).ok_or(DdsError::UnknownInstance { handle })
    }
}

/// What looking for a type came to.
enum FoundType {
    Nothing,
    /// There are endpoints, but this is why they tell nothing.
    Untold(String),
    Type(DynamicType),
}

/// What looking for a topic came to.
enum Found<T: TopicType> {
    Nothing,
    OtherType(String),
    Topic(DdsResult<Topic<T>>),
}
