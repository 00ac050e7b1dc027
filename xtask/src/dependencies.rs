//! Licences, sources and bans of foreign crates, by cargo-deny and `deny.toml`.

use crate::stage::Outcome;
use crate::{shell, tools};

/// Fetches what the lock file names, for all targets, and then checks offline: the advisory database is
/// not asked (see `deny.toml`).
pub fn check() -> Outcome {
    shell::cargo(&["fetch", "--locked"])?;
    // cargo-deny sees the workspace's own graph only; the Rust peers are another workspace.
    shell::command(tools::program("cargo-deny")?)
        .args(["--offline", "--all-features", "check", "bans", "licenses", "sources"])
        .run()
}
