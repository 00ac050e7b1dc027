//! The table of peers: what each is called, where it comes from, what it can do and how it is started.

use crate::paths;
use crate::scenario::Scenario;
use std::path::PathBuf;

/// A peer program and what is known of its stack.
#[derive(Debug)]
pub struct Peer {
    /// Name on the command line and in results.
    pub name: &'static str,
    /// Name on the page.
    pub title: &'static str,
    /// The stack's version.
    pub version: &'static str,
    /// What its codec and API have.
    pub abilities: Abilities,
    kind: Kind,
}

/// What decides which type and representation a scenario uses, and which scenarios are N/A.
#[derive(Debug)]
pub struct Abilities {
    /// ShapeType in these representations, the preferred one first; empty if the peer has no such type.
    pub shape: &'static [u8],
    /// FinalKeyed in these representations.
    pub keyed: &'static [u8],
    /// MixedMembers in these representations; empty if the peer has only std_msgs/String.
    pub mixed: &'static [u8],
    /// Whether `--lease-ms` has an effect; otherwise the seconds of the peer's own lease.
    pub lease: Lease,
    /// What it calls a data representation that it does not have; `None` if it does not compare representations
    /// of this kind and matches on its side alone.
    pub refusal: Option<&'static str>,
    /// Whether its volatile reader joins only after it has said that it matched: samples sent in between are not
    /// for it.
    pub joins_late: bool,
    /// Whether it can unregister an instance and show that one was unregistered; if not, the keyed scenarios end
    /// with the disposal.
    pub unregisters: bool,
    /// Whether its writers evaluate the content filters that readers announce, and send nothing else.
    pub evaluates_filters: bool,
    /// Whether its readers announce their content filters.
    pub announces_filters: bool,
    /// Whether its program sets and shows every policy: the options and commands of «Policies» in README.md.
    pub policies: bool,
    /// Policies whose offers and requests it does not compare, so that it matches on its side alone.
    pub ignores: &'static [&'static str],
    /// Which of USER_DATA, TOPIC_DATA and GROUP_DATA it does not announce anew when they change.
    pub fixed_data: &'static [&'static str],
    /// Which of them its readers do not announce at all.
    pub readers_hide: &'static [&'static str],
    /// Whether its TRANSIENT readers ask for what was written before they came.
    pub transient_reader_is_late: bool,
    /// Whether its readers drop samples when the LIFESPAN that the writer announces has passed.
    pub applies_announced_lifespan: bool,
    /// Whether it makes topics of discovered types whose key is a string.
    pub discovers_string_keys: bool,
    /// Cells that cannot be: (scenario, role of this peer or "" for both, reason with its source).
    pub lacks: &'static [(&'static str, &'static str, &'static str)],
    /// Cells that fail by the peer's doing: (scenario, role of this peer, what it does wrong).
    pub faults: &'static [(&'static str, &'static str, &'static str)],
}

