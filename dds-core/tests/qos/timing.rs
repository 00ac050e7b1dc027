//! DEADLINE, LIVELINESS, LIFESPAN, TIME_BASED_FILTER, RELIABILITY `max_blocking_time`, LATENCY_BUDGET and
//! READER_DATA_LIFECYCLE.

use dds_core::{
    DataReader, DataWriter, Topic, error::DdsError, rtps::time::Timestamp, sample::InstanceState,
};
use dds_qos::{
    Duration, LatencyBudget, Limit, LivelinessKind, ReaderDataLifecycle, Reliability, ResourceLimits,
    TimeBasedFilter,
};

use crate::world::{Reading, Two, World, acknowledged, meet, millis, reading, take, two};

pub fn deadlines_are_missed_per_instance_on_both_sides(world: &dyn World) {
    let Two { here, there } = two(world);
    let period = millis(300);
    let writer = here.writer().deadline(period.into()).build().unwrap();
    let reader = there.reader().reliable().deadline(period.into()).build().unwrap();
    meet(world, &writer, &reader);
    let start = world.now();
    let one = writer.register_instance(&reading(1, 0)).unwrap();
    writer.write(&reading(1, 0)).unwrap();
    writer.write(&reading(2, 0)).unwrap();
    // Instance 2 goes on being written; 1 does not.
    let mut last = start;
    world.until("a missed deadline", &mut || {
        if world.now() >= last + millis(100) {
            last = world.now();
            writer.write(&reading(2, 0)).unwrap();
        }
        !writer.status_changes().is_empty()
            && !reader.status_changes().is_empty()
            && writer.status_changes().contains(dds_core::status::StatusMask::OFFERED_DEADLINE_MISSED)
            && reader.status_changes().contains(dds_core::status::StatusMask::REQUESTED_DEADLINE_MISSED)
    });
    world.assert_passed(start, period);
    let offered = writer.offered_deadline_missed_status();
    assert_eq!((offered.total_count, offered.last_instance_handle), (offered.total_count_change, one));
    assert!(offered.total_count >= 1);
    let requested = reader.requested_deadline_missed_status();
    let instance = reader.lookup_instance(&reading(1, 0)).unwrap().unwrap();
    assert_eq!(requested.last_instance_handle, instance);
    // Missed again in each period.
    let before = offered.total_count;
    world.until("another", &mut || writer.offered_deadline_missed_status().total_count > before);
}

pub fn automatic_liveliness_ends_with_the_participant(world: &dyn World) {
    let Two { here, there } = two(world);
    let lease = millis(600);
    let writer = here.writer().liveliness(LivelinessKind::Automatic, lease.into()).build().unwrap();
    let reader = there.reader().reliable().liveliness(LivelinessKind::Automatic, lease.into());
    let reader = reader.build().unwrap();
    meet(world, &writer, &reader);
    // The service asserts it without a write or a call.
    world.pass(2 * lease);
    assert_eq!(reader.liveliness_changed_status().not_alive_count, 0);
    if !world.kill(here.participant()) {
        drop((writer, here));
        world.until("it departed", &mut || reader.liveliness_changed_status().alive_count == 0);
        return;
    }
    let start = world.now();
    world.until("not alive", &mut || reader.liveliness_changed_status().not_alive_count == 1);
    assert!(world.now() - start <= lease);
}

const LEASE: std::time::Duration = millis(500);

/// Two writers whose liveliness is asserted by hand, and a reader that is matched with both.
struct Watched {
    here: Topic<Reading>,
    silent: DataWriter<Reading>,
    busy: DataWriter<Reading>,
    reader: DataReader<Reading>,
}

fn watched(world: &dyn World, kind: LivelinessKind) -> Watched {
    let Two { here, there } = two(world);
    let make = || here.writer().liveliness(kind, LEASE.into()).build().unwrap();
    let (silent, busy) = (make(), make());
    let reader = there.reader().reliable().liveliness(kind, LEASE.into()).build().unwrap();
    meet(world, &silent, &reader);
    meet(world, &busy, &reader);
    Watched { here, silent, busy, reader }
}

pub fn liveliness_by_participant_is_asserted_by_any_of_its_writers(world: &dyn World) {
    let Watched { here, silent, busy, reader } = watched(world, LivelinessKind::ManualByParticipant);
    let start = world.now();
    while world.now() < start + 3 * LEASE {
        busy.write(&reading(1, 0)).unwrap();
        world.pass(millis(50));
    }
    assert_eq!(silent.liveliness_lost_status().total_count, 0);
    assert_eq!(reader.liveliness_changed_status().alive_count, 2);
    let start = world.now();
    world.until("both lost", &mut || reader.liveliness_changed_status().not_alive_count == 2);
    assert!(world.now() - start <= LEASE + world.slack());
    assert_eq!(silent.liveliness_lost_status().total_count, 1);
    assert_eq!(busy.liveliness_lost_status().total_count, 1);
    here.participant().assert_liveliness().unwrap();
    world.until("both back", &mut || reader.liveliness_changed_status().alive_count == 2);
}

