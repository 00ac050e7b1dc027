//! Checking an expression against a type (DDS 1.4 Annex B, «Type compatibility in the predicate»).

use alloc::{
    borrow::ToOwned,
    boxed::Box,
    string::{String, ToString},
    vec::Vec,
};

use dds_types::dynamic::{DynamicType, MemberAccessor};

use crate::{
    error::{Fault, FilterErrorKind, most_similar},
    like::Pattern,
    limits,
    parser::literal,
    program::{Fields, Node, Program},
    schema::{FieldType, resolve},
    syntax::{Condition, FieldName, Literal, Relation, Term},
    value::Constant,
};

pub(crate) struct Compiler<'c> {
    root: &'c DynamicType,
    parameters: &'c [String],
    fields: Fields,
}

/// One side of a comparison, looked at.
enum Side<'t> {
    Field {
        name: &'t FieldName,
        field: FieldType,
    },
    /// A literal, a parameter, or a word that can only be the literal of an enumeration.
    Constant(&'t Term),
}

impl<'c> Compiler<'c> {
    pub(crate) fn compile(
        root: &'c DynamicType,
        parameters: &'c [String],
        condition: &Condition,
        order: &[FieldName],
    ) -> Result<Program, Fault> {
        if parameters.len() > limits::PARAMETERS {
            let kind = FilterErrorKind::TooLarge { what: "parameters", limit: limits::PARAMETERS };
            return Err(Fault::new(0, kind));
        }
        if parameters.iter().any(|text| text.len() > limits::PARAMETER_BYTES) {
            let what = "bytes in a parameter";
            return Err(Fault::new(0, FilterErrorKind::TooLarge { what, limit: limits::PARAMETER_BYTES }));
        }
        let mut compiler = Self { root, parameters, fields: Fields::default() };
        let condition = compiler.condition(condition)?;
        let mut sorted = Vec::new();
        for name in order {
            resolve(root, name)?;
            sorted.push(name.path.to_string());
        }
        // Every path has been found already.
        let accessor = |paths: &[String]| {
            let wrong = |_| Fault::new(0, FilterErrorKind::NoDescription);
            MemberAccessor::new(root, paths).map_err(wrong)
        };
        Ok(Program { condition, fields: accessor(&compiler.fields.0)?, order: accessor(&sorted)? })
    }

    fn condition(&mut self, condition: &Condition) -> Result<Node, Fault> {
        Ok(match condition {
            Condition::And(parts) => Node::And(self.conditions(parts)?),
            Condition::Or(parts) => Node::Or(self.conditions(parts)?),
            Condition::Not(inner) => Node::Not(Box::new(self.condition(inner)?)),
            Condition::Compare { at, left, relation, right } => {
                return self.compare(*at, left, *relation, right);
            }
            Condition::Between { field: name, low, high, negated } => {
                let field = resolve(self.root, name)?;
                Node::Between {
                    field: self.fields.number_of(name.path.to_string()),
                    low: self.constant(low, &field)?,
                    high: self.constant(high, &field)?,
                    negated: *negated,
                }
            }
        })
    }

    fn conditions(&mut self, parts: &[Condition]) -> Result<Box<[Node]>, Fault> {
        parts.iter().map(|part| self.condition(part)).collect()
    }

    fn compare(&mut self, at: usize, left: &Term, relation: Relation, right: &Term) -> Result<Node, Fault> {
        let sides = (self.side(left), self.side(right));
        match sides {
            (Side::Field { name, field }, Side::Constant(term)) if relation == Relation::Like => {
                self.like(name, &field, term)
            }
            _ if relation == Relation::Like => Err(Fault::new(at, FilterErrorKind::NotAString)),
            (Side::Field { name, field }, Side::Constant(term)) => {
                let with = self.constant(term, &field)?;
                Ok(Node::Compare { field: self.fields.number_of(name.path.to_string()), relation, with })
            }
            (Side::Constant(term), Side::Field { name, field }) => {
                let with = self.constant(term, &field)?;
                let relation = relation.mirrored().unwrap_or(relation);
                Ok(Node::Compare { field: self.fields.number_of(name.path.to_string()), relation, with })
            }
            (Side::Field { name, field }, Side::Field { name: other, field: other_field }) => {
                if !comparable(&field, &other_field) {
                    let kind = mismatch(field.describe(), other_field.describe());
                    return Err(Fault::new(other.at(), kind));
                }
                let (left, right) = (
                    self.fields.number_of(name.path.to_string()),
                    self.fields.number_of(other.path.to_string()),
                );
                Ok(Node::CompareFields { left, relation, right })
            }
            (Side::Constant(left), Side::Constant(right)) => {
                // A misspelt field is reported as such.
                for term in [left, right] {
                    if let Term::Field(name) = term {
                        resolve(self.root, name)?;
                    }
                }
                Err(Fault::new(left.at(), FilterErrorKind::NoField))
            }
        }
    }

