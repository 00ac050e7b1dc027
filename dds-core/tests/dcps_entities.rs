//! Entities: enabling, finding, changing and deleting them (DDS 1.4 §2.2.2).

mod common;

use std::sync::{Arc, mpsc};

use common::{Domain, PATIENCE, Reading, next, reading};
use dds_core::{
    DdsType, DomainParticipant, DomainParticipantFactory, DomainParticipantFactoryQos,
    error::{DdsError, DdsResult, IllegalContext, ReturnCode},
    listener::DataReaderListener,
    sample::DataState,
    status::StatusMask,
};
use dds_qos::{
    AccessScope, DataReaderQos, DataWriterQos, DomainParticipantQos, Durability, DurabilityKind, Duration,
    EntityFactory, History, HistoryKind, Partition, PolicyId, Presentation, PublisherQos, Reliability,
    ReliabilityKind, SubscriberQos, TopicQos, UserData,
};

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Other {
    text: String,
}

const MANUALLY: EntityFactory = EntityFactory { autoenable_created_entities: false };

fn code<T>(result: DdsResult<T>) -> Option<ReturnCode> {
    result.err().map(|error| error.return_code())
}

#[test]
fn what_is_not_enabled_says_so_and_others_see_nothing_of_it() {
    let domain = Domain::new(90);
    let publications = domain.participant();
    let seen = publications.builtin_subscriber().publication_reader().unwrap();
    let participant = domain.participant();
    let topic = participant.topic::<Reading>("Disabled").unwrap();
    let publisher = participant.create_publisher(PublisherQos::default().entity_factory(MANUALLY)).unwrap();
    let subscriber =
        participant.create_subscriber(SubscriberQos::default().entity_factory(MANUALLY)).unwrap();
    assert!(publisher.is_enabled() && subscriber.is_enabled() && topic.is_enabled());
    let writer = publisher.create_writer(&topic, DataWriterQos::default()).unwrap();
    let reader = subscriber.create_reader(&topic, DataReaderQos::default()).unwrap();
    assert!(!writer.is_enabled() && !reader.is_enabled());

    let sample = reading(1, 1);
    for refused in [
        code(writer.write(&sample)),
        code(writer.dispose(&sample)),
        code(writer.unregister_instance(&sample)),
        code(writer.register_instance(&sample)),
        code(writer.assert_liveliness()),
        code(writer.wait_for_acknowledgments(Duration::ZERO)),
        code(reader.take()),
        code(reader.read_next_sample()),
    ] {
        assert_eq!(refused, Some(ReturnCode::NotEnabled));
    }
    // Immutable policies may still change.
    let qos = writer.qos().durability(Durability(DurabilityKind::TransientLocal));
    writer.set_qos(qos.history(History { kind: HistoryKind::KeepAll, depth: 1 })).unwrap();
    let reliable = Reliability { kind: ReliabilityKind::Reliable, ..Reliability::default() };
    let qos = reader.qos().durability(Durability(DurabilityKind::TransientLocal)).reliability(reliable);
    reader.set_qos(qos).unwrap();

    // Another writer is announced; the disabled one is not.
    let other = topic.writer().build().unwrap();
    assert_eq!(next(&seen).key().guid(), other.guid());
    assert!(other.matched_subscriptions().is_empty());

    writer.enable().unwrap();
    writer.enable().unwrap();
    assert_eq!(next(&seen).key().guid(), writer.guid());
    let refused = writer.set_qos(writer.qos().durability(Durability(DurabilityKind::Volatile)));
    assert!(matches!(refused, Err(DdsError::ImmutablePolicy { policy: PolicyId::Durability, .. })));
    // The history that was asked for before enabling: both samples are kept for the late joiner.
    writer.write(&reading(1, 1)).unwrap();
    writer.write(&reading(1, 2)).unwrap();
    reader.set_qos(reader.qos().history(History { kind: HistoryKind::KeepAll, depth: 1 })).unwrap();
    reader.enable().unwrap();
    assert_eq!(common::take_data(&reader, 2), [reading(1, 1), reading(1, 2)]);
}

