//! Types of the oracles' vectors, in every extensibility, and the values the vectors hold.
//!
//! The values are written down here a second time, after `interop-tests/oracles/generate.py`.

#![allow(dead_code, reason = "each test uses a part")]

pub mod corpus;
#[macro_use]
pub mod vectors;

use dds_derive::DdsType;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, DdsType)]
pub enum Color {
    #[dds(name = "RED")]
    Red,
    #[dds(name = "GREEN")]
    Green,
    #[dds(name = "BLUE")]
    Blue = 10,
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(bit_bound = "8")]
pub enum Small {
    #[dds(name = "OFF")]
    Off,
    #[dds(name = "ON")]
    On,
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(bit_bound = "16")]
pub enum Medium {
    #[dds(name = "FIRST")]
    First = 1,
    #[dds(name = "SECOND")]
    Second = 300,
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(bitmask, bit_bound = "8")]
pub struct Flags {
    pub a: bool,
    pub b: bool,
    #[dds(position = 7)]
    pub h: bool,
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(bitmask, bit_bound = "64")]
pub struct Wide {
    pub low: bool,
    #[dds(position = 31)]
    pub high: bool,
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(switch(i32))]
pub enum FinalUnion {
    #[dds(case = 1)]
    #[dds(name = "number")]
    Number(i64),
    #[dds(case = 2, case = 3)]
    #[dds(name = "text")]
    Text {
        #[dds(discriminator)]
        kind: i32,
        text: String,
    },
    #[dds(default)]
    #[dds(name = "other")]
    Other(#[dds(discriminator)] i32, u8),
}

#[derive(Clone, Debug, PartialEq, DdsType)]
#[dds(switch(Color), extensibility = "appendable")]
pub enum ColorUnion {
    #[dds(case = Color::Red)]
    #[dds(name = "red")]
    Red(f64),
    #[dds(case = Color::Blue)]
    #[dds(name = "blue")]
    Blue(Vec<u16>),
    #[dds(default)]
    Nothing,
}

/// The structures of one extensibility in a module of their own.
macro_rules! structures {
    ($module:ident, $extensibility:literal) => {
        pub mod $module {
            use super::{Color, ColorUnion, FinalUnion, Flags, Medium, Small, Wide};
            use dds_derive::DdsType;
            use std::collections::BTreeMap;

            pub const EXTENSIBILITY: &str = $extensibility;

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Primitives {
                pub flag: bool,
                pub octet: u8,
                pub tiny: i8,
                pub long_long: i64,
                pub short: i16,
                pub ushort: u16,
                pub character: char,
                pub long: i32,
                pub ulong_long: u64,
                pub ulong: u32,
                pub single: f32,
                pub last: u8,
                pub double: f64,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Collections {
                pub text: String,
                #[dds(bounded(8))]
                pub short_text: String,
                pub octets: Vec<u8>,
                pub shorts: Vec<u16>,
                #[dds(bounded(4))]
                pub longs: Vec<i32>,
                pub doubles: Vec<f64>,
                pub texts: Vec<String>,
                pub booleans: Vec<bool>,
                pub characters: Vec<char>,
                pub empty: Vec<i64>,
                pub after: u8,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Arrays {
                pub octets: [u8; 5],
                pub longs: [i32; 3],
                pub doubles: [f64; 2],
                pub matrix: [[i16; 2]; 3],
                pub texts: [String; 2],
                pub text_matrix: [[String; 2]; 2],
                pub rows: Vec<[i32; 2]>,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Point {
                pub x: u8,
                pub y: f64,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Nested {
                pub before: u8,
                pub point: Point,
                pub points: Vec<Point>,
                pub pair: [Box<Point>; 2],
                pub after: u16,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Enums {
                pub before: u8,
                pub color: Color,
                pub colors: Vec<Color>,
                pub flags: Flags,
                pub wide: Wide,
                pub masks: Vec<Flags>,
                pub pair: [Color; 2],
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct BoundedEnums {
                pub small: Small,
                pub medium: Medium,
                pub smalls: Vec<Small>,
                pub mediums: [Medium; 2],
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Optionals {
                pub before: u8,
                pub octet: Option<u8>,
                #[dds(optional)]
                pub long_long: Option<i64>,
                pub text: Option<String>,
                pub point: Option<Point>,
                pub doubles: Option<Vec<f64>>,
                pub after: u64,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Unions {
                pub before: u8,
                pub r#final: FinalUnion,
                pub appendable: ColorUnion,
                pub unions: Vec<FinalUnion>,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Maps {
                pub before: u8,
                pub numbers: BTreeMap<i32, u8>,
                pub names: BTreeMap<i16, String>,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Inner {
                pub ignored: u64,
                #[dds(key)]
                pub part: u16,
                #[dds(key)]
                pub name: String,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Keyed {
                pub before: String,
                #[dds(key)]
                pub id: i32,
                pub between: Vec<f64>,
                #[dds(key)]
                pub inner: Inner,
                #[dds(key)]
                pub point: Point,
                #[dds(key)]
                pub array: [u16; 3],
                #[dds(key)]
                pub color: Color,
                #[dds(key)]
                pub big: i64,
                pub after: u8,
            }

            #[derive(Clone, Debug, PartialEq, DdsType)]
            #[dds(extensibility = $extensibility)]
            pub struct Ids {
                #[dds(key, id = 30)]
                pub third: u16,
                #[dds(key, id = 10)]
                pub first: u32,
                #[dds(id = 20)]
                pub second: String,
                #[dds(hashid)]
                pub hashed: i32,
                #[dds(hashid = "other")]
                pub renamed: i64,
                #[dds(id = 0x3f10, must_understand)]
                pub watched: u8,
            }

            pub fn primitives() -> Primitives {
                Primitives {
                    flag: true,
                    octet: 200,
                    tiny: -100,
                    long_long: -(1 << 62) - 1,
                    short: -30000,
                    ushort: 60000,
                    character: 'q',
                    long: -2_000_000_000,
                    ulong_long: (1 << 63) + 5,
                    ulong: 4_000_000_000,
                    single: 1.5,
                    last: 9,
                    double: -2.25,
                }
            }

            pub fn collections() -> Collections {
                Collections {
                    text: "héllo".into(),
                    short_text: "12345678".into(),
                    octets: vec![1, 2, 3],
                    shorts: vec![1000, 2000, 3000],
                    longs: vec![-1, 2, -3],
                    doubles: vec![0.5, -1e300],
                    texts: vec!["".into(), "ab".into(), "xyz".into()],
                    booleans: vec![true, false, true],
                    characters: vec!['a', 'b'],
                    empty: vec![],
                    after: 77,
                }
            }

            pub fn arrays() -> Arrays {
                Arrays {
                    octets: [1, 2, 3, 4, 5],
                    longs: [-1, 0, 1],
                    doubles: [0.25, 4.0],
                    matrix: [[1, 2], [3, 4], [5, -6]],
                    texts: ["one".into(), "three".into()],
                    text_matrix: [["a".into(), "bc".into()], ["".into(), "d".into()]],
                    rows: vec![[1, 2], [3, 4]],
                }
            }

            pub fn nested() -> Nested {
                Nested {
                    before: 1,
                    point: Point { x: 3, y: -0.5 },
                    points: vec![Point { x: 1, y: 1.0 }, Point { x: 2, y: 2.0 }],
                    pair: [Box::new(Point { x: 5, y: 5.5 }), Box::new(Point { x: 6, y: 6.5 })],
                    after: 9,
                }
            }

            pub fn enums() -> Enums {
                Enums {
                    before: 1,
                    color: Color::Blue,
                    colors: vec![Color::Red, Color::Green],
                    flags: Flags { a: true, b: false, h: true },
                    wide: Wide { low: true, high: true },
                    masks: vec![
                        Flags { a: true, b: false, h: false },
                        Flags { a: false, b: true, h: false },
                        Flags { a: false, b: false, h: false },
                    ],
                    pair: [Color::Green, Color::Blue],
                }
            }

            pub fn bounded_enums() -> BoundedEnums {
                BoundedEnums {
                    small: Small::On,
                    medium: Medium::Second,
                    smalls: vec![Small::Off, Small::On, Small::On],
                    mediums: [Medium::First, Medium::Second],
                }
            }

            pub fn optionals_present() -> Optionals {
                Optionals {
                    before: 1,
                    octet: Some(2),
                    long_long: Some(-3),
                    text: Some("four".into()),
                    point: Some(Point { x: 3, y: -0.5 }),
                    doubles: Some(vec![6.0]),
                    after: 7,
                }
            }

            pub fn optionals_absent() -> Optionals {
                Optionals {
                    before: 1,
                    octet: None,
                    long_long: None,
                    text: None,
                    point: None,
                    doubles: None,
                    after: 7,
                }
            }

            pub fn unions() -> Unions {
                Unions {
                    before: 1,
                    r#final: FinalUnion::Number(-5),
                    appendable: ColorUnion::Blue(vec![1, 2, 3]),
                    unions: vec![FinalUnion::Text { kind: 3, text: "abc".into() }, FinalUnion::Other(77, 8)],
                }
            }

            pub fn maps() -> Maps {
                Maps {
                    before: 1,
                    numbers: [(-1, 2), (3, 4)].into(),
                    names: [(1, "one".into()), (2, "two".into())].into(),
                }
            }

            pub fn keyed() -> Keyed {
                Keyed {
                    before: "skipped".into(),
                    id: -7,
                    between: vec![1.0, 2.0],
                    inner: Inner { ignored: 1, part: 2, name: "three".into() },
                    point: Point { x: 3, y: -0.5 },
                    array: [4, 5, 6],
                    color: Color::Green,
                    big: 1 << 40,
                    after: 8,
                }
            }

            pub fn ids() -> Ids {
                Ids { third: 3, first: 1, second: "two".into(), hashed: -4, renamed: 5, watched: 6 }
            }
        }
    };
}

structures!(final_, "final");
structures!(appendable, "appendable");
structures!(mutable, "mutable");
