//! Announcements: round trips, bounds, what is unknown, and who departs.

use dds_qos::{Duration, PublicationQos, SubscriptionQos};
use dds_rtps::{
    discovery::{
        BuiltinEndpointQos, BuiltinEndpointSet, ContentFilter, DiscoveryDataError, LARGEST_ANNOUNCEMENT,
        LONGEST_STRING, MOST_LOCATORS, ParticipantData, ParticipantMessageData, ParticipantMessageKind,
        Property, PublicationData, SubscriptionData, TopicData, UnknownParameters,
    },
    message::{
        DataHeader, DataPayload, Datagram, MessageBuilder, MessageReceiver, PayloadKind, StatusInfo,
        Submessage, pid,
    },
    payload::Payload,
    structure::{EntityId, EntityKind, Guid, GuidPrefix, KeyHash, Locator, SequenceNumber, VendorId},
};
use dds_types::{
    cdr::Endianness,
    parameter_list::{Parameter, ParameterId, ParameterListWriter},
};
use proptest::{option, prelude::*};

const PREFIX: GuidPrefix = GuidPrefix([3; 12]);

fn participant() -> ParticipantData {
    ParticipantData::new(Guid::new(PREFIX, EntityId::PARTICIPANT))
}

fn publication() -> PublicationData {
    let guid = Guid::new(PREFIX, EntityId::new(1, EntityKind::WRITER_WITH_KEY));
    PublicationData::new(guid, "Square", "ShapeType", PublicationQos::default())
}

fn subscription() -> SubscriptionData {
    let guid = Guid::new(PREFIX, EntityId::new(1, EntityKind::READER_WITH_KEY));
    SubscriptionData::new(guid, "Square", "ShapeType", SubscriptionQos::default())
}

/// Ids of 0x8000 and above mean what the announcement's vendor says.
#[test]
fn what_is_told_to_ours_alone_is_read_of_ours_alone() {
    let mut data = publication();
    data.own_type_information = Some(vec![1, 2, 3, 4]);
    let mut payload = Vec::new();
    data.encode(&mut payload).unwrap();
    let read = |vendor| PublicationData::decode(&payload, vendor).unwrap().own_type_information;
    assert_eq!(read(VendorId::OURS), Some(vec![1, 2, 3, 4]));
    assert_eq!(read(VendorId::CYCLONE), None);
}

fn encoded(data: &ParticipantData) -> Vec<u8> {
    let mut payload = Vec::new();
    data.encode(&mut payload).unwrap();
    payload
}

/// A payload with the participant's GUID and besides it what `write` writes.
fn participant_with(endianness: Endianness, write: impl FnOnce(&mut ParameterListWriter<'_>)) -> Vec<u8> {
    let mut payload = vec![0, if endianness == Endianness::Big { 2 } else { 3 }, 0, 0];
    let mut list = ParameterListWriter::new(&mut payload, endianness);
    list.parameter(pid::PARTICIPANT_GUID, |out| out.write_bytes(&participant().guid.to_bytes()));
    write(&mut list);
    list.finish().unwrap();
    payload
}

fn locators() -> impl Strategy<Value = Vec<Locator>> {
    let locator = (any::<i32>(), any::<u32>(), any::<[u8; 16]>()).prop_map(|(kind, port, address)| Locator {
        kind: dds_rtps::structure::LocatorKind(kind),
        port,
        address,
    });
    prop::collection::vec(locator, 0..=MOST_LOCATORS)
}

fn text() -> impl Strategy<Value = String> {
    "[^\0]{0,20}"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z/_]{1,20}"
}

