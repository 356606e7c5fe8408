//! Status of controls and the Statement of Applicability: who may decide and approve what, and what moves.

use serde_json::{Value, json};
use tabellion_ledger::Clock as _;
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::house::House;
use super::registers::{assessment, inventory};

fn status(house: &House, token: &str, reference: &str) -> String {
    let control = house.get(token, &format!("/api/v1/controls/{reference}")).ok().json();
    control["control"]["status"].as_str().expect("a status").to_owned()
}

/// Decides every control of the statement.
fn decide_all(house: &House, token: &str) {
    let statement = house.get(token, "/api/v1/soa").ok().json();
    for row in statement["rows"].as_array().expect("rows") {
        let body = json!({"decision": "applied", "reason": "by risk"});
        let path = format!("/api/v1/soa/{}", row["control"].as_str().expect("a control"));
        house.ask("PUT", &path).bearer(token).json(&body).send().ok();
    }
}

/// How one part of a status stands.
fn mark(house: &House, token: &str, reference: &str, part: &str) -> Value {
    let page = house.get(token, &format!("/api/v1/controls/{reference}")).ok().json();
    let parts = page["control"]["parts"].as_array().expect("parts").clone();
    parts.into_iter().find(|found| found["part"] == part).expect("the part")["mark"].clone()
}

fn digest(house: &House, token: &str) -> Value {
    house.get(token, "/api/v1/soa").ok().json()["digest"].clone()
}

/// Requirement: V45, V46
#[test]
fn every_clause_and_control_says_how_it_stands_why_and_what_would_change_it() {
    let house = House::new();
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let list = house.get(&auditor, "/api/v1/controls").ok().json();
    let controls = list["controls"].as_array().expect("a list");
    assert_eq!(controls.len(), 70, "a clause or control would be missing from the page");
    assert_eq!(list["headings"].as_array().expect("a list").len(), 22);
    assert_eq!(list["counts"]["covered"], 0, "something is green on an empty log: {}", list["counts"]);
    assert_eq!(
        list["basis"]["rules_digest"].as_str().map(str::len),
        Some(64),
        "nobody could say by which rules"
    );
    for row in controls {
        let reference = row["reference"].as_str().expect("a reference");
        assert!(
            !row["because"].as_str().expect("a reason").is_empty(),
            "{reference} would be a colour alone"
        );
        let one = house.get(&auditor, &format!("/api/v1/controls/{reference}")).ok().json();
        assert_eq!(one["control"]["status"], row["status"], "{reference}: list and page disagree");
        if row["status"] != "covered" {
            let steps = one["would_change"].as_array().expect("steps");
            let lacks = one["no_source"].as_array().expect("a list");
            assert!(
                !(steps.is_empty() && lacks.is_empty())
                    && steps.iter().all(|step| step["target"]["at"].is_string()),
                "{reference} would be a dead end: {one}"
            );
        }
    }
    for wrong in ["A.8.1", "A.9.1", "8.6", "A.6.2"] {
        let refused = house.get(&auditor, &format!("/api/v1/controls/{wrong}"));
        refused.refused(404, "not_found");
    }
    let logs = house.get(&auditor, "/api/v1/controls/A.6.2.8").ok().json();
    assert!(logs["often_mistaken"]["really"].as_str().is_some_and(|text| text.contains("A.6.2.5")), "{logs}");
    assert!(logs["crosswalk"].as_array().is_some_and(|rows| !rows.is_empty()));
}

