//! Ten participants, each with one writer and readers of the nine others' topics: 100,000 reliable
//! keep-all samples, written under 20 % loss with reordering and duplicates, arrive once and in order.

mod common;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use common::{Numbered, millis, rough, simulation};
use dds_core::{DataReader, DataWriter, DomainParticipant, error::DdsError};
use dds_sim::{Clock, Task};

const PARTICIPANTS: usize = 10;
const SAMPLES_PER_WRITER: u32 = 10_000;
/// Written without a pause in between, as by a program that loops: some leave together.
const BURSTS: [u32; 4] = [1, 4, 10, 25];
const PAUSE: Duration = millis(5);
/// The seeds of the full tier.
const SEEDS: u64 = 100;
const RECORD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/trace-hashes.json");

fn writer(participant: &DomainParticipant, number: usize) -> DataWriter<Numbered> {
    participant.topic(&format!("Topic{number}")).unwrap().writer().reliable().keep_all().build().unwrap()
}

fn reader(participant: &DomainParticipant, number: usize) -> DataReader<Numbered> {
    participant.topic(&format!("Topic{number}")).unwrap().reader().reliable().keep_all().build().unwrap()
}

async fn write_all(writer: DataWriter<Numbered>, clock: Clock) {
    writer.matched(PARTICIPANTS - 1).await;
    let mut number = 0;
    for burst in BURSTS.into_iter().cycle() {
        for _ in 0..burst {
            if number == SAMPLES_PER_WRITER {
                return writer.acknowledgments().await;
            }
            // Where much is lost there may be no room for longer than a write waits; nothing is written then.
            while let Err(error) = writer.write_async(&Numbered::new(number)).await {
                assert!(matches!(error, DdsError::Timeout { .. }), "{error}");
            }
            number += 1;
        }
        clock.sleep(PAUSE).await;
    }
}

/// Ends when everything has come; anything lost, doubled or out of order is not what is expected.
async fn read_all(reader: DataReader<Numbered>) {
    let mut expected = 0;
    while expected < SAMPLES_PER_WRITER {
        reader.data_available().await;
        for taken in reader.take().unwrap() {
            assert_eq!(taken.data(), Some(&Numbered::new(expected)), "{}", reader.topic().name());
            expected += 1;
        }
    }
}

/// Runs the scenario and returns its trace hash.
fn run(seed: u64) -> u64 {
    let sim = simulation(seed, rough());
    let participants: Vec<_> = (0..PARTICIPANTS).map(|_| sim.participant(0)).collect();
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    let (mut reading, mut writing) = (Vec::new(), Vec::new());
    for (number, participant) in participants.iter().enumerate() {
        let writer = writer(participant, number);
        writing.push(sim.spawn(write_all(writer.clone(), sim.clock())));
        writers.push(writer);
        for other in (0..PARTICIPANTS).filter(|other| *other != number) {
            let reader = reader(participant, other);
            reading.push(sim.spawn(read_all(reader.clone())));
            readers.push(reader);
        }
    }
    let done = || reading.iter().chain(&writing).all(Task::is_finished);
    assert!(sim.run_until(done, Duration::from_secs(600)), "seed {seed}: not everything arrived");
    sim.run_for(Duration::from_secs(1));
    for reader in readers {
        assert_eq!(reader.take().unwrap(), [], "seed {seed}: more samples than were written");
        let status = (reader.sample_lost_status().total_count, reader.sample_rejected_status().total_count);
        assert_eq!(status, (0, 0), "seed {seed}");
    }
    let hash = sim.trace_hash();
    println!("seed {seed}: trace {hash:016x}, {:?} of virtual time, {:?}", sim.now(), sim.statistics());
    hash
}

/// One test a seed, so that they run side by side.
macro_rules! seeds {
    ($($name:ident: $seed:literal)*) => {
        $(
            #[test]
            fn $name() {
                run($seed);
            }
        )*
    };
}

seeds! {
    seed_1: 1 seed_2: 2 seed_3: 3 seed_4: 4 seed_5: 5
    seed_6: 6 seed_7: 7 seed_8: 8 seed_9: 9 seed_10: 10
    // Here a write finds no room in time.
    seed_44: 44
}

/// Every change of what goes over the wire changes the hashes; they are then recorded anew by this test
/// with `DDS_SIM_RECORD=1`. A hash that changes without such a change is a source of chance in the engine.
#[test]
#[ignore = "a hundred seeds: the full tier"]
fn a_hundred_seeds_as_recorded() {
    let next = AtomicU64::new(1);
    let hashes = Mutex::new(BTreeMap::new());
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > SEEDS {
                break;
            }
            let hash = run(seed);
            hashes.lock().unwrap().insert(seed, format!("{hash:016x}"));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let hashes = hashes.into_inner().unwrap();
    assert_eq!(hashes.len() as u64, SEEDS, "a seed failed");
    #[expect(clippy::disallowed_methods, reason = "asks whoever runs the test")]
    let record = std::env::var_os("DDS_SIM_RECORD").is_some();
    if record {
        let text = serde_json::to_string_pretty(&hashes).unwrap();
        std::fs::write(RECORD, text + "\n").unwrap();
        return;
    }
    let recorded: BTreeMap<u64, String> =
        serde_json::from_str(&std::fs::read_to_string(RECORD).unwrap()).unwrap();
    let changed: Vec<_> =
        hashes.iter().filter(|(seed, hash)| recorded.get(seed) != Some(hash)).map(|(seed, _)| seed).collect();
    assert!(
        changed.is_empty(),
        "the traces of seeds {changed:?} are not those of {RECORD}; if the protocol's behaviour was meant to \
         change, record them anew with DDS_SIM_RECORD=1"
    );
}
