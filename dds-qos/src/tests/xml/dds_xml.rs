//! DDS-XML 1.0 §7.3.2.

use super::report;
use crate::profiles::{EntityKind, Profiles};
use crate::*;
use alloc::string::{String, ToString};
use alloc::{format, vec};
use dds_types::DataRepresentationId;

/// One profile of a library `L`, with this in it.
fn profile(content: &str) -> String {
    format!("<qos_library name=\"L\">\n<qos_profile name=\"P\">\n{content}\n</qos_profile>\n</qos_library>")
}

fn error(text: &str) -> String {
    Profiles::from_xml_str(text).unwrap_err().to_string()
}

const WRITER: &str = r#"
<datawriter_qos>
  <durability><kind>TRANSIENT_LOCAL_DURABILITY_QOS</kind></durability>
  <durability_service>
    <service_cleanup_delay><sec>3</sec><nanosec>5</nanosec></service_cleanup_delay>
    <history_kind>KEEP_ALL_HISTORY_QOS</history_kind>
    <history_depth>7</history_depth>
    <max_samples>LENGTH_UNLIMITED</max_samples>
    <max_instances>20</max_instances>
    <max_samples_per_instance>0x1E</max_samples_per_instance>
  </durability_service>
  <deadline><period><sec>1</sec><nanosec>500000000</nanosec></period></deadline>
  <latency_budget><duration><nanosec>1000</nanosec></duration></latency_budget>
  <liveliness>
    <kind>MANUAL_BY_TOPIC_LIVELINESS_QOS</kind>
    <lease_duration><sec>2</sec></lease_duration>
  </liveliness>
  <reliability>
    <kind>RELIABLE_RELIABILITY_QOS</kind>
    <max_blocking_time><sec>DURATION_INFINITY</sec><nanosec>DURATION_INFINITE_NSEC</nanosec></max_blocking_time>
  </reliability>
  <destination_order><kind>BY_SOURCE_TIMESTAMP_DESTINATIONORDER_QOS</kind></destination_order>
  <history><kind>KEEP_LAST_HISTORY_QOS</kind><depth>10</depth></history>
  <resource_limits>
    <max_samples>100</max_samples>
    <max_instances>LENGTH_UNLIMITED</max_instances>
    <max_samples_per_instance>50</max_samples_per_instance>
  </resource_limits>
  <transport_priority><value>-4</value></transport_priority>
  <lifespan><duration><sec>DURATION_INFINITE_SEC</sec></duration></lifespan>
  <user_data><value>84, 104, 101, 0x71</value></user_data>
  <ownership><kind>EXCLUSIVE_OWNERSHIP_QOS</kind></ownership>
  <ownership_strength><value>9</value></ownership_strength>
  <writer_data_lifecycle>
    <autodispose_unregistered_instances>false</autodispose_unregistered_instances>
  </writer_data_lifecycle>
  <representation><value><element>XCDR2_DATA_REPRESENTATION</element></value></representation>
</datawriter_qos>"#;

#[test]
fn every_policy_of_a_writer_is_read() {
    let profiles = Profiles::from_xml_str(&profile(WRITER)).unwrap();
    let expected = DataWriterQos {
        durability: Durability::TRANSIENT_LOCAL,
        durability_service: DurabilityService {
            service_cleanup_delay: Duration::from_nanos(3_000_000_005),
            history_kind: HistoryKind::KeepAll,
            history_depth: 7,
            max_samples: Limit::Unlimited,
            max_instances: Limit::Finite(20),
            max_samples_per_instance: Limit::Finite(30),
        },
        deadline: Deadline(Duration::from_millis(1500)),
        latency_budget: LatencyBudget(Duration::from_nanos(1000)),
        liveliness: Liveliness {
            kind: LivelinessKind::ManualByTopic,
            lease_duration: Duration::from_secs(2),
        },
        reliability: Reliability { kind: ReliabilityKind::Reliable, max_blocking_time: Duration::INFINITE },
        destination_order: DestinationOrder(DestinationOrderKind::BySourceTimestamp),
        history: History::keep_last(10),
        resource_limits: ResourceLimits {
            max_samples: Limit::Finite(100),
            max_instances: Limit::Unlimited,
            max_samples_per_instance: Limit::Finite(50),
        },
        transport_priority: TransportPriority(-4),
        lifespan: Lifespan(Duration::INFINITE),
        user_data: UserData(vec![84, 104, 101, 0x71]),
        ownership: Ownership::EXCLUSIVE,
        ownership_strength: OwnershipStrength(9),
        writer_data_lifecycle: WriterDataLifecycle { autodispose_unregistered_instances: false },
        data_representation: DataRepresentation(vec![DataRepresentationId::XCDR2]),
    };
    assert_eq!(profiles.writer_qos("L::P", "any").unwrap(), expected);
    assert_eq!(profiles.unmapped(), []);
}

