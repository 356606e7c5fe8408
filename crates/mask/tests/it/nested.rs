//! Escapes below the first level: JSON in a string of JSON, as agents hand on each other's calls, and JSON in prose.

use std::fmt::Write as _;

use proptest::prelude::{ProptestConfig, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use tabellion_mask::json::RawString;
use tabellion_mask::{
    Class, Content, EditError, Edits, MAX_NESTED_JSON, Masked, Piece, Place, Placing, mask_string, mask_text,
    restore_text,
};

use crate::texts::text;
use crate::{assert_finds, found, scope};

/// A JSON string as Python writes it by default: everything beyond ASCII escaped.
fn dumped(value: &Value) -> String {
    let mut out = String::new();
    for c in value.to_string().chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}").unwrap();
            }
        }
    }
    out
}

/// A value in so many strings of JSON within each other, each in an object.
fn nested(value: &Value, levels: usize) -> String {
    (0..levels).fold(dumped(value), |inner, _| dumped(&json!({"payload": inner, "n": 1})))
}

/// What is in it again; fails unless it is JSON at every level.
fn unnested(text: &str, levels: usize) -> Value {
    let value: Value = serde_json::from_str(text).unwrap();
    if levels == 0 { value } else { unnested(value["payload"].as_str().unwrap(), levels - 1) }
}

fn masked(text: &str, content: Content) -> Result<(String, Vec<Masked>), EditError> {
    let body = dumped(&Value::from(text));
    let mut edits = Edits::new();
    let place = Place { string: RawString::parse(&body).unwrap(), at: 0, content };
    let all = mask_string(place, crate::FIRST, &mut scope(), &mut edits)?;
    let kept = edits.pieces(body.len()).map(|piece| match piece {
        Piece::Kept(range) => range.len(),
        Piece::New(_) => 0,
    });
    let replaced: usize = all.iter().map(|one| one.range.len()).sum();
    assert_eq!(kept.sum::<usize>() + replaced, body.len(), "bytes beside the values are changed");
    let out = String::from_utf8(edits.apply(body.as_bytes())).unwrap();
    Ok((serde_json::from_str(&out).unwrap(), all))
}

#[test]
fn json_in_strings_of_json_is_masked_eight_levels_deep() {
    let value = json!({
        "to": "jörg@müller.de, 用户@例子.广告", "card": 4_111_111_111_111_111_u64, "iban": ["DE89 3704 0044 0532 0130 00"],
        "ann@example.org": "line\nbob@example.org", "kept": "\"größe\" \\u00 \u{1f600}", "n": [1, 2.50, null]
    });
    for levels in 0..MAX_NESTED_JSON {
        for content in [Content::Json, Content::Text] {
            let (out, all) = masked(&nested(&value, levels), content).unwrap();
            assert_eq!(all.len(), 6, "{levels} strings around it hide a value: {out}");
            let left = unnested(&out, levels);
            let held = left.to_string();
            for hidden in ["jörg", "müller", "用户", "4111", "3704", "ann@", "bob@"] {
                assert!(!held.contains(hidden), "{hidden} would leave from {levels} levels down: {held}");
            }
            assert_eq!(
                (&left["kept"], &left["n"]),
                (&value["kept"], &value["n"]),
                "what is no value is changed"
            );
            assert!(left["card"].is_string(), "a placeholder stands for a number as a string: {held}");
        }
    }
}

#[test]
fn escaped_digits_and_dots_are_read_at_every_level() {
    for inside in [
        r#"{"a":"\u0034111111111111111"}"#,
        r#"{"a":"ann@example\u002eorg"}"#,
        r#"{"\u0061nn@example.org":1}"#,
    ] {
        for levels in 1..MAX_NESTED_JSON {
            let text = (1..levels)
                .fold(json!({"p": inside}).to_string(), |inner, _| json!({"p": inner}).to_string());
            let (out, all) = masked(&text, Content::Json).unwrap();
            assert_eq!(all.len(), 1, "an escape hides a value {levels} levels down: {out}");
        }
    }
}

#[test]
fn deeper_json_is_refused_and_says_so() {
    let deep = nested(&json!({"to": "ann@example.org"}), MAX_NESTED_JSON);
    let error = masked(&deep, Content::Json).unwrap_err();
    assert_eq!(error, EditError::TooDeep, "what is not read must not be sent");
    assert!(error.to_string().contains("8 levels") && error.to_string().contains("fewer"), "{error}");
    let backslashes = format!("a regex of {} and ann@example.org", "\\".repeat(3000));
    assert_eq!(masked(&backslashes, Content::Text).unwrap().1.len(), 1, "backslashes are no levels");
}

