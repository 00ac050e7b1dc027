//! Coherent sets and group numbers that no honest publisher writes.

use dds_core::{
    DataReader, DataWriter, DomainParticipant, Publisher, Subscriber, engine::Burst, qos::AccessScope,
};
use dds_rtps::{
    message::{
        DataHeader, Datagram, GroupDigest, Heartbeat, HeartbeatGroupInfo, InlineQosToSend, MessageBuilder,
        PayloadKind,
    },
    payload::Payload,
    structure::{EntityId, GuidPrefix, SequenceNumber},
};
use dds_sim::{NetworkConditions, Simulation};

use crate::{
    allocation::{allocated, held},
    common::{Numbered, millis, simulation, take_numbers},
    scene::{now_of, source_of},
};

const SCOPES: [AccessScope; 2] = [AccessScope::Topic, AccessScope::Group];
const TOPICS: [&str; 2] = ["One", "Two"];

/// Coherent and ordered readers, an honest publisher that writes sets for them, and one that turned bad.
struct Scene {
    sim: Simulation,
    target: DomainParticipant,
    subscriber: Subscriber,
    readers: Vec<DataReader<Numbered>>,
    honest: (Publisher, Vec<DataWriter<Numbered>>),
    _honest_participant: DomainParticipant,
    next: u32,
    bad: Bad,
}

/// A publisher whose process is gone, and in whose name somebody speaks.
struct Bad {
    prefix: GuidPrefix,
    /// A writer of each topic and the reader that is matched with it, and the next number of each.
    endpoints: Vec<(EntityId, EntityId)>,
    numbers: Vec<i64>,
    address: std::net::SocketAddrV4,
}

fn publisher(participant: &DomainParticipant, scope: AccessScope) -> (Publisher, Vec<DataWriter<Numbered>>) {
    let publisher = participant.publisher().presentation(scope).coherent().ordered().build().unwrap();
    let writer = |name: &&str| {
        let builder = participant.topic::<Numbered>(name).unwrap().writer();
        builder.publisher(&publisher).reliable().keep_all().build().unwrap()
    };
    let writers = TOPICS.iter().map(writer).collect();
    (publisher, writers)
}

impl Scene {
    fn new(seed: u64, scope: AccessScope) -> Self {
        let sim = simulation(seed, NetworkConditions::new());
        let (target, honest, bad) = (sim.participant(0), sim.participant(0), sim.participant(0));
        let subscriber = target.subscriber().presentation(scope).coherent().ordered().build().unwrap();
        let reader = |name: &&str| {
            let builder = target.topic::<Numbered>(name).unwrap().reader();
            builder.subscriber(&subscriber).reliable().keep_all().build().unwrap()
        };
        let readers: Vec<_> = TOPICS.iter().map(reader).collect();
        let (of_honest, of_bad) = (publisher(&honest, scope), publisher(&bad, scope));
        for writer in of_honest.1.iter().chain(&of_bad.1) {
            sim.block_on(writer.matched(1));
        }
        for reader in &readers {
            sim.block_on(reader.matched(2));
        }
        let host = sim.host_of(&bad).unwrap();
        let endpoints = of_bad.1.iter().zip(&readers);
        let endpoints = endpoints.map(|(writer, reader)| (writer.guid().entity_id, reader.guid().entity_id));
        let bad_one = Bad {
            prefix: bad.guid().prefix,
            endpoints: endpoints.collect(),
            numbers: vec![1; TOPICS.len()],
            address: source_of(&bad),
        };
        sim.kill(host);
        Self {
            sim,
            target,
            subscriber,
            readers,
            honest: of_honest,
            _honest_participant: honest,
            next: 1_000_000,
            bad: bad_one,
        }
    }

    /// The honest publisher's next set is shown, whole. What the bad one made visible is taken away.
    fn serve(&mut self) {
        let (publisher, writers) = &self.honest;
        let set = publisher.coherent_changes().unwrap();
        for offset in 0..3 {
            for writer in writers {
                writer.write(&Numbered::new(self.next + offset)).unwrap();
            }
        }
        set.end();
        self.sim.run_for(millis(20));
        let access = self.subscriber.access().unwrap();
        for reader in &self.readers {
            let mut numbers = Vec::new();
            // With access scope GROUP, one at a time.
            loop {
                let taken = take_numbers(reader);
                if taken.is_empty() {
                    break;
                }
                numbers.extend(taken.into_iter().filter(|number| *number >= 1_000_000));
            }
            let expected: Vec<u32> = (self.next..self.next + 3).collect();
            assert_eq!(numbers, expected, "seed {}: {}", self.sim.seed(), reader.topic().name());
        }
        drop(access);
        self.next += 3;
    }

