//! The communication statuses of DDS 1.4 §2.2.4.1, each where it is defined, on real sockets.

mod common;

use std::{net::UdpSocket, time::Duration};

use common::{Domain, PATIENCE, Reading, next, reading, take_data};
use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant,
    condition::{StatusCondition, WaitSet},
    instance::InstanceHandle,
    qos::{Limit, LivelinessKind, PolicyId, ResourceLimits},
    rtps::{
        message::{DataHeader, Datagram, MessageBuilder, PayloadKind},
        structure::SequenceNumber,
    },
    sample::InstanceState,
    status::{SampleRejectedReason, StatusMask},
    types::{DataRepresentationId, TopicType},
};

const DOMAIN: u32 = 82;
const SHORT: Duration = Duration::from_millis(50);

/// Two participants, which all tests here have.
fn pair() -> (DomainParticipant, DomainParticipant) {
    let domain = Domain::new(DOMAIN);
    (domain.participant(), domain.participant())
}

/// Blocks until one of these statuses has changed.
fn wait_for(condition: &StatusCondition, statuses: StatusMask) {
    condition.set_enabled_statuses(statuses);
    let set = WaitSet::new();
    set.attach(condition);
    set.wait(PATIENCE.into()).unwrap_or_else(|error| panic!("{statuses:?}: {error}"));
}

fn matched(writer: &DataWriter<Reading>, reader: &DataReader<Reading>) {
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
}

#[test]
fn matches_are_counted_on_both_sides_as_partners_come_and_go() {
    let (one, two) = pair();
    let writer = one.topic::<Reading>("Matched").unwrap().writer().build().unwrap();
    let reader = two.topic::<Reading>("Matched").unwrap().reader().build().unwrap();
    matched(&writer, &reader);
    let at_writer = writer.publication_matched_status();
    assert_eq!((at_writer.total_count, at_writer.total_count_change), (1, 1));
    assert_eq!((at_writer.current_count, at_writer.current_count_change), (1, 1));
    assert_eq!(writer.matched_subscriptions(), [at_writer.last_subscription_handle]);
    let at_reader = reader.subscription_matched_status();
    assert_eq!((at_reader.total_count, at_reader.current_count), (1, 1));
    assert_eq!(reader.matched_publications(), [at_reader.last_publication_handle]);
    assert!(!writer.status_condition().changed_statuses().contains(StatusMask::PUBLICATION_MATCHED));

    drop(reader);
    wait_for(&writer.status_condition(), StatusMask::PUBLICATION_MATCHED);
    let after = writer.publication_matched_status();
    assert_eq!((after.total_count, after.total_count_change), (1, 0));
    assert_eq!((after.current_count, after.current_count_change), (0, -1));
    assert_eq!(after.last_subscription_handle, at_writer.last_subscription_handle);

    let second = two.topic::<Reading>("Matched").unwrap().reader().build().unwrap();
    matched(&writer, &second);
    let again = writer.publication_matched_status();
    assert_eq!((again.total_count, again.current_count), (2, 1));
    assert_ne!(again.last_subscription_handle, at_writer.last_subscription_handle);
}

