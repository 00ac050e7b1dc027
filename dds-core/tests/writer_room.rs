//! Endpoints on virtual time: room in a writer's history, timers, fragments that are lost.

use std::{
    collections::VecDeque,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
};

use dds_core::{
    Addresses, DataReader, DataWriter, DdsType, DomainParticipant,
    engine::{Environment, NotShared},
    qos::{Deadline, Duration, Limit, ResourceLimits, TransportPriority},
    rtps::{
        message::Datagram,
        participant::Interface,
        structure::{Locator, LocatorKind, SharedMemoryName},
        time::{Monotonic, Now, Timestamp},
    },
};
use parking_lot::Mutex;

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Step {
    number: u32,
}

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Image {
    bytes: Vec<u8>,
}

type Hook = Box<dyn FnOnce() + Send>;

/// One host's network with everybody on it.
#[derive(Default)]
struct World {
    nanos: AtomicU64,
    wire: Mutex<VecDeque<(SocketAddr, SocketAddr, Vec<u8>)>>,
    participants: Mutex<Vec<(Addresses, DomainParticipant)>>,
    /// Called within the next send to the socket.
    within_send: Mutex<Option<(SocketAddr, Hook)>>,
    /// One in so many datagrams for user's readers is lost; none while zero.
    loss: AtomicU32,
    /// The code points of marked datagrams.
    marks: Mutex<Vec<u8>>,
    /// The lengths of the datagrams of each send.
    trains: Mutex<Vec<Vec<usize>>>,
    /// Whether all are on one host and share memory. What is sent there is counted and goes nowhere.
    shares_memory: AtomicBool,
    /// Messages, copies of payloads and wakes.
    shared: Mutex<[u32; 3]>,
    /// How long a send takes.
    send_nanos: AtomicU64,
    /// How often a timer moved since time last did.
    timers_moved: AtomicU32,
}

struct Host {
    world: Arc<World>,
    own: SocketAddr,
}

impl Environment for Host {
    fn now(&self) -> Now {
        let nanos = self.world.nanos.load(Ordering::Relaxed) + 1_000_000_000;
        Now { monotonic: Monotonic::from_nanos(nanos), wall: Timestamp::from_nanos(nanos) }
    }

    fn send(&self, destination: &Locator, datagram: &Datagram) {
        let Some(destination) = destination.socket_address() else {
            self.world.shared.lock()[0] += 1;
            return;
        };
        let takes = self.world.send_nanos.load(Ordering::Relaxed);
        self.world.nanos.fetch_add(takes, Ordering::Relaxed);
        self.world.wire.lock().push_back((self.own, destination, datagram.to_vec()));
        let hook = self.world.within_send.lock().take_if(|(socket, _)| *socket == destination);
        if let Some((_, hook)) = hook {
            hook();
        }
    }

    fn send_train(&self, destination: &Locator, datagrams: &[Datagram], code_point: Option<u8>) {
        self.world.trains.lock().push(datagrams.iter().map(Datagram::len).collect());
        self.world.marks.lock().extend(code_point);
        datagrams.iter().for_each(|datagram| self.send(destination, datagram));
    }

    fn share_memory(&self, name: SharedMemoryName) -> Result<Option<Locator>, NotShared> {
        let address = name.0;
        Ok(Some(Locator { kind: LocatorKind::SHARED_MEMORY, port: 0, address }))
    }

    fn share_payloads(&self, datagram: &mut Datagram) {
        self.world.shared.lock()[1] += u32::from(datagram.spliced_len() > 0);
    }

    fn wake_receivers(&self) {
        self.world.shared.lock()[2] += 1;
    }

    fn timer_moved(&self, _: Monotonic) {
        let moved = self.world.timers_moved.fetch_add(1, Ordering::Relaxed);
        assert!(moved < 1_000, "a timer that is due again and again");
    }

    fn may_block(&self) -> bool {
        false
    }
}

