//! The threads and sockets that run engines.
//!
//! One runtime serves all participants of a factory that share a domain and a network configuration:
//! one thread receives, one keeps the timers; sends happen on the caller's own thread.

mod clock;
mod reception;
mod shared;
mod ticker;

use std::{
    io::IoSlice,
    net::SocketAddr,
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration as StdDuration, Instant},
};

use dds_rtps::{
    message::Datagram,
    participant::Interface,
    structure::{Locator, LocatorKind, SharedMemoryName},
    time::{Monotonic, Now},
};
use dds_transport::{ForkGuard, SendError, SendOptions, SharedMemoryConfig, UdpConfig, UdpTransport};
use parking_lot::{Condvar, Mutex, RwLock};
use smallvec::{Array, SmallVec};

use crate::{
    condition::Notifier,
    engine::{Engine, Environment, NotShared, WritableMemory},
    error::{DdsError, DdsResult},
};
use clock::SystemClock;
use reception::{HandOver, Reception};
use shared::Sharing;

/// What a runtime counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RuntimeStatistics {
    /// Datagrams that left, by the network or through shared memory.
    pub datagrams_sent: u64,
    /// Datagrams that the system refused to send.
    pub datagrams_unsent: u64,
    /// Datagrams that arrived, by the network or through shared memory.
    pub datagrams_received: u64,
    /// Of those sent, how many through memory shared with the receiving process.
    pub shared_memory_sent: u64,
    /// Of those received, how many through memory shared with the sending process.
    pub shared_memory_received: u64,
    /// Datagrams that were longer than the receive buffer.
    pub datagrams_truncated: u64,
}

#[derive(Debug, Default)]
struct Counters {
    sent: AtomicU64,
    unsent: AtomicU64,
    received: AtomicU64,
    shared_sent: AtomicU64,
    shared_received: AtomicU64,
    truncated: AtomicU64,
}

/// What participants must agree in to share a runtime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RuntimeConfig {
    pub(crate) udp: UdpConfig,
    /// `None`: no memory is shared.
    pub(crate) shared_memory: Option<SharedMemoryConfig>,
    /// How long threads look for what is to come before they sleep.
    pub(crate) spin: StdDuration,
}

/// Sockets, clocks and the list of engines.
pub(crate) struct Runtime {
    transport: UdpTransport,
    sharing: Sharing,
    clock: SystemClock,
    fork: ForkGuard,
    engines: RwLock<Vec<Weak<Engine>>>,
    timer: Mutex<TimerState>,
    timer_moved: Condvar,
    stopped: AtomicBool,
    counters: Counters,
    reception: Mutex<Reception>,
    hand_over: HandOver,
    spin: StdDuration,
}

#[derive(Debug, Default)]
struct TimerState {
    /// When the timer thread wakes.
    next: Option<Monotonic>,
}

/// Keeps a runtime's threads running; the last one stops them.
pub(crate) struct RuntimeHandle {
    runtime: Arc<Runtime>,
    threads: Mutex<Vec<thread::JoinHandle<()>>>,
}

impl RuntimeHandle {
    /// Opens the sockets of `domain` and starts the threads.
    pub(crate) fn start(domain: u32, config: RuntimeConfig) -> DdsResult<Self> {
        let transport = UdpTransport::open(domain, config.udp)?;
        let (sharing, shared_reception) = Sharing::open(config.shared_memory, &transport);
        let runtime = Arc::new(Runtime {
            transport,
            sharing,
            clock: SystemClock::new(),
            fork: ForkGuard::new(),
            engines: RwLock::new(Vec::new()),
            timer: Mutex::default(),
            timer_moved: Condvar::new(),
            stopped: AtomicBool::new(false),
            counters: Counters::default(),
            reception: Mutex::new(Reception::new(shared_reception)),
            hand_over: HandOver::default(),
            spin: config.spin,
        });
        let handle = Self { runtime: runtime.clone(), threads: Mutex::default() };
        let spawn = |name: &str, run: fn(&Runtime)| {
            let runtime = runtime.clone();
            thread::Builder::new()
                .name(format!("dds-{name}-{domain}"))
                .spawn(move || run(&runtime))
                .map_err(|source| DdsError::Io { operation: "starting a thread", source })
        };
        let receiver = spawn("receive", Runtime::receive)?;
        handle.threads.lock().push(receiver);
        let timers = spawn("timer", Runtime::keep_timers)?;
        handle.threads.lock().push(timers);
        Ok(handle)
    }

    pub(crate) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }
}

