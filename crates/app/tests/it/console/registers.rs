//! Registers: drafted, put forward, decided by a second person; two people at once; faults, hostile text, files, roles, the inbox.

use serde_json::Value;
use tabellion_model::body::Role;

use super::browser::{Browser, form_of, plain};
use crate::api::client::Answer;
use crate::api::house::House;
use crate::api::registers::{assessment, inventory};

/// A content as the fields of a form.
fn filled(content: &Value) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    for (name, value) in content.as_object().expect("an object") {
        let name = format!("field.{name}");
        match value {
            Value::Array(items) if name == "field.roles_held" => {
                fields
                    .extend(items.iter().map(|item| (name.clone(), item.as_str().expect("text").to_owned())));
            }
            Value::Array(items) => {
                let lines: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
                fields.push((name, lines.join("\r\n")));
            }
            Value::String(text) => fields.push((name, text.clone())),
            other => fields.push((name, other.to_string())),
        }
    }
    fields
}

/// Fills in the form of an item on `path` and sends it.
#[track_caller]
fn write(browser: &Browser<'_>, path: &str, more: &[(&str, &str)], content: &Value) -> Answer {
    let (action, mut fields) = form_of(&browser.page(path), "item");
    fields.extend(more.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    fields.extend(filled(content));
    browser.post(&action, &fields)
}

/// The path that an answer to a form leads to.
#[track_caller]
fn place(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "the form was not taken: {}", answer.text());
    answer.header("location").expect("a place").split('?').next().expect("a path").to_owned()
}

/// A live system that `owner` answers for, made through the API.
fn system_of(house: &House, browser: &Browser<'_>) -> String {
    house.live_system(&house.session(&browser.person), "Loan support")
}

