//! Serialised samples in and out, and what readers make of samples that somebody passes on.

mod common;

use std::{collections::BTreeSet, sync::Arc};

use common::{Domain, PATIENCE, Reading, reading};

use dds_core::{
    condition::WaitSet,
    error::DdsError,
    qos::{DurabilityKind, PublicationQos, Reliability, ReliabilityKind, SubscriptionQos},
    raw::{Acknowledgement, RawEvent, RawReader, RawReaderConfig, RawSample, RawTopic},
    rtps::{
        change::{Audience, CacheChange, ChangeKind},
        message::OriginalWriterInfo,
        structure::{EntityId, EntityKind, Guid, GuidPrefix, SequenceNumber},
        time::Timestamp,
    },
    sample::InstanceState,
    types::{DataRepresentationId, TopicType},
};

fn topic() -> RawTopic {
    RawTopic { topic_name: "Readings".into(), type_name: "Reading".into(), has_key: true }
}

fn reliable() -> Reliability {
    Reliability { kind: ReliabilityKind::Reliable, ..Reliability::default() }
}

fn publication(durability: DurabilityKind) -> PublicationQos {
    PublicationQos {
        durability: dds_core::qos::Durability(durability),
        reliability: reliable(),
        ..PublicationQos::default()
    }
}

/// Takes events until `enough` says so.
fn take_until(reader: &RawReader, enough: impl Fn(&[RawEvent]) -> bool) -> Vec<RawEvent> {
    let waitset = WaitSet::new();
    waitset.attach(reader.status_condition());
    let mut events = Vec::new();
    while !enough(&events) {
        waitset.wait(PATIENCE.into()).unwrap();
        reader.take(usize::MAX, &mut events);
    }
    events
}

fn change(event: &RawEvent) -> Option<&CacheChange> {
    match event {
        RawEvent::Change(change) => Some(change),
        _ => None,
    }
}

fn changes(events: &[RawEvent]) -> Vec<&CacheChange> {
    events.iter().filter_map(change).collect()
}

fn payload(value: &Reading) -> Vec<u8> {
    let mut payload = Vec::new();
    value.serialize(DataRepresentationId::XCDR, &mut payload).unwrap();
    payload
}

#[test]
fn a_raw_reader_gets_bytes_key_hash_and_fate_of_the_writer() {
    let domain = Domain::new(84);
    let (there, here) = (domain.participant(), domain.participant());
    let writer = there.topic::<Reading>("Readings").unwrap().writer().reliable();
    let writer = writer.durability(DurabilityKind::Transient).keep_all().build().unwrap();
    let qos = SubscriptionQos { reliability: reliable(), ..SubscriptionQos::default() };
    let reader = here.raw_reader(&topic(), qos, RawReaderConfig::default(), None).unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let at = Timestamp::from_nanos(77_000_000_000);
    writer.write_with_timestamp(&reading(1, 10), at).unwrap();
    writer.dispose(&reading(1, 0)).unwrap();
    let mut events = take_until(&reader, |events| changes(events).len() == 2);
    let guid = writer.guid();
    drop(writer);
    events.extend(take_until(&reader, |events| {
        events.iter().any(|event| matches!(event, RawEvent::Unmatched { .. }))
    }));

    assert!(matches!(&events[0], RawEvent::Matched(data) if data.endpoint_guid == guid));
    let got = changes(&events);
    assert_eq!(got[0].payload[..], payload(&reading(1, 10))[..]);
    assert_eq!(got[0].source_timestamp, Some(at));
    assert!(got[0].key_hash.is_some(), "a TRANSIENT writer sends it");
    assert_eq!(got[1].key_hash, got[0].key_hash);
    assert_eq!(got[1].kind, ChangeKind::NotAliveDisposed);
    assert!(matches!(events.last(), Some(RawEvent::Unmatched { writer, .. }) if *writer == guid));
}

