//! Fast DDS's XML profiles.

use super::report;
use crate::profiles::{EntityKind, Profiles};
use crate::*;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

const FILE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<dds xmlns="http://www.eprosima.com">
  <profiles>
    <transport_descriptors>
      <transport_descriptor>
        <transport_id>udp</transport_id>
        <TTL>4</TTL>
        <interfaceWhiteList><address>192.0.2.7</address></interfaceWhiteList>
      </transport_descriptor>
    </transport_descriptors>
    <participant profile_name="arm" is_default_profile="true">
      <domainId>3</domainId>
      <rtps>
        <name>arm</name>
        <userData><value>1.a.ff</value></userData>
        <builtin>
          <discovery_config>
            <leaseDuration><sec>5</sec></leaseDuration>
            <EDP>SIMPLE</EDP>
          </discovery_config>
        </builtin>
      </rtps>
    </participant>
    <data_writer profile_name="state" is_default_profile="true">
      <topic>
        <kind>WITH_KEY</kind>
        <historyQos><kind>KEEP_LAST</kind><depth>20</depth></historyQos>
        <resourceLimitsQos>
          <max_samples>50</max_samples>
          <max_instances>0</max_instances>
          <max_samples_per_instance>-1</max_samples_per_instance>
          <allocated_samples>10</allocated_samples>
        </resourceLimitsQos>
      </topic>
      <qos>
        <durability><kind>TRANSIENT_LOCAL</kind></durability>
        <durabilityService>
          <history_kind>KEEP_ALL</history_kind><max_samples>0</max_samples>
        </durabilityService>
        <deadline><period><sec>1</sec><nanosec>5</nanosec></period></deadline>
        <latencyBudget><duration><sec>0</sec><nanosec>7</nanosec></duration></latencyBudget>
        <lifespan><duration>DURATION_INFINITY</duration></lifespan>
        <liveliness>
          <kind>MANUAL_BY_PARTICIPANT</kind>
          <lease_duration><sec>2</sec></lease_duration>
          <announcement_period><sec>1</sec></announcement_period>
        </liveliness>
        <reliability>
          <kind>RELIABLE</kind>
          <max_blocking_time><sec>DURATION_INFINITY</sec></max_blocking_time>
        </reliability>
        <destination_order><kind>BY_SOURCE_TIMESTAMP</kind></destination_order>
        <ownership><kind>EXCLUSIVE</kind></ownership>
        <ownershipStrength><value>50</value></ownershipStrength>
        <userData><value>0.1</value></userData>
        <topicData><value>2</value></topicData>
        <groupData><value>3</value></groupData>
        <partition><names><name>lab</name><name>field</name></names></partition>
        <presentation><access_scope>TOPIC</access_scope><ordered_access>true</ordered_access></presentation>
        <publishMode><kind>ASYNCHRONOUS</kind></publishMode>
        <timeBasedFilter><minimum_separation><sec>1</sec></minimum_separation></timeBasedFilter>
      </qos>
      <times><heartbeat_period><sec>1</sec></heartbeat_period></times>
    </data_writer>
    <data_reader profile_name="state">
      <qos>
        <reliability><kind>RELIABLE</kind></reliability>
        <timeBasedFilter><minimum_separation><sec>1</sec></minimum_separation></timeBasedFilter>
        <lifespan><duration><sec>1</sec></duration></lifespan>
        <partition><names><name>lab</name></names></partition>
        <dedaline/>
      </qos>
    </data_reader>
    <topic profile_name="short">
      <historyQos><kind>KEEP_ALL</kind></historyQos>
    </topic>
    <publisher profile_name="older"/>
  </profiles>
  <log><use_default>FALSE</use_default></log>
</dds>
"#;

