//! Listeners, status conditions and wait-sets on live entities, within one participant.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, Sender, channel},
    },
    time::Duration,
};

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, Topic,
    condition::WaitSet,
    listener::{
        DataReaderListener, DataWriterListener, DomainParticipantListener, EndpointInfo, PublisherListener,
        SubscriberListener,
    },
    qos::PolicyId,
    sample::DataState,
    status::{
        OfferedIncompatibleQosStatus, PublicationMatchedStatus, RequestedIncompatibleQosStatus, StatusMask,
        SubscriptionMatchedStatus,
    },
};

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Count {
    #[dds(key)]
    counter: u8,
    value: u32,
}

const PATIENCE: Duration = Duration::from_secs(10);

fn topic() -> Topic<Count> {
    let participant = DomainParticipant::builder(73).loopback_only().build().unwrap();
    participant.topic::<Count>("Count").unwrap()
}

/// Notes what it is called with.
struct Notes(Sender<String>);

impl Notes {
    fn new() -> (Arc<Self>, Receiver<String>) {
        let (sender, receiver) = channel();
        (Arc::new(Self(sender)), receiver)
    }

    fn note(&self, text: impl Into<String>) {
        let _ = self.0.send(text.into());
    }
}

fn next(notes: &Receiver<String>) -> String {
    notes.recv_timeout(PATIENCE).unwrap()
}

impl DataReaderListener<Count> for Notes {
    fn on_subscription_matched(&self, _: &DataReader<Count>, status: SubscriptionMatchedStatus) {
        self.note(format!("matched {:+}", status.current_count_change));
    }

    fn on_data_available(&self, reader: &DataReader<Count>) {
        let blocking = reader.wait_for_data(PATIENCE.into());
        assert!(blocking.is_err(), "blocking is refused here");
        for sample in reader.take().unwrap() {
            self.note(format!("data {:?}", sample.data().map(|count| count.value)));
        }
    }
}

impl DataWriterListener<Count> for Notes {
    fn on_publication_matched(&self, _: &DataWriter<Count>, status: PublicationMatchedStatus) {
        self.note(format!("matched {:+}", status.current_count_change));
    }
}

impl SubscriberListener for Notes {
    fn on_data_on_readers(&self, reader: &EndpointInfo) {
        self.note(format!("data on readers of {} {}", reader.topic_name, reader.type_name));
    }

    fn on_requested_incompatible_qos(&self, _: &EndpointInfo, status: RequestedIncompatibleQosStatus) {
        self.note(format!("requested {:?}", status.last_policy_id.unwrap()));
    }
}

impl PublisherListener for Notes {
    fn on_offered_incompatible_qos(&self, _: &EndpointInfo, status: OfferedIncompatibleQosStatus) {
        self.note(format!("offered {:?}", status.last_policy_id.unwrap()));
    }
}

impl DomainParticipantListener for Notes {}

#[test]
fn listeners_of_reader_and_writer_are_called_and_no_more_once_removed() {
    let topic = topic();
    let reader = topic.reader().reliable().keep_all().build().unwrap();
    let (at_reader, reader_notes) = Notes::new();
    reader.set_listener(Some(at_reader), StatusMask::ALL);
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    assert_eq!(next(&reader_notes), "matched +1");
    let (at_writer, writer_notes) = Notes::new();
    writer.set_listener(Some(at_writer), StatusMask::PUBLICATION_MATCHED);
    writer.write(&Count { counter: 1, value: 5 }).unwrap();
    assert_eq!(next(&reader_notes), "data Some(5)");
    writer.dispose(&Count { counter: 1, value: 0 }).unwrap();
    assert_eq!(next(&reader_notes), "data None");
    reader.set_listener(None, StatusMask::NONE);
    writer.write(&Count { counter: 1, value: 6 }).unwrap();
    reader.wait_for_data(PATIENCE.into()).unwrap();
    assert!(reader_notes.recv().is_err(), "the listener is gone, and nothing was said");
    drop(reader);
    assert!(next(&writer_notes).starts_with("matched "));
}

/// DDS 1.4 §2.2.4.2.2.
#[test]
fn data_on_readers_comes_instead_of_data_available() {
    let topic = topic();
    let reader = topic.reader().reliable().build().unwrap();
    let (at_reader, reader_notes) = Notes::new();
    let (at_subscriber, subscriber_notes) = Notes::new();
    reader.set_listener(Some(at_reader), StatusMask::DATA_AVAILABLE);
    reader.subscriber().set_listener(Some(at_subscriber), StatusMask::DATA_ON_READERS);
    let writer = topic.writer().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write(&Count { counter: 1, value: 5 }).unwrap();
    assert_eq!(next(&subscriber_notes), "data on readers of Count Count");
    reader.wait_for_data(PATIENCE.into()).unwrap();
    reader.set_listener(None, StatusMask::NONE);
    assert!(reader_notes.recv().is_err());
}

/// DDS 1.4 §2.2.4.2.3: what nobody below takes goes up to the participant.
#[test]
fn a_participants_listener_hears_of_both_sides_of_a_mismatch() {
    let topic = topic();
    let (notes, heard) = Notes::new();
    topic.participant().set_listener(Some(notes), StatusMask::ALL & !StatusMask::DATA_ON_READERS);
    let _reader = topic.reader().reliable().build().unwrap();
    let _writer = topic.writer().best_effort().build().unwrap();
    let mut both = [next(&heard), next(&heard)];
    both.sort();
    let policy = PolicyId::Reliability;
    assert_eq!(both, [format!("offered {policy:?}"), format!("requested {policy:?}")]);
}

#[test]
fn a_wait_set_waits_for_statuses_and_samples() {
    let topic = topic();
    let reader = topic.reader().reliable().build().unwrap();
    let matched = reader.status_condition();
    matched.set_enabled_statuses(StatusMask::SUBSCRIPTION_MATCHED);
    let unread = reader.read_condition(DataState::NOT_READ);
    let set = WaitSet::new();
    set.attach(&matched);
    set.attach(&unread);
    let writer = topic.writer().reliable().build().unwrap();
    assert_eq!(set.wait(PATIENCE.into()).unwrap(), [(&matched).into()]);
    assert_eq!(reader.subscription_matched_status().current_count, 1);
    assert!(!matched.trigger_value());
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write(&Count { counter: 1, value: 5 }).unwrap();
    assert_eq!(set.wait(PATIENCE.into()).unwrap(), [(&unread).into()]);
    assert_eq!(reader.read().unwrap().len(), 1);
    assert!(set.wait(Duration::ZERO.into()).is_err());
}
