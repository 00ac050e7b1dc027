//! Policies: ours from the command line, and those of others for the lines that tell of them.

use crate::values::Value;
use dds_core::qos::{
    AccessScope, DataReaderQos, DataRepresentation, DataWriterQos, DestinationOrder, DestinationOrderKind,
    DurabilityKind, DurabilityService, Duration as DdsDuration, History, HistoryKind, LatencyBudget,
    Lifespan, Limit, Liveliness, LivelinessKind, Ownership, OwnershipKind, OwnershipStrength, Partition,
    Presentation, PublicationQos, ResourceLimits, SubscriptionQos, TimeBasedFilter, UserData,
};
use dds_core::types::DataRepresentationId;
use interop_tests::program::{self, Durability, Options};

/// What a remote endpoint announces, in the words of the command line.
pub struct Announced<'a> {
    durability: DurabilityKind,
    presentation: &'a Presentation,
    order: DestinationOrderKind,
    latency_budget: DdsDuration,
    lifespan: DdsDuration,
    separation: DdsDuration,
    data: [&'a [u8]; 3],
}

impl<'a> From<&'a PublicationQos> for Announced<'a> {
    fn from(qos: &'a PublicationQos) -> Self {
        Self {
            durability: qos.durability.0,
            presentation: &qos.presentation,
            order: qos.destination_order.0,
            latency_budget: qos.latency_budget.0,
            lifespan: qos.lifespan.0,
            separation: DdsDuration::ZERO,
            data: [&qos.user_data.0, &qos.topic_data.0, &qos.group_data.0],
        }
    }
}

impl<'a> From<&'a SubscriptionQos> for Announced<'a> {
    fn from(qos: &'a SubscriptionQos) -> Self {
        Self {
            durability: qos.durability.0,
            presentation: &qos.presentation,
            order: qos.destination_order.0,
            latency_budget: qos.latency_budget.0,
            lifespan: DdsDuration::INFINITE,
            separation: qos.time_based_filter.0,
            data: [&qos.user_data.0, &qos.topic_data.0, &qos.group_data.0],
        }
    }
}

impl Announced<'_> {
    /// The members of the line.
    pub fn json(&self) -> String {
        let durability = match self.durability {
            DurabilityKind::Volatile => "volatile",
            DurabilityKind::TransientLocal => "transient-local",
            DurabilityKind::Transient => "transient",
            DurabilityKind::Persistent => "persistent",
        };
        let scope = match self.presentation.access_scope {
            AccessScope::Instance => "instance",
            AccessScope::Topic => "topic",
            AccessScope::Group => "group",
        };
        let by_source = self.order == DestinationOrderKind::BySourceTimestamp;
        let order = if by_source { "source" } else { "reception" };
        let (coherent, ordered) = (self.presentation.coherent_access, self.presentation.ordered_access);
        let milliseconds = |duration: DdsDuration| {
            duration.as_nanos().map_or("-1".to_owned(), |nanos| (nanos / 1_000_000).to_string())
        };
        let durations = [self.latency_budget, self.lifespan, self.separation].map(milliseconds);
        let octets = self.data.map(|octets| program::quoted(&String::from_utf8_lossy(octets)));
        format!(
            "\"durability\":\"{durability}\",\"presentation\":\"{scope}\",\"coherent\":{coherent},\"ordered\":{ordered},\
             \"destination_order\":\"{order}\",\"latency_budget_ms\":{},\"lifespan_ms\":{},\"separation_ms\":{},\
             \"user_data\":{},\"topic_data\":{},\"group_data\":{}",
            durations[0], durations[1], durations[2], octets[0], octets[1], octets[2]
        )
    }
}

/// The policies of the command line that writers and readers have in common.
macro_rules! policies {
    ($qos:ident, $options:expr) => {{
        $qos.durability.0 = match $options.durability {
            Durability::Volatile => DurabilityKind::Volatile,
            Durability::TransientLocal => DurabilityKind::TransientLocal,
            Durability::Transient => DurabilityKind::Transient,
            Durability::Persistent => DurabilityKind::Persistent,
        };
        $qos.history = history($options);
        $qos.latency_budget = LatencyBudget(DdsDuration::from_millis($options.latency_budget_ms));
        if $options.by_source {
            $qos.destination_order = DestinationOrder(DestinationOrderKind::BySourceTimestamp);
        }
        if $options.max_samples > 0 {
            $qos.resource_limits = ResourceLimits {
                max_samples: Limit::Finite($options.max_samples),
                ..ResourceLimits::default()
            };
        }
        if $options.manual_lease_ms > 0 {
            let lease_duration = DdsDuration::from_millis($options.manual_lease_ms);
            $qos.liveliness = Liveliness { kind: LivelinessKind::ManualByTopic, lease_duration };
        }
        if $options.ownership_strength.is_some() {
            $qos.ownership = Ownership(OwnershipKind::Exclusive);
        }
        $qos.user_data = UserData(octets(&$options.user_data));
    }};
}

/// Octets of a policy; none where the command line says nothing.
pub fn octets(text: &Option<String>) -> Vec<u8> {
    text.as_ref().map(|text| text.as_bytes().to_vec()).unwrap_or_default()
}

fn history(options: &Options) -> History {
    match options.history {
        0 => History { kind: HistoryKind::KeepAll, ..History::default() },
        depth => History { kind: HistoryKind::KeepLast, depth: depth as u32 },
    }
}

pub fn writer_qos<T: Value>(options: &Options) -> DataWriterQos {
    let mut qos = DataWriterQos::default();
    policies!(qos, options);
    qos.writer_data_lifecycle.autodispose_unregistered_instances = false;
    qos.data_representation = representation::<T>(options);
    qos.durability_service = DurabilityService {
        history_kind: qos.history.kind,
        history_depth: qos.history.depth,
        ..DurabilityService::default()
    };
    if let Some(strength) = options.ownership_strength {
        qos.ownership_strength = OwnershipStrength(strength);
    }
    if options.lifespan_ms > 0 {
        qos.lifespan = Lifespan(DdsDuration::from_millis(options.lifespan_ms));
    }
    qos
}

pub fn reader_qos<T: Value>(options: &Options) -> DataReaderQos {
    let mut qos = DataReaderQos::default();
    policies!(qos, options);
    qos.data_representation = representation::<T>(options);
    qos.time_based_filter = TimeBasedFilter(DdsDuration::from_millis(options.separation_ms));
    qos
}

pub fn partition(options: &Options) -> Partition {
    Partition(options.partition.iter().cloned().collect())
}

pub fn presentation(options: &Options) -> Presentation {
    let access_scope = match options.presentation {
        program::Presentation::Default => return Presentation::default(),
        program::Presentation::Instance => AccessScope::Instance,
        program::Presentation::Topic => AccessScope::Topic,
        program::Presentation::Group => AccessScope::Group,
    };
    Presentation { access_scope, coherent_access: true, ordered_access: true }
}

fn representation<T: Value>(options: &Options) -> DataRepresentation {
    let asked =
        if options.representation == 2 { DataRepresentationId::XCDR2 } else { DataRepresentationId::XCDR };
    // Serde types have one representation, whatever was asked for.
    let has = T::representations().contains(&asked);
    DataRepresentation(if has { vec![asked] } else { T::representations().to_vec() })
}
