//! A type with every kind of member, and samples of it by name.

use std::{borrow::Cow, collections::BTreeMap, convert::Infallible};

use dds_derive::DdsType;
use dds_filter::{FieldPath, FieldSource, FilterError, FilterExpression, Program, Value};
use dds_types::DdsType as _;

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
    pub numbers: Vec<i32>,
    pub comment: Option<String>,
    pub reading: Reading,
}

/// A sample: the values of its fields by their names.
pub struct Sample(pub BTreeMap<String, Value<'static>>);

pub struct Source<'s> {
    sample: &'s Sample,
    fields: &'s [FieldPath],
}

impl FieldSource for Source<'_> {
    type Error = Infallible;

    fn value(&mut self, field: usize) -> Result<Option<Value<'_>>, Infallible> {
        Ok(self.sample.0.get(&self.fields[field].to_string()).cloned())
    }
}

pub fn text(value: &str) -> Value<'static> {
    Value::Text(Cow::Owned(value.to_owned()))
}

/// A sample in which `comment` is absent and the case `Celsius` is not selected.
pub fn sample() -> Sample {
    let values = [
        ("color", text("BLUE")),
        ("flag", Value::Boolean(true)),
        ("letter", Value::Character('q')),
        ("small", Value::Integer(200)),
        ("large", Value::Integer(i128::from(u64::MAX))),
        ("signed", Value::Integer(-7)),
        ("single", Value::Float(f64::from(0.1_f32))),
        ("double", Value::Float(0.1)),
        ("kind", Value::Integer(5)),
        ("other_kind", Value::Integer(0)),
        ("position.x", Value::Integer(3)),
        ("position.y", Value::Float(4.0)),
        ("points[2].x", Value::Integer(9)),
        ("numbers[0]", Value::Integer(11)),
        ("reading._d", Value::Integer(0)),
    ];
    Sample(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

pub fn compile(expression: &str, parameters: &[&str]) -> Result<Program, FilterError> {
    let parameters: Vec<String> = parameters.iter().map(|text| (*text).to_owned()).collect();
    FilterExpression::parse(expression)?.compile(Everything::DESCRIPTION, &parameters)
}

pub fn passes(program: &Program, sample: &Sample) -> bool {
    let Ok(passes) = program.evaluate(&mut Source { sample, fields: program.fields() });
    passes
}
