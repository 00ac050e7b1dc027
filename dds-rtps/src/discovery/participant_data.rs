//! What a participant announces of itself (RTPS 2.5 §8.5.3.2).

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use dds_qos::{Duration, Policy, UserData};
use dds_types::{
    DecodeError, EncodeError,
    cdr::{CdrReader, CdrWriter, Endianness},
    parameter_list::{Parameter, ParameterId, ParameterListWriter},
};

use super::{DiscoveryDataError, MOST_LOCATORS, Property, UnknownParameters, table, value::ParameterValue};
use crate::{
    message::{DataPayload, InlineQos, pid},
    structure::{EntityId, Guid, Locator, ProtocolVersion, SharedMemoryName, VendorId},
};

/// Which built-in endpoints a participant has (RTPS 2.5 §9.3.2.12). Unknown bits are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct BuiltinEndpointSet(pub u32);

macro_rules! endpoint_bits {
    ($($(#[$doc:meta])* $name:ident = $bit:literal;)*) => {
        impl BuiltinEndpointSet {
            $($(#[$doc])* pub const $name: Self = Self(1 << $bit);)*
        }

        impl core::fmt::Debug for BuiltinEndpointSet {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut set = f.debug_set();
                let mut unnamed = self.0;
                $(if self.contains(Self::$name) {
                    unnamed &= !Self::$name.0;
                    set.entry(&format_args!("{}", stringify!($name)));
                })*
                if unnamed != 0 {
                    set.entry(&format_args!("{unnamed:#x}"));
                }
                set.finish()
            }
        }
    };
}

endpoint_bits! {
    /// The SPDP writer.
    PARTICIPANT_ANNOUNCER = 0;
    /// The SPDP reader.
    PARTICIPANT_DETECTOR = 1;
    /// The SEDP publications writer.
    PUBLICATIONS_ANNOUNCER = 2;
    /// The SEDP publications reader.
    PUBLICATIONS_DETECTOR = 3;
    /// The SEDP subscriptions writer.
    SUBSCRIPTIONS_ANNOUNCER = 4;
    /// The SEDP subscriptions reader.
    SUBSCRIPTIONS_DETECTOR = 5;
    /// The liveliness writer.
    PARTICIPANT_MESSAGE_WRITER = 10;
    /// The liveliness reader.
    PARTICIPANT_MESSAGE_READER = 11;
    /// The type lookup service's request writer.
    TYPE_LOOKUP_REQUEST_WRITER = 12;
    /// The type lookup service's request reader.
    TYPE_LOOKUP_REQUEST_READER = 13;
    /// The type lookup service's reply writer.
    TYPE_LOOKUP_REPLY_WRITER = 14;
    /// The type lookup service's reply reader.
    TYPE_LOOKUP_REPLY_READER = 15;
    /// The SEDP topics writer.
    TOPICS_ANNOUNCER = 28;
    /// The SEDP topics reader.
    TOPICS_DETECTOR = 29;
}

impl BuiltinEndpointSet {
    /// Whether all of `other` are there.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How built-in endpoints differ from the standard's QoS (RTPS 2.5 §9.3.2.13). Unknown bits are kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct BuiltinEndpointQos(pub u32);

impl BuiltinEndpointQos {
    /// The liveliness reader is best effort.
    pub const BEST_EFFORT_PARTICIPANT_MESSAGE_READER: Self = Self(1);

    /// Whether all bits of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

macro_rules! bits_value {
    ($($type:ident)*) => {$(
        impl ParameterValue for $type {
            fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
                input.read_u32().map(Self)
            }
            fn write(&self, out: &mut CdrWriter<'_>) {
                out.write_u32(self.0);
            }
        }
    )*};
}

bits_value! { BuiltinEndpointSet BuiltinEndpointQos }

/// How long a participant that announces no lease lives on without a sign of life (RTPS 2.5 Table
/// 9.18).
const DEFAULT_LEASE: Duration = Duration::from_secs(100);

/// dds-qos's table has the id; every policy that discovery carries has one.
const USER_DATA: ParameterId = match UserData::PARAMETER_ID {
    Some(id) => id,
    None => ParameterId::PAD,
};

discovery_data! {
    /// What a participant announces of itself: `SPDPdiscoveredParticipantData` (RTPS 2.5 §8.5.3.2).
    ParticipantData {
        key { pid::PARTICIPANT_GUID }
        fields {
            /// The version that it speaks; ours when not announced.
            one version: ProtocolVersion = ProtocolVersion::CURRENT, pid::PROTOCOL_VERSION;
            /// Who made it; that of the announcement's message when not announced.
            one vendor: VendorId = VendorId::UNKNOWN, pid::VENDORID;
            /// The participant.
            required guid: Guid = Guid::UNKNOWN, pid::PARTICIPANT_GUID;
            /// Its domain; the one it was heard in when not announced.
            maybe domain_id: u32 = None, pid::DOMAIN_ID;
            /// Splits the domain; participants with different tags ignore each other.
            unless_empty domain_tag: String = String::new(), pid::DOMAIN_TAG;
            /// Whether its readers want QoS with each sample, unless they say otherwise.
            one expects_inline_qos: bool = false, pid::EXPECTS_INLINE_QOS;
            /// Where its built-in endpoints are reached.
            many metatraffic_unicast_locators: Locator = Vec::new(), pid::METATRAFFIC_UNICAST_LOCATOR;
            /// Groups on which its built-in endpoints listen.
            many metatraffic_multicast_locators: Locator = Vec::new(), pid::METATRAFFIC_MULTICAST_LOCATOR;
            /// Where those of its user endpoints are reached that announce nothing else.
            many default_unicast_locators: Locator = Vec::new(), pid::DEFAULT_UNICAST_LOCATOR;
            /// Groups on which those of its user endpoints listen that announce nothing else.
            many default_multicast_locators: Locator = Vec::new(), pid::DEFAULT_MULTICAST_LOCATOR;
            /// Its built-in endpoints.
            one builtin_endpoints: BuiltinEndpointSet = BuiltinEndpointSet::default(), pid::BUILTIN_ENDPOINT_SET;
            /// How they differ from the standard's.
            one builtin_endpoint_qos: BuiltinEndpointQos = BuiltinEndpointQos::default(), pid::BUILTIN_ENDPOINT_QOS;
            /// How long it lives on without a sign of life; 100 s when not announced.
            one lease_duration: Duration = DEFAULT_LEASE, pid::PARTICIPANT_LEASE_DURATION;
            /// How often its liveliness was asserted by hand; older versions of RTPS told it so.
            maybe manual_liveliness_count: u32 = None, pid::PARTICIPANT_MANUAL_LIVELINESS_COUNT;
            /// USER_DATA.
            policy user_data: UserData = UserData::default(), USER_DATA;
            /// Its name for people.
            maybe entity_name: String = None, pid::ENTITY_NAME;
            /// Named values, such as where it runs.
            unless_empty properties: Vec<Property> = Vec::new(), pid::PROPERTY_LIST;
            /// Under which its process shares memory with others of its host, where it does.
            maybe shared_memory: SharedMemoryName = None, pid::SHARED_MEMORY;
            /// As `default_multicast_locators`, told to participants of ours only: where two readers share a
            /// default group, Fast DDS 2.9.1 aborts its process.
            many own_groups: Locator = Vec::new(), pid::OWN_GROUP;
        }
        policies {}
    }
}

impl ParticipantData {
    /// Of one of our own participants, with defaults for all else.
    pub fn new(guid: Guid) -> Self {
        Self { vendor: VendorId::OURS, guid, ..Self::default() }
    }

    /// Says where it runs, under the names that Cyclone DDS's and Fast DDS's tools show.
    pub fn set_process(&mut self, host: &str, process_name: &str, process_id: u32) {
        let process_id = process_id.to_string();
        let values = [
            ("__Hostname", host),
            ("fastdds.physical_data.host", host),
            ("__ProcessName", process_name),
            ("__Pid", &process_id),
            ("fastdds.physical_data.process", &process_id),
        ];
        for (name, value) in values {
            self.properties.retain(|property| property.name != name);
            self.properties.push(Property::new(name, value));
        }
    }

    /// The host it runs on, if it says so.
    pub fn host(&self) -> Option<&str> {
        self.property(&Property::HOST_NAMES)
    }

    /// The name of its program, if it says so.
    pub fn process_name(&self) -> Option<&str> {
        self.property(&Property::PROCESS_NAMES)
    }

    /// The number of its process, if it says so.
    pub fn process_id(&self) -> Option<&str> {
        self.property(&Property::PROCESS_ID_NAMES)
    }

    fn property(&self, names: &[&str]) -> Option<&str> {
        let of_name = |name: &&str| self.properties.iter().find(|property| property.name == **name);
        names.iter().find_map(of_name).map(|property| property.value.as_str())
    }

    /// Fills in what was not announced and checks the rest.
    fn complete(mut self) -> Result<Self, DiscoveryDataError> {
        if self.guid.entity_id != EntityId::PARTICIPANT {
            return Err(DiscoveryDataError::WrongEntity(self.guid));
        }
        if self.vendor == VendorId::UNKNOWN {
            self.vendor = self.unknown.vendor();
        }
        // With others the same id means something else.
        if self.vendor != VendorId::OURS || self.unknown.vendor() != VendorId::OURS {
            self.shared_memory = None;
            self.own_groups = Vec::new();
        }
        Ok(self)
    }
}
