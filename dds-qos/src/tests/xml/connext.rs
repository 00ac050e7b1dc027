//! Connext's `USER_QOS_PROFILES.xml`.

use super::report;
use crate::profiles::{EntityKind, ProfileErrorKind, Profiles, UnmappedReason, XmlDialect};
use crate::*;
use alloc::format;
use alloc::string::ToString;

const FILE: &str = r#"<?xml version="1.0"?>
<dds xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
     xsi:noNamespaceSchemaLocation="http://community.rti.com/schema/7.3.0/rti_dds_qos_profiles.xsd"
     version="7.3.0">
  <qos_library name="Robot">
    <qos_snippet name="KeepAll">
      <datawriter_qos><history><kind>KEEP_ALL_HISTORY_QOS</kind></history></datawriter_qos>
    </qos_snippet>
    <qos_snippet name="Late">
      <datawriter_qos>
        <durability>
          <kind>TRANSIENT_LOCAL_DURABILITY_QOS</kind>
          <writer_depth>5</writer_depth>
        </durability>
      </datawriter_qos>
    </qos_snippet>
    <qos_profile name="State" base_name="BuiltinQosLib::Generic.StrictReliable" is_default_qos="true">
      <base_name>
        <element>KeepAll</element>
        <element>Robot::Late</element>
        <element>BuiltinQosSnippetLib::Optimization.ReliabilityProtocol.Common</element>
      </base_name>
      <participant_qos>
        <participant_name><name>arm</name></participant_name>
        <resource_limits><type_code_max_serialized_length>0</type_code_max_serialized_length></resource_limits>
        <user_data><value>1, 2</value></user_data>
      </participant_qos>
      <datawriter_qos name="StateWriter">
        <reliability>
          <kind>RELIABLE_RELIABILITY_QOS</kind>
          <acknowledgment_kind>PROTOCOL_ACKNOWLEDGMENT_MODE</acknowledgment_kind>
        </reliability>
        <publish_mode>
          <kind>ASYNCHRONOUS_PUBLISH_MODE_QOS</kind>
          <flow_controller_name>dds.flow_controller.token_bucket.fast</flow_controller_name>
        </publish_mode>
        <representation><value><element>AUTO_DATA_REPRESENTATION</element></value></representation>
        <bacth><enable>true</enable></bacth>
      </datawriter_qos>
      <datareader_qos topic_filter="Camera*">
        <type_consistency><kind>AUTO_TYPE_COERCION</kind></type_consistency>
        <reader_data_lifecycle>
          <autopurge_disposed_samples_delay>
            <sec>DURATION_AUTO_SEC</sec><nanosec>DURATION_AUTO_NSEC</nanosec>
          </autopurge_disposed_samples_delay>
        </reader_data_lifecycle>
        <lifespan><duration><sec>1</sec></duration></lifespan>
      </datareader_qos>
    </qos_profile>
  </qos_library>
</dds>
"#;

