//! Names of elements: which policies they are, and which belong to vendors alone.

use super::XmlDialect;
use crate::PolicyId;

/// The elements an entity's QoS can have.
pub(super) struct Vocabulary {
    pub policies: &'static [PolicyElement],
    pub vendor: XmlDialect,
    /// Elements of that vendor without counterpart, at any level.
    pub extensions: &'static [&'static str],
    /// Settings that are here in the configuration: the element they are in, theirs, and the key.
    pub configuration: &'static [(&'static str, &'static str, &'static str)],
    /// Values of known elements without counterpart.
    pub foreign_values: &'static [&'static str],
}

/// An element that is a policy. Its children are named as the policy's parts are.
pub(super) struct PolicyElement {
    pub name: &'static str,
    pub policy: PolicyId,
    /// The child that is the value of a policy that has only one.
    pub single: &'static str,
}

const fn parts(name: &'static str, policy: PolicyId) -> PolicyElement {
    PolicyElement { name, policy, single: "" }
}

const fn single(name: &'static str, policy: PolicyId, single: &'static str) -> PolicyElement {
    PolicyElement { name, policy, single }
}

/// DDS-XML 1.0 §7.2.3: elements are named as the members of the IDL (DDS 1.4 §2.3.3, XTypes 1.3 Annex D).
pub(super) const DDS_XML: Vocabulary = Vocabulary {
    policies: &[
        single("user_data", PolicyId::UserData, "value"),
        single("topic_data", PolicyId::TopicData, "value"),
        single("group_data", PolicyId::GroupData, "value"),
        single("representation", PolicyId::DataRepresentation, "value"),
        single("data_representation", PolicyId::DataRepresentation, "value"),
        parts("type_consistency", PolicyId::TypeConsistencyEnforcement),
        single("durability", PolicyId::Durability, "kind"),
        parts("durability_service", PolicyId::DurabilityService),
        parts("history", PolicyId::History),
        parts("resource_limits", PolicyId::ResourceLimits),
        single("lifespan", PolicyId::Lifespan, "duration"),
        parts("reliability", PolicyId::Reliability),
        single("deadline", PolicyId::Deadline, "period"),
        single("latency_budget", PolicyId::LatencyBudget, "duration"),
        single("transport_priority", PolicyId::TransportPriority, "value"),
        single("time_based_filter", PolicyId::TimeBasedFilter, "minimum_separation"),
        single("destination_order", PolicyId::DestinationOrder, "kind"),
        parts("presentation", PolicyId::Presentation),
        parts("liveliness", PolicyId::Liveliness),
        single("ownership", PolicyId::Ownership, "kind"),
        single("ownership_strength", PolicyId::OwnershipStrength, "value"),
        single("partition", PolicyId::Partition, "name"),
        parts("entity_factory", PolicyId::EntityFactory),
        parts("writer_data_lifecycle", PolicyId::WriterDataLifecycle),
        parts("reader_data_lifecycle", PolicyId::ReaderDataLifecycle),
    ],
    vendor: XmlDialect::Connext,
    extensions: super::connext::EXTENSIONS,
    configuration: super::connext::CONFIGURATION,
    foreign_values: super::connext::FOREIGN_VALUES,
};

