//! The table against the standard's own lists.

use crate::{Changeable, DataWriterQos, Duration, History, Liveliness, POLICIES, PolicyId, Reliability};
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

/// DDS 1.4 §2.3.3, the `…_QOS_POLICY_ID` constants, and XTypes 1.3 Annex D for the last two.
const IDS: &[(i32, &str)] = &[
    (1, "USER_DATA"),
    (2, "DURABILITY"),
    (3, "PRESENTATION"),
    (4, "DEADLINE"),
    (5, "LATENCY_BUDGET"),
    (6, "OWNERSHIP"),
    (7, "OWNERSHIP_STRENGTH"),
    (8, "LIVELINESS"),
    (9, "TIME_BASED_FILTER"),
    (10, "PARTITION"),
    (11, "RELIABILITY"),
    (12, "DESTINATION_ORDER"),
    (13, "HISTORY"),
    (14, "RESOURCE_LIMITS"),
    (15, "ENTITY_FACTORY"),
    (16, "WRITER_DATA_LIFECYCLE"),
    (17, "READER_DATA_LIFECYCLE"),
    (18, "TOPIC_DATA"),
    (19, "GROUP_DATA"),
    (20, "TRANSPORT_PRIORITY"),
    (21, "LIFESPAN"),
    (22, "DURABILITY_SERVICE"),
    (23, "DATA_REPRESENTATION"),
    (24, "TYPE_CONSISTENCY_ENFORCEMENT"),
];

#[test]
fn every_policy_has_its_number_and_name() {
    let mut rows: Vec<_> = POLICIES.iter().map(|row| (row.id.as_i32(), row.name)).collect();
    rows.sort_unstable();
    assert_eq!(rows, IDS);
    for (number, name) in IDS {
        let id = PolicyId::from_i32(*number).unwrap();
        assert_eq!((id.as_i32(), id.name()), (*number, *name));
    }
    assert_eq!(PolicyId::from_i32(0), None);
    assert_eq!(PolicyId::from_i32(25), None);
}

#[test]
fn every_policy_has_its_parameter() {
    // RTPS 2.5 Table 9.14 (PID values) and XTypes 1.3 §7.6.2.2.
    let parameters = [
        ("USER_DATA", 0x002c),
        ("TOPIC_DATA", 0x002e),
        ("GROUP_DATA", 0x002d),
        ("DURABILITY", 0x001d),
        ("DURABILITY_SERVICE", 0x001e),
        ("DEADLINE", 0x0023),
        ("LATENCY_BUDGET", 0x0027),
        ("LIVELINESS", 0x001b),
        ("RELIABILITY", 0x001a),
        ("LIFESPAN", 0x002b),
        ("DESTINATION_ORDER", 0x0025),
        ("HISTORY", 0x0040),
        ("RESOURCE_LIMITS", 0x0041),
        ("OWNERSHIP", 0x001f),
        ("OWNERSHIP_STRENGTH", 0x0006),
        ("PRESENTATION", 0x0021),
        ("PARTITION", 0x0029),
        ("TIME_BASED_FILTER", 0x0004),
        ("TRANSPORT_PRIORITY", 0x0049),
        ("DATA_REPRESENTATION", 0x0073),
        ("TYPE_CONSISTENCY_ENFORCEMENT", 0x0074),
    ];
    let found: BTreeSet<_> =
        POLICIES.iter().filter_map(|row| Some((row.name, row.parameter_id?.0))).collect();
    assert_eq!(found, BTreeSet::from(parameters));
}

#[test]
fn changeable_policies_are_those_of_the_standard() {
    let immutable: BTreeSet<_> = POLICIES
        .iter()
        .filter(|row| row.changeable == Changeable::BeforeEnable)
        .map(|row| row.name)
        .collect();
    let expected = [
        "DURABILITY",
        "DURABILITY_SERVICE",
        "PRESENTATION",
        "OWNERSHIP",
        "LIVELINESS",
        "RELIABILITY",
        "DESTINATION_ORDER",
        "HISTORY",
        "RESOURCE_LIMITS",
        "DATA_REPRESENTATION",
        "TYPE_CONSISTENCY_ENFORCEMENT",
    ];
    assert_eq!(immutable, BTreeSet::from(expected));
}

#[test]
fn changing_reports_every_immutable_policy_and_no_other() {
    let old = DataWriterQos::default();
    let new = DataWriterQos::default()
        .reliability(Reliability::BEST_EFFORT)
        .history(History::keep_last(7))
        .deadline(crate::Deadline(Duration::from_secs(1)))
        .user_data(crate::UserData(b"x".to_vec()));
    let refused = old.check_changeable(&new).unwrap_err();
    let policies: Vec<_> = refused.iter().map(|refusal| refusal.policy).collect();
    assert_eq!(policies, [PolicyId::Reliability, PolicyId::History]);
    assert_eq!(refused[1].current, "kind=KEEP_LAST, depth=1");
    assert_eq!(refused[1].refused, "kind=KEEP_LAST, depth=7");
    assert_eq!(old.check_changeable(&old), Ok(()));
}

#[test]
fn defaults_are_those_of_the_standard() {
    let writer = DataWriterQos::default();
    let reader = crate::DataReaderQos::default();
    assert_eq!(writer.reliability, Reliability::RELIABLE);
    assert_eq!(writer.reliability.max_blocking_time, Duration::from_millis(100));
    assert_eq!(reader.reliability.kind, crate::ReliabilityKind::BestEffort);
    assert_eq!(writer.history, History::keep_last(1));
    assert_eq!(reader.history, History::keep_last(1));
    assert_eq!(writer.durability, crate::Durability::VOLATILE);
    assert_eq!(writer.liveliness, Liveliness::default());
    assert!(writer.liveliness.lease_duration.is_infinite());
    assert!(writer.writer_data_lifecycle.autodispose_unregistered_instances);
    assert!(crate::DomainParticipantQos::default().entity_factory.autoenable_created_entities);
    assert!(reader.type_consistency.ignore_string_bounds);
    assert!(!reader.type_consistency.ignore_member_names);
}
