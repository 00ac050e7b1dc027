//! What the Rust peer programs share: command line, values, JSON lines and the main loop.
//!
//! The contract is `README.md`. It needs only the standard library, because the foreign stacks' programs in
//! `peers/rust`, a workspace of its own, include this file by path. A program supplies a [`Stack`].

use std::fmt::Write as _;
use std::io::{BufRead, Write as _};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// Which end of the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It writes.
    Publisher,
    /// It reads.
    Subscriber,
}

/// Which type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeName {
    /// ShapeType, appendable, keyed by a string.
    Shape,
    /// FinalKeyed, final, keyed by an int32.
    Final,
    /// MixedMembers, final, keyless.
    Mixed,
    /// std_msgs::msg::dds_::String_.
    Text,
    /// MixedMembers in our serde representation.
    Serde,
    /// String_ in our serde representation.
    SerdeText,
    /// Whatever the topic's writers say that it is.
    Discovered,
}

/// What happens to the instances after the last round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing.
    None,
    /// They are disposed.
    Dispose,
    /// They are unregistered.
    Unregister,
}

/// DURABILITY.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's own")]
pub enum Durability {
    Volatile,
    TransientLocal,
    Transient,
    Persistent,
}

/// The scope of PRESENTATION, coherent and ordered then; or the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the standard's own")]
pub enum Presentation {
    Default,
    Instance,
    Topic,
    Group,
}

/// The parsed command line; units are in the names, zero means not set.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "README.md has the table of options")]
pub struct Options {
    pub role: Role,
    pub type_name: TypeName,
    pub topic: String,
    pub color: String,
    pub partition: Option<String>,
    pub filter: Option<String>,
    pub domain: u32,
    pub reliable: bool,
    /// TRANSIENT_LOCAL or more.
    pub transient_local: bool,
    pub durability: Durability,
    pub presentation: Presentation,
    pub by_source: bool,
    pub latency_budget_ms: u64,
    pub lifespan_ms: u64,
    pub separation_ms: u64,
    pub max_samples: u32,
    /// LIVELINESS MANUAL_BY_TOPIC.
    pub manual_lease_ms: u64,
    /// OWNERSHIP EXCLUSIVE, a writer's with this strength.
    pub ownership_strength: Option<i32>,
    pub user_data: Option<String>,
    pub topic_data: Option<String>,
    pub group_data: Option<String>,
    /// 0: keep all.
    pub history: i32,
    pub representation: u8,
    pub count: u64,
    pub period_ms: u64,
    pub instances: u64,
    pub payload: usize,
    pub end: End,
    pub deadline_ms: u64,
    pub lease_ms: u64,
    pub wait_matched: u64,
    pub expect: u64,
    pub expect_ended: u64,
    pub linger_ms: u64,
    pub timeout_s: u64,
    pub stdin: bool,
}

