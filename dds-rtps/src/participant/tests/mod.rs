//! Participants on virtual time, joined by a network in memory.

mod captures;
mod changes;
mod discovery;
mod groups;
mod hostile;
mod liveliness;
mod sharing;
mod verdicts;

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    string::String,
    vec::Vec,
};

use dds_qos::{PublicationQos, Reliability, SubscriptionQos};

use super::*;
use crate::{
    discovery::{ParticipantData, PublicationData, SubscriptionData},
    message::{MessageReceiver, corpus::Seed},
    structure::{EntityKind, Guid},
    time::{Duration, Timestamp},
};

pub(super) const GROUP: Locator = Locator::udp_v4([239, 255, 0, 1], 7400);

/// One participant and what it said.
pub(super) struct Node {
    pub(super) participant: Participant,
    pub(super) address: Locator,
    pub(super) events: Vec<DiscoveryEvent>,
    /// A dead one neither receives nor sends.
    pub(super) alive: bool,
    /// Whether something happened to it since it was last polled.
    touched: bool,
    timeout: Option<Monotonic>,
}

/// A network of participants. Equal seeds give equal runs.
pub(super) struct Network {
    pub(super) now: Now,
    pub(super) nodes: Vec<Node>,
    seed: Seed,
    /// Of a hundred datagrams, how many are lost.
    pub(super) loss: u64,
    flight: BTreeMap<(Monotonic, u64), (usize, Locator, Vec<u8>)>,
    sequence: u64,
    /// Bytes sent to each address, delivered or not.
    pub(super) sent: BTreeMap<Locator, u64>,
}

impl Network {
    pub(super) fn new(seed: u64) -> Self {
        std::println!("seed {seed}");
        Self {
            now: Now {
                monotonic: Monotonic::from_nanos(1),
                wall: Timestamp::from_nanos(1_700_000_000_000_000_000),
            },
            nodes: Vec::new(),
            seed: Seed(seed),
            loss: 0,
            flight: BTreeMap::new(),
            sequence: 0,
            sent: BTreeMap::new(),
        }
    }

    /// A participant at 10.0.0.`host`, not yet in the network.
    pub(super) fn config(host: u8) -> ParticipantConfig {
        let address = Locator::udp_v4([10, 0, 0, host], 7410);
        let data = ParticipantData {
            guid: Guid::new(prefix_of(host), EntityId::PARTICIPANT),
            domain_id: Some(0),
            metatraffic_unicast_locators: std::vec![address],
            metatraffic_multicast_locators: std::vec![GROUP],
            default_unicast_locators: std::vec![Locator::udp_v4([10, 0, 0, host], 7411)],
            lease_duration: crate::timing::PARTICIPANT_LEASE,
            ..ParticipantData::default()
        };
        ParticipantConfig {
            multicast_locators: std::vec![GROUP],
            interfaces: std::vec![Interface {
                address: IpAddr::V4(Ipv4Addr::new(10, 0, 0, host)),
                prefix_length: 24
            }],
            seed: u64::from(host),
            ..ParticipantConfig::new(data)
        }
    }

    pub(super) fn add(&mut self, config: ParticipantConfig) -> usize {
        let address = config.data.metatraffic_unicast_locators[0];
        let participant = Participant::new(config, self.now);
        self.nodes.push(Node {
            participant,
            address,
            events: Vec::new(),
            alive: true,
            touched: true,
            timeout: None,
        });
        self.nodes.len() - 1
    }

    /// A network of participants 1, 2, … at as many hosts.
    pub(super) fn of(seed: u64, hosts: u8) -> Self {
        let mut network = Self::new(seed);
        for host in 1..=hosts {
            network.add(Self::config(host));
        }
        network
    }

