//! Our durability service between writers and late readers, one of the two of another stack.

use crate::failure::Failure;
use crate::paths;
use crate::process::Event;
use crate::session::{ARRIVE, Bench, MATCH, Options, Side, compare, same, values};
use crate::shapes::terminal::{Command, Terminal};
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

/// From the loss of a writer, or from a start with a store, to the samples being served.
const HAND_OVER: Duration = Duration::from_secs(30);

/// The service's program. What it printed goes to the log of the run.
struct Service<'a> {
    bench: &'a Bench,
    terminal: Terminal,
}

impl<'a> Service<'a> {
    fn start(bench: &'a Bench, arguments: &[String]) -> Result<Self, Failure> {
        let here = std::env::current_exe()?;
        let program = here.with_file_name("dds-durability");
        if !program.exists() {
            let text = "the durability service is not built: cargo build -p dds-durability --bins";
            return Err(Failure::Harness(text.to_owned()));
        }
        let command = Command {
            label: "durability service".to_owned(),
            program: &program,
            arguments: arguments.to_vec(),
            environment: vec![],
        };
        let mut terminal = Terminal::start(bench.topology.subscriber(), &command)?;
        terminal.expect_text("domain 0")?;
        Ok(Self { bench, terminal })
    }

    /// A line of a channel that holds this.
    fn expect(&mut self, text: &str) -> Result<(), Failure> {
        let found = |line: &str| line.split(", ").any(|part| part.starts_with(text)).then_some(());
        self.terminal.expect_within(text, HAND_OVER, found)
    }

    fn end(mut self) -> Result<(), Failure> {
        self.terminal.interrupt()?;
        self.terminal.expect_text("ended")?;
        let status = self.terminal.finish()?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::Mismatch(format!("the durability service left with {status}")))
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        if let Ok(mut log) = self.bench.log.lock() {
            log.push_str(&self.terminal.log());
        }
    }
}

/// A file that goes with its guard.
struct Store(PathBuf);

impl Drop for Store {
    fn drop(&mut self) {
        // It fails only when it was never made.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Writes rounds until the service has `kept` samples, and returns what was written.
fn write_and_leave(
    bench: &Bench,
    service: &mut Service<'_>,
    options: &Options,
    rounds: usize,
    kept: usize,
) -> Result<Vec<Value>, Failure> {
    let mut publisher = bench.start_publisher(options)?;
    // The service's reader.
    publisher.process.wait_event("matched", 0, MATCH)?;
    publisher.ask(&format!("write {rounds}"))?;
    service.expect(&format!("{kept} samples of"))?;
    let sent = publisher.sent();
    publisher.leave()?;
    service.expect(&format!("{kept} served"))?;
    Ok(sent)
}

fn receive(subscriber: &Side, count: usize) -> Result<Vec<Value>, Failure> {
    let enough = |events: &[Event]| (values(events, "sample").len() >= count).then_some(());
    let waited = subscriber.process.wait_for(&format!("{count} samples"), ARRIVE, enough);
    match waited {
        Ok(()) => Ok(subscriber.received()),
        Err(Failure::Timeout(text)) => {
            Err(Failure::Timeout(format!("{text}; got {}", subscriber.received().len())))
        }
        Err(other) => Err(other),
    }
}

fn kinds(options: Options, writer: &str, reader: &str) -> Options {
    options.publisher("--durability", writer).subscriber("--durability", reader)
}

/// What the late side asks for: stacks whose TRANSIENT readers take no history ask for less.
fn late_kind(bench: &Bench) -> &'static str {
    if bench.subscriber.abilities.transient_reader_is_late { "transient" } else { "transient-local" }
}

pub(super) fn transient(bench: &Bench) -> Result<String, Failure> {
    let kind = late_kind(bench);
    let options = kinds(bench.plain(), "transient", kind);
    let mut service = Service::start(bench, &[])?;
    let sent = write_and_leave(bench, &mut service, &options, 10, 10)?;
    let late = bench.start_subscriber(&options)?;
    compare(&sent, &receive(&late, sent.len())?)?;
    late.leave()?;
    service.end()?;
    Ok(format!("{} samples to a late {kind} reader", sent.len()))
}

pub(super) fn keyed(bench: &Bench) -> Result<String, Failure> {
    const INSTANCES: usize = 3;
    const DEPTH: usize = 2;
    let Some(options) = bench.keyed() else { return Err(super::no_common("FinalKeyed")) };
    let options = kinds(options, "transient", "transient-local").publisher("--instances", INSTANCES);
    // A reader of more depth shows what the service kept.
    let options = options.publisher("--history", DEPTH);
    let mut service = Service::start(bench, &[])?;
    let kept = INSTANCES * DEPTH;
    let sent = write_and_leave(bench, &mut service, &options, 5, kept)?;
    let late = bench.start_subscriber(&options)?;
    let mut received = receive(&late, kept)?;
    let mut expected = sent.get(sent.len() - kept..).unwrap_or_default().to_vec();
    for values in [&mut expected, &mut received] {
        values.sort_by_key(|value| value["id"].to_string());
    }
    compare(&expected, &received)?;
    late.leave()?;
    service.end()?;
    Ok(format!("the last {DEPTH} samples of {INSTANCES} instances"))
}

pub(super) fn beside(bench: &Bench) -> Result<String, Failure> {
    const QUIET: Duration = Duration::from_secs(2);
    let options = kinds(bench.plain(), "transient", late_kind(bench));
    let mut service = Service::start(bench, &[])?;
    let mut publisher = bench.start_publisher(&options)?;
    publisher.process.wait_event("matched", 0, MATCH)?;
    publisher.ask("write 10")?;
    service.expect("10 samples of")?;
    let late = bench.start_subscriber(&options)?;
    compare(&publisher.sent(), &receive(&late, 10)?)?;
    publisher.ask("write 5")?;
    compare(&publisher.sent(), &receive(&late, 15)?)?;
    let sent = publisher.sent();
    publisher.leave()?;
    service.expect("15 served")?;
    // Who was served by the writer is not served again; who comes now is.
    let sixteenth = |events: &[Event]| (values(events, "sample").len() > 15).then_some(());
    let more = late.process.wait_for("a sixteenth", QUIET, sixteenth);
    if more.is_ok() {
        let extra = late.received().pop().unwrap_or_default();
        let twice = if sent.iter().any(|value| same(value, &extra)) { "twice" } else { "unexpected" };
        return Err(Failure::Mismatch(format!("{twice}: {extra}")));
    }
    let later = bench.start_subscriber(&options)?;
    compare(&sent, &receive(&later, 15)?)?;
    later.leave()?;
    late.leave()?;
    service.end()?;
    Ok("15 samples once beside the living writer, and 15 to who came after it".to_owned())
}

pub(super) fn persistent(bench: &Bench) -> Result<String, Failure> {
    let options = kinds(bench.plain(), "persistent", "transient-local");
    let name = format!("{}-{}.redb", bench.topology.publisher().name(), std::process::id());
    let store = Store(paths::artifacts().join(name));
    let arguments = ["--store".to_owned(), store.0.to_string_lossy().into_owned()];
    let mut service = Service::start(bench, &arguments)?;
    let sent = write_and_leave(bench, &mut service, &options, 10, 10)?;
    service.end()?;
    let mut service = Service::start(bench, &arguments)?;
    service.expect("10 served")?;
    let late = bench.start_subscriber(&options)?;
    compare(&sent, &receive(&late, sent.len())?)?;
    late.leave()?;
    service.end()?;
    Ok(format!("{} samples after a restart", sent.len()))
}
