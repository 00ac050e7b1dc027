//! Sets up foreign peers, runs the scenarios against them, and writes the page about it.

use interop_tests::failure::Failure;
use interop_tests::peer::{OWN, PEERS, Peer};
use interop_tests::results::{self, Direction, Verdict};
use interop_tests::run::{Plan, run};
use interop_tests::scenario::{self, SCENARIOS};
use interop_tests::shapes::program::Program;
use interop_tests::shapes::{self, page as shapes_page};
use interop_tests::{ddsperf, namespace, paths, report, setup, types};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: interop-tests COMMAND
  setup [PEER…]            build the peers' environments (as root, Debian 12)
  run [--full] [--peer P]… [--scenario S]… [--direction to|from] [--jobs N] [--own P] [--out FILE]
                           quick tier unless --full; --own lets another peer take our side
  shapes [--full] [--pair PUBLISHER:SUBSCRIBER]… [--case PREFIX]… [--jobs N] [--out FILE]
                           pairs of shape_main programs; ours, and a slice against the others unless --full
  report [--check]         write docs/interop.md, docs/shapes.md and docs/types.md from the results, or fail if one differs
  types                    pairs of types that differ, ours and Cyclone DDS 11: results/types.json, docs/types.md
  ddsperf                  dds-bench and Cyclone DDS's ddsperf in one domain, in every mix
  list                     peers and scenarios
  sweep                    remove namespaces of dead runs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("setup") => setup::setup(rest).map(|()| true),
        Some("run") => run_command(rest),
        Some("shapes") => shapes_command(rest),
        Some("report") => report_command(rest.iter().any(|argument| argument == "--check")),
        Some("types") => types_command(),
        Some("ddsperf") => ddsperf::run(),
        Some("sweep") => namespace::sweep().map(|()| true),
        Some("list") => {
            list();
            Ok(true)
        }
        _ => Err(Failure::Harness(USAGE.to_owned())),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(2)
        }
    }
}

fn run_command(arguments: &[String]) -> Result<bool, Failure> {
    let (plan, out) = plan(arguments)?;
    let run = run(&plan)?;
    if let Some(out) = out {
        results::write(&out, &run)?;
    }
    Ok(summarise(run.cells.iter().map(|cell| cell.verdict), run.seconds, &paths::artifacts()))
}

fn shapes_command(arguments: &[String]) -> Result<bool, Failure> {
    let mut plan = shapes::run::Plan { pairs: vec![], cases: shapes::cases(), jobs: 4, quick: true };
    let (mut prefixes, mut out) = (Vec::new(), None);
    for (name, value) in options(arguments)? {
        match name {
            "--full" => plan.quick = false,
            "--pair" => {
                let (publisher, subscriber) = value.split_once(':').ok_or_else(|| usage(value))?;
                let named = |name| Program::named(name).ok_or_else(|| usage(value));
                plan.pairs.push((named(publisher)?, named(subscriber)?));
            }
            "--case" => prefixes.push(value),
            "--jobs" => plan.jobs = value.parse().map_err(|_| usage(value))?,
            "--out" => out = Some(PathBuf::from(value)),
            _ => return Err(usage(name)),
        }
    }
    if plan.pairs.is_empty() {
        plan.pairs = shapes::run::every_pair();
    }
    if !prefixes.is_empty() {
        plan.cases.retain(|case| prefixes.iter().any(|prefix| case.name.starts_with(prefix)));
    }
    let run = shapes::run::run(&plan)?;
    if let Some(out) = out {
        results::write(&out, &run)?;
    }
    let logs = paths::artifacts().join("shapes");
    Ok(summarise(run.cells.iter().map(|cell| cell.verdict), run.seconds, &logs))
}

fn types_command() -> Result<bool, Failure> {
    let table = types::run()?;
    results::write(&paths::committed_type_results(), &table)?;
    std::fs::write(paths::types_page(), types::committed_page()?)?;
    let failures = types::failures(&table);
    failures.iter().for_each(|failure| println!("not as XTypes says: {failure}"));
    Ok(failures.is_empty())
}

