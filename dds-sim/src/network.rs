//! Virtual time, and the datagrams, timers and sleepers that wait for it.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::Waker,
};

use dds_core::engine::{Burst, Engine, Environment};
use dds_rtps::{
    message::Datagram,
    structure::Locator,
    time::{Monotonic, Now, Timestamp},
};
use parking_lot::Mutex;

use crate::{NetworkConditions, NetworkStatistics, random::Random, trace::TraceHash};

/// A simulated host. Each has an IPv4 address of its own in one subnet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct HostId(pub(crate) u32);

/// A datagram that a [`Socket`](crate::Socket) received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// The address it claims to come from.
    pub source: SocketAddrV4,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A program on a host: it has sockets and is reached by datagrams and timers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct ProcessId(u32);

/// Who gets a process's datagrams.
pub(crate) enum Program {
    /// Not known yet: the participant is being made.
    Starting,
    Participant(Weak<Engine>),
    Socket(Arc<Mutex<VecDeque<Received>>>),
    Ended,
}

struct Process {
    host: HostId,
    program: Program,
    /// Where its datagrams seem to come from.
    source: SocketAddrV4,
    timer: u64,
}

/// A datagram under way. The earliest arrival comes first, then, so that one burst reaches one
/// process, the lower process, then the earlier departure.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Packet {
    arrival: u64,
    process: ProcessId,
    departure: u64,
    sender: HostId,
    source: SocketAddrV4,
    destination: SocketAddrV4,
    bytes: Vec<u8>,
}

pub(crate) struct World {
    now: AtomicU64,
    /// Purpose: everything but the clock. Never held while an engine, a task or a user's code runs.
    state: Mutex<State>,
}

struct State {
    conditions: NetworkConditions,
    random: Random,
    hosts: u32,
    processes: Vec<Process>,
    sockets: BTreeMap<SocketAddrV4, ProcessId>,
    groups: BTreeMap<SocketAddrV4, Vec<ProcessId>>,
    cut: BTreeSet<(HostId, HostId)>,
    queue: BinaryHeap<Reverse<Packet>>,
    departures: u64,
    /// When the last datagram that kept its place arrives, for each way.
    last_arrival: HashMap<(HostId, HostId), u64>,
    timers: BTreeSet<(u64, ProcessId)>,
    sleepers: BTreeMap<(u64, u64), Waker>,
    trace: TraceHash,
    statistics: NetworkStatistics,
    spare: Vec<Vec<u8>>,
}

/// Virtual clocks start here, so that «a while ago» exists from the start.
const ORIGIN: u64 = 1_000_000_000;
/// The wall clock at the monotonic clock's zero: the first second of 2026.
const WALL_AT_ZERO: u64 = 1_767_225_600_000_000_000;
const NEVER: u64 = u64::MAX;
/// Idle datagram buffers kept.
const SPARE_BUFFERS: usize = 4096;
/// The largest UDP datagram over IPv4.
const LARGEST_DATAGRAM: usize = 65_507;

impl World {
    pub(crate) fn new(random: Random) -> Arc<Self> {
        Arc::new(Self {
            now: AtomicU64::new(ORIGIN),
            state: Mutex::new(State {
                conditions: NetworkConditions::default(),
                random,
                hosts: 0,
                processes: Vec::new(),
                sockets: BTreeMap::new(),
                groups: BTreeMap::new(),
                cut: BTreeSet::new(),
                queue: BinaryHeap::new(),
                departures: 0,
                last_arrival: HashMap::new(),
                timers: BTreeSet::new(),
                sleepers: BTreeMap::new(),
                trace: TraceHash::default(),
                statistics: NetworkStatistics::default(),
                spare: Vec::new(),
            }),
        })
    }

    pub(crate) fn now(&self) -> Now {
        let now = self.now.load(Ordering::Relaxed);
        Now { monotonic: Monotonic::from_nanos(now), wall: Timestamp::from_nanos(WALL_AT_ZERO + now) }
    }

    /// Nanoseconds since the simulation began.
    pub(crate) fn elapsed(&self) -> u64 {
        self.now.load(Ordering::Relaxed) - ORIGIN
    }

    pub(crate) fn set_conditions(&self, conditions: NetworkConditions) {
        self.state.lock().conditions = conditions;
    }

    pub(crate) fn statistics(&self) -> NetworkStatistics {
        self.state.lock().statistics
    }

