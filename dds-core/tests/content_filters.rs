//! Content-filtered topics (DDS 1.4 §2.2.2.3.3) and queries in SQL (§2.2.2.5.9), between participants.

mod common;

use common::{Domain, PATIENCE, next, take_data};
use dds_core::{
    ContentFilteredTopic, DataReader, DataWriter, DdsType, DomainParticipant, Topic,
    condition::WaitSet,
    error::{DdsError, ReturnCode},
    qos::{DurabilityKind, Duration},
    sample::{DataState, InstanceState, Sample},
};

const DOMAIN: u32 = 96;

#[derive(DdsType, Clone, Debug, PartialEq)]
#[dds(extensibility = "appendable")]
struct Shape {
    #[dds(key, bounded(128))]
    color: String,
    x: i32,
    size: i32,
}

fn shape(color: &str, size: i32) -> Shape {
    Shape { color: color.into(), x: 7, size }
}

/// A writer in one participant, readers in two others.
struct Scene {
    participants: [DomainParticipant; 3],
    topic: Topic<Shape>,
}

impl Scene {
    fn new() -> Self {
        let domain = Domain::new(DOMAIN);
        let participants = [domain.participant(), domain.participant(), domain.participant()];
        let topic = participants[1].topic("Square").unwrap();
        Self { participants, topic }
    }

    fn writer(&self) -> DataWriter<Shape> {
        self.writer_of(DurabilityKind::Volatile)
    }

    fn writer_of(&self, durability: DurabilityKind) -> DataWriter<Shape> {
        let topic = self.participants[0].topic::<Shape>("Square").unwrap();
        topic.writer().reliable().keep_all().durability(durability).build().unwrap()
    }

    fn filtered(&self, expression: &str, parameters: &[&str]) -> ContentFilteredTopic<Shape> {
        self.topic.content_filtered("Square_filtered", expression, parameters.iter().copied()).unwrap()
    }
}

fn write(writer: &DataWriter<Shape>, sizes: impl IntoIterator<Item = i32>) {
    for size in sizes {
        writer.write(&shape("BLUE", size)).unwrap();
    }
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
}

fn sizes(reader: &DataReader<Shape>) -> Vec<i32> {
    reader.take().unwrap().iter().filter_map(Sample::data).map(|shape| shape.size).collect()
}

#[test]
fn a_filtered_reader_gets_what_passes_and_the_writer_sends_nothing_else() {
    let scene = Scene::new();
    let filtered = scene.filtered("size <= %0", &["3"]);
    let reader = filtered.reader().reliable().keep_all().build().unwrap();
    let writer = scene.writer();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    write(&writer, 1..=3);
    let before = scene.participants[0].statistics().runtime.unwrap();
    write(&writer, 4..=203);
    let after = scene.participants[0].statistics().runtime.unwrap();
    assert_eq!(sizes(&reader), [1, 2, 3]);
    assert!(after.datagrams_sent - before.datagrams_sent < 20, "what does not pass is not sent");
    write(&writer, [0]);
    assert_eq!(sizes(&reader), [0]);
    assert_eq!(reader.sample_lost_status().total_count, 0);
}

#[test]
fn readers_with_and_without_filters_stand_side_by_side() {
    let scene = Scene::new();
    let writer = scene.writer();
    let other = scene.participants[2].topic::<Shape>("Square").unwrap();
    let near = scene.participants[0].topic::<Shape>("Square").unwrap();
    let plain =
        [&scene.topic, &other, &near].map(|topic| topic.reader().reliable().keep_all().build().unwrap());
    let filtered = [
        ("one", &scene.topic, "size > 50"),
        ("two", &other, "size > 50 AND size < 53"),
        ("three", &near, "size = 60"),
    ]
    .map(|(name, topic, expression)| topic.content_filtered(name, expression, [""; 0]).unwrap());
    let readers = filtered.each_ref().map(|topic| topic.reader().reliable().keep_all().build().unwrap());
    writer.wait_matched(6, PATIENCE.into()).unwrap();
    write(&writer, 1..=100);
    for reader in &plain {
        assert_eq!(sizes(reader), (1..=100).collect::<Vec<_>>());
    }
    assert_eq!(sizes(&readers[0]), (51..=100).collect::<Vec<_>>());
    assert_eq!(sizes(&readers[1]), [51, 52]);
    assert_eq!(sizes(&readers[2]), [60]);
}

