//! The ends of a benchmark on our own stack; `interop-tests/peers/bench/bench.c` is the same on Cyclone DDS.
//!
//! An end prints `{"event":"matched",…}` when its endpoints are matched, waits for a line on standard
//! input, does its work, prints its result and ends at the end of standard input.

use std::{
    cell::RefCell,
    io::BufRead,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use dds_bench::BenchSample;
use dds_core::{
    DataReader, DataWriter, DomainParticipant, ParticipantConfig,
    condition::{GuardCondition, WaitSet},
    listener::DataReaderListener,
    qos::Duration as DdsDuration,
    sample::{DataState, Sample},
    status::StatusMask,
};

use crate::{
    Failure,
    options::{Delivery, Options},
};

/// What an end does with samples.
trait Receive: Send + Sync {
    fn sample(&self, sample: &BenchSample);

    /// After the samples at hand.
    fn taken(&self) {}
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wall time, which processes of one host share.
pub fn wall_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// An end's endpoints; which ones depends on its role.
struct End {
    writer: Option<DataWriter<BenchSample>>,
    reader: Option<DataReader<BenchSample>>,
}

const FORTH: &str = "BenchForth";
const BACK: &str = "BenchBack";

impl End {
    fn new(
        participant: &DomainParticipant,
        writes: Option<&str>,
        reads: Option<&str>,
    ) -> Result<Self, Failure> {
        let writer = match writes {
            Some(name) => {
                let topic = participant.topic::<BenchSample>(name)?;
                let blocking = DdsDuration::from_secs(10);
                Some(topic.writer().reliable().keep_all().max_blocking_time(blocking).build()?)
            }
            None => None,
        };
        let reader = match reads {
            Some(name) => {
                Some(participant.topic::<BenchSample>(name)?.reader().reliable().keep_all().build()?)
            }
            None => None,
        };
        Ok(Self { writer, reader })
    }

    fn wait_matched(&self, peers: usize) -> Result<(), Failure> {
        let limit = DdsDuration::from_secs(60);
        if let Some(writer) = &self.writer {
            writer.wait_matched(peers, limit)?;
        }
        if let Some(reader) = &self.reader {
            reader.wait_matched(peers, limit)?;
        }
        Ok(())
    }
}

/// Runs the end that `options` names; `None` when they name none.
pub fn run(options: &Options) -> Option<Result<(), Failure>> {
    let (writes, reads) = match options.command.as_str() {
        "ping" => (Some(FORTH), Some(BACK)),
        "pong" => (Some(BACK), Some(FORTH)),
        "publish" => (Some(FORTH), None),
        "subscribe" => (None, Some(FORTH)),
        "announce" => (Some(FORTH), Some(FORTH)),
        "inside" => return Some(crate::inside::run(options)),
        "hand-off" => return Some(crate::inside::hand_off(options)),
        _ => return None,
    };
    if options.loans {
        return Some(crate::loans::run(options));
    }
    Some(serve(options, writes, reads))
}

fn serve(options: &Options, writes: Option<&str>, reads: Option<&str>) -> Result<(), Failure> {
    let created = wall_ns();
    let config = ParticipantConfig { shared_memory: !options.network_only, ..ParticipantConfig::default() };
    let participant = DomainParticipant::builder(options.domain).config(config).build()?;
    let end = End::new(&participant, writes, reads)?;
    end.wait_matched(options.peers)?;
    println!(r#"{{"event":"matched","created_ns":{created},"matched_ns":{}}}"#, wall_ns());

    let writer = || end.writer.clone().ok_or(Failure::from("the role has no writer"));
    let sample = BenchSample { sequence_number: 0, payload: vec![0; options.payload] };
    let ping = Arc::new(Ping::new(options, end.writer.clone(), sample.clone()));
    let tally = Arc::new(Tally::default());
    let receive: Arc<dyn Receive> = match options.command.as_str() {
        "ping" => ping.clone(),
        "pong" => Arc::new(Pong(writer()?)),
        _ => tally.clone(),
    };
    let delivered = match &end.reader {
        Some(reader) => Some(Delivered::start(reader, options.delivery, receive)?),
        None => None,
    };
    let mut lines = std::io::stdin().lock().lines();
    if lines.next().is_some() {
        match options.command.as_str() {
            "ping" => ping.run()?,
            "publish" => publish(options, &writer()?, sample)?,
            _ => {}
        }
        lines.for_each(drop);
    }
    if let Some(delivered) = delivered {
        delivered.stop();
    }
    if options.command == "subscribe" {
        tally.print();
    }
    Ok(())
}

/// Samples on their way from a reader to their receiver.
enum Delivered {
    Listener(DataReader<BenchSample>, Arc<OnData>),
    Blocking(Arc<AtomicBool>, thread::JoinHandle<()>),
    WaitSet(GuardCondition, thread::JoinHandle<()>),
}

struct OnData {
    receive: Arc<dyn Receive>,
    /// Held while samples are given to the receiver.
    taking: Mutex<()>,
}

impl OnData {
    fn take(&self, reader: &DataReader<BenchSample>) {
        let _taking = lock(&self.taking);
        take_all(reader, &*self.receive);
    }
}

impl DataReaderListener<BenchSample> for OnData {
    fn on_data_available(&self, reader: &DataReader<BenchSample>) {
        self.take(reader);
    }
}

thread_local! {
    static TAKEN: RefCell<Vec<Sample<BenchSample>>> = const { RefCell::new(Vec::new()) };
}

fn take_all(reader: &DataReader<BenchSample>, receive: &dyn Receive) {
    let mut samples = TAKEN.take();
    if reader.take_into(&mut samples).is_err() {
        return;
    }
    for sample in &samples {
        if let Some(data) = sample.data() {
            receive.sample(data);
        }
    }
    if !samples.is_empty() {
        receive.taken();
    }
    TAKEN.set(samples);
}

impl Delivered {
    fn start(
        reader: &DataReader<BenchSample>,
        delivery: Delivery,
        receive: Arc<dyn Receive>,
    ) -> Result<Self, Failure> {
        let reader = reader.clone();
        if delivery == Delivery::Listener {
            let listener = Arc::new(OnData { receive, taking: Mutex::default() });
            reader.set_listener(Some(listener.clone()), StatusMask::DATA_AVAILABLE);
            return Ok(Self::Listener(reader, listener));
        }
        if delivery == Delivery::Blocking {
            let stop = Arc::new(AtomicBool::new(false));
            let stopped = stop.clone();
            // Looks whether to stop between two waits; `stop` cannot interrupt one.
            let limit = DdsDuration::from_millis(100);
            let serve = move || {
                while !stopped.load(Ordering::Acquire) {
                    drop(reader.wait_for_data(limit));
                    take_all(&reader, &*receive);
                }
                take_all(&reader, &*receive);
            };
            return Ok(Self::Blocking(stop, thread::Builder::new().spawn(serve)?));
        }
        let guard = GuardCondition::new();
        let stop = guard.clone();
        let wait_set = WaitSet::new();
        wait_set.attach(reader.read_condition(DataState::ANY));
        wait_set.attach(guard.clone());
        let serve = move || {
            while wait_set.wait(DdsDuration::INFINITE).is_ok() {
                // Known before the last take, so that it finds everything that was acknowledged.
                let stops = stop.trigger_value();
                take_all(&reader, &*receive);
                if stops {
                    break;
                }
            }
        };
        Ok(Self::WaitSet(guard, thread::Builder::new().spawn(serve)?))
    }

    fn stop(self) {
        match self {
            Self::Listener(reader, listener) => {
                reader.set_listener(None, StatusMask::NONE);
                // What has been acknowledged and not been given to the listener yet.
                listener.take(&reader);
            }
            Self::Blocking(stop, thread) => {
                stop.store(true, Ordering::Release);
                drop(thread.join());
            }
            Self::WaitSet(guard, thread) => {
                guard.set_trigger_value(true);
                drop(thread.join());
            }
        }
    }
}

struct Pong(DataWriter<BenchSample>);

impl Receive for Pong {
    fn sample(&self, sample: &BenchSample) {
        if let Err(error) = self.0.write(sample) {
            eprintln!("pong: {error}");
        }
    }
}

/// Sends the next sample when the last one came back.
struct Ping {
    writer: Option<DataWriter<BenchSample>>,
    state: Mutex<Trips>,
    over: Condvar,
    samples: Option<u64>,
    duration: Duration,
    pace: Option<Duration>,
}

struct Trips {
    sample: BenchSample,
    sent: Instant,
    end: Instant,
    trips: Vec<u32>,
    is_over: bool,
}

/// Round trips that are kept.
const LONGEST_RUN: usize = 1 << 22;

impl Ping {
    fn new(options: &Options, writer: Option<DataWriter<BenchSample>>, sample: BenchSample) -> Self {
        let now = Instant::now();
        let state = Trips { sample, sent: now, end: now, trips: Vec::new(), is_over: false };
        Self {
            writer,
            state: Mutex::new(state),
            over: Condvar::new(),
            samples: options.samples,
            duration: Duration::from_secs_f64(options.seconds),
            pace: options.pace,
        }
    }

    fn run(&self) -> Result<(), Failure> {
        let mut first = {
            let mut state = lock(&self.state);
            state.trips.reserve_exact(LONGEST_RUN);
            state.sent = Instant::now();
            state.end = state.sent + self.duration;
            state.sample.clone()
        };
        first.sequence_number = 0;
        self.writer.as_ref().ok_or("ping has a writer")?.write(&first)?;
        let mut state = lock(&self.state);
        while !state.is_over {
            state = self.over.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        print_trips(&mut state.trips);
        Ok(())
    }
}

/// Round trips without the first tenth, which warms up, the shortest first.
pub fn settled(trips: &mut [u32]) -> &[u32] {
    let warm = trips.len() / 10;
    let trips = &mut trips[warm..];
    trips.sort_unstable();
    trips
}

/// Prints what came of round trips.
pub fn print_trips(trips: &mut [u32]) {
    let count = trips.len();
    let trips = settled(trips);
    let at = |share: f64| trips[(trips.len() as f64 * share) as usize];
    println!(
        r#"{{"event":"result","samples":{count},"p50_ns":{},"p90_ns":{},"p99_ns":{}}}"#,
        at(0.5),
        at(0.9),
        at(0.99)
    );
}

impl Receive for Ping {
    fn sample(&self, _back: &BenchSample) {
        let mut now = Instant::now();
        let mut state = lock(&self.state);
        if state.is_over {
            return;
        }
        let trip = u32::try_from((now - state.sent).as_nanos()).unwrap_or(u32::MAX);
        if state.trips.len() < LONGEST_RUN {
            state.trips.push(trip);
        }
        state.is_over = match self.samples {
            Some(samples) => state.trips.len() as u64 >= samples,
            None => now >= state.end,
        };
        if state.is_over {
            self.over.notify_one();
            return;
        }
        if let Some(pace) = self.pace {
            thread::sleep(pace);
            now = Instant::now();
        }
        state.sent = now;
        state.sample.sequence_number += 1;
        if let Some(Err(error)) = self.writer.as_ref().map(|writer| writer.write(&state.sample)) {
            eprintln!("ping: {error}");
        }
    }
}

fn publish(
    options: &Options,
    writer: &DataWriter<BenchSample>,
    mut sample: BenchSample,
) -> Result<(), Failure> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(options.seconds);
    let mut next = start;
    let looks_always = options.samples.is_some() || options.pace.is_some() || options.payload > 8192;
    loop {
        if let Some(pace) = options.pace {
            next += pace;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        writer.write(&sample)?;
        sample.sequence_number += 1;
        let is_over = match options.samples {
            Some(samples) => sample.sequence_number >= samples,
            None => (looks_always || sample.sequence_number.is_multiple_of(16)) && Instant::now() >= end,
        };
        if is_over {
            break;
        }
    }
    let elapsed = start.elapsed().as_nanos();
    let acknowledged = writer.wait_for_acknowledgments(DdsDuration::from_secs(10)).is_ok();
    println!(
        r#"{{"event":"result","samples":{},"elapsed_ns":{elapsed},"acknowledged":{acknowledged}}}"#,
        sample.sequence_number
    );
    Ok(())
}

/// Counts what arrives.
#[derive(Default)]
struct Tally(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    samples: u64,
    /// Samples when the time was taken last.
    noted: u64,
    expected: u64,
    lost: u64,
    disordered: u64,
    span: Option<(Instant, Instant)>,
}

impl Receive for Tally {
    fn sample(&self, sample: &BenchSample) {
        let mut counted = lock(&self.0);
        if counted.samples == 0 {
            let now = Instant::now();
            counted.span = Some((now, now));
        }
        counted.samples += 1;
        let number = sample.sequence_number;
        counted.lost += number.saturating_sub(counted.expected);
        counted.disordered += u64::from(number < counted.expected);
        counted.expected = number + 1;
    }

    fn taken(&self) {
        let mut counted = lock(&self.0);
        // A sample without data, which says that the writer left, is none.
        if let Counted { span: Some((_, last)), samples, noted, .. } = &mut *counted
            && *noted != *samples
        {
            *last = Instant::now();
            *noted = *samples;
        }
    }
}

impl Tally {
    fn print(&self) {
        let counted = lock(&self.0);
        let elapsed = counted.span.map_or(0, |(first, last)| (last - first).as_nanos());
        let Counted { samples, lost, disordered, .. } = &*counted;
        println!(
            r#"{{"event":"result","samples":{samples},"elapsed_ns":{elapsed},"lost":{lost},"disordered":{disordered}}}"#
        );
    }
}
