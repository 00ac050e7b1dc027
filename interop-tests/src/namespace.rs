//! Network namespaces: where every peer runs, and nothing else.
//!
//! Names are `ddsit<pid>x<n>`, so that leftovers of a dead run are recognised and removed by [`sweep`].

use crate::failure::Failure;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const PREFIX: &str = "ddsit";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// A network namespace, deleted on drop.
#[derive(Debug)]
pub struct Namespace {
    name: String,
    interface: String,
}

/// Two namespaces joined by a veth pair, or one with only a loopback interface.
#[derive(Debug)]
pub enum Topology {
    /// Both peers in one namespace, on `lo`.
    Loopback(Namespace),
    /// One peer each side of a veth pair.
    Pair(Namespace, Namespace),
}

/// Which topology a scenario wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopologyKind {
    /// See [`Topology::Loopback`].
    Loopback,
    /// See [`Topology::Pair`].
    Pair,
}

impl Namespace {
    fn create() -> Result<Self, Failure> {
        let name = format!("{PREFIX}{}x{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        ip(&["netns", "add", &name])?;
        let namespace = Namespace { name, interface: "lo".to_owned() };
        namespace.ip(&["link", "set", "lo", "multicast", "on"])?;
        namespace.ip(&["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    /// Its name, as `ip netns` knows it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The interface peers talk over: `lo`, or the end of the veth pair.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    fn ip(&self, arguments: &[&str]) -> Result<(), Failure> {
        let mut all = vec!["-n", self.name.as_str()];
        all.extend_from_slice(arguments);
        ip(&all)
    }

    /// A command that runs `program` in here with a private /dev/shm: shared memory is not isolated by a network
    /// namespace, and stacks that find each other there never send a datagram. The command execs all the way, so
    /// the child's pid is the program's.
    ///
    /// # Panics
    /// If this process and the namespace share one network: a peer must never run outside.
    pub fn command(&self, program: &Path) -> Command {
        assert!(self.is_elsewhere(), "{} is not a network namespace of its own", self.name);
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, "unshare", "--mount", "sh", "-c"]);
        command.arg("mount -t tmpfs tmpfs /dev/shm && exec \"$@\"").arg("sh").arg(program);
        command
    }

    fn is_elsewhere(&self) -> bool {
        use std::os::linux::fs::MetadataExt;
        let inside = std::fs::metadata(format!("/run/netns/{}", self.name));
        let outside = std::fs::metadata("/proc/self/ns/net");
        match (inside, outside) {
            (Ok(inside), Ok(outside)) => inside.st_ino() != outside.st_ino(),
            _ => false,
        }
    }

    /// Drops `percent` of all UDP datagrams that arrive here, the local ones included.
    pub fn drop_datagrams(&self, percent: u32) -> Result<(), Failure> {
        let rules = format!(
            "table inet loss {{ chain input {{ type filter hook input priority 0; \
             meta l4proto udp numgen random mod 100 < {percent} counter drop; \
             meta l4proto udp counter; }}; }}"
        );
        let output = Command::new("ip").args(["netns", "exec", &self.name, "nft", &rules]).output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(Failure::Harness(format!("nft: {}", String::from_utf8_lossy(&output.stderr).trim())))
        }
    }

