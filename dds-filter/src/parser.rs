//! Tokens to expressions: recursive descent, bounded in depth and in nodes.

use alloc::{borrow::ToOwned, boxed::Box, string::String, vec, vec::Vec};

use crate::{
    error::{Fault, FilterErrorKind},
    lexer::{Lexer, Token, TokenKind},
    limits,
    syntax::{Column, Condition, FieldName, FieldPath, Literal, PathPart, Relation, Term},
};

pub(crate) struct Parser<'e> {
    lexer: Lexer<'e>,
    next: Token,
    nodes: usize,
    depth: usize,
}

/// Words that begin or join conditions, so that they cannot be fields.
const RESERVED: [&str; 6] = ["AND", "OR", "NOT", "BETWEEN", "LIKE", "MATCH"];

/// The parts of a topic expression.
pub(crate) struct Selection {
    /// `None` for `*`.
    pub(crate) columns: Option<Vec<Column>>,
    pub(crate) topics: Vec<String>,
    pub(crate) condition: Option<Condition>,
}

impl<'e> Parser<'e> {
    pub(crate) fn new(expression: &'e str) -> Result<Self, Fault> {
        let mut lexer = Lexer::new(expression)?;
        let next = lexer.next()?;
        Ok(Self { lexer, next, nodes: 0, depth: 0 })
    }

    /// A filter expression; an empty one lets everything pass.
    pub(crate) fn filter(mut self) -> Result<Condition, Fault> {
        if self.next.kind == TokenKind::End {
            return Ok(Condition::And(Vec::new()));
        }
        let condition = self.condition()?;
        if self.is_word("ORDER") {
            return Err(self.expected("AND, OR or the end (ORDER BY belongs to queries)"));
        }
        self.end("AND, OR or the end of the expression")?;
        Ok(condition)
    }

    /// A query expression: a condition, ORDER BY, or both.
    pub(crate) fn query(mut self) -> Result<(Condition, Vec<FieldName>), Fault> {
        let mut order = Vec::new();
        let condition = match self.next.kind {
            TokenKind::End => Condition::And(Vec::new()),
            _ if self.is_order_by() => Condition::And(Vec::new()),
            _ => self.condition()?,
        };
        if self.take_word("ORDER")? {
            self.require_word("BY", "BY")?;
            loop {
                if order.len() >= limits::ORDER_FIELDS {
                    return Err(self.too_many("fields to sort by", limits::ORDER_FIELDS));
                }
                order.push(self.field()?);
                if !self.take(&TokenKind::Comma)? {
                    break;
                }
            }
            self.end("a comma or the end (the order is always ascending)")?;
        }
        self.end("AND, OR, ORDER BY or the end of the expression")?;
        Ok((condition, order))
    }

    /// A topic expression.
    pub(crate) fn topic(mut self) -> Result<Selection, Fault> {
        self.require_word("SELECT", "SELECT")?;
        let columns = match self.take(&TokenKind::Star)? {
            true => None,
            false => Some(self.columns()?),
        };
        self.require_word("FROM", "a comma or FROM")?;
        let mut topics = vec![self.topic_name()?];
        self.joins(&mut topics)?;
        let mut condition = None;
        if self.take_word("WHERE")? {
            condition = Some(self.condition()?);
        }
        self.take(&TokenKind::Semicolon)?;
        self.end(match condition {
            Some(_) => "AND, OR, a semicolon or the end",
            None => "NATURAL JOIN, WHERE, a semicolon or the end",
        })?;
        Ok(Selection { columns, topics, condition })
    }

    fn columns(&mut self) -> Result<Vec<Column>, Fault> {
        let mut columns = Vec::new();
        loop {
            if columns.len() >= limits::NODES {
                return Err(self.too_many("columns", limits::NODES));
            }
            if self.is_word("FROM") {
                return Err(self.expected("`*` or a field"));
            }
            let source = self.field()?;
            let renamed =
                self.take_word("AS")? || (self.next.kind == TokenKind::Word && !self.is_word("FROM"));
            let target = if renamed { self.field()? } else { source.clone() };
            columns.push(Column { source, target });
            if !self.take(&TokenKind::Comma)? {
                return Ok(columns);
            }
        }
    }

