//! Samples for many hosts leave once, to a group, and arrive whatever the network does to them.

mod common;

use common::{Numbered, rough, seconds, simulation, take_count};
use dds_core::{DataReader, ParticipantConfig, UserMulticast};
use dds_sim::NetworkConditions;

const HOSTS: usize = 5;
const SAMPLES: u32 = 300;

/// Datagrams that leave all hosts while samples are written one by one, and taken everywhere.
fn datagrams(seed: u64, conditions: NetworkConditions, user_multicast: UserMulticast) -> u64 {
    let sim = simulation(seed, conditions);
    let participant = || {
        let config = ParticipantConfig { user_multicast, ..ParticipantConfig::default() };
        sim.participant_with(sim.host(), 0, |builder| builder.config(config)).unwrap()
    };
    let here = participant();
    let writer = here.topic::<Numbered>("Many").unwrap().writer().reliable().keep_all().build().unwrap();
    let others: Vec<_> = (0..HOSTS).map(|_| participant()).collect();
    let readers: Vec<DataReader<Numbered>> = others
        .iter()
        .map(|other| other.topic("Many").unwrap().reader().reliable().keep_all().build().unwrap())
        .collect();
    sim.block_on(writer.matched(HOSTS));
    sim.run_for(seconds(5));
    let before = sim.statistics().sent;
    for number in 0..SAMPLES {
        writer.write(&Numbered::new(number)).unwrap();
        sim.run_for(common::millis(5));
    }
    for reader in &readers {
        assert_eq!(
            take_count(&sim, reader, SAMPLES as usize),
            (0..SAMPLES).collect::<Vec<_>>(),
            "seed {seed}"
        );
    }
    sim.statistics().sent - before
}

#[test]
fn one_datagram_serves_all_hosts() {
    let (group, each) = (
        datagrams(1, NetworkConditions::new(), UserMulticast::Automatic),
        datagrams(1, NetworkConditions::new(), UserMulticast::Disabled),
    );
    // Each host acknowledges some; announcements go on.
    let samples = u64::from(SAMPLES);
    assert!(group < 2 * samples, "{group} datagrams by the group");
    assert!(each > HOSTS as u64 * samples, "{each} datagrams to each");
}

#[test]
fn everything_arrives_in_order_over_a_rough_network() {
    for seed in 0..5 {
        datagrams(seed, rough(), UserMulticast::Automatic);
    }
}
