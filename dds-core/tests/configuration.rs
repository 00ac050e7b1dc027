//! Configuration from files and the environment.
#![cfg(feature = "config")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use dds_core::{
    Configuration, ParticipantConfig,
    configuration::{ConfigurationError, KEYS, Origin},
    qos::{
        DataWriterQos, Duration, History,
        profiles::{EntityKind, XmlDialect},
    },
    transport::{InterfaceSelection, ParticipantIdChoice},
};

/// A directory that is removed when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("dds-configuration-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn from_variables(variables: &[(&str, &str)]) -> Result<Configuration, ConfigurationError> {
    Configuration::from_sources(None, variables.iter().copied())
}

fn from_text(name: &str, text: &str) -> Result<Configuration, ConfigurationError> {
    let directory = Directory::new();
    Configuration::from_sources(Some(&directory.write(name, text)), [("", ""); 0])
}

/// Each key with a value other than its default: as TOML, and as the environment has it.
const VALUES: &[(&str, &str, &str)] = &[
    ("domain", "7", "7"),
    ("name", "\"arm \\\"1\\\"\"", "arm \"1\""),
    ("domain_tag", "\"plant\"", "plant"),
    ("initial_peers", "[\"192.0.2.1\", \"[2001:db8::1]:7410\"]", "192.0.2.1, [2001:db8::1]:7410"),
    ("lease_duration", "\"5s\"", "5s"),
    ("announcement_period", "\"1.5s\"", "1.5s"),
    ("linger", "\"250ms\"", "250 ms"),
    ("fragment_size", "1000", "1000"),
    ("batch_window", "\"50µs\"", "50us"),
    ("batch_bytes", "8192", "0x2000"),
    ("window_bytes", "1048576", "1048576"),
    ("window_samples", "1000", "1000"),
    ("user_multicast", "\"announced\"", "Announced"),
    ("spin", "\"5µs\"", "5us"),
    ("announce_types", "false", "no"),
    ("shared_memory", "false", "false"),
    ("shared_memory_bytes", "262144", "262144"),
    ("transport.interfaces", "[\"eth0\", \"192.0.2.0/24\", \"::1\"]", "eth0,192.0.2.0/24,::1"),
    ("transport.families", "\"both\"", "Both"),
    ("transport.multicast", "false", "no"),
    ("transport.multicast_group_v4", "\"239.255.0.2\"", "239.255.0.2"),
    ("transport.multicast_group_v6", "\"ff02::2\"", "ff02::2"),
    ("transport.multicast_ttl", "4", "4"),
    ("transport.receive_buffer", "1000000", "1000000"),
    ("transport.send_buffer", "500000", "500000"),
    ("transport.max_datagram_size", "1400", "1400"),
    ("transport.participant_id", "3", "3"),
    ("transport.offload", "false", "false"),
    ("transport.ports.port_base", "7401", "7401"),
    ("transport.ports.domain_id_gain", "200", "200"),
    ("transport.ports.participant_id_gain", "4", "4"),
    ("transport.ports.d0", "1", "1"),
    ("transport.ports.d1", "12", "12"),
    ("transport.ports.d2", "3", "3"),
    ("transport.ports.d3", "13", "13"),
    ("qos.file", "\"qos.toml\"", "qos.toml"),
    ("qos.profile", "\"state\"", "state"),
];

const PROFILES: &str = "[profiles.state]\nwriter.history.depth = 4\nparticipant.user_data = \"arm\"\n";

