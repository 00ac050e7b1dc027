//! An end that speaks the topics of ddsperf, Cyclone DDS's measuring program, so that the two can be mixed in a domain.
//!
//! Whatever its role, an end has all endpoints but the reader of data, which only `sub` has; others know it by its
//! USER_DATA, check that each of its endpoints matches theirs, and wait for its answer to each of their pings. A
//! pong is written into the partition of whoever pinged, with the time of the ping. The lowest bit of a time, in
//! nanoseconds, carries meaning: of data it asks for a pong, of a pong it tells that it answers a ping.

mod endpoints;
mod peers;
mod samples;

use std::{
    collections::HashMap,
    mem, thread,
    time::{Duration, Instant},
};

use dds_core::{
    DataReader, DataWriter, DomainParticipant,
    condition::{GuardCondition, WaitSet},
    qos::{DomainParticipantQos, Duration as DdsDuration, UserData},
    rtps::{structure::GuidPrefix, time::Timestamp},
    sample::{DataState, Sample},
};
use serde_json::json;

use self::{
    peers::Peers,
    samples::{Keyed32, Keyed256, KeyedSeq, OneULong, PerfSample, Unkeyed16, Unkeyed1024},
};
use crate::{Failure, options::Options, role};

/// After this long without a pong of everybody a ping is given up, and the next one sent.
const PONG_PATIENCE: Duration = Duration::from_secs(1);

pub fn run(options: &Options) -> Result<(), Failure> {
    if !["ping", "pong", "pub", "sub"].contains(&options.role.as_str()) {
        return Err(format!("no role «{}»: ping, pong, pub and sub are", options.role).into());
    }
    match options.topic.as_str() {
        "KS" => end::<KeyedSeq>(options),
        "K32" => end::<Keyed32>(options),
        "K256" => end::<Keyed256>(options),
        "OU" => end::<OneULong>(options),
        "UK16" => end::<Unkeyed16>(options),
        "UK1024" => end::<Unkeyed1024>(options),
        other => Err(format!("no topic {other}: KS, K32, K256, OU, UK16 and UK1024 are").into()),
    }
}

/// Runs one, until its time is over.
fn end<T: PerfSample>(options: &Options) -> Result<(), Failure> {
    if options.size != 0 && (T::IS_FIXED || options.size < T::SIZE) {
        let sizes = if T::IS_FIXED { "is always" } else { "is at least" };
        return Err(format!("a sample of {} {sizes} {} bytes large", T::SUFFIX, T::SIZE).into());
    }
    let mut end = End::<T>::new(options)?;
    let readers = end.readers();
    end.peers.wait(options.peers, [&end.ping, &end.data], &readers)?;
    let names: Vec<&str> = end.peers.present().map(|peer| peer.name.as_str()).collect();
    println!("{}", json!({"event": "matched", "peers": names}));
    let until = Instant::now() + Duration::try_from_secs_f64(options.seconds)?;
    match options.role.as_str() {
        "ping" => end.work(Some(until), &GuardCondition::new(), true)?,
        "pub" => return end.publish(),
        _ => end.work(Some(until), &GuardCondition::new(), false)?,
    }
    end.print();
    Ok(())
}

struct End<'a, T: PerfSample> {
    options: &'a Options,
    peers: Peers<T>,
    ping: DataWriter<T>,
    data: DataWriter<T>,
    pings: DataReader<T>,
    pongs: DataReader<T>,
    received: Option<DataReader<T>>,
    /// What was taken last, whose memory serves again.
    taken: Vec<Sample<T>>,
    pinging: Pinging<T>,
    counted: HashMap<GuidPrefix, Counted>,
}

/// The ping that is under way.
struct Pinging<T> {
    sample: T,
    sent: Instant,
    pongs: usize,
    timeouts: u64,
}

/// Data of one writer.
struct Counted {
    samples: u64,
    /// Lowest and highest number: a reader takes instance after instance.
    numbers: (u32, u32),
    size: usize,
    first: Instant,
    last: Instant,
}

impl Counted {
    /// Of nothing but that the first sample has this number.
    fn new(number: u32, now: Instant) -> Self {
        Self { samples: 0, numbers: (number, number), size: 0, first: now, last: now }
    }

    fn add(&mut self, number: u32, size: usize, now: Instant) {
        let (lowest, highest) = self.numbers;
        self.samples += 1;
        self.numbers = (lowest.min(number), highest.max(number));
        (self.size, self.last) = (size, now);
    }

    /// Numbers in between that did not come.
    fn lost(&self) -> u64 {
        let (lowest, highest) = self.numbers;
        (u64::from(highest - lowest) + 1).saturating_sub(self.samples)
    }
}