    pub(crate) fn trace_hash(&self) -> u64 {
        self.state.lock().trace.value()
    }

    pub(crate) fn add_host(&self) -> HostId {
        let mut state = self.state.lock();
        let host = HostId(state.hosts);
        // 10.0.0.0/8 has room for more than any simulation needs.
        assert!(host.0 < 0x00ff_0000, "too many hosts");
        state.hosts += 1;
        host
    }

    /// Starts a process that is reached at `addresses`, the first of which is where its datagrams come
    /// from; `None` when one is in use.
    pub(crate) fn add_process(
        &self,
        host: HostId,
        addresses: &[SocketAddrV4],
        groups: &[SocketAddrV4],
        program: Program,
    ) -> Option<ProcessId> {
        let mut state = self.state.lock();
        if addresses.iter().any(|address| state.sockets.contains_key(address)) {
            return None;
        }
        let id = ProcessId(u32::try_from(state.processes.len()).ok()?);
        state.sockets.extend(addresses.iter().map(|address| (*address, id)));
        for group in groups {
            state.groups.entry(*group).or_default().push(id);
        }
        let source = addresses.first().copied()?;
        state.processes.push(Process { host, program, source, timer: NEVER });
        Some(id)
    }

    pub(crate) fn set_program(&self, process: ProcessId, program: Program) {
        self.state.lock().processes[process.0 as usize].program = program;
    }

    /// Closes a process's sockets and stops its timers, at once and without a word to anybody.
    pub(crate) fn end_process(&self, process: ProcessId) {
        let mut state = self.state.lock();
        state.set_timer(process, NEVER);
        state.sockets.retain(|_, owner| *owner != process);
        for members in state.groups.values_mut() {
            members.retain(|member| *member != process);
        }
        // What is replaced may be the last handle of a queue, never an engine.
        state.processes[process.0 as usize].program = Program::Ended;
    }

    pub(crate) fn end_host(&self, host: HostId) {
        let on_host: Vec<_> = {
            let state = self.state.lock();
            let ids = (0..).map(ProcessId).zip(&state.processes);
            ids.filter(|(_, process)| process.host == host).map(|(id, _)| id).collect()
        };
        on_host.into_iter().for_each(|process| self.end_process(process));
    }

    pub(crate) fn host_of(&self, engine: &Arc<Engine>) -> Option<HostId> {
        let state = self.state.lock();
        let runs = |process: &&Process| match &process.program {
            Program::Participant(known) => std::ptr::eq(known.as_ptr(), Arc::as_ptr(engine)),
            _ => false,
        };
        state.processes.iter().find(runs).map(|process| process.host)
    }

    pub(crate) fn cut(&self, one: HostId, other: HostId) {
        self.state.lock().cut.extend([(one, other), (other, one)]);
    }

    pub(crate) fn heal(&self, one: HostId, other: HostId) {
        let mut state = self.state.lock();
        state.cut.remove(&(one, other));
        state.cut.remove(&(other, one));
    }

    pub(crate) fn send_from(
        &self,
        process: ProcessId,
        source: Option<SocketAddrV4>,
        destination: SocketAddrV4,
        pieces: &mut dyn Iterator<Item = &[u8]>,
    ) {
        let now = self.now.load(Ordering::Relaxed);
        let mut state = self.state.lock();
        let mut bytes = state.spare.pop().unwrap_or_default();
        pieces.for_each(|piece| bytes.extend_from_slice(piece));
        state.send(now, process, source, destination, bytes);
    }

    /// Does what comes next, unless it comes after `until`; says whether there was something.
    pub(crate) fn step(&self, until: u64) -> bool {
        let mut state = self.state.lock();
        let packet = state.queue.peek().map_or(NEVER, |Reverse(packet)| packet.arrival);
        let timer = state.timers.first().map_or(NEVER, |(at, _)| *at);
        let sleeper = state.sleepers.keys().next().map_or(NEVER, |(at, _)| *at);
        let now = self.now.load(Ordering::Relaxed);
        let next = packet.min(timer).min(sleeper).max(now);
        if next > until || next == NEVER {
            if until != NEVER {
                self.now.store(until.max(now), Ordering::Relaxed);
            }
            return false;
        }
        self.now.store(next, Ordering::Relaxed);
        if packet <= next {
            drop(state);
            self.deliver(next);
        } else if timer <= next {
            let (_, process) = *state.timers.first().expect("a timer is due");
            state.set_timer(process, NEVER);
            let engine = state.engine(process);
            drop(state);
            if let Some(engine) = engine {
                engine.on_timer(self.now());
                let next = engine.next_timer().map_or(NEVER, Monotonic::as_nanos);
                self.state.lock().set_timer(process, next);
            }
        } else if let Some((_, waker)) = state.sleepers.pop_first() {
            drop(state);
            waker.wake();
        }
        true
    }

