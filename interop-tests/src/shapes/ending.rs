//! How instances end: unregistered, disposed of, or with their writer.

use super::case::{Case, Check, Feature};
use super::line::{End, instance_end};
use super::stage::Stage;
use crate::failure::Failure;
use std::collections::BTreeMap;

const GROUP: &str = "ends of instances";

/// Every case of the group.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (what, option) in [
        ("unregister", "--final-instance-state u"),
        ("dispose", "--final-instance-state d"),
        ("deletion", ""),
    ] {
        for instances in [1, 4] {
            for representation in [1, 2] {
                let common = format!("-k 0 -x {representation}");
                let name = format!("{what}-{instances}-instances-xcdr{representation}");
                let case = Case::new(GROUP, &name, Check::Run(ending))
                    .told(
                        &format!("{common} --write-period 20 --num-instances {instances} {option}"),
                        &format!("{common} --read-period 20"),
                    )
                    .needing(&[Feature::InstanceStates]);
                let case = case.needing(&[if representation == 2 { Feature::Xcdr2 } else { Feature::Xcdr1 }]);
                cases.push(if instances == 4 && representation == 1 { case.quickly() } else { case });
            }
        }
    }
    cases
}

fn ending(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (publisher, mut subscriber) = stage.pair()?;
    let count = if stage.case.publisher.contains("--num-instances 4") { 4 } else { 1 };
    let colors: Vec<String> =
        (0..count).map(|k| if k == 0 { "BLUE".to_owned() } else { format!("BLUE{k}") }).collect();
    for color in &colors {
        subscriber.sample_where(&format!("{color}'s"), |sample| sample.color == *color)?;
    }
    publisher.end()?;
    let due = if stage.case.publisher.ends_with(" d") { End::Disposed } else { End::NoWriters };
    let mut ends = BTreeMap::new();
    while ends.len() < count {
        let (topic, color, end) = subscriber.expect("the end of an instance", instance_end)?;
        if !topic.starts_with("Square") || !colors.contains(&color) || end != due {
            return Err(Failure::Mismatch(format!("{topic} {color}: {end:?} instead of {due:?}")));
        }
        ends.insert(color, end);
    }
    Ok(format!("{due:?}: {}", colors.join(", ")))
}