impl Drop for RuntimeHandle {
    fn drop(&mut self) {
        if self.runtime.fork.is_forked_child() {
            // The threads, and whatever wakes them, are the parent's.
            return;
        }
        self.runtime.stopped.store(true, Ordering::Release);
        self.runtime.stop_receiving();
        {
            let _state = self.runtime.timer.lock();
            self.runtime.timer_moved.notify_all();
        }
        let own = thread::current().id();
        for handle in self.threads.get_mut().drain(..) {
            // The last participant may go from within a listener: that thread ends by itself.
            if handle.thread().id() != own && handle.join().is_err() {
                tracing::error!("a thread of the runtime panicked");
            }
        }
    }
}

impl Runtime {
    pub(crate) fn statistics(&self) -> RuntimeStatistics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        RuntimeStatistics {
            datagrams_sent: load(&self.counters.sent) + load(&self.counters.shared_sent),
            datagrams_unsent: load(&self.counters.unsent),
            datagrams_received: load(&self.counters.received) + load(&self.counters.shared_received),
            shared_memory_sent: load(&self.counters.shared_sent),
            shared_memory_received: load(&self.counters.shared_received),
            datagrams_truncated: load(&self.counters.truncated),
        }
    }

    /// The addresses of this host, for judging the reachability of others.
    pub(crate) fn interfaces(&self) -> Vec<Interface> {
        let selected = self.transport.selected_interfaces();
        let subnets = selected.iter().flat_map(|interface| interface.addresses.iter());
        subnets
            .map(|subnet| Interface { address: subnet.address, prefix_length: subnet.prefix_length })
            .collect()
    }

    /// From now on `engine` gets datagrams and timer calls, as long as it lives.
    pub(crate) fn attach(&self, engine: &Arc<Engine>) {
        let mut engines = self.engines.write();
        engines.retain(|engine| engine.strong_count() > 0);
        engines.push(Arc::downgrade(engine));
        drop(engines);
        if let Some(at) = engine.next_timer() {
            self.timer_moved(at);
        }
    }

    /// Upgraded before the list is released: an engine may be dropped by whoever uses the iterator,
    /// and must not find the list locked then.
    fn live_engines(&self) -> smallvec::IntoIter<[Arc<Engine>; 4]> {
        let engines: SmallVec<[Arc<Engine>; 4]> =
            self.engines.read().iter().filter_map(Weak::upgrade).collect();
        engines.into_iter()
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    fn keep_timers(&self) {
        while !self.is_stopped() {
            let now = self.clock.now();
            for engine in self.live_engines() {
                engine.on_timer(now);
            }
            let mut state = self.timer.lock();
            // Under the lock, so that an engine attached and a timer moved meanwhile are either seen
            // here or wake us.
            state.next = self.live_engines().filter_map(|engine| engine.next_timer()).min();
            if self.is_stopped() {
                break;
            }
            match state.next {
                None => self.timer_moved.wait(&mut state),
                Some(at) => {
                    let nanos = at.nanos_since(self.clock.now().monotonic);
                    if nanos > 0 {
                        self.timer_moved.wait_for(&mut state, StdDuration::from_nanos(nanos));
                    }
                }
            }
        }
    }

    /// Where this runtime can be reached.
    pub(crate) fn addresses(&self) -> Addresses {
        let locators = |addresses: Vec<SocketAddr>| addresses.into_iter().map(Locator::from).collect();
        Addresses {
            metatraffic_unicast: locators(self.transport.metatraffic_unicast_addresses()),
            metatraffic_multicast: locators(self.transport.metatraffic_multicast_addresses()),
            user_unicast: locators(self.transport.user_unicast_addresses()),
            user_multicast: locators(self.transport.user_multicast_addresses()),
            interfaces: self.interfaces(),
            shared_memory: self.sharing.name(),
        }
    }
}

/// Where a participant can be reached, and from where it looks at others.
#[derive(Clone, Debug, Default)]
pub struct Addresses {
    /// For discovery.
    pub metatraffic_unicast: Vec<Locator>,
    /// The groups for discovery.
    pub metatraffic_multicast: Vec<Locator>,
    /// For samples.
    pub user_unicast: Vec<Locator>,
    /// The groups for samples.
    pub user_multicast: Vec<Locator>,
    /// The host's own addresses with their subnets.
    pub interfaces: Vec<Interface>,
    /// Under which it shares memory with other processes of this host, if it does.
    pub shared_memory: Option<SharedMemoryName>,
}

/// Pieces of one datagram that one system call takes without an allocation.
type Pieces<'d> = [IoSlice<'d>; 64];

/// Pieces of several, each of which has a header, a part of a sample and padding.
type PiecesOfTrain<'d> = [IoSlice<'d>; 256];

impl Environment for Runtime {
    fn now(&self) -> Now {
        self.clock.now()
    }

