//! Two ends of shared memory, and strangers who do not keep to the rules.
#![cfg(target_os = "linux")]
#![cfg(not(dds_transport_portable))]

mod common;

use std::iter::once;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use common::PATIENCE;
use dds_transport::{
    LentPart, Poller, SendError, SharedMemory, SharedMemoryConfig, SharedMemoryEvent, SharedMemoryName,
    SharedMemoryReceiver, SharedMemoryRefusal, SharedMemoryWay,
};
use socket2::{Domain, SockAddr, Socket, Type};

const SMALL: SharedMemoryConfig = SharedMemoryConfig { ring_bytes: 256 << 10 };

struct End {
    poller: Poller,
    memory: SharedMemory,
    receiver: SharedMemoryReceiver,
    events: Vec<SharedMemoryEvent>,
    buffer: Vec<u8>,
}

impl End {
    /// Under a name that nothing else of this run has.
    fn new(config: SharedMemoryConfig) -> Self {
        let poller = Poller::new().unwrap();
        let (memory, receiver) = SharedMemory::open(unused_name(), config, &poller).unwrap();
        Self { poller, memory, receiver, events: Vec::new(), buffer: Vec::new() }
    }

    fn name(&self) -> SharedMemoryName {
        self.memory.name()
    }

    /// Looks after connections without waiting.
    fn serve(&mut self) {
        self.receiver.serve(&mut self.events);
    }

    fn receive(&mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        self.receiver.receive(64, &mut self.buffer, |_, message, lent| {
            messages.push([message, lent.as_ref().map_or(&[], |(bytes, _)| bytes)].concat());
        });
        messages
    }
}

fn unused_name() -> SharedMemoryName {
    let mut name = [0; 16];
    let random = std::fs::read("/proc/sys/kernel/random/uuid").unwrap();
    for (to, from) in name.iter_mut().zip(random.iter().filter(|byte| **byte != b'-').skip(8)) {
        *to = *from;
    }
    SharedMemoryName(name)
}

/// Serves both until `found`.
fn until<R>(ends: &mut [&mut End], mut found: impl FnMut(&mut [&mut End]) -> Option<R>) -> R {
    let started = Instant::now();
    loop {
        for end in ends.iter_mut() {
            end.serve();
        }
        if let Some(found) = found(ends) {
            return found;
        }
        assert!(started.elapsed() < PATIENCE, "it does not happen");
        std::thread::yield_now();
    }
}

/// The way from `one` to `two`.
fn open(one: &mut End, two: &mut End) -> SharedMemoryWay {
    let name = two.name();
    assert_eq!(one.memory.connect(name), Ok(None));
    let opened = until(&mut [one, two], |ends| ends[0].events.pop());
    let SharedMemoryEvent::Opened { name: to, way } = opened else { panic!("{opened:?}") };
    assert_eq!(to, name);
    assert_eq!(one.memory.connect(name), Ok(Some(way)), "it is known");
    way
}

fn refusal(one: &mut End, two: &mut End, name: SharedMemoryName) -> SharedMemoryRefusal {
    match one.memory.connect(name) {
        Err(refusal) => refusal,
        Ok(_) => match until(&mut [one, two], |ends| ends[0].events.pop()) {
            SharedMemoryEvent::Closed { reason, .. } => reason,
            opened => panic!("{opened:?}"),
        },
    }
}

fn send(end: &End, way: SharedMemoryWay, to: SharedMemoryName, message: &[u8]) -> Result<(), SendError> {
    let sent = end.memory.send(way, to, once(message));
    end.memory.wake();
    sent
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn mappings() -> usize {
    std::fs::read_to_string("/proc/self/maps")
        .unwrap()
        .lines()
        .filter(|line| line.contains("memfd:dds"))
        .count()
}

#[test]
fn whoever_only_looks_is_not_woken() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let way = open(&mut one, &mut two);
    let to = two.name();
    // What connecting left.
    while !two.poller.wait(Some(Duration::ZERO)).unwrap().is_empty() {
        two.serve();
    }
    assert!(!two.receiver.sees_messages());
    send(&one, way, to, b"a").unwrap();
    assert!(two.receiver.sees_messages());
    assert!(two.poller.wait(Some(Duration::ZERO)).unwrap().is_empty(), "nobody asked to be woken");
    assert_eq!(two.receive(), [b"a"]);
    assert!(!two.receiver.sees_messages() && !two.receiver.has_messages());
    send(&one, way, to, b"b").unwrap();
    assert!(!two.poller.wait(Some(Duration::ZERO)).unwrap().is_empty(), "asked by the last look");
}

