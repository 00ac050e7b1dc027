//! `docs/performance.md`, generated from the results.

use std::fmt::Write;

use crate::{
    Failure,
    exchange::PAYLOADS,
    instructions,
    limits::{OF_PACE, PACED_PAYLOAD},
    link,
    options::Options,
    plots::{Bar, Chart},
    results::{Case, Limit, Results, RoundTrip, Startup, Throughput, root},
    scale_report,
    stacks::{
        ANY_CYCLONE, AS_IT_COMES, BY_UDP, CYCLONE, DUST_DDS, FAST_DDS, ICEORYX, OURS, OURS_LENT, OURS_SHARED,
        RUST_DDS, WITH_LOANS, ZENOH,
    },
    targets,
};

/// Writes the document and its pictures, or with `--check` says whether they are what the results say.
pub fn run(options: &Options) -> Result<(), Failure> {
    let results = Results::read()?;
    let mut files = vec![("performance.md".to_owned(), render(&results)?)];
    for (name, chart) in charts(&results) {
        files.push((format!("performance/{name}.svg"), chart.render()?));
    }
    for (name, text) in files {
        let path = root().join("docs").join(&name);
        if !options.check {
            std::fs::create_dir_all(path.parent().ok_or("docs has no folder")?)?;
            std::fs::write(path, text)?;
        } else if std::fs::read_to_string(&path)? != text {
            return Err(format!("docs/{name} differs from the results; run `dds-bench report`").into());
        }
    }
    Ok(())
}

/// The pictures, by the name of their file.
fn charts(results: &Results) -> Vec<(String, Chart)> {
    let mut charts = Vec::new();
    for placement in ["same", "cross"] {
        let trips = trips(results, |trip| trip.p50_us);
        let rates = rates(results, |rate| rate.samples_per_second / 1e3);
        let mut add = |what: &str, unit, values, is_more_better| {
            let table = Table { values, placement, digits: 0, is_more_better, ratios: &[] };
            let title = format!("{}, {placement}", what.replace('-', " "));
            let groups = table.columns().into_iter().map(|payload| (bytes(payload), table.bars(payload)));
            charts.push((format!("{what}-{placement}"), Chart { title, unit, groups: groups.collect() }));
        };
        add("round-trip", "µs", trips, false);
        add("throughput", "thousand samples a second", rates, true);
    }
    charts
}

pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

/// The median of the ratios within each run; of the medians, where one was measured in fewer runs.
pub fn within_runs(ours: &[f64], theirs: &[f64]) -> Option<f64> {
    if ours.len() != theirs.len() {
        return Some(median(&mut ours.to_vec())? / median(&mut theirs.to_vec())?);
    }
    median(&mut ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
}

/// Those with the best median.
pub fn best_runs(candidates: impl Iterator<Item = Vec<f64>>, is_more_better: bool) -> Option<Vec<f64>> {
    let ranked = candidates.filter_map(|runs| Some((median(&mut runs.clone())?, runs)));
    let by_median = |(one, _): &(f64, Vec<f64>), (other, _): &(f64, Vec<f64>)| one.total_cmp(other);
    let best = if is_more_better { ranked.max_by(by_median) } else { ranked.min_by(by_median) };
    best.map(|(_, runs)| runs)
}

pub fn share(values: &[f64], share: f64) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 * share).ceil() as usize).clamp(1, values.len().max(1));
    values.get(at - 1).copied().unwrap_or(0.0)
}

/// One line about start-up.
pub fn startup_line(startup: &Startup) -> String {
    let times = &startup.milliseconds;
    format!(
        "{} {}: median {:.1} ms, p95 {:.1} ms, worst {:.1} ms of {}",
        startup.stack,
        startup.situation,
        share(times, 0.5),
        share(times, 0.95),
        share(times, 1.0),
        times.len()
    )
}

pub fn bytes(payload: usize) -> String {
    match payload {
        ..1024 => format!("{payload} B"),
        1024..1_048_576 => format!("{} KiB", payload / 1024),
        _ => format!("{} MiB", payload / 1_048_576),
    }
}

/// What was measured of something, and where.
pub type Values = Vec<(Case, f64)>;