    fn inject(&self, datagram: &Datagram) {
        let now = now_of(&self.sim);
        let mut burst = Burst::default();
        let source = std::net::SocketAddr::V4(self.bad.address).into();
        self.target.engine().on_datagram(now, source, &datagram.to_vec(), &mut burst);
        self.target.engine().finish_burst(now, &mut burst);
    }

    /// The bad publisher's next change in a topic. Without payload it is the end of a set.
    fn write(&mut self, topic: usize, marks: &InlineQosToSend, has_payload: bool) {
        let (writer_id, reader_id) = self.bad.endpoints[topic];
        let number = self.bad.numbers[topic];
        self.bad.numbers[topic] += 1;
        let kind = if has_payload { PayloadKind::Data } else { PayloadKind::None };
        let header = DataHeader {
            writer_id,
            reader_id,
            writer_sn: SequenceNumber(number),
            kind,
            ..DataHeader::default()
        };
        // Number 0 and an empty text in XCDR1.
        let payload = Payload::from(vec![0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
        let mut out = Datagram::new();
        MessageBuilder::begin(&mut out, self.bad.prefix).data(&header, Some(marks), &payload);
        let length = out.len();
        let used = allocated(|| self.inject(&out));
        // The largest single growth is that of a table of what is kept.
        assert!(used <= 16 * length + (16 << 20), "{used} bytes for {length}: {marks:?}");
    }

    fn heartbeat(&self, topic: usize, group: [i64; 3], writers: [u8; 4]) {
        let (writer_id, reader_id) = self.bad.endpoints[topic];
        let last = SequenceNumber(self.bad.numbers[topic] - 1);
        let [current, first, last_in_group] = group.map(SequenceNumber);
        let heartbeat = Heartbeat {
            reader_id,
            writer_id,
            first_sn: SequenceNumber(1),
            last_sn: last,
            count: dds_rtps::structure::Count(self.bad.numbers[topic] as i32),
            is_final: true,
            is_liveliness: false,
            group_info: Some(HeartbeatGroupInfo {
                current_gsn: current,
                first_gsn: first,
                last_gsn: last_in_group,
                writer_set: GroupDigest(writers),
                secure_writer_set: GroupDigest::default(),
            }),
        };
        let mut out = Datagram::new();
        MessageBuilder::begin(&mut out, self.bad.prefix).heartbeat(&heartbeat);
        self.inject(&out);
    }
}

fn marks(coherent: i64, group_coherent: i64, group: i64) -> InlineQosToSend {
    InlineQosToSend {
        coherent_set: Some(SequenceNumber(coherent)),
        group_coherent_set: Some(SequenceNumber(group_coherent)),
        group_seq_num: Some(SequenceNumber(group)),
        ..InlineQosToSend::default()
    }
}

fn grown(before: usize) -> isize {
    held().wrapping_sub(before) as isize
}

/// What one writer may make a reader keep, with its bookkeeping: 65,536 samples.
const SHARE: isize = 48 << 20;

#[test]
fn a_set_that_never_ends_is_given_up_and_others_are_shown() {
    for scope in SCOPES {
        let mut scene = Scene::new(131, scope);
        scene.serve();
        let before = held();
        for number in 1..=150_000 {
            scene.write(0, &marks(1, 1, number), true);
            if number % 10_000 == 0 {
                assert!(grown(before) < SHARE, "{scope:?}: {} bytes held", grown(before));
                scene.serve();
            }
        }
        // It ends after all, and all of it is lost: too much of it would have had to be kept.
        let lost_before = scene.readers[0].sample_lost_status().total_count;
        scene.write(0, &marks(0, 1, 150_001), false);
        scene.heartbeat(1, [150_001, 0, 0], [0; 4]);
        scene.serve();
        let lost = scene.readers[0].sample_lost_status().total_count - lost_before;
        assert!(lost >= 150_000, "{scope:?}: {lost} lost");
        assert!(grown(before) < SHARE / 4, "{scope:?}: {} bytes held", grown(before));
    }
}

#[test]
fn ends_without_number_of_sets_that_never_began_keep_nothing() {
    for scope in SCOPES {
        let mut scene = Scene::new(132, scope);
        scene.serve();
        let before = held();
        // Each names a set of its own, of which the publisher's other writer never says anything.
        for number in 1..=100_000 {
            scene.write(0, &marks(0, 2 * number, 2 * number + 1), false);
            if number % 10_000 == 0 {
                assert!(grown(before) < 8 << 20, "{scope:?}: {} bytes held", grown(before));
                scene.serve();
            }
        }
    }
}

#[test]
fn sets_that_alternate_are_broken_and_keep_a_bounded_share() {
    for scope in SCOPES {
        let mut scene = Scene::new(133, scope);
        scene.serve();
        let before = held();
        // Two sets in turn, behind a place in the publisher's order that never comes.
        for number in 1..=60_000 {
            let set = 1_000 + number % 2;
            scene.write(0, &marks(number, set, 200_000 - number), true);
            if number % 10_000 == 0 {
                assert!(grown(before) < SHARE, "{scope:?}: {} bytes held", grown(before));
                scene.serve();
            }
        }
    }
}

#[test]
fn group_numbers_that_go_backwards_or_are_absurd_do_no_harm() {
    for scope in SCOPES {
        let mut scene = Scene::new(134, scope);
        scene.serve();
        let before = held();
        for number in (1..=20_000).rev() {
            let topic = (number % 2) as usize;
            let single =
                InlineQosToSend { group_seq_num: Some(SequenceNumber(number)), ..Default::default() };
            scene.write(topic, &single, true);
            if number % 2_000 == 0 {
                scene.heartbeat(topic, [number, number, number], [number as u8; 4]);
                scene.serve();
            }
        }
        let absurd = [i64::MIN, i64::MIN + 1, -1, 0, 1, 20_000, i64::MAX - 1, i64::MAX];
        for coherent in absurd {
            for group_coherent in absurd {
                for group in absurd {
                    for has_payload in [true, false] {
                        scene.write(0, &marks(coherent, group_coherent, group), has_payload);
                        scene.write(1, &marks(coherent, group, group_coherent), has_payload);
                    }
                }
                scene.heartbeat(0, [coherent, group_coherent, coherent], [1; 4]);
                scene.heartbeat(1, [group_coherent, coherent, group_coherent], [2; 4]);
            }
            scene.serve();
        }
        assert!(grown(before) < SHARE, "{scope:?}: {} bytes held", grown(before));
    }
}

#[test]
fn any_mixture_of_marks_is_survived() {
    for (seed, scope) in (140..146).zip(SCOPES.into_iter().cycle()) {
        let mut scene = Scene::new(seed, scope);
        let mut state = seed;
        let mut below = move |end: u64| {
            // SplitMix64.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (z ^ (z >> 31)) % end
        };
        let before = held();
        for round in 0..20_000_i64 {
            let mut near = |span: u64| Some(SequenceNumber(round + below(span) as i64 - span as i64 / 2));
            let inline = InlineQosToSend {
                coherent_set: near(6),
                group_coherent_set: near(8),
                group_seq_num: near(10),
                ..Default::default()
            };
            let inline = InlineQosToSend {
                coherent_set: inline.coherent_set.filter(|_| below(2) == 0),
                group_coherent_set: inline.group_coherent_set.filter(|_| below(3) > 0),
                group_seq_num: inline.group_seq_num.filter(|_| below(4) > 0),
                writer_group_info: (below(3) == 0).then(|| GroupDigest([below(3) as u8; 4])),
                ..inline
            };
            scene.write(below(2) as usize, &inline, below(3) > 0);
            if below(50) == 0 {
                scene.heartbeat(below(2) as usize, [round, round - 5, round], [below(3) as u8; 4]);
            }
            if below(1_000) == 0 {
                scene.serve();
            }
        }
        scene.serve();
        assert!(grown(before) < SHARE, "seed {seed}, {scope:?}: {} bytes held", grown(before));
    }
}
