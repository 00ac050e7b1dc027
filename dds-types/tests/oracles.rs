//! Our encoding against the vectors of foreign encoders (interop-tests/oracles).

mod common;

use common::{ColorUnion, FinalUnion};
use dds_types::cdr::{Endianness, XcdrVersion};
use dds_types::payload::{deserialize, serialize_as};
use dds_types::{DdsType, PayloadKind, TopicType};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt::Debug;

#[derive(Deserialize)]
struct Vector {
    name: String,
    extensibility: String,
    data: BTreeMap<String, String>,
    #[serde(default)]
    key: BTreeMap<String, String>,
    canonical: Option<String>,
}

struct Vectors(Vec<Vector>);

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn encodings() -> impl Iterator<Item = (Endianness, XcdrVersion, &'static str)> {
    [
        (Endianness::Little, XcdrVersion::Xcdr1, "xcdr1_le"),
        (Endianness::Big, XcdrVersion::Xcdr1, "xcdr1_be"),
        (Endianness::Little, XcdrVersion::Xcdr2, "xcdr2_le"),
        (Endianness::Big, XcdrVersion::Xcdr2, "xcdr2_be"),
    ]
    .into_iter()
}

/// A payload as the oracles write it: without padding and its count.
fn without_padding(mut payload: Vec<u8>) -> Vec<u8> {
    assert_eq!(payload.len() % 4, 0, "payloads are padded");
    let padding = payload[3] & 3;
    payload.truncate(payload.len() - usize::from(padding));
    payload[3] &= !3;
    payload
}

impl Vectors {
    fn load(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    fn cyclone() -> Self {
        Self::load(include_str!("vectors/cyclonedds.json"))
    }

    fn find(&self, name: &str, extensibility: &str) -> &Vector {
        let found = self.0.iter().find(|vector| vector.name == name && vector.extensibility == extensibility);
        found.unwrap_or_else(|| panic!("no vector {name} {extensibility}"))
    }

    /// Both directions of every encoding there is a vector of, but those in `wrong`.
    fn check<T: DdsType + Debug + PartialEq>(
        &self,
        name: &str,
        extensibility: &str,
        value: &T,
        wrong: &[&str],
    ) {
        let vector = self.find(name, extensibility);
        let mut checked = 0;
        for (endianness, version, encoding) in encodings().filter(|(.., encoding)| !wrong.contains(encoding))
        {
            let Some(expected) = vector.data.get(encoding) else { continue };
            let context = format!("{name} {extensibility} {encoding}");
            let mut ours = vec![];
            serialize_as(value, endianness, version, &mut ours).unwrap();
            assert_eq!(deserialize::<T>(&ours).as_ref(), Ok(value), "{context}, ours");
            let ours: String = without_padding(ours).iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(&ours, expected, "{context}");
            assert_eq!(deserialize::<T>(&bytes(expected)).as_ref(), Ok(value), "{context}");
            checked += 1;
        }
        assert!(checked > 0, "{name} {extensibility}");
    }

    /// Key payloads, and keys found in samples and key payloads.
    fn check_key<T: TopicType + DdsType>(&self, name: &str, extensibility: &str, value: &T) {
        let vector = self.find(name, extensibility);
        let mut canonical = vec![];
        value.write_canonical_key(&mut canonical).unwrap();
        assert!(canonical.len() <= T::max_key_size().unwrap_or(usize::MAX));
        for (.., encoding) in encodings() {
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
}

/// The oracle writes enumerations with 4 bytes in XCDR1 whatever their bit bound. XTypes 1.3
/// §7.4.3.5.3 rule 5 has the holder type in both versions, and so has Cyclone DDS in C.
const BIT_BOUND_IS_WRONG: &[&str] = &["xcdr1_le", "xcdr1_be"];

/// The oracle writes maps without DHEADER in XCDR2. XTypes 1.3 §7.4.3.5.3 has it for all maps but
/// those of primitive keys and values; Cyclone DDS in C has no maps.
const MAP_IS_WRONG: &[&str] = &["xcdr2_le", "xcdr2_be"];

/// The oracle is right.
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
    vectors.check("string", "final", &ros::Text { data: "Hello World: 1".into() }, NONE);
    let transform = ros::TransformStamped {
        header: header.clone(),
        child_frame_id: "base_link".into(),
        translation: [1.0, -2.0, 0.5],
        rotation: [0.0, 0.0, 0.6, 0.8],
    };
    vectors.check("transform", "final", &transform, NONE);
    let joints = ros::JointState {
        header,
        name: vec!["a".into(), "elbow".into()],
        position: vec![0.1, 0.2],
        velocity: vec![],
        effort: vec![3.0],
    };
    vectors.check("joint_state", "final", &joints, NONE);
    let covariance = ros::PoseWithCovariance {
        position: [1.0, 2.0, 3.0],
        orientation: [0.0, 0.0, 0.0, 1.0],
        covariance: std::array::from_fn(|index| index as f64),
    };
    vectors.check("covariance", "final", &covariance, NONE);
}