    /// Takes from all participants what they have to say.
    pub(super) fn pump(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.touched = true);
        self.pump_touched();
    }

    fn pump_touched(&mut self) {
        let mut out = Datagram::new();
        for index in 0..self.nodes.len() {
            let mut datagrams = Vec::new();
            let node = &mut self.nodes[index];
            if !node.alive || !core::mem::take(&mut node.touched) {
                continue;
            }
            while let Some(event) = node.participant.poll_event() {
                node.events.push(event);
            }
            while let Some(destinations) = node.participant.poll_transmit(self.now, &mut out) {
                assert!(!destinations.is_empty());
                for (prefix, locator) in destinations {
                    out.set_destination(prefix);
                    datagrams.push((locator, out.to_vec()));
                }
                assert!(datagrams.len() < 100_000, "it never stops sending");
            }
            node.timeout = node.participant.poll_timeout();
            let from = node.address;
            for (to, bytes) in datagrams {
                self.send(from, to, bytes);
            }
        }
    }

    /// Puts a datagram on its way.
    pub(super) fn send(&mut self, from: Locator, to: Locator, bytes: Vec<u8>) {
        *self.sent.entry(to).or_default() += bytes.len() as u64;
        for index in 0..self.nodes.len() {
            let address = self.nodes[index].address;
            if (to == address || to == GROUP) && address != from && self.seed.below(100) >= self.loss {
                let delay = Duration::from_nanos(100_000 + self.seed.below(100_000));
                self.sequence += 1;
                let at = self.now.monotonic.after(delay);
                self.flight.insert((at, self.sequence), (index, from, bytes.clone()));
            }
        }
    }

    pub(super) fn deliver(&mut self, index: usize, from: Locator, bytes: &[u8]) {
        let node = &mut self.nodes[index];
        let Ok(mut receiver) = MessageReceiver::new(bytes, node.participant.guid_prefix()) else { return };
        while let Some(Ok((context, submessage))) = receiver.next_submessage() {
            node.touched |= node.participant.handle_submessage(self.now, context, from, &submessage);
        }
    }

    /// Lets `span` pass.
    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now.monotonic.after(span);
        self.run_until(end, |_| false);
        self.advance(end);
    }

    /// Lets time pass until `done`, at most 60 s; how long it took.
    pub(super) fn run_to(&mut self, done: impl FnMut(&mut Self) -> bool) -> Duration {
        let start = self.now.monotonic;
        assert!(self.run_until(start.after(Duration::from_secs(60)), done), "it never came to be");
        Duration::from_nanos(self.now.monotonic.nanos_since(start))
    }

    fn run_until(&mut self, end: Monotonic, mut done: impl FnMut(&mut Self) -> bool) -> bool {
        self.pump();
        for _ in 0..10_000_000 {
            self.pump_touched();
            if done(self) {
                return true;
            }
            let alive = self.nodes.iter().filter(|node| node.alive);
            let timeout = alive.filter_map(|node| node.timeout).min();
            let arrival = self.flight.keys().next().map(|(at, _)| *at);
            let Some(next) = [timeout, arrival].into_iter().flatten().min().filter(|next| *next <= end)
            else {
                return false;
            };
            self.advance(next);
            while let Some(entry) = self.flight.first_entry().filter(|entry| entry.key().0 <= next) {
                let (index, from, bytes) = entry.remove();
                if self.nodes[index].alive {
                    self.deliver(index, from, &bytes);
                }
            }
            for node in self.nodes.iter_mut().filter(|node| node.alive) {
                if node.timeout.is_some_and(|at| at <= next) {
                    node.participant.handle_timeout(self.now);
                    node.touched = true;
                }
            }
        }
        panic!("time stands still");
    }

    fn advance(&mut self, to: Monotonic) {
        let passed = to.nanos_since(self.now.monotonic);
        self.now.monotonic = self.now.monotonic.max(to);
        self.now.wall = Timestamp::from_nanos(self.now.wall.as_nanos() + passed);
    }

    pub(super) fn add_writer(&mut self, node: usize, key: u32, topic: &str, qos: PublicationQos) -> Guid {
        let guid = self.guid(node, key, EntityKind::WRITER_WITH_KEY);
        let data = PublicationData::new(guid, topic, "Shape", qos);
        let _ = self.nodes[node].participant.add_publication(self.now, data);
        guid
    }

    pub(super) fn add_reader(&mut self, node: usize, key: u32, topic: &str, qos: SubscriptionQos) -> Guid {
        let guid = self.guid(node, key, EntityKind::READER_WITH_KEY);
        let data = SubscriptionData::new(guid, topic, "Shape", qos);
        self.nodes[node].participant.add_subscription(self.now, data);
        guid
    }

    pub(super) fn guid(&self, node: usize, key: u32, kind: EntityKind) -> Guid {
        Guid::new(self.nodes[node].participant.guid_prefix(), EntityId::new(key, kind))
    }

    /// The pairs that a participant holds for matched, by its events.
    pub(super) fn matched(&self, node: usize) -> Vec<(Guid, Guid)> {
        let mut pairs = Vec::new();
        for event in &self.nodes[node].events {
            match event {
                DiscoveryEvent::Match { local, remote } => {
                    assert!(!pairs.contains(&(*local, remote.guid)), "matched twice");
                    pairs.push((*local, remote.guid));
                }
                DiscoveryEvent::MatchChanged { local, remote } => {
                    assert!(pairs.contains(&(*local, remote.guid)), "changed, but not matched");
                }
                DiscoveryEvent::Unmatch { local, remote, .. } => {
                    assert!(pairs.contains(&(*local, *remote)), "unmatched, but not matched");
                    pairs.retain(|pair| *pair != (*local, *remote));
                }
                _ => {}
            }
        }
        pairs
    }

    pub(super) fn verdicts(&self, node: usize) -> Vec<String> {
        let verdicts = self.nodes[node].events.iter().filter_map(|event| match event {
            DiscoveryEvent::Incompatible { verdict, .. } => Some(std::format!("{verdict}")),
            _ => None,
        });
        verdicts.collect()
    }

    pub(super) fn clear_events(&mut self) {
        self.nodes.iter_mut().for_each(|node| node.events.clear());
    }
}

pub(super) fn prefix_of(host: u8) -> GuidPrefix {
    GuidPrefix([1, 0xdd, 0, 0, 0, 0, 0, 0, 0, 0, 0, host])
}

pub(super) fn reliable_reader() -> SubscriptionQos {
    SubscriptionQos { reliability: Reliability::RELIABLE, ..SubscriptionQos::default() }
}
