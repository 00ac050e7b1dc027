//! The ends of `dds-bench` on RustDDS, with its asynchronous streams.

use std::time::Duration;

use bench_ends::{AnyError, Options, Tally, matched, ping, publish, until_input_ends};
use futures_lite::{StreamExt, future::block_on};
use rustdds::dds::statusevents::{DataReaderStatus, DataWriterStatus};
use rustdds::policy::{History, Reliability};
use rustdds::{
    DomainParticipant, QosPolicies, QosPolicyBuilder, StatusEvented, Topic, TopicKind, no_key,
};
use serde::{Deserialize, Serialize};

/// As `interop-tests/peers/bench/bench.idl` has it.
#[derive(Serialize, Deserialize, Clone, Debug)]
struct BenchSample {
    sequence_number: u64,
    payload: Vec<u8>,
}

type Writer = no_key::DataWriterCdr<BenchSample>;
type Reader = no_key::DataReaderCdr<BenchSample>;

struct End {
    participant: DomainParticipant,
    qos: QosPolicies,
}

impl End {
    fn new() -> Result<Self, AnyError> {
        let qos = QosPolicyBuilder::new()
            .reliability(Reliability::Reliable { max_blocking_time: rustdds::Duration::from_secs(10) })
            .history(History::KeepAll)
            .build();
        Ok(Self { participant: DomainParticipant::new(0)?, qos })
    }

    fn topic(&self, name: &str) -> Result<Topic, AnyError> {
        let (name, type_name) = (name.to_owned(), "BenchSample".to_owned());
        Ok(self.participant.create_topic(name, type_name, &self.qos, TopicKind::NoKey)?)
    }

    fn writer(&self, topic: &str) -> Result<Writer, AnyError> {
        let publisher = self.participant.create_publisher(&self.qos)?;
        Ok(publisher.create_datawriter_no_key_cdr(&self.topic(topic)?, None)?)
    }

    fn reader(&self, topic: &str) -> Result<Reader, AnyError> {
        let subscriber = self.participant.create_subscriber(&self.qos)?;
        Ok(subscriber.create_datareader_no_key_cdr(&self.topic(topic)?, None)?)
    }
}

fn write(writer: &Writer, sample: BenchSample) -> Result<(), AnyError> {
    writer.write(sample, None).map_err(|error| brief(&error).into())
}

/// The debug text of an error holds the sample, too.
fn brief(error: &impl std::fmt::Debug) -> String {
    format!("{error:?}").chars().take(200).collect()
}

fn wait_for_reader(writer: &Writer) {
    loop {
        match writer.try_recv_status() {
            Some(DataWriterStatus::PublicationMatched { current, .. }) if current.count() > 0 => return,
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn wait_for_writer(reader: &Reader) {
    loop {
        match reader.try_recv_status() {
            Some(DataReaderStatus::SubscriptionMatched { current, .. }) if current.count() > 0 => return,
            Some(_) => {}
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

const FORTH: &str = "BenchForth";
const BACK: &str = "BenchBack";

fn main() -> Result<(), AnyError> {
    let options = Options::from_arguments()?;
    let end = End::new()?;
    let payload = vec![0_u8; options.payload];
    let sample = |sequence_number| BenchSample { sequence_number, payload: payload.clone() };
    match options.role.as_str() {
        "ping" => {
            let (writer, reader) = (end.writer(FORTH)?, end.reader(BACK)?);
            wait_for_reader(&writer);
            wait_for_writer(&reader);
            if !matched() {
                return Ok(());
            }
            let mut samples = reader.async_sample_stream();
            ping(&options, |number| {
                write(&writer, sample(number))?;
                match block_on(samples.next()) {
                    Some(Ok(_)) => Ok(()),
                    other => Err(brief(&other.map(|result| result.err())).into()),
                }
            })
        }
        "pong" => {
            let (writer, reader) = (end.writer(BACK)?, end.reader(FORTH)?);
            wait_for_reader(&writer);
            wait_for_writer(&reader);
            if matched() {
                let mut samples = reader.async_sample_stream();
                std::thread::spawn(move || {
                    while let Some(Ok(sample)) = block_on(samples.next()) {
                        if let Err(error) = write(&writer, sample.into_value()) {
                            eprintln!("pong: {error}");
                        }
                    }
                });
                until_input_ends();
            }
            Ok(())
        }
        "publish" => {
            let writer = end.writer(FORTH)?;
            wait_for_reader(&writer);
            if !matched() {
                return Ok(());
            }
            let acknowledged =
                || writer.wait_for_acknowledgments(Duration::from_secs(10)).unwrap_or(false);
            publish(&options, |number| write(&writer, sample(number)), acknowledged)
        }
        "subscribe" => {
            let reader = end.reader(FORTH)?;
            wait_for_writer(&reader);
            if matched() {
                let tally = Tally::default();
                let counts = tally.clone();
                let mut samples = reader.async_sample_stream();
                std::thread::spawn(move || {
                    while let Some(Ok(sample)) = block_on(samples.next()) {
                        counts.sample(sample.value().sequence_number, sample.value().payload.len());
                    }
                });
                tally.print_at_end();
            }
            Ok(())
        }
        other => Err(format!("no role {other}").into()),
    }
}
