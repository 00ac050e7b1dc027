//! What the scenarios share.
#![allow(dead_code, reason = "each test program uses its part")]

use std::time::Duration;

use dds_core::{DataReader, DdsType};
use dds_sim::{NetworkConditions, Simulation};

#[derive(DdsType, Clone, Debug, PartialEq)]
pub struct Numbered {
    pub number: u32,
    pub text: String,
}

impl Numbered {
    /// The one sample of a number, of varying length.
    pub fn new(number: u32) -> Self {
        Self { number, text: "x".repeat(number as usize % 40) }
    }
}

#[derive(DdsType, Clone, Debug, PartialEq)]
pub struct Keyed {
    #[dds(key)]
    pub key: u32,
    pub number: u32,
}

/// A fifth is lost; many arrive twice or out of order.
pub fn rough() -> NetworkConditions {
    NetworkConditions::new()
        .loss(0.2)
        .duplicate(0.05)
        .reorder(0.1)
        .delay(millis(0)..=millis(1))
        .hold_back(millis(1)..=millis(10))
}

/// A simulation of this seed, which is printed.
pub fn simulation(seed: u64, conditions: NetworkConditions) -> Simulation {
    println!("seed {seed}");
    Simulation::new(seed).network(conditions)
}

pub const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// Takes what is there and gives the numbers.
pub fn take_numbers(reader: &DataReader<Numbered>) -> Vec<u32> {
    let samples = reader.take().unwrap();
    let numbered = samples.iter().filter_map(|sample| sample.data());
    numbered
        .map(|sample| {
            assert_eq!(*sample, Numbered::new(sample.number));
            sample.number
        })
        .collect()
}

/// Takes until `count` numbers have come.
pub fn take_count(sim: &Simulation, reader: &DataReader<Numbered>, count: usize) -> Vec<u32> {
    let mut numbers = Vec::new();
    let done = sim.run_until(
        || {
            numbers.extend(take_numbers(reader));
            numbers.len() >= count
        },
        seconds(60),
    );
    assert!(done, "seed {}: {} of {count} arrived", sim.seed(), numbers.len());
    numbers
}
