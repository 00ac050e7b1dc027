//! The scenarios: each says what two stacks must do with each other, whoever they are.

mod durability;
mod policies;
mod presentation;

use crate::changes;
use crate::failure::Failure;
use crate::filtering::content_filter;
use crate::namespace::TopologyKind;
use crate::peer::Lease;
use crate::process::Event;
use crate::session::{ARRIVE, Bench, MATCH, Options, Session, Side, compare, same, values};
pub(crate) use policies::expect_announced;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// A scenario of the matrix.
#[derive(Debug)]
pub struct Scenario {
    /// Name on the command line, in results and on the page.
    pub name: &'static str,
    /// What it shows, for the page.
    pub about: &'static str,
    /// Whether the quick tier has it.
    pub quick: bool,
    /// Whether it needs a peer whose program has the options and commands of «Policies» in README.md.
    pub policies: bool,
    /// Where it runs.
    pub topology: TopologyKind,
    /// What it does; the text says what was observed.
    pub run: fn(&Bench) -> Result<String, Failure>,
}

const LOST_PERCENT: u32 = 20;
const LARGE: usize = 1 << 20;

/// Every scenario, in the order of the page.
pub static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "discovery",
        about: "two hosts match, exchange a sample, and see each other leave",
        quick: true,
        policies: false,
        topology: TopologyKind::Pair,
        run: discovery,
    },
    Scenario {
        name: "reliable",
        about: "100 samples with every kind of member, reliable, compared",
        quick: true,
        policies: false,
        topology: TopologyKind::Loopback,
        run: reliable,
    },
    Scenario {
        name: "fan_out",
        about: "100 reliable samples to three subscribers of one host over a link, each a process of its own, by a group where both use one",
        quick: false,
        policies: false,
        topology: TopologyKind::Pair,
        run: fan_out,
    },
    Scenario {
        name: "keyed",
        about: "three instances of a final type keyed by an int32: written, disposed, written again, unregistered",
        quick: true,
        policies: false,
        topology: TopologyKind::Loopback,
        run: keyed,
    },
    Scenario {
        name: "keyed_string",
        about: "the same with an appendable type keyed by a bounded string, whose key hash is an MD5",
        quick: true,
        policies: false,
        topology: TopologyKind::Loopback,
        run: keyed_string,
    },
    Scenario {
        name: "best_effort",
        about: "best effort: what arrives is equal and in order",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: best_effort,
    },
    Scenario {
        name: "late_volatile",
        about: "a late VOLATILE reader gets only what is written after it matched",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: late_volatile,
    },
    Scenario {
        name: "late_transient_local",
        about: "a late TRANSIENT_LOCAL reader gets the history too",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: late_transient_local,
    },
    Scenario {
        name: "loss20",
        about: "200 reliable samples while 20 % of all datagrams are dropped at both ends",
        quick: false,
        policies: false,
        topology: TopologyKind::Pair,
        run: loss20,
    },
    Scenario {
        name: "large",
        about: "samples of 1 MiB",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: large,
    },
    Scenario {
        name: "xcdr1",
        about: "every type in XCDR1",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: xcdr1,
    },
    Scenario {
        name: "xcdr2",
        about: "every type in XCDR2",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: xcdr2,
    },
    Scenario {
        name: "incompatible_qos",
        about: "BEST_EFFORT offered, RELIABLE requested: reported on both sides, no match",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: incompatible_qos,
    },
    Scenario {
        name: "killed",
        about: "the publisher's process is killed: the subscriber sees its lease expire",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: killed,
    },
    Scenario {
        name: "restarted",
        about: "the publisher is killed and started again: matched within 3 s, samples arrive",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: restarted,
    },
    Scenario {
        name: "content_filter",
        about: "a content-filtered reader gets what passes; where the writer evaluates its filter, nothing else travels",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: content_filter,
    },
    Scenario {
        name: "partition_changed",
        about: "we change our PARTITION at run time and back: both sides unmatch, and match again",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: changes::partition,
    },
    Scenario {
        name: "deadline_changed",
        about: "we change our DEADLINE at run time and back: reported as incompatible on both sides, and matched again",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: changes::deadline,
    },
    Scenario {
        name: "ownership_strength_changed",
        about: "two writers of an instance, whose OWNERSHIP_STRENGTH changes at run time: the reader takes those of the stronger",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: changes::ownership_strength,
    },
    Scenario {
        name: "lifespan_changed",
        about: "the writer changes its LIFESPAN at run time: what is then written ends before a reader that waits takes it, and before a late one comes",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: changes::lifespan,
    },
    Scenario {
        name: "serde",
        about: "our serde representation: the peer reports an incompatible representation and receives nothing",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: serde,
    },
    Scenario {
        name: "type_hash",
        about: "the graph of a ROS 2 node shows the RIHS01 hash of our type, which is that of its own",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: type_hash,
    },
    Scenario {
        name: "type_discovered",
        about: "the reading side has no type: it asks the writer's participant what the samples consist of, and reads them right",
        quick: false,
        policies: false,
        topology: TopologyKind::Loopback,
        run: type_discovered,
    },
    Scenario {
        name: "seen_data",
        about: "USER_DATA, TOPIC_DATA and GROUP_DATA of each side are seen by the other, also when they change",
        quick: true,
        policies: true,
        topology: TopologyKind::Loopback,
        run: policies::seen_data,
    },
    Scenario {
        name: "latency_budget",
        about: "LATENCY_BUDGET of each side is seen by the other; one that is too long is refused on both sides",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: policies::latency_budget,
    },
    Scenario {
        name: "destination_order",
        about: "BY_SOURCE_TIMESTAMP on both sides; refused on both sides where only BY_RECEPTION_TIMESTAMP is offered",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: policies::destination_order,
    },
    Scenario {
        name: "resource_limits",
        about: "200 samples through a writer, and a reader of ours, with room for five",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: policies::resource_limits,
    },
    Scenario {
        name: "manual_liveliness",
        about: "LIVELINESS MANUAL_BY_TOPIC is lost by silence and regained by writing, on both sides",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: policies::manual_liveliness,
    },
    Scenario {
        name: "presentation",
        about: "PRESENTATION at each scope, coherent and ordered: offers and requests meet, and every sample arrives in order",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: presentation::every_scope,
    },
    Scenario {
        name: "coherent_sets",
        about: "coherent sets of ours, whose ends have no data, for a reader that knows nothing of sets; late ones too",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: presentation::coherent_sets,
    },
    Scenario {
        name: "service_transient",
        about: "what a TRANSIENT writer left is served by our durability service to a late TRANSIENT reader",
        quick: true,
        policies: true,
        topology: TopologyKind::Loopback,
        run: durability::transient,
    },
    Scenario {
        name: "service_transient_local",
        about: "the same to a TRANSIENT_LOCAL reader, keyed, the last two samples of each instance",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: durability::keyed,
    },
    Scenario {
        name: "service_beside",
        about: "a late reader beside a living TRANSIENT writer and our service gets everything once, also when the writer goes",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: durability::beside,
    },
    Scenario {
        name: "service_persistent",
        about: "what a PERSISTENT writer left is served by our durability service after it was started anew",
        quick: false,
        policies: true,
        topology: TopologyKind::Loopback,
        run: durability::persistent,
    },
];

