//! The async forms of the API: `cargo run -p examples --bin async_hello [domain]`.
//!
//! The library brings no executor and needs none. The same `async fn` runs here first on tokio's
//! single-threaded runtime, then on the smallest executor there is, `futures_lite::future::block_on`.
//! Everything stays on loopback.

use std::{error::Error, time::Duration};

use dds_core::{DdsType, DomainParticipant, error::DdsResult};
use futures_lite::StreamExt;

#[derive(Debug, DdsType)]
struct Lap {
    number: u32,
    text: String,
}

const LAPS: u32 = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let domain = examples::command_line::domain("async_hello");

    let tokio = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    tokio.block_on(async {
        // Time limits are the executor's business.
        tokio::time::timeout(Duration::from_secs(20), race(domain, "tokio")).await?
    })?;

    futures_lite::future::block_on(race(domain, "futures_lite"))
}

/// A writer and a reader of two participants, as two tasks on one thread.
async fn race(domain: u32, executor: &str) -> Result<(), Box<dyn Error>> {
    let one = DomainParticipant::builder(domain).loopback_only().build()?;
    let two = DomainParticipant::builder(domain).loopback_only().build()?;
    // A topic of its own for each run of the program.
    let topic = format!("Lap{}", std::process::id());
    // Builders end with `.build()` or with `.await`.
    let writer = one.topic::<Lap>(&topic)?.writer().reliable().keep_all().await?;
    let reader = two.topic::<Lap>(&topic)?.reader().reliable().keep_all().await?;

    let write = async {
        writer.matched(1).await;
        for number in 1..=LAPS {
            // Waits, without blocking the thread, while the history is full.
            writer.write_async(&Lap { number, text: format!("on {executor}") }).await?;
        }
        writer.acknowledgments().await;
        println!("{executor}: everything is acknowledged");
        DdsResult::Ok(())
    };
    let read = async {
        let mut laps = reader.stream().take(LAPS as usize);
        while let Some(sample) = laps.next().await {
            if let Some(lap) = sample?.data() {
                println!("{executor}: lap {} {}", lap.number, lap.text);
            }
        }
        DdsResult::Ok(())
    };
    futures_lite::future::try_zip(write, read).await?;
    Ok(())
}
