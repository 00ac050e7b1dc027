//! Profiles from both formats, and what is said of wrong ones.

use crate::profiles::{EntityKind, ProfileErrorKind, Profiles};
use crate::*;
use alloc::string::{String, ToString};
use alloc::{format, vec};
use dds_types::DataRepresentationId;

const TOML: &str = r#"
[profiles.default.writer]
history = { kind = "keep_last", depth = 10 }
reliability = { kind = "reliable", max_blocking_time = "20ms" }

[profiles.default.participant]
user_data = "enclave=/;"

[profiles.sensor]
base = "default"
reader.reliability = "BEST-EFFORT"
reader.durability = "transient_local"
writer.history.depth = 3

[[profiles.sensor.topics]]
name = "rt/camera/*"
writer.resource_limits = { max_samples = 30, max_instances = "unlimited" }
writer.data_representation = ["XCDR2", "XCDR"]
publisher.partition = ["lab", "field"]

[[profiles.sensor.topics]]
name = "rt/camera/[0-9]"
writer.lifespan = "1.5s"
"#;

const JSON: &str = r#"{
  "profiles": {
    "default": {
      "writer": {
        "history": { "kind": "keep_last", "depth": 10 },
        "reliability": { "kind": "reliable", "max_blocking_time": "20ms" }
      },
      "participant": { "user_data": "enclave=/;" }
    },
    "sensor": {
      "base": "default",
      "reader": { "reliability": "BEST-EFFORT", "durability": "transient_local" },
      "writer": { "history": { "depth": 3 } },
      "topics": [
        {
          "name": "rt/camera/*",
          "writer": {
            "resource_limits": { "max_samples": 30, "max_instances": "unlimited" },
            "data_representation": ["XCDR2", "XCDR"]
          },
          "publisher": { "partition": ["lab", "field"] }
        },
        { "name": "rt/camera/[0-9]", "writer": { "lifespan": "1.5s" } }
      ]
    }
  }
}"#;

#[test]
fn both_formats_give_the_same() {
    for profiles in [Profiles::from_toml_str(TOML).unwrap(), Profiles::from_json_str(JSON).unwrap()] {
        assert!(profiles.names().eq(["default", "sensor"]));
        let writer = profiles.writer_qos("sensor", "rt/camera/7").unwrap();
        assert_eq!(writer.history, History::keep_last(3), "the kind is from the base");
        assert_eq!(writer.reliability.max_blocking_time, Duration::from_millis(20));
        assert_eq!(writer.resource_limits.max_samples, Limit::Finite(30));
        assert_eq!(writer.lifespan, Lifespan(Duration::from_millis(1500)));
        let ids = vec![DataRepresentationId::XCDR2, DataRepresentationId::XCDR];
        assert_eq!(writer.data_representation.0, ids);
        let elsewhere = profiles.writer_qos("sensor", "rt/other").unwrap();
        assert_eq!(elsewhere.resource_limits, ResourceLimits::default());
        let reader = profiles.reader_qos("sensor", "rt/other").unwrap();
        assert_eq!(reader.reliability, Reliability::BEST_EFFORT);
        assert_eq!(reader.durability, Durability::TRANSIENT_LOCAL);
        assert_eq!(profiles.participant_qos("sensor").unwrap().user_data.0, b"enclave=/;");
        let publisher = profiles.publisher_qos("sensor", Some("rt/camera/7")).unwrap();
        assert_eq!(publisher.partition.0, ["lab", "field"]);
        assert_eq!(profiles.publisher_qos("sensor", None).unwrap(), PublisherQos::default());
        assert_eq!(profiles.subscriber_qos("sensor", None).unwrap(), SubscriberQos::default());
        assert_eq!(profiles.topic_qos("sensor", "rt/other").unwrap(), TopicQos::default());
    }
}

