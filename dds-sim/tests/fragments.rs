//! Samples larger than a datagram.

mod common;

use common::{millis, rough, seconds, simulation};
use dds_core::DdsType;
use dds_sim::NetworkConditions;

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Large {
    number: u32,
    bytes: Vec<u8>,
}

fn large(number: u32, length: usize) -> Large {
    let bytes = (0..length).map(|index| (index as u32).wrapping_mul(31).wrapping_add(number) as u8).collect();
    Large { number, bytes }
}

#[test]
fn large_reliable_samples_arrive_whole_under_loss() {
    for seed in 0..3 {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let writer = one.topic::<Large>("Large").unwrap().writer().reliable().keep_all();
        let writer = writer.max_blocking_time(seconds(10).into()).build().unwrap();
        let reader = two.topic::<Large>("Large").unwrap().reader().reliable().keep_all().build().unwrap();
        sim.block_on(writer.matched(1));
        let lengths = [1 << 20, 10, 1343, 1344, 1345, 100_000, 3 << 20, 64, 70_000];
        let mut received = Vec::new();
        for (number, length) in (0..).zip(lengths) {
            sim.block_on(writer.write_async(&large(number, length))).unwrap();
            sim.run_for(millis(20));
        }
        let done = sim.run_until(
            || {
                received.extend(reader.take().unwrap().into_iter().filter_map(|sample| sample.into_data()));
                received.len() == lengths.len()
            },
            seconds(60),
        );
        assert!(done, "seed {seed}: {} of {}", received.len(), lengths.len());
        for ((number, length), received) in (0..).zip(lengths).zip(received) {
            assert!(received == large(number, length), "seed {seed}: sample {number}");
        }
        println!("seed {seed}: after {:?}", sim.now());
    }
}

/// Samples that never become whole do not keep those after them from arriving.
#[test]
fn large_best_effort_samples_arrive_when_nothing_of_them_is_lost() {
    let sim = simulation(11, NetworkConditions::new().loss(0.02).reorder(0.02));
    let (one, two) = (sim.participant(0), sim.participant(0));
    let writer = one.topic::<Large>("Large").unwrap().writer().best_effort().build().unwrap();
    let reader = two.topic::<Large>("Large").unwrap().reader().best_effort().keep_all().build().unwrap();
    sim.block_on(writer.matched(1));
    sim.block_on(reader.matched(1));
    // Sixteen fragments: all arrive in 0.98¹⁶ = 72 % of the cases.
    let mut received = 0;
    for number in 0..1000 {
        writer.write(&large(number, 16 * 1344 - 100)).unwrap();
        sim.run_for(millis(5));
        for sample in reader.take().unwrap() {
            let sample = sample.into_data().unwrap();
            assert!(sample == large(sample.number, 16 * 1344 - 100));
            received += 1;
        }
    }
    println!("{received} of 1000");
    assert!((650..800).contains(&received), "{received} of 1000");
}