#[test]
fn a_participant_that_is_not_enabled_is_silent_and_enables_what_it_made_in_order() {
    let domain = Domain::new(90);
    let watcher = domain.participant();
    let seen = watcher.builtin_subscriber().participant_reader().unwrap();
    let factory = DomainParticipantFactory::new();
    factory.set_qos(DomainParticipantFactoryQos { entity_factory: MANUALLY });
    assert_eq!(factory.qos().entity_factory, MANUALLY);
    let participant = domain.builder_of(&factory).build().unwrap();
    assert!(!participant.is_enabled());
    participant.set_qos(DomainParticipantQos::default().user_data(UserData(b"early".to_vec()))).unwrap();
    let topic = participant.topic::<Reading>("Later").unwrap();
    let publisher = participant.create_publisher(PublisherQos::default()).unwrap();
    let writer = publisher.create_writer(&topic, DataWriterQos::default()).unwrap();
    assert!(!topic.is_enabled() && !publisher.is_enabled() && !writer.is_enabled());
    // From the top only.
    assert_eq!(code(writer.enable()), Some(ReturnCode::PreconditionNotMet));
    assert_eq!(code(publisher.enable()), Some(ReturnCode::PreconditionNotMet));
    assert_eq!(code(topic.enable()), Some(ReturnCode::PreconditionNotMet));
    assert_eq!(code(participant.assert_liveliness()), Some(ReturnCode::NotEnabled));
    let presentation = Presentation { access_scope: AccessScope::Topic, ..Presentation::default() };
    let empty = participant.create_publisher(PublisherQos::default()).unwrap();
    empty.set_qos(PublisherQos::default().presentation(presentation.clone())).unwrap();
    assert_eq!(empty.qos().presentation, presentation);

    let other = domain.participant();
    assert_eq!(next(&seen).key().guid(), other.guid(), "the disabled one announces nothing");
    assert!(participant.discovered_participants().is_empty());
    participant.enable().unwrap();
    assert!(topic.is_enabled() && publisher.is_enabled() && writer.is_enabled() && empty.is_enabled());
    let sample = next(&seen);
    assert_eq!(sample.data().unwrap().user_data, UserData(b"early".to_vec()));
    let reader = watcher.topic::<Reading>("Later").unwrap().reader().reliable().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 1)));
}

#[test]
fn entities_are_deleted_by_their_factory_when_nothing_depends_on_them() {
    let domain = Domain::new(90);
    let factory = DomainParticipantFactory::new();
    let participant = domain.builder_of(&factory).build().unwrap();
    let other = domain.participant();
    let topic = participant.topic::<Reading>("Deleted").unwrap();
    let publisher = participant.create_publisher(PublisherQos::default()).unwrap();
    let subscriber = participant.create_subscriber(SubscriberQos::default()).unwrap();
    let writer = publisher.create_writer(&topic, DataWriterQos::default()).unwrap();
    let reader = subscriber.create_reader(&topic, DataReaderQos::default()).unwrap();
    let condition = reader.read_condition(DataState::ANY);
    let query = reader.query_condition(DataState::ANY, |_| true);

    const REFUSED: Option<ReturnCode> = Some(ReturnCode::PreconditionNotMet);
    assert_eq!(code(factory.delete_participant(&participant)), REFUSED);
    assert_eq!(code(participant.delete_publisher(&publisher)), REFUSED);
    assert_eq!(code(participant.delete_subscriber(&subscriber)), REFUSED);
    assert_eq!(code(participant.delete_topic(&topic)), REFUSED);
    assert_eq!(code(subscriber.delete_reader(&reader)), REFUSED, "it has conditions");
    assert_eq!(code(other.delete_publisher(&publisher)), REFUSED);
    assert_eq!(code(other.delete_topic(&topic)), REFUSED);
    let elsewhere = participant.create_publisher(PublisherQos::default()).unwrap();
    assert_eq!(code(elsewhere.delete_writer(&writer)), REFUSED);
    let foreign = other.topic::<Reading>("Deleted").unwrap().reader().build().unwrap();
    assert_eq!(code(reader.delete_read_condition(&foreign.read_condition(DataState::ANY))), REFUSED);
    let refused = DomainParticipantFactory::new().delete_participant(&participant).unwrap_err();
    let DdsError::IllegalOperation { context, .. } = refused else { panic!("{refused}") };
    assert_eq!(context, IllegalContext::ForeignEntity);

    reader.delete_read_condition(&condition).unwrap();
    assert_eq!(code(subscriber.delete_reader(&reader)), REFUSED, "it has one more");
    drop(query);
    subscriber.delete_reader(&reader).unwrap();
    publisher.delete_writer(&writer).unwrap();
    participant.delete_publisher(&publisher).unwrap();
    participant.delete_publisher(&elsewhere).unwrap();
    participant.delete_subscriber(&subscriber).unwrap();
    participant.delete_topic(&topic).unwrap();
    for gone in [
        code(writer.write(&reading(1, 1))),
        code(writer.set_qos(DataWriterQos::default())),
        code(writer.enable()),
        code(reader.take()),
        code(publisher.create_writer(&topic, DataWriterQos::default())),
        code(publisher.set_qos(PublisherQos::default())),
        code(subscriber.create_reader(&topic, DataReaderQos::default())),
        code(topic.set_qos(TopicQos::default())),
        code(topic.writer().build()),
        code(publisher.delete_writer(&writer)),
        code(subscriber.delete_reader(&reader)),
        code(participant.delete_publisher(&publisher)),
        code(participant.delete_subscriber(&subscriber)),
        code(participant.delete_topic(&topic)),
    ] {
        assert_eq!(gone, Some(ReturnCode::AlreadyDeleted));
    }
    // Its name is free, also for another type.
    let again = participant.topic::<Other>("Deleted").unwrap();
    participant.delete_topic(&again).unwrap();
    factory.delete_participant(&participant).unwrap();
    assert_eq!(code(factory.delete_participant(&participant)), Some(ReturnCode::AlreadyDeleted));
    assert_eq!(code(participant.create_publisher(PublisherQos::default())), Some(ReturnCode::AlreadyDeleted));
}

