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
