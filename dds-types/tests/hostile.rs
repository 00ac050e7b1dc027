//! Decoding of anything at all: no panic, and what is accepted is consistent.

mod common;

use common::corpus::{ENCODINGS, Tree, corpus, corrupted, random_bytes, small_words, tree};
use common::{ColorUnion, FinalUnion};
use dds_derive::DdsType;
use dds_types::payload::{deserialize, deserialize_over, serialize_as};
use dds_types::{DdsType, DecodeErrorKind, PayloadKind, TopicType, WideString};
use proptest::prelude::*;

/// Decodes; what is accepted is encoded again, alike in every encoding.
fn decode<T: DdsType>(payload: &[u8]) -> Option<T> {
    let read = deserialize::<T>(payload);
    let mut over = T::initial();
    assert_eq!(deserialize_over(&mut over, payload).as_ref().err(), read.as_ref().err());
    let value = read.ok()?;
    for (endianness, version) in ENCODINGS {
        let mut once = vec![];
        serialize_as(&value, endianness, version, &mut once).unwrap();
        // Over an initial value, and over one that holds the value already.
        for _ in 0..2 {
            deserialize_over(&mut over, payload).unwrap();
            let mut again = vec![];
            serialize_as(&over, endianness, version, &mut again).unwrap();
            assert_eq!(once, again);
        }
        let mut twice = vec![];
        serialize_as(&deserialize::<T>(&once).unwrap(), endianness, version, &mut twice).unwrap();
        assert_eq!(once, twice);
    }
    Some(value)
}

/// Decodes a keyed type, and finds its key without decoding.
fn decode_keyed<T: TopicType + DdsType>(payload: &[u8]) {
    let mut found = vec![];
    let key = T::canonical_key_of(payload, PayloadKind::Data, &mut found);
    if let Some(value) = decode::<T>(payload) {
        let mut canonical = vec![];
        value.write_canonical_key(&mut canonical).unwrap();
        assert_eq!((key, found), (Ok(()), canonical));
    }
    let mut found = vec![];
    if T::canonical_key_of(payload, PayloadKind::Key, &mut found).is_ok() {
        let mut again = vec![];
        T::serialize_canonical_key_payload(&found, dds_types::DataRepresentationId::XCDR2, &mut again)
            .unwrap();
        let mut canonical = vec![];
        T::canonical_key_of(&again, PayloadKind::Key, &mut canonical).unwrap();
        assert_eq!(found, canonical);
    }
}

/// Decodes the bytes as every type there is.
fn decode_all(payload: &[u8]) {
    macro_rules! every {
        ($($module:ident)*) => {$({
            use common::$module::*;
            decode::<Primitives>(payload);
            decode::<Collections>(payload);
            decode::<Arrays>(payload);
            decode::<Nested>(payload);
            decode::<Enums>(payload);
            decode::<BoundedEnums>(payload);
            decode::<Optionals>(payload);
            decode::<Unions>(payload);
            decode::<Maps>(payload);
            decode_keyed::<Keyed>(payload);
            decode_keyed::<Ids>(payload);
        })*};
    }
    every!(final_ appendable mutable);
    decode::<FinalUnion>(payload);
    decode::<ColorUnion>(payload);
    decode::<Tree>(payload);
}

#[test]
fn every_truncation_is_survived() {
    for payload in corpus() {
        for length in 0..payload.len() {
            decode_all(&payload[..length]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn random_bytes_are_survived(payload in random_bytes()) {
        decode_all(&payload);
    }

    #[test]
    fn small_words_are_survived(payload in small_words()) {
        decode_all(&payload);
    }

    #[test]
    fn corruption_is_survived(payload in corrupted()) {
        decode_all(&payload);
    }

    #[test]
    fn texts_survive_a_round_trip(text in "[^\0]{0,20}", wide in "[^\0]{0,20}", depth in 1_usize..10) {
        let mut value = tree(depth);
        value.label = WideString(wide);
        value.by_name.insert(text, tree(1));
        for (endianness, version) in ENCODINGS {
            let mut payload = vec![];
            serialize_as(&value, endianness, version, &mut payload).unwrap();
            prop_assert_eq!(deserialize::<Tree>(&payload), Ok(value.clone()));
        }
    }
}

#[test]
fn nesting_is_bounded() {
    for (endianness, version) in ENCODINGS {
        let mut payload = vec![];
        serialize_as(&tree(64), endianness, version, &mut payload).unwrap();
        assert!(deserialize::<Tree>(&payload).is_ok());
        payload.clear();
        serialize_as(&tree(65), endianness, version, &mut payload).unwrap();
        assert_eq!(deserialize::<Tree>(&payload).unwrap_err().kind, DecodeErrorKind::RecursionLimit);
    }
}

#[test]
fn a_length_beyond_the_input_is_refused_before_anything_is_allocated() {
    #[derive(Clone, Debug, PartialEq, DdsType)]
    struct Sequence {
        values: Vec<[u64; 1000]>,
    }
    let payload = [0, 1, 0, 0, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4];
    let error = deserialize::<Sequence>(&payload).unwrap_err();
    assert_eq!(error.offset, 8);
    assert!(matches!(error.kind, DecodeErrorKind::UnexpectedEnd { available: 4, .. }), "{error}");
}