/// How long a participant is believed alive without a sign of life.
#[derive(Debug, Clone, Copy)]
pub enum Lease {
    /// Set by `--lease-ms`.
    Settable,
    /// The stack's own, in seconds.
    Fixed(u64),
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Own,
    Binary,
    Python(&'static str),
}

/// How a peer is started.
#[derive(Debug)]
pub struct Launch {
    /// The executable.
    pub program: PathBuf,
    /// What comes before the peer's own arguments.
    pub arguments: Vec<String>,
    /// Variables it needs.
    pub environment: Vec<(&'static str, String)>,
}

/// Our own program's name in the table.
pub const OWN: &str = "own";

/// What neither line of Cyclone DDS has: it knows nothing of the parameter by which filters are announced either.
const LACKS_OF_CYCLONE: &[(&str, &str, &str)] = &[
    ("content_filter", "sub", "filters are functions of the program: dds_set_topic_filter_and_arg"),
    ("partition_changed", "", CYCLONE_MATCHES_ONCE),
    ("deadline_changed", "", CYCLONE_MATCHES_ONCE),
];

const CYCLONE_MATCHES_ONCE: &str = "a remote endpoint's new QoS is kept and not compared anew: ddsi_proxy_endpoint.c, ddsi_update_proxy_writer and ddsi_update_proxy_reader";

const DUST_MATCHES_ONCE: &str = "what is matched stays so when it becomes incompatible: discovery_methods.rs, process_discovered_readers and process_discovered_writers";

/// A stack that has everything, in both representations.
const EVERYTHING: Abilities = Abilities {
    shape: &[2, 1],
    keyed: &[1, 2],
    mixed: &[1, 2],
    lease: Lease::Settable,
    refusal: Some("DATA_REPRESENTATION"),
    joins_late: false,
    unregisters: true,
    evaluates_filters: true,
    announces_filters: true,
    policies: true,
    ignores: &[],
    fixed_data: &[],
    readers_hide: &[],
    transient_reader_is_late: true,
    applies_announced_lifespan: true,
    discovers_string_keys: true,
    lacks: &[],
    faults: &[],
};

/// Either line of Fast DDS.
const FASTDDS: Abilities = Abilities {
    // What EDPUtils::valid_matching (EDP::valid_matching before 3.0) does not look at.
    ignores: &["LATENCY_BUDGET", "DESTINATION_ORDER", "PRESENTATION"],
    // Topic::set_qos leaves the topic's endpoints as they are, and ReaderQos takes nothing of the topic's.
    fixed_data: &["topic"],
    readers_hide: &["topic"],
    // DataReaderImpl::on_new_cache_change_added and lifespan_expired look at the reader's own QoS.
    applies_announced_lifespan: false,
    lacks: &[NO_SOURCE_ORDER_IN_FASTDDS],
    ..EVERYTHING
};

const NO_SOURCE_ORDER_IN_FASTDDS: (&str, &str, &str) =
    ("destination_order", "", "check_qos refuses it: \"BY SOURCE TIMESTAMP DestinationOrder not supported\"");

/// Every peer, ours first.
pub static PEERS: &[Peer] = &[
    Peer {
        name: OWN,
        title: "this project",
        version: env!("CARGO_PKG_VERSION"),
        abilities: EVERYTHING,
        kind: Kind::Own,
    },
    Peer {
        name: "cyclone010",
        title: "Cyclone DDS 0.10 (C)",
        version: "0.10.2",
        abilities: Abilities {
            // An appendable type has min_xcdrv = XCDR2 there: dds_create_writer returns BAD_PARAMETER for XCDR1.
            shape: &[2],
            // Its reader is in sync from the first heartbeat it gets, and its status comes before the
            // connection is complete: ddsi_endpoint_match.c, ddsi_reader_add_connection.
            joins_late: true,
            evaluates_filters: false,
            // rd->handle_as_transient_local is set for TRANSIENT_LOCAL only: ddsi_endpoint.c.
            transient_reader_is_late: false,
            // dds_create_topic_descriptor returns UNSUPPORTED: ddsi_typebuilder.c, supported_key_type.
            discovers_string_keys: false,
            lacks: LACKS_OF_CYCLONE,
            faults: &[
                (
                    "keyed_string",
                    "sub",
                    "reads the key of an appendable type in XCDR2 without the DHEADER that an appendable type has there and Cyclone DDS 11 sends: the key comes out as garbage",
                ),
                (
                    "keyed_string",
                    "pub",
                    "writes the key of an appendable type in XCDR2 without the DHEADER that an appendable type has there; Cyclone DDS 11 cannot read it either",
                ),
            ],
            ..EVERYTHING
        },
        kind: Kind::Binary,
    },
    Peer {
        name: "cyclone11",
        title: "Cyclone DDS 11 (Python)",
        version: "11.0.1",
        abilities: Abilities {
            // Its reader is in sync from the first heartbeat it gets, and its status comes before the
            // connection is complete: ddsi_endpoint_match.c, ddsi_reader_add_connection.
            joins_late: true,
            evaluates_filters: false,
            // rd->handle_as_transient_local is set for TRANSIENT_LOCAL only: ddsi_endpoint.c.
            transient_reader_is_late: false,
            lacks: LACKS_OF_CYCLONE,
            ..EVERYTHING
        },
        kind: Kind::Python("cyclone11/peer.py"),
    },
    Peer {
        name: "fastdds29",
        title: "Fast DDS 2.9 (C++)",
        version: "2.9.1",
        abilities: Abilities {
            shape: &[1],
            keyed: &[1],
            mixed: &[1],
            refusal: None,
            lacks: &[
                NO_SOURCE_ORDER_IN_FASTDDS,
                (
                    "service_persistent",
                    "pub",
                    "DataWriterImpl::check_qos refuses it: \"PERSISTENT Durability not supported\"",
                ),
                (
                    "type_discovered",
                    "",
                    "its TypeInformation is not of the form of XTypes 1.3 §7.6.3.2.1: a union after an encapsulation, where \
                     members of a mutable structure belong (capture of 0x0075)",
                ),
                (
                    "xcdr2",
                    "",
                    "Fast CDR 1.0.26 has no XCDR2: fastcdr/Cdr.h, enum CdrType { CORBA_CDR, DDS_CDR }",
                ),
            ],
            ..FASTDDS
        },
        kind: Kind::Binary,
    },
    Peer {
        name: "fastdds3",
        title: "Fast DDS 3.2 (C++)",
        version: "3.2.2",
        abilities: Abilities {
            lacks: &[
                NO_SOURCE_ORDER_IN_FASTDDS,
                (
                    "type_discovered",
                    "sub",
                    "TypeInformation of other vendors is ignored: WriterProxyData.cpp, read_from_cdr_message, \
                     PID_TYPE_INFORMATION",
                ),
            ],
            ..FASTDDS
        },
        kind: Kind::Binary,
    },
    Peer {
        name: "ros2",
        title: "ROS 2 Kilted (rclpy, Fast DDS 3.2)",
        version: "rclpy 9.1.2",
        abilities: Abilities {
            shape: &[],
            keyed: &[],
            mixed: &[],
            lease: Lease::Fixed(20),
            // rclpy has no name for this policy.
            refusal: Some("INVALID"),
            lacks: &[
                ("keyed", "", "std_msgs has no keyed type"),
                ("keyed_string", "", "std_msgs has no keyed type"),
                ("partition_changed", "", "rclpy has no PARTITION policy: rclpy/qos.py"),
                (
                    "type_discovered",
                    "sub",
                    "rclpy makes no subscription without a type: rclpy/node.py, create_subscription",
                ),
                ("large", "", "std_msgs/String alone is exchanged; Fast DDS 3 covers large samples"),
                (
                    "xcdr2",
                    "",
                    "rclpy has no DATA_REPRESENTATION policy (rclpy/qos.py), and rmw_fastrtps writes XCDR1",
                ),
            ],
            policies: false,
            ..EVERYTHING
        },
        kind: Kind::Python("ros2/peer.py"),
    },
    Peer {
        name: "rustdds",
        title: "RustDDS 0.15",
        version: "0.15.1",
        abilities: Abilities {
            shape: &[1],
            keyed: &[1],
            mixed: &[1],
            // discovery.rs: five times SPDP_PUBLISH_PERIOD of 10 s.
            lease: Lease::Fixed(50),
            // No unregister_instance, and a reader shows DISPOSED for both: dds/with_key/datasample_cache.rs.
            unregisters: false,
            evaluates_filters: false,
            lacks: &[
                (
                    "type_discovered",
                    "",
                    "endpoints announce the name of their type alone: src/discovery/sedp_messages.rs, \
                     SubscriptionBuiltinTopicData and PublicationBuiltinTopicData",
                ),
                ("xcdr2", "", "CDRSerializerAdapter writes CDR_LE only: src/serialization/cdr_adapters.rs"),
                ("content_filter", "sub", "no content-filtered topics: src/dds/topic.rs"),
                ("partition_changed", "", "no PARTITION: src/dds/qos.rs"),
                (
                    "deadline_changed",
                    "",
                    "what is matched stays so when it becomes incompatible: writer.rs, update_reader_proxy; reader.rs, \
                     update_writer_proxy",
                ),
            ],
            policies: false,
            ..EVERYTHING
        },
        kind: Kind::Binary,
    },
    Peer {
        name: "dustdds",
        title: "Dust DDS 0.16",
        version: "0.16.0",
        abilities: Abilities {
            // discovery_methods.rs: lease_duration: Duration::new(100, 0).
            lease: Lease::Fixed(100),
            // Its readers filter by themselves, and say nothing of it: communication_methods.rs,
            // parameter_id_values.rs, _PID_CONTENT_FILTER_PROPERTY.
            evaluates_filters: false,
            announces_filters: false,
            lacks: &[
                ("type_discovered", "sub", "its program reads declared types only: Cyclone DDS covers it"),
                ("partition_changed", "", DUST_MATCHES_ONCE),
                ("deadline_changed", "", DUST_MATCHES_ONCE),
            ],
            faults: &[(
                "large",
                "sub",
                "panics when more than 256 fragments of a sample are missing, as after a burst that overran its \
                 socket buffer: FragmentNumberSet::new, index out of bounds; passes when nothing is lost",
            )],
            policies: false,
            ..EVERYTHING
        },
        kind: Kind::Binary,
    },
];

impl Peer {
    /// The peer of this name.
    pub fn named(name: &str) -> Option<&'static Peer> {
        PEERS.iter().find(|peer| peer.name == name)
    }

