//! Runs a matrix of peers, scenarios and directions, several at a time, each in namespaces of its own.

use crate::capture::{self, Capture};
use crate::failure::Failure;
use crate::namespace::{self, Topology};
use crate::parallel::{Attempt, with_second_attempts};
use crate::paths;
use crate::peer::{OWN, Peer};
use crate::results::{Cell, Direction, Results, Verdict};
use crate::scenario::Scenario;
use crate::session::Bench;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// Which stack takes our side: ours, or a foreign one to prove the harness.
    pub own: &'static Peer,
    /// The other side.
    pub peers: Vec<&'static Peer>,
    /// What they do.
    pub scenarios: Vec<&'static Scenario>,
    /// Who publishes.
    pub directions: Vec<Direction>,
    /// How many cells at a time.
    pub jobs: usize,
    /// `quick` or `full`.
    pub tier: &'static str,
    /// Where captures of a peer's faults are kept.
    pub fault_captures: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
struct Job {
    peer: &'static Peer,
    scenario: &'static Scenario,
    direction: Direction,
}

/// Runs every cell of the plan, and the few that fail among others once more; prints a line for each attempt.
pub fn run(plan: &Plan) -> Result<Results, Failure> {
    namespace::sweep()?;
    std::fs::create_dir_all(paths::artifacts())?;
    let started = Instant::now();
    let mut jobs = Vec::new();
    for &peer in &plan.peers {
        for &scenario in &plan.scenarios {
            jobs.extend(plan.directions.iter().map(|&direction| Job { peer, scenario, direction }));
        }
    }
    let cells = with_second_attempts(jobs, plan.jobs, |job| {
        let cell = run_cell(plan, job);
        println!(
            "{:<10} {:<11} {:<20} {:<4} {:>5.1} s  {}{}",
            cell.verdict.name(),
            cell.peer,
            cell.scenario,
            if cell.direction == Direction::To { "to" } else { "from" },
            cell.seconds,
            cell.observed,
            cell.reason
        );
        cell
    });
    Ok(Results {
        commit: commit(),
        tier: plan.tier.to_owned(),
        seconds: started.elapsed().as_secs_f64(),
        cells,
    })
}

impl Attempt for Cell {
    fn failure(&self) -> Option<&str> {
        (self.verdict == Verdict::Fail).then_some(&self.reason)
    }

    fn observed(&mut self) -> &mut String {
        &mut self.observed
    }
}

fn run_cell(plan: &Plan, job: Job) -> Cell {
    let started = Instant::now();
    let mut cell = Cell {
        peer: job.peer.name.to_owned(),
        version: job.peer.version.to_owned(),
        scenario: job.scenario.name.to_owned(),
        direction: job.direction,
        verdict: Verdict::Pass,
        reason: String::new(),
        observed: String::new(),
        capture: String::new(),
        seconds: 0.0,
    };
    let (publisher, subscriber) = match job.direction {
        Direction::To => (plan.own, job.peer),
        Direction::From => (job.peer, plan.own),
    };
    let name = job.scenario.name;
    if let Some(reason) = publisher
        .lacks(job.scenario, "pub")
        .or_else(|| subscriber.lacks(job.scenario, "sub"))
        .or_else(|| unfit(plan, job))
    {
        cell.verdict = Verdict::NotApplicable;
        reason.clone_into(&mut cell.reason);
        return cell;
    }
    let label = format!("{}-{}-to-{}", job.scenario.name, publisher.name, subscriber.name);
    let file = paths::artifacts().join(format!("{label}.pcap"));
    match perform(job.scenario, publisher, subscriber, &file, &label) {
        Ok(observed) => {
            cell.observed = observed;
            // Captures of what went well are many and large.
            let _ = std::fs::remove_file(&file);
        }
        Err(failure) => {
            cell.reason = failure.to_string();
            cell.verdict = Verdict::Fail;
            if let Some(known) =
                job.peer.fault(name, if job.direction == Direction::To { "sub" } else { "pub" })
            {
                cell.verdict = Verdict::PeerFault;
                known.clone_into(&mut cell.reason);
                cell.capture =
                    plan.fault_captures.as_deref().map(|folder| keep(&file, folder)).unwrap_or_default();
            }
        }
    }
    cell.seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    cell
}

/// Why this stack on our side, or this peer, cannot do it.
fn unfit(plan: &Plan, job: Job) -> Option<&'static str> {
    let is_own = plan.own.name == OWN;
    match job.scenario.name {
        "serde" if !is_own => Some("only our stack has the serde representation"),
        "partition_changed" | "deadline_changed" if !is_own => {
            Some("only our program changes policies at run time")
        }
        "type_hash" if job.peer.name != "ros2" => Some("only ROS 2 has hashes of types in its graph"),
        _ => None,
    }
}

fn perform(
    scenario: &Scenario,
    publisher: &'static Peer,
    subscriber: &'static Peer,
    file: &Path,
    label: &str,
) -> Result<String, Failure> {
    for peer in [publisher, subscriber] {
        if !peer.is_ready() {
            return Err(Failure::Harness(format!(
                "{} is not built: cargo run -p interop-tests -- setup {}",
                peer.name, peer.name
            )));
        }
    }
    let log = Arc::new(Mutex::new(String::new()));
    let topology = Topology::create(scenario.topology)?;
    let capture = Capture::start(topology.publisher(), file.to_owned())?;
    let bench = Bench { publisher, subscriber, topology, log: Arc::clone(&log) };
    let mut outcome = (scenario.run)(&bench);
    // The namespace takes with it what tcpdump has not read yet, so it goes last.
    let captured = capture.stop();
    drop(bench);
    if outcome.is_ok() && (publisher.is_own() || subscriber.is_own()) {
        outcome = captured.and_then(|file| capture::check_own(&file)).and(outcome);
    }
    let mut text = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Err(failure) = &outcome {
        text.push_str(&format!("=== {failure}\n"));
    }
    std::fs::write(paths::artifacts().join(format!("{label}.log")), text)?;
    outcome
}

fn keep(file: &Path, folder: &Path) -> String {
    let target = folder.join(file.file_name().unwrap_or_default());
    let kept = std::fs::create_dir_all(folder).and_then(|()| std::fs::copy(file, &target));
    match kept {
        Ok(_) => target.strip_prefix(paths::repository()).unwrap_or(&target).to_string_lossy().into_owned(),
        Err(error) => format!("capture lost: {error}"),
    }
}

/// The commit that is checked out.
pub fn commit() -> String {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(paths::repository()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned()).unwrap_or_default()
}
