//! What the language accepts, what it means, and what it says of mistakes.

mod common;

use common::{compile, everything, passes, sample};
use dds_filter::{FilterExpression, QueryExpression, TopicExpression};

/// Expressions over [`sample`], and whether it passes.
const MEANING: &[(&str, &[&str], bool)] = &[
    ("", &[], true),
    ("  ", &[], true),
    ("color = 'BLUE'", &[], true),
    ("color = `BLUE'", &[], true),
    ("'BLUE' = color", &[], true),
    ("color <> 'BLUE'", &[], false),
    ("color != 'BLUE'", &[], false),
    ("color < 'BLUF'", &[], true),
    ("color = 'blue'", &[], false),
    ("color LIKE 'B%'", &[], true),
    ("color like '_LU_'", &[], true),
    ("color LIKE 'B*E'", &[], true),
    ("color LIKE 'B?UE'", &[], true),
    ("color LIKE 'LU'", &[], false),
    ("color LIKE '%LU%'", &[], true),
    ("NOT color LIKE '%LU%'", &[], false),
    ("letter = 'q'", &[], true),
    ("letter LIKE '_'", &[], true),
    ("letter < color", &[], false),
    ("small = 200", &[], true),
    ("small = 0xC8", &[], true),
    ("small > -1", &[], true),
    ("small<+201", &[], true),
    ("200 >= small", &[], true),
    ("199 >= small", &[], false),
    ("200.5 > small", &[], true),
    ("large = 18446744073709551615", &[], true),
    ("large > signed", &[], true),
    ("signed = -7", &[], true),
    ("signed BETWEEN -8 AND -7", &[], true),
    ("signed NOT BETWEEN -8 AND -7", &[], false),
    ("signed between %0 and %1", &["-8", "-7"], true),
    ("single = 0.1", &[], true),
    ("double = 0.1", &[], true),
    ("double = single", &[], false),
    ("double = 1e-1", &[], true),
    ("double > .05 AND double < 1.", &[], true),
    ("flag = TRUE", &[], true),
    ("flag = true AND NOT flag = False", &[], true),
    ("flag = 1", &[], true),
    ("kind = 'Green'", &[], true),
    ("kind = Green", &[], true),
    ("kind = 5", &[], true),
    ("kind > Red", &[], true),
    ("kind = other_kind", &[], false),
    ("kind BETWEEN Red AND Blue", &[], true),
    ("kind = %0", &["'Green'"], true),
    ("kind = %0", &["Green"], true),
    ("position.x = 3 AND position.y = 4", &[], true),
    ("points[2].x = 9", &[], true),
    ("numbers[0] = 11", &[], true),
    ("grid[1][2] = 6 AND grid[0][0] = 1", &[], true),
    ("wide = 'ÄÖÜ'", &[], true),
    ("wide LIKE '_Ö%'", &[], true),
    ("wide > color", &[], true),
    // What is not there compares neither one way nor the other.
    ("numbers[1] = 11", &[], false),
    ("NOT numbers[1] = 11", &[], false),
    ("comment = 'x'", &[], false),
    ("comment <> 'x'", &[], false),
    ("NOT comment = 'x' OR small = 200", &[], true),
    ("reading.Celsius > 0 AND small = 200", &[], false),
    ("comment = color", &[], false),
    // NOT before AND before OR.
    ("small = 1 AND small = 2 OR flag = TRUE", &[], true),
    ("flag = TRUE OR small = 1 AND small = 2", &[], true),
    ("(flag = TRUE OR small = 1) AND small = 2", &[], false),
    ("NOT small = 1 AND small = 2", &[], false),
    ("NOT (small = 1 AND small = 2)", &[], true),
    ("NOT NOT small = 200", &[], true),
    ("color = %0", &["'BLUE'"], true),
    ("color = %0", &["BLUE"], true),
    ("color = %99", &[""; 100], false),
    ("small < %1 AND small > %0", &["10", "0xFF"], true),
    ("double < %0", &["2.5"], true),
    ("flag = %0", &["TRUE"], true),
    // From the documentation of Fast DDS and RTI Connext.
    ("points[0].x = 0 OR position.x < 100", &[], true),
    ("color = 'BLUE' AND position.x > %0 AND position.x < %1", &["1", "100"], true),
    ("color LIKE '*BL*'", &[], true),
];