    /// Every foreign peer.
    pub fn foreign() -> impl Iterator<Item = &'static Peer> {
        PEERS.iter().filter(|peer| peer.name != OWN)
    }

    /// Whether this is our own stack.
    pub fn is_own(&self) -> bool {
        self.name == OWN
    }

    /// Its environment's folder in the cache.
    pub fn folder(&self) -> PathBuf {
        paths::cache().join(self.name)
    }

    /// Whether it has octets. Dust DDS takes every `u8` for a uint8, and octets are not assignable to those: types
    /// with octets match it by their names only, when ours does not announce them.
    pub fn has_octets(&self) -> bool {
        self.name != "dustdds"
    }

    /// Why this peer cannot take part in `scenario` as `role` (`pub` or `sub`).
    pub fn lacks(&self, scenario: &Scenario, role: &str) -> Option<&'static str> {
        if scenario.policies && !self.abilities.policies {
            return Some(
                "its program has no options for these policies: Cyclone DDS and Fast DDS cover them",
            );
        }
        let scenario = scenario.name;
        let entry = self
            .abilities
            .lacks
            .iter()
            .find(|(name, at, _)| *name == scenario && (at.is_empty() || *at == role));
        entry.map(|(_, _, reason)| *reason)
    }

    /// The known fault of this peer in `scenario` as `role`.
    pub fn fault(&self, scenario: &str, role: &str) -> Option<&'static str> {
        let entry = self.abilities.faults.iter().find(|(name, at, _)| *name == scenario && *at == role);
        entry.map(|(_, _, reason)| *reason)
    }

    /// How to start it.
    pub fn launch(&self) -> Launch {
        let folder = self.folder();
        let (program, arguments) = match self.kind {
            Kind::Own => (paths::beside("own_peer"), vec![]),
            Kind::Binary => (folder.join("peer"), vec![]),
            Kind::Python(script) => {
                let script = paths::package().join("peers").join(script);
                (folder.join("venv/bin/python"), vec![script.to_string_lossy().into_owned()])
            }
        };
        let environment = vec![
            ("FASTDDS_BUILTIN_TRANSPORTS", "UDPv4".to_owned()),
            ("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp".to_owned()),
            ("ROS_LOG_DIR", paths::artifacts().join("ros").to_string_lossy().into_owned()),
            ("PYTHONDONTWRITEBYTECODE", "1".to_owned()),
        ];
        Launch { program, arguments, environment }
    }

    /// Whether `setup` has built it.
    pub fn is_ready(&self) -> bool {
        self.launch().program.exists()
    }
}
