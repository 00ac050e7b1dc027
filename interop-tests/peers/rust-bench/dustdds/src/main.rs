//! The ends of `dds-bench` on Dust DDS: a listener takes what is counted, and round trips wait with wait-sets, as
//! in its own example.

use std::time::Duration;

use bench_ends::{AnyError, Options, Tally, matched, ping, publish, until_input_ends};
use dust_dds::dds_async::{
    data_reader::DataReaderAsync, data_reader_listener::DataReaderListener,
};
use dust_dds::domain::domain_participant::DomainParticipant;
use dust_dds::domain::domain_participant_factory::DomainParticipantFactory;
use dust_dds::infrastructure::error::{DdsError, DdsResult};
use dust_dds::infrastructure::listener::NO_LISTENER;
use dust_dds::infrastructure::qos::{DataReaderQos, DataWriterQos, QosKind};
use dust_dds::infrastructure::qos_policy::{
    HistoryQosPolicy, HistoryQosPolicyKind, ReliabilityQosPolicy, ReliabilityQosPolicyKind,
};
use dust_dds::infrastructure::sample_info::{ANY_INSTANCE_STATE, ANY_SAMPLE_STATE, ANY_VIEW_STATE};
use dust_dds::infrastructure::status::{NO_STATUS, StatusKind};
use dust_dds::infrastructure::time::{Duration as DdsDuration, DurationKind};
use dust_dds::infrastructure::type_support::DdsType;
use dust_dds::publication::data_writer::DataWriter;
use dust_dds::subscription::data_reader::DataReader;
use dust_dds::wait_set::{Condition, WaitSet};

/// As `interop-tests/peers/bench/bench.idl` has it.
#[derive(DdsType, Clone, Debug)]
#[dust_dds(name = "BenchSample", extensibility = "final")]
struct BenchSample {
    sequence_number: u64,
    payload: Vec<u8>,
}

struct End(DomainParticipant);

const RELIABILITY: ReliabilityQosPolicy = ReliabilityQosPolicy {
    kind: ReliabilityQosPolicyKind::Reliable,
    max_blocking_time: DurationKind::Finite(DdsDuration::new(10, 0)),
};
const HISTORY: HistoryQosPolicy = HistoryQosPolicy { kind: HistoryQosPolicyKind::KeepAll };
const FORTH: &str = "BenchForth";
const BACK: &str = "BenchBack";
/// Samples that are taken at once.
const AT_ONCE: i32 = 1024;

impl End {
    fn new() -> DdsResult<Self> {
        let factory = DomainParticipantFactory::get_instance();
        Ok(Self(factory.create_participant(0, QosKind::Default, NO_LISTENER, NO_STATUS)?))
    }

    fn writer(&self, name: &str) -> DdsResult<DataWriter<BenchSample>> {
        let topic =
            self.0.create_topic::<BenchSample>(name, "BenchSample", QosKind::Default, NO_LISTENER, NO_STATUS)?;
        let publisher = self.0.create_publisher(QosKind::Default, NO_LISTENER, NO_STATUS)?;
        let qos = DataWriterQos { reliability: RELIABILITY, history: HISTORY, ..Default::default() };
        publisher.create_datawriter(&topic, QosKind::Specific(qos), NO_LISTENER, NO_STATUS)
    }

    fn reader(
        &self,
        name: &str,
        listener: Option<impl DataReaderListener<BenchSample> + Send>,
    ) -> DdsResult<DataReader<BenchSample>> {
        let topic =
            self.0.create_topic::<BenchSample>(name, "BenchSample", QosKind::Default, NO_LISTENER, NO_STATUS)?;
        let subscriber = self.0.create_subscriber(QosKind::Default, NO_LISTENER, NO_STATUS)?;
        let qos = DataReaderQos { reliability: RELIABILITY, history: HISTORY, ..Default::default() };
        let statuses: &[StatusKind] =
            if listener.is_some() { &[StatusKind::DataAvailable] } else { NO_STATUS };
        subscriber.create_datareader(&topic, QosKind::Specific(qos), listener, statuses)
    }
}

