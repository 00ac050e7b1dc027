//! Cyclone DDS's configuration.

use super::report;
use crate::profiles::Profiles;

#[test]
fn settings_are_reported_with_their_place_in_the_configuration() {
    let text = r#"<?xml version="1.0" encoding="UTF-8" ?>
<CycloneDDS xmlns="https://cdds.io/config">
  <Domain Id="any">
    <General>
      <Interfaces><NetworkInterface name="eth0" priority="default"/></Interfaces>
      <AllowMulticast>spdp</AllowMulticast>
    </General>
    <Discovery>
      <LeaseDuration>5s</LeaseDuration>
      <Peers><Peer Address="192.0.2.1"/></Peers>
    </Discovery>
    <Tracing><Verbosity>config</Verbosity></Tracing>
  </Domain>
</CycloneDDS>"#;
    let profiles = Profiles::from_xml_str(text).unwrap();
    assert_eq!(profiles.names().count(), 0);
    let expected = [
        "line 3, column 11: CycloneDDS/Domain/@Id = any: an extension of Cyclone DDS",
        "line 5, column 37: CycloneDDS/Domain/General/Interfaces/NetworkInterface[eth0]/@name = eth0: no QoS \
         but `transport.interfaces` of the configuration",
        "line 5, column 49: CycloneDDS/Domain/General/Interfaces/NetworkInterface[eth0]/@priority = default: \
         an extension of Cyclone DDS",
        "line 6, column 7: CycloneDDS/Domain/General/AllowMulticast = spdp: no QoS but `transport.multicast` \
         of the configuration",
        "line 9, column 7: CycloneDDS/Domain/Discovery/LeaseDuration = 5s: no QoS but `lease_duration` of the \
         configuration",
        "line 10, column 20: CycloneDDS/Domain/Discovery/Peers/Peer/@Address = 192.0.2.1: no QoS but \
         `initial_peers` of the configuration",
        "line 12, column 14: CycloneDDS/Domain/Tracing/Verbosity = config: an extension of Cyclone DDS",
    ];
    assert_eq!(report(&profiles), expected);
}
