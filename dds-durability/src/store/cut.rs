//! Power cuts at every write.
//!
//! A disk that forgets: it records what the store asks of it. For each moment a file is made as the power
//! cut may leave it: writes up to that moment that no sync covers may be there, missing, or there in part,
//! in any combination. Whatever had been committed by then must be read back, nothing torn, nothing else
//! but what was about to be committed.

use std::{
    io::{Error, ErrorKind},
    sync::{Arc, Mutex},
};

use dds_core::rtps::{change::ChangeKind, payload::Payload, time::Timestamp};
use fastrand::Rng;
use redb::StorageBackend;

use super::*;

#[derive(Clone, Debug)]
enum Operation {
    Write(u64, Vec<u8>),
    SetLength(u64),
    Sync,
    /// Not of the disk: so many commits had returned by now.
    Committed(usize),
}

#[derive(Clone, Debug, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    journal: Vec<Operation>,
}

impl Disk {
    fn holding(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(State { bytes, journal: Vec::new() })))
    }

    fn note(&self, operation: Operation) {
        self.0.lock().unwrap().journal.push(operation);
    }
}

fn apply(bytes: &mut Vec<u8>, operation: &Operation) {
    match operation {
        Operation::Write(offset, data) => {
            let start = *offset as usize;
            if bytes.len() < start + data.len() {
                bytes.resize(start + data.len(), 0);
            }
            bytes[start..start + data.len()].copy_from_slice(data);
        }
        Operation::SetLength(length) => bytes.resize(*length as usize, 0),
        Operation::Sync | Operation::Committed(_) => {}
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> Result<u64, Error> {
        Ok(self.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), Error> {
        let state = self.0.lock().unwrap();
        let start = offset as usize;
        let found = state.bytes.get(start..start + out.len());
        out.copy_from_slice(found.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))?);
        Ok(())
    }

    fn set_len(&self, len: u64) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        let operation = Operation::SetLength(len);
        apply(&mut state.bytes, &operation);
        state.journal.push(operation);
        Ok(())
    }

    fn sync_data(&self) -> Result<(), Error> {
        self.note(Operation::Sync);
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        let mut state = self.0.lock().unwrap();
        let operation = Operation::Write(offset, data.to_vec());
        apply(&mut state.bytes, &operation);
        state.journal.push(operation);
        Ok(())
    }
}

fn record(place: Place) -> Record {
    // From a few bytes to several pages, told apart by every byte.
    let length = (place * 397 % 9000) as usize;
    Record {
        kind: if place.is_multiple_of(7) { ChangeKind::NotAliveDisposed } else { ChangeKind::Alive },
        instance: [(place % 3) as u8; 16],
        key_hash: None,
        source_timestamp: Timestamp::from_nanos(place),
        writer: Guid::from_bytes([1; 16]),
        number: SequenceNumber(place as i64),
        expiry: Timestamp::MAX,
        payload: Payload::from((0..length).map(|at| (place as usize * 31 + at) as u8).collect::<Vec<_>>()),
    }
}

/// What each commit does: channels come and go, records are added, replaced and removed, in bursts.
fn script() -> Vec<Vec<Step>> {
    let mut commits = vec![vec![Step::AddChannel(1, b"one".to_vec())]];
    let mut place = 1;
    for burst in 1..=12 {
        let mut steps = Vec::new();
        for _ in 0..burst % 4 + 1 {
            steps.push(Step::Put(1, place, record(place)));
            if place > 5 {
                steps.push(Step::Remove(1, place - 5));
            }
            place += 1;
        }
        steps.push(Step::Latest(1, Guid::from_bytes([1; 16]), SequenceNumber(place as i64 - 1)));
        commits.push(steps);
    }
    commits.push(vec![Step::AddChannel(2, b"two".to_vec()), Step::Put(2, 1, record(1000))]);
    commits.push(vec![Step::RemoveChannel(1), Step::ForgetWriter(2, Guid::from_bytes([1; 16]))]);
    commits
}

/// What the store must hold after so many commits, by a model that has no disk.
fn expected(commits: &[Vec<Step>]) -> Vec<StoredChannel> {
    let mut channels: Vec<StoredChannel> = Vec::new();
    for step in commits.iter().flatten() {
        let find = |id: ChannelId| move |channel: &&mut StoredChannel| channel.id == id;
        match step {
            Step::AddChannel(id, announcement) => {
                channels.push(StoredChannel {
                    id: *id,
                    announcement: announcement.clone(),
                    ..Default::default()
                });
            }
            Step::RemoveChannel(id) => channels.retain(|channel| channel.id != *id),
            Step::Put(id, place, record) => {
                let channel = channels.iter_mut().find(find(*id)).unwrap();
                channel.records.push((*place, record.clone()));
            }
            Step::Remove(id, place) => {
                channels.iter_mut().find(find(*id)).unwrap().records.retain(|(other, _)| other != place);
            }
            Step::Latest(id, writer, number) => {
                channels.iter_mut().find(find(*id)).unwrap().writers = vec![(*writer, *number)];
            }
            Step::ForgetWriter(id, writer) => {
                let channel = channels.iter_mut().find(find(*id)).unwrap();
                channel.writers.retain(|(other, _)| other != writer);
            }
        }
    }
    channels
}