#[test]
fn contained_entities_are_deleted_at_every_level_and_others_see_them_go() {
    let domain = Domain::new(90);
    let factory = DomainParticipantFactory::new();
    let participant = domain.builder_of(&factory).build().unwrap();
    let topic = participant.topic::<Reading>("Contained").unwrap();
    let publisher = participant.create_publisher(PublisherQos::default()).unwrap();
    let subscriber = participant.create_subscriber(SubscriberQos::default()).unwrap();
    let there = domain.participant();
    let partner = there.topic::<Reading>("Contained").unwrap();
    let (reading_there, writing_there) =
        (partner.reader().reliable().build().unwrap(), partner.writer().build().unwrap());
    let seen = there.builtin_subscriber().participant_reader().unwrap();
    assert_eq!(next(&seen).key().guid(), participant.guid());
    let make = || {
        let writer = publisher.create_writer(&topic, DataWriterQos::default()).unwrap();
        let reader = subscriber.create_reader(&topic, DataReaderQos::default()).unwrap();
        // With each other and with those there.
        writer.wait_matched(2, PATIENCE.into()).unwrap();
        reader.wait_matched(2, PATIENCE.into()).unwrap();
        writing_there.wait_matched(2, PATIENCE.into()).unwrap();
        (writer, reader)
    };
    let are_gone = || {
        common::wait_for(|| reading_there.matched_publications().len() == 1);
        common::wait_for(|| writing_there.matched_subscriptions().len() == 1);
    };

    let (writer, reader) = make();
    writing_there.write(&reading(1, 1)).unwrap();
    reader.wait_for_data(PATIENCE.into()).unwrap();
    let condition = reader.read_condition(DataState::ANY);
    assert!(condition.trigger_value());
    reader.delete_contained_entities().unwrap();
    assert!(!condition.trigger_value(), "a deleted condition");
    publisher.delete_contained_entities().unwrap();
    subscriber.delete_contained_entities().unwrap();
    are_gone();
    assert_eq!(code(writer.write(&reading(1, 1))), Some(ReturnCode::AlreadyDeleted));
    assert_eq!(code(reader.take()), Some(ReturnCode::AlreadyDeleted));

    let (writer, reader) = make();
    let condition = reader.read_condition(DataState::ANY);
    participant.delete_contained_entities().unwrap();
    are_gone();
    assert!(!condition.trigger_value());
    assert_eq!(code(writer.write(&reading(1, 1))), Some(ReturnCode::AlreadyDeleted));
    assert_eq!(code(publisher.enable()), Some(ReturnCode::AlreadyDeleted));
    assert_eq!(code(topic.enable()), Some(ReturnCode::AlreadyDeleted));
    assert!(participant.lookup_topic_description("Contained").is_none());
    factory.delete_participant(&participant).unwrap();
    assert!(next(&seen).data().is_none(), "it departed although handles are left");
    assert!(factory.lookup_participant(90).is_none());
}