// Rows D05, V45: drafted, refused to its author, approved by a second person over what was shown; the control moves and says why.
#[test]
#[expect(clippy::too_many_lines, reason = "one story from its beginning to its end")]
fn an_assessment_goes_from_draft_to_approval_and_the_control_moves_and_says_why() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner, Role::Approver]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let system = system_of(&house, &olga);
    let before = abe.page("/controls/8.4");
    assert!(before.contains("What would raise this"), "nobody is told what to do: {before}");
    assert!(
        before.contains(&format!("/registers/impact_assessment?system={system}")),
        "the gap does not lead to where it is closed (V46): {before}"
    );

    // A draft that lacks almost everything is saved, and says what it lacks first.
    let list = olga.page("/registers/impact_assessment");
    assert!(list.contains("Nothing in this register yet") && list.contains("Start a draft"), "{list}");
    let draft = serde_json::json!({"name": "Loan support, first assessment"});
    let new = format!("/registers/impact_assessment/new?system={system}");
    let opened = write(&olga, &new, &[("system", &system)], &draft);
    let page = olga.follow(&opened);
    assert!(page.contains("Recorded at") && page.contains("Not filled in yet: 2"), "{page}");
    let path = place(&opened);
    assert!(!page.contains("id=\"form-submit\""), "what is not complete can be put forward");

    // Filled in and put forward.
    let content = assessment(&olga.person, &["gpt-test-1"]);
    let page = olga.follow(&write(&olga, &format!("{path}/edit"), &[], &content));
    assert!(page.contains("Put it forward") && !page.contains("Not filled in yet"), "{page}");
    let (_, hidden) = form_of(&page, "submit");
    let digest =
        hidden.iter().find(|(name, _)| name == "digest").expect("the digest is in the form").1.clone();
    assert!(page.matches(&digest).count() >= 2, "the digest that is put forward is not shown");
    let page = olga.follow(&olga.send(&path, "submit", &[]));
    assert!(page.contains("It waits for a decision") && page.contains("You wrote some of it"), "{page}");

    // Its author has the role, and is refused; the form of somebody else does not help.
    let own = olga.page(&format!("{path}/decide"));
    assert!(!own.contains("id=\"form-decision\""), "an author is offered to approve their own work: {own}");
    assert!(own.contains("nobody approves their own work"), "{own}");
    let shown = abe.page(&format!("{path}/decide"));
    let (action, mut fields) = form_of(&shown, "decision");
    let csrf = form_of(&olga.page("/systems/new"), "system").1;
    let csrf = csrf.into_iter().find(|(name, _)| name == "csrf").expect("the proof");
    let mut forged: Vec<(String, String)> =
        fields.iter().filter(|(name, _)| name != "csrf").cloned().collect();
    forged.push(csrf);
    let approve = [("decision", "approved"), ("reason", "read and weighed")];
    forged.extend(approve.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    let refused = olga.post(&action, &forged);
    assert_eq!(refused.status, 403, "an author approved their own work: {}", refused.text());
    assert!(refused.text().contains("second person"), "the refusal does not help: {}", refused.text());
    assert!(
        abe.page(&format!("{path}/history")).contains("tried to decide on their own work"),
        "that somebody tried is not on record"
    );

    // A second person sees exactly what they approve, and nothing is chosen for them.
    assert!(
        shown.contains(&digest) && shown.contains("What there is to say about harms_society."),
        "{shown}"
    );
    assert!(!shown.contains("checked"), "a decision is chosen beforehand: {shown}");
    let unsaid = abe.send(&format!("{path}/decide"), "decision", &[("reason", "x")]);
    assert_eq!(unsaid.status, 400, "a form without a decision decides: {}", unsaid.text());
    assert!(unsaid.text().contains("href=\"#decision-decision\""), "{}", unsaid.text());
    fields.extend(approve.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    fields.push(("conditions".to_owned(), "Reviewed when the model changes".to_owned()));
    let page = abe.follow(&abe.post(&action, &fields));
    for said in ["Approved", "as approver", "Reviewed when the model changes", "Recorded at"] {
        assert!(plain(&page).contains(said), "{said} is not said: {page}");
    }
    assert!(
        page.contains(&format!("data-copy=\"{digest}\"")),
        "what was approved is not named by its digest"
    );

    // The control moved, names the record, and says why.
    let entry = house.ledger.reader().size() - 2;
    let after = abe.page("/controls/8.4");
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let reasons = auditor.page("/controls/8.4");
    assert_ne!(before, after, "the approval moved nothing");
    assert!(
        reasons.contains("approved by a second person and in date: 1 of 1")
            && reasons.contains(&format!("href=\"/ledger/{entry}\"")),
        "the control does not lead to the approval: {reasons}"
    );
}

// Two people who edit at once lose nothing.
#[test]
fn a_stale_form_shows_both_versions_and_takes_over_what_was_not_touched() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::ComplianceOfficer]);
    let bo = Browser::of(&house, "Bo", &[Role::GovernanceEngineer]);
    let system = house.live_system(&house.person("Adm", &[Role::Administrator]).1, "Loan support");
    let first = inventory(&ada.person, &["m1"]);
    let path = place(&write(&ada, "/registers/ai_system/new", &[("system", &system)], &first));
    let edit = format!("{path}/edit");
    let (action, mut slow) = form_of(&bo.page(&edit), "item");
    let mut hers = first.clone();
    hers["purpose"] = "Her purpose".into();
    hers["oversight"] = "Her oversight".into();
    ada.follow(&write(&ada, &edit, &[], &hers));
    let mut his = first.clone();
    his["purpose"] = "His purpose".into();
    his["intended_use"] = "His use".into();
    slow.extend(filled(&his));
    let answer = bo.post(&action, &slow);
    assert_eq!(answer.status, 412, "an unseen change was overwritten: {}", answer.text());
    let page = plain(&answer.text());
    for said in [
        "Her purpose",
        "His purpose",
        "His use",
        "Her oversight",
        "Both of you changed it",
        "taken over into this field",
    ] {
        assert!(page.contains(said), "{said} is lost: {page}");
    }
    let area = |name: &str| {
        let from = page.find(&format!("id=\"item-{name}\"")).expect("the field");
        page[from..from + page[from..].find("</textarea>").expect("its end")].to_owned()
    };
    assert!(area("purpose").contains("His purpose"), "what was typed is gone from the form");
    assert!(area("oversight").contains("Her oversight"), "saving again would undo what nobody meant to undo");
    let (_, fresh) = form_of(&answer.text(), "item");
    assert!(
        fresh.contains(&("version".to_owned(), "2".to_owned())),
        "sending it again could never work: {fresh:?}"
    );
    let mut merged = his.clone();
    merged["oversight"] = "Her oversight".into();
    let mut again = fresh;
    again.extend(filled(&merged));
    let page = bo.follow(&bo.post(&action, &again));
    assert!(page.contains("Her oversight") && page.contains("His purpose"), "{page}");
    let history = bo.page(&format!("{path}/history"));
    assert!(
        history.contains("saved revision 3") && history.contains("Her purpose"),
        "the history lost a version: {history}"
    );
}

