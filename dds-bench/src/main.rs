//! Measures the stack beside Cyclone DDS and the limits of the machine, in a network namespace of its
//! own, interleaved, and writes `results/latest.json` and `docs/performance.md`.
//!
//! `cargo run --profile bench-lto -p dds-bench -- all` is the one command; it needs root, and strace, valgrind,
//! cyclonedds-dev and cyclonedds-tools of Debian 12.

mod build;
mod child;
mod ddsperf;
mod exchange;
mod inside;
mod instructions;
mod limits;
mod link;
mod loans;
mod namespace;
mod options;
mod plots;
mod report;
mod results;
mod role;
mod scale;
mod scale_report;
mod stacks;
mod startup;
mod system_calls;
mod targets;

use std::{process::ExitCode, time::Duration};

use exchange::{Exchange, PAYLOADS, Placement};
use namespace::Namespace;
use options::Options;
use results::Results;
use stacks::{CYCLONE, CYCLONE_11, ICEORYX, Medium, OURS, Stack};
use system_calls::Traced;

/// What went wrong, for people.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let options = match Options::from_arguments() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n{}", options::USAGE);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dds-bench {}: {error}", options.command);
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    if let Some(result) = role::run(options) {
        return result;
    }
    match options.command.as_str() {
        "all" => all(options),
        "startup" => {
            let results = startup::startup(&Namespace::new()?, &Stack::all()?, STARTS)?;
            results.iter().for_each(|startup| println!("{}", report::startup_line(startup)));
            Ok(())
        }
        "fifty" => {
            let stacks = Stack::all()?;
            println!("{:#?}", startup::fifty(&Namespace::new()?, &stacks[0], IDLE)?);
            Ok(())
        }
        "build" => build::run(),
        "ddsperf" => ddsperf::run(options),
        "instructions" => instructions::run(options),
        "engine" => instructions::engine(options),
        "scaled" => scale::engine(options),
        "report" => report::run(options),
        "spin" => loop {
            std::hint::spin_loop();
        },
        other => Err(format!("no command {other}\n{}", options::USAGE).into()),
    }
}

const STARTS: usize = 50;
const IDLE: Duration = Duration::from_secs(30);
/// Samples a second at which processor time is compared.
const RATE: u32 = 10_000;
/// Runs of what the machine does without any DDS, which repeats better.
const LIMIT_RUNS: usize = 3;

fn all(options: &Options) -> Result<(), Failure> {
    let wanted = |section: &str| options.only.is_empty() || options.only.iter().any(|only| only == section);
    let namespace = Namespace::new()?;
    let stacks = Stack::all()?;
    // Sections that are not run keep what was measured before only when nothing else changed.
    let mut results = Results::new(options.runs, options.seconds)?;
    if let Some(known) = Results::read().ok().filter(|known| {
        !options.only.is_empty() && known.commit == results.commit && known.machine == results.machine
    }) {
        results = known;
    }
    results.note_load("start");
    let sections: [(&str, Section); 9] = [
        ("limits", measure_limits),
        ("round-trip", measure_round_trips),
        ("throughput", measure_throughput),
        ("in-process", measure_inside),
        ("paced", measure_paced),
        ("startup", measure_startup),
        ("system-calls", measure_system_calls),
        ("scale", measure_scale),
        ("link", measure_link),
    ];
    for (name, measure) in sections {
        if wanted(name) {
            println!("{name}");
            measure(options, &namespace, &stacks, &mut results)?;
            results.note_load(name);
        }
    }
    if wanted("fifty") {
        println!("fifty");
        results.fifty = Some(startup::fifty(&namespace, &stacks[0], IDLE)?);
        results.note_load("fifty");
    }
    if wanted("instructions") {
        instructions::run(options)?;
    }
    results.write()?;
    report::run(options)
}

type Section = fn(&Options, &Namespace, &[Stack], &mut Results) -> Result<(), Failure>;

fn measure_limits(
    options: &Options,
    namespace: &Namespace,
    _: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    let program = stacks::build_raw_udp()?;
    results.limits.retain(|limit| limits::OF_PACE.contains(&&*limit.kind));
    for run in 0..options.runs.min(LIMIT_RUNS) {
        for placement in Placement::BOTH {
            for kind in ["ping-pong", "stream", "gso-stream"] {
                for payload in PAYLOADS {
                    let seconds = options.seconds.min(0.5);
                    results.limits.extend(limits::measure(
                        namespace, &program, kind, placement, payload, run, seconds,
                    )?);
                }
            }
        }
    }
    Ok(())
}

