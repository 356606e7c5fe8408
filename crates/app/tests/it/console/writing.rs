//! People who write: what is asked of them and whom they can name, what they typed when it can no longer be taken, and where a line of evidence leads.

use serde_json::json;
use tabellion_model::body::Role;

use super::browser::{Browser, form_of, plain};
use crate::api::house::House;
use crate::api::work::{request, task};

/// Opens an item through the API and gives its page.
fn opened(house: &House, browser: &Browser<'_>, register: &str, content: &serde_json::Value) -> String {
    let token = house.session(&browser.person);
    let path = format!("/api/v1/registers/{register}/items");
    let made = house.post(&token, &path, &json!({"content": content})).ok().json();
    format!("/registers/{register}/{}", made["result"]["summary"]["id"].as_str().expect("an id"))
}

/// The list of owners that a form offers.
fn owners(page: &str) -> &str {
    let from = page.find("id=\"item-owner\"").or_else(|| page.find("id=\"system-owner\"")).expect("an owner");
    &page[from..from + page[from..].find("</select>").expect("its end")]
}

#[test]
fn who_loses_an_item_while_answering_reads_why_and_keeps_the_answer() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let other = Browser::of(&house, "Ivo", &[Role::Developer]);
    let path = opened(&house, &cora, "task", &task(&dev.person));
    let typed = [
        ("field.name", "Assess the fraud screen"),
        ("field.owner", dev.person.as_str()),
        ("field.answer", "Three readers <b>were</b> named."),
        ("field.evidence", "#12\r\nhttps://example.org/minutes"),
    ];
    let (action, mut fields) = form_of(&dev.page(&format!("{path}/edit")), "item");
    let (noting, mut remark) = form_of(&dev.page(&path), "note");
    fields.extend(typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    remark.push(("text".to_owned(), "nearly".to_owned()));
    // Somebody else answers for it meanwhile.
    let token = house.session(&cora.person);
    let api = path.replace("/registers/task/", "/api/v1/registers/task/items/");
    house.put(&token, &api, "\"1\"", &json!({"content": task(&other.person)})).ok();
    let size = house.ledger.reader().size();
    for (action, fields, kept) in [
        (&action, &fields, &["Three readers <b>were</b> named.", "#12\nhttps://example.org/minutes"][..]),
        (&noting, &remark, &["nearly"][..]),
    ] {
        let lost = dev.post(action, fields);
        let page = lost.text();
        assert_eq!(lost.status, 404, "an item of others is written: {page}");
        assert!(
            page.contains("You can no longer write this")
                && page.contains("Somebody else answers for it since"),
            "nobody is told what happened: {page}"
        );
        for kept in kept {
            assert!(plain(&page).contains(kept), "{kept} is gone for good: {page}");
        }
        assert!(!page.contains("<b>were"), "what was typed became markup");
        assert!(!page.contains(&dev.person) || !page.contains("field.owner"), "ids are shown as if typed");
    }
    assert_eq!(house.ledger.reader().size(), size, "what was refused is recorded");
    // The same where it was closed, and where the right itself was withdrawn.
    let item = opened(&house, &cora, "task", &task(&dev.person));
    let (action, mut fields) = form_of(&dev.page(&format!("{item}/edit")), "item");
    fields.extend(typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    let api = item.replace("/registers/task/", "/api/v1/registers/task/items/");
    let withdrawn = json!({"state": "withdrawn", "reason": "not needed"});
    house.post(&token, &format!("{api}/state"), &withdrawn).ok();
    let ended = dev.post(&action, &fields);
    assert!(
        ended.status == 409 && ended.text().contains("Three readers"),
        "what was typed on an item that ended is gone: {}",
        ended.text()
    );
    let page = dev.get(&format!("{item}/edit")).text();
    assert!(
        page.contains("withdrawn, and nothing is written on it"),
        "a closed item reads as not theirs: {page}"
    );
    let stranger = Browser::of(&house, "Ada", &[Role::Auditor]);
    let (_, mut forged) = form_of(&stranger.page(&item), "note");
    forged.push(("field.answer".to_owned(), "An auditor's words".to_owned()));
    let refused = stranger.post(&action, &forged);
    assert!(
        refused.status == 403 && refused.text().contains("An auditor&#39;s words"),
        "who has no right any more loses what they typed: {}",
        refused.text()
    );
}

#[test]
fn a_new_item_asks_for_what_is_known_then_and_takes_nothing_that_is_written_later() {
    let house = House::new();
    let aud = Browser::of(&house, "Aud", &[Role::Auditor]);
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    for (browser, register) in [(&aud, "request"), (&cora, "task")] {
        let page = browser.page(&format!("/registers/{register}/new"));
        assert!(
            !page.contains("field.answer") && !page.contains("field.evidence"),
            "who asks is offered to answer: {page}"
        );
        assert!(page.contains("field.needed"), "{page}");
    }
    let token = house.session(&aud.person);
    for (member, value) in [("answer", json!("It is fine.")), ("evidence", json!(["#1"]))] {
        let mut content = request(&cora.person);
        content[member] = value;
        let refused = house.post(&token, "/api/v1/registers/request/items", &json!({"content": content}));
        let said = refused.refused(422, "content_faulty").json();
        assert_eq!(
            said["errors"][0]["pointer"],
            format!("/content/{member}"),
            "an auditor answers their own request: {said}"
        );
    }
    // Everything that is wrong with a request is in one answer.
    let wrong = json!({"name": "x", "owner": "ab".repeat(16), "answer": "early", "references": ["A.99"]});
    let refused = house.post(&token, "/api/v1/registers/request/items", &json!({"content": wrong})).json();
    let named: Vec<&str> =
        refused["errors"].as_array().expect("errors").iter().filter_map(|e| e["pointer"].as_str()).collect();
    for field in ["references", "answer", "owner", "needed", "due"] {
        assert!(named.contains(&format!("/content/{field}").as_str()), "{field} is said later: {refused}");
    }
}

#[test]
fn only_people_who_can_act_are_offered_as_owners_and_a_short_list_says_why() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora Blythe", &[Role::ComplianceOfficer]);
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    house.person("Abe Approver", &[Role::Approver]);
    house.person("Aud Itor", &[Role::Auditor]);
    house.person("Nils Nobody", &[]);
    house.person("Dev Eloper", &[Role::Developer]);
    for path in ["/registers/task/new", "/registers/ai_system/new", "/systems/new"] {
        let page = cora.page(path);
        let offered = owners(&page);
        assert!(offered.contains("Dev Eloper") && offered.contains("Cora Blythe"), "{path}: {offered}");
        for who in ["Abe Approver", "Aud Itor", "Nils Nobody"] {
            assert!(!offered.contains(who), "{path} offers {who}, who can take no step: {offered}");
        }
        assert!(page.contains("auditors and approvers cannot"), "{path} does not say who is left out");
    }
    let system = house.live_system(&house.session(&olga.person), "Loan support");
    let page = olga.page(&format!("/registers/ai_system/new?system={system}"));
    assert!(owners(&page).contains("You") && !owners(&page).contains("Cora"), "{}", owners(&page));
    assert!(page.contains("you can name yourself alone"), "a list of one does not say why: {page}");
    // Who is named already stays named, whoever edits.
    let path = opened(&house, &cora, "task", &task(&house.person("Aude", &[Role::Auditor]).0));
    let edit = cora.page(&format!("{path}/edit"));
    assert!(owners(&edit).contains("(as it is)"), "saving would change who answers: {}", owners(&edit));
}

