//! A keyed structure through every function of its topic type.

use dds_derive::DdsType;
use dds_types::{DataRepresentationId, PayloadKind, TopicType, key_hash};

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(name = "ShapeType", extensibility = "appendable")]
struct Shape {
    #[dds(key, bounded(128))]
    color: String,
    x: i32,
    y: i32,
    shapesize: i32,
    additional_payload_size: Vec<u8>,
}

fn shape() -> Shape {
    Shape { color: "BLUE".into(), x: 1, y: -2, shapesize: 30, additional_payload_size: vec![7; 5] }
}

#[test]
fn samples_and_keys_go_through_every_representation() {
    assert_eq!(Shape::type_name(), "ShapeType");
    assert_eq!(Shape::max_key_size(), Some(133));
    let shape = shape();
    let mut canonical = vec![];
    shape.write_canonical_key(&mut canonical).unwrap();
    assert_eq!(canonical, [0, 0, 0, 5, b'B', b'L', b'U', b'E', 0]);
    assert_eq!(Shape::key_from_canonical(&canonical).unwrap(), shape.key());
    assert_eq!(shape.key(), ShapeKey { color: "BLUE".into() });
    assert_ne!(key_hash(&canonical, Shape::max_key_size())[..4], canonical[..4]);
    for representation in [DataRepresentationId::XCDR, DataRepresentationId::XCDR2] {
        let mut payload = vec![];
        shape.serialize(representation, &mut payload).unwrap();
        assert_eq!(Shape::deserialize(&payload).unwrap(), shape);
        let mut found = vec![];
        Shape::canonical_key_of(&payload, PayloadKind::Data, &mut found).unwrap();
        assert_eq!(found, canonical);
        let (mut direct, mut from_canonical) = (vec![], vec![]);
        shape.serialize_key(representation, &mut direct).unwrap();
        Shape::serialize_canonical_key_payload(&canonical, representation, &mut from_canonical).unwrap();
        assert_eq!(direct, from_canonical);
        found.clear();
        Shape::canonical_key_of(&direct, PayloadKind::Key, &mut found).unwrap();
        assert_eq!(found, canonical);
    }
}

/// Fast DDS 3.6 sent this sample and key hash (capture fastdds36-to-cyclone11-dispose).
#[test]
fn samples_and_key_hashes_are_those_of_fast_dds() {
    let payload = [
        0, 9, 0, 0, 0x1c, 0, 0, 0, 5, 0, 0, 0, b'B', b'L', b'U', b'E', 0, 0, 0, 0, 0x61, 0, 0, 0, 0x91, 0, 0,
        0, 0x14, 0, 0, 0, 0, 0, 0, 0,
    ];
    let shape = Shape { color: "BLUE".into(), x: 97, y: 145, shapesize: 20, additional_payload_size: vec![] };
    assert_eq!(Shape::deserialize(&payload).as_ref(), Ok(&shape));
    let mut ours = vec![];
    shape.serialize(DataRepresentationId::XCDR2, &mut ours).unwrap();
    assert_eq!(ours, payload);
    let mut canonical = vec![];
    Shape::canonical_key_of(&payload, PayloadKind::Data, &mut canonical).unwrap();
    let hash = u128::from_be_bytes(key_hash(&canonical, Shape::max_key_size()));
    assert_eq!(hash, 0xcac2_17c3_1836_3f8e_f116_0eee_def9_e886);
}

#[test]
fn what_is_decoded_over_a_value_lies_in_its_memory() {
    let mut over = Shape { color: "a longer colour".into(), additional_payload_size: vec![9; 64], ..shape() };
    let (color, octets) = (over.color.as_ptr(), over.additional_payload_size.as_ptr());
    for representation in [DataRepresentationId::XCDR, DataRepresentationId::XCDR2] {
        let mut payload = vec![];
        shape().serialize(representation, &mut payload).unwrap();
        over.deserialize_over(&payload).unwrap();
        assert_eq!(over, shape());
        assert_eq!((over.color.as_ptr(), over.additional_payload_size.as_ptr()), (color, octets));
    }
}