    fn send(&self, destination: &Locator, datagram: &Datagram) {
        self.send_train(destination, std::slice::from_ref(datagram), None);
    }

    fn send_train(&self, destination: &Locator, datagrams: &[Datagram], code_point: Option<u8>) {
        if self.fork.is_forked_child() {
            return;
        }
        if destination.kind == LocatorKind::SHARED_MEMORY {
            return datagrams.iter().for_each(|datagram| self.transmit_shared(destination, datagram));
        }
        let Some(address) = destination.socket_address() else { return };
        let options = SendOptions { dscp: code_point, ..SendOptions::default() };
        match datagrams {
            [] => {}
            [_] => self.transmit::<Pieces<'_>>(address, datagrams, &options),
            [first, ..] => {
                let segment_size = u16::try_from(first.len()).ok();
                self.transmit::<PiecesOfTrain<'_>>(
                    address,
                    datagrams,
                    &SendOptions { segment_size, ..options },
                );
            }
        }
    }

    fn share_memory(&self, name: SharedMemoryName) -> Result<Option<Locator>, NotShared> {
        if self.fork.is_forked_child() {
            return Err(NotShared::Disabled);
        }
        self.sharing.begin(name)
    }

    fn allocate(&self, length: usize) -> Option<Box<dyn WritableMemory>> {
        self.sharing.allocate(length)
    }

    fn share_payloads(&self, datagram: &mut Datagram) {
        self.sharing.share(datagram);
    }

    fn listen_to_groups(&self) {
        self.transport.join_user_groups();
    }

    fn wake_receivers(&self) {
        self.sharing.wake();
    }

    fn stop_sharing_memory(&self, name: SharedMemoryName) {
        // A connection that is ended here would be ended for the parent.
        if !self.fork.is_forked_child() {
            self.sharing.end(name);
        }
    }

    fn timer_moved(&self, at: Monotonic) {
        let mut state = self.timer.lock();
        if state.next.is_none_or(|next| at < next) {
            state.next = Some(at);
            self.timer_moved.notify_one();
        }
    }

    fn may_block(&self) -> bool {
        true
    }

    fn spin(&self) -> StdDuration {
        self.spin
    }

    fn is_inherited(&self) -> bool {
        self.fork.is_forked_child()
    }

    fn receive_pending(&self) {
        if !self.fork.is_forked_child() {
            self.receive_what_came();
        }
    }

    fn block_until(
        &self,
        notifier: &Notifier,
        deadline: Option<Instant>,
        look: &mut dyn FnMut() -> bool,
    ) -> bool {
        self.receive_until(notifier, deadline, look)
    }
}

impl Runtime {
    fn transmit<'d, A: Array<Item = IoSlice<'d>>>(
        &self,
        address: SocketAddr,
        datagrams: &'d [Datagram],
        options: &SendOptions,
    ) {
        let pieces = datagrams.iter().flat_map(Datagram::pieces);
        let result = with_pieces::<A, _>(pieces, |pieces| {
            insistently(|| self.transport.send(address, pieces, options))
        });
        let count = datagrams.len() as u64;
        match result {
            Ok(_) => self.counters.sent.fetch_add(count, Ordering::Relaxed),
            Err(error) => {
                tracing::debug!(%error, destination = %address, count, "datagrams were not sent");
                self.counters.unsent.fetch_add(count, Ordering::Relaxed)
            }
        };
    }
}

/// Attempts to send where there is no room before the message is lost. A full socket buffer drains within the
/// time of a few system calls, and whoever takes from full memory gets the processor in between, on a host
/// with a single one too.
const ATTEMPTS: u32 = 100;

/// Calls `send` until there is room, or there have been enough attempts.
fn insistently<R>(mut send: impl FnMut() -> Result<R, SendError>) -> Result<R, SendError> {
    let mut result = send();
    for _ in 0..ATTEMPTS {
        if !matches!(result, Err(SendError::WouldBlock)) {
            break;
        }
        thread::yield_now();
        result = send();
    }
    result
}

/// Calls `send` with the pieces of a message, or with all in one piece where they are too many for `A`.
fn with_pieces<'d, A: Array<Item = IoSlice<'d>>, R>(
    pieces: impl Iterator<Item = &'d [u8]> + Clone,
    send: impl FnOnce(&[IoSlice<'_>]) -> R,
) -> R {
    let mut slices: SmallVec<A> = SmallVec::new();
    for piece in pieces.clone() {
        if slices.len() == A::size() {
            return send(&[IoSlice::new(&pieces.collect::<Vec<_>>().concat())]);
        }
        slices.push(IoSlice::new(piece));
    }
    send(&slices)
}
