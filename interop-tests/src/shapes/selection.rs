//! What a subscriber is not shown: content filters, partitions, time-based filters, lifespans; and what it is told when
//! nothing comes.

use super::case::{Case, Check, Feature};
use super::line::{Sample, sample};
use super::stage::Stage;
use crate::failure::Failure;
use std::time::Duration;

const FILTER: &str = "content filter";
const PARTITION: &str = "PARTITION";

/// An expression, and what passes it among the samples of `FILTERED`.
struct Filter {
    what: &'static str,
    expression: &'static str,
    passes: fn(&Sample) -> bool,
}

/// Sizes from 1 to 40 in turn, for BLUE, BLUE1 and BLUE2.
const FILTERED: &str = "-k 0 -z 0 --size-modulo 40 --num-instances 3 --write-period 10 -w";

const FILTERS: &[Filter] = &[
    Filter { what: "less-or-equal", expression: "shapesize <= 20", passes: |sample| sample.size <= 20 },
    Filter { what: "greater", expression: "shapesize > 20", passes: |sample| sample.size > 20 },
    Filter { what: "not-equal", expression: "shapesize <> 20", passes: |sample| sample.size != 20 },
    Filter {
        what: "between",
        expression: "shapesize BETWEEN 5 AND 9",
        passes: |sample| (5..=9).contains(&sample.size),
    },
    Filter { what: "string", expression: "color = 'BLUE1'", passes: |sample| sample.color == "BLUE1" },
    Filter {
        what: "like",
        expression: "color LIKE 'BLUE%' AND NOT color LIKE '%1'",
        passes: |sample| sample.color != "BLUE1",
    },
    Filter {
        what: "parentheses",
        expression: "(color = 'BLUE' OR color = 'BLUE2') AND shapesize < 10",
        passes: |sample| sample.color != "BLUE1" && sample.size < 10,
    },
    Filter { what: "two-members", expression: "x >= 0 AND y < 400", passes: |_| true },
];

/// What a partition's name is on either side, and whether they meet.
const PARTITIONS: &[(&str, &str, &str, bool)] = &[
    ("same", "p1", "p1", true),
    ("different", "p1", "x1", false),
    ("star-subscriber", "p1", "p*", true),
    ("star-publisher", "p*", "p1", true),
    ("question-mark", "p1", "p?", true),
    ("question-mark-is-one", "p12", "p?", false),
    ("set", "p1", "[pq]1", true),
    ("not-in-set", "r1", "[pq]1", false),
    ("star-different", "x1", "p*", false),
    ("named-and-default", "p1", "\"\"", false),
];

/// Every case of these groups.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.push(
        Case::new(FILTER, "color", Check::Run(color_filter)).needing(&[Feature::ColorFilter]).quickly(),
    );
    for filter in FILTERS {
        let case = Case::new(FILTER, filter.what, Check::Run(sql_filter))
            .told(FILTERED, &format!("-k 0 --read-period 20 --cft \"{}\"", filter.expression))
            .needing(&[Feature::SqlFilter]);
        cases.push(if filter.what == "less-or-equal" { case.quickly() } else { case });
    }
    for (what, publisher, subscriber, meet) in PARTITIONS {
        let run: fn(&mut Stage<'_>) -> Result<String, Failure> = if *meet { meets } else { stays_apart };
        let option = |name: &str| if name == "\"\"" { String::new() } else { format!("-p {name}") };
        let case = Case::new(PARTITION, what, Check::Run(run)).told(&option(publisher), &option(subscriber));
        let sets = [publisher, subscriber].iter().any(|name| name.contains('['));
        let case = if sets { case.needing(&[Feature::PartitionSets]) } else { case };
        cases.push(if ["star-subscriber", "different"].contains(what) { case.quickly() } else { case });
    }
    for reliability in ["reliable", "best-effort"] {
        let option = if reliability == "reliable" { "-r" } else { "-b" };
        cases.push(
            Case::new("TIME_BASED_FILTER", reliability, Check::Run(time_filter))
                .told(
                    &format!("{option} -w -z 0 -k 0 --write-period 100"),
                    &format!("{option} -k 0 --time-filter 1000 --read-period 10"),
                )
                .needing(&[Feature::TimeFilter]),
        );
        cases.push(
            Case::new("LIFESPAN", reliability, Check::Run(lifespan))
                .told(
                    &format!("{option} -w -z 0 -k 0 --write-period 100 --lifespan 500"),
                    &format!("{option} -k 0 --read-period 2000"),
                )
                .needing(&[Feature::Lifespan]),
        );
        cases.push(Case::new("LIFESPAN", &format!("none-{reliability}"), Check::Run(no_lifespan)).told(
            &format!("{option} -w -z 0 -k 0 --write-period 100"),
            &format!("{option} -k 0 --read-period 2000"),
        ));
    }
    cases.push(
        Case::new("deadline missed", "both-sides", Check::Run(deadline_missed))
            .told("-f 100 --write-period 400", "-f 200")
            .needing(&[Feature::Deadline])
            .quickly(),
    );
    cases
}

