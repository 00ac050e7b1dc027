//! Readers and writers of different versions of a type, and values that are refused.

use dds_derive::DdsType;
use dds_types::cdr::{CdrWriter, Endianness, MemberHeader, XcdrVersion};
use dds_types::payload::{deserialize, deserialize_over, serialize_as};
use dds_types::{
    DdsType, DecodeErrorKind, EncodeErrorKind, LengthCode, RepresentationIdentifier, begin_payload,
    finish_payload,
};

const VERSIONS: [XcdrVersion; 2] = [XcdrVersion::Xcdr1, XcdrVersion::Xcdr2];

fn encode<T: DdsType>(value: &T, version: XcdrVersion) -> Vec<u8> {
    let mut payload = vec![];
    serialize_as(value, Endianness::Little, version, &mut payload).unwrap();
    payload
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(extensibility = "appendable")]
struct Old {
    id: u8,
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(extensibility = "appendable")]
struct New {
    id: u8,
    name: String,
    #[dds(default_value = 42)]
    count: u32,
    maybe: Option<u64>,
    levels: [u16; 3],
}

fn new() -> New {
    New { id: 7, name: "n".into(), count: 1, maybe: Some(2), levels: [3; 3] }
}

#[test]
fn appendable_types_read_longer_and_shorter_ones() {
    let defaults = New { id: 7, name: String::new(), count: 42, maybe: None, levels: [0; 3] };
    for version in VERSIONS {
        assert_eq!(deserialize::<New>(&encode(&Old { id: 7 }, version)), Ok(defaults.clone()));
        let mut over = new();
        assert_eq!(deserialize_over(&mut over, &encode(&Old { id: 7 }, version)), Ok(()));
        assert_eq!(over, defaults);
        assert_eq!(deserialize::<Old>(&encode(&new(), version)), Ok(Old { id: 7 }));
    }
    // In XCDR1 only the sample has an end: within it a shorter type cannot be told from a truncated one.
    let nested = encode(&(vec![Old { id: 7 }]), XcdrVersion::Xcdr1);
    assert!(deserialize::<Vec<New>>(&nested).is_err());
}

#[test]
fn appendable_members_that_grew_are_skipped_in_their_place() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct HasNew {
        inner: New,
        many: Vec<New>,
        after: u32,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct HasOld {
        inner: Old,
        many: Vec<Old>,
        after: u32,
    }
    let written = HasNew { inner: new(), many: vec![new(), new()], after: 9 };
    let read = HasOld { inner: Old { id: 7 }, many: vec![Old { id: 7 }, Old { id: 7 }], after: 9 };
    assert_eq!(deserialize(&encode(&written, XcdrVersion::Xcdr2)), Ok(read));
}

#[test]
fn final_types_refuse_trailing_bytes() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Short {
        a: u32,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Long {
        a: u32,
        b: u32,
    }
    let error = deserialize::<Short>(&encode(&Long { a: 1, b: 2 }, XcdrVersion::Xcdr1)).unwrap_err();
    assert_eq!((error.kind, error.offset), (DecodeErrorKind::TrailingBytes(4), 8));
    // Padding that the options do not count.
    assert_eq!(deserialize(&[0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]), Ok(Short { a: 1 }));
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(extensibility = "mutable")]
struct Mutable {
    #[dds(key, id = 5)]
    key: u32,
    #[dds(id = 9, default_value = 1.5)]
    ratio: f64,
    #[dds(id = 1)]
    text: Option<String>,
}

