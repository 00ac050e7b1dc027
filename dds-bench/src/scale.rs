//! What a sample costs beside many instances, a deep history, endpoints of other topics, other writers and readers:
//! over two engines without sockets, and between processes.

use std::{
    hint::black_box,
    process::{Command, Stdio},
};

use dds_bench::{Scale, Scaled};

use crate::{
    Failure,
    child::{PATIENCE, Running, Usage, number},
    namespace::Namespace,
    options::{Delivery, Options},
    results::{FanOut, Scaling},
    stacks::{AS_IT_COMES, BY_UDP, CYCLONE, Medium, OURS, Stack},
    system_calls::Traced,
};

/// What there is how many of. Callgrind counts where `true`, which takes longer.
const ROWS: &[(&str, &[(usize, bool)])] = &[
    ("instances", &[(1, true), (1_000, true), (100_000, true), (1_000_000, false)]),
    ("depth", &[(1, true), (1_000, true), (100_000, true)]),
    ("endpoints", &[(0, true), (100, false), (1_000, true), (10_000, false)]),
    ("readers", &[(1, true), (2, true), (4, true), (8, true), (16, true)]),
    ("writers", &[(1, true), (4, true), (16, true)]),
];
/// Processes that read from one writer, and that write to one reader.
const PROCESSES: [usize; 5] = [1, 2, 4, 8, 16];
const WARM_UP: usize = 2_000;
const SAMPLES: usize = 20_000;
/// Where callgrind counts, which repeats.
const COUNTED: usize = 500;

fn scale(what: &str, count: usize) -> Result<Scale, Failure> {
    let mut scale = Scale::ONE;
    match what {
        "instances" => scale.instances = count as u64,
        "depth" => scale.depth = u32::try_from(count)?,
        "endpoints" => scale.endpoints = count,
        "readers" => scale.readers = count,
        "writers" => scale.writers = count,
        other => return Err(format!("nothing is scaled by {other}").into()),
    }
    Ok(scale)
}

// As in `instructions.rs`: callgrind collects while it is in here.
#[inline(never)]
fn counted_sample(scaled: &mut Scaled) -> Result<usize, Failure> {
    scaled.write()?;
    scaled.deliver();
    let taken = scaled.take()?;
    black_box(scaled);
    Ok(taken)
}

