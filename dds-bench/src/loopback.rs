//! Two engines in one thread, on a wire and a clock of their own.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use dds_core::{
    Addresses, DataReader, DataWriter, DdsType, DomainParticipant,
    engine::{Burst, Environment},
    error::DdsResult,
    rtps::{
        message::Datagram,
        structure::Locator,
        time::{Monotonic, Now, Timestamp},
    },
    sample::Sample,
    types::TopicType,
};

use crate::BenchSample;

/// A type to count with.
pub trait Numbered: TopicType {
    /// A value whose bytes depend on `number`.
    fn numbered(number: u64) -> Self;
}

/// 64 bytes without heap memory of its own.
#[derive(DdsType, Clone, PartialEq, Debug)]
#[dds(extensibility = "final")]
pub struct Small {
    /// Counts up.
    pub sequence_number: u64,
    /// The rest.
    pub payload: [u8; 56],
}

impl Numbered for Small {
    fn numbered(number: u64) -> Self {
        Self { sequence_number: number, payload: [number as u8; 56] }
    }
}

/// 16 KiB, which is several fragments.
impl Numbered for BenchSample {
    fn numbered(number: u64) -> Self {
        Self { sequence_number: number, payload: vec![number as u8; (16 << 10) - 12] }
    }
}

/// Carries datagrams in order, without loss, when [`Pair::deliver`] is called.
#[derive(Default)]
struct Wire {
    nanoseconds: AtomicU64,
    inboxes: [Mutex<VecDeque<Vec<u8>>>; 2],
    /// Buffers used before, so that the wire does not allocate once it is warm.
    spare: Mutex<Vec<Vec<u8>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Wall time when the monotonic clock was 0: any date after 1970 does.
const EPOCH: u64 = 1_700_000_000_000_000_000;

impl Wire {
    fn now(&self) -> Now {
        let monotonic = self.nanoseconds.load(Ordering::Relaxed);
        Now {
            monotonic: Monotonic::from_nanos(monotonic),
            wall: Timestamp::from_nanos(EPOCH.saturating_add(monotonic)),
        }
    }
}

/// One end's view of the wire.
struct End {
    wire: Arc<Wire>,
    index: usize,
}

fn address(index: usize) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, if index == 0 { 7410 } else { 7412 }))
}

impl Environment for End {
    fn now(&self) -> Now {
        self.wire.now()
    }

    fn send(&self, destination: &Locator, datagram: &Datagram) {
        self.send_train(destination, std::slice::from_ref(datagram), None);
    }

    fn send_train(&self, destination: &Locator, datagrams: &[Datagram], _: Option<u8>) {
        // Two ends only: what is not for the other one goes nowhere.
        let other = 1 - self.index;
        let Some(to) = destination.socket_address() else { return };
        if !to.ip().is_multicast() && to != address(other) {
            return;
        }
        for datagram in datagrams {
            let mut bytes = lock(&self.wire.spare).pop().unwrap_or_default();
            bytes.clear();
            datagram.pieces().for_each(|piece| bytes.extend_from_slice(piece));
            lock(&self.wire.inboxes[other]).push_back(bytes);
        }
    }

    fn timer_moved(&self, _at: Monotonic) {}

    fn may_block(&self) -> bool {
        false
    }
}

/// A reliable writer and its reader in two participants of one thread, matched.
///
/// Everything but the seeds of hash maps is the same in every run.
pub struct Pair<T: Numbered> {
    wire: Arc<Wire>,
    pub(crate) ends: [DomainParticipant; 2],
    pub(crate) writer: DataWriter<T>,
    pub(crate) reader: DataReader<T>,
    sample: T,
    pub(crate) samples: Vec<Sample<T>>,
    written: u64,
}

/// Longer than any window in which writes are collected.
const BETWEEN_SAMPLES: u64 = 1_000_000;

impl<T: Numbered> Pair<T> {
    /// Makes both ends and lets them discover each other.
    ///
    /// # Errors
    /// When the ends do not match, or anything is refused.
    pub fn new() -> DdsResult<Self> {
        Self::with_history(1)
    }

    /// The same where both are in one participant.
    ///
    /// # Errors
    /// As [`Pair::new`].
    pub fn in_process() -> DdsResult<Self> {
        Self::of(1, 0)
    }

    /// The same where both ends keep `depth` samples; [`Pair::burst`] wants more than one.
    ///
    /// # Errors
    /// As [`Pair::new`].
    pub fn with_history(depth: u32) -> DdsResult<Self> {
        Self::of(depth, 1)
    }