/// Requirement: A09, D06
#[test]
fn a_control_is_decided_with_its_reason_or_not_at_all() {
    let house = House::new();
    let (_, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let put = |token: &str, control: &str, body: &Value| {
        house.ask("PUT", &format!("/api/v1/soa/{control}")).bearer(token).json(body).send()
    };
    put(&officer, "A.7.3", &json!({"decision": "excluded"})).refused(400, "malformed");
    put(&officer, "A.7.3", &json!({"decision": "excluded", "reason": ""})).refused(400, "malformed");
    put(&officer, "A.7.3", &json!({"decision": "excluded", "reason": "  \n"})).refused(400, "malformed");
    for unseen in ["\u{200b}", "\u{2060}\u{2060}", "\u{202e}", "\u{ad}", "\0", "\u{1b}[2J", "\u{3164}"] {
        let refused = put(&officer, "A.7.3", &json!({"decision": "excluded", "reason": unseen}));
        assert_eq!(
            refused.refused(400, "malformed").json()["pointer"],
            "/reason",
            "{unseen:?} passes for the reason of an exclusion"
        );
    }
    put(&officer, "A.7.3", &json!({"decision": "inherited", "reason": "the provider does"}))
        .refused(422, "incomplete");
    put(&officer, "8.4", &json!({"decision": "excluded", "reason": "no"})).refused(404, "not_found");
    put(&officer, "A.8.1", &json!({"decision": "applied", "reason": "no"})).refused(404, "not_found");
    put(&auditor, "A.7.3", &json!({"decision": "excluded", "reason": "no"})).refused(403, "not_permitted");
    let inherited = json!({"decision": "inherited", "reason": "the provider does", "evidence": "ISO/IEC 27001 certificate"});
    let made = put(&officer, "A.7.3", &inherited).ok();
    assert!(
        made.json()["result"]["doubt"].is_string(),
        "security evidence passed without a word: {}",
        made.json()
    );
    put(&officer, "A.7.3", &inherited).refused(428, "version_required");
    let tag = made.header("etag").expect("an ETag").to_owned();
    let excluded = json!({"decision": "excluded", "reason": "no data is acquired"});
    house.put(&officer, "/api/v1/soa/A.7.3", &tag, &excluded).ok();
    house.put(&officer, "/api/v1/soa/A.7.3", &tag, &excluded).refused(412, "stale");
    let row = house.get(&auditor, "/api/v1/soa/A.7.3").ok().json();
    assert_eq!(row["decisions"].as_array().map(Vec::len), Some(2), "an earlier decision was lost: {row}");
    assert_eq!(status(&house, &auditor, "A.7.3"), "gap", "an exclusion that nobody approved counted");
}

/// Requirement: A09, G11
#[test]
fn the_statement_is_approved_by_a_second_person_over_what_was_shown() {
    let house = House::new();
    let (_, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, approver) = house.person("Abel", &[Role::Approver]);
    let (_, engineer) = house.person("Eve", &[Role::GovernanceEngineer]);
    let approve =
        |token: &str, digest: &Value| house.post(token, "/api/v1/soa/approval", &json!({"digest": digest}));
    let nothing = json!("ab".repeat(32));
    let missing = approve(&approver, &nothing).refused(422, "incomplete").json();
    assert!(
        missing["detail"].as_str().is_some_and(|text| text.contains("A.2.2") && text.contains("A.10.4")),
        "{missing}"
    );
    decide_all(&house, &officer);
    let shown = digest(&house, &officer);
    approve(&officer, &shown).refused(403, "own_work");
    approve(&engineer, &shown).refused(403, "not_permitted");
    approve(&approver, &nothing).refused(409, "not_what_was_shown");
    let sample = || mark(&house, &approver, "6.1.3", "sample");
    assert_eq!(sample(), "short");
    let done = approve(&approver, &shown).ok().json();
    assert_eq!(done["result"]["approval"]["is_current"], true, "{done}");
    assert_eq!(sample(), "holds", "an approved statement moved nothing");
    assert_eq!(
        status(&house, &approver, "6.1.3"),
        "gap",
        "a statement without a treatment plan is not all of it"
    );

    // A row that changes afterwards is not approved, and the approval says so.
    let row = house.get(&officer, "/api/v1/soa/A.7.3").ok();
    let tag = row.header("etag").expect("an ETag").to_owned();
    let excluded = json!({"decision": "excluded", "reason": "no data is acquired"});
    house.put(&officer, "/api/v1/soa/A.7.3", &tag, &excluded).ok();
    approve(&approver, &shown).refused(409, "not_what_was_shown");
    let statement = house.get(&officer, "/api/v1/soa").ok().json();
    assert_eq!(
        statement["approval"]["is_current"], false,
        "a statement that changed passed for the approved one"
    );
    let rows = statement["rows"].as_array().expect("rows");
    assert_eq!(rows.iter().filter(|row| row["approved"] == true).count(), 37);
    assert_eq!(status(&house, &approver, "A.7.3"), "gap");
    approve(&approver, &digest(&house, &officer)).ok();
    assert_eq!(status(&house, &approver, "A.7.3"), "not_applicable");
    // Whoever has the role and decided on one row cannot approve the others.
    let (_, both) = house.person("Bo", &[Role::ComplianceOfficer, Role::Approver]);
    let row = house.get(&both, "/api/v1/soa/A.2.2").ok();
    let tag = row.header("etag").expect("an ETag").to_owned();
    house.put(&both, "/api/v1/soa/A.2.2", &tag, &json!({"decision": "applied", "reason": "law"})).ok();
    approve(&both, &digest(&house, &both)).refused(403, "own_work");
}

#[test]
fn hostile_text_comes_back_as_it_is_and_a_retry_decides_once() {
    let house = House::new();
    let (_, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let reason = "<script>alert(1)</script> =cmd|' /C calc'!A0";
    let body = json!({"decision": "applied", "reason": reason});
    let ask = || {
        house
            .ask("PUT", "/api/v1/soa/A.2.2")
            .bearer(&officer)
            .header("idempotency-key", "k-1")
            .json(&body)
            .send()
    };
    ask().ok();
    let size = house.ledger.reader().size();
    let again = ask().ok();
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(house.ledger.reader().size(), size, "a retry decided twice");
    let row = house.get(&officer, "/api/v1/soa/A.2.2").ok().json();
    assert_eq!(row["row"]["reason"], reason, "text was changed on its way");
}

/// Requirement: V45, V46, D05
#[test]
fn approving_an_inventory_entry_and_an_assessment_moves_their_controls_and_a_new_model_moves_them_back() {
    let house = House::new();
    let (owner, author) = house.person("Olga", &[Role::BusinessOwner, Role::Administrator]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let policy = json!({"text": "permit(principal, action, resource);", "note": "the first"});
    house.ask("PUT", "/api/v1/policies/house").bearer(&author).json(&policy).send().ok();
    let system = house.live_system(&author, "Loan support");
    let all = |references: &[&str]| -> Vec<String> {
        references.iter().map(|reference| status(&house, &auditor, reference)).collect()
    };
    let assessed = ["6.1.4", "8.4", "A.5.2", "A.5.3", "A.5.4", "A.5.5"];
    assert_eq!(all(&assessed), ["gap"; 6]);
    // The steps that close the gap are named, with the place where each is done.
    let gap = house.get(&auditor, "/api/v1/controls/8.4").ok().json();
    let step = json!({"at": "register", "register": "impact_assessment", "system": system});
    assert!(gap["would_change"].as_array().expect("steps").iter().any(|one| one["target"] == step), "{gap}");
    let body = |content: Value| json!({"system": system, "content": content});
    let entry = house.approved(&author, &approver, "ai_system", &body(inventory(&owner, &["small"])));
    let item = house.open_item(&author, "impact_assessment", &body(assessment(&owner, &["small"])));
    house.submit(&author, &item);
    assert_eq!(all(&assessed), ["gap"; 6], "a draft counted");
    house.decide(&approver, &item, "approved").ok();
    let (key, _) = house.key(&author, &system);
    house.clock.set(Micros(house.clock.now().0 + 60_000_000));
    house.calls(&system, &key);
    house.desk.refresh().expect("the views follow");
    assert_eq!(all(&assessed), ["partial", "covered", "gap", "covered", "covered", "covered"]);
    assert_eq!(all(&["A.4.4", "A.9.2"]), ["partial", "gap"], "an entry that is only proposed allowed use");
    let step = json!({"state": "production", "reason": "it is assessed"});
    house.post(&approver, &format!("{}/state", entry.path), &step).ok();
    house.desk.refresh().expect("the views follow");
    let used = || mark(&house, &auditor, "A.9.2", "operation");
    assert_eq!(used(), "missing", "calls before the step to production passed for allowed ones");
    house.clock.set(Micros(house.clock.now().0 + 60_000_000));
    house.calls(&system, &key);
    house.desk.refresh().expect("the views follow");
    assert_eq!(used(), "short", "some came after it");
    assert_eq!(all(&["A.9.2"]), ["partial"], "the step to production moved nothing");
    let page = house.get(&auditor, "/api/v1/controls/8.4").ok().json();
    let entries = page["because"]
        .as_array()
        .expect("reasons")
        .iter()
        .find(|because| because["part"] == "design" && because["mark"] == "holds");
    let entry = entries.expect("a reason")["entries"][0].as_u64().expect("the approval's entry");
    let record = house.get(&auditor, &format!("/api/v1/entries/{entry}")).ok().json();
    assert_eq!(record["type"], "register.decided", "the page does not lead to the record: {record}");
    // A model that nothing names lowers both until somebody looks at it.
    house.answered(&system, &key, "small", Some("large"));
    house.desk.refresh().expect("the views follow");
    assert_eq!(all(&["8.4", "A.4.4"]), ["partial", "partial"], "an unlisted model passed");
    let page = house.get(&auditor, "/api/v1/controls/A.4.4").ok().json();
    let steps = page["would_change"].to_string();
    assert!(steps.contains("Name large in the inventory entry of Loan support"), "{steps}");
}
