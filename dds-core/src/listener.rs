//! Listeners: code of the application that the service calls when something happened
//! (DDS 1.4 §2.2.4.2 to §2.2.4.3).
//!
//! A status goes to the listener of the entity it happened to, if that one asked for it by its mask, else
//! to the listener of the entity above: publisher or subscriber, then participant (§2.2.4.2.3). The
//! status handed over is taken: its changes count from the last call on.
//!
//! Calls come from the thread that received what they tell of, or from the thread whose call caused it;
//! no lock of the service is held, and calls of one listener do not overlap. While a listener runs,
//! its thread receives nothing: do little, and hand on what takes long. Blocking operations of this
//! crate are refused there with
//! [`IllegalContext::BlockingInListener`](crate::error::IllegalContext::BlockingInListener), everything
//! else is allowed, also deleting the entity. No call begins after `set_listener` or the deletion of the
//! entity has returned, unless called from the listener itself.

use std::sync::Arc;

use dds_rtps::structure::Guid;
use dds_types::TopicType;

use crate::{
    domain::{DataReader, DataWriter, DomainParticipant, Publisher, Subscriber, Topic},
    engine::{Listening, ReaderEndpoint, Source, StatusListener, TopicShared, WriterEndpoint},
    instance::InstanceHandle,
    status::{
        InconsistentTopicStatus, LivelinessChangedStatus, LivelinessLostStatus, OfferedDeadlineMissedStatus,
        OfferedIncompatibleQosStatus, PublicationMatchedStatus, ReaderStatuses,
        RequestedDeadlineMissedStatus, RequestedIncompatibleQosStatus, SampleLostStatus,
        SampleRejectedStatus, StatusMask, SubscriptionMatchedStatus, TopicStatuses, WriterStatuses,
    },
};

/// A reader or writer as listeners of the entities above it see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointInfo {
    /// Its GUID.
    pub guid: Guid,
    /// Its handle.
    pub instance_handle: InstanceHandle,
    /// The name of its topic.
    pub topic_name: String,
    /// The name under which the topic's type is announced.
    pub type_name: String,
}

/// A topic as the participant's listener sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// The name under which its type is announced.
    pub type_name: String,
}

