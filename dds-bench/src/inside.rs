//! Writer and reader in one process: what a sample costs, and how fast it passes from thread to thread.

use std::{
    hint::black_box,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use dds_bench::BenchSample;
use dds_core::{DataReader, DataWriter, DomainParticipant, qos::Duration as DdsDuration, sample::Sample};

use crate::{
    Failure,
    child::number,
    exchange::Placement,
    namespace::Namespace,
    options::{Delivery, Options},
    results::Inside,
    role::settled,
    stacks::Stack,
};

/// What stands for a stack where there is none.
pub const BARE: &str = "bare condition variable";

/// Measures one stack, or with `None` two threads that share nothing but a condition variable.
pub fn measure(
    namespace: &Namespace,
    stack: Option<&Stack>,
    placement: Placement,
    run: usize,
    seconds: f64,
) -> Result<Inside, Failure> {
    let _spinners = placement.spinners()?;
    let cores = placement.core_list();
    let prefix = ["taskset", "-c", &cores];
    let mut command = match stack {
        Some(stack) => stack.command(namespace, None, "inside", Delivery::WaitSet, &prefix),
        None => {
            let mut command = namespace.command(None);
            command.args(prefix).arg(std::env::current_exe()?).arg("hand-off");
            command
        }
    };
    let output = command.args(["--payload", "64", "--seconds", &seconds.to_string()]).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.contains("\"result\""));
    let line = serde_json::from_str(line.ok_or_else(|| format!("no result in {text}"))?)?;
    let nanoseconds =
        || Ok::<_, Failure>(number(&line, "elapsed_ns")? as f64 / number(&line, "samples")? as f64);
    Ok(Inside {
        stack: stack.map_or(BARE, |stack| stack.name).to_owned(),
        placement: placement.name().to_owned(),
        run,
        ns_per_sample: stack.map(|_| nanoseconds()).transpose()?,
        hand_off_us: number(&line, "p50_ns")? as f64 / 1e3,
    })
}

fn middle(trips: &mut [u32]) -> u32 {
    let trips = settled(trips);
    trips.get(trips.len() / 2).copied().unwrap_or(0)
}

struct Pair {
    writer: DataWriter<BenchSample>,
    reader: DataReader<BenchSample>,
}

impl Pair {
    fn new(participant: &DomainParticipant, topic: &str) -> Result<Self, Failure> {
        let topic = participant.topic::<BenchSample>(topic)?;
        let reader = topic.reader().reliable().keep_all().build()?;
        let writer = topic.writer().reliable().keep_all().build()?;
        writer.wait_matched(1, DdsDuration::from_secs(10))?;
        reader.wait_matched(1, DdsDuration::from_secs(10))?;
        Ok(Self { writer, reader })
    }

    /// Waits until there is something, or `limit` is over; how many there were.
    fn await_and_take(
        &self,
        limit: DdsDuration,
        samples: &mut Vec<Sample<BenchSample>>,
    ) -> Result<usize, Failure> {
        drop(self.reader.wait_for_data(limit));
        Ok(self.reader.take_into(samples)?)
    }
}

/// The role `inside`.
pub fn run(options: &Options) -> Result<(), Failure> {
    let config = options.participant_config(false);
    let participant = DomainParticipant::builder(options.domain).config(config).build()?;
    let mut sample = BenchSample { sequence_number: 0, payload: vec![0; options.payload] };
    let duration = Duration::from_secs_f64(options.seconds);

    let pair = Pair::new(&participant, "BenchForth")?;
    let mut samples = Vec::new();
    let start = Instant::now();
    let mut count = 0_u64;
    while !count.is_multiple_of(64) || start.elapsed() < duration {
        pair.writer.write(&sample)?;
        pair.reader.take_into(&mut samples)?;
        count += samples.len() as u64;
        black_box(&samples);
        sample.sequence_number += 1;
    }
    let elapsed = start.elapsed().as_nanos();
    if count != sample.sequence_number {
        return Err(format!("{count} samples arrived of {}", sample.sequence_number).into());
    }

    let (forth, back) =
        (Arc::new(Pair::new(&participant, "HandForth")?), Arc::new(Pair::new(&participant, "HandBack")?));
    let stop = Arc::new(AtomicBool::new(false));
    let echo = {
        let (forth, back, stop) = (forth.clone(), back.clone(), stop.clone());
        move || -> Result<(), Failure> {
            let mut samples = Vec::new();
            while !stop.load(Ordering::Acquire) {
                forth.await_and_take(DdsDuration::from_millis(100), &mut samples)?;
                for data in samples.iter().filter_map(Sample::data) {
                    back.writer.write(data)?;
                }
            }
            Ok(())
        }
    };
    let echo = thread::Builder::new().spawn(echo)?;
    let mut trips = Vec::new();
    let start = Instant::now();
    while start.elapsed() < duration {
        let sent = Instant::now();
        forth.writer.write(&sample)?;
        while back.await_and_take(DdsDuration::from_secs(10), &mut samples)? == 0 {}
        trips.push(u32::try_from(sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    stop.store(true, Ordering::Release);
    echo.join().map_err(|_| "the thread that echoes failed")??;
    println!(
        r#"{{"event":"result","samples":{count},"elapsed_ns":{elapsed},"p50_ns":{}}}"#,
        middle(&mut trips)
    );
    Ok(())
}

/// The role `hand-off`: whose turn it is passes between two threads.
pub fn hand_off(options: &Options) -> Result<(), Failure> {
    #[derive(PartialEq)]
    enum Turn {
        Here,
        There,
        Over,
    }
    let shared = Arc::new((Mutex::new(Turn::Here), Condvar::new()));
    let pass = |shared: &(Mutex<Turn>, Condvar), from: Turn, to: Turn| {
        let mut turn = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *turn != from {
            if *turn == Turn::Over {
                return false;
            }
            turn = shared.1.wait(turn).unwrap_or_else(PoisonError::into_inner);
        }
        *turn = to;
        shared.1.notify_one();
        true
    };
    let other = shared.clone();
    let echo = thread::Builder::new().spawn(move || while pass(&other, Turn::There, Turn::Here) {})?;
    let mut trips = Vec::new();
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < options.seconds {
        let sent = Instant::now();
        pass(&shared, Turn::Here, Turn::There);
        let turn = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        drop(shared.1.wait_while(turn, |turn| *turn != Turn::Here));
        trips.push(u32::try_from(sent.elapsed().as_nanos()).unwrap_or(u32::MAX));
    }
    *shared.0.lock().unwrap_or_else(PoisonError::into_inner) = Turn::Over;
    shared.1.notify_one();
    echo.join().map_err(|_| "the other thread failed")?;
    println!(r#"{{"event":"result","p50_ns":{}}}"#, middle(&mut trips));
    Ok(())
}
