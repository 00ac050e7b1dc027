//! The programs of one case while it runs.

use super::case::Case;
use super::line::{Sample, sample};
use super::program::{Program, Side};
use super::terminal::{Command, PATIENCE, Terminal};
use crate::failure::Failure;
use crate::namespace::{Namespace, Topology};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The topic of every case: each has a network of its own.
pub const TOPIC: &str = "Square";

/// A case, the stacks that take its sides, and where they run.
#[derive(Debug)]
pub struct Stage<'a> {
    /// The case.
    pub case: &'a Case,
    /// Whose program publishes.
    pub publisher: &'static Program,
    /// Whose program subscribes.
    pub subscriber: &'static Program,
    /// Where they run.
    pub topology: Topology,
    /// A file for a capture; gone when the case passes.
    pub capture: PathBuf,
    /// What the programs printed.
    pub log: Arc<Mutex<String>>,
}

/// A program of a stage; what it printed goes to the stage's log with it.
#[derive(Debug)]
pub struct Actor {
    terminal: Terminal,
    log: Arc<Mutex<String>>,
}

impl Stage<'_> {
    /// Starts the publisher's program with these options, and `-t Square`.
    pub fn publish(&self, options: &str) -> Result<Actor, Failure> {
        self.start(self.publisher, Side::Publisher, self.topology.publisher(), options)
    }

    /// Starts the subscriber's program with these options, and waits until its reader is there.
    pub fn subscribe(&self, options: &str) -> Result<Actor, Failure> {
        let mut actor = self.start(self.subscriber, Side::Subscriber, self.topology.subscriber(), options)?;
        actor.expect_text("Create reader for topic: ")?;
        Ok(actor)
    }

    /// Starts both as the case says: the subscriber first.
    pub fn pair(&self) -> Result<(Actor, Actor), Failure> {
        let subscriber = self.subscribe(&self.case.subscriber)?;
        let publisher = self.publish(&self.case.publisher)?;
        Ok((publisher, subscriber))
    }

    fn start(
        &self,
        program: &'static Program,
        side: Side,
        namespace: &Namespace,
        options: &str,
    ) -> Result<Actor, Failure> {
        let (path, mut arguments) = program.launch();
        if !path.exists() {
            return Err(Failure::Harness(format!(
                "{} is not built: cargo run -p interop-tests -- setup shapes; cargo build -p examples --bin shape_main",
                path.display()
            )));
        }
        let role = if side == Side::Publisher { "-P" } else { "-S" };
        arguments.extend([role, "-t", TOPIC].map(str::to_owned));
        arguments.extend(words(options));
        // Both sides, so that they match.
        let only = self.publisher.representation.or(self.subscriber.representation);
        if let Some(representation) = only.filter(|_| !options.contains("-x ")) {
            arguments.extend(["-x".to_owned(), representation.to_string()]);
        }
        let command = Command {
            label: format!("{} {role}", program.name),
            program: &path,
            arguments,
            environment: Program::environment(),
        };
        Ok(Actor { terminal: Terminal::start(namespace, &command)?, log: Arc::clone(&self.log) })
    }
}

/// Splits at spaces, but not within double quotes.
fn words(options: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in options.split('"').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

impl Actor {
    /// The next line that contains `text`.
    pub fn expect_text(&mut self, text: &str) -> Result<String, Failure> {
        self.terminal.expect_text(text)
    }

    /// Any line, read before or not, that contains `text`.
    pub fn seen(&mut self, text: &str) -> Result<String, Failure> {
        self.terminal.seen(text)
    }

    /// The next sample.
    pub fn sample(&mut self) -> Result<Sample, Failure> {
        self.terminal.expect("a sample", sample)
    }

    /// The next sample that `accepts` accepts.
    pub fn sample_where(&mut self, what: &str, accepts: impl Fn(&Sample) -> bool) -> Result<Sample, Failure> {
        self.terminal.expect(what, |line| sample(line).filter(&accepts))
    }

    /// The next line for which `find` yields something.
    pub fn expect<T>(&mut self, what: &str, find: impl Fn(&str) -> Option<T>) -> Result<T, Failure> {
        self.terminal.expect(what, find)
    }

    /// The next `count` samples, which must come within what a tester waits for one, plus `longer`.
    pub fn samples(&mut self, count: usize, longer: Duration) -> Result<Vec<Sample>, Failure> {
        let deadline = std::time::Instant::now() + PATIENCE + longer;
        let mut samples = Vec::new();
        while samples.len() < count {
            let left = deadline.saturating_duration_since(std::time::Instant::now());
            let what = format!("sample {} of {count}", samples.len() + 1);
            samples.push(self.terminal.expect_within(&what, left, sample)?);
        }
        Ok(samples)
    }

    /// Fails if a line for which `find` yields something comes within `time`.
    pub fn never(&mut self, what: &str, time: Duration, find: impl Fn(&str) -> bool) -> Result<(), Failure> {
        match self.terminal.expect_within(what, time, |line| find(line).then(|| line.to_owned())) {
            Ok(line) => Err(Failure::Mismatch(format!("{}: {what}: {line}", self.terminal.label()))),
            Err(Failure::Timeout(_)) => Ok(()),
            Err(failure) => Err(failure),
        }
    }

    /// Every line so far, read or not.
    pub fn lines(&self) -> Vec<String> {
        self.terminal.lines().into_iter().map(|line| line.text).collect()
    }

    /// Every sample so far, with the time it was read at.
    pub fn timed_samples(&self) -> Vec<(std::time::Instant, Sample)> {
        let lines = self.terminal.lines();
        lines.iter().filter_map(|line| Some((line.at, sample(&line.text)?))).collect()
    }

    /// Types Ctrl-C and waits for an orderly end.
    pub fn end(mut self) -> Result<Vec<String>, Failure> {
        self.terminal.interrupt()?;
        self.ended()
    }

    /// Waits for an orderly end without being asked.
    pub fn ended(&mut self) -> Result<Vec<String>, Failure> {
        let status = self.terminal.finish()?;
        let lines = self.lines();
        if !status.success() || !lines.iter().any(|line| line.ends_with("Done.")) {
            return Err(Failure::Peer(format!("{} ended with {status}", self.terminal.label())));
        }
        Ok(lines)
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).push_str(&self.terminal.log());
    }
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn quoted_options_are_one_word() {
        assert_eq!(words(r#"-k 0 --cft "color = 'RED'" -R"#), ["-k", "0", "--cft", "color = 'RED'", "-R"]);
    }
}
