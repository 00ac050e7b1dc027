//! Getting and setting by path, and what the builders make.

mod common;

use common::mutable;
use dds_derive::DdsType;
use dds_types::DataRepresentationId;
use dds_types::dynamic::{
    DynamicData, DynamicType, DynamicValue, Elements, MemberAccessor, MemberValue, PathError, UnionValue,
};
use dds_types::type_description::{Extensibility, PrimitiveKind};

fn primitive(kind: PrimitiveKind) -> DynamicType {
    DynamicType::primitive(kind)
}

/// The `Unions` of the test corpus, built by hand.
fn unions() -> DynamicType {
    let text = DynamicType::string(None);
    let final_union = DynamicType::union("FinalUnion", &primitive(PrimitiveKind::Int32))
        .case("Number", &[1], Some(&primitive(PrimitiveKind::Int64)))
        .case("Text", &[2, 3], Some(&text))
        .default_case("Other", Some(&primitive(PrimitiveKind::UInt8)))
        .build()
        .unwrap();
    let color = DynamicType::enumeration("Color").literal("Red", 0).literal("Green", 1).literal("Blue", 10);
    let shorts = DynamicType::sequence(&primitive(PrimitiveKind::UInt16), None).unwrap();
    let color_union = DynamicType::union("ColorUnion", &color.build().unwrap())
        .extensibility(Extensibility::Appendable)
        .case("Red", &[0], Some(&primitive(PrimitiveKind::Float64)))
        .case("Blue", &[10], Some(&shorts))
        .default_case("Nothing", None)
        .build()
        .unwrap();
    DynamicType::structure("Unions")
        .extensibility(Extensibility::Mutable)
        .member("before", &primitive(PrimitiveKind::UInt8))
        .member("final", &final_union)
        .member("appendable", &color_union)
        .member("unions", &DynamicType::sequence(&final_union, None).unwrap())
        .build()
        .unwrap()
}

#[test]
fn built_types_encode_as_derived_ones() {
    let dynamic_type = unions();
    let mut data = DynamicData::new(&dynamic_type);
    data.set("before", 1_i32).unwrap();
    data.set("final.Number", -5_i8).unwrap();
    data.set("appendable.Blue", vec![1_u16, 2, 3]).unwrap();
    let text = UnionValue { discriminator: 3, value: Some("abc".into()) };
    data.set("unions[0]", DynamicValue::Union(text.into())).unwrap();
    let other = UnionValue { discriminator: 77, value: Some(8_u8.into()) };
    data.set("unions[1]", DynamicValue::Union(other.into())).unwrap();
    for representation in [DataRepresentationId::XCDR, DataRepresentationId::XCDR2] {
        let (mut dynamic, mut derived) = (vec![], vec![]);
        data.encode(representation, &mut dynamic).unwrap();
        dds_types::payload::serialize(&mutable::unions(), representation, &mut derived).unwrap();
        assert_eq!(dynamic, derived);
    }
}

#[test]
fn built_types_are_equal_to_derived_ones() {
    let derived = DynamicType::of::<mutable::Point>().unwrap();
    let built = DynamicType::structure("Point")
        .extensibility(Extensibility::Mutable)
        .member("x", &primitive(PrimitiveKind::UInt8))
        .member("y", &primitive(PrimitiveKind::Float64));
    assert_eq!(built.clone().build().unwrap(), derived);
    assert_ne!(built.member("z", &derived).optional().build().unwrap(), derived);
    assert_eq!(DynamicType::of::<Node>().unwrap(), DynamicType::of::<Node>().unwrap(), "recursive");
    assert_ne!(DynamicType::of::<Node>().unwrap(), derived);
}

#[derive(DdsType)]
struct Node {
    value: u16,
    matrix: [[i16; 2]; 3],
    next: Option<Box<Node>>,
    children: Vec<Node>,
}

#[test]
fn values_are_set_and_got_by_path() {
    let node = DynamicType::of::<Node>().unwrap();
    let mut data = DynamicData::new(&node);
    assert_eq!(data.get("value"), Ok(Some(0_u16.into())));
    assert_eq!(data.get("next.next.value"), Ok(None));
    data.set("matrix[2][1]", 7_u64).unwrap();
    assert_eq!(data.get("matrix[2][1]"), Ok(Some(7_i16.into())));
    assert_eq!(data.get("matrix").unwrap(), Some(vec![0_i16, 0, 0, 0, 0, 7].into()));
    // Optional members on the way come to be; so does the element behind the last.
    data.set("next.children[0].value", 3_u8).unwrap();
    assert_eq!(data.get("next.children[0].value"), Ok(Some(3_u16.into())));
    assert_eq!(data.get("next.children[1].value"), Ok(None));
    data.clear("next").unwrap();
    assert_eq!(data.get("next.value"), Ok(None));
    data.clear("matrix[2][1]").unwrap();
    assert_eq!(data, DynamicData::new(&node));
    // Clearing what is not there makes nothing.
    data.clear("next.next").unwrap();
    assert_eq!(data, DynamicData::new(&node));
}

