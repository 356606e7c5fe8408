//! Changes of safeguards on pages: what differs, that no reason was given, and giving one.

use serde_json::json;
use tabellion_model::body::Role;

use super::browser::{Browser, plain};
use crate::api::house::House;

/// Requirement: P13.
#[test]
fn whoever_may_publish_is_asked_why_a_start_changed_a_guard() {
    let house = House::new();
    let gus = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let dev = Browser::of(&house, "Dee", &[Role::Developer]);
    let guard =
        |mode: &str| json!({"guard": [{"name": "arms", "kind": "words", "mode": mode, "words": ["gun"]}]});
    house.starts_under(&json!({}), None);
    house.starts_under(&guard("block"), Some("as decided"));
    assert!(!plain(&gus.page("/inbox")).contains("Say why"), "somebody is asked again for what was said");
    house.starts_under(&guard("flag"), None);
    let inbox = gus.page("/inbox");
    assert!(plain(&inbox).contains("Say why a start changed guard.arms"), "nobody is asked: {inbox}");
    assert!(!plain(&dev.page("/inbox")).contains("Say why"), "somebody is asked who may not say it");
    let list = plain(&gus.page("/configuration-changes"));
    assert!(list.contains("Not given") && list.contains("as decided"), "{list}");
    let guards = plain(&gus.page("/guards"));
    assert!(guards.contains("Changed by starts") && guards.contains("Not given"), "{guards}");
    let masking = plain(&gus.page("/masking"));
    assert!(!masking.contains("Not given"), "the page of masking shows what became of a guard: {masking}");
    let at = inbox.find("/configuration-changes/").expect("a way there");
    let path: String = inbox[at..].chars().take_while(|c| *c != '"' && *c != '?' && *c != '#').collect();
    let page = plain(&gus.page(&path));
    assert!(page.contains("block") && page.contains("flag") && page.contains("mode"), "{page}");
    let withheld = plain(&dev.page(&path));
    assert!(
        withheld.contains("Settings are left out") && !withheld.contains("Put it on record"),
        "{withheld}"
    );
    let sent = gus.send(&path, "explain-configuration", &[("reason", "it stopped recipes")]);
    let page = plain(&gus.follow(&sent));
    assert!(page.contains("it stopped recipes") && !page.contains("Not given"), "{page}");
    assert!(!plain(&gus.page("/inbox")).contains("Say why"), "it is asked for although it was said");
}

/// Requirement: P13. The inbox and the list say what became of which guard, and a change's page shows all of what its record says of it.
#[test]
fn what_was_removed_is_told_apart_from_what_was_added_and_settings_are_shown_to_their_end() {
    let house = House::new();
    let gus = Browser::of(&house, "Gus", &[Role::GovernanceEngineer]);
    let long = |ending: &str| format!("{}{ending}", "allowed ".repeat(34));
    let service = |on_error: &str| json!({"url": "https://guard.example.org", "on_error": on_error});
    let guard = |name: &str, ending: &str, on_error: &str| json!({"name": name, "text": long(ending), "service": service(on_error)});
    house.starts_under(&json!({"guard": [guard("arms", "strict", "deny"), guard("old", "", "deny")]}), None);
    house.starts_under(&json!({"guard": [guard("arms", "lenient", "flag")]}), None);
    let title = "removed guard.old; changed guard.arms";
    let inbox = gus.page("/inbox");
    assert!(
        plain(&inbox).contains(&format!("Say why a start {title}")),
        "a guard that is gone looks changed: {inbox}"
    );
    let list = gus.page("/configuration-changes");
    assert!(plain(&list).contains(title), "{list}");
    let at = inbox.find("/configuration-changes/").expect("a way there");
    let path: String = inbox[at..].chars().take_while(|c| *c != '"' && *c != '?' && *c != '#').collect();
    let page = plain(&gus.page(&path));
    assert!(page.contains("strict") && page.contains("lenient"), "the end of a setting is cut off: {page}");
    assert!(page.contains("service.on_error"), "what became of a nested setting is not told: {page}");
    assert!(!page.contains("more characters"), "a setting is cut: {page}");
}
