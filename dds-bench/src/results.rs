//! What was measured, as it is kept in `results/`: every run, none picked.

use std::{path::PathBuf, process::Command};

use serde::{Deserialize, Serialize};

use crate::Failure;

/// One whole run of the benchmark.
#[derive(Serialize, Deserialize, Default, Debug)]
#[serde(default)]
pub struct Results {
    /// The commit that was measured; `-dirty` when files differed from it.
    pub commit: String,
    pub machine: Machine,
    pub runs: usize,
    pub seconds_per_run: f64,
    /// One-minute load of the machine, at the start and after each section.
    pub load: Vec<(String, f64)>,
    pub limits: Vec<Limit>,
    pub round_trips: Vec<RoundTrip>,
    pub throughput: Vec<Throughput>,
    pub shared_round_trips: Vec<RoundTrip>,
    pub shared_throughput: Vec<Throughput>,
    pub inside: Vec<Inside>,
    pub paced: Vec<Throughput>,
    pub shared_paced: Vec<Throughput>,
    pub startup: Vec<Startup>,
    pub fifty: Option<Fifty>,
    pub system_calls: Vec<SystemCalls>,
    pub scale: Vec<Scaling>,
    pub fan_out: Vec<FanOut>,
    pub link: Vec<OverLink>,
}

#[derive(Serialize, Deserialize, Clone, PartialEq, Default, Debug)]
#[serde(default)]
pub struct Machine {
    pub processor: String,
    pub processors: usize,
    pub kernel: String,
    pub memory_mib: u64,
    pub compiler: String,
}

/// What is measured, and where.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
pub struct Case {
    pub stack: String,
    pub delivery: String,
    /// `same`: both processes on one core; `cross`: a core each.
    pub placement: String,
    pub payload: usize,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct RoundTrip {
    #[serde(flatten)]
    pub case: Case,
    pub run: usize,
    pub round_trips: u64,
    pub p50_us: f64,
    pub p90_us: f64,
    pub p99_us: f64,
    /// Of the answering end.
    pub resident_kib: u64,
    pub threads: usize,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Throughput {
    #[serde(flatten)]
    pub case: Case,
    pub run: usize,
    pub samples_per_second: f64,
    pub lost: u64,
    /// Of both ends together.
    pub processor_us_per_sample: f64,
    /// Of the receiving end.
    pub resident_kib: u64,
}

/// Writer and reader in one process, samples of 64 B.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Inside {
    pub stack: String,
    pub placement: String,
    pub run: usize,
    /// To write it, deliver it and take it, in one thread.
    pub ns_per_sample: Option<f64>,
    /// From one thread to another that waits for it, and back.
    pub hand_off_us: f64,
}

/// What the machine's loopback does without any DDS.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Limit {
    /// `ping-pong`, `pacing` and `waking` in µs, `stream` and `gso-stream` in thousand datagrams a second.
    pub kind: String,
    pub placement: String,
    pub payload: usize,
    pub run: usize,
    pub value: f64,
}

/// Processes created to matched.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Startup {
    pub stack: String,
    /// `joining`: the first was there already; `together`: both start at once; `ten`: ten at once.
    pub situation: String,
    /// From the creation of the last participant to the last match, in ms; in order.
    pub milliseconds: Vec<f64>,
}

/// Fifty participants in fifty processes.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Fifty {
    pub processes: usize,
    /// From the creation of the first participant until every endpoint was matched with every other.
    pub all_matched_seconds: f64,
    pub idle_seconds: f64,
    /// Share of one core that all used together while idle.
    pub idle_share_percent: f64,
    pub resident_mib: f64,
}

/// System calls per sample.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct SystemCalls {
    pub stack: String,
    pub delivery: String,
    /// `ping` and `pong`: one at a time; `publish` and `subscribe`: flat out.
    pub role: String,
    pub payload: usize,
    pub per_sample: f64,
    /// The most frequent ones.
    pub calls: Vec<(String, f64)>,
}

/// A sample of 64 B over two engines without sockets, one at a time, beside so many of something.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Scaling {
    /// `instances`, `depth` (of the history, full at both ends), `endpoints` (of other topics), `readers` and
    /// `writers` (of the same topic).
    pub what: String,
    pub count: usize,
    pub write_ns: u64,
    pub deliver_ns: u64,
    pub take_ns: u64,
    /// Of all three together.
    pub instructions: Option<u64>,
    /// That carry one sample.
    pub datagrams: u64,
    /// What all of it takes at both ends together.
    pub resident_kib: u64,
}

/// Processes of one host, flat out.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct FanOut {
    pub stack: String,
    pub writers: usize,
    pub readers: usize,
    /// At the slowest reader, of all writers together.
    pub samples_per_second: f64,
    pub lost: u64,
    /// Of the writing processes.
    pub processor_us_per_sample: f64,
    /// The writer's most frequent system calls per sample, where samples are apart.
    pub calls: Vec<(String, f64)>,
}

/// Processes of two hosts, flat out.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct OverLink {
    pub run: usize,
    pub payload: usize,
    #[serde(flatten)]
    pub fan_out: FanOut,
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn path() -> PathBuf {
    root().join("dds-bench/results/latest.json")
}

impl Results {
    /// Empty, with where it is measured.
    pub fn new(runs: usize, seconds_per_run: f64) -> Result<Self, Failure> {
        Ok(Self { commit: commit()?, machine: Machine::this()?, runs, seconds_per_run, ..Self::default() })
    }

    pub fn read() -> Result<Self, Failure> {
        Ok(serde_json::from_slice(&std::fs::read(path())?)?)
    }

    pub fn write(&self) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(std::fs::write(path(), text)?)
    }

    pub fn note_load(&mut self, section: &str) {
        self.load.push((section.to_owned(), load()));
    }
}

/// The machine's one-minute load.
pub fn load() -> f64 {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().next().and_then(|text| text.parse().ok()).unwrap_or(0.0)
}

fn commit() -> Result<String, Failure> {
    let git = |arguments: &[&str]| -> Result<String, Failure> {
        let output = Command::new("git").current_dir(root()).args(arguments).output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", "*.rs", "*.toml", "*.c"])?;
    let head = git(&["rev-parse", "HEAD"])?;
    Ok(if changed.is_empty() { head } else { format!("{head}-dirty") })
}

impl Machine {
    fn this() -> Result<Self, Failure> {
        let information = std::fs::read_to_string("/proc/cpuinfo")?;
        let model = information.lines().find(|line| line.starts_with("model name"));
        let processor = model.and_then(|line| line.split_once(": ")).map_or("unknown", |(_, name)| name);
        let memory = std::fs::read_to_string("/proc/meminfo")?;
        let total = memory.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        let compiler = Command::new("rustc").arg("--version").output()?;
        Ok(Self {
            processor: processor.to_owned(),
            processors: std::thread::available_parallelism()?.get(),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            memory_mib: total / 1024,
            compiler: String::from_utf8_lossy(&compiler.stdout).trim().to_owned(),
        })
    }
}
