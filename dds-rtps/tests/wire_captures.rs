//! Other vendors' real traffic: all of it is read, and means what the captures' names say.

mod wire_support;

use std::collections::BTreeMap;

use dds_qos::{
    DurabilityKind, Duration, LivelinessKind, OwnershipKind, PublicationQos, ReliabilityKind,
    incompatible_with, partitions_match,
};
use dds_rtps::{
    discovery::{
        BuiltinEndpointSet, ParticipantData, ParticipantMessageData, ParticipantMessageKind, PublicationData,
        SubscriptionData, UnknownParameters,
    },
    message::{DataPayload, MessageReceiver, StatusInfo, Submessage, SubmessageId},
    structure::{EntityId, Guid, GuidPrefix, Locator, VendorId},
};
use dds_types::{DataRepresentationId, cdr::Endianness};
use wire_support::{datagrams, exercise};

/// How many submessages of each kind tshark finds; see `captures/README.md`.
const CAPTURES: &[(&str, &[(u8, usize)])] = &[
    ("cyclone11-to-cyclone11-reliable-xcdr1", &[(0x06, 44), (0x07, 44), (0x09, 43), (0x0e, 47), (0x15, 43)]),
    ("cyclone11-to-fastdds36-dispose", &[(0x06, 12), (0x07, 38), (0x09, 62), (0x0e, 26), (0x15, 62)]),
    (
        "cyclone11-to-fastdds36-incompatible-reliability",
        &[(0x06, 12), (0x07, 10), (0x09, 18), (0x0e, 24), (0x15, 18)],
    ),
    (
        "cyclone11-to-fastdds36-large",
        &[(0x06, 18), (0x07, 12), (0x09, 22), (0x0e, 32), (0x13, 7), (0x15, 21), (0x16, 8)],
    ),
    ("cyclone11-to-fastdds36-late-joiner", &[(0x06, 39), (0x07, 54), (0x09, 91), (0x0e, 56), (0x15, 91)]),
    ("cyclone11-to-fastdds36-qos-rich", &[(0x06, 26), (0x07, 25), (0x09, 37), (0x0e, 44), (0x15, 37)]),
    ("cyclone11-to-fastdds36-reliable-xcdr2", &[(0x06, 39), (0x07, 38), (0x09, 50), (0x0e, 55), (0x15, 50)]),
    ("cyclone11-to-rustdds14-reliable-xcdr1", &[(0x06, 50), (0x07, 46), (0x09, 44), (0x0e, 57), (0x15, 61)]),
    ("dustdds15-to-cyclone11-reliable-xcdr2", &[(0x06, 62), (0x07, 56), (0x09, 64), (0x0e, 123), (0x15, 64)]),
    ("fastdds36-to-cyclone11-dispose", &[(0x06, 12), (0x07, 11), (0x09, 67), (0x0e, 71), (0x15, 67)]),
    (
        "fastdds36-to-cyclone11-large",
        &[(0x06, 11), (0x07, 11), (0x09, 29), (0x0e, 32), (0x15, 23), (0x16, 6)],
    ),
    ("fastdds36-to-cyclone11-late-joiner", &[(0x06, 12), (0x07, 11), (0x09, 60), (0x0e, 67), (0x15, 60)]),
    ("fastdds36-to-cyclone11-qos-rich", &[(0x06, 11), (0x07, 11), (0x09, 39), (0x0e, 45), (0x15, 39)]),
    ("fastdds36-to-cyclone11-reliable-xcdr2", &[(0x06, 11), (0x07, 11), (0x09, 53), (0x0e, 56), (0x15, 53)]),
    ("fastdds36-to-cyclone11-unregister", &[(0x06, 14), (0x07, 14), (0x09, 67), (0x0e, 73), (0x15, 67)]),
    (
        "ros2-kilted-talker-listener-service",
        &[(0x06, 60), (0x07, 48), (0x09, 119), (0x0e, 152), (0x15, 119), (0x80, 188)],
    ),
    ("rustdds14-to-cyclone11-reliable-xcdr1", &[(0x06, 68), (0x07, 68), (0x09, 18), (0x0e, 77), (0x15, 85)]),
];

