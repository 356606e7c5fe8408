//! As of then: what a page shows of an earlier moment was so then, and a page that cannot tell says so.

use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;

#[test]
fn policies_and_keys_are_shown_as_they_were() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    browser.follow(&browser.send(
        "/policies/new",
        "policy",
        &[("name", "rules"), ("text", "permit one"), ("note", "first")],
    ));
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let then = house.ledger.reader().size();
    browser.follow(&browser.send(
        "/policies/rules/edit",
        "policy",
        &[("text", "permit two"), ("note", "second")],
    ));
    browser.follow(&browser.send(&format!("/keys/{key}"), "revoke", &[("reason", "lost")]));
    browser.follow(&browser.send(
        "/policies/new",
        "policy",
        &[("name", "later"), ("text", "permit"), ("note", "later")],
    ));
    let page = browser.page(&format!("/policies/rules?as_of={then}"));
    assert!(
        page.contains("permit one") && !page.contains("permit two"),
        "a text that came later is shown as what was in force: {page}"
    );
    assert!(
        page.contains("As of 2026-03-02") && page.contains("Read only"),
        "the past looks like the present"
    );
    assert!(
        !page.contains("id=\"form-withdraw\"") && !page.contains("Publish a new version"),
        "the past is offered to be changed"
    );
    let list = browser.page(&format!("/policies?as_of={then}"));
    assert!(list.contains("rules") && !list.contains("later"), "a policy that came later is shown: {list}");
    assert_eq!(
        browser.get(&format!("/policies/later?as_of={then}")).status,
        404,
        "a policy that came later is shown"
    );
    assert!(
        browser.page(&format!("/keys?as_of={then}")).contains("Works"),
        "a key that worked then is shown as ended"
    );
    assert!(browser.page("/keys").contains("Revoked"));
    assert!(
        browser.page(&format!("/policies?as_of={then}")).contains(&format!("/policies/rules?as_of={then}")),
        "a link leads back to the present unseen"
    );
}

#[test]
fn a_call_that_ended_later_was_open_then() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let (answered, denied) = house.calls(&system, &key);
    let browser = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let now = browser.page(&format!("/calls/{answered}"));
    assert!(now.contains("Answered"), "{now}");
    let decided: u64 = now
        .split("data-entry=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .and_then(|index| index.parse().ok())
        .expect("the entry of the decision");
    let then = browser.page(&format!("/calls/{answered}?as_of={}", decided + 1));
    assert!(
        then.contains("state fair\">Open") && !then.contains("Answered"),
        "an end that was recorded later is shown: {then}"
    );
    let list = browser.page(&format!("/calls?as_of={}", decided + 1));
    assert!(list.contains(&answered) && !list.contains(&denied), "a call that came later is shown");
    assert_eq!(
        browser.get(&format!("/calls/{denied}?as_of={}", decided + 1)).status,
        404,
        "a call that came later is shown"
    );
    let unclear = browser.get(&format!("/calls?state=answered&as_of={}", decided + 1));
    assert_eq!(unclear.status, 400, "outcomes of now are filtered by as if they were those of then");
}

