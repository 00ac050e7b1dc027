//! What `shape_main` can be told.

use std::{
    fmt::{self, Display},
    str::FromStr,
    time::Duration,
};

use dds_core::{
    qos::{AccessScope, DurabilityKind, Presentation, ReliabilityKind},
    types::DataRepresentationId,
};

use super::flags::{Flag, OPTIONS, name_of};
use crate::getopt::{self, GetoptError};

pub use super::flags::usage;

/// How much is printed beyond the contract.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verbosity {
    /// Nothing.
    Error,
    /// The options in effect.
    Debug,
}

/// What the program does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// It writes shapes.
    Publisher,
    /// It reads shapes.
    Subscriber,
}

/// What happens to samples when they are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// They leave the reader.
    Take,
    /// They stay, and are printed again the next time.
    Read,
}

/// How a subscriber goes through the samples.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Traversal {
    /// One instance after the other.
    NextInstance,
    /// All at once.
    Everything,
}

/// What a publisher does with its instances when it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FinalState {
    /// It unregisters them.
    Unregister,
    /// It disposes of them.
    Dispose,
}

/// The options, with the defaults of the suite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShapeOptions {
    /// `-v`.
    pub verbosity: Verbosity,
    /// `-P` or `-S`.
    pub role: Role,
    /// `-d`.
    pub domain: u32,
    /// `-b` or `-r`.
    pub reliability: ReliabilityKind,
    /// `-D`.
    pub durability: DurabilityKind,
    /// `-x`.
    pub representation: DataRepresentationId,
    /// `-k`: 0 is KEEP_ALL, `None` the library's default.
    pub history_depth: Option<u32>,
    /// `-f`.
    pub deadline: Option<Duration>,
    /// `-s`: `None` is SHARED.
    pub ownership_strength: Option<i32>,
    /// `-t`.
    pub topic: String,
    /// `-c`.
    pub color: Option<String>,
    /// `--cft`.
    pub filter: Option<String>,
    /// `-p`.
    pub partition: Option<String>,
    /// `-w`: whether a publisher prints its samples.
    pub prints_written: bool,
    /// `-z`: 0 grows with each write.
    pub shapesize: i32,
    /// `--size-modulo`.
    pub size_modulo: Option<i32>,
    /// `-R`.
    pub access: Access,
    /// `--take-read`.
    pub traversal: Traversal,
    /// `--write-period`.
    pub write_period: Duration,
    /// `--read-period`.
    pub read_period: Duration,
    /// `--time-filter`.
    pub time_filter: Option<Duration>,
    /// `--lifespan`.
    pub lifespan: Option<Duration>,
    /// `--num-iterations`; `None` is without end.
    pub iterations: Option<u64>,
    /// `--num-instances`.
    pub instances: u32,
    /// `--num-topics`.
    pub topics: u32,
    /// `--final-instance-state`.
    pub final_state: Option<FinalState>,
    /// `--access-scope`, `--coherent` and `--ordered`.
    pub presentation: Presentation,
    /// `--coherent-sample-count`.
    pub coherent_sample_count: u32,
    /// `--additional-payload-size`, in bytes.
    pub payload_size: usize,
    /// `--periodic-announcement`.
    pub announcement_period: Option<Duration>,
    /// `--datafrag-size`, in bytes.
    pub fragment_size: Option<u16>,
    /// `--loopback-only`, an addition to the suite's options.
    pub loopback_only: bool,
}

/// Instances that a publisher writes.
const MOST_INSTANCES: u32 = 1_000_000;

/// Topics, each with an endpoint.
const MOST_TOPICS: u32 = 10_000;

/// Bytes of payload, which a sample's length has to hold beside the other members.
const MOST_PAYLOAD: usize = 1 << 30;

/// What a command line asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    /// To print the usage.
    Help,
    /// To run, after printing these warnings.
    Run(Box<ShapeOptions>, Vec<String>),
}

/// Why a command line makes no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OptionsError(pub String);

impl Display for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OptionsError {}

impl From<GetoptError> for OptionsError {
    fn from(error: GetoptError) -> Self {
        Self(error.to_string())
    }
}

/// A value that is not one of those allowed.
fn unrecognized<T>(what: &str, value: impl Display) -> Result<T, OptionsError> {
    Err(OptionsError(format!("unrecognized value for {what}: {value}")))
}

fn number<T: FromStr + PartialOrd + Display>(what: &str, text: &str, least: T) -> Result<T, OptionsError> {
    let Ok(number) = text.parse::<T>() else { return unrecognized(what, text) };
    if number < least {
        return Err(OptionsError(format!("incorrect value for {what}, it must be >= {least}: {number}")));
    }
    Ok(number)
}

