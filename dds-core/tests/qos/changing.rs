//! What keeps endpoints apart, what may change and what may not: every policy of the table.

use std::collections::BTreeSet;

use dds_core::{error::DdsError, status::StatusMask, types::DataRepresentationId};
use dds_qos::{
    AccessScope, Changeable, DataReaderQos, DataRepresentation, DataWriterQos, Deadline, DestinationOrder,
    DestinationOrderKind, DomainParticipantQos, Durability, DurabilityKind, DurabilityService, Duration,
    EntityFactory, GroupData, History, HistoryKind, LatencyBudget, Lifespan, Limit, Liveliness,
    LivelinessKind, Ownership, OwnershipKind, OwnershipStrength, POLICIES, Partition, PolicyId, Presentation,
    PublisherQos, ReaderDataLifecycle, Reliability, ReliabilityKind, ResourceLimits, SubscriberQos,
    TimeBasedFilter, TopicData, TopicQos, TransportPriority, TypeConsistencyEnforcement, UserData,
    WriterDataLifecycle,
};

use crate::world::{Reading, Two, World, meet, millis, reading, take, two};

const SECOND: Duration = Duration::from_secs(1);

fn reliability(kind: ReliabilityKind) -> Reliability {
    Reliability { kind, ..Reliability::default() }
}

fn names(names: &[&str]) -> Partition {
    Partition(names.iter().map(|name| (*name).to_owned()).collect())
}

/// Offers and requests that differ from each other.
#[derive(Clone, Default)]
struct Contract {
    writer: DataWriterQos,
    publisher: PublisherQos,
    reader: DataReaderQos,
    subscriber: SubscriberQos,
}

/// For each policy with a rule, a pair that breaks that one alone.
fn broken() -> Vec<(PolicyId, Contract)> {
    let group = Presentation { access_scope: AccessScope::Group, ..Presentation::default() };
    let with = |change: &dyn Fn(&mut Contract)| {
        let mut contract = Contract::default();
        change(&mut contract);
        contract
    };
    vec![
        (PolicyId::Durability, with(&|c| c.reader.durability = Durability(DurabilityKind::TransientLocal))),
        (PolicyId::Presentation, with(&|c| c.subscriber.presentation = group.clone())),
        (PolicyId::Deadline, with(&|c| c.reader.deadline = Deadline(SECOND))),
        (PolicyId::LatencyBudget, with(&|c| c.writer.latency_budget = LatencyBudget(SECOND))),
        (PolicyId::Ownership, with(&|c| c.writer.ownership = Ownership(OwnershipKind::Exclusive))),
        (PolicyId::Liveliness, with(&|c| c.reader.liveliness.kind = LivelinessKind::ManualByTopic)),
        (
            PolicyId::Reliability,
            with(&|c| {
                c.writer.reliability = reliability(ReliabilityKind::BestEffort);
                c.reader.reliability = reliability(ReliabilityKind::Reliable);
            }),
        ),
        (
            PolicyId::DestinationOrder,
            with(&|c| c.reader.destination_order = DestinationOrder(DestinationOrderKind::BySourceTimestamp)),
        ),
        (
            PolicyId::DataRepresentation,
            with(&|c| {
                c.writer.data_representation = DataRepresentation(vec![DataRepresentationId::XCDR]);
                c.reader.data_representation = DataRepresentation(vec![DataRepresentationId::XCDR2]);
            }),
        ),
    ]
}

pub fn every_rule_is_reported_on_both_sides(world: &dyn World) {
    let cases = broken();
    let with_rule: BTreeSet<_> =
        POLICIES.iter().filter(|row| !row.rules.is_empty()).map(|row| row.id).collect();
    assert_eq!(cases.iter().map(|(policy, _)| *policy).collect::<BTreeSet<_>>(), with_rule);
    let (one, two) = (world.participant(), world.participant());
    for (policy, contract) in cases {
        // Names of their own, so that no pair meets another's remains.
        let topic = |participant: &dds_core::DomainParticipant| {
            participant.topic::<Reading>(&format!("{policy:?}")).unwrap()
        };
        let (here, there) = (topic(&one), topic(&two));
        let publisher = here.participant().create_publisher(contract.publisher).unwrap();
        let subscriber = there.participant().create_subscriber(contract.subscriber).unwrap();
        let writer = publisher.create_writer(&here, contract.writer).unwrap();
        let reader = subscriber.create_reader(&there, contract.reader).unwrap();
        let told = StatusMask::OFFERED_INCOMPATIBLE_QOS;
        world.until("the writer's side is told", &mut || writer.status_changes().contains(told));
        let told = StatusMask::REQUESTED_INCOMPATIBLE_QOS;
        world.until("the reader's side is told", &mut || reader.status_changes().contains(told));
        let (offered, requested) =
            (writer.offered_incompatible_qos_status(), reader.requested_incompatible_qos_status());
        for status in [&offered, &requested] {
            assert_eq!((status.total_count, status.last_policy_id), (1, Some(policy)));
            assert_eq!(status.policies.iter().map(|one| one.policy_id).collect::<Vec<_>>(), [policy]);
        }
        assert!(writer.matched_subscriptions().is_empty() && reader.matched_publications().is_empty());
    }
}

