//! What the machine does without any DDS: the limit that the others are compared with.

use std::{path::Path, process::Command};

use crate::{
    Failure,
    child::{PATIENCE, Running, Usage, number},
    exchange::Placement,
    namespace::Namespace,
    results::Limit,
};

/// Runs the raw UDP example in one mode; `None` where a payload does not fit a datagram.
pub fn measure(
    namespace: &Namespace,
    program: &Path,
    kind: &str,
    placement: Placement,
    payload: usize,
    run: usize,
    seconds: f64,
) -> Result<Option<Limit>, Failure> {
    if payload > 65_000 || (kind == "gso-stream" && payload > 32_000) {
        return Ok(None);
    }
    // Both ends are threads of one process here.
    let cores = placement.core_list();
    let _spinners = placement.spinners()?;
    let mut command: Command = namespace.command(None);
    command.args(["taskset", "-c", &cores]).arg(program);
    let output = command.args([kind, &payload.to_string(), &seconds.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value = figure(&text, if kind == "ping-pong" { "p50 " } else { "B: " });
    let value = value.ok_or_else(|| format!("raw_udp {kind} {payload}: {text}"))?;
    Ok(Some(Limit { kind: kind.to_owned(), placement: placement.name().to_owned(), payload, run, value }))
}

/// What sleeping between samples costs by itself, in µs of processor time for each.
pub const PACING: &str = "pacing";
/// What that costs together with waking another process by a byte in a pipe, both processes.
pub const WAKING: &str = "waking";
/// Both.
pub const OF_PACE: [&str; 2] = [PACING, WAKING];
/// Bytes of the samples that are sent at a given rate.
pub const PACED_PAYLOAD: usize = 64;

/// The end that sends `rate` samples a second, without sending any; where `kind` is [`WAKING`], with another process
/// that it wakes each time.
pub fn paced(
    namespace: &Namespace,
    kind: &str,
    rate: u32,
    placement: Placement,
    run: usize,
    seconds: f64,
) -> Result<Limit, Failure> {
    let (core, other) = placement.cores();
    let mut command = namespace.command(Some(core));
    command.arg(std::env::current_exe()?).arg(if kind == WAKING { "wake" } else { "pace" });
    let pace = (1_000_000 / rate).to_string();
    command.args(["--pace-us", &pace, "--seconds", &seconds.to_string(), "--core", &other.to_string()]);
    let mut end = Running::start(&mut command)?;
    let line = end.expect("matched", PATIENCE)?;
    let mut processes = vec![end.id()];
    if kind == WAKING {
        processes.push(number(&line, "woken")?.try_into()?);
    }
    let used = || processes.iter().copied().map(Usage::of).collect::<Result<Vec<_>, _>>();
    let before = used()?;
    end.go()?;
    let line = end.expect("result", PATIENCE)?;
    let spent: u64 = used()?.iter().zip(&before).map(|(now, before)| now.since(before)).sum();
    let value = spent as f64 / 1e3 / number(&line, "samples")?.max(1) as f64;
    end.finish()?;
    let (kind, placement) = (kind.to_owned(), placement.name().to_owned());
    Ok(Limit { kind, placement, payload: PACED_PAYLOAD, run, value })
}

/// The number after `label`.
fn figure(text: &str, label: &str) -> Option<f64> {
    let (_, rest) = text.split_once(label)?;
    rest.split_whitespace().next()?.trim_end_matches(',').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn figures_follow_their_label() {
        assert_eq!(figure("64 B: 10 round trips, p50 14.7 µs, p90 15.0 µs", "p50 "), Some(14.7));
        assert_eq!(figure("64 B: 252 thousand datagrams/s", "B: "), Some(252.0));
    }
}
