//! What services of each shape want changed: read as ranges of what they were shown, or not at all.

use serde_json::{Value, json};
use tabellion_guard::service::{Analysis, EditFault, Fault, Of, Question, Ruling, Service, TextEdit};

const TEXTS: [&str; 2] = ["über Bob und Ann", "two"];

fn read(service: &Service, answer: &[u8]) -> Result<(Ruling, Vec<String>, Vec<TextEdit>), Fault> {
    let question = Question {
        guard: "outside",
        version: "1",
        of: Of::Prompt,
        model: "m",
        purpose: "testing",
        system: "51",
        texts: &TEXTS,
        may_edit: true,
    };
    service.read(&question, answer).map(|said| (said.ruling, said.labels, said.edits))
}

fn edit(text: usize, range: std::ops::Range<usize>, replacement: &str, label: &str) -> TextEdit {
    TextEdit { text, range, replacement: replacement.to_owned(), label: label.to_owned() }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Requirement: N21.
#[test]
fn our_own_form_names_ranges() {
    let own = |answer: &Value| read(&Service::Tabellion, answer.to_string().as_bytes());
    let one = json!({ "text": 0, "start": 6, "end": 9, "replacement": "[x]", "label": "name" });
    let said = own(&json!({ "verdict": "flag", "reason_code": "people", "edits": [one] }));
    let edits = vec![edit(0, 6..9, "[x]", "name")];
    assert_eq!(said, Ok((Ruling::Flag, words(&["people", "name"]), edits)));
    assert_eq!(own(&json!({ "verdict": "pass", "edits": [] })), Ok((Ruling::Pass, vec![], vec![])));
    let with = |member: &str, value: Value| {
        let mut changed = one.clone();
        changed[member] = value;
        json!({ "verdict": "flag", "edits": [changed] })
    };
    for answer in [
        json!({ "verdict": "pass", "edits": [one] }),
        json!({ "verdict": "block", "edits": [one] }),
        json!({ "verdict": "flag", "edits": one }),
        json!({ "verdict": "flag", "edits": null }),
        json!({ "verdict": "flag", "edits": [[0, 6, 9, "[x]", "name"]] }),
        json!({ "verdict": "flag", "edits": [{ "text": 0, "start": 6, "end": 9, "label": "name" }] }),
        with("more", json!(1)),
        with("label", json!("Ada Lovelace")),
        with("label", json!("")),
        with("start", json!(-1)),
        with("start", json!(6.5)),
        with("start", json!("6")),
        with("replacement", Value::Null),
    ] {
        assert_eq!(own(&answer), Err(Fault::Malformed), "{answer} is taken for a verdict");
    }
    let twice =
        r#"{"verdict":"flag","edits":[{"text":0,"text":1,"start":0,"end":1,"replacement":"","label":"x"}]}"#;
    assert_eq!(read(&Service::Tabellion, twice.as_bytes()), Err(Fault::Malformed));
    let lone =
        r#"{"verdict":"flag","edits":[{"text":0,"start":0,"end":2,"replacement":"\ud800","label":"x"}]}"#;
    assert_eq!(read(&Service::Tabellion, lone.as_bytes()), Err(Fault::Malformed));
    assert_eq!(own(&with("end", json!(99))), Err(Fault::Edit(EditFault::Range)));
    assert_eq!(own(&with("text", json!(2))), Err(Fault::Edit(EditFault::Text)));
}

/// Requirement: N21. As the reference implementation writes it: numbers that are 0 are not there.
#[test]
fn grpc_names_ranges() {
    let grpc = |answer: &[u8]| read(&Service::Grpc, answer);
    let answer = b"\x08\x02\x2a\x0b\x18\x02\x22\x01U\x2a\x04name";
    assert_eq!(grpc(answer), Ok((Ruling::Flag, words(&["name"]), vec![edit(0, 0..2, "U", "name")])));
    let second = [answer.as_slice(), b"\x2a\x0b\x08\x01\x10\x01\x18\x02\x2a\x03odd"].concat();
    let edits = vec![edit(0, 0..2, "U", "name"), edit(1, 1..2, "", "odd")];
    assert_eq!(grpc(&second), Ok((Ruling::Flag, words(&["name", "odd"]), edits)));
    let bad: [&[u8]; 8] = [
        // To pass and to block change nothing.
        b"\x08\x01\x2a\x0b\x18\x02\x22\x01U\x2a\x04name",
        b"\x08\x03\x2a\x0b\x18\x02\x22\x01U\x2a\x04name",
        // No label, a field twice, one that is not described, another kind, a length beyond the end, bytes that are no text.
        b"\x08\x02\x2a\x05\x18\x02\x22\x01U",
        b"\x08\x02\x2a\x0a\x18\x02\x18\x02\x2a\x04name",
        b"\x08\x02\x2a\x0a\x18\x02\x30\x01\x2a\x04name",
        b"\x08\x02\x28\x01",
        b"\x08\x02\x2a\x7f\x18\x02",
        b"\x08\x02\x2a\x09\x18\x02\x22\x02\xff\xfe\x2a\x01x",
    ];
    for answer in bad {
        assert_eq!(grpc(answer), Err(Fault::Malformed), "{answer:x?} is taken for a verdict");
    }
}

/// Requirement: N21.
#[test]
fn texts_that_come_back_are_one_difference_each() {
    let litellm = |answer: &Value| read(&Service::LiteLlm, answer.to_string().as_bytes());
    let changed =
        json!({ "action": "GUARDRAIL_INTERVENED", "texts": ["über [x] und Ann", "two more"], "images": [] });
    let edits = vec![edit(0, 6..9, "[x]", "intervened"), edit(1, 3..3, " more", "intervened")];
    assert_eq!(litellm(&changed), Ok((Ruling::Flag, words(&["intervened"]), edits)));
    for answer in [
        json!({ "action": "GUARDRAIL_INTERVENED" }),
        json!({ "action": "GUARDRAIL_INTERVENED", "texts": TEXTS }),
        json!({ "action": "GUARDRAIL_INTERVENED", "texts": ["*"] }),
        json!({ "action": "GUARDRAIL_INTERVENED", "texts": ["*", "two", "three"] }),
        json!({ "action": "GUARDRAIL_INTERVENED", "texts": ["*", "two"], "images": ["x"] }),
        json!({ "action": "NONE", "texts": ["*", "two"] }),
    ] {
        assert_eq!(litellm(&answer), Err(Fault::Edited), "{answer}");
    }
}

/// Requirement: N21.
#[test]
fn what_presidio_found_gives_way_to_its_kind() {
    let kinds = ["PERSON", "EMAIL_ADDRESS"].map(str::to_owned).to_vec();
    let presidio = Service::Presidio(Analysis::new("de", kinds, 50));
    let found = |findings: &[(u64, u64, &str, f64)]| {
        let finding = |(start, end, kind, score): &(u64, u64, &str, f64)| json!({ "start": start, "end": end, "entity_type": kind, "score": score });
        let answer: Value = findings.iter().map(finding).collect();
        read(&presidio, answer.to_string().as_bytes())
    };
    // Characters of both texts as one, out of order, two of which overlap, and others that count for nothing.
    let said = found(&[
        (17, 20, "PERSON", 0.9),
        (13, 16, "PERSON", 0.6),
        (5, 8, "PERSON", 0.85),
        (6, 12, "EMAIL_ADDRESS", 0.9),
        (0, 4, "PERSON", 0.4),
        (0, 4, "URL", 1.0),
    ]);
    let edits = vec![
        edit(0, 6..13, "<EMAIL_ADDRESS>", "EMAIL_ADDRESS"),
        edit(0, 14..17, "<PERSON>", "PERSON"),
        edit(1, 0..3, "<PERSON>", "PERSON"),
    ];
    assert_eq!(said, Ok((Ruling::Flag, words(&["EMAIL_ADDRESS", "PERSON"]), edits)));
    assert_eq!(found(&[]), Ok((Ruling::Pass, vec![], vec![])));
    for over in [(15, 18), (16, 17), (0, 20)] {
        assert_eq!(found(&[(over.0, over.1, "PERSON", 1.0)]), Err(Fault::Edit(EditFault::Range)), "{over:?}");
    }
    let nothing = found(&[(3, 3, "PERSON", 1.0)]);
    assert_eq!(nothing, Ok((Ruling::Block, words(&["PERSON"]), vec![])), "it cannot be taken away");
}
