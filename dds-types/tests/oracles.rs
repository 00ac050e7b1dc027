//! Our encoding against the vectors of foreign encoders (interop-tests/oracles).

#[macro_use]
mod common;

use common::vectors::{ENCODINGS, NONE, Vectors, bytes, without_padding};
use common::{ColorUnion, FinalUnion};
use dds_types::payload::{deserialize, deserialize_over, serialize_as};
use dds_types::{DdsType, PayloadKind, TopicType};
use std::fmt::Debug;

/// Both directions of every encoding there is a vector of, but those in `wrong`.
fn check<T: DdsType + Debug + PartialEq>(
    vectors: &Vectors,
    name: &str,
    extensibility: &str,
    value: &T,
    wrong: &[&str],
) {
    let vector = vectors.find(name, extensibility);
    let mut checked = 0;
    for (endianness, version, encoding) in
        ENCODINGS.into_iter().filter(|(.., encoding)| !wrong.contains(encoding))
    {
        let Some(expected) = vector.data.get(encoding) else { continue };
        let context = format!("{name} {extensibility} {encoding}");
        let mut ours = vec![];
        serialize_as(value, endianness, version, &mut ours).unwrap();
        assert_eq!(deserialize::<T>(&ours).as_ref(), Ok(value), "{context}, ours");
        let ours: String = without_padding(ours).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(&ours, expected, "{context}");
        assert_eq!(deserialize::<T>(&bytes(expected)).as_ref(), Ok(value), "{context}");
        // What was read before leaves nothing.
        for mut over in [T::initial(), value.duplicate()] {
            deserialize_over(&mut over, &bytes(expected)).unwrap();
            assert_eq!(&over, value, "{context}, over another");
        }
        checked += 1;
    }
    assert!(checked > 0, "{name} {extensibility}");
}

/// Key payloads, and keys found in samples and key payloads.
fn check_key<T: TopicType + DdsType>(vectors: &Vectors, name: &str, extensibility: &str, value: &T) {
    let vector = vectors.find(name, extensibility);
    let mut canonical = vec![];
    value.write_canonical_key(&mut canonical).unwrap();
    assert!(canonical.len() <= T::max_key_size().unwrap_or(usize::MAX));
    for (.., encoding) in ENCODINGS.into_iter() {
        let payloads = [(PayloadKind::Data, &vector.data), (PayloadKind::Key, &vector.key)];
        for (kind, payloads) in payloads {
            let mut found = vec![];
            T::canonical_key_of(&bytes(&payloads[encoding]), kind, &mut found).unwrap();
            assert_eq!(found, canonical, "{name} {extensibility} {encoding} {kind:?}");
        }
    }
    for (representation, encoding) in [
        (dds_types::DataRepresentationId::XCDR, "xcdr1_le"),
        (dds_types::DataRepresentationId::XCDR2, "xcdr2_le"),
    ] {
        let expected = bytes(&vector.key[encoding]);
        let (mut of_value, mut of_canonical) = (vec![], vec![]);
        value.serialize_key(representation, &mut of_value).unwrap();
        T::serialize_canonical_key_payload(&canonical, representation, &mut of_canonical).unwrap();
        assert_eq!(without_padding(of_value), expected, "{name} {extensibility} {encoding}");
        assert_eq!(without_padding(of_canonical), expected, "{name} {extensibility} {encoding}");
    }
    assert_eq!(T::key_from_canonical(&canonical).unwrap(), TopicType::key(value));
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

/// The canonical key is the same whatever the extensibility, because key holders are final.
#[test]
fn canonical_keys_are_those_of_cyclone() {
    let vectors = Vectors::cyclone();
    let expected = bytes(vectors.find("keyed", "final").canonical.as_ref().unwrap());
    let mut keys = vec![vec![]; 3];
    common::final_::keyed().write_canonical_key(&mut keys[0]).unwrap();
    common::appendable::keyed().write_canonical_key(&mut keys[1]).unwrap();
    common::mutable::keyed().write_canonical_key(&mut keys[2]).unwrap();
    assert_eq!(keys, vec![expected; 3]);
}

/// XTypes 1.3 §7.6.8.3.1 orders key members by id. The oracle sorts only those of mutable
/// structures, where it keeps their headers; Cyclone DDS in C sorts all of them.
#[test]
fn canonical_keys_are_in_order_of_member_id() {
    let mut key = vec![];
    common::final_::ids().write_canonical_key(&mut key).unwrap();
    assert_eq!(key, [0, 0, 0, 1, 0, 3]);
}

mod ros {
    use dds_derive::DdsType;

    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(name = "std_msgs::msg::dds_::String_")]
    pub struct Text {
        pub data: String,
    }

    #[derive(Clone, Debug, PartialEq, DdsType)]
    pub struct Header {
        pub sec: i32,
        pub nanosec: u32,
        pub frame_id: String,
    }

    #[derive(Clone, Debug, PartialEq, DdsType)]
    pub struct TransformStamped {
        pub header: Header,
        pub child_frame_id: String,
        pub translation: [f64; 3],
        pub rotation: [f64; 4],
    }

    #[derive(Clone, Debug, PartialEq, DdsType)]
    pub struct JointState {
        pub header: Header,
        pub name: Vec<String>,
        pub position: Vec<f64>,
        pub velocity: Vec<f64>,
        pub effort: Vec<f64>,
    }

    #[derive(Clone, Debug, PartialEq, DdsType)]
    pub struct PoseWithCovariance {
        pub position: [f64; 3],
        pub orientation: [f64; 4],
        pub covariance: [f64; 36],
    }
}

#[test]
fn ros_messages_are_those_of_rosbags() {
    let vectors = Vectors::load(include_str!("vectors/rosbags.json"));
    let header = ros::Header { sec: -3, nanosec: 999_999_999, frame_id: "map".into() };
    check(&vectors, "string", "final", &ros::Text { data: "Hello World: 1".into() }, NONE);
    let transform = ros::TransformStamped {
        header: header.clone(),
        child_frame_id: "base_link".into(),
        translation: [1.0, -2.0, 0.5],
        rotation: [0.0, 0.0, 0.6, 0.8],
    };
    check(&vectors, "transform", "final", &transform, NONE);
    let joints = ros::JointState {
        header,
        name: vec!["a".into(), "elbow".into()],
        position: vec![0.1, 0.2],
        velocity: vec![],
        effort: vec![3.0],
    };
    check(&vectors, "joint_state", "final", &joints, NONE);
    let covariance = ros::PoseWithCovariance {
        position: [1.0, 2.0, 3.0],
        orientation: [0.0, 0.0, 0.0, 1.0],
        covariance: std::array::from_fn(|index| index as f64),
    };
    check(&vectors, "covariance", "final", &covariance, NONE);
}
