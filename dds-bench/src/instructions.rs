//! Instructions per sample, counted by callgrind over two engines without sockets.
//!
//! Counts do not depend on the load of the machine, so that a regression shows as a number. What is
//! counted is one thread's work with default QoS but RELIABLE: write (into the datagram), deliver (both
//! ends, with the acknowledgements that follow), take (with decoding); and all of that for a sample of a
//! burst, whose samples share their datagrams; and write and take within one participant.

use std::{collections::BTreeMap, hint::black_box, process::Command};

use dds_bench::{BenchSample, Numbered, Pair, Small};

use crate::{Failure, options::Options, results::root};

/// Instructions per sample by what is counted, as in `baseline.json`.
type Counts = BTreeMap<String, u64>;

/// How much more than recorded is a failure, and how much less deserves a new record.
const TOLERANCE: f64 = 0.02;
const STEPS: [(&str, usize); 8] = [
    ("write", 64),
    ("deliver", 64),
    ("take", 64),
    ("write", 16_384),
    ("deliver", 16_384),
    ("take", 16_384),
    ("burst", 64),
    ("in-process", 64),
];
/// Samples in a burst: fewer than a datagram holds.
const BURST: usize = 250;
const SAMPLES: u64 = 1_000;
const WARM_UP: u64 = 2_000;

trait Steps {
    fn write(&mut self);
    fn deliver(&mut self);
    fn take(&mut self) -> usize;
    fn burst(&mut self, count: usize) -> usize;
    fn settle(&mut self);
}

impl<T: Numbered> Steps for Pair<T> {
    fn write(&mut self) {
        Pair::write(self);
    }

    fn deliver(&mut self) {
        Pair::deliver(self);
    }

    fn take(&mut self) -> usize {
        Pair::take(self)
    }

    fn burst(&mut self, count: usize) -> usize {
        Pair::burst(self, count)
    }

    fn settle(&mut self) {
        Pair::settle(self);
    }
}

// Callgrind collects while it is in the one of these that it was told of. Something is left to do after
// each call, as the frame of a tail call would be gone.

#[inline(never)]
fn counted_write(pair: &mut dyn Steps) {
    pair.write();
    black_box(pair);
}

#[inline(never)]
fn counted_deliver(pair: &mut dyn Steps) {
    pair.deliver();
    black_box(pair);
}

#[inline(never)]
fn counted_take(pair: &mut dyn Steps) -> usize {
    let taken = pair.take();
    black_box(pair);
    taken
}

#[inline(never)]
fn counted_burst(pair: &mut dyn Steps) -> usize {
    let taken = pair.burst(BURST);
    black_box(pair);
    taken
}

/// What callgrind runs: the steps without, and then with their counted frames.
pub fn engine(options: &Options) -> Result<(), Failure> {
    match options.way.as_str() {
        "burst" => return bursts(options),
        "in-process" => return in_process(options),
        _ => {}
    }
    let mut pair: Box<dyn Steps> = match options.payload {
        16_384 => Box::new(Pair::<BenchSample>::new()?),
        _ => Box::new(Pair::<Small>::new()?),
    };
    for _ in 0..WARM_UP {
        pair.write();
        pair.deliver();
        pair.take();
        pair.settle();
    }
    for number in 0..options.samples.unwrap_or(SAMPLES) {
        counted_write(&mut *pair);
        counted_deliver(&mut *pair);
        let taken = counted_take(&mut *pair);
        if taken != 1 {
            return Err(format!("sample {number}: {taken} samples arrived").into());
        }
        pair.settle();
    }
    Ok(())
}

#[inline(never)]
fn counted_in_process(pair: &mut dyn Steps) -> usize {
    pair.write();
    let taken = pair.take();
    black_box(pair);
    taken
}

fn in_process(options: &Options) -> Result<(), Failure> {
    let mut pair = Pair::<Small>::in_process()?;
    pair.settle();
    for _ in 0..WARM_UP {
        pair.write();
        pair.take();
        pair.settle();
    }
    for number in 0..options.samples.unwrap_or(SAMPLES) {
        let taken = counted_in_process(&mut pair);
        if taken != 1 {
            return Err(format!("sample {number}: {taken} samples arrived").into());
        }
        pair.settle();
    }
    Ok(())
}

fn bursts(options: &Options) -> Result<(), Failure> {
    let mut pair = Pair::<Small>::with_history(2 * BURST as u32)?;
    for _ in 0..WARM_UP as usize / BURST {
        pair.burst(BURST);
        pair.settle();
    }
    for number in 0..options.samples.unwrap_or(SAMPLES) as usize / BURST {
        let taken = counted_burst(&mut pair);
        if taken != BURST {
            return Err(format!("burst {number}: {taken} samples arrived").into());
        }
        pair.settle();
    }
    Ok(())
}

fn count(step: &str, payload: usize) -> Result<u64, Failure> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
    let counted = step.replace('-', "_");
    command.arg(format!("--toggle-collect=*counted_{counted}*")).arg(std::env::current_exe()?);
    // A repeated move counts as many instructions as it has bytes, and only some processors have it.
    command.env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824");
    command.args(["engine", "--way", step, "--payload", &payload.to_string()]);
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    let collected = collected.and_then(|(_, count)| count.trim().parse::<u64>().ok());
    match collected.filter(|count| *count > 0 && output.status.success()) {
        Some(collected) => Ok(collected / SAMPLES),
        None => Err(format!("callgrind, {step} of {payload} bytes: {text}").into()),
    }
}

fn path() -> std::path::PathBuf {
    root().join("dds-bench/baseline.json")
}

/// What is recorded.
pub fn baseline() -> Result<Counts, Failure> {
    Ok(serde_json::from_slice(&std::fs::read(path())?)?)
}

/// Counts, prints, and compares with or replaces the record.
pub fn run(options: &Options) -> Result<(), Failure> {
    let mut counts = Counts::new();
    for (step, payload) in STEPS {
        counts.insert(format!("{step} {payload} B"), count(step, payload)?);
    }
    let recorded = baseline().unwrap_or_default();
    let mut worse = Vec::new();
    for (what, count) in &counts {
        let before = recorded.get(what).copied();
        let change = before.map_or(0.0, |before| *count as f64 / before as f64 - 1.0);
        println!(
            "{what:<16} {count:>7} instructions a sample, recorded {before:?}, {:+.1} %",
            change * 100.0
        );
        if change > TOLERANCE || (before.is_none() && !options.write) {
            worse.push(format!("{what}: {count}, recorded {before:?}"));
        } else if change < -TOLERANCE {
            println!("{what}: better than recorded; `dds-bench instructions --write` records it");
        }
    }
    if options.write {
        std::fs::write(path(), serde_json::to_string_pretty(&counts)? + "\n")?;
        return Ok(());
    }
    if options.check && !worse.is_empty() {
        return Err(format!("more instructions than recorded: {}", worse.join("; ")).into());
    }
    Ok(())
}