pub fn liveliness_by_topic_is_asserted_by_its_own_writer_only(world: &dyn World) {
    let Watched { silent, busy, reader, .. } = watched(world, LivelinessKind::ManualByTopic);
    let start = world.now();
    while world.now() < start + 2 * LEASE {
        busy.assert_liveliness().unwrap();
        world.pass(millis(50));
    }
    assert_eq!(silent.liveliness_lost_status().total_count, 1);
    assert_eq!(busy.liveliness_lost_status().total_count, 0);
    let status = reader.liveliness_changed_status();
    assert_eq!((status.alive_count, status.not_alive_count), (1, 1));
    silent.write(&reading(1, 0)).unwrap();
    world.until("it is back", &mut || reader.liveliness_changed_status().alive_count == 2);
}

pub fn samples_live_as_long_as_their_lifespan_also_for_late_joiners(world: &dyn World) {
    let Two { here, there } = two(world);
    let lifespan = millis(700);
    let writer = here.writer().transient_local().keep_all().lifespan(lifespan.into()).build().unwrap();
    let reader = there.reader().reliable().keep_all().build().unwrap();
    meet(world, &writer, &reader);
    let start = world.now();
    writer.write(&reading(1, 1)).unwrap();
    // Written long ago by its source timestamp: it is of no use to anybody.
    let now = here.participant().current_time();
    let old = Timestamp::from_nanos(now.as_nanos() - 1_000_000_000);
    writer.write_with_timestamp(&reading(1, 2), old).unwrap();
    acknowledged(world, &writer);
    let here_now: Vec<_> =
        reader.read().unwrap().iter().filter_map(|sample| sample.data().copied()).collect();
    assert_eq!(here_now, [reading(1, 1)]);
    // A late joiner in time gets it, with what is left of its life.
    let late = there.reader().reliable().transient_local().keep_all().build().unwrap();
    meet(world, &writer, &late);
    world.until("the history", &mut || !late.read().unwrap().is_empty());
    world.until("the end of its life", &mut || {
        late.read().unwrap().is_empty() && reader.read().unwrap().is_empty()
    });
    world.assert_passed(start, lifespan);
    // One that comes too late does not.
    let later = there.reader().reliable().transient_local().keep_all().build().unwrap();
    meet(world, &writer, &later);
    writer.write(&reading(1, 3)).unwrap();
    assert_eq!(take(world, &later, 1), [3]);
}

pub fn a_filter_by_time_shows_the_last_of_a_burst_when_reliable(world: &dyn World) {
    let Two { here, there } = two(world);
    let separation = millis(400);
    let writer = here.writer().keep_all().build().unwrap();
    let reader = there.reader().reliable().keep_all().minimum_separation(separation.into()).build().unwrap();
    meet(world, &writer, &reader);
    let start = world.now();
    for value in 0..10 {
        writer.write(&reading(1, value)).unwrap();
        writer.write(&reading(2, value)).unwrap();
    }
    acknowledged(world, &writer);
    assert_eq!(take(world, &reader, 2), [0, 0], "the first of each instance at once");
    assert_eq!(take(world, &reader, 2), [9, 9], "the last of each instance in the end");
    world.assert_passed(start, separation);
    // A longer separation takes effect at run time.
    reader.set_qos(reader.qos().time_based_filter(TimeBasedFilter(Duration::ZERO))).unwrap();
    for value in 20..23 {
        writer.write(&reading(1, value)).unwrap();
    }
    assert_eq!(take(world, &reader, 3), [20, 21, 22]);
}

pub fn a_filter_by_time_may_drop_the_last_of_a_burst_when_best_effort(world: &dyn World) {
    let Two { here, there } = two(world);
    let separation = millis(400);
    let writer = here.writer().keep_all().build().unwrap();
    let reader = there.reader().keep_all().minimum_separation(separation.into()).build().unwrap();
    let all = there.reader().reliable().keep_all().build().unwrap();
    meet(world, &writer, &reader);
    meet(world, &writer, &all);
    for value in 0..10 {
        writer.write(&reading(1, value)).unwrap();
    }
    assert_eq!(take(world, &all, 10).len(), 10);
    assert_eq!(take(world, &reader, 1), [0]);
    world.pass(2 * separation);
    assert!(reader.take().unwrap().is_empty());
    writer.write(&reading(1, 10)).unwrap();
    assert_eq!(take(world, &reader, 1), [10]);
}

