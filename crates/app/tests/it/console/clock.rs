//! A clock that was ahead: whoever can see to it is told until the log's time and the clock agree again.

use tabellion_ledger::Clock as _;
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;

const HOUR: u64 = 60 * 60 * 1_000_000;

#[test]
fn administrators_are_told_of_a_clock_that_was_ahead_until_it_has_caught_up() {
    let house = House::new();
    let admin = Browser::of(&house, "Ada", &[Role::Administrator]);
    let auditor = Browser::of(&house, "Noor", &[Role::Auditor]);
    let told = |browser: &Browser<'_>| browser.page("/").contains("data-testid=\"clock\"");
    assert!(!told(&admin), "a clock that runs well is complained of");
    let right = house.clock.now();
    house.clock.set(Micros(right.0 + 3 * HOUR));
    house.person("Ida", &[]);
    house.clock.set(right);
    assert!(told(&admin), "nobody is told that keys and sessions last longer than they should");
    let page = admin.page("/ledger");
    assert!(
        page.contains("ahead of this machine") && page.contains("time service"),
        "nobody is told what is wrong and what to do: {page}"
    );
    assert!(!told(&auditor), "somebody is told who can do nothing about it");
    // Three hours are made good after six: until then the log's time goes at half the clock's pace.
    house.clock.set(Micros(right.0 + 7 * HOUR));
    assert!(!told(&admin), "the note stays when all is well again");
}