/// The scenario of this name.
pub fn named(name: &str) -> Option<&'static Scenario> {
    SCENARIOS.iter().find(|scenario| scenario.name == name)
}

fn discovery(bench: &Bench) -> Result<String, Failure> {
    let started = Instant::now();
    let mut session = bench.start_both(&bench.plain())?;
    let matched = started.elapsed();
    session.write(1)?;
    session.expect_all(ARRIVE)?;
    let Session { publisher, subscriber, .. } = session;
    let mark = subscriber.process.mark();
    publisher.leave()?;
    subscriber.process.wait_event("unmatched", mark, Duration::from_secs(3))?;
    subscriber.leave()?;
    Ok(format!("started to matched {:.1} s", matched.as_secs_f64()))
}

fn reliable(bench: &Bench) -> Result<String, Failure> {
    write_and_compare(bench, &bench.plain().publisher("--period-ms", 2), 100)
}

fn write_and_compare(bench: &Bench, options: &Options, rounds: usize) -> Result<String, Failure> {
    let mut session = bench.start_both(options)?;
    session.write(rounds)?;
    let count = session.expect_all(ARRIVE)?;
    session.leave()?;
    Ok(format!("{count} samples"))
}

fn fan_out(bench: &Bench) -> Result<String, Failure> {
    const READERS: usize = 3;
    const ROUNDS: u64 = 100;
    let options = bench.plain().both("--durability", "transient-local").publisher("--period-ms", 5);
    // First, so that it hears what the others announce to all when they start.
    let mut publisher = bench.start_publisher(&options)?;
    let start = |_| bench.start_subscriber(&options);
    let subscribers = (0..READERS).map(start).collect::<Result<Vec<_>, _>>()?;
    for subscriber in &subscribers {
        subscriber.process.wait_event("matched", 0, MATCH)?;
    }
    let namespace = bench.topology.publisher();
    let before = namespace.datagrams_to_groups()?;
    publisher.ask(&format!("write {ROUNDS}"))?;
    let by_group = namespace.datagrams_to_groups()? - before;
    let sent = publisher.sent();
    for subscriber in &subscribers {
        let enough = |events: &[Event]| (values(events, "sample").len() >= sent.len()).then_some(());
        subscriber.process.wait_for(&format!("{} samples", sent.len()), ARRIVE, enough)?;
        compare(&sent, &subscriber.received())?;
    }
    publisher.leave()?;
    subscribers.into_iter().try_for_each(Side::leave)?;
    // Announcements, a few in that time, are counted along.
    let how = if by_group >= ROUNDS { "by a group" } else { "to each" };
    Ok(format!("{} samples at each of {READERS}, sent {how}", sent.len()))
}

