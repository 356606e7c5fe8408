//! A person changes a policy in the console: what that comes to is shown, and ticked, before it is recorded.

use tabellion_model::body::Role;

use super::browser::{Browser, attribute, form_of, plain};
use crate::api::house::House;

const OPEN: &str = "@id(\"all\") permit (principal, action, resource);";

/// The value of the tick on a page; it is not ticked.
fn tick(page: &str) -> String {
    let at = page.find("name=\"replay\"").expect("something to tick");
    let input = &page[page[..at].rfind("<input").expect("an input")..];
    let input = &input[..input.find('>').expect("its end")];
    assert!(!input.contains("checked"), "it is ticked before anybody looked: {input}");
    attribute(input, "value").expect("a value")
}

/// Requirement: B09.
#[test]
fn what_a_change_comes_to_is_shown_and_ticked() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let browser = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let typed = [("name", "base"), ("text", OPEN), ("note", "first")];
    browser.follow(&browser.send("/policies/new", "policy", &typed));
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.answered(&system, &key, "large", None);
    let size = house.ledger.reader().size();
    // A new text of the same name, and the end of it: both are shown first.
    let text = "@id(\"none\") forbid (principal, action, resource);";
    let typed = [("text", text), ("note", "enough")];
    for (path, form, typed) in [
        ("/policies/base/edit", "policy", &typed[..]),
        ("/policies/base", "withdraw", &[("reason", "enough")][..]),
    ] {
        let answer = browser.send(path, form, typed);
        assert_eq!(answer.status, 409, "{}", answer.text());
        let page = plain(&answer.text());
        assert!(page.contains("What it comes to on recorded decisions"), "{page}");
        assert!(page.contains("Denied now: Loan support"), "nobody sees whom it hits: {page}");
        tick(&answer.text());
    }
    assert_eq!(house.ledger.reader().size(), size, "a change that nobody looked at was recorded");
    // Sent again without the tick it is refused again, with it it is taken.
    let shown = browser.send("/policies/base/edit", "policy", &typed).text();
    let (action, mut fields) = form_of(&shown, "policy");
    fields.extend(typed.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    assert_eq!(browser.post(&action, &fields).status, 409);
    fields.push(("replay".to_owned(), tick(&shown)));
    let page = browser.follow(&browser.post(&action, &fields));
    assert!(plain(&page).contains("forbid (principal, action, resource);"), "{page}");
}