#[test]
fn incompatible_qos_is_told_to_both_sides_with_every_policy() {
    let (one, two) = pair();
    let writer = one.topic::<Reading>("Qos").unwrap().writer().best_effort().build().unwrap();
    let topic = two.topic::<Reading>("Qos").unwrap();
    let strict = topic.reader().reliable().transient_local().deadline(SHORT.into()).build().unwrap();
    wait_for(&writer.status_condition(), StatusMask::OFFERED_INCOMPATIBLE_QOS);
    wait_for(&strict.status_condition(), StatusMask::REQUESTED_INCOMPATIBLE_QOS);
    let policies = [PolicyId::Durability, PolicyId::Deadline, PolicyId::Reliability];
    for status in [writer.offered_incompatible_qos_status(), strict.requested_incompatible_qos_status()] {
        assert_eq!((status.total_count, status.total_count_change), (1, 1));
        assert!(policies.contains(&status.last_policy_id.unwrap()));
        let mut counted: Vec<_> = status.policies.iter().map(|counted| counted.policy_id).collect();
        counted.sort();
        let mut expected = policies.to_vec();
        expected.sort();
        assert_eq!(counted, expected);
    }
    assert_eq!(writer.offered_incompatible_qos_status().total_count_change, 0);
    assert!(writer.matched_subscriptions().is_empty() && strict.matched_publications().is_empty());
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Reference {
    #[dds(key)]
    name: String,
}

#[test]
fn a_topic_of_another_type_is_inconsistent_on_both_sides() {
    let (one, two) = pair();
    let here = one.topic::<Reading>("Type").unwrap();
    let there = two.topic::<Reference>("Type").unwrap();
    let _writer = here.writer().build().unwrap();
    let _reader = there.reader().build().unwrap();
    wait_for(&here.status_condition(), StatusMask::INCONSISTENT_TOPIC);
    wait_for(&there.status_condition(), StatusMask::INCONSISTENT_TOPIC);
    for status in [here.inconsistent_topic_status(), there.inconsistent_topic_status()] {
        assert_eq!((status.total_count, status.total_count_change), (1, 1));
    }
}

/// Sends what `writer` would send as its sample `number`, straight to the participant of its reader.
fn forge(writer: &DataWriter<Reading>, to: &DomainParticipant, number: i64) {
    let mut payload = Vec::new();
    reading(0, number as u64).serialize(DataRepresentationId::XCDR, &mut payload).unwrap();
    let mut datagram = Datagram::new();
    let header = DataHeader {
        writer_id: writer.guid().entity_id,
        writer_sn: SequenceNumber(number),
        kind: PayloadKind::Data,
        ..DataHeader::default()
    };
    let mut message = MessageBuilder::begin(&mut datagram, writer.guid().prefix);
    message.info_destination(to.guid().prefix).data(&header, None, &payload.into());
    let address = to.unicast_locators()[0].socket_address().unwrap();
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&datagram.to_vec(), address).unwrap();
}

#[test]
fn samples_that_never_come_are_lost() {
    let (one, two) = pair();
    let writer = one.topic::<Reading>("Lost").unwrap().writer().best_effort().build().unwrap();
    let reader = two.topic::<Reading>("Lost").unwrap().reader().best_effort().keep_all().build().unwrap();
    matched(&writer, &reader);
    writer.write(&reading(0, 1)).unwrap();
    assert_eq!(take_data(&reader, 1), [reading(0, 1)]);
    assert_eq!(reader.sample_lost_status().total_count, 0);
    // As if 2 to 4 had been lost on the way.
    forge(&writer, &two, 5);
    assert_eq!(take_data(&reader, 1), [reading(0, 5)]);
    wait_for(&reader.status_condition(), StatusMask::SAMPLE_LOST);
    let status = reader.sample_lost_status();
    assert_eq!((status.total_count, status.total_count_change), (3, 3));
    assert_eq!(reader.sample_lost_status().total_count_change, 0);
}

