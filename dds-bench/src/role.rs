//! The ends of a benchmark on our own stack; `interop-tests/peers/bench/bench.c` is the same on Cyclone DDS.
//!
//! An end prints `{"event":"matched",…}` when its endpoints are matched, waits for a line on standard
//! input, does its work, prints its result and ends at the end of standard input.

use std::{
    cell::RefCell,
    io::{BufRead, Read, Write},
    process::Command,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use dds_bench::BenchSample;
use dds_core::{
    DataReader, DataWriter, DomainParticipant,
    condition::{GuardCondition, WaitSet},
    error::DdsResult,
    listener::DataReaderListener,
    qos::Duration as DdsDuration,
    sample::DataState,
    status::StatusMask,
    types::TopicType,
};

use crate::{
    Failure,
    options::{Delivery, Options},
};

/// How samples are written and taken.
pub trait Form: Send + Sync + Sized + 'static {
    /// The topics' type.
    type Data: TopicType;
    /// What is shown of a sample that came.
    type Seen;
    /// There and back.
    const TOPICS: [&'static str; 2];

    fn new(writer: DataWriter<Self::Data>, payload: usize) -> Self;
    fn writer(&self) -> &DataWriter<Self::Data>;
    /// Writes the sample of this number.
    fn send(&mut self, number: u64) -> Result<(), Failure>;
    /// Writes what came.
    fn answer(&self, seen: &Self::Seen) -> Result<(), Failure>;
    fn number(seen: &Self::Seen) -> u64;
    /// Hands on all that is there.
    fn take_all(reader: &DataReader<Self::Data>, take: &mut dyn FnMut(&Self::Seen)) -> DdsResult<()>;
}

/// Samples that are serialised and decoded.
struct Copied {
    writer: DataWriter<BenchSample>,
    sample: BenchSample,
}

thread_local! {
    static SEEN: RefCell<BenchSample> = const { RefCell::new(BenchSample { sequence_number: 0, payload: Vec::new() }) };
}

impl Form for Copied {
    type Data = BenchSample;
    type Seen = BenchSample;
    const TOPICS: [&'static str; 2] = ["BenchForth", "BenchBack"];

    fn new(writer: DataWriter<BenchSample>, payload: usize) -> Self {
        Self { writer, sample: BenchSample { sequence_number: 0, payload: vec![0; payload] } }
    }

    fn writer(&self) -> &DataWriter<BenchSample> {
        &self.writer
    }

    fn send(&mut self, number: u64) -> Result<(), Failure> {
        self.sample.sequence_number = number;
        Ok(self.writer.write(&self.sample)?)
    }

    fn answer(&self, seen: &BenchSample) -> Result<(), Failure> {
        Ok(self.writer.write(seen)?)
    }

    fn number(seen: &BenchSample) -> u64 {
        seen.sequence_number
    }

    fn take_all(reader: &DataReader<BenchSample>, take: &mut dyn FnMut(&BenchSample)) -> DdsResult<()> {
        let mut seen = SEEN.take();
        loop {
            let samples = reader.select().max_samples(TAKEN_AT_ONCE).take_loan()?;
            for sample in samples.iter() {
                if sample.decode_into(&mut seen)? {
                    take(&seen);
                }
            }
            if samples.len() < TAKEN_AT_ONCE {
                SEEN.set(seen);
                return Ok(());
            }
        }
    }
}

/// As many as Cyclone DDS's ends take at once.
const TAKEN_AT_ONCE: usize = 256;

/// Gives all samples that there are to what it is given.
type Take<'t, F> = dyn FnMut(&mut dyn FnMut(&<F as Form>::Seen)) + 't;

/// What an end does with samples.
trait Receive<F: Form>: Send + Sync {
    /// Is to call `take` once.
    fn receive(&self, take: &mut Take<'_, F>);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wall time, which processes of one host share.
pub fn wall_ns() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// An end's endpoints; which ones depends on its role.
struct End<F: Form> {
    writer: Option<DataWriter<F::Data>>,
    reader: Option<DataReader<F::Data>>,
}

impl<F: Form> End<F> {
    fn new(
        participant: &DomainParticipant,
        writes: Option<&str>,
        reads: Option<&str>,
    ) -> Result<Self, Failure> {
        let writer = match writes {
            Some(name) => {
                let topic = participant.topic::<F::Data>(name)?;
                let blocking = DdsDuration::from_secs(10);
                Some(topic.writer().reliable().keep_all().max_blocking_time(blocking).build()?)
            }
            None => None,
        };
        let reader = match reads {
            Some(name) => Some(participant.topic::<F::Data>(name)?.reader().reliable().keep_all().build()?),
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
    match options.command.as_str() {
        "ping" | "pong" | "publish" | "subscribe" | "announce" => {}
        "inside" => return Some(crate::inside::run(options)),
        "hand-off" => return Some(crate::inside::hand_off(options)),
        "pace" => return Some(pace(options)),
        "wake" => return Some(wake(options)),
        "woken" => return Some(woken()),
        _ => return None,
    }
    Some(if options.loans { crate::loans::run(options) } else { serve::<Copied>(options) })
}

/// Runs the end with samples of this form.
pub fn serve<F: Form>(options: &Options) -> Result<(), Failure> {
    let [forth, back] = F::TOPICS;
    let (writes, reads) = match options.command.as_str() {
        "ping" => (Some(forth), Some(back)),
        "pong" => (Some(back), Some(forth)),
        "publish" => (Some(forth), None),
        "subscribe" => (None, Some(forth)),
        _ => (Some(forth), Some(forth)),
    };
    let created = wall_ns();
    let config = options.participant_config(!options.network_only);
    let participant = DomainParticipant::builder(options.domain).config(config).build()?;
    let end = End::<F>::new(&participant, writes, reads)?;
    end.wait_matched(options.peers)?;
    println!(r#"{{"event":"matched","created_ns":{created},"matched_ns":{}}}"#, wall_ns());

    let out = || {
        let writer = end.writer.clone().ok_or(Failure::from("the role has no writer"))?;
        Ok::<_, Failure>(F::new(writer, options.payload))
    };
    let mut ping = None;
    let tally = Arc::new(Tally::default());
    let receive: Arc<dyn Receive<F>> = match options.command.as_str() {
        "ping" => ping.insert(Arc::new(Ping::new(options, out()?))).clone(),
        "pong" => Arc::new(Pong(out()?)),
        _ => tally.clone(),
    };
    let delivered = match &end.reader {
        Some(reader) => Some(Delivered::start(reader, options.delivery, receive)?),
        None => None,
    };
    let mut lines = std::io::stdin().lock().lines();
    if lines.next().is_some() {
        match (options.command.as_str(), &ping) {
            (_, Some(ping)) => ping.run()?,
            ("publish", _) => publish(options, out()?)?,
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
enum Delivered<F: Form> {
    Listener(DataReader<F::Data>, Arc<OnData<F>>),
    Blocking(Arc<AtomicBool>, thread::JoinHandle<()>),
    WaitSet(GuardCondition, thread::JoinHandle<()>),
}

struct OnData<F: Form> {
    receive: Arc<dyn Receive<F>>,
    /// Held while samples are given to the receiver.
    taking: Mutex<()>,
}

impl<F: Form> OnData<F> {
    fn take(&self, reader: &DataReader<F::Data>) {
        let _taking = lock(&self.taking);
        take_all(reader, &*self.receive);
    }
}

impl<F: Form> DataReaderListener<F::Data> for OnData<F> {
    fn on_data_available(&self, reader: &DataReader<F::Data>) {
        self.take(reader);
    }
}

fn take_all<F: Form>(reader: &DataReader<F::Data>, receive: &dyn Receive<F>) {
    receive.receive(&mut |each| {
        if let Err(error) = F::take_all(reader, each) {
            eprintln!("take: {error}");
        }
    });
}

impl<F: Form> Delivered<F> {
    fn start(
        reader: &DataReader<F::Data>,
        delivery: Delivery,
        receive: Arc<dyn Receive<F>>,
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

struct Pong<F>(F);

impl<F: Form> Receive<F> for Pong<F> {
    fn receive(&self, take: &mut Take<'_, F>) {
        take(&mut |sample| {
            if let Err(error) = self.0.answer(sample) {
                eprintln!("pong: {error}");
            }
        });
    }
}

/// Sends the next sample when the last one came back.
struct Ping<F> {
    state: Mutex<Trips<F>>,
    over: Condvar,
    samples: Option<u64>,
    duration: Duration,
    pace: Option<Duration>,
}

struct Trips<F> {
    out: F,
    number: u64,
    sent: Instant,
    end: Instant,
    trips: Vec<u32>,
    is_over: bool,
}

/// Round trips that are kept.
const LONGEST_RUN: usize = 1 << 22;

impl<F: Form> Ping<F> {
    fn new(options: &Options, out: F) -> Self {
        let now = Instant::now();
        let state = Trips { out, number: 0, sent: now, end: now, trips: Vec::new(), is_over: false };
        Self {
            state: Mutex::new(state),
            over: Condvar::new(),
            samples: options.samples,
            duration: Duration::from_secs_f64(options.seconds),
            pace: options.pace,
        }
    }

    fn run(&self) -> Result<(), Failure> {
        let mut state = lock(&self.state);
        state.trips.reserve_exact(LONGEST_RUN);
        state.sent = Instant::now();
        state.end = state.sent + self.duration;
        state.out.send(0)?;
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

/// Median, 90th and 99th percentile of round trips that [`settled`]; zeros when there are none.
pub fn percentiles(trips: &mut [u32]) -> [u32; 3] {
    let trips = settled(trips);
    let at = |share: f64| trips.get((trips.len() as f64 * share) as usize).copied().unwrap_or_default();
    [at(0.5), at(0.9), at(0.99)]
}

/// Prints what came of round trips.
fn print_trips(trips: &mut [u32]) {
    let count = trips.len();
    let [p50, p90, p99] = percentiles(trips);
    println!(r#"{{"event":"result","samples":{count},"p50_ns":{p50},"p90_ns":{p90},"p99_ns":{p99}}}"#);
}

impl<F: Form> Receive<F> for Ping<F> {
    fn receive(&self, take: &mut Take<'_, F>) {
        take(&mut |_| self.came_back());
    }
}

impl<F: Form> Ping<F> {
    fn came_back(&self) {
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
        state.number += 1;
        let number = state.number;
        if let Err(error) = state.out.send(number) {
            eprintln!("ping: {error}");
        }
    }
}

fn publish<F: Form>(options: &Options, mut out: F) -> Result<(), Failure> {
    let (number, elapsed) = send_many(options, |number| out.send(number))?;
    let acknowledged = out.writer().wait_for_acknowledgments(DdsDuration::from_secs(10)).is_ok();
    println!(
        r#"{{"event":"result","samples":{number},"elapsed_ns":{elapsed},"acknowledged":{acknowledged}}}"#
    );
    Ok(())
}

/// What `publish` does at a given rate, but for writing.
fn pace(options: &Options) -> Result<(), Failure> {
    keep_pace(options, "", |_| Ok(()))
}

/// As [`pace`], but that another process is woken in place of each write, by a byte in a pipe.
fn wake(options: &Options) -> Result<(), Failure> {
    let (reader, mut writer) = std::io::pipe()?;
    let mut command = Command::new("taskset");
    command.args(["-c", &options.core.to_string()]).arg(std::env::current_exe()?).arg("woken");
    let mut woken = command.stdin(reader).spawn()?;
    // Its copy of the reading end, or the pipe would never end.
    drop(command);
    keep_pace(options, &format!(r#","woken":{}"#, woken.id()), |_| Ok(writer.write_all(&[0])?))?;
    drop(writer);
    woken.wait()?;
    Ok(())
}

/// Does `send` at a given rate, and tells `more` when it is ready.
fn keep_pace(
    options: &Options,
    more: &str,
    send: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(), Failure> {
    println!(r#"{{"event":"matched"{more}}}"#);
    let mut lines = std::io::stdin().lock().lines();
    if lines.next().is_some() {
        let (number, elapsed) = send_many(options, send)?;
        println!(r#"{{"event":"result","samples":{number},"elapsed_ns":{elapsed}}}"#);
        lines.for_each(drop);
    }
    Ok(())
}

/// Waits for bytes on standard input until it ends.
fn woken() -> Result<(), Failure> {
    let mut bytes = [0; 64];
    while std::io::stdin().lock().read(&mut bytes)? > 0 {}
    Ok(())
}

/// Sends as many samples as `options` says, or as long; how many that were, and in how many nanoseconds.
pub fn send_many(
    options: &Options,
    mut send: impl FnMut(u64) -> Result<(), Failure>,
) -> Result<(u64, u128), Failure> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(options.seconds);
    let mut next = start;
    let looks_always = options.samples.is_some() || options.pace.is_some() || options.payload > 8192;
    let mut number = 0_u64;
    loop {
        if let Some(pace) = options.pace {
            next += pace;
            thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        send(number)?;
        number += 1;
        let is_over = match options.samples {
            Some(samples) => number >= samples,
            None => (looks_always || number.is_multiple_of(16)) && Instant::now() >= end,
        };
        if is_over {
            return Ok((number, start.elapsed().as_nanos()));
        }
    }
}

/// Counts what arrives.
#[derive(Default)]
struct Tally(Mutex<Counted>);

#[derive(Default)]
struct Counted {
    samples: u64,
    expected: u64,
    lost: u64,
    disordered: u64,
    span: Option<(Instant, Instant)>,
}

impl<F: Form> Receive<F> for Tally {
    fn receive(&self, take: &mut Take<'_, F>) {
        let mut counted = lock(&self.0);
        let before = counted.samples;
        take(&mut |sample| counted.count(F::number(sample)));
        let has_more = counted.samples > before;
        if let Some((_, last)) = counted.span.as_mut().filter(|_| has_more) {
            *last = Instant::now();
        }
    }
}

impl Counted {
    fn count(&mut self, number: u64) {
        if self.samples == 0 {
            let now = Instant::now();
            self.span = Some((now, now));
        }
        self.samples += 1;
        self.lost += number.saturating_sub(self.expected);
        self.disordered += u64::from(number < self.expected);
        self.expected = number + 1;
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
