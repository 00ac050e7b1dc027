//! Values as JSON.

mod common;

use common::mutable::*;
use common::{ColorUnion, FinalUnion};
use dds_derive::DdsType;
use dds_types::DdsType;
use dds_types::cdr::{Endianness, XcdrVersion};
use dds_types::dynamic::{DynamicData, DynamicSeed, DynamicType, DynamicValue};
use dds_types::payload::serialize_as;
use serde::de::DeserializeSeed;

fn read(dynamic_type: &DynamicType, json: &str) -> Result<DynamicData, String> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    DynamicSeed(dynamic_type).deserialize(&mut deserializer).map_err(|error| error.to_string())
}

fn dynamic<T: DdsType>(value: &T) -> DynamicData {
    let mut payload = vec![];
    serialize_as(value, Endianness::Little, XcdrVersion::Xcdr2, &mut payload).unwrap();
    DynamicData::decode(&DynamicType::of::<T>().unwrap(), &payload).unwrap()
}

/// Written and read again; the JSON of it.
fn round_trip<T: DdsType>(value: &T) -> String {
    let data = dynamic(value);
    let json = serde_json::to_string(&data).unwrap();
    assert_eq!(read(data.dynamic_type(), &json).as_ref(), Ok(&data), "{json}");
    json
}

#[test]
fn every_kind_of_value_survives_a_round_trip() {
    round_trip(&primitives());
    round_trip(&collections());
    round_trip(&arrays());
    round_trip(&nested());
    round_trip(&enums());
    round_trip(&bounded_enums());
    round_trip(&optionals_present());
    round_trip(&optionals_absent());
    round_trip(&unions());
    round_trip(&maps());
    round_trip(&keyed());
    round_trip(&ids());
}

#[test]
fn the_json_is_what_people_expect() {
    assert_eq!(
        round_trip(&enums()),
        r#"{"before":1,"color":"BLUE","colors":["RED","GREEN"],"flags":["a","h"],"wide":["low","high"],"#
            .to_owned()
            + r#""masks":[["a"],["b"],[]],"pair":["GREEN","BLUE"]}"#
    );
    assert_eq!(round_trip(&optionals_absent()), r#"{"before":1,"after":7}"#);
    assert_eq!(round_trip(&maps()), r#"{"before":1,"numbers":{"-1":2,"3":4},"names":{"1":"one","2":"two"}}"#);
    assert_eq!(
        round_trip(&FinalUnion::Text { kind: 3, text: "abc".into() }),
        r#"{"$discriminator":3,"text":"abc"}"#
    );
    assert_eq!(round_trip(&ColorUnion::Nothing), r#"{"$discriminator":"GREEN"}"#);
    assert!(round_trip(&arrays()).contains(r#""matrix":[[1,2],[3,4],[5,-6]]"#));
    assert!(round_trip(&primitives()).contains(r#""character":"q""#));
}

#[test]
fn what_is_not_given_has_its_default() {
    let optionals = DynamicType::of::<Optionals>().unwrap();
    let data = read(&optionals, r#"{"octet": null, "long_long": 5}"#).unwrap();
    assert_eq!(data.get("octet"), Ok(None));
    assert_eq!(data.get("long_long"), Ok(Some(DynamicValue::Int64(5))));
    assert_eq!(data.get("after"), Ok(Some(DynamicValue::UInt64(0))));
    // Without a discriminator, the member says which case it is.
    let union = DynamicType::of::<FinalUnion>().unwrap();
    let data = read(&union, r#"{"number": 7}"#).unwrap();
    assert_eq!(data.get("number"), Ok(Some(DynamicValue::Int64(7))));
}

#[test]
fn errors_name_the_member() {
    let error = |dynamic_type: &DynamicType, json: &str| {
        let error = read(dynamic_type, json).unwrap_err();
        error.split(" at line").next().unwrap().to_owned()
    };
    let nested = DynamicType::of::<Nested>().unwrap();
    assert_eq!(
        error(&nested, r#"{"points": [{"x": 1}, {"x": 256}]}"#),
        "points[1].x: uint8 expected, 256 given"
    );
    assert_eq!(error(&nested, r#"{"point": 5}"#), "point: structure Point expected, 5 given");
    assert_eq!(
        error(&nested, r#"{"pair": [{}]}"#),
        "pair: an array of 2 elements expected, 1 elements given"
    );
    assert_eq!(error(&nested, r#"{"point": {"z": 1}}"#), "point: Point has no member \"z\"; it has x, y");
    let enums = DynamicType::of::<Enums>().unwrap();
    assert_eq!(error(&enums, r#"{"color": "PINK"}"#), "color: a literal of Color expected, PINK given");
    assert_eq!(error(&enums, r#"{"flags": ["z"]}"#), "flags: flags of Flags expected, \"z\" given");
    let collections = DynamicType::of::<Collections>().unwrap();
    assert_eq!(error(&collections, r#"{"longs": [1,2,3,4,5]}"#), "longs: more than 4 elements");
    assert_eq!(
        error(&collections, r#"{"short_text": "123456789"}"#),
        "short_text: a string of at most 8 expected, 9 given"
    );
    let union = DynamicType::of::<FinalUnion>().unwrap();
    let said = error(&union, r#"{"$discriminator": 1, "text": "a"}"#);
    assert!(said.starts_with("number: int64 expected"), "{said}");
}

/// JSON nests as deep as it likes.
#[test]
fn nesting_is_bounded() {
    #[derive(DdsType)]
    struct Node {
        next: Option<Box<Node>>,
        value: u8,
    }
    let node = DynamicType::of::<Node>().unwrap();
    let json = r#"{"next":"#.repeat(200) + "{}" + &"}".repeat(200);
    let mut deserializer = serde_json::Deserializer::from_str(&json);
    let error = DynamicSeed(&node).deserialize(&mut deserializer).unwrap_err().to_string();
    assert!(error.contains("recursion limit") || error.contains("too deeply"), "{error}");
    assert!(Node::DESCRIPTION.name().is_some());
}
