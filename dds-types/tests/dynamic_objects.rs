//! Types made from type objects, ours and those of Cyclone DDS, read what foreign encoders wrote.

mod common;

use dds_derive::DdsType;
use dds_types::DdsType;
use dds_types::cdr::{Endianness, XcdrVersion};
use dds_types::dynamic::{DynamicData, DynamicType, TypeNode, TypeObjectError};
use dds_types::payload::serialize_as;
use dds_types::type_object::{TypeIdentifier, TypeInformation, TypeObject, TypeObjects, from_bytes};
use serde::Deserialize;
use std::collections::BTreeMap;

const ENCODINGS: [(Endianness, XcdrVersion, &str); 4] = [
    (Endianness::Little, XcdrVersion::Xcdr1, "xcdr1_le"),
    (Endianness::Big, XcdrVersion::Xcdr1, "xcdr1_be"),
    (Endianness::Little, XcdrVersion::Xcdr2, "xcdr2_le"),
    (Endianness::Big, XcdrVersion::Xcdr2, "xcdr2_be"),
];

#[derive(Deserialize)]
struct Types {
    name: String,
    extensibility: String,
    information: String,
    minimal: Vec<[String; 2]>,
    complete: Vec<[String; 2]>,
}

#[derive(Deserialize)]
struct Sample {
    name: String,
    extensibility: String,
    data: BTreeMap<String, String>,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

type Objects = BTreeMap<TypeIdentifier, TypeObject>;

fn objects(pairs: &[[String; 2]]) -> Objects {
    let read = |[id, object]: &[String; 2]| {
        (from_bytes(&bytes(id)).unwrap(), TypeObject::from_bytes(&bytes(object)).unwrap())
    };
    pairs.iter().map(read).collect()
}

fn without_padding(mut payload: Vec<u8>) -> Vec<u8> {
    let padding = payload[3] & 3;
    payload.truncate(payload.len() - usize::from(padding));
    payload[3] &= !3;
    payload
}

fn types() -> Vec<Types> {
    serde_json::from_str(include_str!("vectors/cyclonedds_types.json")).unwrap()
}

/// Cyclone DDS says what its types are, and what its samples are: the first is enough to read the
/// second.
#[test]
fn types_of_cyclone_read_samples_of_cyclone() {
    let samples: Vec<Sample> = serde_json::from_str(include_str!("vectors/cyclonedds.json")).unwrap();
    let mut checked = 0;
    for types in types() {
        let information: TypeInformation = from_bytes(&bytes(&types.information)).unwrap();
        let objects = objects(&types.complete);
        let id = &information.complete.type_id.type_id;
        let dynamic_type = DynamicType::from_type_objects(id, |id| objects.get(id)).unwrap();
        // The types of the two optional vectors are one.
        let base = types.name.trim_end_matches("_present").trim_end_matches("_absent");
        let is_of =
            |sample: &&Sample| sample.name.starts_with(base) && sample.extensibility == types.extensibility;
        for sample in samples.iter().filter(is_of) {
            for (endianness, version, encoding) in ENCODINGS {
                // The oracle is wrong about enumerations with a bit bound in XCDR1: see oracles.rs.
                if sample.name == "bounded_enums" && version == XcdrVersion::Xcdr1 {
                    continue;
                }
                let payload = bytes(&sample.data[encoding]);
                let context = format!("{} {} {encoding}", sample.name, sample.extensibility);
                let data = DynamicData::decode(&dynamic_type, &payload).expect(&context);
                let mut again = vec![];
                data.encode_as(endianness, version, &mut again).unwrap();
                assert_eq!(without_padding(again), payload, "{context}");
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

/// The type of the description and that of the type objects.
fn both<T: DdsType>() -> (DynamicType, DynamicType) {
    let types = TypeObjects::of(T::DESCRIPTION).unwrap();
    let objects: Objects =
        types.entries().iter().map(|entry| (entry.complete_id.clone(), entry.complete.clone())).collect();
    let of_objects = DynamicType::from_type_objects(types.complete(), |id| objects.get(id)).unwrap();
    (DynamicType::of::<T>().unwrap(), of_objects)
}

fn check<T: DdsType>(value: &T) {
    let (described, of_objects) = both::<T>();
    assert_eq!(of_objects.name(), described.name());
    assert_eq!(of_objects.has_key(), described.has_key());
    for (endianness, version, _) in ENCODINGS {
        let (mut payload, mut again) = (vec![], vec![]);
        serialize_as(value, endianness, version, &mut payload).unwrap();
        let data = DynamicData::decode(&of_objects, &payload).unwrap();
        assert_eq!(data.value(), DynamicData::decode(&described, &payload).unwrap().value());
        data.encode_as(endianness, version, &mut again).unwrap();
        assert_eq!(again, payload);
    }
}

#[test]
fn our_own_type_objects_say_what_our_descriptions_do() {
    macro_rules! every {
        ($($module:ident)*) => {$({
            use common::$module::*;
            assert_eq!(both::<Primitives>().1, both::<Primitives>().0);
            assert_eq!(both::<Collections>().1, both::<Collections>().0);
            assert_eq!(both::<Arrays>().1, both::<Arrays>().0);
            assert_eq!(both::<Optionals>().1, both::<Optionals>().0);
            check(&primitives());
            check(&collections());
            check(&arrays());
            check(&nested());
            check(&enums());
            check(&bounded_enums());
            check(&optionals_present());
            check(&optionals_absent());
            check(&unions());
            check(&maps());
            check(&keyed());
            check(&ids());
        })*};
    }
    every!(final_ appendable mutable);
}

#[derive(DdsType)]
struct Node {
    value: u16,
    children: Vec<Node>,
    next: Option<Box<Node>>,
}

#[test]
fn types_may_contain_themselves() {
    let (described, of_objects) = both::<Node>();
    assert_eq!(of_objects, described);
}

#[test]
fn what_is_missing_is_named() {
    let types = TypeObjects::of(common::final_::Nested::DESCRIPTION).unwrap();
    let root = types.complete();
    let error = DynamicType::from_type_objects(root, |_| None).unwrap_err();
    assert_eq!(error, TypeObjectError::Missing(root.clone()));
    let only_root = types.entries().iter().find(|entry| entry.complete_id == *root).unwrap();
    let find = |id: &TypeIdentifier| (id == root).then_some(&only_root.complete);
    let error = DynamicType::from_type_objects(root, find).unwrap_err();
    assert!(matches!(&error, TypeObjectError::Missing(other) if other != root), "{error}");
    let minimal = objects(&types_named("nested").minimal);
    let (id, _) = minimal.iter().last().unwrap();
    let error = DynamicType::from_type_objects(id, |id| minimal.get(id)).unwrap_err();
    assert!(matches!(error, TypeObjectError::Minimal(_)), "{error}");
}

fn types_named(name: &str) -> Types {
    types().into_iter().find(|types| types.name == name).unwrap()
}

/// Discriminators that select no case have no member, which type objects need not say.
#[test]
fn a_union_without_default_case_has_an_empty_one() {
    let (_, of_objects) = both::<common::ColorUnion>();
    let TypeNode::Union(union) = of_objects.node() else { panic!("a union") };
    assert_eq!(union.cases.len(), 3);
    assert!(union.cases[2].default && union.cases[2].member_type.is_none());
    check(&common::ColorUnion::Nothing);
}
