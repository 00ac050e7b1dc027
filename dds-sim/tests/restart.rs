//! Participants that vanish, depart, and come back.

mod common;

use common::{Numbered, rough, seconds, simulation, take_count};

#[test]
fn a_killed_participant_is_missed_at_its_lease_and_its_successor_found() {
    for seed in 0..5 {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let reader = one.topic::<Numbered>("Killed").unwrap().reader().reliable().keep_all().build().unwrap();
        let topic = two.topic::<Numbered>("Killed").unwrap();
        let writer = topic.writer().reliable().keep_all().build().unwrap();
        sim.block_on(reader.matched(1));
        sim.block_on(writer.matched(1));
        writer.write(&Numbered::new(0)).unwrap();
        assert_eq!(take_count(&sim, &reader, 1), [0]);

        let host = sim.host_of(&two).unwrap();
        sim.kill(host);
        let killed_at = sim.now();
        assert!(sim.run_until(|| one.discovered_participants().is_empty(), seconds(20)), "seed {seed}");
        let lease = sim.now() - killed_at;
        assert!((seconds(7)..=seconds(11)).contains(&lease), "seed {seed}: {lease:?}");
        assert!(reader.matched_publications().is_empty());
        assert_eq!(reader.liveliness_changed_status().alive_count, 0);
        drop((writer, topic, two));

        let successor = sim.participant_on(host, 0);
        let restarted_at = sim.now();
        let topic = successor.topic::<Numbered>("Killed").unwrap();
        let writer = topic.writer().reliable().keep_all().build().unwrap();
        sim.block_on(writer.matched(1));
        sim.block_on(reader.matched(1));
        assert!(sim.now() - restarted_at < seconds(3), "seed {seed}: {:?}", sim.now() - restarted_at);
        writer.write(&Numbered::new(1)).unwrap();
        assert_eq!(take_count(&sim, &reader, 1), [1]);
    }
}

#[test]
fn a_successor_on_the_same_ports_is_found_before_the_lease_of_the_killed_one_ends() {
    let sim = simulation(21, rough());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let reader = one.topic::<Numbered>("Killed").unwrap().reader().reliable().keep_all().build().unwrap();
    let writer = two.topic::<Numbered>("Killed").unwrap().writer().reliable().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    let host = sim.host_of(&two).unwrap();
    sim.kill(host);
    drop((writer, two));
    let successor = sim.participant_on(host, 0);
    let restarted_at = sim.now();
    let topic = successor.topic::<Numbered>("Killed").unwrap();
    let writer = topic.writer().reliable().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    sim.block_on(reader.matched(2));
    assert!(sim.now() - restarted_at < seconds(3), "{:?}", sim.now() - restarted_at);
    for number in 0..100 {
        writer.write(&Numbered::new(number)).unwrap();
    }
    assert_eq!(take_count(&sim, &reader, 100), (0..100).collect::<Vec<_>>());
    sim.run_for(seconds(12));
    assert_eq!(reader.matched_publications().len(), 1, "the killed one is gone");
}

#[test]
fn a_departure_is_seen_at_once() {
    let sim = simulation(31, dds_sim::NetworkConditions::new());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let reader = one.topic::<Numbered>("Leaving").unwrap().reader().build().unwrap();
    let writer = two.topic::<Numbered>("Leaving").unwrap().writer().build().unwrap();
    sim.block_on(reader.matched(1));
    sim.block_on(writer.matched(1));
    drop((writer, two));
    assert!(sim.run_until(|| reader.matched_publications().is_empty(), common::millis(50)));
    assert!(sim.run_until(|| one.discovered_participants().is_empty(), common::millis(50)));
}
