//! Pages keep to the table of permissions, and what a role may not see is not drawn.

use tabellion_app::api::Access;
use tabellion_app::permission::{Permission, Reach, permitted};
use tabellion_model::body::Role;

use super::browser::{Browser, form_of};
use crate::api::house::House;

#[test]
fn every_page_keeps_to_the_table_for_every_role() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    let mut browsers: Vec<(Vec<Role>, Browser<'_>)> =
        Role::ALL.into_iter().map(|role| (vec![role], Browser::of(&house, role.as_str(), &[role]))).collect();
    browsers.push((vec![], Browser::of(&house, "Nix", &[])));
    for (method, path, access) in tabellion_app::console::pages() {
        let Access::Needs(permission) = access else { continue };
        if path == "/logout" || path.ends_with("/sessions/end") {
            continue; // they would end the test's own session
        }
        let path = path
            .replace("{system}", &system)
            .replace("{key}", &key)
            .replace("{policy}", "base")
            .replace("{index}", "1")
            .replace("{register}", "ai_system")
            .replace("{item}", &system)
            .replace("{control}", "A.5.2");
        let path = path
            .replace("{call}", &"0".repeat(32))
            .replace("{erasure}", &"0".repeat(32))
            .replace("{stop}", &"0".repeat(32))
            .replace("{opening}", &"0".repeat(32))
            .replace("{pack}", "baseline")
            .replace("{publisher}", "vendor")
            .replace("{budget}", "loans-month")
            .replace("{rule}", "denials");
        for (roles, browser) in &browsers {
            let path = path.replace("{person}", &browser.person);
            let answer = match method {
                "GET" => browser.get(&path),
                // Without the proof nothing is done, whoever asks; with it the permission is what is left to refuse.
                _ => browser.post(&path, &proof(browser)),
            };
            // Whoever is signed in sees their own session and can end it.
            let own = if permission == Permission::OwnSession { Reach::All } else { Reach::Nothing };
            let reach = roles.iter().map(|role| permitted(*role, permission)).max().unwrap_or(own);
            let refused = answer.status == 403 && answer.text().contains("carries the permission");
            assert_eq!(
                refused,
                reach == Reach::Nothing,
                "{roles:?} at {method} {path}: {} {}",
                answer.status,
                answer.text()
            );
        }
    }
}

/// Requirement: P27. Somebody who opens a page that is not theirs is told so in words of people: what they are, whose page it is, and that nothing is wrong otherwise.
#[test]
fn a_page_that_is_not_for_somebody_says_for_whom_it_is() {
    let house = House::new();
    let approver = Browser::of(&house, "Ap", &[Role::Approver]);
    let answer = approver.get("/people");
    assert_eq!(answer.status, 403);
    let page = answer.text();
    for part in ["Not open to your role", "You are Approver here", "Administrator", "Compliance officer"] {
        assert!(page.contains(part), "{part} is not said: {page}");
    }
    assert!(!page.contains("People and roles lists"), "somebody is sent to a page that they may not open");
    let nobody = Browser::of(&house, "No", &[]);
    assert!(nobody.get("/calls").text().contains("You are nothing yet here"));
}

/// The proof of a session, from a form that everybody has.
fn proof(browser: &Browser<'_>) -> Vec<(String, String)> {
    let page = browser.get("/").text();
    let from = page.find("action=\"/logout\"").expect("a way out");
    let csrf = super::browser::attribute(&page[from..], "value").expect("the proof");
    vec![("csrf".to_owned(), csrf)]
}