/// The same with a bound: what is made one by one, or held in memory at once.
fn count<T: FromStr + PartialOrd + Display>(
    what: &str,
    text: &str,
    least: T,
    most: T,
) -> Result<T, OptionsError> {
    let number = number(what, text, least)?;
    if number > most {
        return Err(OptionsError(format!("incorrect value for {what}, it must be <= {most}: {number}")));
    }
    Ok(number)
}

fn milliseconds(what: &str, text: &str) -> Result<Duration, OptionsError> {
    Ok(Duration::from_millis(number(what, text, 0)?))
}

/// A span where zero means that there is none.
fn span(what: &str, text: &str) -> Result<Option<Duration>, OptionsError> {
    Ok(Some(milliseconds(what, text)?).filter(|span| !span.is_zero()))
}

impl ShapeOptions {
    /// The defaults, for this role and without a topic.
    pub fn new(role: Role) -> Self {
        Self {
            verbosity: Verbosity::Error,
            role,
            domain: 0,
            reliability: ReliabilityKind::Reliable,
            durability: DurabilityKind::Volatile,
            representation: DataRepresentationId::XCDR,
            history_depth: None,
            deadline: None,
            ownership_strength: None,
            topic: String::new(),
            color: None,
            filter: None,
            partition: None,
            prints_written: false,
            shapesize: 20,
            size_modulo: None,
            access: Access::Take,
            traversal: Traversal::NextInstance,
            write_period: Duration::from_millis(33),
            read_period: Duration::from_millis(100),
            time_filter: None,
            lifespan: None,
            iterations: None,
            instances: 1,
            topics: 1,
            final_state: None,
            presentation: Presentation::default(),
            coherent_sample_count: 0,
            payload_size: 0,
            announcement_period: None,
            fragment_size: None,
            loopback_only: false,
        }
    }

    /// Reads a command line, without the program's name.
    ///
    /// # Errors
    /// The first mistake.
    pub fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Request, OptionsError> {
        let line = getopt::parse(OPTIONS, arguments)?;
        let given = |flag| line.options.iter().any(|(given, _)| *given == flag);
        if given(Flag::Help) {
            return Ok(Request::Help);
        }
        let role = match (given(Flag::Publish), given(Flag::Subscribe)) {
            (true, false) => Role::Publisher,
            (false, true) => Role::Subscriber,
            (false, false) => {
                return Err(OptionsError("please specify publish [-P] or subscribe [-S]".into()));
            }
            (true, true) => {
                return Err(OptionsError(
                    "please specify only one of: publish [-P] or subscribe [-S]".into(),
                ));
            }
        };
        let mut options = Self::new(role);
        for (flag, value) in &line.options {
            options.set(*flag, value)?;
        }
        if options.topic.is_empty() {
            return Err(OptionsError("please specify topic name [-t]".into()));
        }
        if options.color.is_some() && options.filter.is_some() {
            return Err(OptionsError(
                "please specify only one of: color [-c] or content filter [--cft]".into(),
            ));
        }
        let mut warnings = options.ignored(given);
        if role == Role::Publisher && options.color.is_none() {
            warnings.push("warning: color was not specified, defaulting to \"BLUE\"".into());
        }
        Ok(Request::Run(Box::new(options), warnings))
    }