fn keyed(bench: &Bench) -> Result<String, Failure> {
    let Some(options) = bench.keyed() else { return Err(no_common("FinalKeyed")) };
    let keys = [0, 1, 2].map(|k| json!({"id": k}));
    life_of_instances(bench, &options.publisher("--instances", keys.len()), &keys)
}

fn keyed_string(bench: &Bench) -> Result<String, Failure> {
    let Some(options) = bench.shape() else { return Err(no_common("ShapeType")) };
    let keys = ["BLUE", "BLUE1", "BLUE2"].map(|color| json!({"color": color}));
    life_of_instances(bench, &options.publisher("--instances", keys.len()), &keys)
}

fn life_of_instances(bench: &Bench, options: &Options, keys: &[Value]) -> Result<String, Failure> {
    let key = keys
        .first()
        .and_then(Value::as_object)
        .and_then(|key| key.keys().next())
        .cloned()
        .unwrap_or_default();
    let mut session = bench.start_both(options)?;
    session.write(5)?;
    session.expect_all_by(&key, ARRIVE)?;
    let mark = session.subscriber.process.mark();
    session.ask("dispose")?;
    session.expect_state(keys, "DISPOSED", mark, ARRIVE)?;
    session.write(2)?;
    session.expect_all_by(&key, ARRIVE)?;
    if !bench.publisher.abilities.unregisters || !bench.subscriber.abilities.unregisters {
        session.leave()?;
        return Ok(format!("{} instances, disposed only", keys.len()));
    }
    let mark = session.subscriber.process.mark();
    session.ask("unregister")?;
    session.expect_state(keys, "NO_WRITERS", mark, ARRIVE)?;
    session.leave()?;
    Ok(format!("{} instances", keys.len()))
}

