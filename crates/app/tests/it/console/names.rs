//! Who somebody is, is told to whoever may read people, and to themselves; everybody else sees an id that says nothing.

use serde_json::{Value, json};
use tabellion_app::api::Access;
use tabellion_model::body::Role;

use super::browser::{Browser, come_in};
use crate::api::house::House;
use crate::api::registers::{assessment, inventory};

/// A person with a name and an address that nothing else has.
fn known(house: &House, admin: &str, name: &str, roles: &[Role]) -> (String, String) {
    let address = format!("{}@people.example", name.to_lowercase().replace(' ', "."));
    let body = json!({"name": name, "email": address, "roles": roles});
    let added = house.post(admin, "/api/v1/people", &body).ok().json();
    let id = added["result"]["id"].as_str().expect("an id").to_owned();
    let token = house.session(&id);
    (id, token)
}

/// An organisation in which everybody did something: system, key, call and the register's item.
struct Did {
    system: String,
    key: String,
    call: String,
    assessment: String,
}

fn everybody_does_something(house: &House, owner: (&str, &str)) -> Did {
    let (_, admin) = house.person("Ada Vantongeren", &[Role::Administrator]);
    let (otto, engineer) = known(house, &admin, "Otto Blaufuss", &[Role::GovernanceEngineer]);
    let (_, officer) = known(house, &admin, "Cleo Quistgaard", &[Role::ComplianceOfficer]);
    let (_, second) = known(house, &admin, "Nora Thistlewood", &[Role::ComplianceOfficer, Role::Auditor]);
    let system = house.live_system(owner.1, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house
        .ask("PUT", "/api/v1/policies/base")
        .bearer(&engineer)
        .json(&json!({"text": "permit", "note": "the first"}))
        .send()
        .ok();
    let (call, _) = house.calls(&system, &key);
    house.post(&officer, &format!("/api/v1/calls/{call}/viewings"), &json!({"reason": "a complaint"})).ok();
    for (register, content) in
        [("ai_system", inventory(&otto, &["small"])), ("impact_assessment", assessment(&otto, &["small"]))]
    {
        house.approved(&engineer, &officer, register, &json!({"system": system, "content": content}));
    }
    let waits = house.open_item(
        &engineer,
        "impact_assessment",
        &json!({"system": system, "content": assessment(owner.0, &["small", "large"])}),
    );
    house.submit(&engineer, &waits);
    let statement = house.get(&engineer, "/api/v1/soa").ok().json();
    for row in statement["rows"].as_array().expect("rows") {
        let path = format!("/api/v1/soa/{}", row["control"].as_str().expect("a control"));
        let body = json!({"decision": "applied", "reason": "by risk"});
        house.ask("PUT", &path).bearer(&engineer).json(&body).send().ok();
    }
    let digest: Value = house.get(&engineer, "/api/v1/soa").ok().json()["digest"].clone();
    house.post(&second, "/api/v1/soa/approval", &json!({"digest": digest})).ok();
    Did { system, key, call, assessment: waits.id }
}

/// Every page, table and route that somebody signed in may ask for.
fn readable() -> Vec<String> {
    let signed_in = |method: &str, access: Access| method == "GET" && matches!(access, Access::Needs(_));
    let pages = tabellion_app::console::pages().into_iter();
    let pages = pages.filter(|(method, _, access)| signed_in(method, *access));
    let pages = pages.flat_map(|(_, path, _)| [path.to_owned(), format!("{path}?format=csv")]);
    let routes = tabellion_app::api::routes().into_iter();
    let routes = routes.filter(|(method, _, access)| signed_in(method, *access)).map(|(_, path, _)| path);
    pages.chain(routes).chain(["/search?q=a".to_owned()]).collect()
}

#[test]
fn names_and_addresses_of_others_are_for_whoever_may_read_people() {
    let house = House::new();
    let (olga, owner) = house.person("Olga Zweigelt", &[Role::BusinessOwner]);
    let did = everybody_does_something(&house, (&olga, &owner));
    let (dev, developer) = house.person("Dora Umlauf", &[Role::Developer]);
    let (abe, approver) = house.person("Abe Grunewald", &[Role::Approver]);
    let (nix, nobody) = house.person("Nix Pfefferkorn", &[]);
    let size = house.ledger.reader().size();
    let secret = [
        "Vantongeren",
        "Blaufuss",
        "Quistgaard",
        "Thistlewood",
        "Zweigelt",
        "Umlauf",
        "Grunewald",
        "Pfefferkorn",
        "people.example",
    ];
    let filled = |path: &str, own: &str, register: &str, index: u64| {
        let item = if register == "ai_system" { &did.system } else { &did.assessment };
        path.replace("{register}", register)
            .replace("{system}", &did.system)
            .replace("{key}", &did.key)
            .replace("{call}", &did.call)
            .replace("{item}", item)
            .replace("{erasure}", &"0".repeat(32))
            .replace("{policy}", "base")
            .replace("{control}", "A.5.2")
            .replace("{role}", "auditor")
            .replace("{person}", own)
            .replace("{index}", &index.to_string())
    };
    for (person, token, own) in [
        (&olga, &owner, "Zweigelt"),
        (&dev, &developer, "Umlauf"),
        (&abe, &approver, "Grunewald"),
        (&nix, &nobody, "Pfefferkorn"),
    ] {
        let browser =
            Browser { house: &house, cookie: come_in(&house, &house.link(person)), person: person.clone() };
        let mut opened = 0;
        for path in readable() {
            let indexes = if path.contains("{index}") { 0..size } else { 0..1 };
            let registers: &[&str] =
                if path.contains("{register}") { &["ai_system", "impact_assessment"] } else { &[""] };
            for (index, register) in indexes.flat_map(|index| registers.iter().map(move |r| (index, r))) {
                let path = filled(&path, person, register, index);
                let answer =
                    if path.starts_with("/api/") { house.get(token, &path) } else { browser.get(&path) };
                opened += u32::from(answer.status == 200);
                let said = String::from_utf8_lossy(&answer.body).replace(own, "");
                for name in secret {
                    assert!(!said.contains(name), "{path} tells {own} of {name}: {said}");
                }
            }
        }
        assert!(opened > 10, "{own} opened {opened} pages, and nothing is tried");
    }
    // Whoever may read people is told, so that the names above are really there to be told.
    let auditor = Browser::of(&house, "Ida", &[Role::Auditor]);
    let page = auditor.page(&format!("/registers/ai_system/{}", did.system));
    assert!(page.contains("Otto Blaufuss") && page.contains("Cleo Quistgaard"), "{page}");
}
