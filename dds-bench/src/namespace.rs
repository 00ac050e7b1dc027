//! A network of its own for the measurements: nothing of it leaves the host, and nothing else is heard.

use std::process::Command;

use crate::Failure;

/// A network namespace with a loopback interface that multicasts; removed on drop.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one; needs root.
    pub fn new() -> Result<Self, Failure> {
        let namespace = Self { name: format!("ddsbench{}", std::process::id()) };
        let name = namespace.name.as_str();
        ip(&["netns", "add", name])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "link", "set", "lo", "multicast", "on"])?;
        ip(&["-n", name, "route", "add", "239.0.0.0/8", "dev", "lo"])?;
        Ok(namespace)
    }

    /// The start of a command line that runs in it, on one core and before the machine's other work.
    ///
    /// What `ip`, `nice` and `taskset` start replaces them: the child's id is the program's.
    pub fn command(&self, core: Option<usize>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "nice", "-n", "-15"]);
        if let Some(core) = core {
            command.args(["taskset", "-c", &core.to_string()]);
        }
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        if let Err(error) = ip(&["netns", "del", &self.name]) {
            eprintln!("{error}");
        }
    }
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new("ip").args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("ip {}: {status}", arguments.join(" ")).into()) }
}
