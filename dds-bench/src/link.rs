//! Throughput over a link: writer and readers in two network namespaces that a pair of virtual Ethernet devices
//! joins, as on two hosts, with packets of at most 1,500 bytes on the wire.

use std::fmt::Write;

use crate::{
    Failure,
    namespace::Namespace,
    report::{bytes, median, within_runs},
    results::{FanOut, OverLink, Results},
    scale::flat_out,
    stacks::{BY_UDP, CYCLONE, CYCLONE_BATCHING, OURS, Stack},
};

const PAYLOADS: [usize; 3] = [64, 16 << 10, 1 << 20];
/// Processes on the far side.
const READERS: [usize; 2] = [1, 4];

/// Every stack with every payload and number of readers, in turn, and all of that `runs` times.
pub fn measure(stacks: &[Stack], runs: usize, seconds: f64) -> Result<Vec<OverLink>, Failure> {
    let ends = Namespace::pair()?;
    let mut rows = Vec::new();
    for run in 0..runs {
        for (payload, readers) in PAYLOADS.iter().flat_map(|payload| READERS.map(|count| (*payload, count))) {
            let compared = stacks.iter().filter(|stack| stack.is_any_of(&[OURS, CYCLONE, CYCLONE_BATCHING]));
            for stack in compared.filter(|stack| stack.takes_part(payload, true)) {
                let fan_out = flat_out([&ends[0], &ends[1]], stack, (1, readers), payload, seconds)?;
                println!(
                    "  {:<46} {payload:>8} B → {readers} {:>8.1} k/s, {:.2} µs of the writer's processor a sample, {} lost",
                    fan_out.stack,
                    fan_out.samples_per_second / 1e3,
                    fan_out.processor_us_per_sample,
                    fan_out.lost,
                );
                rows.push(OverLink { run, payload, fan_out });
            }
        }
    }
    Ok(rows)
}

/// Nothing where it was not measured.
pub fn render(results: &Results, out: &mut String) -> std::fmt::Result {
    if results.link.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "## Over a link\n\nWriter and readers in two network namespaces joined by virtual Ethernet of an MTU of 1,500, RELIABLE, \
         KEEP_ALL, flat out, with listeners, not bound to a core: fragments and batches are datagrams of at most 1,472 bytes, \
         which ours send and receive many to a system call (UDP_SEGMENT, UDP_GRO), and four readers are served by a group. \
         Medians of the runs with their range; ratios within each run.\n"
    )?;
    for readers in READERS {
        let columns: Vec<String> = PAYLOADS.iter().map(|payload| bytes(*payload)).collect();
        writeln!(
            out,
            "| {} | {} |\n|---|{}",
            if readers == 1 { "one reader".to_owned() } else { format!("{readers} readers") },
            columns.join(" | "),
            "---:|".repeat(columns.len())
        )?;
        for stack in [BY_UDP, CYCLONE, CYCLONE_BATCHING] {
            row(out, stack, |payload| {
                let mut rates = figures(results, stack, payload, readers, |row| row.samples_per_second / 1e3);
                let rate = median(&mut rates)?;
                let megabytes = rate * payload as f64 / 1e3;
                let lost: u64 = rows(results, stack, payload, readers).map(|row| row.lost).sum();
                let lost = if lost > 0 { format!(", {lost} lost") } else { String::new() };
                Some(format!(
                    "{rate:.1} k/s ({:.1}–{:.1}), {megabytes:.0} MB/s{lost}",
                    rates.first()?,
                    rates.last()?
                ))
            })?;
        }
        for (name, stack) in
            [("ours ÷ Cyclone's default", CYCLONE), ("ours ÷ Cyclone's batching", CYCLONE_BATCHING)]
        {
            row(out, &format!("**{name}**"), |payload| {
                let rates = |stack| figures(results, stack, payload, readers, |row| row.samples_per_second);
                within_runs(&rates(BY_UDP), &rates(stack)).map(|ratio| format!("**{ratio:.2}**"))
            })?;
        }
        let names = [(BY_UDP, "ours, the writer's processor time, µs a sample"), (CYCLONE, "Cyclone's")];
        for (stack, name) in names {
            row(out, name, |payload| {
                let time = |row: &FanOut| row.processor_us_per_sample;
                let spent = median(&mut figures(results, stack, payload, readers, time))?;
                Some(format!("{spent:.2}"))
            })?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn row(out: &mut String, name: &str, cell: impl Fn(usize) -> Option<String>) -> std::fmt::Result {
    let cells: Vec<Option<String>> = PAYLOADS.iter().map(|payload| cell(*payload)).collect();
    if cells.iter().all(Option::is_none) {
        return Ok(());
    }
    let cells: Vec<String> = cells.into_iter().map(Option::unwrap_or_default).collect();
    writeln!(out, "| {name} | {} |", cells.join(" | "))
}

fn rows<'r>(
    results: &'r Results,
    stack: &'r str,
    payload: usize,
    readers: usize,
) -> impl Iterator<Item = &'r FanOut> {
    let wanted = move |row: &&OverLink| {
        row.payload == payload && row.fan_out.stack == stack && row.fan_out.readers == readers
    };
    results.link.iter().filter(wanted).map(|row| &row.fan_out)
}

/// One of each run, in their order.
fn figures(
    results: &Results,
    stack: &str,
    payload: usize,
    readers: usize,
    figure: impl Fn(&FanOut) -> f64,
) -> Vec<f64> {
    rows(results, stack, payload, readers).map(figure).collect()
}
