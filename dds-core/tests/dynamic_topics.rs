//! Topics whose type is known only at run time, with topics of Rust types at the other end.

mod common;

use common::Domain;
use dds_core::{
    DdsType, ParticipantConfig,
    error::{DdsError, ReturnCode},
    qos::{Duration, UserData},
    sample::{InstanceState, SampleValue},
    types::{
        DataRepresentationId,
        dynamic::{DynamicData, DynamicType, DynamicValue},
        ros,
        type_description::PrimitiveKind,
    },
};

const SOON: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(extensibility = "appendable")]
struct Reading {
    #[dds(key)]
    room: String,
    #[dds(key)]
    number: u16,
    celsius: f64,
    note: Option<String>,
}

fn reading(number: u16) -> Reading {
    Reading { room: "kitchen".into(), number, celsius: 21.5, note: None }
}

fn dynamic(reading: &Reading) -> DynamicData {
    let mut data = DynamicData::new(&DynamicType::of::<Reading>().unwrap());
    data.set("room", reading.room.as_str()).unwrap();
    data.set("number", reading.number).unwrap();
    data.set("celsius", reading.celsius).unwrap();
    if let Some(note) = &reading.note {
        data.set("note", note.as_str()).unwrap();
    }
    data
}

#[test]
fn a_rust_type_and_a_dynamic_one_exchange_samples_both_ways() {
    let domain = Domain::new(0);
    let (ours, theirs) = (domain.participant(), domain.participant());
    let reading_type = DynamicType::of::<Reading>().unwrap();
    for representation in [DataRepresentationId::XCDR, DataRepresentationId::XCDR2] {
        let name = format!("Reading{}", representation.0);
        let static_topic = ours.topic::<Reading>(&name).unwrap();
        let dynamic_topic = theirs.dynamic_topic(&name, &reading_type).unwrap();
        assert_eq!(dynamic_topic.type_name(), "Reading");
        assert_eq!(dynamic_topic.dynamic_type(), Some(&reading_type));
        let static_reader = static_topic.reader().reliable().keep_all().build().unwrap();
        let dynamic_reader = dynamic_topic.reader().reliable().keep_all().build().unwrap();
        let static_writer = static_topic.writer().reliable().representation(representation).build().unwrap();
        let dynamic_writer =
            dynamic_topic.writer().reliable().representation(representation).build().unwrap();
        static_writer.wait_matched(2, SOON).unwrap();
        dynamic_writer.wait_matched(2, SOON).unwrap();
        let sent = Reading { note: Some("warm".into()), ..reading(7) };
        static_writer.write(&sent).unwrap();
        dynamic_writer.write(&dynamic(&reading(8))).unwrap();
        static_writer.dispose(&sent).unwrap();
        dynamic_writer.dispose(&dynamic(&reading(8))).unwrap();
        static_writer.wait_for_acknowledgments(SOON).unwrap();
        dynamic_writer.wait_for_acknowledgments(SOON).unwrap();

        let mut samples = static_reader.take().unwrap();
        samples.sort_by_key(|sample| (sample.key().number, sample.data().is_none()));
        let data: Vec<_> = samples.iter().map(|sample| sample.data().cloned()).collect();
        assert_eq!(data, [Some(sent.clone()), None, Some(reading(8)), None]);
        assert!(samples.iter().all(|sample| sample.info().instance_state == InstanceState::NotAliveDisposed));

        let samples = dynamic_reader.take().unwrap();
        let data: Vec<_> = samples.iter().filter_map(|sample| sample.data().cloned()).collect();
        assert_eq!(data.len(), 2);
        assert!(data.contains(&dynamic(&sent)) && data.contains(&dynamic(&reading(8))));
        let keys: Vec<_> = samples.iter().filter(|sample| sample.data().is_none()).collect();
        assert_eq!(keys.len(), 2);
        for sample in keys {
            let SampleValue::Key(Some(key)) = sample.value() else { panic!("{sample:?} has no key") };
            assert_eq!(key.get("room"), Ok(Some("kitchen".into())));
            let handle = sample.info().instance_handle;
            assert_eq!(dynamic_reader.key_value(handle).unwrap().as_ref(), Some(key));
        }
    }
}

#[test]
fn a_type_without_key_has_no_instances() {
    let participant = Domain::new(0).participant();
    let plain = DynamicType::structure("Plain")
        .member("value", &DynamicType::primitive(PrimitiveKind::Int32))
        .build()
        .unwrap();
    let topic = participant.dynamic_topic("Plain", &plain).unwrap();
    let reader = topic.reader().reliable().build().unwrap();
    let writer = topic.writer().reliable().build().unwrap();
    writer.wait_matched(1, SOON).unwrap();
    let mut data = DynamicData::new(&plain);
    data.set("value", 5).unwrap();
    writer.write(&data).unwrap();
    reader.wait_for_data(SOON).unwrap();
    let samples = reader.take().unwrap();
    assert_eq!(samples[0].data().unwrap().get("value"), Ok(Some(DynamicValue::Int32(5))));
    assert_eq!(samples[0].key(), None);
    assert_eq!(writer.dispose(&data).unwrap_err().return_code(), ReturnCode::PreconditionNotMet);
    assert!(!writer.guid().entity_id.is_keyed());
}

