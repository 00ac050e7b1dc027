//! Types that differ: whether endpoints match, what is said, and what arrives.

mod common;

use std::sync::Arc;

use common::{rough, seconds, simulation};
use dds_core::{
    DdsType, DomainParticipant, ParticipantConfig, Verdicts,
    qos::{TypeConsistencyEnforcement, TypeConsistencyKind},
    rtps::participant::{Problem, Verdict},
    types::{
        TopicType,
        assignability::DifferenceKind,
        dynamic::{DynamicType, DynamicValue},
    },
};
use dds_sim::Simulation;

/// The first verdict that each of two sides comes to.
fn first_of_each(sim: &Simulation, mut verdicts: [Verdicts; 2]) -> Vec<Arc<Verdict>> {
    let mut told = [None, None];
    let both = || {
        for (told, verdicts) in told.iter_mut().zip(&mut verdicts) {
            *told = told.take().or_else(|| verdicts.next());
        }
        told.iter().all(Option::is_some)
    };
    assert!(sim.run_until(both, seconds(10)));
    told.into_iter().flatten().collect()
}

fn participant(sim: &Simulation) -> DomainParticipant {
    sim.participant(0)
}

mod old {
    use dds_core::DdsType;

    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(name = "Reading", extensibility = "appendable")]
    pub struct Reading {
        #[dds(key)]
        pub sensor: u32,
        pub value: f64,
    }
}

mod new {
    use dds_core::DdsType;

    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(name = "Reading", extensibility = "appendable")]
    pub struct Reading {
        #[dds(key)]
        pub sensor: u32,
        pub value: f64,
        #[dds(default_value = 42)]
        pub quality: u16,
    }
}

mod wrong {
    use dds_core::DdsType;

    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(name = "Reading", extensibility = "appendable")]
    pub struct Reading {
        #[dds(key)]
        pub sensor: u32,
        pub value: i64,
    }
}

#[derive(DdsType, Clone, Debug, PartialEq)]
#[dds(name = "another::Name", extensibility = "appendable")]
struct Renamed {
    #[dds(key)]
    sensor: u32,
    value: f64,
}

#[test]
fn assignable_types_match_and_are_coerced() {
    let sim = simulation(41, rough());
    let participant = participant(&sim);
    let writer = participant.topic::<old::Reading>("Readings").unwrap().writer().reliable().build().unwrap();
    let reader = participant.topic::<new::Reading>("Readings").unwrap().reader().reliable().build().unwrap();
    assert_eq!(writer.matched_subscriptions().len(), 1);
    writer.write(&old::Reading { sensor: 1, value: 0.5 }).unwrap();
    sim.block_on(writer.acknowledgments());
    let samples = reader.take().unwrap();
    let read: Vec<_> = samples.iter().filter_map(|sample| sample.data()).collect();
    assert_eq!(read, [&new::Reading { sensor: 1, value: 0.5, quality: 42 }]);
}

#[test]
fn types_that_are_not_assignable_are_told_with_the_member() {
    let sim = simulation(42, rough());
    let participant = participant(&sim);
    let mut verdicts = participant.verdicts();
    let topic = participant.topic::<old::Reading>("Readings").unwrap();
    let writer = topic.writer().reliable().build().unwrap();
    let reader =
        participant.topic::<wrong::Reading>("Readings").unwrap().reader().reliable().build().unwrap();
    assert!(writer.matched_subscriptions().is_empty() && reader.matched_publications().is_empty());
    assert_eq!(topic.inconsistent_topic_status().total_count, 2, "once for each end");
    for verdict in [verdicts.next().unwrap(), verdicts.next().unwrap()] {
        let [Problem::Type(difference)] = &verdict.problems[..] else { panic!("{verdict}") };
        assert_eq!((difference.path.as_str(), &difference.kind), ("value", &DifferenceKind::Incompatible));
        assert_eq!((difference.reader.as_str(), difference.writer.as_str()), ("int64", "double"));
        let text = "member value: the reader's type is int64, the writer's double; make them equal";
        assert!(verdict.to_string().ends_with(text), "{verdict}");
    }
}

/// A reader with this policy, and whether it matches a writer of `W`.
fn matches<W: TopicType, R: TopicType>(seed: u64, policy: TypeConsistencyEnforcement) -> bool {
    let sim = simulation(seed, rough());
    matches_in::<W, R>(&participant(&sim), policy)
}

fn matches_in<W: TopicType, R: TopicType>(
    participant: &DomainParticipant,
    policy: TypeConsistencyEnforcement,
) -> bool {
    let topic = participant.topic::<W>("Readings").unwrap();
    let writer = topic.writer().reliable().build().unwrap();
    let topic = participant.create_topic_as::<R>("Readings", &W::type_name(), Default::default()).unwrap();
    let _reader = topic.reader().reliable().type_consistency(policy).build().unwrap();
    !writer.matched_subscriptions().is_empty()
}

