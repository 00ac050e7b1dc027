//! The two worlds in which scenarios run.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, DomainParticipantFactory, ParticipantConfig, Topic,
    error::DdsResult, sample::Sample, types::TopicType,
};
use dds_sim::{NetworkConditions, Simulation};

/// How long what must happen may take.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(DdsType, Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    #[dds(key)]
    pub sensor: u32,
    pub value: u32,
}

pub fn reading(sensor: u32, value: u32) -> Reading {
    Reading { sensor, value }
}

pub const fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Something that is waited for without a result of its own.
pub type Step<'s> = Pin<Box<dyn Future<Output = DdsResult<()>> + 's>>;

/// Where participants live and time passes.
pub trait World {
    /// A participant that sees the others of this world.
    fn participant(&self) -> DomainParticipant;
    /// The time that has passed.
    fn now(&self) -> Duration;
    /// Lets time pass until `happened` says so or `limit` is over; whether it happened.
    fn run_until(&self, limit: Duration, happened: &mut dyn FnMut() -> bool) -> bool;
    /// Runs a future to its end.
    fn block_on(&self, step: Step<'_>) -> DdsResult<()>;
    /// Ends a participant's process without a goodbye, where that can be done to one alone.
    fn kill(&self, participant: &DomainParticipant) -> bool;
    /// By how much a moment may be missed.
    fn slack(&self) -> Duration;

    /// Waits for what must happen.
    fn until(&self, what: &str, happened: &mut dyn FnMut() -> bool) {
        assert!(self.run_until(PATIENCE, happened), "it did not happen: {what}");
    }

    /// Lets time pass.
    fn pass(&self, time: Duration) {
        self.run_until(time, &mut || false);
    }

    /// Asserts that as much time has passed since `start`, as exactly as this world can tell.
    fn assert_passed(&self, start: Duration, expected: Duration) {
        let passed = self.now() - start;
        assert!(passed >= expected && passed <= expected + self.slack(), "{passed:?}, not {expected:?}");
    }
}

/// Virtual time, on a network without delay.
pub struct Simulated(Simulation);

impl Simulated {
    pub fn new() -> Self {
        println!("seed 7");
        Self(Simulation::new(7).network(NetworkConditions::new().delay(Duration::ZERO..=Duration::ZERO)))
    }
}

impl World for Simulated {
    fn participant(&self) -> DomainParticipant {
        self.0.participant(0)
    }

    fn now(&self) -> Duration {
        self.0.now()
    }

    fn run_until(&self, limit: Duration, happened: &mut dyn FnMut() -> bool) -> bool {
        self.0.run_until(happened, limit)
    }

    fn block_on(&self, step: Step<'_>) -> DdsResult<()> {
        self.0.block_on(step)
    }

    fn kill(&self, participant: &DomainParticipant) -> bool {
        self.0.kill(self.0.host_of(participant).expect("it is alive"));
        true
    }

    fn slack(&self) -> Duration {
        // What follows closely may wait for a batch to fill, a tenth of this.
        millis(1)
    }
}

/// Real sockets on loopback, in a domain that no other test and no other run shares.
pub struct Real {
    tag: String,
    start: Instant,
}

impl Real {
    #[expect(clippy::disallowed_methods, reason = "this world has the real clock")]
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let tag = format!("qos-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { tag, start: Instant::now() }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl World for Real {
    fn participant(&self) -> DomainParticipant {
        let config = ParticipantConfig { domain_tag: self.tag.clone(), ..ParticipantConfig::loopback_only() };
        DomainParticipantFactory::new().participant(93).config(config).build().unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "this world has the real clock")]
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn run_until(&self, limit: Duration, happened: &mut dyn FnMut() -> bool) -> bool {
        let end = self.now() + limit;
        loop {
            if happened() {
                return true;
            }
            let left = end.saturating_sub(self.now());
            if left.is_zero() {
                return false;
            }
            // Time passes by itself here; looked at often enough to be exact to a millisecond.
            thread::park_timeout(left.min(Duration::from_micros(500)));
        }
    }

    fn block_on(&self, mut step: Step<'_>) -> DdsResult<()> {
        let waker = Arc::new(Unpark(thread::current())).into();
        loop {
            if let Poll::Ready(result) = step.as_mut().poll(&mut Context::from_waker(&waker)) {
                return result;
            }
            thread::park_timeout(PATIENCE);
        }
    }

    fn kill(&self, _: &DomainParticipant) -> bool {
        false
    }

    fn slack(&self) -> Duration {
        Duration::from_secs(3)
    }
}

/// A topic of readings at two participants.
pub struct Two {
    pub here: Topic<Reading>,
    pub there: Topic<Reading>,
}

pub fn two(world: &dyn World) -> Two {
    let topic = || world.participant().topic::<Reading>("Policies").unwrap();
    Two { here: topic(), there: topic() }
}

/// Waits until a writer and a reader have found each other.
pub fn meet<T: TopicType>(world: &dyn World, writer: &DataWriter<T>, reader: &DataReader<T>) {
    let handle = |guid, participant: &DomainParticipant| participant.discovered_handle(guid);
    world.until("a match", &mut || {
        let seen = handle(reader.guid(), writer.publisher().participant());
        let back = handle(writer.guid(), reader.subscriber().participant());
        writer.matched_subscriptions().contains(&seen) && reader.matched_publications().contains(&back)
    });
}

/// Takes until there are `count` samples with data, and gives their values.
pub fn take(world: &dyn World, reader: &DataReader<Reading>, count: usize) -> Vec<u32> {
    let mut values = Vec::new();
    world.until("samples", &mut || {
        values
            .extend(reader.take().unwrap().into_iter().filter_map(Sample::into_data).map(|data| data.value));
        values.len() >= count
    });
    values
}

/// Waits until everything written has been acknowledged.
pub fn acknowledged(world: &dyn World, writer: &DataWriter<Reading>) {
    let all = async {
        writer.acknowledgments().await;
        Ok(())
    };
    world.block_on(Box::pin(all)).unwrap();
}
