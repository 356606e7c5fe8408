//! What placeholders stand for in the console: behind a reason, on a page that is shown once, and listed on the page of the call.

use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;
use crate::api::unmasking::{EMAIL, OF_EMAIL, kept_call};

/// Requirement: G17.
#[test]
fn a_value_is_shown_on_one_page_once_and_the_call_says_who_asked() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let (_, call) = kept_call(&house, &system, &key);
    let path = format!("/calls/{call}");
    let officer = Browser::of(&house, "Cleo Marsh", &[Role::ComplianceOfficer]);
    let page = officer.page(&path);
    for part in ["kept of 2 placeholders", "the answer kept them", "Nobody has asked"] {
        assert!(page.contains(part), "{part} is not said: {page}");
    }
    assert!(!page.contains(EMAIL), "a value is shown to whoever opens the call");
    let from = page.find("id=\"form-unmask\"").expect("the form");
    let form = &page[from..from + page[from..].find('>').expect("its end")];
    assert!(!form.contains("data-draft"), "the browser keeps what is typed: {form}");
    let empty = officer.send(&path, "unmask", &[("reason", "  ")]);
    assert!(empty.status == 400 && !empty.text().contains(EMAIL), "no reason is taken for one");

    let typed = [("reason", "Complaint 2026-114"), ("placeholders", OF_EMAIL)];
    let (action, mut fields) = super::browser::form_of(&officer.page(&path), "unmask");
    fields.extend(typed.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
    let shown = officer.post(&action, &fields).ok();
    assert!(shown.text().contains(EMAIL), "who gave a reason is not shown it: {}", shown.text());
    assert!(!shown.text().contains("DE89"), "more is shown than was asked for");
    assert_eq!(shown.header("cache-control"), Some("no-store"), "the browser keeps the page");
    let again = officer.post(&action, &fields).ok();
    assert!(
        !again.text().contains(EMAIL) && again.text().contains("They were shown before"),
        "the page can be had again by sending it again: {}",
        again.text()
    );
    let auditor = Browser::of(&house, "Noor", &[Role::Auditor]);
    let page = auditor.page(&path);
    for part in ["Complaint 2026-114", "Cleo Marsh", "&#60;EMAIL_7Q2K4F&#62;"] {
        assert!(page.contains(part), "{part}: who asked is not on the page of the call: {page}");
    }
    assert!(!page.contains(EMAIL) && !page.contains("form-unmask"), "an auditor is offered the values");
}
