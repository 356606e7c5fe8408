//! Canonical JSON: the vectors of RFC 8785 and the rules that the formats add.

use proptest::prelude::*;
use serde_json::{Value, json};
use tabellion_model::{JcsError, Json, MAX_INTEGER, check_json, parse_jcs, to_jcs};

fn library(value: &impl serde::Serialize) -> String {
    String::from_utf8(serde_json_canonicalizer::to_vec(value).unwrap()).unwrap()
}

/// RFC 8785 §3.2.2: literals, numbers and strings.
///
/// Requirement: R02
#[test]
fn rfc_sample_of_primitive_types() {
    let input = r#"{
        "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
        "literals": [null, true, false]
    }"#;
    let value: Value = serde_json::from_str(input).unwrap();
    assert_eq!(
        library(&value),
        "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
         \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
        "digests over canonical JSON would differ from every other implementation"
    );
}

/// RFC 8785 §3.2.3: member names are sorted by UTF-16 code units, not by UTF-8 bytes.
///
/// Requirement: R02
#[test]
fn rfc_sample_of_sorting() {
    let value = json!({
        "€": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "😀": "Emoji: Grinning Face", "\u{80}": "Control", "ö": "Latin Small Letter O With Diaeresis",
    });
    let bytes = to_jcs(&value).unwrap();
    assert_eq!(
        String::from_utf8(bytes.clone()).unwrap(),
        "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\
         \"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
        "digests over canonical JSON would differ from every other implementation"
    );
    assert_eq!(parse_jcs(&bytes), Ok(value), "what we write we must read");
}

