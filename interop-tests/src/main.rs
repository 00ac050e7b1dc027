//! Sets up foreign peers, runs the scenarios against them, and writes the page about it.

use interop_tests::failure::Failure;
use interop_tests::peer::{OWN, PEERS, Peer};
use interop_tests::results::{Direction, Results, Verdict};
use interop_tests::run::{Plan, run};
use interop_tests::scenario::{self, SCENARIOS};
use interop_tests::{namespace, paths, report, setup};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: interop-tests COMMAND
  setup [PEER…]            build the peers' environments (as root, Debian 12)
  run [--full] [--peer P]… [--scenario S]… [--direction to|from] [--jobs N] [--own P] [--out FILE]
                           quick tier unless --full; --own lets another peer take our side
  report [--check]         write docs/interop.md from results/full.json, or fail if it differs
  list                     peers and scenarios
  sweep                    remove namespaces of dead runs";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let outcome = match arguments.first().map(String::as_str) {
        Some("setup") => setup::setup(rest).map(|()| true),
        Some("run") => run_command(rest),
        Some("report") => report_command(rest.iter().any(|argument| argument == "--check")),
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
    let results = run(&plan)?;
    summarise(&results);
    if let Some(out) = out {
        report::write(&out, &results)?;
    }
    Ok(results.cells.iter().all(|cell| cell.verdict != Verdict::Fail))
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
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        if name == "--full" {
            full = true;
            continue;
        }
        let value = arguments.next().ok_or_else(|| usage(name))?;
        match name.as_str() {
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

fn known_peer(name: &str) -> Result<&'static Peer, Failure> {
    Peer::named(name).ok_or_else(|| usage(name))
}

fn usage(at: &str) -> Failure {
    Failure::Harness(format!("not understood: {at}\n{USAGE}"))
}

fn summarise(results: &Results) {
    let count = |verdict| results.cells.iter().filter(|cell| cell.verdict == verdict).count();
    println!(
        "{} cells in {:.0} s: {} PASS, {} FAIL, {} PEER-FAULT, {} N/A; logs and captures in {}",
        results.cells.len(),
        results.seconds,
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::PeerFault),
        count(Verdict::NotApplicable),
        paths::artifacts().display()
    );
}

fn report_command(check: bool) -> Result<bool, Failure> {
    if check {
        let fresh = report::is_fresh()?;
        if !fresh {
            eprintln!(
                "docs/interop.md is not what results/full.json yields: cargo run -p interop-tests -- report"
            );
        }
        return Ok(fresh);
    }
    let results = report::read(&paths::committed_results())?;
    std::fs::write(paths::page(), report::page(&results))?;
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