fn best_effort(bench: &Bench) -> Result<String, Failure> {
    let options = bench.plain().both("--reliability", "best-effort").publisher("--period-ms", 10);
    let mut session = bench.start_both(&options)?;
    session.write(50)?;
    let sent = session.publisher.sent();
    let last = sent.last().cloned().unwrap_or_default();
    // Nothing is dropped on a loopback at this rate, but best effort promises no more than order.
    session.subscriber.process.wait_for("the last sample", ARRIVE, |events| {
        events
            .iter()
            .rev()
            .find(|event| event.name() == "sample")
            .filter(|event| same(&event.json["value"], &last))
            .map(|_| ())
    })?;
    let received = session.received();
    let mut rest = sent.iter();
    if !received.iter().all(|value| rest.any(|sent| same(sent, value))) {
        return Err(Failure::Mismatch("what was received is not in the order sent".to_owned()));
    }
    session.leave()?;
    Ok(format!("{} of {} samples", received.len(), sent.len()))
}

fn late(bench: &Bench, durability: &str) -> Result<Session, Failure> {
    let options = bench.plain().both("--durability", durability);
    let publisher = bench.start_publisher(&options.clone().publisher("--count", 10))?;
    let subscriber = bench.start_subscriber(&options)?;
    bench.session(publisher, subscriber, MATCH)
}

fn late_volatile(bench: &Bench) -> Result<String, Failure> {
    let mut session = late(bench, "volatile")?;
    session.write(5)?;
    let count = session.expect_all(ARRIVE)?;
    let sent = session.publisher.sent().len();
    if count > sent - 10 {
        return Err(Failure::Mismatch("a sample of before the match arrived".to_owned()));
    }
    session.leave()?;
    Ok(format!("{count} of {sent} samples"))
}

fn late_transient_local(bench: &Bench) -> Result<String, Failure> {
    let mut session = late(bench, "transient-local")?;
    session.expect_history();
    session.expect_all(ARRIVE)?;
    session.write(5)?;
    let count = session.expect_all(ARRIVE)?;
    session.leave()?;
    Ok(format!("{count} samples, 10 of them late"))
}

fn loss20(bench: &Bench) -> Result<String, Failure> {
    for namespace in bench.topology.namespaces() {
        namespace.drop_datagrams(LOST_PERCENT)?;
    }
    let options = bench.plain().publisher("--period-ms", 5);
    let mut session = bench.start_both_within(&options, Duration::from_secs(60))?;
    let started = Instant::now();
    session.write(200)?;
    let count = session.expect_all(Duration::from_secs(60))?;
    let seconds = started.elapsed().as_secs_f64();
    let mut observed = format!("{count} samples in {seconds:.1} s; dropped");
    for namespace in bench.topology.namespaces() {
        let (dropped, passed) = namespace.dropped_datagrams()?;
        if dropped == 0 {
            return Err(Failure::Harness("the loss rule dropped nothing at one end".to_owned()));
        }
        observed.push_str(&format!(" {dropped} of {}", dropped + passed));
    }
    Ok(observed)
}

fn large(bench: &Bench) -> Result<String, Failure> {
    let Some(options) = bench.shape() else { return Err(no_common("ShapeType")) };
    write_and_compare(bench, &options.publisher("--payload", LARGE).publisher("--period-ms", 20), 5)
}

fn xcdr1(bench: &Bench) -> Result<String, Failure> {
    every_type(bench, 1)
}

fn xcdr2(bench: &Bench) -> Result<String, Failure> {
    every_type(bench, 2)
}

fn every_type(bench: &Bench, representation: u8) -> Result<String, Failure> {
    let (publisher, subscriber) = (&bench.publisher.abilities, &bench.subscriber.abilities);
    let has =
        |first: &[u8], second: &[u8]| first.contains(&representation) && second.contains(&representation);
    let mut types = vec![];
    if has(publisher.mixed, subscriber.mixed) {
        types.push("mixed");
    }
    if has(publisher.keyed, subscriber.keyed) {
        types.push("final");
    }
    if has(publisher.shape, subscriber.shape) {
        types.push("shape");
    }
    if types.is_empty() {
        types.push("string");
    }
    for name in &types {
        let options = Options::new(name, representation).publisher("--payload", 100);
        write_and_compare(bench, &options, 20).map_err(|failure| match failure {
            Failure::Mismatch(text) => Failure::Mismatch(format!("{name}: {text}")),
            Failure::Timeout(text) => Failure::Timeout(format!("{name}: {text}")),
            other => other,
        })?;
    }
    Ok(types.join(", "))
}

