//! From the creation of participants until they are matched, and what they cost when idle.

use std::{thread, time::Duration};

use crate::{
    Failure,
    child::{PATIENCE, Running, Usage, number},
    namespace::Namespace,
    options::Delivery,
    results::{Fifty, Startup},
    stacks::{CYCLONE, CYCLONE_11, OURS, Stack},
};

/// Creations and matches of ends, in milliseconds: from the last creation to the last match.
fn last_to_last(ends: &[Running]) -> Result<f64, Failure> {
    let (mut created, mut matched) = (0, 0);
    for end in ends {
        let line = end.expect("matched", PATIENCE)?;
        created = created.max(number(&line, "created_ns")?);
        matched = matched.max(number(&line, "matched_ns")?);
    }
    Ok(matched.saturating_sub(created) as f64 / 1e6)
}

fn start(namespace: &Namespace, stack: &Stack, role: &str, peers: usize) -> Result<Running, Failure> {
    let mut command = stack.command(namespace, None, role, Delivery::WaitSet, &[]);
    Running::start(command.args(["--peers", &peers.to_string()]))
}

fn pair(namespace: &Namespace, stack: &Stack, situation: &str) -> Result<f64, Failure> {
    let first = start(namespace, stack, "subscribe", 1)?;
    if situation == "joining" {
        // Past its first, more frequent announcements.
        thread::sleep(Duration::from_millis(300));
    }
    let ends = [first, start(namespace, stack, "publish", 1)?];
    let milliseconds = last_to_last(&ends)?;
    ends.into_iter().try_for_each(Running::finish)?;
    Ok(milliseconds)
}

fn ten(namespace: &Namespace, stack: &Stack) -> Result<f64, Failure> {
    let ends: Vec<Running> =
        (0..10).map(|_| start(namespace, stack, "announce", 10)).collect::<Result<_, _>>()?;
    let milliseconds = last_to_last(&ends)?;
    ends.into_iter().try_for_each(Running::finish)?;
    Ok(milliseconds)
}

/// `starts` times two processes, and a tenth as often ten processes, interleaved with Cyclone DDS.
pub fn startup(namespace: &Namespace, stacks: &[Stack], starts: usize) -> Result<Vec<Startup>, Failure> {
    let stacks = || stacks.iter().filter(|stack| stack.is_any_of(&[OURS, CYCLONE, CYCLONE_11]));
    let mut results: Vec<Startup> = Vec::new();
    for (situation, repetitions) in [("joining", starts), ("together", starts), ("ten", starts / 10)] {
        for _ in 0..repetitions {
            for stack in stacks() {
                let milliseconds = match situation {
                    "ten" => ten(namespace, stack)?,
                    _ => pair(namespace, stack, situation)?,
                };
                let known = results
                    .iter_mut()
                    .find(|known| known.stack == stack.name && known.situation == situation);
                match known {
                    Some(known) => known.milliseconds.push(milliseconds),
                    None => results.push(Startup {
                        stack: stack.name.to_owned(),
                        situation: situation.to_owned(),
                        milliseconds: vec![milliseconds],
                    }),
                }
            }
        }
    }
    Ok(results)
}

/// Fifty participants in fifty processes, each with a writer and a reader of one topic.
pub fn fifty(namespace: &Namespace, ours: &Stack, idle: Duration) -> Result<Fifty, Failure> {
    const PROCESSES: usize = 50;
    let ends: Vec<Running> =
        (0..PROCESSES).map(|_| start(namespace, ours, "announce", PROCESSES)).collect::<Result<_, _>>()?;
    let (mut created, mut matched) = (u64::MAX, 0);
    for end in &ends {
        let line = end.expect("matched", Duration::from_secs(60))?;
        created = created.min(number(&line, "created_ns")?);
        matched = matched.max(number(&line, "matched_ns")?);
    }
    // Matched from each end's own view; others may still be at it.
    thread::sleep(Duration::from_secs(3));
    let usages = || ends.iter().map(Running::usage).collect::<Result<Vec<Usage>, Failure>>();
    let before = usages()?;
    thread::sleep(idle);
    let after = usages()?;
    let spent: u64 = after.iter().zip(&before).map(|(after, before)| after.since(before)).sum();
    let resident: u64 = after.iter().map(|usage| usage.resident_kib).sum();
    ends.into_iter().try_for_each(Running::finish)?;
    Ok(Fifty {
        processes: PROCESSES,
        all_matched_seconds: matched.saturating_sub(created) as f64 / 1e9,
        idle_seconds: idle.as_secs_f64(),
        idle_share_percent: 100.0 * spent as f64 / idle.as_nanos() as f64,
        resident_mib: resident as f64 / 1024.0,
    })
}
