//! Request/offered rules over all pairs of values (DDS 1.4 §2.2.3).

use crate::*;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use dds_types::DataRepresentationId as Id;

/// A policy's name when exactly that one forbids the match, "" when nothing does.
fn verdict(
    offer: impl FnOnce(&mut PublicationQos),
    request: impl FnOnce(&mut SubscriptionQos),
) -> Vec<Incompatibility> {
    let mut offered = PublicationQos::default();
    offer(&mut offered);
    let mut requested = SubscriptionQos::default();
    request(&mut requested);
    incompatible_with(&offered, &requested)
}

fn policies(found: &[Incompatibility]) -> Vec<PolicyId> {
    found.iter().map(|found| found.policy).collect()
}

/// Every pair of `values`, written by `offer` and `request`, against the standard's rule.
macro_rules! matrix {
    ($test:ident: $field:ident $(.$part:tt)+ over $values:expr, $Policy:ident, compatible $rule:expr) => {
        #[test]
        fn $test() {
            let values = $values;
            for (offered_index, offered) in values.iter().enumerate() {
                for (requested_index, requested) in values.iter().enumerate() {
                    let found = verdict(
                        |qos| qos.$field$(.$part)+ = offered.clone(),
                        |qos| qos.$field$(.$part)+ = requested.clone(),
                    );
                    let rule: fn(usize, usize) -> bool = $rule;
                    let expected: &[PolicyId] =
                        if rule(offered_index, requested_index) { &[] } else { &[PolicyId::$Policy] };
                    assert_eq!(policies(&found), expected, "{offered:?} against {requested:?}");
                }
            }
        }
    };
}

matrix!(durability: durability.0 over [
    DurabilityKind::Volatile, DurabilityKind::TransientLocal, DurabilityKind::Transient, DurabilityKind::Persistent,
], Durability, compatible |offered, requested| offered >= requested);

matrix!(reliability: reliability.kind over [ReliabilityKind::BestEffort, ReliabilityKind::Reliable],
    Reliability, compatible |offered, requested| offered >= requested);

matrix!(destination_order: destination_order.0 over [
    DestinationOrderKind::ByReceptionTimestamp, DestinationOrderKind::BySourceTimestamp,
], DestinationOrder, compatible |offered, requested| offered >= requested);

matrix!(ownership: ownership.0 over [OwnershipKind::Shared, OwnershipKind::Exclusive],
    Ownership, compatible |offered, requested| offered == requested);

matrix!(liveliness_kind: liveliness.kind over [
    LivelinessKind::Automatic, LivelinessKind::ManualByParticipant, LivelinessKind::ManualByTopic,
], Liveliness, compatible |offered, requested| offered >= requested);

matrix!(liveliness_lease: liveliness.lease_duration over spans(),
    Liveliness, compatible |offered, requested| offered <= requested);

matrix!(deadline: deadline.0 over spans(), Deadline, compatible |offered, requested| offered <= requested);

matrix!(latency_budget: latency_budget.0 over spans(),
    LatencyBudget, compatible |offered, requested| offered <= requested);

matrix!(access_scope: presentation.access_scope over [AccessScope::Instance, AccessScope::Topic, AccessScope::Group],
    Presentation, compatible |offered, requested| offered >= requested);

matrix!(coherent_access: presentation.coherent_access over [false, true],
    Presentation, compatible |offered, requested| offered >= requested);

matrix!(ordered_access: presentation.ordered_access over [false, true],
    Presentation, compatible |offered, requested| offered >= requested);

// XTypes 1.3 §7.6.3.1.1: the writer's first in the reader's list, empty meaning [XCDR].
matrix!(data_representation: data_representation.0 over [
    vec![], vec![Id::XCDR], vec![Id::XCDR2], vec![Id::XCDR, Id::XCDR2], vec![Id::XCDR2, Id::XCDR], vec![Id::SERDE],
], DataRepresentation, compatible |offered, requested| {
    const FIRST: [usize; 6] = [0, 0, 2, 0, 2, 9];
    const LISTED: [&[usize]; 6] = [&[0], &[0], &[2], &[0, 2], &[0, 2], &[9]];
    LISTED[requested].contains(&FIRST[offered])
});

fn spans() -> [Duration; 4] {
    [Duration::from_nanos(1), Duration::from_millis(100), Duration::from_secs(3600), Duration::INFINITE]
}

#[test]
fn defaults_match() {
    assert_eq!(verdict(|_| {}, |_| {}), []);
}

#[test]
fn every_offender_is_reported_with_values_and_fix() {
    let found = verdict(
        |offered| {
            offered.reliability = Reliability::BEST_EFFORT;
            offered.deadline = Deadline(Duration::from_secs(2));
            offered.liveliness.lease_duration = Duration::from_secs(9);
        },
        |requested| {
            requested.reliability = Reliability::RELIABLE;
            requested.durability = Durability::TRANSIENT_LOCAL;
            requested.deadline = Deadline(Duration::from_secs(1));
            requested.liveliness =
                Liveliness { kind: LivelinessKind::ManualByTopic, lease_duration: Duration::from_secs(8) };
            requested.ownership = Ownership::EXCLUSIVE;
        },
    );
    assert_eq!(
        policies(&found),
        [
            PolicyId::Reliability,
            PolicyId::Deadline,
            PolicyId::Durability,
            PolicyId::Liveliness,
            PolicyId::Ownership,
        ]
    );
    assert_eq!(
        found[0].to_string(),
        "RELIABILITY: the writer offers kind=BEST_EFFORT, max_blocking_time=100ms, the reader requests \
         kind=RELIABLE, max_blocking_time=100ms; request kind BEST_EFFORT at the reader, or offer kind \
         RELIABLE at the writer"
    );
    assert_eq!(found[1].fix, "request 2s at the reader, or offer 1s at the writer");
    assert!(found[3].fix.contains("kind MANUAL_BY_TOPIC"), "both parts of a policy: {}", found[3].fix);
    assert!(found[3].fix.contains("lease_duration 9s"), "both parts of a policy: {}", found[3].fix);
}

#[test]
fn the_fix_of_a_representation_names_both_sides() {
    let found = verdict(
        |offered| offered.data_representation.0 = vec![Id::XCDR2],
        |requested| requested.data_representation.0 = vec![Id::XCDR],
    );
    assert_eq!(found[0].offered, "[XCDR2]");
    assert_eq!(found[0].fix, "add [XCDR2] to the reader's list, or offer [XCDR] at the writer");
}
