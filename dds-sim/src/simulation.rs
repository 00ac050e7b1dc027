//! The simulation as its user drives it.

use std::{
    collections::VecDeque,
    future::Future,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use dds_core::{Addresses, DomainParticipant, ParticipantBuilder, error::DdsResult, transport::PortMapping};
use dds_rtps::{participant::Interface, structure::Locator};
use parking_lot::Mutex;

use crate::{
    Clock, HostId, NetworkConditions, NetworkStatistics, Received, Task,
    executor::{Tasks, Woken},
    network::{ProcessEnvironment, ProcessId, Program, World},
    random::Random,
};

/// Hosts, the network between them, and a clock that only this simulation moves. See the
/// [crate's documentation](crate).
pub struct Simulation {
    seed: u64,
    world: Arc<World>,
    tasks: Tasks,
    /// Makes the identities of participants; apart from the network's, so that a network with other
    /// conditions has the same participants on it.
    identities: Mutex<Random>,
}

impl std::fmt::Debug for Simulation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Simulation").field("seed", &self.seed).field("now", &self.now()).finish()
    }
}

/// The group that participants announce themselves to (RTPS 2.5 §9.6.2.3).
const GROUP: Ipv4Addr = Ipv4Addr::new(239, 255, 0, 1);
/// How long [`Simulation::block_on`] waits, in virtual time.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

