//! Topics of serde types: between our own, apart from all others, whatever the bytes.
#![cfg(feature = "serde-topics")]

mod common;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::BTreeMap,
    time::Duration,
};

use common::{Domain, PATIENCE, Reading, next};
use dds_core::{
    DataReader, DataWriter, MismatchVerdict, Serde,
    qos::PolicyId,
    serde_topic::{DEEPEST_VALUE, LARGEST_VALUE},
    types::{DataRepresentationId, DecodeErrorKind, TopicType},
};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Command {
    Stop,
    Move { to: (f64, f64), within: Duration },
    Load(BTreeMap<String, Option<Vec<i128>>>),
    Nested(Box<Command>),
    Letters(char, Vec<char>),
}

fn encoded<T: Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(value: T) -> Vec<u8> {
    let mut payload = Vec::new();
    Serde(value).serialize(DataRepresentationId::SERDE, &mut payload).unwrap();
    payload
}

fn load() -> Command {
    let values = [("one".to_owned(), Some(vec![1, -2, i128::MAX])), (String::new(), None)];
    Command::Nested(Box::new(Command::Load(values.into())))
}

#[test]
fn values_travel_between_participants() {
    let domain = Domain::new(81);
    let (one, two) = (domain.participant(), domain.participant());
    let reader =
        two.serde_topic::<Command>("Commands").unwrap().reader().reliable().keep_all().build().unwrap();
    let writer =
        one.serde_topic::<Command>("Commands").unwrap().writer().reliable().keep_all().build().unwrap();
    assert_eq!(writer.topic().type_name(), "Command");
    writer.wait_matched(1, PATIENCE.into()).unwrap();
    let values = [
        Command::Stop,
        Command::Move { to: (1.5, -0.0), within: Duration::from_millis(3) },
        load(),
        Command::Letters('é', vec!['x'; 100_000]),
    ];
    for value in &values {
        writer.write(&Serde(value.clone())).unwrap();
    }
    for value in values {
        assert_eq!(next(&reader).into_data().map(Serde::into_inner), Some(value));
    }
}

fn offered_incompatible<T: TopicType>(writer: &DataWriter<T>) -> Option<PolicyId> {
    let status = writer.offered_incompatible_qos_status();
    (status.total_count > 0).then_some(status.last_policy_id?)
}

fn requested_incompatible<T: TopicType>(reader: &DataReader<T>) -> Option<PolicyId> {
    let status = reader.requested_incompatible_qos_status();
    (status.total_count > 0).then_some(status.last_policy_id?)
}

#[test]
fn endpoints_of_cdr_types_see_an_incompatible_representation() {
    let domain = Domain::new(81);
    let (one, two) = (domain.participant(), domain.participant());
    let of_cdr = one.topic::<Reading>("Mixed").unwrap();
    // The same name of the type, so that nothing but the representation differs.
    let of_serde = two.create_topic_as::<Serde<Command>>("Mixed", "Reading", Default::default()).unwrap();
    let verdicts = (one.verdicts(), two.verdicts());
    let cdr = (of_cdr.writer().build().unwrap(), of_cdr.reader().build().unwrap());
    let serde = (of_serde.writer().build().unwrap(), of_serde.reader().build().unwrap());
    let representation = |verdict: &MismatchVerdict| {
        let policies: Vec<_> = verdict.incompatible_qos().map(|problem| problem.policy).collect();
        assert_eq!(policies, [PolicyId::DataRepresentation]);
    };
    for mut verdicts in [verdicts.0, verdicts.1] {
        // Writer to reader and reader to writer, seen from each side.
        for _ in 0..2 {
            representation(&common::block_on(common::first(&mut verdicts)));
        }
    }
    assert_eq!(offered_incompatible(&cdr.0), Some(PolicyId::DataRepresentation));
    assert_eq!(requested_incompatible(&cdr.1), Some(PolicyId::DataRepresentation));
    assert_eq!(offered_incompatible(&serde.0), Some(PolicyId::DataRepresentation));
    assert_eq!(requested_incompatible(&serde.1), Some(PolicyId::DataRepresentation));
    // Each matches its like.
    let like = of_serde.participant().topic::<Serde<Command>>("Like").unwrap();
    let _reader = like.reader().build().unwrap();
    like.writer().build().unwrap().wait_matched(1, PATIENCE.into()).unwrap();
}

