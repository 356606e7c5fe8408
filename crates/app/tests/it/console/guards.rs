//! Guards in the console: as they stand, tried from the page, and told on every page when a canary got through.

use tabellion_model::body::{ProbeResult, Role};

use super::browser::Browser;
use crate::api::house::House;
use crate::api::probes::{known, record, record_measured};

/// Requirement: N19.
#[test]
fn guards_are_shown_as_proven_or_not_and_a_canary_that_got_through_on_every_page() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    assert!(ada.page("/guards").contains("No gateway runs here"), "an empty page says nothing");
    known(&house);
    let page = ada.page("/guards");
    assert!(page.contains("Configured, not proven") && !page.contains(">Proven<"), "{page}");
    assert!(!dev.page("/guards").contains("form-probe-guards"), "a form is shown that can only be refused");
    let page = ada.follow(&ada.send("/guards", "probe-guards", &[]));
    assert!(page.contains("Proven") && !page.contains("Configured, not proven"), "{page}");
    assert!(page.contains("Canaries were sent: recorded at #"), "nobody is told where: {page}");
    assert!(page.contains("href=\"/ledger/"), "the record is not linked: {page}");
    assert!(!dev.page("/guards").contains("href=\"/ledger/"), "a link leads to what the reader may not open");
    assert!(page.contains("Export CSV"), "the column that is hidden cannot be shown: {page}");
    assert!(!dev.page("/").contains("data-testid=\"bypassed\""), "an alarm without a reason");
    record(&house.ledger, ProbeResult::GotThrough);
    house.desk.refresh().expect("views follow");
    for page in ["/", "/policies", "/guards"] {
        assert!(
            dev.page(page).contains("data-testid=\"bypassed\""),
            "{page} hides that a canary got through"
        );
    }
    assert!(ada.page("/guards").contains("Can be bypassed"));
}

/// Requirement: B07. The page says how much was found of how much, and when; of another version it gives no share.
#[test]
fn measurements_are_shown_with_what_they_are_of() {
    let house = House::new();
    let dev = Browser::of(&house, "Dev", &[Role::Developer]);
    known(&house);
    assert!(dev.page("/guards").contains("Not measured"), "a guard that nobody measured looks measured");
    record_measured(&house.ledger, "words.1-abcd");
    house.desk.refresh().expect("views follow");
    let page = dev.page("/guards");
    assert!(page.contains("27 of 30 (90 %)") && page.contains("1 of 24 (5 %)"), "{page}");
    record_measured(&house.ledger, "words.1-other");
    house.desk.refresh().expect("views follow");
    let page = dev.page("/guards");
    assert!(page.contains("27 of 30, then") && page.contains("Stale"), "{page}");
    assert!(!page.contains("(90 %)"), "another version's share is shown: {page}");
}
