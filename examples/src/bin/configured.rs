//! Configuration and QoS from files and the environment:
//! `DDS_CONFIG=examples/profiles/robot-dds.toml cargo run -p examples --bin configured`.
//!
//! Prints the effective configuration with the origin of each value, then writes and reads a sample with
//! the QoS of its profile. Try `DDS_NAME=gripper`, `DDS_QOS_PROFILE=sensor`, or a name that does not exist.

use std::{env, error::Error, process::exit};

use dds_core::{Configuration, DdsType, qos::Duration};

/// What a wrong command line or configuration ends with.
const WRONG: i32 = 2;

#[derive(Clone, Debug, PartialEq, DdsType)]
struct Reading {
    #[dds(key)]
    sensor: u32,
    value: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    if let Some(argument) = env::args_os().nth(1) {
        eprintln!("configured: no argument is understood: {}", argument.to_string_lossy());
        exit(WRONG);
    }
    let configuration = Configuration::load().unwrap_or_else(|error| {
        eprintln!("{error}");
        exit(WRONG);
    });
    println!("{configuration}");

    let participant = configuration.participant_builder().build()?;
    let topic = participant.topic::<Reading>(&format!("Reading{}", std::process::id()))?;
    let writer = topic.writer().qos(configuration.writer_qos(topic.name())?).build()?;
    let reader = topic.reader().qos(configuration.reader_qos(topic.name())?).build()?;
    writer.wait_matched(1, Duration::from_secs(20))?;
    writer.write(&Reading { sensor: 1, value: 0.5 })?;
    reader.wait_for_data(Duration::from_secs(20))?;
    for sample in reader.take()? {
        println!("{} got {:?}", participant.config().name.as_deref().unwrap_or("someone"), sample.data());
    }
    Ok(())
}
