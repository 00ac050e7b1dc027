//! The crates that must do without the standard library, which is the proof that they do no IO.
//!
//! Building for a target without `std` would need that target installed. The compiler proves the same
//! from two facts, which are checked here: the crate says `#![no_std]`, and `std` is named as an extern
//! crate under a test or feature `cfg` only. Without that line `std::…` does not resolve.

use crate::shell;
use crate::stage::Outcome;
use std::fs;
use std::path::{Path, PathBuf};

const CRATES: &[NoStd] = &[
    NoStd { name: "dds-types", allowed_under: &["#[cfg(test)]"] },
    NoStd { name: "dds-filter", allowed_under: &["#[cfg(test)]"] },
    NoStd { name: "dds-qos", allowed_under: &["#[cfg(test)]", "#[cfg(any(test, feature = \"profiles\"))]"] },
    NoStd { name: "dds-rtps", allowed_under: &["#[cfg(test)]"] },
];

struct NoStd {
    name: &'static str,
    allowed_under: &'static [&'static str],
}

/// Checks both facts of every crate.
pub fn check() -> Outcome {
    let mut wrong = Vec::new();
    for no_std in CRATES {
        let source = shell::root().join(no_std.name).join("src");
        let library = read(&source.join("lib.rs"))?;
        if !library.lines().any(|line| line.trim() == "#![no_std]") {
            wrong.push(format!("{} is not #![no_std]", no_std.name));
        }
        for file in rust_files(&source)? {
            let text = read(&file)?;
            let lines: Vec<&str> = text.lines().map(str::trim).collect();
            for (index, line) in lines.iter().enumerate() {
                let condition = index.checked_sub(1).and_then(|before| lines.get(before)).unwrap_or(&"");
                if line.contains("extern crate std") && !no_std.allowed_under.contains(condition) {
                    wrong.push(format!("{}:{} uses std outside of tests", file.display(), index + 1));
                }
            }
        }
    }
    if wrong.is_empty() {
        println!("{} are no_std", CRATES.iter().map(|no_std| no_std.name).collect::<Vec<_>>().join(", "));
        Ok(())
    } else {
        Err(wrong.join("; "))
    }
}

fn rust_files(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let describe = |error: std::io::Error| format!("{}: {error}", directory.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(describe)? {
        let path = entry.map_err(describe)?.path();
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
