//! Registers: the life of an item, two people at once, four eyes, hostile content, a third register from a file.

use std::thread;

use serde_json::{Value, json};
use tabellion_model::body::Role;

use super::client::Answer;
use super::house::House;

/// A complete entry of the inventory.
pub(crate) fn inventory(owner: &str, models: &[&str]) -> Value {
    json!({
        "name": "Loan support", "owner": owner, "origin": "third_party", "supplier": "Example AI", "environment": "EU region",
        "purpose": "Answers questions about loans", "intended_use": "Staff ask it", "unintended_use": "Deciding on loans",
        "users": ["staff"], "affected_people": ["applicants"], "roles_held": ["customer", "user"], "ai_act_role": "deployer",
        "annex_iii": "essential_services", "annex_iii_reason": "It is asked about creditworthiness", "risk_tier": "high",
        "autonomy": "advises", "oversight": "A clerk reads every answer", "models": models, "data_in": "Questions",
        "data_out": "Answers", "personal_data": true,
    })
}

/// A complete assessment.
pub(crate) fn assessment(owner: &str, models: &[&str]) -> Value {
    let mut content = json!({
        "name": "Loan support, first assessment", "owner": owner, "occasion": "before_use", "functions": ["answers"],
        "personal_data": true, "models": models, "geography": ["AT"], "affected_groups": ["applicants"],
        "thresholds": "sensitive", "result": "acceptable_with_measures",
    });
    for name in [
        "scope",
        "description",
        "purpose",
        "intended_use",
        "misuse",
        "data",
        "data_quality",
        "algorithm",
        "deployment",
        "parties_heard",
        "benefits_individuals",
        "harms_individuals",
        "benefits_groups",
        "harms_groups",
        "benefits_society",
        "harms_society",
        "failure",
        "measures",
        "residual",
        "result_reason",
    ] {
        content[name] = Value::from(format!("What there is to say about {name}."));
    }
    content
}

/// An item as it was answered, with what a test needs of it.
pub(crate) struct Opened {
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) digest: String,
    pub(crate) tag: String,
}

pub(crate) fn opened(answer: &Answer) -> Opened {
    let body = answer.json();
    let item = if body["result"].is_object() { &body["result"] } else { &body };
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (register, id) = (text(&item["summary"]["register"]), text(&item["summary"]["id"]));
    Opened {
        path: format!("/api/v1/registers/{register}/items/{id}"),
        id,
        digest: text(&item["digest"]),
        tag: answer.header("etag").expect("an ETag").to_owned(),
    }
}

impl House {
    pub(crate) fn open_item(&self, token: &str, register: &str, body: &Value) -> Opened {
        opened(&self.post(token, &format!("/api/v1/registers/{register}/items"), body).ok())
    }

    pub(crate) fn submit(&self, token: &str, item: &Opened) {
        self.post(token, &format!("{}/submission", item.path), &json!({"digest": item.digest})).ok();
    }

    pub(crate) fn decide(&self, token: &str, item: &Opened, decision: &str) -> Answer {
        let body = json!({"digest": item.digest, "decision": decision, "reason": "read and weighed"});
        self.post(token, &format!("{}/decision", item.path), &body)
    }

    /// An approved item.
    pub(crate) fn approved(&self, author: &str, approver: &str, register: &str, body: &Value) -> Opened {
        let item = self.open_item(author, register, body);
        self.submit(author, &item);
        self.decide(approver, &item, "approved").ok();
        item
    }
}