#[test]
fn what_does_not_fit_is_refused() {
    let participant = Domain::new(0).participant();
    let number = DynamicType::primitive(PrimitiveKind::Int32);
    let one = DynamicType::structure("One").member("value", &number).build().unwrap();
    let other = DynamicType::structure("One").member("other", &number).build().unwrap();
    let topic = participant.dynamic_topic("One", &one).unwrap();
    let writer = topic.writer().build().unwrap();
    let error = writer.write(&DynamicData::new(&other)).unwrap_err();
    assert!(matches!(error, DdsError::BadParameter { .. }), "{error}");
    // Equal types need not be the same.
    let same = DynamicType::structure("One").member("value", &number).build().unwrap();
    writer.write(&DynamicData::new(&same)).unwrap();
    let error = participant.dynamic_topic("Number", &number).unwrap_err();
    assert!(matches!(error, DdsError::BadParameter { .. }), "{error}");
    let error = participant.topic::<DynamicData>("Any").unwrap_err();
    assert_eq!(error.return_code(), ReturnCode::PreconditionNotMet);
}

#[derive(DdsType)]
#[dds(name = "std_msgs::msg::dds_::String_")]
struct Text {
    data: String,
}

/// REP-2016: what ROS 2 nodes look for in the user data of endpoints.
#[test]
fn endpoints_of_ros_topics_tell_their_type_hash() {
    let participant = Domain::new(0).participant();
    let hash = "RIHS01_df668c740482bbd48fb39d76a70dfd4bd59db1288021743503259e948f6b1a18";
    let expected = ros::user_data(hash);
    let told = |name: &str| {
        let topic = participant.topic::<Text>(name).unwrap();
        let reader = topic.reader().build().unwrap();
        let writer = topic.writer().build().unwrap();
        writer.wait_matched(1, SOON).unwrap();
        reader.wait_matched(1, SOON).unwrap();
        let subscription = writer.matched_subscription_data(writer.matched_subscriptions()[0]).unwrap();
        let publication = reader.matched_publication_data(reader.matched_publications()[0]).unwrap();
        assert_eq!(publication.qos.user_data, subscription.qos.user_data);
        assert_eq!(writer.qos().user_data, UserData::default(), "the user's own QoS stays");
        publication.qos.user_data.0.clone()
    };
    assert_eq!(told("rt/chatter"), expected);
    assert_eq!(told("chatter"), b"");

    let topic = participant.topic::<Text>("rt/own").unwrap();
    let reader = topic.reader().build().unwrap();
    let mut qos = participant.create_publisher(Default::default()).unwrap().default_writer_qos();
    qos.user_data = UserData(b"typehash=RIHS01_00;".to_vec());
    let writer = topic.writer().qos(qos.clone()).build().unwrap();
    reader.wait_matched(1, SOON).unwrap();
    let publication = reader.matched_publication_data(reader.matched_publications()[0]).unwrap();
    assert_eq!(publication.qos.user_data.0, b"typehash=RIHS01_00;", "the user's hash is not doubled");
    drop(writer);

    let dynamic = DynamicType::of::<Text>().unwrap();
    let topic = participant.dynamic_topic("rt/dynamic", &dynamic).unwrap();
    let reader = topic.reader().build().unwrap();
    let _writer = topic.writer().build().unwrap();
    reader.wait_matched(1, SOON).unwrap();
    let publication = reader.matched_publication_data(reader.matched_publications()[0]).unwrap();
    assert_eq!(publication.qos.user_data.0, expected);
}

#[test]
fn the_type_of_a_topic_is_asked_of_who_writes_it() {
    let domain = Domain::new(0);
    let (ours, theirs) = (domain.participant(), domain.participant());
    let missing = theirs.discover_type("Reading", Duration::from_millis(1)).unwrap_err();
    assert!(matches!(missing, DdsError::Timeout { operation: "discover_type", .. }), "{missing}");
    let writer = ours.topic::<Reading>("Reading").unwrap().writer().reliable().build().unwrap();
    let found = theirs.discover_type("Reading", SOON).unwrap();
    assert_eq!(found, DynamicType::of::<Reading>().unwrap());

    // What a topic of that type announces is looked up in its turn.
    let again = theirs.dynamic_topic("Again", &found).unwrap().writer().build().unwrap();
    assert_eq!(ours.discover_type("Again", SOON).unwrap(), found);
    drop(again);

    let reader = theirs.dynamic_topic("Reading", &found).unwrap().reader().reliable().build().unwrap();
    writer.wait_matched(1, SOON).unwrap();
    writer.write(&reading(7)).unwrap();
    reader.wait_for_data(SOON).unwrap();
    let sample = reader.take_next_sample().unwrap().unwrap();
    assert_eq!(sample.data(), Some(&dynamic(&reading(7))));
}

#[test]
fn a_type_that_nobody_announces_is_not_discovered() {
    let domain = Domain::new(0);
    let config = ParticipantConfig { announce_types: false, ..domain.config() };
    let silent = domain.builder().config(config).build().unwrap();
    let theirs = domain.participant();
    let _writer = silent.topic::<Reading>("Reading").unwrap().writer().build().unwrap();
    theirs.find_topic::<Reading>("Reading", SOON).unwrap();
    let refused = theirs.discover_type("Reading", Duration::from_millis(1)).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);
    assert!(refused.to_string().contains("does not say what its type consists of"), "{refused}");
}
