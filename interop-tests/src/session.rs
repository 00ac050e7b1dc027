//! A publisher and a subscriber of one topic, and the comparison of what each printed.

use crate::failure::Failure;
use crate::namespace::{Namespace, Topology};
use crate::peer::Peer;
use crate::process::{Event, PeerProcess};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Limits of the waits, each long enough for the slowest peer on a loaded machine.
pub const START: Duration = Duration::from_secs(30);
/// From ready to matched.
pub const MATCH: Duration = Duration::from_secs(20);
/// From written to received.
pub const ARRIVE: Duration = Duration::from_secs(20);
/// From `quit` to the end of the process.
pub const LEAVE: Duration = Duration::from_secs(15);

/// The two stacks of a run, where they run, and where their output goes when they end.
#[derive(Debug)]
pub struct Bench {
    /// Who publishes.
    pub publisher: &'static Peer,
    /// Who subscribes.
    pub subscriber: &'static Peer,
    /// Where they run.
    pub topology: Topology,
    /// What the processes printed.
    pub log: Arc<Mutex<String>>,
}

/// What both sides are told.
#[derive(Debug, Clone)]
pub struct Options {
    type_name: &'static str,
    topic: String,
    common: Vec<String>,
    publisher: Vec<String>,
    subscriber: Vec<String>,
}

impl Options {
    /// A reliable, volatile, keep-all topic of this type.
    pub fn new(type_name: &'static str, representation: u8) -> Self {
        let topic =
            if type_name == "string" { "rt/chatter".to_owned() } else { format!("Interop_{type_name}") };
        let common = vec!["--representation".to_owned(), representation.to_string()];
        Options { type_name, topic, common, publisher: vec![], subscriber: vec![] }
    }

    /// Whether it is the type of ROS 2's /chatter.
    pub fn is_string(&self) -> bool {
        self.type_name == "string"
    }

    /// An option of both sides.
    pub fn both(mut self, option: &str, value: impl ToString) -> Self {
        self.common.extend([option.to_owned(), value.to_string()]);
        self
    }

    /// An option of the publisher.
    pub fn publisher(mut self, option: &str, value: impl ToString) -> Self {
        self.publisher.extend([option.to_owned(), value.to_string()]);
        self
    }

    /// An option of the subscriber.
    pub fn subscriber(mut self, option: &str, value: impl ToString) -> Self {
        self.subscriber.extend([option.to_owned(), value.to_string()]);
        self
    }

    fn arguments(&self, role: &str) -> Vec<String> {
        let mut arguments = [role, "--type", self.type_name, "--topic", &self.topic, "--timeout-s", "300"]
            .map(str::to_owned)
            .to_vec();
        arguments.extend_from_slice(&self.common);
        if role == "pub" {
            // The first round comes by command, when both sides have matched.
            arguments.extend(["--wait-matched", "0", "--count", "0"].map(str::to_owned));
            arguments.extend_from_slice(&self.publisher);
        } else {
            arguments.extend_from_slice(&self.subscriber);
        }
        arguments
    }
}

impl Bench {
    /// The type every pair of stacks has: all kinds of members, or a string for ROS 2.
    pub fn plain(&self) -> Options {
        match common(self.publisher.abilities.mixed, self.subscriber.abilities.mixed) {
            Some(representation) => Options::new("mixed", representation),
            None => Options::new("string", 1),
        }
    }

    /// The appendable type keyed by a string, in a representation that both sides have.
    pub fn shape(&self) -> Option<Options> {
        let representation = common(self.publisher.abilities.shape, self.subscriber.abilities.shape)?;
        Some(Options::new("shape", representation))
    }

    /// The final type keyed by a number.
    pub fn keyed(&self) -> Option<Options> {
        let representation = common(self.publisher.abilities.keyed, self.subscriber.abilities.keyed)?;
        Some(Options::new("final", representation))
    }

