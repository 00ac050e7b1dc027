//! What a run makes goes away with it, on a panic too. Needs root, as the whole harness does; without it these
//! tests say so and pass.

use interop_tests::namespace::{Topology, TopologyKind, assert_isolated};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;

fn may_make_namespaces() -> bool {
    let allowed = Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
        && Command::new("ip").arg("-V").output().is_ok();
    if !allowed {
        println!("not root, or no ip: nothing tested");
    }
    allowed
}

fn exists(name: &str) -> bool {
    Path::new("/run/netns").join(name).exists()
}

#[test]
fn namespaces_are_removed_on_a_panic() {
    if !may_make_namespaces() {
        return;
    }
    let mut names = Vec::new();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let topology = Topology::create(TopologyKind::Pair).unwrap();
        names = topology.namespaces().iter().map(|namespace| namespace.name().to_owned()).collect();
        assert!(names.iter().all(|name| exists(name)));
        panic!("a scenario's");
    }));
    assert!(outcome.is_err());
    assert_eq!(names.len(), 2);
    assert!(!names.iter().any(|name| exists(name)));
}

#[test]
fn commands_run_inside_with_shared_memory_of_their_own() {
    if !may_make_namespaces() {
        return;
    }
    let topology = Topology::create(TopologyKind::Loopback).unwrap();
    let mut command = topology.publisher().command(Path::new("sh"));
    let output = command
        .args(["-c", "cat /proc/self/net/dev; ls -A /dev/shm; touch /dev/shm/inside"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success());
    assert!(text.contains("lo:") && !text.contains("eth"), "{text}");
    assert!(!Path::new("/dev/shm/inside").exists());
}

#[test]
fn the_loss_rule_counts_what_it_drops() {
    if !may_make_namespaces() {
        return;
    }
    let topology = Topology::create(TopologyKind::Loopback).unwrap();
    let namespace = topology.publisher();
    namespace.drop_datagrams(20).unwrap();
    let script = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n\
                  [s.sendto(b'x', ('127.0.0.1', 9)) for _ in range(1000)]";
    assert!(namespace.command(Path::new("python3")).args(["-c", script]).status().unwrap().success());
    let (dropped, passed) = namespace.dropped_datagrams().unwrap();
    // ICMP is not counted, so every datagram is one or the other; 20 % of 1000, within five deviations.
    assert_eq!(dropped + passed, 1000);
    assert!((137..=263).contains(&dropped), "{dropped} of 1000");
}

#[test]
fn the_guard_against_real_interfaces_knows_one() {
    let devices = std::fs::read_to_string("/proc/self/net/dev").unwrap();
    let outside = devices.lines().skip(2).any(|line| line.trim_start().starts_with("eth"));
    if outside {
        assert!(catch_unwind(assert_isolated).is_err());
    }
}
