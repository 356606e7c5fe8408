//! What detectors said of calls, over the API: beside the call that it is of, in numbers within reach, and on the call's page.

use serde_json::json;
use tabellion_model::body::{CallEnriched, Role};

use super::house::House;

/// Requirement: P15.
#[test]
fn what_detectors_said_is_read_with_its_call_and_counted_within_reach() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    let theirs = house.live_system(&owner, "Triage");
    let system = house.live_system(&admin, "Loan support");
    let (key, secret) = house.key(&admin, &system);
    let (first, _) = house.calls(&system, &key);
    let (second, _) = house.calls(&system, &key);
    let call = |id: &str| house.get(&admin, &format!("/api/v1/calls/{id}")).ok().json();
    let enrich = |id: &str, language: &str| {
        let said = json!({ "enrichments": [
            { "enrichment": "lang", "version": "language.1-abcd:whatlang-0", "side": "prompt", "outcome": "ran",
              "labels": [{ "label": language, "count": 1 }], "score_per_10000": 9000 },
            { "enrichment": "mood", "version": "sentiment.1-abcd", "side": "answer", "outcome": "not_run", "why": "language" },
        ] });
        let body: CallEnriched = serde_json::from_value(said).expect("a body");
        let index = call(id)["proof"]["decided"]["index"].as_u64().expect("an index");
        house.append(&body, &system, &key, Some(&(index, id.to_owned())))
    };
    let before = call(&first);
    assert_eq!(
        (&before["enrichments"], &before["proof"]["enriched"]),
        (&json!([]), &json!(null)),
        "a call that nobody looked at seems looked at: {before}"
    );
    let (entry, _) = enrich(&first, "deu");
    enrich(&second, "eng");
    let read = call(&first);
    assert_eq!(read["proof"]["enriched"]["index"], json!(entry), "{read}");
    assert_eq!(
        read["enrichments"],
        json!([
            { "enrichment": "lang", "version": "language.1-abcd:whatlang-0", "side": "prompt", "outcome": "ran", "why": null,
              "labels": [{ "label": "deu", "count": 1 }], "score_per_10000": 9000 },
            { "enrichment": "mood", "version": "sentiment.1-abcd", "side": "answer", "outcome": "not_run", "why": "language",
              "labels": [], "score_per_10000": null },
        ])
    );
    let path = "/api/v1/enrichments";
    let sums = house.get(&admin, path).ok().json();
    assert_eq!((&sums["calls"], &sums["erased"]), (&json!(2), &json!(0)), "{sums}");
    let [lang, mood] = sums["enrichments"].as_array().expect("a list").as_slice() else { panic!("{sums}") };
    assert_eq!(
        lang["labels"],
        json!([{ "label": "deu", "texts": 1, "per_10000": 5000 }, { "label": "eng", "texts": 1, "per_10000": 5000 }]),
        "the share of each language: {sums}"
    );
    assert_eq!(
        (&mood["ran"], &mood["nothing"], &mood["not_run"]),
        (&json!(0), &json!(0), &json!([{ "label": "language", "texts": 2, "per_10000": null }])),
        "what nobody looked at counts as looked at: {sums}"
    );
    assert_eq!(house.get(&secret, path).ok().json()["calls"], 2, "a key counts its own system's calls");
    for (token, query) in [
        (&owner, String::new()),
        (&owner, format!("?system={system}")),
        (&admin, format!("?system={theirs}")),
    ] {
        let seen = house.get(token, &format!("{path}{query}")).ok().json();
        assert_eq!(seen["calls"], 0, "what lies out of reach, or is of another system, was counted: {seen}");
    }
    house.get(&admin, &format!("{path}?from=2020-01-01&to=2026-03-03")).refused(400, "malformed");
}