    /// Joins are associative, so that parentheses change nothing.
    fn joins(&mut self, topics: &mut Vec<String>) -> Result<(), Fault> {
        let mut open: usize = 0;
        loop {
            let inner = self.take_word("INNER")?;
            let natural = self.take_word("NATURAL")?;
            if natural && !inner {
                self.take_word("INNER")?;
            }
            if !inner && !natural {
                if open > 0 && self.take(&TokenKind::Close)? {
                    open = open.saturating_sub(1);
                    continue;
                }
                if open > 0 {
                    return Err(self.expected("NATURAL JOIN or `)`"));
                }
                return Ok(());
            }
            self.require_word("JOIN", "JOIN")?;
            while self.take(&TokenKind::Open)? {
                open = open.saturating_add(1);
            }
            if topics.len() >= limits::TOPICS {
                return Err(self.too_many("topics", limits::TOPICS));
            }
            topics.push(self.topic_name()?);
        }
    }

    fn topic_name(&mut self) -> Result<String, Fault> {
        let name = match &self.next.kind {
            TokenKind::Text(text) => text.clone(),
            TokenKind::Word => self.word().to_owned(),
            _ => return Err(self.expected("a topic's name, quoted if it is no plain word,")),
        };
        self.advance()?;
        Ok(name)
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let mut alternatives = vec![self.conjunction()?];
        while self.take_word("OR")? {
            self.count_node()?;
            alternatives.push(self.conjunction()?);
        }
        Ok(single(alternatives).unwrap_or_else(Condition::Or))
    }

    fn conjunction(&mut self) -> Result<Condition, Fault> {
        let mut parts = vec![self.negation()?];
        while self.take_word("AND")? {
            self.count_node()?;
            parts.push(self.negation()?);
        }
        Ok(single(parts).unwrap_or_else(Condition::And))
    }

    fn negation(&mut self) -> Result<Condition, Fault> {
        self.count_node()?;
        if self.take_word("NOT")? {
            return self.nested(|parser| Ok(Condition::Not(Box::new(parser.negation()?))));
        }
        if self.take(&TokenKind::Open)? {
            return self.nested(|parser| {
                let condition = parser.condition()?;
                match parser.take(&TokenKind::Close)? {
                    true => Ok(condition),
                    false => Err(parser.expected("AND, OR or `)`")),
                }
            });
        }
        self.predicate()
    }

    fn nested(
        &mut self,
        parse: impl FnOnce(&mut Self) -> Result<Condition, Fault>,
    ) -> Result<Condition, Fault> {
        if self.depth >= limits::DEPTH {
            return Err(self.too_many("conditions inside of each other", limits::DEPTH));
        }
        self.depth = self.depth.saturating_add(1);
        let condition = parse(self)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(condition)
    }

    fn predicate(&mut self) -> Result<Condition, Fault> {
        let left = self.term("a field, a value, NOT or `(`")?;
        let at = self.next.at;
        let negated = self.take_word("NOT")?;
        if negated || self.is_word("BETWEEN") {
            if negated && self.is_word("LIKE") {
                return Err(self.expected("BETWEEN (write NOT before the field)"));
            }
            self.require_word("BETWEEN", "BETWEEN")?;
            let Term::Field(field) = left else {
                return Err(Fault::new(left.at(), FilterErrorKind::NoField));
            };
            let low = self.value()?;
            self.require_word("AND", "AND and the upper end")?;
            let high = self.value()?;
            return Ok(Condition::Between { field, low, high, negated });
        }
        let relation = self.relation()?;
        let right = self.term("a field or a value")?;
        Ok(Condition::Compare { at, left, relation, right })
    }

    fn relation(&mut self) -> Result<Relation, Fault> {
        let relation = match self.next.kind {
            TokenKind::Equal => Relation::Equal,
            TokenKind::NotEqual => Relation::NotEqual,
            TokenKind::Less => Relation::Less,
            TokenKind::LessOrEqual => Relation::LessOrEqual,
            TokenKind::Greater => Relation::Greater,
            TokenKind::GreaterOrEqual => Relation::GreaterOrEqual,
            TokenKind::Word if self.is_word("LIKE") => Relation::Like,
            TokenKind::Word if self.is_word("MATCH") => {
                let kind = FilterErrorKind::OtherLanguage { found: "MATCH", instead: "LIKE" };
                return Err(Fault::new(self.next.at, kind));
            }
            _ => return Err(self.expected("=, <>, <, <=, >, >=, LIKE or BETWEEN")),
        };
        self.advance()?;
        Ok(relation)
    }

    /// A field, literal or parameter.
    fn term(&mut self, what: &'static str) -> Result<Term, Fault> {
        if self.next.kind == TokenKind::Word && !self.is_word("TRUE") && !self.is_word("FALSE") {
            if RESERVED.iter().any(|reserved| self.is_word(reserved)) {
                return Err(self.expected(what));
            }
            return Ok(Term::Field(self.field()?));
        }
        self.constant(what)
    }

    /// A literal or parameter. A word is kept for what it may be: the literal of an enumeration.
    fn value(&mut self) -> Result<Term, Fault> {
        self.term("a value")
    }