#[test]
fn parameters_change_at_run_time_and_writers_follow() {
    let scene = Scene::new();
    let filtered = scene.filtered("size = %0", &["1"]);
    let reader = filtered.reader().reliable().keep_all().build().unwrap();
    let writer = scene.writer();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    write(&writer, [1, 2, 3]);
    assert_eq!(sizes(&reader), [1]);

    filtered.set_expression_parameters(["2"]).unwrap();
    assert_eq!(filtered.expression_parameters(), ["2"]);
    assert_eq!(reader.content_filtered_topic().unwrap().expression_parameters(), ["2"]);
    // The writer knows when it shows the new announcement.
    let handle = writer.matched_subscriptions()[0];
    let told = || {
        let data = writer.matched_subscription_data(handle).unwrap();
        let filter = data.content_filter.clone().unwrap();
        assert_eq!((&*filter.filter_class_name, &*filter.related_topic_name), ("DDSSQL", "Square"));
        filter.expression_parameters == ["2"]
    };
    while !told() {
        std::thread::yield_now();
    }
    write(&writer, [1, 2, 3]);
    assert_eq!(sizes(&reader), [2]);

    let error = filtered.set_expression_parameters(["much"]).unwrap_err();
    assert_eq!(error.return_code(), ReturnCode::BadParameter);
    assert!(filtered.set_expression_parameters([""; 0]).is_err());
    assert!(filtered.set_expression_parameters(["1"; 101]).is_err());
    write(&writer, [2]);
    assert_eq!(sizes(&reader), [2], "what was refused changes nothing");
}

#[test]
fn a_late_joiner_gets_the_part_of_the_history_that_passes() {
    let scene = Scene::new();
    let writer = scene.writer_of(DurabilityKind::TransientLocal);
    for size in 1..=40 {
        writer.write(&shape("BLUE", size)).unwrap();
    }
    let filtered = scene.filtered("size BETWEEN 10 AND 12", &[]);
    let reader = filtered.reader().reliable().keep_all().transient_local().build().unwrap();
    assert_eq!(take_data(&reader, 3).iter().map(|shape| shape.size).collect::<Vec<_>>(), [10, 11, 12]);
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert!(sizes(&reader).is_empty());
}