fn plan(arguments: &[String]) -> Result<(Plan, Option<PathBuf>), Failure> {
    let mut full = false;
    let mut out = None;
    let mut plan = Plan {
        own: known_peer(OWN)?,
        peers: vec![],
        scenarios: vec![],
        directions: vec![],
        jobs: 3,
        tier: "quick",
        fault_captures: None,
    };
    for (name, value) in options(arguments)? {
        match name {
            "--full" => full = true,
            "--peer" => plan.peers.push(known_peer(value)?),
            "--own" => plan.own = known_peer(value)?,
            "--scenario" => plan.scenarios.push(scenario::named(value).ok_or_else(|| usage(value))?),
            "--direction" if value == "to" => plan.directions.push(Direction::To),
            "--direction" if value == "from" => plan.directions.push(Direction::From),
            "--jobs" => plan.jobs = value.parse().map_err(|_| usage(value))?,
            "--out" => out = Some(PathBuf::from(value)),
            _ => return Err(usage(name)),
        }
    }
    if plan.peers.is_empty() {
        plan.peers = Peer::foreign().filter(|peer| peer.name != plan.own.name).collect();
    }
    if plan.scenarios.is_empty() {
        plan.scenarios = SCENARIOS.iter().filter(|scenario| full || scenario.quick).collect();
    }
    if plan.directions.is_empty() {
        plan.directions = Direction::BOTH.to_vec();
    }
    if full {
        plan.tier = "full";
    }
    plan.fault_captures = out.as_ref().and_then(|out| out.parent().map(|folder| folder.join("captures")));
    Ok((plan, out))
}

/// Names and values; `--full` alone has none.
fn options(arguments: &[String]) -> Result<Vec<(&str, &str)>, Failure> {
    let mut options = Vec::new();
    let mut arguments = arguments.iter().map(String::as_str);
    while let Some(name) = arguments.next() {
        let value = if name == "--full" { Some("") } else { arguments.next() };
        options.push((name, value.ok_or_else(|| usage(name))?));
    }
    Ok(options)
}

fn known_peer(name: &str) -> Result<&'static Peer, Failure> {
    Peer::named(name).ok_or_else(|| usage(name))
}

fn usage(at: &str) -> Failure {
    Failure::Harness(format!("not understood: {at}\n{USAGE}"))
}

/// Prints what came of a run; whether nothing failed.
fn summarise(verdicts: impl Iterator<Item = Verdict> + Clone, seconds: f64, logs: &Path) -> bool {
    println!("{}; logs in {}", results::summary(verdicts.clone(), seconds), logs.display());
    !verdicts.into_iter().any(|verdict| verdict == Verdict::Fail)
}

fn report_command(check: bool) -> Result<bool, Failure> {
    if check {
        let fresh = [
            ("docs/interop.md", "results/full.json", report::is_fresh()?),
            ("docs/shapes.md", "results/shapes.json", shapes_page::is_fresh()?),
            ("docs/types.md", "results/types.json", types::is_fresh()?),
        ];
        for (page, results, _) in fresh.iter().filter(|(_, _, fresh)| !fresh) {
            eprintln!("{page} is not what {results} yields: cargo run -p interop-tests -- report");
        }
        return Ok(fresh.iter().all(|(_, _, fresh)| *fresh));
    }
    let shapes = results::read(&paths::committed_shape_results())?;
    std::fs::write(paths::shapes_page(), shapes_page::page(&shapes))?;
    let scenarios = results::read(&paths::committed_results())?;
    std::fs::write(paths::page(), report::page(&scenarios))?;
    std::fs::write(paths::types_page(), types::committed_page()?)?;
    Ok(true)
}

fn list() {
    for peer in PEERS {
        let state = if peer.is_ready() { "ready" } else { "not built" };
        println!("{:<12} {:<36} {:<12} {state}", peer.name, peer.title, peer.version);
    }
    for scenario in SCENARIOS {
        println!("{:<22} {}", scenario.name, scenario.about);
    }
}
