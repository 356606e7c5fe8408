//! Providers in the console: as the running gateway has them, with how they did lately by the records.

use std::sync::Arc;

use tabellion_app::running::{Circuit, Fallback, Provider, Running};
use tabellion_app::work::forms::Time;
use tabellion_model::Micros;
use tabellion_model::body::Role;

use super::browser::Browser;
use crate::api::house::House;

/// Minutes until a circuit of these tests lets a call try.
const A_YEAR_MINUTES: u64 = 365 * 24 * 60;

fn provider(name: &str, open: bool) -> Provider {
    let at = |minute: u64| open.then(|| Time(Micros(1_772_438_400_000_000 + minute * 60_000_000)));
    Provider {
        name: name.to_owned(),
        interface: "openai",
        host: "api.example".to_owned(),
        region: None,
        retention_days: Some(0),
        training: "unknown".to_owned(),
        terms: None,
        terms_seen: None,
        models: vec!["small-*".to_owned()],
        aliases: Vec::new(),
        fallback: vec![Fallback { model: "small-*".to_owned(), then: vec!["spare-1".to_owned()] }],
        retries: 2,
        circuit: Circuit {
            open,
            failures: 0,
            opens_at: 10,
            since: at(0),
            until: at(if name == "trying" { 0 } else { A_YEAR_MINUTES }),
            trials: 3,
            not_sent: 41,
        },
    }
}

/// Requirement: N25.
#[test]
fn a_provider_shows_its_circuit_its_terms_and_the_calls_that_went_to_it() {
    let house = House::with(|settings| {
        let now = || vec![provider("local", true), provider("spare", false), provider("trying", true)];
        settings.running = Running { providers: Some(Arc::new(now)), masking: None };
    });
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    let system = house.live_system(&admin, "Loan support");
    let (key, _) = house.key(&admin, &system);
    house.calls(&system, &key);
    let browser = Browser::of(&house, "Abe", &[Role::Administrator]);
    let page = browser.page("/providers");
    for part in [
        "No: its circuit is open",
        "One call tries next",
        "Requests not sent",
        "small-*, then spare-1",
        "not declared, taken for yes",
        "not at all",
        "/calls?upstream=local",
    ] {
        assert!(page.contains(part), "{part} is not shown: {page}");
    }
    assert!(!page.contains("/calls?upstream=spare"), "a number of no call leads to a list");
    let list = browser.page("/calls?upstream=local");
    assert!(list.contains("Provider: "), "the filter cannot be taken off: {list}");
    // Who reads policies and no calls sees what is configured, and no numbers.
    let approver = Browser::of(&house, "Ap", &[Role::Approver]).page("/providers");
    assert!(approver.contains("local") && !approver.contains("/calls?"), "{approver}");
    let said = house.get(&admin, "/api/v1/providers").ok().json();
    assert_eq!(said["providers"][0]["circuit"]["not_sent"], 41, "{said}");
}

#[test]
fn without_a_gateway_nobody_is_told_that_there_is_no_provider() {
    let house = House::new();
    let browser = Browser::of(&house, "Abe", &[Role::Administrator]);
    assert!(browser.page("/providers").contains("No gateway runs in this process"));
    let (_, admin) = house.person("Ada", &[Role::Administrator]);
    assert_eq!(house.get(&admin, "/api/v1/providers").ok().json()["running"], false);
}