impl<'a, T: PerfSample> End<'a, T> {
    fn new(options: &'a Options) -> Result<Self, Failure> {
        let reads_data = options.role == "sub";
        let is_reliable = !options.best_effort;
        let qos = DomainParticipantQos {
            user_data: UserData(peers::user_data(reads_data)),
            ..DomainParticipantQos::default()
        };
        let config = options.participant_config(!options.network_only);
        let participant = DomainParticipant::builder(options.domain).qos(qos).config(config).build()?;
        // Its pings are for others.
        participant.ignore_participant(participant.instance_handle())?;
        let topic = |kind: &str| {
            let reliability = if is_reliable { 'R' } else { 'U' };
            participant.topic::<T>(&format!("DDSPerf{reliability}{kind}{}", T::SUFFIX))
        };
        let (data, ping, pong) = (topic("Data")?, topic("Ping")?, topic("Pong")?);
        let peers = Peers::new(&participant, pong.clone(), is_reliable)?;
        let many =
            |topic| endpoints::reader(topic, is_reliable).keep_all().resource_limits(endpoints::DATA_LIMITS);
        let pings = endpoints::reader(&ping, is_reliable).keep_last(1).build()?;
        let received = if reads_data { Some(many(&data).build()?) } else { None };
        let pongs = many(&pong).partition(peers::partition(participant.guid())).build()?;
        let ping = endpoints::writer(&ping, is_reliable).keep_last(1).build()?;
        let data = endpoints::writer(&data, is_reliable).keep_all();
        let data = data.resource_limits(endpoints::DATA_LIMITS).build()?;
        let (sample, sent) = (T::new(options.size), Instant::now());
        let pinging = Pinging { sample, sent, pongs: 0, timeouts: 0 };
        let (taken, counted) = (Vec::new(), HashMap::new());
        Ok(Self { options, peers, ping, data, pings, pongs, received, taken, pinging, counted })
    }

    /// Each of which expects a writer of every other end.
    fn readers(&self) -> Vec<DataReader<T>> {
        [&self.pings, &self.pongs].into_iter().chain(&self.received).cloned().collect()
    }

    /// Sends pings if it is to, and answers and counts what comes, until the time is over or `stop` is triggered.
    fn work(&mut self, until: Option<Instant>, stop: &GuardCondition, pings: bool) -> Result<(), Failure> {
        let wait_set = WaitSet::new();
        wait_set.attach(stop.clone());
        wait_set.attach(self.peers.participants.read_condition(DataState::ANY));
        for reader in self.readers() {
            wait_set.attach(reader.read_condition(DataState::ANY));
        }
        if pings {
            self.send_ping()?;
        }
        loop {
            let next_ping =
                |end: &Self| pings.then(|| end.pinging.sent + end.options.pace.unwrap_or(PONG_PATIENCE));
            let wake = until.into_iter().chain(next_ping(self)).min();
            let left = wake.map(|wake| wake.saturating_duration_since(Instant::now()));
            // That nothing came is known by what is there.
            drop(wait_set.wait(left.map_or(DdsDuration::INFINITE, DdsDuration::from)));
            self.peers.meet()?;
            self.answer()?;
            self.count()?;
            self.hear(pings)?;
            let now = Instant::now();
            if until.is_some_and(|until| now >= until) || stop.trigger_value() {
                return Ok(());
            }
            if next_ping(self).is_some_and(|next| now >= next) {
                let missing = self.pinging.pongs < self.peers.present().count();
                self.pinging.timeouts += u64::from(missing);
                self.send_ping()?;
            }
        }
    }

    fn send_ping(&mut self) -> Result<(), Failure> {
        let Pinging { sample, sent, pongs, .. } = &mut self.pinging;
        sample.set_number(sample.number().wrapping_add(1), 1);
        *pongs = 0;
        *sent = Instant::now();
        Ok(self.ping.write_with_timestamp(sample, Timestamp::from_nanos(now_ns() | 1))?)
    }

    /// What a reader has, in memory that goes back to `taken`.
    fn take(&mut self, reader: impl Fn(&Self) -> Option<&DataReader<T>>) -> Result<Vec<Sample<T>>, Failure> {
        let mut taken = mem::take(&mut self.taken);
        match reader(self) {
            Some(reader) => drop(reader.take_into(&mut taken)?),
            None => taken.clear(),
        }
        Ok(taken)
    }

    fn answer(&mut self) -> Result<(), Failure> {
        let taken = self.take(|end| Some(&end.pings))?;
        for sample in &taken {
            self.send_pong(sample, |time| time | 1)?;
        }
        self.taken = taken;
        Ok(())
    }