#[test]
fn no_listener_of_a_deleted_reader_is_called() {
    struct Count(mpsc::Sender<()>);
    impl DataReaderListener<Reading> for Count {
        fn on_data_available(&self, _: &dds_core::DataReader<Reading>) {
            let _ = self.0.send(());
        }
    }
    let domain = Domain::new(90);
    let writer = domain.participant().topic::<Reading>("Quiet").unwrap().writer().build().unwrap();
    let topic = domain.participant().topic::<Reading>("Quiet").unwrap();
    let (deleted, other) =
        (topic.reader().reliable().build().unwrap(), topic.reader().reliable().build().unwrap());
    let (called, calls) = mpsc::channel();
    deleted.set_listener(Some(Arc::new(Count(called))), StatusMask::ALL);
    writer.wait_matched(2, PATIENCE.into()).unwrap();
    writer.write(&reading(1, 1)).unwrap();
    calls.recv_timeout(PATIENCE).unwrap();
    next(&other);
    deleted.subscriber().delete_reader(&deleted).unwrap();
    while calls.try_recv().is_ok() {}
    writer.write(&reading(1, 2)).unwrap();
    next(&other);
    assert!(calls.try_recv().is_err());
}

#[test]
fn handles_names_and_factories_find_entities() {
    let domain = Domain::new(90);
    let factory = DomainParticipantFactory::new();
    assert!(factory.lookup_participant(90).is_none());
    let participant = domain.builder_of(&factory).build().unwrap();
    assert_eq!(factory.lookup_participant(90).unwrap().guid(), participant.guid());
    assert!(factory.lookup_participant(91).is_none());
    assert_eq!(participant.domain_id(), 90);
    // There is no port for so high a domain.
    let refused = factory.create_participant(1000, DomainParticipantQos::default());
    assert_eq!(code(refused), Some(ReturnCode::Error));
    assert!(factory.lookup_participant(1000).is_none());
    let topic = participant.topic::<Reading>("Found").unwrap();
    assert_eq!((topic.name(), topic.type_name()), ("Found", "Reading"));
    let renamed = participant.create_topic_as::<Reading>("Renamed", "Another", TopicQos::default()).unwrap();
    assert_eq!((renamed.name(), renamed.type_name()), ("Renamed", "Another"));
    let publisher = participant.create_publisher(PublisherQos::default()).unwrap();
    let subscriber = participant.create_subscriber(SubscriberQos::default()).unwrap();
    let writer = publisher.create_writer(&topic, DataWriterQos::default()).unwrap();
    let reader = subscriber.create_reader(&topic, DataReaderQos::default()).unwrap();
    let handles = [
        topic.instance_handle(),
        publisher.instance_handle(),
        subscriber.instance_handle(),
        writer.instance_handle(),
        reader.instance_handle(),
    ];
    assert!(handles.iter().all(|handle| participant.contains_entity(*handle)));
    let stranger = domain.participant();
    assert!(!handles.iter().any(|handle| stranger.contains_entity(*handle)));

    assert_eq!(publisher.lookup_writer::<Reading>("Found").unwrap().guid(), writer.guid());
    assert!(publisher.lookup_writer::<Other>("Found").is_none(), "of another type");
    assert!(publisher.lookup_writer::<Reading>("Lost").is_none());
    assert_eq!(subscriber.lookup_reader::<Reading>("Found").unwrap().guid(), reader.guid());
    assert!(subscriber.lookup_reader::<Other>("Found").is_none());
    let description = participant.lookup_topic_description("Found").unwrap();
    assert_eq!((&*description.name, &*description.type_name), ("Found", "Reading"));
    assert_eq!(description.instance_handle, topic.instance_handle());
    assert!(participant.lookup_topic_description("Lost").is_none());
    let before = participant.current_time();
    assert!(participant.current_time() >= before);
    // Those of a publisher that is gone are found no more.
    let handle = writer.instance_handle();
    drop(writer);
    assert!(publisher.lookup_writer::<Reading>("Found").is_none());
    assert!(!participant.contains_entity(handle));
}