/// The callbacks for a reader, given as `$Reader`: `name(Status) = FLAG, take;`, for a listener trait's
/// body, and the calls of those whose flag is set.
macro_rules! reader_callbacks {
    ($($(#[$doc:meta])* $name:ident($Status:ident) = $FLAG:ident, $take:ident;)+) => {
        macro_rules! reader_methods {
            ($Reader:ty) => {
                $($(#[$doc])* fn $name(&self, reader: &$Reader, status: $Status) {
                    let _ = (reader, status);
                })+
                /// There are new samples, or instances changed their state (`DATA_AVAILABLE`). With a
                /// `DATA_ON_READERS` listener above, that one is called instead.
                fn on_data_available(&self, reader: &$Reader) {
                    let _ = reader;
                }
            };
        }

        macro_rules! tell_of_reader {
            ($listener:expr, $reader:expr, $endpoint:expr, $changed:expr) => {
                $(if $changed.contains(StatusMask::$FLAG) {
                    $listener.$name($reader, take_reader_status($endpoint, ReaderStatuses::$take));
                })+
                if $changed.contains(StatusMask::DATA_AVAILABLE) {
                    take_reader_status($endpoint, ReaderStatuses::clear_data_available);
                    $listener.on_data_available($reader);
                }
            };
        }
    };
}

reader_callbacks! {
    /// A writer was found, or lost (`SUBSCRIPTION_MATCHED`).
    on_subscription_matched(SubscriptionMatchedStatus) = SUBSCRIPTION_MATCHED, take_subscription_matched;
    /// A writer was found whose QoS does not do (`REQUESTED_INCOMPATIBLE_QOS`).
    on_requested_incompatible_qos(RequestedIncompatibleQosStatus) = REQUESTED_INCOMPATIBLE_QOS,
        take_requested_incompatible_qos;
    /// A matched writer came to life or stopped (`LIVELINESS_CHANGED`).
    on_liveliness_changed(LivelinessChangedStatus) = LIVELINESS_CHANGED, take_liveliness_changed;
    /// An instance got no sample in time (`REQUESTED_DEADLINE_MISSED`).
    on_requested_deadline_missed(RequestedDeadlineMissedStatus) = REQUESTED_DEADLINE_MISSED,
        take_requested_deadline_missed;
    /// A sample found no room (`SAMPLE_REJECTED`).
    on_sample_rejected(SampleRejectedStatus) = SAMPLE_REJECTED, take_sample_rejected;
    /// Samples will never arrive (`SAMPLE_LOST`).
    on_sample_lost(SampleLostStatus) = SAMPLE_LOST, take_sample_lost;
}

/// As [`reader_callbacks`], for writers.
macro_rules! writer_callbacks {
    ($($(#[$doc:meta])* $name:ident($Status:ident) = $FLAG:ident, $take:ident;)+) => {
        macro_rules! writer_methods {
            ($Writer:ty) => {
                $($(#[$doc])* fn $name(&self, writer: &$Writer, status: $Status) {
                    let _ = (writer, status);
                })+
            };
        }

        macro_rules! tell_of_writer {
            ($listener:expr, $writer:expr, $endpoint:expr, $changed:expr) => {
                $(if $changed.contains(StatusMask::$FLAG) {
                    $listener.$name($writer, take_writer_status($endpoint, WriterStatuses::$take));
                })+
            };
        }
    };
}

writer_callbacks! {
    /// A reader was found, or lost (`PUBLICATION_MATCHED`).
    on_publication_matched(PublicationMatchedStatus) = PUBLICATION_MATCHED, take_publication_matched;
    /// A reader was found that asks for more than the writer offers (`OFFERED_INCOMPATIBLE_QOS`).
    on_offered_incompatible_qos(OfferedIncompatibleQosStatus) = OFFERED_INCOMPATIBLE_QOS,
        take_offered_incompatible_qos;
    /// An instance was not written in time (`OFFERED_DEADLINE_MISSED`).
    on_offered_deadline_missed(OfferedDeadlineMissedStatus) = OFFERED_DEADLINE_MISSED,
        take_offered_deadline_missed;
    /// The writer did not show its liveliness in time (`LIVELINESS_LOST`).
    on_liveliness_lost(LivelinessLostStatus) = LIVELINESS_LOST, take_liveliness_lost;
}

/// Of one reader (DDS 1.4 §2.2.2.5.7). Every method does nothing unless overridden.
pub trait DataReaderListener<T: TopicType>: Send + Sync {
    reader_methods!(DataReader<T>);
}

/// Of one writer (DDS 1.4 §2.2.2.4.4). Every method does nothing unless overridden.
pub trait DataWriterListener<T: TopicType>: Send + Sync {
    writer_methods!(DataWriter<T>);
}

/// Of one topic (DDS 1.4 §2.2.2.3.5). Every method does nothing unless overridden.
pub trait TopicListener<T: TopicType>: Send + Sync {
    /// A topic of the same name and another type was met (`INCONSISTENT_TOPIC`).
    fn on_inconsistent_topic(&self, topic: &Topic<T>, status: InconsistentTopicStatus) {
        let _ = (topic, status);
    }
}

/// Of a subscriber's readers (DDS 1.4 §2.2.2.5.6). Every method does nothing unless overridden.
pub trait SubscriberListener: Send + Sync {
    /// Some reader of the subscriber has new samples (`DATA_ON_READERS`); the one given does. It is
    /// called before, and instead of, `on_data_available` (DDS 1.4 §2.2.4.2.2).
    fn on_data_on_readers(&self, reader: &EndpointInfo) {
        let _ = reader;
    }

    reader_methods!(EndpointInfo);
}

/// Of a publisher's writers (DDS 1.4 §2.2.2.4.3). Every method does nothing unless overridden.
pub trait PublisherListener: Send + Sync {
    writer_methods!(EndpointInfo);
}

/// Of everything in a participant (DDS 1.4 §2.2.2.2.3). Every method does nothing unless overridden.
pub trait DomainParticipantListener: PublisherListener + SubscriberListener {
    /// A topic of the same name as one here and another type was met (`INCONSISTENT_TOPIC`).
    fn on_inconsistent_topic(&self, topic: &TopicInfo, status: InconsistentTopicStatus) {
        let _ = (topic, status);
    }
}

impl<T: TopicType> DataReader<T> {
    /// Calls `listener` for the statuses in `mask`; `None` for nobody (DDS 1.4 §2.2.2.1.1). See the
    /// [module](crate::listener) for when and on which thread.
    pub fn set_listener(&self, listener: Option<Arc<dyn DataReaderListener<T>>>, mask: StatusMask) {
        let weak = self.downgrade();
        let listener = listener.map(|listener| {
            let object = Arc::new(listener.clone());
            let call: StatusListener = Arc::new(move |source, changed| {
                if let (Source::Reader(endpoint), Some(reader)) = (source, weak.upgrade()) {
                    tell_of_reader!(listener, &reader, endpoint, changed);
                }
            });
            Listening { mask, call, object }
        });
        self.observer().set_listener(listener);
    }

    /// The listener set, if any (DDS 1.4 §2.2.2.1.1 `get_listener`).
    pub fn listener(&self) -> Option<Arc<dyn DataReaderListener<T>>> {
        self.observer().listener()
    }
}

impl<T: TopicType> DataWriter<T> {
    /// As [`DataReader::set_listener`].
    pub fn set_listener(&self, listener: Option<Arc<dyn DataWriterListener<T>>>, mask: StatusMask) {
        let weak = self.downgrade();
        let listener = listener.map(|listener| {
            let object = Arc::new(listener.clone());
            let call: StatusListener = Arc::new(move |source, changed| {
                if let (Source::Writer(endpoint), Some(writer)) = (source, weak.upgrade()) {
                    tell_of_writer!(listener, &writer, endpoint, changed);
                }
            });
            Listening { mask, call, object }
        });
        self.observer().set_listener(listener);
    }

    /// The listener set, if any (DDS 1.4 §2.2.2.1.1 `get_listener`).
    pub fn listener(&self) -> Option<Arc<dyn DataWriterListener<T>>> {
        self.observer().listener()
    }
}

impl<T: TopicType> Topic<T> {
    /// As [`DataReader::set_listener`]. It lasts as long as the topic, or until replaced.
    pub fn set_listener(&self, listener: Option<Arc<dyn TopicListener<T>>>, mask: StatusMask) {
        let weak = self.downgrade();
        let listener = listener.map(|listener| {
            let object = Arc::new(listener.clone());
            let call: StatusListener = Arc::new(move |source, changed| {
                if let (Source::Topic(shared), Some(topic)) = (source, weak.upgrade())
                    && changed.contains(StatusMask::INCONSISTENT_TOPIC)
                {
                    listener.on_inconsistent_topic(&topic, take_topic_status(shared));
                }
            });
            Listening { mask, call, object }
        });
        self.shared.observer.set_listener(listener);
    }

    /// The listener set, if any (DDS 1.4 §2.2.2.1.1 `get_listener`).
    pub fn listener(&self) -> Option<Arc<dyn TopicListener<T>>> {
        self.shared.observer.listener()
    }
}

impl Subscriber {
    /// As [`DataReader::set_listener`], for the statuses that its readers' own listeners do not take.
    pub fn set_listener(&self, listener: Option<Arc<dyn SubscriberListener>>, mask: StatusMask) {
        let listener = listener.map(|listener| {
            let object = Arc::new(listener.clone());
            let call: StatusListener = Arc::new(move |source, changed| {
                if let Source::Reader(endpoint) = source {
                    tell_subscriber(&*listener, endpoint, changed);
                }
            });
            Listening { mask, call, object }
        });
        self.0.observer.set_listener(listener);
    }

    /// The listener set, if any (DDS 1.4 §2.2.2.1.1 `get_listener`).
    pub fn listener(&self) -> Option<Arc<dyn SubscriberListener>> {
        self.0.observer.listener()
    }
}

impl Publisher {
    /// As [`DataReader::set_listener`], for the statuses that its writers' own listeners do not take.
    pub fn set_listener(&self, listener: Option<Arc<dyn PublisherListener>>, mask: StatusMask) {
        let listener = listener.map(|listener| {
            let object = Arc::new(listener.clone());
            let call: StatusListener = Arc::new(move |source, changed| {
                if let Source::Writer(endpoint) = source {
                    tell_publisher(&*listener, endpoint, changed);
                }
            });
            Listening { mask, call, object }
        });
        self.0.observer.set_listener(listener);
    }

    /// The listener set, if any (DDS 1.4 §2.2.2.1.1 `get_listener`).
    pub fn listener(&self) -> Option<Arc<dyn PublisherListener>> {
        self.0.observer.listener()
    }
}

impl DomainParticipant {
    /// As [`DataReader::set_listener`], for the statuses that no listener of its entities takes.
    pub fn set_listener(&self, listener: Option<Arc<dyn DomainParticipantListener>>, mask: StatusMask) {
        let listener = listener.map(|listener| {
            let object = Arc::new(listener.clone());
            let call: StatusListener = Arc::new(move |source, changed| match source {
                Source::Reader(endpoint) => tell_subscriber(&*listener, endpoint, changed),
                Source::Writer(endpoint) => tell_publisher(&*listener, endpoint, changed),
                Source::Topic(shared) => {
                    if changed.contains(StatusMask::INCONSISTENT_TOPIC) {
                        let topic =
                            TopicInfo { name: shared.name.clone(), type_name: shared.type_name.clone() };
                        let status = take_topic_status(shared);
                        DomainParticipantListener::on_inconsistent_topic(&*listener, &topic, status);
                    }
                }
            });
            Listening { mask, call, object }
        });
        self.0.observer.set_listener(listener);
    }

    /// The listener set, if any (DDS 1.4 §2.2.2.1.1 `get_listener`).
    pub fn listener(&self) -> Option<Arc<dyn DomainParticipantListener>> {
        self.0.observer.listener()
    }
}

fn tell_subscriber<L: SubscriberListener + ?Sized>(
    listener: &L,
    endpoint: &ReaderEndpoint,
    changed: StatusMask,
) {
    let reader = EndpointInfo {
        guid: endpoint.guid,
        instance_handle: endpoint.handle,
        topic_name: endpoint.topic.name.clone(),
        type_name: endpoint.topic.type_name.clone(),
    };
    if changed.contains(StatusMask::DATA_ON_READERS) {
        listener.on_data_on_readers(&reader);
    }
    tell_of_reader!(listener, &reader, endpoint, changed);
}

fn tell_publisher<L: PublisherListener + ?Sized>(
    listener: &L,
    endpoint: &WriterEndpoint,
    changed: StatusMask,
) {
    let writer = EndpointInfo {
        guid: endpoint.guid,
        instance_handle: endpoint.handle,
        topic_name: endpoint.topic.name.clone(),
        type_name: endpoint.topic.type_name.clone(),
    };
    tell_of_writer!(listener, &writer, endpoint, changed);
}

fn take_reader_status<R>(endpoint: &ReaderEndpoint, take: impl FnOnce(&mut ReaderStatuses) -> R) -> R {
    let mut state = endpoint.state.lock();
    let status = take(&mut state.statuses);
    let _ = endpoint.observer.condition().set_changed(state.statuses.changed());
    status
}

fn take_writer_status<R>(endpoint: &WriterEndpoint, take: impl FnOnce(&mut WriterStatuses) -> R) -> R {
    let mut state = endpoint.state.lock();
    let status = take(&mut state.statuses);
    let _ = endpoint.observer.condition().set_changed(state.statuses.changed());
    status
}

fn take_topic_status(topic: &TopicShared) -> InconsistentTopicStatus {
    let mut statuses = topic.statuses.lock();
    let status = TopicStatuses::take_inconsistent_topic(&mut statuses);
    let _ = topic.observer.condition().set_changed(statuses.changed());
    status
}