#[test]
fn the_reader_says_how_far_types_may_differ() {
    let policy = TypeConsistencyEnforcement::default();
    assert!(matches::<new::Reading, old::Reading>(43, policy.clone()));
    let narrow = TypeConsistencyEnforcement { prevent_type_widening: true, ..policy.clone() };
    assert!(!matches::<new::Reading, old::Reading>(44, narrow.clone()), "the writer's type is wider");
    assert!(matches::<old::Reading, new::Reading>(45, narrow));
    let equal = TypeConsistencyEnforcement { kind: TypeConsistencyKind::DisallowTypeCoercion, ..policy };
    assert!(!matches::<new::Reading, old::Reading>(46, equal.clone()));
    assert!(matches::<old::Reading, old::Reading>(47, equal));
}

/// Types that differ in what one option is about.
mod apart {
    use dds_core::DdsType;

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub struct LongList {
        #[dds(bounded(20))]
        pub values: Vec<f32>,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub struct ShortList {
        #[dds(bounded(10))]
        pub values: Vec<f32>,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub struct LongText {
        #[dds(bounded(20))]
        pub text: String,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub struct ShortText {
        #[dds(bounded(10))]
        pub text: String,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub struct Angle {
        pub angle: i32,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub struct Angulo {
        pub angulo: i32,
    }
}

#[test]
fn bounds_and_names_count_where_the_reader_says_so() {
    let ignored = TypeConsistencyEnforcement::default();
    let bounded = TypeConsistencyEnforcement { ignore_sequence_bounds: false, ..ignored.clone() };
    assert!(matches::<apart::LongList, apart::ShortList>(60, ignored.clone()));
    assert!(!matches::<apart::LongList, apart::ShortList>(61, bounded.clone()));
    assert!(matches::<apart::ShortList, apart::LongList>(62, bounded.clone()), "what is shorter fits");
    assert!(matches::<apart::LongText, apart::ShortText>(63, bounded), "no sequence");
    let bounded = TypeConsistencyEnforcement { ignore_string_bounds: false, ..ignored.clone() };
    assert!(matches::<apart::LongText, apart::ShortText>(64, ignored.clone()));
    assert!(!matches::<apart::LongText, apart::ShortText>(65, bounded.clone()));
    assert!(matches::<apart::ShortText, apart::LongText>(66, bounded.clone()), "what is shorter fits");
    assert!(matches::<apart::LongList, apart::ShortList>(67, bounded), "no string");
    let by_id = TypeConsistencyEnforcement { ignore_member_names: true, ..ignored.clone() };
    assert!(!matches::<apart::Angle, apart::Angulo>(68, ignored));
    assert!(matches::<apart::Angle, apart::Angulo>(69, by_id));
}

#[test]
fn who_wants_types_validated_refuses_who_does_not_tell_its_own() {
    let policy = TypeConsistencyEnforcement::default();
    let force = TypeConsistencyEnforcement { force_type_validation: true, ..policy.clone() };
    let sim = simulation(70, rough());
    let config = ParticipantConfig { announce_types: false, ..ParticipantConfig::default() };
    let silent = sim.participant_with(sim.host(), 0, |builder| builder.config(config)).unwrap();
    assert!(matches_in::<apart::Angle, apart::Angle>(&silent, policy), "their names are equal");
    assert!(!matches_in::<apart::Angle, apart::Angle>(&silent, force.clone()));
    assert!(matches::<apart::Angle, apart::Angle>(72, force), "it is told");
}

/// Between participants equal hashes are enough, also for who wants types validated.
#[test]
fn equal_types_match_across_the_network() {
    let sim = simulation(48, rough());
    let (one, two) = (participant(&sim), participant(&sim));
    let writer = one.topic::<old::Reading>("Readings").unwrap().writer().reliable().build().unwrap();
    let force = TypeConsistencyEnforcement { force_type_validation: true, ..Default::default() };
    let topic = two.topic::<old::Reading>("Readings").unwrap();
    let reader = topic.reader().reliable().type_consistency(force).build().unwrap();
    let both = || reader.matched_publications().len() == 1 && writer.matched_subscriptions().len() == 1;
    assert!(sim.run_until(both, seconds(10)));
}

/// Names of types are not compared where the types themselves are.
#[test]
fn equal_types_of_other_names_match() {
    let sim = simulation(49, rough());
    let (one, two) = (participant(&sim), participant(&sim));
    let _writer = one.topic::<old::Reading>("Readings").unwrap().writer().reliable().build().unwrap();
    let reader = two.topic::<Renamed>("Readings").unwrap().reader().reliable().build().unwrap();
    assert!(sim.run_until(|| reader.matched_publications().len() == 1, seconds(10)));
}

mod small {
    use dds_core::DdsType;

    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(name = "Level")]
    pub struct Octet {
        #[dds(octet)]
        pub level: u8,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(name = "Level")]
    pub struct Integer {
        pub level: u8,
    }
}

/// Participants of ours tell each other of kinds that not every implementation bears to hear of.
#[test]
fn eight_bit_integers_are_told_to_ours_and_are_no_octets() {
    let sim = simulation(71, rough());
    let (one, two) = (participant(&sim), participant(&sim));
    let verdicts = [one.verdicts(), two.verdicts()];
    let writer = one.topic::<small::Integer>("Levels").unwrap().writer().reliable().build().unwrap();
    let force = TypeConsistencyEnforcement { force_type_validation: true, ..Default::default() };
    let topic = two.topic::<small::Integer>("Levels").unwrap();
    let equal = topic.reader().reliable().type_consistency(force).build().unwrap();
    assert!(sim.run_until(|| equal.matched_publications().len() == 1, seconds(10)));
    let topic = two.create_topic_as::<small::Octet>("Levels", "Level", Default::default()).unwrap();
    let other = topic.reader().reliable().build().unwrap();
    for verdict in first_of_each(&sim, verdicts) {
        let [Problem::Type(difference)] = &verdict.problems[..] else { panic!("{verdict}") };
        assert_eq!((difference.path.as_str(), &difference.kind), ("level", &DifferenceKind::Incompatible));
    }
    assert_eq!((writer.matched_subscriptions().len(), other.matched_publications().len()), (1, 0));
}

/// The reader's side asks the writer's for its type, and the other way round.
#[test]
fn types_that_differ_are_looked_up_and_compared() {
    let sim = simulation(50, rough());
    let (one, two) = (participant(&sim), participant(&sim));
    let writer = one.topic::<old::Reading>("Readings").unwrap().writer().reliable().build().unwrap();
    let force = TypeConsistencyEnforcement { force_type_validation: true, ..Default::default() };
    let topic = two.topic::<new::Reading>("Readings").unwrap();
    let reader = topic.reader().reliable().type_consistency(force).build().unwrap();
    let both = || reader.matched_publications().len() == 1 && writer.matched_subscriptions().len() == 1;
    assert!(sim.run_until(both, seconds(10)));
    writer.write(&old::Reading { sensor: 1, value: 0.5 }).unwrap();
    sim.block_on(writer.acknowledgments());
    let samples = reader.take().unwrap();
    assert_eq!(samples[0].data(), Some(&new::Reading { sensor: 1, value: 0.5, quality: 42 }));
}

#[test]
fn both_ends_learn_the_member_that_differs() {
    let sim = simulation(51, rough());
    let (one, two) = (participant(&sim), participant(&sim));
    let verdicts = [one.verdicts(), two.verdicts()];
    let writer = one.topic::<old::Reading>("Readings").unwrap().writer().reliable().build().unwrap();
    let reader = two.topic::<wrong::Reading>("Readings").unwrap().reader().reliable().build().unwrap();
    for verdict in first_of_each(&sim, verdicts) {
        let text = "member value: the reader's type is int64, the writer's double; make them equal";
        assert!(verdict.to_string().ends_with(text), "{verdict}");
    }
    assert!(writer.matched_subscriptions().is_empty() && reader.matched_publications().is_empty());
}

mod parts {
    use dds_core::DdsType;

    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(extensibility = "appendable")]
    pub struct Point {
        pub x: f32,
        pub y: f32,
    }

    #[derive(DdsType, Clone, Debug, PartialEq)]
    pub enum Kind {
        Leaf,
        Branch,
    }

    /// Contains itself.
    #[derive(DdsType, Clone, Debug, PartialEq)]
    #[dds(extensibility = "mutable")]
    pub struct Tree {
        #[dds(key)]
        pub id: u32,
        pub kind: Kind,
        pub at: Vec<Point>,
        pub below: Vec<Tree>,
    }
}

#[test]
fn any_topic_is_read_without_its_rust_type() {
    let sim = simulation(52, rough());
    let (one, two) = (participant(&sim), participant(&sim));
    let topic = one.topic::<parts::Tree>("Trees").unwrap();
    let writer = topic.writer().reliable().transient_local().build().unwrap();
    let leaf = parts::Tree { id: 2, kind: parts::Kind::Leaf, at: vec![], below: vec![] };
    let at = vec![parts::Point { x: 1.0, y: 2.0 }];
    writer.write(&parts::Tree { id: 1, kind: parts::Kind::Branch, at, below: vec![leaf] }).unwrap();

    let found = sim.block_on(two.discover_type_async("Trees")).unwrap();
    assert_eq!(found, DynamicType::of::<parts::Tree>().unwrap());
    let topic = two.dynamic_topic("Trees", &found).unwrap();
    let reader = topic.reader().reliable().transient_local().build().unwrap();
    assert!(sim.run_until(|| !reader.matched_publications().is_empty(), seconds(10)));
    sim.block_on(reader.data_available());
    let samples = reader.take().unwrap();
    let data = samples[0].data().unwrap();
    assert_eq!(data.get("at[0].y"), Ok(Some(DynamicValue::Float32(2.0))));
    assert_eq!(data.get("below[0].id"), Ok(Some(DynamicValue::UInt32(2))));
    assert_eq!(data.dynamic_type(), &found);
}
