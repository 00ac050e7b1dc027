//! What a run yields, as it lies in the result file.

use crate::failure::Failure;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Reads a result file, of whichever kind.
pub fn read<T: DeserializeOwned>(file: &Path) -> Result<T, Failure> {
    let named = |error: &dyn std::fmt::Display| Failure::Harness(format!("{}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    serde_json::from_str(&text).map_err(|error| named(&error))
}

/// Writes a result file.
pub fn write(file: &Path, results: &impl Serialize) -> Result<(), Failure> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let text = serde_json::to_string_pretty(results).map_err(|error| Failure::Harness(error.to_string()))?;
    Ok(std::fs::write(file, text + "\n")?)
}

/// A whole run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    /// The commit it ran on.
    pub commit: String,
    /// `quick` or `full`.
    pub tier: String,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// One entry a cell.
    pub cells: Vec<Cell>,
}

/// One peer in one scenario and direction.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// The foreign peer.
    pub peer: String,
    /// Its version.
    pub version: String,
    /// The scenario.
    pub scenario: String,
    /// `to` when we publish, `from` when the peer does.
    pub direction: Direction,
    /// How it went.
    pub verdict: Verdict,
    /// Why, where it is not PASS.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What was observed, where it passed: samples, losses, times.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed: String,
    /// The capture that proves a fault of the peer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub capture: String,
    /// How long it took.
    pub seconds: f64,
}

/// Who publishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// We publish, the peer subscribes.
    To,
    /// The peer publishes, we subscribe.
    From,
}

/// How a cell went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// As it should.
    #[serde(rename = "PASS")]
    Pass,
    /// Not as it should.
    #[serde(rename = "FAIL")]
    Fail,
    /// The peer lacks what the scenario needs.
    #[serde(rename = "N/A")]
    NotApplicable,
    /// Not as it should, by the peer's doing: with a capture, and another vendor passing the same scenario.
    #[serde(rename = "PEER-FAULT")]
    PeerFault,
}

/// How many cells there are of each verdict, and how long they took.
pub fn summary(verdicts: impl Iterator<Item = Verdict> + Clone, seconds: f64) -> String {
    let count = |verdict| verdicts.clone().filter(|other| *other == verdict).count();
    format!(
        "{} cells in {seconds:.0} s: {} PASS, {} FAIL, {} PEER-FAULT, {} N/A",
        verdicts.clone().count(),
        count(Verdict::Pass),
        count(Verdict::Fail),
        count(Verdict::PeerFault),
        count(Verdict::NotApplicable)
    )
}

impl Verdict {
    /// As it is printed.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::NotApplicable => "N/A",
            Verdict::PeerFault => "PEER-FAULT",
        }
    }
}

impl Direction {
    /// Both, in the order of the page.
    pub const BOTH: [Direction; 2] = [Direction::To, Direction::From];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_are_counted() {
        let verdicts = [Verdict::Pass, Verdict::NotApplicable, Verdict::Pass, Verdict::Fail];
        let text = summary(verdicts.into_iter(), 7.4);
        assert_eq!(text, "4 cells in 7 s: 2 PASS, 1 FAIL, 0 PEER-FAULT, 1 N/A");
    }
}
