//! Mutations: each disables the enforcement of a policy, and the test that stands for it must notice.
//!
//! `xtask/mutations.json` says which piece of which source becomes what. All of them are put into one copy of
//! the sources at once, each behind a look at the environment variable `DDS_MUTATION`, so that the copy is
//! built once and the tests run once for each. The outcome is `docs/qos-mutations.md`.

use crate::{
    references::{FoundTest, find_test},
    shell,
    stage::Outcome,
};
use dds_qos::{Enforcement, POLICIES, PolicyRow};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const PATH: &str = "xtask/mutations.json";
const DOCUMENT: &str = "docs/qos-mutations.md";
const CAUGHT: &str = "fails";

struct Mutation {
    policy: String,
    file: String,
    original: String,
    mutated: String,
    what: String,
    test: String,
}

impl Mutation {
    /// The piece of source with the switch around it. A statement ends in a semicolon; anything else is an
    /// expression.
    fn switched(&self, number: usize) -> String {
        let Self { original, mutated, .. } = self;
        let switched = format!("if crate::mutation::is({number}) {{ {mutated} }} else {{ {original} }}");
        if original.ends_with(';') { switched } else { format!("({switched})") }
    }

    fn row(&self, outcome: &str) -> String {
        let Self { policy, what, file, test, .. } = self;
        format!("| {policy} | {what} | `{file}` | `{test}` | {outcome} |\n")
    }
}

fn read() -> Result<Vec<Mutation>, String> {
    let text = fs::read_to_string(shell::root().join(PATH)).map_err(|error| format!("{PATH}: {error}"))?;
    let entries: Vec<Value> = serde_json::from_str(&text).map_err(|error| format!("{PATH}: {error}"))?;
    let mutation = |entry: &Value| {
        let field = |name: &str| {
            let value = entry.get(name).and_then(Value::as_str).map(str::to_string);
            value.ok_or_else(|| format!("{PATH}: an entry without «{name}»: {entry}"))
        };
        Ok(Mutation {
            policy: field("policy")?,
            file: field("file")?,
            original: field("original")?,
            mutated: field("mutated")?,
            what: field("what")?,
            test: field("test")?,
        })
    };
    entries.iter().map(mutation).collect()
}

/// Whether every mutation can still be applied and names a test, every policy that is enforced in full has
/// one, and the page, once it was written, tells of all of them that the test failed.
pub fn check() -> Outcome {
    let mutations = read()?;
    let page = fs::read_to_string(shell::root().join(DOCUMENT)).ok();
    let mut problems = Vec::new();
    for mutation in &mutations {
        let Mutation { policy, file, original, test, .. } = mutation;
        let text = fs::read_to_string(shell::root().join(file)).unwrap_or_default();
        let found = text.matches(original.as_str()).count();
        if found != 1 {
            problems.push(format!("{policy}: «{original}» occurs {found} times in {file}"));
        }
        problems.extend(find_test(test).err());
        if page.as_ref().is_some_and(|page| !page.contains(&mutation.row(CAUGHT))) {
            problems.push(format!("{policy}: {DOCUMENT} does not tell of «{}»", mutation.what));
        }
    }
    let covered: BTreeSet<&str> = mutations.iter().map(|mutation| mutation.policy.as_str()).collect();
    let is_enforced = |row: &&PolicyRow| matches!(row.enforcement, Enforcement::Yes);
    let missing = POLICIES.iter().filter(is_enforced);
    let missing = missing.filter(|row| !covered.contains(row.name));
    problems.extend(missing.map(|row| format!("{} has no mutation", row.name)));
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{PATH}: {}; run `cargo xtask mutations` when the list is right", problems.join("; ")))
}

/// Runs the mutations of the named policies, or all, and writes the page when all were run and noticed.
pub fn run(options: &[&str]) -> Outcome {
    let mut only = Vec::new();
    let mut rest = options.iter();
    while let Some(option) = rest.next() {
        match (*option, rest.next()) {
            ("--only", Some(policy)) => only.push(*policy),
            _ => return Err("usage: cargo xtask mutations [--only POLICY]...".to_string()),
        }
    }
    let mutations = read()?;
    let copy = Copy::make(&mutations)?;
    let chosen = |mutation: &Mutation| only.is_empty() || only.contains(&mutation.policy.as_str());
    let mut rows = String::new();
    let mut problems = Vec::new();
    let mut sound = BTreeSet::new();
    for (number, mutation) in mutations.iter().enumerate().filter(|(_, mutation)| chosen(mutation)) {
        let outcome = copy.outcome(number, mutation, &mut sound).unwrap_or_else(|error| error);
        println!("{}: {}: the test {outcome}", mutation.policy, mutation.what);
        if outcome != CAUGHT {
            problems.push(format!("{}: {}: the test {outcome}", mutation.policy, mutation.what));
        }
        rows.push_str(&mutation.row(&outcome));
    }
    // A row that says why it did not run would not stay on one line.
    if only.is_empty() && problems.is_empty() {
        fs::write(shell::root().join(DOCUMENT), format!("{INTRODUCTION}{rows}"))
            .map_err(|error| format!("{DOCUMENT}: {error}"))?;
    }
    if problems.is_empty() { Ok(()) } else { Err(format!("not noticed: {}", problems.join("; "))) }
}