pub fn policies_without_a_rule_keep_nobody_apart(world: &dyn World) {
    let Two { here, there } = two(world);
    let limits = ResourceLimits { max_samples: Limit::Finite(500), ..ResourceLimits::default() };
    let bytes = || b"different".to_vec();
    let writer = DataWriterQos {
        user_data: UserData(bytes()),
        ownership_strength: OwnershipStrength(0),
        history: History { kind: HistoryKind::KeepAll, depth: 1 },
        resource_limits: limits,
        writer_data_lifecycle: WriterDataLifecycle { autodispose_unregistered_instances: false },
        transport_priority: TransportPriority(7),
        lifespan: Lifespan(Duration::from_secs(100)),
        durability_service: DurabilityService { history_depth: 9, ..DurabilityService::default() },
        ..DataWriterQos::default()
    };
    let reader = DataReaderQos {
        time_based_filter: TimeBasedFilter(Duration::from_nanos(1)),
        reader_data_lifecycle: ReaderDataLifecycle {
            autopurge_disposed_samples_delay: SECOND,
            ..ReaderDataLifecycle::default()
        },
        type_consistency: TypeConsistencyEnforcement {
            ignore_member_names: true,
            ..TypeConsistencyEnforcement::default()
        },
        ..DataReaderQos::default()
    };
    let publisher = PublisherQos {
        group_data: GroupData(bytes()),
        partition: names(&["some*"]),
        entity_factory: EntityFactory::default(),
        ..PublisherQos::default()
    };
    let subscriber = SubscriberQos { partition: names(&["something"]), ..SubscriberQos::default() };
    here.set_qos(TopicQos { topic_data: TopicData(bytes()), ..TopicQos::default() }).unwrap();
    let publisher = here.participant().create_publisher(publisher).unwrap();
    let subscriber = there.participant().create_subscriber(subscriber).unwrap();
    let writer = publisher.create_writer(&here, writer).unwrap();
    let reader = subscriber.create_reader(&there, reader).unwrap();
    meet(world, &writer, &reader);
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(take(world, &reader, 1), [1]);
}

