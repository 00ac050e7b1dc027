//! Exclusive ownership by strength, with three programs: the publishers are told apart by the size they write.

use super::case::{Case, Check, Feature};
use super::line::Sample;
use super::stage::{Actor, Stage};
use crate::failure::Failure;
use std::time::Duration;

const GROUP: &str = "ownership by strength";
const SUBSCRIBER: &str = "-s 0 -k 0 --read-period 20";
const WEAK: i32 = 10;
const STRONG: i32 = 40;
/// How many samples are looked at after a change.
const WATCHED: usize = 30;

/// Every case of the group.
pub fn cases() -> Vec<Case> {
    let case = |what, run| Case::new(GROUP, what, Check::Run(run)).needing(&[Feature::Exclusive]);
    vec![
        case("stronger-takes-over", takes_over).quickly(),
        case("weaker-is-not-heard", not_heard),
        case("weaker-again-after-the-stronger-ends", hands_back),
        case("each-instance-of-its-own", each_instance),
        case("other-instances-are-not-owned", other_instances),
        case("equal-strengths-have-one-owner", tie),
        Case::new(GROUP, "shared-has-no-owner", Check::Run(shared)),
    ]
}

fn publish(stage: &Stage<'_>, strength: i32, size: i32, more: &str) -> Result<Actor, Failure> {
    stage.publish(&format!("-s {strength} -z {size} --write-period 20 {more}"))
}

fn of(size: i32) -> impl Fn(&Sample) -> bool {
    move |sample| sample.size == size
}

/// Fails if one of the next samples is not of the size that is due to its instance.
fn only(subscriber: &mut Actor, due: impl Fn(&Sample) -> bool) -> Result<(), Failure> {
    let samples = subscriber.samples(WATCHED, Duration::ZERO)?;
    match samples.iter().find(|sample| !due(sample)) {
        Some(wrong) => Err(Failure::Mismatch(format!("heard from who does not own: {wrong:?}"))),
        None => Ok(()),
    }
}

fn takes_over(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(SUBSCRIBER)?;
    let _weak = publish(stage, 3, WEAK, "")?;
    subscriber.sample_where("the weaker writer's", of(WEAK))?;
    let _strong = publish(stage, 4, STRONG, "")?;
    subscriber.sample_where("the stronger writer's", of(STRONG))?;
    only(&mut subscriber, of(STRONG))?;
    Ok(format!("{WATCHED} samples, all of the stronger writer"))
}

fn not_heard(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(SUBSCRIBER)?;
    let _strong = publish(stage, 4, STRONG, "")?;
    subscriber.sample_where("the stronger writer's", of(STRONG))?;
    let mut weak = publish(stage, 3, WEAK, "-w")?;
    weak.seen("on_publication_matched()")?;
    weak.samples(WATCHED, Duration::ZERO)?;
    if let Some((_, wrong)) = subscriber.timed_samples().iter().find(|(_, sample)| sample.size == WEAK) {
        return Err(Failure::Mismatch(format!("heard from who does not own: {wrong:?}")));
    }
    only(&mut subscriber, of(STRONG))?;
    Ok(format!("none of {WATCHED} samples of the weaker writer"))
}

fn hands_back(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(SUBSCRIBER)?;
    let strong = publish(stage, 4, STRONG, "")?;
    let mut weak = publish(stage, 3, WEAK, "")?;
    weak.seen("on_publication_matched()")?;
    subscriber.sample_where("the stronger writer's", of(STRONG))?;
    strong.end()?;
    subscriber.sample_where("the weaker writer's again", of(WEAK))?;
    only(&mut subscriber, of(WEAK))?;
    Ok("the weaker writer is heard again".to_owned())
}

fn each_instance(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(SUBSCRIBER)?;
    let _two = publish(stage, 3, WEAK, "-c BLUE --num-instances 2")?;
    let _one = publish(stage, 4, STRONG, "-c BLUE1")?;
    subscriber.sample_where("the stronger writer's", of(STRONG))?;
    let due = |sample: &Sample| sample.size == if sample.color == "BLUE1" { STRONG } else { WEAK };
    let samples = subscriber.samples(2 * WATCHED, Duration::ZERO)?;
    if let Some(wrong) = samples.iter().find(|sample| !due(sample)) {
        return Err(Failure::Mismatch(format!("heard from who does not own: {wrong:?}")));
    }
    let of_color = |color: &str| samples.iter().filter(|sample| sample.color == color).count();
    let (weak, strong) = (of_color("BLUE"), of_color("BLUE1"));
    if weak == 0 || strong == 0 {
        return Err(Failure::Mismatch(format!("{weak} samples of BLUE, {strong} of BLUE1")));
    }
    Ok(format!("BLUE {weak} times of the one, BLUE1 {strong} times of the other"))
}

fn other_instances(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(SUBSCRIBER)?;
    let _strong = publish(stage, 4, STRONG, "-c BLUE")?;
    subscriber.sample_where("the stronger writer's", of(STRONG))?;
    let _weak = publish(stage, 3, WEAK, "-c RED")?;
    for _ in 0..3 {
        subscriber
            .sample_where("the weaker writer's", |sample| sample.size == WEAK && sample.color == "RED")?;
        subscriber.sample_where("the stronger writer's", |sample| {
            sample.size == STRONG && sample.color == "BLUE"
        })?;
    }
    Ok("both are heard".to_owned())
}

fn tie(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe(SUBSCRIBER)?;
    let mut one = publish(stage, 3, WEAK, "-w")?;
    let mut other = publish(stage, 3, STRONG, "-w")?;
    for publisher in [&mut one, &mut other] {
        publisher.seen("on_publication_matched()")?;
        publisher.samples(WATCHED, Duration::ZERO)?;
    }
    // What came before both were there counts for neither.
    let before = subscriber.timed_samples().len();
    let after = subscriber.samples(before + WATCHED, Duration::ZERO)?.split_off(before);
    let owner = after[0].size;
    match after.iter().find(|sample| sample.size != owner) {
        Some(wrong) => Err(Failure::Mismatch(format!("two writers of one instance are heard: {wrong:?}"))),
        None => Ok("one of the two is heard".to_owned()),
    }
}

fn shared(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let mut subscriber = stage.subscribe("-s -1 -k 0 --read-period 20")?;
    let _one = stage.publish(&format!("-s -1 -z {WEAK} --write-period 20"))?;
    let _other = stage.publish(&format!("-s -1 -z {STRONG} --write-period 20"))?;
    for _ in 0..3 {
        subscriber.sample_where("the one writer's", of(WEAK))?;
        subscriber.sample_where("the other writer's", of(STRONG))?;
    }
    Ok("both are heard".to_owned())
}