#[test]
fn messages_arrive_and_wake_whoever_sleeps() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let way = open(&mut one, &mut two);
    let to = two.name();
    for round in 0..100_u32 {
        assert!(!two.receiver.has_messages());
        std::thread::scope(|scope| {
            scope.spawn(|| send(&one, way, to, &round.to_le_bytes()).unwrap());
            let started = Instant::now();
            while !two.receiver.has_messages() {
                two.poller.wait(Some(PATIENCE)).unwrap();
                assert!(started.elapsed() < PATIENCE, "round {round}: never woken");
            }
        });
        assert_eq!(two.receive(), [round.to_le_bytes()]);
    }
}

#[test]
fn a_full_ring_refuses_and_what_was_sent_arrives_in_order() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let way = open(&mut one, &mut two);
    let to = two.name();
    let (mut sent, mut received, mut refused) = (0_u32, 0_u32, 0);
    while received < 50_000 {
        match send(&one, way, to, &[&sent.to_le_bytes()[..], &[7; 800]].concat()) {
            Ok(()) => sent += 1,
            Err(SendError::WouldBlock) => {
                refused += 1;
                for message in two.receive() {
                    assert_eq!(message[..4], received.to_le_bytes());
                    received += 1;
                }
            }
            Err(error) => panic!("{error}"),
        }
    }
    assert!(refused > 10);
    assert!(matches!(send(&one, way, to, &[0; 256 << 10]), Err(SendError::TooLarge)));
}

/// Sends `head` and then what is in a slot of `length` bytes; whether it was lent.
fn lend(end: &End, way: SharedMemoryWay, to: SharedMemoryName, head: &[u8], length: usize) -> bool {
    let mut buffer = end.memory.allocate(length).unwrap();
    buffer.fill(head[0]);
    let message = buffer.freeze();
    let part = LentPart { at: head.len() as u32, start: 0, length: length as u32 };
    let lent = end.memory.send_lent((way, to), head, once(part), &message, 0..length).unwrap();
    end.memory.wake();
    lent
}

#[test]
fn large_messages_are_lent_and_their_memory_serves_again_when_they_are_let_go_of() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let way = open(&mut one, &mut two);
    let to = two.name();
    // Far more than there is.
    for round in 0..100_u8 {
        assert!(lend(&one, way, to, &[round], 1 << 20));
        assert_eq!(two.receive(), [vec![round; 1 + (1 << 20)]]);
    }
    // What is held is not written over, and when all is held there is no more.
    let mut held = Vec::new();
    let mut round = 0;
    while let Some(mut buffer) = one.memory.allocate(100_000) {
        buffer.fill(round);
        let message = buffer.freeze();
        let part = LentPart { at: 1, start: 0, length: 49_990 };
        assert!(one.memory.send_lent((way, to), b"-", once(part), &message, 10..50_000).unwrap());
        assert!(!one.memory.send_lent((way, to), b"-", once(part), &message, 10..50_000).unwrap(), "twice");
        two.receiver.receive(64, &mut two.buffer, |_, _, lent| held.push((round, lent.unwrap().0)));
        assert_eq!(held.last().unwrap().1.held(), held.len());
        round += 1;
    }
    assert!((4..100).contains(&round), "{round}");
    for (round, rest) in &held {
        assert!(rest.len() == 49_990 && rest.iter().all(|byte| byte == round));
    }
    held.pop();
    assert!(one.memory.allocate(100_000).is_some());
}

#[test]
fn what_a_dead_receiver_held_serves_again() {
    let mut one = End::new(SMALL);
    for _ in 0..20 {
        let mut two = End::new(SMALL);
        let way = open(&mut one, &mut two);
        let mut held = Vec::new();
        assert!(lend(&one, way, two.name(), b"x", 1 << 20));
        two.receiver.receive(64, &mut two.buffer, |_, _, rest| held.push(rest.unwrap().0));
        // Never returned, as by a killed process, but for the connection.
        let name = two.name();
        drop(two);
        one.memory.disconnect(name);
        one.serve();
        assert!(held.iter().all(|rest| rest.iter().all(|byte| *byte == b'x')), "it is read to the end");
        held.into_iter().for_each(drop);
        until(&mut [&mut one], |ends| ends[0].memory.allocate(1 << 20));
    }
}

#[test]
fn what_was_sent_before_the_end_arrives_after_it() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let way = open(&mut one, &mut two);
    let before = (descriptors(), mappings());
    for number in 0..10_u8 {
        send(&one, way, two.name(), &[number]).unwrap();
    }
    drop(one);
    let mut messages = Vec::new();
    until(&mut [&mut two], |ends| {
        messages.extend(ends[0].receive());
        (ends[0].receiver.senders() == 0).then_some(())
    });
    assert_eq!(messages.concat(), (0..10).collect::<Vec<u8>>());
    assert!(descriptors() < before.0 && mappings() < before.1);
}

