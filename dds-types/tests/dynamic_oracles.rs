//! Types known at run time: against the vectors of foreign encoders, and against the derive.

mod common;

use common::{ColorUnion, FinalUnion};
use dds_types::cdr::{Endianness, XcdrVersion};
use dds_types::dynamic::{DynamicData, DynamicTopicType, DynamicType};
use dds_types::payload::serialize_as;
use dds_types::{DataRepresentationId, DdsType, PayloadKind, TopicType};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Vector {
    name: String,
    extensibility: String,
    data: BTreeMap<String, String>,
    #[serde(default)]
    key: BTreeMap<String, String>,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

const ENCODINGS: [(Endianness, XcdrVersion, &str); 4] = [
    (Endianness::Little, XcdrVersion::Xcdr1, "xcdr1_le"),
    (Endianness::Big, XcdrVersion::Xcdr1, "xcdr1_be"),
    (Endianness::Little, XcdrVersion::Xcdr2, "xcdr2_le"),
    (Endianness::Big, XcdrVersion::Xcdr2, "xcdr2_be"),
];

/// A payload as the oracles write it: without padding and its count.
fn without_padding(mut payload: Vec<u8>) -> Vec<u8> {
    let padding = payload[3] & 3;
    payload.truncate(payload.len() - usize::from(padding));
    payload[3] &= !3;
    payload
}

struct Vectors(Vec<Vector>);

impl Vectors {
    fn cyclone() -> Self {
        Self(serde_json::from_str(include_str!("vectors/cyclonedds.json")).unwrap())
    }

    fn find(&self, name: &str, extensibility: &str) -> &Vector {
        let found = self.0.iter().find(|vector| vector.name == name && vector.extensibility == extensibility);
        found.unwrap_or_else(|| panic!("no vector {name} {extensibility}"))
    }

    /// Decodes and encodes the vectors of a type; encodes as the derive does.
    fn check<T: DdsType>(&self, name: &str, extensibility: &str, value: &T, wrong: &[&str]) {
        let dynamic_type = DynamicType::of::<T>().unwrap();
        let vector = self.find(name, extensibility);
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

    fn check_key<T: TopicType + DdsType>(&self, name: &str, extensibility: &str, value: &T) {
        let dynamic_type = DynamicType::of::<T>().unwrap();
        let topic = DynamicTopicType::new(&dynamic_type);
        assert_eq!(topic.max_key_size(), T::max_key_size(), "{name} {extensibility}");
        let vector = self.find(name, extensibility);
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
}

/// See oracles.rs.
const BIT_BOUND_IS_WRONG: &[&str] = &["xcdr1_le", "xcdr1_be"];
const MAP_IS_WRONG: &[&str] = &["xcdr2_le", "xcdr2_be"];
const NONE: &[&str] = &[];

macro_rules! against_cyclone {
    ($($test:ident $module:ident;)*) => {$(
        #[test]
        fn $test() {
            use common::$module::*;
            let vectors = Vectors::cyclone();
            vectors.check("primitives", EXTENSIBILITY, &primitives(), NONE);
            vectors.check("collections", EXTENSIBILITY, &collections(), NONE);
            vectors.check("arrays", EXTENSIBILITY, &arrays(), NONE);
            vectors.check("nested", EXTENSIBILITY, &nested(), NONE);
            vectors.check("enums", EXTENSIBILITY, &enums(), NONE);
            vectors.check("bounded_enums", EXTENSIBILITY, &bounded_enums(), BIT_BOUND_IS_WRONG);
            vectors.check("optionals_present", EXTENSIBILITY, &optionals_present(), NONE);
            vectors.check("optionals_absent", EXTENSIBILITY, &optionals_absent(), NONE);
            vectors.check("unions", EXTENSIBILITY, &unions(), NONE);
            vectors.check("maps", EXTENSIBILITY, &maps(), MAP_IS_WRONG);
            vectors.check("keyed", EXTENSIBILITY, &keyed(), NONE);
            vectors.check("ids", EXTENSIBILITY, &ids(), NONE);
            vectors.check_key("keyed", EXTENSIBILITY, &keyed());
            vectors.check_key("ids", EXTENSIBILITY, &ids());
        }
    )*};
}

against_cyclone! {
    final_structures_are_those_of_cyclone final_;
    appendable_structures_are_those_of_cyclone appendable;
    mutable_structures_are_those_of_cyclone mutable;
}

#[test]
fn unions_can_be_topic_types() {
    let vectors = Vectors::cyclone();
    vectors.check("union_topic", "final", &FinalUnion::Text { kind: 2, text: "top".into() }, NONE);
    vectors.check("union_topic", "appendable", &ColorUnion::Red(0.125), NONE);
}
