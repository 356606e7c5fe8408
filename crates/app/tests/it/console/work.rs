//! Work and requests on the pages: on the control they are about, in its list, at home, in the inbox, and in the form.

use serde_json::{Value, json};
use tabellion_model::body::Role;

use super::browser::{Browser, form_of, plain};
use crate::api::house::House;
use crate::api::work::{request, task};

/// Opens an item through the API and gives its page.
fn opened(house: &House, browser: &Browser<'_>, register: &str, content: &Value) -> String {
    let token = house.session(&browser.person);
    let path = format!("/api/v1/registers/{register}/items");
    let made = house.post(&token, &path, &json!({"content": content})).ok().json();
    format!("/registers/{register}/{}", made["result"]["summary"]["id"].as_str().expect("an id"))
}

fn item_form(browser: &Browser<'_>, path: &str, typed: &[(&str, &str)]) -> crate::api::client::Answer {
    let (action, mut fields) = form_of(&browser.page(path), "item");
    fields.extend(typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    browser.post(&action, &fields)
}

#[test]
fn a_task_is_begun_on_its_control_and_comes_back_there_with_owner_day_and_state() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let page = cora.page("/controls/8.4");
    assert!(
        page.contains("href=\"/registers/task/new?reference=8.4\"") && page.contains("New task"),
        "nobody can begin a task where it is needed: {page}"
    );
    assert!(!page.contains("New request"), "who is no auditor is offered to ask as one");
    assert!(
        page.contains("None of it changes the status above"),
        "a closed task might be taken for evidence"
    );
    let form = cora.page("/registers/task/new?reference=8.4");
    assert!(
        form.contains("name=\"field.references\"") && form.contains(">\n8.4</textarea>"),
        "the control has to be typed again: {form}"
    );
    // What is missing is said at its field, and nothing typed is lost.
    let refused = item_form(
        &cora,
        "/registers/task/new",
        &[("field.name", "Assess it"), ("field.references", "8.4\r\nA.5.1")],
    );
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("A.5.1") && refused.text().contains("Assess it"), "{}", refused.text());
    let typed = [
        ("field.name", "Assess the fraud screen"),
        ("field.needed", "An assessment"),
        ("field.references", "8.4\r\nA.5.4"),
        ("field.owner", dev.person.as_str()),
    ];
    let refused = item_form(&cora, "/registers/task/new", &typed);
    assert!(refused.status == 422 && refused.text().contains("href=\"#item-due\""), "{}", refused.text());
    let whole: Vec<_> = typed.into_iter().chain([("field.due", "2026-03-01")]).collect();
    let page = cora.follow(&item_form(&cora, "/registers/task/new", &whole));
    assert!(page.contains("It is overdue") && page.contains("It changes no status"), "{page}");

    for control in ["8.4", "A.5.4"] {
        let page = cora.page(&format!("/controls/{control}"));
        let work = &page[page.find("id=\"part-work\"").expect("the work")..];
        for said in ["Assess the fraud screen", "Dev", "2026-03-01, overdue"] {
            assert!(work.contains(said), "{said} is not said on {control}: {work}");
        }
    }
    let list = cora.page("/controls?work=overdue");
    assert!(list.contains("/controls/8.4") && list.contains("/controls/A.5.4"), "{list}");
    assert!(
        list.contains("2026-03-01, overdue") && list.contains("Dev"),
        "who answers until when is not in the list: {list}"
    );
    assert!(!list.contains("\"/controls/5.2\""), "the filter shows what is not overdue: {list}");
    let csv = cora.get("/controls?work=overdue&format=csv").text();
    assert!(csv.contains("2026-03-01"), "the file says nothing of it: {csv}");
    let home = cora.page("/");
    assert!(home.contains("Work and requests") && home.contains("1 open, 1 overdue"), "{home}");
    let found = cora.page("/search?q=fraud+screen");
    assert!(found.contains("Assess the fraud screen"), "search does not find it: {found}");
    let list = cora.page("/registers/task");
    assert!(
        list.contains("it changes no status of a clause or control") && !list.contains("reviewed "),
        "{list}"
    );
    assert!(cora.page("/registers").contains("not approved here"), "work is counted as drafts");

    // Its owner reaches it, and is told; nobody else of that role is.
    let inbox = dev.page("/inbox");
    assert!(inbox.contains("Work on Assess the fraud screen") && inbox.contains("1 day overdue"), "{inbox}");
    let ivo = Browser::of(&house, "Ivo", &[Role::Developer]);
    assert!(
        !ivo.page("/controls/8.4").contains("Assess the fraud screen"),
        "work of others is shown to everybody"
    );
}

#[test]
fn everything_that_is_wrong_with_an_item_is_said_at_once() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let wrong =
        [("field.name", "Assess it"), ("field.references", "A.99"), ("field.owner", &"ab".repeat(16))];
    let refused = item_form(&cora, "/registers/task/new", &wrong).text();
    for field in ["references", "owner", "needed", "due"] {
        assert!(
            refused.contains(&format!("href=\"#item-{field}\"")),
            "{field} is named only after the others are corrected: {refused}"
        );
    }
}

