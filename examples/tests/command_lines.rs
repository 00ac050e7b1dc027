//! Wrong command lines: every program says what is wrong and ends with the code for that; none panics. What is right but
//! extreme is done, or refused in words.

mod common;

use common::Program;
use std::{ffi::OsStr, os::unix::ffi::OsStrExt, process::Command};

const HELLO: &str = env!("CARGO_BIN_EXE_hello");
const ASYNC_HELLO: &str = env!("CARGO_BIN_EXE_async_hello");
const QOS_PROFILES: &str = env!("CARGO_BIN_EXE_qos_profiles");
const LISTENER_WAITSET: &str = env!("CARGO_BIN_EXE_listener_waitset");
const CONFIGURED: &str = env!("CARGO_BIN_EXE_configured");
const CHATTER: &str = env!("CARGO_BIN_EXE_chatter");
const SHAPE_MAIN: &str = env!("CARGO_BIN_EXE_shape_main");

/// A program, its arguments, what it ends with, and what it says. The code of `shape_main` is its contract's.
const WRONG: &[(&str, &[&str], i32, &str)] = &[
    (HELLO, &["x"], 2, "hello: a domain is a number, from 0 on: x"),
    (HELLO, &[""], 2, "hello: a domain is a number, from 0 on: "),
    (HELLO, &["-1"], 2, "hello: a domain is a number, from 0 on: -1"),
    (HELLO, &["4294967296"], 2, "hello: a domain is a number, from 0 on: 4294967296"),
    (HELLO, &["0", "1"], 2, "hello: one argument is enough: 1"),
    (HELLO, &["publisher", "0"], 2, "hello: one argument is enough: 0"),
    (HELLO, &["publisher", "x", "tag", "0"], 1, "invalid digit"),
    (HELLO, &["publisher", "0", "tag", "x"], 1, "invalid digit"),
    (
        HELLO,
        &["4294967295"],
        1,
        "hello: the transport cannot be opened: domain id 4294967295 has no valid ports",
    ),
    (ASYNC_HELLO, &["x"], 2, "usage: async_hello [domain]"),
    (ASYNC_HELLO, &["--help"], 2, "async_hello: a domain is a number, from 0 on: --help"),
    (QOS_PROFILES, &["0", "0"], 2, "qos_profiles: one argument is enough: 0"),
    (LISTENER_WAITSET, &["1.5"], 2, "listener_waitset: a domain is a number, from 0 on: 1.5"),
    (CONFIGURED, &["file.toml"], 2, "configured: no argument is understood: file.toml"),
    (CHATTER, &[], 2, "chatter: talker or listener?"),
    (CHATTER, &["speaker"], 2, "chatter: the first argument is talker or listener"),
    (CHATTER, &["talker", "listener"], 2, "usage: chatter talker|listener [options]"),
    (CHATTER, &["talker", "--nothing"], 2, "--nothing"),
    (CHATTER, &["talker", "--topic"], 2, "--topic"),
    (CHATTER, &["talker", "--domain", "x"], 2, "\"x\""),
    (CHATTER, &["talker", "--count", "-1"], 2, "\"-1\""),
    (CHATTER, &["talker", "--loopback-only=1"], 2, "--loopback-only"),
    (
        CHATTER,
        &["talker", "--domain", "4294967295"],
        1,
        "chatter: the transport cannot be opened: domain id 4294967295 has no valid ports",
    ),
    (SHAPE_MAIN, &[], 1, "please specify publish [-P] or subscribe [-S]"),
    (SHAPE_MAIN, &["-P"], 1, "please specify topic name [-t]"),
    (SHAPE_MAIN, &["-P", "-t", ""], 1, "please specify topic name [-t]"),
    (SHAPE_MAIN, &["-P", "-t"], 1, "option requires an argument -- 't'"),
    (SHAPE_MAIN, &["-é"], 1, "invalid option -- 'é'"),
    (SHAPE_MAIN, &["--="], 1, "option '--' is ambiguous"),
    (SHAPE_MAIN, &["-P", "-t", "T", "-d", "99999999999"], 1, "unrecognized value for domain_id: 99999999999"),
    (SHAPE_MAIN, &["-P", "-t", "T", "-k", "-1"], 1, "unrecognized value for history_depth: -1"),
    (SHAPE_MAIN, &["-P", "-t", "T", "-z", "2147483648"], 1, "unrecognized value for shapesize: 2147483648"),
    (SHAPE_MAIN, &["-P", "-t", "T", "--num-instances", "4294967295"], 1, "it must be <= 1000000: 4294967295"),
    (SHAPE_MAIN, &["-S", "-t", "T", "--num-topics", "4294967295"], 1, "it must be <= 10000: 4294967295"),
    (
        SHAPE_MAIN,
        &["-P", "-t", "T", "--additional-payload-size", "18446744073709551615"],
        1,
        "it must be <= 1073741824: 18446744073709551615",
    ),
    (SHAPE_MAIN, &["-P", "-t", "T", "--datafrag-size", "65536"], 1, "datafrag-size: 65536"),
    (
        SHAPE_MAIN,
        &["-P", "-t", "T", "-d", "4294967295"],
        2,
        "failed to initialize: the transport cannot be opened: domain id",
    ),
    (
        SHAPE_MAIN,
        &["-S", "-t", "T", "--cft", "x <", "--loopback-only"],
        2,
        "failed to create content filtered topic",
    ),
    (SHAPE_MAIN, &["-S", "-t", "T", "--cft", "x = (", "--loopback-only"], 2, "failed to initialize"),
];