#[test]
fn systems_people_registers_and_controls_are_shown_as_they_were() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator, Role::ComplianceOfficer]);
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let then = house.ledger.reader().size();
    house.person("Zebulon Quagmire", &[Role::Auditor]);
    house.live_system(&admin, "Later system");
    browser.follow(&browser.send(
        &format!("/systems/{system}"),
        "stage",
        &[("stage", "paused"), ("reason", "a look at it")],
    ));
    browser.follow(&browser.send(&format!("/keys/{key}"), "revoke", &[("reason", "lost")]));
    let past = |path: &str| browser.page(&format!("{path}?as_of={then}"));
    let systems = past("/systems");
    assert!(
        systems.contains("Loan support") && systems.contains("Live") && !systems.contains("Later system"),
        "the inventory of then is not the one of then: {systems}"
    );
    assert!(
        systems.contains(&format!("/systems/{system}?as_of={then}")),
        "a link leads back to the present unseen"
    );
    let page = past(&format!("/systems/{system}"));
    assert!(page.contains("state good\">Live") && !page.contains("Paused</span>"), "{page}");
    assert!(!page.contains("<form class=\"sheet\""), "the past is offered to be changed: {page}");
    assert!(!page.contains("href=\"/systems/{system}/edit"), "the past is offered to be changed");
    let one = past(&format!("/keys/{key}"));
    assert!(
        one.contains("Works") && !one.contains("lost"),
        "a key that worked then is shown as ended: {one}"
    );
    assert!(!past("/people").contains("Zebulon"), "somebody who came later was known then");
    assert!(past("/").contains("What stood here then"), "the first page shows the present");
    for path in ["/registers", "/registers/ai_system", "/soa", "/soa/A.5.2", "/controls", "/controls/8.4"] {
        let page = past(path);
        assert!(
            page.contains("Read only") && !page.contains("Later system"),
            "{path} shows the present: {page}"
        );
    }
    assert!(
        browser.page("/controls/8.4").contains("2 systems in scope"),
        "the test's control looks at no system"
    );
    assert!(past("/controls/8.4").contains("1 system in scope"), "a control counts what came later");
}

#[test]
fn looking_back_gives_nobody_what_they_have_lost() {
    let house = House::new();
    let (owner, token) = house.person("Olga", &[Role::BusinessOwner]);
    let (other, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&token, "Loan support");
    let (key, _) = house.key(&token, &system);
    let (answered, _) = house.calls(&system, &key);
    let then = house.ledger.reader().size();
    let cookie = super::browser::come_in(&house, &house.link(&owner));
    let olga = Browser { house: &house, cookie, person: owner };
    assert_eq!(olga.get(&format!("/calls/{answered}")).status, 200);
    let version = house
        .get(&admin, &format!("/api/v1/systems/{system}"))
        .ok()
        .header("etag")
        .expect("an etag")
        .to_owned();
    let body = serde_json::json!({"name": "Loan support", "owner": other, "purposes": ["support"], "description": ""});
    house
        .ask("PUT", &format!("/api/v1/systems/{system}"))
        .bearer(&admin)
        .header("if-match", &version)
        .json(&body)
        .send()
        .ok();
    for path in [format!("/calls/{answered}"), format!("/keys/{key}")] {
        let answer = olga.get(&format!("{path}?as_of={then}"));
        assert!(
            matches!(answer.status, 403 | 404),
            "{path}: somebody who no longer answers for a system reads on by looking back"
        );
    }
}

#[test]
fn a_page_that_cannot_tell_says_so_and_shows_nothing() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    browser.follow(&browser.send(
        "/systems/new",
        "system",
        &[("name", "Loan support"), ("purposes", "support"), ("capture", "none")],
    ));
    for path in ["/packages", "/inbox", "/systems/new"] {
        let answer = browser.get(&format!("{path}?as_of=1"));
        assert_eq!(answer.status, 404, "{path} shows the present as the past");
        let page = answer.text();
        assert!(page.contains("Not as of then") && !page.contains("Loan support"), "{path}: {page}");
    }
    let packages = browser.get("/packages?as_of=1").text();
    assert!(packages.contains("href=\"/packages?at="), "nobody is led to a package as of then: {packages}");
    assert!(
        browser.page("/packages?at=1").contains("value=\"1\""),
        "the form forgets which moment was meant"
    );
    for wrong in ["tomorrow", "0", "999999", "1970-01-02", "2026-02-30"] {
        let answer = browser.get(&format!("/policies?as_of={wrong}"));
        assert_eq!(answer.status, 400, "{wrong} is taken for a moment: {}", answer.text());
        assert!(answer.text().contains("There is no such moment"), "{}", answer.text());
    }
    let today = browser.page("/policies?as_of=2026-03-02");
    assert!(today.contains("As of 2026-03-02"), "a day is not its last commit: {today}");
    let size = house.ledger.reader().size();
    assert!(browser.page("/ledger?as_of=1").contains("As of"), "the explorer has no past");
    assert_eq!(
        browser.get(&format!("/ledger/{}?as_of=1", size - 1)).status,
        404,
        "an entry that came later is shown"
    );
}