#[test]
fn expressions_mean_what_the_standard_says() {
    let sample = sample();
    for (expression, parameters, expected) in MEANING {
        let program = compile(expression, parameters).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(passes(&program, &sample), *expected, "{expression} {parameters:?}");
    }
}

/// Mistakes: the expression, its parameters, the column, and what is said.
const MISTAKES: &[(&str, &[&str], usize, &str)] = &[
    ("colour = 'X'", &[], 1, "type test::Everything has no member `colour`, did you mean `color`?"),
    ("position.z = 1", &[], 10, "type Point has no member `z`, did you mean `x`?"),
    ("color = BLUE", &[], 9, "type test::Everything has no member `BLUE`"),
    ("kind = Gren", &[], 8, "enumeration Kind has no literal `Gren`, did you mean `Green`?"),
    ("kind = 'Gren'", &[], 8, "enumeration Kind has no literal `Gren`, did you mean `Green`?"),
    ("color = 5", &[], 9, "a string cannot be compared with an integer"),
    ("small = 'a'", &[], 9, "an integer cannot be compared with a string"),
    ("color = small", &[], 9, "a string cannot be compared with an integer"),
    ("kind = 2.5", &[], 8, "an enumeration cannot be compared with a floating-point number"),
    ("color.x = 1", &[], 7, "`color` has no members: it is neither structure nor union"),
    ("color[0] = 1", &[], 7, "`color` has no elements: it is neither array nor sequence"),
    ("points[3].x = 1", &[], 8, "there is no element 3: indices are 0 to 2"),
    ("grid[1][3] = 1", &[], 9, "there is no element 3: indices are 0 to 2"),
    (
        "grid[1] = 1",
        &[],
        6,
        "`grid[1]` is no single value, which cannot be compared; name a member or element of it",
    ),
    ("points = 1", &[], 1, "`points` is an array, which cannot be compared; name a member or element of it"),
    (
        "position = 1",
        &[],
        1,
        "`position` is a structure, which cannot be compared; name a member or element of it",
    ),
    ("1 = 1", &[], 1, "one side of a comparison must be a field of the type"),
    ("1 BETWEEN 0 AND 2", &[], 1, "one side of a comparison must be a field of the type"),
    ("small = %0", &[], 9, "parameter %0 is not among the 0 given; give at least 1"),
    ("small = %2", &["1", "2"], 9, "parameter %2 is not among the 2 given; give at least 3"),
    ("small = %0", &["much"], 9, "the text of parameter %0, `much`, is no value to compare with an integer"),
    ("small = %100", &[], 9, "parameters are %0 to %99"),
    ("small == 1", &[], 7, "write `=` instead of `==`"),
    ("small = 1 && flag = TRUE", &[], 11, "write `AND` instead of `&&`"),
    ("!flag", &[], 1, "write `NOT` instead of `!`"),
    ("color MATCH 'B.*'", &[], 7, "write `LIKE` instead of `MATCH`"),
    ("color = \"BLUE\"", &[], 9, "strings stand between single quotes: 'text'"),
    ("color = 'BLUE", &[], 9, "the string that begins here lacks its closing quote `'`"),
    ("color = 'BL\nUE'", &[], 9, "the string that begins here lacks its closing quote `'`"),
    ("small = 12a", &[], 9, "no number that a 64-bit integer or a double holds; write 12, -3, 0x1F or 2.5e3"),
    (
        "small = 18446744073709551616",
        &[],
        9,
        "no number that a 64-bit integer or a double holds; write 12, -3, 0x1F or 2.5e3",
    ),
    ("small =", &[], 8, "the expression ends, but a field or a value should follow"),
    ("small", &[], 6, "the expression ends, but =, <>, <, <=, >, >=, LIKE or BETWEEN should follow"),
    ("small 5", &[], 7, "=, <>, <, <=, >, >=, LIKE or BETWEEN should stand here, not `5`"),
    ("(small = 5", &[], 11, "the expression ends, but AND, OR or `)` should follow"),
    ("small = 5)", &[], 10, "AND, OR or the end of the expression should stand here, not `)`"),
    ("small = 5 flag = TRUE", &[], 11, "AND, OR or the end of the expression should stand here, not `flag`"),
    ("AND small = 5", &[], 1, "a field, a value, NOT or `(` should stand here, not `AND`"),
    ("small BETWEEN 1 OR 2", &[], 17, "AND and the upper end should stand here, not `OR`"),
    (
        "small = 5 ORDER BY small",
        &[],
        11,
        "AND, OR or the end (ORDER BY belongs to queries) should stand here, not `ORDER`",
    ),
    ("color NOT LIKE 'x'", &[], 11, "BETWEEN (write NOT before the field) should stand here, not `LIKE`"),
    (
        "small LIKE '2%'",
        &[],
        1,
        "LIKE compares a string or character field with a quoted pattern or a parameter",
    ),
    (
        "color LIKE color",
        &[],
        7,
        "LIKE compares a string or character field with a quoted pattern or a parameter",
    ),
    ("color = 'é' AND ü = 1", &[], 17, "the character `ü` has no meaning here"),
    ("points[x].x = 1", &[], 8, "an index should stand here, not `x`"),
];

