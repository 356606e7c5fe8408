//! Units and disclosures: selective, unguessable, one form.

use base64::Engine as _;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;
use tabellion_model::{
    Disclosure, Json, MAX_UNIT_BYTES, Shown, UnitError, UnitId, check_names, derive_seed, digest,
    open_unit_plaintext, parse_unit_plaintext, seal_fields, seal_unit, to_jcs, unit_plaintext,
};

use crate::records::jcs::any_json;

const SEED: [u8; 32] = [7; 32];

fn unit_id() -> UnitId {
    UnitId::from_bytes([0x5a; 16])
}

fn fields(names: &[&str]) -> Vec<(String, Json)> {
    names.iter().map(|name| ((*name).to_owned(), json!({ "of": name }))).collect()
}

/// Every subset of a unit's disclosures verifies on its own and says how much it shows.
///
/// Requirement: B04
#[test]
fn any_subset_of_the_disclosures_verifies() {
    let (unit, disclosures) = seal_unit(unit_id(), &SEED, &fields(&["a", "b", "c", "d", "e", "f"])).unwrap();
    for mask in 0..64_u32 {
        let chosen = |position: &usize| mask & (1 << position) != 0;
        let subset: Vec<Disclosure> =
            (0..6).filter(chosen).map(|position| disclosures[position].clone()).collect();
        let reread: Vec<Disclosure> =
            subset.iter().map(|shown| Disclosure::parse(&shown.encode()).unwrap()).collect();
        assert_eq!(reread, subset, "a disclosure must survive being handed out");
        let expected = match subset.len() {
            0 => Shown::Nothing,
            6 => Shown::All,
            some => Shown::Some(some),
        };
        assert_eq!(unit.shown_by(&reread), Ok(expected), "subset {mask:06b} must verify");
    }
}

/// Requirement: B04
#[test]
fn a_changed_disclosure_matches_no_digest() {
    let (unit, disclosures) = seal_unit(unit_id(), &SEED, &fields(&["amount", "note"])).unwrap();
    let original = &disclosures[0];
    let others = [
        Disclosure::new(*original.salt(), original.name(), json!({"of": "else"})).unwrap(),
        Disclosure::new(*original.salt(), "other", original.value().clone()).unwrap(),
        Disclosure::new([0; 16], original.name(), original.value().clone()).unwrap(),
    ];
    for other in others {
        let refused = unit.shown_by(std::slice::from_ref(&other));
        assert!(
            matches!(refused, Err(UnitError::NoDigest(_))),
            "another value would pass for the recorded one"
        );
    }
    let twice = unit.shown_by(&[original.clone(), original.clone()]);
    assert!(matches!(twice, Err(UnitError::NameTwice(_))), "one field shown twice would count as two");
    let text = original.encode();
    for at in 0..text.len() {
        for byte in *b"AQgwz9-_=+/ " {
            let mut bytes = text.clone().into_bytes();
            if bytes[at] == byte {
                continue;
            }
            bytes[at] = byte;
            let changed = String::from_utf8(bytes).unwrap();
            let listed = Disclosure::parse(&changed).is_ok_and(|read| unit.lists(&read.digest()));
            assert!(!listed, "byte {at} of a disclosure changed unseen");
        }
    }
}

/// A guesser who knows the name, every candidate value and the seal format, but not the salt, learns nothing: the right guess gives the
/// digest only with the right salt.
///
/// Requirement: B04
#[test]
fn hidden_values_cannot_be_found_by_trying() {
    let candidates = ["positive", "negative"];
    let field = |value: &str| vec![("result".to_owned(), json!(value))];
    let vault_key = [0x42; 32];
    let seed = derive_seed(&vault_key, &unit_id());
    let (unit, disclosures) = seal_unit(unit_id(), &seed, &field("positive")).unwrap();
    for value in candidates {
        for guess in 0..=255_u8 {
            let guessed_key = [guess; 32];
            if guessed_key == vault_key {
                continue;
            }
            let (guessed, _) =
                seal_unit(unit_id(), &derive_seed(&guessed_key, &unit_id()), &field(value)).unwrap();
            assert!(!unit.lists(&guessed.digests[0]), "a hidden value was found without its key");
        }
        let unsalted = digest(&unsalted_encoding(value));
        assert!(!unit.lists(&unsalted), "an unsalted digest could be found in a dictionary");
    }
    let (other_unit, _) = seal_unit(
        UnitId::from_bytes([1; 16]),
        &derive_seed(&vault_key, &UnitId::from_bytes([1; 16])),
        &field("positive"),
    )
    .unwrap();
    assert_ne!(other_unit.digests, unit.digests, "equal values in two units must not show as equal");
    let same = Disclosure::new(*disclosures[0].salt(), "result", json!("positive")).unwrap();
    assert!(
        unit.lists(&same.digest()),
        "with the salt the value verifies: the test above tries the right form"
    );
}

