//! Deleting what belongs to an entity, by the preconditions of DDS 1.4 §2.2.2.
//!
//! Dropping the last handle of an entity deletes it too. These operations delete it whoever still has
//! handles, whose operations fail with [`DdsError::AlreadyDeleted`] from then on; no listener of a
//! deleted entity is called after they have returned.

use std::sync::Arc;

use dds_types::TopicType;

use super::{
    ContentFilteredTopic, DataReader, DataWriter, DomainParticipant, Publisher, Subscriber, Topic,
    filtered_topic::FilteredShared, reader::ReaderInner, writer::WriterInner,
};
use crate::{
    engine::TopicShared,
    error::{DdsError, DdsResult},
    instance::InstanceHandle,
    lifecycle::Before,
};

impl DomainParticipant {
    /// Deletes a publisher without writers (DDS 1.4 §2.2.2.2.1.2).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while it has writers, or when it is another participant's;
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_publisher(&self, publisher: &Publisher) -> DdsResult<()> {
        const OPERATION: &str = "delete_publisher";
        self.check_usable(OPERATION)?;
        self.check_owns(publisher.participant(), OPERATION, "Publisher")?;
        publisher.0.lifecycle.check_exists()?;
        if !publisher.writers().is_empty() {
            return Err(DdsError::precondition(OPERATION, "a Publisher whose writers are deleted"));
        }
        self.close_publisher(publisher);
        Ok(())
    }

    /// Deletes a subscriber without readers (DDS 1.4 §2.2.2.2.1.4).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while it has readers, or when it is another participant's;
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_subscriber(&self, subscriber: &Subscriber) -> DdsResult<()> {
        const OPERATION: &str = "delete_subscriber";
        self.check_usable(OPERATION)?;
        self.check_owns(subscriber.participant(), OPERATION, "Subscriber")?;
        subscriber.0.lifecycle.check_exists()?;
        if !subscriber.readers().is_empty() {
            return Err(DdsError::precondition(OPERATION, "a Subscriber whose readers are deleted"));
        }
        self.close_subscriber(subscriber);
        Ok(())
    }

    /// Deletes a topic that no writer or reader uses (DDS 1.4 §2.2.2.2.1.6). Its name is free again.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while it is used, or when it is another participant's;
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_topic<T: TopicType>(&self, topic: &Topic<T>) -> DdsResult<()> {
        const OPERATION: &str = "delete_topic";
        self.check_usable(OPERATION)?;
        self.check_owns(topic.participant(), OPERATION, "Topic")?;
        topic.shared.lifecycle.check_exists()?;
        if self.uses(&topic.shared) {
            return Err(DdsError::precondition(OPERATION, "a Topic whose writers and readers are deleted"));
        }
        if self.filtered_topics().iter().any(|filtered| Arc::ptr_eq(&filtered.topic, &topic.shared)) {
            let requirement = "a Topic whose content-filtered topics are deleted";
            return Err(DdsError::precondition(OPERATION, requirement));
        }
        self.close_topic(&topic.shared);
        Ok(())
    }

    /// Deletes a content-filtered topic that no reader uses (DDS 1.4 §2.2.2.2.1.8). Its name is free again.
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while it has readers, or when it is another participant's;
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_content_filtered_topic<T: TopicType>(
        &self,
        topic: &ContentFilteredTopic<T>,
    ) -> DdsResult<()> {
        const OPERATION: &str = "delete_contentfilteredtopic";
        self.check_usable(OPERATION)?;
        self.check_owns(topic.related_topic().participant(), OPERATION, "ContentFilteredTopic")?;
        topic.shared.check_exists()?;
        if topic.shared.is_read() {
            return Err(DdsError::precondition(
                OPERATION,
                "a ContentFilteredTopic whose readers are deleted",
            ));
        }
        self.close_filtered(&topic.shared);
        Ok(())
    }

    /// Deletes everything that was made from it, down to the conditions of its readers
    /// (DDS 1.4 §2.2.2.2.1.18).
    ///
    /// # Errors
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_contained_entities(&self) -> DdsResult<()> {
        self.check_usable("delete_contained_entities")?;
        self.0.lifecycle.check_exists()?;
        for publisher in self.publishers() {
            publisher.close_writers();
            self.close_publisher(&publisher);
        }
        for subscriber in self.subscribers() {
            subscriber.close_readers();
            self.close_subscriber(&subscriber);
        }
        for filtered in self.filtered_topics() {
            self.close_filtered(&filtered);
        }
        for topic in self.topics() {
            self.close_topic(&topic);
        }
        Ok(())
    }

    /// Whether `handle` names one of its topics, publishers, subscribers, or one of their writers or
    /// readers (DDS 1.4 §2.2.2.2.1.30).
    pub fn contains_entity(&self, handle: InstanceHandle) -> bool {
        self.topics().iter().any(|topic| topic.handle == handle)
            || self.publishers().iter().any(|publisher| {
                publisher.instance_handle() == handle
                    || publisher.writers().iter().any(|writer| writer.endpoint().handle == handle)
            })
            || self.subscribers().iter().any(|subscriber| {
                subscriber.instance_handle() == handle
                    || subscriber.readers().iter().any(|reader| reader.endpoint().handle == handle)
            })
    }