#[test]
fn an_item_goes_from_draft_to_approval_and_on_and_every_change_is_seen() {
    let house = House::new();
    let (owner, author) = house.person("Olga", &[Role::BusinessOwner]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&author, "Loan support");
    let draft = json!({"system": system, "content": {"name": "Loan support", "owner": owner, "risk_tier": "minimal"}});
    let item = house.open_item(&author, "ai_system", &draft);
    assert_eq!(item.id, system, "the inventory would have an entry that nobody finds by its system");
    let refused = house.post(&author, &format!("{}/submission", item.path), &json!({"digest": item.digest}));
    let refused = refused.refused(422, "incomplete").json();
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("Models") && detail.contains("Purpose")),
        "nobody could tell what is missing: {refused}"
    );
    let errors = refused["errors"].as_array().expect("errors");
    assert!(
        errors.len() > 15 && errors.iter().any(|error| error["pointer"] == "/content/models"),
        "a form could not point at each field: {refused}"
    );
    let content = json!({"content": inventory(&owner, &["small-1"])});
    house.ask("PUT", &item.path).bearer(&author).json(&content).send().refused(428, "version_required");
    let item = opened(&house.put(&author, &item.path, &item.tag, &content).ok());
    house.decide(&approver, &item, "approved").refused(409, "state_impossible");
    house.submit(&author, &item);
    house
        .post(&author, &format!("{}/submission", item.path), &json!({"digest": item.digest}))
        .refused(409, "already_so");
    let seen = house.get(&approver, &item.path).ok().json();
    assert_eq!(
        (&seen["may_decide"], &seen["summary"]["standing"]),
        (&json!(true), &json!("in_review")),
        "an approver would not know that it waits"
    );
    let decided = house.decide(&approver, &item, "approved").ok().json();
    assert_eq!(decided["result"]["summary"]["standing"], "approved", "{decided}");
    let approval = &decided["result"]["summary"]["approval"];
    assert_eq!(
        (&approval["digest"], approval["next_review_at"].as_str().map(|at| &at[..10])),
        (&json!(item.digest), Some("2026-09-02")),
        "the approval stands for something else than was shown, or is never reviewed: {decided}"
    );
    let history = house.get(&author, &format!("{}/history", item.path)).ok().json();
    let events = history["events"].as_array().expect("events");
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(
        kinds,
        ["decided", "submitted", "saved", "saved"],
        "a record about the item is hidden: {history}"
    );
    let changes = events[2]["changes"].as_array().expect("changes");
    let tier = changes.iter().find(|change| change["field"] == "risk_tier").expect("the tier changed");
    assert_eq!(
        (&tier["before"], &tier["after"], &tier["material"]),
        (&json!("minimal"), &json!("high"), &json!(true)),
        "a change of the risk would go unseen: {tier}"
    );
    let entry = house.get(&author, &format!("/api/v1/entries/{}", decided["recorded"]["index"])).ok().json();
    assert_eq!(
        (&entry["type"], &entry["units"][0]["fields"]["role"]),
        (&json!("register.decided"), &json!("approver")),
        "the record does not say under which role it was decided: {entry}"
    );
}

/// The approval is of the exact digest, and a later edit shows as another.
fn unchanged_since_approval(house: &House, approved: &Opened, edited: &Opened) {
    let reader = house.ledger.reader();
    let of_decision = |index: u64| {
        let view = reader.entry(index).ok()?;
        let header =
            view.entry.header().filter(|header| header.record_type.as_str() == "register.decided")?;
        let fields = view.units.iter().flat_map(|unit| match &unit.content {
            tabellion_ledger::UnitContent::Shown(fields) => fields.clone(),
            _ => Vec::new(),
        });
        let digest = fields.into_iter().find(|field| field.name() == "digest")?;
        Some((header.stream.clone(), digest.value().as_str()?.to_owned()))
    };
    let decided: Vec<_> = (0..reader.size()).filter_map(of_decision).collect();
    let of_item = |stream: &Option<(tabellion_model::StreamName, u64)>| {
        stream.as_ref().is_some_and(|(name, _)| name.as_str().ends_with(&approved.id))
    };
    let digests: Vec<&str> =
        decided.iter().filter(|(stream, _)| of_item(stream)).map(|(_, digest)| digest.as_str()).collect();
    assert_eq!(digests, [approved.digest.as_str()], "the approval is not of what was shown");
    assert_ne!(
        edited.digest, approved.digest,
        "nobody sees that the approved version is not the current one"
    );
}