#[test]
fn a_decision_over_something_that_changed_meanwhile_is_refused_and_chooses_nothing() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let system = system_of(&house, &olga);
    let first = inventory(&olga.person, &["m1"]);
    let path = place(&write(&olga, "/registers/ai_system/new", &[("system", &system)], &first));
    olga.follow(&olga.send(&path, "submit", &[]));
    let (action, mut fields) = form_of(&abe.page(&format!("{path}/decide")), "decision");
    let mut second = first.clone();
    second["purpose"] = "Decides on loans".into();
    olga.follow(&write(&olga, &format!("{path}/edit"), &[], &second));
    olga.follow(&olga.send(&path, "submit", &[]));
    fields.extend([("decision".into(), "approved".into()), ("reason".into(), "kept words".into())]);
    let answer = abe.post(&action, &fields);
    assert_eq!(answer.status, 412, "what nobody has read was approved: {}", answer.text());
    let page = answer.text();
    assert!(page.contains("Decides on loans") && page.contains("kept words"), "{page}");
    assert!(!page.contains("checked"), "an approval of other content is chosen beforehand: {page}");
    // Given back, it says why, and is the author's to correct.
    let again = abe.send(
        &format!("{path}/decide"),
        "decision",
        &[("decision", "returned"), ("reason", "It decides?")],
    );
    abe.follow(&again);
    let page = olga.page(&path);
    assert!(
        page.contains("It was given back") && page.contains("It decides?") && page.contains("Correct it"),
        "{page}"
    );
    assert!(olga.page("/inbox").contains("Given back to you"), "nobody tells the author");
}

#[test]
fn every_fault_is_said_at_its_field_and_a_draft_is_kept() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let system = system_of(&house, &olga);
    let size = house.ledger.reader().size();
    let long = "x".repeat(201);
    let odd = serde_json::json!({"name": long, "risk_tier": "enormous", "models": ["m", "m"], "purpose": "kept <b> & \"said\""});
    let answer = write(&olga, "/registers/ai_system/new", &[("system", &system)], &odd);
    assert_eq!(answer.status, 422, "{}", answer.text());
    let page = answer.text();
    assert_eq!(house.ledger.reader().size(), size, "a refused draft was recorded");
    for id in ["name", "risk_tier", "models"] {
        assert!(page.contains(&format!("href=\"#item-{id}\"")), "the summary does not lead to {id}: {page}");
        assert!(page.contains(&format!("id=\"item-{id}-fault\"")), "{id} does not say its fault");
    }
    assert!(plain(&page).contains("kept <b> & \"said\"") && !page.contains("<b>"), "{page}");
    assert!(page.contains(&long), "what was too long has to be typed again");
    let (_, fields) = form_of(&olga.page("/registers/impact_assessment/new"), "item");
    let without = olga.post("/registers/ai_system/new", &fields);
    assert!(
        without.text().contains("href=\"#item-system\""),
        "nobody learns that a system is needed: {}",
        without.text()
    );
}

#[test]
fn hostile_text_in_every_field_is_shown_inert_and_a_spreadsheet_runs_nothing() {
    let house = House::new();
    let hostile = "=HYPERLINK(\"//x\")<script>alert(1)</script>";
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let system = system_of(&house, &olga);
    let mut content = assessment(&olga.person, &[hostile]);
    for (name, value) in content.as_object_mut().expect("an object") {
        if value.is_string() && !["owner", "occasion", "thresholds", "result"].contains(&name.as_str()) {
            *value = hostile.into();
        }
    }
    let path = place(&write(&olga, "/registers/impact_assessment/new", &[("system", &system)], &content));
    olga.follow(&olga.send(&path, "submit", &[]));
    let decide = format!("{path}/decide");
    let pages = [
        path.clone(),
        format!("{path}/edit"),
        format!("{path}/history"),
        "/registers/impact_assessment".into(),
    ];
    let mut pages: Vec<String> = pages.iter().map(|path| olga.page(path)).collect();
    pages.extend([abe.page(&decide), abe.page("/inbox")]);
    for page in &pages {
        assert!(!page.contains("<script>alert"), "text of others became markup: {page}");
        assert!(plain(page).contains("<script>alert(1)"), "the text is hidden instead of shown");
    }
    let csv = olga.page("/registers/impact_assessment?format=csv");
    assert!(csv.contains("\"'=HYPERLINK"), "a spreadsheet would run it: {csv}");
    let reason = [("decision", "approved"), ("reason", hostile), ("conditions", hostile)];
    let page = abe.follow(&abe.send(&decide, "decision", &reason));
    assert!(!page.contains("<script>alert") && plain(&page).contains("<script>alert(1)"), "{page}");
}