#[test]
fn every_key_is_read_from_a_file_and_from_the_environment() {
    let known: BTreeSet<&str> = KEYS.iter().map(|key| key.key).collect();
    assert_eq!(VALUES.iter().map(|(key, _, _)| *key).collect::<BTreeSet<_>>(), known);
    let directory = Directory::new();
    let profiles = directory.write("qos.toml", PROFILES);

    let text: String = VALUES.iter().map(|(key, toml, _)| format!("{key} = {toml}\n")).collect();
    let file = directory.write("dds.toml", &text);
    let of_file = Configuration::from_sources(Some(&file), [("", ""); 0]).unwrap();

    let variable = |key: &str| KEYS.iter().find(|known| known.key == key).unwrap().variable();
    let variables = VALUES.iter().map(|(key, _, value)| match *key {
        "qos.file" => (variable(key), profiles.to_str().unwrap().to_string()),
        _ => (variable(key), value.to_string()),
    });
    let of_environment = Configuration::from_sources(None, variables).unwrap();

    assert_eq!(of_file.participant(), of_environment.participant());
    for (line, (key, _, _)) in VALUES.iter().enumerate() {
        let column = key.len() + 4;
        assert_eq!(of_file.origin(key), Some(&Origin::File(file.clone(), line + 1, column)));
        assert_eq!(of_environment.origin(key), Some(&Origin::Variable(variable(key))));
    }
    for configuration in [&of_file, &of_environment] {
        assert_eq!(configuration.domain_id(), 7);
        assert_eq!(configuration.writer_qos("t").unwrap().history, History::keep_last(4));
        assert_eq!(configuration.participant_qos().unwrap().user_data.0, b"arm");
        assert_eq!(configuration.participant().name.as_deref(), Some("arm \"1\""));
        assert_eq!(configuration.participant().transport.participant_id, ParticipantIdChoice::Fixed(3));
    }
    // A field without a key would still have its default.
    let lines = |config: &ParticipantConfig| {
        let text = format!("{config:#?}");
        text.lines().filter(|line| line.ends_with(',') && line.contains(": ")).map(str::to_string).collect()
    };
    let (default, all): (Vec<String>, Vec<String>) =
        (lines(&ParticipantConfig::default()), lines(of_file.participant()));
    let untouched: Vec<_> = default.iter().filter(|line| all.contains(line)).collect();
    assert_eq!(untouched, [] as [&String; 0], "fields that no key sets");
}

#[test]
fn the_environment_prevails_over_the_file_and_the_file_over_defaults() {
    let directory = Directory::new();
    let file =
        directory.write("dds.json", "{\"lease_duration\": \"5s\",\n \"transport\": {\"multicast_ttl\": 3}}");
    let variables =
        [("DDS_CONFIG", file.to_str().unwrap()), ("DDS_TRANSPORT_MULTICAST_TTL", "9"), ("HOME", "x")];
    let configuration = Configuration::from_sources(None, variables).unwrap();
    let config = configuration.participant();
    assert_eq!((config.lease_duration, config.transport.multicast_ttl), (Duration::from_secs(5), 9));
    assert_eq!(config.linger, ParticipantConfig::default().linger);
    assert_eq!(configuration.origin("lease_duration"), Some(&Origin::File(file.clone(), 1, 20)));
    let variable = Origin::Variable("DDS_TRANSPORT_MULTICAST_TTL".into());
    assert_eq!(configuration.origin("transport.multicast_ttl"), Some(&variable));
    assert_eq!(configuration.origin("linger"), Some(&Origin::Default));
    assert_eq!(configuration.origin("lingr"), None);

    // A file that is given takes the place of the one that the environment names.
    let other = directory.write("other.toml", "linger = \"3s\"");
    let configuration = Configuration::from_sources(Some(&other), variables).unwrap();
    assert_eq!(configuration.participant().linger, Duration::from_secs(3));
    assert_eq!(configuration.origin("lease_duration"), Some(&Origin::Default));
}

#[test]
fn without_sources_everything_is_the_default() {
    let configuration = from_variables(&[]).unwrap();
    assert_eq!(configuration.participant(), &ParticipantConfig::default());
    assert_eq!((configuration.domain_id(), configuration.profile_for(EntityKind::DataWriter)), (0, None));
    assert_eq!(configuration.writer_qos("t").unwrap(), DataWriterQos::default());
    for key in KEYS {
        assert_eq!(configuration.origin(key.key), Some(&Origin::Default));
    }
}

#[test]
fn the_effective_configuration_can_be_loaded_again() {
    let directory = Directory::new();
    let file = directory.write("dds.toml", "transport.interfaces = [\"lo\"]\nname = \"tab\\tand \\\\\"\n");
    let configuration =
        Configuration::from_sources(Some(&file), [("DDS_DOMAIN_TAG", "ä"), ("DDS_NOBODYS", "1")]).unwrap();
    let text = configuration.to_string();
    let place = file.display();
    for expected in [
        format!("transport.interfaces = [\"lo\"]  # {place}:1:24\n"),
        format!("name = \"tab\\u0009and \\\\\"  # {place}:2:8\n"),
        "domain_tag = \"ä\"  # DDS_DOMAIN_TAG\n".to_string(),
        "lease_duration = \"10s\"  # default\n".to_string(),
        "batch_window = \"100µs\"  # default\n".to_string(),
        "# qos.file is not set  # default\n".to_string(),
        "# ignored: DDS_NOBODYS\n".to_string(),
    ] {
        assert!(text.contains(&expected), "{expected} in\n{text}");
    }
    let again =
        Configuration::from_sources(Some(&directory.write("again.toml", &text)), [("", ""); 0]).unwrap();
    assert_eq!(again.participant(), configuration.participant());
    assert_eq!(again.ignored_variables().len(), 0);
}

