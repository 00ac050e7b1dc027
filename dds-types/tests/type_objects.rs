//! Our type objects and their hashes against those of Cyclone DDS (interop-tests/oracles).

mod common;

use common::{ColorUnion, FinalUnion};
use dds_derive::DdsType;
use dds_types::DdsType;
use dds_types::cdr::Endianness;
use dds_types::type_object::{
    EquivalenceKind, TypeEntry, TypeIdentifier, TypeInformation, TypeObject, TypeObjects, from_bytes,
    to_bytes,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    extensibility: String,
    information: String,
    /// Identifier and object of each type.
    minimal: Vec<[String; 2]>,
    complete: Vec<[String; 2]>,
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Encodes, decodes what is encoded, and gives identifier and object as the vectors have them.
fn encoded(id: &TypeIdentifier, object: &TypeObject) -> [String; 2] {
    let (id_bytes, object_bytes) = (to_bytes(id).unwrap(), object.to_bytes().unwrap());
    assert_eq!(from_bytes::<TypeIdentifier>(&id_bytes).as_ref(), Ok(id));
    assert_eq!(TypeObject::from_bytes(&object_bytes).as_ref(), Ok(object));
    [hex(&id_bytes), hex(&object_bytes)]
}

fn entries(types: &TypeObjects, kind: EquivalenceKind) -> Vec<[String; 2]> {
    let encoded = |entry: &TypeEntry| match kind {
        EquivalenceKind::Minimal => encoded(&entry.minimal_id, &entry.minimal),
        EquivalenceKind::Complete => encoded(&entry.complete_id, &entry.complete),
    };
    types.entries().iter().map(encoded).collect()
}

fn sorted(mut pairs: Vec<[String; 2]>) -> Vec<[String; 2]> {
    pairs.sort();
    pairs.dedup();
    pairs
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("vectors/cyclonedds_types.json")).unwrap()
}

/// The same types with the same bytes, hence the same hashes; and the same identifiers announced.
fn check<T: DdsType>(name: &str, extensibility: &str) {
    let vectors = vectors();
    let vector = vectors.iter().find(|it| it.name == name && it.extensibility == extensibility).unwrap();
    let types = TypeObjects::of(T::DESCRIPTION).unwrap();
    let context = format!("{name} {extensibility}");
    for (kind, expected) in
        [(EquivalenceKind::Minimal, &vector.minimal), (EquivalenceKind::Complete, &vector.complete)]
    {
        assert_eq!(sorted(entries(&types, kind)), sorted(expected.clone()), "{context} {kind:?}");
    }
    let theirs = TypeInformation::from_parameter(&bytes(&vector.information), Endianness::Little).unwrap();
    let ours = types.information().unwrap();
    assert_eq!(ours.minimal.type_id, theirs.minimal.type_id, "{context}");
    assert_eq!(ours.complete.type_id, theirs.complete.type_id, "{context}");
    // Read and written again, it is what it was.
    assert_eq!(hex(&theirs.to_bytes().unwrap()), vector.information, "{context}");
}

macro_rules! against_cyclone {
    ($($test:ident $module:ident;)*) => {$(
        #[test]
        fn $test() {
            use common::$module::*;
            check::<Primitives>("primitives", EXTENSIBILITY);
            check::<Collections>("collections", EXTENSIBILITY);
            check::<Arrays>("arrays", EXTENSIBILITY);
            check::<Nested>("nested", EXTENSIBILITY);
            check::<Enums>("enums", EXTENSIBILITY);
            check::<BoundedEnums>("bounded_enums", EXTENSIBILITY);
            check::<Optionals>("optionals_present", EXTENSIBILITY);
            check::<Unions>("unions", EXTENSIBILITY);
            check::<Keyed>("keyed", EXTENSIBILITY);
        }
    )*};
}

against_cyclone! {
    final_types_are_those_of_cyclone final_;
    appendable_types_are_those_of_cyclone appendable;
    mutable_types_are_those_of_cyclone mutable;
}

#[test]
fn unions_are_those_of_cyclone() {
    check::<FinalUnion>("union_topic", "final");
    check::<ColorUnion>("union_topic", "appendable");
}

#[derive(DdsType)]
struct Tree {
    value: i32,
    children: Vec<Tree>,
}

#[derive(DdsType)]
struct Ping {
    pongs: Vec<Pong>,
    color: common::Color,
}

#[derive(DdsType)]
struct Pong {
    number: i16,
    pings: Vec<Ping>,
}