    /// Hands the next process all datagrams that arrive at this instant.
    fn deliver(&self, now: u64) {
        let mut burst = Burst::default();
        let mut receiver: Option<(ProcessId, Arc<Engine>)> = None;
        loop {
            let mut state = self.state.lock();
            let of_burst = state.queue.peek().is_some_and(|Reverse(packet)| {
                packet.arrival <= now
                    && receiver.as_ref().is_none_or(|(process, _)| *process == packet.process)
            });
            if !of_burst {
                break;
            }
            let Some(Reverse(packet)) = state.queue.pop() else { break };
            let Some(program) = state.receive(&packet) else { continue };
            drop(state);
            match program {
                Recipient::Engine(engine) => {
                    let source = Locator::from(SocketAddr::V4(packet.source));
                    burst.set_by_group(packet.destination.ip().is_multicast());
                    engine.on_datagram(self.now(), source, &packet.bytes, &mut burst);
                    receiver = Some((packet.process, engine));
                    self.state.lock().recycle(packet.bytes);
                }
                Recipient::Socket(queue) => {
                    queue.lock().push_back(Received { source: packet.source, bytes: packet.bytes });
                }
            }
        }
        if let Some((_, engine)) = receiver {
            engine.finish_burst(self.now(), &mut burst);
        }
    }

    /// Wakes the task at `due`; returns what [`World::give_up_sleep`] needs.
    pub(crate) fn sleep(&self, due: u64, waker: Waker) -> (u64, u64) {
        let mut state = self.state.lock();
        state.departures += 1;
        let key = (due, state.departures);
        state.sleepers.insert(key, waker);
        key
    }

    pub(crate) fn give_up_sleep(&self, key: (u64, u64)) {
        let waker = self.state.lock().sleepers.remove(&key);
        drop(waker);
    }

    pub(crate) fn instant(&self, elapsed: u64) -> u64 {
        ORIGIN.saturating_add(elapsed)
    }
}

enum Recipient {
    Engine(Arc<Engine>),
    Socket(Arc<Mutex<VecDeque<Received>>>),
}

impl State {
    fn engine(&self, process: ProcessId) -> Option<Arc<Engine>> {
        match &self.processes[process.0 as usize].program {
            Program::Participant(engine) => engine.upgrade(),
            _ => None,
        }
    }

    fn set_timer(&mut self, process: ProcessId, at: u64) {
        let entry = &mut self.processes[process.0 as usize];
        if entry.timer == at {
            return;
        }
        if entry.timer != NEVER {
            self.timers.remove(&(entry.timer, process));
        }
        if at != NEVER {
            self.timers.insert((at, process));
        }
        entry.timer = at;
    }

    fn send(
        &mut self,
        now: u64,
        sender: ProcessId,
        source: Option<SocketAddrV4>,
        destination: SocketAddrV4,
        bytes: Vec<u8>,
    ) {
        let process = &self.processes[sender.0 as usize];
        if matches!(process.program, Program::Ended) || bytes.len() > LARGEST_DATAGRAM {
            self.recycle(bytes);
            return;
        }
        let host = process.host;
        let source = source.unwrap_or(process.source);
        self.statistics.sent += 1;
        if !destination.ip().is_multicast() {
            match self.sockets.get(&destination).copied() {
                Some(process) => self.carry(now, host, source, destination, process, bytes),
                None => {
                    self.statistics.unroutable += 1;
                    self.recycle(bytes);
                }
            }
            return;
        }
        let members = self.groups.get(&destination).map_or(0, Vec::len);
        for index in 0..members {
            let member = self.groups[&destination][index];
            if member != sender {
                let mut copy = self.spare.pop().unwrap_or_default();
                copy.extend_from_slice(&bytes);
                self.carry(now, host, source, destination, member, copy);
            }
        }
        self.recycle(bytes);
    }

