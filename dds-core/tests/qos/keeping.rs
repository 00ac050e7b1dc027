//! HISTORY, DURABILITY, RESOURCE_LIMITS and RELIABILITY.

use dds_core::{
    error::{DdsError, Resource},
    status::SampleRejectedReason,
};
use dds_qos::{DurabilityKind, Limit, PolicyId, ResourceLimits};

use crate::world::{Two, World, acknowledged, meet, millis, reading, take, two};

fn limits(samples: Option<u32>, instances: Option<u32>, per_instance: Option<u32>) -> ResourceLimits {
    let limit = |limit: Option<u32>| limit.map_or(Limit::Unlimited, Limit::Finite);
    ResourceLimits {
        max_samples: limit(samples),
        max_instances: limit(instances),
        max_samples_per_instance: limit(per_instance),
    }
}

pub fn history_keeps_the_last_or_all(world: &dyn World) {
    let Two { here, there } = two(world);
    let keep_last = here.writer().transient_local().keep_last(2).build().unwrap();
    for value in 0..5 {
        keep_last.write(&reading(1, value)).unwrap();
        keep_last.write(&reading(2, 10 + value)).unwrap();
    }
    let late = there.reader().reliable().transient_local();
    let (all, last) = (late.keep_all().build().unwrap(), there.reader().reliable().transient_local());
    let last = last.keep_last(1).build().unwrap();
    meet(world, &keep_last, &all);
    meet(world, &keep_last, &last);
    acknowledged(world, &keep_last);
    let mut kept = take(world, &all, 4);
    kept.sort_unstable();
    assert_eq!(kept, [3, 4, 13, 14], "the last two of each instance");
    let mut kept = take(world, &last, 2);
    kept.sort_unstable();
    assert_eq!(kept, [4, 14], "the reader keeps less");
    let keep_all = here.writer().transient_local().keep_all().build().unwrap();
    for value in 20..60 {
        keep_all.write(&reading(1, value)).unwrap();
    }
    meet(world, &keep_all, &all);
    assert_eq!(take(world, &all, 40), (20..60).collect::<Vec<_>>());
}

pub fn a_late_joiner_gets_what_durability_promises(world: &dyn World) {
    let Two { here, there } = two(world);
    let durable = here.writer().transient_local().keep_all().build().unwrap();
    let volatile = here.writer().keep_all().build().unwrap();
    durable.write(&reading(1, 1)).unwrap();
    volatile.write(&reading(1, 2)).unwrap();
    let wanting = there.reader().reliable().transient_local().keep_all().build().unwrap();
    let content = there.reader().reliable().keep_all().build().unwrap();
    meet(world, &durable, &wanting);
    meet(world, &durable, &content);
    meet(world, &volatile, &content);
    durable.write(&reading(1, 3)).unwrap();
    acknowledged(world, &durable);
    volatile.write(&reading(1, 4)).unwrap();
    assert_eq!(take(world, &wanting, 2), [1, 3], "the history, of the durable one alone");
    let mut rest = take(world, &content, 2);
    rest.sort_unstable();
    assert_eq!(rest, [3, 4], "nothing from before");
    let refused = wanting.requested_incompatible_qos_status();
    assert_eq!(refused.last_policy_id, Some(PolicyId::Durability));
    assert_eq!(wanting.qos().durability.0, DurabilityKind::TransientLocal);
}