/// Every stack and delivery in turn, for each payload and placement, and all that `runs` times.
fn interleaved(
    options: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    is_throughput: bool,
    mut measure: impl FnMut(&Exchange<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for run in 0..options.runs {
        for placement in Placement::BOTH {
            let _spinners = placement.spinners()?;
            for payload in PAYLOADS {
                let takes_part = |stack: &&Stack| {
                    stack.takes_part(payload, is_throughput) && (run % 2 == 0 || !stack.is_far_off())
                };
                for stack in stacks.iter().filter(takes_part) {
                    for delivery in stack.deliveries {
                        let exchange = Exchange {
                            namespace,
                            stack,
                            delivery: *delivery,
                            placement,
                            payload,
                            run,
                            seconds: options.seconds,
                        };
                        let told = |error| format!("{} {} {payload} B: {error}", stack.name, delivery.name());
                        match measure(&exchange).map_err(told) {
                            Err(error) if stack.may_fail() => eprintln!("{error}"),
                            result => result?,
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

fn measure_round_trips(
    options: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.round_trips.clear();
    results.shared_round_trips.clear();
    interleaved(options, namespace, stacks, false, |exchange| {
        let result = exchange.round_trip()?;
        print_round_trip(&result);
        match exchange.stack.medium {
            Medium::Network => results.round_trips.push(result),
            Medium::SharedMemory => results.shared_round_trips.push(result),
        }
        Ok(())
    })
}

fn measure_throughput(
    options: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.throughput.clear();
    results.shared_throughput.clear();
    interleaved(options, namespace, stacks, true, |exchange| {
        let result = exchange.throughput(None)?;
        print_throughput(&result);
        match exchange.stack.medium {
            Medium::Network => results.throughput.push(result),
            Medium::SharedMemory => results.shared_throughput.push(result),
        }
        Ok(())
    })
}

fn measure_inside(
    options: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.inside.clear();
    let known = stacks.iter().filter(|stack| stack.is_any_of(&[OURS, CYCLONE, CYCLONE_11])).map(Some);
    let stacks: Vec<_> = known.chain([None]).collect();
    for run in 0..options.runs {
        for placement in Placement::BOTH {
            for stack in &stacks {
                let result = inside::measure(namespace, *stack, placement, run, options.seconds)?;
                println!(
                    "  {:<5} {:<40} {:>7.0} ns a sample, {:>6.2} µs there and back",
                    result.placement,
                    result.stack,
                    result.ns_per_sample.unwrap_or(0.0),
                    result.hand_off_us
                );
                results.inside.push(result);
            }
        }
    }
    Ok(())
}

fn print_round_trip(result: &results::RoundTrip) {
    println!(
        "  {:>8} B {:<5} {:<8} {:<40} {:>9.1} µs",
        result.case.payload, result.case.placement, result.case.delivery, result.case.stack, result.p50_us
    );
}

fn print_throughput(result: &results::Throughput) {
    println!(
        "  {:>8} B {:<5} {:<8} {:<46} {:>9.1} k/s, {} lost, {:.2} µs of processor a sample",
        result.case.payload,
        result.case.placement,
        result.case.delivery,
        result.case.stack,
        result.samples_per_second / 1e3,
        result.lost,
        result.processor_us_per_sample
    );
}

fn measure_paced(
    options: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.paced.clear();
    results.shared_paced.clear();
    let takes_part = |stack: &&Stack| match stack.medium {
        Medium::Network => stack.is_any_of(&[OURS, CYCLONE, CYCLONE_11]),
        Medium::SharedMemory => stack.name != ICEORYX,
    };
    results.limits.retain(|limit| !limits::OF_PACE.contains(&&*limit.kind));
    for run in 0..options.runs {
        for placement in Placement::BOTH {
            let _spinners = placement.spinners()?;
            for kind in limits::OF_PACE {
                let limit = limits::paced(namespace, kind, RATE, placement, run, options.seconds)?;
                println!("  {:<5} {kind} alone: {:.2} µs", limit.placement, limit.value);
                results.limits.push(limit);
            }
            for stack in stacks.iter().filter(takes_part) {
                for delivery in stack.deliveries.iter().copied() {
                    let (payload, seconds) = (limits::PACED_PAYLOAD, options.seconds);
                    let exchange = Exchange { namespace, stack, delivery, placement, payload, run, seconds };
                    let result = exchange.throughput(Some(RATE))?;
                    print_throughput(&result);
                    match stack.medium {
                        Medium::Network => results.paced.push(result),
                        Medium::SharedMemory => results.shared_paced.push(result),
                    }
                }
            }
        }
    }
    Ok(())
}

fn measure_startup(
    _: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.startup = startup::startup(namespace, stacks, STARTS)?;
    results.startup.iter().for_each(|startup| println!("  {}", report::startup_line(startup)));
    Ok(())
}

fn measure_system_calls(
    _: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.system_calls.clear();
    for stack in stacks.iter().filter(|stack| stack.is_any_of(&[OURS, CYCLONE])) {
        for delivery in stack.deliveries.iter().copied() {
            for roles in [["ping", "pong"], ["publish", "subscribe"]] {
                let (payload, passive, pace_us) = (64, 1, None);
                let counted =
                    Traced { namespace, stack, delivery, payload, passive, pace_us }.measure(roles)?;
                for calls in &counted {
                    println!("  {} {} {}: {:.2}", calls.stack, calls.delivery, calls.role, calls.per_sample);
                }
                results.system_calls.extend(counted);
            }
        }
    }
    Ok(())
}

fn measure_scale(
    options: &Options,
    namespace: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.scale = scale::engines()?;
    results.fan_out = scale::processes(namespace, stacks, options.seconds)?;
    Ok(())
}

fn measure_link(
    options: &Options,
    _: &Namespace,
    stacks: &[Stack],
    results: &mut Results,
) -> Result<(), Failure> {
    results.link = link::measure(stacks, options.runs, options.seconds)?;
    Ok(())
}
