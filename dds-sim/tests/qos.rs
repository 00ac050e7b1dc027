//! Policies whose effect is in time or numbers, in virtual time and to the nanosecond.

mod common;

use common::{Keyed, Numbered, millis, rough, seconds, simulation, take_count, take_numbers};
use dds_core::error::DdsError;
use dds_qos::{Limit, LivelinessKind, PolicyId, ResourceLimits};
use dds_sim::NetworkConditions;

#[test]
fn a_full_writer_waits_exactly_as_long_as_it_may() {
    let sim = simulation(1, NetworkConditions::new());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let limits = ResourceLimits { max_samples: Limit::Finite(3), ..ResourceLimits::default() };
    let topic = one.topic::<Numbered>("Full").unwrap();
    let builder = topic.writer().reliable().keep_all().resource_limits(limits);
    let writer = builder.max_blocking_time(millis(250).into()).build().unwrap();
    let reader = two.topic::<Numbered>("Full").unwrap().reader().reliable().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    sim.partition(sim.host_of(&one).unwrap(), sim.host_of(&two).unwrap());
    for number in 0..3 {
        writer.write(&Numbered::new(number)).unwrap();
    }
    let refused = writer.write(&Numbered::new(3)).unwrap_err();
    assert!(matches!(refused, DdsError::IllegalOperation { .. }), "{refused}");
    assert!(refused.to_string().contains("async form"), "{refused}");
    let started = sim.now();
    let timed_out = sim.block_on(writer.write_async(&Numbered::new(3))).unwrap_err();
    assert!(matches!(timed_out, DdsError::Timeout { .. }), "{timed_out}");
    assert_eq!(sim.now() - started, millis(250));

    // Room that comes in time ends the wait.
    sim.heal(sim.host_of(&one).unwrap(), sim.host_of(&two).unwrap());
    sim.block_on(writer.acknowledgments());
    for number in 3..1000 {
        sim.block_on(writer.write_async(&Numbered::new(number))).unwrap();
    }
    assert_eq!(take_count(&sim, &reader, 1000), (0..1000).collect::<Vec<_>>());
}

#[test]
fn writes_that_wait_get_room_in_their_order() {
    let sim = simulation(2, rough());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let limits = ResourceLimits { max_samples: Limit::Finite(5), ..ResourceLimits::default() };
    let topic = one.topic::<Numbered>("Queue").unwrap();
    let builder = topic.writer().reliable().keep_all().resource_limits(limits);
    let writer = builder.max_blocking_time(seconds(30).into()).build().unwrap();
    let reader = two.topic::<Numbered>("Queue").unwrap().reader().reliable().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    let tasks: Vec<_> = (0..200)
        .map(|number| {
            let writer = writer.clone();
            sim.spawn(async move { writer.write_async(&Numbered::new(number)).await })
        })
        .collect();
    assert_eq!(take_count(&sim, &reader, 200), (0..200).collect::<Vec<_>>());
    assert!(tasks.iter().all(|task| matches!(task.result(), Some(Ok(())))));
}

#[test]
fn keep_last_keeps_the_last_of_each_instance() {
    let sim = simulation(3, rough());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let topic = one.topic::<Keyed>("Last").unwrap();
    let writer = topic.writer().reliable().transient_local().keep_last(3).build().unwrap();
    for number in 0..100 {
        for key in 0..4 {
            writer.write(&Keyed { key, number }).unwrap();
        }
    }
    let topic = two.topic::<Keyed>("Last").unwrap();
    let reader = topic.reader().reliable().transient_local().keep_last(2).build().unwrap();
    let all = topic.reader().reliable().transient_local().keep_all().build().unwrap();
    sim.block_on(writer.matched(2));
    sim.block_on(writer.acknowledgments());
    let numbers = |key: u32, samples: &[dds_core::sample::Sample<Keyed>]| -> Vec<u32> {
        let data = samples.iter().filter_map(|sample| sample.data());
        data.filter(|sample| sample.key == key).map(|sample| sample.number).collect()
    };
    let (kept, everything) = (reader.take().unwrap(), all.take().unwrap());
    for key in 0..4 {
        assert_eq!(numbers(key, &kept), [98, 99]);
        assert_eq!(numbers(key, &everything), [97, 98, 99]);
    }
}

