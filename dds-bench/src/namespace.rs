//! A network of its own for the measurements: nothing of it leaves the host, and nothing else is heard.

use std::process::Command;

use crate::Failure;

/// A network namespace with a loopback interface that multicasts; removed on drop.
pub struct Namespace {
    name: String,
    priority: Option<Priority>,
}

/// While it lives, this session goes before other work of the machine.
struct Priority;

impl Priority {
    fn new() -> Self {
        set_session_priority("self", -15);
        Self
    }
}

impl Drop for Priority {
    fn drop(&mut self) {
        set_session_priority("self", 0);
    }
}

impl Namespace {
    /// Makes one; needs root. Until it is dropped, this session goes before other work of the machine.
    pub fn new() -> Result<Self, Failure> {
        let mut namespace = Self::named(format!("ddsbench{}", std::process::id()))?;
        namespace.priority = Some(Priority::new());
        namespace.ip(&["link", "set", "lo", "multicast", "on"])?;
        namespace.ip(&["route", "add", "239.0.0.0/8", "dev", "lo"])?;
        Ok(namespace)
    }

    /// Two that virtual Ethernet joins, as two hosts.
    pub fn pair() -> Result<[Self; 2], Failure> {
        let make = |side| Self::named(format!("ddsbench{}{side}", std::process::id()));
        let ends = [make("near")?, make("far")?];
        let [near, far] = &ends;
        near.ip(&["link", "add", "bench0", "type", "veth", "peer", "name", "bench1", "netns", &far.name])?;
        for (end, device, address) in [(near, "bench0", "10.79.0.1/24"), (far, "bench1", "10.79.0.2/24")] {
            end.ip(&["addr", "add", address, "dev", device])?;
            end.ip(&["link", "set", device, "multicast", "on", "up"])?;
            end.ip(&["route", "add", "224.0.0.0/4", "dev", device])?;
        }
        Ok(ends)
    }

    fn named(name: String) -> Result<Self, Failure> {
        ip(&["netns", "add", &name])?;
        let namespace = Self { name, priority: None };
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    fn ip(&self, arguments: &[&str]) -> Result<(), Failure> {
        ip(&[&["-n", self.name.as_str()], arguments].concat())
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

/// Where the kernel shares processors between sessions, priorities of processes count within one only.
pub fn set_session_priority(process: &str, nice: i32) {
    // Without the feature, or the right, the measurement is a noisier one.
    drop(std::fs::write(format!("/proc/{process}/autogroup"), nice.to_string()));
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let status = Command::new("ip").args(arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("ip {}: {status}", arguments.join(" ")).into()) }
}