    /// Starts a publisher and returns when its writer exists and has written what `--count` says.
    pub fn start_publisher(&self, options: &Options) -> Result<Side, Failure> {
        let side = self.start(self.topology.publisher(), self.publisher, &options.arguments("pub"))?;
        // Later ones answer commands.
        side.process.wait_event("done", 0, START)?;
        Ok(side)
    }

    /// Starts a subscriber and returns when its reader exists.
    pub fn start_subscriber(&self, options: &Options) -> Result<Side, Failure> {
        self.start(self.topology.subscriber(), self.subscriber, &options.arguments("sub"))
    }

    /// Starts both sides at once and returns when both have matched.
    pub fn start_both(&self, options: &Options) -> Result<Session, Failure> {
        self.start_both_within(options, MATCH)
    }

    /// The same with a limit for the match.
    pub fn start_both_within(&self, options: &Options, limit: Duration) -> Result<Session, Failure> {
        let subscriber =
            self.launch(self.topology.subscriber(), self.subscriber, &options.arguments("sub"))?;
        let publisher = self.launch(self.topology.publisher(), self.publisher, &options.arguments("pub"))?;
        subscriber.process.wait_event("ready", 0, START)?;
        publisher.process.wait_event("ready", 0, START)?;
        // The `done` of its zero rounds: later ones answer commands.
        publisher.process.wait_event("done", 0, START)?;
        self.session(publisher, subscriber, limit)
    }

    /// Waits until two started sides have matched, and from then on counts what is sent and received.
    pub fn session(&self, publisher: Side, subscriber: Side, limit: Duration) -> Result<Session, Failure> {
        let (unexpected, earlier) = (publisher.sent().len(), subscriber.received().len());
        let mut session = Session { publisher, subscriber, unexpected, earlier };
        session.wait_matched(limit)?;
        if self.subscriber.abilities.joins_late {
            session.settle()?;
        }
        Ok(session)
    }

    fn start(
        &self,
        namespace: &Namespace,
        peer: &'static Peer,
        arguments: &[String],
    ) -> Result<Side, Failure> {
        let side = self.launch(namespace, peer, arguments)?;
        side.process.wait_event("ready", 0, START)?;
        Ok(side)
    }

    fn launch(
        &self,
        namespace: &Namespace,
        peer: &'static Peer,
        arguments: &[String],
    ) -> Result<Side, Failure> {
        let has_octets = ["mixed", "shape"].iter().any(|name| arguments.iter().any(|given| given == name));
        let comparable = self.publisher.has_octets() && self.subscriber.has_octets();
        let process = PeerProcess::start(namespace, peer, arguments, comparable || !has_octets)?;
        Ok(Side { process, log: Arc::clone(&self.log) })
    }
}

fn common(first: &[u8], second: &[u8]) -> Option<u8> {
    first.iter().copied().find(|representation| second.contains(representation))
}

/// A peer's process whose output is kept when it ends.
#[derive(Debug)]
pub struct Side {
    /// The process.
    pub process: PeerProcess,
    log: Arc<Mutex<String>>,
}

impl Drop for Side {
    fn drop(&mut self) {
        if let Ok(mut log) = self.log.lock() {
            log.push_str(&self.process.log());
        }
    }
}

impl Side {
    /// Leaves in order and with exit code 0.
    pub fn leave(mut self) -> Result<(), Failure> {
        let status = self.process.quit(LEAVE)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::Peer(format!("{} left with {status}", self.process.label())))
    }

    /// Sends a command and waits for its `done`.
    pub fn ask(&mut self, command: &str) -> Result<(), Failure> {
        let mark = self.process.mark();
        self.process.command(command)?;
        self.process.wait_event("done", mark, Duration::from_secs(60))?;
        Ok(())
    }

    /// The values it printed as sent.
    pub fn sent(&self) -> Vec<Value> {
        values(&self.process.events(), "sent")
    }

    /// The values it printed as received, in order.
    pub fn received(&self) -> Vec<Value> {
        values(&self.process.events(), "sample")
    }
}