/// What no table has, and need not be understood.
fn unknown() -> impl Strategy<Value = UnknownParameters> {
    let parameter = (0x0100_u16..0x3fff, prop::collection::vec(any::<[u8; 4]>(), 0..4));
    (any::<bool>(), prop::collection::vec(parameter, 0..4)).prop_map(|(is_big, parameters)| {
        let endianness = if is_big { Endianness::Big } else { Endianness::Little };
        let mut unknown = UnknownParameters::new(endianness, VendorId::OURS);
        for (id, value) in parameters {
            unknown.push(Parameter { id: ParameterId(id), value: &value.concat() });
        }
        unknown
    })
}

prop_compose! {
    fn participants()(
        (domain_id, domain_tag, expects_inline_qos) in (option::of(any::<u32>()), text(), any::<bool>()),
        (unicast, multicast) in (locators(), locators()),
        (default_unicast, default_multicast) in (locators(), locators()),
        (endpoints, endpoint_qos, lease) in (any::<u32>(), any::<u32>(), 0_u32..i32::MAX as u32),
        (user_data, entity_name) in (any::<Vec<u8>>(), option::of(text())),
        properties in prop::collection::vec((text(), text()), 0..5),
        unknown in unknown(),
    ) -> ParticipantData {
        let mut data = ParticipantData {
            domain_id,
            domain_tag,
            expects_inline_qos,
            metatraffic_unicast_locators: unicast,
            metatraffic_multicast_locators: multicast,
            default_unicast_locators: default_unicast,
            default_multicast_locators: default_multicast,
            builtin_endpoints: BuiltinEndpointSet(endpoints),
            builtin_endpoint_qos: BuiltinEndpointQos(endpoint_qos),
            lease_duration: Duration::from_secs(lease),
            entity_name,
            properties: properties.into_iter().map(|(name, value)| Property { name, value }).collect(),
            unknown,
            ..participant()
        };
        data.user_data.0 = user_data;
        data
    }
}

prop_compose! {
    fn subscriptions()(
        (topic_name, type_name, expects_inline_qos) in (name(), name(), any::<bool>()),
        (unicast_locators, multicast_locators) in (locators(), locators()),
        group in option::of(any::<[u8; 4]>()),
        type_information in option::of(prop::collection::vec(any::<[u8; 4]>(), 0..30)),
        filter in option::of((text(), text(), text(), prop::collection::vec(text(), 0..4))),
        (entity_name, unknown) in (option::of(text()), unknown()),
    ) -> SubscriptionData {
        SubscriptionData {
            topic_name,
            type_name,
            expects_inline_qos,
            unicast_locators,
            multicast_locators,
            group_entity_id: group.map(EntityId),
            type_information: type_information.map(|words| words.concat()),
            content_filter: filter.map(|(name, related, expression, parameters)| ContentFilter {
                content_filtered_topic_name: name,
                related_topic_name: related,
                filter_class_name: "DDSSQL".into(),
                filter_expression: expression,
                expression_parameters: parameters,
            }),
            entity_name,
            unknown,
            ..subscription()
        }
    }
}

proptest! {
    #[test]
    fn participants_survive_a_round_trip(data in participants()) {
        prop_assert_eq!(ParticipantData::decode(&encoded(&data), VendorId::OURS), Ok(data));
    }

    #[test]
    fn subscriptions_survive_a_round_trip(data in subscriptions()) {
        let mut payload = Vec::new();
        data.encode(&mut payload).unwrap();
        prop_assert_eq!(SubscriptionData::decode(&payload, VendorId::OURS), Ok(data));
    }

    #[test]
    fn liveliness_survives_a_round_trip(prefix: [u8; 12], kind: [u8; 4], data: Vec<u8>) {
        let data = ParticipantMessageData { guid_prefix: GuidPrefix(prefix), kind: ParticipantMessageKind(kind), data };
        let mut payload = Vec::new();
        data.encode(&mut payload);
        prop_assert_eq!(ParticipantMessageData::decode(&payload), Ok(data));
    }
}

