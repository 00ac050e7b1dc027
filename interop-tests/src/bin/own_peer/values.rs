//! The types that are exchanged: what a sample of each is, and how it is printed.

use dds_core::types::TopicType;
use dds_core::{DdsType, Serde};
use interop_tests::program::{self, Mixed, Options};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, DdsType)]
#[dds(name = "ShapeType", extensibility = "appendable")]
pub struct ShapeType {
    #[dds(key, bounded(128))]
    color: String,
    x: i32,
    y: i32,
    shapesize: i32,
    #[dds(octet)]
    additional_payload_size: Vec<u8>,
}

#[derive(Debug, Clone, DdsType)]
#[dds(name = "FinalKeyed", extensibility = "final")]
pub struct FinalKeyed {
    #[dds(key)]
    id: i32,
    x: i32,
    ratio: f64,
    label: String,
}

#[derive(Debug, Clone, DdsType)]
#[dds(name = "MixedMembers", extensibility = "final")]
pub struct MixedMembers {
    flag: bool,
    wide: i64,
    #[dds(octet)]
    small: u8,
    ratio: f64,
    narrow: i16,
    count: u32,
    fraction: f32,
    text: String,
    numbers: Vec<i32>,
    triple: [i32; 3],
}

#[derive(Debug, Clone, DdsType)]
#[dds(name = "std_msgs::msg::dds_::String_", extensibility = "final")]
pub struct Text {
    data: String,
}

/// MixedMembers as a serde type: announced under the same name, in our own representation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SerdeMixed {
    wide: i64,
    text: String,
    numbers: Vec<i32>,
}

/// String_ as a serde type.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SerdeText(String);

/// How a type's values are made and printed.
pub trait Value: TopicType {
    /// The name it is announced under.
    fn announced_name() -> String {
        Self::type_name().into_owned()
    }
    fn make(options: &Options, i: u64, k: u64) -> Self;
    fn json(&self) -> String;
    fn key_json(key: &Self::Key) -> String;
}

impl Value for ShapeType {
    fn make(options: &Options, i: u64, k: u64) -> Self {
        let (x, y, shapesize) = (i as i32, (2 * i + k) as i32, (i + 1) as i32);
        let additional_payload_size = program::payload(options, i, k);
        ShapeType { color: program::color(options, k), x, y, shapesize, additional_payload_size }
    }

    fn json(&self) -> String {
        program::shape_json(&self.color, self.x, self.y, self.shapesize, &self.additional_payload_size)
    }

    fn key_json(key: &Self::Key) -> String {
        program::shape_key_json(&key.color)
    }
}

impl Value for FinalKeyed {
    fn make(_: &Options, i: u64, k: u64) -> Self {
        let (id, x, ratio, label) = program::keyed(i, k);
        FinalKeyed { id, x, ratio, label }
    }

    fn json(&self) -> String {
        program::keyed_json(self.id, self.x, self.ratio, &self.label)
    }

    fn key_json(key: &Self::Key) -> String {
        program::keyed_key_json(key.id)
    }
}

impl Value for MixedMembers {
    fn make(_: &Options, i: u64, _: u64) -> Self {
        let Mixed { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } =
            program::mixed(i);
        MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple }
    }

    fn json(&self) -> String {
        let MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } =
            self.clone();
        program::mixed_json(&Mixed {
            flag,
            wide,
            small,
            ratio,
            narrow,
            count,
            fraction,
            text,
            numbers,
            triple,
        })
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

impl Value for Text {
    fn make(_: &Options, i: u64, _: u64) -> Self {
        Text { data: program::text(i) }
    }

    fn json(&self) -> String {
        program::text_json(&self.data)
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

impl Value for Serde<SerdeMixed> {
    fn announced_name() -> String {
        MixedMembers::announced_name()
    }

    fn make(_: &Options, i: u64, _: u64) -> Self {
        let Mixed { wide, text, numbers, .. } = program::mixed(i);
        Serde(SerdeMixed { wide, text, numbers })
    }

    fn json(&self) -> String {
        format!(
            "{{\"wide\":{},\"text\":{},\"numbers\":{:?}}}",
            self.wide,
            program::quoted(&self.text),
            self.numbers
        )
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

impl Value for Serde<SerdeText> {
    fn announced_name() -> String {
        Text::announced_name()
    }

    fn make(_: &Options, i: u64, _: u64) -> Self {
        Serde(SerdeText(program::text(i)))
    }

    fn json(&self) -> String {
        program::text_json(&self.0.0)
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}