/// RFC 8785 appendix B: the form of IEEE 754 numbers, edge cases included.
///
/// Requirement: R02
#[test]
fn rfc_numbers_have_their_form() {
    for (bits, text) in [
        (0x0000_0000_0000_0000_u64, "0"),
        (0x8000_0000_0000_0000, "0"),
        (0x0000_0000_0000_0001, "5e-324"),
        (0x8000_0000_0000_0001, "-5e-324"),
        (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
        (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
        (0x4340_0000_0000_0000, "9007199254740992"),
        (0xc340_0000_0000_0000, "-9007199254740992"),
        (0x4430_0000_0000_0000, "295147905179352830000"),
        (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
        (0x44b5_2d02_c7e1_4af6, "1e+23"),
        (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
        (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
        (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
        (0x444b_1ae4_d6e2_ef50, "1e+21"),
        (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
        (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
        (0x41b3_de43_5555_5553, "333333333.3333332"),
        (0x41b3_de43_5555_5554, "333333333.33333325"),
        (0x41b3_de43_5555_5555, "333333333.3333333"),
        (0x41b3_de43_5555_5556, "333333333.3333334"),
        (0x41b3_de43_5555_5557, "333333333.33333343"),
        (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
    ] {
        assert_eq!(
            library(&f64::from_bits(bits)),
            text,
            "number {bits:016x} would be written in a form of our own"
        );
    }
    for bits in [0x7fff_ffff_ffff_ffff_u64, 0x7ff0_0000_0000_0000] {
        let refused = serde_json_canonicalizer::to_vec(&f64::from_bits(bits)).is_err();
        assert!(refused, "{bits:016x} is not a number and must not be written");
    }
}

/// Requirement: R02
#[test]
fn numbers_that_readers_may_round_are_refused() {
    let member = || "n".to_owned();
    for text in [
        "1.5",
        "1.0",
        "1e2",
        "1E2",
        "-0",
        "-0.0",
        "9007199254740992",
        "-9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "295147905179352830000",
        "5e-324",
        "1e+23",
    ] {
        let input = format!("{{\"n\":{text}}}");
        assert_eq!(
            parse_jcs(input.as_bytes()),
            Err(JcsError::NotAnInteger { member: member() }),
            "{text} would be read as some other number by some reader"
        );
    }
    for number in [0, 1, -1, 9_007_199_254_740_991_i64, -9_007_199_254_740_991] {
        let input = format!("{{\"n\":{number}}}");
        assert_eq!(parse_jcs(input.as_bytes()), Ok(json!({"n": number})), "{number} is exact everywhere");
    }
    assert!(to_jcs(&json!({"n": 0.5})).is_err(), "a float must not be written");
    assert!(to_jcs(&json!({"n": MAX_INTEGER + 1})).is_err(), "an integer above 2^53-1 must not be written");
    assert!(to_jcs(&json!({"n": i64::MIN})).is_err(), "an integer below -(2^53-1) must not be written");
}

/// Requirement: R02
#[test]
fn duplicate_members_are_refused_by_name() {
    for (text, path) in [
        (r#"{"a":1,"a":1}"#, "a"),
        (r#"{"a":1,"a":2}"#, "a"),
        (r#"{"b":[{"c":{"d":1,"d":2}}]}"#, "b.c.d"),
        (r#"{"a":1,"\u0061":2}"#, "a"),
        (r#"{"Name of a person":1,"Name of a person":2}"#, "*"),
    ] {
        assert_eq!(
            parse_jcs(text.as_bytes()),
            Err(JcsError::DuplicateMember { member: path.to_owned() }),
            "{text}: two readers would see two values"
        );
    }
}

#[test]
fn every_other_spelling_is_refused() {
    for text in [
        " {}",
        "{} ",
        "{ }",
        "[1, 2]",
        "{\"a\" :1}",
        "{\"b\":1,\"a\":2}",
        "\"\\u0041\"",
        "\"\\/\"",
        "\"\\u000A\"",
        "\"\\u00e4\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u000f\\u000B\"",
        "[1,\n2]",
        "\"\\u007f\"",
    ] {
        let refused = parse_jcs(text.as_bytes());
        assert!(
            matches!(refused, Err(JcsError::NotCanonical { .. })),
            "{text:?} is a second spelling, got {refused:?}"
        );
    }
    for text in [
        "",
        "{",
        "[1,]",
        "nul",
        "01",
        "+1",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\x\"",
        "\"\n\"",
        "{}{}",
        "[1]1",
        "{1:2}",
        "\u{feff}{}",
    ] {
        let refused = parse_jcs(text.as_bytes());
        assert!(matches!(refused, Err(JcsError::Malformed { .. })), "{text:?} is not JSON, got {refused:?}");
    }
    assert!(parse_jcs(b"\"\xff\"").is_err(), "bytes that are not UTF-8 are not JSON");
    assert!(parse_jcs(b"\"\xed\xa0\xbd\"").is_err(), "an encoded surrogate is not UTF-8");
    assert!(
        parse_jcs("\"\u{7f}\u{2028}😀\"".as_bytes()).is_ok(),
        "characters that need no escape stand for themselves"
    );
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let value = parse_jcs(nested(32).as_bytes()).expect("32 levels are allowed");
    assert_eq!(to_jcs(&value).unwrap(), nested(32).into_bytes(), "what is read can be written");
    for levels in [33, 127, 128, 129, 100_000] {
        let refused = parse_jcs(nested(levels).as_bytes());
        assert!(
            matches!(refused, Err(JcsError::TooDeep { .. })),
            "{levels} levels could exhaust a reader, got {refused:?}"
        );
    }
    let too_deep = json!({"outer": value});
    assert_eq!(
        check_json(&too_deep),
        Err(JcsError::TooDeep { member: "outer".to_owned() }),
        "what no reader would accept must not be written"
    );
    let objects = format!("{}1{}", "{\"a\":".repeat(33), "}".repeat(33));
    assert!(
        matches!(parse_jcs(objects.as_bytes()), Err(JcsError::TooDeep { .. })),
        "objects nest like arrays"
    );
}

#[test]
fn refusals_name_the_place_and_keep_content_to_themselves() {
    let refused = parse_jcs(br#"{"body":{"amount":1.5}}"#).unwrap_err().to_string();
    assert!(refused.contains("body.amount") && !refused.contains("1.5"), "{refused}");
    let refused = to_jcs(&json!({"body": {"Erika Mustermann": [1.5]}})).unwrap_err().to_string();
    assert!(
        refused.contains("body.*") && !refused.contains("Erika"),
        "a name would end up in a log file: {refused}"
    );
}

/// Any JSON of the formats.
pub(crate) fn any_json() -> impl Strategy<Value = Json> {
    let limit = i64::try_from(MAX_INTEGER).unwrap();
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        (-limit..=limit).prop_map(Json::from),
        any::<String>().prop_map(Json::String),
    ];
    leaf.prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Json::Array),
            prop::collection::btree_map(any::<String>(), inner, 0..6)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in any_json()) {
        let bytes = to_jcs(&value).unwrap();
        prop_assert_eq!(parse_jcs(&bytes), Ok(value));
    }

    #[test]
    fn accepted_bytes_have_one_form(mut bytes in any_json().prop_map(|value| to_jcs(&value).unwrap()), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(value) = parse_jcs(&bytes) {
            prop_assert_eq!(to_jcs(&value).unwrap(), bytes, "two texts for one value");
        }
    }
}

/// Values without members are written by a shorter way; it must lead to the same bytes for every character there is.
///
/// Requirement: R02
#[test]
fn every_character_is_written_as_the_library_writes_it() {
    let characters: Vec<char> = ('\0'..=char::MAX).collect();
    for some in characters.chunks(1024) {
        let value = json!([some.iter().collect::<String>(), [true, null, -1, 0, MAX_INTEGER]]);
        let written = String::from_utf8(to_jcs(&value).unwrap()).unwrap();
        assert_eq!(written, library(&value), "a digest would differ from every other implementation's");
    }
}
