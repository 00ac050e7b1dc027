//! Characters to tokens (DDS 1.4 Annex B, «Token expression»).

use alloc::string::String;

use crate::{
    error::{Fault, FilterErrorKind},
    limits,
};

/// A token and where it begins, in bytes.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Token {
    pub(crate) at: usize,
    pub(crate) end: usize,
    pub(crate) kind: TokenKind,
}

#[derive(Clone, PartialEq, Debug)]
pub(crate) enum TokenKind {
    /// A name or keyword, as written.
    Word,
    Integer(i128),
    Float(f64),
    /// The text between quotes.
    Text(String),
    Parameter(usize),
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Open,
    Close,
    OpenIndex,
    CloseIndex,
    Dot,
    Comma,
    Star,
    Semicolon,
    End,
}

/// Takes tokens off an expression. Each character is looked at a bounded number of times.
#[derive(Clone, Debug)]
pub(crate) struct Lexer<'e> {
    expression: &'e str,
    position: usize,
}

impl<'e> Lexer<'e> {
    pub(crate) fn new(expression: &'e str) -> Result<Self, Fault> {
        if expression.len() > limits::EXPRESSION_BYTES {
            let kind = FilterErrorKind::TooLarge { what: "bytes", limit: limits::EXPRESSION_BYTES };
            return Err(Fault::new(limits::EXPRESSION_BYTES, kind));
        }
        Ok(Self { expression, position: 0 })
    }

    /// What was written between two places.
    pub(crate) fn text(&self, at: usize, end: usize) -> &'e str {
        self.expression.get(at..end).unwrap_or("")
    }

    fn rest(&self) -> &'e str {
        self.expression.get(self.position..).unwrap_or("")
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    fn advance(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.position = self.position.saturating_add(next.len_utf8());
        Some(next)
    }

    fn advance_while(&mut self, wanted: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&wanted) {
            self.advance();
        }
    }

    fn take_if(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.advance();
        }
        found
    }

    pub(crate) fn next(&mut self) -> Result<Token, Fault> {
        self.advance_while(|c| c.is_ascii_whitespace());
        let at = self.position;
        let kind = match self.peek() {
            None => TokenKind::End,
            Some('\'' | '`') => self.string(at)?,
            Some('%') => self.parameter(at)?,
            Some(c) if c.is_ascii_digit() => self.number(at)?,
            Some('+' | '-') => self.number(at)?,
            Some('.') if self.peek_second().is_some_and(|c| c.is_ascii_digit()) => self.number(at)?,
            Some(c) if is_word(c) => {
                self.advance_while(is_word);
                TokenKind::Word
            }
            Some(_) => self.symbol(at)?,
        };
        Ok(Token { at, end: self.position, kind })
    }

    fn symbol(&mut self, at: usize) -> Result<TokenKind, Fault> {
        let other = |found, instead| Fault::new(at, FilterErrorKind::OtherLanguage { found, instead });
        let Some(first) = self.advance() else { return Ok(TokenKind::End) };
        Ok(match first {
            '=' if self.peek() == Some('=') => return Err(other("==", "=")),
            '=' => TokenKind::Equal,
            '<' if self.take_if('=') => TokenKind::LessOrEqual,
            '<' if self.take_if('>') => TokenKind::NotEqual,
            '<' => TokenKind::Less,
            '>' if self.take_if('=') => TokenKind::GreaterOrEqual,
            '>' => TokenKind::Greater,
            '!' if self.take_if('=') => TokenKind::NotEqual,
            '!' => return Err(other("!", "NOT")),
            '&' => return Err(other("&&", "AND")),
            '|' => return Err(other("||", "OR")),
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            '[' => TokenKind::OpenIndex,
            ']' => TokenKind::CloseIndex,
            '.' => TokenKind::Dot,
            ',' => TokenKind::Comma,
            '*' => TokenKind::Star,
            ';' => TokenKind::Semicolon,
            found => return Err(Fault::new(at, FilterErrorKind::UnexpectedCharacter(found))),
        })
    }

    /// A string begins with a left or right quote and ends with a right one; two right ones stand for
    /// one.
    fn string(&mut self, at: usize) -> Result<TokenKind, Fault> {
        self.advance();
        let mut text = String::new();
        loop {
            match self.advance() {
                Some('\'') if self.take_if('\'') => text.push('\''),
                Some('\'') => return Ok(TokenKind::Text(text)),
                None | Some('\n' | '\r') => return Err(Fault::new(at, FilterErrorKind::UnterminatedString)),
                Some(other) => text.push(other),
            }
        }
    }

    fn parameter(&mut self, at: usize) -> Result<TokenKind, Fault> {
        self.advance();
        let digits = self.position;
        self.advance_while(is_word);
        let number = self.text(digits, self.position);
        let number = match number.bytes().all(|byte| byte.is_ascii_digit()) {
            true => number.parse::<usize>().ok(),
            false => None,
        };
        match number.filter(|number| *number < limits::PARAMETERS) {
            Some(number) => Ok(TokenKind::Parameter(number)),
            None => Err(Fault::new(at, FilterErrorKind::InvalidParameter)),
        }
    }

    fn number(&mut self, at: usize) -> Result<TokenKind, Fault> {
        let invalid = Fault::new(at, FilterErrorKind::InvalidNumber);
        let negative = self.peek() == Some('-');
        if negative || self.peek() == Some('+') {
            self.advance();
        }
        let digits = self.position;
        if self.peek() == Some('0') && matches!(self.peek_second(), Some('x' | 'X')) {
            self.advance();
            self.advance();
            let digits = self.position;
            self.advance_while(is_word);
            let value =
                u64::from_str_radix(self.text(digits, self.position), 16).map_err(|_| invalid.clone())?;
            return signed(negative, i128::from(value)).ok_or(invalid);
        }
        self.advance_while(|c| c.is_ascii_digit());
        let mut is_float = false;
        if self.peek() == Some('.') && self.peek_second().is_none_or(|c| !is_word(c) || c.is_ascii_digit()) {
            is_float = true;
            self.advance();
            self.advance_while(|c| c.is_ascii_digit());
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            is_float = true;
            self.advance();
            if matches!(self.peek(), Some('+' | '-')) {
                self.advance();
            }
            self.advance_while(|c| c.is_ascii_digit());
        }
        // `12abc` is neither a number nor a name.
        if self.peek().is_some_and(is_word) {
            return Err(invalid);
        }
        let text = self.text(digits, self.position);
        if is_float {
            let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite()).ok_or(invalid)?;
            return Ok(TokenKind::Float(if negative { -value } else { value }));
        }
        let value: i128 = text.parse().map_err(|_| invalid.clone())?;
        signed(negative, value).ok_or(invalid)
    }
}

/// An integer that an `int64` or a `uint64` can hold.
fn signed(negative: bool, value: i128) -> Option<TokenKind> {
    let value = if negative { value.checked_neg()? } else { value };
    let held = i128::from(i64::MIN)..=i128::from(u64::MAX);
    held.contains(&value).then_some(TokenKind::Integer(value))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
