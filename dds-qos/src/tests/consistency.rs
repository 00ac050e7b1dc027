//! Contradictions within one set.

use crate::*;
use alloc::string::ToString;
use alloc::vec::Vec;

fn kinds<T>(verdict: Result<T, Vec<Inconsistency>>) -> Vec<(InconsistencyKind, PolicyId, PolicyId)> {
    let found = verdict.err().unwrap_or_default();
    found.iter().map(|found| (found.kind, found.policy, found.against)).collect()
}

#[test]
fn defaults_are_consistent() {
    assert_eq!(DataWriterQos::default().is_consistent(), Ok(()));
    assert_eq!(DataReaderQos::default().is_consistent(), Ok(()));
    assert_eq!(TopicQos::default().is_consistent(), Ok(()));
}

#[test]
fn depth_against_limits() {
    let limits = ResourceLimits { max_samples_per_instance: Limit::Finite(5), ..ResourceLimits::default() };
    let qos = DataWriterQos::default().resource_limits(limits);
    assert_eq!(qos.clone().history(History::keep_last(5)).is_consistent(), Ok(()));
    assert_eq!(qos.clone().history(History::KEEP_ALL).is_consistent(), Ok(()));
    let verdict = qos.history(History::keep_last(6)).is_consistent();
    let text = verdict.clone().unwrap_err()[0].to_string();
    assert_eq!(
        text,
        "HISTORY contradicts RESOURCE_LIMITS: depth 6 is above max_samples_per_instance 5; \
         set depth to 5 or max_samples_per_instance to 6"
    );
    assert_eq!(
        kinds(verdict),
        [(InconsistencyKind::DepthAboveSamplesPerInstance, PolicyId::History, PolicyId::ResourceLimits)]
    );
}

#[test]
fn limits_against_each_other() {
    let limits = ResourceLimits {
        max_samples: Limit::Finite(2),
        max_instances: Limit::Finite(0),
        max_samples_per_instance: Limit::Finite(3),
    };
    let found = kinds(TopicQos::default().resource_limits(limits).is_consistent());
    let limits = PolicyId::ResourceLimits;
    assert_eq!(
        found,
        [
            (InconsistencyKind::SamplesPerInstanceAboveSamples, limits, limits),
            (InconsistencyKind::ZeroLimit, limits, limits),
        ]
    );
}

#[test]
fn periods() {
    let qos = DataReaderQos::default()
        .deadline(Deadline(Duration::from_millis(10)))
        .time_based_filter(TimeBasedFilter(Duration::from_millis(20)));
    assert_eq!(
        kinds(qos.is_consistent()),
        [(InconsistencyKind::DeadlineShorterThanFilter, PolicyId::Deadline, PolicyId::TimeBasedFilter)]
    );
    let qos = DataWriterQos::default()
        .deadline(Deadline(Duration::ZERO))
        .liveliness(Liveliness { lease_duration: Duration::ZERO, ..Liveliness::default() });
    assert_eq!(
        kinds(qos.is_consistent()),
        [
            (InconsistencyKind::ZeroDeadline, PolicyId::Deadline, PolicyId::Deadline),
            (InconsistencyKind::ZeroLease, PolicyId::Liveliness, PolicyId::Liveliness),
        ]
    );
}

#[test]
fn durability_service_is_checked_alike() {
    let service = DurabilityService { history_depth: 0, ..DurabilityService::default() };
    let found = kinds(DataWriterQos::default().durability_service(service).is_consistent());
    let service = PolicyId::DurabilityService;
    assert_eq!(found, [(InconsistencyKind::ZeroDepth, service, service)]);
}