/// The role that measures one row: makes what is needed, waits for a line, works and prints.
pub fn engine(options: &Options) -> Result<(), Failure> {
    let resident = || Usage::of(std::process::id()).map(|usage| usage.resident_kib);
    // Code and tables that are there in any case.
    Scaled::new(Scale::ONE)?.spend(WARM_UP)?;
    let before = resident()?;
    let mut scaled = Scaled::new(scale(&options.way, options.peers)?)?;
    let resident_kib = resident()?.saturating_sub(before);
    println!(r#"{{"event":"matched"}}"#);
    if std::io::stdin().lines().next().is_none() {
        return Ok(());
    }
    if let Some(samples) = options.samples {
        for number in 0..samples {
            let taken = counted_sample(&mut scaled)?;
            if taken != scaled.readers() {
                return Err(format!("sample {number}: {taken} samples arrived").into());
            }
            scaled.settle();
        }
        return Ok(());
    }
    scaled.spend(WARM_UP)?;
    let spent = scaled.spend(SAMPLES)?;
    let datagrams = scaled.datagrams_of_one()?;
    let [write, deliver, take] =
        [spent.write, spent.deliver, spent.take].map(|spent| spent.as_nanos() / SAMPLES as u128);
    println!(
        r#"{{"event":"result","write_ns":{write},"deliver_ns":{deliver},"take_ns":{take},"datagrams":{datagrams},"resident_kib":{resident_kib}}}"#
    );
    Ok(())
}

/// Every row, over two engines.
pub fn engines() -> Result<Vec<Scaling>, Failure> {
    let mut rows = Vec::new();
    for (what, counts) in ROWS {
        for (count, is_counted) in counts.iter().copied() {
            let mut row = timed(what, count)?;
            if is_counted {
                row.instructions = Some(instructions(what, count)?);
            }
            println!(
                "  {:>9} {what:<10} write {:>6} ns, deliver {:>6} ns, take {:>6} ns, {:>7} instructions, {} KiB",
                count,
                row.write_ns,
                row.deliver_ns,
                row.take_ns,
                row.instructions.map_or("no".to_owned(), |count| count.to_string()),
                row.resident_kib
            );
            rows.push(row);
        }
    }
    Ok(rows)
}

fn role(program: &mut Command, what: &str, count: usize) -> Command {
    let mut command = std::mem::replace(program, Command::new("true"));
    command.args(["scaled", "--way", what, "--peers", &count.to_string()]);
    command
}

fn timed(what: &str, count: usize) -> Result<Scaling, Failure> {
    let mut program = Command::new("nice");
    program.args(["-n", "-15", "taskset", "-c", "0"]).arg(std::env::current_exe()?);
    let mut end = Running::start(&mut role(&mut program, what, count))?;
    end.expect("matched", 6 * PATIENCE)?;
    end.go()?;
    let line = end.expect("result", 6 * PATIENCE)?;
    end.finish()?;
    Ok(Scaling {
        what: what.to_owned(),
        count,
        write_ns: number(&line, "write_ns")?,
        deliver_ns: number(&line, "deliver_ns")?,
        take_ns: number(&line, "take_ns")?,
        instructions: None,
        datagrams: number(&line, "datagrams")?,
        resident_kib: number(&line, "resident_kib")?,
    })
}

/// Instructions of a sample, written, delivered and taken.
fn instructions(what: &str, count: usize) -> Result<u64, Failure> {
    let file = std::env::temp_dir().join(format!("dds-bench-{}-scaled.callgrind", std::process::id()));
    let mut program = Command::new("valgrind");
    program.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--instr-atstart=no"]);
    program.arg(format!("--log-file={}", file.display())).arg("--toggle-collect=*counted_sample*");
    program.arg(std::env::current_exe()?);
    let mut command = role(&mut program, what, count);
    command.args(["--samples", &COUNTED.to_string()]);
    // As in `instructions.rs`.
    command.env("GLIBC_TUNABLES", "glibc.cpu.x86_rep_movsb_threshold=1073741824");
    let mut end = Running::start(&mut command)?;
    end.expect("matched", 6 * PATIENCE)?;
    // What came before would take very long otherwise.
    let mut control = Command::new("callgrind_control");
    let status = control
        .args(["-i", "on", &end.id().to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{control:?}: {status}").into());
    }
    end.go()?;
    end.finish()?;
    let text = std::fs::read_to_string(&file)?;
    std::fs::remove_file(&file)?;
    let collected = text.lines().find_map(|line| line.split_once("Collected : "));
    match collected.and_then(|(_, count)| count.trim().parse::<u64>().ok()).filter(|count| *count > 0) {
        Some(collected) => Ok(collected / COUNTED as u64),
        None => Err(format!("callgrind, {count} {what}: {text}").into()),
    }
}

/// One writer with many readers, and many writers with one reader, each in a process of its own.
pub fn processes(namespace: &Namespace, stacks: &[Stack], seconds: f64) -> Result<Vec<FanOut>, Failure> {
    let mut rows = Vec::new();
    for stack in stacks.iter().filter(|stack| [OURS, CYCLONE].contains(&stack.name)) {
        let to_many = PROCESSES.map(|count| (1, count));
        let to_one = PROCESSES.map(|count| (count, 1)).into_iter().skip(1).filter(|_| stack.name == OURS);
        for (writers, readers) in to_many.into_iter().chain(to_one) {
            let mut row = flat_out([namespace; 2], stack, (writers, readers), 64, seconds)?;
            if writers == 1 {
                let traced = Traced {
                    namespace,
                    stack,
                    delivery: Delivery::Listener,
                    payload: 64,
                    passive: readers,
                    pace_us: Some(300),
                };
                row.calls = traced.measure(["publish", "subscribe"])?.swap_remove(0).calls;
            }
            println!(
                "  {:<34} {writers:>2} → {readers:<2} {:>7.1} k/s at each reader, {:.2} µs of each writer's processor a \
                 sample, {} lost, {:?}",
                row.stack,
                row.samples_per_second / 1e3,
                row.processor_us_per_sample,
                row.lost,
                row.calls
            );
            rows.push(row);
        }
    }
    Ok(rows)
}

/// As many samples as there is time for, from writers in one namespace to readers in the other.
pub fn flat_out(
    [near, far]: [&Namespace; 2],
    stack: &Stack,
    (writers, readers): (usize, usize),
    payload: usize,
    seconds: f64,
) -> Result<FanOut, Failure> {
    let start = |namespace, role: &str, peers: usize| {
        let mut command = stack.command(namespace, None, role, Delivery::Listener, &[]);
        command.args(["--payload", &payload.to_string(), "--seconds", &seconds.to_string()]);
        Running::start(command.args(["--peers", &peers.to_string()]))
    };
    let many = |namespace, role, count: usize, peers| {
        (0..count).map(|_| start(namespace, role, peers)).collect::<Result<Vec<_>, _>>()
    };
    let mut passive = many(far, "subscribe", readers, writers)?;
    let mut active = many(near, "publish", writers, readers)?;
    for end in active.iter().chain(&passive) {
        end.expect("matched", PATIENCE)?;
    }
    passive.iter_mut().try_for_each(Running::go)?;
    let before = active.iter().map(Running::usage).collect::<Result<Vec<_>, _>>()?;
    active.iter_mut().try_for_each(Running::go)?;
    let (mut written, mut spent) = (0, 0);
    for (end, before) in active.iter().zip(&before) {
        written += number(&end.expect("result", PATIENCE)?, "samples")?;
        spent += end.usage()?.since(before);
    }
    let (mut slowest, mut lost) = (f64::INFINITY, 0);
    for end in &mut passive {
        end.close_input();
        let line = end.expect("result", PATIENCE)?;
        let samples = number(&line, "samples")?;
        slowest = slowest.min(samples as f64 / (number(&line, "elapsed_ns")?.max(1) as f64 / 1e9));
        lost += written.saturating_sub(samples);
    }
    active.into_iter().chain(passive).try_for_each(Running::finish)?;
    Ok(FanOut {
        stack: match (stack.name, stack.medium) {
            (OURS, Medium::Network) => BY_UDP,
            (OURS, Medium::SharedMemory) => AS_IT_COMES,
            (other, _) => other,
        }
        .to_owned(),
        writers,
        readers,
        samples_per_second: slowest,
        lost,
        processor_us_per_sample: spent as f64 / 1e3 / written.max(1) as f64,
        calls: Vec::new(),
    })
}
