//! Options of the program itself.

use super::line::sample;
use super::stage::Stage;
use crate::capture::{Capture, tshark};
use crate::failure::Failure;
use std::collections::BTreeSet;
use std::time::Duration;

/// `--datafrag-size` cuts samples as small as was asked for.
pub fn fragments(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let capture = Capture::start(stage.topology.publisher(), stage.capture.clone())?;
    let (publisher, mut subscriber) = stage.pair()?;
    subscriber.samples(5, Duration::ZERO)?;
    publisher.end()?;
    let file = capture.stop()?;
    let all = tshark(&file, "rtps.sm.id == 0x16")?.len();
    let small = tshark(&file, "rtps.data_frag.size <= 1000 && rtps.data_frag.size > 500")?.len();
    if all == 0 || all != small {
        return Err(Failure::Mismatch(format!("{small} of {all} DATA_FRAG have fragments near 1000 bytes")));
    }
    Ok(format!("{all} DATA_FRAG, none with fragments of more than 1000 bytes"))
}

/// `--periodic-announcement` says how often the participant announces itself.
pub fn announcements(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut publisher = stage.publish(&stage.case.publisher)?;
    publisher.expect_text("Create writer")?;
    // What is sent at the start has a rhythm of its own.
    std::thread::sleep(Duration::from_secs(2));
    let capture = Capture::start(stage.topology.publisher(), stage.capture.clone())?;
    std::thread::sleep(Duration::from_secs(4));
    let file = capture.stop()?;
    // SPDP goes by multicast, once for each interface. They go on while the capture is being stopped.
    let filter = "rtps.sm.wrEntityId == 0x000100c2 && ip.dst == 239.255.0.1 && frame.time_relative <= 4";
    let sent = tshark(&file, filter)?.len();
    if !(10..=25).contains(&sent) {
        return Err(Failure::Mismatch(format!("{sent} announcements in 4 s, where 20 are asked for")));
    }
    Ok(format!("{sent} announcements in 4 s"))
}

/// `--num-iterations` ends both programs in order.
pub fn iterations(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (mut publisher, mut subscriber) = stage.pair()?;
    let written = publisher.ended()?;
    subscriber.ended()?;
    let count = written.iter().filter(|line| sample(line).is_some()).count();
    if count != 5 {
        return Err(Failure::Mismatch(format!("{count} samples in five iterations")));
    }
    Ok("both end by themselves".to_owned())
}

/// `--size-modulo` wraps the size, never to 0.
pub fn size_modulo(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (_publisher, mut subscriber) = stage.pair()?;
    let sizes: Vec<i32> = subscriber.samples(30, Duration::ZERO)?.iter().map(|sample| sample.size).collect();
    if sizes.windows(2).any(|pair| pair[1] != pair[0] % 7 + 1) {
        return Err(Failure::Mismatch(format!("sizes {sizes:?}")));
    }
    Ok("1 to 7, again and again".to_owned())
}

/// `-R` leaves samples where they are.
pub fn reading(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (_publisher, mut subscriber) = stage.pair()?;
    let samples = subscriber.samples(3, Duration::ZERO)?;
    if samples.iter().any(|sample| *sample != samples[0]) {
        return Err(Failure::Mismatch(format!("not the same sample: {samples:?}")));
    }
    Ok("one sample, read again and again".to_owned())
}

/// `--num-topics` makes as many topics.
pub fn topics(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (_publisher, mut subscriber) = stage.pair()?;
    let mut wanted = BTreeSet::from(["Square".to_owned(), "Square1".to_owned(), "Square2".to_owned()]);
    while !wanted.is_empty() {
        let sample = subscriber
            .sample_where("a sample of a topic not heard yet", |sample| wanted.contains(&sample.topic))?;
        wanted.remove(&sample.topic);
    }
    Ok("samples of all three topics".to_owned())
}