/// The encoding of `["", name, value]` as somebody without a salt would try it.
fn unsalted_encoding(value: &str) -> String {
    URL_SAFE_NO_PAD.encode(to_jcs(&json!(["", "result", value])).unwrap())
}

#[test]
fn disclosures_have_one_form() {
    let good = Disclosure::new([3; 16], "name", json!("value")).unwrap();
    let salt = URL_SAFE_NO_PAD.encode([3; 16]);
    let encode = |text: String| URL_SAFE_NO_PAD.encode(text);
    assert_eq!(
        good.encode(),
        encode(format!("[\"{salt}\",\"name\",\"value\"]")),
        "the form of SD-JWT disclosures"
    );
    for (text, why) in [
        (URL_SAFE.encode(format!("[\"{salt}\",\"name\",\"valu\"]")), "padding"),
        (encode(format!("[\"{salt}\", \"name\",\"value\"]")), "white space"),
        (encode(format!("[\"{salt}\",\"name\"]")), "too few elements"),
        (encode(format!("[\"{salt}\",\"name\",1,2]")), "too many elements"),
        (encode(format!("[\"{salt}\",\"Name\",1]")), "a name of another form"),
        (encode(format!("[\"{salt}\",\"\",1]")), "an empty name"),
        (encode(format!("[\"{salt}\",1,1]")), "a name that is no text"),
        (encode(format!("[\"{}\",\"name\",1]", URL_SAFE_NO_PAD.encode([3; 15]))), "a short salt"),
        (encode(format!("[\"{}\",\"name\",1]", URL_SAFE.encode([3; 16]))), "a padded salt"),
        (encode(format!("[\"{}\",\"name\",1]", salt.replace(char::is_alphabetic, "+"))), "another alphabet"),
        (encode(format!("[\"{salt}\",\"name\",1.5]")), "a float"),
        (encode("{}".to_owned()), "no array"),
        (String::new(), "nothing"),
        ("A".to_owned(), "half a byte"),
    ] {
        assert!(
            Disclosure::parse(&text).is_err(),
            "{why}: a second form or no disclosure at all was accepted"
        );
    }
    assert!(Disclosure::new([0; 16], &"n".repeat(65), json!(1)).is_err(), "a name has at most 64 bytes");
    assert!(!format!("{good:?}").contains("value"), "a debug line would disclose content");
}