#[test]
fn types_that_contain_themselves_are_those_of_cyclone() {
    check::<Tree>("tree", "final");
    check::<Ping>("ping", "final");
}

/// The types of `interop-tests/oracles/types.idl`.
mod idl {
    use dds_derive::DdsType;

    #[derive(DdsType)]
    #[dds(name = "types::Flags", bitmask, bit_bound = 8)]
    pub struct Flags {
        pub a: bool,
        pub b: bool,
        #[dds(position = 7)]
        pub h: bool,
    }

    #[derive(DdsType)]
    #[dds(name = "types::Point")]
    pub struct Point {
        #[dds(octet)]
        pub x: u8,
        pub y: f64,
    }

    #[derive(DdsType)]
    #[dds(name = "types::Inner", extensibility = "appendable", nested)]
    pub struct Inner {
        #[dds(octet)]
        pub o: u8,
        pub number: u16,
        pub name: String,
    }

    #[derive(DdsType)]
    #[dds(name = "types::FinalUnion", switch(i32))]
    pub enum FinalUnion {
        #[dds(case = 1, name = "number")]
        Number(i64),
        #[dds(case = 2, case = 3, name = "text")]
        Text(String),
        #[dds(default, name = "other")]
        Other(#[dds(octet)] u8),
    }

    #[derive(DdsType)]
    #[dds(name = "types::LetterUnion", switch(char), extensibility = "appendable")]
    pub enum LetterUnion {
        #[dds(case = 'r', name = "red")]
        Red(f64),
        #[dds(case = 'b', name = "blue")]
        Blue(Vec<u16>),
    }

