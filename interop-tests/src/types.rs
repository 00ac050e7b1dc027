//! Pairs of types that differ: whether a writer of the one and a reader of the other match, and what the
//! reader gets, for ours and Cyclone DDS 11 in every combination.

use crate::failure::Failure;
use crate::namespace::{Topology, TopologyKind};
use crate::paths;
use crate::peer::Peer;
use crate::results;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// A pair of types. Their declarations are in `src/bin/types_peer.rs` and `peers/cyclone11/types_peer.py`.
#[derive(Debug)]
pub struct Variant {
    /// Its name; also that of its topic.
    pub name: &'static str,
    /// How the types differ, as seen from the reader.
    pub about: &'static str,
    writer: &'static str,
    reader: &'static str,
    /// `bounds`: bounds are not ignored; `ids`: member names are; `narrow`: widening is prevented;
    /// `equal`: coercion is disallowed; else the defaults of the standard.
    policy: &'static str,
    /// What XTypes 1.3 says the reader gets, as JSON; `None` when they are not to match.
    expected: Option<&'static str>,
    /// The rule.
    rule: &'static str,
}

macro_rules! variants {
    ($($name:ident: $about:literal, $writer:ident => $reader:ident $(/ $policy:ident)?, $expected:expr, $rule:literal;)*) => {
        /// Every pair, in the order of the page.
        pub static VARIANTS: &[Variant] = &[$(Variant {
            name: stringify!($name),
            about: $about,
            writer: stringify!($writer),
            reader: stringify!($reader),
            policy: concat!($(stringify!($policy))?),
            expected: $expected,
            rule: $rule,
        }),*];
    };
}