#[test]
fn an_auditor_sees_at_home_what_was_answered_and_closes_it() {
    let house = House::new();
    let aud = Browser::of(&house, "Aud", &[Role::Auditor]);
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let page = aud.page("/controls/A.9.2");
    assert!(page.contains("New request") && !page.contains("New task"), "{page}");
    let path = opened(&house, &aud, "request", &request(&cora.person));
    assert!(aud.page("/").contains("None of them is answered yet"), "{}", aud.page("/"));
    assert!(cora.page("/inbox").contains("Work on Samples of answers"));
    // What was asked is shown, not offered; the answer is.
    let form = cora.page(&format!("{path}/edit"));
    assert!(form.contains("stays as it is") && form.contains("The last three weekly samples"), "{form}");
    assert!(!form.contains("name=\"field.needed\"") && form.contains("name=\"field.answer\""), "{form}");
    assert!(cora.page(&path).contains("Fill in what is asked"), "the way to answer is not offered");
    let typed = [
        ("field.owner", cora.person.as_str()),
        ("field.answer", "Here they are."),
        ("field.evidence", "#12"),
    ];
    let page = cora.follow(&item_form(&cora, &format!("{path}/edit"), &typed));
    assert!(page.contains("Here they are.") && page.contains("Hand it over"), "{page}");
    let page = cora.follow(&cora.send(&path, "state", &[("state", "answered"), ("reason", "complete")]));
    assert!(page.contains("It waits for a second person"), "{page}");
    assert!(!page.contains("<option value=\"closed\""), "who answered is offered to close it: {page}");
    assert!(aud.page("/").contains("One of them is answered"), "{}", aud.page("/"));
    assert!(aud.page("/inbox").contains("Close Samples of answers, or send it back"));
    let page = aud.page(&path);
    assert!(page.contains("Close it or send it back"), "{page}");
    assert!(!page.contains(&format!("{path}/edit")), "an auditor is offered to write an answer");
    let page = aud.follow(&aud.send(&path, "state", &[("state", "closed"), ("reason", "enough")]));
    assert!(page.contains("Closed"), "{page}");
    assert!(
        !aud.page("/controls/A.9.2").contains("Samples of answers</a>")
            || !aud.page("/").contains("What you asked for")
    );
}

#[test]
fn comments_stand_with_every_item_and_hostile_text_stays_text() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let hostile = "<script>alert('x')</script>";
    let mut content = task(&cora.person);
    content["name"] = hostile.into();
    content["needed"] = hostile.into();
    let path = opened(&house, &cora, "task", &content);
    let unsaid = abe.send(&path, "note", &[("text", "  ")]);
    assert_eq!(unsaid.status, 400, "an empty comment is kept: {}", unsaid.text());
    let page = abe.follow(&abe.send(&path, "note", &[("text", hostile)]));
    assert!(page.contains("id=\"part-notes\"") && plain(&page).contains("commented"), "{page}");
    for path in
        [path.as_str(), "/controls/8.4", "/controls", "/", "/inbox", "/registers/task", "/search?q=script"]
    {
        let page = cora.page(path);
        assert!(!page.contains("<script>alert"), "{path} runs what somebody typed: {page}");
        assert!(
            path == "/controls" || page.contains("alert(&#39;x&#39;)"),
            "{path} hides what somebody typed: {page}"
        );
    }
}

/// Whoever looks back may have come in since: the page shows the item of then and offers nothing.
#[test]
fn an_item_is_shown_as_of_a_moment_before_the_session_began() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let path = opened(&house, &cora, "task", &task(&dev.person));
    let then = house.ledger.reader().size();
    let later = Browser::of(&house, "Lea", &[Role::GovernanceEngineer]);
    for path in [format!("{path}?as_of={then}"), format!("{path}/history?as_of={then}")] {
        let answer = later.get(&path);
        assert_eq!(answer.status, 200, "{path} is not shown to who came in after it: {}", answer.text());
        assert!(!answer.text().contains("Take the step"), "the past is offered to be changed");
    }
}

/// What waits for its second person is late for nobody.
#[test]
fn overdue_is_what_its_owner_has_not_answered_in_time() {
    let house = House::new();
    let cora = Browser::of(&house, "Cora", &[Role::ComplianceOfficer]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    let mut late = task(&dev.person);
    late["due"] = json!("2026-03-01");
    let path = opened(&house, &cora, "task", &late);
    let name = late["name"].as_str().expect("a title").to_owned();
    let overdue = "/registers/task?overdue=true";
    assert!(cora.page(overdue).contains(&name), "an overdue task is not found");
    let mut today = task(&dev.person);
    today["due"] = json!("2026-03-02");
    today["name"] = json!("In time until midnight");
    opened(&house, &cora, "task", &today);
    assert!(
        !cora.page(overdue).contains("In time until midnight"),
        "a day that is not over counts as missed"
    );
    let token = house.session(&dev.person);
    let api = path.replace("/registers/task/", "/api/v1/registers/task/items/");
    late["answer"] = json!("Done and filed");
    house.put(&token, &api, "\"1\"", &json!({"content": late})).ok();
    house.post(&token, &format!("{api}/state"), &json!({"state": "answered", "reason": "done"})).ok();
    assert!(!cora.page(overdue).contains(&name), "what waits for a second person stands under Overdue");
}
