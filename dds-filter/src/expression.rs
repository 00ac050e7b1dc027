//! Expressions as applications write them.

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use dds_types::dynamic::DynamicType;

use crate::{
    compile::Compiler,
    error::{Fault, FilterError},
    parser::Parser,
    program::Program,
    syntax::{Column, Condition, FieldName},
};

/// What a content-filtered topic lets pass (DDS 1.4 §2.2.2.3.3).
#[derive(Clone, PartialEq, Debug)]
pub struct FilterExpression {
    text: String,
    condition: Condition,
}

impl FilterExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is not of the language, or too large.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let condition =
            Parser::new(text).and_then(Parser::filter).map_err(|fault| fault.in_expression(text))?;
        Ok(Self { text: text.to_owned(), condition })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Checks it against a type and puts the parameters in.
    ///
    /// # Errors
    /// The type has no such field, types do not go together, or a parameter is missing or no value.
    pub fn compile(&self, root: &DynamicType, parameters: &[String]) -> Result<Program, FilterError> {
        compile(&self.text, root, parameters, &self.condition, &[])
    }
}

/// What a query condition asks for, and in which order (DDS 1.4 §2.2.2.5.9).
#[derive(Clone, PartialEq, Debug)]
pub struct QueryExpression {
    text: String,
    condition: Condition,
    order: Vec<FieldName>,
}

impl QueryExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is not of the language, or too large.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let parsed = Parser::new(text).and_then(Parser::query);
        let (condition, order) = parsed.map_err(|fault| fault.in_expression(text))?;
        Ok(Self { text: text.to_owned(), condition, order })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As [`FilterExpression::compile`].
    ///
    /// # Errors
    /// As there.
    pub fn compile(&self, root: &DynamicType, parameters: &[String]) -> Result<Program, FilterError> {
        compile(&self.text, root, parameters, &self.condition, &self.order)
    }
}

/// How topics are joined to a multi-topic (DDS 1.4 §2.2.2.3.4).
#[derive(Clone, PartialEq, Debug)]
pub struct TopicExpression {
    text: String,
    columns: Option<Vec<Column>>,
    topics: Vec<String>,
    condition: Option<Condition>,
}

impl TopicExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// It is not of the language, or too large.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let selection =
            Parser::new(text).and_then(Parser::topic).map_err(|fault| fault.in_expression(text))?;
        Ok(Self {
            text: text.to_owned(),
            columns: selection.columns,
            topics: selection.topics,
            condition: selection.condition,
        })
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The fields that are taken, and what they are called in the result; `None` for all of them.
    pub fn columns(&self) -> Option<&[Column]> {
        self.columns.as_deref()
    }

    /// The topics that are joined; at least one.
    pub fn topics(&self) -> &[String] {
        &self.topics
    }

    /// Checks the condition against the result's type and puts the parameters in.
    ///
    /// # Errors
    /// As [`FilterExpression::compile`].
    pub fn compile(&self, root: &DynamicType, parameters: &[String]) -> Result<Program, FilterError> {
        let all = Condition::And(Vec::new());
        compile(&self.text, root, parameters, self.condition.as_ref().unwrap_or(&all), &[])
    }
}

fn compile(
    text: &str,
    root: &DynamicType,
    parameters: &[String],
    condition: &Condition,
    order: &[FieldName],
) -> Result<Program, FilterError> {
    Compiler::compile(root, parameters, condition, order).map_err(|fault: Fault| fault.in_expression(text))
}
