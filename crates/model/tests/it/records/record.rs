//! Sealed records: one form, every deviation refused and named.

use proptest::prelude::*;
use serde_json::{Value, json};
use tabellion_model::{Header, JcsError, RecordError, SealedRecord, parse_jcs, to_jcs};
use tabellion_tlog::{MAX_ENTRY_BYTES, leaf_hash};

use crate::records::fixture::{bytes_of, full_header, small_header, unit};

/// Parses the canonical form of `value` and gives the refusal.
fn refusal(value: &Value) -> String {
    let bytes = to_jcs(value).unwrap();
    SealedRecord::parse(&bytes).expect_err("a record of the wrong form must be refused").to_string()
}

fn full() -> Value {
    parse_jcs(&bytes_of(full_header())).unwrap()
}

#[test]
fn the_writer_writes_what_the_canonical_json_library_would() {
    for header in [full_header(), small_header("document.captured")] {
        let bytes = bytes_of(header.clone());
        let value = parse_jcs(&bytes).expect("a record is canonical JSON");
        assert_eq!(to_jcs(&value).unwrap(), bytes, "two canonical writers must agree");
        assert_eq!(
            SealedRecord::parse(&bytes),
            Ok(SealedRecord { header }),
            "a record must be read as it was written"
        );
    }
}

/// Requirement: V41
/// Requirement: A16
#[test]
fn a_changed_byte_never_passes_for_the_same_record() {
    let original = SealedRecord { header: full_header() };
    let bytes = original.to_bytes().unwrap();
    let mut accepted = 0;
    for at in 0..bytes.len() {
        for change in 1..=255_u8 {
            let mut changed = bytes.clone();
            changed[at] ^= change;
            let Ok(record) = SealedRecord::parse(&changed) else { continue };
            accepted += 1;
            assert_ne!(record, original, "byte {at} changed and the record reads the same");
            assert_eq!(
                record.to_bytes().unwrap(),
                changed,
                "byte {at}: accepted bytes must be the record's one form"
            );
            assert_ne!(leaf_hash(&changed), leaf_hash(&bytes), "byte {at}: another record has another leaf");
        }
    }
    assert!(
        accepted > 0,
        "ids and numbers can change into other valid ones; a test in which nothing is accepted tests nothing"
    );
}

/// Requirement: V41
#[test]
fn inserted_removed_and_cut_bytes_never_pass_for_the_same_record() {
    let original = SealedRecord { header: full_header() };
    let bytes = original.to_bytes().unwrap();
    for at in 0..bytes.len() {
        let mut removed = bytes.clone();
        removed.remove(at);
        assert_ne!(
            SealedRecord::parse(&removed).ok(),
            Some(original.clone()),
            "byte {at} was removed unseen"
        );
        assert!(SealedRecord::parse(&bytes[..at]).is_err(), "the record was cut at {at} unseen");
        for byte in *b" \n\t,0\"}{\0" {
            let mut inserted = bytes.clone();
            inserted.insert(at, byte);
            assert_ne!(
                SealedRecord::parse(&inserted).ok(),
                Some(original.clone()),
                "a byte was inserted at {at} unseen"
            );
        }
    }
    for byte in *b" \n\0}" {
        let mut longer = bytes.clone();
        longer.push(byte);
        assert!(SealedRecord::parse(&longer).is_err(), "a trailing byte was not seen");
    }
}

#[test]
fn a_missing_member_is_named() {
    let optional = ["basis", "clear", "idem", "parents"];
    for (name, partner) in [
        ("system", "system_seq"),
        ("system_seq", "system"),
        ("stream", "stream_version"),
        ("stream_version", "stream"),
    ] {
        let mut value = full();
        value.as_object_mut().unwrap().remove(name);
        let text = refusal(&value);
        assert!(text.contains(&format!("`{name}`")) && text.contains(partner), "{name}: {text}");
    }
    let names: Vec<String> = full().as_object().unwrap().keys().cloned().collect();
    assert_eq!(names.len(), 23, "the fixture holds every member of the format");
    for name in names.iter().filter(|name| !name.starts_with("system") && !name.starts_with("stream")) {
        let mut value = full();
        value.as_object_mut().unwrap().remove(name);
        let result = SealedRecord::parse(&to_jcs(&value).unwrap());
        if optional.contains(&name.as_str()) && name != "clear" {
            assert!(result.is_ok(), "{name} may be left out");
        } else if name == "clear" {
            // The fixture's type needs its facts.
            assert!(result.unwrap_err().to_string().contains("`entry`"), "the missing fact must be named");
        } else {
            let text = result.expect_err("a mandatory member is missing").to_string();
            assert!(text.contains(&format!("`{name}`")), "{name} is not named: {text}");
        }
    }
}