    /// Lets the network do to a datagram what its conditions say.
    fn carry(
        &mut self,
        now: u64,
        sender: HostId,
        source: SocketAddrV4,
        destination: SocketAddrV4,
        process: ProcessId,
        bytes: Vec<u8>,
    ) {
        let receiver = self.processes[process.0 as usize].host;
        if self.cut.contains(&(sender, receiver)) {
            self.statistics.cut += 1;
            self.recycle(bytes);
            return;
        }
        if self.random.happens(self.conditions.loss) {
            self.statistics.lost += 1;
            self.recycle(bytes);
            return;
        }
        let twice = self.random.happens(self.conditions.duplicate);
        if twice {
            self.statistics.duplicated += 1;
            let mut copy = self.spare.pop().unwrap_or_default();
            copy.extend_from_slice(&bytes);
            self.enqueue(now, sender, receiver, source, destination, process, copy);
        }
        self.enqueue(now, sender, receiver, source, destination, process, bytes);
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one datagram")]
    fn enqueue(
        &mut self,
        now: u64,
        sender: HostId,
        receiver: HostId,
        source: SocketAddrV4,
        destination: SocketAddrV4,
        process: ProcessId,
        bytes: Vec<u8>,
    ) {
        let Self { random, conditions, .. } = self;
        let mut between = |range: &std::ops::RangeInclusive<std::time::Duration>| {
            let nanos = |duration: &std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(NEVER);
            let (start, end) = (nanos(range.start()), nanos(range.end()));
            start.saturating_add(random.below(end.saturating_sub(start).saturating_add(1)))
        };
        let mut arrival = now.saturating_add(between(&conditions.delay));
        let extra = between(&conditions.hold_back);
        if random.happens(conditions.reorder) {
            self.statistics.held_back += 1;
            arrival = arrival.saturating_add(extra);
        } else {
            let last = self.last_arrival.entry((sender, receiver)).or_default();
            arrival = arrival.max(*last);
            *last = arrival;
        }
        self.departures += 1;
        let departure = self.departures;
        self.queue.push(Reverse(Packet { arrival, process, departure, sender, source, destination, bytes }));
    }

    /// Notes the arrival of a datagram and says whose it is.
    fn receive(&mut self, packet: &Packet) -> Option<Recipient> {
        let process = &self.processes[packet.process.0 as usize];
        if self.cut.contains(&(packet.sender, process.host)) {
            self.statistics.cut += 1;
            return None;
        }
        let recipient = match &process.program {
            Program::Participant(engine) => engine.upgrade().map(Recipient::Engine),
            Program::Socket(queue) => Some(Recipient::Socket(queue.clone())),
            Program::Starting | Program::Ended => None,
        };
        if recipient.is_none() {
            self.statistics.unroutable += 1;
            return None;
        }
        self.statistics.delivered += 1;
        self.statistics.delivered_bytes += packet.bytes.len() as u64;
        let address =
            |address: SocketAddrV4| u64::from(address.ip().to_bits()) << 16 | u64::from(address.port());
        self.trace.add(packet.arrival);
        self.trace.add(address(packet.source));
        self.trace.add(address(packet.destination));
        // The process, since a group's datagram goes to many.
        self.trace.add(u64::from(packet.process.0));
        self.trace.add_bytes(&packet.bytes);
        recipient
    }

    fn recycle(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < SPARE_BUFFERS {
            bytes.clear();
            self.spare.push(bytes);
        }
    }
}

/// The world as one participant sees it.
pub(crate) struct ProcessEnvironment {
    pub(crate) world: Arc<World>,
    pub(crate) process: ProcessId,
}

impl Environment for ProcessEnvironment {
    fn now(&self) -> Now {
        self.world.now()
    }

    fn send(&self, destination: &Locator, datagram: &Datagram) {
        if let Some(SocketAddr::V4(destination)) = destination.socket_address() {
            self.world.send_from(self.process, None, destination, &mut datagram.pieces());
        }
    }

    fn timer_moved(&self, at: Monotonic) {
        let mut state = self.world.state.lock();
        let process = &state.processes[self.process.0 as usize];
        if at.as_nanos() < process.timer && !matches!(process.program, Program::Ended) {
            state.set_timer(self.process, at.as_nanos());
        }
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl Drop for ProcessEnvironment {
    fn drop(&mut self) {
        self.world.end_process(self.process);
    }
}

impl HostId {
    /// The host's address.
    pub fn address(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(0x0a00_0001_u32.saturating_add(self.0))
    }
}