/// A mutable payload of any members.
fn members(version: XcdrVersion, write: impl FnOnce(&mut CdrWriter<'_>)) -> Vec<u8> {
    let mut payload = vec![];
    let identifier = match version {
        XcdrVersion::Xcdr1 => RepresentationIdentifier::PL_CDR_LE,
        XcdrVersion::Xcdr2 => RepresentationIdentifier::PL_CDR2_LE,
    };
    let mark = begin_payload(identifier, &mut payload);
    let mut writer = CdrWriter::new(&mut payload, Endianness::Little, version);
    let delimiter = writer.begin_mutable();
    write(&mut writer);
    writer.end_mutable(delimiter).unwrap();
    finish_payload(mark, &mut payload);
    payload
}

fn member(writer: &mut CdrWriter<'_>, id: u32, must_understand: bool, value: u32) {
    let header = MemberHeader { id, must_understand };
    writer.write_member(header, LengthCode::Four, |writer| value.write(writer)).unwrap();
}

#[test]
fn mutable_members_may_be_absent_unknown_and_in_any_order() {
    for version in VERSIONS {
        let payload = members(version, |writer| {
            member(writer, 77, false, 0);
            member(writer, 5, false, 3);
        });
        assert_eq!(deserialize(&payload), Ok(Mutable { key: 3, ratio: 1.5, text: None }));
        let payload = members(version, |writer| {
            member(writer, 5, false, 3);
            member(writer, 77, true, 0);
        });
        let kind = DecodeErrorKind::UnknownMustUnderstand { type_name: "Mutable".into(), member_id: 77 };
        assert_eq!(deserialize::<Mutable>(&payload).unwrap_err().kind, kind);
        let payload = members(version, |_| {});
        let kind = DecodeErrorKind::MissingMember { type_name: "Mutable".into(), member: "key".into() };
        assert_eq!(deserialize::<Mutable>(&payload).unwrap_err().kind, kind);
    }
}

#[test]
fn short_parameter_headers_are_read() {
    // Fast DDS writes ids up to 0x3f00 in the short form; the list ends with or without its flag.
    let payload =
        [0, 3, 0, 0, 5, 0, 4, 0, 3, 0, 0, 0, 9, 0x40, 8, 0, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f, 2, 0x3f, 0, 0];
    assert_eq!(deserialize(&payload), Ok(Mutable { key: 3, ratio: 1.5, text: None }));
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Optional {
        a: u8,
        b: Option<u8>,
        c: Option<u8>,
    }
    let payload = [0, 1, 0, 0, 9, 0, 0, 0, 1, 0, 1, 0, 8, 0, 0, 0, 2, 0, 0, 0];
    assert_eq!(deserialize(&payload), Ok(Optional { a: 9, b: Some(8), c: None }));
}

#[test]
fn bounds_hold_at_both_ends() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Loose {
        text: String,
        values: Vec<String>,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Tight {
        #[dds(bounded(3))]
        text: String,
        #[dds(bounded(1))]
        values: Vec<String>,
    }
    let mut out = vec![];
    for version in VERSIONS {
        let fits = Tight { text: "abc".into(), values: vec!["long".into()] };
        assert_eq!(deserialize(&encode(&fits, version)), Ok(fits.clone()));
        let long = Tight { text: "abcd".into(), ..fits.clone() };
        let error = serialize_as(&long, Endianness::Little, version, &mut out).unwrap_err();
        assert_eq!(error.kind, EncodeErrorKind::BoundExceeded { length: 4, bound: 3 });
        let loose = Loose { text: "abc".into(), values: vec!["a".into(), "b".into()] };
        let error = deserialize::<Tight>(&encode(&loose, version)).unwrap_err();
        assert_eq!((error.kind, error.offset), (DecodeErrorKind::BoundExceeded { length: 2, bound: 1 }, 12));
    }
}

#[test]
fn values_outside_of_their_type_are_refused_with_their_offset() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(bit_bound = 8)]
    enum Level {
        Low = -1,
        High = 1,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(bitmask, bit_bound = 8)]
    struct Bits {
        first: bool,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(switch(u8))]
    enum Choice {
        #[dds(case = 1)]
        One(u8),
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct All {
        flag: bool,
        level: Level,
        bits: Bits,
        choice: Choice,
    }
    let decode = |bytes: [u8; 5]| {
        let mut payload = vec![0, 7, 0, 0];
        payload.extend(bytes);
        deserialize::<All>(&payload).map_err(|error| (error.to_string(), error.offset))
    };
    assert!(decode([1, 0xff, 1, 1, 5]).is_ok());
    assert_eq!(decode([2, 1, 1, 1, 5]).unwrap_err().1, 4);
    assert_eq!(decode([1, 0, 1, 1, 5]).unwrap_err().0, "0 is no literal of enumeration Level (offset 5)");
    assert_eq!(decode([1, 1, 2, 1, 5]).unwrap_err().0, "0x2 has bits that bitmask Bits lacks (offset 6)");
    assert_eq!(
        decode([1, 1, 1, 9, 5]).unwrap_err().0,
        "discriminator 9 selects no case of union Choice (offset 7)"
    );
}

#[test]
fn text_that_the_wire_cannot_carry_is_refused() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Texts {
        text: String,
        letter: char,
    }
    let error = |text: &str, letter| {
        let texts = Texts { text: text.into(), letter };
        serialize_as(&texts, Endianness::Little, XcdrVersion::Xcdr1, &mut vec![]).unwrap_err().kind
    };
    assert_eq!(error("a\0b", 'a'), EncodeErrorKind::NulInString);
    assert_eq!(error("a", '€'), EncodeErrorKind::InvalidChar(0x20ac));
}

