//! Strings of a body, masked and restored where they stand.

use std::ops::Range;

use proptest::prelude::{ProptestConfig, Strategy as _, any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};
use tabellion_mask::json::{self, Limits, Path, RawString, Scalar, Visitor};
use tabellion_mask::{Content, Edits, Masked, Place, Scope, mask_string, mask_text, restore_string};

use crate::scope;
use crate::texts::text;

/// Strings under `content` and `arguments`, as a gateway would pick them.
#[derive(Default)]
struct Picked<'b>(Vec<(RawString<'b>, usize, Content)>);

impl<'b> Visitor<'b> for Picked<'b> {
    fn scalar(&mut self, path: Path<'_, 'b>, scalar: Scalar<'b>, range: Range<usize>) {
        let Scalar::String(string) = scalar else { return };
        match path.top() {
            Some("content") => self.0.push((string, range.start, Content::Text)),
            Some("arguments") => self.0.push((string, range.start, Content::Json)),
            _ => {}
        }
    }
}

fn places(body: &str) -> Vec<Place<'_>> {
    let mut picked = Picked::default();
    json::walk(body.as_bytes(), &Limits::default(), &mut picked).unwrap();
    picked.0.into_iter().map(|(string, at, content)| Place { string, at, content }).collect()
}

fn masked(body: &str, scope: &mut Scope) -> (String, Vec<Masked>) {
    let mut edits = Edits::new();
    let mut all = Vec::new();
    for place in places(body) {
        all.extend(mask_string(place, crate::FIRST, scope, &mut edits).unwrap());
    }
    (String::from_utf8(edits.apply(body.as_bytes())).unwrap(), all)
}

fn restored(body: &str, scope: &Scope) -> String {
    let mut edits = Edits::new();
    for place in places(body) {
        restore_string(place, scope, &mut edits).unwrap();
    }
    String::from_utf8(edits.apply(body.as_bytes())).unwrap()
}

#[test]
fn a_value_is_replaced_where_it_stands_and_nothing_else_changes() {
    let body =
        "{ \"content\" : \"caf\\u00e9: ann@example.org\\n\\/ok\",\t\"n\":1.50, \"user\":\"bob@example.org\"}";
    let (out, found) = masked(body, &mut scope());
    let placeholder = &found[0].placeholder;
    assert_eq!(
        out,
        body.replace("ann@example.org", placeholder),
        "a body that is written anew breaks signatures and caches"
    );
    assert_eq!(&body[found[0].range.clone()], "ann@example.org");
}

