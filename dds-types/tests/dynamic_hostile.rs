//! Types known at run time decode exactly what the derived types do, whatever the bytes; and take
//! no more memory than they may.

mod common;

use common::corpus::{ENCODINGS, Tree, corpus, corrupted, random_bytes, small_words, tree};
use common::{ColorUnion, FinalUnion};
use dds_types::cdr::CdrReader;
use dds_types::dynamic::{
    DynamicData, DynamicTopicType, DynamicType, DynamicValue, Elements, GraphBuilder, MemberAccessor,
    MemberNode, MemberValue, StructureNode, TypeError, TypeIndex, TypeNode,
};
use dds_types::payload::{deserialize, serialize_as};
use dds_types::type_description::{Extensibility, PrimitiveKind};
use dds_types::{DdsType, DecodeErrorKind, PayloadKind, TopicType};
use proptest::prelude::*;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts the bytes that a thread holds, and the most it held.
struct Counting;

thread_local! {
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

// SAFETY: everything is handed to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = HELD.try_with(|held| {
            let (now, most) = held.get();
            let now = now.saturating_add(layout.size());
            held.set((now, most.max(now)));
        });
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let _ = HELD.try_with(|held| {
            let (now, most) = held.get();
            held.set((now.saturating_sub(layout.size()), most));
        });
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `run` held at a time.
fn most_held<T>(run: impl FnOnce() -> T) -> (T, usize) {
    HELD.with(|held| held.set((0, 0)));
    let result = run();
    (result, HELD.with(|held| held.get().1))
}

/// Everything single in a type, to a depth.
fn paths(dynamic_type: &DynamicType, before: &str, depth: usize, found: &mut Vec<String>) {
    let mut inner = |name: &str, index: TypeIndex| {
        let path = if before.is_empty() { name.to_owned() } else { format!("{before}{name}") };
        paths(&dynamic_type.at(index), &path, depth + 1, found);
    };
    if depth > 4 {
        return;
    }
    let dot = if before.is_empty() { "" } else { "." };
    match dynamic_type.node() {
        TypeNode::Structure(structure) => {
            for member in &structure.members {
                inner(&format!("{dot}{}", member.name), member.member_type);
            }
        }
        TypeNode::Union(union) => {
            for case in &union.cases {
                if let Some(member) = case.member_type {
                    inner(&format!("{dot}{}", case.name), member);
                }
            }
        }
        TypeNode::Sequence { element, .. } if !before.is_empty() => {
            inner("[0]", *element);
            inner("[2]", *element);
        }
        TypeNode::Array { element, dimensions } if !before.is_empty() => {
            inner(&"[1]".repeat(dimensions.len()), *element);
        }
        TypeNode::Sequence { .. } | TypeNode::Array { .. } | TypeNode::Map { .. } => {}
        _ => found.push(before.to_owned()),
    }
}

/// Whether what an accessor found is what the decoded sample has.
fn same(found: MemberValue<'_>, decoded: Option<DynamicValue>) -> bool {
    use DynamicValue as Value;
    match (found, decoded) {
        (MemberValue::Absent, None) => true,
        (MemberValue::Boolean(one), Some(Value::Boolean(other))) => one == other,
        (MemberValue::Signed(one), Some(Value::Int8(other))) => one == i64::from(other),
        (MemberValue::Signed(one), Some(Value::Int16(other))) => one == i64::from(other),
        (MemberValue::Signed(one), Some(Value::Int32(other))) => one == i64::from(other),
        (MemberValue::Signed(one), Some(Value::Int64(other))) => one == other,
        (MemberValue::Unsigned(one), Some(Value::UInt8(other))) => one == u64::from(other),
        (MemberValue::Unsigned(one), Some(Value::UInt16(other))) => one == u64::from(other),
        (MemberValue::Unsigned(one), Some(Value::UInt32(other))) => one == u64::from(other),
        (MemberValue::Unsigned(one), Some(Value::UInt64(other))) => one == other,
        (MemberValue::Float(one), Some(Value::Float32(other))) => {
            one == f64::from(other) || one.is_nan() && other.is_nan()
        }
        (MemberValue::Float(one), Some(Value::Float64(other))) => one.to_bits() == other.to_bits(),
        (MemberValue::Character(one), Some(Value::Char8(other) | Value::Char16(other))) => one == other,
        (MemberValue::String(one), Some(Value::String(other))) => one == other,
        (MemberValue::WideString(one), Some(Value::String(other))) => one.chars().eq(other.chars()),
        (MemberValue::Enumeration(one), Some(Value::Enumeration(other))) => one == other,
        (MemberValue::Bitmask(one), Some(Value::Bitmask(other))) => one == other,
        _ => false,
    }
}

