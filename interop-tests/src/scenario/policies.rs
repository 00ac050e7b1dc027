//! Policies, as each stack shows those of the other and lets them decide.

use super::refused;
use crate::failure::Failure;
use crate::process::Event;
use crate::session::{ARRIVE, Bench, MATCH, Options, Session, Side};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long to wait before asking again.
const AGAIN: Duration = Duration::from_millis(100);

/// Asks until a matched endpoint of the other side announces `wanted`.
pub(crate) fn expect_announced(side: &mut Side, wanted: &Value) -> Result<(), Failure> {
    let deadline = Instant::now() + MATCH;
    loop {
        let mark = side.process.mark();
        side.ask("peers")?;
        let events = side.process.events();
        let seen: Vec<&Event> = events.iter().skip(mark).filter(|event| event.name() == "peer").collect();
        let fits = |event: &&Event| {
            wanted.as_object().is_some_and(|members| {
                members.iter().all(|(name, value)| event.json.get(name) == Some(value))
            })
        };
        if seen.iter().any(fits) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let seen: Vec<String> = seen.iter().map(|event| event.json.to_string()).collect();
            let label = side.process.label();
            return Err(Failure::Mismatch(format!("{label} sees {}, not {wanted}", seen.join(" "))));
        }
        // Nothing is printed meanwhile: it only passes the time.
        let _ = side.process.wait_for("", AGAIN, |_| None::<()>);
    }
}

/// What is announced of an endpoint that was given all, but for what it hides.
fn data(prefix: &str, hidden: &[&str]) -> Value {
    let told = DATA.iter().filter(|which| !hidden.contains(which));
    told.map(|which| (format!("{which}_data"), json!(format!("{prefix}-{which}")))).collect()
}

const DATA: [&str; 3] = ["user", "topic", "group"];

pub(super) fn seen_data(bench: &Bench) -> Result<String, Failure> {
    let mut options = bench.plain();
    for which in DATA {
        let option = format!("--{which}-data");
        options = options.publisher(&option, format!("w-{which}")).subscriber(&option, format!("r-{which}"));
    }
    let mut session = bench.start_both(&options)?;
    expect_announced(&mut session.publisher, &data("r", bench.subscriber.abilities.readers_hide))?;
    expect_announced(&mut session.subscriber, &data("w", &[]))?;
    // One after the other, so that none travels with the change of another.
    for (stack, prefix, of_publisher) in [(bench.publisher, "w2", true), (bench.subscriber, "r2", false)] {
        for which in DATA.iter().filter(|which| !stack.abilities.fixed_data.contains(which)) {
            let Session { publisher, subscriber, .. } = &mut session;
            let (changing, seeing) =
                if of_publisher { (publisher, subscriber) } else { (subscriber, publisher) };
            changing.ask(&format!("{which}-data {prefix}-{which}"))?;
            let mut wanted = serde_json::Map::new();
            wanted.insert(format!("{which}_data"), json!(format!("{prefix}-{which}")));
            expect_announced(seeing, &Value::Object(wanted))?;
        }
    }
    session.write(3)?;
    session.expect_all(ARRIVE)?;
    session.leave()?;
    let fixed = [bench.publisher, bench.subscriber].map(|stack| stack.abilities.fixed_data);
    Ok(match fixed.concat().as_slice() {
        [] => "all three, and their changes".to_owned(),
        fixed => format!("all three, and their changes but of {} data", fixed.join(", ")),
    })
}

/// Matches, sees what the other side announces, and exchanges samples.
fn accepted(bench: &Bench, options: &Options, of_writer: &Value, of_reader: &Value) -> Result<(), Failure> {
    let mut session = bench.start_both(options)?;
    expect_announced(&mut session.subscriber, of_writer)?;
    expect_announced(&mut session.publisher, of_reader)?;
    session.write(10)?;
    session.expect_all(ARRIVE)?;
    session.leave()
}

/// An offer below the request: reported on both sides, or by us alone where the peer does not compare.
pub(super) fn refused_by_those_who_compare(
    bench: &Bench,
    options: &Options,
    policy: &'static str,
) -> Result<String, Failure> {
    let compares = |stack: &crate::peer::Peer| !stack.abilities.ignores.contains(&policy);
    if compares(bench.publisher) && compares(bench.subscriber) {
        return refused(bench, options, policy);
    }
    let subscriber = bench.start_subscriber(options)?;
    let mut publisher = bench.start_publisher(options)?;
    let ours = if compares(bench.publisher) { &publisher } else { &subscriber };
    super::expect_refusal(ours, policy)?;
    publisher.ask("write 3")?;
    publisher.leave()?;
    if !subscriber.received().is_empty() {
        return Err(Failure::Mismatch("a sample arrived all the same".to_owned()));
    }
    subscriber.leave()?;
    Ok(format!("{policy} reported by us; the peer does not compare it; nothing arrived"))
}

pub(super) fn latency_budget(bench: &Bench) -> Result<String, Failure> {
    let budgets = |writer: u32, reader: u32| {
        bench.plain().publisher("--latency-budget-ms", writer).subscriber("--latency-budget-ms", reader)
    };
    accepted(bench, &budgets(20, 70), &json!({"latency_budget_ms": 20}), &json!({"latency_budget_ms": 70}))?;
    refused_by_those_who_compare(bench, &budgets(70, 20), "LATENCY_BUDGET")
}

pub(super) fn destination_order(bench: &Bench) -> Result<String, Failure> {
    let orders = |writer: &str, reader: &str| {
        bench.plain().publisher("--destination-order", writer).subscriber("--destination-order", reader)
    };
    let by_source = json!({"destination_order": "source"});
    accepted(bench, &orders("source", "source"), &by_source, &by_source)?;
    refused_by_those_who_compare(bench, &orders("reception", "source"), "DESTINATION_ORDER")
}

pub(super) fn resource_limits(bench: &Bench) -> Result<String, Failure> {
    const ROOM: usize = 5;
    let mut options = bench.plain().publisher("--period-ms", 0).publisher("--max-samples", ROOM);
    if bench.subscriber.is_own() {
        options = options.subscriber("--max-samples", ROOM);
    }
    super::write_and_compare(bench, &options, 200)
}

pub(super) fn manual_liveliness(bench: &Bench) -> Result<String, Failure> {
    const LEASE: Duration = Duration::from_millis(600);
    let options = bench.plain().both("--manual-lease-ms", LEASE.as_millis());
    let mut session = bench.start_both(&options)?;
    session.write(1)?;
    let alive = |events: &[Event], mark: usize, alive: u32| {
        // Not the last one alone: on a busy machine it may be lost again by now.
        let told =
            events.iter().skip(mark).any(|event| event.is("liveliness_changed", "alive", &json!(alive)));
        told.then_some(())
    };
    let written = Instant::now();
    session.publisher.process.wait_event("liveliness_lost", 0, ARRIVE)?;
    let reader = &session.subscriber.process;
    reader.wait_for("not alive", ARRIVE, |events| alive(events, 0, 0))?;
    let silence = written.elapsed();
    let mark = reader.mark();
    session.write(1)?;
    session.subscriber.process.wait_for("alive again", ARRIVE, |events| alive(events, mark, 1))?;
    session.expect_all(ARRIVE)?;
    session.leave()?;
    Ok(format!("lost after {:.1} s of silence, lease {:.1} s", silence.as_secs_f64(), LEASE.as_secs_f64()))
}