#[test]
fn mistakes_are_shown_where_they_are() {
    for (expression, parameters, column, expected) in MISTAKES {
        let Err(error) = compile(expression, parameters) else { panic!("accepted: {expression}") };
        assert_eq!(error.kind.to_string(), *expected, "{expression}");
        assert_eq!(error.column, *column, "{expression}");
        assert_eq!(error.expression, *expression);
    }
}

#[test]
fn an_error_shows_the_expression_and_the_place() {
    let error = compile("color = 'é' AND shapesize > 3", &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column 17: type test::Everything has no member `shapesize`\n  color = 'é' AND shapesize > 3\n                  ^"
    );
}

#[test]
fn costs_are_bounded() {
    let nested = |depth: usize| "(".repeat(depth) + "small = 1" + &")".repeat(depth);
    assert!(FilterExpression::parse(&nested(32)).is_ok());
    let negated = "NOT ".repeat(33) + "small = 1";
    let wide = |count: usize| vec!["small=1"; count].join(" OR ");
    assert!(FilterExpression::parse(&wide(128)).is_ok());
    let deep_path = format!("{}x = 1", "x.".repeat(32));
    for expression in [nested(33), negated, wide(129), deep_path, "x".repeat(4097)] {
        let error = FilterExpression::parse(&expression).unwrap_err();
        assert!(error.to_string().contains("too many"), "{error}");
    }
    assert!(compile("color = %0", &["x"; 101]).is_err());
    assert!(compile("color = %0", &[&"x".repeat(4097)]).is_err());
}

#[test]
fn queries_have_an_order() {
    let compiled = |text: &str| QueryExpression::parse(text)?.compile(&everything(), &[]);
    assert!(compiled("small > 3 ORDER BY position.x, color").unwrap().is_sorted());
    assert!(compiled("ORDER BY color").unwrap().is_always_true());
    assert!(!compiled("").unwrap().is_sorted());
    for (wrong, column) in
        [("ORDER BY", 9), ("ORDER BY points", 10), ("small = 1 ORDER color", 17), ("ORDER BY color DESC", 16)]
    {
        assert_eq!(compiled(wrong).unwrap_err().column, column, "{wrong}");
    }
}

