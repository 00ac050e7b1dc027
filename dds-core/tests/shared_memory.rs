//! Memory shared between real processes: what arrives, and what remains when one is killed.
#![cfg(target_os = "linux")]

mod common;

use std::{
    collections::BTreeMap,
    os::unix::process::CommandExt,
    process::{Child, Command},
    sync::atomic::{AtomicBool, Ordering},
};

use common::{PATIENCE, wait_for};
use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant, ParticipantConfig,
    engine::{NotShared, SharedMemoryState},
    error::DdsError,
    qos::{Limit, ResourceLimits},
    sample::Sample,
    transport::SharedMemoryRefusal,
};

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Item {
    #[dds(key)]
    key: u32,
    number: u64,
    filler: Vec<u8>,
}

/// Ends a peer.
const LAST: u64 = u64::MAX;
const KEYS: u64 = 7;

fn item(number: u64, filler: usize) -> Item {
    Item { key: (number % KEYS) as u32, number, filler: vec![number as u8; filler] }
}

/// What the second process of a test does; the values are what tells tests and processes apart.
const ROLE: &str = "DDS_TEST_ROLE";
const DOMAIN: &str = "DDS_TEST_DOMAIN";
const TAG: &str = "DDS_TEST_TAG";

#[expect(clippy::disallowed_methods, reason = "how a test tells its second process what to do")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Another process, killed at the latest when it is dropped.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    fn start(scene: &Scene, role: &str, user: Option<u32>) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["second_process", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(ROLE, role).env(DOMAIN, scene.domain.to_string()).env(TAG, &scene.tag);
        if let Some(user) = user {
            command.uid(user);
        }
        Self(command.spawn().unwrap())
    }

    fn signal(&self, signal: i32) {
        let id = i32::try_from(self.0.id()).unwrap();
        // SAFETY: a child of ours that has not been waited for, so that the number is still its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0);
    }

    /// Stops it; returns when all of its threads have.
    fn stop(&self) {
        self.signal(libc::SIGSTOP);
        let tasks = format!("/proc/{}/task", self.0.id());
        let is_stopped = |task: std::fs::DirEntry| {
            std::fs::read_to_string(task.path().join("stat")).is_ok_and(|stat| stat.contains(") T "))
        };
        wait_for(|| std::fs::read_dir(&tasks).unwrap().all(|task| is_stopped(task.unwrap())));
    }

    fn ends(mut self) {
        assert!(self.0.wait().unwrap().success());
    }
}

struct Scene {
    domain: u32,
    tag: String,
}

impl Scene {
    fn new(domain: u32) -> Self {
        Self { domain, tag: format!("shared-{}-{domain}", std::process::id()) }
    }

    fn of_this_process() -> Self {
        Self { domain: variable(DOMAIN).unwrap().parse().unwrap(), tag: variable(TAG).unwrap() }
    }

    fn participant(&self, change: impl FnOnce(&mut ParticipantConfig)) -> DomainParticipant {
        let mut config =
            ParticipantConfig { domain_tag: self.tag.clone(), ..ParticipantConfig::loopback_only() };
        change(&mut config);
        DomainParticipant::builder(self.domain).config(config).build().unwrap()
    }
}

/// Rings that are full soon, and leases that are over soon.
fn small_rings(config: &mut ParticipantConfig) {
    config.shared_memory_bytes = 256 << 10;
    // More than that and the memory for what is lent hold.
    config.window_bytes = 8 << 20;
    config.lease_duration = dds_core::qos::Duration::from_secs(1);
    config.announcement_period = dds_core::qos::Duration::from_millis(200);
}

/// Not a test but what other tests start as their second process.
#[test]
#[ignore = "a second process of other tests"]
fn second_process() {
    let Some(role) = variable(ROLE) else { return };
    let scene = Scene::of_this_process();
    match role.as_str() {
        "echo" => echo(&scene.participant(small_rings)),
        "echo with large rings" => echo(&scene.participant(|_| {})),
        "echo without memory" => echo(&scene.participant(|config| config.shared_memory = false)),
        "write" => write_for_ever(&scene.participant(small_rings)),
        other => panic!("no such role: {other}"),
    }
}