// Requirement: A03
#[test]
fn nobody_decides_on_their_own_work_and_trying_is_recorded_once() {
    let house = House::new();
    let both = [Role::ComplianceOfficer, Role::Approver];
    let (author_id, author) = house.person("Cora", &both);
    let (submitter_id, submitter) = house.person("Sam", &both);
    let (_, second) = house.person("Abe", &[Role::Approver]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    let system = house.live_system(&author, "Loan support");
    let body = json!({"system": system, "content": assessment(&author_id, &["small-1"])});
    let item = house.open_item(&author, "impact_assessment", &body);
    house.submit(&submitter, &item);
    for (token, who) in [(&author, &author_id), (&submitter, &submitter_id)] {
        for decision in ["approved", "returned"] {
            let refused = house.decide(token, &item, decision).refused(403, "own_work").json();
            assert!(
                refused["remedy"].as_str().is_some_and(|text| text.contains("somebody")),
                "no way out: {refused}"
            );
        }
        let history = house.get(token, &format!("{}/history", item.path)).ok().json();
        let tried = history["events"].as_array().expect("events").iter();
        let tried = tried.filter(|event| event["kind"] == "refused" && event["by"] == who.as_str()).count();
        assert_eq!(tried, 1, "an attempt to approve own work leaves no trace, or floods the log: {history}");
    }
    for token in [&auditor, &owner] {
        house.decide(token, &item, "approved").refused(403, "not_permitted");
    }
    for (reason, conditions) in
        [("\u{200b}\u{202e}", ""), ("\u{ad}", ""), ("read", "\u{200b}"), ("read", "\0")]
    {
        let body = json!({"digest": item.digest, "decision": "approved", "reason": reason, "conditions": conditions});
        let refused = house.post(&second, &format!("{}/decision", item.path), &body);
        refused.refused(400, "malformed");
    }
    assert_eq!(
        house.get(&author, &item.path).ok().json()["may_decide"],
        false,
        "a button would be shown that can only be refused"
    );
    house.decide(&second, &item, "approved").ok();
    // Who approved may write the next revision, and then cannot approve it.
    let now = opened(&house.get(&submitter, &item.path).ok());
    let mut next = assessment(&author_id, &["small-1"]);
    next["residual"] = json!("Less than before.");
    let next = opened(&house.put(&submitter, &item.path, &now.tag, &json!({"content": next})).ok());
    let shown = house.get(&author, &item.path).ok().json();
    assert_eq!(
        (&shown["summary"]["standing"], &shown["authors"]),
        (&json!("changing"), &json!([submitter_id])),
        "what was approved is lost while somebody writes, or authors of before are blamed: {shown}"
    );
    unchanged_since_approval(&house, &item, &next);
    house.submit(&submitter, &next);
    house.decide(&submitter, &next, "approved").refused(403, "own_work");
    house.decide(&author, &next, "approved").ok();
}

#[test]
fn of_two_people_who_edit_at_once_neither_loses_anything() {
    let house = House::new();
    let (_, first) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (owner, second) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&first, "Loan support");
    let item = house.open_item(
        &first,
        "ai_system",
        &json!({"system": system, "content": inventory(&owner, &["small-1"])}),
    );
    let mut one = inventory(&owner, &["small-1"]);
    one["purpose"] = json!("One thing");
    let mut other = inventory(&owner, &["small-1"]);
    other["purpose"] = json!("Another thing");
    let saved = opened(&house.put(&first, &item.path, &item.tag, &json!({"content": one})).ok());
    let refused =
        house.put(&second, &item.path, &item.tag, &json!({"content": other})).refused(412, "stale").json();
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains(&saved.digest) && detail.contains("version 2")),
        "the second could not tell what is there now: {refused}"
    );
    // An approval of what was shown before is an approval of nothing.
    house.submit(&first, &saved);
    house.decide(&approver, &item, "approved").refused(409, "not_what_was_shown");
    let changed = opened(&house.get(&second, &item.path).ok());
    let next = opened(&house.put(&second, &item.path, &changed.tag, &json!({"content": other})).ok());
    house.decide(&approver, &saved, "approved").refused(409, "not_what_was_shown");
    house.decide(&approver, &next, "approved").refused(409, "state_impossible");
    let same = house.put(&second, &item.path, &next.tag, &json!({"content": other}));
    same.refused(409, "already_so");
    house
        .post(&first, &format!("{}/submission", item.path), &json!({"digest": saved.digest}))
        .refused(409, "not_what_was_shown");
}