impl World {
    fn participant(self: &Arc<Self>, number: u8) -> DomainParticipant {
        let socket = |port| SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, number), port));
        let group = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::new(239, 255, 0, 1), 7400));
        let is_shared = self.shares_memory.load(Ordering::Relaxed);
        let interface =
            |number| Interface { address: Ipv4Addr::new(192, 0, 2, number).into(), prefix_length: 24 };
        let addresses = Addresses {
            metatraffic_unicast: vec![Locator::from(socket(7410))],
            metatraffic_multicast: vec![Locator::from(group)],
            user_unicast: vec![Locator::from(socket(7411))],
            user_multicast: Vec::new(),
            interfaces: if is_shared { (1..10).map(interface).collect() } else { vec![interface(number)] },
            shared_memory: is_shared.then_some(SharedMemoryName([number; 16])),
        };
        let environment = Arc::new(Host { world: self.clone(), own: socket(7410) });
        let participant =
            DomainParticipant::builder(0).build_in(environment, addresses.clone(), [number; 18]).unwrap();
        self.participants.lock().push((addresses, participant.clone()));
        participant
    }

    fn deliver(&self) {
        for number in 1.. {
            let Some((from, to, bytes)) = self.wire.lock().pop_front() else { return };
            let loss = self.loss.load(Ordering::Relaxed);
            if to.port() == 7411 && loss > 0 && number % loss == 0 {
                continue;
            }
            let to = Locator::from(to);
            let participants = self.participants.lock().clone();
            for (addresses, participant) in participants {
                let all = [
                    &addresses.metatraffic_unicast,
                    &addresses.metatraffic_multicast,
                    &addresses.user_unicast,
                ];
                if all.iter().any(|locators| locators.contains(&to)) {
                    let engine = participant.engine();
                    let now = engine_now(self);
                    let mut burst = Default::default();
                    engine.on_datagram(now, Locator::from(from), &bytes, &mut burst);
                    engine.finish_burst(now, &mut burst);
                }
            }
        }
    }

    /// Lets time pass in steps of 100 µs.
    fn run(&self, steps: u32) {
        for _ in 0..steps {
            self.nanos.fetch_add(100_000, Ordering::Relaxed);
            self.timers_moved.store(0, Ordering::Relaxed);
            self.deliver();
            let participants = self.participants.lock().clone();
            for (_, participant) in participants {
                participant.engine().on_timer(engine_now(self));
            }
        }
    }
}

fn engine_now(world: &World) -> Now {
    let nanos = world.nanos.load(Ordering::Relaxed) + 1_000_000_000;
    Now { monotonic: Monotonic::from_nanos(nanos), wall: Timestamp::from_nanos(nanos) }
}

fn limits(samples: u32) -> ResourceLimits {
    ResourceLimits { max_samples: Limit::Finite(samples), ..ResourceLimits::default() }
}

fn matched(world: &World, writer: &DataWriter<Step>) {
    for _ in 0..200 {
        if !writer.matched_subscriptions().is_empty() {
            return;
        }
        world.run(100);
    }
    panic!("nobody is matched");
}

fn reader(participant: &DomainParticipant, samples: u32) -> DataReader<Step> {
    let topic = participant.topic::<Step>("Step").unwrap();
    topic.reader().reliable().keep_all().resource_limits(limits(samples)).build().unwrap()
}

#[test]
fn a_reader_that_leaves_makes_room() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let writer = one.topic::<Step>("Step").unwrap().writer().reliable().keep_all();
    let writer = writer.resource_limits(limits(3)).build().unwrap();
    let reader = reader(&two, 1);
    matched(&world, &writer);
    let mut number = 0;
    while writer.write(&Step { number }).is_ok() {
        number += 1;
        world.run(100);
        assert!(number < 10, "the writer has no limit");
    }
    drop(reader);
    world.run(1_000);
    assert!(writer.matched_subscriptions().is_empty());
    writer.write(&Step { number }).unwrap();
}

#[test]
fn a_batch_that_another_thread_sends_arms_no_timer() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let writer = one.topic::<Step>("Step").unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = reader(&two, 100);
    matched(&world, &writer);
    world.run(100);
    let second = writer.clone();
    let socket = world.participants.lock()[1].0.user_unicast[0].socket_address().unwrap();
    let hook: Hook = Box::new(move || second.write(&Step { number: 1 }).unwrap());
    *world.within_send.lock() = Some((socket, hook));
    writer.write(&Step { number: 0 }).unwrap();
    world.run(100);
    assert_eq!(reader.take().unwrap().len(), 2);
}

#[test]
fn a_loop_that_writes_to_many_batches_although_sending_to_them_takes_long() {
    let world = Arc::new(World::default());
    let (one, others) = (world.participant(1), [world.participant(2), world.participant(3)]);
    let writer = one.topic::<Step>("Step").unwrap().writer().reliable().keep_all().build().unwrap();
    let readers = others.each_ref().map(|participant| reader(participant, 100));
    world.run(1_000);
    assert_eq!(writer.matched_subscriptions().len(), 2);
    world.send_nanos.store(12_000, Ordering::Relaxed);
    (0..20).for_each(|number| writer.write(&Step { number }).unwrap());
    assert_eq!(world.wire.lock().len(), 8, "four left by themselves, the others wait for more");
    world.send_nanos.store(0, Ordering::Relaxed);
    world.run(100);
    assert!(readers.iter().all(|reader| reader.take().unwrap().len() == 20));
}

