//! Cyclone DDS's configuration (`docs/manual/options.md` of its sources): no QoS, but settings that have
//! their place in the configuration here.

use super::{Element, Import, XmlDialect, attributes, elements, name, text};
use crate::profiles::unmapped::UnmappedReason;
use std::string::{String, ToString};
use std::vec::Vec;

/// Settings within `Domain`, attributes with `@`, and the keys they are here.
pub(super) const CONFIGURATION: &[(&str, &str)] = &[
    ("Discovery/LeaseDuration", "lease_duration"),
    ("Discovery/SPDPInterval", "announcement_period"),
    ("Discovery/Tag", "domain_tag"),
    ("Discovery/Peers/Peer/@Address", "initial_peers"),
    ("Discovery/Peers/Peer/@address", "initial_peers"),
    ("Discovery/ParticipantIndex", "transport.participant_id"),
    ("Discovery/SPDPMulticastAddress", "transport.multicast_group_v4"),
    ("Discovery/Ports/Base", "transport.ports.port_base"),
    ("Discovery/Ports/DomainGain", "transport.ports.domain_id_gain"),
    ("Discovery/Ports/ParticipantGain", "transport.ports.participant_id_gain"),
    ("Discovery/Ports/MulticastMetaOffset", "transport.ports.d0"),
    ("Discovery/Ports/UnicastMetaOffset", "transport.ports.d1"),
    ("Discovery/Ports/MulticastDataOffset", "transport.ports.d2"),
    ("Discovery/Ports/UnicastDataOffset", "transport.ports.d3"),
    ("General/AllowMulticast", "transport.multicast"),
    ("General/FragmentSize", "fragment_size"),
    ("General/Interfaces/NetworkInterface/@name", "transport.interfaces"),
    ("General/Interfaces/NetworkInterface/@address", "transport.interfaces"),
    ("General/MaxMessageSize", "transport.max_datagram_size"),
    ("General/MulticastTimeToLive", "transport.multicast_ttl"),
    ("General/NetworkInterfaceAddress", "transport.interfaces"),
    ("General/Transport", "transport.families"),
    ("General/UseIPv6", "transport.families"),
    ("Internal/SocketReceiveBufferSize/@min", "transport.receive_buffer"),
    ("Internal/SocketReceiveBufferSize/@max", "transport.receive_buffer"),
    ("Internal/SocketSendBufferSize/@min", "transport.send_buffer"),
    ("Internal/SocketSendBufferSize/@max", "transport.send_buffer"),
    ("Internal/Watermarks/WhcHigh", "window_bytes"),
    ("Internal/WriterLingerDuration", "linger"),
];

/// Reads `CycloneDDS`.
pub(super) fn load(import: &mut Import<'_>, root: Element<'_, '_>) {
    for element in elements(root) {
        let is_domain = name(element) == "Domain";
        for node in element.descendants().filter(Element::is_element) {
            let steps = if is_domain { steps_below(node, element) } else { None };
            for attribute in attributes(node) {
                let path = steps.as_ref().map(|steps| [steps.as_str(), "/@", attribute.name()].concat());
                import.report(node, Some(attribute), attribute.value(), reason(path.as_deref()));
            }
            let says = text(node);
            let is_leaf = elements(node).next().is_none() && attributes(node).next().is_none();
            if is_leaf || !says.is_empty() {
                import.report(node, None, &says, reason(steps.as_deref()));
            }
        }
    }
}

fn reason(path: Option<&str>) -> UnmappedReason {
    let known = path.and_then(|path| CONFIGURATION.iter().find(|(known, _)| *known == path));
    match known {
        Some((_, key)) => UnmappedReason::Configuration(key),
        None => UnmappedReason::Extension(XmlDialect::CycloneDds),
    }
}

/// The way from the domain's element, itself left out.
fn steps_below(node: Element<'_, '_>, domain: Element<'_, '_>) -> Option<String> {
    let mut steps: Vec<&str> =
        node.ancestors().take_while(|ancestor| *ancestor != domain).map(|step| name(step)).collect();
    steps.reverse();
    (!steps.is_empty()).then(|| steps.join("/").to_string())
}
