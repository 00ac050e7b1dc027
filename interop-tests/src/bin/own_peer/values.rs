//! The types that are exchanged: what a sample of each is, and how it is printed.

use dds_core::qos::{Duration, TopicQos};
use dds_core::types::TopicType;
use dds_core::types::dynamic::DynamicData;
use dds_core::{DdsType, DomainParticipant, Serde, Topic};
use interop_tests::program::{self, Mixed, Options};
use serde::{Deserialize, Serialize};
use serde_json::json;

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
    /// The topic of the command line.
    fn topic(
        participant: &DomainParticipant,
        options: &Options,
        qos: TopicQos,
    ) -> Result<Topic<Self>, String> {
        let made = participant.create_topic_as::<Self>(&options.topic, &Self::announced_name(), qos);
        made.map_err(|error| error.to_string())
    }
    fn make(options: &Options, i: u64, k: u64) -> Result<Self, String>;
    fn json(&self) -> String;
    fn key_json(key: &Self::Key) -> String;
}

impl Value for ShapeType {
    fn make(options: &Options, i: u64, k: u64) -> Result<Self, String> {
        let (x, y, shapesize) = (i as i32, (2 * i + k) as i32, (i + 1) as i32);
        let additional_payload_size = program::payload(options, i, k);
        Ok(ShapeType { color: program::color(options, k), x, y, shapesize, additional_payload_size })
    }

    fn json(&self) -> String {
        program::shape_json(&self.color, self.x, self.y, self.shapesize, &self.additional_payload_size)
    }

    fn key_json(key: &Self::Key) -> String {
        program::shape_key_json(&key.color)
    }
}

impl Value for FinalKeyed {
    fn make(_: &Options, i: u64, k: u64) -> Result<Self, String> {
        let (id, x, ratio, label) = program::keyed(i, k);
        Ok(FinalKeyed { id, x, ratio, label })
    }

    fn json(&self) -> String {
        program::keyed_json(self.id, self.x, self.ratio, &self.label)
    }

    fn key_json(key: &Self::Key) -> String {
        program::keyed_key_json(key.id)
    }
}

impl Value for MixedMembers {
    fn make(_: &Options, i: u64, _: u64) -> Result<Self, String> {
        let Mixed { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple } =
            program::mixed(i);
        Ok(MixedMembers { flag, wide, small, ratio, narrow, count, fraction, text, numbers, triple })
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
    fn make(_: &Options, i: u64, _: u64) -> Result<Self, String> {
        Ok(Text { data: program::text(i) })
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

    fn make(_: &Options, i: u64, _: u64) -> Result<Self, String> {
        let Mixed { wide, text, numbers, .. } = program::mixed(i);
        Ok(Serde(SerdeMixed { wide, text, numbers }))
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

    fn make(_: &Options, i: u64, _: u64) -> Result<Self, String> {
        Ok(Serde(SerdeText(program::text(i))))
    }

    fn json(&self) -> String {
        program::text_json(&self.0.0)
    }

    fn key_json((): &()) -> String {
        "{}".to_owned()
    }
}

/// Of a type that the topic's writers tell.
impl Value for DynamicData {
    fn topic(participant: &DomainParticipant, options: &Options, _: TopicQos) -> Result<Topic<Self>, String> {
        const PATIENCE: Duration = Duration::from_secs(25);
        let found = participant.discover_type(&options.topic, PATIENCE);
        let topic = found.and_then(|found| participant.dynamic_topic(&options.topic, &found));
        topic.map_err(|error| error.to_string())
    }

    fn make(_: &Options, _: u64, _: u64) -> Result<Self, String> {
        Err("a discovered type is only read".to_owned())
    }

    fn json(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        // Octets of any length are told by their checksum.
        if let Some(members) = value.as_object_mut()
            && let Some(octets) = members.remove("additional_payload_size")
        {
            let octets: Vec<u8> = serde_json::from_value(octets).unwrap_or_default();
            members.insert("payload_len".to_owned(), json!(octets.len()));
            members.insert("payload_crc".to_owned(), json!(program::crc32(&octets)));
        }
        value.to_string()
    }

    fn key_json(key: &Self::Key) -> String {
        key.as_ref().map_or_else(|| "{}".to_owned(), Value::json)
    }
}