#[test]
fn a_loop_sends_its_batches_itself_and_the_timer_the_last_one() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let writer = one.topic::<Step>("Step").unwrap().writer().reliable().keep_all().build().unwrap();
    let _reader = reader(&two, 100);
    matched(&world, &writer);
    world.run(100);
    world.deliver();
    let after = |micros: u64| {
        world.nanos.fetch_add(micros * 1_000, Ordering::Relaxed);
        one.engine().on_timer(engine_now(&world));
        world.wire.lock().len()
    };
    let write = || {
        writer.write(&Step { number: 0 }).unwrap();
        world.wire.lock().len()
    };
    let sent: Vec<usize> = (0..5).map(|_| write()).collect();
    assert_eq!(sent, [1, 2, 3, 4, 4], "the fifth waits for more");
    // Its time is 100 µs.
    for _ in 0..11 {
        assert_eq!((after(9), write()), (4, 4));
    }
    assert_eq!(after(5), 4, "the loop goes on");
    assert_eq!(write(), 5);
    assert_eq!((after(5), write()), (5, 5));
    assert_eq!(after(95), 5);
    assert_eq!(after(5), 6, "no further write came");
}

#[test]
fn an_answer_is_no_part_of_a_loop_however_soon_it_comes() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let writer = one.topic::<Step>("Step").unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = reader(&two, 100);
    let back = two.topic::<Step>("Back").unwrap().writer().reliable().keep_all().build().unwrap();
    let topic = one.topic::<Step>("Back").unwrap();
    let answers = topic.reader().reliable().keep_all().build().unwrap();
    world.run(1_000);
    assert_eq!((writer.matched_subscriptions().len(), answers.matched_publications().len()), (1, 1));
    for number in 0..20 {
        writer.write(&Step { number }).unwrap();
        world.nanos.fetch_add(1_000, Ordering::Relaxed);
        world.deliver();
        assert_eq!(reader.take().unwrap().len(), 1, "sample {number} waits");
        back.write(&Step { number }).unwrap();
        world.nanos.fetch_add(1_000, Ordering::Relaxed);
        world.deliver();
        assert_eq!(answers.take().unwrap().len(), 1, "answer {number} waits");
    }
    (20..25).for_each(|number| writer.write(&Step { number }).unwrap());
    world.deliver();
    assert_eq!(reader.take().unwrap().len(), 4, "a loop's fifth sample waits");
}

#[test]
fn best_effort_history_with_a_limit_never_refuses_a_burst() {
    let world = Arc::new(World::default());
    let one = world.participant(1);
    let writer = one.topic::<Step>("Step").unwrap().writer().best_effort().keep_all();
    let writer = writer.resource_limits(limits(2)).build().unwrap();
    for number in 0..10 {
        writer.write(&Step { number }).unwrap();
    }
}

#[test]
fn a_shorter_deadline_takes_effect_at_once() {
    let world = Arc::new(World::default());
    let one = world.participant(1);
    let writer =
        one.topic::<Step>("Step").unwrap().writer().deadline(Duration::from_secs(60)).build().unwrap();
    writer.write(&Step { number: 0 }).unwrap();
    world.run(10);
    writer.set_qos(writer.qos().deadline(Deadline(Duration::from_millis(10)))).unwrap();
    world.run(1_000);
    assert!(writer.offered_deadline_missed_status().total_count >= 5);
}

/// DDS 1.4 §2.2.3.15: the priority goes with every datagram of the writer, and may change.
#[test]
fn a_writers_priority_marks_its_datagrams() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let topic = one.topic::<Step>("Step").unwrap();
    let plain = topic.writer().build().unwrap();
    let urgent = topic.writer().qos(plain.qos().transport_priority(TransportPriority(46))).build().unwrap();
    let reader = two.topic::<Step>("Step").unwrap().reader().reliable().keep_all().build().unwrap();
    world.run(1_000);
    assert_eq!(reader.matched_publications().len(), 2);
    let marks = |writer: &DataWriter<Step>| {
        world.marks.lock().clear();
        writer.write(&Step { number: 0 }).unwrap();
        world.run(100);
        std::mem::take(&mut *world.marks.lock())
    };
    assert!(marks(&plain).is_empty());
    let marked = marks(&urgent);
    assert!(!marked.is_empty() && marked.iter().all(|mark| *mark == 46), "{marked:?}");
    plain.set_qos(plain.qos().transport_priority(TransportPriority(1_000))).unwrap();
    assert!(marks(&plain).iter().all(|mark| *mark == 63), "there are no more");
    plain.set_qos(plain.qos().transport_priority(TransportPriority(-5))).unwrap();
    urgent.set_qos(urgent.qos().transport_priority(TransportPriority(0))).unwrap();
    assert!(marks(&plain).is_empty() && marks(&urgent).is_empty());
    assert_eq!(reader.take().unwrap().len(), 5);
}

