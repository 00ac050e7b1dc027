//! A peer on RustDDS. The contract is interop-tests/README.md.
//!
//! RustDDS serialises XCDR1 only, has no PARTITION, no settable lease and no unregister_instance.

#[path = "../../../../src/program.rs"]
#[allow(dead_code, reason = "shared with programs that use the rest")]
mod program;

use program::{End, Mixed, Notice, Options, Role, Stack, TypeName};
use rustdds::dds::statusevents::{DataReaderStatus, DataWriterStatus};
use rustdds::policy::{DataRepresentation, Deadline, Durability, History, Reliability, XCDR_DATA_REPRESENTATION, XCDR2_DATA_REPRESENTATION};
use rustdds::with_key::Sample;
use rustdds::{DomainParticipant, Keyed, QosPolicies, QosPolicyBuilder, StatusEvented, Topic, TopicKind, no_key, with_key};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Serialize, Deserialize, Clone, Debug)]
struct ShapeType {
    color: String,
    x: i32,
    y: i32,
    shapesize: i32,
    additional_payload_size: Vec<u8>,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
struct FinalKeyed {
    id: i32,
    x: i32,
    ratio: f64,
    label: String,
}

#[derive(Serialize, Deserialize, Clone, Debug)]
struct MixedMembers {
    flag: bool,
    wide: i64,
    small: u8,
    ratio: f64,
    narrow: i16,
    count: u32,
    fraction: f32,
    text: String,
    numbers: Vec<i32>,
    triple: [i32; 3],
}

#[derive(Serialize, Deserialize, Clone, Debug)]
struct Text {
    data: String,
}

impl Keyed for ShapeType {
    type K = String;
    fn key(&self) -> String {
        self.color.clone()
    }
}

impl Keyed for FinalKeyed {
    type K = i32;
    fn key(&self) -> i32 {
        self.id
    }
}

trait Value: Serialize + DeserializeOwned + Clone + std::fmt::Debug + 'static {
    fn make(options: &Options, i: u64, k: u64) -> Self;
    fn json(&self) -> String;
}

trait KeyedValue: Value + Keyed<K: DeserializeOwned> {
    fn key_of(options: &Options, k: u64) -> Self::K;
    fn key_json(key: &Self::K) -> String;
}

impl Value for ShapeType {
    fn make(options: &Options, i: u64, k: u64) -> Self {
        let (x, y, shapesize) = (i as i32, (2 * i + k) as i32, (i + 1) as i32);
        ShapeType { color: program::color(options, k), x, y, shapesize, additional_payload_size: program::payload(options, i, k) }
    }
    fn json(&self) -> String {
        program::shape_json(&self.color, self.x, self.y, self.shapesize, &self.additional_payload_size)
    }
}

impl KeyedValue for ShapeType {
    fn key_of(options: &Options, k: u64) -> String {
        program::color(options, k)
    }
    fn key_json(key: &String) -> String {
        program::shape_key_json(key)
    }
}

impl Value for FinalKeyed {
    fn make(_: &Options, i: u64, k: u64) -> Self {
        let (id, x, ratio, label) = program::keyed(i, k);
        FinalKeyed { id, x, ratio, label }
    }
    fn json(&self) -> String {
        program::keyed_json(self.id, self.x, self.ratio, &self.label)
    }
}

impl KeyedValue for FinalKeyed {
    fn key_of(_: &Options, k: u64) -> i32 {
        k as i32
    }
    fn key_json(key: &i32) -> String {
        program::keyed_key_json(*key)
    }
}

impl Value for MixedMembers {
    fn make(_: &Options, i: u64, _: u64) -> Self {
        let Mixed { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } = program::mixed(i);
        MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple }
    }
    fn json(&self) -> String {
        let MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } = self.clone();
        program::mixed_json(&Mixed { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple })
    }
}

impl Value for Text {
    fn make(_: &Options, i: u64, _: u64) -> Self {
        Text { data: program::text(i) }
    }
    fn json(&self) -> String {
        program::text_json(&self.data)
    }
}

enum Endpoint<K: KeyedValue, N: Value> {
    KeyedWriter(with_key::DataWriterCdr<K>),
    KeyedReader(with_key::DataReaderCdr<K>),
    Writer(no_key::DataWriterCdr<N>),
    Reader(no_key::DataReaderCdr<N>),
}

struct Peer<K: KeyedValue, N: Value> {
    options: Options,
    endpoint: Endpoint<K, N>,
    _participant: DomainParticipant,
}

