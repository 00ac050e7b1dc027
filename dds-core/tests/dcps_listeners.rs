//! Every callback of DDS 1.4 §2.2.4.2, at the entity itself and at the entities above it.

mod common;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use common::{Domain, PATIENCE, Reading, reading, wait_for};
use dds_core::{
    DataReader, DataWriter, DdsType, Topic,
    listener::{
        DataReaderListener, DataWriterListener, DomainParticipantListener, EndpointInfo, PublisherListener,
        SubscriberListener, TopicInfo, TopicListener,
    },
    status::{
        InconsistentTopicStatus, LivelinessChangedStatus, LivelinessLostStatus, OfferedDeadlineMissedStatus,
        PublicationMatchedStatus, RequestedDeadlineMissedStatus, SampleLostStatus, SampleRejectedStatus,
        StatusMask, SubscriptionMatchedStatus,
    },
};
use dds_qos::{
    DataReaderQos, DataWriterQos, Duration, EntityFactory, Limit, LivelinessKind, PublisherQos,
    ResourceLimits, SubscriberQos,
};
use dds_sim::{NetworkConditions, Simulation};

/// How much each callback was told to have happened.
#[derive(Default)]
struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    fn add(&self, name: &'static str, changes: u32) {
        *self.0.lock().unwrap().entry(name).or_default() += u64::from(changes);
    }

    fn of(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).copied().unwrap_or_default()
    }
}

macro_rules! reader_side {
    ($Reader:ty) => {
        fn on_subscription_matched(&self, _: &$Reader, status: SubscriptionMatchedStatus) {
            self.add("subscription_matched", status.total_count_change);
        }
        fn on_liveliness_changed(&self, _: &$Reader, status: LivelinessChangedStatus) {
            self.add("liveliness_changed", u32::from(status.not_alive_count_change > 0));
        }
        fn on_requested_deadline_missed(&self, _: &$Reader, status: RequestedDeadlineMissedStatus) {
            self.add("requested_deadline_missed", status.total_count_change);
        }
        fn on_sample_rejected(&self, _: &$Reader, status: SampleRejectedStatus) {
            self.add("sample_rejected", status.total_count_change);
        }
        fn on_sample_lost(&self, _: &$Reader, status: SampleLostStatus) {
            self.add("sample_lost", status.total_count_change);
        }
        fn on_data_available(&self, _: &$Reader) {
            self.add("data_available", 1);
        }
    };
}

macro_rules! writer_side {
    ($Writer:ty) => {
        fn on_publication_matched(&self, _: &$Writer, status: PublicationMatchedStatus) {
            self.add("publication_matched", status.total_count_change);
        }
        fn on_offered_deadline_missed(&self, _: &$Writer, status: OfferedDeadlineMissedStatus) {
            self.add("offered_deadline_missed", status.total_count_change);
        }
        fn on_liveliness_lost(&self, _: &$Writer, status: LivelinessLostStatus) {
            self.add("liveliness_lost", status.total_count_change);
        }
    };
}

impl DataReaderListener<Reading> for Counts {
    reader_side!(DataReader<Reading>);
}
impl SubscriberListener for Counts {
    reader_side!(EndpointInfo);
}
impl DataWriterListener<Reading> for Counts {
    writer_side!(DataWriter<Reading>);
}
impl PublisherListener for Counts {
    writer_side!(EndpointInfo);
}
impl TopicListener<Reading> for Counts {
    fn on_inconsistent_topic(&self, topic: &Topic<Reading>, status: InconsistentTopicStatus) {
        assert_eq!(topic.name(), "Heard");
        self.add("inconsistent_topic", status.total_count_change);
    }
}
impl DomainParticipantListener for Counts {
    fn on_inconsistent_topic(&self, topic: &TopicInfo, status: InconsistentTopicStatus) {
        assert_eq!(&*topic.name, "Unheard");
        self.add("inconsistent_topic", status.total_count_change);
    }
}

/// At which of the three levels the listeners are.
#[derive(Clone, Copy, Debug)]
enum Level {
    Endpoint,
    Group,
    Participant,
}

#[test]
fn every_callback_is_called_once_with_its_status() {
    for level in [Level::Endpoint, Level::Group, Level::Participant] {
        let counts = calls_at(level);
        for name in [
            "subscription_matched",
            "publication_matched",
            "data_available",
            "offered_deadline_missed",
            "requested_deadline_missed",
            "sample_rejected",
            "liveliness_lost",
            "liveliness_changed",
        ] {
            wait_for(|| counts.of(name) > 0);
        }
        assert_eq!(
            (counts.of("subscription_matched"), counts.of("publication_matched")),
            (2, 2),
            "{level:?}"
        );
    }
}

