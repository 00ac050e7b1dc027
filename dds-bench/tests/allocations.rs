//! Allocations per sample in the steady state: counted over two engines without sockets, and limited.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

use dds_bench::{BenchSample, Numbered, Pair, Small};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn note() {
    // No destructor, hence usable while a thread ends.
    ALLOCATIONS.with(|count| count.set(count.get() + 1));
}

// SAFETY: every call is the system allocator's own; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        // SAFETY: the caller keeps this function's contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const SAMPLES: u64 = 1_000;

fn counted<R>(total: &mut u64, act: impl FnOnce() -> R) -> R {
    let before = ALLOCATIONS.with(Cell::get);
    let result = act();
    *total += ALLOCATIONS.with(Cell::get) - before;
    result
}

/// Allocations per sample of write, delivery with acknowledgement, and take.
fn allocations<T: Numbered>() -> [f64; 3] {
    let mut pair = Pair::<T>::new().unwrap();
    let mut counts = [0; 3];
    for round in 0..2 {
        counts = [0; 3];
        for _ in 0..SAMPLES {
            counted(&mut counts[0], || pair.write());
            counted(&mut counts[1], || pair.deliver());
            let taken = counted(&mut counts[2], || pair.take());
            assert_eq!(taken, 1, "round {round}");
            pair.settle();
        }
    }
    counts.map(|count| count as f64 / SAMPLES as f64)
}

#[test]
fn of_small_samples() {
    let [write, deliver, take] = allocations::<Small>();
    println!("64 B: write {write}, deliver {deliver}, take {take}");
    assert_eq!([write, deliver, take], [0.0; 3]);
}

#[test]
fn within_one_participant() {
    let mut pair = Pair::<Small>::in_process().unwrap();
    let mut count = 0;
    for _ in 0..2 {
        count = 0;
        for _ in 0..SAMPLES {
            counted(&mut count, || pair.write());
            assert_eq!(counted(&mut count, || pair.take()), 1);
            pair.settle();
        }
    }
    assert_eq!(count, 0);
}

#[test]
fn of_fragmented_samples() {
    let [write, deliver, take] = allocations::<BenchSample>();
    println!("16 KiB: write {write}, deliver {deliver}, take {take}");
    // Decoded over the sample taken before, whose vector lends its memory.
    assert_eq!([write, deliver, take], [0.0, 0.0, 0.0]);
}
