//! Changes: recorded once, said where, drafts kept, both versions shown when somebody else was faster.

use tabellion_model::body::Role;

use super::browser::{Browser, form_of, plain};
use crate::api::house::House;

#[test]
fn a_system_is_registered_and_the_page_says_where_that_was_recorded() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let typed = [
        ("name", "Loan support"),
        ("purposes", "loan-support, triage"),
        ("capture", "masked"),
        ("capture_reason", "a review of complaints"),
        ("description", "Answers officers."),
    ];
    let taken = browser.send("/systems/new", "system", &typed);
    let page = browser.follow(&taken);
    let index = house.ledger.reader().size() - 2;
    assert!(
        page.contains(&format!("Recorded at <a href=\"/ledger/{index}\">#{index}</a>")),
        "nobody learns where it was recorded: {page}"
    );
    assert!(page.contains(&format!("/api/v1/entries/{index}/receipt")), "the receipt is not at hand");
    for said in ["Loan support", "loan-support", "triage", "Answers officers.", "masked content", "Draft"] {
        assert!(page.contains(said), "{said} is lost: {page}");
    }
    let plain_visit =
        browser.page(taken.header("location").expect("a place").split('?').next().expect("a path"));
    assert!(!plain_visit.contains("Recorded at"), "an old page claims to be the answer to a change");
    let other = Browser::of(&house, "Bo", &[Role::Administrator]);
    let foreign = other.page(taken.header("location").expect("a place"));
    assert!(!foreign.contains("Recorded at"), "somebody is told that they did what another did");
}

#[test]
fn a_form_that_is_sent_twice_is_recorded_once() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let (action, mut fields) = form_of(&browser.page("/systems/new"), "system");
    for (name, text) in [("name", "Loan support"), ("purposes", "support"), ("capture", "none")] {
        fields.push((name.to_owned(), text.to_owned()));
    }
    let (first, second) = (browser.post(&action, &fields), browser.post(&action, &fields));
    assert_eq!(first.header("location"), second.header("location"), "a double click registers two systems");
}

#[test]
fn what_was_typed_is_kept_and_the_fault_is_said_at_its_field() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let typed = [
        ("name", "Loan \"support\" <b>"),
        ("purposes", "Loan Support"),
        ("capture", "none"),
        ("description", "kept & safe"),
    ];
    let size = house.ledger.reader().size();
    let answer = browser.send("/systems/new", "system", &typed);
    let page = answer.text();
    assert_eq!(answer.status, 400, "{page}");
    assert_eq!(house.ledger.reader().size(), size, "a refused form was recorded");
    for kept in ["Loan \"support\" <b>", "Loan Support", "kept & safe"] {
        assert!(plain(&page).contains(kept), "{kept} has to be typed again");
    }
    assert!(!page.contains("<b>"), "what was typed became markup");
    assert!(page.contains("href=\"#system-purposes\""), "the summary does not lead to the field: {page}");
    assert!(
        page.contains("id=\"system-purposes-fault\"") && page.contains("aria-invalid=\"true\""),
        "the field does not say its fault"
    );
    assert!(page.contains("role=\"alert\""), "nobody who listens learns of it");
    // What is wrong is said at once, not one by one.
    let long = "x".repeat(2001);
    let typed = [("name", ""), ("purposes", "support"), ("capture", "everything"), ("description", &long)];
    let page = browser.send("/systems/new", "system", &typed).text();
    for field in ["name", "capture", "description"] {
        assert!(
            page.contains(&format!("href=\"#system-{field}\"")),
            "{field} is named only after the others are corrected: {page}"
        );
    }
}

#[test]
fn somebody_who_was_slower_loses_nothing_and_overwrites_nothing() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let bo = Browser::of(&house, "Bo", &[Role::GovernanceEngineer]);
    let path = "/policies/house-rules";
    ada.follow(&ada.send(
        "/policies/new",
        "policy",
        &[("name", "house-rules"), ("text", "permit one"), ("note", "first")],
    ));
    let (action, mut slow) = form_of(&bo.page(&format!("{path}/edit")), "policy");
    ada.follow(&ada.send(&format!("{path}/edit"), "policy", &[("text", "permit two"), ("note", "second")]));
    slow.extend([("text".to_owned(), "permit three".to_owned()), ("note".to_owned(), "my note".to_owned())]);
    let answer = bo.post(&action, &slow);
    assert_eq!(answer.status, 412, "an unseen change was overwritten: {}", answer.text());
    let page = plain(&answer.text());
    for shown in ["permit two", "permit three", "my note"] {
        assert!(page.contains(shown), "{shown} is lost: {page}");
    }
    let (_, fresh) = form_of(&answer.text(), "policy");
    assert!(
        fresh.contains(&("version".to_owned(), "2".to_owned())),
        "sending it again could never work: {fresh:?}"
    );
    let page = bo.page(path);
    assert!(page.contains("permit two") && !page.contains("permit three"), "{page}");
    let compared = bo.page(&format!("{path}?from=1&version=2"));
    assert!(
        compared.contains("<tr class=\"gone\">") && compared.contains("<tr class=\"new\">"),
        "the difference of two versions is not shown: {compared}"
    );
}

