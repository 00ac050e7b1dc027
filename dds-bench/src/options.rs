//! The command line.

use std::time::Duration;

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
sections: limits round-trip throughput in-process paced startup fifty system-calls scale instructions";

impl Options {
    pub fn from_arguments() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        let mut options = Self {
            command: String::new(),
            payload: 64,
            seconds: 0.3,
            samples: None,
            pace: None,
            delivery: Delivery::WaitSet,
            domain: 0,
            network_only: false,
            spin: None,
            loans: false,
            peers: 1,
            // As many as the whole benchmark has time for in fifteen minutes.
            runs: 5,
            check: false,
            write: false,
            way: String::new(),
            only: Vec::new(),
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Value(command) if options.command.is_empty() => options.command = command.string()?,
                Long("payload") => options.payload = parser.value()?.parse()?,
                Long("seconds") => options.seconds = parser.value()?.parse()?,
                Long("samples") => options.samples = Some(parser.value()?.parse()?),
                Long("pace-us") => options.pace = Some(Duration::from_micros(parser.value()?.parse()?)),
                Long("spin-us") => options.spin = Some(Duration::from_micros(parser.value()?.parse()?)),
                Long("blocking") => options.delivery = Delivery::Blocking,
                Long("loans") => options.loans = true,
                Long("network-only") => options.network_only = true,
                Long("listener") => options.delivery = Delivery::Listener,
                Long("domain") => options.domain = parser.value()?.parse()?,
                Long("peers") => options.peers = parser.value()?.parse()?,
                Long("runs") => options.runs = parser.value()?.parse()?,
                Long("check") => options.check = true,
                Long("write") => options.write = true,
                Long("way") => options.way = parser.value()?.string()?,
                Long("only") => options.only.push(parser.value()?.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        Ok(options)
    }

    /// Of an end of ours.
    pub fn participant_config(&self, shared_memory: bool) -> ParticipantConfig {
        let default = ParticipantConfig::default();
        let spin = self.spin.map_or(default.spin, From::from);
        ParticipantConfig { shared_memory, spin, ..default }
    }
}