#[test]
fn errors_name_the_place_and_the_nearest() {
    let cases = [
        (
            "[profiles.a.writer]\nrelaibility = \"reliable\"",
            "line 2, column 1: unknown key `relaibility`, did you mean `reliability`?",
        ),
        ("[profiles.a]\nwritter = {}", "line 2, column 1: unknown key `writter`, did you mean `writer`?"),
        ("[profile.a]", "line 1, column 2: unknown key `profile`, did you mean `profiles`?"),
        (
            "[profiles.a.writer]\nreliability = \"relible\"",
            "line 2, column 15: unknown value `relible`, did you mean `reliable`?",
        ),
        (
            "[profiles.a.reader.history]\nkind = \"keep_last\"\ndeph = 3",
            "line 3, column 1: unknown key `deph`, did you mean `depth`?",
        ),
        (
            "[profiles.a.reader]\nownership_strength = 3",
            "line 2, column 1: unknown key `ownership_strength`, did you mean `ownership`?",
        ),
        ("[profiles.a]\nbase = \"b\"\n[profiles.bb]", "line 2, column 8: no profile `b`, did you mean `bb`?"),
        ("[profiles.a]\nbase = \"z\"", "line 2, column 8: no profile `z`; known are a"),
        (
            "[profiles.a]\nbase = \"b\"\n[profiles.b]\nbase = \"a\"",
            "line 4, column 8: profiles are based on each other: a → b → a",
        ),
        (
            "[profiles.a.writer]\ndeadline = 5",
            "line 2, column 12: expected a span of time such as \"100ms\", \"1.5s\" or \"infinite\", found 5",
        ),
        (
            "[profiles.a.writer]\nresource_limits = { max_samples = 0 }",
            "line 2, column 35: expected a whole number from 1, or \"unlimited\", found 0",
        ),
        ("[[profiles.a.topics]]\nwriter = {}", "line 1, column 1: `name` is missing"),
        ("[profiles.a]\nwriter = 1.5", "line 2, column 10: expected a table, found a number with a fraction"),
    ];
    for (text, expected) in cases {
        assert_eq!(Profiles::from_toml_str(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn json_errors_have_lines_too() {
    let cases = [
        ("{\n \"profiles\": {\n", (3, 0)),
        ("{\"profiles\": {\"a\": {\n\"writer\": {\n  \"histroy\": 1}}}}", (3, 14)),
        ("{\"profiles\": {\"a\": {\n\"writer\": {},\n \"writer\": {}}}}", (3, 12)),
        ("{\"profiles\":\n [1]}", (2, 2)),
        ("{\"profiles\": {\"a\": {\"writer\": {\"deadline\":\n null}}}}", (2, 2)),
    ];
    for (text, place) in cases {
        let error = Profiles::from_json_str(text).unwrap_err();
        assert_eq!(error.position, Some(place), "{text}: {error}");
    }
    let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(Profiles::from_json_str(&deep).unwrap_err().kind, ProfileErrorKind::Syntax(_)));
    let nested = format!("{{\"profiles\": {}1{}}}", "[".repeat(100), "]".repeat(100));
    assert!(matches!(Profiles::from_json_str(&nested).unwrap_err().kind, ProfileErrorKind::Syntax(_)));
}

#[test]
fn what_is_asked_for_is_checked() {
    let text =
        "[profiles.a.writer]\nhistory = { depth = 9 }\nresource_limits = { max_samples_per_instance = 2 }";
    let profiles = Profiles::from_toml_str(text).unwrap();
    let error = profiles.writer_qos("a", "t").unwrap_err();
    assert!(error.to_string().contains("HISTORY contradicts RESOURCE_LIMITS"), "{error}");
    let error = profiles.writer_qos("A1", "t").unwrap_err();
    assert_eq!(error.to_string(), "no profile `A1`, did you mean `a`?");
}

#[test]
fn a_list_of_bases_and_a_default() {
    let text = r#"
        default = "both"
        [profiles.one]
        writer.history = { kind = "keep_last", depth = 3 }
        writer.deadline = "1s"
        [profiles.two]
        writer.history.depth = 4
        [profiles.both]
        base = ["one", "two"]
    "#;
    let profiles = Profiles::from_toml_str(text).unwrap();
    let qos = profiles.writer_qos("both", "t").unwrap();
    assert_eq!((qos.history.depth, qos.deadline.0), (4, Duration::from_secs(1)), "the later base prevails");
    for kind in EntityKind::ALL {
        assert_eq!(profiles.default_for(*kind), Some("both"));
    }
    assert!(profiles.unmapped().is_empty());
    let error = Profiles::from_toml_str("default = \"a\"\n[profiles.b]").unwrap_err();
    assert_eq!(error.to_string(), "line 1, column 11: no profile `a`; known are b");
}

#[test]
fn files_are_read_by_extension() {
    let directory = std::env::temp_dir().join(format!("dds-qos-profiles-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    assert!(Profiles::from_path(write("qos.toml", TOML)).is_ok());
    assert!(Profiles::from_path(write("qos.json", JSON)).is_ok());
    let xml = "<qos_library name=\"L\"><qos_profile name=\"P\"/></qos_library>";
    assert!(Profiles::from_path(write("qos.xml", xml)).unwrap().names().eq(["L::P"]));
    let large = write("large.toml", &" ".repeat(Profiles::MAX_FILE_SIZE + 1));
    let error = Profiles::from_path(large).unwrap_err();
    assert!(error.to_string().ends_with("large.toml: more than 4194304 bytes"), "{error}");
    let error = Profiles::from_path(write("bad.toml", "x = 1")).unwrap_err();
    let text: String = error.to_string();
    assert!(text.ends_with("bad.toml:1:1: unknown key `x`; known are default, profiles"), "{text}");
    let error = Profiles::from_path(directory.join("absent.toml")).unwrap_err();
    assert!(matches!(error.kind, ProfileErrorKind::Io(_)));
    let error = Profiles::from_path(directory.join("qos.yaml")).unwrap_err();
    assert!(error.to_string().ends_with("such files end in .toml, .json or .xml"));
    std::fs::remove_dir_all(&directory).unwrap();
}