    fn side<'t>(&self, term: &'t Term) -> Side<'t> {
        match term {
            Term::Field(name) => match resolve(self.root, name) {
                Ok(field) => Side::Field { name, field },
                Err(_) => Side::Constant(term),
            },
            _ => Side::Constant(term),
        }
    }

    fn like(&mut self, name: &FieldName, field: &FieldType, term: &Term) -> Result<Node, Fault> {
        if !matches!(field, FieldType::Text | FieldType::Character) {
            return Err(Fault::new(name.at(), FilterErrorKind::NotAString));
        }
        let pattern = match self.constant(term, &FieldType::Text)? {
            Constant::Text(pattern) => Pattern::new(&pattern).map_err(|kind| Fault::new(term.at(), kind))?,
            _ => return Err(Fault::new(term.at(), FilterErrorKind::NotAString)),
        };
        Ok(Node::Like { field: self.fields.number_of(name.path.to_string()), pattern })
    }

    /// The value of a literal or parameter, for comparison with such a field.
    fn constant(&self, term: &Term, field: &FieldType) -> Result<Constant, Fault> {
        let at = term.at();
        match term {
            Term::Literal { literal, .. } => convert(literal, field).map_err(|kind| Fault::new(at, kind)),
            Term::Parameter { number, .. } => self.parameter(at, *number, field),
            Term::Field(name) => {
                let label = match (name.as_word(), field) {
                    (Some(word), FieldType::Enumeration { .. }) if resolve(self.root, name).is_err() => word,
                    // What the type has is no constant; what it has not is misspelt.
                    _ => {
                        let other = resolve(self.root, name)?;
                        let kind = mismatch(field.describe(), other.describe());
                        return Err(Fault::new(at, kind));
                    }
                };
                convert(&Literal::Text(label.to_owned()), field).map_err(|kind| Fault::new(at, kind))
            }
        }
    }

    /// A parameter's text is a literal. Where a string or enumeration is meant, quotes may be missing.
    fn parameter(&self, at: usize, number: usize, field: &FieldType) -> Result<Constant, Fault> {
        let Some(text) = self.parameters.get(number) else {
            let kind = FilterErrorKind::MissingParameter { number, given: self.parameters.len() };
            return Err(Fault::new(at, kind));
        };
        let parsed = literal(text);
        let bare = || Literal::Text(text.clone());
        let literal = match (field, parsed) {
            (_, Some(literal @ Literal::Text(_))) => Some(literal),
            (FieldType::Text | FieldType::Character, _) => Some(bare()),
            (_, Some(literal)) => Some(literal),
            (FieldType::Enumeration { .. }, None) => Some(bare()),
            _ => None,
        };
        let value = literal.and_then(|literal| convert(&literal, field).ok());
        value.ok_or_else(|| {
            let kind = FilterErrorKind::InvalidValue { number, text: text.clone(), with: field.describe() };
            Fault::new(at, kind)
        })
    }
}

fn mismatch(left: &'static str, right: &'static str) -> FilterErrorKind {
    FilterErrorKind::TypeMismatch { left, right }
}

/// A literal as a value that compares with such a field.
fn convert(literal: &Literal, field: &FieldType) -> Result<Constant, FilterErrorKind> {
    Ok(match (literal, field) {
        (Literal::Boolean(value), FieldType::Boolean | FieldType::Integer) => {
            Constant::Integer(i128::from(*value))
        }
        (
            Literal::Integer(value),
            FieldType::Boolean
            | FieldType::Integer
            | FieldType::Float64
            | FieldType::Float32
            | FieldType::Enumeration { .. },
        ) => Constant::Integer(*value),
        (Literal::Float(value), FieldType::Float32) => Constant::Float(f64::from(*value as f32)),
        (Literal::Float(value), FieldType::Integer | FieldType::Float64) => Constant::Float(*value),
        (Literal::Text(text), FieldType::Text | FieldType::Character) => Constant::Text(text.as_str().into()),
        (Literal::Text(text), FieldType::Enumeration { name, literals }) => {
            match literals.iter().find(|(known, _)| known == text) {
                Some((_, value)) => Constant::Integer(i128::from(*value)),
                None => {
                    let known = literals.iter().map(|(known, _)| known.as_str());
                    return Err(FilterErrorKind::UnknownLiteral {
                        type_name: name.clone(),
                        name: text.clone(),
                        similar: most_similar(text, known),
                    });
                }
            }
        }
        (literal, field) => return Err(mismatch(field.describe(), describe(literal))),
    })
}

fn describe(literal: &Literal) -> &'static str {
    match literal {
        Literal::Boolean(_) => "a boolean",
        Literal::Integer(_) => "an integer",
        Literal::Float(_) => "a floating-point number",
        Literal::Text(_) => "a string",
    }
}

/// Whether two fields may be compared.
fn comparable(one: &FieldType, other: &FieldType) -> bool {
    use FieldType::{Boolean, Character, Enumeration, Float32, Float64, Integer, Text};
    match (one, other) {
        (Enumeration { name, .. }, Enumeration { name: other, .. }) => name == other,
        (Enumeration { .. }, Integer) | (Integer, Enumeration { .. }) => true,
        (Boolean, Boolean | Integer) | (Integer, Boolean) => true,
        (Integer | Float32 | Float64, Integer | Float32 | Float64) => true,
        (Text | Character, Text | Character) => true,
        _ => false,
    }
}