#[derive(dds_derive::DdsType)]
struct Row {
    name: String,
    number: Option<f64>,
}

#[test]
fn samples_are_sorted_by_field_after_field_with_what_is_absent_last() {
    use dds_types::{DataRepresentationId, TopicType, dynamic::DynamicType};
    let query = QueryExpression::parse("order by number, name").unwrap();
    let program = query.compile(&DynamicType::of::<Row>().unwrap(), &[]).unwrap();
    let rows = [("d", None), ("b", Some(2.0)), ("c", Some(f64::NAN)), ("a", Some(2.0)), ("e", Some(-1.0))];
    let mut rows = rows.map(|(name, number)| {
        let mut payload = Vec::new();
        Row { name: name.into(), number }.serialize(DataRepresentationId::XCDR, &mut payload).unwrap();
        payload
    });
    rows.sort_by(|one, other| program.order(one, other));
    let names = rows.each_ref().map(|row| Row::deserialize(row).unwrap().name);
    assert_eq!(names, ["e", "a", "b", "c", "d"]);
    assert_eq!(program.order(&[], &rows[0]), std::cmp::Ordering::Greater);
    assert_eq!(program.order(&rows[0], &[]), std::cmp::Ordering::Less);
    assert_eq!(program.order(&[], &[]), std::cmp::Ordering::Equal);
}

/// Only what an expression names is decoded, and what is not valid is an error.
#[test]
fn payloads_are_decoded_as_far_as_needed() {
    let program = compile("color = 'BLUE'", &[]).unwrap();
    let [payload, _] = sample();
    // The options say how many bytes of padding follow.
    let up_to = |length: usize| [&payload[..3], &[0], &payload[4..length]].concat();
    assert_eq!(program.passes(&up_to(13)), Ok(true));
    assert!(program.passes(&up_to(12)).is_err());
    assert!(program.passes(&[]).is_err());
    assert_eq!(compile("", &[]).unwrap().passes(&[]), Ok(true));
}

#[test]
fn topic_expressions_name_columns_topics_and_a_condition() {
    // The example of DDS 1.4 Annex B.
    let text = "SELECT flight_name, x, y, z AS height FROM 'Location' NATURAL JOIN 'FlightPlan' \
                WHERE height < 1000 AND x < 23;";
    let expression = TopicExpression::parse(text).unwrap();
    assert_eq!(expression.topics(), ["Location", "FlightPlan"]);
    let columns: Vec<_> = expression
        .columns()
        .unwrap()
        .iter()
        .map(|c| (c.source().to_string(), c.target().to_string()))
        .collect();
    let expected = [("flight_name", "flight_name"), ("x", "x"), ("y", "y"), ("z", "height")];
    assert_eq!(columns, expected.map(|(source, target)| (source.to_owned(), target.to_owned())));

    for (text, topics) in [
        ("SELECT * FROM A", &["A"][..]),
        ("select * from A inner natural join B", &["A", "B"]),
        ("SELECT a.b c FROM A NATURAL INNER JOIN (B NATURAL JOIN C) WHERE x = 1", &["A", "B", "C"]),
        ("SELECT * FROM A NATURAL JOIN (B NATURAL JOIN C) NATURAL JOIN D;", &["A", "B", "C", "D"]),
    ] {
        assert_eq!(TopicExpression::parse(text).unwrap().topics(), topics, "{text}");
    }
    for (wrong, column) in [
        ("", 1),
        ("SELECT FROM A", 8),
        ("SELECT * A", 10),
        ("SELECT * FROM", 14),
        ("SELECT * FROM A JOIN B", 17),
        ("SELECT * FROM A NATURAL B", 25),
        ("SELECT * FROM A NATURAL JOIN (B", 32),
        ("SELECT * FROM A WHERE", 22),
        ("SELECT * FROM A; x", 18),
    ] {
        let error = TopicExpression::parse(wrong).unwrap_err();
        assert_eq!(error.column, column, "{error}");
    }
}
