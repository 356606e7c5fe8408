//! Outside sources in the console.

use serde_json::json;
use tabellion_ledger::Clock as _;
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;

const SOURCE: &str = "5050505050505050505050505050505a";

/// Requirement: W07
#[test]
fn what_a_source_lacks_is_said_before_anything_else() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let ida = Browser::of(&house, "Ida", &[Role::Auditor]);
    assert!(ida.page("/sources").contains("No source yet"), "an empty list does not say what it is for");
    let system = house.live_system(&admin, "Loan support");
    let (_, secret) = house.key(&admin, &system);
    let path = format!("/api/v1/sources/{SOURCE}/deliveries");
    let event = |seq: u64| json!({"seq": seq, "record": {"kind": "event", "event": {"name": "x", "fields": {"n": seq}}}});
    let beat = |last: u64, sent: u64, lost: u64, spooled: u64| json!({"beat": last, "last_seq": last, "sent": sent, "sampled": 0, "lost": lost, "spooled": spooled, "interval_s": 60, "closed": false});
    house
        .post(
            &secret,
            &path,
            &json!({"epoch": 3, "records": [event(1), event(2)], "heartbeat": beat(2, 2, 0, 0)}),
        )
        .ok();
    let page = ida.page(&format!("/sources/{SOURCE}"));
    assert!(page.contains("Complete") && page.contains("Nothing is missing"), "{page}");
    assert!(page.contains("Loan support"), "whose source it is: {page}");

    let lost =
        json!({"epoch": 3, "records": [event(6)], "lost": [{"first": 4, "last": 5, "reason": "spool_full"}]});
    house.post(&secret, &path, &lost).ok();
    house.clock.set(Micros(house.clock.now().0 + 61_000_000));
    house.desk.name_gaps().expect("a look");
    let page = ida.page(&format!("/sources/{SOURCE}"));
    for part in ["Numbers are missing", "On record", "a later number came", "Open", "4 to 5"] {
        assert!(page.contains(part), "the page does not say {part:?}: {page}");
    }
    let (first, facts) = (page.find("Numbers are missing"), page.find("Last heartbeat"));
    assert!(first < facts, "what is missing stands below");
    let listed = ida.page("/sources");
    assert!(listed.contains("Numbers missing") && listed.contains("/sources/5050"), "{listed}");
    house
        .post(&secret, &path, &json!({"epoch": 3, "records": [event(3)], "heartbeat": beat(7, 4, 2, 1)}))
        .ok();
    let page = ida.page(&format!("/sources/{SOURCE}"));
    assert!(!page.contains("Numbers are missing") && page.contains("Complete so far"), "{page}");
    assert!(!page.contains(">Open<"), "a gap that was filled is shown as open: {page}");

    // Another system's owner sees none of it.
    let olga = Browser::of(&house, "Olga", &[Role::BusinessOwner]);
    assert!(olga.page("/sources").contains("No source yet"));
    assert_eq!(olga.get(&format!("/sources/{SOURCE}")).status, 404, "another system's source is shown");
    assert_eq!(ida.get("/sources/xyz").status, 404);
}
