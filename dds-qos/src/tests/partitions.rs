//! Partition names and patterns (DDS 1.4 §2.2.3.13; POSIX.2 §2.13 patterns).

use crate::partition::glob_matches;
use crate::partitions_match;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use proptest::prelude::*;

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

#[test]
fn names_and_patterns() {
    let cases: &[(&[&str], &[&str], bool)] = &[
        (&[], &[], true),
        (&[], &[""], true),
        (&[], &["*"], true),
        (&[], &["a"], false),
        (&["a"], &["a"], true),
        (&["a"], &["b"], false),
        (&["a", "b"], &["c", "b"], true),
        (&["alpha"], &["al*"], true),
        (&["al*"], &["alpha"], true),
        (&["al*"], &["al*"], false),
        (&["*"], &["*"], false),
        (&["*", "x"], &["*"], true),
        (&["lab3"], &["lab[0-9]"], true),
        (&["labx"], &["lab[0-9]"], false),
        (&["labx"], &["lab[!0-9]"], true),
        (&["lab"], &["la?"], true),
        (&["la"], &["la?"], false),
    ];
    for (publisher, subscriber, expected) in cases {
        assert_eq!(
            partitions_match(&names(publisher), &names(subscriber)),
            *expected,
            "{publisher:?} {subscriber:?}"
        );
    }
}

#[test]
fn patterns() {
    let cases = [
        ("", "", true),
        ("*", "", true),
        ("**", "abc", true),
        ("a*c", "abbc", true),
        ("a*c", "abb", false),
        ("*a*b", "xaxxb", true),
        ("a?c", "aüc", true),
        ("[]a]", "]", true),
        ("[!]a]", "b", true),
        ("[^a]", "a", false),
        ("[a-]", "-", true),
        ("[a", "[a", true),
        ("[", "[", true),
        ("[a", "a", false),
        ("\\*", "*", true),
        ("\\*", "x", false),
        ("[\\]]", "]", true),
        ("a/b*", "a/b/c", true),
        ("*.log", "x.log.log", true),
        ("\\", "\\", true),
    ];
    for (pattern, name, expected) in cases {
        assert_eq!(glob_matches(pattern, name), expected, "{pattern:?} {name:?}");
    }
}

#[test]
fn work_is_bounded() {
    let pattern = "a*".repeat(2_000) + "b";
    let name = "a".repeat(20_000);
    assert!(!glob_matches(&pattern, &name));
}

proptest! {
    /// Against the plain recursive definition.
    #[test]
    fn stars_and_question_marks_agree_with_the_definition(pattern in "[ab*?]{0,8}", name in "[ab]{0,8}") {
        fn defined(pattern: &[u8], name: &[u8]) -> bool {
            match (pattern.split_first(), name.split_first()) {
                (None, None) => true,
                (None, Some(_)) => false,
                (Some((b'*', rest)), _) => (0..=name.len()).any(|taken| defined(rest, &name[taken..])),
                (Some((b'?', rest)), Some((_, name))) => defined(rest, name),
                (Some((one, rest)), Some((other, name))) => one == other && defined(rest, name),
                (Some(_), None) => false,
            }
        }
        prop_assert_eq!(glob_matches(&pattern, &name), defined(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn matching_is_symmetric(one in "[ab*\\[\\]!-]{0,6}", other in "[ab*\\[\\]!-]{0,6}") {
        let (one, other) = ([one], [other]);
        prop_assert_eq!(partitions_match(&one, &other), partitions_match(&other, &one));
    }
}
