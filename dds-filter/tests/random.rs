//! Whatever comes, the answer comes too: no panic, no endless search.

mod common;

use common::{compile, everything, passes, sample};
use dds_filter::{FilterExpression, QueryExpression, TopicExpression};
use proptest::prelude::*;

/// Pieces that expressions are made of, and some that they are not.
fn piece() -> impl Strategy<Value = String> {
    const KNOWN: &[&str] = &[
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "LIKE",
        "(",
        ")",
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "!=",
        "%0",
        "%1",
        "%99",
        "'",
        "`",
        "'x'",
        "'%a_'",
        "color",
        "small",
        "kind",
        "Green",
        "points[1].x",
        "numbers[0]",
        "position.",
        "[",
        "]",
        ".",
        ",",
        "-",
        "+",
        "1",
        "-3",
        "0x",
        "0xFF",
        "1e9",
        "1e999",
        "2.5",
        "TRUE",
        "ORDER",
        "BY",
        "SELECT",
        "*",
        "FROM",
        "NATURAL",
        "JOIN",
        "WHERE",
        ";",
        "\0",
        "é",
        "\n",
    ];
    prop_oneof![
        8 => proptest::sample::select(KNOWN).prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn look_at(text: &str) {
    let parameters = ["3".to_owned(), "'b'".to_owned()];
    if let Ok(expression) = FilterExpression::parse(text)
        && let Ok(program) = expression.compile(&everything(), &parameters)
    {
        passes(&program, &sample());
    }
    if let Ok(expression) = QueryExpression::parse(text) {
        let _ = expression.compile(&everything(), &parameters);
    }
    if let Err(error) = TopicExpression::parse(text) {
        assert!(error.column <= text.chars().count() + 1, "{error:?}");
        assert!(!error.to_string().is_empty());
    }
}

/// A condition whose meaning is known.
fn condition() -> impl Strategy<Value = (String, bool)> {
    let leaf = (0_u8..=255, proptest::sample::select(&["=", "<>", "<", "<=", ">", ">="][..])).prop_map(
        |(n, relation)| {
            let value = match relation {
                "=" => 200 == n,
                "<>" => 200 != n,
                "<" => 200 < n,
                "<=" => 200 <= n,
                ">" => 200 > n,
                _ => 200 >= n,
            };
            (format!("small {relation} {n}"), value)
        },
    );
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| join(parts, "AND")),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(|parts| join(parts, "or")),
            inner.prop_map(|(text, value)| (format!("not ({text})"), !value)),
        ]
    })
}

fn join(parts: Vec<(String, bool)>, operator: &str) -> (String, bool) {
    let text: Vec<String> = parts.iter().map(|(text, _)| format!("({text})")).collect();
    let mut values = parts.iter().map(|(_, value)| *value);
    let value = if operator == "AND" { values.all(|value| value) } else { values.any(|value| value) };
    (text.join(&format!(" {operator} ")), value)
}

proptest! {
    #[test]
    fn random_text_is_answered(text in any::<String>()) {
        look_at(&text);
    }

    #[test]
    fn random_pieces_are_answered(pieces in proptest::collection::vec(piece(), 0..60), blank in any::<bool>()) {
        look_at(&pieces.join(if blank { " " } else { "" }));
    }

    #[test]
    fn conditions_mean_what_their_parts_do((text, expected) in condition()) {
        let program = compile(&text, &[]).unwrap_or_else(|error| panic!("{error}"));
        prop_assert_eq!(passes(&program, &sample()), expected, "{}", text);
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn the_largest_expressions_are_answered_at_once() {
    let begun = std::time::Instant::now();
    for text in [
        "(".repeat(4096),
        "NOT ".repeat(1024),
        "'".repeat(4095),
        "a.".repeat(2048),
        "a[".repeat(2048),
        "x = 1 OR ".repeat(455),
        "%9".repeat(2048),
        "1e9".repeat(1365),
        "small LIKE '".to_owned() + &"%_".repeat(2000),
        "SELECT ".to_owned() + &"a,".repeat(2000),
        "SELECT * FROM A ".to_owned() + &"NATURAL JOIN (A ".repeat(250),
    ] {
        look_at(&text);
    }
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
}
