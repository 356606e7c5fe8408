//! Packs of policies at the gateway: below the organisation they only tighten, their rules stand in records, and one that cannot be read denies.

use std::sync::Arc;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use tabellion_model::SystemId;
use tabellion_model::body::PolicyLayer;
use tabellion_policy::{Pack, PackPolicy};
use tabellion_testkit::upstream::{Answer, openai};
use tabellion_tlog::SigningKey;
use tabellion_views::gate::GatePack;

use crate::fixture::{Fixture, SYSTEM};

/// A pack as it stands in force; that it was signed by whom, and passes its cases, was asked when it was loaded.
pub(crate) fn gate_pack(name: &str, layer: PolicyLayer, systems: &[[u8; 16]], text: &str) -> GatePack {
    let pack = Pack {
        cases: serde_json::from_value(json!({})).expect("a table"),
        layer,
        licence: "CC0-1.0".to_owned(),
        name: name.to_owned(),
        policies: vec![PackPolicy::new("models", text)],
        publisher: "vendor".to_owned(),
        sources: Vec::new(),
        version: 1,
        version_text: "1".to_owned(),
    };
    let file = pack.sign(&SigningKey::from_seed(&[7; 32])).expect("a file");
    let digest = hex::encode(Sha256::digest(&file));
    let systems = systems.iter().map(|system| SystemId::from_bytes(*system)).collect();
    GatePack { name: name.to_owned(), file, digest, systems }
}

fn ask(fixture: &Fixture, model: &str) -> u16 {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).to_string();
    fixture.chat(body.as_bytes()).status
}

const OWN: &str = r#"@id("own") permit (principal, action, resource == Model::"model-a");"#;

/// Requirement: N18.
#[test]
fn a_call_must_be_permitted_by_every_layer_that_has_permissions() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    assert_eq!(ask(&fixture, "gpt-x"), 200, "the organisation permits it");
    let of_one_layer = fixture.authorised().remove(0);
    assert_eq!((of_one_layer.rules, of_one_layer.policies.len()), (vec!["base.all".to_owned()], 1));
    let own = gate_pack("own", PolicyLayer::System, &[SYSTEM], OWN);
    let digest = own.digest.clone();
    fixture.change(|gate| gate.packs = Arc::new(vec![own]));
    assert_eq!(ask(&fixture, "model-a"), 200);
    let call = fixture.authorised().pop().expect("a permission");
    assert_eq!(
        call.rules,
        ["base.all", "own/models.own"],
        "the record does not say which layers permitted it"
    );
    assert_eq!(call.policies.last(), Some(&digest), "nobody could find the pack's words");
    assert_eq!(ask(&fixture, "gpt-x"), 403, "a layer that permits nothing of the kind was passed over");
    let denied = fixture.denied().pop().expect("a denial");
    assert!(
        denied.code == "policy_denied" && denied.reason.contains("the policy pack own"),
        "{}",
        denied.reason
    );
    // A pack of another system is none of this one's.
    let other = gate_pack("own", PolicyLayer::System, &[[9; 16]], OWN);
    fixture.change(|gate| gate.packs = Arc::new(vec![other]));
    assert_eq!(ask(&fixture, "gpt-x"), 200);
    // What the organisation does not permit, no lower permission lets through.
    let all = gate_pack(
        "own",
        PolicyLayer::System,
        &[SYSTEM],
        r#"@id("all") permit (principal, action, resource);"#,
    );
    let strict = gate_pack(
        "base-line",
        PolicyLayer::Organisation,
        &[],
        r#"@id("no") forbid (principal, action, resource);"#,
    );
    fixture.change(|gate| gate.packs = Arc::new(vec![strict, all]));
    assert_eq!(ask(&fixture, "model-a"), 403, "a lower layer opened what the organisation forbids");
    assert_eq!(fixture.denied().pop().expect("a denial").rules, ["base-line/models.no"]);
}

/// Requirement: N18.
#[test]
fn a_pack_that_cannot_be_read_denies_every_call() {
    let fixture = Fixture::new(Answer::json(200, openai::CHAT));
    let mut broken = gate_pack("own", PolicyLayer::System, &[[9; 16]], OWN);
    broken.file.truncate(40);
    fixture.change(|gate| gate.packs = Arc::new(vec![broken]));
    assert_eq!(ask(&fixture, "model-a"), 403);
    assert_eq!(fixture.denied().pop().expect("a denial").code, "policy_error");
    assert!(fixture.upstream.requests().is_empty(), "a call was sent that nobody could decide");
}
