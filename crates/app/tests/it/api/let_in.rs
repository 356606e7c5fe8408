//! Who let an approver or an author in: whoever hands out a link can use it, so of two people one of whom let the other in one alone decides nothing.

use serde_json::{Value, json};
use tabellion_ledger::{Draft, DraftStream};
use tabellion_model::ItemId;
use tabellion_model::body::{Body as _, RegisterSaved, Role};

use super::house::House;
use super::registers::{assessment, inventory, opened};

impl House {
    /// A session for `person` by a link that `token` hands out over the API.
    pub(super) fn let_in(&self, token: &str, person: &str) -> String {
        let issued = self.post(token, &format!("/api/v1/people/{person}/links"), &json!({})).ok().json();
        let body = json!({"link": issued["result"]["token"], "for": "program"});
        let opened = self.ask("POST", "/api/v1/session").json(&body).send().ok().json();
        opened["token"].as_str().expect("a token").to_owned()
    }

    /// The roles of the parents of every record of this type.
    fn parents(&self, record_type: &str) -> Vec<Vec<String>> {
        let reader = self.ledger.reader();
        let views = (0..reader.size()).map(|index| reader.entry(index).expect("an entry"));
        let headers = views.filter_map(|view| view.entry.header().cloned());
        let wanted = headers.filter(|header| header.record_type.as_str() == record_type);
        wanted.map(|header| header.parents.iter().map(|parent| parent.role.clone()).collect()).collect()
    }

    /// How many records of this type the log holds.
    pub(super) fn count_of(&self, record_type: &str) -> usize {
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
fn nobody_decides_on_what_was_written_in_a_session_that_they_let_in_directly_or_through_others() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator, Role::ComplianceOfficer]);
    let (sock_id, _) = house.person("Sock", &[Role::GovernanceEngineer]);
    let (zed_id, _) = house.person("Zed", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&ada, "Loan support");
    let said = json!({"system": system, "content": assessment(&ada_id, &["small-1"])});
    let as_zed = house.let_in(&ada, &zed_id);
    for token in [house.let_in(&ada, &sock_id), house.let_in(&as_zed, &sock_id)] {
        let item = house.open_item(&token, "impact_assessment", &said);
        house.submit(&token, &item);
        let tried = house.count_of("register.refused");
        for decision in ["approved", "returned"] {
            house.decide(&ada, &item, decision).refused(403, "own_link");
        }
        assert_eq!(
            house.count_of("register.refused"),
            tried + 1,
            "that one pair of hands wrote and wanted to approve leaves no trace, or many"
        );
        let seen = house.get(&ada, &item.path).ok().json();
        let inbox = house.get(&ada, "/api/v1/inbox").ok().json();
        assert_eq!(
            (&seen["may_decide"], &inbox["decide"]["items"]),
            (&json!(false), &json!([])),
            "a button would be shown that can only be refused"
        );
        house.decide(&abe, &item, "approved").ok();
        let history = house.get(&abe, &format!("{}/history", item.path)).ok().json();
        let saved =
            history["events"].as_array().expect("events").iter().find(|event| event["kind"] == "saved");
        let let_in_by = saved.expect("a revision")["let_in_by"].as_str().expect("somebody");
        assert!([&ada_id, &zed_id].iter().any(|id| *id == let_in_by), "nobody is told who let the author in");
    }
    // Whoever only put it forward is one of them too.
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let item = house.open_item(&gus, "impact_assessment", &said);
    house.submit(&house.let_in(&ada, &sock_id), &item);
    house.decide(&ada, &item, "approved").refused(403, "own_link");
}

/// Invariant 6.
#[test]
fn a_statement_that_somebody_wrote_whom_the_approver_let_in_is_not_approved_by_them() {
    let house = House::new();
    let (_, ada) = house.person("Ada", &[Role::Administrator, Role::ComplianceOfficer]);
    let (sock_id, sock) = house.person("Sock", &[Role::GovernanceEngineer]);
    let (_, cleo) = house.person("Cleo", &[Role::ComplianceOfficer]);
    let as_sock = house.let_in(&ada, &sock_id);
    let statement = house.get(&ada, "/api/v1/soa").ok().json();
    for (place, row) in statement["rows"].as_array().expect("rows").iter().enumerate() {
        let path = format!("/api/v1/soa/{}", row["control"].as_str().expect("a control"));
        let token = if place == 7 { &as_sock } else { &sock };
        let body = json!({"decision": "applied", "reason": "by risk"});
        house.ask("PUT", &path).bearer(token).json(&body).send().ok();
    }
    let digest: Value = house.get(&ada, "/api/v1/soa").ok().json()["digest"].clone();
    let approve = |token: &str| house.post(token, "/api/v1/soa/approval", &json!({"digest": digest}));
    approve(&ada).refused(403, "own_link");
    assert_eq!(house.count_of("soa.refused"), 1, "the attempt leaves no trace");
    approve(&cleo).ok();
}

