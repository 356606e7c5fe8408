//! A change of policies is replayed over recorded decisions, and made only when somebody has looked at what it comes to.

use serde_json::{Value, json};
use tabellion_ledger::{Clock as _, Draft};
use tabellion_model::Micros;
use tabellion_model::body::{Body, CallAuthorised, CallDenied, Role};
use tabellion_model::charge::Reserved;
use tabellion_tlog::sha256;

use super::client::Answer;
use super::house::House;

const PATH: &str = "/api/v1/policies/base";
const OPEN: &str = "@id(\"all\") permit (principal, action, resource);";
const NO_LARGE: &str = "@id(\"all\") permit (principal, action, resource);
@id(\"no-large\") forbid (principal, action, resource == Model::\"large\");";
/// Microseconds of a day.
const DAY_US: u64 = 24 * 3_600_000_000;

/// Somebody who may publish, a live system and its key.
struct Scene {
    house: House,
    gus_id: String,
    gus: String,
    system: String,
    key: String,
}

impl Scene {
    fn new() -> Self {
        let house = House::new();
        let (_, admin) = house.person("Ada", &[Role::Administrator]);
        let (gus_id, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
        let system = house.live_system(&admin, "Loan support");
        let (key, _) = house.key(&admin, &system);
        Self { house, gus_id, gus, system, key }
    }

    /// Records what the gateway does of a decision; gives its entry.
    fn record<B: Body>(&self, body: &B) -> u64 {
        let mut draft = Draft::new(B::TYPE);
        draft.body = body.fields().expect("fields");
        (draft.actor, draft.system) = (Some(self.key.clone()), Some(self.system.clone()));
        draft.assurance = Some("observed".to_owned());
        draft.observed_at = Some(self.house.clock.now().0);
        draft.basis = Some(self.house.ledger.reader().size());
        draft.erasable_alone = true;
        if B::TYPE == CallAuthorised::TYPE {
            draft.clear = Reserved { input: 10, output: 10, price: None }.to_clear();
        }
        self.house.ledger.append(&draft).expect("a record").index
    }

    /// A call of `model` that the text `by` permitted.
    fn permitted(&self, model: &str, by: &str) -> u64 {
        let body: CallAuthorised = serde_json::from_value(json!({
            "surface": "openai.chat_completions", "model": model, "upstream": "local", "purpose": "support", "stream": false,
            "received_bytes": 3, "received_sha256": "a".repeat(64), "forwarded_sha256": "b".repeat(64), "masked": [],
            "policies": [sha256(by.as_bytes()).to_hex()], "rules": ["base.all"], "retry": 0,
        }))
        .expect("a body");
        self.record(&body)
    }

    /// A call of `model` that was denied with `code` by `rules` of the text `by`.
    fn denied(&self, model: &str, by: &str, code: &str, rules: &[&str], upstream: Option<&str>) -> u64 {
        let body: CallDenied = serde_json::from_value(json!({
            "code": code, "reason": "no", "status": 403, "surface": "openai.chat_completions", "model": model, "upstream": upstream,
            "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [sha256(by.as_bytes()).to_hex()], "rules": rules, "retry": 0,
        }))
        .expect("a body");
        self.record(&body)
    }

    fn replay(&self, of: &Value) -> Value {
        self.house.post(&self.gus, &format!("{PATH}/replays"), of).ok().json()
    }

    fn publish(&self, version: Option<u64>, text: &str, replay: &Value) -> Answer {
        let body = json!({"text": text, "note": "n", "replay": replay});
        let ask = self.house.ask("PUT", PATH).bearer(&self.gus).json(&body);
        match version {
            Some(version) => ask.header("if-match", &format!("\"{version}\"")).send(),
            None => ask.send(),
        }
    }

    /// The content of the record that an answer to a change names.
    fn recorded(&self, answer: &Answer) -> Value {
        let entry = answer.json()["recorded"]["index"].as_u64().expect("an entry");
        let entry = self.house.get(&self.gus, &format!("/api/v1/entries/{entry}")).ok().json();
        entry["units"][0]["fields"].clone()
    }
}

/// Requirement: B09.
#[test]
fn a_text_comes_into_force_only_when_what_it_turns_was_looked_at() {
    let scene = Scene::new();
    // Nothing was decided yet, so nothing can turn; the record says so.
    let first = scene.publish(None, OPEN, &Value::Null).ok();
    let replay = &scene.recorded(&first)["replay"];
    assert_eq!((&replay["decisions"], &replay["acknowledged"]), (&json!(0), &json!(false)), "{replay}");
    scene.permitted("small", OPEN);
    let large = scene.permitted("large", OPEN);
    scene.denied("small", OPEN, "purpose_not_permitted", &[], None);
    let found = scene.replay(&json!({"text": NO_LARGE}));
    let counted =
        ["decisions", "replayed", "by_no_rule", "not_asked", "beyond", "now_denied", "now_permitted"];
    let counts: Vec<&Value> = counted.iter().map(|name| &found[*name]).collect();
    assert_eq!(json!(counts), json!([3, 2, 1, 0, 0, 1, 0]), "{found}");
    let change = &found["changes"][0];
    assert_eq!(
        (&change["turn"], &change["name"], &change["rules"], &change["newest"][0]["index"]),
        (&json!("now_denied"), &json!("Loan support"), &json!(["base.no-large"]), &json!(large)),
        "nobody would know whom the text hits: {found}"
    );
    assert_eq!(found["needs_acknowledgement"], true, "{found}");
    let size = scene.house.ledger.reader().size();
    scene.publish(Some(1), NO_LARGE, &Value::Null).refused(409, "replay_needed");
    let mut other = found["acknowledge"].clone();
    other["digest"] = json!("0".repeat(64));
    scene.publish(Some(1), NO_LARGE, &other).refused(409, "replay_outdated");
    // What was looked at was another text.
    scene
        .publish(Some(1), "forbid (principal, action, resource);", &found["acknowledge"])
        .refused(409, "replay_outdated");
    assert_eq!(scene.house.ledger.reader().size(), size, "a change that nobody looked at was recorded");
    // Calls go on while somebody looks; what they saw still is what they saw.
    scene.permitted("large", OPEN);
    let answer = scene.publish(Some(1), NO_LARGE, &found["acknowledge"]).ok();
    let replay = &scene.recorded(&answer)["replay"];
    assert_eq!(
        (&replay["now_denied"], &replay["acknowledged"], &replay["digest"], &replay["size"]),
        (&json!(1), &json!(true), &found["acknowledge"]["digest"], &found["acknowledge"]["size"]),
        "the history does not say what was acknowledged: {replay}"
    );
    // The same text once more, written otherwise: nothing turns, and nobody is asked.
    scene.publish(Some(2), &format!("// so\n{NO_LARGE}"), &Value::Null).ok();
}

/// Requirement: B09. What is not known never passes for what stays as it is.
#[test]
fn decisions_that_cannot_be_asked_again_are_counted_and_acknowledged() {
    let scene = Scene::new();
    scene.publish(None, NO_LARGE, &Value::Null).ok();
    scene.denied("large", NO_LARGE, "policy_denied", &["base.no-large"], Some("local"));
    // A record of before denials named where the model leads, one that comes out otherwise by the very rules it names, and one that something else denied.
    scene.denied("large", NO_LARGE, "policy_denied", &["base.no-large"], None);
    scene.denied("small", NO_LARGE, "policy_denied", &[], Some("local"));
    scene.denied("small", NO_LARGE, "evidence_unavailable", &[], Some("local"));
    let found = scene.replay(&json!({"text": OPEN}));
    assert_eq!((&found["now_permitted"], &found["not_asked"]), (&json!(1), &json!(3)), "{found}");
    let reasons = found["reasons"].as_array().expect("a list");
    assert_eq!(reasons.len(), 3, "{found}");
    for why in ["the model", "otherwise than it was recorded", "evidence_unavailable"] {
        assert!(reasons.iter().any(|reason| reason["why"].as_str().unwrap().contains(why)), "{why}: {found}");
    }
    scene.publish(Some(1), OPEN, &Value::Null).refused(409, "replay_needed");
    // Nothing turns, and three decisions could: that alone has to be acknowledged.
    let same = scene.replay(&json!({"text": format!("// so\n{NO_LARGE}")}));
    assert_eq!((&same["changes"], &same["needs_acknowledgement"]), (&json!([]), &json!(true)), "{same}");
    scene.publish(Some(1), OPEN, &found["acknowledge"]).ok();
}

/// Requirement: B09. Systems are taken as they were described when the gateway decided.
#[test]
fn a_system_is_what_it_was_when_it_was_decided() {
    let scene = Scene::new();
    let by_purpose = "@id(\"all\") permit (principal, action, resource) when { principal.purposes.contains(\"support\") };";
    scene.publish(None, by_purpose, &Value::Null).ok();
    scene.permitted("small", by_purpose);
    let path = format!("/api/v1/systems/{}", scene.system);
    let before = scene.house.get(&scene.gus, &path).ok();
    let version = before.header("etag").expect("an ETag").to_owned();
    let owner = before.json()["owner"].clone();
    let body = json!({"name": "Loans", "purposes": ["training"], "owner": owner, "description": "later"});
    scene.house.put(&scene.gus, &path, &version, &body).ok();
    let other = by_purpose.replace("support", "training");
    let found = scene.replay(&json!({"text": other}));
    assert_eq!(
        (&found["replayed"], &found["now_denied"], &found["now_permitted"]),
        (&json!(1), &json!(1), &json!(0)),
        "it was asked about the system of today: {found}"
    );
}

/// Requirement: B09. An acknowledgement is of everything, of these policies, and of lately.
#[test]
fn an_acknowledgement_is_of_everything_and_not_of_long_ago() {
    let scene = Scene::new();
    scene.publish(None, OPEN, &Value::Null).ok();
    scene.permitted("large", OPEN);
    let window = scene.replay(&json!({"text": NO_LARGE, "from": "2026-03-03"}));
    assert_eq!(
        (&window["decisions"], &window["acknowledge"]),
        (&json!(0), &Value::Null),
        "a window without decisions would clear any change: {window}"
    );
    // A size of before the decision is a prefix too; it leaves out what is a day old.
    let found = scene.replay(&json!({"text": NO_LARGE}));
    scene.permitted("large", OPEN);
    scene.house.clock.set(Micros(scene.house.clock.now().0 + DAY_US + 1));
    let gus = scene.house.session(&scene.gus_id);
    let scene = Scene { gus, ..scene };
    scene.publish(Some(1), NO_LARGE, &found["acknowledge"]).refused(409, "replay_outdated");
    let mut ahead = scene.replay(&json!({"text": NO_LARGE}))["acknowledge"].clone();
    ahead["size"] = json!(1_000_000);
    scene.publish(Some(1), NO_LARGE, &ahead).refused(409, "replay_outdated");
    // Somebody publishes another policy meanwhile.
    let found = scene.replay(&json!({"text": NO_LARGE}));
    let body = json!({"text": "forbid (principal, action, resource == Model::\"medium\");", "note": "n"});
    scene.house.ask("PUT", "/api/v1/policies/other").bearer(&scene.gus).json(&body).send().ok();
    scene.publish(Some(1), NO_LARGE, &found["acknowledge"]).refused(409, "replay_outdated");
    // Sent twice under one key, it is one record, whatever has been decided since.
    let found = scene.replay(&json!({"text": NO_LARGE}));
    let body = json!({"text": NO_LARGE, "note": "n", "replay": found["acknowledge"]});
    let once = || {
        let ask = scene.house.ask("PUT", PATH).bearer(&scene.gus).header("if-match", "\"1\"");
        ask.header("idempotency-key", "k1").json(&body).send().ok().json()["recorded"]["index"].clone()
    };
    let first = once();
    scene.permitted("large", NO_LARGE);
    assert_eq!(first, once(), "a retry was recorded twice, or asked anew");
}

/// Requirement: B09. The end of a policy turns decisions as a text does, and so does an observed text.
#[test]
fn withdrawing_and_enforcing_take_the_same_word() {
    let scene = Scene::new();
    let withdraw = format!("{PATH}/withdraw");
    scene.house.post(&scene.gus, &format!("{PATH}/replays"), &json!({})).refused(404, "not_found");
    scene.publish(None, OPEN, &Value::Null).ok();
    for _ in 0..3 {
        scene.permitted("large", OPEN);
    }
    scene.house.post(&scene.gus, &withdraw, &json!({"reason": "why"})).refused(409, "replay_needed");
    let found = scene.replay(&json!({}));
    assert_eq!(
        (&found["now_denied"], &found["changes"][0]["verdict"], &found["text_digest"]),
        (&json!(3), &json!("none_permits"), &Value::Null),
        "{found}"
    );
    let answer = scene
        .house
        .post(&scene.gus, &withdraw, &json!({"reason": "why", "replay": found["acknowledge"]}))
        .ok();
    assert_eq!(scene.recorded(&answer)["replay"]["now_denied"], 3);
    // Observed for its time, and enforced by somebody else.
    let (eva_id, _) = scene.house.person("Eva", &[Role::GovernanceEngineer]);
    let body = json!({"text": OPEN, "note": "again"});
    scene.house.ask("PUT", &format!("{PATH}/observation")).bearer(&scene.gus).json(&body).send().ok();
    let digest = sha256(OPEN.as_bytes()).to_hex();
    for _ in 0..3 {
        let mut body: Value = json!({
            "code": "policy_denied", "reason": "no", "status": 403, "surface": "openai.chat_completions", "model": "small", "upstream": "local",
            "received_bytes": 3, "received_sha256": "f".repeat(64), "policies": [], "rules": [], "retry": 0,
        });
        body["observed"] = json!({"policies": [digest], "verdict": "permitted", "rules": ["base.all"]});
        scene.record(&serde_json::from_value::<CallDenied>(body).expect("a body"));
    }
    scene.house.clock.set(Micros(scene.house.clock.now().0 + DAY_US));
    let scene = Scene { gus: scene.house.session(&eva_id), ..scene };
    let enforce = |replay: &Value| {
        let body = json!({"digest": digest, "reason": "it permits what it should", "replay": replay});
        scene.house.post(&scene.gus, &format!("{PATH}/observation/enforce"), &body)
    };
    enforce(&Value::Null).refused(409, "replay_needed");
    let found = scene.replay(&json!({"text": OPEN}));
    assert_eq!((&found["now_permitted"], &found["replayed"]), (&json!(6), &json!(6)), "{found}");
    let answer = enforce(&found["acknowledge"]).ok();
    assert_eq!(scene.recorded(&answer)["replay"]["now_permitted"], 6);
}

/// Requirement: B09. An erasure between looking and acting changes what can be known, and that is another answer.
#[test]
fn what_is_erased_meanwhile_is_not_acknowledged() {
    let scene = Scene::new();
    scene.publish(None, OPEN, &Value::Null).ok();
    let entry = scene.permitted("large", OPEN);
    let found = scene.replay(&json!({"text": NO_LARGE}));
    let target = tabellion_ledger::ErasureTarget::Record(entry);
    scene.house.ledger.erase(&target, "it was a mistake").expect("an erasure");
    scene.publish(Some(1), NO_LARGE, &found["acknowledge"]).refused(409, "replay_outdated");
    let found = scene.replay(&json!({"text": NO_LARGE}));
    assert_eq!((&found["now_denied"], &found["not_asked"]), (&json!(0), &json!(1)), "{found}");
    assert_eq!(found["needs_acknowledgement"], true, "{found}");
}