const BASE: Option<&str> = Some(r#"{"id":1,"x":2}"#);
const ABC: Option<&str> = Some(r#"{"x":"abc"}"#);

variants! {
    same: "nothing", base => base, BASE, "equal types";
    added: "the writer has a member more at the end", longer => base, BASE, "appendable: more members follow";
    removed: "the writer has a member less", base => longer, Some(r#"{"id":1,"x":2,"y":0.0}"#), "appendable: missing members have their defaults";
    reordered: "members in another order", swapped => base, None, "appendable: members of one index have one id";
    renamed: "a member has another name", renamed => base, None, "members of one id have one name";
    renamed_ignored: "a member has another name, names are ignored", renamed => base / ids, BASE, "ignore_member_names";
    widened: "int64 instead of int32", widened => base, None, "primitive types are assignable to themselves only";
    key_removed: "the writer has no key", keyless => base, None, "key members are in both types";
    key_added: "the writer has a key, the reader has none", base => keyless, None, "key members are in both types";
    optional: "the writer's member is optional", optional => base, None, "appendable: optional in both or in none";
    must_understand: "the writer has a member more, which must be understood", strict => base, None, "must_understand members are in both types";
    final_added: "final: a member more", final_longer => final_base, None, "final: one set of members";
    final_removed: "final: a member less", final_base => final_longer, None, "final: one set of members";
    extensibility: "final instead of appendable", final_base => base, None, "one extensibility";
    mutable_added: "mutable: reordered, and a member more", mutable_other => mutable, BASE, "mutable: by id";
    mutable_removed: "mutable: reordered, and a member less", mutable => mutable_other, Some(r#"{"x":2,"y":0.0,"id":1}"#), "mutable: by id";
    mutable_optional: "mutable: the reader's member is optional", mutable => mutable_optional, BASE, "mutable: optional is not compared";
    mutable_id: "mutable: a member has another id", mutable_moved => mutable, None, "members of one name have one id";
    string_bound: "a longer string, bounds ignored", text => short_text, ABC, "ignore_string_bounds";
    string_bound_checked: "an unbounded string, bounds not ignored", text => short_text / bounds, None, "the reader's bound is no smaller";
    string_bound_wider: "a shorter string, bounds not ignored", short_text => long_text / bounds, ABC, "the reader's bound is no smaller";
    key_bound: "a longer key", long_key => short_key, None, "the reader's key is no shorter";
    key_bound_wider: "a shorter key", short_key => long_key, ABC, "the reader's key is no shorter";
    sequence_bound: "an unbounded sequence, bounds ignored", many_numbers => numbers, Some(r#"{"x":[1,2]}"#), "ignore_sequence_bounds";
    sequence_bound_checked: "an unbounded sequence, bounds not ignored", many_numbers => numbers / bounds, None, "the reader's bound is no smaller";
    array: "an array of another length", four_numbers => three_numbers, None, "arrays have equal dimensions";
    octet: "octet instead of uint8", octet => uint8, None, "primitive types are assignable to themselves only";
    nested_added: "nested appendable types have a member more", nested_longer => nested, Some(r#"{"inner":{"id":1,"x":2},"list":[{"id":3,"x":4}],"last":5}"#), "strongly assignable: delimited";
    nested_removed: "nested appendable types have a member less", nested => nested_longer, Some(r#"{"inner":{"id":1,"x":2,"y":0.0},"list":[{"id":3,"x":4,"y":0.0}],"last":5}"#), "strongly assignable: delimited";
    nested_final: "a nested final type has a member more", nested_final_longer => nested_final, None, "final: one set of members";
    enum_added: "the enumeration has a literal more", three => two, Some(r#"{"state":"On"}"#), "appendable: literals may be added";
    enum_removed: "the enumeration has a literal less", two => three, Some(r#"{"state":"On"}"#), "appendable: literals may be added";
    enum_renamed: "a literal has another name", named => two, None, "literals of one value have one name";
    enum_shifted: "a literal has another value", shifted => two, None, "literals of one name have one value";
    enum_final: "the final enumeration has a literal more", final_three => final_two, None, "final: one set of literals";
    union_added: "the union has a case more", union_three => union_two, Some(r#"{"choice":{"A":8}}"#), "appendable: cases may be added";
    union_removed: "the union has a case less", union_two => union_three, Some(r#"{"choice":{"A":8}}"#), "appendable: cases may be added";
    union_changed: "a case has another type", union_changed => union_two, None, "cases of one label are assignable";
    union_final: "the final union has a case more", union_final_three => union_final_two, None, "final: one set of labels";
    widening: "the writer has a member more, widening prevented", longer => base / narrow, None, "prevent_type_widening";
    narrowing: "the writer has a member less, widening prevented", base => longer / narrow, Some(r#"{"id":1,"x":2,"y":0.0}"#), "the writer's type is the narrower one";
    coercion: "the writer has a member more, coercion disallowed", longer => base / equal, None, "DISALLOW_TYPE_COERCION";
}

/// Writer's and reader's stack.
const PAIRS: [(&str, &str); 4] =
    [("own", "own"), ("own", "cyclone11"), ("cyclone11", "own"), ("cyclone11", "cyclone11")];

/// Variants in which our reader's type has members of kinds that only participants of ours are told of: names decide
/// with others.
const TOLD_BY_NAME: [&str; 1] = ["octet"];

/// How long endpoints have to match that should not.
const PATIENCE: Duration = Duration::from_secs(20);

/// What became of a pair of types in a combination of stacks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Whether the writer said that it is matched.
    pub writer_matched: bool,
    /// Whether the reader did.
    pub reader_matched: bool,
    /// What the reader got.
    pub sample: Option<Value>,
    /// What a stack refused to make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Variants, each with its outcomes by writer's and reader's stack.
pub type Table = BTreeMap<String, BTreeMap<String, Outcome>>;

/// A stack's program, gone when its guard is.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(stack: &str, topology: &Topology) -> Result<Command, Failure> {
    let peer = Peer::named(stack).ok_or_else(|| Failure::Harness(format!("no peer {stack}")))?;
    let launch = peer.launch();
    let mut command = match peer.is_own() {
        true => topology.publisher().command(&launch.program.with_file_name("types_peer")),
        false => {
            let mut command = topology.publisher().command(&launch.program);
            command.arg(paths::package().join("peers/cyclone11/types_peer.py"));
            command
        }
    };
    command.envs(launch.environment).env("DDS_INTEROP_NAMESPACE", topology.publisher().name());
    Ok(command)
}

fn start(
    stack: &str,
    role: &'static str,
    topology: &Topology,
    lines: Sender<(&'static str, Value)>,
) -> Result<Program, Failure> {
    let mut command = command(stack, topology)?;
    command.arg(role);
    for variant in VARIANTS {
        let chosen = if role == "pub" { variant.writer } else { variant.reader };
        command.arg(format!("{}={chosen}:{}", variant.name, variant.policy));
    }
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    if let Some(output) = child.stdout.take() {
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = serde_json::from_str(&line).map(|value| lines.send((role, value)));
            }
        });
    }
    Ok(Program(child))
}

fn observe(writer: &str, reader: &str) -> Result<BTreeMap<&'static str, Outcome>, Failure> {
    let topology = Topology::create(TopologyKind::Loopback)?;
    let (sender, lines) = channel();
    let _reader = start(reader, "sub", &topology, sender.clone())?;
    let _writer = start(writer, "pub", &topology, sender)?;
    Ok(collect(&lines))
}

fn collect(lines: &Receiver<(&'static str, Value)>) -> BTreeMap<&'static str, Outcome> {
    let mut outcomes: BTreeMap<&'static str, Outcome> =
        VARIANTS.iter().map(|variant| (variant.name, Outcome::default())).collect();
    let end = Instant::now() + PATIENCE;
    while let Ok((role, line)) = lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
        let name = line.get("variant").and_then(Value::as_str).unwrap_or_default();
        let Some(outcome) = outcomes.get_mut(name) else { continue };
        if let Some(error) = line.get("error").and_then(Value::as_str) {
            outcome.error = Some(error.to_owned());
        } else if let Some(sample) = line.get("sample") {
            outcome.sample = Some(sample.clone());
        } else if role == "pub" {
            outcome.writer_matched = true;
        } else {
            outcome.reader_matched = true;
        }
    }
    outcomes
}

/// Runs every pair of types in every combination of stacks.
pub fn run() -> Result<Table, Failure> {
    let mut table = Table::new();
    for (writer, reader) in PAIRS {
        for (variant, outcome) in observe(writer, reader)? {
            table.entry(variant.to_owned()).or_default().insert(format!("{writer}>{reader}"), outcome);
        }
    }
    Ok(table)
}

impl Variant {
    /// Whether an outcome is what XTypes says.
    fn agrees(&self, outcome: &Outcome) -> bool {
        let sample: Option<Value> = self.expected.and_then(|text| serde_json::from_str(text).ok());
        let matched = self.expected.is_some();
        outcome.writer_matched == matched && outcome.reader_matched == matched && outcome.sample == sample
    }

    /// Whether the sides that are ours matched as XTypes says, and what arrived is what it says.
    fn is_met_by_ours(&self, outcome: &Outcome, writer_is_ours: bool, reader_is_ours: bool) -> bool {
        let matched = self.expected.is_some();
        if writer_is_ours && reader_is_ours {
            return self.agrees(outcome);
        }
        let sides = (!writer_is_ours || outcome.writer_matched == matched)
            && (!reader_is_ours || outcome.reader_matched == matched);
        let ours = writer_is_ours || reader_is_ours;
        let both = outcome.writer_matched && outcome.reader_matched;
        sides && (!ours || !both || self.agrees(outcome))
    }
}

/// What is not as XTypes says and not Cyclone DDS's doing: a match on a side of ours, or between two of ours; and what
/// a reader got where both sides matched and were to.
#[must_use]
pub fn failures(table: &Table) -> Vec<String> {
    let mut failures = Vec::new();
    for variant in VARIANTS {
        for (writer, reader) in PAIRS {
            let pair = format!("{writer}>{reader}");
            if reader == "own" && writer != "own" && TOLD_BY_NAME.contains(&variant.name) {
                continue;
            }
            let outcome = table.get(variant.name).and_then(|outcomes| outcomes.get(&pair));
            if !outcome
                .is_some_and(|outcome| variant.is_met_by_ours(outcome, writer == "own", reader == "own"))
            {
                failures.push(format!("{} {pair}: {outcome:?}", variant.name));
            }
        }
    }
    failures
}

/// `docs/types.md` of what is committed.
pub fn committed_page() -> Result<String, Failure> {
    let table = results::read(&paths::committed_type_results())?;
    let remarks = std::fs::read_to_string(paths::package().join("results/types.remarks.md"))?;
    Ok(page(&table, &remarks))
}

/// Whether the page is what the committed result file yields.
pub fn is_fresh() -> Result<bool, Failure> {
    let page = committed_page()?;
    Ok(std::fs::read_to_string(paths::types_page()).is_ok_and(|text| text == page))
}

fn cell(variant: &Variant, outcome: Option<&Outcome>) -> String {
    let Some(outcome) = outcome else { return "not run".into() };
    let sides = match (outcome.writer_matched, outcome.reader_matched) {
        (true, true) => "match",
        (false, false) => "no match",
        (true, false) => "writer only",
        (false, true) => "reader only",
    };
    let sample = match (&outcome.sample, outcome.error.is_some()) {
        (_, true) => ", refused by its API".into(),
        (None, _) if outcome.reader_matched => ", no sample".into(),
        (None, _) => String::new(),
        (Some(_), _) if variant.agrees(outcome) => String::new(),
        (Some(sample), _) => format!(", `{sample}`"),
    };
    let mark = if variant.agrees(outcome) { "" } else { " ✗" };
    format!("{sides}{sample}{mark}")
}

/// `docs/types.md` of a table.
#[must_use]
pub fn page(table: &Table, remarks: &str) -> String {
    let mut text = String::from(
        "# Types that differ\n\nGenerated by `cargo run -p interop-tests -- types` from \
         `interop-tests/results/types.json`; do not edit.\n\nEach row is a writer's and a reader's type, compared by \
         the reader's TYPE_CONSISTENCY_ENFORCEMENT, over XCDR2 and real sockets in a network namespace. What XTypes \
         1.3 §7.2.4.4 says stands beside what happened with ours and Cyclone DDS 11.0.1 on either side: whether both \
         ends matched, and the reader got the expected value. ✗ marks where it is not what XTypes says.\n\n\
         | how the writer's type differs | rule | XTypes | ours → ours | ours → Cyclone | Cyclone → ours | \
         Cyclone → Cyclone |\n|---|---|---|---|---|---|---|\n",
    );
    for variant in VARIANTS {
        let outcomes = table.get(variant.name);
        let expected = if variant.expected.is_some() { "match" } else { "no match" };
        let _ = write!(text, "| {} | {} | {expected} |", variant.about, variant.rule);
        for (writer, reader) in PAIRS {
            let outcome = outcomes.and_then(|outcomes| outcomes.get(&format!("{writer}>{reader}")));
            let _ = write!(text, " {} |", cell(variant, outcome));
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(remarks);
    text
}
