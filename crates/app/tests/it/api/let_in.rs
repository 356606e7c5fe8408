//! Who let an approver in: whoever hands out a link can use it, so an author's link approves nothing of the author's.

use serde_json::{Value, json};
use tabellion_model::body::Role;

use super::house::House;
use super::registers::{assessment, inventory};

impl House {
    /// A session for `person` by a link that `token` hands out over the API.
    pub(super) fn let_in(&self, token: &str, person: &str) -> String {
        let issued = self.post(token, &format!("/api/v1/people/{person}/links"), &json!({})).ok().json();
        let body = json!({"link": issued["result"]["token"], "for": "program"});
        let opened = self.ask("POST", "/api/v1/session").json(&body).send().ok().json();
        opened["token"].as_str().expect("a token").to_owned()
    }

    /// How many records of this type the log holds.
    fn count(&self, record_type: &str) -> usize {
        let reader = self.ledger.reader();
        let views = (0..reader.size()).map(|index| reader.entry(index).expect("an entry"));
        let is_one = |header: &tabellion_model::Header| header.record_type.as_str() == record_type;
        views.filter(|view| view.entry.header().is_some_and(is_one)).count()
    }
}

/// Invariant 6.
#[test]
fn nobody_decides_in_a_session_that_an_author_let_in_directly_or_through_others() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (abe_id, abe) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&ada, "Loan support");
    let said = json!({"system": system, "content": assessment(&ada_id, &["small-1"])});
    let item = house.open_item(&ada, "impact_assessment", &said);
    house.submit(&ada, &item);
    let as_abe = house.let_in(&ada, &abe_id);
    let (zed_id, _) = house.person("Zed", &[Role::Administrator]);
    let as_zed = house.let_in(&ada, &zed_id);
    let through_zed = house.let_in(&as_zed, &abe_id);
    for token in [&as_abe, &through_zed] {
        for decision in ["approved", "returned"] {
            let refused = house.decide(token, &item, decision).refused(403, "own_link").json();
            let remedy = refused["remedy"].as_str().expect("a remedy");
            assert!(remedy.contains("tabellion person link"), "nobody could tell how to go on: {refused}");
        }
        let seen = house.get(token, &item.path).ok().json();
        let inbox = house.get(token, "/api/v1/inbox").ok().json();
        assert_eq!(
            (&seen["may_decide"], &inbox["decide"]["items"]),
            (&json!(false), &json!([])),
            "a button would be shown that can only be refused"
        );
    }
    let history = house.get(&abe, &format!("{}/history", item.path)).ok().json();
    let events = history["events"].as_array().expect("events").iter();
    let tried = events.filter(|event| event["kind"] == "refused" && event["by"] == abe_id.as_str()).count();
    assert_eq!(tried, 1, "an approval that one pair of hands tried to make leaves no trace: {history}");
    // What others wrote is decided in the same session as ever.
    let other =
        house.open_item(&gus, "ai_system", &json!({"system": system, "content": inventory(&ada_id, &["m"])}));
    house.submit(&gus, &other);
    house.decide(&as_abe, &other, "approved").ok();
    // A link of the operator's lets the second person in, and the record says by which session it was decided.
    let decided = house.decide(&abe, &item, "approved").ok().json();
    let index = decided["recorded"]["index"].as_u64().expect("an index");
    let entry = house.ledger.reader().entry(index).expect("the decision");
    let parents: Vec<&str> =
        entry.entry.header().expect("a record").parents.iter().map(|parent| parent.role.as_str()).collect();
    assert_eq!(parents, ["session"], "no auditor could find out who let the approver in");
}

/// Invariant 6.
#[test]
fn a_statement_is_not_approved_by_who_wrote_it_under_another_name_and_trying_is_recorded_once() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator, Role::ComplianceOfficer]);
    let (abe_id, abe) = house.person("Abe", &[Role::Approver]);
    let statement = house.get(&ada, "/api/v1/soa").ok().json();
    for row in statement["rows"].as_array().expect("rows") {
        let path = format!("/api/v1/soa/{}", row["control"].as_str().expect("a control"));
        let body = json!({"decision": "applied", "reason": "by risk"});
        house.ask("PUT", &path).bearer(&ada).json(&body).send().ok();
    }
    let digest: Value = house.get(&ada, "/api/v1/soa").ok().json()["digest"].clone();
    let approve = |token: &str| house.post(token, "/api/v1/soa/approval", &json!({"digest": digest}));
    assert_eq!(house.count("soa.refused"), 0);
    approve(&ada).refused(403, "own_work");
    approve(&ada).refused(403, "own_work");
    assert_eq!(
        house.count("soa.refused"),
        1,
        "an attempt to approve one's own statement leaves no trace, or many"
    );
    let as_abe = house.let_in(&ada, &abe_id);
    approve(&as_abe).refused(403, "own_link");
    assert_eq!(house.count("soa.refused"), 2);
    approve(&abe).ok();
}