fn incompatible_qos(bench: &Bench) -> Result<String, Failure> {
    let options =
        bench.plain().publisher("--reliability", "best-effort").subscriber("--reliability", "reliable");
    refused(bench, &options, "RELIABILITY")
}

/// Both sides report the policy, and neither matches.
fn refused(bench: &Bench, options: &Options, policy: &str) -> Result<String, Failure> {
    let subscriber = bench.start_subscriber(options)?;
    let publisher = bench.start_publisher(options)?;
    for side in [&publisher, &subscriber] {
        expect_refusal(side, policy)?;
    }
    publisher.leave()?;
    subscriber.leave()?;
    Ok(format!("{policy} reported on both sides"))
}

fn expect_refusal(side: &Side, policy: &str) -> Result<(), Failure> {
    side.process.wait_for(&format!("incompatible {policy}"), MATCH, |events| {
        events.iter().find(|event| event.is("incompatible_qos", "policy", &json!(policy))).map(|_| ())
    })?;
    if side.process.events().iter().any(|event| event.name() == "matched") {
        return Err(Failure::Mismatch(format!("{} matched all the same", side.process.label())));
    }
    Ok(())
}

fn killed(bench: &Bench) -> Result<String, Failure> {
    let mut session = bench.start_both(&with_lease(bench, bench.plain()))?;
    session.write(3)?;
    session.expect_all(ARRIVE)?;
    let mark = session.subscriber.process.mark();
    let lease = match bench.publisher.abilities.lease {
        Lease::Settable => LEASE,
        Lease::Fixed(seconds) => Duration::from_secs(seconds),
    };
    session.publisher.process.kill()?;
    let at = Instant::now();
    session.subscriber.process.wait_event("unmatched", mark, lease * 2 + Duration::from_secs(5))?;
    Ok(format!("seen after {:.1} s, lease {} s", at.elapsed().as_secs_f64(), lease.as_secs()))
}

const LEASE: Duration = Duration::from_secs(3);

fn with_lease(bench: &Bench, options: Options) -> Options {
    match bench.publisher.abilities.lease {
        Lease::Settable => options.publisher("--lease-ms", LEASE.as_millis()),
        Lease::Fixed(_) => options,
    }
}

fn restarted(bench: &Bench) -> Result<String, Failure> {
    const LIMIT: Duration = Duration::from_secs(3);
    let options = bench.plain();
    let mut session = bench.start_both(&options)?;
    session.write(3)?;
    session.expect_all(ARRIVE)?;
    let mark = session.subscriber.process.mark();
    session.publisher.process.kill()?;
    let Session { publisher, subscriber, .. } = session;
    drop(publisher);
    let publisher = bench.start_publisher(&options)?;
    let ready = publisher.process.wait_event("ready", 0, ARRIVE)?.at;
    let first = publisher.process.wait_event("matched", 0, MATCH)?.at;
    let second = subscriber.process.wait_event("matched", mark, MATCH)?.at;
    let took = first.max(second).saturating_duration_since(ready);
    if took > LIMIT {
        return Err(Failure::Timeout(format!("matched again only after {:.1} s", took.as_secs_f64())));
    }
    let mut session = bench.session(publisher, subscriber, MATCH)?;
    session.write(5)?;
    session.expect_all(ARRIVE)?;
    session.leave()?;
    Ok(format!("matched {:.0} ms after the writer existed", took.as_secs_f64() * 1000.0))
}

