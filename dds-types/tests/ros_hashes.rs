//! RIHS01 hashes against rosbags, for every message of ROS 2 Kilted.

use dds_derive::DdsType;
use dds_types::dynamic::DynamicType;
use dds_types::ros;
use dds_types::type_description::PrimitiveKind;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Message {
    name: String,
    hash: String,
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    name: String,
    #[serde(rename = "type")]
    member_type: String,
    bound: Option<u32>,
    array: Option<u32>,
    sequence: Option<u32>,
}

fn messages() -> BTreeMap<String, Message> {
    let messages: Vec<Message> = serde_json::from_str(include_str!("vectors/rosbags_hashes.json")).unwrap();
    messages.into_iter().map(|message| (message.name.clone(), message)).collect()
}

/// The type of a message, made by hand; names of members end with `suffix`.
fn build(messages: &BTreeMap<String, Message>, name: &str, suffix: &str) -> DynamicType {
    let Some(message) = messages.get(name) else { panic!("no message {name}") };
    let [package, kind, own] = name.split('/').collect::<Vec<_>>()[..] else { panic!("{name}") };
    let mut structure = DynamicType::structure(&format!("{package}::{kind}::dds_::{own}_"));
    for member in &message.members {
        let single = match member.member_type.as_str() {
            "string" => DynamicType::string(member.bound),
            nested if nested.contains('/') => build(messages, nested, suffix),
            primitive => DynamicType::primitive(match primitive {
                "bool" => PrimitiveKind::Boolean,
                "byte" | "octet" => PrimitiveKind::Byte,
                "char" => PrimitiveKind::Char8,
                "int8" => PrimitiveKind::Int8,
                "uint8" => PrimitiveKind::UInt8,
                "int16" => PrimitiveKind::Int16,
                "uint16" => PrimitiveKind::UInt16,
                "int32" => PrimitiveKind::Int32,
                "uint32" => PrimitiveKind::UInt32,
                "int64" => PrimitiveKind::Int64,
                "uint64" => PrimitiveKind::UInt64,
                "float32" => PrimitiveKind::Float32,
                "float64" => PrimitiveKind::Float64,
                other => panic!("{other}"),
            }),
        };
        let member_type = match (member.array, member.sequence) {
            (Some(length), _) => DynamicType::array(&single, &[length]).unwrap(),
            (_, Some(0)) => DynamicType::sequence(&single, None).unwrap(),
            (_, Some(bound)) => DynamicType::sequence(&single, Some(bound)).unwrap(),
            _ => single,
        };
        structure = structure.member(&format!("{}{suffix}", member.name), &member_type);
    }
    structure.build().unwrap()
}

#[test]
fn the_hashes_of_all_messages_are_those_of_rosbags() {
    let messages = messages();
    assert!(messages.len() > 150);
    for (name, message) in &messages {
        // IDL compilers of ROS 2 append an underscore.
        for suffix in ["", "_"] {
            let hash = ros::type_hash(&build(&messages, name, suffix));
            assert_eq!(hash.as_ref(), Some(&message.hash), "{name}");
        }
    }
}

/// The `char` of messages is `uint8` in IDL, and so in the hash that ROS 2 itself has (in
/// `share/std_msgs/msg/Char.json`); rosbags takes it for the `char` of IDL.
#[test]
fn the_char_of_messages_is_a_number() {
    let octet = DynamicType::primitive(PrimitiveKind::UInt8);
    let char = DynamicType::structure("std_msgs::msg::dds_::Char_").member("data", &octet).build().unwrap();
    let expected = "RIHS01_3ad2d04dd29ba19d04b16659afa3ccaedd691914b02a64e82e252f2fa6a586a9";
    assert_eq!(ros::type_hash(&char).as_deref(), Some(expected));
}

#[derive(DdsType)]
#[dds(name = "diagnostic_msgs::msg::dds_::KeyValue_")]
struct KeyValue {
    key: String,
    value: String,
}

#[derive(DdsType)]
#[dds(name = "diagnostic_msgs::msg::dds_::DiagnosticStatus_")]
struct DiagnosticStatus {
    #[dds(octet)]
    level: u8,
    name: String,
    message: String,
    hardware_id: String,
    values: Vec<KeyValue>,
}

#[derive(DdsType)]
#[dds(name = "shape_msgs::msg::dds_::MeshTriangle_")]
struct MeshTriangle {
    vertex_indices: [u32; 3],
}

#[test]
fn derived_types_have_the_hashes_of_rosbags() {
    let messages = messages();
    let status = DynamicType::of::<DiagnosticStatus>().unwrap();
    assert_eq!(ros::type_hash(&status), Some(messages["diagnostic_msgs/msg/DiagnosticStatus"].hash.clone()));
    let triangle = DynamicType::of::<MeshTriangle>().unwrap();
    assert_eq!(ros::type_hash(&triangle), Some(messages["shape_msgs/msg/MeshTriangle"].hash.clone()));
}

#[test]
fn what_ros_does_not_have_has_no_hash() {
    let byte = DynamicType::primitive(PrimitiveKind::UInt8);
    let own = DynamicType::structure("fleet::Position").member("x", &byte).build().unwrap();
    assert_eq!(ros::type_hash(&own), None);
    let of_own = DynamicType::structure("a::msg::dds_::B_").member("x", &own).build().unwrap();
    assert_eq!(ros::type_hash(&of_own), None);
    let optional = DynamicType::structure("a::msg::dds_::B_").member("x", &byte).optional().build().unwrap();
    assert_eq!(ros::type_hash(&optional), None);
    let matrix = DynamicType::array(&byte, &[2, 2]).unwrap();
    let of_matrix = DynamicType::structure("a::msg::dds_::B_").member("x", &matrix).build().unwrap();
    assert_eq!(ros::type_hash(&of_matrix), None);
    for name in
        ["a::msg::B_", "a::msg::dds_::B", "a::msg::dds_::B_::c", "a::other::dds_::B_", "::msg::dds_::B_"]
    {
        assert_eq!(ros::type_name(name), None, "{name}");
    }
}

#[test]
fn a_hash_that_is_there_is_found() {
    let user_data = ros::user_data("RIHS01_00");
    assert_eq!(user_data, b"typehash=RIHS01_00;");
    assert!(ros::has_type_hash(&user_data) && ros::has_type_hash(b"a=b;typehash=RIHS01_1;"));
    assert!(!ros::has_type_hash(b"atypehash=RIHS01_1;") && !ros::has_type_hash(b""));
}
