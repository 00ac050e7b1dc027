//! A peer's process: started in a namespace, read line by line, gone when its guard is.

use crate::failure::Failure;
use crate::namespace::Namespace;
use crate::peer::Peer;
use crate::watched::Watched;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One JSON line and when it came.
#[derive(Debug, Clone)]
pub struct Event {
    /// When it was read.
    pub at: Instant,
    /// The whole object.
    pub json: Value,
}

impl Event {
    /// The `event` member.
    pub fn name(&self) -> &str {
        self.json.get("event").and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether it is the `event` of this name with the member `field` equal to `value`.
    pub fn is(&self, name: &str, field: &str, value: &Value) -> bool {
        self.name() == name && self.json.get(field) == Some(value)
    }
}

#[derive(Debug, Default)]
struct Output {
    events: Vec<Event>,
    /// Lines that are not JSON: what the stack itself logs.
    other: Vec<String>,
    ended: bool,
}

/// A running peer. Dropping it kills the process and waits for it.
#[derive(Debug)]
pub struct PeerProcess {
    label: String,
    child: Child,
    stdin: Option<ChildStdin>,
    output: Arc<Watched<Output>>,
}

impl PeerProcess {
    /// Starts `peer` with `arguments` (role first) inside `namespace`, taking commands on standard input.
    pub fn start(
        namespace: &Namespace,
        peer: &Peer,
        arguments: &[String],
        announces_types: bool,
    ) -> Result<Self, Failure> {
        let launch = peer.launch();
        let mut command = namespace.command(&launch.program);
        command.args(&launch.arguments).args(arguments).arg("--stdin");
        command.envs(launch.environment).env("DDS_INTEROP_NAMESPACE", namespace.name());
        command.env("DDS_ANNOUNCE_TYPES", announces_types.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().map_err(|error| Failure::Harness(format!("{}: {error}", peer.name)))?;
        let output = Arc::<Watched<Output>>::default();
        if let Some(stdout) = child.stdout.take() {
            read_lines(stdout, Arc::clone(&output), Stream::Stdout);
        }
        if let Some(stderr) = child.stderr.take() {
            read_lines(stderr, Arc::clone(&output), Stream::Stderr);
        }
        let stdin = child.stdin.take();
        let label = format!("{} {}", peer.name, arguments.first().map(String::as_str).unwrap_or_default());
        Ok(PeerProcess { label, child, stdin, output })
    }

    /// Peer and role, for messages.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Sends one command line.
    pub fn command(&mut self, line: &str) -> Result<(), Failure> {
        let Some(stdin) = self.stdin.as_mut() else {
            return Err(Failure::Peer(format!("{} takes no commands", self.label)));
        };
        writeln!(stdin, "{line}")
            .and_then(|()| stdin.flush())
            .map_err(|error| self.failed(&format!("command {line}: {error}")))
    }

    /// Waits until `find` yields something of all events so far; fails when `limit` has passed or the peer ended.
    pub fn wait_for<T>(
        &self,
        what: &str,
        limit: Duration,
        find: impl Fn(&[Event]) -> Option<T>,
    ) -> Result<T, Failure> {
        let found = self.output.wait_for(limit, |output| {
            if let Some(found) = find(&output.events) {
                return Some(Ok(found));
            }
            if let Some(error) = output.events.iter().find(|event| event.name() == "error") {
                let error = error.json.get("message").and_then(Value::as_str).unwrap_or_default();
                return Some(Err(self.failed(&format!("while waiting for {what}: {error}"))));
            }
            output.ended.then(|| Err(self.failed(&format!("ended while waiting for {what}"))))
        });
        found.unwrap_or_else(|| Err(self.late(what, limit)))
    }

    /// Waits for the first event of this name after the first `skip` events.
    pub fn wait_event(&self, name: &str, skip: usize, limit: Duration) -> Result<Event, Failure> {
        self.wait_for(name, limit, |events| {
            events.iter().skip(skip).find(|event| event.name() == name).cloned()
        })
    }

    /// How many events there are by now: a mark for `skip`.
    pub fn mark(&self) -> usize {
        self.output.lock().events.len()
    }

    /// A copy of all events so far.
    pub fn events(&self) -> Vec<Event> {
        self.output.lock().events.clone()
    }

    /// Ends the process at once (SIGKILL), as a crash would.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to leave in order and waits for its end.
    pub fn quit(&mut self, limit: Duration) -> Result<ExitStatus, Failure> {
        // A peer that is already gone cannot be asked; its exit code still can.
        let _ = self.command("quit");
        self.stdin = None;
        let ended = self.output.wait_for(limit, |output| output.ended.then_some(()));
        ended.ok_or_else(|| self.late("leaving", limit))?;
        Ok(self.child.wait()?)
    }

    /// The end of what it printed, for a report of a failure.
    pub fn log(&self) -> String {
        let output = self.output.lock();
        let mut text = format!("--- {}\n", self.label);
        for event in &output.events {
            let _ = writeln!(text, "{}", event.json);
        }
        for line in &output.other {
            let _ = writeln!(text, "| {line}");
        }
        text
    }

    fn failed(&self, text: &str) -> Failure {
        Failure::Peer(format!("{}: {text}", self.label))
    }

    fn late(&self, what: &str, limit: Duration) -> Failure {
        Failure::Timeout(format!("{}: {what} within {:.1} s", self.label, limit.as_secs_f64()))
    }
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        // Both fail only when the process is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Stdout,
    Stderr,
}

fn read_lines(stream: impl Read + Send + 'static, output: Arc<Watched<Output>>, which: Stream) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            output.change(|output| match serde_json::from_str::<Value>(&line) {
                Ok(json) if which == Stream::Stdout => output.events.push(Event { at: Instant::now(), json }),
                _ => output.other.push(line),
            });
        }
        if which == Stream::Stdout {
            output.change(|output| output.ended = true);
        }
    });
}
