//! Messages that no honest participant sends.

use std::net::SocketAddrV4;

use dds_rtps::{
    discovery::{BuiltinEndpointSet, ParticipantData, SubscriptionData},
    message::{DataFragHeader, DataHeader, Datagram, MessageBuilder, PayloadKind},
    payload::Payload,
    structure::{EntityId, EntityKind, FragmentNumber, Guid, GuidPrefix, Locator, SequenceNumber},
    time::Duration,
};

pub fn prefix(number: u32) -> GuidPrefix {
    let [a, b, c, d] = number.to_be_bytes();
    GuidPrefix([6, 6, 6, 6, 0, 0, 0, 0, a, b, c, d])
}

pub fn data(
    prefix: GuidPrefix,
    (writer_id, reader_id): (EntityId, EntityId),
    number: i64,
    payload: Vec<u8>,
) -> Vec<u8> {
    let mut out = Datagram::new();
    let writer_sn = SequenceNumber(number);
    let header =
        DataHeader { writer_id, reader_id, writer_sn, kind: PayloadKind::Data, ..DataHeader::default() };
    MessageBuilder::begin(&mut out, prefix).data(&header, None, &Payload::from(payload));
    out.to_vec()
}

/// An announcement of a participant that claims to be at each of `at`.
pub fn announcement(prefix: GuidPrefix, at: &[SocketAddrV4], lease: Duration) -> Vec<u8> {
    let locators: Vec<Locator> = at.iter().map(|at| Locator::from(std::net::SocketAddr::V4(*at))).collect();
    let data_of = ParticipantData {
        guid: Guid::new(prefix, EntityId::PARTICIPANT),
        domain_id: Some(0),
        metatraffic_unicast_locators: locators.clone(),
        default_unicast_locators: locators,
        builtin_endpoints: BuiltinEndpointSet(u32::MAX),
        lease_duration: lease,
        ..ParticipantData::default()
    };
    let mut payload = Vec::new();
    data_of.encode(&mut payload).unwrap();
    data(prefix, (EntityId::SPDP_WRITER, EntityId::SPDP_READER), 1, payload)
}

/// An announcement of a reliable reader of `topic`.
pub fn reader(prefix: GuidPrefix, key: u32, topic: &str, type_name: &str) -> Vec<u8> {
    let guid = Guid::new(prefix, EntityId::new(key, EntityKind::READER_NO_KEY));
    let mut qos = dds_qos::SubscriptionQos::default();
    qos.reliability.kind = dds_qos::ReliabilityKind::Reliable;
    let mut payload = Vec::new();
    SubscriptionData::new(guid, topic, type_name, qos).encode(&mut payload).unwrap();
    let endpoints = (EntityId::SEDP_SUBSCRIPTIONS_WRITER, EntityId::SEDP_SUBSCRIPTIONS_READER);
    data(prefix, endpoints, i64::from(key), payload)
}

/// What a DATA_FRAG claims.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub number: i64,
    pub first: u32,
    pub count: u16,
    pub fragment_size: u16,
    pub sample_size: u32,
}

pub fn fragments(
    prefix: GuidPrefix,
    (writer_id, reader_id): (EntityId, EntityId),
    claims: impl IntoIterator<Item = Claim>,
    payload: &[u8],
) -> Vec<u8> {
    let mut out = Datagram::new();
    let payload = Payload::from(payload.to_vec());
    for claim in claims {
        let writer_sn = SequenceNumber(claim.number);
        let header = DataFragHeader {
            data: DataHeader {
                writer_id,
                reader_id,
                writer_sn,
                kind: PayloadKind::Data,
                ..DataHeader::default()
            },
            fragment_starting_num: FragmentNumber(claim.first),
            fragments_in_submessage: claim.count,
            fragment_size: claim.fragment_size,
            sample_size: claim.sample_size,
        };
        MessageBuilder::begin(&mut out, prefix).data_frag(&header, None, &payload);
    }
    out.to_vec()
}