#[test]
fn every_policy_of_a_reader_is_read() {
    let text = r#"
    <datareader_qos>
      <durability><kind>PERSISTENT_DURABILITY_QOS</kind></durability>
      <deadline><period><sec>4</sec></period></deadline>
      <latency_budget><duration><sec>1</sec></duration></latency_budget>
      <liveliness>
        <kind>MANUAL_BY_PARTICIPANT_LIVELINESS_QOS</kind>
        <lease_duration><sec>30</sec></lease_duration>
      </liveliness>
      <reliability><kind>RELIABLE_RELIABILITY_QOS</kind></reliability>
      <destination_order><kind>BY_RECEPTION_TIMESTAMP_DESTINATIONORDER_QOS</kind></destination_order>
      <history><kind>KEEP_ALL_HISTORY_QOS</kind></history>
      <resource_limits><max_instances>5</max_instances></resource_limits>
      <user_data><valueB64>VGhlIHF1
        aWNr</valueB64></user_data>
      <ownership><kind>SHARED_OWNERSHIP_QOS</kind></ownership>
      <time_based_filter><minimum_separation><nanosec>250000000</nanosec></minimum_separation></time_based_filter>
      <reader_data_lifecycle>
        <autopurge_nowriter_samples_delay><sec>60</sec></autopurge_nowriter_samples_delay>
        <autopurge_disposed_samples_delay><sec>61</sec></autopurge_disposed_samples_delay>
      </reader_data_lifecycle>
      <representation><value>
        <element>XCDR_DATA_REPRESENTATION</element><element>XML_DATA_REPRESENTATION</element>
      </value></representation>
      <type_consistency>
        <kind>DISALLOW_TYPE_COERCION</kind>
        <ignore_sequence_bounds>0</ignore_sequence_bounds>
        <ignore_string_bounds>false</ignore_string_bounds>
        <ignore_member_names>1</ignore_member_names>
        <prevent_type_widening>true</prevent_type_widening>
        <force_type_validation>true</force_type_validation>
      </type_consistency>
    </datareader_qos>"#;
    let profiles = Profiles::from_xml_str(&profile(text)).unwrap();
    let expected = DataReaderQos {
        durability: Durability(DurabilityKind::Persistent),
        deadline: Deadline(Duration::from_secs(4)),
        latency_budget: LatencyBudget(Duration::from_secs(1)),
        liveliness: Liveliness {
            kind: LivelinessKind::ManualByParticipant,
            lease_duration: Duration::from_secs(30),
        },
        reliability: Reliability::RELIABLE,
        destination_order: DestinationOrder(DestinationOrderKind::ByReceptionTimestamp),
        history: History::KEEP_ALL,
        resource_limits: ResourceLimits { max_instances: Limit::Finite(5), ..ResourceLimits::default() },
        user_data: UserData(b"The quick".to_vec()),
        ownership: Ownership::SHARED,
        time_based_filter: TimeBasedFilter(Duration::from_millis(250)),
        reader_data_lifecycle: ReaderDataLifecycle {
            autopurge_nowriter_samples_delay: Duration::from_secs(60),
            autopurge_disposed_samples_delay: Duration::from_secs(61),
        },
        data_representation: DataRepresentation(vec![DataRepresentationId::XCDR, DataRepresentationId::XML]),
        type_consistency: TypeConsistencyEnforcement {
            kind: TypeConsistencyKind::DisallowTypeCoercion,
            ignore_sequence_bounds: false,
            ignore_string_bounds: false,
            ignore_member_names: true,
            prevent_type_widening: true,
            force_type_validation: true,
        },
    };
    assert_eq!(profiles.reader_qos("L::P", "any").unwrap(), expected);
    assert_eq!(profiles.unmapped(), []);
}