fn echo(participant: &DomainParticipant) {
    let reader = participant.topic::<Item>("There").unwrap().reader().reliable().keep_all().build().unwrap();
    let writer = participant.topic::<Item>("Back").unwrap().writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    loop {
        reader.wait_for_data(PATIENCE.into()).unwrap();
        for item in reader.take().unwrap().into_iter().filter_map(Sample::into_data) {
            if item.number == LAST {
                return;
            }
            assert!(item.filler.iter().all(|byte| *byte == item.number as u8));
            writer.write(&Item { filler: Vec::new(), ..item }).unwrap();
        }
    }
}

fn write_for_ever(participant: &DomainParticipant) {
    let writer = participant.topic::<Item>("Back").unwrap().writer().reliable().keep_last(1).build().unwrap();
    for number in 0.. {
        writer.write(&item(number, 3_000)).unwrap();
    }
}

/// The ends of the process that tests.
struct Ends {
    participant: DomainParticipant,
    writer: DataWriter<Item>,
    reader: DataReader<Item>,
}

impl Ends {
    fn new(scene: &Scene, change: impl FnOnce(&mut ParticipantConfig)) -> Self {
        let participant = scene.participant(change);
        let topic = |name| participant.topic::<Item>(name).unwrap();
        let writer = topic("There").writer().reliable().keep_all().max_blocking_time(PATIENCE.into());
        let writer = writer.build().unwrap();
        let reader = topic("Back").reader().reliable().keep_all().build().unwrap();
        Self { participant, writer, reader }
    }

    /// Which way data takes to the only other participant.
    fn state(&self) -> Option<SharedMemoryState> {
        let others = self.participant.discovered_participants();
        others.iter().find_map(|other| self.participant.shared_memory_with(other.guid))
    }

    fn wait_matched(&self) {
        self.writer.wait_matched(1, PATIENCE.into()).unwrap();
        self.reader.wait_matched(1, PATIENCE.into()).unwrap();
    }

    fn wait_for_state(&self, wanted: &SharedMemoryState) {
        wait_for(|| self.state().as_ref() == Some(wanted));
    }

    /// Takes echoes until that of `last`, each key's in order and without gaps from `next` on.
    fn take_through(&self, next: &mut BTreeMap<u32, u64>, last: u64) {
        while next.values().max() != Some(&(last + KEYS)) {
            if self.reader.wait_for_data(PATIENCE.into()).is_err() {
                panic!("{last} {next:?} {:?}", self.participant.statistics());
            }
            for item in self.reader.take().unwrap().into_iter().filter_map(Sample::into_data) {
                let expected = next.entry(item.key).or_insert(u64::from(item.key));
                assert_eq!(item.number, *expected);
                *expected += KEYS;
            }
        }
    }

    fn say_last(&self) {
        self.writer.write(&Item { key: 0, number: LAST, filler: Vec::new() }).unwrap();
        self.writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    }

    fn sent_by_memory(&self) -> u64 {
        self.participant.statistics().runtime.unwrap().shared_memory_sent
    }
}