#[test]
fn a_key_is_shown_once_and_works_and_ends() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let (_, admin) = house.person("Bo", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (action, mut fields) = form_of(&browser.page("/keys/new"), "key");
    fields.extend([("system".to_owned(), system), ("name".to_owned(), "branch".to_owned())]);
    let first = browser.post(&action, &fields).ok().text();
    let from = first.find("tbl_").expect("the key is shown");
    let secret: String =
        first[from..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_-".contains(*c)).collect();
    house.get(&secret, "/api/v1/calls").ok();
    let again = browser.post(&action, &fields).ok().text();
    assert!(!again.contains(&secret) && again.contains("shown before"), "a reload shows the secret again");
    let id = secret.strip_prefix("tbl_").and_then(|rest| rest.split_once('_')).expect("an id").0.to_owned();
    let page = browser.page(&format!("/keys/{id}"));
    assert!(!page.contains(&secret) && page.contains("Works"), "{page}");
    browser.follow(&browser.send(&format!("/keys/{id}"), "revoke", &[("reason", "lost")]));
    house.get(&secret, "/api/v1/calls").refused(401, "not_signed_in");
}

#[test]
fn a_person_is_added_granted_let_in_and_nobody_raises_themselves() {
    let house = House::new();
    let browser = Browser::of(&house, "Ada", &[Role::Administrator]);
    let page = browser.follow(&browser.send(
        "/people/new",
        "person",
        &[("name", "Grace Hopper"), ("email", "g@example.org"), ("roles", "auditor")],
    ));
    let path = format!("/people/{}", &page[page.find("/people/").map(|at| at + 8).expect("a path")..][..32]);
    assert!(page.contains("Grace Hopper") && page.contains("Auditor"), "{page}");
    let new = Browser::of(&house, "Nix", &[]);
    let path_of_new = format!("/people/{}", new.person);
    let granted = browser.follow(&browser.send(&path_of_new, "grant", &[("role", "developer")]));
    assert!(granted.contains("Developer"), "{granted}");
    let link = browser.send(&path_of_new, "link", &[("valid_minutes", "60")]).ok().text();
    let token: String = link[link.find("#link=").map(|at| at + 6).expect("a link")..]
        .chars()
        .take_while(|c| *c != '"')
        .collect();
    assert!(super::browser::come_in(&house, &token).starts_with("tabellion_session="));
    let own = browser.page(&format!("/people/{}", browser.person));
    assert!(!own.contains("id=\"form-grant\""), "somebody is offered to raise themselves");
    let last = browser.send(
        &format!("/people/{}", browser.person),
        "revoke",
        &[("role", "administrator"), ("reason", "leaving")],
    );
    assert_eq!(last.status, 409, "nobody could let people in any more");
    assert!(
        last.text().contains("Grant the role to somebody else first"),
        "nobody is told what to do: {}",
        last.text()
    );
    drop(path);
}

#[test]
fn a_package_is_built_verified_and_downloaded_and_recorded_once() {
    let house = House::new();
    let browser = Browser::of(&house, "Cleo", &[Role::ComplianceOfficer]);
    let counted = browser.page("/packages?disclose=none");
    assert!(counted.contains("id=\"count\""), "{counted}");
    // As the form is offered, without a word typed.
    let built = browser.send("/packages", "package", &[("disclose", "business")]).ok().text();
    assert!(
        built.contains("Statement of Applicability inside"),
        "an auditor for ISO/IEC 42001 is handed a package without the framework, and nobody says so: {built}"
    );
    assert!(
        built.contains("The verifier says: holds"),
        "the package does not hold, or nobody says so: {built}"
    );
    let size = house.ledger.reader().size();
    let from = built.find("action=\"/packages/download\"").expect("a download");
    let form = &built[from..from + built[from..].find("</form>").expect("its end")];
    let fields: Vec<_> = form
        .split("<input type=\"hidden\"")
        .skip(1)
        .map(|input| {
            (
                super::browser::attribute(input, "name").expect("a name"),
                super::browser::attribute(input, "value").expect("a value"),
            )
        })
        .collect();
    let file = browser.post("/packages/download", &fields).ok();
    assert_eq!(file.header("content-type"), Some("application/zip"));
    assert_eq!(
        house.ledger.reader().size(),
        size,
        "downloading what was built is recorded as another export"
    );
    let report = tabellion_model::verify(&file.body, Some(&house.trust()));
    assert_eq!(report.exit_code(), 0, "an auditor would refuse it: {}", report.to_text());
    let held = |file: &[u8], name: &[u8]| file.windows(name.len()).any(|bytes| bytes == name);
    assert!(held(&file.body, b"framework/index.json"), "the page speaks of an index that is not there");
    for chosen in [("framework", "none"), ("disclose", "none")] {
        let bare = browser.send("/packages", "package", &[chosen]).ok().text();
        assert!(
            bare.contains("no index, no statuses, no Statement of Applicability"),
            "nobody is told that the framework is not in the package ({chosen:?})"
        );
    }
    let mixed = browser.send("/packages", "package", &[("disclose", "business"), ("label", "for Ada")]);
    assert_eq!(mixed.status, 400, "a label would silently take the index out of the package");
    let nothing = browser.send("/packages", "package", &[("from", "2030-01-01"), ("to", "2030-02-01")]);
    assert_eq!(nothing.status, 422, "{}", nothing.text());
    assert!(
        nothing.text().contains("nothing was committed") || nothing.text().contains("Nothing was committed")
    );
}