/// Takes what there is.
async fn take(reader: &DataReaderAsync<BenchSample>) -> Vec<BenchSample> {
    // That there is nothing is an error here.
    let taken = reader.take(AT_ONCE, ANY_SAMPLE_STATE, ANY_VIEW_STATE, ANY_INSTANCE_STATE).await;
    taken.unwrap_or_default().into_iter().filter_map(|sample| sample.data).collect()
}

struct Count(Tally);

impl DataReaderListener<BenchSample> for Count {
    async fn on_data_available(&mut self, reader: DataReaderAsync<BenchSample>) {
        loop {
            let samples = take(&reader).await;
            if samples.is_empty() {
                return;
            }
            for sample in samples {
                self.0.sample(sample.sequence_number, sample.payload.len());
            }
        }
    }
}

fn wait_for_reader(writer: &DataWriter<BenchSample>) -> DdsResult<()> {
    while writer.get_publication_matched_status()?.current_count == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn wait_for_writer(reader: &DataReader<BenchSample>) -> DdsResult<()> {
    while reader.get_subscription_matched_status()?.current_count == 0 {
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Waits for samples.
fn until_data(reader: &DataReader<BenchSample>) -> DdsResult<WaitSet> {
    let available = reader.get_statuscondition();
    available.set_enabled_statuses(&[StatusKind::DataAvailable])?;
    let mut wait_set = WaitSet::new();
    wait_set.attach_condition(Condition::StatusCondition(available))?;
    Ok(wait_set)
}

fn text(error: DdsError) -> AnyError {
    format!("{error:?}").into()
}

fn run(options: &Options) -> Result<(), AnyError> {
    let end = End::new().map_err(text)?;
    let payload = vec![0_u8; options.payload];
    let sample = |sequence_number| BenchSample { sequence_number, payload: payload.clone() };
    match options.role.as_str() {
        "ping" => {
            let writer = end.writer(FORTH).map_err(text)?;
            let reader = end.reader(BACK, NO_LISTENER).map_err(text)?;
            wait_for_reader(&writer).map_err(text)?;
            wait_for_writer(&reader).map_err(text)?;
            let wait_set = until_data(&reader).map_err(text)?;
            if !matched() {
                return Ok(());
            }
            ping(options, |number| {
                writer.write(sample(number), None).map_err(text)?;
                wait_set.wait(DdsDuration::new(10, 0)).map_err(text)?;
                reader.take_next_sample().map_err(text).map(drop)
            })
        }
        "pong" => {
            let writer = end.writer(BACK).map_err(text)?;
            let reader = end.reader(FORTH, NO_LISTENER).map_err(text)?;
            wait_for_reader(&writer).map_err(text)?;
            wait_for_writer(&reader).map_err(text)?;
            let wait_set = until_data(&reader).map_err(text)?;
            if matched() {
                std::thread::spawn(move || {
                    loop {
                        // Ends with the process.
                        if wait_set.wait(DdsDuration::new(1, 0)).is_ok()
                            && let Ok(sample) = reader.take_next_sample()
                            && let Some(data) = sample.data
                            && let Err(error) = writer.write(data, None)
                        {
                            eprintln!("pong: {error:?}");
                        }
                    }
                });
                until_input_ends();
            }
            Ok(())
        }
        "publish" => {
            let writer = end.writer(FORTH).map_err(text)?;
            wait_for_reader(&writer).map_err(text)?;
            if !matched() {
                return Ok(());
            }
            publish(
                options,
                |number| writer.write(sample(number), None).map_err(text),
                || writer.wait_for_acknowledgments(DdsDuration::new(10, 0)).is_ok(),
            )
        }
        "subscribe" => {
            let tally = Tally::default();
            let reader = end.reader(FORTH, Some(Count(tally.clone()))).map_err(text)?;
            wait_for_writer(&reader).map_err(text)?;
            if matched() {
                tally.print_at_end();
            }
            Ok(())
        }
        other => Err(format!("no role {other}").into()),
    }
}

fn main() -> Result<(), AnyError> {
    run(&Options::from_arguments()?)
}