#[test]
fn absent_parameters_have_the_defaults_of_the_specification() {
    let payload = participant_with(Endianness::Big, |_| {});
    let data = ParticipantData::decode(&payload, VendorId::RTI).unwrap();
    assert_eq!(data.vendor, VendorId::RTI);
    assert_eq!(data.lease_duration, Duration::from_secs(100));
    assert_eq!((data.domain_id, data.domain_tag.as_str(), data.expects_inline_qos), (None, "", false));
}

#[test]
fn unknown_parameters_are_kept_unless_they_must_be_understood() {
    let with = |id| {
        participant_with(Endianness::Little, |list| list.parameter(ParameterId(id), |out| out.write_u32(7)))
    };
    for id in [0x3fff, 0x8014, 0xc014, 0x0078] {
        let data = ParticipantData::decode(&with(id), VendorId::EPROSIMA).unwrap();
        assert_eq!(data.unknown.get(ParameterId(id)), Some(&[7, 0, 0, 0][..]), "{id:#x}");
        assert_eq!(ParticipantData::decode(&encoded(&data), VendorId::EPROSIMA).unwrap(), data);
    }
    for id in [0x4000, 0x4015, 0x7fff] {
        let refused = DiscoveryDataError::MustUnderstand(ParameterId(id));
        assert_eq!(ParticipantData::decode(&with(id), VendorId::EPROSIMA), Err(refused), "{id:#x}");
    }
}

#[test]
fn a_domain_tag_must_be_understood_and_is_sent_only_when_there_is_one() {
    let tag = pid::DOMAIN_TAG.0.to_le_bytes();
    assert!(!encoded(&participant()).windows(2).any(|pair| pair == tag));
    let tagged = ParticipantData { domain_tag: "blue".into(), ..participant() };
    assert!(encoded(&tagged).windows(2).any(|pair| pair == tag));
}

#[test]
fn what_an_entity_cannot_do_without_must_be_there() {
    let nothing = [0, 3, 0, 0, 1, 0, 0, 0];
    let missing = |id| DiscoveryDataError::Missing(id);
    assert_eq!(ParticipantData::decode(&nothing, VendorId::OURS), Err(missing(pid::PARTICIPANT_GUID)));
    assert_eq!(PublicationData::decode(&nothing, VendorId::OURS), Err(missing(pid::ENDPOINT_GUID)));
    assert_eq!(TopicData::decode(&nothing, VendorId::OURS), Err(missing(pid::TOPIC_NAME)));
    let error = PublicationData::decode(&nothing, VendorId::OURS).unwrap_err();
    assert_eq!(error.to_string(), "ENDPOINT_GUID (0x005a) is missing");
}

#[test]
fn an_entity_of_another_sort_is_refused() {
    let (mut of_writer, mut of_reader) = (Vec::new(), Vec::new());
    publication().encode(&mut of_writer).unwrap();
    subscription().encode(&mut of_reader).unwrap();
    let refused = |guid| DiscoveryDataError::WrongEntity(guid);
    let reader = subscription().endpoint_guid;
    assert_eq!(PublicationData::decode(&of_reader, VendorId::OURS), Err(refused(reader)));
    let writer = publication().endpoint_guid;
    assert_eq!(SubscriptionData::decode(&of_writer, VendorId::OURS), Err(refused(writer)));
    let payload = encoded(&ParticipantData { guid: writer, ..participant() });
    assert_eq!(ParticipantData::decode(&payload, VendorId::OURS), Err(refused(writer)));
}

#[test]
fn a_writer_belongs_to_the_participant_of_its_guid_whatever_is_announced() {
    let forged = PublicationData { participant_guid: Guid::from_bytes([9; 16]), ..publication() };
    let mut payload = Vec::new();
    forged.encode(&mut payload).unwrap();
    assert_eq!(PublicationData::decode(&payload, VendorId::OURS), Ok(publication()));
}

