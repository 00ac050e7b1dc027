//! XML that wants to do harm: no panic, bounded work, bounded memory.

use crate::POLICIES;
use crate::profiles::{ProfileErrorKind, Profiles, XmlDialect};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};
use proptest::prelude::*;

const DIALECTS: &[XmlDialect] =
    &[XmlDialect::DdsXml, XmlDialect::Connext, XmlDialect::FastDds, XmlDialect::CycloneDds];

fn kind(text: &str) -> ProfileErrorKind {
    Profiles::from_xml_str(text).unwrap_err().kind
}

#[test]
fn entities_are_not_expanded_and_nothing_external_is_read() {
    let laughs = "<!DOCTYPE dds [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">]><dds>&b;</dds>";
    let external = "<!DOCTYPE dds [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><dds>&a;</dds>";
    for text in [laughs, external, "<!DOCTYPE dds SYSTEM \"http://192.0.2.1/dds.dtd\"><dds/>"] {
        let expected = "document type declarations are not read";
        assert_eq!(kind(text), ProfileErrorKind::Syntax(expected.to_string()), "{text}");
    }
    assert!(matches!(kind("<dds>&undefined;</dds>"), ProfileErrorKind::Syntax(_)));
}

#[test]
fn size_depth_and_number_are_bounded() {
    let large = format!("<dds>{}</dds>", " ".repeat(Profiles::MAX_FILE_SIZE));
    assert!(matches!(kind(&large), ProfileErrorKind::TooMuch { what: "bytes", .. }));
    for depth in [33, 10_000, 100_000] {
        let deep = format!("{}{}", "<dds>".repeat(depth), "</dds>".repeat(depth));
        assert!(matches!(kind(&deep), ProfileErrorKind::TooMuch { .. }), "{depth}");
    }
    let many = format!("<dds>{}</dds>", "<a/>".repeat(200_000));
    assert!(matches!(kind(&many), ProfileErrorKind::TooMuch { what: "elements and texts", .. }));
    let attributes: String = (0..70_000).map(|number| format!(" a{number}=\"\"")).collect();
    let expected = ProfileErrorKind::TooMuch { what: "attributes of an element", limit: 64 };
    assert_eq!(kind(&format!("<dds{attributes}/>")), expected);
    let declared = |number| format!("<a xmlns:n{number} = 'urn:{number}'/>");
    let namespaces: String = (0..65).map(declared).collect();
    assert_eq!(
        kind(&format!("<dds>{namespaces}</dds>")),
        ProfileErrorKind::TooMuch { what: "namespaces", limit: 64 }
    );
    // What only looks like markup does not count.
    let tags = "<a>".repeat(40);
    let quoted = format!("<dds a='{}'><!--{tags}--><?x {tags}?><![CDATA[{tags}]]></dds>", ">\"".repeat(100));
    assert!(!matches!(kind(&quoted), ProfileErrorKind::TooMuch { .. }));
}

#[test]
fn a_report_stays_in_proportion_to_the_file() {
    // Each of many leaves would repeat the long name of what it is in.
    let long = "x".repeat(100_000);
    let text = format!(
        "<dds version=\"1\"><qos_library name=\"L\"><qos_profile name=\"{long}\"><datawriter_qos><{long}>{}</{long}>\
         </datawriter_qos></qos_profile></qos_library></dds>",
        "<a/>".repeat(20_000)
    );
    let profiles = Profiles::from_xml_str(&text).unwrap();
    assert_eq!(profiles.unmapped().len(), 20_000);
    let reported: usize = profiles.unmapped().iter().map(|entry| entry.path.len() + entry.value.len()).sum();
    assert!(reported < 64 * text.len(), "{reported} bytes of report for {} of file", text.len());
}

#[test]
fn bases_that_multiply_are_refused() {
    // Each profile is based twice on the one before: 2⁴⁰ ways to the first.
    let mut text = String::from("<dds version=\"1\"><qos_library name=\"L\"><qos_profile name=\"p0\"/>");
    for number in 1..40 {
        let base = format!("<element>p{}</element>", number - 1);
        text += &format!("<qos_profile name=\"p{number}\"><base_name>{base}{base}</base_name></qos_profile>");
    }
    text += "</qos_library></dds>";
    let profiles = Profiles::from_xml_str(&text).unwrap();
    assert!(profiles.writer_qos("L::p8", "t").is_ok());
    let error = profiles.writer_qos("L::p39", "t").unwrap_err();
    assert!(matches!(error.kind, ProfileErrorKind::TooMuch { .. }), "{error}");
}

