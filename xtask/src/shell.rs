//! Running other programs.

use crate::stage::Outcome;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The workspace's root.
pub fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().map_or(own.clone(), PathBuf::from)
}

/// Where cargo builds.
pub fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// A program to be run in the workspace's root.
pub struct Program(Command);

/// A program by name or path.
pub fn command(program: impl AsRef<OsStr>) -> Program {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    // The workspace's own cargo run leaves these behind, and they change what build scripts see.
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name == "CARGO_MANIFEST_DIR") {
            command.env_remove(name);
        }
    }
    Program(command)
}

impl Program {
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.0.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it with its output on ours.
    pub fn run(mut self) -> Outcome {
        println!("$ {}", self.line());
        let status = self.0.status().map_err(|error| format!("{}: {error}", self.line()))?;
        if status.success() { Ok(()) } else { Err(format!("{}: {status}", self.line())) }
    }

    /// Runs it and gives what it printed.
    pub fn output(mut self) -> Result<String, String> {
        let output = self.0.output().map_err(|error| format!("{}: {error}", self.line()))?;
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{}: {}: {}", self.line(), output.status, message.trim()));
        }
        String::from_utf8(output.stdout).map_err(|error| format!("{}: {error}", self.line()))
    }

    fn line(&self) -> String {
        let words = std::iter::once(self.0.get_program()).chain(self.0.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    }
}

/// Runs cargo.
pub fn cargo(arguments: &[&str]) -> Outcome {
    command("cargo").args(arguments).run()
}

/// Whether cargo has this subcommand.
pub fn cargo_has(subcommand: &str) -> bool {
    command("cargo").args([subcommand, "--version"]).output().is_ok()
}
