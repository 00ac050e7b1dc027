//! The lines that two `shape_main` print, which the vendors' test suite reads.
//!
//! Everything stays on loopback; each test has topics of its own.

mod common;

use common::{
    Program,
    shape::{Sample, end, sample, topic},
};

const DOMAIN: &str = "95";

fn start(topic: &str, options: &str) -> Program {
    common::shape::start(DOMAIN, topic, options)
}

#[test]
fn samples_arrive_and_every_line_is_as_agreed() {
    let topic = topic("Sq");
    let mut subscriber = start(&topic, "-S -k 0 --read-period 5");
    assert_eq!(subscriber.expect_text("Create"), format!("Create topic: {topic}"));
    assert_eq!(subscriber.expect_text("Create"), format!("Create reader for topic: {topic}"));
    let mut publisher = start(&topic, "-P -w -k 0 -z 0 --write-period 5 -c RED");
    assert_eq!(publisher.expect_text("Create"), format!("Create topic: {topic}"));
    assert_eq!(publisher.expect_text("Create"), format!("Create writer for topic: {topic} color: RED"));
    assert_eq!(
        publisher.expect_text("matched"),
        format!(
            "on_publication_matched() topic: '{topic}'  type: 'ShapeType' : matched readers 1 (change = 1)"
        )
    );
    assert_eq!(
        subscriber.expect_text("matched"),
        format!(
            "on_subscription_matched() topic: '{topic}'  type: 'ShapeType' : matched writers 1 (change = 1)"
        )
    );
    subscriber.expect_text("on_liveliness_changed()");
    for _ in 0..19 {
        subscriber.sample();
    }
    let Sample { color, x, y, size, .. } = subscriber.sample();
    assert!(color == "RED" && (0..=240).contains(&x) && (0..=270).contains(&y) && size >= 20);
    let sizes: Vec<i32> = subscriber.samples().iter().map(|sample| sample.size).collect();
    assert!(sizes.windows(2).all(|pair| pair[1] == pair[0] + 1), "a gap: {sizes:?}");

    let written = end(publisher);
    let first = written.lines().find_map(sample).unwrap();
    assert_eq!((first.color.as_str(), first.size), ("RED", 1));
    assert_eq!(
        subscriber.expect_text("INSTANCE_STATE"),
        format!("{topic:<10} RED        NOT_ALIVE_NO_WRITERS_INSTANCE_STATE")
    );
    let read = end(subscriber);
    let bracketed = read.lines().chain(written.lines()).filter(|line| line.contains('['));
    assert!(bracketed.clone().count() > 20 && bracketed.into_iter().all(|line| sample(line).is_some()));
}

#[test]
fn instances_end_as_the_publisher_ends_them() {
    for (state, option) in [("NO_WRITERS", "u"), ("DISPOSED", "d")] {
        let topic = topic(option);
        let mut subscriber = start(&topic, "-S -k 0 --read-period 5");
        subscriber.expect_text("Create reader");
        let options = format!("-P -k 0 --write-period 2 --num-instances 3 --final-instance-state {option}");
        let mut publisher = start(&topic, &options);
        publisher.expect_text("on_publication_matched()");
        for color in ["BLUE", "BLUE1", "BLUE2"] {
            subscriber.sample_where(color, |sample| sample.color == color);
        }
        end(publisher);
        let mut ended: Vec<String> = (0..3)
            .map(|_| subscriber.expect_text(&format!("NOT_ALIVE_{state}_INSTANCE_STATE")))
            .map(|line| line.split_whitespace().nth(1).unwrap().to_owned())
            .collect();
        ended.sort();
        assert_eq!(ended, ["BLUE", "BLUE1", "BLUE2"]);
        end(subscriber);
    }
}

