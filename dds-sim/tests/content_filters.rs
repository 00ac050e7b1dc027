//! Content filters under loss: what passes arrives, once and in order; what does not, is neither lost nor
//! waited for.

mod common;

use common::{Keyed, Numbered, millis, rough, seconds, simulation, take_count, take_numbers};
use dds_core::{ContentFilteredTopic, Topic, qos::DurabilityKind};
use dds_sim::NetworkConditions;

fn filtered(topic: &Topic<Numbered>, name: &str, expression: &str) -> ContentFilteredTopic<Numbered> {
    topic.content_filtered(name, expression, [""; 0]).unwrap()
}

#[test]
fn filtered_and_plain_readers_get_their_parts_under_loss() {
    for seed in 0..5 {
        let sim = simulation(seed, rough());
        let (one, two, three) = (sim.participant(0), sim.participant(0), sim.participant(0));
        let writer = one.topic::<Numbered>("Parts").unwrap().writer().reliable().keep_all().build().unwrap();
        let (near, far) =
            (two.topic::<Numbered>("Parts").unwrap(), three.topic::<Numbered>("Parts").unwrap());
        let plain = near.reader().reliable().keep_all().build().unwrap();
        // Beside a plain reader in its participant, alone in its participant, and one that nothing passes.
        let low = filtered(&near, "Low", "number < 100").reader().reliable().keep_all().build().unwrap();
        let few = filtered(&far, "Few", "number BETWEEN 500 AND 504 OR text = ''");
        let few = few.reader().reliable().keep_all().build().unwrap();
        let none = filtered(&far, "None", "number > 5000").reader().reliable().keep_all().build().unwrap();
        sim.block_on(writer.matched(4));
        for number in 0..1000 {
            writer.write(&Numbered::new(number)).unwrap();
        }
        assert_eq!(take_count(&sim, &plain, 1000), (0..1000).collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(take_count(&sim, &low, 100), (0..100).collect::<Vec<_>>(), "seed {seed}");
        let expected: Vec<u32> = (0..1000).filter(|n| n % 40 == 0 || (500..=504).contains(n)).collect();
        assert_eq!(take_count(&sim, &few, expected.len()), expected, "seed {seed}");
        let acknowledged = sim.block_on_for(seconds(30), writer.acknowledgments());
        assert!(acknowledged.is_some(), "seed {seed}: what is filtered needs no acknowledgement");
        assert!(take_numbers(&none).is_empty());
        for reader in [&low, &few, &none] {
            assert_eq!(reader.sample_lost_status().total_count, 0, "seed {seed}");
        }
    }
}

#[test]
fn a_late_joiner_gets_what_passes_of_the_history_and_parameters_change_under_loss() {
    for seed in 10..15 {
        let sim = simulation(seed, rough());
        let (one, two) = (sim.participant(0), sim.participant(0));
        let topic = one.topic::<Numbered>("Late").unwrap();
        let writer = topic.writer().reliable().keep_all().transient_local().build().unwrap();
        for number in 0..500 {
            writer.write(&Numbered::new(number)).unwrap();
        }
        sim.run_for(seconds(1));
        let topic = two.topic::<Numbered>("Late").unwrap();
        let ends = topic.content_filtered("Ends", "number >= %0", ["490"]).unwrap();
        let reader = ends.reader().reliable().keep_all().durability(DurabilityKind::TransientLocal);
        let reader = reader.build().unwrap();
        assert_eq!(take_count(&sim, &reader, 10), (490..500).collect::<Vec<_>>(), "seed {seed}");

        ends.set_expression_parameters(["700"]).unwrap();
        sim.run_for(seconds(2));
        for number in 500..800 {
            writer.write(&Numbered::new(number)).unwrap();
        }
        assert_eq!(take_count(&sim, &reader, 100), (700..800).collect::<Vec<_>>(), "seed {seed}");
        assert!(sim.block_on_for(seconds(30), writer.acknowledgments()).is_some(), "seed {seed}");
    }
}

/// TIME_BASED_FILTER and DEADLINE see what the content filter lets pass, and nothing else.
#[test]
fn separation_and_deadline_count_what_passes() {
    let sim = simulation(20, NetworkConditions::new());
    let (one, two) = (sim.participant(0), sim.participant(0));
    let writer = one.topic::<Keyed>("Timed").unwrap().writer().reliable().keep_all().build().unwrap();
    let topic = two.topic::<Keyed>("Timed").unwrap();
    let even = topic.content_filtered("Odd", "number > 100", [""; 0]).unwrap();
    let separated =
        even.reader().reliable().keep_all().minimum_separation(seconds(10).into()).build().unwrap();
    let timely = even.reader().reliable().keep_all().deadline(seconds(1).into()).build();
    // The writer offers no deadline: requested and offered do not match.
    let timely = timely.unwrap();
    sim.block_on(writer.matched(1));
    assert_eq!(timely.subscription_matched_status().current_count, 0);
    for number in [1, 2, 101, 102, 3] {
        writer.write(&Keyed { key: 1, number }).unwrap();
        sim.run_for(millis(10));
    }
    let numbers: Vec<u32> =
        separated.take().unwrap().iter().filter_map(|sample| sample.data()).map(|data| data.number).collect();
    assert_eq!(numbers, [101]);

    let writer = one.topic::<Keyed>("Timed").unwrap().writer().reliable().keep_all();
    let writer = writer.deadline(seconds(1).into()).build().unwrap();
    sim.block_on(writer.matched(2));
    writer.write(&Keyed { key: 7, number: 200 }).unwrap();
    for _ in 0..6 {
        sim.run_for(millis(500));
        writer.write(&Keyed { key: 7, number: 5 }).unwrap();
    }
    let missed = timely.requested_deadline_missed_status().total_count;
    assert!((2..=3).contains(&missed), "no sample of the instance that passes came in time: {missed}");
}