#[test]
fn errors_name_the_member() {
    let node = DynamicType::of::<Node>().unwrap();
    let mut data = DynamicData::new(&node);
    let mut said = |path: &str, value: DynamicValue| data.set(path, value).unwrap_err().to_string();
    assert_eq!(said("next.value", 70_000.into()), "next.value: uint16 expected, Int32(70000) given");
    assert_eq!(said("value", "a".into()), "value: uint16 expected, String(\"a\") given");
    assert_eq!(
        said("children[2].value", 1.into()),
        "children[2].value is behind the end: there are 0 elements"
    );
    assert_eq!(said("matrix[3][0]", 1.into()), "matrix[3] is outside of its 3 elements");
    assert_eq!(said("matrix[1]", 1.into()), "matrix[1] is no single value: name a member of it");
    assert_eq!(said("valeu", 1.into()), "Node has no member \"valeu\"; it has value, matrix, next, children");
    assert_eq!(said("value.x", 1.into()), "value has no members");
    assert_eq!(said("next[0]", 1.into()), "next[0] has no elements");
    for path in ["", ".", "a..b", "matrix[", "matrix[x]", "children[1]2"] {
        assert!(
            matches!(data.get(path), Err(PathError::Syntax { .. } | PathError::NoSuchMember { .. })),
            "{path}"
        );
    }
    let wrong = Elements::Values(vec![1_i16.into(), "x".into(), 0_i16.into(), 0.into(), 0.into(), 0.into()]);
    let error = data.set("matrix", DynamicValue::Elements(wrong)).unwrap_err();
    assert_eq!(error.to_string(), "matrix[1]: int16 expected, String(\"x\") given");
}

#[test]
fn literals_flags_and_bounds_are_checked() {
    let mut data = DynamicData::new(&DynamicType::of::<mutable::Enums>().unwrap());
    data.set("color", "BLUE").unwrap();
    assert_eq!(data.get("color"), Ok(Some(DynamicValue::Enumeration(10))));
    let error = data.set("color", 2).unwrap_err();
    assert_eq!(error.to_string(), "color: a literal of Color expected, Int32(2) given");
    data.set("flags", 0x81_u8).unwrap();
    assert!(data.set("flags", 0x04_u8).is_err());
    let mut data = DynamicData::new(&DynamicType::of::<mutable::Collections>().unwrap());
    data.set("short_text", "12345678").unwrap();
    let error = data.set("short_text", "123456789").unwrap_err();
    assert_eq!(error.to_string(), "short_text: a string of at most 8 expected, 9 given");
    let error = data.set("longs", vec![0; 5]).unwrap_err();
    assert_eq!(error.to_string(), "longs: a sequence of at most 4 expected, 5 given");
}

/// An accessor of a few members does not look behind the last of them.
#[test]
fn an_accessor_stops_at_its_last_member() {
    let collections = DynamicType::of::<common::final_::Collections>().unwrap();
    let accessor = MemberAccessor::new(&collections, &["texts[1]", "text", "texts[1]"]).unwrap();
    let mut payload = vec![];
    dds_types::payload::serialize(&common::final_::collections(), DataRepresentationId::XCDR, &mut payload)
        .unwrap();
    let whole = payload.len();
    payload.truncate(whole - 20);
    let mut values = [MemberValue::Absent; 3];
    accessor.read(&payload, &mut values).unwrap();
    assert_eq!(values, [MemberValue::String("ab"), MemberValue::String("héllo"), MemberValue::String("ab")]);
    assert_eq!(accessor.types()[0], DynamicType::string(None));
    let error = MemberAccessor::new(&collections, &["texts"]).unwrap_err();
    assert_eq!(error.to_string(), "texts is no single value: name a member of it");
}

/// What a reader whose type has grown sees of a sample of the old type.
#[test]
fn an_accessor_gives_defaults_for_members_that_the_writer_lacks() {
    let old = DynamicType::structure("Grown")
        .extensibility(Extensibility::Appendable)
        .member("first", &primitive(PrimitiveKind::UInt8))
        .build()
        .unwrap();
    let color = DynamicType::enumeration("Color").literal("Green", 5).build().unwrap();
    let new = DynamicType::structure("Grown")
        .extensibility(Extensibility::Appendable)
        .member("first", &primitive(PrimitiveKind::UInt8))
        .member("color", &color)
        .member("text", &DynamicType::string(None))
        .member("maybe", &primitive(PrimitiveKind::Int8))
        .optional()
        .build()
        .unwrap();
    let mut data = DynamicData::new(&old);
    data.set("first", 9).unwrap();
    let mut payload = vec![];
    data.encode(DataRepresentationId::XCDR2, &mut payload).unwrap();
    let accessor = MemberAccessor::new(&new, &["first", "color", "text", "maybe"]).unwrap();
    let mut values = [MemberValue::Absent; 4];
    accessor.read(&payload, &mut values).unwrap();
    let expected =
        [MemberValue::Unsigned(9), MemberValue::Enumeration(5), MemberValue::String(""), MemberValue::Absent];
    assert_eq!(values, expected);
    let decoded = DynamicData::decode(&new, &payload).unwrap();
    assert_eq!(decoded.get("color"), Ok(Some(DynamicValue::Enumeration(5))));
}