    fn constant(&mut self, what: &'static str) -> Result<Term, Fault> {
        let at = self.next.at;
        let literal = match &self.next.kind {
            TokenKind::Parameter(number) => {
                let term = Term::Parameter { at, number: *number };
                self.advance()?;
                return Ok(term);
            }
            TokenKind::Integer(value) => Literal::Integer(*value),
            TokenKind::Float(value) => Literal::Float(*value),
            TokenKind::Text(text) => Literal::Text(text.clone()),
            TokenKind::Word if self.is_word("TRUE") => Literal::Boolean(true),
            TokenKind::Word if self.is_word("FALSE") => Literal::Boolean(false),
            _ => return Err(self.expected(what)),
        };
        self.advance()?;
        Ok(Term::Literal { at, literal })
    }

    fn field(&mut self) -> Result<FieldName, Fault> {
        let mut parts = Vec::new();
        let mut places = Vec::new();
        loop {
            if self.next.kind != TokenKind::Word {
                return Err(self.expected("a field"));
            }
            places.push(self.next.at);
            parts.push(PathPart::Member(self.word().to_owned()));
            self.advance()?;
            while self.next.kind == TokenKind::OpenIndex {
                self.advance()?;
                places.push(self.next.at);
                parts.push(PathPart::Element(self.index()?));
            }
            if parts.len() > limits::PATH_PARTS {
                return Err(self.too_many("parts in a field", limits::PATH_PARTS));
            }
            if !self.take(&TokenKind::Dot)? {
                return Ok(FieldName { path: FieldPath(parts), places });
            }
        }
    }

    fn index(&mut self) -> Result<usize, Fault> {
        let index = match self.next.kind {
            TokenKind::Integer(value) => usize::try_from(value).ok(),
            _ => None,
        };
        let Some(index) = index else { return Err(self.expected("an index")) };
        self.advance()?;
        match self.take(&TokenKind::CloseIndex)? {
            true => Ok(index),
            false => Err(self.expected("`]`")),
        }
    }

    fn count_node(&mut self) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(1);
        match self.nodes > limits::NODES {
            true => Err(self.too_many("predicates and operators", limits::NODES)),
            false => Ok(()),
        }
    }

    fn advance(&mut self) -> Result<(), Fault> {
        self.next = self.lexer.next()?;
        Ok(())
    }

    fn take(&mut self, kind: &TokenKind) -> Result<bool, Fault> {
        let found = self.next.kind == *kind;
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn word(&self) -> &'e str {
        self.lexer.text(self.next.at, self.next.end)
    }

    /// Whether the next token is this keyword, in any case.
    fn is_word(&self, keyword: &str) -> bool {
        self.next.kind == TokenKind::Word && self.word().eq_ignore_ascii_case(keyword)
    }

    /// Whether ORDER BY follows; ORDER alone may be a field.
    fn is_order_by(&self) -> bool {
        let mut ahead = self.lexer.clone();
        let second = ahead.next().map(|token| ahead.text(token.at, token.end));
        self.is_word("ORDER") && second.is_ok_and(|word| word.eq_ignore_ascii_case("BY"))
    }

    fn take_word(&mut self, keyword: &str) -> Result<bool, Fault> {
        let found = self.is_word(keyword);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn require_word(&mut self, keyword: &str, what: &'static str) -> Result<(), Fault> {
        match self.take_word(keyword)? {
            true => Ok(()),
            false => Err(self.expected(what)),
        }
    }

    fn end(&self, what: &'static str) -> Result<(), Fault> {
        match self.next.kind {
            TokenKind::End => Ok(()),
            _ => Err(self.expected(what)),
        }
    }

    fn expected(&self, what: &'static str) -> Fault {
        let found = self.word().to_owned();
        Fault::new(self.next.at, FilterErrorKind::Expected { what, found })
    }

    fn too_many(&self, what: &'static str, limit: usize) -> Fault {
        Fault::new(self.next.at, FilterErrorKind::TooLarge { what, limit })
    }
}

/// The only one of several, or all of them.
fn single(mut conditions: Vec<Condition>) -> Result<Condition, Vec<Condition>> {
    if conditions.len() == 1
        && let Some(only) = conditions.pop()
    {
        return Ok(only);
    }
    Err(conditions)
}

/// A parameter's text as a literal, which it is if it is exactly one.
pub(crate) fn literal(text: &str) -> Option<Literal> {
    let mut parser = Parser::new(text).ok()?;
    match parser.constant("a value").ok()? {
        Term::Literal { literal, .. } if parser.next.kind == TokenKind::End => Some(literal),
        _ => None,
    }
}