/// One derived type and its counterpart.
struct Pair {
    dynamic_type: DynamicType,
    topic: DynamicTopicType,
    paths: Vec<String>,
    accessor: MemberAccessor,
}

impl Pair {
    fn of<T: DdsType>() -> Self {
        let dynamic_type = DynamicType::of::<T>().unwrap();
        let mut found = vec![];
        paths(&dynamic_type, "", 0, &mut found);
        Self {
            topic: DynamicTopicType::new(&dynamic_type),
            accessor: MemberAccessor::new(&dynamic_type, &found).unwrap(),
            paths: found,
            dynamic_type,
        }
    }

    /// Both decode, or both refuse for the same reason; what they decoded is encoded alike.
    fn decode<T: DdsType>(&self, payload: &[u8]) -> bool {
        let derived = deserialize::<T>(payload);
        let (dynamic, held) = most_held(|| DynamicData::decode(&self.dynamic_type, payload));
        assert!(held <= (1 << 20) + payload.len() * 600, "{held} bytes held for {}", payload.len());
        let (derived, dynamic) = match (derived, dynamic) {
            (Ok(derived), Ok(dynamic)) => (derived, dynamic),
            (Err(derived), Err(dynamic)) => {
                // Elements of an array are counted at once here, one by one there.
                if !matches!(dynamic.kind, DecodeErrorKind::UnexpectedEnd { .. }) {
                    assert_eq!(dynamic, derived, "{:?}", self.dynamic_type);
                }
                return false;
            }
            (derived, dynamic) => panic!(
                "{:?}: derived {:?}, dynamic {dynamic:?}, of {payload:?}",
                self.dynamic_type,
                derived.map(drop)
            ),
        };
        for (endianness, version) in ENCODINGS {
            let (mut one, mut other) = (vec![], vec![]);
            serialize_as(&derived, endianness, version, &mut one).unwrap();
            dynamic.encode_as(endianness, version, &mut other).unwrap();
            assert_eq!(other, one, "{:?}", self.dynamic_type);
            assert_eq!(DynamicData::decode(&self.dynamic_type, &one).as_ref(), Ok(&dynamic));
        }
        let mut values = vec![MemberValue::Absent; self.paths.len()];
        let (read, held) = most_held(|| self.accessor.read(payload, &mut values));
        assert_eq!((read, held), (Ok(()), 0), "what decodes is read, without allocation");
        for (path, value) in self.paths.iter().zip(values) {
            let decoded = dynamic.get(path).unwrap();
            assert!(same(value, decoded.clone()), "{:?} {path}: {value:?}, {decoded:?}", self.dynamic_type);
        }
        true
    }

    fn decode_keyed<T: TopicType + DdsType>(&self, payload: &[u8]) {
        for kind in [PayloadKind::Data, PayloadKind::Key] {
            let (mut derived, mut dynamic) = (vec![], vec![]);
            let expected = T::canonical_key_of(payload, kind, &mut derived);
            let found = self.topic.canonical_key_of(payload, kind, &mut dynamic);
            assert_eq!(found.is_ok(), expected.is_ok(), "{:?} {found:?} {expected:?}", self.dynamic_type);
            if expected.is_ok() {
                assert_eq!(dynamic, derived, "{:?} {kind:?}", self.dynamic_type);
            }
        }
        self.decode::<T>(payload);
    }
}

type Pairs = Vec<(Pair, fn(&Pair, &[u8]))>;