#[test]
fn a_rejected_sample_comes_when_there_is_room() {
    let (one, two) = pair();
    let writer = one.topic::<Reading>("Rejected").unwrap().writer().reliable().keep_all().build().unwrap();
    let limits = ResourceLimits { max_samples: Limit::Finite(2), ..ResourceLimits::default() };
    let limits = ResourceLimits { max_samples_per_instance: Limit::Finite(2), ..limits };
    let reader = two.topic::<Reading>("Rejected").unwrap().reader();
    let reader = reader.reliable().keep_all().resource_limits(limits).build().unwrap();
    matched(&writer, &reader);
    for value in 0..5 {
        writer.write(&reading(0, value)).unwrap();
    }
    wait_for(&reader.status_condition(), StatusMask::SAMPLE_REJECTED);
    let status = reader.sample_rejected_status();
    assert!(status.total_count >= 1 && status.total_count_change == status.total_count);
    assert!(matches!(
        status.last_reason,
        SampleRejectedReason::SamplesLimit | SampleRejectedReason::SamplesPerInstanceLimit
    ));
    let expected: Vec<_> = (0..5).map(|value| reading(0, value)).collect();
    assert_eq!(take_data(&reader, 5), expected);
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

#[test]
fn a_rejected_instance_is_named_as_the_reason() {
    let (one, two) = pair();
    let writer = one.topic::<Reading>("Instances").unwrap().writer().reliable().keep_all().build().unwrap();
    let limits = ResourceLimits { max_instances: Limit::Finite(1), ..ResourceLimits::default() };
    let reader = two.topic::<Reading>("Instances").unwrap().reader();
    let reader = reader.reliable().resource_limits(limits).build().unwrap();
    matched(&writer, &reader);
    let first = one.topic::<Reading>("Instances").unwrap().writer().reliable().build().unwrap();
    matched(&first, &reader);
    first.write(&reading(1, 1)).unwrap();
    first.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    writer.write(&reading(2, 2)).unwrap();
    wait_for(&reader.status_condition(), StatusMask::SAMPLE_REJECTED);
    assert_eq!(reader.sample_rejected_status().last_reason, SampleRejectedReason::InstancesLimit);
    // When the first instance is gone there is room for the second.
    assert_eq!(next(&reader).data(), Some(&reading(1, 1)));
    drop(first);
    assert_ne!(next(&reader).info().instance_state, InstanceState::Alive);
    assert_eq!(next(&reader).data(), Some(&reading(2, 2)));
}

#[test]
fn a_silent_writer_loses_its_liveliness_and_regains_it_by_writing() {
    let (one, two) = pair();
    let kind = LivelinessKind::ManualByTopic;
    let writer = one.topic::<Reading>("Alive").unwrap().writer().reliable();
    let writer = writer.liveliness(kind, SHORT.into()).build().unwrap();
    let reader = two.topic::<Reading>("Alive").unwrap().reader().reliable().build().unwrap();
    matched(&writer, &reader);
    writer.write(&reading(1, 1)).unwrap();
    wait_for(&writer.status_condition(), StatusMask::LIVELINESS_LOST);
    assert!(writer.liveliness_lost_status().total_count >= 1);
    let handle = reader.matched_publications()[0];
    let until_not_alive = || loop {
        wait_for(&reader.status_condition(), StatusMask::LIVELINESS_CHANGED);
        let status = reader.liveliness_changed_status();
        assert_eq!(status.last_publication_handle, handle);
        assert_eq!(status.alive_count + status.not_alive_count, 1);
        if status.not_alive_count == 1 {
            break;
        }
    };
    until_not_alive();
    writer.write(&reading(1, 2)).unwrap();
    wait_for(&reader.status_condition(), StatusMask::LIVELINESS_CHANGED);
    let status = reader.liveliness_changed_status();
    // It may have fallen silent again by now.
    assert_eq!(status.alive_count + status.not_alive_count, 1);
    until_not_alive();
    // Saying so is enough.
    writer.assert_liveliness().unwrap();
    wait_for(&reader.status_condition(), StatusMask::LIVELINESS_CHANGED);
    drop(writer);
    reader_has_no_writer(&reader);
}

fn reader_has_no_writer(reader: &DataReader<Reading>) {
    loop {
        wait_for(&reader.status_condition(), StatusMask::LIVELINESS_CHANGED);
        let status = reader.liveliness_changed_status();
        if status.alive_count + status.not_alive_count == 0 {
            break;
        }
    }
}

#[test]
fn deadlines_are_missed_on_both_sides_for_the_instance() {
    let (one, two) = pair();
    let writer = one.topic::<Reading>("Deadline").unwrap().writer().deadline(SHORT.into()).build().unwrap();
    let reader = two.topic::<Reading>("Deadline").unwrap().reader().deadline(SHORT.into()).build().unwrap();
    matched(&writer, &reader);
    writer.write(&reading(9, 1)).unwrap();
    wait_for(&writer.status_condition(), StatusMask::OFFERED_DEADLINE_MISSED);
    wait_for(&reader.status_condition(), StatusMask::REQUESTED_DEADLINE_MISSED);
    let offered = writer.offered_deadline_missed_status();
    assert!(offered.total_count >= 1 && offered.total_count_change >= 1);
    assert_eq!(writer.lookup_instance(&reading(9, 0)).unwrap(), Some(offered.last_instance_handle));
    let requested = reader.requested_deadline_missed_status();
    assert!(requested.total_count >= 1);
    assert_eq!(reader.lookup_instance(&reading(9, 0)).unwrap(), Some(requested.last_instance_handle));
    assert_ne!(requested.last_instance_handle, InstanceHandle::NIL);
    // It is missed again and again, once a period.
    wait_for(&reader.status_condition(), StatusMask::REQUESTED_DEADLINE_MISSED);
    assert!(reader.requested_deadline_missed_status().total_count > requested.total_count);
}