#[test]
fn every_datagram_is_read_to_its_end() {
    for (capture, expected) in CAPTURES {
        let mut found = BTreeMap::new();
        for datagram in datagrams(capture) {
            let mut receiver = MessageReceiver::new(&datagram, GuidPrefix::UNKNOWN).unwrap();
            while let Some(raw) = receiver.next_raw() {
                *found.entry(raw.unwrap().id.0).or_insert(0) += 1;
            }
            let mut receiver = MessageReceiver::new(&datagram, GuidPrefix::UNKNOWN).unwrap();
            while let Some(submessage) = receiver.next_submessage() {
                submessage.unwrap_or_else(|error| panic!("{capture}: {error}"));
            }
        }
        assert_eq!(found.into_iter().collect::<Vec<_>>(), *expected, "{capture}");
    }
}

#[test]
fn captures_damaged_at_any_byte_do_no_harm() {
    for (capture, _) in CAPTURES {
        for datagram in datagrams(capture) {
            // Beyond the first kilobytes of a large datagram lies only payload.
            for place in 0..datagram.len().min(4096) {
                exercise(&datagram[..place]);
                let mut copy = datagram.clone();
                copy[place] ^= 0xff;
                exercise(&copy);
            }
        }
    }
}

/// What is announced in a capture.
#[derive(Default)]
struct Announced {
    participants: Vec<ParticipantData>,
    publications: Vec<PublicationData>,
    subscriptions: Vec<SubscriptionData>,
    liveliness: Vec<ParticipantMessageData>,
    /// Whom a built-in writer disposed of.
    disposed: Vec<(EntityId, Guid)>,
}

fn announced(capture: &str) -> Announced {
    let mut all = Announced::default();
    for datagram in datagrams(capture) {
        let mut receiver = MessageReceiver::new(&datagram, GuidPrefix::UNKNOWN).unwrap();
        while let Some(next) = receiver.next_submessage() {
            let (context, submessage) = next.unwrap();
            let Submessage::Data(data) = submessage else { continue };
            let inline_qos = data.inline_qos.as_ref();
            let status = inline_qos.and_then(|qos| qos.status_info()).unwrap_or_default();
            if status != StatusInfo::default() {
                let guid = match data.writer_id {
                    EntityId::SPDP_WRITER => ParticipantData::disposed(data.payload, inline_qos),
                    EntityId::SEDP_PUBLICATIONS_WRITER => PublicationData::disposed(data.payload, inline_qos),
                    EntityId::SEDP_SUBSCRIPTIONS_WRITER => {
                        SubscriptionData::disposed(data.payload, inline_qos)
                    }
                    _ => continue,
                };
                let guid = guid.unwrap_or_else(|| panic!("{capture}: {data:?} disposes of nobody"));
                all.disposed.push((data.writer_id, guid));
                continue;
            }
            let (bytes, vendor) = (data.payload.bytes(), context.source_vendor);
            match data.writer_id {
                EntityId::SPDP_WRITER => {
                    all.participants.push(ParticipantData::decode(bytes, vendor).unwrap())
                }
                EntityId::SEDP_PUBLICATIONS_WRITER => {
                    all.publications.push(PublicationData::decode(bytes, vendor).unwrap());
                }
                EntityId::SEDP_SUBSCRIPTIONS_WRITER => {
                    all.subscriptions.push(SubscriptionData::decode(bytes, vendor).unwrap());
                }
                EntityId::PARTICIPANT_MESSAGE_WRITER => {
                    all.liveliness.push(ParticipantMessageData::decode(bytes).unwrap());
                }
                _ => {}
            }
        }
    }
    all
}

fn vendor(name: &str) -> VendorId {
    match name.split(|letter: char| letter.is_ascii_digit()).next() {
        Some("cyclone") => VendorId::CYCLONE,
        Some("fastdds") => VendorId::EPROSIMA,
        Some("rustdds") => VendorId::RUSTDDS,
        Some("dustdds") => VendorId::DUSTDDS,
        other => panic!("{other:?}"),
    }
}

