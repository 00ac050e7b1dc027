//! Being called and waiting: `cargo run -p examples --bin listener_waitset [domain]`.
//!
//! A publisher's side has a listener, which the library calls; the subscriber's side has a wait-set, with
//! which a thread of the program waits for samples, for a status and for the program's own signal at once.
//! Both are one process here, on loopback.

use std::{
    error::Error,
    sync::{Arc, mpsc},
    thread,
};

use dds_core::{
    DataReader, DataWriter, DdsType, DomainParticipant,
    condition::{Condition, GuardCondition, WaitSet},
    listener::{DataReaderListener, DataWriterListener},
    qos::Duration,
    sample::{DataState, InstanceStateMask, SampleValue},
    status::{PublicationMatchedStatus, StatusMask},
};

#[derive(Clone, Debug, DdsType)]
struct Job {
    #[dds(key)]
    id: u32,
    progress: u8,
}

/// Told of readers that come and go. It only passes news on: while it runs, its thread receives nothing.
struct Crew(mpsc::Sender<u32>);

impl DataWriterListener<Job> for Crew {
    fn on_publication_matched(&self, writer: &DataWriter<Job>, status: PublicationMatchedStatus) {
        println!("listener: {} readers of {}", status.current_count, writer.topic().name());
        // Nobody may be interested any more.
        let _ = self.0.send(status.current_count);
    }
}

/// Told of samples. Reading inside of a listener is allowed, waiting is an error.
struct Watcher;

impl DataReaderListener<Job> for Watcher {
    fn on_data_available(&self, reader: &DataReader<Job>) {
        for job in reader.take().unwrap_or_default().iter().filter_map(|sample| sample.data()) {
            println!("listener: job {} is at {} %", job.id, job.progress);
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn Error>> {
    let domain = examples::command_line::domain("listener_waitset");
    let participant = DomainParticipant::builder(domain).loopback_only().build()?;
    let topic = participant.topic::<Job>(&format!("Job{}", std::process::id()))?;

    let writer = topic.writer().reliable().keep_all().build()?;
    let (news, readers) = mpsc::channel();
    writer.set_listener(Some(Arc::new(Crew(news))), StatusMask::PUBLICATION_MATCHED);

    let watched = topic.reader().reliable().keep_all().build()?;
    watched.set_listener(Some(Arc::new(Watcher)), StatusMask::DATA_AVAILABLE);

    let reader = topic.reader().reliable().keep_all().build()?;
    let enough = GuardCondition::new();
    let stop = enough.clone();
    let waiter = thread::spawn(move || wait(&reader, &enough).map_err(|error| error.to_string()));

    while readers.recv()? < 2 {}
    for progress in [0, 50, 100] {
        writer.write(&Job { id: 7, progress })?;
    }
    writer.dispose(&Job { id: 7, progress: 100 })?;
    writer.wait_for_acknowledgments(PATIENCE)?;
    // No call of the listener begins once this has returned.
    watched.set_listener(None, StatusMask::NONE);
    stop.set_trigger_value(true);
    waiter.join().map_err(|_| "the waiting thread panicked")??;
    Ok(())
}

fn wait(reader: &DataReader<Job>, enough: &GuardCondition) -> Result<(), Box<dyn Error>> {
    let alive = DataState { instance_states: InstanceStateMask::ALIVE, ..DataState::NOT_READ };
    let ended = DataState { instance_states: InstanceStateMask::NOT_ALIVE, ..DataState::NOT_READ };
    let (progress, end) = (reader.read_condition(alive), reader.read_condition(ended));
    let status = reader.status_condition();
    status.set_enabled_statuses(StatusMask::SUBSCRIPTION_MATCHED);

    let set = WaitSet::new();
    set.attach(&progress);
    set.attach(&end);
    set.attach(&status);
    set.attach(enough);
    loop {
        let active = set.wait(PATIENCE)?;
        for condition in &active {
            match condition {
                // Looking at a status makes its condition false again.
                Condition::Status(_) => {
                    let matched = reader.subscription_matched_status();
                    println!("wait-set: {} writers", matched.current_count);
                }
                Condition::Read(condition) => {
                    for sample in reader.select().condition(condition).take()? {
                        match sample.value() {
                            SampleValue::Data(job) => {
                                println!("wait-set: job {} is at {} %", job.id, job.progress)
                            }
                            SampleValue::Key(key) => {
                                println!("wait-set: job {} is {:?}", key.id, sample.info().instance_state);
                            }
                        }
                    }
                }
                Condition::Query(_) | Condition::Guard(_) => {}
            }
        }
        if active == [Condition::from(enough)] {
            println!("wait-set: enough");
            return Ok(());
        }
    }
}
