//! Budgets of persons, teams and agents, set and read on pages.

use tabellion_model::body::{BudgetScope, Role};

use super::browser::Browser;
use crate::api::house::House;

/// Requirement: N23, G04.
#[test]
fn a_budget_of_a_person_team_or_agent_is_set_on_the_page() {
    let house = House::new();
    let ada = Browser::of(&house, "Ada", &[Role::Administrator]);
    let typed = |name, scope, subject| {
        [
            ("name", name),
            ("scope", scope),
            ("subject", subject),
            ("window", "month"),
            ("tokens", "5000"),
            ("note", "as agreed"),
        ]
    };
    for (name, subject, why) in [("q7", "4711", "corp|4711"), ("of-4711", "corp|4711", "Name has the person")]
    {
        let refused = ada.send("/budgets/new", "set-budget", &typed(name, "person", subject));
        let text = refused.text().to_lowercase();
        assert!(refused.status == 400 && text.contains(&why.to_lowercase()), "{text}");
    }
    assert!(house.desk.views().gate_now().budgets.is_empty(), "somebody was capped whom nobody named");
    for (name, scope, subject, shown) in [
        ("b1", "person", "corp|47<11>", "person corp|47&#60;11&#62;"),
        ("b2", "team", "corp|night", "team corp|night"),
        ("b3", "agent", "corp|loan-agent", "agent corp|loan-agent"),
    ] {
        let page = ada.follow(&ada.send("/budgets/new", "set-budget", &typed(name, scope, subject)));
        assert!(page.contains(shown), "whose it is is not shown: {page}");
        // The scope of before is sent again with what is raised.
        let raised = [("tokens", "9000"), ("note", "as agreed anew")];
        let page = ada.follow(&ada.send(&format!("/budgets/{name}"), "set-budget", &raised));
        assert!(page.contains("0 of 9,000 used") && page.contains(shown), "{page}");
    }
    let list = ada.page("/budgets");
    assert!(list.contains("team corp|night") && list.contains("agent corp|loan-agent"), "{list}");
    let gate = house.desk.views().gate_now();
    let held = gate.budgets.iter().map(|budget| budget.held.as_ref().expect("it can be read").scope.clone());
    let expected = [
        BudgetScope::Person("corp|47<11>".to_owned()),
        BudgetScope::Team("corp|night".to_owned()),
        BudgetScope::Agent("corp|loan-agent".to_owned()),
    ];
    assert_eq!(held.collect::<Vec<_>>(), expected);
    assert!(ada.page("/costs?by=budget").contains("Budget of a person, team or agent"));
}