pub fn policies_that_may_change_do_and_are_seen(world: &dyn World) {
    let Two { here, there } = two(world);
    let writer = here.writer().reliable().deadline(SECOND).build().unwrap();
    let reader = there.reader().reliable().build().unwrap();
    meet(world, &writer, &reader);
    let bytes = |text: &str| text.as_bytes().to_vec();
    let changed = DataWriterQos {
        user_data: UserData(bytes("writer")),
        deadline: Deadline(Duration::from_millis(500)),
        latency_budget: LatencyBudget(Duration::ZERO),
        ownership_strength: OwnershipStrength(4),
        lifespan: Lifespan(Duration::from_secs(50)),
        transport_priority: TransportPriority(9),
        writer_data_lifecycle: WriterDataLifecycle { autodispose_unregistered_instances: false },
        ..writer.qos()
    };
    writer.set_qos(changed.clone()).unwrap();
    assert_eq!(writer.qos(), changed);
    let asking = DataReaderQos {
        user_data: UserData(bytes("reader")),
        deadline: Deadline(Duration::from_secs(60)),
        latency_budget: LatencyBudget(SECOND),
        time_based_filter: TimeBasedFilter(Duration::from_millis(1)),
        reader_data_lifecycle: ReaderDataLifecycle {
            autopurge_disposed_samples_delay: SECOND,
            autopurge_nowriter_samples_delay: SECOND,
        },
        ..reader.qos()
    };
    reader.set_qos(asking.clone()).unwrap();
    assert_eq!(reader.qos(), asking);
    // The topic first: its change announces the writer anew with all that was set before.
    let topic_data = TopicData(bytes("topic"));
    here.set_qos(TopicQos { topic_data: topic_data.clone(), ..TopicQos::default() }).unwrap();
    let factory = EntityFactory { autoenable_created_entities: false };
    let (group, partition) = (GroupData(bytes("group")), names(&["new"]));
    let publisher = PublisherQos {
        group_data: group.clone(),
        partition: partition.clone(),
        entity_factory: factory.clone(),
        ..PublisherQos::default()
    };
    writer.publisher().set_qos(publisher).unwrap();
    let subscriber = SubscriberQos {
        group_data: group.clone(),
        partition: partition.clone(),
        entity_factory: factory.clone(),
        ..SubscriberQos::default()
    };
    reader.subscriber().set_qos(subscriber).unwrap();
    let participant =
        DomainParticipantQos { user_data: UserData(bytes("participant")), entity_factory: factory };
    here.participant().set_qos(participant.clone()).unwrap();

    let offered = || {
        let handle = there.participant().discovered_handle(writer.guid());
        reader.matched_publication_data(handle).ok()
    };
    world.until("the reader's side sees all of it", &mut || {
        offered().is_some_and(|data| {
            let qos = &data.qos;
            qos.user_data == changed.user_data
                && qos.deadline == changed.deadline
                && qos.latency_budget == changed.latency_budget
                && qos.ownership_strength == changed.ownership_strength
                && qos.lifespan == changed.lifespan
                && qos.group_data == group
                && qos.partition == partition
                && qos.topic_data == topic_data
        })
    });
    world.until("the writer's side sees all of it", &mut || {
        let handle = here.participant().discovered_handle(reader.guid());
        writer.matched_subscription_data(handle).is_ok_and(|data| {
            let qos = &data.qos;
            qos.user_data == asking.user_data
                && qos.deadline == asking.deadline
                && qos.latency_budget == asking.latency_budget
                && qos.time_based_filter == asking.time_based_filter
                && qos.group_data == group
                && qos.partition == partition
        })
    });
    world.until("the participant's too", &mut || {
        let handle = there.participant().discovered_handle(here.participant().guid());
        let data = there.participant().discovered_participant_data(handle);
        data.is_ok_and(|data| data.user_data == participant.user_data)
    });
    // What is made from now on is not enabled by itself.
    assert!(!writer.publisher().create_writer(&here, DataWriterQos::default()).unwrap().is_enabled());
    assert!(!here.participant().create_publisher(PublisherQos::default()).unwrap().is_enabled());
}

pub fn policies_fixed_by_enabling_are_refused(world: &dyn World) {
    let topic = world.participant().topic::<Reading>("Fixed").unwrap();
    let (writer, reader) = (topic.writer().build().unwrap(), topic.reader().build().unwrap());
    let (of_writer, of_reader) = (writer.qos(), reader.qos());
    let order = DestinationOrder(DestinationOrderKind::BySourceTimestamp);
    let deep = History { kind: HistoryKind::KeepLast, depth: 3 };
    let limits = ResourceLimits { max_instances: Limit::Finite(5), ..ResourceLimits::default() };
    let durability = Durability(DurabilityKind::TransientLocal);
    let liveliness = Liveliness { kind: LivelinessKind::Automatic, lease_duration: SECOND };
    let exclusive = Ownership(OwnershipKind::Exclusive);
    let xcdr2 = DataRepresentation(vec![DataRepresentationId::XCDR2]);
    let service = DurabilityService { history_depth: 3, ..DurabilityService::default() };
    let names = TypeConsistencyEnforcement { ignore_member_names: true, ..Default::default() };
    let of = |result: Result<(), DdsError>| match result {
        Err(DdsError::ImmutablePolicy { policy, .. }) => policy,
        other => panic!("{other:?}"),
    };
    let presentation = Presentation { ordered_access: true, ..Presentation::default() };
    let refused: BTreeSet<_> = [
        of(writer.set_qos(of_writer.clone().durability(durability.clone()))),
        of(writer.set_qos(of_writer.clone().durability_service(service))),
        of(writer.set_qos(of_writer.clone().ownership(exclusive.clone()))),
        of(writer.set_qos(of_writer.clone().liveliness(liveliness.clone()))),
        of(writer.set_qos(of_writer.clone().reliability(reliability(ReliabilityKind::BestEffort)))),
        of(writer.set_qos(of_writer.clone().destination_order(order.clone()))),
        of(writer.set_qos(of_writer.clone().history(deep.clone()))),
        of(writer.set_qos(of_writer.clone().resource_limits(limits.clone()))),
        of(writer.set_qos(of_writer.clone().data_representation(xcdr2.clone()))),
        of(reader.set_qos(of_reader.clone().durability(durability))),
        of(reader.set_qos(of_reader.clone().ownership(exclusive))),
        of(reader.set_qos(of_reader.clone().liveliness(liveliness))),
        of(reader.set_qos(of_reader.clone().reliability(reliability(ReliabilityKind::Reliable)))),
        of(reader.set_qos(of_reader.clone().destination_order(order))),
        of(reader.set_qos(of_reader.clone().history(deep))),
        of(reader.set_qos(of_reader.clone().resource_limits(limits))),
        of(reader.set_qos(of_reader.clone().data_representation(xcdr2))),
        of(reader.set_qos(of_reader.clone().type_consistency(names))),
        of(writer.publisher().set_qos(PublisherQos::default().presentation(presentation.clone()))),
        of(reader.subscriber().set_qos(SubscriberQos::default().presentation(presentation))),
    ]
    .into();
    let fixed = POLICIES.iter().filter(|row| row.changeable == Changeable::BeforeEnable).map(|row| row.id);
    assert_eq!(refused, fixed.collect());
    assert_eq!((writer.qos(), reader.qos()), (of_writer, of_reader), "nothing of it was taken over");
}

