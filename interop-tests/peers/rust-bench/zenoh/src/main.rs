//! Throughput of zenoh: a publisher and a subscriber, peers that are connected by TCP on loopback.
//!
//! The publisher blocks where the transport is full, so that nothing is dropped; otherwise all is as it comes,
//! with zenoh's batching. Each sample copies the payload once, as a `write` of the others does.

use std::time::Duration;

use bench_ends::{AnyError, Options, Tally, matched, number_of, publish};
use zenoh::{Config, Session, Wait, qos::CongestionControl};

const ENDPOINT: &str = "tcp/127.0.0.1:7447";
const KEY: &str = "bench/forth";

/// Listens, or connects to who does.
fn session(how: &str) -> Result<Session, AnyError> {
    let mut config = Config::default();
    config.insert_json5("mode", r#""peer""#)?;
    config.insert_json5("scouting/multicast/enabled", "false")?;
    config.insert_json5("listen/endpoints", "[]")?;
    config.insert_json5(&format!("{how}/endpoints"), &format!(r#"["{ENDPOINT}"]"#))?;
    zenoh::open(config).wait()
}

fn main() -> Result<(), AnyError> {
    let options = Options::from_arguments()?;
    match options.role.as_str() {
        "publish" => {
            // Retries the connection until the subscriber listens.
            let session = session("connect")?;
            let publisher =
                session.declare_publisher(KEY).congestion_control(CongestionControl::Block).wait()?;
            while !publisher.matching_status().wait()?.matching() {
                std::thread::sleep(Duration::from_millis(1));
            }
            if !matched() {
                return Ok(());
            }
            let mut payload = vec![0_u8; options.payload.max(8)];
            let send = |number: u64| {
                payload[..8].copy_from_slice(&number.to_le_bytes());
                publisher.put(payload.as_slice()).wait()
            };
            publish(&options, send, || true)
        }
        "subscribe" => {
            let session = session("listen")?;
            let tally = Tally::default();
            let counts = tally.clone();
            let _subscriber = session
                .declare_subscriber(KEY)
                .callback(move |sample| {
                    let payload = sample.payload();
                    counts.sample(number_of(&payload.to_bytes()), payload.len());
                })
                .wait()?;
            if matched() {
                tally.print_at_end();
            }
            Ok(())
        }
        other => Err(format!("no role {other}").into()),
    }
}
