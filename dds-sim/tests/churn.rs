//! Hosts that write, dispose, get cut off, die and come back at random. When peace returns, everybody
//! sees what everybody wrote last.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Keyed, millis, rough, seconds, simulation};
use dds_core::{DataReader, DataWriter, DomainParticipant, sample::InstanceState};
use dds_rtps::message::corpus::Seed;
use dds_sim::{HostId, Simulation};

const HOSTS: usize = 5;
const KEYS: u64 = 3;

/// One host's program.
struct Node {
    host: HostId,
    participant: DomainParticipant,
    writer: DataWriter<Keyed>,
    reader: DataReader<Keyed>,
    /// What its writer wrote last of each key; `None` when it disposed of it.
    written: BTreeMap<u32, Option<u32>>,
}

impl Node {
    fn start(sim: &Simulation, host: HostId) -> Self {
        let participant = sim.participant_on(host, 0);
        let topic = participant.topic::<Keyed>("State").unwrap();
        let writer = topic.writer().reliable().transient_local().keep_last(1).build().unwrap();
        let reader = topic.reader().reliable().transient_local().keep_last(1).build().unwrap();
        Self { host, participant, writer, reader, written: BTreeMap::new() }
    }
}

struct Churn {
    sim: Simulation,
    random: Seed,
    hosts: Vec<HostId>,
    nodes: BTreeMap<usize, Node>,
    cut: BTreeSet<(usize, usize)>,
    value: u32,
}

impl Churn {
    fn new(seed: u64) -> Self {
        let sim = simulation(seed, rough());
        let hosts: Vec<_> = (0..HOSTS).map(|_| sim.host()).collect();
        let nodes = (0..HOSTS).map(|index| (index, Node::start(&sim, hosts[index]))).collect();
        Self { sim, random: Seed(seed), hosts, nodes, cut: BTreeSet::new(), value: 0 }
    }

    /// Something happens.
    fn step(&mut self) {
        let index = self.random.below(HOSTS as u64) as usize;
        let other = self.random.below(HOSTS as u64) as usize;
        let key = index as u32 * 10 + self.random.below(KEYS) as u32;
        let what = self.random.below(100);
        if let Some(node) = self.nodes.get_mut(&index) {
            match what {
                0..70 => {
                    self.value += 1;
                    node.writer.write(&Keyed { key, number: self.value }).unwrap();
                    node.written.insert(key, Some(self.value));
                }
                70..80 if node.written.get(&key).is_some_and(Option::is_some) => {
                    node.writer.dispose(&Keyed { key, number: 0 }).unwrap();
                    node.written.insert(key, None);
                }
                80..83 => {
                    let topic = node.participant.topic::<Keyed>("State").unwrap();
                    node.reader = topic.reader().reliable().transient_local().keep_last(1).build().unwrap();
                }
                83..85 => self.sim.kill(node.host),
                _ => {}
            }
        }
        match what {
            // Killed above, or departing.
            83..87 => drop(self.nodes.remove(&index)),
            87..91 if index != other => {
                self.sim.partition(self.hosts[index], self.hosts[other]);
                self.cut.insert((index, other));
            }
            91..95 => {
                if let Some((one, two)) = self.cut.pop_first() {
                    self.sim.heal(self.hosts[one], self.hosts[two]);
                }
            }
            95.. if !self.nodes.contains_key(&index) => {
                self.nodes.insert(index, Node::start(&self.sim, self.hosts[index]));
            }
            _ => {}
        }
        self.sim.run_for(millis(self.random.below(400)));
    }

    fn make_peace(&mut self) {
        while let Some((one, two)) = self.cut.pop_first() {
            self.sim.heal(self.hosts[one], self.hosts[two]);
        }
        self.sim.run_for(seconds(30));
    }

    fn check(&self) {
        let seed = self.sim.seed();
        let expected: BTreeMap<u32, Option<u32>> =
            self.nodes.values().flat_map(|node| node.written.clone()).collect();
        for (index, node) in &self.nodes {
            assert_eq!(
                node.reader.matched_publications().len(),
                self.nodes.len(),
                "seed {seed}, host {index}"
            );
            assert_eq!(
                node.writer.matched_subscriptions().len(),
                self.nodes.len(),
                "seed {seed}, host {index}"
            );
            let mut seen = BTreeMap::new();
            for sample in node.reader.read().unwrap() {
                let value = match sample.info().instance_state {
                    InstanceState::Alive => sample.data().map(|data| data.number),
                    _ => None,
                };
                seen.insert(sample.key().key, value);
            }
            for (key, value) in &expected {
                // Who never saw it alive need not know that it is gone.
                let known = seen.get(key).copied().unwrap_or(None);
                assert_eq!(
                    known, *value,
                    "seed {seed}, host {index}, key {key}: {seen:?} is not {expected:?}"
                );
            }
            let alive = seen.values().filter(|value| value.is_some()).count();
            assert_eq!(alive, expected.values().filter(|value| value.is_some()).count(), "seed {seed}");
            for (key, value) in &seen {
                let is_gone = !expected.contains_key(key);
                assert!(!is_gone || value.is_none(), "seed {seed}, host {index}, key {key} has no writer");
            }
        }
    }
}

#[test]
fn everybody_agrees_after_the_turmoil() {
    for seed in 0..40 {
        let mut churn = Churn::new(seed);
        for _ in 0..4 {
            for _ in 0..100 {
                churn.step();
            }
            churn.make_peace();
            churn.check();
        }
        println!(
            "seed {seed}: {:?} of virtual time, {} written, {:?}",
            churn.sim.now(),
            churn.value,
            churn.sim.statistics()
        );
        assert!(churn.value > 100 && churn.sim.statistics().cut > 0);
    }
}