/// Text that browsers, spreadsheets, templates, loggers and databases might do something with.
const MARKUP: &str = "<script>alert(1)</script> =cmd|' /C calc'!A0 {{7*7}} ${jndi:x} '; DROP TABLE calls; --";

/// Values that do not fit a field of this kind.
fn unfit(kind: &str) -> Vec<Value> {
    match kind {
        "line" => {
            vec![json!("a\nb"), json!(""), json!("  "), json!("x".repeat(201)), json!(7), json!(["a"])]
        }
        "text" => {
            vec![json!("a\u{0}b"), json!("\u{202e}abc"), json!("a\rb"), json!("x".repeat(8001)), json!(null)]
        }
        "list" => {
            vec![json!([]), json!(["a", "a"]), json!(["a\tb"]), json!("a"), json!([1]), json!(vec!["x"; 101])]
        }
        "choice" => vec![json!("nonsense"), json!(MARKUP), json!(["neither"])],
        "person" => vec![json!("Jane Doe"), json!("A".repeat(32)), json!(7)],
        "yes_no" => vec![json!("true"), json!(1)],
        other => panic!("no hostile value for {other}"),
    }
}

#[test]
fn hostile_content_is_refused_by_its_field_or_stored_as_text() {
    let house = House::new();
    let (owner, author) = house.person("Cora", &[Role::ComplianceOfficer]);
    let system = house.live_system(&author, "Loan support");
    let open = |content: Value| {
        house.post(
            &author,
            "/api/v1/registers/impact_assessment/items",
            &json!({"system": system, "content": content}),
        )
    };
    let registers = house.get(&author, "/api/v1/registers").ok().json();
    let fields: Vec<Value> = registers["registers"][1]["sections"]
        .as_array()
        .expect("sections")
        .iter()
        .flat_map(|section| section["fields"].as_array().expect("fields").clone())
        .collect();
    let markup = MARKUP;
    let mut whole = json!({});
    for field in &fields {
        let name = field["name"].as_str().expect("a name");
        let bad = unfit(field["kind"].as_str().expect("a kind"));
        for value in bad {
            let refused = open(json!({name: value})).refused(422, "content_faulty").json();
            assert_eq!(
                refused["pointer"],
                format!("/content/{name}"),
                "a form could not point at the field: {refused}"
            );
        }
        match field["kind"].as_str() {
            Some("line" | "text") => whole[name] = json!(markup),
            Some("list") => whole[name] = json!([markup]),
            Some("person") => whole[name] = json!(owner),
            _ => {}
        }
    }
    open(json!({"owner": "7".repeat(32)})).refused(422, "unknown_reference");
    let misspelt = open(json!({"porpose": "x"})).refused(422, "content_faulty").json();
    assert_eq!(misspelt["pointer"], "/content/porpose", "{misspelt}");
    let kept = opened(&open(whole.clone()).ok());
    let read = house.get(&author, &kept.path).ok().json();
    assert_eq!(read["content"], whole, "text came back as something else than was written");
    let listed =
        house.get(&author, "/api/v1/registers/impact_assessment/items?text=DROP%20TABLE").ok().json();
    assert_eq!(listed["total"], 1, "what was written cannot be found by it: {listed}");
    for query in
        ["where=nonsense:x", "where=result", "state=nonsense", "limit=0", "limit=201", "review=maybe"]
    {
        house
            .get(&author, &format!("/api/v1/registers/impact_assessment/items?{query}"))
            .refused(400, "malformed");
    }
    house.get(&author, "/api/v1/registers/nonsense/items").refused(404, "not_found");
}

