//! Policies changed at run time. PARTITION and DEADLINE by our side: the peer is told by discovery, and both sides
//! unmatch and match again. OWNERSHIP_STRENGTH and LIFESPAN by the writing side, whoever it is: the reader acts on it.

use crate::failure::Failure;
use crate::process::Event;
use crate::results::Direction;
use crate::scenario::{expect_announced, no_common};
use crate::session::{ARRIVE, Bench, MATCH, Options, Session, Side, same, values};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// PARTITION: to one that the peer is not in, and back.
pub fn partition(bench: &Bench) -> Result<String, Failure> {
    let options = bench.plain().both("--partition", "here");
    apart_and_together(bench, &options, None, "partition", ["elsewhere", "here"])
}

/// DEADLINE: to a period with which the pair is incompatible, and back.
pub fn deadline(bench: &Bench) -> Result<String, Failure> {
    // Offered is what is requested, or less.
    let options = bench.plain().publisher("--deadline-ms", 20_000).subscriber("--deadline-ms", 30_000);
    let values = match direction(bench) {
        Direction::To => ["40000", "20000"],
        Direction::From => ["10000", "30000"],
    };
    apart_and_together(bench, &options, Some("DEADLINE"), "deadline-ms", values)
}

fn direction(bench: &Bench) -> Direction {
    if bench.publisher.is_own() { Direction::To } else { Direction::From }
}

/// Changes a policy of our side to the first value and to the second.
fn apart_and_together(
    bench: &Bench,
    options: &Options,
    reported: Option<&str>,
    policy: &str,
    [apart, together]: [&str; 2],
) -> Result<String, Failure> {
    let mut session = bench.start_both(options)?;
    session.write(3)?;
    session.expect_all(ARRIVE)?;
    let marks = [session.publisher.process.mark(), session.subscriber.process.mark()];
    change(own(bench, &mut session), policy, apart)?;
    for (side, mark) in [&session.publisher, &session.subscriber].into_iter().zip(marks) {
        side.process.wait_event("unmatched", mark, MATCH)?;
        if let Some(reported) = reported {
            side.process.wait_for(&format!("incompatible {reported}"), MATCH, |events| {
                let mut events = events.iter().skip(mark);
                events.find(|event| event.is("incompatible_qos", "policy", &json!(reported))).map(drop)
            })?;
        }
    }
    session.write(2)?;
    let marks = [session.publisher.process.mark(), session.subscriber.process.mark()];
    change(own(bench, &mut session), policy, together)?;
    for (side, mark) in [&session.publisher, &session.subscriber].into_iter().zip(marks) {
        side.process.wait_event("matched", mark, MATCH)?;
    }
    // What was written meanwhile is not for the reader, which is volatile: it would stand among what is compared.
    let Session { publisher, subscriber, .. } = session;
    let mut session = bench.session(publisher, subscriber, MATCH)?;
    session.write(5)?;
    let count = session.expect_all(ARRIVE)?;
    session.leave()?;
    Ok(format!("unmatched, and matched again: {count} samples"))
}

fn own<'a>(bench: &Bench, session: &'a mut Session) -> &'a mut Side {
    match direction(bench) {
        Direction::To => &mut session.publisher,
        Direction::From => &mut session.subscriber,
    }
}

fn change(side: &mut Side, policy: &str, value: impl std::fmt::Display) -> Result<(), Failure> {
    side.ask(&format!("set {policy} {value}"))
}

/// OWNERSHIP_STRENGTH: two writers of an instance, the one or the other stronger.
pub fn ownership_strength(bench: &Bench) -> Result<String, Failure> {
    let shape = bench.shape().ok_or_else(|| no_common("ShapeType"))?;
    let options = shape.both("--ownership-strength", 0);
    let subscriber = bench.start_subscriber(&options)?;
    let writer = |index: u64, strength: i32| {
        let options = options.clone().publisher("--ownership-strength", strength);
        bench.start_publisher(&options.publisher("--payload", told_by(index)))
    };
    let publishers = [writer(0, 5)?, writer(1, 3)?];
    for publisher in &publishers {
        publisher.process.wait_event("matched", 0, MATCH)?;
    }
    subscriber.process.wait_for("both writers", MATCH, |events| {
        events.iter().find(|event| event.is("matched", "count", &json!(2))).map(drop)
    })?;
    let mut rivals = Rivals { publishers, subscriber };
    rivals.expect_owner(0)?;
    for (changed, strength, owner) in [(0, 1, 1), (0, 9, 0), (1, 12, 1), (1, 2, 0)] {
        change(&mut rivals.publishers[changed], "ownership-strength", strength)?;
        rivals.expect_owner(owner).map_err(|failure| match failure {
            Failure::Mismatch(text) => Failure::Mismatch(format!("strength {strength}: {text}")),
            Failure::Timeout(text) => Failure::Timeout(format!("strength {strength}: {text}")),
            other => other,
        })?;
    }
    let Rivals { publishers: [one, other], subscriber } = rivals;
    one.leave()?;
    other.leave()?;
    subscriber.leave()?;
    Ok("handed over four times: the owner weakened, the other strengthened, of each writer".to_owned())
}

/// How often each of two writers writes, at a time.
const ROUNDS: usize = 10;

/// The length of what a writer writes.
fn told_by(writer: u64) -> u64 {
    (writer + 1) * 10
}

