//! A pack is what its publisher signed, does what it says, and takes nothing away from above.

use tabellion_tlog::SigningKey;

use super::*;

const NO_LARGE: &str = r#"@id("no-large") forbid (principal, action, resource == Model::"large");"#;
const LARGE: &str = r#"@id("large") permit (principal, action, resource == Model::"large");"#;

fn cases(model: &str, expect: &str) -> CaseTable {
    let table = serde_json::json!({
        "systems": {"one": {"id": "6f1d0c3b5a2e4f708192a3b4c5d6e7f8", "name": "One"}},
        "case": [{"name": "a call", "system": "one", "model": model, "upstream": "local", "expect": expect}],
    });
    serde_json::from_value(table).expect("a table")
}

fn pack(layer: PolicyLayer, text: &str, expect: &str) -> Pack {
    let rule = text.split('"').nth(1).expect("an id");
    Pack {
        cases: cases("large", expect),
        layer,
        licence: "CC0-1.0".to_owned(),
        name: "baseline".to_owned(),
        policies: vec![PackPolicy::new("models", text)],
        publisher: "vendor".to_owned(),
        sources: vec![PackSource { rule: format!("models.{rule}"), source: "A contract".to_owned() }],
        version: 3,
        version_text: "2026-11".to_owned(),
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn verifier(name: &str, seed: u8) -> VerifierKey {
    VerifierKey::new(name, key(seed).public()).expect("a key")
}

fn kind<T: fmt::Debug>(result: Result<T, PackFault>) -> PackFaultKind {
    result.expect_err("it was taken").kind
}

/// Requirement: N18.
#[test]
fn a_pack_comes_back_and_is_believed_by_its_publishers_key_alone() {
    let pack = pack(PolicyLayer::Organisation, NO_LARGE, "forbidden");
    let file = pack.sign(&key(1)).expect("a file");
    assert_eq!(file, pack.sign(&key(1)).expect("a file"), "the same pack has two forms");
    let signed = SignedPack::read(file.as_bytes()).expect("a pack");
    assert_eq!(signed.pack(), &pack);
    assert_eq!(signed.pack().check().expect("all holds"), ["baseline/models.no-large"]);
    signed.verify(&[verifier("somebody", 2), verifier("vendor", 1)]).expect("the publisher's");
    assert_eq!(kind(signed.verify(&[])), PackFaultKind::UnknownPublisher);
    assert_eq!(
        kind(signed.verify(&[verifier("vendor", 2)])),
        PackFaultKind::UnknownPublisher,
        "another key of that name"
    );
    assert_eq!(
        kind(signed.verify(&[verifier("other", 1)])),
        PackFaultKind::UnknownPublisher,
        "the key by another name"
    );
    let (text, _) = file.split_once("\n\n").expect("signatures");
    let unsigned = SignedPack::read(format!("{text}\n").as_bytes()).expect("a pack without signatures");
    assert_eq!(kind(unsigned.verify(&[verifier("vendor", 1)])), PackFaultKind::Unsigned);
}

/// Requirement: N18.
#[test]
fn nothing_in_a_signed_pack_can_be_changed() {
    let file = pack(PolicyLayer::Organisation, NO_LARGE, "forbidden").sign(&key(1)).expect("a file");
    let keys = [verifier("vendor", 1)];
    let changed = file.replace("\"version\":3", "\"version\":4");
    assert_ne!(changed, file);
    let read = SignedPack::read(changed.as_bytes()).expect("of its form");
    assert_eq!(kind(read.verify(&keys)), PackFaultKind::WrongSignature);
    for (what, changed) in [
        ("a text of another digest", file.replace("Model::\\\"large", "Model::\\\"small")),
        ("a space", file.replace("{\"cases\"", "{ \"cases\"")),
        ("a member that nobody knows", file.replace("{\"cases\"", "{\"also\":1,\"cases\"")),
        ("another first line", file.replace("pack v1", "pack v2")),
    ] {
        assert_ne!(changed, file, "{what}");
        assert_eq!(kind(SignedPack::read(changed.as_bytes())), PackFaultKind::Malformed, "{what}");
    }
    // A signature of somebody else is no fault and no reason to believe.
    let first = SignedPack::read(file.as_bytes()).expect("a pack");
    let more = first.signed_also("auditor", &key(9)).expect("a second signature");
    let more = SignedPack::read(more.as_bytes()).expect("a pack");
    assert_eq!(more.signatures().len(), 2);
    more.verify(&keys).expect("a second signature took the first away");
    more.verify(&[verifier("auditor", 9)]).expect_err("somebody else was taken for the publisher");
    assert_eq!(kind(more.signed_also("auditor", &key(9))), PackFaultKind::Malformed, "it was signed twice");
}

/// Requirement: N18.
#[test]
fn a_pack_that_does_not_do_what_it_says_is_not_taken() {
    let good = pack(PolicyLayer::Organisation, NO_LARGE, "forbidden");
    let wrong = Pack { cases: cases("large", "permitted"), ..good.clone() };
    let idle = Pack { cases: cases("small", "none_permits"), ..good.clone() };
    let untried = Pack { cases: CaseTable::default(), ..good.clone() };
    let sourceless = Pack { sources: Vec::new(), ..good.clone() };
    for (what, pack) in [
        ("a case", &wrong),
        ("a rule no case tries", &idle),
        ("no case", &untried),
        ("no source", &sourceless),
    ] {
        assert_eq!(kind(pack.check()), PackFaultKind::Tests, "{what}");
    }
    let broken = Pack { policies: vec![PackPolicy::new("models", "permit (principal);")], ..good };
    assert_eq!(kind(broken.check()), PackFaultKind::Faulty);
}

/// Requirement: N18.
#[test]
fn a_lower_pack_cannot_take_an_upper_prohibition_away() {
    let above = [NamedPolicy { name: "house", text: NO_LARGE }];
    let lower = pack(PolicyLayer::System, LARGE, "permitted");
    let fault = lower.check_tightens(&above).expect_err("a prohibition of the organisation was undone");
    assert_eq!(fault.kind, PackFaultKind::Widens);
    assert!(fault.what.contains("house.no-large"), "nobody could see which prohibition it is: {fault}");
    lower.check_tightens(&[]).expect("nothing stands above");
    let narrower = pack(PolicyLayer::System, NO_LARGE, "forbidden");
    narrower.check_tightens(&above).expect("a prohibition only tightens");
    let upper = pack(PolicyLayer::Organisation, LARGE, "permitted");
    upper.check_tightens(&above).expect("the organisation's own layer is decided together");
}
