//! What participants announce of their writers, readers and topics (RTPS 2.5 §8.5.4.4).

use alloc::{string::String, vec::Vec};

use dds_qos::{PublicationQos, SubscriptionQos, TopicQos};
use dds_types::{
    DecodeError, EncodeError,
    cdr::Endianness,
    parameter_list::{Parameter, ParameterListWriter},
};

use super::{
    ContentFilter, DiscoveryDataError, MOST_LOCATORS, UnknownParameters, table, value::ParameterValue,
};
use crate::{
    message::{DataPayload, InlineQos, pid},
    structure::{EntityId, Guid, Locator, VendorId},
};

discovery_data! {
    /// What a participant announces of a writer: `DiscoveredWriterData` (RTPS 2.5 §8.5.4.4).
    PublicationData {
        key { pid::ENDPOINT_GUID }
        fields {
            /// The writer.
            required endpoint_guid: Guid = Guid::UNKNOWN, pid::ENDPOINT_GUID;
            /// Its participant; always that of `endpoint_guid`.
            one participant_guid: Guid = Guid::UNKNOWN, pid::PARTICIPANT_GUID;
            /// Its topic.
            required topic_name: String = String::new(), pid::TOPIC_NAME;
            /// The name of its type.
            required type_name: String = String::new(), pid::TYPE_NAME;
            /// Where it is reached; empty for where its participant's endpoints are.
            many unicast_locators: Locator = Vec::new(), pid::UNICAST_LOCATOR;
            /// Groups on which it listens; empty for those of its participant.
            many multicast_locators: Locator = Vec::new(), pid::MULTICAST_LOCATOR;
            /// Its publisher.
            maybe group_entity_id: EntityId = None, pid::GROUP_ENTITYID;
            /// The digests of its type as they came, in the announcement's byte order.
            maybe type_information: Vec<u8> = None, pid::TYPE_INFORMATION;
            /// The same for those of our vendor id alone, where others do not bear to be told.
            maybe own_type_information: Vec<u8> = None, pid::OWN_TYPE_INFORMATION;
            /// The largest serialised sample, in bytes.
            maybe type_max_size_serialized: u32 = None, pid::TYPE_MAX_SIZE_SERIALIZED;
            /// Its name for people.
            maybe entity_name: String = None, pid::ENTITY_NAME;
        }
        policies {
            /// Its QoS.
            qos: PublicationQos
        }
    }
}

discovery_data! {
    /// What a participant announces of a reader: `DiscoveredReaderData` (RTPS 2.5 §8.5.4.4).
    SubscriptionData {
        key { pid::ENDPOINT_GUID }
        fields {
            /// The reader.
            required endpoint_guid: Guid = Guid::UNKNOWN, pid::ENDPOINT_GUID;
            /// Its participant; always that of `endpoint_guid`.
            one participant_guid: Guid = Guid::UNKNOWN, pid::PARTICIPANT_GUID;
            /// Its topic.
            required topic_name: String = String::new(), pid::TOPIC_NAME;
            /// The name of its type.
            required type_name: String = String::new(), pid::TYPE_NAME;
            /// Whether it wants QoS with each sample.
            one expects_inline_qos: bool = false, pid::EXPECTS_INLINE_QOS;
            /// Where it is reached; empty for where its participant's endpoints are.
            many unicast_locators: Locator = Vec::new(), pid::UNICAST_LOCATOR;
            /// Groups on which it listens; empty for those of its participant.
            many multicast_locators: Locator = Vec::new(), pid::MULTICAST_LOCATOR;
            /// Its subscriber.
            maybe group_entity_id: EntityId = None, pid::GROUP_ENTITYID;
            /// The digests of its type as they came, in the announcement's byte order.
            maybe type_information: Vec<u8> = None, pid::TYPE_INFORMATION;
            /// The same for those of our vendor id alone, where others do not bear to be told.
            maybe own_type_information: Vec<u8> = None, pid::OWN_TYPE_INFORMATION;
            /// Its filter, which writers may apply for it.
            maybe content_filter: ContentFilter = None, pid::CONTENT_FILTER_PROPERTY;
            /// Its name for people.
            maybe entity_name: String = None, pid::ENTITY_NAME;
        }
        policies {
            /// Its QoS.
            qos: SubscriptionQos
        }
    }
}

discovery_data! {
    /// What a participant announces of a topic: `DiscoveredTopicData` (RTPS 2.5 §8.5.4.4).
    TopicData {
        key { pid::ENDPOINT_GUID }
        fields {
            /// The topic's key, where it is announced.
            one guid: Guid = Guid::UNKNOWN, pid::ENDPOINT_GUID;
            /// Its name.
            required topic_name: String = String::new(), pid::TOPIC_NAME;
            /// The name of its type.
            required type_name: String = String::new(), pid::TYPE_NAME;
            /// The digests of its type as they came, in the announcement's byte order.
            maybe type_information: Vec<u8> = None, pid::TYPE_INFORMATION;
        }
        policies {
            /// Its QoS.
            qos: TopicQos
        }
    }
}

macro_rules! endpoint {
    ($($name:ident, $qos:ident, $is_kind:ident;)*) => {$(
        impl $name {
            /// Of an endpoint, with nothing but what it cannot do without.
            pub fn new(endpoint_guid: Guid, topic_name: &str, type_name: &str, qos: $qos) -> Self {
                Self {
                    endpoint_guid,
                    participant_guid: endpoint_guid.participant(),
                    topic_name: topic_name.into(),
                    type_name: type_name.into(),
                    qos,
                    ..Self::default()
                }
            }

            /// Fills in what was not announced and checks the rest.
            fn complete(mut self) -> Result<Self, DiscoveryDataError> {
                // With others the same id means something else.
                if self.unknown.vendor() != VendorId::OURS {
                    self.own_type_information = None;
                }
                let guid = self.endpoint_guid;
                if !guid.entity_id.$is_kind() {
                    return Err(DiscoveryDataError::WrongEntity(guid));
                }
                Ok(Self { participant_guid: guid.participant(), ..self })
            }
        }
    )*};
}

endpoint! {
    PublicationData, PublicationQos, is_writer;
    SubscriptionData, SubscriptionQos, is_reader;
}

impl TopicData {
    /// Nothing is missing and nothing can be wrong.
    fn complete(self) -> Result<Self, DiscoveryDataError> {
        Ok(self)
    }
}
