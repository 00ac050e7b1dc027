//! PRESENTATION between us and stacks that announce it, but write no coherent sets and put none together.

use super::policies::refused_by_those_who_compare;
use crate::failure::Failure;
use crate::session::{ARRIVE, Bench, Session};

const SCOPES: [&str; 3] = ["instance", "topic", "group"];

/// Both sides coherent and ordered at each scope; then a request beyond what is offered.
pub(super) fn every_scope(bench: &Bench) -> Result<String, Failure> {
    let mut shown = Vec::new();
    for scope in SCOPES {
        let mut session = bench.start_both(&bench.plain().both("--presentation", scope))?;
        session.write(10)?;
        session.expect_all(ARRIVE)?;
        session.leave()?;
        shown.push(scope);
    }
    let options = bench.plain().subscriber("--presentation", "topic");
    let refused = refused_by_those_who_compare(bench, &options, "PRESENTATION")?;
    Ok(format!("{}; {refused}", shown.join(", ")))
}

/// Two sets of three rounds and a round of its own.
fn write_sets(session: &mut Session) -> Result<(), Failure> {
    for _ in 0..2 {
        session.ask("begin")?;
        session.write(3)?;
        session.ask("end")?;
    }
    session.write(1)
}

/// Ours writes sets, at every scope; where the peer writes, ours asks for sets and gets single samples.
pub(super) fn coherent_sets(bench: &Bench) -> Result<String, Failure> {
    let Some(keyed) = bench.keyed() else { return Err(super::no_common("FinalKeyed")) };
    let mut count = 0;
    for scope in SCOPES {
        let mut options = keyed
            .clone()
            .both("--durability", "transient-local")
            .publisher("--presentation", scope)
            .publisher("--instances", 2);
        if bench.subscriber.is_own() {
            options = options.subscriber("--presentation", scope);
        }
        let mut session = bench.start_both(&options)?;
        if bench.publisher.is_own() {
            write_sets(&mut session)?
        } else {
            session.write(7)?
        }
        count += session.expect_all_by("id", ARRIVE)?;
        let Session { publisher, subscriber, .. } = session;
        subscriber.leave()?;
        let late = bench.start_subscriber(&options)?;
        let mut session = bench.session(publisher, late, crate::session::MATCH)?;
        session.expect_history();
        if bench.publisher.is_own() {
            write_sets(&mut session)?;
        }
        count += session.expect_all_by("id", ARRIVE)?;
        session.leave()?;
    }
    Ok(format!("{count} samples at {} scopes, half of them to late joiners", SCOPES.len()))
}
