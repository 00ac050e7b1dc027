//! Two processes that exchange samples: round trips, flat out, and at a given rate.

use std::{process::Command, time::Duration};

use serde_json::Value;

use crate::{
    Failure,
    child::{PATIENCE, Running, Usage, number},
    namespace::{Namespace, set_session_priority},
    options::Delivery,
    results::{Case, RoundTrip, Throughput},
    stacks::Stack,
};

pub const PAYLOADS: [usize; 4] = [64, 1024, 16 << 10, 1 << 20];

/// Where the two processes run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// On one core: the software path alone, and most repeatable.
    Same,
    /// On a core each, which spinning processes of idle priority keep from halting.
    Cross,
}

impl Placement {
    pub const BOTH: [Self; 2] = [Self::Same, Self::Cross];

    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Cross => "cross",
        }
    }

    pub fn cores(self) -> (usize, usize) {
        match self {
            Self::Same => (0, 0),
            Self::Cross => (0, 1),
        }
    }

    /// The cores of one process that is both ends, as `taskset -c` takes them.
    pub fn core_list(self) -> String {
        match self.cores() {
            (first, second) if first == second => first.to_string(),
            (first, second) => format!("{first},{second}"),
        }
    }

    /// Keeps the cores awake as long as the result lives.
    pub fn spinners(self) -> Result<Vec<Running>, Failure> {
        let spin = |core: &str| -> Result<Running, Failure> {
            let mut command = Command::new("setsid");
            command.args(["chrt", "--idle", "0", "taskset", "-c", core]);
            let spinner = Running::start(command.arg(std::env::current_exe()?).arg("spin"))?;
            std::thread::sleep(Duration::from_millis(50));
            set_session_priority(&spinner.id().to_string(), 19);
            Ok(spinner)
        };
        match self {
            Self::Same => Ok(Vec::new()),
            Self::Cross => Ok(vec![spin("0")?, spin("1")?]),
        }
    }
}

/// Two ends, matched.
struct Ends {
    active: Running,
    passive: Running,
    before: [Usage; 2],
}

/// What to exchange.
pub struct Exchange<'a> {
    pub namespace: &'a Namespace,
    pub stack: &'a Stack,
    pub delivery: Delivery,
    pub placement: Placement,
    pub payload: usize,
    pub run: usize,
    pub seconds: f64,
}

impl Exchange<'_> {
    fn case(&self) -> Case {
        Case {
            stack: self.stack.name.to_owned(),
            delivery: self.delivery.name().to_owned(),
            placement: self.placement.name().to_owned(),
            payload: self.payload,
        }
    }

    fn start(&self, active: &str, passive: &str, more: &[String]) -> Result<Ends, Failure> {
        let (first, second) = self.placement.cores();
        let end = |role: &str, core: usize| {
            let mut command = self.stack.command(self.namespace, Some(core), role, self.delivery, &[]);
            command.args(["--payload", &self.payload.to_string()]);
            command.args(["--seconds", &self.seconds.to_string()]).args(more);
            Running::start(&mut command)
        };
        let mut passive = end(passive, second)?;
        let active = end(active, first)?;
        active.expect("matched", PATIENCE)?;
        passive.expect("matched", PATIENCE)?;
        passive.go()?;
        // What follows the match, such as the last announcements, is not part of the exchange.
        std::thread::sleep(Duration::from_millis(50));
        let before = [active.usage()?, passive.usage()?];
        Ok(Ends { active, passive, before })
    }

    /// One sample at a time, there and back.
    pub fn round_trip(&self) -> Result<RoundTrip, Failure> {
        let mut ends = self.start("ping", "pong", &[])?;
        ends.active.go()?;
        let line = ends.active.expect("result", PATIENCE)?;
        let usage = ends.passive.usage()?;
        let microseconds = |field: &str| Ok::<_, Failure>(number(&line, field)? as f64 / 1e3);
        let round_trip = RoundTrip {
            case: self.case(),
            run: self.run,
            round_trips: number(&line, "samples")?,
            p50_us: microseconds("p50_ns")?,
            p90_us: microseconds("p90_ns")?,
            p99_us: microseconds("p99_ns")?,
            resident_kib: usage.resident_kib,
            threads: usage.thread_count(),
        };
        ends.active.finish()?;
        ends.passive.finish()?;
        Ok(round_trip)
    }

    /// As fast as the writer accepts, or `rate` samples a second.
    pub fn throughput(&self, rate: Option<u32>) -> Result<Throughput, Failure> {
        let pace = rate.map(|rate| ["--pace-us".to_owned(), (1_000_000 / rate).to_string()]);
        let mut ends = self.start("publish", "subscribe", pace.as_ref().map_or(&[], |pace| &pace[..]))?;
        ends.active.go()?;
        let written = ends.active.expect("result", PATIENCE)?;
        let after = [ends.active.usage()?, ends.passive.usage()?];
        let spent: u64 = after.iter().zip(&ends.before).map(|(after, before)| after.since(before)).sum();
        // The subscriber first, so that it does not see its writer leave.
        ends.passive.close_input();
        let received = ends.passive.expect("result", PATIENCE)?;
        let samples = number(&received, "samples")?;
        let elapsed = number(&received, "elapsed_ns")?.max(1);
        let unacknowledged = written.get("acknowledged") != Some(&Value::Bool(true));
        if unacknowledged {
            eprintln!("{:?}: not everything was acknowledged", self.case());
        }
        let throughput = Throughput {
            case: self.case(),
            run: self.run,
            samples_per_second: samples as f64 / (elapsed as f64 / 1e9),
            lost: number(&written, "samples")?.saturating_sub(samples),
            processor_us_per_sample: spent as f64 / 1e3 / samples.max(1) as f64,
            resident_kib: after[1].resident_kib,
        };
        ends.active.finish()?;
        ends.passive.finish()?;
        Ok(throughput)
    }
}
