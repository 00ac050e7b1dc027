//! Chores of the workspace: `cargo xtask <command>`.
//!
//! - `test`: everything a change must pass, in stages, with a table of results and times at the end.
//!   Installs what it needs. `--full` adds what takes long; `--only NAME` (repeatable) runs single
//!   stages; `--list` names them.
//! - `docs`: writes the generated documents anew.
//! - `mutations`: disables the enforcement of each policy in turn, in a copy of the sources, and records whether
//!   the test that stands for it fails. `--only POLICY` (repeatable) runs some.
//! - `edges`: checks which crate depends on which.

mod configuration_document;
mod dcps_document;
mod dependencies;
mod docs;
mod edges;
mod mutations;
mod named_tests;
mod no_std;
mod qos_document;
mod qos_tests;
mod references;
mod shell;
mod stage;
mod tools;

use stage::{Stage, Tier};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask test [--full] [--only STAGE]... [--list]
       cargo xtask docs
       cargo xtask mutations [--only POLICY]...
       cargo xtask edges";

/// The stages of `cargo xtask test`, in order. One whose program does not exist yet is not in the list.
const STAGES: &[Stage] = &[
    Stage { name: "tools", tier: Tier::Quick, run: tools::install },
    Stage { name: "format", tier: Tier::Quick, run: || shell::cargo(&["fmt", "--all", "--check"]) },
    Stage { name: "clippy", tier: Tier::Quick, run: clippy },
    Stage { name: "rustdoc", tier: Tier::Quick, run: rustdoc },
    Stage { name: "edges", tier: Tier::Quick, run: edges::check },
    Stage { name: "no-std", tier: Tier::Quick, run: no_std::check },
    Stage { name: "dependencies", tier: Tier::Quick, run: dependencies::check },
    Stage { name: "documents", tier: Tier::Quick, run: documents },
    // Before the tests: those of the harness need the tools that it installs.
    Stage { name: "peers", tier: Tier::Quick, run: || interop(&["setup"]) },
    Stage { name: "tests", tier: Tier::Quick, run: tests },
    Stage { name: "doc-tests", tier: Tier::Quick, run: doc_tests },
    Stage { name: "instructions", tier: Tier::Quick, run: || benchmark(&["instructions", "--check"]) },
    Stage { name: "performance-page", tier: Tier::Quick, run: || benchmark(&["report", "--check"]) },
    Stage { name: "interop", tier: Tier::Quick, run: || interop(&["run"]) },
    Stage { name: "shapes", tier: Tier::Quick, run: || shapes(&[]) },
    Stage { name: "ddsperf", tier: Tier::Quick, run: ddsperf },
    Stage { name: "interop-page", tier: Tier::Quick, run: || interop(&["report", "--check"]) },
    Stage { name: "long-tests", tier: Tier::Full, run: long_tests },
    Stage { name: "benchmark", tier: Tier::Full, run: || benchmark(&["all"]) },
    Stage {
        name: "interop-full",
        tier: Tier::Full,
        run: || interop(&["run", "--full", "--out", FULL_RESULTS]),
    },
    Stage { name: "types-full", tier: Tier::Full, run: || interop(&["types"]) },
    Stage { name: "shapes-full", tier: Tier::Full, run: || shapes(&["--full", "--out", SHAPE_RESULTS]) },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        ["test", options @ ..] => stage::Selection::from_options(options, STAGES).and_then(|selection| {
            if selection.list {
                for stage in STAGES {
                    println!("{}", stage.name);
                }
                return Ok(());
            }
            stage::run(STAGES, &selection)
        }),
        ["docs"] => docs::write(),
        ["edges"] => edges::check(),
        ["mutations", options @ ..] => mutations::run(options),
        _ => Err(USAGE.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Generated documents are up to date, and what documents name exists.
fn documents() -> stage::Outcome {
    let found = [docs::check(), dcps_document::check(), qos_tests::check(), mutations::check()];
    let problems: Vec<String> = found.into_iter().filter_map(Result::err).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

fn clippy() -> stage::Outcome {
    shell::cargo(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])?;
    // Features add, they never replace: the default build must be as clean.
    shell::cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn rustdoc() -> stage::Outcome {
    shell::command("cargo")
        .args(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings")
        .run()
}

/// Counts are those of the profile that is measured; so are the times, of which only the full run takes any.
fn benchmark(arguments: &[&str]) -> stage::Outcome {
    let run = ["run", "--profile", "bench-lto", "-q", "-p", "dds-bench", "--"];
    shell::command("cargo").args(run).args(arguments).run()
}

/// Nextest runs the same tests in parallel across crates; a machine without it takes longer, no more.
fn tests() -> stage::Outcome {
    let runner: &[&str] = if shell::cargo_has("nextest") { &["nextest", "run"] } else { &["test"] };
    shell::command("cargo").args(runner).args(EVERY_TEST).run()
}

fn doc_tests() -> stage::Outcome {
    shell::cargo(&["test", "--workspace", "--all-features", "--no-fail-fast", "--doc"])
}

/// Tests marked `#[ignore]` are those too long for every change.
fn long_tests() -> stage::Outcome {
    shell::command("cargo").args(["test", "--release"]).args(EVERY_TEST).args(["--", "--ignored"]).run()
}

/// The file that docs/interop.md is made from.
const FULL_RESULTS: &str = "interop-tests/results/full.json";

/// The file that docs/shapes.md is made from.
const SHAPE_RESULTS: &str = "interop-tests/results/shapes.json";

/// Pairs of `shape_main` programs: ours with ours and with those of other stacks.
fn shapes(arguments: &[&str]) -> stage::Outcome {
    shell::cargo(&["build", "--release", "-p", "examples", "--bin", "shape_main"])?;
    interop(&[&["shapes"], arguments].concat())
}

/// Our ends of ddsperf's topics among those of Cyclone DDS.
fn ddsperf() -> stage::Outcome {
    shell::cargo(&["build", "--release", "-p", "dds-bench", "--bins"])?;
    interop(&["ddsperf"])
}

/// Foreign peers and the scenarios with them. In release: what is tested is what users run.
fn interop(arguments: &[&str]) -> stage::Outcome {
    shell::cargo(&["build", "--release", "-p", "interop-tests", "-p", "dds-durability", "--bins"])?;
    let program = shell::target_directory().join("release").join("interop-tests");
    shell::command(program).args(arguments).run()
}

const EVERY_TEST: &[&str] =
    &["--workspace", "--all-features", "--no-fail-fast", "--lib", "--bins", "--tests", "--examples"];