#[test]
fn the_other_entities_are_read() {
    for participant in ["participant_qos", "domain_participant_qos", "domainparticipant_qos"] {
        let text = format!(
            r#"
            <topic_qos>
              <topic_data><value>1,2 , 0xFf</value></topic_data>
              <lifespan><duration><sec>8</sec></duration></lifespan>
            </topic_qos>
            <publisher_qos>
              <presentation>
                <access_scope>GROUP_PRESENTATION_QOS</access_scope>
                <coherent_access>true</coherent_access>
                <ordered_access>true</ordered_access>
              </presentation>
              <partition><name><element>lab</element><element>field/*</element></name></partition>
              <group_data><valueB64>AAEC</valueB64></group_data>
              <entity_factory><autoenable_created_entities>false</autoenable_created_entities></entity_factory>
            </publisher_qos>
            <subscriber_qos>
              <partition><name><element>lab</element></name></partition>
            </subscriber_qos>
            <{participant}>
              <user_data><value></value></user_data>
              <entity_factory><autoenable_created_entities>false</autoenable_created_entities></entity_factory>
            </{participant}>"#
        );
        let profiles = Profiles::from_xml_str(&profile(&text)).unwrap();
        let topic = profiles.topic_qos("L::P", "any").unwrap();
        assert_eq!(topic.topic_data.0, [1, 2, 255]);
        assert_eq!(topic.lifespan.0, Duration::from_secs(8));
        let publisher = profiles.publisher_qos("L::P", None).unwrap();
        let expected =
            Presentation { access_scope: AccessScope::Group, coherent_access: true, ordered_access: true };
        assert_eq!(publisher.presentation, expected);
        assert_eq!(publisher.partition.0, ["lab", "field/*"]);
        assert_eq!(publisher.group_data.0, [0, 1, 2]);
        assert!(!publisher.entity_factory.autoenable_created_entities);
        let subscriber = profiles.subscriber_qos("L::P", None).unwrap();
        assert_eq!(subscriber.partition.0, ["lab"]);
        let qos = profiles.participant_qos("L::P").unwrap();
        assert!(!qos.entity_factory.autoenable_created_entities);
        assert_eq!(profiles.unmapped(), []);
    }
}

#[test]
fn every_name_of_every_kind_is_read_with_and_without_suffix() {
    fn check<K: Copy + PartialEq + core::fmt::Debug>(
        all: &[(K, &str)],
        suffix: &str,
        open: &str,
        close: &str,
        kind_of: impl Fn(&Profiles) -> K,
    ) {
        for (kind, name) in all {
            let without_qos = suffix.strip_suffix("_QOS").unwrap_or(suffix);
            for written in [format!("{name}{suffix}"), format!("{name}{without_qos}"), name.to_string()] {
                let profiles = Profiles::from_xml_str(&profile(&format!("{open}{written}{close}"))).unwrap();
                assert_eq!(kind_of(&profiles), *kind, "{written}");
            }
        }
    }
    let writer = |profiles: &Profiles| profiles.writer_qos("L::P", "t").unwrap();
    check(
        DurabilityKind::ALL,
        "_DURABILITY_QOS",
        "<datawriter_qos><durability><kind>",
        "</kind></durability></datawriter_qos>",
        |profiles| writer(profiles).durability.0,
    );
    check(
        HistoryKind::ALL,
        "_HISTORY_QOS",
        "<datawriter_qos><history><kind>",
        "</kind></history></datawriter_qos>",
        |profiles| writer(profiles).history.kind,
    );
    check(
        ReliabilityKind::ALL,
        "_RELIABILITY_QOS",
        "<datawriter_qos><reliability><kind>",
        "</kind></reliability></datawriter_qos>",
        |profiles| writer(profiles).reliability.kind,
    );
    check(
        DestinationOrderKind::ALL,
        "_DESTINATIONORDER_QOS",
        "<datawriter_qos><destination_order><kind>",
        "</kind></destination_order></datawriter_qos>",
        |profiles| writer(profiles).destination_order.0,
    );
    check(
        LivelinessKind::ALL,
        "_LIVELINESS_QOS",
        "<datawriter_qos><liveliness><kind>",
        "</kind></liveliness></datawriter_qos>",
        |profiles| writer(profiles).liveliness.kind,
    );
    check(
        OwnershipKind::ALL,
        "_OWNERSHIP_QOS",
        "<datawriter_qos><ownership><kind>",
        "</kind></ownership></datawriter_qos>",
        |profiles| writer(profiles).ownership.0,
    );
    check(
        AccessScope::ALL,
        "_PRESENTATION_QOS",
        "<publisher_qos><presentation><access_scope>",
        "</access_scope></presentation></publisher_qos>",
        |profiles| profiles.publisher_qos("L::P", None).unwrap().presentation.access_scope,
    );
    check(
        TypeConsistencyKind::ALL,
        "",
        "<datareader_qos><type_consistency><kind>",
        "</kind></type_consistency></datareader_qos>",
        |profiles| profiles.reader_qos("L::P", "t").unwrap().type_consistency.kind,
    );
}

#[test]
fn profiles_build_on_each_other_across_libraries() {
    let text = r#"
    <dds xmlns="http://www.omg.org/spec/DDS-XML">
      <types><struct name="Anything"/></types>
      <qos_library name="Base">
        <qos_profile name="Reliable">
          <datawriter_qos>
            <reliability><kind>RELIABLE_RELIABILITY_QOS</kind></reliability>
            <history><kind>KEEP_LAST_HISTORY_QOS</kind><depth>4</depth></history>
            <user_data><value>1</value></user_data>
          </datawriter_qos>
        </qos_profile>
        <datareader_qos name="Patient"><deadline><period><sec>9</sec></period></deadline></datareader_qos>
      </qos_library>
      <qos_library name="App">
        <qos_profile name="Deep" base_name="Base::Reliable">
          <datawriter_qos><history><depth>9</depth></history></datawriter_qos>
        </qos_profile>
        <qos_profile name="Deeper" base_name="Deep" is_default_qos="true">
          <datawriter_qos><user_data><value/></user_data></datawriter_qos>
          <datareader_qos base_name="Base::Patient"><history><depth>2</depth></history></datareader_qos>
        </qos_profile>
      </qos_library>
    </dds>"#;
    let profiles = Profiles::from_xml_str(text).unwrap();
    assert!(profiles.names().eq(["App::Deep", "App::Deeper", "Base::Patient", "Base::Reliable"]));
    let writer = profiles.writer_qos("App::Deeper", "t").unwrap();
    assert_eq!(writer.history, History::keep_last(9));
    assert!(writer.user_data.0.is_empty(), "an empty value is empty, not inherited");
    assert_eq!(profiles.writer_qos("App::Deep", "t").unwrap().user_data.0, [1]);
    let reader = profiles.reader_qos("App::Deeper", "t").unwrap();
    assert_eq!((reader.deadline.0, reader.history), (Duration::from_secs(9), History::keep_last(2)));
    for kind in EntityKind::ALL {
        assert_eq!(profiles.default_for(*kind), Some("App::Deeper"));
    }
    assert_eq!(report(&profiles), ["line 3, column 7: dds/types: not about QoS"]);
}

#[test]
fn the_first_topic_filter_that_matches_decides() {
    let text = r#"
    <qos_library name="L">
      <qos_profile name="Base">
        <datawriter_qos topic_filter="A*"><deadline><period><sec>1</sec></period></deadline></datawriter_qos>
        <datawriter_qos><deadline><period><sec>2</sec></period></deadline></datawriter_qos>
      </qos_profile>
      <qos_profile name="P" base_name="Base">
        <datawriter_qos><history><depth>3</depth></history></datawriter_qos>
        <datawriter_qos topic_filter="A*"><history><depth>4</depth></history></datawriter_qos>
        <datawriter_qos topic_filter="*B"><history><depth>5</depth></history></datawriter_qos>
      </qos_profile>
    </qos_library>"#;
    let profiles = Profiles::from_xml_str(text).unwrap();
    for (topic, depth, deadline) in [("AB", 4, 1), ("B", 5, 2), ("C", 3, 2)] {
        let qos = profiles.writer_qos("L::P", topic).unwrap();
        assert_eq!((qos.history.depth, qos.deadline.0), (depth, Duration::from_secs(deadline)), "{topic}");
    }
}

#[test]
fn an_entity_with_a_name_of_its_own_is_asked_for_by_it() {
    // As Cyclone DDS's QoS provider documents it.
    let text = r#"
    <dds xmlns="http://www.omg.org/dds/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
         xsi:schemaLocation="file://DDS_QoSProfile.xsd">
      <qos_library name="lib">
        <qos_profile name="foo">
          <datawriter_qos/>
          <topic_qos name="my_topic"><history><depth>5</depth></history></topic_qos>
        </qos_profile>
      </qos_library>
    </dds>"#;
    let profiles = Profiles::from_xml_str(text).unwrap();
    assert_eq!(profiles.topic_qos("lib::foo::my_topic", "t").unwrap().history.depth, 5);
    assert_eq!(profiles.topic_qos("lib::foo", "t").unwrap().history.depth, 1);
    assert_eq!(profiles.writer_qos("lib::foo", "t").unwrap(), DataWriterQos::default());
}

#[test]
fn errors_name_the_place_and_the_nearest() {
    let cases = [
        (
            profile("<datawriter_qos>\n  <relaibility/></datawriter_qos>"),
            "line 4, column 3: unknown key `relaibility`, did you mean `reliability`?",
        ),
        (
            profile("<datareader_qos><history><deph>1</deph></history></datareader_qos>"),
            "line 3, column 26: unknown key `deph`, did you mean `depth`?",
        ),
        (
            profile("<datareader_qos><lifespan/></datareader_qos>"),
            "line 3, column 17: unknown key `lifespan`; known are user_data, representation, data_representation, \
             type_consistency, durability, history, resource_limits, reliability, deadline, latency_budget, \
             time_based_filter, destination_order, liveliness, ownership, reader_data_lifecycle",
        ),
        (
            profile(
                "<datawriter_qos><reliability><kind>RELIBLE_RELIABILITY_QOS</kind></reliability></datawriter_qos>",
            ),
            "line 3, column 30: unknown value `RELIBLE_RELIABILITY_QOS`, did you mean `RELIABLE_RELIABILITY_QOS`?",
        ),
        (
            profile("<datawriter_qos><history><depth>many</depth></history></datawriter_qos>"),
            "line 3, column 26: expected a whole number from 0, found `many`",
        ),
        (
            profile("<datawriter_qos><deadline><period><sec>-1</sec></period></deadline></datawriter_qos>"),
            "line 3, column 35: expected a whole number from 0, or DURATION_INFINITY, found -1",
        ),
        (
            profile(
                "<datawriter_qos><deadline><period><seconds>1</seconds></period></deadline></datawriter_qos>",
            ),
            "line 3, column 35: unknown key `seconds`; known are sec, nanosec",
        ),
        (
            profile("<datawriter_qos><user_data><value>300</value></user_data></datawriter_qos>"),
            "line 3, column 28: expected bytes such as `84, 0x71`, or Base64 in an element `valueB64`, found `300`",
        ),
        (
            profile("<datawriter_qos><user_data><valueB64>§</valueB64></user_data></datawriter_qos>"),
            "line 3, column 28: expected Base64, found §",
        ),
        (
            profile("<datawriter_qos><history><depth>1</depth><depth>2</depth></history></datawriter_qos>"),
            "line 3, column 42: `depth` is there twice",
        ),
        (profile("<datawriter_qos/><datawriter_qos/>"), "line 3, column 18: `datawriter_qos` is there twice"),
        (
            profile("<datawriter_qos topicfilter=\"A\"/>"),
            "line 3, column 17: unknown key `topicfilter`, did you mean `topic_filter`?",
        ),
        (
            profile("<datawriter_qos><history>5</history></datawriter_qos>"),
            "line 3, column 17: expected elements, found 5",
        ),
        (
            "<qos_library><qos_profile name=\"P\"/></qos_library>".to_string(),
            "line 1, column 1: `name` is missing",
        ),
        (
            "<qos_library name=\"L\"><qos_profile name=\"P\" base_name=\"Q\"/></qos_library>".to_string(),
            "line 1, column 45: no profile `L::Q`, did you mean `L::P`?",
        ),
        (
            "<qos_library name=\"L\"><qos_profile name=\"P\" base_name=\"P\"/></qos_library>".to_string(),
            "line 1, column 45: profiles are based on each other: L::P → L::P",
        ),
        (
            "<qos_library name=\"L\"><qos_profile name=\"P\"/><qos_profile name=\"P\"/></qos_library>"
                .to_string(),
            "line 1, column 46: `L::P` is there twice",
        ),
        (
            "<qos_library name=\"L\">\n<qos_profile></qos_library>".to_string(),
            "line 2, column 14: expected 'qos_profile' tag, not 'qos_library'",
        ),
        (
            "<config/>".to_string(),
            "line 1, column 1: `config` is no root element of DDS-XML, Connext, Fast DDS or Cyclone DDS; known \
             are dds, qos_library, profiles and CycloneDDS",
        ),
        (
            "<qos_library name=\"L\"><qos_profile name=\"P\" is_default_qos=\"maybe\"/></qos_library>"
                .to_string(),
            "line 1, column 45: expected true or false, found maybe",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(&text), expected, "{text}");
    }
}

#[test]
fn an_extension_in_a_standard_file_is_reported() {
    // The standard's own example (§7.3.2.4.3.1) has `initial_samples`, which DDS 1.4 has not.
    let text = profile(
        "<datawriter_qos><resource_limits>\n<max_samples>128</max_samples><initial_samples>128</initial_samples>\
         </resource_limits></datawriter_qos>",
    );
    let profiles = Profiles::from_xml_str(&text).unwrap();
    assert_eq!(profiles.writer_qos("L::P", "t").unwrap().resource_limits.max_samples, Limit::Finite(128));
    assert_eq!(
        report(&profiles),
        [
            "line 4, column 31: qos_library[L]/qos_profile[P]/datawriter_qos/resource_limits/initial_samples = \
          128: an extension of Connext"
        ]
    );
}

#[test]
fn empty_elements_change_nothing() {
    let text = profile(
        "<datawriter_qos><deadline/><history></history><reliability><kind/><max_blocking_time><sec/>\
         </max_blocking_time></reliability></datawriter_qos><datareader_qos/><publisher_qos><partition/>\
         </publisher_qos><subscriber_qos><partition><name/></partition></subscriber_qos>",
    );
    let profiles = Profiles::from_xml_str(&text).unwrap();
    assert_eq!(profiles.writer_qos("L::P", "t").unwrap(), DataWriterQos::default());
    assert_eq!(profiles.subscriber_qos("L::P", None).unwrap(), SubscriberQos::default());
}

#[test]
fn comments_and_references_are_no_hindrance() {
    let text = profile(
        "<!-- one --><datawriter_qos><reliability><kind><!-- two -->BEST_EFFORT<!-- three -->_RELIABILITY_QOS\
         </kind></reliability></datawriter_qos><publisher_qos><partition><name>\
         <element>a&amp;b &#x3c;</element></name></partition></publisher_qos>",
    );
    let profiles = Profiles::from_xml_str(&text).unwrap();
    assert_eq!(profiles.writer_qos("L::P", "t").unwrap().reliability.kind, ReliabilityKind::BestEffort);
    assert_eq!(profiles.publisher_qos("L::P", None).unwrap().partition.0, ["a&b <"]);
}