/// Everything that was measured by the network, and ours as it comes.
fn labelled<'r>(
    by_network: impl Iterator<Item = (&'r Case, f64)>,
    shared: impl Iterator<Item = (&'r Case, f64)>,
) -> Values {
    let named = |case: &Case, stack: &str| Case { stack: stack.to_owned(), ..case.clone() };
    let by_network = by_network.map(|(case, value)| match case.stack.as_str() {
        OURS => (named(case, BY_UDP), value),
        _ => (case.clone(), value),
    });
    let shared = shared.filter_map(|(case, value)| match case.stack.as_str() {
        OURS_SHARED => Some((named(case, AS_IT_COMES), value)),
        OURS_LENT => Some((named(case, WITH_LOANS), value)),
        _ => None,
    });
    let (ours, others) = by_network.partition::<Vec<_>, _>(|(case, _)| case.stack == BY_UDP);
    ours.into_iter().chain(shared).chain(others).collect()
}

/// Something about each round trip, of all stacks.
pub fn trips(results: &Results, what: impl Fn(&RoundTrip) -> f64) -> Values {
    let of = |trips: &'_ [RoundTrip]| -> Vec<f64> { trips.iter().map(&what).collect() };
    labelled(
        results.round_trips.iter().map(|trip| &trip.case).zip(of(&results.round_trips)),
        results.shared_round_trips.iter().map(|trip| &trip.case).zip(of(&results.shared_round_trips)),
    )
}

/// The same of what was exchanged flat out.
pub fn rates(results: &Results, what: impl Fn(&Throughput) -> f64) -> Values {
    labelled(figures(&results.throughput, &what), figures(&results.shared_throughput, &what))
}

/// The same of what was exchanged at a given rate.
pub fn paces(results: &Results, what: impl Fn(&Throughput) -> f64) -> Values {
    labelled(figures(&results.paced, &what), figures(&results.shared_paced, &what))
}

fn figures(results: &[Throughput], what: impl Fn(&Throughput) -> f64) -> impl Iterator<Item = (&Case, f64)> {
    results.iter().map(move |result| (&result.case, what(result)))
}

/// Rows of a table: stack and delivery; columns: payloads. Cells are medians with the range of the runs.
pub struct Table {
    values: Values,
    placement: &'static str,
    digits: usize,
    /// Larger is better, as for throughput.
    pub is_more_better: bool,
    ratios: &'static [Ratio],
}

/// The best of ours divided by the best of others.
pub struct Ratio {
    pub name: &'static str,
    pub ours: fn(&str) -> bool,
    pub theirs: fn(&str) -> bool,
}

/// The tables of both placements.
pub fn tables(values: &Values, is_more_better: bool) -> [Table; 2] {
    ["same", "cross"].map(|placement| {
        let values = values.clone();
        Table { values, placement, digits: 0, is_more_better, ratios: &[] }
    })
}

pub const TO_CYCLONE: &[Ratio] = &[
    Ratio {
        name: "ours by UDP ÷ Cyclone's default",
        ours: |stack| stack == BY_UDP,
        theirs: |stack| stack == CYCLONE,
    },
    Ratio {
        name: "ours by UDP ÷ Cyclone's best",
        ours: |stack| stack == BY_UDP,
        theirs: |stack| stack.starts_with(ANY_CYCLONE),
    },
    Ratio {
        name: "ours as it comes ÷ Cyclone's default",
        ours: |stack| stack == AS_IT_COMES,
        theirs: |stack| stack == CYCLONE,
    },
    Ratio {
        name: "ours as it comes ÷ Cyclone's best",
        ours: |stack| stack == AS_IT_COMES,
        theirs: |stack| stack.starts_with(ANY_CYCLONE),
    },
    Ratio {
        name: "ours with loans ÷ Cyclone's best",
        ours: |stack| stack == WITH_LOANS,
        theirs: |stack| stack.starts_with(ANY_CYCLONE),
    },
];

pub const TO_ICEORYX: &[Ratio] = &[
    Ratio { name: "ours ÷ iceoryx2", ours: |stack| stack == OURS_SHARED, theirs: |stack| stack == ICEORYX },
    Ratio {
        name: "ours with loans ÷ iceoryx2",
        ours: |stack| stack == OURS_LENT,
        theirs: |stack| stack == ICEORYX,
    },
];

impl Table {
    /// Ours divided by others', of those with the best median of each: the median of what that comes to within
    /// each run. The machine's speed changes from minute to minute, and what ran one after the other had
    /// the same.
    pub fn ratio(
        &self,
        payload: usize,
        ours: impl Fn(&str) -> bool,
        theirs: impl Fn(&str) -> bool,
    ) -> Option<f64> {
        within_runs(&self.best(payload, ours)?, &self.best(payload, theirs)?)
    }

    /// A bar for each row.
    fn bars(&self, payload: usize) -> Vec<Bar> {
        let bar = |(stack, delivery): (&str, &str)| {
            let mut values = self.of(stack, delivery, payload);
            let value = median(&mut values)?;
            let range = (*values.first()?, *values.last()?);
            Some(Bar { name: format!("{stack}, {delivery}"), value, range })
        };
        self.rows().into_iter().filter_map(bar).collect()
    }

    fn of(&self, stack: &str, delivery: &str, payload: usize) -> Vec<f64> {
        let is_it = |case: &Case| {
            case.stack == stack
                && case.delivery == delivery
                && case.placement == self.placement
                && case.payload == payload
        };
        self.values.iter().filter(|(case, _)| is_it(case)).map(|(_, value)| *value).collect()
    }

    fn rows(&self) -> Vec<(&str, &str)> {
        let mut rows = Vec::new();
        for (case, _) in &self.values {
            let row = (case.stack.as_str(), case.delivery.as_str());
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        rows
    }

    /// Payloads that were measured at all.
    fn columns(&self) -> Vec<usize> {
        let has = |payload: &usize| self.values.iter().any(|(case, _)| case.payload == *payload);
        PAYLOADS.into_iter().filter(has).collect()
    }

    /// Of the stacks whose name `is_wanted`, the runs of the one with the best median.
    pub fn best(&self, payload: usize, is_wanted: impl Fn(&str) -> bool) -> Option<Vec<f64>> {
        let rows = self.rows().into_iter().filter(|(stack, _)| is_wanted(stack));
        best_runs(rows.map(|(stack, delivery)| self.of(stack, delivery, payload)), self.is_more_better)
    }

    fn render(&self, out: &mut String) -> std::fmt::Result {
        let columns = self.columns();
        write!(out, "| `{}` |", self.placement)?;
        columns.iter().try_for_each(|payload| write!(out, " {} |", bytes(*payload)))?;
        writeln!(out, "\n|---|{}", "---:|".repeat(columns.len()))?;
        let digits = self.digits;
        for (stack, delivery) in self.rows() {
            write!(out, "| {stack}, {delivery} |")?;
            for payload in columns.iter().copied() {
                let mut values = self.of(stack, delivery, payload);
                match median(&mut values) {
                    Some(middle) => write!(
                        out,
                        " {middle:.digits$} ({:.digits$}–{:.digits$}) |",
                        values[0],
                        values[values.len() - 1]
                    )?,
                    None => write!(out, " |")?,
                }
            }
            writeln!(out)?;
        }
        for ratio in self.ratios {
            let of = |payload: usize| self.ratio(payload, ratio.ours, ratio.theirs);
            if columns.iter().all(|payload| of(*payload).is_none()) {
                continue;
            }
            write!(out, "| **{}** |", ratio.name)?;
            for payload in columns.iter().copied() {
                match of(payload) {
                    Some(ratio) => write!(out, " **{ratio:.2}** |")?,
                    None => write!(out, " |")?,
                }
            }
            writeln!(out)?;
        }
        writeln!(out)
    }
}

const INTRODUCTION: &str = "\
# Performance

Generated by `dds-bench` from `dds-bench/results/latest.json`; do not edit. Every run is in that file.

The one command, which needs root and takes less than fifteen minutes once the other projects' programs are built:

```text
cargo run --profile bench-lto -p dds-bench -- all
```

## Method

Two processes in a network namespace of their own exchange `{u64; sequence<octet>}` in XCDR1, RELIABLE, KEEP_ALL,
VOLATILE, otherwise default QoS. Ours run twice, in turn with all others: *by UDP*, with shared memory switched off, and
*as it comes*, where two processes of one host share memory; *with loans* the samples have a fixed size and are written
where they are read, a sample for each `loan.write()`. The ends of Cyclone DDS are the same program in C
(`interop-tests/peers/bench/bench.c`), for 11 linked with the library of its wheel; those of Fast DDS, up to 16 KiB, are in C++
(`bench_fastdds.cpp`, by UDP, heartbeats every 10 ms); those of RustDDS and Dust DDS, up to 16 KiB too, and of zenoh, whose
publisher blocks where the transport is full and whose peers are connected by TCP, are in Rust
(`interop-tests/peers/rust-bench`). Ours and Cyclone's look at loans one by
one, of which Cyclone's, and ours of samples to be decoded, take at most 256 at once. `same`: both on one core, which is the software path alone and repeats best;
`cross`: a core each, kept from halting by spinning processes of idle priority. All stacks, deliveries, payloads and
placements run in turn, and all of that several times; a cell is the median of the runs with their range. A ratio is the
median of what it comes to within each run, where both sides ran within seconds of each other, of those with the best median
of each side; Fast DDS, RustDDS and Dust DDS take part in every second run. Ends run at
nice −15, also as a session, so that other work on the machine disturbs less. Compare ratios, not figures of different runs or machines.

Where listeners write, in round trips, Cyclone's ends have raised high-water marks: with the default ones a write of
16 KiB there blocks for ever.
Round trips leave out the first tenth. Throughput is counted at the reader, from its first to its last sample;
`write` is called once per sample. Bare UDP is two threads of one process; in `cross` the kernel may put them on
either core, and often puts both on one.
";

fn render(results: &Results) -> Result<String, Failure> {
    let mut out = INTRODUCTION.to_owned();
    let machine = &results.machine;
    writeln!(
        out,
        "\n## Machine\n\n{} × {}, {} MiB, Linux {}, {}. Commit `{}`, {} interleaved runs of {} s. Load of the machine \
         by others at the start: {:.1}{}.\n",
        machine.processors,
        machine.processor,
        machine.memory_mib,
        machine.kernel,
        machine.compiler,
        results.commit,
        results.runs,
        results.seconds_per_run,
        results.load.first().map_or(0.0, |(_, load)| *load),
        if results.load.first().is_some_and(|(_, load)| *load > 1.0) {
            ": **a noisy run**, trust ratios of medians only"
        } else {
            ""
        }
    )?;
    targets::render(results, &mut out)?;
    round_trips(results, &mut out)?;
    throughput(results, &mut out)?;
    shared_memory(results, &mut out)?;
    inside(results, &mut out)?;
    paced(results, &mut out)?;
    startup(results, &mut out)?;
    counts(results, &mut out)?;
    scale_report::render(results, &mut out)?;
    link::render(results, &mut out)?;
    Ok(out)
}

fn round_trips(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(out, "## Round trip, median in µs\n\n{}", pictures("round-trip"))?;
    for placement in ["same", "cross"] {
        let values = trips(results, |trip| trip.p50_us);
        Table { values, placement, digits: 1, is_more_better: false, ratios: TO_CYCLONE }.render(out)?;
        limit(results, "ping-pong", placement, "Bare UDP, two threads, µs", out)?;
    }
    writeln!(out, "\n99th percentile, µs:\n")?;
    for placement in ["same", "cross"] {
        let values = trips(results, |trip| trip.p99_us);
        Table { values, placement, digits: 1, is_more_better: false, ratios: TO_CYCLONE }.render(out)?;
    }
    let resident = |stack: &str| {
        let of_it = results.round_trips.iter().filter(|result| result.case.stack == stack);
        let of_it = of_it.filter(|result| result.case.payload == 64);
        let mut kib: Vec<f64> = of_it.clone().map(|result| result.resident_kib as f64 / 1024.0).collect();
        (median(&mut kib).unwrap_or(0.0), of_it.map(|result| result.threads).max().unwrap_or(0))
    };
    let ((ours, our_threads), (theirs, their_threads)) = (resident(OURS), resident(CYCLONE));
    writeln!(
        out,
        "Resident memory of the answering process at 64 B: ours {ours:.1} MiB with at most {our_threads} threads, \
         Cyclone {theirs:.1} MiB with {their_threads} (in both, one of them is the program's own).\n"
    )
}

fn pictures(what: &str) -> String {
    let of = |placement: &str| format!("![{what}, {placement}](performance/{what}-{placement}.svg)\n");
    format!("{}\n{}", of("same"), of("cross"))
}

/// The median of a limit's runs.
pub fn limit_median(results: &Results, kind: &str, placement: &str, payload: usize) -> Option<f64> {
    let is_it =
        |limit: &&Limit| limit.kind == kind && limit.placement == placement && limit.payload == payload;
    let mut values: Vec<f64> = results.limits.iter().filter(is_it).map(|limit| limit.value).collect();
    median(&mut values)
}

fn limit(results: &Results, kind: &str, placement: &str, title: &str, out: &mut String) -> std::fmt::Result {
    write!(out, "{title}, `{placement}`:")?;
    for payload in PAYLOADS {
        if let Some(middle) = limit_median(results, kind, placement, payload) {
            write!(out, " {} {middle:.1}", bytes(payload))?;
            if kind != "ping-pong" {
                write!(out, " ({:.2} GB/s)", middle * payload as f64 / 1e6)?;
            }
            write!(out, ";")?;
        }
    }
    writeln!(out, "\n")
}

fn throughput(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(out, "## Throughput, thousand samples a second\n\n{}", pictures("throughput"))?;
    for placement in ["same", "cross"] {
        let values = rates(results, |rate| rate.samples_per_second / 1e3);
        Table { values, placement, digits: 1, is_more_better: true, ratios: TO_CYCLONE }.render(out)?;
        limit(results, "stream", placement, "Bare UDP, thousand datagrams a second", out)?;
        limit(results, "gso-stream", placement, "Bare UDP with GSO and GRO", out)?;
    }
    let lost = |stack: &str| -> u64 {
        let of_it = results.throughput.iter().filter(|result| result.case.stack.starts_with(stack));
        of_it.map(|result| result.lost).sum()
    };
    write!(out, "Lost in all runs: ours {}, Cyclone {}", lost(OURS), lost(ANY_CYCLONE))?;
    // RELIABLE and KEEP_ALL as well, so that a rate with losses is no rate.
    for stack in [FAST_DDS, RUST_DDS, DUST_DDS, ZENOH].into_iter().filter(|stack| lost(stack) > 0) {
        write!(out, ", **{stack} {}**", lost(stack))?;
    }
    writeln!(out, ".\n")?;
    writeln!(out, "Processor time of both ends, µs a sample:\n")?;
    for placement in ["same", "cross"] {
        let values = rates(results, |rate| rate.processor_us_per_sample);
        Table { values, placement, digits: 2, is_more_better: false, ratios: TO_CYCLONE }.render(out)?;
    }
    Ok(())
}

fn shared_memory(results: &Results, out: &mut String) -> std::fmt::Result {
    if results.shared_round_trips.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## Shared memory\n\nThe same ends, as they come: processes of one host share memory. With loans, samples of a \
         fixed size are written where they are read. iceoryx2: publish-subscribe with an event, which wakes the \
         receiver, for each sample; it has neither reliability nor the other policies. Both it and our loans copy the \
         payload into the sample once.\n\nRound trip, median in µs:\n"
    )?;
    let ratios = TO_ICEORYX;
    for placement in ["same", "cross"] {
        let trips = results.shared_round_trips.iter();
        let values = trips.map(|result| (result.case.clone(), result.p50_us)).collect();
        Table { values, placement, digits: 1, is_more_better: false, ratios }.render(out)?;
    }
    writeln!(out, "Throughput, thousand samples a second:\n")?;
    for placement in ["same", "cross"] {
        let rates = results.shared_throughput.iter();
        let values = rates.map(|rate| (rate.case.clone(), rate.samples_per_second / 1e3)).collect();
        Table { values, placement, digits: 1, is_more_better: true, ratios }.render(out)?;
    }
    let lost: u64 = results.shared_throughput.iter().map(|result| result.lost).sum();
    writeln!(out, "Lost in all of these runs: {lost}.\n")
}

/// The runs of what was measured in one process: nanoseconds a sample, and microseconds there and back.
pub fn inside_runs(results: &Results, stack: &str, placement: &str) -> (Vec<f64>, Vec<f64>) {
    let of_it = results.inside.iter().filter(|inside| inside.stack == stack && inside.placement == placement);
    let samples = of_it.clone().filter_map(|inside| inside.ns_per_sample).collect();
    (samples, of_it.map(|inside| inside.hand_off_us).collect())
}

fn inside(results: &Results, out: &mut String) -> std::fmt::Result {
    let mut stacks: Vec<&str> = Vec::new();
    for inside in &results.inside {
        if !stacks.contains(&inside.stack.as_str()) {
            stacks.push(&inside.stack);
        }
    }
    if stacks.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## In one process\n\nWriter and reader of one participant, samples of 64 B. The first figures are of one thread \
         that writes a sample and takes it; the others of two threads that wait for each other's samples (Cyclone's with \
         wait-sets, ours with `wait_for_data`), there and back.\n\n\
         | | ns a sample, `same` | `cross` | µs there and back, `same` | `cross` |\n|---|---:|---:|---:|---:|"
    )?;
    for stack in stacks {
        let (same, cross) = (inside_runs(results, stack, "same"), inside_runs(results, stack, "cross"));
        let cell = |mut runs: Vec<f64>, digits| {
            median(&mut runs).map_or(String::new(), |value| format!("{value:.digits$}"))
        };
        writeln!(
            out,
            "| {stack} | {} | {} | {} | {} |",
            cell(same.0, 0),
            cell(cross.0, 0),
            cell(same.1, 2),
            cell(cross.1, 2)
        )?;
    }
    writeln!(out)
}