/// The reader's topic is named for the filter.
fn is_filtered(lines: &[String]) -> Result<(), Failure> {
    if lines.iter().any(|line| line == "Create reader for topic: Square_filtered") {
        return Ok(());
    }
    Err(Failure::Mismatch("no reader of Square_filtered".to_owned()))
}

fn color_filter(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe("-c RED -k 0 --read-period 20")?;
    is_filtered(&subscriber.lines())?;
    let mut blue = stage.publish("-c BLUE -w -k 0 --write-period 20")?;
    let _red = stage.publish("-c RED -w -k 0 --write-period 20")?;
    blue.seen("on_publication_matched()")?;
    let samples = subscriber.samples(50, Duration::ZERO)?;
    blue.samples(50, Duration::ZERO)?;
    match samples.iter().find(|sample| sample.color != "RED") {
        Some(wrong) => Err(Failure::Mismatch(format!("filtered out: {wrong:?}"))),
        None => Ok("50 samples, all RED".to_owned()),
    }
}

fn sql_filter(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let passes = FILTERS
        .iter()
        .find(|filter| stage.case.name.ends_with(&format!("/{}", filter.what)))
        .ok_or_else(|| Failure::Harness("a filter without a row".to_owned()))?
        .passes;
    let (publisher, mut subscriber) = stage.pair()?;
    is_filtered(&subscriber.lines())?;
    let samples = subscriber.samples(60, Duration::from_secs(10))?;
    if let Some(wrong) = samples.iter().find(|sample| !passes(sample)) {
        return Err(Failure::Mismatch(format!("filtered out: {wrong:?}")));
    }
    // And nothing else is missing: what was written from the first to the last, by the publisher's own lines.
    let written = publisher.end()?;
    let wanted: Vec<(String, i32, i32, i32)> = written
        .iter()
        .filter_map(|line| sample(line))
        .filter(passes)
        .map(|sample| identity(&sample))
        .collect();
    for color in ["BLUE", "BLUE1", "BLUE2"] {
        let of = |samples: &[(String, i32, i32, i32)]| -> Vec<(String, i32, i32, i32)> {
            samples.iter().filter(|sample| sample.0 == color).cloned().collect()
        };
        let read = of(&samples.iter().map(identity).collect::<Vec<_>>());
        let wanted = of(&wanted);
        if !read.is_empty() && !wanted.windows(read.len()).any(|window| window == read) {
            return Err(Failure::Mismatch(format!("{color}: not every sample that passes: {read:?}")));
        }
    }
    Ok("60 samples that pass, and none between them missing".to_owned())
}

fn identity(sample: &Sample) -> (String, i32, i32, i32) {
    (sample.color.clone(), sample.x, sample.y, sample.size)
}

fn meets(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (mut publisher, mut subscriber) = stage.pair()?;
    publisher.seen("on_publication_matched()")?;
    subscriber.samples(5, Duration::ZERO)?;
    Ok("samples arrive".to_owned())
}