#[test]
fn what_full_memory_refused_is_sent_again_in_order() {
    let scene = Scene::new(110);
    let ends = Ends::new(&scene, small_rings);
    let peer = Peer::start(&scene, "echo", None);
    ends.wait_matched();
    ends.wait_for_state(&SharedMemoryState::Shared);
    let unsent = || ends.participant.statistics().runtime.unwrap().datagrams_unsent;
    let mut next = BTreeMap::new();
    let mut number = 0;
    for _ in 0..3 {
        let before = unsent();
        peer.stop();
        // More than the memory holds, and less than the writer's window.
        for _ in 0..1_000 {
            ends.writer.write(&item(number, 4_000)).unwrap();
            number += 1;
        }
        ends.writer.flush();
        // Another thread may be at sending.
        wait_for(|| unsent() > before);
        peer.signal(libc::SIGCONT);
        for _ in 0..2_000 {
            ends.writer.write(&item(number, (number % 500) as usize)).unwrap();
            number += 1;
        }
        ends.take_through(&mut next, number - 1);
    }
    assert!(ends.sent_by_memory() > 0);
    ends.say_last();
    peer.ends();
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

fn files() -> usize {
    std::fs::read_dir("/dev/shm").map_or(0, Iterator::count)
}

/// One test for both directions: it counts what its process has open.
#[test]
fn a_killed_process_leaves_nothing_behind_and_its_successor_goes_on() {
    let scene = Scene::new(111);
    let ends = Ends::new(&scene, small_rings);
    let before = (descriptors(), mappings(), files());
    for round in 0..3 {
        // The receiving side dies.
        let peer = Peer::start(&scene, "echo", None);
        ends.wait_matched();
        ends.wait_for_state(&SharedMemoryState::Shared);
        let sent = ends.sent_by_memory();
        ends.writer.write(&item(0, 100)).unwrap();
        ends.reader.wait_for_data(PATIENCE.into()).unwrap();
        assert!(ends.sent_by_memory() > sent);
        peer.signal(libc::SIGSTOP);
        for number in 0..100 {
            ends.writer.write(&item(number, 3_000)).unwrap();
        }
        peer.signal(libc::SIGKILL);
        drop(peer);
        let gone = SharedMemoryState::NotShared(NotShared::Refused(SharedMemoryRefusal::Gone));
        wait_for(|| ends.state().is_none_or(|state| state == gone));
        wait_for(|| (descriptors(), mappings(), files()) == before);
        // Killed with samples unacknowledged: until its lease ends it counts as matched.
        wait_for(|| ends.writer.publication_matched_status().current_count == 0);

        // The sending side dies while it sends.
        let peer = Peer::start(&scene, "write", None);
        ends.reader.wait_matched(1, PATIENCE.into()).unwrap();
        let received = || ends.participant.statistics().runtime.unwrap().shared_memory_received;
        let start = received();
        wait_for(|| received() > start + 100);
        peer.signal(libc::SIGKILL);
        drop(peer);
        wait_for(|| ends.reader.subscription_matched_status().current_count == 0);
        // Samples that were lent keep their sender's memory until then.
        drop(ends.reader.take().unwrap());
        wait_for(|| (descriptors(), mappings(), files()) == before);
        println!("round {round}");
    }
}

/// Many small samples lie together in memory of their sender, of which one that is held keeps all.
#[test]
fn samples_that_are_held_stay_as_they_are_and_their_sender_goes_on() {
    let scene = Scene::new(121);
    let ends = Ends::new(&scene, small_rings);
    let _peer = Peer::start(&scene, "write", None);
    // Several times the memory that there is.
    let (mut held, mut count) = (Vec::new(), 0);
    while count < 4_000 {
        ends.reader.wait_for_data(PATIENCE.into()).unwrap();
        let loan = ends.reader.select().take_loan().unwrap();
        count += loan.len();
        held.push(loan);
    }
    let received = || ends.participant.statistics().runtime.unwrap().shared_memory_received;
    let before = received();
    wait_for(|| received() > before + 100);
    let samples = held.iter().flat_map(|loan| loan.iter());
    let mut numbers = 0;
    for item in samples.filter_map(|sample| sample.decode().unwrap().into_data()) {
        assert_eq!(item.filler, vec![item.number as u8; 3_000]);
        numbers += 1;
    }
    assert_eq!(numbers, count);
}

#[test]
fn large_samples_arrive_whole_whatever_their_size() {
    for (domain, role, change) in [
        (116, "echo", small_rings as fn(&mut ParticipantConfig)),
        (117, "echo with large rings", |_: &mut ParticipantConfig| {}),
    ] {
        let scene = Scene::new(domain);
        let ends = Ends::new(&scene, change);
        let peer = Peer::start(&scene, role, None);
        ends.wait_matched();
        ends.wait_for_state(&SharedMemoryState::Shared);
        let mut next = BTreeMap::new();
        let sizes = [1, 1_300, 8_191, 8_192, 20_000, 65_000, 65_536, 70_001, 300_000, 1 << 20, 5_000_000];
        let mut number = 0;
        for size in sizes.into_iter().cycle().take(4 * sizes.len()) {
            ends.writer.write(&item(number, size)).unwrap();
            number += 1;
        }
        ends.take_through(&mut next, number - 1);
        ends.say_last();
        peer.ends();
    }
}

#[derive(DdsType, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Frame {
    #[dds(key)]
    camera: u64,
    number: u64,
    pixels: [u8; 40_000],
}

