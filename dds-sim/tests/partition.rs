//! Hosts cut off from each other, for less and for more than a lease.

mod common;

use common::{Numbered, millis, rough, seconds, simulation, take_count};
use dds_qos::LivelinessKind;

#[test]
fn a_short_partition_loses_nothing() {
    for seed in 0..5 {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let (here, there) = (sim.host_of(&one).unwrap(), sim.host_of(&two).unwrap());
        let writer = one.topic::<Numbered>("Cut").unwrap().writer().reliable().keep_all().build().unwrap();
        let reader = two.topic::<Numbered>("Cut").unwrap().reader().reliable().keep_all().build().unwrap();
        sim.block_on(writer.matched(1));
        for number in 0..600 {
            match number {
                200 => sim.partition(here, there),
                400 => sim.heal(here, there),
                _ => {}
            }
            writer.write(&Numbered::new(number)).unwrap();
            sim.run_for(millis(15));
        }
        let numbers = take_count(&sim, &reader, 600);
        assert_eq!(numbers, (0..600).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(reader.subscription_matched_status().total_count, 1, "seed {seed}: matched all the time");
        assert!(sim.statistics().cut > 0);
    }
}

#[test]
fn a_long_partition_ends_the_match_and_healing_renews_it() {
    let sim = simulation(11, rough());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let (here, there) = (sim.host_of(&one).unwrap(), sim.host_of(&two).unwrap());
    let topic = one.topic::<Numbered>("Cut").unwrap();
    let writer = topic.writer().reliable().transient_local().keep_all().build().unwrap();
    let topic = two.topic::<Numbered>("Cut").unwrap();
    let reader = topic.reader().reliable().transient_local().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    writer.write(&Numbered::new(0)).unwrap();
    assert_eq!(take_count(&sim, &reader, 1), [0]);

    sim.partition(here, there);
    let cut_at = sim.now();
    let lost = || writer.matched_subscriptions().is_empty() && reader.matched_publications().is_empty();
    assert!(sim.run_until(lost, seconds(30)));
    let lease = sim.now() - cut_at;
    assert!((seconds(7)..=seconds(11)).contains(&lease), "{lease:?}");
    writer.write(&Numbered::new(1)).unwrap();
    sim.run_for(seconds(60));

    sim.heal(here, there);
    let healed_at = sim.now();
    sim.block_on(writer.matched(1));
    sim.block_on(reader.matched(1));
    assert!(sim.now() - healed_at < seconds(5), "matched again after {:?}", sim.now() - healed_at);
    let last = sim.run_until(|| common::take_numbers(&reader).contains(&1), seconds(10));
    assert!(last, "what was written meanwhile comes with the new match");
    let status = reader.subscription_matched_status();
    assert_eq!((status.total_count, status.current_count), (2, 1));
}

#[test]
fn liveliness_is_lost_in_a_partition_and_comes_back() {
    for (seed, kind) in [
        (1, LivelinessKind::Automatic),
        (2, LivelinessKind::ManualByParticipant),
        (3, LivelinessKind::ManualByTopic),
    ] {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let (here, there) = (sim.host_of(&one).unwrap(), sim.host_of(&two).unwrap());
        let lease = seconds(1);
        let topic = one.topic::<Numbered>("Alive").unwrap();
        let writer = topic.writer().reliable().liveliness(kind, lease.into()).build().unwrap();
        let topic = two.topic::<Numbered>("Alive").unwrap();
        let reader = topic.reader().reliable().liveliness(kind, lease.into()).build().unwrap();
        sim.block_on(writer.matched(1));
        sim.block_on(reader.matched(1));
        let clock = sim.clock();
        let asserting = writer.clone();
        sim.spawn(async move {
            loop {
                asserting.assert_liveliness().unwrap();
                clock.sleep(millis(100)).await;
            }
        });
        sim.run_for(seconds(3));
        let status = reader.liveliness_changed_status();
        assert_eq!((status.alive_count, status.not_alive_count), (1, 0), "seed {seed}: {kind:?}");

        sim.partition(here, there);
        let cut_at = sim.now();
        let mut last = status;
        let lost = || {
            last = reader.liveliness_changed_status();
            last.not_alive_count == 1
        };
        assert!(sim.run_until(lost, seconds(5)), "seed {seed}: {kind:?}");
        assert_eq!(last.alive_count, 0);
        let after = sim.now() - cut_at;
        assert!(after > millis(300) && after <= lease + millis(20), "seed {seed}: {kind:?} after {after:?}");

        sim.heal(here, there);
        let back = || reader.liveliness_changed_status().alive_count == 1;
        assert!(sim.run_until(back, seconds(3)), "seed {seed}: {kind:?}");
    }
}
