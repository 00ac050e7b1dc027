//! Policies that our side changes at run time: the peer is told by discovery, and both sides unmatch and match again.

use crate::failure::Failure;
use crate::results::Direction;
use crate::session::{ARRIVE, Bench, MATCH, Options, Session, Side};
use serde_json::json;

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

fn change(side: &mut Side, policy: &str, value: &str) -> Result<(), Failure> {
    let mark = side.process.mark();
    side.process.command(&format!("set {policy} {value}"))?;
    side.process.wait_event("done", mark, ARRIVE).map(drop)
}