#[test]
fn somebody_without_a_role_is_told_whom_to_ask_sees_nothing_and_can_leave() {
    let house = House::new();
    let (_, admin) = house.person("Ada Lovelace", &[Role::Administrator]);
    house.live_system(&admin, "Loan support");
    let new = Browser::of(&house, "Nix", &[]);
    let page = new.page("/");
    assert!(page.contains("You have no role here yet"), "nobody says why nothing is there: {page}");
    assert!(page.contains("Ask whoever sent you your link"), "nobody is told whom to ask: {page}");
    for path in ["/inbox", "/search?q=loan"] {
        assert!(!new.page(path).contains("Loan support"), "{path} shows a system to somebody without a role");
    }
    let out = new.post("/logout", &proof(&new));
    assert_eq!(out.status, 303, "somebody without a role cannot sign out: {}", out.text());
    assert_eq!(new.get("/").status, 303, "the session goes on after signing out");
}

#[test]
fn what_a_role_may_not_see_is_not_drawn() {
    let house = House::new();
    let rail = |browser: &Browser<'_>| {
        let page = browser.page("/");
        let from = page.find("class=\"rail\"").expect("a rail");
        page[from..from + page[from..].find("</nav>").expect("its end")].to_owned()
    };
    let approver = rail(&Browser::of(&house, "Ap", &[Role::Approver]));
    for hidden in ["/calls", "/keys", "/people", "/packages", "/ledger"] {
        assert!(
            !approver.contains(&format!("href=\"{hidden}\"")),
            "an approver is shown {hidden}, which refuses them"
        );
    }
    assert!(approver.contains("href=\"/systems\"") && approver.contains("href=\"/inbox\""), "{approver}");
    let auditor = Browser::of(&house, "Au", &[Role::Auditor]);
    assert!(rail(&auditor).contains("href=\"/packages\""));
    for path in ["/systems", "/keys", "/policies", "/people"] {
        let page = auditor.page(path);
        for action in ["/systems/new", "/keys/new", "/policies/new", "/people/new"] {
            assert!(
                !page.contains(&format!("href=\"{action}\"")),
                "an auditor, who changes nothing, is offered {action} on {path}"
            );
        }
    }
}

#[test]
fn systems_of_others_are_nowhere_for_somebody_with_their_own() {
    let house = House::new();
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let theirs = house.live_system(&admin, "Foreign system");
    let (key, _) = house.key(&admin, &theirs);
    let (answered, denied) = house.calls(&theirs, &key);
    let developer = Browser::of(&house, "Dev", &[Role::Developer]);
    // The inventory is open to every role; what the system did, and its keys, are not.
    for path in
        ["/", "/calls", "/keys", "/ledger", "/search?q=backend", "/calls?format=csv", "/ledger?format=csv"]
    {
        let page = developer.page(path);
        assert!(
            !page.contains(&key[..12]) && !page.contains("backend") || path.starts_with("/search"),
            "{path} shows a foreign key: {page}"
        );
        assert!(!page.contains(&answered) && !page.contains(&denied), "{path} shows a foreign call");
    }
    assert!(!developer.page("/search?q=backend").contains("API key</bdi>"), "the search finds a foreign key");
    let entry = developer.house.ledger.reader().size() - 2;
    for path in [
        format!("/calls/{answered}"),
        format!("/keys/{key}"),
        format!("/ledger/{entry}"),
        format!("/keys/new?system={theirs}"),
    ] {
        let answer = developer.get(&path);
        let shown = answer.status == 200
            && (answer.text().contains("backend") || answer.text().contains("Foreign system"));
        assert!(!shown, "{path} shows what belongs to somebody else: {}", answer.text());
    }
    let foreign = developer.get(&format!("/calls?system={theirs}"));
    assert!(foreign.text().contains("Nothing matches"), "asking for a foreign system shows its calls");
    let gone = developer.get(&format!("/search?q={answered}"));
    assert_eq!(gone.status, 200, "an id leads to what lies outside the reach");
    let (_, fields) = form_of(&developer.page("/systems/new"), "system");
    let mut stage = fields.clone();
    stage.extend([("stage".to_owned(), "paused".to_owned()), ("reason".to_owned(), "mine".to_owned())]);
    assert_eq!(
        developer.post(&format!("/systems/{theirs}/stage"), &stage).status,
        403,
        "a foreign system can be paused"
    );
}