#[test]
fn a_wrong_value_of_any_member_is_named() {
    let wrong = [
        json!(null),
        json!(true),
        json!("x"),
        json!(""),
        json!(-1),
        json!(9_007_199_254_740_991_u64),
        json!([]),
        json!([1]),
        json!({}),
        json!({"x": 1}),
        json!("FF".repeat(16)),
        json!("0".repeat(31)),
        json!("0".repeat(65)),
        json!(0),
    ];
    let mut refused = 0;
    for name in full().as_object().unwrap().keys() {
        for value in &wrong {
            let mut record = full();
            record[name] = value.clone();
            let bytes = to_jcs(&record).unwrap();
            match SealedRecord::parse(&bytes) {
                Ok(parsed) => assert_eq!(
                    parsed.to_bytes().unwrap(),
                    bytes,
                    "{name} = {value}: accepted in another form"
                ),
                Err(error) => {
                    refused += 1;
                    let text = error.to_string();
                    let named = text.contains(&format!("`{name}`")) || text.contains(name.as_str());
                    let named = named || (name == "digests" && text.contains("digests"));
                    assert!(named, "{name} = {value}: the refusal does not name it: {text}");
                }
            }
        }
    }
    assert!(refused > 250, "nearly all of these values are wrong, only {refused} were refused");
}

#[test]
fn members_that_nobody_knows_are_named() {
    for name in ["person", "zz", "Actor", "body"] {
        let mut record = full();
        record[name] = json!(1);
        assert!(refusal(&record).contains(name), "an unknown member must be named");
    }
    for (list, place) in [("parents", "parents"), ("units", "units")] {
        let mut record = full();
        record[list][0]["extra"] = json!(1);
        let text = refusal(&record);
        assert!(text.contains(place) && text.contains("`extra`"), "{text}");
    }
}

#[test]
fn duplicates_order_and_spelling_are_refused() {
    let text = String::from_utf8(bytes_of(full_header())).unwrap();
    let duplicate = text.replacen("\"basis\":0", "\"basis\":0,\"basis\":0", 1);
    assert_eq!(
        SealedRecord::parse(duplicate.as_bytes()),
        Err(RecordError::Json(JcsError::DuplicateMember { member: "basis".to_owned() })),
        "one reader would see the first, another the second"
    );
    let swapped = text.replacen(
        "\"critical\":false,\"digest_alg\":\"sha-256\"",
        "\"digest_alg\":\"sha-256\",\"critical\":false",
        1,
    );
    for other in [
        swapped,
        text.replace("\":", "\": "),
        text.replace("document/", "document\\/"),
        text.replace("record.read", "record\\u002eread"),
    ] {
        assert_ne!(other, text, "the case must differ");
        let refused = SealedRecord::parse(other.as_bytes());
        assert!(
            matches!(refused, Err(RecordError::Json(JcsError::NotCanonical { .. }))),
            "a second spelling passed: {refused:?}"
        );
    }
    for (from, to) in [
        ("\"seq\":41", "\"seq\":41.0"),
        ("\"seq\":41", "\"seq\":4.1e1"),
        ("\"seq\":41", "\"seq\":9007199254740993"),
    ] {
        let refused = SealedRecord::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err();
        assert_eq!(refused, RecordError::Json(JcsError::NotAnInteger { member: "seq".to_owned() }), "{to}");
    }
    let mut deep = json!(1);
    for _ in 0..32 {
        deep = json!([deep]);
    }
    let mut record = full();
    record["clear"] = json!({"entry": 1});
    let deep = to_jcs(&record).unwrap();
    let deep = String::from_utf8(deep).unwrap().replacen(
        "{\"entry\":1}",
        &format!("{{\"entry\":{}}}", "[".repeat(32) + &"]".repeat(32)),
        1,
    );
    assert_eq!(
        SealedRecord::parse(deep.as_bytes()),
        Err(RecordError::Json(JcsError::TooDeep { member: "clear.entry".to_owned() })),
        "nesting must be bounded"
    );
}