fn serde(bench: &Bench) -> Result<String, Failure> {
    let mut options = bench.plain();
    let own_type = if options.is_string() { "serde-string" } else { "serde" };
    let own_publishes = bench.publisher.is_own();
    options = if own_publishes {
        options.publisher("--type", own_type)
    } else {
        options.subscriber("--type", own_type)
    };
    let peer = if own_publishes { bench.subscriber } else { bench.publisher };
    let subscriber = bench.start_subscriber(&options)?;
    let publisher = bench.start_publisher(&options)?;
    let (own, other) = if own_publishes { (&publisher, &subscriber) } else { (&subscriber, &publisher) };
    expect_refusal(own, "DATA_REPRESENTATION")?;
    let observed = match peer.abilities.refusal {
        Some(policy) => {
            expect_refusal(other, policy)?;
            format!("DATA_REPRESENTATION reported by us, {policy} by the peer")
        }
        None => {
            // It has matched on its side alone, and must get nothing that it would take for a sample.
            other.process.wait_event("matched", 0, MATCH)?;
            "DATA_REPRESENTATION reported by us; the peer does not compare it".to_owned()
        }
    };
    let mut publisher = publisher;
    let mark = publisher.process.mark();
    publisher.process.command("write 3")?;
    publisher.process.wait_event("done", mark, ARRIVE)?;
    publisher.leave()?;
    if !subscriber.received().is_empty() {
        return Err(Failure::Mismatch("a sample arrived all the same".to_owned()));
    }
    subscriber.leave()?;
    Ok(observed + "; nothing arrived")
}

fn type_hash(bench: &Bench) -> Result<String, Failure> {
    let mut session = bench.start_both(&bench.plain())?;
    session.write(1)?;
    session.expect_all(ARRIVE)?;
    let peer = if bench.publisher.is_own() { &mut session.subscriber } else { &mut session.publisher };
    // The graph is made of its own messages, which may come after the match.
    let end = Instant::now() + ARRIVE;
    let hashes = loop {
        let mark = peer.process.mark();
        peer.process.command("endpoints")?;
        peer.process.wait_event("done", mark, ARRIVE)?;
        let of = |role: &str| {
            let told = peer.process.events();
            let told = told.iter().skip(mark).filter(|event| event.is("endpoint", "role", &json!(role)));
            told.map(|event| event.json["type_hash"].clone()).next()
        };
        match (of("pub"), of("sub")) {
            (Some(written), Some(read)) => break [written, read],
            _ if Instant::now() >= end => {
                return Err(Failure::Timeout("the graph does not show both endpoints".to_owned()));
            }
            _ => {}
        }
    };
    let [written, read] = &hashes;
    let is_hash = written.as_str().is_some_and(|hash| hash.starts_with("RIHS01_") && hash.len() == 71);
    if !is_hash || written != read {
        return Err(Failure::Mismatch(format!(
            "the writer's type has the hash {written}, the reader's {read}"
        )));
    }
    session.leave()?;
    Ok(written.as_str().unwrap_or_default().to_owned())
}

fn type_discovered(bench: &Bench) -> Result<String, Failure> {
    const ROUNDS: usize = 20;
    let shape = bench.shape().filter(|_| bench.subscriber.abilities.discovers_string_keys);
    let shaped = shape.is_some();
    let options = match shape {
        // With what the content filters of others need, Fast DDS describes its type.
        Some(shape) => {
            shape.publisher("--instances", 3).publisher("--payload", 300).publisher("--filter", "x >= 0")
        }
        None => bench.keyed().map_or_else(|| bench.plain(), |keyed| keyed.publisher("--instances", 3)),
    };
    let mut session = bench.start_both(&options.subscriber("--type", "discovered"))?;
    session.write(ROUNDS)?;
    let count = session.expect_all_by(if shaped { "color" } else { "id" }, ARRIVE)?;
    session.leave()?;
    Ok(format!("{count} samples of a type that was asked for"))
}

pub(crate) fn no_common(what: &str) -> Failure {
    Failure::Harness(format!("the two peers have no common representation of {what}"))
}
