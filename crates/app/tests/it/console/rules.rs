//! Rules over numbers in the console: set and ended on pages by whoever may, with the number, and whether it is known.

use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;

const PATH: &str = "/rules/denials";

/// What is typed for a rule over denials of `system`.
fn typed<'t>(system: &'t str, threshold: &'t str, minutes: &'t str) -> [(&'static str, &'t str); 9] {
    [
        ("name", "denials"),
        ("why", "somebody tries <b>what is forbidden</b>"),
        ("metric", "denied_per_10000"),
        ("comparison", "above"),
        ("threshold", threshold),
        ("window_minutes", minutes),
        ("at_least", "3"),
        ("system", system),
        ("note", "a first guess"),
    ]
}

/// Requirement: P32.
#[test]
fn a_rule_is_set_on_a_page_fires_and_is_ended() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let gina = Browser::of(&house, "Gina", &[Role::GovernanceEngineer]);
    let before = house.ledger.reader().size();
    assert!(gina.page("/rules").contains("No rule is in force"), "an empty page says nothing");
    for (threshold, minutes, why) in [
        ("NaN", "60", "Write a number such as 250"),
        ("2.555", "60", "Write a number"),
        ("25", "an hour", "Write a whole number"),
    ] {
        let refused = gina.send("/rules/new", "set-rule", &typed(&system, threshold, minutes));
        assert!(refused.status == 400 && refused.text().contains(why), "{}", refused.text());
    }
    let page = gina.follow(&gina.send("/rules/new", "set-rule", &typed(&system, "25.5", "90")));
    for part in [
        "Rule denials",
        "Share of calls denied above 25.50 % in 90 minutes, of at least 3",
        "Unknown",
        "fewer observations than the rule asks for",
        "somebody tries &#60;b&#62;what is forbidden&#60;/b&#62;",
        "Loan support",
        "It never fired",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let again = gina.send("/rules/new", "set-rule", &typed(&system, "30", "60"));
    assert!(again.text().contains("was set before"), "a form that has not seen a rule replaces it");
    house.calls(&system, &key);
    house.calls(&system, &key);
    assert_eq!(house.desk.look_at_rules().expect("a look"), 1);
    let page = gina.page(PATH);
    assert!(page.contains("Fired") && page.contains("50.00 %"), "{page}");
    let list = gina.page("/rules");
    assert!(list.contains("Fired") && list.contains("50.00 %") && list.contains(PATH), "{list}");
    let own = gina.page(&format!("/systems/{system}"));
    assert!(own.contains(PATH), "the system's page hides it: {own}");
    let then = gina.page(&format!("/rules?as_of={before}"));
    assert!(then.contains("No rule is in force") && !then.contains(PATH), "{then}");
    let csv = gina.get("/rules?format=csv").ok().text();
    assert!(csv.starts_with("\"Rule\",\"State\"") && csv.contains("\"denials\",\"Fired\""), "{csv}");
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert!(!auditor.page(PATH).contains("form-set-rule"), "an auditor is offered what is refused");
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    assert_eq!(developer.get(PATH).status, 404, "a rule over others' calls is shown");
    let anew = typed(&system, "60", "60");
    let page = gina.follow(&gina.send(PATH, "set-rule", anew.get(1..).expect("all but the name")));
    assert!(page.contains("above 60.00 % in 1 hour") && page.contains("Fired"), "{page}");
    let page = gina.follow(&gina.send(PATH, "end-rule", &[("reason", "the year is over")]));
    assert!(page.contains("the year is over") && !page.contains("form-end-rule"), "{page}");
    let list = gina.page("/rules");
    assert!(list.contains("fold-ended") && list.contains("No rule is in force"), "{list}");
}
