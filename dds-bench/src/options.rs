//! The command line.

use std::{num::NonZeroU32, time::Duration};

use dds_core::ParticipantConfig;
use lexopt::prelude::*;

/// What to do, and how.
#[derive(Clone, Debug)]
pub struct Options {
    pub command: String,
    /// Bytes of payload per sample.
    pub payload: usize,
    /// How long an end works, unless `samples` says how much.
    pub seconds: f64,
    pub samples: Option<u64>,
    /// Time between two samples.
    pub pace: Option<Duration>,
    pub delivery: Delivery,
    pub domain: u32,
    /// Sends by the network alone.
    pub network_only: bool,
    /// Instead of the default.
    pub spin: Option<Duration>,
    /// Writes and reads samples where they lie in shared memory.
    pub loans: bool,
    /// Where the process runs that is woken.
    pub core: usize,
    /// How many endpoints each endpoint is to match.
    pub peers: usize,
    /// Interleaved repetitions of each measurement.
    pub runs: usize,
    /// Compares with what is recorded instead of recording.
    pub check: bool,
    /// Records what was counted.
    pub write: bool,
    /// How samples go, where instructions are counted.
    pub way: String,
    /// Sections of `all` to run; every one when empty.
    pub only: Vec<String>,
    /// Of an end that speaks ddsperf's topics: `ping`, `pong`, `pub` or `sub`.
    pub role: String,
    /// ddsperf's name of the type.
    pub topic: String,
    /// Bytes of a sample as ddsperf counts them; the smallest ones for 0.
    pub size: usize,
    /// Instances that data is written to in turn.
    pub keys: u32,
    pub best_effort: bool,
}

/// How samples reach the application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delivery {
    Listener,
    WaitSet,
    /// A blocking call of the reader's own, which Cyclone DDS has not.
    Blocking,
}

impl Delivery {
    pub const COMMON: [Self; 2] = [Self::Listener, Self::WaitSet];
    pub const ALL: [Self; 3] = [Self::Listener, Self::WaitSet, Self::Blocking];

    pub fn name(self) -> &'static str {
        match self {
            Self::Listener => "listener",
            Self::WaitSet => "waitset",
            Self::Blocking => "wait_for_data",
        }
    }
}

pub const USAGE: &str = "\
usage: dds-bench all [--runs N] [--seconds S] [--only SECTION]...   measures everything, writes results and document
       dds-bench startup | fifty                                   one section, printed only
       dds-bench build                                             times a release build of the library
       dds-bench instructions [--check | --write]                  counts by callgrind against baseline.json
       dds-bench report [--check]                                  docs/performance.md from the results
       dds-bench ddsperf ping|pong|pub|sub [OPTION]...             an end for those of Cyclone DDS's ddsperf, or ours
           -T KS|K32|K256|OU|UK16|UK1024   topic (KS)              -u   best effort
           --size BYTES of a sample of KS (12)                     -i DOMAIN (0)
           --rate HZ of pings or data (as fast as may be)          -D SECONDS from the match to the result (10)
           --keys N instances of data (1), --samples N to publish  --peers N other ends to wait for (1)
           --network-only   not by shared memory
sections: limits round-trip throughput in-process paced startup fifty system-calls scale link instructions";

impl Options {
    pub fn from_arguments() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let mut options = Self {
            command: String::new(),
            payload: 64,
            seconds: 0.0,
            samples: None,
            pace: None,
            delivery: Delivery::WaitSet,
            domain: 0,
            network_only: false,
            spin: None,
            loans: false,
            core: 0,
            peers: 1,
            // As many as the whole benchmark has time for in fifteen minutes.
            runs: 5,
            check: false,
            write: false,
            way: String::new(),
            only: Vec::new(),
            role: String::new(),
            topic: "KS".to_owned(),
            size: 0,
            keys: 1,
            best_effort: false,
        };
        let mut seconds = None;
        while let Some(argument) = parser.next()? {
            match argument {
                Value(command) if options.command.is_empty() => options.command = command.string()?,
                Long("payload") => options.payload = parser.value()?.parse()?,
                Value(role) if options.command == "ddsperf" && options.role.is_empty() => {
                    options.role = role.string()?;
                }
                Long("seconds") | Short('D') => seconds = Some(parser.value()?.parse()?),
                Long("samples") => options.samples = Some(parser.value()?.parse()?),
                Long("pace-us") => options.pace = Some(Duration::from_micros(parser.value()?.parse()?)),
                Long("spin-us") => options.spin = Some(Duration::from_micros(parser.value()?.parse()?)),
                Long("blocking") => options.delivery = Delivery::Blocking,
                Long("loans") => options.loans = true,
                Long("core") => options.core = parser.value()?.parse()?,
                Long("network-only") => options.network_only = true,
                Long("listener") => options.delivery = Delivery::Listener,
                Long("domain") | Short('i') => options.domain = parser.value()?.parse()?,
                Long("peers") => options.peers = parser.value()?.parse()?,
                Long("runs") => options.runs = parser.value()?.parse()?,
                Long("check") => options.check = true,
                Long("write") => options.write = true,
                Long("way") => options.way = parser.value()?.string()?,
                Long("only") => options.only.push(parser.value()?.string()?),
                Short('T') => options.topic = parser.value()?.string()?,
                Short('u') => options.best_effort = true,
                Long("size") => options.size = parser.value()?.parse()?,
                Long("keys") => options.keys = parser.value()?.parse::<NonZeroU32>()?.get(),
                Long("rate") => options.pace = Some(parser.value()?.parse_with(period)?),
                _ => return Err(argument.unexpected()),
            }
        }
        options.seconds = seconds.unwrap_or(if options.command == "ddsperf" { 10.0 } else { 0.3 });
        Ok(options)
    }

    /// Of an end of ours.
    pub fn participant_config(&self, shared_memory: bool) -> ParticipantConfig {
        let default = ParticipantConfig::default();
        let spin = self.spin.map_or(default.spin, From::from);
        ParticipantConfig { shared_memory, spin, ..default }
    }
}

/// Between two of so many a second.
fn period(rate: &str) -> Result<Duration, String> {
    let rate: f64 = rate.parse().map_err(|_| "no number".to_owned())?;
    Duration::try_from_secs_f64(rate.recip()).map_err(|error| error.to_string())
}
