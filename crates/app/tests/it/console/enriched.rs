//! What detectors said, in the console: on the page of the call that it is of, and under *Traffic*; and what is lost by what is not kept.

use serde_json::json;
use tabellion_model::body::{CallEnriched, Role};

use super::browser::Browser;
use crate::api::house::House;

/// Requirement: P15. A text that was not looked at is told as that; nothing of it is shown as of a time before it was said.
#[test]
fn what_detectors_said_is_shown_with_its_call_and_in_numbers() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let browser = Browser::of(&house, "Abe", &[Role::Administrator]);
    let (call, _) = house.calls(&system, &key);
    let path = format!("/calls/{call}");
    assert!(
        !browser.page(&path).contains("What detectors said"),
        "a call that nobody looked at seems looked at"
    );
    assert!(!browser.page("/traffic").contains("What detectors said"), "a part without a number");
    let before = house.ledger.reader().size();
    let said = json!({ "enrichments": [
        { "enrichment": "lang", "version": "language.1-abcd", "side": "prompt", "outcome": "ran",
          "labels": [{ "label": "deu", "count": 1 }], "score_per_10000": 9000 },
        { "enrichment": "mood", "version": "sentiment.1-abcd", "side": "answer", "outcome": "not_run", "why": "language" },
    ] });
    let body: CallEnriched = serde_json::from_value(said).expect("a body");
    let decided =
        house.get(&admin, &format!("/api/v1/calls/{call}")).ok().json()["proof"]["decided"]["index"].clone();
    house.append(&body, &system, &key, Some(&(decided.as_u64().expect("an index"), call.clone())));
    house.desk.refresh().expect("views follow");
    let page = browser.page(&path);
    for part in [
        "What detectors said",
        "lang (prompt)",
        "deu, 90 % sure",
        "mood (answer)",
        "Did not look: not in English",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let page = browser.page("/traffic");
    for part in
        ["What detectors said", "deu 1 (100 %)", "not in English, or too short to tell 1", "Loan support"]
    {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let then = browser.page(&format!("{path}?as_of={before}"));
    assert!(!then.contains("What detectors said"), "it is shown before it was said: {then}");
}

/// Requirement: P16. The page of a system says what is lost by what is not kept, and no more once it is.
#[test]
fn what_is_lost_by_what_is_not_kept_is_said() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let browser = Browser::of(&house, "Abe", &[Role::Administrator]);
    let path = format!("/systems/{system}");
    let lost = "Read what a call was answered, with a reason that is on record";
    assert!(browser.page(&path).contains(lost), "nobody is told what is lost");
    let switch = format!("/api/v1/systems/{system}/capture");
    house.post(&admin, &switch, &json!({"capture": "masked_answer", "reason": "a review"})).ok();
    let page = browser.page(&path);
    assert!(page.matches("a review").count() >= 2, "its page and its history do not say why: {page}");
    assert!(page.contains("masked answers") && !page.contains(lost), "what is kept is told as lost: {page}");
    assert!(page.contains("Read what a call asked"), "what is still lost is not told: {page}");
}