#[test]
fn a_role_sees_and_is_offered_only_what_it_may() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let other = Browser::of(&house, "Otto", &[Role::BusinessOwner]);
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let system = system_of(&house, &olga);
    let path = place(&write(
        &olga,
        "/registers/ai_system/new",
        &[("system", &system)],
        &inventory(&olga.person, &["m1"]),
    ));
    olga.follow(&olga.send(&path, "submit", &[]));
    let list = other.page("/registers/ai_system");
    assert!(!list.contains(&path), "somebody sees the item of a system that is not theirs: {list}");
    assert_eq!(other.get(&path).status, 404, "an item of others is open");
    assert_eq!(other.get(&format!("{path}/edit")).status, 404);
    let page = auditor.page(&path);
    for offered in ["/edit\"", "id=\"form-", "/decide\""] {
        // A remark changes nothing of the item.
        let forms = page.replace("action=\"/theme\"", "").replace("id=\"form-note\"", "");
        assert!(!forms.contains(offered), "an auditor, who changes nothing, is offered {offered}: {page}");
    }
    assert!(
        !auditor.page("/registers/ai_system").contains("Start a draft"),
        "an auditor is offered to write"
    );
    assert_eq!(auditor.get(&format!("{path}/edit")).status, 403);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let inbox = abe.page("/inbox");
    assert!(inbox.contains("Decide on Loan support") && inbox.contains(&format!("{path}/decide")), "{inbox}");
    assert!(
        !olga.page("/inbox").contains("Decide on Loan support"),
        "an author is asked to decide on their own work"
    );
    assert_eq!(olga.get(&format!("{path}/nonsense")).status, 404);
    assert_eq!(olga.get("/registers/nothing").status, 404);
}

// Row D08: a call answered by a model that the approved entry does not name asks for a new look, and says by which call.
#[test]
fn a_new_model_asks_for_a_new_look_and_leads_to_the_call() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let token = house.session(&olga.person);
    let system = house.live_system(&token, "Loan support");
    let (key, _) = house.key(&token, &system);
    let path = place(&write(
        &olga,
        "/registers/impact_assessment/new",
        &[("system", &system)],
        &assessment(&olga.person, &["m1"]),
    ));
    olga.follow(&olga.send(&path, "submit", &[]));
    abe.follow(&abe.send(
        &format!("{path}/decide"),
        "decision",
        &[("decision", "approved"), ("reason", "read")],
    ));
    let call = house.answered(&system, &key, "m", Some("m2-new"));
    house.desk.open_refreshes().expect("looked for");
    let page = olga.page(&path);
    assert!(
        page.contains("A model answered that it does not name: m2-new")
            && page.contains(&format!("/calls/{call}")),
        "nobody learns what asks for the new look: {page}"
    );
    assert!(olga.page("/inbox").contains("Something changed since it was approved"), "nobody is asked");
    let gaps = olga.page("/registers/ai_system");
    assert!(gaps.contains("In traffic, and not in the inventory") && gaps.contains("m2-new"), "{gaps}");
    // Named beside what holds, the difference is shown, and the approval answers it.
    let mut next = assessment(&olga.person, &["m1", "m2-new"]);
    next["scope"] = "All of it, and the new model".into();
    let page = olga.follow(&write(&olga, &format!("{path}/edit"), &[], &next));
    assert!(page.contains("changed, material") && page.contains("<p class=\"side\">Approved</p>"), "{page}");
    olga.follow(&olga.send(&path, "submit", &[]));
    let shown = abe.page(&format!("{path}/decide"));
    assert!(shown.contains("2 fields differ from what was approved"), "{shown}");
    let page = abe.follow(&abe.send(
        &format!("{path}/decide"),
        "decision",
        &[("decision", "approved"), ("reason", "read")],
    ));
    assert!(!page.contains("A model answered that it does not name"), "an answered wish still asks: {page}");
}

#[test]
fn a_system_without_an_item_is_offered_the_first_one_with_itself_at_hand() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let token = house.session(&olga.person);
    let system = house.live_system(&token, "Loan support");
    let page = olga.page(&format!("/registers/impact_assessment?system={system}"));
    assert!(
        page.contains("Loan support has no impact assessment yet") && !page.contains("Clear the filters"),
        "the way to the first assessment ends at an empty filter: {page}"
    );
    assert!(page.contains(&format!("href=\"/registers/impact_assessment/new?system={system}\"")), "{page}");
    let (key, _) = house.key(&token, &system);
    house.answered(&system, &key, "m", Some("m-2026-01"));
    let form = olga.page(&format!("/registers/impact_assessment/new?system={system}"));
    assert!(form.contains("Called so far: m-2026-01"), "models have to be known by heart: {form}");
    assert!(form.contains(">needed</span>"), "nobody knows what has to be filled in: {form}");
}