// Requirement: D05.
#[test]
fn one_document_for_the_whole_organisation_is_flagged() {
    let house = House::new();
    let (id, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, owner) = house.person("Olga", &[Role::BusinessOwner]);
    let body = json!({"content": assessment(&id, &["small-1"])});
    house.post(&owner, "/api/v1/registers/impact_assessment/items", &body).refused(403, "not_permitted");
    let item = house.open_item(&officer, "impact_assessment", &body);
    let shown = house.get(&officer, &item.path).ok().json();
    assert_eq!(
        shown["summary"]["organisation_wide"], true,
        "one document for everything would pass for the assessment of each system: {shown}"
    );
    let listed =
        house.get(&officer, "/api/v1/registers/impact_assessment/items?organisation_wide=true").ok().json();
    assert_eq!(listed["total"], 1, "{listed}");
    house
        .post(&officer, "/api/v1/registers/ai_system/items", &json!({"content": {}}))
        .refused(400, "malformed");
}

#[test]
fn steps_between_states_need_their_role_an_approval_and_a_second_person() {
    let house = House::new();
    let (owner_id, owner) = house.person("Olga", &[Role::BusinessOwner, Role::Approver]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let (_, developer) = house.person("Dev", &[Role::Developer]);
    let system = house.live_system(&owner, "Loan support");
    let item = house.open_item(
        &owner,
        "ai_system",
        &json!({"system": system, "content": inventory(&owner_id, &["small-1"])}),
    );
    let step = |token: &str, state: &str| {
        house.post(token, &format!("{}/state", item.path), &json!({"state": state, "reason": "it is time"}))
    };
    step(&approver, "production").refused(409, "state_impossible");
    step(&developer, "development").refused(404, "not_found");
    step(&approver, "development").refused(403, "not_permitted");
    step(&owner, "nonsense").refused(409, "state_impossible");
    step(&owner, "development").ok();
    step(&owner, "validation").ok();
    house.submit(&owner, &item);
    house.decide(&approver, &item, "approved").ok();
    let seen = house.get(&owner, &item.path).ok().json();
    assert_eq!(seen["next_states"], json!(["development", "suspended", "retired"]), "{seen}");
    step(&owner, "production").refused(403, "own_work");
    step(&approver, "production").ok();
    let listed = house.get(
        &owner,
        "/api/v1/registers/ai_system/items?state=production&where=risk_tier:high,personal_data:true",
    );
    assert_eq!(listed.ok().json()["total"], 1, "a system in production is not found by where it stands");
    step(&owner, "retired").ok();
    let tag = opened(&house.get(&owner, &item.path).ok()).tag;
    let content = json!({"content": inventory(&owner_id, &["small-2"])});
    let refused = house.put(&owner, &item.path, &tag, &content).refused(409, "state_impossible").json();
    let again = json!({"system": system, "content": inventory(&owner_id, &["small-2"])});
    let reopened = house.post(&owner, "/api/v1/registers/ai_system/items", &again).refused(409, "already_so");
    for said in [refused, reopened.json()] {
        assert!(
            said["detail"].as_str().is_some_and(|text| text.contains("can bring it back to proposed")),
            "a system that was retired by mistake could never be governed again, or nobody could tell how: {said}"
        );
    }
    step(&owner, "proposed").refused(403, "own_work");
    step(&approver, "proposed").ok();
    let tag = opened(&house.get(&owner, &item.path).ok()).tag;
    house.put(&owner, &item.path, &tag, &content).ok();
}

#[test]
fn a_retry_of_any_change_is_recorded_once() {
    let house = House::new();
    let (id, author) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&author, "Loan support");
    let twice = |token: &str, method: &str, path: &str, tag: Option<&str>, body: &Value| {
        let ask = || {
            let ask = house.ask(method, path).bearer(token).header("idempotency-key", "k-1").json(body);
            tag.map_or_else(|| ask.clone(), |tag| ask.clone().header("if-match", tag)).send().ok()
        };
        let first = ask();
        let size = house.ledger.reader().size();
        let again = ask();
        assert_eq!(again.header("idempotency-replayed"), Some("true"), "{method} {path}");
        assert_eq!(house.ledger.reader().size(), size, "{method} {path}: a retry is recorded twice");
        first
    };
    let body = json!({"system": system, "content": assessment(&id, &["small-1"])});
    let item = opened(&twice(&author, "POST", "/api/v1/registers/impact_assessment/items", None, &body));
    let mut content = assessment(&id, &["small-1"]);
    content["scope"] = json!("Narrower.");
    let item = opened(&twice(&author, "PUT", &item.path, Some(&item.tag), &json!({"content": content})));
    twice(&author, "POST", &format!("{}/submission", item.path), None, &json!({"digest": item.digest}));
    let decision = json!({"digest": item.digest, "decision": "approved", "reason": "fine", "conditions": "Check in March."});
    twice(&approver, "POST", &format!("{}/decision", item.path), None, &decision);
    let superseded = json!({"state": "superseded", "reason": "a new one"});
    twice(&author, "POST", &format!("{}/state", item.path), None, &superseded);
}

