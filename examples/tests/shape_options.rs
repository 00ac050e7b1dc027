//! The command line of `shape_main`, as the vendors' test suite writes it.

use std::time::Duration;

use dds_core::{
    qos::{DurabilityKind, ReliabilityKind},
    types::DataRepresentationId,
};
use examples::{
    getopt::{self, GetoptError, OptionRow},
    shape::options::{Access, FinalState, Request, Role, ShapeOptions, Traversal, Verbosity, usage},
};
use fastrand::Rng;

fn parse(line: &str) -> Result<(ShapeOptions, Vec<String>), String> {
    match ShapeOptions::parse(line.split_whitespace().map(str::to_owned)) {
        Ok(Request::Run(options, warnings)) => Ok((*options, warnings)),
        Ok(Request::Help) => panic!("no help was asked for"),
        Err(error) => Err(error.to_string()),
    }
}

fn options(line: &str) -> ShapeOptions {
    parse(line).unwrap().0
}

fn error(line: &str) -> String {
    parse(line).unwrap_err()
}

#[test]
fn the_defaults_are_those_of_the_suite() {
    let subscriber = options("-S -t Square");
    assert_eq!(subscriber, ShapeOptions { topic: "Square".into(), ..ShapeOptions::new(Role::Subscriber) });
    assert_eq!(subscriber.domain, 0);
    assert_eq!(subscriber.reliability, ReliabilityKind::Reliable);
    assert_eq!(subscriber.durability, DurabilityKind::Volatile);
    assert_eq!(subscriber.representation, DataRepresentationId::XCDR);
    assert_eq!(
        (subscriber.history_depth, subscriber.deadline, subscriber.ownership_strength),
        (None, None, None)
    );
    assert_eq!(subscriber.read_period, Duration::from_millis(100));
    assert_eq!(subscriber.write_period, Duration::from_millis(33));
    assert_eq!((subscriber.shapesize, subscriber.payload_size), (20, 0));
    assert_eq!((subscriber.instances, subscriber.topics, subscriber.iterations), (1, 1, None));
    let (publisher, warnings) = parse("-P -t Square").unwrap();
    assert_eq!(publisher.colors().collect::<Vec<_>>(), ["BLUE"]);
    assert_eq!(warnings, ["warning: color was not specified, defaulting to \"BLUE\""]);
}

#[test]
fn every_option_is_read() {
    let publisher = options(
        "-v d -P -d 7 -b -k 5 -f 200 -s 3 -t Circle -c RED -p lab* -D l -x 2 -w -z 0 --size-modulo 50 \
         --write-period 10 --lifespan 300 --num-iterations 9 --num-instances 3 --num-topics 2 \
         --final-instance-state u --additional-payload-size 1000 --periodic-announcement 500 \
         --datafrag-size 4096 --loopback-only",
    );
    let expected = ShapeOptions {
        verbosity: Verbosity::Debug,
        domain: 7,
        reliability: ReliabilityKind::BestEffort,
        history_depth: Some(5),
        deadline: Some(Duration::from_millis(200)),
        ownership_strength: Some(3),
        topic: "Circle".into(),
        color: Some("RED".into()),
        partition: Some("lab*".into()),
        durability: DurabilityKind::TransientLocal,
        representation: DataRepresentationId::XCDR2,
        prints_written: true,
        shapesize: 0,
        size_modulo: Some(50),
        write_period: Duration::from_millis(10),
        lifespan: Some(Duration::from_millis(300)),
        iterations: Some(9),
        instances: 3,
        topics: 2,
        final_state: Some(FinalState::Unregister),
        payload_size: 1000,
        announcement_period: Some(Duration::from_millis(500)),
        fragment_size: Some(4096),
        loopback_only: true,
        ..ShapeOptions::new(Role::Publisher)
    };
    assert_eq!(publisher, expected);
    assert_eq!(publisher.topic_names().collect::<Vec<_>>(), ["Circle", "Circle1"]);
    assert_eq!(publisher.colors().collect::<Vec<_>>(), ["RED", "RED1", "RED2"]);

    let subscriber = options("-S -r -t Circle -k 0 -R --take-read --read-period 20 --time-filter 1000");
    assert_eq!(subscriber.history_depth, Some(0));
    assert_eq!((subscriber.access, subscriber.traversal), (Access::Read, Traversal::Everything));
    assert_eq!(subscriber.read_period, Duration::from_millis(20));
    assert_eq!(subscriber.time_filter, Some(Duration::from_secs(1)));
    assert_eq!(options("-P -t T -c C --final-instance-state d").final_state, Some(FinalState::Dispose));
}

