//! What a reader filters by (RTPS 2.5 §9.6.4.1, `ContentFilterProperty_t`).

use alloc::{string::String, vec::Vec};

use dds_types::{
    DecodeError, DecodeErrorKind,
    cdr::{CdrReader, CdrWriter},
};

use md5::{Digest, Md5};

use super::value::ParameterValue;

/// The filter of a reader on a content-filtered topic.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ContentFilter {
    /// The content-filtered topic.
    pub content_filtered_topic_name: String,
    /// The topic that it filters.
    pub related_topic_name: String,
    /// The expression's language; «DDSSQL» for the standard's.
    pub filter_class_name: String,
    /// The expression.
    pub filter_expression: String,
    /// The values of `%0` to `%99` in it.
    pub expression_parameters: Vec<String>,
}

/// Names a content filter: the MD5 of all that makes it (RTPS 2.5 §9.6.4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FilterSignature(pub [u8; 16]);

impl ContentFilter {
    /// The class of filters in the standard's SQL.
    pub const SQL: &'static str = "DDSSQL";

    /// What names it in inline QoS: the digest of all its strings, each with its NUL.
    pub fn signature(&self) -> FilterSignature {
        let names = [
            &self.content_filtered_topic_name,
            &self.related_topic_name,
            &self.filter_class_name,
            &self.filter_expression,
        ];
        let mut digest = Md5::new();
        for text in names.into_iter().chain(&self.expression_parameters) {
            digest.update(text.as_bytes());
            digest.update([0]);
        }
        let mut signature = FilterSignature::default();
        signature.0.copy_from_slice(&digest.finalize());
        signature
    }

    /// How many parameters an expression has at most (DDS 1.4 annex B).
    pub const MOST_PARAMETERS: usize = 100;
}

impl ParameterValue for ContentFilter {
    fn read(input: &mut CdrReader<'_>) -> Result<Self, DecodeError> {
        let mut filter = Self {
            content_filtered_topic_name: String::read(input)?,
            related_topic_name: String::read(input)?,
            filter_class_name: String::read(input)?,
            filter_expression: String::read(input)?,
            expression_parameters: Vec::new(),
        };
        let length = input.read_u32()? as usize;
        if length > Self::MOST_PARAMETERS {
            let kind = DecodeErrorKind::BoundExceeded { length, bound: Self::MOST_PARAMETERS };
            return Err(input.error(kind));
        }
        for _ in 0..length {
            filter.expression_parameters.push(String::read(input)?);
        }
        Ok(filter)
    }

    fn write(&self, out: &mut CdrWriter<'_>) {
        let Self {
            content_filtered_topic_name,
            related_topic_name,
            filter_class_name,
            filter_expression,
            expression_parameters,
        } = self;
        for text in [content_filtered_topic_name, related_topic_name, filter_class_name, filter_expression] {
            text.write(out);
        }
        out.write_u32(expression_parameters.len() as u32);
        for text in expression_parameters {
            text.write(out);
        }
    }
}