#[test]
fn mistakes_in_files_name_the_place_and_the_nearest() {
    let cases = [
        ("lease_duraton = \"5s\"", "1:1: unknown key `lease_duraton`, did you mean `lease_duration`?"),
        ("[transport]\nmulticast_tll = 3", "2:1: unknown key `multicast_tll`, did you mean `multicast_ttl`?"),
        ("[transprot]\nx = 1", "1:2: unknown key `transprot`, did you mean `transport`?"),
        (
            "lease_duration = 5",
            "1:18: expected a span of time such as \"100ms\", \"1.5s\" or \"infinite\", found 5",
        ),
        ("fragment_size = 70000", "1:17: expected a whole number from 0 to 65535, found 70000"),
        ("window_samples = 0", "1:18: expected a whole number from 1, found 0"),
        ("transport = 3", "1:13: expected a table, found 3"),
        ("transport.multicast = \"yes\"", "1:23: expected true or false, found \"yes\""),
        ("transport.families = \"ipv44\"", "1:22: unknown value `ipv44`, did you mean `ipv4`?"),
        (
            "initial_peers = [\"10.0.0.300\"]",
            "1:17: expected a list of IP addresses, each with or without port, found `10.0.0.300`",
        ),
        (
            "transport.interfaces = [\"10.0.0.0/33\"]",
            "1:24: expected `\"all\"`, `\"loopback\"`, or a list of names, addresses and subnets, found `10.0.0.0/33`",
        ),
        ("transport.participant_id = \"auto\"", "1:28: unknown value `auto`; known are automatic, ephemeral"),
        ("domain = -1", "1:10: expected a whole number from 0 to 4294967295, found -1"),
    ];
    for (text, expected) in cases {
        let error = from_text("dds.toml", text).unwrap_err().to_string();
        assert!(error.ends_with(&format!("dds.toml:{expected}")), "{text}\n{error}\n{expected}");
    }
    let error = from_text("dds.yaml", "").unwrap_err().to_string();
    assert!(error.ends_with("dds.yaml: such files end in .toml or .json"), "{error}");
    assert!(matches!(
        Configuration::from_sources(Some(Path::new("/nowhere/dds.toml")), [("", ""); 0]),
        Err(ConfigurationError::File(_))
    ));
}

#[test]
fn mistakes_in_the_environment_name_the_variable() {
    let cases = [
        (
            ("DDS_LEASE_DURATION", "soon"),
            "DDS_LEASE_DURATION: expected a span of time such as \"100ms\", \"1.5s\" or \"infinite\", found `soon`",
        ),
        (
            ("DDS_TRANSPORT_MULTICAST", "maybe"),
            "DDS_TRANSPORT_MULTICAST: expected true or false, found `maybe`",
        ),
        (
            ("DDS_LEASE_DURATON", "5s"),
            "unknown variable `DDS_LEASE_DURATON`, did you mean `DDS_LEASE_DURATION`?",
        ),
        (("DDS_CONFG", "x.toml"), "unknown variable `DDS_CONFG`, did you mean `DDS_CONFIG`?"),
        (
            ("DDS_QOS_PROFILE", "state"),
            "the profile `state` is asked for by `qos.profile`, but `qos.file` names no file of profiles",
        ),
    ];
    for (variable, expected) in cases {
        assert_eq!(from_variables(&[variable]).unwrap_err().to_string(), expected);
    }
    // OpenDDS has this one; a stranger's variable stops nobody.
    let configuration = from_variables(&[("DDS_ROOT", "/opt/opendds")]).unwrap();
    assert_eq!(configuration.ignored_variables(), ["DDS_ROOT"]);
}

