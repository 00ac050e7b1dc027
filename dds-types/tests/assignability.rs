//! Assignability by the rules of XTypes 1.3 §7.2.4.4: one table of pairs of types, each with what is
//! expected of the reader's type against the writer's.

use dds_derive::DdsType;
use dds_types::DdsType;
use dds_types::assignability::{Because, Decision, DifferenceKind, Rules, Side, decide};
use dds_types::type_description::Extensibility;
use dds_types::type_object::{TypeIdentifier, TypeObject, TypeObjects, TypeRegistry};

fn objects<T: DdsType>() -> TypeObjects {
    TypeObjects::of(T::DESCRIPTION).unwrap()
}

/// The decision over complete type objects; over minimal ones it must be the same but for names.
fn check<R: DdsType, W: DdsType>(rules: Rules) -> Result<(), (String, DifferenceKind)> {
    let (reader, writer) = (objects::<R>(), objects::<W>());
    let (ours, theirs) = (reader.information().unwrap(), writer.information().unwrap());
    let (mut complete, mut minimal) = (TypeRegistry::default(), TypeRegistry::default());
    complete.insert_own(&reader);
    let Decision::NeedTypes(needed) = decide(&complete, &ours, &theirs, &rules) else {
        assert_eq!(ours.minimal.type_id, theirs.minimal.type_id, "decided without the writer's type");
        return Ok(());
    };
    assert!(needed.contains(writer.complete()));
    minimal.insert_own(&reader);
    complete
        .insert(writer.entries().iter().map(|entry| (entry.complete_id.clone(), entry.complete.clone())))
        .unwrap();
    minimal
        .insert(writer.entries().iter().map(|entry| (entry.minimal_id.clone(), entry.minimal.clone())))
        .unwrap();
    let by_complete = decide(&complete, &ours, &theirs, &rules);
    match (&by_complete, decide(&minimal, &ours, &theirs, &rules)) {
        (Decision::Assignable, Decision::Assignable) => Ok(()),
        (Decision::NotAssignable(complete), Decision::NotAssignable(minimal)) => {
            assert_eq!(complete.kind, minimal.kind);
            Err((complete.path.clone(), complete.kind.clone()))
        }
        other => panic!("the representations disagree: {other:?}"),
    }
}

fn refused<R: DdsType, W: DdsType>(rules: Rules) -> (String, DifferenceKind) {
    check::<R, W>(rules).expect_err("assignable")
}

fn at(path: &str, kind: DifferenceKind) -> (String, DifferenceKind) {
    (path.into(), kind)
}

fn missing(lacking: Side, because: Because) -> DifferenceKind {
    DifferenceKind::MissingMember { lacking, because }
}