#[test]
fn a_raw_reader_acknowledges_what_is_confirmed_and_refuses_what_has_no_room() {
    let domain = Domain::new(84);
    let (there, here) = (domain.participant(), domain.participant());
    let writer = there.topic::<Reading>("Readings").unwrap().writer().reliable().keep_all().build().unwrap();
    let qos = SubscriptionQos { reliability: reliable(), ..SubscriptionQos::default() };
    let config = RawReaderConfig {
        max_changes: 3,
        acknowledgement: Acknowledgement::Confirmed,
        ..RawReaderConfig::default()
    };
    let reader = here.raw_reader(&topic(), qos, config, None).unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for value in 0..10 {
        writer.write(&reading(1, value)).unwrap();
    }
    let mut taken = Vec::new();
    while taken.len() < 10 {
        // What waits to be confirmed is not acknowledged, however long the writer waits.
        let error = writer.wait_for_acknowledgments(dds_core::qos::Duration::from_nanos(1_000_000));
        assert!(matches!(error, Err(DdsError::Timeout { .. })), "{error:?}");
        let events = take_until(&reader, |events| !changes(events).is_empty());
        let got = changes(&events);
        assert!(got.len() <= 3, "{}", got.len());
        taken.extend(got.iter().map(|change| change.sequence_number.0));
        reader.confirm(writer.guid(), got.last().unwrap().sequence_number);
    }
    assert_eq!(taken, (1..=10).collect::<Vec<_>>());
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

#[test]
fn what_is_passed_on_reaches_a_late_reader_once_with_its_first_writer() {
    let domain = Domain::new(84);
    let here = domain.participant();
    let services = [domain.participant(), domain.participant()];
    let first = Guid::new(GuidPrefix([9; 12]), EntityId::new(1, EntityKind::WRITER_WITH_KEY));
    let writers = services.each_ref().map(|service| {
        service.raw_writer(&topic(), publication(DurabilityKind::Transient), Some("a service")).unwrap()
    });
    for writer in &writers {
        writer.write_all((1..=4).map(|number| {
            let value = reading(u32::try_from(number).unwrap() % 2, number as u64);
            RawSample {
                kind: if number == 4 { ChangeKind::NotAliveDisposed } else { ChangeKind::Alive },
                payload: if number == 4 { Default::default() } else { payload(&value).into() },
                key_hash: (number == 4).then(|| key_hash(&value)),
                source_timestamp: Some(Timestamp::from_nanos(number as u64 * 1_000_000_000)),
                original_writer_info: Some(OriginalWriterInfo {
                    writer_guid: first,
                    sequence_number: SequenceNumber(number),
                }),
                audience: Audience::ALL,
            }
        }));
    }
    writers[0].forget([SequenceNumber(1)]);
    writers[1].forget([SequenceNumber(1)]);
    let reader = here.topic::<Reading>("Readings").unwrap().reader().reliable().keep_all();
    let reader = reader.durability(DurabilityKind::Transient).build().unwrap();
    reader.wait_matched(2, PATIENCE.into()).unwrap();
    reader.wait_for_historical_data(PATIENCE.into()).unwrap();
    let samples = reader.take().unwrap();
    let numbers: Vec<_> = samples.iter().map(|sample| sample.info().identity()).collect();
    let mut sorted = numbers.iter().map(|info| info.sequence_number.0).collect::<Vec<_>>();
    sorted.sort_unstable();
    assert_eq!(sorted, [2, 3, 4], "each once, though two pass it on");
    assert!(numbers.iter().all(|info| info.writer_guid == first));
    let disposed = samples.iter().find(|sample| !sample.info().valid_data).unwrap();
    assert_eq!(disposed.info().instance_state, InstanceState::NotAliveDisposed);
    assert_eq!(disposed.info().source_timestamp, Some(Timestamp::from_nanos(4_000_000_000)));
}

fn key_hash(value: &Reading) -> dds_core::rtps::structure::KeyHash {
    let mut key = Vec::new();
    value.write_canonical_key(&mut key).unwrap();
    dds_core::rtps::structure::KeyHash(dds_core::types::key_hash(&key, Some(key.len())))
}

#[test]
fn what_is_withheld_does_not_reach_a_reader_that_has_it() {
    let domain = Domain::new(84);
    let (here, there) = (domain.participant(), domain.participant());
    let writer = there.raw_writer(&topic(), publication(DurabilityKind::Persistent), None).unwrap();
    let reader = here.topic::<Reading>("Readings").unwrap().reader().reliable().keep_all();
    let reader = reader.durability(DurabilityKind::Persistent).build().unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_for_historical_data(PATIENCE.into()).unwrap();
    let matched: Arc<BTreeSet<Guid>> =
        Arc::new(writer.matched().iter().map(|matched| matched.data.endpoint_guid).collect());
    assert_eq!(*matched, BTreeSet::from([reader.guid()]));
    let sample = |value, audience| RawSample {
        payload: payload(&reading(1, value)).into(),
        audience,
        ..RawSample::default()
    };
    writer.write_all([sample(1, Audience::all_but(matched)), sample(2, Audience::ALL)]);
    reader.wait_for_data(PATIENCE.into()).unwrap();
    let values: Vec<_> = reader.take().unwrap().iter().map(|sample| sample.data().unwrap().value).collect();
    assert_eq!(values, [2]);
    let late = here.topic::<Reading>("Readings").unwrap().reader().reliable().keep_all();
    let late = late.durability(DurabilityKind::Persistent).build().unwrap();
    late.wait_for_historical_data(PATIENCE.into()).unwrap();
    let values: Vec<_> = late.take().unwrap().iter().map(|sample| sample.data().unwrap().value).collect();
    assert_eq!(values, [1, 2]);
}

#[test]
fn history_is_waited_for_while_no_writer_is_found() {
    let domain = Domain::new(84);
    let here = domain.participant();
    let topic = here.topic::<Reading>("Readings").unwrap();
    let volatile = topic.reader().build().unwrap();
    volatile.wait_for_historical_data(PATIENCE.into()).unwrap();
    let durable = topic.reader().reliable().transient_local().build().unwrap();
    let error = durable.wait_for_historical_data(dds_core::qos::Duration::from_nanos(1)).unwrap_err();
    assert!(matches!(error, DdsError::Timeout { operation: "wait_for_historical_data", .. }), "{error}");
    let writer = topic.writer().reliable().transient_local().build().unwrap();
    // An empty history is there, too.
    durable.wait_for_historical_data(PATIENCE.into()).unwrap();
    common::block_on(durable.historical_data());
    writer.write(&reading(1, 1)).unwrap();
}