#[test]
fn lent_samples_are_read_where_they_were_written() {
    let domain = common::Domain::new(118);
    let (one, two) = (domain.participant(), domain.participant());
    let writer = one.topic::<Frame>("Frames").unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = two.topic::<Frame>("Frames").unwrap().reader().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    assert_eq!(one.shared_memory_with(two.guid()), Some(SharedMemoryState::Shared));
    let mut held = Vec::new();
    // Far more than there is memory for, if it were not used again.
    for number in 0..5_000_u64 {
        let mut frame = writer.loan().unwrap();
        assert!(frame.is_shared());
        (frame.camera, frame.number) = (7, number);
        frame.pixels.fill(number as u8);
        frame.write().unwrap();
        reader.wait_for_data(PATIENCE.into()).unwrap();
        let loan = reader.select().take_loan().unwrap();
        let sample = loan.iter().next().unwrap();
        let frame = sample.plain().unwrap_or_else(|| {
            panic!("sample {number} lies at {:p}, {:?}", sample.bytes().unwrap(), two.statistics())
        });
        assert_eq!((frame.camera, frame.number), (7, number));
        assert!(frame.pixels.iter().all(|pixel| *pixel == number as u8));
        if number.is_multiple_of(500) {
            assert_eq!(sample.decode().unwrap().data().unwrap().number, number);
            held.push((number, loan));
        }
    }
    for (number, loan) in &held {
        let sample = loan.iter().next().unwrap();
        assert!(sample.plain().unwrap().pixels.iter().all(|pixel| *pixel == *number as u8), "written over");
    }
}

#[derive(DdsType, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Reading {
    #[dds(key)]
    sensor: u64,
    number: u64,
    values: [f32; 5],
    flags: u32,
}

#[test]
fn small_lent_samples_are_sent_by_a_copy() {
    let domain = common::Domain::new(122);
    let (one, two) = (domain.participant(), domain.participant());
    let writer = one.topic::<Reading>("Readings").unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = two.topic::<Reading>("Readings").unwrap().reader().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for number in 0..1_000_u64 {
        let mut reading = writer.loan().unwrap();
        assert!(!reading.is_shared());
        *reading = Reading { sensor: number % 3, number, values: [number as f32; 5], flags: 1 };
        reading.write().unwrap();
    }
    for number in 0..1_000_u64 {
        let reading = *common::next(&reader).data().unwrap();
        assert_eq!((reading.sensor, reading.number, reading.flags), (number % 3, number, 1));
        assert_eq!(reading.values, [number as f32; 5]);
    }
}

#[test]
fn a_loan_without_anybody_to_share_with_is_a_sample_like_others() {
    let domain = common::Domain::new(119);
    let one = domain.participant();
    let topic = one.topic::<Frame>("Frames").unwrap();
    let (writer, reader) = (topic.writer().build().unwrap(), topic.reader().reliable().build().unwrap());
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let mut frame = writer.loan().unwrap();
    assert!(!frame.is_shared());
    frame.number = 3;
    frame.write().unwrap();
    assert_eq!(common::next(&reader).data().unwrap().number, 3);
}

#[derive(DdsType, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[dds(extensibility = "mutable")]
#[repr(C)]
struct Mutable {
    number: u32,
}

#[test]
fn loans_are_for_types_whose_memory_is_their_encoding() {
    let domain = common::Domain::new(120);
    let topic = domain.participant().topic::<Mutable>("Mutable").unwrap();
    let refused = topic.writer().build().unwrap().loan().unwrap_err();
    assert_eq!(refused.return_code(), dds_core::error::ReturnCode::PreconditionNotMet);
}

