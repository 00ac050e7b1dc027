//! Parameter ids that RTPS itself defines (RTPS 2.5 Tables 9.18 to 9.20); those of QoS policies are
//! in dds-qos's table.

use dds_types::parameter_list::ParameterId;

macro_rules! parameter_ids {
    ($($(#[$doc:meta])* $name:ident = $value:literal;)*) => {
        $($(#[$doc])* pub const $name: ParameterId = ParameterId($value);)*

        /// The standard's name, without `PID_`, of an id that is in this table.
        pub fn name(id: ParameterId) -> Option<&'static str> {
            match id {
                $($name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

parameter_ids! {
    /// How long a participant lives on without a sign of life.
    PARTICIPANT_LEASE_DURATION = 0x0002;
    /// A topic's name.
    TOPIC_NAME = 0x0005;
    /// A type's name.
    TYPE_NAME = 0x0007;
    /// A participant's domain.
    DOMAIN_ID = 0x000f;
    /// The protocol's version.
    PROTOCOL_VERSION = 0x0015;
    /// Who made the implementation.
    VENDORID = 0x0016;
    /// Where one endpoint is reached.
    UNICAST_LOCATOR = 0x002f;
    /// A group on which one endpoint listens.
    MULTICAST_LOCATOR = 0x0030;
    /// Where a participant's user endpoints are reached.
    DEFAULT_UNICAST_LOCATOR = 0x0031;
    /// Where a participant's built-in endpoints are reached.
    METATRAFFIC_UNICAST_LOCATOR = 0x0032;
    /// A group on which a participant's built-in endpoints listen.
    METATRAFFIC_MULTICAST_LOCATOR = 0x0033;
    /// Counts manual assertions of a participant's liveliness.
    PARTICIPANT_MANUAL_LIVELINESS_COUNT = 0x0034;
    /// A reader's filter.
    CONTENT_FILTER_PROPERTY = 0x0035;
    /// Whether readers want QoS with each sample.
    EXPECTS_INLINE_QOS = 0x0043;
    /// A group on which a participant's user endpoints listen.
    DEFAULT_MULTICAST_LOCATOR = 0x0048;
    /// A participant's GUID.
    PARTICIPANT_GUID = 0x0050;
    /// A publisher's or subscriber's GUID.
    GROUP_GUID = 0x0052;
    /// A publisher's or subscriber's entity id.
    GROUP_ENTITYID = 0x0053;
    /// Which filters a sample passed.
    CONTENT_FILTER_INFO = 0x0055;
    /// The first sample of a coherent set.
    COHERENT_SET = 0x0056;
    /// The only reader a sample is meant for.
    DIRECTED_WRITE = 0x0057;
    /// Which built-in endpoints a participant has.
    BUILTIN_ENDPOINT_SET = 0x0058;
    /// Names with values.
    PROPERTY_LIST = 0x0059;
    /// An endpoint's GUID.
    ENDPOINT_GUID = 0x005a;
    /// The largest serialised sample.
    TYPE_MAX_SIZE_SERIALIZED = 0x0060;
    /// Who first wrote a sample.
    ORIGINAL_WRITER_INFO = 0x0061;
    /// A name for people.
    ENTITY_NAME = 0x0062;
    /// The first sample of a group's coherent set.
    GROUP_COHERENT_SET = 0x0063;
    /// A sample's number in its group.
    GROUP_SEQ_NUM = 0x0064;
    /// The digest of a group's writers.
    WRITER_GROUP_INFO = 0x0065;
    /// The digest of a group's protected writers.
    SECURE_WRITER_GROUP_INFO = 0x0066;
    /// The digest of a key.
    KEY_HASH = 0x0070;
    /// What a sample does to its instance.
    STATUS_INFO = 0x0071;
    /// The digests of a type (XTypes 1.3 §7.6.3.2.2).
    TYPE_INFORMATION = 0x0075;
    /// QoS of built-in endpoints that differs from the standard's.
    BUILTIN_ENDPOINT_QOS = 0x0077;
    /// The sample that a sample answers.
    RELATED_SAMPLE_IDENTITY = 0x0083;
    /// Splits a domain.
    DOMAIN_TAG = 0x4014;
    /// Where a process of ours can be reached by shared memory; an id of our own, interpreted only in
    /// announcements of our own vendor id.
    SHARED_MEMORY = 0x81dd;
    /// The digests of a type that is told to participants of ours only; an id of our own like the one above.
    OWN_TYPE_INFORMATION = 0x81de;
    /// The groups for samples that participants of ours only are told of; an id of our own like those above.
    OWN_GROUP = 0x81df;
}

/// Where eProsima and RTI put the related sample identity before 0x0083 was assigned, and where we
/// send it too: Fast DDS up to 2.13 reads nothing else.
pub const LEGACY_RELATED_SAMPLE_IDENTITY: ParameterId = ParameterId(0x800f);
