//! A peer on Dust DDS. The contract is interop-tests/README.md.
//!
//! Dust DDS has no settable lease: its participants announce 100 s.

#[path = "../../../../src/program.rs"]
#[allow(dead_code, reason = "shared with programs that use the rest")]
mod program;

use dust_dds::domain::domain_participant::DomainParticipant;
use dust_dds::domain::domain_participant_factory::DomainParticipantFactory;
use dust_dds::infrastructure::error::{DdsError, DdsResult};
use dust_dds::infrastructure::listener::NO_LISTENER;
use dust_dds::infrastructure::qos::{DataReaderQos, DataWriterQos, PublisherQos, QosKind, SubscriberQos};
use dust_dds::infrastructure::qos_policy::{
    DataRepresentationQosPolicy, DeadlineQosPolicy, DurabilityQosPolicy, DurabilityQosPolicyKind, HistoryQosPolicy,
    HistoryQosPolicyKind, PartitionQosPolicy, ReliabilityQosPolicy, ReliabilityQosPolicyKind, WriterDataLifecycleQosPolicy,
};
use dust_dds::infrastructure::sample_info::{ANY_INSTANCE_STATE, ANY_SAMPLE_STATE, ANY_VIEW_STATE, InstanceStateKind};
use dust_dds::dds_async::data_reader::DataReaderAsync;
use dust_dds::dds_async::data_reader_listener::DataReaderListener;
use dust_dds::dds_async::data_writer::DataWriterAsync;
use dust_dds::dds_async::data_writer_listener::DataWriterListener;
use dust_dds::infrastructure::status::{NO_STATUS, OfferedIncompatibleQosStatus, RequestedIncompatibleQosStatus, StatusKind};
use dust_dds::infrastructure::time::{Duration as DdsDuration, DurationKind};
use dust_dds::infrastructure::type_support::DdsType;
use dust_dds::xtypes::type_support::TypeSupport;
use dust_dds::publication::data_writer::DataWriter;
use dust_dds::subscription::data_reader::DataReader;
use dust_dds::topic_definition::topic_description::TopicDescription;
use program::{End, Mixed, Notice, Options, Role, Stack, Wake};
use std::process::ExitCode;
use std::sync::mpsc::Sender;
use std::time::Duration;

#[derive(DdsType, Clone, Debug)]
#[dust_dds(name = "ShapeType", extensibility = "appendable")]
struct ShapeType {
    #[dust_dds(key)]
    color: String,
    x: i32,
    y: i32,
    shapesize: i32,
    additional_payload_size: Vec<u8>,
}

#[derive(DdsType, Clone, Debug)]
#[dust_dds(name = "FinalKeyed", extensibility = "final")]
struct FinalKeyed {
    #[dust_dds(key)]
    id: i32,
    x: i32,
    ratio: f64,
    label: String,
}

#[derive(DdsType, Clone, Debug)]
#[dust_dds(name = "MixedMembers", extensibility = "final")]
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

#[derive(DdsType, Clone, Debug)]
#[dust_dds(name = "std_msgs::msg::dds_::String_", extensibility = "final")]
struct Text {
    data: String,
}

trait Value: TypeSupport + Clone + Send + Sync + 'static {
    const TYPE_NAME: &'static str;
    fn make(options: &Options, i: u64, k: u64) -> Self;
    fn json(&self) -> String;
    fn key_json(&self) -> String {
        "{}".to_owned()
    }
}

impl Value for ShapeType {
    const TYPE_NAME: &'static str = "ShapeType";
    fn make(options: &Options, i: u64, k: u64) -> Self {
        let (x, y, shapesize) = (i as i32, (2 * i + k) as i32, (i + 1) as i32);
        ShapeType { color: program::color(options, k), x, y, shapesize, additional_payload_size: program::payload(options, i, k) }
    }
    fn json(&self) -> String {
        program::shape_json(&self.color, self.x, self.y, self.shapesize, &self.additional_payload_size)
    }
    fn key_json(&self) -> String {
        program::shape_key_json(&self.color)
    }
}

impl Value for FinalKeyed {
    const TYPE_NAME: &'static str = "FinalKeyed";
    fn make(_: &Options, i: u64, k: u64) -> Self {
        let (id, x, ratio, label) = program::keyed(i, k);
        FinalKeyed { id, x, ratio, label }
    }
    fn json(&self) -> String {
        program::keyed_json(self.id, self.x, self.ratio, &self.label)
    }
    fn key_json(&self) -> String {
        program::keyed_key_json(self.id)
    }
}

impl Value for MixedMembers {
    const TYPE_NAME: &'static str = "MixedMembers";
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
    const TYPE_NAME: &'static str = "std_msgs::msg::dds_::String_";
    fn make(_: &Options, i: u64, _: u64) -> Self {
        Text { data: program::text(i) }
    }
    fn json(&self) -> String {
        program::text_json(&self.data)
    }
}