#[test]
fn where_it_cannot_be_the_network_serves_and_the_reason_is_told() {
    let exchange = |domain, role, user, change: fn(&mut ParticipantConfig), wanted: SharedMemoryState| {
        let scene = Scene::new(domain);
        let ends = Ends::new(&scene, change);
        let peer = Peer::start(&scene, role, user);
        ends.wait_matched();
        ends.wait_for_state(&wanted);
        for number in 0..100 {
            ends.writer.write(&item(number, 100)).unwrap();
        }
        ends.take_through(&mut BTreeMap::new(), 99);
        assert_eq!(ends.sent_by_memory(), 0);
        ends.say_last();
        peer.ends();
    };
    let not_shared = SharedMemoryState::NotShared;
    exchange(112, "echo without memory", None, small_rings, not_shared(NotShared::NotOffered));
    exchange(113, "echo", None, |config| config.shared_memory = false, not_shared(NotShared::Disabled));
    // SAFETY: has no effect.
    let ours = unsafe { libc::geteuid() };
    if ours == 0 {
        let refusal = SharedMemoryRefusal::OtherUser { ours, theirs: Some(65_534) };
        exchange(114, "echo", Some(65_534), small_rings, not_shared(NotShared::Refused(refusal)));
    } else {
        println!("not root: no process of another user can be made");
    }
}

#[test]
fn a_late_way_takes_over_and_what_was_by_network_is_not_lost() {
    let scene = Scene::new(115);
    let ends = Ends::new(&scene, small_rings);
    let peer = Peer::start(&scene, "echo", None);
    ends.writer.wait_matched(1, PATIENCE.into()).unwrap();
    // Whatever goes by which way: matching needs the network, and memory may come later.
    for number in 0..5_000 {
        ends.writer.write(&item(number, 50)).unwrap();
    }
    ends.take_through(&mut BTreeMap::new(), 4_999);
    ends.wait_for_state(&SharedMemoryState::Shared);
    ends.say_last();
    peer.ends();
    let departed = || ends.participant.discovered_participants().is_empty();
    wait_for(departed);
}

/// Samples take another way than announcements, and the ways are not looked at equally often: what comes before
/// its writer was announced is not lost.
#[test]
fn the_first_sample_of_a_new_writer_arrives_however_busy_the_memory_is() {
    let scene = Scene::new(118);
    // Of one process, but with memory of their own.
    let (sender, receiver) = (scene.participant(|_| {}), scene.participant(small_rings));
    // With little on the way: full memory would lose samples, rightly.
    let limits = ResourceLimits { max_samples: Limit::Finite(100), ..ResourceLimits::default() };
    let stream = sender.topic::<Item>("Stream").unwrap().writer().reliable().keep_all();
    let stream = stream.resource_limits(limits).build().unwrap();
    let streamed =
        receiver.topic::<Item>("Stream").unwrap().reader().reliable().keep_last(1).build().unwrap();
    let reader = receiver.topic::<Item>("Once").unwrap().reader().best_effort().keep_all().build().unwrap();
    stream.wait_matched(1, PATIENCE.into()).unwrap();
    let guid = receiver.guid();
    wait_for(|| sender.shared_memory_with(guid) == Some(SharedMemoryState::Shared));
    let is_over = AtomicBool::new(false);
    let lost = std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                if !matches!(stream.write(&item(number, 50)), Ok(()) | Err(DdsError::Timeout { .. })) {
                    break;
                }
                stream.flush();
            }
        });
        let once = |number| {
            let writer = sender.topic::<Item>("Once").ok()?.writer().best_effort().build().ok()?;
            writer.wait_matched(1, PATIENCE.into()).ok()?;
            writer.write(&item(number, 50)).ok()?;
            loop {
                reader.wait_for_data(PATIENCE.into()).ok()?;
                // What has no data tells that the writer before is gone.
                if let Some(first) = reader.take().ok()?.into_iter().find_map(Sample::into_data) {
                    return (first == item(number, 50)).then_some(());
                }
            }
        };
        let lost = (0..200).find(|number| once(*number).is_none());
        is_over.store(true, Ordering::Relaxed);
        lost
    });
    assert_eq!(lost, None);
    drop(streamed);
}