/// Two writers of one instance, told apart by the length of what they write, and a reader.
struct Rivals {
    publishers: [Side; 2],
    subscriber: Side,
}

impl Rivals {
    /// Has both write until the reader takes samples of `owner`; from the first on it takes those alone.
    fn expect_owner(&mut self, owner: u64) -> Result<(), Failure> {
        let whose = |event: &Event| event.json["value"]["payload_len"].as_u64();
        let of_owner = |event: &Event| whose(event) == Some(told_by(owner));
        let end = Instant::now() + MATCH;
        let first = loop {
            let mark = self.subscriber.process.mark();
            self.write()?;
            let taken =
                self.subscriber.process.wait_for("the owner's", Duration::from_millis(500), |events| {
                    events.iter().skip(mark).position(of_owner)
                });
            match taken {
                Ok(position) => break mark + position,
                Err(Failure::Timeout(_)) if Instant::now() < end => {}
                Err(failure) => return Err(failure),
            }
        };
        let mark = self.subscriber.process.mark();
        self.write()?;
        self.subscriber.process.wait_for(&format!("{ROUNDS} of the owner"), ARRIVE, |events| {
            (events.iter().skip(mark).filter(|event| of_owner(event)).count() >= ROUNDS).then_some(())
        })?;
        let events = self.subscriber.process.events();
        let wrong = events.iter().skip(first).find(|event| event.name() == "sample" && !of_owner(event));
        match wrong {
            Some(wrong) => Err(Failure::Mismatch(format!("heard from who does not own: {}", wrong.json))),
            None => Ok(()),
        }
    }

    /// Both at once: a peer whose heartbeats are rare has long to wait until it is done.
    fn write(&mut self) -> Result<(), Failure> {
        let marks = self.publishers.each_ref().map(|publisher| publisher.process.mark());
        for publisher in &mut self.publishers {
            publisher.process.command(&format!("write {ROUNDS}"))?;
        }
        for (publisher, mark) in self.publishers.iter().zip(marks) {
            publisher.process.wait_event("done", mark, ARRIVE)?;
        }
        Ok(())
    }
}

/// LIFESPAN: a short one ends what is then written, before a reader that waits takes it and before a late one comes.
pub fn lifespan(bench: &Bench) -> Result<String, Failure> {
    let late = lifespan_for_late_readers(bench)?;
    if !bench.subscriber.abilities.applies_announced_lifespan {
        return Ok(format!("{late}; the peer's reader applies a LIFESPAN of its own only"));
    }
    let mut session = bench.start_both(&bench.plain().publisher("--lifespan-ms", LONG.as_millis()))?;
    let mut kept = 0;
    for (lifespan, lives) in [(LONG, true), (SHORT, false), (LONG, true)] {
        change_lifespan(&mut session.publisher, lifespan)?;
        let announced = json!({"lifespan_ms": lifespan.as_millis() as u64});
        expect_announced(&mut session.subscriber, &announced)?;
        session.subscriber.ask("hold")?;
        let mark = session.subscriber.process.mark();
        session.write(HELD)?;
        outlive(&session.subscriber);
        session.subscriber.ask("take")?;
        let taken = values(&session.subscriber.process.events()[mark..], "sample").len();
        if taken != if lives { HELD } else { 0 } {
            return Err(Failure::Mismatch(format!("{taken} of {HELD} samples with {lifespan:?}")));
        }
        kept += taken;
    }
    session.leave()?;
    Ok(format!("{late}; a reader that waited took {kept} that live long and none of {HELD} that do not"))
}

const HELD: usize = 3;
const SHORT: Duration = Duration::from_millis(400);
const LONG: Duration = Duration::from_secs(60);

fn change_lifespan(publisher: &mut Side, lifespan: Duration) -> Result<(), Failure> {
    change(publisher, "lifespan-ms", lifespan.as_millis())
}

/// Lets the short lifespan pass.
fn outlive(side: &Side) {
    // Nothing is printed meanwhile: it only passes the time.
    let _ = side.process.wait_for("", SHORT * 2, |_| None::<()>);
}

fn lifespan_for_late_readers(bench: &Bench) -> Result<String, Failure> {
    let options = bench.plain().both("--durability", "transient-local");
    let mut publisher =
        bench.start_publisher(&options.clone().publisher("--lifespan-ms", LONG.as_millis()))?;
    change_lifespan(&mut publisher, SHORT)?;
    publisher.ask(&format!("write {HELD}"))?;
    outlive(&publisher);
    let expired = publisher.sent();
    change_lifespan(&mut publisher, LONG)?;
    publisher.ask(&format!("write {HELD}"))?;
    let kept = publisher.sent().split_off(expired.len());
    let subscriber = bench.start_subscriber(&options)?;
    let all = |events: &[Event], wanted: &[Value]| {
        let received = values(events, "sample");
        wanted.iter().all(|value| received.iter().any(|received| same(received, value))).then_some(())
    };
    subscriber.process.wait_for("what was kept", MATCH, |events| all(events, &kept))?;
    let received = subscriber.received();
    if let Some(value) = received.iter().find(|value| expired.iter().any(|expired| same(expired, value))) {
        return Err(Failure::Mismatch(format!("a late reader got what had ended: {value}")));
    }
    publisher.leave()?;
    subscriber.leave()?;
    Ok(format!("a late reader got {} that live long and none of {HELD} that do not", kept.len()))
}