/// What a power cut leaves of the writes that no sync covers.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// All arrived; the last one in part.
    TornLast,
    /// None arrived.
    All,
    /// Each arrived, or not, or in part, by chance.
    Some,
}

fn after_cut(journal: &[Operation], loss: Loss, random: &mut Rng) -> Vec<u8> {
    let synced =
        journal.iter().rposition(|operation| matches!(operation, Operation::Sync)).map_or(0, |at| at + 1);
    let (safe, unsafe_) = journal.split_at(synced);
    let mut bytes = Vec::new();
    safe.iter().for_each(|operation| apply(&mut bytes, operation));
    let last = unsafe_.iter().rposition(|operation| matches!(operation, Operation::Write(..)));
    for (index, operation) in unsafe_.iter().enumerate() {
        let Operation::Write(offset, data) = operation else {
            // The length of a file is kept with its directory, by its own rules: it is as asked for.
            apply(&mut bytes, operation);
            continue;
        };
        let kept = match loss {
            Loss::All => 0,
            Loss::TornLast if Some(index) == last => random.u64(..=data.len() as u64),
            Loss::TornLast => data.len() as u64,
            Loss::Some => match random.u64(..3) {
                0 => 0,
                1 => data.len() as u64,
                _ => random.u64(..=data.len() as u64),
            },
        };
        apply(&mut bytes, &Operation::Write(*offset, data[..kept as usize].to_vec()));
    }
    bytes
}

#[test]
fn a_power_cut_at_any_write_loses_nothing_committed_and_tears_nothing() {
    let seed = 0x005e_ed0f_c075;
    println!("seed {seed:#x}");
    let mut random = Rng::with_seed(seed);
    let script = script();
    let disk = Disk::default();
    let mut store = Store::open_backend(disk.clone()).unwrap();
    disk.note(Operation::Committed(0));
    for (index, steps) in script.iter().enumerate() {
        store.commit(steps).unwrap();
        disk.note(Operation::Committed(index + 1));
    }
    assert_eq!(store.load().unwrap(), expected(&script));
    drop(store);
    let journal = disk.0.lock().unwrap().journal.clone();
    let writes = journal.iter().filter(|operation| matches!(operation, Operation::Write(..))).count();
    assert!(writes > 100, "{writes}");

    let (mut committed, mut began) = (0, false);
    let mut cuts = 0;
    for (cut, operation) in journal.iter().enumerate() {
        if let Operation::Committed(count) = operation {
            (committed, began) = (*count, true);
        }
        for loss in [Loss::TornLast, Loss::All, Loss::Some, Loss::Some] {
            let bytes = after_cut(&journal[..=cut], loss, &mut random);
            let store = match Store::open_backend(Disk::holding(bytes)) {
                Ok(store) => store,
                // Before the file was made, nothing can have been acknowledged.
                Err(error) => {
                    assert!(!began, "cut {cut} {loss:?}: {error}");
                    continue;
                }
            };
            let found = store.load().unwrap();
            let next = (committed + 1).min(script.len());
            assert!(
                found == expected(&script[..committed]) || found == expected(&script[..next]),
                "cut {cut} {loss:?} after {committed} commits: {found:?}"
            );
            cuts += 1;
        }
    }
    println!("{writes} writes, {cuts} cuts");
}

#[test]
fn a_store_goes_on_after_a_cut() {
    let mut random = Rng::with_seed(77);
    let script = script();
    let disk = Disk::default();
    let mut store = Store::open_backend(disk.clone()).unwrap();
    for steps in &script[..6] {
        store.commit(steps).unwrap();
    }
    let journal = disk.0.lock().unwrap().journal.clone();
    let mut store = Store::open_backend(Disk::holding(after_cut(&journal, Loss::Some, &mut random))).unwrap();
    for steps in &script[6..] {
        store.commit(steps).unwrap();
    }
    assert_eq!(store.load().unwrap(), expected(&script));
}

#[test]
fn a_file_of_another_format_is_refused_and_left_alone() {
    let disk = Disk::default();
    let store = Store::open_backend(disk.clone()).unwrap();
    let transaction = store.database.begin_write().unwrap();
    transaction.open_table(FACTS).unwrap().insert(FORMAT, 99).unwrap();
    transaction.commit().unwrap();
    drop(store);
    let bytes = disk.0.lock().unwrap().bytes.clone();
    let error = Store::open_backend(Disk::holding(bytes)).unwrap_err();
    assert!(matches!(error, StoreError::Format { found: 99, .. }), "{error}");
}
