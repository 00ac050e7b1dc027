//! Operations beside reading and writing: loans, suspended publications, listeners of readers' parents,
//! what conditions belong to.

mod common;

use std::sync::{Arc, mpsc};

use common::{Domain, PATIENCE, Reading, next, reading, wait_for};
use dds_core::{
    DataReader,
    error::ReturnCode,
    listener::{
        DataReaderListener, DataWriterListener, DomainParticipantListener, EndpointInfo, PublisherListener,
        SubscriberListener, TopicListener,
    },
    rtps::time::Timestamp,
    sample::{DataState, InstanceState},
    status::StatusMask,
};
use dds_qos::{Duration, PublisherQos, SubscriberQos};

#[test]
fn lent_samples_stay_where_they_are_until_returned() {
    let domain = Domain::new(91);
    let writer = domain.participant().topic::<Reading>("Lent").unwrap().writer().build().unwrap();
    let reader = domain.participant().topic::<Reading>("Lent").unwrap().reader().reliable().keep_all();
    let reader = reader.build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for value in 1..=3 {
        writer.write(&reading(1, value)).unwrap();
    }
    writer.dispose(&reading(1, 0)).unwrap();
    wait_for(|| reader.read().unwrap().len() == 4);

    let first = reader.select().read_loan().unwrap();
    let again = reader.select().read_loan().unwrap();
    assert_eq!(first.len(), 4);
    let places = |loan: &dds_core::Loan<Reading>| -> Vec<_> {
        loan.iter().filter_map(|sample| sample.bytes().map(<[u8]>::as_ptr)).collect()
    };
    assert_eq!(places(&first), places(&again), "the same bytes, not copies");
    let values: Vec<_> = first.iter().map(|sample| sample.decode().unwrap().into_data()).collect();
    assert_eq!(values, [Some(reading(1, 1)), Some(reading(1, 2)), Some(reading(1, 3)), None]);
    assert!(first.iter().last().unwrap().bytes().is_none());
    let refused = reader.subscriber().delete_reader(&reader).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);

    let taken = reader.select().max_samples(2).take_loan().unwrap();
    assert_eq!(taken.iter().map(|sample| sample.info().sample_rank).collect::<Vec<_>>(), [1, 0]);
    assert_eq!(reader.read().unwrap().len(), 2);
    assert_eq!(taken.iter().next().unwrap().decode().unwrap().data(), Some(&reading(1, 1)));
    drop((first, again));
    taken.return_loan();
    assert!(reader.select().instance(writer.instance_handle()).take_loan().is_err());
    reader.subscriber().delete_reader(&reader).unwrap();
}

#[test]
fn suspended_publications_wait_until_resumed() {
    let domain = Domain::new(91);
    let here = domain.participant();
    let publisher = here.create_publisher(PublisherQos::default()).unwrap();
    let topic = here.topic::<Reading>("Suspended").unwrap();
    let writer = topic.writer().keep_all().publisher(&publisher).build().unwrap();
    let other = topic.writer().keep_all().build().unwrap();
    let reader = domain.participant().topic::<Reading>("Suspended").unwrap().reader().reliable().keep_all();
    let reader = reader.build().unwrap();
    for writer in [&writer, &other] {
        writer.wait_matched(1, PATIENCE.into()).unwrap();
        writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    }
    reader.wait_matched(2, PATIENCE.into()).unwrap();
    let refused = publisher.resume_publications().unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);
    publisher.suspend_publications().unwrap();
    for value in 0..10 {
        writer.write(&reading(1, value)).unwrap();
    }
    other.write(&reading(2, 100)).unwrap();
    // The others are not held up. What a reader is owed at the moment, such as an answer, may take samples along:
    // suspending is a hint (DDS 1.4 §2.2.2.4.1.8).
    let mut early = Vec::new();
    loop {
        let data = next(&reader).into_data().unwrap();
        if data == reading(2, 100) {
            break;
        }
        early.push(data.value);
    }
    assert!(early.len() < 10, "nothing was held up");
    let before = here.statistics().runtime.unwrap().datagrams_sent;
    publisher.resume_publications().unwrap();
    let sent = here.statistics().runtime.unwrap().datagrams_sent - before;
    // One, beside announcements and acknowledgements of the two participants.
    assert!(sent < 10, "{sent} datagrams for ten samples");
    let rest = common::take_data(&reader, 10 - early.len());
    let values: Vec<_> = early.into_iter().chain(rest.iter().map(|data| data.value)).collect();
    assert_eq!(values, (0..10).collect::<Vec<_>>());
    publisher.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    publisher.delete_contained_entities().unwrap();
    publisher.wait_for_acknowledgments(Duration::ZERO).unwrap();
}

