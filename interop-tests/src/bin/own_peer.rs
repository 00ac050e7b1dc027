//! Our own stack as a peer. The contract is interop-tests/README.md.

use dds_core::condition::WaitSet;
use dds_core::instance::InstanceHandle;
use dds_core::qos::{
    DataReaderQos, DataRepresentation, DataWriterQos, Deadline, DurabilityKind, Duration as DdsDuration,
    Partition, PolicyId, PublisherQos, SubscriberQos, TopicQos,
};
use dds_core::sample::{InstanceState, SampleValue};
use dds_core::status::StatusMask;
use dds_core::types::{DataRepresentationId, TopicType};
use dds_core::{DataReader, DataWriter, DdsType, DomainParticipant, ParticipantConfig, Serde};
use interop_tests::namespace::assert_isolated;
use interop_tests::program::{self, End, Mixed, Notice, Options, Role, Stack, TypeName, Wake};
use serde::{Deserialize, Serialize};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::time::Duration;

#[derive(Debug, Clone, DdsType)]
#[dds(name = "ShapeType", extensibility = "appendable")]
struct ShapeType {
    #[dds(key, bounded(128))]
    color: String,
    x: i32,
    y: i32,
    shapesize: i32,
    #[dds(octet)]
    additional_payload_size: Vec<u8>,
}

#[derive(Debug, Clone, DdsType)]
#[dds(name = "FinalKeyed", extensibility = "final")]
struct FinalKeyed {
    #[dds(key)]
    id: i32,
    x: i32,
    ratio: f64,
    label: String,
}

#[derive(Debug, Clone, DdsType)]
#[dds(name = "MixedMembers", extensibility = "final")]
struct MixedMembers {
    flag: bool,
    wide: i64,
    #[dds(octet)]
    small: u8,
    ratio: f64,
    narrow: i16,
    count: u32,
    fraction: f32,
    text: String,
    numbers: Vec<i32>,
    triple: [i32; 3],
}

#[derive(Debug, Clone, DdsType)]
#[dds(name = "std_msgs::msg::dds_::String_", extensibility = "final")]
struct Text {
    data: String,
}

/// MixedMembers as a serde type: announced under the same name, in our own representation.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SerdeMixed {
    wide: i64,
    text: String,
    numbers: Vec<i32>,
}

/// String_ as a serde type.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SerdeText(String);

/// How a type's values are made and printed.
trait Value: TopicType {
    /// The name it is announced under.
    fn announced_name() -> String {
        Self::type_name().into_owned()
    }
    fn make(options: &Options, i: u64, k: u64) -> Self;
    fn json(&self) -> String;
    fn key_json(key: &Self::Key) -> String;
}

impl Value for ShapeType {
    fn make(options: &Options, i: u64, k: u64) -> Self {
        let (x, y, shapesize) = (i as i32, (2 * i + k) as i32, (i + 1) as i32);
        let additional_payload_size = program::payload(options, i, k);
        ShapeType { color: program::color(options, k), x, y, shapesize, additional_payload_size }
    }

    fn json(&self) -> String {
        program::shape_json(&self.color, self.x, self.y, self.shapesize, &self.additional_payload_size)
    }

    fn key_json(key: &Self::Key) -> String {
        program::shape_key_json(&key.color)
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

    fn key_json(key: &Self::Key) -> String {
        program::keyed_key_json(key.id)
    }
}

impl Value for MixedMembers {
    fn make(_: &Options, i: u64, _: u64) -> Self {
        let Mixed { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } =
            program::mixed(i);
        MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple }
    }

    fn json(&self) -> String {
        let MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } =
            self.clone();
        program::mixed_json(&Mixed {
            flag,
            wide,
            small,
            ratio,
            narrow,
            count,
            fraction,
            text,
            numbers,
            triple,
        })
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

impl Value for Text {
    fn make(_: &Options, i: u64, _: u64) -> Self {
        Text { data: program::text(i) }
    }

