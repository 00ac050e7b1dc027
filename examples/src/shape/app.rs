//! The entities of `shape_main`, and what both sides have in common.

use std::{fmt, sync::Arc, time::Duration};

use dds_core::{
    DomainParticipant, ParticipantConfig, Topic,
    condition::{GuardCondition, WaitSet},
    error::{DdsError, DdsResult},
    qos::{DataRepresentation, Deadline, Durability, History, OwnershipKind, Partition, Reliability},
    status::StatusMask,
    transport::UdpConfig,
};

use super::{
    ShapeType,
    listener::StatusPrinter,
    options::{Role, ShapeOptions, Verbosity},
    publisher::Shapes,
    say,
    subscriber::Eyes,
};

/// Why the program could not do its work.
#[derive(Debug)]
pub enum ShapeError {
    /// An entity could not be made.
    Initialization(DdsError),
    /// Reading or writing failed.
    Running(DdsError),
}

impl ShapeError {
    /// What the program exits with.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Initialization(_) => 2,
            Self::Running(_) => 3,
        }
    }
}

impl fmt::Display for ShapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initialization(error) => write!(f, "failed to initialize: {error}"),
            Self::Running(error) => write!(f, "failed while running: {error}"),
        }
    }
}

impl std::error::Error for ShapeError {}

/// Runs the program until its iterations are done or `interrupt` becomes true.
///
/// # Errors
/// See [`ShapeError`].
pub fn run(options: &ShapeOptions, interrupt: &GuardCondition) -> Result<(), ShapeError> {
    if options.verbosity == Verbosity::Debug {
        say(format!("{options:#?}"));
    }
    let (participant, topics) = entities(options).map_err(ShapeError::Initialization)?;
    let pace = Pace::new(interrupt);
    match options.role {
        Role::Publisher => {
            let mut shapes =
                Shapes::new(&participant, &topics, options).map_err(ShapeError::Initialization)?;
            shapes.run(options, &pace).map_err(ShapeError::Running)
        }
        Role::Subscriber => {
            let eyes = Eyes::new(&participant, &topics, options).map_err(ShapeError::Initialization)?;
            eyes.run(options, &pace).map_err(ShapeError::Running)
        }
    }
}

fn entities(options: &ShapeOptions) -> DdsResult<(DomainParticipant, Vec<Topic<ShapeType>>)> {
    let default = ParticipantConfig::default();
    let config = ParticipantConfig {
        transport: if options.loopback_only { UdpConfig::loopback_only() } else { default.transport },
        announcement_period: options.announcement_period.map_or(default.announcement_period, Into::into),
        fragment_size: options.fragment_size.unwrap_or(default.fragment_size),
        // What is tested is what goes over the wire.
        shared_memory: false,
        // The publisher itself waits for acknowledgements.
        linger: Duration::ZERO.into(),
        ..default
    };
    let participant = DomainParticipant::builder(options.domain).name("shape_main").config(config).build()?;
    // Samples are looked for at the read period, not told of.
    let statuses = StatusMask::ALL & !(StatusMask::DATA_AVAILABLE | StatusMask::DATA_ON_READERS);
    participant.set_listener(Some(Arc::new(StatusPrinter)), statuses);
    let mut topics = Vec::new();
    for name in options.topic_names() {
        say(format!("Create topic: {name}"));
        topics.push(participant.topic(&name)?);
    }
    Ok((participant, topics))
}

/// The policies that writers and readers have in common.
pub(super) struct CommonQos {
    pub(super) reliability: Reliability,
    pub(super) durability: Durability,
    pub(super) history: History,
    pub(super) deadline: Deadline,
    pub(super) ownership: OwnershipKind,
    pub(super) data_representation: DataRepresentation,
    pub(super) partition: Partition,
}

impl CommonQos {
    pub(super) fn new(options: &ShapeOptions) -> Self {
        Self {
            reliability: Reliability { kind: options.reliability, ..Reliability::default() },
            durability: Durability(options.durability),
            history: match options.history_depth {
                None => History::default(),
                Some(0) => History::KEEP_ALL,
                Some(depth) => History::keep_last(depth),
            },
            deadline: options.deadline.map_or(Deadline::default(), |period| Deadline(period.into())),
            ownership: match options.ownership_strength {
                None => OwnershipKind::Shared,
                Some(_) => OwnershipKind::Exclusive,
            },
            data_representation: DataRepresentation(vec![options.representation]),
            partition: Partition(options.partition.iter().cloned().collect()),
        }
    }
}

/// Pauses that Ctrl-C ends.
pub(super) struct Pace {
    set: WaitSet,
    interrupt: GuardCondition,
}

impl Pace {
    fn new(interrupt: &GuardCondition) -> Self {
        let set = WaitSet::new();
        set.attach(interrupt);
        Self { set, interrupt: interrupt.clone() }
    }

    /// Whether the program should end.
    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupt.trigger_value()
    }

    /// Waits, at most until the program should end.
    pub(super) fn pause(&self, time: Duration) -> DdsResult<()> {
        match self.set.wait(time.into()) {
            Ok(_) | Err(DdsError::Timeout { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
