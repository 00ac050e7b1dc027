//! The table of `shape_main` programs: whose each is, how it is started, what its stack lacks and what it does wrong.

use super::case::Feature;
use crate::paths;
use std::path::PathBuf;

/// A `shape_main`.
#[derive(Debug)]
pub struct Program {
    /// Name on the command line and in results.
    pub name: &'static str,
    /// Name on the page.
    pub title: &'static str,
    /// The stack's version.
    pub version: &'static str,
    /// What the stack has not, on which side, and where that is written.
    pub lacks: &'static [&'static [Lack]],
    /// What fails by the stack's doing.
    pub faults: &'static [Fault],
    /// The data representation that cases which name none are run with, because the stack has no other.
    pub representation: Option<u8>,
    /// How it is started.
    pub kind: Kind,
}

/// Which side of a pair a program takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `-P`.
    Publisher,
    /// `-S`.
    Subscriber,
}

/// A feature that a stack has not.
#[derive(Debug)]
pub struct Lack {
    /// The feature.
    pub feature: Feature,
    /// On which side; `None` is both.
    pub side: Option<Side>,
    /// The reason with its source.
    pub reason: &'static str,
}

/// A case that fails by a stack's doing.
#[derive(Debug)]
pub struct Fault {
    /// Cases whose name begins so.
    pub case: &'static str,
    /// The side it takes.
    pub side: Side,
    /// What it does wrong.
    pub what: &'static str,
}

/// How a program is started.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// Ours: beside the harness.
    Own,
    /// An executable of this name in the cache.
    Binary(&'static str),
    /// A script below `peers`, run by the environment of this name in the cache.
    Python(&'static str, &'static str),
}

/// Our own program's name in the table.
pub const OWN: &str = "own";

const fn lack(feature: Feature, reason: &'static str) -> Lack {
    Lack { feature, side: None, reason }
}

const COHERENT_IN_CYCLONE: &str =
    "dds_begin_coherent and dds_end_coherent return UNSUPPORTED: dds_coherent.c, dds_publisher.c";

const PRESENTATION_IN_FASTDDS: &str = "\"transmitted to the rest of the network but is not implemented in this version\": QosPolicies.hpp, PresentationQosPolicy";

/// What both lines of Cyclone DDS lack.
const CYCLONE_LACKS: &[Lack] = &[
    lack(
        Feature::PartitionSets,
        "wildcards of partitions are * and ? only: is_wildcard_partition in ddsi_qosmatch.c, ddsi_patmatch",
    ),
    Lack {
        feature: Feature::SqlFilter,
        side: Some(Side::Subscriber),
        reason: "filters are functions of the program: dds_set_topic_filter_and_arg",
    },
    Lack {
        feature: Feature::OrderedTopic,
        side: Some(Side::Subscriber),
        reason: "dds_take goes through the instances one after the other, whatever PRESENTATION says: dds_rhc_default.c, take_w_qminv_inst",
    },
    lack(
        Feature::OrderedGroup,
        "no group sequence numbers, no begin_access and end_access: dds_subscriber.c",
    ),
    lack(Feature::CoherentTopic, COHERENT_IN_CYCLONE),
    lack(Feature::CoherentGroup, COHERENT_IN_CYCLONE),
    Lack {
        feature: Feature::FragmentSize,
        side: Some(Side::Publisher),
        reason: "the setting General/FragmentSize has no effect on loopback: a sample of 10 kB leaves in one DATA",
    },
];

const DELETION_IN_FASTDDS: &str =
    "shows nothing of instances whose writer is gone, with a publisher of its own neither; Cyclone DDS does";

/// What both lines of Fast DDS lack.
const FASTDDS_LACKS: &[Lack] = &[
    lack(Feature::Presentation, PRESENTATION_IN_FASTDDS),
    Lack {
        feature: Feature::OrderedTopic,
        side: Some(Side::Subscriber),
        reason: "take goes through the instances one after the other, whatever PRESENTATION says: ReadTakeCommand.hpp, add_instance",
    },
    lack(Feature::OrderedGroup, PRESENTATION_IN_FASTDDS),
    lack(Feature::CoherentTopic, PRESENTATION_IN_FASTDDS),
    lack(Feature::CoherentGroup, PRESENTATION_IN_FASTDDS),
    lack(Feature::Persistent, "check_qos refuses it: \"PERSISTENT Durability not supported\""),
    Lack {
        feature: Feature::Lifespan,
        side: Some(Side::Subscriber),
        reason: "a reader applies the lifespan of its own QoS, not the writer's: DataReaderImpl.cpp, on_data_available and lifespan_expired",
    },
    Lack {
        feature: Feature::TimeFilter,
        side: Some(Side::Subscriber),
        reason: "TimeBasedFilterQosPolicy is announced and not applied: QosPolicies.hpp",
    },
    Lack {
        feature: Feature::FragmentSize,
        side: Some(Side::Publisher),
        reason: "a writer fragments what exceeds the transport's message size: no setting of its own",
    },
];