/// Something to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A sample or, if not valid, the end of an instance: value as JSON, valid, instance state.
    Sample(String, bool, &'static str),
    /// The number of matched endpoints now.
    Matched(u64),
    /// The name of the policy.
    IncompatibleQos(String),
    /// A line of its own: the event's name and further members, or nothing.
    Other(&'static str, String),
}

/// What a stack's program supplies to `run`.
pub trait Stack {
    /// Writes the sample of round `i` and instance `k`; returns its value as JSON.
    fn write(&mut self, i: u64, k: u64) -> Result<String, String>;
    /// Disposes or unregisters instance `k`; returns its key as JSON.
    fn end(&mut self, k: u64, how: End) -> Result<String, String>;
    /// Changes a policy at run time, by the name of its option.
    fn set(&mut self, policy: &str, value: &str) -> Result<(), String> {
        Err(format!("{policy} cannot become {value} here"))
    }
    /// What each matched remote endpoint announces: the members of `peer` in README.md.
    fn peers(&mut self) -> Result<Vec<String>, String> {
        Err("this program does not tell what others announce".to_owned())
    }
    /// Changes USER_DATA, TOPIC_DATA or GROUP_DATA; `which` is `user`, `topic` or `group`.
    fn change_data(&mut self, which: &str, text: &str) -> Result<(), String> {
        Err(format!("this program does not change {which} data to {text}"))
    }
    /// Leaves samples where they are until it is told to take them.
    fn hold(&mut self, holds: bool) -> Result<(), String> {
        Err(format!("this program cannot {} samples", if holds { "leave" } else { "wait to take" }))
    }
    /// Begins or ends a coherent set.
    fn coherent(&mut self, begin: bool) -> Result<(), String> {
        Err(format!("this program has no coherent sets to {}", if begin { "begin" } else { "end" }))
    }
    /// Waits until matched readers have acknowledged everything, ten seconds at most.
    fn wait_for_acknowledgments(&mut self);
    /// Everything new. Called after every wake, and every [`Self::poll_interval`].
    fn poll(&mut self) -> Vec<Notice>;
    /// How often to poll a stack that cannot wake.
    fn poll_interval(&self) -> Duration;
    /// Leaves in order.
    fn close(self);
}

/// What arrives at the main loop.
#[derive(Debug)]
pub enum Wake {
    /// The stack has something new.
    Stack,
    /// A line of standard input.
    Command(String),
}

/// Parses the arguments, creates the stack and runs the life of the program.
pub fn main<S: Stack>(
    create: impl FnOnce(&Options, Sender<Wake>) -> Result<(S, String), String>,
) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let options = match parse(&arguments) {
        Ok(options) => options,
        Err(message) => return fail(1, &message),
    };
    let (sender, receiver) = channel();
    let deadline = Instant::now() + Duration::from_secs(options.timeout_s);
    match create(&options, sender.clone()) {
        Ok((stack, ready)) => {
            emit("ready", &ready);
            if options.stdin {
                read_commands(sender.clone());
            }
            let state = Loop {
                options,
                stack,
                receiver,
                deadline,
                matched: 0,
                samples: 0,
                ended: 0,
                round: 0,
                leaving: false,
            };
            match state.run() {
                Ok(code) => code,
                Err(message) => fail(3, &message),
            }
        }
        Err(message) => fail(2, &message),
    }
}

fn fail(code: u8, message: &str) -> ExitCode {
    emit("error", &format!("\"message\":{}", quoted(message)));
    ExitCode::from(code)
}

fn read_commands(sender: Sender<Wake>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let last = line == "quit";
            if sender.send(Wake::Command(line)).is_err() || last {
                return;
            }
        }
        // The loop is gone when this fails, which is as good.
        let _ = sender.send(Wake::Command("quit".to_owned()));
    });
}

/// Prints one JSON line; `members` are further members without braces, or empty.
pub fn emit(event: &str, members: &str) {
    let comma = if members.is_empty() { "" } else { "," };
    let mut out = std::io::stdout().lock();
    // A reader that has gone away ends this program by the end of its standard input.
    let _ = writeln!(out, "{{\"event\":\"{event}\"{comma}{members}}}").and_then(|()| out.flush());
}

struct Loop<S> {
    options: Options,
    stack: S,
    receiver: Receiver<Wake>,
    deadline: Instant,
    matched: u64,
    samples: u64,
    ended: u64,
    round: u64,
    leaving: bool,
}

impl<S: Stack> Loop<S> {
    fn run(mut self) -> Result<ExitCode, String> {
        while !self.leaving && !self.expired() && !self.satisfied() {
            self.wait(self.deadline)?;
        }
        if self.options.role == Role::Publisher && self.satisfied() && !self.leaving {
            self.write_rounds(self.options.count)?;
            self.end_instances(self.options.end)?;
        }
        let mut timed_out = self.expired();
        if !timed_out {
            self.done();
            let linger = Instant::now() + Duration::from_millis(self.options.linger_ms);
            let leave = if self.options.stdin { self.deadline } else { linger };
            while !self.leaving && Instant::now() < leave {
                self.wait(leave)?;
            }
            timed_out = self.options.stdin && !self.leaving;
        }
        if timed_out {
            emit("timeout", "");
        }
        self.stack.close();
        Ok(if timed_out { ExitCode::from(3) } else { ExitCode::SUCCESS })
    }

    fn expired(&self) -> bool {
        Instant::now() >= self.deadline
    }

    fn satisfied(&self) -> bool {
        match self.options.role {
            Role::Publisher => self.matched >= self.options.wait_matched,
            Role::Subscriber => {
                self.samples >= self.options.expect && self.ended >= self.options.expect_ended
            }
        }
    }