#[test]
fn every_policy_is_read_and_the_rest_reported() {
    let profiles = Profiles::from_xml_str(FILE).unwrap();
    assert!(profiles.names().eq(["arm", "older", "short", "state"]));
    assert_eq!(profiles.default_for(EntityKind::DomainParticipant), Some("arm"));
    assert_eq!(profiles.default_for(EntityKind::DataWriter), Some("state"));
    assert_eq!(profiles.default_for(EntityKind::DataReader), None);
    assert_eq!(profiles.participant_qos("arm").unwrap().user_data.0, [1, 10, 255]);

    let writer = DataWriterQos {
        durability: Durability::TRANSIENT_LOCAL,
        durability_service: DurabilityService {
            history_kind: HistoryKind::KeepAll,
            ..DurabilityService::default()
        },
        deadline: Deadline(Duration::from_nanos(1_000_000_005)),
        latency_budget: LatencyBudget(Duration::from_nanos(7)),
        liveliness: Liveliness {
            kind: LivelinessKind::ManualByParticipant,
            lease_duration: Duration::from_secs(2),
        },
        reliability: Reliability { kind: ReliabilityKind::Reliable, max_blocking_time: Duration::INFINITE },
        destination_order: DestinationOrder(DestinationOrderKind::BySourceTimestamp),
        history: History::keep_last(20),
        resource_limits: ResourceLimits { max_samples: Limit::Finite(50), ..ResourceLimits::default() },
        user_data: UserData([0, 1].to_vec()),
        ownership: Ownership::EXCLUSIVE,
        ownership_strength: OwnershipStrength(50),
        ..DataWriterQos::default()
    };
    assert_eq!(profiles.writer_qos("state", "t").unwrap(), writer);
    assert_eq!(profiles.topic_qos("state", "t").unwrap().topic_data.0, [2]);
    let publisher = profiles.publisher_qos("state", None).unwrap();
    assert_eq!((publisher.group_data.0, publisher.partition.0), (vec![3], names(&["lab", "field"])));
    assert_eq!(publisher.presentation.access_scope, AccessScope::Topic);
    let reader = profiles.reader_qos("state", "t").unwrap();
    assert_eq!(reader.time_based_filter.0, Duration::from_secs(1));
    assert_eq!(profiles.subscriber_qos("state", None).unwrap().partition.0, ["lab"]);
    assert_eq!(profiles.topic_qos("short", "t").unwrap().history, History::KEEP_ALL);

    let transport = "dds/profiles/transport_descriptors/transport_descriptor";
    let rtps = "dds/profiles/participant[arm]/rtps";
    let writer = "dds/profiles/data_writer[state]";
    let reader = "dds/profiles/data_reader[state]";
    let expected = [
        format!("line 6, column 9: {transport}/transport_id = udp: an extension of Fast DDS"),
        format!("line 7, column 9: {transport}/TTL = 4: no QoS but `transport.multicast_ttl` of the configuration"),
        format!("line 8, column 29: {transport}/interfaceWhiteList/address = 192.0.2.7: no QoS but `transport.interfaces` of the configuration"),
        "line 12, column 7: dds/profiles/participant[arm]/domainId = 3: not about QoS".to_string(),
        format!("line 14, column 9: {rtps}/name = arm: no QoS but `name` of the configuration"),
        format!("line 18, column 28: {rtps}/builtin/discovery_config/leaseDuration/sec = 5: no QoS but `lease_duration` of the configuration"),
        format!("line 19, column 13: {rtps}/builtin/discovery_config/EDP = SIMPLE: an extension of Fast DDS"),
        format!("line 26, column 9: {writer}/topic/kind = WITH_KEY: not about QoS"),
        format!("line 32, column 11: {writer}/topic/resourceLimitsQos/allocated_samples = 10: an extension of Fast DDS"),
        format!("line 46, column 32: {writer}/qos/liveliness/announcement_period/sec = 1: an extension of Fast DDS"),
        format!("line 60, column 22: {writer}/qos/publishMode/kind = ASYNCHRONOUS: an extension of Fast DDS"),
        format!("line 61, column 46: {writer}/qos/timeBasedFilter/minimum_separation/sec = 1: TIME_BASED_FILTER is no policy of a DataWriter"),
        format!("line 63, column 32: {writer}/times/heartbeat_period/sec = 1: an extension of Fast DDS"),
        format!("line 69, column 29: {reader}/qos/lifespan/duration/sec = 1: LIFESPAN is no policy of a DataReader"),
        format!("line 71, column 9: {reader}/qos/dedaline: unknown, did you mean `deadline`?"),
        "line 77, column 5: dds/profiles/publisher[older] = older: DURABILITY is not set: TRANSIENT_LOCAL there, the standard's default here".to_string(),
        "line 79, column 3: dds/log: not about QoS".to_string(),
    ];
    assert_eq!(report(&profiles), expected);
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn profiles_alone_are_recognised_and_checked() {
    let text = "<profiles><data_writer profile_name=\"w\"/><data_reader profile_name=\"w\"/></profiles>";
    assert!(Profiles::from_xml_str(text).unwrap().names().eq(["w"]));
    let cases = [
        (
            "<profiles><data_writer profile_name=\"w\"/><data_writer profile_name=\"w\"/></profiles>",
            "line 1, column 42: `w` is there twice",
        ),
        ("<profiles><data_writer/></profiles>", "line 1, column 11: `profile_name` is missing"),
        (
            "<profiles><participant profile_name=\"p\"><rtps><userData><value>xy</value></userData></rtps>\
             </participant></profiles>",
            "line 1, column 57: expected hexadecimal bytes such as `1.a.ff`, found xy",
        ),
        (
            "<profiles><data_writer profile_name=\"w\"><qos><reliability><kind>RELIABEL</kind></reliability>\
             </qos></data_writer></profiles>",
            "line 1, column 59: unknown value `RELIABEL`, did you mean `RELIABLE`?",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(Profiles::from_xml_str(text).unwrap_err().to_string(), expected, "{text}");
    }
}