/// Incompatible QoS comes only to listeners: the getters are not implemented in 0.16.
struct Incompatible(Sender<Wake>);

impl Incompatible {
    fn report(&self, policy: i32) {
        program::emit("incompatible_qos", &format!("\"policy\":\"{}\"", policy_name(policy)));
        // The loop is gone when this fails, which is as good.
        let _ = self.0.send(Wake::Stack);
    }
}

impl<T: Value> DataWriterListener<T> for Incompatible {
    async fn on_offered_incompatible_qos(&mut self, _: DataWriterAsync<T>, status: OfferedIncompatibleQosStatus) {
        self.report(status.last_policy_id);
    }
}

impl<T: Value> DataReaderListener<T> for Incompatible {
    async fn on_requested_incompatible_qos(&mut self, _: DataReaderAsync<T>, status: RequestedIncompatibleQosStatus) {
        self.report(status.last_policy_id);
    }
}

enum Endpoint<T: Value> {
    Writer(DataWriter<T>),
    Reader(DataReader<T>),
}

struct Peer<T: Value> {
    options: Options,
    endpoint: Endpoint<T>,
    participant: DomainParticipant,
    /// Keys by instance handle: an invalid sample may come without data.
    keys: Vec<(dust_dds::infrastructure::instance::InstanceHandle, String)>,
}

impl<T: Value> Peer<T> {
    fn writer(&self) -> Result<&DataWriter<T>, String> {
        match &self.endpoint {
            Endpoint::Writer(writer) => Ok(writer),
            Endpoint::Reader(_) => Err("a subscriber does not write".to_owned()),
        }
    }

    fn key_of(&mut self, data: Option<&T>, handle: dust_dds::infrastructure::instance::InstanceHandle) -> String {
        let known = self.keys.iter().find(|(known, _)| *known == handle).map(|(_, key)| key.clone());
        match (data, known) {
            (Some(data), None) => {
                self.keys.push((handle, data.key_json()));
                data.key_json()
            }
            (_, Some(key)) => key,
            (None, None) => "{}".to_owned(),
        }
    }
}

fn text(error: DdsError) -> String {
    format!("{error:?}")
}

impl<T: Value> Stack for Peer<T> {
    fn write(&mut self, i: u64, k: u64) -> Result<String, String> {
        let sample = T::make(&self.options, i, k);
        let json = sample.json();
        self.writer()?.write(sample, None).map_err(text)?;
        Ok(json)
    }

    fn end(&mut self, k: u64, how: End) -> Result<String, String> {
        let sample = T::make(&self.options, 0, k);
        let key = sample.key_json();
        let writer = self.writer()?;
        match how {
            End::Dispose => writer.dispose(sample, None),
            _ => writer.unregister_instance(sample, None),
        }
        .map_err(text)?;
        Ok(key)
    }

    fn wait_for_acknowledgments(&mut self) {
        if let Endpoint::Writer(writer) = &self.endpoint {
            // Unacknowledged samples show at the subscriber.
            let _ = writer.wait_for_acknowledgments(DdsDuration::new(10, 0));
        }
    }

    fn poll(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut taken = Vec::new();
        match &self.endpoint {
            Endpoint::Writer(writer) => {
                if let Ok(status) = writer.get_publication_matched_status() {
                    notices.push(Notice::Matched(status.current_count as u64));
                }
            }
            Endpoint::Reader(reader) => {
                if let Ok(status) = reader.get_subscription_matched_status() {
                    notices.push(Notice::Matched(status.current_count as u64));
                }
                taken = reader.take(64, ANY_SAMPLE_STATE, ANY_VIEW_STATE, ANY_INSTANCE_STATE).unwrap_or_default();
            }
        }
        for sample in taken {
            let state = match sample.sample_info.instance_state {
                InstanceStateKind::Alive => "ALIVE",
                InstanceStateKind::NotAliveDisposed => "DISPOSED",
                InstanceStateKind::NotAliveNoWriters => "NO_WRITERS",
            };
            let valid = sample.sample_info.valid_data;
            let key = self.key_of(sample.data.as_ref(), sample.sample_info.instance_handle);
            let value = sample.data.filter(|_| valid).map_or(key, |data| data.json());
            notices.push(Notice::Sample(value, valid, state));
        }
        notices
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_millis(5)
    }

    fn close(self) {
        // Leaving in order is all that is left; an error shows as a lease that runs out.
        let _ = self.participant.delete_contained_entities();
        let _ = DomainParticipantFactory::get_instance().delete_participant(&self.participant);
    }
}

