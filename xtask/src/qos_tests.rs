//! Which test shows what of each policy: `xtask/qos_tests.json`, a column each of `docs/qos.md`.
//!
//! A cell is a list of tests, or a text that explains why there is none.

use crate::{references::find_test, shell, stage::Outcome};
use dds_qos::{POLICIES, PolicyRow};
use serde_json::Value;
use std::fs;

const PATH: &str = "xtask/qos_tests.json";

/// The columns: key in the file, heading.
pub const COLUMNS: &[(&str, &str)] = &[
    ("writer", "enforced at the writer"),
    ("reader", "enforced at the reader"),
    ("matching", "request/offered reported on both sides"),
    ("changing", "changed, or refused, at run time"),
    ("interop", "with other implementations"),
];

/// Cells that may be explained instead of naming a test.
const EXPLAINED_AT_MOST: usize = 5;

/// One cell of the table.
pub enum Cell {
    /// Tests.
    Tests(Vec<String>),
    /// Why there is none.
    Explained(String),
}

/// The table as it is in the file.
pub fn read() -> Result<Value, String> {
    let text = fs::read_to_string(shell::root().join(PATH)).map_err(|error| format!("{PATH}: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("{PATH}: {error}"))
}

/// The cell of a policy in a column.
pub fn cell(table: &Value, row: &PolicyRow, column: &str) -> Result<Cell, String> {
    let missing = || format!("{PATH}: {} has no «{column}»", row.name);
    match table.get(row.name).and_then(|cells| cells.get(column)).ok_or_else(missing)? {
        Value::String(text) => Ok(Cell::Explained(text.clone())),
        Value::Array(tests) if !tests.is_empty() => {
            Ok(Cell::Tests(tests.iter().filter_map(|test| test.as_str().map(str::to_string)).collect()))
        }
        _ => Err(missing()),
    }
}

/// Whether every cell is there, every test exists, and few cells are explained instead.
pub fn check() -> Outcome {
    let table = read()?;
    let mut problems = Vec::new();
    let mut explained = Vec::new();
    for row in POLICIES {
        for (column, _) in COLUMNS {
            match cell(&table, row, column) {
                Ok(Cell::Tests(tests)) => {
                    problems.extend(tests.iter().filter_map(|test| find_test(test).err()));
                }
                Ok(Cell::Explained(_)) => explained.push(format!("{} {column}", row.name)),
                Err(problem) => problems.push(problem),
            }
        }
    }
    if explained.len() > EXPLAINED_AT_MOST {
        problems.push(format!(
            "{} cells are explained instead of tested: {}",
            explained.len(),
            explained.join(", ")
        ));
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{PATH}: {}", problems.join("; "))) }
}
