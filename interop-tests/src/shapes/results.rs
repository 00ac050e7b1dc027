//! What a run yields, as it lies in the result file.

use crate::results::Verdict;
use serde::{Deserialize, Serialize};

/// A whole run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Results {
    /// The commit it ran on.
    pub commit: String,
    /// Wall time of the run in seconds.
    pub seconds: f64,
    /// One entry a case and pair of programs.
    pub cells: Vec<Cell>,
}

/// One case with one pair of programs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// Whose program publishes.
    pub publisher: String,
    /// Whose program subscribes.
    pub subscriber: String,
    /// The case.
    pub case: String,
    /// How it went.
    pub verdict: Verdict,
    /// Why, where it is not PASS.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What was observed: where it passed, what the check found; where a peer is at fault, what it printed or did.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub observed: String,
    /// How long it took.
    pub seconds: f64,
}