#[test]
fn sizes_are_bounded() {
    let longest = ParticipantData { entity_name: Some("a".repeat(LONGEST_STRING)), ..participant() };
    assert!(ParticipantData::decode(&encoded(&longest), VendorId::OURS).is_ok());
    let too_long = ParticipantData { entity_name: Some("a".repeat(LONGEST_STRING + 1)), ..participant() };
    let error = ParticipantData::decode(&encoded(&too_long), VendorId::OURS).unwrap_err();
    assert!(matches!(error, DiscoveryDataError::Parameter { id: pid::ENTITY_NAME, .. }), "{error}");

    let many = ParticipantData { default_unicast_locators: vec![Locator::INVALID; 1000], ..participant() };
    let kept = ParticipantData::decode(&encoded(&many), VendorId::OURS).unwrap();
    assert_eq!(kept.default_unicast_locators.len(), MOST_LOCATORS);

    let mut large = encoded(&participant());
    large.resize(LARGEST_ANNOUNCEMENT + 1, 0);
    let refused = DiscoveryDataError::TooLarge(large.len());
    assert_eq!(ParticipantData::decode(&large, VendorId::OURS), Err(refused));

    let mut endless = participant();
    endless.user_data.0 = vec![0; 70_000];
    assert!(endless.encode(&mut Vec::new()).is_err());
}

#[test]
fn an_announcement_cut_off_anywhere_is_refused() {
    let mut payload = Vec::new();
    publication().encode(&mut payload).unwrap();
    for length in 0..payload.len() {
        assert!(PublicationData::decode(&payload[..length], VendorId::OURS).is_err(), "{length}");
    }
}

/// Sends a message that disposes of `guid` and reads it again.
fn dispose(guid: Guid, kind: PayloadKind, key_hash: Option<KeyHash>) -> Option<Guid> {
    let mut payload = Vec::new();
    ParticipantData::encode_key(guid, &mut payload);
    let header = DataHeader {
        reader_id: EntityId::SPDP_READER,
        writer_id: EntityId::SPDP_WRITER,
        writer_sn: SequenceNumber::FIRST,
        kind,
        status_info: StatusInfo::DISPOSED.union(StatusInfo::UNREGISTERED),
        key_hash,
        qos_parameters: &[],
    };
    let mut datagram = Datagram::new();
    MessageBuilder::begin(&mut datagram, PREFIX).data(&header, None, &Payload::from(payload));
    let bytes = datagram.to_vec();
    let mut receiver = MessageReceiver::new(&bytes, GuidPrefix::UNKNOWN).unwrap();
    let Some(Ok((_, Submessage::Data(data)))) = receiver.next_submessage() else { panic!("no DATA") };
    assert_eq!(data.inline_qos.unwrap().status_info(), Some(header.status_info));
    ParticipantData::disposed(data.payload, data.inline_qos.as_ref())
}

#[test]
fn departures_are_told_by_key_or_by_key_hash() {
    let guid = participant().guid;
    let hash = Some(KeyHash(guid.to_bytes()));
    assert_eq!(dispose(guid, PayloadKind::Key, None), Some(guid));
    assert_eq!(dispose(guid, PayloadKind::Key, hash), Some(guid));
    assert_eq!(dispose(guid, PayloadKind::None, hash), Some(guid));
    assert_eq!(dispose(guid, PayloadKind::Data, None), Some(guid));
    assert_eq!(dispose(guid, PayloadKind::None, None), None);
    assert_eq!(ParticipantData::disposed(DataPayload::Key(&[0, 3, 0, 0, 9]), None), None);
}

#[test]
fn where_a_process_runs_is_told_under_the_names_that_others_read() {
    let mut data = participant();
    data.set_process("box", "first", 1);
    data.set_process("box", "talker", 42);
    let decoded = ParticipantData::decode(&encoded(&data), VendorId::OURS).unwrap();
    assert_eq!(decoded.host(), Some("box"));
    assert_eq!(decoded.process_name(), Some("talker"));
    assert_eq!(decoded.process_id(), Some("42"));
    assert_eq!(decoded.properties.len(), 5);
}
