//! A type with every kind of member, and samples of it by name.

use dds_derive::DdsType;
use dds_filter::{FilterError, FilterExpression, Program};
use dds_types::{DataRepresentationId, TopicType, WideString, dynamic::DynamicType};

#[derive(DdsType)]
pub enum Kind {
    Red,
    Green = 5,
    Blue,
}

#[derive(DdsType)]
#[dds(nested)]
pub struct Point {
    pub x: i16,
    pub y: f32,
}

#[derive(DdsType)]
#[dds(switch(u8), nested)]
pub enum Reading {
    #[dds(case = 1)]
    Celsius(f64),
    #[dds(default)]
    Missing,
}

#[derive(DdsType)]
#[dds(name = "test::Everything")]
pub struct Everything {
    pub color: String,
    pub wide: WideString,
    pub flag: bool,
    pub letter: char,
    pub small: u8,
    pub large: u64,
    pub signed: i64,
    pub single: f32,
    pub double: f64,
    pub kind: Kind,
    pub other_kind: Kind,
    pub position: Point,
    pub points: [Point; 3],
    pub grid: [[i32; 3]; 2],
    pub numbers: Vec<i32>,
    pub comment: Option<String>,
    pub reading: Reading,
}

/// A sample in which `comment` is absent and the case `Celsius` is not selected, as XCDR1 and XCDR2.
pub fn sample() -> [Vec<u8>; 2] {
    let point = |x| Point { x, y: 4.0 };
    let sample = Everything {
        color: "BLUE".into(),
        wide: "ÄÖÜ".into(),
        flag: true,
        letter: 'q',
        small: 200,
        large: u64::MAX,
        signed: -7,
        single: 0.1,
        double: 0.1,
        kind: Kind::Green,
        other_kind: Kind::Red,
        position: point(3),
        points: [point(7), point(8), point(9)],
        grid: [[1, 2, 3], [4, 5, 6]],
        numbers: vec![11],
        comment: None,
        reading: Reading::Missing,
    };
    [DataRepresentationId::XCDR, DataRepresentationId::XCDR2].map(|representation| {
        let mut payload = Vec::new();
        sample.serialize(representation, &mut payload).unwrap();
        payload
    })
}

pub fn everything() -> DynamicType {
    DynamicType::of::<Everything>().unwrap()
}

pub fn compile(expression: &str, parameters: &[&str]) -> Result<Program, FilterError> {
    let parameters: Vec<String> = parameters.iter().map(|text| (*text).to_owned()).collect();
    FilterExpression::parse(expression)?.compile(&everything(), &parameters)
}

pub fn passes(program: &Program, sample: &[Vec<u8>; 2]) -> bool {
    let [first, second] = sample.each_ref().map(|payload| program.passes(payload).unwrap());
    assert_eq!(first, second);
    first
}
