//! Our own stack as a peer. The contract is interop-tests/README.md.

mod policies;
mod values;

use dds_core::condition::WaitSet;
use dds_core::instance::InstanceHandle;
use dds_core::qos::{
    DataReaderQos, DataWriterQos, Deadline, Duration as DdsDuration, GroupData, Lifespan, OwnershipStrength,
    Partition, PolicyId, PublisherQos, SubscriberQos, TopicData, TopicQos, UserData,
};
use dds_core::sample::{InstanceState, SampleValue};
use dds_core::status::StatusMask;
use dds_core::types::TopicType;
use dds_core::types::dynamic::DynamicData;
use dds_core::{
    DataReader, DataWriter, DomainParticipant, ParticipantConfig, Publisher, Serde, Subscriber, Topic,
};
use interop_tests::namespace::assert_isolated;
use interop_tests::program::{self, End, Notice, Options, Role, Stack, TypeName, Wake};
use policies::{Announced, octets, partition, presentation, reader_qos, writer_qos};
use std::process::ExitCode;
use std::sync::mpsc::{Sender, SyncSender, sync_channel};
use std::time::Duration;
use values::{FinalKeyed, MixedMembers, SerdeMixed, SerdeText, ShapeType, Text, Value};

enum Endpoint<T: TopicType> {
    Writer(DataWriter<T>, Publisher),
    Reader(DataReader<T>, Subscriber),
}

struct Own<T: TopicType> {
    options: Options,
    topic: Topic<T>,
    endpoint: Endpoint<T>,
    /// Samples stay where they are.
    holds: bool,
    /// Tells the waiting thread that the statuses have been looked at.
    seen: SyncSender<()>,
}

impl<T: Value> Own<T> {
    fn writer(&self) -> Result<&DataWriter<T>, String> {
        match &self.endpoint {
            Endpoint::Writer(writer, _) => Ok(writer),
            Endpoint::Reader(..) => Err("a subscriber does not write".to_owned()),
        }
    }
}

impl<T: Value> Stack for Own<T> {
    fn write(&mut self, i: u64, k: u64) -> Result<String, String> {
        let sample = T::make(&self.options, i, k)?;
        self.writer()?.write(&sample).map_err(text)?;
        Ok(sample.json())
    }

    fn end(&mut self, k: u64, how: End) -> Result<String, String> {
        let sample = T::make(&self.options, 0, k)?;
        let writer = self.writer()?;
        match how {
            End::Dispose => writer.dispose(&sample),
            _ => writer.unregister_instance(&sample),
        }
        .map_err(text)?;
        Ok(T::key_json(&sample.key()))
    }

    fn set(&mut self, policy: &str, value: &str) -> Result<(), String> {
        let duration = || value.parse().map(DdsDuration::from_millis).map_err(text);
        let period = || duration().map(Deadline);
        match (&self.endpoint, policy) {
            (Endpoint::Writer(writer, _), "partition") => {
                let qos =
                    PublisherQos { partition: Partition(vec![value.to_owned()]), ..writer.publisher().qos() };
                writer.publisher().set_qos(qos)
            }
            (Endpoint::Reader(reader, _), "partition") => {
                let qos = SubscriberQos {
                    partition: Partition(vec![value.to_owned()]),
                    ..reader.subscriber().qos()
                };
                reader.subscriber().set_qos(qos)
            }
            (Endpoint::Writer(writer, _), "deadline-ms") => {
                writer.set_qos(DataWriterQos { deadline: period()?, ..writer.qos() })
            }
            (Endpoint::Reader(reader, _), "deadline-ms") => {
                reader.set_qos(DataReaderQos { deadline: period()?, ..reader.qos() })
            }
            (Endpoint::Writer(writer, _), "lifespan-ms") => {
                writer.set_qos(DataWriterQos { lifespan: Lifespan(duration()?), ..writer.qos() })
            }
            (Endpoint::Writer(writer, _), "ownership-strength") => {
                let ownership_strength = OwnershipStrength(value.parse().map_err(text)?);
                writer.set_qos(DataWriterQos { ownership_strength, ..writer.qos() })
            }
            _ => return Err(format!("no such policy: {policy}")),
        }
        .map_err(text)
    }

    fn peers(&mut self) -> Result<Vec<String>, String> {
        Ok(match &self.endpoint {
            Endpoint::Writer(writer, _) => {
                let handles = writer.matched_subscriptions().into_iter();
                handles
                    .filter_map(|handle| writer.matched_subscription_data(handle).ok())
                    .map(|data| Announced::from(&data.qos).json())
                    .collect()
            }
            Endpoint::Reader(reader, _) => {
                let handles = reader.matched_publications().into_iter();
                handles
                    .filter_map(|handle| reader.matched_publication_data(handle).ok())
                    .map(|data| Announced::from(&data.qos).json())
                    .collect()
            }
        })
    }

