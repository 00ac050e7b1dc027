//! Content filters as caches and writers use them: compiled for a type, and known by what is announced.

use std::sync::Arc;

use dds_filter::{FilterError, FilterErrorKind, FilterExpression, Program};
use dds_rtps::{
    change::CacheChange,
    discovery::{ContentFilter, FilterSignature},
    writer::{ContentEvaluator, ReaderFilter},
};
use dds_types::dynamic::DynamicType;

use crate::type_support::TypeSupport;

/// A content filter, compiled.
#[derive(Debug)]
pub(crate) struct SampleFilter {
    announced: ContentFilter,
    signature: FilterSignature,
    program: Program,
}

impl SampleFilter {
    /// Compiles what is announced, or is to be.
    pub(crate) fn new(type_support: &TypeSupport, announced: ContentFilter) -> Result<Self, FilterError> {
        let expression = FilterExpression::parse(&announced.filter_expression)?;
        let described = described(type_support, &announced.filter_expression)?;
        let program = expression.compile(&described, &announced.expression_parameters)?;
        Ok(Self { signature: announced.signature(), announced, program })
    }

    /// As a writer applies it to what a reader is sent; `None` where the reader has to filter by itself.
    pub(crate) fn for_reader(
        type_support: &TypeSupport,
        topic: &str,
        announced: &ContentFilter,
    ) -> Option<ReaderFilter> {
        if announced.filter_class_name != ContentFilter::SQL || announced.related_topic_name != topic {
            return None;
        }
        match Self::new(type_support, announced.clone()) {
            Ok(filter) => Some(ReaderFilter { signature: filter.signature, evaluator: Arc::new(filter) }),
            Err(error) => {
                tracing::debug!(topic, "a reader filters by itself: {error}");
                None
            }
        }
    }

    pub(crate) fn announced(&self) -> &ContentFilter {
        &self.announced
    }

    /// Whether a sample passes. The writer is believed if it says so of this very filter
    /// (RTPS 2.5 §8.7.1).
    pub(crate) fn accepts(&self, change: &CacheChange) -> bool {
        let inline_qos = change.inline_qos.as_deref();
        let told = inline_qos.and_then(|inline_qos| inline_qos.content_filter_info.as_ref());
        match told.and_then(|info| info.result(&self.signature)) {
            Some(result) => result,
            None => self.passes(&change.payload),
        }
    }
}

impl ContentEvaluator for SampleFilter {
    /// What is no valid sample passes: it is counted where it is decoded.
    fn passes(&self, payload: &[u8]) -> bool {
        self.program.passes(payload).unwrap_or(true)
    }
}

/// The type that expressions are compiled for.
pub(crate) fn described(type_support: &TypeSupport, expression: &str) -> Result<DynamicType, FilterError> {
    type_support.described().ok_or_else(|| FilterError {
        expression: expression.to_owned(),
        column: 1,
        kind: FilterErrorKind::NoDescription,
    })
}