#[test]
fn records_and_addresses_in_evidence_lead_there_and_nothing_that_runs_does() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let path = opened(&house, &cora, "task", &task(&dev.person));
    let token = house.session(&dev.person);
    let api = path.replace("/registers/task/", "/api/v1/registers/task/items/");
    let mut content = task(&dev.person);
    content["answer"] = json!("Done.");
    content["evidence"] = json!([
        "#1 the first",
        "see entry #2.",
        "https://example.org/a?b=1",
        "javascript:alert(1)",
        "#999999",
        "http://127.0.0.1:8087/controls/8.4",
        "https://example.org/ and more"
    ]);
    house.put(&token, &api, "\"1\"", &json!({"content": content})).ok();
    let page = cora.page(&path);
    for led in [
        "href=\"/ledger/1\"",
        "href=\"/ledger/2\"",
        "href=\"https://example.org/a?b=1\"",
        "href=\"/controls/8.4\"",
    ] {
        assert!(plain(&page).contains(led), "{led} has to be typed by whoever follows it: {page}");
    }
    for not in ["href=\"javascript:", "/ledger/999999", "href=\"https://example.org/ and"] {
        assert!(!plain(&page).contains(not), "{not} is a link: {page}");
    }
    assert!(!abe.page(&path).contains("href=\"/ledger/"), "who may not read entries is led to one");
    // The form offers records and controls to pick from, those alone that may be opened.
    let form = cora.page(&format!("{path}/edit"));
    assert!(
        form.contains("data-pick=\"item-evidence\"")
            && plain(&form).contains("saved a revision: Assess the fraud screen"),
        "records have to be known by number: {form}"
    );
    assert!(form.contains("<option value=\"A.5.4\">"), "controls have to be known by heart");
    let mut others = task(&cora.person);
    others["name"] = json!("Out of reach");
    opened(&house, &cora, "task", &others);
    assert!(cora.page(&format!("{path}/edit")).contains("Out of reach"), "the test looks for nothing");
    let own = dev.page(&format!("{path}/edit"));
    assert!(!own.contains("Out of reach"), "a record out of reach is offered: {own}");
}