#[test]
fn a_topic_is_found_when_it_is_made_here_or_seen_elsewhere() {
    let domain = Domain::new(90);
    let participant = domain.participant();
    let short = Duration::from_millis(20);
    let refused = participant.find_topic::<Reading>("Sought", short).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::Timeout);
    let there = domain.participant();
    let qos = TopicQos::default().topic_data(dds_qos::TopicData(b"about".to_vec()));
    let other = there.create_topic::<Reading>("Sought", qos).unwrap();
    let writer = other.writer().build().unwrap();
    let found = participant.find_topic::<Reading>("Sought", PATIENCE.into()).unwrap();
    assert_eq!(found.qos().topic_data.0, b"about", "the policies that were announced");
    assert!(found.is_enabled());
    assert_eq!(found.instance_handle(), participant.topic::<Reading>("Sought").unwrap().instance_handle());
    // By the async form too, and one that is made here meanwhile.
    let waiting = std::thread::spawn({
        let participant = participant.clone();
        move || common::block_on(participant.find_topic_async::<Reading>("Made")).unwrap()
    });
    let made = participant.topic::<Reading>("Made").unwrap();
    assert_eq!(waiting.join().unwrap().instance_handle(), made.instance_handle());
    let refused = participant.find_topic::<Other>("Made", short).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);
    assert!(refused.to_string().contains("Reading"), "{refused}");

    let topics = participant.discovered_topics();
    assert_eq!(topics.len(), 1);
    let data = participant.discovered_topic_data(topics[0]).unwrap();
    assert_eq!(
        (&*data.name, &*data.type_name, &*data.qos.topic_data.0),
        ("Sought", "Reading", &b"about"[..])
    );
    let builtin = participant.builtin_subscriber().topic_reader().unwrap();
    assert_eq!(next(&builtin).info().instance_handle, topics[0]);
    drop(writer);
    common::wait_for(|| participant.discovered_topics().is_empty());
    assert!(participant.discovered_topic_data(topics[0]).is_err());
}

#[test]
fn defaults_of_every_factory_are_used_and_topics_lend_theirs() {
    let domain = Domain::new(90);
    let factory = DomainParticipantFactory::new();
    factory.set_default_participant_qos(DomainParticipantQos::default().user_data(UserData(b"p".to_vec())));
    assert_eq!(factory.default_participant_qos().user_data.0, b"p");
    let participant = domain.builder_of(&factory).build().unwrap();
    assert_eq!(participant.qos().user_data.0, b"p");

    let partitions = |name: &str| Partition(vec![name.into()]);
    participant.set_default_publisher_qos(PublisherQos::default().partition(partitions("out")));
    participant.set_default_subscriber_qos(SubscriberQos::default().partition(partitions("in")));
    let reliable = Reliability { kind: ReliabilityKind::Reliable, ..Reliability::default() };
    let deep = History { kind: HistoryKind::KeepLast, depth: 7 };
    let topic_qos = TopicQos::default().reliability(reliable.clone()).history(deep.clone());
    participant.set_default_topic_qos(topic_qos.clone()).unwrap();
    assert_eq!(participant.default_topic_qos(), topic_qos);
    let topic = participant.topic::<Reading>("Defaults").unwrap();
    assert_eq!(*topic.qos(), topic_qos);
    assert_eq!(topic.writer().build().unwrap().publisher().qos().partition, partitions("out"));
    assert_eq!(topic.reader().build().unwrap().subscriber().qos().partition, partitions("in"));

    let publisher = participant.create_publisher(participant.default_publisher_qos()).unwrap();
    let subscriber = participant.create_subscriber(participant.default_subscriber_qos()).unwrap();
    let named = UserData(b"default".to_vec());
    publisher.set_default_writer_qos(DataWriterQos::default().user_data(named.clone())).unwrap();
    subscriber.set_default_reader_qos(DataReaderQos::default().user_data(named.clone())).unwrap();
    let inconsistent = DataReaderQos::default().history(History { kind: HistoryKind::KeepLast, depth: 0 });
    let refused = subscriber.set_default_reader_qos(inconsistent);
    assert_eq!(code(refused), Some(ReturnCode::InconsistentPolicy));
    assert_eq!(publisher.default_writer_qos().user_data, named);
    assert_eq!(subscriber.default_reader_qos().user_data, named, "what was refused changed nothing");
    // What was set in particular prevails, whenever it was said.
    let writer = topic.writer().keep_last(3).publisher(&publisher).build().unwrap();
    assert_eq!((writer.qos().user_data, writer.qos().history.depth), (named.clone(), 3));
    let reader = topic.reader().subscriber(&subscriber).build().unwrap();
    assert_eq!((reader.qos().user_data, reader.qos().history.depth), (named.clone(), 1));
    let reader = topic.reader().topic_qos().subscriber(&subscriber).build().unwrap();
    assert_eq!((reader.qos().user_data, reader.qos().history), (named, deep.clone()));
    assert_eq!(reader.qos().reliability, reliable);
    let copied = publisher.copy_from_topic_qos(DataWriterQos::default(), &topic.qos());
    assert_eq!(copied.history, deep);
    assert_eq!(subscriber.copy_from_topic_qos(DataReaderQos::default(), &topic.qos()).history, deep);
    // One name is one topic.
    let refused = participant.create_topic::<Reading>("Defaults", TopicQos::default());
    assert_eq!(code(refused), Some(ReturnCode::PreconditionNotMet));
}

