//! `docs/dcps.md`: what it names must exist.

use crate::{
    references::{Items, find_test},
    shell,
    stage::Outcome,
};
use std::fs;

const PATH: &str = "docs/dcps.md";

/// The crates whose items the page may name.
const CRATES: &[&str] = &["dds-core", "dds-qos", "dds-rtps", "dds-types", "dds-filter", "dds-durability"];

/// Whether every item and test that the page names is there, and every row names a test.
pub fn check() -> Outcome {
    let text = fs::read_to_string(shell::root().join(PATH)).map_err(|error| format!("{PATH}: {error}"))?;
    let items = Items::of(CRATES);
    let mut problems = Vec::new();
    let mut rows = 0;
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [operation, ours, tests] = cells.as_slice() else {
            problems.push(format!("«{line}» has not three cells"));
            continue;
        };
        rows += 1;
        problems.extend(
            quoted(ours)
                .filter(|item| is_item(item) && !items.contain(item))
                .map(|item| format!("{operation}: there is no {item}")),
        );
        if quoted(tests).next().is_none() {
            problems.push(format!("{operation}: no test is named"));
        }
        problems.extend(quoted(tests).filter_map(|test| find_test(test).err()));
    }
    if rows == 0 {
        problems.push("it has no table".to_string());
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("{PATH}: {}", problems.join("; "))) }
}

/// What stands between backticks.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// Whether it names a type or a function of one, rather than a value or a piece of code.
fn is_item(text: &str) -> bool {
    text.starts_with(|c: char| c.is_uppercase())
        && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
        && !text.chars().all(|c| c.is_uppercase() || c == '_')
}
