//! Writers or readers of many types at once: see `interop-tests/src/types.rs`.
//!
//! `types_peer pub|sub VARIANT=TYPE:POLICY…`, until standard input ends.

use dds_core::qos::{TypeConsistencyEnforcement, TypeConsistencyKind};
use dds_core::types::{DataRepresentationId, TopicType};
use dds_core::{DdsType, DomainParticipant};
use interop_tests::namespace::assert_isolated;
use serde::Serialize;
use serde_json::{Value, json};
use std::io::Read;
use std::process::ExitCode;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Declares structures, all called `T` in DDS, with a value of each, and [`endpoint`], which makes an
/// endpoint of a type by its name here.
macro_rules! types {
    ($($module:ident $extensibility:literal {
        $($(#[$attribute:meta])* $member:ident: $type:ty = $value:expr),*
    })*) => {
        $(mod $module {
            use super::*;
            #[derive(DdsType, Serialize, Clone, Debug)]
            #[dds(name = "T", extensibility = $extensibility)]
            pub struct T { $($(#[$attribute])* pub $member: $type),* }
            pub fn value() -> T {
                T { $($member: $value),* }
            }
        })*

        fn endpoint(participant: &DomainParticipant, role: &str, variant: &str, name: &str, policy: &str) -> Endpoint {
            match name {
                $(stringify!($module) => match role {
                    "pub" => writer(participant, variant, &$module::value()),
                    _ => reader::<$module::T>(participant, variant, policy),
                },)*
                other => panic!("no type {other}"),
            }
        }
    };
}

macro_rules! parts {
    ($($module:ident { $($item:item)* })*) => {$(
        mod $module {
            use super::*;
            $(#[derive(DdsType, Serialize, Clone, Debug)] $item)*
        }
    )*};
}

parts! {
    short {
        #[dds(extensibility = "appendable")]
        pub struct Point { #[dds(key)] pub id: i32, pub x: i32 }
        #[dds(extensibility = "appendable")]
        pub enum State { Off, On }
        #[dds(switch(i32), extensibility = "appendable", name = "U")]
        pub enum Choice { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64) }
    }
    long {
        #[dds(extensibility = "appendable")]
        pub struct Point { #[dds(key)] pub id: i32, pub x: i32, pub y: f64 }
        #[dds(extensibility = "appendable")]
        pub enum State { Off, On, Standby }
        #[dds(switch(i32), extensibility = "appendable", name = "U")]
        pub enum Choice { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64), #[dds(case = 3)] C(String) }
    }
    changed {
        #[dds(extensibility = "appendable")]
        pub enum State { Off, Active }
        #[dds(switch(i32), extensibility = "appendable", name = "U")]
        pub enum Choice { #[dds(case = 1)] A(String), #[dds(case = 2)] B(f64) }
    }
    shift {
        #[dds(extensibility = "appendable")]
        pub enum State { Off, On = 3 }
    }
    fixed {
        pub struct Point { #[dds(key)] pub id: i32, pub x: i32 }
        pub enum State { Off, On }
        #[dds(switch(i32), name = "U")]
        pub enum Choice { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64) }
    }
    fixed_long {
        pub struct Point { #[dds(key)] pub id: i32, pub x: i32, pub y: f64 }
        pub enum State { Off, On, Standby }
        #[dds(switch(i32), name = "U")]
        pub enum Choice { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64), #[dds(case = 3)] C(String) }
    }
}

types! {
    base "appendable" { #[dds(key)] id: i32 = 1, x: i32 = 2 }
    longer "appendable" { #[dds(key)] id: i32 = 1, x: i32 = 2, y: f64 = 3.5 }
    swapped "appendable" { #[dds(id = 1)] x: i32 = 2, #[dds(key, id = 0)] id: i32 = 1 }
    renamed "appendable" { #[dds(key)] id: i32 = 1, z: i32 = 2 }
    widened "appendable" { #[dds(key)] id: i32 = 1, x: i64 = 2 }
    keyless "appendable" { id: i32 = 1, x: i32 = 2 }
    optional "appendable" { #[dds(key)] id: i32 = 1, x: Option<i32> = Some(2) }
    strict "appendable" { #[dds(key)] id: i32 = 1, x: i32 = 2, #[dds(must_understand)] y: i32 = 3 }
    final_base "final" { #[dds(key)] id: i32 = 1, x: i32 = 2 }
    final_longer "final" { #[dds(key)] id: i32 = 1, x: i32 = 2, y: f64 = 3.5 }
    mutable "mutable" { #[dds(key, id = 1)] id: i32 = 1, #[dds(id = 2)] x: i32 = 2 }
    mutable_other "mutable" { #[dds(id = 2)] x: i32 = 2, #[dds(id = 3)] y: f64 = 3.5, #[dds(key, id = 1)] id: i32 = 1 }
    mutable_optional "mutable" { #[dds(key, id = 1)] id: i32 = 1, #[dds(id = 2)] x: Option<i32> = Some(2) }
    mutable_moved "mutable" { #[dds(key, id = 1)] id: i32 = 1, #[dds(id = 7)] x: i32 = 2 }
    text "appendable" { x: String = "abc".into() }
    short_text "appendable" { #[dds(bounded(4))] x: String = "abc".into() }
    long_text "appendable" { #[dds(bounded(9))] x: String = "abc".into() }
    short_key "appendable" { #[dds(key, bounded(4))] x: String = "abc".into() }
    long_key "appendable" { #[dds(key, bounded(9))] x: String = "abc".into() }
    numbers "appendable" { #[dds(bounded(4))] x: Vec<i32> = vec![1, 2] }
    many_numbers "appendable" { x: Vec<i32> = vec![1, 2] }
    three_numbers "appendable" { x: [i32; 3] = [1, 2, 3] }
    four_numbers "appendable" { x: [i32; 4] = [1, 2, 3, 4] }
    octet "appendable" { #[dds(octet)] x: u8 = 7 }
    uint8 "appendable" { x: u8 = 7 }
    nested "appendable" {
        inner: short::Point = short::Point { id: 1, x: 2 },
        list: Vec<short::Point> = vec![short::Point { id: 3, x: 4 }],
        last: i32 = 5
    }
    nested_longer "appendable" {
        inner: long::Point = long::Point { id: 1, x: 2, y: 0.5 },
        list: Vec<long::Point> = vec![long::Point { id: 3, x: 4, y: 0.5 }],
        last: i32 = 5
    }
    nested_final "appendable" { inner: fixed::Point = fixed::Point { id: 1, x: 2 }, last: i32 = 5 }
    nested_final_longer "appendable" {
        inner: fixed_long::Point = fixed_long::Point { id: 1, x: 2, y: 0.5 },
        last: i32 = 5
    }
    two "appendable" { state: short::State = short::State::On }
    three "appendable" { state: long::State = long::State::On }
    named "appendable" { state: changed::State = changed::State::Active }
    shifted "appendable" { state: shift::State = shift::State::On }
    final_two "appendable" { state: fixed::State = fixed::State::On }
    final_three "appendable" { state: fixed_long::State = fixed_long::State::On }
    union_two "appendable" { choice: short::Choice = short::Choice::A(8) }
    union_three "appendable" { choice: long::Choice = long::Choice::A(8) }
    union_changed "appendable" { choice: changed::Choice = changed::Choice::A("8".into()) }
    union_final_two "appendable" { choice: fixed::Choice = fixed::Choice::A(8) }
    union_final_three "appendable" { choice: fixed_long::Choice = fixed_long::Choice::A(8) }
}

/// Looks what is new of an endpoint: whether it is matched, and samples.
type Endpoint = Box<dyn FnMut() -> (bool, Vec<Value>)>;

fn writer<T: TopicType>(participant: &DomainParticipant, variant: &str, value: &T) -> Endpoint {
    let topic = participant.topic::<T>(variant).expect("a topic");
    let writer = topic
        .writer()
        .reliable()
        .transient_local()
        .keep_all()
        .representation(DataRepresentationId::XCDR2)
        .build()
        .expect("a writer");
    writer.write(value).expect("room for a sample");
    Box::new(move || (!writer.matched_subscriptions().is_empty(), Vec::new()))
}

fn reader<T: TopicType + Serialize>(
    participant: &DomainParticipant,
    variant: &str,
    policy: &str,
) -> Endpoint {
    let topic = participant.topic::<T>(variant).expect("a topic");
    let reader = topic
        .reader()
        .reliable()
        .transient_local()
        .keep_all()
        .representations(vec![DataRepresentationId::XCDR2])
        .type_consistency(consistency(policy))
        .build()
        .expect("a reader");
    Box::new(move || {
        let taken = reader.take().expect("samples");
        let samples = taken.iter().filter_map(|sample| sample.data());
        let samples = samples.map(|sample| serde_json::to_value(sample).unwrap_or_default()).collect();
        (!reader.matched_publications().is_empty(), samples)
    })
}

fn consistency(policy: &str) -> TypeConsistencyEnforcement {
    let kind = match policy {
        "equal" => TypeConsistencyKind::DisallowTypeCoercion,
        _ => TypeConsistencyKind::AllowTypeCoercion,
    };
    TypeConsistencyEnforcement {
        kind,
        ignore_sequence_bounds: policy != "bounds",
        ignore_string_bounds: policy != "bounds",
        ignore_member_names: policy == "ids",
        prevent_type_widening: policy == "narrow",
        force_type_validation: false,
    }
}

fn main() -> ExitCode {
    assert_isolated();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((role, variants)) = arguments.split_first() else {
        eprintln!("usage: types_peer pub|sub VARIANT=TYPE:POLICY…");
        return ExitCode::FAILURE;
    };
    let participant = DomainParticipant::new(0).expect("a participant");
    let mut endpoints: Vec<(&str, bool, Endpoint)> = Vec::new();
    for argument in variants {
        let (variant, chosen) = argument.split_once('=').unwrap_or((argument, "base:"));
        let (name, policy) = chosen.split_once(':').unwrap_or((chosen, ""));
        endpoints.push((variant, false, endpoint(&participant, role, variant, name, policy)));
    }
    let (closed, until_closed) = channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(closed);
    });
    while until_closed.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        for (variant, matched, look) in &mut endpoints {
            let (found, samples) = look();
            for sample in samples {
                println!("{}", json!({ "variant": variant, "sample": sample }));
            }
            if found && !std::mem::replace(matched, true) {
                println!("{}", json!({ "variant": variant, "matched": true }));
            }
        }
    }
    ExitCode::SUCCESS
}
