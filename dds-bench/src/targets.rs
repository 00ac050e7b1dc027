//! What is aimed at, what was measured of it, and whether that is enough.

use std::fmt::Write;

use crate::{
    build,
    exchange::PAYLOADS,
    inside::BARE,
    limits::{PACED_PAYLOAD, PACING, WAKING},
    report::{
        Table, Values, best_runs, bytes, inside_runs, limit_median, median, paces, rates, share, tables,
        trips, within_runs,
    },
    results::{Case, Results, Startup, Throughput},
    stacks::{
        ANY_CYCLONE, AS_IT_COMES, BY_UDP, CYCLONE, CYCLONE_11, CYCLONE_BATCHING, ICEORYX, OURS, OURS_LENT,
        OURS_SHARED, WITH_LOANS, ZENOH,
    },
};

/// One figure: what it must be at most (or at least), and what it is.
struct Figure {
    name: String,
    is: Option<f64>,
    at_most: f64,
    /// It is to be at least that.
    is_least: bool,
    /// The same of each setting.
    beside: Vec<(&'static str, Option<f64>)>,
}

impl Figure {
    fn is_met(&self) -> Option<bool> {
        let is = self.is?;
        Some(if self.is_least { is >= self.at_most } else { is <= self.at_most })
    }

    fn text(&self) -> (String, String) {
        let sign = if self.is_least { '≥' } else { '≤' };
        let is = self.is.map_or("not measured".to_owned(), |is| format!("{is:.2}"));
        let beside: Vec<String> =
            self.beside.iter().filter_map(|(how, value)| Some(format!("{how} {:.2}", (*value)?))).collect();
        let beside = if beside.is_empty() { String::new() } else { format!(" ({})", beside.join("; ")) };
        (format!("{} {sign} {}", self.name, self.at_most), format!("{} {is}{beside}", self.name))
    }
}

fn at_most(name: impl Into<String>, is: Option<f64>, at_most: f64) -> Figure {
    Figure { name: name.into(), is, at_most, is_least: false, beside: Vec::new() }
}

fn at_least(name: impl Into<String>, is: Option<f64>, least: f64) -> Figure {
    Figure { name: name.into(), is, at_most: least, is_least: true, beside: Vec::new() }
}

/// A row: what it is about, its figures, and what stands in the way where they are not met.
struct Row {
    title: &'static str,
    figures: Vec<Figure>,
    remains: &'static str,
}

/// The table of all targets.
pub fn render(results: &Results, out: &mut String) -> std::fmt::Result {
    writeln!(
        out,
        "## Targets\n\nFrom the runs below; a figure with no placement is of `same`, where both are compared the \
         worse counts. A row is met when all its figures are. Only the small round trip names a transport, UDP. \
         Where a target names none, the best of three settings of ours decides, and all three stand in parentheses: by \
         UDP; as it comes, which between processes of one host is shared memory while the others' samples go by \
         UDP or TCP; and that with loans.\n\n\
         | | target | measured | |\n|---|---|---|---|"
    )?;
    for row in rows(results) {
        let texts: Vec<(String, String)> = row.figures.iter().map(Figure::text).collect();
        let join = |texts: Vec<&str>| texts.join("<br>");
        let verdicts: Vec<Option<bool>> = row.figures.iter().map(Figure::is_met).collect();
        let verdict = if verdicts.contains(&Some(false)) {
            format!("**not met**: {}", row.remains)
        } else if verdicts.contains(&None) {
            "not measured in full".to_owned()
        } else {
            "met".to_owned()
        };
        writeln!(
            out,
            "| {} | {} | {} | {verdict} |",
            row.title,
            join(texts.iter().map(|(target, _)| target.as_str()).collect()),
            join(texts.iter().map(|(_, is)| is.as_str()).collect())
        )?;
    }
    writeln!(out)
}

/// Ours divided by others', the worse of both placements.
fn worse(
    tables: &[Table],
    payload: usize,
    ours: &[&str],
    theirs: impl Fn(&str) -> bool + Copy,
) -> Option<f64> {
    let is_more_better = tables.first()?.is_more_better;
    let ratios = tables.iter().map(|table| table.ratio(payload, |stack| ours.contains(&stack), theirs));
    ratios.flatten().reduce(if is_more_better { f64::min } else { f64::max })
}

/// How our samples may go.
const WAYS: [(&str, &str); 3] =
    [("by UDP", BY_UDP), ("as it comes", AS_IT_COMES), ("with loans", WITH_LOANS)];

/// A figure of ours at its best setting, with each setting beside it; `of` gives it of some of ours.
fn at_best(
    figure: fn(String, Option<f64>, f64) -> Figure,
    name: String,
    target: f64,
    of: impl Fn(&[&str]) -> Option<f64>,
) -> Figure {
    let beside = WAYS.map(|(how, stack)| (how, of(&[stack])));
    let mut figure = figure(name, None, target);
    let better = if figure.is_least { f64::max } else { f64::min };
    figure.is = beside.iter().filter_map(|(_, is)| *is).reduce(better);
    figure.beside = beside.into();
    figure
}

fn is_cyclone(stack: &str) -> bool {
    stack.starts_with(ANY_CYCLONE)
}

fn rows(results: &Results) -> Vec<Row> {
    let mut rows = Vec::from(round_trips(results));
    rows.extend(throughput(results));
    rows.push(paced(results));
    rows.extend(shared_memory(results));
    rows.extend([inside(results), memory(results), startup(results), built()]);
    rows
}

fn round_trips(results: &Results) -> [Row; 2] {
    let trips = tables(&trips(results, |trip| trip.p50_us), false);
    let bare = |payload| limit_median(results, "ping-pong", "same", payload);
    let best = |payload, is_it: fn(&str) -> bool| median(&mut trips.first()?.best(payload, is_it)?);
    [
        Row {
            title: "round trip, small, by UDP",
            figures: [64, 1024]
                .into_iter()
                .flat_map(|payload| {
                    let of = |what| format!("{}: ÷ {what}", bytes(payload));
                    let to_cyclone = worse(&trips, payload, &[BY_UDP], is_cyclone);
                    let to_cyclone = Figure {
                        beside: vec![(
                            "bare UDP",
                            bare(payload).zip(best(payload, is_cyclone)).map(|(a, b)| a / b),
                        )],
                        ..at_most(of("Cyclone's best"), to_cyclone, 0.65)
                    };
                    let ours = best(payload, |stack| stack == BY_UDP);
                    let to_bare = ours.zip(bare(payload)).map(|(ours, bare)| ours / bare);
                    [to_cyclone, at_most(of("bare UDP"), to_bare, 1.6)]
                })
                .collect(),
            remains: "a hop is one `sendmsg`, one wait by epoll and one `recvmsg`, of which Cyclone, with a thread for \
                      each socket, saves the second; the kernel's part of both is the same, and what two threads need \
                      that only send and receive stands in parentheses",
        },
        Row {
            title: "round trip, large",
            figures: [16 << 10, 1 << 20]
                .map(|payload| {
                    let name = format!("{}: ÷ Cyclone's best", bytes(payload));
                    at_best(at_most, name, 0.4, |ours| worse(&trips, payload, ours, is_cyclone))
                })
                .into(),
            remains: "by UDP, Cyclone's best has fragments of 65,000 bytes, as ours, and what remains is the kernel's \
                      copying; through shared memory, what remains is waking the other side",
        },
    ]
}

fn throughput(results: &Results) -> [Row; 2] {
    let rates = tables(&rates(results, |rate| rate.samples_per_second), true);
    let to = |name: &str, payload, target, theirs: fn(&str) -> bool| {
        at_best(at_least, name.to_owned(), target, |ours| worse(&rates, payload, ours, theirs))
    };
    let to_stream = |payload, ours: &[&str]| {
        let mut ours = rates.first()?.best(payload, |stack| ours.contains(&stack))?;
        Some(median(&mut ours)? / 1e3 / limit_median(results, "gso-stream", "same", payload)?)
    };
    let is_default = |stack: &str| stack == CYCLONE;
    let is_zenoh = |stack: &str| stack == ZENOH;
    let is_batching = |stack: &str| stack == CYCLONE_BATCHING;
    [
        Row {
            title: "throughput, 64 B",
            figures: vec![
                to("÷ Cyclone's default", 64, 10.0, is_default),
                to("÷ Cyclone's batching", 64, 2.5, is_batching),
                to("÷ zenoh", 64, 1.0, is_zenoh),
            ],
            remains: "on one core both ends share it, and each sample is serialised, kept until it is acknowledged, stored, \
                      taken and decoded by itself; what that takes is in the table of processor time below",
        },
        Row {
            title: "throughput, larger",
            figures: vec![
                to("1 KiB: ÷ zenoh", 1024, 1.0, is_zenoh),
                to("16 KiB: ÷ Cyclone's default", 16 << 10, 4.0, is_default),
                to("1 MiB: ÷ Cyclone's default", 1 << 20, 2.5, is_default),
                at_best(at_least, "16 KiB: ÷ bare GSO stream".to_owned(), 0.5, |ours| {
                    to_stream(16 << 10, ours)
                }),
            ],
            remains: "beside the kernel's copies, which the bare stream has too, a sample is copied into the history \
                      and once more at the reader",
        },
    ]
}

fn paced(results: &Results) -> Row {
    // Sleeping is the writing program's, not the stack's, and the same beside every stack.
    let of_stack = |pace: &Throughput| {
        let alone = limit_median(results, PACING, &pace.case.placement, PACED_PAYLOAD);
        pace.processor_us_per_sample - alone.unwrap_or(0.0)
    };
    let whole = tables(&paces(results, |pace| pace.processor_us_per_sample), false);
    let mut of_stacks = paces(results, of_stack);
    of_stacks.extend(wakes(results));
    let of_stacks = tables(&of_stacks, false);
    let ratio = |tables: &[Table], ours: &[&str]| worse(tables, PACED_PAYLOAD, ours, is_cyclone);
    let name = "÷ Cyclone's best, both less what sleeping between samples costs";
    let mut figure = at_best(at_most, name.to_owned(), 0.6, |ours| ratio(&of_stacks, ours));
    let with_sleep = WAYS.iter().filter_map(|(_, stack)| ratio(&whole, &[stack])).reduce(f64::min);
    figure.beside.push(("the best of them with that sleep", with_sleep));
    figure.beside.push(("a bare wake of another process", ratio(&of_stacks, &[BARE_WAKE])));
    Row {
        title: "processor time at 10,000 samples a second",
        figures: vec![figure],
        remains: "nothing is batched at this rate, and what the kernel takes to wake the other side, the bare wake in \
                  parentheses, is nearly all of it",
    }
}

/// Stands beside the stacks.
const BARE_WAKE: &str = "bare wake";

/// What waking another process through a pipe takes, less the sleep.
fn wakes(results: &Results) -> impl Iterator<Item = (Case, f64)> {
    results.limits.iter().filter(|limit| limit.kind == WAKING).map(|limit| {
        let alone = limit_median(results, PACING, &limit.placement, PACED_PAYLOAD);
        let (placement, payload) = (limit.placement.clone(), limit.payload);
        let case = Case { stack: BARE_WAKE.to_owned(), delivery: String::new(), placement, payload };
        (case, limit.value - alone.unwrap_or(0.0))
    })
}

fn shared_memory(results: &Results) -> [Row; 2] {
    let is_iceoryx = |stack: &str| stack == ICEORYX;
    let trips: Values =
        results.shared_round_trips.iter().map(|trip| (trip.case.clone(), trip.p50_us)).collect();
    let rates: Values =
        results.shared_throughput.iter().map(|rate| (rate.case.clone(), rate.samples_per_second)).collect();
    let figures = |tables: &[Table], figure: fn(String, Option<f64>, f64) -> Figure| {
        let of = |payload| worse(tables, payload, &[OURS_SHARED, OURS_LENT], is_iceoryx);
        PAYLOADS.map(|payload| figure(format!("{}: ÷ iceoryx2", bytes(payload)), of(payload), 1.0)).into()
    };
    [
        Row {
            title: "shared memory, round trip",
            figures: figures(&tables(&trips, false), at_most),
            remains: "1 MiB takes either as long as copying it twice does; below that, each hop passes the whole protocol, and \
                      iceoryx2 has neither history nor reliability",
        },
        Row {
            title: "shared memory, throughput",
            figures: figures(&tables(&rates, true), at_least),
            remains: "1 MiB takes either as long as the one copy of it, about 50 µs, and ours the wait for the reader's \
                      acknowledgement besides, so that the copy stays in the cache; at 1 KiB and 16 KiB each sample passes \
                      the whole protocol, and iceoryx2 has neither history nor reliability",
        },
    ]
}

fn inside(results: &Results) -> Row {
    let worse = |ratio: &dyn Fn(&str) -> Option<f64>| {
        ["same", "cross"].iter().filter_map(|at| ratio(at)).reduce(f64::max)
    };
    let per_sample = worse(&|placement| {
        let of = |stack| inside_runs(results, stack, placement).0;
        let best = best_runs([CYCLONE, CYCLONE_11].map(of).into_iter(), false)?;
        within_runs(&of(OURS), &best)
    });
    let hand_off = worse(&|placement| {
        let of = |stack| inside_runs(results, stack, placement).1;
        within_runs(&of(OURS), &of(BARE))
    });
    Row {
        title: "in one process, 64 B",
        figures: vec![
            at_most("time of write, delivery and take ÷ Cyclone's best", per_sample, 0.5),
            at_most("hand-off there and back ÷ bare condition variable", hand_off, 1.5),
        ],
        remains: "a sample is kept in the reader's cache with all that DDS says of it, which is three locks",
    }
}

fn memory(results: &Results) -> Row {
    let of = |stack: &str| {
        let of_it =
            results.round_trips.iter().filter(|trip| trip.case.stack == stack && trip.case.payload == 64);
        let mut kib: Vec<f64> = of_it.clone().map(|trip| trip.resident_kib as f64).collect();
        (median(&mut kib), of_it.map(|trip| trip.threads).max())
    };
    let (ours, threads) = of(OURS);
    let theirs = of(CYCLONE_11).0;
    let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
    Row {
        title: "resident memory; threads",
        figures: vec![
            at_most("÷ Cyclone 11", ratio, 1.2),
            at_most("threads", threads.map(|threads| threads as f64), 4.0),
        ],
        remains: "what the difference consists of is not looked into yet",
    }
}

fn startup(results: &Results) -> Row {
    let of = |stack: &str, situation: &str| {
        let is_it = |startup: &&Startup| startup.stack.starts_with(stack) && startup.situation == situation;
        results.startup.iter().filter(is_it).map(|found| share(&found.milliseconds, 0.5)).reduce(f64::min)
    };
    let figures = ["joining", "ten"].map(|situation| {
        let ratio = of(OURS, situation).zip(of(ANY_CYCLONE, situation)).map(|(ours, theirs)| ours / theirs);
        at_most(format!("{situation}: ÷ Cyclone's best"), ratio, 1.0)
    });
    Row {
        title: "created to matched",
        figures: figures.into(),
        remains: "discovery waits for nothing but the kernel and the other side",
    }
}

fn built() -> Row {
    let build = build::read();
    let seconds = build.as_ref().map(|build| build.library_seconds);
    let mebibytes = build.as_ref().map(|build| build.hello_bytes as f64 / 1e6);
    Row {
        title: "release build of the library on two cores; stripped `hello`",
        figures: vec![at_most("seconds", seconds, 90.0), at_most("MB", mebibytes, 5.0)],
        remains: "other builds ran beside it where the load in `dds-bench/results/build.json` is above one",
    }
}
