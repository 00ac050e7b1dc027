//! `shape_main` with coherent and ordered access over three topics, four instances and three samples in a
//! set, as the vendors' test suite runs it: on real sockets, on loopback.

mod common;

use std::collections::BTreeMap;

use common::{
    Program,
    shape::{Sample, end, sample, topic},
};

const DOMAIN: &str = "96";

fn start(topic: &str, options: &str) -> Program {
    common::shape::start(DOMAIN, topic, options)
}

/// Three samples of each of four instances of three topics in a set.
const SET: i32 = 3;
const SERIES: usize = 12;

/// What a subscriber printed between two of its announcements of reading.
fn iterations(lines: &[String], announcement: &str) -> Vec<Vec<Sample>> {
    let parts = lines.split(|line| line.starts_with(announcement));
    parts.map(|part| part.iter().filter_map(|line| sample(line)).collect()).collect()
}

#[test]
fn sets_are_printed_whole_at_every_scope() {
    for (scope, durability) in ["i", "t", "g"].into_iter().flat_map(|scope| [(scope, "v"), (scope, "l")]) {
        let topic = topic(&format!("C{scope}{durability}"));
        let common =
            format!("-k 0 -D {durability} --num-topics 3 --coherent --ordered --access-scope {scope}");
        let mut publisher = start(
            &topic,
            &format!("-P -z 0 {common} --num-instances 4 --coherent-sample-count 3 --write-period 5"),
        );
        publisher.expect_text("Finished Coherent Set");
        let mut subscriber = start(&topic, &format!("-S {common} --read-period 20"));
        // A late joiner is in the middle of a set, or gets the history.
        let mut series: BTreeMap<(String, String), i32> = BTreeMap::new();
        for _ in 0..20 * SERIES * SET as usize {
            let Sample { topic, color, size, .. } = subscriber.sample();
            let last = series.insert((topic, color), size);
            let is_next = last.is_none_or(|last| size == last + 1);
            assert!(is_next && (last.is_some() || size % SET == 1), "{scope} {durability}: {last:?}, {size}");
        }
        assert_eq!(series.len(), SERIES, "{scope} {durability}: {series:?}");
        if durability == "l" {
            assert!(subscriber.samples().iter().any(|sample| sample.size == 1));
        }
        publisher.interrupt();
        subscriber.expect_text("Reading coherent sets, iteration ");
        let lines = subscriber.seen.clone();
        end(subscriber);
        let (_, status, errors) = publisher.finish();
        assert!(status.success(), "{errors}");
        // A set is whole across the topics that have matched.
        let matched = lines.iter().enumerate().filter(|(_, line)| line.contains("on_subscription_matched()"));
        let all_matched = matched.map(|(place, _)| place).nth(2).unwrap();
        let iterations = iterations(&lines[all_matched..], "Reading coherent sets, iteration ");
        // The one that was cut off is not looked at.
        for (number, samples) in iterations.iter().enumerate().take(iterations.len() - 1).skip(1) {
            let mut counts: BTreeMap<(&str, &str), i32> = BTreeMap::new();
            for Sample { topic, color, .. } in samples {
                *counts.entry((topic, color)).or_default() += 1;
            }
            assert!(
                counts.values().all(|count| count % SET == 0),
                "{scope} {durability}, iteration {number}: {counts:?}"
            );
            if scope == "g" && !counts.is_empty() {
                let first = counts.values().next();
                assert!(
                    counts.len() == SERIES && counts.values().all(|count| Some(count) == first),
                    "{durability}, iteration {number}: {counts:?}"
                );
            }
        }
    }
}

#[test]
fn the_scope_decides_the_order_in_which_instances_are_printed() {
    for scope in ["i", "t", "g"] {
        let topic = topic(&format!("O{scope}"));
        let common = format!("-k 0 --ordered --access-scope {scope}");
        let mut subscriber = start(&topic, &format!("-S --take-read {common} --read-period 200"));
        let publisher = start(&topic, &format!("-P -z 0 {common} --num-instances 4 --write-period 5 -c RED"));
        // Two of each instance at least, in an iteration that has been printed whole.
        let full = loop {
            subscriber.sample();
            let iterations = iterations(&subscriber.seen, "Reading with ordered access, iteration ");
            let whole = iterations.into_iter().rev().skip(1).find(|samples| samples.len() >= 8);
            if let Some(whole) = whole {
                break whole;
            }
        };
        let changes = full.windows(2).filter(|pair| pair[0].color != pair[1].color).count();
        match scope {
            "i" => assert_eq!(changes, 3, "instances one after the other: {full:?}"),
            _ => assert_eq!(changes, full.len() - 1, "as they were written: {full:?}"),
        }
        drop(publisher);
    }
}