#[test]
fn deadlines_are_missed_on_both_sides_when_the_period_ends() {
    let sim = simulation(4, NetworkConditions::new().delay(millis(1)..=millis(1)));
    let (one, two) = (sim.participant(0), sim.participant(0));
    let topic = one.topic::<Keyed>("Deadline").unwrap();
    let writer = topic.writer().reliable().deadline(millis(100).into()).build().unwrap();
    let reader = two
        .topic::<Keyed>("Deadline")
        .unwrap()
        .reader()
        .reliable()
        .deadline(millis(150).into())
        .build()
        .unwrap();
    sim.block_on(writer.matched(1));
    sim.block_on(reader.matched(1));
    let start = sim.now();
    for number in 0..5 {
        writer.write(&Keyed { key: 1, number }).unwrap();
        sim.run_for(millis(80));
    }
    assert_eq!(writer.offered_deadline_missed_status().total_count, 0);
    assert_eq!(reader.requested_deadline_missed_status().total_count, 0);
    // The last write was at 320 ms and arrived 1 ms later.
    assert!(sim.run_until(|| writer.offered_deadline_missed_status().total_count == 1, seconds(1)));
    assert_eq!(sim.now() - start, millis(420));
    assert!(sim.run_until(|| reader.requested_deadline_missed_status().total_count == 1, seconds(1)));
    assert_eq!(sim.now() - start, millis(471));
    sim.run_for(millis(200));
    assert!(writer.offered_deadline_missed_status().total_count >= 2, "missed again in each period");
}

#[test]
fn samples_expire_at_the_end_of_their_life() {
    let sim = simulation(5, NetworkConditions::new().delay(millis(2)..=millis(2)));
    let (one, two) = (sim.participant(0), sim.participant(0));
    let topic = one.topic::<Numbered>("Life").unwrap();
    let writer =
        topic.writer().reliable().transient_local().keep_all().lifespan(millis(500).into()).build().unwrap();
    let topic = two.topic::<Numbered>("Life").unwrap();
    let reader = topic.reader().reliable().transient_local().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    sim.block_on(reader.matched(1));
    writer.write(&Numbered::new(0)).unwrap();
    sim.run_for(millis(400));
    assert_eq!(reader.read().unwrap().len(), 1);
    writer.write(&Numbered::new(1)).unwrap();
    sim.run_for(millis(99));
    assert_eq!(reader.read().unwrap().len(), 2);
    sim.run_for(millis(4));
    assert_eq!(take_numbers(&reader), [1], "the first one is over");
    sim.run_for(seconds(1));
    // Nor do late joiners get what has expired.
    let late = topic.reader().reliable().transient_local().keep_all().build().unwrap();
    sim.block_on(late.matched(1));
    sim.run_for(seconds(1));
    assert!(take_numbers(&late).is_empty());
}

#[test]
fn both_sides_learn_why_they_do_not_match() {
    let sim = simulation(6, rough());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let (mut of_one, mut of_two) = (one.verdicts(), two.verdicts());
    let writer = one.topic::<Numbered>("Odd").unwrap().writer().best_effort().build().unwrap();
    let reader = two
        .topic::<Numbered>("Odd")
        .unwrap()
        .reader()
        .reliable()
        .liveliness(LivelinessKind::Automatic, seconds(1).into())
        .build()
        .unwrap();
    let told = || {
        let counts = (
            writer.offered_incompatible_qos_status().total_count,
            reader.requested_incompatible_qos_status().total_count,
        );
        counts == (1, 1)
    };
    assert!(sim.run_until(told, seconds(10)));
    for verdict in [of_one.next().unwrap(), of_two.next().unwrap()] {
        let policies: Vec<_> = verdict.incompatible_qos().map(|problem| problem.policy).collect();
        assert_eq!(policies, [PolicyId::Reliability, PolicyId::Liveliness], "{verdict}");
    }
    sim.run_for(seconds(20));
    assert!(told(), "and they are told once");
    assert!(of_one.next().is_none() && of_two.next().is_none(), "once a pair");
    assert!(writer.matched_subscriptions().is_empty() && reader.matched_publications().is_empty());
}

#[test]
fn endpoints_of_one_participant_meet_without_the_network() {
    let sim = simulation(7, NetworkConditions::new().loss(1.0));
    let participant = sim.participant(0);
    let topic = participant.topic::<Numbered>("Inside").unwrap();
    let reader = topic.reader().reliable().keep_all().build().unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    assert_eq!(writer.matched_subscriptions().len(), 1);
    let before = sim.statistics();
    for number in 0..1000 {
        writer.write(&Numbered::new(number)).unwrap();
    }
    sim.block_on(writer.acknowledgments());
    assert_eq!(take_numbers(&reader), (0..1000).collect::<Vec<_>>());
    assert_eq!(sim.statistics(), before, "not a datagram");
}