pub fn partitions_match_by_wildcard_and_change(world: &dyn World) {
    let Two { here, there } = two(world);
    let writer = here.writer().partition("building/3/room").build().unwrap();
    let reader = there.reader().reliable().partition("building/4/*").build().unwrap();
    let matching = there.reader().reliable().partition("*/[0-3]/*").build().unwrap();
    meet(world, &writer, &matching);
    assert!(reader.matched_publications().is_empty());
    reader
        .subscriber()
        .set_qos(SubscriberQos::default().partition(names(&["x", "building/?/room"])))
        .unwrap();
    meet(world, &writer, &reader);
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(take(world, &reader, 1), [1]);
    writer.publisher().set_qos(PublisherQos::default()).unwrap();
    world.until("no partition in common", &mut || {
        reader.matched_publications().is_empty() && matching.matched_publications().is_empty()
    });
    assert_eq!(reader.subscription_matched_status().current_count, 0);
    assert!(
        reader.requested_incompatible_qos_status().policies.is_empty(),
        "partitions are no incompatible QoS"
    );
}

pub fn a_writer_offers_one_representation_and_a_reader_several(world: &dyn World) {
    let Two { here, there } = two(world);
    let both = [DataRepresentationId::XCDR2, DataRepresentationId::XCDR];
    let qos = DataWriterQos::default().data_representation(DataRepresentation(both.to_vec()));
    let refused = here.writer().qos(qos).build().unwrap_err();
    assert!(refused.to_string().contains("exactly one"), "{refused}");
    let several = there.reader().reliable().keep_all().representations(both).build().unwrap();
    let one = there.reader().reliable().representations([DataRepresentationId::XCDR]).build().unwrap();
    let old = here.writer().representation(DataRepresentationId::XCDR).build().unwrap();
    let new = here.writer().representation(DataRepresentationId::XCDR2).build().unwrap();
    meet(world, &old, &several);
    meet(world, &new, &several);
    meet(world, &old, &one);
    world.until("the other pair is told", &mut || {
        one.requested_incompatible_qos_status().last_policy_id == Some(PolicyId::DataRepresentation)
    });
    old.write(&reading(1, 1)).unwrap();
    assert_eq!(take(world, &several, 1), [1]);
    new.write(&reading(1, 2)).unwrap();
    assert_eq!(take(world, &several, 1), [2]);
    assert_eq!(take(world, &one, 1), [1]);
}

pub fn a_deadline_changed_to_unfit_ends_the_match(world: &dyn World) {
    let Two { here, there } = two(world);
    let writer = here.writer().deadline(SECOND).build().unwrap();
    let reader = there.reader().reliable().deadline(SECOND).build().unwrap();
    meet(world, &writer, &reader);
    writer.set_qos(writer.qos().deadline(Deadline(Duration::from_secs(2)))).unwrap();
    world.until("they part", &mut || {
        reader.matched_publications().is_empty() && writer.matched_subscriptions().is_empty()
    });
    let told = |policy| policy == Some(PolicyId::Deadline);
    world.until("both are told why", &mut || {
        told(reader.requested_incompatible_qos_status().last_policy_id)
            && told(writer.offered_incompatible_qos_status().last_policy_id)
    });
    reader.set_qos(reader.qos().deadline(Deadline(millis(2_500).into()))).unwrap();
    meet(world, &writer, &reader);
    writer.write(&reading(1, 1)).unwrap();
    assert_eq!(take(world, &reader, 1), [1]);
}