#[test]
fn chains_of_bases_are_bounded_whatever_the_order() {
    let chain = |length: usize, name: fn(usize) -> usize| {
        let mut text = format!("[profiles.p{:05}]\n", name(0));
        for number in 1..length {
            let (own, base) = (name(number), name(number - 1));
            text += &format!("[profiles.p{own:05}]\nbase = \"p{base:05}\"\n");
        }
        Profiles::from_toml_str(&text)
    };
    for name in [|number| number, |number| 50_000 - number] {
        assert!(chain(64, name).is_ok());
        for length in [65, 66, 20_000] {
            let error = chain(length, name).unwrap_err();
            assert!(matches!(error.kind, ProfileErrorKind::TooMuch { .. }), "{length}: {error}");
        }
    }
}

/// Names and values that mean something, put together at random.
fn hostile_document() -> impl Strategy<Value = String> {
    let mut words: Vec<String> = [
        "dds",
        "qos_library",
        "qos_profile",
        "qos_snippet",
        "datawriter_qos",
        "datareader_qos",
        "topic_qos",
        "publisher_qos",
        "participant_qos",
        "base_name",
        "element",
        "value",
        "valueB64",
        "name",
        "names",
        "kind",
        "sec",
        "nanosec",
        "period",
        "duration",
        "profiles",
        "data_writer",
        "data_reader",
        "topic",
        "participant",
        "rtps",
        "userData",
        "qos",
        "historyQos",
        "resourceLimitsQos",
        "CycloneDDS",
        "Domain",
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    words.extend(POLICIES.iter().map(|row| row.field.to_string()));
    words.extend(
        POLICIES.iter().flat_map(|row| row.parts).filter(|part| **part != "0").map(ToString::to_string),
    );
    let name = prop::sample::select(words);
    let value = prop_oneof![
        Just(String::new()),
        Just("DURATION_INFINITY".to_string()),
        Just("LENGTH_UNLIMITED".to_string()),
        Just("true".to_string()),
        Just("p".to_string()),
        Just("0x".to_string()),
        Just("-9223372036854775808".to_string()),
        Just("340282366920938463463374607431768211456".to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[ -~]{0,12}".prop_map(|text| text.replace(['<', '&'], "")),
    ];
    let attribute = (
        prop::sample::select(vec!["name", "base_name", "topic_filter", "profile_name", "is_default_qos"]),
        "[a-c:*]{0,4}",
    );
    let leaf = (name.clone(), value).prop_map(|(name, value)| format!("<{name}>{value}</{name}>"));
    leaf.prop_recursive(6, 40, 6, move |inner| {
        (name.clone(), prop::option::of(attribute.clone()), prop::collection::vec(inner, 0..6)).prop_map(
            |(name, attribute, children)| {
                let attribute =
                    attribute.map(|(key, value)| format!(" {key}=\"{value}\"")).unwrap_or_default();
                format!("<{name}{attribute}>{}</{name}>", children.concat())
            },
        )
    })
}

proptest! {
    #[test]
    fn any_arrangement_of_known_names_is_answered(text in hostile_document()) {
        for dialect in DIALECTS {
            if let Ok(profiles) = Profiles::from_xml_dialect(&text, *dialect) {
                for name in profiles.names() {
                    let _ = profiles.writer_qos(name, "a");
                    let _ = profiles.participant_qos(name);
                }
            }
        }
    }

    #[test]
    fn any_text_is_answered(text in "[<>/a-z&;!\\[\\]\"'= \\-\\x00\u{e9}]{0,200}") {
        let _ = Profiles::from_xml_str(&text);
    }
}

/// A file that is broken off or has one byte changed is answered, whatever the byte.
#[test]
fn broken_files_are_answered() {
    let text = "<dds version=\"1\"><qos_library name=\"L\"><qos_profile name=\"P\"><datawriter_qos><user_data>\
                <valueB64>AAEC</valueB64></user_data><deadline><period><sec>1</sec></period></deadline>\
                </datawriter_qos></qos_profile></qos_library></dds>";
    assert!(Profiles::from_xml_str(text).is_ok());
    for length in 0..text.len() {
        assert!(Profiles::from_xml_str(&text[..length]).is_err(), "{length}");
        for byte in [0, b'<', b'>', b'&', b'"', b'/', b' ', b'A'] {
            let mut changed = text.as_bytes().to_vec();
            changed[length] = byte;
            let _ = Profiles::from_xml_str(core::str::from_utf8(&changed).unwrap());
        }
    }
}
