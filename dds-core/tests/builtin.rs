//! The built-in topics between participants on loopback.

mod common;

use std::{
    sync::{
        Arc,
        mpsc::{Sender, channel},
    },
    time::Duration,
};

use common::{Domain, PATIENCE, Reading, next, reading};

use dds_core::{
    DataReader, DataWriter,
    builtin::{BuiltinReader, ParticipantBuiltinTopicData},
    condition::WaitSet,
    error::{DdsError, IllegalContext},
    listener::DataReaderListener,
    qos::{DataReaderQos, DomainParticipantQos, UserData},
    rtps::structure::VendorId,
    sample::{InstanceState, ViewState},
    status::StatusMask,
};

#[test]
fn another_participant_is_seen_to_come_change_and_go() {
    let domain = Domain::new(80);
    let here = domain.participant();
    let reader = here.builtin_subscriber().participant_reader().unwrap();
    let qos = DomainParticipantQos { user_data: UserData(b"one".to_vec()), ..Default::default() };
    let there = domain.builder().name("there").qos(qos).build().unwrap();

    let came = next(&reader);
    let data = came.data().unwrap();
    assert_eq!(data.key.guid(), there.guid());
    assert_eq!(data.user_data.0, b"one");
    assert_eq!(data.vendor, VendorId::OURS);
    assert_eq!(data.entity_name.as_deref(), Some("there"));
    assert_eq!(data.process_id, Some(std::process::id().to_string()));
    assert!(data.host.is_some() && data.process_name.is_some());
    assert_eq!(data.default_locators, there.unicast_locators());
    assert_eq!(came.info().view_state, ViewState::New);
    assert!(came.info().publication_handle.is_nil(), "the service made it");

    there.set_qos(DomainParticipantQos { user_data: UserData(b"two".to_vec()), ..there.qos() }).unwrap();
    let changed = next(&reader);
    assert_eq!(changed.data().unwrap().user_data.0, b"two");
    assert_eq!(changed.info().instance_handle, came.info().instance_handle);
    assert_eq!(changed.info().view_state, ViewState::NotNew);
    assert_eq!(reader.key_value(came.info().instance_handle).unwrap().guid(), there.guid());

    let guid = there.guid();
    drop(there);
    let gone = next(&reader);
    assert_eq!(gone.info().instance_state, InstanceState::NotAliveDisposed);
    assert_eq!(gone.key().guid(), guid);
    assert!(!gone.info().valid_data);
    assert!(
        matches!(reader.key_value(gone.info().instance_handle), Err(DdsError::UnknownInstance { .. })),
        "the instance is forgotten with its last sample"
    );
}

#[test]
fn endpoints_have_the_handles_by_which_their_partners_name_them() {
    let domain = Domain::new(80);
    let (one, two) = (domain.participant(), domain.participant());
    let publications = two.builtin_subscriber().publication_reader().unwrap();
    let subscriptions = one.builtin_subscriber().subscription_reader().unwrap();
    let topic = one.topic::<Reading>("Handles").unwrap();
    let writer = topic.writer().reliable().transient_local().partition("p").build().unwrap();
    let reader = two.topic::<Reading>("Handles").unwrap().reader().reliable().partition("p").build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 2)).unwrap();

    let publication = next(&publications);
    let data = publication.data().unwrap();
    assert_eq!(data.key.guid(), writer.guid());
    assert_eq!(data.participant_key.guid(), one.guid());
    assert_eq!((data.topic_name.as_str(), data.type_name.as_str()), ("Handles", "Reading"));
    assert_eq!(data.qos.durability, writer.qos().durability);
    assert_eq!(data.qos.partition.0, ["p"]);
    assert!(data.publisher_key.is_some());
    assert_eq!(reader.matched_publications(), [publication.info().instance_handle]);
    assert_eq!(next(&reader).info().publication_handle, publication.info().instance_handle);

    let subscription = next(&subscriptions);
    let data = subscription.data().unwrap();
    assert_eq!(data.key.guid(), reader.guid());
    assert_eq!(data.participant_key.guid(), two.guid());
    assert!(data.qos.reliability.is_reliable() && data.subscriber_key.is_some());
    assert_eq!(writer.matched_subscriptions(), [subscription.info().instance_handle]);
    let matched = writer.matched_subscription_data(subscription.info().instance_handle).unwrap();
    assert_eq!(matched.endpoint_guid, reader.guid());

    drop(reader);
    assert_eq!(next(&subscriptions).info().instance_state, InstanceState::NotAliveDisposed);
    // A participant's own entities are not shown to it (DDS 1.4 §2.2.5).
    assert_eq!(two.builtin_subscriber().subscription_reader().unwrap().read().unwrap(), []);
}