    /// The writer is in the first participant, the reader in that of this index.
    fn of(depth: u32, subscribing: usize) -> DdsResult<Self> {
        let wire = Arc::new(Wire::default());
        wire.nanoseconds.store(1_000_000_000, Ordering::Relaxed);
        let end = |index: usize| -> DdsResult<DomainParticipant> {
            let own = Locator::from(address(index));
            let group = SocketAddr::from((Ipv4Addr::new(239, 255, 0, 1), 7400));
            let addresses = Addresses {
                metatraffic_unicast: vec![own],
                metatraffic_multicast: vec![Locator::from(group)],
                user_unicast: vec![own],
                user_multicast: Vec::new(),
                interfaces: Vec::new(),
                shared_memory: None,
            };
            let environment = Arc::new(End { wire: wire.clone(), index });
            DomainParticipant::builder(0).build_in(environment, addresses, [index as u8 + 1; 18])
        };
        let ends = [end(0)?, end(1)?];
        let (publishing, subscribing) = (&ends[0], &ends[subscribing]);
        let writer = publishing.topic::<T>("Bench")?.writer().reliable().keep_last(depth).build()?;
        let reader = subscribing.topic::<T>("Bench")?.reader().reliable().keep_last(depth).build()?;
        let mut pair =
            Self { wire, ends, writer, reader, sample: T::numbered(0), samples: Vec::new(), written: 0 };
        let (writer, reader) = (pair.writer.clone(), pair.reader.clone());
        pair.settle_until(|| {
            writer.matched_subscriptions().len() + reader.matched_publications().len() == 2
        })?;
        Ok(pair)
    }

    /// Lets time pass until something is so.
    pub(crate) fn settle_until(&mut self, is_so: impl Fn() -> bool) -> DdsResult<()> {
        for _ in 0..10_000 {
            self.settle();
            if is_so() {
                return Ok(());
            }
        }
        Err(dds_core::error::DdsError::Timeout {
            operation: "matching",
            after: dds_core::qos::Duration::from_secs(10),
        })
    }

    /// Datagrams that wait to be delivered.
    pub(crate) fn on_the_wire(&self) -> usize {
        self.wire.inboxes.iter().map(|inbox| lock(inbox).len()).sum()
    }

    /// Writes the next sample; its datagrams wait on the wire.
    ///
    /// # Panics
    /// When the write is refused: nothing here may refuse it.
    pub fn write(&mut self) {
        self.writer.write(&self.sample).expect("there is room");
        self.written += 1;
    }

    /// Writes `count` samples at once, lets the batch leave, carries it over, and takes what arrived; how
    /// many that were.
    ///
    /// # Panics
    /// As [`Pair::write`] and [`Pair::take`].
    pub fn burst(&mut self, count: usize) -> usize {
        for _ in 0..count {
            self.write();
        }
        self.pass_time();
        self.deliver();
        self.take()
    }

    /// Carries everything to its end, and what is sent in answer, until the wire is empty.
    pub fn deliver(&mut self) {
        let now = self.wire.now();
        loop {
            let mut is_empty = true;
            for (index, participant) in self.ends.iter().enumerate() {
                let source = Locator::from(address(1 - index));
                let mut burst = Burst::default();
                let mut arrived = lock(&self.wire.inboxes[index]).len();
                if arrived == 0 {
                    continue;
                }
                is_empty = false;
                while let Some(bytes) = lock(&self.wire.inboxes[index]).pop_front() {
                    participant.engine().on_datagram(now, source, &bytes, &mut burst);
                    lock(&self.wire.spare).push(bytes);
                    arrived -= 1;
                    if arrived == 0 {
                        break;
                    }
                }
                participant.engine().finish_burst(now, &mut burst);
            }
            if is_empty {
                return;
            }
        }
    }

    /// Takes what arrived and returns how many samples that were.
    ///
    /// # Panics
    /// When a sample does not decode.
    pub fn take(&mut self) -> usize {
        self.reader.take_into(&mut self.samples).expect("nothing forbids it")
    }

    /// Lets time pass and does what has become due, as the runtime's timer thread would.
    fn pass_time(&self) {
        self.wire.nanoseconds.fetch_add(BETWEEN_SAMPLES, Ordering::Relaxed);
        let now = self.wire.now();
        for participant in &self.ends {
            if participant.engine().next_timer().is_some_and(|at| at <= now.monotonic) {
                participant.engine().on_timer(now);
            }
        }
    }

    /// Lets time pass, and carries what is sent by it.
    pub fn settle(&mut self) {
        self.pass_time();
        self.deliver();
        // What timers sent is past, too, when the next sample is written.
        self.wire.nanoseconds.fetch_add(BETWEEN_SAMPLES, Ordering::Relaxed);
        self.sample = T::numbered(self.written);
    }
}