/// The two sides of a capture that is named `A-to-B-…`.
fn sides(capture: &str) -> Option<(VendorId, VendorId)> {
    let (writer, rest) = capture.split_once("-to-")?;
    Some((vendor(writer), vendor(rest.split('-').next()?)))
}

#[test]
fn participants_are_those_of_the_name() {
    for (capture, _) in CAPTURES {
        let Some((writer, reader)) = sides(capture) else { continue };
        let all = announced(capture);
        for participant in &all.participants {
            assert!([writer, reader].contains(&participant.vendor), "{capture}: {participant:?}");
            assert_eq!(participant.domain_id.unwrap_or(0), 0);
            assert_eq!(participant.domain_tag, "");
            assert!(!participant.expects_inline_qos);
            let metatraffic =
                participant.metatraffic_unicast_locators.iter().find_map(Locator::socket_address);
            assert!(metatraffic.is_some(), "{capture}: {participant:?}");
            let expected = BuiltinEndpointSet::PARTICIPANT_ANNOUNCER
                .union(BuiltinEndpointSet::PARTICIPANT_DETECTOR)
                .union(BuiltinEndpointSet::PUBLICATIONS_ANNOUNCER)
                .union(BuiltinEndpointSet::PUBLICATIONS_DETECTOR)
                .union(BuiltinEndpointSet::SUBSCRIPTIONS_ANNOUNCER)
                .union(BuiltinEndpointSet::SUBSCRIPTIONS_DETECTOR);
            assert!(participant.builtin_endpoints.contains(expected), "{capture}: {participant:?}");
            let lease = participant.lease_duration;
            match participant.vendor {
                VendorId::CYCLONE => {
                    assert_eq!(lease, Duration::from_secs(10));
                    assert!(participant.process_id().is_some() && participant.host().is_some());
                    assert!(participant.process_name().is_some());
                }
                VendorId::EPROSIMA => assert_eq!(lease, Duration::from_secs(20)),
                _ => {}
            }
        }
        for side in [writer, reader] {
            assert!(all.participants.iter().any(|participant| participant.vendor == side), "{capture}");
        }
        for message in &all.liveliness {
            assert_eq!(message.kind, ParticipantMessageKind::AUTOMATIC_LIVELINESS_UPDATE);
            assert!(
                all.participants.iter().any(|participant| participant.guid.prefix == message.guid_prefix)
            );
        }
    }
}

#[test]
fn endpoints_are_those_of_the_name() {
    for (capture, _) in CAPTURES {
        let Some((writer, reader)) = sides(capture) else { continue };
        let all = announced(capture);
        assert!(!all.publications.is_empty() && !all.subscriptions.is_empty(), "{capture}");
        for publication in &all.publications {
            assert_eq!(publication.unknown.vendor(), writer, "{capture}");
            assert_eq!((&*publication.topic_name, &*publication.type_name), ("Square", "ShapeType"));
            let best_effort = capture.ends_with("incompatible-reliability");
            let expected = if best_effort { ReliabilityKind::BestEffort } else { ReliabilityKind::Reliable };
            assert_eq!(publication.qos.reliability.kind, expected, "{capture}");
            assert_eq!(publication.qos.liveliness.kind, LivelinessKind::Automatic);
            if let Some(version) = capture.rsplit_once("-xcdr") {
                let expected =
                    if version.1 == "1" { DataRepresentationId::XCDR } else { DataRepresentationId::XCDR2 };
                let offered = publication.qos.data_representation.0.first().copied();
                assert_eq!(offered.unwrap_or(DataRepresentationId::XCDR), expected, "{capture}");
            }
        }
        for subscription in &all.subscriptions {
            assert_eq!(subscription.unknown.vendor(), reader, "{capture}");
            assert_eq!((&*subscription.topic_name, &*subscription.type_name), ("Square", "ShapeType"));
            assert_eq!(subscription.qos.reliability.kind, ReliabilityKind::Reliable, "{capture}");
            assert!(!subscription.expects_inline_qos);
        }
        for publication in &all.publications {
            for subscription in &all.subscriptions {
                let offenders = incompatible_with(&publication.qos, &subscription.qos);
                let expected = usize::from(capture.ends_with("incompatible-reliability"));
                assert_eq!(offenders.len(), expected, "{capture}: {offenders:?}");
            }
        }
    }
}

