//! Payloads that are valid, and such that are not, of every type there is.

use super::{appendable, final_, mutable};
use dds_derive::DdsType;
use dds_types::cdr::{Endianness, XcdrVersion};
use dds_types::payload::serialize_as;
use dds_types::{WideChar, WideString};
use proptest::prelude::*;
use std::collections::BTreeMap;

pub const ENCODINGS: [(Endianness, XcdrVersion); 4] = [
    (Endianness::Little, XcdrVersion::Xcdr1),
    (Endianness::Big, XcdrVersion::Xcdr1),
    (Endianness::Little, XcdrVersion::Xcdr2),
    (Endianness::Big, XcdrVersion::Xcdr2),
];

/// A type that contains itself in every way there is.
#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(extensibility = "appendable")]
pub struct Tree {
    pub label: WideString,
    pub letter: WideChar,
    pub left: Option<Box<Tree>>,
    pub others: Vec<Tree>,
    pub by_name: BTreeMap<String, Tree>,
}

pub fn tree(depth: usize) -> Tree {
    let child = (depth > 1).then(|| Box::new(tree(depth - 1)));
    Tree {
        label: "ҥ𝄞".into(),
        letter: WideChar::new('ė').unwrap(),
        left: child,
        others: vec![],
        by_name: BTreeMap::new(),
    }
}

/// Valid payloads of every type in every encoding.
pub fn corpus() -> Vec<Vec<u8>> {
    let mut corpus = vec![];
    for (endianness, version) in ENCODINGS {
        macro_rules! add {
            ($($value:expr),*) => {$({
                let mut payload = vec![];
                serialize_as(&$value, endianness, version, &mut payload).unwrap();
                corpus.push(payload);
            })*};
        }
        macro_rules! every {
            ($($module:ident)*) => {$({
                use $module::*;
                add!(
                    primitives(), collections(), arrays(), nested(), enums(), bounded_enums(),
                    optionals_present(), optionals_absent(), unions(), maps(), keyed(), ids()
                );
            })*};
        }
        every!(final_ appendable mutable);
        add!(tree(3));
    }
    corpus
}

/// Any bytes behind any encapsulation header.
pub fn random_bytes() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..12, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(identifier, body)| {
        let mut payload = vec![0, identifier, 0, 0];
        payload.extend(body);
        payload
    })
}

/// Words that may be lengths and discriminators.
pub fn small_words() -> impl Strategy<Value = Vec<u8>> {
    (0_u8..12, prop::collection::vec(0_u32..20, 0..60)).prop_map(|(identifier, body)| {
        let mut payload = vec![0, identifier, 0, 0];
        payload.extend(body.into_iter().flat_map(|word| match identifier & 1 {
            0 => word.to_be_bytes(),
            _ => word.to_le_bytes(),
        }));
        payload
    })
}

/// Valid payloads with some bytes changed.
pub fn corrupted() -> impl Strategy<Value = Vec<u8>> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    (prop::sample::select(corpus()), changes).prop_map(|(mut payload, changes)| {
        for (at, value) in changes {
            let at = at.index(payload.len());
            payload[at] = value;
        }
        payload
    })
}
