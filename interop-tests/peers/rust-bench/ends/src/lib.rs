//! What the ends of `dds-bench` have in common, whichever stack they are on.
//!
//! They speak as `dds-bench/src/role.rs` does: print when they are matched, wait for a line, work, print the
//! result, end at the end of standard input. Samples begin with their number.

use std::io::BufRead;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// What the command line says; the rest of what `dds-bench` may pass is of no use here.
pub struct Options {
    /// `ping`, `pong`, `publish` or `subscribe`.
    pub role: String,
    /// Bytes of payload per sample.
    pub payload: usize,
    pub seconds: f64,
}

impl Options {
    pub fn from_arguments() -> Result<Self, AnyError> {
        use lexopt::prelude::*;
        let mut options = Options { role: String::new(), payload: 64, seconds: 0.4 };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Value(role) => options.role = role.string()?,
                Long("payload") => options.payload = parser.value()?.parse()?,
                Long("seconds") => options.seconds = parser.value()?.parse()?,
                Long("listener") => {}
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// Tells that the endpoints have matched, and waits until the work may begin; `false` when it never does.
pub fn matched() -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    println!(r#"{{"event":"matched","created_ns":{now},"matched_ns":{now}}}"#);
    std::io::stdin().lock().lines().next().is_some()
}

/// Returns at the end of standard input.
pub fn until_input_ends() {
    std::io::stdin().lock().lines().for_each(drop);
}

/// Writes until the time is over, tells what became of it, and returns at the end of standard input.
pub fn publish(
    options: &Options,
    mut send: impl FnMut(u64) -> Result<(), AnyError>,
    wait_for_acknowledgments: impl FnOnce() -> bool,
) -> Result<(), AnyError> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(options.seconds);
    let mut number = 0_u64;
    loop {
        send(number)?;
        number += 1;
        if (options.payload > 8192 || number.is_multiple_of(16)) && Instant::now() >= end {
            break;
        }
    }
    let elapsed = start.elapsed().as_nanos();
    let acknowledged = wait_for_acknowledgments();
    println!(r#"{{"event":"result","samples":{number},"elapsed_ns":{elapsed},"acknowledged":{acknowledged}}}"#);
    until_input_ends();
    Ok(())
}

/// Sends the next sample when the last one is back; `exchange` sends one and waits for it.
pub fn ping(
    options: &Options,
    mut exchange: impl FnMut(u64) -> Result<(), AnyError>,
) -> Result<(), AnyError> {
    let mut trips: Vec<u32> = Vec::with_capacity(1 << 22);
    let end = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut sent = Instant::now();
    while sent < end {
        exchange(trips.len() as u64)?;
        let now = Instant::now();
        trips.push(u32::try_from((now - sent).as_nanos()).unwrap_or(u32::MAX));
        sent = now;
    }
    // The first tenth warms up.
    let count = trips.len();
    let trips = &mut trips[count / 10..];
    trips.sort_unstable();
    let at = |share: f64| trips[(trips.len() as f64 * share) as usize];
    println!(
        r#"{{"event":"result","samples":{count},"p50_ns":{},"p90_ns":{},"p99_ns":{}}}"#,
        at(0.5),
        at(0.9),
        at(0.99)
    );
    until_input_ends();
    Ok(())
}

/// Counts what arrives.
#[derive(Clone, Default)]
pub struct Tally(Arc<Mutex<Counted>>);

#[derive(Default)]
struct Counted {
    samples: u64,
    expected: u64,
    lost: u64,
    disordered: u64,
    span: Option<(Instant, Instant)>,
}

/// Reading the clock for each small sample would be a good part of what it costs.
const SAMPLES_PER_LOOK: u64 = 16;
/// After the writer has ended, so long without a sample means that none is on its way.
const QUIET: Duration = Duration::from_millis(100);

impl Tally {
    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One sample of this number and size.
    pub fn sample(&self, number: u64, payload: usize) {
        let mut counted = self.lock();
        counted.samples += 1;
        counted.lost += number.saturating_sub(counted.expected);
        counted.disordered += u64::from(number < counted.expected);
        counted.expected = number + 1;
        if counted.span.is_none() || payload > 1024 || counted.samples.is_multiple_of(SAMPLES_PER_LOOK) {
            let now = Instant::now();
            counted.span.get_or_insert((now, now)).1 = now;
        }
    }

    /// Prints what arrived until standard input ended and nothing more came.
    pub fn print_at_end(&self) {
        until_input_ends();
        let mut before = self.lock().samples;
        loop {
            std::thread::sleep(QUIET);
            let samples = self.lock().samples;
            if samples == before {
                break;
            }
            before = samples;
        }
        let counted = self.lock();
        let elapsed = counted.span.map_or(0, |(first, last)| (last - first).as_nanos());
        let Counted { samples, lost, disordered, .. } = &*counted;
        println!(
            r#"{{"event":"result","samples":{samples},"elapsed_ns":{elapsed},"lost":{lost},"disordered":{disordered}}}"#
        );
    }
}

/// The number that a sample begins with.
pub fn number_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |number| u64::from_le_bytes(*number))
}