fn paced(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "## Processor time at 10,000 samples a second of 64 B\n\nBoth ends, µs a sample. Sleeping between two samples costs \
         something by itself, whoever sends them, and so does waking the other side: the writing program without its writes, \
         and with a byte written to a pipe in place of each, which another process waits for.\n"
    )?;
    for placement in ["same", "cross"] {
        let alone = OF_PACE.map(|kind| limit_median(results, kind, placement, PACED_PAYLOAD));
        if let [Some(pacing), Some(waking)] = alone {
            writeln!(
                out,
                "Sleeping alone, `{placement}`: {pacing:.2} µs; sleeping and waking through a pipe: {waking:.2} µs.\n"
            )?;
        }
        let values = paces(results, |pace| pace.processor_us_per_sample);
        Table { values, placement, digits: 2, is_more_better: false, ratios: TO_CYCLONE }.render(out)?;
    }
    Ok(())
}

fn startup(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "## Start-up\n\nFrom the creation of the last participant to the last match, in ms. `joining`: two processes, \
         the first is there already; `together`: both start at once; `ten`: ten processes at once, each with a writer \
         and a reader of one topic.\n\n\
         | | median | p95 | worst | starts |\n|---|---:|---:|---:|---:|"
    )?;
    for startup in &results.startup {
        let times = &startup.milliseconds;
        writeln!(
            out,
            "| {}, {} | {:.1} | {:.1} | {:.1} | {} |",
            startup.stack,
            startup.situation,
            share(times, 0.5),
            share(times, 0.95),
            share(times, 1.0),
            times.len()
        )?;
    }
    if let Some(fifty) = &results.fifty {
        writeln!(
            out,
            "\n{} participants in {} processes: every writer matched with every reader {:.2} s after the first was \
             created; idle for {:.0} s all together used {:.2} % of a core and {:.0} MiB of memory.",
            fifty.processes,
            fifty.processes,
            fifty.all_matched_seconds,
            fifty.idle_seconds,
            fifty.idle_share_percent,
            fifty.resident_mib
        )?;
    }
    writeln!(out)
}