/// What UDP_SEGMENT asks for: one length but for the last, and no more than one datagram could hold.
#[test]
fn fragments_leave_as_many_as_one_system_call_takes() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let writer = one.topic::<Image>("Image").unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = two.topic::<Image>("Image").unwrap().reader().reliable().keep_all().build().unwrap();
    world.run(1_000);
    assert_eq!(writer.matched_subscriptions().len(), 1);
    for length in [100, 1_344, 2_000, 60_000, 200_000] {
        world.trains.lock().clear();
        let image = Image { bytes: (0..length).map(|number| number as u8).collect() };
        writer.write(&image).unwrap();
        let trains = std::mem::take(&mut *world.trains.lock());
        for train in &trains {
            let (last, others) = train.split_last().unwrap();
            assert!(others.iter().all(|other| other == &train[0]) && *last <= train[0], "{train:?}");
            assert!(train.len() <= 64 && train.iter().sum::<usize>() <= 65_507, "{train:?}");
        }
        let most = 1 + length / 60_000;
        assert!(trains.len() <= most, "{length} bytes in {} sends: {trains:?}", trains.len());
        world.run(100);
        assert_eq!(reader.take().unwrap()[0].data(), Some(&image));
    }
}

#[test]
fn a_large_payload_is_copied_once_for_all_who_share_memory_and_they_are_woken_after_all_of_it() {
    let world = Arc::new(World::default());
    world.shares_memory.store(true, Ordering::Relaxed);
    let (one, others) = (world.participant(1), [2, 3, 4].map(|number| world.participant(number)));
    let writer = one.topic::<Image>("Image").unwrap().writer().best_effort().keep_all().build().unwrap();
    let readers = others
        .each_ref()
        .map(|other| other.topic::<Image>("Image").unwrap().reader().best_effort().build().unwrap());
    world.run(1_000);
    assert_eq!(writer.matched_subscriptions().len(), readers.len());
    for (bytes, copies) in [(20_000, 1), (100, 0)] {
        *world.shared.lock() = [0; 3];
        writer.write(&Image { bytes: vec![7; bytes] }).unwrap();
        assert_eq!(*world.shared.lock(), [3, copies, 1], "messages, copies, wakes");
        world.run(1);
    }
}

#[test]
fn best_effort_samples_that_never_arrived_whole_do_not_keep_out_the_next() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let writer = one.topic::<Image>("Image").unwrap().writer().best_effort().build().unwrap();
    let reader = two.topic::<Image>("Image").unwrap().reader().best_effort().build().unwrap();
    for _ in 0..200 {
        world.run(100);
    }
    assert_eq!(writer.matched_subscriptions().len(), 1);
    let image = Image { bytes: vec![7; 50_000] };
    world.loss.store(5, Ordering::Relaxed);
    for _ in 0..40 {
        writer.write(&image).unwrap();
        world.run(10);
    }
    assert!(reader.take().unwrap().is_empty());
    world.loss.store(0, Ordering::Relaxed);
    writer.write(&image).unwrap();
    world.run(10);
    assert_eq!(reader.take().unwrap().len(), 1);
}

#[test]
fn a_readers_shorter_deadline_takes_effect_at_once() {
    let world = Arc::new(World::default());
    let (one, two) = (world.participant(1), world.participant(2));
    let topic = one.topic::<Step>("Step").unwrap();
    let writer = topic.writer().deadline(Duration::from_millis(10)).build().unwrap();
    let topic = two.topic::<Step>("Step").unwrap();
    let reader = topic.reader().deadline(Duration::from_secs(60)).build().unwrap();
    matched(&world, &writer);
    writer.write(&Step { number: 0 }).unwrap();
    world.run(10);
    assert!(reader.has_data(dds_core::sample::DataState::ANY));
    reader.set_qos(reader.qos().deadline(Deadline(Duration::from_millis(10)))).unwrap();
    world.run(1_000);
    assert!(reader.requested_deadline_missed_status().total_count >= 5);
}