pub fn a_full_writer_blocks_as_long_as_it_may(world: &dyn World) {
    let Two { here, there } = two(world);
    let limits = ResourceLimits { max_samples: Limit::Finite(2), ..ResourceLimits::default() };
    let waiting = millis(300);
    let writer = here.writer().reliable().keep_all().resource_limits(limits.clone());
    let writer = writer.max_blocking_time(waiting.into()).build().unwrap();
    // A reader that has no room itself acknowledges nothing.
    let reader = there
        .reader()
        .reliable()
        .keep_all()
        .resource_limits(ResourceLimits { max_samples: Limit::Finite(1), ..ResourceLimits::default() });
    let reader = reader.build().unwrap();
    meet(world, &writer, &reader);
    let mut written = 0;
    let refused = loop {
        let start = world.now();
        match world.block_on(Box::pin(writer.write_async(&reading(1, written)))) {
            Ok(()) => written += 1,
            Err(error) => {
                world.assert_passed(start, waiting);
                break error;
            }
        }
        assert!(written <= 3, "the limits have no effect");
    };
    assert!(matches!(refused, DdsError::Timeout { .. }), "{refused}");
    // It may be given less time, not at run time though: RELIABILITY is fixed.
    let shorter = Reliability { max_blocking_time: Duration::from_millis(1), ..writer.qos().reliability };
    assert!(matches!(
        writer.set_qos(writer.qos().reliability(shorter)),
        Err(DdsError::ImmutablePolicy { .. })
    ));
    // Room that comes in time ends the wait.
    assert_eq!(take(world, &reader, written as usize), (0..written).collect::<Vec<_>>());
    world.block_on(Box::pin(writer.write_async(&reading(1, written)))).unwrap();
    assert_eq!(take(world, &reader, 1), [written]);
}

pub fn a_latency_budget_holds_batches_and_may_change(world: &dyn World) {
    let Two { here, there } = two(world);
    let budget = millis(200);
    let qos = here.writer().keep_all().build().unwrap().qos();
    let writer = here.writer().qos(qos.latency_budget(LatencyBudget(budget.into()))).build().unwrap();
    // Best effort: an acknowledgement would let what waits leave at once.
    let qos = there.reader().keep_all().build().unwrap().qos();
    let reader = there.reader().qos(qos.latency_budget(LatencyBudget(budget.into()))).build().unwrap();
    meet(world, &writer, &reader);
    acknowledged(world, &writer);
    let start = world.now();
    for value in 0..50 {
        writer.write(&reading(1, value)).unwrap();
    }
    // The first never waits; what follows closely waits for more to leave with it.
    assert_eq!(take(world, &reader, 50).len(), 50);
    if world.slack() <= millis(1) {
        world.assert_passed(start, budget);
    }
    // Without a budget nothing waits that long.
    writer.set_qos(writer.qos().latency_budget(LatencyBudget(Duration::ZERO))).unwrap();
    let start = world.now();
    for value in 0..50 {
        writer.write(&reading(1, value)).unwrap();
    }
    assert_eq!(take(world, &reader, 50).len(), 50);
    if world.slack() <= millis(1) {
        assert!(world.now() - start <= millis(1));
    }
}

pub fn instances_are_purged_after_each_delay(world: &dyn World) {
    let Two { here, there } = two(world);
    let (disposed, no_writers) = (millis(300), millis(600));
    let lifecycle = ReaderDataLifecycle {
        autopurge_disposed_samples_delay: disposed.into(),
        autopurge_nowriter_samples_delay: no_writers.into(),
    };
    let writer = here.writer().keep_all().build().unwrap();
    let reader = there.reader().reliable().keep_all();
    let qos = reader.build().unwrap().qos().reader_data_lifecycle(lifecycle);
    let reader = there.reader().qos(qos).build().unwrap();
    meet(world, &writer, &reader);
    writer.write(&reading(1, 1)).unwrap();
    let orphaned = here.writer().keep_all();
    let mut qos = orphaned.build().unwrap().qos();
    qos.writer_data_lifecycle.autodispose_unregistered_instances = false;
    let other = here.writer().qos(qos).build().unwrap();
    meet(world, &other, &reader);
    other.write(&reading(2, 1)).unwrap();
    assert_eq!(count(world, &reader, 2), 2);
    let start = world.now();
    writer.dispose(&reading(1, 1)).unwrap();
    other.unregister_instance(&reading(2, 1)).unwrap();
    world.until("the end of both", &mut || {
        reader.read().unwrap().iter().all(|sample| sample.info().instance_state != InstanceState::Alive)
    });
    let states = |reader: &DataReader<_>| -> Vec<InstanceState> {
        reader
            .read()
            .unwrap()
            .iter()
            .map(|sample: &dds_core::sample::Sample<_>| sample.info().instance_state)
            .collect()
    };
    let of = |states: &[InstanceState], state| states.iter().filter(|other| **other == state).count();
    world.until("the purge of the disposed", &mut || {
        of(&states(&reader), InstanceState::NotAliveDisposed) == 0
    });
    world.assert_passed(start, disposed);
    if world.slack() <= millis(1) {
        assert!(of(&states(&reader), InstanceState::NotAliveNoWriters) > 0, "its delay is longer");
    }
    world.until("the purge of the other", &mut || reader.read().unwrap().is_empty());
    world.assert_passed(start, no_writers);
}

fn count(world: &dyn World, reader: &DataReader<Reading>, count: usize) -> usize {
    world.until("samples", &mut || reader.read().unwrap().len() >= count);
    reader.read().unwrap().len()
}