    /// Back to where the sample came from, at a time that its own yields.
    fn send_pong(&mut self, sample: &Sample<T>, time: impl Fn(u64) -> u64) -> Result<(), Failure> {
        if let Some(data) = sample.data()
            && let Some(written) = sample.info().source_timestamp
            && let Some(peer) = self.peers.peer(sample.info().writer_guid.prefix)?
            && let Some(pong) = &peer.pong
        {
            pong.write_with_timestamp(data, Timestamp::from_nanos(time(written.as_nanos())))?;
            peer.answered += 1;
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Failure> {
        let taken = self.take(|end| end.received.as_ref())?;
        let now = Instant::now();
        for sample in &taken {
            let Some(data) = sample.data() else { continue };
            let number = data.number();
            let counted = self.counted.entry(sample.info().writer_guid.prefix);
            counted.or_insert_with(|| Counted::new(number, now)).add(number, data.size(), now);
            if sample.info().source_timestamp.is_some_and(|time| time.as_nanos() & 1 == 1) {
                self.send_pong(sample, |time| time - 1)?;
            }
        }
        self.taken = taken;
        Ok(())
    }

    /// Takes the pongs; after the last one the next ping is sent, unless pings have a rate.
    fn hear(&mut self, pings: bool) -> Result<(), Failure> {
        let taken = self.take(|end| Some(&end.pongs))?;
        let now = Instant::now();
        let mut answered = false;
        for sample in taken.iter().filter(|_| pings) {
            let answers_ping = sample.info().source_timestamp.is_some_and(|time| time.as_nanos() & 1 == 1);
            let number = sample.data().map(PerfSample::number);
            if !answers_ping || number != Some(self.pinging.sample.number()) {
                continue;
            }
            if let Some(peer) = self.peers.known.get_mut(&sample.info().writer_guid.prefix) {
                let trip = now.saturating_duration_since(self.pinging.sent).as_nanos();
                peer.trips.push(u32::try_from(trip).unwrap_or(u32::MAX));
                self.pinging.pongs += 1;
                answered = true;
            }
        }
        self.taken = taken;
        let complete = answered && self.pinging.pongs >= self.peers.present().count();
        if complete && self.options.pace.is_none() { self.send_ping() } else { Ok(()) }
    }

    /// Writes data from a thread of its own, since it may have to wait for readers, and answers meanwhile.
    fn publish(&mut self) -> Result<(), Failure> {
        let (data, options, done) = (self.data.clone(), self.options, GuardCondition::new());
        let stop = done.clone();
        thread::scope(|scope| {
            let publishing = scope.spawn(move || {
                let result = publish(options, &data);
                done.set_trigger_value(true);
                result
            });
            self.work(None, &stop, false)?;
            publishing.join().map_err(|_| "the publishing thread panicked")?
        })
    }

    /// Prints a line for each other end.
    fn print(&mut self) {
        for (prefix, peer) in &mut self.peers.known {
            let mut line = json!({"event": "result", "peer": peer.name, "answered": peer.answered});
            if self.options.role == "ping" {
                let [p50, p90, p99] = role::percentiles(&mut peer.trips);
                line["samples"] = json!(peer.trips.len());
                line["p50_ns"] = json!(p50);
                line["p90_ns"] = json!(p90);
                line["p99_ns"] = json!(p99);
                line["timeouts"] = json!(self.pinging.timeouts);
            } else if let Some(counted) = self.counted.get(prefix) {
                line["samples"] = json!(counted.samples);
                line["elapsed_ns"] = json!((counted.last - counted.first).as_nanos() as u64);
                line["lost"] = json!(counted.lost());
                line["size"] = json!(counted.size);
            }
            println!("{line}");
        }
    }
}

fn now_ns() -> u64 {
    role::wall_ns() as u64
}

/// Writes as many samples as `options` says, or as long, none of which asks for a pong.
fn publish<T: PerfSample>(options: &Options, data: &DataWriter<T>) -> Result<(), Failure> {
    let mut sample = T::new(options.size);
    let (samples, elapsed) = role::send_many(options, |number| {
        sample.set_number(number as u32, options.keys);
        Ok(data.write_with_timestamp(&sample, Timestamp::from_nanos(now_ns() & !1))?)
    })?;
    let acknowledged = data.wait_for_acknowledgments(DdsDuration::from_secs(10)).is_ok();
    let size = sample.size();
    println!(
        "{}",
        json!({"event": "result", "samples": samples, "elapsed_ns": elapsed as u64, "acknowledged": acknowledged, "size": size})
    );
    Ok(())
}
