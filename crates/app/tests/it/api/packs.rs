//! Packs of policies: signed by whom two people trust, put forward by one and loaded by another, never below the pin, and never wider than what stands above.

use serde_json::{Value, json};
use tabellion_model::body::{PolicyLayer, Role};
use tabellion_policy::{Pack, PackPolicy, PackSource};
use tabellion_tlog::{SigningKey, VerifierKey};

use super::client::Answer;
use super::house::House;

const PACKS: &str = "/api/v1/policy-packs";
const PUBLISHERS: &str = "/api/v1/pack-publishers";
const OPEN: &str = r#"@id("all") permit (principal, action, resource);"#;
const NO_LARGE: &str = r#"@id("no-large") forbid (principal, action, resource == Model::"large");"#;
const NO_HUGE: &str = r#"@id("no-huge") forbid (principal, action, resource == Model::"huge");"#;
const LARGE: &str = r#"@id("large") permit (principal, action, resource == Model::"large");"#;

/// Two people who may publish, and a publisher's key.
struct Scene {
    house: House,
    gus: String,
    eva: String,
    system: String,
}

/// A pack of one rule with its case.
fn pack(name: &str, layer: PolicyLayer, version: u64, text: &str) -> Pack {
    let id = text.split('"').nth(1).expect("an id").to_owned();
    let model = text.split("Model::\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a model");
    let expect = if text.contains("permit (") { "permitted" } else { "forbidden" };
    let cases = json!({
        "systems": {"one": {"id": "6f1d0c3b5a2e4f708192a3b4c5d6e7f8", "name": "One"}},
        "case": [{"name": "a call", "system": "one", "model": model, "upstream": "local", "expect": expect}],
    });
    Pack {
        cases: serde_json::from_value(cases).expect("a table"),
        layer,
        licence: "CC0-1.0".to_owned(),
        name: name.to_owned(),
        policies: vec![PackPolicy::new("models", text)],
        publisher: "vendor".to_owned(),
        sources: vec![PackSource { rule: format!("models.{id}"), source: "A contract".to_owned() }],
        version,
        version_text: format!("v{version}"),
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

fn baseline(version: u64, text: &str) -> String {
    pack("baseline", PolicyLayer::Organisation, version, text).sign(&key()).expect("a pack")
}

impl Scene {
    fn new() -> Self {
        let house = House::new();
        let (_, admin) = house.person("Ada", &[Role::Administrator]);
        let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
        let (_, eva) = house.person("Eva", &[Role::GovernanceEngineer]);
        let system = house.live_system(&admin, "Loan support");
        Self { house, gus, eva, system }
    }

    /// The publisher is trusted by both, for these layers.
    fn trusted(self, layers: &[&str]) -> Self {
        let vkey = VerifierKey::new("vendor", key().public()).expect("a key").to_string();
        let body = json!({"key": vkey, "layers": layers, "note": "their page, and a call"});
        let put = self.house.post(&self.gus, PUBLISHERS, &body).ok().json();
        let trust =
            json!({"proposed": put["result"]["waiting"]["proposed"], "reason": "compared by telephone"});
        let path = format!("{PUBLISHERS}/vendor/trust");
        self.house.post(&self.gus, &path, &trust).refused(403, "own_work");
        self.house.post(&self.eva, &path, &trust).ok();
        self
    }

    fn propose(&self, file: &str) -> Answer {
        self.house.post(&self.gus, PACKS, &json!({"file": file, "note": "the newest"}))
    }

    fn waiting(&self, name: &str) -> Value {
        self.house.get(&self.eva, &format!("{PACKS}/{name}")).ok().json()["waiting"]["proposed"].clone()
    }

    fn load_as(&self, token: &str, name: &str) -> Answer {
        let body = json!({"proposed": self.waiting(name), "reason": "looked through"});
        self.house.post(token, &format!("{PACKS}/{name}/load"), &body)
    }

    fn loaded(&self, file: &str) {
        self.propose(file).ok();
        self.load_as(&self.eva, "baseline").ok();
    }

    /// Version in force, and the lowest that may be loaded.
    fn state(&self) -> (Value, Value) {
        let shown = self.house.get(&self.eva, &format!("{PACKS}/baseline")).ok().json();
        (shown["pack_version"].clone(), shown["pin"].clone())
    }
}

/// Requirement: N18.
#[test]
fn a_pack_takes_a_trusted_publisher_and_two_people() {
    let scene = Scene::new();
    let file = baseline(3, NO_LARGE);
    scene.propose(&file).refused(403, "pack_publisher_unknown");
    let scene = scene.trusted(&["organisation"]);
    scene.propose(&file).ok();
    let gate = scene.house.desk.views().gate_now();
    assert!(gate.packs.is_empty(), "what one person put forward was in force");
    scene.load_as(&scene.gus, "baseline").refused(403, "own_work");
    let other = json!({"proposed": "0".repeat(32), "reason": "n"});
    scene
        .house
        .post(&scene.eva, &format!("{PACKS}/baseline/load"), &other)
        .refused(409, "not_what_was_shown");
    let done = scene.load_as(&scene.eva, "baseline").ok().json();
    assert_eq!(
        (&done["result"]["pack_version"], &done["result"]["in_force"]),
        (&json!(3), &json!(true)),
        "{done}"
    );
    assert_eq!(done["result"]["waiting"], Value::Null, "it would be loaded again: {done}");
    let gate = scene.house.desk.views().gate_now();
    assert_eq!(
        (gate.packs.len(), gate.packs[0].file.as_str()),
        (1, file.as_str()),
        "the gateway decides by another"
    );
    // The first refusal by name and code, and the attempt on one's own work.
    assert_eq!(scene.house.count_of("policy_pack.refused"), 2);
    assert_eq!(scene.house.count_of("policy_pack.loaded"), 1);
}

/// Requirement: N18.
#[test]
fn a_pack_that_is_not_taken_leaves_the_one_before() {
    let scene = Scene::new().trusted(&["organisation"]);
    scene.loaded(&baseline(3, NO_LARGE));
    let (text, signatures) = {
        let file = baseline(4, NO_HUGE);
        let (text, signatures) = file.split_once("\n\n").expect("signatures");
        (text.to_owned(), signatures.to_owned())
    };
    scene.propose(&format!("{text}\n")).refused(403, "pack_unsigned");
    let stranger = pack("baseline", PolicyLayer::Organisation, 4, NO_HUGE);
    let stranger = stranger.sign(&SigningKey::from_seed(&[8; 32])).expect("a pack");
    scene.propose(&stranger).refused(403, "pack_publisher_unknown");
    let forged = format!("{}\n\n{signatures}", text.replace("\"version\":4", "\"version\":5"));
    scene.propose(&forged).refused(403, "pack_publisher_unknown");
    scene.propose(&baseline(2, NO_HUGE)).refused(409, "pack_below_pin");
    scene.propose(&baseline(3, NO_HUGE)).refused(409, "pack_taken");
    scene.propose(&baseline(3, NO_LARGE)).refused(409, "already_so");
    let mut failing = pack("baseline", PolicyLayer::Organisation, 4, NO_HUGE);
    failing.sources.clear();
    scene.propose(&failing.sign(&key()).expect("a pack")).refused(422, "pack_tests_fail");
    // A name belongs to its layer: a lower pack would take the upper one's prohibitions with its name.
    let lower = pack("baseline", PolicyLayer::System, 9, NO_HUGE).sign(&key()).expect("a pack");
    let body = json!({"file": lower, "systems": [scene.system], "note": "n"});
    scene.house.post(&scene.gus, PACKS, &body).refused(403, "pack_publisher_unknown");
    let scene = scene.trusted(&["organisation", "system"]);
    scene.house.post(&scene.gus, PACKS, &body).refused(409, "pack_taken");
    assert_eq!(scene.state(), (json!(3), json!(3)), "what was refused changed what is in force");
    assert_eq!(scene.house.count_of("policy_pack.proposed"), 1, "what was refused waits for a second person");
}

/// Requirement: N18.
#[test]
fn a_lower_pack_that_permits_what_is_forbidden_above_is_not_loaded() {
    let scene = Scene::new().trusted(&["organisation", "system"]);
    scene.loaded(&baseline(1, NO_LARGE));
    let own = pack("own-models", PolicyLayer::System, 1, LARGE).sign(&key()).expect("a pack");
    let body = json!({"file": own, "systems": [scene.system], "note": "we need it"});
    let refused = scene.house.post(&scene.gus, PACKS, &body).refused(422, "pack_widens");
    assert!(refused.text().contains("baseline/models.no-large"), "{}", refused.text());
    let nobody = json!({"file": own, "note": "n"});
    scene.house.post(&scene.gus, PACKS, &nobody).refused(400, "malformed");
    let narrower = pack("own-models", PolicyLayer::System, 1, NO_HUGE).sign(&key()).expect("a pack");
    let body = json!({"file": narrower, "systems": [scene.system], "note": "we need less"});
    scene.house.post(&scene.gus, PACKS, &body).ok();
    scene.load_as(&scene.eva, "own-models").ok();
    let gate = scene.house.desk.views().gate_now();
    assert_eq!(
        gate.packs.iter().map(|pack| pack.name.as_str()).collect::<Vec<_>>(),
        ["baseline", "own-models"]
    );
    assert_eq!(gate.packs[1].systems.len(), 1, "a pack of one system holds for all");
}

/// Requirement: N18.
#[test]
fn going_back_is_a_record_of_two_people_and_lowers_the_pin() {
    let scene = Scene::new().trusted(&["organisation"]);
    scene.loaded(&baseline(1, NO_LARGE));
    scene.loaded(&baseline(2, NO_HUGE));
    scene.propose(&baseline(1, NO_LARGE)).refused(409, "pack_below_pin");
    let path = format!("{PACKS}/baseline/go-back");
    let unknown = json!({"pack_version": 7, "pin": 1, "reason": "n"});
    scene.house.post(&scene.gus, &path, &unknown).refused(422, "unknown_reference");
    let above = json!({"pack_version": 1, "pin": 2, "reason": "n"});
    scene.house.post(&scene.gus, &path, &above).refused(400, "malformed");
    let back = json!({"pack_version": 1, "pin": 1, "reason": "the new one stops the help desk"});
    scene.house.post(&scene.gus, &path, &back).ok();
    assert_eq!(scene.state(), (json!(2), json!(2)), "one person lowered a pin");
    scene.load_as(&scene.gus, "baseline").refused(403, "own_work");
    scene.load_as(&scene.eva, "baseline").ok();
    assert_eq!(scene.state(), (json!(1), json!(1)));
    let history = scene.house.get(&scene.eva, &format!("{PACKS}/baseline/history")).ok().json();
    let acts: Vec<&Value> =
        history["versions"].as_array().expect("a list").iter().map(|version| &version["act"]).collect();
    assert_eq!(acts, [&json!("load"), &json!("load"), &json!("go_back")], "{history}");
    // Removing takes two as well, and keeps the pin.
    scene
        .house
        .post(&scene.gus, &format!("{PACKS}/baseline/remove"), &json!({"reason": "another takes its place"}))
        .ok();
    scene.load_as(&scene.eva, "baseline").ok();
    assert!(scene.house.desk.views().gate_now().packs.is_empty(), "a pack that was removed decides");
    assert_eq!(scene.state(), (Value::Null, json!(1)));
}

/// Requirement: N18.
#[test]
fn a_publisher_that_is_removed_has_nothing_loaded_that_waits() {
    let scene = Scene::new().trusted(&["organisation"]);
    scene.propose(&baseline(1, NO_LARGE)).ok();
    let why = json!({"reason": "their key is lost"});
    scene.house.post(&scene.gus, &format!("{PUBLISHERS}/vendor/remove"), &why).ok();
    scene.load_as(&scene.eva, "baseline").refused(403, "pack_publisher_unknown");
    assert!(scene.house.desk.views().gate_now().packs.is_empty());
}

/// A pack that would stop what was let through is replayed, and has to be acknowledged.
///
/// Requirement: N18.
#[test]
fn a_pack_that_turns_decisions_has_to_be_acknowledged() {
    let scene = Scene::new().trusted(&["organisation"]);
    let (_, admin) = scene.house.person("Ann", &[Role::Administrator]);
    let (call_key, _) = scene.house.key(&admin, &scene.system);
    let publish = json!({"text": OPEN, "note": "n"});
    scene.house.ask("PUT", "/api/v1/policies/base").bearer(&scene.gus).json(&publish).send().ok();
    scene.house.calls(&scene.system, &call_key);
    scene.propose(&baseline(1, NO_LARGE)).ok();
    scene.load_as(&scene.eva, "baseline").refused(409, "replay_needed");
    let found = scene.house.post(&scene.eva, &format!("{PACKS}/baseline/replays"), &json!({})).ok().json();
    let body = json!({
        "proposed": scene.waiting("baseline"), "reason": "seen", "replay": found["acknowledge"],
    });
    scene.house.post(&scene.eva, &format!("{PACKS}/baseline/load"), &body).ok();
}