fn policy_name(id: i32) -> String {
    let names = [
        "INVALID", "USER_DATA", "DURABILITY", "PRESENTATION", "DEADLINE", "LATENCY_BUDGET", "OWNERSHIP", "OWNERSHIP_STRENGTH",
        "LIVELINESS", "TIME_BASED_FILTER", "PARTITION", "RELIABILITY", "DESTINATION_ORDER", "HISTORY", "RESOURCE_LIMITS",
        "ENTITY_FACTORY", "WRITER_DATA_LIFECYCLE", "READER_DATA_LIFECYCLE", "TOPIC_DATA", "GROUP_DATA", "TRANSPORT_PRIORITY",
        "LIFESPAN", "DURABILITY_SERVICE", "DATA_REPRESENTATION", "TYPE_CONSISTENCY_ENFORCEMENT",
    ];
    names.get(id as usize).copied().unwrap_or("UNKNOWN").to_owned()
}

struct Policies {
    reliability: ReliabilityQosPolicy,
    durability: DurabilityQosPolicy,
    history: HistoryQosPolicy,
    representation: DataRepresentationQosPolicy,
    deadline: DeadlineQosPolicy,
    partition: PartitionQosPolicy,
}

fn policies(options: &Options) -> Policies {
    let reliability = if options.reliable { ReliabilityQosPolicyKind::Reliable } else { ReliabilityQosPolicyKind::BestEffort };
    let durability = if options.transient_local { DurabilityQosPolicyKind::TransientLocal } else { DurabilityQosPolicyKind::Volatile };
    let history = if options.history == 0 { HistoryQosPolicyKind::KeepAll } else { HistoryQosPolicyKind::KeepLast(options.history as u32) };
    let milliseconds = |ms: u64| DdsDuration::new((ms / 1000) as i32, (ms % 1000) as u32 * 1_000_000);
    let mut deadline = DeadlineQosPolicy::default();
    if options.deadline_ms > 0 {
        deadline.period = DurationKind::Finite(milliseconds(options.deadline_ms));
    }
    Policies {
        reliability: ReliabilityQosPolicy { kind: reliability, max_blocking_time: DurationKind::Finite(DdsDuration::new(10, 0)) },
        durability: DurabilityQosPolicy { kind: durability },
        history: HistoryQosPolicy { kind: history },
        representation: DataRepresentationQosPolicy { value: vec![if options.representation == 2 { 2 } else { 0 }] },
        deadline,
        partition: PartitionQosPolicy { name: options.partition.iter().cloned().collect() },
    }
}

fn create<T: Value>(options: &Options, wake: Sender<Wake>) -> Result<(Peer<T>, String), String> {
    let make = || -> DdsResult<Peer<T>> {
        let factory = DomainParticipantFactory::get_instance();
        let participant = factory.create_participant(options.domain as i32, QosKind::Default, NO_LISTENER, NO_STATUS)?;
        let topic = participant.create_topic::<T>(&options.topic, T::TYPE_NAME, QosKind::Default, NO_LISTENER, NO_STATUS)?;
        let Policies { reliability, durability, history, representation, deadline, partition } = policies(options);
        let endpoint = match options.role {
            Role::Publisher => {
                let qos = PublisherQos { partition, ..Default::default() };
                let publisher = participant.create_publisher(QosKind::Specific(qos), NO_LISTENER, NO_STATUS)?;
                let writer_data_lifecycle = WriterDataLifecycleQosPolicy { autodispose_unregistered_instances: false };
                let qos = DataWriterQos { reliability, durability, history, representation, deadline, writer_data_lifecycle, ..Default::default() };
                Endpoint::Writer(publisher.create_datawriter(&topic, QosKind::Specific(qos), Some(Incompatible(wake)), &[StatusKind::OfferedIncompatibleQos])?)
            }
            Role::Subscriber => {
                let qos = SubscriberQos { partition, ..Default::default() };
                let subscriber = participant.create_subscriber(QosKind::Specific(qos), NO_LISTENER, NO_STATUS)?;
                let qos = DataReaderQos { reliability, durability, history, representation, deadline, ..Default::default() };
                let filtered = match &options.filter {
                    Some(filter) => Some(participant.create_contentfilteredtopic(&format!("{}_filtered", options.topic), &topic, filter.clone(), Vec::new())?),
                    None => None,
                };
                let read: &dyn TopicDescription = match &filtered {
                    Some(filtered) => filtered,
                    None => &topic,
                };
                Endpoint::Reader(subscriber.create_datareader(read, QosKind::Specific(qos), Some(Incompatible(wake)), &[StatusKind::RequestedIncompatibleQos])?)
            }
        };
        Ok(Peer { options: options.clone(), endpoint, participant, keys: Vec::new() })
    };
    let peer = make().map_err(text)?;
    Ok((peer, "\"peer\":\"dustdds\",\"version\":\"0.16.0\"".to_owned()))
}

fn main() -> ExitCode {
    // Which type the endpoint is made for is known only from the arguments.
    let kind = std::env::args().skip_while(|argument| argument != "--type").nth(1).unwrap_or_default();
    match kind.as_str() {
        "final" => program::main(create::<FinalKeyed>),
        "mixed" => program::main(create::<MixedMembers>),
        "string" => program::main(create::<Text>),
        _ => program::main(create::<ShapeType>),
    }
}