/// Two participants with a matched pair, the reader's side ignoring.
struct Pair {
    here: DomainParticipant,
    there: DomainParticipant,
    reader: dds_core::DataReader<Reading>,
    writer: dds_core::DataWriter<Reading>,
}

fn pair(domain: &Domain) -> Pair {
    let (here, there) = (domain.participant(), domain.participant());
    let reader = here.topic::<Reading>("Ignored").unwrap().reader().reliable().build().unwrap();
    let writer = there.topic::<Reading>("Ignored").unwrap().writer().build().unwrap();
    reader.wait_matched(1, PATIENCE.into()).unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    Pair { here, there, reader, writer }
}

#[test]
fn what_is_ignored_is_as_if_it_were_not_there() {
    let domain = Domain::new(90);
    let Pair { here, there, reader, writer } = pair(&domain);
    let second = there.topic::<Reading>("Ignored").unwrap().writer().build().unwrap();
    reader.wait_matched(2, PATIENCE.into()).unwrap();
    let handle = here.discovered_handle(writer.guid());
    assert_eq!(code(here.ignore_subscription(handle)), Some(ReturnCode::BadParameter), "a writer");
    here.ignore_publication(handle).unwrap();
    assert_eq!(reader.matched_publications(), [here.discovered_handle(second.guid())]);
    assert_eq!(reader.subscription_matched_status().current_count, 1);
    writer.write(&reading(1, 1)).unwrap();
    second.wait_matched(1, PATIENCE.into()).unwrap();
    second.write(&reading(1, 2)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 2)), "nothing of the ignored one");
    assert!(reader.take().unwrap().is_empty());

    let handle = here.discovered_handle(there.guid());
    assert_eq!(here.discovered_participant_data(handle).unwrap().guid, there.guid());
    here.ignore_participant(handle).unwrap();
    assert!(reader.matched_publications().is_empty());
    assert!(here.discovered_participants().is_empty());
    assert!(here.discovered_participant_data(handle).is_err());
    // Not even when it announces itself again, as a third one shows that came later.
    there.set_qos(DomainParticipantQos::default().user_data(UserData(b"again".to_vec()))).unwrap();
    let third = domain.participant();
    common::wait_for(|| here.discovered_participants().iter().any(|data| data.guid == third.guid()));
    assert_eq!(here.discovered_participants().len(), 1);
}

#[test]
fn ignored_topics_subscriptions_and_ones_own_endpoints_stay_apart() {
    let domain = Domain::new(90);
    let Pair { here, there, reader, writer } = pair(&domain);
    there.ignore_subscription(there.discovered_handle(reader.guid())).unwrap();
    assert!(writer.matched_subscriptions().is_empty());

    let topics = here.discovered_topics();
    here.ignore_topic(topics[0]).unwrap();
    assert!(reader.matched_publications().is_empty());
    assert!(here.discovered_topics().is_empty());
    let other = there.topic::<Reading>("Other").unwrap();
    let (_ignored, shown) = (writer.topic().writer().build().unwrap(), other.writer().build().unwrap());
    common::wait_for(|| !here.discovered_handle(shown.guid()).is_nil());
    assert_eq!(here.discovered_topics().len(), 1, "endpoints of an ignored topic that come later too");

    let own = here.topic::<Reading>("Own").unwrap();
    let (one, two) = (own.writer().build().unwrap(), own.writer().build().unwrap());
    let reader = own.reader().build().unwrap();
    assert_eq!(reader.matched_publications().len(), 2);
    here.ignore_publication(one.instance_handle()).unwrap();
    assert_eq!(reader.matched_publications(), [two.instance_handle()]);
    assert!(one.matched_subscriptions().is_empty());
    here.ignore_participant(here.instance_handle()).unwrap();
    assert!(reader.matched_publications().is_empty() && two.matched_subscriptions().is_empty());
    assert!(own.reader().build().unwrap().matched_publications().is_empty());
    assert_eq!(code(here.ignore_participant(one.instance_handle())), Some(ReturnCode::BadParameter));
}