#[test]
fn escapes_hide_nothing() {
    for (body, hidden) in [
        (r#"{"content":"ann\u0040example.org"}"#, 1),
        (r#"{"content":"\u0061nn@ex\u0061mple\u002eorg"}"#, 1),
        (r#"{"content":"\u0034\u0031\u0031\u0031 1111 1111 11\u00311"}"#, 1),
        (r#"{"content":"DE\u0038\u0039370400440532013000"}"#, 1),
        (r#"{"content":"\ud83d\ude00ann@example.org\ud83d\ude00"}"#, 1),
        (r#"{"content":"a\/b\tann@example.org\r\nbob@example.org"}"#, 2),
        (r#"{"arguments":"{\"to\":\"ann@example.org\"}"}"#, 1),
        (r#"{"arguments":"{\"to\":\"ann\\u0040example.org\"}"}"#, 1),
        (r#"{"arguments":"{\"to\":\"line\\nann@example.org\"}"}"#, 1),
        (r#"{"arguments":"{\"card\":\"\\u00341\\u00311111111111111\"}"}"#, 1),
        (r#"{"arguments":"{\"ann\\u0040example.org\":1}"}"#, 1),
        (r#"{"arguments":"{\"card\":4111111111111111,\"n\":[5]}"}"#, 1),
        (r#"{"arguments":"not JSON: ann@example.org"}"#, 1),
    ] {
        let mut scope = scope();
        let (out, found) = masked(body, &mut scope);
        assert_eq!(found.len(), hidden, "an escape would hide a value in {body}");
        let value: Value = serde_json::from_str(&out).unwrap();
        if let Some(arguments) = value["arguments"].as_str().filter(|arguments| arguments.starts_with('{')) {
            assert!(
                serde_json::from_str::<Value>(arguments).is_ok(),
                "the model would get broken arguments: {arguments}"
            );
        }
        for one in found {
            assert!(out.contains(&one.placeholder), "{out}");
        }
    }
}

#[test]
fn answers_get_their_values_back_valid_where_they_stand() {
    let mut scope = scope();
    let (out, found) = masked(r#"{"content":"ann.o'brien@example.org 4111 1111 1111 1111"}"#, &mut scope);
    assert_eq!(found.len(), 2, "{out}");
    let (mail, card) = (&found[0].placeholder, &found[1].placeholder);
    let unbracketed = mail.trim_matches(['<', '>']);
    let answer = format!(
        r#"{{"content":"Dear \u003c{unbracketed}\u003e, \"{mail}\"'s","arguments":"{{\"to\":\"{mail}\",\"card\":\"\\u003c{}\\u003e\"}}"}}"#,
        card.trim_matches(['<', '>']),
    );
    let back: Value = serde_json::from_str(&restored(&answer, &scope)).unwrap();
    assert_eq!(back["content"], "Dear ann.o'brien@example.org, \"ann.o'brien@example.org\"'s");
    let arguments: Value = serde_json::from_str(back["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(
        arguments,
        json!({"to": "ann.o'brien@example.org", "card": "4111 1111 1111 1111"}),
        "the tool would get other data"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    // However a text is escaped, what leaves is what masking the text itself gives.
    #[test]
    fn escaping_changes_nothing(text in text(), choices in proptest::collection::vec(any::<bool>(), 1..40)) {
        let inside: Vec<String> = text.chars().zip(choices.iter().cycle()).map(|(c, escape)| {
            let units: Vec<_> = c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            if *escape { units.concat() } else { json::escaped(&c.to_string()).into_owned() }
        }).collect();
        let inside = inside.concat();
        let body = format!("{{\"content\":\"{inside}\"}}");
        let (out, _) = masked(&body, &mut scope());
        let (expected, _) = mask_text(&text, crate::FIRST, &mut scope()).unwrap();
        let value: Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(value["content"].as_str(), Some(expected.as_str()));
    }

    // Arguments are masked as the receiver reads them, and stay arguments.
    #[test]
    fn arguments_stay_json_and_hide_what_their_values_say(text in text()) {
        let arguments = json!({"to": [text], "n": 1}).to_string();
        let body = json!({"arguments": arguments}).to_string();
        let (out, _) = masked(&body, &mut scope());
        let value: Value = serde_json::from_str(&out).unwrap();
        let inner = serde_json::from_str::<Value>(value["arguments"].as_str().unwrap());
        prop_assert!(inner.is_ok(), "the model would get broken arguments");
        let (expected, _) = mask_text(&text, crate::FIRST, &mut scope()).unwrap();
        let inner = inner.unwrap();
        prop_assert_eq!(inner["to"][0].as_str(), Some(expected.as_str()));
    }

    #[test]
    fn what_left_masked_comes_back(text in text().prop_filter("no placeholder by chance", |text| !text.contains('<'))) {
        let mut scope = scope();
        let body = json!({"content": text, "arguments": json!({"x": text}).to_string()}).to_string();
        let (out, found) = masked(&body, &mut scope);
        if scope.len() * 2 == found.len() {
            let back: Value = serde_json::from_str(&restored(&out, &scope)).unwrap();
            let original: Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(&back["content"], &original["content"]);
            // A reader of JSON takes what an escape stands for.
            if !text.contains("\\u") {
                prop_assert_eq!(back, original);
            }
        }
    }
}