#[test]
fn lost_samples_are_told_at_every_level() {
    for level in [Level::Endpoint, Level::Group, Level::Participant] {
        println!("seed 5");
        let sim = Simulation::new(5).network(NetworkConditions::new().loss(0.5));
        let (here, there) = (sim.participant(0), sim.participant(0));
        let writer = here.topic::<Reading>("Lossy").unwrap().writer().best_effort().build().unwrap();
        let subscriber = there.create_subscriber(SubscriberQos::default()).unwrap();
        let reader =
            there.topic::<Reading>("Lossy").unwrap().reader().subscriber(&subscriber).build().unwrap();
        let counts = Arc::<Counts>::default();
        match level {
            Level::Endpoint => reader.set_listener(Some(counts.clone()), StatusMask::SAMPLE_LOST),
            Level::Group => subscriber.set_listener(Some(counts.clone()), StatusMask::SAMPLE_LOST),
            Level::Participant => there.set_listener(Some(counts.clone()), StatusMask::SAMPLE_LOST),
        }
        sim.block_on(writer.matched(1));
        sim.block_on(reader.matched(1));
        for value in 0..100 {
            writer.write(&reading(1, value)).unwrap();
            sim.run_for(std::time::Duration::from_millis(10));
        }
        let lost = counts.of("sample_lost");
        assert!((20..80).contains(&lost), "{lost} of about 50");
        assert_eq!(u64::from(reader.sample_lost_status().total_count), lost);
    }
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Other {
    text: String,
}

/// DDS 1.4 §2.2.4.2.3: the participant hears of topics without a listener of their own.
#[test]
fn an_inconsistent_topic_is_told_to_its_listener_or_else_to_the_participants() {
    println!("seed 6");
    let sim = Simulation::new(6).network(NetworkConditions::new());
    let (here, there) = (sim.participant(0), sim.participant(0));
    let (of_topic, of_participant) = (Arc::<Counts>::default(), Arc::<Counts>::default());
    here.set_listener(Some(of_participant.clone()), StatusMask::INCONSISTENT_TOPIC);
    let heard = here.topic::<Reading>("Heard").unwrap();
    heard.set_listener(Some(of_topic.clone()), StatusMask::INCONSISTENT_TOPIC);
    let unheard = here.topic::<Reading>("Unheard").unwrap();
    let both = |name| there.topic::<Other>(name).unwrap().reader().build().unwrap();
    let _readers = [both("Heard"), both("Unheard")];
    for (topic, counts) in [(&heard, &of_topic), (&unheard, &of_participant)] {
        let _writer = topic.writer().build().unwrap();
        let told = || counts.of("inconsistent_topic") > 0;
        assert!(sim.run_until(told, std::time::Duration::from_secs(10)), "{}", topic.name());
        assert_eq!(counts.of("inconsistent_topic"), 1);
        let status = topic.inconsistent_topic_status();
        assert_eq!((status.total_count, status.total_count_change), (1, 0), "the listener was told");
    }
}

/// Makes everything happen that there is a callback for.
fn calls_at(level: Level) -> Arc<Counts> {
    let domain = Domain::new(94);
    let (here, there) = (domain.participant(), domain.participant());
    let counts = Arc::<Counts>::default();
    if let Level::Participant = level {
        here.set_listener(Some(counts.clone()), StatusMask::ALL & !StatusMask::DATA_ON_READERS);
        there.set_listener(Some(counts.clone()), StatusMask::ALL & !StatusMask::DATA_ON_READERS);
    }
    // Nothing matches before its listener is there.
    let disabled = EntityFactory { autoenable_created_entities: false };
    let publisher = here
        .create_publisher(PublisherQos { entity_factory: disabled.clone(), ..PublisherQos::default() })
        .unwrap();
    let subscriber = there
        .create_subscriber(SubscriberQos { entity_factory: disabled, ..SubscriberQos::default() })
        .unwrap();
    if let Level::Group = level {
        publisher.set_listener(Some(counts.clone()), StatusMask::ALL);
        subscriber.set_listener(Some(counts.clone()), StatusMask::ALL & !StatusMask::DATA_ON_READERS);
    }
    // A writer that is not alive any more misses no deadline at the reader: that one comes first.
    let (short, longer) = (Duration::from_millis(100), Duration::from_millis(300));
    let topic = here.topic::<Reading>("Callbacks").unwrap();
    let writer =
        topic.writer().keep_last(1).deadline(short).liveliness(LivelinessKind::ManualByTopic, longer);
    let writer = writer.publisher(&publisher).build().unwrap();
    let limits = ResourceLimits { max_samples: Limit::Finite(1), ..ResourceLimits::default() };
    let reader = there.topic::<Reading>("Callbacks").unwrap().reader().reliable().keep_all().deadline(short);
    let reader = reader.resource_limits(limits).subscriber(&subscriber).build().unwrap();
    if let Level::Endpoint = level {
        reader.set_listener(Some(counts.clone()), StatusMask::ALL);
        writer.set_listener(Some(counts.clone()), StatusMask::ALL);
    }
    writer.enable().unwrap();
    reader.enable().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    // A second pair, matched while all listeners are there.
    let other = here.topic::<Reading>("Others").unwrap();
    let second = publisher.create_writer(&other, DataWriterQos::default()).unwrap();
    let third = subscriber.create_reader(&there.topic("Others").unwrap(), DataReaderQos::default()).unwrap();
    if let Level::Endpoint = level {
        third.set_listener(Some(counts.clone()), StatusMask::ALL);
        second.set_listener(Some(counts.clone()), StatusMask::ALL);
    }
    second.enable().unwrap();
    third.enable().unwrap();
    second.wait_matched(1, PATIENCE.into()).unwrap();
    third.wait_matched(1, PATIENCE.into()).unwrap();
    // The second finds no room; what the writer replaces meanwhile never comes.
    for value in 0..5 {
        writer.write(&reading(1, value)).unwrap();
        wait_for(|| value == 0 || counts.of("sample_rejected") > 0);
    }
    // Before the entities go.
    let timed =
        ["offered_deadline_missed", "requested_deadline_missed", "liveliness_lost", "liveliness_changed"];
    wait_for(|| timed.iter().all(|name| counts.of(name) > 0));
    let mut last = 0;
    wait_for(|| {
        last = reader
            .take()
            .unwrap()
            .iter()
            .filter_map(|sample| sample.data())
            .map(|data| data.value)
            .fold(last, u64::max);
        last == 4
    });
    counts
}