#[test]
fn values_are_separate_attached_or_joined_as_for_getopt_long() {
    assert_eq!(options("-S -t Square -s -1").ownership_strength, None);
    assert_eq!(options("-S -t Square -s -1 -s 0").ownership_strength, Some(0), "the last one counts");
    assert_eq!(options("-SbtSquare -d3").topic, "Square");
    assert_eq!(options("-SbtSquare -d3").domain, 3);
    assert_eq!(options("-S -t Square --num-topics=4").topics, 4);
    assert_eq!(options("-S -t Square --num-it 4").iterations, Some(4));
    assert!(error("-S -t Square --num-i 4").starts_with("option '--num-i' is ambiguous"));
}

#[test]
fn wrong_command_lines_are_refused() {
    assert_eq!(error("-t Square"), "please specify publish [-P] or subscribe [-S]");
    assert_eq!(error("-S -P -t Square"), "please specify only one of: publish [-P] or subscribe [-S]");
    assert_eq!(error("-S"), "please specify topic name [-t]");
    assert_eq!(error("-S -t"), "option requires an argument -- 't'");
    assert_eq!(error("-S -t T -q"), "invalid option -- 'q'");
    assert_eq!(error("-S -t T --nothing"), "unrecognized option '--nothing'");
    assert_eq!(error("-S -t T --ordered=1"), "option '--ordered' doesn't allow an argument");
    assert_eq!(error("-S -t T --lifespan"), "option requires an argument -- 'lifespan'");
    assert_eq!(error("-S -t T -d x"), "unrecognized value for domain_id: x");
    assert_eq!(error("-S -t T -d -3"), "unrecognized value for domain_id: -3");
    assert_eq!(error("-S -t T -s -2"), "incorrect value for ownership_strength, it must be >= -1: -2");
    assert_eq!(error("-S -t T -x 3"), "unrecognized value for data representation: 3");
    assert_eq!(error("-S -t T -D x"), "unrecognized value for durability: x");
    assert_eq!(error("-S -t T -v x"), "unrecognized value for verbosity: x");
    assert_eq!(error("-P -t T --final-instance-state x"), "unrecognized value for final-instance-state: x");
    assert_eq!(error("-P -t T --access-scope x"), "unrecognized value for access-scope: x");
    assert_eq!(error("-P -t T --num-iterations 0"), "incorrect value for num-iterations, it must be >= 1: 0");
    assert_eq!(
        error("-S -t T -c RED --cft x=1"),
        "please specify only one of: color [-c] or content filter [--cft]"
    );
}

#[test]
fn options_of_the_other_role_are_named_and_ignored() {
    let (_, warnings) = parse("-S -t T -z 30 --lifespan 10").unwrap();
    assert_eq!(
        warnings,
        [
            "warning: -z ignored on subscriber applications",
            "warning: --lifespan ignored on subscriber applications"
        ]
    );
    let (_, warnings) = parse("-P -c RED -t T -R --access-scope g").unwrap();
    assert_eq!(
        warnings,
        [
            "warning: -R ignored on publisher applications",
            "warning: --access-scope ignored without --coherent or --ordered"
        ]
    );
}

#[test]
fn a_subscriber_filters_by_colour_or_by_an_expression() {
    let filter = |line: &str| options(line).filter_expression();
    assert_eq!(filter("-S -t T"), None);
    assert_eq!(filter("-S -t T -c RED").as_deref(), Some("color = 'RED'"));
    assert_eq!(filter("-S -t T -c D'OR").as_deref(), Some("color = 'D''OR'"));
    assert_eq!(filter("-S -t T --cft shapesize<=20").as_deref(), Some("shapesize<=20"));
}

