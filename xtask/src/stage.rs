//! Running stages one after another: each is timed, a failure does not stop the others, and all are
//! listed at the end.

use std::time::{Duration, Instant};

/// Nothing, or what went wrong.
pub type Outcome = Result<(), String>;

/// One step of `cargo xtask test`.
pub struct Stage {
    pub name: &'static str,
    pub tier: Tier,
    pub run: fn() -> Outcome,
}

/// When a stage runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tier {
    /// Always.
    Quick,
    /// With `--full` only.
    Full,
}

/// What the command line asks for.
pub struct Selection {
    pub list: bool,
    full: bool,
    only: Vec<String>,
}

impl Selection {
    pub fn from_options(options: &[&str], stages: &[Stage]) -> Result<Self, String> {
        let mut selection = Self { list: false, full: false, only: Vec::new() };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match *option {
                "--full" => selection.full = true,
                "--list" => selection.list = true,
                "--only" => match options.next() {
                    Some(name) if stages.iter().any(|stage| stage.name == *name) => {
                        selection.only.push((*name).to_string());
                    }
                    Some(name) => return Err(format!("no stage {name}; see cargo xtask test --list")),
                    None => return Err("--only needs the name of a stage".to_string()),
                },
                other => return Err(format!("unknown option {other}\n{}", crate::USAGE)),
            }
        }
        Ok(selection)
    }

    fn includes(&self, stage: &Stage) -> bool {
        if self.only.is_empty() {
            self.full || stage.tier == Tier::Quick
        } else {
            self.only.iter().any(|name| name == stage.name)
        }
    }
}

/// Runs the selected stages and prints the table.
pub fn run(stages: &[Stage], selection: &Selection) -> Outcome {
    let started = Instant::now();
    let mut results: Vec<(&str, Outcome, Duration)> = Vec::new();
    for stage in stages.iter().filter(|stage| selection.includes(stage)) {
        println!("\n=== {} ===", stage.name);
        let stage_started = Instant::now();
        let outcome = (stage.run)();
        let elapsed = stage_started.elapsed();
        match &outcome {
            Ok(()) => println!("--- {}: passed in {:.1} s", stage.name, elapsed.as_secs_f64()),
            Err(message) => println!("--- {}: FAILED: {message}", stage.name),
        }
        results.push((stage.name, outcome, elapsed));
    }
    println!("\n{:<14} {:>9}  result", "stage", "time");
    for (name, outcome, elapsed) in &results {
        let result = if outcome.is_ok() { "passed" } else { "FAILED" };
        println!("{name:<14} {:>7.1} s  {result}", elapsed.as_secs_f64());
    }
    println!("{:<14} {:>7.1} s", "all", started.elapsed().as_secs_f64());
    let failures: Vec<String> = results
        .iter()
        .filter_map(|(name, outcome, _)| Some(format!("  {name}: {}", outcome.as_ref().err()?)))
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(format!("\nfailed stages:\n{}", failures.join("\n"))) }
}
