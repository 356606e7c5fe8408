//! Packs in the console: a publisher trusted by two people, a file put forward by one and loaded by another with what it comes to, and led back.

use serde_json::json;
use tabellion_model::body::{PolicyLayer, Role};
use tabellion_policy::{Pack, PackPolicy, PackSource};
use tabellion_tlog::{SigningKey, VerifierKey};

use super::browser::{Browser, plain};
use crate::api::house::House;

const NO_LARGE: &str = r#"@id("no-large") forbid (principal, action, resource == Model::"large");"#;

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// The file of a pack that forbids the model `large`.
fn file(version: u64) -> String {
    let cases = json!({
        "systems": {"one": {"id": "6f1d0c3b5a2e4f708192a3b4c5d6e7f8", "name": "One"}},
        "case": [{"name": "a large one", "system": "one", "model": "large", "upstream": "local", "expect": "forbidden"}],
    });
    let pack = Pack {
        cases: serde_json::from_value(cases).expect("a table"),
        layer: PolicyLayer::Organisation,
        licence: "CC0-1.0".to_owned(),
        name: "baseline".to_owned(),
        policies: vec![PackPolicy::new("models", NO_LARGE)],
        publisher: "vendor".to_owned(),
        sources: vec![PackSource { rule: "models.no-large".to_owned(), source: "Contract <7>".to_owned() }],
        version,
        version_text: format!("v{version}"),
    };
    pack.sign(&key()).expect("a pack")
}

/// As a browser sends a text that was pasted: CR and LF, and nothing after the last line.
fn pasted(file: &str) -> String {
    file.trim_end_matches('\n').replace('\n', "\r\n")
}

/// Requirement: N18.
#[test]
fn a_pack_is_trusted_put_forward_loaded_and_led_back_on_pages_by_two_people() {
    let house = House::new();
    let gus = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let eva = Browser::of(&house, "Eva", &[Role::GovernanceEngineer]);
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let empty = auditor.page("/packs");
    assert!(empty.contains("No pack yet") && empty.contains("Nobody is trusted"), "{empty}");
    assert!(!empty.contains("form-propose-pack") && !empty.contains("form-propose-publisher"), "{empty}");

    let vkey = VerifierKey::new("vendor", key().public()).expect("a key").to_string();
    let typed = [
        ("key", vkey.as_str()),
        ("layers", "organisation"),
        ("pins", "baseline 1"),
        ("note", "their page, and a call"),
    ];
    let page = gus.follow(&gus.send("/packs", "propose-publisher", &typed));
    assert!(page.contains("Not trusted") && plain(&page).contains(&vkey), "{page}");
    let (trust, why) = ("/pack-publishers/vendor", [("reason", "compared by telephone")]);
    assert_eq!(gus.send(trust, "trust-publisher", &why).status, 403, "one person trusts a key");
    let page = eva.follow(&eva.send(trust, "trust-publisher", &why));
    assert!(page.contains("Trusted") && page.contains("baseline 1"), "{page}");

    let (first, second) = (pasted(&file(1)), pasted(&file(2)));
    let broken = first.replace("large", "small");
    let refused = gus.send("/packs", "propose-pack", &[("file", broken.as_str()), ("note", "n")]);
    assert!(refused.status >= 400 && house.desk.views().gate_now().packs.is_empty(), "{}", refused.text());
    let path = "/packs/baseline";
    for (pack, number) in [(&first, 1), (&second, 2)] {
        let note = [("file", pack.as_str()), ("note", "the newest")];
        let page = gus.follow(&gus.send("/packs", "propose-pack", &note));
        for part in
            ["A version is to come into force", "Contract &#60;7&#62;", "Case: a large one", "no-large"]
        {
            assert!(page.contains(part), "{part} is not shown: {page}");
        }
        assert_eq!(gus.send(path, "load-pack", &why).status, 403, "one person loads a pack");
        assert!(
            auditor.page("/packs").contains("A version is to come into force"),
            "what waits is not shown"
        );
        let seen = eva.page(&format!("{path}?replay=yes"));
        assert!(seen.contains("What it comes to on recorded decisions"), "{seen}");
        let page = eva.follow(&eva.send(path, "load-pack", &why));
        assert!(page.contains("In force") && page.contains(&format!("v{number}")), "{page}");
    }
    assert_eq!(house.desk.views().gate_now().packs[0].file, file(2), "the gateway decides by other bytes");

    let back = [("pack_version", "1"), ("pin", "1"), ("reason", "it stops the help desk")];
    let page = gus.follow(&gus.send(path, "go-back-pack", &back));
    assert!(page.contains("An earlier version is to come back"), "{page}");
    let page = eva.follow(&eva.send(path, "load-pack", &why));
    assert!(page.contains("went back to"), "{page}");
    assert_eq!(house.desk.views().gate_now().packs[0].file, file(1), "it did not go back");
    gus.follow(&gus.send(path, "remove-pack", &[("reason", "another takes its place")]));
    eva.follow(&eva.send(path, "load-pack", &why));
    assert!(house.desk.views().gate_now().packs.is_empty(), "a pack that was taken out decides");
    assert!(eva.page("/packs").contains("Taken out"), "what is out looks like what is in force");
    let page = eva.follow(&eva.send(trust, "remove-publisher", &[("reason", "their key is lost")]));
    assert!(page.contains("Not trusted"), "{page}");
}

/// What a pack turns is shown, and has to be acknowledged, as with a policy.
///
/// Requirement: N18.
#[test]
fn a_pack_that_turns_decisions_is_loaded_with_a_tick_alone() {
    let house = House::new();
    let gus = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let eva = Browser::of(&house, "Eva", &[Role::GovernanceEngineer]);
    let (_, admin) = house.person("Ann", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (call_key, _) = house.key(&admin, &system);
    let open = r#"@id("all") permit (principal, action, resource);"#;
    gus.follow(&gus.send("/policies/new", "policy", &[("name", "base"), ("text", open), ("note", "first")]));
    house.calls(&system, &call_key);
    let vkey = VerifierKey::new("vendor", key().public()).expect("a key").to_string();
    let typed = [("key", vkey.as_str()), ("layers", "organisation"), ("note", "their page")];
    gus.follow(&gus.send("/packs", "propose-publisher", &typed));
    let why = [("reason", "looked through")];
    eva.follow(&eva.send("/pack-publishers/vendor", "trust-publisher", &why));
    let first = pasted(&file(1));
    gus.follow(&gus.send("/packs", "propose-pack", &[("file", first.as_str()), ("note", "the newest")]));
    let asked = eva.send("/packs/baseline", "load-pack", &why);
    let page = asked.text();
    assert!(asked.status == 409 && page.contains("I looked at what it comes to"), "{page}");
    assert!(house.desk.views().gate_now().packs.is_empty(), "it was loaded without a look");
    let from = page.find("name=\"replay\"").expect("the tick");
    let seen = super::browser::attribute(&page[from..], "value").expect("what it stands for");
    let ticked = [("reason", "looked through"), ("replay", seen.as_str())];
    let page = eva.follow(&eva.send("/packs/baseline", "load-pack", &ticked));
    assert!(page.contains("In force"), "{page}");
}
