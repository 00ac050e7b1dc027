//! What the tests share: confinement to loopback and to network namespaces of their own, and waiting.
#![allow(dead_code, reason = "not every test file uses every helper")]

use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dds_transport::config::Offload;
use dds_transport::{
    Poller, Received, SocketConfig, SocketId, Token, UdpConfig, UdpSocket, UdpTransport, interface,
};

/// Long enough for a loaded machine; only a failing test waits so long.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

pub const CONFIG: SocketConfig = SocketConfig {
    receive_buffer: 1 << 20,
    send_buffer: 1 << 20,
    multicast_ttl: 1,
    offload: Offload::Automatic,
};

/// Set by `in_namespace`: the network namespace of the process that made the one we are in.
const OUTER_NAMESPACE: &str = "DDS_TEST_OUTER_NAMESPACE";
/// Set by `Peer::start`: what the second process of a test does.
const ROLE: &str = "DDS_TEST_ROLE";

fn own_namespace() -> String {
    std::fs::read_link("/proc/self/ns/net").unwrap().display().to_string()
}

fn is_in_namespace() -> bool {
    std::env::var(OUTER_NAMESPACE).is_ok_and(|outer| outer != own_namespace())
}

/// Panics unless every one of these interfaces is loopback or belongs to a namespace a test made.
pub fn assert_confined(interfaces: &[interface::Interface]) {
    if let Some(outside) = interfaces.iter().find(|interface| !interface.loopback) {
        assert!(
            is_in_namespace(),
            "a test's socket would use {}, outside loopback and any namespace of a test",
            outside.name
        );
    }
}

/// Opens a transport after making sure that it stays confined.
pub fn open_confined(domain: u32, config: UdpConfig) -> UdpTransport {
    assert_confined(&config.interfaces.select(&interface::enumerate().unwrap()));
    UdpTransport::open(domain, config).unwrap()
}

/// Runs the test `name` again, alone, in a network namespace of its own; true in that run. Namespaces end
/// with their last process, so nothing remains whatever happens.
pub fn in_namespace(name: &str) -> bool {
    if is_in_namespace() {
        return true;
    }
    let status = command_in_new_namespace(name).status().unwrap();
    assert!(status.success(), "{name} failed in its namespace: {status}");
    false
}

fn command_in_new_namespace(name: &str) -> Command {
    let mut command = Command::new("unshare");
    // Root needs no user namespace; others get one with themselves as root, where the system allows.
    let is_root =
        std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
    command.args(if is_root { ["--net"].as_slice() } else { &["--net", "--user", "--map-root-user"] });
    command.arg("--").arg(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.env(OUTER_NAMESPACE, own_namespace());
    command
}

/// Runs `ip` with these words; panics when it fails. Only inside a namespace.
pub fn ip(arguments: &str) {
    assert!(is_in_namespace());
    let status = Command::new("ip").args(arguments.split_whitespace()).status().unwrap();
    assert!(status.success(), "ip {arguments}: {status}");
}

/// A second process of a test, in yet another namespace, which does what the test says for its role.
pub struct Peer {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Peer {
    /// The role this process has, if it is a peer.
    pub fn role() -> Option<String> {
        std::env::var(ROLE).ok()
    }

    pub fn start(test: &str, role: &str) -> Self {
        let mut command = command_in_new_namespace(test);
        command.env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub fn tell(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Waits for a line the peer wrote with `say`.
    pub fn expect(&mut self, wanted: &str) {
        let mut line = String::new();
        while self.output.read_line(&mut line).unwrap() > 0 {
            // The test harness writes lines of its own, and its last may lack the line end.
            if line.trim_end().ends_with(&format!("peer says {wanted}")) {
                return;
            }
            line.clear();
        }
        panic!("the peer ended without saying {wanted}");
    }

    pub fn say(line: &str) {
        println!("peer says {line}");
    }

    pub fn listen(wanted: &str) {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).unwrap();
        assert_eq!(line.trim_end(), wanted);
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        if std::thread::panicking() {
            let _ = self.child.kill();
        }
        let status = self.child.wait().unwrap();
        if !std::thread::panicking() {
            assert!(status.success(), "the peer failed: {status}");
        }
    }
}

pub fn exclusive() -> UdpSocket {
    UdpSocket::exclusive(LOOPBACK, &CONFIG).unwrap()
}

/// The index of the loopback interface.
pub fn loopback_index() -> u32 {
    let all = interface::enumerate().unwrap();
    all.iter().find(|interface| interface.loopback).unwrap().index
}

/// Waits for the next receive.
pub fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Received {
    let poller = Poller::new().unwrap();
    poller.add(socket.as_fd(), Token(0)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(received) = socket.receive(buffer).unwrap() {
            return received;
        }
        let remaining = deadline.saturating_duration_since(Instant::now());
        assert!(!remaining.is_zero(), "nothing was received");
        let _ = poller.wait(Some(remaining)).unwrap();
    }
}

/// Waits for the next receive of any socket of the transport.
pub fn receive_any(transport: &UdpTransport, buffer: &mut [u8]) -> (SocketId, Received) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let remaining = deadline.saturating_duration_since(Instant::now());
        assert!(!remaining.is_zero(), "nothing was received");
        for socket in transport.wait(Some(remaining)).unwrap() {
            if let Some(received) = transport.receive(socket, buffer).unwrap() {
                return (socket, received);
            }
        }
    }
}
