//! Erasures that take two people, in the console.

use tabellion_ledger::{Draft, UnitContent};
use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::erased_calls::kept_call;
use crate::api::house::House;

fn is_shown(house: &House, index: u64) -> bool {
    let units = house.ledger.reader().entry(index).expect("an entry").units;
    units.iter().any(|unit| unit.personal && matches!(unit.content, UnitContent::Shown(_)))
}

#[test]
fn one_person_asks_on_the_page_and_another_confirms_what_it_shows() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let draft = Draft::new("loan.requested").about("customer-7", "name", "Ada Lovelace");
    let index = house.ledger.append(&draft).expect("an append").index;
    assert!(!abe.page("/erasures").contains("form-ask-erasure"), "a form is shown that can only be refused");
    let wrong = [("scope", "record"), ("named", "customer-7"), ("reason", "r")];
    let refused = cleo.send("/erasures", "ask-erasure", &wrong);
    assert!(refused.status == 400 && refused.text().contains("whole number"), "{}", refused.text());
    let asked = [("scope", "subject"), ("named", "customer-7"), ("reason", "asked to be <forgotten>")];
    let page = cleo.follow(&cleo.send("/erasures", "ask-erasure", &asked));
    assert!(
        page.contains("customer-7") && page.contains("&#60;forgotten&#62;"),
        "what waits is not shown: {page}"
    );
    assert!(is_shown(&house, index), "a request alone erased content");

    let list = abe.page("/erasures");
    assert!(list.contains("customer-7"), "whoever is to confirm cannot tell whom it is about: {list}");
    let from = list.find("/erasures/").expect("a link to the request");
    let path = &list[from..from + "/erasures/".len() + 32];
    let asked_for = abe.page(path);
    assert!(
        asked_for.contains("everything about customer-7") && asked_for.contains("Content keys that it takes"),
        "whoever confirms is not shown what goes: {asked_for}"
    );
    let yes = [("decision", "confirm"), ("reason", "genuine")];
    let own = cleo.send(path, "decide-erasure", &yes);
    assert!(own.status == 403 && is_shown(&house, index), "who asked confirmed: {}", own.text());
    let done = abe.follow(&abe.send(path, "decide-erasure", &yes));
    assert!(done.contains("No erasure waits"), "it waits although it is done: {done}");
    assert!(!is_shown(&house, index), "confirmed content is still there");
    assert_eq!(abe.get(path).status, 404, "what is decided can be decided again");
}

/// Requirement: P48. Whoever may see all content about people gives it to them from the page of erasures, and nobody else is offered that.
#[test]
fn a_person_is_given_what_is_kept_about_them_from_the_page() {
    let house = House::new();
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let draft = Draft::new("loan.requested").about("customer-7", "name", "Ada Lovelace");
    house.ledger.append(&draft).expect("an append");
    assert!(!ada.page("/erasures").contains("form-give-access"), "a form is shown that can only be refused");
    let unknown = [("subject", "nobody"), ("from", ""), ("reason", "her letter")];
    let refused = cleo.send("/erasures", "give-access", &unknown);
    assert!(refused.status == 404 && refused.text().contains("Nothing is kept"), "{}", refused.text());
    let wrong = [("subject", "customer-7"), ("from", "x"), ("reason", "her letter")];
    assert_eq!(cleo.send("/erasures", "give-access", &wrong).status, 400);
    let asked = [("subject", "customer-7"), ("from", ""), ("reason", "her letter")];
    let given = cleo.send("/erasures", "give-access", &asked);
    assert_eq!((given.status, given.header("content-type")), (200, Some("application/zip")), "no file");
    let about = crate::fixture::file(&given.body, "about.json").expect("about.json");
    assert!(String::from_utf8_lossy(about).contains("Ada Lovelace"), "it holds nothing");
    // A download leaves the page with its form where it is, and the form sends its key again.
    for reason in ["her letter", "her second letter"] {
        let typed = [
            ("subject", "customer-7"),
            ("from", ""),
            ("reason", reason),
            ("once", "00112233445566778899aabbccddeeff"),
        ];
        let again = cleo.send("/erasures", "give-access", &typed);
        assert_eq!(again.status, 200, "the form of the page works once: {}", again.text());
    }
}

/// Requirement: P48. Whoever reads a call asks for its erasure where they read it, and nobody else is offered that.
#[test]
fn the_page_of_a_call_asks_for_its_erasure() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let ([index, end], call) = kept_call(&house, &system, &key);
    let path = format!("/calls/{call}");
    let cleo = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let abe = Browser::of(&house, "Abe", &[Role::Approver]);
    let ida = Browser::of(&house, "Ida", &[Role::Auditor]);
    assert!(!ida.page(&path).contains("form-ask-erasure"), "a form is shown that can only be refused");
    assert!(cleo.page(&path).contains("form-ask-erasure"), "nobody finds how a call is erased");
    let asked = [("scope", "call"), ("named", call.as_str()), ("reason", "asked to be forgotten")];
    cleo.follow(&cleo.send("/erasures", "ask-erasure", &asked));
    let list = abe.page("/erasures");
    let from = list.find("/erasures/").expect("a link to the request");
    let one = &list[from..from + "/erasures/".len() + 32];
    let page = abe.page(one);
    let entries = [index, end].map(|entry| format!("#{entry}"));
    assert!(
        page.contains(&call) && entries.iter().all(|entry| page.contains(entry)),
        "what goes is not shown: {page}"
    );
    abe.follow(&abe.send(one, "decide-erasure", &[("decision", "confirm"), ("reason", "genuine")]));
    assert!(!is_shown(&house, index) && !is_shown(&house, end), "confirmed content is still there");
    assert!(!cleo.page(&path).contains("form-ask-erasure"), "what is erased is offered to be erased");
}
