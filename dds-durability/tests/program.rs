//! The program: what it prints, how it ends, and that it serves after a restart what it kept before.

mod common;

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc::{Receiver, channel},
};

use common::{DOMAIN, PATIENCE, World, check_what_was_left, reader, take_count, write_some, writer};
use dds_core::qos::DurabilityKind;

const PROGRAM: &str = env!("CARGO_BIN_EXE_dds-durability");

/// A running service, killed when its guard goes.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(world: &World) -> Self {
        let mut child = Command::new(PROGRAM)
            .args(["--domain", &DOMAIN.to_string(), "--loopback", "--topics", "Read*", "--tag", &world.tag])
            .arg("--store")
            .arg(&world.store)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // Nobody reads any more after the test.
                let _ = sender.send(line);
            }
        });
        Self { child, lines }
    }

    /// The next line that holds all of these; lines come when something changes.
    fn expect(&self, parts: &[&str]) -> String {
        let mut seen = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line with {parts:?} among {seen:#?}");
    }

    /// Sends a signal and waits for the end: how, and the lines until then.
    fn end(mut self, signal: &str) -> (ExitStatus, Vec<String>) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        // The thread that reads ends with the pipe.
        (status, self.lines.iter().collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail only when it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_keeps_ends_at_a_signal_and_serves_after_a_restart() {
    let world = World::new();
    let service = Running::start(&world);
    let store = world.store.display().to_string();
    assert_eq!(service.expect(&["store"]), format!("domain {DOMAIN}, store {store}"));
    let there = world.participant();
    let writer = writer(&there, DurabilityKind::Persistent);
    write_some(&writer);
    // Three of the five samples of sensor 1; the one of sensor 2 and its disposal.
    let kept = ["Readings (Reading): Persistent, 1 writers, 5 samples of 2 instances, 0 served, "];
    service.expect(&kept);
    let guid = writer.guid();
    let (status, lines) = service.end("-INT");
    assert!(status.success(), "{status}");
    assert_eq!(lines.last().map(String::as_str), Some("ended"), "{lines:?}");
    drop((writer, there));

    let service = Running::start(&world);
    service.expect(&["Readings (Reading): Persistent, 0 writers, 5 samples of 2 instances, 5 served, "]);
    let here = world.participant();
    let late = reader(&here, DurabilityKind::Persistent);
    check_what_was_left(&take_count(&late, 5), guid);
    let (status, lines) = service.end("-TERM");
    assert!(status.success(), "{status}");
    assert_eq!(lines.last().map(String::as_str), Some("ended"), "{lines:?}");
}

fn run(arguments: &[&str]) -> Output {
    Command::new(PROGRAM).args(arguments).output().unwrap()
}

#[test]
fn what_it_is_told_is_checked() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    assert!(
        String::from_utf8_lossy(&help.stdout).starts_with("Keeps the samples of TRANSIENT and PERSISTENT")
    );
    let unknown = run(&["--stor", "x"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("--stor"), "{unknown:?}");
    // A folder is no file.
    let folder = std::env::temp_dir().display().to_string();
    let refused = run(&["--loopback", "--domain", &DOMAIN.to_string(), "--store", &folder]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the store failed"), "{refused:?}");
}