#[test]
fn a_publisher_waits_for_the_acknowledgments_of_all_its_writers() {
    let domain = Domain::new(91);
    let here = domain.participant();
    let publisher = here.create_publisher(PublisherQos::default()).unwrap();
    let make =
        |name: &str| here.topic::<Reading>(name).unwrap().writer().publisher(&publisher).build().unwrap();
    let (quick, slow) = (make("Quick"), make("Slow"));
    let there = domain.participant();
    let quick_reader = there.topic::<Reading>("Quick").unwrap().reader().reliable().build().unwrap();
    let limits = dds_qos::ResourceLimits {
        max_samples: dds_qos::Limit::Finite(1),
        ..dds_qos::ResourceLimits::default()
    };
    let slow_reader = there.topic::<Reading>("Slow").unwrap().reader().reliable().keep_all();
    let slow_reader = slow_reader.resource_limits(limits).build().unwrap();
    quick.wait_matched(1, PATIENCE.into()).unwrap();
    slow.wait_matched(1, PATIENCE.into()).unwrap();
    quick.write(&reading(1, 1)).unwrap();
    slow.write(&reading(1, 1)).unwrap();
    publisher.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    // The second one finds no room, hence is not acknowledged.
    slow.write(&reading(1, 2)).unwrap();
    let refused = publisher.wait_for_acknowledgments(Duration::from_millis(100)).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::Timeout);
    common::take_data(&slow_reader, 2);
    publisher.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert_eq!(next(&quick_reader).data(), Some(&reading(1, 1)));
}