impl<K: KeyedValue, N: Value> Stack for Peer<K, N> {
    fn write(&mut self, i: u64, k: u64) -> Result<String, String> {
        match &self.endpoint {
            Endpoint::KeyedWriter(writer) => {
                let sample = K::make(&self.options, i, k);
                let json = sample.json();
                writer.write(sample, None).map_err(|error| format!("write: {}", brief(&error)))?;
                Ok(json)
            }
            Endpoint::Writer(writer) => {
                let sample = N::make(&self.options, i, k);
                let json = sample.json();
                writer.write(sample, None).map_err(|error| format!("write: {}", brief(&error)))?;
                Ok(json)
            }
            _ => Err("a subscriber does not write".to_owned()),
        }
    }

    fn end(&mut self, k: u64, how: End) -> Result<String, String> {
        let Endpoint::KeyedWriter(writer) = &self.endpoint else { return Err("no keyed writer".to_owned()) };
        if how == End::Unregister {
            return Err("RustDDS has no unregister_instance".to_owned());
        }
        let key = K::key_of(&self.options, k);
        let json = K::key_json(&key);
        writer.dispose(&key, None).map_err(|error| format!("dispose: {}", brief(&error)))?;
        Ok(json)
    }

    fn wait_for_acknowledgments(&mut self) {
        let limit = Duration::from_secs(10);
        // Unacknowledged samples show at the subscriber.
        match &self.endpoint {
            Endpoint::KeyedWriter(writer) => drop(writer.wait_for_acknowledgments(limit)),
            Endpoint::Writer(writer) => drop(writer.wait_for_acknowledgments(limit)),
            _ => {}
        }
    }

    fn poll(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        match &mut self.endpoint {
            Endpoint::KeyedWriter(writer) => {
                while let Some(status) = writer.try_recv_status() {
                    notices.extend(writer_notice(&status));
                }
            }
            Endpoint::Writer(writer) => {
                while let Some(status) = writer.try_recv_status() {
                    notices.extend(writer_notice(&status));
                }
            }
            Endpoint::KeyedReader(reader) => {
                while let Some(status) = reader.try_recv_status() {
                    notices.extend(reader_notice(&status));
                }
                while let Some(sample) = taken(reader.take_next_sample(), &mut notices) {
                    let state = state_name(sample.sample_info().instance_state());
                    notices.push(match sample.into_value() {
                        Sample::Value(value) => Notice::Sample(value.json(), true, state),
                        Sample::Dispose(key) => Notice::Sample(K::key_json(&key), false, state),
                    });
                }
            }
            Endpoint::Reader(reader) => {
                while let Some(status) = reader.try_recv_status() {
                    notices.extend(reader_notice(&status));
                }
                while let Some(sample) = taken(reader.take_next_sample(), &mut notices) {
                    notices.push(Notice::Sample(sample.into_value().json(), true, "ALIVE"));
                }
            }
        }
        notices
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(5)
    }

