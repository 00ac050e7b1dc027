//! Two participants of one process exchange samples over loopback.

use std::time::Duration;

use dds_core::{DdsType, DomainParticipant};

#[derive(DdsType, Clone, Debug, PartialEq)]
struct Reading {
    #[dds(key)]
    sensor: u32,
    value: f64,
    unit: String,
}

#[test]
fn a_reliable_sample_reaches_a_reader_of_another_participant() {
    let seconds = |count| Duration::from_secs(count).into();
    let one = DomainParticipant::builder(71).loopback_only().build().unwrap();
    let two = DomainParticipant::builder(71).loopback_only().build().unwrap();
    let reader = two.topic::<Reading>("Reading").unwrap().reader().reliable().keep_all().build().unwrap();
    let writer = one.topic::<Reading>("Reading").unwrap().writer().reliable().keep_all().build().unwrap();
    writer.wait_matched(1, seconds(10)).unwrap();
    let sample = Reading { sensor: 7, value: 21.5, unit: "°C".into() };
    writer.write(&sample).unwrap();
    reader.wait_for_data(seconds(10)).unwrap();
    let samples = reader.take().unwrap();
    assert_eq!(samples[0].data(), Some(&sample));
    writer.wait_for_acknowledgments(seconds(10)).unwrap();
    writer.dispose(&sample).unwrap();
    reader.wait_for_data(seconds(10)).unwrap();
    let samples = reader.take().unwrap();
    assert_eq!(samples[0].data(), None);
    assert_eq!(samples[0].key(), ReadingKey { sensor: 7 });
}