#[test]
fn rich_qos_is_decoded() {
    for capture in ["cyclone11-to-fastdds36-qos-rich", "fastdds36-to-cyclone11-qos-rich"] {
        let all = announced(capture);
        for PublicationData { qos, .. } in &all.publications {
            assert_eq!(qos.deadline.0, Duration::from_secs(2));
            assert_eq!(qos.lifespan.0, Duration::from_secs(5));
            assert_eq!(qos.ownership.0, OwnershipKind::Exclusive);
            assert_eq!(qos.ownership_strength.0, 3);
            assert_eq!(qos.partition.0, ["alpha"]);
            assert_eq!(qos.durability.0, DurabilityKind::TransientLocal);
        }
        for SubscriptionData { qos, .. } in &all.subscriptions {
            assert_eq!(qos.deadline.0, Duration::from_secs(3));
            assert_eq!(qos.ownership.0, OwnershipKind::Exclusive);
            assert_eq!(qos.partition.0, ["al*"]);
            assert_eq!(qos.durability.0, DurabilityKind::TransientLocal);
            let partitions = &all.publications[0].qos.partition.0;
            assert!(partitions_match(partitions, &qos.partition.0));
        }
    }
}

#[test]
fn departures_name_who_departs() {
    for (capture, _) in CAPTURES {
        let all = announced(capture);
        let known = |guid: &Guid| {
            all.participants.iter().any(|it| it.guid == *guid)
                || all.publications.iter().any(|it| it.endpoint_guid == *guid)
                || all.subscriptions.iter().any(|it| it.endpoint_guid == *guid)
        };
        for (writer, guid) in &all.disposed {
            assert!(known(guid), "{capture}: {writer:?} disposed of {guid:?}");
        }
        // The others end before anybody departs.
        if ["dispose", "qos-rich", "unregister", "reliable-xcdr2"].iter().any(|end| capture.ends_with(end))
            && !capture.starts_with("dustdds")
        {
            let departed = |entity_id| all.disposed.iter().any(|(writer, _)| *writer == entity_id);
            assert!(
                departed(EntityId::SPDP_WRITER) && departed(EntityId::SEDP_PUBLICATIONS_WRITER),
                "{capture}"
            );
        }
    }
}

/// Encodes and decodes `data` as it came and in big endian.
macro_rules! assert_survives {
    ($capture:expr, $data:expr, $type:ident) => {{
        let mut bytes = vec![1, 2, 3];
        $data.encode(&mut bytes).unwrap();
        let again = $type::decode(&bytes[3..], $data.unknown.vendor()).unwrap();
        assert_eq!(again, *$data, "{}", $capture);

        let unknown = UnknownParameters::new(Endianness::Big, $data.unknown.vendor());
        let big = $type { unknown, ..$data.clone() };
        let mut bytes = Vec::new();
        big.encode(&mut bytes).unwrap();
        assert_eq!(bytes[1], 2, "not big endian");
        assert_eq!($type::decode(&bytes, $data.unknown.vendor()).unwrap(), big, "{}", $capture);
    }};
}

#[test]
fn announcements_survive_encoding() {
    for (capture, _) in CAPTURES {
        let all = announced(capture);
        for data in &all.participants {
            assert_survives!(capture, data, ParticipantData);
        }
        for data in &all.publications {
            assert_survives!(capture, data, PublicationData);
        }
        for data in &all.subscriptions {
            assert_survives!(capture, data, SubscriptionData);
        }
        for data in &all.liveliness {
            let mut bytes = Vec::new();
            data.encode(&mut bytes);
            assert_eq!(ParticipantMessageData::decode(&bytes).unwrap(), *data);
        }
    }
}