    /// How many datagrams have left to groups.
    pub fn datagrams_to_groups(&self) -> Result<u64, Failure> {
        let output =
            Command::new("ip").args(["netns", "exec", &self.name, "cat", "/proc/net/netstat"]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let mut rows = text.lines().filter(|line| line.starts_with("IpExt:")).map(str::split_whitespace);
        let counters = rows.next().zip(rows.next());
        counters
            .and_then(|(names, values)| names.zip(values).find(|(name, _)| *name == "OutMcastPkts"))
            .and_then(|(_, value)| value.parse().ok())
            .ok_or_else(|| Failure::Harness(format!("no OutMcastPkts in {}: {text}", self.name)))
    }

    /// How many datagrams the rule of [`Self::drop_datagrams`] has dropped, and how many have passed.
    pub fn dropped_datagrams(&self) -> Result<(u64, u64), Failure> {
        let output = Command::new("ip")
            .args(["netns", "exec", &self.name, "nft", "list", "table", "inet", "loss"])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut counters = text.lines().filter_map(|line| {
            let rest = line.split("counter packets ").nth(1)?;
            rest.split(' ').next()?.parse::<u64>().ok()
        });
        match (counters.next(), counters.next()) {
            (Some(dropped), Some(passed)) => Ok((dropped, passed)),
            _ => Err(Failure::Harness(format!("no counters in the rules of {}: {text}", self.name))),
        }
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Nothing can be done about an error here, and sweep() comes by at the next start.
        let _ = ip(&["netns", "del", &self.name]);
    }
}

impl Topology {
    /// Makes what `kind` asks for.
    pub fn create(kind: TopologyKind) -> Result<Self, Failure> {
        let mut first = Namespace::create()?;
        match kind {
            TopologyKind::Loopback => {
                first.ip(&["route", "add", "239.0.0.0/8", "dev", "lo"])?;
                Ok(Topology::Loopback(first))
            }
            TopologyKind::Pair => {
                let mut second = Namespace::create()?;
                // The ends are born in their namespaces: they never exist among the machine's own interfaces.
                first.ip(&[
                    "link",
                    "add",
                    "ddsv0",
                    "type",
                    "veth",
                    "peer",
                    "name",
                    "ddsv1",
                    "netns",
                    &second.name,
                ])?;
                for (namespace, interface, address) in
                    [(&mut first, "ddsv0", "10.77.0.1/24"), (&mut second, "ddsv1", "10.77.0.2/24")]
                {
                    interface.clone_into(&mut namespace.interface);
                    namespace.ip(&["addr", "add", address, "dev", interface])?;
                    namespace.ip(&["link", "set", interface, "multicast", "on", "up"])?;
                    namespace.ip(&["route", "add", "224.0.0.0/4", "dev", interface])?;
                }
                Ok(Topology::Pair(first, second))
            }
        }
    }

    /// Where the publisher runs.
    pub fn publisher(&self) -> &Namespace {
        match self {
            Topology::Loopback(namespace) | Topology::Pair(namespace, _) => namespace,
        }
    }

    /// Where the subscriber runs.
    pub fn subscriber(&self) -> &Namespace {
        match self {
            Topology::Loopback(namespace) | Topology::Pair(_, namespace) => namespace,
        }
    }

    /// Every namespace of it.
    pub fn namespaces(&self) -> Vec<&Namespace> {
        match self {
            Topology::Loopback(namespace) => vec![namespace],
            Topology::Pair(first, second) => vec![first, second],
        }
    }
}

/// Removes namespaces of runs whose process is gone.
pub fn sweep() -> Result<(), Failure> {
    let Ok(entries) = std::fs::read_dir("/run/netns") else { return Ok(()) };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let pid = rest.split('x').next().unwrap_or_default();
        let alive = pid.parse::<u32>().is_err() || Path::new(&format!("/proc/{pid}")).exists();
        if !alive {
            ip(&["netns", "del", &name])?;
        }
    }
    Ok(())
}

/// Panics when this process could reach a real network: a test's socket belongs in a namespace or on loopback.
///
/// # Panics
/// If any interface other than loopback and our own veth ends exists here.
pub fn assert_isolated() {
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap_or_default();
    for line in devices.lines().skip(2) {
        let name = line.split(':').next().unwrap_or_default().trim();
        // The kernel puts these tunnel devices, always down, into every namespace.
        let kernels_own =
            ["tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6gre0"];
        let ours = name == "lo" || name.starts_with("ddsv") || kernels_own.contains(&name);
        assert!(ours, "interface {name} is within reach: run this inside a network namespace");
    }
}

fn ip(arguments: &[&str]) -> Result<(), Failure> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output()?;
    if output.status.success() {
        Ok(())
    } else {
        let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::Harness(format!("ip {}: {error}", arguments.join(" "))))
    }
}
