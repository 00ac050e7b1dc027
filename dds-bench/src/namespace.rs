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
        set_session_priority("self", -15);
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
        set_session_priority("self", 0);
        if let Err(error) = ip(&["netns", "del", &self.name]) {
            eprintln!("{error}");
        }
    }
}

/// Where the kernel shares processors between sessions, priorities of processes count within one only.
pub fn set_session_priority(process: &str, nice: i32) {
    // Without the feature, or the right, the measurement is a noisier one.
    drop(std::fs::write(format!("/proc/{process}/autogroup"), nice.to_string()));
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new("ip").args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("ip {}: {status}", arguments.join(" ")).into()) }
}
