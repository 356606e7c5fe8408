//! Two people change a policy on pages; and the console says plainly where one person can, and where nothing is in force.

use tabellion_model::body::Role;

use super::browser::{Browser, plain};
use crate::api::house::House;

const OPEN: &str = "@id(\"all\") permit (principal, action, resource);";

/// Requirement: N16.
#[test]
fn a_policy_is_put_forward_on_one_page_and_confirmed_on_another_by_somebody_else() {
    let house = House::of_two_people();
    let gus = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let eva = Browser::of(&house, "Eva", &[Role::GovernanceEngineer]);
    let form = plain(&gus.page("/policies/new"));
    assert!(form.contains("Put it forward") && !form.contains("Publish the policy"), "{form}");
    let typed = [("name", "base"), ("text", OPEN), ("note", "what the board decided")];
    let page = plain(&gus.follow(&gus.send("/policies/new", "policy", &typed)));
    assert!(page.contains("It waits for a second person"), "it seems to be in force: {page}");
    assert!(house.desk.views().gate_now().policies.is_empty(), "one person published a policy");
    assert!(plain(&eva.page("/inbox")).contains("Confirm a change of the policy base"), "nobody is asked");
    assert!(
        !plain(&gus.page("/inbox")).contains("Confirm a change"),
        "who put it forward is asked to confirm it"
    );
    let shown = plain(&eva.page("/policies/base/proposal"));
    assert!(
        shown.contains("permit (principal, action, resource);") && shown.contains("what the board decided"),
        "{shown}"
    );
    let own = gus.send("/policies/base/proposal", "confirm-policy", &[("reason", "it is mine")]);
    assert_eq!(own.status, 403, "{}", own.text());
    let confirmed = eva.send("/policies/base/proposal", "confirm-policy", &[("reason", "read it")]);
    let page = plain(&eva.follow(&confirmed));
    assert!(page.contains("In force"), "{page}");
    assert!(!house.desk.views().gate_now().policies.is_empty(), "what two people wanted is not in force");
    // A new version and the end of it wait likewise.
    let text = "@id(\"none\") forbid (principal, action, resource);";
    gus.follow(&gus.send("/policies/base/edit", "policy", &[("text", text), ("note", "enough")]));
    let page = plain(&eva.page("/policies/base"));
    assert!(page.contains("See what waits"), "the policy's page says nothing of what waits: {page}");
    gus.follow(&gus.send("/policies/base", "withdraw", &[("reason", "altogether")]));
    let shown = plain(&eva.page("/policies/base/proposal"));
    assert!(shown.contains("the policy is to go out of force"), "{shown}");
    assert!(!house.desk.views().gate_now().policies.is_empty(), "one person took a policy out of force");
}

/// Requirement: N16, N19.
#[test]
fn the_console_says_where_one_person_can_publish_and_where_nothing_is_in_force() {
    let house = House::new();
    let gus = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    let none = "No policy is in force: every call is denied";
    for browser in [&gus, &auditor] {
        assert!(
            plain(&browser.page("/")).contains(none),
            "whoever looks for the reason of denials finds none"
        );
        assert!(plain(&browser.page("/policies")).contains("One person can publish"), "nobody is told");
    }
    gus.follow(&gus.send("/policies/new", "policy", &[("name", "base"), ("text", OPEN), ("note", "first")]));
    assert!(!plain(&auditor.page("/")).contains(none), "it still says that nothing is in force");
    let two = House::of_two_people();
    let eva = Browser::of(&two, "Eva", &[Role::GovernanceEngineer]);
    assert!(
        !plain(&eva.page("/policies")).contains("One person can publish"),
        "one person seems to be able to"
    );
}
