//! Emergency stops of a person or an agent, ordered on a page.

use tabellion_model::body::{Role, StopScope};

use super::browser::Browser;
use crate::api::house::House;

/// Requirement: N11, G04.
#[test]
fn a_person_or_agent_is_stopped_on_the_page() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let typed = |scope, subject| {
        [("scope", scope), ("subject", subject), ("reason", "its calls go round in circles")]
    };
    let refused = ada.send("/stops", "order-stop", &typed("person", "4711"));
    assert!(refused.status == 400 && refused.text().contains("corp|4711"), "{}", refused.text());
    assert!(house.desk.views().gate_now().stops.is_empty(), "somebody was stopped whom nobody named");
    for (scope, subject, shown) in [
        ("person", "corp|47<11>", "person corp|47&#60;11&#62;"),
        ("agent", "corp|loan-agent", "agent corp|loan-agent"),
    ] {
        let page = ada.follow(&ada.send("/stops", "order-stop", &typed(scope, subject)));
        assert!(page.contains(shown), "who is stopped is not shown: {page}");
        assert!(ada.page("/policies").contains(shown), "the banner does not say who is stopped");
    }
    let gate = house.desk.views().gate_now();
    let scopes: Vec<Option<StopScope>> = gate.stops.iter().map(|stop| stop.scope.clone()).collect();
    let (person, agent) = ("corp|47<11>".to_owned(), "corp|loan-agent".to_owned());
    assert_eq!(scopes, [Some(StopScope::Person(person)), Some(StopScope::Agent(agent))]);
}
