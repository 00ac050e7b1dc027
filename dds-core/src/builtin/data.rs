//! The samples of the built-in topics (DDS 1.4 §2.2.5, §2.3.2).

use std::{borrow::Cow, fmt};

use dds_qos::{Duration, PublicationQos, SubscriptionQos, TopicQos, UserData};
use dds_rtps::{
    discovery::{ContentFilter, ParticipantData, Property, PublicationData, SubscriptionData, TopicData},
    message::DataPayload,
    structure::{Guid, Locator, ProtocolVersion, VendorId},
};
use dds_types::{
    DataRepresentationId, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, PayloadKind, TopicType,
    TypeDescription,
};

/// Identifies an entity across the domain (DDS 1.4 §2.3.2 `BuiltinTopicKey_t`): the sixteen bytes of
/// its GUID; for topics, a digest of their name and type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BuiltinTopicKey(pub [u8; 16]);

impl BuiltinTopicKey {
    /// The entity. Not for topics.
    pub const fn guid(self) -> Guid {
        Guid::from_bytes(self.0)
    }
}

impl From<Guid> for BuiltinTopicKey {
    fn from(guid: Guid) -> Self {
        Self(guid.to_bytes())
    }
}

impl fmt::Debug for BuiltinTopicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuiltinTopicKey({})", self.guid())
    }
}

/// A sample of `DCPSParticipant`: another participant.
#[derive(Clone, PartialEq, Debug)]
pub struct ParticipantBuiltinTopicData {
    /// The participant.
    pub key: BuiltinTopicKey,
    /// USER_DATA of the participant (DDS 1.4 §2.2.3.1).
    pub user_data: UserData,
    /// Whose implementation it is.
    pub vendor: VendorId,
    /// The version of RTPS that it speaks.
    pub protocol_version: ProtocolVersion,
    /// Its name for people.
    pub entity_name: Option<String>,
    /// The host it runs on, if it says so.
    pub host: Option<String>,
    /// The name of its program, if it says so.
    pub process_name: Option<String>,
    /// The number of its process, if it says so.
    pub process_id: Option<String>,
    /// How long it lives on without a sign of life.
    pub lease_duration: Duration,
    /// Where its built-in endpoints are reached.
    pub metatraffic_locators: Vec<Locator>,
    /// Where its other endpoints are reached, unless they say otherwise.
    pub default_locators: Vec<Locator>,
    /// Named values that it announces of itself.
    pub properties: Vec<Property>,
}

impl From<ParticipantData> for ParticipantBuiltinTopicData {
    fn from(data: ParticipantData) -> Self {
        let owned = |value: Option<&str>| value.map(str::to_owned);
        Self {
            key: data.guid.into(),
            vendor: data.vendor,
            protocol_version: data.version,
            host: owned(data.host()),
            process_name: owned(data.process_name()),
            process_id: owned(data.process_id()),
            lease_duration: data.lease_duration,
            metatraffic_locators: joined(
                data.metatraffic_unicast_locators,
                data.metatraffic_multicast_locators,
            ),
            default_locators: joined(data.default_unicast_locators, data.default_multicast_locators),
            user_data: data.user_data,
            entity_name: data.entity_name,
            properties: data.properties,
        }
    }
}

/// A sample of `DCPSTopic`: a topic of which another participant has a writer or a reader.
///
/// Few implementations announce topics; this is derived from what they announce of endpoints. Topics
/// of the same name with differing types are instances of their own. The QoS is that of one of the
/// endpoints, as far as it is a topic's.
#[derive(Clone, PartialEq, Debug)]
pub struct TopicBuiltinTopicData {
    /// The topic; the same in every participant.
    pub key: BuiltinTopicKey,
    /// Its name.
    pub name: String,
    /// The name of its type.
    pub type_name: String,
    /// Its policies.
    pub qos: TopicQos,
    /// The digests of its type as they came (XTypes 1.3 §7.6.3.2.2 `TypeInformation`).
    pub type_information: Option<Vec<u8>>,
}

impl From<TopicData> for TopicBuiltinTopicData {
    fn from(data: TopicData) -> Self {
        Self {
            key: data.guid.into(),
            name: data.topic_name,
            type_name: data.type_name,
            qos: data.qos,
            type_information: data.type_information,
        }
    }
}

/// A sample of `DCPSPublication`: a writer of another participant.
#[derive(Clone, PartialEq, Debug)]
pub struct PublicationBuiltinTopicData {
    /// The writer.
    pub key: BuiltinTopicKey,
    /// Its participant.
    pub participant_key: BuiltinTopicKey,
    /// Its topic.
    pub topic_name: String,
    /// The name of its type.
    pub type_name: String,
    /// Its policies, with those of its publisher and topic that are announced with it.
    pub qos: PublicationQos,
    /// Its name for people.
    pub entity_name: Option<String>,
    /// Where it is reached; empty for where its participant's endpoints are.
    pub locators: Vec<Locator>,
    /// Its publisher, if it says so.
    pub publisher_key: Option<BuiltinTopicKey>,
    /// The largest serialised sample in bytes, if it says so.
    pub type_max_size_serialized: Option<u32>,
    /// The digests of its type as they came (XTypes 1.3 §7.6.3.2.2 `TypeInformation`).
    pub type_information: Option<Vec<u8>>,
}