    #[derive(DdsType)]
    #[dds(name = "types::Everything", extensibility = "mutable", autoid = "hash")]
    pub struct Everything {
        #[dds(octet, id = 30)]
        pub third: u8,
        #[dds(hashid)]
        pub hashed: i32,
        #[dds(hashid = "other")]
        pub renamed: i64,
        #[dds(octet, must_understand)]
        pub watched: u8,
        #[dds(bounded(300))]
        pub long_text: Option<String>,
        pub outside: Box<Point>,
        pub matrix: [[i32; 2]; 3],
        #[dds(bounded(4))]
        pub points: Vec<Point>,
        pub lists: Vec<Vec<String>>,
        pub bits: Flags,
        pub final_union: FinalUnion,
        pub letter_union: LetterUnion,
        pub part: Inner,
        pub masks: Vec<Flags>,
        pub many: [Point; 300],
        pub letter: char,
        pub yes: bool,
        #[dds(octet)]
        pub octets: Vec<u8>,
    }
}

#[derive(Deserialize)]
struct CompilerVector {
    name: String,
    information: String,
    map: String,
}

/// The type information and the type objects that Cyclone DDS's compiler of C writes, byte for byte.
#[test]
fn types_are_those_of_cyclones_compiler() {
    let vectors: Vec<CompilerVector> = serde_json::from_str(include_str!("vectors/idlc_types.json")).unwrap();
    let check = |name: &str, description| {
        let vector = vectors.iter().find(|vector| vector.name == name).unwrap();
        let types = TypeObjects::of(description).unwrap();
        let theirs =
            TypeInformation::from_parameter(&bytes(&vector.information), Endianness::Little).unwrap();
        let ours = types.information().unwrap();
        assert_eq!(ours.minimal.type_id, theirs.minimal.type_id, "{name}");
        assert_eq!(ours.complete.type_id, theirs.complete.type_id, "{name}");
        assert_eq!(ours.complete.dependency_count, theirs.complete.dependency_count, "{name}");
        for entry in types.entries() {
            for object in [&entry.minimal, &entry.complete] {
                let object = hex(&object.to_bytes().unwrap());
                assert!(vector.map.contains(&object), "{name}: {object}");
            }
        }
    };
    check("types_Point", idl::Point::DESCRIPTION);
    check("types_FinalUnion", idl::FinalUnion::DESCRIPTION);
    check("types_LetterUnion", idl::LetterUnion::DESCRIPTION);
    check("types_Everything", idl::Everything::DESCRIPTION);
}

/// PID_TYPE_INFORMATION of the capture `ros2-kilted-talker-listener-service`: ROS 2's `std_msgs/String` and
/// `std_srvs/SetBool` as Fast DDS 3.2 announces them.
#[test]
fn types_are_those_of_fast_dds() {
    #[derive(DdsType)]
    #[dds(name = "std_msgs::msg::dds_::String_")]
    struct Text {
        #[dds(name = "data")]
        data: String,
    }
    #[derive(DdsType)]
    #[dds(name = "std_srvs::srv::dds_::SetBool_Request_")]
    struct SetBoolRequest {
        data: bool,
    }
    #[derive(DdsType)]
    #[dds(name = "std_srvs::srv::dds_::SetBool_Response_")]
    struct SetBoolResponse {
        success: bool,
        message: String,
    }
    let check = |description, captured: &str| {
        let theirs = TypeInformation::from_parameter(&bytes(captured), Endianness::Little).unwrap();
        let ours = TypeObjects::of(description).unwrap().information().unwrap();
        assert_eq!(theirs.minimal.dependency_count, -1, "Fast DDS leaves dependencies out");
        assert_eq!(ours.minimal.type_id, theirs.minimal.type_id);
        assert_eq!(ours.complete.type_id, theirs.complete.type_id);
    };
    check(
        Text::DESCRIPTION,
        "58000000011000502400000014000000f159656d080ab926a333a69d269cb10028000000ffffffff0400000000000000\
         021000502400000014000000f2c3da80d638e91b9fad0a6b765cc20053000000ffffffff0400000000000000",
    );
    check(
        SetBoolRequest::DESCRIPTION,
        "58000000011000502400000014000000f18d20ae0ed553622262c71ba72b470027000000ffffffff0400000000000000\
         021000502400000014000000f2eeedac610ab18bd1ac89b723f811005b000000ffffffff0400000000000000",
    );
    check(
        SetBoolResponse::DESCRIPTION,
        "58000000011000502400000014000000f1c4b86ea62824a604c2dd3c5560290038000000ffffffff0400000000000000\
         021000502400000014000000f228527a27b1b74b958dec0c25e5e8007a000000ffffffff0400000000000000",
    );
}

/// Whatever arrives, reading returns; what is read can be written.
#[test]
fn hostile_bytes_are_survived() {
    for vector in vectors() {
        for [id, object] in vector.minimal.iter().chain(&vector.complete) {
            let (id, object) = (bytes(id), bytes(object));
            for end in 0..object.len() {
                assert!(TypeObject::from_bytes(&object[..end]).is_err(), "{} cut off at {end}", vector.name);
            }
            for (at, value) in (0..object.len()).flat_map(|at| [0, 1, 0x7f, 0xff].map(|value| (at, value))) {
                let mut changed = object.clone();
                changed[at] = value;
                if let Ok(read) = TypeObject::from_bytes(&changed) {
                    read.to_bytes().unwrap();
                }
            }
            let mut longer = id.clone();
            longer.push(0);
            assert!(from_bytes::<TypeIdentifier>(&longer).is_err(), "trailing bytes");
        }
    }
}

#[test]
fn nesting_and_counts_are_bounded() {
    // sequence<sequence<…>>: kind, header and bound of each level.
    let deep: Vec<u8> = [0x80, 0xf3, 1, 0, 0].iter().copied().cycle().take(5 * 10_000).collect();
    assert!(from_bytes::<TypeIdentifier>(&deep).is_err());
    // A structure of 2^32 - 1 members in no bytes.
    let many = [0x14, 0, 0, 0, 0xf1, 0x51, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    assert!(TypeObject::from_bytes(&many).is_err());
    // An array of 2^32 - 1 dimensions.
    let dimensions = [0x91, 0xf3, 1, 0, 0xff, 0xff, 0xff, 0xff, 4];
    assert!(from_bytes::<TypeIdentifier>(&dimensions).is_err());
}

#[derive(DdsType)]
struct Octets {
    #[dds(octet)]
    data: Vec<u8>,
    names: Vec<[String; 2]>,
}

#[derive(DdsType)]
struct SmallIntegers {
    inner: Vec<[u8; 2]>,
}

#[derive(DdsType)]
struct HoldsThem {
    held: Option<SmallIntegers>,
}

#[derive(DdsType)]
struct Map {
    entries: std::collections::BTreeMap<i32, f64>,
}

#[test]
fn kinds_that_not_everybody_survives_are_found_however_deep() {
    let known = |description| TypeObjects::of(description).unwrap().is_widely_known();
    assert!(known(Octets::DESCRIPTION));
    assert!(!known(SmallIntegers::DESCRIPTION));
    assert!(!known(HoldsThem::DESCRIPTION));
    assert!(!known(Map::DESCRIPTION));
}