/// Tells by a channel which callback came, and of which reader.
struct Tell(mpsc::Sender<(&'static str, dds_core::rtps::structure::Guid)>);

impl SubscriberListener for Tell {
    fn on_data_on_readers(&self, reader: &EndpointInfo) {
        let _ = self.0.send(("readers", reader.guid));
    }
    fn on_data_available(&self, reader: &EndpointInfo) {
        let _ = self.0.send(("available", reader.guid));
    }
}

impl PublisherListener for Tell {}
impl DomainParticipantListener for Tell {}
impl TopicListener<Reading> for Tell {}
impl DataWriterListener<Reading> for Tell {}
impl DataReaderListener<Reading> for Tell {
    fn on_data_available(&self, reader: &DataReader<Reading>) {
        let _ = self.0.send(("own", reader.guid()));
    }
}

#[test]
fn data_on_readers_rises_to_the_participant_and_is_passed_on_by_notify_readers() {
    let domain = Domain::new(91);
    let writer = domain.participant().topic::<Reading>("Rises").unwrap().writer().keep_all().build().unwrap();
    let here = domain.participant();
    let subscriber = here.create_subscriber(SubscriberQos::default()).unwrap();
    let reader =
        here.topic::<Reading>("Rises").unwrap().reader().reliable().keep_all().subscriber(&subscriber);
    let reader = reader.build().unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let (told, calls) = mpsc::channel();
    let called = || calls.recv_timeout(PATIENCE).unwrap();
    let tell = || Arc::new(Tell(told.clone()));
    here.set_listener(Some(tell()), StatusMask::DATA_ON_READERS | StatusMask::DATA_AVAILABLE);
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(called(), ("readers", reader.guid()), "the participant's, as the subscriber has none");
    assert!(!subscriber.status_changes().contains(StatusMask::DATA_ON_READERS), "the call took note of it");
    assert!(reader.status_changes().contains(StatusMask::DATA_AVAILABLE));
    subscriber.notify_readers().unwrap();
    assert_eq!(called(), ("available", reader.guid()));
    assert!(!reader.status_changes().contains(StatusMask::DATA_AVAILABLE));
    subscriber.notify_readers().unwrap();

    here.set_listener(None, StatusMask::NONE);
    writer.write(&reading(1, 2)).unwrap();
    wait_for(|| subscriber.status_changes().contains(StatusMask::DATA_ON_READERS));
    assert!(reader.status_changes().contains(StatusMask::DATA_AVAILABLE));
    reader.take().unwrap();
    assert!(
        subscriber.status_changes().is_empty()
            && !reader.status_changes().contains(StatusMask::DATA_AVAILABLE)
    );
    reader.set_listener(Some(tell()), StatusMask::DATA_AVAILABLE);
    writer.write(&reading(1, 3)).unwrap();
    assert_eq!(called(), ("own", reader.guid()), "and nobody was called in between");
    wait_for(|| subscriber.status_changes().is_empty());
}

#[test]
fn listeners_and_conditions_say_whose_they_are() {
    let domain = Domain::new(91);
    let here = domain.participant();
    let topic = here.topic::<Reading>("Whose").unwrap();
    let (writer, reader) = (topic.writer().build().unwrap(), topic.reader().build().unwrap());
    let tell = Arc::new(Tell(mpsc::channel().0));
    assert!(here.listener().is_none() && topic.listener().is_none() && reader.listener().is_none());
    here.set_listener(Some(tell.clone()), StatusMask::NONE);
    topic.set_listener(Some(tell.clone()), StatusMask::NONE);
    writer.set_listener(Some(tell.clone()), StatusMask::NONE);
    reader.set_listener(Some(tell.clone()), StatusMask::NONE);
    writer.publisher().set_listener(Some(tell.clone()), StatusMask::NONE);
    reader.subscriber().set_listener(Some(tell.clone()), StatusMask::NONE);
    let it = Arc::as_ptr(&tell).cast::<()>();
    assert_eq!(Arc::as_ptr(&here.listener().unwrap()).cast::<()>(), it);
    assert_eq!(Arc::as_ptr(&topic.listener().unwrap()).cast::<()>(), it);
    assert_eq!(Arc::as_ptr(&writer.listener().unwrap()).cast::<()>(), it);
    assert_eq!(Arc::as_ptr(&reader.listener().unwrap()).cast::<()>(), it);
    assert_eq!(Arc::as_ptr(&writer.publisher().listener().unwrap()).cast::<()>(), it);
    assert_eq!(Arc::as_ptr(&reader.subscriber().listener().unwrap()).cast::<()>(), it);
    reader.set_listener(None, StatusMask::NONE);
    assert!(reader.listener().is_none());

    assert_eq!(here.status_condition().entity(), here.instance_handle());
    assert_eq!(topic.status_condition().entity(), topic.instance_handle());
    assert_eq!(writer.status_condition().entity(), writer.instance_handle());
    assert_eq!(reader.status_condition().entity(), reader.instance_handle());
    let publisher = writer.publisher();
    assert_eq!(publisher.status_condition().entity(), publisher.instance_handle());
    let subscriber = reader.subscriber();
    assert_eq!(subscriber.status_condition().entity(), subscriber.instance_handle());
    assert_eq!(reader.read_condition(DataState::NOT_READ).reader(), reader.instance_handle());
    assert_eq!(reader.read_condition(DataState::NOT_READ).states(), DataState::NOT_READ);
    let query = reader.query_condition(DataState::ANY, |_| true);
    assert_eq!(query.read_condition().reader(), reader.instance_handle());
    assert!(publisher.status_changes().is_empty() && here.status_changes().is_empty());
    assert!(topic.status_changes().is_empty());
    assert!(writer.status_changes().contains(StatusMask::PUBLICATION_MATCHED));
    let condition = writer.status_condition();
    condition.set_enabled_statuses(StatusMask::LIVELINESS_LOST);
    assert_eq!(condition.enabled_statuses(), StatusMask::LIVELINESS_LOST);
    assert!(!condition.trigger_value());
}

#[test]
fn every_operation_on_instances_takes_a_timestamp() {
    let domain = Domain::new(91);
    let writer =
        domain.participant().topic::<Reading>("Stamped").unwrap().writer().keep_all().build().unwrap();
    let reader = domain.participant().topic::<Reading>("Stamped").unwrap().reader().reliable().keep_all();
    let reader = reader.build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let at = |second: u64| Timestamp::from_nanos(1_700_000_000_000_000_000 + second * 1_000_000_000);
    let handle = writer.register_instance_with_timestamp(&reading(1, 0), at(1)).unwrap();
    assert_eq!(writer.lookup_instance(&reading(1, 0)).unwrap(), Some(handle));
    assert_eq!(writer.key_value(handle).unwrap().sensor, 1);
    writer.write_with_timestamp(&reading(1, 5), at(2)).unwrap();
    writer.dispose_with_timestamp(&reading(1, 5), at(3)).unwrap();
    writer.write_with_timestamp(&reading(1, 6), at(4)).unwrap();
    writer.unregister_instance_with_timestamp(&reading(1, 6), at(5)).unwrap();
    assert!(writer.dispose(&reading(1, 6)).is_err(), "it is not registered any more");
    wait_for(|| reader.read().unwrap().len() == 4);
    let samples = reader.take().unwrap();
    let stamps: Vec<_> = samples.iter().map(|sample| sample.info().source_timestamp).collect();
    assert_eq!(stamps, [Some(at(2)), Some(at(3)), Some(at(4)), Some(at(5))]);
    let last = samples.last().unwrap().info();
    assert_eq!(last.instance_state, InstanceState::NotAliveDisposed);
    let first = samples[0].info();
    assert_eq!((first.disposed_generation_count, first.no_writers_generation_count), (0, 0));
    assert_eq!((first.sample_rank, first.generation_rank, first.absolute_generation_rank), (3, 1, 1));
    assert!(first.valid_data && first.reception_timestamp > at(5));
}
