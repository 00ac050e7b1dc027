//! DATA_FRAGs that claim what they do not bring.

use crate::{
    allocation::{allocated, held},
    common::seconds,
    forge::{Claim, fragments},
    scene::Scene,
};

#[test]
fn claimed_sizes_reserve_no_memory() {
    let mut scene = Scene::new(111);
    let before = held();
    let sizes = [0, 1, 100, 1344, 64 << 20, (64 << 20) + 1, 1 << 31, u32::MAX - 1, u32::MAX];
    let firsts = [0, 1, 2, 100, 49_934, u32::MAX - 1, u32::MAX];
    let mut number = 0;
    for sample_size in sizes {
        for fragment_size in [0, 1, 100, 1344, u16::MAX] {
            for first in firsts {
                for count in [0, 1, 2, u16::MAX] {
                    number += 1;
                    let claim = Claim { number, first, count, fragment_size, sample_size };
                    let message = fragments(scene.bad.prefix, scene.bad.to_reader, [claim], &[7; 1344]);
                    let used = allocated(|| scene.inject(&message));
                    assert!(used <= 16 * message.len() + (64 << 10), "{used} bytes for {claim:?}");
                }
            }
        }
    }
    let grown = held().wrapping_sub(before) as isize;
    assert!(grown < 1 << 20, "{grown} bytes are still held");
    scene.serve();
    scene.check_uninterrupted();
}

/// Fragments of one byte cost more to keep than they bring.
#[test]
fn tiny_fragments_are_no_lever() {
    let mut scene = Scene::new(112);
    let before = held();
    let mut sent = 0;
    for number in 1..=16 {
        for round in 0..50_u32 {
            // Never the first fragment, so that all of it has to wait; every second one, or all of a run.
            let claims = (0..1000).map(|index| Claim {
                number,
                first: 2 + round * 2000 + 2 * index,
                count: 1,
                fragment_size: 1,
                sample_size: 1 << 20,
            });
            let message = fragments(scene.bad.prefix, scene.bad.to_reader, claims, &[7]);
            let used = allocated(|| scene.inject(&message));
            assert!(used <= 16 * message.len() + (64 << 10), "{used} bytes for {}", message.len());
            let first = 200_000 + round * 10_000;
            let run = Claim { number, first, count: 10_000, fragment_size: 1, sample_size: 1 << 20 };
            let message_of_run = fragments(scene.bad.prefix, scene.bad.to_reader, [run], &[7; 10_000]);
            let used = allocated(|| scene.inject(&message_of_run));
            assert!(
                used <= 16 * message_of_run.len() + (64 << 10),
                "{used} bytes for {}",
                message_of_run.len()
            );
            sent += message.len() + message_of_run.len();
        }
    }
    let grown = held().wrapping_sub(before);
    println!("{grown} bytes held for {sent} sent");
    assert!(grown <= 4 * sent, "{grown} bytes held for {sent} sent");
    scene.serve();
    scene.check_uninterrupted();
}

/// Whoever sends endless unfinished samples fills its own share only.
#[test]
fn unfinished_samples_fill_a_bounded_share() {
    let mut scene = Scene::new(113);
    let before = held();
    for number in 1..100_000 {
        let claim = Claim { number, first: 2, count: 1, fragment_size: 1344, sample_size: 1 << 20 };
        let message = fragments(scene.bad.prefix, scene.bad.to_reader, [claim], &[7; 1344]);
        scene.inject(&message);
        if number % 1000 == 0 {
            scene.serve();
        }
    }
    let grown = held().wrapping_sub(before) as isize;
    assert!(grown < 1 << 20, "{grown} bytes held");
    scene.sim.run_for(seconds(1));
    scene.serve();
    scene.check_uninterrupted();
}