#[test]
fn what_is_standard_is_taken_and_the_rest_reported() {
    let profiles = Profiles::from_xml_str(FILE).unwrap();
    let names = ["Robot::KeepAll", "Robot::Late", "Robot::State", "Robot::State::StateWriter"];
    assert!(profiles.names().eq(names));
    assert_eq!(profiles.default_for(EntityKind::DataReader), Some("Robot::State"));
    let writer = profiles.writer_qos("Robot::State", "any").unwrap();
    assert_eq!(writer.history.kind, HistoryKind::KeepAll, "from the first snippet");
    assert_eq!(writer.durability, Durability::TRANSIENT_LOCAL, "from the second");
    assert_eq!(writer.reliability, Reliability::RELIABLE);
    assert_eq!(profiles.participant_qos("Robot::State").unwrap().user_data.0, [1, 2]);
    let reader = profiles.reader_qos("Robot::State", "Camera/left").unwrap();
    assert_eq!(reader, DataReaderQos::default());

    let state = "dds/qos_library[Robot]/qos_profile[State]";
    let expected = [
        "line 13, column 11: dds/qos_library[Robot]/qos_snippet[Late]/datawriter_qos/durability/writer_depth = 5: an extension of Connext".to_string(),
        format!(
            "line 17, column 31: {state}/@base_name = BuiltinQosLib::Generic.StrictReliable: a profile that is not in this file"
        ),
        format!(
            "line 21, column 9: {state}/base_name/element = BuiltinQosSnippetLib::Optimization.ReliabilityProtocol.Common: a profile that is not in this file"
        ),
        format!(
            "line 24, column 27: {state}/participant_qos/participant_name/name = arm: no QoS but `name` of the configuration"
        ),
        format!(
            "line 25, column 26: {state}/participant_qos/resource_limits/type_code_max_serialized_length = 0: an extension of Connext"
        ),
        format!(
            "line 31, column 11: {state}/datawriter_qos[StateWriter]/reliability/acknowledgment_kind = PROTOCOL_ACKNOWLEDGMENT_MODE: an extension of Connext"
        ),
        format!(
            "line 34, column 11: {state}/datawriter_qos[StateWriter]/publish_mode/kind = ASYNCHRONOUS_PUBLISH_MODE_QOS: an extension of Connext"
        ),
        format!(
            "line 35, column 11: {state}/datawriter_qos[StateWriter]/publish_mode/flow_controller_name = dds.flow_controller.token_bucket.fast: an extension of Connext"
        ),
        format!(
            "line 37, column 32: {state}/datawriter_qos[StateWriter]/representation/value/element = AUTO_DATA_REPRESENTATION: no value of the standard"
        ),
        format!(
            "line 38, column 16: {state}/datawriter_qos[StateWriter]/bacth/enable = true: unknown"
        ),
        format!(
            "line 41, column 27: {state}/datareader_qos/type_consistency/kind = AUTO_TYPE_COERCION: no value of the standard"
        ),
        format!(
            "line 44, column 13: {state}/datareader_qos/reader_data_lifecycle/autopurge_disposed_samples_delay/sec = DURATION_AUTO_SEC: no value of the standard"
        ),
        format!(
            "line 44, column 41: {state}/datareader_qos/reader_data_lifecycle/autopurge_disposed_samples_delay/nanosec = DURATION_AUTO_NSEC: no value of the standard"
        ),
        format!(
            "line 47, column 29: {state}/datareader_qos/lifespan/duration/sec = 1: LIFESPAN is no policy of a DataReader"
        ),
    ];
    assert_eq!(report(&profiles), expected);
}

#[test]
fn wrong_values_and_bases_of_the_same_file_are_errors() {
    let wrong = FILE.replace("RELIABLE_RELIABILITY_QOS", "RELIBLE_RELIABILITY_QOS");
    let error = Profiles::from_xml_str(&wrong).unwrap_err();
    assert!(matches!(error.kind, ProfileErrorKind::UnknownName(_)), "{error}");
    let wrong = FILE.replace("Robot::Late<", "Robot::Lat<");
    let error = Profiles::from_xml_str(&wrong).unwrap_err();
    let expected = "line 20, column 9: no profile `Robot::Lat`, did you mean `Robot::Late`?";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn the_dialect_can_be_told() {
    let anonymous = "<dds><qos_library name=\"L\"><qos_profile name=\"P\"><datawriter_qos><bacth/>\
                     </datawriter_qos></qos_profile></qos_library></dds>";
    assert!(Profiles::from_xml_str(anonymous).is_err(), "DDS-XML, which has no `bacth`");
    let profiles = Profiles::from_xml_dialect(anonymous, XmlDialect::Connext).unwrap();
    assert!(matches!(profiles.unmapped()[0].reason, UnmappedReason::Unknown { .. }));
}

#[test]
fn the_last_default_prevails() {
    let text = "<dds version=\"6.0\"><qos_library name=\"L\"><qos_profile name=\"A\" is_default_qos=\"true\"/>\
                <qos_profile name=\"B\" is_default_qos=\"true\"/></qos_library></dds>";
    let profiles = Profiles::from_xml_str(text).unwrap();
    assert_eq!(profiles.default_for(EntityKind::Topic), Some("L::B"));
    assert_eq!(profiles.unmapped()[0].reason, UnmappedReason::Overridden);
}