fn counts(results: &Results, out: &mut String) -> Result<(), Failure> {
    writeln!(
        out,
        "## Counts\n\nSystem calls per sample of 64 B, by strace (`ping` and `pong`: one sample at a time; `publish` \
         and `subscribe`: flat out, as far as strace lets it be):\n\n| | a sample | which |\n|---|---:|---|"
    )?;
    for calls in &results.system_calls {
        let which: Vec<String> =
            calls.calls.iter().take(6).map(|(name, count)| format!("{name} {count:.2}")).collect();
        writeln!(
            out,
            "| {}, {}, {} | {:.2} | {} |",
            calls.stack,
            calls.delivery,
            calls.role,
            calls.per_sample,
            which.join(", ")
        )?;
    }
    writeln!(
        out,
        "\nInstructions per sample by callgrind, over two engines without sockets (`dds-bench/baseline.json`; the \
         check fails at 2 % more). `deliver` is the datagram's way into the cache and the acknowledgement's way back; \
         `burst` is all of it for one of 250 samples that share datagrams; `in-process` is write and take where \
         the reader is in the writer's participant.\n\n\
         | | instructions |\n|---|---:|"
    )?;
    for (what, count) in instructions::baseline().unwrap_or_default() {
        writeln!(out, "| {what} | {count} |")?;
    }
    writeln!(
        out,
        "\nAllocations per sample in the steady state are counted, and limited, by `dds-bench/tests/allocations.rs`."
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_shares() {
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&mut []), None);
        assert_eq!(share(&[1.0, 2.0, 3.0, 4.0], 0.5), 2.0);
        assert_eq!(share(&[1.0, 2.0, 3.0, 4.0], 0.95), 4.0);
    }
}