impl From<PublicationData> for PublicationBuiltinTopicData {
    fn from(data: PublicationData) -> Self {
        let group = |entity_id| Guid::new(data.endpoint_guid.prefix, entity_id).into();
        Self {
            key: data.endpoint_guid.into(),
            participant_key: data.participant_guid.into(),
            topic_name: data.topic_name,
            type_name: data.type_name,
            qos: data.qos,
            entity_name: data.entity_name,
            locators: joined(data.unicast_locators, data.multicast_locators),
            publisher_key: data.group_entity_id.map(group),
            type_max_size_serialized: data.type_max_size_serialized,
            type_information: data.type_information.or(data.own_type_information),
        }
    }
}

/// A sample of `DCPSSubscription`: a reader of another participant.
#[derive(Clone, PartialEq, Debug)]
pub struct SubscriptionBuiltinTopicData {
    /// The reader.
    pub key: BuiltinTopicKey,
    /// Its participant.
    pub participant_key: BuiltinTopicKey,
    /// Its topic.
    pub topic_name: String,
    /// The name of its type.
    pub type_name: String,
    /// Its policies, with those of its subscriber and topic that are announced with it.
    pub qos: SubscriptionQos,
    /// Its name for people.
    pub entity_name: Option<String>,
    /// Where it is reached; empty for where its participant's endpoints are.
    pub locators: Vec<Locator>,
    /// Its subscriber, if it says so.
    pub subscriber_key: Option<BuiltinTopicKey>,
    /// Its filter, if it has one.
    pub content_filter: Option<ContentFilter>,
    /// The digests of its type as they came (XTypes 1.3 §7.6.3.2.2 `TypeInformation`).
    pub type_information: Option<Vec<u8>>,
}

impl From<SubscriptionData> for SubscriptionBuiltinTopicData {
    fn from(data: SubscriptionData) -> Self {
        let group = |entity_id| Guid::new(data.endpoint_guid.prefix, entity_id).into();
        Self {
            key: data.endpoint_guid.into(),
            participant_key: data.participant_guid.into(),
            topic_name: data.topic_name,
            type_name: data.type_name,
            qos: data.qos,
            entity_name: data.entity_name,
            locators: joined(data.unicast_locators, data.multicast_locators),
            subscriber_key: data.group_entity_id.map(group),
            content_filter: data.content_filter,
            type_information: data.type_information.or(data.own_type_information),
        }
    }
}

fn joined(mut unicast: Vec<Locator>, multicast: Vec<Locator>) -> Vec<Locator> {
    unicast.extend(multicast);
    unicast
}

/// The refusal of everything that would put such a sample on the wire.
const ONLY_READ: EncodeErrorKind = EncodeErrorKind::Foreign("samples of built-in topics are only read");

const NO_KEY: DecodeErrorKind = DecodeErrorKind::Foreign("it names no entity");

fn refused(kind: DecodeErrorKind) -> DecodeError {
    DecodeError { kind, offset: 0 }
}

/// `Sample of Data, called "Name";`: samples are the parameter lists of `Data`. They have no data
/// representation, hence no other endpoint than the built-in readers can have the type.
macro_rules! builtin_topic_types {
    ($($Sample:ident of $Data:ident, called $name:literal;)*) => {$(
        impl TopicType for $Sample {
            type Key = BuiltinTopicKey;
            const HAS_KEY: bool = true;

            fn type_name() -> Cow<'static, str> {
                $name.into()
            }
            fn representations() -> &'static [DataRepresentationId] {
                &[]
            }
            fn max_key_size() -> Option<usize> {
                Some(16)
            }
            fn serialize(&self, _: DataRepresentationId, _: &mut Vec<u8>) -> Result<(), EncodeError> {
                Err(ONLY_READ.into())
            }
            fn deserialize(payload: &[u8]) -> Result<Self, DecodeError> {
                let unreadable = |_| refused(DecodeErrorKind::Foreign("it is no such announcement"));
                $Data::decode(payload, VendorId::OURS).map(Self::from).map_err(unreadable)
            }
            fn serialize_key(&self, _: DataRepresentationId, _: &mut Vec<u8>) -> Result<(), EncodeError> {
                Err(ONLY_READ.into())
            }
            fn key(&self) -> BuiltinTopicKey {
                self.key
            }
            fn write_canonical_key(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
                out.extend_from_slice(&self.key.0);
                Ok(())
            }
            fn canonical_key_of(
                payload: &[u8],
                _: PayloadKind,
                out: &mut Vec<u8>,
            ) -> Result<(), DecodeError> {
                let key = $Data::disposed(DataPayload::Data(payload), None).ok_or(refused(NO_KEY))?;
                out.extend_from_slice(&key.to_bytes());
                Ok(())
            }
            fn key_from_canonical(canonical: &[u8]) -> Result<BuiltinTopicKey, DecodeError> {
                canonical.try_into().map(BuiltinTopicKey).map_err(|_| refused(NO_KEY))
            }
            fn serialize_canonical_key_payload(
                _: &[u8],
                _: DataRepresentationId,
                _: &mut Vec<u8>,
            ) -> Result<(), DecodeError> {
                Err(refused(DecodeErrorKind::NotEncodable(ONLY_READ)))
            }
            fn type_description() -> Option<&'static TypeDescription> {
                None
            }
        }
    )*};
}

builtin_topic_types! {
    ParticipantBuiltinTopicData of ParticipantData, called "ParticipantBuiltinTopicData";
    TopicBuiltinTopicData of TopicData, called "TopicBuiltinTopicData";
    PublicationBuiltinTopicData of PublicationData, called "PublicationBuiltinTopicData";
    SubscriptionBuiltinTopicData of SubscriptionData, called "SubscriptionBuiltinTopicData";
}