    fn set(&mut self, flag: Flag, value: &str) -> Result<(), OptionsError> {
        match flag {
            Flag::Help | Flag::Publish | Flag::Subscribe => {}
            Flag::Verbosity => {
                self.verbosity = match value.as_bytes() {
                    [b'e', ..] => Verbosity::Error,
                    [b'd', ..] => Verbosity::Debug,
                    _ => return unrecognized("verbosity", value),
                }
            }
            Flag::Domain => self.domain = number("domain_id", value, 0)?,
            Flag::BestEffort => self.reliability = ReliabilityKind::BestEffort,
            Flag::Reliable => self.reliability = ReliabilityKind::Reliable,
            Flag::History => self.history_depth = Some(number("history_depth", value, 0)?),
            Flag::Deadline => self.deadline = span("deadline_interval", value)?,
            Flag::Ownership => {
                let strength = number("ownership_strength", value, -1)?;
                self.ownership_strength = Some(strength).filter(|strength| *strength >= 0);
            }
            Flag::Topic => self.topic = value.into(),
            Flag::Color => self.color = Some(value.into()),
            Flag::Filter => self.filter = Some(value.into()),
            Flag::Partition => self.partition = Some(value.into()),
            Flag::Durability => {
                self.durability = match value.as_bytes() {
                    [b'v', ..] => DurabilityKind::Volatile,
                    [b'l', ..] => DurabilityKind::TransientLocal,
                    [b't', ..] => DurabilityKind::Transient,
                    [b'p', ..] => DurabilityKind::Persistent,
                    _ => return unrecognized("durability", value),
                }
            }
            Flag::Representation => {
                self.representation = match value.as_bytes() {
                    [b'1', ..] => DataRepresentationId::XCDR,
                    [b'2', ..] => DataRepresentationId::XCDR2,
                    _ => return unrecognized("data representation", value),
                }
            }
            Flag::PrintWritten => self.prints_written = true,
            Flag::ShapeSize => self.shapesize = number("shapesize", value, 0)?,
            Flag::SizeModulo => self.size_modulo = Some(number("size-modulo", value, 1)?),
            Flag::Read => self.access = Access::Read,
            Flag::TakeRead => self.traversal = Traversal::Everything,
            Flag::WritePeriod => self.write_period = milliseconds("write-period", value)?,
            Flag::ReadPeriod => self.read_period = milliseconds("read-period", value)?,
            Flag::TimeFilter => self.time_filter = span("time-filter", value)?,
            Flag::Lifespan => self.lifespan = span("lifespan", value)?,
            Flag::Iterations => self.iterations = Some(number("num-iterations", value, 1)?),
            Flag::Instances => self.instances = count("num-instances", value, 1, MOST_INSTANCES)?,
            Flag::Topics => self.topics = count("num-topics", value, 1, MOST_TOPICS)?,
            Flag::FinalState => {
                self.final_state = match value.as_bytes() {
                    [b'u', ..] => Some(FinalState::Unregister),
                    [b'd', ..] => Some(FinalState::Dispose),
                    _ => return unrecognized("final-instance-state", value),
                }
            }
            Flag::AccessScope => {
                self.presentation.access_scope = match value.as_bytes() {
                    [b'i', ..] => AccessScope::Instance,
                    [b't', ..] => AccessScope::Topic,
                    [b'g', ..] => AccessScope::Group,
                    _ => return unrecognized("access-scope", value),
                }
            }
            Flag::Coherent => self.presentation.coherent_access = true,
            Flag::Ordered => self.presentation.ordered_access = true,
            Flag::CoherentCount => self.coherent_sample_count = number("coherent-sample-count", value, 0)?,
            Flag::PayloadSize => {
                self.payload_size = count("additional-payload-size", value, 0, MOST_PAYLOAD)?;
            }
            Flag::Announcement => self.announcement_period = span("periodic-announcement", value)?,
            Flag::FragmentSize => self.fragment_size = Some(number("datafrag-size", value, 1)?),
            Flag::LoopbackOnly => self.loopback_only = true,
        }
        Ok(())
    }

    /// Warnings of options that have no effect.
    fn ignored(&self, given: impl Fn(Flag) -> bool) -> Vec<String> {
        let reading = [Flag::Read, Flag::TakeRead, Flag::ReadPeriod, Flag::TimeFilter, Flag::Filter];
        let writing = [
            Flag::PrintWritten,
            Flag::ShapeSize,
            Flag::SizeModulo,
            Flag::WritePeriod,
            Flag::Lifespan,
            Flag::Instances,
            Flag::FinalState,
            Flag::CoherentCount,
            Flag::PayloadSize,
        ];
        let (others, role) = match self.role {
            Role::Publisher => (&reading[..], "publisher"),
            Role::Subscriber => (&writing[..], "subscriber"),
        };
        let of_other_role =
            others.iter().filter(|flag| given(**flag)).map(|flag| (*flag, format!("on {role} applications")));
        let without_presentation = [Flag::AccessScope, Flag::CoherentCount]
            .into_iter()
            .filter(|flag| given(*flag) && !self.is_presented())
            .map(|flag| (flag, "without --coherent or --ordered".to_owned()));
        of_other_role
            .chain(without_presentation)
            .map(|(flag, why)| format!("warning: {} ignored {why}", name_of(flag)))
            .collect()
    }

    /// Whether access is coherent or ordered.
    pub fn is_presented(&self) -> bool {
        self.presentation.coherent_access || self.presentation.ordered_access
    }

    /// The filter of a subscriber: by an expression, or by its colour.
    pub fn filter_expression(&self) -> Option<String> {
        let by_color = || self.color.as_ref().map(|color| format!("color = '{}'", color.replace('\'', "''")));
        self.filter.clone().or_else(by_color)
    }

    /// The names of the topics: `T`, `T1`, `T2` …
    pub fn topic_names(&self) -> impl Iterator<Item = String> {
        numbered(&self.topic, self.topics)
    }

    /// The colours a publisher writes: `C`, `C1`, `C2` …
    pub fn colors(&self) -> impl Iterator<Item = String> {
        numbered(self.color.as_deref().unwrap_or("BLUE"), self.instances)
    }
}

fn numbered(name: &str, count: u32) -> impl Iterator<Item = String> {
    (0..count).map(move |index| if index == 0 { name.to_owned() } else { format!("{name}{index}") })
}
