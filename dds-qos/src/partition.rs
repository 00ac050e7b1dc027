//! PARTITION matching (DDS 1.4 §2.2.3.13).

use alloc::string::String;

/// Whether a publisher and a subscriber share a partition.
///
/// No name at all means the one empty name. A name with `*`, `?` or `[…]` is a pattern as of POSIX
/// `fnmatch`; a pattern matches plain names only, never another pattern.
pub fn partitions_match(publisher: &[String], subscriber: &[String]) -> bool {
    const UNNAMED: &[String] = &[String::new()];
    let publisher = if publisher.is_empty() { UNNAMED } else { publisher };
    let subscriber = if subscriber.is_empty() { UNNAMED } else { subscriber };
    publisher.iter().any(|offered| subscriber.iter().any(|requested| names_match(offered, requested)))
}

fn names_match(one: &str, other: &str) -> bool {
    match (is_pattern(one), is_pattern(other)) {
        (false, false) => one == other,
        (true, false) => glob_matches(one, other),
        (false, true) => glob_matches(other, one),
        (true, true) => false,
    }
}

fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Whether `name` matches a POSIX `fnmatch` pattern without flags: `*`, `?`, `[a-z]`, `[!a-z]` and
/// `\` before a character taken as it is. A `[` that is never closed stands for itself.
///
/// On a mismatch only the last `*` takes one more character, so that work is at most the product of
/// both lengths.
pub(crate) fn glob_matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut retry: Option<(&str, &str)> = None;
    loop {
        if let Some(after_star) = pattern.strip_prefix('*') {
            pattern = after_star;
            retry = Some((after_star, name));
            continue;
        }
        let mut rest = name.chars();
        let step = match rest.next() {
            None if pattern.is_empty() => return true,
            None => return false,
            Some(character) => match_one(pattern, character),
        };
        if let Some(remaining) = step {
            pattern = remaining;
            name = rest.as_str();
            continue;
        }
        let Some((after_star, from)) = retry else { return false };
        let mut longer = from.chars();
        longer.next();
        pattern = after_star;
        name = longer.as_str();
        retry = Some((after_star, name));
    }
}

/// Matches one character with the pattern's first element and gives the rest of the pattern.
fn match_one(pattern: &str, character: char) -> Option<&str> {
    let mut elements = pattern.chars();
    let first = elements.next()?;
    let rest = elements.as_str();
    match first {
        '?' => Some(rest),
        '[' => match bracket(rest, character) {
            Some((true, after)) => Some(after),
            Some((false, _)) => None,
            None => (character == '[').then_some(rest),
        },
        '\\' => {
            let escaped = elements.next();
            match escaped {
                Some(escaped) => (escaped == character).then_some(elements.as_str()),
                None => (character == '\\').then_some(rest),
            }
        }
        plain => (plain == character).then_some(rest),
    }
}

/// Whether the bracket expression whose inside starts `pattern` contains the character, and the
/// pattern after `]`; `None` when there is no `]`. A `]` in first place is an element.
fn bracket(pattern: &str, character: char) -> Option<(bool, &str)> {
    let (negated, inside) = match pattern.strip_prefix(['!', '^']) {
        Some(inside) => (true, inside),
        None => (false, pattern),
    };
    let mut elements = inside.chars();
    let mut found = false;
    let mut is_first = true;
    loop {
        let mut low = elements.next()?;
        if low == ']' && !is_first {
            return Some((found != negated, elements.as_str()));
        }
        if low == '\\' {
            low = elements.next()?;
        }
        is_first = false;
        let mut range = elements.clone();
        let high = match (range.next(), range.next()) {
            (Some('-'), Some(high)) if high != ']' => {
                elements = range;
                if high == '\\' { elements.next()? } else { high }
            }
            _ => low,
        };
        found |= (low..=high).contains(&character);
    }
}