    /// RustDDS sends its farewells from threads that the participant's end stops: without a pause for the writer's
    /// or reader's own, none may leave.
    fn close(self) {
        let Peer { endpoint, _participant, .. } = self;
        drop(endpoint);
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn brief(error: &impl std::fmt::Debug) -> String {
    format!("{error:?}").chars().take(200).collect()
}

fn taken<T>(result: rustdds::dds::result::ReadResult<Option<T>>, notices: &mut Vec<Notice>) -> Option<T> {
    match result {
        Ok(sample) => sample,
        Err(error) => {
            notices.push(Notice::Other("log", format!("\"message\":{}", program::quoted(&brief(&error)))));
            None
        }
    }
}

fn state_name(state: rustdds::InstanceState) -> &'static str {
    match state {
        rustdds::InstanceState::Alive => "ALIVE",
        rustdds::InstanceState::NotAliveDisposed => "DISPOSED",
        rustdds::InstanceState::NotAliveNoWriters => "NO_WRITERS",
    }
}

/// RELIABILITY of Reliability, DATA_REPRESENTATION of Representation.
fn policy_name(policy: impl std::fmt::Debug) -> String {
    match format!("{policy:?}").as_str() {
        "Representation" => "DATA_REPRESENTATION".to_owned(),
        name => name.to_uppercase(),
    }
}

fn writer_notice(status: &DataWriterStatus) -> Option<Notice> {
    match status {
        DataWriterStatus::PublicationMatched { current, .. } => Some(Notice::Matched(current.count() as u64)),
        DataWriterStatus::OfferedIncompatibleQos { last_policy_id, .. } => Some(Notice::IncompatibleQos(policy_name(last_policy_id))),
        DataWriterStatus::LivelinessLost { .. } => Some(Notice::Other("liveliness_lost", String::new())),
        DataWriterStatus::OfferedDeadlineMissed { .. } => Some(Notice::Other("deadline_missed", String::new())),
    }
}

fn reader_notice(status: &DataReaderStatus) -> Option<Notice> {
    match status {
        DataReaderStatus::SubscriptionMatched { current, .. } => Some(Notice::Matched(current.count() as u64)),
        DataReaderStatus::RequestedIncompatibleQos { last_policy_id, .. } => Some(Notice::IncompatibleQos(policy_name(last_policy_id))),
        DataReaderStatus::RequestedDeadlineMissed { .. } => Some(Notice::Other("deadline_missed", String::new())),
        DataReaderStatus::LivelinessChanged { alive_total, not_alive_total } => Some(Notice::Other(
            "liveliness_changed",
            format!("\"alive\":{},\"not_alive\":{}", alive_total.count(), not_alive_total.count()),
        )),
        _ => None,
    }
}

fn qos(options: &Options) -> QosPolicies {
    let mut builder = QosPolicyBuilder::new()
        .reliability(if options.reliable {
            Reliability::Reliable { max_blocking_time: rustdds::Duration::from_secs(10) }
        } else {
            Reliability::BestEffort
        })
        .durability(if options.transient_local { Durability::TransientLocal } else { Durability::Volatile })
        .history(if options.history == 0 { History::KeepAll } else { History::KeepLast { depth: options.history } });
    if options.deadline_ms > 0 {
        builder = builder.deadline(Deadline(rustdds::Duration::from_millis(options.deadline_ms as i64)));
    }
    let representation = if options.representation == 2 { XCDR2_DATA_REPRESENTATION } else { XCDR_DATA_REPRESENTATION };
    builder.build().with_data_representation(DataRepresentation { value: vec![representation] })
}

fn create<K: KeyedValue, N: Value>(options: &Options, type_name: &str, kind: TopicKind) -> Result<(Peer<K, N>, String), String>
{
    let text = |error: rustdds::dds::result::CreateError| format!("{error:?}");
    let participant = DomainParticipant::new(options.domain as u16).map_err(text)?;
    let qos = qos(options);
    let topic: Topic = participant.create_topic(options.topic.clone(), type_name.to_owned(), &qos, kind).map_err(text)?;
    let endpoint = match (options.role, kind) {
        (Role::Publisher, TopicKind::WithKey) => {
            Endpoint::KeyedWriter(participant.create_publisher(&qos).and_then(|p| p.create_datawriter_cdr::<K>(&topic, None)).map_err(text)?)
        }
        (Role::Publisher, TopicKind::NoKey) => {
            Endpoint::Writer(participant.create_publisher(&qos).and_then(|p| p.create_datawriter_no_key_cdr::<N>(&topic, None)).map_err(text)?)
        }
        (Role::Subscriber, TopicKind::WithKey) => Endpoint::KeyedReader(
            participant.create_subscriber(&qos).and_then(|s| s.create_datareader_cdr::<K>(&topic, None)).map_err(text)?,
        ),
        (Role::Subscriber, TopicKind::NoKey) => Endpoint::Reader(
            participant.create_subscriber(&qos).and_then(|s| s.create_datareader_no_key_cdr::<N>(&topic, None)).map_err(text)?,
        ),
    };
    let ready = "\"peer\":\"rustdds\",\"version\":\"0.15.1\"".to_owned();
    Ok((Peer { options: options.clone(), endpoint, _participant: participant }, ready))
}

fn main() -> ExitCode {
    // Which pair of types the endpoint is made for is known only from the arguments.
    let kind = std::env::args().skip_while(|argument| argument != "--type").nth(1).unwrap_or_default();
    match kind.as_str() {
        "final" => program::main(|options, _| create::<FinalKeyed, Text>(options, "FinalKeyed", TopicKind::WithKey)),
        "mixed" => program::main(|options, _| create::<FinalKeyed, MixedMembers>(options, "MixedMembers", TopicKind::NoKey)),
        "string" => {
            program::main(|options, _| create::<FinalKeyed, Text>(options, "std_msgs::msg::dds_::String_", TopicKind::NoKey))
        }
        _ => program::main(|options, _| match options.type_name {
            TypeName::Shape => create::<ShapeType, Text>(options, "ShapeType", TopicKind::WithKey),
            _ => Err("no such type".to_owned()),
        }),
    }
}