fn outcome(command: &mut Command) -> (Option<i32>, String) {
    let (output, status, errors) = Program::start_command(command).finish();
    (status.code(), format!("{output}\n{errors}"))
}

#[test]
fn wrong_command_lines_are_answered_in_words() {
    for (program, arguments, code, said) in WRONG {
        let (ended, output) = outcome(Command::new(program).args(*arguments));
        assert_eq!(ended, Some(*code), "{program} {arguments:?}:\n{output}");
        assert!(output.contains(said), "{program} {arguments:?}:\n{output}");
    }
}

#[test]
fn arguments_and_variables_need_not_be_text() {
    let noise = OsStr::from_bytes(b"\xff\xfe");
    for (program, code) in [
        (HELLO, 2),
        (ASYNC_HELLO, 2),
        (QOS_PROFILES, 2),
        (LISTENER_WAITSET, 2),
        (CONFIGURED, 2),
        (CHATTER, 2),
        (SHAPE_MAIN, 1),
    ] {
        let (ended, output) = outcome(Command::new(program).arg(noise));
        assert_eq!(ended, Some(code), "{program}:\n{output}");
    }
    for (value, said) in
        [(noise, "ROS_DOMAIN_ID is no number"), (OsStr::new("x"), "ROS_DOMAIN_ID is no number: x")]
    {
        let (ended, output) = outcome(Command::new(CHATTER).arg("talker").env("ROS_DOMAIN_ID", value));
        assert!(ended == Some(2) && output.contains(said), "{output}");
    }
    let (ended, output) = outcome(Command::new(CONFIGURED).env("DDS_CONFIG", noise));
    assert!(ended == Some(2) && !output.contains("panicked"), "{output}");
}

/// Numbers at their ends, and names that are unusual: nothing to refuse before the entities are made.
const EXTREME: &[&str] = &[
    "-P -f 18446744073709551615",
    "-S -f 18446744073709551615 --time-filter 18446744073709551615",
    "-S -f 1 --time-filter 18446744073709551615",
    "-P --lifespan 18446744073709551615",
    "-P --write-period 18446744073709551615",
    "-S --read-period 18446744073709551615",
    "-P --periodic-announcement 18446744073709551615",
    "-P --periodic-announcement 1",
    "-P --datafrag-size 1 --additional-payload-size 1000",
    "-P --datafrag-size 65535 --additional-payload-size 200000",
    "-P -k 4294967295",
    "-S -k 4294967295",
    "-P -s 2147483647",
    "-P -z 2147483647",
    "-P -z 0 --size-modulo 2147483647",
    "-P --coherent --coherent-sample-count 4294967295",
    "-S --coherent --ordered --access-scope g -R",
    "-P -D p --final-instance-state d --num-instances 100",
    "-P -p [ -c *",
    "-S -p [!]",
    "-P -c 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
    "-S -t 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789",
];

#[test]
fn extreme_options_of_shape_main_are_done_or_refused_in_words() {
    for options in EXTREME {
        let arguments: Vec<&str> = ["-t", "Extreme", "-d", "98", "--loopback-only"]
            .into_iter()
            .chain(options.split_whitespace())
            .collect();
        let mut program = Program::start(SHAPE_MAIN, &arguments);
        // The first line comes when the participant is there; or the reason why there is none.
        program.expect("a first line", |line| line.starts_with("Create ") || line.starts_with("failed "));
        program.interrupt();
        let (output, status, errors) = program.finish();
        let refused = output.contains("failed to initialize: ") || output.contains("failed while running: ");
        let as_told = match status.code() {
            Some(0) => output.ends_with("Done."),
            Some(2 | 3) => refused,
            _ => false,
        };
        assert!(as_told && errors.is_empty(), "{options}: {status}\n{output}\n{errors}");
    }
}