impl Simulation {
    /// An empty network under default conditions at time zero. Equal seeds, and equal calls after that,
    /// give equal runs.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            world: World::new(Random::new(seed)),
            tasks: Tasks::default(),
            identities: Mutex::new(Random::new(!seed)),
        }
    }

    /// The seed, to be printed by tests that fail.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// With these conditions.
    #[must_use]
    pub fn network(self, conditions: NetworkConditions) -> Self {
        self.set_network(conditions);
        self
    }

    /// Changes the conditions for what is sent from now on.
    pub fn set_network(&self, conditions: NetworkConditions) {
        self.world.set_conditions(conditions);
    }

    /// Adds a host.
    pub fn host(&self) -> HostId {
        self.world.add_host()
    }

    /// A participant on a host of its own, with default configuration.
    ///
    /// # Panics
    /// When the domain is too large to have ports.
    pub fn participant(&self, domain_id: u32) -> DomainParticipant {
        self.participant_on(self.host(), domain_id)
    }

    /// A participant on `host`, with default configuration.
    ///
    /// # Panics
    /// When the domain has no more ports there.
    pub fn participant_on(&self, host: HostId, domain_id: u32) -> DomainParticipant {
        match self.participant_with(host, domain_id, |builder| builder) {
            Ok(participant) => participant,
            Err(error) => panic!("the default configuration makes a participant: {error}"),
        }
    }

    /// A participant on `host` that `configure` finishes. What its configuration says of sockets and
    /// interfaces has no effect, except for the port mapping.
    ///
    /// # Errors
    /// Those of [`ParticipantBuilder::build`], but for sockets.
    ///
    /// # Panics
    /// When the domain has no more ports on the host.
    pub fn participant_with(
        &self,
        host: HostId,
        domain_id: u32,
        configure: impl FnOnce(ParticipantBuilder) -> ParticipantBuilder,
    ) -> DdsResult<DomainParticipant> {
        let ports = PortMapping::default();
        let group = SocketAddrV4::new(GROUP, port(ports.metatraffic_multicast(domain_id)));
        let user_group = SocketAddrV4::new(GROUP, port(ports.user_multicast(domain_id)));
        let groups = [group, user_group];
        let bind = |participant_id| {
            let at = |port| SocketAddrV4::new(host.address(), port);
            let metatraffic = at(port(ports.metatraffic_unicast(domain_id, participant_id)));
            let user = at(port(ports.user_unicast(domain_id, participant_id)));
            let process = self.world.add_process(host, &[metatraffic, user], &groups, Program::Starting)?;
            Some((process, metatraffic, user))
        };
        let (process, metatraffic, user) = (0..).find_map(bind).expect("ids end in a panic of their own");
        let locator = |address| Locator::from(SocketAddr::V4(address));
        let addresses = Addresses {
            metatraffic_unicast: vec![locator(metatraffic)],
            metatraffic_multicast: vec![locator(group)],
            user_unicast: vec![locator(user)],
            user_multicast: vec![locator(user_group)],
            interfaces: vec![Interface { address: host.address().into(), prefix_length: 8 }],
            shared_memory: None,
        };
        let environment = Arc::new(ProcessEnvironment { world: self.world.clone(), process });
        let random = self.identities.lock().bytes();
        let builder = configure(DomainParticipant::builder(domain_id));
        let participant = builder.build_in(environment, addresses, random)?;
        self.world.set_program(process, Program::Participant(Arc::downgrade(participant.engine())));
        Ok(participant)
    }

    /// The host of a participant of this simulation; `None` for others and after a kill.
    pub fn host_of(&self, participant: &DomainParticipant) -> Option<HostId> {
        self.world.host_of(participant.engine())
    }

    /// A bare socket on `host`, for tests that speak the protocol themselves, or break it; `None` when
    /// the port is taken.
    pub fn socket(&self, host: HostId, port: u16) -> Option<Socket> {
        let address = SocketAddrV4::new(host.address(), port);
        let received = Arc::new(Mutex::new(VecDeque::new()));
        let program = Program::Socket(received.clone());
        let process = self.world.add_process(host, &[address], &[], program)?;
        Some(Socket { world: self.world.clone(), process, address, received })
    }

    /// Cuts the network between two hosts, both ways: what is sent, or still under way, is lost.
    pub fn partition(&self, one: HostId, other: HostId) {
        self.world.cut(one, other);
    }

    /// Ends a partition.
    pub fn heal(&self, one: HostId, other: HostId) {
        self.world.heal(one, other);
    }

    /// Ends all processes on a host without a word to others, as a power failure would. The entities
    /// of its participants can be dropped at leisure. The host can be used again.
    pub fn kill(&self, host: HostId) {
        self.world.end_host(host);
    }

    /// Virtual time since the simulation began.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.world.elapsed())
    }

    /// The clock, for tasks that sleep.
    pub fn clock(&self) -> Clock {
        Clock(self.world.clone())
    }

    /// Lets virtual time pass.
    pub fn run_for(&self, duration: Duration) {
        self.run_until(|| false, duration);
    }

    /// Lets virtual time pass until `condition` holds, at most `limit`; whether it holds. It is looked
    /// at now and after each event.
    pub fn run_until(&self, mut condition: impl FnMut() -> bool, limit: Duration) -> bool {
        let end = self.end_of(limit);
        loop {
            self.tasks.run();
            if condition() {
                return true;
            }
            if !self.world.step(end) {
                self.tasks.run();
                return condition();
            }
        }
    }

    /// Runs a future beside all others, whenever virtual time passes.
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> Task<T> {
        self.tasks.spawn(future)
    }

    /// Lets virtual time pass until `future` is ready, and returns its result.
    ///
    /// # Panics
    /// When it is not ready after a day of virtual time.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        match self.block_on_for(PATIENCE, future) {
            Some(output) => output,
            None => panic!("seed {}: the future is not ready after a day of virtual time", self.seed),
        }
    }

    /// As [`Simulation::block_on`], for at most `limit`; `None` when the future is not ready then.
    pub fn block_on_for<F: Future>(&self, limit: Duration, future: F) -> Option<F::Output> {
        let end = self.end_of(limit);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut context = Context::from_waker(&waker);
        let mut future = pin!(future);
        waker.wake_by_ref();
        let mut over = false;
        loop {
            if woken.take() {
                if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                    return Some(output);
                }
            } else if over {
                return None;
            }
            self.tasks.run();
            over = !self.world.step(end);
        }
    }

    /// A hash of everything delivered so far: time, source, destination and bytes of each datagram.
    pub fn trace_hash(&self) -> u64 {
        self.world.trace_hash()
    }

    /// What the network did so far.
    pub fn statistics(&self) -> NetworkStatistics {
        self.world.statistics()
    }

    fn end_of(&self, limit: Duration) -> u64 {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        self.world.instant(self.world.elapsed().saturating_add(nanos))
    }
}

fn port<E: std::fmt::Display>(port: Result<u16, E>) -> u16 {
    port.unwrap_or_else(|error| panic!("{error}"))
}

/// A bare socket; see [`Simulation::socket`]. It closes when dropped.
pub struct Socket {
    world: Arc<World>,
    process: ProcessId,
    address: SocketAddrV4,
    received: Arc<Mutex<VecDeque<Received>>>,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("address", &self.address).finish()
    }
}

impl Socket {
    /// Its address.
    pub fn address(&self) -> SocketAddrV4 {
        self.address
    }

    /// Sends a datagram.
    pub fn send_to(&self, destination: SocketAddrV4, bytes: &[u8]) {
        self.world.send_from(self.process, None, destination, &mut std::iter::once(bytes));
    }

    /// Sends a datagram that claims to come from `source`.
    pub fn send_as(&self, source: SocketAddrV4, destination: SocketAddrV4, bytes: &[u8]) {
        self.world.send_from(self.process, Some(source), destination, &mut std::iter::once(bytes));
    }

    /// The next datagram that arrived.
    pub fn receive(&self) -> Option<Received> {
        self.received.lock().pop_front()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.world.end_process(self.process);
    }
}
