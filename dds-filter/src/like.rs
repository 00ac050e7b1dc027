//! LIKE: `%` and `*` stand for any characters, `_` and `?` for one (DDS 1.4 Annex B; the second of each
//! is what Fast DDS and RTI Connext read as well).

use alloc::{boxed::Box, string::String, vec::Vec};

use crate::{error::FilterErrorKind, limits};

/// A pattern, split at what stands for any characters. Matching looks at each character of the text a
/// bounded number of times: [`limits::WILDCARD_RUN`] at most.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Pattern {
    /// What the text begins with; all of it where nothing stands for any characters.
    first: Run,
    /// What follows in this order, the last one at the end; empty if the whole text is `first`.
    rest: Box<[Run]>,
}

/// Characters that follow each other.
#[derive(Clone, PartialEq, Debug)]
enum Run {
    Plain(Box<str>),
    /// `None` stands for any one.
    Wild(Box<[Option<char>]>),
}

impl Run {
    fn new(part: &str) -> Self {
        if !part.contains(is_single) {
            return Self::Plain(part.into());
        }
        Self::Wild(part.chars().map(|c| (!is_single(c)).then_some(c)).collect())
    }

    /// What is left of `text` behind the run, if the text begins with it.
    fn strip_prefix<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Plain(part) => text.strip_prefix(&**part),
            Self::Wild(part) => {
                let mut rest = text.chars();
                let matches = part.iter().all(|wanted| match (rest.next(), wanted) {
                    (Some(c), Some(wanted)) => c == *wanted,
                    (found, None) => found.is_some(),
                    (None, Some(_)) => false,
                });
                matches.then_some(rest.as_str())
            }
        }
    }

    fn is_suffix_of(&self, text: &str) -> bool {
        match self {
            Self::Plain(part) => text.ends_with(&**part),
            Self::Wild(part) => {
                let mut rest = text.chars().rev();
                part.iter().rev().all(|wanted| match (rest.next(), wanted) {
                    (Some(c), Some(wanted)) => c == *wanted,
                    (found, None) => found.is_some(),
                    (None, Some(_)) => false,
                })
            }
        }
    }

    /// What is left of `text` behind the first place of the run in it.
    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        match self {
            Self::Plain(part) => text.split_once(&**part).map(|(_, rest)| rest),
            Self::Wild(_) => {
                let starts = text.char_indices().map(|(at, _)| at);
                starts.filter_map(|at| text.get(at..)).find_map(|rest| self.strip_prefix(rest))
            }
        }
    }
}

fn is_single(c: char) -> bool {
    matches!(c, '_' | '?')
}

fn is_any(c: char) -> bool {
    matches!(c, '%' | '*')
}

impl Pattern {
    pub(crate) fn new(pattern: &str) -> Result<Self, FilterErrorKind> {
        let mut parts = pattern.split(is_any).map(Run::new);
        let first = parts.next().unwrap_or(Run::Plain(String::new().into()));
        let rest: Vec<Run> = parts.collect();
        for run in &rest {
            if let Run::Wild(part) = run
                && part.len() > limits::WILDCARD_RUN
            {
                let what = "characters with `_` after a `%`";
                return Err(FilterErrorKind::TooLarge { what, limit: limits::WILDCARD_RUN });
            }
        }
        Ok(Self { first, rest: rest.into() })
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let Some(mut text) = self.first.strip_prefix(text) else { return false };
        let Some((last, middle)) = self.rest.split_last() else { return text.is_empty() };
        for run in middle {
            let Some(behind) = run.find(text) else { return false };
            text = behind;
        }
        last.is_suffix_of(text)
    }
}

#[cfg(test)]
mod tests {
    use std::{string::String, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    /// The definition, as slow as it is plain.
    fn slow(pattern: &[char], text: &[char]) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((c, rest)) if is_any(*c) => (0..=text.len()).any(|skipped| slow(rest, &text[skipped..])),
            Some((c, rest)) => {
                text.split_first().is_some_and(|(t, behind)| (is_single(*c) || c == t) && slow(rest, behind))
            }
        }
    }

    proptest! {
        #[test]
        fn patterns_match_what_the_definition_says(pattern in "[ab%_*?ä]{0,9}", text in "[abä]{0,12}") {
            let characters: (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
            let expected = slow(&characters.0, &characters.1);
            prop_assert_eq!(Pattern::new(&pattern).unwrap().matches(&text), expected);
        }
    }

    #[test]
    fn hostile_patterns_take_no_time() {
        let text = "a".repeat(1 << 20);
        let (long, wild) = ("a".repeat(2000), "a".repeat(62));
        for pattern in [std::format!("%{long}b%"), std::format!("%{wild}_b%"), "%a".repeat(1000) + "b"] {
            assert!(!Pattern::new(&pattern).unwrap().matches(&text));
        }
        let refused = String::from("%") + &"a".repeat(64) + "_";
        assert!(matches!(Pattern::new(&refused), Err(FilterErrorKind::TooLarge { limit: 64, .. })));
    }
}