    /// Refuses to go on while something belongs to it.
    pub(super) fn check_is_empty(&self, operation: &'static str) -> DdsResult<()> {
        if self.publishers().is_empty() && self.subscribers().is_empty() && self.topics().is_empty() {
            return Ok(());
        }
        Err(DdsError::precondition(
            operation,
            "a DomainParticipant whose entities are deleted; delete_contained_entities does that",
        ))
    }

    /// Deletes it, unless it was deleted before.
    pub(super) fn close(&self) {
        if self.0.lifecycle.delete() != Before::Deleted {
            self.0.observer.set_listener(None);
            self.engine().depart();
            self.release_runtime();
        }
    }

    fn check_owns(
        &self,
        other: &DomainParticipant,
        operation: &'static str,
        entity: &'static str,
    ) -> DdsResult<()> {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Ok(());
        }
        Err(DdsError::precondition(operation, format!("a {entity} of this participant")))
    }

    fn uses(&self, topic: &Arc<TopicShared>) -> bool {
        let writers = self.publishers();
        let readers = self.subscribers();
        let is_it = |other: &Arc<TopicShared>| Arc::ptr_eq(other, topic);
        writers.iter().flat_map(Publisher::writers).any(|writer| is_it(&writer.endpoint().topic))
            || readers.iter().flat_map(Subscriber::readers).any(|reader| is_it(&reader.endpoint().topic))
    }

    fn close_publisher(&self, publisher: &Publisher) {
        publisher.0.lifecycle.delete();
        publisher.0.observer.set_listener(None);
        self.forget_group(publisher.0.entity_id);
    }

    fn close_subscriber(&self, subscriber: &Subscriber) {
        subscriber.0.lifecycle.delete();
        subscriber.0.observer.set_listener(None);
        self.forget_group(subscriber.0.entity_id);
    }

    fn close_filtered(&self, topic: &FilteredShared) {
        topic.close();
        self.forget_filtered(topic.name());
    }

    fn close_topic(&self, topic: &Arc<TopicShared>) {
        topic.lifecycle.delete();
        topic.observer.set_listener(None);
        self.0.topics.lock().remove(&topic.name);
    }
}

impl Publisher {
    /// Deletes a writer: it waits for its samples as a drop does, unregisters its instances and departs
    /// (DDS 1.4 §2.2.2.4.1.6).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] when it is another publisher's; [`DdsError::AlreadyDeleted`].
    pub fn delete_writer<T: TopicType>(&self, writer: &DataWriter<T>) -> DdsResult<()> {
        const OPERATION: &str = "delete_writer";
        self.participant().check_usable(OPERATION)?;
        if !Arc::ptr_eq(&self.0, &writer.publisher().0) {
            return Err(DdsError::precondition(OPERATION, "a DataWriter of this publisher"));
        }
        writer.inner().endpoint().lifecycle.check_exists()?;
        writer.inner().close();
        Ok(())
    }

    /// Deletes its writers (DDS 1.4 §2.2.2.4.1.17).
    ///
    /// # Errors
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_contained_entities(&self) -> DdsResult<()> {
        self.participant().check_usable("delete_contained_entities")?;
        self.0.lifecycle.check_exists()?;
        self.close_writers();
        Ok(())
    }

    fn close_writers(&self) {
        self.writers().iter().for_each(|writer| WriterInner::close(writer));
    }
}

impl Subscriber {
    /// Deletes a reader (DDS 1.4 §2.2.2.5.2.6).
    ///
    /// # Errors
    /// [`DdsError::PreconditionNotMet`] while conditions or loans of it are in use, or when it is another
    /// subscriber's; [`DdsError::AlreadyDeleted`].
    pub fn delete_reader<T: TopicType>(&self, reader: &DataReader<T>) -> DdsResult<()> {
        const OPERATION: &str = "delete_reader";
        self.participant().check_usable(OPERATION)?;
        if !Arc::ptr_eq(&self.0, &reader.subscriber().0) {
            return Err(DdsError::precondition(OPERATION, "a DataReader of this subscriber"));
        }
        reader.inner().endpoint().lifecycle.check_exists()?;
        if reader.inner().has_dependents() {
            return Err(DdsError::precondition(
                OPERATION,
                "a DataReader whose conditions are deleted and whose loans are returned",
            ));
        }
        reader.inner().close();
        Ok(())
    }

    /// Deletes its readers, with their conditions (DDS 1.4 §2.2.2.5.2.17).
    ///
    /// # Errors
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_contained_entities(&self) -> DdsResult<()> {
        self.participant().check_usable("delete_contained_entities")?;
        self.0.lifecycle.check_exists()?;
        self.close_readers();
        Ok(())
    }

    fn close_readers(&self) {
        for reader in self.readers() {
            reader.delete_conditions();
            ReaderInner::close(&reader);
        }
    }
}

impl<T: TopicType> DataReader<T> {
    /// Deletes its read and query conditions (DDS 1.4 §2.2.2.5.3.30).
    ///
    /// # Errors
    /// [`DdsError::AlreadyDeleted`].
    pub fn delete_contained_entities(&self) -> DdsResult<()> {
        self.inner().endpoint().lifecycle.check_exists()?;
        self.inner().delete_conditions();
        Ok(())
    }
}