#[test]
fn units_hold_their_limits() {
    let names: Vec<String> = (0..513).map(|n| format!("f{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(
        seal_unit(unit_id(), &SEED, &fields(&names)).unwrap_err(),
        UnitError::FieldCount(513),
        "too many fields"
    );
    assert!(seal_unit(unit_id(), &SEED, &fields(&names[..512])).is_ok(), "512 fields fit");
    assert_eq!(
        seal_unit(unit_id(), &SEED, &[]).unwrap_err(),
        UnitError::FieldCount(0),
        "a unit without fields is none"
    );
    assert_eq!(
        seal_unit(unit_id(), &SEED, &fields(&["a", "a"])).unwrap_err(),
        UnitError::NameTwice("a".to_owned()),
        "a field has one value"
    );
    let large = |bytes: usize| vec![("a".to_owned(), json!("x".repeat(bytes)))];
    assert!(
        matches!(seal_unit(unit_id(), &SEED, &large(MAX_UNIT_BYTES)), Err(UnitError::TooLarge(_))),
        "no receipt could hold it"
    );
    let (_, disclosures) = seal_unit(unit_id(), &SEED, &large(MAX_UNIT_BYTES - 64)).unwrap();
    assert!(
        parse_unit_plaintext(&unit_plaintext(&disclosures)).is_ok(),
        "what fits when sealed must fit when read"
    );
    assert!(Disclosure::parse(&disclosures[0].encode()).is_ok(), "what fits when sealed must fit when shown");
    let halves = vec![
        ("a".to_owned(), json!("x".repeat(MAX_UNIT_BYTES / 2))),
        ("b".to_owned(), json!("x".repeat(MAX_UNIT_BYTES / 2))),
    ];
    assert!(
        matches!(seal_unit(unit_id(), &SEED, &halves), Err(UnitError::TooLarge(_))),
        "the limit is for the unit, not the field"
    );
}

#[test]
fn the_deepest_value_can_still_be_stored_and_shown() {
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    let (_, disclosures) = seal_unit(unit_id(), &SEED, &[("deep".to_owned(), nested(30))]).unwrap();
    assert_eq!(
        parse_unit_plaintext(&unit_plaintext(&disclosures)),
        Ok(disclosures),
        "30 levels in a field are 32 in the unit"
    );
    assert!(
        seal_unit(unit_id(), &SEED, &[("deep".to_owned(), nested(31))]).is_err(),
        "one more could not be read back"
    );
    let bytes = to_jcs(&json!([base64_salt(), "deep", nested(31)])).unwrap();
    let text = URL_SAFE_NO_PAD.encode(bytes);
    assert!(Disclosure::parse(&text).is_err(), "what may not be written may not be read");
}

fn base64_salt() -> String {
    URL_SAFE_NO_PAD.encode([0; 16])
}

#[test]
fn plaintext_is_canonical_and_closed() {
    let (_, disclosures) = seal_unit(unit_id(), &SEED, &fields(&["b", "a"])).unwrap();
    let bytes = unit_plaintext(&disclosures);
    assert!(tabellion_model::parse_jcs(&bytes).is_ok(), "the plaintext is canonical JSON");
    assert_eq!(parse_unit_plaintext(&bytes), Ok(disclosures.clone()), "what the vault keeps must come back");
    let twice = unit_plaintext(&[disclosures[0].clone(), disclosures[0].clone()]);
    assert!(matches!(parse_unit_plaintext(&twice), Err(UnitError::NameTwice(_))), "a field has one value");
    for bytes in [&b"[]"[..], b"{}", b"[[]]", b"[1]", b"", b"[[\"AAAAAAAAAAAAAAAAAAAAAA\",\"a\",1],]"] {
        assert!(parse_unit_plaintext(bytes).is_err(), "{bytes:?} is not a unit");
    }
}

#[test]
fn names_are_unique_across_the_units_of_a_record() {
    let (_, first) = seal_unit(unit_id(), &SEED, &fields(&["a", "b"])).unwrap();
    let (_, second) = seal_unit(UnitId::from_bytes([1; 16]), &[8; 32], &fields(&["c", "a"])).unwrap();
    assert_eq!(
        check_names(first.iter().chain(&second)),
        Err(UnitError::NameTwice("a".to_owned())),
        "which of the two holds?"
    );
    assert_eq!(check_names(&first), Ok(()), "different names are fine");
}

proptest! {
    #[test]
    fn any_content_survives_sealing(contents in prop::collection::btree_map("[a-z][a-z0-9_]{0,20}", any_json(), 1..8), seed in any::<[u8; 32]>()) {
        let fields: Vec<(String, Json)> = contents.into_iter().collect();
        let (unit, disclosures) = seal_unit(unit_id(), &seed, &fields).unwrap();
        prop_assert_eq!(unit.shown_by(&disclosures), Ok(Shown::All));
        let order: Vec<String> = disclosures.iter().map(Disclosure::digest).collect();
        prop_assert_eq!(&order, &unit.digests, "disclosure k must belong to digest k");
        let mut read: Vec<(String, Json)> = parse_unit_plaintext(&unit_plaintext(&disclosures)).unwrap()
            .into_iter().map(|shown| (shown.name().to_owned(), shown.value().clone())).collect();
        read.sort_by(|left, right| left.0.cmp(&right.0));
        prop_assert_eq!(read, fields);
    }

    #[test]
    fn any_text_is_a_disclosure_in_one_form_or_not_at_all(text in "[A-Za-z0-9_=-]{0,80}") {
        if let Ok(read) = Disclosure::parse(&text) {
            let again = Disclosure::new(*read.salt(), read.name(), read.value().clone()).unwrap();
            prop_assert_eq!(again.encode(), text);
        }
    }
}

/// The ledger seals with [`seal_fields`], whoever holds disclosures with [`seal_unit`]: they may differ in no byte and refuse the same.
fn both_ways(fields: &[(String, Json)]) -> Result<(), UnitError> {
    let map = fields.iter().cloned().collect();
    let mut bytes = b"before".to_vec();
    let whole = seal_unit(unit_id(), &SEED, fields);
    let sealed = seal_fields(unit_id(), &SEED, &map, &mut bytes);
    assert_eq!(sealed.as_ref().err(), whole.as_ref().err(), "one refuses what the other records");
    let ((digests, disclosures), sealed) = (whole?, sealed?);
    assert_eq!(sealed, digests, "the header would list other digests");
    assert_eq!(
        bytes,
        [b"before".as_slice(), &unit_plaintext(&disclosures)].concat(),
        "the vault would keep other content"
    );
    let plaintext = unit_plaintext(&disclosures);
    assert_eq!(open_unit_plaintext(&plaintext), Ok(disclosures), "content would come back as something else");
    Ok(())
}

/// Content that was authenticated is not compared with its canonical form again; what no unit may hold is refused all the same.
#[test]
fn authenticated_content_is_still_a_unit() {
    let salt = "AAAAAAAAAAAAAAAAAAAAAA";
    let of = |items: &str| open_unit_plaintext(items.replace("SALT", salt).as_bytes());
    assert!(of(r#"[["SALT","a",{"b":[1]}]]"#).is_ok(), "the rest of this test would prove nothing");
    for items in [
        "[]",
        "{}",
        r#"[["SALT","a",1],["SALT","a",2]]"#,
        r#"[["SALT","a",{"b":1,"b":2}]]"#,
        r#"[["SALT","a",0.5]]"#,
        r#"[["SALT","a",9007199254740992]]"#,
        r#"[["SALT","A",1]]"#,
        r#"[["SALT","a"]]"#,
        r#"[["SALT","a",1,2]]"#,
        r#"[["AAAA","a",1]]"#,
        r#"[["AAAAAAAAAAAAAAAAAAAAAB","a",1]]"#,
    ] {
        assert!(of(items).is_err(), "{items} would be shown as recorded content");
    }
    let deep = format!(r#"[["SALT","a",{}1{}]]"#, "[".repeat(31), "]".repeat(31));
    assert!(of(&deep).is_err(), "content nested deeper than any is recorded");
}

#[test]
fn sealing_without_disclosures_refuses_the_same() {
    let text = |size: usize| Json::from("x".repeat(size));
    let of = |value: Json| [("a".to_owned(), value)];
    assert!(both_ways(&of(text(MAX_UNIT_BYTES - 64))).is_ok(), "large content that fits must be recorded");
    assert!(
        matches!(both_ways(&of(text(MAX_UNIT_BYTES))), Err(UnitError::TooLarge(_))),
        "too large for a unit"
    );
    let halves = ["a", "b"].map(|name| (name.to_owned(), text(MAX_UNIT_BYTES / 2)));
    assert!(matches!(both_ways(&halves), Err(UnitError::TooLarge(_))), "too large together");
    assert!(
        matches!(both_ways(&of(json!(0.5))), Err(UnitError::Value { .. })),
        "a float has no canonical form here"
    );
    assert!(matches!(both_ways(&[("A".to_owned(), json!(1))]), Err(UnitError::Name)), "not a field name");
    assert!(matches!(both_ways(&[]), Err(UnitError::FieldCount(0))), "nothing to seal");
}

proptest! {
    #[test]
    fn sealing_without_disclosures_gives_the_same_bytes(values in proptest::collection::vec(any_json(), 1..40)) {
        let fields: Vec<(String, Json)> =
            values.into_iter().enumerate().map(|(at, value)| (format!("field_{at}"), value)).collect();
        prop_assert!(both_ways(&fields).is_ok());
    }
}