pub fn a_readers_limits_reject_and_let_in_later(world: &dyn World) {
    let Two { here, there } = two(world);
    let cases = [
        (limits(Some(2), None, None), SampleRejectedReason::SamplesLimit),
        (limits(None, Some(1), None), SampleRejectedReason::InstancesLimit),
        (limits(None, None, Some(1)), SampleRejectedReason::SamplesPerInstanceLimit),
    ];
    for (limits, reason) in cases {
        let writer = here.writer().reliable().keep_all().build().unwrap();
        let reader = there.reader().reliable().keep_all().resource_limits(limits).build().unwrap();
        meet(world, &writer, &reader);
        let sent: Vec<_> = match reason {
            SampleRejectedReason::InstancesLimit => (0..3).map(|sensor| reading(sensor, sensor)).collect(),
            _ => (0..3).map(|value| reading(1, value)).collect(),
        };
        for sample in &sent {
            writer.write(sample).unwrap();
            if reason == SampleRejectedReason::InstancesLimit {
                // An instance goes when it has neither samples nor writers.
                writer.unregister_instance(sample).unwrap();
            }
        }
        let mut status = reader.sample_rejected_status();
        world.until("a rejection", &mut || {
            status = reader.sample_rejected_status();
            status.total_count > 0
        });
        assert_eq!(status.last_reason, reason);
        let held = reader.read().unwrap().iter().filter(|sample| sample.data().is_some()).count();
        assert!(held < 3);
        // What was taken makes room, and a reliable sample is not lost.
        let mut values = Vec::new();
        world.until("the rest", &mut || {
            values.extend(
                reader.take().unwrap().iter().filter_map(|sample| sample.data()).map(|data| data.value),
            );
            values.len() == 3
        });
        assert_eq!(values, [0, 1, 2]);
    }
}

pub fn a_writers_limits_bound_samples_and_instances(world: &dyn World) {
    let Two { here, there } = two(world);
    let full = |limits: ResourceLimits| {
        // Nothing that is kept for late joiners ever makes room by itself.
        here.writer().reliable().transient_local().keep_all().resource_limits(limits).build().unwrap()
    };
    let refused = |error: DdsError| match error {
        DdsError::OutOfResources { resource, limit } => (resource, limit),
        other => panic!("{other}"),
    };
    let writer = full(limits(Some(3), None, None));
    (0..3).for_each(|value| writer.write(&reading(value, value)).unwrap());
    assert_eq!(refused(writer.write(&reading(9, 9)).unwrap_err()), (Resource::MaxSamples, 3));
    let writer = full(limits(None, Some(2), None));
    (0..2).for_each(|sensor| writer.write(&reading(sensor, 0)).unwrap());
    assert_eq!(refused(writer.write(&reading(9, 9)).unwrap_err()), (Resource::MaxInstances, 2));
    assert_eq!(refused(writer.register_instance(&reading(9, 9)).unwrap_err()), (Resource::MaxInstances, 2));
    writer.write(&reading(1, 1)).unwrap();
    let writer = full(limits(None, None, Some(2)));
    (0..2).for_each(|value| writer.write(&reading(1, value)).unwrap());
    assert_eq!(refused(writer.write(&reading(1, 9)).unwrap_err()), (Resource::MaxSamplesPerInstance, 2));
    writer.write(&reading(2, 0)).unwrap();
    // A volatile one waits, and acknowledgements make room.
    let builder = here.writer().reliable().keep_all().resource_limits(limits(Some(2), None, None));
    let writer = builder.max_blocking_time(millis(5_000).into()).build().unwrap();
    let reader = there.reader().reliable().keep_all().build().unwrap();
    meet(world, &writer, &reader);
    for value in 0..20 {
        world.block_on(Box::pin(writer.write_async(&reading(1, value)))).unwrap();
    }
    assert_eq!(take(world, &reader, 20), (0..20).collect::<Vec<_>>());
}

pub fn reliable_readers_get_what_best_effort_ones_may_lose(world: &dyn World) {
    let Two { here, there } = two(world);
    let best_effort = here.writer().best_effort().keep_all().build().unwrap();
    let reliable = here.writer().reliable().keep_all().build().unwrap();
    let wanting = there.reader().reliable().keep_all().build().unwrap();
    let content = there.reader().best_effort().keep_all().build().unwrap();
    meet(world, &reliable, &wanting);
    meet(world, &reliable, &content);
    meet(world, &best_effort, &content);
    world.until("the refusal", &mut || {
        wanting.requested_incompatible_qos_status().last_policy_id == Some(PolicyId::Reliability)
    });
    for value in 0..200 {
        world.block_on(Box::pin(reliable.write_async(&reading(1, value)))).unwrap();
    }
    assert_eq!(take(world, &wanting, 200), (0..200).collect::<Vec<_>>(), "all of them, in order");
    let some = take(world, &content, 1);
    assert!(some.is_sorted(), "in order, whatever is missing");
    best_effort.write(&reading(1, 1)).unwrap();
    // Nobody acknowledges to a best-effort reader's writer: there is nothing to wait for.
    acknowledged(world, &best_effort);
}