    /// Handles one wake, or returns at `until`.
    fn wait(&mut self, until: Instant) -> Result<(), String> {
        self.report();
        let remaining = until.min(self.deadline).saturating_duration_since(Instant::now());
        let command = match self.receiver.recv_timeout(remaining.min(self.stack.poll_interval())) {
            Ok(Wake::Command(line)) => Some(line),
            Ok(Wake::Stack) | Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return Err("the stack's thread ended".to_owned()),
        };
        self.report();
        match command {
            Some(line) => self.command(&line),
            None => Ok(()),
        }
    }

    fn report(&mut self) {
        for notice in self.stack.poll() {
            match notice {
                Notice::Sample(value, valid, state) => {
                    emit(
                        "sample",
                        &format!("\"value\":{value},\"valid\":{valid},\"instance_state\":\"{state}\""),
                    );
                    *(if valid { &mut self.samples } else { &mut self.ended }) += 1;
                }
                Notice::Matched(count) => {
                    if count != self.matched {
                        let event = if count > self.matched { "matched" } else { "unmatched" };
                        emit(event, &format!("\"count\":{count}"));
                    }
                    self.matched = count;
                }
                Notice::IncompatibleQos(policy) => {
                    emit("incompatible_qos", &format!("\"policy\":\"{policy}\""))
                }
                Notice::Other(event, members) => emit(event, &members),
            }
        }
    }

    fn command(&mut self, line: &str) -> Result<(), String> {
        match line.split_once(' ') {
            Some(("write", count)) => {
                let count = count.parse().map_err(|_| format!("not a number: {count}"))?;
                self.write_rounds(count)?;
            }
            Some(("set", change)) => {
                let (policy, value) = change.split_once(' ').ok_or_else(|| format!("no value in {line}"))?;
                self.stack.set(policy, value)?;
            }
            None if line == "dispose" => self.end_instances(End::Dispose)?,
            None if line == "unregister" => self.end_instances(End::Unregister)?,
            None if line == "hold" => self.stack.hold(true)?,
            None if line == "take" => {
                self.stack.hold(false)?;
                self.report();
            }
            None if line == "begin" => self.stack.coherent(true)?,
            None if line == "end" => self.stack.coherent(false)?,
            None if line == "peers" => {
                self.stack.peers()?.iter().for_each(|members| emit("peer", members));
            }
            Some((command, text)) if command.ends_with("-data") => {
                self.stack.change_data(command.trim_end_matches("-data"), text)?;
            }
            None if line == "quit" => {
                self.leaving = true;
                return Ok(());
            }
            _ => return Err(format!("unknown command {line}")),
        }
        self.done();
        Ok(())
    }

    fn write_rounds(&mut self, count: u64) -> Result<(), String> {
        for _ in 0..count {
            if self.leaving || self.expired() {
                break;
            }
            let due = Instant::now() + Duration::from_millis(self.options.period_ms);
            let i = self.round;
            self.round += 1;
            for k in 0..self.options.instances {
                let value = self.stack.write(i, k)?;
                emit("sent", &format!("\"value\":{value}"));
            }
            while !self.leaving && Instant::now() < due.min(self.deadline) {
                self.wait(due)?;
            }
        }
        Ok(())
    }

    fn end_instances(&mut self, how: End) -> Result<(), String> {
        let name = match how {
            End::None => return Ok(()),
            End::Dispose => "dispose",
            End::Unregister => "unregister",
        };
        for k in 0..self.options.instances {
            let key = self.stack.end(k, how)?;
            emit("ended", &format!("\"value\":{key},\"how\":\"{name}\""));
        }
        Ok(())
    }