#[test]
fn incompatible_qos_is_reported_on_both_sides() {
    for (publisher, subscriber, policy) in [
        ("-b", "-r", "11 (RELIABILITY)"),
        ("-D v", "-D l", "2 (DURABILITY)"),
        ("-f 400", "-f 200", "4 (DEADLINE)"),
        ("-s 2", "-s -1", "6 (OWNERSHIP)"),
        ("-x 1", "-x 2", "23 (DATA_REPRESENTATION)"),
    ] {
        let topic = topic("Q");
        let mut subscriber = start(&topic, &format!("-S {subscriber}"));
        let mut publisher = start(&topic, &format!("-P {publisher}"));
        let line = |side: &str| {
            format!("on_{side}_incompatible_qos() topic: '{topic}'  type: 'ShapeType' : {policy}")
        };
        assert_eq!(publisher.expect_text("incompatible"), line("offered"));
        assert_eq!(subscriber.expect_text("incompatible"), line("requested"));
        end(publisher);
        end(subscriber);
    }
}

#[test]
fn the_stronger_writer_owns_its_instance() {
    let topic = topic("O");
    let mut subscriber = start(&topic, "-S -s 0 -k 0 --read-period 5");
    subscriber.expect_text("Create reader");
    let mut weak = start(&topic, "-P -s 1 -z 10 --write-period 5");
    weak.expect_text("on_publication_matched()");
    subscriber.sample_where("the weak writer's", |sample| sample.size == 10);
    let mut strong = start(&topic, "-P -s 5 -z 40 --write-period 5");
    strong.expect_text("on_publication_matched()");
    subscriber.sample_where("the strong writer's", |sample| sample.size == 40);
    for _ in 0..20 {
        let size = subscriber.sample().size;
        assert_eq!(size, 40, "the weaker writer was heard:\n{}", subscriber.seen.join("\n"));
    }
    end(strong);
    subscriber.sample_where("the weak writer's again", |sample| sample.size == 10);
    end(weak);
    end(subscriber);
}

#[test]
fn missed_deadlines_are_reported_on_both_sides() {
    let topic = topic("D");
    let mut subscriber = start(&topic, "-S -f 60");
    let mut publisher = start(&topic, "-P -f 50 --write-period 200");
    publisher.expect_text("on_offered_deadline_missed()");
    subscriber.expect_text("on_requested_deadline_missed()");
    end(publisher);
    end(subscriber);
}

#[test]
fn a_late_subscriber_gets_the_history_of_a_transient_local_publisher() {
    let topic = topic("L");
    // After its first iteration the publisher pauses for longer than the test takes.
    let mut publisher = start(&topic, "-P -w -D l -k 0 -z 7 --num-instances 2 --write-period 100000");
    publisher.sample_where("the last sample", |sample| sample.color == "BLUE1" && sample.size == 7);
    let mut subscriber = start(&topic, "-S -D l -k 0 --read-period 5");
    let mut colors = [subscriber.sample().color, subscriber.sample().color];
    colors.sort();
    assert_eq!(colors, ["BLUE", "BLUE1"]);
    end(subscriber);
    end(publisher);
}

#[test]
fn partitions_with_wildcards_let_through_what_matches() {
    let topic = topic("P");
    let mut subscriber = start(&topic, "-S -p p* -k 0 --read-period 5");
    subscriber.expect_text("Create reader");
    let mut other = start(&topic, "-P -p x1 -z 50 --write-period 5 -w");
    let mut matching = start(&topic, "-P -p p1 -z 10 --write-period 5");
    other.sample();
    matching.expect_text("on_publication_matched()");
    for _ in 0..10 {
        assert_eq!(subscriber.sample().size, 10);
    }
    assert!(!end(other).contains("on_publication_matched()"));
    end(matching);
    end(subscriber);
}

#[test]
fn a_time_based_filter_thins_samples_out() {
    let topic = topic("T");
    let mut hourly = start(&topic, "-S -k 0 --time-filter 3600000 --read-period 5");
    let mut often = start(&topic, "-S -k 0 --time-filter 20 --read-period 5");
    for subscriber in [&mut hourly, &mut often] {
        subscriber.expect_text("Create reader");
    }
    let mut publisher = start(&topic, "-P -w -k 0 -z 0 --write-period 5");
    hourly.sample();
    for _ in 0..50 {
        publisher.sample();
    }
    let sizes = [often.sample().size, often.sample().size, often.sample().size];
    assert!(sizes.is_sorted_by(|before, after| before < after), "{sizes:?}");
    // Each instance has a separation of its own; in an hour, however busy the machine, comes one sample.
    let other = start(&topic, "-P -c RED --write-period 5");
    hourly.sample_where("the other instance's", |sample| sample.color == "RED");
    let colors: Vec<String> = hourly.samples().into_iter().map(|sample| sample.color).collect();
    assert_eq!(colors, ["BLUE", "RED"]);
    for program in [other, publisher, often, hourly] {
        end(program);
    }
}

