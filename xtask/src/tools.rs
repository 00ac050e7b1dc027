//! Installing what the stages need, from the list in `tools.txt`.

use crate::shell::{self, command};
use crate::stage::Outcome;
use std::path::PathBuf;

const LIST: &str = include_str!("../tools.txt");

struct Tool {
    kind: &'static str,
    name: &'static str,
    version: &'static str,
}

/// Installs what is missing.
pub fn install() -> Outcome {
    let tools = tools()?;
    for tool in &tools {
        if !matches!(tool.kind, "component" | "apt" | "cargo") {
            return Err(format!("tools.txt: unknown kind {}", tool.kind));
        }
    }
    components(&tools)?;
    packages(&tools)?;
    for tool in tools.iter().filter(|tool| tool.kind == "cargo") {
        build(tool)?;
    }
    Ok(())
}

/// The program of a `cargo` line, where [`install`] puts it.
pub fn program(name: &str) -> Result<PathBuf, String> {
    let tools = tools()?;
    let tool = tools
        .iter()
        .find(|tool| tool.kind == "cargo" && tool.name == name)
        .ok_or_else(|| format!("{name} is not in tools.txt"))?;
    Ok(directory(tool).join("bin").join(name))
}

fn tools() -> Result<Vec<Tool>, String> {
    let lines = LIST.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            [kind, name, version] => Ok(Tool { kind, name, version }),
            _ => Err(format!("tools.txt: not `kind name version`: {line}")),
        })
        .collect()
}

fn components(tools: &[Tool]) -> Outcome {
    for tool in tools.iter().filter(|tool| tool.kind == "component") {
        let subcommand = if tool.name == "rustfmt" { "fmt" } else { tool.name };
        if !shell::cargo_has(subcommand) {
            command("rustup").args(["component", "add", tool.name]).run()?;
        }
    }
    Ok(())
}

/// One apt call for all, and none when everything is there: a machine without network may still test.
fn packages(tools: &[Tool]) -> Outcome {
    let wanted: Vec<&Tool> = tools.iter().filter(|tool| tool.kind == "apt").collect();
    let missing: Vec<&str> = wanted.iter().filter(|tool| !is_installed(tool)).map(|tool| tool.name).collect();
    if !missing.is_empty() {
        command("apt-get").args(["update", "-q"]).run()?;
        command("apt-get")
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .run()?;
    }
    for tool in wanted {
        if !is_installed(tool) {
            let found = installed_version(tool.name).unwrap_or_else(|| "nothing".to_string());
            return Err(format!("apt has {found} of {}, tools.txt wants {}", tool.name, tool.version));
        }
    }
    Ok(())
}

fn is_installed(tool: &Tool) -> bool {
    installed_version(tool.name).is_some_and(|version| version.starts_with(tool.version))
}

fn installed_version(package: &str) -> Option<String> {
    let query = ["--show", "--showformat=${db:Status-Status} ${Version}", package];
    let answer = command("dpkg-query").args(query).output().ok()?;
    answer.strip_prefix("installed ").map(str::to_string)
}

/// The version is in the directory's name, so that a new one is built beside the old one.
fn directory(tool: &Tool) -> PathBuf {
    cache().join(format!("{}-{}", tool.name, tool.version))
}

/// `DDS_TOOLS_CACHE`, by default below the target directory.
fn cache() -> PathBuf {
    std::env::var_os("DDS_TOOLS_CACHE")
        .map_or_else(|| shell::target_directory().join("xtask-tools"), PathBuf::from)
}

fn build(tool: &Tool) -> Outcome {
    let directory = directory(tool);
    if directory.join("bin").join(tool.name).exists() {
        return Ok(());
    }
    let sources = cache().join("build");
    command("cargo")
        .args(["install", "--locked", "--version", tool.version, tool.name, "--root"])
        .args([directory.as_os_str(), "--target-dir".as_ref(), sources.as_os_str()])
        .run()
}