#[test]
fn what_a_person_does_names_the_session_they_did_it_in() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (gus_id, _) = house.person("Gus", &[]);
    let added = house.parents("person.added");
    assert!(added.iter().all(Vec::is_empty), "the operator has no session, and one is named: {added:?}");
    let system = house.live_system(&ada, "Loan support");
    house.key(&ada, &system);
    let person = json!({"name": "Ida", "roles": ["auditor"]});
    house.post(&ada, "/api/v1/people", &person).ok();
    house.post(&ada, &format!("/api/v1/people/{gus_id}/roles"), &json!({"role": "auditor"})).ok();
    house
        .ask("PUT", "/api/v1/policies/base")
        .bearer(&ada)
        .json(&json!({"text": "permit", "note": "the first"}))
        .send()
        .ok();
    let said = json!({"system": system, "content": inventory(&ada_id, &["small-1"])});
    let item = house.open_item(&ada, "ai_system", &said);
    house.submit(&ada, &item);
    let ended = house.let_in(&ada, &gus_id);
    house.post(&ada, &format!("/api/v1/people/{gus_id}/sessions/end"), &json!({})).ok();
    house.get(&ended, "/api/v1/session").refused(401, "not_signed_in");
    for record_type in [
        "system.registered",
        "system.stage_changed",
        "credential.issued",
        "role.granted",
        "policy.published",
        "register.saved",
        "register.submitted",
        "link.issued",
    ] {
        let parents = house.parents(record_type).pop().expect("a record");
        assert_eq!(parents, ["session"], "nobody could tell in whose session {record_type} was made");
    }
    assert_eq!(house.parents("person.added").pop().expect("Ida"), ["session"]);
    assert_eq!(
        house.parents("session.opened").pop().expect("a session"),
        ["link"],
        "a session began in itself"
    );
    assert_eq!(house.parents("session.closed").pop().expect("an end"), ["ended_in"]);
    // The end of another's session did not end the one in which that was done.
    house.get(&ada, "/api/v1/session").ok();
}

#[test]
fn a_record_of_before_sessions_were_named_is_read_and_decided_on_as_ever() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&ada, "Loan support");
    let said = json!({"system": system, "content": assessment(&ada_id, &["small-1"])});
    let item = house.open_item(&ada, "impact_assessment", &said);
    // Another revision, as it was written then.
    let body = RegisterSaved {
        register: "impact_assessment".to_owned(),
        item: ItemId::from_hex(&item.id).expect("an id"),
        revision: 2,
        content: said["content"].as_object().expect("content").clone(),
        definition: "d".repeat(64),
        missing: Vec::new(),
    };
    let mut draft = Draft::new(RegisterSaved::TYPE);
    draft.body = body.fields().expect("fields");
    draft.actor = Some(ada_id.clone());
    draft.assurance = Some("observed".to_owned());
    draft.system = Some(system.clone());
    draft.stream =
        Some(DraftStream { name: format!("register/impact_assessment/{}", item.id), expected: Some(1) });
    house.ledger.append(&draft).expect("a record of then");
    house.desk.refresh().expect("views");
    let now = opened(&house.get(&ada, &item.path).ok());
    house.submit(&ada, &now);
    house.decide(&ada, &now, "approved").refused(403, "not_permitted");
    house.decide(&abe, &now, "approved").ok();
    let history = house.get(&abe, &format!("{}/history", now.path)).ok().json();
    let of_then = history["events"].as_array().expect("events").iter().find(|event| event["revision"] == 2);
    assert_eq!(of_then.expect("revision 2")["let_in_by"], Value::Null, "{history}");
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
    assert_eq!(house.count_of("soa.refused"), 0);
    approve(&ada).refused(403, "own_work");
    approve(&ada).refused(403, "own_work");
    assert_eq!(
        house.count_of("soa.refused"),
        1,
        "an attempt to approve one's own statement leaves no trace, or many"
    );
    let as_abe = house.let_in(&ada, &abe_id);
    approve(&as_abe).refused(403, "own_link");
    assert_eq!(house.count_of("soa.refused"), 2);
    approve(&abe).ok();
}