#[test]
fn large_samples_and_several_topics_arrive() {
    let topic = topic("B");
    let mut subscriber = start(&topic, "-S -k 0 --num-topics 2 --read-period 5");
    for name in [topic.clone(), format!("{topic}1")] {
        subscriber.expect(&name, |line| line == format!("Create reader for topic: {name}"));
    }
    let publisher =
        start(&topic, "-P -k 0 -x 1 --num-topics 2 --additional-payload-size 100000 --write-period 20");
    for name in [topic.clone(), format!("{topic}1")] {
        let line =
            subscriber.expect(&name, |line| line.starts_with(&format!("{name} ")) && line.contains('['));
        assert!(line.ends_with("[20] {255}"), "{line}");
    }
    end(publisher);
    end(subscriber);
}

#[test]
fn iterations_end_the_program_and_reading_keeps_samples() {
    let topic = topic("R");
    let mut publisher = start(&topic, "-P -D l -z 3 -w --write-period 100000");
    publisher.sample();
    let mut subscriber = start(&topic, "-S -D l -R --take-read --read-period 5");
    // The one sample is read again and again.
    for _ in 0..3 {
        let sample = subscriber.sample();
        assert_eq!((sample.color.as_str(), sample.size), ("BLUE", 3));
    }
    end(subscriber);
    end(publisher);
    let (output, status, _) = start(&topic, "-S --num-iterations 3 --read-period 1").finish();
    assert!(status.success() && output.ends_with("Done."), "{output}");
}

#[test]
fn exit_codes_tell_what_was_wrong() {
    let (output, status, _) = start("T", "-S -q").finish();
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(
        output.contains("invalid option -- 'q'") && output.contains("--final-instance-state"),
        "{output}"
    );
    let (_, status, _) = start("T", "-h").finish();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_subscriber_filters_by_colour_or_by_an_expression() {
    let topic = topic("F");
    let filtered = format!("{topic}_filtered");
    let expression = "shapesize <= 3 AND color LIKE 'R%'";
    let arguments = ["-S", "-k", "0", "--read-period", "5", "-d", DOMAIN, "--loopback-only", "-t", &topic];
    let program = env!("CARGO_BIN_EXE_shape_main");
    let mut by_color = start(&topic, "-S -k 0 --read-period 5 -c RED1");
    let mut by_expression = Program::start(program, &[&arguments[..], &["--cft", expression]].concat());
    for subscriber in [&mut by_color, &mut by_expression] {
        let created = subscriber.expect_text("Create reader");
        assert_eq!(created, format!("Create reader for topic: {filtered}"));
    }
    let mut publisher =
        start(&topic, "-P -k 0 -z 0 --write-period 2 --num-instances 2 --final-instance-state u -c RED");
    // Both subscribers have to be there before sizes grow beyond the filter; who is late sees nothing.
    publisher.expect_text("matched readers 2");
    for _ in 0..6 {
        let one = by_color.sample();
        assert_eq!((&one.topic, one.color.as_str()), (&filtered, "RED1"));
    }
    end(publisher);
    assert_eq!(
        by_color.expect_text("INSTANCE_STATE"),
        format!("{filtered:<10} RED1       NOT_ALIVE_NO_WRITERS_INSTANCE_STATE")
    );
    let read = end(by_color);
    assert!(read.lines().filter_map(sample).all(|sample| sample.color == "RED1"), "{read}");
    let read = end(by_expression);
    assert!(read.lines().filter_map(sample).all(|sample| sample.size <= 3), "{read}");

    let wrong = Program::start(program, &[&arguments[..], &["--cft", "shapesise < 3"]].concat());
    let (output, status, errors) = wrong.finish();
    let told = output.contains("failed to create content filtered topic");
    assert!(status.code() == Some(2) && told, "{status}\n{output}\n{errors}");
    assert!(output.contains("did you mean `shapesize`?"), "{output}");
}