/// What Fast DDS 2.9 lacks beside.
const FASTDDS_29_LACKS: &[Lack] = &[
    lack(Feature::Xcdr2, "Fast CDR 1.0.26 has no XCDR2: fastcdr/Cdr.h, enum CdrType { CORBA_CDR, DDS_CDR }"),
    lack(Feature::RepresentationCompared, "DATA_REPRESENTATION is not compared: EDP.cpp, valid_matching"),
];

/// Every program, ours first.
pub static PROGRAMS: &[Program] = &[
    Program {
        name: OWN,
        title: "this project",
        version: env!("CARGO_PKG_VERSION"),
        lacks: &[],
        faults: &[],
        representation: None,
        kind: Kind::Own,
    },
    Program {
        name: "cyclone010",
        title: "Cyclone DDS 0.10 (C)",
        version: "0.10.2",
        lacks: &[
            CYCLONE_LACKS,
            &[lack(
                Feature::Xcdr1,
                "an appendable type has XCDR2 as its least version: dds_create_writer returns BAD_PARAMETER for XCDR1",
            )],
        ],
        faults: &[
            Fault {
                case: "TIME_BASED_FILTER/",
                side: Side::Subscriber,
                what: "lets every sample through, with a publisher of its own too; Cyclone DDS 11 does not",
            },
            Fault {
                case: "ends of instances/",
                side: Side::Subscriber,
                what: "reads the key of an appendable type in XCDR2 without the DHEADER that an appendable type has there and Cyclone DDS 11 sends: the key comes out as garbage",
            },
            Fault {
                case: "ends of instances/",
                side: Side::Publisher,
                what: "writes the key of an appendable type in XCDR2 without the DHEADER that an appendable type has there; Cyclone DDS 11 cannot read it either",
            },
        ],
        representation: Some(2),
        kind: Kind::Binary("shapes-cyclone010"),
    },
    Program {
        name: "cyclone11",
        title: "Cyclone DDS 11 (Python)",
        version: "11.0.1",
        lacks: &[CYCLONE_LACKS],
        faults: &[],
        representation: None,
        kind: Kind::Python("cyclone11", "shapes/cyclone11/shape_main.py"),
    },
    Program {
        name: "fastdds29",
        title: "Fast DDS 2.9 (C++)",
        version: "2.9.1",
        lacks: &[FASTDDS_LACKS, FASTDDS_29_LACKS],
        faults: &[Fault {
            case: "ends of instances/deletion",
            side: Side::Subscriber,
            what: DELETION_IN_FASTDDS,
        }],
        representation: None,
        kind: Kind::Binary("shapes-fastdds29"),
    },
    Program {
        name: "fastdds3",
        title: "Fast DDS 3.2 (C++)",
        version: "3.2.2",
        lacks: &[FASTDDS_LACKS],
        faults: &[Fault {
            case: "ends of instances/deletion",
            side: Side::Subscriber,
            what: DELETION_IN_FASTDDS,
        }],
        representation: None,
        kind: Kind::Binary("shapes-fastdds3"),
    },
];

impl Program {
    /// The program of this name.
    pub fn named(name: &str) -> Option<&'static Program> {
        PROGRAMS.iter().find(|program| program.name == name)
    }

    /// Every foreign program.
    pub fn foreign() -> impl Iterator<Item = &'static Program> {
        PROGRAMS.iter().filter(|program| program.name != OWN)
    }

    /// Whether this is our own stack.
    pub fn is_own(&self) -> bool {
        self.name == OWN
    }

    /// Why this program cannot take `side` where `needs` is needed.
    pub fn lack(&self, needs: &[Feature], side: Side) -> Option<&'static str> {
        let mut lacks = self.lacks.iter().copied().flatten();
        let lack = lacks.find(|lack| needs.contains(&lack.feature) && lack.side.is_none_or(|at| at == side));
        lack.map(|lack| lack.reason)
    }

    /// The known fault of this program in `case` on `side`.
    pub fn fault(&self, case: &str, side: Side) -> Option<&'static str> {
        let fault = self.faults.iter().find(|fault| fault.side == side && case.starts_with(fault.case));
        fault.map(|fault| fault.what)
    }

    /// The executable, and what comes before the program's own arguments.
    pub fn launch(&self) -> (PathBuf, Vec<String>) {
        match self.kind {
            Kind::Own => (paths::beside("shape_main"), vec![]),
            Kind::Binary(folder) => (paths::cache().join(folder).join("shape_main"), vec![]),
            Kind::Python(environment, script) => {
                let script = paths::package().join("peers").join(script);
                let python = paths::cache().join(environment).join("venv/bin/python");
                (python, vec![script.to_string_lossy().into_owned()])
            }
        }
    }

    /// Variables that keep it on UDP, and its lines unbuffered.
    pub fn environment() -> Vec<(&'static str, String)> {
        vec![("FASTDDS_BUILTIN_TRANSPORTS", "UDPv4".to_owned()), ("PYTHONDONTWRITEBYTECODE", "1".to_owned())]
    }
}
