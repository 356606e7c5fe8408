//! Work and requests: opened, answered by one person, closed by another; what auditors may do; that no status moves.

use serde_json::{Value, json};
use tabellion_ledger::{Draft, DraftStream, ErasureTarget};
use tabellion_model::body::{Body as _, RegisterSaved, Role};

use super::client::Answer;
use super::house::House;
use super::registers::{Opened, inventory, opened};

/// A task about 8.4 and A.5.4 for `owner`.
pub(crate) fn task(owner: &str) -> Value {
    json!({
        "name": "Assess the fraud screen", "needed": "An assessment that names every model in use", "owner": owner,
        "references": ["8.4", "A.5.4"], "due": "2026-03-20",
    })
}

/// A request about A.9.2 for `owner`.
pub(crate) fn request(owner: &str) -> Value {
    json!({
        "name": "Samples of answers", "needed": "The last three weekly samples", "owner": owner, "references": ["A.9.2"],
        "due": "2026-03-06",
    })
}

/// `content` with an answer.
fn answered(content: &Value, answer: &str) -> Value {
    let mut content = content.clone();
    content["answer"] = answer.into();
    content
}

impl House {
    fn open_work(&self, token: &str, register: &str, content: &Value) -> Opened {
        self.open_item(token, register, &json!({"content": content}))
    }

    fn answer(&self, token: &str, item: &Opened, content: &Value) -> Opened {
        let now = opened(&self.get(token, &item.path).ok());
        opened(&self.put(token, &item.path, &now.tag, &json!({"content": content})).ok())
    }

    fn step(&self, token: &str, item: &Opened, state: &str) -> Answer {
        let body = json!({"state": state, "reason": "looked at it"});
        self.post(token, &format!("{}/state", item.path), &body)
    }

    fn inbox(&self, token: &str, part: &str) -> Vec<String> {
        let inbox = self.get(token, "/api/v1/inbox").ok().json();
        let items = inbox[part]["items"].as_array().expect("items").iter();
        items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    }

    fn events(&self, token: &str, item: &Opened) -> Vec<Value> {
        let history = self.get(token, &format!("{}/history", item.path)).ok().json();
        history["events"].as_array().expect("events").clone()
    }
}

