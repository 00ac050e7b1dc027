//! Ordered access and coherent sets, over three topics with four instances each.

use super::case::{Case, Check, Feature};
use super::line::{Sample, sample};
use super::stage::{Actor, Stage, TOPIC};
use crate::failure::Failure;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const ORDERED: &str = "ordered access";
const COHERENT: &str = "coherent sets";

const TOPICS: usize = 3;
const INSTANCES: usize = 4;
/// Samples of each instance in a set.
const IN_A_SET: i32 = 3;

/// Option and name of each scope.
const SCOPES: [(&str, &str); 3] = [("i", "instance"), ("t", "topic"), ("g", "group")];

/// Every case of these groups.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let wide = format!("--num-topics {TOPICS} --num-instances {INSTANCES}");
    for (option, scope) in SCOPES {
        let presentation = format!("--ordered --access-scope {option}");
        let needs: &[Feature] = match option {
            "g" => &[Feature::OrderedGroup],
            "t" => &[Feature::OrderedTopic],
            // Within an instance samples are in the order of writing anyhow.
            _ => &[],
        };
        let case = Case::new(ORDERED, scope, Check::Run(ordered))
            .told(
                &format!("-w -k 0 -z 0 --write-period 50 {wide} {presentation}"),
                &format!("-k 0 --read-period 200 --take-read --num-topics {TOPICS} {presentation}"),
            )
            .needing(needs);
        cases.push(case);
    }
    for (durability, name) in [("v", "volatile"), ("l", "transient-local")] {
        for (option, scope) in SCOPES {
            let presentation = format!("--coherent --access-scope {option} -D {durability}");
            let needs: &[Feature] = match option {
                "g" => &[Feature::CoherentGroup],
                _ => &[Feature::CoherentTopic],
            };
            let case = Case::new(COHERENT, &format!("{scope}-{name}"), Check::Run(coherent))
                .told(
                    &format!(
                        "-w -k 0 -z 0 --write-period 50 {wide} {presentation} --coherent-sample-count {IN_A_SET}"
                    ),
                    &format!("-k 0 --read-period 100 --take-read --num-topics {TOPICS} {presentation}"),
                )
                .needing(needs);
            cases.push(case);
        }
    }
    cases
}

/// What came of each iteration that announced itself with a line that starts with `head`.
fn iterations(lines: &[String], head: &str) -> Vec<Vec<Sample>> {
    let mut iterations: Vec<Vec<Sample>> = Vec::new();
    for line in lines {
        if line.starts_with(head) {
            iterations.push(Vec::new());
        } else if let (Some(sample), Some(iteration)) = (sample(line), iterations.last_mut()) {
            iteration.push(sample);
        }
    }
    iterations
}

fn numbered(name: &str, index: usize) -> String {
    if index == 0 { name.to_owned() } else { format!("{name}{index}") }
}

/// The order in which the samples were written, of which the last may not be printed yet.
fn written(publisher: &Actor) -> Vec<Sample> {
    publisher.lines().iter().filter_map(|line| sample(line)).collect()
}

