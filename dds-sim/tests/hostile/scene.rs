//! An honest pair, and a peer that turned bad.

use std::net::{SocketAddr, SocketAddrV4};

use dds_core::{DataReader, DataWriter, DomainParticipant, engine::Burst};
use dds_rtps::{
    structure::{EntityId, GuidPrefix, Locator},
    time::{Monotonic, Now, Timestamp},
};
use dds_sim::{HostId, NetworkConditions, Simulation, Socket};

use crate::common::{Numbered, simulation, take_numbers};

pub struct Scene {
    pub sim: Simulation,
    /// Under attack.
    pub target: DomainParticipant,
    pub target_host: HostId,
    /// Gets what the target writes, and writes to it.
    _honest: DomainParticipant,
    /// Of the target and of the honest peer.
    pub writers: [DataWriter<Numbered>; 2],
    readers: [DataReader<Numbered>; 2],
    written: u32,
    /// A participant that was matched with the target like any other, before its identity was taken over.
    pub bad: Bad,
}

pub struct Bad {
    pub prefix: GuidPrefix,
    pub host: HostId,
    /// Speaks from where the participant did.
    pub socket: Socket,
    /// The bad one's writer and the target's reader of it.
    pub to_reader: (EntityId, EntityId),
    /// The target's writer and the bad one's reader of it.
    pub from_writer: (EntityId, EntityId),
    /// Entities of the target that are matched with it.
    _matched: (DataReader<Numbered>, DataWriter<Numbered>),
}

fn endpoints(
    writing: &DomainParticipant,
    reading: &DomainParticipant,
    topic: &str,
) -> (DataWriter<Numbered>, DataReader<Numbered>) {
    let writer = writing.topic(topic).unwrap().writer().reliable().keep_all().build().unwrap();
    let reader = reading.topic(topic).unwrap().reader().reliable().keep_all().build().unwrap();
    (writer, reader)
}

fn ipv4(locator: &Locator) -> SocketAddrV4 {
    match locator.socket_address() {
        Some(SocketAddr::V4(address)) => address,
        other => panic!("{other:?} is no IPv4 address"),
    }
}

/// Where a participant is reached.
pub fn source_of(participant: &DomainParticipant) -> SocketAddrV4 {
    ipv4(&participant.unicast_locators()[0])
}

/// The time of the simulation as its participants' clocks show it: see the documentation of `Clock`.
pub fn now_of(sim: &Simulation) -> Now {
    let nanos = u64::try_from(sim.now().as_nanos()).unwrap() + 1_000_000_000;
    Now {
        monotonic: Monotonic::from_nanos(nanos),
        wall: Timestamp::from_nanos(1_767_225_600_000_000_000 + nanos),
    }
}

impl Scene {
    pub fn new(seed: u64) -> Self {
        let sim = simulation(seed, NetworkConditions::new());
        let (target, honest, bad) = (sim.participant(0), sim.participant(0), sim.participant(0));
        let (there, readers_there) = endpoints(&target, &honest, "There");
        let (back, readers_back) = endpoints(&honest, &target, "Back");
        let (bad_writer, of_bad) = endpoints(&bad, &target, "Bad");
        let (for_bad, bad_reader) = endpoints(&target, &bad, "ForBad");
        for writer in [&there, &back, &bad_writer, &for_bad] {
            sim.block_on(writer.matched(1));
        }
        for reader in [&readers_there, &readers_back, &of_bad, &bad_reader] {
            sim.block_on(reader.matched(1));
        }
        let host = sim.host_of(&bad).unwrap();
        let address = source_of(&bad);
        sim.kill(host);
        let socket = sim.socket(host, address.port()).unwrap();
        let bad = Bad {
            prefix: bad.guid().prefix,
            host,
            socket,
            to_reader: (bad_writer.guid().entity_id, of_bad.guid().entity_id),
            from_writer: (for_bad.guid().entity_id, bad_reader.guid().entity_id),
            _matched: (of_bad, for_bad),
        };
        let target_host = sim.host_of(&target).unwrap();
        Self {
            sim,
            target,
            target_host,
            _honest: honest,
            writers: [there, back],
            readers: [readers_there, readers_back],
            written: 0,
            bad,
        }
    }

    /// Where the target gets samples.
    pub fn user_address(&self) -> SocketAddrV4 {
        ipv4(&self.target.unicast_locators()[0])
    }

    /// Where the target gets discovery traffic.
    pub fn metatraffic_address(&self) -> SocketAddrV4 {
        // The standard port mapping puts it one below.
        let user = self.user_address();
        SocketAddrV4::new(*user.ip(), user.port() - 1)
    }

    /// The honest pair exchanges a sample each way; what was written before has arrived.
    pub fn serve(&mut self) {
        for writer in &self.writers {
            writer.write(&Numbered::new(self.written)).unwrap();
        }
        self.sim.run_for(crate::common::millis(2));
        for reader in &self.readers {
            assert_eq!(take_numbers(reader), [self.written], "seed {}", self.sim.seed());
        }
        self.written += 1;
    }

    /// The honest pair has been matched all the time.
    pub fn check_uninterrupted(&self) {
        for (reader, writer) in self.readers.iter().zip(&self.writers) {
            let status = reader.subscription_matched_status();
            assert_eq!((status.total_count, status.current_count), (1, 1), "seed {}", self.sim.seed());
            let status = writer.publication_matched_status();
            assert_eq!((status.total_count, status.current_count), (1, 1), "seed {}", self.sim.seed());
            assert_eq!(reader.sample_lost_status().total_count, 0);
            assert_eq!(reader.liveliness_changed_status().not_alive_count, 0);
        }
    }

    /// Gives a datagram of the bad one to the target's engine, past the network.
    pub fn inject(&self, datagram: &[u8]) {
        let now = now_of(&self.sim);
        let source = Locator::from(SocketAddr::V4(self.bad.socket.address()));
        let mut burst = Burst::default();
        self.target.engine().on_datagram(now, source, datagram, &mut burst);
        self.target.engine().finish_burst(now, &mut burst);
    }
}