#[test]
fn the_inbox_says_what_waits_for_whom() {
    let house = House::new();
    let (id, owner) = house.person("Olga", &[Role::BusinessOwner]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&owner, "Loan support");
    let body = json!({"system": system, "content": assessment(&id, &["small-1"])});
    let item = house.open_item(&owner, "impact_assessment", &body);
    let waits = |token: &str, kind: &str| {
        house.get(token, "/api/v1/inbox").ok().json()[kind]["items"].as_array().expect("items").len()
    };
    assert_eq!(waits(&approver, "decide"), 0, "a draft is put before an approver");
    house.submit(&owner, &item);
    assert_eq!((waits(&approver, "decide"), waits(&owner, "decide")), (1, 0), "nobody would decide");
    house.decide(&approver, &item, "returned").ok();
    assert_eq!(
        (waits(&approver, "decide"), waits(&owner, "returned")),
        (0, 1),
        "the author would wait for ever"
    );
    house.submit(&owner, &item);
    house.decide(&approver, &item, "approved").ok();
    assert_eq!((waits(&owner, "returned"), waits(&owner, "due")), (0, 0));
    house.clock.set(tabellion_model::Micros(
        tabellion_ledger::Clock::now(house.clock.as_ref()).0 + 340 * 86_400_000_000,
    ));
    let owner = house.session(&id);
    assert_eq!(waits(&owner, "due"), 1, "a review that is due in a month is asked of nobody");
    let due = house
        .get(&owner, "/api/v1/registers/impact_assessment/items?sort=due&due_before=2027-03-10")
        .ok()
        .json();
    assert_eq!(due["total"], 1, "{due}");
}

#[test]
fn of_an_approval_and_a_save_at_the_same_time_one_happens() {
    let house = House::new();
    let (id, author) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, approver) = house.person("Abe", &[Role::Approver]);
    let system = house.live_system(&author, "Loan support");
    for round in 0..8 {
        let body = json!({"system": system, "content": assessment(&id, &["small-1"])});
        let item = house.open_item(&author, "impact_assessment", &body);
        house.submit(&author, &item);
        let now = opened(&house.get(&author, &item.path).ok());
        let mut content = assessment(&id, &["small-1"]);
        content["scope"] = json!(format!("Changed in round {round}."));
        let (saved, decided) = thread::scope(|scope| {
            let save = scope.spawn(|| house.put(&author, &now.path, &now.tag, &json!({"content": content})));
            let decide = scope.spawn(|| house.decide(&approver, &item, "approved"));
            (save.join().expect("an answer").status, decide.join().expect("an answer").status)
        });
        assert!(
            matches!((saved, decided), (200, 409) | (412, 200)),
            "what was approved is not what was shown, or somebody's words are lost: {saved} {decided}"
        );
        let shown = house.get(&author, &item.path).ok().json();
        let approval = &shown["summary"]["approval"]["digest"];
        assert_eq!(approval.as_str() == Some(&item.digest), decided == 200, "{shown}");
    }
}
