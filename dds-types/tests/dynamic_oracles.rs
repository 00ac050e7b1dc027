//! Types known at run time: against the vectors of foreign encoders, and against the derive.

#[macro_use]
mod common;

use common::vectors::{ENCODINGS, NONE, Vectors, bytes, without_padding};
use common::{ColorUnion, FinalUnion};
use dds_types::dynamic::{DynamicData, DynamicTopicType, DynamicType};
use dds_types::payload::serialize_as;
use dds_types::{DataRepresentationId, DdsType, PayloadKind, TopicType};

/// Decodes and encodes the vectors of a type; encodes as the derive does.
fn check<T: DdsType>(vectors: &Vectors, name: &str, extensibility: &str, value: &T, wrong: &[&str]) {
    let dynamic_type = DynamicType::of::<T>().unwrap();
    let vector = vectors.find(name, extensibility);
    let mut checked = 0;
    for (endianness, version, encoding) in ENCODINGS {
        let context = format!("{name} {extensibility} {encoding}");
        let mut derived = vec![];
        serialize_as(value, endianness, version, &mut derived).unwrap();
        let data = DynamicData::decode(&dynamic_type, &derived).expect(&context);
        for (endianness, version, other) in ENCODINGS {
            let (mut derived, mut dynamic) = (vec![], vec![]);
            serialize_as(value, endianness, version, &mut derived).unwrap();
            data.encode_as(endianness, version, &mut dynamic).unwrap();
            assert_eq!(dynamic, derived, "{context} to {other}");
        }
        if wrong.contains(&encoding) {
            continue;
        }
        let Some(expected) = vector.data.get(encoding) else { continue };
        let foreign = DynamicData::decode(&dynamic_type, &bytes(expected)).expect(&context);
        assert_eq!(foreign, data, "{context}");
        let mut again = vec![];
        foreign.encode_as(endianness, version, &mut again).unwrap();
        assert_eq!(without_padding(again), bytes(expected), "{context}");
        checked += 1;
    }
    assert!(checked > 0, "{name} {extensibility}");
}

fn check_key<T: TopicType + DdsType>(vectors: &Vectors, name: &str, extensibility: &str, value: &T) {
    let dynamic_type = DynamicType::of::<T>().unwrap();
    let topic = DynamicTopicType::new(&dynamic_type);
    assert_eq!(topic.max_key_size(), T::max_key_size(), "{name} {extensibility}");
    let vector = vectors.find(name, extensibility);
    let (mut canonical, mut found) = (vec![], vec![]);
    value.write_canonical_key(&mut canonical).unwrap();
    let data = DynamicData::decode(&dynamic_type, &bytes(&vector.data["xcdr1_le"])).unwrap();
    topic.write_canonical_key(&data, &mut found).unwrap();
    assert_eq!(found, canonical, "{name} {extensibility}");
    for (.., encoding) in ENCODINGS {
        for (kind, payloads) in [(PayloadKind::Data, &vector.data), (PayloadKind::Key, &vector.key)] {
            let mut found = vec![];
            topic.canonical_key_of(&bytes(&payloads[encoding]), kind, &mut found).unwrap();
            assert_eq!(found, canonical, "{name} {extensibility} {encoding} {kind:?}");
        }
    }
    for (representation, encoding) in
        [(DataRepresentationId::XCDR, "xcdr1_le"), (DataRepresentationId::XCDR2, "xcdr2_le")]
    {
        let expected = bytes(&vector.key[encoding]);
        let (mut of_value, mut of_canonical) = (vec![], vec![]);
        topic.serialize_key(&data, representation, &mut of_value).unwrap();
        topic.serialize_canonical_key_payload(&canonical, representation, &mut of_canonical).unwrap();
        assert_eq!(without_padding(of_value), expected, "{name} {extensibility} {encoding}");
        assert_eq!(without_padding(of_canonical), expected, "{name} {extensibility} {encoding}");
    }
    let key = topic.key(&data).unwrap().unwrap();
    assert_eq!(Some(key), topic.key_from_canonical(&canonical).unwrap());
}

against_cyclone! {
    final_structures_are_those_of_cyclone final_;
    appendable_structures_are_those_of_cyclone appendable;
    mutable_structures_are_those_of_cyclone mutable;
}

#[test]
fn unions_can_be_topic_types() {
    let vectors = Vectors::cyclone();
    check(&vectors, "union_topic", "final", &FinalUnion::Text { kind: 2, text: "top".into() }, NONE);
    check(&vectors, "union_topic", "appendable", &ColorUnion::Red(0.125), NONE);
}