#[test]
fn the_sender_learns_of_the_receivers_end() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let way = open(&mut one, &mut two);
    let to = two.name();
    drop(two);
    let closed = until(&mut [&mut one], |ends| ends[0].events.pop());
    assert_eq!(closed, SharedMemoryEvent::Closed { name: to, reason: SharedMemoryRefusal::Gone });
    assert!(matches!(send(&one, way, to, b"too late"), Err(SendError::Unreachable(_))));
    assert_eq!(one.memory.connect(to), Err(SharedMemoryRefusal::NotHere));
    // A place that is used again is not the old way.
    let mut three = End::new(SMALL);
    assert_eq!(open(&mut one, &mut three), way);
    assert!(matches!(send(&one, way, to, b"too late"), Err(SendError::Unreachable(_))));
    send(&one, way, three.name(), b"in time").unwrap();
    assert_eq!(three.receive(), [b"in time"]);
}

#[test]
fn whoever_was_not_told_the_name_is_refused() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let mut name = two.name();
    name.0[15] ^= 1;
    assert_eq!(refusal(&mut one, &mut two, name), SharedMemoryRefusal::WrongToken);
    assert_eq!(refusal(&mut one, &mut two, unused_name()), SharedMemoryRefusal::NotHere);
    assert_eq!(two.receiver.senders(), 0);
    // It is no grudge.
    open(&mut one, &mut two);
}

/// A socket that connects to an end without being one.
fn stranger(to: &End) -> std::io::Result<Socket> {
    let id: String = to.name().0[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(format!("\0dds/{id}"))?)?;
    socket.set_nonblocking(false)?;
    Ok(socket)
}

/// What an end answers a stranger who says `hello`: the last byte, or nothing.
fn answer(end: &mut End, hello: &[u8]) -> Option<u8> {
    let socket = stranger(end).unwrap();
    socket.send(hello).unwrap();
    socket.set_nonblocking(true).unwrap();
    let mut answer = [std::mem::MaybeUninit::uninit(); 64];
    until(&mut [end], |_| match socket.recv(&mut answer) {
        Ok(0) => Some(None),
        // SAFETY: that many bytes were received.
        Ok(length) => Some(Some(unsafe { answer[length - 1].assume_init() })),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
        Err(error) => panic!("{error}"),
    })
}

#[test]
fn nonsense_is_answered_by_a_refusal() {
    let mut end = End::new(SMALL);
    let name = end.name().0;
    let hello = |token: &[u8], capacity: u64| {
        let numbers =
            [&capacity.to_le_bytes()[..], &(1_u64 << 20).to_le_bytes(), &0_u32.to_le_bytes()].concat();
        [b"ddsshm\x00\x01", token, &[3; 16][..], &numbers].concat()
    };
    const MALFORMED: Option<u8> = Some(4);
    assert_eq!(answer(&mut end, b"?"), MALFORMED);
    assert_eq!(answer(&mut end, &[0xff; 4096]), MALFORMED);
    let right = hello(&name[8..], 256 << 10);
    assert_eq!(answer(&mut end, &right), MALFORMED, "no descriptors");
    assert_eq!(answer(&mut end, &right[..51]), MALFORMED);
    assert_eq!(answer(&mut end, &[&right[..], &[0]].concat()), MALFORMED);
    assert_eq!(end.receiver.senders(), 0);
}

#[test]
fn silent_connections_are_bounded_and_do_not_keep_others_out() {
    let (mut one, mut two) = (End::new(SMALL), End::new(SMALL));
    let before = descriptors();
    let (mut held, mut most) = (Vec::new(), 0);
    for _ in 0..2_000 {
        match stranger(&two) {
            Ok(socket) => held.push(socket),
            // As many wait as the system lets.
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
        two.serve();
        if held.len() > 100 {
            held.drain(..50);
        }
        most = most.max(descriptors() - held.len());
    }
    assert!(most - before < 64, "{most} descriptors of {before}");
    open(&mut one, &mut two);
    drop(held);
    until(&mut [&mut two], |_| (descriptors() <= before + 4 + 32).then_some(()));
}

#[test]
fn waiting_without_ways_costs_no_wakes() {
    let mut end = End::new(SMALL);
    assert!(!end.receiver.has_messages());
    let started = Instant::now();
    assert!(end.poller.wait(Some(Duration::from_millis(1))).unwrap().is_empty());
    assert!(started.elapsed() >= Duration::from_millis(1));
}

/// What the two ends of another user and namespace see is tested where there are such.
#[test]
fn another_user_is_refused() {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        println!("not root: no process of another user can be made");
        return;
    }
    let (mut one, two) = (End::new(SMALL), End::new(SMALL));
    let name = two.name();
    // SAFETY: changes the effective user of this thread alone, and back.
    let become_user = |user: u32| unsafe { libc::syscall(libc::SYS_setresuid, -1, user, -1) };
    assert_eq!(become_user(65_534), 0);
    let refused = one.memory.connect(name);
    assert_eq!(become_user(0), 0);
    assert_eq!(refused, Err(SharedMemoryRefusal::OtherUser { ours: 65_534, theirs: Some(0) }));
    drop(two);
    one.serve();
    assert!(one.events.is_empty());
}
