//! Cyclone DDS's measuring program, ddsperf, and `dds-bench ddsperf`, which speaks its topics, in one domain.
//!
//! Each checks by itself that every endpoint of the others matches the one of its own that is for it; a Cyclone DDS
//! end tells by its exit code whether that, and what `-Q` asks for, came true, and that no reliable sample was lost.

use crate::failure::Failure;
use crate::namespace::{Topology, TopologyKind};
use crate::parallel::{Outcome, with_second_attempts};
use crate::paths;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Instant;

/// Ends that meet, and what is to come of it.
#[derive(Debug)]
struct Mix {
    about: &'static str,
    ends: &'static [End],
}

#[derive(Debug)]
enum End {
    /// ddsperf, of which the exit code tells.
    Cyclone(&'static str),
    /// Ours: its arguments, and how many of its result lines have these members, none smaller than here. None may
    /// tell of a loss.
    Ours(&'static str, usize, &'static [(&'static str, u64)]),
}

use End::{Cyclone, Ours};

/// Rates are such that all of them can run at once.
static MIXES: &[Mix] = &[
    Mix {
        about: "our ping, Cyclone's pong",
        ends: &[
            Cyclone("-D4 -Qminmatch:1 pong"),
            Ours("ping -D 1.5 --rate 200 --size 100", 1, &[("samples", 100), ("p50_ns", 1)]),
        ],
    },
    Mix {
        about: "Cyclone's ping, our pong",
        ends: &[
            Cyclone("-D3 -Qminmatch:1 -Qroundtrips:100 ping 200Hz size 100"),
            Ours("pong -D 4", 1, &[("answered", 100)]),
        ],
    },
    Mix {
        about: "our pub, Cyclone's sub",
        ends: &[
            Cyclone("-D4 -n3 -Qminmatch:1 -Qsamples:500 sub"),
            Ours("pub --samples 500 --rate 1000 --size 100 --keys 3", 1, &[("samples", 500)]),
        ],
    },
    Mix {
        about: "Cyclone's pub, some of it pings, our sub",
        ends: &[
            Cyclone("-D3 -n3 -Qminmatch:1 -Qroundtrips:10 pub 1kHz size 100 10%"),
            Ours("sub -D 4", 1, &[("samples", 1000), ("answered", 10), ("size", 100)]),
        ],
    },
    Mix {
        about: "two of each",
        ends: &[
            Cyclone("-D4 -TK32 -Qminmatch:3 -Qroundtrips:50 ping 100Hz pub 1kHz"),
            Cyclone("-D4 -TK32 -Qminmatch:3 sub pong"),
            Ours("ping -T K32 -D 2 --rate 100 --peers 3", 3, &[("samples", 50)]),
            Ours("sub -T K32 -D 2 --peers 3", 1, &[("samples", 1000), ("size", 32)]),
        ],
    },
    Mix {
        about: "best effort, our pub and ping, Cyclone's sub",
        ends: &[
            Cyclone("-D4 -u -TOU -Qminmatch:2 -Qsamples:250 sub"),
            Ours("pub -u -T OU --samples 500 --rate 1000 --peers 2", 1, &[("samples", 500), ("size", 4)]),
            Ours("ping -u -T OU -D 1.5 --rate 100 --peers 2 --network-only", 2, &[("samples", 20)]),
        ],
    },
];

/// Lets every mix meet, and prints a line for each; whether all went well.
pub fn run() -> Result<bool, Failure> {
    let (ours, cyclone) = (paths::beside("dds-bench"), Path::new("/usr/bin/ddsperf"));
    for (program, how) in [
        (ours.as_path(), "cargo build -p dds-bench"),
        (cyclone, "cargo run -p interop-tests -- setup cyclone010"),
    ] {
        if !program.exists() {
            return Err(Failure::Harness(format!("{} is not there: {how}", program.display())));
        }
    }
    let outcomes = with_second_attempts(MIXES.iter().collect(), MIXES.len(), |mix: &Mix| {
        let started = Instant::now();
        let met = meet(mix, &ours, cyclone);
        let verdict = if met.is_ok() { "PASS" } else { "FAIL" };
        println!("{verdict}  {:<42} {:>4.1} s", mix.about, started.elapsed().as_secs_f64());
        Outcome { failure: met.err().map(|failure| failure.to_string()), observed: String::new() }
    });
    for (mix, outcome) in MIXES.iter().zip(&outcomes) {
        match &outcome.failure {
            Some(failure) => println!("{}: {failure}", mix.about),
            None if !outcome.observed.is_empty() => println!("{}{}", mix.about, outcome.observed),
            None => {}
        }
    }
    Ok(outcomes.iter().all(|outcome| outcome.failure.is_none()))
}

fn meet(mix: &Mix, ours: &Path, cyclone: &Path) -> Result<(), Failure> {
    let topology = Topology::create(TopologyKind::Loopback)?;
    let mut running = Vec::new();
    for end in mix.ends {
        running.push((end, start(&topology, end, ours, cyclone)?));
    }
    let mut texts = String::new();
    let mut all_well = true;
    // Each ends by itself, or by its time limit.
    for (end, child) in running {
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let well = output.status.success() && end.is_content_with(&text);
        all_well &= well;
        let errors = String::from_utf8_lossy(&output.stderr);
        texts.push_str(&format!(
            "\n--- {end:?}: {}, {}\n{text}{errors}",
            output.status,
            if well { "well" } else { "not well" }
        ));
    }
    if all_well { Ok(()) } else { Err(Failure::Mismatch(texts)) }
}

fn start(topology: &Topology, end: &End, ours: &Path, cyclone: &Path) -> Result<Child, Failure> {
    let mut command = topology.publisher().command(Path::new("timeout"));
    command.arg("20");
    let arguments = match end {
        Cyclone(arguments) => {
            command.arg(cyclone);
            arguments
        }
        Ours(arguments, ..) => {
            command.arg(ours).arg("ddsperf");
            arguments
        }
    };
    command.args(arguments.split(' ')).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ok(command.spawn()?)
}

impl End {
    /// Whether it printed what it should.
    fn is_content_with(&self, text: &str) -> bool {
        let Ours(_, wanted, members) = self else { return true };
        let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let results: Vec<Value> = lines.filter(|line| line.get("event") == Some(&"result".into())).collect();
        let number = |line: &Value, name: &str| line.get(name).and_then(Value::as_u64);
        let is_met = |line: &&Value| {
            members.iter().all(|(name, least)| number(line, name).is_some_and(|value| value >= *least))
        };
        let lost_none = results.iter().all(|line| number(line, "lost").unwrap_or_default() == 0);
        results.iter().filter(is_met).count() == *wanted && lost_none
    }
}

#[cfg(test)]
mod tests {
    use super::End::Ours;

    #[test]
    fn an_end_is_content_only_with_enough_lines_of_enough() {
        let end = Ours("", 2, &[("samples", 10)]);
        let line = |samples: u64, lost: u64| {
            format!("{{\"event\":\"result\",\"samples\":{samples},\"lost\":{lost}}}\n")
        };
        assert!(end.is_content_with(&[line(10, 0), line(11, 0), line(9, 0)].concat()));
        assert!(!end.is_content_with(&[line(10, 0), line(9, 0)].concat()));
        assert!(!end.is_content_with(&[line(10, 0), line(10, 1)].concat()), "a sample was lost");
        assert!(!end.is_content_with(&[line(10, 0), line(10, 0), line(10, 0)].concat()), "one too many");
        assert!(!end.is_content_with("{\"event\":\"matched\",\"samples\":10}\n"));
        assert!(!Ours("", 1, &[("answered", 1)]).is_content_with(&line(10, 0)), "no such member");
    }
}