#[test]
fn the_page_of_work_says_each_thing_once() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let path = opened(&house, &cora, "task", &task(&dev.person));
    cora.follow(&cora.send(&path, "note", &[("text", "Mind the holidays")]));
    let page = cora.page(&path);
    assert_eq!(page.matches("Mind the holidays").count(), 1, "a comment stands twice: {page}");
    for label in ["Owner", "Due", "Clauses and controls"] {
        let shown = &page[..page.find("id=\"part-history\"").expect("the history")];
        assert_eq!(shown.matches(&format!("<dt>{label}")).count(), 1, "{label} stands twice: {shown}");
    }
    assert!(cora.page(&format!("{path}/history")).contains("Mind the holidays"), "the history leaves it out");
    // Somebody slower reads what happened, not a digest.
    let (action, mut fields) = form_of(&cora.page(&path), "state");
    fields
        .extend([("state", "withdrawn"), ("reason", "late")].map(|(name, text)| (name.into(), text.into())));
    let token = house.session(&dev.person);
    let api = path.replace("/registers/task/", "/api/v1/registers/task/items/");
    let mut content = task(&dev.person);
    content["answer"] = json!("Done.");
    house.put(&token, &api, "\"1\"", &json!({"content": content})).ok();
    let stale = cora.post(&action, &fields);
    let page = stale.text();
    let title = page.split("class=\"note-title\">").find(|part| part.starts_with("Nothing was recorded"));
    let title = title.and_then(|part| part.split('<').next()).expect("a headline");
    assert!(
        stale.status == 412 && title.contains("somebody else changed it") && title.len() < 80,
        "the headline is for programs: {title}"
    );
}

#[test]
fn who_does_not_answer_for_a_system_reads_facts_and_is_shown_no_form() {
    let house = House::new();
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    let otto = Browser::of(&house, "Otto", &[Role::BusinessOwner]);
    let system = house.live_system(&house.session(&olga.person), "Loan support");
    let edit = otto.get(&format!("/systems/{system}/edit"));
    let page = edit.text();
    assert!(
        edit.status == 403
            && page.contains("You do not answer for this system")
            && page.contains("Loan support"),
        "{page}"
    );
    assert!(!page.contains("form-system"), "a form is shown that can only be refused: {page}");
    assert!(olga.page(&format!("/systems/{system}/edit")).contains("form-system"));
}

#[test]
fn a_view_of_what_is_due_soon_says_the_same_tomorrow() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let mut content = task(&dev.person);
    content["due"] = json!("2026-04-10");
    opened(&house, &cora, "task", &content);
    let list = cora.page("/registers/task");
    assert!(list.contains("/registers/task?open=true&#38;within=30"), "the view names a day: {list}");
    let soon = "/registers/task?open=true&within=30";
    assert!(!cora.page(soon).contains("Assess the fraud screen"), "what is due in 39 days is due in 30");
    house.clock.set(tabellion_model::Micros::parse_date("2026-03-20T09:00:00Z").expect("a time"));
    let later = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    assert!(later.page(soon).contains("Assess the fraud screen"), "a kept view stays at its day");
    assert!(later.page(soon).contains("within 30 days"), "the filter is not said");
}

#[test]
fn the_chart_of_the_last_day_holds_the_calls_of_the_last_day() {
    let house = House::new();
    let (_, admin) = house.person("Adm", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let at = |text: &str| house.clock.set(tabellion_model::Micros::parse_date(text).expect("a time"));
    house.calls(&system, &key);
    at("2026-03-05T08:00:00Z");
    house.calls(&system, &key);
    at("2026-03-05T11:00:00Z");
    house.calls(&system, &key);
    let page = Browser::of(&house, "Ada", &[Role::Administrator]).page("/");
    let from = page.find("Calls of the last 24 hours").expect("a chart");
    let chart = &page[from..from + page[from..].find("</table>").expect("its numbers")];
    assert!(
        !chart.contains("2026-03-02") && !chart.contains("2 Mar"),
        "what stands under the last 24 hours is older: {chart}"
    );
}
