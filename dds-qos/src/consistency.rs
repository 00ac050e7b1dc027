//! Which policies of one set contradict each other (`INCONSISTENT_POLICY`, DDS 1.4 §2.2.1.1).

use crate::{
    DataReaderQos, DataWriterQos, Deadline, DurabilityService, History, HistoryKind, Limit, Liveliness,
    PolicyId, ResourceLimits, TimeBasedFilter, TopicQos,
};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Two policies of one set that contradict each other, or one that contradicts itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inconsistency {
    /// What is wrong.
    pub kind: InconsistencyKind,
    /// The policy that asks for too much.
    pub policy: PolicyId,
    /// The policy that does not allow it; the same when a policy contradicts itself.
    pub against: PolicyId,
    /// Both values, and the smallest change that resolves it.
    pub fix: String,
}

/// Causes of an [`Inconsistency`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InconsistencyKind {
    /// KEEP_LAST with a depth of 0 (DDS 1.4 §2.2.3.18).
    ZeroDepth,
    /// KEEP_LAST deeper than an instance may hold (DDS 1.4 §2.2.3.18).
    DepthAboveSamplesPerInstance,
    /// One instance may hold more than all together (DDS 1.4 §2.2.3.19).
    SamplesPerInstanceAboveSamples,
    /// A limit of 0: nothing could be kept (DDS 1.4 §2.2.3.19).
    ZeroLimit,
    /// The filter lets samples pass less often than the deadline wants them (DDS 1.4 §2.2.3.12).
    DeadlineShorterThanFilter,
    /// A deadline of 0: always missed (DDS 1.4 §2.2.3.7).
    ZeroDeadline,
    /// A lease of 0: never alive (DDS 1.4 §2.2.3.11).
    ZeroLease,
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.policy == self.against {
            write!(f, "{} contradicts itself: {}", self.policy, self.fix)
        } else {
            write!(f, "{} contradicts {}: {}", self.policy, self.against, self.fix)
        }
    }
}

impl core::error::Error for Inconsistency {}

impl TopicQos {
    /// Whether the policies go together.
    ///
    /// # Errors
    /// Every contradiction.
    pub fn is_consistent(&self) -> Result<(), Vec<Inconsistency>> {
        let mut found = Vec::new();
        history(
            PolicyId::History,
            &self.history,
            PolicyId::ResourceLimits,
            &self.resource_limits,
            &mut found,
        );
        durability_service(&self.durability_service, &mut found);
        periods(&self.deadline, &self.liveliness, &mut found);
        verdict(found)
    }
}

impl DataWriterQos {
    /// Whether the policies go together.
    ///
    /// # Errors
    /// Every contradiction.
    pub fn is_consistent(&self) -> Result<(), Vec<Inconsistency>> {
        let mut found = Vec::new();
        history(
            PolicyId::History,
            &self.history,
            PolicyId::ResourceLimits,
            &self.resource_limits,
            &mut found,
        );
        durability_service(&self.durability_service, &mut found);
        periods(&self.deadline, &self.liveliness, &mut found);
        verdict(found)
    }
}

impl DataReaderQos {
    /// Whether the policies go together.
    ///
    /// # Errors
    /// Every contradiction.
    pub fn is_consistent(&self) -> Result<(), Vec<Inconsistency>> {
        let mut found = Vec::new();
        history(
            PolicyId::History,
            &self.history,
            PolicyId::ResourceLimits,
            &self.resource_limits,
            &mut found,
        );
        periods(&self.deadline, &self.liveliness, &mut found);
        filter(&self.deadline, &self.time_based_filter, &mut found);
        verdict(found)
    }
}

fn verdict(found: Vec<Inconsistency>) -> Result<(), Vec<Inconsistency>> {
    if found.is_empty() { Ok(()) } else { Err(found) }
}

fn history(
    history_id: PolicyId,
    history: &History,
    limits_id: PolicyId,
    limits: &ResourceLimits,
    found: &mut Vec<Inconsistency>,
) {
    if history.kind == HistoryKind::KeepLast {
        let depth = Limit::Finite(history.depth);
        if history.depth == 0 {
            found.push(Inconsistency {
                kind: InconsistencyKind::ZeroDepth,
                policy: history_id,
                against: history_id,
                fix: "KEEP_LAST of 0 samples; set depth to 1 or more".into(),
            });
        } else if depth > limits.max_samples_per_instance {
            let most = limits.max_samples_per_instance;
            found.push(Inconsistency {
                kind: InconsistencyKind::DepthAboveSamplesPerInstance,
                policy: history_id,
                against: limits_id,
                fix: format!(
                    "depth {depth} is above max_samples_per_instance {most}; \
                     set depth to {most} or max_samples_per_instance to {depth}"
                ),
            });
        }
    }
    if limits.max_samples < limits.max_samples_per_instance
        && limits.max_samples_per_instance != Limit::Unlimited
    {
        let (all, each) = (limits.max_samples, limits.max_samples_per_instance);
        found.push(Inconsistency {
            kind: InconsistencyKind::SamplesPerInstanceAboveSamples,
            policy: limits_id,
            against: limits_id,
            fix: format!(
                "max_samples {all} is below max_samples_per_instance {each}; \
                 set max_samples to {each} or max_samples_per_instance to {all}"
            ),
        });
    }
    for (name, limit) in [
        ("max_samples", limits.max_samples),
        ("max_instances", limits.max_instances),
        ("max_samples_per_instance", limits.max_samples_per_instance),
    ] {
        if limit == Limit::Finite(0) {
            found.push(Inconsistency {
                kind: InconsistencyKind::ZeroLimit,
                policy: limits_id,
                against: limits_id,
                fix: format!("{name} 0 leaves room for nothing; set it to 1 or more, or to unlimited"),
            });
        }
    }
}

fn durability_service(service: &DurabilityService, found: &mut Vec<Inconsistency>) {
    let kept = History { kind: service.history_kind, depth: service.history_depth };
    let limits = ResourceLimits {
        max_samples: service.max_samples,
        max_instances: service.max_instances,
        max_samples_per_instance: service.max_samples_per_instance,
    };
    history(PolicyId::DurabilityService, &kept, PolicyId::DurabilityService, &limits, found);
}

fn periods(deadline: &Deadline, liveliness: &Liveliness, found: &mut Vec<Inconsistency>) {
    if deadline.0 == crate::Duration::ZERO {
        found.push(Inconsistency {
            kind: InconsistencyKind::ZeroDeadline,
            policy: PolicyId::Deadline,
            against: PolicyId::Deadline,
            fix: "a period of 0 is always missed; set it above 0, or to infinite".into(),
        });
    }
    if liveliness.lease_duration == crate::Duration::ZERO {
        found.push(Inconsistency {
            kind: InconsistencyKind::ZeroLease,
            policy: PolicyId::Liveliness,
            against: PolicyId::Liveliness,
            fix: "a lease_duration of 0 is always over; set it above 0, or to infinite".into(),
        });
    }
}

fn filter(deadline: &Deadline, filter: &TimeBasedFilter, found: &mut Vec<Inconsistency>) {
    if deadline.0 < filter.0 {
        let (period, separation) = (deadline.0, filter.0);
        found.push(Inconsistency {
            kind: InconsistencyKind::DeadlineShorterThanFilter,
            policy: PolicyId::Deadline,
            against: PolicyId::TimeBasedFilter,
            fix: format!(
                "period {period} is below minimum_separation {separation}; \
                 set the period to {separation} or the separation to {period}"
            ),
        });
    }
}