fn ordered(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (publisher, mut subscriber) = stage.pair()?;
    // The topics may not match in one moment: the order counts from when all are heard.
    let mut silent = BTreeSet::from_iter(
        (0..TOPICS * INSTANCES)
            .map(|series| (numbered(TOPIC, series / INSTANCES), numbered("BLUE", series % INSTANCES))),
    );
    while !silent.is_empty() {
        let sample = subscriber.sample_where("a series not heard yet", |sample| {
            silent.contains(&(sample.topic.clone(), sample.color.clone()))
        })?;
        silent.remove(&(sample.topic, sample.color));
    }
    let read = subscriber.samples(20 * TOPICS * INSTANCES, Duration::from_secs(10))?;
    let scope = stage.case.name.rsplit('/').next().unwrap_or_default();
    let after = iterations(&subscriber.lines(), "Reading with ordered access, iteration ");
    if after.is_empty() || !after.iter().any(|iteration| iteration.len() > 1) {
        return Err(Failure::Mismatch("no iteration with ordered access".to_owned()));
    }
    let written = written(&publisher);
    let groups: Vec<(String, Vec<Sample>)> = match scope {
        "group" => vec![("the group".to_owned(), read.clone())],
        "topic" => split(&read, |sample| sample.topic.clone()),
        _ => split(&read, |sample| format!("{} {}", sample.topic, sample.color)),
    };
    for (name, samples) in groups {
        let wanted: Vec<&Sample> = match scope {
            "group" => written.iter().collect(),
            "topic" => written.iter().filter(|sample| sample.topic == name).collect(),
            _ => {
                written.iter().filter(|sample| format!("{} {}", sample.topic, sample.color) == name).collect()
            }
        };
        let found = wanted.windows(samples.len()).any(|window| window.iter().copied().eq(&samples));
        if !found {
            return Err(Failure::Mismatch(format!("{name}: not in the order of writing")));
        }
    }
    Ok(format!("{} samples in the order of writing within each {scope}", read.len()))
}

fn split(samples: &[Sample], key: impl Fn(&Sample) -> String) -> Vec<(String, Vec<Sample>)> {
    let mut groups: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        groups.entry(key(sample)).or_default().push(sample.clone());
    }
    groups.into_iter().collect()
}

fn coherent(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let late = stage.case.name.ends_with("transient-local");
    let (mut publisher, mut subscriber) = if late {
        let mut publisher = stage.publish(&stage.case.publisher)?;
        for _ in 0..2 {
            publisher.expect_text("Finished Coherent Set")?;
        }
        (publisher, stage.subscribe(&stage.case.subscriber)?)
    } else {
        stage.pair()?
    };
    let sets = 6 * IN_A_SET as usize;
    subscriber.samples(sets * TOPICS * INSTANCES, Duration::from_secs(15))?;
    publisher.seen("Started Coherent Set")?;
    publisher.seen("Finished Coherent Set")?;
    let lines = subscriber.lines();
    let mut read = iterations(&lines, "Reading coherent sets, iteration ");
    // The last iteration may not be printed whole.
    read.pop();
    let scope =
        stage.case.name.rsplit('/').next().and_then(|what| what.split('-').next()).unwrap_or_default();
    let mut filled = 0;
    for samples in read.iter().filter(|samples| !samples.is_empty()) {
        filled += 1;
        whole(samples, scope)?;
    }
    let everything: Vec<Sample> = lines.iter().filter_map(|line| sample(line)).collect();
    super::delivery::without_gap(&everything)?;
    let first = everything.iter().map(|sample| sample.size).min().unwrap_or_default();
    if filled < 2 {
        return Err(Failure::Mismatch(format!("{filled} iterations with samples")));
    }
    if late && first != 1 {
        return Err(Failure::Mismatch(format!("the late subscriber's first set begins with {first}")));
    }
    Ok(format!("{filled} iterations, each with whole sets only, from size {first} on"))
}

/// Fails if something of a set is missing in what one iteration has read, as far as the scope promises it.
fn whole(samples: &[Sample], scope: &str) -> Result<(), Failure> {
    let mut sets: BTreeMap<(String, i32), usize> = BTreeMap::new();
    for sample in samples {
        let key = match scope {
            "group" => String::new(),
            "topic" => sample.topic.clone(),
            _ => format!("{} {}", sample.topic, sample.color),
        };
        *sets.entry((key, (sample.size - 1) / IN_A_SET)).or_default() += 1;
    }
    let due = IN_A_SET as usize
        * match scope {
            "group" => TOPICS * INSTANCES,
            "topic" => INSTANCES,
            _ => 1,
        };
    match sets.iter().find(|(_, count)| **count != due) {
        None => Ok(()),
        Some(((what, set), count)) => Err(Failure::Mismatch(format!(
            "set {set} of {scope} {what}: {count} of {due} samples in one iteration"
        ))),
    }
}