#[test]
fn limits_of_the_header_hold_when_writing_and_when_reading() {
    let role = |role: &str| {
        let mut header = full_header();
        role.clone_into(&mut header.parents[0].role);
        header
    };
    let mut cases: Vec<(&str, Header)> = vec![
        ("role", role("Caused")),
        ("role", role("")),
        ("role", role("a\"b")),
        ("type_version", Header { type_version: 0, ..small_header("a.b") }),
        ("epoch", Header { epoch: 0, ..small_header("a.b") }),
        ("seq", Header { seq: 0, ..small_header("a.b") }),
        ("seq", Header { seq: 1 << 53, ..small_header("a.b") }),
        ("basis", Header { basis: Some(1 << 53), ..small_header("a.b") }),
        ("observed_at", Header { observed_at: tabellion_model::Micros(1 << 53), ..small_header("a.b") }),
        ("clear", Header { clear: Some(serde_json::Map::new()), ..small_header("a.b") }),
        (
            "clear",
            Header {
                clear: Some(crate::records::fixture::object(&json!({"a": 0.5}))),
                ..small_header("a.b")
            },
        ),
        ("parents", Header { parents: vec![full_header().parents[0].clone(); 65], ..small_header("a.b") }),
        ("units", Header { units: (0..65).map(|id| unit(id, &["a"])).collect(), ..small_header("a.b") }),
        ("units", Header { units: vec![unit(2, &["a"]), unit(1, &["b"])], ..small_header("a.b") }),
        ("units", Header { units: vec![unit(1, &["a"]), unit(1, &["b"])], ..small_header("a.b") }),
    ];
    let digests = |change: fn(&mut Vec<String>)| {
        let mut unit = unit(1, &["a", "b", "c"]);
        change(&mut unit.digests);
        Header { units: vec![unit], ..small_header("a.b") }
    };
    cases.push(("digests", digests(Vec::clear)));
    cases.push(("digests", digests(|digests| digests.swap(0, 1))));
    cases.push(("digests", digests(|digests| digests[1] = digests[0].clone())));
    cases.push(("digests", digests(|digests| digests[0].truncate(42))));
    cases.push(("digests", digests(|digests| digests[0] = "A".repeat(42) + "B")));
    cases.push(("digests", digests(|digests| digests[0] = "+".repeat(42) + "A")));
    cases.push(("digests", digests(|digests| *digests = (0..513).map(|n| format!("A{n:041}A")).collect())));
    for (name, header) in cases {
        let refused = SealedRecord { header }.to_bytes().expect_err(name).to_string();
        assert!(refused.contains(name), "{name} is not named: {refused}");
    }
    let mut record = full();
    record["units"][0]["digests"].as_array_mut().unwrap().reverse();
    assert!(refusal(&record).contains("digests"), "what may not be written may not be read");
    let mut record = full();
    record["units"].as_array_mut().unwrap().reverse();
    assert!(refusal(&record).contains("units"), "what may not be written may not be read");
}

#[test]
fn a_record_larger_than_an_entry_is_refused() {
    let names: Vec<String> = (0..500).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let units: Vec<_> = (1..=3).map(|id| unit(id, &names)).collect();
    let refused = SealedRecord { header: Header { units, ..small_header("a.b") } }.to_bytes();
    assert!(
        matches!(refused, Err(RecordError::TooLarge(size)) if size > MAX_ENTRY_BYTES),
        "it would not fit in a bundle"
    );
    let refused = SealedRecord::parse(&vec![b'{'; MAX_ENTRY_BYTES + 1]);
    assert_eq!(
        refused,
        Err(RecordError::TooLarge(MAX_ENTRY_BYTES + 1)),
        "the limit must hold before anything is parsed"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_in_their_one_form_or_not_at_all(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(record) = SealedRecord::parse(&bytes) {
            prop_assert_eq!(record.to_bytes().unwrap(), bytes);
        }
    }
}
