//! Views of lists that people keep: for them alone, in every browser, without a script.

use serde_json::json;
use tabellion_app::work::saved_views::{MAX_VIEW_NAME_CHARS, MAX_VIEWS_OF_PAGE};
use tabellion_ledger::{ErasureTarget, UnitContent};
use tabellion_model::body::Role;

use super::browser::{Browser, come_in, form_of};
use crate::api::house::House;

const LIST: &str = "/systems?q=loan&sort=-name&cols=name&cols=owner";

/// The line of views above a list.
fn views(page: &str) -> String {
    let Some(from) = page.find("<nav class=\"views\"") else { return String::new() };
    page[from..from + page[from..].find("</nav>").expect("its end")].to_owned()
}

#[test]
fn a_view_is_kept_for_its_person_in_every_browser_and_removed() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    house.live_system(&admin, "Loan support");
    assert!(
        !ada.page("/systems").contains("form-view-systems"),
        "a list as it always is can be kept as a view"
    );
    let size = house.ledger.reader().size();
    let saved = ada.send(&format!("{LIST}&page=1"), "view-systems", &[("name", "My <loans>")]);
    let page = ada.follow(&saved);
    assert!(page.contains("Recorded at"), "nobody is told where it was recorded: {page}");
    let entry = house.get(&admin, &format!("/api/v1/entries/{size}")).ok().json();
    assert_eq!(
        (entry["type"].as_str(), entry["actor"].as_str()),
        (Some("view.saved"), Some(ada.person.as_str())),
        "{entry}"
    );
    assert!(!entry["stream"].to_string().contains("loan"), "what it is called stands in clear: {entry}");
    assert_eq!(
        entry["units"][0]["personal"],
        json!(true),
        "its name is not erased with what is about the person"
    );
    // Another browser of the same person has it; its link gives the list as it was.
    let again = Browser {
        house: &house,
        cookie: come_in(&house, &house.link(&ada.person)),
        person: ada.person.clone(),
    };
    let line = views(&again.page("/systems"));
    assert!(line.contains("My &#60;loans&#62;"), "it is in one browser alone, or as it was typed: {line}");
    let href = LIST.replace('&', "&#38;");
    assert!(line.contains(&href), "it leads to something else than was kept: {line}");
    let shown = again.page(LIST);
    assert!(views(&shown).contains("aria-current=\"true\"><bdi>My"), "the view that is on is not marked");
    assert!(!shown.contains("form-view-systems"), "what is kept can be kept again");
    assert!(!views(&again.page("/calls")).contains("loans"), "it stands above another list too");
    for other in
        [Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]), Browser::of(&house, "Bo", &[Role::Auditor])]
    {
        assert!(!views(&other.page("/systems")).contains("loans"), "somebody else is shown it");
        let from = line.find("action=\"").expect("a form") + 8;
        let remove = &line[from..from + line[from..].find('"').expect("its end")];
        let (_, mut fields) = form_of(&other.page(LIST), "view-systems");
        fields.retain(|(name, _)| name == "csrf" || name == "page");
        assert_eq!(other.post(remove, &fields).status, 404, "somebody else can remove it");
    }
    // The same name again replaces it when that is meant, and not before.
    let other = "/systems?q=triage";
    let asked = again.send(other, "view-systems", &[("name", "My <loans>")]);
    assert_eq!(asked.status, 409, "a view is replaced unseen: {}", asked.text());
    assert!(views(&ada.page("/systems")).contains("q=loan"), "what was only asked is done");
    let (action, mut fields) = form_of(&asked.text(), "view");
    fields
        .extend([("name", "My <loans>"), ("replace", "yes")].map(|(name, text)| (name.into(), text.into())));
    again.follow(&again.post(&action, &fields));
    let line = views(&ada.page("/systems"));
    assert!(line.contains(other) && !line.contains("q=loan"), "two views have one name: {line}");
    assert_eq!(line.matches("class=\"own\"").count(), 1, "{line}");
    let from = line.find("action=\"").expect("a form") + 8;
    let remove = line[from..from + line[from..].find('"').expect("its end")].to_owned();
    let (_, mut fields) = form_of(&ada.page(LIST), "view-systems");
    fields.retain(|(name, _)| name == "csrf" || name == "page");
    let page = ada.follow(&ada.post(&remove, &fields));
    assert!(!views(&page).contains("loans"), "a view that was removed is still there: {page}");
    assert_eq!(ada.post(&remove, &fields).status, 404, "what is not there is removed again");
}

#[test]
fn what_is_no_view_of_a_list_is_refused_and_there_is_a_limit() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let size = house.ledger.reader().size();
    for (what, typed) in [
        ("no name", vec![("name", "  ")]),
        ("an endless name", vec![("name", "long".repeat(MAX_VIEW_NAME_CHARS).leak() as &str)]),
        ("another site", vec![("name", "a"), ("page", "//evil.example/calls")]),
        ("no page of ours", vec![("name", "a"), ("page", "/nowhere")]),
        ("nothing to keep", vec![("name", "a"), ("query", "page=2&as_of=1")]),
        (
            "an endless query",
            vec![("name", "a"), ("query", format!("q={}", "x".repeat(3000)).leak() as &str)],
        ),
    ] {
        let refused = ada.send(LIST, "view-systems", &typed);
        assert_eq!(refused.status, 400, "{what} is kept: {}", refused.text());
    }
    assert_eq!(house.ledger.reader().size(), size, "what was refused was recorded");
    for number in 0..MAX_VIEWS_OF_PAGE {
        ada.follow(&ada.send(
            LIST,
            "view-systems",
            &[("name", &format!("view {number}")), ("query", &format!("q={number}"))],
        ));
    }
    let full = ada.send(LIST, "view-systems", &[("name", "one more"), ("query", "q=more")]);
    assert_eq!(full.status, 409, "there is no end of views: {}", full.text());
    assert!(full.text().contains("remove one first"), "nobody is told what to do: {}", full.text());
    ada.follow(&ada.send("/calls?state=denied", "view-calls", &[("name", "another list has room")]));
}

#[test]
fn a_persons_views_are_erased_with_them() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    ada.follow(&ada.send(LIST, "view-systems", &[("name", "Complaints of Mrs Q")]));
    let index = house.ledger.reader().size() - 2;
    let is_said = || {
        let units = house.ledger.reader().entry(index).expect("the record").units;
        units.iter().any(|unit| match &unit.content {
            UnitContent::Shown(fields) => fields.iter().any(|field| field.value() == "Complaints of Mrs Q"),
            UnitContent::Erased | UnitContent::Missing => false,
        })
    };
    assert!(is_said(), "the name is nowhere, and nothing is tried");
    house.ledger.erase(&ErasureTarget::Subject(ada.person.clone()), "they left").expect("an erasure");
    assert!(!is_said(), "what somebody called a view outlives their erasure");
    house.desk.refresh().expect("views");
    let person = tabellion_model::CredentialId::from_hex(&ada.person).expect("an id");
    assert_eq!(house.desk.views().saved_views(&person).expect("views"), [], "the views still have it");
}