/// Decodes the bytes as every type there is.
struct All {
    pairs: Pairs,
}

impl All {
    fn new() -> Self {
        let mut pairs: Pairs = vec![];
        macro_rules! add {
            ($($type:ty),*) => {$(
                pairs.push((Pair::of::<$type>(), |pair, payload| {
                    pair.decode::<$type>(payload);
                }));
            )*};
        }
        macro_rules! every {
            ($($module:ident)*) => {$({
                use common::$module::*;
                add!(Primitives, Collections, Arrays, Nested, Enums, BoundedEnums, Optionals, Unions, Maps);
                pairs.push((Pair::of::<Keyed>(), |pair, payload| pair.decode_keyed::<Keyed>(payload)));
                pairs.push((Pair::of::<Ids>(), |pair, payload| pair.decode_keyed::<Ids>(payload)));
            })*};
        }
        every!(final_ appendable mutable);
        add!(FinalUnion, ColorUnion, Tree);
        Self { pairs }
    }

    fn decode(&self, payload: &[u8]) {
        self.pairs.iter().for_each(|(pair, decode)| decode(pair, payload));
    }
}

#[test]
fn every_truncation_is_refused_or_read_alike() {
    let all = All::new();
    for payload in corpus() {
        for length in 0..=payload.len() {
            all.decode(&payload[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_are_read_alike(payload in random_bytes()) {
        All::new().decode(&payload);
    }

    #[test]
    fn small_words_are_read_alike(payload in small_words()) {
        All::new().decode(&payload);
    }

    #[test]
    fn corruption_is_read_alike(payload in corrupted()) {
        All::new().decode(&payload);
    }
}

#[test]
fn nesting_is_bounded() {
    let pair = Pair::of::<Tree>();
    for (endianness, version) in ENCODINGS {
        let mut payload = vec![];
        serialize_as(&tree(64), endianness, version, &mut payload).unwrap();
        assert!(pair.decode::<Tree>(&payload));
        payload.clear();
        serialize_as(&tree(65), endianness, version, &mut payload).unwrap();
        let error = DynamicData::decode(&pair.dynamic_type, &payload).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::RecursionLimit);
    }
}

/// A type of a hostile peer: an element of 4 bytes on the wire has a thousand members.
#[test]
fn the_type_cannot_make_a_small_sample_large() {
    let mut element = DynamicType::structure("Element").extensibility(Extensibility::Mutable);
    for member in 0..1000 {
        element = element.member(&format!("m{member}"), &DynamicType::primitive(PrimitiveKind::Int64));
    }
    let sequence = DynamicType::sequence(&element.build().unwrap(), None).unwrap();
    let sample = DynamicType::structure("Sample").member("values", &sequence).build().unwrap();
    let count = 20_000_u32;
    let mut payload = vec![0, 7, 0, 0];
    payload.extend((4 + count * 4).to_le_bytes());
    payload.extend(count.to_le_bytes());
    payload.extend(vec![0; count as usize * 4]);
    let (result, held) = most_held(|| DynamicData::decode(&sample, &payload));
    assert_eq!(result.unwrap_err().kind, DecodeErrorKind::MemoryLimit);
    assert!(held < (1 << 20) + payload.len() * 300, "{held}");
}

#[test]
fn an_absent_array_counts() {
    let octets = DynamicType::primitive(PrimitiveKind::UInt8);
    let sample = DynamicType::structure("Sample")
        .extensibility(Extensibility::Appendable)
        .member("image", &DynamicType::array(&octets, &[1 << 14, 1 << 13]).unwrap())
        .build()
        .unwrap();
    let (result, held) = most_held(|| DynamicData::decode(&sample, &[0, 9, 0, 0, 0, 0, 0, 0]));
    assert_eq!(result.unwrap_err().kind, DecodeErrorKind::MemoryLimit);
    assert!(held < 4096, "{held}");
}

#[test]
fn types_that_cannot_be_are_refused() {
    // A structure that contains itself.
    let mut graph = GraphBuilder::default();
    let index = graph.declare();
    graph.define(index, structure("A", "itself", index));
    let refused = DynamicType::from_graph(graph, index).unwrap_err();
    assert_eq!(refused, TypeError::Infinite { type_name: "A".into() });
    // A sequence that is its own element.
    let mut graph = GraphBuilder::default();
    let index = graph.declare();
    graph.define(index, TypeNode::Sequence { element: index, bound: None });
    assert_eq!(DynamicType::from_graph(graph, index).unwrap_err(), TypeError::TooDeep);
    // A long chain of sequences.
    let mut sequence = DynamicType::primitive(PrimitiveKind::UInt8);
    for _ in 0..8 {
        sequence = DynamicType::sequence(&sequence, None).unwrap();
    }
    assert_eq!(DynamicType::sequence(&sequence, None).unwrap_err(), TypeError::TooDeep);
    // An array of arrays of a quarter of a gibibyte and more.
    let octets = DynamicType::primitive(PrimitiveKind::UInt8);
    assert!(matches!(DynamicType::array(&octets, &[1 << 20, 1 << 20]), Err(TypeError::TooLarge { .. })));
    // A declaration without definition, and a reference out of the graph.
    let mut graph = GraphBuilder::default();
    let index = graph.declare();
    assert_eq!(DynamicType::from_graph(graph, index).unwrap_err(), TypeError::Undefined(index));
    let mut other = GraphBuilder::default();
    let far = (0..9).map(|_| other.declare()).last().unwrap();
    let mut graph = GraphBuilder::default();
    let index = graph.add(TypeNode::Sequence { element: far, bound: None });
    assert!(matches!(DynamicType::from_graph(graph, index), Err(TypeError::Invalid { .. })));
    // Names and ids twice.
    let byte = DynamicType::primitive(PrimitiveKind::UInt8);
    let twice = DynamicType::structure("A").member("a", &byte).member("a", &byte).build();
    assert_eq!(twice.unwrap_err().to_string(), "A has member a twice");
    let twice = DynamicType::structure("A").member("a", &byte).member("b", &byte).id(0).build();
    assert_eq!(twice.unwrap_err().to_string(), "A has member id 0x0 twice");
}

/// A structure of one member.
fn structure(name: &str, member: &str, member_type: TypeIndex) -> TypeNode {
    let member = MemberNode {
        name: member.into(),
        id: 0,
        member_type,
        key: false,
        optional: false,
        must_understand: false,
    };
    TypeNode::Structure(StructureNode {
        name: name.into(),
        extensibility: Extensibility::Final,
        nested: false,
        members: [member].into(),
    })
}

#[test]
fn recursion_in_the_type_does_not_exhaust_the_stack() {
    // Every structure holds a sequence of itself.
    let mut graph = GraphBuilder::default();
    let index = graph.declare();
    let sequence = graph.add(TypeNode::Sequence { element: index, bound: None });
    graph.define(index, structure("Node", "children", sequence));
    let node = DynamicType::from_graph(graph, index).unwrap();
    let mut payload = vec![0, 1, 0, 0];
    payload.extend(1_u32.to_le_bytes().repeat(100_000));
    let error = DynamicData::decode(&node, &payload).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::RecursionLimit);
    assert_eq!(error.offset, 4 + 4 * usize::from(CdrReader::MAX_DEPTH));
}

#[test]
fn elements_keep_their_size() {
    let image = DynamicType::structure("Image")
        .member(
            "octets",
            &DynamicType::sequence(&DynamicType::primitive(PrimitiveKind::UInt8), None).unwrap(),
        )
        .build()
        .unwrap();
    let mut payload = vec![0, 1, 0, 0];
    payload.extend(1_000_000_u32.to_le_bytes());
    payload.extend(vec![7; 1_000_000]);
    let (data, held) = most_held(|| DynamicData::decode(&image, &payload).unwrap());
    assert!(held < 1_010_000, "{held}");
    let octets = data.get("octets").unwrap();
    assert!(
        matches!(octets, Some(DynamicValue::Elements(Elements::UInt8(octets))) if octets.len() == 1_000_000)
    );
}