#[test]
fn disposed_samples_carry_a_key_or_its_hash() {
    for (capture, status, key_is_sent) in [
        ("cyclone11-to-fastdds36-dispose", StatusInfo::DISPOSED, true),
        ("fastdds36-to-cyclone11-dispose", StatusInfo::DISPOSED, false),
        ("fastdds36-to-cyclone11-unregister", StatusInfo::UNREGISTERED, false),
    ] {
        let mut ended = std::collections::BTreeSet::new();
        for datagram in datagrams(capture) {
            let mut receiver = MessageReceiver::new(&datagram, GuidPrefix::UNKNOWN).unwrap();
            while let Some(next) = receiver.next_submessage() {
                let Submessage::Data(data) = next.unwrap().1 else { continue };
                let Some(qos) = data.inline_qos.filter(|_| !data.writer_id.is_builtin()) else { continue };
                if qos.status_info().is_some_and(|info| info.contains(status)) {
                    assert_eq!(matches!(data.payload, DataPayload::Key(_)), key_is_sent, "{capture}");
                    ended.insert((qos.key_hash(), data.payload.bytes().to_vec()));
                }
            }
        }
        assert_eq!(ended.len(), 3, "{capture}: one end for each instance");
    }
}

#[test]
fn fragments_make_up_whole_samples() {
    for capture in ["cyclone11-to-fastdds36-large", "fastdds36-to-cyclone11-large"] {
        let mut missing = BTreeMap::new();
        for datagram in datagrams(capture) {
            let mut receiver = MessageReceiver::new(&datagram, GuidPrefix::UNKNOWN).unwrap();
            while let Some(next) = receiver.next_submessage() {
                let Submessage::DataFrag(fragment) = next.unwrap().1 else { continue };
                let left = missing.entry(fragment.writer_sn).or_insert(fragment.sample_size as usize);
                *left -= fragment.payload.len();
            }
        }
        assert!(!missing.is_empty() && missing.values().all(|left| *left == 0), "{capture}: {missing:?}");
    }
}

#[test]
fn ros2_names_types_and_requests() {
    let capture = "ros2-kilted-talker-listener-service";
    let all = announced(capture);
    let chatter: Vec<_> = all.publications.iter().filter(|it| it.topic_name == "rt/chatter").collect();
    assert!(!chatter.is_empty());
    for publication in chatter {
        assert_eq!(publication.type_name, "std_msgs::msg::dds_::String_");
        let user_data = String::from_utf8_lossy(&publication.qos.user_data.0);
        assert!(user_data.contains("typehash=RIHS01_"), "{user_data}");
    }
    assert!(all.participants.iter().all(|it| it.user_data.0.starts_with(b"enclave=/;")));
    assert!(all.subscriptions.iter().any(|it| it.topic_name == "rq/flagRequest"));

    let mut related = 0;
    for datagram in datagrams(capture) {
        let mut receiver = MessageReceiver::new(&datagram, GuidPrefix::UNKNOWN).unwrap();
        while let Some(next) = receiver.next_submessage() {
            let Submessage::Data(data) = next.unwrap().1 else { continue };
            related +=
                usize::from(data.inline_qos.is_some_and(|qos| qos.related_sample_identity().is_some()));
        }
    }
    assert!(related >= 1, "no reply names its request");
}

#[test]
fn what_we_announce_has_the_defaults_of_the_standard() {
    let guid = Guid::new(GuidPrefix([3; 12]), EntityId([0, 0, 1, 2]));
    let publication = PublicationData::new(guid, "Square", "ShapeType", PublicationQos::default());
    let mut bytes = Vec::new();
    publication.encode(&mut bytes).unwrap();
    assert_eq!(PublicationData::decode(&bytes, VendorId::OURS).unwrap(), publication);
    assert_eq!(SubmessageId::DATA.to_string(), "DATA");
}
