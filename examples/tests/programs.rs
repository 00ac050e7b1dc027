//! Every example runs to its end. Each has a domain of its own, and all stay on loopback.

mod common;

use common::{Program, run};

#[test]
fn hello_discovers_exchanges_and_explains_a_mismatch() {
    let output = run(env!("CARGO_BIN_EXE_hello"), &["91"]);
    for expected in [
        "matched a writer of \"Temperature\": kind=RELIABLE",
        "kitchen   22.0 °C",
        "attic    NotAliveDisposed",
        "policy    RELIABILITY",
        "offered   kind=BEST_EFFORT",
        "requested kind=RELIABLE",
        "fix       request kind BEST_EFFORT at the reader, or offer kind RELIABLE at the writer",
        "its writer of \"Alarm\" is refused for RELIABILITY",
        "mended: alarm \"the attic is gone\" arrived",
        "the publisher has left; done",
    ] {
        assert!(output.contains(expected), "«{expected}» is missing:\n{output}");
    }
}

#[test]
fn async_hello_runs_on_two_executors() {
    let output = run(env!("CARGO_BIN_EXE_async_hello"), &["92"]);
    for executor in ["tokio", "futures_lite"] {
        let laps: Vec<_> =
            output.lines().filter(|line| line.starts_with(&format!("{executor}: lap"))).collect();
        assert_eq!(laps.len(), 5, "{output}");
        assert_eq!(laps[4], format!("{executor}: lap 5 on {executor}"));
    }
}

#[test]
fn qos_profiles_serve_a_late_reader_and_explain_a_mistake() {
    let output = run(env!("CARGO_BIN_EXE_qos_profiles"), &["93"]);
    assert!(output.contains("the late reader knows: joint 1 is moving"), "{output}");
    for name in ["robot", "sensor", "state"] {
        assert!(output.contains(&format!("robot::{name} of robot.xml is the same as {name}")), "{output}");
    }
    assert!(!output.contains("joint 1 is idle"), "KEEP_LAST 1 keeps only the last:\n{output}");
    assert!(
        output.contains("line 2, column 8: unknown key `durabilty`, did you mean `durability`?"),
        "{output}"
    );
}

#[test]
fn configured_takes_the_file_and_the_environment() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/profiles/robot-dds.toml");
    let run = |variables: &[(&str, &str)]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_configured"));
        command.env("DDS_CONFIG", file).envs(variables.iter().copied());
        let output = command.output().unwrap();
        (output.status.success(), [output.stdout, output.stderr].concat())
    };
    let (success, output) = run(&[("DDS_DOMAIN", "95"), ("DDS_NAME", "gripper")]);
    let output = String::from_utf8_lossy(&output);
    assert!(success, "{output}");
    for expected in [
        "domain = 95  # DDS_DOMAIN\n".to_string(),
        "name = \"gripper\"  # DDS_NAME\n".to_string(),
        format!("lease_duration = \"5s\"  # {file}:3:18\n"),
        "linger = \"1s\"  # default\n".to_string(),
        "gripper got Some(Reading { sensor: 1, value: 0.5 })".to_string(),
    ] {
        assert!(output.contains(&expected), "{expected} in\n{output}");
    }
    let (success, output) = run(&[("DDS_LINGR", "2s")]);
    let output = String::from_utf8_lossy(&output).into_owned();
    assert!(!success && output.contains("did you mean `DDS_LINGER`?"), "{output}");
}

#[test]
fn chatter_talks_and_listens() {
    let chatter = env!("CARGO_BIN_EXE_chatter");
    let topic = format!("chatter{}", std::process::id());
    let arguments = |role| [role, "--domain", "94", "--loopback-only", "--topic", &topic, "--count", "3"];
    let listener = Program::start(chatter, &arguments("listener"));
    let talked = run(chatter, &[&arguments("talker")[..], &["--period-ms", "0"]].concat());
    let (heard, status, errors) = listener.finish();
    assert!(status.success(), "{errors}");
    assert_eq!(
        talked,
        "Publishing: 'Hello World: 1'\nPublishing: 'Hello World: 2'\nPublishing: 'Hello World: 3'"
    );
    assert_eq!(heard, "I heard: [Hello World: 1]\nI heard: [Hello World: 2]\nI heard: [Hello World: 3]");
}

#[test]
fn a_listener_of_chatter_leaves_on_interrupt() {
    let chatter = env!("CARGO_BIN_EXE_chatter");
    let topic = format!("interrupted{}", std::process::id());
    let common = ["--domain", "94", "--loopback-only", "--topic", &topic];
    let mut talker = Program::start(chatter, &[&["talker", "--period-ms", "1"], &common[..]].concat());
    let mut listener = Program::start(chatter, &[&["listener"], &common[..]].concat());
    listener.expect_text("I heard: [Hello World: ");
    listener.interrupt();
    let (_, status, errors) = listener.finish();
    assert!(status.success(), "{errors}");
    talker.expect_text("Publishing: ");
    talker.interrupt();
    let (_, status, errors) = talker.finish();
    assert!(status.success(), "{errors}");
}

#[test]
fn listener_and_waitset_are_told_of_everything() {
    let output = run(env!("CARGO_BIN_EXE_listener_waitset"), &["96"]);
    for expected in [
        "listener: 2 readers of Job",
        "listener: job 7 is at 100 %",
        "wait-set: 1 writers",
        "wait-set: job 7 is at 100 %",
        "wait-set: job 7 is NotAliveDisposed",
        "wait-set: enough",
    ] {
        assert!(output.contains(expected), "«{expected}» is missing:\n{output}");
    }
}
