//! What the derive says of a type, for type objects.

mod common;

use dds_derive::DdsType;
use dds_types::type_description::{Extensibility, MemberDescription, PrimitiveKind};
use dds_types::{TopicType, TypeDescription};

fn members<T: TopicType>() -> &'static [MemberDescription] {
    match T::type_description() {
        Some(TypeDescription::Structure(structure)) => structure.members,
        other => panic!("{other:?} is no structure"),
    }
}

#[test]
fn members_have_their_ids_and_flags() {
    let ids: Vec<_> =
        members::<common::mutable::Ids>().iter().map(|member| (member.name, member.id)).collect();
    // The hashes of "hashed" and "other".
    let hash = |name| ids.iter().find(|(found, _)| *found == name).unwrap().1;
    assert_eq!(ids.len(), 6);
    assert_eq!((hash("third"), hash("first"), hash("second"), hash("watched")), (30, 10, 20, 0x3f10));
    assert!(hash("hashed") <= 0x0fff_ffff && hash("renamed") <= 0x0fff_ffff);
    let watched = members::<common::mutable::Ids>().last().unwrap();
    assert!(watched.must_understand && !watched.key && !watched.optional);
    let third = &members::<common::mutable::Ids>()[0];
    assert!(third.key);
    let collections = members::<common::final_::Collections>();
    assert_eq!(collections[1].bound, Some(8));
    assert!(matches!(collections[1].member_type.description(), TypeDescription::String8 { bound: None }));
    assert!(members::<common::final_::Optionals>()[1].optional);
}

#[test]
fn nested_types_are_reached_by_reference() {
    let nested = members::<common::appendable::Nested>();
    let TypeDescription::Structure(point) = nested[1].member_type.description() else {
        panic!("a structure")
    };
    assert_eq!((point.name, point.extensibility), ("Point", Extensibility::Appendable));
    let TypeDescription::Array { element, length: 2 } = nested[3].member_type.description() else {
        panic!("an array of 2")
    };
    assert_eq!(element.description().name(), Some("Point"));
    let enums = members::<common::final_::Enums>();
    let TypeDescription::Enumeration(color) = enums[1].member_type.description() else { panic!("an enum") };
    let literals: Vec<_> = color.literals.iter().map(|literal| (literal.name, literal.value)).collect();
    assert_eq!(literals, [("RED", 0), ("GREEN", 1), ("BLUE", 10)]);
    let TypeDescription::Bitmask(flags) = enums[3].member_type.description() else { panic!("a bitmask") };
    assert_eq!((flags.bit_bound, flags.flags[2].position), (8, 7));
}

#[test]
fn unions_have_their_labels() {
    let Some(TypeDescription::Union(union)) = common::FinalUnion::type_description() else {
        panic!("a union")
    };
    assert!(matches!(union.discriminator.description(), TypeDescription::Primitive(PrimitiveKind::Int32)));
    let labels: Vec<_> = union.cases.iter().map(|case| (case.labels, case.default)).collect();
    assert_eq!(labels, [(&[1_i64][..], false), (&[2, 3], false), (&[], true)]);
}

#[test]
fn recursive_types_can_be_described() {
    #[derive(DdsType)]
    #[dds(name = "graph::Node", autoid = "hash")]
    struct Node {
        #[dds(external)]
        color: u8,
        next: Option<Box<Node>>,
    }
    let node = members::<Node>();
    assert_eq!(node[0].id, 0x0fa5_dd70, "the example of XTypes 1.3");
    assert!(node[1].external, "a box is external");
    assert_eq!(format!("{:?}", node[1].member_type), "graph::Node");
    assert_eq!(Node::type_name(), "graph::Node");
}