#[test]
fn escapes_in_prose_are_read_for_what_they_stand_for() {
    let one = dumped(&json!({"to": "jörg@müller.de"}));
    for text in [
        format!("see {one}, please"),
        format!("and the log line: {}", dumped(&Value::from(one.as_str()))),
        format!("twice: {}", dumped(&Value::from(dumped(&Value::from(one))))),
    ] {
        let (out, all) = masked(&text, Content::Text).unwrap();
        assert_eq!(all.len(), 1, "JSON in prose hides an address: {out}");
        assert!(!out.contains("00f6") && !out.contains("00fc") && out.ends_with(['}', 'e', '"']), "{out}");
    }
    assert_finds(
        Class::PaymentCard,
        r"card \u00341111111\u003111111\u0031\u0031.",
        r"\u00341111111\u003111111\u0031\u0031",
    );
    assert_finds(
        Class::PaymentCard,
        r"card \\\\\\\u00341111111\u003111111\u0031\u0031.",
        r"\\\\\\\u00341111111\u003111111\u0031\u0031",
    );
    assert_finds(
        Class::PaymentCard,
        r"one in another \u005cu0034\u003\u0031 11111111111111",
        r"\u005cu0034\u003\u0031 11111111111111",
    );
    assert_finds(
        Class::Iban,
        r"\u0044\u0045893704\u002000440532013000",
        r"\u0044\u0045893704\u002000440532013000",
    );
    assert_finds(Class::Email, r"\u003cann@example.org\u003e", "ann@example.org");
    assert_finds(Class::Email, r"\ud83d\ude00ann@ex\u0061mple.org", r"ann@ex\u0061mple.org");
    assert_eq!(found(r"C:\users\u12 \ud83d \udc00 \u00zz git\u0040github.com"), [], "an escape is no value");
}

#[test]
fn what_is_found_only_as_it_is_written_is_still_found() {
    let text = r"4111111111111111\u0031 and ann@example.org\u0041";
    let values: Vec<_> = found(text).into_iter().map(|(_, value)| value).collect();
    assert_eq!(
        values,
        ["4111111111111111", r"ann@example.org\u0041"],
        "a person reads the number without the escape"
    );
}

#[test]
fn every_writing_of_a_value_has_one_placeholder() {
    let mut scope = scope();
    let mut placeholder =
        |text: &str| mask_text(text, crate::FIRST, &mut scope).unwrap().1.remove(0).placeholder;
    assert_eq!(
        placeholder(r"j\u00f6rg@example.org"),
        placeholder("jörg@example.org"),
        "the model sees two people"
    );
    assert_eq!(
        placeholder(r"\u0034111111111111111"),
        placeholder("4111 1111 1111 1111"),
        "the model sees two cards"
    );
    let (text, issued) = mask_text(r"a \u0061bc@example.org b", crate::FIRST, &mut scope).unwrap();
    assert_eq!(
        restore_text(&text, &scope, Placing::Text),
        r"a \u0061bc@example.org b",
        "prose comes back as it was"
    );
    let arguments = format!("{{\"to\":\"{}\"}}", issued[0].placeholder);
    let arguments = restore_text(&arguments, &scope, Placing::Json);
    assert_eq!(arguments, r#"{"to":"abc@example.org"}"#, "a tool would write to an address with a backslash");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    // However often it is written into JSON, what leaves is what masking the text itself gives, and JSON at every level.
    #[test]
    fn nesting_changes_nothing(text in text(), levels in 0..MAX_NESTED_JSON) {
        let body = nested(&json!({"x": text}), levels);
        let (out, _) = masked(&body, Content::Json).unwrap();
        let (expected, _) = mask_text(&text, crate::FIRST, &mut scope()).unwrap();
        let left = unnested(&out, levels);
        prop_assert_eq!(left["x"].as_str(), Some(expected.as_str()));
    }

    // Prose around JSON leaves it the JSON that it was.
    #[test]
    fn json_in_prose_stays_json(text in text(), levels in 0..3_usize) {
        let inner = nested(&json!({"x": text}), levels);
        let (out, _) = masked(&format!("see {inner}"), Content::Text).unwrap();
        prop_assert!(out.starts_with("see "), "{}", out);
        unnested(&out[4..], levels);
    }
}