/// Fast DDS's `fastdds_profiles.xsd`: `dataWriterQosPoliciesType`, `dataReaderQosPoliciesType`,
/// `topicProfileType` and the participant's `userData`.
pub(super) const FAST_DDS: Vocabulary = Vocabulary {
    policies: &[
        single("userData", PolicyId::UserData, "value"),
        single("topicData", PolicyId::TopicData, "value"),
        single("groupData", PolicyId::GroupData, "value"),
        single("durability", PolicyId::Durability, "kind"),
        parts("durabilityService", PolicyId::DurabilityService),
        parts("historyQos", PolicyId::History),
        parts("resourceLimitsQos", PolicyId::ResourceLimits),
        single("lifespan", PolicyId::Lifespan, "duration"),
        parts("reliability", PolicyId::Reliability),
        single("deadline", PolicyId::Deadline, "period"),
        single("latencyBudget", PolicyId::LatencyBudget, "duration"),
        single("timeBasedFilter", PolicyId::TimeBasedFilter, "minimum_separation"),
        single("destination_order", PolicyId::DestinationOrder, "kind"),
        parts("presentation", PolicyId::Presentation),
        parts("liveliness", PolicyId::Liveliness),
        single("ownership", PolicyId::Ownership, "kind"),
        single("ownershipStrength", PolicyId::OwnershipStrength, "value"),
        single("partition", PolicyId::Partition, "names"),
        parts("entity_factory", PolicyId::EntityFactory),
    ],
    vendor: XmlDialect::FastDds,
    extensions: &[
        "data_sharing",
        "disable_heartbeat_piggyback",
        "disablePositiveAcks",
        "publishMode",
        "announcement_period",
        "allocated_samples",
        "extra_samples",
        "kind",
        "dataType",
        "times",
        "unicastLocatorList",
        "multicastLocatorList",
        "external_unicast_locators",
        "ignore_non_matching_locators",
        "historyMemoryPolicy",
        "propertiesPolicy",
        "userDefinedID",
        "entityID",
        "matchedSubscribersAllocation",
        "matchedPublishersAllocation",
        "expects_inline_qos",
        "defaultUnicastLocatorList",
        "defaultMulticastLocatorList",
        "default_external_unicast_locators",
        "netmask_filter",
        "easy_mode_ip",
        "userTransports",
        "useBuiltinTransports",
        "builtinTransports",
        "allocation",
        "prefix",
        "flow_controller_descriptor_list",
        "builtin_controllers_sender_thread",
        "timed_events_thread",
        "discovery_server_thread",
        "typelookup_service_thread",
        "builtin_transports_reception_threads",
        "security_log_thread",
        "builtin",
    ],
    configuration: &[
        ("rtps", "name", "name"),
        ("rtps", "sendSocketBufferSize", "transport.send_buffer"),
        ("rtps", "listenSocketBufferSize", "transport.receive_buffer"),
        ("rtps", "participantID", "transport.participant_id"),
        ("port", "portBase", "transport.ports.port_base"),
        ("port", "domainIDGain", "transport.ports.domain_id_gain"),
        ("port", "participantIDGain", "transport.ports.participant_id_gain"),
        ("port", "offsetd0", "transport.ports.d0"),
        ("port", "offsetd1", "transport.ports.d1"),
        ("port", "offsetd2", "transport.ports.d2"),
        ("port", "offsetd3", "transport.ports.d3"),
        ("discovery_config", "leaseDuration", "lease_duration"),
        ("discovery_config", "leaseAnnouncement", "announcement_period"),
        ("builtin", "initialPeersList", "initial_peers"),
        ("transport_descriptor", "interfaceWhiteList", "transport.interfaces"),
        ("transport_descriptor", "interfaces", "transport.interfaces"),
        ("transport_descriptor", "maxMessageSize", "transport.max_datagram_size"),
        ("transport_descriptor", "sendBufferSize", "transport.send_buffer"),
        ("transport_descriptor", "receiveBufferSize", "transport.receive_buffer"),
        ("transport_descriptor", "TTL", "transport.multicast_ttl"),
    ],
    foreign_values: &[],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::POLICIES;
    use std::vec::Vec;

    #[test]
    fn every_policy_has_its_element_and_every_element_its_policy() {
        let mut known: Vec<PolicyId> = DDS_XML.policies.iter().map(|element| element.policy).collect();
        known.sort_unstable();
        known.dedup();
        let mut all: Vec<PolicyId> = POLICIES.iter().map(|row| row.id).collect();
        all.sort_unstable();
        assert_eq!(known, all);
        for element in DDS_XML.policies.iter().chain(FAST_DDS.policies) {
            let row = element.policy.row().unwrap();
            assert_eq!(row.parts == ["0"], !element.single.is_empty(), "{}", element.name);
        }
    }

    #[test]
    fn what_is_standard_is_no_extension() {
        for row in POLICIES {
            for part in row.parts {
                assert!(!DDS_XML.extensions.contains(part), "{part} of {}", row.name);
            }
        }
    }
}