#[test]
fn a_serde_type_has_no_other_representation_and_others_have_not_this() {
    let mut out = Vec::new();
    assert!(Serde(1).serialize(DataRepresentationId::XCDR, &mut out).is_err());
    assert!(common::reading(1, 2).serialize(DataRepresentationId::SERDE, &mut out).is_err());
    let of_cdr = {
        let mut payload = Vec::new();
        common::reading(1, 2).serialize(DataRepresentationId::XCDR, &mut payload).unwrap();
        payload
    };
    let kind = Serde::<Command>::deserialize(&of_cdr).unwrap_err().kind;
    assert!(matches!(kind, DecodeErrorKind::UnsupportedRepresentation(_)));
    assert!(Reading::deserialize(&encoded(load())).is_err());
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct List {
    next: Option<Box<List>>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Tree(Vec<Tree>);

thread_local! {
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get().saturating_add(layout.size()));
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The payload is refused, and at no great cost.
fn refused<T: Serialize + serde::de::DeserializeOwned + Send + Sync + 'static>(payload: &[u8]) {
    let before = ALLOCATED.get();
    assert!(Serde::<T>::deserialize(payload).is_err());
    let allocated = ALLOCATED.get() - before;
    assert!(allocated <= 16 * payload.len() + 65_536, "{allocated} bytes for {}", payload.len());
}

/// An encoded value of these bytes.
fn payload(body: &[u8]) -> Vec<u8> {
    let mut payload = encoded(());
    payload.extend_from_slice(body);
    payload
}

#[test]
fn depth_values_and_lengths_are_bounded() {
    let list = |length| (0..length).fold(List { next: None }, |next, _| List { next: Some(Box::new(next)) });
    let deepest = (DEEPEST_VALUE - 2) / 2;
    assert_eq!(Serde::deserialize(&encoded(list(deepest))).unwrap(), Serde(list(deepest)));
    refused::<List>(&encoded(list(deepest + 1)));
    refused::<List>(&payload(&[1; 1 << 20]));
    refused::<Tree>(&payload(&[1; 1 << 20]));
    // Each claims 2⁶⁴ − 1 elements.
    let most = [253, 255, 255, 255, 255, 255, 255, 255, 255];
    refused::<Vec<()>>(&payload(&most));
    refused::<BTreeMap<(), ()>>(&payload(&most));
    refused::<Vec<u64>>(&payload(&most));
    refused::<String>(&payload(&most));
    refused::<Vec<Vec<Vec<String>>>>(&payload(&most.repeat(3)));
    refused::<Tree>(&payload(&most.repeat(DEEPEST_VALUE)));
    assert!(Serde::<Vec<()>>::deserialize(&encoded(vec![(); 60_000])).is_ok());
    // Longer than allowed: not even written.
    let large = Serde(vec![1u8; LARGEST_VALUE]);
    assert!(large.serialize(DataRepresentationId::SERDE, &mut Vec::new()).is_err());
    // More than the value.
    let kind = Serde::<u8>::deserialize(&payload(&[1, 2])).unwrap_err().kind;
    assert_eq!(kind, DecodeErrorKind::TrailingBytes(1));
}

proptest! {
    #[test]
    fn damaged_values_are_refused_or_read_but_never_panic(
        cut in 0usize..64,
        damage in proptest::collection::vec((0usize..64, any::<u8>()), 0..4),
    ) {
        let mut bytes = encoded(load());
        for (at, value) in damage {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let _ = Serde::<Command>::deserialize(&bytes);
    }

    #[test]
    fn any_bytes_are_refused_or_read_but_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Serde::<Command>::deserialize(&payload(&body));
        let _ = Serde::<Tree>::deserialize(&payload(&body));
    }
}