/// A copy of the sources with the switches in it.
struct Copy {
    source: PathBuf,
    target: PathBuf,
}

impl Copy {
    fn make(mutations: &[Mutation]) -> Result<Self, String> {
        let directory = shell::target_directory().join("mutations");
        let copy = Self { source: directory.join("source"), target: directory.join("target") };
        copy.remove();
        fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let source = copy.source.to_string_lossy().into_owned();
        git(&["worktree", "add", "--force", "--detach", &source, "HEAD"])?;
        let mut crates = BTreeSet::new();
        for (number, mutation) in mutations.iter().enumerate() {
            let path = copy.source.join(&mutation.file);
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", mutation.file))?;
            if text.matches(mutation.original.as_str()).count() != 1 {
                return Err(format!("«{}» does not occur once in {}", mutation.original, mutation.file));
            }
            let text = text.replace(&mutation.original, &mutation.switched(number));
            fs::write(&path, text).map_err(|error| error.to_string())?;
            crates.extend(mutation.file.split('/').next().map(str::to_string));
        }
        for name in crates {
            add_switch(&copy.source.join(name).join("src"))?;
        }
        Ok(copy)
    }

    /// What the test does with a mutation. Without it the test passes, as it did for the `sound` ones.
    fn outcome(
        &self,
        number: usize,
        mutation: &Mutation,
        sound: &mut BTreeSet<String>,
    ) -> Result<String, String> {
        let test = find_test(&mutation.test)?;
        if !sound.contains(&mutation.test) {
            if !self.passes(&test, None)? {
                return Ok("fails also without it".to_string());
            }
            sound.insert(mutation.test.clone());
        }
        Ok(if self.passes(&test, Some(number))? { "passes" } else { CAUGHT }.to_string())
    }

    /// Whether a test passes with a mutation switched on.
    fn passes(&self, test: &FoundTest, mutation: Option<usize>) -> Result<bool, String> {
        let mut command = Command::new("cargo");
        command.current_dir(&self.source).args(["test", "-q", "-p", &test.package]);
        match &test.program {
            Some(program) => command.args(["--test", program]),
            None => command.arg("--lib"),
        };
        command.args(["--", "--exact", &test.name]);
        command.env("CARGO_TARGET_DIR", &self.target).env("RUSTFLAGS", "--cap-lints warn");
        command.env("DDS_MUTATION", mutation.map_or(String::new(), |number| number.to_string()));
        let output = command.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        // A build that fails proves nothing.
        if text.contains("1 passed") || text.contains("FAILED") {
            return Ok(output.status.success());
        }
        Err(format!("{} did not run: {text}{}", test.name, String::from_utf8_lossy(&output.stderr)))
    }

    fn remove(&self) {
        let source = self.source.to_string_lossy().into_owned();
        // It may not be there.
        let _ = git(&["worktree", "remove", "--force", &source]);
        let _ = fs::remove_dir_all(&self.source);
        let _ = git(&["worktree", "prune"]);
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Adds what the switches ask to a crate.
fn add_switch(source: &Path) -> Outcome {
    let library = source.join("lib.rs");
    let text = fs::read_to_string(&library).map_err(|error| error.to_string())?;
    let needs_std =
        if text.contains("#![no_std]") || text.contains("no_std)]") { "extern crate std;\n" } else { "" };
    fs::write(&library, format!("{text}\n{needs_std}mod mutation;\n")).map_err(|error| error.to_string())?;
    fs::write(source.join("mutation.rs"), SWITCH).map_err(|error| error.to_string())
}

const SWITCH: &str = "\
static MUTATION: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();

pub(crate) fn is(number: usize) -> bool {
    let read = || std::env::var(\"DDS_MUTATION\").ok().and_then(|text| text.parse().ok());
    *MUTATION.get_or_init(read) == Some(number)
}
";

const INTRODUCTION: &str = "\
<!-- Written by `cargo xtask mutations` from xtask/mutations.json. Do not edit. -->

# Mutations of policies

Each row disables what a policy does at one place, and runs the test that stands for it: it must fail. The test
passes without the mutation. `cargo xtask mutations` runs them all; the quick tests check that every policy has one,
that each can still be applied, and that this page tells of it.

| policy | what is disabled | where | test | then the test |
|---|---|---|---|---|
";

fn git(arguments: &[&str]) -> Outcome {
    let output = Command::new("git").current_dir(shell::root()).args(arguments).output();
    let output = output.map_err(|error| format!("git: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}