#[test]
fn instances_are_those_of_which_something_passed() {
    let scene = Scene::new();
    let filtered = scene.filtered("size < 10", &[]);
    let reader = filtered.reader().reliable().keep_all().build().unwrap();
    let writer = scene.writer();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for (color, size) in [("BLUE", 1), ("RED", 100), ("BLUE", 100)] {
        writer.write(&shape(color, size)).unwrap();
    }
    let blue = next(&reader);
    assert_eq!(blue.data(), Some(&shape("BLUE", 1)));
    // A filtered update leaves the instance as it was.
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    assert_eq!(reader.take().unwrap(), []);

    writer.dispose(&shape("RED", 0)).unwrap();
    writer.dispose(&shape("BLUE", 0)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    let ended = reader.take().unwrap();
    assert_eq!(ended.len(), 1, "RED was never seen here");
    assert_eq!(ended[0].key().color, "BLUE");
    assert_eq!(ended[0].info().instance_state, InstanceState::NotAliveDisposed);

    writer.write(&shape("BLUE", 2)).unwrap();
    writer.write(&shape("BLUE", 200)).unwrap();
    writer.unregister_instance(&shape("BLUE", 0)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();
    let samples = reader.take().unwrap();
    assert_eq!(samples[0].data(), Some(&shape("BLUE", 2)));
    assert_eq!(samples[0].info().disposed_generation_count, 1);
    // Unregistering disposes, as WRITER_DATA_LIFECYCLE says by default.
    assert_eq!(samples.last().unwrap().info().instance_state, InstanceState::NotAliveDisposed);
}

#[test]
fn an_exclusive_owner_owns_by_what_is_filtered_too() {
    let scene = Scene::new();
    let filtered = scene.filtered("size < 10", &[]);
    let reader = filtered.reader().reliable().keep_all().exclusive().build().unwrap();
    let [strong, weak] = [5, 1].map(|strength| {
        let topic = scene.participants[if strength == 5 { 0 } else { 2 }].topic::<Shape>("Square").unwrap();
        topic.writer().reliable().keep_all().exclusive(strength).build().unwrap()
    });
    reader.wait_matched(2, PATIENCE.into()).unwrap();
    strong.wait_matched(1, PATIENCE.into()).unwrap();
    weak.wait_matched(1, PATIENCE.into()).unwrap();
    write(&weak, [1]);
    write(&strong, [100]);
    write(&weak, [2]);
    assert_eq!(sizes(&reader), [1], "the instance is the strong writer's, whose value does not pass");
    write(&strong, [3]);
    assert_eq!(sizes(&reader), [3]);
}

#[test]
fn filtered_samples_take_no_room_and_do_not_use_up_the_separation() {
    let scene = Scene::new();
    let filtered = scene.filtered("x = 8 OR size < 3", &[]);
    let reader = filtered
        .reader()
        .reliable()
        .keep_last(2)
        .minimum_separation(Duration::from_secs(3600))
        .build()
        .unwrap();
    let writer = scene.writer();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    write(&writer, [100, 101, 1, 102, 2]);
    assert_eq!(sizes(&reader), [1], "the first that passes the filter is the first of the separation");
    assert_eq!(reader.sample_rejected_status().total_count, 0);
}

#[test]
fn names_are_unique_and_deletion_waits_for_readers() {
    let scene = Scene::new();
    let filtered = scene.filtered("size = 1", &[]);
    assert_eq!((filtered.name(), filtered.related_topic().name()), ("Square_filtered", "Square"));
    assert_eq!(filtered.filter_expression(), "size = 1");
    for name in ["Square_filtered", "Square"] {
        let taken = scene.topic.content_filtered(name, "size = 2", [""; 0]).unwrap_err();
        assert_eq!(taken.return_code(), ReturnCode::PreconditionNotMet);
    }
    let participant = &scene.participants[1];
    let found = participant.lookup_topic_description("Square_filtered").unwrap();
    assert_eq!((&*found.name, &*found.type_name), ("Square_filtered", "Shape"));

    let reader = filtered.reader().build().unwrap();
    let in_use = participant.delete_content_filtered_topic(&filtered).unwrap_err();
    assert_eq!(in_use.return_code(), ReturnCode::PreconditionNotMet);
    drop(reader);
    let in_use = participant.delete_topic(&scene.topic).unwrap_err();
    assert_eq!(in_use.return_code(), ReturnCode::PreconditionNotMet);
    let of_another = scene.participants[0].delete_content_filtered_topic(&filtered).unwrap_err();
    assert_eq!(of_another.return_code(), ReturnCode::PreconditionNotMet);
    participant.delete_content_filtered_topic(&filtered).unwrap();
    for deleted in [
        participant.delete_content_filtered_topic(&filtered).unwrap_err(),
        filtered.reader().build().unwrap_err(),
        filtered.set_expression_parameters([""; 0]).unwrap_err(),
    ] {
        assert_eq!(deleted.return_code(), ReturnCode::AlreadyDeleted);
    }
    drop(scene.filtered("size = 3", &[]));
    let last = scene.filtered("size = 4", &[]);
    participant.delete_contained_entities().unwrap();
    assert_eq!(last.reader().build().unwrap_err().return_code(), ReturnCode::AlreadyDeleted);
}

#[test]
fn a_wrong_expression_is_shown_where_it_is_wrong() {
    let scene = Scene::new();
    let error = scene.topic.content_filtered("f", "color = 'X' AND sise > 3", [""; 0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the expression is refused: column 17: type Shape has no member `sise`, did you mean `size`?\n  \
         color = 'X' AND sise > 3\n                  ^"
    );
    assert!(matches!(error, DdsError::Filter(error) if error.column == 17));
}

#[test]
fn a_query_selects_by_contents_in_its_order() {
    let scene = Scene::new();
    let reader = scene.topic.reader().reliable().keep_all().build().unwrap();
    let writer = scene.writer();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    for (color, size) in [("RED", 5), ("BLUE", 9), ("GREEN", 5), ("BLUE", 1), ("RED", 7), ("BLUE", 3)] {
        writer.write(&shape(color, size)).unwrap();
    }
    writer.dispose(&shape("RED", 0)).unwrap();
    writer.wait_for_acknowledgments(PATIENCE.into()).unwrap();

    let seen = |samples: Vec<Sample<Shape>>| -> Vec<(String, i32)> {
        samples.iter().filter_map(Sample::data).map(|shape| (shape.color.clone(), shape.size)).collect()
    };
    let expect = |expected: &[(&str, i32)]| -> Vec<(String, i32)> {
        expected.iter().map(|(color, size)| ((*color).to_owned(), *size)).collect()
    };
    let query = reader.query(DataState::ANY, "size > %0 ORDER BY size, color", ["2"]).unwrap();
    assert_eq!(query.query_expression(), Some("size > %0 ORDER BY size, color"));
    let samples = reader.select().query(&query).read().unwrap();
    let ranks: Vec<_> = samples.iter().map(|sample| sample.info().sample_rank).collect();
    assert_eq!(ranks, [1, 0, 1, 0, 0], "how many of its instance follow in the collection");
    assert!(samples.iter().all(|sample| sample.info().generation_rank == 0));
    let all = [("BLUE", 3), ("GREEN", 5), ("RED", 5), ("RED", 7), ("BLUE", 9)];
    assert_eq!(seen(samples), expect(&all));
    let first = reader.select().query(&query).max_samples(2).read().unwrap();
    assert_eq!(seen(first), expect(&all[..2]));

    query.set_query_parameters(["6"]).unwrap();
    assert_eq!(query.query_parameters(), ["6"]);
    assert_eq!(seen(reader.select().query(&query).take().unwrap()), expect(&all[3..]));
    let unread = reader.query(DataState::NOT_READ, "", [""; 0]).unwrap();
    assert_eq!(seen(reader.select().query(&unread).take().unwrap()), expect(&[("BLUE", 1)]));

    assert!(query.set_query_parameters(["x"]).is_err());
    let closure = reader.query_condition(DataState::ANY, |shape: &Shape| shape.size > 1);
    assert_eq!(closure.query_expression(), None);
    let refused = closure.set_query_parameters(["1"]).unwrap_err();
    assert_eq!(refused.return_code(), ReturnCode::PreconditionNotMet);
    assert!(reader.query(DataState::ANY, "size >", [""; 0]).is_err());
}

#[test]
fn a_wait_set_wakes_for_what_a_query_asks_for() {
    let scene = Scene::new();
    let reader = scene.topic.reader().reliable().keep_all().build().unwrap();
    let writer = scene.writer();
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let large = reader.query(DataState::NOT_READ, "size > %0", ["100"]).unwrap();
    let set = WaitSet::new();
    set.attach(&large);
    write(&writer, [50]);
    assert!(!large.trigger_value());
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| set.wait(PATIENCE.into()));
        // A changed parameter makes the condition true without a new sample.
        large.set_query_parameters(["49"]).unwrap();
        waiting.join().unwrap().unwrap()
    });
    assert_eq!(waited, [(&large).into()]);
}