#[test]
fn a_reader_asked_for_late_knows_all_that_is_there_and_lives_as_long_as_it_is_used() {
    let domain = Domain::new(80);
    let (one, two) = (domain.participant(), domain.participant());
    let topic = one.topic::<Reading>("Late").unwrap();
    let writers: Vec<_> = (0..3).map(|_| topic.writer().reliable().build().unwrap()).collect();
    let reader = two.topic::<Reading>("Late").unwrap().reader().reliable().build().unwrap();
    reader.wait_matched(3, PATIENCE.into()).unwrap();

    let builtin = two.builtin_subscriber();
    let publications = builtin.publication_reader().unwrap();
    let samples = publications.read().unwrap();
    let mut keys: Vec<_> = samples.iter().map(|sample| sample.key().guid()).collect();
    keys.sort();
    let mut guids: Vec<_> = writers.iter().map(DataWriter::guid).collect();
    guids.sort();
    assert_eq!(keys, guids);
    let mut handles: Vec<_> = samples.iter().map(|sample| sample.info().instance_handle).collect();
    handles.sort();
    let mut matched = reader.matched_publications();
    matched.sort();
    assert_eq!(handles, matched);

    // Asking again gives the same reader; dropping all of it forgets what was taken.
    assert_eq!(builtin.publication_reader().unwrap().take().unwrap().len(), 3);
    assert_eq!(publications.take().unwrap(), []);
    drop(publications);
    let publications = builtin.publication_reader().unwrap();
    assert_eq!(publications.take().unwrap().len(), 3);
}

#[test]
fn topics_are_there_while_an_endpoint_is() {
    let domain = Domain::new(80);
    let (one, two) = (domain.participant(), domain.participant());
    let reader = two.builtin_subscriber().topic_reader().unwrap();
    let topic = one.topic::<Reading>("Topics").unwrap();
    let first = topic.writer().reliable().deadline(Duration::from_secs(60).into()).build().unwrap();
    let sample = next(&reader);
    let data = sample.data().unwrap();
    assert_eq!((data.name.as_str(), data.type_name.as_str()), ("Topics", "Reading"));
    assert_eq!(data.qos.deadline, first.qos().deadline);
    let second = topic.reader().build().unwrap();
    drop(first);
    // The topic stays, now with the QoS of the reader.
    let changed = next(&reader);
    assert_eq!(changed.info().instance_handle, sample.info().instance_handle);
    assert_eq!(changed.data().unwrap().qos.deadline, second.qos().deadline);
    drop(second);
    let gone = next(&reader);
    assert_eq!(gone.info().instance_state, InstanceState::NotAliveDisposed);
    assert_eq!(gone.key(), data.key);
}

struct Notes(Sender<ParticipantBuiltinTopicData>);

impl DataReaderListener<ParticipantBuiltinTopicData> for Notes {
    fn on_data_available(&self, reader: &DataReader<ParticipantBuiltinTopicData>) {
        for sample in reader.take().unwrap() {
            if let Some(data) = sample.into_data() {
                let _ = self.0.send(data);
            }
        }
    }
}

#[test]
fn conditions_listeners_and_lookup_work_as_with_other_readers() {
    let domain = Domain::new(80);
    let here = domain.participant();
    let builtin = here.builtin_subscriber();
    let Some(BuiltinReader::Publication(publications)) = builtin.lookup_reader("DCPSPublication").unwrap()
    else {
        panic!("another reader, or none");
    };
    assert!(matches!(builtin.lookup_reader("DCPSParticipant"), Ok(Some(BuiltinReader::Participant(_)))));
    assert!(matches!(builtin.lookup_reader("DCPSTopic"), Ok(Some(BuiltinReader::Topic(_)))));
    assert!(matches!(builtin.lookup_reader("DCPSSubscription"), Ok(Some(BuiltinReader::Subscription(_)))));
    assert!(builtin.lookup_reader("Square").unwrap().is_none());
    assert_eq!(publications.topic().name(), "DCPSPublication");
    assert_eq!(publications.topic().type_name(), "PublicationBuiltinTopicData");

    let participants = builtin.participant_reader().unwrap();
    let (sender, found) = channel();
    participants.set_listener(Some(Arc::new(Notes(sender))), StatusMask::DATA_AVAILABLE);
    let condition = publications.status_condition();
    condition.set_enabled_statuses(StatusMask::DATA_AVAILABLE);
    let waiting = WaitSet::new();
    waiting.attach(&condition);

    let there = domain.participant();
    let _writer = there.topic::<Reading>("Waited").unwrap().writer().build().unwrap();
    assert_eq!(found.recv_timeout(PATIENCE).unwrap().key.guid(), there.guid());
    assert_eq!(waiting.wait(PATIENCE.into()).unwrap().len(), 1);
    assert_eq!(publications.take().unwrap().len(), 1);
}

#[test]
fn nobody_else_can_have_endpoints_of_these_types() {
    let participant = Domain::new(80).participant();
    let refused = |result: DdsError| {
        let expected = IllegalContext::BuiltinEntity;
        assert!(matches!(result, DdsError::IllegalOperation { context, .. } if context == expected));
    };
    let topic = participant.topic::<ParticipantBuiltinTopicData>("DCPSParticipant").unwrap();
    refused(topic.writer().build().unwrap_err());
    refused(topic.reader().build().unwrap_err());
    let builtin = participant.builtin_subscriber().participant_reader().unwrap();
    let subscriber = builtin.subscriber();
    refused(subscriber.create_reader(builtin.topic(), DataReaderQos::default()).unwrap_err());
}