#[test]
fn members_that_are_not_sent_have_their_default() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Cached {
        sent: u8,
        #[dds(non_serialized)]
        cache: Option<std::time::Duration>,
        #[dds(non_serialized, default_value = 5)]
        other: usize,
    }
    let value = Cached { sent: 1, cache: Some(std::time::Duration::ZERO), other: 9 };
    assert_eq!(
        deserialize(&encode(&value, XcdrVersion::Xcdr1)),
        Ok(Cached { sent: 1, cache: None, other: 5 })
    );
}

#[test]
fn a_union_checks_the_discriminator_it_keeps() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(switch(i16))]
    enum Kept {
        #[dds(case = 0)]
        Zero(u8),
        #[dds(default)]
        Other(#[dds(discriminator)] i16, u8),
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(switch(i16))]
    enum Free {
        #[dds(case = 0)]
        Zero(u8),
        #[dds(default)]
        Other(u8),
    }
    let error =
        serialize_as(&Kept::Other(0, 1), Endianness::Little, XcdrVersion::Xcdr2, &mut vec![]).unwrap_err();
    assert_eq!(error.kind, EncodeErrorKind::InvalidDiscriminator(0));
    let payload = encode(&Free::Other(3), XcdrVersion::Xcdr2);
    assert_eq!(deserialize(&payload), Ok(Kept::Other(1, 3)));
    assert_eq!(Kept::initial(), Kept::Zero(0));
}

/// Arrays of arrays are the dimensions of one array, boxed or not: one DHEADER, or none.
#[test]
fn dimensions_have_no_headers_of_their_own() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Arrays {
        numbers: [Box<[u8; 2]>; 2],
        texts: [Box<[String; 1]>; 1],
        nothing: [[u8; 0]; 2],
    }
    let arrays = Arrays {
        numbers: [Box::new([1, 2]), Box::new([3, 4])],
        texts: [Box::new(["a".into()])],
        nothing: [[]; 2],
    };
    let payload = encode(&arrays, XcdrVersion::Xcdr2);
    assert_eq!(payload[4..], [1, 2, 3, 4, 6, 0, 0, 0, 2, 0, 0, 0, b'a', 0, 0, 0]);
    assert_eq!(deserialize(&payload), Ok(arrays));
}

#[test]
fn values_that_do_not_fit_are_constructed_as_declared() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(extensibility = "appendable")]
    enum Wider {
        Off,
        On,
        Standby,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(extensibility = "appendable")]
    enum State {
        Off,
        #[dds(default)]
        On,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(extensibility = "mutable")]
    struct Written {
        state: Wider,
        maybe: Option<Wider>,
        text: String,
        list: Vec<u16>,
        short: String,
        last: u32,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(extensibility = "mutable")]
    struct Coerced {
        #[dds(try_construct = "use_default")]
        state: State,
        #[dds(try_construct = "use_default")]
        maybe: Option<State>,
        #[dds(bounded(4), try_construct = "trim")]
        text: String,
        #[dds(bounded(2), try_construct = "trim")]
        list: Vec<u16>,
        #[dds(bounded(2), try_construct = "use_default", default_value = "?".into())]
        short: String,
        last: u32,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(extensibility = "mutable")]
    struct Discarding {
        state: State,
    }
    let written = Written {
        state: Wider::Standby,
        maybe: Some(Wider::Standby),
        text: "abcé".into(),
        list: vec![1, 2, 3],
        short: "long".into(),
        last: 9,
    };
    for version in VERSIONS {
        let read = Coerced {
            state: State::On,
            maybe: None,
            text: "abc".into(),
            list: vec![1, 2],
            short: "?".into(),
            last: 9,
        };
        assert_eq!(deserialize(&encode(&written, version)), Ok(read), "{version:?}");
        let error = deserialize::<Discarding>(&encode(&written, version)).unwrap_err();
        assert!(error.kind.is_unfit(), "{error}");
    }
}

/// As above, where members follow each other and where a union holds them.
#[test]
fn plain_members_and_cases_are_constructed_as_declared() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(switch(u8))]
    enum Choice {
        #[dds(case = 1)]
        Text(#[dds(bounded(3), try_construct = "trim")] String),
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    #[dds(switch(u8))]
    enum Loose {
        #[dds(case = 1)]
        Text(String),
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Written {
        choice: Loose,
        list: Option<Vec<u8>>,
        last: u8,
    }
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Read {
        choice: Choice,
        #[dds(bounded(1), try_construct = "use_default")]
        list: Option<Vec<u8>>,
        last: u8,
    }
    let written = Written { choice: Loose::Text("abcd".into()), list: Some(vec![1, 2]), last: 3 };
    let read = Read { choice: Choice::Text("abc".into()), list: None, last: 3 };
    for version in VERSIONS {
        assert_eq!(deserialize(&encode(&written, version)), Ok(read.clone()), "{version:?}");
    }
}
