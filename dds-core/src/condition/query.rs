//! Queries in SQL behind query conditions (DDS 1.4 §2.2.2.5.9).

use std::{cmp::Ordering, sync::Arc};

use dds_filter::{FilterError, Program, QueryExpression};
use dds_types::dynamic::DynamicType;
use parking_lot::RwLock;

use crate::{cache::Content, content_filter::described, type_support::TypeSupport};

/// A query expression compiled for a reader's type, whose parameters may change.
#[derive(Debug)]
pub(crate) struct SqlQuery {
    expression: QueryExpression,
    described: DynamicType,
    compiled: RwLock<(Vec<String>, Arc<Program>)>,
}

impl SqlQuery {
    pub(crate) fn new(
        type_support: &TypeSupport,
        expression: &str,
        parameters: Vec<String>,
    ) -> Result<Self, FilterError> {
        let expression = QueryExpression::parse(expression)?;
        let described = described(type_support, expression.as_str())?;
        let program = expression.compile(&described, &parameters)?;
        Ok(Self { expression, described, compiled: RwLock::new((parameters, Arc::new(program))) })
    }

    pub(super) fn expression(&self) -> &str {
        self.expression.as_str()
    }

    pub(super) fn parameters(&self) -> Vec<String> {
        self.compiled.read().0.clone()
    }

    pub(super) fn set_parameters(&self, parameters: Vec<String>) -> Result<(), FilterError> {
        let program = self.expression.compile(&self.described, &parameters)?;
        *self.compiled.write() = (parameters, Arc::new(program));
        Ok(())
    }

    pub(super) fn accepts(&self, payload: &[u8], content: Content) -> bool {
        content == Content::Data && self.compiled.read().1.passes(payload).unwrap_or(false)
    }

    /// How samples are sorted, if they are.
    pub(super) fn order(&self) -> Option<impl Fn(&[u8], &[u8]) -> Ordering + use<>> {
        let program = self.compiled.read().1.clone();
        program.is_sorted().then_some(move |one: &[u8], other: &[u8]| program.order(one, other))
    }
}