#[test]
fn a_partition_changed_at_run_time_matches_and_unmatches() {
    let domain = Domain::new(90);
    let Pair { reader, writer, .. } = pair(&domain);
    let named = |names: &[&str]| Partition(names.iter().map(|name| (*name).to_owned()).collect());
    let publisher = writer.publisher();
    publisher.set_qos(PublisherQos::default().partition(named(&["a", "b"]))).unwrap();
    common::wait_for(|| {
        reader.matched_publications().is_empty() && writer.matched_subscriptions().is_empty()
    });
    reader.subscriber().set_qos(SubscriberQos::default().partition(named(&["[b-d]"]))).unwrap();
    common::wait_for(|| {
        !reader.matched_publications().is_empty() && !writer.matched_subscriptions().is_empty()
    });
    let handle = reader.matched_publications()[0];
    common::wait_for(|| reader.matched_publication_data(handle).unwrap().qos.partition == named(&["a", "b"]));
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(next(&reader).data(), Some(&reading(1, 1)));
    let presentation = Presentation { access_scope: AccessScope::Topic, ..Presentation::default() };
    let refused = publisher.set_qos(publisher.qos().presentation(presentation.clone()));
    assert!(matches!(refused, Err(DdsError::ImmutablePolicy { policy: PolicyId::Presentation, .. })));
    let subscriber = reader.subscriber();
    let refused = subscriber.set_qos(subscriber.qos().presentation(presentation));
    assert!(matches!(refused, Err(DdsError::ImmutablePolicy { policy: PolicyId::Presentation, .. })));
}

#[test]
fn user_topic_and_group_data_changed_at_run_time_are_seen_by_peers() {
    let domain = Domain::new(90);
    let Pair { here, there, reader, writer } = pair(&domain);
    let bytes = |text: &str| text.as_bytes().to_vec();
    let publication = || {
        let handle = reader.matched_publications()[0];
        reader.matched_publication_data(handle).unwrap()
    };
    let subscription = || {
        let handle = writer.matched_subscriptions()[0];
        writer.matched_subscription_data(handle).unwrap()
    };
    writer.set_qos(writer.qos().user_data(UserData(bytes("writer")))).unwrap();
    reader.set_qos(reader.qos().user_data(UserData(bytes("reader")))).unwrap();
    let group = |text: &str| dds_qos::GroupData(bytes(text));
    writer.publisher().set_qos(PublisherQos::default().group_data(group("publisher"))).unwrap();
    reader.subscriber().set_qos(SubscriberQos::default().group_data(group("subscriber"))).unwrap();
    let topic = |text: &str| TopicQos::default().topic_data(dds_qos::TopicData(bytes(text)));
    writer.topic().set_qos(topic("there")).unwrap();
    reader.topic().set_qos(topic("here")).unwrap();
    there.set_qos(DomainParticipantQos::default().user_data(UserData(bytes("participant")))).unwrap();
    common::wait_for(|| publication().qos.topic_data.0 == b"there");
    common::wait_for(|| subscription().qos.topic_data.0 == b"here");
    let (publication, subscription) = (publication(), subscription());
    assert_eq!(
        (&publication.qos.user_data.0, &publication.qos.group_data.0),
        (&bytes("writer"), &bytes("publisher"))
    );
    assert_eq!(
        (&subscription.qos.user_data.0, &subscription.qos.group_data.0),
        (&bytes("reader"), &bytes("subscriber"))
    );
    common::wait_for(|| here.discovered_participants()[0].user_data.0 == b"participant");
    assert_eq!(reader.subscription_matched_status().total_count, 1, "the match was kept all the while");
}