    fn change_data(&mut self, which: &str, octets: &str) -> Result<(), String> {
        let octets = octets.as_bytes().to_vec();
        match (which, &self.endpoint) {
            ("topic", _) => self
                .topic
                .set_qos(TopicQos { topic_data: TopicData(octets), ..TopicQos::clone(&self.topic.qos()) }),
            ("user", Endpoint::Writer(writer, _)) => {
                writer.set_qos(DataWriterQos { user_data: UserData(octets), ..writer.qos() })
            }
            ("user", Endpoint::Reader(reader, _)) => {
                reader.set_qos(DataReaderQos { user_data: UserData(octets), ..reader.qos() })
            }
            (_, Endpoint::Writer(_, publisher)) => {
                publisher.set_qos(PublisherQos { group_data: GroupData(octets), ..publisher.qos() })
            }
            (_, Endpoint::Reader(_, subscriber)) => {
                subscriber.set_qos(SubscriberQos { group_data: GroupData(octets), ..subscriber.qos() })
            }
        }
        .map_err(text)
    }

    fn hold(&mut self, holds: bool) -> Result<(), String> {
        self.holds = holds;
        Ok(())
    }

    fn coherent(&mut self, begin: bool) -> Result<(), String> {
        let Endpoint::Writer(_, publisher) = &self.endpoint else {
            return Err("a subscriber writes no sets".to_owned());
        };
        if begin { publisher.begin_coherent_changes() } else { publisher.end_coherent_changes() }
            .map_err(text)
    }

    fn wait_for_acknowledgments(&mut self) {
        if let Endpoint::Writer(writer, _) = &self.endpoint
            && let Err(error) = writer.wait_for_acknowledgments(DdsDuration::from_secs(10))
        {
            program::emit("log", &format!("\"message\":{}", program::quoted(&text(error))));
        }
    }

    fn poll(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        match &self.endpoint {
            Endpoint::Writer(writer, _) => {
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
            Endpoint::Reader(reader, subscriber) => {
                // Without access scope GROUP it has no effect.
                let _access = subscriber.access().ok();
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
                let taken = if self.holds { Vec::new() } else { reader.take().unwrap_or_default() };
                for sample in taken {
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

/// The builder calls that writers and readers have in common.
macro_rules! configured {
    ($builder:expr, $options:expr) => {{
        let mut builder = $builder;
        builder = if $options.reliable { builder.reliable() } else { builder.best_effort() };
        if $options.deadline_ms > 0 {
            builder = builder.deadline(DdsDuration::from_millis($options.deadline_ms));
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
    let topic_qos = TopicQos { topic_data: TopicData(octets(&options.topic_data)), ..TopicQos::default() };
    let topic = T::topic(&participant, options, topic_qos)?;
    let (partition, presentation) = (partition(options), presentation(options));
    let group_data = GroupData(octets(&options.group_data));
    let (endpoint, condition, _handle): (_, _, InstanceHandle) = match options.role {
        Role::Publisher => {
            let qos = PublisherQos { partition, presentation, group_data, ..PublisherQos::default() };
            let publisher = participant.create_publisher(qos).map_err(text)?;
            let builder = topic.writer().publisher(&publisher).qos(writer_qos::<T>(options));
            let writer = configured!(builder.max_blocking_time(DdsDuration::from_secs(10)), options);
            let (condition, handle) = (writer.status_condition(), writer.instance_handle());
            (Endpoint::Writer(writer, publisher), condition, handle)
        }
        Role::Subscriber => {
            let qos = SubscriberQos { partition, presentation, group_data, ..SubscriberQos::default() };
            let subscriber = participant.create_subscriber(qos).map_err(text)?;
            let builder = match &options.filter {
                None => topic.reader(),
                Some(filter) => {
                    let name = format!("{}_filtered", options.topic);
                    topic.content_filtered(&name, filter, [""; 0]).map_err(text)?.reader()
                }
            };
            let builder = builder.subscriber(&subscriber).qos(reader_qos::<T>(options));
            let reader = configured!(builder, options);
            let (condition, handle) = (reader.status_condition(), reader.instance_handle());
            (Endpoint::Reader(reader, subscriber), condition, handle)
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
    Ok((Own { options: options.clone(), topic, endpoint, holds: false, seen }, ready))
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
        Some("discovered") => program::main(create::<DynamicData>),
        Some("serde") => program::main(create::<Serde<SerdeMixed>>),
        Some("serde-string") => program::main(create::<Serde<SerdeText>>),
        _ => program::main(|options, wake| match options.type_name {
            TypeName::Shape => create::<ShapeType>(options, wake),
            _ => Err("no such type".to_owned()),
        }),
    }
}