#[test]
fn help_lists_every_option_of_the_suite() {
    let help = ["-h".to_owned()];
    assert_eq!(ShapeOptions::parse(help), Ok(Request::Help));
    assert_eq!(ShapeOptions::parse(["--help".to_owned()]), Ok(Request::Help));
    let usage = usage("shape_main");
    for option in "hvPSdbrkfstcpDxwzR".chars() {
        assert!(usage.contains(&format!("   -{option}")), "-{option}");
    }
    for option in [
        "cft",
        "size-modulo",
        "take-read",
        "write-period",
        "read-period",
        "time-filter",
        "lifespan",
        "num-iterations",
        "num-instances",
        "num-topics",
        "final-instance-state",
        "access-scope",
        "coherent",
        "ordered",
        "coherent-sample-count",
        "additional-payload-size",
        "periodic-announcement",
        "datafrag-size",
    ] {
        assert!(usage.contains(&format!("   --{option} ")), "--{option}");
    }
}

#[test]
fn getopt_reads_operands_abbreviations_and_the_end_of_options() {
    const fn row(flag: u8, short: char, long: &'static str, value: Option<&'static str>) -> OptionRow<u8> {
        OptionRow { flag, short: Some(short), long: Some(long), value, help: "" }
    }
    const ROWS: &[OptionRow<u8>] =
        &[row(1, 'a', "alpha", None), row(2, 'n', "alphanumeric", Some("n")), row(3, 'b', "beta", Some("b"))];
    let parse = |line: &str| getopt::parse(ROWS, line.split_whitespace().map(str::to_owned));
    let line = parse("one -an2 two --be=3 --beta -4 --alpha -- -a").unwrap();
    let none = String::new;
    assert_eq!(line.options, [(1, none()), (2, "2".into()), (3, "3".into()), (3, "-4".into()), (1, none())]);
    assert_eq!(line.operands, ["one", "two", "-a"]);
    assert_eq!(parse("--alphan 5").unwrap().options, [(2, "5".into())]);
    assert_eq!(parse("--alp"), Err(GetoptError::Ambiguous("alp".into(), vec!["alpha", "alphanumeric"])));
    assert_eq!(parse("-").unwrap().operands, ["-"]);
}

#[test]
fn no_command_line_is_too_strange() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| std::process::id().into());
    println!("SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let usage = usage("shape_main");
    let options: Vec<&str> = usage
        .split_whitespace()
        .map(|word| word.trim_end_matches(','))
        .filter(|word| word.starts_with('-'))
        .collect();
    let values = [
        "",
        "-",
        "--",
        "---",
        "=",
        "--=",
        "-1",
        "0",
        "1",
        "x",
        "é",
        "\0",
        "'",
        "18446744073709551616",
        "-P",
        "-S",
        "-t",
        "T",
        "1e9",
        " 1",
        "+1",
        "0x10",
        "p*",
        "[",
        "g",
        "t",
        "u",
        "d",
        "color = 'RED'",
        "--co",
        "--coherent=",
        "-PSbrwR",
    ];
    let mut runs = 0;
    for _ in 0..50_000 {
        let line: Vec<String> = (0..random.usize(..9))
            .map(|_| match random.usize(..3) {
                0 => options[random.usize(..options.len())].to_owned(),
                1 => values[random.usize(..values.len())].to_owned(),
                _ => options[random.usize(..options.len())].to_owned() + values[random.usize(..values.len())],
            })
            .collect();
        match ShapeOptions::parse(line.clone()) {
            Ok(Request::Run(options, _)) => {
                runs += 1;
                assert!(!options.topic.is_empty() && options.instances > 0 && options.topics > 0, "{line:?}");
            }
            Ok(Request::Help) => {}
            Err(error) => assert!(!error.to_string().is_empty(), "{line:?}"),
        }
    }
    assert!(runs > 0, "some are right");
}