    fn done(&mut self) {
        if self.options.role == Role::Publisher && self.options.reliable && self.matched > 0 {
            self.stack.wait_for_acknowledgments();
        }
        emit("done", "");
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let role = match arguments.first().map(String::as_str) {
        Some("pub") => Role::Publisher,
        Some("sub") => Role::Subscriber,
        _ => return Err("usage: peer pub|sub [options]".to_owned()),
    };
    let mut options = Options {
        role,
        type_name: TypeName::Shape,
        topic: "Square".to_owned(),
        color: "BLUE".to_owned(),
        partition: None,
        filter: None,
        domain: 0,
        reliable: true,
        transient_local: false,
        durability: Durability::Volatile,
        presentation: Presentation::Default,
        by_source: false,
        latency_budget_ms: 0,
        lifespan_ms: 0,
        separation_ms: 0,
        max_samples: 0,
        manual_lease_ms: 0,
        ownership_strength: None,
        user_data: None,
        topic_data: None,
        group_data: None,
        history: 0,
        representation: 0,
        count: 10,
        period_ms: 10,
        instances: 1,
        payload: 0,
        end: End::None,
        deadline_ms: 0,
        lease_ms: 0,
        wait_matched: 1,
        expect: 0,
        expect_ended: 0,
        linger_ms: 0,
        timeout_s: 30,
        stdin: false,
    };
    let mut rest = arguments.iter().skip(1);
    while let Some(name) = rest.next() {
        if name == "--stdin" {
            options.stdin = true;
            continue;
        }
        let value = rest.next().ok_or_else(|| format!("unknown option or missing value: {name}"))?;
        set(&mut options, name, value).ok_or_else(|| format!("not understood: {name} {value}"))?;
    }
    if options.representation == 0 {
        // The appendable type goes out in XCDR2 unless told otherwise: not every peer has it in XCDR1.
        options.representation = if options.type_name == TypeName::Shape { 2 } else { 1 };
    }
    Ok(options)
}

fn set(options: &mut Options, name: &str, value: &str) -> Option<()> {
    match name {
        "--type" => {
            options.type_name = match value {
                "shape" => TypeName::Shape,
                "final" => TypeName::Final,
                "mixed" => TypeName::Mixed,
                "string" => TypeName::Text,
                "serde" => TypeName::Serde,
                "serde-string" => TypeName::SerdeText,
                "discovered" => TypeName::Discovered,
                _ => return None,
            }
        }
        "--topic" => value.clone_into(&mut options.topic),
        "--color" => value.clone_into(&mut options.color),
        "--partition" => options.partition = Some(value.to_owned()),
        "--filter" => options.filter = Some(value.to_owned()),
        "--domain" => options.domain = value.parse().ok()?,
        "--reliability" => options.reliable = choice(value, "best-effort", "reliable")?,
        "--durability" => {
            options.durability = match value {
                "volatile" => Durability::Volatile,
                "transient-local" => Durability::TransientLocal,
                "transient" => Durability::Transient,
                "persistent" => Durability::Persistent,
                _ => return None,
            };
            options.transient_local = options.durability != Durability::Volatile;
        }
        "--presentation" => {
            options.presentation = match value {
                "default" => Presentation::Default,
                "instance" => Presentation::Instance,
                "topic" => Presentation::Topic,
                "group" => Presentation::Group,
                _ => return None,
            }
        }
        "--destination-order" => options.by_source = choice(value, "reception", "source")?,
        "--latency-budget-ms" => options.latency_budget_ms = value.parse().ok()?,
        "--lifespan-ms" => options.lifespan_ms = value.parse().ok()?,
        "--separation-ms" => options.separation_ms = value.parse().ok()?,
        "--max-samples" => options.max_samples = value.parse().ok()?,
        "--manual-lease-ms" => options.manual_lease_ms = value.parse().ok()?,
        "--ownership-strength" => options.ownership_strength = Some(value.parse().ok()?),
        "--user-data" => options.user_data = Some(value.to_owned()),
        "--topic-data" => options.topic_data = Some(value.to_owned()),
        "--group-data" => options.group_data = Some(value.to_owned()),
        "--history" => options.history = if value == "keep-all" { 0 } else { value.parse().ok()? },
        "--representation" => options.representation = value.parse().ok()?,
        "--count" => options.count = value.parse().ok()?,
        "--period-ms" => options.period_ms = value.parse().ok()?,
        "--instances" => options.instances = value.parse().ok()?,
        "--payload" => options.payload = value.parse().ok()?,
        "--deadline-ms" => options.deadline_ms = value.parse().ok()?,
        "--lease-ms" => options.lease_ms = value.parse().ok()?,
        "--wait-matched" => options.wait_matched = value.parse().ok()?,
        "--expect" => options.expect = value.parse().ok()?,
        "--expect-ended" => options.expect_ended = value.parse().ok()?,
        "--linger-ms" => options.linger_ms = value.parse().ok()?,
        "--timeout-s" => options.timeout_s = value.parse().ok()?,
        "--end" => {
            options.end = match value {
                "none" => End::None,
                "dispose" => End::Dispose,
                "unregister" => End::Unregister,
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

fn choice(value: &str, no: &str, yes: &str) -> Option<bool> {
    if value == yes { Some(true) } else { (value == no).then_some(false) }
}

/// The key of instance `k` of ShapeType.
pub fn color(options: &Options, k: u64) -> String {
    if k == 0 { options.color.clone() } else { format!("{}{k}", options.color) }
}

/// The payload of ShapeType in round `i` and instance `k`.
pub fn payload(options: &Options, i: u64, k: u64) -> Vec<u8> {
    (0..options.payload as u64).map(|j| (j * 31 + i * 7 + k) as u8).collect()
}

/// The members of MixedMembers in round `i`.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "README.md has the values, peers/idl the members")]
pub struct Mixed {
    pub flag: bool,
    pub wide: i64,
    pub small: u8,
    pub ratio: f64,
    pub narrow: i16,
    pub count: u32,
    pub fraction: f32,
    pub text: String,
    pub numbers: Vec<i32>,
    pub triple: [i32; 3],
}

/// See [`Mixed`].
pub fn mixed(i: u64) -> Mixed {
    let n = i as i32;
    Mixed {
        flag: i % 2 == 1,
        wide: -(i as i64 + 1) * 4_294_967_299,
        small: i as u8,
        ratio: i as f64 * 0.5 - 1.0,
        narrow: -((i % 30_000) as i16),
        count: 4_000_000_000 + i as u32,
        fraction: i as f32 * 0.125,
        text: format!("Grüße-{i}"),
        numbers: (0..(i % 5) as i32).map(|j| n + j).collect(),
        triple: [n, -n, ((i * i) % 1000) as i32],
    }
}

/// The members of FinalKeyed in round `i` and instance `k`: id, x, ratio, label.
pub fn keyed(i: u64, k: u64) -> (i32, i32, f64, String) {
    (k as i32, i as i32, i as f64 * 0.25 + k as f64, format!("label-{i}-{k}"))
}

/// The text of String_ in round `i`.
pub fn text(i: u64) -> String {
    format!("Hello World: {i}")
}

/// ShapeType as JSON.
pub fn shape_json(color: &str, x: i32, y: i32, shapesize: i32, payload: &[u8]) -> String {
    let (color, length, crc) = (quoted(color), payload.len(), crc32(payload));
    format!(
        "{{\"color\":{color},\"x\":{x},\"y\":{y},\"shapesize\":{shapesize},\"payload_len\":{length},\"payload_crc\":{crc}}}"
    )
}

/// The key of ShapeType as JSON.
pub fn shape_key_json(color: &str) -> String {
    format!("{{\"color\":{}}}", quoted(color))
}

/// FinalKeyed as JSON.
pub fn keyed_json(id: i32, x: i32, ratio: f64, label: &str) -> String {
    format!("{{\"id\":{id},\"x\":{x},\"ratio\":{ratio},\"label\":{}}}", quoted(label))
}

/// The key of FinalKeyed as JSON.
pub fn keyed_key_json(id: i32) -> String {
    format!("{{\"id\":{id}}}")
}

/// MixedMembers as JSON.
pub fn mixed_json(m: &Mixed) -> String {
    format!(
        "{{\"flag\":{},\"wide\":{},\"small\":{},\"ratio\":{},\"narrow\":{},\"count\":{},\"fraction\":{},\"text\":{},\
         \"numbers\":{:?},\"triple\":{:?}}}",
        m.flag,
        m.wide,
        m.small,
        m.ratio,
        m.narrow,
        m.count,
        m.fraction,
        quoted(&m.text),
        m.numbers,
        m.triple
    )
}

/// String_ as JSON.
pub fn text_json(data: &str) -> String {
    format!("{{\"data\":{}}}", quoted(data))
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// The CRC-32 of zip and Ethernet.
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut table = [0u32; 256];
    for (n, entry) in table.iter_mut().enumerate() {
        *entry = (0..8).fold(n as u32, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    }
    !bytes.iter().fold(!0u32, |crc, &byte| table[((crc ^ u32::from(byte)) & 0xff) as usize] ^ (crc >> 8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_check_string() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn strings_are_escaped() {
        assert_eq!(quoted("a\"\\\u{1}é"), "\"a\\\"\\\\\\u0001é\"");
    }

    #[test]
    fn the_appendable_type_defaults_to_xcdr2() {
        let parsed = |line: &str| parse(&line.split(' ').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(parsed("pub").unwrap().representation, 2);
        assert_eq!(parsed("sub --type final").unwrap().representation, 1);
        assert!(parsed("sub --nonsense 1").is_err());
    }
}