#[test]
fn a_value_that_is_no_text_is_an_error_only_where_it_is_wanted() {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt};
    let bytes = || OsString::from_vec(vec![0xff]);
    let with = |name: &str| Configuration::from_sources(None, [(OsString::from(name), bytes())]);
    assert_eq!(with("DDS_NAME").unwrap_err().to_string(), "DDS_NAME: the value is no Unicode text");
    assert!(with("DDS_ROOT").is_ok());
    assert!(Configuration::from_sources(None, [(bytes(), bytes())]).is_ok());
}

#[test]
fn an_empty_variable_takes_back_what_the_file_said() {
    let directory = Directory::new();
    directory.write("qos.toml", PROFILES);
    let file = directory.write(
        "dds.toml",
        "name = \"a\"\nqos = { file = \"qos.toml\", profile = \"state\" }\ninitial_peers = \"192.0.2.1\"",
    );
    let variables = [("DDS_NAME", ""), ("DDS_QOS_PROFILE", ""), ("DDS_INITIAL_PEERS", "")];
    let configuration = Configuration::from_sources(Some(&file), variables).unwrap();
    assert_eq!(configuration.participant().name, None);
    assert_eq!(configuration.participant().initial_peers, []);
    assert_eq!(configuration.profile_for(EntityKind::DataWriter), None);
    assert!(configuration.profiles().is_some());
}

#[test]
fn profiles_of_every_format_are_referred_to_and_checked() {
    let directory = Directory::new();
    directory.write(
        "qos.xml",
        "<qos_library name=\"L\"><qos_profile name=\"P\" is_default_qos=\"true\"><datawriter_qos><history>\
         <depth>6</depth></history></datawriter_qos></qos_profile></qos_library>",
    );
    let file = directory.write("dds.toml", "qos.file = \"qos.xml\"");
    let configuration = Configuration::from_sources(Some(&file), [("", ""); 0]).unwrap();
    assert_eq!(configuration.profile_for(EntityKind::DataWriter), Some("L::P"), "the file's default");
    assert_eq!(configuration.writer_qos("t").unwrap().history.depth, 6);
    assert_eq!(configuration.reader_qos("t").unwrap().history.depth, 1);
    assert!(configuration.topic_qos("t").is_ok());
    assert!(configuration.publisher_qos(Some("t")).is_ok());
    assert!(configuration.subscriber_qos(None).is_ok());

    let error =
        Configuration::from_sources(Some(&file), [("DDS_QOS_PROFILE", "L::Q")]).unwrap_err().to_string();
    assert!(error.ends_with("qos.xml: no profile `L::Q`, did you mean `L::P`?"), "{error}");
    directory.write("qos.xml", "<qos_library name=\"L\"><qos_profil/></qos_library>");
    let error = Configuration::from_sources(Some(&file), [("", ""); 0]).unwrap_err().to_string();
    assert!(
        error.ends_with("qos.xml:1:23: unknown key `qos_profil`, did you mean `qos_profile`?"),
        "{error}"
    );
}

#[test]
fn a_participant_is_made_from_it() {
    let directory = Directory::new();
    directory.write("qos.toml", PROFILES);
    let text = "domain = 5\nname = \"arm\"\ntransport.interfaces = \"loopback\"\n\
                qos = { file = \"qos.toml\", profile = \"state\" }\n";
    let file = directory.write("dds.toml", text);
    let configuration = Configuration::from_sources(Some(&file), [("DDS_LINGER", "0")]).unwrap();
    assert_eq!(configuration.participant().transport.interfaces, InterfaceSelection::LoopbackOnly);
    let participant = configuration.participant_builder().build().unwrap();
    assert_eq!(participant.domain_id(), 5);
    assert_eq!(participant.config(), configuration.participant());
    assert_eq!(participant.qos().user_data.0, b"arm");
}

#[test]
fn fragments_without_bytes_are_refused() {
    let configuration = from_variables(&[("DDS_FRAGMENT_SIZE", "0")]).unwrap();
    let error = configuration.participant_builder().build().map(drop).unwrap_err();
    assert!(error.to_string().contains("fragment_size"), "{error}");
}

#[test]
fn what_other_vendors_files_are_referred_to_exists() {
    for dialect in [XmlDialect::DdsXml, XmlDialect::Connext, XmlDialect::FastDds, XmlDialect::CycloneDds] {
        assert!(dialect.configuration_keys().count() > 5);
        for key in dialect.configuration_keys() {
            assert!(KEYS.iter().any(|known| known.key == key), "{dialect} refers to {key}");
        }
    }
}