#[test]
fn a_task_is_done_by_its_owner_and_closed_by_somebody_who_did_none_of_it() {
    let house = House::new();
    let (_, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (dev_id, dev) = house.person("Dev", &[Role::Developer]);
    let (_, other) = house.person("Ivo", &[Role::Developer]);
    let item = house.open_work(&officer, "task", &task(&dev_id));
    let shown = house.get(&dev, &item.path).ok().json();
    assert_eq!(
        (&shown["summary"]["standing"], &shown["summary"]["due"], &shown["summary"]["references"]),
        (&json!("open"), &json!("2026-03-20"), &json!(["8.4", "A.5.4"])),
        "the owner cannot see what is asked of them until when: {shown}"
    );
    assert_eq!(house.inbox(&dev, "own"), [item.id.as_str()], "nobody tells the owner");
    // Somebody whose role reaches their own matters alone sees nothing of it.
    house.get(&other, &item.path).refused(404, "not_found");
    assert_eq!(house.get(&other, "/api/v1/registers/task/items").ok().json()["total"], 0);
    house.step(&dev, &item, "answered").refused(422, "incomplete");
    let done = answered(&task(&dev_id), "Written and put forward.");
    let now = house.answer(&dev, &item, &done);
    house.step(&dev, &now, "answered").ok();
    assert!(house.inbox(&dev, "own").is_empty(), "it still asks its owner, who has answered");
    assert_eq!(house.inbox(&officer, "close"), [item.id.as_str()], "nobody is asked to close it");
    house.step(&dev, &item, "closed").refused(403, "not_permitted");
    house
        .post(&officer, &format!("{}/submission", item.path), &json!({"digest": now.digest}))
        .refused(409, "state_impossible");
    let closed = house.step(&officer, &item, "closed").ok().json();
    assert_eq!(closed["result"]["summary"]["standing"], "ended", "{closed}");
    assert!(house.inbox(&officer, "close").is_empty());
    let tag = opened(&house.get(&dev, &item.path).ok()).tag;
    house.put(&dev, &item.path, &tag, &json!({"content": task(&dev_id)})).refused(409, "state_impossible");
    // Who closed it can open it again; who did it cannot.
    house.step(&officer, &item, "reopened").ok();
    assert_eq!(house.inbox(&dev, "own"), [item.id.as_str()]);
}

/// Invariant 6.
#[test]
fn nobody_closes_what_they_answered_or_handed_over_and_trying_is_recorded_once() {
    let house = House::new();
    let (gus_id, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (cora_id, cora) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let item = house.open_work(&gus, "task", &task(&gus_id));
    let done = answered(&task(&gus_id), "Done as agreed.");
    house.answer(&gus, &item, &done);
    // Whoever handed it over answers for that it is done, whoever wrote it.
    let now = opened(&house.step(&cora, &item, "answered").ok());
    for (token, who) in [(&gus, &gus_id), (&cora, &cora_id)] {
        house.step(token, &item, "closed").refused(403, "own_work");
        house.step(token, &item, "closed").refused(403, "own_work");
        let tried = house.events(token, &item);
        let tried =
            tried.iter().filter(|event| event["kind"] == "refused" && event["by"] == who.as_str()).count();
        assert_eq!(tried, 1, "an attempt to close own work leaves no trace, or floods the log");
        let shown = house.get(token, &item.path).ok().json();
        assert!(
            !shown["next_states"].as_array().expect("states").contains(&json!("closed")),
            "a button would be shown that can only be refused: {shown}"
        );
        assert!(house.inbox(token, "close").is_empty(), "somebody is asked for what they are refused");
    }
    // A later answer in somebody else's words does not wash the first author out.
    let (_, dan) = house.person("Dan", &[Role::Administrator]);
    let rewritten = answered(&task(&gus_id), "Done, in other words.");
    house.put(&dan, &item.path, &now.tag, &json!({"content": rewritten})).ok();
    house.step(&gus, &item, "closed").refused(403, "own_work");
    house.step(&abe, &item, "closed").ok();
    house.step(&gus, &item, "reopened").refused(403, "own_work");
}

/// Invariant 6.
#[test]
fn nobody_closes_in_a_session_that_the_one_who_answered_let_in() {
    let house = House::new();
    let (ada_id, ada) = house.person("Ada", &[Role::Administrator]);
    let (cora_id, cora) = house.person("Cora", &[Role::ComplianceOfficer]);
    let item = house.open_work(&cora, "task", &task(&ada_id));
    house.answer(&ada, &item, &answered(&task(&ada_id), "Done."));
    house.step(&ada, &item, "answered").ok();
    let as_cora = house.let_in(&ada, &cora_id);
    house.step(&as_cora, &item, "closed").refused(403, "own_link");
    house.step(&cora, &item, "closed").ok();
}

#[test]
fn an_auditor_asks_and_closes_and_changes_nothing_of_others() {
    let house = House::new();
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let (both_id, both) = house.person("Bo", &[Role::Auditor, Role::ComplianceOfficer]);
    let (_, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let asked = request(&both_id);
    let refused = house.post(&officer, "/api/v1/registers/request/items", &json!({"content": asked}));
    refused.refused(403, "not_permitted");
    let item = house.open_work(&auditor, "request", &asked);
    // What was asked stays; who answers can change.
    for (field, value) in [
        ("name", json!("Something easier")),
        ("needed", json!("Nothing")),
        ("due", json!("2027-01-01")),
        ("references", json!(["A.9.4"])),
    ] {
        let mut content = asked.clone();
        content[field] = value;
        let refused = house.put(&officer, &item.path, &item.tag, &json!({"content": content}));
        let refused = refused.refused(422, "content_faulty").json();
        assert_eq!(
            refused["pointer"],
            format!("/content/{field}"),
            "what an auditor asked is rewritten: {refused}"
        );
    }
    house.put(&auditor, &item.path, &item.tag, &json!({"content": asked})).refused(403, "not_permitted");
    house
        .post(&auditor, "/api/v1/registers/task/items", &json!({"content": task(&both_id)}))
        .refused(403, "not_permitted");
    let system = house.live_system(&officer, "Loan support");
    let entry = house.open_item(
        &officer,
        "ai_system",
        &json!({"system": system, "content": inventory(&both_id, &["m"])}),
    );
    house.put(&auditor, &entry.path, &entry.tag, &json!({"content": {}})).refused(403, "not_permitted");
    house.step(&auditor, &entry, "retired").refused(403, "not_permitted");
    house
        .post(&auditor, &format!("{}/submission", entry.path), &json!({"digest": entry.digest}))
        .refused(403, "not_permitted");
    let mine = house.open_work(&officer, "task", &task(&both_id));
    house.step(&auditor, &mine, "withdrawn").refused(403, "not_permitted");

    // An auditor who also answers is no second person.
    let mut own = house.inbox(&both, "own");
    own.sort_unstable();
    let mut wanted = [mine.id.clone(), item.id.clone()];
    wanted.sort_unstable();
    assert_eq!(own, wanted, "nobody tells the owner what is asked");
    house.answer(&both, &item, &answered(&asked, "They are attached to the assessment."));
    house.step(&both, &item, "answered").ok();
    house.step(&both, &item, "closed").refused(403, "own_work");
    house.step(&officer, &item, "closed").refused(403, "not_permitted");
    assert_eq!(
        house.inbox(&auditor, "close"),
        [item.id.as_str()],
        "the auditor is not told that there is an answer"
    );
    house.step(&auditor, &item, "reopened").ok();
    house.step(&officer, &item, "answered").ok();
    house.step(&auditor, &item, "closed").ok();
}

#[test]
fn a_clause_or_control_that_is_none_is_refused_and_what_is_needed_is_there_from_the_start() {
    let house = House::new();
    let (owner, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let path = "/api/v1/registers/task/items";
    for references in [
        json!(["A.5.1"]),
        json!(["8.40"]),
        json!(["A.5"]),
        json!(["a.5.4"]),
        json!(["8.4", "8.4"]),
        json!("8.4"),
        json!([]),
        json!([8.4]),
    ] {
        let mut content = task(&owner);
        content["references"] = references.clone();
        let refused =
            house.post(&officer, path, &json!({"content": content})).refused(422, "content_faulty").json();
        assert_eq!(refused["pointer"], "/content/references", "{references} is taken for clauses: {refused}");
    }
    for field in ["name", "needed", "owner", "due"] {
        let mut content = task(&owner);
        content.as_object_mut().expect("an object").remove(field);
        let refused =
            house.post(&officer, path, &json!({"content": content})).refused(422, "incomplete").json();
        assert_eq!(
            refused["pointer"],
            format!("/content/{field}"),
            "a task without {field} is nobody's: {refused}"
        );
    }
    let mut content = task(&owner);
    content["owner"] = "0".repeat(32).into();
    house.post(&officer, path, &json!({"content": content})).refused(422, "unknown_reference");
    let item = house.open_work(&officer, "task", &task(&owner));
    let found = |query: &str| house.get(&officer, &format!("{path}?{query}")).ok().json()["total"].clone();
    assert_eq!(found("reference=8.4&open=true"), 1);
    assert_eq!(found("reference=8.5"), 0, "a control would show what is about another");
    assert_eq!(found("due_before=2026-03-21T00:00:00Z"), 1);
    assert_eq!(found("due_before=2026-03-20T00:00:00Z"), 0, "what is due that day is late already");
    house.step(&officer, &item, "withdrawn").ok();
    assert_eq!(found("open=true"), 0, "what was withdrawn is still open");
}

#[test]
fn what_is_due_is_late_once_its_day_is_over_and_not_while_it_waits_for_another() {
    let house = House::new();
    let (owner, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let mut content = task(&owner);
    content["due"] = "2026-03-02".into();
    let today = house.open_work(&officer, "task", &content);
    content["due"] = "2026-03-01".into();
    let late = house.open_work(&officer, "task", &content);
    let standing = |item: &Opened| house.get(&gus, &item.path).ok().json()["summary"]["standing"].clone();
    assert_eq!(
        (standing(&today), standing(&late)),
        (json!("open"), json!("past_due")),
        "the last day is taken away, or given twice"
    );
    house.answer(&officer, &late, &answered(&content, "Done."));
    house.step(&officer, &late, "answered").ok();
    assert_eq!(standing(&late), "to_close", "its owner is called late for what waits for somebody else");
}

#[test]
fn two_who_write_at_once_lose_nothing_and_an_answer_that_changed_is_not_closed_unseen() {
    let house = House::new();
    let (owner, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let item = house.open_work(&officer, "task", &task(&owner));
    let now = house.answer(&officer, &item, &answered(&task(&owner), "Done."));
    house.put(&gus, &item.path, &item.tag, &json!({"content": task(&owner)})).refused(412, "stale");
    house.step(&officer, &now, "answered").ok();
    let read = opened(&house.get(&gus, &item.path).ok());
    house.answer(&officer, &item, &answered(&task(&owner), "Done otherwise."));
    let body = json!({"state": "closed", "reason": "read it"});
    let close = |tag: &str| {
        house
            .ask("POST", &format!("{}/state", item.path))
            .bearer(&gus)
            .header("if-match", tag)
            .json(&body)
            .send()
    };
    close(&read.tag).refused(412, "stale");
    close(&opened(&house.get(&gus, &item.path).ok()).tag).ok();
}

/// A status is computed from evidence alone.
#[test]
fn no_status_moves_whatever_becomes_of_work_and_requests() {
    let house = House::new();
    let (owner, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    house.live_system(&officer, "Loan support");
    let statuses = || {
        let all = house.get(&officer, "/api/v1/controls").ok().json();
        let one = house.get(&officer, "/api/v1/controls/8.4").ok().json();
        let mut because = one["because"].as_array().expect("reasons").clone();
        // The integrity of the log counts every entry, these too.
        because.retain(|because| because["part"] != "integrity");
        (all["controls"].clone(), all["counts"].clone(), because, one["would_change"].clone())
    };
    let before = statuses();
    assert_eq!(before.0.as_array().map(Vec::len), Some(70), "the test compares nothing");
    for (register, opener, closer, content) in
        [("task", &officer, &gus, task(&owner)), ("request", &auditor, &auditor, request(&owner))]
    {
        let item = house.open_work(opener, register, &content);
        let noted = house.post(&gus, &format!("{}/notes", item.path), &json!({"text": "this fulfils 8.4"}));
        let noted = noted.ok().json()["recorded"]["index"].as_u64().expect("an index");
        assert_eq!(statuses(), before, "opening moves a status");
        house.answer(&officer, &item, &answered(&content, "All of it is fulfilled."));
        house.step(&officer, &item, "answered").ok();
        assert_eq!(statuses(), before, "an answer moves a status");
        house.step(closer, &item, "closed").ok();
        assert_eq!(statuses(), before, "closing moves a status");
        house.ledger.erase(&ErasureTarget::Record(noted), "trying").expect("an erasure");
        assert_eq!(statuses(), before, "erasing it moves a status");
    }
}

#[test]
fn a_remark_disturbs_nobody_changes_nothing_and_can_be_erased_alone() {
    let house = House::new();
    let (owner, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (_, auditor) = house.person("Aud", &[Role::Auditor]);
    let (_, stranger) = house.person("Ivo", &[Role::Developer]);
    let system = house.live_system(&officer, "Loan support");
    let body = json!({"system": system, "content": inventory(&owner, &["m"])});
    // In a register whose items are approved just as well.
    let item = house.open_item(&officer, "ai_system", &body);
    let notes = format!("{}/notes", item.path);
    let hostile = "<script>alert(1)</script> =HYPERLINK(\"http://x\")";
    let first = house.post(&auditor, &notes, &json!({"text": hostile})).ok().json();
    assert_eq!(
        first["result"]["summary"]["version"], 1,
        "whoever is editing would be told that it changed: {first}"
    );
    for text in ["", "\u{200b}", "\u{202e}turned", "a\u{0}b"] {
        house.post(&auditor, &notes, &json!({"text": text})).refused(400, "malformed");
    }
    house.post(&stranger, &notes, &json!({"text": "me too"})).refused(404, "not_found");
    house.submit(&officer, &item);
    let again = |key: &str| {
        house
            .ask("POST", &notes)
            .bearer(&officer)
            .header("idempotency-key", key)
            .json(&json!({"text": "seen"}))
            .send()
            .ok()
            .json()
    };
    assert_eq!(
        again("once")["recorded"]["index"],
        again("once")["recorded"]["index"],
        "a retry remarks twice"
    );
    let events = house.events(&officer, &item);
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["kind"].as_str()).collect();
    assert_eq!(kinds, ["noted", "submitted", "noted", "saved"], "a remark is not in the history: {events:?}");
    assert_eq!(events[2]["reason"], hostile, "a remark is not what was said");
    let index = first["recorded"]["index"].as_u64().expect("an index");
    house.ledger.erase(&ErasureTarget::Record(index), "it named somebody").expect("an erasure");
    let events = house.events(&officer, &item);
    assert_eq!(
        (&events[2]["kind"], &events[2]["reason"], &events[0]["reason"]),
        (&json!("noted"), &Value::Null, &json!("seen")),
        "an erased remark is still read, or another went with it: {events:?}"
    );
    assert_eq!(
        house.get(&officer, &item.path).ok().json()["summary"]["standing"],
        "in_review",
        "a remark or its erasure takes a submission back"
    );
}

/// Less knowledge never makes anything better.
#[test]
fn an_erased_revision_may_have_written_the_answer() {
    let house = House::new();
    let (owner, officer) = house.person("Cora", &[Role::ComplianceOfficer]);
    let (gus_id, gus) = house.person("Gus", &[Role::GovernanceEngineer]);
    let (_, abe) = house.person("Abe", &[Role::Approver]);
    let item = house.open_work(&officer, "task", &task(&owner));
    // As the program saves it, but under a key of its own.
    let body = RegisterSaved {
        register: "task".to_owned(),
        item: tabellion_model::ItemId::from_hex(&item.id).expect("an id"),
        revision: 2,
        content: answered(&task(&owner), "Done.").as_object().expect("an object").clone(),
        definition: "ab".repeat(32),
        missing: Vec::new(),
    };
    let mut draft = Draft::new(RegisterSaved::TYPE);
    draft.body = body.fields().expect("fields");
    draft.stream = Some(DraftStream { name: format!("register/task/{}", item.id), expected: Some(1) });
    draft.actor = Some(gus_id);
    draft.erasable_alone = true;
    let saved = house.ledger.append(&draft).expect("a record");
    let mut more = answered(&task(&owner), "Done.");
    more["priority"] = "high".into();
    house.answer(&officer, &item, &more);
    house.step(&officer, &item, "answered").ok();
    house.step(&gus, &item, "closed").refused(403, "own_work");
    house.ledger.erase(&ErasureTarget::Record(saved.index), "a mistake").expect("an erasure");
    house.step(&gus, &item, "closed").refused(403, "own_work");
    house.step(&abe, &item, "closed").ok();
}
