//! What guards said of a call when it was over, on its page.

use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::assessments::{assessment, awaiting};
use crate::api::house::House;

/// Requirement: P13. Its page says that nothing was said yet, then what was, and not as if it had stopped the call; as of a time before it was said, nothing of it.
#[test]
fn what_guards_said_afterwards_is_shown_with_its_call() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let browser = Browser::of(&house, "Abe", &[Role::Administrator]);
    let (plain, _) = house.calls(&system, &key);
    let title = "What guards said afterwards";
    assert!(!browser.page(&format!("/calls/{plain}")).contains(title), "a part without anything in it");
    let call = awaiting(&house, &system, &key);
    house.desk.refresh().expect("views follow");
    let path = format!("/calls/{}", call.1);
    let page = browser.page(&path);
    assert!(page.contains(title) && page.contains("nothing yet"), "silence is not told: {page}");
    let before = house.ledger.reader().size();
    house.append(&assessment(), &system, &key, Some(&call));
    house.desk.refresh().expect("views follow");
    let page = browser.page(&path);
    for part in [
        "they stopped nothing",
        "later, prompt",
        "Found something: off-topic",
        "slow, answer",
        "Could not look: late, unreachable",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    let then = browser.page(&format!("{path}?as_of={before}"));
    assert!(
        then.contains("nothing yet") && !then.contains("off-topic"),
        "it is shown before it was said: {then}"
    );
}