/// Both sides of a topic that have matched.
#[derive(Debug)]
pub struct Session {
    /// The writing side.
    pub publisher: Side,
    /// The reading side.
    pub subscriber: Side,
    /// How many of the first sent values the subscriber need not get.
    unexpected: usize,
    /// How many of the first received values came from a publisher before this one.
    earlier: usize,
}

impl Session {
    /// Waits until both sides say that they have matched; of the subscriber the last word counts, because a
    /// publisher before this one may have come and gone.
    fn wait_matched(&self, limit: Duration) -> Result<(), Failure> {
        let started = Instant::now();
        self.publisher.process.wait_event("matched", 0, limit)?;
        let rest = limit.saturating_sub(started.elapsed());
        self.subscriber.process.wait_event("matched", 0, rest).map(drop)
    }

    /// Writes rounds until one has been received: a volatile reader of some stacks joins a little after it says
    /// that it has matched, and what was sent before is not for it.
    fn settle(&mut self) -> Result<(), Failure> {
        const ROUNDS: usize = 20;
        for _ in 0..ROUNDS {
            self.write(1)?;
            let sent = self.publisher.sent();
            let (earlier, last) = (self.earlier, sent.last().cloned().unwrap_or_default());
            let arrived =
                self.subscriber.process.wait_for("a first sample", Duration::from_secs(1), |events| {
                    let received = values(events, "sample");
                    received.get(earlier..)?.iter().any(|value| same(value, &last)).then_some(())
                });
            match arrived {
                Ok(()) => {
                    // Other instances of the same round may still be on their way.
                    let all = |events: &[Event]| {
                        (values(events, "sample").len() >= earlier + sent.len()).then_some(())
                    };
                    let _ = self.subscriber.process.wait_for("the rest", Duration::from_millis(300), all);
                    self.unexpected = sent.len().saturating_sub(self.received().len());
                    return Ok(());
                }
                Err(Failure::Timeout(_)) => {}
                Err(other) => return Err(other),
            }
        }
        Err(Failure::Timeout(format!("{}: none of {ROUNDS} rounds arrived", self.subscriber.process.label())))
    }

    /// What has been sent and must arrive.
    pub fn expected(&self) -> Vec<Value> {
        self.publisher.sent().split_off(self.unexpected)
    }

    /// What has been received from this publisher.
    pub fn received(&self) -> Vec<Value> {
        self.subscriber.received().split_off(self.earlier)
    }

    /// Has what was sent before the subscriber came counted as its own, also where it arrived before anybody
    /// looked.
    pub fn expect_history(&mut self) {
        self.unexpected = 0;
        self.earlier = 0;
    }

    /// Has `rounds` more rounds written and waits until the publisher is done.
    pub fn write(&mut self, rounds: usize) -> Result<(), Failure> {
        let before = self.publisher.sent().len();
        self.ask(&format!("write {rounds}"))?;
        let written = self.publisher.sent().len() - before;
        if written < rounds {
            return Err(Failure::Peer(format!(
                "{} wrote {written} of {rounds} rounds",
                self.publisher.process.label()
            )));
        }
        Ok(())
    }

    /// Sends a command to the publisher and waits for its `done`.
    pub fn ask(&mut self, command: &str) -> Result<(), Failure> {
        self.publisher.ask(command)
    }

    /// Waits until everything sent has been received, once, in order and equal.
    pub fn expect_all(&self, limit: Duration) -> Result<usize, Failure> {
        let expected = self.expected();
        let received = self.wait_received(expected.len(), limit)?;
        compare(&expected, &received)?;
        Ok(received.len())
    }

    /// The same for instances, whose order counts only within each (DDS 1.4 §2.2.3.6, access scope INSTANCE).
    pub fn expect_all_by(&self, key: &str, limit: Duration) -> Result<usize, Failure> {
        self.expect_passing(key, |_| true, limit)
    }

    /// The same of what passes a filter, and that nothing else has come.
    pub fn expect_passing(
        &self,
        key: &str,
        passes: impl Fn(&Value) -> bool,
        limit: Duration,
    ) -> Result<usize, Failure> {
        let mut expected = self.expected();
        expected.retain(passes);
        let mut received = self.wait_received(expected.len(), limit)?;
        for values in [&mut expected, &mut received] {
            values.sort_by_key(|value| value[key].to_string());
        }
        compare(&expected, &received)?;
        Ok(received.len())
    }

