//! The vectors of foreign encoders (interop-tests/oracles), and which of the types' values each holds.

use dds_types::cdr::{Endianness, XcdrVersion};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
pub struct Vector {
    pub name: String,
    pub extensibility: String,
    pub data: BTreeMap<String, String>,
    #[serde(default)]
    pub key: BTreeMap<String, String>,
    pub canonical: Option<String>,
}

pub struct Vectors(Vec<Vector>);

pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// Each encoding with its name in the vectors.
pub const ENCODINGS: [(Endianness, XcdrVersion, &str); 4] = [
    (Endianness::Little, XcdrVersion::Xcdr1, "xcdr1_le"),
    (Endianness::Big, XcdrVersion::Xcdr1, "xcdr1_be"),
    (Endianness::Little, XcdrVersion::Xcdr2, "xcdr2_le"),
    (Endianness::Big, XcdrVersion::Xcdr2, "xcdr2_be"),
];

/// A payload as the oracles write it: without padding and its count.
pub fn without_padding(mut payload: Vec<u8>) -> Vec<u8> {
    assert_eq!(payload.len() % 4, 0, "payloads are padded");
    let padding = payload[3] & 3;
    payload.truncate(payload.len() - usize::from(padding));
    payload[3] &= !3;
    payload
}

impl Vectors {
    pub fn load(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap())
    }

    pub fn cyclone() -> Self {
        Self::load(include_str!("../vectors/cyclonedds.json"))
    }

    pub fn find(&self, name: &str, extensibility: &str) -> &Vector {
        let found = self.0.iter().find(|vector| vector.name == name && vector.extensibility == extensibility);
        found.unwrap_or_else(|| panic!("no vector {name} {extensibility}"))
    }
}

/// The oracle writes enumerations with 4 bytes in XCDR1 whatever their bit bound. XTypes 1.3
/// §7.4.3.5.3 rule 5 has the holder type in both versions, and so has Cyclone DDS in C.
pub const BIT_BOUND_IS_WRONG: &[&str] = &["xcdr1_le", "xcdr1_be"];

/// The oracle writes maps without DHEADER in XCDR2. XTypes 1.3 §7.4.3.5.3 has it for all maps but
/// those of primitive keys and values; Cyclone DDS in C has no maps.
pub const MAP_IS_WRONG: &[&str] = &["xcdr2_le", "xcdr2_be"];

/// The oracle is right.
pub const NONE: &[&str] = &[];

/// Tests that hand every value with its vector to the `check` and `check_key` of where they are.
#[allow(unused_macros, reason = "each test uses a part")]
macro_rules! against_cyclone {
    ($($test:ident $module:ident;)*) => {$(
        #[test]
        fn $test() {
            use common::{$module::*, vectors::{BIT_BOUND_IS_WRONG, MAP_IS_WRONG, NONE, Vectors}};
            let vectors = Vectors::cyclone();
            check(&vectors, "primitives", EXTENSIBILITY, &primitives(), NONE);
            check(&vectors, "collections", EXTENSIBILITY, &collections(), NONE);
            check(&vectors, "arrays", EXTENSIBILITY, &arrays(), NONE);
            check(&vectors, "nested", EXTENSIBILITY, &nested(), NONE);
            check(&vectors, "enums", EXTENSIBILITY, &enums(), NONE);
            check(&vectors, "bounded_enums", EXTENSIBILITY, &bounded_enums(), BIT_BOUND_IS_WRONG);
            check(&vectors, "optionals_present", EXTENSIBILITY, &optionals_present(), NONE);
            check(&vectors, "optionals_absent", EXTENSIBILITY, &optionals_absent(), NONE);
            check(&vectors, "unions", EXTENSIBILITY, &unions(), NONE);
            check(&vectors, "maps", EXTENSIBILITY, &maps(), MAP_IS_WRONG);
            check(&vectors, "keyed", EXTENSIBILITY, &keyed(), NONE);
            check(&vectors, "ids", EXTENSIBILITY, &ids(), NONE);
            check_key(&vectors, "keyed", EXTENSIBILITY, &keyed());
            check_key(&vectors, "ids", EXTENSIBILITY, &ids());
        }
    )*};
}
