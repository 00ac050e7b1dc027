//! Every pair of what is offered and what is requested: compatible, or reported as incompatible on both sides.

use super::case::{Case, Check, Feature};
use super::line::sample;
use super::stage::Stage;
use crate::failure::Failure;
use std::time::Duration;

/// One value of a policy: its name in the case's, its rank among the values, and the option for it.
type Value = (&'static str, u32, &'static str);

/// A row: offered and requested options, and whether they go together.
struct Pair {
    what: String,
    offered: String,
    requested: String,
    compatible: bool,
}

const RELIABILITY: [Value; 2] = [("best-effort", 0, "-b"), ("reliable", 1, "-r")];

const DURABILITY: [Value; 4] = [
    ("volatile", 0, "-D v"),
    ("transient-local", 1, "-D l"),
    ("transient", 2, "-D t"),
    ("persistent", 3, "-D p"),
];

/// The shorter period is the better offer.
const DEADLINE: [Value; 3] = [("none", 0, "-f 0"), ("4s", 1, "-f 4000"), ("2s", 2, "-f 2000")];

const SCOPE: [Value; 3] =
    [("instance", 0, "--access-scope i"), ("topic", 1, "--access-scope t"), ("group", 2, "--access-scope g")];

const ACCESS: [(&str, u32, &str); 4] = [
    ("neither", 0b00, ""),
    ("ordered", 0b01, "--ordered"),
    ("coherent", 0b10, "--coherent"),
    ("both", 0b11, "--ordered --coherent"),
];

/// Every case of these groups.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |group: &'static str, needs: &[Feature], pairs: Vec<Pair>| {
        for pair in pairs {
            let check = if pair.compatible { Check::Compatible } else { Check::Incompatible };
            // Samples enough for both sides to be seen, whatever else is asked for.
            let offered = format!("--write-period 50 {}", pair.offered);
            let requested = format!("--read-period 20 {}", pair.requested);
            let case = Case::new(group, &pair.what, check).told(&offered, &requested).needing(needs);
            // One incompatible pair of each policy is in the slice against peers.
            let quick =
                !pair.compatible && !cases.iter().any(|case: &Case| case.group == group && case.quick);
            cases.push(if quick { case.quickly() } else { case });
        }
    };
    add("RELIABILITY", &[], ranked(&RELIABILITY));
    for pair in ranked(&DURABILITY) {
        let has = |kind: &str| pair.what.split("-to-").any(|value| value == kind);
        let needs: &[Feature] = match (has("transient"), has("persistent")) {
            (true, true) => &[Feature::Transient, Feature::Persistent],
            (true, false) => &[Feature::Transient],
            (false, true) => &[Feature::Persistent],
            (false, false) => &[],
        };
        add("DURABILITY", needs, vec![pair]);
    }
    add("DEADLINE", &[Feature::Deadline], ranked(&DEADLINE));
    add("OWNERSHIP", &[Feature::Exclusive], equal(&[("shared", 0, "-s -1"), ("exclusive", 1, "-s 3")]));
    for pair in equal(&[("xcdr1", 1, "-x 1"), ("xcdr2", 2, "-x 2")]) {
        let mut needs = Vec::new();
        if pair.what.contains("xcdr1") {
            needs.push(Feature::Xcdr1);
        }
        if pair.what.contains("xcdr2") {
            needs.push(Feature::Xcdr2);
        }
        if !pair.compatible {
            needs.push(Feature::RepresentationCompared);
        }
        add("DATA_REPRESENTATION", &needs, vec![pair]);
    }
    // Who does not compare the policy matches what goes together, and everything else.
    let (together, apart): (Vec<_>, Vec<_>) = presentation().into_iter().partition(|pair| pair.compatible);
    add("PRESENTATION", &[], together);
    add("PRESENTATION", &[Feature::Presentation], apart);
    cases
}

/// What is offered must be at least what is requested.
fn ranked(values: &[Value]) -> Vec<Pair> {
    pairs(values, |offered, requested| offered >= requested)
}

/// What is offered must be what is requested.
fn equal(values: &[Value]) -> Vec<Pair> {
    pairs(values, |offered, requested| offered == requested)
}

/// Every scope against every other, and everything that may be switched on against everything else.
fn presentation() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for switch in ["--ordered", "--coherent"] {
        let scopes = SCOPE.map(|(name, rank, option)| (name, rank, format!("{switch} {option}")));
        for (offered_name, offered, offer) in &scopes {
            for (requested_name, requested, request) in &scopes {
                pairs.push(Pair {
                    what: format!("{}-{offered_name}-to-{requested_name}", &switch[2..]),
                    offered: offer.clone(),
                    requested: request.clone(),
                    compatible: offered >= requested,
                });
            }
        }
    }
    for (offered_name, offered, offer) in ACCESS {
        for (requested_name, requested, request) in ACCESS {
            pairs.push(Pair {
                what: format!("{offered_name}-to-{requested_name}"),
                offered: offer.to_owned(),
                requested: request.to_owned(),
                compatible: requested & !offered == 0,
            });
        }
    }
    pairs
}

fn pairs(values: &[Value], compatible: impl Fn(u32, u32) -> bool) -> Vec<Pair> {
    let mut pairs = Vec::new();
    for (offered_name, offered, offer) in values {
        for (requested_name, requested, request) in values {
            pairs.push(Pair {
                what: format!("{offered_name}-to-{requested_name}"),
                offered: (*offer).to_owned(),
                requested: (*request).to_owned(),
                compatible: compatible(*offered, *requested),
            });
        }
    }
    pairs
}

/// Both sides report the policy that the group is named for, and nothing arrives.
pub fn incompatible(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (mut publisher, mut subscriber) = stage.pair()?;
    let offered = publisher.expect_text("on_offered_incompatible_qos()")?;
    let requested = subscriber.expect_text("on_requested_incompatible_qos()")?;
    for line in [&offered, &requested] {
        if !line.contains(stage.case.group) || !line.contains("topic: 'Square'  type: 'ShapeType'") {
            return Err(Failure::Mismatch(format!("not about {} of the topic: {line}", stage.case.group)));
        }
    }
    let written = publisher.end()?;
    let read = subscriber.end()?;
    if let Some(line) = written.iter().find(|line| line.contains("on_publication_matched()")) {
        return Err(Failure::Mismatch(format!("matched all the same: {line}")));
    }
    if let Some(line) = read.iter().find(|line| sample(line).is_some()) {
        return Err(Failure::Mismatch(format!("arrived all the same: {line}")));
    }
    Ok("reported on both sides".to_owned())
}

/// Both sides match, and samples arrive.
pub fn compatible(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (mut publisher, mut subscriber) = stage.pair()?;
    publisher.seen("on_publication_matched()")?;
    subscriber.seen("on_subscription_matched()")?;
    let samples = subscriber.samples(3, Duration::ZERO)?;
    publisher.end()?;
    let read = subscriber.end()?;
    if let Some(line) = read.iter().find(|line| line.contains("incompatible_qos")) {
        return Err(Failure::Mismatch(format!("reported all the same: {line}")));
    }
    Ok(format!("{} samples", samples.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_there() {
        let cases = cases();
        let count = |group: &str| cases.iter().filter(|case| case.group == group).count();
        assert_eq!(count("RELIABILITY"), 4);
        assert_eq!(count("DURABILITY"), 16);
        assert_eq!(count("DEADLINE"), 9);
        assert_eq!(count("OWNERSHIP"), 4);
        assert_eq!(count("DATA_REPRESENTATION"), 4);
        assert_eq!(count("PRESENTATION"), 2 * 9 + 16);
    }
}
