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
    let list = plain(&gus.page("/configuration"));
    assert!(list.contains("Not given") && list.contains("as decided"), "{list}");
    let guards = plain(&gus.page("/guards"));
    assert!(guards.contains("Changed by starts") && guards.contains("Not given"), "{guards}");
    let masking = plain(&gus.page("/masking"));
    assert!(!masking.contains("Not given"), "the page of masking shows what became of a guard: {masking}");
    let at = inbox.find("/configuration/").expect("a way there");
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