/// Declares a type named `T` in a module of its own.
macro_rules! types {
    ($($module:ident: $(#[$attribute:meta])* { $($body:tt)* })*) => {$(
        mod $module {
            #[allow(unused_imports, reason = "not every type needs it")]
            use super::*;
            #[derive(DdsType)]
            $(#[$attribute])*
            pub struct T { $($body)* }
        }
    )*};
}

types! {
    base: #[dds(extensibility = "appendable")] { #[dds(key)] id: i32, x: i32 }
    longer: #[dds(extensibility = "appendable")] { #[dds(key)] id: i32, x: i32, y: f64 }
    swapped: #[dds(extensibility = "appendable")] { #[dds(id = 1)] x: i32, #[dds(key, id = 0)] id: i32 }
    renamed: #[dds(extensibility = "appendable")] { #[dds(key)] id: i32, z: i32 }
    widened: #[dds(extensibility = "appendable")] { #[dds(key)] id: i32, x: i64 }
    keyless: #[dds(extensibility = "appendable")] { id: i32, x: i32 }
    optional: #[dds(extensibility = "appendable")] { #[dds(key)] id: i32, x: Option<i32> }
    strict: #[dds(extensibility = "appendable")] { #[dds(key)] id: i32, x: i32, #[dds(must_understand)] y: i32 }
    foreign: #[dds(extensibility = "appendable")] { #[dds(id = 9)] other: i32 }
    final_base: { #[dds(key)] id: i32, x: i32 }
    final_longer: { #[dds(key)] id: i32, x: i32, y: f64 }
    mutable: #[dds(extensibility = "mutable")] { #[dds(key, id = 1)] id: i32, #[dds(id = 2)] x: i32 }
    mutable_other:
        #[dds(extensibility = "mutable")]
        { #[dds(id = 2)] x: i32, #[dds(id = 3)] y: f64, #[dds(key, id = 1)] id: i32 }
    mutable_optional:
        #[dds(extensibility = "mutable")] { #[dds(key, id = 1)] id: i32, #[dds(id = 2)] x: Option<i32> }
    mutable_moved:
        #[dds(extensibility = "mutable")] { #[dds(key, id = 1)] id: i32, #[dds(id = 7)] x: i32 }
    text: #[dds(extensibility = "appendable")] { x: String }
    short_text: #[dds(extensibility = "appendable")] { #[dds(bounded(4))] x: String }
    long_text: #[dds(extensibility = "appendable")] { #[dds(bounded(9))] x: String }
    short_key: #[dds(extensibility = "appendable")] { #[dds(key, bounded(4))] x: String }
    long_key: #[dds(extensibility = "appendable")] { #[dds(key, bounded(9))] x: String }
    numbers: #[dds(extensibility = "appendable")] { #[dds(bounded(4))] x: Vec<i32> }
    many_numbers: #[dds(extensibility = "appendable")] { x: Vec<i32> }
    three: #[dds(extensibility = "appendable")] { x: [i32; 3] }
    four: #[dds(extensibility = "appendable")] { x: [i32; 4] }
    octet: #[dds(extensibility = "appendable")] { #[dds(octet)] x: u8 }
    uint8: #[dds(extensibility = "appendable")] { x: u8 }
    nested_base: #[dds(extensibility = "appendable", name = "Outer")] { inner: base::T, list: Vec<base::T> }
    nested_longer: #[dds(extensibility = "appendable", name = "Outer")] { inner: longer::T, list: Vec<longer::T> }
    nested_final: #[dds(extensibility = "appendable", name = "Outer")] { inner: final_base::T }
    nested_final_longer: #[dds(extensibility = "appendable", name = "Outer")] { inner: final_longer::T }
    nested_keyed: #[dds(extensibility = "appendable", name = "Outer")] { #[dds(key)] inner: base::T }
    nested_keyed_longer: #[dds(extensibility = "appendable", name = "Outer")] { #[dds(key)] inner: longer::T }
}

fn plain() -> Rules {
    Rules::default()
}

#[test]
fn appendable_structures_grow_at_their_end() {
    assert_eq!(check::<base::T, base::T>(plain()), Ok(()));
    assert_eq!(check::<base::T, longer::T>(plain()), Ok(()));
    assert_eq!(check::<longer::T, base::T>(plain()), Ok(()));
    let moved = DifferenceKind::MemberId { reader: 0, writer: 1 };
    assert_eq!(refused::<base::T, swapped::T>(plain()), at("id", moved));
    assert_eq!(refused::<base::T, widened::T>(plain()), at("x", DifferenceKind::Incompatible));
    assert_eq!(refused::<base::T, foreign::T>(plain()).0, "id");
    assert_eq!(refused::<base::T, optional::T>(plain()), at("x", DifferenceKind::Optional));
}

#[test]
fn final_structures_do_not_change() {
    let lacking = |side| at("y", missing(side, Because::Final));
    assert_eq!(refused::<final_base::T, final_longer::T>(plain()), lacking(Side::Reader));
    assert_eq!(refused::<final_longer::T, final_base::T>(plain()), lacking(Side::Writer));
    let kind = DifferenceKind::Extensibility {
        reader: Some(Extensibility::Appendable),
        writer: Some(Extensibility::Final),
    };
    assert_eq!(refused::<base::T, final_base::T>(plain()), at("", kind));
}

#[test]
fn mutable_structures_are_compared_by_id() {
    assert_eq!(check::<mutable::T, mutable_other::T>(plain()), Ok(()));
    assert_eq!(check::<mutable_other::T, mutable::T>(plain()), Ok(()));
    assert_eq!(check::<mutable::T, mutable_optional::T>(plain()), Ok(()));
    assert_eq!(refused::<mutable::T, mutable_moved::T>(plain()), at("x", DifferenceKind::MemberName));
    let by_id = Rules { ignore_member_names: true, ..plain() };
    assert_eq!(check::<mutable::T, mutable_moved::T>(by_id), Ok(()));
}

#[test]
fn names_count_unless_ignored() {
    assert_eq!(refused::<base::T, renamed::T>(plain()), at("x", DifferenceKind::MemberName));
    assert_eq!(check::<base::T, renamed::T>(Rules { ignore_member_names: true, ..plain() }), Ok(()));
}

#[test]
fn keys_and_members_that_must_be_understood_are_in_both() {
    assert_eq!(refused::<base::T, keyless::T>(plain()), at("id", missing(Side::Writer, Because::Key)));
    assert_eq!(refused::<keyless::T, base::T>(plain()), at("id", missing(Side::Reader, Because::Key)));
    let understood = |side| at("y", missing(side, Because::MustUnderstand));
    assert_eq!(refused::<base::T, strict::T>(plain()), understood(Side::Reader));
    assert_eq!(refused::<strict::T, base::T>(plain()), understood(Side::Writer));
}

#[test]
fn widening_can_be_prevented() {
    let rules = Rules { prevent_type_widening: true, ..plain() };
    assert_eq!(
        refused::<base::T, longer::T>(rules),
        at("y", missing(Side::Reader, Because::WideningPrevented))
    );
    assert_eq!(check::<longer::T, base::T>(rules), Ok(()), "the writer's type is the narrower one");
}

#[test]
fn coercion_can_be_disallowed() {
    let rules = Rules { allow_coercion: false, ..plain() };
    assert_eq!(check::<base::T, base::T>(rules), Ok(()));
    assert_eq!(refused::<base::T, longer::T>(rules), at("", DifferenceKind::NotEqual));
}

#[test]
fn bounds_count_unless_ignored() {
    let bound = |reader, writer| at("x", DifferenceKind::Bound { reader, writer });
    let strings = Rules { ignore_string_bounds: false, ..plain() };
    assert_eq!(check::<short_text::T, text::T>(plain()), Ok(()));
    assert_eq!(refused::<short_text::T, text::T>(strings), bound(4, 0));
    assert_eq!(refused::<short_text::T, long_text::T>(strings), bound(4, 9));
    assert_eq!(check::<long_text::T, short_text::T>(strings), Ok(()));
    assert_eq!(check::<text::T, long_text::T>(strings), Ok(()));
    let sequences = Rules { ignore_sequence_bounds: false, ..plain() };
    assert_eq!(check::<numbers::T, many_numbers::T>(plain()), Ok(()));
    assert_eq!(refused::<numbers::T, many_numbers::T>(sequences), bound(4, 0));
    assert_eq!(check::<many_numbers::T, numbers::T>(sequences), Ok(()));
    assert_eq!(refused::<short_key::T, long_key::T>(plain()), at("x", DifferenceKind::KeyNarrowed));
    assert_eq!(check::<long_key::T, short_key::T>(plain()), Ok(()));
    assert_eq!(refused::<three::T, four::T>(plain()), at("x", DifferenceKind::Dimensions));
}

#[test]
fn octets_are_no_numbers() {
    assert_eq!(refused::<uint8::T, octet::T>(plain()), at("x", DifferenceKind::Incompatible));
}

#[test]
fn nested_types_must_say_where_they_end() {
    assert_eq!(check::<nested_base::T, nested_longer::T>(plain()), Ok(()));
    assert_eq!(check::<nested_longer::T, nested_base::T>(plain()), Ok(()));
    let xcdr1 = Rules { appendable_is_delimited: false, ..plain() };
    assert_eq!(refused::<nested_base::T, nested_longer::T>(xcdr1), at("inner", DifferenceKind::NotDelimited));
    assert_eq!(check::<base::T, longer::T>(xcdr1), Ok(()), "the outermost type ends with the sample");
    assert_eq!(
        refused::<nested_final::T, nested_final_longer::T>(plain()),
        at("inner.y", missing(Side::Reader, Because::Final))
    );
    // Only the key of a nested key counts as key; the rest of it may grow.
    assert_eq!(check::<nested_keyed::T, nested_keyed_longer::T>(plain()), Ok(()));
}

#[derive(DdsType)]
#[dds(name = "a::Point")]
struct Point {
    x: i32,
}
#[derive(DdsType)]
#[dds(name = "b::Point")]
struct OtherPoint {
    x: i32,
}

/// Types of the same name and with the same parts, except that a nested final type is named otherwise.
#[test]
fn names_of_types_do_not_count() {
    types! {
        one: #[dds(extensibility = "appendable")] { p: Point, y: i32 }
        other: #[dds(extensibility = "appendable")] { p: OtherPoint, y: i32, z: i32 }
    }
    assert_eq!(check::<one::T, other::T>(plain()), Ok(()));
}

mod enumerations {
    use super::*;

    macro_rules! holder {
        ($($module:ident $enumeration:ident)*) => {
            types! { $($module: #[dds(extensibility = "appendable")] { state: $enumeration })* }
        };
    }

    macro_rules! enums {
        ($($name:ident $extensibility:literal { $($literal:ident = $value:literal),* })*) => {$(
            #[derive(DdsType)]
            #[dds(name = "State", extensibility = $extensibility)]
            pub enum $name { $($literal = $value),* }
        )*};
    }

    enums! {
        Two "appendable" { Off = 0, On = 1 }
        Three "appendable" { Off = 0, On = 1, Standby = 2 }
        Named "appendable" { Off = 0, Active = 1 }
        Shifted "appendable" { Off = 0, On = 3 }
        Apart "appendable" { Left = 7, Right = 8 }
        FinalTwo "final" { Off = 0, On = 1 }
        FinalThree "final" { Off = 0, On = 1, Standby = 2 }
    }
    holder! {
        two Two three Three named Named shifted Shifted apart Apart final_two FinalTwo final_three FinalThree
    }

    #[test]
    fn literals_keep_their_meaning() {
        assert_eq!(check::<two::T, three::T>(plain()), Ok(()));
        assert_eq!(check::<three::T, two::T>(plain()), Ok(()));
        let literal = |value| at("state", DifferenceKind::Literal { value });
        assert_eq!(refused::<two::T, named::T>(plain()), literal(1));
        assert_eq!(refused::<two::T, shifted::T>(plain()), literal(1));
        assert_eq!(refused::<two::T, apart::T>(plain()), at("state", DifferenceKind::NothingInCommon));
        assert_eq!(refused::<final_two::T, final_three::T>(plain()), literal(2));
        assert_eq!(refused::<final_three::T, final_two::T>(plain()), literal(2));
    }
}

mod unions {
    use super::*;

    macro_rules! unions {
        ($($name:ident $extensibility:literal { $($cases:tt)* })*) => {$(
            #[derive(DdsType)]
            #[dds(name = "U", switch(i32), extensibility = $extensibility)]
            #[allow(dead_code, reason = "described only")]
            pub enum $name { $($cases)* }
        )*};
    }

    unions! {
        Two "appendable" { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64) }
        Three "appendable" { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64), #[dds(case = 3)] C(String) }
        Changed "appendable" { #[dds(case = 1)] A(String), #[dds(case = 2)] B(f64) }
        Apart "appendable" { #[dds(case = 8)] A(i32), #[dds(case = 9)] B(f64) }
        Defaulting "appendable" { #[dds(case = 1)] A(i32), #[dds(default)] B(f64) }
        FinalTwo "final" { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64) }
        FinalThree "final" { #[dds(case = 1)] A(i32), #[dds(case = 2)] B(f64), #[dds(case = 3)] C(String) }
    }

    #[test]
    fn cases_that_both_select_must_fit() {
        assert_eq!(check::<Two, Three>(plain()), Ok(()));
        assert_eq!(check::<Three, Two>(plain()), Ok(()));
        assert_eq!(refused::<Two, Changed>(plain()), at("A", DifferenceKind::Incompatible));
        assert_eq!(refused::<Two, Apart>(plain()), at("", DifferenceKind::NothingInCommon));
        assert_eq!(check::<Defaulting, Two>(plain()), Ok(()), "2 selects the default, of the same type");
        // 3 selects the default, a double, where the writer has a string.
        assert_eq!(refused::<Defaulting, Three>(plain()), at("B", DifferenceKind::Incompatible));
        let label = at("", DifferenceKind::Label { value: 3 });
        assert_eq!(refused::<FinalTwo, FinalThree>(plain()), label);
        assert_eq!(refused::<FinalThree, FinalTwo>(plain()), label);
        let rules = Rules { prevent_type_widening: true, ..plain() };
        assert_eq!(refused::<Two, Three>(rules), label);
    }
}

#[test]
fn types_that_contain_themselves_are_compared() {
    mod old {
        use super::*;
        #[derive(DdsType)]
        #[dds(name = "Node", extensibility = "appendable")]
        pub struct Node {
            pub value: i32,
            pub next: Vec<Node>,
        }
    }
    mod new {
        use super::*;
        #[derive(DdsType)]
        #[dds(name = "Node", extensibility = "appendable")]
        pub struct Node {
            pub value: i32,
            pub next: Vec<Node>,
            pub weight: f64,
        }
    }
    mod wrong {
        use super::*;
        #[derive(DdsType)]
        #[dds(name = "Node", extensibility = "appendable")]
        pub struct Node {
            pub value: f32,
            pub next: Vec<Node>,
        }
    }
    assert_eq!(check::<old::Node, new::Node>(plain()), Ok(()));
    assert_eq!(refused::<old::Node, wrong::Node>(plain()), at("value", DifferenceKind::Incompatible));
}

#[test]
fn differences_are_told_in_words() {
    let (reader, writer) = (objects::<base::T>(), objects::<widened::T>());
    let mut registry = TypeRegistry::default();
    registry.insert_own(&reader);
    registry.insert_own(&writer);
    let decision =
        decide(&registry, &reader.information().unwrap(), &writer.information().unwrap(), &Rules::default());
    let Decision::NotAssignable(difference) = decision else { panic!("{decision:?}") };
    assert_eq!(
        difference.to_string(),
        "member x: the reader's type is int32, the writer's int64; make them equal"
    );
}

#[test]
fn what_is_not_what_its_hash_says_is_refused() {
    let (one, other) = (objects::<base::T>(), objects::<longer::T>());
    let mut registry = TypeRegistry::default();
    let forged = (one.complete().clone(), other.entries()[0].complete.clone());
    assert!(registry.insert([forged]).is_err());
    assert_eq!(registry.missing([one.complete()]), Some(vec![one.complete().clone()]));
    let primitive = (TypeIdentifier::String8 { bound: 0 }, other.entries()[0].complete.clone());
    assert!(registry.insert([primitive]).is_err());
}

#[test]
fn what_peers_send_is_bounded() {
    let types = objects::<nested_base::T>();
    let size: usize = types.entries().iter().map(|entry| entry.complete.to_bytes().unwrap().len()).sum();
    let mut registry = TypeRegistry::new(size - 1);
    let pairs: Vec<(TypeIdentifier, TypeObject)> =
        types.entries().iter().map(|entry| (entry.complete_id.clone(), entry.complete.clone())).collect();
    registry.insert(pairs.clone()).unwrap();
    assert!(registry.get(&pairs[0].0).is_none(), "the oldest is gone");
    assert!(registry.get(&pairs[1].0).is_some());
    registry.insert_own(&types);
    registry.insert(pairs.clone()).unwrap();
    assert_eq!(registry.missing([types.complete()]), Some(vec![]), "our own types stay");
}
