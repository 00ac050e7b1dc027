//! A late joiner gets the history under loss, or nothing of it, as DURABILITY says.

mod common;

use common::{Numbered, rough, seconds, simulation, take_count, take_numbers};

#[test]
fn a_late_transient_local_reader_gets_everything_in_order() {
    for seed in 0..5 {
        let sim = simulation(seed, rough());
        let first = sim.participant(0);
        let topic = first.topic::<Numbered>("Late").unwrap();
        let writer = topic.writer().reliable().transient_local().keep_all().build().unwrap();
        for number in 0..1000 {
            writer.write(&Numbered::new(number)).unwrap();
        }
        sim.run_for(seconds(1));
        let second = sim.participant(0);
        let topic = second.topic::<Numbered>("Late").unwrap();
        let late = topic.reader().reliable().transient_local().keep_all().build().unwrap();
        let volatile = topic.reader().reliable().keep_all().build().unwrap();
        sim.block_on(writer.matched(2));
        for number in 1000..1100 {
            writer.write(&Numbered::new(number)).unwrap();
        }
        let numbers = take_count(&sim, &late, 1100);
        assert_eq!(numbers, (0..1100).collect::<Vec<_>>(), "seed {seed}");
        let numbers = take_count(&sim, &volatile, 100);
        assert_eq!(
            numbers,
            (1000..1100).collect::<Vec<_>>(),
            "seed {seed}: a volatile reader has no history"
        );
        sim.run_for(seconds(1));
        assert!(take_numbers(&late).is_empty() && take_numbers(&volatile).is_empty(), "seed {seed}");
    }
}