/// With a third program in the subscriber's partition, which shows that everybody is heard who may be.
fn stays_apart(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(&format!("-k 0 --read-period 20 {}", stage.case.subscriber))?;
    let mut other = stage.publish(&format!("-w -z 50 --write-period 20 {}", stage.case.publisher))?;
    other.sample()?;
    // A name that matches the wildcards among the subscriber's.
    let own = stage.case.subscriber.replace("p*", "p5").replace("p?", "p5").replace("[pq]1", "q1");
    let _heard = stage.publish(&format!("-z 10 --write-period 20 {own}"))?;
    let samples = subscriber.samples(30, Duration::ZERO)?;
    other.samples(50, Duration::ZERO)?;
    if samples.iter().any(|sample| sample.size == 50)
        || other.lines().iter().any(|line| line.contains("on_publication_matched()"))
    {
        return Err(Failure::Mismatch("partitions that have nothing in common match".to_owned()));
    }
    Ok("no match, no sample; a third program in the subscriber's partition is heard".to_owned())
}

fn time_filter(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (_publisher, mut subscriber) = stage.pair()?;
    subscriber.samples(4, Duration::ZERO)?;
    let read = subscriber.timed_samples();
    for pair in read.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let apart = after.0.duration_since(before.0);
        // The separation is of the samples' times; the lines come up to a read period and a scheduling later.
        if after.1.size - before.1.size < 4 || apart < Duration::from_millis(700) {
            return Err(Failure::Mismatch(format!(
                "{} ms and sizes {} to {} apart",
                apart.as_millis(),
                before.1.size,
                after.1.size
            )));
        }
    }
    let sizes: Vec<i32> = read.iter().map(|(_, sample)| sample.size).collect();
    Ok(format!("sizes {sizes:?}"))
}

/// Samples in the groups in which they were read.
fn bursts(samples: &[(std::time::Instant, Sample)]) -> Vec<Vec<i32>> {
    let mut bursts: Vec<Vec<i32>> = Vec::new();
    let mut last = None;
    for (at, sample) in samples {
        let apart = last.is_none_or(|last| at.duration_since(last) > Duration::from_millis(1000));
        if apart {
            bursts.push(Vec::new());
        }
        if let Some(burst) = bursts.last_mut() {
            burst.push(sample.size);
        }
        last = Some(*at);
    }
    bursts
}

fn lifespan(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (_publisher, mut subscriber) = stage.pair()?;
    let started = std::time::Instant::now();
    while bursts(&subscriber.timed_samples()).len() < 4 {
        subscriber.samples(1, Duration::ZERO)?;
        if started.elapsed() > Duration::from_secs(20) {
            return Err(Failure::Timeout("four reads with samples within 20 s".to_owned()));
        }
    }
    let bursts = bursts(&subscriber.timed_samples());
    // In two seconds twenty samples come, of which those of the last half second live.
    for pair in bursts[..3].windows(2) {
        let missing = pair[1][0] - pair[0][pair[0].len() - 1] - 1;
        if pair[1].len() > 8 || missing < 8 {
            return Err(Failure::Mismatch(format!("expired samples are read: {bursts:?}")));
        }
    }
    let counts: Vec<usize> = bursts[..3].iter().map(Vec::len).collect();
    Ok(format!("{counts:?} samples, of about 20 written between two reads"))
}

fn no_lifespan(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (_publisher, mut subscriber) = stage.pair()?;
    let samples = subscriber.samples(50, Duration::from_secs(5))?;
    super::delivery::without_gap(&samples)?;
    Ok("without a lifespan none is missing".to_owned())
}

fn deadline_missed(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (mut publisher, mut subscriber) = stage.pair()?;
    publisher.expect_text("on_offered_deadline_missed()")?;
    subscriber.expect_text("on_requested_deadline_missed()")?;
    Ok("reported on both sides".to_owned())
}
