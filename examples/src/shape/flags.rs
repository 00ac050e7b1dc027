//! The options of `shape_main`: one row each.

use crate::getopt::{self, OptionRow};

/// An option.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flag {
    Help,
    Verbosity,
    Publish,
    Subscribe,
    Domain,
    BestEffort,
    Reliable,
    History,
    Deadline,
    Ownership,
    Topic,
    Color,
    Filter,
    Partition,
    Durability,
    Representation,
    PrintWritten,
    ShapeSize,
    SizeModulo,
    Read,
    TakeRead,
    WritePeriod,
    ReadPeriod,
    TimeFilter,
    Lifespan,
    Iterations,
    Instances,
    Topics,
    FinalState,
    AccessScope,
    Coherent,
    Ordered,
    CoherentCount,
    PayloadSize,
    Announcement,
    FragmentSize,
    LoopbackOnly,
}

const fn row(
    flag: Flag,
    short: Option<char>,
    long: Option<&'static str>,
    value: Option<&'static str>,
    help: &'static str,
) -> OptionRow<Flag> {
    OptionRow { flag, short, long, value, help }
}

pub(super) const OPTIONS: &[OptionRow<Flag>] = &[
    row(Flag::Help, Some('h'), Some("help"), None, "this text"),
    row(Flag::Verbosity, Some('v'), None, Some("e|d"), "log errors, or more (default: e)"),
    row(Flag::Publish, Some('P'), None, None, "publish samples"),
    row(Flag::Subscribe, Some('S'), None, None, "subscribe to samples"),
    row(Flag::Domain, Some('d'), None, Some("int"), "domain id (default: 0)"),
    row(Flag::BestEffort, Some('b'), None, None, "BEST_EFFORT"),
    row(Flag::Reliable, Some('r'), None, None, "RELIABLE (default)"),
    row(Flag::History, Some('k'), None, Some("int"), "history depth, 0: KEEP_ALL (default: KEEP_LAST 1)"),
    row(Flag::Deadline, Some('f'), None, Some("ms"), "DEADLINE, 0: off (default)"),
    row(Flag::Ownership, Some('s'), None, Some("int"), "ownership strength, -1: SHARED (default)"),
    row(Flag::Topic, Some('t'), None, Some("name"), "topic"),
    row(Flag::Color, Some('c'), None, Some("name"), "colour to publish (default: BLUE), or to filter for"),
    row(Flag::Filter, None, Some("cft"), Some("expression"), "content filter of a subscriber"),
    row(Flag::Partition, Some('p'), None, Some("name"), "partition, may have wildcards"),
    row(
        Flag::Durability,
        Some('D'),
        None,
        Some("v|l|t|p"),
        "VOLATILE (default), TRANSIENT_LOCAL, TRANSIENT, PERSISTENT",
    ),
    row(Flag::Representation, Some('x'), None, Some("1|2"), "data representation: XCDR1 (default), XCDR2"),
    row(Flag::PrintWritten, Some('w'), None, None, "print the samples that are written"),
    row(Flag::ShapeSize, Some('z'), None, Some("int"), "shapesize, 0: grows with each write (default: 20)"),
    row(
        Flag::SizeModulo,
        None,
        Some("size-modulo"),
        Some("int"),
        "with -z 0: the shapesize stays below or at this",
    ),
    row(Flag::Read, Some('R'), None, None, "read() instead of take()"),
    row(
        Flag::TakeRead,
        None,
        Some("take-read"),
        None,
        "all instances at once, instead of one after the other",
    ),
    row(Flag::WritePeriod, None, Some("write-period"), Some("ms"), "pause between writes (default: 33)"),
    row(Flag::ReadPeriod, None, Some("read-period"), Some("ms"), "pause between reads (default: 100)"),
    row(
        Flag::TimeFilter,
        None,
        Some("time-filter"),
        Some("ms"),
        "TIME_BASED_FILTER of a subscriber, 0: off (default)",
    ),
    row(Flag::Lifespan, None, Some("lifespan"), Some("ms"), "LIFESPAN of a publisher, 0: off (default)"),
    row(Flag::Iterations, None, Some("num-iterations"), Some("int"), "leave after so many iterations"),
    row(Flag::Instances, None, Some("num-instances"), Some("int"), "instances to write (default: 1)"),
    row(Flag::Topics, None, Some("num-topics"), Some("int"), "topics to write or read (default: 1)"),
    row(
        Flag::FinalState,
        None,
        Some("final-instance-state"),
        Some("u|d"),
        "unregister, or dispose of, all instances at the end",
    ),
    row(
        Flag::AccessScope,
        None,
        Some("access-scope"),
        Some("i|t|g"),
        "PRESENTATION access_scope (default: i)",
    ),
    row(Flag::Coherent, None, Some("coherent"), None, "PRESENTATION coherent_access"),
    row(Flag::Ordered, None, Some("ordered"), None, "PRESENTATION ordered_access"),
    row(
        Flag::CoherentCount,
        None,
        Some("coherent-sample-count"),
        Some("int"),
        "iterations in a coherent set",
    ),
    row(
        Flag::PayloadSize,
        None,
        Some("additional-payload-size"),
        Some("bytes"),
        "payload of each sample (default: 0)",
    ),
    row(
        Flag::Announcement,
        None,
        Some("periodic-announcement"),
        Some("ms"),
        "how often the participant is announced",
    ),
    row(Flag::FragmentSize, None, Some("datafrag-size"), Some("bytes"), "bytes of a sample per fragment"),
    row(Flag::LoopbackOnly, None, Some("loopback-only"), None, "use no network interface but loopback"),
];

/// The usage of the program.
pub fn usage(program: &str) -> String {
    format!("{program}:\n{}", getopt::describe(OPTIONS))
}

/// What the user calls an option.
pub(super) fn name_of(flag: Flag) -> String {
    let row = OPTIONS.iter().find(|row| row.flag == flag);
    let short = row.and_then(|row| row.short).map(|letter| format!("-{letter}"));
    let long = row.and_then(|row| row.long).map(|name| format!("--{name}"));
    short.or(long).unwrap_or_default()
}