    fn json(&self) -> String {
        program::text_json(&self.data)
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

impl Value for Serde<SerdeMixed> {
    fn announced_name() -> String {
        MixedMembers::announced_name()
    }

    fn make(_: &Options, i: u64, _: u64) -> Self {
        let Mixed { wide, text, numbers, .. } = program::mixed(i);
        Serde(SerdeMixed { wide, text, numbers })
    }

    fn json(&self) -> String {
        format!(
            "{{\"wide\":{},\"text\":{},\"numbers\":{:?}}}",
            self.wide,
            program::quoted(&self.text),
            self.numbers
        )
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

impl Value for Serde<SerdeText> {
    fn announced_name() -> String {
        Text::announced_name()
    }

    fn make(_: &Options, i: u64, _: u64) -> Self {
        Serde(SerdeText(program::text(i)))
    }

    fn json(&self) -> String {
        program::text_json(&self.0.0)
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

enum Endpoint<T: TopicType> {
    Writer(DataWriter<T>),
    Reader(DataReader<T>),
}

struct Own<T: TopicType> {
    options: Options,
    endpoint: Endpoint<T>,
    /// Tells the waiting thread that the statuses have been looked at.
    seen: SyncSender<()>,
}

impl<T: Value> Own<T> {
    fn writer(&self) -> Result<&DataWriter<T>, String> {
        match &self.endpoint {
            Endpoint::Writer(writer) => Ok(writer),
            Endpoint::Reader(_) => Err("a subscriber does not write".to_owned()),
        }
    }
}

impl<T: Value> Stack for Own<T> {
    fn write(&mut self, i: u64, k: u64) -> Result<String, String> {
        let sample = T::make(&self.options, i, k);
        self.writer()?.write(&sample).map_err(text)?;
        Ok(sample.json())
    }

    fn end(&mut self, k: u64, how: End) -> Result<String, String> {
        let sample = T::make(&self.options, 0, k);
        let writer = self.writer()?;
        match how {
            End::Dispose => writer.dispose(&sample),
            _ => writer.unregister_instance(&sample),
        }
        .map_err(text)?;
        Ok(T::key_json(&sample.key()))
    }

    fn set(&mut self, policy: &str, value: &str) -> Result<(), String> {
        let period = || value.parse().map(DdsDuration::from_millis).map(Deadline).map_err(text);
        match (&self.endpoint, policy) {
            (Endpoint::Writer(writer), "partition") => {
                let qos =
                    PublisherQos { partition: Partition(vec![value.to_owned()]), ..writer.publisher().qos() };
                writer.publisher().set_qos(qos)
            }
            (Endpoint::Reader(reader), "partition") => {
                let qos = SubscriberQos {
                    partition: Partition(vec![value.to_owned()]),
                    ..reader.subscriber().qos()
                };
                reader.subscriber().set_qos(qos)
            }
            (Endpoint::Writer(writer), "deadline-ms") => {
                writer.set_qos(DataWriterQos { deadline: period()?, ..writer.qos() })
            }
            (Endpoint::Reader(reader), "deadline-ms") => {
                reader.set_qos(DataReaderQos { deadline: period()?, ..reader.qos() })
            }
            _ => return Err(format!("no such policy: {policy}")),
        }
        .map_err(text)
    }

    fn wait_for_acknowledgments(&mut self) {
        if let Endpoint::Writer(writer) = &self.endpoint
            && let Err(error) = writer.wait_for_acknowledgments(DdsDuration::from_secs(10))
        {
            program::emit("log", &format!("\"message\":{}", program::quoted(&text(error))));
        }
    }

    fn poll(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        match &self.endpoint {
            Endpoint::Writer(writer) => {
                notices.push(Notice::Matched(u64::from(writer.publication_matched_status().current_count)));
                let status = writer.offered_incompatible_qos_status();
                notices.extend(incompatible(status.total_count_change, status.last_policy_id));
                if writer.offered_deadline_missed_status().total_count_change > 0 {
                    notices.push(Notice::Other("deadline_missed", String::new()));
                }
                if writer.liveliness_lost_status().total_count_change > 0 {
                    notices.push(Notice::Other("liveliness_lost", String::new()));
                }
            }
            Endpoint::Reader(reader) => {
                notices.push(Notice::Matched(u64::from(reader.subscription_matched_status().current_count)));
                let status = reader.requested_incompatible_qos_status();
                notices.extend(incompatible(status.total_count_change, status.last_policy_id));
                if reader.requested_deadline_missed_status().total_count_change > 0 {
                    notices.push(Notice::Other("deadline_missed", String::new()));
                }
                let status = reader.liveliness_changed_status();
                if status.alive_count_change != 0 || status.not_alive_count_change != 0 {
                    let counts =
                        format!("\"alive\":{},\"not_alive\":{}", status.alive_count, status.not_alive_count);
                    notices.push(Notice::Other("liveliness_changed", counts));
                }
                for sample in reader.take().unwrap_or_default() {
                    let state = match sample.info().instance_state {
                        InstanceState::Alive => "ALIVE",
                        InstanceState::NotAliveDisposed => "DISPOSED",
                        InstanceState::NotAliveNoWriters => "NO_WRITERS",
                    };
                    notices.push(match sample.value() {
                        SampleValue::Data(data) => Notice::Sample(data.json(), true, state),
                        SampleValue::Key(key) => Notice::Sample(T::key_json(key), false, state),
                    });
                }
            }
        }
        // A full channel says the same.
        let _ = self.seen.try_send(());
        notices
    }

    fn poll_interval(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Dropping the last handles lets the participant leave in order.
    fn close(self) {}
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn incompatible(change: u32, policy: Option<PolicyId>) -> Option<Notice> {
    (change > 0).then(|| {
        Notice::IncompatibleQos(policy.map_or("UNKNOWN".to_owned(), |policy| policy.name().to_owned()))
    })
}

fn writer_qos<T: Value>(options: &Options) -> DataWriterQos {
    let mut qos = DataWriterQos::default();
    qos.writer_data_lifecycle.autodispose_unregistered_instances = false;
    qos.data_representation = representation::<T>(options);
    qos
}

fn reader_qos<T: Value>(options: &Options) -> DataReaderQos {
    DataReaderQos { data_representation: representation::<T>(options), ..DataReaderQos::default() }
}

fn representation<T: Value>(options: &Options) -> DataRepresentation {
    let asked =
        if options.representation == 2 { DataRepresentationId::XCDR2 } else { DataRepresentationId::XCDR };
    // Serde types have one representation, whatever was asked for.
    let has = T::representations().contains(&asked);
    DataRepresentation(if has { vec![asked] } else { T::representations().to_vec() })
}

/// The builder calls that writers and readers have in common.
macro_rules! configured {
    ($builder:expr, $options:expr) => {{
        let mut builder = $builder;
        builder = if $options.reliable { builder.reliable() } else { builder.best_effort() };
        builder = if $options.history == 0 {
            builder.keep_all()
        } else {
            builder.keep_last($options.history as u32)
        };
        if $options.transient_local {
            builder = builder.durability(DurabilityKind::TransientLocal);
        }
        if $options.deadline_ms > 0 {
            builder = builder.deadline(DdsDuration::from_millis($options.deadline_ms));
        }
        if let Some(partition) = &$options.partition {
            builder = builder.partition(partition);
        }
        builder.build().map_err(text)?
    }};
}

fn create<T: Value>(options: &Options, wake: Sender<Wake>) -> Result<(Own<T>, String), String> {
    let mut config = ParticipantConfig { name: Some("own_peer".to_owned()), ..ParticipantConfig::default() };
    config.announce_types = std::env::var("DDS_ANNOUNCE_TYPES").is_ok_and(|announces| announces == "true");
    if options.lease_ms > 0 {
        config.lease_duration = DdsDuration::from_millis(options.lease_ms);
        config.announcement_period = DdsDuration::from_millis(options.lease_ms / 4);
    }
    let participant = DomainParticipant::builder(options.domain).config(config).build().map_err(text)?;
    let topic = participant
        .create_topic_as::<T>(&options.topic, &T::announced_name(), TopicQos::default())
        .map_err(text)?;
    let (endpoint, condition, _handle): (_, _, InstanceHandle) = match options.role {
        Role::Publisher => {
            let writer = configured!(
                topic.writer().qos(writer_qos::<T>(options)).max_blocking_time(DdsDuration::from_secs(10)),
                options
            );
            let (condition, handle) = (writer.status_condition(), writer.instance_handle());
            (Endpoint::Writer(writer), condition, handle)
        }
        Role::Subscriber => {
            let builder = match &options.filter {
                None => topic.reader(),
                Some(filter) => {
                    let name = format!("{}_filtered", options.topic);
                    topic.content_filtered(&name, filter, [""; 0]).map_err(text)?.reader()
                }
            };
            let reader = configured!(builder.qos(reader_qos::<T>(options)), options);
            let (condition, handle) = (reader.status_condition(), reader.instance_handle());
            (Endpoint::Reader(reader), condition, handle)
        }
    };
    condition.set_enabled_statuses(StatusMask::ALL);
    let (seen, looked) = sync_channel(1);
    std::thread::spawn(move || {
        let waits = WaitSet::new();
        waits.attach(condition);
        // Ends with the main loop, which holds the other ends of both channels.
        while waits.wait(DdsDuration::INFINITE).is_ok()
            && wake.send(Wake::Stack).is_ok()
            && looked.recv().is_ok()
        {}
    });
    let ready = format!("\"peer\":\"own\",\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
    Ok((Own { options: options.clone(), endpoint, seen }, ready))
}

fn main() -> ExitCode {
    assert_isolated();
    // Which type the endpoint is made for is known only from the arguments; the last --type counts.
    let arguments: Vec<String> = std::env::args().collect();
    let kind = arguments.windows(2).rev().find(|pair| pair[0] == "--type").map(|pair| pair[1].clone());
    match kind.as_deref() {
        Some("final") => program::main(create::<FinalKeyed>),
        Some("mixed") => program::main(create::<MixedMembers>),
        Some("string") => program::main(create::<Text>),
        Some("serde") => program::main(create::<Serde<SerdeMixed>>),
        Some("serde-string") => program::main(create::<Serde<SerdeText>>),
        _ => program::main(|options, wake| match options.type_name {
            TypeName::Shape => create::<ShapeType>(options, wake),
            _ => Err("no such type".to_owned()),
        }),
    }
}
