//! What arrives: everything, whole, and from when on.

use super::case::{Case, Check, Feature};
use super::line::{Sample, sample};
use super::stage::{Actor, Stage};
use crate::failure::Failure;
use std::collections::BTreeMap;
use std::time::Duration;

const RELIABLE: &str = "reliable delivery";
const LATE: &str = "late joiners";
const LARGE: &str = "large samples";

/// Every case of these groups.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (history, depth) in [("keep-all", 0), ("keep-last", 50)] {
        for instances in [1, 4] {
            for representation in [1, 2] {
                let what = format!("{history}-{instances}-instances-xcdr{representation}");
                let case = Case::new(RELIABLE, &what, Check::Run(no_gap)).told(
                    &format!(
                        "-w -z 0 -x {representation} -k {depth} --write-period 10 --num-instances {instances}"
                    ),
                    &format!("-x {representation} -k {depth} --read-period 20"),
                );
                let case = case.needing(&[if representation == 2 { Feature::Xcdr2 } else { Feature::Xcdr1 }]);
                cases.push(if history == "keep-all" && representation == 1 { case.quickly() } else { case });
            }
        }
    }
    for (durability, name, run) in [
        ("v", "volatile", late_volatile as fn(&mut Stage<'_>) -> Result<String, Failure>),
        ("l", "transient-local", late_transient_local),
    ] {
        for instances in [1, 4] {
            let case = Case::new(LATE, &format!("{name}-{instances}-instances"), Check::Run(run)).told(
                &format!("-w -z 0 -k 0 -D {durability} --write-period 20 --num-instances {instances}"),
                &format!("-k 0 -D {durability} --read-period 20"),
            );
            cases.push(if instances == 1 { case.quickly() } else { case });
        }
    }
    for (what, representation, reliability) in
        [("reliable-xcdr1", 1, "-r"), ("reliable-xcdr2", 2, "-r"), ("best-effort-xcdr1", 1, "-b")]
    {
        for size in [2_000, 10_000, 100_000] {
            let common = format!("-x {representation} {reliability} -k 0");
            let case = Case::new(LARGE, &format!("{size}-{what}"), Check::Run(large)).told(
                &format!("{common} -w -z 0 --additional-payload-size {size} --write-period 50"),
                &format!("{common} --read-period 20"),
            );
            let case = case.needing(&[if representation == 2 { Feature::Xcdr2 } else { Feature::Xcdr1 }]);
            cases.push(if what == "reliable-xcdr1" { case.quickly() } else { case });
        }
    }
    cases.push(
        Case::new("options", "datafrag-size", Check::Run(super::effects::fragments))
            .told("-k 0 --datafrag-size 1000 --additional-payload-size 10000 --write-period 50", "-k 0")
            .needing(&[Feature::FragmentSize]),
    );
    cases.push(
        Case::new("options", "periodic-announcement", Check::Run(super::effects::announcements))
            .told("--periodic-announcement 200", "")
            .needing(&[Feature::AnnouncementPeriod]),
    );
    cases.push(
        Case::new("options", "num-iterations", Check::Run(super::effects::iterations))
            .told("-w --num-iterations 5 --write-period 20", "--num-iterations 20 --read-period 20"),
    );
    cases.push(
        Case::new("options", "size-modulo", Check::Run(super::effects::size_modulo))
            .told("-w -z 0 --size-modulo 7 -k 0 --write-period 20", "-k 0 --read-period 20"),
    );
    cases.push(
        Case::new("options", "read", Check::Run(super::effects::reading))
            .told("-w -z 3 -D l --write-period 100000", "-D l -R --read-period 50"),
    );
    cases.push(
        Case::new("options", "num-topics", Check::Run(super::effects::topics))
            .told("-k 0 --num-topics 3 --write-period 50", "-k 0 --num-topics 3 --take-read"),
    );
    cases
}

/// How many samples of each instance a tester follows.
const FOLLOWED: usize = 500;

/// How many instances the publisher was told to write.
fn instances(stage: &Stage<'_>) -> usize {
    let mut words = stage.case.publisher.split(' ').skip_while(|word| *word != "--num-instances");
    words.nth(1).and_then(|count| count.parse().ok()).unwrap_or(1)
}

fn no_gap(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (publisher, mut subscriber) = stage.pair()?;
    let count = FOLLOWED * instances(stage);
    let samples = subscriber.samples(count, Duration::from_secs(30))?;
    without_gap(&samples)?;
    as_written(&publisher, &samples)?;
    Ok(format!("{count} samples from size {} on", samples[0].size))
}

/// Fails at the first sample that does not have the size after the one before, in its topic and instance.
pub fn without_gap(samples: &[Sample]) -> Result<(), Failure> {
    let mut last: BTreeMap<(&str, &str), i32> = BTreeMap::new();
    for sample in samples {
        let before = last.insert((&sample.topic, &sample.color), sample.size);
        if let Some(before) = before
            && sample.size != before + 1
        {
            return Err(Failure::Mismatch(format!("size {before} is followed by {sample:?}")));
        }
    }
    Ok(())
}

/// Fails at the first sample that the publisher has not printed.
fn as_written(publisher: &Actor, samples: &[Sample]) -> Result<(), Failure> {
    // The subscriber may be quicker at printing.
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    loop {
        let written: Vec<Sample> = publisher.lines().iter().filter_map(|line| sample(line)).collect();
        match samples.iter().find(|sample| !written.contains(sample)) {
            None => return Ok(()),
            Some(sample) if std::time::Instant::now() >= deadline => {
                return Err(Failure::Mismatch(format!("never written: {sample:?}")));
            }
            Some(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// A publisher that has written for a while before its first subscriber comes.
fn joined_late(stage: &Stage<'_>) -> Result<(i32, Vec<Sample>), Failure> {
    let mut publisher = stage.publish(&stage.case.publisher)?;
    let written = publisher.sample_where("its 20th sample", |sample| sample.size >= 20)?;
    let mut subscriber = stage.subscribe(&stage.case.subscriber)?;
    let mut samples = subscriber.samples(60 * instances(stage), Duration::from_secs(5))?;
    // A reader may show one instance after the other, each from its first sample on.
    let first = samples[0].size;
    while samples.iter().filter(|sample| sample.size == first + 30).count() < instances(stage) {
        samples.push(subscriber.sample()?);
    }
    as_written(&publisher, &samples)?;
    Ok((written.size, samples))
}

fn late_volatile(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (written, samples) = joined_late(stage)?;
    without_gap(&samples)?;
    if let Some(old) = samples.iter().find(|sample| sample.size <= written) {
        return Err(Failure::Mismatch(format!("older than the reader: {old:?}")));
    }
    Ok(format!("from size {} on; {written} was written before it came", samples[0].size))
}

fn late_transient_local(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (written, samples) = joined_late(stage)?;
    without_gap(&samples)?;
    let firsts = samples.iter().filter(|sample| sample.size == 1).count();
    if samples[0].size != 1 || firsts != instances(stage) {
        return Err(Failure::Mismatch(format!(
            "the first is {:?}; {firsts} instances from 1 on",
            samples[0]
        )));
    }
    Ok(format!("from 1 on without a gap; {written} was written before it came"))
}

fn large(stage: &mut Stage<'_>) -> Result<String, Failure> {
    let (publisher, mut subscriber) = stage.pair()?;
    let samples = subscriber.samples(20, Duration::from_secs(5))?;
    if let Some(wrong) = samples.iter().find(|sample| sample.payload != Some(255)) {
        return Err(Failure::Mismatch(format!("the last byte of the payload is not 255: {wrong:?}")));
    }
    if stage.case.publisher.contains("-r ") {
        without_gap(&samples)?;
    }
    as_written(&publisher, &samples)?;
    Ok(format!("{} samples", samples.len()))
}
