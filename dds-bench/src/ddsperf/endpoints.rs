//! Writers and readers with ddsperf's policies.

use dds_core::{
    ReaderBuilder, Topic, WriterBuilder,
    qos::{Duration, Limit, ResourceLimits},
    types::TopicType,
};

/// Samples that a writer or reader of data, or a reader of pongs, holds.
pub const DATA_LIMITS: ResourceLimits = ResourceLimits {
    max_samples: Limit::Finite(10_000),
    max_instances: Limit::Unlimited,
    max_samples_per_instance: Limit::Unlimited,
};

pub fn writer<T: TopicType>(topic: &Topic<T>, is_reliable: bool) -> WriterBuilder<T> {
    let builder = topic.writer().max_blocking_time(Duration::from_secs(10));
    if is_reliable { builder.reliable() } else { builder.best_effort() }
}

pub fn reader<T: TopicType>(topic: &Topic<T>, is_reliable: bool) -> ReaderBuilder<T> {
    if is_reliable { topic.reader().reliable() } else { topic.reader().best_effort() }
}
