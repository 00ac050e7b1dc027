//! Runs cases with pairs of programs, several at a time: most of them wait.

use super::case::{Case, Check};
use super::program::{OWN, Program, Side};
use super::results::{Cell, Results};
use super::rxo;
use super::stage::Stage;
use crate::failure::Failure;
use crate::namespace::{self, Topology, TopologyKind};
use crate::parallel::{Attempt, with_second_attempts};
use crate::paths;
use crate::results::Verdict;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// Who publishes, and who subscribes.
pub type Pair = (&'static Program, &'static Program);

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// Pairs of programs.
    pub pairs: Vec<Pair>,
    /// The cases.
    pub cases: Vec<Case>,
    /// How many at a time.
    pub jobs: usize,
    /// Whether pairs with a foreign program get the quick slice only.
    pub quick: bool,
}

/// Ours with ours, and with every foreign program both ways.
pub fn every_pair() -> Vec<Pair> {
    let own = Program::named(OWN);
    let mut pairs = Vec::new();
    if let Some(own) = own {
        pairs.push((own, own));
        for peer in Program::foreign() {
            pairs.extend([(own, peer), (peer, own)]);
        }
    }
    pairs
}

/// Runs every cell of the plan, and the few that fail among others once more; prints a line for each attempt.
pub fn run(plan: &Plan) -> Result<Results, Failure> {
    namespace::sweep()?;
    std::fs::create_dir_all(paths::artifacts().join("shapes"))?;
    let (started, commit) = (Instant::now(), crate::run::commit());
    let mut jobs = Vec::new();
    for &pair in &plan.pairs {
        let own = pair.0.is_own() && pair.1.is_own();
        let cases = plan.cases.iter().filter(|case| own || case.quick || !plan.quick);
        jobs.extend(cases.map(|case| (pair, case)));
    }
    let cells = with_second_attempts(jobs, plan.jobs, |(pair, case)| {
        let cell = run_cell(pair, case);
        println!(
            "{:<10} {:>9} to {:<9} {:<48} {:>5.1} s  {}{}{}",
            cell.verdict.name(),
            cell.publisher,
            cell.subscriber,
            cell.case,
            cell.seconds,
            cell.reason,
            if cell.reason.is_empty() || cell.observed.is_empty() { "" } else { ": " },
            cell.observed,
        );
        cell
    });
    Ok(Results { commit, seconds: started.elapsed().as_secs_f64().round(), cells })
}

impl Attempt for Cell {
    fn failure(&self) -> Option<&str> {
        (self.verdict == Verdict::Fail).then_some(&self.reason)
    }

    fn observed(&mut self) -> &mut String {
        &mut self.observed
    }
}

fn run_cell((publisher, subscriber): Pair, case: &Case) -> Cell {
    let started = Instant::now();
    let mut cell = Cell {
        publisher: publisher.name.to_owned(),
        subscriber: subscriber.name.to_owned(),
        case: case.name.clone(),
        verdict: Verdict::Pass,
        reason: String::new(),
        observed: String::new(),
        seconds: 0.0,
    };
    let lack = publisher
        .lack(&case.needs, Side::Publisher)
        .or_else(|| subscriber.lack(&case.needs, Side::Subscriber));
    if let Some(reason) = lack {
        cell.verdict = Verdict::NotApplicable;
        reason.clone_into(&mut cell.reason);
        return cell;
    }
    match perform(publisher, subscriber, case) {
        Ok(observed) => cell.observed = observed,
        // What ours says of itself is no excuse.
        Err(Failure::NotSupported(line)) if !line.starts_with(OWN) => {
            cell.verdict = Verdict::NotApplicable;
            cell.reason = format!("the program says: {line}");
        }
        Err(failure) => {
            let known = publisher
                .fault(&case.name, Side::Publisher)
                .or_else(|| subscriber.fault(&case.name, Side::Subscriber));
            match known {
                Some(known) => {
                    cell.verdict = Verdict::PeerFault;
                    known.clone_into(&mut cell.reason);
                    cell.observed = failure.to_string();
                }
                None => {
                    cell.verdict = Verdict::Fail;
                    cell.reason = failure.to_string();
                }
            }
        }
    }
    cell.seconds = (started.elapsed().as_secs_f64() * 10.0).round() / 10.0;
    cell
}

fn perform(
    publisher: &'static Program,
    subscriber: &'static Program,
    case: &Case,
) -> Result<String, Failure> {
    let label = format!("{}-{}-to-{}", case.name.replace(['/', ' '], "_"), publisher.name, subscriber.name);
    let folder = paths::artifacts().join("shapes");
    let log = Arc::new(Mutex::new(String::new()));
    let capture = folder.join(format!("{label}.pcap"));
    let mut stage = Stage {
        case,
        publisher,
        subscriber,
        topology: Topology::create(TopologyKind::Loopback)?,
        capture: capture.clone(),
        log: Arc::clone(&log),
    };
    let outcome = match case.check {
        Check::Incompatible => rxo::incompatible(&mut stage),
        Check::Compatible => rxo::compatible(&mut stage),
        Check::Run(run) => run(&mut stage),
    };
    drop(stage);
    let mut text = log.lock().unwrap_or_else(PoisonError::into_inner).clone();
    match &outcome {
        Ok(_) => {
            // Only few cases capture.
            let _ = std::fs::remove_file(&capture);
        }
        Err(failure) => text.push_str(&format!("=== {failure}\n")),
    }
    std::fs::write(folder.join(format!("{label}.log")), text)?;
    outcome
}