    fn wait_received(&self, count: usize, limit: Duration) -> Result<Vec<Value>, Failure> {
        let earlier = self.earlier;
        let enough = |events: &[Event]| (values(events, "sample").len() >= earlier + count).then_some(());
        let waited = self.subscriber.process.wait_for(&format!("{count} samples"), limit, enough);
        let received = self.received();
        match waited {
            Ok(()) => Ok(received),
            Err(Failure::Timeout(text)) => Err(Failure::Timeout(format!("{text}; got {}", received.len()))),
            Err(other) => Err(other),
        }
    }

    /// Waits until every key in `keys` has been reported in this instance state, after `mark` events.
    pub fn expect_state(
        &self,
        keys: &[Value],
        state: &str,
        mark: usize,
        limit: Duration,
    ) -> Result<(), Failure> {
        self.subscriber.process.wait_for(&format!("{} instances {state}", keys.len()), limit, |events| {
            let reported: Vec<&Value> = events
                .iter()
                .skip(mark)
                .filter(|event| {
                    event.name() == "sample"
                        && event.json["valid"] == false
                        && event.json["instance_state"] == state
                })
                .map(|event| &event.json["value"])
                .collect();
            keys.iter().all(|key| reported.iter().any(|value| same(key, value))).then_some(())
        })
    }

    /// Both leave, the publisher first.
    pub fn leave(self) -> Result<(), Failure> {
        let Session { publisher, subscriber, .. } = self;
        publisher.leave()?;
        subscriber.leave()
    }
}

/// The values of the events of this name; of samples only the valid ones.
pub fn values(events: &[Event], name: &str) -> Vec<Value> {
    let wanted = events
        .iter()
        .filter(|event| event.name() == name && event.json.get("valid") != Some(&Value::Bool(false)));
    wanted.map(|event| event.json["value"].clone()).collect()
}

/// Fails where the two lists first differ.
pub fn compare(expected: &[Value], received: &[Value]) -> Result<(), Failure> {
    if let Some(at) =
        (0..expected.len().max(received.len())).find(|&at| match (expected.get(at), received.get(at)) {
            (Some(expected), Some(received)) => !same(expected, received),
            _ => true,
        })
    {
        let show = |value: Option<&Value>| value.map_or("nothing".to_owned(), Value::to_string);
        let (want, got) = (show(expected.get(at)), show(received.get(at)));
        return Err(Failure::Mismatch(format!(
            "sample {at} of {}: sent {want}, received {got}",
            expected.len()
        )));
    }
    Ok(())
}

/// Equality of JSON values where 1 and 1.0 are the same number.
pub fn same(first: &Value, second: &Value) -> bool {
    match (first, second) {
        (Value::Number(first), Value::Number(second)) => first == second || first.as_f64() == second.as_f64(),
        (Value::Array(first), Value::Array(second)) => {
            first.len() == second.len() && first.iter().zip(second).all(|(first, second)| same(first, second))
        }
        (Value::Object(first), Value::Object(second)) => {
            first.len() == second.len()
                && first.iter().all(|(name, value)| second.get(name).is_some_and(|other| same(value, other)))
        }
        _ => first == second,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_compared_by_value() {
        assert!(same(&json!({"a": [1, 2.5], "b": "x"}), &json!({"b": "x", "a": [1.0, 2.5]})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 2})));
        assert!(!same(&json!({"a": 1}), &json!({"a": 1, "b": 1})));
    }

    #[test]
    fn the_first_difference_is_named() {
        let failure = compare(&[json!(1), json!(2)], &[json!(1)]).unwrap_err();
        assert!(failure.to_string().contains("sample 1 of 2: sent 2, received nothing"));
        assert!(compare(&[json!(1)], &[json!(1), json!(1)]).is_err());
    }
}
