//! Prints every sample of a topic as JSON, whatever its type: `cargo run -p examples --bin dynamic_echo TOPIC
//! [domain]`.
//!
//! No Rust type is declared here: what the samples consist of is asked of whoever writes them, which works
//! with Cyclone DDS 11 and Fast DDS 3 as well as with programs of this implementation.

use std::{env, error::Error};

use dds_core::{DomainParticipant, sample::SampleValue};
use futures_lite::StreamExt;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().ok_or("usage: dynamic_echo TOPIC [domain]")?;
    let domain = arguments.next().map_or(Ok(0), |domain| domain.parse())?;
    let participant = DomainParticipant::new(domain)?;
    futures_lite::future::block_on(echo(&participant, &name))
}

async fn echo(participant: &DomainParticipant, name: &str) -> Result<(), Box<dyn Error>> {
    let found = participant.discover_type_async(name).await?;
    eprintln!("{name} is of type {}", found.name().unwrap_or_default());
    // Best effort, as by default: so it reads from every writer.
    let reader = participant.dynamic_topic(name, &found)?.reader().await?;
    let mut samples = reader.stream();
    while let Some(sample) = samples.next().await {
        match sample?.value() {
            SampleValue::Data(data) => println!("{}", serde_json::to_string(data)?),
            SampleValue::Key(key) => println!("ended: {}", serde_json::to_string(key)?),
        }
    }
    Ok(())
}
